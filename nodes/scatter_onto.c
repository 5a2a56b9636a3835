/* x + factor (updates added up at indices along an axis): what a row takes is summed first, then added once. Made of a
 * sum or difference with a scatter_add onto zeros, which is then no tensor of its own: what takes no updates is not
 * touched where the result is in x's memory.
 * x takes gout, the updates factor times what they fell on, the factor what they amount to there. */
#include "shared/algebra.h"
#include "shared/gather.h"

#include <math.h>

enum { X, INDICES, UPDATES, FACTOR };

static ag_status shape(ag_infer *c)
{
    (void)c; /* x's: made of what scatter_add and a sum have looked at */
    return AG_OK;
}

/* ---- updates of one position ------------------------------------------------------------------------------------- */

/* The updates of a position are a chain in their order, found by hashing its first one. */
#define HASH 0x9E3779B97F4A7C15u /* 2^64 over the golden ratio */
typedef struct {
    int64_t count, slots; /* slots: a power of two, at most half of them used */
    int64_t *first;       /* by slot: the first of a chain, or -1 */
    int64_t *next, *last; /* by update: the next of its chain, or -1; of a first one: the last */
    int64_t *position;    /* by update: of a first one, else -1 */
} chains;

static int64_t count_slots(int64_t count)
{
    int64_t slots = 1;
    while (slots < 2 * count) slots *= 2;
    return slots;
}

static size_t scratch(const ag_node *y)
{
    int64_t count = ag_count(y->in[INDICES]);
    return (size_t)(count_slots(count) + 3 * count) * sizeof(int64_t);
}

static int64_t *slot_of(const chains *c, int64_t position)
{
    int64_t slot = (int64_t)((uint64_t)position * HASH >> 32) & (c->slots - 1);
    while (c->first[slot] >= 0 && c->position[c->first[slot]] != position) slot = (slot + 1) & (c->slots - 1);
    return &c->first[slot];
}

