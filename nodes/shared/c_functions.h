/* The functions that exported C may call, as static C99 functions which need <math.h>. */
#ifndef AGI_C_FUNCTIONS_H
#define AGI_C_FUNCTIONS_H

/* One is written where `name` is called in the text around or in a later entry that is written, so that nothing remains
 * unused. */
typedef struct {
    const char *name, *text;
} agi_c_function;
enum { AGI_MOST_C_FUNCTIONS = 128 };
extern const agi_c_function agi_c_functions[];
extern const int agi_c_function_count;

#endif
