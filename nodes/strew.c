/* x with values added where strides say, on diagonals, say: what products with unit vectors leave. x takes gout, each
 * value what of it lies where the value went.
 *
 * Costs x and the values once each: nothing is multiplied by a zero, and none is looked at beyond those of x. */
#include "shared/path.h"
#include "shared/strew.h"

static size_t bytes_for(int64_t values)
{
    return sizeof(agi_strewn) + (size_t)values * sizeof(ag_strides);
}

static size_t attribute_bytes(const void *attribute)
{
    return bytes_for(((const agi_strewn *)attribute)->values);
}

static const agi_strewn *places_of(const ag_node *y)
{
    return y->attribute;
}

static const ag_strides *place_of(const ag_node *y, uint32_t k)
{
    return &places_of(y)->at[k - 1];
}

/* x's; places are sound, but at extents of plans they may be where there is nothing. */
static ag_status shape(ag_infer *c)
{
    const agi_strewn *s = c->attribute;
    const int64_t n = ag_count(c->in[0]);
    for (int k = 1; k < c->n; k++) {
        const ag_strides *at = &s->at[k - 1];
        int64_t first = at->offset, last = first;
        for (int i = 0; i < c->in[k]->rank; i++)
            *(at->stride[i] < 0 ? &first : &last) += at->stride[i] * (c->in[k]->dim[i] - 1);
        if (first < 0 || last >= n) return ag_refuse(c, AG_ESHAPE, "part %d would lie outside", k);
    }
    return AG_OK;
}

static agi_path path_of(const ag_node *y, uint32_t k, const ag_strides *from)
{
    const ag_strides all = ag_contiguous(y);
    return agi_path_between(y->in[k], from, k ? place_of(y, k) : &all);
}

/* Pieces of so many bytes stay in the nearest cache until all values have been added; but values that go backwards are
 * added as a whole. */
enum { PIECE = 1 << 14 };

static int64_t pieces(const ag_node *y)
{
    const int64_t bytes = agi_node_bytes(y);
    if (bytes <= PIECE) return 1;
    for (uint32_t k = 1; k < y->nin; k++)
        for (int i = 0; i < y->in[k]->rank; i++)
            if (place_of(y, k)->stride[i] < 0) return 1;
    return (bytes + PIECE - 1) / PIECE;
}

static agi_mover *mover(const ag_node *y, const agi_way *how, uint32_t k)
{
    return k <= places_of(y)->stored ? how->copy : how->add;
}

/* All of operand k; vectors, which may be short, without a look at axes. */
static void put(const ag_kernel_call *c, const agi_way *how, uint32_t k)
{
    const ag_node *x = c->node->in[k];
    agi_mover *move = mover(c->node, how, k);
    if (k && x->rank == 1) {
        const ag_strides *at = place_of(c->node, k);
        move(x->dim[0], (char *)c->out + at->offset * (int64_t)how->to, at->stride[0], c->in[k],
             c->in_stride[k].stride[0]);
    } else {
        agi_path path = path_of(c->node, k, &c->in_stride[k]);
        agi_path_swap(&path, agi_path_longest(&path), path.rank - 1);
        agi_go(&path, how, move, c->out, c->in[k]);
    }
}

/* clear: what no value has been stored at. */
static void run_pieces(const ag_kernel_call *c, const agi_way *how, int clear, uint32_t from)
{
    enum { FEW = 32 };
    const ag_node *y = c->node;
    const int64_t n = ag_count(y), piece = PIECE / (int64_t)how->to;
    agi_path few[FEW], path;
    for (uint32_t k = from; k < y->nin && k < FEW; k++) few[k] = path_of(y, k, &c->in_stride[k]);
    for (int64_t first = c->first * piece; first < c->end * piece; first += piece) {
        const int64_t end = first + piece < n ? first + piece : n;
        if (clear) memset((char *)c->out + (size_t)first * how->to, 0, (size_t)(end - first) * how->to);
        for (uint32_t k = from; k < y->nin; k++) {
            if (!c->in[k]) continue;
            if (k >= FEW) path = path_of(y, k, &c->in_stride[k]);
            agi_go_within(k < FEW ? &few[k] : &path, how, mover(y, how, k), c->out, c->in[k], first, end);
        }
    }
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const agi_way how = agi_way_of((ag_dtype)y->dtype, 0);
    const int zero = agi_is_nought(y->in[0]);
    const int clear = zero && !places_of(y)->stored;
    const uint32_t from = zero || c->out == c->in[0]; /* operands before it are there */
    if (pieces(y) > 1) return run_pieces(c, &how, clear, from), AG_OK;
    if (clear) memset(c->out, 0, (size_t)agi_node_bytes(y));
    for (uint32_t k = from; k < y->nin; k++)
        if (c->in[k]) put(c, &how, k);
    return AG_OK;
}

