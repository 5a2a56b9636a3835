/* Leaves by name. */
#include "internal.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) agi_allocate(&g->allocator, size)
#define uthash_free(memory, size) agi_release(&g->allocator, memory)
#define uthash_nonfatal_oom(element) (void)(element)
#include <uthash.h>

struct agi_named {
    UT_hash_handle hh;
    ag_node *node;
};

ag_node *agi_name_find(const ag_graph *g, const char *name)
{
    agi_named *found = NULL;
    HASH_FIND_STR(g->names, name, found);
    return found ? found->node : NULL;
}

int agi_name_add(ag_graph *g, ag_node *x, const char *name)
{
    agi_named *entry = agi_arena_take(&g->arena, sizeof *entry);
    if (!entry) return 0;
    entry->node = x;
    HASH_ADD_KEYPTR(hh, g->names, name, strlen(name), entry);
    return entry->hh.tbl != NULL;
}

void agi_name_remove(ag_graph *g, const char *name)
{
    agi_named *found = NULL;
    HASH_FIND_STR(g->names, name, found);
    if (found) HASH_DEL(g->names, found);
}

void agi_names_free(ag_graph *g)
{
    HASH_CLEAR(hh, g->names);
}
