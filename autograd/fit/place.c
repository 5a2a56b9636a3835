/* Where training is: two parameters of the plan, so that they lie in the checkpoint beside the model and what its
 * optimiser keeps. */
#include "fitting.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { VERSION, SEED, ROWS, BATCH, IN_ORDER, EPOCH, STEP, BEST_EPOCH, PLACES };
enum { LOSS, METRIC, COUNTED = METRIC + AG_FIT_METRICS, BEST, SUMS };

ag_status agi_fit_save(ag_fit *f)
{
    ag_run *run = ag_fit_run(f);
    const int64_t place[PLACES] = { [VERSION] = 1, [SEED] = (int64_t)f->o.seed, [ROWS] = f->rows, [BATCH] = f->batch,
                                    [IN_ORDER] = f->o.in_order != 0, [EPOCH] = f->now.epoch, [STEP] = f->now.step,
                                    [BEST_EPOCH] = f->now.best_epoch };
    double sums[8] = { [LOSS] = f->epoch.loss, [COUNTED] = f->epoch.rows, [BEST] = f->now.best };
    memcpy(sums + METRIC, f->epoch.metric, sizeof f->epoch.metric);
    ag_status status = ag_feed(run, f->place, place);
    if (!status) status = ag_feed(run, f->sums, sums);
    if (!status) status = ag_save(run, f->o.checkpoint);
    return status ? agi_fit_fail(f, status, "%.300s", ag_run_error(run)) : AG_OK;
}

static ag_status refuse(ag_fit *f, const char *what, int64_t there, int64_t here)
{
    return agi_fit_fail(f, AG_EARG, "'%.120s' was written by other training: its %s is %lld, here it is %lld",
                        f->o.checkpoint, what, (long long)there, (long long)here);
}

/* It goes on as it was only in the same order of the same batches. */
static ag_status check_place(ag_fit *f, const int64_t *place)
{
    if (place[VERSION] != 1 || place[EPOCH] < 0 || place[EPOCH] > 1 << 30 || place[STEP] < 0 ||
        place[STEP] > agi_fit_steps(f))
        return agi_fit_fail(f, AG_EIO, "'%.120s' holds no place in training", f->o.checkpoint);
    if (place[ROWS] != f->rows) return refuse(f, "number of samples", place[ROWS], f->rows);
    if (place[BATCH] != f->batch) return refuse(f, "batch", place[BATCH], f->batch);
    if (place[SEED] != (int64_t)f->o.seed) return refuse(f, "seed", place[SEED], (int64_t)f->o.seed);
    if (place[IN_ORDER] != (f->o.in_order != 0)) return refuse(f, "in_order", place[IN_ORDER], f->o.in_order);
    return AG_OK;
}

ag_status agi_fit_resume(ag_fit *f)
{
    ag_run *run = ag_fit_run(f);
    if (!f->o.checkpoint || (access(f->o.checkpoint, F_OK) && errno == ENOENT)) return AG_OK;
    ag_status status = ag_load(run, f->o.checkpoint);
    if (status) return agi_fit_fail(f, status, "%.300s", ag_run_error(run));
    const int64_t *place = ag_data(run, f->place);
    const double *sums = ag_data(run, f->sums);
    status = check_place(f, place);
    if (status) return status;
    f->now.epoch = (int)place[EPOCH];
    f->now.step = place[STEP];
    f->now.best_epoch = (int)place[BEST_EPOCH];
    f->now.best = sums[BEST];
    f->epoch = (agi_sums){ .loss = sums[LOSS], .rows = sums[COUNTED] };
    memcpy(f->epoch.metric, sums + METRIC, sizeof f->epoch.metric);
    return agi_fit_read_curve(f);
}
