/* A pass as nested loops over its operands' axes, in exported C: what is sliced, strided, repeated or padded is read
 * where it lies, not copied first. Where zeros surround an operand, the innermost loop is cut into pieces, in each of
 * which it is there all the way or not at all; along the other axes a row of zeros takes its place. */
#include "pass_printer.h"

enum { DEEPEST = AG_MAX_RANK, MOST_PIECES = 2 * AG_MAX_RANK, MOST_LINES = 240 };

typedef struct {
    agi_pass_printer *p;
    int rank;                     /* loops */
    int64_t dim[DEEPEST];         /* their extents */
    int64_t inside[DEEPEST + 1];  /* elements of the iteration space from one index of a loop to the next; last: 1 */
    int pieces;
    int64_t cut[MOST_PIECES + 2]; /* of the innermost loop: where its pieces begin; the end */
    int zeros;                    /* a row of zeros is needed */
} nest;

static const char *const names[DEEPEST] = { "i", "j", "k", "l", "i4", "i5", "i6", "i7" };

/* ---- the loops --------------------------------------------------------------------------------------------------- */

/* One more loop, whose index counts so many elements. 0: there are too many. */
static int cut_axes(nest *t, int64_t inside)
{
    int at = 0;
    while (at < t->rank && t->inside[at] > inside) at++;
    if (at < t->rank && t->inside[at] == inside) return 1;
    if (t->rank == DEEPEST) return 0;
    memmove(t->inside + at + 1, t->inside + at, (size_t)(t->rank - at) * sizeof *t->inside);
    t->inside[at] = inside;
    t->rank++;
    return 1;
}

/* Elements of the iteration space that the load's walk is repeated for: rows have a value for all columns. */
static int64_t unit_of(const agi_pass *g, const agi_load *l)
{
    return l->row ? g->columns : 1;
}

static int cut_axes_of(nest *t, const agi_load *l)
{
    const agi_pass *g = t->p->g;
    int64_t inside = unit_of(g, l);
    if (l->access == AGI_UNIFORM) return 1;
    if (l->row || l->access == AGI_REPEAT) return cut_axes(t, g->columns);
    for (int k = l->walk.rank - 1; k >= 0 && l->access == AGI_GATHERED; inside *= l->walk.dim[k--])
        if (!cut_axes(t, inside)) return 0;
    return 1;
}

static int find_axes(nest *t)
{
    const agi_pass *g = t->p->g;
    int64_t all = g->rows * g->columns;
    if (!cut_axes(t, 1)) return 0;
    for (int k = 0; k < g->nloads; k++)
        if (!cut_axes_of(t, &g->load[k])) return 0;
    while (t->rank > 1 && t->inside[0] == all) memmove(t->inside, t->inside + 1, (size_t)--t->rank * sizeof *t->inside);
    for (int a = 0; a < t->rank; a++) {
        int64_t outer = a ? t->inside[a - 1] : all;
        if (outer % t->inside[a]) return 0;
        t->dim[a] = outer / t->inside[a];
    }
    return 1;
}

/* The axis of the load's walk that loop a goes along, or -1; `part`: its indices from one of the loop's to the next. */
static int axis_of(const nest *t, const agi_load *l, int a, int64_t *part)
{
    int64_t inside = unit_of(t->p->g, l);
    for (int k = l->walk.rank - 1; k >= 0; inside *= l->walk.dim[k--])
        if (t->inside[a] >= inside && t->inside[a] < inside * l->walk.dim[k]) {
            *part = t->inside[a] / inside;
            return k;
        }
    return -1;
}

static int64_t stride_of(const nest *t, const agi_load *l, int a)
{
    const agi_pass *g = t->p->g;
    int64_t part;
    if (l->access == AGI_UNIFORM) return 0;
    if (l->access == AGI_REPEAT) return t->inside[a] < g->columns ? t->inside[a] : 0;
    if (l->access == AGI_DIRECT) return l->row ? t->inside[a] / g->columns : t->inside[a];
    int k = axis_of(t, l, a, &part);
    return k < 0 ? 0 : l->walk.stride[k] * part;
}

/* ---- zeros ------------------------------------------------------------------------------------------------------- */

/* Indices of loop a for which the load is there. */
static void bounds_of(const nest *t, const agi_load *l, int a, int64_t *from, int64_t *to)
{
    int64_t part;
    int k = l->access == AGI_GATHERED && l->walk.bounded ? axis_of(t, l, a, &part) : -1;
    *from = k < 0 || l->walk.bounds.from[k] < 0 ? 0 : l->walk.bounds.from[k];
    *to = k < 0 || l->walk.bounds.to[k] > t->dim[a] ? t->dim[a] : l->walk.bounds.to[k];
}

