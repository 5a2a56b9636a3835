/* GradBench's functions as a C programmer would write them, without any library: what the benchmark times as "primal"
 * and what the tests differentiate numerically. Beside each function a random instance of it, the same for the same
 * seed. Everything is double, matrices are row-major. The functions called _random allocate; gb_free releases. */
#ifndef GRADBENCH_PRIMAL_H
#define GRADBENCH_PRIMAL_H

#include <stddef.h>
#include <stdint.h>

/* ---- random numbers and memory (random.c) ----------------------------------------------------------------------- */

typedef struct {
    uint64_t state;
} gb_rng;

double gb_uniform(gb_rng *);                                           /* in [0, 1) */
double gb_normal(gb_rng *);                                            /* mean 0, variance 1 */
void *gb_take(int64_t n, size_t size);                                 /* zeros; a program without memory ends here */
double *gb_uniforms(gb_rng *, int64_t n, double low, double high);
double *gb_normals(gb_rng *, int64_t n);

/* ---- Gaussian mixture: log posterior ---------------------------------------------------------------------------- */

typedef struct {
    int64_t d, k, n, m;
    double gamma;
    double *alpha, *mu, *q, *l; /* [k] [k][d] [k][d] [k][d(d-1)/2] */
    double *x;                  /* [n][d] */
} gb_gmm;

gb_gmm gb_gmm_random(int64_t d, int64_t k, int64_t n, uint64_t seed);
void gb_gmm_free(gb_gmm *);
double gb_gmm_objective(const gb_gmm *);

/* ---- bundle adjustment: reprojection and weight errors ---------------------------------------------------------- */

enum { GB_CAMERA = 11 };

typedef struct {
    int64_t n, m, p;
    double *cameras, *points, *weights, *features; /* [n][11] [m][3] [p] [p][2] */
} gb_ba;

gb_ba gb_ba_random(int64_t n, int64_t m, int64_t p, uint64_t seed); /* one camera, point, ..., repeated */
void gb_ba_free(gb_ba *);
void gb_ba_objective(const gb_ba *, double *reprojection, double *weight); /* [p][2] [p] */

/* ---- hand tracking: distances from points to a skinned hand ----------------------------------------------------- */

enum { GB_THETA = 26, GB_BONES = 22 };

typedef struct {
    int64_t vertices, faces, count;
    int mirrored;
    int parents[GB_BONES];                   /* -1: root; parents come first */
    double *base_relatives, *base_inverses;  /* [bones][4][4] */
    double *base_positions, *weights;        /* [vertices][4] [vertices][bones] */
    int *triangles;                          /* [faces][3] */
    int *correspondences;                    /* [count]: of triangles with us, else of vertices */
    double *points;                          /* [count][3] */
    double theta[GB_THETA], *us;             /* us: [count][2] or NULL */
} gb_ht;

gb_ht gb_ht_random(int64_t vertices, int64_t count, int with_us, uint64_t seed);
void gb_ht_free(gb_ht *);
void gb_ht_objective(const gb_ht *, double *error); /* [count][3] */

/* ---- the rest --------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t layers, bits, count;
    double *main, *extra, *state, *sequence; /* [2 layers][4 bits] [3][bits] [2 layers][bits] [count][bits] */
} gb_lstm;

gb_lstm gb_lstm_random(int64_t layers, int64_t bits, int64_t count, uint64_t seed);
void gb_lstm_free(gb_lstm *);
double gb_lstm_objective(const gb_lstm *);

typedef struct {
    int64_t n, k, d;
    double *points, *centroids; /* [n][d] [k][d] */
} gb_kmeans;

gb_kmeans gb_kmeans_random(int64_t k, int64_t n, int64_t d, uint64_t seed);
void gb_kmeans_free(gb_kmeans *);
double gb_kmeans_cost(const gb_kmeans *);

double gb_llsq(int64_t n, int64_t m, const double *x);
double gb_lse(int64_t n, const double *x);
void gb_ode(int64_t n, const double *x, int64_t steps, double *y);
double gb_det(int64_t n, const double *a);

double gb_particle_miss(double w);           /* square of the particle's place on the axis */
double gb_particle_miss_slope(double w);     /* its derivative, by hand */
double gb_particle(double w);                /* minimum from w by descent, with that derivative */
void gb_saddle(const double start[2], double out[4]); /* x and y, with derivatives by hand */

#endif
