/* GradBench's problems through the program's own protocol: values against plain C loops, derivatives against
 * differences of those loops, closed forms and published outputs; and everything a caller can get wrong. */
#include "test.h"

#include "../demos/gradbench/eval.h"
#include "bench/gradbench/input.h"

#include <string.h>

static cache *kept;

static void begin(void)
{
    kept = cache_new();
    ck_assert_ptr_nonnull(kept);
}

static void end(void)
{
    cache_free(kept);
}

/* The answer to a line, parsed; it is one line of JSON whatever the question. */
static json_t *say(const char *line)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    answer(kept, line, strlen(line), out);
    fclose(out);
    json_error_t error;
    json_t *reply = json_loads(text, 0, &error);
    ck_assert_msg(json_is_object(reply) && size && strchr(text, '\n') == text + size - 1, "%s -> %s", line, text);
    free(text);
    return reply;
}

static int flatten(const json_t *j, double *out)
{
    if (json_is_number(j)) return *out = json_number_value(j), 1;
    int n = 0;
    for (size_t i = 0; i < json_array_size(j); i++) n += flatten(json_array_get(j, i), out + n);
    return n;
}

/* Takes the input; the function's output. */
static json_t *ask(const char *module, const char *function, json_t *input)
{
    if (json_is_object(input)) json_object_set_new(input, "min_runs", json_integer(2));
    json_t *message = json_pack("{s:i, s:s, s:s, s:s, s:o}", "id", 7, "kind", "evaluate", "module", module, "function",
                                function, "input", input);
    char *line = json_dumps(message, 0);
    json_t *reply = say(line), *output = json_object_get(reply, "output");
    ck_assert_msg(json_is_true(json_object_get(reply, "success")), "%s %s: %s", module, function,
                  json_string_value(json_object_get(reply, "error")));
    ck_assert_int_eq(json_integer_value(json_object_get(reply, "id")), 7);
    ck_assert_uint_ge(json_array_size(json_object_get(reply, "timings")), 2);
    json_incref(output);
    json_decref(reply);
    json_decref(message);
    free(line);
    return output;
}

static void ask_numbers(const char *module, const char *function, json_t *input, int n, double *out)
{
    json_t *output = ask(module, function, input);
    ck_assert_int_eq(flatten(output, out), n);
    json_decref(output);
}

static double ask_number(const char *module, const char *function, json_t *input)
{
    double x;
    ask_numbers(module, function, input, 1, &x);
    return x;
}

/* ---- differences ------------------------------------------------------------------------------------------------ */

typedef double function_of(const void *);

/* Of f by the number at x, which is in what f looks at: central differences with an error of the fourth order. */
static double slope_at(function_of *f, const void *context, double *x)
{
    const double h = 5e-4, at = *x;
    double y[4];
    for (int i = 0; i < 4; i++) {
        *x = at + h * (i < 2 ? i - 2 : i - 1);
        y[i] = f(context);
    }
    *x = at;
    return (8 * (y[2] - y[1]) - (y[3] - y[0])) / (12 * h);
}

static void expect_slopes(function_of *f, const void *context, double *x, int n, const double *got)
{
    for (int i = 0; i < n; i++) expect_close(got[i], slope_at(f, context, &x[i]), 1e-8);
}

/* ---- the small ones --------------------------------------------------------------------------------------------- */

START_TEST(hello_squares)
{
    expect_close(ask_number("hello", "square", json_real(1.5)), 2.25, 0);
    expect_close(ask_number("hello", "double", json_real(1.5)), 3, 0);
    expect_close(ask_number("hello", "double", json_integer(-4)), -8, 0);
}
END_TEST

typedef struct {
    int64_t n, m;
    double *x;
} numbers;

static double llsq(const void *context)
{
    const numbers *p = context;
    return gb_llsq(p->n, p->m, p->x);
}

