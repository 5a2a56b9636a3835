/* A pass as C, while it is written: what the printers of its parts share. */
#ifndef AGI_EMIT_PASS_PRINTER_H
#define AGI_EMIT_PASS_PRINTER_H

#include "schedule.h"

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
} agi_c_argument;

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
    int zeros;      /* nested loops read a row of zeros, in the step's arrays */
    unsigned used;  /* agi_variable that the body uses, as bits */
    uint32_t *seen; /* by register: the last loop that has it as an argument */
    uint32_t loops; /* printed so far */
    agi_c_argument *argument; /* of the loop at hand */
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
/* What native code is told of a load, or the number that it is. */
const char *agi_load_operand(const agi_pass_printer *, int load, agi_load_operand_kind, char text[40]);
/* Into the body: where a load's memory begins, as a pointer to that type; element 0 of the tile in a store's memory, in
 * a register's home; the name of its array. */
void agi_emit_loaded(agi_pass_printer *, int load, ag_dtype);
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

/* nest.c: all of it as nested loops, into `tile`. 0: other loops it is. */
int agi_emit_nest(agi_pass_printer *);

/* tile.c: what is the same in all tiles; a tile. */
void agi_emit_invariant(agi_pass_printer *, uint32_t reg);
void agi_emit_tile(agi_pass_printer *);

#endif
