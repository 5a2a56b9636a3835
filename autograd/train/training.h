/* Training while it is written down: a loss's parameters in groups, their gradients, and what methods are made of.
 *
 *   train.c      ag_train: from options to assignments; what all groups share
 *   group.c      parameters in groups; options; clipping
 *   kept.c       what is kept from step to step, and how it is assigned
 *   sgd.c, adam.c, rmsprop.c, adagrad.c, lion.c   a method each: what is left for an element is a line in its step()
 *   rates.c      rates that depend on the step
 *
 * What is the same for all elements of a parameter (rates, corrections, the clipping factor) is computed once, as nodes
 * of rank 0. */
#ifndef AGI_TRAINING_H
#define AGI_TRAINING_H

#include "derive/derive.h"
#include "shared/steps.h"
#include "train.h"

/* What is kept for the next call of the same method for the same parameters. In the graph's arena. */
typedef enum {
    AGI_MEANS, AGI_SQUARES,  /* means of gradients or directions; of their squares */
    AGI_COLLECTED,           /* gradients of evaluations since the last update */
    AGI_AVERAGED,            /* parameters */
    AGI_BUFFERS
} agi_buffer_kind;
typedef enum { AGI_STEPS, AGI_EVALUATIONS, AGI_COUNTERS } agi_counter_kind;
struct agi_kept {
    agi_kept *older;
    const char *what;
    int count;
    ag_node **parameter, **buffer[AGI_BUFFERS]; /* buffers: by parameter; NULL: not there yet */
    ag_node *counter[AGI_COUNTERS];
    ag_node *counted; /* ag_step: its assignment */
};

typedef struct {
    const char *what; /* the function called, for messages */
    ag_graph *graph;
    agi_arena arena;
    int count; /* of parameters that are trained, group by group */
    ag_node **parameter, **gradient;
    ag_node **effect; /* assignments made so far */
    int effects;
    ag_node *due; /* of rank 0, 1 where the evaluation updates, else 0; NULL: each does */
} agi_training;

typedef struct agi_method agi_method;
typedef struct {
    agi_training *training;
    const agi_method *method; /* NULL: parameters stay */
    const void *options;      /* the method's */
    int count;
    ag_node **parameter, **gradient; /* some of the training's */
    agi_kept *kept;
    ag_node *rate; /* of rank 0 */
    double clip_norm;
    ag_node *clip;                    /* factor of all gradients, of rank 0; or NULL */
    ag_node *step_rate, *epsilon;     /* Adam's, of this step */
} agi_trained;

struct agi_method {
    const char *what;
    int (*check)(agi_trained *);         /* the options; sets rate and clip_norm; 0 after a failure */
    void (*prepare)(agi_trained *);      /* what all elements of all parameters share; or NULL */
    ag_node *(*step)(agi_trained *, int i); /* the i-th parameter's new value */
};
extern const agi_method agi_sgd_method, agi_adam_method, agi_rmsprop_method, agi_adagrad_method, agi_lion_method;

/* train.c: ag_train whose failures are those of the call `what`. NULL without a loss. */
ag_node *agi_train(const char *what, ag_node *loss, int groups, const ag_parameter_group[], const ag_train_options *);

/* group.c. Each returns 0 after recording a failure. */
int agi_find_groups(agi_training *, ag_node *loss, int groups, const ag_parameter_group[], agi_trained *);
int agi_check_option(const agi_trained *, const char *name, double value, double least, double limit); /* below limit */
int agi_check_decay(const agi_trained *, double decay);
int agi_check_rate(agi_trained *, double rate, ag_node *rate_node, double clip_norm);
ag_node *agi_clipping(const agi_training *, int count, ag_node *const gradient[], double limit); /* a factor, rank 0 */
int agi_no_memory(const agi_training *);

/* kept.c */
agi_kept *agi_find_kept(agi_training *, const char *what, int count, ag_node *const parameter[]); /* NULL: no memory */
/* A parameter of zeros like p, the i-th of what is kept; one of rank 0, f64: an earlier call may have made them. */
ag_node *agi_buffer_of(agi_training *, agi_kept *, int i, agi_buffer_kind, const char *role);
ag_node *agi_counter_of(agi_training *, agi_kept *, agi_counter_kind, const char *of, const char *role);
/* An assignment that is made where the evaluation updates, or at each; returns the value. */
ag_node *agi_update(agi_training *, ag_node *parameter, ag_node *value);
ag_node *agi_update_always(agi_training *, ag_node *parameter, ag_node *value);

/* What steps are made of. */
ag_node *agi_typed(ag_node *x, const ag_node *p);         /* x in p's type. Literals take it by themselves */
ag_node *agi_clipped(const agi_trained *, int i);           /* the i-th gradient */
ag_node *agi_with_decay(const agi_trained *, int i, double decay); /* the same + decay p */
ag_node *agi_squarable(const agi_trained *, int i, ag_node *gradient);        /* as means of its squares bear it */
ag_node *agi_in_units(ag_node *m, ag_node *v, ag_node *epsilon, const ag_node *p); /* m / (sqrt(v) + epsilon) */
ag_node *agi_decayed(const agi_trained *, int i, double decay); /* p (1 - rate decay): what a step starts from */
/* b old + (1 - b) now, a mean over steps that forgets; that of squares; momentum old + now. Kept in a buffer. */
ag_node *agi_running_mean(agi_trained *, int i, double b, ag_node *now);
ag_node *agi_running_mean_square(agi_trained *, int i, double b, ag_node *now);
ag_node *agi_accumulated(agi_trained *, int i, double momentum, ag_node *now);

static inline double agi_largest_to_square(const ag_node *p) /* 1 / its square is normal; its square may be doubled */
{
    return p->dtype == AG_F32 ? 0x1p63 : 0x1p511;
}

#endif
