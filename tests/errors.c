/* Wrong calls: each gets its status and a message that names the operation, the operands and their shapes. */
#include "test.h"

/* What the wrong calls are made with. */
typedef struct {
    ag_graph *g;
    ag_node *x, *y, *v, *s, *f, *i, *p, *other, *t;
} leaves;

static leaves l;
static ag_graph *another;

static void begin(void)
{
    ag_graph *g = ag_graph_new(NULL);
    another = ag_graph_new(NULL);
    l = (leaves){ .g = g,
                  .x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3)),
                  .y = ag_input(g, "y", AG_F64, AG_SHAPE(2, 4)),
                  .v = ag_input(g, "v", AG_F64, AG_SHAPE(4)),
                  .s = ag_input(g, "s", AG_F64, AG_SCALAR),
                  .f = ag_input(g, "f", AG_F32, AG_SHAPE(2, 3)),
                  .i = ag_input(g, "i", AG_I64, AG_SHAPE(3)),
                  .p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2, 3), NULL),
                  .other = ag_input(another, "other", AG_F64, AG_SHAPE(2, 3)) };
    expect_well(g);
}

static void end(void)
{
    ag_graph_free(l.g);
    ag_graph_free(another);
}

/* ---- building --------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *label;
    ag_status status;
    const char *fragment[6];
    ag_node *(*call)(void);
} wrong;

/* R(label, status, call, fragments of the message...) */
#define WRONG_CALLS(R)                                                                                                 \
    R(shapes, AG_ESHAPE, ag_add(l.x, l.y), "add (node 7)", "broadcast", "3 and 4", "'x' f64[2,3]", "'y' f64[2,4]")     \
    R(shapes_of_three, AG_ESHAPE, ag_where(l.x, l.p, l.y), "'x' f64[2,3]", "'p' f64[2,3]", "'y' f64[2,4]")             \
    R(unnamed, AG_ESHAPE, ag_add(ag_exp(l.x), l.v), "add (node 8)", "exp (node 7) f64[2,3]", "'v' f64[4]")             \
    R(types, AG_ETYPE, ag_mul(l.x, l.f), "mul", "types", "'x' f64[2,3]", "'f' f32[2,3]")                               \
    R(product_types, AG_ETYPE, ag_matmul(l.x, ag_transpose(l.f, NULL)), "matmul", "types", "f64[2,3]", "f32[3,2]")     \
    R(integers, AG_ETYPE, ag_div(l.i, l.i), "div", "i64", "'i' i64[3]")                                                \
    R(integer_with_real, AG_ETYPE, ag_sub(l.v, l.i), "sub", "i64", "'i' i64[3]")                                       \
    R(integer_with_number, AG_EARG, ag_add(l.i, ag_number(l.g, 0.5)), "add", "0.5")                                    \
    R(exp_of_integers, AG_ETYPE, ag_exp(l.i), "exp", "'i' i64[3]")                                                     \
    R(no_such_type, AG_ETYPE, ag_cast(l.x, (ag_dtype)7), "cast", "7", "'x' f64[2,3]")                                  \
    R(no_such_leaf_type, AG_ETYPE, ag_input(l.g, "n", (ag_dtype)7, AG_SCALAR), "input", "'n'", "7")                    \
    R(axis_too_large, AG_ESHAPE, ag_sum_axis(l.x, 2, 0), "sum", "axis 2", "'x' f64[2,3]")                              \
    R(axis_too_small, AG_ESHAPE, ag_mean_axis(l.x, -3, 1), "mean", "axis -3", "'x' f64[2,3]")                          \
    R(first_is_null, AG_EARG, ag_add(NULL, l.x), "add", "operand 0", "NULL")                                           \
    R(second_is_null, AG_EARG, ag_add(l.x, NULL), "add", "operand 1", "NULL")                                          \
    R(third_is_null, AG_EARG, ag_where(l.x, l.x, NULL), "where", "operand 2", "NULL")                                  \
    R(product_with_null, AG_EARG, ag_matmul(l.x, NULL), "matmul", "operand 1", "NULL")                                 \
    R(dot_with_null, AG_EARG, ag_dot(l.v, NULL), "dot", "operand 1", "NULL")                                           \
    R(gather_by_null, AG_EARG, ag_gather(l.x, 0, NULL), "gather", "operand 1", "NULL")                                 \
    R(concat_with_null, AG_EARG, ag_concat(2, ((ag_node *[]){ l.x, NULL }), 0), "concat", "operand 1", "NULL")         \
    R(cross_entropy_null, AG_EARG, ag_cross_entropy(l.x, NULL), "cross_entropy", "operand 1", "NULL")                  \
    R(assign_null, AG_EARG, ag_assign(l.p, NULL), "assign", "operand 1", "NULL")                                       \
    R(foreign, AG_EARG, ag_add(l.x, l.other), "add", "operand 1", "another graph")                                     \
    R(foreign_in_product, AG_EARG, ag_matmul(l.x, l.other), "matmul", "another graph")                                 \
    R(foreign_in_dot, AG_EARG, ag_dot(l.x, l.other), "dot", "another graph")                                           \
    R(foreign_in_where, AG_EARG, ag_where(l.x, l.x, l.other), "where", "operand 2", "another graph")                   \
    R(foreign_in_concat, AG_EARG, ag_concat(2, ((ag_node *[]){ l.x, l.other }), 0), "concat", "another graph")         \
    R(foreign_in_group, AG_EARG, ag_group(2, ((ag_node *[]){ l.x, l.other })), "group", "another graph")               \
    R(name_twice, AG_EARG, ag_input(l.g, "x", AG_F64, AG_SCALAR), "input", "'x'", "used already")                      \
    R(other_kind, AG_EARG, ag_parameter(l.g, "x", AG_F64, AG_SCALAR, NULL), "parameter", "'x'", "used already")        \
    R(empty_name, AG_EARG, ag_input(l.g, "", AG_F64, AG_SCALAR), "input", "name")                                      \
    R(control_in_name, AG_EARG, ag_input(l.g, "a\nb", AG_F64, AG_SCALAR), "input", "name", "control")                  \
    R(extent_zero, AG_ESHAPE, ag_input(l.g, "n", AG_F64, AG_SHAPE(3, 0)), "input", "'n'")                              \
    R(constant_of_null, AG_EARG, ag_constant(l.g, AG_F64, AG_SHAPE(2), NULL), "constant", "NULL")                      \
    R(empty_range, AG_ESHAPE, ag_arange(l.g, AG_F64, 0), "extents of at least 1")                                      \
    R(assign_to_input, AG_EARG, ag_assign(l.x, l.x), "assign", "parameter", "'x' f64[2,3]")                            \
    R(assign_other_shape, AG_ESHAPE, ag_assign(l.p, l.y), "assign", "'p' f64[2,3]", "'y' f64[2,4]")                    \
    R(assign_other_type, AG_ETYPE, ag_assign(l.p, l.f), "assign", "'p' f64[2,3]", "'f' f32[2,3]")                      \
    R(named_node, AG_ESHAPE, (ag_name(l.t = ag_exp(l.x), "layer1/h"), ag_dot(l.t, l.y)), "dot", "'layer1/h' f64[2,3]") \
    R(update_of_nothing, AG_EARG, ag_sgd(l.s, &(ag_sgd_options){ .rate = 1 }), "sgd", "parameter")                     \
    R(update_of_tensor, AG_ESHAPE, ag_sgd(l.p, &(ag_sgd_options){ .rate = 1 }), "'p' f64[2,3]")                        \
    R(hvp_of_tensor, AG_ESHAPE, ag_hvp(l.p, l.p, l.p), "'p' f64[2,3]")

