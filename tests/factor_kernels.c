/* Factorisations and triangular solutions of every instruction set: what they are multiplied back to, in long double,
 * within the bounds of N. J. Higham, Accuracy and Stability of Numerical Algorithms, chapters 8 to 10. */
#include "dense/dense.h"
#include "test.h"

#include <float.h>

enum { LARGEST = 300, COLUMNS = 40 };

typedef struct {
    int wide, isa;
    int64_t n;
    double unit;
    char *a, *x, *fused;
    void *work;
} problem;

static double get(const problem *p, const void *at, int64_t i)
{
    return p->wide ? ((const double *)at)[i] : (double)((const float *)at)[i];
}

static void put(const problem *p, void *at, int64_t i, double x)
{
    if (p->wide) ((double *)at)[i] = x;
    else ((float *)at)[i] = (float)x;
}

static double number(int64_t k) /* in -1 to 1, of no pattern */
{
    return 2 * fmod((double)(k % 9973) * 0.7548776662466927 + (double)(k % 101) * 0.5698402909980532, 1) - 1;
}

/* The exact work that is said, filled with NaN. */
static problem start(int wide, int isa, int64_t n, int64_t columns)
{
    const size_t bytes = (size_t)agi_dense_work(wide, n, columns);
    const size_t most = (size_t)((n + 1) * (columns > n ? columns : n));
    problem p = { .wide = wide, .isa = isa, .n = n, .unit = (wide ? DBL_EPSILON : (double)FLT_EPSILON) / 2,
                  .a = malloc(most * 8), .x = malloc(most * 8), .fused = malloc(most * 8),
                  .work = aligned_alloc(64, (bytes + 63) / 64 * 64) };
    memset(p.work, 0xff, bytes);
    return p;
}

static void drop(problem *p)
{
    free(p->a), free(p->x), free(p->fused), free(p->work);
}

/* Rows that would be exchanged, and a column of zeros where it is singular. */
static double element(int64_t n, int64_t i, int64_t j, int singular)
{
    return singular && j == n / 2 ? 0 : number(i * n + j) * (i % 7 == 3 ? 1e3 : 1);
}

/* P a = L U, |P a - L U| <= n u |L| |U|. */
static void check_factors(const problem *p, int singular)
{
    const int64_t n = p->n;
    int64_t row[LARGEST];
    for (int64_t i = 0; i < n; i++) row[i] = i;
    for (int64_t i = 0; i < n; i++) {
        const int64_t other = (int64_t)get(p, p->x, n * n + i), t = row[i];
        ck_assert(other >= i && other < n);
        row[i] = row[other], row[other] = t;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            long double sum = 0, size = 0;
            if (j < i) ck_assert(fabs(get(p, p->x, i * n + j)) <= 1);
            for (int64_t k = 0; k <= i && k <= j; k++) {
                const long double l = k == i ? 1 : get(p, p->x, i * n + k), term = l * get(p, p->x, k * n + j);
                sum += term, size += fabsl(term);
            }
            double want = element(n, row[i], j, singular);
            if (!p->wide) want = (double)(float)want;
            ck_assert_msg(fabsl(sum - want) <= n * p->unit * size + p->unit * fabs(want),
                          "isa %d, order %d: element %d, %d is off by %Lg", p->isa, (int)n, (int)i, (int)j, sum - want);
        }
}

/* Instruction sets 2 and 3 have the same bits. */
static void compare_sets(problem *p, int isa, const void *result, size_t bytes)
{
    if (isa == 3) ck_assert_msg(!memcmp(p->fused, result, bytes), "order %d: other bits", (int)p->n);
    memcpy(p->fused, result, bytes);
}

static void factor(int wide, int64_t n, int singular)
{
    problem p = start(wide, 0, n, n);
    for (p.isa = 1; p.isa <= agi_best_isa(); p.isa++) {
        for (int64_t i = 0; i < n * n; i++) put(&p, p.x, i, element(n, i / n, i % n, singular));
        agi_dense_of(p.isa, wide)->factor(n, p.x, p.work);
        check_factors(&p, singular);
        compare_sets(&p, p.isa, p.x, (size_t)(n * (n + 1)) * (wide ? 8 : 4));
    }
    drop(&p);
}

static double symmetric(int64_t n, int64_t i, int64_t j)
{
    return i == j ? 1 + number(i) / 3 + (double)n / 3 : number(i < j ? j * n + i : i * n + j) / 3;
}

