/* A gradient check while it is made. */
#ifndef AGI_CHECKING_H
#define AGI_CHECKING_H

#include "derive/derive.h"

typedef struct {
    ag_node *node;
    void *value;       /* in its type */
    uint8_t needed[2]; /* by f, by its gradient */
    uint8_t assigned;  /* by f */
} agi_check_leaf_value;

typedef struct {
    ag_graph *graph;
    agi_arena arena;
    ag_check_options o;
    ag_check_report *report;
    ag_status status; /* of the check itself: what keeps it from comparing */
    uint64_t random;  /* state of the generator */
    uint32_t own;     /* nodes from here on were made by the check */
    int n, order;
    ag_node *const *x;
    ag_node *f;
    int64_t total;    /* elements of all x */
    double **at;      /* the values of each x */
    uint8_t *needed;  /* does f need x[i]? */
    double *scale;    /* by element: 1, or the power of two next to |x| */
    double *tangent;  /* by element: random, of that scale */
    double *gradient; /* by element */
    double *moved;    /* room for the values of one x */
    int leaves;
    agi_check_leaf_value *leaf;
    ag_plan *plan[2]; /* of f, of its gradient */
    ag_run *run[2];
} agi_check;

/* Each returns the check's status, with the first failure's message in its report. */
ag_status agi_check_stop(agi_check *, ag_status, const char *message);
ag_status agi_check_no_memory(agi_check *);

/* check_values.c: random directions; the leaves that f, its gradient or the check read, and their values. */
double agi_check_uniform(agi_check *);   /* from 0 to below 1 */
double agi_check_direction(agi_check *); /* of either sign, its size 0.5 to 1 */
ag_status agi_check_find_leaves(agi_check *, ag_node *const dx[]);

/* check_slope.c: plans and runs of f (0) and of its gradient (1); the gradient's value; the derivative of f along a
 * tangent that moves elements lo to hi - 1 alone. */
ag_status agi_check_prepare(agi_check *, int which, int n, ag_node *const output[]);
ag_status agi_check_take_gradient(agi_check *, ag_node *const dx[]);
double agi_check_slope(agi_check *, const double *tangent, int64_t lo, int64_t hi);
void agi_check_discard(agi_check *);

#endif
