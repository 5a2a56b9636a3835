/* The public headers are silent under every compiler at hand, in C and in C++, and mean the same in both. */
#include "folder.h"

#define STRICT " -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Werror -I. "

static const char program[] =
    "#include \"autograd/autograd.h\"\n"
    "#include \"autograd/train/train.h\"\n"
    "int main(void)\n"
    "{\n"
    "    int n = 3;\n"
    "    double value[6] = { 1, 2, 3, 4, 5, 6 }, two = 2;\n"
    "    ag_graph *g = ag_graph_new(NULL);\n"
    "    ag_node *x = ag_input(g, \"x\", AG_F64, AG_SHAPE(2, n)), *s = ag_input(g, \"s\", AG_F64, AG_SCALAR);\n"
    "    ag_node *y = ag_sum(ag_mul(x, ag_slice(ag_reshape(s, AG_SHAPE(1)), 0, 0, AG_END, 1))), *out[2];\n"
    "    out[0] = y;\n"
    "    if (ag_gradient(y, 1, &s, &out[1])) return 1;\n"
    "    ag_plan *p = ag_compile(g, 2, out, NULL);\n"
    "    ag_run *r = ag_run_new(p);\n"
    "    if (ag_feed(r, x, value) || ag_feed(r, s, &two) || ag_eval(r)) return 2;\n"
    "    int wrong = ag_shape_of(x).rank != 2 || ag_shape_of(x).dim[1] != 3 || ag_shape_of(s).rank != 0;\n"
    "    wrong |= ag_item(r, y) != 42 || ag_item(r, out[1]) != 21;\n"
    "    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);\n"
    "    return wrong;\n"
    "}\n";

/* The header inside a block of the user's, and what an operation of one's own needs. */
static const char operation[] =
    "#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#include \"autograd/autograd.h\"\n"
    "}\n"
    "#endif\n"
    "#include \"autograd/node.h\"\n" /* not pedantic: in C++ a node's last member is an extension */
    "ag_node *twice(const ag_op *, ag_node *);\n"
    "ag_node *twice(const ag_op *op, ag_node *x) { return ag_is_bad(x) ? x : ag_unary(op, ag_unary(op, x)); }\n";

/* Those of the rooms that are composed of public names. */
static const char rooms[] = "#include \"autograd/networks/networks.h\"\n#include \"autograd/fit/fit.h\"\n";

static int run(const char *format, const char *compiler, const char *file)
{
    char command[1024];
    snprintf(command, sizeof command, format, compiler, folder, file, folder, file);
    return system(command) == 0;
}

START_TEST(silent_and_the_same)
{
    static const char *const compiler[] = { "gcc -x c -std=c99",     "gcc -x c -std=c11",       "clang -x c -std=c99",
                                            "clang -x c -std=c11",   "g++ -x c++ -std=c++11",   "g++ -x c++ -std=c++20",
                                            "clang++ -x c++ -std=c++11", "clang++ -x c++ -std=c++20" };
    static const char *const file[] = { "program", "operation", "rooms" };
    int found = 0;
    write_file("program", program);
    write_file("operation", operation);
    write_file("rooms", rooms);
    for (size_t k = 0; k < COUNT(compiler); k++) {
        if (!run("echo 'int i;' | %s -c - -o %s/%s.o 2>/dev/null", compiler[k], "")) continue;
        for (size_t i = 0; i < COUNT(file); i++)
            ck_assert_msg(run(i ? "%s" STRICT "-c %s/%s -o %s/%s.o" : "%s -Wpedantic" STRICT "-c %s/%s -o %s/%s.o",
                              compiler[k], file[i]),
                          "%s", compiler[k]);
        ck_assert(run("%.0s" TEST_CC " %s/%s.o " TEST_BUILD "/libautograd.a " TEST_LIBS " -o %s/%s.out", "",
                      "program"));
        ck_assert(run("%.0s%s/%s.out", "", "program"));
        found++;
    }
    ck_assert_int_gt(found, 0);
}
END_TEST

/* To be read in one go. */
START_TEST(short_enough)
{
    int lines = 0;
    FILE *f = fopen("autograd/autograd.h", "r");
    ck_assert_msg(f != NULL, "no autograd/autograd.h here: run from the top of the source tree");
    for (int c; (c = getc(f)) != EOF;) lines += c == '\n';
    fclose(f);
    ck_assert_int_le(lines, 400);
}
END_TEST

START_TEST(versions_agree)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", AG_VERSION_MAJOR, AG_VERSION_MINOR, AG_VERSION_PATCH);
    ck_assert_str_eq(text, AG_VERSION);
    ck_assert_str_eq(text, ag_version());
}
END_TEST

Suite *suite_header(void)
{
    Suite *s = suite_create("header");
    TCase *t = tcase_create("header");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, versions_agree);
    tcase_add_test(t, silent_and_the_same);
    tcase_add_test(t, short_enough);
    suite_add_tcase(s, t);
    return s;
}
