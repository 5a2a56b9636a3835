/* build/check: runs every suite, each in a process of its own, as many at once as there are processors. With a suite's
 * name as argument, or in the environment's CK_RUN_SUITE, it runs that suite alone. CK_FORK=no: the tests of a suite
 * share its process, else each has its own. */
#include "test.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Those that take longest come first: none is left over when the others have ended. */
static const struct {
    const char *name;
    Suite *(*make)(void);
} suites[] = {
#define SUITE(name) { #name, suite_##name },
    SUITE(fuzz) SUITE(emit) SUITE(op_table) SUITE(amalgamation) SUITE(accuracy) SUITE(native) SUITE(random)
    SUITE(demos) SUITE(gradbench)
    SUITE(native_loop) SUITE(native_later) SUITE(among) SUITE(sparse_loops) SUITE(slices)
    SUITE(zeros) SUITE(batch) SUITE(recompute) SUITE(while) SUITE(loop) SUITE(gradient) SUITE(sparse) SUITE(header)
    SUITE(graph) SUITE(shapes) SUITE(errors) SUITE(messages) SUITE(memory) SUITE(linalg) SUITE(many) SUITE(sizes)
    SUITE(extents) SUITE(extent_programs) SUITE(einsum) SUITE(integers) SUITE(untaken) SUITE(newcomers) SUITE(exports)
    SUITE(equal_steps) SUITE(cortex) SUITE(inlay)
    SUITE(derivatives) SUITE(custom) SUITE(check) SUITE(simplify) SUITE(outputs) SUITE(optimise) SUITE(plan)
    SUITE(verify) SUITE(scalar) SUITE(parse) SUITE(formulas) SUITE(derive) SUITE(drawings) SUITE(save) SUITE(files)
    SUITE(data) SUITE(fit) SUITE(trap) SUITE(pictures) SUITE(pages) SUITE(sides) SUITE(units) SUITE(random_branches)
    SUITE(steps) SUITE(traffic) SUITE(reports)
    SUITE(sums) SUITE(long_sums) SUITE(products) SUITE(bands) SUITE(product_kernels) SUITE(factor_kernels)
    SUITE(convolve_kernels) SUITE(windows) SUITE(digits) SUITE(losses) SUITE(networks) SUITE(in_place)
    SUITE(failure) SUITE(calls) SUITE(singular) SUITE(stress) SUITE(blog) SUITE(readme) SUITE(rooms) SUITE(install)
    SUITE(randomness) SUITE(training) SUITE(schedules) SUITE(lbfgs) SUITE(tiny)
#undef SUITE
};
enum { SUITES = COUNT(suites) };

/* ---- in one process ---------------------------------------------------------------------------------------------- */

static int run(SRunner *runner, const char *name)
{
    srunner_run(runner, name, NULL, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_named(const char *name_or_null)
{
    SRunner *runner = srunner_create(NULL);
    for (int k = 0; k < SUITES; k++) srunner_add_suite(runner, suites[k].make());
    return run(runner, name_or_null);
}

/* ---- a process for each suite ------------------------------------------------------------------------------------ */

typedef struct {
    pid_t process;
    FILE *output;
    struct timespec start;
} running;

static running start(int k)
{
    running r = { .output = tmpfile() };
    clock_gettime(CLOCK_MONOTONIC, &r.start);
    fflush(stdout);
    r.process = r.output ? fork() : -1;
    if (r.process < 0) {
        perror(suites[k].name);
        exit(EXIT_FAILURE);
    }
    if (r.process) return r;
    dup2(fileno(r.output), STDOUT_FILENO);
    dup2(fileno(r.output), STDERR_FILENO);
    exit(run(srunner_create(suites[k].make()), NULL));
}

/* Check's last line, which counts. */
typedef struct {
    int checks, failures, errors;
} counts;

static int read_count(const char **at, const char *label, int *count)
{
    char *end;
    const char *found = strstr(*at, label);
    if (!found) return 0;
    *count = (int)strtol(found + strlen(label), &end, 10);
    *at = end;
    return 1;
}

static int read_counts(const char *line, counts *c)
{
    return read_count(&line, "%: Checks: ", &c->checks) && read_count(&line, ", Failures: ", &c->failures) &&
           read_count(&line, ", Errors: ", &c->errors);
}

/* What the suite printed beside its first line and the one that counts: why tests failed. */
static void show(FILE *output)
{
    char line[4096];
    counts ignored;
    rewind(output);
    while (fgets(line, sizeof line, output))
        if (strncmp(line, "Running suite", 13) && !read_counts(line, &ignored)) fputs(line, stdout);
}

/* A suite that does not get to the line that counts, or that a tool found fault with afterwards, is one error more. */
static counts finish(const char *name, const running *r, int status)
{
    char line[4096];
    counts c = { 0 };
    struct timespec end;
    int counted = 0;
    clock_gettime(CLOCK_MONOTONIC, &end);
    rewind(r->output);
    while (fgets(line, sizeof line, r->output)) counted |= read_counts(line, &c);
    if (!counted || (status && !c.failures && !c.errors)) {
        c.checks++;
        c.errors++;
    }
    double seconds = (double)(end.tv_sec - r->start.tv_sec) + 1e-9 * (double)(end.tv_nsec - r->start.tv_nsec);
    printf("%-12s %5d checks %6.1f s\n", name, c.checks, seconds);
    show(r->output);
    if (!counted) printf("%s: the suite's process ended, status 0x%x, before its tests did\n", name, (unsigned)status);
    fclose(r->output);
    return c;
}

static int run_all(void)
{
    running r[SUITES];
    counts sum = { 0 };
    const long processors = sysconf(_SC_NPROCESSORS_ONLN), most = processors > 0 ? processors : 1;
    for (int begun = 0, ended = 0, status; ended < SUITES; ended++) {
        for (; begun < SUITES && begun < ended + most; begun++) r[begun] = start(begun);
        const pid_t process = wait(&status);
        int k = 0;
        while (r[k].process != process) k++;
        const counts c = finish(suites[k].name, &r[k], status);
        r[k].process = 0; /* the system may give its number to a later one */
        sum.checks += c.checks, sum.failures += c.failures, sum.errors += c.errors;
    }
    const int failed = sum.failures + sum.errors;
    printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n", 100 * (sum.checks - failed) / sum.checks, sum.checks,
           sum.failures, sum.errors);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Tests that state no time of their own have a minute: on a busy machine, Check's four seconds are over too soon. */
int main(int argc, char **argv)
{
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    if (argc > 1) return run_named(argv[1]);
    return getenv("CK_RUN_SUITE") ? run_named(NULL) : run_all();
}
