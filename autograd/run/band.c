/* Bands: their steps together, some rows at a time, all that each of them does to these before the next ones. */
#include "profile.h"

/* Threads share the work of each step. A compiled pass knows its blocks, which are tiles where it folds nothing. */
int agi_goes_together(const ag_run *r, const agi_band *b)
{
    if (r->pool) return 0;
    if (!r->compiled) return 1;
    for (int k = b->first; k < b->end; k++) {
        const agi_step *s = &r->plan->step[k];
        if (s->banded == AGI_IN_BAND && s->kind == AGI_PASS && s->is.pass->native && s->is.pass->nfolds) return 0;
    }
    return 1;
}

static void do_rows(ag_run *r, const agi_step *s, int64_t first, int64_t end, int64_t tile)
{
    if (s->kind == AGI_PRODUCT) agi_run_product_along(r, s->is.product, first, end);
    else if (r->compiled && s->is.pass->native) agi_run_blocks(r, s->is.pass, r->scratch, tile, tile + 1);
    else agi_run_tiles(r, s->is.pass, r->scratch, tile, tile + 1);
}

static void run_rows(ag_run *r, const agi_step *s, int64_t first, int64_t end, int64_t tile)
{
    const int64_t from = r->timed ? agi_clock() : 0;
    do_rows(r, s, first, end, tile);
    if (r->timed) agi_profile_step(r, s, from, tile == 0);
}

void agi_run_band(ag_run *r, const agi_band *b)
{
    for (int64_t row = 0, tile = 0; row < b->rows; row += b->height, tile++) {
        const int64_t end = b->rows - row < b->height ? b->rows : row + b->height;
        for (int k = b->first; k < b->end; k++)
            if (r->plan->step[k].banded == AGI_IN_BAND) run_rows(r, &r->plan->step[k], row, end, tile);
    }
    for (int k = b->first; k < b->end; k++)
        if (r->plan->step[k].banded == AGI_IN_BAND && r->plan->step[k].kind == AGI_PASS)
            agi_finish_folds(r, r->plan->step[k].is.pass);
}
