/* Shape rules: what NumPy would answer, and what it would refuse. */
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

static ag_node *of(ag_shape s)
{
    return ag_input(g, NULL, AG_F64, s);
}

static ag_node *labels(ag_shape s)
{
    return ag_input(g, NULL, AG_I64, s);
}

#define SCALAR AG_SCALAR
#define S AG_SHAPE

START_TEST(leaves_have_any_rank)
{
    expect_shape(of(SCALAR), SCALAR);
    expect_shape(of(S(7)), S(7));
    expect_shape(of(S(1, 2, 3, 4, 5, 6, 7, 8)), S(1, 2, 3, 4, 5, 6, 7, 8));
    expect_shape(ag_number(g, 1), SCALAR);
    expect_shape(ag_arange(g, AG_I64, 5), S(5));
    of(S(3, 0));
    expect_error(g, AG_ESHAPE, "input");
    of(S(-1));
    expect_error(g, AG_ESHAPE, "input");
    of((ag_shape){ .rank = 9 });
    expect_error(g, AG_ESHAPE, "input");
    of((ag_shape){ .rank = -1 });
    expect_error(g, AG_ESHAPE, "input");
    of(S(INT64_MAX));
    expect_error(g, AG_ESHAPE, "input");
    of(S(1 << 30, 1 << 30, 1 << 30));
    expect_error(g, AG_ESHAPE, "input");
}
END_TEST

static const struct {
    ag_shape a, b, want;
} broadcasts[] = {
    { { 0, { 0 } }, { 0, { 0 } }, { 0, { 0 } } },
    { { 0, { 0 } }, { 2, { 2, 3 } }, { 2, { 2, 3 } } },
    { { 1, { 3 } }, { 2, { 2, 3 } }, { 2, { 2, 3 } } },
    { { 2, { 2, 1 } }, { 2, { 1, 3 } }, { 2, { 2, 3 } } },
    { { 2, { 2, 1 } }, { 1, { 3 } }, { 2, { 2, 3 } } },
    { { 1, { 1 } }, { 1, { 1 } }, { 1, { 1 } } },
    { { 1, { 1 } }, { 0, { 0 } }, { 1, { 1 } } },
    { { 3, { 4, 1, 5 } }, { 2, { 7, 1 } }, { 3, { 4, 7, 5 } } },
    { { 4, { 1, 1, 1, 6 } }, { 3, { 2, 3, 1 } }, { 4, { 1, 2, 3, 6 } } },
    { { 8, { 2, 1, 2, 1, 2, 1, 2, 1 } }, { 7, { 3, 1, 3, 1, 3, 1, 3 } }, { 8, { 2, 3, 2, 3, 2, 3, 2, 3 } } },
};

START_TEST(operands_broadcast)
{
    ag_node *a = of(broadcasts[_i].a), *b = of(broadcasts[_i].b);
    expect_shape(ag_add(a, b), broadcasts[_i].want);
    expect_shape(ag_atan2(b, a), broadcasts[_i].want);
    expect_shape(ag_where(a, b, ag_number(g, 1)), broadcasts[_i].want);
    expect_shape(ag_where(ag_number(g, 1), a, b), broadcasts[_i].want);
    expect_shape(ag_broadcast_to(a, broadcasts[_i].want), broadcasts[_i].want);
    expect_well(g);
}
END_TEST

START_TEST(operands_that_do_not_broadcast)
{
    ag_mul(of(S(2, 3)), of(S(2)));
    expect_error(g, AG_ESHAPE, "mul", "f64[2,3]", "f64[2]");
    ag_mul(of(S(2, 3)), of(S(4, 3)));
    expect_error(g, AG_ESHAPE, "mul", "f64[2,3]", "f64[4,3]");
    ag_where(of(S(2)), of(S(3)), of(S(3)));
    expect_error(g, AG_ESHAPE, "where", "f64[2]", "f64[3]");
    ag_broadcast_to(of(S(2, 3)), S(3));
    expect_error(g, AG_ESHAPE, "broadcast_to", "f64[2,3]");
    ag_broadcast_to(of(S(2)), S(2, 3));
    expect_error(g, AG_ESHAPE, "broadcast_to", "f64[2]");
    ag_broadcast_to(of(S(2)), S(0, 2));
    expect_error(g, AG_ESHAPE, "broadcast_to");
    ag_broadcast_to(of(S(2)), (ag_shape){ .rank = 9 });
    expect_error(g, AG_ESHAPE, "broadcast_to", "9");
}
END_TEST

