/* From graph to plan. The compiler's working data: what a node becomes on its way into a plan. In the order of the
 * stages:
 *
 *   driver.c         ag_compile: what is asked for (options.c), within limits of memory (budget.c); stages.c: a plan;
 *                    resized.c: of a graph with extents that plans choose
 *   nodes.c          the nodes that may be read here, in their order
 *   live.c           which nodes have values here, and which the plans of branches' sides compute; free_inputs.c: what
 *                    reads the inputs that are fed
 *   read_graph.c     live nodes -> values: aliases and views resolved to strides over the memory of another value;
 *                    bounds.c, zeros.c: with zeros around it; same.c: one value for nodes that are computed alike
 *   rematerialise.c  what is computed again for a later sweep rather than kept for it
 *   combine.c        fused operations: a product read by one sum, an update through a matrix product
 *   fuse.c           values -> groups, each one step; small.c: what is computed element by element
 *   order.c          groups in an order that respects data and lets parameters be overwritten in place; fallible.c:
 *                    which of them may fail while the plan runs
 *   parts.c          inside passes: parts of operations that are computed there anyway
 *   vector_calls.c   scalar groups: calls of one function side by side
 *   bodies.c         what plans the bodies of loops and branches are to be; stages.c has them compiled
 *   inlay.c          what passes store straight into the result of a call that would copy it there
 *   lower.c          groups -> steps; lower_pass.c, lower_program.c, lower_loop.c: of each kind; buffers.c: theirs
 *   bands.c          steps that are done together, some rows of a large matrix at a time
 *   endings.c        what a call does of the next step before it stores its result
 *   in_place.c       results in the memory of an operand that dies, or of the parameter that they are stored into
 *   memory.c         buffers: lifetimes -> offsets, in holes.c; pack.c: closer together
 *
 * compile.c answers what all of them ask about values, walk.c how operands are walked, layout.c where parts of loops
 * lie, uses.c what steps read and write; dump.c writes the program down after a stage. What must hold between stages,
 * which verify.h's functions check:
 *
 *   - What a value reads lies in a leaf or in a value before it; a fused operation may read a leaf, or a view of one,
 *     that comes after it. Views name their root at once: a root is no view.
 *   - `uses` counts the reads that remain; a value nobody reads is not computed, unless it is held or assigned.
 *   - A group's level is above the levels of all groups it reads from: groups never need each other.
 *   - After ordering, a group reads only from groups before it, and a parameter's new value is written after the last
 *     group that reads the old one.
 *   - A buffer lives from the step that writes it first to the last one that reads it; two that live at the same time
 *     share no byte, unless one takes over the other's memory in the very step that reads it last.
 *
 * All of it lives in the compiler's arena and is gone when the plan is made; what is the plan's is in the plan's arena.
 * This room reaches no run; of printers it knows the one that makes native code, in driver.c. */
#ifndef AGI_COMPILE_H
#define AGI_COMPILE_H

#include "plan/plan.h"

typedef enum {
    AGI_VALUE_DEAD,   /* taken into a fused operation */
    AGI_VALUE_LEAF,
    AGI_VALUE_VIEW,   /* no computation: another value's memory, `root`, under strides `view` */
    AGI_VALUE_POINT,  /* pointwise, or a copy (code AG_CODE_NONE, no op): of strides or from another type */
    AGI_VALUE_FOLD,
    AGI_VALUE_PRODUCT,
    AGI_VALUE_CALL /* library calls, loops */
} agi_value_kind;

/* Of a value among the elements of its root. */
typedef struct {
    ag_strides strides;
    uint32_t bounds; /* index of where its elements are root's, else 0; AGI_NONE: everywhere */
} agi_view;

