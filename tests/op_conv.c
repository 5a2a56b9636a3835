/* Rows of convolutions: each product of the definition goes where it belongs, for ag_conv_transpose the other way. */
#include "op_table.h"

static const ag_conv_options options[] = {
    { .groups = 1 },
    { .stride = { 2 }, .padding = { 1 } },
    { .dilation = { 2 }, .padding = { 2 } },
    { .stride = { 1, 2 }, .padding = { 1, 0 }, .dilation = { 1, 1 } },
    { .stride = { 2, 2 }, .padding = { 1, 1 } },
    { .padding = { 2, 2 }, .groups = 2 },
    { .stride = { 2, 1, 2 }, .padding = { 1, 0, 1 }, .dilation = { 1, 2, 1 } },
    { .stride = { 3 }, .output_padding = { 2 }, .padding = { 1 } },
    { .stride = { 2, 3 }, .dilation = { 2, 1 }, .padding = { 1, 1 }, .output_padding = { 1, 0 }, .groups = 2 },
    { .padding = { 1, 1 }, .groups = 3 },
};

static ag_node *build_conv(ag_node *const in[], const int *arg)
{
    return (arg[1] ? ag_conv_transpose : ag_conv)(in[0], in[1], &options[arg[0]]);
}

static int64_t or_one(int64_t n)
{
    return n ? n : 1;
}

/* The element of `of` with these indices, by axis of its shape. */
static int64_t element(ag_shape of, const int64_t at[])
{
    int64_t k = 0;
    for (int i = 0; i < of.rank; i++) k = k * of.dim[i] + at[i];
    return k;
}

static void indices(ag_shape of, int64_t k, int64_t at[])
{
    for (int i = of.rank - 1; i >= 0; k /= of.dim[i--]) at[i] = k % of.dim[i];
}

/* For each sample, each element of a group of the filters, and each position of the smaller image. */
static void expect_conv(const op_row *r, const double *const in[], double *out)
{
    const ag_conv_options *o = &options[r->arg[0]];
    const int turned = r->arg[1];
    const ag_shape x = r->in[0], w = r->in[1], y = r->out, few = turned ? x : y, many = turned ? y : x;
    const int64_t groups = or_one(o->groups), in_group = few.dim[1] / groups;
    for (int64_t k = 0; k < op_count(y); k++) out[k] = 0;
    for (int64_t k = 0; k < op_count(few); k++)
        for (int64_t l = 0; l < op_count(w); l++) {
            int64_t at[AG_MAX_RANK], tap[AG_MAX_RANK], to[AG_MAX_RANK];
            int inside = 1;
            indices(few, k, at);
            indices(w, l, tap);
            if (tap[0] != at[1]) continue; /* the filter's first axis is the smaller image's channel */
            to[0] = at[0];
            to[1] = at[1] / in_group * w.dim[1] + tap[1];
            for (int i = 0; i < few.rank - 2; i++) {
                to[2 + i] = at[2 + i] * or_one(o->stride[i]) + tap[2 + i] * or_one(o->dilation[i]) - o->padding[i];
                inside &= to[2 + i] >= 0 && to[2 + i] < many.dim[2 + i];
            }
            if (!inside) continue;
            if (turned) out[element(y, to)] += in[0][k] * in[1][l];
            else out[k] += in[0][element(x, to)] * in[1][l];
        }
}

#define S OP_SHAPE
#define CONV(x, w, out, ...) { "conv", build_conv, expect_conv, 2, { x, w }, out, -1, 1, { __VA_ARGS__ }, 0 },

const op_row op_conv[] = {
    CONV(S(2, 3, 5), S(4, 3, 2), S(2, 4, 4), 0, 0)
    CONV(S(1, 1, 1), S(1, 1, 1), S(1, 1, 1), 0, 0)
    CONV(S(3, 2, 7), S(3, 2, 3), S(3, 3, 4), 1, 0)
    CONV(S(2, 2, 6), S(2, 2, 3), S(2, 2, 6), 2, 0)
    CONV(S(2, 2, 4, 6), S(3, 2, 3, 2), S(2, 3, 4, 3), 3, 0)
    CONV(S(2, 1, 5, 6), S(2, 1, 3, 3), S(2, 2, 3, 3), 4, 0)
    CONV(S(18, 2, 5, 4), S(3, 2, 3, 3), S(18, 3, 3, 2), 4, 0)
    CONV(S(2, 4, 3, 4), S(6, 2, 3, 3), S(2, 6, 5, 6), 5, 0)
    CONV(S(1, 2, 3, 5, 3), S(2, 2, 3, 2, 2), S(1, 2, 2, 3, 2), 6, 0)
    CONV(S(2, 3, 5, 9), S(3, 1, 3, 3), S(2, 3, 5, 9), 9, 0)
    CONV(S(2, 20, 6, 6), S(18, 20, 3, 3), S(2, 18, 4, 4), 0, 0)
    CONV(S(2, 3, 4), S(3, 2, 3), S(2, 2, 6), 0, 1)
    CONV(S(2, 2, 3), S(2, 3, 4), S(2, 3, 10), 7, 1)
    CONV(S(2, 4, 3, 2), S(4, 1, 2, 3), S(2, 2, 6, 4), 8, 1)
    CONV(S(2, 2, 3, 3), S(2, 2, 3, 3), S(2, 2, 5, 5), 4, 1)
};
const size_t op_conv_count = COUNT(op_conv);
