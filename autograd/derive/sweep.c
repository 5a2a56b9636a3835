/* The reverse sweep: nodes in reverse creation order, a topological order, each asked for its local gradient. */
#include "derive.h"
#include "control/loop.h"

/* A gradient that flows under a condition: in an evaluation where `active` is 0, none does, whatever `sum` comes to. So
 * 0 times the infinite slope of what no branch taken reads never gets in: where flows of different conditions meet,
 * what is not exactly 0 by itself then is replaced by 0. */
typedef struct conditional conditional;
typedef struct apart apart;
struct conditional {
    ag_node *sum, *active;
    apart *others;
    int exact; /* sum is 0 where active is */
    conditional *next;
};

/* Many contributions to one node: so many in a row become a sum, and sums of equally many are added in pairs. */
enum { IN_A_ROW = 64 };
typedef struct partial partial;
struct partial {
    ag_node *sum;
    int64_t rows;
    partial *next; /* of more rows */
};

/* Contributions that are better added together than one by one, once all are there: see `sum` of ag_op. */
struct apart {
    ag_node *node;
    apart *next; /* which came before it */
};

typedef struct {
    ag_node *active; /* NULL: always */
    int exact;
} condition;

typedef struct {
    ag_graph *graph;
    const char *what;     /* the call whose failures they are */
    agi_region between;   /* what the y are made of, as far as gradients flow; by place in it: */
    uint8_t *wanted;
    int as_written;       /* some x is no leaf: through the operands as written, not what is computed instead */
    int stops;            /* nothing flows on from the last so many of the x */
    int missing;          /* some have no rule */
    ag_node **gout;       /* what has flowed in so far, in this row, */
    uint8_t *added;       /* of so many, */
    partial **rows;       /* in full rows; NULL: there are none, */
    apart **others;       /* apart; NULL: nothing has, */
    conditional **under;  /* and under conditions; NULL: nothing has */
    agi_arena arena;
} sweep;

/* A contribution in the shape of x: summed over what broadcasting repeated, expanded where it is constant. */
static ag_node *fit(ag_node *g, const ag_node *x)
{
    int lead = g->rank - x->rank;
    if (!g->rank && !lead) return g;
    while (lead > 0) {
        ag_shape merged = { .rank = g->rank - lead + 1, .dim = { 1 } };
        for (int i = 0; i < g->rank; i++)
            if (i < lead) merged.dim[0] *= g->dim[i];
            else merged.dim[i - lead + 1] = g->dim[i];
        g = ag_sum_axis(lead > 1 ? ag_reshape(g, merged) : g, 0, 0);
        if (ag_is_bad(g)) return g;
        lead = 0;
    }
    lead = g->rank - x->rank; /* <= 0: x has more axes, g broadcasts */
    for (int i = 0; i < g->rank; i++)
        if (x->dim[i - lead] == 1 && g->dim[i] != 1) {
            g = ag_sum_axis(g, i, 1);
            if (ag_is_bad(g)) return g;
        }
    return ag_same_shape(g, x) ? g : ag_broadcast_to(g, ag_shape_in(x));
}

enum { WANTED = 1, STOPS = 2 };

/* Does the gradient flow on to the simpler node, without the rule? The sum is the same, but for nodes passed over. */
static int passes_on(const sweep *s, const ag_node *v)
{
    return v->rewritten && !s->as_written;
}

/* Does none of the gradient flow on? */
static int is_constant(const sweep *s, const ag_node *v)
{
    return v->op->gradient == ag_zero_gradient && !passes_on(s, v);
}

/* The inputs that gradients may flow to: of a rewritten node the operands or the simpler node; no definition. */
static uint32_t flows_to(const sweep *s, const ag_node *v, uint32_t *end)
{
    *end = passes_on(s, v) ? v->nin : agi_written_inputs(v);
    return passes_on(s, v) ? v->nin - 1 : 0;
}

static int flows_on(const sweep *s, const ag_node *v)
{
    return v->dtype != AG_I64 && !is_constant(s, v) && !agi_region_ends_at(&s->between, v);
}

