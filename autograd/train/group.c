/* Parameters in groups, and their options. */
#include "training.h"

#include <math.h>
#include <stdlib.h>

int agi_no_memory(const agi_training *t)
{
    agi_fail(t->graph, AG_EMEM, "%s: out of memory", t->what);
    return 0;
}

/* ---- which parameters a loss depends on -------------------------------------------------------------------------- */

/* Which of v's inputs a derivative by leaves looks at: the simpler node, no definition, none behind a zero gradient. */
static uint32_t seen_by_derivatives(const ag_node *v, uint32_t *from)
{
    *from = v->rewritten ? v->nin - 1 : 0;
    if (v->rewritten) return v->nin;
    return v->op->gradient == ag_zero_gradient ? 0 : agi_written_inputs(v);
}

/* From the first made on. */
static ag_node **find_parameters(agi_training *t, ag_node *loss, int *count)
{
    agi_region r;
    *count = 0;
    agi_region_start(&r, &t->arena, t->graph, 0, NULL, 1, &loss);
    for (const ag_node *v; (v = agi_region_next(&r));) {
        uint32_t from, end = seen_by_derivatives(v, &from);
        for (uint32_t i = from; i < end; i++)
            if (v->in[i]->dtype != AG_I64) agi_region_add(&r, v->in[i]);
        *count += v->op->role == AG_IS_PARAMETER;
    }
    ag_node **all = r.failed ? NULL : agi_arena_take(&t->arena, (size_t)*count * sizeof *all + 1);
    if (!all) return agi_no_memory(t), NULL;
    for (uint32_t at = r.count, k = 0; at-- > 0;)
        if (r.node[at]->op->role == AG_IS_PARAMETER) all[k++] = r.node[at];
    if (*count) return all;
    agi_fail(t->graph, AG_EARG, "%s: the loss depends on no parameter: weights are made by ag_parameter", t->what);
    return NULL;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static int set_method(const agi_training *t, int k, const ag_parameter_group *from, agi_trained *to)
{
    const struct {
        const void *options;
        const agi_method *method;
    } all[] = { { from->sgd, &agi_sgd_method }, { from->adam, &agi_adam_method },
                { from->rmsprop, &agi_rmsprop_method }, { from->adagrad, &agi_adagrad_method },
                { from->lion, &agi_lion_method } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].options) continue;
        if (to->method)
            return agi_fail(t->graph, AG_EARG, "%s: group %d has options of two methods: give it those of one", t->what,
                            k), 0;
        to->method = all[i].method;
        to->options = all[i].options;
    }
    return 1;
}

