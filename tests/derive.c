/* build/derive, the command-line tool: what it prints, against values worked out by hand. */
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

static char directory[64], output[1 << 16];

static void begin(void)
{
    strcpy(directory, "/tmp/autograd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

/* The exit status; `output` holds what was printed, errors included. Arguments are in the shell's quotes, $D is the
 * test's directory. */
static int derive(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "D='%s'; '%s/derive' %s 2>&1", directory, TEST_BUILD, arguments);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(output, 1, sizeof output - 1, f);
    output[n] = 0;
    int status = pclose(f);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_output(const char *arguments, const char *want)
{
    ck_assert_msg(derive(arguments) == 0, "derive %s: %s", arguments, output);
    ck_assert_str_eq(output, want);
}

static void expect_refusal(const char *arguments, const char *part)
{
    ck_assert_msg(derive(arguments) == 1, "derive %s: %s", arguments, output);
    const char *error = strstr(output, "derive: ");
    ck_assert_msg(error && strstr(error, part), "'%s' is not in '%s'", part, output);
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* The number after `label = `. */
static double number_after(const char *label)
{
    char line[80];
    snprintf(line, sizeof line, "%s = ", label);
    const char *at = strstr(output, line);
    ck_assert_msg(at != NULL, "'%s' is not in '%s'", line, output);
    return strtod(at + strlen(line), NULL);
}

/* ---- value, gradient, Hessian, check ----------------------------------------------------------------------------- */

START_TEST(value_and_gradient)
{
    ck_assert_int_eq(derive("'x^2*sin(y)' x=1.5 y=0.3"), 0);
    expect_close(number_after("x^2*sin(y)"), 1.5 * 1.5 * sin(0.3), 1e-15);
    expect_close(number_after("d/dx"), 2 * 1.5 * sin(0.3), 1e-15);
    expect_close(number_after("d/dy"), 1.5 * 1.5 * cos(0.3), 1e-15);
    expect_output("'3*x' x=2", "3*x = 6\nd/dx = 3\n");
    expect_output("1+2*3", "1+2*3 = 7\n");
    expect_output("-x^2 x=3", "-x^2 = -9\nd/dx = -6\n");
    expect_output("'x*y' x=2 y=-0.1 --wrt y", "x*y = -0.2\nd/dy = 2\n");
    expect_output("'x*y' --wrt=y,x x=2 y=5", "x*y = 10\nd/dy = 2\nd/dx = 5\n");
    expect_output("'cos(x)' x=pi/2-pi/2", "cos(x) = 1\nd/dx = -0\n");
    expect_output("'2*x' x=3 unused=1", "2*x = 6\nd/dx = 2\nd/dunused = 0\n");
    expect_output("'sqrt(x)' x=-1", "sqrt(x) = nan\nd/dx = nan\n");
}
END_TEST

#define NO_GRADIENT "(a gradient needs a formula of rank 0: sum(...) or mean(...) of this one has one)\n"

START_TEST(vectors_and_matrices)
{
    expect_output("'sum(w @ x)' 'w=[[1,2],[3,4]]' 'x=[ 1 , -1 ]'", "sum(w @ x) = -2\n"
                                                                    "d/dw = [[ 1, -1],\n"
                                                                    "        [ 1, -1]]\n"
                                                                    "d/dx = [4, 6]\n");
    expect_output("'x*2' x=[1,2]", "x*2 = [2, 4]\n" NO_GRADIENT);
    expect_output("'argmax(x,0)' x=[1,5,2]", "argmax(x,0) = 1\n(whole numbers have no gradient)\n");
    expect_output("'arange(600)'", "arange(600) = [0, 1, 2, ..., 597, 598, 599]\n");
}
END_TEST

START_TEST(hessian)
{
    expect_output("'x^2*y + y^3' x=3 y=2 --hessian", "x^2*y + y^3 = 26\n"
                                                     "d/dx = 12\n"
                                                     "d/dy = 21\n"
                                                     "Hessian for x, y\n"
                                                     "H = [[ 4,  6],\n"
                                                     "     [ 6, 12]]\n");
    expect_output("'sum(x^3)+x@x*c' x=[1,2] c=5 --hessian --wrt c,x", "sum(x^3)+x@x*c = 34\n"
                                                                     "d/dc = 5\n"
                                                                     "d/dx = [13, 32]\n"
                                                                     "Hessian for c, x[2]\n"
                                                                     "H = [[ 0,  2,  4],\n"
                                                                     "     [ 2, 16,  0],\n"
                                                                     "     [ 4,  0, 22]]\n");
}
END_TEST

START_TEST(check_compares_with_differences)
{
    ck_assert_int_eq(derive("'sum(tanh(w @ x)^2)' 'w=[[1,2],[3,4]]' x=[0.1,-0.2] --check"), 0);
    ck_assert_ptr_nonnull(strstr(output, "\nw[1,0] "));
    ck_assert_ptr_nonnull(strstr(output, "\nx[1] "));
    ck_assert_ptr_nonnull(strstr(output, "first and second derivatives agree"));
    /* At a kink the derivative and the differences disagree. */
    ck_assert_int_eq(derive("'relu(x)' x=0 --check"), 1);
    ck_assert_ptr_nonnull(strstr(output, "the check fails"));
}
END_TEST

START_TEST(dot)
{
    ck_assert_int_eq(derive("'x*sin(x)' x=2 --dot \"$D/graph.dot\" && cat \"$D/graph.dot\""), 0);
    ck_assert_ptr_nonnull(strstr(output, "digraph"));
    ck_assert_ptr_nonnull(strstr(output, "sin"));
    expect_refusal("x x=1 --dot \"$D/no/graph.dot\"", "No such file");
}
END_TEST

/* The files compile, and compute value and gradient. */
START_TEST(c)
{
    ck_assert_int_eq(derive("'mean((x @ w)^2) * y' 'w=[[1,2],[3,4]]' x=[0.5,-1] y=3 --c \"$D/f\" &&"
                            " printf '#include \"f.h\"\\n#include <stdio.h>\\nint main(void) { double y, a, b[4], c[2],"
                            " work[f_WORKSPACE / 8 + 1]; struct f_outputs o = { &y, b, c, &a };"
                            " f(&f_initial, &o, work);"
                            " printf(\"%%.10g %%.10g %%.10g %%.10g\\\\n\", y, b[3], c[0], a); }' > \"$D/main.c\" &&"
                            " cc \"$D/main.c\" \"$D/f.c\" -o \"$D/f\" -lm && \"$D/f\""), 0);
    ck_assert_msg(strstr(output, "22.875 9 -25.5 7.625\n") != NULL, "%s", output);
    expect_refusal("x x=1 --c 'no name'", "identifier");
    expect_refusal("x x=1 --c \"$D/no/f\"", "No such file");
}
END_TEST

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void write_npy(const char *name, int version, const char *header, const void *data, size_t bytes)
{
    char file[512] = "\x93NUMPY";
    size_t at = 6, length = strlen(header), fields = version > 1 ? 4 : 2;
    file[at++] = (char)version;
    file[at++] = 0;
    for (size_t i = 0; i < fields; i++) file[at++] = (char)(length >> 8 * i);
    memcpy(file + at, header, length);
    memcpy(file + at + length, data, bytes);
    write_file(name, file, at + length + bytes);
}

START_TEST(npy)
{
    const double d[6] = { 1, 2, 3, 4, 5, 6.5 };
    const float f[3] = { 0.5f, -1, 2 };
    const int64_t i[2] = { 2, 0 };
    write_npy("d.npy", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }         \n", d, sizeof d);
    write_npy("f.npy", 2, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", f, sizeof f);
    write_npy("i.npy", 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n", i, sizeof i);
    write_npy("s.npy", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", d, 8);
    expect_output("w w=@$D/d.npy", "w = [[  1,   2,   3],\n"
                                   "     [  4,   5, 6.5]]\n" NO_GRADIENT);
    expect_output("'sum(gather(x, 0, i))*s' x=@$D/f.npy i=@$D/i.npy s=@$D/s.npy",
                  "sum(gather(x, 0, i))*s = 2.5\nd/dx = [1, 0, 1]\nd/ds = 2.5\n");

    static const struct {
        const char *header, *error;
    } wrong[] = {
        { "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", "Fortran order" },
        { "{'descr': '>f8', 'fortran_order': False, 'shape': (2, 3), }", "'>f8'; '<f8', '<f4' and '<i8' can be read" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }", "do not agree" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }", "do not agree" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }", "no elements" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2, -3), }", "malformed" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2 3), }", "malformed" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': 6, }", "no tuple" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3", "malformed" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "too large" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,2,3), }", "more than 8 axes" },
        { "{'descr': '<f8', 'shape': (2, 3), }", "no 'fortran_order'" },
        { "", "no 'descr'" },
    };
    for (size_t k = 0; k < COUNT(wrong); k++) {
        write_npy("wrong.npy", 1, wrong[k].header, d, sizeof d);
        expect_refusal("x x=@$D/wrong.npy", wrong[k].error);
    }
    write_npy("wrong.npy", 9, "", d, 0);
    expect_refusal("x x=@$D/wrong.npy", "version 9");
    write_file("wrong.npy", "\x93NUMPY\1\0\x10\0", 10);
    expect_refusal("x x=@$D/wrong.npy", "cut off");
    write_file("wrong.npy", "PK", 2);
    expect_refusal("x x=@$D/wrong.npy", "no .npy file");
    expect_refusal("x x=@$D/none.npy", "No such file");
}
END_TEST

START_TEST(csv)
{
    static const char matrix[] = "# a comment\n1,2\r\n\n 3 , 4.5 \n", column[] = "1\n2\n3", row[] = "1;2;3;4\n";
    write_file("m.csv", matrix, sizeof matrix - 1);
    write_file("c.csv", column, sizeof column - 1);
    write_file("r.csv", row, sizeof row - 1);
    expect_output("'sum(w @ slice(x, 0, 0, 2)) + sum(y)' w=@$D/m.csv x=@$D/c.csv y=@$D/r.csv --wrt y",
                  "sum(w @ slice(x, 0, 0, 2)) + sum(y) = 27\nd/dy = [1, 1, 1, 1]\n");
    write_file("wrong.csv", "1,2\n3\n", 6);
    expect_refusal("x x=@$D/wrong.csv", "line 2: 1 numbers, before it 2");
    write_file("wrong.csv", "a,b\n", 4);
    expect_refusal("x x=@$D/wrong.csv", "line 1: a number is expected: a,b");
    write_file("wrong.csv", "1 2\n", 4);
    expect_refusal("x x=@$D/wrong.csv", "line 1: a comma is expected");
    write_file("wrong.csv", "1,2,\n", 5);
    expect_refusal("x x=@$D/wrong.csv", "line 1: a number is expected");
    write_file("wrong.csv", "\n", 1);
    expect_refusal("x x=@$D/wrong.csv", "holds no numbers");
    expect_refusal("x x=@$D", "ends in .npy or .csv");
}
END_TEST

/* ---- errors ------------------------------------------------------------------------------------------------------ */

START_TEST(errors)
{
    expect_refusal("'x*q' x=1", "unknown name 'q' (column 3)\n    x*q\n      ^\nGive every name a value");
    expect_refusal("'x @ y' x=[1,2] y=[1,2,3]", "(column 3)\n    x @ y\n      ^");
    expect_refusal("'log(' x=1", "ends where a value is expected");
    expect_refusal("'sum(inverse(x))' 'x=[[1,2],[2,4]]'", "singular");
    expect_refusal("x x=", "x: ");
    expect_refusal("x x=1..2", "x: ");
    expect_refusal("x 'x=arange(2)'", "a value of rank 0");
    expect_refusal("x x=[1,2", ", or ] is expected: the end");
    expect_refusal("x x=[", "a number or [ is expected: the end");
    expect_refusal("x x=[]", "a number or [ is expected: ]");
    expect_refusal("x 'x=[1 2]'", ", or ] is expected: 2]");
    expect_refusal("x 'x=[1,2]]'", "text after the list");
    expect_refusal("x 'x=[[1,2],[3]]'", "lists of 2 and of 1 elements");
    expect_refusal("x 'x=[1,[2]]'", "a list stands where a number is expected");
    expect_refusal("x 'x=[[1],2]'", "a number stands where a list is expected");
    expect_refusal("x 'x=[[[[[[[[[1]]]]]]]]]'", "more than 8 brackets");
    expect_refusal("x x=1 x=2", "x has two values");
    expect_refusal("x 3=4", "no NAME=VALUE");
    expect_refusal("x y", "no NAME=VALUE");
    expect_refusal("x x=1 --wrt y", "'y' has no value");
    expect_refusal("x x=1 --wrt x,x", "stands twice");
    expect_refusal("x x=1 --wrt", "--wrt needs a value");
    expect_refusal("x x=1 --foo", "unknown option --foo");
    expect_refusal("x x=[1,2] --hessian", "a gradient needs a formula of rank 0");
    expect_refusal("x x=[1,2] --check", "a gradient needs a formula of rank 0");
    ck_assert_int_eq(derive("--help"), 0);
    ck_assert(strncmp(output, "usage: derive", 13) == 0);
    ck_assert_int_eq(derive(""), 1);
    ck_assert(strncmp(output, "usage: derive", 13) == 0);
}
END_TEST

Suite *suite_derive(void)
{
    Suite *s = suite_create("derive");
    TCase *t = tcase_create("derive");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, value_and_gradient);
    tcase_add_test(t, vectors_and_matrices);
    tcase_add_test(t, hessian);
    tcase_add_test(t, check_compares_with_differences);
    tcase_add_test(t, dot);
    tcase_add_test(t, c);
    tcase_add_test(t, npy);
    tcase_add_test(t, csv);
    tcase_add_test(t, errors);
    suite_add_tcase(s, t);
    return s;
}
