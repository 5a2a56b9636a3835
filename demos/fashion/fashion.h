/* The parts of the demo: images, networks, what came of them. */
#ifndef FASHION_H
#define FASHION_H

#include "../../autograd/data/data.h"

enum { CLASSES = 10, SIDE = 28, PIXELS = SIDE * SIDE };

typedef struct {
    ag_array train, train_labels, test, test_labels; /* [n, 28, 28] and [n], of bytes */
    const char *const *name;                         /* of the classes */
} images;

/* Fashion-MNIST's four files from the folder; 0: it is not there, and *why says so. */
int images_read(images *, const char *folder, ag_problem *why);
/* Digits that are drawn here, crooked and noisy; 0: out of memory. */
int images_draw(images *);
void images_free(images *);

typedef struct {
    ag_graph *graph;
    int lenet;
} network;

/* The logits [rows, 10] that it makes of pixels [rows, 1, 28, 28]; its parameters are the same each time. */
ag_node *network_logits(const network *, ag_node *pixels);

/* A table of classes by what they were taken for. */
void report_confusion(FILE *, const images *, const unsigned char *guess);
/* The first test images that were taken for something else, as SVG; 0: the file cannot be written. */
int report_mistakes(const char *path, const images *, const unsigned char *guess);

#endif
