/* Plans compiled to machine code: they compute what the interpreter computes, on any number of threads the same bits,
 * and whatever goes wrong with the compiler, the directory or the cache, the plan runs interpreted and says why. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64]; /* of this test's own */

static void make_folder(void)
{
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
    unsetenv("AG_CC");
    unsetenv("TMPDIR");
    unsetenv("XDG_CACHE_HOME");
}

/* The first line of the plan's text. */
static void read_note(const ag_plan *p, char note[256])
{
    char *text;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    ck_assert_int_eq(ag_write_text(f, p), 0);
    fclose(f);
    snprintf(note, 256, "%.*s", (int)strcspn(text, "\n"), text);
    free(text);
}

/* ---- a program with all kinds of steps, and what becomes of it --------------------------------------------------- */

enum { OUTPUTS = 4 };

typedef struct {
    ag_graph *g;
    ag_node *node[OUTPUTS];
} sample;

static sample make_sample(void)
{
    sample s = { .g = ag_graph_new(NULL) };
    uint64_t seed = 5;
    ag_node *x = test_parameter(s.g, AG_SHAPE(37, 50), &seed, -1, 1),
            *w = test_parameter(s.g, AG_SHAPE(50, 11), &seed, -1, 1);
    ag_name(x, "*/ #include \"/etc/passwd\" int main() { abort(); } /* ?\?/");
    ag_name(w, "'\\\"; system(\"false\"); //");
    s.node[0] = ag_softmax(ag_matmul(x, w), 1);
    s.node[1] = ag_mean(ag_square(s.node[0]));
    ck_assert_int_eq(ag_gradient(s.node[1], 2, (ag_node *[]){ x, w }, s.node + 2), AG_OK);
    return s;
}

/* Compiles and runs the sample; the note contains `wanted`, and the values are the interpreter's. */
static void expect_note(ag_options o, const char *wanted)
{
    sample s = make_sample();
    char note[256];
    double loss = test_number(s.node[1]);
    ag_plan *p = ag_compile(s.g, OUTPUTS, s.node, &o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(s.g));
    read_note(p, note);
    ck_assert_msg(strstr(note, wanted) != NULL, "'%s' has no '%s'", note, wanted);
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    expect_close(ag_item(r, s.node[1]), loss, 1e-12);
    ag_run_free(r);
    ag_plan_free(p);
    ag_graph_free(s.g);
}

/* A program to stand for the compiler. */
static void write_compiler(const char *script)
{
    char path[96];
    snprintf(path, sizeof path, "%s/compiler", folder);
    FILE *f = fopen(path, "w");
    fprintf(f, "#!/bin/sh\n%s\n", script);
    fclose(f);
    ck_assert_int_eq(chmod(path, 0700), 0);
    setenv("AG_CC", path, 1);
}

START_TEST(says_what_it_did)
{
    expect_note(test_native(), "compiled by cc in ");
}
END_TEST

/* So many statements that they are compiled with less care: 5000 steps towards the root of x = cos x. */
static void expect_note_of_many(const char *wanted)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 1 });
    ag_options o = test_native();
    char note[256];
    for (int k = 0; k < 5000; k++) x = ag_cos(x);
    ag_plan *p = ag_compile(g, 1, &x, &o);
    ag_run *r = ag_run_new(p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    expect_close(ag_item(r, x), 0.73908513321516064, 1e-15);
    read_note(p, note);
    ck_assert_msg(strstr(note, wanted) != NULL, "'%s' has no '%s'", note, wanted);
    ag_run_free(r);
    ag_plan_free(p);
    ag_graph_free(g);
}

START_TEST(takes_gcc_and_clang)
{
    static const char *const compiler[] = { "gcc", "clang" };
    for (size_t k = 0; k < COUNT(compiler); k++) {
        char command[64], note[64];
        snprintf(command, sizeof command, "%s --version >/dev/null 2>&1", compiler[k]);
        if (system(command) != 0) continue;
        setenv("AG_CC", compiler[k], 1);
        snprintf(note, sizeof note, "compiled by %s in ", compiler[k]);
        expect_note(test_native(), note);
        expect_note_of_many(note);
    }
    unsetenv("AG_CC");
}
END_TEST

START_TEST(falls_back_without_a_compiler)
{
    make_folder();
    setenv("AG_CC", "/nowhere/compiler", 1);
    expect_note(test_native(), "no: cannot run the compiler /nowhere/compiler");
    setenv("AG_CC", "cc -O2; touch /tmp/pwned", 1); /* a name, no command line */
    expect_note(test_native(), "no: cannot run the compiler");
    setenv("TMPDIR", "/nowhere", 1);
    expect_note(test_native(), "no: no temporary directory");
    remove_folder();
}
END_TEST

