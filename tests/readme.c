/* The programs in README.md and autograd/GUIDE.md are compiled as they stand there and print what is said there. */
#include "folder.h"

static char text[100000];

static void read_text(const char *path)
{
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "no %s here: run from the top of the source tree", path);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
}

/* What stands between the two, which ends there; *from goes on behind it. NULL: they are not there. */
static char *between(char **from, const char *start, const char *end)
{
    char *s = strstr(*from, start), *e = s ? strstr(s + strlen(start), end) : NULL;
    if (!e) return NULL;
    *e = 0;
    *from = e + 1;
    return s + strlen(start);
}

/* Compiled with the library, or with the C that an earlier program has written; `want` is all that it prints. */
static void expect_program(const char *code, const char *want)
{
    char command[2048], output[4096];
    FILE *f = create_file("program.c");
    fprintf(f, "%s\n", code);
    fclose(f);
    const int alone = !strstr(code, "#include \"autograd/");
    snprintf(command, sizeof command,
             "top=$PWD; cd %s && " TEST_CC " -std=c11 -Wall -Wextra -Wpedantic -Werror -I$top program.c %s%s " TEST_LIBS
             " && ./a.out", folder, alone ? "tank.c" : "$top/", alone ? "" : TEST_BUILD "/libautograd.a");
    FILE *pipe = popen(command, "r");
    output[fread(output, 1, sizeof output - 1, pipe)] = 0;
    ck_assert_msg(pclose(pipe) == 0, "%s", command);
    ck_assert_str_eq(output, want);
}

START_TEST(the_example_of_the_readme)
{
    read_text("README.md");
    char *rest = text, want[128], *code = between(&rest, "```c\n", "\n```");
    char *line = between(&rest, "./a.out\n    ", "\n");
    int lines = 1;
    ck_assert(code && line);
    for (char *c = code; *c; c++) lines += *c == '\n' && c[1] != '\n';
    ck_assert_int_le(lines, 20);
    snprintf(want, sizeof want, "%s\n", line);
    make_folder();
    expect_program(code, want);
    remove_folder();
}
END_TEST

START_TEST(the_programs_of_the_guide)
{
    read_text("autograd/GUIDE.md");
    char *rest = text, *code, *want;
    int programs = 0;
    make_folder();
    for (; (code = between(&rest, "```c\n", "\n```\n")) != NULL; programs++) {
        want = between(&rest, "```text\n", "```");
        ck_assert_msg(want != NULL, "program %d of the guide says not what it prints", programs);
        expect_program(code, want);
    }
    ck_assert_int_ge(programs, 10);
    remove_folder();
}
END_TEST

/* Files that they speak of exist. */
START_TEST(the_files_they_name_exist)
{
    char command[] = "test -r README.md && "
                     "for f in $(cat README.md autograd/*.md .github/*.md |"
                     "           grep -oE '(autograd|nodes|tests|demos)/[a-z_0-9/]+\\.(c|h|def|md)' |"
                     "           grep -v nodes/name.c); do [ -e $f ] || { echo $f; exit 1; }; done";
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* autograd/OPERATIONS.md is what headers and operations say today; the errors in it are as they were measured last. */
START_TEST(the_reference_is_up_to_date)
{
    ck_assert_msg(!system("said=$(grep -v '^$\\|^Largest' autograd/OPERATIONS.md) &&"
                          "says=$(awk -f autograd/headers.awk -f autograd/reference.awk autograd/autograd.h nodes/*.c"
                          "       nodes/*/*.c | grep -v '^$') && test \"$said\" = \"$says\""),
                  "make reference writes autograd/OPERATIONS.md anew");
    ck_assert(!system("test $(grep -c '^Largest' autograd/OPERATIONS.md) -gt 50"));
}
END_TEST

Suite *suite_readme(void)
{
    Suite *s = suite_create("readme");
    TCase *t = tcase_create("readme");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, the_example_of_the_readme);
    tcase_add_test(t, the_programs_of_the_guide);
    tcase_add_test(t, the_files_they_name_exist);
    tcase_add_test(t, the_reference_is_up_to_date);
    suite_add_tcase(s, t);
    return s;
}
