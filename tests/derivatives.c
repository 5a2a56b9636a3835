/* Derivatives made of sweeps: forward products against tangents by hand, whole Jacobians and Hessians against closed
 * forms and differences, in any nesting. */
#include "test.h"

#include "shared/softmax.h"

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

static ag_node *values_of(ag_shape s, const double *x)
{
    return ag_parameter(g, NULL, AG_F64, s, x);
}

static void expect_values(ag_node *y, ag_shape shape, const double *want, double tolerance)
{
    ck_assert_msg(!ag_is_bad(y), "%s", ag_graph_error(g));
    expect_shape(y, shape);
    double *got = malloc((size_t)ag_size_of(y) * sizeof *got);
    test_evaluate(1, &y, NULL, &got);
    for (int64_t i = 0; i < ag_size_of(y); i++)
        ck_assert_msg(test_close(got[i], want[i], tolerance), "element %lld is %.17g, not %.17g", (long long)i, got[i],
                      want[i]);
    free(got);
}

/* ---- forward mode: no reverse work remains ----------------------------------------------------------------------- */

typedef struct {
    double flops;
    int steps;
} work;

/* What the plan's report says it does. */
static work work_of(ag_node *y)
{
    char *text = NULL;
    size_t size;
    work w = { 0, 0 };
    FILE *to = open_memstream(&text, &size);
    ag_options o = test_options();
    ag_plan *plan = ag_compile(g, 1, &y, &o);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    ck_assert_int_eq(ag_write_text(to, plan), 0);
    fclose(to);
    const char *steps = strstr(text, " steps, "), *total = strstr(text, "an evaluation moves ");
    ck_assert(steps && total);
    while (steps > text && steps[-1] != '\n') steps--;
    ck_assert_int_eq(sscanf(steps, "%d steps", &w.steps), 1);
    ck_assert_int_eq(sscanf(strchr(total, ','), ", %lf flops", &w.flops), 1);
    free(text);
    ag_plan_free(plan);
    return w;
}

static void expect_as_by_hand(ag_node *dy, ag_node *by_hand)
{
    ck_assert_msg(!ag_is_bad(dy) && !ag_is_bad(by_hand), "%s", ag_graph_error(g));
    work got = work_of(dy), want = work_of(by_hand);
    ck_assert_msg(got.flops <= want.flops && got.steps <= want.steps, "%g operations in %d steps; by hand %g in %d",
                  got.flops, got.steps, want.flops, want.steps);
    int64_t n = ag_size_of(by_hand);
    double *a = malloc((size_t)n * sizeof *a), *b = malloc((size_t)n * sizeof *b);
    test_evaluate(2, (ag_node *[]){ dy, by_hand }, NULL, (double *[]){ a, b });
    for (int64_t i = 0; i < n; i++) expect_close(a[i], b[i], 1e-13);
    free(a);
    free(b);
}

static ag_node *random_values(ag_shape s)
{
    static uint64_t seed = 3;
    return test_parameter(g, s, &seed, -1, 1);
}

START_TEST(forward_sigmoid)
{
    ag_node *x = random_values(AG_SHAPE(64, 40)), *v = random_values(AG_SHAPE(64, 40)), *y = ag_sigmoid(x), *dy;
    ck_assert_int_eq(ag_jvp(1, &x, &v, 1, &y, &dy), AG_OK);
    expect_as_by_hand(dy, ag_mul(v, ag_mul(y, ag_sub(ag_number(g, 1), y))));
}
END_TEST

START_TEST(forward_softmax)
{
    ag_node *x = random_values(AG_SHAPE(64, 40)), *v = random_values(AG_SHAPE(64, 40)), *y = ag_softmax(x, 1), *dy;
    ck_assert_int_eq(ag_jvp(1, &x, &v, 1, &y, &dy), AG_OK);
    ag_node *most = ag_where(ag_greater(y, ag_number(g, 0.5)), v, ag_number(g, 0));
    ag_node *from_most = ag_sub(v, ag_sum_axis(most, 1, 1));
    expect_as_by_hand(dy, ag_mul(y, ag_sub(from_most, ag_sum_axis(ag_mul(from_most, y), 1, 1))));
}
END_TEST

