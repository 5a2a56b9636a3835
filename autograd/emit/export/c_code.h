/* Plans as C99 that needs <math.h> alone. A part of autograd.h, which includes it. Writing calls return 0, or -1, with
 * a message in the options' room for one. */
#ifndef AUTOGRAD_C_CODE_H
#define AUTOGRAD_C_CODE_H

#include "../../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int cblas, libm;     /* 1: products call CBLAS; exp, tanh, erf of floats in loops <math.h>, not ours within 3 ulp */
    const ag_run *embed; /* parameters that no plan assigns become constants, as this run has them */
    int initial;         /* 1: defines PREFIX_initial, the parameters' first values (those of `embed`) */
    char *message;       /* room for the reason of a failure, of message_size bytes */
    size_t message_size;
    int integer_bits;    /* 8, 16, 32: of labels, indices and other integers that go in and come out; 0: 64 */
    int small;           /* 1: less text for small machines, which is slower: products are plain loops, steps of one
                            kind but other extents one function */
    FILE *blob;          /* "PREFIX.bin", which gets the constants of 4 KiB and more in place of the source, and goes to
                            where it is compiled: by C23's #embed, or gcc's or clang's assembler; NULL: none */
} ag_c_options;

/* The plan as a function `prefix`; `header`, or NULL, is "prefix.h". Its structs have members input_x, parameter_W1,
 * output_loss, or by number where a name has other than letters and digits. Beside the values of an ag_sparse, output_J,
 * stand its constant arrays PREFIX_output_J_row_start and PREFIX_output_J_column. */
int ag_write_c(const ag_plan *, const char *prefix, FILE *source, FILE *header, const ag_c_options *or_null);

typedef struct {
    const char *name; /* the function is PREFIX_NAME, its structs PREFIX_NAME_inputs and PREFIX_NAME_outputs */
    const ag_plan *plan;
} ag_c_function;
/* Plans of one graph as functions in one file, which share struct PREFIX_parameters and, called one at a time, a
 * workspace of PREFIX_WORKSPACE bytes: one to predict, one to train. */
int ag_write_c_functions(int n, const ag_c_function[], const char *prefix, FILE *source, FILE *header,
                         const ag_c_options *or_null);

#ifdef __cplusplus
}
#endif
#endif
