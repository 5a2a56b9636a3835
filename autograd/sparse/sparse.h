/* Sparse derivatives: the working data.
 *
 *   sets.c      sets of numbers, equal ones being one
 *   pattern.c   which elements of x each element of a node is made of; loops.c: of loops' and branches' results
 *   colour.c    columns that no row has two of share a colour, and one product; star.c: of Hessians
 *   direct.c    values where products with unit vectors are known to be diagonals
 *   products.c  the products, and from them the non-zero elements */
#ifndef AGI_SPARSE_H
#define AGI_SPARSE_H

#include "graph/graph.h"

/* ---- sets of numbers from 0 to universe - 1, by identity: 0 is the empty one ------------------------------------- */

typedef struct {
    const uint32_t *member; /* ascending */
    uint32_t count, hash;
} agi_set;

typedef struct {
    uint32_t a, b, both;
} agi_set_pair;

typedef struct {
    const ag_allocator *allocator;
    agi_arena arena;
    uint32_t universe, full; /* full: the set of all, once it is there */
    agi_vector sets;         /* agi_set */
    uint32_t *slot;          /* hash table of them */
    uint32_t slots;
    agi_set_pair *recent;    /* unions that were asked for lately */
    uint32_t *work;          /* room for a set that is being made */
    uint32_t *mark, stamp;   /* by member: is it in that set already? */
    int64_t members;         /* of all sets */
    int failed;              /* out of memory, or too_many */
    int too_many;            /* more than AGI_MOST_MEMBERS */
} agi_sets;

#define AGI_MOST_MEMBERS ((int64_t)1 << 29) /* 2 GB: a structure of so many different sets is not sparse */

void agi_sets_init(agi_sets *, const ag_allocator *, uint32_t universe);
void agi_sets_free(agi_sets *);
uint32_t agi_set_of_one(agi_sets *, uint32_t member);
uint32_t agi_set_union(agi_sets *, uint32_t a, uint32_t b);
uint32_t agi_set_union_of(agi_sets *, const uint32_t *set, int64_t count, int64_t stride);

static inline const agi_set *agi_set_at(const agi_sets *s, uint32_t set)
{
    return (const agi_set *)s->sets.data + set;
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

/* For each element of the y, one after the other, the set of elements of the x, counted through them all, that it is
 * made of. In `arena`; NULL after a failure that is recorded in the graph, or that sets->failed tells. */
uint32_t *agi_pattern_of(const char *what, ag_graph *, agi_arena *, agi_sets *, int m, ag_node *const y[], int n,
                         ag_node *const x[], const ag_run *or_null);

/* What a node's elements are made of. */
typedef struct {
    uint32_t *set; /* by element; NULL: made of no x */
    int uniform;   /* one set, for all elements */
} agi_origins;

static inline uint32_t agi_origin(const agi_origins *o, int64_t element)
{
    return o->set ? o->set[o->uniform ? 0 : element] : 0;
}

typedef struct agi_body_search agi_body_search;

typedef struct agi_integers agi_integers;
struct agi_integers { /* of a node; NULL: not known */
    const ag_node *node;
    const int64_t *values;
    agi_integers *next;
};

/* The nodes between x and y, or those of a body, and what is found about them. */
typedef struct {
    const char *what;
    ag_graph *graph;
    agi_arena *kept, *arena; /* of the whole search; of what is found about nodes */
    agi_sets *sets;
    const ag_run *run;
    agi_integers **integers; /* that were asked for */
    int as_written;          /* some x is no leaf: through the operands as written, which it may be among */
    int is_top;              /* no body: what x are made of is there before they are come to */
    agi_region between;      /* by place in it: */
    agi_origins *of;
    agi_body_search **body;  /* of a loop or branch */
} agi_search;

/* Lists the nodes from the y down to the x, past them or not, and all bodies. 0: no memory. */
int agi_search_between(agi_search *, int m, ag_node *const y[], int n, ag_node *const x[], int stop);
void agi_follow_all(agi_search *); /* finds out what they are made of, those apart where it stopped */
agi_origins agi_origins_of(const agi_search *, const ag_node *);
uint32_t *agi_new_sets(agi_search *, int64_t n); /* empty ones; NULL: no memory */

/* loops.c */
int agi_find_bodies(agi_search *); /* 0: no memory */
void agi_free_bodies(agi_search *);
void agi_follow_bodies(agi_search *, const ag_node *loop_or_branch);
agi_origins agi_part_origins(const agi_search *, const ag_node *part); /* once the loop or branch was followed */

/* ---- colours ----------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t rows, columns;
    const int64_t *start, *column;
} agi_csr;

typedef struct {
    int by_rows;      /* products of the y's unit vectors, in reverse; else of the x's, forward */
    int64_t colours;
    uint32_t *colour; /* by row, or by column: in which product its unit vector is */
    int64_t *from;    /* by element: where it stands among all products, one after the other */
} agi_colouring;

/* Few colours, so that every element stands in a product alone. set: by row, of `sets`, equal for equal rows; NULL: how
 * many colours is all that is asked. Of a symmetric matrix elements are there twice. 0: no memory. */
int agi_colour(agi_arena *, const agi_csr *, const uint32_t *set, int64_t sets, int symmetric, agi_colouring *);

/* How many; -1: no memory. from: as in agi_colouring, or NULL. */
int64_t agi_colour_star(agi_arena *, const agi_csr *, uint32_t *colour, int64_t *from);
int agi_transpose_csr(agi_arena *, const agi_csr *, agi_csr *transposed);             /* 0: no memory */

#endif
