/* Formulas as people write them: products without a sign, functions without parentheses, Greek letters, superscripts,
 * vectors and their elements, several formulas. Each is the node that the constructors make, or an error whose caret
 * stands under the character at fault. */
#include "test.h"

static ag_graph *g;
static ag_node *x, *y, *theta, *v, *A, *f, *labels;

static void begin(void)
{
    g = ag_graph_new(NULL);
    x = ag_input(g, "x", AG_F64, AG_SCALAR);
    y = ag_input(g, "y", AG_F64, AG_SCALAR);
    theta = ag_input(g, "θ", AG_F64, AG_SCALAR);
    v = ag_input(g, "v₁", AG_F64, AG_SHAPE(3));
    A = ag_input(g, "A", AG_F64, AG_SHAPE(2, 3));
    f = ag_input(g, "single", AG_F32, AG_SCALAR);
    labels = ag_input(g, "labels", AG_I64, AG_SHAPE(2));
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

static ag_node *vector(int count, const double *value)
{
    return ag_constant(g, AG_F64, AG_SHAPE(count), value);
}

static void expect_parse(const char *formula, ag_node *want)
{
    ag_node *got = ag_parse(g, formula);
    ck_assert_msg(ag_graph_status(g) == AG_OK, "'%s': %s", formula, ag_graph_error(g));
    ck_assert_msg(got == want, "'%s' is another node", formula);
}

/* The message is this, the place that character, from 1 on. */
static void expect_message(const char *formula, int column, const char *message)
{
    char want[512];
    ck_assert_msg(ag_is_bad(ag_parse(g, formula)), "'%s' passes", formula);
    snprintf(want, sizeof want, "%s (column %d)\n    %s\n    %*s^", message, column, formula, column - 1, "");
    ck_assert_str_eq(ag_graph_error(g), want);
    ag_graph_clear(g);
}

/* ---- products without a sign --------------------------------------------------------------------------------- */

START_TEST(factors_beside_each_other)
{
    expect_parse("2x", ag_mul(n(2), x));
    expect_parse("x y", ag_mul(x, y));
    expect_parse("2 x y", ag_mul(ag_mul(n(2), x), y));
    expect_parse("2(x+1)", ag_mul(n(2), ag_add(x, n(1))));
    expect_parse("(x)(y)", ag_mul(x, y));
    expect_parse("(x + y)x", ag_mul(ag_add(x, y), x));
    expect_parse("x(y + 1)", ag_mul(x, ag_add(y, n(1))));
    expect_parse("x (y)", ag_mul(x, y));
    expect_parse("2pi", ag_mul(n(2), n(3.14159265358979323846)));
    expect_parse("2e", ag_mul(n(2), n(2.71828182845904523536)));
    expect_parse("2e1", n(20));
    expect_parse("2e1x", ag_mul(n(20), x));
    expect_parse("max(x, y)x", ag_mul(ag_maximum(x, y), x));
    expect_parse("-2x", ag_mul(n(-2), x));
    expect_parse("-x y", ag_mul(ag_neg(x), y));
    expect_parse("x -y", ag_sub(x, y));
    expect_parse("x - 2y", ag_sub(x, ag_mul(n(2), y)));
    expect_parse("2x^3", ag_mul(n(2), ag_pow(x, n(3))));
    expect_parse("x^2y", ag_mul(ag_pow(x, n(2)), y));
    expect_parse("2^-3x", ag_mul(ag_pow(n(2), n(-3)), x));
    expect_parse("2x/3", ag_div(ag_mul(n(2), x), n(3)));
    expect_parse("x*2y", ag_mul(x, ag_mul(n(2), y)));
    expect_parse("2x < 3y", ag_less(ag_mul(n(2), x), ag_mul(n(3), y)));
    expect_parse("2[x, 3]", ag_mul(n(2), ag_stack(2, (ag_node *[]){ x, n(3) }, 0)));
}
END_TEST

START_TEST(what_people_disagree_about_is_refused)
{
    expect_message("1/2x", 4, "ag_parse: a/b c without a sign may be (a/b)*c or a/(b*c): write which");
    expect_message("1/2sin x", 4, "ag_parse: a/b c without a sign may be (a/b)*c or a/(b*c): write which");
    expect_message("2½", 2, "ag_parse: an operator is expected");
    expect_message("x/2(y+1)", 4, "ag_parse: a/b c without a sign may be (a/b)*c or a/(b*c): write which");
    expect_message("x÷2y", 4, "ag_parse: a÷b c without a sign may be (a÷b)*c or a÷(b*c): write which");
    expect_message("A @ v₁ x", 8, "ag_parse: a@b c without a sign may be (a@b)*c or a@(b*c): write which");
    expect_message("sin x(y+1)", 6, "ag_parse: is this an argument of sin? parentheses around all of it tell");
    expect_message("sin⁻¹ x", 4, "ag_parse: sin^-1 may be its inverse or 1/sin: write which");
    expect_message("sin^-1(x)", 5, "ag_parse: sin^-1 may be its inverse or 1/sin: write which");
    expect_message("sin^x(y)", 4, "ag_parse: a function's power is a number: sin^2(x)");
    expect_message("x 2", 3, "ag_parse: an operator is expected; a number is no factor without * before it");
    expect_message("2 .5", 3, "ag_parse: an operator is expected; a number is no factor without * before it");
    expect_parse("1/2 x y", ag_mul(ag_mul(ag_div(n(1), n(2)), x), y)); /* spaces make it a fraction */
    expect_parse("x + 3/4 sin x", ag_add(x, ag_mul(ag_div(n(3), n(4)), ag_sin(x))));
    expect_message("1 / 2 x", 7, "ag_parse: a/b c without a sign may be (a/b)*c or a/(b*c): write which");
    expect_message("x/2 y", 5, "ag_parse: a/b c without a sign may be (a/b)*c or a/(b*c): write which");
    expect_parse("½ x + ¾", ag_add(ag_mul(n(0.5), x), n(0.75)));
    expect_parse("(1/2)x", ag_mul(ag_div(n(1), n(2)), x));
    expect_parse("1/(2x)", ag_div(n(1), ag_mul(n(2), x)));
    expect_parse("x*y/2", ag_div(ag_mul(x, y), n(2)));
}
END_TEST

START_TEST(names_that_stand_too_close)
{
    expect_message("2xy", 2, "ag_parse: unknown name 'xy', did you mean 'x y'?");
    expect_message("1 + sinx", 5, "ag_parse: unknown name 'sinx', did you mean 'sin x'?");
    expect_parse("2πθ", ag_mul(ag_mul(n(2), n(3.14159265358979323846)), theta));
    expect_message("2πq", 2, "ag_parse: unknown name 'πq', did you mean 'π'?");
    expect_message("α + 1", 1, "ag_parse: unknown name 'α'");
    expect_message("θθ + sinq", 1, "ag_parse: unknown name 'θθ', did you mean 'θ θ'?");
    expect_message("labls[0]", 1, "ag_parse: unknown name 'labls', did you mean 'labels'?");
}
END_TEST

/* ---- functions ----------------------------------------------------------------------------------------------- */

START_TEST(functions_without_parentheses)
{
    expect_parse("sin x", ag_sin(x));
    expect_parse("3 sin x", ag_mul(n(3), ag_sin(x)));
    expect_parse("sin 2x", ag_sin(ag_mul(n(2), x)));
    expect_parse("sin 2 x y", ag_sin(ag_mul(ag_mul(n(2), x), y)));
    expect_parse("sin x + 1", ag_add(ag_sin(x), n(1)));
    expect_parse("sin x * y", ag_mul(ag_sin(x), y));
    expect_parse("sin x / y", ag_div(ag_sin(x), y));
    expect_parse("sin x^2", ag_sin(ag_pow(x, n(2))));
    expect_parse("sin x cos y", ag_mul(ag_sin(x), ag_cos(y)));
    expect_parse("2 sin 3x cos(y) x", ag_mul(ag_mul(ag_mul(n(2), ag_sin(ag_mul(n(3), x))), ag_cos(y)), x));
    expect_parse("x sin y", ag_mul(x, ag_sin(y)));
    expect_parse("sin cos x", ag_sin(ag_cos(x)));
    expect_parse("sin -x", ag_sin(ag_neg(x)));
    expect_parse("sin −x", ag_sin(ag_neg(x)));
    expect_parse("-sin x", ag_neg(ag_sin(x)));
    expect_parse("2^sin x", ag_pow(n(2), ag_sin(x)));
    expect_parse("sin 2(x + 1)", ag_sin(ag_mul(n(2), ag_add(x, n(1)))));
    expect_parse("max(sin x, y)", ag_maximum(ag_sin(x), y));
    expect_parse("sum v₁", ag_sum(v));
    expect_parse("exp -x²", ag_exp(ag_neg(ag_pow(x, n(2)))));
    expect_parse("sin(x)y", ag_mul(ag_sin(x), y));
    expect_parse("sin(x)^2", ag_pow(ag_sin(x), n(2)));
    expect_parse("sin^2 x", ag_pow(ag_sin(x), n(2)));
    expect_parse("sin**2 x", ag_pow(ag_sin(x), n(2)));
    expect_parse("sin² x", ag_pow(ag_sin(x), n(2)));
    expect_parse("sin²(x)^3", ag_pow(ag_pow(ag_sin(x), n(2)), n(3)));
    expect_parse("sin¹⁰ 2x", ag_pow(ag_sin(ag_mul(n(2), x)), n(10)));
    expect_parse("sin⁰ x", ag_pow(ag_sin(x), n(0)));
    expect_message("x + sin", 5, "ag_parse: 'sin' is a function and needs ( or a value");
    expect_message("sin - x", 1, "ag_parse: 'sin' is a function and needs ( or a value");
    expect_message("sin * x", 1, "ag_parse: 'sin' is a function and needs ( or a value");
    expect_message("1 + pow x", 5, "pow takes 2 arguments, not 1");
}
END_TEST

START_TEST(leaves_come_before_functions_without_parentheses)
{
    ag_node *sec = ag_input(g, "sec", AG_F64, AG_SCALAR);
    expect_parse("sec x", ag_mul(sec, x));
    expect_parse("2sec", ag_mul(n(2), sec));
    expect_parse("sec(x)", ag_div(n(1), ag_cos(x)));
}
END_TEST

START_TEST(more_functions)
{
    const double ln2 = 0.69314718055994530942, ln10 = 2.30258509299404568402;
    expect_parse("ln x", ag_log(x));
    expect_parse("log(x, y)", ag_div(ag_log(x), ag_log(y)));
    expect_parse("log2(x)", ag_div(ag_log(x), n(ln2)));
    expect_parse("log10 x", ag_div(ag_log(x), n(ln10)));
    expect_parse("arcsin x + arccos x + arctan x", ag_add(ag_add(ag_asin(x), ag_acos(x)), ag_atan(x)));
    expect_parse("cot x", ag_div(n(1), ag_tan(x)));
    expect_parse("csc x", ag_div(n(1), ag_sin(x)));
    expect_parse("muladd(x, y, θ)", ag_parse(g, "muladd(x,y,θ)")); /* what plans are made of may be called */
}
END_TEST

/* ---- signs --------------------------------------------------------------------------------------------------- */

START_TEST(bars_and_roots)
{
    expect_parse("|x|", ag_abs(x));
    expect_parse("|v₁|", ag_norm(v, 2));
    expect_message("1 + |A|", 5, "ag_parse: | | is of a number or a vector; abs(A) is of elements, det(A) another");
    expect_parse("|x - 1|^2", ag_pow(ag_abs(ag_sub(x, n(1))), n(2)));
    expect_parse("||x| - 1|", ag_abs(ag_sub(ag_abs(x), n(1))));
    expect_parse("2|x||y|", ag_mul(ag_mul(n(2), ag_abs(x)), ag_abs(y)));
    expect_parse("|sin x|", ag_abs(ag_sin(x)));
    expect_parse("sin |x|", ag_sin(ag_abs(x)));
    expect_parse("√x", ag_sqrt(x));
    expect_parse("√2x", ag_mul(ag_sqrt(n(2)), x));
    expect_parse("√(x + 1)", ag_sqrt(ag_add(x, n(1))));
    expect_parse("√x²", ag_sqrt(ag_pow(x, n(2))));
    expect_parse("x√y", ag_mul(x, ag_sqrt(y)));
    expect_parse("√√x", ag_sqrt(ag_sqrt(x)));
    expect_parse("sin √x", ag_sin(ag_sqrt(x)));
    expect_message("|x", 1, "ag_parse: the | is never closed");
    expect_message("(|x)", 2, "ag_parse: its | is missing before a )");
    expect_message("|x, y|", 3, "ag_parse: a comma stands between the arguments of a function or in [ ] only");
}
END_TEST

START_TEST(signs_that_keyboards_lack)
{
    expect_parse("x·y", ag_mul(x, y));
    expect_parse("x ⋅ y", ag_mul(x, y));
    expect_parse("x×y", ag_mul(x, y));
    expect_parse("x÷y", ag_div(x, y));
    expect_parse("x − y", ag_sub(x, y));
    expect_parse("−x²", ag_neg(ag_pow(x, n(2))));
    expect_parse("x ≤ y", ag_less_equal(x, y));
    expect_parse("x≥y", ag_greater_equal(x, y));
    expect_parse("x ≠ y", ag_sub(n(1), ag_equal(x, y)));
    expect_parse("2π θ", ag_mul(ag_mul(n(2), n(3.14159265358979323846)), theta));
    expect_parse("x²", ag_pow(x, n(2)));
    expect_parse("x⁻¹", ag_pow(x, n(-1)));
    expect_parse("x²³", ag_pow(x, n(23)));
    expect_parse("2x²y", ag_mul(ag_mul(n(2), ag_pow(x, n(2))), y));
    expect_parse("2^x²", ag_pow(n(2), ag_pow(x, n(2))));
    expect_parse("(x + y)²", ag_pow(ag_add(x, y), n(2)));
    expect_parse("3²", ag_pow(n(3), n(2)));
    expect_parse("v₁ + θ", ag_add(v, theta));
    expect_parse("Aᵀ", ag_transpose(A, NULL));
    expect_parse("A Aᵀ[0, 1]", ag_mul(A, ag_index(ag_index(ag_transpose(A, NULL), 0, 0), 0, 1)));
    expect_parse("x\xc2\xa0+\xc2\xa0y", ag_add(x, y));
    expect_parse("sin 30°", ag_sin(n(30 * (3.14159265358979323846 / 180))));
    expect_parse("θ°", ag_mul(theta, n(3.14159265358979323846 / 180)));
    expect_parse("5! / 0!", ag_div(n(120), n(1)));
    expect_parse("x != y", ag_sub(n(1), ag_equal(x, y)));
    expect_parse("∛x", ag_parse(g, "cbrt(x)"));
    ck_assert(ag_value(ag_parse(g, "∛(-8)")) == -2);
    expect_message("x!", 2, "ag_parse: ! is of a whole number from 0 to 170; of others exp(lgamma(x + 1))");
    expect_message("171!", 4, "ag_parse: ! is of a whole number from 0 to 170; of others exp(lgamma(x + 1))");
    expect_message("x % y", 3, "ag_parse: an operator is expected; the remainder is fmod(a, b)");
    ag_node *accented = ag_input(g, "é", AG_F64, AG_SCALAR), *cyrillic = ag_input(g, "ж_2", AG_F64, AG_SCALAR);
    expect_parse("2é + ж_2", ag_add(ag_mul(n(2), accented), cyrillic));
    expect_message("x⁻ + 1", 2, "ag_parse: digits are missing behind the raised minus");
    expect_message("θ × ? + y", 5, "ag_parse: a value is expected, not '?'");
    expect_message("θ² + ∞", 6, "ag_parse: a value is expected, not '∞'");
}
END_TEST

/* A byte that is no character is one place, shown as a question mark. */
START_TEST(text_that_is_no_utf_8)
{
    static const char *const wrong[] = { "\xff", "\xc3", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char formula[32];
        snprintf(formula, sizeof formula, "θ + %s", wrong[i]);
        ck_assert(ag_is_bad(ag_parse(g, formula)));
        expect_error(g, AG_EARG, "a value is expected (column 5)\n    θ + ?", "\n        ^");
    }
}
END_TEST

/* ---- vectors ------------------------------------------------------------------------------------------------- */

START_TEST(lists)
{
    expect_parse("[1, 2, 3]", vector(3, (double[]){ 1, 2, 3 }));
    expect_parse("[-1, 1/2]", vector(2, (double[]){ -1, 0.5 }));
    expect_parse("[x, 1, sin y]", ag_stack(3, (ag_node *[]){ x, n(1), ag_sin(y) }, 0));
    ag_node *rows[] = { ag_stack(2, (ag_node *[]){ x, y }, 0), vector(2, (double[]){ 1, 2 }) };
    expect_parse("[[x, y], [1, 2]]", ag_stack(2, rows, 0));
    expect_parse("[[x, y], [1, 2]] @ [3, 4]", ag_dot(ag_stack(2, rows, 0), vector(2, (double[]){ 3, 4 })));
    expect_parse("[v₁, v₁]", ag_stack(2, (ag_node *[]){ v, v }, 0));
    ag_node *mixed = ag_parse(g, "[1, single, 2]");
    expect_well(g);
    ck_assert_int_eq(ag_type_of(mixed), AG_F32);
    ag_node *matrix = ag_parse(g, "[[1, 2, 3], [4, 5, 6]]");
    expect_shape(matrix, AG_SHAPE(2, 3));
    ck_assert(ag_value(ag_parse(g, "[[1, 2, 3], [4, 5, 6]][1, 2]")) == 6);
    expect_message("[]", 2, "ag_parse: a value is expected, not ']'");
    expect_message("[1, 2", 1, "ag_parse: the bracket is never closed");
    expect_message("[1, (2]", 5, "ag_parse: its ) is missing before a ]");
    expect_message("(x]", 1, "ag_parse: its ) is missing before a ]");
    expect_message("x]", 2, "ag_parse: no [ belongs to this ]");
    ck_assert(ag_is_bad(ag_parse(g, "1 + [v₁, x]")));
    expect_error(g, AG_ESHAPE, "concat", "(column 5)\n    1 + [v₁, x]\n        ^");
}
END_TEST

/* Beside each other, with a dot or with raised signs, matrices and vectors are what they are in mathematics. */
START_TEST(products_of_matrices)
{
    ag_node *square = ag_input(g, "S", AG_F64, AG_SHAPE(3, 3));
    expect_parse("A v₁", ag_dot(A, v));
    expect_parse("A·v₁", ag_dot(A, v));
    expect_parse("v₁ ⋅ v₁", ag_dot(v, v));
    expect_parse("v₁ᵀ S v₁", ag_dot(ag_dot(ag_transpose(v, NULL), square), v));
    expect_parse("2A", ag_mul(n(2), A));
    expect_parse("x A·v₁", ag_dot(ag_mul(x, A), v));
    expect_parse("A * A", ag_mul(A, A));
    expect_parse("S⁻¹", ag_inverse(square));
    expect_parse("v₁²", ag_pow(v, n(2)));
    expect_parse("x × v₁", ag_mul(x, v));
    expect_message("S²", 2, "ag_parse: a matrix has no raised power: ^2 is of its elements, A·A the product");
    expect_message("v₁ × v₁", 4, "ag_parse: × has a number beside it; of vectors * multiplies elements, · is @");
}
END_TEST

START_TEST(elements_and_parts)
{
    expect_parse("v₁[0]", ag_index(v, 0, 0));
    expect_parse("v₁[-1]", ag_index(v, 0, -1));
    expect_parse("2v₁[1]²", ag_mul(n(2), ag_pow(ag_index(v, 0, 1), n(2))));
    expect_parse("sin v₁[1]", ag_sin(ag_index(v, 0, 1)));
    expect_parse("A[1]", ag_index(A, 0, 1));
    expect_parse("A[1, 2]", ag_index(ag_index(A, 0, 1), 0, 2));
    expect_parse("A[1][2]", ag_index(ag_index(A, 0, 1), 0, 2));
    expect_parse("A[:, 1]", ag_index(A, 1, 1));
    expect_parse("A[0:1]", ag_slice(A, 0, 0, 1, 1));
    expect_parse("A[:, 1:]", ag_slice(A, 1, 1, AG_END, 1));
    expect_parse("A[ : , : -1 ]", ag_slice(A, 1, 0, -1, 1));
    expect_parse("v₁[::2]", ag_slice(v, 0, 0, AG_END, 2));
    ck_assert(ag_value(ag_parse(g, "[1, 2, 3][::-1] @ [1, 10, 100]")) == 123);
    expect_parse("v₁[2:0:-1]", ag_slice(v, 0, 2, 0, -1));
    expect_parse("(v₁ + 1)[4 - 2]", ag_index(ag_add(v, n(1)), 0, 2));
    expect_parse("v₁[labels]", ag_gather(v, 0, labels));
    expect_parse("A[:, labels]", ag_gather(A, 1, labels));
    expect_parse("[x, y][1]", ag_index(ag_stack(2, (ag_node *[]){ x, y }, 0), 0, 1));
    expect_message("v₁[x]", 3, "ag_parse: an index is a whole number, i64 values, or a part such as 1:3");
    expect_message("v₁[0.5]", 3, "ag_parse: an index is a whole number, i64 values, or a part such as 1:3");
    expect_message("v₁[0, 1]", 3, "ag_parse: 2 indices of a value of rank 1");
    expect_message("v₁[0:1+1]", 7, "ag_parse: whole numbers with : between them end with , or ]");
    expect_message("v₁[sum(0:1)]", 9, "ag_parse: an operator is expected");
    ck_assert(ag_is_bad(ag_parse(g, "θ + v₁[3]")));
    expect_error(g, AG_ESHAPE, "no position 3", "(column 7)\n    θ + v₁[3]\n          ^");
}
END_TEST

/* ---- several formulas ---------------------------------------------------------------------------------------- */

START_TEST(formulas_by_name)
{
    ag_formula all[4] = { { 0 } };
    const char *text = "r = x² + y²; 2r ;g=exp(-r)\n;";
    ag_node *r = ag_add(ag_pow(x, n(2)), ag_pow(y, n(2)));
    ck_assert_int_eq(ag_parse_all(g, text, 4, all), 3);
    expect_well(g);
    ck_assert_ptr_eq(all[0].value, r);
    ck_assert_ptr_eq(all[1].value, ag_mul(n(2), r));
    ck_assert_ptr_eq(all[2].value, ag_exp(ag_neg(r)));
    ck_assert_ptr_eq(ag_find(g, "r"), r);
    ck_assert_str_eq(ag_name(all[2].value, NULL), "g");
    static const char *const names[] = { "r", "", "g" }, *const texts[] = { "x² + y²", "2r", "exp(-r)" };
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(all[i].name_length, strlen(names[i]));
        ck_assert(strncmp(all[i].name, names[i], strlen(names[i])) == 0);
        ck_assert_int_eq(all[i].text_length, strlen(texts[i]));
        ck_assert(strncmp(all[i].text, texts[i], strlen(texts[i])) == 0);
    }
    ck_assert_ptr_null(all[3].value);
    ck_assert_int_eq(ag_parse_all(g, text, 0, NULL), 3);
    expect_parse("k = 1; sum(A, k)", ag_sum_axis(A, 1, 0)); /* a number's name is the number */
    expect_parse("t = x; t y", ag_mul(x, y));
    ck_assert_str_eq(ag_name(x, NULL), "x");
    expect_parse("h(x) = x²; h(x) + h", ag_add(ag_pow(x, n(2)), ag_pow(x, n(2))));
    expect_parse("h ( x, y ) = x y; 2h ( x, y )", ag_mul(n(2), ag_mul(x, y)));
    expect_parse("λ = 2θ; λ²", ag_pow(ag_mul(n(2), theta), n(2)));
}
END_TEST

