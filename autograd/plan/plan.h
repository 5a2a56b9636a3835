/* A plan: an immutable list of steps over buffers, and the steps' language, which everything that executes speaks. Pure
 * data and questions about it: this room knows neither who makes plans nor who runs or prints them. A plan owns all
 * that it points to, in its arena, but for nodes, which are its graph's; any number of runs share it.
 *
 * The words of plans:
 *
 *   value       what a node comes to in an evaluation; views of it are other ways of walking its memory
 *   buffer      memory of one value, a leaf's or a constant's, or a step's own. Buffers of values that do not live at
 *               the same time share memory; one that takes over another's in place says so (shares)
 *   block       the one piece of a run's memory that all buffers lie in, at their offsets
 *   step        what is done as one: a pass, a scalar program, a product, a library call, a copy, a loop
 *   pass        pointwise operations and reductions over one iteration space, rows by columns, in one go over memory
 *   tile        a piece of the iteration space that is worked on at a time, so that its registers stay in cache
 *   block (of a pass)  a fixed number of tiles: the unit of parallel work, whose sums do not depend on threads
 *   register    a value inside a pass: a tile of it, full (an element a point) or a row (an element a row)
 *   micro       an operation on registers
 *   strip       a loop over the elements of a tile, in generated code
 *   walk        how an operand's memory is gone through in the order of an iteration space: extents, strides, bounds
 *   bounds      where a walk has elements of memory; outside it is 0
 *   fold        a reduction; at a pass's end (fold end) or of each row inside it
 *   wide sum    room for two elements, which holds the sum of many floats or doubles with what its additions lose
 *   wide product  a fraction and a power of two, doubles, so that nothing overflows or vanishes on the way; those of
 *                 a tile's columns lie as their fractions, then their powers
 *   scalar program  an instruction for each element of rank-0 and tiny values, in straight line
 *   vector call     neighbouring instructions of one function, called as one vector
 *   band        steps along the rows of one large matrix, done for some rows at a time: it comes from memory once
 *   place       where a leaf's or an output's value is found
 *   loop        ag_scan, ag_while and ag_cond as a step; its body is a plan of its own; its parts are its results
 *   in loop     of a body's buffer: it lies in the loop's memory, elsewhere at every step
 *   transfer    what goes between a loop's memory and its body's
 *   rematerialised  computed again for a later sweep rather than kept for it
 *   native      of a step: its compiled code, or NULL; equal steps share it. `operand` tells it what is this one's:
 *               buffers and offsets, in the order of emit/
 *   rewritten   of a node: kept as the user wrote it beside the simpler node that it is computed as */
#ifndef AGI_PLAN_H
#define AGI_PLAN_H

#include "graph/graph.h"
#include "dense/dense.h"

#define AGI_NONE UINT32_MAX

/* Of everything in a run's block that is at least as large: a cache line, and the widest vector. */
enum { AGI_ALIGNMENT = 64 };

static inline int64_t agi_aligned(int64_t bytes) /* rounded up to whole lines */
{
    return (bytes + AGI_ALIGNMENT - 1) / AGI_ALIGNMENT * AGI_ALIGNMENT;
}