START_TEST(llsq_is_its_sum)
{
    static const int64_t size[][2] = { { 2, 1 }, { 5, 2 }, { 40, 9 }, { 3000, 128 } };
    double published[3], x[] = { 0.1, 0.2, 0.3 };
    ask_numbers("llsq", "gradient", gb_llsq_input(4, 3, x), 3, published);
    expect_close(published[0], 1.066666666666667, 1e-14);
    expect_close(published[1], -2.2222222222222223, 1e-14);
    expect_close(published[2], 0.8296296296296299, 1e-14);
    for (size_t i = 0; i < COUNT(size); i++) {
        gb_rng r = { i };
        double got[128];
        numbers p = { size[i][0], size[i][1], gb_normals(&r, size[i][1]) };
        expect_close(ask_number("llsq", "primal", gb_llsq_input(p.n, p.m, p.x)), llsq(&p), 1e-11);
        ask_numbers("llsq", "gradient", gb_llsq_input(p.n, p.m, p.x), (int)p.m, got);
        expect_slopes(llsq, &p, p.x, (int)p.m, got);
        free(p.x);
    }
}
END_TEST

START_TEST(lse_has_softmax_for_gradient)
{
    static const int64_t size[] = { 1, 2, 700, 20000 };
    for (size_t i = 0; i < COUNT(size); i++) {
        gb_rng r = { i };
        int64_t n = size[i];
        double *x = gb_uniforms(&r, n, -30, 800), *got = gb_take(n, sizeof *got), y = gb_lse(n, x);
        expect_close(ask_number("lse", "primal", gb_lse_input(n, x)), y, 1e-13);
        ask_numbers("lse", "gradient", gb_lse_input(n, x), (int)n, got);
        for (int64_t j = 0; j < n; j++) expect_close(got[j], exp(x[j] - y), 1e-13);
        free(x), free(got);
    }
}
END_TEST

static double last_y(const void *context)
{
    const numbers *p = context;
    double y[16];
    gb_ode(p->n, p->x, p->m, y);
    return y[p->n - 1];
}

START_TEST(ode_is_stepped)
{
    static const int64_t size[][2] = { { 1, 1 }, { 2, 1 }, { 4, 3 }, { 7, 5 }, { 10, 20 } };
    for (size_t i = 0; i < COUNT(size); i++) {
        gb_rng r = { i };
        double y[16], want[16], got[16];
        numbers p = { size[i][0], size[i][1], gb_uniforms(&r, size[i][0], 0.5, 1.5) };
        gb_ode(p.n, p.x, p.m, want);
        ask_numbers("ode", "primal", gb_ode_input(p.n, p.x, p.m), (int)p.n, y);
        for (int64_t j = 0; j < p.n; j++) expect_close(y[j], want[j], 1e-13);
        ask_numbers("ode", "gradient", gb_ode_input(p.n, p.x, p.m), (int)p.n, got);
        expect_slopes(last_y, &p, p.x, (int)p.n, got);
        free(p.x);
    }
}
END_TEST

/* Up to four equations the method is exact: y_3 = x_0 x_1 x_2 x_3 t^4 / 24 at t = 2. */
START_TEST(ode_has_a_closed_form)
{
    double x[] = { 1, 2, 3, 4 }, want[] = { 2, 4, 8, 16 }, y[4], dx[4];
    ask_numbers("ode", "primal", gb_ode_input(4, x, 3), 4, y);
    ask_numbers("ode", "gradient", gb_ode_input(4, x, 3), 4, dx);
    for (int i = 0; i < 4; i++) {
        expect_close(y[i], want[i], 1e-13);
        expect_close(dx[i], 16 / x[i], 1e-13);
    }
}
END_TEST

static double determinant(const void *context)
{
    const numbers *p = context;
    return gb_det(p->n, p->x);
}

START_TEST(det_is_expanded)
{
    double known[] = { 2, 0, 1, 3, 1, 0, 0, 5, 4 }; /* 8 + 15 */
    expect_close(ask_number("det", "primal", gb_det_input(3, known)), 23, 1e-15);
    for (int64_t n = 1; n <= 6; n++) {
        gb_rng r = { (uint64_t)n };
        double got[36];
        numbers p = { n, 0, gb_normals(&r, n * n) };
        expect_close(ask_number("det", "primal", gb_det_input(n, p.x)), determinant(&p), 1e-13);
        ask_numbers("det", "gradient", gb_det_input(n, p.x), (int)(n * n), got);
        expect_slopes(determinant, &p, p.x, (int)(n * n), got);
        free(p.x);
    }
}
END_TEST

/* ---- the large ones --------------------------------------------------------------------------------------------- */

