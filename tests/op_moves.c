/* Rows of leaves, views, rearrangements, casts and assignments: where each element of the result comes from. */
#include "op_table.h"

#include "shared/strew.h"

/* ---- indices ---------------------------------------------------------------------------------------------------- */

static void unravel(ag_shape s, int64_t flat, int64_t index[AG_MAX_RANK])
{
    for (int i = s.rank; i-- > 0; flat /= s.dim[i]) index[i] = flat % s.dim[i];
}

static int64_t ravel(ag_shape s, const int64_t index[AG_MAX_RANK])
{
    int64_t flat = 0;
    for (int i = 0; i < s.rank; i++) flat = flat * s.dim[i] + index[i];
    return flat;
}

/* Calls `place`, which turns an index of the result into one of the input, or returns 0: there the result is 0. */
typedef int place(const op_row *, int64_t index[AG_MAX_RANK]);

static void move(const op_row *r, const double *x, double *out, place *f)
{
    for (int64_t o = 0; o < op_count(r->out); o++) {
        int64_t index[AG_MAX_RANK];
        unravel(r->out, o, index);
        out[o] = f(r, index) ? x[ravel(r->in[0], index)] : 0;
    }
}

#define MOVE(name)                                                                    \
    static void expect_##name(const op_row *r, const double *const in[], double *out) \
    {                                                                                 \
        move(r, in[0], out, place_##name);                                            \
    }

static void expect_same(const op_row *r, const double *const in[], double *out)
{
    memcpy(out, in[r->n - 1], (size_t)op_count(r->out) * sizeof *out);
}

/* ---- leaves ----------------------------------------------------------------------------------------------------- */

static ag_node *build_leaf(ag_node *const in[], const int *arg)
{
    (void)arg;
    return in[0];
}

static const double seven[] = { 1, -2, 3.5, 0, 8, -0.25, 7 };

static ag_node *build_constant(ag_node *const in[], const int *arg)
{
    (void)arg;
    if (ag_is_bad(in[0])) return in[0];
    ag_node *constant = ag_constant(in[0]->graph, AG_F64, AG_SHAPE(7), seven);
    return ag_mul(in[0], ag_cast(constant, ag_type_of(in[0])));
}

static void expect_constant(const op_row *r, const double *const in[], double *out)
{
    (void)r;
    for (int i = 0; i < 7; i++) out[i] = seven[i] * in[0][i];
}

static ag_node *build_number(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_is_bad(in[0]) ? in[0] : ag_sub(ag_number(in[0]->graph, 2.5), in[0]);
}

static void expect_number(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) out[i] = 2.5 - in[0][i];
}

static ag_node *build_arange(ag_node *const in[], const int *arg)
{
    return ag_is_bad(in[0]) ? in[0] : ag_add(in[0], ag_arange(in[0]->graph, ag_type_of(in[0]), arg[0]));
}

static void expect_arange(const op_row *r, const double *const in[], double *out)
{
    for (int i = 0; i < r->arg[0]; i++) out[i] = in[0][0] + i;
}

/* ---- views ------------------------------------------------------------------------------------------------------ */

static ag_node *build_transpose(ag_node *const in[], const int *arg)
{
    return ag_transpose(in[0], arg);
}

static int place_transpose(const op_row *r, int64_t index[])
{
    int64_t from[AG_MAX_RANK];
    for (int k = 0; k < r->in[0].rank; k++) from[r->arg[k]] = index[k];
    memcpy(index, from, sizeof from);
    return 1;
}
MOVE(transpose)

static ag_node *build_reverse(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_transpose(in[0], NULL);
}

static int place_reverse(const op_row *r, int64_t index[])
{
    int rank = r->in[0].rank;
    for (int k = 0; k < rank / 2; k++) {
        int64_t swap = index[k];
        index[k] = index[rank - 1 - k];
        index[rank - 1 - k] = swap;
    }
    return 1;
}
MOVE(reverse)

static ag_shape shape_of_arguments(const int *arg)
{
    ag_shape s = { .rank = 0 };
    while (s.rank < 4 && arg[s.rank]) s.dim[s.rank] = arg[s.rank], s.rank++;
    return s;
}

static ag_node *build_reshape(ag_node *const in[], const int *arg)
{
    return ag_reshape(in[0], shape_of_arguments(arg));
}

