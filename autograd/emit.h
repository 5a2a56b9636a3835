/* A plan as C: what the printers of its steps share.
 *
 *   emit_text.c     growing text; numbers, comments and pointwise arithmetic as C
 *   emit_pass.c     a pass: its loops; emit_loops.c: what happens when in a tile of it
 *   emit_program.c  a scalar program as straight-line C
 *   emit_product.c  products, calls of the library's operations, copies
 *   emit.c          ag_write_c: a whole plan as a function that anybody can compile
 *   native.c        the same text for passes and programs, compiled and loaded here
 *
 * Every identifier is generated. Names of nodes appear in comments only, see agi_emit_node. */
#ifndef AGI_EMIT_H
#define AGI_EMIT_H

#include "plan.h"

/* ---- text --------------------------------------------------------------------------------------------------------- */

struct ag_source {
    const ag_allocator *allocator;
    agi_vector text; /* characters, without a final 0 */
    int failed;      /* out of memory: what follows is dropped */
};

void agi_source_free(ag_source *);
void agi_source_append(ag_source *, const ag_source *);
int agi_source_has(const ag_source *, const char *word); /* as a whole identifier */

const char *agi_c_type(ag_dtype); /* "float", "double", "int64_t" */
void agi_emit_number(ag_source *, ag_dtype, double value);
void agi_emit_element(ag_source *, ag_dtype, const void *values, int64_t index);
void agi_emit_node(ag_source *, const ag_node *); /* 'name' f32[2,3]: fit for a comment whatever the name is */

/* Arithmetic in x, or a, b and c, with F(exp), K(0.5) and T, the type: written for a type and operands. */
void agi_emit_arithmetic(ag_source *, const char *text, ag_dtype, const char *const operand[3]);
const char *agi_pointwise_text(const ag_op *); /* NULL: a user's operation without one */
const char *agi_code_text(uint32_t code);      /* of an instruction of a scalar program */
int agi_code_operands(uint32_t code);
extern const char *const agi_fold_texts[4];    /* of a and b, by ag_fold */

/* ---- where buffers are -------------------------------------------------------------------------------------------- */

typedef enum {
    AGI_IN_MEMORY,    /* native: memory[buffer] */
    AGI_IN_WORK,      /* the workspace, at `at` bytes */
    AGI_IN_INPUT,     /* the caller's, number `at` */
    AGI_IN_PARAMETER,
    AGI_IN_OUTPUT,
    AGI_IN_DATA       /* a constant array */
} agi_reach_kind;

typedef struct {
    uint8_t kind;
    int64_t at;
} agi_reach;

typedef struct {
    const ag_plan *plan;
    const char *prefix;     /* of all names of functions */
    const agi_reach *reach; /* by buffer; NULL: native */
    int cblas;
    ag_source *to;
    int64_t scratch;        /* bytes of the hungriest step so far */
    const char *missing;    /* the operation that cannot be written, or NULL */
    char type[16];          /* of the values at hand */
} agi_emitter;

static inline int agi_is_native(const agi_emitter *e)
{
    return e->reach == NULL;
}

/* `const float *const b3 = ...; / * 'x' f32[2] * /`: the pointer to a buffer inside a step's function. */
void agi_emit_pointer(agi_emitter *, uint32_t buffer, int written);
/* The head of a step's function, up to the opening brace. `returns`: "void" or "int". */
void agi_emit_head(agi_emitter *, const char *returns, int step, const char *more);

/* ---- steps: each prints the functions of one. 0: cannot be written, see `missing`. ----------------------------------- */

int agi_emit_pass(agi_emitter *, int step, const agi_pass *);
int agi_emit_program(agi_emitter *, int step, const agi_program *);
void agi_emit_product(agi_emitter *, int step, const agi_product *);
int agi_emit_call(agi_emitter *, int step, const agi_call *);
void agi_emit_copy(agi_emitter *, int step, const agi_copy *);

/* The helper functions and special functions that `body` calls, written into `to`. */
void agi_emit_helpers(agi_emitter *, const ag_source *body, ag_source *to);

#endif
