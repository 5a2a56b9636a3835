/* Steps after a stage. What must hold:
 *
 * - A step reads and writes what its values do, no more and no less, within each buffer's bytes.
 * - A value's buffer is written by one step, or by passes that store inlays and then by the call that it is the result
 *   of, before any other reads it; constants never are, leaves only by copies that assign them. It lives from the first
 *   step that uses it to the last.
 * - A program's instructions address elements that are there: of what it reads, or made by an instruction before.
 * - A buffer in place of another fits into it, and begins to live when that one has been read for the last time. */
#include "verify.h"

typedef struct {
    agi_compiler *c;
    uint32_t *reads, *writes; /* by buffer: the last step that does, + 1 */
    uint32_t *may_read, *may_write; /* the same of the step's values */
    uint8_t *written;
    uint32_t *owner, *memory; /* by buffer: for agi_verify_pass */
    uint32_t *made; /* by address of a program's element: the last step that made it, + 1 */
    agi_vector uses;
} verifier;

static int begin(verifier *v, agi_compiler *c)
{
    size_t n = (size_t)c->buffers.count;
    *v = (verifier){ .c = c, .reads = agi_arena_zeros(&c->arena, n, sizeof *v->reads) };
    v->writes = agi_arena_zeros(&c->arena, n, sizeof *v->writes);
    v->may_read = agi_arena_zeros(&c->arena, n, sizeof *v->may_read);
    v->may_write = agi_arena_zeros(&c->arena, n, sizeof *v->may_write);
    v->written = agi_arena_zeros(&c->arena, n, 1);
    v->owner = agi_find_owners(c);
    v->memory = agi_arena_take(&c->arena, n * sizeof *v->memory);
    v->made = agi_arena_zeros(&c->arena, (size_t)c->lowering.elements.count, sizeof *v->made);
    int ok = v->reads && v->writes && v->may_read && v->may_write && v->written && v->memory && v->made;
    return ok ? v->owner != NULL : agi_out_of_memory(c);
}

/* ---- what the values need ---------------------------------------------------------------------------------------- */

static void note_values(verifier *v, uint32_t step)
{
    const agi_compiler *c = v->c;
    const agi_fusion *f = agi_fusion_at(c, c->order[step]);
    for (uint32_t m = f->start; m < f->start + f->members; m++) {
        const agi_value *it = &c->value[c->value_list[m]];
        if (it->buffer != AGI_NONE) v->may_write[it->buffer] = step + 1;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            const agi_value *root = &c->value[c->value[s].root];
            if (root->group != it->group) v->may_read[root->buffer] = step + 1;
        }
    }
}

/* A body need not read all that its loop is given. */
static int check_values(const verifier *v, uint32_t step)
{
    const agi_compiler *c = v->c;
    const agi_fusion *f = agi_fusion_at(c, c->order[step]);
    int loop = c->plan->step[step].kind == AGI_LOOP;
    for (uint32_t m = f->start; m < f->start + f->members; m++) {
        uint32_t i = c->value_list[m];
        const agi_value *it = &c->value[i];
        if (it->buffer != AGI_NONE && v->writes[it->buffer] != step + 1)
            return agi_broken(c, "step %u does not write value %u to buffer %u", step, i, it->buffer);
        for (int k = 0, s; !loop && (s = agi_sources(c, it, k)) >= 0; k++) {
            const agi_value *root = &c->value[c->value[s].root];
            const int there = root->inlaid && root->buffer == it->buffer;
            if (root->group != it->group && !there && v->reads[root->buffer] != step + 1)
                return agi_broken(c, "step %u does not read buffer %u, where value %u has its operand %d", step,
                                  root->buffer, i, s);
        }
    }
    return 1;
}

/* ---- what the steps do ------------------------------------------------------------------------------------------- */

/* Have only passes written some of it so far? */
static int awaits_its_call(const verifier *v, uint32_t b)
{
    return agi_buffer_at(v->c, b)->inlaid && v->writes[b] && v->c->plan->step[v->writes[b] - 1].kind == AGI_PASS;
}

