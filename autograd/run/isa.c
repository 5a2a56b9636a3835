/* Which kernels this machine can run, of those that were built. */
#include "plan/plan.h"

int agi_best_isa(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return 3;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return 2;
#endif
    return 1;
}

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
