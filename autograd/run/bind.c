/* The caller's memory for leaves and outputs. What a plan's steps work in is moved there where that is possible;
 * else they keep to the run's own memory, and what is bound is copied around an evaluation. */
#include "run.h"

static char *own_memory(const ag_run *r, uint32_t b)
{
    return r->block + r->plan->buffer[b].offset;
}

/* An input or a parameter itself, not an output that is to be found in one. */
static int is_leaf(const ag_run *r, const agi_place *at)
{
    const agi_buffer *b = &r->plan->buffer[at->buffer];
    return b->role == AGI_LEAF && b->node == at->made;
}

static void **bound_at(const ag_run *r, const agi_place *at)
{
    return &r->bound[at - r->plan->place];
}

const void *agi_value_at(const ag_run *r, const agi_place *at)
{
    if (*bound_at(r, at)) return *bound_at(r, at);
    const agi_buffer *b = &r->plan->buffer[at->buffer];
    if (b->role != AGI_LEAF || b->node == at->made) return r->memory[at->buffer];
    const void *parameter = *bound_at(r, agi_find_place(r->plan, b->node)); /* that an assignment stores into */
    return parameter ? parameter : r->memory[at->buffer];
}

const ag_node *agi_made(const ag_run *r, const ag_node *x)
{
    const agi_place *at = agi_find_place(r->plan, x);
    return at ? at->made : x;
}

int agi_awaits_value(const ag_run *r, const agi_place *at)
{
    if (r->unread[at - r->plan->place]) return 1;
    return r->plan->buffer[at->buffer].role == AGI_VALUE ? !r->evaluated : !r->fed[at->buffer];
}

/* Buffers that share a leaf's memory follow it. NULL: the run's own memory again. */
static void move_buffer(ag_run *r, uint32_t b, void *to)
{
    const ag_plan *p = r->plan;
    r->memory[b] = to ? to : own_memory(r, b);
    if (!p->buffer[b].taken) return;
    for (uint32_t k = 0; k < p->nbuffers; k++)
        if (p->buffer[k].shares == b) r->memory[k] = r->memory[b];
}

/* Keeps the places that are bound in the order of their memory. */
static void list_binding(ag_run *r, uint32_t place, void *data)
{
    int k = 0;
    if (r->bound[place]) {
        while (r->binding[k] != place) k++;
        memmove(r->binding + k, r->binding + k + 1, (size_t)(--r->nbound - k) * sizeof *r->binding);
    }
    r->bound[place] = data;
    if (!data) return;
    for (k = r->nbound++; k > 0 && (char *)r->bound[r->binding[k - 1]] > (char *)data; k--)
        r->binding[k] = r->binding[k - 1];
    r->binding[k] = place;
}

static void bind_place(ag_run *r, const agi_place *at, void *data)
{
    uint32_t place = (uint32_t)(at - r->plan->place);
    list_binding(r, place, data);
    if (at->moves) move_buffer(r, at->buffer, data);
    r->unread[place] = !is_leaf(r, at);
    r->rebound = 1;
}

void agi_unbind(ag_run *r, const agi_place *at)
{
    if (*bound_at(r, at)) bind_place(r, at, NULL);
}

/* A leaf that the plan does not need may be bound to anything. */
static ag_status bind_unneeded(ag_run *r, const char *what, const ag_node *x)
{
    if (!ag_is_bad(x) && x->op->flags & AG_LEAF) return agi_check_leaf(r, what, x);
    return agi_fail_run(r, what, x, "is neither a leaf nor an output of this plan");
}

static ag_status bind(ag_run *r, const char *what, const ag_node *x, void *data, int adopt)
{
    if (!r) return AG_EARG;
    const agi_place *at = ag_is_bad(x) ? NULL : agi_find_place(r->plan, x);
    if (!at) return bind_unneeded(r, what, x);
    if (x->op->flags & AG_LEAF && !at->output && !is_leaf(r, at)) return agi_fail_run(r, what, x, "is a constant");
    if (adopt && x->op->role != AG_IS_PARAMETER) return agi_fail_run(r, what, x, "is no parameter");
    if (adopt && !data) return agi_fail_run(r, what, x, "has no data: NULL");
    r->message[0] = 0;
    if (data == *bound_at(r, at)) return AG_OK;
    void *to = data ? data : own_memory(r, at->buffer);
    int keeps = is_leaf(r, at) && (x->op->role == AG_IS_PARAMETER ? !adopt : !data && r->fed[at->buffer]);
    if (keeps && to != agi_value_at(r, at)) memmove(to, agi_value_at(r, at), (size_t)agi_node_bytes(at->made));
    bind_place(r, at, data);
    if (data && is_leaf(r, at)) agi_mark_fed(r, at->buffer);
    return AG_OK;
}

ag_status ag_bind(ag_run *r, const ag_node *x, void *data)
{
    return bind(r, "ag_bind", x, data, 0);
}

ag_status ag_adopt(ag_run *r, const ag_node *parameter, void *data)
{
    return bind(r, "ag_adopt", parameter, data, 1);
}

/* ---- around an evaluation --------------------------------------------------------------------------------------- */

static const agi_place *binding_at(const ag_run *r, int k)
{
    return &r->plan->place[r->binding[k]];
}

static char *end_of(const ag_run *r, int k)
{
    return (char *)r->bound[r->binding[k]] + agi_node_bytes(binding_at(r, k)->made);
}

static int is_written(const ag_run *r, const agi_place *at)
{
    return !is_leaf(r, at) || r->plan->buffer[at->buffer].assigned;
}

/* The bindings from `first` to before `end` lie over each other. One output among leaves that are only read is copied
 * there once they have been read. */
static ag_status arrange_together(ag_run *r, int first, int end)
{
    const agi_place *written = NULL;
    int writers = 0, updates = 0;
    for (int k = first; k < end; k++) {
        if (!is_written(r, binding_at(r, k))) continue;
        written = binding_at(r, k);
        updates += is_leaf(r, written);
        writers++;
    }
    if (writers > 1 || updates) return agi_fail_run(r, "ag_eval", written->node, "is bound to memory of another's");
    if (written && written->moves) move_buffer(r, written->buffer, NULL);
    return AG_OK;
}

ag_status agi_arrange_bindings(ag_run *r)
{
    r->copied = 0;
    for (int first = 0, end; first < r->nbound; first = end) {
        char *until = end_of(r, first);
        for (end = first + 1; end < r->nbound && (char *)r->bound[r->binding[end]] < until; end++)
            if (end_of(r, end) > until) until = end_of(r, end);
        for (int k = first; k < end; k++)
            if (binding_at(r, k)->moves) move_buffer(r, binding_at(r, k)->buffer, r->bound[r->binding[k]]);
        if (end > first + 1 && arrange_together(r, first, end)) return AG_EARG;
        for (int k = first; k < end; k++) r->copied += r->memory[binding_at(r, k)->buffer] != r->bound[r->binding[k]];
    }
    memset(r->unread, 0, (size_t)r->plan->nplaces);
    r->rebound = 0;
    return AG_OK;
}

void agi_copy_bindings(ag_run *r, int out)
{
    for (int k = 0; k < r->nbound; k++) {
        const agi_place *at = binding_at(r, k);
        void *bound = r->bound[r->binding[k]], *own = r->memory[at->buffer];
        if (bound == own) continue;
        if (out && is_written(r, at)) memcpy(bound, own, (size_t)agi_node_bytes(at->made));
        else if (!out && is_leaf(r, at)) memcpy(own, bound, (size_t)agi_node_bytes(at->made));
    }
}
