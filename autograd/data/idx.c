/* IDX: two zeros, the elements' type, the rank; extents of four bytes; the elements, the highest byte first.
 * http://yann.lecun.com/exdb/mnist/ */
#include "file.h"

static ag_status read_header(agi_stream *s, ag_array *a)
{
    static const struct {
        unsigned char code;
        ag_element element;
    } type[] = { { 0x08, AG_DATA_U8 },  { 0x09, AG_DATA_I8 },  { 0x0B, AG_DATA_I16 },
                 { 0x0C, AG_DATA_I32 }, { 0x0D, AG_DATA_F32 }, { 0x0E, AG_DATA_F64 } };
    unsigned char magic[4] = { 1 }, extent[4];
    int known = -1;
    int64_t got = agi_stream_read(s, magic, 4);
    if (got < 0) return AG_EIO;
    for (size_t k = 0; k < sizeof type / sizeof *type; k++)
        if (type[k].code == magic[2]) known = (int)k;
    if (got < 4 || magic[0] || magic[1] || known < 0)
        return agi_problem(s->problem, AG_EIO, s->path, "no IDX file: the first bytes are not 0, 0, a type, a rank");
    if (magic[3] < 1 || magic[3] > AG_MAX_RANK)
        return agi_problem(s->problem, AG_EIO, s->path, "its rank is %d: it has to be 1 to %d", magic[3], AG_MAX_RANK);
    a->element = type[known].element;
    a->shape.rank = magic[3];
    for (int i = 0; i < a->shape.rank; i++) {
        if ((got = agi_stream_read(s, extent, 4)) < 0) return AG_EIO;
        if (got < 4) return agi_problem(s->problem, AG_EIO, s->path, "it is cut off in its header");
        a->shape.dim[i] = (int64_t)extent[0] << 24 | extent[1] << 16 | extent[2] << 8 | extent[3];
    }
    return AG_OK;
}

ag_status ag_read_idx(ag_array *to, const char *path, ag_problem *problem)
{
    agi_stream s;
    ag_array a = { 0 };
    ag_status status = agi_stream_open(&s, path, problem);
    if (status) return status;
    status = read_header(&s, &a);
    if (!status) status = agi_read_elements(&s, &a);
    agi_stream_close(&s);
    if (status) {
        ag_array_free(&a);
        return status;
    }
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        agi_swap_bytes(a.values, agi_array_elements(&a.shape, a.element), ag_element_size(a.element));
    agi_array_replace(to, &a);
    return AG_OK;
}