START_TEST(formulas_that_fail)
{
    ag_formula all[2];
    expect_message("x = 3", 3, "ag_parse: 'x' has a value already; equality is ==");
    expect_message("u = 3; u = 4", 10, "ag_parse: 'u' has a value already; equality is ==");
    expect_message("sum = 3", 1, "ag_parse: 'sum' is a function, and names no formula");
    expect_message("u/v = 3", 1, "ag_parse: the name of a formula has no / and at most 255 bytes");
    expect_message("u = x;; y", 7, "ag_parse: a value is expected, not ';'");
    expect_message("(x; y)", 1, "ag_parse: the parenthesis is never closed");
    expect_message("u = ", 5, "ag_parse: the formula ends where a value is expected");
    expect_message("θ = 2; θθ = θ + q", 3, "ag_parse: 'θ' has a value already; equality is ==");
    expect_message("h(x) = x²; h(y)", 12, "ag_parse: 'h' is known where it was written, at (x)");
    expect_message("h(x) = x²; h(x + 1)", 12, "ag_parse: 'h' is known where it was written, at (x)");
    expect_message("h = x²; h(x)", 9, "ag_parse: 'h' is a value, not a function: a factor has a *");
    expect_message("k(q) = 3", 1, "ag_parse: unknown function 'k'");
    expect_message("φ = 2; u = φ + q", 16, "ag_parse: unknown name 'q'");
    ck_assert_int_eq(ag_parse_all(g, "x; (", 2, all), 0);
    expect_error(g, AG_EARG, "ends where a value");
    ck_assert_int_eq(ag_parse_all(g, "x", 2, NULL), 0);
    expect_error(g, AG_EARG, "NULL");
    ck_assert_int_eq(ag_parse_all(NULL, "x", 2, all), 0);
    char many[2000] = "";
    for (int i = 0; i < 257; i++) strcat(many, "x;");
    ck_assert_int_eq(ag_parse_all(g, many, 0, NULL), 0);
    expect_error(g, AG_EARG, "more than 256 formulas");
    many[2 * 256] = 0;
    ck_assert_int_eq(ag_parse_all(g, many, 0, NULL), 256);
    expect_well(g);
}
END_TEST