static double gmm(const void *context)
{
    return gb_gmm_objective(context);
}

START_TEST(gmm_is_its_density)
{
    static const int64_t size[][3] = { { 1, 1, 1 }, { 1, 3, 4 }, { 2, 1, 5 }, { 3, 4, 20 }, { 5, 2, 9 } };
    for (size_t i = 0; i < COUNT(size); i++) {
        int64_t d = size[i][0], k = size[i][1];
        gb_gmm g = gb_gmm_random(d, k, size[i][2], i);
        double got[64], *parameter[] = { g.alpha, g.mu, g.q, g.l };
        int64_t count[] = { k, k * d, k * d, k * (d * (d - 1) / 2) };
        g.m = (int64_t)i, g.gamma = 1 + 0.25 * (double)i;
        expect_close(ask_number("gmm", "objective", gb_gmm_input(&g)), gmm(&g), 1e-12);
        json_t *output = ask("gmm", "jacobian", gb_gmm_input(&g));
        for (int j = 0; j < 4; j++) {
            const json_t *part = json_object_get(output, (const char *[]){ "alpha", "mu", "q", "l" }[j]);
            ck_assert_int_eq(json_array_size(part), k);
            ck_assert_int_eq(flatten(part, got), count[j]);
            expect_slopes(gmm, &g, parameter[j], (int)count[j], got);
        }
        json_decref(output);
        gb_gmm_free(&g);
    }
}
END_TEST

/* One component of one dimension: the density of a Gaussian and the prior, a Wishart with 2 + m degrees of freedom. */
START_TEST(gmm_has_a_closed_form)
{
    double alpha = 0.3, mu = 0.2, q = 0.4, x = 1.1, pi = 3.14159265358979323846;
    gb_gmm g = { .d = 1, .k = 1, .n = 1, .gamma = 1.5, .alpha = &alpha, .mu = &mu, .q = &q, .x = &x };
    double root = exp(q), gauss = log(root) - 0.5 * log(2 * pi) - 0.5 * root * root * (x - mu) * (x - mu);
    double prior = 2 * (log(1.5) - 0.5 * log(2)) - lgamma(1) - 0.5 * 1.5 * 1.5 * root * root;
    expect_close(ask_number("gmm", "objective", gb_gmm_input(&g)), gauss + prior, 1e-14);
}
END_TEST

typedef struct {
    gb_ba *b;
    int row;
} ba_row;

static double ba_error(const void *context)
{
    const ba_row *at = context;
    gb_ba one = *at->b;
    double out[2], weight;
    one.p = 1;
    gb_ba_objective(&one, out, &weight);
    return out[at->row];
}

static void check_ba_objective(const gb_ba *b)
{
    double *want = gb_take(3 * b->p, sizeof *want), elements[2];
    json_t *output = ask("ba", "objective", gb_ba_input(b));
    const json_t *error = json_object_get(output, "reproj_error"), *weight = json_object_get(output, "w_err");
    gb_ba_objective(b, want, want + 2 * b->p);
    ck_assert_int_eq(flatten(json_object_get(error, "elements"), elements), 2);
    expect_close(elements[0], want[0], 1e-13);
    expect_close(elements[1], want[1], 1e-13);
    expect_close(json_number_value(json_object_get(weight, "element")), want[2 * b->p], 1e-15);
    ck_assert_int_eq(json_integer_value(json_object_get(error, "repeated")), b->p);
    ck_assert_int_eq(json_integer_value(json_object_get(weight, "repeated")), b->p);
    json_decref(output);
    free(want);
}

static void check_ba_values(gb_ba *b, const json_t *output)
{
    double values[31];
    ck_assert_int_eq(flatten(json_object_get(output, "vals"), values), 31);
    for (int row = 0; row < 2; row++) {
        ba_row at = { b, row };
        expect_slopes(ba_error, &at, b->cameras, 11, values + 15 * row);
        expect_slopes(ba_error, &at, b->points, 3, values + 15 * row + 11);
        expect_slopes(ba_error, &at, b->weights, 1, values + 15 * row + 14);
    }
    expect_close(values[30], -2 * b->weights[b->p - 1], 1e-15);
}

