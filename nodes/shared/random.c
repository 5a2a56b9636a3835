/* What draws share. */
#include "random.h"
#include "graph/graph.h"

enum { GROUPS = 256 }; /* of a piece */

/* ---- the stream -------------------------------------------------------------------------------------------------- */

static ag_node *new_parameter(ag_graph *g, const char *role, int64_t initial)
{
    char name[64];
    agi_free_name(g, sizeof name, name, "random", role);
    return ag_parameter(g, name, AG_I64, AG_SCALAR, &initial);
}

ag_node *agi_begin_stream(ag_graph *g, int64_t seed)
{
    ag_node *key = new_parameter(g, "seed", seed), *counter = new_parameter(g, "counter", 0);
    ag_node *evaluation = ag_assign(counter, ag_unary(&agi_random_next, counter));
    if (ag_is_bad(key) || ag_is_bad(evaluation)) return g->bad;
    g->random.seed = key;
    g->random.evaluation = evaluation;
    return key;
}

ag_node *agi_new_draw(ag_graph *g, const ag_op *op, ag_dtype dtype, ag_shape shape)
{
    if (!g || (!g->random.seed && ag_is_bad(agi_begin_stream(g, 0)))) return g ? g->bad : NULL;
    agi_draw_form f = { .rank = shape.rank, .dtype = (int32_t)dtype, .number = g->random.draws };
    for (int i = 0; i < shape.rank && i < AG_MAX_RANK; i++) f.dim[i] = shape.dim[i];
    ag_node *in[] = { g->random.seed, g->random.evaluation }, *y = ag_apply(op, 2, in, &f);
    g->random.draws += !ag_is_bad(y);
    return y;
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

void agi_each_drawn(void *attribute, ag_each_extent *each, void *context)
{
    agi_draw_form *f = attribute;
    for (int i = 0; i < f->rank && i < AG_MAX_RANK; i++) each(context, &f->dim[i]);
}

ag_status agi_infer_draw(ag_infer *c)
{
    const agi_draw_form *f = c->attribute;
    const double most = 4294967296.0; /* blocks */
    double n = 1;
    int held = 0;
    c->dtype = (ag_dtype)f->dtype;
    c->shape = (ag_shape){ .rank = f->rank };
    for (int i = 0; i < f->rank && i < AG_MAX_RANK; i++) {
        c->shape.dim[i] = f->dim[i];
        n *= (double)f->dim[i];
        held |= agi_holds_extent(c->graph, f->dim[i]);
    }
    if (!held && n / (double)agi_draw_group(ag_dtype_size(c->dtype)) * AGI_DRAW_BLOCKS > most)
        return ag_refuse(c, AG_ESHAPE, "%.0f elements are too many: draw several tensors", n);
    return AG_OK;
}

ag_status agi_infer_real_draw(ag_infer *c)
{
    const int dtype = ((const agi_draw_form *)c->attribute)->dtype;
    if (dtype == AG_F32 || dtype == AG_F64) return agi_infer_draw(c);
    return ag_refuse(c, AG_ETYPE, "the numbers are AG_F32 or AG_F64; %d is not", dtype);
}

static int64_t group_of(const ag_node *y)
{
    return agi_draw_group(ag_dtype_size((ag_dtype)y->dtype));
}

int64_t agi_count_draw_pieces(const ag_node *y)
{
    return (ag_count(y) - 1) / (GROUPS * group_of(y)) + 1;
}

agi_drawing agi_drawing_of(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const int64_t piece = GROUPS * group_of(y), n = ag_count(y);
    const agi_draw_form *f = y->attribute;
    return (agi_drawing){ .dense = agi_dense_of(c->isa, y->dtype == AG_F64),
                          .draw = { .key = (uint64_t)*(const int64_t *)c->in[0],
                                    .evaluation = (uint64_t)*(const int64_t *)c->in[1], .number = f->number },
                          .first = c->first * piece, .end = c->end * piece < n ? c->end * piece : n };
}

void agi_write_words(ag_source *s, const ag_node *y, const char *index)
{
    ag_emit(s, "uint32_t w[%d];\n", AGI_DRAW_WORDS);
    ag_emit(s, "        agi_draw_words((uint64_t)*in0, (uint64_t)*in1, %uu, (uint32_t)((%s) / %lld * %d), w);\n",
            (unsigned)((const agi_draw_form *)y->attribute)->number, index, (long long)group_of(y), AGI_DRAW_BLOCKS);
}

void agi_write_draw(ag_source *s, const ag_node *y, const char *function)
{
    const long long n = ag_count(y), group = group_of(y);
    const char *type = ag_c_type((ag_dtype)y->dtype);
    ag_emit(s, "    int64_t i, j;\n    for (i = 0; i < %lld; i += %lld) {\n        %s y[%lld];\n        ", n, group,
            type, group);
    agi_write_words(s, y, "i");
    ag_emit(s, "        %s%s(w, y);\n", function, y->dtype == AG_F32 ? "f" : "");
    ag_emit(s, "        for (j = 0; j < %lld && i + j < %lld; j++) out[i + j] = y[j];\n    }\n    return 0;\n", group,
            n);
}
