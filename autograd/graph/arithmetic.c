/* One element of a pointwise operation: what a graph of literal numbers comes to. Compiled as scalar programs are, so
 * that it is what they would compute. */
#define AG_POINTWISE_TABLE
#include "graph.h"
#include "arithmetic/special.h"

#include <math.h>

#define INLINE(name, ...) static inline __VA_ARGS__
#define POINTWISE1(name, ...) case AG_CODE_##name: { const T x = a; return (T)(__VA_ARGS__); }
#define POINTWISE2(name, ...) case AG_CODE_##name: return (T)(__VA_ARGS__);
#define POINTWISE3(name, ...) case AG_CODE_##name: return (T)(__VA_ARGS__);

#define T double
#define F(name) name
#define K(x) x
#include "arithmetic/inline.def"
double agi_pointwise_f64(int code, T a, T b, T c)
{
    switch (code) {
#include "pointwise.def"
    default: return 0;
    }
}
#undef T
#undef F
#undef K

#define T float
#define F(name) name##f
#define K(x) x##f
#include "arithmetic/inline.def"
float agi_pointwise_f32(int code, T a, T b, T c)
{
    switch (code) {
#include "pointwise.def"
    default: return 0;
    }
}
