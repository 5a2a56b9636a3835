/* Programs whose extents plans choose: trained, stepped, exported and misused; beside programs that were built for each
 * size. */
#include "folder.h"
#include "graph/graph.h"

#define OF(name, n) (&(ag_options){ .extent = { { name, n } } })
#define OF_TWO(a, n, b, m) (&(ag_options){ .extent = { { a, n }, { b, m } } })

static void fill(double *to, int64_t n, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) to[i] = test_random(&seed, -1, 1);
}

static ag_node *weight(ag_graph *g, const char *name, ag_shape s, uint64_t seed)
{
    double values[512];
    float narrow[512];
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    ck_assert_int_le(n, 512);
    fill(values, n, seed);
    for (int64_t i = 0; i < n; i++) narrow[i] = (float)(values[i] / 2);
    return ag_parameter(g, name, AG_F32, s, narrow);
}

/* ---- programs of a batch and a length ---------------------------------------------------------------------------- */

enum { MOST_INPUTS = 3, MOST_OUTPUTS = 12, WIDTH = 4, CLASSES = 3 };

typedef struct {
    ag_node *input[MOST_INPUTS], *output[MOST_OUTPUTS];
    int inputs, outputs;
} model;

/* Its value, the gradient by all its parameters and inputs, and a product with the second derivatives. */
static void finish(model *m, ag_node *loss, int n, ag_node *const x[])
{
    ag_node *dx[8], *v = ag_full(loss->graph, AG_F32, ag_shape_of(x[0]), 0.5);
    m->output[m->outputs++] = loss;
    ck_assert_msg(!ag_gradient(loss, n, x, dx), "%s", ag_graph_error(loss->graph));
    for (int k = 0; k < n; k++) m->output[m->outputs++] = dx[k];
    m->output[m->outputs++] = ag_hvp(loss, x[0], v);
    expect_well(loss->graph);
}

static model dense(ag_graph *g, int64_t batch, int64_t length)
{
    model m = { .inputs = 2 };
    (void)length;
    ag_node *x = m.input[0] = ag_input(g, "x", AG_F32, AG_SHAPE(batch, WIDTH));
    ag_node *t = m.input[1] = ag_input(g, "t", AG_I64, AG_SHAPE(batch));
    ag_node *w = weight(g, "w", AG_SHAPE(WIDTH, CLASSES), 1), *b = weight(g, "b", AG_SHAPE(CLASSES), 2);
    ag_node *y = ag_add(ag_matmul(ag_dropout(ag_tanh(x), 0.25), w), b);
    ag_node *loss = ag_cross_entropy_with(y, t, &(ag_cross_entropy_options){ .smoothing = 0.1 });
    loss = ag_add(loss, ag_mean(ag_var_axis(y, 0, 0, 0)));
    finish(&m, loss, 3, (ag_node *[]){ w, b, x });
    m.output[m.outputs++] = ag_argmax(y, 1);
    return m;
}

static model stepped(ag_graph *g, int64_t batch, int64_t length)
{
    model m = { .inputs = 2 };
    ag_node *x = m.input[0] = ag_input(g, "x", AG_F32, AG_SHAPE(length, batch, WIDTH));
    ag_node *h0 = m.input[1] = ag_input(g, "h0", AG_F32, AG_SHAPE(batch, WIDTH));
    ag_node *w = weight(g, "w", AG_SHAPE(WIDTH, WIDTH), 1), *u = weight(g, "u", AG_SHAPE(WIDTH, WIDTH), 2);
    ag_node *h = ag_input(g, NULL, AG_F32, AG_SHAPE(batch, WIDTH));
    ag_node *e = ag_input(g, NULL, AG_F32, AG_SHAPE(batch, WIDTH));
    ag_node *next = ag_tanh(ag_add(ag_matmul(h, w), ag_matmul(e, u))), *result = ag_mean_axis(next, 0, 0), *final, *all;
    ag_scan(&(ag_scan_body){ .length = length, .states = 1, .initial = &h0, .state = &h, .next = &next, .sequences = 1,
                             .sequence = &x, .element = &e, .results = 1, .result = &result }, &final, &all);
    finish(&m, ag_add(ag_mean(ag_square(final)), ag_sum(ag_sin(all))), 4, (ag_node *[]){ w, u, x, h0 });
    return m;
}