/* 0: out of memory. */
static int find_between(sweep *s, int m, ag_node *const y[], int n, ag_node *const x[])
{
    agi_region *r = &s->between;
    uint32_t end;
    agi_region_start(r, &s->arena, s->graph, n, x, m, y);
    for (int i = n - s->stops; i < n; i++) agi_region_end_at(r, x[i]);
    for (const ag_node *v; (v = agi_region_next(r));)
        for (uint32_t k = flows_on(s, v) ? flows_to(s, v, &end) : v->nin; k < v->nin && k < end; k++)
            agi_region_add(r, v->in[k]);
    return !r->failed;
}

static void want(sweep *s, uint32_t at)
{
    const ag_node *v = s->between.node[at];
    s->wanted[at] = WANTED;
    s->missing |= v->nin && !v->op->gradient && !passes_on(s, v);
}

static void mark_wanted(sweep *s, int n, ag_node *const x[])
{
    const agi_region *r = &s->between;
    for (int i = 0; i < n; i++) {
        uint32_t at = agi_place_in(r, x[i]);
        if (at == AGI_NOWHERE) continue;
        if (i < n - s->stops) want(s, at);
        else s->wanted[at] = STOPS;
    }
    for (uint32_t at = r->count; at-- > 0;) {
        const ag_node *v = r->node[at];
        uint32_t end;
        if (!flows_on(s, v)) continue;
        for (uint32_t k = flows_to(s, v, &end); k < end && !s->wanted[at]; k++) {
            uint32_t from = agi_place_in(r, v->in[k]);
            if (from != AGI_NOWHERE && s->wanted[from]) want(s, at);
        }
    }
}

static int leads_on(const sweep *s, uint32_t at)
{
    return s->between.node[at]->nin && s->wanted[at] == WANTED;
}

static ag_status out_of_memory(const sweep *s)
{
    agi_fail(s->graph, AG_EMEM, "%s: out of memory", s->what);
    return AG_EMEM;
}

/* The nodes on the way without a rule: how many there are. */
static int list_missing(sweep *s)
{
    int missing = 0;
    agi_text t = { 0 };
    for (uint32_t at = 0; at < s->between.count; at++) {
        const ag_node *v = s->between.node[at];
        if (!leads_on(s, at) || v->op->gradient || passes_on(s, v)) continue;
        if (!missing && !s->graph->status) {
            agi_fail(s->graph, AG_ENOGRAD, "%s: no gradient rule for ", s->what);
            t = (agi_text){ s->graph->message + strlen(s->graph->message),
                            s->graph->message + sizeof s->graph->message };
        }
        agi_print(&t, missing ? ", " : "");
        if (t.at && v->name) agi_print(&t, "%s ", v->op->name);
        if (t.at) agi_print_node(&t, v);
        missing++;
    }
    return missing;
}

/* ---- conditions ------------------------------------------------------------------------------------------------- */

/* NULL: always. */
static ag_node *either(ag_node *a, ag_node *b)
{
    return !a || !b ? NULL : a == b ? a : agi_either(a, b);
}

static ag_node *both(ag_node *a, ag_node *b)
{
    return !a ? b : !b || a == b ? a : agi_both(a, b);
}

/* What nothing makes of a gradient of 0 but 0. */
static int keeps_zero(const ag_node *v)
{
    return (v->op->flags & (AG_VIEW | AG_CAST | AG_KEEPS_ZERO)) != 0;
}

static ag_node *add_up(ag_node *sum, ag_node *more)
{
    return sum ? ag_add(sum, more) : more;
}

static ag_status end_row(sweep *s, uint32_t i)
{
    if (!s->rows) s->rows = agi_arena_zeros(&s->arena, s->between.count, sizeof *s->rows);
    partial *row = s->rows ? agi_arena_take(&s->arena, sizeof *row) : NULL;
    if (!row) return out_of_memory(s);
    *row = (partial){ s->gout[i], 1, s->rows[i] };
    for (; row->next && row->next->rows == row->rows; row->next = row->next->next) {
        row->sum = ag_add(row->next->sum, row->sum);
        row->rows *= 2;
    }
    s->rows[i] = row;
    s->gout[i] = NULL;
    s->added[i] = 0;
    return AG_OK;
}

static ag_node *sum_of_rows(const sweep *s, uint32_t i)
{
    ag_node *sum = s->gout[i];
    for (const partial *p = s->rows ? s->rows[i] : NULL; p; p = p->next) sum = sum ? ag_add(p->sum, sum) : p->sum;
    return sum;
}

