/* Pictures of graphs and plans, and pages to step through. A part of autograd.h, which includes it.
 *
 *     FILE *f = fopen("loss.dot", "w");
 *     ag_write_dot_with(f, 1, &loss, &(ag_picture_options){ .run = run, .gradients_of = loss });
 *     fclose(f);                                   dot -Tsvg loss.dot > loss.svg
 *
 * Operations are coloured by what they are; names such as "block2/attn/wq" make boxes, a scope each, in which stands
 * what reads the parameters of that scope, and what is made of it. Derivatives and updates have boxes of their own. A
 * loop is a box with its body. Each call returns 0, or -1: f or a node is NULL, cannot be written, or no memory; where
 * values were to be computed, ag_graph_error says why they were not, and the graph goes on, its status what it was. */
#ifndef AUTOGRAD_PICTURES_H
#define AUTOGRAD_PICTURES_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const ag_run *run; /* the values that it holds are shown: small ones whole, of large ones the least, the mean, the
                          largest and a histogram; NULL: none */
    ag_node *gradients_of; /* rank 0: all that it is made of is computed, with the leaves' values of the run, or first
                              values, and shown beside its derivative by each. The graph grows. NULL: not so */
    int depth;         /* scopes as deep as this are one box, 1: the outermost. 0: as deep as `boxes` allows */
    int boxes;         /* at most, unless there are more outside all scopes. 0: 60 */
    int forward;       /* 1: without derivatives and updates */
    char direction;    /* 'd': from top to bottom; 'r': from left to right; 0: right, of more than 16 boxes down */
} ag_picture_options;

/* Graphviz of the nodes that the outputs need; with a run, the values that it holds. */
int ag_write_dot(FILE *f, int n, ag_node *const outputs[], const ag_run *or_null);
int ag_write_dot_with(FILE *f, int n, ag_node *const outputs[], const ag_picture_options *or_null);
/* Graphviz of a plan: steps in order, a pass as a box with its operations, what goes from step to step. */
int ag_write_plan_dot(FILE *f, const ag_plan *);

/* One HTML file, which needs nothing else: forward and backward through what y, of rank 0, is made of, node by node, by
 * buttons or keys: each value, what flows back into it from whom, the local derivatives, and the chain rule in numbers.
 * Leaves are as the run has them; without a run parameters are at their first values, and there may be no inputs. For
 * small graphs, of 400 nodes at most. The graph grows. */
int ag_write_html(FILE *f, ag_node *y, const ag_run *or_null);

#ifdef __cplusplus
}
#endif
#endif