/* Attention, layer norms, positions that are numbers of steps, a mean over both. */
static model attending(ag_graph *g, int64_t batch, int64_t length)
{
    model m = { .inputs = 2 };
    ag_node *x = m.input[0] = ag_input(g, "x", AG_F32, AG_SHAPE(batch, length, WIDTH));
    ag_node *t = m.input[1] = ag_input(g, "t", AG_I64, AG_SHAPE(batch, length));
    ag_node *w = weight(g, "w", AG_SHAPE(WIDTH, 3 * WIDTH), 1), *u = weight(g, "u", AG_SHAPE(WIDTH, CLASSES), 2);
    ag_node *at = ag_reshape(ag_arange(g, AG_F32, length), AG_SHAPE(length, 1)), *part[3];
    ag_node *y = ag_matmul(ag_add(x, ag_sin(at)), w);
    ag_split(y, 2, 3, NULL, part);
    y = ag_add(x, ag_attention(part[0], part[1], part[2], 0, 1));
    y = ag_matmul(ag_layer_norm(y, 1, NULL, NULL, 0), u);
    ag_node *loss = ag_cross_entropy(ag_reshape(y, AG_SHAPE(batch * length, CLASSES)),
                                     ag_reshape(t, AG_SHAPE(batch * length)));
    finish(&m, loss, 3, (ag_node *[]){ w, u, x });
    return m;
}

static model convolving(ag_graph *g, int64_t batch, int64_t length)
{
    model m = { .inputs = 1 };
    ag_node *x = m.input[0] = ag_input(g, "x", AG_F32, AG_SHAPE(batch, 2, 8, length)), *update;
    ag_node *w = weight(g, "w", AG_SHAPE(3, 2, 3, 3), 1), *mean = weight(g, "mean", AG_SHAPE(3), 2);
    ag_node *variance = ag_parameter(g, "variance", AG_F32, AG_SHAPE(3), NULL);
    ag_node *y = ag_conv(x, w, &(ag_conv_options){ .stride = { 2, 1 }, .padding = { 1, 1 } });
    y = ag_relu(ag_batch_norm_train(y, NULL, NULL, 0, mean, variance, 0, &update));
    y = ag_avg_pool(y, &(ag_pool_options){ .kernel = { 2, 1 } });
    y = ag_concat(2, (ag_node *[]){ ag_pad(y, 3, 1, 2), ag_flip(ag_slice(y, 3, 0, length, 1), 3) }, 3);
    finish(&m, ag_mean(ag_square(ag_cumsum(y, 3))), 2, (ag_node *[]){ w, x });
    m.output[m.outputs++] = update;
    return m;
}

/* Branches, loops that may end early, what is computed again, gathers at random places. */
static model choosing(ag_graph *g, int64_t batch, int64_t length)
{
    model m = { .inputs = 1 };
    ag_node *x = m.input[0] = ag_input(g, "x", AG_F32, AG_SHAPE(batch, WIDTH)), *w = weight(g, "w", AG_SHAPE(WIDTH), 1);
    ag_node *a = ag_input(g, NULL, AG_F32, AG_SHAPE(batch, WIDTH)), *y, *end;
    ag_node *s = ag_input(g, NULL, AG_F32, AG_SHAPE(batch));
    ag_node *then = ag_mul(a, w), *otherwise = ag_sub(a, w), *first = ag_checkpoint(ag_exp(ag_mul(x, w)));
    ag_cond(ag_less(ag_mean(x), ag_number(g, 0)), 1, &first, &a, 1, &then, &otherwise, &y);
    ag_node *sums = ag_sum_axis(y, 1, 0), *next = ag_add(ag_mul(s, ag_number(g, 0.75)), ag_number(g, 0.1));
    ag_while(ag_less(ag_number(g, 0.5), ag_mean(ag_abs(s))), 1, &sums, &s, &next, 9, &end);
    ag_node *shuffled = ag_gather(y, 0, ag_shuffle(g, batch));
    ag_node *noise = ag_random_normal(g, AG_F32, AG_SHAPE(length, batch));
    ag_node *loss = ag_add(ag_mean(ag_mul(shuffled, x)), ag_mean(ag_mul(noise, end)));
    finish(&m, loss, 2, (ag_node *[]){ w, x });
    return m;
}

