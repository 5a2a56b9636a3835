/* Networks: layers whose parameters are named by where they are, laid out and begun as PyTorch's are.
 *
 *     static ag_node *logits(ag_net net, ag_node *x)
 *     {
 *         ag_node *h = ag_relu(ag_net_dense(net, "hidden", x, 128));   "hidden/weight" [128, 784], "hidden/bias" [128]
 *         return ag_net_dense(net, "out", h, 10);
 *     }
 *     ...
 *     ag_net net = ag_net_new(g, AG_F32, 1);
 *     ag_node *loss = ag_cross_entropy(logits(net, x), labels), *step = ag_adam(loss, NULL);
 *
 * A layer's name is its parameters': where the graph has them already, of the same shape, these are used again. So the
 * function above, called for a batch of another size, is the same network; and layers that are not to share have names
 * of their own. A layer is nothing but its result, a node. Errors are the graph's: bad nodes are absorbed.
 *
 * Composed of public names only. */
#ifndef AUTOGRAD_NETWORKS_H
#define AUTOGRAD_NETWORKS_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- first values ------------------------------------------------------------------------------------------------ */
/* Of a shape [out, in, *kernel] fan_in is in * kernel, fan_out out * kernel, kernel being 1 where there is none. They
 * depend on the seed and the parameter's whole name alone, not on what else there is. `size` 0: what stands here. */
typedef enum {
    AG_USUAL,            /* uniform in +-size / sqrt(fan_in); 1 */
    AG_ZEROS, AG_ONES,
    AG_UNIFORM,          /* in +-size; 1 */
    AG_NORMAL,           /* of deviation size; 1 */
    AG_TRUNCATED_NORMAL, /* the same, what is outside +-2 drawn again */
    AG_XAVIER_UNIFORM, AG_XAVIER_NORMAL, /* of deviation size sqrt(2 / (fan_in + fan_out)); 1 */
    AG_HE_UNIFORM, AG_HE_NORMAL,         /* of deviation size / sqrt(fan_in); sqrt 2 */
    AG_ORTHOGONAL        /* size times rows, or columns where those are fewer, that are orthonormal; 1 */
} ag_init;

/* ---- where layers are -------------------------------------------------------------------------------------------- */
enum { AG_NET_PATH = 128 };
typedef struct { /* a plain value: what is changed in a copy holds for the layers that are made with that */
    ag_graph *graph;
    ag_dtype dtype;   /* of parameters */
    uint64_t seed;    /* of first values */
    ag_init init;     /* of the weights of dense layers and convolutions, */
    double size;      /* with that size */
    int no_bias;      /* 1: dense layers and convolutions have none */
    double dropout;   /* probability, in training: between recurrent layers, and in transformers' blocks; 0: none */
    char separator;   /* between names; 0: '/'. With '.' they are those of PyTorch's files */
    char path[AG_NET_PATH];
} ag_net;
ag_net ag_net_new(ag_graph *, ag_dtype, uint64_t seed);
/* What is made in it has names that begin with that: "block2/", of "block%d". Too long ones are refused by layers. */
ag_net ag_net_in(ag_net, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* A parameter of one's own. */
ag_node *ag_net_weight(ag_net, const char *name, ag_shape, ag_init, double size);

/* ---- layers ------------------------------------------------------------------------------------------------------ */
/* x [..., in]: x weight^T + bias, [..., out]. */
ag_node *ag_net_dense(ag_net, const char *name, ag_node *x, int64_t out);
/* Dense layers of these widths, an activation (NULL: ag_relu) between them: "name/0", "name/1", ... */
ag_node *ag_net_mlp(ag_net, const char *name, ag_node *x, int layers, const int64_t width[],
                    ag_node *activation(ag_node *));
/* x [n, channels, *size], filters as long along each axis: ag_conv, plus bias. */
ag_node *ag_net_conv(ag_net, const char *name, ag_node *x, int64_t out, int64_t kernel, const ag_conv_options *);
/* The same for ag_conv_transpose. */
ag_node *ag_net_conv_transpose(ag_net, const char *name, ag_node *x, int64_t out, int64_t kernel,
                               const ag_conv_options *);
/* Rows of weight [count, width], drawn from a normal distribution, at integer indices: [*indices' shape, width]. */
ag_node *ag_net_embedding(ag_net, const char *name, ag_node *indices, int64_t count, int64_t width);
/* Over the last axis, by weight and bias; by weight. */
ag_node *ag_net_layer_norm(ag_net, const char *name, ag_node *x);
ag_node *ag_net_rms_norm(ag_net, const char *name, ag_node *x);
/* Over groups of channels, x [n, channels, ...], by weight and bias. */
ag_node *ag_net_group_norm(ag_net, const char *name, ag_node *x, int64_t groups);
/* Of channels, by weight and bias: of the batch, *update being an output to list; where update is NULL by what has been
 * followed so, running_mean and running_var. */
ag_node *ag_net_batch_norm(ag_net, const char *name, ag_node *x, ag_node **update);

/* Over a sequence x [steps, batch, in]: [steps, batch, hidden], of the last of the layers, each of which goes over what
 * the one before it makes, dropped as the net says. Parameters of the first: weight_ih_l0, weight_hh_l0, bias_ih_l0,
 * bias_hh_l0, rows by gates: input, forget, cell, output; reset, update, new. `initial`, what is carried, [batch,
 * hidden] each, by layer (of an LSTM the hidden state and the cell state), NULL: zeros, as is one that is NULL; final[]
 * is set to what is left of them, where it is not NULL. */
ag_node *ag_net_lstm(ag_net, const char *name, ag_node *x, int64_t hidden, int layers, ag_node *const initial[],
                     ag_node *final[]);
ag_node *ag_net_gru(ag_net, const char *name, ag_node *x, int64_t hidden, int layers, ag_node *const initial[],
                    ag_node *final[]);

/* Attention of `heads` heads of x [batch, t, width] to `to` [batch, s, width], NULL: to itself: in_proj_weight
 * [3 width, width] and in_proj_bias, out_proj. Mask and causal as for ag_attention_with. */
ag_node *ag_net_attention(ag_net, const char *name, ag_node *x, ag_node *to, int heads, ag_node *mask, int causal);
/* h = x + attention(norm1(x)); h + linear2(gelu(linear1(norm2(h)))), linear1 being `hidden` wide; the attention is
 * self_attn. Dropped as the net says is what is added to x and h, and what linear2 takes. */
ag_node *ag_net_transformer(ag_net, const char *name, ag_node *x, int heads, int64_t hidden, ag_node *mask, int causal);

#ifdef __cplusplus
}
#endif
#endif
