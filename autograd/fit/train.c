/* Epoch after epoch. */
#include "fitting.h"

#include <math.h>
#include <signal.h>

/* ---- signals ----------------------------------------------------------------------------------------------------- */

/* SIGINT and SIGTERM wait until they are asked for: no handler, nothing that the rest of the program would notice. */
static void wait_with_signals(const ag_fit *f, sigset_t *mask, sigset_t *before)
{
    sigemptyset(mask);
    if (!f->o.interrupt) return;
    sigaddset(mask, SIGINT);
    sigaddset(mask, SIGTERM);
    pthread_sigmask(SIG_BLOCK, mask, before);
}

static int was_interrupted(ag_fit *f, const sigset_t *mask)
{
    const struct timespec at_once = { 0 };
    int stop = f->o.each && f->o.each(f->o.context, &f->now);
    return (f->o.interrupt && sigtimedwait(mask, NULL, &at_once) > 0) || stop;
}

/* ---- the end of an epoch ----------------------------------------------------------------------------------------- */

static double watched(const ag_fit *f)
{
    const int k = f->o.watch < 0 ? -f->o.watch : f->o.watch;
    if (f->tested) return k ? f->now.test_metric[k - 1] : f->now.test_loss;
    return k ? f->now.metric[k - 1] : f->now.loss;
}

static ag_status judge(ag_fit *f)
{
    const double x = watched(f), best = f->now.best;
    if (isnan(best) || (f->o.watch > 0 ? x > best : x < best)) {
        f->now.best = x;
        f->now.best_epoch = f->now.epoch;
        ag_status status = f->o.best ? ag_save(ag_fit_run(f), f->o.best) : AG_OK;
        if (status) return agi_fit_fail(f, status, "%.300s", ag_run_error(ag_fit_run(f)));
    }
    f->now.stopped = f->o.patience && f->now.epoch - f->now.best_epoch >= f->o.patience;
    return AG_OK;
}

static ag_status test(ag_fit *f)
{
    agi_sums s;
    ag_status status = agi_fit_run_tests(f, &s);
    if (status) return status;
    f->now.test_loss = s.loss / s.rows;
    for (int k = 0; k < f->metrics; k++) f->now.test_metric[k] = s.metric[k] / s.rows;
    return AG_OK;
}

static ag_status end_epoch(ag_fit *f)
{
    ag_status status = f->tested ? test(f) : AG_OK;
    if (status) return status;
    f->now.epoch++;
    f->now.step = 0;
    f->epoch = (agi_sums){ 0 };
    status = judge(f);
    if (!status) status = agi_fit_remember(f);
    if (!status && f->o.checkpoint) status = agi_fit_save(f);
    agi_fit_show_epoch(f);
    agi_fit_shuffle(f);
    return status;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static ag_status next(ag_fit *f)
{
    ag_status status = f->now.step < agi_fit_steps(f) ? agi_fit_step(f) : AG_OK;
    if (status) return status;
    agi_fit_show_step(f);
    if (f->now.step == agi_fit_steps(f)) return end_epoch(f);
    return f->o.save_steps && f->o.checkpoint && f->now.step % f->o.save_steps == 0 ? agi_fit_save(f) : AG_OK;
}

ag_status ag_fit_train(ag_fit *f)
{
    sigset_t mask, before;
    ag_status status = AG_OK;
    if (!f) return AG_EARG;
    const double spent = f->now.seconds;
    f->message[0] = 0;
    f->now.interrupted = f->now.stopped = 0;
    f->steps_here = 0;
    clock_gettime(CLOCK_MONOTONIC, &f->start);
    f->shown = f->start;
    wait_with_signals(f, &mask, &before);
    while (!status && f->now.epoch < f->o.epochs && !f->now.stopped && !f->now.interrupted) {
        status = next(f);
        f->now.seconds = spent + agi_fit_seconds(&f->start);
        if (!status) f->now.interrupted = was_interrupted(f, &mask) && f->now.epoch < f->o.epochs;
    }
    if (!status && f->now.interrupted && f->o.checkpoint) status = agi_fit_save(f);
    if (f->now.interrupted)
        agi_fit_show_line(f, "stopped in epoch %d, after %lld steps%s%s", f->now.epoch + 1, (long long)f->now.step,
                          f->o.checkpoint ? ": training goes on from " : "", f->o.checkpoint ? f->o.checkpoint : "");
    if (f->o.interrupt) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}
