/* The interpreter of branches and loops: dual numbers, and nothing is evaluated but what is taken. */
#include "branches.h"

static dual evaluate(world *w, int k);

static void flow(const world *w, dual *y, const dual *a, double slope)
{
    for (int i = 0; i < INPUTS; i++) {
        if (!(a->depends >> i & 1) && !w->dense) continue;
        y->tangent[i] += slope * a->tangent[i];
        y->size[i] += fabs(slope) * a->size[i];
    }
    y->depends |= a->depends;
}

static dual of_one(const world *w, double result, const dual *a, double slope)
{
    dual y = { .value = result };
    flow(w, &y, a, slope);
    return y;
}

static dual of_two(const world *w, double result, const dual *a, double slope, const dual *b, double other)
{
    dual y = of_one(w, result, a, slope);
    flow(w, &y, b, other);
    return y;
}

static dual choose(world *w, const body *b, int result)
{
    dual predicate = evaluate(w, b->predicate);
    w->value[b->leaf[0]].bound = evaluate(w, b->from[0]);
    return evaluate(w, b->next[predicate.value > b->bound ? result : STATES + result]);
}

static dual element(world *w, const sequence *s, int step);

/* The state after all steps, or a step's result. */
static dual step_through(world *w, const body *b, int state, int result)
{
    dual now[STATES], stacked = { 0 };
    for (int k = 0; k < b->states; k++) now[k] = evaluate(w, b->from[k]);
    for (int step = 0; step < b->steps && (!b->tested || now[0].value > b->bound); step++) {
        if (!b->tested) w->value[b->leaf[STATES]].bound = element(w, &w->sequence[b->sequence], step);
        for (int k = 0; k < b->states; k++) w->value[b->leaf[k]].bound = now[k];
        for (int k = 0; k < b->states; k++) now[k] = evaluate(w, b->next[k]);
        if (step == result) stacked = evaluate(w, b->result);
    }
    return result < 0 ? now[state] : stacked;
}

static dual element(world *w, const sequence *s, int step)
{
    return s->loop < 0 ? evaluate(w, s->item[step]) : step_through(w, &w->body[s->loop], 0, step);
}

static dual sum_of_results(world *w, const body *b)
{
    dual y = { 0 };
    for (int step = 0; step < LENGTH; step++) {
        dual one = step_through(w, b, 0, step);
        y = of_two(w, y.value + one.value, &y, 1, &one, 1);
    }
    return y;
}

static dual operate(world *w, const value *x)
{
    dual a = evaluate(w, x->a), b = x->form <= MUL ? evaluate(w, x->b) : a;
    switch (x->form) {
    case ADD: return of_two(w, a.value + b.value, &a, 1, &b, 1);
    case SUB: return of_two(w, a.value - b.value, &a, 1, &b, -1);
    case MUL: return of_two(w, a.value * b.value, &a, b.value, &b, a.value);
    case SCALE: return of_one(w, x->factor * a.value, &a, x->factor);
    case SIN: return of_one(w, sin(a.value), &a, cos(a.value));
    case SQRT: return of_one(w, sqrt(a.value), &a, 0.5 / sqrt(a.value));
    case LOG: return of_one(w, log(a.value), &a, 1 / a.value);
    case RECIPROCAL: return of_one(w, 1 / a.value, &a, -1 / (a.value * a.value));
    default: return of_one(w, a.value * a.value, &a, 2 * a.value);
    }
}

static dual evaluate(world *w, int k)
{
    value *x = &w->value[k];
    if (x->form == LEAF || x->known) return x->bound;
    dual y = x->form == CHOSEN ? choose(w, &w->body[x->a], x->b)
        : x->form == FINAL ? step_through(w, &w->body[x->a], x->b, -1)
        : x->form == STACKED_SUM ? sum_of_results(w, &w->body[x->a]) : operate(w, x);
    if (x->outside) x->bound = y, x->known = 1;
    return y;
}

dual branches_interpret(world *w, int y, int dense)
{
    for (int k = 0; k < w->values; k++) w->value[k].known = 0;
    w->dense = dense;
    return evaluate(w, y);
}
