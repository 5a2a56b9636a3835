/* The parts of the demo: text, two models of it, samples. */
#ifndef CHAR_LM_H
#define CHAR_LM_H

#include "../../autograd/data/data.h"
#include "../../autograd/networks/networks.h"

enum { WINDOW = 64 }; /* characters that are seen at once */

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
typedef ag_node *model(ag_net, ag_node *codes, int kinds);
model lstm_logits, gpt_logits;

/* So many characters that the model with that run's parameters makes up, after `start`; 0: it failed. */
int sample(FILE *, model *, ag_net, const ag_run *trained, const text *, const char *start, int count,
           double temperature, uint64_t *state);

#endif
