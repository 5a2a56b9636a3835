/* Graphs: nodes, their names, errors and shapes, and what rules may ask. The library's own view of what autograd.h and
 * node.h show; names shared between files are agi_*.
 *
 *   apply.c       makes nodes: checks, simplifies, infers, merges; simplify.c: what all pointwise operations share
 *   intern.c      equal nodes are one; names.c, custom.c: nodes and users' operations by name
 *   error.c       the first failure, in words; shape.c, rules.c: what constructors and rules ask
 *   extent.c      extents that plans choose; resized.c: what stands for nodes at other sizes
 *   sweeps.c      where derivatives begin and end
 *   checked.c     data's types, where the caller's compiler tells
 *   region.c      the nodes that some are made of: what everything that walks a graph walks
 *   arithmetic.c  one element of a pointwise operation; graph.c: what a node is; life.c: a graph's life
 *
 * A graph owns its nodes: they live in its arena until it is freed, and never change once made, but for their names. A
 * node's id is its place in the order of creation, which is a topological order: inputs have smaller ids. The first
 * failure stays until it is cleared, and no call but ag_graph_clear forgets it. This room reaches no operation by name:
 * what an operation is, its descriptor says. */
#ifndef AGI_GRAPH_H
#define AGI_GRAPH_H

#include "base/base.h"

/* ---- the graph -------------------------------------------------------------------------------------------------- */

typedef struct agi_named agi_named;
typedef enum { AGI_LEAVES, AGI_INNER } agi_names;
typedef struct agi_custom agi_custom;
typedef struct agi_kept agi_kept;

typedef struct agi_region agi_region;
typedef struct agi_resized agi_resized;

enum { AGI_MOST_EXTENTS = 4, AGI_LONGEST_EXTENT = 32 }; /* the first: of ag_options, too */

enum { AGI_CHUNK = 4096 };

/* intern.c: nodes in the order in which they were added, some of which are found by what they are: in a chain of the
 * few that have the same newest input, or, if they have none or there are more, in one of those of a table. Entries count
 * from 1 in chains, which 0 ends. */
typedef struct {
    ag_node *node;
    uint32_t first, next; /* of those it is the newest input of; in its chain */
} agi_entry;

typedef struct {
    agi_arena *arena;
    agi_vector chunks;      /* agi_entry *: AGI_CHUNK in each */
    uint32_t count, hashed; /* hashed: those in the table */
    uint32_t *head, heads;  /* the table's chains; a power of two of them, or none */
    uint8_t by_id;          /* entry k is the node whose id is k, and its inputs are here: else all are hashed */
} agi_interned;

struct ag_graph {
    ag_allocator allocator;
    agi_arena arena;
    int64_t nnodes;
    agi_interned interned;  /* the nodes by id; those made while `intern` is on are found again */
    agi_named *names[2];    /* uthash, by agi_names */
    agi_custom *custom;     /* uthash: users' own operations */
    int intern;
    agi_vector sweeps;      /* uint32_t, ascending: ids of the nodes that reverse sweeps began with */
    agi_vector derived;     /* uint32_t, ascending: where what a sweep made begins, ends, and so on */
    int inside;             /* rules, sweeps and rewrites at work: the nodes they make are not the user's */
    int rewriting;          /* rewrites at work: what they pass over is an operand of who asked, who keeps it */
    const agi_region *swept; /* during a sweep: what it goes through, */
    const uint8_t *wanted;   /* and by place in it: does its gradient lead to a wanted node? */
    ag_node **flow_if; /* while a rule is asked that may say so, by input: the condition of what flows there, or NULL */
    agi_vector effects;     /* const ag_node *: assignments */
    agi_vector sparse;      /* const ag_sparse *: derivatives of mostly zeros */
    int bodies;             /* some of its inputs stand for values in the bodies of loops and branches */
    struct {
        ag_node *seed, *evaluation; /* a parameter; the assignment that counts evaluations; or NULL */
        uint32_t draws;             /* made so far */
    } random;
    ag_extent_size extent[AGI_MOST_EXTENTS]; /* those that plans choose, and the sizes where they do not */
    int nextents;
    agi_resized *resized;   /* by sizes, the newest first */
    agi_kept *kept;         /* train/kept.c: what each optimiser keeps, the newest first */
    ag_status status;
    char message[1024];
    ag_node *bad; /* stands for every result of a failed call */
};

static inline agi_entry *agi_entry_at(const agi_interned *t, uint32_t k)
{
    return &((agi_entry *const *)t->chunks.data)[k / AGI_CHUNK][k % AGI_CHUNK];
}

static inline ag_node *agi_node(const ag_graph *g, int64_t id)
{
    return agi_entry_at(&g->interned, (uint32_t)id)->node;
}

static inline int64_t agi_node_bytes(const ag_node *x)
{
    return ag_count(x) * (int64_t)ag_dtype_size((ag_dtype)x->dtype);
}