typedef struct {
    const char *name;
    model (*build)(ag_graph *, int64_t batch, int64_t length);
    int exact; /* to the last bit, where sums over steps are not split */
} kind;
static const kind kinds[] = { { "dense", dense, 1 },           { "stepped", stepped, 0 }, { "attending", attending, 1 },
                              { "convolving", convolving, 1 }, { "choosing", choosing, 1 } };

static int64_t count_in(const ag_plan *p, const ag_node *x)
{
    const ag_shape s = ag_plan_shape(p, x);
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    return n;
}

static void feed(ag_run *r, const ag_plan *p, const model *m)
{
    static double values[8192];
    static int64_t labels[8192];
    for (int k = 0; k < m->inputs; k++) {
        const int64_t n = count_in(p, m->input[k]);
        ck_assert_int_le(n, 8192);
        fill(values, n, 7 + (uint64_t)k);
        for (int64_t i = 0; i < n; i++) labels[i] = i * 7 % CLASSES;
        ck_assert_int_eq(ag_type_of(m->input[k]) == AG_I64 ? ag_feed_i64(r, m->input[k], labels, n)
                                                           : ag_feed_f64(r, m->input[k], values, n), AG_OK);
    }
}

static double *outputs_of(const ag_plan *p, const model *m, int64_t *count)
{
    ag_run *r = ag_run_new(p);
    static double all[1 << 16];
    *count = 0;
    feed(r, p, m);
    ck_assert_msg(!ag_eval(r), "%s", ag_run_error(r));
    for (int k = 0; k < m->outputs; k++) {
        const ag_dtype type = ag_type_of(m->output[k]);
        const void *data = ag_data(r, m->output[k]);
        for (int64_t i = 0, n = count_in(p, m->output[k]); i < n; i++)
            all[(*count)++] = type == AG_I64 ? (double)((const int64_t *)data)[i] : (double)((const float *)data)[i];
    }
    ag_run_free(r);
    double *copy = malloc((size_t)*count * sizeof *copy);
    return memcpy(copy, all, (size_t)*count * sizeof *copy);
}

static void compare(const kind *k, const model *m, const ag_plan *p, int64_t batch, int64_t length)
{
    ag_graph *g = ag_graph_new(NULL);
    model plain = k->build(g, batch, length);
    ag_plan *q = ag_compile(g, plain.outputs, plain.output, NULL);
    int64_t n, other;
    ck_assert_msg(q != NULL, "%s", ag_graph_error(g));
    double *got = outputs_of(p, m, &n), *want = outputs_of(q, &plain, &other);
    ck_assert_int_eq(n, other);
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(i == 0 && k->exact ? test_same_bits(got[i], want[i]) : test_close(got[i], want[i], 2e-5),
                      "%s, %d by %d: number %d is %.9g, not %.9g", k->name, (int)batch, (int)length, (int)i, got[i],
                      want[i]);
    free(got);
    free(want);
    ag_plan_free(q);
    ag_graph_free(g);
}

static const int64_t some[][2] = { { 6, 5 }, { 2, 3 }, { 1, 1 }, { 17, 2 }, { 3, 40 }, { 1, 9 } };

START_TEST(programs)
{
    const kind *k = &kinds[_i];
    ag_graph *g = ag_graph_new(NULL);
    model m = k->build(g, ag_extent(g, "batch", 6), ag_extent(g, "length", 5));
    ag_plan *first = ag_compile(g, m.outputs, m.output, NULL);
    ck_assert_msg(first != NULL, "%s: %s", k->name, ag_graph_error(g));
    compare(k, &m, first, 6, 5);
    ag_plan_free(first);
    for (size_t i = 0; i < COUNT(some); i++) {
        ag_options o = { .extent = { { "length", some[i][1] }, { "batch", some[i][0] } }, .verify = 1 };
        o.unfused = i % 2, o.poison = i == 2, o.threads = (int)i, o.distinct = i == 3;
        ag_plan *p = ag_compile(g, m.outputs, m.output, &o);
        ck_assert_msg(p != NULL, "%s: %s", k->name, ag_graph_error(g));
        o.unfused = 0;
        compare(&(kind){ k->name, k->build, k->exact && i % 2 == 0 }, &m, p, some[i][0], some[i][1]);
        ag_plan_free(p);
    }
    const int64_t nodes = ag_node_count(g);
    for (size_t i = 0; i < COUNT(some); i++)
        ag_plan_free(ag_compile(g, m.outputs, m.output, OF_TWO("batch", some[i][0], "length", some[i][1])));
    ck_assert_int_eq(ag_node_count(g), nodes);
    ag_graph_free(g);
}
END_TEST

