/* mcu: one training step of the 2-2-2 network of blog_network.c in C that needs no library: the plan of loss, gradient
 * and update is written out, compiled with nothing but libm, and its step is compared with the library's own.
 *
 *     mcu            compile, run, compare
 *     mcu --print    the C itself                     */
#include "../autograd/autograd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WEIGHTS = 8, NUMBERS = 1 + WEIGHTS }; /* the loss, w1, w2 */
static const double x[2] = { 0.5, 0.8 }, t[2] = { 0.2, 0.1 }, rate = 0.3;
static const double w1[4] = { 0.1, 0.2, 0.3, 0.1 }, w2[4] = { 0.4, 0.5, 0.1, 0.3 };

static void fail(const char *why)
{
    fprintf(stderr, "mcu: %s\n", why);
    exit(1);
}

/* ---- the network and its step ------------------------------------------------------------------------------------ */

typedef struct {
    ag_graph *graph;
    ag_node *x, *t, *w1, *w2, *loss;
    ag_plan *plan; /* loss and update */
} network;

static network build(void)
{
    ag_graph *g = ag_graph_new(NULL);
    network n = { .graph = g };
    n.x = ag_input(g, "x", AG_F64, AG_SHAPE(2));
    n.t = ag_input(g, "t", AG_F64, AG_SHAPE(2));
    n.w1 = ag_parameter(g, "w1", AG_F64, AG_SHAPE(2, 2), w1);
    n.w2 = ag_parameter(g, "w2", AG_F64, AG_SHAPE(2, 2), w2);
    ag_node *y = ag_sigmoid(ag_dot(ag_sigmoid(ag_dot(n.x, n.w1)), n.w2));
    n.loss = ag_mean(ag_square(ag_sub(y, n.t)));
    ag_node *update = ag_sgd(n.loss, &(ag_sgd_options){ .rate = rate });
    n.plan = ag_compile(g, 2, (ag_node *[]){ n.loss, update }, NULL);
    if (!n.plan) fail(ag_graph_error(g));
    return n;
}

static void step_by_library(const network *n, double result[NUMBERS])
{
    ag_run *r = ag_run_new(n->plan);
    if (!r) fail("out of memory");
    if (ag_feed(r, n->x, x) || ag_feed(r, n->t, t) || ag_eval(r)) fail(ag_run_error(r));
    result[0] = ag_item(r, n->loss);
    if (ag_fetch(r, n->w1, result + 1) || ag_fetch(r, n->w2, result + 5)) fail(ag_run_error(r));
    ag_run_free(r);
}

/* ---- the same in a program of its own ---------------------------------------------------------------------------- */

/* What a microcontroller would do around the step: no heap, no library; here it prints what it has computed. */
static const char program[] =
    "#include <stdio.h>\n"
    "#include \"step.h\"\n"
    "\n"
    "static const double x[2] = { 0.5, 0.8 }, t[2] = { 0.2, 0.1 };\n"
    "static double loss, workspace[step_WORKSPACE / sizeof(double) + 1];\n"
    "\n"
    "int main(void)\n"
    "{\n"
    "    const struct step_inputs in = { x, t };\n"
    "    const struct step_outputs out = { &loss };\n"
    "    struct step_parameters p = step_initial;\n"
    "    int k;\n"
    "    if (step(&in, &p, &out, workspace)) return 1;\n"
    "    printf(\"%.17g\\n\", loss);\n"
    "    for (k = 0; k < 4; k++) printf(\"%.17g\\n\", p.parameter_w1[k]);\n"
    "    for (k = 0; k < 4; k++) printf(\"%.17g\\n\", p.parameter_w2[k]);\n"
    "    return 0;\n"
    "}\n";

typedef struct {
    char folder[32], source[48], header[48], main[48], program[48];
} files;

static files make_files(void)
{
    files f = { .folder = "/tmp/mcu-XXXXXX" };
    if (!mkdtemp(f.folder)) fail("no temporary directory");
    snprintf(f.source, sizeof f.source, "%s/step.c", f.folder);
    snprintf(f.header, sizeof f.header, "%s/step.h", f.folder);
    snprintf(f.main, sizeof f.main, "%s/main.c", f.folder);
    snprintf(f.program, sizeof f.program, "%s/mcu", f.folder);
    return f;
}

