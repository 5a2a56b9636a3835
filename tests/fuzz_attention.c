/* The reference's attention: of each query the weights of the keys, and what is known of them. */
#include "fuzz.h"
#include "shared/heads.h"
#include "shared/matrix.h"

enum { MOST = 256 }; /* keys */

typedef struct {
    const ag_node *y;
    const fuzz_value *const *in;
    int64_t head, queries, keys, depth, width;
    real scale, unit;
    real p[MOST], log_total, error; /* of a query: weights, whose relative error is at most that, or INFINITY */
    int64_t met;
} attention;

static attention start(const ag_node *y, const fuzz_value *const in[])
{
    const agi_attention_form *f = y->attribute;
    attention a = { .y = y, .in = in, .queries = agi_rows(y->in[0]), .keys = agi_rows(y->in[1]),
                    .depth = agi_cols(y->in[0]), .width = agi_cols(y->in[2]), .scale = f->scale,
                    .unit = y->dtype == AG_F32 ? 0x1p-24L : 0x1p-53L };
    ck_assert_int_le(a.keys, MOST);
    return a;
}

/* Element (row, column) of the head's matrix of operand k. */
static int64_t at(const attention *a, int k, int64_t row, int64_t column)
{
    const ag_node *x = a->y->in[k];
    return (a->head * agi_rows(x) + row) * agi_cols(x) + column;
}

static void add_of(const attention *a, fuzz_summation *s, int k, int64_t i, int l, int64_t j)
{
    const fuzz_value *x = a->in[k], *z = a->in[l];
    fuzz_add_product(s, x->value[i], x->bound[i], z->value[j], z->bound[j]);
}

/* The element of the mask, if there is one, and a failure to know it. */
static real masked(const attention *a, int64_t i, int64_t j, real *error)
{
    const int place = agi_mask_place(a->y->op == &agi_attention_slope);
    if ((uint32_t)place >= a->y->nin) return 0;
    const int64_t k = (a->head * a->queries + i) * a->keys + j;
    *error = fmaxl(*error, a->in[place]->bound[k]);
    return a->in[place]->value[k];
}

/* An error e of scores is one of e^2e of weights at most. */
static void weigh(attention *a, int64_t i)
{
    const agi_attention_form *f = a->y->attribute;
    real most = -INFINITY, total = 0, error = 0;
    a->met = f->causal && i + 1 < a->keys ? i + 1 : a->keys;
    for (int64_t j = 0; j < a->met; j++) {
        fuzz_summation s = { 0 };
        for (int64_t l = 0; l < a->depth; l++) add_of(a, &s, 0, at(a, 0, i, l), 1, at(a, 1, j, l));
        a->p[j] = a->scale * s.sum + masked(a, i, j, &error);
        error = fmaxl(error, fabsl(a->scale) * (s.spread + 2 * ((real)s.n + 3) * a->unit * s.size));
        if (isnan(a->p[j]) || isinf(a->p[j])) error = INFINITY;
        most = fmaxl(most, a->p[j]);
    }
    for (int64_t j = 0; j < a->met; j++) total += a->p[j] = expl(a->p[j] - most);
    for (int64_t j = 0; j < a->met; j++) a->p[j] /= total;
    if (most == -INFINITY) error = INFINITY;
    a->log_total = most + logl(total);
    error += 4 * a->unit * fabsl(most);
    a->error = error < 0.1L ? 4 * error + 2 * ((real)a->keys + 16) * a->unit : INFINITY;
}

/* v, known up to e, and what roundings may do besides. */
static void put(const attention *a, fuzz_value *out, int64_t k, real v, real e)
{
    const real tiny = a->y->dtype == AG_F32 ? 0x1p-140L : 0x1p-1060L; /* weights that vanish */
    if (!(e < INFINITY)) fuzz_unknown(out, k);
    else fuzz_round((ag_dtype)a->y->dtype, 8, v, e + tiny, &out->value[k], &out->bound[k]);
}

