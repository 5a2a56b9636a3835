/* The functions of numbers that POINTWISE lines call and <math.h> lacks, beside those of inline.def: real ones to call,
 * and their source for exported C. This room knows numbers alone. */
#ifndef AGI_SPECIAL_H
#define AGI_SPECIAL_H

enum { AGI_PSI_ORDERS = 100 }; /* largest order of agi_psi */

double agi_log_gamma(double x); /* log |gamma(x)| */
float agi_log_gammaf(float x);
double agi_psi(double n, double x); /* polygamma: the n-th derivative of digamma at x */
float agi_psif(float n, float x);

/* Products as a fraction and a power of two apart, (1, 0) being that of nothing: *fraction 2^*power gets the factor x.
 * A finite fraction that is not 0 stays within 2^+-500. */
void agi_multiply(double *fraction, double *power, double x);
double agi_unscaled(double fraction, double power); /* the number that they are */

/* The same as static C99 functions, which need <math.h>. */
extern const char agi_psi_series_text[], agi_digamma_text[], agi_whole_power_text[], agi_psi_size_text[],
    agi_reflected_text[], agi_psi_text[], agi_psif_text[], agi_multiply_text[], agi_unscaled_text[];

/* floats.c: functions of floats without branches, for loops of exported C. */
extern const char agi_inlined_text[], agi_bits_text[], agi_float_text[], agi_expf_text[], agi_expm1f_text[],
    agi_near_text[], agi_tanhf_text[], agi_erff_text[], agi_tanh_of_expm1f_text[];

#endif
