/* The table's driver: what is checked of every case. */
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

typedef struct {
    ag_graph *g;
    ag_node *in[3], *y;
} built;

static ag_node *leaf(ag_graph *g, ag_dtype dtype, ag_shape s, const double *x)
{
    if (dtype == AG_F64) return ag_parameter(g, NULL, dtype, s, x);
    float *f = malloc((size_t)op_count(s) * sizeof *f);
    for (int64_t i = 0; i < op_count(s); i++) f[i] = (float)x[i];
    ag_node *p = ag_parameter(g, NULL, dtype, s, f);
    free(f);
    return p;
}

static built build(const op_case *c, ag_dtype dtype)
{
    built b = { .g = ag_graph_new(NULL) };
    for (int k = 0; k < c->n; k++) b.in[k] = leaf(b.g, dtype, c->in[k], c->value[k]);
    b.y = c->build(b.in, c->arg);
    ck_assert_msg(!ag_is_bad(b.y), "%s: %s", c->label, ag_graph_error(b.g));
    return b;
}

static int contains(const ag_node *x, const char *op, int depth)
{
    if (strcmp(x->op->name, op) == 0) return 1;
    for (uint32_t i = 0; i < x->nin && depth; i++)
        if (contains(x->in[i], op, depth - 1)) return 1;
    return 0;
}

int op_reached(const op_case *c)
{
    built b = build(c, AG_F64);
    int found = contains(b.y, c->op, 8);
    ag_graph_free(b.g);
    return found;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static void compare(const op_case *c, const char *how, const double *got, double tolerance)
{
    for (int64_t i = 0; i < op_count(c->out); i++)
        ck_assert_msg(test_close(got[i], c->want[i], tolerance), "%s %s: element %lld is %.17g, not %.17g", c->label,
                      how, (long long)i, got[i], c->want[i]);
}

void op_check_values(const op_case *c)
{
    double *out = malloc((size_t)op_count(c->out) * sizeof *out);
    for (int dtype = AG_F32; dtype <= AG_F64; dtype++) {
        if (dtype == AG_F32 && c->flags & ROW_F64_ONLY) continue;
        built b = build(c, (ag_dtype)dtype);
        expect_shape(b.y, c->out);
        for (int isa = 1; isa <= test_best_isa(); isa++) {
            ag_options o = { .isa = isa };
            char how[32];
            snprintf(how, sizeof how, "%s, isa %d", dtype == AG_F32 ? "f32" : "f64", isa);
            test_evaluate(1, &b.y, &o, &out);
            compare(c, how, out, c->tolerance[dtype]);
        }
        ag_graph_free(b.g);
    }
    free(out);
}

/* ---- a program of value and derivatives ------------------------------------------------------------------------- */

enum { MOST = 1 + 3 * 3 };

typedef struct {
    int n;
    ag_node *node[MOST];
    double *value[MOST];
} outputs;

/* A sum of y's elements with weights that differ, so that an error in any of them shows. */
static ag_node *weighted(ag_node *y)
{
    uint64_t seed = 7;
    ag_node *w = test_constant(ag_graph_of(y), ag_shape_of(y), &seed, 0.5, 1.5);
    return ag_sum(ag_mul(ag_cast(w, ag_type_of(y)), y));
}

static int differentiable(const op_case *c)
{
    return !(c->flags & ROW_NO_GRADIENT);
}

/* The leaves that are differentiated: all, or all but the first, which is stored into. */
static int first_wanted(const op_case *c)
{
    return c->flags & ROW_EFFECT ? 1 : 0;
}

/* y, its gradients, and the gradients of these gradients' weighted sum, up to `order`. */
static outputs program(const op_case *c, const built *b, int order)
{
    outputs p = { .n = 1, .node = { b->y } };
    int first = first_wanted(c), n = c->n - first;
    ag_node *y = b->y;
    for (int k = 0; k < order && differentiable(c); k++) {
        ag_status status = ag_gradient(weighted(y), n, b->in + first, p.node + p.n);
        ck_assert_msg(status == AG_OK, "%s, derivative %d: %s", c->label, k + 1, ag_graph_error(b->g));
        ag_node *sum = NULL;
        for (int i = 0; i < n; i++) {
            expect_shape(p.node[p.n + i], c->in[first + i]);
            ag_node *s = weighted(p.node[p.n + i]);
            sum = sum ? ag_add(sum, s) : s;
        }
        p.n += n;
        y = sum;
    }
    for (int i = 0; i < p.n; i++) p.value[i] = malloc((size_t)ag_size_of(p.node[i]) * sizeof(double));
    return p;
}

static void release(outputs *p)
{
    for (int i = 0; i < p->n; i++) free(p->value[i]);
}

/* ---- plans: all of them compute the same ------------------------------------------------------------------------ */

static void same_bits(const op_case *c, const char *how, const outputs *p, const outputs *want)
{
    for (int k = 0; k < p->n; k++)
        for (int64_t i = 0; i < ag_size_of(p->node[k]); i++)
            ck_assert_msg(test_same_bits(p->value[k][i], want->value[k][i]),
                          "%s, %s: output %d[%lld] is %.17g, not %.17g", c->label, how, k, (long long)i, p->value[k][i],
                          want->value[k][i]);
}

/* A fused plan may use other kernels of the same functions and other orders of summation. A pointwise value is then
 * within 4 units of its last place; a sum, which cancels, within 4 of the last place of the largest element;
 * derivatives, made of several operations, within 32 of these; what is badly conditioned, within 32 times more. */
static void within_ulps(const op_case *c, const outputs *p, const outputs *want)
{
    for (int k = 0; k < p->n; k++) {
        double largest = 0;
        int64_t n = ag_size_of(p->node[k]);
        for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(want->value[k][i]));
        double slack = (k ? 32 : 4) * (c->flags & ROW_LOOSE ? 32 : 1) * (nextafter(largest, INFINITY) - largest);
        for (int64_t i = 0; i < n; i++) {
            double got = p->value[k][i], expected = want->value[k][i];
            int near = c->pointwise && k == 0 ? test_ulps(got, expected) <= 4 : fabs(got - expected) <= slack;
            ck_assert_msg(near, "%s, fused: output %d[%lld] is %.17g, not %.17g", c->label, k, (long long)i, got,
                          expected);
        }
    }
}