/* The six reductions have one shape rule. */
static ag_node *(*const reduce[])(ag_node *) = { ag_sum, ag_mean, ag_prod, ag_amax, ag_amin, ag_logsumexp };
static ag_node *(*const reduce_axis[])(ag_node *, int, int) = { ag_sum_axis,  ag_mean_axis, ag_prod_axis,
                                                                ag_amax_axis, ag_amin_axis, ag_logsumexp_axis };

START_TEST(reductions)
{
    ag_node *x = of(S(2, 3, 4));
    expect_shape(reduce[_i](x), SCALAR);
    expect_shape(reduce[_i](of(SCALAR)), SCALAR);
    expect_shape(reduce_axis[_i](x, 0, 0), S(3, 4));
    expect_shape(reduce_axis[_i](x, 1, 0), S(2, 4));
    expect_shape(reduce_axis[_i](x, 2, 0), S(2, 3));
    expect_shape(reduce_axis[_i](x, -1, 0), S(2, 3));
    expect_shape(reduce_axis[_i](x, -3, 0), S(3, 4));
    expect_shape(reduce_axis[_i](x, 1, 1), S(2, 1, 4));
    expect_shape(reduce_axis[_i](x, -1, 7), S(2, 3, 1));
    expect_shape(reduce_axis[_i](of(S(5)), 0, 0), SCALAR);
    expect_shape(reduce_axis[_i](of(S(5)), 0, 1), S(1));
    reduce_axis[_i](x, 3, 0);
    expect_error(g, AG_ESHAPE, "axis 3", "f64[2,3,4]");
    reduce_axis[_i](x, -4, 0);
    expect_error(g, AG_ESHAPE, "axis -4", "f64[2,3,4]");
    reduce_axis[_i](of(SCALAR), 0, 0);
    expect_error(g, AG_ESHAPE, "axis 0", "f64[]");
    ck_assert(ag_is_bad(reduce[_i](labels(S(3)))));
    expect_error(g, AG_ETYPE, "i64[3]");
}
END_TEST

START_TEST(operations_along_an_axis)
{
    ag_node *x = of(S(2, 3, 4));
    expect_shape(ag_argmax(x, 1), S(2, 4));
    ck_assert_int_eq(ag_type_of(ag_argmax(x, -1)), AG_I64);
    expect_shape(ag_argmax(of(S(3)), 0), SCALAR);
    expect_shape(ag_cumsum(x, -2), S(2, 3, 4));
    expect_shape(ag_softmax(x, 1), S(2, 3, 4));
    expect_shape(ag_log_softmax(x, -1), S(2, 3, 4));
    expect_shape(ag_flip(x, 0), S(2, 3, 4));
    expect_shape(ag_cross_entropy(of(S(5, 3)), labels(S(5))), SCALAR);
    ag_node *(*const along[])(ag_node *, int) = { ag_argmax, ag_cumsum, ag_softmax, ag_log_softmax, ag_flip };
    const char *const name[] = { "argmax", "cumsum", "softmax", "log_softmax", "flip" };
    for (size_t i = 0; i < COUNT(along); i++) {
        along[i](x, 3);
        expect_error(g, AG_ESHAPE, name[i], "axis 3", "f64[2,3,4]");
        along[i](of(SCALAR), 0);
        expect_error(g, AG_ESHAPE, name[i], "axis 0");
    }
}
END_TEST

static const struct {
    ag_shape a, b, want;
} products[] = {
    { { 2, { 2, 3 } }, { 2, { 3, 4 } }, { 2, { 2, 4 } } },
    { { 2, { 1, 1 } }, { 2, { 1, 1 } }, { 2, { 1, 1 } } },
    { { 3, { 5, 2, 3 } }, { 2, { 3, 4 } }, { 3, { 5, 2, 4 } } },
    { { 2, { 2, 3 } }, { 3, { 5, 3, 4 } }, { 3, { 5, 2, 4 } } },
    { { 3, { 5, 2, 3 } }, { 3, { 5, 3, 4 } }, { 3, { 5, 2, 4 } } },
    { { 3, { 1, 2, 3 } }, { 3, { 5, 3, 4 } }, { 3, { 5, 2, 4 } } },
    { { 4, { 7, 1, 2, 3 } }, { 3, { 5, 3, 4 } }, { 4, { 7, 5, 2, 4 } } },
    { { 4, { 2, 3, 4, 5 } }, { 2, { 5, 6 } }, { 4, { 2, 3, 4, 6 } } },
};

