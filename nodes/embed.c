/* x at regular positions along an axis of zeros: the gradient of a slice;  its own gradient is that slice. */
#include "graph/graph.h"
#include "shared/join.h"
#include "shared/move.h"
#include "shared/positions.h"

static ag_status shape(ag_infer *c)
{
    const agi_positions *p = c->attribute;
    if (c->shape.dim[p->axis] != p->count)
        return ag_refuse(c, AG_ESHAPE, "%lld positions for these", (long long)p->count);
    c->shape.dim[p->axis] = p->size;
    return agi_infer_positions(c, p->size);
}

static void window(const ag_node *y, ag_window *w)
{
    const agi_positions *p = y->attribute;
    *w = (ag_window){ (int)p->axis, p->start, p->step };
}

static ag_status run(const ag_kernel_call *c)
{
    const agi_positions *p = c->node->attribute;
    ag_extents s = ag_split_at(c->node, (int)p->axis);
    size_t bytes = (size_t)s.inner * ag_dtype_size((ag_dtype)c->node->dtype), row = (size_t)p->size * bytes;
    const char *from = c->in[0];
    char *to = c->out;
    if (p->step == 1) { /* neighbours move together, and only what is around them is filled */
        size_t start = (size_t)p->start * bytes, middle = (size_t)p->count * bytes;
        for (int64_t o = 0; o < s.outer; o++, to += row, from += middle) {
            memset(to, 0, start);
            agi_move(to + start, from, middle);
            memset(to + start + middle, 0, row - start - middle);
        }
        return AG_OK;
    }
    for (int64_t o = 0; o < s.outer; o++, to += row) {
        memset(to, 0, row);
        for (int64_t k = 0; k < p->count; k++, from += bytes)
            agi_move(to + (p->start + k * p->step) * (int64_t)bytes, from, bytes);
    }
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = agi_new_slice(gout, y->attribute);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    agi_positions p = *(const agi_positions *)y->attribute;
    (void)batched, (void)count;
    p.axis++;
    return agi_new_embed(in[0], &p);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    const agi_positions *p = y->attribute;
    ag_extents s = ag_split_at(y->in[0], (int)p->axis);
    for (int64_t o = 0, from = 0; o < s.outer; o++)
        for (int64_t k = 0; k < p->count; k++)
            for (int64_t i = 0; i < s.inner; i++)
                ag_depends(d, (o * p->size + p->start + k * p->step) * s.inner + i, 0, from++);
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const agi_positions *p = y->attribute;
    ag_extents split = ag_split_at(y, (int)p->axis);
    long long inner = (long long)split.inner;
    (void)in_stride;
    ag_emit(s, "    int64_t i, j, k;\n    for (i = 0; i < %lld; i++) out[i] = 0;\n", (long long)ag_count(y));
    ag_emit(s, "    for (i = 0; i < %lld; i++)\n        for (k = 0; k < %lld; k++)\n", (long long)split.outer,
            (long long)p->count);
    ag_emit(s, "            for (j = 0; j < %lld; j++)\n", inner);
    ag_emit(s, "                out[(i * %lld + %lld + k * %lld) * %lld + j] = in0[(i * %lld + k) * %lld + j];\n",
            (long long)p->size, (long long)p->start, (long long)p->step, inner, (long long)p->count, inner);
    ag_emit(s, "    return 0;\n");
}

/* ---- sums: many, along one axis, are one tensor that each is written into, or that they are parts of -------- */

/* A few are read where they lie by whoever adds them; but not single numbers among numbers. */
enum { FEW = 3, FEW_NUMBERS = 8, FEW_PLACES = 64, MOST_JOINED = 16 };

/* As what they are parts of, if they lie beside one another as they do there. NULL: they do not. */
static ag_node *join(const ag_node *y, int64_t axis, int64_t n, const agi_spot at[], ag_node *const part[])
{
    ag_node *in_order[MOST_JOINED] = { NULL };
    const int64_t length = part[0]->dim[axis];
    if (n > MOST_JOINED || n * length != y->dim[axis]) return NULL;
    for (int64_t k = 0; k < n; k++) {
        const int64_t place = at[k].start / length;
        if (at[k].step != 1 || at[k].start % length || part[k]->dim[axis] != length || in_order[place]) return NULL;
        in_order[place] = part[k];
    }
    return agi_join((int)n, in_order, axis);
}

static int is_tiny(const ag_node *y)
{
    return ag_count(y) <= FEW_PLACES && ag_count(y->in[0]) <= FEW_NUMBERS;
}

static ag_node *add_together(ag_node *sum, int64_t axis, int64_t n, ag_node *const y[])
{
    ag_graph *g = y[0]->graph;
    int64_t count = 0, tiny = 0;
    for (int64_t k = 0; k < n; k++) {
        const int along = ((const agi_positions *)y[k]->attribute)->axis == axis;
        count += along;
        tiny += along && is_tiny(y[k]);
    }
    if (!count) return sum;
    const int together = count > FEW || tiny == count;
    ag_node **part = agi_allocate(&g->allocator, (size_t)count * (sizeof *part + sizeof(agi_spot)));
    if (!part) return agi_fail(g, AG_EMEM, "embed: out of memory");
    agi_spot *at = (agi_spot *)(void *)(part + count);
    count = 0;
    for (int64_t k = 0; k < n; k++) {
        const agi_positions *p = y[k]->attribute;
        if (p->axis != axis) continue;
        at[count] = (agi_spot){ p->start, p->step };
        part[count++] = y[k]->in[0];
    }
    ag_node *joined = join(y[0], axis, count, at, part);
    if (joined) sum = sum ? ag_add(sum, joined) : joined;
    for (int64_t k = 0; k < n && !joined && !together; k++)
        if (((const agi_positions *)y[k]->attribute)->axis == axis) sum = sum ? ag_add(sum, y[k]) : y[k];
    if (together && !joined) sum = agi_new_assemble(sum ? sum : ag_zeros_like(y[0]), axis, count, at, part);
    agi_release(&g->allocator, part);
    return sum;
}

static ag_node *sum(int64_t n, ag_node *const y[])
{
    ag_node *all = NULL;
    for (int axis = 0; axis < y[0]->rank; axis++) all = add_together(all, axis, n, y);
    return all;
}

const ag_op agi_embed = { .name = "embed",
                          .formula = "x among zeros",
                          .inputs = 1,
                          .flags = AG_LIBRARY | AG_SMOOTH | AG_SURE,
                          .attribute_size = sizeof(agi_positions),
                          .extents = agi_each_position,
                          .shape = shape,
                          .sum = sum,
                          .window = window,
                          .run = run,
                          .c = write_c,
                          .gradient = gradient,
                          .batch = batch,
                          .pattern = pattern };

ag_node *agi_new_embed(ag_node *x, const agi_positions *p)
{
    return ag_is_bad(x) || agi_all_positions(p) ? x : ag_unary_with(&agi_embed, x, p);
}
