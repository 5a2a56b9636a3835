/* Plans as machine code: text compiled by the system's compiler, and kept where the user allows it. */
#ifndef AGI_NATIVE_H
#define AGI_NATIVE_H

#include "emit/emit.h"

/* Compiles passes and programs, also of loops' bodies, and whole loops of programs. What cannot be compiled is
 * interpreted. */
void agi_make_native(ag_plan *);

/* compiler.c: the text as a library of this process, or NULL; `note` says how it went. */
enum { AGI_NOTE = 200 };
typedef struct {
    const char *compiler; /* a program's name, no command line */
    const char *const *flags; /* up to NULL */
    double seconds;       /* it may take */
    int cache;            /* keep and look for the result in the user's cache directory */
} agi_compilation;
void *agi_compile_text(const agi_compilation *, const ag_source *, char note[AGI_NOTE]);

/* cache.c: the user's own directory of compiled code, found safe; or 0. The path of a file of that name in it. */
enum { AGI_PATH = 4096 };
int agi_cache_path(const char *name, char path[AGI_PATH]);
int agi_cache_trusts(const char *path);                     /* a file of the user's alone, and whole */
int agi_cache_store(const char *from, const char *path);    /* copies; all of it appears at once */

#endif