static void remove_files(const files *f)
{
    unlink(f->source);
    unlink(f->header);
    unlink(f->main);
    unlink(f->program);
    rmdir(f->folder);
}

static FILE *open_file(const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) fail("cannot write to the temporary directory");
    return f;
}

static void write_sources(const network *n, const files *f)
{
    char message[256] = "";
    ag_c_options options = { .initial = 1, .message = message, .message_size = sizeof message };
    FILE *source = open_file(f->source), *header = open_file(f->header), *main = open_file(f->main);
    if (ag_write_c(n->plan, "step", source, header, &options)) fail(message);
    fputs(program, main);
    if (fclose(source) | fclose(header) | fclose(main)) fail("cannot write to the temporary directory");
}

/* Runs a program, its output going to a pipe, whose reading end is returned; or waits for it if piped is 0. */
static FILE *start(char *const arguments[], int piped, pid_t *child)
{
    int ends[2] = { -1, -1 };
    if (piped && pipe(ends)) fail("no pipe");
    *child = fork();
    if (*child == 0) {
        if (piped) dup2(ends[1], 1);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    if (*child < 0) fail("cannot start a process");
    if (piped) close(ends[1]);
    return piped ? fdopen(ends[0], "r") : NULL;
}

static void finish(pid_t child, const char *what)
{
    int status;
    if (waitpid(child, &status, 0) != child || status) fail(what);
}

static void step_by_program(const files *f, double result[NUMBERS])
{
    pid_t child;
    char *const compile[] = { "cc", "-std=c99", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-o",
                              (char *)f->program, (char *)f->main, (char *)f->source, "-lm", NULL };
    char *const run[] = { (char *)f->program, NULL };
    start(compile, 0, &child);
    finish(child, "cc failed: is there a compiler?");
    FILE *output = start(run, 1, &child);
    for (int k = 0; output && k < NUMBERS; k++)
        if (fscanf(output, "%lf", &result[k]) != 1) fail("the program printed something else");
    if (output) fclose(output);
    finish(child, "the program failed");
}

/* ---- side by side ------------------------------------------------------------------------------------------------ */

static long size_of(const char *path)
{
    FILE *f = fopen(path, "r");
    long bytes = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
    if (f) fclose(f);
    return bytes;
}

static int compare(const double library[NUMBERS], const double exported[NUMBERS])
{
    static const char *const names[NUMBERS] = { "loss",     "w1[0][0]", "w1[0][1]", "w1[1][0]", "w1[1][1]",
                                                "w2[0][0]", "w2[0][1]", "w2[1][0]", "w2[1][1]" };
    int equal = 1;
    printf("%-10s %22s %22s %12s\n", "", "library", "exported C", "difference");
    for (int k = 0; k < NUMBERS; k++) {
        double difference = exported[k] - library[k];
        printf("%-10s %22.17g %22.17g %12g\n", names[k], library[k], exported[k], difference);
        equal &= fabs(difference) <= 1e-15;
    }
    return equal;
}

int main(int argc, char **argv)
{
    double library[NUMBERS], exported[NUMBERS];
    network n = build();
    if (argc > 1) {
        if (strcmp(argv[1], "--print")) fail("usage: mcu [--print]");
        return ag_write_c(n.plan, "step", stdout, NULL, &(ag_c_options){ .initial = 1 }) != 0;
    }
    files f = make_files();
    step_by_library(&n, library);
    write_sources(&n, &f);
    step_by_program(&f, exported);
    printf("One step of training a 2-2-2 network: y = sigmoid(sigmoid(x . w1) . w2), E = mean((y - t)^2), rate %g.\n"
           "Exported: %ld bytes of C99 in step.c, compiled by cc with nothing but libm.\n\n", rate, size_of(f.source));
    int equal = compare(library, exported);
    printf("\n%s\n", equal ? "They agree." : "They do not agree.");
    remove_files(&f);
    ag_plan_free(n.plan);
    ag_graph_free(n.graph);
    return !equal;
}
