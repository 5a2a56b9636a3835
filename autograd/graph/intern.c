/* Equal subexpressions become one node.
 *
 * Every node that is made is looked for once, and most are not found: with millions of nodes the time goes into fetching
 * what lies anywhere in a large table. But equal nodes have one newest input, which whoever makes another has just looked
 * at, and few nodes have the same: they are chained to it. A hash table, by operation, inputs and attribute, holds what
 * has no inputs, and the others of a newest input that has many. */
#include "graph.h"

enum { FEWEST_HEADS = 64, FEW = 4 };

size_t agi_attribute_bytes(const ag_node *x)
{
    if (!x->attribute) return 0;
    if (x->op->attribute_size) return x->op->attribute_size;
    if (x->op->attribute_bytes) return x->op->attribute_bytes(x->attribute);
    return (x->op->flags & AG_LEAF) ? (size_t)agi_node_bytes(x) : 0;
}

/* Nodes with inputs have the type and shape that operation, inputs and attribute imply; leaves have their own. */
static int differs(const ag_node *a, const ag_node *b)
{
    if (a->op != b->op || a->nin != b->nin || a->dtype != b->dtype) return 1;
    if (a->weak != b->weak || a->rewritten != b->rewritten) return 1;
    for (uint32_t i = 0; i < a->nin; i++)
        if (a->in[i] != b->in[i]) return 1;
    if (!a->nin && !ag_same_shape(a, b)) return 1;
    size_t bytes = agi_attribute_bytes(a);
    return bytes && memcmp(a->attribute, b->attribute, bytes) != 0;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u; /* 2^64 over the golden ratio; then again, for words that differ in high bits */
    h = (h ^ (h >> 32)) * 0xBF58476D1CE4E5B9u;
    return h ^ (h >> 29);
}

static uint32_t hash_of(const ag_node *x)
{
    uint64_t h = mix((uint64_t)(uintptr_t)x->op >> 4, ((uint64_t)x->dtype << 8) | x->weak);
    for (uint32_t i = 0; i < x->nin; i++) h = mix(h, x->in[i]->id);
    const unsigned char *bytes = x->attribute;
    size_t n = agi_attribute_bytes(x);
    for (; n >= 8; n -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        h = mix(h, word);
    }
    while (n--) h = mix(h, *bytes++);
    return (uint32_t)(h ^ (h >> 32));
}

static uint32_t newest_input(const ag_node *x)
{
    uint32_t newest = x->in[0]->id;
    for (uint32_t i = 1; i < x->nin; i++)
        if (x->in[i]->id > newest) newest = x->in[i]->id;
    return newest;
}

/* In the chain that begins at `at`; or how many are in it. */
static ag_node *find_in_chain(const agi_interned *t, uint32_t at, const ag_node *x, int *n)
{
    for (*n = 0; at; ++*n) {
        const agi_entry *e = agi_entry_at(t, at - 1);
        if (!differs(e->node, x)) return e->node;
        at = e->next;
    }
    return NULL;
}

#define BY_INPUT ((uint64_t)1 << 32) /* as a key; others are hashes */

ag_node *agi_intern_find(const agi_interned *t, const ag_node *x, uint64_t *key)
{
    int n;
    ag_node *found;
    if (t->by_id && x->nin) {
        *key = BY_INPUT;
        found = find_in_chain(t, agi_entry_at(t, newest_input(x))->first, x, &n);
        if (found || n < FEW) return found;
    }
    *key = hash_of(x);
    return t->heads ? find_in_chain(t, t->head[*key & (t->heads - 1)], x, &n) : NULL;
}

static void link_entry(agi_interned *t, uint32_t number, uint32_t *chain)
{
    agi_entry_at(t, number - 1)->next = *chain;
    *chain = number;
}

/* As many heads as are hashed, at least: chains are short. */
static int grow_heads(agi_interned *t)
{
    const ag_allocator *a = t->arena->allocator;
    const agi_interned old = *t;
    t->heads = t->heads ? t->heads * 2 : FEWEST_HEADS;
    t->head = t->heads ? agi_allocate(a, (size_t)t->heads * sizeof *t->head) : NULL;
    if (!t->head) {
        *t = old;
        return 0;
    }
    memset(t->head, 0, (size_t)t->heads * sizeof *t->head);
    for (uint32_t k = 0; k < old.heads; k++)
        for (uint32_t at = old.head[k], next; at; at = next) {
            const agi_entry *e = agi_entry_at(t, at - 1);
            next = e->next;
            link_entry(t, at, &t->head[hash_of(e->node) & (t->heads - 1)]);
        }
    agi_release(a, old.head);
    return 1;
}

static int add_chunk(agi_interned *t)
{
    if (t->chunks.count > t->count / AGI_CHUNK) return 1; /* made for one that then failed */
    if (!agi_vector_grow(t->arena->allocator, &t->chunks, sizeof(agi_entry *), 1)) return 0;
    agi_entry *chunk = agi_arena_take(t->arena, AGI_CHUNK * sizeof *chunk);
    if (chunk) ((agi_entry **)t->chunks.data)[t->chunks.count++] = chunk;
    return chunk != NULL;
}

int agi_intern_add(agi_interned *t, ag_node *x, const uint64_t *key_or_null)
{
    const int by_input = key_or_null && *key_or_null == BY_INPUT, hashed = key_or_null && !by_input;
    if (t->count % AGI_CHUNK == 0 && !add_chunk(t)) return 0;
    if (hashed && t->hashed >= t->heads && !grow_heads(t)) return 0;
    *agi_entry_at(t, t->count++) = (agi_entry){ .node = x };
    if (by_input) link_entry(t, t->count, &agi_entry_at(t, newest_input(x))->first);
    if (hashed) link_entry(t, t->count, &t->head[*key_or_null & (t->heads - 1)]);
    t->hashed += hashed;
    return 1;
}

void agi_intern_free(agi_interned *t)
{
    agi_release(t->arena->allocator, t->chunks.data);
    agi_release(t->arena->allocator, t->head);
}