void op_check_plans(const op_case *c)
{
    static const struct {
        const char *how;
        ag_options options;
    } same[] = { { "poisoned", { .poison = 1 } }, { "distinct", { .distinct = 1 } }, { "2 threads", { .threads = 2 } },
                 { "3 threads", { .threads = 3 } }, { "8 threads", { .threads = 8, .poison = 1 } } };
    built b = build(c, AG_F64);
    outputs p = program(c, &b, c->n == 3 ? 1 : 2), want = program(c, &b, c->n == 3 ? 1 : 2);
    for (int isa = 1; isa <= test_best_isa(); isa++) {
        test_evaluate(p.n, p.node, &(ag_options){ .isa = isa, .unfused = 1, .distinct = 1 }, want.value);
        test_evaluate(p.n, p.node, &(ag_options){ .isa = isa }, p.value);
        within_ulps(c, &p, &want);
        for (size_t i = 0; i < COUNT(same); i++) {
            ag_options o = same[i].options;
            o.isa = isa;
            test_evaluate(p.n, p.node, &o, want.value);
            same_bits(c, same[i].how, &p, &want);
        }
    }
    release(&want);
    release(&p);
    ag_graph_free(b.g);
}

/* ---- gradients -------------------------------------------------------------------------------------------------- */

static void against_differences(const op_case *c, const char *what, ag_node *y, ag_node *const in[], int n,
                                double tolerance)
{
    ag_check_report report;
    ag_check_options options = { .orders = 2, .tolerance = tolerance, .seed = 3 };
    ag_status status = ag_check_gradient(y, n, in, &options, &report);
    ck_assert_msg(status == AG_OK, "%s, %s: status %d, %s", c->label, what, (int)status, report.message);
    ck_assert_msg(report.compared > 0 && report.error <= tolerance, "%s, %s: error %g of %lld", c->label, what,
                  report.error, (long long)report.compared);
}

static void f32_like_f64(const op_case *c)
{
    built narrow = build(c, AG_F32), wide = build(c, AG_F64);
    outputs p = program(c, &narrow, 1), want = program(c, &wide, 1);
    ag_options o = test_options();
    test_evaluate(p.n, p.node, &o, p.value);
    test_evaluate(want.n, want.node, &o, want.value);
    for (int k = 1; k < p.n; k++)
        for (int64_t i = 0; i < ag_size_of(p.node[k]); i++)
            ck_assert_msg(test_close(p.value[k][i], want.value[k][i], 1e-3),
                          "%s: gradient %d[%lld] is %.9g in f32, %.9g in f64", c->label, k - 1, (long long)i,
                          p.value[k][i], want.value[k][i]);
    release(&want);
    release(&p);
    ag_graph_free(narrow.g);
    ag_graph_free(wide.g);
}

