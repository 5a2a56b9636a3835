/* What was measured of a run, as tables: by step, by operation, by scope. A loop's time is its own, without its bodies'
 * steps, so that all rows add up. */
#include "steps.h"
#include "run/profile.h"

#include <stdlib.h>

enum { MOST_ROWS = 40 };

/* A step of the run or of a body. */
typedef struct {
    const ag_plan *plan;
    int step, depth;
    int64_t count, nanoseconds, whole; /* whole: with bodies */
} timed;

/* A row of a table: what has one name. */
typedef struct {
    const char *name;
    uint32_t scope;
    double nanoseconds, flops, bytes, count;
} row;

typedef struct {
    FILE *f;
    const ag_run *run;
    double evaluations;
    agi_arena arena;
    agi_map map;
    agi_vector steps, rows; /* timed; row */
    int failed;
} tables;

/* ---- gathering --------------------------------------------------------------------------------------------------- */

static int64_t time_of_steps(const ag_run *r)
{
    int64_t sum = 0;
    for (int k = 0; k < r->plan->nsteps; k++) sum += r->times->step[k].nanoseconds;
    return sum;
}

/* Bodies are as deep as AGI_DEEPEST_LOOP at most. */
static void gather(tables *t, const ag_run *r, int depth)
{
    for (int k = 0; k < r->plan->nsteps && !t->failed; k++) {
        const agi_step *s = &r->plan->step[k];
        const agi_step_time *x = &r->times->step[k];
        timed it = { r->plan, k, depth, x->count, x->nanoseconds, x->nanoseconds };
        for (int b = 0; s->kind == AGI_LOOP && b < 2; b++)
            if (s->is.loop->body[b]) it.nanoseconds -= time_of_steps(r->bodies[s->is.loop->first_run + b]);
        t->failed |= !agi_vector_grow(t->arena.allocator, &t->steps, sizeof it, 1);
        if (t->failed) return;
        ((timed *)t->steps.data)[t->steps.count++] = it;
        for (int b = 0; s->kind == AGI_LOOP && b < 2; b++)
            if (s->is.loop->body[b]) gather(t, r->bodies[s->is.loop->first_run + b], depth + 1);
    }
}

static agi_cost cost_of(const timed *x)
{
    const agi_cost c = agi_cost_of(x->plan, &x->plan->step[x->step]);
    return (agi_cost){ c.bytes * (double)x->count, c.flops * (double)x->count };
}

static row *row_of(tables *t, const char *name, uint32_t scope)
{
    row *rows = t->rows.data;
    for (int64_t k = 0; k < t->rows.count; k++)
        if (name ? !strcmp(rows[k].name, name) : rows[k].scope == scope) return &rows[k];
    t->failed |= !agi_vector_grow(t->arena.allocator, &t->rows, sizeof(row), 1);
    if (t->failed) return NULL;
    rows = t->rows.data;
    rows[t->rows.count] = (row){ .name = name, .scope = scope };
    return &rows[t->rows.count++];
}

static void add_share(row *to, const timed *x, double share)
{
    const agi_cost c = cost_of(x);
    if (!to) return;
    to->nanoseconds += (double)x->nanoseconds * share;
    to->flops += c.flops * share, to->bytes += c.bytes * share;
    to->count += (double)x->count * share;
}

static void add_operations(tables *t, const timed *x)
{
    const agi_step *s = &x->plan->step[x->step];
    int64_t n = 0;
    while (agi_step_operation(s, n)) n++;
    for (int64_t k = 0; k < n; k++) add_share(row_of(t, agi_step_operation(s, k), 0), x, 1 / (double)n);
}

/* The place of a node, or of what was made next: what a definition is made of is not on the map, what it defines is. */
static uint32_t place_near(const agi_map *m, const ag_node *v)
{
    uint32_t low = 0, high = m->region.count; /* from the last made on: the last of those at least as late */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (m->region.node[middle]->id >= v->id) low = middle + 1;
        else high = middle;
    }
    return low ? low - 1 : 0;
}

