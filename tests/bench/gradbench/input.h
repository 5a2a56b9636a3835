/* The random instances as GradBench's inputs. */
#ifndef GRADBENCH_INPUT_H
#define GRADBENCH_INPUT_H

#include "primal.h"

#include <jansson.h>

json_t *gb_list(int64_t n, const double *x);
json_t *gb_rows(int64_t n, int64_t columns, const double *x);

json_t *gb_gmm_input(const gb_gmm *);
json_t *gb_ba_input(const gb_ba *); /* the first camera, point, weight and feature stand for all */
json_t *gb_ht_input(const gb_ht *);
json_t *gb_lstm_input(const gb_lstm *);
json_t *gb_kmeans_input(const gb_kmeans *);
json_t *gb_llsq_input(int64_t n, int64_t m, const double *x);
json_t *gb_lse_input(int64_t n, const double *x);
json_t *gb_ode_input(int64_t n, const double *x, int64_t steps);
json_t *gb_det_input(int64_t n, const double *a);

#endif
