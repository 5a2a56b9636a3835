/* Random pointwise operations, reductions, moves and products. */
#include "fuzz_grow.h"

/* ---- pointwise --------------------------------------------------------------------------------------------------- */

typedef ag_node *unary(ag_node *);

static ag_node *of_any(fuzz_world *w, ag_node *x)
{
    static unary *const all[] = { ag_tanh, ag_sin, ag_cos, ag_atan, ag_sigmoid, ag_erf, ag_erfc, ag_softplus, ag_gelu,
                                  ag_silu, ag_neg, ag_abs, ag_relu, ag_sign, ag_floor, ag_checkpoint,
                                  ag_stop_gradient };
    return all[fuzz_below(w, COUNT(all))](x);
}

static ag_node *of_small(fuzz_world *w, ag_node *x)
{
    static unary *const all[] = { ag_exp, ag_expm1, ag_sinh, ag_cosh, ag_square, ag_asin, ag_acos, ag_tan };
    int k = fuzz_below(w, COUNT(all));
    x = fuzz_small(w, x);
    return all[k](k < 5 ? x : fuzz_scaled(x, 0.5, 0));
}

static ag_node *positive(fuzz_world *w, ag_node *x)
{
    static const double least[] = { 0.25, 1, 2 };
    return ag_add(fuzz_below(w, 2) ? ag_square(x) : ag_abs(x), ag_number(w->g, least[fuzz_below(w, 3)]));
}

static ag_node *of_positive(fuzz_world *w, ag_node *x)
{
    x = positive(w, x);
    switch (fuzz_below(w, 7)) {
    case 0: return ag_log(x);
    case 1: return ag_sqrt(x);
    case 2: return ag_lgamma(x);
    case 3: return ag_polygamma(fuzz_below(w, 3), x);
    case 4: return ag_log1p(x);
    case 5: return ag_pow(x, ag_number(w->g, fuzz_below(w, 7) / 2.0 - 1.5));
    default: return ag_div(ag_number(w->g, 1), x);
    }
}

/* Numbers that rules simplify; types and back; functions outside their domain. */
static ag_node *odd(fuzz_world *w, ag_node *x)
{
    ag_dtype other = w->dtype == AG_F32 ? AG_F64 : AG_F32;
    switch (fuzz_below(w, 10)) {
    case 0: return ag_mul(x, ag_number(w->g, fuzz_below(w, 5) - 2));
    case 1: return ag_add(x, ag_number(w->g, fuzz_below(w, 3) - 1));
    case 2: return ag_pow(x, ag_number(w->g, fuzz_below(w, 4)));
    case 3: return ag_cast(ag_sin(ag_cast(x, other)), w->dtype);
    case 4: return ag_cast(ag_cast(ag_mul(fuzz_small(w, x), ag_number(w->g, 5)), AG_I64), w->dtype);
    case 5: return ag_sqrt(x);
    case 6: return ag_log(x);
    case 7: return ag_exp(ag_neg(ag_square(x)));
    case 8: return ag_sub(ag_number(w->g, 1), x);
    default: return ag_div(x, ag_number(w->g, 1 + fuzz_below(w, 4)));
    }
}

static int broadcasts(const fuzz_world *w, ag_shape a, ag_shape b)
{
    int64_t n = 1;
    for (int i = 1; i <= a.rank || i <= b.rank; i++) {
        int64_t da = i <= a.rank ? a.dim[a.rank - i] : 1, db = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (da != db && da != 1 && db != 1) return 0;
        n *= da > db ? da : db;
    }
    return n <= w->largest;
}

static ag_node *compared(fuzz_world *w, ag_node *a, ag_node *b)
{
    ag_node *(*const all[])(ag_node *, ag_node *) = { ag_less, ag_less_equal, ag_equal, ag_greater, ag_greater_equal };
    return all[fuzz_below(w, COUNT(all))](a, b);
}

static ag_node *binary(fuzz_world *w, ag_node *a)
{
    ag_node *b = fuzz_any(w);
    if (!broadcasts(w, ag_shape_of(a), ag_shape_of(b))) return NULL;
    switch (fuzz_below(w, 12)) {
    case 0: return ag_add(a, b);
    case 1: return ag_sub(a, b);
    case 2: return ag_mul(fuzz_small(w, a), b);
    case 3: return ag_div(a, positive(w, b));
    case 4: return ag_add(ag_mul(a, fuzz_small(w, b)), ag_sin(a));
    case 5: return ag_maximum(a, b);
    case 6: return ag_minimum(a, b);
    case 7: return ag_where(compared(w, a, ag_number(w->g, 0.25)), a, b);
    case 8: return ag_mul(compared(w, a, b), b);
    case 9: return ag_pow(positive(w, a), fuzz_small(w, b));
    case 10: return ag_atan2(positive(w, a), b);
    default: return ag_sub(ag_mul(fuzz_small(w, a), fuzz_small(w, b)), b);
    }
}

