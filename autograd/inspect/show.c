/* A plan to read: every step with its operations, shapes, buffers, bytes and flops moved, and the totals. */
#include "steps.h"

typedef struct {
    FILE *to;
    const ag_plan *plan;
    double bytes, flops;
} writer;

static void show_shape(FILE *to, const ag_node *x)
{
    fprintf(to, "%s[", agi_type_name((ag_dtype)x->dtype));
    for (int i = 0; i < x->rank; i++) fprintf(to, i ? ",%lld" : "%lld", (long long)x->dim[i]);
    fputc(']', to);
}

static void show_node(FILE *to, const ag_node *x)
{
    if (x->name) fprintf(to, "'%s' ", x->name);
    else fprintf(to, "%s#%u ", x->op->name, x->id);
    show_shape(to, x);
}

static void show_buffer(const writer *w, uint32_t b)
{
    const agi_buffer *x = &w->plan->buffer[b];
    fprintf(w->to, "@%lld", (long long)x->offset);
    if (x->node) {
        fputc(' ', w->to);
        show_node(w->to, x->node);
    }
}

/* ---- passes ----------------------------------------------------------------------------------------------------- */

static const char *const access_names[] = { "", " uniform", " repeated by rows", " gathered" };
static const char *const fold_names[] = { "sum", "prod", "max", "min" };

static void show_load(const writer *w, const agi_load *l)
{
    fprintf(w->to, "    r%-3u = load ", l->reg);
    show_buffer(w, l->buffer);
    if (l->walk.offset) fprintf(w->to, " from element %lld", (long long)l->walk.offset);
    fprintf(w->to, "%s%s%s\n", access_names[l->access], l->walk.bounded ? " among zeros" : "",
            l->row ? ", an element a row" : "");
}

static void show_micro(const writer *w, const agi_micro *m)
{
    fprintf(w->to, "    r%-3u = ", m->out);
    if (m->kind == AGI_EXPAND) fprintf(w->to, "expand r%u along its row\n", m->a);
    else if (m->kind == AGI_FOLD_ROWS) fprintf(w->to, "%s of rows of r%u\n", fold_names[m->fold], m->a);
    else {
        fprintf(w->to, "%s r%u", m->op->name, m->a);
        if (m->op->inputs > 1) fprintf(w->to, " r%u", m->b);
        if (m->op->inputs > 2) fprintf(w->to, " r%u", m->c);
        fprintf(w->to, "%s\n", m->row ? ", an element a row" : "");
    }
}

static void show_pass(const writer *w, const agi_pass *g)
{
    static const char *const modes[] = { "everything", "columns", "long rows" };
    fprintf(w->to, "pass over %lld x %lld %s, tiles %lld x %lld, blocks %lld, registers %d + %d\n", (long long)g->rows,
            (long long)g->columns, agi_type_name(g->dtype), (long long)g->tile_rows, (long long)g->tile_columns,
            (long long)g->blocks, g->full_slots, g->row_slots);
    for (int k = 0; k < g->nloads; k++) show_load(w, &g->load[k]);
    for (int k = 0; k < g->nmicros; k++) show_micro(w, &g->micro[k]);
    for (int k = 0; k < g->nstores; k++) {
        fprintf(w->to, "    store r%u to ", g->store[k].reg);
        show_buffer(w, g->store[k].buffer);
        if (g->store[k].inlaid)
            fprintf(w->to, " from element %lld by %lld", (long long)g->store[k].offset, (long long)g->store[k].stride);
        fputc('\n', w->to);
    }
    for (int k = 0; k < g->nfolds; k++) {
        const agi_fold_end *e = &g->fold[k];
        fprintf(w->to, "    %s of %s of r%u to ", fold_names[e->fold], modes[e->mode], e->reg);
        show_buffer(w, e->buffer);
        fputc('\n', w->to);
    }
}

/* ---- the other steps -------------------------------------------------------------------------------------------- */

