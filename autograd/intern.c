/* Equal subexpressions become one node: a hash table of nodes by operation, inputs and attribute. */
#include "internal.h"

static int differs(const ag_node *a, const ag_node *b);

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) agi_allocate(&g->allocator, size)
#define uthash_free(memory, size) agi_release(&g->allocator, memory)
#define uthash_nonfatal_oom(element) (void)(element)
#define HASH_KEYCMP(a, b, size) differs((const ag_node *)(a), (const ag_node *)(b))
#include <uthash.h>

struct agi_interned {
    UT_hash_handle hh;
    ag_node *node;
};

static size_t attribute_bytes(const ag_node *x)
{
    if (!x->attribute) return 0;
    if (x->op->attribute_size) return x->op->attribute_size;
    return (x->op->flags & AG_LEAF) ? (size_t)agi_node_bytes(x) : 0;
}

/* Nodes with inputs have the type and shape that operation, inputs and attribute imply; leaves have their own. */
static int differs(const ag_node *a, const ag_node *b)
{
    if (a->op != b->op || a->nin != b->nin || a->dtype != b->dtype || a->weak != b->weak) return 1;
    for (uint32_t i = 0; i < a->nin; i++)
        if (a->in[i] != b->in[i]) return 1;
    if (!a->nin && !ag_same_shape(a, b)) return 1;
    size_t bytes = attribute_bytes(a);
    return bytes && memcmp(a->attribute, b->attribute, bytes) != 0;
}

/* Two multiplications, because words may differ in their high bits only: small whole numbers as doubles do. */
static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    h = (h ^ (h >> 32)) * 0xBF58476D1CE4E5B9u;
    return h ^ (h >> 29);
}

static unsigned hash_of(const ag_node *x)
{
    uint64_t h = mix((uint64_t)(uintptr_t)x->op >> 4, ((uint64_t)x->dtype << 8) | x->weak);
    for (uint32_t i = 0; i < x->nin; i++) h = mix(h, x->in[i]->id);
    const unsigned char *bytes = x->attribute;
    size_t n = attribute_bytes(x);
    for (; n >= 8; n -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        h = mix(h, word);
    }
    while (n--) h = mix(h, *bytes++);
    return (unsigned)(h ^ (h >> 32));
}

ag_node *agi_intern_find(ag_graph *g, const ag_node *x, unsigned *hash)
{
    agi_interned *found = NULL;
    *hash = hash_of(x);
    HASH_FIND_BYHASHVALUE(hh, g->interned, x, sizeof *x, *hash, found);
    return found ? found->node : NULL;
}

int agi_intern_add(ag_graph *g, ag_node *x, unsigned hash)
{
    agi_interned *entry = agi_arena_take(&g->arena, sizeof *entry);
    if (!entry) return 0;
    entry->node = x;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, g->interned, x, sizeof *x, hash, entry);
    return entry->hh.tbl != NULL;
}

void agi_intern_free(ag_graph *g)
{
    HASH_CLEAR(hh, g->interned);
}
