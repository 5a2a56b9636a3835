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

#endif
