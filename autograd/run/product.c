/* Matrix products by CBLAS: transposes, a factor and accumulation go into its arguments. */
#include "run.h"

#include <cblas.h>

enum { PART_WORK = 1 << 21, PART_ROWS = 48, MOST_PARTS = 16 };

static enum CBLAS_TRANSPOSE how(const agi_matrix *m)
{
    return m->transposed ? CblasTrans : CblasNoTrans;
}

typedef struct {
    agi_matrix a, b;
    int rows, columns, inner;
    double alpha, beta;
} shape;

static void multiply_f32(const shape *s, const float *a, const float *b, float *out)
{
    float alpha = (float)s->alpha, beta = (float)s->beta;
    if (s->columns == 1 && s->b.leading == 1)
        cblas_sgemv(CblasRowMajor, how(&s->a), !s->a.transposed ? s->rows : s->inner,
                    !s->a.transposed ? s->inner : s->rows, alpha, a, s->a.leading, b, 1, beta, out, 1);
    else
        cblas_sgemm(CblasRowMajor, how(&s->a), how(&s->b), s->rows, s->columns, s->inner, alpha, a,
                    s->a.leading, b, s->b.leading, beta, out, s->columns);
}

static void multiply_f64(const shape *s, const double *a, const double *b, double *out)
{
    if (s->columns == 1 && s->b.leading == 1)
        cblas_dgemv(CblasRowMajor, how(&s->a), !s->a.transposed ? s->rows : s->inner,
                    !s->a.transposed ? s->inner : s->rows, s->alpha, a, s->a.leading, b, 1, s->beta, out,
                    1);
    else
        cblas_dgemm(CblasRowMajor, how(&s->a), how(&s->b), s->rows, s->columns, s->inner, s->alpha, a,
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

typedef struct {
    ag_run *run;
    const agi_product *p;
    shape s;
    int64_t batches;
    int parts; /* of the rows of each matrix */
} job;

static void multiply(const job *j, int64_t batch, int64_t first, int64_t end)
{
    const agi_product *p = j->p;
    const ag_node *y = p->node;
    int64_t at_a = batch_offset(y, batch, y->in[0], &p->a_stride),
            at_b = batch_offset(y, batch, y->in[1], &p->b_stride);
    int64_t at = (batch * j->s.rows + first) * j->s.columns;
    shape s = j->s;
    s.rows = (int)(end - first);
    at_a += first * (s.a.transposed ? 1 : s.a.leading);
    void *const *memory = j->run->memory;
    if (y->dtype == AG_F32)
        multiply_f32(&s, (const float *)memory[p->a] + at_a, (const float *)memory[p->b] + at_b,
                     (float *)memory[p->out] + at);
    else
        multiply_f64(&s, (const double *)memory[p->a] + at_a, (const double *)memory[p->b] + at_b,
                     (double *)memory[p->out] + at);
}

static void run_part(void *context, int number, int threads)
{
    const job *j = context;
    threads = agi_blas_calls(threads);
    if (number >= threads) return;
    int64_t n = j->batches * j->parts, rows = j->s.rows;
    for (int64_t k = n * number / threads; k < n * (number + 1) / threads; k++) {
        int64_t batch = k / j->parts, part = k % j->parts, unit = (rows + j->parts - 1) / j->parts;
        unit = j->parts > 1 ? (unit + PART_ROWS - 1) / PART_ROWS * PART_ROWS : unit;
        int64_t first = part * unit, end = first + unit < rows ? first + unit : rows;
        if (first < end) multiply(j, batch, first, end);
    }
}

/* Rows are split into large parts only, so that BLAS treats each as it treats the whole: the bits stay the same. */
static int parts_of(const ag_run *r, const shape *s)
{
    double work = (double)s->rows * s->columns * s->inner;
    if (!r->pool || s->columns == 1) return 1;
    int64_t most = (int64_t)(work / PART_WORK);
    if (most > s->rows / PART_ROWS) most = s->rows / PART_ROWS;
    return most < 1 ? 1 : most > MOST_PARTS ? MOST_PARTS : (int)most;
}

void agi_run_product(ag_run *r, const agi_product *p)
{
    const ag_node *y = p->node, *a = y->in[0], *b = y->in[1];
    job j = { .run = r, .p = p, .batches = 1,
              .s = { .a = agi_matrix_layout(a, &p->a_stride), .b = agi_matrix_layout(b, &p->b_stride),
                     .rows = (int)y->dim[y->rank - 2], .columns = (int)y->dim[y->rank - 1],
                     .inner = (int)a->dim[a->rank - 1], .alpha = factor(r, p),
                     .beta = p->onto != AGI_NONE } };
    for (int i = 0; i < y->rank - 2; i++) j.batches *= y->dim[i];
    j.parts = parts_of(r, &j.s);
    if (p->onto != AGI_NONE && r->memory[p->onto] != r->memory[p->out])
        memcpy(r->memory[p->out], r->memory[p->onto], (size_t)agi_node_bytes(y));
    double work = (double)j.batches * j.s.rows * j.s.columns * j.s.inner;
    if (r->pool && j.batches * j.parts > 1 && work > PART_WORK) agi_pool_run(r->pool, run_part, &j);
    else run_part(&j, 0, 1);
}