START_TEST(matrix_products)
{
    expect_shape(ag_matmul(of(products[_i].a), of(products[_i].b)), products[_i].want);
    if (products[_i].a.rank == 2 && products[_i].b.rank == 2)
        expect_shape(ag_dot(of(products[_i].a), of(products[_i].b)), products[_i].want);
    expect_well(g);
}
END_TEST

START_TEST(dot_takes_vectors)
{
    expect_shape(ag_dot(of(S(3)), of(S(3))), SCALAR);
    expect_shape(ag_dot(of(S(2, 3)), of(S(3))), S(2));
    expect_shape(ag_dot(of(S(3)), of(S(3, 4))), S(4));
    expect_shape(ag_dot(of(S(1)), of(S(1))), SCALAR);
    expect_well(g);
}
END_TEST

START_TEST(products_that_do_not_fit)
{
    ag_matmul(of(S(2, 3)), of(S(4, 3)));
    expect_error(g, AG_ESHAPE, "matmul", "inner dimensions differ, 3 and 4", "f64[2,3]", "f64[4,3]");
    ag_matmul(of(S(5, 2, 3)), of(S(4, 6)));
    expect_error(g, AG_ESHAPE, "matmul", "inner dimensions differ, 3 and 4", "f64[5,2,3]", "f64[4,6]");
    ag_matmul(of(S(2, 2, 3)), of(S(4, 3, 2)));
    expect_error(g, AG_ESHAPE, "matmul", "batch", "f64[2,2,3]", "f64[4,3,2]");
    ag_matmul(of(S(3)), of(S(3, 2)));
    expect_error(g, AG_ESHAPE, "matmul", "rank", "f64[3]");
    ag_dot(of(S(2, 3)), of(S(2)));
    expect_error(g, AG_ESHAPE, "dot", "3", "2", "f64[2,3]", "f64[2]");
    ag_dot(of(S(3)), of(S(4)));
    expect_error(g, AG_ESHAPE, "dot", "3", "4", "f64[3]", "f64[4]");
    ag_dot(of(S(32, 784)), of(S(748, 128)));
    expect_error(g, AG_ESHAPE, "dot", "inner dimensions differ, 784 and 748", "f64[32,784]", "f64[748,128]");
    ag_dot(of(S(2, 2, 2)), of(S(2, 2)));
    expect_error(g, AG_ESHAPE, "dot", "rank");
    ag_dot(of(SCALAR), of(S(2)));
    expect_error(g, AG_ESHAPE, "dot", "rank");
}
END_TEST

START_TEST(transpositions)
{
    ag_node *x = of(S(2, 3, 4));
    expect_shape(ag_transpose(x, NULL), S(4, 3, 2));
    expect_shape(ag_transpose(x, (int[]){ 1, 2, 0 }), S(3, 4, 2));
    expect_shape(ag_transpose(x, (int[]){ -1, 0, -2 }), S(4, 2, 3));
    expect_shape(ag_transpose(of(SCALAR), NULL), SCALAR);
    expect_well(g);
    ag_transpose(x, (int[]){ 0, 0, 1 });
    expect_error(g, AG_ESHAPE, "transpose", "f64[2,3,4]");
    ag_transpose(x, (int[]){ 0, 1, 3 });
    expect_error(g, AG_ESHAPE, "transpose", "f64[2,3,4]");
}
END_TEST

START_TEST(reshapes)
{
    ag_node *x = of(S(2, 3, 4));
    expect_shape(ag_reshape(x, S(24)), S(24));
    expect_shape(ag_reshape(x, S(4, 6)), S(4, 6));
    expect_shape(ag_reshape(x, S(-1, 6)), S(4, 6));
    expect_shape(ag_reshape(x, S(2, -1)), S(2, 12));
    expect_shape(ag_reshape(x, S(1, 24, -1)), S(1, 24, 1));
    expect_shape(ag_reshape(of(S(1, 1)), SCALAR), SCALAR);
    expect_shape(ag_reshape(of(SCALAR), S(1, 1)), S(1, 1));
    expect_well(g);
    const ag_shape wrong[] = { S(5, 5), S(-1, -1), S(-1, 5),      S(0, 24),      S(-2, 12),
                               S(25),   SCALAR,    { .rank = 9 }, { .rank = -1 } };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        ag_reshape(x, wrong[i]);
        expect_error(g, AG_ESHAPE, "reshape", "f64[2,3,4]");
    }
}
END_TEST

