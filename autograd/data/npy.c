/* NumPy's .npy: reading, mapping and writing. */
#include "npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Unsigned numbers of 16 and 32 bits in twice the room, from the last on. */
static void widen(const agi_npy *h, void *values, int64_t n)
{
    if (h->size == 2)
        while (n-- > 0) ((int32_t *)values)[n] = ((uint16_t *)values)[n];
    else
        while (n-- > 0) ((int64_t *)values)[n] = ((uint32_t *)values)[n];
}

/* From the first axis contiguous to the last. */
static ag_status by_rows(agi_stream *s, ag_array *a, int64_t n)
{
    const size_t size = ag_element_size(a->element);
    const ag_shape *shape = &a->shape;
    int64_t stride[AG_MAX_RANK], index[AG_MAX_RANK] = { 0 }, from = 0;
    char *values = malloc((size_t)n * size + 1);
    if (!values) return agi_problem(s->problem, AG_EMEM, s->path, "out of memory");
    for (int i = 0; i < shape->rank; i++) stride[i] = i ? stride[i - 1] * shape->dim[i - 1] : 1;
    for (int64_t to = 0; to < n; to++) {
        memcpy(values + (size_t)to * size, (char *)a->values + (size_t)from * size, size);
        for (int i = shape->rank - 1; i >= 0; i--) {
            from += stride[i];
            if (++index[i] < shape->dim[i]) break;
            from -= stride[i] * shape->dim[i];
            index[i] = 0;
        }
    }
    free(a->values);
    a->values = values;
    return AG_OK;
}

/* As they lie in the file, then as they are wanted. */
static ag_status read_values(agi_stream *s, const agi_npy *h, ag_array *a)
{
    static const ag_element narrow[] = { [2] = AG_DATA_I16, [4] = AG_DATA_I32 };
    const int wider = (size_t)h->size < ag_element_size(h->element);
    *a = (ag_array){ .element = wider ? narrow[h->size] : h->element, .shape = h->shape };
    if (agi_array_elements(&h->shape, h->element) < 0)
        return agi_problem(s->problem, AG_EIO, s->path, "the extents in its header are too large");
    ag_status status = agi_read_elements(s, a);
    int64_t n = agi_array_elements(&a->shape, a->element);
    if (status) return status;
    if (h->swapped) agi_swap_bytes(a->values, n, (size_t)h->size);
    if (wider) {
        void *room = realloc(a->values, (size_t)n * ag_element_size(h->element) + 1);
        if (!room) return agi_problem(s->problem, AG_EMEM, s->path, "out of memory");
        a->values = room;
        a->element = h->element;
        widen(h, room, n);
    }
    return h->by_columns && a->shape.rank > 1 ? by_rows(s, a, n) : AG_OK;
}

static ag_status perform(ag_array *to, const char *path, ag_problem *problem,
                         ag_status (*work)(agi_stream *, const agi_npy *, ag_array *))
{
    agi_stream s;
    agi_npy header;
    ag_array a = { 0 };
    ag_status status = agi_stream_open(&s, path, problem);
    if (status) return status;
    status = agi_read_npy_header(&s, &header);
    if (!status) status = work(&s, &header, &a);
    agi_stream_close(&s);
    if (status) ag_array_free(&a);
    else agi_array_replace(to, &a);
    return status;
}

ag_status ag_read_npy(ag_array *to, const char *path, ag_problem *problem)
{
    return perform(to, path, problem, read_values);
}

/* ---- mapping ----------------------------------------------------------------------------------------------------- */

static ag_status map_values(agi_stream *s, const agi_npy *h, ag_array *a)
{
    struct stat info;
    int64_t n = agi_array_elements(&h->shape, h->element), bytes;
    if (h->swapped || (h->by_columns && h->shape.rank > 1) || (size_t)h->size != ag_element_size(h->element))
        return agi_problem(s->problem, AG_ETYPE, s->path, "it cannot be mapped, since its bytes are not those of an "
                           "array here (another byte order, by columns, unsigned): use ag_read_npy");
    if (n < 0 || __builtin_add_overflow(n * h->size, h->start, &bytes))
        return agi_problem(s->problem, AG_EIO, s->path, "the extents in its header are too large");
    int file = open(s->path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &info)) {
        if (file >= 0) close(file);
        return agi_problem(s->problem, AG_EIO, s->path, "%s", strerror(errno));
    }
    void *memory = MAP_FAILED;
    if (info.st_size == bytes) memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    close(file);
    if (info.st_size != bytes)
        return agi_problem(s->problem, AG_EIO, s->path, "it has %lld bytes: its header tells of %lld",
                           (long long)info.st_size, (long long)bytes);
    if (memory == MAP_FAILED) return agi_problem(s->problem, AG_EMEM, s->path, "%s", strerror(errno));
    *a = (ag_array){ .element = h->element, .shape = h->shape, .values = (char *)memory + h->start,
                     .mapped = (size_t)bytes };
    return AG_OK;
}

ag_status ag_map_npy(ag_array *to, const char *path, ag_problem *problem)
{
    return perform(to, path, problem, map_values);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The header, which ends with a newline at a multiple of 64 bytes; its length. */
static int write_header(char text[512], const ag_array *a)
{
    static const char *const type[] = { [AG_DATA_U8] = "|u1",  [AG_DATA_I8] = "|i1",  [AG_DATA_I16] = "<i2",
                                        [AG_DATA_I32] = "<i4", [AG_DATA_I64] = "<i8", [AG_DATA_F16] = "<f2",
                                        [AG_DATA_F32] = "<f4", [AG_DATA_F64] = "<f8" };
    const char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
    int n = snprintf(text, 512, "\x93NUMPY%c%c  {'descr': '%c%s', 'fortran_order': False, 'shape': (", 1, 0,
                     *type[a->element] == '|' ? '|' : order, type[a->element] + 1);
    for (int i = 0; i < a->shape.rank; i++)
        n += snprintf(text + n, 512 - (size_t)n, i ? ", %lld" : "%lld", (long long)a->shape.dim[i]);
    n += snprintf(text + n, 512 - (size_t)n, a->shape.rank == 1 ? ",), }" : "), }");
    while (n % 64 != 63) text[n++] = ' ';
    text[n++] = '\n';
    text[8] = (char)((n - 10) & 0xFF);
    text[9] = (char)((n - 10) >> 8);
    return n;
}

ag_status ag_write_npy(const char *path, const ag_array *a, ag_problem *problem)
{
    char header[512];
    if (problem) problem->message[0] = 0;
    if (!path || !*path) return agi_problem(problem, AG_EARG, path, "a path is needed");
    if (!a || !a->values || !ag_element_size(a->element))
        return agi_problem(problem, AG_EARG, path, "there is no array");
    int64_t n = agi_array_elements(&a->shape, a->element);
    if (n < 0) return agi_problem(problem, AG_ESHAPE, path, "the array's extents are too large");
    FILE *f = fopen(path, "wbe");
    if (!f) return agi_problem(problem, AG_EIO, path, "%s", strerror(errno));
    size_t length = (size_t)write_header(header, a), size = ag_element_size(a->element);
    int fine = fwrite(header, 1, length, f) == length && fwrite(a->values, size, (size_t)n, f) == (size_t)n;
    fine = !fflush(f) && fine;
    int why = errno;
    if (fclose(f) || !fine) return agi_problem(problem, AG_EIO, path, "it cannot be written: %s", strerror(why));
    return AG_OK;
}
