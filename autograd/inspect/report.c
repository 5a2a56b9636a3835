/* A plan in short: what it does and costs, its memory, what was fused, shared and computed again, and what was not. */
#include "traffic.h"

enum { MOST_LINES = 12 };

typedef struct {
    FILE *f;
    const ag_plan *plan;
    agi_arena arena;
    agi_map map;       /* of the outputs */
    agi_vector traffic; /* agi_traffic */
} report;

/* ---- amounts ----------------------------------------------------------------------------------------------------- */

static const char *amount(char text[32], double x, const char *unit)
{
    static const char *const prefix[] = { "", "k", "M", "G", "T", "P" };
    int k = 0;
    for (; x >= 999.5 && k < 5; k++) x /= 1000;
    snprintf(text, 32, k ? "%.3g %s%s" : "%.0f %s%s", x, prefix[k], unit);
    return text;
}

#define BYTES(x) amount((char[32]){ 0 }, (double)(x), "B")
#define FLOPS(x) amount((char[32]){ 0 }, (x), "flop")

static void name_node(const report *r, const ag_node *v)
{
    char room[320] = "";
    agi_text t = { room, room + sizeof room };
    agi_print_node(&t, v);
    fputs(room, r->f);
}

static const char *step_name(const ag_plan *p, int k, char room[160])
{
    agi_text t = { room, room + 160 };
    *room = 0;
    agi_print_step(&t, p, &p->step[k]);
    return room;
}
#define STEP(p, k) step_name((p), (k), (char[160]){ 0 })

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void write_kinds(const report *r)
{
    const ag_plan *p = r->plan;
    for (int kind = AGI_PASS; kind <= AGI_LOOP; kind++) {
        agi_cost sum = { 0, 0 };
        int n = 0;
        for (int k = 0; k < p->nsteps; k++) {
            if ((int)p->step[k].kind != kind) continue;
            const agi_cost c = agi_cost_of_all(p, &p->step[k]);
            sum.bytes += c.bytes, sum.flops += c.flops, n++;
        }
        if (n) fprintf(r->f, "  %-10s %6d  %12s %12s\n", agi_step_kind_name((agi_step_kind)kind), n, FLOPS(sum.flops),
                       BYTES(sum.bytes));
    }
}

static void write_loops(const report *r, const ag_plan *p, int depth)
{
    for (int k = 0; k < p->nsteps; k++) {
        if (p->step[k].kind != AGI_LOOP) continue;
        const agi_loop_step *l = p->step[k].is.loop;
        fprintf(r->f, "%*sstep %d: %s%s\n", 2 * depth, "", k, STEP(p, k), l->native ? ", compiled as a whole" : "");
        for (int b = 0; b < 2; b++) {
            if (!l->body[b]) continue;
            const agi_cost c = agi_cost_of_plan(l->body[b]);
            fprintf(r->f, "%*sbody %d, steps: %d, each time %s, %s\n", 2 * depth + 2, "", b, l->body[b]->nsteps,
                    FLOPS(c.flops), BYTES(c.bytes));
            write_loops(r, l->body[b], depth + 1);
        }
    }
}

