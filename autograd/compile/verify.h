/* What must hold after each of the compiler's stages, checked when options.verify asks for it, and the program at that
 * point as text, for options.stages. Each check returns 0 after recording a failure in the graph: AG_EINTERNAL, if the
 * stage broke something, with a message that names the stage and the value, group, step or buffer. */
#ifndef AGI_VERIFY_H
#define AGI_VERIFY_H

#include "compile.h"

/* The sanitizers' builds verify every plan. */
#ifndef AGI_VERIFY_ALL
#define AGI_VERIFY_ALL 0
#endif

int agi_broken(const agi_compiler *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* returns 0 */

int agi_verify_values(agi_compiler *); /* verify.c: every value is made once, before it is read */
int agi_verify_groups(agi_compiler *); /* verify_groups.c: every value has a group, no two groups need each other */
int agi_verify_order(agi_compiler *);  /* groups and their members come after what they read */
int agi_verify_steps(agi_compiler *);  /* verify_steps.c: steps do what their values need, in buffers that live */
int agi_verify_bands(agi_compiler *);  /* verify_bands.c, called by it */
int agi_verify_endings(agi_compiler *); /* verify_endings.c, called by it */
/* verify_pass.c, called by it: registers. owner: by buffer; memory: room for as many numbers. */
int agi_verify_pass(agi_compiler *, uint32_t step, const uint32_t *owner, uint32_t *memory);
int agi_verify_memory(agi_compiler *); /* verify_memory.c: no buffer is overwritten before it has been read */
int agi_verify_addresses(agi_compiler *); /* verify_places.c: programs address buffers of their own */
int agi_verify_places(agi_compiler *); /* outputs and leaves are found */

uint32_t *agi_find_owners(agi_compiler *); /* verify_memory.c: by buffer: whose memory it is; NULL: no memory */

void agi_dump_stage(const agi_compiler *); /* dump.c */

static inline int agi_is_computed(const agi_value *it)
{
    return it->kind >= AGI_VALUE_POINT;
}

#endif
