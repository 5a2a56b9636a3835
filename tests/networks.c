/* Layers beside loops in double, which read the parameters by their names; first values; names; wrong calls. */
#include "test.h"

#include "networks/networks.h"

#include <float.h>

static ag_graph *g;
static ag_net net;
static ag_run *r;
static ag_plan *p;

static void begin(void)
{
    g = ag_graph_new(NULL);
    net = ag_net_new(g, AG_F64, 7);
}

static void end(void)
{
    ag_run_free(r), ag_plan_free(p), ag_graph_free(g);
    r = NULL, p = NULL;
}

static ag_node *values(ag_shape s)
{
    uint64_t seed = 11;
    return test_constant(g, s, &seed, -1, 1);
}

static void run(int n, ag_node *const y[])
{
    p = ag_compile(g, n, y, NULL);
    expect_well(g);
    r = ag_run_new(p);
    ck_assert_int_eq(ag_eval(r), AG_OK);
}

static const double *of(const ag_node *x)
{
    const double *data = x ? ag_data(r, x) : NULL;
    ck_assert_msg(data != NULL, "%s", ag_run_error(r));
    return data;
}

static const double *named(const char *name)
{
    return of(ag_find(g, name));
}

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* out = x weight^T + bias, by rows. */
static void dense(const char *layer, int64_t rows, int64_t in, int64_t out, const double *x, double *y)
{
    char weight[96], bias[96];
    snprintf(weight, sizeof weight, "%sweight", layer);
    snprintf(bias, sizeof bias, "%sbias", layer);
    for (int64_t i = 0; i < rows * out; i++)
        y[i] = dot(in, x + i / out * in, named(weight) + i % out * in) + named(bias)[i % out];
}

static void norm(const char *layer, int64_t rows, int64_t n, const double *x, double *y)
{
    char weight[64];
    snprintf(weight, sizeof weight, "%sweight", layer);
    for (int64_t i = 0; i < rows; i++, x += n, y += n) {
        double mean = 0, square = 0;
        for (int64_t j = 0; j < n; j++) mean += x[j] / (double)n;
        for (int64_t j = 0; j < n; j++) square += (x[j] - mean) * (x[j] - mean) / (double)n;
        for (int64_t j = 0; j < n; j++) y[j] = (x[j] - mean) / sqrt(square + 1e-5) * named(weight)[j];
    }
}

static void expect_all(int64_t n, const double *got, const double *want)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(test_close(got[i], want[i], 1e-13), "%d: %.17g, not %.17g", (int)i, got[i], want[i]);
}

/* ---- layers of one place ----------------------------------------------------------------------------------------- */

START_TEST(dense_layers)
{
    ag_node *x = values(AG_SHAPE(2, 3, 4)), *y = ag_net_mlp(net, "mlp", x, 2, (int64_t[]){ 5, 2 }, ag_tanh);
    double h[6 * 5], want[6 * 2];
    run(2, (ag_node *[]){ y, x });
    expect_shape(y, AG_SHAPE(2, 3, 2));
    dense("mlp/0/", 6, 4, 5, of(x), h);
    for (int i = 0; i < 30; i++) h[i] = tanh(h[i]);
    dense("mlp/1/", 6, 5, 2, h, want);
    expect_all(12, of(y), want);
}
END_TEST

START_TEST(convolutions)
{
    ag_node *x = values(AG_SHAPE(2, 4, 5, 6)), *y;
    double want[2 * 6 * 5 * 6];
    y = ag_net_conv(net, "conv", x, 6, 3, &(ag_conv_options){ .padding = { 1, 1 }, .groups = 2 });
    run(2, (ag_node *[]){ y, x });
    expect_shape(ag_find(g, "conv/weight"), AG_SHAPE(6, 2, 3, 3));
    for (int at = 0; at < 2 * 6 * 30; at++) {
        const int n = at / 180, out = at / 30 % 6, row = at / 6 % 5, column = at % 6;
        want[at] = named("conv/bias")[out];
        for (int c = 0; c < 2; c++)
            for (int k = 0; k < 9; k++) {
                const int i = row + k / 3 - 1, j = column + k % 3 - 1, channel = out / 3 * 2 + c;
                if (i < 0 || j < 0 || i >= 5 || j >= 6) continue;
                want[at] += of(x)[((n * 4 + channel) * 5 + i) * 6 + j] * named("conv/weight")[(out * 2 + c) * 9 + k];
            }
    }
    expect_all(2 * 6 * 30, of(y), want);
}
END_TEST