static void attend(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    attention a = start(y, in);
    const int64_t each = a.queries * (a.width + 1);
    for (; a.head < agi_heads(y->in[0]); a.head++)
        for (int64_t i = 0; i < a.queries; i++) {
            weigh(&a, i);
            for (int64_t l = 0; l < a.width; l++) {
                real sum = 0, size = 0, spread = 0;
                for (int64_t j = 0; j < a.met; j++) {
                    const int64_t v = at(&a, 2, j, l);
                    sum += a.p[j] * in[2]->value[v];
                    size += a.p[j] * fabsl(in[2]->value[v]);
                    spread += 2 * a.p[j] * in[2]->bound[v];
                }
                put(&a, out, a.head * each + i * a.width + l, sum, spread + 2 * a.error * size);
            }
            put(&a, out, a.head * each + a.queries * a.width + i, a.log_total, a.error);
        }
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

typedef struct {
    attention a;
    fuzz_summation *sum; /* by element of the result */
    real ds[MOST], error[MOST];
} gradients;

/* ds = scale p (dp - sum of p dp) of a query's keys. */
static void slope(gradients *g, int64_t i)
{
    attention *a = &g->a;
    real mean = 0, size = 0, most = 0;
    for (int64_t j = 0; j < a->met; j++) {
        fuzz_summation s = { 0 };
        for (int64_t l = 0; l < a->width; l++) add_of(a, &s, 3, at(a, 3, i, l), 2, at(a, 2, j, l));
        g->ds[j] = s.sum;
        g->error[j] = s.spread + 2 * ((real)s.n + 1) * a->unit * s.size;
        mean += a->p[j] * s.sum;
        size += a->p[j] * s.size;
        most = fmaxl(most, g->error[j]);
    }
    for (int64_t j = 0; j < a->met; j++) {
        const real without = g->ds[j] - mean;
        g->error[j] = fabsl(a->scale) * a->p[j] *
                      (g->error[j] + most + 4 * (a->error + (real)a->keys * a->unit) * (size + fabsl(without)));
        g->ds[j] = a->scale * a->p[j] * without;
    }
}

static void add_key(gradients *g, fuzz_summation *dq, fuzz_summation *dk, fuzz_summation *dv, int64_t i, int64_t j)
{
    const attention *a = &g->a;
    const fuzz_value *q = a->in[0], *k = a->in[1], *of_y = a->in[3];
    for (int64_t l = 0; l < a->depth; l++) {
        const int64_t of_q = at(a, 0, i, l), of_k = at(a, 1, j, l);
        fuzz_add_product(&dq[i * a->depth + l], g->ds[j], g->error[j], k->value[of_k], k->bound[of_k]);
        fuzz_add_product(&dk[j * a->depth + l], g->ds[j], g->error[j], q->value[of_q], q->bound[of_q]);
    }
    for (int64_t l = 0; l < a->width; l++) {
        const int64_t of_g = at(a, 3, i, l);
        fuzz_add_product(&dv[j * a->width + l], a->p[j], a->p[j] * a->error, of_y->value[of_g], of_y->bound[of_g]);
    }
}

static void attend_back(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    gradients g = { .a = start(y, in), .sum = calloc((size_t)out->n, sizeof *g.sum) };
    attention *a = &g.a;
    fuzz_summation *dq = g.sum;
    for (; a->head < agi_heads(y->in[0]); a->head++) {
        fuzz_summation *const dk = dq + a->queries * a->depth, *const dv = dk + a->keys * a->depth;
        for (int64_t i = 0; i < a->queries; i++) {
            weigh(a, i);
            slope(&g, i);
            for (int64_t j = 0; j < a->met; j++) add_key(&g, dq, dk, dv, i, j);
        }
        dq = dv + a->keys * a->width;
    }
    for (int64_t k = 0; k < out->n; k++) {
        const fuzz_summation *s = &g.sum[k];
        put(a, out, k, s->sum, s->spread + 2 * ((real)s->n + 3) * a->unit * s->size);
    }
    free(g.sum);
}

int fuzz_attention(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    if (y->op == &agi_attention) attend(y, in, out);
    else if (y->op == &agi_attention_slope) attend_back(y, in, out);
    else return 0;
    return 1;
}
