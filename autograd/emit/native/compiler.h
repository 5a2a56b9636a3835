/* The system's compiler, run on generated text. */
#ifndef AGI_NATIVE_COMPILER_H
#define AGI_NATIVE_COMPILER_H

#include "base/base.h"

/* The text as a library of this process, or NULL; `note` says how it went. */
enum { AGI_NOTE = 200 };
typedef struct {
    const char *compiler; /* a program's name, no command line */
    const char *const *flags; /* up to NULL */
    double seconds;       /* it may take */
    int cache;            /* keep and look for the result in the user's cache directory */
} agi_compilation;
void *agi_compile_text(const agi_compilation *, const ag_source *, char note[AGI_NOTE]);

/* The same in two halves, between which the compiler is at work. NULL: it is not; then the library is there, or NULL and
 * the note says why. */
typedef struct agi_compiling agi_compiling;
agi_compiling *agi_start_compiling(const agi_compilation *, const ag_source *, void **library, char note[AGI_NOTE]);
int agi_has_compiled(agi_compiling *); /* it is not at work any more, or has taken too long and is ended */
void *agi_finish_compiling(agi_compiling *, char note[AGI_NOTE]); /* ends it if it is */
void agi_forget_compiling(const ag_allocator *, agi_compiling *); /* once it is finished */

#endif
