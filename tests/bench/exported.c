/* exported: four programs as ag_write_c writes them, and the same by hand (exported/hand.c), each compiled by three
 * command lines: Jacobian and objective of a collocation, a stencil's gradient, a network's step of Adam. */
#include "bench.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KNOTS = 51, STATES = 4, SIDE = 64, BATCH = 32, IN = 16, HIDDEN = 64, OUT = 4 };

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static void write_program(const char *folder, const char *name, int n, ag_node *const output[])
{
    char path[128], message[256] = "";
    FILE *file[2];
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/%s.%c", folder, name, "ch"[k]);
        file[k] = fopen(path, "w");
        bench_require(file[k] ? AG_OK : AG_EIO, path);
    }
    ag_graph *g = ag_graph_of(output[0]);
    ag_plan *p = ag_compile(g, n, output, NULL);
    bench_require(p ? AG_OK : AG_EARG, ag_graph_error(g));
    const ag_c_options o = { .initial = 1, .message = message, .message_size = sizeof message };
    bench_require(ag_write_c(p, name, file[0], file[1], &o) ? AG_EIO : AG_OK, message);
    for (int k = 0; k < 2; k++) fclose(file[k]);
    ag_plan_free(p);
}

static ag_node *column(ag_node *x, int k)
{
    return ag_index(x, 1, k);
}

static ag_node *scaled(double by, ag_node *x)
{
    return ag_mul(ag_number(ag_graph_of(x), by), x);
}

/* Slopes of a cart with a pole: [KNOTS, STATES] of place, angle and their speeds. */
static ag_node *slopes_of(ag_node *x, ag_node *u)
{
    const double m = 0.3, l = 0.5, g = 9.81;
    ag_node *s = ag_sin(column(x, 1)), *c = ag_cos(column(x, 1)), *w = column(x, 3);
    ag_node *pull = ag_mul(s, ag_square(w)), *one = ag_number(ag_graph_of(x), 1);
    ag_node *a = ag_add(ag_add(scaled(l * m, pull), u), scaled(m * g, ag_mul(c, s)));
    ag_node *b = ag_add(ag_add(scaled(l * m, ag_mul(c, pull)), ag_mul(u, c)), scaled((1 + m) * g, s));
    ag_node *q = ag_add(one, scaled(m, ag_square(s)));
    ag_node *all[] = { column(x, 2), w, ag_div(a, q), scaled(-1 / l, ag_div(b, q)) };
    return ag_stack(STATES, all, 1);
}

static ag_node *from(ag_node *x, int64_t first)
{
    return ag_slice(x, 0, first, first ? AG_END : -1, 1);
}

static void write_collocation(const char *folder)
{
    const double half = 0.02;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x[] = { ag_input(g, "states", AG_F64, AG_SHAPE(KNOTS, STATES)),
                     ag_input(g, "controls", AG_F64, AG_SHAPE(KNOTS)) };
    ag_node *f = slopes_of(x[0], x[1]), *d[2], *squares = ag_square(x[1]);
    ag_node *defects = ag_sub(ag_sub(from(x[0], 1), from(x[0], 0)), scaled(half, ag_add(from(f, 1), from(f, 0))));
    const ag_sparse *j = ag_sparse_jacobian(defects, 2, x, NULL);
    bench_require(j ? AG_OK : AG_EARG, ag_graph_error(g));
    write_program(folder, "collocation", 1, &j->values);
    ag_node *effort = scaled(half, ag_sum(ag_add(from(squares, 0), from(squares, 1))));
    bench_require(ag_gradient(effort, 2, x, d), ag_graph_error(g));
    write_program(folder, "effort", 2, d);
    ag_graph_free(g);
}

/* x with rows and columns from `row` and `column` on, of the extent that inner elements have. */
static ag_node *inner(ag_node *x, int64_t row, int64_t column)
{
    return ag_slice(ag_slice(x, 0, row, row + SIDE - 2, 1), 1, column, column + SIDE - 2, 1);
}

static void write_stencil(const char *folder)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "field", AG_F64, AG_SHAPE(SIDE, SIDE)), *d;
    ag_node *around = ag_add(ag_add(inner(x, 0, 1), inner(x, 2, 1)), ag_add(inner(x, 1, 0), inner(x, 1, 2)));
    ag_node *loss = ag_mean(ag_square(ag_sub(around, scaled(4, inner(x, 1, 1)))));
    bench_require(ag_gradient(loss, 1, &x, &d), ag_graph_error(g));
    write_program(folder, "stencil", 1, &d);
    ag_graph_free(g);
}