/* Bounded text building for messages. */
typedef struct {
    char *at, *end;
} agi_text;

/* ---- a part of a graph ------------------------------------------------------------------------------------------- */

enum { AGI_PAGE = 64 }; /* nodes whose ids lie together */

typedef struct {
    uint64_t in, end;         /* by id: a bit */
    uint32_t place[AGI_PAGE]; /* of the nodes that were listed */
} agi_page;

/* Nodes in their places, from the last made to the first: every node's inputs that are in it have larger places. */
struct agi_region {
    const ag_graph *graph;
    agi_arena *arena;
    uint32_t first, last; /* ids; nodes before the first are no part of it */
    uint32_t at;          /* nodes are listed down to here */
    uint32_t count, room;
    ag_node **node;       /* by place */
    agi_page ***chunk;    /* by id in AGI_CHUNK, then in AGI_PAGE; NULL: nothing is there */
    int failed;           /* out of memory */
};

/* The region begins with the m nodes `to`, and holds none made before the first of the n nodes `from`, if there are
 * any. To list it, take one node after the other, until there is none, and add those that each is read from: NULL and
 * `failed` when memory ends. */
void agi_region_start(agi_region *, agi_arena *, const ag_graph *, int n, ag_node *const from[], int m,
                      ag_node *const to[]);
void agi_region_add(agi_region *, const ag_node *);
ag_node *agi_region_next(agi_region *);
/* A mark, which nodes may have that are not in it: who lists it goes no further there. */
void agi_region_end_at(agi_region *, const ag_node *);
int agi_region_ends_at(const agi_region *, const ag_node *);

static inline agi_page *agi_page_at(const agi_region *r, uint32_t id)
{
    if (id < r->first || id > r->last) return NULL;
    agi_page **chunk = r->chunk[id / AGI_CHUNK - r->first / AGI_CHUNK];
    return chunk ? chunk[id % AGI_CHUNK / AGI_PAGE] : NULL;
}

#define AGI_NOWHERE UINT32_MAX

/* The node's place; AGI_NOWHERE: it is not in it. */
static inline uint32_t agi_place_in(const agi_region *r, const ag_node *x)
{
    const agi_page *page = agi_page_at(r, x->id);
    return page && page->in >> x->id % AGI_PAGE & 1 ? page->place[x->id % AGI_PAGE] : AGI_NOWHERE;
}

/* A node's name: the text behind the name it had before, or NULL. */
typedef struct {
    const char *older;
    char text[];
} agi_name_text;

static inline const char *agi_older_name(const char *name)
{
    return ((const agi_name_text *)(const void *)(name - offsetof(agi_name_text, text)))->older;
}

/* The node that x is computed as. */
static inline ag_node *agi_simple(ag_node *x)
{
    return x->rewritten ? x->in[x->nin - 1] : x;
}

/* The value is that of the last input: of the simpler node, or of the definition. */
static inline int agi_is_last_input(const ag_node *x)
{
    return x->rewritten || (x->op->flags & AG_ALIAS && x->nin);
}

/* How many of the inputs were written: all but a simpler node or a definition, which users do not see. A group, whose
 * last input is its own, has neither. */
static inline uint32_t agi_written_inputs(const ag_node *x)
{
    return x->nin - (x->rewritten || (x->op->flags & AG_ALIAS && x->op->inputs >= 0));
}

/* The equal node that is found, or NULL and the key by which this one would be; add one, by that if it is to be found
 * (0: out of memory); forget all. */
ag_node *agi_intern_find(const agi_interned *, const ag_node *, uint64_t *key);
int agi_intern_add(agi_interned *, ag_node *, const uint64_t *key_or_null);
void agi_intern_free(agi_interned *);
size_t agi_attribute_bytes(const ag_node *); /* of what the node's points to */

/* names.c: leaves by name. */
ag_node *agi_name_find(const ag_graph *, agi_names, const char *name);
int agi_name_add(ag_graph *, agi_names, ag_node *, const char *name); /* name is in the arena; 0: out of memory */
void agi_name_remove(ag_graph *, const char *name); /* of a leaf */
int agi_usable_name(ag_graph *, const char *what, const char *name); /* for a leaf; 0 after recording why not */
/* "of/role", or "of/role 2" and so on: one that is no leaf's; it is cut at `room`. */
void agi_free_name(const ag_graph *, size_t room, char name[], const char *of, const char *role);
void agi_names_free(ag_graph *);

void agi_custom_free(ag_graph *); /* custom.c */

/* checked.c: is data of that type, an ag_dtype, AG_INT or AG_UNKNOWN, what this type takes? 0: not, and the text says
 * why. `besides`: what else may be done about it. */
int agi_takes_type(ag_dtype, int type, const char *besides, char why[160]);
/* The same of a new leaf's values; 0 after recording the failure. */
int agi_check_values(ag_graph *, const char *what, const char *name, ag_dtype, int type, const void *values);

