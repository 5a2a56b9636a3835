/* What ag_write_c makes of four programs, and the same by hand: compiled together, once for each compiler. The bench
 * calls ours_NAME and hand_NAME, and compares what ours_NAME_result and hand_NAME_result point to. */
#include "collocation.h"
#include "effort.h"
#include "stencil.h"
#include "mlp.h"

#include <math.h>
#include <string.h>

#define WORK(name) ((name##_WORKSPACE + sizeof(double) - 1) / sizeof(double) + 1)

/* ---- a cart with a pole, swung up within 50 intervals: trapezoidal collocation ----------------------------------- */

enum { KNOTS = 51, STATES = 4, ROW = 22 };
static double states[KNOTS * STATES], controls[KNOTS];
static double jacobian[2][(KNOTS - 1) * ROW], gradient[2][KNOTS * (STATES + 1)];
const double *const ours_collocation_result = jacobian[0], *const hand_collocation_result = jacobian[1];
const double *const ours_effort_result = gradient[0], *const hand_effort_result = gradient[1];

void fill_collocation(void);
void fill_collocation(void)
{
    int k;
    for (k = 0; k < KNOTS * STATES; k++) states[k] = (k * 37 % 101 - 50) / 60.0;
    for (k = 0; k < KNOTS; k++) controls[k] = (k * 29 % 53 - 26) / 5.0;
}

void ours_collocation(void);
void ours_collocation(void)
{
    static double work[WORK(collocation)];
    const struct collocation_inputs in = { states, controls };
    const struct collocation_outputs out = { jacobian[0] };
    collocation(&in, &out, work);
}

/* Slopes of the two accelerations by angle, angular speed and force. */
static void slopes(const double *x, double u, double d[6])
{
    const double m = 0.3, l = 0.5, g = 9.81, w = x[3];
    const double s = sin(x[1]), c = cos(x[1]), q = 1 / (1 + m * s * s), dq = -2 * m * s * c * q * q;
    const double a = l * m * s * w * w + u + m * g * c * s, b = -(l * m * c * s * w * w + u * c + (1 + m) * g * s) / l;
    const double da = l * m * c * w * w + m * g * (c * c - s * s);
    const double db = -(l * m * (c * c - s * s) * w * w - u * s + (1 + m) * g * c) / l;
    d[0] = da * q + a * dq, d[1] = 2 * l * m * s * w * q, d[2] = q;
    d[3] = db * q + b * dq, d[4] = -2 * m * c * s * w * q, d[5] = -c * q / l;
}

void hand_collocation(void);
void hand_collocation(void)
{
    const double h = 0.02;
    double left[6], right[6], *j = jacobian[1];
    int k;
    slopes(states, controls[0], left);
    for (k = 0; k + 1 < KNOTS; k++, j += ROW) {
        slopes(states + STATES * (k + 1), controls[k + 1], right);
        j[0] = j[4] = -1, j[2] = j[6] = 1, j[1] = j[3] = j[5] = j[7] = -h;
        j[8] = -h * left[0], j[9] = -1, j[10] = -h * left[1];
        j[11] = -h * right[0], j[12] = 1, j[13] = -h * right[1], j[14] = -h * left[2], j[15] = -h * right[2];
        j[16] = -h * left[3], j[17] = -1 - h * left[4], j[18] = -h * right[3], j[19] = 1 - h * right[4];
        j[20] = -h * left[5], j[21] = -h * right[5];
        memcpy(left, right, sizeof left);
    }
}

void ours_effort(void);
void ours_effort(void)
{
    static double work[WORK(effort)];
    const struct effort_inputs in = { controls };
    const struct effort_outputs out = { gradient[0], gradient[0] + KNOTS * STATES };
    effort(&in, &out, work);
}

