/* Digits where functions saturate or are nearly linear: softmax and its kin, where one class has nearly all of the
 * probability, every entry of whose first and second derivatives is compared with what MPFR makes of closed forms,
 * relative to itself; and single points where rules that are stated naively lose everything. */
#include "accuracy.h"

#include "shared/softmax.h"

#include <float.h>

/* So many bits that 1 - p has all its digits, be it e^-1000. */
enum { BITS = 4000, CLASSES = 1000, ENTRIES = 4 };

/* ---- what is looked at ------------------------------------------------------------------------------------------- */

typedef struct {
    int n;
    double x[4];    /* of the first classes, exact in f32 */
    double others;  /* i % 5 times this of all others */
} logits;

static const logits rows[] = {
    { 2, { 0, 40 }, 0 },          { 2, { 17, 0 }, 0 },           { 3, { 0, 100, 3 }, 0 },   { 3, { 80, 3, -2 }, 0 },
    { 2, { 1e10, 1e10 }, 0 },     { 2, { 0x1p100, 0x1p100 }, 0 }, { 2, { 100, 100 }, 0 }, { 3, { 1, 2, 3.5 }, 0 },
              { 4, { 5, 5, 5, 5 }, 0 },  { 2, { -0.5, 0.25 }, 0 },
    { 3, { 0, -INFINITY, 30 }, 0 }, { 3, { -INFINITY, 2, -INFINITY }, 0 }, { 2, { 0, 1000 }, 0 },
    { CLASSES, { 7, 7, 7, 7 }, 0 }, { CLASSES, { 60, 3, 0, 1 }, 1 }, { CLASSES, { 0, 1, 2, 9 }, 1.5 },
};

static double logit(const logits *r, int i)
{
    return i < 4 ? r->x[i] : r->n == CLASSES && r->others == 0 ? r->x[0] : i % 5 * r->others;
}

typedef enum { SOFTMAX, LOG_SOFTMAX, CROSS_ENTROPY, SOFTMAX_ERROR, LOGSUMEXP, KINDS } kind;
static const char *const kind_name[] = { "softmax", "log_softmax", "cross_entropy", "softmax_error", "logsumexp" };

/* Element a of what the operation makes of x [1, n]; a is the label, where there is one. */
static ag_node *build(kind k, ag_node *x, int a)
{
    int64_t label = a;
    ag_node *labels = ag_constant(x->graph, AG_I64, AG_SHAPE(1), &label), *y = NULL;
    switch (k) {
    case SOFTMAX: y = ag_softmax(x, 1); break;
    case LOG_SOFTMAX: y = ag_log_softmax(x, -1); break;
    case CROSS_ENTROPY: return ag_cross_entropy(x, labels);
    case SOFTMAX_ERROR: y = agi_new_softmax_error(x, labels, &(agi_label_form){ 0, 0 }); break;
    default: return ag_logsumexp(x);
    }
    return ag_sum(ag_slice(y, 1, a, a + 1, 1));
}

/* ---- closed forms ------------------------------------------------------------------------------------------------ */

typedef struct {
    int n;
    mpfr_t p[CLASSES], log_sum, t, u;
} shares;

static void find_shares(shares *s, const logits *r)
{
    double largest = -INFINITY;
    s->n = r->n;
    mpfr_inits2(BITS, s->log_sum, s->t, s->u, (mpfr_ptr)NULL);
    mpfr_set_zero(s->log_sum, 1);
    for (int i = 0; i < s->n; i++) largest = fmax(largest, logit(r, i));
    for (int i = 0; i < s->n; i++) {
        mpfr_init2(s->p[i], BITS);
        mpfr_set_d(s->p[i], logit(r, i), MPFR_RNDN);
        mpfr_sub_d(s->p[i], s->p[i], largest, MPFR_RNDN);
        mpfr_exp(s->p[i], s->p[i], MPFR_RNDN);
        mpfr_add(s->log_sum, s->log_sum, s->p[i], MPFR_RNDN);
    }
    for (int i = 0; i < s->n; i++) mpfr_div(s->p[i], s->p[i], s->log_sum, MPFR_RNDN);
    mpfr_log(s->log_sum, s->log_sum, MPFR_RNDN);
    mpfr_add_d(s->log_sum, s->log_sum, largest, MPFR_RNDN);
}

