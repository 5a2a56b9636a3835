/* What a plan does, and how long it takes. A part of autograd.h, which includes it. Writing calls return 0, or -1: they
 * cannot write, or no memory. */
#ifndef AUTOGRAD_REPORT_H
#define AUTOGRAD_REPORT_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

int ag_write_text(FILE *, const ag_plan *); /* every step: operations, shapes, buffers, bytes, flops */
/* In short: steps and what they cost, loops' bodies as often as they go round; memory, where most is in use and by
 * what; what was fused, shared and computed again; which values go through memory between steps, and why; products and
 * their kernels, instruction set, threads. */
int ag_write_report(FILE *, const ag_plan *);

/* From now on evaluations of the run are timed, step by step; what was measured before is forgotten. The first `events`
 * steps are kept one by one for ag_write_trace, in memory that is taken here: evaluations still take none. Reading the
 * clock twice a step costs some 50 ns. AG_EARG: events is below 0. */
ag_status ag_profile_start(ag_run *, int64_t events);
void ag_profile_stop(ag_run *); /* what was measured stays; a run that was never started pays nothing */
/* Tables of time, GFLOP/s and GB/s, by step, by operation, by scope; a step of several shares its time out alike. */
int ag_write_profile(FILE *, const ag_run *);
/* The steps as JSON for Perfetto (ui.perfetto.dev) and chrome://tracing. */
int ag_write_trace(FILE *, const ag_run *);

#ifdef __cplusplus
}
#endif
#endif