/* Groups of one channel, of which each element goes to a 2 by 2 square of its own. */
START_TEST(transposed_convolutions)
{
    ag_node *x = values(AG_SHAPE(2, 2, 3, 2)), *y;
    double want[2 * 4 * 6 * 4];
    y = ag_net_conv_transpose(net, "up", x, 4, 2, &(ag_conv_options){ .stride = { 2, 2 }, .groups = 2 });
    run(2, (ag_node *[]){ y, x });
    expect_shape(y, AG_SHAPE(2, 4, 6, 4));
    expect_shape(ag_find(g, "up/weight"), AG_SHAPE(2, 2, 2, 2));
    for (int at = 0; at < 2 * 4 * 24; at++) {
        const int n = at / 96, out = at / 24 % 4, row = at / 4 % 6, column = at % 4, tap = row % 2 * 2 + column % 2;
        const double *from = of(x) + ((n * 2 + out / 2) * 3 + row / 2) * 2 + column / 2;
        want[at] = named("up/bias")[out] + *from * named("up/weight")[out * 4 + tap];
    }
    expect_all(2 * 4 * 24, of(y), want);
}
END_TEST

START_TEST(norms_of_groups_and_by_size)
{
    ag_node *x = values(AG_SHAPE(2, 4, 3)), *y = ag_net_group_norm(net, "groups", x, 2);
    ag_node *z = ag_net_rms_norm(net, "rms", x);
    double want[24];
    run(3, (ag_node *[]){ y, z, x });
    expect_shape(ag_find(g, "groups/bias"), AG_SHAPE(4));
    expect_shape(ag_find(g, "rms/weight"), AG_SHAPE(3));
    for (int i = 0; i < 4; i++) { /* the parameters are 1 and 0 */
        double mean = 0, square = 0;
        for (int j = 0; j < 6; j++) mean += of(x)[6 * i + j] / 6;
        for (int j = 0; j < 6; j++) square += pow(of(x)[6 * i + j] - mean, 2) / 6;
        for (int j = 0; j < 6; j++) want[6 * i + j] = (of(x)[6 * i + j] - mean) / sqrt(square + 1e-5);
    }
    expect_all(24, of(y), want);
    for (int i = 0; i < 24; i++) {
        const double *row = of(x) + i / 3 * 3;
        want[i] = of(x)[i] / sqrt((row[0] * row[0] + row[1] * row[1] + row[2] * row[2]) / 3 + DBL_EPSILON);
    }
    expect_all(24, of(z), want);
}
END_TEST

START_TEST(embeddings_and_norms)
{
    const int64_t index[] = { 2, 0, 2 };
    ag_node *e = ag_net_embedding(net, "letters", ag_constant(g, AG_I64, AG_SHAPE(3), index), 4, 5), *update;
    ag_node *n = ag_net_layer_norm(net, "norm", e), *b = ag_net_batch_norm(net, "bn", e, &update);
    double want[15];
    run(4, (ag_node *[]){ e, n, b, update });
    for (int i = 0; i < 15; i++) want[i] = named("letters/weight")[index[i / 5] * 5 + i % 5];
    expect_all(15, of(e), want);
    norm("norm/", 3, 5, of(e), want);
    expect_all(15, of(n), want);
    for (int c = 0; c < 5; c++) {
        const double *x = of(e) + c, mean = (x[0] + x[5] + x[10]) / 3;
        const double square = (pow(x[0] - mean, 2) + pow(x[5] - mean, 2) + pow(x[10] - mean, 2)) / 3;
        expect_close(of(b)[c], (x[0] - mean) / sqrt(square + 1e-5), 1e-12);
        expect_close(named("bn/running_mean")[c], 0.1 * mean, 1e-13);
        expect_close(named("bn/running_var")[c], 0.9 + 0.1 * square * 1.5, 1e-13);
    }
}
END_TEST

/* By what has been followed, which is at first 0 and 1. */
START_TEST(batch_norm_of_a_trained_network)
{
    ag_node *x = values(AG_SHAPE(2, 3, 2)), *y = ag_net_batch_norm(net, "bn", x, NULL);
    double want[12];
    run(2, (ag_node *[]){ y, x });
    for (int i = 0; i < 12; i++) want[i] = of(x)[i] / sqrt(1 + 1e-5);
    expect_all(12, of(y), want);
}
END_TEST

