/* x with parts added at regular positions of an axis, where they may overlap: the gradient of many slices of
 * one tensor. x takes gout, each part what of it lies where the part went.
 *
 * Costs x and the parts once each, however many there are: a part is copied where x is 0 and none has been before it,
 * and added elsewhere. Where more than a few floats may fall on one another, they are added as doubles. */
#include "shared/path.h"
#include "shared/positions.h"

enum { FEW = 64 };

static const agi_places *places_of(const ag_node *y)
{
    return y->attribute;
}

static agi_positions positions_of(const ag_node *y, uint32_t k)
{
    const agi_places *p = places_of(y);
    const agi_spot *at = &p->part[k - 1];
    return (agi_positions){ .axis = p->axis, .start = at->start, .step = at->step, .count = y->in[k]->dim[p->axis],
                            .size = y->dim[p->axis] };
}

static size_t places_bytes(int64_t parts)
{
    return sizeof(agi_places) + (size_t)parts * sizeof(agi_spot);
}

static size_t attribute_bytes(const void *attribute)
{
    return places_bytes(((const agi_places *)attribute)->parts);
}

/* x's; parts are sound, but at extents of plans they may be where there is nothing. */
static ag_status shape(ag_infer *c)
{
    const agi_places *p = c->attribute;
    const int64_t extent = c->shape.dim[p->axis];
    for (int k = 1; k < c->n; k++) {
        const int64_t first = p->part[k - 1].start, last = first + (c->in[k]->dim[p->axis] - 1) * p->part[k - 1].step;
        if (first < 0 || first >= extent || last < 0 || last >= extent)
            return ag_refuse(c, AG_ESHAPE, "part %d would lie outside", k);
    }
    return AG_OK;
}

static void adds(const ag_node *y, uint32_t k, ag_window *w)
{
    const agi_places *p = places_of(y);
    const agi_spot whole = { 0, 1 }, *at = k ? &p->part[k - 1] : &whole;
    *w = (ag_window){ (int)p->axis, at->start, at->step };
}

/* Operand k of y, which has these strides, and over where it lies in y. */
static agi_path path_of(const ag_node *y, uint32_t k, const ag_strides *from)
{
    ag_strides to = ag_contiguous(y);
    if (k) {
        const agi_positions p = positions_of(y, k);
        to.offset = p.start * to.stride[p.axis];
        to.stride[p.axis] *= p.step;
    }
    return agi_path_between(y->in[k], from, &to);
}

/* ---- the kernel -------------------------------------------------------------------------------------------------- */

static int is_wide(const ag_node *y)
{
    const int64_t extent = y->dim[places_of(y)->axis];
    int64_t taken = 0;
    for (uint32_t k = 1; k < y->nin && y->dtype == AG_F32 && y->nin > FEW; k++) taken += positions_of(y, k).count;
    return taken > extent;
}

/* Sums in doubles; or, by position of the axis, whether something is there. */
static size_t scratch(const ag_node *y)
{
    return is_wide(y) ? (size_t)ag_count(y) * sizeof(double) : (size_t)y->dim[places_of(y)->axis];
}

/* All positions from first to before end are 0. */
static void clear(const ag_extents *s, size_t size, char *out, int64_t first, int64_t end)
{
    const size_t row = (size_t)s->inner * size, bytes = (size_t)(end - first) * row;
    for (int64_t o = 0; o < s->outer; o++) memset(out + ((size_t)(o * s->extent + first)) * row, 0, bytes);
}

static void clear_rest(const ag_extents *s, size_t size, char *out, const uint8_t *taken)
{
    for (int64_t first = 0, end; first < s->extent; first = end) {
        for (end = first; end < s->extent && !taken[end]; end++) continue;
        if (end > first) clear(s, size, out, first, end);
        else end++;
    }
}

