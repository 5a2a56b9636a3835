/* Machine code that comes while a plan runs: until it is there runs are interpreted, whichever thread evaluates them;
 * then they have it; and who does not wait for it leaves nothing behind. The compiler waits here until it is told. */
#include "test.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 30, COLUMNS = 40 };
static char folder[64]; /* of this test's own */

static void make_folder(const char *script)
{
    char path[96];
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tmp", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    setenv("TMPDIR", path, 1);
    snprintf(path, sizeof path, "%s/compiler", folder);
    FILE *f = fopen(path, "w");
    fprintf(f, "#!/bin/sh\necho $$ > %s/running\nwhile [ ! -e %s/go ]; do sleep 0.02; done\n%s\n", folder, folder, script);
    fclose(f);
    ck_assert_int_eq(chmod(path, 0700), 0);
    setenv("AG_CC", path, 1);
}

static int is_there(const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void let_it_go(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/go", folder);
    fclose(fopen(path, "w"));
}

static int files_left(void)
{
    char command[96];
    snprintf(command, sizeof command, "test -z \"$(ls -A %s/tmp)\"", folder);
    return system(command) != 0;
}

static void remove_folder(void)
{
    char command[96];
    ck_assert(!files_left());
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    unsetenv("AG_CC"), unsetenv("TMPDIR");
}

/* ---- a program: a loop, passes, a fold --------------------------------------------------------------------------- */

typedef struct {
    ag_graph *g;
    ag_node *x, *y;
    ag_plan *plan;
    double want;
} sample;

static sample make(void)
{
    uint64_t seed = 5;
    double x[ROWS * COLUMNS];
    sample s = { .g = ag_graph_new(NULL) };
    for (int k = 0; k < ROWS * COLUMNS; k++) {
        x[k] = test_random(&seed, -1, 1);
        double v = sin(x[k]), w = 1;
        for (int j = 0; j < 3; j++) w = cos(w * v);
        s.want += w;
    }
    s.x = ag_parameter(s.g, "x", AG_F64, AG_SHAPE(ROWS, COLUMNS), x);
    ag_node *v = ag_sin(s.x), *state = ag_input(s.g, NULL, AG_F64, AG_SHAPE(ROWS, COLUMNS)), *last;
    ag_node *one = ag_broadcast_to(ag_number(s.g, 1), AG_SHAPE(ROWS, COLUMNS)), *next = ag_cos(ag_mul(state, v));
    const ag_scan_body body = { .length = 3, .states = 1, .initial = &one, .state = &state, .next = &next };
    ag_scan(&body, &last, NULL);
    s.y = ag_sum(last);
    const ag_options o = { .native = 2 };
    s.plan = ag_compile(s.g, 1, &s.y, &o);
    ck_assert_msg(s.plan != NULL, "%s", ag_graph_error(s.g));
    return s;
}

static void end(sample *s)
{
    ag_plan_free(s->plan);
    ag_graph_free(s->g);
}

static void evaluate(const sample *s, ag_run *r)
{
    ck_assert_int_eq(ag_eval(r), AG_OK);
    expect_close(ag_item(r, s->y), s->want, 1e-12);
}

static int says(const ag_plan *p, const char *word)
{
    char *text;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    ck_assert_int_eq(ag_write_text(f, p), 0);
    fclose(f);
    int found = strstr(text, word) != NULL;
    free(text);
    return found;
}

static void rest(void)
{
    const struct timespec pause = { 0, 10000000 };
    nanosleep(&pause, NULL);
}

static void evaluate_until(const sample *s, ag_run *r, const char *word)
{
    for (int k = 0; !says(s->plan, word); k++) {
        ck_assert_int_lt(k, 3000);
        evaluate(s, r);
        rest();
    }
}

START_TEST(runs_before_its_code_is_there)
{
    make_folder("exec cc \"$@\"");
    sample s = make();
    ag_run *r = ag_run_new(s.plan);
    for (int k = 0; k < 3; k++) evaluate(&s, r);
    ck_assert(says(s.plan, "being compiled") && !says(s.plan, ", compiled"));
    let_it_go();
    evaluate_until(&s, r, "compiled by");
    ck_assert(says(s.plan, ", compiled"));
    ck_assert(!files_left());
    evaluate(&s, r);
    ag_run *later = ag_run_new(s.plan);
    evaluate(&s, later);
    ag_run_free(r), ag_run_free(later);
    end(&s);
    remove_folder();
}
END_TEST

START_TEST(stays_interpreted_when_the_compiler_fails)
{
    make_folder("exit 1");
    sample s = make();
    ag_run *r = ag_run_new(s.plan);
    evaluate(&s, r);
    let_it_go();
    evaluate_until(&s, r, "failed");
    evaluate(&s, r);
    ck_assert(!says(s.plan, ", compiled"));
    ag_run_free(r);
    end(&s);
    remove_folder();
}
END_TEST

typedef struct {
    const sample *s;
    ag_run *run;
    int *stop;
} worker;

static void *work(void *context)
{
    const worker *w = context;
    while (!__atomic_load_n(w->stop, __ATOMIC_ACQUIRE)) {
        ck_assert_int_eq(ag_eval(w->run), AG_OK);
        ck_assert(fabs(ag_item(w->run, w->s->y) - w->s->want) < 1e-9);
    }
    return NULL;
}

START_TEST(comes_to_runs_of_all_threads)
{
    enum { THREADS = 3 };
    pthread_t thread[THREADS];
    worker workers[THREADS];
    int stop = 0;
    make_folder("exec cc \"$@\"");
    sample s = make();
    for (int k = 0; k < THREADS; k++) {
        workers[k] = (worker){ &s, ag_run_new(s.plan), &stop };
        ck_assert_int_eq(pthread_create(&thread[k], NULL, work, &workers[k]), 0);
    }
    let_it_go();
    for (int k = 0; files_left() && k < 3000; k++) rest();
    rest();
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int k = 0; k < THREADS; k++) {
        pthread_join(thread[k], NULL);
        evaluate(&s, workers[k].run);
        ag_run_free(workers[k].run);
    }
    ck_assert(says(s.plan, "compiled by"));
    end(&s);
    remove_folder();
}
END_TEST

