#include "descent.h"

#include <math.h>
#include <string.h>

enum { PATIENCE = 100000, ROW = 10 };

int descend(const descent *d, void *context, double value_here, reason *why)
{
    double rate = SMALL;
    if (isnan(value_here)) return refuse(why, "the start's value is not a number");
    for (int tries = 0, successes = 0; tries < PATIENCE; tries++) {
        trial t;
        if (d->attempt(context, rate, &t, why)) return -1;
        if (t.slope <= SMALL || t.length <= SMALL) return 0;
        int better = t.value < value_here;
        if (better && d->accept(context, rate, why)) return -1;
        if (better) value_here = t.value;
        successes = better ? successes + 1 : 0;
        if (!better) rate /= 2;
        if (successes == ROW) {
            rate *= 2;
            successes = 0;
        }
    }
    return refuse(why, "the descent does not end");
}

static int attempt(void *context, double rate, trial *t, reason *why)
{
    hill *s = context;
    double square = 0, moved = 0;
    for (int i = 0; i < s->n; i++) {
        s->there[i] = s->x[i] - rate * s->gradient[i];
        square += s->gradient[i] * s->gradient[i];
        moved += (s->there[i] - s->x[i]) * (s->there[i] - s->x[i]);
    }
    t->slope = sqrt(square);
    t->length = sqrt(moved);
    if (t->slope <= SMALL || t->length <= SMALL) return 0;
    return s->value(s->context, s->there, &t->value, why);
}

static int accept(void *context, double rate, reason *why)
{
    hill *s = context;
    (void)rate;
    memcpy(s->x, s->there, sizeof s->x);
    return s->differentiate(s->context, s->gradient, why);
}

int descend_hill(hill *s, reason *why)
{
    const descent steps = { attempt, accept };
    double value;
    if (s->value(s->context, s->x, &value, why) || s->differentiate(s->context, s->gradient, why)) return -1;
    return descend(&steps, s, value, why);
}
