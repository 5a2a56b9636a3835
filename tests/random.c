/* Programs nobody wrote: random graphs of all kinds of operations, each run through every way of planning. A fused plan
 * agrees with one that takes an operation at a time; poisoned, distinct and threaded ones with it to the last bit. */
#include "fuzz.h"

enum { LEAVES = 4, NODES = 40, OUTPUTS = 3 };

typedef struct {
    ag_graph *g;
    uint64_t seed;
    int smooth; /* without kinks, so that differences tell the derivative */
    ag_dtype dtype;
    int64_t dim[4], largest; /* extents; size of a tensor */
    int count;
    ag_node *node[LEAVES + NODES], *parameter[LEAVES];
} world;

static int below(world *w, int n)
{
    return (int)test_random(&w->seed, 0, n);
}

static ag_node *any(world *w)
{
    int late = below(w, 2) ? w->count / 2 : 0; /* half of the time one of the newer */
    return w->node[late + below(w, w->count - late)];
}

static ag_shape random_shape(world *w)
{
    ag_shape s = { .rank = below(w, 4) };
    for (int i = 0; i < s.rank; i++) s.dim[i] = w->dim[below(w, 4)];
    return s;
}

static int64_t size(ag_shape s)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    return n;
}

/* ---- one random operation on x; NULL when this one does not fit ------------------------------------------------- */

static ag_node *unary(world *w, ag_node *x)
{
    ag_node *(*const smooth[])(ag_node *) = { ag_tanh, ag_sin, ag_sigmoid, ag_neg, ag_softplus, ag_gelu, ag_erf, ag_cos,
                                              ag_silu, ag_atan };
    ag_node *(*const kinked[])(ag_node *) = { ag_abs, ag_relu };
    if (!w->smooth && below(w, 4) == 0) return kinked[below(w, COUNT(kinked))](x);
    if (below(w, 6) == 0) return ag_mul(x, ag_number(w->g, below(w, 5) - 2));
    if (below(w, 8) == 0) return ag_log(ag_add(ag_square(x), ag_number(w->g, 1)));
    return smooth[below(w, COUNT(smooth))](x);
}

static int broadcasts(const world *w, ag_shape a, ag_shape b)
{
    int64_t n = 1;
    for (int i = 1; i <= a.rank || i <= b.rank; i++) {
        int64_t da = i <= a.rank ? a.dim[a.rank - i] : 1, db = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (da != db && da != 1 && db != 1) return 0;
        n *= da > db ? da : db;
    }
    return n <= w->largest;
}

static ag_node *binary(world *w, ag_node *a)
{
    ag_node *b = any(w);
    if (!broadcasts(w, ag_shape_of(a), ag_shape_of(b))) return NULL;
    switch (below(w, w->smooth ? 5 : 8)) {
    case 0: return ag_add(a, b);
    case 1: return ag_sub(a, b);
    case 2: return ag_tanh(ag_mul(a, b));
    case 3: return ag_div(a, ag_add(ag_square(b), ag_number(w->g, 1)));
    case 4: return ag_add(ag_mul(a, b), ag_sin(a));
    case 5: return ag_maximum(a, b);
    case 6: return ag_minimum(a, b);
    default: return ag_where(ag_greater(a, ag_number(w->g, 0.1)), a, b);
    }
}

static ag_node *reduction(world *w, ag_node *x)
{
    ag_node *(*const all[])(ag_node *) = { ag_sum, ag_mean, ag_logsumexp, ag_amax, ag_amin };
    ag_node *(*const one[])(ag_node *, int, int) = { ag_sum_axis, ag_mean_axis, ag_logsumexp_axis, ag_amax_axis,
                                                     ag_amin_axis };
    int k = below(w, w->smooth ? 3 : 5), rank = ag_shape_of(x).rank;
    ag_node *y = rank == 0 || below(w, 4) == 0 ? all[k](x) : one[k](x, below(w, rank), below(w, 2));
    return below(w, 2) ? ag_tanh(y) : y;
}

static ag_node *along(world *w, ag_node *x)
{
    int rank = ag_shape_of(x).rank;
    if (rank == 0) return NULL;
    switch (below(w, 4)) {
    case 0: return ag_softmax(x, below(w, rank));
    case 1: return ag_log_softmax(x, below(w, rank));
    case 2: return ag_tanh(ag_cumsum(x, below(w, rank)));
    default: return ag_flip(x, below(w, rank));
    }
}

static ag_node *reshaped(world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x);
    int axis = below(w, s.rank ? s.rank : 1);
    switch (below(w, 6)) {
    case 0: return ag_transpose(x, NULL);
    case 1: return ag_reshape(x, AG_SHAPE(-1));
    case 2: return s.rank >= 2 ? ag_transpose(x, s.rank == 2 ? (int[]){ 1, 0, 0 } : (int[]){ 1, 0, 2 }) : NULL;
    case 3: return s.rank && s.dim[axis] > 2 ? ag_slice(x, axis, below(w, 2), AG_END, 1 + below(w, 2)) : NULL;
    case 4: return s.rank ? ag_slice(x, axis, -1, AG_END, -1) : NULL;
    default:
        if (s.rank == 3 || size(s) * 3 > w->largest) return NULL;
        memmove(s.dim + 1, s.dim, 2 * sizeof s.dim[0]);
        s.dim[0] = 3;
        s.rank++;
        return ag_reshape(ag_broadcast_to(x, s), AG_SHAPE(-1));
    }
}