static void drop_shares(shares *s)
{
    for (int i = 0; i < s->n; i++) mpfr_clear(s->p[i]);
    mpfr_clears(s->log_sum, s->t, s->u, (mpfr_ptr)NULL);
}

/* [i = j] - p[j] */
static void rest(mpfr_t y, const shares *s, int i, int j)
{
    mpfr_ui_sub(y, i == j, s->p[j], MPFR_RNDN);
}

static void of_value(mpfr_t y, const shares *s, kind k, int a)
{
    if (k == SOFTMAX) mpfr_set(y, s->p[a], MPFR_RNDN);
    else if (k == SOFTMAX_ERROR) mpfr_sub_ui(y, s->p[a], 1, MPFR_RNDN);
    else if (k == LOGSUMEXP) mpfr_set(y, s->log_sum, MPFR_RNDN);
    else mpfr_log(y, s->p[a], MPFR_RNDN);
    if (k == CROSS_ENTROPY) mpfr_neg(y, y, MPFR_RNDN);
}

static void of_slope(mpfr_t y, const shares *s, kind k, int a, int b)
{
    rest(y, s, a, b);
    if (k == SOFTMAX || k == SOFTMAX_ERROR) mpfr_mul(y, y, s->p[a], MPFR_RNDN);
    if (k == CROSS_ENTROPY) mpfr_neg(y, y, MPFR_RNDN);
    if (k == LOGSUMEXP) mpfr_set(y, s->p[b], MPFR_RNDN);
}

/* p[b] ([b = c] - p[c]) but for its sign; of a share p[a] (([a = b] - p[b]) ([a = c] - p[c]) - that). */
static void of_bend(mpfr_t y, shares *s, kind k, int a, int b, int c)
{
    rest(y, s, b, c);
    mpfr_mul(y, y, s->p[b], MPFR_RNDN);
    if (k == LOGSUMEXP || k == CROSS_ENTROPY) return;
    mpfr_neg(y, y, MPFR_RNDN);
    if (k == LOG_SOFTMAX) return;
    rest(s->t, s, a, b);
    rest(s->u, s, a, c);
    mpfr_mul(s->t, s->t, s->u, MPFR_RNDN);
    mpfr_add(y, y, s->t, MPFR_RNDN);
    mpfr_mul(y, y, s->p[a], MPFR_RNDN);
}

/* ---- how far ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const logits *row;
    shares *shares;
    kind kind;
    ag_dtype dtype;
    int a; /* the element looked at */
    double most[3];
} looked_at;

static void expect_near(looked_at *l, int order, int b, int c, double got)
{
    static const double bound[] = { 4, 4, 16 };
    mpfr_t y;
    mpfr_init2(y, BITS);
    if (order == 0) of_value(y, l->shares, l->kind, l->a);
    else if (order == 1) of_slope(y, l->shares, l->kind, l->a, b);
    else of_bend(y, l->shares, l->kind, l->a, b, c);
    long double want = mpfr_get_ld(y, MPFR_RNDN);
    double off = isinf(want) ? (got == (double)want ? 0 : INFINITY) : accuracy_distance(l->dtype, got, want, 0);
    mpfr_clear(y);
    if (off > l->most[order]) l->most[order] = off;
    ck_assert_msg(off <= bound[order] || getenv("AG_TABLE"),
                  "%s, f%d, row %d, derivative %d of [%d] by [%d] [%d]: %.17g, not %.17Lg; %.3g ulp",
                  kind_name[l->kind], l->dtype == AG_F32 ? 32 : 64, (int)(l->row - rows), order, l->a, b, c, got, want,
                  off);
}

