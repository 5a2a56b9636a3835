/* Numbers in and out of JSON. */
#include "eval.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { MOST_ELEMENTS = 1 << 28 };

int refuse(reason *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!*why->text) vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return -1;
}

static int fill(const json_t *list, const char *name, const array *a, int axis, double **to, reason *why)
{
    if (!json_is_array(list)) return refuse(why, "%s: expected a list of rank %d", name, a->rank);
    if ((int64_t)json_array_size(list) != a->dim[axis]) return refuse(why, "%s: rows of different lengths", name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (axis + 1 < a->rank) {
            if (fill(item, name, a, axis + 1, to, why)) return -1;
        } else if (json_is_number(item)) {
            *(*to)++ = json_number_value(item);
        } else {
            return refuse(why, "%s: an element is not a number", name);
        }
    }
    return 0;
}

int read_array(const json_t *object, const char *name, int rank, array *a, reason *why)
{
    const json_t *list = json_object_get(object, name), *first = list;
    *a = (array){ .rank = rank, .count = 1 };
    if (!list) return refuse(why, "%s: missing", name);
    for (int i = 0; i < rank; i++) {
        a->dim[i] = (int64_t)json_array_size(first); /* 0 for what is not a list; fill will find that */
        first = json_array_get(first, 0);
        if (a->dim[i] && a->count > MOST_ELEMENTS / a->dim[i]) return refuse(why, "%s: too large", name);
        a->count *= a->dim[i];
    }
    double *to = a->data = malloc((size_t)(a->count + 1) * sizeof *to);
    if (!to) return refuse(why, "%s: out of memory", name);
    return fill(list, name, a, 0, &to, why);
}

int check_shape(const array *a, const char *name, const int64_t dim[], reason *why)
{
    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i] < 1) return refuse(why, "%s: extent %d is 0", name, i);
        if (a->dim[i] != dim[i])
            return refuse(why, "%s: extent %d is %lld, not %lld", name, i, (long long)a->dim[i], (long long)dim[i]);
    }
    return 0;
}

int read_number(const json_t *object, const char *name, double *x, reason *why)
{
    const json_t *number = json_object_get(object, name);
    if (!json_is_number(number)) return refuse(why, "%s: %s", name, number ? "not a number" : "missing");
    *x = json_number_value(number);
    return 0;
}

int read_integer(const json_t *object, const char *name, int64_t low, int64_t high, int64_t *n, reason *why)
{
    double x = 0;
    if (read_number(object, name, &x, why)) return -1;
    if (!(x >= (double)low && x <= (double)high) || x != floor(x))
        return refuse(why, "%s: %g is not a whole number from %lld to %lld", name, x, (long long)low, (long long)high);
    *n = (int64_t)x;
    return 0;
}

int64_t *whole_numbers(const array *a, const char *name, int64_t low, int64_t high, reason *why)
{
    int64_t *n = malloc((size_t)(a->count + 1) * sizeof *n);
    if (!n) refuse(why, "%s: out of memory", name);
    for (int64_t i = 0; n && i < a->count; i++) {
        double x = a->data[i];
        if (!(x >= (double)low && x < (double)high) || x != floor(x)) {
            refuse(why, "%s: element %lld is %g, not a whole number from %lld to %lld", name, (long long)i, x,
                 (long long)low, (long long)high - 1);
            free(n);
            return NULL;
        }
        n[i] = (int64_t)x;
    }
    return n;
}

json_t *write_number(double x)
{
    return isfinite(x) ? json_real(x) : NULL;
}

json_t *write_array(int rank, const int64_t dim[], const double *x)
{
    json_t *list = json_array();
    int64_t stride = 1;
    for (int i = 1; i < rank; i++) stride *= dim[i];
    for (int64_t i = 0; list && i < dim[0]; i++) {
        json_t *item = rank > 1 ? write_array(rank - 1, dim + 1, x + i * stride) : write_number(x[i]);
        if (json_array_append_new(list, item)) { /* fails for a NULL item, too */
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *write_integers(int64_t n, const int64_t *x)
{
    json_t *list = json_array();
    for (int64_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_integer(x[i]))) {
            json_decref(list);
            list = NULL;
        }
    return list;
}
