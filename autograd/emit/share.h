/* Steps that do the same elsewhere in memory, while they become one function: what share.c and rename.c have in
 * common. */
#ifndef AGI_EMIT_SHARE_H
#define AGI_EMIT_SHARE_H

#include "emit.h"

/* A function that a step's own one calls: where it is in the step's text, and its name. */
typedef struct {
    int64_t start, end, name;
    size_t length; /* of the name */
    int shared;    /* the number of the function in its place, or -1 */
} agi_step_part;
enum { AGI_STEP_PARTS = 32 };

/* A step's text on its way into another. */
typedef struct {
    const agi_emitter *e;
    const ag_source *from;
    const char *own;      /* what its functions' names begin with, */
    const char *name;     /* and will */
    int arguments;        /* its pointers are arguments, and named in their order */
    agi_step_part part[AGI_STEP_PARTS];
    int parts;
    agi_vector *integers; /* int64_t: collects them and leaves a # in place of each; or NULL */
    const int *argument;  /* by integer: the argument in its place, or -1; or NULL */
    int integer;          /* met so far */
    int values;           /* those of an array are being read, which must be constants */
    ag_source *to;
} agi_renaming;

/* Appends a piece of the text with its new words. 0: it finds memory otherwise than by pointers. */
int agi_rename(agi_renaming *, int64_t from, int64_t to);

#endif
