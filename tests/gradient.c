/* The reverse sweep and what is made of it, against closed forms. */
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

static ag_node *scalar(double value)
{
    return ag_parameter(g, NULL, AG_F64, AG_SCALAR, &value);
}

static ag_node *vector(int n, const double *values)
{
    return ag_parameter(g, NULL, AG_F64, AG_SHAPE(n), values);
}

static ag_node *derivative(ag_node *y, ag_node *x)
{
    ag_node *dx;
    ck_assert_msg(ag_gradient(y, 1, &x, &dx) == AG_OK, "%s", ag_graph_error(g));
    return dx;
}

static void expect_values(ag_node *x, int n, const double *want)
{
    double value[64], *out = value;
    ck_assert_int_eq(ag_size_of(x), n);
    test_evaluate(1, &x, NULL, &out);
    for (int i = 0; i < n; i++) expect_close(value[i], want[i], 1e-14);
}

#define expect_vector(x, ...) \
    expect_values(x, (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), (double[]){ __VA_ARGS__ })

/* ---- the sweep -------------------------------------------------------------------------------------------------- */

START_TEST(the_blogs_first_example)
{
    ag_node *x = scalar(3), *y = scalar(2), *z = ag_square(ag_add(x, y)), *dz[2];
    ck_assert_int_eq(ag_gradient(z, 2, (ag_node *[]){ x, y }, dz), AG_OK);
    ck_assert(test_number(z) == 25 && test_number(dz[0]) == 10 && test_number(dz[1]) == 10);
}
END_TEST

START_TEST(contributions_add_up)
{
    ag_node *x = scalar(1.5);
    ag_node *y = ag_add(ag_mul(x, ag_mul(x, x)), ag_mul(ag_sin(x), ag_add(x, x)));
    expect_close(test_number(derivative(y, x)), 3 * 1.5 * 1.5 + 2 * 1.5 * cos(1.5) + 2 * sin(1.5), 1e-15);
}
END_TEST

START_TEST(by_itself_by_inner_nodes_and_twice)
{
    ag_node *x = scalar(2), *h = ag_square(x), *y = ag_mul(h, x), *d[4];
    ck_assert_int_eq(ag_gradient(y, 4, (ag_node *[]){ y, h, x, x }, d), AG_OK);
    expect_close(test_number(d[0]), 1, 0);
    expect_close(test_number(d[1]), 2, 0);
    expect_close(test_number(d[2]), 12, 0);
    expect_close(test_number(d[3]), 12, 0);
}
END_TEST

START_TEST(what_does_not_matter_has_gradient_zero)
{
    ag_node *x = scalar(2), *later, *d[3];
    ag_node *f = ag_parameter(g, NULL, AG_F32, AG_SHAPE(2, 3), NULL), *y = ag_exp(x);
    later = ag_mul(y, ag_sum(vector(2, (double[]){ 1, 2 })));
    ck_assert_int_eq(ag_gradient(y, 3, (ag_node *[]){ f, x, later }, d), AG_OK);
    expect_shape(d[0], AG_SHAPE(2, 3));
    ck_assert_int_eq(ag_type_of(d[0]), AG_F32);
    expect_vector(d[0], 0, 0, 0, 0, 0, 0);
    expect_close(test_number(d[1]), exp(2), 1e-15);
    expect_close(test_number(d[2]), 0, 0);
    ck_assert_int_eq(ag_gradient(y, 0, NULL, NULL), AG_OK);
}
END_TEST

START_TEST(broadcasting_is_undone)
{
    uint64_t seed = 5;
    ag_node *a = test_parameter(g, AG_SHAPE(2, 1, 3), &seed, -1, 1),
            *b = test_parameter(g, AG_SHAPE(4, 1), &seed, -1, 1);
    ag_node *c = test_parameter(g, AG_SCALAR, &seed, -1, 1), *d[3];
    double va[6], vb[4], vc, *out[] = { va, vb, &vc }, da[6] = { 0 }, db[4] = { 0 }, dc = 0;
    test_evaluate(3, (ag_node *[]){ a, b, c }, NULL, out);
    ck_assert_int_eq(ag_gradient(ag_sum(ag_square(ag_add(ag_mul(a, b), c))), 3, (ag_node *[]){ a, b, c }, d), AG_OK);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            for (int k = 0; k < 3; k++) {
                double inner = 2 * (va[i * 3 + k] * vb[j] + vc);
                da[i * 3 + k] += inner * vb[j];
                db[j] += inner * va[i * 3 + k];
                dc += inner;
            }
    expect_shape(d[0], AG_SHAPE(2, 1, 3));
    expect_shape(d[1], AG_SHAPE(4, 1));
    expect_shape(d[2], AG_SCALAR);
    expect_values(d[0], 6, da);
    expect_values(d[1], 4, db);
    expect_values(d[2], 1, &dc);
}
END_TEST

