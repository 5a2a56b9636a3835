/* The time of each step. Memory for all of it is taken when measuring starts; a run that is not measured asks one
 * question a step, and that is all it costs. */
#include "profile.h"

#include <time.h>

int64_t agi_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void agi_profile_step(ag_run *r, const agi_step *s, int64_t from, int first)
{
    const int64_t to = agi_clock();
    const int step = (int)(s - r->plan->step);
    agi_profile_log *log = r->times->log;
    r->times->step[step].nanoseconds += to - from;
    r->times->step[step].count += first;
    if (log->events == log->room) return;
    log->event[log->events++] = (agi_event){ r->plan, step, from - log->start, to - log->start };
}

ag_status agi_run_timed(ag_run *r)
{
    const int64_t from = agi_clock();
    const ag_status status = agi_run_steps(r);
    r->times->log->nanoseconds += agi_clock() - from;
    r->times->log->evaluations++;
    return status;
}

/* ---- starting and stopping --------------------------------------------------------------------------------------- */

/* Of a run and of the runs of bodies in it, which are as deep as AGI_DEEPEST_LOOP at most. */
static void free_times(ag_run *r)
{
    for (int k = 0; k < r->plan->nbodies; k++)
        if (r->bodies[k]) free_times(r->bodies[k]);
    agi_release(&r->plan->allocator, r->times);
    r->times = NULL;
    r->timed = 0;
}

void agi_profile_free(ag_run *r)
{
    if (r->times) agi_release(&r->plan->allocator, r->times->log);
    free_times(r);
}

static int make_times(ag_run *r, agi_profile_log *log)
{
    const size_t bytes = sizeof *r->times + (size_t)r->plan->nsteps * sizeof *r->times->step;
    if (!(r->times = agi_allocate(&r->plan->allocator, bytes))) return 0;
    memset(r->times, 0, bytes);
    r->times->log = log;
    for (int k = 0; k < r->plan->nbodies; k++)
        if (r->bodies[k] && !make_times(r->bodies[k], log)) return 0;
    return 1;
}

static void set_timed(ag_run *r, int timed)
{
    r->timed = timed;
    for (int k = 0; k < r->plan->nbodies; k++)
        if (r->bodies[k]) set_timed(r->bodies[k], timed);
}

ag_status ag_profile_start(ag_run *r, int64_t events)
{
    if (!r) return AG_EARG;
    if (events < 0 || events > INT64_MAX / 2 / (int64_t)sizeof(agi_event)) {
        snprintf(r->message, AGI_MESSAGE_BYTES, "ag_profile_start: memory for %lld events: give 0 or more",
                 (long long)events);
        return AG_EARG;
    }
    agi_profile_free(r);
    agi_profile_log *log = agi_allocate(&r->plan->allocator, sizeof *log + (size_t)events * sizeof *log->event);
    if (log) *log = (agi_profile_log){ .start = agi_clock(), .room = events };
    if (!log || !make_times(r, log)) {
        agi_release(&r->plan->allocator, log);
        free_times(r);
        snprintf(r->message, AGI_MESSAGE_BYTES, "ag_profile_start: out of memory");
        return AG_EMEM;
    }
    set_timed(r, 1);
    return AG_OK;
}

void ag_profile_stop(ag_run *r)
{
    if (r) set_timed(r, 0);
}