/* Each begins with the name of a function, and those that users look for are there, once. */
START_TEST(functions_are_listed)
{
    static const char *const wanted[] = { "sin(x)", "ln(x)", "max(x[, y])", "sum(x[, axis, keepdims])",
                                          "slice(x, axis, start[, stop, step])", "batch_norm(x, gain, bias)",
                                          "batch_norm(x, mean, variance, gain, bias)", "arange(n[, type])" };
    int found[COUNT(wanted)] = { 0 }, k = 0;
    char text[64], call[96];
    for (; ag_parse_function(k, sizeof text, text); k++) {
        snprintf(call, sizeof call, "%.*s(f32, f32, f32, f32, f32, f32, f32)", (int)strcspn(text, "("), text);
        ag_parse(g, call);
        ck_assert_msg(!strstr(ag_graph_error(g), "unknown"), "%s", text);
        ag_graph_clear(g);
        for (size_t i = 0; i < COUNT(wanted); i++) found[i] += strcmp(text, wanted[i]) == 0;
        ck_assert_str_ne(text, "sum(x)"); /* which is the beginning of a longer form */
    }
    ck_assert_int_gt(k, 100);
    for (size_t i = 0; i < COUNT(wanted); i++) ck_assert_msg(found[i] == 1, "%s: %d", wanted[i], found[i]);
    ck_assert_int_eq(ag_parse_function(0, 3, text), 1);
    ck_assert_int_eq(strlen(text), 2);
}
END_TEST