static ag_status set_apart(sweep *s, apart **list, ag_node *contribution)
{
    apart *a = agi_arena_take(&s->arena, sizeof *a);
    if (!a) return out_of_memory(s);
    *a = (apart){ contribution, *list };
    *list = a;
    return AG_OK;
}

/* The sum and all that was set apart, operation by operation, in the order it came. */
static ag_node *add_apart(sweep *s, ag_node *sum, const apart *list)
{
    int64_t n = 0;
    if (!list) return sum;
    for (const apart *a = list; a; a = a->next) n++;
    ag_node **all = agi_arena_take(&s->arena, (size_t)(2 * n) * sizeof *all), **same = all + n;
    if (!all) return agi_fail(s->graph, AG_EMEM, "%s: out of memory", s->what);
    for (int64_t k = n; k-- > 0; list = list->next) all[k] = list->node;
    while (n) {
        const ag_op *op = all[0]->op;
        int64_t count = 0, rest = 0;
        for (int64_t k = 0; k < n; k++) *(all[k]->op == op ? &same[count++] : &all[rest++]) = all[k];
        sum = add_up(sum, op->sum(count, same));
        n = rest;
    }
    return sum;
}

/* All that has flowed into the node of that place; NULL: nothing has. */
static ag_node *arrived(sweep *s, uint32_t at, condition *when)
{
    ag_node *sum = add_apart(s, sum_of_rows(s, at), s->others ? s->others[at] : NULL);
    conditional *c = s->under ? s->under[at] : NULL;
    *when = (condition){ 0 };
    if (!c) return sum;
    if (!sum) *when = (condition){ c->active, c->next ? 1 : c->exact };
    if (!sum && !c->next) return add_apart(s, c->sum, c->others);
    for (int always = sum != NULL; c; c = c->next) {
        ag_node *all = add_apart(s, c->sum, c->others);
        if (!always) when->active = either(when->active, c->active);
        sum = add_up(sum, c->exact ? all : agi_new_guard(c->active, all));
    }
    return sum;
}

static ag_status flow_under(sweep *s, uint32_t i, ag_node *fitted, condition when)
{
    if (!s->under) s->under = agi_arena_zeros(&s->arena, s->between.count, sizeof *s->under);
    if (!s->under) return out_of_memory(s);
    conditional *c = s->under[i];
    while (c && c->active != when.active) c = c->next;
    if (!c) {
        c = agi_arena_take(&s->arena, sizeof *c);
        if (!c) return out_of_memory(s);
        *c = (conditional){ .active = when.active, .exact = 1, .next = s->under[i] };
        s->under[i] = c;
    }
    c->exact &= when.exact;
    if (fitted->op->sum) return set_apart(s, &c->others, fitted);
    c->sum = add_up(c->sum, fitted);
    return AG_OK;
}

/* ---- the sweep -------------------------------------------------------------------------------------------------- */

static ag_status flow_apart(sweep *s, uint32_t i, ag_node *fitted)
{
    if (!s->others) s->others = agi_arena_zeros(&s->arena, s->between.count, sizeof *s->others);
    return s->others ? set_apart(s, &s->others[i], fitted) : out_of_memory(s);
}

static ag_status flow(sweep *s, ag_node *into, ag_node *contribution, condition when)
{
    uint32_t i = into->dtype == AG_I64 ? AGI_NOWHERE : agi_place_in(&s->between, into);
    if (i == AGI_NOWHERE || !s->wanted[i]) return AG_OK;
    ag_node **g = &s->gout[i];
    ag_node *fitted = ag_is_bad(contribution) ? contribution : fit(contribution, into);
    if (when.active && !ag_is_bad(fitted)) return flow_under(s, i, fitted, when);
    if (into->op->flags & AG_LOOP) return *g = agi_more_parts(*g, fitted), AG_OK;
    if (fitted->op->sum) return flow_apart(s, i, fitted);
    *g = *g ? ag_add(*g, fitted) : fitted;
    return ++s->added[i] < IN_A_ROW ? AG_OK : end_row(s, i);
}

