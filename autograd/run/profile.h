/* What was measured: of each run, the outermost one and its bodies', times by step; of all of them events. */
#ifndef AGI_PROFILE_H
#define AGI_PROFILE_H

#include "run.h"

typedef struct {
    const ag_plan *plan; /* of the run or body, */
    int step;            /* whose step it was */
    int64_t from, to;    /* nanoseconds since the start */
} agi_event;

typedef struct {
    int64_t start;       /* of the clock */
    int64_t evaluations, nanoseconds; /* of whole evaluations */
    int64_t events, room; /* how many there are; for how many there is memory */
    agi_event event[];
} agi_profile_log;

typedef struct {
    int64_t count, nanoseconds;
} agi_step_time;

/* It stays when measuring stops. */
typedef struct agi_run_times {
    agi_profile_log *log; /* the outermost run's */
    agi_step_time step[]; /* by step of the run's plan */
} agi_run_times;

int64_t agi_clock(void); /* nanoseconds */
/* A step, or some rows of it, the `first` ones or others, began then and has ended. */
void agi_profile_step(ag_run *, const agi_step *, int64_t from, int first);
ag_status agi_run_timed(ag_run *); /* agi_run_steps, of the outermost run */
void agi_profile_free(ag_run *);

#endif