/* The first two rows and what follows them in compressed rows. */
static void check_ba_structure(const gb_ba *b, const json_t *output)
{
    double start[31], column[31];
    ck_assert_int_eq(flatten(json_object_get(output, "rows"), start), 31);
    ck_assert_int_eq(flatten(json_object_get(output, "cols"), column), 31);
    for (int i = 0; i < 30; i++) {
        int64_t reprojections = i < 2 * b->p ? i : 2 * b->p, j = i % 15, after = 11 * b->n + 3 * b->m;
        expect_close(start[i], (double)(15 * reprojections + (i - reprojections)), 0);
        expect_close(column[i], (double)(j < 11 ? j : j < 14 ? 11 * b->n + j - 11 : after), 0);
    }
    expect_close(start[30], (double)(31 * b->p), 0);
    expect_close(column[30], (double)(11 * b->n + 3 * b->m + b->p - 1), 0);
}

START_TEST(ba_is_reprojected)
{
    static const int64_t size[][3] = { { 1, 1, 10 }, { 3, 5, 12 }, { 7, 2, 40 } };
    for (size_t i = 0; i < COUNT(size); i++)
        for (int still = 0; still < 2; still++) {
            gb_ba b = gb_ba_random(size[i][0], size[i][1], size[i][2], i);
            for (int64_t j = 0; still && j < b.n; j++) memset(b.cameras + 11 * j, 0, 3 * sizeof(double));
            check_ba_objective(&b);
            json_t *output = ask("ba", "jacobian", gb_ba_input(&b));
            check_ba_values(&b, output);
            check_ba_structure(&b, output);
            json_decref(output);
            gb_ba_free(&b);
        }
}
END_TEST

typedef struct {
    gb_ht *h;
    int64_t row;
} ht_row;

static double ht_error(const void *context)
{
    const ht_row *at = context;
    double out[64];
    gb_ht_objective(at->h, out);
    return out[at->row];
}

static void check_ht(gb_ht *h)
{
    int rows = 3 * (int)h->count, columns = GB_THETA + (h->us ? 2 : 0);
    double want[64], got[64], *jacobian = gb_take(rows * columns, sizeof *jacobian);
    gb_ht_objective(h, want);
    ask_numbers("ht", "objective", gb_ht_input(h), rows, got);
    for (int i = 0; i < rows; i++) expect_close(got[i], want[i], 1e-12);
    ask_numbers("ht", "jacobian", gb_ht_input(h), rows * columns, jacobian);
    for (int i = 0; i < rows; i++) {
        ht_row at = { h, i };
        const double *row = jacobian + i * columns;
        if (h->us) expect_slopes(ht_error, &at, h->us + 2 * (i / 3), 2, row);
        expect_slopes(ht_error, &at, h->theta, GB_THETA, row + columns - GB_THETA);
    }
    free(jacobian);
}

START_TEST(ht_is_posed)
{
    for (int variant = 0; variant < 8; variant++) {
        gb_ht h = gb_ht_random(30, 5, variant & 1, (uint64_t)variant);
        h.mirrored = variant >> 1 & 1;
        check_ht(&h);
        gb_ht_free(&h);
    }
}
END_TEST

/* Below an angle of 1e-4 nothing turns, and nothing depends on the rotation. */
START_TEST(ht_stands_still_at_small_angles)
{
    gb_ht h = gb_ht_random(30, 4, 0, 11);
    double want[12], got[12], jacobian[12 * GB_THETA];
    for (int i = 0; i < 3; i++) h.theta[i] = i * 1e-5;
    gb_ht_objective(&h, want);
    ask_numbers("ht", "objective", gb_ht_input(&h), 12, got);
    ask_numbers("ht", "jacobian", gb_ht_input(&h), 12 * GB_THETA, jacobian);
    for (int i = 0; i < 12; i++) {
        expect_close(got[i], want[i], 1e-12);
        for (int j = 0; j < 3; j++) expect_close(jacobian[i * GB_THETA + j], 0, 0);
    }
    gb_ht_free(&h);
}
END_TEST

static double lstm(const void *context)
{
    return gb_lstm_objective(context);
}