START_TEST(derivatives_of_derivatives)
{
    ag_node *x = scalar(1.25), *y = ag_pow(x, ag_number(g, 5));
    double factor = 1;
    for (int k = 0; k <= 5; k++) {
        expect_close(test_number(y), factor * pow(1.25, 5 - k), 1e-13);
        factor *= 5 - k;
        y = derivative(y, x);
    }
    expect_close(test_number(y), 0, 0);
    ag_node *s = ag_exp(ag_neg(ag_square(x)));
    for (int k = 0; k < 4; k++) s = derivative(s, x);
    double v = 1.25; /* Hermite's polynomial of degree 4 */
    expect_close(test_number(s), (16 * pow(v, 4) - 48 * v * v + 12) * exp(-v * v), 1e-13);
}
END_TEST

/* The gradient's gradient, mixed: z = x^2 y^3. */
START_TEST(mixed_derivatives)
{
    ag_node *x = scalar(2), *y = scalar(3), *z = ag_mul(ag_square(x), ag_mul(y, ag_square(y)));
    expect_close(test_number(derivative(derivative(z, x), y)), 2 * 2 * 3 * 9, 0);
    expect_close(test_number(derivative(derivative(z, y), x)), 2 * 2 * 3 * 9, 0);
    expect_close(test_number(derivative(derivative(derivative(z, y), x), y)), 2 * 2 * 6 * 3, 0);
}
END_TEST

/* Constants in rules, to the last digits. */
START_TEST(slopes_of_special_functions)
{
    const double pi = 3.14159265358979323846, euler = 0.57721566490153286061, v = 0.7;
    ag_node *x = scalar(v), *one = scalar(1);
    expect_close(test_number(derivative(ag_erf(x), x)), 2 / sqrt(pi) * exp(-v * v), 1e-15);
    expect_close(test_number(derivative(ag_erfc(x), x)), -2 / sqrt(pi) * exp(-v * v), 1e-15);
    double normal = erfc(-v / sqrt(2)) / 2 + v * exp(-v * v / 2) / sqrt(2 * pi);
    expect_close(test_number(derivative(ag_gelu(x), x)), normal, 1e-15);
    expect_close(test_number(derivative(ag_lgamma(one), one)), -euler, 1e-15);
}
END_TEST

/* ---- vectors: vjp, jvp, hvp ------------------------------------------------------------------------------------- */

START_TEST(vector_jacobian_products)
{
    ag_node *x = vector(3, (double[]){ 1, 2, 3 }), *s = scalar(0.5), *d[2];
    ag_node *y[] = { ag_mul(ag_square(x), s), ag_sum(ag_mul(x, s)) };
    ag_node *w[] = { ag_constant(g, AG_F64, AG_SHAPE(3), (double[]){ 1, -1, 2 }), ag_number(g, 10) };
    ck_assert_int_eq(ag_vjp(2, y, w, 2, (ag_node *[]){ x, s }, d), AG_OK);
    expect_vector(d[0], 1 * 1 + 5, -2 + 5, 2 * 3 + 5);
    expect_vector(d[1], 1 - 4 + 18 + 60);
    ck_assert_int_eq(ag_vjp(0, NULL, NULL, 1, &x, d), AG_OK);
    expect_vector(d[0], 0, 0, 0);
}
END_TEST

START_TEST(jacobian_vector_products)
{
    ag_node *x = vector(3, (double[]){ 1, 2, 3 }), *s = scalar(0.5), *d[2];
    ag_node *v[] = { ag_constant(g, AG_F64, AG_SHAPE(3), (double[]){ 1, -1, 2 }), ag_cast(ag_number(g, 4), AG_F64) };
    ag_node *y[] = { ag_mul(ag_square(x), s), ag_sum(ag_exp(ag_mul(x, s))) };
    ck_assert_msg(ag_jvp(2, (ag_node *[]){ x, s }, v, 2, y, d) == AG_OK, "%s", ag_graph_error(g));
    expect_vector(d[0], 1 * 1 + 4, -2 + 16, 2 * 3 + 36);
    expect_vector(d[1], exp(0.5) * (0.5 + 4) + exp(1) * (-0.5 + 8) + exp(1.5) * (1 + 12));
}
END_TEST

