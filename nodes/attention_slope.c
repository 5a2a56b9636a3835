/* The gradients of attention, dq, dk and dv, given that of its result, g. With p = softmax(scale q k^T + mask),
 * dp = g v^T and ds = scale p (dp - rows' sums of p dp):  dq = ds k,  dk = ds^T q,  dv = p^T g.
 * What attention made, the operand after g, is read by the kernel alone: the rule speaks of the others. It is written
 * out: for second derivatives the matrix of all queries by all keys is made. */
#include "shared/heads.h"
#include "shared/factors.h"
#include "shared/matrix.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *q = c->in[0], *k = c->in[1], *v = c->in[2];
    c->shape.rank--;
    c->shape.dim[c->shape.rank - 1] = agi_rows(q) * agi_cols(q) + agi_rows(k) * (agi_cols(k) + agi_cols(v));
    return AG_OK;
}

ag_node *agi_new_attention_slope(ag_node *q, ag_node *k, ag_node *v, ag_node *g, ag_node *made,
                                 ag_node *mask, const agi_attention_form *f)
{
    ag_node *in[] = { q, k, v, g, made, mask };
    return ag_apply(&agi_attention_slope, mask ? 6 : 5, in, f);
}

/* With a, b and c for dq, dk and dv, all is the gradient of sum(p dp w) - sum over rows of (p dp)(p w) + sum(p h),
 * where w = scale (a k^T + q b^T) and h = g c^T. */
static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *q = y->in[0], *k = y->in[1], *v = y->in[2], *g = y->in[3], *mask = agi_mask_of(y, 1);
    const agi_attention_form *f = y->attribute;
    const int64_t of_q = agi_rows(q) * agi_cols(q), of_k = agi_rows(k) * agi_cols(k);
    ag_node *a = agi_take_part(gout, 0, agi_rows(q), agi_cols(q));
    ag_node *b = agi_take_part(gout, of_q, agi_rows(k), agi_cols(k));
    ag_node *c = agi_take_part(gout, of_q + of_k, agi_rows(v), agi_cols(v)), *p = agi_attention_weights(q, k, mask, f);
    ag_node *dp = ag_matmul(g, agi_transposed(v)), *h = ag_matmul(g, agi_transposed(c));
    ag_node *w = ag_scale(ag_add(ag_matmul(a, agi_transposed(k)), ag_matmul(q, agi_transposed(b))), f->scale);
    ag_node *sum_dp = agi_row_sums(ag_mul(p, dp)), *sum_w = agi_row_sums(ag_mul(p, w));
    ag_node *by_p = ag_add(ag_sub(ag_mul(ag_sub(dp, sum_dp), w), ag_mul(dp, sum_w)), h);
    ag_node *by_dp = ag_mul(p, ag_sub(w, sum_w)), *by_w = ag_scale(ag_mul(p, ag_sub(dp, sum_dp)), f->scale);
    ag_node *by_mask = ag_mul(p, ag_sub(by_p, agi_row_sums(ag_mul(p, by_p)))), *by_scores = ag_scale(by_mask, f->scale);
    gin[0] = ag_add(ag_matmul(by_scores, k), ag_matmul(by_w, b));
    gin[1] = ag_add(ag_matmul(agi_transposed(by_scores), q), ag_matmul(agi_transposed(by_w), a));
    gin[2] = ag_matmul(agi_transposed(by_dp), g);
    gin[3] = ag_add(ag_matmul(by_dp, v), ag_matmul(p, c));
    if (mask) gin[5] = by_mask;
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (uint32_t k = 0; k < y->nin; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    return ag_apply(&agi_attention_slope, (int)y->nin, in, y->attribute);
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    agi_attention_head s = agi_attention_of(y, c->in_stride, 1);
    const size_t size = ag_dtype_size((ag_dtype)y->dtype), row = (size_t)y->dim[y->rank - 1] * size;
    for (int64_t h = c->first; h < c->end; h++) {
        const char *of = agi_head_of(c, 4, h);
        if (agi_mask_of(y, 1)) s.added = agi_head_of(c, 5, h);
        agi_dense_for(c)->attend_back(&s, agi_head_of(c, 0, h), agi_head_of(c, 1, h), agi_head_of(c, 2, h), of,
                                      of + (size_t)(s.queries * s.width) * size, agi_head_of(c, 3, h),
                                      (char *)c->out + (size_t)h * row, c->scratch);
    }
    return AG_OK;
}

