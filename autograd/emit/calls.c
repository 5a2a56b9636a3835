/* Products, library calls and copies as C. */
#include "emit.h"

enum { FOUR = 4,   /* rows of b at a time */
       PANEL = 64, /* rows of b that stay in cache */
       MANY = 512 /* products of floats that are added up before they go to wide sums */ };

/* ---- copies ------------------------------------------------------------------------------------------------------ */

void agi_emit_copy(agi_emitter *e, int step, const agi_copy *c)
{
    const agi_buffer *to = &e->plan->buffer[c->to];
    agi_emit_head(e, "void", step, -1);
    agi_emit_pointer(e, c->from, 0);
    agi_emit_pointer(e, c->to, 1);
    ag_emit(e->to, "    int64_t i;\n    for (i = 0; i < %lld; i++) b%u[i] = b%u[i];\n}\n\n",
            (long long)(to->bytes / (int64_t)ag_dtype_size((ag_dtype)to->dtype)), c->to, c->from);
}

/* ---- calls: the operation's own text, between pointers to its operands ------------------------------------------- */

static void emit_operand(agi_emitter *e, const ag_source *body, const char *name, uint32_t buffer, const ag_node *x,
                         int64_t offset, int written)
{
    const char *type = x ? ag_c_type((ag_dtype)x->dtype) : "void";
    if (!agi_source_has(body, name)) return;
    ag_emit(e->to, "    %s%s *const %s = ", written ? "" : "const ", type, name);
    agi_emit_place(e, buffer, type);
    if (offset) ag_emit(e->to, " + %lld", (long long)offset);
    ag_emit(e->to, ";");
    if (x) {
        ag_emit(e->to, " /* ");
        agi_emit_node(e->to, x);
        ag_emit(e->to, " */");
    }
    ag_emit(e->to, "\n");
}