static ag_node *moved(world *w, ag_node *x)
{
    ag_shape s = ag_shape_of(x);
    int64_t index[5];
    if (s.rank == 0 || size(s) * 3 > w->largest) return NULL;
    int axis = below(w, s.rank);
    for (int i = 0; i < 5; i++) index[i] = below(w, (int)s.dim[axis]);
    ag_node *indices = ag_constant(w->g, AG_I64, AG_SHAPE(5), index);
    switch (below(w, 4)) {
    case 0: return ag_pad(x, axis, below(w, 2), below(w, 3));
    case 1: return ag_concat(2, (ag_node *[]){ x, ag_sin(x) }, axis);
    case 2: return size(s) / s.dim[axis] * 5 > w->largest ? NULL : ag_gather(x, axis, indices);
    default:
        return size(s) / s.dim[axis] * 5 > w->largest ? NULL
                                                      : ag_scatter_add(x, axis, indices, ag_gather(x, axis, indices));
    }
}

static ag_node *product(world *w, ag_node *a)
{
    ag_node *b = any(w);
    ag_shape s = ag_shape_of(a), t = ag_shape_of(b);
    if (s.rank == 1 && t.rank == 1 && s.dim[0] == t.dim[0]) return ag_tanh(ag_dot(a, b));
    if (s.rank < 2 || t.rank < 2 || s.rank != t.rank) return NULL;
    if (s.rank == 3 && s.dim[0] != t.dim[0] && s.dim[0] != 1 && t.dim[0] != 1) return NULL;
    const int last[2][3] = { { 1, 0 }, { 0, 2, 1 } };
    if (s.dim[s.rank - 1] != t.dim[t.rank - 2]) {
        if (s.dim[s.rank - 1] != t.dim[t.rank - 1]) return NULL;
        b = ag_transpose(b, last[t.rank - 2]);
        t = ag_shape_of(b);
    }
    int64_t batch = s.rank == 2 ? 1 : s.dim[0] > t.dim[0] ? s.dim[0] : t.dim[0];
    return batch * s.dim[s.rank - 2] * t.dim[t.rank - 1] <= w->largest ? ag_tanh(ag_matmul(a, b)) : NULL;
}

static ag_node *grow(world *w)
{
    ag_node *x = any(w);
    switch (below(w, 12)) {
    case 0: case 1: case 2: return unary(w, x);
    case 3: case 4: case 5: return binary(w, x);
    case 6: case 7: return reduction(w, x);
    case 8: return along(w, x);
    case 9: return reshaped(w, x);
    case 10: return moved(w, x);
    default: return product(w, x);
    }
}

/* ---- worlds ----------------------------------------------------------------------------------------------------- */

static ag_node *leaf(world *w, ag_shape s)
{
    float f[2000];
    if (w->dtype == AG_F64) return test_parameter(w->g, s, &w->seed, -1.5, 1.5);
    for (int64_t i = 0; i < size(s); i++) f[i] = (float)test_random(&w->seed, -1.5, 1.5);
    return ag_parameter(w->g, NULL, AG_F32, s, f);
}

typedef enum { SMALL, LARGE, SMOOTH } scale; /* large: work for threads */

static world create(int seed, ag_dtype dtype, scale how)
{
    static const int64_t extents[3][8] = { { 2, 3, 5, 4, 16, 33, 70, 300 },
                                           { 2, 5, 70, 99, 128, 300, 512, 700 },
                                           { 2, 3, 4, 5, 2, 3, 4, 5 } };
    world w = { .g = ag_graph_new(NULL),
                .seed = (uint64_t)seed * 1000,
                .smooth = how == SMOOTH,
                .dtype = dtype,
                .dim = { 1 },
                .largest = how == LARGE ? 300000 : 6000 };
    for (int i = 1; i < 4; i++) w.dim[i] = extents[how][below(&w, 8)];
    for (int i = 0; i < LEAVES; i++) {
        ag_shape s = random_shape(&w);
        while (size(s) > 2000) s = random_shape(&w);
        w.node[w.count++] = w.parameter[i] = leaf(&w, s);
    }
    for (int tries = 0; tries < 4 * NODES && w.count < LEAVES + NODES; tries++) {
        ag_node *y = grow(&w);
        if (!y) continue;
        ck_assert_msg(!ag_is_bad(y), "seed %d: %s", seed, ag_graph_error(w.g));
        w.node[w.count++] = y;
    }
    return w;
}

static ag_node *loss_of(world *w, int outputs)
{
    ag_node *loss = NULL;
    for (int i = 0; i < outputs; i++) {
        ag_node *part = ag_mean(ag_mul(ag_sin(w->node[w->count - 1 - i]), w->node[w->count - 1 - i]));
        loss = loss ? ag_add(loss, part) : part;
    }
    return loss;
}