#define FUNCTION(label, status, expression, ...) \
    static ag_node *wrong_##label(void)          \
    {                                            \
        return expression;                       \
    }
#define ROW(label, status, expression, ...) { #label, status, { __VA_ARGS__ }, wrong_##label },
WRONG_CALLS(FUNCTION)
static const wrong wrongs[] = { WRONG_CALLS(ROW) };

START_TEST(wrong_calls)
{
    const wrong *w = &wrongs[_i];
    ag_node *result = w->call();
    ck_assert_msg(ag_is_bad(result), "%s made a node", w->label);
    ck_assert_msg(ag_graph_status(l.g) == w->status, "%s: status %d, message '%s'", w->label, (int)ag_graph_status(l.g),
                  ag_graph_error(l.g));
    expect_failure(l.g, w->status, w->fragment);
    ck_assert(!ag_is_bad(ag_add(l.x, l.x))); /* the graph goes on */
    expect_well(l.g);
    expect_well(another);
}
END_TEST

START_TEST(calls_without_any_graph)
{
    ag_node *nothing = NULL, *dx = l.x;
    ck_assert_ptr_null(ag_concat(1, &nothing, 0));
    ck_assert_ptr_null(ag_concat(0, NULL, 0));
    ck_assert_ptr_null(ag_group(0, NULL));
    ck_assert_int_eq(ag_gradient(NULL, 1, &nothing, &dx), AG_EARG);
    ck_assert(ag_is_bad(dx));
    ck_assert(isnan(ag_value(NULL)));
    ck_assert_ptr_null(ag_compile(NULL, 0, NULL, NULL));
    ck_assert_ptr_null(ag_run_new(NULL));
    ag_run_free(NULL);
    ag_plan_free(NULL);
    double value = 0;
    ck_assert_int_eq(ag_eval(NULL), AG_EARG);
    ck_assert_int_eq(ag_feed(NULL, l.x, &value), AG_EARG);
    ck_assert_int_eq(ag_feed_f64(NULL, l.x, &value, 6), AG_EARG);
    ck_assert_int_eq(ag_bind(NULL, l.x, &value), AG_EARG);
    ck_assert_int_eq(ag_adopt(NULL, l.p, &value), AG_EARG);
    ck_assert_int_eq(ag_fetch(NULL, l.x, &value), AG_EARG);
    ck_assert_int_eq(ag_run_share(NULL, NULL), AG_EARG);
    ck_assert_int_eq(ag_save(NULL, "x"), AG_EARG);
    ck_assert_int_eq(ag_load(NULL, "x"), AG_EARG);
    ck_assert_ptr_null(ag_data(NULL, l.x));
    ck_assert(isnan(ag_item(NULL, l.s)));
    ck_assert_ptr_nonnull(strstr(ag_run_error(NULL), "ag_graph_error"));
    ck_assert_str_eq(ag_plan_note(NULL), "");
}
END_TEST