static void zero_gradients(const op_case *c, const built *b)
{
    outputs p = program(c, b, 2);
    test_evaluate(p.n, p.node, NULL, p.value);
    for (int k = 1; k < p.n; k++)
        for (int64_t i = 0; i < ag_size_of(p.node[k]); i++) ck_assert_msg(p.value[k][i] == 0, "%s is not 0", c->label);
    release(&p);
}

void op_check_gradients(const op_case *c)
{
    if (!differentiable(c)) return;
    built b = build(c, AG_F64);
    int first = first_wanted(c), n = c->n - first;
    if (c->flags & ROW_STOPPED) zero_gradients(c, &b);
    else {
        against_differences(c, "orders 1 and 2", b.y, b.in + first, n, 1e-6);
        outputs p = program(c, &b, 3); /* the rules' rules' rules are there */
        release(&p);
        if (b.y->op->flags & AG_SMOOTH && op_count(c->out) < 100) {
            ag_node *d[3], *sum = NULL;
            ck_assert_int_eq(ag_gradient(weighted(b.y), n, b.in + first, d), AG_OK);
            for (int i = 0; i < n; i++) sum = sum ? ag_add(sum, weighted(d[i])) : weighted(d[i]);
            against_differences(c, "orders 2 and 3", sum, b.in + first, n, 1e-5);
        }
    }
    if (!(c->flags & ROW_F64_ONLY)) f32_like_f64(c);
    ag_graph_free(b.g);
}

/* ---- wrong operands --------------------------------------------------------------------------------------------- */

static void expect_refusal(const op_case *c, ag_graph *g, const char *what, ag_node *y, ag_status status)
{
    ck_assert_msg(ag_is_bad(y), "%s takes %s", c->label, what);
    ck_assert_msg(ag_graph_status(g) == status && strncmp(ag_graph_error(g), c->op, strlen(c->op)) == 0,
                  "%s with %s: status %d, message '%s'", c->label, what, (int)ag_graph_status(g), ag_graph_error(g));
    ag_graph_clear(g);
}

void op_check_errors(const op_case *c)
{
    ag_graph *g = ag_graph_new(NULL), *other = ag_graph_new(NULL);
    ag_node *in[3] = { NULL }, *bad = ag_cast(ag_number(g, 1), (ag_dtype)9);
    ck_assert_ptr_null(c->build(in, c->arg));
    ag_graph_clear(g);
    for (int k = 0; k < c->n; k++) in[k] = leaf(g, AG_F64, c->in[k], c->value[k]);
    for (int k = 0; k < c->n; k++) {
        ag_node *right = in[k];
        in[k] = bad;
        ck_assert_msg(c->build(in, c->arg) == bad && !ag_graph_status(g), "%s does not hand a bad node on", c->label);
        if (c->n > 1 && !(c->flags & ROW_INNER)) {
            in[k] = NULL;
            expect_refusal(c, g, "NULL", c->build(in, c->arg), AG_EARG);
            in[k] = leaf(other, AG_F64, c->in[k], c->value[k]);
            ag_node *y = c->build(in, c->arg);
            expect_refusal(c, ag_graph_status(g) ? g : other, "a node of another graph", y, AG_EARG);
            in[k] = ag_cast(right, AG_F32);
            if (!(c->flags & ROW_INTEGERS)) expect_refusal(c, g, "f32 among f64", c->build(in, c->arg), AG_ETYPE);
        }
        in[k] = ag_cast(right, AG_I64);
        if (!(c->flags & (ROW_INTEGERS | ROW_INNER))) expect_refusal(c, g, "i64", c->build(in, c->arg), AG_ETYPE);
        in[k] = right;
    }
    ag_graph_free(g);
    ag_graph_free(other);
}

/* ---- special values --------------------------------------------------------------------------------------------- */

static const double specials[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, 1e300, -1e300, 1e-300, -1e-300, 5e-324, -5e-324,
                                   1, -1, 0.5, -0.5, 2, -2, 3, 1e-9, -1e-9, 40, -40, 1000, -1000, 88.5, 710 };
/* In f32 the huge and tiny ones are others. */
static const double small_specials[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, 1e38, -1e38, 1e-37, -1e-37, 1e-44, -1e-44,
                                         1, -1, 0.5, -0.5, 2, -2, 3, 1e-5, -1e-5, 40, -40, 1000, -1000, 88.5, 110 };