static ag_node *build_broadcast_to(ag_node *const in[], const int *arg)
{
    return ag_broadcast_to(in[0], shape_of_arguments(arg));
}

static int place_broadcast_to(const op_row *r, int64_t index[])
{
    int lead = r->out.rank - r->in[0].rank;
    for (int i = 0; i < r->in[0].rank; i++) index[i] = r->in[0].dim[i] == 1 ? 0 : index[lead + i];
    return 1;
}
MOVE(broadcast_to)

/* arg: axis, start, stop, step, all counted as Python's range does: stop -99 is "before the first" */
static ag_node *build_slice(ag_node *const in[], const int *arg)
{
    return ag_slice(in[0], arg[0], arg[1], arg[2], arg[3]);
}

static int place_slice(const op_row *r, int64_t index[])
{
    index[r->arg[0]] = r->arg[1] + index[r->arg[0]] * r->arg[3];
    return 1;
}
MOVE(slice)

/* The gradient of a slice, which users do not see: arg as for the slice; the result is what the slice was taken of. */
static ag_node *build_embed(ag_node *const in[], const int *arg)
{
    ag_node *dx;
    if (ag_is_bad(in[0])) return in[0];
    ag_shape s = ag_shape_of(in[0]);
    s.dim[arg[0]] = 7;
    ag_node *x = ag_cast(ag_input(in[0]->graph, NULL, AG_F64, s), ag_type_of(in[0]));
    ag_node *y = ag_slice(x, arg[0], arg[1], arg[2], arg[3]);
    ag_vjp(1, &y, in, 1, &x, &dx);
    return dx;
}

static int place_embed(const op_row *r, int64_t index[])
{
    int64_t from = index[r->arg[0]] - r->arg[1];
    if (from % r->arg[3] || from / r->arg[3] < 0 || from / r->arg[3] >= r->in[0].dim[r->arg[0]]) return 0;
    index[r->arg[0]] = from / r->arg[3];
    return 1;
}
MOVE(embed)

/* The gradient of six slices, which users do not see: the k-th every arg[2]-th element from arg[3] k on, every second
 * one backwards; the result is what they were taken of, arg[1] elements of the axis arg[0]. */
static ag_node *build_assemble(ag_node *const in[], const int *arg)
{
    ag_node *dx, *y[6], *w[6];
    for (int k = 0; k < 3; k++)
        if (ag_is_bad(in[k])) return in[k];
    ag_shape s = ag_shape_of(in[0]);
    const int64_t span = (s.dim[arg[0]] - 1) * arg[2];
    s.dim[arg[0]] = arg[1];
    ag_node *x = ag_cast(ag_input(in[0]->graph, NULL, AG_F64, s), ag_type_of(in[0]));
    for (int k = 0; k < 6; k++) {
        const int64_t first = k * arg[3];
        if (k % 2 == 0) y[k] = ag_slice(x, arg[0], first, first + span + 1, arg[2]);
        else y[k] = ag_slice(x, arg[0], first + span, first ? first - 1 : AG_END, -arg[2]);
        w[k] = in[k % 3];
    }
    ag_vjp(6, y, w, 1, &x, &dx);
    return dx;
}

static void expect_assemble(const op_row *r, const double *const in[], double *out)
{
    const int axis = r->arg[0], step = r->arg[2];
    for (int64_t o = 0; o < op_count(r->out); o++) {
        int64_t index[AG_MAX_RANK], n = r->in[0].dim[axis];
        unravel(r->out, o, index);
        const int64_t at = index[axis];
        out[o] = 0;
        for (int k = 0; k < 6; k++) {
            const int64_t way = at - k * r->arg[3], j = way / step;
            if (way % step || way < 0 || j >= n) continue;
            index[axis] = k % 2 ? n - 1 - j : j;
            out[o] += in[k % 3][ravel(r->in[0], index)];
        }
    }
}

static ag_node *build_pad(ag_node *const in[], const int *arg)
{
    return ag_pad(in[0], arg[0], arg[1], arg[2]);
}

static int place_pad(const op_row *r, int64_t index[])
{
    index[r->arg[0]] -= r->arg[1];
    return index[r->arg[0]] >= 0 && index[r->arg[0]] < r->in[0].dim[r->arg[0]];
}
MOVE(pad)

