/* The ways to run a program in this process, each compared with the reference: zeros where it has zeros, NaN where it
 * has NaN, all else within its bounds; and with each other, to the last bit, where that is promised. */
#include "fuzz.h"
#include "plan/plan.h"

fuzz_count fuzz_counted;

/* ---- the reference's word ---------------------------------------------------------------------------------------- */

void fuzz_expect(fuzz_program *p)
{
    p->scope = fuzz_open(p->g);
    for (int k = 0; k < p->n; k++) p->want[k] = fuzz_value_of(&p->scope, p->node[k]);
    fuzz_counted.programs++;
}

void fuzz_release(fuzz_program *p)
{
    fuzz_close(&p->scope);
    if (p->owned) ag_graph_free(p->g);
}

static double element(const void *data, ag_dtype dtype, int64_t i)
{
    if (dtype == AG_F32) return ((const float *)data)[i];
    return dtype == AG_F64 ? ((const double *)data)[i] : (double)((const int64_t *)data)[i];
}

/* How many bounds a value may be off: definitions are simplified, and rounded elsewhere. */
enum { SLACK = 2 };

int fuzz_agrees(double got, real want, real bound)
{
    if (!(bound < INFINITY)) return 1;
    if (isnan(want)) return isnan(got);
    if (bound == 0 || isinf(want)) return got == want;
    return fabsl(got - want) <= SLACK * bound;
}

static void count(double got, real want, real bound)
{
    fuzz_counted.compared += bound < INFINITY;
    fuzz_counted.unknown += !(bound < INFINITY);
    fuzz_counted.nans += bound < INFINITY && isnan(want);
    fuzz_counted.zeros += want == 0 && bound == 0;
    fuzz_counted.sharp += bound <= 1e-3L * fabsl(want);
    if (!(bound > 0) || !(bound < INFINITY)) return;
    fuzz_counted.worst = fmax(fuzz_counted.worst, (double)(fabsl(got - want) / bound));
}

void fuzz_compare(const fuzz_program *p, const char *way, int k, const void *got)
{
    ag_dtype dtype = ag_type_of(p->node[k]);
    const fuzz_value *want = p->want[k];
    for (int64_t i = 0; i < want->n; i++) {
        double x = element(got, dtype, i);
        int agrees = fuzz_agrees(x, want->value[i], want->bound[i]);
        if (!agrees) fuzz_show(p, k);
        ck_assert_msg(agrees, "%s, %s: output %d, %s node %u, element %lld of %lld is %.17g, not %.17Lg +- %.2Lg",
                      p->label, way, k, p->node[k]->op->name, (unsigned)p->node[k]->id, (long long)i,
                      (long long)want->n, x, want->value[i], want->bound[i]);
        count(x, want->value[i], want->bound[i]);
    }
}

/* ---- figures ----------------------------------------------------------------------------------------------------- */

int fuzz_number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

