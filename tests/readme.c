/* The example in README.md is compiled as it stands there and prints what README.md says. */
#include "test.h"

#include <unistd.h>

static char text[100000];

static void read_readme(void)
{
    FILE *f = fopen("README.md", "r");
    ck_assert_msg(f != NULL, "no README.md here: run from the top of the source tree");
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
}

static char *between(char *from, const char *start, const char *end)
{
    char *s = strstr(from, start), *e = s ? strstr(s + strlen(start), end) : NULL;
    ck_assert_msg(e != NULL, "README.md has no '%s' with '%s' after it", start, end);
    *e = 0;
    return s + strlen(start);
}

START_TEST(the_example_compiles_and_runs)
{
    char folder[] = "/tmp/autograd-XXXXXX", path[64], command[2048], output[256];
    read_readme();
    char *code = between(text, "```c\n", "\n```"), *rest = code + strlen(code) + 1;
    char *want = between(rest, "./a.out\n    ", "\n");
    int lines = 1;
    for (char *c = code; *c; c++) lines += *c == '\n' && c[1] != '\n';
    ck_assert_int_le(lines, 20);

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/example.c", folder);
    FILE *f = fopen(path, "w");
    fprintf(f, "%s\n", code);
    fclose(f);
    snprintf(command, sizeof command,
             TEST_CC " -std=c11 -Wall -Wextra -Wpedantic -Werror -I. %s " TEST_BUILD "/libautograd.a " TEST_LIBS
                     " -o %s/a.out",
             path, folder);
    ck_assert_msg(system(command) == 0, "%s", command);
    snprintf(command, sizeof command, "%s/a.out", folder);
    FILE *pipe = popen(command, "r");
    output[fread(output, 1, sizeof output - 1, pipe)] = 0;
    ck_assert_int_eq(pclose(pipe), 0);
    output[strcspn(output, "\n")] = 0;
    ck_assert_str_eq(output, want);
    remove(path);
    remove(command);
    rmdir(folder);
}
END_TEST

/* Files and folders that README.md speaks of exist. */
START_TEST(the_files_it_names_exist)
{
    char command[] = "test -r README.md && for f in $(grep -oE '(autograd|nodes|tests|demos)/[a-z_0-9/]+\\.(c|h|def)' README.md |"
                     "           grep -v nodes/name.c); do [ -e $f ] || { echo $f; exit 1; }; done";
    ck_assert_int_eq(system(command), 0);
}
END_TEST

Suite *suite_readme(void)
{
    Suite *s = suite_create("readme");
    TCase *t = tcase_create("readme");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_example_compiles_and_runs);
    tcase_add_test(t, the_files_it_names_exist);
    suite_add_tcase(s, t);
    return s;
}