int agi_emit_call(agi_emitter *e, int step, const agi_call *c)
{
    const ag_node *y = c->node;
    if (!y->op->c) {
        e->missing = y->op;
        return 0;
    }
    ag_source body = { .allocator = e->to->allocator };
    y->op->c(&body, y, c->stride);
    ag_emit(e->to, "/* %s: ", y->op->name);
    agi_emit_node(e->to, y);
    ag_emit(e->to, " */\n");
    agi_emit_head(e, "int", step, -1);
    for (int k = 0; k < c->n; k++) {
        char name[24];
        snprintf(name, sizeof name, "in%d", k);
        emit_operand(e, &body, name, c->in[k], y->in[k], c->stride[k].offset, 0);
    }
    emit_operand(e, &body, "out", c->out, y, 0, 1);
    if (c->work != AGI_NONE) emit_operand(e, &body, "scratch", c->work, NULL, 0, 1);
    ag_emit(e->to, "    {\n");
    agi_source_append_lines(e->to, &body, 1);
    ag_emit(e->to, "    }\n}\n\n");
    e->to->failed |= body.failed;
    agi_source_free(&body);
    return 1;
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

typedef struct {
    agi_emitter *e;
    const agi_product *p;
    ag_dtype dtype;
    const char *type;
    int64_t batches, rows, columns, inner;
    int64_t down[2], across[2]; /* strides of a and b */
} printer;

static printer printer_of(agi_emitter *e, const agi_product *p)
{
    const ag_node *y = p->node, *a = y->in[0], *b = y->in[1];
    printer w = { .e = e, .p = p, .dtype = (ag_dtype)y->dtype, .type = ag_c_type((ag_dtype)y->dtype), .batches = 1,
                  .rows = y->dim[y->rank - 2], .columns = y->dim[y->rank - 1], .inner = a->dim[a->rank - 1] };
    for (int i = 0; i < y->rank - 2; i++) w.batches *= y->dim[i];
    w.down[0] = p->a_stride.stride[a->rank - 2];
    w.across[0] = p->a_stride.stride[a->rank - 1];
    w.down[1] = p->b_stride.stride[b->rank - 2];
    w.across[1] = p->b_stride.stride[b->rank - 1];
    return w;
}

/* The matrix of operand x, a buffer, that meets the result's matrix `batch`. */
static void emit_matrix(const printer *w, ag_source *to, const char *name, uint32_t buffer, const ag_node *x,
                        const ag_strides *s)
{
    const ag_node *y = w->p->node;
    int64_t inside = 1;
    ag_emit(to, "const %s *const %s = ", w->type, name);
    agi_emit_base(w->e, to, buffer, w->dtype);
    if (s->offset) ag_emit(to, " + %lld", (long long)s->offset);
    for (int i = y->rank - 3; i >= 0; inside *= y->dim[i--]) {
        int axis = i - (y->rank - x->rank);
        if (axis < 0 || x->dim[axis] == 1) continue;
        ag_emit(to, inside > 1 ? " + batch / %lld" : " + batch", (long long)inside);
        ag_emit(to, " %% %lld * %lld", (long long)y->dim[i], (long long)s->stride[axis]);
    }
    ag_emit(to, ";\n");
}

static void emit_factor(const printer *w)
{
    const agi_product *p = w->p;
    ag_emit(w->e->to, "    const %s factor = ", w->type);
    agi_emit_number(w->e->to, w->dtype, p->alpha);
    if (p->scale != AGI_NONE) {
        ag_emit(w->e->to, " * ");
        agi_emit_base(w->e, w->e->to, p->scale, w->dtype);
        ag_emit(w->e->to, "[%lld]", (long long)p->scale_offset);
    }
    ag_emit(w->e->to, ";\n");
}

static int scaled(const agi_product *p)
{
    return p->scale != AGI_NONE || p->alpha < 1 || p->alpha > 1;
}

/* An index that is always 0 is not written, nor a factor of 1. */
typedef struct {
    const char *name;
    int64_t extent, stride;
} place;

static void emit_sum(ag_source *to, const char *base, const char *between, place p)
{
    if (p.extent == 1) ag_emit(to, "%s", base);
    else if (p.stride == 1) ag_emit(to, "%s%s%s", base, between, p.name);
    else ag_emit(to, "%s%s%s * %lld", base, between, p.name, (long long)p.stride);
}

static void emit_element(ag_source *to, const char *array, place p, place q)
{
    ag_emit(to, "%s[", array);
    if (p.extent == 1 && q.extent == 1) ag_emit(to, "0");
    emit_sum(to, "", "", p);
    emit_sum(to, "", p.extent == 1 ? "" : " + ", q);
    ag_emit(to, "]");
}

static void open_loop(ag_source *to, int *depth, const char *name, int64_t n, const char *brace)
{
    if (n == 1) return;
    ag_emit(to, "%*sfor (%s = 0; %s < %lld; %s++)%s\n", 4 * *depth, "", name, name, (long long)n, name, brace);
    ++*depth;
}

/* Dot products of rows of a and columns of b, where b's columns are contiguous, or it has but one. */
static void emit_dots(const printer *w, ag_source *to)
{
    const place row = { "i", w->rows, w->columns }, column = { "j", w->columns, 1 };
    char dot[AGI_NAME];
    int depth = 0;
    agi_helper_name(w->e, "dot", w->dtype, dot);
    open_loop(to, &depth, "i", w->rows, "");
    open_loop(to, &depth, "j", w->columns, "");
    ag_emit(to, "%*s", 4 * depth, "");
    emit_element(to, "y", row, column);
    ag_emit(to, " %s %s%s(%lld, ", w->p->onto == AGI_NONE ? "=" : "+=", scaled(w->p) ? "factor * " : "", dot,
            (long long)w->inner);
    emit_sum(to, "a", " + ", (place){ "i", w->rows, w->down[0] });
    ag_emit(to, ", %lld, ", (long long)w->across[0]);
    emit_sum(to, "b", " + ", (place){ "j", w->columns, w->across[1] });
    ag_emit(to, ", %lld);\n", (long long)w->down[1]);
}

static int has_wide_sums(const printer *w)
{
    return !w->e->cblas && w->columns > 1 && w->across[1] == 1 && w->dtype == AG_F32 && w->inner > MANY;
}

/* Of long sums of floats, parts are made in the result and added to doubles. */
static void open_part(const printer *w, ag_source *to, int64_t n)
{
    ag_emit(to, "for (i = 0; i < %lld; i++) wide[i] = %s;\n", (long long)n, w->p->onto == AGI_NONE ? "0" : "y[i]");
    ag_emit(to, "for (part = 0; part < %lld; part += %d) {\n", (long long)w->inner, MANY);
    ag_emit(to, "    for (i = 0; i < %lld; i++) y[i] = 0;\n", (long long)n);
}

static void close_part(ag_source *to, int64_t n)
{
    ag_emit(to, "    for (i = 0; i < %lld; i++) wide[i] += y[i];\n}\n", (long long)n);
    ag_emit(to, "for (i = 0; i < %lld; i++) y[i] = (float)wide[i];\n", (long long)n);
}

/* Some rows of b from k on, each times a number, into row i of the result: added one after the other. */
static void emit_terms(const printer *w, ag_source *to, int depth, int rows)
{
    static const char *const at[] = { "k", "(k + 1)", "(k + 2)", "(k + 3)" };
    const place row = { "i", w->rows, w->columns }, column = { "j", w->columns, 1 };
    ag_emit(to, "%*sconst %s ", 4 * depth, "", w->type);
    for (int n = 0; n < rows; n++) {
        ag_emit(to, "%st%d = %s", n ? ", " : "", n, scaled(w->p) ? "factor * " : "");
        emit_element(to, "a", (place){ "i", w->rows, w->down[0] }, (place){ at[n], w->inner, w->across[0] });
    }
    ag_emit(to, ";\n%*sINDEPENDENT\n", 4 * depth, "");
    ag_emit(to, "%*sfor (j = 0; j < %lld; j++) ", 4 * depth, "", (long long)w->columns);
    emit_element(to, "y", row, column);
    ag_emit(to, " = ");
    emit_element(to, "y", row, column);
    for (int n = 0; n < rows; n++) {
        ag_emit(to, " + t%d * ", n);
        emit_element(to, "b", (place){ at[n], w->inner, w->down[1] }, column);
    }
    ag_emit(to, ";\n");
}

/* From k on to `end`: four rows of b at a time, which the result is read and written once for, then those left. */
static void emit_inner(const printer *w, ag_source *to, int depth, const char *from, const char *end)
{
    const int fours = w->inner >= FOUR, left = w->inner % FOUR != 0;
    if (fours) {
        ag_emit(to, "%*sfor (k = %s; k + %d <= %s; k += %d) {\n", 4 * depth, "", from, FOUR, end, FOUR);
        emit_terms(w, to, depth + 1, FOUR);
        ag_emit(to, "%*s}\n", 4 * depth, "");
    }
    if (!left) return;
    if (fours) ag_emit(to, "%*sfor (; k < %s; k++) {\n", 4 * depth, "", end);
    else ag_emit(to, "%*sfor (k = %s; k < %s; k++) {\n", 4 * depth, "", from, end);
    emit_terms(w, to, depth + 1, 1);
    ag_emit(to, "%*s}\n", 4 * depth, "");
}

/* Rows of b, each times a number, into rows of the result; a panel of b after the other. */
static void emit_rows(const printer *w, ag_source *to)
{
    int wide = has_wide_sums(w), panels = wide || (w->inner > PANEL && w->rows > 1), depth = 0;
    char last[64], end[64];
    snprintf(last, sizeof last, wide ? "%lld && panel < part + %d" : "%lld", (long long)w->inner, MANY);
    snprintf(end, sizeof end, panels ? "end" : "%lld", (long long)w->inner);
    if (wide) open_part(w, to, w->rows * w->columns), depth++;
    else if (w->p->onto == AGI_NONE)
        ag_emit(to, "for (i = 0; i < %lld; i++) y[i] = 0;\n", (long long)(w->rows * w->columns));
    if (panels) {
        ag_emit(to, "%*sfor (panel = %s; panel < %s; panel += %d) {\n", 4 * depth, "", wide ? "part" : "0", last,
                PANEL);
        ag_emit(to, "%*sconst int64_t end = panel + %d < %lld ? panel + %d : %lld;\n", 4 * ++depth, "", PANEL,
                (long long)w->inner, PANEL, (long long)w->inner);
    }
    open_loop(to, &depth, "i", w->rows, " {");
    if (w->inner > 1) emit_inner(w, to, depth, panels ? "panel" : "0", end);
    else emit_terms(w, to, depth, 1);
    if (w->rows > 1) ag_emit(to, "%*s}\n", 4 * --depth, "");
    if (panels) ag_emit(to, "%*s}\n", 4 * --depth, "");
    if (wide) close_part(to, w->rows * w->columns);
}

static void emit_blas(const printer *w, ag_source *to)
{
    const agi_product *p = w->p;
    const ag_node *a = p->node->in[0], *b = p->node->in[1];
    const agi_matrix of_a = agi_matrix_layout(a, &p->a_stride), of_b = agi_matrix_layout(b, &p->b_stride);
    ag_emit(to, "cblas_%cgemm(CblasRowMajor, ", w->dtype == AG_F32 ? 's' : 'd');
    ag_emit(to, "Cblas%sTrans, Cblas%sTrans, ", of_a.transposed ? "" : "No", of_b.transposed ? "" : "No");
    ag_emit(to, "%lld, %lld, %lld, ", (long long)w->rows, (long long)w->columns, (long long)w->inner);
    ag_emit(to, "%s, a, %d, b, %d, ", scaled(p) ? "factor" : "1", of_a.leading, of_b.leading);
    ag_emit(to, "%d, y, %lld);\n", p->onto != AGI_NONE, (long long)w->columns);
}

static int same_place(const agi_emitter *e, uint32_t a, uint32_t b)
{
    return e->reach[a].kind == e->reach[b].kind && e->reach[a].at == e->reach[b].at;
}

/* The result's matrix from the operands', one of many or the only one. */
static void emit_one(const printer *w, ag_source *to)
{
    const agi_product *p = w->p;
    emit_matrix(w, to, "a", p->a, p->node->in[0], &p->a_stride);
    emit_matrix(w, to, "b", p->b, p->node->in[1], &p->b_stride);
    ag_emit(to, "%s *const y = b%u", w->type, p->out);
    if (w->batches > 1) ag_emit(to, " + batch * %lld", (long long)(w->rows * w->columns));
    ag_emit(to, ";\n");
    if (w->e->cblas) emit_blas(w, to);
    else if (w->columns == 1 || w->across[1] != 1) emit_dots(w, to);
    else emit_rows(w, to);
}

static void emit_wide_sums(const printer *w)
{
    int64_t bytes = w->rows * w->columns * (int64_t)sizeof(double);
    ag_emit(w->e->to, "    double *const wide = (double *)(void *)(m->work + %lld);\n", (long long)w->e->scratch_at);
    if (bytes > w->e->scratch) w->e->scratch = bytes;
}

static void emit_declarations(const printer *w, const ag_source *body, int onto)
{
    static const char *const index[] = { "i", "j", "k", "panel", "part" };
    ag_source *to = w->e->to;
    const agi_product *p = w->p;
    const uint32_t read[] = { p->a, p->b, onto ? p->onto : AGI_NONE, p->scale };
    agi_declare(w->e, p->out);
    agi_emit_pointer(w->e, p->out, 1);
    for (int k = 0; k < 4; k++)
        if (read[k] != AGI_NONE && agi_declare(w->e, read[k])) agi_emit_pointer(w->e, read[k], 0);
    if (scaled(p)) emit_factor(w);
    if (has_wide_sums(w)) emit_wide_sums(w);
    int n = w->batches > 1 || onto;
    if (n) ag_emit(to, "    int64_t batch");
    for (int k = 0; k < 5; k++)
        if (agi_source_has(body, index[k])) ag_emit(to, n++ ? ", %s" : "    int64_t %s", index[k]);
    if (n) ag_emit(to, ";\n");
}

void agi_emit_product(agi_emitter *e, int step, const agi_product *p)
{
    printer w = printer_of(e, p);
    ag_source body = { .allocator = e->to->allocator };
    int onto = p->onto != AGI_NONE && !same_place(e, p->onto, p->out), many = w.batches > 1;
    emit_one(&w, &body);
    ag_emit(e->to, "/* product: ");
    agi_emit_node(e->to, p->node);
    ag_emit(e->to, " */\n");
    agi_emit_head(e, "void", step, -1);
    emit_declarations(&w, &body, onto);
    if (onto)
        ag_emit(e->to, "    for (batch = 0; batch < %lld; batch++) b%u[batch] = b%u[batch];\n",
                (long long)ag_count(p->node), p->out, p->onto);
    if (many) ag_emit(e->to, "    for (batch = 0; batch < %lld; batch++) {\n", (long long)w.batches);
    agi_source_append_lines(e->to, &body, 1 + many);
    ag_emit(e->to, many ? "    }\n}\n\n" : "}\n\n");
    agi_source_free(&body);
}
