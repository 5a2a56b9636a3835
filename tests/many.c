/* Operations, loops, branches and updates of tens of thousands of operands, around 2^16 above all: right numbers, in
 * linear time. More operands than a node takes are refused. */
#include "test.h"

enum { AROUND = 1 << 16, MANY = AROUND + 1 };

typedef struct {
    ag_graph *g;
    int n;
    ag_node **x; /* n parameters [1], of values value(k) */
    ag_node **leaf, **next, **out, **dx;
} many;

static double value(int k)
{
    return k % 97 - 40;
}

static ag_node **room(int n)
{
    ag_node **x = calloc((size_t)n, sizeof *x);
    ck_assert_ptr_nonnull(x);
    return x;
}

static many start(int n)
{
    many m = { .g = ag_graph_new(NULL), .n = n, .x = room(n), .leaf = room(n), .next = room(n), .out = room(n),
               .dx = room(n + 1) };
    for (int k = 0; k < n; k++) {
        double v = value(k);
        m.x[k] = ag_parameter(m.g, NULL, AG_F64, AG_SHAPE(1), &v);
        m.leaf[k] = ag_input(m.g, NULL, AG_F64, AG_SHAPE(1));
    }
    return m;
}

static void end(many *m)
{
    ag_graph_free(m->g);
    free(m->x);
    free(m->leaf);
    free(m->next);
    free(m->out);
    free(m->dx);
}

static void expect_values(const ag_run *r, int n, ag_node *const x[], double (*of_x)(int k))
{
    for (int k = 0; k < n; k++)
        if (!(ag_item(r, x[k]) == of_x(k))) ck_abort_msg("number %d is %g, not %g", k, ag_item(r, x[k]), of_x(k));
}

/* Evaluates y, a number, and n nodes [1] of the expected values. */
static void expect(const many *m, ag_node *y, double of_y, ag_node *const x[], double (*of_x)(int k))
{
    ag_node **all = room(m->n + 1);
    memcpy(all, x, (size_t)m->n * sizeof *all);
    all[m->n] = y;
    ag_plan *p = ag_compile(m->g, m->n + 1, all, NULL);
    ck_assert_msg(p, "%s", ag_graph_error(m->g));
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_double_eq(ag_item(r, y), of_y);
    expect_values(r, m->n, x, of_x);
    ag_run_free(r);
    ag_plan_free(p);
    free(all);
}

static double sum_of(int n, double (*f)(int k))
{
    double sum = 0;
    for (int k = 0; k < n; k++) sum += f(k);
    return sum;
}

static double square(int k)
{
    return value(k) * value(k);
}

static double slope_of_square(int k)
{
    return 2 * value(k);
}

static double place(int k)
{
    return k;
}

static double weighed(int k)
{
    return k * value(k);
}

/* ---- operations of any number of operands ------------------------------------------------------------------------ */

START_TEST(one_after_the_other)
{
    const int sizes[] = { AROUND - 1, AROUND + 1 };
    many m = start(sizes[_i]);
    ag_node *y = ag_sum(ag_mul(ag_concat(m.n, m.x, 0), ag_arange(m.g, AG_F64, m.n)));
    ck_assert_int_eq(ag_gradient(y, m.n, m.x, m.dx), AG_OK);
    expect(&m, y, sum_of(m.n, weighed), m.dx, place);
    end(&m);
}
END_TEST

static double one_more(int k)
{
    return value(k) + 1;
}

START_TEST(groups_of_assignments)
{
    many m = start(MANY);
    for (int k = 0; k < m.n; k++) m.out[k] = ag_assign(m.x[k], ag_add(m.x[k], ag_number(m.g, 1)));
    expect(&m, ag_sum(ag_group(m.n, m.out)), one_more(m.n - 1), m.out, one_more);
    end(&m);
}
END_TEST

static double half(int k)
{
    return value(k) / 2;
}