const char *agi_code_name(uint32_t code)
{
    static const char *const own[] = { "move", "sum", "prod", "max", "min", "muladd" };
    static const ag_op *const registry[] = {
#define NODE(name) &agi_##name,
#include "nodes.def"
#undef NODE
    };
    if (code >= AGI_MOVE) return own[code - AGI_MOVE];
    for (size_t k = 0; k < sizeof registry / sizeof registry[0]; k++)
        if (registry[k]->code == (int)code) return registry[k]->name;
    return "?";
}

static void show_program(const writer *w, const agi_program *p)
{
    enum { MOST = 200 };
    fprintf(w->to, "program of %lld %s instructions\n", (long long)p->count, agi_type_name(p->dtype));
    for (int64_t k = 0; k < p->count && k < MOST; k++) {
        const agi_instruction *i = &p->code[k];
        fprintf(w->to, "    m%u = %s m%u m%u m%u\n", i->out, agi_code_name(i->code), i->a, i->b, i->c);
    }
    if (p->count > MOST) fprintf(w->to, "    ... and %lld more\n", (long long)p->count - MOST);
}

void agi_show_reading(FILE *to, const agi_reading *r)
{
    static const char *const way[] = { "tiles", "dot products", "tiles of dot products", "sums of rows" };
    static const char *const place[] = { "packed", "in place", "in place" };
    fprintf(to, "by %s", way[r->way]);
    if (r->turned) fprintf(to, " of the transposes");
    if (r->way != AGI_TILES) return;
    fprintf(to, ", a %s, b %s", place[r->turned ? r->b : r->a], place[r->turned ? r->a : r->b]);
}

static void show_product(const writer *w, const agi_product *p)
{
    fprintf(w->to, "product ");
    show_node(w->to, p->node);
    fprintf(w->to, "\n    a ");
    show_buffer(w, p->a);
    fprintf(w->to, "\n    b ");
    show_buffer(w, p->b);
    fprintf(w->to, "\n    to ");
    show_buffer(w, p->out);
    fprintf(w->to, "\n    ");
    agi_show_reading(w->to, &p->reading);
    if (p->onto != AGI_NONE) {
        fprintf(w->to, "\n    onto ");
        show_buffer(w, p->onto);
        fprintf(w->to, ", times %g times ", p->alpha);
        show_buffer(w, p->scale);
    }
    fputc('\n', w->to);
}

static void show_call(const writer *w, const agi_call *c)
{
    fprintf(w->to, "call ");
    show_node(w->to, c->node);
    for (int k = 0; k < c->n; k++) {
        fprintf(w->to, "\n    of ");
        if (c->in[k] == AGI_NONE) fprintf(w->to, "what lies there already");
        else show_buffer(w, c->in[k]);
    }
    fprintf(w->to, "\n    to ");
    show_buffer(w, c->out);
    if (c->node->op->way) fprintf(w->to, "\n    by %s", c->node->op->way(c->node, c->stride, w->plan->options.isa));
    if (c->idle) fprintf(w->to, "\n    where nothing is left to do");
    if (c->ending) fprintf(w->to, "\n    which does the next step before it stores");
    if (c->worth_threads) fprintf(w->to, "\n    in up to %lld pieces at once", (long long)c->pieces);
    fputc('\n', w->to);
}

static void show_copy(const writer *w, const agi_copy *c)
{
    fprintf(w->to, "copy ");
    show_buffer(w, c->from);
    fprintf(w->to, " to ");
    show_buffer(w, c->to);
    fputc('\n', w->to);
}

static void show_steps(writer *w);

static void show_loop(writer *w, const agi_loop_step *l)
{
    const ag_plan *outer = w->plan;
    fprintf(w->to, "%s ", l->node->op->name);
    show_buffer(w, l->out);
    fprintf(w->to, l->native ? ", compiled as a whole\n" : "\n");
    for (int b = 0; b < 2; b++) {
        if (!l->body[b]) continue;
        fprintf(w->to, "  body %d {\n", b);
        w->plan = l->body[b];
        show_steps(w);
        w->plan = outer;
        fprintf(w->to, "  }\n");
    }
}