void hand_effort(void);
void hand_effort(void)
{
    const double h = 0.02;
    double *to = gradient[1] + KNOTS * STATES;
    int k;
    memset(gradient[1], 0, KNOTS * STATES * sizeof(double));
    for (k = 0; k < KNOTS; k++) to[k] = 4 * h * controls[k];
    to[0] = 2 * h * controls[0], to[KNOTS - 1] = 2 * h * controls[KNOTS - 1];
}

/* ---- squares of a five-point stencil's residuals ----------------------------------------------------------------- */

enum { SIDE = 64, INNER = SIDE - 2 };
static double field[SIDE][SIDE], slope[2][SIDE][SIDE];
const double *const ours_stencil_result = slope[0][0], *const hand_stencil_result = slope[1][0];

void fill_stencil(void);
void fill_stencil(void)
{
    int i, j;
    for (i = 0; i < SIDE; i++)
        for (j = 0; j < SIDE; j++) field[i][j] = ((i * 31 + j * 17) % 61 - 30) / 30.0;
}

void ours_stencil(void);
void ours_stencil(void)
{
    static double work[WORK(stencil)];
    const struct stencil_inputs in = { field[0] };
    const struct stencil_outputs out = { slope[0][0] };
    stencil(&in, &out, work);
}

/* The residuals have a frame of zeros two wide, so that all slopes are the same sum. */
void hand_stencil(void);
void hand_stencil(void)
{
    static double r[SIDE + 2][SIDE + 2];
    int i, j;
    for (i = 1; i + 1 < SIDE; i++)
        for (j = 1; j + 1 < SIDE; j++)
            r[i + 1][j + 1] = 2.0 / (INNER * INNER) * (field[i - 1][j] + field[i + 1][j] + field[i][j - 1] +
                                                       field[i][j + 1] - 4 * field[i][j]);
    for (i = 0; i < SIDE; i++)
        for (j = 0; j < SIDE; j++)
            slope[1][i][j] = r[i][j + 1] + r[i + 2][j + 1] + r[i + 1][j] + r[i + 1][j + 2] - 4 * r[i + 1][j + 1];
}

/* ---- a network 16-64-64-4 of tanh, batch 32: a step of Adam ------------------------------------------------------ */

enum { BATCH = 32, IN = 16, HIDDEN = 64, OUT = 4 };
enum { W1 = IN * HIDDEN, B1 = HIDDEN, W2 = HIDDEN * HIDDEN, B2 = HIDDEN, W3 = HIDDEN * OUT, B3 = OUT };
enum { ALL = W1 + B1 + W2 + B2 + W3 + B3 };
static float sample[BATCH * IN], target[BATCH * OUT], weight[2][ALL], loss[2];
static struct mlp_parameters own;
const float *const ours_mlp_result = weight[0], *const hand_mlp_result = weight[1];

void fill_mlp(void);
void fill_mlp(void)
{
    int k;
    for (k = 0; k < BATCH * IN; k++) sample[k] = (float)(k * 37 % 101 - 50) / 50;
    for (k = 0; k < BATCH * OUT; k++) target[k] = (float)(k * 29 % 53 - 26) / 26;
    own = mlp_initial;
    memcpy(weight[1], own.parameter_W1, sizeof own.parameter_W1);
    memcpy(weight[1] + W1, own.parameter_b1, sizeof own.parameter_b1);
    memcpy(weight[1] + W1 + B1, own.parameter_W2, sizeof own.parameter_W2);
    memcpy(weight[1] + W1 + B1 + W2, own.parameter_b2, sizeof own.parameter_b2);
    memcpy(weight[1] + W1 + B1 + W2 + B2, own.parameter_W3, sizeof own.parameter_W3);
    memcpy(weight[1] + W1 + B1 + W2 + B2 + W3, own.parameter_b3, sizeof own.parameter_b3);
}

void ours_mlp(void);
void ours_mlp(void)
{
    static double work[WORK(mlp)];
    const struct mlp_inputs in = { sample, target };
    const struct mlp_outputs out = { loss };
    mlp(&in, &own, &out, work);
}

