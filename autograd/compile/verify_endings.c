/* Calls that do what the next step would. What must hold:
 *
 * - That step is a pass which stores once, and nobody else reads what the call alone computes.
 * - What the call uses lives until the pass has ended, and nothing that it reads gives its memory to the result. */
#include "verify.h"

static int check_memory(agi_compiler *c, int k, const agi_vector *uses)
{
    const uint32_t out = c->plan->step[k].is.call->ending->out;
    for (int64_t i = 0; i < uses->count; i++) {
        const agi_use *u = (const agi_use *)uses->data + i;
        const agi_buffer *x = agi_buffer_at(c, u->buffer);
        if (x->role != AGI_LEAF && x->role != AGI_CONSTANT && x->last <= (uint32_t)k)
            return agi_broken(c, "buffer %u of step %d does not live as long as the pass that it does", u->buffer, k);
        if (!u->writes && agi_buffer_at(c, out)->shares == u->buffer)
            return agi_broken(c, "step %d writes buffer %u in place of buffer %u, which it reads", k, out, u->buffer);
    }
    return 1;
}

static int check_call(agi_compiler *c, int k, agi_vector *uses)
{
    const agi_call *call = c->plan->step[k].is.call;
    const agi_step *next = &c->plan->step[k + 1];
    if (k + 1 == c->plan->nsteps || next->kind != AGI_PASS || next->is.pass->ends != call ||
        next->is.pass->nstores != 1 || next->is.pass->store[0].buffer != call->ending->out)
        return agi_broken(c, "step %d does what another does than the pass behind it", k);
    const agi_buffer *x = agi_buffer_at(c, call->out);
    if (x->held || x->last != (uint32_t)k + 1)
        return agi_broken(c, "step %d does not write buffer %u, which is read", k, call->out);
    return agi_list_uses(c, (uint32_t)k, uses) && check_memory(c, k, uses);
}

int agi_verify_endings(agi_compiler *c)
{
    agi_vector uses = { 0 };
    int ok = 1;
    for (int k = 0; ok && k < c->plan->nsteps; k++) {
        const agi_step *s = &c->plan->step[k];
        if (s->kind == AGI_CALL && s->is.call->ending) ok = check_call(c, k, &uses);
    }
    agi_release(c->arena.allocator, uses.data);
    return ok;
}
