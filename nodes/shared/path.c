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

#define ALONG(name, TO, FROM, takes)                                                                                  \
    static void name(int64_t n, void *to_, int64_t to_stride, const void *from_, int64_t from_stride)                 \
    {                                                                                                                 \
        TO *to = to_;                                                                                                 \
        const FROM *from = from_;                                                                                     \
        if (to_stride == 1 && from_stride == 1)                                                                       \
            for (int64_t i = 0; i < n; i++) to[i] takes from[i];                                                      \
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

void agi_go(const agi_path *w, const agi_way *how, agi_along *each, char *out, const char *in)
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

void agi_write_path(ag_source *s, const agi_path *w, uint32_t k, const char *to, const char *takes)
{
    for (int i = 0; i < w->rank; i++)
        ag_emit(s, "    for (i[%d] = 0; i[%d] < %lld; i[%d]++)\n", i, i, (long long)w->dim[i], i);
    ag_emit(s, "        %s[%lld", to, (long long)w->offset);
    for (int i = 0; i < w->rank; i++) ag_emit(s, " + i[%d] * %lld", i, (long long)w->to[i]);
    ag_emit(s, "] %s in%d[0", takes, (int)k);
    for (int i = 0; i < w->rank; i++) ag_emit(s, " + i[%d] * %lld", i, (long long)w->from[i]);
    ag_emit(s, "];\n");
}
