/* Everything an operation's file may use, and what a user's own operation (ag_custom) is written with.
 *
 * A file in nodes/ is one operation: a comment with its formula and derivative, its arithmetic or kernel, its local
 * gradient, its descriptor `const ag_op agi_<name>`, and the public constructor. It uses this header and the public
 * constructors only. A line in nodes.def registers it. */
#ifndef AG_NODE_H
#define AG_NODE_H

#include "autograd.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One operation and the tensor it stands for. Immutable once made, but for the name; lives in the graph's arena. */
struct ag_node {
    ag_graph *graph;
    const ag_op *op;
    const int64_t *dim;    /* `rank` extents */
    const void *attribute; /* the operation's plain bytes, or NULL */
    const char *name;      /* or NULL */
    uint32_t id;           /* creation order, which is a topological order */
    uint32_t nin : 22;     /* at most AG_MOST_INPUTS */
    uint32_t dtype : 2;    /* ag_dtype */
    uint32_t rank : 4;
    uint32_t weak : 1;     /* a literal number that takes the type of the operand it meets */
    uint32_t held : 1;     /* the user may have it: made outside of all rules */
    uint32_t rewritten : 1; /* its inputs are the operands as written, then the simpler node that it is computed as,
                               which is not rewritten; the gradient rule speaks of the operands */
    uint32_t bound : 1;    /* an input that stands for a value inside a loop or branch */
    ag_node *in[];
};

enum { AG_MOST_INPUTS = (1 << 22) - 1 };

/* ---- the descriptor -------------------------------------------------------------------------------------------- */

enum {
    AG_POINTWISE = 1 << 0, /* an element of the result comes from the inputs' elements at its (broadcast) index */
    AG_REDUCTION = 1 << 1, /* folds one axis, or all, with `fold`; attribute: ag_axis_attribute */
    AG_VIEW = 1 << 2,      /* in[0]'s memory under other strides: `view` */
    AG_ALIAS = 1 << 3,     /* the value of the last input, the definition, written as graph, that users do not see;
                              the gradient rule speaks of the other inputs */
    AG_LEAF = 1 << 4,      /* no inputs: input, parameter, constant, number */
    AG_LIBRARY = 1 << 5,   /* computed by `run` on whole tensors */
    AG_EFFECT = 1 << 6,    /* stores in[1] into the parameter in[0] once everything has read it */
    AG_CAST = 1 << 7,      /* in[0]'s elements in another type */
    AG_PRODUCT = 1 << 8,   /* matrix product of the last two axes; takes transposed inputs as they are */
    AG_STRIDED = 1 << 9,   /* `run` takes inputs of any strides; without it they are contiguous */
    AG_SMOOTH = 1 << 10,   /* differentiable to any order inside its domain: what the tests rely on */
    AG_RANDOM = 1 << 11,   /* never merged with an equal node */
    AG_LOOP = 1 << 12,     /* evaluates bodies of its own: nodes/loop.h */
    AG_PART = 1 << 13,     /* one of the results of an AG_LOOP */
    AG_RECOMPUTE = 1 << 14, /* an AG_ALIAS whose value is computed again for later sweeps, not kept */
    AG_SURE = 1 << 15,     /* an AG_LIBRARY whose `run` never fails: parameters may get new values before it */
    AG_CHOOSES = 1 << 16,  /* perhaps does not evaluate all its inputs: gradients flow into them if ag_flow_if says */
    AG_BRANCH = 1 << 17,   /* an AG_LOOP that evaluates one of its two bodies, once */
    AG_REPEATS = 1 << 18,  /* an AG_VIEW that repeats in[0]'s elements by broadcasting; attribute: the ag_shape */
    AG_KEEPS_ZERO = 1 << 19, /* exactly 0 where all its inputs are; views and casts are so without saying it */
    AG_IN_PLACE = 1 << 20, /* an AG_LIBRARY whose `out` may be in[0]'s memory, which it changes once nothing can fail */
    AG_BILINEAR = 1 << 21  /* an AG_POINTWISE that is linear in each of `linear`, not in all together */
};

