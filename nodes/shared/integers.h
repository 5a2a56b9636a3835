/* Arithmetic of AG_I64: what pointwise operations are of integers. 64 bits that wrap around; no gradient. */
#ifndef AGI_INTEGERS_H
#define AGI_INTEGERS_H

#include "node.h"

/* KIND(name, operands, the value in a, b and c): as C, which is exported, too. */
#define AGI_INTEGERS(KIND)                                        \
    KIND(add, 2, (int64_t)((uint64_t)a + (uint64_t)b))            \
    KIND(sub, 2, (int64_t)((uint64_t)a - (uint64_t)b))            \
    KIND(mul, 2, (int64_t)((uint64_t)a * (uint64_t)b))            \
    KIND(neg, 1, (int64_t)(0 - (uint64_t)a))                      \
    KIND(abs, 1, (int64_t)(a < 0 ? 0 - (uint64_t)a : (uint64_t)a)) \
    KIND(sign, 1, (a > 0) - (a < 0))                              \
    KIND(square, 1, (int64_t)((uint64_t)a * (uint64_t)a))         \
    KIND(minimum, 2, a < b ? a : b)                               \
    KIND(maximum, 2, a > b ? a : b)                               \
    KIND(less, 2, a < b)                                          \
    KIND(less_equal, 2, a <= b)                                   \
    KIND(equal, 2, a == b)                                        \
    KIND(greater_equal, 2, a >= b)                                \
    KIND(greater, 2, a > b)                                       \
    KIND(where, 3, a ? b : c)                                     \
    KIND(fmod, 2, b == -1 ? 0 : a % b)                            \
    KIND(floor_divide, 2, b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b - (a % b && (a < 0) != (b < 0)))

typedef enum {
#define KIND(name, operands, value) AGI_INTEGER_##name,
    AGI_INTEGERS(KIND)
#undef KIND
    AGI_INTEGER_KINDS
} agi_integer_kind;

/* `integers` of the descriptors: the node where all operands are AG_I64, or numbers that are whole. */
#define KIND(name, operands, value) ag_node *agi_integer_##name(int n, ag_node *const in[]);
AGI_INTEGERS(KIND)
#undef KIND

const char *agi_way_of_integers(const ag_node *y, const ag_strides in_stride[], int isa);
ag_status agi_run_integers(const ag_kernel_call *);
void agi_write_integers(ag_source *, const ag_node *y, const ag_strides in_stride[]);
/* Loops over the elements of y, an index an axis, named from `first` on; where operand k, broadcast to y, is then. */
void agi_write_loops(ag_source *, const ag_node *y, char first);
void agi_write_place(ag_source *, const ag_node *y, int k, const ag_node *x, const ag_strides *, char first);
ag_node *agi_batch_integers(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count);
ag_status agi_infer_integers(ag_infer *);

#endif
