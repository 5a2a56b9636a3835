/* What build/derive draws, in the terminal and as SVG, and writes as C. */
#include "derive.h"

/* The files compile, and compute values and derivatives of the variables, which are inputs, by name: a value that an
 * input has, and one that two outputs have, too. */
START_TEST(c)
{
    static const char one[] =
        "#include \"f.h\"\n#include <stdio.h>\n"
        "int main(void) { double y, a, b[4], c[2], work[f_WORKSPACE / 8 + 1];"
        " double w[] = { 1, 2, 3, 4 }, x[] = { 0.5, -1 }, three = 3;"
        " struct f_inputs i = { .input_w = w, .input_x = x, .input_y = &three };"
        " struct f_outputs o = { .output_value = &y, .output_d_dw = b, .output_d_dx = c, .output_d_dy = &a };"
        " if (f(&i, &o, work)) return 1;"
        " printf(\"%.10g %.10g %.10g %.10g\\n\", y, b[3], c[0], a); }";
    static const char several[] =
        "#include \"g.h\"\n#include <stdio.h>\n"
        "int main(void) { double t, ta, tb, s, sa, sb, v[2], va[2], vb[2], l, la, lb, a = 5, b = 7;"
        " double work[g_WORKSPACE / 8 + 1]; struct g_inputs i = { &a, &b };"
        " struct g_outputs o = { .output_Theta1 = &t, .output_dTheta1_dalpha = &ta, .output_dTheta1_dbeta = &tb,"
        " .output_s = &s, .output_ds_dalpha = &sa, .output_ds_dbeta = &sb, .output_v = v, .output_dv_dalpha = va,"
        " .output_dv_dbeta = vb, .output_value4 = &l, .output_dvalue4_dalpha = &la, .output_dvalue4_dbeta = &lb };"
        " if (g(&i, &o, work)) return 1;"
        " printf(\"%g %g %g %g %g %g \", t, ta, tb, s, sa, sb);"
        " printf(\"%g %g %g %g %g %g %g %g %g\\n\", v[0], v[1], va[0], va[1], vb[0], vb[1], l, la, lb); }";
    derive_write("one.c", one, sizeof one - 1);
    derive_write("several.c", several, sizeof several - 1);
    ck_assert_int_eq(derive("'mean((x @ w)^2) * y' 'w=[[1,2],[3,4]]' x=[0.5,-1] y=3 --c \"$D/f\" &&"
                            " cc \"$D/one.c\" \"$D/f.c\" -o \"$D/f\" -lm && \"$D/f\""), 0);
    ck_assert_msg(strstr(derive_output, "22.875 9 -25.5 7.625\n") != NULL, "%s", derive_output);
    ck_assert_int_eq(derive("'Θ₁ = α β; s = α + β; v = [α, s]; α' α=2 β=3 --c \"$D/g\" &&"
                            " cc \"$D/several.c\" \"$D/g.c\" -o \"$D/g\" -lm && \"$D/g\""), 0);
    ck_assert_msg(strstr(derive_output, "35 7 5 12 1 1 5 12 1 1 0 1 5 1 0\n") != NULL, "%s", derive_output);
    expect_refusal("x x=1 --c 'no name'", "identifier");
    expect_refusal("x x=1 --c \"$D/no/f\"", "No such file");
}
END_TEST

/* ---- drawings ---------------------------------------------------------------------------------------------------- */