START_TEST(falls_back_when_the_compiler_fails)
{
    make_folder();
    write_compiler("echo 'plan.c:1: error: it is Monday' >&2; exit 1");
    expect_note(test_native(), "failed: error: it is Monday");
    write_compiler("exit 0");
    expect_note(test_native(), "no: cannot load the compiled code");
    write_compiler("while [ \"$1\" != -o ]; do shift; done; echo nonsense > \"$2\"");
    expect_note(test_native(), "no: cannot load the compiled code");
    write_compiler("kill -9 $$");
    expect_note(test_native(), "failed");
    remove_folder();
}
END_TEST

/* The compiler and all it has started are ended. */
START_TEST(falls_back_when_the_compiler_takes_too_long)
{
    make_folder();
    char script[160];
    snprintf(script, sizeof script, "(sleep 3; touch %s/late) & sleep 100", folder);
    write_compiler(script);
    ag_options o = test_native();
    struct timespec start, end, pause = { 3, 500000000 };
    o.native_seconds = 0.2;
    clock_gettime(CLOCK_MONOTONIC, &start);
    expect_note(o, "took longer than 0.2 s");
    clock_gettime(CLOCK_MONOTONIC, &end);
    ck_assert_int_le(end.tv_sec - start.tv_sec, 2);
    nanosleep(&pause, NULL);
    snprintf(script, sizeof script, "%s/late", folder);
    ck_assert_int_ne(access(script, F_OK), 0);
    remove_folder();
}
END_TEST

/* ---- where it compiles ------------------------------------------------------------------------------------------- */

static int files_in(const char *path)
{
    char command[160], text[32];
    snprintf(command, sizeof command, "ls -A %s | wc -l", path);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    pclose(f);
    return atoi(text);
}

START_TEST(compiles_in_private_and_leaves_nothing)
{
    make_folder();
    char temporary[96], script[256], seen[96], mode[16] = "";
    snprintf(temporary, sizeof temporary, "%s/tmp", folder);
    snprintf(seen, sizeof seen, "%s/mode", folder);
    ck_assert_int_eq(mkdir(temporary, 0777), 0);
    setenv("TMPDIR", temporary, 1);
    snprintf(script, sizeof script, "stat -c %%a %s/autograd-* > %s\nexec cc \"$@\"", temporary, seen);
    write_compiler(script);
    expect_note(test_native(), "compiled by");
    FILE *f = fopen(seen, "r");
    ck_assert_ptr_nonnull(fgets(mode, sizeof mode, f));
    fclose(f);
    ck_assert_str_eq(mode, "700\n");
    ck_assert_int_eq(files_in(temporary), 0);
    write_compiler("exit 1");
    expect_note(test_native(), "failed");
    ck_assert_int_eq(files_in(temporary), 0);
    remove_folder();
}
END_TEST

/* ---- the cache --------------------------------------------------------------------------------------------------- */

