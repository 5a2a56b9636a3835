/* Scalar programs: calls of functions called as vectors into vectors, the result that is kept beside memory, parameters
 * assigned in place; against the same arithmetic in plain C. */
#include "test.h"
#include "plan/plan.h"

static ag_graph *g;
static ag_plan *plan;
static ag_run *run;

static void begin(void)
{
    g = ag_graph_new(NULL);
    plan = NULL;
    run = NULL;
}

static void end(void)
{
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}

/* ---- what must hold of every program ----------------------------------------------------------------------------- */

static uint32_t operand(const agi_instruction *i, int k)
{
    return k == 0 ? i->a : k == 1 ? i->b : i->c;
}

/* Nobody in a vector call reads what another one in it computes. */
static void verify_vector_call(const agi_instruction *first, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        ck_assert_uint_eq(first[k].code, first->code);
        for (uint32_t m = 0; m < k; m++)
            for (int j = 0; j < agi_code_operands(first->code); j++)
                ck_assert_uint_ne(operand(&first[k], j), first[m].out);
    }
}

/* Who takes the kept result as an operand would find the same in memory. */
static void verify_chain(const agi_instruction *from, const agi_instruction *end_)
{
    uint32_t kept = UINT32_MAX;
    for (const agi_instruction *i = from; i < end_; i++) {
        int which = i->how % 8 % AGI_ASIDE, aside = i->how % 8 >= AGI_ASIDE;
        ck_assert_int_eq(i->how / 8, i->code);
        ck_assert_int_le(which, agi_code_operands(i->code));
        if (which) ck_assert_uint_eq(operand(i, which - 1), kept);
        if (aside) ck_assert_uint_ne(i->out, kept);
        else kept = i->out;
    }
}

/* Instructions that are in vector calls. */
static int64_t verify(const agi_program *p)
{
    int64_t at = 0, vectored = 0;
    for (int64_t k = 0; k < p->vector_calls; k++) {
        const agi_vector_call *b = &p->vector_call[k];
        ck_assert_int_ge(b->first, at);
        ck_assert_int_le(b->count, AGI_LARGEST_VECTOR_CALL);
        verify_chain(p->code + at, p->code + b->first);
        verify_vector_call(p->code + b->first, b->count);
        at = b->first + b->count;
        vectored += b->count;
    }
    ck_assert_int_le(at, p->count);
    verify_chain(p->code + at, p->code + p->count);
    return vectored;
}

