/* What all parts use: how the program ends, lists of numbers that grow, plans that are evaluated. */
#include "derive.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("derive: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE);
}

void *need(void *memory)
{
    if (!memory) die("out of memory");
    return memory;
}

int64_t count(const ag_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

void append(numbers *a, double x)
{
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 64;
        a->data = need(realloc(a->data, (size_t)a->room * sizeof *a->data));
    }
    a->data[a->count++] = x;
}

ag_run *evaluate(ag_graph *g, int n, ag_node *const y[], ag_plan **plan)
{
    *plan = ag_compile(g, n, y, NULL);
    if (!*plan) die("%s", ag_graph_error(g));
    ag_run *run = need(ag_run_new(*plan));
    if (ag_eval(run)) die("%s", ag_run_error(run));
    return run;
}

FILE *create(const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) die("%s: %s", path, strerror(errno));
    return f;
}
