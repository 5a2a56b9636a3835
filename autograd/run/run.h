/* Executing plans.
 *
 *   run.c       a run's life, its feeding and reading; feed.c, bind.c: values and memory from the caller; unfed.c: what
 *               has none; checked.c: where the type of the caller's data is known
 *   evaluate.c  an evaluation, step by step; band.c: by bands of rows; loop.c: of loops and branches
 *   tile.c      passes, tile by tile; tile_fold.c: their reductions; kernels.c: the vector loops, once for each
 *               instruction set; isa.c picks one
 *   profile.c   the time of each step, when asked for
 *   trap.c      the first NaN; scalar.c: scalar programs; product.c: matrix products
 *
 * A run owns its memory, its bodies' runs and its threads; the plan that it executes is shared, and never changed. An
 * evaluation that fails leaves parameters as they were: steps that may fail come before those that write one. Results
 * do not depend on the number of threads. */
#ifndef AGI_RUN_H
#define AGI_RUN_H

#include "plan/plan.h"

typedef void (*agi_kernel)(int64_t n, void *out, const void *a, const void *b, const void *c);

/* n wide sums lie one after the other; of n wide products first the fractions, then the powers. */
typedef struct {
    void (*clear)(int64_t n, void *wide);                   /* wide folds of nothing */
    void (*gather)(int64_t n, const void *x, void *wide);   /* all x into wide[0] */
    void (*widen)(int64_t rows, int64_t n, const void *x, void *wide); /* x[r, i] into wide[i] */
    void (*merge)(int64_t n, const void *from, void *wide); /* from[i], wide as well, into wide[i] */
    void (*narrow)(int64_t n, const void *wide, void *out);
} agi_wide_kernels;

typedef struct agi_kernels {
    agi_kernel point[AG_CODE_COUNT];
    void (*fill)(int64_t n, void *out, const void *value);
    void (*expand)(int64_t rows, int64_t columns, void *out, const void *row);
    void (*fold[4])(int64_t n, const void *x, void *out);                               /* out = fold of x */
    void (*fold_rows[4])(int64_t rows, int64_t columns, const void *x, void *out);      /* out[r] = fold of row r */
    void (*fold_into[4])(int64_t n, const void *x, void *out); /* out[i] = out[i] with x[i]; products: NULL */
    /* The sums of each column, added in pairs: x if it is one row, else in `work`, which is x or has room for half. */
    const void *(*add_pairs)(int64_t rows, int64_t columns, const void *x, void *work);
    agi_wide_kernels wide[2]; /* of sums, of products: ORDER that of ag_fold */
} agi_kernels;

extern const agi_kernels agi_kernels_1[2], agi_kernels_2[2], agi_kernels_3[2];

const agi_kernels *agi_kernels_of(int isa, ag_dtype);

/* ---- runs -------------------------------------------------------------------------------------------------------- */

/* ---- executing --------------------------------------------------------------------------------------------------- */

struct ag_run {
    const ag_plan *plan;
    const agi_kernels *kernels[2]; /* f32, f64 */
    char *block;
    void *allocated;
    void **memory;   /* by buffer: in the block, or bound */
    uint8_t *fed;    /* by buffer: inputs that have a value */
    void **bound;    /* by place: the caller's memory, or NULL */
    uint32_t *binding; /* the places that are bound, in the order of that memory */
    uint8_t *unread; /* by place: an output that was bound since the last evaluation, so that its value is not there */
    int nbound, copied; /* copied: so many of them are copied in or out */
    int rebound;     /* since the last evaluation */
    int missing;     /* inputs that have no value */
    int evaluated;
    ag_run **bodies; /* of loops and branches */
    char *scratch;   /* plan->scratch_bytes a thread */
    agi_pool *pool;  /* NULL: the caller's thread alone */
    int owns_pool;   /* not the run of a loop's body, which uses the outer one's */
    struct agi_run_times *times; /* profile.h: what was measured; NULL: nothing was */
    int timed;       /* it is being measured */
    int compiled;    /* the plan's code is there, for this evaluation */
    char *message;   /* of AGI_MESSAGE_BYTES; of a loop's body the outer run's */
    char *failure;   /* why the last evaluation failed, or "" */
};

/* trap.c: has the step made a NaN or an infinity of finite operands? AG_ENAN, and the message says where. */
ag_status agi_trap(ag_run *, const agi_step *);

ag_status agi_fail_run(ag_run *, const char *what, const ag_node *, const char *why); /* AG_EARG */
ag_status agi_refuse_unfed(ag_run *); /* unfed.c */

void agi_mark_fed(ag_run *, uint32_t buffer);

ag_status agi_check_leaf(ag_run *, const char *what, const ag_node *); /* feed.c: is it one that runs feed? */

/* bind.c: the memory that holds the value of a leaf or an output; not yet, if it awaits one. */
const void *agi_value_at(const ag_run *, const agi_place *);

const ag_node *agi_made(const ag_run *, const ag_node *); /* what stands for it at the plan's extents, or itself */

int agi_awaits_value(const ag_run *, const agi_place *);

void agi_unbind(ag_run *, const agi_place *);

ag_status agi_arrange_bindings(ag_run *);     /* before an evaluation, if some are new */

void agi_copy_bindings(ag_run *, int out);    /* what cannot be computed in the caller's memory */

/* As they are interpreted. */
void agi_run_tiles(ag_run *, const agi_pass *, char *scratch, int64_t first, int64_t last);

void agi_run_blocks(ag_run *, const agi_pass *, char *scratch, int64_t first, int64_t last);

void agi_finish_folds(ag_run *, const agi_pass *);

void agi_run_program(ag_run *, const agi_program *);

ag_status agi_run_loop(ag_run *, const agi_loop_step *);

ag_status agi_run_steps(ag_run *); /* an evaluation, its leaves being there */

ag_run *agi_run_make(const ag_plan *, const ag_run *outer); /* outer: whose threads and scratch it uses; or NULL */

void agi_run_product(ag_run *, const agi_product *);

/* Of a band's rows those from `first` to before `end`. */
void agi_run_product_along(ag_run *, const agi_product *, int64_t first, int64_t end);

void agi_run_band(ag_run *, const agi_band *); /* band.c */

int agi_goes_together(const ag_run *, const agi_band *); /* or are its steps done one after the other? */

#endif

/* ---- kernels: one table for each instruction set and type -------------------------------------------------------- */
