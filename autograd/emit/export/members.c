/* The structs of exported C: which leaves and outputs are members of them, by which names, and where all other values
 * are. */
#include "writer.h"

#include <ctype.h>

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

const char *agi_name_member(agi_arena *arena, const char *what, const ag_node *x, int number,
                            const char *const before[])
{
    char name[AGI_NAME];
    int spelled = spell(what, x->name, name);
    for (int k = 0; k < number && spelled; k++) spelled = strcmp(before[k], name) != 0;
    if (!spelled) snprintf(name, sizeof name, "%s%d", what, number);
    return agi_arena_copy(arena, name, strlen(name) + 1);
}

/* An input of integers that are narrow is widened into the workspace. */
static int place_input(agi_writer *w, uint32_t b)
{
    const ag_node *x = w->plan->buffer[b].node;
    const char *name = agi_name_member(&w->arena, "input", x, w->inputs, w->input_member);
    const int wide = !agi_is_narrow(w, (ag_dtype)x->dtype);
    w->e.reach[b] = (agi_reach){ wide ? AGI_IN_INPUT : AGI_IN_WORK, w->inputs, name };
    w->input_member[w->inputs] = name;
    w->input[w->inputs++] = b;
    return name != NULL;
}

static void place_parameter(agi_writer *w, uint32_t b, int number)
{
    w->e.reach[b] = (agi_reach){ AGI_IN_PARAMETER, number, w->file->member[number] };
    w->parameters = 1;
    w->updates |= w->assigned[b];
}

static int place_leaf(agi_writer *w, uint32_t b)
{
    const agi_buffer *buffer = &w->plan->buffer[b];
    const ag_node *x = buffer->node;
    const void *values = buffer->role == AGI_CONSTANT ? x->attribute : NULL;
    if (x->op->role == AG_IS_INPUT) return place_input(w, b);
    for (int k = 0; k < w->file->parameters && !values; k++) {
        if (w->file->parameter[k] != x) continue;
        place_parameter(w, b, k);
        return 1;
    }
    if (!values) values = ag_data(w->options->embed, x);
    w->e.reach[b] = (agi_reach){ .kind = AGI_IN_DATA, .at = agi_add_array(&w->e, buffer, values) };
    return w->e.reach[b].at >= 0;
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
    agi_find_pattern(w, x);
    x = at->made;
    for (int k = 0; k < w->outputs; k++)
        if (w->output_node[k] == x) return 1;
    const char *member = w->output_member[w->outputs] =
        agi_name_member(&w->arena, "output", x, w->outputs, w->output_member);
    int direct = !w->known[at->buffer] && r->kind == AGI_IN_WORK && fits_output(w, at->buffer);
    direct &= !agi_is_narrow(w, (ag_dtype)x->dtype);
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
    w->e.reach = agi_arena_zeros(&w->arena, n, sizeof *w->e.reach);
    w->input = agi_arena_take(&w->arena, n * sizeof *w->input);
    w->input_member = agi_arena_take(&w->arena, n * sizeof *w->input_member);
    w->output = agi_arena_take(&w->arena, outputs * sizeof *w->output);
    w->copied = agi_arena_take(&w->arena, outputs * sizeof *w->copied);
    w->output_node = agi_arena_take(&w->arena, outputs * sizeof *w->output_node);
    w->pattern = agi_arena_take(&w->arena, outputs * sizeof *w->pattern);
    w->output_member = agi_arena_take(&w->arena, outputs * sizeof *w->output_member);
    return w->e.reach && w->input && w->input_member && w->output && w->copied && w->output_node && w->pattern &&
           w->output_member;
}

int agi_place_members(agi_writer *w)
{
    const ag_plan *p = w->plan;
    if (!take_room(w)) return 0;
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
