/* Derivatives as graph: reverse sweeps, products with Jacobians and Hessians, whole ones, batches. Reaches graphs and
 * nodes; knows no plans. */
#ifndef AGI_DERIVE_H
#define AGI_DERIVE_H

#include "graph/graph.h"

/* Are these n nodes, `role`s of the call `what`, there, of this graph and sound? Nothing is looked into
 * before that is known. */
ag_status agi_check_nodes(ag_graph *, const char *what, int n, ag_node *const x[], const char *role);

/* Conditions of what flows in and of what has arrived: see agi_local_vjp. */
typedef struct {
    ag_node *const *under; /* by y; or NULL */
    ag_node **active;      /* by x */
} agi_conditions;

/* The reverse sweep itself, of sound nodes that are no integers, n at least 1: as agi_pull. */
ag_status agi_sweep(const char *what, ag_graph *, int m, ag_node *const y[], ag_node *const w[], int n,
                    ag_node *const x[], ag_node *dx[], int stops, const agi_conditions *or_null);

/* ag_gradient, whose failures are those of the call `what`. */
ag_status agi_gradient(const char *what, ag_node *y, int n, ag_node *const x[], ag_node *dx[]);

/* The same as ag_vjp of sound nodes, but nothing flows on from the last `stops` of the x. */
ag_status agi_pull(const char *what, int m, ag_node *const y[], ag_node *const w[], int n, ag_node *const x[],
                   int stops, ag_node *dx[]);

/* of_y[i] [count, *y[i]] is y[i] for `count` values of each u[i], given as of_u[i] [count, *u[i]]. Failures
 * are those of the call `what`. */
ag_status agi_batch(const char *what, int64_t count, int nu, ag_node *const u[], ag_node *const of_u[], int m,
                    ag_node *const y[], ag_node *of_y[]);

/* of_y[i] [count, *y[i]] is y[i] for all unit vectors of the u together, which y is linear in: `count` of them, one u's
 * after the other's. */
ag_status agi_batch_units(const char *what, int nu, ag_node *const u[], int m, ag_node *const y[], ag_node *of_y[]);

#endif
