/* Programs of branches and loops, at random, and what an interpreter says of them. */
#ifndef BRANCHES_H
#define BRANCHES_H

#include "test.h"

enum { INPUTS = 3, LENGTH = 3, MOST = 600, MOST_BODIES = 40, STATES = 3 };

/* A value, its tangent by each input, and what that would be without cancellation, where it depends on the input. */
typedef struct {
    double value, tangent[INPUTS], size[INPUTS];
    unsigned depends;
} dual;

typedef enum {
    LEAF, ADD, SUB, MUL, SCALE, SIN, SQRT, LOG, RECIPROCAL, SQUARE, OPERATIONS, /* leaves have values bound to them */
    CHOSEN, FINAL, STACKED_SUM
} form;

typedef struct {
    form form;
    int a, b;         /* operands; or a body, and which of its results */
    double factor;
    ag_node *node;
    dual bound;       /* of a leaf; of what is in no body as soon as it is known */
    int outside, known;
} value;

/* [LENGTH]: these values, or what a loop stacks. */
typedef struct {
    int item[LENGTH], loop; /* -1: the items */
    ag_node *node;
} sequence;

/* A branch: leaf 0 is an argument, next the results of either branch. A loop: states, then the element. */
typedef struct {
    int steps, states, tested, sequence; /* tested: there is no sequence */
    int predicate, from[STATES + 1], leaf[STATES + 1], next[2 * STATES], result;
    double bound;                        /* the predicate, or the first state, is tested to be greater */
} body;

typedef struct {
    ag_graph *g;
    uint64_t seed;
    int values, bodies, sequences, depth, dense;
    value value[MOST];
    body body[MOST_BODIES];
    sequence sequence[MOST_BODIES];
    int scope[MOST], scoped;             /* what may be read here, and the stacks */
    int stack[MOST_BODIES], stacks;
} world;

/* A sum of all that the program makes of its inputs, which are the first values: the value's number. */
int branches_grow(world *, uint64_t seed);
/* The value, tangents beside it, with nothing evaluated but what is taken. Dense: tangents of 0 take part, too, and are
 * NaN where a slope is infinite. */
dual branches_interpret(world *, int value, int dense);

#endif