START_TEST(forward_dot)
{
    static const struct {
        ag_shape a, b;
    } shapes[] = { { { 2, { 64, 40 } }, { 2, { 40, 30 } } }, { { 2, { 64, 40 } }, { 1, { 40 } } },
                   { { 1, { 40 } }, { 2, { 40, 30 } } }, { { 1, { 100 } }, { 1, { 100 } } } };
    for (size_t i = 0; i < COUNT(shapes); i++) {
        ag_node *x[] = { random_values(shapes[i].a), random_values(shapes[i].b) };
        ag_node *v[] = { random_values(shapes[i].a), random_values(shapes[i].b) }, *y = ag_dot(x[0], x[1]), *dy;
        ck_assert_int_eq(ag_jvp(2, x, v, 1, &y, &dy), AG_OK);
        expect_as_by_hand(dy, ag_add(ag_dot(v[0], x[1]), ag_dot(x[0], v[1])));
    }
}
END_TEST

/* tanh(x w + b) u, softmax cross-entropy. */
START_TEST(forward_network)
{
    int64_t label[64];
    for (int i = 0; i < 64; i++) label[i] = i * 7 % 10;
    ag_node *x = random_values(AG_SHAPE(64, 40)), *labels = ag_constant(g, AG_I64, AG_SHAPE(64), label);
    ag_node *p[] = { random_values(AG_SHAPE(40, 32)), random_values(AG_SHAPE(32)), random_values(AG_SHAPE(32, 10)) };
    ag_node *v[] = { random_values(AG_SHAPE(40, 32)), random_values(AG_SHAPE(32)), random_values(AG_SHAPE(32, 10)) };
    ag_node *h = ag_tanh(ag_add(ag_dot(x, p[0]), p[1])), *logits = ag_dot(h, p[2]), *dy;
    ag_node *loss = ag_cross_entropy(logits, labels);
    ck_assert_int_eq(ag_jvp(3, p, v, 1, &loss, &dy), AG_OK);
    ag_node *dz = ag_add(ag_dot(x, v[0]), v[1]), *dh = ag_mul(dz, ag_sub(ag_number(g, 1), ag_square(h)));
    ag_node *dlogits = ag_add(ag_dot(dh, p[2]), ag_dot(h, v[2]));
    ag_node *slope = agi_new_softmax_error(logits, labels, &(agi_label_form){ 0, 0 });
    expect_as_by_hand(dy, ag_div(ag_sum(ag_mul(slope, dlogits)), ag_number(g, 64)));
}
END_TEST

/* ---- Jacobians --------------------------------------------------------------------------------------------------- */

static const double four[] = { 0.5, -1.5, 2, 0.25 };