/* ---- exported ---------------------------------------------------------------------------------------------------- */

static const char main_text[] =
    "#include <stdio.h>\n"
    "#include \"net.c\"\n"
    "static float x[24];\n"
    "static int64_t t[6] = { 0, 1, 2, 0, 1, 2 };\n"
    "static float loss, w[48], u[12], by_x[24], product[48];\n"
    "static double work[net_WORKSPACE / sizeof(double) + 1];\n"
    "int main(void)\n"
    "{\n"
    "    struct net_inputs in = { x, t };\n"
    "    struct net_outputs out = { &loss, w, u, by_x, product };\n"
    "    for (int i = 0; i < 24; i++) x[i] = (float)(i % 7) / 8;\n"
    "    if (net(&in, &out, work)) return 1;\n"
    "    printf(\"%.9g %.9g %.9g %.9g %.9g\\n\", loss, w[5], u[3], by_x[23], product[47]);\n"
    "    return 0;\n"
    "}\n";

static void write_program(const ag_plan *p, const ag_run *r)
{
    FILE *to = create_file("net.c");
    ck_assert_int_eq(ag_write_c(p, "net", to, NULL, &(ag_c_options){ .embed = r }), 0);
    fclose(to);
    write_file("main.c", main_text);
}

/* A batch of 2, of length 3: in C as in a run. */
START_TEST(exports)
{
    ag_graph *g = ag_graph_new(NULL);
    model m = attending(g, ag_extent(g, "batch", 6), ag_extent(g, "length", 5));
    ag_plan *p = ag_compile(g, 5, m.output, OF_TWO("batch", 2, "length", 3));
    ag_run *r = ag_run_new(p);
    float x[24];
    double got[5];
    char command[512];
    for (int i = 0; i < 24; i++) x[i] = (float)(i % 7) / 8;
    ck_assert_int_eq(ag_feed_f32(r, m.input[0], x, 24), AG_OK);
    ck_assert_int_eq(ag_feed_i64(r, m.input[1], (int64_t[]){ 0, 1, 2, 0, 1, 2 }, 6), AG_OK);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    make_folder();
    write_program(p, r);
    snprintf(command, sizeof command, "cd %s && " TEST_CC " -std=c99 main.c -lm && ./a.out", folder);
    FILE *pipe = popen(command, "r");
    ck_assert_int_eq(fscanf(pipe, "%lf %lf %lf %lf %lf", got, got + 1, got + 2, got + 3, got + 4), 5);
    ck_assert_int_eq(pclose(pipe), 0);
    remove_folder();
    static const int at[] = { 0, 5, 3, 23, 47 };
    for (int k = 0; k < 5; k++)
        expect_close(got[k], ((const float *)ag_data(r, m.output[k]))[at[k]], 1e-5);
    ag_run_free(r);
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

/* ---- trained ----------------------------------------------------------------------------------------------------- */

enum { ROWS = 21, BATCH = 8, EPOCHS = 3 };

static ag_node *loss_for(ag_graph *g, int64_t rows, const char *x_name, const char *t_name, ag_node *in[2])
{
    in[0] = ag_input(g, x_name, AG_F32, AG_SHAPE(rows, WIDTH));
    in[1] = ag_input(g, t_name, AG_F32, AG_SHAPE(rows, 1));
    ag_node *w = ag_find(g, "w") ? ag_find(g, "w") : weight(g, "w", AG_SHAPE(WIDTH, 6), 3);
    ag_node *u = ag_find(g, "u") ? ag_find(g, "u") : weight(g, "u", AG_SHAPE(6, 1), 4);
    return ag_mse(ag_matmul(ag_tanh(ag_matmul(in[0], w)), u), in[1], AG_MEAN);
}

static void train(ag_run *whole, ag_run *rest, ag_node *const in[2][2], double result[WIDTH * 6 + 6])
{
    double x[ROWS * WIDTH], t[ROWS];
    float w[WIDTH * 6], u[6];
    fill(x, ROWS * WIDTH, 5);
    fill(t, ROWS, 6);
    ck_assert_int_eq(ag_run_share(rest, whole), AG_OK);
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (int at = 0; at < ROWS; at += BATCH) {
            const int last = ROWS - at < BATCH, n = last ? ROWS - at : BATCH;
            ag_run *r = last ? rest : whole;
            ck_assert_int_eq(ag_feed_f64(r, in[last][0], x + at * WIDTH, n * WIDTH), AG_OK);
            ck_assert_int_eq(ag_feed_f64(r, in[last][1], t + at, n), AG_OK);
            ck_assert_msg(!ag_eval(r), "%s", ag_run_error(r));
        }
    const ag_graph *g = in[0][0]->graph;
    ag_fetch(whole, ag_find((ag_graph *)g, "w"), w);
    ag_fetch(whole, ag_find((ag_graph *)g, "u"), u);
    for (int k = 0; k < WIDTH * 6; k++) result[k] = w[k];
    for (int k = 0; k < 6; k++) result[WIDTH * 6 + k] = u[k];
}

START_TEST(a_smaller_last_batch)
{
    ag_graph *g = ag_graph_new(NULL), *h = ag_graph_new(NULL);
    ag_node *in[2][2], *each[2][2];
    ag_node *step = ag_adam(loss_for(g, ag_extent(g, "batch", BATCH), "x", "t", in[0]), NULL);
    memcpy(in[1], in[0], sizeof in[0]);
    ag_node *one = ag_adam(loss_for(h, BATCH, "x", "t", each[0]), NULL);
    ag_node *other = ag_adam(loss_for(h, ROWS % BATCH, "x of the rest", "t of the rest", each[1]), NULL);
    ag_plan *plan[] = { ag_compile(g, 1, &step, NULL), ag_compile(g, 1, &step, OF("batch", ROWS % BATCH)),
                        ag_compile(h, 1, &one, NULL), ag_compile(h, 1, &other, NULL) };
    ag_run *run[4];
    double got[WIDTH * 6 + 6], want[WIDTH * 6 + 6];
    for (int k = 0; k < 4; k++) ck_assert_ptr_nonnull(run[k] = ag_run_new(plan[k]));
    ck_assert_str_eq(ag_plan_note(plan[0]), "");
    ck_assert_int_eq(ag_snapshot_bytes(plan[0]), ag_snapshot_bytes(plan[1]));
    train(run[0], run[1], (ag_node *const(*)[2])in, got);
    train(run[2], run[3], (ag_node *const(*)[2])each, want);
    for (size_t k = 0; k < COUNT(got); k++) ck_assert_msg(test_same_bits(got[k], want[k]), "weight %d", (int)k);
    void *kept = malloc(ag_snapshot_bytes(plan[0]));
    ag_run *fresh = ag_run_new(plan[1]);
    float w[WIDTH * 6], again[WIDTH * 6];
    ck_assert_int_eq(ag_snapshot(run[0], kept), AG_OK);
    ck_assert_int_eq(ag_restore(fresh, kept), AG_OK);
    ag_fetch(run[0], ag_find(g, "w"), w);
    ag_fetch(fresh, ag_find(g, "w"), again);
    ck_assert_mem_eq(w, again, sizeof w);
    free(kept);
    ag_run_free(fresh);
    for (int k = 3; k >= 0; k--) ag_run_free(run[k]);
    for (int k = 0; k < 4; k++) ag_plan_free(plan[k]);
    ag_graph_free(g);
    ag_graph_free(h);
}
END_TEST

/* ---- what users hold --------------------------------------------------------------------------------------------- */

/* As positions of a sequence are: a sum of products of rows i and i + 2, and its gradient. */
START_TEST(rows_of_a_table)
{
    enum { HELD = 8 };
    double table[HELD];
    for (int i = 0; i < HELD; i++) table[i] = 1 / (1.5 + i);
    ag_graph *g = ag_graph_new(NULL);
    const int64_t n = ag_extent(g, "n", 5);
    ag_node *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(HELD), table), *dp;
    ag_node *y = ag_sum(ag_mul(ag_slice(p, 0, 0, n, 1), ag_slice(p, 0, 2, n + 2, 1)));
    ck_assert_int_eq(ag_gradient(y, 1, &p, &dp), AG_OK);
    for (int rows = 1; rows <= HELD; rows++) {
        ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ y, dp }, OF("n", rows));
        expect_well(g);
        ag_run *r = ag_run_new(plan);
        if (rows + 2 > HELD) {
            ck_assert_int_eq(ag_eval(r), AG_EARG);
            ck_assert_ptr_nonnull(strstr(ag_run_error(r), "'p' f64[8]: index 8, element"));
        } else {
            double sum = 0, slope[HELD] = { 0 };
            for (int i = 0; i < rows; i++) {
                sum += table[i] * table[i + 2];
                slope[i] += table[i + 2];
                slope[i + 2] += table[i];
            }
            ck_assert_int_eq(ag_eval(r), AG_OK);
            expect_close(ag_item(r, y), sum, 1e-14);
            for (int i = 0; i < HELD; i++) expect_close(((const double *)ag_data(r, dp))[i], slope[i], 1e-14);
        }
        ag_run_free(r), ag_plan_free(plan);
    }
    ag_graph_free(g);
}
END_TEST

