/* Random systems of equations, loops and branches. */
#include "fuzz_grow.h"

/* ---- linear algebra ---------------------------------------------------------------------------------------------- */

/* d times the unit matrix is more than what else there is, and no NaN is among it: that would be an error. */
static ag_node *regular(fuzz_world *w, ag_node *x, ag_shape s)
{
    int64_t d = s.dim[s.rank - 1];
    double ones[16];
    for (int i = 0; i < d; i++) ones[i] = (double)d + 1;
    ag_node *diagonal = ag_diag(ag_constant(w->g, AG_F64, AG_SHAPE(d), ones));
    x = fuzz_scaled(fuzz_small(w, fuzz_fit(w, x, s)), 0.5, 0);
    return ag_add(ag_cast(diagonal, w->dtype), ag_where(ag_equal(x, x), x, ag_number(w->g, 0)));
}

static ag_node *transposed(ag_node *x)
{
    return ag_transpose(x, ag_shape_of(x).rank == 2 ? (int[]){ 1, 0, 0 } : (int[]){ 0, 2, 1 });
}

ag_node *fuzz_linear_algebra(fuzz_world *w)
{
    int64_t d = 1 + fuzz_below(w, 6), columns = 1 + fuzz_below(w, 3), n = fuzz_below(w, 3);
    ag_shape s = n ? AG_SHAPE(n, d, d) : AG_SHAPE(d, d);
    ag_node *a = regular(w, fuzz_any(w), s);
    ag_shape right = n && fuzz_below(w, 2) ? AG_SHAPE(n, d, columns) : AG_SHAPE(d, columns);
    ag_node *b = fuzz_fit(w, fuzz_any(w), right);
    switch (fuzz_below(w, 8)) {
    case 0: return ag_solve(a, b);
    case 1: return ag_triangular_solve(a, b, fuzz_below(w, 2), fuzz_below(w, 2));
    case 2: return ag_cholesky(a);
    case 3: return ag_cholesky(ag_matmul(a, transposed(a)));
    case 4: return ag_inverse(a);
    case 5: return fuzz_scaled(ag_det(ag_mul(a, ag_number(w->g, 0.25))), 0.25, 0);
    case 6: return ag_logdet(a);
    default: return fuzz_below(w, 2) ? ag_trace(a) : ag_diag(a);
    }
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

/* Nodes on the bound leaves, and on what there is outside. */
static void grow_body(fuzz_world *w, int bound, ag_node *const leaf[])
{
    int few = 3 + fuzz_below(w, 6);
    for (int k = 0; k < bound; k++) w->node[w->count++] = leaf[k];
    w->depth++;
    for (int tries = 0; tries < 3 * few && few; tries++) {
        ag_node *y = fuzz_step(w);
        if (!y) continue;
        w->node[w->count++] = y;
        few--;
    }
    w->depth--;
}

/* Something of x's shape, made of the newest nodes, and small. */
static ag_node *result_like(fuzz_world *w, const ag_node *x, int from)
{
    ag_node *y = w->node[from + fuzz_below(w, w->count - from)];
    ag_node *zeros = ag_mul(ag_number(w->g, 0.5), (ag_node *)(uintptr_t)x);
    if (fuzz_size(ag_shape_of(y)) == fuzz_size(ag_shape_of(x))) return fuzz_small(w, ag_reshape(y, ag_shape_of(x)));
    return ag_add(zeros, fuzz_small(w, ag_mean(y)));
}

static ag_node *bound(fuzz_world *w, const ag_node *like)
{
    return ag_input(w->g, NULL, w->dtype, ag_shape_of(like));
}

static ag_node *scan(fuzz_world *w)
{
    enum { STATES = 2 };
    int64_t length = 1 + fuzz_below(w, 5);
    int before = w->count;
    ag_node *initial[STATES] = { fuzz_any(w), fuzz_any(w) }, *leaf[STATES + 1], *next[STATES], *final[STATES], *stacked;
    ag_shape s = fuzz_shape(w, 2), whole = { s.rank + 1, { length, s.dim[0], s.dim[1] } };
    if (fuzz_size(whole) > w->largest || fuzz_size(ag_shape_of(initial[0])) > 400) return NULL;
    if (ag_shape_of(initial[0]).rank > 4 || ag_shape_of(initial[1]).rank > 4) return NULL;
    ag_node *sequence = fuzz_fit(w, fuzz_any(w), whole);
    for (int k = 0; k < STATES; k++) leaf[k] = bound(w, initial[k]);
    leaf[STATES] = ag_input(w->g, NULL, w->dtype, s);
    grow_body(w, STATES + 1, leaf);
    for (int k = 0; k < STATES; k++) next[k] = result_like(w, leaf[k], before + k);
    ag_node *result = w->node[before + fuzz_below(w, w->count - before)];
    int results = fuzz_size(ag_shape_of(result)) * length <= w->largest && ag_shape_of(result).rank < 5;
    ag_scan_body body = { .length = length, .states = STATES, .sequences = 1, .results = results, .initial = initial,
                          .state = leaf, .next = next, .sequence = &sequence, .element = leaf + STATES,
                          .result = &result, .reverse = fuzz_below(w, 2), .max_bytes = fuzz_below(w, 3) ? 0 : 64 };
    w->count = before;
    if (ag_scan(&body, final, &stacked)) return w->node[0];
    w->node[w->count++] = final[0];
    return results && fuzz_below(w, 2) ? stacked : final[1];
}

static ag_node *looped(fuzz_world *w)
{
    enum { STATES = 2 };
    int before = w->count;
    ag_node *start = ag_cast(ag_number(w->g, fuzz_below(w, 5)), w->dtype), *x = fuzz_any(w), *final[STATES];
    ag_node *initial[STATES] = { start, x }, *leaf[STATES] = { bound(w, start), bound(w, x) };
    if (ag_shape_of(x).rank > 5) return NULL;
    grow_body(w, STATES, leaf);
    ag_node *next[STATES] = { ag_sub(leaf[0], ag_number(w->g, 1)), result_like(w, leaf[1], before + 1) };
    ag_node *test = ag_greater(leaf[0], ag_number(w->g, 0));
    if (fuzz_below(w, 2)) test = ag_mul(test, ag_less(ag_mean(leaf[1]), ag_number(w->g, 0.5)));
    w->count = before;
    if (ag_while(test, STATES, initial, leaf, next, 3 + fuzz_below(w, 3), final)) return w->node[0];
    return final[1];
}

static ag_node *branched(fuzz_world *w)
{
    int before = w->count;
    ag_node *x = fuzz_any(w), *leaf = bound(w, x), *chosen;
    ag_node *predicate = ag_greater(ag_mean(fuzz_any(w)), ag_number(w->g, 0));
    grow_body(w, 1, &leaf);
    ag_node *then = result_like(w, leaf, before), *otherwise = result_like(w, leaf, before);
    w->count = before;
    if (ag_cond(predicate, 1, &x, &leaf, 1, &then, &otherwise, &chosen)) return w->node[0];
    return chosen;
}

ag_node *fuzz_control(fuzz_world *w)
{
    if (w->depth == 2 || w->count > FUZZ_NODES - 32) return NULL;
    switch (fuzz_below(w, 3)) {
    case 0: return scan(w);
    case 1: return looped(w);
    default: return branched(w);
    }
}
