/* x with updates added at indices along an axis, one after the other;  x takes gout, the updates what they fell on. */
#include "graph/graph.h"
#include "shared/gather.h"

static ag_status shape(ag_infer *c)
{
    const ag_node *x = c->in[0], *updates = c->in[2];
    ag_shape s = { 0 };
    if (x->dtype == AG_I64) return ag_refuse(c, AG_ETYPE, "there is no arithmetic on i64: make it real with ag_cast");
    if (x->dtype != updates->dtype)
        return ag_refuse(c, AG_ETYPE, "x and updates differ in element type: ag_cast one of them");
    ag_status status = agi_infer_gather(c, &s);
    if (status) return status;
    int fits = updates->rank == s.rank;
    for (int i = 0; i < s.rank && fits; i++) fits = updates->dim[i] == s.dim[i];
    return fits ? AG_OK : ag_refuse(c, AG_ESHAPE, "the updates do not have the shape of x gathered at the indices");
}

/* ---- floats: rows of x that take many updates -------------------------------------------------------------------- */

/* What MOST updates have made of a row is added to a wide row, which hardly rounds, and the row starts again from -0,
 * which changes nothing. Fewer than count / MOST rows come to have a wide one: found by hashing. */
enum { MOST = 64 };
#define HASH 0x9E3779B97F4A7C15u /* 2^64 over the golden ratio */

typedef struct {
    int64_t extent, inner, slots; /* slots: a power of two, at most half of them used; 0: no row takes many updates */
    double *wide;                 /* by slot: a row, */
    int64_t *position;            /* and the one it belongs to; -1: none */
    uint8_t *added;              /* by position: updates that the row holds */
} wide_rows;

static int64_t count_slots(const ag_node *y)
{
    int64_t most = ag_count(y->in[1]) / MOST, slots = y->dtype == AG_F32 && most ? 2 : 0;
    while (slots < 2 * most && slots) slots *= 2;
    return slots;
}

static size_t scratch(const ag_node *y)
{
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    int64_t slots = count_slots(y);
    size_t row = (size_t)s.inner * sizeof(double) + sizeof(int64_t);
    return slots ? (size_t)slots * row + (size_t)s.extent * sizeof(uint8_t) : 0;
}

static wide_rows in_scratch(const ag_kernel_call *c, ag_extents s)
{
    wide_rows w = { .extent = s.extent, .inner = s.inner, .slots = count_slots(c->node), .wide = c->scratch };
    if (!w.slots) return w;
    w.position = (int64_t *)(w.wide + w.slots * w.inner);
    w.added = (uint8_t *)(w.position + w.slots);
    return w;
}

static void widen(const wide_rows *w, int64_t position, float *row)
{
    int64_t slot = (int64_t)((uint64_t)position * HASH >> 32) & (w->slots - 1);
    while (w->position[slot] >= 0 && w->position[slot] != position) slot = (slot + 1) & (w->slots - 1);
    double *wide = w->wide + slot * w->inner;
    for (int64_t i = 0; i < w->inner; i++) {
        wide[i] = w->position[slot] < 0 ? row[i] : wide[i] + row[i];
        row[i] = -0.0f;
    }
    w->position[slot] = position;
    w->added[position] = 0;
}

static void clear(const wide_rows *w)
{
    for (int64_t k = 0; k < w->slots; k++) w->position[k] = -1;
    if (w->slots) memset(w->added, 0, (size_t)w->extent * sizeof *w->added);
}

static void narrow(const wide_rows *w, float *rows)
{
    for (int64_t k = 0; k < w->slots; k++)
        for (int64_t i = 0; i < w->inner && w->position[k] >= 0; i++) {
            float *to = &rows[w->position[k] * w->inner + i];
            *to = (float)(w->wide[k * w->inner + i] + *to);
        }
}