START_TEST(lstm_is_its_loss)
{
    static const int64_t size[][3] = { { 1, 1, 2 }, { 1, 3, 5 }, { 2, 2, 9 }, { 3, 4, 6 } };
    for (size_t i = 0; i < COUNT(size); i++) {
        int64_t mains = 8 * size[i][0] * size[i][1], extras = 3 * size[i][1];
        gb_lstm p = gb_lstm_random(size[i][0], size[i][1], size[i][2], i);
        double got[128];
        expect_close(ask_number("lstm", "objective", gb_lstm_input(&p)), lstm(&p), 1e-13);
        ask_numbers("lstm", "jacobian", gb_lstm_input(&p), (int)(mains + extras), got);
        expect_slopes(lstm, &p, p.main, (int)mains, got);
        expect_slopes(lstm, &p, p.extra, (int)extras, got + mains);
        gb_lstm_free(&p);
    }
}
END_TEST

/* Newton's direction of a sum of squares goes from the centroid to the mean of its points, reversed. */
static void direction(const gb_kmeans *m, double *out)
{
    for (int64_t j = 0; j < m->k; j++) {
        double count = 0, sum[16] = { 0 };
        for (int64_t i = 0; i < m->n; i++) {
            double best = INFINITY;
            int64_t nearest = 0;
            for (int64_t c = 0; c < m->k; c++) {
                double distance = 0;
                for (int64_t a = 0; a < m->d; a++)
                    distance += pow(m->points[i * m->d + a] - m->centroids[c * m->d + a], 2);
                if (distance < best) best = distance, nearest = c;
            }
            if (nearest != j) continue;
            for (int64_t a = 0; a < m->d; a++) sum[a] += m->points[i * m->d + a];
            count++;
        }
        for (int64_t a = 0; a < m->d; a++) out[j * m->d + a] = m->centroids[j * m->d + a] - sum[a] / count;
    }
}

START_TEST(kmeans_goes_to_the_means)
{
    static const int64_t size[][3] = { { 1, 4, 1 }, { 2, 9, 3 }, { 5, 60, 8 }, { 16, 900, 16 } };
    for (size_t i = 0; i < COUNT(size); i++) {
        gb_kmeans m = gb_kmeans_random(size[i][0], size[i][1], size[i][2], i);
        double want[256], got[256];
        direction(&m, want);
        expect_close(ask_number("kmeans", "cost", gb_kmeans_input(&m)), gb_kmeans_cost(&m), 1e-12);
        ask_numbers("kmeans", "dir", gb_kmeans_input(&m), (int)(m.k * m.d), got);
        for (int64_t j = 0; j < m.k * m.d; j++) expect_close(got[j], want[j], 1e-12);
        gb_kmeans_free(&m);
    }
}
END_TEST

/* ---- nested derivatives ----------------------------------------------------------------------------------------- */

static const char *const MODE[] = { "ff", "fr", "rf", "rr" };

START_TEST(particle_meets_the_origin)
{
    expect_close(gb_particle(0), 0.2071918746486116, 1e-12);
    for (int i = 0; i < 4; i++) {
        expect_close(ask_number("particle", MODE[i], json_pack("{s:f}", "w", 0.0)), 0.2071918746486116, 1e-12);
        expect_close(ask_number("particle", MODE[i], json_pack("{s:f}", "w", 0.5)), gb_particle(0.5), 1e-9);
    }
}
END_TEST

START_TEST(saddle_is_found)
{
    double start[][2] = { { 1, 1 }, { 0.3, -2 } }, want[4], got[4];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 2; j++) {
            gb_saddle(start[j], want);
            ask_numbers("saddle", MODE[i], json_pack("{s:o}", "start", gb_list(2, start[j])), 4, got);
            for (int k = 0; k < 4; k++) expect_close(got[k], j ? want[k] : 8.246324826140356e-06, 1e-15);
        }
}
END_TEST

/* ---- the protocol ----------------------------------------------------------------------------------------------- */