START_TEST(nodes_stay_the_users)
{
    ag_graph *g = ag_graph_new(NULL);
    int64_t n = ag_extent(g, "n", 4);
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(n)), *p = ag_parameter(g, "p", AG_F64, AG_SCALAR, NULL);
    ag_node *b = ag_input(g, "b", AG_F64, AG_SHAPE(n)), *y = ag_add(ag_mul(a, b), p), *s = ag_sum(y), *t = ag_sum(y);
    ag_node *count = ag_sum(ag_ones(g, AG_F64, AG_SHAPE(n))), *same = ag_reshape(y, AG_SHAPE(n, 1));
    ag_node *out[] = { y, s, t, a, p, count, same };
    ag_name(y, "y");
    ag_plan *plan = ag_compile(g, COUNT(out), out, OF("n", 3));
    double in[] = { 1, 2, 3 }, to[3], bound[3] = { 4, 5, 6 };
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    for (size_t k = 0; k < COUNT(out); k++) ck_assert_ptr_eq(ag_plan_output(plan, (int)k), out[k]);
    ck_assert_ptr_eq(ag_plan_input(plan, 0), a);
    ck_assert_ptr_eq(ag_plan_input(plan, 1), b);
    ck_assert_ptr_null(ag_plan_input(plan, 2));
    ck_assert_ptr_eq(ag_plan_parameter(plan, 0), p);
    ck_assert_int_eq(ag_plan_shape(plan, y).dim[0], 3);
    ag_run *r = ag_run_new(plan);
    ck_assert_int_eq(ag_eval(r), AG_EARG);
    ck_assert_str_eq(ag_run_error(r), "ag_eval: 2 inputs have not been fed: call ag_feed for 'a' f64[3], read by mul "
                                      "(node 14) f64[3]; 'b' f64[3], read by mul (node 14) f64[3]");
    ck_assert_int_eq(ag_feed_f64(r, a, in, 4), AG_EARG);
    ck_assert_str_eq(ag_run_error(r), "ag_feed_f64: 'a' f64[3] takes 3 elements, not 4");
    ck_assert_int_eq(ag_feed(r, a, in), AG_OK);
    ck_assert_int_eq(ag_bind(r, b, bound), AG_OK);
    ck_assert_int_eq(ag_bind(r, y, to), AG_OK);
    ck_assert_msg(!ag_eval(r), "%s", ag_run_error(r));
    ck_assert(to[0] == 4 && to[1] == 10 && to[2] == 18);
    ck_assert(ag_item(r, s) == 32 && ag_item(r, t) == 32 && ag_item(r, count) == 3);
    ck_assert_mem_eq(ag_data(r, same), to, sizeof to);
    ck_assert_int_eq(ag_fetch(r, a, to), AG_OK);
    ck_assert_mem_eq(to, in, sizeof in);
    ag_item(r, y);
    ck_assert_str_eq(ag_run_error(r), "ag_item: 'y' f64[3] has more than one element: use ag_data or ag_fetch");
    ag_run_free(r);
    ag_plan_free(plan);
    expect_close(ag_value(count), 4, 0);
    ag_graph_free(g);
}
END_TEST

