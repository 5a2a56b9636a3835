/* Training: assignments that move every parameter a loss depends on, as one node to list among a plan's outputs.
 *
 * What is the same for all elements of a parameter (rates, corrections, the clipping factor) is computed once, as nodes
 * of rank 0; what is left for an element is a line in sgd_step, adam_step and rmsprop_step.
 *
 * Adam and RMSprop divide by the root of a mean of squares, so that the size of gradients that are alike does not
 * matter. Where squares would overflow, a gradient counts as the largest number whose square does not, in both means:
 * steps are as long as those of any other large gradient, and the mean of squares forgets it as it forgets others.
 * Where squares vanish, epsilon decides; it is never less than the smallest number whose square does not vanish, so
 * that a gradient of 0 is a step of 0 whatever the options. All other steps have the bits that the formulas give. */
#include "derive/derive.h"
#include "shared/steps.h"

#include <math.h>

/* What an optimiser keeps, for the next call of the same one for the same parameters. In the graph's arena. */
typedef enum { FIRST, SECOND, BUFFERS } buffer_kind; /* means of gradients or directions; of their squares */
struct agi_kept {
    agi_kept *older;
    const char *what;
    int count;
    ag_node **parameter, **buffer[BUFFERS]; /* buffers: by parameter; NULL: not there yet */
    ag_node *step;
};

typedef struct {
    const char *what; /* the function called, for messages */
    ag_graph *graph;
    agi_arena arena;
    int count; /* of parameters */
    ag_node **parameter, **gradient;
    agi_kept *kept;
    ag_node **effect; /* assignments made so far */
    int effects;
    ag_node *rate; /* of rank 0 */
    ag_node *clip; /* factor of all gradients, of rank 0; or NULL */
} training;

enum { MOST_EFFECTS = 3 }; /* assignments for a parameter: itself and two buffers */

/* ---- the parameters and their gradients ------------------------------------------------------------------------- */

static int out_of_memory(training *t)
{
    agi_fail(t->graph, AG_EMEM, "%s: out of memory", t->what);
    return 0;
}

/* Which of v's inputs a derivative by leaves looks at: the simpler node, no definition, none behind a zero gradient. */
static uint32_t seen_by_derivatives(const ag_node *v, uint32_t *from)
{
    *from = v->rewritten ? v->nin - 1 : 0;
    if (v->rewritten) return v->nin;
    return v->op->gradient == ag_zero_gradient ? 0 : agi_written_inputs(v);
}

static int find_parameters(training *t, ag_node *loss)
{
    agi_region r;
    agi_region_start(&r, &t->arena, t->graph, 0, NULL, 1, &loss);
    for (const ag_node *v; (v = agi_region_next(&r));) {
        uint32_t from, end = seen_by_derivatives(v, &from);
        for (uint32_t i = from; i < end; i++)
            if (v->in[i]->dtype != AG_I64) agi_region_add(&r, v->in[i]);
        t->count += v->op->role == AG_IS_PARAMETER;
    }
    if (r.failed) return out_of_memory(t);
    if (!t->count) {
        agi_fail(t->graph, AG_EARG, "%s: the loss depends on no parameter: weights are made by ag_parameter", t->what);
        return 0;
    }
    size_t bytes = (size_t)t->count * sizeof(ag_node *);
    t->parameter = agi_arena_take(&t->arena, bytes);
    t->gradient = agi_arena_take(&t->arena, bytes);
    t->effect = agi_arena_take(&t->arena, MOST_EFFECTS * bytes + sizeof(ag_node *));
    if (!t->parameter || !t->gradient || !t->effect) return out_of_memory(t);
    for (uint32_t at = r.count, k = 0; at-- > 0;)
        if (r.node[at]->op->role == AG_IS_PARAMETER) t->parameter[k++] = r.node[at];
    return 1;
}

