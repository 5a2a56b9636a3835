/* The text of a plan's machine code, before it is compiled. */
#ifndef AGI_NATIVE_TEXT_H
#define AGI_NATIVE_TEXT_H

#include "emit/emit.h"

typedef struct {
    agi_step *step;
    const int64_t *operand;
    int number; /* of its function, which equal steps share */
} agi_native_step;

typedef struct {
    const ag_allocator *allocator;
    agi_arena *arena;     /* where operands lie */
    agi_vector steps;     /* agi_native_step: those that have a function */
    agi_vector functions; /* the digest and the number of each, in the order of digests */
    int64_t statements;   /* of scalar programs, equal ones once */
    int64_t scratch;      /* bytes that a function may need */
    ag_source body;
    int failed;           /* out of memory */
} agi_native_text;

/* What of the plan's steps can be compiled, without its loops' bodies. */
void agi_write_native_steps(agi_native_text *, ag_plan *);
void agi_finish_native_text(agi_native_text *, ag_source *to); /* all of it */
void agi_free_native_text(agi_native_text *);
void agi_native_name(int number, char name[24]);

#endif