/* |a - L L^T| <= (n + 1) u |L| |L^T|; above the diagonal there is nothing. */
static void root(int wide, int64_t n)
{
    problem p = start(wide, 0, n, n);
    for (p.isa = 1; p.isa <= agi_best_isa(); p.isa++) {
        for (int64_t i = 0; i < n * n; i++) put(&p, p.x, i, i % n > i / n ? NAN : symmetric(n, i / n, i % n));
        ck_assert_int_eq(agi_dense_of(p.isa, wide)->root(n, p.x, p.work), -1);
        for (int64_t i = 0; i < n * n; i++) {
            long double sum = 0, size = 0;
            const int64_t r = i / n, c = i % n;
            if (c > r) ck_assert(test_same_bits(get(&p, p.x, i), 0));
            for (int64_t k = 0; k <= c && c <= r; k++) {
                const long double term = (long double)get(&p, p.x, r * n + k) * get(&p, p.x, c * n + k);
                sum += term, size += fabsl(term);
            }
            const double want = wide ? symmetric(n, r, c) : (double)(float)symmetric(n, r, c);
            if (c <= r)
                ck_assert_msg(fabsl(sum - want) <= (n + 2) * p.unit * size,
                              "isa %d, order %d: element %d, %d is off by %Lg", p.isa, (int)n, (int)r, (int)c,
                              sum - want);
        }
        compare_sets(&p, p.isa, p.x, (size_t)(n * n) * (wide ? 8 : 4));
    }
    drop(&p);
}

/* The pivot that is not positive, and those that are no numbers. */
static void no_root(int64_t n, int64_t bad, double value)
{
    problem p = start(1, 0, n, n);
    for (p.isa = 1; p.isa <= agi_best_isa(); p.isa++) {
        for (int64_t i = 0; i < n * n; i++) put(&p, p.x, i, i % n == i / n ? 1 : 0);
        put(&p, p.x, bad * (n + 1), value);
        ck_assert_int_eq(agi_dense_of(p.isa, 1)->root(n, p.x, p.work), bad);
    }
    drop(&p);
}

static double of_triangle(const problem *p, agi_triangular how, int64_t i, int64_t k)
{
    const int64_t row = how.transposed ? k : i, column = how.transposed ? i : k;
    if (row == column && how.unit) return 1;
    return (how.upper ? column >= row : column <= row) ? get(p, p->a, row * p->n + column) : 0;
}

/* t x = b, |b - t x| <= n u |t| |x|; of the other triangle nothing is read. */
static void divide(int wide, int64_t n, int64_t columns, agi_triangular how)
{
    problem p = start(wide, 0, n, columns);
    for (int64_t i = 0; i < n * n; i++) {
        const int64_t r = i / n, c = i % n;
        put(&p, p.a, i, r == c ? (how.unit ? NAN : 2 + number(i)) : (how.upper ? c > r : c < r) ? number(i) / 4 : NAN);
    }
    for (p.isa = 1; p.isa <= agi_best_isa(); p.isa++) {
        for (int64_t i = 0; i < n * columns; i++) put(&p, p.x, i, number(i + 5));
        agi_dense_of(p.isa, wide)->divide(how, n, columns, p.a, p.x, p.work);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < columns; j++) {
                const double want = wide ? number(i * columns + j + 5) : (double)(float)number(i * columns + j + 5);
                long double sum = 0, size = fabs(want);
                for (int64_t k = 0; k < n; k++) {
                    const double t = of_triangle(&p, how, i, k);
                    if (t != 0) sum += (long double)t * get(&p, p.x, k * columns + j);
                    if (t != 0) size += fabsl((long double)t * get(&p, p.x, k * columns + j));
                }
                ck_assert_msg(fabsl(sum - want) <= (n + 2) * p.unit * size,
                              "isa %d, order %d, upper %d, transposed %d, unit %d: element %d, %d is off by %Lg", p.isa,
                              (int)n, how.upper, how.transposed, how.unit, (int)i, (int)j, sum - want);
            }
        compare_sets(&p, p.isa, p.x, (size_t)(n * columns) * (wide ? 8 : 4));
    }
    drop(&p);
}

/* Orders up to 70, and some beyond what is packed at once. */
static int64_t order(int k)
{
    static const int64_t beyond[] = { 100, 128, 129, 257, 300 };
    return k < 70 ? k + 1 : beyond[k - 70];
}

START_TEST(factors)
{
    for (int wide = 0; wide < 2; wide++)
        for (int singular = 0; singular < 2; singular++) factor(wide, order(_i), singular);
}
END_TEST

START_TEST(roots)
{
    for (int wide = 0; wide < 2; wide++) root(wide, order(_i));
}
END_TEST

START_TEST(no_roots)
{
    static const int64_t orders[] = { 1, 5, 16, 17, 40, 300 };
    for (size_t k = 0; k < COUNT(orders); k++) {
        no_root(orders[k], orders[k] - 1, 0);
        no_root(orders[k], orders[k] / 2, -1);
        no_root(orders[k], orders[k] / 3, NAN);
    }
}
END_TEST

START_TEST(triangles)
{
    for (int k = 0; k < 16; k++)
        divide(k & 1, order(_i), _i % 3 ? 1 + 13 * _i % COLUMNS : 1,
               (agi_triangular){ .upper = k >> 1 & 1, .transposed = k >> 2 & 1, .unit = k >> 3 & 1 });
}
END_TEST

Suite *suite_factor_kernels(void)
{
    Suite *s = suite_create("factor_kernels");
    TCase *t = tcase_create("factor_kernels");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, factors, 0, 75);
    tcase_add_loop_test(t, roots, 0, 75);
    tcase_add_test(t, no_roots);
    tcase_add_loop_test(t, triangles, 0, 75);
    suite_add_tcase(s, t);
    return s;
}