static uint32_t scope_of_buffer(const tables *t, const ag_plan *p, uint32_t b)
{
    const ag_node *v = p->buffer[b].node;
    return v && t->map.region.count ? t->map.scope[place_near(&t->map, v)] : 0;
}

static void add_scopes(tables *t, const timed *x)
{
    uint32_t b;
    int n = 0;
    while (agi_step_writes(x->plan, x->step, n) != AGI_NONE) n++;
    if (!n) add_share(row_of(t, NULL, 0), x, 1);
    for (int k = 0; k < n && (b = agi_step_writes(x->plan, x->step, k)) != AGI_NONE; k++)
        add_share(row_of(t, NULL, scope_of_buffer(t, x->plan, b)), x, 1 / (double)n);
}

/* "3 of a body, lstm: ": the step, and the scope of what it makes. */
static void write_place(const tables *t, const timed *x)
{
    const uint32_t b = agi_step_writes(x->plan, x->step, 0), scope = b == AGI_NONE ? 0 : scope_of_buffer(t, x->plan, b);
    char room[256] = "";
    agi_text text = { room, room + sizeof room };
    agi_print_scope(&text, &t->map, scope);
    fprintf(t->f, "%d%s%s%s: ", x->step, x->depth ? " of a body" : "", *room ? ", " : "", room);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void write_rates(const tables *t, double nanoseconds, double flops, double bytes, double count)
{
    const double all = (double)t->run->times->log->nanoseconds, us = nanoseconds / t->evaluations / 1000;
    fprintf(t->f, "%12.3f %6.1f %10.4g", us, all > 0 ? 100 * nanoseconds / all : 0, count / t->evaluations);
    if (nanoseconds > 0) fprintf(t->f, " %9.3f %9.3f  ", flops / nanoseconds, bytes / nanoseconds);
    else fprintf(t->f, " %9s %9s  ", "-", "-");
}

static void write_head(const tables *t, const char *what)
{
    fprintf(t->f, "\n%12s %6s %10s %9s %9s  %s\n", "us", "%", "times", "GFLOP/s", "GB/s", what);
}

static int by_time(const void *a, const void *b)
{
    const row *x = a, *y = b;
    return (x->nanoseconds < y->nanoseconds) - (x->nanoseconds > y->nanoseconds);
}

static int by_own_time(const void *a, const void *b)
{
    const timed *x = *(const timed *const *)a, *y = *(const timed *const *)b;
    return (x->nanoseconds < y->nanoseconds) - (x->nanoseconds > y->nanoseconds);
}

static void write_steps(tables *t)
{
    const timed **order = agi_arena_take(&t->arena, (size_t)(t->steps.count + 1) * sizeof *order);
    if (!order) {
        t->failed = 1;
        return;
    }
    for (int64_t k = 0; k < t->steps.count; k++) order[k] = (const timed *)t->steps.data + k;
    qsort(order, (size_t)t->steps.count, sizeof *order, by_own_time);
    write_head(t, "step");
    for (int64_t k = 0; k < t->steps.count && k < MOST_ROWS; k++) {
        const agi_cost c = cost_of(order[k]);
        char name[160] = "";
        agi_text text = { name, name + sizeof name };
        agi_print_step(&text, order[k]->plan, &order[k]->plan->step[order[k]->step]);
        write_rates(t, (double)order[k]->nanoseconds, c.flops, c.bytes, (double)order[k]->count);
        write_place(t, order[k]);
        fprintf(t->f, "%s", name);
        fputs(order[k]->whole != order[k]->nanoseconds ? ", without its bodies' steps\n" : "\n", t->f);
    }
    if (t->steps.count > MOST_ROWS)
        fprintf(t->f, "%12s and %lld steps more\n", "", (long long)t->steps.count - MOST_ROWS);
}

static void write_operations(tables *t)
{
    t->rows.count = 0;
    for (int64_t k = 0; k < t->steps.count && !t->failed; k++) add_operations(t, (const timed *)t->steps.data + k);
    if (t->failed || !t->rows.count) return;
    qsort(t->rows.data, (size_t)t->rows.count, sizeof(row), by_time);
    write_head(t, "operation, a step of several being shared out among them");
    for (int64_t k = 0; k < t->rows.count; k++) {
        const row *x = (const row *)t->rows.data + k;
        write_rates(t, x->nanoseconds, x->flops, x->bytes, x->count);
        fprintf(t->f, "%s\n", x->name);
    }
}

/* With all scopes inside. */
static row sum_of_scope(const tables *t, uint32_t scope)
{
    row sum = { .scope = scope };
    for (int64_t k = 0; k < t->rows.count; k++) {
        const row *x = (const row *)t->rows.data + k;
        uint32_t at = x->scope;
        while (at && at != scope) at = agi_scope_at(&t->map, at)->parent;
        if (at != scope) continue;
        sum.nanoseconds += x->nanoseconds, sum.flops += x->flops, sum.bytes += x->bytes, sum.count += x->count;
    }
    return sum;
}

static void write_scopes(tables *t)
{
    t->rows.count = 0;
    for (int64_t k = 0; k < t->steps.count && !t->failed; k++) add_scopes(t, (const timed *)t->steps.data + k);
    if (t->failed || t->map.scopes.count < 2) return;
    write_head(t, "scope, with those inside");
    for (uint32_t k = 0; k != AGI_NOWHERE;) {
        const agi_scope *s = agi_scope_at(&t->map, k);
        const row sum = sum_of_scope(t, k);
        if (sum.count > 0) {
            write_rates(t, sum.nanoseconds, sum.flops, sum.bytes, sum.count);
            fprintf(t->f, "%*s%.*s\n", 2 * (int)s->depth, "", k ? (int)s->length : 7, k ? s->name : "(whole)");
        }
        if (s->child != AGI_NOWHERE) k = s->child;
        else {
            while (k && agi_scope_at(&t->map, k)->next == AGI_NOWHERE) k = agi_scope_at(&t->map, k)->parent;
            k = k ? agi_scope_at(&t->map, k)->next : AGI_NOWHERE;
        }
    }
}

static int write_tables(tables *t)
{
    const agi_profile_log *log = t->run->times->log;
    t->evaluations = log->evaluations ? (double)log->evaluations : 1;
    const double each = (double)log->nanoseconds / t->evaluations;
    agi_cost all = { 0, 0 };
    gather(t, t->run, 0);
    if (t->failed) return 0;
    for (int64_t k = 0; k < t->steps.count; k++) {
        const agi_cost c = cost_of((const timed *)t->steps.data + k);
        all.flops += c.flops, all.bytes += c.bytes;
    }
    fprintf(t->f, "%lld evaluations of %.3f us each, of which %.3f are between steps", (long long)log->evaluations,
            each / 1000, (each - (double)time_of_steps(t->run) / t->evaluations) / 1000);
    if (log->nanoseconds) fprintf(t->f, "; %.3f GFLOP/s, %.3f GB/s", all.flops / (double)log->nanoseconds,
                                  all.bytes / (double)log->nanoseconds);
    fputc('\n', t->f);
    write_steps(t);
    write_operations(t);
    write_scopes(t);
    return !t->failed;
}

int ag_write_profile(FILE *f, const ag_run *r)
{
    if (!f || !r || !r->times) return -1;
    const ag_plan *p = r->plan;
    tables t = { .f = f, .run = r };
    agi_arena_init(&t.arena, &p->allocator);
    const int done = agi_map_make(&t.map, &t.arena, p->output[0]->graph, p->noutputs, p->computed) && write_tables(&t);
    agi_release(&p->allocator, t.steps.data);
    agi_release(&p->allocator, t.rows.data);
    if (t.map.arena) agi_map_free(&t.map);
    agi_arena_free(&t.arena);
    return done && !ferror(f) ? 0 : -1;
}
