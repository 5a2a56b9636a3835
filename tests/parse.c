/* Formulas: each is the node that the constructors make (equal nodes are one), or an error that points at its place. */
#include "test.h"

#include <locale.h>

static ag_graph *g;
static ag_node *a, *b, *c, *x, *w, *v, *labels;

static void begin(void)
{
    g = ag_graph_new(NULL);
    a = ag_input(g, "a", AG_F64, AG_SCALAR);
    b = ag_input(g, "b", AG_F64, AG_SCALAR);
    c = ag_input(g, "c", AG_F64, AG_SCALAR);
    x = ag_input(g, "x", AG_F32, AG_SHAPE(4, 3));
    w = ag_input(g, "layer.1/w", AG_F32, AG_SHAPE(3, 5));
    v = ag_input(g, "_v2", AG_F32, AG_SHAPE(3));
    labels = ag_input(g, "labels", AG_I64, AG_SHAPE(4));
    expect_well(g);
}

static void end(void)
{
    ag_graph_free(g);
}

static ag_node *n(double value)
{
    return ag_number(g, value);
}

static void expect_parse(const char *formula, ag_node *want)
{
    ag_node *got = ag_parse(g, formula);
    ck_assert_msg(ag_graph_status(g) == AG_OK, "'%s': %s", formula, ag_graph_error(g));
    ck_assert_msg(got == want, "'%s' is another node", formula);
}

static void expect_column(const char *formula, int column, const char *part)
{
    char place[64];
    ag_node *got = ag_parse(g, formula);
    snprintf(place, sizeof place, "column %d)", column);
    ck_assert_msg(ag_is_bad(got), "'%s' passes", formula);
    expect_error(g, AG_EARG, place, part);
}

/* ---- what formulas mean ---------------------------------------------------------------------------------------- */

START_TEST(names_and_numbers)
{
    expect_parse("a", a);
    expect_parse("  _v2\n", v);
    expect_parse("layer.1/w", w);
    expect_parse("3", n(3));
    expect_parse(".5", n(0.5));
    expect_parse("1.", n(1));
    expect_parse("6.02214076e23", n(6.02214076e23));
    expect_parse("1e-3", n(1e-3));
    expect_parse("12.5E+2", n(1250));
    expect_parse("0.1", n(0.1));
    expect_parse("123456789.123456789", n(123456789.123456789));
    expect_parse("5e-324", n(5e-324));
    expect_parse("1e-999999999999", n(0));
    expect_parse("1.7976931348623157e308", n(1.7976931348623157e308));
    expect_parse("0.000000000000000000000000000000000000000000001e45", n(1));
    expect_parse("-3", n(-3));
    expect_parse("pi", n(3.14159265358979323846));
    expect_parse("e", n(2.71828182845904523536));
    expect_parse("+-+3", n(-3));
    expect_parse("((a))", a);
}
END_TEST

