/* Equal subexpressions become one node: a hash table of nodes by operation, inputs and attribute, chained by number.
 *
 * Every node that is made is looked up once, and most lookups find nothing: with millions of nodes the time goes into
 * fetching what lies anywhere in a large table. So hashes keep neighbours together: nodes whose inputs lie equally far
 * back, or are the same old ones, have hashes as consecutive as their inputs' numbers. */
#include "graph.h"

enum { FEWEST_HEADS = 64 };
#define UNFOUND UINT32_MAX /* as `next`: it is in no chain */

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

#define SPREAD 0x9E3779B97F4A7C15u /* 2^64 over the golden ratio */

/* Two multiplications, because words may differ in their high bits only: small whole numbers as doubles do. */
static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * SPREAD;
    h = (h ^ (h >> 32)) * 0xBF58476D1CE4E5B9u;
    return h ^ (h >> 29);
}

/* The newest input's number, moved by what the others and everything else are. */
static uint32_t hash_of(const ag_node *x)
{
    uint64_t h = (uint64_t)(uintptr_t)x->op >> 4 ^ ((uint64_t)x->dtype << 60) ^ ((uint64_t)x->weak << 62);
    uint32_t newest = 0;
    for (uint32_t i = 0; i < x->nin; i++)
        if (x->in[i]->id > newest) newest = x->in[i]->id;
    for (uint32_t i = 0; i < x->nin; i++) {
        uint32_t id = x->in[i]->id, back = newest - id;
        h = (h ^ (id < back ? id : ((uint64_t)1 << 32) + back)) * SPREAD;
    }
    const unsigned char *bytes = x->attribute;
    size_t n = agi_attribute_bytes(x);
    for (; n >= 8; n -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        h = mix(h, word);
    }
    while (n--) h = mix(h, *bytes++);
    h = mix(h, x->nin);
    return (uint32_t)(h ^ (h >> 32)) + newest;
}

ag_node *agi_intern_find(const agi_interned *t, const ag_node *x, uint32_t *hash)
{
    *hash = hash_of(x);
    for (uint32_t at = t->heads ? t->head[*hash & (t->heads - 1)] : 0; at;) {
        const agi_entry *e = agi_entry_at(t, at - 1);
        if (e->hash == *hash && !differs(e->node, x)) return e->node;
        at = e->next;
    }
    return NULL;
}

static void link_entry(agi_interned *t, uint32_t k)
{
    agi_entry *e = agi_entry_at(t, k);
    uint32_t *head = &t->head[e->hash & (t->heads - 1)];
    e->next = *head;
    *head = k + 1;
}

/* As many heads as are found, at least: chains are short. */
static int grow_heads(agi_interned *t)
{
    const ag_allocator *a = t->arena->allocator;
    uint32_t heads = t->heads ? t->heads * 2 : FEWEST_HEADS;
    uint32_t *head = heads ? agi_allocate(a, (size_t)heads * sizeof *head) : NULL;
    if (!head) return 0;
    memset(head, 0, (size_t)heads * sizeof *head);
    agi_release(a, t->head);
    t->head = head;
    t->heads = heads;
    for (uint32_t k = 0; k < t->count; k++)
        if (agi_entry_at(t, k)->next != UNFOUND) link_entry(t, k);
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

int agi_intern_add(agi_interned *t, ag_node *x, const uint32_t *hash_or_null)
{
    if (t->count % AGI_CHUNK == 0 && !add_chunk(t)) return 0;
    if (hash_or_null && t->found >= t->heads && !grow_heads(t)) return 0;
    agi_entry *e = agi_entry_at(t, t->count);
    *e = (agi_entry){ .node = x, .hash = hash_or_null ? *hash_or_null : 0, .next = UNFOUND };
    if (hash_or_null) {
        link_entry(t, t->count);
        t->found++;
    }
    t->count++;
    return 1;
}

void agi_intern_free(agi_interned *t)
{
    agi_release(t->arena->allocator, t->chunks.data);
    agi_release(t->arena->allocator, t->head);
}
