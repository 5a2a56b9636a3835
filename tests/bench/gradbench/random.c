/* splitmix64, and arrays of its numbers. */
#include "primal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double gb_uniform(gb_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

double gb_normal(gb_rng *r)
{
    double radius = sqrt(-2 * log(1 - gb_uniform(r)));
    return radius * cos(6.283185307179586 * gb_uniform(r));
}

void *gb_take(int64_t n, size_t size)
{
    void *memory = calloc(n > 0 ? (size_t)n : 1, size);
    if (!memory) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return memory;
}

double *gb_uniforms(gb_rng *r, int64_t n, double low, double high)
{
    double *x = gb_take(n, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = low + (high - low) * gb_uniform(r);
    return x;
}

double *gb_normals(gb_rng *r, int64_t n)
{
    double *x = gb_take(n, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = gb_normal(r);
    return x;
}
