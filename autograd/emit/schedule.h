/* What happens when in a tile of a pass, as generated code executes it.
 *
 * A tile is worked on in stages. A stage is a strip over its rows (row registers), one over all its elements, one for
 * functions that compilers cannot vectorise, and the folds of rows that the next stage needs. Inside a strip registers
 * are local variables; those that another strip reads have a home in memory. */
#ifndef AGI_EMIT_SCHEDULE_H
#define AGI_EMIT_SCHEDULE_H

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

#endif
