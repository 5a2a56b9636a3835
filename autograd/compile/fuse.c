/* Values into groups. Every group has a level above the levels of all groups it reads from, so groups never need each
 * other. A value joins a group of its own iteration space whose level allows it, the operands' groups first; else it
 * opens one. Inside a group an operand is a register: a full tile, or an element a row. */
#include "compile.h"

enum { KEYS = 1024, LOOK_BACK = 16, MOST_STREAMS = 12, STREAM = 256 /* elements, for one more pass costs less */,
       MOST_SHORT_STREAMS = 48 /* what compilers of C keep track of */ };

/* ---- what a group asks of a value ------------------------------------------------------------------------------- */

static uint32_t level_of(const agi_compiler *c, uint32_t root)
{
    uint32_t g = c->value[root].group;
    return g == AGI_NONE ? 0 : agi_fusion_at(c, g)->level;
}

static int comes_late_enough(const agi_compiler *c, const agi_value *it, uint32_t g)
{
    uint32_t a = agi_awaited(c, (uint32_t)(it - c->value));
    return a == AGI_NONE || c->value[a].group == g || level_of(c, a) < agi_fusion_at(c, g)->level;
}

/* Every operand comes from below the group, or from inside as a register that can be had. */
static int operands_fit(const agi_compiler *c, const agi_value *it, uint32_t g, int64_t columns, int row)
{
    const agi_fusion *f = agi_fusion_at(c, g);
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        if (c->value[root].group != g) {
            if (level_of(c, root) >= f->level) return 0;
            continue;
        }
        const agi_value *r = &c->value[root];
        if (r->kind == AGI_VALUE_FOLD && !r->row) return 0; /* known only when the group has ended */
        agi_pattern p = agi_operand_walk(c, it, k);
        if (r->row == row && agi_pattern_flat(&p)) continue;
        if (r->row && !row && agi_pattern_rows(&p, f->points, columns)) continue;
        return 0;
    }
    return 1;
}

/* Into a scalar program: inside it all operands can be had. */
static int joins_program(const agi_compiler *c, const agi_value *it, uint32_t g)
{
    const agi_fusion *f = agi_fusion_at(c, g);
    if (f->kind != AGI_GROUP_SCALAR || it->dtype != f->dtype || !comes_late_enough(c, it, g)) return 0;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        if (c->value[root].group != g && level_of(c, root) >= f->level) return 0;
    }
    return 1;
}

typedef struct {
    int fits, row; /* row: the value's result is an element a row */
    int64_t columns;
} joining;

/* One element for each row; no product that may overflow. */
static int is_column(const agi_fusion *f, int64_t points)
{
    return f->points % f->columns == 0 && f->points / f->columns == points;
}

/* A fold of [outer, extent, inner]: the last axis within a row, others at the group's end. */
static joining fold_joins(const agi_compiler *c, const agi_value *it, uint32_t g)
{
    const agi_fusion *f = agi_fusion_at(c, g);
    const ag_node *x = c->value[it->in[0]].node;
    ag_extents s = ag_split_at(x, ((const ag_axis_attribute *)it->node->attribute)->axis);
    joining j = { .columns = f->columns };
    int64_t points = ag_count(x);
    int of_row = f->columns > 1 && points != f->points && is_column(f, points);
    if (points != f->points && !of_row) return j;
    if (s.extent == points) { /* everything: at the end */
        j.fits = operands_fit(c, it, g, f->columns, of_row);
        return j;
    }
    if (of_row) return j;
    int64_t columns = s.inner == 1 ? s.extent : s.inner;
    if (f->columns && f->columns != columns) return j;
    j.columns = columns;
    j.row = s.inner == 1 && s.extent <= AGI_LONGEST_ROW;
    j.fits = operands_fit(c, it, g, columns, 0);
    return j;
}

static joining point_joins(const agi_compiler *c, const agi_value *it, uint32_t g)
{
    const agi_fusion *f = agi_fusion_at(c, g);
    joining j = { .columns = f->columns };
    int64_t points = agi_elements(it);
    if (points == f->points) {
        j.fits = operands_fit(c, it, g, f->columns, 0);
    } else if (f->columns > 1 && is_column(f, points)) {
        j.row = 1;
        j.fits = operands_fit(c, it, g, f->columns, 1);
    }
    return j;
}