/* ---- sequences --------------------------------------------------------------------------------------------------- */

enum { STEPS = 4, BATCH = 2, IN = 3, HIDDEN = 5 };

/* What gate k of unit j of a layer is made of, by the inputs or the state. */
static double gate(const char *net_name, const char *from, int layer, const double *x, int64_t in, int k, int j)
{
    char weight[64], bias[64];
    snprintf(weight, sizeof weight, "%s/weight_%s_l%d", net_name, from, layer);
    snprintf(bias, sizeof bias, "%s/bias_%s_l%d", net_name, from, layer);
    const int64_t row = k * HIDDEN + j;
    return dot(in, named(weight) + row * in, x) + named(bias)[row];
}

/* Over x [STEPS, BATCH, in] to y; h and c are carried. */
static void lstm(int layer, int64_t in, const double *x, double (*h)[HIDDEN], double (*c)[HIDDEN], double *y)
{
    for (int at = 0; at < STEPS * BATCH; at++, x += in, y += HIDDEN) {
        const int b = at % BATCH;
        for (int j = 0; j < HIDDEN; j++) {
            double a[4];
            for (int k = 0; k < 4; k++)
                a[k] = gate("lstm", "ih", layer, x, in, k, j) + gate("lstm", "hh", layer, h[b], HIDDEN, k, j);
            c[b][j] = sigmoid(a[1]) * c[b][j] + sigmoid(a[0]) * tanh(a[2]);
            y[j] = sigmoid(a[3]) * tanh(c[b][j]);
        }
        memcpy(h[b], y, HIDDEN * sizeof *y);
    }
}

START_TEST(long_short_term_memory)
{
    ag_node *x = values(AG_SHAPE(STEPS, BATCH, IN)), *start[] = { values(AG_SHAPE(BATCH, HIDDEN)), NULL }, *final[2];
    ag_node *y = ag_net_lstm(net, "lstm", x, HIDDEN, 1, start, final);
    double h[BATCH][HIDDEN], c[BATCH][HIDDEN] = { { 0 } }, want[STEPS * BATCH * HIDDEN];
    run(5, (ag_node *[]){ y, final[0], final[1], x, start[0] });
    memcpy(h, of(start[0]), sizeof h);
    lstm(0, IN, of(x), h, c, want);
    expect_all(STEPS * BATCH * HIDDEN, of(y), want);
    expect_all(BATCH * HIDDEN, of(final[0]), h[0]);
    expect_all(BATCH * HIDDEN, of(final[1]), c[0]);
}
END_TEST

START_TEST(two_layers_of_it)
{
    ag_node *x = values(AG_SHAPE(STEPS, BATCH, IN)), *start[] = { NULL, NULL, NULL, values(AG_SHAPE(BATCH, HIDDEN)) };
    ag_node *final[4], *y = ag_net_lstm(net, "lstm", x, HIDDEN, 2, start, final);
    double h[2][BATCH][HIDDEN] = { { { 0 } } }, c[2][BATCH][HIDDEN] = { { { 0 } } };
    double first[STEPS * BATCH * HIDDEN], want[STEPS * BATCH * HIDDEN];
    run(7, (ag_node *[]){ y, final[0], final[1], final[2], final[3], x, start[3] });
    memcpy(c[1], of(start[3]), sizeof c[1]);
    lstm(0, IN, of(x), h[0], c[0], first);
    lstm(1, HIDDEN, first, h[1], c[1], want);
    expect_all(STEPS * BATCH * HIDDEN, of(y), want);
    for (int k = 0; k < 2; k++) {
        expect_all(BATCH * HIDDEN, of(final[2 * k]), h[k][0]);
        expect_all(BATCH * HIDDEN, of(final[2 * k + 1]), c[k][0]);
    }
}
END_TEST

static void gru(int layer, int64_t in, const double *x, double (*h)[HIDDEN], double *y)
{
    for (int at = 0; at < STEPS * BATCH; at++, x += in, y += HIDDEN) {
        const int b = at % BATCH;
        for (int j = 0; j < HIDDEN; j++) {
            double of_x[3], of_h[3];
            for (int k = 0; k < 3; k++) {
                of_x[k] = gate("gru", "ih", layer, x, in, k, j);
                of_h[k] = gate("gru", "hh", layer, h[b], HIDDEN, k, j);
            }
            const double z = sigmoid(of_x[1] + of_h[1]), n = tanh(of_x[2] + sigmoid(of_x[0] + of_h[0]) * of_h[2]);
            y[j] = (1 - z) * n + z * h[b][j];
        }
        memcpy(h[b], y, HIDDEN * sizeof *y);
    }
}

