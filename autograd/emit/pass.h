/* What happens when in a tile of a pass, as generated code executes it.
 *
 * A tile is worked on in stages. A stage is a strip over its rows (row registers), one over all its elements, one for
 * functions that compilers cannot vectorise, and the folds of rows that the next stage needs. Inside a strip registers
 * are local variables; those that another strip reads have a home in memory. */
#ifndef AGI_EMIT_PASS_H
#define AGI_EMIT_PASS_H

#include "emit.h"

typedef enum {
    AGI_STRIP_ROWS,
    AGI_STRIP_EXPAND,
    AGI_STRIP_FULL,
    AGI_STRIP_SPECIAL,
    AGI_STRIP_FOLDS,
    AGI_STRIPS = 8
} agi_strip_kind;
/* When something happens in a tile: in which stage, in which of its strips. Later is larger. Gathers come before all,
 * folds at a tile's end after all. */
typedef int agi_time;
#define AGI_AT_GATHER (-1)
#define AGI_AT_END (INT32_MAX / 2)

static inline agi_time agi_time_of(int stage, int strip)
{
    return stage * AGI_STRIPS + strip;
}

static inline int agi_stage_of(agi_time t)
{
    return t / AGI_STRIPS;
}

static inline int agi_strip_of(agi_time t)
{
    return t % AGI_STRIPS;
}

typedef enum {
    AGI_HOME_NONE,
    AGI_HOME_LOAD,   /* the memory it is loaded from */
    AGI_HOME_BOUNDS,    /* the same inside bounds, and 0 outside */
    AGI_HOME_ROW,    /* the row that a load repeats */
    AGI_HOME_STORE,  /* where it is stored */
    AGI_HOME_ARRAY   /* scratch memory of a tile's size */
} agi_home;

typedef struct {
    int load, micro, store; /* that defines it; the store that is its home; or -1 */
    agi_time when;          /* defined */
    uint8_t row;
    uint8_t home;
    uint8_t uniform;        /* one value for all: of `load` */
    uint8_t expanded;       /* a value a row, of register `of` */
    uint8_t wanted;         /* in memory, by another loop or a fold */
    uint8_t invariant;      /* the same in all tiles */
    uint32_t of;
    int slot;               /* of its array */
    agi_time last;          /* reading of its array */
} agi_scheduled;

static inline int agi_is_loaded(const agi_scheduled *v) /* from memory, where it stays */
{
    return v->home == AGI_HOME_LOAD || v->home == AGI_HOME_BOUNDS || v->home == AGI_HOME_ROW;
}

typedef struct {
    const agi_pass *g;
    const ag_plan *plan;
    agi_scheduled *value;   /* by register */
    agi_time *store_when;   /* by store */
    agi_time *fold_when;    /* by fold: the loop that accumulates it; AGI_AT_END: the tile's memory is folded */
    int stages;
    int by_rows;        /* loops over all elements go row by row */
    int one_by_one;     /* loops over all elements take them singly */
    int full_slots, row_slots;
} agi_schedule;

/* in_loops: folds may be accumulated in loops. 0: out of memory. */
int agi_make_schedule(agi_schedule *, agi_arena *, const ag_plan *, const agi_pass *, int in_loops);
int agi_is_special(const agi_micro *); /* calls a function that has no vector version */

/* ---- printing ---------------------------------------------------------------------------------------------------- */

/* Of a tile: its place, its extents, its first element and how many it has; and the counters of loops over it. */
typedef enum {
    AGI_ROW,
    AGI_COLUMN,
    AGI_ROWS,
    AGI_COLUMNS,
    AGI_FIRST,
    AGI_COUNT,
    AGI_R,
    AGI_I,
    AGI_K,
    AGI_BLOCK
} agi_variable;

/* What a loop's function is called with. */
typedef enum {
    AGI_ARGUMENT_IN,
    AGI_ARGUMENT_BOUNDS,
    AGI_ARGUMENT_SCALAR,
    AGI_ARGUMENT_OUT,
    AGI_ARGUMENT_FOLD
} agi_argument_role;
typedef struct {
    agi_argument_role role;
    uint32_t reg;
    int number; /* of the store that an output goes to, or -1: its array; of the fold */
} agi_argument;

typedef struct {
    agi_emitter *e;
    const agi_pass *g;
    agi_schedule s;
    int step;
    ag_dtype dtype;
    const char *type;
    int merged;     /* no need to stop at tiles: one loop over all elements */
    ag_source functions; /* of loops and gathers */
    ag_source body;      /* what is being written: before the tiles, in a tile, after them */
    ag_source before, variables, tile, after;
    unsigned used;  /* agi_variable that the body uses, as bits */
    uint32_t *seen; /* by register: the last loop that has it as an argument */
    uint32_t loops; /* printed so far */
    agi_argument *argument; /* of the loop at hand */
    int narguments;
} agi_pass_printer;

/* place.c */
int64_t agi_tiles(const agi_pass *);
int64_t agi_known(const agi_pass_printer *, agi_variable); /* the number that it is in every tile, or -1 */
int agi_uses(const agi_pass_printer *, agi_variable);
/* The variable's name, or the number that it is in every tile. */
const char *agi_tile(agi_pass_printer *, agi_variable, char text[24]);
/* Declares what the body turned out to use, and what that needs. */
void agi_emit_variables(agi_pass_printer *, ag_source *);
/* Into the body: element 0 of the tile in a store's memory, in a register's home; the name of its array. */
void agi_emit_stored(agi_pass_printer *, const agi_store *);
void agi_emit_home(agi_pass_printer *, uint32_t reg);
/* A value of another type becomes one of the pass's. */
void agi_emit_converted(const agi_pass_printer *, ag_source *, ag_dtype from, const char *value);
void agi_emit_uniform(const agi_pass_printer *, ag_source *, const agi_scheduled *);
/* The call of a helper, up to the bracket; fold -1: none. */
void agi_call_helper(agi_pass_printer *, ag_source *, const char *name, int fold);

/* gather.c: the function that copies what load k walks over, and its call. */
void agi_emit_gather(agi_pass_printer *, int k);

/* fold.c: rows of a tile into row registers; fold k at a tile's end; the blocks' parts, in their order. */
void agi_emit_fold_rows(agi_pass_printer *, const agi_micro *);
void agi_emit_fold_end(agi_pass_printer *, int k);
int agi_has_partials(const agi_pass *);
void agi_emit_finish(agi_pass_printer *);

/* strip.c: the function of what is computed and stored at this time, and its call. */
void agi_emit_strip(agi_pass_printer *, agi_time);

/* tile.c: what is the same in all tiles; a tile. */
void agi_emit_invariant(agi_pass_printer *, uint32_t reg);
void agi_emit_tile(agi_pass_printer *);

#endif
