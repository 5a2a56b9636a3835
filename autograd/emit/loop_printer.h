/* A loop or branch as C, while it is written. */
#ifndef AGI_EMIT_LOOP_PRINTER_H
#define AGI_EMIT_LOOP_PRINTER_H

#include "emit.h"

typedef struct {
    agi_emitter e;
    char prefix[AGI_NAME]; /* or what a flat body's variables end in */
    int64_t at, bytes;     /* its memory in the workspace around it */
} agi_loop_body;

typedef struct {
    agi_emitter *e; /* of the plan around it */
    const agi_loop_step *s;
    int step, flat;
    agi_loop_body body[2];
    char made[24], length[24]; /* its counter and its number of steps, in C */
    ag_source to;              /* the function that steps through it */
} agi_loop_printer;

/* What the pointer to a transfer's outer side is for. Bodies have pointers of one type to what they read and to what
 * they write. */
typedef enum { AGI_TO_READ, AGI_TO_WRITE, AGI_TO_KEEP } agi_purpose;

/* transfers.c: where body `which` has a buffer, as a pointer of its type. */
void agi_emit_inner(agi_loop_printer *, int which, uint32_t buffer);
/* The element of that type, so many bytes further than element t of the transfer's outer side. */
void agi_emit_outer_element(agi_loop_printer *, agi_transfer, int from_body, agi_purpose, int64_t bytes, const char *t,
                            ag_dtype);
void agi_emit_transfers(agi_loop_printer *, const char *indent, const agi_transfers *, int which, const char *t);

#endif