/* A large graph has many, each of which many stages look at: 64 bytes. */
typedef struct {
    const ag_node *node; /* whose shape and type the value has; agi_set_node sets it */
    const ag_op *op;     /* AGI_VALUE_POINT: the operation, NULL for a copy; product: how it is accumulated, or NULL */
    uint32_t in[3];      /* values; of a product: a, b and the scale; of a call: where they are listed, how many */
    uint32_t root;       /* the value that owns the memory; itself unless a view */
    uint32_t view;       /* index of an agi_view, or AGI_NONE: root's elements in the same order */
    uint32_t uses;       /* reads of this value as an operand, by values, outputs and assignments; of a scalar
                            program's temporary, once it is lowered, none */
    union {
        uint32_t onto;     /* product: the parameter it is accumulated onto, or AGI_NONE */
        uint32_t assigned; /* leaf: the value assigned to it, or AGI_NONE */
    };
    union {
        uint32_t copy;   /* view: a contiguous copy made for who needs one, or AGI_NONE */
        uint32_t target; /* computed: the leaf that it is assigned to, or AGI_NONE */
    };
    uint32_t group;
    uint32_t buffer;
    uint8_t kind, nin;
    uint8_t small : 1;  /* computed element by element in a scalar program */
    uint8_t stored : 1; /* needed outside its group */
    uint8_t held : 1;   /* an output's, beyond what it is assigned to */
    uint8_t row : 1;    /* computed: in its group, an element a row */
    uint8_t read_late : 1; /* leaf: read where its new value might be there already, which then has memory of its own */
    uint8_t in_loop : 1; /* in a body: the loop says where it lies */
    uint8_t remade : 1; /* marked to be computed again; then: computed again */
    uint8_t effect : 1; /* stands for an assignment: its value is to be found in the parameter */
    uint8_t dtype, few; /* the node's type and its elements, or 0: more than a scalar program computes of it */
    uint8_t inlaid; /* stored where it lies in the result of the only call that reads it (agi_inlay) */
    uint8_t sweep;  /* how many reverse sweeps had begun when its node was made; from the 255th on they count as one */
} agi_value;

typedef enum { AGI_GROUP_TILE, AGI_GROUP_SCALAR, AGI_GROUP_SINGLE /* a call or product by itself */ } agi_group_kind;

typedef struct {
    agi_group_kind kind;
    uint8_t dtype;
    int64_t points;   /* tile: size of the iteration space */
    int64_t columns;  /* tile: row length, or 0 while no member asks for rows */
    uint32_t level;   /* above the level of every group it reads from */
    uint32_t members; /* number of values */
    uint32_t streams; /* of large ones: how many tensors of that size they read from memory */
    uint32_t place;   /* in the order of the graph: the value that opened it */
    int64_t instructions; /* scalar: of its program */
    uint32_t older;   /* the group of the same key opened before it, or AGI_NONE */
    uint32_t start;   /* after ordering: its members are value_list[start .. start + members) */
    uint32_t step;
} agi_fusion;

/* What an address in a scalar program means until memory is laid out. */
typedef struct {
    uint32_t buffer, element;
} agi_element;
#define AGI_TEMPORARY 0x80000000u /* set: the rest is a slot of the program's temporaries, not an address */

/* A value that its pass stores into the result of a call: element p, in the pass's order, at offset + p * stride. */
typedef struct {
    uint32_t value, call;
    int64_t offset, stride;
} agi_inlay;

/* Which values are computed again for the sweeps that read them later. */
typedef struct {
    int plain;        /* none, whatever is marked */
    int64_t segments; /* > 0: beside the marked ones, in the order of the graph, */
    int64_t covered;  /* the first values of so many bytes, cut into that many segments; what crosses a cut is kept */
} agi_recipe;

/* A body's plan takes some nodes as leaves, and ends by assigning the carried ones their next values. */
typedef struct {
    int nbound, nstates;
    int level; /* so many bodies it is in, itself among them */
    int gives; /* the other results lie where the loop says */
    ag_node *const *bound; /* the states first */
    ag_node *const *next;  /* by state */
} agi_body;

typedef struct agi_sameness agi_sameness;

/* What a plan marks nodes with, in their order: it has a value of it; which is a leaf here; that lies in the loop's
 * memory; and is read more than once. */