/* One value, row or column everywhere, and zeros around: the axes of extent 1 are spread out to arg[3]. */
static ag_node *build_pad_spread(ag_node *const in[], const int *arg)
{
    if (ag_is_bad(in[0])) return in[0];
    ag_shape s = ag_shape_of(in[0]);
    for (int i = 0; i < s.rank; i++) s.dim[i] = s.dim[i] == 1 ? arg[3] : s.dim[i];
    return ag_pad(ag_broadcast_to(in[0], s), arg[0], arg[1], arg[2]);
}

static int place_pad_spread(const op_row *r, int64_t index[])
{
    int64_t from = index[r->arg[0]] -= r->arg[1], n = r->in[0].dim[r->arg[0]];
    if (from < 0 || from >= (n == 1 ? r->arg[3] : n)) return 0;
    for (int i = 0; i < r->in[0].rank; i++) index[i] = r->in[0].dim[i] == 1 ? 0 : index[i];
    return 1;
}
MOVE(pad_spread)

/* ---- joining, gathering, scattering ----------------------------------------------------------------------------- */

static ag_node *build_concat(ag_node *const in[], const int *arg)
{
    return ag_concat(arg[1], in, arg[0]);
}

static void expect_concat(const op_row *r, const double *const in[], double *out)
{
    for (int64_t o = 0; o < op_count(r->out); o++) {
        int64_t index[AG_MAX_RANK];
        int k = 0;
        unravel(r->out, o, index);
        for (; index[r->arg[0]] >= r->in[k].dim[r->arg[0]]; k++) index[r->arg[0]] -= r->in[k].dim[r->arg[0]];
        out[o] = in[k][ravel(r->in[k], index)];
    }
}

static ag_node *build_stack(ag_node *const in[], const int *arg)
{
    return ag_stack(2, in, arg[0]);
}

static void expect_stack(const op_row *r, const double *const in[], double *out)
{
    for (int64_t o = 0; o < op_count(r->out); o++) {
        int64_t index[AG_MAX_RANK];
        int axis = r->arg[1];
        unravel(r->out, o, index);
        const double *x = in[index[axis]];
        memmove(index + axis, index + axis + 1, (size_t)(r->in[0].rank - axis) * sizeof *index);
        out[o] = x[ravel(r->in[0], index)];
    }
}

/* Parts of 2, 1 and the rest, or three equal ones, the last first. */
static ag_node *build_split(ag_node *const in[], const int *arg)
{
    ag_node *part[3];
    int64_t sizes[] = { 2, 1, arg[1] };
    ag_split(in[0], arg[0], 3, arg[1] ? sizes : NULL, part);
    return ag_concat(3, (ag_node *[]){ part[2], part[0], part[1] }, arg[0]);
}

static ag_node *build_roll(ag_node *const in[], const int *arg)
{
    return ag_roll(in[0], arg[0], arg[1]);
}

static int place_roll(const op_row *r, int64_t index[])
{
    int64_t n = r->in[0].dim[r->arg[0]];
    index[r->arg[0]] = ((index[r->arg[0]] - r->arg[1]) % n + n) % n;
    return 1;
}
MOVE(roll)

/* The last part first: what the others have is moved on by its size. */
static void expect_split(const op_row *r, const double *const in[], double *out)
{
    op_row by = *r;
    by.arg[1] = r->arg[1] ? r->arg[1] : (int)r->in[0].dim[r->arg[0]] / 3;
    move(&by, in[0], out, place_roll);
}

static ag_node *build_index(ag_node *const in[], const int *arg)
{
    return ag_index(in[0], arg[0], arg[1]);
}

static int place_index(const op_row *r, int64_t index[])
{
    int axis = r->arg[0];
    memmove(index + axis + 1, index + axis, (size_t)(r->out.rank - axis) * sizeof *index);
    index[axis] = r->arg[1] < 0 ? r->arg[1] + r->in[0].dim[axis] : r->arg[1];
    return 1;
}
MOVE(index)

static ag_node *build_triangle(ag_node *const in[], const int *arg)
{
    return arg[0] ? ag_triu(in[0], arg[1]) : ag_tril(in[0], arg[1]);
}

static int place_triangle(const op_row *r, int64_t index[])
{
    int64_t above = index[r->out.rank - 1] - index[r->out.rank - 2];
    return r->arg[0] ? above >= r->arg[1] : above <= r->arg[1];
}
MOVE(triangle)