/* ---- names of nodes that exist ---------------------------------------------------------------------------------- */

START_TEST(renaming)
{
    ck_assert_str_eq(ag_name(l.x, "y"), "x");
    expect_error(l.g, AG_EARG, "'y'", "used already");
    ck_assert_str_eq(ag_name(l.x, "\t"), "x");
    expect_error(l.g, AG_EARG, "control");
    ck_assert_str_eq(ag_name(ag_exp(l.x), "bell\a"), "");
    expect_error(l.g, AG_EARG, "exp", "control");
    ck_assert_ptr_eq(ag_find(l.g, "x"), l.x);
}
END_TEST

/* ---- derivatives ------------------------------------------------------------------------------------------------ */

START_TEST(gradients_of_wrong_nodes)
{
    ag_node *s = ag_sum(l.x), *d[2] = { l.x, l.x };
    ck_assert_int_eq(ag_gradient(l.x, 1, &l.x, d), AG_ESHAPE);
    ck_assert(ag_is_bad(d[0]));
    expect_error(l.g, AG_ESHAPE, "ag_gradient", "rank 0", "'x' f64[2,3]");
    ck_assert_int_eq(ag_gradient(s, 2, (ag_node *[]){ l.x, NULL }, d), AG_EARG);
    ck_assert(ag_is_bad(d[0]) && ag_is_bad(d[1]));
    expect_error(l.g, AG_EARG, "ag_gradient", "x[1]", "NULL");
    ck_assert_int_eq(ag_gradient(s, 1, &l.other, d), AG_EARG);
    expect_error(l.g, AG_EARG, "ag_gradient", "x[0]", "another graph");
    ck_assert_int_eq(ag_gradient(s, 1, &l.i, d), AG_ENOGRAD);
    expect_error(l.g, AG_ENOGRAD, "ag_gradient", "x[0]", "integers");
    ck_assert_int_eq(ag_gradient(ag_reshape(ag_slice(l.i, 0, 0, 1, 1), AG_SCALAR), 1, &l.x, d), AG_ENOGRAD);
    expect_error(l.g, AG_ENOGRAD, "integers");
    ag_node *bad = ag_add(l.x, l.y);
    ag_graph_clear(l.g);
    ck_assert_int_ne(ag_gradient(bad, 1, &l.x, d), AG_OK);
    ck_assert(ag_is_bad(d[0]));
    ag_graph_clear(l.g);
    ck_assert_int_ne(ag_gradient(s, 1, &bad, d), AG_OK);
    ck_assert_int_eq(ag_gradient(s, -1, &l.x, d), AG_EARG);
    ck_assert_int_eq(ag_gradient(s, 1, NULL, d), AG_EARG);
    ck_assert_int_eq(ag_gradient(s, 1, &l.x, NULL), AG_EARG);
}
END_TEST

