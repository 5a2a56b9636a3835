/* Exact derivatives of a row's value: central differences with so many digits that nothing is lost. */
#include "accuracy.h"

/* A difference is taken over this part of the operand, or of 1 if that is smaller: what it neglects is as small as the
 * square of that. */
enum { STEP = 120, FIRST_PRECISION = 640, MOST_PRECISION = 1 << 15 };
/* Beside numbers that are at least 2^-1074, what is below this is 0. */
enum { NOTHING = -1300, WANTED = 80 };

static long step_of(double x)
{
    int exponent = -1074;
    if (x != 0) frexp(x, &exponent);
    return (exponent < 0 ? exponent : 0) - STEP;
}

/* f at x + the steps, which are in units of 2^exponent; adds `weight` times it to sum. The largest exponent so far. */
typedef struct {
    const accuracy_row *row;
    const double *x;
    long exponent[ACCURACY_OPERANDS], largest;
    mpfr_t sum, y, v[ACCURACY_OPERANDS + 2];
} differences;

static void add(differences *d, int weight, const int *steps)
{
    for (int k = 0; k < d->row->n; k++) {
        mpfr_set_si_2exp(d->v[k], steps[k], d->exponent[k], MPFR_RNDN);
        mpfr_add_d(d->v[k], d->v[k], d->x[k], MPFR_RNDN);
    }
    d->row->value(d->y, d->v);
    if (mpfr_regular_p(d->y) && mpfr_get_exp(d->y) > d->largest) d->largest = mpfr_get_exp(d->y);
    mpfr_mul_si(d->y, d->y, weight, MPFR_RNDN);
    mpfr_add(d->sum, d->sum, d->y, MPFR_RNDN);
}

/* The sum over steps for operands i and j, each a step to both sides; the exponent of what it has to be divided by. */
static long take(differences *d, int i, int j)
{
    int steps[ACCURACY_OPERANDS] = { 0 };
    mpfr_set_zero(d->sum, 1);
    d->largest = LONG_MIN / 2;
    if (i < 0) {
        add(d, 1, steps);
        return 0;
    }
    if (i == j) add(d, -2, steps);
    for (int s = -1; s <= 1; s += 2) {
        for (int t = -1; t <= 1 && (j < 0 || i == j ? t < 1 : 1); t += 2) {
            steps[i] = s;
            if (j >= 0 && j != i) steps[j] = t;
            add(d, j < 0 ? s : i == j ? 1 : s * t, steps);
        }
    }
    if (j < 0) return d->exponent[i] + 1;
    return d->exponent[i] + d->exponent[j] + (i == j ? 0 : 2);
}

/* Is what is left of the difference more than the digits that its terms have lost, or too small for any type? */
static int enough(const differences *d, long divisor, long precision)
{
    if (mpfr_nan_p(d->sum) || mpfr_inf_p(d->sum)) return 1;
    long noise = d->largest - precision - divisor;
    if (noise < NOTHING) return 1;
    return !mpfr_zero_p(d->sum) && noise < mpfr_get_exp(d->sum) - divisor - WANTED;
}

static int differ(differences *d, int i, int j, long precision, long double *result)
{
    mpfr_inits2(precision, d->sum, d->y, (mpfr_ptr)NULL);
    for (int k = 0; k < ACCURACY_OPERANDS + 2; k++) mpfr_init2(d->v[k], precision);
    long divisor = take(d, i, j);
    int done = enough(d, divisor, precision);
    mpfr_mul_2si(d->sum, d->sum, -divisor, MPFR_RNDN);
    *result = mpfr_get_ld(d->sum, MPFR_RNDN);
    for (int k = 0; k < ACCURACY_OPERANDS + 2; k++) mpfr_clear(d->v[k]);
    mpfr_clears(d->sum, d->y, (mpfr_ptr)NULL);
    return done;
}

static long double by_formula(const accuracy_row *r, double x, int order)
{
    mpfr_t y, v;
    mpfr_inits2(FIRST_PRECISION / 2, y, v, (mpfr_ptr)NULL);
    mpfr_set_d(v, x, MPFR_RNDN);
    r->derivative(y, v, order);
    long double result = mpfr_get_ld(y, MPFR_RNDN);
    mpfr_clears(y, v, (mpfr_ptr)NULL);
    return result;
}

long double accuracy_exact(const accuracy_row *r, const double *x, int i, int j)
{
    differences d = { .row = r, .x = x };
    long double result;
    long precision = FIRST_PRECISION;
    if (r->derivative && i >= 0) return by_formula(r, x[0], 1 + (j >= 0));
    for (int k = 0; k < r->n; k++) {
        d.exponent[k] = step_of(x[k]);
        int top = 0;
        frexp(x[k], &top);
        if (i >= 0 && precision < top - d.exponent[k] + 64) precision = top - d.exponent[k] + 64;
    }
    if (i < 0) precision = FIRST_PRECISION / 2;
    while (!differ(&d, i, j, precision, &result)) {
        precision *= 2;
        ck_assert_msg(precision <= MOST_PRECISION, "%s at %g: no exact derivative", r->op, x[0]);
    }
    return result;
}