static joining joins(const agi_compiler *c, const agi_value *it, uint32_t g)
{
    const agi_fusion *f = agi_fusion_at(c, g);
    joining no = { 0 };
    if (f->kind != AGI_GROUP_TILE || it->dtype != f->dtype || !comes_late_enough(c, it, g)) return no;
    return it->kind == AGI_VALUE_FOLD ? fold_joins(c, it, g) : point_joins(c, it, g);
}

/* ---- joining and opening ---------------------------------------------------------------------------------------- */

/* Does a pass that comes to read the root have one more place in memory to read at? Told by who has joined before. */
static int is_new_stream(const agi_compiler *c, uint32_t root, uint32_t g)
{
    const agi_fusion *f = agi_fusion_at(c, g);
    if (f->kind != AGI_GROUP_TILE || c->value[root].group == g || c->fusing.read_by[root] == g) return 0;
    return ag_count(c->value[root].node) >= f->points;
}

/* A pass through many large tensors has too many places in memory for the processor to fetch ahead of all. A value
 * that has nothing in common with such a pass gains nothing there. */
static int crowds(const agi_compiler *c, const agi_value *it, uint32_t g)
{
    const agi_fusion *f = agi_fusion_at(c, g);
    if (f->streams < (f->points < STREAM ? MOST_SHORT_STREAMS : MOST_STREAMS)) return 0;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        if (ag_count(c->value[root].node) >= f->points && !is_new_stream(c, root, g)) return 0;
    }
    return 1;
}

static int64_t points_of(const agi_compiler *c, const agi_value *it)
{
    return agi_elements(it->kind == AGI_VALUE_FOLD ? &c->value[it->in[0]] : it);
}

static uint32_t *key_slot(const agi_compiler *c, const agi_value *it)
{
    uint64_t key = it->small ? 1 : (uint64_t)points_of(c, it) * 4 + 2;
    key = (key + it->dtype) * 0x9E3779B97F4A7C15u;
    return &c->fusing.newest[(key >> 40) % KEYS];
}

static void take_in(agi_compiler *c, agi_value *it, uint32_t g)
{
    agi_fusion *f = agi_fusion_at(c, g);
    it->group = g;
    f->members++;
    if (it->small) f->instructions += agi_instructions_of(c, it);
}

static void join(agi_compiler *c, agi_value *it, uint32_t g, const joining *j)
{
    agi_fusion *f = agi_fusion_at(c, g);
    take_in(c, it, g);
    it->row = (uint8_t)j->row;
    f->columns = j->columns;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        f->streams += is_new_stream(c, root, g);
        c->fusing.read_by[root] = g;
    }
}

static int try_group(agi_compiler *c, agi_value *it, uint32_t g)
{
    if (it->small) {
        const int fits = joins_program(c, it, g);
        if (fits) take_in(c, it, g);
        return fits;
    }
    joining j = joins(c, it, g);
    if (j.fits) join(c, it, g, &j);
    return j.fits;
}

static int join_operand(agi_compiler *c, agi_value *it)
{
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t g = c->value[c->value[s].root].group;
        if (g != AGI_NONE && try_group(c, it, g)) return 1;
    }
    return 0;
}

/* Of many operands the group of the one that comes last: no other allows it more. */
static int join_last(agi_compiler *c, agi_value *it)
{
    uint32_t last = AGI_NONE;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t g = c->value[c->value[s].root].group;
        if (g != AGI_NONE && (last == AGI_NONE || agi_fusion_at(c, g)->level > agi_fusion_at(c, last)->level)) last = g;
    }
    return last != AGI_NONE && try_group(c, it, last);
}

static int join_existing(agi_compiler *c, agi_value *it)
{
    if (it->small && it->kind == AGI_VALUE_FOLD) { /* at the end of the pass that computes what it folds */
        it->small = 0;
        if (join_operand(c, it)) return 1;
        it->small = 1;
    }
    if (it->kind == AGI_VALUE_CALL ? join_last(c, it) : join_operand(c, it)) return 1;
    uint32_t g = *key_slot(c, it);
    for (int k = 0; k < LOOK_BACK && g != AGI_NONE; k++, g = agi_fusion_at(c, g)->older)
        if (!crowds(c, it, g) && try_group(c, it, g)) return 1;
    return 0;
}

