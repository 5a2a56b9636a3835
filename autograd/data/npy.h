/* What reading and mapping .npy share: the header.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef AGI_DATA_NPY_H
#define AGI_DATA_NPY_H

#include "file.h"

typedef struct {
    char kind;         /* as in NumPy's type strings: b, i, u, f */
    int size;          /* bytes of an element in the file */
    int swapped;       /* 1: not in this machine's byte order */
    int by_columns;    /* 1: the first axis is contiguous */
    ag_element element; /* as which it is read; unsigned numbers of 16 and 32 bits need twice the room */
    ag_shape shape;
    int64_t start;     /* where the elements begin */
} agi_npy;

/* Reads the header, up to the first element. */
ag_status agi_read_npy_header(agi_stream *, agi_npy *);

#endif