/* Pictures show the extents by name, and values of what a run has. */
START_TEST(pictures)
{
    ag_graph *g = ag_graph_new(NULL);
    const int64_t n = ag_extent(g, "n", 4);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(n)), *y = ag_concat(2, (ag_node *[]){ x, ag_mean_axis(x, 0, 1) }, 0);
    ag_plan *p = ag_compile(g, 1, &y, OF("n", 2));
    ag_run *r = ag_run_new(p);
    ag_feed_f64(r, x, (double[]){ 0.25, 0.75 }, 2);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    for (int with_run = 0; with_run < 2; with_run++) {
        char *text = NULL;
        size_t bytes;
        FILE *to = open_memstream(&text, &bytes);
        ck_assert_int_eq(ag_write_dot(to, 1, &y, with_run ? r : NULL), 0);
        fclose(to);
        ck_assert_msg(strstr(text, "f64[n]") && strstr(text, "f64[n+1]"), "%s", text);
        ck_assert_msg(!with_run == !strstr(text, "[0.25 0.75 0.5]"), "%s", text);
        free(text);
    }
    ag_run_free(r);
    ag_plan_free(p);
    ag_graph_free(g);
}
END_TEST

/* ---- misused ----------------------------------------------------------------------------------------------------- */

static void expect_message(ag_graph *g, ag_status status, const char *message)
{
    ck_assert_str_eq(ag_graph_error(g), message);
    ck_assert_int_eq(ag_graph_status(g), status);
    ag_graph_clear(g);
}

