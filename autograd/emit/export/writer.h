/* A plan as a function that anybody can compile: what the writers of its parts share. */
#ifndef AGI_EMIT_WRITER_H
#define AGI_EMIT_WRITER_H

#include "emit/emit.h"

/* What all functions of a file share. */
typedef struct {
    const char *what;          /* the function called, for messages */
    const char *prefix;
    const ag_c_options *options;
    agi_arena *arena;
    const ag_node **parameter; /* members of the struct, in the order of the graph, */
    const char **member;       /* their names, */
    uint8_t *assigned;         /* whether some function assigns them */
    int parameters;
    int alone;                 /* there is one function, which has the prefix for its name */
    agi_vector arrays;         /* agi_array: constants, also of bodies */
    agi_sharing sharing;
    int64_t bytes;             /* of the largest workspace */
} agi_file;

typedef struct {
    agi_emitter e;
    const ag_plan *plan;
    const ag_c_options *options;
    agi_file *file;
    char prefix[AGI_PREFIX + 1];
    agi_arena arena;
    uint8_t *assigned;                /* by buffer: leaves that a step writes */
    uint32_t *input, *output;         /* buffers by number */
    const ag_node **output_node;      /* by number */
    const char **input_member, **output_member; /* by number */
    const ag_sparse **pattern;        /* by output: where its elements stand, or NULL */
    uint32_t *copied;                 /* by output: the buffer it is copied from at the end, or AGI_NONE */
    int inputs, outputs;
    int parameters;                   /* the struct of parameters is read, */
    int updates;                      /* and written */
    uint8_t *known;                   /* by buffer: a constant, or made of constants alone, */
    uint32_t *made;                   /* which are these buffers, */
    int64_t *array;                   /* with these arrays */
    int *need;                        /* by buffer: who needs its value, see guards.c */
    uint8_t *demanded;                /* by output: more than whoever asks for it needs its memory */
    int nmade;
    int64_t bytes;                    /* of the workspace */
    ag_source head, body, main;       /* declarations; the steps; the function itself */
} agi_writer;

/* parameters.c: which parameters the file has, of all its functions; what each of them assigns. 0: out of memory. */
int agi_find_parameters(agi_file *, int n, agi_writer w[]);

/* members.c: sets where all buffers are. 0: out of memory. */
int agi_place_members(agi_writer *);
/* "parameter_W1", or by number, what none of those before it is called. NULL: out of memory. */
const char *agi_name_member(agi_arena *, const char *what, const ag_node *, int number, const char *const before[]);

/* patterns.c: of the output that is being placed; what callers see of all; the arrays. */
void agi_find_pattern(agi_writer *, const ag_node *output);
void agi_declare_patterns(agi_writer *);
void agi_write_patterns(const agi_writer *, ag_source *to);

/* integers.c: those that go in and come out in a narrower type are int64_t in between. */
const char *agi_member_type(const agi_writer *, ag_dtype);
int agi_is_narrow(const agi_writer *, ag_dtype);
void agi_write_widening(agi_writer *);
void agi_write_narrowing(agi_writer *, int output);

/* constants.c: what constants alone come to, as arrays; the steps that compute it are done. 0: out of memory. */
int agi_find_constants(agi_writer *);
void agi_place_constants(agi_writer *); /* once all else has its place: their memory may be taken over */

/* guards.c: which steps serve one output alone; which outputs have to be given. 0: out of memory. */
int agi_find_guards(agi_writer *);

/* blob.c: where in options->blob the values of large constants are, which it appends to it. */
typedef struct {
    int64_t bytes; /* so far */
} agi_blob;
int agi_goes_to_blob(const agi_file *, const ag_node *);
int agi_put_into_blob(const agi_file *, agi_blob *, const agi_array *, int64_t *offset); /* 0: it cannot be written */
void agi_write_blob(const agi_file *, const agi_blob *, ag_source *); /* what takes it in; nothing if it is empty */

/* declare.c: the structs and the prototype, into the head; the struct that steps are given; what the file shares. */
void agi_write_signature(const agi_writer *, ag_source *);
void agi_write_declarations(agi_writer *, int first); /* of the file's functions */
void agi_write_memory(agi_writer *, ag_source *);
void agi_write_parameters(const agi_file *, ag_source *);
int agi_write_data(const agi_file *, const ag_source *text, ag_source *); /* 0: options->blob cannot be written */
void agi_write_initial(const agi_file *, ag_source *);

#endif
