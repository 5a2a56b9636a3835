/* The library as one file: it compiles without a warning, and what is compiled with it does what it does elsewhere. */
#include "test.h"

#include <unistd.h>

static void expect_done(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* Exported C among it: text that is made of functions' names must not know that some have others here. */
START_TEST(programs_are_built_with_one_file)
{
    char folder[] = "/tmp/autograd-XXXXXX", command[2048];
    if (strstr(TEST_CC, "sanitize")) return; /* it is another compilation */
    ck_assert_ptr_nonnull(mkdtemp(folder));
    expect_done("env -u MAKEFLAGS -u MAKELEVEL make -s BUILD=" TEST_BUILD " amalgamation >/dev/null");
    snprintf(command, sizeof command,
             "exec 2>&1; one=$PWD/" TEST_BUILD "/amalgamation; demos=$PWD/demos; cd %s && "
             TEST_CC " -O0 -g0 -std=c11 -Wall -Wextra -Wpedantic -Werror -c $one/autograd.c -o one.o >log || "
             "{ head -5 log; exit 1; }; "
             "for name in xor mcu; do"
             "    sed 's|../autograd/autograd.h|autograd.h|' $demos/$name.c > $name.c &&"
             "    " TEST_CC " -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I$one $name.c one.o " TEST_LIBS
             "        -o $name &&"
             "    ./$name > $name.txt || exit 1; "
             "done; grep -q 'step 1000' xor.txt && grep -q 'They agree' mcu.txt && ! nm -g --defined-only one.o |"
             "    grep -v ' agi*_'", folder);
    expect_done(command);
    snprintf(command, sizeof command, "rm -r %s", folder);
    expect_done(command);
}
END_TEST

Suite *suite_amalgamation(void)
{
    Suite *s = suite_create("amalgamation");
    TCase *t = tcase_create("amalgamation");
    tcase_set_timeout(t, 600);
    if (!test_quick()) tcase_add_test(t, programs_are_built_with_one_file);
    suite_add_tcase(s, t);
    return s;
}
