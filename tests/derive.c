/* build/derive, the command-line tool: what it prints, against values worked out by hand. */
#include "derive.h"

#include <sys/wait.h>
#include <unistd.h>

char derive_output[1 << 16];

int derive(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "D='%s'; '%s/derive' %s 2>&1", folder, TEST_BUILD, arguments);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(derive_output, 1, sizeof derive_output - 1, f);
    derive_output[n] = 0;
    int status = pclose(f);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void expect_output(const char *arguments, const char *want)
{
    ck_assert_msg(derive(arguments) == 0, "derive %s: %s", arguments, derive_output);
    ck_assert_str_eq(derive_output, want);
}

void expect_refusal(const char *arguments, const char *part)
{
    ck_assert_msg(derive(arguments) == 1, "derive %s: %s", arguments, derive_output);
    const char *error = strstr(derive_output, "derive: ");
    ck_assert_msg(error && strstr(error, part), "'%s' is not in '%s'", part, derive_output);
}

void derive_write(const char *name, const void *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
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
    const char *at = strstr(derive_output, line);
    ck_assert_msg(at != NULL, "'%s' is not in '%s'", line, derive_output);
    return strtod(at + strlen(line), NULL);
}

/* ---- value, gradient, Hessian, check ----------------------------------------------------------------------------- */

START_TEST(value_and_gradient)
{
    ck_assert_int_eq(derive("'x^2*sin(y)' x=1.5 y=0.3"), 0);
    expect_close(number_after("x^2*sin(y)"), 1.5 * 1.5 * sin(0.3), 1e-14);
    expect_close(number_after("d/dx"), 2 * 1.5 * sin(0.3), 1e-14);
    expect_close(number_after("d/dy"), 1.5 * 1.5 * cos(0.3), 1e-14);
    expect_output("'3*x' x=2", "3*x = 6\nd/dx = 3\n");
    expect_output("1+2*3", "1+2*3 = 7\n");
    expect_output("-x^2 x=3", "-x^2 = -9\nd/dx = -6\n");
    expect_output("'x*y' x=2 y=-0.1 --wrt y", "x*y = -0.2\nd/dy = 2\n");
    expect_output("'x*y' --wrt=y,x x=2 y=5", "x*y = 10\nd/dy = 2\nd/dx = 5\n");
    expect_output("'cos(x)' x=pi/2-pi/2", "cos(x) = 1\nd/dx = -0\n");
    expect_output("'2*x' x=3 unused=1", "derive: unused is in no formula: it changes nothing\n"
                                        "2*x = 6\nd/dx = 2\nd/dunused = 0\n");
    expect_output("'2x + x2 α' x=3 x2=1 α=4", "2x + x2 α = 10\nd/dx = 2\nd/dx2 = 4\nd/dα = 1\n");
    expect_output("'3 sin² x' x=pi/2", "3 sin² x = 3\nd/dx = 3.67394039744206e-16\n");
    expect_output("'y = x³' 'x = 2'", "y = 8\ndy/dx = 12\n");
    expect_output("'f(x) = x³' x=2", "f = 8\ndf/dx = 12\n");
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
    expect_output("'argmax(x,0)' x=[1,5,2]", "argmax(x,0) = 1\n(whole numbers have no gradient)\n");
    expect_output("'Aᵀ A' 'A=[[1,2],[3,4]]'", "Aᵀ A = [[10, 14],\n"
                                             "        [14, 20]]\n" NO_GRADIENT);
    expect_output("'arange(600)'", "arange(600) = [0, 1, 2, ..., 597, 598, 599]\n");
}
END_TEST

START_TEST(jacobian)
{
    expect_output("'r = √(x² + y²); 2r' x=3 y=4", "r = 5\n"
                                                  "2r = 10\n"
                                                  "Jacobian of r, 2r for x, y\n"
                                                  "J = [[0.6, 0.8],\n"
                                                  "     [1.2, 1.6]]\n");
    ck_assert_int_eq(derive("'1/3' --digits 3 && '" TEST_BUILD "/derive' '1/3' --digits 17"), 0);
    ck_assert_str_eq(derive_output, "1/3 = 0.333\n1/3 = 0.33333333333333331\n");
    expect_output("'x*2' x=[1,2]", "x*2 = [2, 4]\n"
                                   "Jacobian for x[2]\n"
                                   "J = [[2, 0],\n"
                                   "     [0, 2]]\n");
    expect_output("'a = [x y, x, 3]; [x, x]; c = a[0] + v @ v' x=2 y=3 v=[1,5]",
                  "a = [6, 2, 3]\n"
                  "[x, x] = [2, 2]\n"
                  "c = 32\n"
                  "Jacobian of a[3], ([x, x])[2], c for x, y, v[2]\n"
                  "J = [[ 3,  2,  0,  0],\n"
                  "     [ 1,  0,  0,  0],\n"
                  "     [ 0,  0,  0,  0],\n"
                  "     [ 1,  0,  0,  0],\n"
                  "     [ 1,  0,  0,  0],\n"
                  "     [ 3,  2,  2, 10]]\n");
    expect_output("'f = x y; g = x' x=2 y=3 --wrt y", "f = 6\ng = 2\nJacobian of f, g for y\nJ = [[2],\n     [0]]\n");
    expect_output("'x = [1, 2]; x[1]'", "x = [1, 2]\nx[1] = 2\n");
}
END_TEST