START_TEST(jacobian_of_linear)
{
    static const double a[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    ag_node *x = values_of(AG_SHAPE(4), four), *m = values_of(AG_SHAPE(2, 4), a), *t = ag_transpose(m, NULL);
    expect_values(ag_jacobian(ag_dot(m, x), x), AG_SHAPE(2, 4), a, 0); /* in reverse */
    static const double a_t[] = { 1, 5, 2, 6, 3, 7, 4, 8 };
    ag_node *z = ag_slice(x, 0, 0, 2, 1); /* forward: fewer inputs */
    expect_values(ag_jacobian(ag_dot(t, z), z), AG_SHAPE(4, 2), a_t, 0);
}
END_TEST

/* d x_i x_j / d x_k, and the same of a graph with axes: y[i,j] = x[i] w[j,i]. */
START_TEST(jacobian_with_axes)
{
    ag_node *x = values_of(AG_SHAPE(2, 2), four), *column = ag_reshape(x, AG_SHAPE(4, 1));
    ag_node *products = ag_mul(column, ag_reshape(x, AG_SHAPE(4)));
    double want[4 * 4 * 4];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            for (int k = 0; k < 4; k++) want[(i * 4 + j) * 4 + k] = (i == k) * four[j] + (j == k) * four[i];
    expect_values(ag_jacobian(products, x), AG_SHAPE(4, 4, 2, 2), want, 0);
    ag_node *sums = ag_sum_axis(ag_square(x), 0, 0);
    double of_sums[2 * 4] = { 1, 0, 4, 0, 0, -3, 0, 0.5 };
    expect_values(ag_jacobian(sums, x), AG_SHAPE(2, 2, 2), of_sums, 0);
}
END_TEST

START_TEST(jacobian_simple_ends)
{
    ag_node *x = values_of(AG_SHAPE(4), four), *s = ag_parameter(g, NULL, AG_F64, AG_SCALAR, four);
    static const double zeros[16] = { 0 }, unit[] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    static const double twice[] = { 1, -3, 4, 0.5 }, cubes[] = { 0.75 };
    expect_values(ag_jacobian(x, x), AG_SHAPE(4, 4), unit, 0);
    expect_values(ag_jacobian(ag_exp(s), x), AG_SHAPE(4), zeros, 0);
    expect_values(ag_jacobian(ag_floor(x), x), AG_SHAPE(4, 4), zeros, 0);
    expect_values(ag_jacobian(ag_sum(ag_square(x)), x), AG_SHAPE(4), twice, 0);
    expect_values(ag_jacobian(ag_mul(x, s), s), AG_SHAPE(4), four, 0);
    expect_values(ag_jacobian(ag_pow(s, ag_number(g, 3)), s), AG_SCALAR, cubes, 1e-15);
    expect_values(ag_jacobian(ag_reshape(ag_square(s), AG_SHAPE(1, 1)), s), AG_SHAPE(1, 1), unit, 0);
}
END_TEST

START_TEST(jacobian_in_f32)
{
    static const float x[] = { 0.5f, 1, 2 };
    ag_node *p = ag_parameter(g, NULL, AG_F32, AG_SHAPE(3), x), *j = ag_jacobian(ag_log(p), p);
    ck_assert_int_eq(ag_type_of(j), AG_F32);
    expect_values(j, AG_SHAPE(3, 3), (double[]){ 2, 0, 0, 0, 1, 0, 0, 0, 0.5 }, 1e-6);
}
END_TEST

/* Of a network of mixed operations, column by column against central differences of what it computes. */
START_TEST(jacobian_by_differences)
{
    enum { N = 12, M = 6 };
    const double h = 1e-5;
    uint64_t seed = 17;
    double x[N], jacobian[M * N], up[M], down[M], *out = jacobian;
    for (int i = 0; i < N; i++) x[i] = test_random(&seed, -1, 1);
    ag_node *p = ag_input(g, "x", AG_F64, AG_SHAPE(3, 4)), *w = test_parameter(g, AG_SHAPE(4, 2), &seed, -1, 1);
    ag_node *parts[] = { ag_softmax(ag_dot(p, w), 1), ag_slice(ag_sin(p), 1, 1, 3, 1) };
    ag_node *y = ag_sum_axis(ag_mul(ag_concat(2, parts, 0), ag_logsumexp(p)), 1, 1), *j = ag_jacobian(y, p);
    expect_well(g);
    ag_options o = test_options();
    ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ y, j }, &o);
    ag_run *run = ag_run_new(plan);
    ag_feed(run, p, x);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert_int_eq(ag_fetch(run, j, out), AG_OK);
    for (int k = 0; k < N; k++) {
        double at = x[k];
        for (int side = 0; side < 2; side++) {
            x[k] = side ? at - h : at + h;
            ag_feed(run, p, x);
            ck_assert_int_eq(ag_eval(run), AG_OK);
            ag_fetch(run, y, side ? down : up);
        }
        x[k] = at;
        for (int i = 0; i < M; i++) expect_close(jacobian[i * N + k], (up[i] - down[i]) / (2 * h), 1e-9);
    }
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

