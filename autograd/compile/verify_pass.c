/* A pass is played through once, as for one tile: every register is made once, and what is found where a register lies
 * is what was put there for it. Registers lie in slots of scratch memory, in the memory of a load, or in that of a
 * store; a buffer in place of another is the same memory. */
#include "verify.h"

typedef struct {
    agi_compiler *c;
    const agi_pass *g;
    uint32_t step;
    const uint32_t *owner; /* by buffer */
    uint8_t *made;         /* by register */
    uint32_t *slots[2];    /* full ones, row ones: the register that was put there last, or AGI_NONE */
    uint32_t *memory;      /* by owner: the same; AGI_NONE: as it was before the pass */
} tile;

enum { COPIED = 1 << 30 }; /* and the number of a store: its register's copy */

static uint32_t owner_of_load(const tile *t, uint32_t k)
{
    return t->owner[t->g->load[k].buffer];
}

static uint32_t owner_of_store(const tile *t, uint32_t k)
{
    return t->owner[t->g->store[k].buffer];
}

static uint32_t *place_of(const tile *t, uint32_t r)
{
    const agi_register *reg = &t->g->reg[r];
    if (reg->place == AGI_SCRATCH) {
        int slots = reg->row ? t->g->row_slots : t->g->full_slots;
        return (int64_t)reg->slot < slots ? &t->slots[reg->row != 0][reg->slot] : NULL;
    }
    if ((int64_t)reg->slot >= (reg->place == AGI_LOADED ? t->g->nloads : t->g->nstores)) return NULL;
    return &t->memory[reg->place == AGI_LOADED ? owner_of_load(t, reg->slot) : owner_of_store(t, reg->slot)];
}

static int make(tile *t, uint32_t r)
{
    if (r >= (uint32_t)t->g->nregisters || t->made[r] || !place_of(t, r))
        return agi_broken(t->c, "the pass of step %u makes register %u twice, or where there is none", t->step, r);
    t->made[r] = 1;
    if (t->g->reg[r].place != AGI_LOADED) *place_of(t, r) = r;
    return 1;
}

static int read(const tile *t, uint32_t r)
{
    if (r >= (uint32_t)t->g->nregisters || !t->made[r])
        return agi_broken(t->c, "the pass of step %u reads register %u before it is made", t->step, r);
    if (*place_of(t, r) == (t->g->reg[r].place == AGI_LOADED ? AGI_NONE : r)) return 1;
    return agi_broken(t->c, "the pass of step %u reads register %u after something else has been put in its place",
                      t->step, r);
}

/* Memory that the pass overwrites is read as it is, element by element. */
static int check_load(const tile *t, uint32_t k)
{
    const agi_load *l = &t->g->load[k];
    if (l->access == AGI_DIRECT || t->memory[owner_of_load(t, k)] == AGI_NONE) return 1;
    return agi_broken(t->c, "the pass of step %u gathers from buffer %u, which it overwrites", t->step, l->buffer);
}

static int play_micros(tile *t)
{
    for (int k = 0; k < t->g->nmicros; k++) {
        const agi_micro *m = &t->g->micro[k];
        int point = m->kind == AGI_POINT;
        if (!read(t, m->a) || (point && (!read(t, m->b) || !read(t, m->c))) || !make(t, m->out)) return 0;
        if (!point && !read(t, m->a)) return 0; /* it is read while the other is written */
    }
    return 1;
}

static int is_stored_there(const tile *t, uint32_t k)
{
    const agi_register *r = &t->g->reg[t->g->store[k].reg];
    return r->place == AGI_STORED && r->slot == k;
}

static int read_ends(const tile *t)
{
    for (int k = 0; k < t->g->nstores; k++)
        if (!read(t, t->g->store[k].reg)) return 0;
    for (int k = 0; k < t->g->nfolds; k++)
        if (!read(t, t->g->fold[k].reg)) return 0;
    return 1;
}

/* Copies come last, and what is the same for all tiles is still there for the next one. */
static int play_ends(tile *t)
{
    if (!read_ends(t)) return 0;
    for (uint32_t k = 0; k < (uint32_t)t->g->nstores; k++)
        if (!is_stored_there(t, k)) t->memory[owner_of_store(t, k)] = COPIED + k;
    if (!read_ends(t)) return 0;
    for (int k = 0; k < t->g->nloads; k++) {
        uint8_t access = t->g->load[k].access;
        if ((access == AGI_UNIFORM || access == AGI_REPEAT) && !read(t, t->g->load[k].reg)) return 0;
    }
    return 1;
}

static int play(tile *t)
{
    for (int k = 0; k < t->g->nloads; k++)
        if (!make(t, t->g->load[k].reg)) return 0;
    if (!play_micros(t) || !play_ends(t)) return 0;
    for (int k = 0; k < t->g->nloads; k++)
        if (!check_load(t, (uint32_t)k)) return 0;
    return 1;
}

int agi_verify_pass(agi_compiler *c, uint32_t step, const uint32_t *owner, uint32_t *memory)
{
    const agi_pass *g = c->plan->step[step].is.pass;
    tile t = { .c = c, .g = g, .step = step, .owner = owner, .memory = memory };
    size_t full = (size_t)g->full_slots, row = (size_t)g->row_slots;
    t.made = agi_arena_zeros(&c->arena, (size_t)g->nregisters, 1);
    t.slots[0] = agi_arena_take(&c->arena, full * sizeof *t.slots[0]);
    t.slots[1] = agi_arena_take(&c->arena, row * sizeof *t.slots[1]);
    if (!t.made || !t.slots[0] || !t.slots[1]) return agi_out_of_memory(c);
    memset(t.slots[0], 0xff, full * sizeof *t.slots[0]);
    memset(t.slots[1], 0xff, row * sizeof *t.slots[1]);
    for (uint32_t k = 0; k < (uint32_t)g->nloads; k++) memory[owner_of_load(&t, k)] = AGI_NONE;
    for (uint32_t k = 0; k < (uint32_t)g->nstores; k++) memory[owner_of_store(&t, k)] = AGI_NONE;
    return play(&t);
}
