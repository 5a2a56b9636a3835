/* Special values through every pointwise operation: in vectors, and alone in scalar programs. */
#include "op_table.h"

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
        in[k] = op_leaf(g, dtype, s, x[k]);
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
                in[k] = op_leaf(g, dtype, AG_SCALAR, &x[i][k]);
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
