/* The backward loop while it is put together: see loop_backward.c. */
#ifndef AGI_LOOP_BACKWARD_H
#define AGI_LOOP_BACKWARD_H

#include "loop.h"

/* A value of the body, stacked over the steps. */
typedef struct {
    const ag_node *value; /* NULL: the place is free */
    ag_node *stack;       /* that there is already, or NULL: */
    int result;           /* which of the backward loop's stacks for products becomes it */
} agi_stacked;

/* The gradient of a capture as the sum over all steps of such products: one product after the loop. */
enum { AGI_MOST_TERMS = 4 };
typedef struct {
    int n; /* 0: it is summed up step by step */
    struct {
        const ag_node *a, *b;  /* the values that are stacked, whose elements are those of [rows, m] and [rows, n] */
        int64_t rows, m, n;
        int transposed;        /* the term is (a^T b)^T */
    } term[AGI_MOST_TERMS];
} agi_step_products;

/* What the backward loop is put together from: lists that grow as the parts of the forward loop are looked at. */
typedef struct {
    ag_graph *graph;
    const agi_loop_attribute *l;
    ag_node *y;
    ag_node *count;                     /* the number of steps made, if it is not known before; or NULL */
    agi_loop_attribute back;
    ag_node **state, **next, **initial; /* gradients of states, then sums for captures */
    ag_node **element, **sequence;      /* states before, elements, gradients of results and of states before */
    ag_node **result;                   /* gradients of the elements, then what is stacked for products */
    ag_node **out, **cotangent;         /* what is pulled back through the body, and by what */
    ag_node **x, **dx, **active;        /* and to what, under which conditions */
    ag_node **gpart, **gactive;         /* what flows into the parts, and when: see agi_take_apart */
    ag_node **flag;                     /* by live state: a leaf that is 0 while nothing has flowed in, or NULL */
    ag_node **under;                    /* by out: the same, of what is pulled back; or NULL */
    int *goal;                          /* input of y that x[k] stands for */
    int *condition;                     /* backward state that says whether anything flows to x[k], or -1 */
    unsigned char *alive;               /* by state: may a gradient flow into it? */
    unsigned char *sum;                 /* by backward state: it is the sum for a capture */
    int64_t segment;                    /* > 0: the backward loop goes by segments of so many steps */
    ag_node *loop;                      /* the backward loop; or, by segments: */
    ag_node **last, **stacked;          /* its final states and results */
    int nout, nx, nstates;              /* nstates: the live ones, the first of the x and of what is pulled back */

    /* loop_products.c's */
    int64_t left;                       /* bytes that may still be stacked */
    agi_step_products *product;         /* by x */
    agi_stacked *stack;                 /* by a hash of the value, */
    uint32_t stacks;                    /* in so many places, a power of two */
    ag_node **more;                     /* the values that the backward loop stacks for products */
    int nmore, first_more;              /* the first of them is that result */
} agi_puller;

/* loop_products.c. Elements for the products that the forward loop has kept and the backward one reads; then which
 * captures' gradients are products, of what. 0 after a failure. */
int agi_find_products(agi_puller *);
int agi_is_product(const agi_puller *, int x);
int agi_stack_for_products(agi_puller *); /* results of the backward loop, after the others; 0 after a failure */
ag_node *agi_product_of_steps(const agi_puller *, int x); /* once there is a backward loop */
ag_node *agi_add_element(agi_puller *, ag_node *leaf, ag_node *sequence);

/* loop_backward.c: of the backward loop. */
ag_node *agi_stack_of(const agi_puller *, int result);

#endif
