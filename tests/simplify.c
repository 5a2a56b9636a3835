/* Simplification: each rewrite of simplify.c makes the very node expected, and what is not sound is left alone. */
#include "test.h"

static ag_graph *g;
static ag_node *x, *y, *row, *matrix, *single; /* f64: rank 0, rank 0, [3], [2, 3], f32 [3] */

static void begin(void)
{
    g = ag_graph_new(NULL);
    x = ag_input(g, "x", AG_F64, AG_SCALAR);
    y = ag_input(g, "y", AG_F64, AG_SCALAR);
    row = ag_parameter(g, "row", AG_F64, AG_SHAPE(3), (double[]){ 1, 2, 4 });
    matrix = ag_parameter(g, "matrix", AG_F64, AG_SHAPE(2, 3), (double[]){ 1, 2, 3, 4, 5, 6 });
    single = ag_parameter(g, "single", AG_F32, AG_SHAPE(3), (float[]){ 1, 2, 4 });
}

static void end(void)
{
    ag_graph_free(g);
}

static ag_node *number(double value)
{
    return ag_number(g, value);
}

#define expect_same(got, want)                                                                                   \
    do {                                                                                                         \
        ag_node *got_ = (got), *want_ = (want);                                                                  \
        expect_well(g);                                                                                          \
        if (got_->rewritten) got_ = got_->in[got_->nin - 1];                                                     \
        if (want_->rewritten) want_ = want_->in[want_->nin - 1];                                                 \
        ck_assert_msg(got_ == want_, "%s is %s, not %s", #got, got_->op->name, #want);                           \
    } while (0)

/* Nothing is rewritten: the node is of the operation that was asked for, on those operands. */
#define expect_kept(got, operation)                                                                              \
    do {                                                                                                         \
        ag_node *kept_ = (got);                                                                                  \
        expect_well(g);                                                                                          \
        ck_assert_msg(kept_->op == &agi_##operation, "%s is %s", #got, kept_->op->name);                         \
    } while (0)

static void expect_literal(ag_node *got, ag_dtype dtype, double value)
{
    expect_well(g);
    ck_assert_ptr_eq(got->op, &agi_number);
    ck_assert_int_eq(ag_type_of(got), dtype);
    expect_close(test_number(got), value, 0);
}

/* ---- pointwise --------------------------------------------------------------------------------------------------- */

START_TEST(sums)
{
    expect_same(ag_add(row, number(0)), row);
    expect_same(ag_add(number(0), row), row);
    expect_same(ag_add(row, ag_neg(matrix)), ag_sub(row, matrix));
    expect_same(ag_add(ag_neg(matrix), row), ag_sub(row, matrix));
    expect_same(ag_sub(row, number(0)), row);
    expect_same(ag_sub(number(0), row), ag_neg(row));
    expect_same(ag_sub(row, ag_neg(matrix)), ag_add(row, matrix));
    expect_same(ag_neg(ag_neg(x)), x);
    expect_kept(ag_add(x, y), add);
    expect_kept(ag_sub(x, x), sub);
    expect_kept(ag_add(row, number(1e-300)), add);
    expect_kept(ag_sub(ag_neg(x), y), sub);
}
END_TEST

START_TEST(products)
{
    expect_same(ag_mul(row, number(1)), row);
    expect_same(ag_mul(number(1), row), row);
    expect_same(ag_mul(row, number(-1)), ag_neg(row));
    expect_same(ag_mul(number(-1), row), ag_neg(row));
    expect_same(ag_mul(ag_neg(row), ag_neg(matrix)), ag_mul(row, matrix));
    expect_kept(ag_mul(row, number(0)), mul);
    expect_kept(ag_mul(number(-0.0), row), mul);
    expect_kept(ag_mul(ag_neg(x), y), mul);
}
END_TEST

START_TEST(quotients)
{
    expect_same(ag_div(row, number(1)), row);
    expect_same(ag_div(row, number(8)), ag_mul(row, number(0.125)));
    expect_same(ag_div(row, number(-0.5)), ag_mul(row, number(-2)));
    expect_same(ag_div(ag_neg(row), ag_neg(matrix)), ag_div(row, matrix));
    expect_same(ag_div(x, number(0x1p-1023)), ag_mul(x, number(0x1p1023)));
    expect_kept(ag_div(row, number(3)), div);
    expect_kept(ag_div(row, number(0)), div);
    expect_kept(ag_div(row, number(INFINITY)), div);
    expect_kept(ag_div(row, number(NAN)), div);
    expect_kept(ag_div(x, number(0x1p-1024)), div); /* its reciprocal is infinite */
    expect_kept(ag_div(single, number(0x1p-128)), div);
    expect_kept(ag_div(number(1), row), div);
    expect_kept(ag_div(number(0), row), div);
    expect_kept(ag_div(x, x), div);
}
END_TEST

START_TEST(powers)
{
    expect_same(ag_pow(row, number(1)), row);
    expect_same(ag_pow(row, number(2)), ag_square(row));
    expect_kept(ag_pow(row, number(3)), pow);
    expect_kept(ag_pow(row, number(0.5)), pow); /* not a root at -0 and -Inf */
    expect_kept(ag_pow(number(1), row), pow);
}
END_TEST

START_TEST(choices)
{
    expect_same(ag_where(number(1), x, y), x);
    expect_same(ag_where(number(0), x, y), y);
    expect_same(ag_where(number(NAN), x, y), x);
    expect_same(ag_where(ag_less(x, y), row, row), row);
    expect_same(ag_where(number(1), matrix, row), matrix);
    expect_kept(ag_where(number(0), matrix, row), where); /* the result is larger than the row */
    expect_kept(ag_where(ag_less(row, y), x, x), where);
    expect_kept(ag_where(x, x, y), where);
}
END_TEST

START_TEST(sides_of_a_choice)
{
    ag_node *zero = number(0), *a = ag_where(x, row, zero), *b = ag_where(x, zero, matrix);
    expect_same(ag_add(a, b), ag_where(x, row, matrix));
    expect_same(ag_add(b, a), ag_where(x, row, matrix));
    expect_kept(ag_add(a, a), add);
    expect_kept(ag_add(a, ag_where(y, zero, matrix)), add);
    expect_kept(ag_add(a, ag_where(x, number(1), matrix)), add);
    expect_kept(ag_add(ag_where(x, row, number(-1)), b), add);
}
END_TEST

START_TEST(powers_of_two_as_factors)
{
    ag_node *sum = ag_add(row, matrix);
    expect_same(ag_mul(ag_mul(row, number(2)), number(4)), ag_mul(row, number(8)));
    expect_same(ag_mul(number(-0.5), ag_mul(number(2), row)), ag_neg(row));
    expect_same(ag_add(ag_mul(row, number(2)), ag_mul(number(2), matrix)), ag_mul(sum, number(2)));
    ag_node *kept[] = { ag_mul(ag_mul(row, number(2)), number(3)), ag_mul(ag_mul(row, number(0.1)), number(2)),
                        ag_mul(ag_mul(row, number(0x1p600)), number(0x1p600)), /* 2^1200 is no number */
                        ag_mul(ag_mul(single, number(0x1p80)), number(0x1p80)),
                        ag_mul(ag_mul(row, number(0)), number(2)) };
    for (size_t k = 0; k < COUNT(kept); k++) ck_assert_ptr_eq(kept[k]->in[0]->op, &agi_mul);
    expect_kept(ag_add(ag_mul(row, number(0.5)), ag_mul(matrix, number(0.5))), add); /* row + matrix may overflow */
    expect_kept(ag_add(ag_mul(row, number(2)), ag_mul(matrix, number(4))), add);
    expect_kept(ag_add(ag_mul(row, number(3)), ag_mul(matrix, number(3))), add);
}
END_TEST

START_TEST(literals)
{
    expect_literal(ag_add(number(2), number(3)), AG_F64, 5);
    expect_literal(ag_exp(number(0)), AG_F64, 1);
    expect_literal(ag_where(ag_less(number(1), number(2)), number(7), number(8)), AG_F64, 7);
    expect_literal(ag_mul(number(0), number(INFINITY)), AG_F64, NAN);
    expect_literal(ag_sum(ag_mul(number(0), number(3))), AG_F64, 0);
    ag_node *third = ag_div(ag_cast(number(1), AG_F32), number(3)); /* in f32: a rounded third */
    expect_literal(third, AG_F32, (double)(1.0f / 3.0f));
    expect_literal(ag_cast(third, AG_F64), AG_F64, (double)(1.0f / 3.0f));
    expect_literal(ag_cast(number(0.1), AG_F32), AG_F32, (double)0.1f);
    expect_literal(ag_cast(ag_cast(number(0.1), AG_F32), AG_F64), AG_F64, (double)0.1f);
}
END_TEST

/* A sum of literals is a literal still: it takes the type it meets. A cast literal does not. */
START_TEST(literals_stay_open_until_they_are_cast)
{
    ck_assert_int_eq(ag_type_of(ag_mul(single, ag_add(number(1), number(2)))), AG_F32);
    expect_well(g);
    ck_assert(ag_is_bad(ag_mul(single, ag_cast(number(3), AG_F64))));
    expect_error(g, AG_ETYPE, "mul");
    ck_assert(ag_is_bad(ag_mul(single, ag_add(number(1), ag_cast(number(2), AG_F64)))));
    expect_error(g, AG_ETYPE, "mul");
}
END_TEST

/* ---- broadcasts, views, casts ------------------------------------------------------------------------------------ */

START_TEST(repeated_operands)
{
    ag_shape big = AG_SHAPE(4, 2, 3);
    ag_node *rows = ag_broadcast_to(row, AG_SHAPE(2, 3)), *many = ag_broadcast_to(x, AG_SHAPE(2, 3));
    expect_same(ag_exp(rows), ag_broadcast_to(ag_exp(row), AG_SHAPE(2, 3)));
    expect_same(ag_mul(matrix, rows), ag_mul(matrix, row));
    expect_same(ag_mul(matrix, many), ag_mul(matrix, x));
    expect_same(ag_add(many, rows), ag_broadcast_to(ag_add(x, row), AG_SHAPE(2, 3)));
    expect_same(ag_mul(ag_broadcast_to(matrix, big), rows), ag_broadcast_to(ag_mul(matrix, row), big));
    expect_same(ag_add(matrix, ag_broadcast_to(number(0), AG_SHAPE(2, 3))), matrix);
    expect_same(ag_mul(row, ag_broadcast_to(number(1), AG_SHAPE(2, 3))), rows);
    expect_same(ag_cast(rows, AG_F32), ag_broadcast_to(ag_cast(row, AG_F32), AG_SHAPE(2, 3)));
}
END_TEST

START_TEST(reshapes)
{
    ag_node *flat = ag_reshape(matrix, AG_SHAPE(6));
    expect_same(ag_reshape(matrix, AG_SHAPE(2, 3)), matrix);
    expect_same(ag_reshape(ag_reshape(matrix, AG_SHAPE(3, 2)), AG_SHAPE(6)), flat);
    expect_same(ag_reshape(flat, AG_SHAPE(2, 3)), matrix);
    expect_kept(ag_reshape(matrix, AG_SHAPE(3, 2)), reshape);
    expect_kept(ag_reshape(ag_transpose(matrix, NULL), AG_SHAPE(2, 3)), reshape);
}
END_TEST

START_TEST(broadcasts)
{
    expect_same(ag_broadcast_to(matrix, AG_SHAPE(2, 3)), matrix);
    expect_same(ag_broadcast_to(ag_broadcast_to(row, AG_SHAPE(2, 3)), AG_SHAPE(5, 2, 3)),
                ag_broadcast_to(row, AG_SHAPE(5, 2, 3)));
    expect_same(ag_broadcast_to(ag_reshape(row, AG_SHAPE(1, 3)), AG_SHAPE(2, 3)), ag_broadcast_to(row, AG_SHAPE(2, 3)));
    expect_kept(ag_broadcast_to(ag_reshape(row, AG_SHAPE(3, 1)), AG_SHAPE(3, 2))->in[0], reshape);
}
END_TEST

START_TEST(transposes)
{
    ag_node *cube = ag_input(g, "cube", AG_F64, AG_SHAPE(2, 3, 4));
    const int turn[] = { 1, 2, 0 }, same[] = { 0, 1, 2 }, swapped[] = { 0, 2, 1 }, both[] = { 1, 0, 2 };
    expect_same(ag_transpose(cube, same), cube);
    expect_same(ag_transpose(row, NULL), row);
    expect_same(ag_transpose(ag_transpose(matrix, NULL), NULL), matrix);
    expect_same(ag_transpose(ag_transpose(cube, turn), swapped), ag_transpose(cube, both));
    expect_same(ag_transpose(ag_transpose(ag_transpose(cube, turn), turn), turn), cube);
    expect_kept(ag_transpose(matrix, NULL), transpose);
}
END_TEST

static ag_node *columns(ag_node *of, int64_t from, int64_t to)
{
    return ag_slice(of, -1, from, to, 1);
}

static ag_node *joined(ag_node *a, ag_node *b, int axis)
{
    return ag_concat(2, (ag_node *[]){ a, b }, axis);
}

static void expect_view(const ag_node *of)
{
    expect_well(g);
    ck_assert_msg(of->rewritten && of->in[of->nin - 1]->op->flags & AG_VIEW, "%s", of->op->name);
}

static void expect_moved(const ag_node *of)
{
    expect_well(g);
    ck_assert(!of->rewritten && of->op == &agi_concat);
}

START_TEST(parts_of_one_tensor)
{
    ag_node *a = columns(matrix, 0, 1), *b = columns(matrix, 1, 2), *c = columns(matrix, 2, 3), *other = ag_exp(matrix);
    expect_same(ag_concat(3, (ag_node *[]){ a, b, c }, 1), matrix);
    expect_same(joined(a, b, 1), columns(matrix, 0, 2));
    expect_same(joined(b, c, -1), columns(matrix, 1, 3));
    expect_view(joined(ag_transpose(a, NULL), ag_transpose(b, NULL), 0));
    expect_view(joined(ag_reshape(a, AG_SHAPE(1, 2)), ag_reshape(b, AG_SHAPE(1, 2)), 0));
    expect_moved(joined(b, a, 1));
    expect_moved(joined(a, a, 1));
    expect_moved(joined(a, c, 1));
    expect_moved(joined(a, columns(other, 1, 2), 1));
    expect_moved(joined(a, columns(matrix, 1, 3), 1));
    expect_moved(joined(a, ag_slice(matrix, 1, 2, 0, -2), 1));
    expect_moved(joined(ag_reshape(a, AG_SHAPE(1, 2)), ag_transpose(b, NULL), 0));
}
END_TEST

START_TEST(many_parts_of_one_tensor)
{
    enum { MANY = 50 };
    ag_node *all = ag_input(g, "all", AG_F64, AG_SHAPE(MANY)), *part[MANY], *d[MANY];
    for (int k = 0; k < MANY; k++) part[k] = ag_slice(all, 0, k, k + 1, 1);
    ag_node *whole = ag_concat(MANY, part, 0);
    expect_same(whole, all);
    ck_assert_int_eq((int)whole->nin, MANY + 1);
    for (int k = 0; k < MANY; k++) ck_assert_ptr_eq(whole->in[k], part[k]);
    ck_assert_int_eq(ag_gradient(ag_sum(ag_square(whole)), MANY, part, d), AG_OK);
    expect_shape(d[MANY - 1], AG_SHAPE(1));
}
END_TEST

START_TEST(views_of_one_element)
{
    ag_node *ones = ag_broadcast_to(ag_cast(number(1), AG_F64), AG_SHAPE(4, 6));
    ag_node *many = ag_broadcast_to(x, AG_SHAPE(4, 6));
    expect_same(ag_reshape(many, AG_SHAPE(2, 12)), ag_broadcast_to(x, AG_SHAPE(2, 12)));
    expect_same(ag_transpose(many, NULL), ag_broadcast_to(x, AG_SHAPE(6, 4)));
    expect_same(ag_slice(many, 0, 1, 3, 1), ag_broadcast_to(x, AG_SHAPE(2, 6)));
    expect_same(ag_reshape(ag_broadcast_to(x, AG_SHAPE(1, 1)), AG_SCALAR), x);
    expect_same(ag_reshape(ones, AG_SHAPE(24)), ag_broadcast_to(ag_cast(number(1), AG_F64), AG_SHAPE(24)));
    expect_same(ag_broadcast_to(number(1), AG_SHAPE(4, 6)), ones);
}
END_TEST

START_TEST(casts)
{
    expect_same(ag_cast(matrix, AG_F64), matrix);
    expect_same(ag_cast(ag_cast(single, AG_F64), AG_F32), single);
    expect_kept(ag_cast(ag_cast(matrix, AG_F32), AG_F64), cast); /* it has lost digits */
    expect_kept(ag_cast(ag_cast(single, AG_I64), AG_F32), cast);
    expect_kept(ag_cast(number(2.5), AG_I64), cast);
}
END_TEST

/* ---- reductions -------------------------------------------------------------------------------------------------- */

START_TEST(reductions_of_one_element)
{
    ag_node *column = ag_reshape(row, AG_SHAPE(3, 1));
    expect_same(ag_sum(x), x);
    expect_same(ag_sum_axis(column, 1, 0), row);
    expect_same(ag_sum_axis(column, 1, 1), column);
    expect_same(ag_amax_axis(column, -1, 0), row);
    expect_same(ag_prod_axis(column, 1, 0), row);
    expect_same(ag_amin(x), x);
    expect_kept(ag_sum_axis(column, 0, 0), sum);
}
END_TEST

START_TEST(sums_of_negatives)
{
    expect_same(ag_sum(ag_neg(matrix)), ag_neg(ag_sum(matrix)));
    expect_same(ag_sum_axis(ag_neg(matrix), 1, 1), ag_neg(ag_sum_axis(matrix, 1, 1)));
    expect_kept(ag_prod(ag_neg(matrix)), prod);
    expect_kept(ag_amax(ag_neg(matrix)), amax);
}
END_TEST

START_TEST(sums_of_repeated_elements)
{
    ag_node *rows = ag_broadcast_to(row, AG_SHAPE(2, 3));
    ag_node *column = ag_reshape(row, AG_SHAPE(3, 1)), *columns = ag_broadcast_to(column, AG_SHAPE(3, 5));
    expect_same(ag_sum(ag_broadcast_to(x, AG_SHAPE(2, 3))), ag_mul(number(6), x));
    expect_same(ag_sum(rows), ag_mul(number(2), ag_sum(row)));
    expect_same(ag_sum_axis(rows, 0, 0), ag_mul(number(2), row));
    expect_same(ag_sum_axis(columns, 1, 0), ag_mul(number(5), row));
    expect_same(ag_sum_axis(columns, 0, 0), ag_broadcast_to(ag_sum_axis(column, 0, 0), AG_SHAPE(5)));
    ag_node *kept[] = { ag_sum_axis(rows, 0, 1), ag_sum_axis(rows, 1, 1), ag_sum_axis(columns, 0, 1),
                        ag_sum_axis(columns, 1, 1), ag_sum_axis(rows, 1, 0) };
    const ag_shape shape[] = { AG_SHAPE(1, 3), AG_SHAPE(2, 1), AG_SHAPE(1, 5), AG_SHAPE(3, 1), AG_SHAPE(2) };
    const double want[][5] = { { 2, 4, 8 }, { 7, 7 }, { 7, 7, 7, 7, 7 }, { 5, 10, 20 }, { 7, 7 } };
    for (size_t k = 0; k < COUNT(kept); k++) {
        double got[5], *out = got;
        expect_shape(kept[k], shape[k]);
        test_evaluate(1, &kept[k], NULL, &out);
        for (int64_t i = 0; i < ag_size_of(kept[k]); i++) expect_close(got[i], want[k][i], 0);
    }
    expect_kept(ag_amax_axis(rows, 0, 0), amax);
    expect_kept(ag_sum(matrix), sum);
}
END_TEST

/* ---- what must not change ---------------------------------------------------------------------------------------- */

START_TEST(not_a_number_stays)
{
    ag_node *nan = ag_parameter(g, "nan", AG_F64, AG_SCALAR, (double[]){ NAN });
    ag_node *inf = ag_parameter(g, "inf", AG_F64, AG_SCALAR, (double[]){ INFINITY });
    expect_close(test_number(ag_mul(nan, number(0))), NAN, 0);
    expect_close(test_number(ag_mul(number(0), inf)), NAN, 0);
    expect_close(test_number(ag_sub(inf, inf)), NAN, 0);
    expect_close(test_number(ag_div(inf, inf)), NAN, 0);
    expect_close(test_number(ag_div(nan, number(2))), NAN, 0);
    expect_close(test_number(ag_sum(ag_broadcast_to(inf, AG_SHAPE(7)))), INFINITY, 0);
    expect_close(test_number(ag_sum(ag_broadcast_to(nan, AG_SHAPE(7)))), NAN, 0);
}
END_TEST

/* d(mean((a - b)^2)) of one element each: the ones, reshapes and broadcasts of the rules leave nothing behind. */
START_TEST(a_gradient_is_as_short_as_by_hand)
{
    ag_node *d = ag_sub(x, y), *loss = ag_mean(ag_square(d)), *dx, *both[2];
    ck_assert_int_eq(ag_gradient(loss, 1, &x, &dx), AG_OK);
    expect_same(dx, ag_mul(number(2), d));
    ck_assert_int_eq(ag_gradient(ag_sum(row), 1, &row, &dx), AG_OK);
    expect_same(dx, ag_broadcast_to(ag_cast(number(1), AG_F64), AG_SHAPE(3)));
    ck_assert_int_eq(ag_gradient(ag_sum(ag_mul(row, matrix)), 2, (ag_node *[]){ row, matrix }, both), AG_OK);
    expect_same(both[0], ag_sum_axis(matrix, 0, 0));
    expect_same(both[1], ag_broadcast_to(row, AG_SHAPE(2, 3)));
}
END_TEST

Suite *suite_simplify(void)
{
    Suite *s = suite_create("simplify");
    TCase *c = tcase_create("simplify");
    tcase_add_checked_fixture(c, begin, end);
    const TTest *const test[] = { sums, products, quotients, powers, choices, sides_of_a_choice,
                                  powers_of_two_as_factors, literals,
                                  literals_stay_open_until_they_are_cast, repeated_operands, reshapes, broadcasts,
                                  transposes, parts_of_one_tensor, many_parts_of_one_tensor, views_of_one_element,
                                  casts, reductions_of_one_element, sums_of_negatives, sums_of_repeated_elements,
                                  not_a_number_stays,
                                  a_gradient_is_as_short_as_by_hand };
    for (size_t i = 0; i < COUNT(test); i++) tcase_add_test(c, test[i]);
    suite_add_tcase(s, c);
    return s;
}