START_TEST(products_with_wrong_vectors)
{
    ag_node *d = l.x, *y = ag_exp(l.x);
    ck_assert_int_eq(ag_vjp(1, &y, &l.v, 1, &l.x, &d), AG_ESHAPE);
    ck_assert(ag_is_bad(d));
    expect_error(l.g, AG_ESHAPE, "ag_vjp", "w[0]", "'v' f64[4]", "f64[2,3]");
    ck_assert_int_eq(ag_vjp(1, &y, &l.f, 1, &l.x, &d), AG_ESHAPE);
    expect_error(l.g, AG_ESHAPE, "ag_vjp", "w[0]", "'f' f32[2,3]");
    ck_assert_int_eq(ag_vjp(1, &y, &l.other, 1, &l.x, &d), AG_EARG);
    expect_error(l.g, AG_EARG, "ag_vjp", "w[0]", "another graph");
}
END_TEST

/* ---- compiling -------------------------------------------------------------------------------------------------- */

START_TEST(compiling_wrong_nodes)
{
    ag_node *bad = ag_add(l.x, l.y), *nothing = NULL;
    ag_graph_clear(l.g);
    ck_assert_ptr_null(ag_compile(l.g, 1, &bad, NULL));
    ag_graph_clear(l.g);
    ck_assert_ptr_null(ag_compile(l.g, 1, &nothing, NULL));
    expect_error(l.g, AG_EARG, "ag_compile", "NULL");
    ck_assert_ptr_null(ag_compile(l.g, 1, &l.other, NULL));
    expect_error(l.g, AG_EARG, "ag_compile", "another graph");
    ck_assert_ptr_null(ag_compile(l.g, 0, &l.x, NULL));
    expect_error(l.g, AG_EARG, "ag_compile");
    ck_assert_ptr_null(ag_compile(l.g, 1, NULL, NULL));
    expect_error(l.g, AG_EARG, "ag_compile");
}
END_TEST

START_TEST(a_failed_graph_does_not_compile)
{
    ag_add(l.x, l.y);
    ck_assert_ptr_null(ag_compile(l.g, 1, &l.x, NULL));
    expect_error(l.g, AG_ESHAPE, "add");
}
END_TEST

START_TEST(options_out_of_range)
{
    static const struct {
        ag_options options;
        const char *field, *value;
    } rows[] = {
        { { .threads = -1 }, "options.threads", "-1" },
        { { .threads = 1 << 20 }, "options.threads", "1048576" },
        { { .unfused = 2 }, "options.unfused", "2" },
        { { .poison = -1 }, "options.poison", "-1" },
        { { .distinct = 7 }, "options.distinct", "7" },
        { { .isa = 4 }, "options.isa", "4, outside 0 to 3" },
        { { .isa = -1 }, "options.isa", "-1" },
        { { .native = 3 }, "options.native", "3" },
        { { .native = 1, .native_cache = 2 }, "options.native_cache", "2" },
        { { .verify = 2 }, "options.verify", "2" },
        { { .native_seconds = -1 }, "options.native_seconds", "-1" },
        { { .native_seconds = NAN }, "options.native_seconds", "nan" },
        { { .native_seconds = INFINITY }, "options.native_seconds", "inf" },
    };
    for (size_t k = 0; k < COUNT(rows); k++) {
        ck_assert_msg(!ag_compile(l.g, 1, &l.x, &rows[k].options), "%s = %s", rows[k].field, rows[k].value);
        expect_error(l.g, AG_EARG, "ag_compile", rows[k].field, rows[k].value);
    }
    ag_plan *plan = ag_compile(l.g, 1, &l.x, &(ag_options){ .threads = 1024, .isa = 3, .native_seconds = 1 });
    ck_assert_ptr_nonnull(plan); /* of a higher instruction set than the machine's, what it has is used */
    ag_plan_free(plan);
}
END_TEST