START_TEST(hessian_vector_products)
{
    ag_node *x = vector(2, (double[]){ 1, 2 }), *v = vector(2, (double[]){ 3, -1 });
    ag_node *a = ag_slice(x, 0, 0, 1, 1), *b = ag_slice(x, 0, 1, 2, 1);
    ag_node *y = ag_sum(ag_mul(ag_square(a), ag_exp(b))); /* H = e^b [[2, 2a], [2a, a^2]] */
    expect_vector(ag_hvp(y, x, v), exp(2) * (6 - 2), exp(2) * (6 - 1));
}
END_TEST

/* ---- barriers and kinks ----------------------------------------------------------------------------------------- */

START_TEST(stopped_gradients)
{
    ag_node *x = scalar(3);
    expect_close(test_number(derivative(ag_mul(x, ag_stop_gradient(x)), x)), 3, 0);
    expect_close(test_number(derivative(ag_stop_gradient(ag_square(x)), x)), 0, 0);
    expect_close(test_number(derivative(ag_mul(x, ag_less(x, ag_number(g, 4))), x)), 1, 0);
}
END_TEST

START_TEST(kinks)
{
    ag_node *zero = scalar(0), *minus = scalar(-0.0);
    expect_close(test_number(derivative(ag_relu(zero), zero)), 0, 0);
    expect_close(test_number(derivative(ag_abs(zero), zero)), 0, 0);
    expect_close(test_number(derivative(ag_abs(minus), minus)), 0, 0);
    ag_node *a = scalar(2), *b = scalar(2), *d[2];
    ck_assert_int_eq(ag_gradient(ag_maximum(a, b), 2, (ag_node *[]){ a, b }, d), AG_OK);
    ck_assert(test_number(d[0]) == 0.5 && test_number(d[1]) == 0.5);
    ck_assert_int_eq(ag_gradient(ag_minimum(a, b), 2, (ag_node *[]){ a, b }, d), AG_OK);
    ck_assert(test_number(d[0]) == 0.5 && test_number(d[1]) == 0.5);
    ag_node *v = vector(4, (double[]){ 1, 5, 5, -2 });
    expect_vector(derivative(ag_amax(v), v), 0, 0.5, 0.5, 0);
    expect_vector(derivative(ag_amin(v), v), 0, 0, 0, 1);
}
END_TEST

START_TEST(zeros_in_products_and_powers)
{
    ag_node *v = vector(3, (double[]){ 2, 0, 5 }), *w = vector(3, (double[]){ 0, 0, 5 }), *zero = scalar(0);
    expect_vector(derivative(ag_prod(v), v), 0, 10, 0);
    expect_vector(derivative(ag_prod(w), w), 0, 0, 0);
    ag_node *d = derivative(ag_prod(w), w);
    expect_vector(derivative(ag_sum(ag_mul(d, w)), w), 0, 0, 0);
    expect_vector(ag_hvp(ag_prod(w), w, vector(3, (double[]){ 1, 10, 100 })), 50, 5, 0);
    expect_close(test_number(derivative(ag_pow(zero, ag_number(g, 2)), zero)), 0, 0);
    expect_close(test_number(derivative(ag_pow(zero, ag_number(g, 1)), zero)), 1, 0);
    expect_close(test_number(derivative(derivative(ag_pow(zero, ag_number(g, 2)), zero), zero)), 2, 0);
    expect_close(test_number(derivative(ag_pow(scalar(-2), ag_number(g, 3)), scalar(-2))), 0, 0);
    ag_node *x = scalar(-2);
    expect_close(test_number(derivative(ag_pow(x, ag_number(g, 3)), x)), 12, 1e-15);
}
END_TEST

