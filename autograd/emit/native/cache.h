/* The user's own directory of compiled code. */
#ifndef AGI_NATIVE_CACHE_H
#define AGI_NATIVE_CACHE_H

/* The path of a file of that name in it; 0: there is no such directory, or it is not safe. */
enum { AGI_PATH = 4096 };
int agi_cache_path(const char *name, char path[AGI_PATH]);
int agi_cache_trusts(const char *path);                     /* a file of the user's alone, and whole */
int agi_cache_store(const char *from, const char *path);    /* copies; all of it appears at once */

#endif
