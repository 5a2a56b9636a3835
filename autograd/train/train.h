/* Training beyond ag_sgd, ag_adam and ag_rmsprop of autograd.h: other methods, methods by groups of parameters,
 * gradients of several evaluations, averages of weights, schedules, and L-BFGS.
 *
 *     ag_node *step = ag_step(g, NULL, 0), *rate = ag_warm_up(ag_rate_cosine(step, 3e-4, 0, 10000), step, 500);
 *     ag_adam_options decays = { .rate_node = rate, .weight_decay = 0.1 }, plain = { .rate_node = rate };
 *     ag_node *update = ag_train(loss, 2, (ag_parameter_group[]){
 *         { .count = 4, .parameter = weights, .adam = &decays }, { .adam = &plain } },
 *         &(ag_train_options){ .clip_norm = 1, .every = 8, .average = 0.999 });
 *
 * An update is a node to list in ag_compile, as in autograd.h, and its rules hold here, too: all that is kept is named
 * parameters, saved, loaded and shared with the others, and one state however many losses of the same parameters are
 * stepped. Options that are 0 mean what their comments say, AG_ZERO is nought. */
#ifndef AUTOGRAD_TRAIN_H
#define AUTOGRAD_TRAIN_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- methods ----------------------------------------------------------------------------------------------------- */
/* AdamW (Loshchilov and Hutter 2019) is ag_adam with a weight_decay, which is decoupled. */

/* Adagrad (Duchi, Hazan, Singer 2011): s += g^2, p -= rate g / (sqrt(s) + epsilon); keeps "p/squares". */
typedef struct {
    double rate; /* 0: 0.01; AG_ZERO: stand still */
    ag_node *rate_node;
    double epsilon; /* 0: 1e-10; AG_ZERO: nought */
    double weight_decay, clip_norm; /* 0: none, as for ag_sgd */
} ag_adagrad_options;
ag_node *ag_adagrad(ag_node *loss, const ag_adagrad_options *or_null);

/* Lion (Chen and others 2023): p -= rate sign(beta1 m + (1 - beta1) g), m = beta2 m + (1 - beta2) g; keeps "p/m". */
typedef struct {
    double rate; /* 0: 0.0001; AG_ZERO: stand still */
    ag_node *rate_node;
    double beta1, beta2; /* 0: 0.9, 0.99; AG_ZERO: nought */
    double weight_decay, clip_norm; /* the decay is decoupled, as for ag_adam. 0: none, no clipping */
} ag_lion_options;
ag_node *ag_lion(ag_node *loss, const ag_lion_options *or_null);

/* ---- groups ------------------------------------------------------------------------------------------------------ */
/* Parameters that are stepped alike: by the one method whose options are there, or by none: they stay as they are. */
typedef struct {
    int count; /* 0: all that the loss depends on and that no other group lists */
    ag_node *const *parameter;
    const ag_sgd_options *sgd;
    const ag_adam_options *adam;
    const ag_rmsprop_options *rmsprop;
    const ag_adagrad_options *adagrad;
    const ag_lion_options *lion;
} ag_parameter_group;
typedef struct {
    double clip_value; /* > 0: no element of a gradient is larger, of either sign. 0: as they are */
    double clip_norm;  /* > 0: of all groups' gradients together, after that; a method's own is of its group. 0: none */
    int64_t every;     /* k > 1: an update every k evaluations, by the mean of their gradients; keeps "p/gradient" */
    double average;    /* b > 0: "p/average" is p after the first update, then a = b a + (1 - b) p; below 1. 0: none */
} ag_train_options;
/* Parameters in no group stay as they are, too. A group that is trained lists what the loss depends on. */
ag_node *ag_train(ag_node *loss, int groups, const ag_parameter_group group[], const ag_train_options *or_null);
ag_node *ag_average_of(ag_node *parameter); /* the parameter that keeps its average; NULL: there is none */

/* ---- schedules: of rank 0, for options' rate_node --------------------------------------------------------------- */
/* The number of updates before this one, 0 at first, f64: of evaluations, divided by `every` (0: 1) and rounded down.
 * The parameter `name` (NULL: "train/step") counts the evaluations of plans that read it; one for each name. */
ag_node *ag_step(ag_graph *, const char *name, int64_t every);
/* From one rate to another in so many steps, after which it stays: in a line; by half a wave of the cosine. */
ag_node *ag_rate_linear(ag_node *step, double from, double to, int64_t steps);
ag_node *ag_rate_cosine(ag_node *step, double from, double to, int64_t steps);
ag_node *ag_rate_stairs(ag_node *step, double rate, double factor, int64_t every); /* rate factor^floor(step / every) */
ag_node *ag_warm_up(ag_node *rate, ag_node *step, int64_t steps); /* rate min(1, (step + 1) / steps) */
typedef struct {
    double rising;        /* the part of the steps in which the rate rises; 0: 0.3 */
    double start, finish; /* it begins at peak / start and ends at peak / start / finish; 0: 25, 10000 */
    int linear;           /* 1: in lines. 0: by cosines */
} ag_one_cycle_options;
ag_node *ag_rate_one_cycle(ag_node *step, double peak, int64_t steps, const ag_one_cycle_options *or_null);

/* ---- full batches: L-BFGS (Nocedal 1980), a loop around ag_eval ------------------------------------------------- */
typedef enum {
    AG_LBFGS_GRADIENT,   /* no element of the gradient is larger than was asked for */
    AG_LBFGS_CHANGE,     /* the last step has changed the loss too little */
    AG_LBFGS_ITERATIONS, /* there were as many as are allowed */
    AG_LBFGS_NO_STEP,    /* no step against the gradient makes the loss smaller: it is as small as rounding lets it be,
                            not smooth there, or dx is not its gradient */
    AG_LBFGS_NO_START    /* the first evaluation has failed, or is not finite, as the status says */
} ag_lbfgs_stop;
typedef struct {
    int history;        /* steps that tell of the curvature; 0: 10 */
    int64_t iterations; /* at most; 0: 100 */
    double gradient;    /* 0: 1e-6; AG_ZERO: nought */
    double change;      /* relative to the loss; 0: 1e-12; AG_ZERO: nought */
    double decrease, curvature; /* of the strong Wolfe conditions; 0: 1e-4, 0.9 */
    int evaluations;    /* of a line search, about; 0: 25 */
} ag_lbfgs_options;
typedef struct {
    ag_lbfgs_stop stop;
    int64_t iterations, evaluations;
    double loss, gradient, change; /* the loss, the largest element of its gradient, what the last step has won */
} ag_lbfgs_report;
/* Minimises the loss, of rank 0, by the n leaves x, f32 or f64, which the run holds and its plan does not update; dx is
 * its gradient, by ag_gradient. Loss and dx are outputs of the plan, other inputs are fed. Steps to where the loss is
 * not finite, or an evaluation fails, are taken back. The run is left evaluated at the best x. Memory for
 * 2 history + 5 copies of x, in doubles, is taken once. AG_OK whatever the stop, but for AG_LBFGS_NO_START. */
ag_status ag_lbfgs(ag_run *, ag_node *loss, int n, ag_node *const x[], ag_node *const dx[],
                   const ag_lbfgs_options *or_null, ag_lbfgs_report *or_null_report);

#ifdef __cplusplus
}
#endif
#endif