START_TEST(gated_recurrent_units)
{
    ag_node *x = values(AG_SHAPE(STEPS, BATCH, IN)), *final[2], *y = ag_net_gru(net, "gru", x, HIDDEN, 2, NULL, final);
    double h[2][BATCH][HIDDEN] = { { { 0 } } }, first[STEPS * BATCH * HIDDEN], want[STEPS * BATCH * HIDDEN];
    run(4, (ag_node *[]){ y, final[0], final[1], x });
    gru(0, IN, of(x), h[0], first);
    gru(1, HIDDEN, first, h[1], want);
    expect_all(STEPS * BATCH * HIDDEN, of(y), want);
    for (int k = 0; k < 2; k++) expect_all(BATCH * HIDDEN, of(final[k]), h[k][0]);
}
END_TEST

/* ---- attention --------------------------------------------------------------------------------------------------- */

enum { T = 3, S = 4, WIDTH = 6, HEADS = 2, EACH = WIDTH / HEADS };

/* Rows `part` of in_proj times a row of x. */
static void project(const char *layer, int part, const double *x, double *y)
{
    char name[64];
    snprintf(name, sizeof name, "%sin_proj_weight", layer);
    for (int j = 0; j < WIDTH; j++) y[j] = dot(WIDTH, named(name) + (part * WIDTH + j) * WIDTH, x);
}

/* The bias of in_proj is 0, at first. Query i meets keys 0 to i where causal. */
static void attend(const char *layer, int t, int s, const double *x, const double *to, int causal, double *y)
{
    char out[64];
    double q[WIDTH], k[WIDTH], v[WIDTH], sum[WIDTH];
    snprintf(out, sizeof out, "%sout_proj/", layer);
    for (int i = 0; i < t; i++, y += WIDTH) {
        double total[HEADS] = { 0 };
        memset(sum, 0, sizeof sum);
        project(layer, 0, x + i * WIDTH, q);
        for (int j = 0; j < (causal ? i + 1 : s); j++) {
            project(layer, 1, to + j * WIDTH, k);
            project(layer, 2, to + j * WIDTH, v);
            for (int h = 0; h < HEADS; h++) {
                const double weight = exp(dot(EACH, q + h * EACH, k + h * EACH) / sqrt(EACH));
                total[h] += weight;
                for (int l = 0; l < EACH; l++) sum[h * EACH + l] += weight * v[h * EACH + l];
            }
        }
        for (int l = 0; l < WIDTH; l++) sum[l] /= total[l / EACH];
        dense(out, 1, WIDTH, WIDTH, sum, y);
    }
}

START_TEST(attention_to_another_sequence)
{
    ag_node *x = values(AG_SHAPE(2, T, WIDTH)), *to = values(AG_SHAPE(2, S, WIDTH));
    ag_node *y = ag_net_attention(net, "cross", x, to, HEADS, NULL, 0);
    double want[2 * T * WIDTH];
    run(3, (ag_node *[]){ y, x, to });
    for (int b = 0; b < 2; b++)
        attend("cross/", T, S, of(x) + b * T * WIDTH, of(to) + b * S * WIDTH, 0, want + b * T * WIDTH);
    expect_all(2 * T * WIDTH, of(y), want);
}
END_TEST

START_TEST(transformer_block)
{
    ag_node *x = values(AG_SHAPE(1, T, WIDTH)), *y = ag_net_transformer(net, "block", x, HEADS, 8, NULL, 1);
    double h[T * WIDTH], normed[T * WIDTH], wide[T * 8], more[T * WIDTH];
    run(2, (ag_node *[]){ y, x });
    norm("block/norm1/", T, WIDTH, of(x), normed);
    attend("block/self_attn/", T, T, normed, normed, 1, more);
    for (int i = 0; i < T * WIDTH; i++) h[i] = of(x)[i] + more[i];
    norm("block/norm2/", T, WIDTH, h, normed);
    dense("block/linear1/", T, WIDTH, 8, normed, wide);
    for (int i = 0; i < T * 8; i++) wide[i] *= erfc(-wide[i] / sqrt(2)) / 2;
    dense("block/linear2/", T, 8, WIDTH, wide, more);
    for (int i = 0; i < T * WIDTH; i++) more[i] += h[i];
    expect_all(T * WIDTH, of(y), more);
}
END_TEST