static inline int64_t agi_block_bytes(int64_t bytes) /* for a value in a run's block */
{
    return bytes < AGI_ALIGNMENT ? (bytes + 7) / 8 * 8 : agi_aligned(bytes);
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

typedef enum {
    AGI_CONSTANT, /* filled when the run is made */
    AGI_LEAF,     /* an input or a parameter: lives as long as the run */
    AGI_VALUE,    /* computed by a step */
    AGI_WORK      /* a step's own: partial sums, a kernel's scratch */
} agi_role;

typedef struct {
    int64_t bytes, offset; /* offset in the run's block, a multiple of 64 */
    uint32_t first, last;  /* steps it lives through */
    uint32_t shares;       /* the buffer whose memory it takes over in place, or AGI_NONE */
    uint32_t owner;        /* whose memory it is, through all that take over; laid out by then */
    uint8_t role, dtype;
    uint8_t held;   /* outputs, leaves: live until the next evaluation */
    uint8_t taken;  /* another buffer shares its memory */
    uint8_t scalar; /* a scalar program addresses it by element: it is read at its offset, never at bound memory */
    uint8_t assigned; /* a parameter that the plan stores into */
    uint8_t inlaid; /* a pass stores some of it before the call that it is the result of */
    uint8_t in_loop;  /* of a loop's body: it lies in the loop's memory, elsewhere at every step, and has no offset */
    const ag_node *node; /* what it holds, or NULL */
} agi_buffer;

/* ---- passes ------------------------------------------------------------------------------------------------------ */

/* Registers are tiles: full ones of rows x columns elements, row ones of an element a row. */
typedef enum {
    AGI_DIRECT,   /* the memory itself, element p of the iteration space at offset + p */
    AGI_UNIFORM,  /* one element for all */
    AGI_REPEAT,   /* a row, the same for all rows */
    AGI_GATHERED, /* any strides, zeros around bounds, or another element type: copied into the register */
} agi_access;

/* Indices from `from` to before `to`, by axis. */
typedef struct {
    int64_t from[AG_MAX_RANK], to[AG_MAX_RANK];
} agi_bounds;

/* How memory is walked in the flat order of an iteration space: extents and strides, coalesced. */
typedef struct {
    int rank;  /* 0: one element */
    int bounded; /* 1: elements outside the bounds are 0 */
    int64_t offset, dim[AG_MAX_RANK], stride[AG_MAX_RANK]; /* in elements */
    agi_bounds bounds;
} agi_pattern;

/* From one element to the next in memory, all the way? */
static inline int agi_walks_on(const agi_pattern *p)
{
    return p->rank == 1 && p->stride[0] == 1 && !p->bounded;
}

/* One element for all? One among zeros is not. */
static inline int agi_stands_still(const agi_pattern *p)
{
    for (int i = 0; i < p->rank; i++)
        if (p->stride[i]) return 0;
    return !p->bounded;
}

typedef struct {
    uint32_t buffer, reg;
    uint8_t access, row; /* row: a row register */
    uint8_t dtype;       /* of the memory */
    agi_pattern walk;
} agi_load;

typedef enum { AGI_POINT, AGI_EXPAND, AGI_FOLD_ROWS } agi_micro_kind;
typedef struct {
    const ag_op *op; /* AGI_POINT */
    uint32_t out, a, b, c;
    uint8_t kind, row, fold;
} agi_micro;

/* Element p of the iteration space, or of its rows, goes to offset + p * stride: to p, but in an inlaid buffer. */
typedef struct {
    uint32_t buffer, reg;
    uint8_t row;
    uint8_t inlaid; /* it is: copied there at the end of the tile */
    int64_t offset, stride;
} agi_store;

/* Reductions at a group's end. All: every element. Columns: segments of `extent` rows. Long rows: chunk by chunk.
 * Sums that take many additions one after the other go to wide sums, doubles of floats, of doubles with what additions
 * have lost; products of more than a tile go to wide products. */
typedef enum { AGI_FOLD_ALL, AGI_FOLD_COLUMNS, AGI_FOLD_LONG } agi_fold_mode;
typedef struct {
    uint32_t buffer, partial; /* result; a partial result per block, or AGI_NONE */
    uint32_t few;             /* wide sums of columns: a block's of few rows, and room to add a tile's rows in pairs */
    uint32_t reg;
    uint8_t row, fold, mode;
    uint8_t wide;             /* the partial results are wide sums or products */
    int64_t extent;
    int64_t every;            /* few: so many rows of the iteration space, whole tiles */
} agi_fold_end;

typedef enum { AGI_SCRATCH, AGI_LOADED, AGI_STORED } agi_place_kind;
typedef struct {
    uint8_t place; /* scratch memory, a direct load's memory, a store's memory */
    uint8_t row;
    uint32_t slot; /* of scratch; or the index of the load or store */
} agi_register;

typedef struct {
    ag_dtype dtype;
    int64_t rows, columns; /* the iteration space */
    int64_t tile_rows, tile_columns;
    int64_t row_tiles, column_tiles;
    int64_t blocks;  /* the fixed partition of the tiles, units of parallel work */
    int whole_rows;  /* a block ends with a row of tiles */
    int streams;     /* its operands do not fit in cache: the next tile's are fetched ahead */
    int inlays;      /* how many stores are inlaid */
    int worth_threads; /* takes long enough to wake others for it */
    int nloads, nmicros, nstores, nfolds, nregisters, full_slots, row_slots;
    agi_load *load;
    agi_micro *micro;
    agi_store *store;
    agi_fold_end *fold;
    agi_register *reg;
    const struct agi_call *ends; /* of the step before, which may do all of this pass (its `ending`); or NULL */
    void (*native)(void *const *memory, const int64_t *operand, char *scratch, int64_t from, int64_t to); /* blocks */
    const int64_t *operand;
} agi_pass;

static inline int agi_wide_doubles(const agi_pass *g, const agi_fold_end *e)
{
    return g->dtype == AG_F64 || e->fold == AG_FOLD_PROD ? 2 : 1;
}

static inline int64_t agi_part_size(const agi_pass *g, const agi_fold_end *e) /* of an element of a partial result */
{
    return e->wide ? agi_wide_doubles(g, e) * 8 : (int64_t)ag_dtype_size(g->dtype);
}

static inline int64_t agi_part_bytes(const agi_pass *g, const agi_fold_end *e) /* of a block */
{
    return (e->mode == AGI_FOLD_COLUMNS ? g->columns : 1) * agi_part_size(g, e);
}

/* Are so many rows in a tile that they are better added in pairs than one after the other? */
static inline int agi_adds_pairs(const agi_pass *g)
{
    return g->columns < 32 && g->tile_rows > 1;
}

static inline int64_t agi_few_elements(const agi_pass *g) /* of a block: a row, and room for pairs of a tile's */
{
    return (1 + (agi_adds_pairs(g) ? (g->tile_rows + 1) / 2 : 0)) * g->columns;
}

/* Is the result made of the blocks' parts once all are there? Others are finished row by row. */
static inline int agi_ends_late(const agi_pass *g, const agi_fold_end *e)
{
    return e->partial != AGI_NONE
           && (e->mode == AGI_FOLD_ALL || (e->mode == AGI_FOLD_COLUMNS && e->extent == g->rows));
}

/* ---- scalar programs --------------------------------------------------------------------------------------------- */

typedef struct {
    uint16_t code; /* AG_CODE_*, or one of the below */
    uint16_t how;  /* 8 * code, + 1, 2 or 3: operand a, b or c is the result kept; + AGI_ASIDE: keeps that one */
    uint32_t out, a, b, c; /* elements of the run's block, counted in the program's type */
} agi_instruction;
enum { AGI_MOVE = AG_CODE_COUNT, AGI_SUM, AGI_PROD, AGI_MAX, AGI_MIN, AGI_MULADD, AGI_ASIDE = 4 };

const char *agi_pointwise_text(const ag_op *); /* NULL: a user's operation without one */
const char *agi_code_text(uint32_t code);      /* of an instruction of a scalar program */
const char *agi_fold_text(int fold);           /* of a and b */
int agi_code_operands(uint32_t code);

/* What the arithmetic of an operation calls: nothing but instructions; functions of <math.h>, which have versions for
 * vectors; the library's own, which have none. A user's operation without text counts as instructions. */
typedef enum { AGI_CALLS_NOTHING, AGI_CALLS_MATH, AGI_CALLS_OWN } agi_calls;
agi_calls agi_calls_of(const ag_op *);

/* Neighbouring instructions of one code, none of which reads another's result: executed as one vector. */
typedef struct {
    uint32_t first, count; /* count: at most AGI_LARGEST_VECTOR_CALL */
} agi_vector_call;
enum { AGI_LARGEST_VECTOR_CALL = 64 };

typedef struct {
    ag_dtype dtype;
    int64_t count;
    agi_instruction *code;
    int64_t vector_calls;
    agi_vector_call *vector_call;   /* in order */
    uint32_t temporaries; /* buffer of intermediate values, or AGI_NONE */
    void (*native)(void *block, const int64_t *operand);
    const int64_t *operand;
} agi_program;

enum { AGI_FEW_INPUTS = 16 };

/* ---- library calls ----------------------------------------------------------------------------------------------- */

/* What the next step, a pass, does to a call's result, done by the call; the bias is memory's when it runs. */
typedef struct {
    ag_ending is;
    uint32_t bias, out; /* buffers: of the bias, or AGI_NONE; of what the pass stores */
    int64_t offset;     /* the bias's first element */
} agi_ending;

typedef struct agi_call {
    const ag_node *node;
    int n;
    uint32_t *in; /* buffers; AGI_NONE: what a pass has stored where it lies in the result */
    ag_strides *stride;
    uint32_t out, work, pointers; /* pointers: room for the inputs' addresses where they are many, or AGI_NONE */
    int64_t pieces, work_bytes;   /* work_bytes: of each thread */
    int worth_threads;
    int idle;                     /* nothing is left to do: all lies in the result already */
    const agi_ending *ending;     /* NULL: none */
} agi_call;

/* What of a product goes along the rows of its band's matrix: its rows, its columns, or the indices it sums over. */
typedef enum { AGI_NO_BAND, AGI_BAND_ROWS, AGI_BAND_COLUMNS, AGI_BAND_INNER } agi_along;

/* out = alpha a b (+ out's old value, which is `onto`'s). */
typedef struct {
    const ag_node *node;
    uint32_t a, b, out;
    uint32_t onto, scale; /* buffers or AGI_NONE: accumulated onto; a rank-0 factor of alpha */
    int64_t scale_offset;
    double alpha;
    ag_strides a_stride, b_stride;
    agi_reading reading;
    uint8_t along; /* agi_along */
    int axes; /* of batches, from the outermost: how many, and how far the next one's a, b and out are, in elements */
    struct {
        int64_t count, next[3];
    } batch[AG_MAX_RANK];
} agi_product;

typedef struct {
    uint32_t from, to;
} agi_copy;

/* Between a loop's memory and its body's: the loop's element t is `bytes` at offset + t * stride of buffer `outer`. */
typedef enum { AGI_BY_ADDRESS, AGI_COPY_IN, AGI_COPY_OUT } agi_transfer_kind;
typedef struct {
    uint8_t kind;
    uint32_t inner, outer;
    int64_t offset, stride, bytes;
} agi_transfer;

typedef struct {
    agi_transfer *list;
    int count;
} agi_transfers;

/* A loop or branch: bodies are plans of their own, run on a run of their own, one for each body. */
typedef struct {
    const ag_node *node;
    ag_plan *body[2]; /* a loop's body and test (or NULL); a branch's two bodies */
    int first_run;    /* index of body[0]'s run in the run's `bodies` */
    uint32_t out;     /* where all parts that somebody reads lie, */
    int64_t *part;    /* at these offsets in bytes, or -1 */
    agi_transfer control; /* the predicate or the number of steps: where it is, `inner` unused */
    uint32_t test;        /* the test's buffer in body[1] */
    agi_transfers enter[2], leave[2]; /* of each body, before and after all steps */
    agi_transfers before, after;      /* of body[0], around every step */
    agi_transfers states;             /* from body[0] to body[1], before every test */
    int (*native)(void *const *memory, const int64_t *operand, char *scratch, int64_t, int64_t); /* all of it; 0, 0 */
    const int64_t *operand;
} agi_loop_step;

typedef enum { AGI_PASS, AGI_PROGRAM, AGI_CALL, AGI_PRODUCT, AGI_COPY, AGI_LOOP } agi_step_kind;
/* What a step is to the band that it stands in: one of it; needed by it, done before it; neither, done after it. */
typedef enum { AGI_AFTER_BAND, AGI_IN_BAND, AGI_BEFORE_BAND } agi_role_in_band;
typedef struct {
    agi_step_kind kind;
    uint8_t banded; /* agi_role_in_band */
    union {
        agi_pass *pass;
        agi_program *program;
        agi_call *call;
        agi_product *product;
        agi_copy copy;
        agi_loop_step *loop;
    } is;
} agi_step;

/* Products with one matrix, and passes over as many rows, of which a tile is as high as the band. */
typedef struct {
    int first, end;       /* steps: the first one, behind the last one */
    int64_t rows, height; /* the matrix's, and how many at a time */
} agi_band;

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

/* Where the value of a leaf or an output is to be found after an evaluation. */
typedef struct {
    const ag_node *node;   /* that users have */
    const ag_node *made;   /* that is computed: the same, or what stands for it at the plan's extents */
    const ag_node *reader; /* of an input: the first operation here that was written with it; or NULL */
    uint32_t buffer;
    uint8_t output; /* it is listed as one */
    uint8_t moves;  /* its buffer may lie in the caller's memory: it holds no other value, no scalar program's */
} agi_place;

/* What is computed again for later sweeps. */
typedef struct {
    int64_t late_values, late_bytes; /* how many later sweeps read that can be computed again, and their bytes */
    int operations;
    const ag_node **node; /* what they compute */
    double flops;
    size_t bytes_without; /* ag_plan_bytes if nothing were */
} agi_rematerialised;

typedef struct agi_native agi_native; /* emit/native's */

struct ag_plan {
    ag_allocator allocator;
    agi_arena arena;
    ag_options options;
    int nsteps, nbands, nplaces, nleaves, nbodies, noutputs;
    uint32_t nbuffers;
    agi_step *step;
    agi_band *band; /* in order */
    agi_buffer *buffer;
    agi_place *place;   /* sorted by node id: leaves and outputs, each once */
    uint32_t *leaf;     /* buffers of leaves */
    ag_node *const *output; /* as ag_compile was given them */
    ag_node *const *computed; /* the same, or what stands for them at the plan's extents */
    int64_t block_bytes, scratch_bytes; /* scratch: of one thread */
    agi_rematerialised remade;
    /* Of a plan with options.native. While the compiler is at work, in the background, this takes its code if it has
     * ended, whichever run's thread asks first; 1: the steps' code is there, and stays. */
    agi_native *native;
    int (*has_code)(agi_native *);
    void (*end_native)(agi_native *);
    const char *(*native_note)(const agi_native *); /* what became of it */
    const char *note;        /* what the plan leaves undone, or NULL */
};

int agi_place_order(const void *, const void *); /* for qsort: that of a plan's places */
const agi_place *agi_find_place(const ag_plan *, const ag_node *); /* by what users have */
const agi_place *agi_place_made(const ag_plan *, const ag_node *); /* by what is computed: slow */

/* Bytes that a step reads and writes, and its operations on numbers. A loop's are those of its bodies: none here. */
typedef struct {
    double bytes, flops;
} agi_cost;
agi_cost agi_cost_of(const ag_plan *, const agi_step *);

int agi_same_memory(const ag_plan *, uint32_t a, uint32_t b); /* buffers in place of one another */

/* A matrix as BLAS takes it, one whose rows or columns are contiguous: is it transposed, and its leading dimension. */
typedef struct {
    int transposed, leading;
} agi_matrix;
agi_matrix agi_matrix_layout(const ag_node *, const ag_strides *);

agi_product_of agi_matrices_of(const agi_product *); /* one of the products: shape, strides, reading; no memory */
int64_t agi_product_scratch(const agi_product *, int isa); /* of a thread */

/* ---- a run's memory: what ag_plan_bytes counts ------------------------------------------------------------------- */

enum { AGI_RUN_BYTES = 256 /* room for struct ag_run itself */, AGI_MESSAGE_BYTES = 512 };

/* Where a run's tables, its two messages, its block and its threads' scratch memory begin in its one piece of memory,
 * after the pointers to buffers, which begin it. Bodies, of which there may be many, work in the scratch memory of the
 * run around them and have its messages: what a run of one takes lies on few pages. */
typedef struct {
    size_t bound, bodies, binding, unread, fed, messages, block, scratch, bytes;
} agi_run_layout;
agi_run_layout agi_lay_out_run(const ag_plan *, int is_body);
int agi_threads_of(const ag_plan *);

int64_t agi_slot_bytes(const agi_pass *, int row); /* of a tile's register, a full or a row one */
int64_t agi_pass_scratch(const agi_pass *);        /* of a thread: pointers to registers, full slots, row slots */

#endif
