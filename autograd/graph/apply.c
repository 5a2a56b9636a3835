/* Making nodes: an operation on operands, checked, simplified, its shape inferred, merged with an equal one.
 *
 * What the user wrote stays: where a simpler node stands for his operation, both are kept, a rewritten node. */
#include "graph.h"

/* Elements of a tensor: byte counts and offsets stay far from overflow. Stand-ins for extents are large. */
#define LARGEST_COUNT(g) ((int64_t)1 << ((g)->nextents ? 58 : 48))

static ag_node *out_of_memory(ag_graph *g)
{
    return agi_fail(g, AG_EMEM, "out of memory after %lld nodes", (long long)g->nnodes);
}

static int shape_fits(const ag_graph *g, const ag_shape *s)
{
    int64_t n = 1;
    if (s->rank < 0 || s->rank > AG_MAX_RANK) return 0;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 1 || s->dim[i] > LARGEST_COUNT(g) / n) return 0;
        n *= s->dim[i];
    }
    return 1;
}

/* The extents: shared with an input that has the same, else in the arena. */
static const int64_t *extents(const ag_infer *c)
{
    const ag_shape *s = &c->shape;
    size_t bytes = (size_t)s->rank * sizeof(int64_t);
    static const int64_t none[1] = { 0 };
    if (!bytes) return none;
    for (int i = 0; i < c->n && i < 2; i++)
        if (c->in[i]->rank == s->rank && memcmp(c->in[i]->dim, s->dim, bytes) == 0) return c->in[i]->dim;
    return agi_arena_copy(&c->graph->arena, s->dim, bytes);
}

enum { WEAK = 1, SHARED = 2 /* with an equal node, if there is one */, REWRITTEN = 4 };

/* The node of an operation whose shape and type are known. */
static ag_node *make(const ag_infer *c, int how)
{
    ag_graph *g = c->graph;
    char *mark = g->arena.next, *end = g->arena.end;
    uint64_t key = 0;
    const uint32_t nin = (uint32_t)c->n;
    if (g->nnodes >= UINT32_MAX - 1) return agi_fail(g, AG_EMEM, "a graph holds at most 2^32 - 2 nodes");
    ag_node *x = agi_arena_take(&g->arena, sizeof *x + nin * sizeof x->in[0]);
    if (!x) return out_of_memory(g);
    x->graph = g;
    x->op = c->op;
    x->dim = extents(c);
    x->attribute = c->attribute;
    x->name = NULL;
    x->id = (uint32_t)g->nnodes;
    x->nin = nin & AG_MOST_INPUTS;
    x->dtype = (uint32_t)c->dtype & 3;
    x->rank = (uint32_t)c->shape.rank & 15;
    x->weak = (how & WEAK) != 0;
    x->held = !g->inside;
    x->rewritten = (how & REWRITTEN) != 0;
    x->bound = 0;
    for (uint32_t i = 0; i < nin; i++) x->in[i] = c->in[i];
    if (!x->dim) return out_of_memory(g);

    const int shared = how & SHARED && g->intern && !(c->op->flags & AG_RANDOM);
    ag_node *same = shared ? agi_intern_find(&g->interned, x, &key) : NULL;
    if (same) {
        if (g->arena.end == end) g->arena.next = mark;
        same->held |= !g->inside;
        return same;
    }
    if (c->attribute) x->attribute = agi_arena_copy(&g->arena, c->attribute, agi_attribute_bytes(x));
    if (c->attribute && !x->attribute) return out_of_memory(g);
    const int effect = (c->op->flags & AG_EFFECT) != 0;
    if (effect && !agi_vector_grow(&g->allocator, &g->effects, sizeof x, 1)) return out_of_memory(g);
    if (!agi_intern_add(&g->interned, x, shared ? &key : NULL)) return out_of_memory(g);
    if (effect) ((const ag_node **)g->effects.data)[g->effects.count++] = x;
    g->nnodes++;
    return x;
}

/* A node without inputs. */
static ag_node *make_leaf(ag_graph *g, const ag_op *op, ag_dtype dtype, const ag_shape *shape, const void *attribute,
                          int how)
{
    ag_infer c;
    c.graph = g, c.op = op, c.n = 0, c.in = NULL, c.attribute = attribute, c.dtype = dtype, c.shape.rank = shape->rank;
    memcpy(c.shape.dim, shape->dim, (size_t)shape->rank * sizeof shape->dim[0]);
    return make(&c, how);
}

/* Have they all one graph, and is none bad? As nearly always. */
static int all_sound(int n, ag_node *const in[])
{
    const ag_graph *g = n && in[0] ? in[0]->graph : NULL;
    for (int i = 0; g && i < n; i++)
        if (!in[i] || in[i]->graph != g || in[i] == g->bad) return 0;
    return g != NULL;
}