START_TEST(keeps_code_if_it_may)
{
    make_folder();
    char cache[96], command[160];
    ag_options o = test_native();
    snprintf(cache, sizeof cache, "%s/autograd", folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    expect_note(o, "compiled by");
    ck_assert_int_ne(access(cache, F_OK), 0);
    o.native_cache = 1;
    expect_note(o, "compiled by");
    ck_assert_int_eq(files_in(cache), 1);
    expect_note(o, "from the cache");
    o.native = 1, o.isa = 1; /* other code */
    expect_note(o, "compiled by");
    ck_assert_int_eq(files_in(cache), 2);
    snprintf(command, sizeof command, "chmod 666 %s/*", cache); /* anybody's */
    ck_assert_int_eq(system(command), 0);
    expect_note(o, "compiled by");
    expect_note(o, "from the cache");
    snprintf(command, sizeof command, "for f in %s/*; do echo nonsense > $f; done", cache);
    ck_assert_int_eq(system(command), 0);
    expect_note(o, "compiled by");
    remove_folder();
}
END_TEST

START_TEST(trusts_no_directory_that_others_can_write_to)
{
    make_folder();
    char cache[96];
    ag_options o = test_native();
    o.native_cache = 1;
    snprintf(cache, sizeof cache, "%s/autograd", folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    ck_assert_int_eq(mkdir(cache, 0700), 0);
    ck_assert_int_eq(chmod(cache, 0777), 0);
    expect_note(o, "no safe cache directory");
    ck_assert_int_eq(files_in(cache), 0);
    ck_assert_int_eq(rmdir(cache), 0);
    ck_assert_int_eq(symlink("/tmp", cache), 0);
    expect_note(o, "no safe cache directory");
    remove_folder();
}
END_TEST

/* What a full disk, a power cut or a wrong hand leaves behind is never mapped: that ends a process. */
START_TEST(trusts_no_code_that_is_not_whole)
{
    make_folder();
    static const char *const damage[] = { "truncate -s 0 $f", "truncate -s 64 $f", "truncate -s -1 $f",
                                          "truncate -s 4096 $f", "truncate -s +1 $f", "truncate -s -4000 $f",
                                          "printf x | dd of=$f bs=1 seek=5000 conv=notrunc 2>/dev/null",
                                          "mv $f $f.x; ln -s $f.x $f", "chmod 666 $f" };
    char cache[96], command[256];
    ag_options o = test_native();
    o.native_cache = 1;
    snprintf(cache, sizeof cache, "%s/autograd", folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    expect_note(o, "compiled by");
    for (size_t k = 0; k < COUNT(damage); k++) {
        expect_note(o, "from the cache");
        snprintf(command, sizeof command, "for f in %s/*.so; do %s; done", cache, damage[k]);
        ck_assert_int_eq(system(command), 0);
        expect_note(o, "compiled by");
    }
    snprintf(command, sizeof command, "for f in %s/*.so; do rm $f; mkdir $f; done", cache);
    ck_assert_int_eq(system(command), 0);
    expect_note(o, "not kept");
    ck_assert_int_eq(files_in(cache), 2); /* the directory, and what the link pointed to: nothing temporary */
    remove_folder();
}
END_TEST

/* ---- equal steps ------------------------------------------------------------------------------------------------- */

/* A recurrence of so many steps, each of which reads other rows of x and has a loop of scalars, differentiated. */
static void make_recurrence(int steps, ag_graph **g, ag_node *out[4])
{
    enum { MOST = 24, WIDTH = 20 };
    uint64_t seed = 7;
    *g = ag_graph_new(NULL);
    ag_node *x = test_parameter(*g, AG_SHAPE(MOST, 3, WIDTH), &seed, -1, 1);
    ag_node *w = test_parameter(*g, AG_SHAPE(WIDTH, WIDTH), &seed, -0.3, 0.3);
    ag_node *b = test_parameter(*g, AG_SHAPE(WIDTH), &seed, -1, 1);
    ag_node *h = test_parameter(*g, AG_SHAPE(3, WIDTH), &seed, -1, 1);
    ag_node *in = ag_input(*g, NULL, AG_F64, AG_SCALAR), *next = ag_mul(in, ag_add(in, ag_number(*g, 0.25)));
    for (int t = 0; t < steps; t++) {
        ag_node *row = ag_reshape(ag_slice(x, 0, t + 1, t + 2, 1), AG_SHAPE(3, WIDTH));
        h = ag_tanh(ag_add(ag_add(ag_matmul(h, w), row), b));
        ag_node *part = ag_mean(ag_square(h)), *last;
        ag_scan_body body = { .length = 3, .states = 1, .initial = &part, .state = &in, .next = &next };
        ag_scan(&body, &last, NULL);
        h = ag_add(h, last);
    }
    out[0] = ag_sum(ag_square(h));
    out[1] = h;
    ck_assert_int_eq(ag_gradient(out[0], 2, (ag_node *[]){ w, b }, out + 2), AG_OK);
}

static void expect_recurrence(int steps, const char *wanted)
{
    ag_graph *g;
    ag_node *out[4];
    char note[256];
    make_recurrence(steps, &g, out);
    ag_options o = test_native();
    o.native_cache = 1;
    ag_plan *p = ag_compile(g, 4, out, &o), *plain = ag_compile(g, 4, out, NULL);
    ck_assert_msg(p && plain, "%s", ag_graph_error(g));
    read_note(p, note);
    ck_assert_msg(strstr(note, wanted) != NULL, "%d steps: '%s' has no '%s'", steps, note, wanted);
    ag_run *r = ag_run_new(p), *reference = ag_run_new(plain);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    ck_assert_int_eq(ag_eval(reference), AG_OK);
    for (int k = 0; k < 4; k++)
        for (int64_t i = 0; i < ag_count(out[k]); i++)
            expect_close(((double *)ag_data(r, out[k]))[i], ((double *)ag_data(reference, out[k]))[i], 1e-12);
    ag_run_free(r), ag_run_free(reference);
    ag_plan_free(p), ag_plan_free(plain);
    ag_graph_free(g);
}

/* Code that is told where its memory is is the same for a step and for many: the cache has it by its text. */
START_TEST(equal_steps_share_their_code)
{
    make_folder();
    setenv("XDG_CACHE_HOME", folder, 1);
    expect_recurrence(8, "compiled by");
    expect_recurrence(21, "from the cache");
    remove_folder();
}
END_TEST

/* ---- servers ----------------------------------------------------------------------------------------------------- */

/* Half a library, of a compiler that says it did well: whether that was heard depends on who asked first. */
static void expect_no_code(void)
{
    char note[256];
    sample s = make_sample();
    ag_options o = test_native();
    ag_plan *p = ag_compile(s.g, OUTPUTS, s.node, &o);
    read_note(p, note);
    ck_assert_msg(strstr(note, "no: ") && (strstr(note, " failed") || strstr(note, ": there is none")), "%s", note);
    ag_plan_free(p);
    ag_graph_free(s.g);
}

static void wait_for_all(int signal)
{
    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
}

static int open_descriptors(void)
{
    int n = 0;
    for (int k = 0; k < 256; k++) n += fcntl(k, F_GETFD) >= 0;
    return n;
}

/* A program that ignores the ends of its children, or waits for them all itself, has native plans as well. */
START_TEST(works_when_nobody_tells_how_the_compiler_ended)
{
    make_folder();
    void (*const handler[])(int) = { SIG_IGN, wait_for_all };
    for (size_t k = 0; k < COUNT(handler); k++) {
        int descriptors = open_descriptors();
        ck_assert(signal(SIGCHLD, handler[k]) != SIG_ERR);
        unsetenv("AG_CC");
        expect_note(test_native(), "compiled by");
        write_compiler("exit 1");
        expect_note(test_native(), "failed");
        write_compiler("touch $0.so; for a in $*; do case $a in *.so) printf half > $a;; esac; done");
        expect_no_code();
        ag_options o = test_native();
        o.native_seconds = 0.2;
        write_compiler("sleep 5");
        expect_note(o, "took longer");
        ck_assert_int_eq(open_descriptors(), descriptors);
    }
    signal(SIGCHLD, SIG_DFL);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    remove_folder();
}
END_TEST

/* ---- a user's operation without text ----------------------------------------------------------------------------- */

#define CUBE(name, real)                                                                    \
    static void name(int64_t n, real *out, const real *a, const real *b, const real *c)     \
    {                                                                                       \
        (void)b, (void)c;                                                                   \
        for (int64_t i = 0; i < n; i++) out[i] = a[i] * a[i] * a[i];                        \
    }
CUBE(cube_f32, float)
CUBE(cube_f64, double)

START_TEST(interprets_what_has_no_text)
{
    static const ag_op silent = { .name = "cube", .formula = "x^3", .inputs = 1, .flags = AG_POINTWISE, .f32 = cube_f32,
                                  .f64 = cube_f64, .gradient = ag_zero_gradient };
    static const ag_op spoken = { .name = "cube", .formula = "x^3", .inputs = 1, .flags = AG_POINTWISE, .f32 = cube_f32,
                                  .f64 = cube_f64, .c_text = "x * x * x", .gradient = ag_zero_gradient };
    const ag_op *const op[] = { &silent, &spoken };
    for (int k = 0; k < 2; k++) {
        ag_graph *g = ag_graph_new(NULL);
        double x[40], got[40], *out = got;
        char note[256];
        for (int i = 0; i < 40; i++) x[i] = i;
        ag_node *y = ag_custom(op[k], 1, (ag_node *[]){ ag_parameter(g, NULL, AG_F64, AG_SHAPE(40), x) }, NULL);
        ag_options o = test_native();
        ag_plan *p = ag_compile(g, 1, &y, &o);
        read_note(p, note);
        ck_assert_msg(strstr(note, k ? "compiled" : "nothing to compile") != NULL, "%s", note);
        ag_plan_free(p);
        test_evaluate(1, &y, &o, &out);
        for (int i = 0; i < 40; i++) ck_assert(got[i] == x[i] * x[i] * x[i]);
        ag_graph_free(g);
    }
}
END_TEST

Suite *suite_native(void)
{
    Suite *s = suite_create("native");
    TCase *t = tcase_create("native");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, says_what_it_did);
    tcase_add_test(t, takes_gcc_and_clang);
    tcase_add_test(t, falls_back_without_a_compiler);
    tcase_add_test(t, falls_back_when_the_compiler_fails);
    tcase_add_test(t, falls_back_when_the_compiler_takes_too_long);
    tcase_add_test(t, compiles_in_private_and_leaves_nothing);
    tcase_add_test(t, keeps_code_if_it_may);
    tcase_add_test(t, trusts_no_directory_that_others_can_write_to);
    tcase_add_test(t, trusts_no_code_that_is_not_whole);
    tcase_add_test(t, equal_steps_share_their_code);
    tcase_add_test(t, works_when_nobody_tells_how_the_compiler_ended);
    tcase_add_test(t, interprets_what_has_no_text);
    suite_add_tcase(s, t);
    return s;
}