/* As nearly all values of a large graph: one of few elements, made of such, that goes into the program of the first
 * operand that has one. 0: to be looked at closely. */
static int joins_at_once(agi_compiler *c, agi_value *it)
{
    uint32_t g = AGI_NONE;
    if (!agi_is_point(it) || !it->op || !it->op->code || !it->few || it->dtype == AG_I64 || c->after.count) return 0;
    for (int k = 0; k < it->nin; k++) {
        const agi_value *in = &c->value[it->in[k]];
        if (in->dtype != it->dtype || in->view != AGI_NONE || !in->few) return 0;
        if (g == AGI_NONE) g = c->value[in->root].group;
    }
    if (g == AGI_NONE) return 0;
    agi_fusion *f = agi_fusion_at(c, g);
    if (f->kind != AGI_GROUP_SCALAR || f->dtype != it->dtype) return 0;
    for (int k = 0; k < it->nin; k++) {
        const uint32_t from = c->value[c->value[it->in[k]].root].group;
        if (from != g && from != AGI_NONE && agi_fusion_at(c, from)->level >= f->level) return 0;
    }
    it->small = 1;
    it->group = g;
    f->members++;
    f->instructions += it->few;
    return 1;
}

/* Where the group stands in the order of the graph. An update in place takes no memory and its operands may end with
 * it: as early as it can be, not with the other updates at the end. */
static uint32_t place_of(const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    uint32_t place = 0;
    if (it->kind != AGI_VALUE_PRODUCT || it->onto == AGI_NONE) return i;
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t root = c->value[s].root;
        if (c->value[root].kind != AGI_VALUE_LEAF && root > place) place = root;
    }
    return place;
}

/* There are passes now. */
static int note_readers(agi_compiler *c)
{
    c->fusing.read_by = agi_arena_take(&c->arena, (size_t)c->nvalues * sizeof *c->fusing.read_by);
    if (!c->fusing.read_by) return agi_out_of_memory(c);
    memset(c->fusing.read_by, 0xff, (size_t)c->nvalues * sizeof *c->fusing.read_by);
    return 1;
}

static int open_group(agi_compiler *c, uint32_t i, agi_group_kind kind)
{
    agi_value *it = &c->value[i];
    if (!agi_vector_grow(c->arena.allocator, &c->groups, sizeof(agi_fusion), 1)) return agi_out_of_memory(c);
    uint32_t g = (uint32_t)c->groups.count++, after = agi_awaited(c, i);
    uint32_t level = after == AGI_NONE ? 0 : level_of(c, after);
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
        uint32_t l = level_of(c, c->value[s].root);
        if (l > level) level = l;
    }
    *agi_fusion_at(c, g) = (agi_fusion){ .kind = kind, .dtype = it->dtype, .level = level + 1,
                                         .place = place_of(c, i), .points = points_of(c, it), .older = AGI_NONE };
    if (kind == AGI_GROUP_TILE && !c->fusing.read_by && !note_readers(c)) return 0;
    if (kind != AGI_GROUP_SINGLE && !c->options->unfused) {
        agi_fusion_at(c, g)->older = *key_slot(c, it);
        *key_slot(c, it) = g;
    }
    if (kind != AGI_GROUP_TILE) {
        take_in(c, it, g);
        return 1;
    }
    joining j = joins(c, it, g);
    join(c, it, g, &j);
    return 1;
}

/* ---- sinking: what one later pass alone reads moves there, if that costs no memory traffic ----------------------- */

static const uint32_t NOBODY = UINT32_MAX, SEVERAL = UINT32_MAX - 1;

/* `by` reads operand k: the groups that read a value, as long as it could be a register of theirs. */
static void note_reader(const agi_compiler *c, uint32_t *reader, const agi_value *by, int k, uint32_t operand)
{
    uint32_t root = c->value[operand].root;
    int inside = c->value[root].group == by->group, register_like = inside;
    if (!inside && !by->row && (by->kind == AGI_VALUE_POINT || by->kind == AGI_VALUE_FOLD)) {
        agi_pattern p = agi_operand_walk(c, by, k);
        register_like = agi_pattern_flat(&p) && c->value[operand].dtype == by->dtype;
    }
    if (!register_like) reader[root] = SEVERAL;
    else if (reader[root] == NOBODY) reader[root] = by->group;
    else if (reader[root] != by->group) reader[root] = SEVERAL;
}

