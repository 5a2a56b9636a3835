/* Half the squared distance between sign(t) and a polynomial in t, over n places t in [-1, 1]. */
#include "primal.h"

double gb_llsq(int64_t n, int64_t m, const double *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double t = -1 + 2 * (double)i / (double)(n - 1), rest = (t > 0) - (t < 0), power = 1;
        for (int64_t j = 0; j < m; j++) {
            rest -= x[j] * power;
            power *= t;
        }
        sum += rest * rest;
    }
    return sum / 2;
}