static void write_steps(const report *r)
{
    static const char *const isa[] = { "", "baseline", "AVX2 and FMA", "AVX-512" };
    const ag_plan *p = r->plan;
    const agi_cost all = agi_cost_of_plan(p);
    const int best = agi_best_isa(), its = p->options.isa && p->options.isa < best ? p->options.isa : best;
    int worth = 0, loops = 0;
    for (int k = 0; k < p->nsteps; k++) {
        worth += (p->step[k].kind == AGI_PASS && p->step[k].is.pass->worth_threads)
                 || (p->step[k].kind == AGI_CALL && p->step[k].is.call->worth_threads);
        loops += p->step[k].kind == AGI_LOOP;
    }
    fprintf(r->f, "steps: %d; kernels for %s; threads: %d", p->nsteps, isa[its], agi_threads_of(p));
    if (agi_threads_of(p) > 1) fprintf(r->f, ", which share %d passes and calls, and large products", worth);
    fputc('\n', r->f);
    if (p->native) fprintf(r->f, "native code: %s\n", p->native_note(p->native));
    if (p->note) fprintf(r->f, "note: %s\n", p->note);
    fprintf(r->f, "one evaluation: %s, %s read and written\n", FLOPS(all.flops), BYTES(all.bytes));
    write_kinds(r);
    if (loops) fputs("loops, as often as they go round at most\n", r->f);
    write_loops(r, p, 1);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Bytes of the values that live at a step; in place of one another they count once. */
static int64_t live_at(const ag_plan *p, int step)
{
    int64_t sum = 0;
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        const agi_buffer *x = &p->buffer[b];
        if (x->shares != AGI_NONE || x->in_loop) continue;
        const int always = x->role == AGI_CONSTANT || x->role == AGI_LEAF;
        if (always || ((int)x->first <= step && ((int)x->last >= step || x->held))) sum += x->bytes;
    }
    return sum;
}

static void write_largest(const report *r, int step)
{
    const ag_plan *p = r->plan;
    uint32_t last = AGI_NONE;
    for (int n = 0; n < 5; n++) {
        uint32_t found = AGI_NONE;
        for (uint32_t b = 0; b < p->nbuffers; b++) {
            const agi_buffer *x = &p->buffer[b];
            if (!x->node || x->shares != AGI_NONE || x->in_loop || !x->bytes) continue;
            if (x->role == AGI_VALUE && ((int)x->first > step || ((int)x->last < step && !x->held))) continue;
            const int after = last == AGI_NONE || x->bytes < p->buffer[last].bytes
                              || (x->bytes == p->buffer[last].bytes && b > last);
            if (after && (found == AGI_NONE || x->bytes > p->buffer[found].bytes)) found = b;
        }
        if (found == AGI_NONE) return;
        fprintf(r->f, "    %10s  ", BYTES(p->buffer[found].bytes));
        name_node(r, p->buffer[found].node);
        fputc('\n', r->f);
        last = found;
    }
}

static void write_memory(const report *r)
{
    const ag_plan *p = r->plan;
    int64_t all = 0, most = -1;
    int in_place = 0, at = 0;
    for (uint32_t b = 0; b < p->nbuffers; b++) {
        if (!p->buffer[b].in_loop) all += p->buffer[b].bytes;
        in_place += p->buffer[b].shares != AGI_NONE;
    }
    for (int k = 0; k < p->nsteps; k++) {
        const int64_t live = live_at(p, k);
        if (live > most) most = live, at = k;
    }
    fprintf(r->f, "a run takes %s: %s for values, %s of scratch memory a thread\n", BYTES(ag_plan_bytes(p)),
            BYTES(p->block_bytes), BYTES(p->scratch_bytes));
    fprintf(r->f, "  %u values of %s together share it; %d are made in place of an operand\n", p->nbuffers, BYTES(all),
            in_place);
    if (!p->nsteps) return;
    fprintf(r->f, "  most, %s, is in use at step %d, %s; the largest then:\n", BYTES(most), at, STEP(p, at));
    write_largest(r, at);
}

/* ---- what became of the graph ------------------------------------------------------------------------------------ */