START_TEST(hessian)
{
    expect_output("x^3 x=2 --hessian", "x^3 = 8\nd/dx = 12\nd2/dx2 = 12\n");
    expect_output("'f = x^3 y' x=2 y=5 --hessian --wrt x", "f = 40\ndf/dx = 60\nd2f/dx2 = 60\n");
    expect_output("'f = x^3; g = x y' x=2 y=5 --hessian", "f = 8\n"
                                                          "g = 10\n"
                                                          "Jacobian of f, g for x, y\n"
                                                          "J = [[12,  0],\n"
                                                          "     [ 5,  2]]\n"
                                                          "Hessian of f for x, y\n"
                                                          "H = [[12,  0],\n"
                                                          "     [ 0,  0]]\n"
                                                          "Hessian of g for x, y\n"
                                                          "H = [[0, 1],\n"
                                                          "     [1, 0]]\n");
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
    ck_assert_ptr_nonnull(strstr(derive_output, "\nw[1,0] "));
    ck_assert_ptr_nonnull(strstr(derive_output, "\nx[1] "));
    ck_assert_ptr_nonnull(strstr(derive_output, "first and second derivatives agree"));
    ck_assert_int_eq(derive("'f = x²; g = [x, 1]' x=3 --check"), 0);
    ck_assert_ptr_nonnull(strstr(derive_output, "\nf / x "));
    ck_assert_ptr_nonnull(strstr(derive_output, "\ng[1] / x "));
    ck_assert_ptr_nonnull(strstr(derive_output, "first and second derivatives agree"));
    /* At a kink the derivative and the differences disagree. */
    ck_assert_int_eq(derive("'relu(x)' x=0 --check"), 1);
    ck_assert_ptr_nonnull(strstr(derive_output, "the check fails"));
}
END_TEST

START_TEST(dot)
{
    ck_assert_int_eq(derive("'x*sin(x)' x=2 --dot \"$D/graph.dot\" && cat \"$D/graph.dot\""), 0);
    ck_assert_ptr_nonnull(strstr(derive_output, "digraph"));
    ck_assert_ptr_nonnull(strstr(derive_output, "sin"));
    expect_refusal("x x=1 --dot \"$D/no/graph.dot\"", "No such file");
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
    derive_write(name, file, at + length + bytes);
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
    derive_write("wrong.npy", "\x93NUMPY\1\0\x10\0", 10);
    expect_refusal("x x=@$D/wrong.npy", "cut off");
    derive_write("wrong.npy", "PK", 2);
    expect_refusal("x x=@$D/wrong.npy", "no .npy file");
    expect_refusal("x x=@$D/none.npy", "No such file");
}
END_TEST

START_TEST(csv)
{
    static const char matrix[] = "# a comment\n1,2\r\n\n 3 , 4.5 \n", column[] = "1\n2\n3", row[] = "1;2;3;4\n";
    derive_write("m.csv", matrix, sizeof matrix - 1);
    derive_write("c.csv", column, sizeof column - 1);
    derive_write("r.csv", row, sizeof row - 1);
    expect_output("'sum(w @ slice(x, 0, 0, 2)) + sum(y)' w=@$D/m.csv x=@$D/c.csv y=@$D/r.csv --wrt y",
                  "sum(w @ slice(x, 0, 0, 2)) + sum(y) = 27\nd/dy = [1, 1, 1, 1]\n");
    derive_write("wrong.csv", "1,2\n3\n", 6);
    expect_refusal("x x=@$D/wrong.csv", "line 2: 1 numbers, before it 2");
    derive_write("wrong.csv", "a,b\n", 4);
    expect_refusal("x x=@$D/wrong.csv", "line 1: a number is expected: a,b");
    derive_write("wrong.csv", "1 2\n", 4);
    expect_refusal("x x=@$D/wrong.csv", "line 1: a comma is expected");
    derive_write("wrong.csv", "1,2,\n", 5);
    expect_refusal("x x=@$D/wrong.csv", "line 1: a number is expected");
    derive_write("wrong.csv", "\n", 1);
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
    expect_refusal("x x=", "x: no value stands behind the =");
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
    expect_refusal("x x=1 --digits 18", "--digits: 1 to 17, not 18");
    expect_refusal("x x=[1,2] --hessian", "a gradient needs a formula of rank 0");
    expect_refusal("'x*2' 'x=[[1,2],[3,4]]' --check", "a gradient needs a formula of rank 0");
    expect_refusal("'α² + q' α=1", "unknown name 'q' (column 6)\n    α² + q\n         ^\n"
                                   "Give every name a value, as in: derive 'α² + q' q=1.5");
    expect_refusal("'αβ' α=1 β=2", "unknown name 'αβ', did you mean 'α β'? (column 1)\n    αβ\n    ^\n");
    ck_assert_int_eq(derive("--help"), 0);
    ck_assert(strncmp(derive_output, "usage: derive", 13) == 0);
    ck_assert_ptr_nonnull(strstr(derive_output, "  sin(x)  "));
    ck_assert_ptr_nonnull(strstr(derive_output, "slice(x, axis, start[, stop, step])"));
    ck_assert_int_eq(derive(""), 1);
    ck_assert(strncmp(derive_output, "usage: derive", 13) == 0);
}
END_TEST

Suite *suite_derive(void)
{
    Suite *s = suite_create("derive");
    TCase *t = tcase_create("derive");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, value_and_gradient);
    tcase_add_test(t, vectors_and_matrices);
    tcase_add_test(t, jacobian);
    tcase_add_test(t, hessian);
    tcase_add_test(t, check_compares_with_differences);
    tcase_add_test(t, dot);
    tcase_add_test(t, npy);
    tcase_add_test(t, csv);
    tcase_add_test(t, errors);
    suite_add_tcase(s, t);
    return s;
}
