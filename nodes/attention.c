/* softmax(scale q k^T + mask) v for each head, and the logarithms of the rows' sums of exponentials, which its slope
 * takes: the former's elements, then the latter's, along one axis. The gradient of the mask is p (dp - rows' sums of
 * p dp), p being the weights and dp = g v^T; it is written out. */
#include "shared/extent.h"
#include "shared/heads.h"
#include "shared/factors.h"
#include "shared/matrix.h"

#include <math.h>

static ag_status shape(ag_infer *c)
{
    const ag_node *q = c->in[0], *v = c->in[2];
    c->shape.rank--;
    c->shape.dim[c->shape.rank - 1] = agi_rows(q) * (agi_cols(v) + 1);
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *q = y->in[0], *k = y->in[1], *v = y->in[2], *mask = agi_mask_of(y, 0);
    const int64_t of_q = agi_rows(q) * agi_cols(q), of_k = agi_rows(k) * agi_cols(k);
    ag_node *g = agi_take_part(gout, 0, agi_rows(q), agi_cols(v));
    ag_node *d = agi_new_attention_slope(q, k, v, g, y, mask, y->attribute);
    gin[0] = agi_take_part(d, 0, agi_rows(q), agi_cols(q));
    gin[1] = agi_take_part(d, of_q, agi_rows(k), agi_cols(k));
    gin[2] = agi_take_part(d, of_q + of_k, agi_rows(v), agi_cols(v));
    if (!mask || !ag_wanted(y, 3)) return;
    ag_node *p = agi_attention_weights(q, k, mask, y->attribute), *dp = ag_matmul(g, agi_transposed(v));
    gin[3] = ag_mul(p, ag_sub(dp, agi_row_sums(ag_mul(p, dp))));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (uint32_t k = 0; k < y->nin; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    return ag_apply(&agi_attention, (int)y->nin, in, y->attribute);
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    agi_attention_head s = agi_attention_of(y, c->in_stride, 0);
    const size_t size = ag_dtype_size((ag_dtype)y->dtype), row = (size_t)y->dim[y->rank - 1] * size;
    const int64_t blocks = agi_attention_blocks(s.queries);
    for (int64_t k = c->first, n; k < c->end; k += n) {
        const int64_t h = k / blocks, from = k % blocks;
        char *out = (char *)c->out + (size_t)h * row;
        if (agi_mask_of(y, 0)) s.added = agi_head_of(c, 3, h);
        n = blocks - from < c->end - k ? blocks - from : c->end - k;
        agi_dense_for(c)->attend(&s, agi_head_of(c, 0, h), agi_head_of(c, 1, h), agi_head_of(c, 2, h), out,
                                 out + (size_t)(s.queries * s.width) * size, c->scratch, from, from + n);
    }
    return AG_OK;
}

static int64_t pieces(const ag_node *y)
{
    return agi_heads(y->in[0]) * agi_attention_blocks(agi_rows(y->in[0]));
}

static size_t scratch(const ag_node *y)
{
    return agi_attention_scratch(y, 0);
}

static double flops(const ag_node *y)
{
    const ag_node *q = y->in[0], *v = y->in[2];
    const agi_attention_form *f = y->attribute;
    const double scores = (double)(agi_heads(q) * agi_rows(q)) * (double)agi_rows(v) / (f->causal ? 2 : 1);
    return 2 * scores * (double)(agi_cols(q) + agi_cols(v));
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const agi_attention_head a = agi_attention_of(y, in_stride, 0);
    const char *narrow = y->dtype == AG_F32 ? "(float)" : "";
    ag_emit(s, "    double *const p = (double *)scratch;\n");
    agi_write_heads(s, y, in_stride, 0);
    ag_emit(s, "        %s *const y = out + head * %lld;\n", ag_c_type((ag_dtype)y->dtype),
            (long long)y->dim[y->rank - 1]);
    agi_write_queries(s, &a);
    ag_emit(s, "            double most = -INFINITY, sum = 0;\n            for (j = 0; j < keys; j++) {\n");
    agi_write_score(s, &a, agi_mask_of(y, 0) != NULL);
    ag_emit(s, "                p[j] = score;\n"
               "                if (score > most || isnan(score)) most = score;\n            }\n"
               "            const int none = most == -INFINITY;\n"
               "            for (j = 0; j < keys; j++) sum += p[j] = exp(p[j] - most);\n"
               "            for (l = 0; l < %lld; l++) {\n                double total = 0;\n", (long long)a.width);
    ag_emit(s, "                for (j = 0; j < keys; j++) total += p[j] * v[j * %lld + l * %lld];\n",
            (long long)a.v.row, (long long)a.v.column);
    ag_emit(s, "                y[i * %lld + l] = none ? 0 : %s(total / sum);\n            }\n", (long long)a.width,
            narrow);
    ag_emit(s, "            y[%lld + i] = none ? 0 : %s(most + log(sum));\n        }\n    }\n    return 0;\n",
            (long long)(a.queries * a.width), narrow);
}

const ag_op agi_attention = { .name = "attention",
                              .formula = "softmax(scale q k^T + mask) v",
                              .inputs = -1,
                              .flags = AG_LIBRARY | AG_STRIDED | AG_SMOOTH | AG_SURE,
                              .attribute_size = sizeof(agi_attention_form),
                              .shape = shape,
                              .run = run,
                              .scratch = scratch,
                              .pieces = pieces,
                              .c = write_c,
                              .gradient = gradient,
                              .batch = batch,
                              .flops = flops };

static ag_node *refuse(ag_node *const in[], const char *why)
{
    char text[3][AG_SHAPE_TEXT] = { "" };
    for (int i = 0; i < 3 && in[i + 1]; i++) {
        const ag_shape of = ag_shape_in(in[i + 1]);
        ag_describe(text[i], (ag_dtype)in[i + 1]->dtype, &of);
    }
    return ag_reject(in[0], &agi_attention, AG_ESHAPE, "%s; k is %s, v %s%s%s", why, text[0], text[1],
                     in[3] ? ", the mask " : "", text[2]);
}

static int broadcasts(const ag_node *x, const ag_shape *to)
{
    for (int i = 1; i <= x->rank; i++)
        if (i > to->rank || (x->dim[x->rank - i] != 1 && x->dim[x->rank - i] != to->dim[to->rank - i])) return 0;
    return 1;
}

/* in: queries, keys, values, and the mask, or NULL. */
static ag_node *attend(ag_node *const in[], const agi_attention_form *f)
{
    const ag_node *q = in[0], *k = in[1], *v = in[2], *mask = in[3];
    if (q->dtype == AG_I64 || k->dtype != q->dtype || v->dtype != q->dtype || (mask && mask->dtype != q->dtype))
        return ag_reject(in[0], &agi_attention, AG_ETYPE, "queries, keys, values and mask have to be of one real type: "
                         "ag_cast those that are not");
    if (q->rank < 2 || q->rank != k->rank || q->rank != v->rank)
        return refuse(in, "queries, keys and values are [..., rows, columns] of one rank, 2 at least");
    for (int i = 0; i < q->rank - 2; i++)
        if (q->dim[i] != k->dim[i] || q->dim[i] != v->dim[i]) return refuse(in, "their leading axes differ");
    if (agi_cols(q) != agi_cols(k)) return refuse(in, "queries and keys have different numbers of columns");
    if (agi_rows(k) != agi_rows(v)) return refuse(in, "keys and values have different numbers of rows");
    ag_shape scores = ag_shape_in(q);
    scores.dim[scores.rank - 1] = agi_rows(k);
    if (mask && !broadcasts(mask, &scores)) return refuse(in, "the mask does not broadcast to [..., queries, keys]");
    ag_node *all[] = { in[0], in[1], in[2], mask ? ag_broadcast_to(in[3], scores) : NULL };
    return agi_take_part(ag_apply(&agi_attention, mask ? 4 : 3, all, f), 0, agi_rows(q), agi_cols(v));
}

static ag_status any_shape(ag_infer *c)
{
    (void)c; /* what fits is said in words of attention */
    return AG_OK;
}

ag_node *ag_attention_with(ag_node *q, ag_node *k, ag_node *v, ag_node *mask, double scale, int causal)
{
    static const ag_op any = { .name = "attention", .shape = any_shape };
    ag_node *in[] = { q, k, v, mask }, *sound = ag_vet(&any, mask ? 4 : 3, in, NULL);
    agi_attention_form f;
    if (ag_is_bad(sound)) return sound;
    if (scale == 0 && q->rank && agi_holds_extent(q->graph, q->dim[q->rank - 1]))
        return ag_reject(q, &agi_attention, AG_ESHAPE, "plans choose how many columns there are: give the scale");
    memset(&f, 0, sizeof f);
    f.scale = isfinite(scale) && scale != 0 ? scale : 1 / sqrt((double)(q->rank ? q->dim[q->rank - 1] : 1));
    f.causal = causal != 0;
    return attend(in, &f);
}

ag_node *ag_attention(ag_node *q, ag_node *k, ag_node *v, double scale, int causal)
{
    return ag_attention_with(q, k, v, NULL, scale, causal);
}