/* numpy.arange(10)[start:stop:step].size, for each */
static const struct {
    int64_t start, stop, step, size;
} slices[] = {
    { 0, 10, 1, 10 },   { 2, 5, 1, 3 },     { -3, AG_END, 1, 3 }, { 0, -1, 1, 9 },   { 0, 100, 1, 10 },
    { -100, 3, 1, 3 },  { 1, 9, 3, 3 },     { 0, 10, 100, 1 },    { 9, 0, -1, 9 },   { 9, AG_END, -1, 10 },
    { 100, 4, -2, 3 },  { -1, -4, -1, 3 },  { 5, AG_END, -5, 2 }, { 3, 4, 1, 1 },    { -2, -1, 1, 1 },
    { 0, AG_END, 3, 4 }, { 4, -100, -1, 5 }, { -1, -11, -9, 2 },
};

START_TEST(slices_follow_python)
{
    ag_node *x = of(S(3, 10, 2));
    ag_node *y = ag_slice(x, 1, slices[_i].start, slices[_i].stop, slices[_i].step);
    expect_shape(y, S(3, slices[_i].size, 2));
    expect_well(g);
}
END_TEST

START_TEST(slices_that_are_empty_or_wrong)
{
    ag_node *x = of(S(3, 10));
    ag_slice(x, 1, 5, 5, 1);
    expect_error(g, AG_ESHAPE, "slice", "f64[3,10]");
    ag_slice(x, 1, 5, 2, 1);
    expect_error(g, AG_ESHAPE, "slice", "f64[3,10]");
    ag_slice(x, 1, 10, AG_END, 1);
    expect_error(g, AG_ESHAPE, "slice", "f64[3,10]");
    ag_slice(x, 1, 2, 5, -1);
    expect_error(g, AG_ESHAPE, "slice", "f64[3,10]");
    ag_slice(x, 1, 0, 5, 0);
    expect_error(g, AG_EARG, "slice", "step", "f64[3,10]");
    ag_slice(x, 2, 0, 1, 1);
    expect_error(g, AG_ESHAPE, "slice", "axis 2", "f64[3,10]");
    ag_slice(x, 1, INT64_MIN, INT64_MIN, INT64_MIN);
    expect_error(g, AG_ESHAPE, "slice");
    expect_shape(ag_slice(x, 1, INT64_MIN, AG_END, INT64_MAX), S(3, 1));
    expect_shape(ag_slice(x, 1, INT64_MAX - 1, INT64_MIN, INT64_MIN), S(3, 1));
}
END_TEST

START_TEST(joining_and_padding)
{
    ag_node *x = of(S(2, 3)), *y = of(S(2, 5)), *z = of(S(4, 3)), *v = of(S(3));
    expect_shape(ag_concat(2, (ag_node *[]){ x, y }, 1), S(2, 8));
    expect_shape(ag_concat(2, (ag_node *[]){ x, y }, -1), S(2, 8));
    expect_shape(ag_concat(3, (ag_node *[]){ x, z, x }, 0), S(8, 3));
    expect_shape(ag_concat(1, (ag_node *[]){ x }, 0), S(2, 3));
    expect_shape(ag_pad(x, 0, 1, 2), S(5, 3));
    expect_shape(ag_pad(x, -1, 0, 0), S(2, 3));
    expect_well(g);
    ag_concat(2, (ag_node *[]){ x, y }, 0);
    expect_error(g, AG_ESHAPE, "concat", "f64[2,3]", "f64[2,5]");
    ag_concat(2, (ag_node *[]){ x, v }, 0);
    expect_error(g, AG_ESHAPE, "concat", "f64[2,3]", "f64[3]");
    ag_concat(2, (ag_node *[]){ x, y }, 2);
    expect_error(g, AG_ESHAPE, "concat", "axis 2");
    ag_concat(2, (ag_node *[]){ x, ag_input(g, NULL, AG_F32, S(2, 3)) }, 0);
    expect_error(g, AG_ETYPE, "concat", "f64[2,3]", "f32[2,3]");
    ag_pad(x, 0, -1, 0);
    expect_error(g, AG_ESHAPE, "pad", "f64[2,3]");
    ag_pad(x, 0, 0, -1);
    expect_error(g, AG_ESHAPE, "pad", "f64[2,3]");
    ag_pad(x, 2, 1, 1);
    expect_error(g, AG_ESHAPE, "pad", "axis 2");
    ag_pad(x, 0, INT64_MAX, INT64_MAX);
    expect_error(g, AG_ESHAPE, "pad");
}
END_TEST

