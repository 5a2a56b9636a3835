/* A plan as C: what the printers of its steps share.
 *
 *   words.c      numbers, comments and pointwise arithmetic as C; helpers.c: functions that the others call
 *   reach.c      where generated code finds buffers
 *   steps.c      all steps, one after the other
 *   share.c      one function for all steps that do the same elsewhere, in exported C; rename.c: their text (share.h:
 *                what these share)
 *   schedule.c   what happens when in a tile of a pass
 *   nest.c       a pass as nested loops that read operands where they lie, in exported C
 *   pass.c       a pass as loops over its tiles; tile.c: a tile; place.c: where it and its values are
 *   strip.c      the loops themselves; gather.c, fold.c: what comes before and after them; pass_printer.h: what all
 *                of these share
 *   program.c    a scalar program as straight-line C
 *   product.c    products; calls.c: calls of the library's operations, copies
 *   loop.c       loops and branches; transfers.c: what goes into and out of their bodies (loop_printer.h: what they
 *                share); flat.c: bodies whose values are local variables
 *   export/      ag_write_c: a whole plan as a function that anybody can compile
 *   native/      the same text for passes, programs and loops of programs, once for equal ones; compiled and loaded
 *
 * Every identifier is generated. Names of nodes appear in comments, see agi_emit_node, and behind a prefix in the names
 * of members, if letters, digits and _ will do. What is printed is what the interpreter does, to the last bit where no
 * function of <math.h> is called: the same tiles, the same order of sums. A text that ran out of memory says `failed`
 * and drops what follows; whoever asked for it looks once, at the end. This room reaches no run. */
#ifndef AGI_EMIT_H
#define AGI_EMIT_H

#include "plan/plan.h"

/* ---- words of C -------------------------------------------------------------------------------------------------- */

void agi_emit_number(ag_source *, ag_dtype, double value);
void agi_emit_element(ag_source *, ag_dtype, const void *values, int64_t index);
void agi_emit_exactly(ag_source *, ag_dtype, double value); /* a float or double in base 16: for many of them */
void agi_emit_node(ag_source *, const ag_node *); /* 'name' f32[2,3]: fit for a comment whatever the name is */

/* Arithmetic in x, or a, b and c, with F(exp), K(0.5) and T, the type: written for a type and operands. */
void agi_emit_arithmetic(ag_source *, const char *text, ag_dtype, const char *const operand[3]);

/* ---- where buffers are ------------------------------------------------------------------------------------------- */

/* A piece of a run's block. */
typedef struct {
    int64_t start, end;
    int64_t at; /* its place in the workspace */
    uint32_t buffer;
} agi_span;
void agi_sort_spans(agi_span *, int64_t n); /* by start */
const agi_span *agi_find_span(const agi_span *, int64_t n, int64_t offset); /* that has it, of sorted ones; or NULL */

typedef enum {
    AGI_IN_WORK, /* the workspace */
    AGI_IN_INPUT,
    AGI_IN_PARAMETER,
    AGI_IN_OUTPUT,
    AGI_IN_DATA,  /* constant arrays */
    AGI_IN_MEMBER /* of a loop's body: what lies in the loop's memory */
} agi_reach_kind;

typedef struct {
    const agi_buffer *buffer;
    const void *values;
} agi_array; /* constant data; a number's values are unused */

typedef struct {
    uint8_t kind;
    int64_t at; /* in bytes, or the number of the input, parameter, output, array or buffer */
    const char *member; /* of an input, parameter or output: its name in the struct */
} agi_reach;

/* A pointer that a step's function declares: where in the step's text its line begins, its name, its value, what
 * follows that (; and a comment), the next line. */
typedef struct {
    int64_t line, name, value, rest, next;
} agi_pointer;

/* What the steps of a file share: they are printed twice, first to be counted. */
typedef struct {
    agi_arena *arena;
    int counting;
    agi_vector known;    /* texts by their digests, in the order of these */
    int functions;       /* written so far, */
    ag_source text;      /* here */
    agi_vector pointers; /* agi_pointer: of the step at hand, */
    int heads;           /* its functions that find memory by `m`, */
    int64_t head, body;  /* where the last one's head and what follows that begin */
} agi_sharing;

typedef struct {
    const ag_plan *plan;
    const char *prefix; /* of the names of functions */
    const char *top;    /* that of the plan around all bodies, for what they share */
    int native;         /* for this process alone: functions of vectors are glibc's, memory is told by operands, */
    int told;           /* also the elements of the program at hand */
    agi_reach *reach;   /* by buffer; NULL: native, or flat */
    const char *flat;   /* of a flat body: what the names of its local variables end in; see flat.c */
    int depth;          /* flat bodies around it */
    int cblas, libm, small; /* options of exported C */
    ag_source *to;
    agi_span *leaf, *work; /* leaves and constants; what lies in the workspace */
    int64_t nleaves, nwork;
    int64_t scratch_at;  /* where a step's arrays begin in the workspace, or in a thread's scratch memory */
    int64_t scratch;     /* bytes of them, of the hungriest step so far */
    agi_vector *arrays;  /* agi_array: the plan's and its bodies' */
    const char *memory;  /* what leads to its members: "m->" if NULL */
    uint32_t *declared;  /* by buffer: the last function that declares a pointer to it */
    uint32_t functions;  /* begun so far */
    uint8_t *done;       /* by step: what it computes is known, it is not written; or NULL */
    const char **guard;  /* by step: the member of the only output that needs it; or NULL */
    agi_sharing *sharing;    /* or NULL: each step has a function of its own */
    const char **shared; /* by step, then: the call of the function that others call, too; or NULL */
    const ag_op *missing; /* an operation that cannot be written, or NULL */
} agi_emitter;

