/* Determinant by expansion along the first row. Rows are taken from the top; the columns left are a linked list:
 * next[j] follows j, and next[n] is the first. */
#include "primal.h"

#include <stdlib.h>

static double expand(int64_t n, const double *row, int64_t size, int64_t *next)
{
    if (size == 1) return row[next[n]];
    double sum = 0, sign = 1;
    int64_t before = n;
    for (int64_t c = next[n]; c < n; c = next[c]) {
        next[before] = next[c];
        sum += sign * row[c] * expand(n, row + n, size - 1, next);
        next[before] = c;
        before = c;
        sign = -sign;
    }
    return sum;
}

double gb_det(int64_t n, const double *a)
{
    int64_t *next = gb_take(n + 1, sizeof *next);
    for (int64_t j = 0; j < n; j++) next[j] = j + 1;
    double det = expand(n, a, n, next);
    free(next);
    return det;
}
