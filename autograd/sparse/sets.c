/* Sets of numbers, each kept once: equal sets are the same one, so that most elements of a graph share theirs. */
#include "sparse.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 1024, RECENT = 1 << 15 };

void agi_sets_init(agi_sets *s, const ag_allocator *a, uint32_t universe)
{
    *s = (agi_sets){ .allocator = a, .universe = universe, .slots = FIRST_SLOTS };
    agi_arena_init(&s->arena, a);
    s->slot = agi_allocate(a, FIRST_SLOTS * sizeof *s->slot);
    s->recent = agi_arena_zeros(&s->arena, RECENT, sizeof *s->recent);
    s->work = agi_arena_take(&s->arena, (size_t)universe * sizeof *s->work);
    s->mark = agi_arena_zeros(&s->arena, universe, sizeof *s->mark);
    s->failed = !s->slot || !s->recent || !s->work || !s->mark || !agi_vector_grow(a, &s->sets, sizeof(agi_set), 1);
    if (s->failed) return;
    memset(s->slot, 0, FIRST_SLOTS * sizeof *s->slot);
    *(agi_set *)s->sets.data = (agi_set){ .count = 0 };
    s->sets.count = 1;
}

void agi_sets_free(agi_sets *s)
{
    agi_release(s->allocator, s->slot);
    agi_release(s->allocator, s->sets.data);
    agi_arena_free(&s->arena);
}

static uint32_t mix(uint64_t h)
{
    h *= 0x9E3779B97F4A7C15u;
    return (uint32_t)(h ^ (h >> 32));
}

/* ---- the table: open addressing, at most half full --------------------------------------------------------------- */

static uint32_t *find_slot(const agi_sets *s, uint32_t *slot, uint32_t slots, const agi_set *wanted)
{
    for (uint32_t i = wanted->hash & (slots - 1);; i = (i + 1) & (slots - 1)) {
        if (!slot[i]) return &slot[i];
        const agi_set *x = agi_set_at(s, slot[i]);
        if (x->hash == wanted->hash && x->count == wanted->count &&
            !memcmp(x->member, wanted->member, x->count * sizeof *x->member))
            return &slot[i];
    }
}

static int grow(agi_sets *s)
{
    uint32_t slots = s->slots * 2, *slot = agi_allocate(s->allocator, (size_t)slots * sizeof *slot);
    if (!slot) return 0;
    memset(slot, 0, (size_t)slots * sizeof *slot);
    for (uint32_t i = 1; i < s->sets.count; i++) *find_slot(s, slot, slots, agi_set_at(s, i)) = i;
    agi_release(s->allocator, s->slot);
    s->slot = slot;
    s->slots = slots;
    return 1;
}

/* The one set of these members. */
static uint32_t keep(agi_sets *s, const uint32_t *member, uint32_t count)
{
    agi_set new = { .member = member, .count = count };
    for (uint32_t i = 0; i < count; i++) new.hash = mix(((uint64_t)new.hash << 32 | member[i]) + 1);
    uint32_t *slot = find_slot(s, s->slot, s->slots, &new), id = *slot;
    if (id) return id;
    id = (uint32_t)s->sets.count;
    s->members += count;
    s->too_many = s->members > AGI_MOST_MEMBERS;
    int room = !s->too_many && agi_vector_grow(s->allocator, &s->sets, sizeof new, 1);
    new.member = room ? agi_arena_copy(&s->arena, member, count * sizeof *member) : NULL;
    if (!new.member) {
        s->failed = 1;
        return 0;
    }
    ((agi_set *)s->sets.data)[s->sets.count++] = new;
    *slot = id;
    if (count == s->universe) s->full = id;
    if (s->sets.count > s->slots / 2 && !grow(s)) s->failed = 1;
    return id;
}

uint32_t agi_set_of_one(agi_sets *s, uint32_t member)
{
    return s->failed ? 0 : keep(s, &member, 1);
}

/* ---- unions ------------------------------------------------------------------------------------------------------ */

static uint32_t merge(agi_sets *s, const agi_set *a, const agi_set *b)
{
    uint32_t n = 0, i = 0, k = 0;
    while (i < a->count && k < b->count) {
        uint32_t x = a->member[i], y = b->member[k];
        s->work[n++] = x < y ? x : y;
        i += x <= y;
        k += y <= x;
    }
    for (; i < a->count; i++) s->work[n++] = a->member[i];
    for (; k < b->count; k++) s->work[n++] = b->member[k];
    return n;
}

uint32_t agi_set_union(agi_sets *s, uint32_t a, uint32_t b)
{
    if (a == b || !b || s->failed) return a;
    if (!a) return b;
    if (s->full && (a == s->full || b == s->full)) return s->full;
    if (a > b) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    agi_set_pair *recent = &s->recent[mix((uint64_t)a << 32 | b) % RECENT];
    if (recent->a == a && recent->b == b) return recent->both;
    const agi_set *x = agi_set_at(s, a), *y = agi_set_at(s, b);
    uint32_t n = merge(s, x, y), both = n == x->count ? a : n == y->count ? b : keep(s, s->work, n);
    *recent = (agi_set_pair){ a, b, both };
    return both;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The marked ones between low and high in order: counted off where they lie close, else sorted. */
static void put_in_order(agi_sets *s, uint32_t n, uint32_t low, uint32_t high)
{
    if ((high - low) / 16 > n) {
        qsort(s->work, n, sizeof *s->work, ascending);
        return;
    }
    for (uint32_t i = low, k = 0; k < n; i++)
        if (s->mark[i] == s->stamp) s->work[k++] = i;
}

uint32_t agi_set_union_of(agi_sets *s, const uint32_t *set, int64_t count, int64_t stride)
{
    uint32_t n = 0, low = UINT32_MAX, high = 0, last = 0;
    int64_t different = 0;
    if (s->failed) return 0;
    if (!++s->stamp) {
        memset(s->mark, 0, (size_t)s->universe * sizeof *s->mark);
        s->stamp = 1;
    }
    for (int64_t k = 0; k < count; k++) {
        uint32_t id = set[k * stride];
        if (id == last || !id) continue;
        if (id == s->full) return id;
        last = id;
        different++;
        const agi_set *x = agi_set_at(s, id);
        for (uint32_t i = 0; i < x->count; i++) {
            uint32_t member = x->member[i];
            if (s->mark[member] == s->stamp) continue;
            s->mark[member] = s->stamp;
            s->work[n++] = member;
            low = member < low ? member : low;
            high = member > high ? member : high;
        }
    }
    if (different < 2) return last;
    put_in_order(s, n, low, high);
    return keep(s, s->work, n);
}