static int is_bounded_along(const nest *t, const agi_load *l, int a)
{
    int64_t from, to;
    bounds_of(t, l, a, &from, &to);
    return from > 0 || to < t->dim[a];
}

static int is_bounded_outside(const nest *t, const agi_load *l)
{
    for (int a = 0; a + 1 < t->rank; a++)
        if (is_bounded_along(t, l, a)) return 1;
    return 0;
}

/* Has a walk with bounds a loop for each of its axes? */
static int keeps_axes(const nest *t, const agi_load *l)
{
    for (int a = 0; a < t->rank && l->walk.bounded; a++) {
        int64_t part;
        int k = axis_of(t, l, a, &part);
        if (k >= 0 && l->walk.dim[k] != t->dim[a]) return 0;
    }
    return 1;
}

static int add_cut(nest *t, int64_t index)
{
    int at = 0;
    while (t->cut[at] < index) at++;
    if (t->cut[at] == index) return 1;
    if (t->pieces == MOST_PIECES) return 0;
    memmove(t->cut + at + 1, t->cut + at, (size_t)(t->pieces + 1 - at) * sizeof *t->cut);
    t->cut[at] = index;
    t->pieces++;
    return 1;
}

static int find_pieces(nest *t)
{
    const agi_pass *g = t->p->g;
    int last = t->rank - 1, lines = g->nloads + g->nmicros + g->nstores;
    t->pieces = 1;
    t->cut[0] = 0;
    t->cut[1] = t->dim[last];
    for (int k = 0; k < g->nloads; k++) {
        int64_t from, to;
        if (!keeps_axes(t, &g->load[k])) return 0;
        bounds_of(t, &g->load[k], last, &from, &to);
        if (from < to && (!add_cut(t, from) || !add_cut(t, to))) return 0;
    }
    return t->pieces == 1 || t->pieces * lines <= MOST_LINES;
}

/* ---- which passes ------------------------------------------------------------------------------------------------ */

static int fits_load(const agi_pass_printer *p, const agi_load *l)
{
    for (int k = 0; k < p->g->nstores; k++)
        if (l->access != AGI_DIRECT && agi_same_memory(p->e->plan, p->g->store[k].buffer, l->buffer)) return 0;
    return !l->row || l->access == AGI_DIRECT || l->access == AGI_GATHERED || l->access == AGI_UNIFORM;
}