START_TEST(a_parameter_assigned_twice)
{
    ag_node *two[] = { ag_assign(l.p, ag_exp(l.p)), ag_assign(l.p, ag_neg(l.p)) };
    expect_well(l.g);
    ck_assert_ptr_null(ag_compile(l.g, 2, two, NULL));
    expect_error(l.g, AG_EARG, "'p'", "assign");
}
END_TEST

/* ---- running ---------------------------------------------------------------------------------------------------- */

#define expect_run_error(call, status, ...)                                                        \
    do {                                                                                           \
        ck_assert_int_eq(call, status);                                                            \
        const char *const fragment_[] = { __VA_ARGS__, NULL };                                     \
        for (int k_ = 0; fragment_[k_]; k_++)                                                      \
            ck_assert_msg(strstr(ag_run_error(run), fragment_[k_]) != NULL, "'%s' is not in '%s'", \
                          fragment_[k_], ag_run_error(run));                                       \
    } while (0)

static ag_run *run_of(ag_plan **plan, int n, ag_node *const y[])
{
    ag_options o = test_options();
    *plan = ag_compile(l.g, n, y, &o);
    ck_assert_msg(*plan != NULL, "%s", ag_graph_error(l.g));
    ag_run *run = ag_run_new(*plan);
    ck_assert_ptr_nonnull(run);
    return run;
}

