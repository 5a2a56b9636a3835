/* Plans as machine code: text compiled by the system's compiler, and kept where the user allows it. */
#ifndef AGI_NATIVE_H
#define AGI_NATIVE_H

#include "emit/emit.h"

/* Compiles passes and programs, also of loops' bodies, and whole loops of programs. What cannot be compiled is
 * interpreted. */
void agi_make_native(ag_plan *);

#endif
