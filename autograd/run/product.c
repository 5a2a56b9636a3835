/* Matrix products: batches, split over threads. Every part has the bits that it has in the whole. */
#include "run.h"

enum { THREAD_WORK = 1 << 21 }; /* products of numbers that are worth a thread */

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
    agi_product_of of; /* the first one */
    const agi_dense *dense;
    int64_t size, batches; /* size of an element */
    int parts, by_rows;    /* of each product's rows or columns */
} job;

static void advance(const job *j, agi_product_of *s, int64_t a, int64_t b, int64_t out)
{
    s->a = (const char *)s->a + a * j->size;
    s->b = (const char *)s->b + b * j->size;
    s->out = (char *)s->out + out * j->size;
    if (s->from) s->from = (const char *)s->from + out * j->size;
}

/* Products `first` to before `end`: those along the innermost axis in one call. */
static void multiply_batches(const job *j, const agi_product_of *one, int64_t first, int64_t end)
{
    static const int64_t none[3] = { 0, 0, 0 };
    const agi_product *p = j->p;
    if (!p->axes) {
        j->dense->multiply(one, 1, none);
        return;
    }
    const int64_t inside = p->batch[p->axes - 1].count;
    for (int64_t k = first, n; k < end; k += n) {
        agi_product_of s = *one;
        int64_t left = k;
        n = inside - k % inside < end - k ? inside - k % inside : end - k;
        for (int i = p->axes - 1; i >= 0; left /= p->batch[i--].count) {
            const int64_t at = left % p->batch[i].count, *next = p->batch[i].next;
            advance(j, &s, at * next[0], at * next[1], at * next[2]);
        }
        j->dense->multiply(&s, n, p->batch[p->axes - 1].next);
    }
}

static int64_t split(int64_t n, int part, int parts)
{
    return part == parts ? n : n * part / parts / AGI_PART * AGI_PART;
}

/* A part of the rows or columns of one product. */
static void multiply_part(const job *j, agi_product_of s, int64_t batch, int part)
{
    const int64_t n = j->by_rows ? s.rows : s.columns;
    const int64_t first = split(n, part, j->parts), end = split(n, part + 1, j->parts);
    if (first == end) return;
    if (j->by_rows) {
        s.rows = end - first;
        advance(j, &s, first * s.a_row, 0, first * s.out_row);
    } else {
        s.columns = end - first;
        advance(j, &s, 0, first * s.b_column, first);
    }
    multiply_batches(j, &s, batch, batch + 1);
}

static void run_part(void *context, int number, int threads)
{
    const job *j = context;
    agi_product_of s = j->of;
    const int64_t n = j->batches * j->parts, first = n * number / threads, end = n * (number + 1) / threads;
    s.work = j->run->scratch + number * agi_aligned(j->run->plan->scratch_bytes);
    if (j->parts == 1) multiply_batches(j, &s, first, end);
    else
        for (int64_t k = first; k < end; k++) multiply_part(j, s, k / j->parts, (int)(k % j->parts));
}

static job job_of(ag_run *r, const agi_product *p)
{
    const int wide = p->node->dtype == AG_F64;
    job j = { .run = r, .p = p, .of = agi_matrices_of(p), .dense = agi_dense_of(r->plan->options.isa, wide),
              .size = wide ? 8 : 4, .batches = 1, .parts = 1 };
    agi_product_of *s = &j.of;
    s->a = (const char *)r->memory[p->a] + p->a_stride.offset * j.size;
    s->b = (const char *)r->memory[p->b] + p->b_stride.offset * j.size;
    s->out = r->memory[p->out];
    s->from = p->onto == AGI_NONE ? NULL : r->memory[p->onto];
    s->alpha = factor(r, p);
    for (int i = 0; i < p->axes; i++) j.batches *= p->batch[i].count;
    j.by_rows = s->rows >= s->columns;
    return j;
}

void agi_run_product(ag_run *r, const agi_product *p)
{
    job j = job_of(r, p);
    const int threads = agi_threads_of(r->plan);
    const double one = (double)j.of.rows * (double)j.of.columns * (double)j.of.inner;
    if (!r->pool || one * (double)j.batches < 2 * THREAD_WORK) {
        run_part(&j, 0, 1);
        return;
    }
    if (j.batches < threads && one > THREAD_WORK) j.parts = threads;
    agi_pool_run(r->pool, run_part, &j);
}

void agi_run_product_along(ag_run *r, const agi_product *p, int64_t first, int64_t end)
{
    const job j = job_of(r, p);
    agi_product_of s = j.of;
    s.work = r->scratch;
    switch ((agi_along)p->along) {
    case AGI_BAND_ROWS:
        advance(&j, &s, first * s.a_row, 0, first * s.out_row);
        s.rows = end - first;
        break;
    case AGI_BAND_COLUMNS:
        advance(&j, &s, 0, first * s.b_column, first);
        s.columns = end - first;
        break;
    case AGI_BAND_INNER:
        advance(&j, &s, first * s.a_column, first * s.b_row, 0);
        s.inner = end - first;
        if (first) s.from = s.out;
        break;
    case AGI_NO_BAND: return;
    }
    multiply_batches(&j, &s, 0, 1);
}
