/* Plans as C: every row of the table of operations is written, compiled without a warning, and run beside the
 * interpreter. What is arithmetic agrees to the last bit. Functions are libm's in C and vectorised in the interpreter's
 * passes and vector calls: results are compared within units of the last place, and once more, to the last bit, with
 * the functions of the generated code replaced by the interpreter's. */
#include "op_table.h"
#include "run/run.h"

#include <dlfcn.h>
#include <unistd.h>

enum { MOST = 1024, MOST_NODES = 16, GUARD = 64, FILES = 2 /* compiled at the same time */ };

/* ---- files of exported functions --------------------------------------------------------------------------------- */

typedef struct {
    char label[128];
    ag_graph *g;
    ag_plan *plan;
    int n, pointwise;        /* the first node is one pointwise operation */
    ag_node *node[MOST_NODES];
    double tolerance;        /* relative to the largest element, if bits may differ; 0: some units of the last place */
    int parameters, outputs; /* that the function has */
    int vectors, programs, inexact; /* vectors: passes and vector calls, whose functions are not libm's */
} exported;

typedef struct {
    char folder[64];
    FILE *source[FILES];
    int n;
    exported all[MOST];
} batch;

/* Members word0, word1, ... that the text declares. */
static int members(const char *text, const char *format)
{
    char word[32];
    for (int n = 0;; n++) {
        snprintf(word, sizeof word, format, n);
        if (!strstr(text, word)) return n;
    }
}

/* Runs the function on the parameters' initial values, and gives back what it made of them. */
static void write_caller(FILE *to, const exported *x, int number)
{
    fprintf(to, "int call_%d(void *const *parameters, void *const *outputs, void *workspace);\n", number);
    fprintf(to, "int call_%d(void *const *parameters, void *const *outputs, void *workspace)\n{\n", number);
    if (x->parameters) fprintf(to, "    struct f%d_parameters p = f%d_initial;\n", number, number);
    if (x->outputs) fprintf(to, "    struct f%d_outputs o;\n", number);
    fprintf(to, "    int status;\n    (void)parameters, (void)outputs;\n");
    for (int k = 0; k < x->outputs; k++) fprintf(to, "    o.output%d = outputs[%d];\n", k, k);
    fprintf(to, "    status = f%d(%s%sworkspace);\n", number, x->parameters ? "&p, " : "", x->outputs ? "&o, " : "");
    for (int k = 0; k < x->parameters; k++)
        fprintf(to, "    memcpy(parameters[%d], p.parameter%d, sizeof p.parameter%d);\n", k, k, k);
    fprintf(to, "    return status;\n}\nextern const long size_%d;\nconst long size_%d = f%d_WORKSPACE;\n\n", number,
            number, number);
}

static int has_own_order(const ag_op *op)
{
    return op == &agi_conv || op == &agi_attention || op == &agi_attention_slope || op == &agi_avg_pool_slope ||
           op == &agi_max_pool_slope || op == &agi_logcumsumexp; /* whose kernel calls libm's functions */
}

/* Steps of each kind; as inexact loops, which may hold all others, and those whose sums have not the kernels' order. */
static void count_steps(exported *x, int loose)
{
    for (int k = 0; k < x->plan->nsteps; k++) {
        const agi_step *s = &x->plan->step[k];
        x->vectors += s->kind == AGI_PASS || (s->kind == AGI_PROGRAM && s->is.program->vector_calls);
        x->programs += s->kind == AGI_PROGRAM;
        x->inexact += s->kind == AGI_PRODUCT || s->kind == AGI_LOOP;
        x->inexact += s->kind == AGI_CALL && (loose || has_own_order(s->is.call->node->op));
    }
}

static void add(batch *f, exported x, int unfused, int loose)
{
    char *text, message[256] = "", prefix[16];
    size_t bytes;
    ag_options options = test_options();
    options.unfused = unfused;
    x.plan = ag_compile(x.g, x.n, x.node, &options);
    ck_assert_msg(x.plan != NULL, "%s", ag_graph_error(x.g));
    count_steps(&x, loose);
    FILE *memory = open_memstream(&text, &bytes);
    snprintf(prefix, sizeof prefix, "f%d", f->n);
    ag_c_options o = { .initial = 1, .libm = 1, .message = message, .message_size = sizeof message };
    ck_assert_msg(ag_write_c(x.plan, prefix, memory, NULL, &o) == 0, "%s: %s", x.label, message);
    fclose(memory);
    char *declared = strstr(text, "extern \"C\"");
    *declared = 0;
    x.parameters = members(text, " parameter%d[");
    x.outputs = members(text, " *output%d;");
    *declared = 'e';
    x.inexact |= strstr(text, "agi_") != NULL; /* functions of functions */
    fputs(text, f->source[f->n % FILES]);
    write_caller(f->source[f->n % FILES], &x, f->n);
    ck_assert_int_lt(f->n, MOST);
    f->all[f->n++] = x;
    free(text);
}

/* A case of the table: its value and first derivatives. */
static void add_case(batch *f, op_case c, ag_dtype dtype, int unfused)
{
    op_built b = op_build_case(&c, dtype);
    op_outputs p = op_program(&c, &b, 1);
    exported x = { .g = b.g, .n = p.n, .pointwise = c.pointwise };
    snprintf(x.label, sizeof x.label, "%s, %s%s", c.label, dtype == AG_F32 ? "f32" : "f64", unfused ? ", unfused" : "");
    memcpy(x.node, p.node, sizeof p.node);
    ag_name(ag_find(b.g, "random/seed"), "random: seed"); /* members go by number where a name cannot be spelled */
    ag_name(ag_find(b.g, "random/counter"), "random: counter");
    add(f, x, unfused, c.flags & ROW_LOOSE);
    op_outputs_free(&p);
    op_case_free(&c);
}