START_TEST(numbers_do_not_depend_on_the_locale)
{
    const char *const commas[] = { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR" };
    for (size_t i = 0; i < COUNT(commas); i++)
        if (setlocale(LC_NUMERIC, commas[i])) break;
    expect_parse("2.5e-1", n(0.25));
    setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(precedence)
{
    expect_parse("a+b*c", ag_add(a, ag_mul(b, c)));
    expect_parse("a*b+c", ag_add(ag_mul(a, b), c));
    expect_parse("a-b-c", ag_sub(ag_sub(a, b), c));
    expect_parse("a-(b-c)", ag_sub(a, ag_sub(b, c)));
    expect_parse("a / b / c", ag_div(ag_div(a, b), c));
    expect_parse("a / b * c", ag_mul(ag_div(a, b), c));
    expect_parse("a^b^c", ag_pow(a, ag_pow(b, c)));
    expect_parse("(a^b)^c", ag_pow(ag_pow(a, b), c));
    expect_parse("a**b**c", ag_pow(a, ag_pow(b, c)));
    expect_parse("-a^b", ag_neg(ag_pow(a, b)));
    expect_parse("(-a)^b", ag_pow(ag_neg(a), b));
    expect_parse("a^-b", ag_pow(a, ag_neg(b)));
    expect_parse("a^-b^c", ag_pow(a, ag_neg(ag_pow(b, c))));
    expect_parse("a^-b*c", ag_mul(ag_pow(a, ag_neg(b)), c));
    expect_parse("2^-3", ag_pow(n(2), n(-3)));
    expect_parse("-a*b", ag_mul(ag_neg(a), b));
    expect_parse("a*-b", ag_mul(a, ag_neg(b)));
    expect_parse("a - -b", ag_sub(a, ag_neg(b)));
    expect_parse("a+-b*c", ag_add(a, ag_mul(ag_neg(b), c)));
    expect_parse("a + b < b * c", ag_less(ag_add(a, b), ag_mul(b, c)));
    expect_parse("-a < b", ag_less(ag_neg(a), b));
    expect_parse("a<=b", ag_less_equal(a, b));
    expect_parse("a>b", ag_greater(a, b));
    expect_parse("a>=b", ag_greater_equal(a, b));
    expect_parse("a == b", ag_equal(a, b));
    expect_parse("a != b", ag_sub(n(1), ag_equal(a, b)));
    expect_parse("(a<b)==(b<c)", ag_equal(ag_less(a, b), ag_less(b, c)));
}
END_TEST

START_TEST(a_slash_divides_where_no_leaf_has_the_whole_name)
{
    expect_parse("a/b", ag_div(a, b));
    expect_parse("a/b/c", ag_div(ag_div(a, b), c));
    expect_parse("a/2", ag_div(a, n(2)));
    expect_parse("a/sin(b)", ag_div(a, ag_sin(b)));
    expect_parse("pi/4", ag_div(n(3.14159265358979323846), n(4)));
    ag_node *both = ag_input(g, "a/b", AG_F64, AG_SCALAR);
    expect_parse("a/b", both);
    expect_parse("a/b/c", ag_div(both, c));
    expect_parse("a /b", ag_div(a, b));
}
END_TEST

START_TEST(leaves_shadow_constants)
{
    ag_node *e = ag_input(g, "e", AG_F64, AG_SCALAR);
    expect_parse("e*a", ag_mul(e, a));
    ag_node *sum = ag_input(g, "sum", AG_F64, AG_SCALAR); /* a parenthesis makes it the function */
    expect_parse("sum", sum);
    expect_parse("sum(x)", ag_sum(x));
}
END_TEST

START_TEST(products)
{
    expect_parse("x @ layer.1/w", ag_dot(x, w));
    expect_parse("x @ _v2 * 2", ag_mul(ag_dot(x, v), n(2)));
    expect_parse("_v2 @ _v2", ag_dot(v, v));
    ag_node *batch = ag_input(g, "batch", AG_F32, AG_SHAPE(7, 2, 4));
    expect_parse("batch @ x", ag_matmul(batch, x));
    expect_parse("mean((sigmoid(x @ layer.1/w) - 1)^2)",
                 ag_mean(ag_pow(ag_sub(ag_sigmoid(ag_dot(x, w)), n(1)), n(2))));
}
END_TEST

START_TEST(functions)
{
    expect_parse("exp(a)", ag_exp(a));
    expect_parse("exp (a)", ag_exp(a));
    expect_parse("sin(cos(tan(a)))", ag_sin(ag_cos(ag_tan(a))));
    expect_parse("sqrt(2)*a", ag_mul(ag_sqrt(n(2)), a));
    expect_parse("pow(a, b)", ag_pow(a, b));
    expect_parse("where(a < b, a, -b)", ag_where(ag_less(a, b), a, ag_neg(b)));
    expect_parse("atan2(a, b)", ag_atan2(a, b));
    expect_parse("max(a, 0)", ag_maximum(a, n(0)));
    expect_parse("min(a, b)", ag_minimum(a, b));
    expect_parse("max(x)", ag_amax(x));
    expect_parse("minimum(a, b)", ag_minimum(a, b));
    expect_parse("gelu(a) + silu(b)", ag_add(ag_gelu(a), ag_silu(b)));
    expect_parse("outer(_v2, _v2)", ag_outer(v, v));
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2, 2), NULL);
    expect_parse("logdet(p) + det(inverse(p))", ag_add(ag_logdet(p), ag_det(ag_inverse(p))));
    expect_parse("solve(p, diag(p))", ag_solve(p, ag_diag(p)));
    expect_parse("triangular_solve(cholesky(p), p, 0, 1)", ag_triangular_solve(ag_cholesky(p), p, 0, 1));
    expect_parse("assign(p, p - trace(p))", ag_assign(p, ag_sub(p, ag_trace(p))));
    expect_parse("group(a, b)", ag_group(2, (ag_node *[]){ a, b }));
    expect_parse("stop_gradient(a)", ag_stop_gradient(a));
    expect_parse("checkpoint(a)", ag_checkpoint(a));
    expect_parse("polygamma(2, a)", ag_polygamma(2, a));
}
END_TEST