static int check_read(verifier *v, uint32_t step, uint32_t b)
{
    const agi_buffer *x = agi_buffer_at(v->c, b);
    int copy = v->c->plan->step[step].kind == AGI_COPY;
    if (x->role == AGI_VALUE && (!v->written[b] || awaits_its_call(v, b)))
        return agi_broken(v->c, "step %u reads buffer %u, which no step before it writes whole", step, b);
    if (!copy && v->may_read[b] != step + 1)
        return agi_broken(v->c, "step %u reads buffer %u, which none of its values does", step, b);
    v->reads[b] = step + 1;
    return 1;
}

static int check_write(verifier *v, uint32_t step, uint32_t b)
{
    const agi_buffer *x = agi_buffer_at(v->c, b);
    int copy = v->c->plan->step[step].kind == AGI_COPY;
    if (copy != (x->role == AGI_LEAF) || x->role == AGI_CONSTANT || (copy && !x->assigned))
        return agi_broken(v->c, "step %u writes buffer %u, which stays as it is", step, b);
    if (x->role == AGI_VALUE && v->may_write[b] != step + 1)
        return agi_broken(v->c, "step %u writes buffer %u, which holds none of its values", step, b);
    if (v->written[b] && v->writes[b] != step + 1 && !awaits_its_call(v, b))
        return agi_broken(v->c, "step %u writes buffer %u, which has been written before", step, b);
    v->writes[b] = step + 1;
    return 1;
}

static int check_use(verifier *v, uint32_t step, const agi_use *u)
{
    if (u->buffer >= v->c->buffers.count) return agi_broken(v->c, "step %u uses buffer %u of none", step, u->buffer);
    const agi_buffer *x = agi_buffer_at(v->c, u->buffer);
    int assigns = u->writes && x->role == AGI_LEAF; /* at the end: a leaf lives as long as the run */
    if (u->from < 0 || u->to > x->bytes)
        return agi_broken(v->c, "step %u uses bytes %lld to %lld of buffer %u, which has %lld", step,
                          (long long)u->from, (long long)u->to, u->buffer, (long long)x->bytes);
    if (!assigns && (x->first == AGI_NONE || step < x->first || step > x->last))
        return agi_broken(v->c, "step %u uses buffer %u, which lives from step %d to %u", step, u->buffer,
                          (int)x->first, x->last);
    return u->writes ? check_write(v, step, u->buffer) : check_read(v, step, u->buffer);
}

/* ---- programs, before memory is laid out ------------------------------------------------------------------------- */

typedef struct {
    verifier *v;
    const agi_program *p;
    uint32_t step, slots;
    uint8_t *set; /* by slot */
    uint32_t *lies; /* by slot: the value whose element is there */
} program;

/* The buffer of an element, or AGI_NONE where there is no such element. */
static uint32_t buffer_at(const program *g, uint32_t at)
{
    const agi_compiler *c = g->v->c;
    if (at >= c->lowering.elements.count) return AGI_NONE;
    agi_element e = ((const agi_element *)c->lowering.elements.data)[at];
    int64_t end = ((int64_t)e.element + 1) * (int64_t)ag_dtype_size(g->p->dtype);
    return e.buffer < c->buffers.count && end <= agi_buffer_at(c, e.buffer)->bytes ? e.buffer : AGI_NONE;
}

static int is_there(const program *g, uint32_t at)
{
    uint32_t slot = at & ~AGI_TEMPORARY, b;
    if (at & AGI_TEMPORARY) return slot < g->slots && g->set[slot];
    if ((b = buffer_at(g, at)) == AGI_NONE) return 0;
    return g->v->may_write[b] == g->step + 1 ? g->v->made[at] == g->step + 1 : g->v->may_read[b] == g->step + 1;
}

static int make(program *g, uint32_t at)
{
    uint32_t slot = at & ~AGI_TEMPORARY, b;
    if (at & AGI_TEMPORARY) return slot < g->slots && (g->set[slot] = 1);
    if ((b = buffer_at(g, at)) == AGI_NONE || g->v->may_write[b] != g->step + 1) return 0;
    g->v->made[at] = g->step + 1;
    return 1;
}

/* Are the value's own slots still its own? */
static int holds(const program *g, uint32_t i)
{
    const agi_compiler *c = g->v->c;
    uint32_t first = c->lowering.element_of[i] & ~AGI_TEMPORARY, n = (uint32_t)ag_count(c->value[i].node);
    for (uint32_t e = 0; e < n; e++)
        if (first + e >= g->slots || g->lies[first + e] != i) return 0;
    return 1;
}

