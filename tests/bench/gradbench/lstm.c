/* A recurrent network with diagonal weights that predicts the next character's bits. */
#include "primal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

gb_lstm gb_lstm_random(int64_t layers, int64_t bits, int64_t count, uint64_t seed)
{
    gb_rng r = { seed };
    gb_lstm p = { .layers = layers, .bits = bits, .count = count };
    p.main = gb_uniforms(&r, 2 * layers * 4 * bits, 0, 1);
    p.extra = gb_uniforms(&r, 3 * bits, 0, 1);
    p.state = gb_uniforms(&r, 2 * layers * bits, 0, 1);
    p.sequence = gb_uniforms(&r, count * bits, 0, 1);
    for (int64_t i = 0; i < count * bits; i++) p.sequence[i] = p.sequence[i] < 0.5;
    return p;
}

void gb_lstm_free(gb_lstm *p)
{
    free(p->main), free(p->extra), free(p->state), free(p->sequence);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* One layer's step; `in` may be the hidden state of the layer below. */
static void step(int64_t b, const double *weight, const double *bias, const double *in, double *hidden, double *cell)
{
    for (int64_t i = 0; i < b; i++) {
        double forget = sigmoid(in[i] * weight[i] + bias[i]);
        double ingate = sigmoid(hidden[i] * weight[b + i] + bias[b + i]);
        double outgate = sigmoid(in[i] * weight[2 * b + i] + bias[2 * b + i]);
        double change = tanh(hidden[i] * weight[3 * b + i] + bias[3 * b + i]);
        cell[i] = cell[i] * forget + ingate * change;
        hidden[i] = outgate * tanh(cell[i]);
    }
}

double gb_lstm_objective(const gb_lstm *p)
{
    int64_t b = p->bits;
    double *state = gb_take(2 * p->layers * b + b, sizeof *state), *y = state + 2 * p->layers * b, total = 0;
    memcpy(state, p->state, (size_t)(2 * p->layers * b) * sizeof *state);
    for (int64_t t = 0; t + 1 < p->count; t++) {
        const double *in = y, *gold = p->sequence + (t + 1) * b;
        for (int64_t i = 0; i < b; i++) y[i] = p->sequence[t * b + i] * p->extra[i];
        for (int64_t l = 0; l < p->layers; l++) {
            double *hidden = state + 2 * l * b;
            step(b, p->main + 8 * l * b, p->main + 8 * l * b + 4 * b, in, hidden, hidden + b);
            in = hidden;
        }
        double sum = 2;
        for (int64_t i = 0; i < b; i++) y[i] = in[i] * p->extra[b + i] + p->extra[2 * b + i];
        for (int64_t i = 0; i < b; i++) sum += exp(y[i]);
        for (int64_t i = 0; i < b; i++) total += gold[i] * (y[i] - log(sum));
    }
    free(state);
    return -total / (double)((p->count - 1) * b);
}