static ag_status add_f32(const ag_kernel_call *c, ag_extents s, float *out, const float *update)
{
    const wide_rows w = in_scratch(c, s);
    const int64_t count = ag_count(c->node->in[1]), *index = c->in[1];
    uint8_t *const added = w.added; /* bytes may be anything: no fields of w, lest they are read again each time */
    for (int64_t o = 0; o < s.outer; o++, out += s.extent * s.inner) {
        clear(&w);
        for (int64_t k = 0; k < count; k++, update += s.inner) {
            int64_t position = agi_counted(index[k], s.extent);
            if (position < 0) return agi_position(c, k, s.extent), AG_EARG;
            float *row = out + position * s.inner;
            for (int64_t i = 0; i < s.inner; i++) row[i] += update[i];
            if (w.slots && ++added[position] == MOST) widen(&w, position, row);
        }
        narrow(&w, out);
    }
    return AG_OK;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static ag_status add_f64(const ag_kernel_call *c, ag_extents s, double *out, const double *update)
{
    const int64_t count = ag_count(c->node->in[1]), *index = c->in[1];
    for (int64_t o = 0; o < s.outer; o++, out += s.extent * s.inner)
        for (int64_t k = 0; k < count; k++, update += s.inner) {
            int64_t position = agi_counted(index[k], s.extent);
            if (position < 0) return agi_position(c, k, s.extent), AG_EARG;
            for (int64_t i = 0; i < s.inner; i++) out[position * s.inner + i] += update[i];
        }
    return AG_OK;
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    memcpy(c->out, c->in[0], (size_t)ag_count(y) * ag_dtype_size((ag_dtype)y->dtype));
    return y->dtype == AG_F32 ? add_f32(c, s, c->out, c->in[2]) : add_f64(c, s, c->out, c->in[2]);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    gin[0] = gout;
    if (ag_wanted(y, 2)) gin[2] = ag_gather(gout, *(const int *)y->attribute, y->in[1]);
}

static double flops(const ag_node *y)
{
    return (double)ag_count(y->in[2]);
}

/* ---- sums: of several into zeros, along one axis, indices and updates one after the other -------------------- */

static int adds_to_zeros(const ag_node *y, int axis)
{
    double value;
    return *(const int *)y->attribute == axis && agi_is_number(y->in[0], &value) && value == 0;
}

/* The indices as a list, the updates with one axis in their place. */
static void put_in_line(ag_node *y, int axis, ag_node **indices, ag_node **updates)
{
    const int64_t count = ag_count(y->in[1]);
    ag_shape s = ag_shape_in(y);
    s.dim[axis] = count;
    *indices = ag_reshape(y->in[1], AG_SHAPE(count));
    *updates = ag_reshape(y->in[2], s);
}

static ag_node *add_together(ag_node *sum, int axis, int64_t n, ag_node *const y[])
{
    ag_graph *g = y[0]->graph;
    int count = 0;
    for (int64_t k = 0; k < n; k++) count += adds_to_zeros(y[k], axis);
    if (!count) return sum;
    ag_node **indices = agi_allocate(&g->allocator, 2 * (size_t)count * sizeof *indices), **updates = indices + count;
    if (!indices) return agi_fail(g, AG_EMEM, "scatter_add: out of memory");
    count = 0;
    for (int64_t k = 0; k < n; k++)
        if (adds_to_zeros(y[k], axis)) put_in_line(y[k], axis, indices + count, updates + count), count++;
    ag_node *zeros = ag_zeros_like(y[0]), *all = ag_concat(count, indices, 0);
    ag_node *more = ag_scatter_add(zeros, axis, all, ag_concat(count, updates, axis));
    agi_release(&g->allocator, indices);
    return sum ? ag_add(sum, more) : more;
}

static ag_node *sum(int64_t n, ag_node *const y[])
{
    ag_node *all = NULL;
    if (n == 1) return y[0];
    for (int axis = 0; axis < y[0]->rank; axis++) all = add_together(all, axis, n, y);
    for (int64_t k = 0; k < n; k++)
        if (!adds_to_zeros(y[k], *(const int *)y[k]->attribute)) all = all ? ag_add(all, y[k]) : y[k];
    return all;
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    const ag_node *x = y->in[0], *indices = y->in[1];
    int axis = *(const int *)y->attribute;
    for (int k = 0; k < 3; k += 2)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    if (!batched[1]) return ag_scatter_add(in[0], axis + 1, in[1], in[2]);
    ag_node *updates = agi_move_axes(in[2], axis + 1, indices->rank, 1);
    ag_node *sums = ag_scatter_add(agi_flat_batch(in[0], axis), 0, agi_flat_indices(in[1], x->dim[axis]), updates);
    ag_shape s = ag_batch_shape(x, count); /* with the axis right after the first */
    for (int i = axis + 1; i > 1; i--) s.dim[i] = s.dim[i - 1];
    s.dim[1] = x->dim[axis];
    return agi_move_axes(ag_reshape(sums, s), 1, 1, axis + 1);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    const int64_t *index = ag_known_integers(d, y->in[1]), count = ag_count(y->in[1]);
    for (int64_t e = 0; index && e < ag_count(y); e++) ag_depends(d, e, 0, e);
    for (int64_t o = 0, from = 0; index && o < s.outer; o++)
        for (int64_t k = 0; k < count; k++) {
            int64_t position = agi_counted(index[k], s.extent), to = (o * s.extent + position) * s.inner;
            for (int64_t i = 0; i < s.inner; i++, from++)
                if (position >= 0) ag_depends(d, to + i, 2, from);
        }
    return index != NULL;
}

/* The same in C: `place` are the positions. */
static void write_clear(ag_source *s, int64_t slots, ag_extents split)
{
    ag_emit(s, "        for (j = 0; j < %lld; j++) place[j] = -1;\n", (long long)slots);
    ag_emit(s, "        for (j = 0; j < %lld; j++) added[j] = 0;\n", (long long)split.extent);
}

static void write_widen(ag_source *s, int64_t slots, ag_extents split)
{
    long long mask = (long long)slots - 1, inner = (long long)split.inner, row = (long long)split.extent * inner;
    ag_emit(s, "            if (++added[at] < %d) continue;\n            added[at] = 0;\n", MOST);
    ag_emit(s, "            slot = (int64_t)((uint64_t)at * %lluu >> 32) & %lld;\n", (unsigned long long)HASH, mask);
    ag_emit(s, "            while (place[slot] >= 0 && place[slot] != at) slot = (slot + 1) & %lld;\n", mask);
    ag_emit(s, "            for (j = 0; j < %lld; j++) {\n", inner);
    ag_emit(s, "                float *const to = &out[i * %lld + at * %lld + j];\n", row, inner);
    ag_emit(s, "                double *const sum = &wide[slot * %lld + j];\n", inner);
    ag_emit(s, "                *sum = place[slot] < 0 ? *to : *sum + *to;\n                *to = -0.0f;\n");
    ag_emit(s, "            }\n            place[slot] = at;\n");
}

static void write_narrow(ag_source *s, int64_t slots, ag_extents split)
{
    long long inner = (long long)split.inner, row = (long long)split.extent * inner;
    ag_emit(s, "        for (k = 0; k < %lld; k++)\n", (long long)slots);
    ag_emit(s, "            for (j = 0; j < %lld && place[k] >= 0; j++) {\n", inner);
    ag_emit(s, "                float *const to = &out[i * %lld + place[k] * %lld + j];\n", row, inner);
    ag_emit(s, "                *to = (float)(wide[k * %lld + j] + *to);\n            }\n", inner);
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_extents split = ag_split_at(y, *(const int *)y->attribute);
    long long count = (long long)ag_count(y->in[1]), extent = (long long)split.extent, inner = (long long)split.inner;
    int64_t slots = count_slots(y);
    const int table = agi_write_table(s, y->in[1], extent);
    (void)in_stride;
    if (slots) {
        ag_emit(s, "    double *const wide = (double *)scratch;\n");
        ag_emit(s, "    int64_t *const place = (int64_t *)(wide + %lld);\n", (long long)slots * inner);
        ag_emit(s, "    uint8_t *const added = (uint8_t *)(place + %lld);\n", (long long)slots);
    }
    ag_emit(s, "    int64_t i, j, k, at%s;\n", slots ? ", slot" : "");
    ag_emit(s, "    for (i = 0; i < %lld; i++) out[i] = in0[i];\n", (long long)ag_count(y));
    ag_emit(s, "    for (i = 0; i < %lld; i++) {\n", (long long)split.outer);
    if (slots) write_clear(s, slots, split);
    ag_emit(s, "        for (k = 0; k < %lld; k++) {\n", count);
    agi_write_position(s, table, 1, extent);
    ag_emit(s, "            for (j = 0; j < %lld; j++)\n", inner);
    ag_emit(s, "                out[(i * %lld + at) * %lld + j] += in2[(i * %lld + k) * %lld + j];\n", extent, inner,
            count, inner);
    if (slots) write_widen(s, slots, split);
    ag_emit(s, "        }\n");
    if (slots) write_narrow(s, slots, split);
    ag_emit(s, "    }\n    return 0;\n");
}

const ag_op agi_scatter_add = { .name = "scatter_add",
                                .formula = "x[indices] += updates",
                                .inputs = 3,
                                .flags = AG_LIBRARY | AG_SMOOTH,
                                .attribute_size = sizeof(int),
                                .shape = shape,
                                .run = run,
                                .scratch = scratch,
                                .limit = agi_index_limit,
                                .c = write_c,
                                .flops = flops,
                                .gradient = gradient,
                                .sum = sum,
                                .batch = batch,
                                .pattern = pattern };

ag_node *ag_scatter_add(ag_node *x, int axis, ag_node *indices, ag_node *updates)
{
    int counted = ag_axis(&x, &agi_scatter_add, axis);
    ag_node *in[] = { x, indices, updates };
    return ag_apply(&agi_scatter_add, 3, in, &counted);
}
