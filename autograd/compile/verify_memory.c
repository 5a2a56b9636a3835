/* Memory, once it is laid out. The steps are played through on a map of the block that says whose bytes are where:
 *
 * - What a step reads is all there when the step begins, and still when it ends, but for what takes its place.
 * - What a step writes is all there when it ends: no two of its buffers lie over each other.
 * - In the end outputs, leaves and constants are there, and what is assigned is in its leaf's place. */
#include "verify.h"

typedef struct {
    int64_t from, to;
    uint32_t buffer;
} span;

typedef struct {
    agi_compiler *c;
    agi_vector spans; /* sorted, not overlapping */
    agi_vector uses;
    uint32_t *owner;  /* by buffer */
    uint8_t *there;   /* by buffer that has no place in the block: it lies in a loop's memory */
} map;

uint32_t *agi_find_owners(agi_compiler *c)
{
    uint32_t n = (uint32_t)c->buffers.count, *owner = agi_arena_take(&c->arena, n * sizeof *owner);
    if (!owner) return agi_out_of_memory(c), NULL;
    memset(owner, 0xff, n * sizeof *owner);
    for (uint32_t b = 0; b < n; b++) {
        uint32_t last = b;
        while (owner[last] == AGI_NONE && agi_buffer_at(c, last)->shares != AGI_NONE)
            last = agi_buffer_at(c, last)->shares;
        uint32_t found = owner[last] == AGI_NONE ? last : owner[last];
        for (uint32_t at = b; at != last; at = agi_buffer_at(c, at)->shares) owner[at] = found;
        owner[last] = found;
    }
    return owner;
}

/* ---- the map ----------------------------------------------------------------------------------------------------- */

/* The first span that ends behind `at`. */
static int64_t find(const map *m, int64_t at)
{
    const span *all = m->spans.data;
    int64_t low = 0, high = m->spans.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (all[middle].to <= at) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The buffer that has all of b's bytes, or AGI_NONE. */
static uint32_t holder(const map *m, uint32_t b)
{
    const agi_buffer *x = agi_buffer_at(m->c, b);
    if (x->in_loop) return m->there[b] ? b : AGI_NONE;
    if (!x->bytes) return b;
    int64_t k = find(m, x->offset);
    const span *s = (const span *)m->spans.data + k;
    return k < m->spans.count && s->from <= x->offset && s->to >= x->offset + x->bytes ? s->buffer : AGI_NONE;
}

/* What it overwrites is there no more, what it cuts is there in part. */
static int put(map *m, uint32_t b)
{
    const agi_buffer *x = agi_buffer_at(m->c, b);
    int64_t from = x->offset, to = from + x->bytes;
    if (x->in_loop) return m->there[b] = 1;
    if (!x->bytes) return 1;
    if (!agi_vector_grow(m->c->arena.allocator, &m->spans, sizeof(span), 2)) return agi_out_of_memory(m->c);
    span *all = m->spans.data, new[3];
    int64_t first = find(m, from), end = first, n = 0;
    while (end < m->spans.count && all[end].from < to) end++;
    if (first < end && all[first].from < from) new[n++] = (span){ all[first].from, from, all[first].buffer };
    new[n++] = (span){ from, to, b };
    if (first < end && all[end - 1].to > to) new[n++] = (span){ to, all[end - 1].to, all[end - 1].buffer };
    memmove(all + first + n, all + end, (size_t)(m->spans.count - end) * sizeof *all);
    memcpy(all + first, new, (size_t)n * sizeof *all);
    m->spans.count += n - (end - first);
    return 1;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* What a step reads is there before it; after it, what it writes is, and where that did not take over, what it read. */
static int check_uses(const map *m, uint32_t step, int after)
{
    const agi_use *use = m->uses.data;
    for (int64_t k = 0; k < m->uses.count; k++) {
        uint32_t b = use[k].buffer, found = holder(m, b);
        if ((use[k].writes && !after) || found == b) continue;
        if (after && !use[k].writes && found != AGI_NONE && m->owner[found] == m->owner[b]) continue;
        if (found == AGI_NONE)
            return agi_broken(m->c, "step %u %s buffer %u, of whose bytes some are nobody's, or others'", step,
                              use[k].writes ? "writes" : "reads", b);
        return agi_broken(m->c, "step %u %s buffer %u, where buffer %u is", step, use[k].writes ? "writes" : "reads", b,
                          found);
    }
    return 1;
}

static int play(map *m, uint32_t step)
{
    if (!agi_list_uses(m->c, step, &m->uses) || !check_uses(m, step, 0)) return 0;
    const agi_use *use = m->uses.data;
    for (int64_t k = 0; k < m->uses.count; k++)
        if (use[k].writes && !put(m, use[k].buffer)) return 0;
    return check_uses(m, step, 1);
}

static int begin(map *m)
{
    agi_compiler *c = m->c;
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) {
        const agi_buffer *x = agi_buffer_at(c, b);
        int64_t unit = x->bytes < AGI_ALIGNMENT ? 8 : AGI_ALIGNMENT;
        if (!x->in_loop && (x->offset < 0 || x->offset % unit || x->offset + x->bytes > c->plan->block_bytes))
            return agi_broken(c, "buffer %u, %lld bytes, lies at %lld of %lld", b, (long long)x->bytes,
                              (long long)x->offset, (long long)c->plan->block_bytes);
        if ((x->role == AGI_LEAF || x->role == AGI_CONSTANT) && !put(m, b)) return 0;
    }
    return 1;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static int check_leaf(const map *m, uint32_t i)
{
    const agi_compiler *c = m->c;
    const agi_value *it = &c->value[i];
    uint32_t b = it->buffer, found = holder(m, b);
    if (it->assigned != AGI_NONE && m->owner[c->value[it->assigned].buffer] == m->owner[b])
        b = c->value[it->assigned].buffer;
    if (found == b) return 1;
    return agi_broken(c, "value %u, a leaf in buffer %u, is not there when all steps have run", i, it->buffer);
}

static int check_end(const map *m)
{
    const agi_compiler *c = m->c;
    for (uint32_t i = 0; i < c->nvalues; i++)
        if (c->value[i].kind == AGI_VALUE_LEAF && !check_leaf(m, i)) return 0;
    for (int k = 0; k < c->noutputs; k++) {
        const agi_value *it = &c->value[c->output_value[k]];
        if (it->kind != AGI_VALUE_LEAF && holder(m, it->buffer) != it->buffer)
            return agi_broken(c, "output %d, value %u in buffer %u, is not there when all steps have run", k,
                              c->output_value[k], it->buffer);
    }
    return 1;
}

int agi_verify_memory(agi_compiler *c)
{
    map m = { .c = c, .owner = agi_find_owners(c) };
    m.there = agi_arena_zeros(&c->arena, (size_t)c->buffers.count, 1);
    if (!m.owner || !m.there) return agi_out_of_memory(c);
    int ok = begin(&m);
    for (uint32_t step = 0; ok && step < (uint32_t)c->plan->nsteps; step++) ok = play(&m, step);
    ok = ok && check_end(&m);
    agi_release(c->arena.allocator, m.spans.data);
    agi_release(c->arena.allocator, m.uses.data);
    return ok;
}
