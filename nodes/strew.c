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

static const ag_strides *place_of(const ag_node *y, uint32_t k)
{
    return &((const agi_strewn *)y->attribute)->at[k - 1];
}

static ag_status shape(ag_infer *c)
{
    (void)c; /* x's; places are sound */
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

/* All of operand k; vectors, which may be short, without a look at axes. */
static void put(const ag_kernel_call *c, const agi_way *how, uint32_t k)
{
    const ag_node *x = c->node->in[k];
    if (k && x->rank == 1) {
        const ag_strides *at = place_of(c->node, k);
        how->add(x->dim[0], (char *)c->out + at->offset * (int64_t)how->to, at->stride[0], c->in[k],
                 c->in_stride[k].stride[0]);
    } else {
        const agi_path path = path_of(c->node, k, &c->in_stride[k]);
        agi_go(&path, how, k ? how->add : how->copy, c->out, c->in[k]);
    }
}

static void run_pieces(const ag_kernel_call *c, const agi_way *how, int zero, uint32_t from)
{
    enum { FEW = 16 };
    const ag_node *y = c->node;
    const int64_t n = ag_count(y), piece = PIECE / (int64_t)how->to;
    agi_path few[FEW], path;
    for (uint32_t k = from; k < y->nin && k < FEW; k++) few[k] = path_of(y, k, &c->in_stride[k]);
    for (int64_t first = c->first * piece; first < c->end * piece; first += piece) {
        const int64_t end = first + piece < n ? first + piece : n;
        if (zero) memset((char *)c->out + (size_t)first * how->to, 0, (size_t)(end - first) * how->to);
        for (uint32_t k = from; k < y->nin; k++) {
            if (k >= FEW) path = path_of(y, k, &c->in_stride[k]);
            agi_go_within(k < FEW ? &few[k] : &path, how, k ? how->add : how->copy, c->out, c->in[k], first, end);
        }
    }
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const agi_way how = agi_way_of((ag_dtype)y->dtype, 0);
    const int zero = agi_is_nought(y->in[0]);
    const uint32_t from = zero || c->out == c->in[0]; /* operands before it are there */
    if (pieces(y) > 1) return run_pieces(c, &how, zero, from), AG_OK;
    if (zero) memset(c->out, 0, (size_t)agi_node_bytes(y));
    for (uint32_t k = from; k < y->nin; k++) put(c, &how, k);
    return AG_OK;
}

static double flops(const ag_node *y)
{
    double n = 0;
    for (uint32_t k = 1; k < y->nin; k++) n += (double)ag_count(y->in[k]);
    return n;
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

/* Where the elements of value k are in y, one after the other; x itself goes where it is. */
typedef struct {
    int64_t index[AG_MAX_RANK], at;
} position;

static position first_place(const ag_node *y, uint32_t k)
{
    return (position){ .at = place_of(y, k)->offset };
}

static void next_place(const ag_node *y, uint32_t k, position *p)
{
    const ag_node *value = y->in[k];
    const int64_t *stride = place_of(y, k)->stride;
    for (int i = value->rank; i-- > 0;) {
        p->at += stride[i];
        if (++p->index[i] < value->dim[i]) break;
        p->at -= stride[i] * value->dim[i];
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
    position p = first_place(y, k);
    for (int64_t j = 0; j < n; j++, next_place(y, k, &p)) at[j] = p.at;
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
        position p = first_place(y, k);
        for (int64_t j = 0; j < ag_count(y->in[k]); j++, next_place(y, k, &p)) ag_depends(d, p.at, (int)k, j);
    }
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const int zero = agi_is_nought(y->in[0]);
    ag_emit(s, "    int64_t i[%d];\n", AG_MAX_RANK);
    if (zero) ag_emit(s, "    for (i[0] = 0; i[0] < %lld; i[0]++) out[i[0]] = 0;\n", (long long)ag_count(y));
    else ag_emit(s, "    if (out != in0)\n");
    for (uint32_t k = (uint32_t)zero; k < y->nin; k++) {
        const agi_path path = path_of(y, k, &in_stride[k]);
        agi_write_path(s, &path, k, "out", k ? "+=" : "=");
    }
    ag_emit(s, "    return 0;\n");
}

const ag_op agi_strew = { .name = "strew",
                          .formula = "x with values added on diagonals",
                          .inputs = -1,
                          .flags = AG_LIBRARY | AG_STRIDED | AG_IN_PLACE | AG_KEEPS_ZERO | AG_SMOOTH | AG_SURE,
                          .attribute_bytes = attribute_bytes,
                          .shape = shape,
                          .run = run,
                      .pieces = pieces,
                          .flops = flops,
                          .c = write_c,
                          .gradient = gradient,
                          .batch = batch,
                          .pattern = pattern };

ag_node *agi_new_strew(ag_node *x, int64_t n, const ag_strides at[], ag_node *const value[])
{
    if (ag_is_bad(x) || !n) return x;
    ag_graph *g = x->graph;
    ag_node **in = agi_allocate(&g->allocator, (size_t)(n + 1) * sizeof *in + bytes_for(n));
    if (!in) return agi_fail(g, AG_EMEM, "strew: out of memory");
    agi_strewn *p = (agi_strewn *)(void *)(in + n + 1);
    *p = (agi_strewn){ .values = n };
    memcpy(p->at, at, (size_t)n * sizeof *at);
    in[0] = x;
    memcpy(in + 1, value, (size_t)n * sizeof *in);
    ag_node *y = ag_apply(&agi_strew, (int)n + 1, in, p);
    agi_release(&g->allocator, in);
    return y;
}
