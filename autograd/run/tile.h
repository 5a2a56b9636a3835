/* A tile of a pass while the interpreter works on it: tile.c; the folds at its end: tile_fold.c. */
#ifndef AGI_TILE_H
#define AGI_TILE_H

#include "run.h"

typedef struct {
    ag_run *run;
    const agi_pass *g;
    const agi_kernels *kernels;
    int64_t size;  /* of an element */
    char **reg;
    char *slots[2]; /* of full and of row registers */
    int64_t block, first_row, end_row; /* the block it belongs to, and that one's rows */
    int opens;     /* the first of its block */
    int64_t row, rows, column, columns;
} agi_tile_run;

void agi_fold_tile(const agi_tile_run *, const agi_fold_end *);

#endif
