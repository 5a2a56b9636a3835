/* The struct of parameters: those of all functions of a file, but for what becomes constant. */
#include "writer.h"

/* ---- what a function assigns ------------------------------------------------------------------------------------- */

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

/* ---- the members ------------------------------------------------------------------------------------------------- */

static int is_parameter(const agi_buffer *b)
{
    return b->role == AGI_LEAF && b->node && b->node->op->role == AG_IS_PARAMETER;
}

/* Keeps the order of the graph. */
static void add(agi_file *f, const ag_node *x, int assigned)
{
    int k = f->parameters;
    while (k && f->parameter[k - 1]->id > x->id) k--;
    if (k && f->parameter[k - 1] == x) {
        f->assigned[k - 1] |= (uint8_t)assigned;
        return;
    }
    for (int j = f->parameters++; j > k; j--) {
        f->parameter[j] = f->parameter[j - 1];
        f->assigned[j] = f->assigned[j - 1];
    }
    f->parameter[k] = x;
    f->assigned[k] = (uint8_t)assigned;
}

/* Those that become constants are no members. */
static int name_members(agi_file *f)
{
    int n = 0;
    for (int k = 0; k < f->parameters; k++) {
        if (f->options->embed && !f->assigned[k]) continue;
        f->parameter[n] = f->parameter[k];
        f->member[n] = agi_name_member(f->arena, "parameter", f->parameter[n], n, f->member);
        if (!f->member[n++]) return 0;
    }
    f->parameters = n;
    return 1;
}

int agi_find_parameters(agi_file *f, int n, agi_writer w[])
{
    size_t most = 0;
    for (int k = 0; k < n; k++) {
        w[k].assigned = agi_arena_zeros(&w[k].arena, w[k].plan->nbuffers, 1);
        if (!w[k].assigned || !agi_find_leaves(&w[k].e, &w[k].arena)) return 0;
        find_assigned(&w[k]);
        most += w[k].plan->nbuffers;
    }
    f->parameter = agi_arena_take(f->arena, most * sizeof *f->parameter);
    f->member = agi_arena_take(f->arena, most * sizeof *f->member);
    f->assigned = agi_arena_take(f->arena, most);
    if (!f->parameter || !f->member || !f->assigned) return 0;
    for (int k = 0; k < n; k++)
        for (uint32_t b = 0; b < w[k].plan->nbuffers; b++)
            if (is_parameter(&w[k].plan->buffer[b])) add(f, w[k].plan->buffer[b].node, w[k].assigned[b]);
    return name_members(f);
}