/* x 3 + 1, as tensors. */
static ag_node *build_full(ag_node *const in[], const int *arg)
{
    (void)arg;
    if (ag_is_bad(in[0])) return in[0];
    ag_graph *g = in[0]->graph;
    ag_dtype dtype = ag_type_of(in[0]);
    ag_shape s = AG_SHAPE(2, 3);
    ag_node *y = ag_mul(ag_full(g, dtype, s, 3), ag_add(in[0], ag_zeros(g, dtype, AG_SCALAR)));
    return ag_add(y, ag_ones(g, dtype, s));
}

static void expect_full(const op_row *r, const double *const in[], double *out)
{
    for (int i = 0; i < op_count(r->out); i++) out[i] = 3 * in[0][i % 3] + 1;
}

/* Indices 2, -1, 0, 2, 2, ... of extent 4 and more; a matrix of [2, 3] or a vector of arg[1] of them. */
static int64_t index_at(int64_t i)
{
    static const int64_t first[] = { 2, -1, 0, 2, 2, 1 };
    return first[i % 6];
}

static ag_node *indices(ag_graph *g, int count)
{
    int64_t i[64];
    for (int k = 0; k < 64; k++) i[k] = index_at(k);
    return ag_constant(g, AG_I64, count ? AG_SHAPE(count) : AG_SHAPE(2, 3), i);
}

static ag_node *build_gather(ag_node *const in[], const int *arg)
{
    return ag_is_bad(in[0]) ? ag_gather(in[0], arg[0], in[0]) : ag_gather(in[0], arg[0], indices(in[0]->graph, arg[1]));
}

/* The index in x of the gathered element at `index`, in place. */
static int place_gather(const op_row *r, int64_t index[])
{
    int axis = r->arg[0], rank = r->arg[1] ? 1 : 2;
    int64_t k = index_at(rank == 1 ? index[axis] : 3 * index[axis] + index[axis + 1]);
    index[axis] = k < 0 ? k + r->in[0].dim[axis] : k;
    memmove(index + axis + 1, index + axis + rank, (size_t)(r->in[0].rank - axis - 1) * sizeof *index);
    return 1;
}
MOVE(gather)

static ag_node *build_scatter_add(ag_node *const in[], const int *arg)
{
    if (ag_is_bad(in[0])) return ag_scatter_add(in[0], arg[0], in[0], in[1]);
    return ag_scatter_add(in[0], arg[0], indices(in[0]->graph, arg[1]), in[1]);
}

static void expect_scatter_add(const op_row *r, const double *const in[], double *out)
{
    memcpy(out, in[0], (size_t)op_count(r->in[0]) * sizeof *out);
    for (int64_t u = 0; u < op_count(r->in[1]); u++) {
        int64_t index[AG_MAX_RANK];
        unravel(r->in[1], u, index);
        place_gather(r, index);
        out[ravel(r->in[0], index)] += in[1][u];
    }
}

static ag_node *build_scatter_onto(ag_node *const in[], const int *arg)
{
    ag_node *i = ag_is_bad(in[0]) ? in[0] : indices(in[0]->graph, arg[1]);
    return ag_apply(&agi_scatter_onto, 4, (ag_node *[]){ in[0], i, in[1], in[2] }, arg);
}

static void expect_scatter_onto(const op_row *r, const double *const in[], double *out)
{
    double updates[64] = { 0 };
    for (int64_t u = 0; u < op_count(r->in[1]); u++) updates[u] = in[2][0] * in[1][u];
    expect_scatter_add(r, (const double *const[]){ in[0], updates }, out);
}

/* Over a tensor a vector from arg[0] on, arg[1] apart, and a matrix from arg[2] on, its rows arg[3] apart. */
static ag_node *build_strew(ag_node *const in[], const int *arg)
{
    const ag_strides at[] = { { .offset = arg[0], .stride = { arg[1] } }, { arg[2], { arg[3], 1 } } };
    for (int k = 0; k < 3; k++)
        if (ag_is_bad(in[k])) return in[k];
    return agi_new_strew(in[0], 2, at, in + 1);
}

static void expect_strew(const op_row *r, const double *const in[], double *out)
{
    const int64_t rows = r->in[2].dim[0], columns = r->in[2].dim[1];
    memcpy(out, in[0], (size_t)op_count(r->out) * sizeof *out);
    for (int64_t j = 0; j < op_count(r->in[1]); j++) out[r->arg[0] + r->arg[1] * j] += in[1][j];
    for (int64_t j = 0; j < rows * columns; j++)
        out[r->arg[2] + j / columns * r->arg[3] + j % columns] += in[2][j];
}

