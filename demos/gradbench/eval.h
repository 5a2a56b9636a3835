/* What an eval of GradBench is to this program, and the tools its file is written with.
 *
 * An eval's file states a struct that begins with `problem`, reads it from JSON, and builds a graph of its sizes, which
 * is compiled once and kept; every evaluation replays it on the caller's arrays, bound without copying. Functions that
 * can fail return 0 or -1 and tell the reason. */
#ifndef GRADBENCH_EVAL_H
#define GRADBENCH_EVAL_H

#include "../../autograd/autograd.h"

#include <jansson.h>

/* ---- failure ---------------------------------------------------------------------------------------------------- */

typedef struct {
    char text[400];
} reason;

int refuse(reason *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* -1; the first reason stays */

/* ---- JSON in and out (json.c) ----------------------------------------------------------------------------------- */

typedef struct {
    int rank;
    int64_t dim[3], count;
    double *data; /* row-major; malloc's */
} array;

/* A member that is a list of numbers, of lists, or of lists of lists: rank 1 to 3. Extents of 0 are let through. */
int read_array(const json_t *object, const char *name, int rank, array *, reason *);
/* Are its extents these? Every one must be at least 1. */
int check_shape(const array *, const char *name, const int64_t dim[], reason *);
int read_number(const json_t *object, const char *name, double *, reason *);
int read_integer(const json_t *object, const char *name, int64_t low, int64_t high, int64_t *, reason *);
/* An array of numbers as whole numbers in [low, high), in memory from malloc; NULL and a reason if they are not. */
int64_t *whole_numbers(const array *, const char *name, int64_t low, int64_t high, reason *);

json_t *write_number(double);                                         /* these three: NULL when not finite, */
json_t *write_array(int rank, const int64_t dim[], const double *);   /* or out of memory */
json_t *write_integers(int64_t n, const int64_t *);

/* ---- compiled graphs, kept (model.c) ---------------------------------------------------------------------------- */

enum { PLANS = 4 };

typedef struct {
    char key[240]; /* what it was built for */
    ag_graph *graph;
    ag_plan *plan[PLANS];
    ag_run *run[PLANS];
    ag_node **node; /* leaves and outputs, to bind: the eval's own order */
    int ready;      /* built: the nodes are there, the plans compiled */
    int native;     /* set before model_compile: by the system's compiler, where loops and scalars dominate */
} model;

typedef struct cache cache;

cache *cache_new(void);
void cache_free(cache *);
/* The model of that key, ready, or an empty one with room for that many nodes, which takes the oldest one's place. */
model *cache_model(cache *, int nodes, reason *, const char *key_format, ...) __attribute__((format(printf, 4, 5)));

int model_compile(model *, int plan, int n, ag_node *const outputs[], reason *);
/* The plan reads its leaf from, or writes its output to, the caller's memory. A leaf it has no use for is passed over;
 * one that is forgotten is found when it runs. A parameter is also written, where the plan assigns it. */
void model_feed(model *, int plan, const ag_node *leaf, const void *data);
int model_fill(model *, int plan, const ag_node *output, void *data, reason *);
int model_run(model *, int plan, reason *);

ag_node *real_input(model *, const char *name, int rank, const int64_t dim[]); /* f64 */
ag_node *index_input(model *, const char *name, int64_t n);
ag_node *constant_like(ag_node *like, double value); /* of its shape, f64 */
void numbers_of(ag_node *vector, ag_node **out);     /* its numbers, each of rank 0 */
ag_node *vector_of(int n, ag_node **element);        /* numbers of rank 0, which are replaced, as a vector */
ag_node *column_of(ag_node *matrix, int64_t j);      /* matrix[:, j], of rank 1 */

/* ---- evals ------------------------------------------------------------------------------------------------------ */

typedef struct {
    int function; /* its place in eval.functions */
    cache *cache;
    model *model;
} problem;

typedef struct {
    const char *module;
    const char *functions[5]; /* ends with NULL */
    size_t size;              /* of the struct that begins with `problem`; it starts as zeros */
    int (*parse)(problem *, const json_t *input, reason *);
    int (*prepare)(problem *, reason *);
    int (*evaluate)(problem *, reason *);       /* NULL: runs the model's plan 0 */
    json_t *(*output)(const problem *);         /* NULL when a number is not finite, or out of memory */
    void (*release)(problem *);                 /* the arrays, whatever part of them is there */
} eval;

extern const eval hello_eval, gmm_eval, ba_eval, ht_eval, lstm_eval, kmeans_eval, llsq_eval, lse_eval, ode_eval,
    det_eval, particle_eval, saddle_eval;

int evaluate_once(const eval *, problem *, reason *);
const eval *find_eval(const char *module);               /* NULL: no such eval */
int find_function(const eval *, const char *function);   /* -1: no such function */

/* ---- the protocol (protocol.c) ---------------------------------------------------------------------------------- */

/* Answers one message with one line. Whatever the message, it returns. */
void answer(cache *, const char *line, size_t length, FILE *out);

#endif