enum { AGI_LIVE = 1, AGI_BOUND = 2, AGI_GIVEN = 4, AGI_SEVERAL = 8 };

/* What a branch hands to the plans of its sides beside the arguments: in the place of the captures what these plans,
 * which compute all that only they read, start from. */
typedef struct {
    const ag_node *branch;
    int count[2];
    ag_node **bound[2];
} agi_sides;

/* A part that somebody reads. */
typedef struct {
    const ag_node *node;
    uint32_t loop, found; /* the loop's id; how many were found before it */
} agi_live_part;

/* Where the live parts of a loop or branch lie in its buffer, in bytes. */
typedef struct {
    const ag_node *node;
    int64_t *part; /* -1: nobody reads it */
    int64_t bytes;
    ag_plan *body[2]; /* of a loop's steps and test, or of both branches; NULL: there is none, or a step has it */
} agi_layout;

typedef struct {
    ag_graph *graph;
    ag_plan *plan;
    agi_arena arena;
    const ag_options *options;
    const char *stage; /* the one that is running */
    int noutputs;
    ag_node *const *output;
    const agi_recipe *recipe;
    const agi_body *body; /* the body of a loop or branch: what is bound, what is carried; or NULL */
    uint32_t *output_value; /* the value that holds each */
    struct {
        uint32_t count;   /* nodes in the order of the graph: all that are older than some output; of a body */
        agi_region *few;  /* those that its plan may read, so that many bodies do not take all of it each; or NULL */
    } nodes;

    /* The values: read_graph.c makes them, rematerialise.c copies some, combine.c takes some into others. */
    uint32_t *value_of; /* by the nodes' order */
    agi_value *value;
    uint32_t nvalues;
    uint8_t marked;     /* some are to be computed again */
    /* once some are: where `value` is; uint32_t by value: not to be computed before that one */
    agi_vector values, after;
    agi_vector operands;   /* uint32_t: values that calls read */
    agi_vector views;      /* agi_view */
    agi_vector all_bounds; /* agi_bounds */
    agi_vector layouts;    /* agi_layout: one for each loop and branch */
    uint32_t *assigned;    /* leaf values that are assigned to */
    int nassigned;
    struct {
        agi_sameness *same; /* if some node reads a rewritten one; or NULL */
        agi_vector parts;   /* agi_live_part */
        agi_vector sides;   /* agi_sides */
        const uint8_t *live; /* marks, by the nodes' order */
        uint8_t sweep;      /* of the values being made */
        uint8_t large;      /* some have more elements than a scalar program computes, or are calls */
    } reading;

    /* The groups: fuse.c makes them, order.c puts them in order, vector_calls.c the values of some. */
    agi_vector groups;    /* agi_fusion */
    uint32_t *value_list; /* values by group, in order */
    uint32_t *order;      /* groups in order of execution */
    agi_vector kept;      /* uint32_t: values that lie in buffers, leaves and what other groups read, in order */
    uint8_t *together;    /* by place in value_list: so many values from here on are one vector call; or 0 */
    struct {
        uint32_t *newest;  /* hash of a group's key -> the last group opened with it */
        uint32_t *read_by; /* by value: the last pass that was joined by one of its readers; NULL: there are none */
    } fusing;

    /* The steps: lower.c and its files make them, buffers.c what they use; in_place.c, memory.c, pack.c place that. */
    agi_vector buffers; /* agi_buffer */
    struct {
        uint32_t *reg_of;    /* by value: its register in its tile group */
        uint32_t *element_of; /* by value: of its element 0 the slot among the temporaries of its scalar program, or the
                                 address of its buffer; AGI_NONE: it has none yet */
        agi_vector elements; /* scalar programs: agi_element by address */
        agi_vector inlays;   /* agi_inlay, by value */
        agi_vector room;     /* for the pass being made */
    } lowering;
} agi_compiler;