START_TEST(updates_of_parameters)
{
    many m = start(MANY);
    ag_node *loss = ag_number(m.g, 0);
    for (int k = 0; k < m.n; k++) loss = ag_add(loss, ag_sum(ag_square(m.x[k])));
    ag_node *outputs[] = { loss, ag_sgd(loss, &(ag_sgd_options){ .rate = 0.25 }) };
    ag_plan *p = ag_compile(m.g, 2, outputs, NULL);
    ck_assert_msg(p, "%s", ag_graph_error(m.g));
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_double_eq(ag_item(r, loss), sum_of(m.n, square));
    expect_values(r, m.n, m.x, half);
    ag_run_free(r);
    ag_plan_free(p);
    end(&m);
}
END_TEST

START_TEST(products_with_derivatives)
{
    many m = start(MANY);
    for (int k = 0; k < m.n; k++) m.out[k] = ag_square(m.x[k]);
    ck_assert_int_eq(ag_jvp(m.n, m.x, m.x, m.n, m.out, m.next), AG_OK);
    ck_assert_int_eq(ag_vjp(m.n, m.out, m.x, m.n, m.x, m.dx), AG_OK);
    for (int k = 0; k < m.n; k++) m.dx[k] = ag_sub(ag_add(m.dx[k], m.x[k]), m.next[k]); /* x again */
    expect(&m, ag_sum(ag_concat(m.n, m.dx, 0)), sum_of(m.n, value), m.dx, value);
    end(&m);
}
END_TEST

/* ---- loops and branches ------------------------------------------------------------------------------------------ */

START_TEST(states)
{
    many m = start(MANY);
    ag_scan_body b = { .length = 3, .states = m.n, .initial = m.x, .state = m.leaf, .next = m.next };
    for (int k = 0; k < m.n; k++) m.next[k] = ag_add(m.leaf[k], ag_number(m.g, 1));
    ck_assert_int_eq(ag_scan(&b, m.out, NULL), AG_OK);
    ag_node *y = ag_sum(ag_mul(ag_concat(m.n, m.out, 0), ag_arange(m.g, AG_F64, m.n)));
    ck_assert_int_eq(ag_gradient(y, m.n, m.x, m.dx), AG_OK);
    expect(&m, y, sum_of(m.n, weighed) + 3 * sum_of(m.n, place), m.dx, place);
    end(&m);
}
END_TEST

START_TEST(sequences_and_results)
{
    many m = start(MANY);
    for (int k = 0; k < m.n; k++) {
        m.leaf[k] = ag_input(m.g, NULL, AG_F64, AG_SCALAR);
        m.next[k] = ag_square(m.leaf[k]);
    }
    ag_scan_body b = { .length = 1, .sequences = m.n, .sequence = m.x, .element = m.leaf, .results = m.n,
                       .result = m.next };
    ck_assert_int_eq(ag_scan(&b, NULL, m.out), AG_OK);
    ag_node *y = ag_sum(ag_concat(m.n, m.out, 0));
    ck_assert_int_eq(ag_gradient(y, m.n, m.x, m.dx), AG_OK);
    expect(&m, y, sum_of(m.n, square), m.dx, slope_of_square);
    end(&m);
}
END_TEST

START_TEST(captures)
{
    many m = start(MANY);
    ag_node *sum = m.leaf[0], *one = ag_parameter(m.g, NULL, AG_F64, AG_SHAPE(1), &(double){ 1 });
    for (int k = 0; k < m.n; k++) sum = ag_add(sum, ag_mul(m.x[k], ag_mul(m.x[k], m.leaf[0])));
    ag_scan_body b = { .length = 1, .states = 1, .initial = &one, .state = m.leaf, .next = &sum };
    ck_assert_int_eq(ag_scan(&b, m.out, NULL), AG_OK);
    ag_node *y = ag_sum(m.out[0]);
    ck_assert_int_eq(ag_gradient(y, m.n, m.x, m.dx), AG_OK);
    expect(&m, y, 1 + sum_of(m.n, square), m.dx, slope_of_square);
    end(&m);
}
END_TEST

