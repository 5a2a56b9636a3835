/* Rows of random numbers: those that the first evaluation of a graph draws first. */
#include "op_table.h"
#include "philox.h"

static const philox_draw first = { .seed = 0, .evaluation = 1, .number = 0 };

static ag_node *times_f64(ag_node *x, ag_node *numbers)
{
    return ag_mul(x, ag_cast(numbers, ag_type_of(x)));
}

static ag_node *build_uniform(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_is_bad(in[0]) ? in[0]
                            : times_f64(in[0], ag_random_uniform(in[0]->graph, AG_F64, ag_shape_of(in[0])));
}

static void expect_uniform(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) out[i] = in[0][i] * philox_uniform_f64(first, i);
}

static ag_node *build_normal(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_is_bad(in[0]) ? in[0] : times_f64(in[0], ag_random_normal(in[0]->graph, AG_F64, ag_shape_of(in[0])));
}

static void expect_normal(const op_row *r, const double *const in[], double *out)
{
    for (int64_t i = 0; i < op_count(r->out); i++) out[i] = in[0][i] * philox_normal_f64(first, i);
}

static ag_node *build_shuffle(ag_node *const in[], const int *arg)
{
    (void)arg;
    return ag_is_bad(in[0]) ? in[0] : ag_gather(in[0], 0, ag_shuffle(in[0]->graph, in[0]->dim[0]));
}

static void expect_shuffle(const op_row *r, const double *const in[], double *out)
{
    const int64_t n = op_count(r->out);
    int64_t *from = malloc((size_t)n * sizeof *from);
    philox_shuffle(first, n, from);
    for (int64_t i = 0; i < n; i++) out[i] = in[0][from[i]];
    free(from);
}

/* In f32 the same elements have to be dropped: a double's numbers, that is. */
static ag_node *build_dropout(ag_node *const in[], const int *arg)
{
    return ag_is_bad(in[0]) ? in[0] : ag_cast(ag_dropout(ag_cast(in[0], AG_F64), arg[0] / 100.0), ag_type_of(in[0]));
}

static void expect_dropout(const op_row *r, const double *const in[], double *out)
{
    const double p = r->arg[0] / 100.0;
    for (int64_t i = 0; i < op_count(r->out); i++) out[i] = philox_uniform_f64(first, i) < p ? 0 : in[0][i] / (1 - p);
}

#define S(...) OP_SHAPE(__VA_ARGS__)
#define DRAWN(name, how, shape, first_arg)                                                                           \
    { #name, build_##how, expect_##how, 1, { shape }, shape, -3, 3, { first_arg }, ROW_INNER },

const op_row op_random[] = {
    DRAWN(random_next, uniform, S(3), 0)
    DRAWN(random_uniform, uniform, OP_SCALAR, 0)
    DRAWN(random_uniform, uniform, S(5, 13), 0)
    DRAWN(random_normal, normal, OP_SCALAR, 0)
    DRAWN(random_normal, normal, S(3, 21), 0)
    DRAWN(shuffle, shuffle, S(1), 0)
    DRAWN(shuffle, shuffle, S(70), 0)
    DRAWN(dropout, dropout, OP_SCALAR, 50)
    DRAWN(dropout, dropout, S(9, 8), 25)
    DRAWN(dropout, dropout, S(7), 0)
};
const size_t op_random_count = COUNT(op_random);
