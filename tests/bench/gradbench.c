/* GradBench: a derivative of every problem at the sizes that are published, against the plain C function alone. */
#include "bench.h"

#include "../../demos/gradbench/eval.h"
#include "gradbench/input.h"

#include <stdlib.h>

typedef struct row row;
typedef struct {
    const row *of;
    union {
        gb_gmm gmm;
        gb_ba ba;
        gb_ht ht;
        gb_lstm lstm;
        gb_kmeans kmeans;
    } is;
    double *x, *y; /* vectors in, and room for what the function gives */
    problem *problem;
    double sink;
} instance;

/* Fills the instance and returns it as input. */
typedef json_t *make_input(instance *);

struct row {
    const char *module, *function;
    int64_t size[3];
    make_input *make;
    bench_work *primal;
    double goal; /* milliseconds: what hand-written derivatives or other tools take, as a fraction of theirs; 0: none */
};

/* ---- problems ---------------------------------------------------------------------------------------------------- */

static json_t *make_gmm(instance *i)
{
    i->is.gmm = gb_gmm_random(i->of->size[0], i->of->size[1], 1000, 1);
    return gb_gmm_input(&i->is.gmm);
}

static void gmm(void *context)
{
    instance *i = context;
    i->sink += gb_gmm_objective(&i->is.gmm);
}

static json_t *make_ba(instance *i)
{
    const int64_t *size = i->of->size;
    i->is.ba = gb_ba_random(size[0], size[1], size[2], 1);
    i->y = gb_take(3 * size[2], sizeof *i->y);
    return gb_ba_input(&i->is.ba);
}

static void ba(void *context)
{
    instance *i = context;
    gb_ba_objective(&i->is.ba, i->y, i->y + 2 * i->is.ba.p);
}

static json_t *make_ht(instance *i)
{
    const int64_t *size = i->of->size;
    i->is.ht = gb_ht_random(size[0], size[1], (int)size[2], 1);
    i->y = gb_take(3 * size[1], sizeof *i->y);
    return gb_ht_input(&i->is.ht);
}

static void ht(void *context)
{
    instance *i = context;
    gb_ht_objective(&i->is.ht, i->y);
}

static json_t *make_lstm(instance *i)
{
    i->is.lstm = gb_lstm_random(i->of->size[0], 14, i->of->size[1], 1);
    return gb_lstm_input(&i->is.lstm);
}

static void lstm(void *context)
{
    instance *i = context;
    i->sink += gb_lstm_objective(&i->is.lstm);
}

static json_t *make_kmeans(instance *i)
{
    i->is.kmeans = gb_kmeans_random(i->of->size[0], i->of->size[1], i->of->size[2], 1);
    return gb_kmeans_input(&i->is.kmeans);
}

static void kmeans(void *context)
{
    instance *i = context;
    i->sink += gb_kmeans_cost(&i->is.kmeans);
}

static double *vector(int64_t n)
{
    gb_rng r = { 1 };
    return gb_uniforms(&r, n, 0, 1);
}

static json_t *make_llsq(instance *i)
{
    i->x = vector(128);
    return gb_llsq_input(i->of->size[0], 128, i->x);
}

static void llsq(void *context)
{
    instance *i = context;
    i->sink += gb_llsq(i->of->size[0], 128, i->x);
}

static json_t *make_lse(instance *i)
{
    i->x = vector(i->of->size[0]);
    return gb_lse_input(i->of->size[0], i->x);
}

static void lse(void *context)
{
    instance *i = context;
    i->sink += gb_lse(i->of->size[0], i->x);
}

static json_t *make_ode(instance *i)
{
    i->x = vector(i->of->size[0]);
    i->y = gb_take(i->of->size[0], sizeof *i->y);
    return gb_ode_input(i->of->size[0], i->x, i->of->size[1]);
}

static void ode(void *context)
{
    instance *i = context;
    gb_ode(i->of->size[0], i->x, i->of->size[1], i->y);
}

static json_t *make_det(instance *i)
{
    i->x = vector(i->of->size[0] * i->of->size[0]);
    return gb_det_input(i->of->size[0], i->x);
}

static void det(void *context)
{
    instance *i = context;
    i->sink += gb_det(i->of->size[0], i->x);
}

static json_t *make_particle(instance *i)
{
    (void)i;
    return json_pack("{s:f}", "w", 0.0);
}

static void particle(void *context)
{
    instance *i = context;
    i->sink += gb_particle(0);
}

static json_t *make_saddle(instance *i)
{
    (void)i;
    return json_pack("{s:[f, f]}", "start", 1.0, 1.0);
}

static void saddle(void *context)
{
    instance *i = context;
    double start[] = { 1, 1 }, out[4];
    gb_saddle(start, out);
    i->sink += out[0];
}

