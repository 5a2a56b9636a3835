/* Which kernels this machine can run, of those that were built. */
#include "run.h"

const agi_kernels *agi_kernels_of(int isa, ag_dtype dtype)
{
    int best = agi_best_isa();
    if (isa < 1 || isa > best) isa = best;
#ifdef __x86_64__
    if (isa == 3) return &agi_kernels_3[dtype];
    if (isa == 2) return &agi_kernels_2[dtype];
#endif
    return &agi_kernels_1[dtype];
}