/* ---- Hessians ---------------------------------------------------------------------------------------------------- */

START_TEST(hessian_of_quadratic)
{
    static const double a[] = { 1, 2, -1, 0.5, 3, 2, 0, -2, 4 };
    double want[9];
    ag_node *x = values_of(AG_SHAPE(3), four), *m = values_of(AG_SHAPE(3, 3), a);
    for (int i = 0; i < 9; i++) want[i] = a[i] + a[i % 3 * 3 + i / 3];
    ag_node *y = ag_dot(x, ag_dot(m, x));
    expect_values(ag_hessian(y, x), AG_SHAPE(3, 3), want, 0);
    static const double zeros[81] = { 0 };
    expect_values(ag_hessian(ag_sum(x), x), AG_SHAPE(3, 3), zeros, 0);
    expect_values(ag_hessian(ag_sum(m), m), AG_SHAPE(3, 3, 3, 3), zeros, 0);
    expect_values(ag_jacobian(ag_hessian(y, x), x), AG_SHAPE(3, 3, 3), zeros, 0);
}
END_TEST

/* Of a mean logistic loss: x^T diag(p (1 - p)) x / n. */
START_TEST(hessian_of_logistic)
{
    enum { N = 20, D = 5 };
    uint64_t seed = 5;
    double x[N * D], w[D], want[D * D] = { 0 };
    for (int i = 0; i < N * D; i++) x[i] = test_random(&seed, -1, 1);
    for (int i = 0; i < D; i++) w[i] = test_random(&seed, -1, 1);
    for (int k = 0; k < N; k++) {
        double z = 0;
        for (int i = 0; i < D; i++) z += x[k * D + i] * w[i];
        double p = 1 / (1 + exp(-z));
        for (int i = 0; i < D * D; i++) want[i] += p * (1 - p) * x[k * D + i / D] * x[k * D + i % D] / N;
    }
    ag_node *p = values_of(AG_SHAPE(D), w), *z = ag_dot(values_of(AG_SHAPE(N, D), x), p);
    expect_values(ag_hessian(ag_mean(ag_softplus(z)), p), AG_SHAPE(D, D), want, 1e-14);
}
END_TEST

START_TEST(hessian_is_made_of_products)
{
    uint64_t seed = 9;
    ag_node *x = test_parameter(g, AG_SHAPE(2, 3), &seed, 0.3, 1), *v = test_parameter(g, AG_SHAPE(2, 3), &seed, -1, 1);
    ag_node *y = ag_sum(ag_log(ag_cumsum(ag_pow(x, ag_number(g, 3)), 1)));
    ag_node *h = ag_hessian(y, x), *hv = ag_hvp(y, x, v);
    double matrix[36], product[6], of[6];
    expect_well(g);
    test_evaluate(3, (ag_node *[]){ h, hv, v }, NULL, (double *[]){ matrix, product, of });
    for (int i = 0; i < 6; i++) {
        double sum = 0;
        for (int j = 0; j < 6; j++) sum += matrix[i * 6 + j] * of[j];
        expect_close(product[i], sum, 1e-12);
    }
}
END_TEST