START_TEST(messages_are_answered)
{
    static const char *const line[][2] = {
        { "{\"id\":0,\"kind\":\"start\",\"eval\":\"llsq\"}", "{\"id\":0,\"tool\":\"autograd\"}" },
        { "{\"id\":1,\"kind\":\"define\",\"module\":\"llsq\"}", "{\"id\":1,\"success\":true}" },
        { "{\"id\":3,\"kind\":\"analysis\",\"of\":2,\"valid\":true}", "{\"id\":3}" },
        { "{\"id\":\"four\",\"kind\":\"nothing known\"}", "{\"id\":\"four\"}" },
        { "{\"id\":5}", "{\"id\":5}" },
    };
    for (size_t i = 0; i < COUNT(line); i++) {
        json_t *got = say(line[i][0]), *want = json_loads(line[i][1], 0, NULL);
        ck_assert_msg(json_equal(got, want), "%s", line[i][0]);
        json_decref(got);
        json_decref(want);
    }
}
END_TEST

START_TEST(every_module_is_defined)
{
    static const char *const module[] = { "hello", "gmm",  "ba",  "ht",  "lstm",     "kmeans",
                                          "llsq",  "lse",  "ode", "det", "particle", "saddle" };
    char line[128];
    for (size_t i = 0; i < COUNT(module); i++) {
        snprintf(line, sizeof line, "{\"id\":1,\"kind\":\"define\",\"module\":\"%s\"}", module[i]);
        json_t *reply = say(line);
        ck_assert(json_is_true(json_object_get(reply, "success")));
        json_decref(reply);
    }
}
END_TEST

#define EVALUATE(module, function, input)                                                   \
    "{\"id\":1,\"kind\":\"evaluate\",\"module\":\"" module "\",\"function\":\"" function       \
    "\",\"input\":" input "}"

