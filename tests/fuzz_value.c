/* The reference: a node's value, from those of its operands as they were written, one function an operation. What the
 * engine made of the graph meanwhile, simpler nodes, plans, passes, is not looked at. */
#include "fuzz.h"
#include "graph/graph.h"
#include "shared/reduction.h"

/* ---- scopes ------------------------------------------------------------------------------------------------------ */

typedef struct block {
    struct block *next;
    real data[];
} block;

struct fuzz_memory {
    block *blocks;
};

static fuzz_scope scope_of(fuzz_memory *m, int64_t nodes)
{
    return (fuzz_scope){ .memory = m, .nodes = nodes, .known = calloc((size_t)nodes, sizeof(fuzz_value *)) };
}

fuzz_scope fuzz_open(const ag_graph *g)
{
    return scope_of(calloc(1, sizeof(fuzz_memory)), ag_node_count(g));
}

fuzz_scope fuzz_inside(const fuzz_scope *s)
{
    return scope_of(s->memory, s->nodes);
}

void fuzz_leave(fuzz_scope *s)
{
    free(s->known);
}

void fuzz_close(fuzz_scope *s)
{
    for (block *b = s->memory->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(s->memory);
    fuzz_leave(s);
}

fuzz_value *fuzz_new(fuzz_scope *s, int64_t n)
{
    size_t head = (sizeof(fuzz_value) + sizeof(real) - 1) / sizeof(real);
    block *b = calloc(1, sizeof *b + (head + 2 * (size_t)n) * sizeof(real));
    fuzz_value *v = (fuzz_value *)b->data;
    b->next = s->memory->blocks;
    s->memory->blocks = b;
    *v = (fuzz_value){ .n = n, .value = b->data + head, .bound = b->data + head + n };
    return v;
}

void fuzz_know(fuzz_scope *s, const ag_node *x, const fuzz_value *v)
{
    s->known[x->id] = v;
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

static int leaf(const ag_node *y, fuzz_value *out)
{
    const void *data = y->attribute;
    if (!(y->op->flags & AG_LEAF)) return 0;
    ck_assert_msg(y->op != &agi_input, "the reference feeds no input");
    for (int64_t i = 0; i < out->n && data; i++) {
        double literal = y->op == &agi_number ? *(const double *)data : 0;
        if (y->op == &agi_number) out->value[i] = y->dtype == AG_F32 ? (float)literal : literal;
        else if (y->dtype == AG_F32) out->value[i] = ((const float *)data)[i];
        else if (y->dtype == AG_F64) out->value[i] = ((const double *)data)[i];
        else out->value[i] = (real)((const int64_t *)data)[i];
    }
    return 1;
}

/* Which elements of x are its extrema along the axis: told from x alone, since in its own result nothing is certain. */
static int is_extremum_mask(const ag_node *y, const ag_node **folded)
{
    if (y->op != &agi_equal) return 0;
    const ag_node *b = y->in[1];
    while (b->op == &agi_reshape || b->op == &agi_broadcast_to) b = b->in[0];
    *folded = b;
    return (b->op == &agi_amax || b->op == &agi_amin) && b->in[0] == y->in[0];
}

static void mask_extrema(const ag_node *y, const ag_node *folded, const fuzz_value *x, fuzz_value *out)
{
    ag_extents s = ag_split_at(y, ((const ag_axis_attribute *)folded->attribute)->axis);
    int sign = folded->op == &agi_amax ? 1 : -1;
    for (int64_t i = 0; i < out->n; i++) {
        int64_t first = i / (s.inner * s.extent) * s.inner * s.extent + i % s.inner;
        int beaten = 0, doubt = 0;
        for (int64_t k = 0; k < s.extent; k++) {
            int64_t at = first + k * s.inner;
            real gap = sign * (x->value[at] - x->value[i]), e = x->bound[at] + x->bound[i];
            if (at == i || (gap == 0 && e == 0)) continue;
            beaten |= gap > 4 * e;
            doubt |= !(fabsl(gap) > 4 * e);
        }
        out->value[i] = !beaten && !isnan(x->value[i]);
        out->bound[i] = doubt && !beaten;
    }
}

static void compute(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    const ag_node *folded;
    if (is_extremum_mask(y, &folded)) mask_extrema(y, folded, in[0], out);
    else if (!leaf(y, out) && !fuzz_moves(y, in, out) && !fuzz_pointwise(y, in, out) && !fuzz_sums(y, in, out) &&
             !fuzz_runs(y, in, out) && !fuzz_windows(y, in, out) && !fuzz_attention(y, in, out) &&
             !fuzz_draws(y, in, out))
        ck_assert_msg(fuzz_matrices(y, in, out), "the reference has no operation %s", y->op->name);
}

/* An alias is what its definition comes to. */
static const fuzz_value *evaluate(fuzz_scope *s, const ag_node *y)
{
    enum { FEW = 8 };
    const fuzz_value *few[FEW], **in = few;
    uint32_t n = agi_written_inputs(y);
    if (y->op->flags & AG_ALIAS) return fuzz_value_of(s, y->in[y->nin - 1]);
    if (y->op->flags & AG_PART) return fuzz_part_of_loop(s, y);
    if (n > FEW) in = malloc(n * sizeof *in);
    for (uint32_t k = 0; k < n; k++) in[k] = fuzz_value_of(s, y->in[k]);
    fuzz_value *out = fuzz_new(s, ag_count(y));
    compute(y, in, out);
    if (in != few) free(in);
    return out;
}

const fuzz_value *fuzz_value_of(fuzz_scope *s, const ag_node *y)
{
    ck_assert(y->id < s->nodes);
    if (!s->known[y->id]) s->known[y->id] = evaluate(s, y);
    return s->known[y->id];
}
