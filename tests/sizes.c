/* Sizes that overflow, as tensors, sums or plans: refused with a message that says them, or right; never a wrong
 * number, and no arithmetic that is not defined (which the sanitizers watch). */
#include "test.h"

#define LARGEST ((int64_t)1 << 48) /* elements of a tensor */

/* Memory of a small machine, whatever this one promises. */
static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return bytes > (size_t)1 << 30 ? NULL : malloc(bytes);
}

static void release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static ag_graph *new_graph(void)
{
    return ag_graph_new(&(ag_allocator){ allocate, release, NULL });
}

/* A view of one number: no memory. */
static ag_node *huge(ag_graph *g)
{
    return ag_broadcast_to(ag_parameter(g, NULL, AG_F64, AG_SHAPE(1), &(double){ 2 }), AG_SHAPE(LARGEST));
}

START_TEST(tensors)
{
    ag_graph *g = new_graph();
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SHAPE(3, 2), NULL), *i = ag_cast(x, AG_I64);
    const ag_node *const wrong[] = {
        ag_broadcast_to(x, AG_SHAPE(LARGEST, 3, 2)),
        ag_broadcast_to(x, AG_SHAPE(INT64_MAX, 3, 2)),
        ag_broadcast_to(x, AG_SHAPE((int64_t)1 << 32, (int64_t)1 << 32, 3, 2)),
        ag_parameter(g, NULL, AG_F32, AG_SHAPE((int64_t)1 << 32, (int64_t)1 << 32), NULL),
        ag_arange(g, AG_F64, LARGEST + 1),
        ag_arange(g, AG_F64, INT64_MIN),
        ag_pad(x, 0, LARGEST, LARGEST),
        ag_pad(x, 0, INT64_MAX, INT64_MAX),
        ag_pad(x, 1, INT64_MIN, 1),
        ag_one_hot(i, INT64_MAX, AG_F64),
        ag_one_hot(i, LARGEST, AG_F64),
        ag_reshape(x, AG_SHAPE(INT64_MAX, INT64_MIN)),
        ag_reshape(x, AG_SHAPE(-1, 0)),
        ag_reshape(x, AG_SHAPE((int64_t)1 << 32, (int64_t)1 << 32, -1)),
        ag_slice(x, 0, INT64_MIN, INT64_MIN, INT64_MIN),
        ag_slice(x, 0, INT64_MAX, INT64_MIN, INT64_MAX),
        ag_diag(huge(g)),
        ag_outer(huge(g), huge(g)),
        ag_matmul(ag_reshape(huge(g), AG_SHAPE(LARGEST, 1)), ag_reshape(huge(g), AG_SHAPE(1, LARGEST))),
    };
    ck_assert_ptr_nonnull(strstr(ag_graph_error(g), "broadcast_to"));
    for (size_t k = 0; k < COUNT(wrong); k++) ck_assert_msg(ag_is_bad(wrong[k]), "number %zu is made", k);
    ag_graph_free(g);
}
END_TEST

START_TEST(slices_to_the_ends_of_integers)
{
    ag_graph *g = new_graph();
    ag_node *x = ag_arange(g, AG_F64, 5);
    ag_node *y[] = { ag_slice(x, 0, INT64_MIN, INT64_MAX, 1), ag_slice(x, 0, INT64_MAX, INT64_MIN, -1),
                     ag_slice(x, 0, INT64_MAX, INT64_MIN, INT64_MIN), ag_slice(x, 0, 1, INT64_MAX, INT64_MAX) };
    double all[5], down[5], last, second, *out[] = { all, down, &last, &second };
    test_evaluate(4, y, NULL, out);
    for (int k = 0; k < 5; k++) ck_assert(all[k] == k && down[k] == 4 - k);
    ck_assert(last == 4 && second == 1);
    ag_graph_free(g);
}
END_TEST

