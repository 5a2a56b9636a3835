/* What the suites share. */
#include "test.h"

ag_options test_options(void)
{
    const char *isa = getenv("AG_ISA");
    return (ag_options){ .isa = isa ? atoi(isa) : 0, .verify = 1 };
}

ag_options test_native(void)
{
    ag_options o = test_options();
    o.native = 1;
    o.native_seconds = 300;
    return o;
}

static int machine_isa(void)
{
#if defined __x86_64__
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl")) return 2;
    if (!__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw")) return 2;
    return 3;
#else
    return 1;
#endif
}

int test_best_isa(void)
{
    int allowed = test_options().isa, machine = machine_isa();
    return allowed && allowed < machine ? allowed : machine;
}

int test_quick(void)
{
    return getenv("AG_QUICK") != NULL;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static double element(const void *data, ag_dtype dtype, int64_t i)
{
    if (dtype == AG_F32) return ((const float *)data)[i];
    if (dtype == AG_F64) return ((const double *)data)[i];
    return (double)((const int64_t *)data)[i];
}

void test_evaluate(int n, ag_node *const y[], const ag_options *or_null, double *const out[])
{
    ag_options o = or_null ? *or_null : test_options();
    ag_graph *g = ag_graph_of(y[0]);
    ag_plan *plan = ag_compile(g, n, y, &o);
    ck_assert_msg(plan != NULL, "ag_compile: %s", ag_graph_error(g));
    ag_run *run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
    ck_assert_msg(ag_eval(run) == AG_OK, "ag_eval: %s", ag_run_error(run));
    for (int k = 0; k < n; k++) {
        const void *data = ag_data(run, y[k]);
        ck_assert_msg(data != NULL, "ag_data of output %d: %s", k, ag_run_error(run));
        for (int64_t i = 0; i < ag_size_of(y[k]); i++) out[k][i] = element(data, ag_type_of(y[k]), i);
    }
    ag_run_free(run);
    ag_plan_free(plan);
}

double test_number(ag_node *y)
{
    double value = 0, *out = &value;
    ck_assert_msg(!ag_is_bad(y), "a bad node: %s", y ? ag_graph_error(y->graph) : "NULL");
    ck_assert_int_eq(ag_size_of(y), 1);
    test_evaluate(1, &y, NULL, &out);
    return value;
}

/* ---- expecting -------------------------------------------------------------------------------------------------- */

int test_close(double got, double want, double tolerance)
{
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    return fabs(got - want) <= tolerance * fmax(1, fabs(want));
}

static int64_t ordered(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

int test_same_bits(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

double test_ulps(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b) ? 0 : INFINITY;
    int64_t m = ordered(a), n = ordered(b);
    return (double)(m > n ? (uint64_t)m - (uint64_t)n : (uint64_t)n - (uint64_t)m);
}

void expect_failure(ag_graph *g, ag_status status, const char *const fragment[])
{
    ck_assert_msg(ag_graph_status(g) == status, "status %d instead of %d, message '%s'", (int)ag_graph_status(g),
                  (int)status, ag_graph_error(g));
    for (; *fragment; fragment++)
        ck_assert_msg(strstr(ag_graph_error(g), *fragment) != NULL, "'%s' is not in the message '%s'", *fragment,
                      ag_graph_error(g));
    ag_graph_clear(g);
}

void expect_shape(const ag_node *x, ag_shape want)
{
    ck_assert_msg(!ag_is_bad(x), "a bad node: %s", x ? ag_graph_error(x->graph) : "NULL");
    ag_shape got = ag_shape_of(x);
    int same = got.rank == want.rank;
    int64_t size = 1;
    for (int i = 0; i < want.rank && same; i++) {
        same = got.dim[i] == want.dim[i];
        size *= want.dim[i];
    }
    char text[2][128] = { "", "" };
    for (int i = 0; i < got.rank; i++) sprintf(text[0] + strlen(text[0]), "%lld ", (long long)got.dim[i]);
    for (int i = 0; i < want.rank; i++) sprintf(text[1] + strlen(text[1]), "%lld ", (long long)want.dim[i]);
    ck_assert_msg(same, "%s has the shape [ %s], not [ %s]", x->op->name, text[0], text[1]);
    ck_assert_int_eq(ag_size_of(x), size);
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static void *allocate(void *context, size_t bytes)
{
    test_budget *b = context;
    b->count++;
    if (b->left-- <= 0) return NULL;
    void *memory = malloc(bytes);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0xA5, bytes);
    b->taken++;
    return memory;
}

static void release(void *context, void *memory)
{
    test_budget *b = context;
    b->taken -= memory != NULL;
    free(memory);
}

ag_allocator test_allocator(test_budget *b)
{
    return (ag_allocator){ allocate, release, b };
}

double test_random(uint64_t *seed, double low, double high)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return low + (high - low) * ((double)((z ^ (z >> 31)) >> 11) * 0x1p-53);
}

static double *random_values(ag_shape shape, uint64_t *seed, double low, double high)
{
    int64_t n = 1;
    for (int i = 0; i < shape.rank; i++) n *= shape.dim[i];
    double *values = malloc((size_t)n * sizeof *values);
    for (int64_t i = 0; i < n; i++) values[i] = test_random(seed, low, high);
    return values;
}

ag_node *test_parameter(ag_graph *g, ag_shape shape, uint64_t *seed, double low, double high)
{
    double *values = random_values(shape, seed, low, high);
    ag_node *x = ag_parameter(g, NULL, AG_F64, shape, values);
    free(values);
    return x;
}

ag_node *test_constant(ag_graph *g, ag_shape shape, uint64_t *seed, double low, double high)
{
    double *values = random_values(shape, seed, low, high);
    ag_node *x = ag_constant(g, AG_F64, shape, values);
    free(values);
    return x;
}