START_TEST(at_the_ends_of_the_line)
{
    const double inf = INFINITY;
    ag_node *none = vector(2, (double[]){ -inf, -inf }), *one = vector(2, (double[]){ -inf, 3 });
    expect_vector(derivative(ag_logsumexp(none), none), 0, 0);
    expect_vector(derivative(ag_logsumexp(one), one), 0, 1);
    expect_vector(derivative(ag_sum(ag_mul(ag_softmax(one, 0), vector(2, (double[]){ 5, 7 }))), one), 0, 0);
    ag_node *ends = vector(4, (double[]){ -inf, -1000, 1000, inf });
    expect_vector(derivative(ag_sum(ag_sigmoid(ends)), ends), 0, 0, 0, 0);
    expect_vector(derivative(ag_sum(ag_tanh(ends)), ends), 0, 0, 0, 0);
    expect_vector(derivative(ag_sum(ag_softplus(ends)), ends), 0, 0, 1, 1);
    expect_vector(derivative(ag_sum(ag_relu(ends)), ends), 0, 0, 1, 1);
    expect_vector(derivative(ag_sum(ag_erf(ends)), ends), 0, 0, 0, 0);
    ag_node *zero = scalar(0);
    expect_vector(derivative(ag_sqrt(zero), zero), inf);
    expect_vector(derivative(ag_log(zero), zero), inf);
}
END_TEST

/* What is not taken does not leak: the gradient of the other branch is not a number there. */
START_TEST(the_branch_not_taken)
{
    ag_node *x = vector(2, (double[]){ -1, 4 }), *zero = ag_number(g, 0);
    ag_node *positive = ag_greater(x, zero), *safe = ag_where(positive, x, ag_number(g, 1));
    expect_vector(derivative(ag_sum(ag_where(positive, ag_sqrt(safe), zero)), x), 0, 0.25);
    ag_node *y = ag_sum(ag_where(positive, ag_log(x), x));
    double value[2], *out = value;
    ag_node *d = derivative(y, x);
    test_evaluate(1, &d, NULL, &out);
    expect_close(value[1], 0.25, 0);
    ck_assert(!isnan(value[0]));
}
END_TEST

/* ---- types ------------------------------------------------------------------------------------------------------ */

START_TEST(gradients_have_the_type_of_what_they_are_by)
{
    const float values[] = { 1, 2 };
    ag_node *f = ag_parameter(g, NULL, AG_F32, AG_SHAPE(2), values),
            *dx = derivative(ag_sum(ag_square(ag_cast(f, AG_F64))), f);
    ck_assert_int_eq(ag_type_of(dx), AG_F32);
    expect_vector(dx, 2, 4);
}
END_TEST

START_TEST(no_gradient_through_integers)
{
    ag_node *x = vector(2, (double[]){ 1.5, 2.5 }), *y = ag_sum(ag_cast(ag_cast(x, AG_I64), AG_F64));
    expect_close(test_number(y), 3, 0);
    expect_vector(derivative(y, x), 0, 0);
    ag_node *table = vector(3, (double[]){ 10, 20, 30 });
    ag_node *taken = ag_sum(ag_gather(table, 0, ag_cast(x, AG_I64)));
    expect_vector(derivative(taken, table), 0, 1, 1);
}
END_TEST

/* ---- missing rules ---------------------------------------------------------------------------------------------- */