static ag_node *layer(ag_node *x, const char *weights, const char *bias, int rows, int columns)
{
    ag_graph *g = ag_graph_of(x);
    float *values = bench_take((int64_t)rows * columns, sizeof *values);
    bench_fill_f32(values, (int64_t)rows * columns, -1.7 / sqrt(rows), 1.7 / sqrt(rows));
    ag_node *w = ag_parameter(g, weights, AG_F32, AG_SHAPE(rows, columns), values);
    free(values);
    return ag_add(ag_matmul(x, w), ag_parameter(g, bias, AG_F32, AG_SHAPE(columns), NULL));
}

static void write_mlp(const char *folder)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(BATCH, IN)), *t = ag_input(g, "t", AG_F32, AG_SHAPE(BATCH, OUT));
    ag_node *h = ag_tanh(layer(x, "W1", "b1", IN, HIDDEN));
    h = ag_tanh(layer(h, "W2", "b2", HIDDEN, HIDDEN));
    ag_node *loss = ag_mean(ag_square(ag_sub(layer(h, "W3", "b3", HIDDEN, OUT), t)));
    write_program(folder, "mlp", 2, (ag_node *[]){ loss, ag_adam(loss, NULL) });
    ag_graph_free(g);
}

/* ---- rows of the table ------------------------------------------------------------------------------------------- */

typedef void plain(void);
typedef struct {
    plain *ours, *limit;
} calls;

static void ours(void *context)
{
    ((calls *)context)->ours();
}

static void limit(void *context)
{
    ((calls *)context)->limit();
}

static void *find(void *library, const char *format, const char *name)
{
    char text[64];
    snprintf(text, sizeof text, format, name);
    void *found = dlsym(library, text);
    bench_require(found ? AG_OK : AG_EIO, text);
    return found;
}

static const struct {
    const char *name, *data; /* what fills its operands */
    int n, wide;             /* elements to compare, doubles or floats */
} row[] = { { "collocation", "collocation", (KNOTS - 1) * 22, 1 }, { "effort", "collocation", KNOTS * (STATES + 1), 1 },
            { "stencil", "stencil", SIDE * SIDE, 1 },
            { "mlp", "mlp", IN * HIDDEN + HIDDEN + HIDDEN * HIDDEN + HIDDEN + HIDDEN * OUT + OUT, 0 } };

static calls calls_of(void *library, int k)
{
    calls c;
    *(void **)&c.ours = find(library, "ours_%s", row[k].name);
    *(void **)&c.limit = find(library, "hand_%s", row[k].name);
    return c;
}

/* One call of each, and what they give. */
static void check(void *library, int k, const calls *c)
{
    plain *fill, *read;
    *(void **)&fill = find(library, "fill_%s", row[k].data);
    fill();
    c->ours();
    c->limit();
    const void *got = *(void *const *)find(library, "ours_%s_result", row[k].name);
    const void *want = *(void *const *)find(library, "hand_%s_result", row[k].name);
    *(void **)&read = row[k].wide ? NULL : find(library, "read_%s", row[k].name);
    if (read) read(), bench_agree_f32(row[k].name, row[k].n, got, want, 1e-4);
    else bench_agree_f64(row[k].name, row[k].n, got, want, 1e-12);
}

static void measure(const char *folder, int number, const char *compiler)
{
    char command[512];
    snprintf(command, sizeof command,
             "for f in collocation effort stencil mlp; do %s -std=c99 -fPIC -c %s/$f.c -o %s/$f.o || exit 1; done;"
             " %s -std=c99 -fPIC -I%s -shared tests/bench/exported/hand.c %s/*.o -o %s/%d.so -lm",
             compiler, folder, folder, compiler, folder, folder, folder, number);
    bench_require(system(command) ? AG_EIO : AG_OK, compiler);
    snprintf(command, sizeof command, "%s/%d.so", folder, number);
    void *library = dlopen(command, RTLD_NOW | RTLD_LOCAL);
    bench_require(library ? AG_OK : AG_EIO, dlerror());
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        calls c = calls_of(library, (int)k);
        check(library, (int)k, &c);
        bench_print(row[k].name, "us", 1e6, bench_compare(ours, limit, &c));
        printf(" %s\n", compiler);
    }
    dlclose(library);
}

void bench_exported(const char *name)
{
    static const char *const compilers[] = { "gcc -O2", "clang -O2", "gcc -O3 -march=native" };
    char folder[] = "/tmp/autograd-XXXXXX", command[64];
    bench_require(mkdtemp(folder) ? AG_OK : AG_EIO, name);
    write_collocation(folder);
    write_stencil(folder);
    write_mlp(folder);
    for (int k = 0; k < 3; k++) measure(folder, k, compilers[k]);
    snprintf(command, sizeof command, "rm -r %s", folder);
    bench_require(getenv("KEEP") || !system(command) ? AG_OK : AG_EIO, folder);
}
