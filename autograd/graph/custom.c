/* Users' own operations: a descriptor is looked over once, and known to the graph by its name from then on. */
#include "graph.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) agi_allocate(&g->allocator, size)
#define uthash_free(memory, size) agi_release(&g->allocator, memory)
#define uthash_nonfatal_oom(element) (void)(element)
#include <uthash.h>

enum { LONGEST_NAME = 48, MOST_OPERANDS = UINT16_MAX, POINTWISE_OPERANDS = 3 };

struct agi_custom {
    UT_hash_handle hh;
    const ag_op *op;
};

static const ag_op *const registry[] = {
#define NODE(name) &agi_##name,
#include "nodes.def"
#undef NODE
};

static int is_identifier(const char *name)
{
    size_t n = 0;
    for (; name[n] && n <= LONGEST_NAME; n++) {
        char c = name[n];
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (n == 0 || c < '0' || c > '9')) return 0;
    }
    return n > 0 && n <= LONGEST_NAME;
}

/* What is wrong with the descriptor, or NULL. */
static const char *fault(const ag_op *op)
{
    unsigned kind = op->flags & (AG_POINTWISE | AG_LIBRARY | AG_VIEW);
    if (op->flags & ~(kind | AG_STRIDED | AG_SMOOTH | AG_RANDOM))
        return "has flags that are for built-in operations";
    if (kind != AG_POINTWISE && kind != AG_LIBRARY && kind != AG_VIEW)
        return "is to be one of AG_POINTWISE, AG_LIBRARY and AG_VIEW";
    if (op->inputs < 1 && op->inputs != -1) return "has neither a number of inputs nor -1, any number";
    if (op->pieces) return "has pieces, which are for built-in operations";
    if (op->code) return "has a code, which is for built-in operations: f32 and f64 are what it computes with";
    if (kind == AG_POINTWISE) {
        if (op->inputs < 1 || op->inputs > POINTWISE_OPERANDS) return "is pointwise, of 1 to 3 inputs";
        if (op->shape) return "is pointwise, whose shape is known without a rule";
        if (!op->f32 || !op->f64) return "is pointwise and lacks a kernel: f32 and f64 are both needed";
    } else if (kind == AG_LIBRARY) {
        if (!op->run) return "has no run";
    } else if (op->inputs != 1 || !op->view || !op->shape) {
        return "is a view, of one input, and lacks view or shape";
    }
    return NULL;
}

static int is_known(const ag_graph *g, const ag_op *op)
{
    agi_custom *found = NULL;
    HASH_FIND_STR(g->custom, op->name, found);
    return found && found->op == op;
}

static ag_status refuse(ag_graph *g, ag_status status, const ag_op *op, const char *why)
{
    agi_fail(g, status, "ag_custom: the operation '%.*s' %s", LONGEST_NAME, op->name, why);
    return status;
}

static ag_status make_known(ag_graph *g, const ag_op *op)
{
    if (!op->name || !is_identifier(op->name)) {
        agi_fail(g, AG_EARG, "ag_custom: an operation's name is letters, digits and _, at most %d", LONGEST_NAME);
        return AG_EARG;
    }
    const char *why = fault(op);
    if (why) return refuse(g, AG_EARG, op, why);
    for (size_t i = 0; i < sizeof registry / sizeof *registry; i++)
        if (strcmp(registry[i]->name, op->name) == 0) return refuse(g, AG_EARG, op, "has the name of a built-in one");
    agi_custom *entry = NULL;
    HASH_FIND_STR(g->custom, op->name, entry);
    if (entry) return refuse(g, AG_EARG, op, "has the name of another descriptor, used before");
    entry = agi_arena_take(&g->arena, sizeof *entry);
    if (!entry) return refuse(g, AG_EMEM, op, "finds no memory");
    entry->op = op;
    HASH_ADD_KEYPTR(hh, g->custom, op->name, strlen(op->name), entry);
    return entry->hh.tbl ? AG_OK : refuse(g, AG_EMEM, op, "finds no memory");
}

static ag_status check_call(ag_graph *g, const ag_op *op, int n, const void *attribute)
{
    if (op->inputs >= 0 ? n != op->inputs : n > MOST_OPERANDS) {
        int takes = op->inputs >= 0 ? op->inputs : MOST_OPERANDS;
        agi_fail(g, AG_EARG, "%s: %d operands, where the operation takes %s%d", op->name, n,
                 op->inputs >= 0 ? "" : "at most ", takes);
        return AG_EARG;
    }
    if (!attribute == !op->attribute_size) return AG_OK;
    agi_fail(g, AG_EARG, "%s: the attribute is %s", op->name, attribute ? "given, the operation has none" : "NULL");
    return AG_EARG;
}

ag_node *ag_custom(const ag_op *op, int n, ag_node *const in[], const void *attribute)
{
    ag_graph *g = NULL;
    for (int i = 0; in && i < n && !g; i++) g = in[i] ? in[i]->graph : NULL;
    if (!g) return NULL;
    if (!op) return agi_fail(g, AG_EARG, "ag_custom: the operation is NULL");
    if (!(op->name && is_known(g, op)) && make_known(g, op)) return g->bad;
    return check_call(g, op, n, attribute) ? g->bad : ag_apply(op, n, in, attribute);
}

void agi_custom_free(ag_graph *g)
{
    HASH_CLEAR(hh, g->custom);
}
