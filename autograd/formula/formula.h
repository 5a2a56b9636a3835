/* What the files that read formulas share. */
#ifndef AGI_PARSE_H
#define AGI_PARSE_H

#include "graph/graph.h"

/* A value in a formula. Numbers become nodes only where a node is wanted: axes and extents stay numbers. */
typedef struct {
    enum { AGI_NODE, AGI_NUMBER, AGI_TYPE } kind;
    ag_node *node;
    double number; /* AGI_TYPE: an ag_dtype */
} agi_argument;

/* Names in a formula are pieces of its text, without a terminating zero. */
typedef struct {
    const char *at;
    size_t length;
} agi_word;

static inline int agi_word_is(agi_word w, const char *name)
{
    return strncmp(w.at, name, w.length) == 0 && !name[w.length];
}

/* function.c: operations by name. agi_call replaces numbers by nodes in `argument`. */
int agi_is_function(agi_word);
ag_node *agi_call(ag_graph *, agi_word, int n, agi_argument *argument);
ag_node *agi_argument_node(ag_graph *, agi_argument *); /* the bad node for a type */

/* nearest.c: the candidate most like a misspelt word; `best` stays NULL when none comes close. */
typedef struct {
    agi_word word;
    const char *best;
    int distance;
} agi_nearest;
void agi_nearest_try(agi_nearest *, const char *candidate);
void agi_nearest_function(agi_nearest *);

#endif