/* Arithmetic of an operation in a loop, where exp, tanh and erf of floats are agi_expf, ..., or libm's if so wanted. */
void agi_emit_loop_arithmetic(const agi_emitter *, ag_source *, const ag_op *, ag_dtype, const char *const operand[3]);
/* The same in a scalar program: <math.h>'s, but where little text is wanted, as one of ours is less than one of its. */
void agi_emit_scalar_arithmetic(const agi_emitter *, ag_source *, const char *text, ag_dtype,
                                const char *const operand[3]);
int agi_has_version(const agi_emitter *, const ag_op *, ag_dtype); /* for vectors, of each function of ours it calls */

int agi_find_leaves(agi_emitter *, agi_arena *); /* 0: out of memory */
/* The workspace: sets the reach of what lies there and returns its bytes; -1: out of memory. */
int64_t agi_close_up(agi_emitter *, agi_arena *);
void agi_follow_owners(agi_emitter *); /* what shares memory is reached alike */
int64_t agi_add_array(agi_emitter *, const agi_buffer *, const void *values); /* its number, or -1 */
uint32_t agi_leaf_at(const agi_emitter *, int64_t offset); /* the leaf or constant there in the block, or AGI_NONE */
int64_t agi_work_at(const agi_emitter *, int64_t offset);

/* The head of a step's function, or of a part of it (>= 0), and the opening brace. `returns`: "void" or "int". */
void agi_emit_head(agi_emitter *, const char *returns, int step, int part);
int agi_declare(agi_emitter *, uint32_t buffer); /* 1: this function has no pointer to it yet */
/* `const float *const b3 = ...;` and what it is: the pointer to a buffer inside a step's function. */
void agi_emit_pointer(agi_emitter *, uint32_t buffer, int written);
/* The same for any pointer: what stands between the two is its value. */
void agi_begin_pointer(agi_emitter *, int written, const char *type, const char *name);
void agi_end_pointer(agi_emitter *, const ag_node *or_null);
/* A pointer to a step's arrays, `at` bytes into them. */
void agi_emit_scratch(agi_emitter *, const char *type, const char *name, int64_t at);
/* Its name, as a pointer to read this type from: a loop's results of all types lie in one buffer. */
void agi_emit_base(const agi_emitter *, ag_source *, uint32_t buffer, ag_dtype);
void agi_emit_place(agi_emitter *, uint32_t buffer, const char *type); /* the pointer itself */
/* An element of a constant, as a number of this type. */
void agi_emit_constant(ag_source *, ag_dtype, const agi_buffer *, int64_t index);

/* Native code of a step is told where its memory is, so that equal steps share it. Buffers are memory[operand[b]], b in
 * the plan that it was written for; of a pass the offset and the bounds of load k are operands, too, from operand
 * nbuffers + AGI_LOAD_OPERANDS k on; of a small program they are the elements in the order that it mentions them in. */
typedef enum { AGI_LOAD_OFFSET, AGI_LOAD_FROM, AGI_LOAD_TO, AGI_LOAD_OPERANDS } agi_load_operand_kind;
/* Instructions: more are hardly ever equal, and know their elements; so do those alone of their length from `few` on. */
enum { AGI_FEW_INSTRUCTIONS = 32, AGI_TOLD_INSTRUCTIONS = 128 };
int agi_program_operands(const agi_program *, int64_t *operand); /* how many; room for four an instruction */

/* ---- steps: each prints the functions of one. 0: cannot be written, see `missing`. ------------------------------- */

int agi_emit_pass(agi_emitter *, int step, const agi_pass *);
int agi_emit_program(agi_emitter *, int step, const agi_program *);
void agi_emit_statements(agi_emitter *, int step, const agi_program *); /* a flat body's, in place */
void agi_emit_product(agi_emitter *, int step, const agi_product *);
int agi_emit_call(agi_emitter *, int step, const agi_call *);
void agi_emit_copy(agi_emitter *, int step, const agi_copy *);
int agi_emit_loop_step(agi_emitter *, int step, const agi_loop_step *);
int agi_emit_steps(agi_emitter *);                     /* all, with loops and branches */
int agi_begin_sharing(agi_emitter *);                  /* for its steps; 0: out of memory */
/* Appends the step's text, which was printed by itself, or, if others do the same, has their function called. */
void agi_share_step(agi_emitter *, int step, const ag_source *text);
void agi_free_sharing(const ag_allocator *, agi_sharing *);
void agi_emit_runs(const agi_emitter *, ag_source *);  /* the statements that call them */

/* flat.c: are bodies nothing but scalar programs and small copies, and loops of those? Then their values need no
 * memory that others know, and compilers keep them in registers. */
int64_t agi_flat_statements(const agi_loop_step *); /* -1: they are not */
void agi_emit_locals(const agi_emitter *, const ag_source *body, ag_source *to); /* declares what the body mentions */
/* The element of that type, `bytes` into a buffer of a flat body. */
void agi_emit_local(const agi_emitter *, ag_source *, uint32_t buffer, int64_t bytes, ag_dtype);
void agi_emit_flat_steps(agi_emitter *);

/* The helper functions and special functions that `body` calls, written into `to`. */
void agi_emit_helpers(agi_emitter *, const ag_source *body, ag_source *to);
enum { AGI_NAME = 256, AGI_PREFIX = 64 }; /* room for names of functions; for the prefix in them */
void agi_helper_name(const agi_emitter *, const char *name, ag_dtype, char to[AGI_NAME]);

#endif
