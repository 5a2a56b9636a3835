/* What the readers of data files share: reporting, streams that may be compressed, making an array. */
#ifndef AGI_DATA_FILE_H
#define AGI_DATA_FILE_H

#include "data.h"

/* "path: message" in the problem; returns `status`. */
ag_status agi_problem(ag_problem *or_null, ag_status status, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Bytes of a file one after another, unpacked if it is gzip. */
typedef struct {
    const char *path;
    ag_problem *problem;
    void *file;
} agi_stream;

ag_status agi_stream_open(agi_stream *, const char *path, ag_problem *);
void agi_stream_close(agi_stream *);
/* Up to `bytes` bytes, as many as there are; -1 after a failure, which is reported as AG_EIO. */
int64_t agi_stream_read(agi_stream *, void *to, int64_t bytes);

/* All of what is left, `extra` bytes of zeros behind it; released with free. NULL: *status says why. */
char *agi_stream_rest(agi_stream *, int64_t extra, int64_t *bytes, ag_status *status);

/* The number of elements; -1: their bytes are more than a size_t holds. */
int64_t agi_array_elements(const ag_shape *, ag_element);

/* Reads the elements of `element` and `shape` that the stream ends with. */
ag_status agi_read_elements(agi_stream *, ag_array *);

void agi_swap_bytes(void *values, int64_t elements, size_t size); /* of each element */

/* Empties *to and moves *from there. */
void agi_array_replace(ag_array *to, ag_array *from);

#endif
