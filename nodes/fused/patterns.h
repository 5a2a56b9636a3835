/* What a plan computes in one operation that users write as several. */
#ifndef AG_PATTERNS_H
#define AG_PATTERNS_H

#include "node.h"

typedef enum {
    AG_FUSES,      /* outer(.., inner(a..), ..) is fused(a.., ..), where nothing else reads the inner one */
    AG_REORDERS,   /* scalar * (column * row), as in an update by an outer product: the scalar goes to the smaller */
    AG_ACCUMULATES /* p - rate * (matrix product), assigned to p: the product is accumulated onto p; fused says how */
} ag_pattern_kind;

typedef struct {
    ag_pattern_kind kind;
    const ag_op *outer;
    int operand; /* of the outer one: the inner one */
    const ag_op *inner, *fused;
} ag_pattern;

extern const ag_pattern agi_patterns[];
extern const int agi_pattern_count;

#endif
