/* What reports, profiles and pictures ask about a plan's steps.
 *
 *   steps.c     names, what a step reads and makes, how often loops go round
 *   show.c      every step as text; report.c: a plan in short; traffic.c: what goes through memory, and why
 *   profile.c   measured times as tables; trace.c: as JSON; run/profile.c measures
 *   dot_plan.c  a picture */
#ifndef AGI_INSPECT_STEPS_H
#define AGI_INSPECT_STEPS_H

#include "picture.h"
#include "plan/plan.h"

const char *agi_step_kind_name(agi_step_kind); /* "pass" */
void agi_print_step(agi_text *, const ag_plan *, const agi_step *); /* "pass: add mul sigmoid", "matmul 'h'" */
const char *agi_code_name(uint32_t code); /* show.c: of a scalar program's instruction */
void agi_show_reading(FILE *, const agi_reading *); /* show.c: by which kernels, and from where: see dense/dense.h */

/* The k-th buffer that a step reads, or writes; AGI_NONE: there are no more. Of scalar programs those of leaves, and of
 * values that begin there; a loop's are those that its bodies read. */
uint32_t agi_step_reads(const ag_plan *, int step, int k);
uint32_t agi_step_writes(const ag_plan *, int step, int k);

/* The names of the operations that a step does, one after the other: 0 when there are no more. */
const char *agi_step_operation(const agi_step *, int64_t k);

double agi_loop_steps(const ag_node *loop); /* at most; 1 of a branch; what has no limit counts as 1, */
int agi_loop_is_open(const ag_node *loop);  /* which this tells */

/* All that a plan does in one evaluation, loops' bodies as often as they go round at most, of a branch the dearer. */
agi_cost agi_cost_of_plan(const ag_plan *);
agi_cost agi_cost_of_all(const ag_plan *, const agi_step *); /* of a step, with its bodies */

#endif
