/* What is not evaluated has no gradient: functions that are linear up to 0 and have infinite slopes there on the other
 * side, which branches and loops of no steps read from outside, in their arguments and through each other. */
#include "test.h"

static ag_node *number(ag_node *x, double value)
{
    return ag_number(ag_graph_of(x), value);
}

static ag_node *leaf(ag_node *x)
{
    return ag_input(ag_graph_of(x), NULL, AG_F64, AG_SCALAR);
}

static ag_node *choose(ag_node *predicate, ag_node *then, ag_node *otherwise)
{
    ag_node *out;
    ag_cond(predicate, 0, NULL, NULL, 1, &then, &otherwise, &out);
    return out;
}

static ag_node *above(ag_node *x, double bound)
{
    return ag_greater(x, number(x, bound));
}

static ag_node *times(double factor, ag_node *x)
{
    return ag_mul(number(x, factor), x);
}

/* ---- the functions ---------------------------------------------------------------------------------------------- */

static ag_node *branch(ag_node *x)
{
    return choose(above(x, 0), ag_sqrt(x), times(3, x));
}

static ag_node *two_branches(ag_node *x) /* the root is read by both */
{
    ag_node *root = ag_sqrt(x);
    return ag_add(choose(above(x, 0), root, times(3, x)), choose(above(x, 1), times(2, root), x));
}

static ag_node *no_steps(ag_node *x)
{
    ag_node *start = times(3, x), *s = leaf(x), *next = ag_add(s, ag_sqrt(x)), *final;
    ag_while(above(s, 1), 1, &start, &s, &next, 5, &final);
    return final;
}

static ag_node *states_of_no_steps(ag_node *x)
{
    ag_node *start[] = { times(3, x), ag_sqrt(x) }, *state[] = { leaf(x), leaf(x) }, *final[2];
    ag_node *next[] = { ag_mul(state[0], state[1]), state[1] };
    ag_while(above(state[0], 1), 2, start, state, next, 5, final);
    return final[0];
}

static ag_node *repeat(ag_node *start, ag_node *state, ag_node *next)
{
    ag_node *final;
    ag_scan_body body = { .length = 3, .states = 1, .initial = &start, .state = &state, .next = &next };
    ag_scan(&body, &final, NULL);
    return final;
}

static ag_node *branch_in_loop(ag_node *x)
{
    ag_node *s = leaf(x);
    return repeat(times(3, x), s, choose(above(s, 1), ag_mul(s, ag_sqrt(x)), ag_add(s, x)));
}

static ag_node *loop_in_branch(ag_node *x)
{
    ag_node *s = leaf(x), *root = ag_sqrt(x);
    return choose(above(x, 0), repeat(root, s, ag_add(s, root)), times(3, x));
}

static ag_node *branch_in_branch(ag_node *x)
{
    ag_node *inner = choose(above(x, -1), times(3, x), ag_log(ag_sqrt(x)));
    return choose(above(x, 0), ag_exp(times(0.5, ag_log(x))), inner);
}

static ag_node *argument(ag_node *x)
{
    ag_node *value = ag_sqrt(x), *a = leaf(x), *otherwise = times(3, x), *out;
    ag_cond(above(x, 0), 1, &value, &a, 1, &a, &otherwise, &out);
    return out;
}

static ag_node *read_loop(ag_node *x) /* whose own slopes are infinite */
{
    ag_node *s = leaf(x);
    return choose(above(x, 0), ag_square(repeat(x, s, ag_sqrt(s))), times(3, x));
}

static ag_node *read_branch(ag_node *x)
{
    ag_node *s = leaf(x), *root = ag_sqrt(x), *inner;
    ag_cond(above(x, -1), 1, &root, &s, 1, &s, &x, &inner);
    return choose(above(x, 0), inner, times(3, x));
}

