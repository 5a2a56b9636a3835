/* autograd: computational graphs with automatic differentiation.
 *
 * A graph describes, a plan schedules, a run computes:
 *
 *     ag_graph *g = ag_graph_new(NULL);
 *     ag_node  *x = ag_input(g, "x", AG_F64, AG_SCALAR), *y = ag_mul(x, ag_sin(x)), *dx;
 *     ag_gradient(y, 1, &x, &dx);                  dx is graph too: differentiate it again
 *     ag_plan  *p = ag_compile(g, 2, (ag_node *[]){ y, dx }, NULL);
 *     ag_run   *r = ag_run_new(p);                 ag_feed, ag_eval, ag_fetch; then free r, p, g
 *
 * A wrong call returns a bad node, which every operation absorbs; ag_graph_status tells the first failure and
 * ag_graph_error its message. Nothing here aborts, exits or prints. A graph outlives its plans, a plan its runs.
 * One thread grows a graph; a plan is immutable and shared by any number of threads; a run belongs to one thread. */
#ifndef AUTOGRAD_H
#define AUTOGRAD_H

#define AG_VERSION_MAJOR 1 /* semantic versions: what is written against this header works with all of the same major */
#define AG_VERSION_MINOR 0
#define AG_VERSION_PATCH 0
#define AG_VERSION "1.0.0"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- types and shapes ------------------------------------------------------------------------------------------ */
#define AG_MAX_RANK 8
typedef enum { AG_F32, AG_F64, AG_I64 } ag_dtype; /* AG_I64: indices, labels; see ag_floor_divide */
typedef struct {
    int rank; /* 0: a scalar */
    int64_t dim[AG_MAX_RANK];
} ag_shape; /* row-major: the last axis is contiguous */