START_TEST(gathering_and_scattering)
{
    ag_node *x = of(S(4, 5, 6)), *i = labels(S(2, 3)), *one = labels(SCALAR);
    expect_shape(ag_gather(x, 0, i), S(2, 3, 5, 6));
    expect_shape(ag_gather(x, 1, i), S(4, 2, 3, 6));
    expect_shape(ag_gather(x, -1, i), S(4, 5, 2, 3));
    expect_shape(ag_gather(x, 1, one), S(4, 6));
    expect_shape(ag_gather(labels(S(7)), 0, i), S(2, 3));
    expect_shape(ag_scatter_add(x, 1, i, of(S(4, 2, 3, 6))), S(4, 5, 6));
    expect_shape(ag_scatter_add(x, -3, one, of(S(5, 6))), S(4, 5, 6));
    expect_shape(ag_one_hot(i, 9, AG_F32), S(2, 3, 9));
    ck_assert_int_eq(ag_type_of(ag_one_hot(one, 9, AG_F32)), AG_F32);
    expect_well(g);
    ag_gather(x, 3, i);
    expect_error(g, AG_ESHAPE, "gather", "axis 3", "f64[4,5,6]");
    ag_gather(x, 0, of(S(2)));
    expect_error(g, AG_ETYPE, "gather", "indices", "f64[2]");
    ag_gather(of(S(1, 1, 1, 1, 1, 1, 1, 1)), 0, i);
    expect_error(g, AG_ESHAPE, "gather", "8");
    ag_scatter_add(x, 1, i, of(S(4, 2, 6)));
    expect_error(g, AG_ESHAPE, "scatter_add", "f64[4,5,6]", "f64[4,2,6]");
    ag_scatter_add(x, 1, of(S(2, 3)), of(S(4, 2, 3, 6)));
    expect_error(g, AG_ETYPE, "scatter_add");
    ag_one_hot(of(S(3)), 4, AG_F64);
    expect_error(g, AG_ETYPE, "one_hot", "f64[3]");
    ag_one_hot(i, 0, AG_F64);
    expect_error(g, AG_ESHAPE, "one_hot", "i64[2,3]");
    ag_cross_entropy(of(S(5, 3)), labels(S(4)));
    expect_error(g, AG_ESHAPE, "cross_entropy", "f64[5,3]", "i64[4]");
    ag_cross_entropy(of(S(5)), labels(S(5)));
    expect_error(g, AG_ESHAPE, "cross_entropy", "f64[5]");
    ag_cross_entropy(of(S(5, 3)), of(S(5)));
    expect_error(g, AG_ETYPE, "cross_entropy", "f64[5]");
}
END_TEST

START_TEST(types)
{
    ag_node *i = labels(S(3)), *x = of(S(3));
    ck_assert_int_eq(ag_type_of(ag_cast(i, AG_F32)), AG_F32);
    ck_assert_int_eq(ag_type_of(ag_cast(x, AG_I64)), AG_I64);
    ck_assert_int_eq(ag_type_of(ag_less(x, x)), AG_F64);
    ck_assert_int_eq(ag_type_of(ag_slice(i, 0, 1, 2, 1)), AG_I64);
    ck_assert_int_eq(ag_type_of(ag_concat(2, (ag_node *[]){ i, i }, 0)), AG_I64);
    ck_assert_int_eq(ag_type_of(ag_reshape(i, S(3, 1))), AG_I64);
    ck_assert_int_eq(ag_type_of(ag_transpose(i, NULL)), AG_I64);
    ck_assert_int_eq(ag_type_of(ag_broadcast_to(i, S(2, 3))), AG_I64);
    ck_assert_int_eq(ag_type_of(ag_arange(g, AG_F32, 4)), AG_F32);
    expect_shape(ag_cast(i, AG_F64), S(3));
    expect_well(g);
}
END_TEST

Suite *suite_shapes(void)
{
    Suite *s = suite_create("shapes");
    TCase *t = tcase_create("shapes");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, leaves_have_any_rank);
    tcase_add_loop_test(t, operands_broadcast, 0, COUNT(broadcasts));
    tcase_add_test(t, operands_that_do_not_broadcast);
    tcase_add_loop_test(t, reductions, 0, COUNT(reduce));
    tcase_add_test(t, operations_along_an_axis);
    tcase_add_loop_test(t, matrix_products, 0, COUNT(products));
    tcase_add_test(t, dot_takes_vectors);
    tcase_add_test(t, products_that_do_not_fit);
    tcase_add_test(t, transpositions);
    tcase_add_test(t, reshapes);
    tcase_add_loop_test(t, slices_follow_python, 0, COUNT(slices));
    tcase_add_test(t, slices_that_are_empty_or_wrong);
    tcase_add_test(t, joining_and_padding);
    tcase_add_test(t, gathering_and_scattering);
    tcase_add_test(t, types);
    suite_add_tcase(s, t);
    return s;
}
