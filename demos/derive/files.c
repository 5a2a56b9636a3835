/* Values that lie in files: comma-separated, or as NumPy saves them. */
#include "derive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_file(const variable *v, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) die("%s: %s: %s", v->name, path, strerror(errno));
    return f;
}

void read_csv(variable *v, const char *path)
{
    FILE *f = open_file(v, path);
    char *line = NULL;
    size_t room = 0;
    int64_t rows = 0, columns = 0, number = 0;
    numbers all = { 0 };
    while (getline(&line, &room, f) >= 0) {
        int64_t before = all.count;
        char *c = line + strspn(line, " \t\r\n");
        number++;
        if (!*c || *c == '#') continue;
        for (;; c++) {
            char *end;
            append(&all, strtod(c, &end));
            if (end == c) die("%s: %s, line %lld: a number is expected: %.30s", v->name, path, (long long)number, c);
            c = end + strspn(end, " \t\r\n");
            if (!*c) break;
            if (*c != ',' && *c != ';') die("%s: %s, line %lld: a comma is expected: %.30s", v->name, path,
                                            (long long)number, c);
        }
        if (rows++ && all.count - before != columns)
            die("%s: %s, line %lld: %lld numbers, before it %lld", v->name, path, (long long)number,
                (long long)(all.count - before), (long long)columns);
        columns = all.count - before;
    }
    if (ferror(f)) die("%s: %s cannot be read", v->name, path);
    if (!rows) die("%s: %s holds no numbers", v->name, path);
    free(line);
    fclose(f);
    v->shape = rows == 1 || columns == 1 ? AG_SHAPE(rows * columns) : AG_SHAPE(rows, columns);
    v->data = all.data;
}

/* The text after 'key': in the header, a Python dictionary. */
static const char *npy_field(const variable *v, const char *path, const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at) die("%s: %s: its header has no %s", v->name, path, key);
    at += strlen(key);
    return at + strspn(at, " :");
}

static void npy_shape(variable *v, const char *path, const char *at)
{
    int64_t room = INT64_MAX / 8;
    if (*at++ != '(') die("%s: %s: its shape is no tuple", v->name, path);
    for (v->shape.rank = 0; at += strspn(at, " "), *at != ')'; v->shape.rank++) {
        char *end;
        errno = 0;
        long long n = strtoll(at, &end, 10);
        if (end == at || errno || n < 0) die("%s: %s: its shape is malformed", v->name, path);
        if (n == 0) die("%s: %s has no elements", v->name, path);
        if (v->shape.rank == AG_MAX_RANK) die("%s: %s has more than %d axes", v->name, path, AG_MAX_RANK);
        if (n > room) die("%s: %s is too large", v->name, path);
        room /= n;
        v->shape.dim[v->shape.rank] = n;
        at = end + strspn(end, " ");
        if (*at == ',') at++;
        else if (*at != ')') die("%s: %s: its shape is malformed", v->name, path);
    }
}

/* Version 1 has a header length of two bytes, 2 and 3 of four. */
static char *npy_header(const variable *v, const char *path, FILE *f)
{
    unsigned char head[12] = { 0 };
    if (fread(head, 1, 10, f) != 10 || memcmp(head, "\x93NUMPY", 6)) die("%s: %s is no .npy file", v->name, path);
    size_t length = head[8] | (size_t)head[9] << 8;
    if (head[6] < 1 || head[6] > 3) die("%s: %s: version %d of .npy is unknown", v->name, path, head[6]);
    if (head[6] > 1) {
        if (fread(head + 10, 1, 2, f) != 2) die("%s: %s is cut off", v->name, path);
        length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    if (length > 1 << 20) die("%s: %s: its header is too long", v->name, path);
    char *header = need(calloc(length + 1, 1));
    if (fread(header, 1, length, f) != length) die("%s: %s is cut off", v->name, path);
    return header;
}

void read_npy(variable *v, const char *path)
{
    FILE *f = open_file(v, path);
    char *header = npy_header(v, path, f);
    const char *type = npy_field(v, path, header, "'descr'");
    int single = strncmp(type, "'<f4'", 5) == 0, whole = strncmp(type, "'<i8'", 5) == 0;
    if (!single && !whole && strncmp(type, "'<f8'", 5))
        die("%s: %s: elements of type %.*s; '<f8', '<f4' and '<i8' can be read", v->name, path,
            (int)strcspn(type, ",}"), type);
    const char *fortran = npy_field(v, path, header, "'fortran_order'");
    if (strncmp(fortran, "False", 5)) die("%s: %s is in Fortran order; numpy.ascontiguousarray helps", v->name, path);
    npy_shape(v, path, npy_field(v, path, header, "'shape'"));
    v->dtype = whole ? AG_I64 : AG_F64;

    size_t n = (size_t)count(&v->shape), size = single ? 4 : 8;
    long start = ftell(f);
    if (start < 0 || fseek(f, 0, SEEK_END) || (uint64_t)ftell(f) - (uint64_t)start != n * size)
        die("%s: %s: its length and its shape do not agree", v->name, path);
    v->data = need(malloc(n * 8));
    if (fseek(f, start, SEEK_SET) || fread(v->data, size, n, f) != n) die("%s: %s cannot be read", v->name, path);
    for (size_t i = n; single && i-- > 0;) { /* from the end: a double lies where its float and later ones were */
        float x;
        memcpy(&x, (char *)v->data + 4 * i, sizeof x);
        ((double *)v->data)[i] = x;
    }
    free(header);
    fclose(f);
}