/* Any text is a formula or an error that points at its place: pieces of formulas in random order. */
START_TEST(any_text_is_survived)
{
    static const char *const piece[] = { "x", "θ", "v₁", "A", "[", "]", "(", ")", "|", "²", "⁻", "ᵀ", "√",
                                         "sin", "sin²", " ", ":", ",", ";", "u = ", "2", "-", "*", "·", "/", "^",
                                         "0", "π", "max(", "\xe2" };
    uint64_t seed = 9;
    int good = 0;
    for (int i = 0; i < 30000; i++) {
        char formula[256] = "";
        for (int k = (int)test_random(&seed, 1, 12); k--;)
            strcat(formula, piece[(int)test_random(&seed, 0, COUNT(piece))]);
        ag_node *z = ag_parse(g, formula);
        ck_assert_ptr_nonnull(z);
        ck_assert_msg(ag_is_bad(z) == (ag_graph_status(g) != AG_OK), "'%s'", formula);
        if (ag_is_bad(z)) ck_assert_msg(strchr(ag_graph_error(g), '^') != NULL, "'%s': %s", formula, ag_graph_error(g));
        else good++;
        ag_graph_clear(g);
    }
    ck_assert_int_gt(good, 500);
}
END_TEST

Suite *suite_formulas(void)
{
    Suite *s = suite_create("formulas");
    TCase *t = tcase_create("formulas");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, factors_beside_each_other);
    tcase_add_test(t, what_people_disagree_about_is_refused);
    tcase_add_test(t, names_that_stand_too_close);
    tcase_add_test(t, functions_without_parentheses);
    tcase_add_test(t, leaves_come_before_functions_without_parentheses);
    tcase_add_test(t, more_functions);
    tcase_add_test(t, bars_and_roots);
    tcase_add_test(t, signs_that_keyboards_lack);
    tcase_add_test(t, text_that_is_no_utf_8);
    tcase_add_test(t, lists);
    tcase_add_test(t, products_of_matrices);
    tcase_add_test(t, elements_and_parts);
    tcase_add_test(t, formulas_by_name);
    tcase_add_test(t, formulas_that_fail);
    tcase_add_test(t, functions_are_listed);
    tcase_add_test(t, any_text_is_survived);
    suite_add_tcase(s, t);
    return s;
}