static void half(int64_t n, double *out, const double *a, const double *b, const double *c)
{
    (void)b, (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = a[i] / 2;
}

static const ag_op first_without = {
    .name = "first_without", .formula = "x / 2", .inputs = 1, .flags = AG_POINTWISE, .f64 = half
};
static const ag_op second_without = {
    .name = "second_without", .formula = "x / 2", .inputs = 1, .flags = AG_POINTWISE, .f64 = half
};
static const ag_op third_without = {
    .name = "third_without", .formula = "x / 2", .inputs = 1, .flags = AG_POINTWISE, .f64 = half
};

START_TEST(missing_rules_are_listed_at_once)
{
    ag_node *x = scalar(8), *z = scalar(1), *dx, *a = ag_unary(&first_without, x),
            *b = ag_unary(&second_without, ag_exp(x));
    ag_node *y = ag_mul(ag_add(a, b), ag_unary(&third_without, z));
    ag_name(a, "halved");
    ck_assert_int_eq(ag_gradient(y, 1, &x, &dx), AG_ENOGRAD);
    ck_assert(ag_is_bad(dx));
    ck_assert_ptr_null(strstr(ag_graph_error(g), "third_without")); /* does not depend on x */
    expect_error(g, AG_ENOGRAD, "first_without", "'halved'", "second_without", "f64[]");
    expect_close(test_number(derivative(ag_mul(x, ag_stop_gradient(a)), x)), 4, 0);
    expect_close(test_number(derivative(ag_mul(z, a), z)), 4, 0);
}
END_TEST

/* ---- size ------------------------------------------------------------------------------------------------------- */

/* x -> sqrt(x^2 + 1), n times: sqrt(x^2 + n), with the derivative x / sqrt(x^2 + n). */
static void long_chain(int64_t nodes, int intern)
{
    const double x0 = 3;
    ag_graph_intern(g, intern);
    ag_node *x = scalar(x0), *y = x, *one = ag_number(g, 1);
    int64_t n = (nodes + 2) / 3;
    for (int64_t i = 0; i < n; i++) y = ag_sqrt(ag_add(ag_square(y), one));
    ck_assert_int_ge(ag_node_count(g), nodes);
    ag_node *both[] = { y, derivative(y, x) };
    double value[2], *out[] = { &value[0], &value[1] };
    test_evaluate(2, both, NULL, out);
    expect_close(value[0], sqrt(x0 * x0 + (double)n), 1e-12);
    ck_assert(fabs(value[1] / (x0 / sqrt(x0 * x0 + (double)n)) - 1) < 1e-10);
}

START_TEST(a_chain_of_a_million_nodes)
{
    long_chain(test_quick() ? 30000 : 1000000, _i);
}
END_TEST

START_TEST(a_long_chain_of_tensors)
{
    const int64_t n = test_quick() ? 1000 : 30000;
    ag_node *x = vector(2, (double[]){ 3, -4 }), *y = x, *one = ag_number(g, 1);
    for (int64_t i = 0; i < n; i++) y = ag_sqrt(ag_add(ag_square(y), one));
    expect_vector(derivative(ag_sum(y), x), 3 / sqrt(9 + (double)n), -4 / sqrt(16 + (double)n));
}
END_TEST

/* One node read a hundred thousand times: its contributions are as many. */
START_TEST(a_node_with_many_readers)
{
    const int n = test_quick() ? 2000 : 100000;
    ag_node *x = scalar(0.5), *y = x;
    for (int i = 0; i < n; i++) y = ag_add(y, ag_mul(x, ag_number(g, i)));
    expect_close(test_number(derivative(y, x)), 1 + 0.5 * n * (n - 1.0), 1e-12);
}
END_TEST

/* ---- by nodes that rewrites pass over ---------------------------------------------------------------------------- */

enum { PASSED = 6 };

static ag_node *computed(ag_node *p, int k)
{
    switch (k) {
    case 0: return ag_mul(p, ag_number(ag_graph_of(p), 2));
    case 1: return ag_neg(p);
    case 2: return ag_reshape(p, AG_SHAPE(6));
    case 3: return ag_transpose(p, NULL);
    case 4: return ag_broadcast_to(p, AG_SHAPE(2, 2, 3));
    default: return ag_neg(p);
    }
}

static ag_node *made_of(ag_node *h, ag_node *p, int k)
{
    switch (k) {
    case 0: return ag_sum(ag_mul(h, ag_number(ag_graph_of(p), 2)));
    case 1: return ag_sum(ag_neg(h));
    case 2: return ag_sum(ag_reshape(h, AG_SHAPE(3, 2)));
    case 3: return ag_sum(ag_transpose(h, NULL));
    case 4: return ag_sum(ag_sin(h));
    default: return ag_sum(ag_add(p, h));
    }
}

/* 2 (2 p) is made as 4 p, and yet the derivative by 2 p is 2. */
START_TEST(by_what_is_simplified_away)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2, 3), NULL), *h = computed(p, _i), *y = made_of(h, p, _i);
    ag_node *d[5], *zero = ag_zeros_like(h), *ones = ag_add(zero, ag_number(g, 1));
    static const double want[PASSED] = { 12, -6, 6, 6, 12, 6 };
    ag_gradient(y, 1, &h, &d[0]);
    ag_vjp(1, &y, (ag_node *[]){ ag_number(g, 1) }, 1, &h, &d[1]);
    d[2] = ag_jacobian(y, h);
    ag_jvp(1, &h, &ones, 1, &y, &d[3]);
    d[4] = ag_sparse_jacobian(y, 1, &h, NULL)->values;
    expect_well(g);
    for (int k = 0; k < 5; k++) expect_close(test_number(ag_sum(d[k])), want[_i], 1e-15);
    expect_close(test_number(ag_sum(ag_hvp(y, h, ones))), 0, 0);
}
END_TEST

