/* Arrays of data, read from files and dealt out in rows: images and labels as IDX (MNIST's format, plain or gzip),
 * tables as CSV, NumPy's .npy.
 *
 *     ag_array images = { 0 };
 *     ag_problem why;
 *     if (ag_read_idx(&images, "train-images-idx3-ubyte.gz", &why)) fputs(why.message, stderr);
 *     ...
 *     ag_array_free(&images);
 *
 * Every length in a file is checked before it is used; a file that is not what it has to be is refused with the reason
 * and the place, and the array stays as it was. A call's problem may be NULL. */
#ifndef AUTOGRAD_DATA_H
#define AUTOGRAD_DATA_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an array's elements are. AG_DATA_F16: IEEE half precision. */
typedef enum {
    AG_DATA_U8, AG_DATA_I8, AG_DATA_I16, AG_DATA_I32, AG_DATA_I64, AG_DATA_F16, AG_DATA_F32, AG_DATA_F64
} ag_element;

typedef struct {
    ag_element element;
    ag_shape shape;       /* [rows, ...] */
    void *values;         /* row-major, in this machine's byte order; NULL: there is no array */
    const char **heading; /* of a CSV file with a line of headings: one for each column, else NULL */
    size_t mapped;        /* > 0: `values` lie in a file, so many bytes in front of and in them are mapped */
} ag_array;

typedef struct {
    char message[320]; /* "" when all is well */
} ag_problem;

void ag_array_free(ag_array *); /* what a reader put there, which leaves { 0 }; NULL is fine */
size_t ag_element_size(ag_element); /* in bytes */

/* Of IDX files the elements' types are all there are; gzip needs zlib. AG_EIO: no file, or no sound one; AG_EMEM. */
ag_status ag_read_idx(ag_array *, const char *path, ag_problem *or_null);

/* .npy of whole numbers of 8 to 64 bits, halves, floats and doubles, in either byte order, by rows or by columns.
 * Booleans and bytes are U8; unsigned numbers of 16 bits are I32, of 32 I64; of 64 they are refused, as are objects,
 * text and structures. */
ag_status ag_read_npy(ag_array *, const char *path, ag_problem *or_null);
/* The same without a copy: `values` are the file's pages, read when they are looked at, which what is written there
 * does not change. The file has to stay as long as it is while the array lives. Of this machine's byte order, by rows;
 * AG_ETYPE if it is not. */
ag_status ag_map_npy(ag_array *, const char *path, ag_problem *or_null);
ag_status ag_write_npy(const char *path, const ag_array *, ag_problem *or_null);

typedef struct {
    char separator; /* 0: the comma, semicolon or tab that the first line has, else blanks */
    int headings;   /* 1: the first line is headings; -1: it is data; 0: headings unless all of it are numbers */
} ag_csv_options;
/* F64 [rows, columns]: numbers as strtod reads them in the "C" locale, in quotes or not; nothing between separators is
 * NaN. Empty lines and those that begin with # are none; one with more or fewer columns than the first is refused. */
ag_status ag_read_csv(ag_array *, const char *path, const ag_csv_options *or_null, ag_problem *or_null2);

/* out[i] = scale * row rows[i] + shift for i < n, as `type`, row-major; rows NULL: 0 to n - 1. Integers are computed
 * in double when they are made real; reals are cut off towards zero when they are made integers, NaN being 0.
 * AG_EARG: a row that is not there. */
ag_status ag_take_rows(const ag_array *, int64_t n, const int64_t *rows, double scale, double shift, ag_dtype type,
                       void *out, ag_problem *or_null);
/* The first `first` rows and those after them: arrays on a's memory, which are not freed. AG_EARG: there are fewer. */
ag_status ag_split_rows(const ag_array *a, int64_t first, ag_array *head, ag_array *tail, ag_problem *or_null);

#ifdef __cplusplus
}
#endif
#endif