/* Of few classes the whole Hessian, which is a batch of products. */
static void look_at_hessian(looked_at *l, ag_node *y, ag_node *x)
{
    double hessian[ENTRIES * ENTRIES];
    ag_node *h = ag_hessian(y, x);
    test_evaluate(1, &h, NULL, (double *[]){ hessian });
    for (int i = 0; i < l->row->n * l->row->n; i++)
        expect_near(l, 2, i / l->row->n, i % l->row->n, hessian[i]);
}

/* Backwards twice, and the slopes forwards. */
static void look(looked_at *l)
{
    double x[CLASSES], *got[2 + 2 * ENTRIES], *room = malloc((2 + 2 * ENTRIES) * CLASSES * sizeof *room);
    int n = l->row->n, few = n < ENTRIES ? n : ENTRIES;
    for (int i = 0; i < n; i++) x[i] = logit(l->row, i);
    for (int i = 0; i < 2 + 2 * ENTRIES; i++) got[i] = room + i * CLASSES;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *in = op_leaf(g, l->dtype, AG_SHAPE(1, n), x), *node[2 + 2 * ENTRIES];
    node[0] = build(l->kind, in, l->a);
    ag_gradient(node[0], 1, &in, &node[1]);
    for (int b = 0; b < few; b++) {
        double unit[CLASSES] = { 0 };
        unit[b] = 1;
        ag_node *along = op_leaf(g, l->dtype, AG_SHAPE(1, n), unit);
        ag_gradient(ag_sum(ag_slice(node[1], 1, b, b + 1, 1)), 1, &in, &node[2 + 2 * b]);
        ag_jvp(1, &in, &along, 1, &node[1], &node[3 + 2 * b]);
    }
    expect_well(g);
    test_evaluate(2 + 2 * few, node, NULL, got);
    expect_near(l, 0, 0, 0, *got[0]);
    for (int c = 0; c < n; c++) {
        expect_near(l, 1, c, 0, got[1][c]);
        for (int b = 0; b < few; b++) expect_near(l, 2, b, c, got[2 + 2 * b][c]);
        for (int b = 0; b < few; b++) expect_near(l, 2, b, c, got[3 + 2 * b][c]);
    }
    if (n <= ENTRIES) look_at_hessian(l, node[0], in);
    ag_graph_free(g);
    free(room);
}

START_TEST(where_one_class_has_nearly_all)
{
    shares *s = malloc(sizeof *s);
    const logits *row = &rows[_i];
    find_shares(s, row);
    for (kind k = 0; k < KINDS; k++)
        for (int dtype = 0; dtype < (test_quick() ? 1 : 2); dtype++) { /* valgrind's long double is a double */
            looked_at l = { row, s, k, (ag_dtype)dtype, 0, { 0 } };
            for (; l.a < row->n && l.a < ENTRIES; l.a++) look(&l);
            if (getenv("AG_TABLE"))
                printf("%-14s f%d row %d %9.3g %9.3g %9.3g\n", kind_name[k], dtype ? 64 : 32, _i, l.most[0], l.most[1],
                       l.most[2]);
        }
    drop_shares(s);
    free(s);
    mpfr_free_cache();
}
END_TEST

/* ---- single points ----------------------------------------------------------------------------------------------- */

typedef struct {
    ag_node *(*function)(ag_node *);
    int order;
    double x, want;
} point;

