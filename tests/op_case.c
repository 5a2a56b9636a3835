/* Cases of the table: shapes, the leaves' values, the expected ones; and their graphs. */
#include "op_table.h"

int64_t op_count(ag_shape s)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    return n;
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* Operands of pointwise operations: without axes, short, of a tile and more, and every way of broadcasting. */
static const struct {
    ag_shape in[3], out;
} variants[3][9] = {
    { { { OP_SCALAR }, OP_SCALAR },
      { { OP_SHAPE(1) }, OP_SHAPE(1) },
      { { OP_SHAPE(5) }, OP_SHAPE(5) },
      { { OP_SHAPE(2, 3) }, OP_SHAPE(2, 3) },
      { { OP_SHAPE(1031) }, OP_SHAPE(1031) } },
    { { { OP_SCALAR, OP_SCALAR }, OP_SCALAR },
      { { OP_SHAPE(2, 3), OP_SHAPE(3) }, OP_SHAPE(2, 3) },
      { { OP_SHAPE(2, 1), OP_SHAPE(2, 3) }, OP_SHAPE(2, 3) },
      { { OP_SHAPE(2, 1), OP_SHAPE(1, 3) }, OP_SHAPE(2, 3) },
      { { OP_SCALAR, OP_SHAPE(5) }, OP_SHAPE(5) },
      { { OP_SHAPE(4, 1, 3), OP_SHAPE(2, 1) }, OP_SHAPE(4, 2, 3) },
      { { OP_SHAPE(1031), OP_SHAPE(1031) }, OP_SHAPE(1031) },
      { { OP_SHAPE(3, 350), OP_SHAPE(3, 1) }, OP_SHAPE(3, 350) },
      { { OP_SHAPE(41), OP_SHAPE(37, 41) }, OP_SHAPE(37, 41) } },
    { { { OP_SCALAR, OP_SCALAR, OP_SCALAR }, OP_SCALAR },
      { { OP_SHAPE(2, 3), OP_SHAPE(3), OP_SCALAR }, OP_SHAPE(2, 3) },
      { { OP_SHAPE(2, 1), OP_SHAPE(1, 3), OP_SHAPE(3) }, OP_SHAPE(2, 3) },
      { { OP_SHAPE(3), OP_SHAPE(4, 1), OP_SHAPE(2, 1, 1) }, OP_SHAPE(2, 4, 3) },
      { { OP_SHAPE(1031), OP_SHAPE(1031), OP_SHAPE(1031) }, OP_SHAPE(1031) },
      { { OP_SHAPE(3, 350), OP_SHAPE(3, 1), OP_SHAPE(350) }, OP_SHAPE(3, 350) } },
};

int op_variants(int n)
{
    return n == 1 ? 5 : n == 2 ? 9 : 6;
}

static double *values(ag_shape s, uint64_t *seed, double low, double high)
{
    double *x = malloc((size_t)op_count(s) * sizeof *x);
    for (int64_t i = 0; i < op_count(s); i++) x[i] = test_random(seed, low, high);
    return x;
}

/* The same, each value once, all at the same distance from the next. */
static double *spaced_values(ag_shape s, uint64_t *seed, double low, double high)
{
    int64_t n = op_count(s);
    double *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = low + (high - low) * ((double)i + 0.5) / (double)n;
    for (int64_t i = n; i-- > 1;) {
        int64_t k = (int64_t)test_random(seed, 0, (double)i);
        double swap = x[i];
        x[i] = x[k];
        x[k] = swap;
    }
    return x;
}

static void label(op_case *c)
{
    size_t at = (size_t)snprintf(c->label, sizeof c->label, "%s(", c->op);
    for (int k = 0; k < c->n; k++) {
        at += (size_t)snprintf(c->label + at, sizeof c->label - at, k ? ", [" : "[");
        for (int i = 0; i < c->in[k].rank; i++)
            at += (size_t)snprintf(c->label + at, sizeof c->label - at, i ? ",%d" : "%d", (int)c->in[k].dim[i]);
        at += (size_t)snprintf(c->label + at, sizeof c->label - at, "]");
    }
    if (c->arg) at += (size_t)snprintf(c->label + at, sizeof c->label - at, "; %d %d", c->arg[0], c->arg[1]);
    snprintf(c->label + at, sizeof c->label - at, ")");
}

