/* ag_compile: what is asked for is looked over, then compiled within its limits. */
#include "compile.h"
#include "emit/native/native.h"

static int check_outputs(ag_graph *g, int n, ag_node *const outputs[])
{
    if (n < 1 || !outputs) return agi_fail(g, AG_EARG, "ag_compile: no outputs: list at least one node"), 0;
    for (int k = 0; k < n; k++) {
        if (!outputs[k]) return agi_fail(g, AG_EARG, "ag_compile: output %d is NULL", k), 0;
        if (outputs[k]->graph != g)
            return agi_fail(g, AG_EARG, "ag_compile: output %d is a node of another graph", k), 0;
        if (ag_is_bad(outputs[k]))
            return agi_fail(g, AG_EARG, "ag_compile: output %d is a bad node: the call that made it has failed", k), 0;
    }
    return 1;
}

/* A parameter here that the plan assigns nothing, though there is an assignment; or NULL. */
static const agi_place *left_alone(const ag_plan *p, const ag_node *effect)
{
    const agi_place *at = agi_find_place(p, effect->in[0]);
    return at && !p->buffer[at->buffer].assigned ? at : NULL;
}

/* An update that was built but not listed is easily overlooked: nothing fails. Without memory there is no note. */
static void note_unlisted(ag_plan *p, const ag_graph *g)
{
    char note[320];
    agi_text t = { note, note + sizeof note };
    const ag_node *first = NULL;
    int others = 0;
    uint8_t *seen = agi_arena_zeros(&p->arena, p->nbuffers, 1);
    for (int64_t k = 0; seen && k < g->effects.count; k++) {
        const agi_place *at = left_alone(p, ((const ag_node **)g->effects.data)[k]);
        if (!at || seen[at->buffer]) continue;
        seen[at->buffer] = 1;
        if (first) others++;
        else first = at->node;
    }
    if (!first) return;
    agi_print_node(&t, first);
    if (others) agi_print(&t, " and %d other parameter%s", others, others > 1 ? "s" : "");
    agi_print(&t, " will stay as %s: there are updates (ag_sgd, ag_assign, ...), but none of %s is listed as an output",
              others ? "they are" : "it is", others ? "theirs" : "its");
    p->note = agi_arena_copy(&p->arena, note, strlen(note) + 1);
}

ag_plan *ag_compile(ag_graph *g, int n, ag_node *const outputs[], const ag_options *or_null)
{
    static const ag_options defaults = { 0 };
    ag_options options = or_null ? *or_null : defaults;
    if (!g || g->status || !check_outputs(g, n, outputs) || !agi_check_options(g, &options)) return NULL;
    if (options.trap_nan) options.unfused = options.distinct = 1, options.native = 0, options.max_bytes = 0;
    ag_plan *p = g->nextents || options.extent[0].name ? agi_compile_with_extents(g, n, outputs, &options)
                                                        : agi_compile_within(g, n, outputs, &options);
    if (p) note_unlisted(p, g);
    if (p && p->options.native) agi_make_native(p);
    return p;
}