/* Over zeros, a vector below the diagonal, and backwards across. */
static ag_node *build_diagonals(ag_node *const in[], const int *arg)
{
    const int64_t n = arg[0];
    if (ag_is_bad(in[0])) return in[0];
    const ag_strides at[] = { { .offset = n, .stride = { n + 1 } }, { .offset = n * (n - 1), .stride = { 1 - n } } };
    ag_node *zero = ag_cast(ag_number(in[0]->graph, 0), ag_type_of(in[0]));
    return agi_new_strew(ag_broadcast_to(zero, AG_SHAPE(n, n)), 2, at, (ag_node *[]){ in[0], in[0] });
}

static void expect_diagonals(const op_row *r, const double *const in[], double *out)
{
    const int64_t n = r->arg[0];
    memset(out, 0, (size_t)(n * n) * sizeof *out);
    for (int64_t j = 0; j + 1 < n; j++) out[n * (j + 1) + j] += in[0][j];
    for (int64_t j = 0; j + 1 < n; j++) out[n * (n - 1 - j) + j] += in[0][j];
}

/* 1 where the last index equals the label; labels are 2, -1, 0, 2, 2, 1, of which -1 is no class. */
static ag_node *build_one_hot(ag_node *const in[], const int *arg)
{
    if (ag_is_bad(in[0])) return in[0];
    return ag_mul(in[0], ag_one_hot(indices(in[0]->graph, arg[0]), arg[1], ag_type_of(in[0])));
}

static void expect_one_hot(const op_row *r, const double *const in[], double *out)
{
    for (int64_t o = 0; o < op_count(r->out); o++)
        out[o] = o % r->arg[1] == index_at(o / r->arg[1]) ? in[0][0] : 0;
}

/* ---- types, barriers, effects ----------------------------------------------------------------------------------- */

static ag_node *build_cast(ag_node *const in[], const int *arg)
{
    return ag_cast(in[0], (ag_dtype)arg[0]);
}

static void expect_float(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) out[i] = (float)in[0][i];
}

static void expect_truncated(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) out[i] = trunc(in[0][i]);
}

static ag_node *build_stop_gradient(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_stop_gradient(in[0]);
}

static void expect_stop_gradient(const op_row *r, const double *const in[], double *out)
{
    expect_same(r, in, out);
}

static ag_node *build_checkpoint(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_checkpoint(in[0]);
}

/* The gradient of the sum of x y by y is x. */
static ag_node *build_derivative(ag_node *const in[], const int *arg)
{
    (void)arg;
    ag_node *y = ag_input(ag_graph_of(in[0]), NULL, ag_type_of(in[0]), ag_shape_of(in[0])), *d;
    ag_gradient(ag_sum(ag_mul(in[0], y)), 1, &y, &d);
    return d;
}

static ag_node *build_assign(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_assign(in[0], in[1]);
}

static ag_node *build_group(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_group(2, in);
}

/* ---- the rows --------------------------------------------------------------------------------------------------- */

#define S OP_SHAPE
/* On every element: on the even ones and the odd ones of the first, once more in their middle, then in blocks as they
 * are, and by columns, of arg[0] each. */
static ag_node *build_woven(ag_node *const in[], const int *arg)
{
    if (ag_is_bad(in[0])) return in[0];
    const int64_t n = ag_size_of(in[0]), columns = arg[0];
    ag_node *x = in[0], *matrix = ag_reshape(x, AG_SHAPE(-1, columns)), *all[] = { x, x, x, matrix, matrix };
    const ag_strides at[] = { { 0, { 2 } }, { n / 2, { 1 } }, { 1, { 2 } }, { 2 * n, { columns, 1 } },
                              { 3 * n, { 1, n / columns } } };
    ag_node *zero = ag_cast(ag_number(x->graph, 0), ag_type_of(x));
    return agi_new_strew(ag_broadcast_to(zero, AG_SHAPE(4 * n)), 5, at, all);
}

static void expect_woven(const op_row *r, const double *const in[], double *out)
{
    const int64_t n = op_count(r->in[0]), columns = r->arg[0];
    for (int64_t j = 0; j < n; j++) {
        out[2 * j] = out[2 * j + 1] = out[2 * n + j] = in[0][j];
        out[3 * n + j / columns + j % columns * (n / columns)] = in[0][j];
    }
    for (int64_t j = 0; j < n; j++) out[n / 2 + j] += in[0][j];
}

