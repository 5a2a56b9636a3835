/* Texts: a file's, or those of all sources here. */
#include "char_lm.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* The file's bytes behind those that are there; 0: out of memory or no file. */
static int append(text *t, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    for (size_t got = 1; got;) {
        unsigned char *more = realloc(t->code, (size_t)t->length + (1 << 16));
        if (!more) break;
        t->code = more;
        got = fread(t->code + t->length, 1, 1 << 16, f);
        t->length += (int64_t)got;
    }
    int fine = feof(f) && !ferror(f);
    fclose(f);
    return fine;
}

static void append_sources(text *t)
{
    static const char *const patterns[] = { "autograd/*.h", "autograd/*/*.[ch]", "nodes/*.c", "nodes/*/*.[ch]" };
    for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
        glob_t found;
        if (glob(patterns[k], 0, NULL, &found)) continue;
        for (size_t i = 0; i < found.gl_pathc; i++) append(t, found.gl_pathv[i]);
        globfree(&found);
    }
}

static void number(text *t)
{
    for (int c = 0; c < 256; c++) t->number[c] = -1;
    for (int64_t i = 0; i < t->length; i++) t->number[t->code[i]] = 0;
    for (int c = 0; c < 256; c++) {
        if (t->number[c] < 0) continue;
        t->character[t->kinds] = (unsigned char)c;
        t->number[c] = t->kinds++;
    }
    for (int64_t i = 0; i < t->length; i++) t->code[i] = (unsigned char)t->number[t->code[i]];
}

int text_read(text *t, const char *path, ag_problem *why)
{
    *t = (text){ .length = 0 };
    int fine = path ? append(t, path) : 1;
    if (!path) append_sources(t);
    if (!fine) snprintf(why->message, sizeof why->message, "%.200s: %s", path, strerror(errno));
    else if (t->length < 100 * WINDOW)
        snprintf(why->message, sizeof why->message, "%.200s: too short: at least %d characters are needed",
                 path ? path : "no sources here, name a file", 100 * WINDOW);
    else return number(t), 1;
    text_free(t);
    return 0;
}

void text_free(text *t)
{
    free(t->code);
    t->code = NULL;
}
