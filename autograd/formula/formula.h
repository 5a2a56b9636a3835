/* Formulas: text to graph. formula.c reads them, function.c knows operations by name. Names are pieces of the text. */
#ifndef AGI_FORMULA_H
#define AGI_FORMULA_H

#include "graph/graph.h"

/* A value in a formula. Numbers become nodes only where a node is wanted: axes and extents stay numbers. */
typedef struct {
    enum { AGI_NODE, AGI_NUMBER, AGI_TYPE } kind;
    ag_node *node;
    double number; /* AGI_TYPE: an ag_dtype */
} agi_argument;

/* function.c: operations by name. agi_call_function replaces numbers by nodes in `argument`. */
int agi_is_function(agi_word);
ag_node *agi_call_function(ag_graph *, agi_word, int n, agi_argument *argument);
ag_node *agi_argument_node(ag_graph *, agi_argument *); /* the bad node for a type */
void agi_nearest_function(agi_nearest *);

#endif