/* The gradient of a Hessian's trace, of sum x^4: 24 x; and Jacobians of Jacobians. */
START_TEST(nested)
{
    ag_node *x = values_of(AG_SHAPE(4), four), *y = ag_sum(ag_square(ag_square(x))), *dx;
    double want[4], second[16] = { 0 };
    for (int i = 0; i < 4; i++) want[i] = 24 * four[i];
    ck_assert_int_eq(ag_gradient(ag_trace(ag_hessian(y, x)), 1, &x, &dx), AG_OK);
    expect_values(dx, AG_SHAPE(4), want, 1e-15);
    for (int i = 0; i < 4; i++) second[i * 5] = 12 * four[i] * four[i];
    expect_values(ag_jacobian(ag_jacobian(y, x), x), AG_SHAPE(4, 4), second, 1e-15);
    ag_node *fourth = ag_hessian(ag_sum(ag_hessian(y, x)), x);
    for (int i = 0; i < 4; i++) second[i * 5] = 24;
    expect_values(fourth, AG_SHAPE(4, 4), second, 1e-15);
}
END_TEST

START_TEST(without_interning)
{
    ag_graph_intern(g, 0);
    ag_node *x = values_of(AG_SHAPE(4), four), *y = ag_sum(ag_exp(ag_slice(x, 0, 1, 3, 1)));
    double want[16] = { 0 };
    want[5] = exp(-1.5);
    want[10] = exp(2);
    expect_values(ag_hessian(y, x), AG_SHAPE(4, 4), want, 1e-15);
}
END_TEST

/* ---- wrong calls ------------------------------------------------------------------------------------------------- */

START_TEST(errors)
{
    ag_graph *other = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3)), *foreign = ag_input(other, "f", AG_F64, AG_SHAPE(3));
    ag_node *i = ag_input(g, "i", AG_I64, AG_SHAPE(3)), *deep = ag_input(g, "d", AG_F64, AG_SHAPE(1, 1, 1, 1, 2));
    ck_assert_ptr_null(ag_jacobian(NULL, NULL));
    ck_assert_ptr_null(ag_hessian(NULL, NULL));
    ck_assert(ag_is_bad(ag_jacobian(x, NULL)));
    expect_error(g, AG_EARG, "ag_jacobian", "NULL");
    ck_assert(ag_is_bad(ag_jacobian(x, foreign)));
    expect_error(g, AG_EARG, "ag_jacobian", "another graph");
    ck_assert(ag_is_bad(ag_jacobian(deep, deep)));
    expect_error(g, AG_ESHAPE, "ag_jacobian", "5 and 5 axes", "'d' f64[1,1,1,1,2]");
    ck_assert(ag_is_bad(ag_hessian(ag_sum(ag_exp(deep)), deep)));
    expect_error(g, AG_ESHAPE, "ag_hessian", "5 axes, at most 4");
    ck_assert(ag_is_bad(ag_hessian(x, x)));
    expect_error(g, AG_ESHAPE, "rank 0", "'x' f64[2,3]");
    ck_assert(ag_is_bad(ag_jacobian(i, x)));
    expect_error(g, AG_ENOGRAD, "integers");
    ck_assert(ag_is_bad(ag_jacobian(x, i)));
    expect_error(g, AG_ENOGRAD, "integers");
    ag_graph_free(other);
}
END_TEST

START_TEST(no_axis_left)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *deep = ag_reshape(x, AG_SHAPE(1, 1, 1, 1, 1, 1, 1, 2));
    ag_node *y = ag_reshape(ag_sin(deep), AG_SHAPE(2));
    ck_assert(ag_is_bad(ag_jacobian(y, x)));
    expect_error(g, AG_ESHAPE, "ag_jacobian", "no axis is left");
}
END_TEST

/* ---- memory that ends ------------------------------------------------------------------------------------------- */

static void twice_f64(int64_t n, double *out, const double *a, const double *b, const double *c)
{
    (void)b, (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = 2 * a[i];
}

static void twice_f32(int64_t n, float *out, const float *a, const float *b, const float *c)
{
    (void)b, (void)c;
    for (int64_t i = 0; i < n; i++) out[i] = 2 * a[i];
}

static void twice_gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = ag_custom(y->op, 1, &gout, NULL);
}

