/* Arrays: their memory, and reading their elements. */
#include "file.h"

#include <stdlib.h>
#include <sys/mman.h>

size_t ag_element_size(ag_element element)
{
    static const size_t size[] = { [AG_DATA_U8] = 1,  [AG_DATA_I8] = 1,  [AG_DATA_I16] = 2, [AG_DATA_I32] = 4,
                                   [AG_DATA_I64] = 8, [AG_DATA_F16] = 2, [AG_DATA_F32] = 4, [AG_DATA_F64] = 8 };
    return (size_t)element < sizeof size / sizeof *size ? size[element] : 0;
}

void ag_array_free(ag_array *a)
{
    if (!a) return;
    if (a->mapped) {
        uintptr_t end = (uintptr_t)a->values + (size_t)agi_array_elements(&a->shape, a->element) *
                                                   ag_element_size(a->element);
        munmap((void *)(end - a->mapped), a->mapped);
    } else free(a->values);
    free(a->heading);
    *a = (ag_array){ 0 };
}

void agi_array_replace(ag_array *to, ag_array *from)
{
    ag_array_free(to);
    *to = *from;
    *from = (ag_array){ 0 };
}

int64_t agi_array_elements(const ag_shape *s, ag_element element)
{
    int64_t n = 1, bytes;
    for (int i = 0; i < s->rank; i++)
        if (__builtin_mul_overflow(n, s->dim[i], &n)) return -1;
    return __builtin_mul_overflow(n, (int64_t)ag_element_size(element), &bytes) ? -1 : n;
}

ag_status agi_read_elements(agi_stream *s, ag_array *a)
{
    char more;
    int64_t n = agi_array_elements(&a->shape, a->element);
    if (n < 0) return agi_problem(s->problem, AG_EIO, s->path, "the extents in its header are too large");
    int64_t bytes = n * (int64_t)ag_element_size(a->element);
    a->values = malloc((size_t)bytes + 1);
    if (!a->values)
        return agi_problem(s->problem, AG_EMEM, s->path, "out of memory: it is to hold %lld bytes", (long long)bytes);
    int64_t got = agi_stream_read(s, a->values, bytes), after = got == bytes ? agi_stream_read(s, &more, 1) : 0;
    if (got < 0 || after < 0) return AG_EIO;
    if (got < bytes)
        return agi_problem(s->problem, AG_EIO, s->path, "it is cut off: %lld bytes of %lld that its header tells of",
                           (long long)got, (long long)bytes);
    if (after) return agi_problem(s->problem, AG_EIO, s->path, "there is more than its header tells of");
    return AG_OK;
}

void agi_swap_bytes(void *values, int64_t elements, size_t size)
{
    unsigned char *x = values;
    for (int64_t i = 0; i < elements; i++, x += size)
        for (size_t k = 0; k < size / 2; k++) {
            unsigned char low = x[k];
            x[k] = x[size - 1 - k];
            x[size - 1 - k] = low;
        }
}
