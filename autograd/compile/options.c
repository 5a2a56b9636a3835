/* What ag_compile is told: values outside a field's range are refused, not guessed at. */
#include "compile.h"

#include <math.h>

enum { MOST_THREADS = 1024 };

typedef struct {
    const char *name;
    int value, most;
} choice;

int agi_check_options(ag_graph *g, const ag_options *o)
{
    const choice choices[] = { { "threads", o->threads, MOST_THREADS }, { "unfused", o->unfused, 1 },
                               { "poison", o->poison, 1 },              { "distinct", o->distinct, 1 },
                               { "isa", o->isa, 3 },                    { "native", o->native, 2 },
                               { "native_cache", o->native_cache, 1 }, { "verify", o->verify, 1 },
                               { "trap_nan", o->trap_nan, 1 } };
    for (size_t k = 0; k < sizeof choices / sizeof *choices; k++) {
        const choice *c = &choices[k];
        if (c->value >= 0 && c->value <= c->most) continue;
        agi_fail(g, AG_EARG, "ag_compile: options.%s is %d, outside 0 to %d", c->name, c->value, c->most);
        return 0;
    }
    if (isfinite(o->native_seconds) && o->native_seconds >= 0) return 1;
    agi_fail(g, AG_EARG, "ag_compile: options.native_seconds is %g: a time is finite and not negative",
             o->native_seconds);
    return 0;
}
