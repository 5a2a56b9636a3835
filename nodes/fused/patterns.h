/* What a plan computes in one operation that users write as several. */
#ifndef AGI_PATTERNS_H
#define AGI_PATTERNS_H

#include "node.h"

typedef enum {
    AGI_FUSES,      /* outer(.., inner(a..), ..) is fused(a.., ..), where nothing else reads the inner one */
    AGI_REORDERS,   /* scalar * (column * row), as in an update by an outer product: the scalar goes to the smaller */
    AGI_SHARES,     /* outer(a) is fused(a, inner(a)), where the inner one is computed in the same pass */
    AGI_SHARES_F32, /* the same of outer(a) and inner(a, literal), of floats alone */
    AGI_ACCUMULATES /* p - rate * (matrix product), assigned to p: the product is accumulated onto p; fused says how */
} agi_fused_kind;

typedef struct {
    agi_fused_kind kind;
    const ag_op *outer;
    int operand; /* of the outer one: the inner one */
    const ag_op *inner, *fused;
    double literal;
} agi_fused_pattern;

/* What calls may do to their results before they store them: ag_ending. */
extern const ag_op *const agi_ending_sum, *const agi_ending_clip;

extern const agi_fused_pattern agi_patterns[];
extern const int agi_pattern_count;

#endif
