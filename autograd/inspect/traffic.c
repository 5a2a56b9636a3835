/* Values that go through memory from one step to later ones, and why the steps are not one. */
#include "traffic.h"

#include <stdlib.h>

/* The last step before `reader` that writes the buffer; -1: none does. */
static int writer_of(const ag_plan *p, uint32_t buffer)
{
    for (int k = (int)p->buffer[buffer].first; k < p->nsteps; k++) {
        uint32_t b;
        if (p->step[k].kind == AGI_PROGRAM) return k; /* it begins to live with what it is made by */
        for (int i = 0; (b = agi_step_writes(p, k, i)) != AGI_NONE; i++)
            if (b == buffer) return k;
        if (k >= (int)p->buffer[buffer].last) break;
    }
    return -1;
}

static const agi_fold_end *fold_to(const agi_pass *g, uint32_t buffer)
{
    for (int k = 0; k < g->nfolds; k++)
        if (g->fold[k].buffer == buffer) return &g->fold[k];
    return NULL;
}

static const agi_load *load_of(const agi_pass *g, uint32_t buffer)
{
    for (int k = 0; k < g->nloads; k++)
        if (g->load[k].buffer == buffer) return &g->load[k];
    return NULL;
}

/* ORDER as the compiler asks, in compile/fuse.c. */
static void explain_passes(agi_text *t, const agi_pass *a, const agi_pass *b, uint32_t buffer)
{
    const agi_load *l = load_of(b, buffer);
    if (a->dtype != b->dtype) agi_print(t, "the passes are of different types");
    else if (fold_to(a, buffer)) agi_print(t, "a reduction, which is known when its pass has ended");
    else if (a->rows * a->columns != b->rows * b->columns)
        agi_print(t, "the passes go over %lld and %lld elements", (long long)(a->rows * a->columns),
                  (long long)(b->rows * b->columns));
    else if (l && (l->access == AGI_GATHERED || l->walk.offset)) agi_print(t, "it is read in another order than made");
    else if (a->columns != b->columns)
        agi_print(t, "the passes have rows of %lld and of %lld elements", (long long)a->columns, (long long)b->columns);
    else agi_print(t, "the later pass waits for other steps, or reads enough already");
}

static const char *whole(const agi_step *s)
{
    static const char *const names[] = { "", "a program of few elements", "a library call", "a product", "a copy",
                                         "a loop" }; /* ORDER agi_step_kind */
    return names[s->kind];
}

void agi_explain_traffic(agi_text *t, const ag_plan *p, const agi_traffic *x)
{
    const agi_step *a = &p->step[x->from], *b = &p->step[x->to];
    if (p->options.unfused || p->options.trap_nan) agi_print(t, "the plan is not fused, as its options say");
    else if (a->kind != AGI_PASS) agi_print(t, "%s makes it whole", whole(a));
    else if (b->kind != AGI_PASS) agi_print(t, "%s reads it", whole(b));
    else explain_passes(t, a->is.pass, b->is.pass, x->buffer);
}

static int by_bytes(const void *a, const void *b)
{
    const agi_traffic *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return (x->buffer > y->buffer) - (x->buffer < y->buffer);
}

int64_t agi_list_traffic(const ag_plan *p, const ag_allocator *a, agi_vector *list)
{
    for (int k = 0; k < p->nsteps; k++) {
        uint32_t b;
        for (int i = 0; p->step[k].kind != AGI_PROGRAM && (b = agi_step_reads(p, k, i)) != AGI_NONE; i++) {
            const int from = p->buffer[b].role == AGI_VALUE ? writer_of(p, b) : -1;
            if (from < 0 || from >= k) continue;
            if (!agi_vector_grow(a, list, sizeof(agi_traffic), 1)) return -1;
            ((agi_traffic *)list->data)[list->count++] = (agi_traffic){ b, from, k, p->buffer[b].bytes };
        }
    }
    if (list->count) qsort(list->data, (size_t)list->count, sizeof(agi_traffic), by_bytes);
    return list->count;
}