/* The compiler is ended with the plan. */
START_TEST(is_not_waited_for_when_nobody_wants_it)
{
    char command[160];
    make_folder("exec cc \"$@\"");
    sample s = make();
    for (int k = 0; !is_there("running") && k < 3000; k++) rest();
    rest();
    end(&s);
    snprintf(command, sizeof command, "! kill -0 $(cat %s/running) 2>/dev/null", folder);
    ck_assert_int_eq(system(command), 0);
    remove_folder();
}
END_TEST

/* A process that was forked meanwhile has no code, and takes nothing away. */
START_TEST(is_the_process_s_that_asked_for_it)
{
    int status;
    make_folder("exec cc \"$@\"");
    sample s = make();
    ag_run *r = ag_run_new(s.plan);
    pid_t child = fork();
    if (!child) {
        int fine = !ag_eval(r) && fabs(ag_item(r, s.y) - s.want) < 1e-9;
        ag_run_free(r), ag_plan_free(s.plan);
        _exit(!fine);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    let_it_go();
    evaluate_until(&s, r, "compiled by");
    evaluate(&s, r);
    ag_run_free(r);
    end(&s);
    remove_folder();
}
END_TEST

Suite *suite_native_later(void)
{
    Suite *s = suite_create("native_later");
    TCase *t = tcase_create("native_later");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, runs_before_its_code_is_there);
    tcase_add_test(t, stays_interpreted_when_the_compiler_fails);
    tcase_add_test(t, comes_to_runs_of_all_threads);
    tcase_add_test(t, is_not_waited_for_when_nobody_wants_it);
    tcase_add_test(t, is_the_process_s_that_asked_for_it);
    suite_add_tcase(s, t);
    return s;
}