ag_node *fuzz_point(fuzz_world *w)
{
    ag_node *x = fuzz_any(w);
    switch (fuzz_below(w, 8)) {
    case 0: case 1: return of_any(w, x);
    case 2: return of_small(w, x);
    case 3: return of_positive(w, x);
    case 4: return odd(w, x);
    default: return binary(w, x);
    }
}

/* ---- reductions -------------------------------------------------------------------------------------------------- */

static ag_node *reduction(fuzz_world *w, ag_node *x)
{
    ag_node *(*const all[])(ag_node *) = { ag_sum, ag_mean, ag_logsumexp, ag_amax, ag_amin, ag_prod };
    ag_node *(*const one[])(ag_node *, int, int) = { ag_sum_axis,  ag_mean_axis, ag_logsumexp_axis,
                                                     ag_amax_axis, ag_amin_axis, ag_prod_axis };
    int k = fuzz_below(w, 6), rank = ag_shape_of(x).rank;
    if (k == 5) x = fuzz_scaled(fuzz_small(w, x), 0.25, 1);
    return rank == 0 || fuzz_below(w, 4) == 0 ? all[k](x) : one[k](x, fuzz_below(w, rank), fuzz_below(w, 2));
}

static ag_node *along(fuzz_world *w, ag_node *x)
{
    int rank = ag_shape_of(x).rank, axis = fuzz_below(w, rank ? rank : 1) - (fuzz_below(w, 2) ? rank : 0);
    if (rank == 0) return NULL;
    switch (fuzz_below(w, 4)) {
    case 0: return ag_softmax(x, axis);
    case 1: return ag_log_softmax(x, axis);
    case 2: return ag_cumsum(x, axis);
    default: return ag_flip(x, axis);
    }
}

static ag_node *classes(fuzz_world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x);
    int64_t label[1000];
    if (s.rank != 2 || s.dim[0] > 1000) return NULL;
    for (int i = 0; i < s.dim[0]; i++) label[i] = fuzz_below(w, (int)s.dim[1]);
    ag_node *labels = ag_constant(w->g, AG_I64, AG_SHAPE(s.dim[0]), label);
    if (fuzz_below(w, 2)) return ag_cross_entropy(x, labels);
    return ag_mul(x, ag_one_hot(fuzz_below(w, 2) ? labels : ag_argmax(x, 1), s.dim[1], w->dtype));
}

/* ---- moves ------------------------------------------------------------------------------------------------------- */

static ag_node *permuted(fuzz_world *w, ag_node *x)
{
    int axes[AG_MAX_RANK], rank = ag_shape_of(x).rank;
    for (int k = 0; k < rank; k++) {
        int at = fuzz_below(w, k + 1);
        axes[k] = axes[at];
        axes[at] = k;
    }
    return ag_transpose(x, rank ? axes : NULL);
}

/* Many pieces of one tensor, as far apart as it happens, forwards and backwards. */
static ag_node *pieces(fuzz_world *w, ag_node *x, int axis)
{
    const int n = (int)ag_shape_of(x).dim[axis], count = 1 + fuzz_below(w, n < 4 ? n : 4);
    const int longest = count > 1 ? (n - 1) / (count - 1) : 1, many = 2 + fuzz_below(w, 9);
    ag_node *h = NULL;
    for (int k = 0; k < many; k++) {
        const int step = 1 + fuzz_below(w, longest < 3 ? longest : 3), span = (count - 1) * step + 1;
        const int from = fuzz_below(w, n - span + 1), down = fuzz_below(w, 2);
        const int64_t first = down ? from + span - 1 : from, end = down ? from - 1 : from + span;
        ag_node *piece = ag_slice(x, axis, first, end < 0 ? AG_END : end, down ? -step : step);
        if (fuzz_below(w, 4) == 0) piece = ag_flip(piece, axis);
        h = !h ? piece : fuzz_below(w, 2) ? ag_tanh(ag_add(h, piece)) : ag_sub(ag_mul(fuzz_small(w, h), piece), h);
    }
    return h;
}

static ag_node *sliced(fuzz_world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x);
    int axis = fuzz_below(w, s.rank ? s.rank : 1), step = 1 + fuzz_below(w, 3);
    if (s.rank == 0) return NULL;
    if (fuzz_below(w, 3) == 0) return pieces(w, x, axis);
    int n = (int)s.dim[axis], from = fuzz_below(w, n);
    switch (fuzz_below(w, 4)) {
    case 0: return ag_slice(x, axis, from, AG_END, step);
    case 1: return ag_slice(x, axis, -1 - from, AG_END, step);
    case 2: return ag_slice(x, axis, from, AG_END, -step);
    default: return n > 1 ? ag_slice(x, axis, 0, -1, step) : NULL;
    }
}

