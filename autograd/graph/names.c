/* Nodes by name: leaves, whose names are unique, and others, of which the first of a name is found. */
#include "graph.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) agi_allocate(&g->allocator, size)
#define uthash_free(memory, size) agi_release(&g->allocator, memory)
#define uthash_nonfatal_oom(element) (void)(element)
#include <uthash.h>

struct agi_named {
    UT_hash_handle hh;
    ag_node *node;
};

ag_node *agi_name_find(const ag_graph *g, agi_names which, const char *name)
{
    agi_named *found = NULL;
    HASH_FIND_STR(g->names[which], name, found);
    return found ? found->node : NULL;
}

int agi_name_add(ag_graph *g, agi_names which, ag_node *x, const char *name)
{
    agi_named *entry = agi_arena_take(&g->arena, sizeof *entry);
    if (!entry) return 0;
    entry->node = x;
    HASH_ADD_KEYPTR(hh, g->names[which], name, strlen(name), entry);
    return entry->hh.tbl != NULL;
}

void agi_name_remove(ag_graph *g, const char *name)
{
    agi_named *found = NULL;
    HASH_FIND_STR(g->names[AGI_LEAVES], name, found);
    if (found) HASH_DEL(g->names[AGI_LEAVES], found);
}

void agi_names_free(ag_graph *g)
{
    HASH_CLEAR(hh, g->names[AGI_LEAVES]);
    HASH_CLEAR(hh, g->names[AGI_INNER]);
}

/* ---- a node's names ---------------------------------------------------------------------------------------------- */

static const char *keep_name(ag_graph *g, const char *name, const char *older)
{
    size_t bytes = strlen(name) + 1;
    agi_name_text *l = agi_arena_take(&g->arena, sizeof *l + bytes);
    if (!l) return NULL;
    l->older = older;
    return memcpy(l->text, name, bytes);
}

static int printable(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 32 || *name == 127) return 0;
    return 1;
}

int agi_usable_name(ag_graph *g, const char *what, const char *name)
{
    if (!*name || !printable(name)) {
        agi_fail(g, AG_EARG, "%s: a name is text without control characters", what);
        return 0;
    }
    if (agi_name_find(g, AGI_LEAVES, name)) {
        agi_fail(g, AG_EARG, "%s: the name '%s' is used already by another leaf of the graph", what, name);
        return 0;
    }
    return 1;
}

void agi_free_name(const ag_graph *g, size_t room, char name[], const char *of, const char *role)
{
    snprintf(name, room, "%s/%s", of, role);
    for (int i = 2; agi_name_find(g, AGI_LEAVES, name); i++) snprintf(name, room, "%s/%s %d", of, role, i);
}

static const char *no_memory(ag_node *x)
{
    agi_fail(x->graph, AG_EMEM, "ag_name: out of memory");
    return x->name ? x->name : "";
}

static const char *name_leaf(ag_node *x, const char *name)
{
    ag_graph *g = x->graph;
    int own = agi_is_fed(x); /* equal constants are one node */
    if (!agi_usable_name(g, "ag_name", name)) return x->name ? x->name : "";
    const char *kept = keep_name(g, name, own ? NULL : x->name);
    if (!kept || !agi_name_add(g, AGI_LEAVES, x, kept)) return no_memory(x);
    if (x->name && own) agi_name_remove(g, x->name);
    return x->name = kept;
}

/* Who wrote an equal node gave it the name that it has: that stays, behind this one. */
static const char *name_inner(ag_node *x, const char *name)
{
    ag_graph *g = x->graph;
    if (!printable(name)) {
        agi_fail_at(g, AG_EARG, 1, &x, "ag_name: a name is text without control characters");
        return x->name ? x->name : "";
    }
    const char *kept = keep_name(g, name, x->name);
    if (!kept) return no_memory(x);
    if (!agi_name_find(g, AGI_INNER, name) && !agi_name_add(g, AGI_INNER, x, kept)) return no_memory(x);
    return x->name = kept;
}

ag_node *ag_name_place(ag_node *x, const char *file, int line)
{
    char text[128];
    if (ag_is_bad(x) || x->name || x->op->flags & AG_LEAF || !file) return x;
    const char *slash = strrchr(file, '/');
    snprintf(text, sizeof text, "%.100s:%d", slash ? slash + 1 : file, line);
    ag_name(x, text);
    return x;
}

const char *ag_name(ag_node *x, const char *set_or_null)
{
    if (ag_is_bad(x)) return "";
    const char *now = x->name ? x->name : "";
    if (!set_or_null || strcmp(set_or_null, now) == 0) return now;
    return x->op->flags & AG_LEAF ? name_leaf(x, set_or_null) : name_inner(x, set_or_null);
}

/* The most similar name of any node, or NULL. */
static const char *nearest(const ag_graph *g, const char *name)
{
    agi_nearest n = { .word = { name, strlen(name) } };
    for (int64_t id = 0; id < g->nnodes; id++)
        if (agi_node(g, id)->name) agi_nearest_try(&n, agi_node(g, id)->name);
    return n.best;
}

ag_node *ag_get(ag_graph *g, const char *name)
{
    ag_node *x = ag_find(g, name);
    if (!g || x) return x;
    if (!name) return agi_fail(g, AG_EARG, "ag_get: the name is NULL");
    const char *near = nearest(g, name);
    if (near) return agi_fail(g, AG_EARG, "ag_get: nothing is named '%.200s', did you mean '%.200s'?", name, near);
    return agi_fail(g, AG_EARG, "ag_get: nothing is named '%.200s'", name);
}

ag_node *ag_find(ag_graph *g, const char *name)
{
    if (!g || !name) return NULL;
    ag_node *leaf = agi_name_find(g, AGI_LEAVES, name);
    return leaf ? leaf : agi_name_find(g, AGI_INNER, name);
}