/* Functions of h, in which all rewrites take part. */
static ag_node *of_node(ag_node *h, int k)
{
    ag_node *two = ag_number(g, 2), *half = ag_number(g, 0.5), *zero = ag_number(g, 0), *one = ag_number(g, 1);
    ag_shape wide = AG_SHAPE(2, 2, 3);
    switch (k) {
    case 0: return ag_mul(two, ag_mul(half, ag_square(ag_mul(two, h))));
    case 1: return ag_square(ag_neg(ag_neg(ag_neg(h))));
    case 2: return ag_mul(ag_add(ag_mul(h, two), ag_mul(ag_exp(h), two)), ag_add(h, zero));
    case 3: return ag_sub(ag_sin(ag_neg(h)), ag_neg(ag_mul(ag_neg(h), ag_neg(h))));
    case 4: return ag_pow(ag_transpose(ag_transpose(ag_div(h, two), NULL), NULL), two);
    case 5: return ag_sum_axis(ag_exp(ag_broadcast_to(ag_mul(h, h), wide)), 0, 0);
    case 6: return ag_exp(ag_reshape(ag_reshape(ag_pow(h, one), AG_SHAPE(6)), AG_SHAPE(2, 3)));
    case 7: return ag_add(ag_where(one, ag_square(h), ag_exp(h)), ag_where(ag_less(h, one), ag_sin(h), ag_sin(h)));
    case 8: return ag_sum_axis(ag_reshape(ag_neg(ag_exp(ag_slice(h, 1, 0, 3, 1))), AG_SHAPE(1, 2, 3)), 0, 0);
    case 9: return ag_div(ag_neg(ag_exp(h)), ag_neg(ag_add(two, ag_sin(h))));
    case 10: return ag_square(ag_cast(ag_cast(ag_concat(1, &h, 0), AG_F64), AG_F64));
    default: return ag_mul(ag_number(g, 3), ag_neg(ag_exp(ag_sub(zero, ag_neg(h)))));
    }
}
enum { FUNCTIONS = 12 };

/* By an inner node h, whatever it is made of, the derivatives are those by a parameter that has its value. */
START_TEST(an_inner_node_as_a_parameter)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2, 3), (double[]){ 0.5, -0.25, 0.75, 1.5, -1, 0.125 });
    for (int k = 0; k < PASSED; k++) {
        ag_node *h = k == 0 ? ag_mul(p, ag_number(g, 2)) : k == 1 ? ag_neg(p) : k == 2 ? ag_reshape(p, AG_SHAPE(2, 3))
                   : k == 3 ? ag_add(p, ag_number(g, 0)) : k == 4 ? ag_neg(ag_mul(p, ag_number(g, 2))) : ag_sin(p);
        double value[6], *to = value;
        test_evaluate(1, &h, NULL, &to);
        ag_node *q = ag_parameter(g, NULL, AG_F64, AG_SHAPE(2, 3), value), *x[] = { h, q }, *all[2][5];
        ag_node *v = ag_constant(g, AG_F64, AG_SHAPE(2, 3), (double[]){ 1, -2, 0.5, 3, 1, -1 });
        for (int i = 0; i < 2; i++) {
            ag_node *f = of_node(x[i], _i), *y = ag_sum(ag_mul(f, f)), *dd;
            ag_gradient(y, 1, &x[i], &all[i][0]);
            ag_jvp(1, &x[i], &v, 1, &f, &all[i][1]);
            all[i][2] = ag_hvp(y, x[i], v);
            ag_gradient(ag_sum(ag_mul(all[i][2], v)), 1, &x[i], &all[i][3]);
            ag_gradient(ag_sum(ag_exp(all[i][0])), 1, &x[i], &dd);
            all[i][4] = dd;
        }
        double got[6], want[6];
        for (int i = 0; i < 5; i++) {
            test_evaluate(1, &all[0][i], NULL, (double *[]){ got });
            test_evaluate(1, &all[1][i], NULL, (double *[]){ want });
            for (int e = 0; e < 6; e++) expect_close(got[e], want[e], 1e-13);
        }
    }
}
END_TEST