/* The graph of the operands, or NULL when there is none at all; a bad or foreign one makes it the bad node's. */
static ag_graph *graph_of(const ag_op *op, int n, ag_node *const in[], int *usable)
{
    ag_graph *g = NULL;
    *usable = 1;
    if (all_sound(n, in)) return in[0]->graph;
    for (int i = 0; i < n; i++) {
        if (!in[i] || ag_is_bad(in[i])) *usable = 0;
        if (in[i] && !g) g = in[i]->graph;
    }
    for (int i = 0; g && i < n; i++) {
        if (!in[i]) agi_fail(g, AG_EARG, "%s (node %lld): operand %d is NULL", op->name, (long long)g->nnodes, i);
        else if (in[i]->graph != g) {
            agi_fail(g, AG_EARG, "%s (node %lld): operand %d is a node of another graph", op->name,
                     (long long)g->nnodes, i);
            *usable = 0;
        }
    }
    return g;
}

/* Literal numbers take the type of the operand they meet. */
static int adopt_types(ag_graph *g, int n, ag_node *const in[], ag_node *out[])
{
    const ag_node *strong = NULL;
    int weak = 0;
    for (int i = 0; i < n; i++) {
        out[i] = in[i];
        if (in[i]->weak) weak = 1;
        else if (!strong) strong = in[i];
    }
    if (!weak || !strong || strong->dtype == AG_I64) return weak && !strong;
    for (int i = 0; i < n; i++)
        if (out[i]->weak)
            out[i] = make_leaf(g, out[i]->op, (ag_dtype)strong->dtype, &AG_SCALAR, out[i]->attribute, SHARED);
    return 0;
}

/* Of integers, numbers among them. */
static int all_integers(int n, ag_node *const in[])
{
    int integers = 0;
    for (int i = 0; i < n; i++) {
        if (in[i]->dtype == AG_I64) integers = 1;
        else if (!in[i]->weak) return 0;
    }
    return integers;
}

static ag_status infer(ag_infer *c)
{
    const ag_op *op = c->op;
    c->dtype = c->n ? (ag_dtype)c->in[0]->dtype : AG_F32;
    c->shape = c->n ? ag_shape_in(c->in[0]) : AG_SCALAR;
    ag_status status = op->shape ? op->shape(c) : agi_infer_broadcast(c);
    if (!status && !shape_fits(c->graph, &c->shape))
        status = ag_refuse(c, AG_ESHAPE, "the result has more than %d axes, an extent below 1 or too many elements",
                           AG_MAX_RANK);
    c->op = op; /* rules may refuse in the name of what the user has called */
    return status;
}

/* Graphs of millions of numbers are built this way: no types to adopt, no shapes to infer. */
static int all_scalars(const ag_op *op, int n, ag_node *const in[])
{
    if (op->shape || !n) return 0;
    for (int i = 0; i < n; i++)
        if (in[i]->rank || in[i]->weak || in[i]->dtype == AG_I64 || in[i]->dtype != in[0]->dtype) return 0;
    return 1;
}

static ag_node *too_many_inputs(ag_graph *g, const ag_op *op, int n)
{
    return agi_fail(g, AG_EARG, "%s (node %lld): %d operands, of which there are at most %d", op->name,
                    (long long)g->nnodes, n, AG_MOST_INPUTS);
}

static void infer_scalar(ag_infer *c)
{
    c->dtype = (ag_dtype)c->in[0]->dtype;
    c->shape.rank = 0;
}

enum { MOST_REWRITTEN = 3 }; /* operands that a rewrite takes at most */

/* What the operation is computed as, seen through what its operands are computed as; an operand stays as written. */
static ag_node *simplify_seen(ag_infer *c)
{
    ag_node *seen[MOST_REWRITTEN], *const *in = c->in;
    if (c->n > MOST_REWRITTEN) return NULL;
    for (int i = 0; i < c->n; i++) seen[i] = agi_simple(in[i]);
    c->in = seen;
    ag_node *y = agi_simplify(c);
    c->in = in;
    for (int i = 0; y && i < c->n; i++)
        if (y == seen[i]) return in[i];
    return y;
}

static ag_node *simplify(ag_infer *c)
{
    ag_graph *g = c->graph;
    unsigned rewritten = 0;
    for (int i = 0; i < c->n; i++) rewritten |= c->in[i]->rewritten;
    g->inside++, g->rewriting++;
    ag_node *y = rewritten ? simplify_seen(c) : agi_simplify(c);
    g->inside--, g->rewriting--;
    return y;
}

