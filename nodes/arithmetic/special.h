/* The functions of numbers that POINTWISE lines call and <math.h> lacks, beside those of inline.def: real ones to call,
 * and their source for exported C. This room knows numbers alone. */
#ifndef AGI_SPECIAL_H
#define AGI_SPECIAL_H

enum { AGI_PSI_ORDERS = 100 }; /* largest order of agi_psi */

double agi_log_gamma(double x); /* log |gamma(x)| */
float agi_log_gammaf(float x);
double agi_psi(double n, double x); /* polygamma: the n-th derivative of digamma at x */
float agi_psif(float n, float x);

/* The same as static C99 functions, which need <math.h>. */
extern const char agi_psi_series_text[], agi_digamma_text[], agi_whole_power_text[], agi_psi_size_text[],
    agi_reflected_text[], agi_psi_text[], agi_psif_text[];

#endif