/* A loop's body reads 2 h, simplified past h, which is made outside: the derivative by h goes through the loop. */
START_TEST(by_what_a_body_passes_over)
{
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, (double[]){ 0.25 }), *h = ag_mul(p, ag_number(g, 2));
    ag_node *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *final, *d, *dd, *dp;
    ag_node *next = ag_add(ag_mul(s, ag_mul(h, ag_number(g, 4))), ag_neg(ag_neg(ag_mul(s, h))));
    ag_scan_body body = { .length = 3, .states = 1, .initial = &h, .state = &s, .next = &next };
    ck_assert_int_eq(ag_scan(&body, &final, NULL), AG_OK); /* h (5 h)^3 */
    ag_gradient(final, 1, &h, &d);
    ag_gradient(d, 1, &h, &dd);
    ag_gradient(final, 1, &p, &dp);
    expect_well(g);
    expect_close(test_number(final), 125 * 0.0625, 1e-14);
    expect_close(test_number(d), 4 * 125 * 0.125, 1e-14);
    expect_close(test_number(dd), 12 * 125 * 0.25, 1e-14);
    expect_close(test_number(dp), 2 * 4 * 125 * 0.125, 1e-14);
    ag_jvp(1, &h, (ag_node *[]){ ag_number(g, 1) }, 1, &final, &d);
    expect_close(test_number(d), 4 * 125 * 0.125, 1e-14);
    expect_well(g);
}
END_TEST

/* What was written stays, what is computed is simple: a plan holds equal simple forms once. */
START_TEST(simple_forms_are_computed_once)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(1000)), *h = ag_mul(x, ag_number(g, 2));
    ag_node *a = ag_sin(ag_mul(h, ag_number(g, 2))), *b = ag_sin(ag_mul(x, ag_number(g, 4)));
    ag_node *c = ag_exp(ag_neg(ag_neg(a))), *d = ag_exp(b), *e = ag_exp(ag_add(a, ag_number(g, 0)));
    ag_node *y = ag_add(ag_sum(c), ag_add(ag_sum(d), ag_sum(e)));
    ck_assert(a != b && c != d && c != e);
    char *text;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    ag_plan *plan = ag_compile(g, 1, &y, &(ag_options){ .unfused = 1 });
    ag_write_text(f, plan);
    fclose(f);
    const char *sine = strstr(text, "= sin "), *exponential = strstr(text, "= exp ");
    ck_assert(sine && !strstr(sine + 1, "= sin ") && exponential && !strstr(exponential + 1, "= exp "));
    free(text);
    ag_plan_free(plan);
}
END_TEST

Suite *suite_gradient(void)
{
    Suite *s = suite_create("gradient");
    TCase *t = tcase_create("gradient");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, the_blogs_first_example);
    tcase_add_test(t, contributions_add_up);
    tcase_add_test(t, by_itself_by_inner_nodes_and_twice);
    tcase_add_test(t, what_does_not_matter_has_gradient_zero);
    tcase_add_test(t, broadcasting_is_undone);
    tcase_add_test(t, derivatives_of_derivatives);
    tcase_add_test(t, mixed_derivatives);
    tcase_add_test(t, slopes_of_special_functions);
    tcase_add_test(t, vector_jacobian_products);
    tcase_add_test(t, jacobian_vector_products);
    tcase_add_test(t, hessian_vector_products);
    tcase_add_test(t, stopped_gradients);
    tcase_add_loop_test(t, by_what_is_simplified_away, 0, PASSED);
    tcase_add_loop_test(t, an_inner_node_as_a_parameter, 0, FUNCTIONS);
    tcase_add_test(t, by_what_a_body_passes_over);
    tcase_add_test(t, simple_forms_are_computed_once);
    tcase_add_test(t, kinks);
    tcase_add_test(t, zeros_in_products_and_powers);
    tcase_add_test(t, at_the_ends_of_the_line);
    tcase_add_test(t, the_branch_not_taken);
    tcase_add_test(t, gradients_have_the_type_of_what_they_are_by);
    tcase_add_test(t, no_gradient_through_integers);
    tcase_add_test(t, missing_rules_are_listed_at_once);
    tcase_add_loop_test(t, a_chain_of_a_million_nodes, 0, 2);
    tcase_add_test(t, a_long_chain_of_tensors);
    tcase_add_test(t, a_node_with_many_readers);
    suite_add_tcase(s, t);
    return s;
}