static const point points[] = {
    { ag_sigmoid, 1, 37.43, 5.5508250862537188e-17 },     { ag_sigmoid, 1, 17, 4.13993737600350164e-8 },
    { ag_sigmoid, 1, -37.43, 5.5508250862537188e-17 },    { ag_sigmoid, 1, 80, 1.80485138784541517e-35 },
    { ag_sigmoid, 2, 37.43, -5.55082508625371818e-17 },   { ag_sigmoid, 2, 17, -4.1399370332218579e-8 },
    { ag_sigmoid, 2, 1e-17, -1.25e-18 },                  { ag_sigmoid, 2, -1e-200, 1.25e-201 },
    { ag_sigmoid, 3, 40, 4.24835425529158885e-18 },       { ag_tanh, 1, 20, 1.69934170211663558e-17 },
    { ag_tanh, 1, 10, 8.24461445576739737e-9 },           { ag_tanh, 2, 20, -3.39868340423327114e-17 },
    { ag_tanh, 2, 1e-17, -2e-17 },                        { ag_tanh, 3, 20, 6.79736680846654216e-17 },
    { ag_softplus, 2, 40, 4.24835425529158896e-18 },      { ag_softplus, 2, 17, 4.13993737600350164e-8 },
    { ag_softplus, 3, 40, -4.24835425529158892e-18 },     { ag_softplus, 3, -40, 4.24835425529158892e-18 },
    { ag_softplus, 3, 17, -4.1399370332218579e-8 },       { ag_softplus, 3, 1e-17, -1.25e-18 },
    { ag_silu, 2, 50, -9.25799927022680536e-21 },         { ag_silu, 2, -50, -9.25799927022680536e-21 },
    { ag_silu, 2, 20, -3.7100764881019119e-8 },           { ag_silu, 2, 1e-17, 0.5 },
    { ag_silu, 3, 1e-17, -5e-18 },                        { ag_silu, 3, 50, 9.06512428543041358e-21 },
    { ag_asin, 2, 1e-17, 1e-17 },                         { ag_asin, 2, 1e-200, 1e-200 },
    { ag_asin, 3, 1e-17, 1 },                             { ag_acos, 2, 1e-17, -1e-17 },
    { ag_acos, 2, -1e-200, 1e-200 },                      { ag_atan, 2, 1e-17, -2e-17 },
    { ag_atan, 1, 1e150, 1e-300 },                        { ag_erf, 2, 1e-17, -2.25675833419102515e-17 },
    { ag_erf, 1, 20, 2.16103747438679846e-174 },          { ag_erf, 2, 20, -8.64414989754719384e-173 },
    { ag_erfc, 1, 20, -2.16103747438679846e-174 },        { ag_expm1, 2, -40, 4.248354255291589e-18 },
    { ag_log1p, 2, 1e15, -9.99999999999998e-31 },         { ag_cosh, 1, 1e-17, 1e-17 },
    { ag_sqrt, 1, 1e-200, 5e99 },                         { ag_sqrt, 1, 1e200, 5e-101 },
};

static double derivative_at(const point *p, ag_dtype dtype)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = op_leaf(g, dtype, AG_SCALAR, &p->x), *y = p->function(x);
    for (int k = 0; k < p->order; k++) ag_gradient(y, 1, &x, &y);
    expect_well(g);
    double got = test_number(y);
    ag_graph_free(g);
    return got;
}

START_TEST(at_single_points)
{
    for (const point *p = points; p < points + COUNT(points); p++)
        for (int dtype = 0; dtype < 2; dtype++) {
            int fits = p->x == (float)p->x && fabs(p->want) > FLT_MIN;
            if (dtype == AG_F32 && !fits) continue;
            double got = derivative_at(p, (ag_dtype)dtype);
            double off = accuracy_distance((ag_dtype)dtype, got, p->want, 0);
            ck_assert_msg(off <= 16, "row %d, f%d: %.17g, not %.17g; %.3g ulp", (int)(p - points),
                          dtype == AG_F32 ? 32 : 64, got, p->want, off);
        }
}
END_TEST

