/* Programs as exported C, many in a file, so that a compiler starts once for all of them. */
#include "fuzz.h"
#include "plan/plan.h"

#include <dlfcn.h>

enum { MOST = 128, PARAMETERS = 160, GUARD = 64 };

typedef struct {
    const fuzz_program *p;
    ag_plan *plan;
    int parameters, outputs;               /* that the function has */
    const ag_node *parameter[PARAMETERS];
    int output[FUZZ_OUTPUTS];              /* which of the program's each is */
} exported;

/* ---- what the function takes ------------------------------------------------------------------------------------- */

static const ag_node *assigned(const ag_node *y)
{
    while (y->op == &agi_group) y = y->in[y->nin - 1];
    return y->op->flags & AG_EFFECT ? y->in[0] : NULL;
}

static void find_members(exported *x)
{
    for (uint32_t b = 0; b < x->plan->nbuffers; b++) {
        const agi_buffer *buffer = &x->plan->buffer[b];
        if (buffer->role != AGI_LEAF || buffer->node->op != &agi_parameter) continue;
        ck_assert_int_lt(x->parameters, PARAMETERS);
        ag_node *parameter = (ag_node *)(uintptr_t)buffer->node;
        char name[16];
        snprintf(name, sizeof name, "v%u", (unsigned)parameter->id); /* optimisers' have names, others have not */
        ag_name(parameter, name);
        x->parameter[x->parameters++] = parameter;
    }
    for (int k = 0; k < x->p->n; k++) {
        const ag_node *y = x->p->node[k];
        int again = y->op == &agi_parameter || assigned(y);
        for (int j = 0; j < k; j++) again |= x->p->node[j] == y;
        if (!again) x->output[x->outputs++] = k;
    }
}

static size_t bytes_of(const ag_node *x)
{
    return (size_t)ag_size_of(x) * ag_dtype_size(ag_type_of(x));
}

