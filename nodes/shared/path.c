/* Tensors gone over in step with where they go in another. */
#include "path.h"

agi_path agi_path_between(const ag_node *x, const ag_strides *from, const ag_strides *to)
{
    agi_path w = { .dim = { 1 }, .offset = to->offset };
    for (int i = 0; i < x->rank; i++) {
        const int last = w.rank - 1;
        if (x->dim[i] == 1) continue;
        if (w.rank && w.to[last] == to->stride[i] * x->dim[i] && w.from[last] == from->stride[i] * x->dim[i]) {
            w.dim[last] *= x->dim[i];
        } else {
            w.dim[w.rank++] = x->dim[i];
        }
        w.to[w.rank - 1] = to->stride[i];
        w.from[w.rank - 1] = from->stride[i];
    }
    if (!w.rank) w.rank = 1;
    return w;
}

void agi_path_swap(agi_path *w, int a, int b)
{
    int64_t *const all[] = { w->dim, w->to, w->from };
    for (int i = 0; i < 3; i++) {
        const int64_t kept = all[i][a];
        all[i][a] = all[i][b];
        all[i][b] = kept;
    }
}

int agi_path_longest(const agi_path *w)
{
    int longest = 0;
    for (int i = 1; i < w->rank; i++)
        if (w->dim[i] > w->dim[longest]) longest = i;
    return longest;
}

#define ALONG(name, TO, FROM, takes)                                                                                  \
    static void name(int64_t n, void *to_, int64_t to_stride, const void *from_, int64_t from_stride)                 \
    {                                                                                                                 \
        TO *to = to_;                                                                                                 \
        const FROM *from = from_;                                                                                     \
        if (to_stride == 1 && from_stride == 1)                                                                       \
            for (int64_t i = 0; i < n; i++) to[i] takes from[i];                                                      \
        else if (from_stride == 1)                                                                                    \
            for (int64_t i = 0; i < n; i++, to += to_stride) *to takes from[i];                                       \
        else                                                                                                          \
            for (int64_t i = 0; i < n; i++) to[i * to_stride] takes from[i * from_stride];                            \
    }

ALONG(copy_f32, float, float, =)
ALONG(copy_f64, double, double, =)
ALONG(copy_wide, double, float, =)
ALONG(add_f32, float, float, +=)
ALONG(add_f64, double, double, +=)
ALONG(add_wide, double, float, +=)

agi_way agi_way_of(ag_dtype dtype, int wide)
{
    if (wide) return (agi_way){ copy_wide, add_wide, sizeof(double), sizeof(float) };
    if (dtype == AG_F32) return (agi_way){ copy_f32, add_f32, sizeof(float), sizeof(float) };
    return (agi_way){ copy_f64, add_f64, sizeof(double), sizeof(double) };
}

void agi_go(const agi_path *w, const agi_way *how, agi_mover *each, char *out, const char *in)
{
    const int last = w->rank - 1;
    int64_t index[AG_MAX_RANK] = { 0 }, to = w->offset, from = 0;
    for (int i = 0; i >= 0;) {
        each(w->dim[last], out + to * (int64_t)how->to, w->to[last], in + from * (int64_t)how->from, w->from[last]);
        for (i = last - 1; i >= 0; i--) {
            to += w->to[i];
            from += w->from[i];
            if (++index[i] < w->dim[i]) break;
            to -= w->to[i] * w->dim[i];
            from -= w->from[i] * w->dim[i];
            index[i] = 0;
        }
    }
}

/* The first i of n with at + step i >= bound; n: none. */
static int64_t first_at(int64_t at, int64_t step, int64_t bound, int64_t n)
{
    const int64_t way = bound - at, i = way <= 0 ? 0 : step ? (way + step - 1) / step : n;
    return i < n ? i : n;
}

/* The axes but for the first one: how far they reach. */
static int64_t reach_of(const agi_path *w)
{
    int64_t reach = 0;
    for (int i = 1; i < w->rank; i++) reach += w->to[i] * (w->dim[i] - 1);
    return reach;
}

void agi_go_within(const agi_path *w, const agi_way *how, agi_mover *each, char *out, const char *in, int64_t first,
                   int64_t end)
{
    const int last = w->rank - 1;
    const int64_t begin = first_at(w->offset + reach_of(w), w->to[0], first, w->dim[0]);
    const int64_t behind = first_at(w->offset, w->to[0], end, w->dim[0]);
    int64_t index[AG_MAX_RANK] = { begin }, to = w->offset + begin * w->to[0], from = begin * w->from[0];
    if (begin >= behind) return;
    if (!last) {
        each(behind - begin, out + to * (int64_t)how->to, w->to[0], in + from * (int64_t)how->from, w->from[0]);
        return;
    }
    for (int i = 0; i >= 0;) {
        const int64_t a = first_at(to, w->to[last], first, w->dim[last]);
        const int64_t b = first_at(to, w->to[last], end, w->dim[last]);
        if (a < b)
            each(b - a, out + (to + a * w->to[last]) * (int64_t)how->to, w->to[last],
                 in + (from + a * w->from[last]) * (int64_t)how->from, w->from[last]);
        for (i = last - 1; i >= 0; i--) {
            const int64_t start = i ? 0 : begin;
            to += w->to[i];
            from += w->from[i];
            if (++index[i] < (i ? w->dim[i] : behind)) break;
            to -= w->to[i] * (index[i] - start);
            from -= w->from[i] * (index[i] - start);
            index[i] = start;
        }
    }
}

/* ---- in C -------------------------------------------------------------------------------------------------------- */

/* `name` at offset + sum of stride[k] i[k], of the axes before `end`. */
static void write_place(ag_source *s, const char *name, int64_t offset, const int64_t *stride, int end)
{
    int some = 0;
    ag_emit(s, "%s[", name);
    if (offset) some = 1, ag_emit(s, "%lld", (long long)offset);
    for (int i = 0; i < end; i++) {
        if (!stride[i]) continue;
        ag_emit(s, some++ ? " + i[%d]" : "i[%d]", i);
        if (stride[i] != 1) ag_emit(s, " * %lld", (long long)stride[i]);
    }
    ag_emit(s, some ? "]" : "0]");
}

static void write_move(ag_source *s, const agi_path *w, int64_t to_first, int64_t from_first, int end, uint32_t k,
                       const char *to, const char *takes)
{
    char from[16];
    snprintf(from, sizeof from, "in%u", (unsigned)k);
    ag_emit(s, "        ");
    write_place(s, to, to_first, w->to, end);
    ag_emit(s, " %s ", takes);
    write_place(s, from, from_first, w->from, end);
    ag_emit(s, ";\n");
}

static void write_loops(ag_source *s, const agi_path *w, int from)
{
    for (int i = from; i < w->rank; i++)
        ag_emit(s, "    for (i[%d] = 0; i[%d] < %lld; i[%d]++)\n", i, i, (long long)w->dim[i], i);
}

void agi_write_path(ag_source *s, const agi_path *w, uint32_t k, const char *to, const char *takes)
{
    write_loops(s, w, 0);
    write_move(s, w, w->offset, 0, w->rank, k, to, takes);
}

void agi_write_path_within(ag_source *s, const agi_path *w, uint32_t k, const char *to, const char *takes)
{
    enum { FEW = 4 };
    if (w->rank == 2 && w->dim[1] <= FEW) {
        for (int64_t j = 0; j < w->dim[1]; j++)
            write_move(s, w, w->offset + j * w->to[1], j * w->from[1], 1, k, to, takes);
    } else {
        write_loops(s, w, 1);
        write_move(s, w, w->offset, 0, w->rank, k, to, takes);
    }
}
