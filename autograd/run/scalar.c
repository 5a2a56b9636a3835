/* Executes scalar programs: an instruction an element, a switch over the pointwise operations; vector calls as
 * vectors. */
#define AG_POINTWISE_TABLE
#include "run.h"
#include "arithmetic/special.h"

#include <math.h>

#define INLINE(name, ...) static inline __VA_ARGS__

/* A store takes long to reach the load that follows, so one result is kept beside memory: `last`. Every operation
 * exists with all operands in memory and with each of them there, and once more leaving `last` as it is. */
#define CASE(code, which, operands, ...)                                                                   \
    case 8 * (code) + which: { operands m[p->out] = last = (T)(__VA_ARGS__); } break;                      \
    case 8 * (code) + which + AGI_ASIDE: { operands m[p->out] = (T)(__VA_ARGS__); } break;
#define CASES1(code, ...)                                                                                  \
    CASE(code, 0, const T x = m[p->a];, __VA_ARGS__)                                                       \
    CASE(code, 1, const T x = last;, __VA_ARGS__)
#define CASES2(code, ...)                                                                                  \
    CASE(code, 0, const T a = m[p->a]; const T b = m[p->b];, __VA_ARGS__)                                  \
    CASE(code, 1, const T a = last; const T b = m[p->b];, __VA_ARGS__)                                     \
    CASE(code, 2, const T a = m[p->a]; const T b = last;, __VA_ARGS__)
#define CASES3(code, ...)                                                                                  \
    CASE(code, 0, const T a = m[p->a]; const T b = m[p->b]; const T c = m[p->c];, __VA_ARGS__)             \
    CASE(code, 1, const T a = last; const T b = m[p->b]; const T c = m[p->c];, __VA_ARGS__)                \
    CASE(code, 2, const T a = m[p->a]; const T b = last; const T c = m[p->c];, __VA_ARGS__)                \
    CASE(code, 3, const T a = m[p->a]; const T b = m[p->b]; const T c = last;, __VA_ARGS__)
#define POINTWISE1(name, ...) CASES1(AG_CODE_##name, __VA_ARGS__)
#define POINTWISE2(name, ...) CASES2(AG_CODE_##name, __VA_ARGS__)
#define POINTWISE3(name, ...) CASES3(AG_CODE_##name, __VA_ARGS__)

/* Beside the pointwise operations: moves, and the steps of folds and products. */
#define OTHERS                                  \
    CASES1(AGI_MOVE, x)                         \
    CASES2(AGI_SUM, a + b)                      \
    CASES2(AGI_PROD, a * b)                     \
    CASES2(AGI_MAX, a > b || a != a ? a : b)    \
    CASES2(AGI_MIN, a < b || a != a ? a : b)    \
    CASES3(AGI_MULADD, a * b + c)               \
    default: __builtin_unreachable();

/* Through the vector kernel of its operation. */
#define VECTOR_CALL                                                                             \
    T a[AGI_LARGEST_VECTOR_CALL], b[AGI_LARGEST_VECTOR_CALL], c[AGI_LARGEST_VECTOR_CALL];       \
    const int operands = agi_code_operands(p->code);                                            \
    for (uint32_t k = 0; k < n; k++) a[k] = m[p[k].a];                                          \
    for (uint32_t k = 0; k < n && operands > 1; k++) b[k] = m[p[k].b];                          \
    for (uint32_t k = 0; k < n && operands > 2; k++) c[k] = m[p[k].c];                          \
    kernels->point[p->code](n, a, a, operands > 1 ? b : a, operands > 2 ? c : a);               \
    for (uint32_t k = 0; k < n; k++) m[p[k].out] = a[k];

#define T double
#define F(name) name
#define K(x) x
#include "arithmetic/inline.def"
static void run_f64(const agi_instruction *p, const agi_instruction *end, T *m)
{
    T last = 0;
    for (; p < end; p++)
        switch (p->how) {
#include "pointwise.def"
        OTHERS
        }
}

static void vector_call_f64(const agi_kernels *kernels, const agi_instruction *p, uint32_t n, T *m)
{
    VECTOR_CALL
}
#undef T
#undef F
#undef K

#define T float
#define F(name) name##f
#define K(x) x##f
#include "arithmetic/inline.def"
static void run_f32(const agi_instruction *p, const agi_instruction *end, T *m)
{
    T last = 0;
    for (; p < end; p++)
        switch (p->how) {
#include "pointwise.def"
        OTHERS
        }
}

static void vector_call_f32(const agi_kernels *kernels, const agi_instruction *p, uint32_t n, T *m)
{
    VECTOR_CALL
}
#undef T
#undef F
#undef K

static void run_part(const agi_instruction *p, const agi_instruction *end, ag_dtype dtype, void *m)
{
    if (dtype == AG_F64) run_f64(p, end, m);
    else run_f32(p, end, m);
}

void agi_run_program(ag_run *r, const agi_program *p)
{
    const agi_kernels *kernels = r->kernels[p->dtype];
    const agi_instruction *at = p->code;
    if (r->compiled && p->native) {
        p->native(r->block, p->operand);
        return;
    }
    for (const agi_vector_call *b = p->vector_call; b < p->vector_call + p->vector_calls; b++) {
        const agi_instruction *first = p->code + b->first;
        run_part(at, first, p->dtype, r->block);
        if (p->dtype == AG_F64) vector_call_f64(kernels, first, b->count, (double *)r->block);
        else vector_call_f32(kernels, first, b->count, (float *)r->block);
        at = first + b->count;
    }
    run_part(at, p->code + p->count, p->dtype, r->block);
}