typedef struct {
    int n;
    ag_node *node[OUTPUTS + LEAVES + 1];
    double *value[OUTPUTS + LEAVES + 1];
} outputs;

static outputs program(world *w, int seed)
{
    outputs p = { .n = 0 };
    for (; p.n < OUTPUTS; p.n++) p.node[p.n] = w->node[w->count - 1 - p.n];
    ag_node *loss = p.node[p.n++] = loss_of(w, OUTPUTS);
    ck_assert_msg(ag_gradient(loss, LEAVES, w->parameter, p.node + p.n) == AG_OK, "seed %d: %s", seed,
                  ag_graph_error(w->g));
    p.n += LEAVES;
    for (int i = 0; i < p.n; i++) p.value[i] = malloc((size_t)ag_size_of(p.node[i]) * sizeof(double));
    return p;
}

static void release(outputs *p)
{
    for (int i = 0; i < p->n; i++) free(p->value[i]);
}

int test_random_nodes(int seed, ag_dtype dtype, ag_graph **g, ag_node *node[TEST_RANDOM_NODES])
{
    world w = create(seed, dtype, seed % 8 == 0 ? LARGE : SMALL);
    outputs p = program(&w, seed);
    memcpy(node, p.node, (size_t)p.n * sizeof *node);
    *g = w.g;
    release(&p);
    return p.n;
}

static void compare(int seed, const char *how, const outputs *got, const outputs *want, double tolerance)
{
    for (int k = 0; k < got->n; k++)
        for (int64_t i = 0; i < ag_size_of(got->node[k]); i++) {
            double a = got->value[k][i], b = want->value[k][i];
            int equal = tolerance > 0 ? test_close(a, b, tolerance) : test_same_bits(a, b);
            ck_assert_msg(equal, "seed %d, %s: output %d[%lld] is %.17g, not %.17g", seed, how, k, (long long)i, a, b);
        }
}

static void all_plans_agree(int seed, ag_dtype dtype, scale how)
{
    static const struct {
        const char *how;
        ag_options options;
    } variants[] = { { "poisoned", { .poison = 1 } },     { "distinct", { .distinct = 1 } },
                     { "two threads", { .threads = 2 } }, { "three threads", { .threads = 3, .poison = 1 } },
                     { "eight threads", { .threads = 8, .distinct = 1 } } };
    world w = create(seed, dtype, how);
    outputs p = program(&w, seed), other = program(&w, seed);
    ag_options o = test_options();
    double tolerance = dtype == AG_F64 ? 1e-9 : 2e-3;
    test_evaluate(p.n, p.node, &o, p.value);
    for (size_t k = 0; k < COUNT(variants); k++) {
        ag_options v = variants[k].options;
        v.isa = o.isa;
        v.verify = 1;
        test_evaluate(p.n, p.node, &v, other.value);
        compare(seed, variants[k].how, &other, &p, 0);
    }
    o.unfused = o.distinct = 1;
    test_evaluate(p.n, p.node, &o, other.value);
    compare(seed, "unfused", &p, &other, tolerance);
    o = (ag_options){ .isa = 1 };
    test_evaluate(p.n, p.node, &o, other.value);
    compare(seed, "isa 1", &p, &other, tolerance);
    release(&other);
    release(&p);
    ag_graph_free(w.g);
}

/* Small graphs of everything there is, compared with what the mathematics gives: see fuzz.h. */
START_TEST(graphs_agree)
{
    int first = fuzz_number("SEED", 1), count = fuzz_number("COUNT", test_quick() ? 50 : 500);
    for (int seed = first; seed < first + count; seed++) {
        fuzz_program p;
        fuzz_grow(&p, seed);
        fuzz_expect(&p);
        fuzz_run_plans(&p);
        fuzz_release(&p);
    }
    fuzz_tell();
}
END_TEST

START_TEST(large_plans_agree)
{
    all_plans_agree(_i, _i % 2 ? AG_F64 : AG_F32, LARGE);
}
END_TEST

START_TEST(gradients_agree_with_differences)
{
    world w = create(_i, AG_F64, SMOOTH);
    ag_check_report report;
    ag_check_options options = { .orders = 2, .tolerance = 1e-5, .seed = 1 };
    ag_status status = ag_check_gradient(loss_of(&w, 1), LEAVES, w.parameter, &options, &report);
    ck_assert_msg(status == AG_OK, "seed %d: status %d, %s", _i, (int)status, report.message);
    ag_graph_free(w.g);
}
END_TEST

Suite *suite_random(void)
{
    Suite *s = suite_create("random");
    TCase *t = tcase_create("random");
    tcase_set_timeout(t, 60 + fuzz_number("COUNT", 0));
    int few = test_quick();
    tcase_add_test(t, graphs_agree);
    tcase_add_loop_test(t, large_plans_agree, 0, few ? 2 : 40);
    tcase_add_loop_test(t, gradients_agree_with_differences, 0, few ? 5 : 100);
    suite_add_tcase(s, t);
    return s;
}
