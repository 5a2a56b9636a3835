#include "descent.h"

#include <math.h>
#include <string.h>

enum { PATIENCE = 100000 };

/* 1: the gradient or the step is small enough for the end. */
static int step(hill *h, double rate)
{
    double slope = 0, length = 0;
    for (int i = 0; i < h->n; i++) {
        h->there[i] = h->x[i] - rate * h->gradient[i];
        slope += h->gradient[i] * h->gradient[i];
        length += (h->there[i] - h->x[i]) * (h->there[i] - h->x[i]);
    }
    return sqrt(slope) <= SMALL || sqrt(length) <= SMALL;
}

int descend_hill(hill *h, reason *why)
{
    double here, there, rate = SMALL;
    if (h->value(h->context, h->x, &here, why) || h->differentiate(h->context, h->gradient, why)) return -1;
    if (isnan(here)) return refuse(why, "the start's value is not a number");
    for (int tries = 0, successes = 0; tries < PATIENCE; tries++) {
        if (step(h, rate)) return 0;
        if (h->value(h->context, h->there, &there, why)) return -1;
        if (there < here) {
            memcpy(h->x, h->there, sizeof h->x);
            here = there;
            if (h->differentiate(h->context, h->gradient, why)) return -1;
            if (++successes == ROW) {
                rate *= 2;
                successes = 0;
            }
        } else {
            rate /= 2;
            successes = 0;
        }
    }
    return refuse(why, "the descent does not end");
}