START_TEST(functions_with_axes_and_extents)
{
    expect_parse("sum(x)", ag_sum(x));
    expect_parse("sum(x, 0)", ag_sum_axis(x, 0, 0));
    expect_parse("sum(x, -1, 1)", ag_sum_axis(x, -1, 1));
    expect_parse("mean(x, 1)", ag_mean_axis(x, 1, 0));
    expect_parse("logsumexp(x, -(1))", ag_logsumexp_axis(x, -1, 0));
    expect_parse("softmax(x)", ag_softmax(x, -1));
    expect_parse("softmax(x, 0)", ag_softmax(x, 0));
    expect_parse("log_softmax(x, 1)", ag_log_softmax(x, 1));
    expect_parse("argmax(x, 1)", ag_argmax(x, 1));
    expect_parse("cumsum(x, 0)", ag_cumsum(x, 0));
    expect_parse("transpose(x)", ag_transpose(x, NULL));
    expect_parse("transpose(x, 0, 1)", ag_transpose(x, (int[]){ 0, 1 }));
    expect_parse("reshape(x, 2, -1)", ag_reshape(x, AG_SHAPE(2, 6)));
    expect_parse("reshape(sum(x, 0, 1), 3)", ag_reshape(ag_sum_axis(x, 0, 1), AG_SHAPE(3)));
    expect_parse("broadcast_to(a, 2, 2)", ag_broadcast_to(a, AG_SHAPE(2, 2)));
    expect_parse("slice(x, 0, 1)", ag_slice(x, 0, 1, AG_END, 1));
    expect_parse("slice(x, 0, 1, -1)", ag_slice(x, 0, 1, -1, 1));
    expect_parse("slice(x, 1, 0, 3, 2)", ag_slice(x, 1, 0, 3, 2));
    expect_parse("concat(x, x, x, 0)", ag_concat(3, (ag_node *[]){ x, x, x }, 0));
    expect_parse("pad(x, 1, 2, 3)", ag_pad(x, 1, 2, 3));
    expect_parse("flip(x, 1)", ag_flip(x, 1));
    expect_parse("gather(x, 0, labels)", ag_gather(x, 0, labels));
    expect_parse("scatter_add(x, 0, labels, x)", ag_scatter_add(x, 0, labels, x));
    expect_parse("one_hot(labels, 5)", ag_one_hot(labels, 5, AG_F64));
    expect_parse("one_hot(labels, 5, f32)", ag_one_hot(labels, 5, AG_F32));
    expect_parse("arange(5)", ag_arange(g, AG_F64, 5));
    expect_parse("arange(5, i64)", ag_arange(g, AG_I64, 5));
    expect_parse("cast(x, f64)", ag_cast(x, AG_F64));
    ag_node *images = ag_reshape(x, AG_SHAPE(1, 1, 4, 3)), *filters = ag_reshape(x, AG_SHAPE(2, 1, 2, 3));
    const ag_conv_options wide = { .stride = { 2, 2 }, .padding = { 1, 1 } };
    expect_parse("conv(reshape(x, 1, 1, 4, 3), reshape(x, 2, 1, 2, 3))", ag_conv(images, filters, NULL));
    expect_parse("conv(reshape(x, 1, 1, 4, 3), reshape(x, 2, 1, 2, 3), 2, 1)", ag_conv(images, filters, &wide));
    expect_parse("max_pool(reshape(x, 1, 1, 4, 3), 2, 1)",
                 ag_max_pool(images, &(ag_pool_options){ .kernel = { 2, 2 }, .stride = { 1, 1 } }));
    expect_parse("avg_pool(reshape(x, 1, 1, 4, 3), 2)", ag_avg_pool(images, &(ag_pool_options){ .kernel = { 2, 2 } }));
    expect_parse("mse(x, x)", ag_mse(x, x, AG_MEAN));
    expect_parse("layer_norm(x, 1)", ag_layer_norm(x, 1, NULL, NULL, 0));
    expect_parse("adaptive_avg_pool(reshape(x, 1, 1, 4, 3), 2)", ag_adaptive_avg_pool(images, (int64_t[]){ 2, 2 }));
    expect_parse("attention(x, x, x, 1)", ag_attention(x, x, x, 0, 1));
    expect_parse("norm(x) + std(x, 0)", ag_add(ag_norm(x, 2), ag_std_axis(x, 0, 1, 0)));
    expect_parse("sort(x, 0, 1)", ag_sort(x, 0, 1));
    expect_parse("cumprod(tril(x), 1)", ag_cumprod(ag_tril(x, 0), 1));
    expect_parse("index(stack(x, roll(x, 0, -1), 0), 0, 1)",
                 ag_index(ag_stack(2, (ag_node *[]){ x, ag_roll(x, 0, -1) }, 0), 0, 1));
    expect_parse("clip(x, -0.5, 2)", ag_clip(x, -0.5, 2));
    expect_parse("leaky_relu(x, 0.25)", ag_leaky_relu(x, 0.25));
    expect_parse("log_sigmoid(x) + selu(x)", ag_add(ag_log_sigmoid(x), ag_selu(x)));
    expect_parse("glu(transpose(x), 1)", ag_glu(ag_transpose(x, NULL), 1));
    expect_parse("cross_entropy(x @ transpose(x), labels)", ag_cross_entropy(ag_dot(x, ag_transpose(x, NULL)), labels));
}
END_TEST