/* What an AG_LEAF stands for. */
typedef enum {
    AG_NO_LEAF,
    AG_IS_INPUT,     /* fed at every run */
    AG_IS_PARAMETER, /* kept by the run; attribute: its first values, or NULL: 0 */
    AG_IS_CONSTANT,  /* attribute: its values */
    AG_IS_NUMBER     /* of rank 0; attribute: its value as a double */
} ag_role;

typedef enum { AG_FOLD_SUM, AG_FOLD_PROD, AG_FOLD_MAX, AG_FOLD_MIN } ag_fold;

typedef struct {
    int axis;     /* >= 0, or AG_ALL */
    int keepdims; /* 1: the reduced axis stays, with extent 1 */
} ag_axis_attribute;
#define AG_ALL (-1)

/* What a shape rule sees and fills in. dtype and shape are preset to those of in[0], where there is one. */
typedef struct {
    ag_graph *graph;
    const ag_op *op;
    int n;
    ag_node *const *in;
    const void *attribute;
    ag_dtype dtype;
    ag_shape shape;
} ag_infer;

/* Strides and offset in elements of a tensor inside its memory. */
typedef struct {
    int64_t offset;
    int64_t stride[AG_MAX_RANK];
} ag_strides;

/* What is done to a result before it is stored: to element i bias[i / inner % count * step] is added, unless bias is
 * NULL; clips: then what is not above 0, but for NaN, becomes 0. */
typedef struct {
    const void *bias;
    int64_t inner, count, step;
    int clips;
} ag_ending;

/* What a kernel sees. Inputs' and output's shapes and types: those of the node and its inputs. */
typedef struct {
    const ag_node *node;
    void *out;                   /* contiguous, written whole, but for inlays; no input overlaps it, but for AG_IN_PLACE in[0] */
    const void *const *in;       /* element 0 of each input; NULL: it lies in `out` already (`inlays`) */
    const ag_strides *in_stride; /* their strides (offset already applied): only AG_STRIDED kernels need look */
    void *scratch;               /* `scratch` bytes, aligned to 64 */
    int64_t first, end;          /* of `pieces`, those that are to be computed, in out[0] and on as in the whole */
    int isa;                     /* the instruction set that may be used, as in ag_options */
    char *message;               /* room for a message of a failure, */
    size_t message_size;
    const ag_ending *ending;     /* of operations with `ends`; or NULL */
} ag_kernel_call;

typedef struct ag_dependence ag_dependence;