/* ---- digamma and its derivatives --------------------------------------------------------------------------------- */

/* Abramowitz & Stegun 6.3.5, 6.3.18, 6.4.6 and 6.4.11: the recurrence up to z >= FAR, and there the asymptotic series,
 * of whose terms TERMS give 300 bits. */
enum { FAR = 64, TERMS = 40 };

/* B_2k / (2k)! = 2 (-1)^(k+1) zeta(2k) / (2 pi)^2k (23.2.16) */
static void bernoulli(mpfr_t b, int k)
{
    static mpfr_t kept[TERMS + 1];
    static int known[TERMS + 1];
    if (!known[k]) {
        mpfr_init2(kept[k], FIRST_PRECISION);
        mpfr_const_pi(b, MPFR_RNDN);
        mpfr_mul_2ui(b, b, 1, MPFR_RNDN);
        mpfr_pow_ui(b, b, 2 * (unsigned long)k, MPFR_RNDN);
        mpfr_zeta_ui(kept[k], 2 * (unsigned long)k, MPFR_RNDN);
        mpfr_mul_si(kept[k], kept[k], k % 2 ? 2 : -2, MPFR_RNDN);
        mpfr_div(kept[k], kept[k], b, MPFR_RNDN);
        known[k] = 1;
    }
    mpfr_set(b, kept[k], MPFR_RNDN);
}

/* n! / z^(n+1) */
static void factorial_over_power(mpfr_t y, mpfr_t z, int n)
{
    mpfr_t power;
    mpfr_init2(power, mpfr_get_prec(y));
    mpfr_pow_si(power, z, -n - 1, MPFR_RNDN);
    mpfr_fac_ui(y, (unsigned long)n, MPFR_RNDN);
    mpfr_mul(y, y, power, MPFR_RNDN);
    mpfr_clear(power);
}

/* The series at z, without the factor -(-1)^n; n >= 0. */
static void series(mpfr_t y, mpfr_t z, int n)
{
    mpfr_t t, w;
    mpfr_inits2(mpfr_get_prec(y), t, w, (mpfr_ptr)NULL);
    if (n > 0) factorial_over_power(y, z, n - 1);
    else mpfr_log(y, z, MPFR_RNDN), mpfr_neg(y, y, MPFR_RNDN);
    factorial_over_power(t, z, n);
    mpfr_div_2ui(t, t, 1, MPFR_RNDN);
    mpfr_add(y, y, t, MPFR_RNDN);
    factorial_over_power(w, z, n + 1); /* (2k + n - 1)! / z^(2k + n) */
    for (int k = 1; k <= TERMS; k++) {
        bernoulli(t, k);
        mpfr_mul(t, t, w, MPFR_RNDN);
        mpfr_add(y, y, t, MPFR_RNDN);
        mpfr_mul_si(w, w, (2 * k + n) * (2 * k + n + 1), MPFR_RNDN);
        mpfr_div(w, w, z, MPFR_RNDN);
        mpfr_div(w, w, z, MPFR_RNDN);
    }
    mpfr_clears(t, w, (mpfr_ptr)NULL);
}

void accuracy_psi(mpfr_t y, mpfr_t x, int n)
{
    int sign;
    mpfr_t z, sum, term, factorial;
    if (n < 0) {
        mpfr_lgamma(y, &sign, x, MPFR_RNDN);
        return;
    }
    mpfr_inits2(mpfr_get_prec(y), z, sum, term, factorial, (mpfr_ptr)NULL);
    mpfr_fac_ui(factorial, (unsigned long)n, MPFR_RNDN);
    mpfr_set(z, x, MPFR_RNDN);
    mpfr_set_zero(sum, 1);
    for (unsigned long k = 1; mpfr_cmp_si(z, FAR) < 0; k++) {
        mpfr_pow_si(term, z, -n - 1, MPFR_RNDN);
        mpfr_add(sum, sum, term, MPFR_RNDN);
        mpfr_add_ui(z, x, k, MPFR_RNDN);
    }
    mpfr_mul(sum, sum, factorial, MPFR_RNDN);
    series(y, z, n);
    mpfr_add(y, y, sum, MPFR_RNDN);
    if (n % 2 == 0) mpfr_neg(y, y, MPFR_RNDN);
    mpfr_clears(z, sum, term, factorial, (mpfr_ptr)NULL);
}