/* Which values another group reads. */
static void find_stored(const agi_compiler *c, uint8_t *stored)
{
    for (uint32_t i = 0; i < c->nvalues; i++) {
        const agi_value *it = &c->value[i];
        if (it->group == AGI_NONE) continue;
        if (it->held || it->target != AGI_NONE) stored[i] = 1;
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) {
            uint32_t root = c->value[s].root;
            if (c->value[root].group != it->group) stored[root] = 1;
        }
    }
}

/* One operand at most has to be read anew, where the value would have been, and it lies in memory anyway. */
static int operands_lie_ready(const agi_compiler *c, const agi_value *it, const uint8_t *stored)
{
    int full = 0;
    for (int k = 0; k < it->nin; k++) {
        uint32_t root = c->value[it->in[k]].root;
        const agi_value *r = &c->value[root];
        int stays = r->kind == AGI_VALUE_LEAF && r->assigned == AGI_NONE;
        if (!stays && (r->kind == AGI_VALUE_LEAF || !stored[root])) return 0;
        full += agi_elements(r) > 1;
    }
    return full == 1;
}

static int sinks_into(const agi_compiler *c, const agi_value *it, const uint8_t *stored, uint32_t g)
{
    if (g >= SEVERAL || g == it->group || !agi_is_point(it) || !it->op || it->row || it->small) return 0;
    const agi_fusion *from = agi_fusion_at(c, it->group), *to = agi_fusion_at(c, g);
    if (it->held || it->target != AGI_NONE || from->members < 2) return 0;
    if (to->kind != AGI_GROUP_TILE || to->points != from->points || to->dtype != from->dtype) return 0;
    return operands_lie_ready(c, it, stored);
}

static int sink(agi_compiler *c)
{
    if (!c->fusing.read_by) return 1; /* there are no passes */
    uint32_t *reader = agi_arena_take(&c->arena, (size_t)c->nvalues * sizeof *reader);
    uint8_t *stored = agi_arena_zeros(&c->arena, c->nvalues, 1);
    if (!reader || !stored) return agi_out_of_memory(c);
    find_stored(c, stored);
    memset(reader, 0xff, (size_t)c->nvalues * sizeof *reader);
    for (uint32_t i = c->nvalues; i-- > 0;) { /* readers come after what they read */
        agi_value *it = &c->value[i];
        if (it->group == AGI_NONE) continue;
        uint32_t after = agi_awaited(c, i);
        if (after != AGI_NONE) reader[after] = SEVERAL; /* it is not to come later than it does */
        if (sinks_into(c, it, stored, reader[i])) {
            agi_fusion_at(c, it->group)->members--;
            it->group = reader[i];
            agi_fusion_at(c, it->group)->members++;
        }
        for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) note_reader(c, reader, it, k, (uint32_t)s);
    }
    return 1;
}

int agi_fuse(agi_compiler *c)
{
    c->fusing.newest = agi_arena_take(&c->arena, KEYS * sizeof *c->fusing.newest);
    if (!c->fusing.newest) return agi_out_of_memory(c);
    memset(c->fusing.newest, 0xff, KEYS * sizeof *c->fusing.newest);
    agi_looks looks = { .c = c };
    for (uint32_t i = 0; i < c->nvalues; i++) {
        agi_value *it = &c->value[i];
        if (it->kind == AGI_VALUE_DEAD || it->kind == AGI_VALUE_LEAF || it->kind == AGI_VALUE_VIEW) continue;
        if (!c->options->unfused && joins_at_once(c, it)) continue;
        it->small = (uint8_t)agi_is_small(&looks, it);
        it->stored = it->small && it->kind == AGI_VALUE_CALL; /* it is no temporary */
        int fusable = it->small || it->kind == AGI_VALUE_POINT || it->kind == AGI_VALUE_FOLD;
        if (fusable && !c->options->unfused && join_existing(c, it)) continue;
        agi_group_kind kind = it->small ? AGI_GROUP_SCALAR : fusable ? AGI_GROUP_TILE : AGI_GROUP_SINGLE;
        if (!open_group(c, i, kind)) return 0;
    }
    if (looks.failed) return agi_out_of_memory(c);
    return c->options->unfused || sink(c);
}