void read_mlp(void);
void read_mlp(void)
{
    float *to = weight[0];
    memcpy(to, own.parameter_W1, sizeof own.parameter_W1), to += W1;
    memcpy(to, own.parameter_b1, sizeof own.parameter_b1), to += B1;
    memcpy(to, own.parameter_W2, sizeof own.parameter_W2), to += W2;
    memcpy(to, own.parameter_b2, sizeof own.parameter_b2), to += B2;
    memcpy(to, own.parameter_W3, sizeof own.parameter_W3), to += W3;
    memcpy(to, own.parameter_b3, sizeof own.parameter_b3);
}

static inline __attribute__((always_inline)) uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* tanh without branches, for finite x: x + x^3 p(x^2) where x is small, 1 - 2 / (e^2x + 1) elsewhere. */
static inline __attribute__((always_inline)) float own_tanh(float x)
{
    const uint32_t size = bits_of(x) & 0x7fffffff, less = size < 0x41200000 ? size : 0x41200000; /* 10 */
    const uint32_t small = 0 - ((size - 0x3f200000) >> 31), sign = bits_of(x) & 0x80000000; /* 0.625 */
    const float z = x * x;
    float y, n, r, p, power, near = -5.70498872745e-3f;
    uint32_t bits;
    near = near * z + 2.06390887954e-2f;
    near = near * z - 5.37397155531e-2f;
    near = near * z + 1.33314422036e-1f;
    near = near * z - 3.33332819422e-1f;
    near = near * z * x + x;
    memcpy(&y, &less, sizeof y);
    n = y * 2.88539008f + 12582912.0f;
    bits = (bits_of(n) - 0x4b400000 + 127) << 23;
    memcpy(&power, &bits, sizeof power);
    n -= 12582912.0f;
    r = 2 * y - n * 0.693359375f + n * 2.12194440e-4f;
    p = 8.3334519073e-3f + 1.3981999507e-3f * r;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = 1 - 2 / ((p * (r * r) + r + 1) * power + 1);
    bits = (((bits_of(near) & small) | (bits_of(p) & ~small)) & 0x7fffffff) | sign;
    memcpy(&y, &bits, sizeof y);
    return y;
}

/* y += a b: four rows of y at a time, four rows of b times numbers into each. a[i, k] is a[i * down + k * across]. */
static inline __attribute__((always_inline)) void multiply(int rows, int columns, int inner, const float *restrict a,
                                                           int down, int across, const float *restrict b,
                                                           float *restrict y)
{
    int i, j, k;
    for (i = 0; i < rows; i += 4)
        for (k = 0; k < inner; k += 4) {
            const float *const p = a + i * down + k * across, *const q = b + k * columns;
            const float p00 = p[0], p01 = p[across], p02 = p[2 * across], p03 = p[3 * across];
            const float p10 = p[down], p11 = p[down + across], p12 = p[down + 2 * across], p13 = p[down + 3 * across];
            const float p20 = p[2 * down], p21 = p[2 * down + across], p22 = p[2 * down + 2 * across];
            const float p30 = p[3 * down], p31 = p[3 * down + across], p32 = p[3 * down + 2 * across];
            const float p23 = p[2 * down + 3 * across], p33 = p[3 * down + 3 * across];
            float *const r = y + i * columns;
            for (j = 0; j < columns; j++) {
                const float q0 = q[j], q1 = q[columns + j], q2 = q[2 * columns + j], q3 = q[3 * columns + j];
                r[j] += p00 * q0 + p01 * q1 + p02 * q2 + p03 * q3;
                r[columns + j] += p10 * q0 + p11 * q1 + p12 * q2 + p13 * q3;
                r[2 * columns + j] += p20 * q0 + p21 * q1 + p22 * q2 + p23 * q3;
                r[3 * columns + j] += p30 * q0 + p31 * q1 + p32 * q2 + p33 * q3;
            }
        }
}