static int reads(const ag_node *y, const ag_node *x)
{
    int found = y == x;
    for (uint32_t k = 0; k < y->nin && !found; k++) found = y->in[k] == x;
    return found;
}

/* Is the node to remain as it was written beside the simpler one? Of the user's own nodes each does: they are no leaf,
 * and no other node of his. Of a rule's, each that passes over an operand by which the user may differentiate. */
static int stays_written(const ag_infer *c, const ag_node *simple)
{
    double literal;
    if (c->graph->rewriting || ag_is_bad(simple) || agi_is_number(simple, &literal)) return 0;
    if (!c->graph->inside) return 1;
    for (int i = 0; i < c->n; i++) {
        const ag_node *x = c->in[i];
        if (x->nin && (x->held || x->rewritten) && !reads(simple, x)) return 1;
    }
    return 0;
}

static ag_node *as_written(ag_infer *c, ag_node *simple)
{
    ag_node *few[MOST_REWRITTEN + 1], **all = few;
    const size_t n = (size_t)c->n;
    if (c->n == AG_MOST_INPUTS) return simple; /* there is no room for one more */
    if (n > MOST_REWRITTEN && !(all = agi_allocate(&c->graph->allocator, (n + 1) * sizeof *all)))
        return agi_fail(c->graph, AG_EMEM, "%s: out of memory", c->op->name);
    memcpy(all, c->in, n * sizeof *all);
    all[n] = agi_simple(simple);
    c->in = all, c->n++;
    ag_node *y = make(c, SHARED | REWRITTEN);
    if (all != few) agi_release(&c->graph->allocator, all);
    return y;
}

ag_node *agi_rewritten(const ag_op *op, ag_node *written, const void *attribute)
{
    ag_node *all[] = { written, agi_simple(written) };
    ag_infer c = { written->graph, op, 2, all, attribute, (ag_dtype)written->dtype, ag_shape_in(written) };
    return make(&c, SHARED | REWRITTEN);
}

/* Types and shapes of operands as they come, in room for FEW of them; the bad node after a failure. */
enum { FEW = 4 };
static ag_node *look_at_operands(ag_infer *c, ag_node *typed[FEW], int *weak)
{
    if (c->op->flags & AG_POINTWISE && c->n <= FEW) {
        *weak = adopt_types(c->graph, c->n, c->in, typed);
        c->in = typed;
        for (int i = 0; i < c->n; i++)
            if (ag_is_bad(typed[i])) return typed[i];
    }
    return infer(c) ? c->graph->bad : NULL;
}

ag_node *ag_apply(const ag_op *op, int n, ag_node *const in[], const void *attribute)
{
    int usable, weak = 0;
    ag_node *typed[FEW], *bad;
    ag_infer c;
    c.graph = graph_of(op, n, in, &usable), c.op = op, c.n = n, c.in = in, c.attribute = attribute;
    if (!c.graph) return NULL;
    if (!usable) return c.graph->bad;
    if (n > AG_MOST_INPUTS) return too_many_inputs(c.graph, op, n);
    if (all_scalars(op, n, in)) infer_scalar(&c);
    else if (op->integers && all_integers(n, in)) return op->integers(n, in);
    else if ((bad = look_at_operands(&c, typed, &weak))) return bad;
    ag_node *simple = simplify(&c);
    if (!simple) return make(&c, SHARED | (weak ? WEAK : 0));
    return stays_written(&c, simple) ? as_written(&c, simple) : simple;
}

ag_node *ag_vet(const ag_op *op, int n, ag_node *const in[], const void *attribute)
{
    int usable;
    ag_graph *g = graph_of(op, n, in, &usable);
    if (!g) return NULL;
    ag_infer c = { .graph = g, .op = op, .n = n, .in = in, .attribute = attribute };
    return usable && !infer(&c) ? in[0] : g->bad;
}

ag_node *ag_define(const ag_op *op, int n, ag_node *const in[], const void *attribute, ag_node *definition)
{
    enum { MOST = 3 };
    ag_node *all[MOST + 1];
    ag_graph *g = in[0]->graph;
    if (ag_is_bad(definition)) return g->bad;
    if (definition->op->role == AG_IS_NUMBER) return definition; /* of numbers alone, which depend on nothing */
    if (n > MOST) return agi_fail(g, AG_EARG, "%s: more than %d operands beside the definition", op->name, MOST);
    memcpy(all, in, (size_t)n * sizeof *in);
    all[n] = agi_simple(definition); /* users do not see it, and rules, which define it again, find it */
    ag_infer c = { g, op, n + 1, all, attribute, (ag_dtype)definition->dtype, ag_shape_in(definition) };
    return make(&c, SHARED);
}

