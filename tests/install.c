/* What `make install` puts somewhere is used from there as by other programs: by pkg-config with the shared library and
 * with the static one, from C++, by CMake; only ag_* is seen of it; the manual has pages of them; `make uninstall`
 * leaves nothing. */
#include "folder.h"

#include <stdarg.h>

#define BODY                                                \
    "ag_graph *g = ag_graph_new(NULL);"                     \
    "ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(3), v);" \
    "if (strcmp(ag_version(), AG_VERSION)) return 1;"       \
    "double y = ag_value(ag_sum(ag_square(x)));" \
    "ag_graph_free(g);" \
    "return y == 14 ? 0 : 2;"
static const char angled[] = "#include <autograd/autograd.h>\n#include <string.h>\n"
                             "int main(void) { const double v[] = { 1, 2, 3 };" BODY "}\n";
static const char plain[] = "#include <autograd.h>\n#include <node.h>\n#include <fit/fit.h>\n#include <string.h>\n"
                            "int main(void) { ag_fit_free(NULL); const double v[] = { 1, 2, 3 };" BODY "}\n";
static const char cmake[] = "cmake_minimum_required(VERSION 3.10)\nproject(consumer C)\n"
                            "find_package(autograd 1.0 REQUIRED)\n"
                            "add_executable(one one.c)\ntarget_link_libraries(one autograd::autograd)\n"
                            "add_executable(two one.c)\ntarget_link_libraries(two autograd::static)\n";

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
    char command[2048];
    size_t n = (size_t)snprintf(command, sizeof command,
                                "exec 2>&1; cd %s; export PKG_CONFIG_PATH=$PWD/to/lib/pkgconfig "
                                "LD_LIBRARY_PATH=$PWD/to/lib; ", folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + n, sizeof command - n, format, args);
    va_end(args);
    return system(command);
}

static int there(const char *program)
{
    return run("command -v %s >/dev/null", program) == 0;
}

static void make(const char *target)
{
    char command[512];
    snprintf(command, sizeof command,
             "env -u MAKEFLAGS -u MAKELEVEL make -s -o " TEST_BUILD "/libautograd.a -o " TEST_BUILD "/libautograd.so "
             "BUILD=" TEST_BUILD " PREFIX=%s/to %s >/dev/null", folder, target);
    ck_assert_msg(system(command) == 0, "%s", command);
}

START_TEST(it_is_used_from_where_it_is_installed)
{
    if (strstr(TEST_CC, "sanitize")) return; /* not for others to link */
    make_folder();
    make("install");
    write_file("one.c", angled);
    write_file("two.c", plain);
    write_file("two.cc", plain);
    write_file("CMakeLists.txt", cmake);
    ck_assert_int_eq(run(TEST_CC " one.c $(pkg-config --cflags --libs autograd) -o a && ./a"), 0);
    ck_assert_int_eq(run(TEST_CC " two.c $(pkg-config --cflags autograd) to/lib/libautograd.a "
                         "$(pkg-config --static --libs autograd) -o b && ./b"), 0);
    ck_assert_int_ne(run("nm -D --defined-only to/lib/libautograd.so | grep -vq ' ag_'"), 0);
    ck_assert_int_eq(run("ldd a | grep -q 'libautograd.so.1 => '"), 0);
    if (there("c++")) ck_assert_int_eq(run("c++ two.cc $(pkg-config --cflags --libs autograd) -o c && ./c"), 0);
    if (there("cmake"))
        ck_assert_int_eq(run("cmake -DCMAKE_PREFIX_PATH=$PWD/to -B b2 . >/dev/null && cmake --build b2 >/dev/null && "
                             "b2/one && b2/two"), 0);
    ck_assert_int_eq(run("for page in to/share/man/man3/ag_*.3; do name=${page##*/}; nm -D to/lib/libautograd.so | "
                         "grep -q \" ${name%%.3}$\" || exit 1; done; grep -q 'e^x / sum of e^x' "
                         "to/share/man/man3/ag_softmax.3"), 0);
    if (there("mandoc")) ck_assert_int_eq(run("mandoc -T lint -W warning to/share/man/man3/*.3"), 0);
    make("uninstall");
    ck_assert_int_eq(run("test -z \"$(find to -type f -o -type l)\""), 0);
    remove_folder();
}
END_TEST

Suite *suite_install(void)
{
    Suite *s = suite_create("install");
    TCase *t = tcase_create("install");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, it_is_used_from_where_it_is_installed);
    suite_add_tcase(s, t);
    return s;
}