static inline __attribute__((always_inline)) void forward(int inner, int columns, const float *a, const float *b,
                                                          const float *bias, float *y)
{
    int i, j;
    for (i = 0; i < BATCH; i++)
        for (j = 0; j < columns; j++) y[i * columns + j] = bias[j];
    multiply(BATCH, columns, inner, a, inner, 1, b, y);
}

/* g = a^T d, of a [BATCH, rows] and d [BATCH, columns]. */
static inline __attribute__((always_inline)) void weights(int rows, int columns, const float *a, const float *d,
                                                          float *g)
{
    int i;
    for (i = 0; i < rows * columns; i++) g[i] = 0;
    multiply(rows, columns, BATCH, a, 1, rows, d, g);
}

/* d becomes (d b^T) (1 - h^2), by b transposed. */
static inline __attribute__((always_inline)) void backward(int inner, const float *d, const float *b, const float *h,
                                                           float *to)
{
    static float turned[HIDDEN * HIDDEN];
    static const float none[HIDDEN];
    int i, k;
    for (i = 0; i < HIDDEN; i++)
        for (k = 0; k < inner; k++) turned[k * HIDDEN + i] = b[i * inner + k];
    forward(inner, HIDDEN, d, turned, none, to);
    for (i = 0; i < BATCH * HIDDEN; i++) to[i] *= 1 - h[i] * h[i];
}

static void add_up(int columns, const float *d, float *g)
{
    int i, j;
    for (j = 0; j < columns; j++) g[j] = 0;
    for (i = 0; i < BATCH; i++)
        for (j = 0; j < columns; j++) g[j] += d[i * columns + j];
}

void hand_mlp(void);
void hand_mlp(void)
{
    static float h1[BATCH * HIDDEN], h2[BATCH * HIDDEN], y[BATCH * OUT], d1[BATCH * HIDDEN], d2[BATCH * HIDDEN];
    static float g[ALL], m[ALL], v[ALL];
    static double power1 = 1, power2 = 1;
    float *w1 = weight[1], *b1 = w1 + W1, *w2 = b1 + B1, *b2 = w2 + W2, *w3 = b2 + B2, *b3 = w3 + W3, rate, root;
    int k;
    forward(IN, HIDDEN, sample, w1, b1, h1);
    for (k = 0; k < BATCH * HIDDEN; k++) h1[k] = own_tanh(h1[k]);
    forward(HIDDEN, HIDDEN, h1, w2, b2, h2);
    for (k = 0; k < BATCH * HIDDEN; k++) h2[k] = own_tanh(h2[k]);
    forward(HIDDEN, OUT, h2, w3, b3, y);
    loss[1] = 0;
    for (k = 0; k < BATCH * OUT; k++) {
        const float e = y[k] - target[k];
        loss[1] += e * e / (BATCH * OUT);
        y[k] = 2 * e / (BATCH * OUT);
    }
    weights(HIDDEN, OUT, h2, y, g + W1 + B1 + W2 + B2);
    add_up(OUT, y, g + W1 + B1 + W2 + B2 + W3);
    backward(OUT, y, w3, h2, d2);
    weights(HIDDEN, HIDDEN, h1, d2, g + W1 + B1);
    add_up(HIDDEN, d2, g + W1 + B1 + W2);
    backward(HIDDEN, d2, w2, h1, d1);
    weights(IN, HIDDEN, sample, d1, g);
    add_up(HIDDEN, d1, g + W1);
    power1 *= 0.9, power2 *= 0.999;
    rate = (float)(0.001 / (1 - power1)), root = (float)(1 / sqrt(1 - power2));
    for (k = 0; k < ALL; k++) {
        m[k] = 0.9f * m[k] + 0.1f * g[k];
        v[k] = 0.999f * v[k] + 0.001f * g[k] * g[k];
        weight[1][k] -= rate * m[k] / (sqrtf(v[k]) * root + 1e-8f);
    }
}