/* A formula can name every operation that has a public constructor. */
START_TEST(every_operation_is_a_function)
{
    static const ag_op *const inner[] = { &agi_embed, &agi_assemble, &agi_strew, &agi_scatter_onto, &agi_lu,
                                          &agi_diagonal, &agi_recur, &agi_integer,
                                          &agi_loop, &agi_branch, &agi_part, &agi_unpart, &agi_guard, &agi_normalise,
                                          &agi_pick, &agi_derivative, &agi_sigmoid_slope, &agi_tanh_slope,
                                          &agi_softmax_error, &agi_softmax_slope, &agi_cofactor, &agi_cofactor_slope,
                                          &agi_others, &agi_attention_slope, &agi_max_pool_slope,
                                          &agi_avg_pool_slope, &agi_random_next };
    static const ag_op *const registry[] = {
#define NODE(name) &agi_##name,
#include "nodes.def"
#undef NODE
    };
    for (size_t i = 0; i < COUNT(registry); i++) {
        int skip = (registry[i]->flags & AG_LEAF) != 0;
        for (size_t k = 0; k < COUNT(inner); k++) skip |= registry[i] == inner[k];
        if (skip) continue;
        char formula[128];
        snprintf(formula, sizeof formula, "%s(f32, f32, f32, f32, f32, f32, f32)", registry[i]->name);
        ag_parse(g, formula);
        ck_assert_msg(!strstr(ag_graph_error(g), "unknown"), "%s", ag_graph_error(g));
        ag_graph_clear(g);
    }
}
END_TEST

START_TEST(literals_take_the_type_they_meet)
{
    expect_parse("2*x", ag_mul(n(2), x));
    ag_node *y = ag_parse(g, "1/2*x + 2^-3*pi");
    expect_well(g);
    ck_assert_int_eq(ag_type_of(y), AG_F32);
}
END_TEST

/* ---- errors ---------------------------------------------------------------------------------------------------- */

START_TEST(the_message_points_at_the_place)
{
    ag_parse(g, "mean((sigmiod(x @ layer.1/w) - a)^2)");
    ck_assert_str_eq(ag_graph_error(g), "ag_parse: unknown function 'sigmiod', did you mean 'sigmoid'? (column 7)\n"
                                        "    mean((sigmiod(x @ layer.1/w) - a)^2)\n"
                                        "          ^");
    ck_assert_int_eq(ag_graph_status(g), AG_EARG);
    ag_graph_clear(g);
    ag_parse(g, "a +\n\tb $ c\n+ a");
    ck_assert_str_eq(ag_graph_error(g), "ag_parse: an operator is expected (line 2, column 4)\n"
                                        "     b $ c\n"
                                        "       ^");
}
END_TEST