/* C being written. ag_emit adds to it, as printf does. */
typedef struct ag_source ag_source;
void ag_emit(ag_source *, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *ag_c_type(ag_dtype); /* "float", "double", "int64_t" */
int ag_lies_there(const ag_source *, uint32_t k); /* in `c`: in[k] is an inlay */

/* Positions start, start + step, ... along an axis, one for each of in[0]'s. */
typedef struct {
    int axis;
    int64_t start, step;
} ag_window;

typedef void ag_each_extent(void *context, int64_t *n);

struct ag_op {
    const char *name;
    const char *formula; /* for documentation and pictures */
    int inputs;          /* number of visible inputs; -1: any number */
    unsigned flags;
    ag_role role;        /* AG_LEAF */
    size_t attribute_size; /* plain bytes, copied and compared; 0: none */
    size_t (*attribute_bytes)(const void *attribute); /* where nodes' differ in size: of this one */
    /* Calls `each` for all of the attribute's integers that follow the extents of operands or of the result: extents,
     * positions, strides. NULL: there are none. */
    void (*extents)(void *attribute, ag_each_extent *each, void *context);
    /* AG_OK, or what ag_refuse returned. NULL: NumPy broadcasting of all inputs, which have one real type. */
    ag_status (*shape)(ag_infer *);
    /* A simpler node that stands for the operation, whose shape and type are inferred already, or NULL. It gives every
     * element the value it had, NaN and Inf included (x * 0 is no 0), in the same shape and type; what it may change is
     * the sign of a zero, for sums of repeated elements the rounding, and for powers of two as factors what over- or
     * underflowed on the way. It looks at the operands only, which are simplified already, and makes few nodes. NULL:
     * there are none. Pointwise operations of literals, and of operands that are repeated, need no word here. */
    ag_node *(*simplify)(const ag_infer *);
    /* The local gradient as graph: sets gin[i] to d(loss)/d(in[i]) given gout = d(loss)/dy, for the inputs that
     * ag_wanted. gin[i] may have y's shape where in[i] was broadcast, or a shape that broadcasts to in[i]'s: the sweep
     * sums or expands it. A gin left NULL is zero. NULL: no rule; ag_zero_gradient: zero everywhere. */
    void (*gradient)(ag_node *y, ag_node *gout, ag_node *gin[]);
    /* The sum of n results of this operation, of one shape and type, where that costs less than adding them, each as
     * large as it is. NULL: it does not. */
    ag_node *(*sum)(int64_t n, ag_node *const y[]);
    /* AG_LOOP: a loop that computes the tangents of the parts from those of the inputs (NULL: 0); part[k] becomes the
     * number of its part that is the tangent of part k, or -1: 0. Other operations need none. */
    ag_node *(*forward)(ag_node *y, ag_node *const tin[], int part[]);

    int code;    /* AG_POINTWISE, built in: its number in pointwise.def; 0 for a user's operation, which gives: */
    const char *c_text; /* the expression as C, in x / a, b, c, with F(f) for a <math.h> function of the type, K(1.5) */
    void (*f32)(int64_t n, float *out, const float *a, const float *b, const float *c);    /* out may be an input */
    void (*f64)(int64_t n, double *out, const double *a, const double *b, const double *c);
    /* AG_POINTWISE: the node that it is where no operand is real, but for numbers, and one is AG_I64. NULL: there is
     * none, an error says so. */
    ag_node *(*integers)(int n, ag_node *const in[]);
    unsigned linear; /* AG_POINTWISE: bits, 1 << i, of the inputs in which it is linear, in all of them together,
                        whatever the others are: a unit vector's zeros there make zeros */

    ag_fold fold; /* AG_REDUCTION */
    const ag_op *factor; /* AG_PRODUCT: what it is where the inner extent is 1, pointwise on the broadcast operands */

    /* AG_VIEW: strides of in[0] -> strides of y; 0 when y cannot be expressed so and needs a copy. */
    int (*view)(const ag_node *y, ag_strides *);

    /* The operation for `count` values at once of the inputs with batched[i], which have them along a new first axis,
     * and so has the result: several derivatives in one plan. `in` may be overwritten. Pointwise operations, reductions
     * and casts need none, an alias is what its definition is; for others NULL is an error that says so. */
    ag_node *(*batch)(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count);
    /* AG_LIBRARY, for sparse derivatives: says with ag_depends which elements of the inputs each element of y is made
     * of; 0 when that is not known, or NULL: of all. */
    int (*pattern)(const ag_node *y, ag_dependence *);

    /* AG_LIBRARY: where in[0] lies in y, which is 0 elsewhere. Who reads y may then read in[0] there, and y is not
     * made. NULL: it is something else. */
    void (*window)(const ag_node *y, ag_window *);

    /* AG_LIBRARY: y is the sum of all in[k], each where this says, and 0 elsewhere; it is asked in order, *w being what
     * it said of in[k - 1]. Few elements go there by themselves. */
    void (*adds)(const ag_node *y, uint32_t k, ag_window *);

    /* AG_LIBRARY: does y hold in[k] as it is, where *at says, whatever is done to it afterwards? Then who computes in[k]
     * may store it there before `run`, which does the rest. 1: it does; 2: it has nothing of in[k]; 0: neither. It is
     * asked in order, *at being what it said of in[k - 1]. NULL: 0 of all. */
    int (*inlays)(const ag_node *y, uint32_t k, ag_strides *at);

    ag_status (*run)(const ag_kernel_call *); /* AG_LIBRARY; a failure stops the run, which then changes no parameter */
    /* AG_LIBRARY that fails only where an element of in[1], which are integers, is outside -limit to limit - 1. */
    int64_t (*limit)(const ag_node *y);
    size_t (*scratch)(const ag_node *y);      /* bytes `run` needs; NULL: none */
    /* AG_SURE: into how many pieces the result can be cut, which threads compute at once, each some that follow one
     * another, with scratch of its own. All bits are the same however they are dealt out. NULL: one. */
    int64_t (*pieces)(const ag_node *y);
    /* AG_SURE: 1 if `run` heeds an ending whose bias has so many elements, each for `inner` neighbours. NULL: it never
     * does. */
    int (*ends)(const ag_node *y, int64_t inner, int64_t count);
    double (*flops)(const ag_node *y);        /* for the plan's report; NULL: one an element */
    /* For the plan's report: "by" what `run` computes it with that instruction set. NULL: there is one way. */
    const char *(*way)(const ag_node *y, const ag_strides in_stride[], int isa);
    /* AG_LIBRARY: `run` as C99, for ag_write_c: the body of a function that returns 0 or an ag_status. It finds
     * pointers in0, in1, ... to element 0 of the inputs, out, and scratch; types are float, double and int64_t. NULL:
     * none. */
    void (*c)(ag_source *, const ag_node *y, const ag_strides in_stride[]);
};

/* ---- pointwise arithmetic -------------------------------------------------------------------------------------- */

/* One line states the arithmetic of a pointwise operation, in x, or a and b, or a, b and c:
 *
 *     POINTWISE1(sigmoid, 1 / (1 + F(exp)(-x)))
 *
 * The Makefile collects these lines into pointwise.def, which becomes the f32 and f64 tile kernels, the scalar
 * interpreter and the text of exported C. F(exp) is the <math.h> function of the type at hand, K(0.5) a literal of it;
 * integer literals need nothing. Keep each on one line; longer arithmetic is a function in inline.def, or in special.h
 * where it has loops or branches. */
#ifdef AG_BUILDING /* the library: a program's own operations are in no list */
#define POINTWISE1(name, ...) AG_CODE_##name,
#define POINTWISE2(name, ...) AG_CODE_##name,
#define POINTWISE3(name, ...) AG_CODE_##name,
enum {
    AG_CODE_NONE,
#include "pointwise.def"
    AG_CODE_COUNT
};
#undef POINTWISE1
#undef POINTWISE2
#undef POINTWISE3
#ifndef AG_POINTWISE_TABLE /* an operation's own file: the line only names its number, for the descriptor's `code` */
#define POINTWISE1(name, ...) enum { POINTWISE_CODE = AG_CODE_##name };
#define POINTWISE2(name, ...) enum { POINTWISE_CODE = AG_CODE_##name };
#define POINTWISE3(name, ...) enum { POINTWISE_CODE = AG_CODE_##name };
#endif
#endif

/* ---- making nodes ---------------------------------------------------------------------------------------------- */

/* The node of `op` on these inputs: checks them, simplifies, infers the shape, interns. `attribute`: attribute_size
 * bytes, without padding that is not zero. A bad node when something is wrong; NULL only when every input is NULL. */
ag_node *ag_apply(const ag_op *op, int n, ag_node *const in[], const void *attribute);

static inline ag_node *ag_unary(const ag_op *op, ag_node *x)
{
    return ag_apply(op, 1, &x, NULL);
}

static inline ag_node *ag_unary_with(const ag_op *op, ag_node *x, const void *attribute)
{
    return ag_apply(op, 1, &x, attribute);
}

static inline ag_node *ag_binary(const ag_op *op, ag_node *a, ag_node *b)
{
    ag_node *in[] = { a, b };
    return ag_apply(op, 2, in, NULL);
}

/* An AG_ALIAS node of `op` on 1 to 3 sound operands whose value is `definition`, which may be bad. */
ag_node *ag_define(const ag_op *op, int n, ag_node *const in[], const void *attribute, ag_node *definition);
/* in[0] if `op` takes these operands: what ag_apply looks at, before a definition is written with them; else the bad
 * node, the failure recorded in the name of `op`; NULL only when every input is NULL. */
ag_node *ag_vet(const ag_op *op, int n, ag_node *const in[], const void *attribute);

/* In a shape rule: records the failure with the operation and all operands, and returns `status`. */
ag_status ag_refuse(ag_infer *, ag_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* In a constructor: the same without inference; returns the graph's bad node. x (may be NULL or bad) is an operand. */
ag_node *ag_reject(ag_node *x, const ag_op *op, ag_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "f64[2,3]", for such messages; returns text. Ranks from 0 to AG_MAX_RANK. */
enum { AG_SHAPE_TEXT = 192 };
const char *ag_describe(char text[AG_SHAPE_TEXT], ag_dtype, const ag_shape *);

int ag_is_bad(const ag_node *); /* NULL, or a bad node: what a constructor may not look into */
/* The axis counted from 0, or -1 after ag_reject (x is then replaced by the bad node). */
int ag_axis(ag_node **x, const ag_op *op, int axis);

/* ---- for gradient rules ---------------------------------------------------------------------------------------- */

int ag_wanted(const ag_node *y, int i); /* does anyone want the gradient of y's input i? */
void ag_zero_gradient(ag_node *y, ag_node *gout, ag_node *gin[]);
void ag_flow_if(ag_node *y, int k, ag_node *active); /* AG_CHOOSES: gin[k] is 0 where this single number is */

ag_node *ag_scale(ag_node *x, double factor); /* factor x */
ag_node *ag_one_minus(ag_node *x);            /* 1 - x */
ag_node *ag_zeros_like(const ag_node *x);             /* broadcast view of the number 0 */
ag_node *ag_keepdims(ag_node *reduced, const ag_node *like, int axis); /* puts the extent-1 axis back (AG_ALL: all) */

/* ---- for hooks --------------------------------------------------------------------------------------------------- */

ag_shape ag_batch_shape(const ag_node *y, int64_t count);   /* [count, *y's shape] */
ag_node *ag_batch_all(ag_node *x, int64_t count);           /* x repeated along a new first axis */
/* Brings the first n inputs of y to one rank, after the new axis. */
void ag_batch_align(const ag_node *y, uint32_t n, ag_node *in[], const unsigned char batched[], int64_t count);
/* The hook of operations on the last axes, whose first axes broadcast. */
ag_node *ag_batch_leading(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count);

/* In `pattern`: element i of y is made of element j of in[k], too. */
void ag_depends(ag_dependence *, int64_t i, int k, int64_t j);
/* Values of integers that do not change from run to run, or that the caller of the derivative gave; or NULL. */
const int64_t *ag_known_integers(ag_dependence *, const ag_node *x);

/* ---- shapes ---------------------------------------------------------------------------------------------------- */

static inline ag_shape ag_shape_in(const ag_node *x)
{
    ag_shape s = AG_SCALAR;
    s.rank = x->rank;
    for (int i = 0; i < x->rank; i++) s.dim[i] = x->dim[i];
    return s;
}

static inline int64_t ag_count(const ag_node *x)
{
    int64_t n = 1;
    for (int i = 0; i < x->rank; i++) n *= x->dim[i];
    return n;
}

/* Extents before, of and after an axis (AG_ALL: everything is the axis): a tensor seen as [outer, axis, inner]. */
typedef struct {
    int64_t outer, extent, inner;
} ag_extents;
ag_extents ag_split_at(const ag_node *x, int axis);

int ag_same_shape(const ag_node *a, const ag_node *b);
size_t ag_dtype_size(ag_dtype);
ag_strides ag_contiguous(const ag_node *x); /* row-major strides, offset 0 */

/* ---- the registry: of the library's own sources ---------------------------------------------------------------- */

#ifdef AG_BUILDING
#define NODE(name) extern const ag_op agi_##name;
#include "../nodes/nodes.def"
#undef NODE
#endif

#ifdef __cplusplus
}
#endif
#endif