static double special(ag_dtype dtype, size_t i)
{
    return dtype == AG_F64 ? specials[i] : (double)(float)small_specials[i];
}

/* Agreement of one element: to a tolerance where finite, in sign where zero; below the normal range anything small. */
static int agrees(double got, double want, ag_dtype dtype, unsigned flags)
{
    int zero = want == 0; /* exactly, not by underflow */
    if (dtype == AG_F32) want = (double)(float)want;
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    double least = dtype == AG_F32 ? 1.2e-38 : 2.3e-308, tolerance = dtype == AG_F32 ? 2e-6 : 1e-14;
    if (fabs(want) < least) {
        if (!(fabs(got) <= least)) return 0;
        return !zero || flags & ROW_ANY_ZERO || (got == 0 && !signbit(got) == !signbit(want));
    }
    return fabs(got - want) <= tolerance * fabs(want);
}

static void special_vector(const op_point *p, ag_dtype dtype, int isa, int unfused)
{
    size_t n = COUNT(specials), total = p->n == 1 ? n : p->n == 2 ? n * n : n * n * n;
    ag_shape s = AG_SHAPE((int64_t)total);
    double *x[3], *out = malloc(total * sizeof *out);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in[3];
    for (int k = 0; k < p->n; k++) {
        x[k] = malloc(total * sizeof *x[k]);
        for (size_t i = 0, j; i < total; i++) {
            j = k == 0 ? i % n : k == 1 ? i / n % n : i / n / n;
            x[k][i] = special(dtype, j);
        }
        in[k] = leaf(g, dtype, s, x[k]);
    }
    ag_node *y = p->build(in, p->arg);
    test_evaluate(1, &y, &(ag_options){ .isa = isa, .unfused = unfused }, &out);
    for (size_t i = 0; i < total; i++) {
        double a = x[0][i], b = p->n > 1 ? x[1][i] : 0, c = p->n > 2 ? x[2][i] : 0, want = p->expect(a, b, c);
        ck_assert_msg(agrees(out[i], want, dtype, p->flags), "%s(%g, %g, %g) is %.17g, not %.17g (%s, isa %d, vector)",
                      p->op, a, b, c, out[i], want, dtype == AG_F32 ? "f32" : "f64", isa);
    }
    ag_graph_free(g);
    for (int k = 0; k < p->n; k++) free(x[k]);
    free(out);
}

/* The same through scalar programs: rank-0 nodes, many in one plan. */
static void special_scalars(const op_point *p, ag_dtype dtype, int isa)
{
    enum { FEW = 16 };
    size_t n = COUNT(specials), total = p->n == 1 ? n : p->n == 2 ? n * n : 0;
    for (size_t start = 0; start < total; start += FEW) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *y[FEW], *in[3];
        double value[FEW], *out[FEW], x[FEW][2];
        int count = total - start < FEW ? (int)(total - start) : FEW;
        for (int i = 0; i < count; i++) {
            size_t at = start + (size_t)i;
            for (int k = 0; k < p->n; k++) {
                x[i][k] = special(dtype, k == 0 ? at % n : at / n);
                in[k] = leaf(g, dtype, AG_SCALAR, &x[i][k]);
            }
            y[i] = p->build(in, p->arg);
            out[i] = &value[i];
        }
        test_evaluate(count, y, &(ag_options){ .isa = isa }, out);
        for (int i = 0; i < count; i++) {
            double b = p->n > 1 ? x[i][1] : 0, want = p->expect(x[i][0], b, 0);
            ck_assert_msg(agrees(value[i], want, dtype, p->flags),
                          "%s(%g, %g) is %.17g, not %.17g (%s, isa %d, scalar)", p->op, x[i][0], b, value[i], want,
                          dtype == AG_F32 ? "f32" : "f64", isa);
        }
        ag_graph_free(g);
    }
}

void op_check_special(const op_point *p)
{
    if (p->flags & ROW_ORDINARY) return;
    for (int dtype = p->flags & ROW_ROUNDS ? AG_F64 : AG_F32; dtype <= AG_F64; dtype++)
        for (int isa = 1; isa <= test_best_isa(); isa++) {
            special_vector(p, (ag_dtype)dtype, isa, 0);
            special_vector(p, (ag_dtype)dtype, isa, 1);
            special_scalars(p, (ag_dtype)dtype, isa);
        }
}