START_TEST(long_lines_are_cut_around_the_place)
{
    char formula[400] = "";
    for (int i = 0; i < 40; i++) strcat(formula, "a + ");
    strcat(formula, "q");
    for (int i = 0; i < 40; i++) strcat(formula, " + b");
    ag_parse(g, formula);
    const char *message = ag_graph_error(g), *line = strchr(message, '\n') + 1, *caret = strchr(line, '\n') + 1;
    ck_assert_int_lt(strchr(line, '\n') - line, 90);
    ck_assert_int_eq(line[strchr(caret, '^') - caret], 'q');
    expect_error(g, AG_EARG, "column 161)", "...");
}
END_TEST

START_TEST(syntax_errors)
{
    expect_column("", 1, "ends where a value is expected");
    expect_column("  ", 3, "ends where a value is expected");
    expect_column("a +", 4, "ends where a value is expected");
    expect_column("a + * b", 5, "a value is expected, not '*'");
    expect_column("1..5", 3, "an operator is expected");
    expect_column("0x10", 2, "unknown name 'x10'");
    expect_column("a 2", 3, "an operator is expected");
    expect_column("a = b", 3, "==");
    expect_column("(a + b", 1, "never closed");
    expect_column("exp(a", 1, "never closed");
    expect_column("a + b)", 6, "no ( belongs to this )");
    expect_column("()", 2, "a value is expected, not ')'");
    expect_column("exp()", 5, "a value is expected, not ')'");
    expect_column("a, b", 2, "comma");
    expect_column("exp((a, b))", 7, "comma");
    expect_column("sum(x,)", 7, "a value is expected, not ')'");
    expect_column("a < b < c", 7, "do not chain");
    expect_column("a == b != c", 8, "do not chain");
    expect_column("a \xff b", 3, "an operator is expected");
    expect_column("\xc3\x97", 1, "a value is expected, not '\xc3\x97'");
    expect_column("1e999", 1, "too large");
    expect_column("a + sin", 5, "'sin' is a function and needs (");
}
END_TEST

START_TEST(unknown_names_and_functions)
{
    expect_column("a + q", 5, "unknown name 'q' (");
    expect_column("a + label", 5, "did you mean 'labels'?");
    expect_column("layer.1/ww + a", 1, "unknown name 'layer.1/ww', did you mean 'layer.1/w'?");
    expect_column("A", 1, "did you mean 'a'?");
    expect_column("qq/b", 1, "unknown name 'qq'");
    expect_column("Sin(a)", 1, "unknown function 'Sin', did you mean 'sin'?");
    expect_column("sofmax(x)", 1, "did you mean 'softmax'?");
    expect_column("quux(a)", 1, "unknown function 'quux' (");
    expect_column("input(a)", 1, "unknown function 'input'");
    expect_column("f32 + a", 5, "a type is no value");
    expect_column("-f32", 1, "a type is no value");
    expect_column("f32", 1, "a type is no value");
}
END_TEST

START_TEST(wrong_arguments)
{
    expect_column("a + exp(a, b)", 5, "exp takes 1 argument, not 2");
    expect_column("pow(a)", 1, "pow takes 2 arguments, not 1");
    expect_column("sum(x, 0, 1, 2)", 1, "sum takes 1 to 3 arguments, not 4");
    expect_column("concat(x)", 1, "concat takes at least 2 arguments, not 1");
    expect_column("sum(x, 0.5)", 1, "sum: argument 2 must be a whole number");
    expect_column("sum(x, a)", 1, "sum: argument 2 must be a whole number");
    expect_column("sum(x, 4294967296)", 1, "sum: argument 2 must be a whole number");
    expect_column("sum(x, 0, 1e30)", 1, "sum: argument 3 must be a whole number");
    expect_column("cast(x, 3)", 1, "cast: argument 2 must be a type: f32, f64 or i64");
    expect_column("clip(x, a, 1)", 1, "clip: argument 2 must be a number");
    expect_column("exp(f32)", 1, "exp: argument 1 must be a value");
}
END_TEST