/* A line, and words of the reason that refuses it. */
static const char *const REFUSED[][2] = {
    { "garbage", "not a message" },
    { "{\"id\":", "not a message" },
    { "[1]", "not an object" },
    { "{\"id\":1,\"kind\":\"define\",\"module\":\"unheard\"}", "no such module: unheard" },
    { "{\"id\":1,\"kind\":\"define\"}", "no such module" },
    { "{\"id\":1,\"kind\":\"evaluate\"}", "no such module" },
    { EVALUATE("unheard", "square", "1"), "no such module: unheard" },
    { EVALUATE("hello", "cube", "1"), "no function cube" },
    { "{\"id\":1,\"kind\":\"evaluate\",\"module\":\"hello\",\"function\":\"square\"}", "no input" },
    { EVALUATE("hello", "square", "\"one\""), "not a number" },
    { EVALUATE("hello", "square", "1e200"), "not finite" },
    { EVALUATE("lse", "primal", "{}"), "x: missing" },
    { EVALUATE("lse", "primal", "3"), "x: missing" },
    { EVALUATE("lse", "primal", "{\"x\":3}"), "expected a list" },
    { EVALUATE("lse", "primal", "{\"x\":[]}"), "is 0" },
    { EVALUATE("lse", "primal", "{\"x\":[1,\"2\"]}"), "not a number" },
    { EVALUATE("lse", "primal", "{\"x\":[1],\"min_runs\":0.5}"), "min_runs" },
    { EVALUATE("lse", "primal", "{\"x\":[1],\"min_runs\":1e18}"), "min_runs" },
    { EVALUATE("lse", "primal", "{\"x\":[1],\"min_seconds\":1e9}"), "min_seconds" },
    { EVALUATE("lse", "primal", "{\"x\":[1],\"min_seconds\":\"long\"}"), "min_seconds" },
    { EVALUATE("llsq", "gradient", "{\"x\":[1],\"n\":0}"), "n: 0 is not" },
    { EVALUATE("llsq", "gradient", "{\"x\":[1],\"n\":1}"), "n: 1 is not" },
    { EVALUATE("llsq", "gradient", "{\"x\":[1],\"n\":2.5}"), "n: 2.5 is not" },
    { EVALUATE("ode", "gradient", "{\"x\":[1],\"s\":0}"), "s: 0 is not" },
    { EVALUATE("ode", "gradient", "{\"x\":[1,2,3,4],\"s\":200000000}"), "too many steps" },
    { EVALUATE("det", "primal", "{\"A\":[1,2,3],\"ell\":2}"), "A: extent 0 is 3, not 4" },
    { EVALUATE("det", "primal", "{\"A\":[],\"ell\":0}"), "ell: 0 is not" },
    { EVALUATE("det", "primal", "{\"A\":[1],\"ell\":100}"), "ell: 100 is not" },
    { EVALUATE("kmeans", "dir", "{\"points\":[[1,2],[3]],\"centroids\":[[1,2]]}"), "different lengths" },
    { EVALUATE("kmeans", "dir", "{\"points\":[[1,2]],\"centroids\":[[1,2,3]]}"), "centroids: extent 1 is 3, not 2" },
    { EVALUATE("kmeans", "dir", "{\"points\":[],\"centroids\":[]}"), "is 0" },
    { EVALUATE("kmeans", "dir", "{\"points\":[[1]],\"centroids\":[[1],[5]]}"), "not finite" },
    { EVALUATE("gmm", "jacobian", "{\"alpha\":[1],\"mu\":[[1,2]],\"q\":[[1,2]],\"l\":[[1]],\"x\":[[1]],\"m\":0,"
                                  "\"gamma\":1}"), "mu: extent 1 is 2, not 1" },
    { EVALUATE("gmm", "jacobian", "{\"alpha\":[1],\"mu\":[[1,2]],\"q\":[[1,2]],\"l\":[[]],\"x\":[[1,2]],\"m\":0,"
                                  "\"gamma\":1}"), "l: extent 1 is 0" },
    { EVALUATE("gmm", "jacobian", "{\"alpha\":[1],\"mu\":[[1,2]],\"q\":[[1,2]],\"l\":[[1]],\"x\":[[1,2]],\"m\":0,"
                                  "\"gamma\":0}"), "gamma: 0 is not" },
    { EVALUATE("gmm", "jacobian", "{\"alpha\":[],\"mu\":[],\"q\":[],\"l\":[],\"x\":[],\"m\":0,\"gamma\":1}"),
      "is 0" },
    { EVALUATE("ba", "jacobian", "{\"n\":1,\"m\":1,\"p\":0,\"cam\":[1,2,3,4,5,6,7,8,9,10,11],\"x\":[1,2,3],\"w\":1,"
                                 "\"feat\":[1,2]}"), "p: 0 is not" },
    { EVALUATE("ba", "jacobian", "{\"n\":1,\"m\":1,\"p\":1,\"cam\":[1,2,3],\"x\":[1,2,3],\"w\":1,\"feat\":[1,2]}"),
      "cam: extent 0 is 3, not 11" },
    { EVALUATE("ba", "jacobian", "{\"n\":1,\"m\":1,\"p\":1,\"cam\":[],\"x\":[1,2,3],\"feat\":[1,2]}"), "w: missing" },
    { EVALUATE("ht", "jacobian", "{}"), "theta: missing" },
    { EVALUATE("lstm", "jacobian", "{\"main_params\":[],\"extra_params\":[],\"state\":[],\"sequence\":[]}"), "is 0" },
    { EVALUATE("lstm", "jacobian", "{\"main_params\":[[1,2,3,4],[1,2,3,4]],\"extra_params\":[[1],[1],[1]],"
                                   "\"state\":[[1],[1]],\"sequence\":[[1]]}"), "nothing to predict" },
    { EVALUATE("particle", "rr", "{\"w\":null}"), "w: not a number" },
    { EVALUATE("particle", "ff", "{\"w\":1000}"), "does not come down" },
    { EVALUATE("particle", "rr", "{\"w\":1000}"), "does not come down" },
    { EVALUATE("saddle", "rr", "{\"start\":[1,2,3]}"), "start: extent 0 is 3, not 2" },
    { EVALUATE("saddle", "rr", "{\"start\":[1e300,1]}"), "not a number" },
};

START_TEST(bad_messages_are_refused)
{
    for (size_t i = 0; i < COUNT(REFUSED); i++) {
        json_t *reply = say(REFUSED[i][0]);
        const char *error = json_string_value(json_object_get(reply, "error"));
        ck_assert_msg(json_is_false(json_object_get(reply, "success")) && error && strstr(error, REFUSED[i][1]),
                      "%s -> %s", REFUSED[i][0], error ? error : "no error");
        json_decref(reply);
        expect_close(ask_number("hello", "square", json_integer(3)), 9, 0);
    }
}
END_TEST