static ag_node *steps_of_branches(ag_node *x) /* two loops read what only branches inside them do */
{
    ag_node *s = leaf(x), *t = leaf(x), *root = ag_sqrt(x);
    ag_node *inner = repeat(s, t, choose(above(t, 1), ag_mul(t, root), ag_add(t, x)));
    return repeat(times(3, x), s, inner);
}

static ag_node *result_beside(ag_node *x) /* a branch's second result, which another one reads */
{
    ag_node *a = leaf(x), *root = ag_sqrt(x), *then[] = { times(3, x), a }, *otherwise[] = { x, x }, *out[2];
    ag_cond(above(x, -1), 1, &root, &a, 2, then, otherwise, out);
    return ag_add(out[0], choose(above(x, 0), out[1], x));
}

static ag_node *carried(ag_node *x) /* for a branch */
{
    ag_node *initial[] = { times(3, x), ag_sqrt(x) }, *state[] = { leaf(x), leaf(x) }, *final[2];
    ag_node *more = ag_mul(state[0], state[1]);
    ag_node *next[] = { choose(above(state[0], 1), more, ag_add(state[0], x)), state[1] };
    ag_scan_body body = { .length = 3, .states = 2, .initial = initial, .state = state, .next = next };
    ag_scan(&body, final, NULL);
    return final[0];
}

static ag_node *read_sequence(ag_node *x)
{
    ag_node *root = ag_reshape(ag_sqrt(x), AG_SHAPE(1)), *roots = ag_concat(3, (ag_node *[]){ root, root, root }, 0);
    ag_node *start = times(3, x), *s = leaf(x), *one = leaf(x), *final;
    ag_node *next = choose(above(s, 1), ag_mul(s, one), ag_add(s, x));
    ag_scan_body body = { .length = 3, .states = 1, .initial = &start, .state = &s, .next = &next,
                          .sequences = 1, .sequence = &roots, .element = &one };
    ag_scan(&body, &final, NULL);
    return final;
}

static ag_node *read_results(ag_node *x)
{
    ag_node *s = leaf(x), *root = ag_sqrt(s), *final, *stacked;
    ag_scan_body body = { .length = 3, .states = 1, .initial = &x, .state = &s, .next = &s,
                          .results = 1, .result = &root };
    ag_scan(&body, &final, &stacked);
    return choose(above(x, 0), ag_sum(stacked), times(3, x));
}

static ag_node *unread_states(ag_node *x) /* one by anything but itself, one by nothing but the end */
{
    ag_node *initial[] = { times(3, x), x, ag_sqrt(x) }, *state[] = { leaf(x), leaf(x), leaf(x) }, *final[3];
    ag_node *next[] = { ag_add(state[0], x), ag_add(state[1], ag_sqrt(x)), times(2, state[0]) };
    ag_scan_body body = { .length = 3, .states = 3, .initial = initial, .state = state, .next = next };
    ag_scan(&body, final, NULL);
    return ag_add(final[0], final[2]);
}

/* slope x up to 0; factor x^power + linear x where x = 2. */
static const struct {
    const char *label;
    ag_node *(*make)(ag_node *x);
    double slope, factor, power, linear;
} functions[] = { { "a branch", branch, 3, 1, 0.5, 0 },
                  { "two branches", two_branches, 4, 3, 0.5, 0 },
                  { "a loop of no steps", no_steps, 3, 5, 0.5, 3 },
                  { "states of a loop of no steps", states_of_no_steps, 3, 3, 3.5, 0 },
                  { "a branch in a loop", branch_in_loop, 6, 3, 2.5, 0 },
                  { "a loop in a branch", loop_in_branch, 3, 4, 0.5, 0 },
                  { "a branch in a branch", branch_in_branch, 3, 1, 0.5, 0 },
                  { "an argument", argument, 3, 1, 0.5, 0 },
                  { "a loop's result", read_loop, 3, 1, 0.25, 0 },
                  { "a branch's result", read_branch, 3, 1, 0.5, 0 },
                  { "branches in loops in loops", steps_of_branches, 12, 3, 5.5, 0 },
                  { "a result beside another", result_beside, 4, 1, 0.5, 3 },
                  { "a state", carried, 6, 3, 2.5, 0 },
                  { "a sequence", read_sequence, 6, 3, 2.5, 0 },
                  { "a loop's stacked results", read_results, 3, 3, 0.5, 0 },
                  { "states that are not read", unread_states, 16, 0, 0, 16 } };