/* The element of an operand that broadcasting puts at flat index o of the result. */
static double broadcast(ag_shape out, int64_t o, ag_shape in, const double *x)
{
    int64_t at = 0, stride = 1;
    for (int i = 1; i <= in.rank; i++) {
        int64_t index = o % out.dim[out.rank - i];
        o /= out.dim[out.rank - i];
        if (in.dim[in.rank - i] > 1) at += index * stride;
        stride *= in.dim[in.rank - i];
    }
    return x[at];
}

op_case op_case_of_point(const op_point *p, int variant)
{
    op_case c = { .op = p->op, .n = p->n, .build = p->build, .arg = p->arg, .flags = p->flags, .pointwise = 1,
                  .out = variants[p->n - 1][variant].out, .tolerance = { 2e-6, 1e-14 } };
    uint64_t seed = 1;
    for (int k = 0; k < p->n; k++) {
        c.in[k] = variants[p->n - 1][variant].in[k];
        c.value[k] = values(c.in[k], &seed, p->domain[k][0], p->domain[k][1]);
    }
    int64_t n = op_count(c.out);
    c.want = malloc((size_t)n * sizeof *c.want);
    for (int64_t o = 0; o < n; o++) {
        double x[3] = { 0 };
        for (int k = 0; k < p->n; k++) x[k] = broadcast(c.out, o, c.in[k], c.value[k]);
        c.want[o] = p->expect(x[0], x[1], x[2]);
    }
    label(&c);
    return c;
}

op_case op_case_of_row(const op_row *r)
{
    op_case c = { .op = r->op, .n = r->n, .build = r->build, .arg = r->arg, .flags = r->flags, .out = r->out };
    uint64_t seed = 1;
    c.tolerance[0] =
        r->flags & ROW_LOOSE ? 1e-4 : 5e-6 * sqrt((double)op_count(r->in[0]) / (double)op_count(r->out) + 1);
    c.tolerance[1] = r->flags & ROW_LOOSE ? 1e-10 : 1e-13;
    for (int k = 0; k < r->n; k++) {
        c.in[k] = r->in[k];
        c.value[k] = (r->flags & ROW_SPACED ? spaced_values : values)(r->in[k], &seed, r->low, r->high);
    }
    c.want = malloc((size_t)op_count(r->out) * sizeof *c.want);
    r->expect(r, (const double *const *)c.value, c.want);
    label(&c);
    return c;
}

void op_case_free(op_case *c)
{
    for (int k = 0; k < c->n; k++) free(c->value[k]);
    free(c->want);
}

/* ---- graphs of a case ------------------------------------------------------------------------------------------- */

ag_node *op_leaf(ag_graph *g, ag_dtype dtype, ag_shape s, const double *x)
{
    if (dtype == AG_F64) return ag_parameter(g, NULL, dtype, s, x);
    float *f = malloc((size_t)op_count(s) * sizeof *f);
    for (int64_t i = 0; i < op_count(s); i++) f[i] = (float)x[i];
    ag_node *p = ag_parameter(g, NULL, dtype, s, f);
    free(f);
    return p;
}

op_built op_build_case(const op_case *c, ag_dtype dtype)
{
    op_built b = { .g = ag_graph_new(NULL) };
    for (int k = 0; k < c->n; k++) b.in[k] = op_leaf(b.g, dtype, c->in[k], c->value[k]);
    b.y = c->build(b.in, c->arg);
    ck_assert_msg(!ag_is_bad(b.y), "%s: %s", c->label, ag_graph_error(b.g));
    return b;
}