static void refuse_plan(ag_graph *g, ag_node *y, int64_t n, ag_status status, const char *message)
{
    ck_assert_ptr_null(ag_compile(g, 1, &y, OF("n", n)));
    expect_message(g, status, message);
}

START_TEST(names_and_sizes)
{
    ag_graph *g = ag_graph_new(NULL);
    const int64_t n = ag_extent(g, "n", 4);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(n));
    ck_assert_int_eq(ag_extent(g, "n", 4), n);
    ag_extent(g, "n", 5);
    expect_message(g, AG_EARG, "ag_extent: 'n' has been 4 before");
    ag_extent(g, "no name", 5);
    expect_message(g, AG_EARG, "ag_extent: a name is letters, digits and _, 32 at most");
    ag_extent(g, NULL, 5);
    expect_message(g, AG_EARG, "ag_extent: a name is letters, digits and _, 32 at most");
    ag_extent(g, "m", 0);
    expect_message(g, AG_ESHAPE, "ag_extent: 'm' of 0 elements: they are 1 to 2^40");
    for (int k = 0; k < 3; k++) ag_extent(g, (const char *[]){ "a", "b", "c" }[k], 2);
    ag_extent(g, "d", 2);
    expect_message(g, AG_EARG, "ag_extent: 'd' would be one more than 4");
    refuse_plan(g, x, 0, AG_ESHAPE, "ag_compile: extent 'n' of 0 elements: they are 1 to 2^40");
    ck_assert_ptr_null(ag_compile(g, 1, &x, OF("m", 3)));
    expect_message(g, AG_EARG, "ag_compile: the graph has no extent 'm': see ag_extent");
    ck_assert_int_eq(ag_extent(NULL, "n", 1), 1);
    ag_graph_free(g);
}
END_TEST