/* Asks v for its gradient, and passes on what it says. */
static ag_status pass_on(sweep *s, ag_node *v, ag_node *gout, condition when)
{
    enum { FEW = 8 };
    if (passes_on(s, v)) return flow(s, agi_simple(v), gout, when);
    ag_node *few[FEW], **gin = v->nin <= FEW ? few : agi_arena_take(&s->arena, v->nin * sizeof *gin), **given = NULL;
    int chooses = v->op->flags & AG_CHOOSES;
    if (chooses) given = agi_arena_zeros(&s->arena, v->nin, sizeof *given);
    if (!gin || (chooses && !given)) return out_of_memory(s);
    memset(gin, 0, v->nin * sizeof *gin);
    if (when.active && !when.exact && v->op->flags & AG_PART) gout = agi_new_guard(when.active, gout), when.exact = 1;
    s->graph->flow_if = given;
    v->op->gradient(v, gout, gin);
    when.exact &= keeps_zero(v);
    if (when.active && v->op->flags & AG_PART) {
        gin[0] = agi_flow_apart(gin[0], when.active); /* the loop or branch asks each of its parts */
        when.active = NULL;
    }
    for (uint32_t k = 0; k < v->nin; k++) {
        if (!gin[k]) continue;
        ag_node *own = chooses ? given[k] : NULL;
        condition its = own ? (condition){ both(when.active, own), !when.active } : when;
        if (flow(s, v->in[k], gin[k], its)) return AG_EMEM;
    }
    return AG_OK;
}

static ag_status backwards(sweep *s)
{
    for (uint32_t at = 0; at < s->between.count; at++) {
        condition when;
        if (!leads_on(s, at)) continue;
        ag_node *gout = arrived(s, at, &when);
        if (gout && pass_on(s, s->between.node[at], gout, when)) return AG_EMEM;
    }
    return s->graph->status;
}

/* The gradient of x, and its condition: never active if nothing has arrived. */
static ag_node *total(sweep *s, const ag_node *x, ag_node **active)
{
    condition when = { 0 };
    uint32_t at = agi_place_in(&s->between, x);
    ag_node *d = at == AGI_NOWHERE ? NULL : arrived(s, at, &when);
    *active = d ? when.active : ag_number(s->graph, 0);
    if (!d) return ag_zeros_like(x);
    return when.active && !when.exact ? agi_new_guard(when.active, d) : d;
}

static ag_status run_sweep(sweep *s, int m, ag_node *const y[], ag_node *const w[], int n, ag_node *const x[],
                           ag_node *dx[], const agi_conditions *c)
{
    ag_graph *g = s->graph;
    const agi_region *outer = g->swept; /* a rule may sweep, too */
    const uint8_t *outer_wanted = g->wanted;
    ag_node **outer_flow_if = g->flow_if, *unasked;
    if (!find_between(s, m, y, n, x)) return out_of_memory(s);
    size_t count = s->between.count;
    s->wanted = agi_arena_zeros(&s->arena, count, 1);
    s->gout = agi_arena_zeros(&s->arena, count, sizeof *s->gout);
    s->added = agi_arena_zeros(&s->arena, count, 1);
    if (!s->wanted || !s->gout || !s->added || !agi_note_sweep(g)) return out_of_memory(s);
    mark_wanted(s, n, x);
    if (s->missing && list_missing(s)) return g->status;
    for (int k = 0; k < m; k++)
        if (flow(s, y[k], w[k], (condition){ c && c->under ? c->under[k] : NULL, 1 })) return AG_EMEM;
    g->swept = &s->between;
    g->wanted = s->wanted;
    ag_status status = backwards(s);
    g->swept = outer;
    g->wanted = outer_wanted;
    g->flow_if = outer_flow_if;
    if (status) return status;
    for (int i = 0; i < n; i++) dx[i] = total(s, x[i], c ? &c->active[i] : &unasked);
    return g->status;
}

ag_status agi_sweep(const char *what, ag_graph *g, int m, ag_node *const y[], ag_node *const w[], int n,
                    ag_node *const x[], ag_node *dx[], int stops, const agi_conditions *c)
{
    sweep s = { .graph = g, .what = what, .stops = stops };
    const uint32_t first = (uint32_t)g->nnodes;
    for (int i = 0; i < n; i++) s.as_written |= x[i]->nin > 0;
    agi_arena_init(&s.arena, &g->allocator);
    g->inside++;
    ag_status status = run_sweep(&s, m, y, w, n, x, dx, c);
    if (!g->swept && !agi_note_derived(g, first) && !status) /* sweeps inside of sweeps are theirs */
        status = out_of_memory(&s);
    g->inside--;
    agi_arena_free(&s.arena);
    return status;
}