static const row rows[] = {
    { "gmm", "jacobian", { 10, 25 }, make_gmm, gmm, 0.35 * 3.65 },
    { "gmm", "jacobian", { 32, 50 }, make_gmm, gmm, 0.35 * 36.7 },
    { "gmm", "jacobian", { 64, 100 }, make_gmm, gmm, 0.35 * 243 },
    { "ba", "jacobian", { 49, 7776, 31843 }, make_ba, ba, 0.7 * 5.7 },
    { "ba", "jacobian", { 257, 65132, 225911 }, make_ba, ba, 0.7 * 77 },
    { "ht", "jacobian", { 544, 100, 0 }, make_ht, ht, 0.85 },
    { "ht", "jacobian", { 10000, 100, 1 }, make_ht, ht, 14.3 },
    { "lstm", "jacobian", { 2, 1024 }, make_lstm, lstm, 0.6 * 4.7 },
    { "lstm", "jacobian", { 4, 4096 }, make_lstm, lstm, 0.6 * 33 },
    { "kmeans", "dir", { 10, 1000, 8 }, make_kmeans, kmeans, 0.032 },
    { "kmeans", "dir", { 100, 10000, 16 }, make_kmeans, kmeans, 6.0 },
    { "kmeans", "dir", { 1000, 10000, 16 }, make_kmeans, kmeans, 62 },
    { "llsq", "gradient", { 1024 }, make_llsq, llsq, 0.5 * 0.206 },
    { "llsq", "gradient", { 16392 }, make_llsq, llsq, 0.5 * 3.44 },
    { "lse", "gradient", { 40000 }, make_lse, lse, 0.5 * 0.249 },
    { "lse", "gradient", { 1280000 }, make_lse, lse, 0.5 * 8.5 },
    { "ode", "gradient", { 1000, 10 }, make_ode, ode, 0.6 * 0.218 },
    { "ode", "gradient", { 10000, 100 }, make_ode, ode, 0.6 * 9.3 },
    { "det", "gradient", { 7 }, make_det, det, 0.01 * 0.335 },
    { "det", "gradient", { 10 }, make_det, det, 0.01 * 345 },
    { "particle", "ff", { 0 }, make_particle, particle, 0.82 },
    { "particle", "fr", { 0 }, make_particle, particle, 0.82 },
    { "particle", "rf", { 0 }, make_particle, particle, 0.82 },
    { "particle", "rr", { 0 }, make_particle, particle, 0.82 },
    { "saddle", "ff", { 0 }, make_saddle, saddle, 1.4 },
    { "saddle", "fr", { 0 }, make_saddle, saddle, 1.4 },
    { "saddle", "rf", { 0 }, make_saddle, saddle, 1.4 },
    { "saddle", "rr", { 0 }, make_saddle, saddle, 1.4 },
};

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static const eval *eval_of(const row *r)
{
    return find_eval(r->module);
}

static void ours(void *context)
{
    instance *i = context;
    reason why = { "" };
    bench_require(evaluate_once(eval_of(i->of), i->problem, &why) ? AG_EARG : AG_OK, why.text);
}

static void print(const row *r, double prepare, bench_times t)
{
    char name[64];
    int length = snprintf(name, sizeof name, "gradbench %s", r->module);
    for (int k = 0; k < 3 && r->size[k]; k++)
        length += snprintf(name + length, sizeof name - (size_t)length, "%c%lld", k ? ',' : ' ', (long long)r->size[k]);
    snprintf(name + length, sizeof name - (size_t)length, " %s", r->function);
    bench_print(name, "ms", 1e3, t);
    printf(" prepare=%.3g goal=%.3g%s\n", prepare * 1e3, r->goal, t.ours * 1e3 <= r->goal ? "" : " MISSED");
}

static void measure(const row *r, cache *kept)
{
    const eval *e = eval_of(r);
    reason why = { "" };
    instance i = { .of = r, .problem = calloc(1, e->size) };
    json_t *input = r->make(&i);
    bench_require(i.problem && input ? AG_OK : AG_EMEM, "out of memory");
    i.problem->function = find_function(e, r->function);
    i.problem->cache = kept;
    bench_require(e->parse(i.problem, input, &why) ? AG_EARG : AG_OK, why.text);
    double start = bench_wall();
    bench_require(e->prepare(i.problem, &why) ? AG_EARG : AG_OK, why.text);
    double prepare = bench_wall() - start;
    print(r, prepare, bench_compare(ours, r->primal, &i));
    e->release(i.problem);
    json_decref(input);
    free(i.problem), free(i.x), free(i.y);
    if (r->make == make_gmm) gb_gmm_free(&i.is.gmm);
    if (r->make == make_ba) gb_ba_free(&i.is.ba);
    if (r->make == make_ht) gb_ht_free(&i.is.ht);
    if (r->make == make_lstm) gb_lstm_free(&i.is.lstm);
    if (r->make == make_kmeans) gb_kmeans_free(&i.is.kmeans);
}

void bench_gradbench(const char *name)
{
    cache *kept = cache_new();
    (void)name;
    bench_require(kept ? AG_OK : AG_EMEM, "out of memory");
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        measure(&rows[k], kept);
        fflush(stdout);
    }
    cache_free(kept);
}
