/* Sparse derivatives through loops and branches: structures that are known, values against dense derivatives, and
 * random bodies, whose structure must hold every element that is not 0. */
#include "test.h"

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

static ag_node *leaf(ag_shape s)
{
    return ag_input(g, NULL, AG_F64, s);
}

static ag_node *values(ag_shape s)
{
    static uint64_t seed = 11;
    return test_parameter(g, s, &seed, 0.2, 0.9);
}

static double *evaluate(ag_node *x)
{
    double *out = malloc((size_t)ag_size_of(x) * sizeof *out);
    test_evaluate(1, &x, NULL, &out);
    return out;
}

/* Is element (i, j) there? */
typedef int structure(int64_t i, int64_t j);

static void expect_structure(const ag_sparse *s, int64_t rows, int64_t columns, structure *is_there)
{
    ck_assert_msg(s != NULL, "%s", ag_graph_error(g));
    ck_assert(s->rows == rows && s->columns == columns);
    for (int64_t i = 0, k = 0; i < rows; i++) {
        ck_assert_int_eq(s->row_start[i], k);
        for (int64_t j = 0; j < columns; j++)
            if (is_there(i, j)) ck_assert_msg(k < s->nonzeros && s->column[k++] == j, "%lld, %lld", (long long)i,
                                              (long long)j);
        ck_assert_int_eq(s->row_start[i + 1], k);
    }
}

/* All that the dense matrix has is there and has its value. */
static void expect_values(const ag_sparse *s, ag_node *dense, const char *what, int seed)
{
    ck_assert_msg(s != NULL, "%s %d: %s", what, seed, ag_graph_error(g));
    double *want = evaluate(ag_reshape(dense, AG_SHAPE(-1))), *got = s->nonzeros ? evaluate(s->values) : NULL;
    for (int64_t i = 0; i < s->rows; i++) {
        for (int64_t k = s->row_start[i]; k < s->row_start[i + 1]; k++) {
            double *one = &want[i * s->columns + s->column[k]];
            ck_assert_msg(test_close(got[k], *one, 1e-12), "%s %d: element %lld, %lld is %.17g, not %.17g", what, seed,
                          (long long)i, (long long)s->column[k], got[k], *one);
            *one = 0;
        }
        for (int64_t j = 0; j < s->columns; j++)
            ck_assert_msg(want[i * s->columns + j] == 0, "%s %d: element %lld, %lld is missing", what, seed,
                          (long long)i, (long long)j);
    }
    free(want);
    free(got);
}

static int diagonal(int64_t i, int64_t j)
{
    return i == j;
}

static int lower(int64_t i, int64_t j)
{
    return j <= i;
}

static int upper(int64_t i, int64_t j)
{
    return j >= i;
}

static int all_of_them(int64_t i, int64_t j)
{
    return i + j >= 0;
}

/* What the last step multiplies by enters it linearly. */
static int all_but_last(int64_t i, int64_t j)
{
    return i < 8 || j < 8;
}