/* ---- all derivatives, in every order of forward and reverse ------------------------------------------------------ */

enum { ORDERS = 4, WAYS = 10 };
static const int order_of[WAYS] = { 0, 1, 1, 1, 2, 2, 2, 2, 2, 3 };

static ag_node *slope(ag_node *y, ag_node *x)
{
    ag_node *dx;
    ag_gradient(y, 1, &x, &dx);
    return dx;
}

static ag_node *tangent(ag_node *y, ag_node *x)
{
    ag_node *one = ag_cast(number(x, 1), AG_F64), *dy;
    ag_jvp(1, &x, &one, 1, &y, &dy);
    return dy;
}

static void make_ways(ag_node *y, ag_node *x, ag_node *way[WAYS])
{
    ag_node *d = slope(y, x), *t = tangent(y, x), *twice = times(2, y), *third = number(x, 1.0 / 3);
    ag_node *many = ag_concat(2, (ag_node *[]){ ag_reshape(y, AG_SHAPE(1)), ag_reshape(twice, AG_SHAPE(1)) }, 0);
    ag_node *first = ag_jacobian(many, x), *second = ag_jacobian(first, x);
    ag_node *const made[WAYS] = { y, d, t, ag_sum(ag_mul(third, first)), slope(d, x), tangent(d, x), slope(t, x),
                                  tangent(t, x), ag_sum(ag_mul(third, second)), slope(slope(d, x), x) };
    memcpy(way, made, sizeof made);
}

static double expected(size_t f, double x, int order)
{
    double factor = functions[f].factor, power = functions[f].power, linear = functions[f].linear;
    if (x <= 0) factor = 0, linear = functions[f].slope;
    for (int k = 0; k < order; k++) factor *= power--;
    return (factor == 0 ? 0 : factor * pow(x, power)) + (order == 0 ? linear * x : order == 1 ? linear : 0);
}

static void compare(double at, const ag_options *options)
{
    enum { ALL = COUNT(functions) * WAYS };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, &at), *way[ALL];
    double value[ALL], *out[ALL];
    for (size_t f = 0; f < COUNT(functions); f++) make_ways(functions[f].make(x), x, way + f * WAYS);
    for (size_t k = 0; k < ALL; k++) out[k] = &value[k];
    expect_well(g);
    test_evaluate(ALL, way, options, out);
    for (size_t k = 0; k < ALL; k++) {
        double want = expected(k / WAYS, at, order_of[k % WAYS]);
        ck_assert_msg(test_close(value[k], want, 1e-11), "%s at %g: way %d of order %d is %.17g, not %.17g",
                      functions[k / WAYS].label, at, (int)k % WAYS, order_of[k % WAYS], value[k], want);
    }
    ag_graph_free(g);
}

static const double points[] = { -0.5, 0, 2 };

START_TEST(interpreted)
{
    ag_options options = test_options();
    compare(points[_i], &options);
    options.unfused = options.poison = 1;
    compare(points[_i], &options);
}
END_TEST

START_TEST(compiled)
{
    ag_options options = test_options();
    options.native = 1;
    options.native_seconds = 120;
    compare(points[_i], &options);
}
END_TEST

Suite *suite_untaken(void)
{
    Suite *s = suite_create("untaken");
    TCase *t = tcase_create("gradients");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, interpreted, 0, (int)COUNT(points));
    tcase_add_loop_test(t, compiled, 1, 2); /* at 0 */
    suite_add_tcase(s, t);
    return s;
}
