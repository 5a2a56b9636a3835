/* Loops and branches as nodes: a body, written as graph on bound leaves, evaluated step by step.
 *
 * A loop node's inputs are the initial states, the sequences, the captures (nodes outside the body that it reads) and
 * perhaps the number of steps. Its results are its parts: nodes of operation `part`.
 *
 *   scan.c             the public constructors; segments
 *   loop.c, branch.c   the operations;  part.c, unpart.c: results, and gradients on their way back
 *   loop_kept.c        what is kept for reverse mode
 *   loop_products.c    gradients of captured matrices, by one product of all steps
 *   loop_backward.c    reverse mode;  loop_forward.c: forward mode;  loop_batch.c: many values at once
 *
 *   body.c             what bodies begin and end with;  capture.c: what they read from outside
 *
 * compile/lower_loop.c makes bodies plans of their own, to step through. */
#ifndef AGI_LOOP_H
#define AGI_LOOP_H

#include "node.h"

#define AGI_UNBOUNDED INT64_MAX
#define AGI_ANY_ROOM INT64_MAX
enum { AGI_DEEPEST_LOOP = 16 }; /* loops in loops: who goes through bodies may do so recursively */

typedef struct {
    int64_t length;                /* number of steps; with a test or a count: at most; or AGI_UNBOUNDED */
    int reverse;                   /* from the last element to the first */
    int counted;                   /* the last input is the number of steps, rank 0 */
    int states, elements, results, captures;
    int kept;                      /* the last so many results are there for the gradient: see agi_list_kept */
    int64_t room;                  /* bytes that the gradient may keep beside the states; AGI_ANY_ROOM: no limit */
    ag_node *const *state;         /* bound leaves: the carried values before a step */
    ag_node *const *next;          /* body: the carried values after it */
    ag_node *const *element;       /* bound leaves: this step's slice of each sequence */
    ag_node *const *result;        /* body: what is stacked */
    ag_node *const *capture;
    ag_node *test;                 /* body, on states and captures, rank 0: go on while it is not 0; or NULL */
    int depth;                     /* 1 + that of the loops and branches inside */
} agi_loop_attribute;

typedef struct {
    int arguments, results, captures;
    ag_node *const *argument;      /* bound leaves */
    ag_node *const *then, *const *otherwise; /* bodies: the results of either branch */
    ag_node *const *capture;
    int depth;
} agi_branch_attribute; /* inputs: predicate, arguments' values, captures */

/* Make the node, and find the captures for it. Out of memory, or the body holds what it may not: a bad node or NULL. */
ag_node *agi_new_loop(ag_graph *, agi_loop_attribute *, ag_node *const initial[], ag_node *const sequence[],
                      ag_node *count);
ag_node *agi_new_branch(ag_graph *, agi_branch_attribute *, ag_node *predicate, ag_node *const value[]);
/* Adds the results that are worth keeping for a gradient, before the node is made. 0 after a failure. */
int agi_list_kept(ag_graph *, agi_loop_attribute *);
/* A loop of whole segments of so many steps: an outer loop whose body is the loop over one. NULL, or by state: it is a
 * sum, `next` is the state, which nothing else reads, and an addend: then sums of segments are added up. */
ag_status agi_scan_segments(ag_graph *, const ag_scan_body *, int64_t steps, const unsigned char sums[],
                            ag_node *final[], ag_node *stacked[]);
/* What the constructors are called in failures; no node is of these operations. */
extern const ag_op agi_called_scan, agi_called_while, agi_called_cond;
/* In a shape rule: `which` k, which is a, and `what`, which is b, agree in shape and type, or the failure says so. */
ag_status agi_refuse_unlike(ag_infer *, const char *which, int k, const ag_node *a, const char *what, const ag_node *b);
/* What input k of a loop node is in the body: a state, an element or a capture. */
ag_node *agi_loop_leaf(const agi_loop_attribute *, int k);
/* From the inputs that are changed: which states, results and test are, because of them or of other states; `real`: no
 * change goes into integers. 0 when memory ends. */
int agi_spread_changes(ag_graph *, const agi_loop_attribute *, const unsigned char inputs[], int real,
                       unsigned char changed[]);

/* ---- parts: of a loop, in this order; a branch has its results alone -------------------------------------------- */