static int64_t bytes_of(ag_dtype dtype, const ag_shape *shape)
{
    int64_t bytes = (int64_t)ag_dtype_size(dtype);
    for (int i = 0; i < shape->rank; i++) bytes *= shape->dim[i];
    return bytes;
}

static const char *described(char text[AG_SHAPE_TEXT], ag_dtype dtype, const ag_shape *s)
{
    if (s->rank >= 0 && s->rank <= AG_MAX_RANK) return ag_describe(text, dtype, s);
    snprintf(text, AG_SHAPE_TEXT, "one of rank %d", s->rank);
    return text;
}

static int usable_tensor(ag_graph *g, const char *what, const char *name, ag_dtype dtype, const ag_shape *shape)
{
    const char *quote = name ? "'" : "", *space = name ? " " : "";
    char text[AG_SHAPE_TEXT];
    if (!name) name = "";
    if (dtype != AG_F32 && dtype != AG_F64 && dtype != AG_I64)
        agi_fail(g, AG_ETYPE, "%s%s%s%s%s: %d is no element type: AG_F32, AG_F64 or AG_I64", what, space, quote, name,
                 quote, (int)dtype);
    else if (!shape_fits(g, shape))
        agi_fail(g, AG_ESHAPE, "%s%s%s%s%s: %s is no shape: there are at most %d axes, extents of at least 1 and 2^48 "
                               "elements", what, space, quote, name, quote, described(text, dtype, shape), AG_MAX_RANK);
    else if (bytes_of(dtype, shape) > PTRDIFF_MAX)
        agi_fail(g, AG_EMEM, "%s%s%s%s%s: %lld bytes are more than there are addresses for", what, space, quote, name,
                 quote, (long long)bytes_of(dtype, shape));
    else return 1;
    return 0;
}

/* What has values of its own has one size, and what a division made of an extent has none. */
static int usable_extents(ag_graph *g, const ag_op *op, const char *name, ag_dtype dtype, const ag_shape *shape)
{
    char text[AG_SHAPE_TEXT];
    for (int i = 0; i < shape->rank && g->nextents; i++) {
        const int unreadable = agi_is_unreadable(g, shape->dim[i]);
        if (!unreadable && (op->role == AG_IS_INPUT || !op->role || !agi_holds_extent(g, shape->dim[i]))) continue;
        agi_fail(g, AG_ESHAPE, "%s%s%s: %s %s", op->name, name ? " " : "", name ? name : "",
                 described(text, dtype, shape),
                 unreadable ? "has an extent that looks like a part of one that plans choose, which cannot be divided"
                            : "has an extent that plans choose, but its values are of one size");
        return 0;
    }
    return 1;
}

ag_node *agi_leaf(ag_graph *g, const ag_op *op, const char *name, ag_dtype dtype, ag_shape shape,
                  const void *attribute, int shared)
{
    if (!g) return NULL;
    if (!usable_tensor(g, op->name, name, dtype, &shape)) return g->bad;
    if (!usable_extents(g, op, name, dtype, &shape)) return g->bad;
    if (op->role == AG_IS_CONSTANT && !attribute) return agi_fail(g, AG_EARG, "%s: the values are NULL", op->name);
    if (name && !agi_usable_name(g, op->name, name)) return g->bad;
    ag_node *x = make_leaf(g, op, dtype, &shape, attribute, shared ? SHARED : 0);
    if (name) ag_name(x, name);
    return x;
}

ag_node *agi_literal(ag_graph *g, const ag_op *number, ag_dtype dtype, double value, int weak)
{
    return make_leaf(g, number, dtype, &AG_SCALAR, &value, SHARED | (weak ? WEAK : 0));
}

ag_node *agi_extent_literal(ag_graph *g, const ag_op *number, ag_dtype dtype, int64_t n)
{
    return make_leaf(g, number, dtype, &AG_SCALAR, &n, SHARED);
}

ag_node *agi_leaf_written(ag_graph *g, const ag_op *op, const char *what, ag_dtype dtype, ag_shape shape,
                          void (*write)(void *values, ag_dtype, int64_t n))
{
    if (!g) return NULL;
    if (!usable_tensor(g, what, NULL, dtype, &shape)) return g->bad;
    size_t bytes = (size_t)bytes_of(dtype, &shape);
    void *values = agi_allocate(&g->allocator, bytes);
    if (!values) return out_of_memory(g);
    write(values, dtype, (int64_t)(bytes / ag_dtype_size(dtype)));
    ag_node *x = agi_leaf(g, op, NULL, dtype, shape, values, 1);
    agi_release(&g->allocator, values);
    return x;
}
