/* softmax(scale q k^T) v for each head, and the logarithms of the rows' sums of exponentials, which its slope takes:
 * the former's elements, then the latter's, along one axis. */
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
    ag_node *q = y->in[0], *k = y->in[1], *v = y->in[2];
    const int64_t of_q = agi_rows(q) * agi_cols(q), of_k = agi_rows(k) * agi_cols(k);
    ag_node *g = agi_take_part(gout, 0, agi_rows(q), agi_cols(v));
    ag_node *d = agi_new_attention_slope(q, k, v, g, y, y->attribute);
    gin[0] = agi_take_part(d, 0, agi_rows(q), agi_cols(q));
    gin[1] = agi_take_part(d, of_q, agi_rows(k), agi_cols(k));
    gin[2] = agi_take_part(d, of_q + of_k, agi_rows(v), agi_cols(v));
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (int k = 0; k < 3; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    return ag_apply(&agi_attention, 3, in, y->attribute);
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const agi_attention_head s = agi_attention_of(y, c->in_stride, 0);
    const size_t size = ag_dtype_size((ag_dtype)y->dtype), row = (size_t)y->dim[y->rank - 1] * size;
    const int64_t blocks = agi_attention_blocks(s.queries);
    for (int64_t k = c->first, n; k < c->end; k += n) {
        const int64_t h = k / blocks, from = k % blocks;
        char *out = (char *)c->out + (size_t)h * row;
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
    agi_write_heads(s, y, in_stride, 3);
    ag_emit(s, "        %s *const y = out + head * %lld;\n", ag_c_type((ag_dtype)y->dtype),
            (long long)y->dim[y->rank - 1]);
    agi_write_queries(s, &a);
    ag_emit(s, "            double most = -INFINITY, sum = 0;\n            for (j = 0; j < keys; j++) {\n");
    agi_write_score(s, &a);
    ag_emit(s, "                p[j] = score;\n"
               "                if (score > most || isnan(score)) most = score;\n            }\n"
               "            for (j = 0; j < keys; j++) sum += p[j] = exp(p[j] - most);\n"
               "            for (l = 0; l < %lld; l++) {\n                double total = 0;\n", (long long)a.width);
    ag_emit(s, "                for (j = 0; j < keys; j++) total += p[j] * v[j * %lld + l * %lld];\n",
            (long long)a.v.row, (long long)a.v.column);
    ag_emit(s, "                y[i * %lld + l] = %s(total / sum);\n            }\n", (long long)a.width, narrow);
    ag_emit(s, "            y[%lld + i] = %s(most + log(sum));\n        }\n    }\n    return 0;\n",
            (long long)(a.queries * a.width), narrow);
}

const ag_op agi_attention = { .name = "attention",
                              .formula = "softmax(scale q k^T) v",
                              .inputs = 3,
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

static ag_node *refuse(ag_node *q, ag_node *k, ag_node *v, const char *why)
{
    char text[2][AG_SHAPE_TEXT];
    const ag_shape of_k = ag_shape_in(k), of_v = ag_shape_in(v);
    return ag_reject(q, &agi_attention, AG_ESHAPE, "%s; k is %s, v %s", why,
                     ag_describe(text[0], (ag_dtype)k->dtype, &of_k), ag_describe(text[1], (ag_dtype)v->dtype, &of_v));
}

ag_node *ag_attention(ag_node *q, ag_node *k, ag_node *v, double scale, int causal)
{
    ag_node *in[] = { q, k, v };
    agi_attention_form f;
    if (ag_is_bad(q) || ag_is_bad(k) || ag_is_bad(v)) return ag_apply(&agi_attention, 3, in, NULL);
    if (q->dtype == AG_I64 || k->dtype != q->dtype || v->dtype != q->dtype)
        return ag_reject(q, &agi_attention, AG_ETYPE, "queries, keys and values have to be of one real type: ag_cast "
                         "those that are not");
    if (q->rank < 2 || q->rank != k->rank || q->rank != v->rank)
        return refuse(q, k, v, "queries, keys and values are [..., rows, columns] of one rank, 2 at least");
    for (int i = 0; i < q->rank - 2; i++)
        if (q->dim[i] != k->dim[i] || q->dim[i] != v->dim[i]) return refuse(q, k, v, "their leading axes differ");
    if (agi_cols(q) != agi_cols(k)) return refuse(q, k, v, "queries and keys have different numbers of columns");
    if (agi_rows(k) != agi_rows(v)) return refuse(q, k, v, "keys and values have different numbers of rows");
    memset(&f, 0, sizeof f);
    f.scale = isfinite(scale) && scale != 0 ? scale : 1 / sqrt((double)agi_cols(q));
    f.causal = causal != 0;
    return agi_take_part(ag_apply(&agi_attention, 3, in, &f), 0, agi_rows(q), agi_cols(v));
}
