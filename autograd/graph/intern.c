/* Equal subexpressions become one node: a hash table of nodes by operation, inputs and attribute, chained by number.
 *
 * Every node that is made is looked up once, and most lookups find nothing: with millions of nodes the time goes into
 * fetching what lies anywhere in a large table. So hashes keep neighbours together: nodes whose inputs lie equally far
 * back, or are the same old ones, have hashes as consecutive as their inputs' numbers. */
#include "graph.h"

enum { FEWEST_HEADS = 64 };

typedef struct {
    ag_node *node;
    uint32_t hash;
    uint32_t next; /* the entry after it, counted from 1, or 0 */
} entry;

static entry *entry_at(const agi_interned *t, uint32_t number)
{
    return (entry *)t->entries.data + (number - 1);
}

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

/* Two multiplications, because words may differ in their high bits only: small whole numbers as doubles do. */
static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    h = (h ^ (h >> 32)) * 0xBF58476D1CE4E5B9u;
    return h ^ (h >> 29);
}

/* The newest input's number, moved by what the others and everything else are. */
static uint32_t hash_of(const ag_node *x)
{
    uint64_t h = mix((uint64_t)(uintptr_t)x->op >> 4, ((uint64_t)x->dtype << 8) | x->weak);
    uint32_t newest = 0;
    for (uint32_t i = 0; i < x->nin; i++)
        if (x->in[i]->id > newest) newest = x->in[i]->id;
    for (uint32_t i = 0; i < x->nin; i++) {
        uint32_t id = x->in[i]->id, back = newest - id;
        h = mix(h, id < back ? id : ((uint64_t)1 << 32) + back);
    }
    const unsigned char *bytes = x->attribute;
    size_t n = agi_attribute_bytes(x);
    for (; n >= 8; n -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        h = mix(h, word);
    }
    while (n--) h = mix(h, *bytes++);
    return (uint32_t)(h ^ (h >> 32)) + newest;
}

ag_node *agi_intern_find(const agi_interned *t, const ag_node *x, uint32_t *hash)
{
    *hash = hash_of(x);
    uint32_t at = t->heads ? t->head[*hash & (t->heads - 1)] : 0;
    for (; at; at = entry_at(t, at)->next) {
        const entry *e = entry_at(t, at);
        if (e->hash == *hash && !differs(e->node, x)) return e->node;
    }
    return NULL;
}

static void link_entry(agi_interned *t, uint32_t number)
{
    entry *e = entry_at(t, number);
    uint32_t *head = &t->head[e->hash & (t->heads - 1)];
    e->next = *head;
    *head = number;
}

/* As many heads as entries, at least: chains are short. */
static int grow_heads(agi_interned *t)
{
    uint32_t heads = t->heads ? t->heads * 2 : FEWEST_HEADS;
    uint32_t *head = heads ? agi_allocate(t->allocator, (size_t)heads * sizeof *head) : NULL;
    if (!head) return 0;
    memset(head, 0, (size_t)heads * sizeof *head);
    agi_release(t->allocator, t->head);
    t->head = head;
    t->heads = heads;
    for (uint32_t k = 1; k <= (uint32_t)t->entries.count; k++) link_entry(t, k);
    return 1;
}

int agi_intern_add(agi_interned *t, ag_node *x, uint32_t hash)
{
    if (t->entries.count >= t->heads && !grow_heads(t)) return 0;
    if (!agi_vector_grow(t->allocator, &t->entries, sizeof(entry), 1)) return 0;
    ((entry *)t->entries.data)[t->entries.count++] = (entry){ .node = x, .hash = hash };
    link_entry(t, (uint32_t)t->entries.count);
    return 1;
}

void agi_intern_free(agi_interned *t)
{
    agi_release(t->allocator, t->entries.data);
    agi_release(t->allocator, t->head);
}