/* Takes the part's positions; returns whether some had been before: then the others are cleared. */
static int meets(const ag_extents *s, size_t size, char *out, uint8_t *taken, const agi_positions *p)
{
    int64_t met = 0;
    for (int64_t i = 0; i < p->count; i++) met += taken[p->start + i * p->step];
    for (int64_t i = 0; i < p->count; i++) {
        const int64_t at = p->start + i * p->step;
        if (met && !taken[at]) clear(s, size, out, at, at + 1);
        taken[at] = 1;
    }
    return met > 0;
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const int wide = is_wide(y), zero = agi_is_nought(y->in[0]);
    const agi_way how = agi_way_of((ag_dtype)y->dtype, wide);
    const ag_extents s = ag_split_at(y, (int)places_of(y)->axis);
    char *out = wide ? c->scratch : c->out;
    uint8_t *taken = wide ? NULL : c->scratch;
    if (!wide) memset(taken, !zero, (size_t)s.extent);
    else if (zero) memset(out, 0, scratch(y));
    for (uint32_t k = zero; k < y->nin; k++) {
        const agi_path path = path_of(y, k, &c->in_stride[k]);
        int met = wide;
        if (k && !wide) {
            const agi_positions p = positions_of(y, k);
            met = meets(&s, how.to, out, taken, &p);
        }
        agi_go(&path, &how, k && met ? how.add : how.copy, out, c->in[k]);
    }
    if (!wide) clear_rest(&s, how.to, out, taken);
    const double *sum = c->scratch;
    for (int64_t i = 0, n = ag_count(y); wide && i < n; i++) ((float *)c->out)[i] = (float)sum[i];
    return AG_OK;
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    if (ag_wanted(y, 0)) gin[0] = gout;
    for (uint32_t k = 1; k < y->nin; k++) {
        const agi_positions p = positions_of(y, k);
        if (ag_wanted(y, (int)k)) gin[k] = agi_new_slice(gout, &p);
    }
}

static double flops(const ag_node *y)
{
    double n = 0;
    for (uint32_t k = 0; k < y->nin; k++) n += (double)ag_count(y->in[k]);
    return n;
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (uint32_t k = 0; k < y->nin; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    const agi_places *p = places_of(y);
    return agi_new_assemble(in[0], p->axis + 1, p->parts, p->part, in + 1);
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    const ag_extents s = ag_split_at(y, (int)places_of(y)->axis);
    for (int64_t e = 0; e < ag_count(y); e++) ag_depends(d, e, 0, e);
    for (uint32_t k = 1; k < y->nin; k++) {
        const agi_positions p = positions_of(y, k);
        for (int64_t o = 0, from = 0; o < s.outer; o++)
            for (int64_t j = 0; j < p.count; j++)
                for (int64_t i = 0; i < s.inner; i++)
                    ag_depends(d, (o * s.extent + p.start + j * p.step) * s.inner + i, (int)k, from++);
    }
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    const int wide = is_wide(y), zero = agi_is_nought(y->in[0]);
    const char *to = wide ? "sum" : "out";
    const long long n = (long long)ag_count(y);
    if (wide) ag_emit(s, "    double *const sum = (double *)scratch;\n");
    ag_emit(s, "    int64_t i[%d];\n", AG_MAX_RANK);
    if (zero) ag_emit(s, "    for (i[0] = 0; i[0] < %lld; i[0]++) %s[i[0]] = 0;\n", n, to);
    for (uint32_t k = (uint32_t)zero; k < y->nin; k++) {
        const agi_path path = path_of(y, k, &in_stride[k]);
        agi_write_path(s, &path, k, to, k ? "+=" : "=");
    }
    if (wide) ag_emit(s, "    for (i[0] = 0; i[0] < %lld; i[0]++) out[i[0]] = (float)sum[i[0]];\n", n);
    ag_emit(s, "    return 0;\n");
}

static void extents(void *attribute, ag_each_extent *each, void *context)
{
    agi_places *p = attribute;
    for (int64_t k = 0; k < p->parts; k++) each(context, &p->part[k].start);
}

const ag_op agi_assemble = { .name = "assemble",
                             .formula = "x with parts added along an axis",
                             .inputs = -1,
                             .flags = AG_LIBRARY | AG_STRIDED | AG_KEEPS_ZERO | AG_SMOOTH | AG_SURE,
                             .attribute_bytes = attribute_bytes,
                             .extents = extents,
                             .shape = shape,
                             .adds = adds,
                             .run = run,
                             .scratch = scratch,
                             .flops = flops,
                             .c = write_c,
                             .gradient = gradient,
                             .batch = batch,
                             .pattern = pattern };

ag_node *agi_new_assemble(ag_node *x, int64_t axis, int64_t n, const agi_spot at[], ag_node *const part[])
{
    if (ag_is_bad(x)) return x;
    ag_graph *g = x->graph;
    ag_node **in = agi_allocate(&g->allocator, (size_t)(n + 1) * sizeof *in + places_bytes(n));
    if (!in) return agi_fail(g, AG_EMEM, "assemble: out of memory");
    agi_places *places = (agi_places *)(void *)(in + n + 1);
    *places = (agi_places){ .axis = axis, .parts = n };
    memcpy(places->part, at, (size_t)n * sizeof *at);
    in[0] = x;
    memcpy(in + 1, part, (size_t)n * sizeof *in);
    ag_node *y = ag_apply(&agi_assemble, (int)n + 1, in, places);
    agi_release(&g->allocator, in);
    return y;
}