#define MOVED(name, flags, in, out, ...) \
    { #name, build_##name, expect_##name, 1, { in }, out, -3, 3, { __VA_ARGS__ }, (flags) | ROW_INTEGERS },
#define ASSEMBLED(in, out, ...) \
    { "assemble", build_assemble, expect_assemble, 3, { in, in, in }, out, -3, 3, { __VA_ARGS__ }, ROW_INNER },
#define SCATTERED(in, updates, ...) \
    { "scatter_add", build_scatter_add, expect_scatter_add, 2, { in, updates }, in, -3, 3, { __VA_ARGS__ }, 0 },
#define ONTO(in, updates, ...)                                                                                         \
    { "scatter_onto", build_scatter_onto, expect_scatter_onto, 3, { in, updates, OP_SCALAR }, in, -3, 3,               \
      { __VA_ARGS__ }, ROW_INNER },

#define STREWN(in, vector, matrix, ...) \
    { "strew", build_strew, expect_strew, 3, { in, vector, matrix }, in, -3, 3, { __VA_ARGS__ }, ROW_INNER },

const op_row op_moves[] = {
    STREWN(S(5, 5), S(5), S(2, 3), 0, 6, 7, 5)
    STREWN(S(4, 3, 2), S(4), S(3, 2), 23, -5, 1, 8)
    STREWN(S(40), S(1), S(1, 1), 39, 7, 0, 5)
    STREWN(S(70, 70), S(70), S(60, 60), 69, 69, 70, 71)
    { "strew", build_diagonals, expect_diagonals, 1, { S(6) }, S(7, 7), -3, 3, { 7 }, ROW_INNER },
    { "strew", build_diagonals, expect_diagonals, 1, { S(1) }, S(2, 2), -3, 3, { 2 }, ROW_INNER },
    { "strew", build_woven, expect_woven, 1, { S(6) }, S(24), -3, 3, { 2 }, ROW_INNER },
    { "strew", build_woven, expect_woven, 1, { S(42) }, S(168), -3, 3, { 6 }, ROW_INNER },
    { "parameter", build_leaf, expect_same, 1, { S(3, 5) }, S(3, 5), -3, 3, { 0 }, ROW_INTEGERS },
    { "input", build_leaf, expect_same, 1, { OP_SCALAR }, OP_SCALAR, -3, 3, { 0 }, ROW_INTEGERS },
    { "constant", build_constant, expect_constant, 1, { S(7) }, S(7), -3, 3, { 0 }, ROW_INNER },
    { "constant", build_arange, expect_arange, 1, { OP_SCALAR }, S(9), -3, 3, { 9 }, ROW_INNER },
    { "number", build_number, expect_number, 1, { S(3, 5) }, S(3, 5), -3, 3, { 0 }, ROW_INNER },
    { "concat", build_stack, expect_stack, 2, { S(2, 3), S(2, 3) }, S(2, 2, 3), -3, 3, { 0, 0 }, ROW_INTEGERS },
    { "concat", build_stack, expect_stack, 2, { S(2, 3), S(2, 3) }, S(2, 2, 3), -3, 3, { -2, 1 }, ROW_INTEGERS },
    { "concat", build_stack, expect_stack, 2, { S(5, 3), S(5, 3) }, S(5, 3, 2), -3, 3, { 2, 2 }, ROW_INTEGERS },
    { "concat", build_stack, expect_stack, 2, { OP_SCALAR, OP_SCALAR }, S(2), -3, 3, { 0, 0 }, ROW_INTEGERS },
    { "concat", build_split, expect_split, 1, { S(6) }, S(6), -3, 3, { 0, 0 }, ROW_INTEGERS },
    { "concat", build_split, expect_split, 1, { S(2, 7) }, S(2, 7), -3, 3, { 1, 4 }, ROW_INTEGERS },
    { "concat", build_roll, expect_roll, 1, { S(7) }, S(7), -3, 3, { 0, 2 }, ROW_INTEGERS },
    { "concat", build_roll, expect_roll, 1, { S(2, 5, 3) }, S(2, 5, 3), -3, 3, { 1, -13 }, ROW_INTEGERS },
    { "slice", build_roll, expect_roll, 1, { S(2, 5) }, S(2, 5), -3, 3, { 1, -5 }, ROW_INTEGERS },
    { "slice", build_index, expect_index, 1, { S(5) }, OP_SCALAR, -3, 3, { 0, 3 }, ROW_INTEGERS },
    { "slice", build_index, expect_index, 1, { S(2, 3, 4) }, S(2, 4), -3, 3, { 1, -1 }, ROW_INTEGERS },
    { "where", build_triangle, expect_triangle, 1, { S(4, 5) }, S(4, 5), -3, 3, { 0, 1 }, ROW_INNER },
    { "where", build_triangle, expect_triangle, 1, { S(2, 5, 3) }, S(2, 5, 3), -3, 3, { 1, -2 }, ROW_INNER },
    { "where", build_triangle, expect_triangle, 1, { S(4, 4) }, S(4, 4), -3, 3, { 1, 0 }, ROW_INNER },
    { "broadcast_to", build_full, expect_full, 1, { S(3) }, S(2, 3), -3, 3, { 0 }, ROW_INNER },
    MOVED(transpose, 0, S(2, 3), S(3, 2), 1, 0)
    MOVED(transpose, 0, S(2, 3, 4), S(3, 4, 2), 1, 2, 0)
    MOVED(transpose, 0, S(2, 3, 4), S(4, 3, 2), 2, 1, 0)
    MOVED(transpose, 0, S(2, 1, 4, 3), S(3, 2, 4, 1), 3, 0, 2, 1)
    MOVED(transpose, 0, S(70, 90), S(90, 70), 1, 0)
    { "transpose", build_reverse, expect_reverse, 1, { S(2, 3, 4) }, S(4, 3, 2), -3, 3, { 0 }, ROW_INTEGERS },
    { "transpose", build_reverse, expect_same, 1, { OP_SCALAR }, OP_SCALAR, -3, 3, { 0 }, ROW_INTEGERS },
    { "reshape", build_reshape, expect_same, 1, { S(2, 3, 4) }, S(6, 4), -3, 3, { 6, 4 }, ROW_INTEGERS },
    { "reshape", build_reshape, expect_same, 1, { S(2, 3, 4) }, S(2, 12), -3, 3, { -1, 12 }, ROW_INTEGERS },
    { "reshape", build_reshape, expect_same, 1, { S(1, 1) }, OP_SCALAR, -3, 3, { 0 }, ROW_INTEGERS },
    MOVED(broadcast_to, 0, OP_SCALAR, S(2, 3), 2, 3)
    MOVED(broadcast_to, 0, S(3), S(2, 3), 2, 3)
    MOVED(broadcast_to, 0, S(2, 1), S(2, 3), 2, 3)
    MOVED(broadcast_to, 0, S(1, 3, 1), S(4, 2, 3, 5), 4, 2, 3, 5)
    MOVED(broadcast_to, 0, S(1, 700), S(3, 700), 3, 700)
    MOVED(slice, 0, S(7), S(3), 0, 2, 5, 1)
    MOVED(slice, 0, S(7), S(3), 0, 1, 7, 2)
    MOVED(slice, 0, S(7), S(4), 0, 6, -99, -2)
    MOVED(slice, 0, S(3, 7, 2), S(3, 2, 2), 1, 5, 1, -2)
    MOVED(slice, 0, S(3, 7), S(1, 7), 0, 1, 2, 1)
    MOVED(embed, ROW_INNER, S(3), S(7), 0, 2, 5, 1)
    MOVED(embed, ROW_INNER, S(4), S(7), 0, 0, 7, 2)
    MOVED(embed, ROW_INNER, S(3, 3, 2), S(3, 7, 2), 1, 6, 0, -2)
    MOVED(embed, ROW_INNER, S(3, 3, 5), S(3, 7, 5), 1, 0, 7, 3)
    ASSEMBLED(S(2), S(12), 0, 12, 1, 2)
    ASSEMBLED(S(1), S(20), 0, 20, 1, 3)
    ASSEMBLED(S(3), S(20), 0, 20, 2, 1)
    ASSEMBLED(S(2, 3, 2), S(2, 18, 2), 1, 18, 1, 3)
    ASSEMBLED(S(2, 3, 40), S(2, 10, 40), 1, 10, 2, 1)
    ASSEMBLED(S(3, 12), S(3, 60), 1, 60, 2, 5)
    ASSEMBLED(S(3, 12), S(16, 12), 0, 16, 5, 1)
    MOVED(pad, 0, S(4), S(7), 0, 1, 2)
    MOVED(pad, 0, S(2, 3, 2), S(2, 5, 2), 1, 0, 2)
    MOVED(pad, 0, S(2, 3), S(2, 3), 1, 0, 0)
    { "pad", build_pad_spread, expect_pad_spread, 1, { S(1) }, S(20), -3, 3, { 0, 3, 2, 15 }, ROW_INTEGERS },
    { "pad", build_pad_spread, expect_pad_spread, 1, { S(1, 1) }, S(3, 700), -3, 3, { 1, 0, 697, 3 }, ROW_INTEGERS },
    { "pad", build_pad_spread, expect_pad_spread, 1, { S(4, 1) }, S(9, 6), -3, 3, { 0, 5, 0, 6 }, ROW_INTEGERS },
    { "pad", build_pad_spread, expect_pad_spread, 1, { S(1, 40) }, S(30, 41), -3, 3, { 1, 1, 0, 30 }, ROW_INTEGERS },
    { "concat", build_concat, expect_concat, 1, { S(2, 3) }, S(2, 3), -3, 3, { 0, 1 }, ROW_INTEGERS },
    { "concat", build_concat, expect_concat, 2, { S(2, 3), S(1, 3) }, S(3, 3), -3, 3, { 0, 2 }, ROW_INTEGERS },
    { "concat", build_concat, expect_concat, 3, { S(2, 3), S(2, 1), S(2, 4) }, S(2, 8), -3, 3, { 1, 3 }, ROW_INTEGERS },
    { "concat", build_concat, expect_concat, 2, { S(2, 2, 3), S(2, 5, 3) }, S(2, 7, 3), -3, 3, { 1, 2 }, ROW_INTEGERS },
    MOVED(gather, 0, S(5), S(7), 0, 7)
    MOVED(gather, 0, S(5), S(2, 3), 0, 0)
    MOVED(gather, 0, S(5, 4), S(2, 3, 4), 0, 0)
    MOVED(gather, 0, S(3, 4, 2), S(3, 8, 2), 1, 8)
    MOVED(gather, 0, S(3, 4), S(3, 2, 3), 1, 0)
    SCATTERED(S(5), S(7), 0, 7)
    SCATTERED(S(5, 4), S(2, 3, 4), 0, 0)
    SCATTERED(S(3, 4, 2), S(3, 9, 2), 1, 9)
    ONTO(S(5), S(7), 0, 7)
    ONTO(S(5, 4), S(2, 3, 4), 0, 0)
    ONTO(S(3, 4, 2), S(3, 9, 2), 1, 9)
    { "one_hot", build_one_hot, expect_one_hot, 1, { OP_SCALAR }, S(5, 4), -3, 3, { 5, 4 }, ROW_INNER },
    { "one_hot", build_one_hot, expect_one_hot, 1, { OP_SCALAR }, S(2, 3, 3), -3, 3, { 0, 3 }, ROW_INNER },
    { "cast", build_cast, expect_same, 1, { S(2, 3) }, S(2, 3), -3, 3, { AG_F64 }, ROW_INTEGERS },
    { "cast", build_cast, expect_float, 1, { S(2, 3) }, S(2, 3), -3, 3, { AG_F32 }, ROW_INTEGERS | ROW_NO_GRADIENT },
    { "cast", build_cast, expect_truncated, 1, { S(9) }, S(9), -9, 9, { AG_I64 }, ROW_INTEGERS | ROW_NO_GRADIENT },
    MOVED(stop_gradient, ROW_STOPPED, S(2, 3), S(2, 3), 0)
    { "checkpoint", build_checkpoint, expect_same, 1, { S(2, 3) }, S(2, 3), -3, 3, { 0 }, ROW_INTEGERS },
    { "derivative", build_derivative, expect_same, 1, { S(2, 3) }, S(2, 3), -3, 3, { 0 }, ROW_INTEGERS },
    { "assign", build_assign, expect_same, 2, { S(2, 3), S(2, 3) }, S(2, 3), -3, 3, { 0 }, ROW_INTEGERS | ROW_EFFECT },
    { "group", build_group, expect_same, 2, { S(2, 3), S(4) }, S(4), -3, 3, { 0 }, ROW_INTEGERS },
};
const size_t op_moves_count = COUNT(op_moves);
