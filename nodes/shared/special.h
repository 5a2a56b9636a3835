/* The functions of POINTWISE lines that <math.h> lacks: real ones to call, and their source for exported C. */
#ifndef AGI_SPECIAL_H
#define AGI_SPECIAL_H

#include "node.h"

enum { AGI_PSI_ORDERS = 100 }; /* largest order of agi_psi */

double agi_log_gamma(double x); /* log |gamma(x)| */
float agi_log_gammaf(float x);
double agi_psi(double n, double x); /* polygamma: the n-th derivative of digamma at x */
float agi_psif(float n, float x);

/* The same as static C99 functions, which need <math.h>. One is written where `name` is called in the text around or in
 * a later entry that is written, so that nothing remains unused. */
typedef struct {
    const char *name, *text;
} agi_special;
extern const agi_special agi_specials[];
extern const int agi_special_count;

#endif
