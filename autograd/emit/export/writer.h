/* A plan as a function that anybody can compile: what the writers of its parts share. */
#ifndef AGI_EMIT_WRITER_H
#define AGI_EMIT_WRITER_H

#include "emit/emit.h"

typedef struct {
    agi_emitter e;
    const ag_plan *plan;
    const ag_c_options *options;
    agi_arena arena;
    uint8_t *assigned;                /* by buffer: leaves that a step writes */
    uint32_t *input, *parameter, *output; /* buffers by number */
    const ag_node **output_node;      /* by number */
    const char **output_member;       /* by number */
    uint32_t *copied;                 /* by output: the buffer it is copied from at the end, or AGI_NONE */
    int inputs, parameters, outputs;
    uint8_t *known;                   /* by buffer: a constant, or made of constants alone, */
    uint32_t *made;                   /* which are these buffers, */
    int64_t *array;                   /* with these arrays */
    int *need;                        /* by buffer: who needs its value, see guards.c */
    uint8_t *demanded;                /* by output: more than whoever asks for it needs its memory */
    int nmade;
    agi_vector arrays;                /* agi_array: constants, also of bodies */
    int64_t bytes;                    /* of the workspace */
    ag_source head, body, main;       /* declarations; the steps; the function itself */
} agi_writer;

/* members.c: sets where all buffers are. 0: out of memory. */
int agi_place_members(agi_writer *);

/* constants.c: what constants alone come to, as arrays; the steps that compute it are done. 0: out of memory. */
int agi_find_constants(agi_writer *);
void agi_place_constants(agi_writer *); /* once all else has its place: their memory may be taken over */

/* guards.c: which steps serve one output alone; which outputs have to be given. 0: out of memory. */
int agi_find_guards(agi_writer *);

/* declare.c: the structs and the prototype, into the head; the struct that steps are given; arrays. */
void agi_write_signature(const agi_writer *, ag_source *);
void agi_write_declarations(agi_writer *);
void agi_write_memory(agi_writer *, ag_source *);
void agi_write_data(agi_writer *, ag_source *);
void agi_write_initial(agi_writer *, ag_source *);

#endif
