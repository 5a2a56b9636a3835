/* The table's driver: what is checked of every case. */
#include "op_table.h"

static int contains(const ag_node *x, const char *op, int depth)
{
    if (strcmp(x->op->name, op) == 0) return 1;
    for (uint32_t i = 0; i < x->nin && depth; i++)
        if (contains(x->in[i], op, depth - 1)) return 1;
    return 0;
}

int op_reached(const op_case *c)
{
    op_built b = op_build_case(c, AG_F64);
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
        op_built b = op_build_case(c, (ag_dtype)dtype);
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
op_outputs op_program(const op_case *c, const op_built *b, int order)
{
    op_outputs p = { .n = 1, .node = { b->y } };
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

void op_outputs_free(op_outputs *p)
{
    for (int i = 0; i < p->n; i++) free(p->value[i]);
}

/* ---- plans: all of them compute the same ------------------------------------------------------------------------ */

static void same_bits(const op_case *c, const char *how, const op_outputs *p, const op_outputs *want)
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
static void within_ulps(const op_case *c, const op_outputs *p, const op_outputs *want)
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
    op_built b = op_build_case(c, AG_F64);
    op_outputs p = op_program(c, &b, c->n == 3 ? 1 : 2), want = op_program(c, &b, c->n == 3 ? 1 : 2);
    for (int isa = 1; isa <= test_best_isa(); isa++) {
        test_evaluate(p.n, p.node, &(ag_options){ .isa = isa, .unfused = 1, .distinct = 1, .verify = 1 }, want.value);
        test_evaluate(p.n, p.node, &(ag_options){ .isa = isa }, p.value);
        within_ulps(c, &p, &want);
        for (size_t i = 0; i < COUNT(same); i++) {
            ag_options o = same[i].options;
            o.isa = isa;
            o.verify = 1;
            test_evaluate(p.n, p.node, &o, want.value);
            same_bits(c, same[i].how, &p, &want);
        }
    }
    op_outputs_free(&want);
    op_outputs_free(&p);
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
    op_built narrow = op_build_case(c, AG_F32), wide = op_build_case(c, AG_F64);
    op_outputs p = op_program(c, &narrow, 1), want = op_program(c, &wide, 1);
    ag_options o = test_options();
    test_evaluate(p.n, p.node, &o, p.value);
    test_evaluate(want.n, want.node, &o, want.value);
    for (int k = 1; k < p.n; k++)
        for (int64_t i = 0; i < ag_size_of(p.node[k]); i++)
            ck_assert_msg(test_close(p.value[k][i], want.value[k][i], 1e-3),
                          "%s: gradient %d[%lld] is %.9g in f32, %.9g in f64", c->label, k - 1, (long long)i,
                          p.value[k][i], want.value[k][i]);
    op_outputs_free(&want);
    op_outputs_free(&p);
    ag_graph_free(narrow.g);
    ag_graph_free(wide.g);
}

static void zero_gradients(const op_case *c, const op_built *b)
{
    op_outputs p = op_program(c, b, 2);
    test_evaluate(p.n, p.node, NULL, p.value);
    for (int k = 1; k < p.n; k++)
        for (int64_t i = 0; i < ag_size_of(p.node[k]); i++) ck_assert_msg(p.value[k][i] == 0, "%s is not 0", c->label);
    op_outputs_free(&p);
}

void op_check_gradients(const op_case *c)
{
    if (!differentiable(c)) return;
    op_built b = op_build_case(c, AG_F64);
    int first = first_wanted(c), n = c->n - first;
    if (c->flags & ROW_STOPPED) zero_gradients(c, &b);
    else {
        against_differences(c, "orders 1 and 2", b.y, b.in + first, n, 1e-6);
        op_outputs p = op_program(c, &b, 3); /* the rules' rules' rules are there */
        op_outputs_free(&p);
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
    for (int k = 0; k < c->n; k++) in[k] = op_leaf(g, AG_F64, c->in[k], c->value[k]);
    for (int k = 0; k < c->n; k++) {
        ag_node *right = in[k];
        in[k] = bad;
        ck_assert_msg(c->build(in, c->arg) == bad && !ag_graph_status(g), "%s does not hand a bad node on", c->label);
        if (c->n > 1 && !(c->flags & ROW_INNER)) {
            in[k] = NULL;
            expect_refusal(c, g, "NULL", c->build(in, c->arg), AG_EARG);
            in[k] = op_leaf(other, AG_F64, c->in[k], c->value[k]);
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