static const ag_op twice = { .name = "twice", .formula = "2 x", .inputs = 1, .flags = AG_POINTWISE, .f32 = twice_f32,
                             .f64 = twice_f64, .gradient = twice_gradient };

/* A little of everything that this library's derivatives are made of; the status of the first failure. */
static ag_status everything(ag_graph *graph)
{
    const int64_t pairs[] = { 0, 2, 1, 3 };
    ag_node *x = ag_parameter(graph, "x", AG_F64, AG_SHAPE(4), four),
            *step = ag_input(graph, NULL, AG_F64, AG_SHAPE(4));
    ag_node *next = ag_mul(ag_sin(step), x), *last = NULL;
    ag_scan_body body = { .length = 3, .states = 1, .initial = &x, .state = &step, .next = &next };
    ag_status status = x && step && next ? ag_scan(&body, &last, NULL) : AG_EMEM;
    if (status) return status;
    ag_node *picked = ag_gather(ag_custom(&twice, 1, &last, NULL), 0,
                                ag_constant(graph, AG_I64, AG_SHAPE(2, 2), pairs));
    ag_node *y = ag_sum(ag_exp(ag_sum_axis(picked, 1, 0))), *parts[] = { y, ag_sum(ag_square(x)) };
    ag_node *both = ag_add(parts[0], parts[1]), *out[4] = { ag_jacobian(picked, x), ag_hessian(both, x) };
    const ag_sparse *jacobian = ag_sparse_jacobian(picked, 1, &x, NULL),
                    *hessian = ag_sparse_hessian(both, 1, &x, NULL);
    if (!jacobian || !hessian) return ag_graph_status(graph);
    out[2] = jacobian->values;
    out[3] = hessian->values;
    ag_plan *plan = ag_compile(graph, 4, out, NULL);
    ag_run *run = ag_run_new(plan);
    status = run ? ag_eval(run) : AG_EMEM;
    ag_run_free(run);
    ag_plan_free(plan);
    return ag_graph_status(graph) ? ag_graph_status(graph) : status;
}

START_TEST(every_allocation_may_fail)
{
    ag_status status = AG_EMEM;
    int64_t n = 0;
    for (; status && n < 10000; n++) {
        test_budget b = { .left = n };
        const ag_allocator limited = test_allocator(&b);
        ag_graph *graph = ag_graph_new(&limited);
        status = graph ? everything(graph) : AG_EMEM;
        ck_assert_msg(!status || status == AG_EMEM, "status %d: %s", (int)status, ag_graph_error(graph));
        ag_graph_free(graph);
        ck_assert_msg(b.taken == 0, "%lld blocks leak when allocation %lld fails", (long long)b.taken, (long long)n);
    }
    ck_assert_int_eq(status, AG_OK);
    ck_assert_msg(n > 50, "only %lld allocations, so the allocator is not used for all", (long long)n);
}
END_TEST

Suite *suite_derivatives(void)
{
    Suite *s = suite_create("derivatives");
    TCase *t = tcase_create("derivatives");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, forward_sigmoid);
    tcase_add_test(t, forward_softmax);
    tcase_add_test(t, forward_dot);
    tcase_add_test(t, forward_network);
    tcase_add_test(t, jacobian_of_linear);
    tcase_add_test(t, jacobian_with_axes);
    tcase_add_test(t, jacobian_simple_ends);
    tcase_add_test(t, jacobian_in_f32);
    tcase_add_test(t, jacobian_by_differences);
    tcase_add_test(t, hessian_of_quadratic);
    tcase_add_test(t, hessian_of_logistic);
    tcase_add_test(t, hessian_is_made_of_products);
    tcase_add_test(t, nested);
    tcase_add_test(t, without_interning);
    tcase_add_test(t, errors);
    tcase_add_test(t, no_axis_left);
    tcase_add_test(t, every_allocation_may_fail);
    suite_add_tcase(s, t);
    return s;
}