START_TEST(running_without_feeding)
{
    ag_plan *plan;
    ag_node *y = ag_add(l.x, ag_neg(l.p));
    ag_run *run = run_of(&plan, 1, &y);
    double values[6] = { 1, 2, 3, 4, 5, 6 };
    expect_run_error(ag_eval(run), AG_EARG, "'x' f64[2,3]");
    ck_assert_int_eq(ag_feed(run, l.x, values), AG_OK);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert_str_eq(ag_run_error(run), "");
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

START_TEST(every_unfed_input_is_missed)
{
    ag_plan *plan;
    ag_node *y = ag_add(l.x, ag_sum(l.v));
    ag_run *run = run_of(&plan, 1, &y);
    double values[6] = { 0 };
    ck_assert_int_eq(ag_feed(run, l.v, values), AG_OK);
    expect_run_error(ag_eval(run), AG_EARG, "'x'");
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

START_TEST(feeding_what_is_no_leaf_of_the_plan)
{
    ag_plan *plan;
    ag_node *h = ag_exp(l.x), *one = ag_constant(l.g, AG_F64, AG_SHAPE(3), (double[]){ 1, 1, 1 }), *y = ag_add(h, one);
    ag_run *run = run_of(&plan, 1, &y);
    double values[8] = { 0 };
    expect_run_error(ag_feed(run, h, values), AG_EARG, "exp");
    expect_run_error(ag_feed(run, y, values), AG_EARG, "add");
    expect_run_error(ag_feed(run, one, values), AG_EARG, "constant");
    expect_run_error(ag_feed(run, l.other, values), AG_EARG, "'other'");
    expect_run_error(ag_feed(run, NULL, values), AG_EARG, "NULL");
    expect_run_error(ag_feed(run, l.x, NULL), AG_EARG, "NULL");
    expect_run_error(ag_feed(run, l.s, NULL), AG_EARG, "NULL");
    ck_assert_int_eq(ag_feed(run, l.s, values), AG_OK); /* leaves of the graph that the plan does not need */
    ck_assert_int_eq(ag_feed(run, l.p, values), AG_OK);
    ck_assert_int_eq(ag_bind(run, l.s, values), AG_OK);
    ck_assert_int_eq(ag_adopt(run, l.p, values), AG_OK);
    ck_assert_str_eq(ag_run_error(run), "");
    expect_run_error(ag_bind(run, h, values), AG_EARG, "exp");
    expect_run_error(ag_bind(run, l.other, values), AG_EARG, "'other'");
    expect_run_error(ag_eval(run), AG_EARG, "'x'");
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

START_TEST(fetching_what_the_run_does_not_hold)
{
    ag_plan *plan;
    ag_node *h = ag_exp(l.x), *y = ag_add(h, l.p);
    ag_run *run = run_of(&plan, 1, &y);
    double values[8] = { 0 };
    ck_assert_int_eq(ag_feed(run, l.x, values), AG_OK);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    expect_run_error(ag_fetch(run, h, values), AG_EARG, "exp");
    expect_run_error(ag_fetch(run, l.v, values), AG_EARG, "'v'");
    expect_run_error(ag_fetch(run, l.other, values), AG_EARG, "'other'");
    expect_run_error(ag_fetch(run, NULL, values), AG_EARG, "NULL");
    expect_run_error(ag_fetch(run, y, NULL), AG_EARG, "NULL");
    ck_assert_ptr_null(ag_data(run, h));
    ck_assert(isnan(ag_item(run, y)));
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "add"));
    ag_run_free(run);
    ag_plan_free(plan);
}
END_TEST

START_TEST(an_index_out_of_range)
{
    const int64_t indices[][3] = { { 0, 2, 0 }, { 0, -3, 1 }, { INT64_MIN, 0, 0 }, { 0, 0, INT64_MAX } };
    ag_plan *plan;
    double x[6] = { 1, 2, 3, 4, 5, 6 }, updates[9] = { 0 };
    ag_node *u = ag_input(l.g, "u", AG_F64, AG_SHAPE(3, 3));
    ag_node *y[] = { ag_gather(l.x, 0, l.i), ag_scatter_add(l.x, 0, l.i, u) };
    const char *const name[] = { "gather", "scatter_add" };
    for (size_t k = 0; k < COUNT(y); k++) {
        ag_run *run = run_of(&plan, 1, &y[k]);
        ck_assert_int_eq(ag_feed(run, l.x, x), AG_OK);
        if (k == 1) ck_assert_int_eq(ag_feed(run, u, updates), AG_OK);
        for (size_t j = 0; j < COUNT(indices); j++) {
            ck_assert_int_eq(ag_feed(run, l.i, indices[j]), AG_OK);
            ck_assert_msg(ag_eval(run) == AG_EARG, "%s takes %lld %lld %lld", name[k], (long long)indices[j][0],
                          (long long)indices[j][1], (long long)indices[j][2]);
            ck_assert_msg(strstr(ag_run_error(run), "index") != NULL, "%s: %s", name[k], ag_run_error(run));
        }
        ck_assert_int_eq(ag_feed(run, l.i, (int64_t[]){ 0, 1, 1 }), AG_OK);
        ck_assert_msg(ag_eval(run) == AG_OK, "%s: %s", name[k], ag_run_error(run));
        ag_run_free(run);
        ag_plan_free(plan);
    }
}
END_TEST

START_TEST(values_that_are_not_numbers)
{
    ck_assert(isnan(ag_value(l.s))); /* an input that nobody feeds */
    ck_assert_msg(strstr(ag_graph_error(l.g), "'s' f64[]") != NULL, "%s", ag_graph_error(l.g));
    ck_assert_int_eq(ag_graph_status(l.g), AG_OK); /* only the message stays */
    ck_assert(isnan(ag_value(l.p)));
    ck_assert_msg(strstr(ag_graph_error(l.g), "'p' f64[2,3]") != NULL, "%s", ag_graph_error(l.g));
    ck_assert(ag_value(ag_add(ag_number(l.g, 1), ag_number(l.g, 2))) == 3);
    ck_assert_str_eq(ag_graph_error(l.g), "");
    ag_add(l.x, l.y);
    ck_assert(isnan(ag_value(ag_number(l.g, 1)))); /* a failure of building does stay */
    expect_error(l.g, AG_ESHAPE, "add");
}
END_TEST

Suite *suite_errors(void)
{
    Suite *s = suite_create("errors");
    TCase *t = tcase_create("errors");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, wrong_calls, 0, COUNT(wrongs));
    tcase_add_test(t, calls_without_any_graph);
    tcase_add_test(t, renaming);
    tcase_add_test(t, gradients_of_wrong_nodes);
    tcase_add_test(t, products_with_wrong_vectors);
    tcase_add_test(t, compiling_wrong_nodes);
    tcase_add_test(t, a_failed_graph_does_not_compile);
    tcase_add_test(t, options_out_of_range);
    tcase_add_test(t, a_parameter_assigned_twice);
    tcase_add_test(t, running_without_feeding);
    tcase_add_test(t, every_unfed_input_is_missed);
    tcase_add_test(t, feeding_what_is_no_leaf_of_the_plan);
    tcase_add_test(t, fetching_what_the_run_does_not_hold);
    tcase_add_test(t, an_index_out_of_range);
    tcase_add_test(t, values_that_are_not_numbers);
    suite_add_tcase(s, t);
    return s;
}