/* ---- the functions of the generated code ------------------------------------------------------------------------- */

/* Those of <math.h> that have vector versions. */
#define FUNCTIONS(F)                                                                                                \
    F(exp, (a)) F(expm1, (a)) F(log, (a)) F(log1p, (a)) F(sin, (a)) F(cos, (a)) F(tan, (a)) F(asin, (a)) F(acos, (a)) \
    F(atan, (a)) F(sinh, (a)) F(cosh, (a)) F(tanh, (a)) F(erf, (a)) F(erfc, (a)) F(pow, (a, b)) F(atan2, (a, b))

static int isa_of_test;

#define VERSIONS(name, call)                                                                                    \
    static double libm_##name(double a, double b) { return (void)b, name call; }                                \
    static float libm_##name##f(float a, float b) { return (void)b, name##f call; }                             \
    static double own_##name(double a, double b)                                                                \
    {                                                                                                           \
        double y;                                                                                               \
        agi_kernels_of(isa_of_test, AG_F64)->point[AG_CODE_##name](1, &y, &a, &b, &b);                          \
        return y;                                                                                               \
    }                                                                                                           \
    static float own_##name##f(float a, float b)                                                                \
    {                                                                                                           \
        float y;                                                                                                \
        agi_kernels_of(isa_of_test, AG_F32)->point[AG_CODE_##name](1, &y, &a, &b, &b);                          \
        return y;                                                                                               \
    }
FUNCTIONS(VERSIONS)

static const struct {
    const char *name, *call;
    double (*f64[2])(double, double); /* libm's, ours */
    float (*f32[2])(float, float);
} functions[] = {
#define ENTRY(name, call) { #name, #call, { libm_##name, own_##name }, { libm_##name##f, own_##name##f } },
    FUNCTIONS(ENTRY)
};

/* The generated code calls through pointers. */
static void write_functions(FILE *to)
{
    fprintf(to, "#include <math.h>\n#include <string.h>\n");
    for (size_t k = 0; k < COUNT(functions); k++) {
        const char *name = functions[k].name, *call = functions[k].call, *more = strchr(call, ',') ? "" : ", 0";
        int inner = (int)strlen(call) - 2;
        fprintf(to, "extern double (*use_%s)(double, double);\ndouble (*use_%s)(double, double);\n", name, name);
        fprintf(to, "extern float (*use_%sf)(float, float);\nfloat (*use_%sf)(float, float);\n", name, name);
        fprintf(to, "#define %s%s use_%s(%.*s%s)\n", name, call, name, inner, call + 1, more);
        fprintf(to, "#define %sf%s use_%sf(%.*s%s)\n", name, call, name, inner, call + 1, more);
    }
}

static void *find(void *library, const char *name)
{
    void *found = dlsym(library, name);
    ck_assert_msg(found != NULL, "no %s", name);
    return found;
}

static void use_functions(void *library, int own)
{
    for (size_t k = 0; k < COUNT(functions); k++) {
        char name[32];
        snprintf(name, sizeof name, "use_%s", functions[k].name);
        *(double (**)(double, double))find(library, name) = functions[k].f64[own];
        snprintf(name, sizeof name, "use_%sf", functions[k].name);
        *(float (**)(float, float))find(library, name) = functions[k].f32[own];
    }
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

typedef int (*caller)(void *const *parameters, void *const *outputs, void *workspace);

static void *guarded(size_t bytes)
{
    char *memory = malloc(bytes + GUARD);
    memset(memory, 0x5a, bytes + GUARD);
    return memory;
}

static void check_guard(const exported *x, const char *memory, size_t bytes)
{
    for (size_t k = bytes; k < bytes + GUARD; k++)
        ck_assert_msg(memory[k] == 0x5a, "%s writes beyond its memory", x->label);
}

static size_t bytes_of(const ag_node *x)
{
    return (size_t)ag_size_of(x) * ag_dtype_size(ag_type_of(x));
}

static double element(const void *data, ag_dtype dtype, int64_t i)
{
    if (dtype == AG_F32) return ((const float *)data)[i];
    return dtype == AG_F64 ? ((const double *)data)[i] : (double)((const int64_t *)data)[i];
}

static double unit(ag_dtype dtype, double x)
{
    return dtype == AG_F32 ? (double)(nextafterf((float)x, INFINITY) - (float)x) : nextafter(x, INFINITY) - x;
}

/* How far element i may be from what is wanted. A pointwise value: 4 units of its last place; others 4 of that of the
 * largest element; derivatives, made of several operations, 32; with systems of equations on the way 1024. */
static double slack(const exported *x, ag_dtype dtype, int first, double largest, double want)
{
    if (x->tolerance > 0) return x->tolerance * fmax(1, largest);
    if (x->inexact) return 1024 * unit(dtype, largest);
    if (!first) return 32 * unit(dtype, largest);
    return 4 * unit(dtype, x->pointwise ? fabs(want) : largest);
}

typedef enum { EXACT, NEAR } closeness;

static void compare(const exported *x, const char *how, int first, const ag_node *node, const void *got,
                    const void *want, closeness close)
{
    ag_dtype dtype = ag_type_of(node);
    double largest = 0;
    int64_t n = ag_size_of(node);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(element(want, dtype, i)));
    for (int64_t i = 0; i < n; i++) {
        double a = element(got, dtype, i), b = element(want, dtype, i);
        int near = test_same_bits(a, b);
        if (close == NEAR && !near) near = a == b || fabs(a - b) <= slack(x, dtype, first, largest, b);
        ck_assert_msg(near, "%s, %s: %s[%lld] is %.17g, not %.17g", x->label, how, node->op->name, (long long)i, a, b);
    }
}

static int has_pointer(const exported *x, int k)
{
    for (int j = 0; j < k; j++)
        if (x->node[j] == x->node[k]) return 0;
    const ag_node *y = x->node[k];
    while (y->op == &agi_group) y = y->in[y->nin - 1];
    return !(x->node[k]->op->flags & AG_LEAF) && !(y->op->flags & AG_EFFECT);
}

/* The parameters that the plan has; the outputs that the function takes a pointer for. */
static int find_parameters(const exported *x, const ag_node *leaf[])
{
    int n = 0;
    for (uint32_t b = 0; b < x->plan->nbuffers; b++) {
        const agi_buffer *buffer = &x->plan->buffer[b];
        if (buffer->role == AGI_LEAF && buffer->node->op == &agi_parameter) leaf[n++] = buffer->node;
    }
    return n;
}

static int find_outputs(const exported *x, const ag_node *output[])
{
    int n = 0;
    for (int k = 0; k < x->n; k++)
        if (has_pointer(x, k)) output[n++] = x->node[k];
    return n;
}

static void run_exported(void *library, int number, const exported *x, void *parameters[], void *outputs[])
{
    char name[32];
    caller call;
    snprintf(name, sizeof name, "size_%d", number);
    size_t bytes = (size_t)*(const long *)find(library, name);
    char *workspace = guarded(bytes);
    snprintf(name, sizeof name, "call_%d", number);
    *(void **)&call = find(library, name);
    ck_assert_int_eq(call(parameters, outputs, workspace), 0);
    check_guard(x, workspace, bytes);
    free(workspace);
}

static void run_both(void *library, int number, const exported *x, const char *how, closeness close)
{
    enum { PARAMETERS = 64 };
    void *memory[PARAMETERS + MOST_NODES];
    const ag_node *node[PARAMETERS + MOST_NODES];
    int parameters = find_parameters(x, node), all = parameters + find_outputs(x, node + parameters);
    ck_assert_int_eq(parameters, x->parameters);
    ck_assert_msg(all - parameters == x->outputs, "%s: %d outputs, not %d", x->label, x->outputs, all - parameters);
    for (int k = 0; k < all; k++) memory[k] = guarded(bytes_of(node[k]));
    ag_run *run = ag_run_new(x->plan);
    ck_assert_msg(ag_eval(run) == AG_OK, "%s: %s", x->label, ag_run_error(run));
    run_exported(library, number, x, memory, memory + parameters);
    for (int k = 0; k < all; k++) {
        check_guard(x, memory[k], bytes_of(node[k]));
        compare(x, how, node[k] == x->node[0], node[k], memory[k], ag_data(run, node[k]), close);
        free(memory[k]);
    }
    ag_run_free(run);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int have(const char *compiler)
{
    char command[256];
    snprintf(command, sizeof command,
             "echo '#include <stdint.h>\nint f(void){return sizeof(int64_t);}' | %s -x c -c - -o /dev/null 2>/dev/null",
             compiler);
    return system(command) == 0;
}

static void open_batch(batch *f)
{
    f->n = 0;
    strcpy(f->folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    for (int k = 0; k < FILES; k++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%d.c", f->folder, k);
        f->source[k] = fopen(path, "w");
        write_functions(f->source[k]);
    }
}

/* Every other file by clang, where it is: what C leaves undefined ends the program. */
static void build(batch *f, void *library[FILES])
{
    static const char trapping[] = "clang -O1 -fsanitize=undefined -fsanitize-trap=undefined";
    char command[1024] = "", path[128];
    for (int k = 0; k < FILES; k++) {
        fclose(f->source[k]);
        snprintf(command + strlen(command), sizeof command - strlen(command),
                 "%s -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -ffp-contract=off -fPIC -shared"
                 " %s/%d.c -o %s/%d.so -lm & ",
                 k % 2 && have("clang") ? trapping : "cc -O1", f->folder, k, f->folder, k);
    }
    strcat(command, "wait");
    ck_assert_int_eq(system(command), 0);
    for (int k = 0; k < FILES; k++) {
        snprintf(path, sizeof path, "%s/%d.so", f->folder, k);
        library[k] = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(library[k] != NULL, "%s", dlerror());
    }
}

static void close_batch(batch *f)
{
    char command[128];
    for (int k = 0; k < f->n; k++) {
        ag_plan_free(f->all[k].plan);
        ag_graph_free(f->all[k].g);
    }
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    ck_assert_int_eq(system(command), 0);
}

/* Clang decides loop by loop which elements a vector's function computes: the last bits are not the kernels' alone. */
#ifdef __clang__
enum { OWN_ARE_THE_SAME = 0 };
#else
enum { OWN_ARE_THE_SAME = 1 };
#endif

/* Runs all with libm's functions, then those that have no scalar programs, which use libm's, too, with ours. */
static void check_batch(batch *f)
{
    void *library[FILES];
    build(f, library);
    isa_of_test = test_options().isa;
    for (int own = 0; own <= OWN_ARE_THE_SAME; own++) {
        for (int k = 0; k < FILES; k++) use_functions(library[k], own);
        for (int k = 0; k < f->n; k++) {
            const exported *x = &f->all[k];
            closeness close = x->inexact || (own ? x->programs : x->vectors) ? NEAR : EXACT;
            if (!own || close == EXACT) run_both(library[k % FILES], k, x, own ? "our functions" : "libm", close);
        }
    }
    close_batch(f);
}

/* ---- the table of operations ------------------------------------------------------------------------------------- */

static batch written;

/* Every other shape of a pointwise operation; half of all in each type, half of them unfused. */
START_TEST(every_row)
{
    open_batch(&written);
    for (size_t i = 0; i < op_points_count; i++)
        for (int v = (int)(i % 2); v < op_variants(op_points[i].n); v += 2) {
            int narrow = ((size_t)v / 2 + i) % 2 && !(op_points[i].flags & ROW_F64_ONLY);
            add_case(&written, op_case_of_point(&op_points[i], v), narrow ? AG_F32 : AG_F64, ((size_t)v / 4 + i) % 2);
        }
    for (size_t i = 0; i < op_row_count(); i++) {
        op_case c = op_case_of_row(op_row_at(i));
        add_case(&written, c, c.flags & ROW_F64_ONLY || i % 2 ? AG_F64 : AG_F32, i / 2 % 2);
    }
    check_batch(&written);
}
END_TEST

/* ---- programs nobody wrote --------------------------------------------------------------------------------------- */

START_TEST(random_loops)
{
    open_batch(&written);
    for (int seed = 0; seed < (test_quick() ? 3 : 30); seed++) {
        exported x = { 0 };
        x.n = test_random_loops(seed % TEST_LOOP_KINDS, seed, seed % 2 ? AG_F64 : AG_F32, &x.g, x.node);
        snprintf(x.label, sizeof x.label, "random loop %d", seed);
        add(&written, x, seed / 2 % 3 == 2, 0);
    }
    check_batch(&written);
}
END_TEST

/* ---- files of one plan, for all compilers ------------------------------------------------------------------------ */

typedef struct {
    ag_graph *g;
    ag_node *x, *labels, *w, *b, *loss, *update, *y;
    char folder[64];
} network;

static network make_network(void)
{
    network n = { .g = ag_graph_new(NULL) };
    uint64_t seed = 11;
    n.x = ag_input(n.g, "x*/ #error /*", AG_F64, AG_SHAPE(20, 7));
    n.labels = ag_input(n.g, "labels \\", AG_I64, AG_SHAPE(20));
    n.w = test_parameter(n.g, AG_SHAPE(7, 5), &seed, -1, 1);
    n.b = test_parameter(n.g, AG_SHAPE(5), &seed, -1, 1);
    ag_name(n.w, "w ?\?/");
    n.y = ag_add(ag_matmul(n.x, n.w), n.b);
    n.loss = ag_cross_entropy(n.y, n.labels);
    n.update = ag_sgd(n.loss, &(ag_sgd_options){ .rate = 0.1 });
    strcpy(n.folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(n.folder));
    return n;
}

static void free_network(network *n)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", n->folder);
    ck_assert_int_eq(system(command), 0);
    ag_graph_free(n->g);
}

static FILE *create(const network *n, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", n->folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    return f;
}

static void write_network(const network *n, int outputs, ag_node *const output[], ag_c_options o)
{
    char message[256] = "";
    ag_plan *p = ag_compile(n->g, outputs, output, NULL);
    FILE *source = create(n, "net.c"), *header = create(n, "net.h");
    o.message = message;
    o.message_size = sizeof message;
    ck_assert_msg(ag_write_c(p, "net", source, header, &o) == 0, "%s", message);
    fclose(source);
    fclose(header);
    ag_plan_free(p);
}

/* Runs a command with %s for the folder. */
static int in_folder(const network *n, const char *format)
{
    char command[1024];
    for (size_t k = 0; *format && k + 64 < sizeof command; format++) {
        if (*format == '%') k += (size_t)sprintf(command + k, "%s", n->folder);
        else command[k++] = *format;
        command[k] = 0;
    }
    return system(command);
}

/* Where a compiler's programs can be run, too. */
static int runs(const network *n, const char *compiler)
{
    char format[256];
    snprintf(format, sizeof format, "echo 'int main(void){return 0;}' | %s -x c - -o %%/none && %%/none", compiler);
    return have(compiler) && in_folder(n, format) == 0;
}

static void compiles_with(const network *n, const char *compiler, const char *flags)
{
    char format[256];
    if (!have(compiler)) {
        printf("skipped: %s is not here\n", compiler);
        return;
    }
    snprintf(format, sizeof format, "%s %s -Wall -Wextra -Wpedantic -Wshadow -Werror -c %%/net.c -o %%/net.o", compiler,
             flags);
    ck_assert_msg(in_folder(n, format) == 0, "%s %s", compiler, flags);
}

START_TEST(compiles_everywhere)
{
    network n = make_network();
    for (int k = 0; k < 2; k++) {
        ag_c_options o = { .initial = !k, .cblas = 0 };
        write_network(&n, 3, (ag_node *[]){ n.loss, n.update, n.y }, o);
        compiles_with(&n, "gcc", "-std=c99 -O2");
        compiles_with(&n, "gcc -m32", "-std=c99 -O2");
        compiles_with(&n, "g++", "-x c++ -O1");
        compiles_with(&n, "clang", "-std=c99 -O2");
        compiles_with(&n, "clang++", "-x c++ -O1");
        compiles_with(&n, "arm-none-eabi-gcc -mcpu=cortex-m4", "-std=c99 -Os");
    }
    free_network(&n);
}
END_TEST

/* A program around the network that prints the loss of two steps and an element of y. */
static const char main_text[] =
    "#include <stdio.h>\n"
    "#include \"net.h\"\n"
    "int main(void)\n"
    "{\n"
    "    static double x[140], loss, y[100], workspace[net_WORKSPACE / sizeof(double) + 1];\n"
    "    static int64_t labels[20];\n"
    "    int i;\n"
    "    for (i = 0; i < 140; i++) x[i] = (i * 37 % 19 - 9) / 8.0;\n"
    "    for (i = 0; i < 20; i++) labels[i] = i % 5;\n"
    "    struct net_inputs in = { x, labels };\n"
    "#ifdef PARAMETERS\n"
    "    struct net_parameters p = net_initial;\n"
    "    struct net_outputs out = { &loss };\n"
    "    for (i = 0; i < 2; i++) {\n"
    "        if (net(&in, &p, &out, workspace)) return 1;\n"
    "        printf(\"%.17g\\n\", loss);\n"
    "    }\n"
    "    printf(\"%.17g\\n\", p.parameter0[3]);\n"
    "#else\n"
    "    struct net_outputs out = { y };\n"
    "    in.input0 = x;\n"
    "    if (net(&in, &out, workspace)) return 1;\n"
    "    printf(\"%.17g\\n%.17g\\n%.17g\\n\", y[0], y[42], y[99]);\n"
    "#endif\n"
    "    (void)y, (void)loss;\n"
    "    return 0;\n"
    "}\n";

static void read_numbers(const network *n, const char *command, double got[3])
{
    char line[256];
    snprintf(line, sizeof line, "%s/%s", n->folder, command);
    FILE *f = popen(line, "r");
    ck_assert_int_eq(fscanf(f, "%lf %lf %lf", &got[0], &got[1], &got[2]), 3);
    ck_assert_int_eq(pclose(f), 0);
}

static ag_run *run_network(const network *n, ag_plan *p)
{
    double x[140];
    int64_t labels[20];
    ag_run *r = ag_run_new(p);
    for (int i = 0; i < 140; i++) x[i] = (i * 37 % 19 - 9) / 8.0;
    for (int i = 0; i < 20; i++) labels[i] = i % 5;
    ck_assert_int_eq(ag_feed(r, n->x, x), AG_OK);
    ag_feed(r, n->labels, labels); /* if the plan has them */
    return r;
}

/* Two steps of training, compiled for this machine, for 32 bits, and with CBLAS. */
START_TEST(trains_alone)
{
    network n = make_network();
    FILE *f = create(&n, "main.c");
    fputs(main_text, f);
    fclose(f);
    ag_plan *p = ag_compile(n.g, 2, (ag_node *[]){ n.loss, n.update }, NULL);
    ag_run *r = run_network(&n, p);
    double want[3], got[3];
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(ag_eval(r), AG_OK);
        want[k] = ag_item(r, n.loss);
    }
    want[2] = ((const double *)ag_data(r, n.w))[3];
    for (int k = 0; k < 3; k++) {
        static const char *const compilers[] = { "cc", "cc -m32 -msse2 -mfpmath=sse", "cc" };
        char format[256];
        if (!runs(&n, compilers[k])) {
            printf("skipped: nothing runs of %s\n", compilers[k]);
            continue;
        }
        write_network(&n, 2, (ag_node *[]){ n.loss, n.update }, (ag_c_options){ .initial = 1, .cblas = k == 2 });
        snprintf(format, sizeof format, "%s -DPARAMETERS %%/main.c %%/net.c -o %%/run %s -lm", compilers[k],
                 k == 2 ? "-lopenblas" : "");
        ck_assert_int_eq(in_folder(&n, format), 0);
        read_numbers(&n, "run", got);
        for (int i = 0; i < 3; i++) expect_close(got[i], want[i], 1e-14);
    }
    ag_run_free(r);
    ag_plan_free(p);
    free_network(&n);
}
END_TEST

/* Trained weights as data: a network as one file. */
START_TEST(embeds_weights)
{
    network n = make_network();
    FILE *f = create(&n, "main.c");
    fputs(main_text, f);
    fclose(f);
    ag_plan *p = ag_compile(n.g, 2, (ag_node *[]){ n.update, n.y }, NULL);
    ag_run *r = run_network(&n, p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(ag_eval(r), AG_OK); /* trained; y is that of the step before */
    write_network(&n, 1, &n.y, (ag_c_options){ .embed = r });
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(in_folder(&n, "! grep -q _parameters %/net.h"), 0);
    ck_assert_int_eq(in_folder(&n, "sed -i 's/= { x, labels }/= { x }/' %/main.c"), 0);
    ck_assert_int_eq(in_folder(&n, "cc %/main.c %/net.c -o %/run -lm"), 0);
    double got[3];
    const double *y = ag_data(r, n.y);
    read_numbers(&n, "run", got);
    expect_close(got[0], y[0], 1e-14);
    expect_close(got[1], y[42], 1e-14);
    expect_close(got[2], y[99], 1e-14);
    ag_run_free(r);
    ag_plan_free(p);
    free_network(&n);
}
END_TEST

/* Large constants in a file beside the source: every compiler makes of it what it makes of them as text. */
START_TEST(constants_as_a_file)
{
    static const char *const compilers[] = { "cc -std=c99", "clang -O2", "cc -fPIE" };
    static const int at[] = { 0, 42, 99 }; /* what main prints */
    network n = make_network();
    uint64_t seed = 3;
    ag_node *wide = test_constant(n.g, AG_SHAPE(7, 601), &seed, -1, 1);
    ag_node *y = ag_matmul(ag_tanh(ag_matmul(n.x, wide)), test_constant(n.g, AG_SHAPE(601, 5), &seed, -1, 1));
    ag_plan *p = ag_compile(n.g, 1, &y, NULL);
    ag_run *r = run_network(&n, p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    const double *want = ag_data(r, y);
    FILE *f = create(&n, "main.c"), *blob = create(&n, "net.bin");
    fputs(main_text, f);
    fclose(f);
    write_network(&n, 1, &y, (ag_c_options){ .blob = blob });
    fclose(blob);
    ck_assert_int_eq(in_folder(&n, "! grep -q 'static const double net_data' %/net.c"), 0);
    ck_assert_int_eq(in_folder(&n, "sed -i 's/= { x, labels }/= { x }/' %/main.c"), 0);
    for (size_t k = 0; k < COUNT(compilers); k++) {
        char format[256];
        double got[3];
        snprintf(format, sizeof format, "%s -I%% %%/main.c %%/net.c -o %%/run -lm 2>/dev/null", compilers[k]);
        if (in_folder(&n, format) && k) continue; /* it may be that it is not here */
        read_numbers(&n, "run", got);
        for (int i = 0; i < 3; i++) expect_close(got[i], want[at[i]], 1e-13);
    }
    ag_run_free(r);
    ag_plan_free(p);
    free_network(&n);
}
END_TEST

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void expect_refusal(const ag_plan *p, const char *prefix, const char *why)
{
    char message[256] = "";
    ag_c_options o = { .message = message, .message_size = sizeof message };
    FILE *nowhere = fopen("/dev/null", "w");
    ck_assert_int_eq(ag_write_c(p, prefix, nowhere, NULL, &o), -1);
    ck_assert_int_eq(ag_write_c(p, prefix, nowhere, NULL, NULL), -1);
    ck_assert_msg(strstr(message, why) != NULL, "'%s' has no '%s'", message, why);
    fclose(nowhere);
}

static void expect_written(const ag_plan *p, const char *prefix)
{
    FILE *nowhere = fopen("/dev/null", "w");
    ck_assert_msg(ag_write_c(p, prefix, nowhere, NULL, NULL) == 0, "%s is refused", prefix);
    fclose(nowhere);
}

START_TEST(refuses_prefixes_and_files)
{
    static const char *const wrong[] = { "", "1st", "a b", "a;", "naïve", "int", "class", "a/*", "x\n",
                                         "a_prefix_that_is_longer_than_any_that_anybody_would_ever_want_to_use_here" };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *y = ag_exp(ag_input(g, "x", AG_F64, AG_SCALAR));
    ag_plan *p = ag_compile(g, 1, &y, NULL);
    for (size_t k = 0; k < COUNT(wrong); k++) expect_refusal(p, wrong[k], "identifier");
    expect_refusal(p, NULL, "identifier");
    static const char *const taken[] = { "sin", "sinf", "logl", "memcpy", "uint8_t", "int_fast32_t", "y1", "NAN" };
    for (size_t k = 0; k < COUNT(taken); k++) expect_refusal(p, taken[k], "is a name of <math.h>");
    static const char *const free_ones[] = { "sine", "f", "l", "modfl_", "internal", "logf1", "exp3", "ex" };
    for (size_t k = 0; k < COUNT(free_ones); k++) expect_written(p, free_ones[k]);
    expect_refusal(NULL, "f", "no plan");
    ck_assert_int_eq(ag_write_c(p, "f", NULL, NULL, NULL), -1);
    FILE *full = fopen("/dev/full", "w");
    setvbuf(full, NULL, _IONBF, 0);
    ck_assert_int_eq(ag_write_c(p, "f", full, NULL, NULL), -1);
    fclose(full);
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

/* ---- users' operations ------------------------------------------------------------------------------------------- */

static ag_status reverse(const ag_kernel_call *c)
{
    int64_t n = ag_count(c->node);
    for (int64_t i = 0; i < n; i++) ((double *)c->out)[i] = ((const double *)c->in[0])[n - 1 - i];
    return AG_OK;
}

static void reverse_in_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    (void)in_stride;
    ag_emit(s, "    int64_t i;\n    for (i = 0; i < %lld; i++) out[i] = in0[%lld - i];\n    return 0;\n",
            (long long)ag_count(y), (long long)ag_count(y) - 1);
}

#define BUMP(name, real)                                                                \
    static void name(int64_t n, real *out, const real *a, const real *b, const real *c) \
    {                                                                                   \
        (void)b, (void)c;                                                               \
        for (int64_t i = 0; i < n; i++) out[i] = a[i] / (1 + a[i] * a[i]);              \
    }
BUMP(bump_f32, float)
BUMP(bump_f64, double)

START_TEST(users_operations)
{
    static const ag_op silent = { .name = "silent", .formula = "x backwards", .inputs = 1, .flags = AG_LIBRARY,
                                  .run = reverse, .gradient = ag_zero_gradient };
    static const ag_op spoken = { .name = "spoken", .formula = "x backwards", .inputs = 1, .flags = AG_LIBRARY,
                                  .run = reverse, .c = reverse_in_c, .gradient = ag_zero_gradient };
    static const ag_op bump = { .name = "bump", .formula = "x / (1 + x^2)", .inputs = 1, .flags = AG_POINTWISE,
                                .c_text = "x / (1 + x * x)", .f32 = bump_f32, .f64 = bump_f64,
                                .gradient = ag_zero_gradient };
    static const ag_op quiet = { .name = "quiet", .formula = "x / (1 + x^2)", .inputs = 1, .flags = AG_POINTWISE,
                                 .f32 = bump_f32, .f64 = bump_f64, .gradient = ag_zero_gradient };
    ag_graph *g = ag_graph_new(NULL);
    uint64_t seed = 3;
    ag_node *x = test_parameter(g, AG_SHAPE(30), &seed, -1, 1), *y[4];
    const ag_op *const op[] = { &silent, &quiet, &spoken, &bump };
    for (int k = 0; k < 4; k++) y[k] = ag_custom(op[k], 1, &x, NULL);
    for (int k = 0; k < 2; k++) {
        ag_plan *p = ag_compile(g, 1, &y[k], NULL);
        expect_refusal(p, "f", k ? "the operation quiet has no text in C" : "the operation silent has no text in C");
        ag_plan_free(p);
    }
    open_batch(&written);
    exported e = { .label = "users' operations", .g = g, .n = 2, .node = { y[2], y[3] } };
    add(&written, e, 0, 0);
    check_batch(&written);
}
END_TEST

/* ---- failures while running -------------------------------------------------------------------------------------- */

START_TEST(reports_bad_indices_and_singular_matrices)
{
    network n = make_network();
    const double matrix[] = { 1, 2, 2, 4 };
    const int64_t index[] = { 0, 7 };
    ag_node *a = ag_parameter(n.g, "a", AG_F64, AG_SHAPE(2, 2), matrix),
            *i = ag_parameter(n.g, "i", AG_I64, AG_SHAPE(2), index);
    ag_node *y[] = { ag_inverse(a), ag_gather(a, 0, i) };
    const int want[] = { AG_ENUMERIC, AG_EARG };
    FILE *f = create(&n, "main.c");
    fputs("#include \"net.h\"\n"
          "int main(void)\n{\n    double y[4], work[100];\n    struct net_parameters p = net_initial;\n"
          "    struct net_outputs out = { y };\n    return net(&p, &out, work);\n}\n", f);
    fclose(f);
    for (int k = 0; k < 2; k++) {
        write_network(&n, 1, &y[k], (ag_c_options){ .initial = 1 });
        ck_assert_int_eq(in_folder(&n, "cc %/main.c %/net.c -o %/run -lm"), 0);
        ck_assert_int_eq(in_folder(&n, "%/run") >> 8, want[k]);
    }
    free_network(&n);
}
END_TEST

/* ---- pointers that are NULL -------------------------------------------------------------------------------------- */

/* y and z are products that nobody else needs; of t something else is made. */
START_TEST(outputs_may_be_null)
{
    network n = make_network();
    uint64_t seed = 5;
    ag_node *x = ag_input(n.g, "x", AG_F64, AG_SHAPE(20, 7)), *t, *out[4];
    ag_node *v = test_parameter(n.g, AG_SHAPE(7, 5), &seed, -1, 1);
    ag_node *u = test_parameter(n.g, AG_SHAPE(7, 5), &seed, -1, 1);
    out[0] = ag_matmul(x, v), out[1] = ag_matmul(x, ag_exp(u)), out[2] = t = ag_matmul(x, n.w);
    out[3] = ag_matmul(ag_tanh(t), ag_transpose(v, NULL));
    for (int k = 0; k < 4; k++) ag_name(out[k], (const char *[]){ "y", "z", "t", "of_t" }[k]);
    FILE *f = create(&n, "main.c");
    fputs("#include \"net.h\"\n"
          "static double x[140], y[100], z[100], t[100], of_t[140], work[net_WORKSPACE / 8 + 1];\n"
          "static int call(const double *x, double *y, double *z, double *t, double *of_t)\n"
          "{\n    const struct net_inputs in = { x };\n    const struct net_outputs out = { y, z, t, of_t };\n"
          "    return net(&in, &net_initial, &out, work);\n}\n"
          "static double last;\n"
          "int main(void)\n{\n    int i;\n    for (i = 0; i < 140; i++) x[i] = i % 7 - 3;\n"
          "    if (call(0, y, z, t, of_t) != 3 || call(x, y, z, 0, of_t) != 3 || y[7] != 0) return 1;\n"
          "    if (call(x, y, 0, t, 0) || y[7] == 0 || z[7] != 0 || of_t[7] != 0) return 2;\n"
          "    last = y[7], y[7] = 0;\n"
          "    if (call(x, 0, z, t, of_t) || y[7] != 0 || z[7] == 0 || of_t[7] == 0) return 3;\n"
          "    return call(x, y, z, t, of_t) || y[7] != last ? 4 : 0;\n}\n", f);
    fclose(f);
    write_network(&n, 4, out, (ag_c_options){ .initial = 1 });
    ck_assert_int_eq(in_folder(&n, "cc -std=c99 -Wall -Wextra -Werror %/main.c %/net.c -o %/run -lm"), 0);
    ck_assert_int_eq(in_folder(&n, "%/run") >> 8, 0);
    ck_assert_int_eq(in_folder(&n, "test `grep -c 'may be NULL' %/net.h` = 4"), 0); /* three members, and what it is */
    free_network(&n);
}
END_TEST

/* ---- functions of floats of our own ------------------------------------------------------------------------------ */

enum { POINTS = 4096, OWN = 5 };

/* Of all sizes, and special ones. */
static float *points(void)
{
    static float x[POINTS];
    static const float special[] = { 0, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 88.72f, 88.73f, -87.4f,
                                     -103.9f, -104.1f, 3e38f, -3e38f, 0.625f, 0.927734375f };
    for (int k = 0; k < POINTS; k++) x[k] = ldexpf((float)(k * 7919 % 4001 - 2000) / 2000, k % 31 - 20);
    memcpy(x, special, sizeof special);
    return x;
}

static void expect_ulps(const char *name, const float *x, const float *got, double function(double), double most)
{
    for (int k = 0; k < POINTS; k++) {
        float want = (float)function(x[k]);
        double error = fabs((double)got[k] - function(x[k])) / unit(AG_F32, fabs((double)want));
        int same = isnan(want) ? isnan(got[k]) : test_same_bits(got[k], want) || error <= most;
        ck_assert_msg(same, "%s(%.9g) is %.9g, not %.9g: %.2f ulp", name, (double)x[k], (double)got[k], (double)want,
                      error);
    }
}

/* exp, expm1, tanh with its slope and without, erf: in loops of exported C. */
START_TEST(functions_of_floats_are_near)
{
    network n = make_network();
    float *x = points();
    ag_node *p = ag_parameter(n.g, "points", AG_F32, AG_SHAPE(POINTS), x), *slope, *tanh_with = ag_tanh(p);
    ck_assert_int_eq(ag_gradient(ag_sum(tanh_with), 1, &p, &slope), AG_OK);
    ag_node *y[] = { ag_exp(p), ag_expm1(p), ag_erf(p), tanh_with, slope }, *alone = ag_tanh(p);
    FILE *f = create(&n, "main.c");
    fputs("#include \"net.h\"\nint call(float *const *y);\nint call(float *const *y)\n{\n"
          "    static double work[net_WORKSPACE / 8 + 1];\n    struct net_outputs out;\n", f);
    fputs("#ifdef ALL\n    out.output0 = y[0], out.output1 = y[1], out.output2 = y[2], out.output3 = y[3];\n"
          "    out.output4 = y[4];\n#else\n    out.output0 = y[0];\n#endif\n"
          "    return net(&net_initial, &out, work);\n}\n", f);
    fclose(f);
    float *got[OWN];
    for (int k = 0; k < OWN; k++) got[k] = malloc(POINTS * sizeof **got);
    for (int all = 0; all < 2; all++) {
        write_network(&n, all ? OWN : 1, all ? y : &alone, (ag_c_options){ .initial = 1 });
        ck_assert_int_eq(in_folder(&n, "grep -q agi_tanh %/net.c"), 0);
        ck_assert_int_eq(in_folder(&n, all ? "cc -std=c99 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
                                             " -DALL -fPIC -shared %/main.c %/net.c -o %/1.so -lm"
                                           : "cc -O2 -fPIC -shared %/main.c %/net.c -o %/0.so -lm"), 0);
        char path[128];
        int (*call)(float *const *);
        snprintf(path, sizeof path, "%s/%d.so", n.folder, all);
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(library != NULL, "%s", dlerror());
        *(void **)&call = find(library, "call");
        ck_assert_int_eq(call(got), 0);
        if (!all) expect_ulps("tanh", x, got[0], tanh, 3);
    }
    expect_ulps("exp", x, got[0], exp, 1.1);
    expect_ulps("expm1", x, got[1], expm1, 1.6);
    expect_ulps("erf", x, got[2], erf, 1.2);
    expect_ulps("tanh", x, got[3], tanh, 3);
    for (int k = 0; k < OWN; k++) free(got[k]);
    free_network(&n);
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------------------------- */

static char *header_of(const ag_plan *p)
{
    char *text[2];
    size_t size[2];
    FILE *f[2];
    for (int k = 0; k < 2; k++) f[k] = open_memstream(&text[k], &size[k]);
    ck_assert_int_eq(ag_write_c(p, "f", f[0], f[1], NULL), 0);
    for (int k = 0; k < 2; k++) fclose(f[k]);
    free(text[0]);
    return text[1];
}

/* Names become members' where they are words, and no two members are called alike. */
START_TEST(members_are_called_as_leaves_are)
{
    static const char *const name[] = { "W1", "layer.0/W", "layer_0_W", "int x; */", "3", "", "\303\251t\303\251" };
    static const char *const want[] = { "parameter_W1;", "parameter_layer_0_W;", "parameter2;", "parameter3;",
                                        "parameter_3;", "parameter5;", "parameter6;" };
    enum { LEAVES = COUNT(name) };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *sum = ag_input(g, "x", AG_F64, AG_SCALAR), *y[2];
    for (int k = 0; k < LEAVES; k++)
        sum = ag_add(sum, ag_sin(ag_parameter(g, name[k][0] ? name[k] : NULL, AG_F64, AG_SCALAR, NULL)));
    y[0] = ag_exp(sum);
    y[1] = ag_sin(sum);
    ag_name(y[0], "the loss");
    ag_plan *p = ag_compile(g, 2, y, NULL);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    char *header = header_of(p), line[64];
    for (int k = 0; k < LEAVES; k++) {
        snprintf(line, sizeof line, "double %.*s[1];", (int)strlen(want[k]) - 1, want[k]);
        ck_assert_msg(strstr(header, line) != NULL, "'%s' is not in %s", line, header);
    }
    ck_assert_ptr_nonnull(strstr(header, "const double *input_x;"));
    ck_assert_ptr_nonnull(strstr(header, "double *output_the_loss;"));
    ck_assert_ptr_nonnull(strstr(header, "double *output1;"));
    free(header);
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

Suite *suite_emit(void)
{
    Suite *s = suite_create("emit");
    TCase *t = tcase_create("emit");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, every_row);
    tcase_add_test(t, random_loops);
    tcase_add_test(t, compiles_everywhere);
    tcase_add_test(t, trains_alone);
    tcase_add_test(t, embeds_weights);
    tcase_add_test(t, constants_as_a_file);
    tcase_add_test(t, refuses_prefixes_and_files);
    tcase_add_test(t, members_are_called_as_leaves_are);
    tcase_add_test(t, users_operations);
    tcase_add_test(t, outputs_may_be_null);
    tcase_add_test(t, functions_of_floats_are_near);
    tcase_add_test(t, reports_bad_indices_and_singular_matrices);
    suite_add_tcase(s, t);
    return s;
}