/* ---- dropout ----------------------------------------------------------------------------------------------------- */

/* Sets a parameter to zeros, and `ones` of its first rows and columns to a diagonal of ones. */
static void set(const char *name, int64_t columns, int ones)
{
    double data[64] = { 0 };
    for (int i = 0; i < ones; i++) data[i * columns + i] = 1;
    ck_assert_int_eq(ag_feed(r, ag_find(g, name), data), AG_OK);
}

/* In 200 evaluations every element of y - x is 0, `often`, or the multiple of what it is without dropout. */
static void expect_dropped(const ag_node *y, const ag_node *x, const ag_node *plain, double multiple, double often)
{
    int zeros = 0, all = 0;
    for (int turn = 0; turn < 200; turn++) {
        ck_assert_int_eq(ag_eval(r), AG_OK);
        for (int64_t i = 0; i < ag_size_of(y); i++, all++) {
            const double d = of(y)[i] - of(x)[i], whole = of(plain)[i] - of(x)[i];
            ck_assert(fabs(whole) > 1e-9 && (fabs(d) < 1e-12 || fabs(d - multiple * whole) < 1e-12));
            zeros += fabs(d) < 1e-12;
        }
    }
    expect_close((double)zeros / all, often, 0.05);
}

START_TEST(what_a_transformer_drops)
{
    ag_node *x = values(AG_SHAPE(1, T, WIDTH)), *y = ag_net_transformer(net, "block", x, HEADS, 8, NULL, 1);
    net.dropout = 0.5;
    ag_node *dropped = ag_net_transformer(net, "block", x, HEADS, 8, NULL, 1);
    run(3, (ag_node *[]){ y, dropped, x });
    set("block/linear2/weight", 8, 0);
    set("block/linear2/bias", 0, 0);
    expect_dropped(dropped, x, y, 2, 0.5); /* what attention makes */
    set("block/self_attn/out_proj/weight", WIDTH, 0);
    set("block/self_attn/out_proj/bias", 0, 0);
    set("block/linear2/weight", 8, WIDTH);
    expect_dropped(dropped, x, y, 4, 0.75); /* twice: before linear2 and after */
}
END_TEST

START_TEST(what_is_dropped_between_recurrent_layers)
{
    ag_node *x = values(AG_SHAPE(STEPS, BATCH, IN)), *one = ag_net_gru(net, "gru", x, HIDDEN, 1, NULL, NULL);
    ag_node *two = ag_net_gru(net, "gru", x, HIDDEN, 2, NULL, NULL);
    net.dropout = 0.25;
    ag_node *same = ag_net_gru(net, "gru", x, HIDDEN, 1, NULL, NULL);
    ag_node *other = ag_net_gru(net, "gru", x, HIDDEN, 2, NULL, NULL);
    run(4, (ag_node *[]){ one, same, two, other });
    expect_all(STEPS * BATCH * HIDDEN, of(same), of(one)); /* nothing is between */
    double before[STEPS * BATCH * HIDDEN], apart = 0;
    memcpy(before, of(other), sizeof before);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    for (int i = 0; i < STEPS * BATCH * HIDDEN; i++)
        apart += (of(other)[i] != before[i]) + (of(other)[i] != of(two)[i]);
    ck_assert(apart > STEPS * BATCH * HIDDEN);
}
END_TEST

/* ---- first values ------------------------------------------------------------------------------------------------ */

/* Of shape [40, 30, 3]: fan_in 90, fan_out 120. Mean and deviation, and the largest of what is bounded. */
static const struct {
    ag_init init;
    double size, deviation, most;
} kinds[] = {
    { AG_USUAL, 0, 0.0608580619, 0.1054092553 },       { AG_ZEROS, 0, 0, 0 },
    { AG_UNIFORM, 0.5, 0.2886751346, 0.5 },            { AG_NORMAL, 2, 2, INFINITY },
    { AG_TRUNCATED_NORMAL, 0.02, 0.02, 2 },            { AG_XAVIER_UNIFORM, 0, 0.0975900073, 0.1690308509 },
    { AG_XAVIER_NORMAL, 2, 0.1951800146, INFINITY },   { AG_HE_UNIFORM, 0, 0.1490711985, 0.2581988897 },
    { AG_HE_NORMAL, 1, 0.1054092553, INFINITY },
};