/* Of a native plan: is the step compiled, and if not, why? The plan's note says it of all. */
static const char *way_of(const ag_plan *p, const agi_step *s)
{
    if (!p->options.native || s->kind == AGI_LOOP) return "";
    if (s->kind == AGI_PASS ? s->is.pass->native != NULL : s->kind == AGI_PROGRAM && s->is.program->native)
        return ", compiled";
    if (s->kind == AGI_PRODUCT) return ", by the library's kernels for products";
    if (s->kind == AGI_CALL) return ", by the operation's own kernel";
    if (s->kind == AGI_COPY) return ", copied";
    return ", interpreted: it has no text in C, is too long, or for the reason noted";
}

static void show_step(writer *w, int k)
{
    const agi_step *s = &w->plan->step[k];
    const agi_cost cost = agi_cost_of(w->plan, s);
    fprintf(w->to, "%d: ", k);
    switch (s->kind) {
    case AGI_PASS: show_pass(w, s->is.pass); break;
    case AGI_PROGRAM: show_program(w, s->is.program); break;
    case AGI_PRODUCT: show_product(w, s->is.product); break;
    case AGI_CALL: show_call(w, s->is.call); break;
    case AGI_COPY: show_copy(w, &s->is.copy); break;
    case AGI_LOOP: show_loop(w, s->is.loop); return;
    }
    fprintf(w->to, "    %.0f bytes, %.0f flops%s\n", cost.bytes, cost.flops, way_of(w->plan, s));
    w->bytes += cost.bytes;
    w->flops += cost.flops;
}

static void show_band(const writer *w, const agi_band *b)
{
    fprintf(w->to, "together, %lld of %lld rows at a time: steps", (long long)b->height, (long long)b->rows);
    for (int k = b->first; k < b->end; k++)
        if (w->plan->step[k].banded == AGI_IN_BAND) fprintf(w->to, " %d", k);
    fputc('\n', w->to);
}

static void show_steps(writer *w)
{
    const agi_band *b = w->plan->band, *behind = b + w->plan->nbands;
    for (int k = 0; k < w->plan->nsteps; k++) {
        if (b < behind && k == b->first) show_band(w, b++);
        show_step(w, k);
    }
}

/* Of each operation how many are computed again. */
static void show_rematerialised(const writer *w)
{
    const agi_rematerialised *a = &w->plan->remade;
    fprintf(w->to, "computed again for derivatives: %d operations, %.0f flops; ", a->operations, a->flops);
    fprintf(w->to, "kept instead, a run would take %zu bytes\n", a->bytes_without);
    for (int k = 0; k < a->operations; k++) {
        const ag_op *op = a->node[k]->op;
        int count = 0, before = 0;
        for (int j = 0; j < a->operations; j++) {
            count += a->node[j]->op == op;
            before += j < k && a->node[j]->op == op;
        }
        if (!before) fprintf(w->to, "    %d %s\n", count, op->name);
    }
}

int ag_write_text(FILE *to, const ag_plan *p)
{
    if (!to || !p) return -1;
    writer w = { .to = to, .plan = p };
    if (p->native) fprintf(to, "native code: %s\n", p->native_note(p->native));
    if (*ag_plan_note(p)) fprintf(to, "note: %s\n", ag_plan_note(p));
    show_steps(&w);
    fprintf(to, "%d steps, %u buffers; a run takes %zu bytes; an evaluation moves %.0f bytes, %.0f flops\n", p->nsteps,
            p->nbuffers, ag_plan_bytes(p), w.bytes, w.flops);
    if (p->remade.operations) show_rematerialised(&w);
    return ferror(to) ? -1 : 0;
}
