/* A pass or a loop by itself: what is the same for all steps that do the same elsewhere in memory. */
#ifndef AGI_NATIVE_APART_H
#define AGI_NATIVE_APART_H

#include "emit/emit.h"

typedef struct {
    ag_plan plan;     /* nothing but the buffers that the step mentions, in the order in which it does */
    agi_step step;    /* that speaks of them; of another plan's step nothing but the bodies is shared */
    int64_t *operand; /* what code of it must be told, see emit.h */
    int64_t noperands;
} agi_apart;

/* The buffers of a plan by the numbers that they have in a step by itself, + 1; 0: it does not mention them. */
typedef struct {
    uint32_t *buffer, *owner;
} agi_apart_names;

int agi_apart_begin(agi_apart_names *, agi_arena *, const ag_plan *); /* 0: out of memory */
/* Of a pass or a loop. 0: out of memory. */
int agi_set_apart(agi_apart *, agi_arena *, const agi_apart_names *, const ag_plan *, const agi_step *);

#endif
