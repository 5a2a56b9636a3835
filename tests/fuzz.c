/* Random graphs, and the rows of the table of operations, as machine code: native plans and exported C give what the
 * mathematics gives. The environment's SEED and COUNT choose the graphs. */
#include "fuzz.h"

#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 64 };

/* ---- a place for compilers --------------------------------------------------------------------------------------- */

static char folder[64];

/* Native plans are compiled as they always are, but for -O3, which is four times as long. */
static void make_folder(void)
{
    static const char script[] = "#!/bin/sh\n"
                                 "for a; do shift; test \"$a\" = -O3 && a=-O1; set -- \"$@\" \"$a\"; done\n"
                                 "exec cc \"$@\"\n";
    char path[80];
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/compiler", folder);
    FILE *f = fopen(path, "w");
    fputs(script, f);
    fclose(f);
    ck_assert_int_eq(chmod(path, 0700), 0);
    setenv("AG_CC", path, 1);
    setenv("XDG_CACHE_HOME", folder, 1);
}

static void remove_folder(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
    unsetenv("AG_CC");
    unsetenv("XDG_CACHE_HOME");
}

/* ---- the graphs -------------------------------------------------------------------------------------------------- */

/* One in `native` of them as a native plan, too; exported C by the compilers from number `from` on, and with
 * sanitizers. */
static void run_batch(int n, fuzz_program p[], int first, int native, int from, int sanitized)
{
    static const char *const compilers[] = { "gcc", "clang", NULL };
    for (int k = 0; k < n; k++) {
        fuzz_expect(&p[k]);
        if ((first + k) % native == 0) fuzz_run_native(&p[k], (first + k) % 3 == 2);
    }
    fuzz_run_exported(folder, compilers + from, sanitized, n, p);
    for (int k = 0; k < n; k++) fuzz_release(&p[k]);
}

START_TEST(rows_agree)
{
    static fuzz_program p[BATCH];
    int n = 0;
    make_folder();
    for (int at = 0, next; (next = fuzz_rows(&p[n], at)) > at; at = next) {
        ck_assert_int_lt(++n, BATCH);
        if (test_quick() && n == 4) break;
    }
    ag_graph_free(p[n].g);
    run_batch(n, p, 0, 1, 1, 0); /* the suite of exported C has every row by cc */
    remove_folder();
    fuzz_tell();
}
END_TEST

/* gcc, which takes three times as long as clang, has every other batch, unless there is time for LEVEL. */
START_TEST(graphs_agree)
{
    static fuzz_program p[BATCH];
    int first = fuzz_number("SEED", 1), count = fuzz_number("COUNT", test_quick() ? 20 : 500);
    make_folder();
    for (int seed = first; seed < first + count; seed += BATCH) {
        int n = 0;
        for (; n < BATCH && seed + n < first + count; n++) fuzz_grow(&p[n], seed + n);
        run_batch(n, p, seed, fuzz_number("NATIVE", 16), getenv("LEVEL") ? 0 : seed / BATCH % 2,
                  seed / BATCH % 4 == 0);
    }
    remove_folder();
    fuzz_tell();
}
END_TEST

Suite *suite_fuzz(void)
{
    Suite *s = suite_create("fuzz");
    TCase *t = tcase_create("fuzz");
    tcase_set_timeout(t, 300 + 4 * fuzz_number("COUNT", 500));
    tcase_add_test(t, rows_agree);
    tcase_add_test(t, graphs_agree);
    suite_add_tcase(s, t);
    return s;
}
