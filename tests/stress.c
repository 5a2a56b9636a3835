/* Products and factorisations where threads are many, and where memory ends before the first of them: all memory is had
 * when a run is made. */
#include "test.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 60, LARGE = 400, THREADS = 700, ROUNDS = 5 };

typedef struct {
    int n;
    ag_graph *g;
    ag_plan *plan;
    ag_node *y[2];
} work;

/* sum(a a) and log |det (1 + a)|, where all of a is 0.01. */
static work make(int n)
{
    work w = { .n = n, .g = ag_graph_new(NULL) };
    static double values[LARGE * LARGE];
    for (int i = 0; i < n * n; i++) values[i] = 0.01;
    ag_node *a = ag_parameter(w.g, NULL, AG_F64, AG_SHAPE(n, n), values);
    ag_node *ones = ag_broadcast_to(ag_cast(ag_number(w.g, 1), AG_F64), AG_SHAPE(n));
    w.y[0] = ag_sum(ag_matmul(a, a));
    w.y[1] = ag_logdet(ag_add(ag_diag(ones), a));
    w.plan = ag_compile(w.g, 2, w.y, NULL);
    return w;
}

static void drop(work *w)
{
    ag_plan_free(w->plan);
    ag_graph_free(w->g);
}

static int is_right(const work *w, const ag_run *r)
{
    return test_close(ag_item(r, w->y[0]), (double)w->n * w->n * w->n * 1e-4, 1e-12)
           && test_close(ag_item(r, w->y[1]), log(1 + w->n * 0.01), 1e-12);
}

/* NULL: all evaluations went well and gave what they should. */
static void *evaluate(void *context)
{
    const work *w = context;
    ag_run *r = ag_run_new(w->plan);
    int right = r != NULL;
    for (int k = 0; k < ROUNDS && right; k++) right = ag_eval(r) == AG_OK && is_right(w, r);
    ag_run_free(r);
    return right ? NULL : context;
}

static int count_wrong(work *w)
{
    static pthread_t thread[THREADS];
    int wrong = 0, made = 0;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 18);
    while (made < THREADS && !pthread_create(&thread[made], &small, evaluate, w)) made++;
    pthread_attr_destroy(&small);
    for (int k = 0; k < made; k++) {
        void *failed;
        pthread_join(thread[k], &failed);
        wrong += failed != NULL;
    }
    return made == THREADS ? wrong : THREADS;
}

START_TEST(many_threads)
{
    work w = make(N);
    ck_assert_int_eq(count_wrong(&w), 0);
    drop(&w);
}
END_TEST

/* In a process of its own, which may hang: its exit status. */
static int in_child(int (*job)(long), long argument)
{
    enum { SECONDS = 20 };
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        alarm(SECONDS);
        _exit(job(argument));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#if !defined __SANITIZE_ADDRESS__ /* it needs addresses without end */
static void limit_memory(long kilobytes)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert(f && fscanf(f, "%ld", &pages) == 1);
    rlim_t limit = (rlim_t)(pages * sysconf(_SC_PAGESIZE) + kilobytes * 1024);
    setrlimit(RLIMIT_AS, &(struct rlimit){ limit, limit });
}

/* So many KiB of addresses left when a run is made: 0 where it was, and all went well, 1 where memory was refused. */
static int with_memory(long kilobytes)
{
    work w = make(LARGE);
    limit_memory(kilobytes);
    ag_run *r = ag_run_new(w.plan);
    return !r ? 1 : ag_eval(r) == AG_OK && is_right(&w, r) ? 0 : 2;
}

/* None left when the run is there. */
static int without_memory(long unused)
{
    work w = make(LARGE);
    ag_run *r = ag_run_new(w.plan);
    (void)unused;
    limit_memory(0);
    return r && ag_eval(r) == AG_OK && is_right(&w, r) ? 0 : 2;
}

START_TEST(short_memory)
{
    static const long kilobytes[] = { 0, 64, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 20 };
    for (size_t k = 0; k < COUNT(kilobytes); k++) {
        int status = in_child(with_memory, kilobytes[k]);
        ck_assert_msg(status < 2, "with %ld KiB: %d", kilobytes[k], status);
        if (kilobytes[k] <= 64) ck_assert_int_eq(status, 1);
        if (kilobytes[k] == 1 << 20) ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(in_child(without_memory, 0), 0);
}
END_TEST
#endif

/* A child of a process whose threads are in the midst of products has its own. */
static int in_fork(long unused)
{
    work w = make(N);
    (void)unused;
    int wrong = evaluate(&w) != NULL;
    drop(&w);
    return wrong;
}

static void *keep_busy(void *context)
{
    for (int k = 0; k < 20; k++)
        if (evaluate(context)) return context;
    return NULL;
}

START_TEST(forks)
{
    work w = make(N);
    pthread_t thread[2];
    ck_assert_ptr_null(evaluate(&w));
    for (int k = 0; k < 2; k++) ck_assert_int_eq(pthread_create(&thread[k], NULL, keep_busy, &w), 0);
    for (int k = 0; k < 3; k++) ck_assert_int_eq(in_child(in_fork, 0), 0);
    for (int k = 0; k < 2; k++) {
        void *failed;
        pthread_join(thread[k], &failed);
        ck_assert_ptr_null(failed);
    }
    drop(&w);
}
END_TEST

Suite *suite_stress(void)
{
    Suite *s = suite_create("stress");
    TCase *c = tcase_create("stress");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, many_threads);
#if !defined __SANITIZE_ADDRESS__
    tcase_add_test(c, short_memory);
#endif
    tcase_add_test(c, forks);
    suite_add_tcase(s, c);
    return s;
}
