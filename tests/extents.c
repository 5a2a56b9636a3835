/* Extents that plans choose: one graph, compiled at several sizes, beside graphs that were built for each. */
#include "op_table.h"

/* ---- all operations ---------------------------------------------------------------------------------------------- */

enum { LEAVES = 3, MOST = 1 + 2 * LEAVES };

/* A row's program on inputs: y, the gradient of a loss of it, and that of a loss of that. */
typedef struct {
    ag_graph *g;
    ag_node *in[LEAVES], *out[MOST];
    int n;
} program;

static ag_node *loss_of(ag_node *y)
{
    return ag_sum(ag_mul(y, ag_sin(y)));
}

static int differentiate(program *p, const op_case *c, ag_node *loss)
{
    const int first = c->flags & ROW_EFFECT ? 1 : 0, n = c->n - first;
    if (ag_gradient(loss, n, p->in + first, p->out + p->n)) return 0;
    p->n += n;
    return 1;
}

/* The extent `old` of any leaf is `extent`. 0: it is refused. */
static int build(program *p, const op_case *c, ag_dtype dtype, int64_t old, int64_t extent, int derivatives)
{
    for (int k = 0; k < c->n; k++) {
        ag_shape s = c->in[k];
        for (int i = 0; i < s.rank; i++)
            if (s.dim[i] == old) s.dim[i] = extent;
        const int stored = k == 0 && c->flags & ROW_EFFECT;
        p->in[k] = stored ? ag_parameter(p->g, NULL, dtype, s, NULL) : ag_input(p->g, NULL, dtype, s);
    }
    p->out[0] = c->build(p->in, c->arg);
    p->n = 1;
    if (ag_is_bad(p->out[0])) return 0;
    if (!derivatives || c->flags & ROW_NO_GRADIENT || ag_type_of(p->out[0]) == AG_I64) return 1;
    if (!differentiate(p, c, loss_of(p->out[0]))) return 0;
    ag_node *sum = NULL;
    for (int k = 1; k < p->n; k++) sum = sum ? ag_add(sum, loss_of(p->out[k])) : loss_of(p->out[k]);
    return derivatives < 2 || !sum || differentiate(p, c, sum);
}

static void feed(ag_run *r, const op_case *c, ag_node *const in[], int64_t old, int64_t size)
{
    for (int k = 0; k < c->n; k++) {
        ag_shape s = c->in[k];
        for (int i = 0; i < s.rank; i++)
            if (s.dim[i] == old) s.dim[i] = size;
        const int64_t n = op_count(s), all = op_count(c->in[k]);
        double *values = malloc((size_t)n * sizeof *values);
        for (int64_t i = 0; i < n; i++) values[i] = c->value[k][i % all];
        ck_assert_msg(!ag_feed_f64(r, in[k], values, n), "%s: %s", c->label, ag_run_error(r));
        free(values);
    }
}

/* All outputs at the plan's sizes, one after another; NULL: no evaluation. */
static double *evaluate(const program *p, const op_case *c, ag_plan *plan, int64_t old, int64_t size, int64_t *count)
{
    ag_run *r = ag_run_new(plan);
    feed(r, c, p->in, old, size);
    *count = 0;
    for (int k = 0; k < p->n; k++) *count += op_count(ag_plan_shape(plan, p->out[k]));
    double *all = malloc((size_t)*count * sizeof *all), *to = all;
    if (ag_eval(r)) {
        free(all);
        all = NULL;
    }
    for (int k = 0; k < p->n && all; k++) {
        const int64_t n = op_count(ag_plan_shape(plan, p->out[k]));
        const void *data = ag_data(r, p->out[k]);
        ck_assert_msg(data != NULL, "%s: %s", c->label, ag_run_error(r));
        const ag_dtype type = ag_type_of(p->out[k]);
        for (int64_t i = 0; i < n; i++)
            *to++ = type == AG_F64 ? ((const double *)data)[i]
                    : type == AG_F32 ? (double)((const float *)data)[i] : (double)((const int64_t *)data)[i];
    }
    ag_run_free(r);
    return all;
}

/* Sums over steps are added otherwise where their number is not known; slopes of slopes are written otherwise where it
 * is a literal: they are the same to rounding. */
static int to_the_bit(const op_case *c, int derivatives)
{
    static const char *const loops[] = { "loop", "part", "unpart" };
    for (size_t k = 0; k < COUNT(loops); k++)
        if (!strcmp(c->op, loops[k])) return derivatives == 0;
    return derivatives < 2;
}