START_TEST(first_values)
{
    const int n = 40 * 30 * 3;
    ag_node *w = ag_net_weight(net, "w", AG_SHAPE(40, 30, 3), kinds[_i].init, kinds[_i].size);
    double mean = 0, square = 0, most = 0;
    run(1, &w);
    for (int i = 0; i < n; i++) {
        mean += of(w)[i] / n;
        square += of(w)[i] * of(w)[i] / n;
        most = fmax(most, fabs(of(w)[i]));
    }
    ck_assert_msg(fabs(mean) <= 4 * kinds[_i].deviation / sqrt(n), "mean %g", mean);
    ck_assert_msg(fabs(sqrt(square) - kinds[_i].deviation) <= 0.05 * kinds[_i].deviation, "deviation %g", sqrt(square));
    ck_assert_msg(most <= kinds[_i].most * (1 + 1e-9), "largest %g", most);
    if (kinds[_i].init != AG_TRUNCATED_NORMAL && kinds[_i].most < 1) ck_assert(most >= 0.99 * kinds[_i].most);
}
END_TEST

START_TEST(truncated_at_two)
{
    ag_node *w = ag_net_weight(net, "w", AG_SHAPE(1000), AG_TRUNCATED_NORMAL, 3);
    run(1, &w);
    for (int i = 0; i < 1000; i++) ck_assert(fabs(of(w)[i]) <= 2);
}
END_TEST

START_TEST(orthonormal_rows_or_columns)
{
    ag_node *wide = ag_net_weight(net, "wide", AG_SHAPE(5, 3, 4), AG_ORTHOGONAL, 2);
    ag_node *tall = ag_net_weight(net, "tall", AG_SHAPE(9, 4), AG_ORTHOGONAL, 0);
    run(2, (ag_node *[]){ wide, tall });
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) expect_close(dot(12, of(wide) + 12 * i, of(wide) + 12 * j), i == j ? 4 : 0, 1e-14);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 9; k++) sum += of(tall)[4 * k + i] * of(tall)[4 * k + j];
            expect_close(sum, i == j, 1e-14);
        }
}
END_TEST