/* One element after the other, all of it at once, and not simply from memory to memory. */
static int fits(const agi_pass_printer *p)
{
    const agi_pass *g = p->g;
    int apart = 0;
    if (p->e->native || g->nfolds) return 0;
    for (int k = 0; k < g->nloads; k++) {
        if (!fits_load(p, &g->load[k])) return 0;
        apart |= g->load[k].row || g->load[k].access == AGI_GATHERED || g->load[k].access == AGI_REPEAT;
    }
    for (int k = 0; k < g->nmicros; k++) {
        const agi_micro *m = &g->micro[k];
        if (m->kind == AGI_FOLD_ROWS || (m->kind == AGI_POINT && g->reg[m->out].row)) return 0;
        if (m->kind == AGI_POINT && !agi_has_version(p->e, m->op, g->dtype)) return 0;
    }
    for (int k = 0; k < g->nstores; k++)
        if (g->store[k].row) return 0;
    return apart;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void emit_sum(const nest *t, ag_source *to, int64_t offset, const int64_t strides[], int loops)
{
    int terms = offset != 0;
    if (offset) ag_emit(to, "%lld", (long long)offset);
    for (int a = 0; a < loops; a++) {
        const int64_t stride = strides[a];
        if (!stride || t->dim[a] == 1) continue;
        if (stride == 1 || !terms) ag_emit(to, terms ? " + %s" : "%s", names[a]);
        else ag_emit(to, stride < 0 ? " - %s" : " + %s", names[a]);
        if (stride < 0 && terms && stride != -1) ag_emit(to, " * %lld", (long long)-stride);
        else if (stride != 1 && !(stride == -1 && terms)) ag_emit(to, " * %lld", (long long)stride);
        terms++;
    }
    if (!terms) ag_emit(to, "0");
}

static void emit_place(const nest *t, ag_source *to, int64_t offset, const agi_load *l, int loops)
{
    int64_t stride[DEEPEST + 1];
    for (int a = 0; a < loops; a++) stride[a] = stride_of(t, l, a);
    emit_sum(t, to, offset, stride, loops);
}

static void emit_stored_place(const nest *t, ag_source *to, const agi_store *s)
{
    int64_t stride[DEEPEST + 1];
    for (int a = 0; a < t->rank; a++) stride[a] = t->inside[a] * s->stride;
    emit_sum(t, to, s->offset, stride, t->rank);
}

/* i >= 1 && i < 63: where the load is there, as far as the outer loops tell. */
static void emit_condition(const nest *t, ag_source *to, const agi_load *l)
{
    int terms = 0;
    for (int a = 0; a + 1 < t->rank; a++) {
        int64_t from, end;
        bounds_of(t, l, a, &from, &end);
        if (from > 0) ag_emit(to, terms++ ? " && %s >= %lld" : "%s >= %lld", names[a], (long long)from);
        if (end < t->dim[a]) ag_emit(to, terms++ ? " && %s < %lld" : "%s < %lld", names[a], (long long)end);
    }
}

static int is_constant(const nest *t, const agi_load *l)
{
    return t->p->e->plan->buffer[l->buffer].role == AGI_CONSTANT && agi_stands_still(&l->walk) &&
           l->access != AGI_REPEAT && l->access != AGI_DIRECT;
}

/* A bounded number is the same element wherever it is there. */
static int is_number(const nest *t, const agi_load *l)
{
    int still = l->access == AGI_GATHERED && t->p->e->plan->buffer[l->buffer].role == AGI_CONSTANT;
    for (int k = 0; k < l->walk.rank; k++) still &= !l->walk.stride[k];
    return still || is_constant(t, l);
}

/* Read through a pointer to its row, or to zeros? */
static int has_row(const nest *t, const agi_load *l)
{
    return is_bounded_outside(t, l) && stride_of(t, l, t->rank - 1) == 1 && l->dtype == t->p->dtype;
}

/* Where it points to, as an index of the innermost loop: nothing before is there. */
static int64_t row_start(const nest *t, const agi_load *l)
{
    int64_t from, to;
    bounds_of(t, l, t->rank - 1, &from, &to);
    return from;
}

static void emit_value(const nest *t, ag_source *to, const agi_load *l)
{
    ag_source element = { .allocator = to->allocator };
    if (is_number(t, l)) {
        agi_emit_constant(to, t->p->dtype, &t->p->e->plan->buffer[l->buffer], l->walk.offset);
        return;
    }
    if (has_row(t, l)) {
        int64_t from = row_start(t, l);
        ag_emit(to, from ? "x%u[%s - %lld]" : "x%u[%s]", l->reg, names[t->rank - 1], (long long)from);
        return;
    }
    agi_emit_base(t->p->e, &element, l->buffer, (ag_dtype)l->dtype);
    ag_emit(&element, "[");
    emit_place(t, &element, l->walk.offset, l, t->rank);
    ag_emit(&element, "]%c", 0);
    if (!element.failed) agi_emit_converted(t->p, to, (ag_dtype)l->dtype, element.text.data);
    to->failed |= element.failed;
    agi_source_free(&element);
}

static void emit_load(const nest *t, ag_source *to, const agi_load *l, int depth)
{
    ag_emit(to, "%*sconst %s r%u = ", 4 * depth, "", t->p->type, l->reg);
    if (is_bounded_outside(t, l) && !has_row(t, l)) {
        emit_condition(t, to, l);
        ag_emit(to, " ? "), emit_value(t, to, l), ag_emit(to, " : 0");
    } else {
        emit_value(t, to, l);
    }
    ag_emit(to, ";\n");
}

/* The innermost of the loops that the load's value changes with, + 1. */
static int level_of(const nest *t, const agi_load *l)
{
    for (int a = t->rank - 1; a >= 0; a--)
        if ((stride_of(t, l, a) && t->dim[a] > 1) || is_bounded_along(t, l, a)) return a + 1;
    return 0;
}

static void emit_row(nest *t, ag_source *to, const agi_load *l, int depth)
{
    int64_t offset = l->walk.offset + row_start(t, l);
    t->zeros = 1;
    ag_emit(to, "%*sconst %s *const x%u = ", 4 * depth, "", t->p->type, l->reg);
    emit_condition(t, to, l);
    ag_emit(to, " ? ");
    agi_emit_base(t->p->e, to, l->buffer, t->p->dtype);
    ag_emit(to, " + (");
    emit_place(t, to, offset, l, t->rank - 1);
    ag_emit(to, ") : zero;\n");
}

/* What changes with the loop above, and not with those inside: values, and pointers to rows. */
static void emit_level(nest *t, ag_source *to, int level, int depth)
{
    const agi_pass *g = t->p->g;
    for (int k = 0; k < g->nloads; k++) {
        const agi_load *l = &g->load[k];
        if (level_of(t, l) == level && level < t->rank) emit_load(t, to, l, depth);
        if (level == t->rank - 1 && level_of(t, l) == t->rank && has_row(t, l)) emit_row(t, to, l, depth);
    }
}

static void emit_micro(const nest *t, ag_source *to, const agi_micro *m, int depth)
{
    char in[3][16];
    const uint32_t reg[3] = { m->a, m->b, m->c };
    for (int i = 0; i < 3; i++) snprintf(in[i], sizeof in[i], "r%u", reg[i]);
    ag_emit(to, "%*sconst %s r%u = ", 4 * depth, "", t->p->type, m->out);
    if (m->kind == AGI_EXPAND) ag_emit(to, "%s", in[0]);
    else agi_emit_loop_arithmetic(t->p->e, to, m->op, t->p->dtype, (const char *const[3]){ in[0], in[1], in[2] });
    ag_emit(to, ";\n");
}

/* The innermost loop, from one index to another. */
static void emit_piece(nest *t, ag_source *to, int64_t first, int64_t end, int depth)
{
    const agi_pass *g = t->p->g;
    const char *index = names[t->rank - 1];
    if (end - first > 1) ag_emit(to, "%*sINDEPENDENT\n", 4 * depth, "");
    ag_emit(to, "%*sfor (%s = %lld; %s < %lld; %s++) {\n", 4 * depth, "", index, (long long)first, index,
            (long long)end, index);
    depth++;
    for (int k = 0; k < g->nloads; k++) {
        const agi_load *l = &g->load[k];
        int64_t from, to_there;
        bounds_of(t, l, t->rank - 1, &from, &to_there);
        if (level_of(t, l) < t->rank) continue;
        if (first >= from && end <= to_there) emit_load(t, to, l, depth);
        else ag_emit(to, "%*sconst %s r%u = 0;\n", 4 * depth, "", t->p->type, l->reg);
    }
    for (int k = 0; k < g->nmicros; k++) emit_micro(t, to, &g->micro[k], depth);
    for (int k = 0; k < g->nstores; k++) {
        ag_emit(to, "%*s", 4 * depth, "");
        agi_emit_base(t->p->e, to, g->store[k].buffer, t->p->dtype);
        ag_emit(to, "["), emit_stored_place(t, to, &g->store[k]), ag_emit(to, "] = r%u;\n", g->store[k].reg);
    }
    ag_emit(to, "%*s}\n", 4 * (depth - 1), "");
}

static void emit_loops(nest *t, ag_source *to)
{
    int depth = 0;
    for (int a = 0; a + 1 < t->rank; a++) {
        emit_level(t, to, a, depth);
        ag_emit(to, "%*sfor (%s = 0; %s < %lld; %s++) {\n", 4 * depth, "", names[a], names[a], (long long)t->dim[a],
                names[a]);
        depth++;
    }
    emit_level(t, to, t->rank - 1, depth);
    for (int k = 0; k < t->pieces; k++) emit_piece(t, to, t->cut[k], t->cut[k + 1], depth);
    while (depth > 0) ag_emit(to, "%*s}\n", 4 * --depth, "");
}

static void emit_counters(const nest *t, ag_source *to)
{
    for (int a = 0; a < t->rank; a++) ag_emit(to, a ? ", %s" : "int64_t %s", names[a]);
    ag_emit(to, ";\n");
}

/* A row of zeros in the step's arrays. */
static void emit_zeros(const nest *t, ag_source *to)
{
    agi_emitter *e = t->p->e;
    const char *j = names[t->rank - 1];
    int64_t bytes = agi_aligned(t->dim[t->rank - 1] * (int64_t)ag_dtype_size(t->p->dtype));
    t->p->zeros = 1;
    emit_counters(t, to);
    ag_emit(to, "for (%s = 0; %s < %lld; %s++) zero[%s] = 0;\n", j, j, (long long)t->dim[t->rank - 1], j, j);
    if (bytes > e->scratch) e->scratch = bytes;
}

int agi_emit_nest(agi_pass_printer *p)
{
    nest t = { .p = p };
    ag_source loops = { .allocator = p->body.allocator };
    if (!fits(p) || !find_axes(&t) || !find_pieces(&t)) return 0;
    emit_loops(&t, &loops);
    if (t.zeros) emit_zeros(&t, &p->tile);
    else emit_counters(&t, &p->tile);
    agi_source_append(&p->tile, &loops);
    agi_source_free(&loops);
    return 1;
}
