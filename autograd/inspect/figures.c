/* Values as text: small tensors whole; of large ones the least, the mean, the largest and a histogram. */
#include "picture.h"

#include <math.h>

enum { MOST_VALUES = 12, BINS = 16 };

double agi_value_at_index(const ag_node *v, const void *data, int64_t i)
{
    if (v->dtype == AG_F32) return ((const float *)data)[i];
    return v->dtype == AG_F64 ? ((const double *)data)[i] : (double)((const int64_t *)data)[i];
}

/* As NumPy prints them: a bracket where a row, or a matrix of rows, begins and ends. */
static void print_values(agi_text *t, const ag_node *v, const void *data)
{
    const int64_t n = ag_count(v);
    for (int64_t i = 0; i < n; i++) {
        int64_t block = 1;
        int begins = 0, ends = 0;
        for (int k = v->rank; k-- > 0;) {
            block *= v->dim[k];
            begins += i % block == 0;
            ends += (i + 1) % block == 0;
        }
        if (i) agi_print(t, begins ? "\n" : " ");
        for (int k = i && begins ? begins - v->rank : 0; k < 0; k++) agi_print(t, " ");
        while (begins--) agi_print(t, "[");
        agi_print(t, "%.6g", agi_value_at_index(v, data, i));
        while (ends--) agi_print(t, "]");
    }
}

typedef struct {
    double least, largest, sum;
    int64_t finite, nan, infinite;
} range;

static range range_of(const ag_node *v, const void *data)
{
    range r = { INFINITY, -INFINITY, 0, 0, 0, 0 };
    for (int64_t i = 0, n = ag_count(v); i < n; i++) {
        const double x = agi_value_at_index(v, data, i);
        if (isnan(x)) r.nan++;
        else if (isinf(x)) r.infinite++;
        else r.finite++, r.sum += x, r.least = fmin(r.least, x), r.largest = fmax(r.largest, x);
    }
    return r;
}

/* Bars of eighths of a line's height; what is there at all shows. */
static void print_histogram(agi_text *t, const ag_node *v, const void *data, const range *r)
{
    static const char *const bar[] = { "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
    int64_t count[BINS] = { 0 }, most = 1;
    for (int64_t i = 0, n = ag_count(v); i < n; i++) {
        const double x = agi_value_at_index(v, data, i);
        const double at = (x / 2 - r->least / 2) / (r->largest / 2 - r->least / 2) * BINS;
        if (isfinite(x)) count[at < BINS ? (int)at : BINS - 1]++;
    }
    for (int k = 0; k < BINS; k++)
        if (count[k] > most) most = count[k];
    for (int k = 0; k < BINS; k++)
        agi_print(t, "%s", count[k] ? bar[(7 * count[k] + most / 2) / most] : "\u00a0");
}

static void print_range(agi_text *t, const ag_node *v, const void *data)
{
    const range r = range_of(v, data);
    if (r.finite && r.least == r.largest) agi_print(t, "all %.4g", r.least);
    else if (r.finite) {
        agi_print(t, "%.4g \u2026 %.4g, mean %.4g\n", r.least, r.largest, r.sum / (double)r.finite);
        print_histogram(t, v, data, &r);
    }
    if (r.nan) agi_print(t, "%s%lld NaN", r.finite ? ", " : "", (long long)r.nan);
    if (r.infinite) agi_print(t, "%s%lld infinite", r.finite || r.nan ? ", " : "", (long long)r.infinite);
}

void agi_figures(char text[AGI_FIGURES], const ag_node *v, const void *data)
{
    agi_text t = { text, text + AGI_FIGURES };
    *text = 0;
    (ag_count(v) <= MOST_VALUES ? print_values : print_range)(&t, v, data);
}