/* The seed and the name decide, not what was made before; f32 is what f64 is, rounded. */
START_TEST(the_name_and_the_seed_decide)
{
    ag_graph *other = ag_graph_new(NULL);
    ag_net again = ag_net_new(other, AG_F32, 7), reseeded = ag_net_new(other, AG_F64, 8);
    const ag_shape s = AG_SHAPE(2, 3);
    ag_node *a = ag_net_weight(net, "a", s, AG_NORMAL, 0), *b = ag_net_weight(net, "b", s, AG_NORMAL, 0);
    ag_node *y[] = { ag_net_weight(again, "b", s, AG_NORMAL, 0), ag_net_weight(reseeded, "a", s, AG_NORMAL, 0) };
    double of_b[6], of_a[6];
    run(2, (ag_node *[]){ a, b });
    test_evaluate(2, y, NULL, (double *[]){ of_b, of_a });
    for (int i = 0; i < 6; i++) ck_assert(of_b[i] == (float)of(b)[i] && of_a[i] != of(a)[i] && of(a)[i] != of(b)[i]);
    ag_graph_free(other);
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------------------------- */

START_TEST(names_are_paths)
{
    ag_net block = ag_net_in(net, "block%d", 2), inner = ag_net_in(block, "attn"), dotted = net;
    dotted.separator = '.';
    dotted.no_bias = 1;
    ag_node *x = values(AG_SHAPE(2, 3));
    ag_net_dense(inner, "wq", x, 4);
    ag_net_dense(ag_net_in(dotted, "layers.%d", 0), "linear1", x, 4);
    ck_assert_ptr_nonnull(ag_find(g, "block2/attn/wq/weight"));
    ck_assert_ptr_nonnull(ag_find(g, "layers.0.linear1.weight"));
    ck_assert_ptr_null(ag_find(g, "layers.0.linear1.bias"));
    expect_well(g);
}
END_TEST

START_TEST(a_layer_called_again_is_the_same)
{
    ag_node *x = values(AG_SHAPE(2, 3)), *longer = values(AG_SHAPE(5, 3));
    ag_node *y = ag_net_dense(net, "out", x, 4);
    const ag_node *w = ag_find(g, "out/weight");
    ag_node *z = ag_net_dense(net, "out", longer, 4);
    ck_assert_ptr_eq(ag_find(g, "out/weight"), w);
    run(2, (ag_node *[]){ y, z });
    expect_all(8, of(y), of(z)); /* rows are drawn alike */
}
END_TEST

START_TEST(wrong_layers)
{
    ag_node *x = values(AG_SHAPE(2, 3)), *images = values(AG_SHAPE(1, 3, 4, 4)), *rows = values(AG_SHAPE(1, 2, 4));
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    ag_net_dense(net, "taken", x, 4);
#define WRONG(call, status, ...) \
    ck_assert(ag_is_bad(call));  \
    expect_error(g, status, __VA_ARGS__)
    WRONG(ag_net_dense(net, "taken", x, 5), AG_ESHAPE, "ag_net_weight", "taken/weight", "f64[5,3]", "f64[4,3]");
    WRONG(ag_net_dense(net, "dense", ag_number(g, 1), 5), AG_ESHAPE, "ag_net_dense", "'dense'", "single number");
    WRONG(ag_net_dense(net, "none", x, 0), AG_ESHAPE, "[0,3]");
    WRONG(ag_net_dense(net, name, x, 4), AG_EARG, "parameter");
    WRONG(ag_net_dense(ag_net_in(net, "%s", name), "w", x, 4), AG_EARG, "parameter");
    WRONG(ag_net_conv(net, "conv", x, 2, 3, NULL), AG_ESHAPE, "ag_net_conv", "'conv'", "f64[2,3]");
    WRONG(ag_net_conv(net, "conv", images, 2, 3, &(ag_conv_options){ .groups = 2 }), AG_EARG, "2 groups of 3");
    WRONG(ag_net_lstm(net, "lstm", x, 4, 1, NULL, NULL), AG_ESHAPE, "ag_net_lstm", "'lstm'", "[steps, batch, in]");
    WRONG(ag_net_gru(net, "gru", x, 4, 1, NULL, NULL), AG_ESHAPE, "ag_net_gru", "'gru'");
    ag_node *sequence = values(AG_SHAPE(2, 2, 3));
    WRONG(ag_net_gru(net, "gru", sequence, 4, 0, NULL, NULL), AG_EARG, "ag_net_gru", "'gru'", "0 layers");
    WRONG(ag_net_attention(net, "attn", rows, NULL, 3, NULL, 0), AG_EARG, "ag_net_attention", "4 columns", "3 heads");
    WRONG(ag_net_attention(net, "attn", rows, x, 2, NULL, 0), AG_ESHAPE, "ag_net_attention", "[batch, s, width]");
    WRONG(ag_net_weight(ag_net_new(g, AG_I64, 0), "w", AG_SHAPE(2), AG_ZEROS, 0), AG_ETYPE, "ag_net_weight");
    ag_node *bad = ag_dot(x, x);
    ag_graph_clear(g);
    ck_assert_ptr_eq(ag_net_transformer(net, "t", bad, 2, 8, NULL, 0), bad);
    ck_assert_ptr_eq(ag_net_lstm(net, "l", bad, 4, 1, NULL, NULL), bad);
    expect_well(g);
}
END_TEST

Suite *suite_networks(void)
{
    Suite *s = suite_create("networks");
    TCase *t = tcase_create("networks");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, dense_layers);
    tcase_add_test(t, convolutions);
    tcase_add_test(t, transposed_convolutions);
    tcase_add_test(t, norms_of_groups_and_by_size);
    tcase_add_test(t, embeddings_and_norms);
    tcase_add_test(t, batch_norm_of_a_trained_network);
    tcase_add_test(t, long_short_term_memory);
    tcase_add_test(t, two_layers_of_it);
    tcase_add_test(t, gated_recurrent_units);
    tcase_add_test(t, attention_to_another_sequence);
    tcase_add_test(t, transformer_block);
    tcase_add_test(t, what_a_transformer_drops);
    tcase_add_test(t, what_is_dropped_between_recurrent_layers);
    tcase_add_loop_test(t, first_values, 0, (int)COUNT(kinds));
    tcase_add_test(t, truncated_at_two);
    tcase_add_test(t, orthonormal_rows_or_columns);
    tcase_add_test(t, the_name_and_the_seed_decide);
    tcase_add_test(t, names_are_paths);
    tcase_add_test(t, a_layer_called_again_is_the_same);
    tcase_add_test(t, wrong_layers);
    suite_add_tcase(s, t);
    return s;
}