#ifndef __cplusplus
#define AG_SCALAR ((ag_shape){ 0, { 0 } })
#define AG_SHAPE(...) ((ag_shape){ (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), { __VA_ARGS__ } })
#else
extern "C++" { template <class... D> ag_shape ag_dims(D... d) { return { int(sizeof...(d)), { int64_t(d)... } }; } }
#define AG_SCALAR (ag_dims())
#define AG_SHAPE(...) (ag_dims(__VA_ARGS__))
extern "C" {
#endif

typedef enum {
    AG_OK = 0,
    AG_ESHAPE,  /* shapes, ranks or axes do not fit */
    AG_ETYPE,   /* element types do not fit */
    AG_EARG,    /* NULL, a foreign or wrong node, a name used twice, a leaf not fed, ... */
    AG_EMEM,    /* out of memory */
    AG_ENOGRAD, /* an operation on the way has no gradient rule, or what is asked about is of integers */
    AG_ENAN,    /* a NaN where none may be */
    AG_EIO,     /* a file cannot be read or written */
    AG_ENUMERIC, /* singular or indefinite input of a factorisation */
    AG_EINTERNAL /* the library is at fault, or an operation of your own: found by options.verify */
} ag_status;

typedef struct ag_graph ag_graph; typedef struct ag_node ag_node;
typedef struct ag_plan ag_plan; typedef struct ag_run ag_run;
typedef struct ag_op ag_op; /* the descriptor of an operation: node.h */
typedef struct {
    void *(*allocate)(void *context, size_t bytes); /* aligned as malloc; NULL when there is none */
    void (*release)(void *context, void *memory);   /* memory may be NULL */
    void *context;
} ag_allocator;
/* Options: a field left 0 means what its comment says, { 0 } all defaults. Where 0 stands for another default, this is
 * nought itself: .beta1 = AG_ZERO. */
#define AG_ZERO 1e-300
const char *ag_version(void); /* AG_VERSION of the library that is linked */

/* ---- graphs ---------------------------------------------------------------------------------------------------- */
ag_graph *ag_graph_new(const ag_allocator *or_null); /* NULL when out of memory; the allocator is copied */
void ag_graph_free(ag_graph *);                      /* and every node in it; NULL is fine */
void ag_graph_intern(ag_graph *, int on);            /* equal subexpressions become one node; on by default */
ag_status ag_graph_status(const ag_graph *);         /* the first failure, kept; AG_EMEM for NULL */
const char *ag_graph_error(const ag_graph *);        /* its message, or that of the last ag_value; "" when fine */
void ag_graph_clear(ag_graph *);                     /* forget the failure; bad nodes stay bad */

/* ---- leaves ---------------------------------------------------------------------------------------------------- */
/* Fed at every run. A name: any text without control characters, unique among the graph's named leaves; NULL: none. */
ag_node *ag_input(ag_graph *, const char *name, ag_dtype, ag_shape);
/* An extent that plans choose (ag_options), `size` where they do not: for shapes, lengths, bounds of all but parameters
 * and constants. It is a stand-in, which + - * go through, and / does not; numbers, as a mean's n, are the plan's. */
int64_t ag_extent(ag_graph *, const char *name, int64_t size);
typedef struct { const char *name; int64_t size; } ag_extent_size;
/* Kept by the run, changed by ag_assign; starts as a copy of `initial`, row-major values of its type, or zeros. */
ag_node *ag_parameter(ag_graph *, const char *name, ag_dtype, ag_shape, const void *initial);
ag_node *ag_constant(ag_graph *, ag_dtype, ag_shape, const void *values); /* copied */
ag_node *ag_number(ag_graph *, double); /* rank 0; takes the type of the operand it meets, else AG_F64 */
ag_node *ag_arange(ag_graph *, ag_dtype, int64_t n); /* 0, 1, ..., n-1 */
ag_node *ag_zeros(ag_graph *, ag_dtype, ag_shape), *ag_ones(ag_graph *, ag_dtype, ag_shape); /* without memory, as: */
ag_node *ag_full(ag_graph *, ag_dtype, ag_shape, double value);

/* Sets when not NULL; the node's name, or "". Inputs and parameters are renamed. Others may be one node for equal
 * expressions, each named by who wrote it: the older names stay, in messages, pictures and for ag_find. */
const char *ag_name(ag_node *, const char *set_or_null);
/* AG_HERE(ag_log(x)) is ag_log(x), named "file.c:12" if it has no name: messages and pictures tell where it is from. */
#define AG_HERE(node) ag_name_place(node, __FILE__, __LINE__)
ag_node *ag_name_place(ag_node *, const char *file, int line);
ag_node *ag_find(ag_graph *, const char *name); /* the leaf of that name, else the first node given it; or NULL */
ag_dtype ag_type_of(const ag_node *); ag_shape ag_shape_of(const ag_node *); ag_graph *ag_graph_of(const ag_node *);
int64_t ag_size_of(const ag_node *), ag_node_count(const ag_graph *); /* number of elements; of nodes */

/* ---- pointwise operations (NumPy broadcasting; operands of one real type) --------------------------------------- */
ag_node *ag_add(ag_node *a, ag_node *b), *ag_sub(ag_node *a, ag_node *b);
ag_node *ag_mul(ag_node *a, ag_node *b), *ag_div(ag_node *a, ag_node *b), *ag_pow(ag_node *a, ag_node *b);
ag_node *ag_minimum(ag_node *a, ag_node *b), *ag_maximum(ag_node *a, ag_node *b); /* NaN if one is; equals share */
/* Masks: 1.0 where true, else 0.0, in the operands' type. */
ag_node *ag_less(ag_node *a, ag_node *b), *ag_less_equal(ag_node *a, ag_node *b), *ag_equal(ag_node *a, ag_node *b);
ag_node *ag_greater(ag_node *a, ag_node *b), *ag_greater_equal(ag_node *a, ag_node *b);
ag_node *ag_where(ag_node *condition, ag_node *a, ag_node *b); /* a where the condition is not 0 */
ag_node *ag_neg(ag_node *x), *ag_abs(ag_node *x), *ag_sign(ag_node *x), *ag_floor(ag_node *x), *ag_ceil(ag_node *x);
ag_node *ag_trunc(ag_node *x), *ag_round(ag_node *x), *ag_fmod(ag_node *a, ag_node *b); /* halves to even; C's fmod */
ag_node *ag_square(ag_node *x), *ag_sqrt(ag_node *x), *ag_sigmoid(ag_node *x), *ag_relu(ag_node *x);
ag_node *ag_exp(ag_node *x), *ag_expm1(ag_node *x), *ag_log(ag_node *x), *ag_log1p(ag_node *x);
ag_node *ag_sin(ag_node *x), *ag_cos(ag_node *x), *ag_tan(ag_node *x), *ag_sinh(ag_node *x), *ag_cosh(ag_node *x);
ag_node *ag_asin(ag_node *x), *ag_acos(ag_node *x), *ag_atan(ag_node *x), *ag_atan2(ag_node *y, ag_node *x);
ag_node *ag_tanh(ag_node *x), *ag_erf(ag_node *x), *ag_erfc(ag_node *x); /* erfc: 1 - erf, without cancellation */
ag_node *ag_lgamma(ag_node *x), *ag_polygamma(int n, ag_node *x); /* log |gamma(x)|; digamma and derivatives */
ag_node *ag_softplus(ag_node *x), *ag_log_sigmoid(ag_node *x), *ag_logaddexp(ag_node *a, ag_node *b); /* log(1 + e^x) */
ag_node *ag_gelu(ag_node *x), *ag_gelu_tanh(ag_node *x), *ag_silu(ag_node *x); /* x Phi(x); nearly; x sigmoid(x) */
ag_node *ag_mish(ag_node *x), *ag_hardswish(ag_node *x), *ag_selu(ag_node *x), *ag_elu(ag_node *x, double alpha);
ag_node *ag_leaky_relu(ag_node *x, double slope), *ag_clip(ag_node *x, double low, double high);
/* Of AG_I64, without gradient: + - * neg abs sign square minimum maximum, comparisons, where, fmod, and this: */
ag_node *ag_floor_divide(ag_node *a, ag_node *b); /* towards -Inf; a divisor of 0 is AG_EARG by ag_eval */
ag_node *ag_hardtanh(ag_node *x, double low, double high); /* as ag_clip, with slope 0, not 1, at the bounds */

/* ---- reductions: over everything, to rank 0; over one axis (negative: from the end) ------------------------------ */
ag_node *ag_sum(ag_node *x), *ag_sum_axis(ag_node *x, int axis, int keepdims);
ag_node *ag_mean(ag_node *x), *ag_mean_axis(ag_node *x, int axis, int keepdims);
ag_node *ag_prod(ag_node *x), *ag_prod_axis(ag_node *x, int axis, int keepdims);
ag_node *ag_amax(ag_node *x), *ag_amax_axis(ag_node *x, int axis, int keepdims); /* NaN if any is; */
ag_node *ag_amin(ag_node *x), *ag_amin_axis(ag_node *x, int axis, int keepdims); /* equal extrema share the gradient */
ag_node *ag_logsumexp(ag_node *x), *ag_logsumexp_axis(ag_node *x, int axis, int keepdims);
/* Squares' sum / (n - correction), PyTorch's is 1; its root, whose gradient is 0 where it is 0. */
ag_node *ag_var(ag_node *x, int correction), *ag_var_axis(ag_node *x, int axis, int correction, int keepdims);
ag_node *ag_std(ag_node *x, int correction), *ag_std_axis(ag_node *x, int axis, int correction, int keepdims);
ag_node *ag_norm(ag_node *x, double p), *ag_norm_axis(ag_node *x, double p, int axis, int keepdims); /* 1, 2, Inf */
ag_node *ag_argmax(ag_node *x, int axis); /* AG_I64; the first of equal maxima; a NaN counts as the maximum */
ag_node *ag_cumprod(ag_node *x, int axis), *ag_logcumsumexp(ag_node *x, int axis), *ag_glu(ag_node *x, int axis);
ag_node *ag_cumsum(ag_node *x, int axis), *ag_softmax(ag_node *x, int axis), *ag_log_softmax(ag_node *x, int axis);
ag_node *ag_sort(ag_node *x, int axis, int descending), *ag_argsort(ag_node *x, int axis, int descending); /* stable */
ag_node *ag_top_k(ag_node *x, int64_t k, int axis, ag_node **indices_or_null); /* descending; a NaN is the largest */
/* Mean over i of -log softmax(logits[i, :])[labels[i]]; [n, classes], AG_I64 [n]. A label that is no class: AG_EARG
 * by ag_eval. */
ag_node *ag_cross_entropy(ag_node *logits, ag_node *labels);
typedef enum { AG_MEAN, AG_SUM, AG_EACH } ag_reduction; /* of a loss's elements, or rows: the mean, the sum, each */
typedef struct {
    ag_node *weight;       /* of each class, [classes]; NULL: 1. For labels the mean is by the weights of what counts */
    const int64_t *ignore; /* rows of this label, which need be no class, do not count; NULL: there is none */
    double smoothing;      /* this share of every target goes to all classes alike */
    ag_reduction reduce;
} ag_cross_entropy_options; /* targets: labels, or each class's share, [n, classes] of the logits' type */
ag_node *ag_cross_entropy_with(ag_node *logits, ag_node *targets, const ag_cross_entropy_options *or_null);
ag_node *ag_binary_cross_entropy(ag_node *logits, ag_node *targets, ag_reduction); /* delta of huber 0: 1 */
ag_node *ag_mse(ag_node *x, ag_node *y, ag_reduction), *ag_huber(ag_node *x, ag_node *y, double delta, ag_reduction);
ag_node *ag_kl_div(ag_node *log_p, ag_node *q, ag_reduction), *ag_cosine_similarity(ag_node *a, ag_node *b, int axis);
/* gain (x - mean) / sqrt(variance + epsilon) + bias over the last axes, whose shape gain and bias have, or of channels,
 * x [n, channels, ...]; gain, bias NULL: none; epsilon 0: 1e-5, of rms, x / sqrt(mean x^2 + epsilon), the type's. */
ag_node *ag_layer_norm(ag_node *x, int axes, ag_node *gain, ag_node *bias, double epsilon);
ag_node *ag_rms_norm(ag_node *x, int axes, ag_node *gain, double epsilon);
ag_node *ag_group_norm(ag_node *x, int64_t groups, ag_node *gain, ag_node *bias, double epsilon);
ag_node *ag_batch_norm(ag_node *x, ag_node *gain, ag_node *bias, ag_node *mean, ag_node *variance, double epsilon);
/* By the batch's own, which the parameters mean and variance follow (momentum 0: 0.1) by *update, an output to list. */
ag_node *ag_batch_norm_train(ag_node *x, ag_node *gain, ag_node *bias, double epsilon, ag_node *mean,
                             ag_node *variance, double momentum, ag_node **update);

/* ---- convolutions of one to three spatial axes; options by axis, in order ---------------------------------------- */
typedef struct {
    int64_t stride[3], dilation[3]; /* 0: 1 */
    int64_t padding[3];             /* zeros on both sides */
    int64_t output_padding[3];      /* of ag_conv_transpose: more elements at the end */
    int64_t groups;                 /* 0: 1; channels and filters are so many parts, each for itself */
} ag_conv_options;
/* x [n, channels, *size], w [out, channels / groups, *kernel]: [n, out, *(size + 2 padding - span) / stride + 1] with
 * span = (kernel - 1) dilation + 1. Filters are not turned. NULL: no options. */
ag_node *ag_conv(ag_node *x, ag_node *w, const ag_conv_options *);
/* w [channels, out / groups, *kernel]: [n, out, *(size - 1) stride - 2 padding + span + output_padding]. */
ag_node *ag_conv_transpose(ag_node *x, ag_node *w, const ag_conv_options *);

typedef struct {
    int64_t kernel[3], stride[3];     /* the windows' extents; stride 0: the kernel's */
    int64_t dilation[3], padding[3];  /* 0: 1, 0; padding is at most half a kernel */
    int exclude_padding;              /* of ag_avg_pool: what is padded is not counted */
} ag_pool_options;
/* x [n, channels, *size]: the largest element of each window, or their mean. The first of equal ones takes the
 * gradient; a NaN is larger than all. */
ag_node *ag_max_pool(ag_node *x, const ag_pool_options *), *ag_avg_pool(ag_node *x, const ag_pool_options *);
ag_node *ag_adaptive_avg_pool(ag_node *x, const int64_t *result); /* of windows that make a result of such extents */

/* softmax(scale q k^T) v; q [..., t, d], k [..., s, d], v [..., s, e]: [..., t, e], leading axes alike. scale 0:
 * 1 / sqrt d. causal: row i of q meets rows 0 to i of k. Memory grows with t + s; for second derivatives with t s. */
ag_node *ag_attention(ag_node *q, ag_node *k, ag_node *v, double scale, int causal);
/* The mask broadcasts to [..., t, s], added to scores; a row of -Inf alone makes 0. Its own gradient takes t s, too. */
ag_node *ag_attention_with(ag_node *q, ag_node *k, ag_node *v, ag_node *mask_or_null, double scale, int causal);

/* ---- linear algebra: matrices are the last two axes -------------------------------------------------------------- */
/* Where a matrix is singular, or not positive definite for cholesky, ag_solve, ag_triangular_solve, ag_inverse and
 * ag_cholesky fail ag_eval with AG_ENUMERIC if their result is of rank 2; in a batch, its own results alone are NaN. */
ag_node *ag_dot(ag_node *a, ag_node *b);    /* as numpy.dot for ranks 1 and 2 */
ag_node *ag_matmul(ag_node *a, ag_node *b); /* as numpy.matmul for ranks >= 2: batch dimensions broadcast */
ag_node *ag_outer(ag_node *a, ag_node *b);  /* [n] and [m] to [n, m] */
ag_node *ag_einsum(const char *pattern, int n, ag_node *const x[]); /* as numpy.einsum: "ij,jk->ik"; without ... */
ag_node *ag_solve(ag_node *a, ag_node *b); /* a^-1 b; b [..., n, k], or [n] where a is [n, n]; batches broadcast */
ag_node *ag_triangular_solve(ag_node *a, ag_node *b, int upper, int transposed); /* reads that triangle of a only */
ag_node *ag_cholesky(ag_node *a); /* lower triangular y, y y^T = (a + a^T) / 2 */
ag_node *ag_det(ag_node *a);    /* its first and second derivatives are right for singular matrices, too */
ag_node *ag_logdet(ag_node *a); /* log |det a|: of a singular matrix -Inf, its derivative NaN */
ag_node *ag_inverse(ag_node *a), *ag_trace(ag_node *a), *ag_diag(ag_node *x); /* vector to matrix; or diagonals */

/* ---- shapes: views (no copy) and rearrangements ---------------------------------------------------------------- */
ag_node *ag_transpose(ag_node *x, const int *axes_or_null); /* NULL: reversed */
ag_node *ag_reshape(ag_node *x, ag_shape), *ag_broadcast_to(ag_node *x, ag_shape); /* reshape: one may be -1 */
/* x[start:stop:step] along an axis, as in Python: negative bounds count from the end, bounds are clipped. */
#define AG_END INT64_MAX /* as a bound: to the end in the direction of step */
ag_node *ag_slice(ag_node *x, int axis, int64_t start, int64_t stop, int64_t step);
ag_node *ag_concat(int n, ag_node *const x[], int axis), *ag_stack(int n, ag_node *const x[], int axis);
ag_node *ag_flip(ag_node *x, int axis), *ag_pad(ag_node *x, int axis, int64_t before, int64_t after); /* with zeros */
ag_node *ag_index(ag_node *x, int axis, int64_t position), *ag_roll(ag_node *x, int axis, int64_t shift);
ag_status ag_split(ag_node *x, int axis, int n, const int64_t *sizes_or_null, ag_node *part[]); /* NULL: equal ones */
ag_node *ag_tril(ag_node *x, int64_t diagonal), *ag_triu(ag_node *x, int64_t diagonal); /* 0 above, below it */
/* numpy.take: the axis becomes those of `indices` (AG_I64; from the end if < 0; out of range: AG_EARG by ag_eval). */
ag_node *ag_gather(ag_node *x, int axis, ag_node *indices);
/* x with updates added at the indices, repeated ones accumulating; updates: the shape ag_gather(x, ...) would have. */
ag_node *ag_scatter_add(ag_node *x, int axis, ag_node *indices, ag_node *updates);
/* A last axis of `classes`: 1 at the index, else 0; all are 0 where the index is no class. */
ag_node *ag_one_hot(ag_node *indices, int64_t classes, ag_dtype);
ag_node *ag_cast(ag_node *x, ag_dtype), *ag_stop_gradient(ag_node *x); /* cast to AG_I64: towards zero, no gradient */
/* An output that stores `value` into the parameter after everything else in the plan has read the old value; its own
 * value is the new one. Shapes and types are equal; a plan assigns a parameter once. */
ag_node *ag_assign(ag_node *parameter, ag_node *value);
ag_node *ag_group(int n, ag_node *const x[]); /* outputs as one: what they assign is done; its value is the last's */

/* ---- random numbers: Philox4x32-10, the same bits everywhere ----------------------------------------------------- */
/* Fresh at every evaluation, by a count of them, a parameter like the seed: "random/counter", "random/seed". What a
 * loop's body draws is drawn once, outside; for numbers of each step draw [length, ...] and give it as a sequence. */
ag_node *ag_random_seed(ag_graph *, int64_t seed); /* the parameter; before the graph's first draw. Else it is 0 */
ag_node *ag_random_uniform(ag_graph *, ag_dtype, ag_shape), *ag_random_normal(ag_graph *, ag_dtype, ag_shape);
ag_node *ag_dropout(ag_node *x, double p);  /* 0 with probability p, else x / (1 - p) */
ag_node *ag_shuffle(ag_graph *, int64_t n); /* AG_I64 [n]: 0, 1, ..., n-1 in random order */

/* ---- loops and branches: bodies are graph on inputs of their own, which nothing else reads; what reads none of those,
 * even through another node, is computed once, outside. Differentiable to any order. ------------------------------- */
typedef struct {
    int64_t length; /* steps; 0: the states stay as they are, and there are no sequences and results */
    int states, sequences, results;
    ag_node *const *initial, *const *state, *const *next; /* carried: before all steps; inputs; values after a step */
    ag_node *const *sequence, *const *element; /* [length, ...] each; inputs that stand for a step's slice */
    ag_node *const *result; /* stacked over the steps */
    int reverse;            /* from the last element to the first */
    size_t max_bytes;       /* > 0: the gradient keeps so many bytes of steps at most, stepping anew over segments */
} ag_scan_body;
ag_status ag_scan(const ag_scan_body *, ag_node *final[], ag_node *stacked[]);
/* While `test` (rank 0, on the states) is not 0; max_steps (0: none) bounds the steps, which reverse mode needs. */
ag_status ag_while(ag_node *test, int states, ag_node *const initial[], ag_node *const state[], ag_node *const next[],
                   int64_t max_steps, ag_node *final[]);
/* then[] if the predicate (rank 0) is not 0, else otherwise[]; argument[k] are inputs that stand for value[k]. What
 * only one of the two reads is evaluated where it is chosen, written with arguments or not; what both read, or
 * something else does, always: it may be NaN or infinite, and no gradient flows from a branch that is not taken. */
ag_status ag_cond(ag_node *predicate, int arguments, ag_node *const value[], ag_node *const argument[], int results,
                  ag_node *const then[], ag_node *const otherwise[], ag_node *out[]);

/* A user's own operation (node.h): AG_POINTWISE with f32, f64; AG_LIBRARY; AG_VIEW. It outlives the graph. */
ag_node *ag_custom(const ag_op *, int n, ag_node *const in[], const void *attribute);

/* ---- derivatives: graph again, so every function here nests ------------------------------------------------------ */
/* dx[i] = dy/dx[i], of x[i]'s shape; y of rank 0. An x that y does not depend on gets zeros. AG_ENOGRAD lists every
 * operation without a rule at once. An x may be any node that y was written with: of h = 2 p, y = 2 h, dy/dh is 2,
 * though y is computed as 4 p. */
ag_status ag_gradient(ag_node *y, int n, ag_node *const x[], ag_node *dx[]);
/* dx[i] = sum over k of (dy[k]/dx[i])^T w[k]; w[k] of y[k]'s shape. */
ag_status ag_vjp(int m, ag_node *const y[], ag_node *const w[], int n, ag_node *const x[], ag_node *dx[]);
/* dy[k] = sum over i of dy[k]/dx[i] v[i]; v[i] of x[i]'s shape. */
ag_status ag_jvp(int n, ag_node *const x[], ag_node *const v[], int m, ag_node *const y[], ag_node *dy[]);
ag_node *ag_hvp(ag_node *y, ag_node *x, ag_node *v); /* Hessian of y (rank 0) times v, both of x's shape */
ag_node *ag_jacobian(ag_node *y, ag_node *x); /* [*y's shape, *x's shape]: dy[i]/dx[j], all columns or rows at once */
ag_node *ag_hessian(ag_node *y, ag_node *x);  /* [*x's shape, *x's shape]; y of rank 0 */
ag_node *ag_checkpoint(ag_node *x); /* x, computed again for derivatives instead of kept for them */
/* Derivatives of mostly zeros in CSR: row i's elements are those from row_start[i] on. Rows: y's elements, or the x's;
 * columns: those of x[0], x[1], ... Known before any run; the graph's. A gather's indices: constants or the run's. */
typedef struct {
    int64_t rows, columns, nonzeros;
    const int64_t *row_start, *column; /* columns ascend in a row */
    ag_node *values; /* [nonzeros], by as many products at once as there are colours; NULL when there are none */
    int colours;
} ag_sparse;
const ag_sparse *ag_sparse_jacobian(ag_node *y, int n, ag_node *const x[], const ag_run *or_null); /* NULL: failed */
const ag_sparse *ag_sparse_hessian(ag_node *y, int n, ag_node *const x[], const ag_run *or_null);  /* y of rank 0 */
#include "inspect/check.h" /* ag_check_gradient: derivatives beside numerical differences */

/* ---- training: update nodes, outputs to list in ag_compile ------------------------------------------------------ */
typedef struct {
    double rate;        /* above 0, which has no default here: a rate or a rate_node is needed. AG_ZERO: stand still */
    ag_node *rate_node; /* not NULL: rank 0, used instead of rate; an input makes schedules need no recompilation */
    double momentum;    /* v = momentum v + gradient; p -= rate v. 0: plain */
    int nesterov;       /* 1: p -= rate (gradient + momentum v) */
    double weight_decay; /* adds weight_decay * p to the gradient. 0: none */
    double clip_norm;   /* > 0: gradients are scaled down to this global norm. 0: they are not */
} ag_sgd_options;
typedef struct {
    double rate; /* 0: 0.001; AG_ZERO: stand still */
    ag_node *rate_node;
    double beta1, beta2, epsilon; /* of the means of gradients and squares; 0: 0.9, 0.999, 1e-8; AG_ZERO: nought */
    double weight_decay, clip_norm; /* the decay is decoupled: p -= rate weight_decay p. 0: none, no clipping */
} ag_adam_options;
typedef struct {
    double rate; /* 0: 0.01; AG_ZERO: stand still */
    ag_node *rate_node;
    double smoothing, epsilon; /* smoothing of squares; 0: 0.99, 1e-8; AG_ZERO: nought */
    double momentum, weight_decay, clip_norm; /* 0: none, as for ag_sgd */
} ag_rmsprop_options;
/* Each updates, in place, every parameter that the loss (rank 0) depends on; what it keeps are parameters, too: p's are
 * named "p/m", "p/v", "p/momentum"; Adam counts in "adam/step". Called again for another loss of the same parameters,
 * of a smaller last batch, say, it goes on with what it keeps already, whatever the options; for other parameters, some
 * of which it has been called for, it keeps "p/m 2". */
ag_node *ag_sgd(ag_node *loss, const ag_sgd_options *);
ag_node *ag_adam(ag_node *loss, const ag_adam_options *or_null);
ag_node *ag_rmsprop(ag_node *loss, const ag_rmsprop_options *or_null);

/* ---- plans and runs -------------------------------------------------------------------------------------------- */
typedef struct {
    int threads;   /* 0 and 1: the caller's thread alone; up to 1024; the bits do not depend on it */
    int unfused;   /* 1: every operation a step of its own */
    int poison;    /* 1: freed buffers are filled with NaN while running: the verifier's mode */
    int distinct;  /* 1: no two buffers share memory */
    size_t max_bytes; /* > 0: values are computed again until ag_plan_bytes is at most this, or as near as it gets */
    int isa;       /* 1: baseline; at most 2: AVX2 and FMA (x86-64-v3); 3: AVX-512 (x86-64-v4); 0: the best here */
    int native;    /* 1: steps are compiled by $AG_CC, or cc; 2: and interpreted meanwhile. What cannot be, always */
    int native_cache;      /* 1: the results are kept in $XDG_CACHE_HOME/autograd */
    double native_seconds; /* that the compiler may take; 0: 20; AG_ZERO: none, only what the cache has */
    int trap_nan;  /* 1: the first operation that makes NaN or Inf of finite operands fails ag_eval; slow: unfused */
    int verify;    /* 1: the compiler checks itself after each of its stages; AG_EINTERNAL if one broke something */
    FILE *stages;  /* the program after each stage is written there, as text; NULL: it is not */
    ag_extent_size extent[4]; /* of ag_extent, what they are in this plan: { { "batch", 17 } } */
} ag_options;
/* An output's value is what everything else in the plan has read: of ag_add(p, 0), beside an update of p, the old one.
 * A parameter itself, listed or not, is what it has become. NULL: see ag_graph_error. */
ag_plan *ag_compile(ag_graph *, int n, ag_node *const outputs[], const ag_options *or_null);
void ag_plan_free(ag_plan *);
size_t ag_plan_bytes(const ag_plan *); /* memory one run of this plan takes */
/* The k-th of its inputs and parameters, in order of making, and of its outputs; NULL: there are no more. */
ag_node *ag_plan_input(const ag_plan *, int k), *ag_plan_parameter(const ag_plan *, int k);
ag_node *ag_plan_output(const ag_plan *, int k);
ag_shape ag_plan_shape(const ag_plan *, const ag_node *); /* with the plan's extents, of one of these */
const char *ag_plan_note(const ag_plan *); /* parameters with updates of which none is listed as an output; else "" */
ag_run *ag_run_new(const ag_plan *); /* NULL when out of memory (or the plan is NULL); calls on NULL fail, harmlessly */
void ag_run_free(ag_run *);
/* Copy in, row-major. What this plan does not need may be fed and bound, too: nothing happens. ag_feed trusts that
 * there are as many elements, of the leaf's type; the others check their number, and make reals those of that type. */
ag_status ag_feed(ag_run *, const ag_node *leaf, const void *data);
ag_status ag_feed_f64(ag_run *, const ag_node *leaf, const double *data, int64_t count);
ag_status ag_feed_f32(ag_run *, const ag_node *leaf, const float *data, int64_t count);
ag_status ag_feed_i64(ag_run *, const ag_node *leaf, const int64_t *data, int64_t count);
/* The value lies in the caller's memory, row-major, until bound again; NULL: in the run's own. An input's is what is
 * there at each evaluation (ag_feed unbinds it; with NULL it stays as it is). A parameter's moves along; updates and
 * ag_feed change it there. An output, and it alone, is written there by the next evaluation: no leaf's memory, unless
 * that is only read, nor another output's. */
ag_status ag_bind(ag_run *, const ag_node *leaf_or_output, void *data);
ag_status ag_adopt(ag_run *, const ag_node *parameter, void *data); /* as ag_bind, but its value is the one there */
/* The parameters that both plans have, of batches of two sizes, say, are those of `with` from now on, as by ag_adopt:
 * `with` outlives the run, and does not bind them otherwise. */
ag_status ag_run_share(ag_run *, const ag_run *with);
/* All parameters' values to memory of so many bytes, and back: to runs of this plan, or of one with the same ones. */
size_t ag_snapshot_bytes(const ag_plan *);
ag_status ag_snapshot(const ag_run *, void *to), ag_restore(ag_run *, const void *from);
ag_status ag_eval(ag_run *); /* never allocates; a failure changes no parameter, and leaves outputs without values */
ag_status ag_fetch(const ag_run *, const ag_node *, void *out); /* copy out an output, a parameter or a fed input */
const void *ag_data(const ag_run *, const ag_node *); /* the same in place, valid until the next call; NULL on error */
double ag_item(const ag_run *, const ag_node *rank_0); /* NaN on error, or if it is: see ag_run_error */
const char *ag_run_error(const ag_run *); /* message of the last failed call; "" when fine */

/* The plan's parameters to and from a safetensors file; unnamed ones are "parameter0", ... in order of their making.
 * ag_load finds each by name, of its type and shape (F16 and BF16 are made reals), and ignores what else is there
 * (unnamed ones: there are no more), so that a trained model is loaded without its optimiser; it changes all or none.
 * AG_EIO: no file, or no sound one. */
ag_status ag_save(const ag_run *, const char *path);
ag_status ag_save_half(const ag_run *, const char *path, int bfloat16); /* f32 ones rounded to 16 bits: F16, or BF16 */
ag_status ag_load(ag_run *, const char *path);

/* Compile, run and read what needs no input, for first programs. NaN on error: ag_graph_error says why, and the graph
 * goes on, its status what it was. */
double ag_value(ag_node *rank_0);

/* ---- to read and to draw ---------------------------------------------------------------------------------------- */
/* The formula as graph; names are the graph's leaves: "mean((sigmoid(x @ w) - t)^2)". From loose to tight: < <= > >= ==
 * !=, + -, * / @, 2x, unary -, ^ (to the right; -x^2 is -(x^2)). Functions: operations without ag_, "softmax(x, 1)",
 * min, max; pi, e; f32 f64 i64 for cast. At most 64 KiB, 256 deep, arange(65536). AG_EARG: the message shows where. */
ag_node *ag_parse(ag_graph *, const char *formula);
#include "formula/parse.h"    /* what else formulas may say, several at once */
#include "inspect/pictures.h" /* graphs and plans drawn, and to step through */
#include "inspect/report.h"   /* what a plan does, and how long it takes */
#include "emit/export/c_code.h" /* plans as C */
#include "checked.h"          /* ag_get; what C does not check of ag_feed, ag_constant and others */

#ifdef __cplusplus
}
#endif
#endif