/* Parameters, then outputs. */
static const ag_node *member(const exported *x, int k)
{
    return k < x->parameters ? x->parameter[k] : x->p->node[x->output[k - x->parameters]];
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Runs the function on the parameters' initial values, and gives back what it made of them. */
static void write_caller(FILE *to, const exported *x, int number)
{
    fprintf(to, "int call_%d(void *const *parameters, void *const *outputs, void *workspace)\n{\n", number);
    if (x->parameters) fprintf(to, "    struct f%d_parameters p = f%d_initial;\n", number, number);
    if (x->outputs) fprintf(to, "    struct f%d_outputs o;\n", number);
    for (int k = 0; k < x->outputs; k++) fprintf(to, "    o.output%d = outputs[%d];\n", k, k);
    fprintf(to, "    int status = f%d(%s%sworkspace);\n", number, x->parameters ? "&p, " : "",
            x->outputs ? "&o, " : "");
    for (int k = 0; k < x->parameters; k++)
        fprintf(to, "    memcpy(parameters[%d], p.parameter_v%u, sizeof p.parameter_v%u);\n", k,
                (unsigned)x->parameter[k]->id, (unsigned)x->parameter[k]->id);
    fprintf(to, "    return status;\n}\nconst long size_%d = f%d_WORKSPACE;\n\n", number, number);
}

/* A part of a program that puts out all that the function computes. */
static void write_alone(FILE *to, const exported *x, int number)
{
    fprintf(to, "#ifdef ALONE\nint alone_%d(void)\n{\n    void *memory[%d];\n", number,
            x->parameters + x->outputs + 1);
    const int all = x->parameters + x->outputs;
    for (int k = 0; k < all; k++)
        fprintf(to, "    memory[%d] = calloc(%lu, 1);\n", k, (unsigned long)bytes_of(member(x, k)));
    fprintf(to, "    memory[%d] = calloc(size_%d, 1);\n", all, number);
    fprintf(to, "    if (call_%d(memory, memory + %d, memory[%d])) return 1;\n", number, x->parameters, all);
    for (int k = 0; k < all; k++)
        fprintf(to, "    fwrite(memory[%d], 1, %lu, stdout);\n", k, (unsigned long)bytes_of(member(x, k)));
    fprintf(to, "    for (int k = 0; k <= %d; k++) free(memory[k]);\n    return 0;\n}\n#endif\n\n", all);
}

static void write(FILE *to, exported *x, int number)
{
    char message[256] = "", prefix[16];
    ag_c_options o = { .initial = 1, .message = message, .message_size = sizeof message, .small = number % 3 == 2 };
    ag_options how = test_options();
    how.unfused = number % 4 == 3;
    x->plan = ag_compile(x->p->g, x->p->n, x->p->node, &how);
    ck_assert_msg(x->plan != NULL, "%s: %s", x->p->label, ag_graph_error(x->p->g));
    find_members(x);
    snprintf(prefix, sizeof prefix, "f%d", number);
    ck_assert_msg(ag_write_c(x->plan, prefix, to, NULL, &o) == 0, "%s: %s", x->p->label, message);
    write_caller(to, x, number);
    write_alone(to, x, number);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static char *guarded(size_t bytes)
{
    char *memory = malloc(bytes + GUARD);
    memset(memory, 0x5a, bytes + GUARD);
    return memory;
}

static void check_guard(const exported *x, const char *memory, size_t bytes)
{
    for (size_t k = bytes; k < bytes + GUARD; k++)
        ck_assert_msg(memory[k] == 0x5a, "%s: exported C writes beyond its memory", x->p->label);
}

static void *find(void *library, const char *format, int number)
{
    char name[32];
    snprintf(name, sizeof name, format, number);
    void *found = dlsym(library, name);
    ck_assert_msg(found != NULL, "no %s", name);
    return found;
}

static void compare(const exported *x, const char *how, char *const parameter[], char *const output[])
{
    for (int k = 0; k < x->outputs; k++) {
        check_guard(x, output[k], bytes_of(x->p->node[x->output[k]]));
        fuzz_compare(x->p, how, x->output[k], output[k]);
    }
    for (int k = 0; k < x->parameters; k++) check_guard(x, parameter[k], bytes_of(x->parameter[k]));
    for (int i = 0; i < x->p->n; i++)
        for (int k = 0; k < x->parameters; k++)
            if (assigned(x->p->node[i]) == x->parameter[k]) fuzz_compare(x->p, how, i, parameter[k]);
    fuzz_counted.runs++;
}

static void run(void *library, const exported *x, int number, const char *how)
{
    int (*call)(void *const *, void *const *, void *);
    char *parameter[PARAMETERS], *output[FUZZ_OUTPUTS];
    size_t bytes = (size_t)*(const long *)find(library, "size_%d", number);
    char *workspace = guarded(bytes);
    for (int k = 0; k < x->parameters; k++) parameter[k] = guarded(bytes_of(x->parameter[k]));
    for (int k = 0; k < x->outputs; k++) output[k] = guarded(bytes_of(x->p->node[x->output[k]]));
    *(void **)&call = find(library, "call_%d", number);
    int status = call((void *const *)parameter, (void *const *)output, workspace);
    ck_assert_msg(status == 0, "%s, %s: status %d", x->p->label, how, status);
    check_guard(x, workspace, bytes);
    compare(x, how, parameter, output);
    for (int k = 0; k < x->parameters; k++) free(parameter[k]);
    for (int k = 0; k < x->outputs; k++) free(output[k]);
    free(workspace);
}

static void compile_and_run(const char *folder, const char *compiler, int n, const exported x[])
{
    const char *level = getenv("LEVEL"); /* what is wrong in the text is wrong however it is compiled */
    char command[512];
    snprintf(command, sizeof command, "command -v %s >/dev/null", compiler);
    if (system(command)) {
        printf("skipped: %s is not here\n", compiler);
        return;
    }
    snprintf(command, sizeof command, "%s -std=c99 -w -O%d -ffp-contract=off -fPIC -shared %s/all.c -o %s/%s.so -lm",
             compiler, level ? atoi(level) : 0, folder, folder, compiler);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, "%s/%s.so", folder, compiler);
    void *library = dlopen(command, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    snprintf(command, sizeof command, "exported C, %s", compiler);
    for (int k = 0; k < n; k++) run(library, &x[k], k, command);
    dlclose(library);
}

/* As a program, where there is such a compiler, and this machine runs what it makes. */
static void run_alone(const char *folder, const char *compiler, int n, const exported x[])
{
    char command[512];
    snprintf(command, sizeof command, "cd %s && echo 'int main(void){return 0;}' >none.c && %s none.c -o none"
             " 2>none.txt && ./none", folder, compiler);
    if (system(command)) {
        printf("skipped: nothing runs of %s\n", compiler);
        return;
    }
    snprintf(command, sizeof command, "cd %s && %s -DALONE -std=c99 -w -O0 -ffp-contract=off all.c -o all -lm && ./all"
             " >all.out", folder, compiler);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, "%s/all.out", folder);
    FILE *told = fopen(command, "r");
    for (int k = 0; k < n; k++) {
        char *memory[PARAMETERS + FUZZ_OUTPUTS];
        const int all = x[k].parameters + x[k].outputs;
        for (int j = 0; j < all; j++) {
            const size_t bytes = bytes_of(member(&x[k], j));
            memory[j] = guarded(bytes);
            ck_assert_uint_eq(fread(memory[j], 1, bytes, told), bytes);
        }
        compare(&x[k], compiler, memory, memory + x[k].parameters);
        for (int j = 0; j < all; j++) free(memory[j]);
    }
    fclose(told);
}

void fuzz_run_exported(const char *folder, const char *const compilers[], int sanitized, int n,
                       const fuzz_program p[])
{
    static exported x[MOST];
    char path[128];
    ck_assert_int_le(n, MOST);
    snprintf(path, sizeof path, "%s/all.c", folder);
    FILE *to = fopen(path, "w");
    fprintf(to, "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n");
    for (int k = 0; k < n; k++) {
        x[k] = (exported){ .p = &p[k] };
        write(to, &x[k], k);
    }
    fprintf(to, "#ifdef ALONE\nint main(void)\n{\n");
    for (int k = 0; k < n; k++) fprintf(to, "    if (alone_%d()) return %d;\n", k, k % 100 + 1);
    fprintf(to, "    return 0;\n}\n#endif\n");
    fclose(to);
    run_alone(folder, "gcc -m32 -msse2 -mfpmath=sse", n, x);
    if (sanitized) run_alone(folder, "gcc -fsanitize=address,undefined -fno-sanitize-recover", n, x);
    for (; *compilers; compilers++) compile_and_run(folder, *compilers, n, x);
    for (int k = 0; k < n; k++) ag_plan_free(x[k].plan);
}