START_TEST(what_cannot_be)
{
    ag_graph *g = ag_graph_new(NULL);
    const int64_t n = ag_extent(g, "n", 12);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(n, 5)), *images = ag_input(g, "i", AG_F64, AG_SHAPE(2, 3, n));
    double one = 1;
    ag_parameter(g, "w", AG_F64, AG_SHAPE(3, n), NULL);
    expect_message(g, AG_ESHAPE, "parameter w: f64[3,n] has an extent that plans choose, but its values are of one "
                                 "size");
    ag_constant(g, AG_F64, AG_SHAPE(2 * n), &one);
    expect_message(g, AG_ESHAPE, "constant: f64[2*n] has an extent that plans choose, but its values are of one "
                                 "size");
    ag_input(g, "half", AG_F64, AG_SHAPE(n / 2));
    expect_message(g, AG_ESHAPE, "input half: f64[47286] has an extent that looks like a part of one that plans "
                                 "choose, which cannot be divided");
    ag_number(g, 1.0 / (double)n);
    expect_message(g, AG_EARG, "ag_number: 1.0573842428600128e-05 is made of an extent that plans choose: ag_mean "
                               "divides by it, ag_sum of ag_ones counts it");
    ag_slice(x, 0, 0, AG_END, 2);
    expect_message(g, AG_ESHAPE, "slice (node 2): a step of 2 through n elements: an extent that plans choose "
                                 "cannot be divided; 'x' f64[n,5]");
    ag_split(x, 0, 3, NULL, (ag_node *[3]){ NULL });
    expect_message(g, AG_ESHAPE, "split (node 2): axis 0 has an extent that plans choose, which cannot be divided; 'x' "
                                 "f64[n,5]");
    ag_max_pool(images, &(ag_pool_options){ .kernel = { 2 } });
    expect_message(g, AG_ESHAPE, "max_pool (node 2): a stride of 2 along spatial axis 0: an extent that plans choose "
                                 "cannot be divided; 'i' f64[2,3,n]");
    ag_sparse_jacobian(ag_sum(x), 1, &x, NULL);
    expect_message(g, AG_EARG, "ag_sparse_jacobian: plans choose extents of what y is made of: build a graph of one "
                               "size for it; 'x' f64[n,5]");
    refuse_plan(g, ag_slice(x, 0, 0, n / 2, 1), 12, AG_ESHAPE,
                "ag_compile: with n 12, of slice (node 3) f64[47286,5]: slice (node 5): 47286 positions from 0 on, of "
                "an axis of 12 elements; 'x' f64[12,5]");
    refuse_plan(g, ag_slice(x, 0, 6, 9, 1), 8, AG_ESHAPE,
                "ag_compile: with n 8, of slice (node 5) f64[3,5]: slice (node 7): 3 positions from 6 on, of an axis "
                "of 8 elements; 'x' f64[8,5]");
    refuse_plan(g, ag_slice(x, 0, 1, n, 1), 1, AG_ESHAPE,
                "ag_compile: with n 1, of slice (node 7) f64[n-1,5]: slice (node 9): 0 positions from 1 on, of an axis "
                "of 1 elements; 'x' f64[1,5]");
    ag_graph_free(g);
}
END_TEST

/* ---- out of memory ----------------------------------------------------------------------------------------------- */

START_TEST(out_of_memory)
{
    const kind *k = &kinds[_i];
    for (int64_t left = 0, done = 0; !done; left++) {
        test_budget budget = { .left = INT64_MAX };
        const ag_allocator a = test_allocator(&budget);
        ag_graph *g = ag_graph_new(&a);
        model m = k->build(g, ag_extent(g, "batch", 6), ag_extent(g, "length", 5));
        budget.left = left;
        ag_plan *p = ag_compile(g, m.outputs, m.output, OF_TWO("batch", 2, "length", 3));
        done = p != NULL;
        if (!p) ck_assert_int_eq(ag_graph_status(g), AG_EMEM);
        budget.left = INT64_MAX;
        ag_graph_clear(g);
        if (!p) p = ag_compile(g, m.outputs, m.output, OF_TWO("batch", 2, "length", 3));
        ck_assert_msg(p != NULL, "%s: %s", k->name, ag_graph_error(g));
        if (left % 16 == 0 || done) compare(k, &m, p, 2, 3);
        ag_plan_free(p);
        ag_graph_free(g);
        ck_assert_int_eq(budget.taken, 0);
    }
}
END_TEST

Suite *suite_extent_programs(void)
{
    Suite *s = suite_create("extent_programs");
    TCase *t = tcase_create("extent_programs");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, programs, 0, (int)COUNT(kinds));
    tcase_add_test(t, exports);
    tcase_add_test(t, a_smaller_last_batch);
    tcase_add_test(t, rows_of_a_table);
    tcase_add_test(t, nodes_stay_the_users);
    tcase_add_test(t, pictures);
    tcase_add_test(t, names_and_sizes);
    tcase_add_test(t, what_cannot_be);
    tcase_add_loop_test(t, out_of_memory, 0, (int)COUNT(kinds));
    suite_add_tcase(s, t);
    return s;
}