/* The plan of these outputs, which is one program, on a new run. */
static const agi_program *compile(int n, ag_node *const y[], int64_t *vectored)
{
    ag_options o = test_options();
    plan = ag_compile(g, n, y, &o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    ck_assert_int_eq(plan->nsteps, 1);
    ck_assert_int_eq(plan->step[0].kind, AGI_PROGRAM);
    *vectored = verify(plan->step[0].is.program);
    run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
    return plan->step[0].is.program;
}

static ag_node *parameter(double value)
{
    return ag_parameter(g, NULL, AG_F64, AG_SCALAR, &value);
}

/* ---- what is called as vectors
 * --------------------------------------------------------------------------------------------- */

/* s[i+1] = s[i-1] + k sin(s[i]): sines wait for each other, the cosines of the reverse sweep do not. */
START_TEST(slopes_of_a_chain)
{
    enum { STEPS = 400 };
    double k = 0.2, s[STEPS + 1] = { 0.9, 0.7 }, slope[STEPS + 1] = { 0 }, dk = 0;
    ag_node *x = parameter(k), *before = parameter(s[0]), *now = parameter(s[1]), *out[2];
    for (int i = 2; i <= STEPS; i++) {
        ag_node *next = ag_add(before, ag_mul(x, ag_sin(now)));
        before = now;
        now = next;
        s[i] = s[i - 2] + k * sin(s[i - 1]);
    }
    slope[STEPS] = 1;
    for (int i = STEPS; i > 1; i--) {
        dk += slope[i] * sin(s[i - 1]);
        slope[i - 1] += slope[i] * k * cos(s[i - 1]);
        slope[i - 2] += slope[i];
    }
    out[0] = now;
    int64_t vectored;
    ck_assert_int_eq(ag_gradient(now, 1, &x, &out[1]), AG_OK);
    const agi_program *p = compile(2, out, &vectored);
    ck_assert_int_ge(vectored, STEPS * 9 / 10);
    ck_assert_int_le(p->vector_calls, 10);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_close(ag_item(run, out[0]) / s[STEPS], 1, 1e-10);
    expect_close(ag_item(run, out[1]) / dk, 1, 1e-10);
}
END_TEST

/* Each call's operand is computed just before it, and its result used just after. */
START_TEST(calls_wait_for_company)
{
    enum { TERMS = 20 };
    double want = 0;
    ag_node *x = parameter(0.3), *sum = ag_number(g, 0);
    for (int i = 0; i < TERMS; i++) {
        sum = ag_add(sum, ag_exp(ag_mul(x, ag_number(g, 0.1 * i + 0.05))));
        want += exp(0.3 * (0.1 * i + 0.05));
    }
    int64_t vectored;
    const agi_program *p = compile(1, &sum, &vectored);
    ck_assert_int_eq(vectored, TERMS);
    ck_assert_int_eq(p->vector_calls, 1);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_close(ag_item(run, sum) / want, 1, 1e-15);
}
END_TEST

START_TEST(few_calls_stay_alone)
{
    ag_node *x = parameter(0.3), *y[] = { ag_exp(x), ag_exp(ag_neg(x)), ag_sin(x), ag_cos(x), ag_exp(ag_exp(x)) };
    int64_t vectored;
    compile(COUNT(y), y, &vectored);
    ck_assert_int_eq(vectored, 0);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert(ag_item(run, y[0]) == exp(0.3) && ag_item(run, y[4]) == exp(exp(0.3)));
}
END_TEST

/* ---- programs nobody wrote: values stay below 2 ------------------------------------------------------------------ */

enum { PARAMETERS = 6, NODES = 700, OUTPUTS = 40, OPERATIONS = 8 };
typedef struct {
    int operation[NODES], a[NODES], b[NODES];
    int value[PARAMETERS]; /* the node that is assigned to each, or 0 */
} random_program;

static double apply(int operation, double a, double b)
{
    switch (operation) {
    case 0: return sin(a);
    case 1: return cos(a);
    case 2: return tanh(a);
    case 3: return atan2(a, b);
    case 4: return 0.2 * exp(a);
    case 5: return 0.5 * (a + b);
    case 6: return 0.5 * (a - b);
    default: return 0.5 * (a * b);
    }
}

static ag_node *build(int operation, ag_node *a, ag_node *b)
{
    ag_node *half = ag_number(g, 0.5);
    switch (operation) {
    case 0: return ag_sin(a);
    case 1: return ag_cos(a);
    case 2: return ag_tanh(a);
    case 3: return ag_atan2(a, b);
    case 4: return ag_mul(ag_number(g, 0.2), ag_exp(a));
    case 5: return ag_mul(half, ag_add(a, b));
    case 6: return ag_mul(half, ag_sub(a, b));
    default: return ag_mul(half, ag_mul(a, b));
    }
}

/* Half of the operands are recent. */
static int any(uint64_t *seed, int n)
{
    int from = test_random(seed, 0, 1) < 0.5 && n > 12 ? n - 12 : 0;
    return from + (int)test_random(seed, 0, n - from);
}

static void random_nodes(random_program *p, uint64_t *seed, ag_node *node[NODES])
{
    for (int k = PARAMETERS; k < NODES; k++) {
        p->operation[k] = (int)test_random(seed, 0, OPERATIONS);
        p->a[k] = any(seed, k);
        p->b[k] = any(seed, k);
        node[k] = build(p->operation[k], node[p->a[k]], node[p->b[k]]);
    }
}

/* Some parameters get the values of nodes of all parts of the program, one of a call among them. */
/* Numbers, pairs and elements of a vector, one after the other along either axis: a move each, and no call. */
START_TEST(concat_of_numbers)
{
    enum { N = 200 };
    for (int axis = 0; axis < 2; axis++) {
        ag_graph *own = ag_graph_new(NULL);
        ag_node *x = ag_arange(own, AG_F64, N), *part[N];
        ag_node *h = ag_parameter(own, NULL, AG_F64, AG_SHAPE(1), (double[]){ 0.5 });
        double want[2 * N], got[2 * N], *to = got, value = 0.5;
        for (int k = 0; k < N; k++) {
            h = ag_sin(h);
            value = sin(value);
            part[k] = ag_concat(2, (ag_node *[]){ ag_slice(x, 0, k, k + 1, 1), h }, 0);
            part[k] = ag_reshape(part[k], axis ? AG_SHAPE(2, 1) : AG_SHAPE(1, 2));
            want[axis ? k : 2 * k] = k;
            want[axis ? N + k : 2 * k + 1] = value;
        }
        ag_node *y = ag_concat(N, part, axis);
        const ag_options options = { 0 };
        test_evaluate(1, &y, &options, &to);
        for (int i = 0; i < 2 * N; i++)
            ck_assert_msg(test_close(got[i], want[i], 1e-14), "element %d is %.17g, not %.17g", i, got[i], want[i]);
        ag_plan *p = ag_compile(own, 1, &y, &options);
        for (int k = 0; k < p->nsteps; k++) ck_assert_int_ne(p->step[k].kind, AGI_CALL);
        ag_plan_free(p);
        ag_graph_free(own);
    }
}
END_TEST

START_TEST(random_programs)
{
    static random_program p;
    uint64_t seed = 41 + (uint64_t)_i;
    double value[NODES];
    ag_node *node[NODES], *out[OUTPUTS + PARAMETERS];
    for (int k = 0; k < PARAMETERS; k++) node[k] = parameter(value[k] = test_random(&seed, -1, 1));
    random_nodes(&p, &seed, node);
    for (int k = 0; k < PARAMETERS; k++) {
        p.value[k] = PARAMETERS + (int)test_random(&seed, 0, NODES - PARAMETERS);
        out[k] = ag_assign(node[k], node[p.value[k]]);
    }
    int kept[OUTPUTS];
    for (int k = 0; k < OUTPUTS; k++) out[PARAMETERS + k] = node[kept[k] = PARAMETERS + any(&seed, NODES - PARAMETERS)];
    ag_options o = test_options();
    plan = ag_compile(g, COUNT(out), out, &o);
    run = ag_run_new(plan);
    ck_assert_ptr_nonnull(run);
    for (int k = 0; k < plan->nsteps; k++)
        if (plan->step[k].kind == AGI_PROGRAM) verify(plan->step[k].is.program);
    for (int step = 0; step < 3; step++) {
        double next[PARAMETERS];
        ck_assert_int_eq(ag_eval(run), AG_OK);
        for (int k = PARAMETERS; k < NODES; k++) value[k] = apply(p.operation[k], value[p.a[k]], value[p.b[k]]);
        for (int k = 0; k < OUTPUTS; k++) expect_close(ag_item(run, out[PARAMETERS + k]), value[kept[k]], 1e-12);
        for (int k = 0; k < PARAMETERS; k++) next[k] = value[p.value[k]];
        for (int k = 0; k < PARAMETERS; k++) expect_close(ag_item(run, node[k]), value[k] = next[k], 1e-12);
    }
}
END_TEST

Suite *suite_scalar(void)
{
    Suite *s = suite_create("scalar");
    TCase *t = tcase_create("scalar");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, slopes_of_a_chain);
    tcase_add_test(t, calls_wait_for_company);
    tcase_add_test(t, few_calls_stay_alone);
    tcase_add_test(t, concat_of_numbers);
    tcase_add_loop_test(t, random_programs, 0, 40);
    suite_add_tcase(s, t);
    return s;
}