static void compare(const program *p, const op_case *c, ag_plan *plan, ag_dtype dtype, int64_t old, int64_t size,
                    int derivatives)
{
    program plain = { .g = ag_graph_new(NULL) };
    int64_t n, m;
    if (build(&plain, c, dtype, old, size, derivatives)) {
        ag_plan *other = ag_compile(plain.g, plain.n, plain.out, NULL);
        ck_assert_msg(other != NULL, "%s: %s", c->label, ag_graph_error(plain.g));
        double *got = evaluate(p, c, plan, old, size, &n), *want = evaluate(&plain, c, other, old, size, &m);
        double most = 1;
        ck_assert_msg(n == m && !got == !want, "%s, %d for %d: %d elements, not %d", c->label, (int)size, (int)old,
                      (int)n, (int)m);
        for (int64_t i = 0; i < n && got; i++) most = fmax(most, isfinite(want[i]) ? fabs(want[i]) : 0);
        for (int64_t i = 0; i < n && got; i++) {
            const double tolerance = (dtype == AG_F32 ? 1e-4 : 1e-12) * most;
            const int same = to_the_bit(c, derivatives) ? test_same_bits(got[i], want[i])
                                                        : test_close(got[i], want[i], tolerance);
            ck_assert_msg(same, "%s, %d for %d, order %d: element %d is %.17g, not %.17g", c->label, (int)size,
                          (int)old, derivatives, (int)i, got[i], want[i]);
        }
        free(got);
        free(want);
        ag_plan_free(other);
    }
    ag_graph_free(plain.g);
}

/* Is the program of that size one? */
static int is_program(const op_case *c, ag_dtype dtype, int64_t old, int64_t size, int derivatives)
{
    program plain = { .g = ag_graph_new(NULL) };
    const int built = build(&plain, c, dtype, old, size, derivatives);
    ag_graph_free(plain.g);
    return built;
}

/* Bounds beyond the end are clipped to it where the graph is built, and refused in plans of fewer elements. */
static int is_clipped(const op_case *c)
{
    return !strcmp(c->op, "slice") || !strcmp(c->op, "concat");
}

/* Rows of constants of one size are refused; and sizes for which what is taken is not there. */
static void check_case(const op_case *c, ag_dtype dtype, int64_t old, int derivatives)
{
    const int64_t sizes[] = { old, 1, 2, 17 };
    program p = { .g = ag_graph_new(NULL) };
    const int built = build(&p, c, dtype, old, ag_extent(p.g, "n", old), derivatives);
    if (!built) ck_assert_msg(*ag_graph_error(p.g), "%s", c->label);
    for (size_t k = 0; k < COUNT(sizes) && built; k++) {
        char with[32];
        ag_plan *plan = ag_compile(p.g, p.n, p.out, &(ag_options){ .extent = { { "n", sizes[k] } } });
        snprintf(with, sizeof with, "ag_compile: with n %d, of ", (int)sizes[k]);
        if (plan) compare(&p, c, plan, dtype, old, sizes[k], derivatives);
        else {
            ck_assert_msg(!strncmp(ag_graph_error(p.g), with, strlen(with)), "%s: %s", c->label, ag_graph_error(p.g));
            ck_assert_msg(is_clipped(c) || !is_program(c, dtype, old, sizes[k], derivatives), "%s: %s", c->label,
                          ag_graph_error(p.g));
        }
        ag_plan_free(plan);
        ag_graph_clear(p.g);
    }
    ag_graph_free(p.g);
}

/* Has one of these leaves an axis of that extent? */
static int is_among(const op_case *c, int from, int end, int64_t extent)
{
    int found = 0;
    for (int k = from; k < end; k++)
        for (int i = 0; i < c->in[k].rank; i++) found |= c->in[k].dim[i] == extent;
    return found;
}

static void each_extent(const op_case *c)
{
    for (int k = 0; k < c->n && !(c->flags & ROW_INNER); k++)
        for (int i = 0; i < c->in[k].rank; i++) {
            const int64_t extent = c->in[k].dim[i];
            int seen = extent == 1 || extent > 64 || is_among(c, 0, k, extent);
            for (int a = 0; a < i; a++) seen |= c->in[k].dim[a] == extent;
            for (int d = 0; d < 3 && !seen; d++) {
                if (!(c->flags & ROW_F64_ONLY)) check_case(c, AG_F32, extent, d);
                check_case(c, AG_F64, extent, d);
            }
        }
}

START_TEST(points)
{
    op_case c = op_case_of_point(&op_points[_i], 1 + (op_points[_i].n > 1));
    each_extent(&c);
    op_case_free(&c);
}
END_TEST

/* Rows that write down matrices or labels take no other size of them; what spreads extents of 1 means another then. */
static int has_one_size(const op_row *r)
{
    const int matrices = r >= op_linalg && r < op_linalg + op_linalg_count;
    return matrices || !strcmp(r->op, "pad") || !strcmp(r->op, "cross_entropy");
}

START_TEST(rows)
{
    const op_row *r = op_row_at((size_t)_i);
    op_case c = op_case_of_row(r);
    if (!has_one_size(r)) each_extent(&c);
    op_case_free(&c);
}
END_TEST

Suite *suite_extents(void)
{
    Suite *s = suite_create("extents");
    TCase *tc = tcase_create("extents");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, points, 0, (int)op_points_count);
    tcase_add_loop_test(tc, rows, 0, (int)op_row_count());
    suite_add_tcase(s, tc);
    return s;
}
