/* Plans as C: every row of the table of operations is written, compiled without a warning, and run beside the
 * interpreter. What is arithmetic agrees to the last bit. Functions are libm's in C and vectorised in the interpreter's
 * passes: results are compared within units of the last place, and once more, to the last bit, with the functions of
 * the generated code replaced by the interpreter's. */
#include "op_table.h"
#include "../autograd/plan.h"

#include <dlfcn.h>
#include <unistd.h>

enum { MOST = 1024, MOST_NODES = 16, GUARD = 64, FILES = 2 /* compiled at the same time */ };

/* ---- files of exported functions ---------------------------------------------------------------------------------- */

typedef struct {
    char label[128];
    ag_graph *g;
    ag_plan *plan;
    int n, pointwise;        /* the first node is one pointwise operation */
    ag_node *node[MOST_NODES];
    double tolerance;        /* relative to the largest element, where bits may differ; 0: some units of the last place */
    int parameters, outputs; /* that the function has */
    int passes, programs, inexact;
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
    fprintf(to, "    return status;\n}\nextern const long size_%d;\nconst long size_%d = f%d_WORKSPACE;\n\n", number, number,
            number);
}

/* Steps of each kind; as inexact loops, which may hold all others, and those whose sums have another order than in BLAS. */
static void count_steps(exported *x, int loose)
{
    for (int k = 0; k < x->plan->nsteps; k++) {
        agi_step_kind kind = x->plan->step[k].kind;
        x->passes += kind == AGI_PASS;
        x->programs += kind == AGI_PROGRAM;
        x->inexact += kind == AGI_PRODUCT || kind == AGI_LOOP || (kind == AGI_CALL && loose);
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
    ag_c_options o = { .initial = 1, .message = message, .message_size = sizeof message };
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
    add(f, x, unfused, c.flags & ROW_LOOSE);
    op_outputs_free(&p);
    op_case_free(&c);
}

/* ---- the functions of the generated code --------------------------------------------------------------------------- */

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

/* ---- running ------------------------------------------------------------------------------------------------------ */

typedef int (*caller)(void *const *parameters, void *const *outputs, void *workspace);

static void *guarded(size_t bytes)
{
    char *memory = malloc(bytes + GUARD);
    memset(memory, 0x5a, bytes + GUARD);
    return memory;
}

static void check_guard(const exported *x, const char *memory, size_t bytes)
{
    for (size_t k = bytes; k < bytes + GUARD; k++) ck_assert_msg(memory[k] == 0x5a, "%s writes beyond its memory", x->label);
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

/* How far element i may be from what is wanted. A pointwise value: 4 units of its last place; others 4 of the last place
 * of the largest element; derivatives, made of several operations, 32; with systems of equations on the way 1024. */
static double slack(const exported *x, ag_dtype dtype, int first, double largest, double want)
{
    if (x->tolerance > 0) return x->tolerance * fmax(1, largest);
    if (x->inexact) return 1024 * unit(dtype, largest);
    if (!first) return 32 * unit(dtype, largest);
    return 4 * unit(dtype, x->pointwise ? fabs(want) : largest);
}

typedef enum { EXACT, NEAR } closeness;

static void compare(const exported *x, const char *how, int first, const ag_node *node, const void *got, const void *want,
                    closeness close)
{
    ag_dtype dtype = ag_type_of(node);
    double largest = 0;
    int64_t n = ag_size_of(node);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(element(want, dtype, i)));
    for (int64_t i = 0; i < n; i++) {
        double a = element(got, dtype, i), b = element(want, dtype, i);
        int near = test_same_bits(a, b) || (close == NEAR && (a == b || fabs(a - b) <= slack(x, dtype, first, largest, b)));
        ck_assert_msg(near, "%s, %s: %s[%lld] is %.17g, not %.17g", x->label, how, node->op->name, (long long)i, a, b);
    }
}

static int has_pointer(const exported *x, int k)
{
    for (int j = 0; j < k; j++)
        if (x->node[j] == x->node[k]) return 0;
    return !(x->node[k]->op->flags & (AG_LEAF | AG_EFFECT));
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
    ck_assert_int_eq(all - parameters, x->outputs);
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

/* ---- files -------------------------------------------------------------------------------------------------------- */

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

static void build(batch *f, void *library[FILES])
{
    char command[1024] = "", path[128];
    for (int k = 0; k < FILES; k++) {
        fclose(f->source[k]);
        snprintf(command + strlen(command), sizeof command - strlen(command),
                 "cc -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -ffp-contract=off -fPIC -shared %s/%d.c -o %s/%d.so -lm & ",
                 f->folder, k, f->folder, k);
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

/* Runs all with libm's functions, then those that have no scalar programs, which always use libm's, with ours. */
static void check_batch(batch *f)
{
    void *library[FILES];
    build(f, library);
    isa_of_test = test_options().isa;
    for (int own = 0; own < 2; own++) {
        for (int k = 0; k < FILES; k++) use_functions(library[k], own);
        for (int k = 0; k < f->n; k++) {
            const exported *x = &f->all[k];
            closeness close = x->inexact || (own ? x->programs : x->passes) ? NEAR : EXACT;
            if (!own || close == EXACT) run_both(library[k % FILES], k, x, own ? "our functions" : "libm", close);
        }
    }
    close_batch(f);
}

/* ---- the table of operations -------------------------------------------------------------------------------------- */

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

/* ---- programs nobody wrote ---------------------------------------------------------------------------------------- */

START_TEST(random_programs)
{
    open_batch(&written);
    for (int seed = 0; seed < (test_quick() ? 8 : 40); seed++) {
        exported x = { .tolerance = seed % 2 ? 1e-9 : 1e-3 };
        x.n = test_random_nodes(seed, seed % 2 ? AG_F64 : AG_F32, &x.g, x.node);
        snprintf(x.label, sizeof x.label, "random program %d", seed);
        add(&written, x, seed / 2 % 2, 0);
    }
    check_batch(&written);
}
END_TEST

Suite *suite_emit(void)
{
    Suite *s = suite_create("emit");
    TCase *t = tcase_create("emit");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, every_row);
    tcase_add_test(t, random_programs);
    suite_add_tcase(s, t);
    return s;
}