/* 0: an index is out of range. */
static int link_updates(const ag_kernel_call *call, int64_t extent, chains *c)
{
    c->count = ag_count(call->node->in[INDICES]);
    c->slots = count_slots(c->count);
    c->first = call->scratch;
    c->next = c->first + c->slots;
    c->last = c->next + c->count;
    c->position = c->last + c->count;
    for (int64_t k = 0; k < c->slots; k++) c->first[k] = -1;
    for (int64_t k = 0; k < c->count; k++) {
        int64_t position = agi_position(call, k, extent);
        if (position < 0) return 0;
        int64_t *first = slot_of(c, position);
        c->next[k] = -1;
        c->position[k] = *first < 0 ? position : -1;
        if (*first < 0) *first = k;
        else c->next[c->last[*first]] = k;
        c->last[*first] = k;
    }
    return 1;
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* A factor that is no finite number makes one of the zeros, too, that fall on all other positions. */
#define KERNEL(name, real, wide)                                                                                       \
    static void name##_untouched(const chains *c, ag_extents s, real *out, real factor)                                \
    {                                                                                                                  \
        for (int64_t p = 0; p < s.extent; p++)                                                                         \
            for (int64_t i = 0; i < s.inner && *slot_of(c, p) < 0; i++) out[p * s.inner + i] += factor * 0;            \
    }                                                                                                                  \
                                                                                                                       \
    static void name(const chains *c, ag_extents s, real *out, const real *update, real factor)                        \
    {                                                                                                                  \
        for (int64_t o = 0; o < s.outer; o++, out += s.extent * s.inner, update += c->count * s.inner) {               \
            if (!isfinite(factor)) name##_untouched(c, s, out, factor);                                                \
            for (int64_t k = 0; k < c->count; k++) {                                                                   \
                if (c->position[k] < 0) continue;                                                                      \
                real *row = out + c->position[k] * s.inner;                                                            \
                for (int64_t i = 0; i < s.inner; i++) {                                                                \
                    wide sum = update[k * s.inner + i];                                                                \
                    for (int64_t j = c->next[k]; j >= 0; j = c->next[j]) sum += update[j * s.inner + i];               \
                    row[i] += factor * (real)sum;                                                                      \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
KERNEL(add_f32, float, double)
KERNEL(add_f64, double, double)
#undef KERNEL

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    chains updates;
    if (!link_updates(c, s.extent, &updates)) return AG_EARG;
    if (c->out != c->in[X]) memcpy(c->out, c->in[X], (size_t)ag_count(y) * ag_dtype_size((ag_dtype)y->dtype));
    if (y->dtype == AG_F32) add_f32(&updates, s, c->out, c->in[UPDATES], *(const float *)c->in[FACTOR]);
    else add_f64(&updates, s, c->out, c->in[UPDATES], *(const double *)c->in[FACTOR]);
    return AG_OK;
}

static double flops(const ag_node *y)
{
    return 2 * (double)ag_count(y->in[UPDATES]);
}

/* ---- derivatives, batches ---------------------------------------------------------------------------------------- */

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *updates = y->in[UPDATES], *factor = y->in[FACTOR];
    gin[X] = gout;
    if (!ag_wanted(y, UPDATES) && !ag_wanted(y, FACTOR)) return;
    ag_node *there = ag_gather(gout, *(const int *)y->attribute, y->in[INDICES]);
    if (ag_wanted(y, UPDATES)) gin[UPDATES] = ag_mul(factor, there);
    if (ag_wanted(y, FACTOR)) gin[FACTOR] = ag_sum(ag_mul(updates, there));
}

/* As a sum with a scatter_add, which knows how it is batched. */
static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    ag_node *zeros = ag_zeros_like(y->in[X]), *factor = in[FACTOR];
    ag_node *sums = ag_scatter_add(zeros, *(const int *)y->attribute, y->in[INDICES], y->in[UPDATES]);
    ag_node *of[] = { zeros, in[INDICES], in[UPDATES] };
    const unsigned char which[] = { 0, batched[INDICES], batched[UPDATES] };
    if (ag_is_bad(sums)) return sums;
    if (which[INDICES] || which[UPDATES]) sums = sums->op->batch(sums, of, which, count);
    ag_shape numbers = { .rank = y->rank + 1, .dim = { count, 1, 1, 1, 1, 1, 1, 1 } };
    if (batched[FACTOR]) factor = ag_reshape(factor, numbers);
    return ag_add(in[X], ag_mul(factor, sums));
}

static int pattern(const ag_node *y, ag_dependence *d)
{
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    const int64_t *index = ag_known_integers(d, y->in[INDICES]), count = ag_count(y->in[INDICES]);
    for (int64_t e = 0; index && e < ag_count(y); e++) ag_depends(d, e, X, e);
    for (int64_t o = 0, from = 0; index && o < s.outer; o++)
        for (int64_t k = 0; k < count; k++) {
            int64_t position = agi_counted(index[k], s.extent), to = (o * s.extent + position) * s.inner;
            for (int64_t i = 0; i < s.inner; i++, from++) {
                if (position < 0) continue;
                ag_depends(d, to + i, UPDATES, from);
                ag_depends(d, to + i, FACTOR, 0);
            }
        }
    return index != NULL;
}

/* ---- the same in C ----------------------------------------------------------------------------------------------- */

static void write_find(ag_source *s, int64_t slots)
{
    long long mask = (long long)slots - 1;
    ag_emit(s, "            slot = (int64_t)((uint64_t)at * %lluu >> 32) & %lld;\n", (unsigned long long)HASH, mask);
    ag_emit(s, "            while (first[slot] >= 0 && place[first[slot]] != at) slot = (slot + 1) & %lld;\n", mask);
}

static void write_chains(ag_source *s, const ag_node *y, int64_t slots, int64_t extent)
{
    long long count = (long long)ag_count(y->in[INDICES]);
    const int table = agi_write_table(s, y->in[INDICES], extent);
    ag_emit(s, "    int64_t *const first = (int64_t *)scratch, *const next = first + %lld;\n", (long long)slots);
    ag_emit(s, "    int64_t *const last = next + %lld, *const place = last + %lld;\n", count, count);
    ag_emit(s, "    int64_t i, j, k, o, at, slot;\n    const %s factor = in3[0];\n", ag_c_type((ag_dtype)y->dtype));
    ag_emit(s, "    for (k = 0; k < %lld; k++) first[k] = -1;\n", (long long)slots);
    ag_emit(s, "    for (k = 0; k < %lld; k++) {\n", count);
    agi_write_position(s, table, INDICES, extent);
    write_find(s, slots);
    ag_emit(s, "            next[k] = -1;\n            place[k] = first[slot] < 0 ? at : -1;\n");
    ag_emit(s, "            if (first[slot] < 0) first[slot] = k;\n            else next[last[first[slot]]] = k;\n");
    ag_emit(s, "            last[first[slot]] = k;\n    }\n");
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_extents split = ag_split_at(y, *(const int *)y->attribute);
    int64_t count = ag_count(y->in[INDICES]), slots = count_slots(count);
    long long inner = (long long)split.inner, extent = (long long)split.extent;
    (void)in_stride;
    write_chains(s, y, slots, split.extent);
    ag_emit(s, "    for (i = 0; out != in0 && i < %lld; i++) out[i] = in0[i];\n", (long long)ag_count(y));
    ag_emit(s, "    for (o = 0; o < %lld; o++) {\n", (long long)split.outer);
    ag_emit(s, "        for (at = 0; factor - factor != 0 && at < %lld; at++) {\n", extent);
    write_find(s, slots);
    ag_emit(s, "            for (i = 0; i < %lld && first[slot] < 0; i++)\n", inner);
    ag_emit(s, "                out[(o * %lld + at) * %lld + i] += factor * 0;\n", extent, inner);
    ag_emit(s, "        }\n        for (k = 0; k < %lld; k++)\n", (long long)count);
    ag_emit(s, "            for (i = 0; i < %lld && place[k] >= 0; i++) {\n", inner);
    ag_emit(s, "                double sum = in2[(o * %lld + k) * %lld + i];\n", (long long)count, inner);
    ag_emit(s, "                for (j = next[k]; j >= 0; j = next[j]) sum += in2[(o * %lld + j) * %lld + i];\n",
            (long long)count, inner);
    ag_emit(s, "                out[(o * %lld + place[k]) * %lld + i] += factor * (%s)sum;\n", extent, inner,
            ag_c_type((ag_dtype)y->dtype));
    ag_emit(s, "            }\n    }\n    return 0;\n");
}

const ag_op agi_scatter_onto = { .name = "scatter_onto",
                                 .formula = "x[indices] += factor updates",
                                 .inputs = 4,
                                 .flags = AG_LIBRARY | AG_IN_PLACE | AG_SMOOTH,
                                 .attribute_size = sizeof(int),
                                 .shape = shape,
                                 .run = run,
                                 .scratch = scratch,
                                 .limit = agi_index_limit,
                                 .c = write_c,
                                 .flops = flops,
                                 .gradient = gradient,
                                 .batch = batch,
                                 .pattern = pattern };

static ag_node *onto(ag_node *x, const ag_node *like, ag_node *factor)
{
    ag_node *in[] = { x, like->in[INDICES], like->in[UPDATES], factor };
    return ag_apply(&agi_scatter_onto, 4, in, like->attribute);
}

/* ---- sums and differences that it stands for --------------------------------------------------------------------- */

/* Updates of zeros that leave most of them. */
static int is_sparse(const ag_node *x)
{
    if (x->op != &agi_scatter_add || x->in[X]->op != &agi_broadcast_to) return 0;
    return agi_is_literally(x->in[X]->in[0], 0) && 2 * ag_count(x->in[UPDATES]) <= ag_count(x);
}

/* The x of x or of factor x; *factor is NULL for the first. */
static ag_node *scaled(ag_node *operand, ag_node **factor)
{
    *factor = NULL;
    for (int i = 0; i < 2 && operand->op == &agi_mul; i++) {
        if (operand->in[i]->rank || !operand->in[1 - i]->rank) continue;
        *factor = operand->in[i];
        return operand->in[1 - i];
    }
    return operand;
}

/* The factor as it is written: a number's, or the 1 of none, is a literal of x's type. */
static ag_node *factor_of(const ag_node *x, ag_node *factor)
{
    double value = 1;
    if (factor && !agi_is_literal(factor)) return factor;
    if (factor) agi_is_number(factor, &value);
    return agi_number_of_type(x->graph, (ag_dtype)x->dtype, value);
}

/* Does it lie in memory, whoever reads it? What is computed on the way is better added to by who computes it. */
static int lies_in_memory(const ag_node *x)
{
    return x->op->flags & (AG_LEAF | AG_LIBRARY);
}

static int is_decayed_parameter(const ag_node *x)
{
    if (x->op != &agi_mul) return 0;
    return (x->in[0]->op->role == AG_IS_PARAMETER && !x->in[1]->rank) ||
           (x->in[1]->op->role == AG_IS_PARAMETER && !x->in[0]->rank);
}

ag_node *agi_plus_scattered(const ag_infer *c)
{
    for (int i = 0; i < 2; i++) {
        ag_node *factor, *sums, *x = c->in[1 - i];
        if (!x->rank || !lies_in_memory(x)) continue;
        sums = scaled(c->in[i], &factor);
        if (is_sparse(sums) && ag_same_shape(x, sums)) return onto(x, sums, factor_of(x, factor));
    }
    return NULL;
}

/* x - f (y + updates) as (x - f y) - f updates: an update by a product and by what is added to it. The factor must not
 * have been computed from the sum, which would be needed twice then. */
static ag_node *minus_sum(ag_node *x, ag_node *sum, ag_node *factor)
{
    enum { MOST = 8 };
    ag_node *list[MOST];
    int n = 0;
    for (; sum->op == &agi_scatter_onto && n < MOST; sum = sum->in[X]) list[n++] = sum;
    if (sum->op == &agi_scatter_onto || !(factor->op->flags & AG_LEAF)) return NULL;
    x = ag_sub(x, ag_mul(factor, sum));
    while (n-- > 0) x = onto(x, list[n], ag_neg(ag_mul(factor, list[n]->in[FACTOR])));
    return x;
}

ag_node *agi_minus_scattered(const ag_infer *c)
{
    ag_node *factor, *x = c->in[0], *sums = scaled(c->in[1], &factor);
    const int onto_sum = sums->op == &agi_scatter_onto && !(x->op->flags & AG_LIBRARY), sparse = is_sparse(sums);
    if (!sparse && !onto_sum) return NULL;
    if (!ag_same_shape(x, sums) || !(lies_in_memory(x) || is_decayed_parameter(x))) return NULL;
    factor = factor_of(x, factor);
    return sparse ? onto(x, sums, ag_neg(factor)) : minus_sum(x, sums, factor);
}
