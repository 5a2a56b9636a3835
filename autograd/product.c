/* Matrix products by CBLAS: transposes, a factor and accumulation go into its arguments. */
#include "plan.h"

#include <cblas.h>

typedef struct {
    enum CBLAS_TRANSPOSE transposed;
    int leading;
} layout;

/* A matrix of rows x columns whose rows or columns are contiguous. */
static layout layout_of(const ag_node *x, const ag_strides *s)
{
    int64_t rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1];
    int64_t down = s->stride[x->rank - 2], across = s->stride[x->rank - 1];
    int by_rows = (columns == 1 && !(rows > 1 && down == 1)) || (across == 1 && (rows == 1 || down >= columns));
    int64_t leading = by_rows ? (rows == 1 || down < columns ? columns : down) : (columns == 1 || across < rows ? rows : across);
    return (layout){ by_rows ? CblasNoTrans : CblasTrans, (int)leading };
}

typedef struct {
    const agi_product *p;
    layout a, b;
    int rows, columns, inner;
    double alpha, beta;
} shape;

static void multiply_f32(const shape *s, const float *a, const float *b, float *out)
{
    float alpha = (float)s->alpha, beta = (float)s->beta;
    if (s->columns == 1 && s->b.leading == 1)
        cblas_sgemv(CblasRowMajor, s->a.transposed, s->a.transposed == CblasNoTrans ? s->rows : s->inner,
                    s->a.transposed == CblasNoTrans ? s->inner : s->rows, alpha, a, s->a.leading, b, 1, beta, out, 1);
    else
        cblas_sgemm(CblasRowMajor, s->a.transposed, s->b.transposed, s->rows, s->columns, s->inner, alpha, a,
                    s->a.leading, b, s->b.leading, beta, out, s->columns);
}

static void multiply_f64(const shape *s, const double *a, const double *b, double *out)
{
    if (s->columns == 1 && s->b.leading == 1)
        cblas_dgemv(CblasRowMajor, s->a.transposed, s->a.transposed == CblasNoTrans ? s->rows : s->inner,
                    s->a.transposed == CblasNoTrans ? s->inner : s->rows, s->alpha, a, s->a.leading, b, 1, s->beta, out, 1);
    else
        cblas_dgemm(CblasRowMajor, s->a.transposed, s->b.transposed, s->rows, s->columns, s->inner, s->alpha, a,
                    s->a.leading, b, s->b.leading, s->beta, out, s->columns);
}

/* Offset of batch `k` of the result in an operand whose batch dimensions broadcast. */
static int64_t batch_offset(const ag_node *y, int64_t k, const ag_node *x, const ag_strides *s)
{
    int64_t at = s->offset;
    for (int i = y->rank - 3; i >= 0; i--) {
        int64_t index = k % y->dim[i];
        int axis = i - (y->rank - x->rank);
        k /= y->dim[i];
        if (axis >= 0 && x->dim[axis] != 1) at += index * s->stride[axis];
    }
    return at;
}

static double factor(const ag_run *r, const agi_product *p)
{
    if (p->scale == AGI_NONE) return p->alpha;
    const void *at = r->memory[p->scale];
    return p->alpha * (p->node->dtype == AG_F32 ? (double)((const float *)at)[p->scale_offset]
                                                : ((const double *)at)[p->scale_offset]);
}

void agi_run_product(ag_run *r, const agi_product *p)
{
    const ag_node *y = p->node, *a = y->in[0], *b = y->in[1];
    int64_t batches = 1, matrix = y->dim[y->rank - 2] * y->dim[y->rank - 1];
    shape s = { .p = p, .a = layout_of(a, &p->a_stride), .b = layout_of(b, &p->b_stride),
                .rows = (int)y->dim[y->rank - 2], .columns = (int)y->dim[y->rank - 1], .inner = (int)a->dim[a->rank - 1],
                .alpha = factor(r, p), .beta = p->onto != AGI_NONE };
    for (int i = 0; i < y->rank - 2; i++) batches *= y->dim[i];
    if (p->onto != AGI_NONE && r->memory[p->onto] != r->memory[p->out])
        memcpy(r->memory[p->out], r->memory[p->onto], (size_t)agi_node_bytes(y));
    for (int64_t k = 0; k < batches; k++) {
        int64_t at_a = batch_offset(y, k, a, &p->a_stride), at_b = batch_offset(y, k, b, &p->b_stride);
        if (y->dtype == AG_F32)
            multiply_f32(&s, (const float *)r->memory[p->a] + at_a, (const float *)r->memory[p->b] + at_b,
                         (float *)r->memory[p->out] + k * matrix);
        else
            multiply_f64(&s, (const double *)r->memory[p->a] + at_a, (const double *)r->memory[p->b] + at_b,
                         (double *)r->memory[p->out] + k * matrix);
    }
}
