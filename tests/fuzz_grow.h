/* What the generators share: a graph in the making, and dice. */
#ifndef FUZZ_GROW_H
#define FUZZ_GROW_H

#include "fuzz.h"

enum { FUZZ_LEAVES = 5, FUZZ_NODES = 256 };

typedef struct {
    ag_graph *g;
    uint64_t seed;
    ag_dtype dtype;      /* of all nodes kept */
    int64_t dim[5], largest; /* extents; size of a tensor */
    int count, depth;    /* nodes there are; loops around */
    ag_node *node[FUZZ_NODES], *parameter[FUZZ_LEAVES];
} fuzz_world;

int fuzz_below(fuzz_world *, int n);
ag_node *fuzz_any(fuzz_world *);
ag_node *fuzz_leaf(fuzz_world *, ag_shape);      /* a parameter of random values */
ag_shape fuzz_shape(fuzz_world *, int most_rank);
int64_t fuzz_size(ag_shape);
ag_node *fuzz_fit(fuzz_world *, ag_node *x, ag_shape); /* something made of x, of that shape */
ag_node *fuzz_small(fuzz_world *, ag_node *x);   /* x brought between -1.5 and 1.5 */
ag_node *fuzz_scaled(ag_node *x, double by, double plus);

/* One more node, or NULL when this one does not fit; by kind. */
ag_node *fuzz_step(fuzz_world *);
ag_node *fuzz_point(fuzz_world *);
ag_node *fuzz_move(fuzz_world *);
ag_node *fuzz_network(fuzz_world *);
ag_node *fuzz_linear_algebra(fuzz_world *);
ag_node *fuzz_control(fuzz_world *); /* loops and branches */

#endif