/* A hand's input with one member replaced. */
static void expect_ht_refused(const char *const path[3], json_t *value, const char *words)
{
    gb_ht h = gb_ht_random(30, 3, 1, 5);
    json_t *input = gb_ht_input(&h), *at = input;
    for (int i = 0; i < 2 && path[i]; i++) at = json_object_get(at, path[i]);
    json_object_set_new(at, path[2], value);
    json_t *message = json_pack("{s:i, s:s, s:s, s:s, s:o}", "id", 1, "kind", "evaluate", "module", "ht", "function",
                                "jacobian", "input", input);
    char *line = json_dumps(message, 0);
    json_t *reply = say(line);
    const char *error = json_string_value(json_object_get(reply, "error"));
    ck_assert_msg(error && strstr(error, words), "%s -> %s", words, error ? error : "no error");
    json_decref(reply);
    json_decref(message);
    free(line);
    gb_ht_free(&h);
}

START_TEST(bad_hands_are_refused)
{
    static const char *const input[] = { NULL, NULL, "theta" }, *const us[] = { NULL, NULL, "us" };
    static const char *const parents[] = { "data", "model", "parents" };
    static const char *const faces[] = { "data", "model", "triangles" };
    static const char *const weights[] = { "data", "model", "weights" };
    static const char *const of[] = { "data", NULL, "correspondences" }, *const points[] = { "data", NULL, "points" };
    json_t *loop = json_array(), *far = json_array();
    for (int i = 0; i < 22; i++) json_array_append_new(loop, json_integer(21 - i));
    for (int i = 0; i < 60; i++) json_array_append_new(far, json_pack("[i, i, i]", 0, 1, 30));
    expect_ht_refused(input, json_pack("[f, f]", 1.0, 2.0), "theta: extent 0 is 2, not 26");
    expect_ht_refused(us, json_pack("[[f, f]]", 1.0, 2.0), "us: extent 0 is 1, not 3");
    expect_ht_refused(parents, loop, "comes before its parent");
    expect_ht_refused(parents, json_array(), "fewer than 22");
    expect_ht_refused(faces, far, "triangles: element 2 is 30");
    expect_ht_refused(weights, json_array(), "weights");
    expect_ht_refused(of, json_pack("[i, i, i]", 0, 1, -1), "correspondences: element 2 is -1");
    expect_ht_refused(of, json_array(), "correspondences: extent 0 is 0");
    expect_ht_refused(points, json_array(), "points");
}
END_TEST

/* More shapes than are kept, each asked for twice. */
START_TEST(plans_are_kept_and_dropped)
{
    double x[32];
    for (int i = 0; i < 32; i++) x[i] = 0.1 * i;
    for (int round = 0; round < 2; round++)
        for (int n = 1; n <= 20; n++)
            expect_close(ask_number("lse", "primal", gb_lse_input(n, x)), gb_lse(n, x), 1e-14);
}
END_TEST

Suite *suite_gradbench(void)
{
    Suite *s = suite_create("gradbench");
    TCase *values = tcase_create("values"), *protocol = tcase_create("protocol");
    tcase_add_checked_fixture(values, begin, end);
    tcase_add_checked_fixture(protocol, begin, end);
    tcase_set_timeout(values, 60);
    tcase_add_test(values, hello_squares);
    tcase_add_test(values, llsq_is_its_sum);
    tcase_add_test(values, lse_has_softmax_for_gradient);
    tcase_add_test(values, ode_is_stepped);
    tcase_add_test(values, ode_has_a_closed_form);
    tcase_add_test(values, det_is_expanded);
    tcase_add_test(values, gmm_is_its_density);
    tcase_add_test(values, gmm_has_a_closed_form);
    tcase_add_test(values, ba_is_reprojected);
    tcase_add_test(values, ht_is_posed);
    tcase_add_test(values, ht_stands_still_at_small_angles);
    tcase_add_test(values, lstm_is_its_loss);
    tcase_add_test(values, kmeans_goes_to_the_means);
    tcase_add_test(values, particle_meets_the_origin);
    tcase_add_test(values, saddle_is_found);
    tcase_add_test(protocol, messages_are_answered);
    tcase_add_test(protocol, every_module_is_defined);
    tcase_add_test(protocol, bad_messages_are_refused);
    tcase_add_test(protocol, bad_hands_are_refused);
    tcase_add_test(protocol, plans_are_kept_and_dropped);
    suite_add_tcase(s, values);
    suite_add_tcase(s, protocol);
    return s;
}
