/* Products as C: dot products of single rows, or of all where little text is wanted; else rows of b times numbers, four
 * of them into four rows of the result at a time, so that each is read and written seldom. */
#include "emit.h"

enum { FOUR = 4,   /* rows of the result, and of b, at a time */
       PANEL = 64, /* rows of b that stay in cache */
       TURNED = 16, /* rows of b that are copied, where they are not contiguous */
       MANY = 512 /* products of floats that are added up before they go to wide sums */ };

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

/* Not by rows of b, or not by us. */
static int by_dots(const printer *w)
{
    return w->e->cblas || w->e->small || w->columns == 1 || (w->across[1] != 1 && w->rows < FOUR);
}

static int has_wide_sums(const printer *w)
{
    return !by_dots(w) && w->dtype == AG_F32 && w->inner > MANY;
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

/* Are the rows of b copied first, a few at a time, so that they are contiguous? */
static int is_turned(const printer *w)
{
    return !by_dots(w) && w->across[1] != 1;
}

static int in_panels(const printer *w)
{
    return has_wide_sums(w) || w->inner > (is_turned(w) ? TURNED : PANEL);
}

/* name + more, as the index of a place with that stride. */
static place further(char text[32], const char *name, int more, int64_t extent, int64_t stride)
{
    const char *format = !more && !strchr(name, '+') ? "%s" : stride == 1 ? "%s + %d" : "(%s + %d)";
    if (!more && strchr(name, '+')) format = stride == 1 ? "%s" : "(%s)";
    snprintf(text, 32, format, name, more);
    return (place){ text, extent, stride };
}

/* What rows k, ... of b have in column j. */
static void emit_column(const printer *w, ag_source *to, int depth, int terms)
{
    const int64_t stride = is_turned(w) ? w->columns : w->down[1];
    char k[32];
    ag_emit(to, "%*sconst %s ", 4 * depth, "", w->type);
    for (int n = 0; n < terms; n++) {
        ag_emit(to, n ? ", u%d = " : "u%d = ", n);
        emit_element(to, is_turned(w) ? "turned" : "b", further(k, "k", n, w->inner, stride),
                     (place){ "j", w->columns, 1 });
    }
    ag_emit(to, ";\n");
}

/* Into row `row` of the result's block, added one after the other. */
static void emit_row(const printer *w, ag_source *to, int depth, int row, int terms)
{
    const place column = { "j", w->columns, 1 };
    char i[32];
    ag_emit(to, "%*s", 4 * depth, "");
    emit_element(to, "y", further(i, "i", row, w->rows, w->columns), column);
    ag_emit(to, " = ");
    emit_element(to, "y", further(i, "i", row, w->rows, w->columns), column);
    for (int n = 0; n < terms; n++) ag_emit(to, " + t%d * u%d", row * terms + n, n);
    ag_emit(to, ";\n");
}

/* The numbers of a that rows i, ... and terms k, ... need. */
static void emit_numbers(const printer *w, ag_source *to, int depth, int row, int terms)
{
    const char *from = is_turned(w) && in_panels(w) ? "panel + k" : "k";
    char i[32], k[32];
    ag_emit(to, "%*sconst %s ", 4 * depth, "", w->type);
    for (int n = 0; n < terms; n++) {
        ag_emit(to, "%st%d = %s", n ? ", " : "", row * terms + n, scaled(w->p) ? "factor * " : "");
        emit_element(to, "a", further(i, "i", row, w->rows, w->down[0]), further(k, from, n, w->inner, w->across[0]));
    }
    ag_emit(to, ";\n");
}

static void emit_terms(const printer *w, ag_source *to, int depth, int rows, int terms)
{
    for (int r = 0; r < rows; r++) emit_numbers(w, to, depth, r, terms);
    ag_emit(to, "%*sINDEPENDENT\n", 4 * depth, "");
    ag_emit(to, "%*sfor (j = 0; j < %lld; j++) {\n", 4 * depth, "", (long long)w->columns);
    emit_column(w, to, depth + 1, terms);
    for (int r = 0; r < rows; r++) emit_row(w, to, depth + 1, r, terms);
    ag_emit(to, "%*s}\n", 4 * depth, "");
}

/* From k on to `end`: four rows of b at a time, which the result is read and written once for, then those left. */
static void emit_inner(const printer *w, ag_source *to, int depth, int rows, const char *from, const char *end)
{
    const int fours = w->inner >= FOUR, left = w->inner % FOUR != 0;
    if (w->inner == 1) {
        emit_terms(w, to, depth, rows, 1);
        return;
    }
    if (fours) {
        ag_emit(to, "%*sfor (k = %s; k + %d <= %s; k += %d) {\n", 4 * depth, "", from, FOUR, end, FOUR);
        emit_terms(w, to, depth + 1, rows, FOUR);
        ag_emit(to, "%*s}\n", 4 * depth, "");
    }
    if (!left) return;
    if (fours) ag_emit(to, "%*sfor (; k < %s; k++) {\n", 4 * depth, "", end);
    else ag_emit(to, "%*sfor (k = %s; k < %s; k++) {\n", 4 * depth, "", from, end);
    emit_terms(w, to, depth + 1, rows, 1);
    ag_emit(to, "%*s}\n", 4 * depth, "");
}

/* Rows of the result, four at a time, then those left. */
static void emit_blocks(const printer *w, ag_source *to, int depth, const char *from, const char *end)
{
    if (w->rows >= FOUR) {
        ag_emit(to, "%*sfor (i = 0; i + %d <= %lld; i += %d) {\n", 4 * depth, "", FOUR, (long long)w->rows, FOUR);
        emit_inner(w, to, depth + 1, FOUR, from, end);
        ag_emit(to, "%*s}\n", 4 * depth, "");
    }
    if (w->rows == 1) emit_inner(w, to, depth, 1, from, end);
    if (w->rows == 1 || w->rows % FOUR == 0) return;
    ag_emit(to, w->rows >= FOUR ? "%*sfor (; i < %lld; i++) {\n" : "%*sfor (i = 0; i < %lld; i++) {\n", 4 * depth, "",
            (long long)w->rows);
    emit_inner(w, to, depth + 1, 1, from, end);
    ag_emit(to, "%*s}\n", 4 * depth, "");
}

/* The panel's rows of b, one after the other. */
static void emit_turning(const printer *w, ag_source *to, int depth, const char *end)
{
    const char *k = in_panels(w) ? "(panel + k)" : "k";
    ag_emit(to, "%*sfor (j = 0; j < %lld; j++)\n", 4 * depth, "", (long long)w->columns);
    ag_emit(to, "%*sfor (k = 0; k < %s; k++) turned[k * %lld + j] = ", 4 * depth + 4, "", end, (long long)w->columns);
    emit_element(to, "b", (place){ k, w->inner, w->down[1] }, (place){ "j", w->columns, w->across[1] });
    ag_emit(to, ";\n");
}

/* A panel of rows of b after the other. */
static void emit_rows(const printer *w, ag_source *to)
{
    const int wide = has_wide_sums(w), turned = is_turned(w), panels = in_panels(w), height = turned ? TURNED : PANEL;
    int depth = 0;
    char last[64], end[64];
    snprintf(last, sizeof last, wide ? "%lld && panel < part + %d" : "%lld", (long long)w->inner, MANY);
    snprintf(end, sizeof end, panels ? "end" : "%lld", (long long)w->inner);
    if (wide) open_part(w, to, w->rows * w->columns), depth++;
    else if (w->p->onto == AGI_NONE)
        ag_emit(to, "for (i = 0; i < %lld; i++) y[i] = 0;\n", (long long)(w->rows * w->columns));
    if (panels) {
        ag_emit(to, "%*sfor (panel = %s; panel < %s; panel += %d) {\n", 4 * depth, "", wide ? "part" : "0", last,
                height);
        ag_emit(to, "%*sconst int64_t end = ", 4 * ++depth, "");
        if (turned) ag_emit(to, "%lld - panel < %d ? %lld - panel : %d;\n", (long long)w->inner, height,
                            (long long)w->inner, height);
        else ag_emit(to, "panel + %d < %lld ? panel + %d : %lld;\n", height, (long long)w->inner, height,
                     (long long)w->inner);
    }
    if (turned) emit_turning(w, to, depth, end);
    emit_blocks(w, to, depth, panels && !turned ? "panel" : "0", end);
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
    else if (by_dots(w)) emit_dots(w, to);
    else emit_rows(w, to);
}

/* In the workspace: wide sums, then what is turned. */
static void emit_scratch(const printer *w)
{
    agi_emitter *e = w->e;
    int64_t wide = has_wide_sums(w) ? w->rows * w->columns * (int64_t)sizeof(double) : 0;
    int64_t rows = w->inner < TURNED ? w->inner : TURNED;
    int64_t turned = is_turned(w) ? rows * w->columns * (int64_t)ag_dtype_size(w->dtype) : 0;
    if (wide) agi_emit_scratch(e, "double", "wide", 0);
    if (turned) agi_emit_scratch(e, w->type, "turned", wide);
    if (wide + turned > e->scratch) e->scratch = wide + turned;
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
    emit_scratch(w);
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
