/* Log of the sum of exponentials, the largest taken out. */
#include "primal.h"

#include <math.h>

double gb_lse(int64_t n, const double *x)
{
    double largest = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - largest);
    return largest + log(sum);
}
