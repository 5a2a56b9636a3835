/* The parts of the demo: text, two models of it, samples. */
#ifndef CHAR_LM_H
#define CHAR_LM_H

#include "../../autograd/data/data.h"

enum { WINDOW = 64, MOST_LAYERS = 4 }; /* characters that are seen at once */

/* Characters as numbers from 0 on: those that occur have one each. */
typedef struct {
    unsigned char *code;
    int64_t length;
    int kinds;
    unsigned char character[256]; /* by number */
    int number[256];              /* by character; -1: it does not occur */
} text;

/* Of the file, or, NULL, of the sources below the current folder; 0: there is none, and *why says so. */
int text_read(text *, const char *path, ag_problem *why);
void text_free(text *);

/* Either model makes of codes [rows, WINDOW], AG_I64, the logits [rows * WINDOW, kinds] of the next of each. */
typedef struct model model;
struct model {
    ag_node *(*logits)(const model *, ag_node *codes);
    ag_graph *graph;
    int kinds;
    ag_node *embedding, *weight[1 + 4 * MOST_LAYERS], *bias[1 + 4 * MOST_LAYERS];
    ag_node *position, *gain[1 + 2 * MOST_LAYERS], *shift[1 + 2 * MOST_LAYERS]; /* the transformer's */
};

void lstm_make(model *, ag_graph *, int kinds);
void gpt_make(model *, ag_graph *, int kinds);

/* A parameter: normally distributed values of that deviation, drawn by its name; 0: zeros. */
ag_node *drawn(ag_graph *, const char *name, ag_shape, double deviation);

/* So many characters that the model with that run's parameters makes up, after `start`; 0: it failed. */
int sample(FILE *, const model *, const ag_run *trained, const text *, const char *start, int count, double temperature,
           uint64_t *state);

#endif