#define AGI_MOST_BYTES ((int64_t)1 << 61) /* of all values together, sharing memory or not: no sum overflows */
#define AGI_LARGEST_SMALL 8   /* elements of a tensor that a scalar program computes */
#define AGI_LARGEST_SOURCE 4096 /* elements of a tensor that a scalar program reads from, whatever it reads there */
#define AGI_LARGEST_LOOP (1 << 30) /* bytes of a loop's parts that a scalar program reads from */
#define AGI_FOLD_TILE 576 /* elements of a pass that folds: no power of two, which would let registers lie 4 KiB apart \
                             and get into each other's way; a multiple of AGI_SUM_BLOCK */
#define AGI_LONGEST_ROW 4096   /* columns that a tile holds whole; longer rows are folded chunk by chunk */

/* Of a node that the plan may read: its place in their order. Of others: nodes.count, or more. */
static inline uint32_t agi_order_of(const agi_compiler *c, const ag_node *x)
{
    return c->nodes.few ? c->nodes.count - 1 - agi_place_in(c->nodes.few, x) : x->id;
}

static inline ag_node *agi_in_order(const agi_compiler *c, uint32_t k)
{
    return c->nodes.few ? c->nodes.few->node[c->nodes.count - 1 - k] : agi_node(c->graph, k);
}

static inline uint32_t agi_first_input(const ag_node *x) /* that is read: others are only kept as they were written */
{
    return x->rewritten ? x->nin - 1 : 0;
}

static inline agi_fusion *agi_fusion_at(const agi_compiler *c, uint32_t g)
{
    return (agi_fusion *)c->groups.data + g;
}

static inline agi_buffer *agi_buffer_at(const agi_compiler *c, uint32_t b)
{
    return (agi_buffer *)c->buffers.data + b;
}

/* What most of compiling asks about a node is in the value: nodes are elsewhere in memory. */
static inline void agi_set_node(agi_value *it, const ag_node *x)
{
    int64_t n = ag_count(x);
    it->node = x;
    it->dtype = x->dtype;
    it->few = (uint8_t)(n <= AGI_LARGEST_SMALL ? n : 0);
}

static inline int64_t agi_elements(const agi_value *it)
{
    return it->few ? it->few : ag_count(it->node);
}

/* Of a view: are there places where it is 0? */
static inline int agi_is_bounded(const agi_compiler *c, const agi_value *it)
{
    return it->view != AGI_NONE && ((const agi_view *)c->views.data)[it->view].bounds != AGI_NONE;
}

static inline int agi_is_point(const agi_value *it)
{
    return it->kind == AGI_VALUE_POINT;
}

static inline int agi_is_loop(const agi_value *it)
{
    return it->kind == AGI_VALUE_CALL && it->node->op->flags & AG_LOOP;
}

/* bodies.c: what is to be compiled for a body. */
typedef struct {
    agi_body body;
    int n; /* outputs; -1: nothing is */
    ag_node **outputs;
} agi_request;
int agi_describe_body(agi_compiler *, const agi_layout *, int which, agi_request *); /* 0 after a failure */

ag_plan *agi_compile(ag_graph *, int n, ag_node *const outputs[], const ag_options *, const agi_recipe *,
                     const agi_body *);
/* The same until it fits into options->max_bytes. */
ag_plan *agi_compile_within(ag_graph *, int n, ag_node *const outputs[], const ag_options *);
/* The same where there are extents that plans choose. */
ag_plan *agi_compile_with_extents(ag_graph *, int n, ag_node *const outputs[], const ag_options *);
/* Puts the places in order, each once, and finds which may lie in the caller's memory. 0: out of memory. */
int agi_arrange_places(ag_plan *, agi_arena *);
int agi_check_options(ag_graph *, const ag_options *); /* options.c: 0 after a failure */

/* nodes.c: the nodes that have an order. 0: no memory. */
int agi_list_nodes(agi_compiler *);

/* Eight nodes' marks: of a large graph a plan of little has few. */
static inline int agi_are_unmarked(const uint8_t *marks)
{
    uint64_t all;
    memcpy(&all, marks, sizeof all);
    return !all;
}