START_TEST(sums_of_extents)
{
    enum { MANY = 40000 };
    ag_graph *g = new_graph();
    ag_node **x = calloc(MANY, sizeof *x);
    for (int k = 0; k < MANY; k++) x[k] = k ? x[0] : huge(g);
    ck_assert(ag_is_bad(ag_concat(MANY, x, 0)));
    expect_error(g, AG_ESHAPE, "concat", "the extents of axis 0 are too much together");
    ag_scan_body b = { .length = LARGEST, .states = 1, .initial = x, .state = x, .next = x };
    x[0] = ag_parameter(g, NULL, AG_F64, AG_SHAPE(2), NULL);
    ag_node *state = ag_input(g, NULL, AG_F64, AG_SHAPE(2)), *next = ag_sin(state), *final, *stack;
    b.state = &state;
    b.next = b.result = &next;
    b.results = 1;
    ck_assert_int_ne(ag_scan(&b, &final, &stack), AG_OK);
    expect_error(g, AG_ESHAPE, "too many elements");
    free(x);
    ag_graph_free(g);
}
END_TEST

START_TEST(derivatives)
{
    ag_graph *g = new_graph();
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE((int64_t)1 << 44)), *y = ag_sin(x);
    ck_assert(ag_is_bad(ag_jacobian(y, x)));
    ck_assert_int_ne(ag_graph_status(g), AG_OK);
    ck_assert_str_ne(ag_graph_error(g), "");
    ag_graph_clear(g);
    ck_assert(ag_is_bad(ag_hessian(ag_sum(y), x)));
    ck_assert_str_ne(ag_graph_error(g), "");
    ag_graph_clear(g);
    ag_node *wide = ag_input(g, "wide", AG_F64, AG_SHAPE((int64_t)1 << 40));
    ck_assert_ptr_null(ag_sparse_jacobian(ag_sin(wide), 1, &wide, NULL));
    ck_assert_str_ne(ag_graph_error(g), "");
    ag_graph_free(g);
}
END_TEST

/* Plans of more bytes than 2^62: no plan, and a message; with fewer there is a plan, which no run can be made of. */
START_TEST(plans)
{
    enum { MANY = 3000 };
    static ag_node *out[MANY];
    for (int distinct = 0; distinct < 2; distinct++) {
        ag_graph *g = new_graph();
        ag_options o = test_options();
        o.distinct = distinct;
        ag_node *x = huge(g);
        for (int k = 0; k < MANY; k++) out[k] = ag_add(x, ag_number(g, k + 1));
        ck_assert_ptr_null(ag_compile(g, MANY, out, &o));
        expect_error(g, AG_EMEM, "ag_compile: the values take more than 2^61 bytes together", "f64[281474976710656]");
        ag_plan *p = ag_compile(g, 3, out, &o);
        ck_assert_msg(p, "%s", ag_graph_error(g));
        ck_assert(ag_plan_bytes(p) > 3 * 8 * (size_t)LARGEST);
        ck_assert_ptr_null(ag_run_new(p));
        ag_plan_free(p);
        ag_graph_free(g);
    }
}
END_TEST

/* Passes over views of any size are planned; products of extents do not decide what is a row. */
START_TEST(passes_over_views)
{
    ag_graph *g = new_graph();
    ag_node *x = ag_reshape(huge(g), AG_SHAPE((int64_t)1 << 24, (int64_t)1 << 24)), *y = ag_number(g, 0);
    for (int k = 0; k < 3000; k++) y = ag_add(y, ag_mul(ag_sum_axis(ag_sin(ag_add(x, ag_number(g, k))), 1, 0),
                                                       ag_parameter(g, NULL, AG_F64, AG_SCALAR, NULL)));
    y = ag_sum(y);
    ag_plan *p = ag_compile(g, 1, &y, NULL);
    ck_assert(p != NULL || *ag_graph_error(g));
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

Suite *suite_sizes(void)
{
    Suite *s = suite_create("sizes");
    TCase *c = tcase_create("sizes");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, tensors);
    tcase_add_test(c, slices_to_the_ends_of_integers);
    tcase_add_test(c, sums_of_extents);
    tcase_add_test(c, derivatives);
    tcase_add_test(c, plans);
    tcase_add_test(c, passes_over_views);
    suite_add_tcase(s, c);
    return s;
}