static size_t scratch(const ag_node *y)
{
    return agi_attention_scratch(y, 1);
}

static int64_t pieces(const ag_node *y)
{
    return agi_heads(y->in[0]);
}

static double flops(const ag_node *y)
{
    const ag_node *q = y->in[0], *k = y->in[1], *v = y->in[2];
    const agi_attention_form *f = y->attribute;
    const double scores = (double)(agi_heads(q) * agi_rows(q)) * (double)agi_rows(k) / (f->causal ? 2 : 1);
    return 2 * scores * (3 * (double)agi_cols(q) + 2 * (double)agi_cols(v));
}

static void write_sums(ag_source *s, const agi_attention_head *a)
{
    ag_emit(s, "            double sum = 0;\n            for (l = 0; l < %lld; l++)\n", (long long)a->width);
    ag_emit(s, "                sum += (double)y[i * %lld + l] * g[i * %lld + l * %lld];\n", (long long)a->width,
            (long long)a->g.row, (long long)a->g.column);
}

static void write_key(ag_source *s, const agi_attention_head *a)
{
    ag_emit(s, "                const double p = exp(score - y[%lld + i]);\n                double dp = 0;\n",
            (long long)(a->queries * a->width));
    ag_emit(s, "                for (l = 0; l < %lld; l++) {\n", (long long)a->width);
    ag_emit(s, "                    dp += (double)g[i * %lld + l * %lld] * v[j * %lld + l * %lld];\n",
            (long long)a->g.row, (long long)a->g.column, (long long)a->v.row, (long long)a->v.column);
    ag_emit(s, "                    dv[j * %lld + l] += p * g[i * %lld + l * %lld];\n                }\n",
            (long long)a->width, (long long)a->g.row, (long long)a->g.column);
    ag_emit(s, "                const double ds = %.17g * p * (dp - sum);\n", a->scale);
    ag_emit(s, "                for (l = 0; l < %lld; l++) {\n", (long long)a->depth);
    ag_emit(s, "                    dq[i * %lld + l] += ds * k[j * %lld + l * %lld];\n", (long long)a->depth,
            (long long)a->k.row, (long long)a->k.column);
    ag_emit(s, "                    dk[j * %lld + l] += ds * q[i * %lld + l * %lld];\n                }\n",
            (long long)a->depth, (long long)a->q.row, (long long)a->q.column);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const agi_attention_head a = agi_attention_of(y, in_stride, 1);
    const char *type = ag_c_type((ag_dtype)y->dtype);
    agi_write_heads(s, y, in_stride, 1);
    ag_emit(s, "        %s *const dq = out + head * %lld, *const dk = dq + %lld, *const dv = dk + %lld;\n", type,
            (long long)y->dim[y->rank - 1], (long long)(a.queries * a.depth), (long long)(a.keys * a.depth));
    ag_emit(s, "        for (l = 0; l < %lld; l++) dq[l] = 0;\n", (long long)y->dim[y->rank - 1]);
    agi_write_queries(s, &a);
    write_sums(s, &a);
    ag_emit(s, "            for (j = 0; j < keys; j++) {\n");
    agi_write_score(s, &a, agi_mask_of(y, 1) != NULL);
    write_key(s, &a);
    ag_emit(s, "            }\n        }\n    }\n    return 0;\n");
}

const ag_op agi_attention_slope = { .name = "attention_slope",
                                    .formula = "gradients of attention",
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