/* live.c: marks the nodes that have values, of the roots that are marked; how many values there may be; does one of
 * them read a rewritten node? 0: no memory. Then what is handed to the sides of a live branch is known. */
int agi_mark_live(agi_compiler *, uint8_t *live, int64_t *values, int *rewritten);
const agi_sides *agi_sides_of(const agi_compiler *, const ag_node *branch); /* NULL: it is in some body */

/* free_inputs.c. 0, after a failure: an input that stands for a value in a loop's body is read outside of it. */
int agi_refuse_strays(agi_compiler *);
void agi_find_readers(agi_compiler *); /* of the plan's inputs, once it has places */

/* same.c: the node that is computed for x, one for all that are equal but for what was written, is asked for in the
 * order of the graph; AGI_NONE: no memory. Those with the mark (marks: by the nodes' order) are themselves. */
int agi_start_sameness(agi_compiler *, const uint8_t *marks, uint8_t apart); /* 0: no memory */
uint32_t agi_same_as(agi_compiler *, const ag_node *x);
void agi_end_sameness(agi_compiler *);

/* read_graph.c: a value of that node, the last; 0 of the others: no memory. */
uint32_t agi_new_value(agi_compiler *, const ag_node *, agi_value_kind);
int agi_add_view(agi_compiler *, uint32_t value, const ag_strides *, const agi_bounds *or_null);

/* zeros.c: x, which is `from` where the window says and 0 elsewhere, as the last value, of so many at most beside it. 0:
 * no memory. */
enum { AGI_AMONG_ZEROS = 14 };
int agi_put_among_zeros(agi_compiler *, const ag_node *x, const ag_window *, uint32_t from);

/* layout.c */
agi_layout *agi_layout_of(const agi_compiler *, const ag_node *);
void agi_sort_parts(agi_compiler *); /* once all live parts are known; then those of each loop are laid out */
int agi_lay_out_parts(agi_compiler *, const ag_node *loop);
int agi_check_bytes(agi_compiler *); /* 0: all values together take too many */

/* Each returns 0 after recording a failure in the graph. */
int agi_read_graph(agi_compiler *);
int agi_rematerialise(agi_compiler *);
int agi_combine(agi_compiler *);
/* small.c: is the computed value one of a scalar program? */
typedef struct {
    agi_compiler *c;
    uint32_t *at; /* by root; NULL: nobody has asked yet */
    int failed;   /* out of memory: what was answered is of no use */
} agi_looks;
int agi_is_small(agi_looks *, const agi_value *);
int agi_fuse(agi_compiler *);
int agi_order(agi_compiler *);
int agi_share_parts(agi_compiler *);
/* May the value's step fail, if those asked about before have not? Only calls do. */
typedef struct {
    agi_compiler *c;
    int64_t *limit; /* by node id: the integers are known to be within; 0: they are not */
} agi_checks;
int agi_may_fail(agi_checks *, uint32_t value);
int agi_make_vector_calls(agi_compiler *);
int agi_lower(agi_compiler *);
int agi_make_bands(agi_compiler *);
int agi_find_endings(agi_compiler *);
int agi_share_memory(agi_compiler *); /* which buffers do; steps for assignments that cannot */
int agi_lay_out(agi_compiler *);
int agi_address_programs(agi_compiler *); /* what they address -> elements of the run's block */
/* holes.c: free memory. What is given joins what is free beside it; what is taken, so many bytes of a block, is the
 * lowest that is free and large enough, which there must be. 0: no memory. */
typedef struct {
    const ag_allocator *allocator;
    agi_vector chunks;
} agi_holes;
int agi_holes_give(agi_holes *, int64_t offset, int64_t bytes);
int agi_holes_take(agi_holes *, int64_t bytes, int64_t *offset);
void agi_holes_free(agi_holes *);
/* What steps compute, from `start` on, if it ends before `end`. */
int agi_pack(agi_compiler *, int64_t start, int64_t end);

