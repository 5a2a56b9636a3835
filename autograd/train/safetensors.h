/* The safetensors format: a header's length (8 bytes, little endian), the header (JSON), the tensors' bytes.
 * https://github.com/huggingface/safetensors */
#ifndef AGI_SAFETENSORS_H
#define AGI_SAFETENSORS_H

#include "graph/graph.h"

#define AGI_LARGEST_HEADER 100000000 /* bytes: the limit of the format's own library */

/* Types of elements in files: those that tensors have, as in ag_dtype; what is read as one of them; what is passed
 * over. ORDER: as the names and sizes in safetensors.c. */
typedef enum {
    AGI_STORED_F32, AGI_STORED_F64, AGI_STORED_I64, AGI_STORED_F16, AGI_STORED_BF16, AGI_STORED_OTHERS
} agi_stored;

int64_t agi_stored_size(int stored); /* bytes of an element */
const char *agi_stored_name(int stored);

typedef struct {
    const char *name;
    int stored; /* an agi_stored, or one of the others */
    ag_shape shape;
    int64_t begin, end; /* its bytes, counted from the end of the header */
} agi_tensor;

/* Reads a header of `length` bytes, in place: names point into it. The tensors, sorted by name, are in the arena; their
 * bytes tile the data without holes. On failure NULL and *error, with *at the place in the header; *error is NULL when
 * memory ran out. */
agi_tensor *agi_read_header(agi_arena *, char *text, int64_t length, int64_t data_bytes, int64_t *count,
                            const char **error, int64_t *at);

int agi_is_utf8(const char *text, int64_t length); /* as headers are */

/* Writes the header, padded with spaces to a multiple of 8 bytes, into the arena; NULL when memory ran out. */
char *agi_write_header(agi_arena *, int64_t count, const agi_tensor *, int64_t *length);

#endif