int agi_part_final(const agi_loop_attribute *, int state);
int agi_part_result(const agi_loop_attribute *, int result);
int agi_part_before(const agi_loop_attribute *, int state); /* the state before each step, stacked */
int agi_part_count(const agi_loop_attribute *);             /* number of steps made, rank 0, f64 */
int agi_parts(const ag_node *loop_or_branch);    /* how many there are */
ag_node *agi_new_part(ag_node *loop_or_branch, int part);
ag_shape agi_part_shape(const ag_node *loop_or_branch, int part, ag_dtype *);
/* The gradients that flow into the parts, from the gradient of the whole node; NULL where nothing does. active[k]: a
 * number that is 0 in evaluations in which nothing flows into part k; NULL: it always does. */
void agi_take_apart(ag_node *loop_or_branch, ag_node *gout, ag_node *parts[], ag_node *active[]);
ag_node *agi_flow_apart(ag_node *unpart, ag_node *active); /* the same, of a part into which it flows if active */
ag_node *agi_more_parts(ag_node *before_or_null, ag_node *unpart); /* what flows into one node, together */

/* ---- bodies: of loops and branches alike ------------------------------------------------------------------------ */

/* The k-th of the nodes that the bodies are evaluated for, or NULL. */
ag_node *agi_body_result(const ag_node *loop_or_branch, uint32_t k);
/* What input k stands for in the body: a bound leaf; NULL: it is read there itself, or by the loop. */
ag_node *agi_body_leaf(const ag_node *loop_or_branch, uint32_t k);

/* ---- bodies: what they read ------------------------------------------------------------------------------------- */

void *agi_keep(ag_graph *, const void *data, size_t bytes); /* a copy, or zeros, in the graph's memory; NULL: failed */
/* Nodes that `results` read and that do not depend on the bound leaves, numbers aside. In the graph's memory. -1 after
 * a failure: no memory, or something inside that no body may hold. */
int agi_find_captures(ag_graph *, int n, ag_node *const results[], int nbound, ag_node *const bound[],
                     ag_node ***captures, int *depth);
int agi_needs_no_capture(const ag_node *); /* a number, perhaps repeated, of which every body has its own */
int agi_loop_depth(const ag_node *loop_or_branch); /* 1 + that of the loops and branches inside */
/* The place of the first that stands further ahead as well; n: none does, or memory ended, which is recorded. */
int64_t agi_first_repeated(ag_graph *, int64_t n, ag_node *const x[]);
/* Which of the bound leaves the results read, and which results depend on one; NULL: not asked. 0 when memory ends. */
int agi_find_reading(ag_graph *, int n, ag_node *const results[], int nbound, ag_node *const bound[],
                     unsigned char used[], unsigned char dependent[]);
/* Keeps those of the leaves that the results read, and the values they stand for. Their number; -1: no memory. */
int agi_keep_used(ag_graph *, int n, ag_node *const results[], int leaves, ag_node *leaf[], ag_node *value[]);

/* ---- bodies: derivatives, batches ------------------------------------------------------------------------------- */

/* As ag_vjp and ag_jvp, but the x are independent of each other: nothing flows from one into another. under: NULL, or
 * by y a number that is 0 in evaluations in which nothing flows into it, w being exactly 0, or NULL: always. active[i]
 * becomes the same of x[i], as branches are not taken. */
ag_status agi_local_vjp(int m, ag_node *const y[], ag_node *const w[], ag_node *const under[], int n,
                        ag_node *const x[], ag_node *dx[], ag_node *active[]);
ag_status agi_local_jvp(int n, ag_node *const x[], ag_node *const v[], int m, ag_node *const y[], ag_node *dy[]);
ag_node *agi_new_guard(ag_node *active, ag_node *x);      /* x where the number is not 0, else 0 */
/* Of two such numbers, in the type of the first: is one of them not 0; is none of them? */
ag_node *agi_either(ag_node *a, ag_node *b);
ag_node *agi_both(ag_node *a, ag_node *b);
/* of_y[i] [count, *y[i]] is y[i] for `count` values of each u[i], given as of_u[i] [count, *u[i]]; nu at least 1. */
ag_status agi_batch_nodes(int64_t count, int nu, ag_node *const u[], ag_node *const of_u[], int m, ag_node *const y[],
                         ag_node *of_y[]);
/* The hooks. */
void agi_loop_backward(ag_node *y, ag_node *gout, ag_node *gin[]);
ag_node *agi_loop_forward(ag_node *y, ag_node *const tin[], int part[]);
ag_node *agi_batch_loop(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count);
ag_node *agi_batch_branch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count);
ag_node *agi_batch_part(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count);

#endif