/* A straight line in stars, its derivative below it; in Braille where the terminal has UTF-8. */
START_TEST(terminal)
{
    ck_assert_int_eq(derive("'f = 2x' x=0:6 >/dev/null; LC_ALL=C '" TEST_BUILD "/derive' 'f = 2x' x=0:6"), 0);
    int rows = 0, last = 1000;
    char *line = strtok(derive_output, "\n");
    ck_assert_str_eq(line, "f");
    for (; (line = strtok(NULL, "\n")) && strchr(line, '|'); rows++) {
        char *star = strchr(line, '*');
        ck_assert_msg(star && star - line < last, "%s", line);
        last = (int)(star - line);
    }
    ck_assert_int_eq(rows, 12);
    ck_assert_int_eq(last, 10);
    ck_assert_ptr_nonnull(strtok(NULL, "")); /* after the line with the range */
    ck_assert_int_eq(derive("1 >/dev/null; LC_ALL=C '" TEST_BUILD "/derive' 'f = 2x' x=-2:6"), 0);
    ck_assert_ptr_nonnull(strstr(derive_output, "\ndf/dx\n"));
    ck_assert_ptr_nonnull(strstr(derive_output, "-2                                                             6\n"));
    ck_assert_int_eq(derive("1 >/dev/null; LC_ALL=C.UTF-8 '" TEST_BUILD "/derive' '|x|' x=1 --plot"), 0);
    ck_assert_ptr_nonnull(strstr(derive_output, "|x| = 1\nd/dx = 1\n|x|\n"));
    ck_assert_ptr_nonnull(strstr(derive_output, "⠤"));
    ck_assert_ptr_nonnull(strstr(derive_output, "-4                                                             6\n"));
    expect_refusal("'x y' x=0:1 y=0:1", "x and y are ranges; one may be");
    expect_refusal("'x y' x=1 y=2 --plot", "give one a range, as in x=-5:5");
    expect_refusal("x x=2:1", "a range goes from less to more");
    expect_refusal("'[x, 1]' x=0:1", "only real formulas of rank 0 are drawn");
    expect_refusal("x x=0:1 --check", "x is a range, which is drawn");
    expect_refusal("1 --plot", "there is no variable to draw over");
}
END_TEST

/* Where the path of curve k begins and ends; how many pieces it has. */
static int read_path(const char *text, int k, double from[2], double to[2])
{
    int pieces = 0;
    const char *at = text, *end, *last = NULL;
    for (; k >= 0; k--) {
        at = strstr(at, "stroke-linejoin=\"round\" d=\"");
        ck_assert_ptr_nonnull(at);
        at += strlen("stroke-linejoin=\"round\" d=\"");
    }
    ck_assert_int_eq(sscanf(at, "M%lf %lf", &from[0], &from[1]), 2);
    for (end = at; *end != '"'; end++) {
        pieces += *end == 'M';
        if (*end == 'M' || *end == 'L') last = end + 1;
    }
    ck_assert_int_eq(sscanf(last, "%lf %lf", &to[0], &to[1]), 2);
    return pieces;
}

START_TEST(svg)
{
    double from[2], to[2];
    ck_assert_int_eq(derive("'4x < 3' x=1:3 --svg \"$D/p.svg\" && cat \"$D/p.svg\""), 0);
    ck_assert_ptr_nonnull(strstr(derive_output, "p.svg shows 4x < 3, d/dx\n"));
    ck_assert_ptr_nonnull(strstr(derive_output, ">4x &lt; 3</text>"));
    ck_assert_ptr_nonnull(strstr(derive_output, ">2.5</text>"));
    ck_assert_int_eq(derive("'2x' x=1:3 --svg \"$D/p.svg\" && cat \"$D/p.svg\""), 0);
    ck_assert_int_eq(read_path(derive_output, 1, from, to), 1); /* derivatives are drawn first, below */
    expect_close(from[0], 70, 0.001);  /* at the left edge, */
    expect_close(to[0], 700, 0.001);   /* the right one; */
    double height = 440 - 20 - 46, room = height * 0.05 / 1.1; /* a twentieth of the range is left free */
    expect_close(to[1], 20 + room, 0.01);
    expect_close(from[1], 20 + height - room, 0.01);
    ck_assert_ptr_nonnull(strstr(derive_output, "<rect x=\"78\" y=\"28\"")); /* the names, where no curve is */
    ck_assert_int_eq(read_path(derive_output, 0, from, to), 1);
    expect_close(to[1], 20 + height - room, 0.01); /* 2, the least that is shown */
    ck_assert_int_eq(derive("'1/(x - 0.0003)' x=-1:1 --svg \"$D/p.svg\" && cat \"$D/p.svg\""), 0);
    ck_assert_int_eq(read_path(derive_output, 1, from, to), 2); /* not joined at the pole */
    ck_assert_int_eq(derive("'√x' x=-1:1 --svg \"$D/p.svg\" && cat \"$D/p.svg\""), 0);
    ck_assert_int_eq(read_path(derive_output, 1, from, to), 1); /* where there is no value there is no line */
    expect_close(from[0], 385, 0.001);
    expect_refusal("x x=0:1 --svg \"$D/no/p.svg\"", "No such file");
}
END_TEST

Suite *suite_drawings(void)
{
    Suite *s = suite_create("drawings");
    TCase *t = tcase_create("drawings");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, c);
    tcase_add_test(t, terminal);
    tcase_add_test(t, svg);
    suite_add_tcase(s, t);
    return s;
}