/* Derivatives of the angle of (b, a) where a^2 + b^2 is beyond the type: b, -a over that; -2 a b over its square. */
START_TEST(angles_of_any_size)
{
    static const struct {
        ag_dtype dtype;
        double unit;
    } size[] = { { AG_F64, 1e200 }, { AG_F64, 1e-200 }, { AG_F64, 1 }, { AG_F32, 0x1p80 }, { AG_F32, 0x1p-80 } };
    for (size_t i = 0; i < COUNT(size); i++) {
        double u = size[i].unit, a = 3 * u, b = 4 * u, got[3];
        ag_graph *g = ag_graph_new(NULL);
        ag_node *y = op_leaf(g, size[i].dtype, AG_SCALAR, &a), *x = op_leaf(g, size[i].dtype, AG_SCALAR, &b), *d[3];
        ag_gradient(ag_atan2(y, x), 2, (ag_node *[]){ y, x }, d);
        ag_gradient(ag_mul(d[0], x), 1, &y, &d[2]); /* in units that do not overflow */
        test_evaluate(3, d, NULL, (double *[]){ &got[0], &got[1], &got[2] });
        const double want[] = { 4.0 / 25 / u, -3.0 / 25 / u, -2.0 * 3 * 4 * 4 / 625 / u };
        for (int k = 0; k < 3; k++)
            ck_assert_msg(accuracy_distance(size[i].dtype, got[k], want[k], 0) <= 16, "%g, derivative %d: %g, not %g",
                          u,
                          k, got[k], want[k]);
        ag_graph_free(g);
    }
}
END_TEST

/* p = q = 0 is moved by its gradients, limited to a norm of `limit`. */
static void expect_clipped(ag_dtype p_type, double dp, ag_dtype q_type, double dq, double limit)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *p = ag_parameter(g, NULL, p_type, AG_SCALAR, NULL);
    ag_node *q = ag_parameter(g, NULL, q_type, AG_SCALAR, NULL);
    ag_node *by_p = ag_mul(p, ag_cast(ag_number(g, dp), p_type));
    ag_node *by_q = ag_mul(q, ag_cast(ag_number(g, dq), q_type));
    ag_node *loss = ag_add(ag_cast(by_p, AG_F64), ag_cast(by_q, AG_F64));
    ag_node *update = ag_sgd(loss, &(ag_sgd_options){ .rate = 1, .clip_norm = limit });
    expect_well(g);
    ag_plan *plan = ag_compile(g, 1, &update, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    double factor = fmin(1, limit / hypot(dp, dq));
    double want[] = { -dp * factor, -dq * factor }, got[] = { ag_item(run, p), ag_item(run, q) };
    for (int k = 0; k < 2; k++)
        ck_assert_msg(fabs(got[k] - want[k]) <= 1e-6 * fabs(want[k]), "gradients %g, %g: %g, not %g", dp, dq, got[k],
                      want[k]);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}

/* Gradients whose squares overflow or vanish, or that are nothing in the other parameter's type. */
START_TEST(norms_of_any_size)
{
    expect_clipped(AG_F64, 3e200, AG_F64, 4e200, 1);
    expect_clipped(AG_F64, 3e-200, AG_F64, 4e-200, 1e-200);
    expect_clipped(AG_F64, 3e-200, AG_F64, 4e-200, 1);
    expect_clipped(AG_F64, 0, AG_F64, 0, 1);
    expect_clipped(AG_F32, 3e30, AG_F32, 4e30, 1);
    expect_clipped(AG_F32, 3e-30, AG_F32, 4e-30, 1e-30);
    expect_clipped(AG_F64, 3e-200, AG_F32, 0, 1);
    expect_clipped(AG_F64, 3e-200, AG_F32, 0, 1e-200);
    expect_clipped(AG_F64, 3e200, AG_F32, 4, 1e199);
}
END_TEST

Suite *suite_digits(void)
{
    Suite *suite = suite_create("digits");
    TCase *t = tcase_create("digits");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, where_one_class_has_nearly_all, 0, (int)COUNT(rows));
    tcase_add_test(t, at_single_points);
    tcase_add_test(t, angles_of_any_size);
    tcase_add_test(t, norms_of_any_size);
    suite_add_tcase(suite, t);
    return suite;
}