static int check_slots(const program *g)
{
    const agi_compiler *c = g->v->c;
    const agi_fusion *f = agi_fusion_at(c, c->order[g->step]);
    for (uint32_t m = f->start; m < f->start + f->members; m++) {
        uint32_t i = c->value_list[m], n = (uint32_t)ag_count(c->value[i].node);
        const agi_value *it = &c->value[i];
        const uint32_t first = c->lowering.element_of[i] & ~AGI_TEMPORARY;
        for (uint32_t e = 0; it->buffer == AGI_NONE && e < n && first + e < g->slots; e++) g->lies[first + e] = i;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            uint32_t root = c->value[s].root;
            if (c->value[root].group == it->group && c->value[root].buffer == AGI_NONE && !holds(g, root))
                return agi_broken(c, "value %u of step %u reads %u, in whose temporaries others are", i, g->step, root);
        }
    }
    return 1;
}

static int check_instructions(program *g)
{
    const agi_compiler *c = g->v->c;
    for (int64_t k = 0; k < g->p->count; k++) {
        const agi_instruction *i = &g->p->code[k];
        const uint32_t in[] = { i->a, i->b, i->c };
        for (int j = 0; j < agi_code_operands(i->code); j++)
            if (!is_there(g, in[j]))
                return agi_broken(c, "instruction %lld of step %u reads an element that is not there, operand %d",
                                  (long long)k, g->step, j);
        if (!make(g, i->out))
            return agi_broken(c, "instruction %lld of step %u writes an element of none of its values", (long long)k,
                              g->step);
    }
    return 1;
}

static int check_program(verifier *v, uint32_t step, const agi_program *p)
{
    program g = { .v = v, .p = p, .step = step };
    if (p->temporaries != AGI_NONE)
        g.slots = (uint32_t)(agi_buffer_at(v->c, p->temporaries)->bytes / (int64_t)ag_dtype_size(p->dtype));
    g.set = agi_arena_zeros(&v->c->arena, g.slots, 1);
    g.lies = agi_arena_zeros(&v->c->arena, g.slots, sizeof *g.lies);
    if (!g.set || !g.lies) return agi_out_of_memory(v->c);
    return check_slots(&g) && check_instructions(&g);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static int check_step(verifier *v, uint32_t step)
{
    agi_compiler *c = v->c;
    const agi_step *s = &c->plan->step[step];
    if (s->kind != AGI_COPY) note_values(v, step);
    if (!agi_list_uses(c, step, &v->uses)) return 0;
    const agi_use *use = v->uses.data;
    for (int64_t k = 0; k < v->uses.count; k++)
        if (!check_use(v, step, &use[k])) return 0;
    for (int64_t k = 0; k < v->uses.count; k++) v->written[use[k].buffer] |= (uint8_t)use[k].writes;
    if (s->kind != AGI_COPY && !check_values(v, step)) return 0;
    if (s->kind == AGI_PASS) return agi_verify_pass(c, step, v->owner, v->memory);
    return s->kind != AGI_PROGRAM || check_program(v, step, s->is.program);
}

static int check_sharing(const agi_compiler *c, uint32_t b)
{
    const agi_buffer *x = agi_buffer_at(c, b);
    if (x->shares == AGI_NONE) return 1;
    if (x->shares >= c->buffers.count || x->shares == b)
        return agi_broken(c, "buffer %u is in place of buffer %u", b, x->shares);
    const agi_buffer *o = agi_buffer_at(c, x->shares);
    if (agi_block_bytes(x->bytes) > agi_block_bytes(o->bytes))
        return agi_broken(c, "buffer %u does not fit in place of buffer %u", b, x->shares);
    if ((o->first != AGI_NONE && o->last > x->first) || (o->role == AGI_VALUE && (o->held || o->first >= x->first)))
        return agi_broken(c, "buffer %u is in place of buffer %u, which still lives in step %u", b, x->shares,
                          x->first);
    return 1;
}

int agi_verify_steps(agi_compiler *c)
{
    verifier v;
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++)
        if (!check_sharing(c, b)) return 0;
    int ok = begin(&v, c);
    for (uint32_t k = 0; ok && k < (uint32_t)c->plan->nsteps; k++) ok = check_step(&v, k);
    agi_release(c->arena.allocator, v.uses.data);
    return ok && agi_verify_bands(c) && agi_verify_endings(c);
}
