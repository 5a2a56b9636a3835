#include "heads.h"
#include "matrix.h"

#include <math.h>

static ag_node *causal(ag_node *scores)
{
    if (ag_is_bad(scores)) return scores;
    ag_graph *g = scores->graph;
    ag_dtype dtype = (ag_dtype)scores->dtype;
    ag_node *i = ag_reshape(ag_arange(g, dtype, agi_rows(scores)), AG_SHAPE(agi_rows(scores), 1));
    return ag_where(ag_less_equal(ag_arange(g, dtype, agi_cols(scores)), i), scores, ag_number(g, -INFINITY));
}

ag_node *agi_attention_weights(ag_node *q, ag_node *k, ag_node *mask, const agi_attention_form *f)
{
    ag_node *scores = ag_scale(ag_matmul(q, agi_transposed(k)), f->scale);
    if (mask) scores = ag_add(scores, mask);
    if (f->causal) scores = causal(scores);
    if (ag_is_bad(scores)) return scores;
    const int last = scores->rank - 1;
    if (!mask) return ag_softmax(scores, last);
    ag_node *zero = ag_number(scores->graph, 0);
    ag_node *none = ag_equal(ag_amax_axis(scores, last, 1), ag_number(scores->graph, -INFINITY));
    return ag_where(none, zero, ag_softmax(ag_where(none, zero, scores), last));
}

ag_node *agi_row_sums(ag_node *x)
{
    return ag_is_bad(x) ? x : ag_sum_axis(x, x->rank - 1, 1);
}

ag_node *agi_take_part(ag_node *x, int64_t first, int64_t rows, int64_t columns)
{
    if (ag_is_bad(x)) return x;
    ag_shape s = ag_shape_in(x);
    s.dim[s.rank - 1] = rows;
    s.dim[s.rank++] = columns;
    return ag_reshape(ag_slice(x, x->rank - 1, first, first + rows * columns, 1), s);
}

static agi_steps steps_of(const ag_node *x, const ag_strides *s)
{
    return (agi_steps){ s->stride[x->rank - 2], s->stride[x->rank - 1] };
}

agi_attention_head agi_attention_of(const ag_node *y, const ag_strides stride[], int with_g)
{
    const ag_node *q = y->in[0], *k = y->in[1], *v = y->in[2];
    const agi_attention_form *f = y->attribute;
    agi_attention_head s = { .queries = agi_rows(q), .keys = agi_rows(k), .depth = agi_cols(q), .width = agi_cols(v),
                        .scale = f->scale, .causal = f->causal != 0 };
    s.q = steps_of(q, &stride[0]);
    s.k = steps_of(k, &stride[1]);
    s.v = steps_of(v, &stride[2]);
    if (with_g) s.g = steps_of(y->in[3], &stride[3]);
    if (agi_mask_of(y, with_g)) s.more = steps_of(agi_mask_of(y, with_g), &stride[agi_mask_place(with_g)]);
    return s;
}

/* Operands may come by rows, by columns, or in any other way: what that packs most. */
size_t agi_attention_scratch(const ag_node *y, int with_g)
{
    const agi_steps kind[] = { { 1 << 20, 1 }, { 1, 1 << 20 }, { 2, 3 } };
    const ag_strides none[6] = { { 0, { 0 } } };
    agi_attention_head s = agi_attention_of(y, none, with_g);
    int64_t most = s.keys * (int64_t)sizeof(double);
    for (int i = 0; i < 81; i++) {
        s.q = kind[i % 3], s.k = kind[i / 3 % 3], s.v = kind[i / 9 % 3], s.g = kind[i / 27];
        const int64_t bytes = agi_attention_work(y->dtype == AG_F64, &s);
        if (bytes > most) most = bytes;
    }
    return (size_t)most;
}

int64_t agi_heads(const ag_node *q)
{
    return ag_count(q) / (agi_rows(q) * agi_cols(q));
}

const void *agi_head_of(const ag_kernel_call *c, int k, int64_t h)
{
    const ag_node *q = c->node->in[0], *x = c->node->in[k];
    int64_t at = 0;
    for (int i = q->rank - 3; i >= 0; h /= q->dim[i--]) at += h % q->dim[i] * c->in_stride[k].stride[i];
    return (const char *)c->in[k] + at * (int64_t)ag_dtype_size((ag_dtype)x->dtype);
}

void agi_write_heads(ag_source *s, const ag_node *y, const ag_strides in_stride[], int with_g)
{
    static const char *const name[] = { "q", "k", "v", "g", "y" };
    const ag_node *q = y->in[0];
    ag_emit(s, "    int64_t head, i, j, l;\n    for (head = 0; head < %lld; head++) {\n", (long long)agi_heads(q));
    for (int n = 0; n < (int)y->nin; n++) {
        int64_t inside = 1;
        const char *of = n == agi_mask_place(with_g) ? "mask" : name[n];
        ag_emit(s, "        const %s *const %s = in%d", ag_c_type((ag_dtype)y->dtype), of, n);
        for (int i = q->rank - 3; i >= 0; inside *= q->dim[i--])
            ag_emit(s, " + head / %lld %% %lld * %lld", (long long)inside, (long long)q->dim[i],
                    (long long)in_stride[n].stride[i]);
        ag_emit(s, ";\n");
    }
}

void agi_write_queries(ag_source *s, const agi_attention_head *a)
{
    ag_emit(s, "        for (i = 0; i < %lld; i++) {\n", (long long)a->queries);
    if (a->causal)
        ag_emit(s, "            const int64_t keys = i < %lld ? i + 1 : %lld;\n", (long long)a->keys,
                (long long)a->keys);
    else ag_emit(s, "            const int64_t keys = %lld;\n", (long long)a->keys);
}

void agi_write_score(ag_source *s, const agi_attention_head *a, int masked)
{
    ag_emit(s, "                double score = 0;\n");
    ag_emit(s, "                for (l = 0; l < %lld; l++)\n", (long long)a->depth);
    ag_emit(s, "                    score += (double)q[i * %lld + l * %lld] * k[j * %lld + l * %lld];\n",
            (long long)a->q.row, (long long)a->q.column, (long long)a->k.row, (long long)a->k.column);
    ag_emit(s, "                score *= %.17g;\n", a->scale);
    if (masked)
        ag_emit(s, "                score += mask[i * %lld + j * %lld];\n", (long long)a->more.row,
                (long long)a->more.column);
}
