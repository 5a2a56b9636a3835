/* Rows of an array as tensors' values. */
#include "base/base.h"
#include "file.h"

#include <math.h>

typedef struct {
    int64_t length; /* elements of a row */
    double scale, shift;
    int plain;       /* 1: as they are */
    float byte[256]; /* what each becomes as f32: images are bytes */
} change;

static int64_t whole(double x)
{
    return x >= 0x1p63 ? INT64_MAX : x >= -0x1p63 ? (int64_t)x : isnan(x) ? 0 : INT64_MIN;
}

#define AS_IS(x) (x)
#define HALF(x) agi_half_to_float(x)

/* A row of one type made one of another, by way of doubles. */
#define TO_REAL(name, from_type, to_type, value)                                                       \
    static void name(const void *from, void *to, const change *c)                                      \
    {                                                                                                  \
        const from_type *restrict x = from;                                                            \
        to_type *restrict y = to;                                                                      \
        const double scale = c->scale, shift = c->shift;                                               \
        for (int64_t i = 0; i < c->length; i++) y[i] = (to_type)((double)value(x[i]) * scale + shift); \
    }
#define TO_WHOLE(name, from_type, value)                                                                              \
    static void name(const void *from, void *to, const change *c)                                                     \
    {                                                                                                                 \
        const from_type *restrict x = from;                                                                           \
        int64_t *restrict y = to;                                                                                     \
        if (c->plain) for (int64_t i = 0; i < c->length; i++) y[i] = whole_##from_type(value(x[i]));                  \
        else for (int64_t i = 0; i < c->length; i++) y[i] = whole((double)value(x[i]) * c->scale + c->shift);         \
    }
#define whole_uint8_t(x) (x)
#define whole_int8_t(x) (x)
#define whole_int16_t(x) (x)
#define whole_int32_t(x) (x)
#define whole_int64_t(x) (x)
#define whole_uint16_t(x) whole(x)
#define whole_float(x) whole(x)
#define whole_double(x) whole(x)

#define ALL_ELEMENTS(X)             \
    X(I8, int8_t, AS_IS)            \
    X(I16, int16_t, AS_IS)          \
    X(I32, int32_t, AS_IS)          \
    X(I64, int64_t, AS_IS)          \
    X(F16, uint16_t, HALF)          \
    X(F32, float, AS_IS)            \
    X(F64, double, AS_IS)

#define FUNCTIONS(name, type, value)          \
    TO_REAL(name##_to_f32, type, float, value) \
    TO_REAL(name##_to_f64, type, double, value) \
    TO_WHOLE(name##_to_i64, type, value)
ALL_ELEMENTS(FUNCTIONS)

TO_REAL(U8_to_f64, uint8_t, double, AS_IS)
TO_WHOLE(U8_to_i64, uint8_t, AS_IS)

static void bytes_to_f32(const void *from, void *to, const change *c)
{
    const uint8_t *restrict x = from;
    float *restrict y = to;
    for (int64_t i = 0; i < c->length; i++) y[i] = c->byte[x[i]];
}

static void (*const row_of[][3])(const void *, void *, const change *) = {
    [AG_DATA_U8] = { [AG_F32] = bytes_to_f32, [AG_F64] = U8_to_f64, [AG_I64] = U8_to_i64 },
#define ENTRY(name, type, value) \
    [AG_DATA_##name] = { [AG_F32] = name##_to_f32, [AG_F64] = name##_to_f64, [AG_I64] = name##_to_i64 },
    ALL_ELEMENTS(ENTRY)
};

static ag_status refuse_array(const ag_array *a, ag_problem *p)
{
    if (!a || !a->values) return agi_problem(p, AG_EARG, "array", "there is none");
    if (!ag_element_size(a->element)) return agi_problem(p, AG_EARG, "array", "its elements have no type");
    if (a->shape.rank < 1) return agi_problem(p, AG_ESHAPE, "array", "it is of rank 0: there are no rows");
    return AG_OK;
}

static int64_t row_length(const ag_array *a)
{
    int64_t n = 1;
    for (int i = 1; i < a->shape.rank; i++) n *= a->shape.dim[i];
    return n;
}

ag_status ag_take_rows(const ag_array *a, int64_t n, const int64_t *rows, double scale, double shift, ag_dtype type,
                       void *out, ag_problem *p)
{
    if (p) p->message[0] = 0;
    ag_status status = refuse_array(a, p);
    if (status) return status;
    if (type > AG_I64) return agi_problem(p, AG_ETYPE, "array", "%d is no type of a tensor", (int)type);
    change c = { .length = row_length(a), .scale = scale, .shift = shift, .plain = scale == 1 && shift == 0 };
    for (int k = 0; k < 256; k++) c.byte[k] = (float)(k * scale + shift);
    const size_t from = (size_t)c.length * ag_element_size(a->element);
    const size_t to = (size_t)c.length * (type == AG_F32 ? sizeof(float) : sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        int64_t row = rows ? rows[i] : i;
        if (row < 0 || row >= a->shape.dim[0])
            return agi_problem(p, AG_EARG, "array", "row %lld of %lld is asked for", (long long)row,
                               (long long)a->shape.dim[0]);
        row_of[a->element][type]((const char *)a->values + (size_t)row * from, (char *)out + (size_t)i * to, &c);
    }
    return AG_OK;
}

ag_status ag_split_rows(const ag_array *a, int64_t first, ag_array *head, ag_array *tail, ag_problem *p)
{
    if (p) p->message[0] = 0;
    ag_status status = refuse_array(a, p);
    if (status) return status;
    if (first < 0 || first > a->shape.dim[0])
        return agi_problem(p, AG_EARG, "array", "%lld rows of %lld are to be split off", (long long)first,
                           (long long)a->shape.dim[0]);
    ag_array rows = { .element = a->element, .shape = a->shape, .values = a->values };
    *head = *tail = rows;
    head->shape.dim[0] = first;
    tail->shape.dim[0] -= first;
    tail->values = (char *)a->values + (size_t)first * (size_t)row_length(a) * ag_element_size(a->element);
    return AG_OK;
}
