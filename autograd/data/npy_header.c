/* The header of .npy files: a dictionary as Python writes it, with the keys descr, fortran_order and shape. */
#include "npy.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST_HEADER = 1 << 16 };

typedef struct {
    const char *at;
    const char *error;
} reader;

static int fail(reader *r, const char *error)
{
    if (!r->error) r->error = error;
    return 0;
}

static int take(reader *r, const char *word)
{
    while (*r->at == ' ' || *r->at == '\n') r->at++;
    size_t n = strlen(word);
    if (strncmp(r->at, word, n)) return 0;
    r->at += n;
    return 1;
}

static int quote(reader *r)
{
    return take(r, "'") || take(r, "\"");
}

/* '<f4' */
static int read_type(reader *r, agi_npy *h)
{
    char order = 0, digit;
    if (!quote(r)) return fail(r, "its elements are structures, which are not read");
    if (*r->at && strchr("<>|=", *r->at)) order = *r->at++;
    h->kind = *r->at ? *r->at++ : 0;
    digit = *r->at ? *r->at++ : 0;
    if (!quote(r)) return fail(r, "elements of its type are not read: whole numbers, halves, floats and doubles are");
    h->size = digit - '0';
    h->swapped = h->size > 1 && order == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<');
    static const struct {
        char kind, size;
        ag_element element;
    } known[] = { { 'b', 1, AG_DATA_U8 },  { 'u', 1, AG_DATA_U8 },  { 'u', 2, AG_DATA_I32 }, { 'u', 4, AG_DATA_I64 },
                  { 'i', 1, AG_DATA_I8 },  { 'i', 2, AG_DATA_I16 }, { 'i', 4, AG_DATA_I32 }, { 'i', 8, AG_DATA_I64 },
                  { 'f', 2, AG_DATA_F16 }, { 'f', 4, AG_DATA_F32 }, { 'f', 8, AG_DATA_F64 } };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (known[k].kind == h->kind && known[k].size == h->size) {
            h->element = known[k].element;
            return 1;
        }
    return fail(r, "elements of its type are not read: whole numbers, halves, floats and doubles are");
}

static int read_order(reader *r, agi_npy *h)
{
    h->by_columns = take(r, "True");
    return h->by_columns || take(r, "False") || fail(r, "fortran_order is neither True nor False");
}

/* (2, 3), (5,), () */
static int read_shape(reader *r, agi_npy *h)
{
    if (!take(r, "(")) return fail(r, "its shape is no tuple");
    for (h->shape.rank = 0; !take(r, ")");) {
        int64_t extent = 0;
        take(r, "");
        if (*r->at < '0' || *r->at > '9') return fail(r, "its shape holds other than whole numbers");
        if (h->shape.rank == AG_MAX_RANK) return fail(r, "its rank is above 8");
        for (; *r->at >= '0' && *r->at <= '9'; r->at++)
            if (__builtin_mul_overflow(extent, 10, &extent) || __builtin_add_overflow(extent, *r->at - '0', &extent))
                return fail(r, "its extents are too large");
        h->shape.dim[h->shape.rank++] = extent;
        take(r, "L"); /* as Python 2 wrote them */
        if (!take(r, ",")) return take(r, ")") || fail(r, "its shape is no tuple of whole numbers");
    }
    return 1;
}

static int read_dictionary(reader *r, agi_npy *h)
{
    static int (*const read[])(reader *, agi_npy *) = { read_type, read_order, read_shape };
    static const char *const key[] = { "descr", "fortran_order", "shape" };
    int seen[3] = { 0 };
    if (!take(r, "{")) return fail(r, "its header is no dictionary");
    while (!take(r, "}")) {
        int k = -1;
        if (quote(r))
            for (int i = 0; i < 3 && k < 0; i++)
                if (take(r, key[i])) k = i;
        if (k < 0 || seen[k]++ || !quote(r) || !take(r, ":")) return fail(r, "a key in its header is none of a .npy's");
        if (!read[k](r, h)) return 0;
        if (!take(r, ",") && !(take(r, "") && *r->at == '}')) return fail(r, "its header is no dictionary");
    }
    return (seen[0] && seen[1] && seen[2]) || fail(r, "its header lacks descr, fortran_order or shape");
}

ag_status agi_read_npy_header(agi_stream *s, agi_npy *h)
{
    unsigned char start[12];
    *h = (agi_npy){ .kind = 0 };
    int64_t got = agi_stream_read(s, start, 10);
    if (got < 0) return AG_EIO;
    if (got < 10 || memcmp(start, "\x93NUMPY", 6)) return agi_problem(s->problem, AG_EIO, s->path, "no .npy file");
    int version = start[6], wide = version > 1;
    if (version < 1 || version > 3)
        return agi_problem(s->problem, AG_EIO, s->path, "version %d of .npy is not known", version);
    if (wide && (got = agi_stream_read(s, start + 10, 2)) < 2)
        return got < 0 ? AG_EIO : agi_problem(s->problem, AG_EIO, s->path, "it is cut off in its header");
    int64_t length = start[8] | start[9] << 8;
    if (wide) length |= (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
    if (length > LARGEST_HEADER) return agi_problem(s->problem, AG_EIO, s->path, "its header is too long");
    char *text = calloc((size_t)length + 1, 1);
    if (!text) return agi_problem(s->problem, AG_EMEM, s->path, "out of memory");
    got = agi_stream_read(s, text, length);
    reader r = { .at = text };
    h->start = (wide ? 12 : 10) + length;
    if (got == length) read_dictionary(&r, h);
    else fail(&r, "it is cut off in its header");
    ag_status status = got < 0 ? AG_EIO : r.error ? agi_problem(s->problem, AG_EIO, s->path, "%s", r.error) : AG_OK;
    free(text);
    return status;
}
