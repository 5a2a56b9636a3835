/* Training on data, in shuffled mini-batches, until it is told to stop: progress, tests, checkpoints that a later
 * process goes on from as if there had been no end, curves.
 *
 *     static void build(ag_graph *g, int64_t rows, ag_fit_model *m, void *context)
 *     {
 *         ag_node *x = m->input[0] = ag_input(g, NULL, AG_F32, AG_SHAPE(rows, 784));
 *         ag_node *t = m->input[1] = ag_input(g, NULL, AG_I64, AG_SHAPE(rows));
 *         m->loss = ag_cross_entropy(ag_dot(x, context), t);
 *         m->update = ag_adam(m->loss, NULL);
 *     }
 *     ...
 *     ag_fit *f = ag_fit_new(&(ag_fit_options){ .graph = g, .build = build, .context = w, .batch = 64, .epochs = 3,
 *                            .field = { { .train = &images, .scale = 1 / 255.0 }, { .train = &labels } },
 *                            .progress = stderr }, &why);
 *     if (!f || ag_fit_train(f)) ...
 *
 * Composed of public names only. */
#ifndef AUTOGRAD_FIT_H
#define AUTOGRAD_FIT_H

#include "../data/data.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AG_FIT_FIELDS = 8, AG_FIT_METRICS = 4 };

/* A model for batches of one size. Nodes that a program has no use for stay NULL. */
typedef struct {
    ag_node *input[AG_FIT_FIELDS]; /* inputs [rows, ...] that take the fields' rows, in order */
    ag_node *loss;                 /* rank 0, of the batch; shown is the mean of batches, weighted by their rows */
    ag_node *update;               /* ag_adam(loss, ...), or ag_group of that and whatever else is updated */
    ag_node *metric[AG_FIT_METRICS];                      /* rank 0, as many as the options name; as the loss */
    ag_node *test_loss, *test_metric[AG_FIT_METRICS]; /* of tests, without dropout, say; NULL: loss and metric */
} ag_fit_model;

/* Rows of samples, for one of the inputs. */
typedef struct {
    const ag_array *train, *test; /* [samples, ...], read while training; test may be NULL, for all fields alike */
    double scale, shift;          /* the input is fed scale x + shift; scale 0: 1 */
} ag_fit_field;

typedef struct {
    int epoch;       /* epochs that are behind */
    int64_t step;    /* steps of the one under way; 0: none is */
    double loss, metric[AG_FIT_METRICS];           /* means over this epoch so far, or the last one's; NaN: none */
    double test_loss, test_metric[AG_FIT_METRICS]; /* after the last epoch; NaN: no test */
    double best;     /* of what is watched, so far; NaN: none */
    int best_epoch;  /* after so many epochs */
    int interrupted; /* 1: by a signal or `each`, before the last step */
    int stopped;     /* 1: nothing became better for `patience` epochs */
    double seconds;  /* this process has trained and tested so long */
} ag_fit_state;

typedef struct {
    ag_graph *graph;
    /* Fills in the model for batches of so many rows. Called for each size there is: the batch, and smaller last ones.
     * Parameters are the same each time: made before, found by ag_find, or by layers that find theirs by name. */
    void (*build)(ag_graph *, int64_t rows, ag_fit_model *, void *context);
    void *context;
    ag_fit_field field[AG_FIT_FIELDS];   /* up to the first without `train` */
    const char *metric[AG_FIT_METRICS];  /* names, up to the first NULL */
    int64_t batch; /* rows of one; 0: 32. All samples if there are fewer */
    int epochs;    /* until so many are behind; 0: 1 */
    uint64_t seed; /* of the order, which is another in every epoch */
    int in_order;  /* 1: samples come as they lie */
    int watch;     /* what is to become better: 0: the test's loss, smaller; k: metric[k - 1], larger; -k: smaller.
                      Without a test: of the training */
    int patience;  /* > 0: stops when that has not become better for so many epochs */
    const char *checkpoint; /* written there after every epoch, when interrupted, and every save_steps steps. If it is
                               there already, training goes on from it, bit for bit */
    int64_t save_steps;
    const char *best;       /* parameters are saved there whenever what is watched has become better */
    const char *csv, *svg;  /* the curve, a line and a point an epoch; CSV is read again where training goes on */
    FILE *progress;         /* how far it is: a line that is written over on a terminal, else plain lines; NULL: none */
    int interrupt;          /* 1: SIGINT and SIGTERM wait for the end of a step, and end training after it */
    int (*each)(void *context, const ag_fit_state *); /* after every step and epoch; not 0: as if interrupted */
    ag_options options;     /* of the plans */
} ag_fit_options;

typedef struct ag_fit ag_fit;

/* Builds, compiles, loads the checkpoint if there is one. The options are copied, what they point to is not: arrays,
 * strings and the graph outlive it. NULL: the problem says why, and the graph's message if it is the graph's. */
ag_fit *ag_fit_new(const ag_fit_options *, ag_problem *or_null);
void ag_fit_free(ag_fit *); /* NULL is fine */
/* Trains until the options' epochs are behind, or something ends it: see the state. AG_ENAN: the loss of a step is NaN
 * or infinite; the checkpoint stays as it was. Other failures are ag_eval's and ag_save's. Called again, it goes on. */
ag_status ag_fit_train(ag_fit *);
ag_status ag_fit_test(ag_fit *, double *loss, double metric[]); /* now, on the tests' rows; metric may be NULL */
const ag_fit_state *ag_fit_now(const ag_fit *);
/* The run whose parameters are trained, for ag_run_share, ag_save and ag_load. */
ag_run *ag_fit_run(ag_fit *);
const char *ag_fit_error(const ag_fit *); /* of the last failed call; "" when fine */

#ifdef __cplusplus
}
#endif
#endif