static int by_id(const void *a, const void *b)
{
    const ag_node *x = *(ag_node *const *)a, *y = *(ag_node *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

static int place_of(ag_node *const all[], int count, ag_node *p) /* -1: it is not among them */
{
    ag_node *const *found = bsearch(&p, all, (size_t)count, sizeof *all, by_id);
    return found ? (int)(found - all) : -1;
}

/* 1 + which group each of all parameters is in, by place. */
static int list_members(agi_training *t, int k, const ag_parameter_group *from, int trained, ag_node *const all[],
                        int count, int *group_of)
{
    if (agi_check_nodes(t->graph, t->what, from->count, from->parameter, "a group's parameter")) return 0;
    for (int i = 0; i < from->count; i++) {
        ag_node *p = from->parameter[i];
        const int at = place_of(all, count, p);
        if (at < 0 && !trained) continue;
        if (at < 0)
            return agi_fail_at(t->graph, AG_EARG, 1, &p,
                               "%s: group %d lists what is no parameter that the loss depends on", t->what, k), 0;
        if (group_of[at])
            return agi_fail_at(t->graph, AG_EARG, 1, &p, "%s: groups %d and %d list one parameter", t->what,
                               group_of[at] - 1, k), 0;
        group_of[at] = k + 1;
    }
    return 1;
}

static int assign_groups(agi_training *t, int groups, const ag_parameter_group from[], const agi_trained g[],
                         ag_node *const all[], int count, int *group_of)
{
    int rest = 0;
    for (int k = 0; k < groups; k++) {
        if (from[k].count < 0 || (from[k].count && !from[k].parameter))
            return agi_fail(t->graph, AG_EARG, "%s: group %d has %d parameters, and no list of them", t->what, k,
                            from[k].count), 0;
        if (!from[k].count && rest)
            return agi_fail(t->graph, AG_EARG, "%s: groups %d and %d both are of all other parameters", t->what,
                            rest - 1, k), 0;
        if (!from[k].count) rest = k + 1;
        else if (!list_members(t, k, &from[k], g[k].method != NULL, all, count, group_of)) return 0;
    }
    for (int i = 0; i < count; i++)
        if (!group_of[i]) group_of[i] = rest;
    return 1;
}

/* Lays the trained parameters out, group by group. */
static int list_trained(agi_training *t, int groups, agi_trained g[], ag_node *const all[], int count,
                        const int *group_of)
{
    const size_t bytes = (size_t)count * sizeof *all;
    t->parameter = agi_arena_take(&t->arena, bytes);
    t->gradient = agi_arena_take(&t->arena, bytes);
    t->effect = agi_arena_take(&t->arena, (AGI_BUFFERS + 1) * bytes + (size_t)(groups + AGI_COUNTERS) * sizeof *all);
    if (!t->parameter || !t->gradient || !t->effect) return agi_no_memory(t);
    for (int k = 0; k < groups; k++) {
        g[k].training = t;
        g[k].parameter = t->parameter + t->count;
        g[k].gradient = t->gradient + t->count;
        for (int i = 0; i < count && g[k].method; i++)
            if (group_of[i] == k + 1) g[k].parameter[g[k].count++] = all[i];
        t->count += g[k].count;
    }
    if (t->count) return 1;
    agi_fail(t->graph, AG_EARG, "%s: no group with a method has a parameter: nothing is trained", t->what);
    return 0;
}

int agi_find_groups(agi_training *t, ag_node *loss, int groups, const ag_parameter_group from[], agi_trained *g)
{
    int count;
    for (int k = 0; k < groups; k++)
        if (!set_method(t, k, &from[k], &g[k])) return 0;
    ag_node **all = find_parameters(t, loss, &count);
    if (!all) return 0;
    int *group_of = agi_arena_zeros(&t->arena, (size_t)count, sizeof *group_of);
    if (!group_of) return agi_no_memory(t);
    return assign_groups(t, groups, from, g, all, count, group_of) && list_trained(t, groups, g, all, count, group_of);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* Is the option finite, and from `least` to below `limit`? */
int agi_check_option(const agi_trained *g, const char *name, double value, double least, double limit)
{
    const char *what = g->method->what;
    ag_graph *graph = g->training->graph;
    char to[40] = "";
    if (isfinite(value) && value >= least && value < limit) return 1;
    if (isfinite(limit)) snprintf(to, sizeof to, " and below %g", limit);
    if (isfinite(least))
        agi_fail(graph, AG_EARG, "%s: options.%s is %g: it has to be at least %g%s", what, name, value, least, to);
    else agi_fail(graph, AG_EARG, "%s: options.%s is %g: it has to be finite", what, name, value);
    return 0;
}

int agi_check_decay(const agi_trained *g, double decay)
{
    return agi_check_option(g, "weight_decay", decay, -INFINITY, INFINITY);
}

int agi_check_rate(agi_trained *g, double rate, ag_node *node, double clip_norm)
{
    const char *what = g->method->what;
    ag_graph *graph = g->training->graph;
    g->clip_norm = clip_norm;
    if (!agi_check_option(g, "clip_norm", clip_norm, 0, INFINITY)) return 0;
    if (!node) {
        g->rate = ag_number(graph, rate);
        return agi_check_option(g, "rate", rate, 0, INFINITY);
    }
    g->rate = node;
    if (agi_check_nodes(graph, what, 1, &node, "rate_node")) return 0;
    if (node->rank)
        agi_fail_at(graph, AG_ESHAPE, 1, &node, "%s: options.rate_node is not a single number of rank 0", what);
    if (node->dtype == AG_I64)
        agi_fail_at(graph, AG_ETYPE, 1, &node, "%s: options.rate_node is of integers: use ag_cast", what);
    return !graph->status;
}

/* ---- clipping ---------------------------------------------------------------------------------------------------- */

/* The largest size of all elements of all gradients; 1 where that is 0 or infinite. */
static ag_node *largest(const agi_training *t, int count, ag_node *const gradient[], ag_dtype type)
{
    ag_node *most = NULL, *zero = ag_number(t->graph, 0);
    for (int i = 0; i < count; i++) {
        ag_node *part = ag_cast(ag_amax(ag_abs(gradient[i])), type);
        most = most ? ag_maximum(most, part) : part;
    }
    ag_node *usable = ag_mul(ag_greater(most, zero), ag_less(most, ag_number(t->graph, INFINITY)));
    return ag_where(usable, most, ag_number(t->graph, 1));
}

/* min(1, limit / norm of all gradients together), without squares that overflow or vanish. */
ag_node *agi_clipping(const agi_training *t, int count, ag_node *const gradient[], double limit)
{
    ag_dtype type = ag_type_of(gradient[0]);
    ag_node *total = NULL;
    for (int i = 1; i < count; i++)
        if (ag_type_of(gradient[i]) != type) type = AG_F64;
    ag_node *unit = largest(t, count, gradient, type);
    for (int i = 0; i < count; i++) {
        ag_node *scaled = ag_div(ag_cast(gradient[i], type), unit); /* which f32 may not hold */
        ag_node *part = ag_sum(ag_square(scaled));
        total = total ? ag_add(total, part) : part;
    }
    ag_node *factor = ag_div(ag_div(ag_number(t->graph, limit), unit), ag_sqrt(total));
    return ag_minimum(factor, ag_number(t->graph, 1));
}
