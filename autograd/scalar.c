/* Executes scalar programs: an instruction an element, a plain switch over the pointwise operations. */
#define AG_POINTWISE_TABLE
#include "plan.h"
#include "../nodes/special.h"

#include <math.h>


#define POINTWISE1(name, ...)                     \
    case AG_CODE_##name: {                        \
        const T x = m[p->a];                      \
        m[p->out] = (T)(__VA_ARGS__);             \
        break;                                    \
    }
#define POINTWISE2(name, ...)                     \
    case AG_CODE_##name: {                        \
        const T a = m[p->a], b = m[p->b];         \
        m[p->out] = (T)(__VA_ARGS__);             \
        break;                                    \
    }
#define POINTWISE3(name, ...)                     \
    case AG_CODE_##name: {                        \
        const T a = m[p->a], b = m[p->b], c = m[p->c]; \
        m[p->out] = (T)(__VA_ARGS__);             \
        break;                                    \
    }

/* Beside the pointwise operations: moves, and the steps of folds and products. */
#define OTHERS                                                                                          \
    case AGI_MOVE: m[p->out] = m[p->a]; break;                                                          \
    case AGI_SUM: m[p->out] = m[p->a] + m[p->b]; break;                                                 \
    case AGI_PROD: m[p->out] = m[p->a] * m[p->b]; break;                                                \
    case AGI_MAX: m[p->out] = m[p->a] > m[p->b] || m[p->a] != m[p->a] ? m[p->a] : m[p->b]; break;       \
    case AGI_MIN: m[p->out] = m[p->a] < m[p->b] || m[p->a] != m[p->a] ? m[p->a] : m[p->b]; break;       \
    case AGI_MULADD: m[p->out] = m[p->a] * m[p->b] + m[p->c]; break;                                    \
    default: __builtin_unreachable();

#define T double
#define F(name) name
#define K(x) x
static void run_f64(const agi_instruction *p, const agi_instruction *end, T *m)
{
    for (; p < end; p++)
        switch (p->code) {
#include "pointwise.def"
        OTHERS
        }
}
#undef T
#undef F
#undef K

#define T float
#define F(name) name##f
#define K(x) x##f
static void run_f32(const agi_instruction *p, const agi_instruction *end, T *m)
{
    for (; p < end; p++)
        switch (p->code) {
#include "pointwise.def"
        OTHERS
        }
}

void agi_run_program(ag_run *r, const agi_program *p)
{
    if (p->native) p->native(r->block, r->scratch);
    else if (p->dtype == AG_F64) run_f64(p->code, p->code + p->count, (double *)r->block);
    else run_f32(p->code, p->code + p->count, (float *)r->block);
}

double agi_pointwise_f64(int code, double a, double b, double c)
{
    double m[4] = { 0, a, b, c };
    agi_instruction one = { (uint32_t)code, 0, 1, 2, 3 };
    run_f64(&one, &one + 1, m);
    return m[0];
}

float agi_pointwise_f32(int code, float a, float b, float c)
{
    float m[4] = { 0, a, b, c };
    agi_instruction one = { (uint32_t)code, 0, 1, 2, 3 };
    run_f32(&one, &one + 1, m);
    return m[0];
}