static ag_node *repeated(fuzz_world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x);
    if (s.rank == 4 || fuzz_size(s) * 3 > w->largest) return NULL;
    memmove(s.dim + 1, s.dim, sizeof s.dim - sizeof s.dim[0]);
    s.dim[0] = 3;
    s.rank++;
    x = ag_broadcast_to(x, s);
    return fuzz_below(w, 2) ? ag_reshape(x, AG_SHAPE(-1)) : x;
}

static ag_node *placed(fuzz_world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x);
    if (s.rank == 0 || fuzz_size(s) * 3 > w->largest) return NULL;
    int axis = fuzz_below(w, s.rank);
    ag_node *parts[] = { x, fuzz_below(w, 2) ? ag_sin(x) : ag_slice(x, axis, 0, 1, 1), ag_neg(x) };
    if (fuzz_below(w, 2)) return ag_pad(x, axis, fuzz_below(w, 3), fuzz_below(w, 3));
    return ag_concat(2 + fuzz_below(w, 2), parts, axis);
}

static ag_node *indexed(fuzz_world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x), is = AG_SHAPE(5);
    int64_t index[6];
    if (s.rank == 0 || s.rank > 4) return NULL;
    int axis = fuzz_below(w, s.rank), n = (int)s.dim[axis];
    if (fuzz_size(s) / n * 6 > w->largest) return NULL;
    for (int i = 0; i < 6; i++) index[i] = fuzz_below(w, 2 * n) - n;
    if (fuzz_below(w, 3) == 0) is = AG_SHAPE(3, 2);
    ag_node *indices = ag_constant(w->g, AG_I64, is, index), *taken = ag_gather(x, axis, indices);
    if (fuzz_below(w, 3) == 0) return ag_gather(x, axis, ag_argmax(ag_transpose(x, NULL), s.rank - 1 - axis));
    return fuzz_below(w, 2) ? taken : ag_scatter_add(x, axis, indices, fuzz_small(w, taken));
}

static ag_node *reshaped(fuzz_world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x);
    if (s.rank < 2 || fuzz_below(w, 2)) return ag_reshape(x, AG_SHAPE(-1));
    return fuzz_below(w, 2) ? ag_reshape(x, AG_SHAPE(s.dim[0], -1)) : ag_reshape(x, AG_SHAPE(-1, 1, s.dim[s.rank - 1]));
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

static ag_node *last_two_swapped(ag_node *x)
{
    int axes[AG_MAX_RANK], rank = ag_shape_of(x).rank;
    for (int k = 0; k < rank; k++) axes[k] = k < rank - 2 ? k : 2 * rank - 3 - k;
    return ag_transpose(x, axes);
}

static ag_node *product(fuzz_world *w, ag_node *a)
{
    ag_shape s = ag_shape_of(a);
    ag_node *b = fuzz_any(w);
    ag_shape t = ag_shape_of(b);
    if (s.rank == 1 && t.rank == 1) return s.dim[0] == t.dim[0] ? ag_dot(a, b) : ag_outer(a, b);
    if (s.rank < 2) return NULL;
    int64_t inner = s.dim[s.rank - 1], columns = w->dim[fuzz_below(w, 5)];
    if (fuzz_size(s) / inner * columns > w->largest || inner * columns > w->largest) return NULL;
    int fits = t.rank == 2 && (t.dim[0] == inner || t.dim[1] == inner);
    if (!fits) b = fuzz_fit(w, b, fuzz_below(w, 2) ? AG_SHAPE(inner, columns) : AG_SHAPE(columns, inner));
    if (fits && fuzz_size(s) / inner * fuzz_size(t) / inner > w->largest) return NULL;
    if (ag_shape_of(b).dim[0] != inner) b = last_two_swapped(b);
    if (s.rank == 3 && fuzz_below(w, 2)) {
        ag_shape batched = { 3, { fuzz_below(w, 2) ? 1 : s.dim[0], inner, ag_shape_of(b).dim[1] } };
        if (fuzz_size(batched) <= w->largest) b = ag_mul(ag_broadcast_to(b, batched), ag_number(w->g, 0.5));
    }
    return ag_matmul(a, b);
}

ag_node *fuzz_move(fuzz_world *w)
{
    ag_node *x = fuzz_any(w);
    switch (fuzz_below(w, 15)) {
    case 0: case 1: case 2: return reduction(w, x);
    case 3: return along(w, x);
    case 4: return classes(w, x);
    case 5: return permuted(w, x);
    case 6: case 7: return sliced(w, x);
    case 8: return repeated(w, x);
    case 9: case 10: return placed(w, x);
    case 11: return indexed(w, x);
    case 12: return reshaped(w, x);
    case 13: return fuzz_network(w);
    default: return product(w, x);
    }
}