static void write_fused(const report *r)
{
    const ag_plan *p = r->plan;
    int64_t in_passes = 0, nodes = 0, moves = 0, simpler = 0, compiled = 0;
    int passes = 0;
    for (uint32_t at = 0; at < r->map.region.count; at++) {
        const ag_node *v = r->map.region.node[at];
        nodes += !(v->op->flags & AG_LEAF);
        moves += (v->op->flags & AG_VIEW) != 0;
        simpler += v->rewritten;
    }
    for (int k = 0; k < p->nsteps; k++) {
        const agi_step *s = &p->step[k];
        int64_t n = 0;
        while (s->kind == AGI_PASS && agi_step_operation(s, n)) n++;
        in_passes += n, passes += s->kind == AGI_PASS;
        compiled += (s->kind == AGI_PASS && s->is.pass->native) || (s->kind == AGI_PROGRAM && s->is.program->native)
                    || (s->kind == AGI_LOOP && s->is.loop->native);
    }
    fprintf(r->f, "the graph has %lld operations below the outputs; views, which are ways to walk memory: %lld;\n"
                  "  computed as something simpler: %lld\n", (long long)nodes, (long long)moves, (long long)simpler);
    fprintf(r->f, "fused: %lld pointwise operations and reductions in %d passes; bands of steps by rows: %d\n",
            (long long)in_passes, passes, p->nbands);
    for (int k = 0; k < p->nsteps; k++)
        if (p->step[k].kind == AGI_PROGRAM)
            fprintf(r->f, "  step %d computes %lld results of few elements one by one, %lld calls as vectors\n", k,
                    (long long)p->step[k].is.program->count, (long long)p->step[k].is.program->vector_calls);
    if (p->options.native)
        fprintf(r->f, "compiled to machine code: %lld of %d steps\n", (long long)compiled, p->nsteps);
    if (p->remade.operations)
        fprintf(r->f, "computed again for derivatives: %d operations, %s; a run would take %s without\n",
                p->remade.operations, FLOPS(p->remade.flops), BYTES(p->remade.bytes_without));
}

static void write_products(const report *r)
{
    const ag_plan *p = r->plan;
    for (int k = 0, n = 0; k < p->nsteps; k++) {
        const agi_step *s = &p->step[k];
        if (s->kind != AGI_PRODUCT && !(s->kind == AGI_CALL && s->is.call->node->op->way)) continue;
        if (n++ == 0) fputs("products and convolutions, by kernels of the library's own\n", r->f);
        const ag_node *v = s->kind == AGI_PRODUCT ? s->is.product->node : s->is.call->node;
        fprintf(r->f, "  step %d: ", k);
        name_node(r, v);
        fprintf(r->f, ", %s, ", FLOPS(agi_cost_of(p, s).flops));
        if (s->kind == AGI_PRODUCT) agi_show_reading(r->f, &s->is.product->reading);
        else fprintf(r->f, "by %s", v->op->way(v, s->is.call->stride, p->options.isa));
        if (s->kind == AGI_PRODUCT && s->is.product->onto != AGI_NONE) fputs(", added onto what is there", r->f);
        fputc('\n', r->f);
    }
}

static void write_traffic(const report *r)
{
    const agi_traffic *x = r->traffic.data;
    double sum = 0;
    for (int64_t k = 0; k < r->traffic.count; k++) sum += (double)x[k].bytes;
    if (!r->traffic.count) return;
    fprintf(r->f, "through memory between steps: %s, %lld times; the largest, and why\n", BYTES(sum),
            (long long)r->traffic.count);
    for (int64_t k = 0; k < r->traffic.count && k < MOST_LINES; k++) {
        char why[160] = "";
        agi_text t = { why, why + sizeof why };
        agi_explain_traffic(&t, r->plan, &x[k]);
        fprintf(r->f, "  %10s  from step %d to %d, ", BYTES(x[k].bytes), x[k].from, x[k].to);
        if (r->plan->buffer[x[k].buffer].node) name_node(r, r->plan->buffer[x[k].buffer].node);
        fprintf(r->f, ": %s\n", why);
    }
}

int ag_write_report(FILE *f, const ag_plan *p)
{
    if (!f || !p) return -1;
    report r = { .f = f, .plan = p };
    agi_arena_init(&r.arena, &p->allocator);
    int done = agi_map_make(&r.map, &r.arena, p->output[0]->graph, p->noutputs, p->computed)
               && agi_list_traffic(p, &p->allocator, &r.traffic) >= 0;
    if (done) {
        write_steps(&r);
        write_memory(&r);
        write_fused(&r);
        write_products(&r);
        write_traffic(&r);
    }
    agi_release(&p->allocator, r.traffic.data);
    if (r.map.arena) agi_map_free(&r.map);
    agi_arena_free(&r.arena);
    return done && !ferror(f) ? 0 : -1;
}