static double flops(const ag_node *y)
{
    double n = 0;
    for (uint32_t k = 1; k < y->nin; k++) n += (double)ag_count(y->in[k]);
    return n;
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

/* Where a value's elements are in y, one after the other. */
typedef struct {
    int64_t index[AG_MAX_RANK], at;
} position;

static void next_place(const ag_node *value, const ag_strides *to, position *p)
{
    for (int i = value->rank; i-- > 0;) {
        p->at += to->stride[i];
        if (++p->index[i] < value->dim[i]) break;
        p->at -= to->stride[i] * value->dim[i];
        p->index[i] = 0;
    }
}

/* What of gout lies at the places of value k. */
static ag_node *taken(const ag_node *y, ag_node *gout, uint32_t k)
{
    const int64_t n = ag_count(y->in[k]);
    ag_graph *g = y->graph;
    int64_t *at = agi_allocate(&g->allocator, (size_t)n * sizeof *at);
    if (!at) return agi_fail(g, AG_EMEM, "strew: out of memory");
    const ag_strides *to = place_of(y, k);
    position p = { .at = to->offset };
    for (int64_t j = 0; j < n; j++, next_place(y->in[k], to, &p)) at[j] = p.at;
    ag_node *all = ag_constant(g, AG_I64, ag_shape_in(y->in[k]), at);
    agi_release(&g->allocator, at);
    return ag_gather(ag_reshape(gout, AG_SHAPE(-1)), 0, all);
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = gout;
    for (uint32_t k = 1; k < y->nin; k++)
        if (ag_wanted(y, (int)k)) gin[k] = taken(y, gout, k);
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_graph *g = y->graph;
    ag_strides *at = agi_allocate(&g->allocator, y->nin * sizeof *at);
    if (!at) return agi_fail(g, AG_EMEM, "strew: out of memory");
    for (uint32_t k = 0; k < y->nin; k++) {
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
        if (!k) continue;
        ag_strides *of = &at[k - 1];
        *of = (ag_strides){ .offset = place_of(y, k)->offset, .stride = { ag_count(y) } };
        for (int i = 0; i < y->in[k]->rank; i++) of->stride[i + 1] = place_of(y, k)->stride[i];
    }
    ag_node *all = agi_new_strew(in[0], (int64_t)y->nin - 1, at, in + 1);
    agi_release(&g->allocator, at);
    return all;
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    for (int64_t e = 0; e < ag_count(y); e++) ag_depends(d, e, 0, e);
    for (uint32_t k = 1; k < y->nin; k++) {
        const ag_strides *to = place_of(y, k);
        position p = { .at = to->offset };
        for (int64_t j = 0; j < ag_count(y->in[k]); j++, next_place(y->in[k], to, &p)) ag_depends(d, p.at, (int)k, j);
    }
    return 1;
}

static agi_path longest_first(const ag_node *y, uint32_t k, const ag_strides *from)
{
    agi_path path = path_of(y, k, from);
    agi_path_swap(&path, agi_path_longest(&path), 0);
    return path;
}

static int inlays(const ag_node *y, uint32_t k, ag_strides *at)
{
    if (!k) return places_of(y)->stored && agi_is_nought(y->in[0]) ? 2 : 0;
    if (k > places_of(y)->stored) return 0;
    *at = *place_of(y, k);
    return 1;
}

/* Those that are stored, in one loop as far as they are as long. */
static void write_stored(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const uint32_t end = (uint32_t)places_of(y)->stored + 1;
    for (uint32_t first = 1; first < end; first++) {
        if (ag_lies_there(s, first)) continue;
        const int64_t n = longest_first(y, first, &in_stride[first]).dim[0];
        uint32_t k = 1;
        while (ag_lies_there(s, k) || longest_first(y, k, &in_stride[k]).dim[0] != n) k++;
        if (k < first) continue;
        ag_emit(s, "    for (i[0] = 0; i[0] < %lld; i[0]++) {\n", (long long)n);
        for (; k < end; k++) {
            const agi_path path = longest_first(y, k, &in_stride[k]);
            if (path.dim[0] == n && !ag_lies_there(s, k)) agi_write_path_within(s, &path, k, "out", "=");
        }
        ag_emit(s, "    }\n");
    }
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const int zero = agi_is_nought(y->in[0]);
    const int64_t stored = places_of(y)->stored;
    ag_emit(s, "    int64_t i[%d];\n", AG_MAX_RANK);
    if (stored) write_stored(s, y, in_stride);
    else if (zero) ag_emit(s, "    for (i[0] = 0; i[0] < %lld; i[0]++) out[i[0]] = 0;\n", (long long)ag_count(y));
    else ag_emit(s, "    if (out != in0)\n");
    for (uint32_t k = stored ? (uint32_t)stored + 1 : (uint32_t)zero; k < y->nin; k++) {
        const agi_path path = path_of(y, k, &in_stride[k]);
        agi_write_path(s, &path, k, "out", k ? "+=" : "=");
    }
    ag_emit(s, "    return 0;\n");
}

static void extents(void *attribute, ag_each_extent *each, void *context)
{
    agi_strewn *s = attribute;
    for (int64_t k = 0; k < s->values; k++) {
        each(context, &s->at[k].offset);
        for (int i = 0; i < AG_MAX_RANK; i++) each(context, &s->at[k].stride[i]);
    }
}

const ag_op agi_strew = { .name = "strew",
                          .formula = "x with values added on diagonals",
                          .inputs = -1,
                          .flags = AG_LIBRARY | AG_STRIDED | AG_IN_PLACE | AG_KEEPS_ZERO | AG_SMOOTH | AG_SURE,
                          .attribute_bytes = attribute_bytes,
                          .extents = extents,
                          .shape = shape,
                          .run = run,
                      .pieces = pieces,
                          .flops = flops,
                          .c = write_c,
                          .gradient = gradient,
                          .batch = batch,
                          .inlays = inlays,
                          .pattern = pattern };

/* Marks the elements that the value goes to, if none of them is marked. */
static int take(char *taken, const ag_node *value, const ag_strides *to)
{
    const int64_t n = ag_count(value);
    position p = { .at = to->offset };
    for (int64_t j = 0; j < n; j++, next_place(value, to, &p))
        if (taken[p.at]) return 0;
    p = (position){ .at = to->offset };
    for (int64_t j = 0; j < n; j++, next_place(value, to, &p)) taken[p.at] = 1;
    return 1;
}

/* Values that lie beside one another come first: how many, if they lie on all of the `size` elements, of which none is
 * marked as taken. */
static int64_t gather_stored(agi_strewn *to, ag_node *value[], int64_t size, char *taken)
{
    int64_t stored = 0, count = 0;
    for (int64_t k = 0; k < to->values; k++) {
        if (!take(taken, value[k], &to->at[k])) continue;
        ag_node *kept = value[stored];
        const ag_strides at = to->at[stored];
        value[stored] = value[k];
        to->at[stored] = to->at[k];
        value[k] = kept;
        to->at[k] = at;
        count += ag_count(value[stored++]);
    }
    return count == size ? stored : 0;
}

/* 0: out of memory. */
static int find_stored(ag_graph *g, int64_t size, agi_strewn *to, ag_node *value[])
{
    int64_t count = 0;
    for (int64_t k = 0; k < to->values; k++) count += ag_count(value[k]);
    if (count < size) return 1;
    char *taken = agi_allocate(&g->allocator, (size_t)size);
    if (!taken) return 0;
    memset(taken, 0, (size_t)size);
    to->stored = gather_stored(to, value, size, taken);
    agi_release(&g->allocator, taken);
    return 1;
}

ag_node *agi_new_strew(ag_node *x, int64_t n, const ag_strides at[], ag_node *const value[])
{
    if (ag_is_bad(x) || !n) return x;
    ag_graph *g = x->graph;
    for (int64_t k = 0; k < n; k++)
        if (ag_is_bad(value[k])) return value[k];
    ag_node **in = agi_allocate(&g->allocator, (size_t)(n + 1) * sizeof *in + bytes_for(n));
    if (!in) return agi_fail(g, AG_EMEM, "strew: out of memory");
    agi_strewn *p = (agi_strewn *)(void *)(in + n + 1);
    *p = (agi_strewn){ .values = n };
    memcpy(p->at, at, (size_t)n * sizeof *at);
    in[0] = x;
    memcpy(in + 1, value, (size_t)n * sizeof *in);
    const int found = !agi_is_nought(x) || find_stored(g, ag_count(x), p, in + 1);
    ag_node *y = found ? ag_apply(&agi_strew, (int)n + 1, in, p) : agi_fail(g, AG_EMEM, "strew: out of memory");
    agi_release(&g->allocator, in);
    return y;
}