START_TEST(failures_of_operations_point_at_it_too)
{
    ck_assert(ag_is_bad(ag_parse(g, "1 + mean(x @ x)")));
    expect_error(g, AG_ESHAPE, "dimensions differ, 3 and 4", "(column 12)\n    1 + mean(x @ x)\n               ^");
    ck_assert(ag_is_bad(ag_parse(g, "sum(x, 2)")));
    expect_error(g, AG_ESHAPE, "axis", "(column 1)\n    sum(x, 2)\n    ^");
    ck_assert(ag_is_bad(ag_parse(g, "1 / labels")));
    expect_error(g, AG_ETYPE, "i64", "(column 3)\n    1 / labels\n      ^");
    ck_assert(ag_is_bad(ag_parse(g, "transpose(x, 0)")));
    expect_error(g, AG_ESHAPE, "transpose");
    ck_assert(ag_is_bad(ag_parse(g, "transpose(x, 0, 4294967296)")));
    expect_error(g, AG_ESHAPE, "transpose");
    ck_assert(ag_is_bad(ag_parse(g, "reshape(a, 1, 1, 1, 1, 1, 1, 1, 1, 1)")));
    expect_error(g, AG_ESHAPE, "reshape", "rank 9");
    ck_assert(ag_is_bad(ag_parse(g, "mean(arange(65536)) + arange(2000000000002)")));
    expect_error(g, AG_EARG, "arange", "at most 65536", "(column 23)");
    ck_assert(ag_is_bad(ag_parse(g, "x + layer.1/w")));
    expect_error(g, AG_ESHAPE, "add", "column 3");
}
END_TEST

START_TEST(the_first_failure_stays)
{
    ag_parse(g, "q");
    char first[512];
    snprintf(first, sizeof first, "%s", ag_graph_error(g));
    ck_assert(ag_is_bad(ag_parse(g, "a +")));
    ck_assert(ag_is_bad(ag_parse(g, "x @ x")));
    ck_assert_str_eq(ag_graph_error(g), first);
}
END_TEST