/* compile.c */
ag_strides agi_value_strides(const agi_compiler *, uint32_t value); /* over the value's own shape, in root's memory */
int agi_source_of_others(const agi_compiler *, const agi_value *, int k);
static inline int agi_sources(const agi_compiler *c, const agi_value *it, int k) /* k-th operand value, or -1 */
{
    if (it->kind == AGI_VALUE_POINT || it->kind == AGI_VALUE_FOLD) return k < it->nin ? (int)it->in[k] : -1;
    return agi_source_of_others(c, it, k);
}
void agi_count_uses(agi_compiler *); /* what nobody reads is dropped */
/* The value that is written into an assigned leaf first: those that change it in place come after. */
uint32_t agi_first_written(const agi_compiler *, uint32_t leaf);
uint32_t agi_awaited_by(const agi_compiler *, uint32_t value);
static inline uint32_t agi_awaited(const agi_compiler *c, uint32_t i) /* what i waits for, or AGI_NONE */
{
    return c->after.count ? agi_awaited_by(c, i) : AGI_NONE;
}
int agi_out_of_memory(agi_compiler *); /* records it, returns 0 */
int agi_too_large(agi_compiler *, const ag_node *largest); /* the same: more than AGI_MOST_BYTES */

/* walk.c. The operand walked in the order of `shape`, to which it broadcasts. */
agi_pattern agi_walk(const agi_compiler *, uint32_t operand, int rank, const int64_t *dim);
/* Axes that are walked like one become one. */
void agi_coalesce(agi_pattern *, int rank, const int64_t *dim, const int64_t *stride, const agi_bounds *);
agi_pattern agi_operand_walk(const agi_compiler *, const agi_value *user, int k);
int agi_pattern_flat(const agi_pattern *);
int64_t agi_pattern_reach(const agi_pattern *, int64_t *low); /* elements from the lowest one to the highest */
/* The operand is one element for each run of `columns`: u[p / columns]. */
int agi_pattern_rows(const agi_pattern *, int64_t points, int64_t columns);

/* bounds.c. The view's bounds, or NULL. */
const agi_bounds *agi_bounds_at(const agi_compiler *, uint32_t value);
/* Broadcast to this shape. */
agi_bounds agi_bounds_over(const agi_bounds *, const ag_node *its, int rank, const int64_t *dim);
/* Of x, from its operand's. */
agi_bounds agi_bounds_around(const agi_bounds *or_null, const ag_node *x, const ag_window *);
/* Through a view; 0: they are none there, or there were none. */
int agi_bounds_seen(const agi_bounds *or_null, const ag_node *view, agi_bounds *);

/* uses.c. Some bytes of a buffer, from the first to behind the last, that a step reads or writes. */
typedef struct {
    uint32_t buffer;
    int writes;
    int64_t from, to;
} agi_use;
int agi_list_uses(agi_compiler *, uint32_t step, agi_vector *uses); /* 0: no memory */

/* buffers.c */
/* inlay.c: 0: no memory. */
int agi_find_inlays(agi_compiler *);
const agi_inlay *agi_inlay_of(const agi_compiler *, uint32_t value); /* of one that is inlaid */

int agi_give_buffers(agi_compiler *); /* to values that are needed outside their groups; 0: no memory */
uint32_t agi_new_buffer(agi_compiler *, agi_role, const ag_node *, ag_dtype, int64_t bytes); /* AGI_NONE: no memory */
void agi_touch(agi_compiler *, uint32_t buffer, uint32_t step); /* used by that step */
uint32_t agi_operand_buffer(agi_compiler *, uint32_t operand, uint32_t step); /* that it lies in, used by that step */

/* lower.c's, for each kind of step. */
agi_pass *agi_lower_pass(agi_compiler *, const agi_fusion *, uint32_t step); /* NULL: no memory */
int agi_lower_program(agi_compiler *, uint32_t group, uint32_t step, agi_program *);
int64_t agi_instructions_of(const agi_compiler *, const agi_value *); /* in a scalar program */
agi_loop_step *agi_lower_loop(agi_compiler *, uint32_t value); /* NULL: no memory */

#endif
