/* What the files of this room share: an ag_fit, and the parts of training in the order they happen. */
#ifndef AGI_FITTING_H
#define AGI_FITTING_H

#include "fit.h"

#include <time.h>

/* A plan on batches of one size, of the training's rows or the tests'. */
typedef struct {
    int64_t rows; /* 0: there is no such batch */
    int model;    /* number of the model it is of */
    ag_plan *plan;
    ag_run *run;
    void *fed[AG_FIT_FIELDS]; /* what the inputs are bound to */
} agi_batches;

enum { AGI_WHOLE, AGI_REST, AGI_TEST, AGI_TEST_REST, AGI_PASSES }; /* whole batches first, then what is left over */

/* Sums over the rows of an epoch or a test. */
typedef struct {
    double loss, metric[AG_FIT_METRICS], rows;
} agi_sums;

struct ag_fit {
    ag_fit_options o;
    int fields, metrics, tested; /* tested: there are arrays of tests */
    int64_t rows, test_rows, batch;
    int64_t sizes[3]; /* of the models: the batch, the rest, the tests' rest; 0: none */
    ag_fit_model model[3];
    agi_batches pass[AGI_PASSES];
    ag_node *place, *sums; /* parameters of the plan of whole batches: where training is, and agi_sums and the best */
    int64_t *order;        /* of the samples in the epoch under way */
    agi_sums epoch;
    ag_fit_state now;
    double *history;       /* a row an epoch: epoch, losses and metrics of training, of the tests, seconds */
    int64_t epochs_kept, history_room;
    struct timespec start, shown; /* of this call of ag_fit_train; when progress was shown last */
    int64_t steps_here;           /* since then */
    char message[320];
};

ag_status agi_fit_fail(ag_fit *, ag_status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* checks.c, setup.c */
ag_status agi_fit_check(ag_fit *);                      /* options and arrays */
ag_status agi_fit_check_model(ag_fit *, int model);     /* what build has made */

/* steps.c */
int64_t agi_fit_steps(const ag_fit *); /* of an epoch */
ag_status agi_fit_step(ag_fit *);      /* the next */
ag_status agi_fit_run_tests(ag_fit *, agi_sums *);
void agi_fit_shuffle(ag_fit *);

/* place.c: training is at an epoch, a step */
ag_status agi_fit_save(ag_fit *);
ag_status agi_fit_resume(ag_fit *); /* if the checkpoint is there */

/* history.c, draw.c */
int agi_fit_columns(const ag_fit *); /* of the history */
ag_status agi_fit_remember(ag_fit *); /* the epoch that has ended, in the history and its files */
ag_status agi_fit_read_curve(ag_fit *);
ag_status agi_fit_draw(ag_fit *);

/* progress.c */
double agi_fit_seconds(const struct timespec *since);
void agi_fit_show_step(ag_fit *);
void agi_fit_show_epoch(ag_fit *);
void agi_fit_show_line(ag_fit *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