START_TEST(no_graph_no_formula)
{
    ck_assert_ptr_null(ag_parse(NULL, "1"));
    ck_assert(ag_is_bad(ag_parse(g, NULL)));
    expect_error(g, AG_EARG, "NULL");
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------------------------- */

static char *repeated(const char *text, int times, const char *tail)
{
    size_t length = strlen(text);
    char *all = malloc(length * (size_t)times + strlen(tail) + 1);
    for (int i = 0; i < times; i++) memcpy(all + length * (size_t)i, text, length);
    strcpy(all + length * (size_t)times, tail);
    return all;
}

START_TEST(depth_and_length_are_bounded)
{
    static const struct {
        const char *text, *tail, *error;
        int times;
    } row[] = {
        { "(", "a", "nested more than 256 deep", 300 },
        { "-", "a", "nested more than 256 deep", 60000 },
        { "exp(", "a", "nested more than 256 deep", 10000 },
        { "a^", "a", "more than 256", 300 },
        { "(", "a", "never closed", 256 },
        { "a+", "a", NULL, 30000 },
        { "a/", "b", NULL, 30000 },
        { "a", "", "unknown name", 60000 },
        { "a/a", "", NULL, 20000 },
        { "1", "", "at most 400 digits", 60000 },
        { "a +", "a", "at most 65536 characters", 30000 },
        { "a@", "", "matmul", 20000 },
        { "concat(a,", "", "more than 256", 6000 },
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        char *formula = repeated(row[i].text, row[i].times, row[i].tail);
        ag_node *y = ag_parse(g, formula);
        ck_assert_msg(ag_is_bad(y) == (ag_graph_status(g) != AG_OK), "row %d", (int)i);
        if (row[i].error && strcmp(row[i].error, "matmul")) expect_error(g, AG_EARG, row[i].error);
        ag_graph_clear(g);
        free(formula);
    }
    char *many = repeated("a,", 300, "a)"), *call = malloc(strlen(many) + 8);
    sprintf(call, "sum(%s", many);
    ck_assert(ag_is_bad(ag_parse(g, call)));
    expect_error(g, AG_EARG, "values wait");
    free(many);
    free(call);
}
END_TEST

/* Any text is a formula or an error: pieces of formulas in random order. */
START_TEST(any_text_is_survived)
{
    static const char *const piece[] = { "a",  "x", "layer.1/w", "(",  ")",   ",", "+",       "-",    "*", "/", "@",
                                         "^",  "<", "==",        "1",  "0.5", "e", "softmax(", "sum(", " ", "f32",
                                         "\n", "labels", "concat(", "exp(", "2e5", "$", "\xff", "reshape(", "gather(" };
    uint64_t seed = 5;
    int good = 0;
    for (int i = 0; i < 20000; i++) {
        char formula[256] = "";
        for (int k = (int)test_random(&seed, 1, 14); k--;)
            strcat(formula, piece[(int)test_random(&seed, 0, COUNT(piece))]);
        ag_node *y = ag_parse(g, formula);
        ck_assert_ptr_nonnull(y);
        ck_assert_msg(ag_is_bad(y) == (ag_graph_status(g) != AG_OK), "'%s'", formula);
        if (ag_is_bad(y)) ck_assert_msg(strchr(ag_graph_error(g), '^') != NULL, "'%s': %s", formula, ag_graph_error(g));
        else good++;
        ag_graph_clear(g);
    }
    ck_assert_int_gt(good, 500);
}
END_TEST

START_TEST(memory_that_ends_is_an_error)
{
    test_budget budget;
    const ag_allocator limited = test_allocator(&budget);
    char text[4096] = "p";
    for (int i = 0; i < 250; i++) sprintf(text + strlen(text), " + %d*p", i + 2); /* no two terms are one node */
    int failures = 0;
    for (int64_t n = 0, done = 0; !done; n++) {
        budget = (test_budget){ .left = INT64_MAX };
        ag_graph *small = ag_graph_new(&limited);
        ag_parameter(small, "p", AG_F64, AG_SCALAR, NULL);
        budget.left = n;
        ag_node *y = ag_parse(small, text);
        done = !ag_is_bad(y);
        ck_assert_int_eq(ag_graph_status(small), done ? AG_OK : AG_EMEM);
        failures += !done;
        ag_graph_free(small);
    }
    ck_assert_int_gt(failures, 2);
}
END_TEST

/* ---- values ---------------------------------------------------------------------------------------------------- */

START_TEST(values_against_plain_c)
{
#define ROW(formula) { #formula, formula }
    const double pi = 3.14159265358979323846;
    const struct {
        const char *formula;
        double want;
    } row[] = {
        ROW(1 + 2 * 3 - 4 / 8.0),
        ROW(-(2.5 - 4) * (1e-3 + .25) / 7),
        ROW(exp(-1.5) * sin(pi / 3) + cos(2) / (1 + tanh(0.5))),
        ROW((1 < 2) + (2 <= 2) * 10 + (3 > 4) * 100 + (4 >= 5) * 1000 + (5 == 5) * 10000 + (1 != 2) * 100000),
        { "-2^2", -4 },
        { "2^-3", 0.125 },
        { "2^3^2", 512 },
        { "8/4/2", 1 },
        { "max(2, 3) + min(2, 3)", 5 },
        { "mean(arange(5)^2) + sum(one_hot(cast(arange(3), i64), 4))", 9 },
        { "log(e)", 1 },
    };
#undef ROW
    for (size_t i = 0; i < COUNT(row); i++) {
        double got = ag_value(ag_parse(g, row[i].formula));
        ck_assert_msg(test_close(got, row[i].want, 1e-14), "'%s' is %.17g, not %.17g", row[i].formula, got,
                      row[i].want);
    }
    expect_well(g);
}
END_TEST

Suite *suite_parse(void)
{
    Suite *s = suite_create("parse");
    TCase *t = tcase_create("formulas");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, names_and_numbers);
    tcase_add_test(t, numbers_do_not_depend_on_the_locale);
    tcase_add_test(t, precedence);
    tcase_add_test(t, a_slash_divides_where_no_leaf_has_the_whole_name);
    tcase_add_test(t, leaves_shadow_constants);
    tcase_add_test(t, products);
    tcase_add_test(t, functions);
    tcase_add_test(t, functions_with_axes_and_extents);
    tcase_add_test(t, every_operation_is_a_function);
    tcase_add_test(t, literals_take_the_type_they_meet);
    tcase_add_test(t, the_message_points_at_the_place);
    tcase_add_test(t, long_lines_are_cut_around_the_place);
    tcase_add_test(t, syntax_errors);
    tcase_add_test(t, unknown_names_and_functions);
    tcase_add_test(t, wrong_arguments);
    tcase_add_test(t, failures_of_operations_point_at_it_too);
    tcase_add_test(t, the_first_failure_stays);
    tcase_add_test(t, no_graph_no_formula);
    tcase_add_test(t, depth_and_length_are_bounded);
    tcase_add_test(t, any_text_is_survived);
    tcase_add_test(t, memory_that_ends_is_an_error);
    tcase_add_test(t, values_against_plain_c);
    suite_add_tcase(s, t);
    return s;
}
