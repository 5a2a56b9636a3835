/* The engine that is there to be read, demos/tiny.c, and the library agree: random programs of scalars and vectors,
 * their values, gradients and second derivatives. Neither knows of the other. */
#include "test.h"

#define main tiny_main
#include "../demos/tiny.c"
#undef main

enum { PROGRAMS = 400, LEAVES = 4, MOST = 14, LENGTH = 3 };

/* The same program in both. */
typedef struct {
    node *mine[MOST];
    ag_node *theirs[MOST];
    int count;
} pool;

static uint64_t seed;

static int drawn(int below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int)((seed >> 33) % (uint64_t)below);
}

static void add_leaf(pool *p, graph *g, ag_graph *h, int size)
{
    double value[LENGTH];
    for (int i = 0; i < size; i++) value[i] = (drawn(2001) - 1000) / 700.0;
    p->mine[p->count] = vector(g, size, value);
    p->theirs[p->count++] = ag_parameter(h, NULL, AG_F64, size == 1 ? AG_SCALAR : AG_SHAPE(size), value);
}

/* Another node of nodes drawn; arguments are kept where functions are smooth and values small. */
static void add_node(pool *p, graph *g, ag_graph *h)
{
    const int a = drawn(p->count), b = drawn(p->count);
    node *x = p->mine[a], *y = p->mine[b], **mine = &p->mine[p->count];
    ag_node *u = p->theirs[a], *v = p->theirs[b], **theirs = &p->theirs[p->count];
    node *one = scalar(g, 1), *above = plus(power(y, 2), one);
    ag_node *uno = ag_number(h, 1), *over_one = ag_add(ag_square(v), uno);
    switch (drawn(12)) {
    case 0: *mine = plus(x, y), *theirs = ag_add(u, v); break;
    case 1: *mine = minus(x, y), *theirs = ag_sub(u, v); break;
    case 2: *mine = times(x, y), *theirs = ag_mul(u, v); break;
    case 3: *mine = over(x, above), *theirs = ag_div(u, over_one); break;
    case 4: *mine = negative(x), *theirs = ag_neg(u); break;
    case 5: *mine = sine(x), *theirs = ag_sin(u); break;
    case 6: *mine = cosine(x), *theirs = ag_cos(u); break;
    case 7: *mine = exponential(sine(y)), *theirs = ag_exp(ag_sin(v)); break;
    case 8: *mine = logarithm(above), *theirs = ag_log(over_one); break;
    case 9: *mine = sigmoid(x), *theirs = ag_sigmoid(u); break;
    case 10: *mine = power(above, -1.5), *theirs = ag_pow(over_one, ag_number(h, -1.5)); break;
    default: *mine = mean(times(x, y)), *theirs = ag_mean(ag_mul(u, v)); break;
    }
    p->count++;
}

static void expect_same(int program, const char *what, const node *mine, const ag_run *run, const ag_node *theirs)
{
    const double *got = ag_data(run, theirs);
    for (int i = 0; i < mine->size; i++) {
        const double want = mine->value[i];
        ck_assert_msg(fabs(got[i] - want) <= 1e-10 * (1 + fabs(want)), "program %d: %s[%d] is %.17g here, %.17g there",
                      program, what, i, got[i], want);
    }
}

static void compare(int program)
{
    static const int sizes[LEAVES] = { 1, LENGTH, LENGTH, 1 };
    graph g = { 0 };
    ag_graph *h = ag_graph_new(NULL);
    pool p = { .count = 0 };
    seed = (uint64_t)program;
    for (int k = 0; k < LEAVES; k++) add_leaf(&p, &g, h, sizes[k]);
    while (p.count < MOST) add_node(&p, &g, h);

    /* The loss, its gradient, and the gradient of that one's square. */
    node *loss = sum(p.mine[MOST - 1]), *first[LEAVES], *second[LEAVES], *square = scalar(&g, 0);
    ag_node *outputs[1 + 2 * LEAVES], *sums = ag_number(h, 0);
    outputs[0] = ag_sum(p.theirs[MOST - 1]);
    gradient(loss, LEAVES, p.mine, first);
    ag_gradient(outputs[0], LEAVES, p.theirs, outputs + 1);
    for (int k = 0; k < LEAVES; k++) {
        square = plus(square, dot(first[k], first[k]));
        sums = ag_add(sums, ag_sum(ag_square(outputs[1 + k])));
    }
    gradient(square, LEAVES, p.mine, second);
    ag_gradient(sums, LEAVES, p.theirs, outputs + 1 + LEAVES);

    evaluate(&g);
    ag_plan *plan = ag_compile(h, 1 + 2 * LEAVES, outputs, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_msg(ag_eval(run) == AG_OK, "%s", ag_graph_error(h));
    expect_same(program, "loss", loss, run, outputs[0]);
    for (int k = 0; k < LEAVES; k++) {
        expect_same(program, "gradient", first[k], run, outputs[1 + k]);
        expect_same(program, "second derivative", second[k], run, outputs[1 + LEAVES + k]);
    }
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(h);
    release(&g);
}

START_TEST(random_programs_have_the_same_derivatives)
{
    for (int program = 0; program < PROGRAMS; program++) compare(program);
}
END_TEST

START_TEST(the_network_learns_as_the_blogs_does)
{
    ck_assert_double_eq_tol(a_network(0), 0.1988910694, 1e-10);
    ck_assert_double_eq_tol(a_network(1400), 7.901835042e-07, 1e-15);
}
END_TEST

START_TEST(five_derivatives)
{
    graph g = { 0 };
    ag_graph *h = ag_graph_new(NULL);
    node *x = scalar(&g, 2), *mine[6] = { over(times(exponential(negative(x)), sine(x)), logarithm(x)) };
    ag_node *u = ag_parameter(h, "x", AG_F64, AG_SCALAR, (double[]){ 2 }), *theirs[6];
    theirs[0] = ag_div(ag_mul(ag_exp(ag_neg(u)), ag_sin(u)), ag_log(u));
    for (int k = 1; k < 6; k++) mine[k] = derivative(mine[k - 1], x), ag_gradient(theirs[k - 1], 1, &u, &theirs[k]);
    evaluate(&g);
    ag_plan *plan = ag_compile(h, 6, theirs, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    for (int k = 0; k < 6; k++) expect_same(k, "derivative", mine[k], run, theirs[k]);
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(h);
    release(&g);
}
END_TEST

Suite *suite_tiny(void)
{
    Suite *s = suite_create("tiny");
    TCase *t = tcase_create("tiny");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, random_programs_have_the_same_derivatives);
    tcase_add_test(t, five_derivatives);
    tcase_add_test(t, the_network_learns_as_the_blogs_does);
    suite_add_tcase(s, t);
    return s;
}