/* x in p's type. Literals take it by themselves. */
static ag_node *typed(ag_node *x, const ag_node *p)
{
    return ag_is_bad(x) || x->weak ? x : ag_cast(x, (ag_dtype)p->dtype);
}

/* The largest size of all elements of all gradients; 1 where that is 0 or infinite. */
static ag_node *largest(const training *t, ag_dtype type)
{
    ag_node *most = NULL, *zero = ag_number(t->graph, 0);
    for (int i = 0; i < t->count; i++) {
        ag_node *part = ag_cast(ag_amax(ag_abs(t->gradient[i])), type);
        most = most ? ag_maximum(most, part) : part;
    }
    ag_node *usable = ag_mul(ag_greater(most, zero), ag_less(most, ag_number(t->graph, INFINITY)));
    return ag_where(usable, most, ag_number(t->graph, 1));
}

/* min(1, limit / norm of all gradients together), without squares that overflow or vanish. */
static ag_node *clipping(const training *t, double limit)
{
    ag_dtype type = (ag_dtype)t->parameter[0]->dtype;
    ag_node *total = NULL;
    for (int i = 1; i < t->count; i++)
        if ((ag_dtype)t->parameter[i]->dtype != type) type = AG_F64;
    ag_node *unit = largest(t, type);
    for (int i = 0; i < t->count; i++) {
        ag_node *scaled = ag_div(ag_cast(t->gradient[i], type), unit); /* which f32 may not hold */
        ag_node *part = ag_sum(ag_square(scaled));
        total = total ? ag_add(total, part) : part;
    }
    ag_node *factor = ag_div(ag_div(ag_number(t->graph, limit), unit), ag_sqrt(total));
    return ag_minimum(factor, ag_number(t->graph, 1));
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* Is the option finite, and from `least` to below `limit`? */
static int check_option(const training *t, const char *name, double value, double least, double limit)
{
    char to[40] = "";
    if (isfinite(value) && value >= least && value < limit) return 1;
    if (isfinite(limit)) snprintf(to, sizeof to, " and below %g", limit);
    if (isfinite(least)) agi_fail(t->graph, AG_EARG, "%s: options.%s is %g: it has to be at least %g%s", t->what, name,
                                  value, least, to);
    else agi_fail(t->graph, AG_EARG, "%s: options.%s is %g: it has to be finite", t->what, name, value);
    return 0;
}

static int check_decay(const training *t, double decay)
{
    return check_option(t, "weight_decay", decay, -INFINITY, INFINITY);
}

static int check_rate(training *t, double rate, ag_node *node)
{
    if (!node) {
        t->rate = ag_number(t->graph, rate);
        return check_option(t, "rate", rate, 0, INFINITY);
    }
    t->rate = node;
    if (agi_check_nodes(t->graph, t->what, 1, &node, "rate_node")) return 0;
    if (node->rank)
        agi_fail_at(t->graph, AG_ESHAPE, 1, &node, "%s: options.rate_node is not a single number of rank 0", t->what);
    if (node->dtype == AG_I64)
        agi_fail_at(t->graph, AG_ETYPE, 1, &node, "%s: options.rate_node is of integers: use ag_cast", t->what);
    return !t->graph->status;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

static int keeps_the_same(const agi_kept *k, const training *t)
{
    size_t bytes = (size_t)t->count * sizeof *t->parameter;
    return !strcmp(k->what, t->what) && k->count == t->count && !memcmp(k->parameter, t->parameter, bytes);
}

/* What an earlier call keeps for these parameters, or room for what this one will. */
static int find_kept(training *t)
{
    for (t->kept = t->graph->kept; t->kept; t->kept = t->kept->older)
        if (keeps_the_same(t->kept, t)) return 1;
    agi_arena *a = &t->graph->arena;
    size_t n = (size_t)t->count;
    agi_kept *k = agi_arena_zeros(a, 1, sizeof *k);
    if (!k) return out_of_memory(t);
    *k = (agi_kept){ .older = t->graph->kept, .what = t->what, .count = t->count };
    k->parameter = agi_arena_copy(a, t->parameter, n * sizeof *k->parameter);
    for (int b = 0; b < BUFFERS; b++) k->buffer[b] = agi_arena_zeros(a, n, sizeof *k->buffer[b]);
    if (!k->parameter || !k->buffer[FIRST] || !k->buffer[SECOND]) return out_of_memory(t);
    t->kept = t->graph->kept = k;
    return 1;
}

static int check_loss(training *t, ag_node *loss)
{
    if (loss->rank)
        agi_fail_at(t->graph, AG_ESHAPE, 1, &loss,
                    "%s: the loss is not a single number, of rank 0: take its ag_mean or ag_sum", t->what);
    return !t->graph->status;
}

static training start(const char *what, const ag_node *loss)
{
    training t = { .what = what, .graph = loss->graph };
    t.graph->inside++;
    agi_arena_init(&t.arena, &t.graph->allocator);
    return t;
}

/* Gathers everything a method needs. 0: it failed and the graph says why; end() is to follow in any case. */
static int begin(training *t, ag_node *loss, double rate, ag_node *rate_node, double clip_norm)
{
    const char *what = t->what;
    if (t->graph->status || agi_check_nodes(t->graph, what, 1, &loss, "loss")) return 0;
    if (!check_loss(t, loss) || !check_option(t, "clip_norm", clip_norm, 0, INFINITY)) return 0;
    if (!check_rate(t, rate, rate_node) || !find_parameters(t, loss) || !find_kept(t)) return 0;
    if (agi_gradient(what, loss, t->count, t->parameter, t->gradient)) return 0;
    if (clip_norm > 0) t->clip = clipping(t, clip_norm);
    return !t->graph->status;
}

/* The node that stands for all assignments, and the end of what begin() took. */
static ag_node *end(training *t)
{
    t->graph->inside--;
    ag_node *update = t->effects && !t->graph->status ? ag_group(t->effects, t->effect) : t->graph->bad;
    agi_arena_free(&t->arena);
    return update;
}

/* ---- what methods are made of ----------------------------------------------------------------------------------- */

static ag_node *assign(training *t, ag_node *parameter, ag_node *value)
{
    t->effect[t->effects++] = ag_assign(parameter, value);
    return value;
}

/* "of/role", or "of/role 2" and so on: a name that is free. NULL: no memory. */
static char *free_name(training *t, const char *of, const char *role)
{
    size_t room = strlen(of) + strlen(role) + 24;
    char *name = agi_arena_take(&t->arena, room);
    if (!name) return out_of_memory(t), NULL;
    agi_free_name(t->graph, room, name, of, role);
    return name;
}

/* A parameter of zeros like the i-th, which an earlier call may have made. */
static ag_node *buffer(training *t, int i, buffer_kind kind, const char *role)
{
    ag_node *p = t->parameter[i], **kept = &t->kept->buffer[kind][i];
    if (!ag_is_bad(*kept)) return *kept;
    const char *name = p->name ? free_name(t, p->name, role) : NULL;
    if (p->name && !name) return t->graph->bad;
    return *kept = ag_parameter(t->graph, name, (ag_dtype)p->dtype, ag_shape_in(p), NULL);
}

static ag_node *clipped(const training *t, int i)
{
    return t->clip ? ag_mul(typed(t->clip, t->parameter[i]), t->gradient[i]) : t->gradient[i];
}

/* 2^63, 2^511: 1 / its square is normal; its square may be doubled. */
static double largest_to_square(const ag_node *p)
{
    return p->dtype == AG_F32 ? 0x1p63 : 0x1p511;
}

/* The i-th gradient as means of its squares bear it. */
static ag_node *squarable(const training *t, int i, ag_node *gradient)
{
    return agi_new_within(gradient, largest_to_square(t->parameter[i]));
}

/* m / (sqrt(v) + epsilon), epsilon being above 0. */
static ag_node *in_units(ag_node *m, ag_node *v, ag_node *epsilon, const ag_node *p)
{
    return agi_new_over_sqrt(v, ag_maximum(epsilon, ag_number(p->graph, 1 / largest_to_square(p))), m);
}

/* p (1 - rate decay): what a step with weight decay starts from. */
static ag_node *decayed(const training *t, ag_node *p, double decay)
{
    return decay != 0 ? ag_mul(ag_one_minus(ag_scale(typed(t->rate, p), decay)), p) : p;
}

/* b old + (1 - b) now: a mean over steps that forgets, kept in a buffer. */
static ag_node *running_mean(training *t, int i, double b, ag_node *now)
{
    ag_node *old = buffer(t, i, FIRST, "m");
    return assign(t, old, b == 0 ? now : agi_new_lerp(old, now, 1 - b));
}

static ag_node *running_mean_square(training *t, int i, double b, ag_node *now)
{
    ag_node *old = buffer(t, i, SECOND, "v");
    return assign(t, old, b == 0 ? ag_square(now) : agi_new_lerp_square(old, now, 1 - b));
}

/* momentum old + now, kept in a buffer. */
static ag_node *accumulated(training *t, int i, double momentum, ag_node *now)
{
    ag_node *old = buffer(t, i, FIRST, "momentum");
    return assign(t, old, ag_add(ag_scale(old, momentum), now));
}

/* ---- gradient descent ------------------------------------------------------------------------------------------- */

static ag_node *sgd_step(training *t, const ag_sgd_options *o, int i)
{
    ag_node *p = t->parameter[i], *rate = typed(t->rate, p);
    if (o->momentum == 0) { /* the factors of the gradient are multiplied once, for all elements */
        if (t->clip) rate = ag_mul(rate, typed(t->clip, p));
        return ag_sub(decayed(t, p, o->weight_decay), ag_mul(rate, t->gradient[i]));
    }
    ag_node *g = clipped(t, i);
    if (o->weight_decay != 0) g = ag_add(g, ag_scale(p, o->weight_decay));
    ag_node *v = accumulated(t, i, o->momentum, g);
    return ag_sub(p, ag_mul(rate, o->nesterov ? ag_add(g, ag_scale(v, o->momentum)) : v));
}

ag_node *ag_sgd(ag_node *loss, const ag_sgd_options *or_null)
{
    if (!loss) return NULL;
    training t = start("ag_sgd", loss);
    ag_sgd_options o = or_null ? *or_null : (ag_sgd_options){ 0 };
    if (o.rate == 0 && !o.rate_node)
        agi_fail(t.graph, AG_EARG, "ag_sgd: no rate: give options.rate, &(ag_sgd_options){ .rate = 0.1 } say, or a "
                                   "rate_node");
    o.rate = agi_option(o.rate, 0);
    if (check_option(&t, "momentum", o.momentum, 0, INFINITY) && check_decay(&t, o.weight_decay) &&
        begin(&t, loss, o.rate, o.rate_node, o.clip_norm))
        for (int i = 0; i < t.count; i++) assign(&t, t.parameter[i], sgd_step(&t, &o, i));
    return end(&t);
}

/* ---- Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019) ------------------------- */

typedef struct {
    double b1, b2;
    ag_node *rate, *epsilon; /* with the corrections of this step */
} adam;

static ag_node *counter(training *t)
{
    ag_node **kept = &t->kept->step;
    if (!ag_is_bad(*kept)) return *kept;
    const char *name = free_name(t, "adam", "step");
    return *kept = name ? ag_parameter(t->graph, name, AG_F64, AG_SCALAR, NULL) : t->graph->bad;
}

/* 1 - b^step, from step 1 on. */
static ag_node *complement_of_power(double b, ag_node *step)
{
    if (ag_is_bad(step)) return step;
    return b == 0 ? ag_number(step->graph, 1) : ag_neg(ag_expm1(ag_scale(step, log(b))));
}

/* p -= rate (m / c1) / (sqrt(v / c2) + epsilon) with c = 1 - b^step, as p -= (rate s / c1) m / (sqrt(v) + epsilon s)
 * with s = sqrt(c2): the corrections are factors of what has rank 0. */
static adam corrections(training *t, double b1, double b2, double epsilon)
{
    ag_node *taken = counter(t), *step = assign(t, taken, ag_add(taken, ag_number(t->graph, 1)));
    ag_node *c1 = complement_of_power(b1, step), *s = ag_sqrt(complement_of_power(b2, step));
    ag_node *rate = ag_mul(typed(t->rate, step), ag_div(s, c1));
    return (adam){ .b1 = b1, .b2 = b2, .rate = rate, .epsilon = ag_scale(s, epsilon) };
}

static ag_node *adam_step(training *t, const adam *a, double decay, int i)
{
    ag_node *p = t->parameter[i], *g = squarable(t, i, clipped(t, i));
    ag_node *m = running_mean(t, i, a->b1, g);
    ag_node *v = running_mean_square(t, i, a->b2, g);
    ag_node *direction = in_units(m, v, typed(a->epsilon, p), p);
    return ag_sub(decayed(t, p, decay), ag_mul(typed(a->rate, p), direction));
}

ag_node *ag_adam(ag_node *loss, const ag_adam_options *or_null)
{
    if (!loss) return NULL;
    training t = start("ag_adam", loss);
    ag_adam_options o = or_null ? *or_null : (ag_adam_options){ 0 };
    double b1 = agi_option(o.beta1, 0.9), b2 = agi_option(o.beta2, 0.999), epsilon = agi_option(o.epsilon, 1e-8);
    if (check_option(&t, "beta1", b1, 0, 1) && check_option(&t, "beta2", b2, 0, 1) &&
        check_option(&t, "epsilon", epsilon, 0, INFINITY) && check_decay(&t, o.weight_decay) &&
        begin(&t, loss, agi_option(o.rate, 1e-3), o.rate_node, o.clip_norm)) {
        adam a = corrections(&t, b1, b2, epsilon);
        for (int i = 0; i < t.count; i++) assign(&t, t.parameter[i], adam_step(&t, &a, o.weight_decay, i));
    }
    return end(&t);
}

/* ---- RMSprop (Tieleman and Hinton 2012) ------------------------------------------------------------------------- */

static ag_node *rmsprop_step(training *t, const ag_rmsprop_options *o, double smoothing, double epsilon, int i)
{
    ag_node *p = t->parameter[i], *g = clipped(t, i);
    if (o->weight_decay != 0) g = ag_add(g, ag_scale(p, o->weight_decay));
    g = squarable(t, i, g);
    ag_node *v = running_mean_square(t, i, smoothing, g);
    ag_node *direction = in_units(g, v, ag_number(t->graph, epsilon), p);
    if (o->momentum != 0) direction = accumulated(t, i, o->momentum, direction);
    return ag_sub(p, ag_mul(typed(t->rate, p), direction));
}

ag_node *ag_rmsprop(ag_node *loss, const ag_rmsprop_options *or_null)
{
    if (!loss) return NULL;
    training t = start("ag_rmsprop", loss);
    ag_rmsprop_options o = or_null ? *or_null : (ag_rmsprop_options){ 0 };
    double smoothing = agi_option(o.smoothing, 0.99), epsilon = agi_option(o.epsilon, 1e-8);
    if (check_option(&t, "smoothing", smoothing, 0, 1) && check_option(&t, "epsilon", epsilon, 0, INFINITY) &&
        check_option(&t, "momentum", o.momentum, 0, INFINITY) && check_decay(&t, o.weight_decay) &&
        begin(&t, loss, agi_option(o.rate, 0.01), o.rate_node, o.clip_norm))
        for (int i = 0; i < t.count; i++) assign(&t, t.parameter[i], rmsprop_step(&t, &o, smoothing, epsilon, i));
    return end(&t);
}