/* A leaf: no inputs, never merged unless `shared`. `attribute`, or the values, are copied; see nodes/leaf.h. */
ag_node *agi_leaf(ag_graph *, const ag_op *, const char *name, ag_dtype, ag_shape, const void *attribute, int shared);
ag_node *agi_leaf_written(ag_graph *, const ag_op *, const char *what, ag_dtype, ag_shape,
                          void (*write)(void *values, ag_dtype, int64_t n));

/* A number of rank 0, by the descriptor `number`; weak: it takes the type of the operand it meets. */
ag_node *agi_literal(ag_graph *, const ag_op *number, ag_dtype, double value, int weak);
/* The same of an extent that plans choose, or made of some: attribute an int64_t. */
ag_node *agi_extent_literal(ag_graph *, const ag_op *number, ag_dtype, int64_t n);
/* A node that says it is `written`, and is computed as what that is computed as. */
ag_node *agi_rewritten(const ag_op *, ag_node *written, const void *attribute);
/* A simpler node that stands for the operation, whose shape and type are inferred already, or NULL. */
ag_node *agi_simplify(const ag_infer *);

/* shape.c: NumPy broadcasting of all inputs, which have one real type. */
ag_status agi_infer_broadcast(ag_infer *);
ag_status agi_infer_extents(ag_infer *); /* the same, whatever the types */

static inline int agi_is_fed(const ag_node *x) /* an input or a parameter, which runs hold */
{
    return x->op->role == AG_IS_INPUT || x->op->role == AG_IS_PARAMETER;
}

/* The value of a literal number, through broadcasts of it; 0 when x is none. */
int agi_is_number(const ag_node *x, double *value);

/* One element of a pointwise operation, by its code, as scalar programs compute it. */
double agi_pointwise_f64(int code, double a, double b, double c);
float agi_pointwise_f32(int code, float a, float b, float c);

/* What an option means: 0 the default, AG_ZERO nought. */
static inline double agi_option(double given, double otherwise)
{
    return given == 0 ? otherwise : given == AG_ZERO ? 0 : given;
}

extern const ag_op agi_bad; /* of the bad node, which stands for every failed call's result */

/* What a `pattern` hook fills in, through ag_depends, and asks. Who calls the hook has more behind it. */
struct ag_dependence {
    void (*depends)(ag_dependence *, int64_t i, int k, int64_t j);
    const int64_t *(*known)(ag_dependence *, const ag_node *x);
};

/* sweeps.c: the next node is the first that a reverse sweep makes; all from `first` on were made by one. 0: out of
 * memory. */
int agi_note_sweep(ag_graph *);
int agi_note_derived(ag_graph *, uint32_t first);

/* ---- extents that plans choose ----------------------------------------------------------------------------------- */

/* Was it made of one? Extents, positions, strides. */
int agi_holds_extent(const ag_graph *, int64_t n);
int agi_is_multiple_of_extent(const ag_graph *, int64_t n);
int agi_shape_holds_extent(const ag_node *);
int agi_is_unreadable(const ag_graph *, int64_t n); /* by a division, say */
/* *n with these sizes in their places. 0: it is unreadable, or too large. */
int agi_put_sizes(const ag_graph *, const int64_t size[], int64_t *n);
void agi_print_extent(agi_text *, const ag_graph *, int64_t n);
void agi_name_extents(const ag_graph *, char *text, size_t room); /* the numbers of a text that were made of some */
/* Those of a plan; 0 after recording what is wrong with the sizes that are chosen. */
int agi_choose_sizes(ag_graph *, const ag_extent_size chosen[], int64_t size[]);

/* resized.c: the nodes that stand for others at some sizes, which are kept so that each is made once. */
struct agi_resized {
    agi_resized *next;
    int64_t size[AGI_MOST_EXTENTS];
    agi_vector pages;  /* ag_node **, by id */
    agi_vector inputs; /* ag_node *: those that others stand for */
};
agi_resized *agi_resized_for(ag_graph *, const int64_t size[]); /* NULL after running out of memory */
ag_node *agi_resized_find(const agi_resized *, const ag_node *);                /* NULL: there is none yet */
int agi_resized_keep(agi_resized *, const ag_node *, ag_node *stands_for_it);   /* 0 after running out of memory */
void agi_resized_free(ag_graph *);
/* For what works on one size: is y made of something with such an extent? Records the failure, too. */
int agi_refuse_extents(const char *what, ag_node *y);

/* ---- errors ----------------------------------------------------------------------------------------------------- */

/* Records the first failure and returns the bad node. */
ag_node *agi_fail(ag_graph *, ag_status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with the n nodes at fault at its end; returns the status. */
ag_status agi_fail_at(ag_graph *, ag_status, int n, ag_node *const at[], const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void agi_print(agi_text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void agi_print_node(agi_text *, const ag_node *); /* 'name' f32[2,3], or mul (node 7) f32[2,3] */
void agi_print_shape(agi_text *, ag_dtype, int rank, const int64_t *dim);

#endif