void fuzz_tell(void)
{
    fuzz_count c = fuzz_counted;
    printf("%lld programs in %lld runs: %lld numbers agree, %lld of them known to 0.1 %%, %lld zeros, %lld NaN; "
           "%lld are not known; the worst error is %.2f of its bound\n",
           (long long)c.programs, (long long)c.runs, (long long)c.compared, (long long)c.sharp, (long long)c.zeros,
           (long long)c.nans, (long long)c.unknown, c.worst);
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static size_t bytes_of(const ag_node *x)
{
    return (size_t)ag_size_of(x) * ag_dtype_size(ag_type_of(x));
}

typedef struct {
    char *data[FUZZ_OUTPUTS];
} results;

static void discard(results *r)
{
    for (int k = 0; k < FUZZ_OUTPUTS; k++) free(r->data[k]);
}

/* Every third output lies in the caller's memory, if it may. */
static int binds(const fuzz_program *p, int k)
{
    if (k % 3 != 1 || p->node[k]->op->flags & (AG_LEAF | AG_EFFECT)) return 0;
    for (int j = 0; j < p->n; j++)
        if (j != k && p->node[j] == p->node[k]) return 0;
    return 1;
}

/* A plan that could not be compiled would be one more interpreted. */
static void expect_native(const fuzz_program *p, const char *note)
{
    int is = strstr(note, "compiled by") || strstr(note, "from the cache") || strstr(note, "nothing to compile");
    ck_assert_msg(is, "%s, native: %s", p->label, note);
}

static results evaluate(const fuzz_program *p, const char *way, const ag_options *o)
{
    results r = { { NULL } };
    ag_plan *plan = ag_compile(p->g, p->n, p->node, o);
    ck_assert_msg(plan != NULL, "%s, %s: %s", p->label, way, ag_graph_error(p->g));
    if (o->native) expect_native(p, plan->native ? plan->native_note(plan->native) : NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
    for (int k = 0; k < p->n; k++) {
        r.data[k] = malloc(bytes_of(p->node[k]) + 1);
        if (o->distinct && binds(p, k)) ck_assert_int_eq(ag_bind(run, p->node[k], r.data[k]), AG_OK);
    }
    ck_assert_msg(ag_eval(run) == AG_OK, "%s, %s: %s", p->label, way, ag_run_error(run));
    for (int k = 0; k < p->n; k++) {
        const void *data = ag_data(run, p->node[k]);
        ck_assert_msg(data != NULL, "%s, %s: %s", p->label, way, ag_run_error(run));
        if (data != r.data[k]) memcpy(r.data[k], data, bytes_of(p->node[k]));
    }
    ag_run_free(run);
    ag_plan_free(plan);
    fuzz_counted.runs++;
    return r;
}

static void same(const fuzz_program *p, const char *way, const results *r, const results *want)
{
    for (int k = 0; k < p->n; k++) {
        if (memcmp(r->data[k], want->data[k], bytes_of(p->node[k])) == 0) continue;
        ag_dtype dtype = ag_type_of(p->node[k]);
        for (int64_t i = 0; i < ag_size_of(p->node[k]); i++) {
            double a = element(r->data[k], dtype, i), b = element(want->data[k], dtype, i);
            ck_assert_msg(test_same_bits(a, b), "%s, %s: output %d, element %lld is %.17g, not %.17g", p->label, way, k,
                          (long long)i, a, b);
        }
    }
}

typedef struct {
    const char *name;
    ag_options options;
} way;

/* The first one against the reference, the others give its bits. */
static void run_alike(const fuzz_program *p, int isa, int n, const way ways[])
{
    results first = { { NULL } };
    for (int k = 0; k < n; k++) {
        ag_options o = ways[k].options;
        o.isa = isa;
        o.verify = 1;
        results r = evaluate(p, ways[k].name, &o);
        if (k == 0) {
            for (int i = 0; i < p->n; i++) fuzz_compare(p, ways[k].name, i, r.data[i]);
            first = r;
        } else {
            same(p, ways[k].name, &r, &first);
            discard(&r);
        }
    }
    discard(&first);
}

void fuzz_run_plans(const fuzz_program *p)
{
    static const way fused[] = { { "fused", { 0 } },
                                 { "poisoned", { .poison = 1 } },
                                 { "distinct and bound", { .distinct = 1 } },
                                 { "2 threads", { .threads = 2 } },
                                 { "3 threads, poisoned", { .threads = 3, .poison = 1 } } };
    static const way unfused[] = { { "unfused", { .unfused = 1 } },
                                   { "unfused, poisoned", { .unfused = 1, .poison = 1 } } };
    static const way older[] = { { "isa 1", { 0 } }, { "isa 2", { 0 } } };
    run_alike(p, test_options().isa, COUNT(fused), fused);
    run_alike(p, test_options().isa, COUNT(unfused), unfused);
    for (int isa = 1; isa < test_best_isa() && isa <= 2; isa++) run_alike(p, isa, 1, &older[isa - 1]);
}

void fuzz_run_native(const fuzz_program *p, int unfused)
{
    const way native[] = {
        { "native", { .native = 1, .native_cache = 1, .native_seconds = 300, .unfused = unfused } },
        { "native, 3 threads, poisoned",
          { .native = 1, .native_cache = 1, .native_seconds = 300, .unfused = unfused, .threads = 3, .poison = 1 } }
    };
    run_alike(p, test_options().isa, COUNT(native), native);
}
