/* The inputs that a plan's runs are fed: what reads each of them; and that none stands for a value in a body. */
#include "compile.h"
#include "control/loop.h"

/* ---- what reads them --------------------------------------------------------------------------------------------- */

static agi_place *unread_input(const ag_plan *p, const ag_node *x)
{
    agi_place *found = x->op->role == AG_IS_INPUT ? (agi_place *)agi_find_place(p, x) : NULL;
    return found && !found->reader ? found : NULL;
}

/* The first operation of the bodies that was written with it, at any depth; the loop itself: none was. */
static const ag_node *reader_within(agi_compiler *c, ag_node *loop, ag_node *leaf)
{
    agi_region r;
    ag_node *found = loop, *result;
    agi_region_start(&r, &c->arena, c->graph, 1, &leaf, 1, &loop);
    agi_region_next(&r);
    for (uint32_t k = 0; (result = agi_body_result(loop, k)); k++) agi_region_add(&r, result);
    for (ag_node *x; (x = agi_region_next(&r));)
        for (uint32_t k = 0; k < x->nin; k++) {
            if (x->in[k] == leaf && k < agi_written_inputs(x)) found = x;
            agi_region_add(&r, x->in[k]);
        }
    return found != loop && found->op->flags & AG_LOOP ? reader_within(c, found, leaf) : found;
}

/* Most programs read their inputs early: it ends with the last of them. */
void agi_find_readers(agi_compiler *c)
{
    ag_plan *p = c->plan;
    int left = 0;
    for (int k = 0; k < p->nplaces; k++) left += p->place[k].node->op->role == AG_IS_INPUT;
    for (uint32_t k = 0; k < c->nodes.count && left; k++) {
        if (!(c->reading.live[k] & AGI_LIVE)) continue;
        ag_node *x = agi_in_order(c, k);
        for (uint32_t i = 0; i < agi_written_inputs(x); i++) {
            agi_place *at = unread_input(p, x->in[i]);
            if (!at) continue;
            at->reader = x->op->flags & AG_LOOP && !agi_body_leaf(x, i) ? reader_within(c, x, x->in[i]) : x;
            left--;
        }
    }
}

/* ---- what stands for values in bodies ---------------------------------------------------------------------------- */

static int is_live(const agi_compiler *c, const ag_node *x)
{
    return x && x->id < c->nodes.count && c->reading.live[x->id] & AGI_LIVE;
}

static int reads_one_of_them(const agi_compiler *c)
{
    for (uint32_t k = 0; k < c->nodes.count; k++)
        if (c->reading.live[k] & AGI_LIVE && agi_in_order(c, k)->bound) return 1;
    return 0;
}

/* The first operation outside that was written with it, or NULL: it is an output. */
static const ag_node *reader_outside(const agi_compiler *c, const ag_node *leaf)
{
    for (uint32_t k = leaf->id + 1; k < c->nodes.count; k++) {
        const ag_node *x = agi_in_order(c, k);
        for (uint32_t i = 0; is_live(c, x) && i < agi_written_inputs(x); i++)
            if (x->in[i] == leaf) return x;
    }
    return NULL;
}

static int refuse(agi_compiler *c, const ag_node *loop, const ag_node *leaf)
{
    const ag_node *reader = reader_outside(c, leaf);
    char text[256];
    agi_text t = { text, text + sizeof text };
    agi_print_node(&t, leaf);
    agi_print(&t, " stands for a value in the body of %s (node %u), but ", loop->op->name, loop->id);
    if (reader) agi_print_node(&t, reader);
    else agi_print(&t, "the list of outputs");
    agi_fail(c->graph, AG_EARG, "ag_compile: %s reads it outside: what leaves a loop are its final and stacked values",
             text);
    return 0;
}

/* A body alone may be a plan, too, whose runs are fed what stands for values in it; one that steps it may not. All that
 * the bodies hold was made before their loop. */
int agi_refuse_strays(agi_compiler *c)
{
    agi_region r;
    const ag_node *leaf, *result;
    if (c->body || !c->graph->bodies || !reads_one_of_them(c)) return 1;
    agi_region_start(&r, &c->arena, c->graph, 0, NULL, c->noutputs, c->output);
    for (const ag_node *x; (x = agi_region_next(&r));) {
        const int loop = (x->op->flags & AG_LOOP) != 0;
        for (uint32_t k = agi_first_input(x); k < x->nin; k++) {
            if (loop && is_live(c, leaf = agi_body_leaf(x, k))) return refuse(c, x, leaf);
            agi_region_add(&r, x->in[k]);
        }
        for (uint32_t k = 0; loop && (result = agi_body_result(x, k)); k++) agi_region_add(&r, result);
    }
    return r.failed ? agi_out_of_memory(c) : 1;
}