static int all_but_first(int64_t i, int64_t j)
{
    return i > 0 || j > 0;
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

static ag_node *map(ag_node *x, ag_node *(*of_element)(ag_node *))
{
    ag_shape s = ag_shape_of(x), one = { .rank = s.rank - 1 };
    for (int i = 0; i < one.rank; i++) one.dim[i] = s.dim[i + 1];
    ag_node *e = leaf(one), *y = of_element(e), *all;
    ag_scan(&(ag_scan_body){ .length = s.dim[0], .sequences = 1, .results = 1, .sequence = &x, .element = &e,
                             .result = &y }, NULL, &all);
    return all;
}

static ag_node *sine_of_square(ag_node *e)
{
    return ag_sin(ag_mul(e, e));
}

static ag_node *inner_map(ag_node *e)
{
    return map(e, sine_of_square);
}

/* Also as the vectorised operation costs: in one product. */
START_TEST(maps)
{
    ag_node *x = values(AG_SHAPE(12)), *y = map(x, sine_of_square);
    const ag_sparse *s = ag_sparse_jacobian(y, 1, &x, NULL), *h = ag_sparse_hessian(ag_sum(y), 1, &x, NULL);
    expect_structure(s, 12, 12, diagonal);
    expect_values(s, ag_jacobian(y, x), "map", 0);
    ck_assert_int_eq(s->colours, 1);
    expect_structure(h, 12, 12, diagonal);
    expect_values(h, ag_hessian(ag_sum(y), x), "map", 1);
    ck_assert_int_eq(h->colours, 1);
}
END_TEST

START_TEST(maps_of_maps)
{
    ag_node *x = values(AG_SHAPE(4, 3)), *y = map(x, inner_map);
    const ag_sparse *s = ag_sparse_jacobian(y, 1, &x, NULL), *h = ag_sparse_hessian(ag_sum(y), 1, &x, NULL);
    expect_structure(s, 12, 12, diagonal);
    expect_structure(h, 12, 12, diagonal);
    expect_values(s, ag_jacobian(y, x), "maps", 0);
    expect_values(h, ag_hessian(ag_sum(y), x), "maps", 1);
}
END_TEST

/* ---- states ------------------------------------------------------------------------------------------------------ */

/* Stacks the states after each step of s' = sin(s) x, and beside them sin(x^2). */
static void carry(ag_node *x, int reverse, ag_node *last[1], ag_node *stacked[2])
{
    ag_node *s = leaf(AG_SCALAR), *e = leaf(AG_SCALAR), *next = ag_mul(ag_sin(s), e), *first = ag_number(g, 0.5);
    ag_node *result[] = { next, sine_of_square(e) };
    first = ag_cast(first, AG_F64);
    ag_scan(&(ag_scan_body){ .length = ag_shape_of(x).dim[0], .reverse = reverse, .states = 1, .sequences = 1,
                             .results = 2, .initial = &first, .state = &s, .next = &next, .sequence = &x,
                             .element = &e, .result = result }, last, stacked);
}

START_TEST(states_by_step)
{
    ag_node *x = values(AG_SHAPE(9)), *last, *y[2];
    carry(x, _i, &last, y);
    const ag_sparse *s = ag_sparse_jacobian(y[0], 1, &x, NULL);
    expect_structure(s, 9, 9, _i ? upper : lower);
    expect_values(s, ag_jacobian(y[0], x), "states", _i);
    expect_structure(ag_sparse_jacobian(y[1], 1, &x, NULL), 9, 9, diagonal);
    expect_structure(ag_sparse_jacobian(last, 1, &x, NULL), 1, 9, all_of_them);
    expect_structure(ag_sparse_hessian(last, 1, &x, NULL), 9, 9, _i ? all_but_first : all_but_last);
}
END_TEST

/* States of so many steps are no longer told apart, results that read none still are. */
START_TEST(many_steps)
{
    const int64_t n = 7000;
    ag_node *x = values(AG_SHAPE(n)), *last, *y[2];
    carry(x, 0, &last, y);
    const ag_sparse *s = ag_sparse_jacobian(last, 1, &x, NULL);
    ck_assert(s && s->nonzeros == n && s->colours == 1);
    s = ag_sparse_jacobian(y[1], 1, &x, NULL);
    ck_assert(s && s->nonzeros == n && s->colours == 1);
}
END_TEST

/* Two states that take turns: each is made of every second element. */
static int every_second(int64_t i, int64_t j)
{
    return j <= i && (i - j) % 2 == 0;
}

START_TEST(states_that_take_turns)
{
    ag_node *x = values(AG_SHAPE(8)), *s[] = { leaf(AG_SCALAR), leaf(AG_SCALAR) }, *e = leaf(AG_SCALAR), *y;
    ag_node *zero = ag_cast(ag_number(g, 0), AG_F64), *first[] = { zero, zero };
    ag_node *next[] = { s[1], ag_add(ag_sin(s[0]), e) };
    ag_scan(&(ag_scan_body){ .length = 8, .states = 2, .sequences = 1, .results = 1, .initial = first, .state = s,
                             .next = next, .sequence = &x, .element = &e, .result = &next[1] }, NULL, &y);
    const ag_sparse *j = ag_sparse_jacobian(y, 1, &x, NULL);
    expect_structure(j, 8, 8, every_second);
    expect_values(j, ag_jacobian(y, x), "turns", 0);
}
END_TEST

/* Any number of steps: elements move on by one at each, from the first end to the last. */
START_TEST(unknown_steps)
{
    enum { N = 5 };
    ag_node *x = values(AG_SHAPE(N)), *count = ag_number(g, 0), *s[] = { leaf(AG_SHAPE(N)), leaf(AG_SCALAR) }, *y[2];
    ag_node *one = ag_number(g, 1), *limit = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_node *first[] = { ag_sin(x), ag_cast(count, AG_F64) };
    ag_node *next[] = { ag_concat(2, (ag_node *[]){ ag_slice(s[0], 0, 0, 1, 1), ag_slice(s[0], 0, 0, -1, 1) }, 0),
                        ag_add(s[1], one) };
    ag_while(ag_less(s[1], limit), 2, first, s, next, 0, y);
    expect_structure(ag_sparse_jacobian(y[0], 1, &x, NULL), N, N, lower);
    ag_while(ag_less(s[1], limit), 2, first, s, next, N, y);
    expect_structure(ag_sparse_jacobian(y[0], 1, &x, NULL), N, N, lower);
    const ag_sparse *h = ag_sparse_hessian(ag_sum(ag_square(y[0])), 1, &x, NULL);
    ck_assert_msg(h != NULL, "%s", ag_graph_error(g));
}
END_TEST

/* ---- branches ---------------------------------------------------------------------------------------------------- */

static int either(int64_t i, int64_t j)
{
    return j == i || j == 5 - i;
}

START_TEST(branches)
{
    ag_node *x = values(AG_SHAPE(6)), *a = leaf(AG_SHAPE(6)), *then = ag_sin(a), *otherwise = ag_exp(ag_flip(x, 0)), *y;
    ag_node *predicate = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ag_cond(predicate, 1, &x, &a, 1, &then, &otherwise, &y);
    expect_structure(ag_sparse_jacobian(y, 1, &x, NULL), 6, 6, either);
    expect_structure(ag_sparse_hessian(ag_sum(y), 1, &x, NULL), 6, 6, diagonal);
}
END_TEST

/* ---- random bodies ----------------------------------------------------------------------------------------------- */

enum { WIDTH = 3, STEPS = 4 };

typedef struct {
    uint64_t seed;
    int count;
    ag_node *node[64]; /* [WIDTH] */
} world;

static int below(world *w, int n)
{
    return (int)test_random(&w->seed, 0, n);
}

static ag_node *any(world *w)
{
    return w->node[below(w, w->count)];
}

static ag_node *two_branches(world *w)
{
    ag_node *a = any(w), *b = any(w), *in = leaf(AG_SHAPE(WIDTH)), *then = ag_mul(in, b), *otherwise = ag_sin(b), *y;
    ag_node *predicate = ag_greater(ag_sum(any(w)), ag_number(g, 0.5));
    ag_cond(predicate, 1, &a, &in, 1, &then, &otherwise, &y);
    return y;
}

static ag_node *inner_loop(world *w)
{
    ag_node *initial = any(w), *sequence = any(w), *s = leaf(AG_SHAPE(WIDTH)), *e = leaf(AG_SCALAR), *last, *all;
    ag_node *next = ag_mul(ag_add(s, any(w)), e), *result = ag_mul(e, ag_number(g, 3));
    ag_scan(&(ag_scan_body){ .length = WIDTH, .reverse = below(w, 2), .states = 1, .sequences = 1, .results = 1,
                             .initial = &initial, .state = &s, .next = &next, .sequence = &sequence, .element = &e,
                             .result = &result }, &last, &all);
    return below(w, 2) ? all : last;
}

static ag_node *operation(world *w, int nested)
{
    ag_node *a = any(w);
    switch (below(w, nested ? 8 : 6)) {
    case 0: return ag_add(a, any(w));
    case 1: return ag_mul(a, any(w));
    case 2: return ag_sin(a);
    case 3: return ag_flip(a, 0);
    case 4: return ag_pad(ag_slice(a, 0, 1, AG_END, 1), 0, 1, 0);
    case 5: return ag_broadcast_to(ag_sum(a), AG_SHAPE(WIDTH));
    case 6: return two_branches(w);
    default: return inner_loop(w);
    }
}

static ag_node *grow(world *w, int n, int nested)
{
    for (int k = 0; k < n; k++) w->node[w->count++] = ag_tanh(operation(w, nested));
    return w->node[w->count - 1];
}

static void random_loop(world *w, ag_node *x, ag_node *out[2])
{
    w->node[w->count++] = ag_slice(ag_reshape(x, AG_SHAPE(-1)), 0, 0, WIDTH, 1); /* to be captured */
    w->node[w->count++] = values(AG_SHAPE(WIDTH));
    ag_node *initial[] = { w->node[0], w->node[1] }, *next[2], *last[2];
    ag_node *s[] = { leaf(AG_SHAPE(WIDTH)), leaf(AG_SHAPE(WIDTH)) }, *e = leaf(AG_SHAPE(WIDTH));
    for (int k = 0; k < 2; k++) w->node[w->count++] = s[k];
    w->node[w->count++] = e;
    for (int k = 0; k < 2; k++) next[k] = grow(w, 3, 1);
    ag_node *result = grow(w, 3, 1);
    ag_scan(&(ag_scan_body){ .length = STEPS, .reverse = below(w, 2), .states = 2, .sequences = 1, .results = 1,
                             .initial = initial, .state = s, .next = next, .sequence = &x, .element = &e,
                             .result = &result }, last, out);
    out[1] = last[0];
}

START_TEST(random_bodies)
{
    const int few = test_quick() ? 1 : 10;
    for (int seed = few * _i; seed < few * (_i + 1); seed++) {
        world w = { .seed = (uint64_t)seed * 77 + 5 };
        ag_node *x, *y[2];
        if (seed > few * _i) end(), begin();
        x = values(AG_SHAPE(STEPS, WIDTH));
        random_loop(&w, x, y);
        for (int k = 0; k < 2; k++) {
            expect_values(ag_sparse_jacobian(y[k], 1, &x, NULL), ag_jacobian(y[k], x), "jacobian", seed);
            ag_node *loss = ag_sum(y[k]);
            expect_values(ag_sparse_hessian(loss, 1, &x, NULL), ag_hessian(loss, x), "hessian", seed);
        }
    }
}
END_TEST

Suite *suite_sparse_loops(void)
{
    Suite *s = suite_create("sparse_loops");
    TCase *c = tcase_create("sparse_loops");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, maps);
    tcase_add_test(c, maps_of_maps);
    tcase_add_loop_test(c, states_by_step, 0, 2);
    tcase_add_test(c, many_steps);
    tcase_add_test(c, states_that_take_turns);
    tcase_add_test(c, unknown_steps);
    tcase_add_test(c, branches);
    tcase_add_loop_test(c, random_bodies, 0, 10);
    suite_add_tcase(s, c);
    return s;
}
