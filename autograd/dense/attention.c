#include "attention.h"

enum { B = AGI_ATTENTION_BLOCK };

agi_product_of agi_attention_matrices(const agi_attention_head *s, agi_attention_product which, int64_t m, int64_t n)
{
    agi_product_of p = { .alpha = 1 };
    const agi_steps block = { B, 1 }, across = { 1, B };
    agi_steps a = block, b;
    switch (which) {
    case AGI_SCORES:
        p.rows = m, p.columns = n, p.inner = s->depth, p.out_row = B, p.alpha = s->scale;
        a = s->q, b = (agi_steps){ s->k.column, s->k.row };
        break;
    case AGI_VALUES: p.rows = m, p.columns = s->width, p.inner = n, p.out_row = s->width, b = s->v; break;
    case AGI_BY_VALUES:
        p.rows = n, p.columns = s->width, p.inner = m, p.out_row = s->width;
        a = across, b = s->g;
        break;
    case AGI_BY_SCORES:
        p.rows = m, p.columns = n, p.inner = s->width, p.out_row = B;
        a = s->g, b = (agi_steps){ s->v.column, s->v.row };
        break;
    case AGI_BY_QUERIES: p.rows = m, p.columns = s->depth, p.inner = n, p.out_row = s->depth, b = s->k; break;
    default:
        p.rows = n, p.columns = s->depth, p.inner = m, p.out_row = s->depth;
        a = across, b = s->q;
        break;
    }
    p.a_row = a.row, p.a_column = a.column, p.b_row = b.row, p.b_column = b.column;
    return p;
}

/* Of a whole block's products and those of what is left of queries and keys. */
static int64_t product_work(int isa, int double_precision, const agi_attention_head *s)
{
    const int64_t m[] = { s->queries < B ? s->queries : B, s->queries % B };
    const int64_t n[] = { s->keys < B ? s->keys : B, s->keys % B };
    int64_t most = 0;
    for (int k = 0; k < 4 * AGI_ATTENTION_PRODUCTS; k++) {
        if (!m[k & 1] || !n[k >> 1 & 1]) continue;
        agi_product_of p = agi_attention_matrices(s, (agi_attention_product)(k >> 2), m[k & 1], n[k >> 1 & 1]);
        p.reading = agi_choose_reading(isa, double_precision, &p);
        const int64_t bytes = agi_product_work(isa, double_precision, &p);
        if (bytes > most) most = bytes;
    }
    return most;
}

/* Two blocks, a row of numbers each for its queries' largest scores, sums and what is subtracted, and the products'. */
int64_t agi_attention_work(int double_precision, const agi_attention_head *s)
{
    int64_t most = 0;
    for (int isa = 1; isa <= agi_best_isa(); isa++) {
        const int64_t bytes = product_work(isa, double_precision, s);
        if (bytes > most) most = bytes;
    }
    return most + (2 * B * B + 3 * B) * (double_precision ? 8 : 4);
}
