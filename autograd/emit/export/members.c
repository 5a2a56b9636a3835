/* The structs of exported C: which leaves and outputs are members of them, by which names, and where all other values
 * are. */
#include "writer.h"

#include <ctype.h>

static void assign(agi_writer *w, uint32_t b)
{
    uint32_t memory = w->plan->buffer[b].owner;
    if (w->plan->buffer[memory].role == AGI_LEAF) w->assigned[memory] = 1;
}

static void find_assigned(agi_writer *w)
{
    const ag_plan *p = w->plan;
    for (int k = 0; k < p->nsteps; k++) {
        const agi_step *s = &p->step[k];
        if (s->kind == AGI_COPY) assign(w, s->is.copy.to);
        else if (s->kind == AGI_PRODUCT) assign(w, s->is.product->out);
        else if (s->kind == AGI_CALL) assign(w, s->is.call->out);
        for (int j = 0; s->kind == AGI_PASS && j < s->is.pass->nstores; j++) assign(w, s->is.pass->store[j].buffer);
        for (int j = 0; s->kind == AGI_PASS && j < s->is.pass->nfolds; j++) assign(w, s->is.pass->fold[j].buffer);
        for (int64_t j = 0; s->kind == AGI_PROGRAM && j < s->is.program->count; j++) {
            int64_t size = (int64_t)ag_dtype_size(s->is.program->dtype);
            uint32_t leaf = agi_leaf_at(&w->e, s->is.program->code[j].out * size);
            if (leaf != AGI_NONE) w->assigned[leaf] = 1;
        }
    }
}

/* Of a name of letters, digits, _ and what can stand for one: "parameter_W1". 0: it has others, or is too long. */
static int spell(const char *what, const char *name, char to[AGI_NAME])
{
    size_t at = (size_t)snprintf(to, AGI_NAME, "%s_", what);
    for (; name && *name && at < AGI_PREFIX; name++) {
        if (isalnum((unsigned char)*name)) to[at++] = *name;
        else if (strchr("_.-/ ", *name)) to[at++] = '_';
        else return 0;
    }
    to[at] = 0;
    return name && !*name;
}

/* The name of member `number` of a struct: none of those before it has the same. */
static const char *name_member(agi_writer *w, const char *what, const ag_node *x, int number, const uint32_t *before)
{
    char name[AGI_NAME];
    int spelled = spell(what, x->name, name);
    for (int k = 0; k < number && spelled; k++) {
        const char *other = before ? w->e.reach[before[k]].member : w->output_member[k];
        spelled = strcmp(other, name) != 0;
    }
    if (!spelled) snprintf(name, sizeof name, "%s%d", what, number);
    return agi_arena_copy(&w->arena, name, strlen(name) + 1);
}

static int place_leaf(agi_writer *w, uint32_t b)
{
    const agi_buffer *buffer = &w->plan->buffer[b];
    const ag_node *x = buffer->node;
    agi_reach *r = &w->e.reach[b];
    const void *values = buffer->role == AGI_CONSTANT ? x->attribute : NULL;
    if (x->op->role == AG_IS_PARAMETER && w->options->embed && !w->assigned[b]) values = ag_data(w->options->embed, x);
    if (values) {
        *r = (agi_reach){ .kind = AGI_IN_DATA, .at = agi_add_array(&w->e, buffer, values) };
        return r->at >= 0;
    }
    if (x->op->role == AG_IS_INPUT) {
        const char *name = name_member(w, "input", x, w->inputs, w->input);
        *r = (agi_reach){ AGI_IN_INPUT, w->inputs, name };
        w->input[w->inputs++] = b;
    } else {
        const char *name = name_member(w, "parameter", x, w->parameters, w->parameter);
        *r = (agi_reach){ AGI_IN_PARAMETER, w->parameters, name };
        w->parameter[w->parameters++] = b;
    }
    return r->member != NULL;
}

/* Is all that lies in this value's memory, from one taking it over from another, computed by steps, of its type and
 * no larger? Scalar programs find what is theirs by its place in the workspace. */
static int fits_output(const agi_writer *w, uint32_t b)
{
    const agi_buffer *all = w->plan->buffer, *last = &all[b];
    if (w->e.reach[last->owner].kind != AGI_IN_WORK) return 0;
    for (uint32_t k = b; last->shares != AGI_NONE && k != AGI_NONE; k = all[k].shares)
        if (all[k].role != AGI_VALUE || all[k].dtype != last->dtype || all[k].bytes > last->bytes || all[k].scalar ||
            all[k].in_loop) return 0;
    return 1;
}

/* An output is computed in the caller's memory, unless it takes over other memory or another output has its values. */
static int place_output(agi_writer *w, const ag_node *x)
{
    const agi_place *at = agi_find_place(w->plan, x);
    agi_reach *r = &w->e.reach[at->buffer];
    uint32_t owner = w->plan->buffer[at->buffer].owner;
    int given = r->kind == AGI_IN_INPUT || r->kind == AGI_IN_PARAMETER;
    /* the caller has it: an input or a parameter */
    if (given || w->assigned[owner]) return 1;
    for (int k = 0; k < w->outputs; k++)
        if (w->output_node[k] == x) return 1;
    const char *member = w->output_member[w->outputs] = name_member(w, "output", x, w->outputs, NULL);
    int direct = !w->known[at->buffer] && r->kind == AGI_IN_WORK && fits_output(w, at->buffer);
    if (direct) *r = w->e.reach[owner] = (agi_reach){ AGI_IN_OUTPUT, w->outputs, member };
    w->output_node[w->outputs] = x;
    w->copied[w->outputs] = direct ? AGI_NONE : at->buffer;
    w->output[w->outputs++] = at->buffer;
    return member != NULL;
}

static int take_room(agi_writer *w)
{
    const ag_plan *p = w->plan;
    size_t n = p->nbuffers, outputs = (size_t)p->noutputs;
    w->assigned = agi_arena_zeros(&w->arena, n, 1);
    w->e.reach = agi_arena_zeros(&w->arena, n, sizeof *w->e.reach);
    w->input = agi_arena_take(&w->arena, n * sizeof *w->input);
    w->parameter = agi_arena_take(&w->arena, n * sizeof *w->parameter);
    w->output = agi_arena_take(&w->arena, outputs * sizeof *w->output);
    w->copied = agi_arena_take(&w->arena, outputs * sizeof *w->copied);
    w->output_node = agi_arena_take(&w->arena, outputs * sizeof *w->output_node);
    w->output_member = agi_arena_take(&w->arena, outputs * sizeof *w->output_member);
    return w->assigned && w->e.reach && w->input && w->parameter && w->output && w->copied && w->output_node &&
           w->output_member;
}

int agi_place_members(agi_writer *w)
{
    const ag_plan *p = w->plan;
    if (!take_room(w) || !agi_find_leaves(&w->e, &w->arena)) return 0;
    find_assigned(w);
    for (uint32_t b = 0; b < p->nbuffers; b++)
        if ((p->buffer[b].role == AGI_LEAF || p->buffer[b].role == AGI_CONSTANT) && !place_leaf(w, b)) return 0;
    if (!agi_find_constants(w)) return 0;
    for (int k = 0; k < p->noutputs; k++)
        if (!place_output(w, p->output[k])) return 0;
    agi_follow_owners(&w->e);
    agi_place_constants(w);
    w->bytes = agi_close_up(&w->e, &w->arena);
    w->e.scratch_at = w->bytes;
    return w->bytes >= 0 && agi_find_guards(w);
}