START_TEST(arguments_of_branches)
{
    many m = start(MANY);
    ag_node **other = room(m.n), *predicate = ag_parameter(m.g, NULL, AG_F64, AG_SCALAR, &(double){ 1 });
    for (int k = 0; k < m.n; k++) {
        m.next[k] = ag_square(m.leaf[k]);
        other[k] = ag_neg(m.leaf[k]);
    }
    ck_assert_int_eq(ag_cond(predicate, m.n, m.x, m.leaf, m.n, m.next, other, m.out), AG_OK);
    ag_node *y = ag_sum(ag_concat(m.n, m.out, 0));
    ck_assert_int_eq(ag_gradient(y, m.n, m.x, m.dx), AG_OK);
    expect(&m, y, sum_of(m.n, square), m.dx, slope_of_square);
    free(other);
    end(&m);
}
END_TEST

static double five_at_least(int k)
{
    return value(k) + 5 - value(0);
}

START_TEST(states_of_while)
{
    many m = start(MANY);
    for (int k = 0; k < m.n; k++) m.next[k] = ag_add(m.leaf[k], ag_number(m.g, 1));
    ag_node *test = ag_less(ag_sum(m.leaf[0]), ag_number(m.g, 5));
    ck_assert_int_eq(ag_while(test, m.n, m.x, m.leaf, m.next, 0, m.out), AG_OK);
    expect(&m, ag_sum(m.out[0]), 5, m.out, five_at_least);
    end(&m);
}
END_TEST

/* A leaf that stands for two things is named, wherever it stands. */
START_TEST(leaves_that_are_taken)
{
    many m = start(MANY);
    m.leaf[AROUND] = m.leaf[2];
    ag_scan_body b = { .length = 3, .states = m.n, .initial = m.x, .state = m.leaf, .next = m.leaf };
    ck_assert_int_eq(ag_scan(&b, m.out, NULL), AG_EARG);
    ck_assert_ptr_nonnull(strstr(ag_graph_error(m.g), "state 65536 stands for something else already"));
    ck_assert(ag_is_bad(m.out[0]) && ag_is_bad(m.out[AROUND]));
    end(&m);
}
END_TEST

/* ---- more than a node takes -------------------------------------------------------------------------------------- */

START_TEST(too_many)
{
    enum { ONE_TOO_MANY = AG_MOST_INPUTS + 1 };
    ag_graph *g = ag_graph_new(NULL);
    ag_node **x = room(ONE_TOO_MANY), *one = ag_parameter(g, "one", AG_F64, AG_SHAPE(1), &(double){ 1 });
    for (int k = 0; k < ONE_TOO_MANY; k++) x[k] = one;
    ck_assert(ag_is_bad(ag_group(ONE_TOO_MANY, x)));
    expect_error(g, AG_EARG, "group (node 1): 4194304 operands, of which there are at most 4194303");
    ck_assert(ag_is_bad(ag_concat(ONE_TOO_MANY, x, 0)));
    expect_error(g, AG_EARG, "concat (node 1): 4194304 operands, of which there are at most 4194303");
    ag_scan_body b = { .length = 1, .states = ONE_TOO_MANY, .initial = x, .state = x, .next = x };
    ck_assert_int_eq(ag_scan(&b, NULL, NULL), AG_EARG);
    expect_error(g, AG_EARG, "scan", "4194304 initial states are more than 4194303");
    ag_graph_free(g);
    free(x);
}
END_TEST

Suite *suite_many(void)
{
    Suite *s = suite_create("many");
    TCase *c = tcase_create("many");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, one_after_the_other, 0, 2);
    tcase_add_test(c, groups_of_assignments);
    tcase_add_test(c, updates_of_parameters);
    tcase_add_test(c, products_with_derivatives);
    tcase_add_test(c, states);
    tcase_add_test(c, sequences_and_results);
    tcase_add_test(c, captures);
    tcase_add_test(c, arguments_of_branches);
    tcase_add_test(c, states_of_while);
    tcase_add_test(c, leaves_that_are_taken);
    tcase_add_test(c, too_many);
    suite_add_tcase(s, c);
    return s;
}
