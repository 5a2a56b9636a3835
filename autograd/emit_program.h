/* A scalar program as statements of C. */
#ifndef AGI_EMIT_PROGRAM_H
#define AGI_EMIT_PROGRAM_H

#include "emit.h"

enum { AGI_NOWHERE = -1 };

/* An instruction. */
typedef struct {
    int32_t source[3];    /* the instructions that compute its operands, or AGI_NOWHERE: memory */
    int32_t at;           /* the instruction that it is executed with: itself, or one before it */
    int32_t lane;         /* in the memory of bundles, or AGI_NOWHERE: executed alone */
    uint8_t stored, used; /* by a statement of the same function */
} agi_statement;

/* Calls of one function whose operands are there when the first result is needed: one loop computes all. */
typedef struct {
    int32_t at;               /* the instruction that needs the first result */
    int32_t first, count;     /* lanes; count is padded to whole vectors */
    int32_t members;          /* that are instructions: agi_bundles' member[first ...] */
} agi_bundle;

typedef struct {
    agi_bundle *bundle;
    int32_t *member; /* by lane: its instruction */
    int32_t bundles, lanes;
} agi_bundles;

/* Finds bundles in a program whose sources are known and sets `at` and `lane`. 0: out of memory. */
int agi_find_bundles(agi_bundles *, agi_arena *, const agi_program *, agi_statement *);

#endif
