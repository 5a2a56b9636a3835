/* Graphs nobody wrote, run every way there is, and compared with a reference that shares nothing with the engine.
 *
 *   fuzz_grow.c, fuzz_more.c, fuzz_networks.c, fuzz_bodies.c   the graphs, from a seed; fuzz_rows.c: of the table of
 *                              operations
 *   fuzz_value.c               the reference: a node's value from those of its operands, as they were written, with
 *                              a bound on what roundings may do to it
 *   fuzz_point.c, fuzz_moves.c, fuzz_sums.c, fuzz_runs.c, fuzz_others.c, fuzz_matrix.c, fuzz_windows.c,
 *   fuzz_attention.c, fuzz_random.c, fuzz_loop.c its operations
 *   fuzz_ways.c, fuzz_c.c      the ways: interpreted and native plans; exported C, many programs in a file
 *   random.c, fuzz.c           the suites: all that is interpreted; all that is compiled
 *   fuzz_show.c                what is printed of a program that fails */
#ifndef FUZZ_H
#define FUZZ_H

#include "test.h"

typedef long double real;

/* What a tensor comes to in exact arithmetic, and how far from it a computation in the node's type may end. A bound of
 * 0 says that every way gives this very value, be it 0, NaN or infinite; INFINITY, that nothing is known. */
typedef struct {
    int64_t n;
    real *value, *bound;
} fuzz_value;

/* ---- the reference ----------------------------------------------------------------------------------------------- */

typedef struct fuzz_memory fuzz_memory; /* of all values of a reference, released together */
typedef struct {
    fuzz_memory *memory;
    const fuzz_value **known; /* by node's id */
    int64_t nodes;
} fuzz_scope;

fuzz_scope fuzz_open(const ag_graph *);
void fuzz_close(fuzz_scope *);
fuzz_scope fuzz_inside(const fuzz_scope *); /* nothing known, the same memory: of a loop's body; freed by fuzz_leave */
void fuzz_leave(fuzz_scope *);
const fuzz_value *fuzz_value_of(fuzz_scope *, const ag_node *);
fuzz_value *fuzz_new(fuzz_scope *, int64_t n); /* zeros */
void fuzz_know(fuzz_scope *, const ag_node *, const fuzz_value *);

/* `roundings` of half a unit of the last place of `value`, which is wrong by `spread` before them. */
void fuzz_round(ag_dtype, real roundings, real value, real spread, real *to_value, real *to_bound);
void fuzz_unknown(fuzz_value *, int64_t i);
int fuzz_is_known(const fuzz_value *, int64_t i);

/* A sum in any order: each of its terms is rounded so often at most. */
typedef struct {
    real sum, size, spread;
    int64_t n;
} fuzz_summation;
void fuzz_add(fuzz_summation *, real value, real bound);
void fuzz_add_product(fuzz_summation *, real v, real bound_v, real w, real bound_w);
void fuzz_end(const fuzz_summation *, ag_dtype, real *value, real *bound);

/* The operations: 0 where it is none of theirs. in[k]: the values of y's operands. */
int fuzz_pointwise(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
int fuzz_moves(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
int fuzz_sums(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
void fuzz_others(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
int fuzz_runs(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
int fuzz_windows(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
int fuzz_attention(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
int fuzz_draws(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
int fuzz_matrices(const ag_node *y, const fuzz_value *const in[], fuzz_value *out);
const fuzz_value *fuzz_part_of_loop(fuzz_scope *, const ag_node *part);
int64_t fuzz_broadcast(const ag_node *y, const ag_node *x, int64_t i); /* y's element i is made of which of x? */

/* ---- programs ---------------------------------------------------------------------------------------------------- */

enum { FUZZ_OUTPUTS = 48 };
typedef struct {
    char label[128];
    ag_graph *g;
    int n, owned; /* owned: the graph is freed with the program */
    ag_node *node[FUZZ_OUTPUTS];
    fuzz_scope scope;
    const fuzz_value *want[FUZZ_OUTPUTS];
} fuzz_program;

void fuzz_grow(fuzz_program *, int seed);
int fuzz_rows(fuzz_program *, int first); /* cases of the table from `first` on; the next one, or `first`: no more */
void fuzz_expect(fuzz_program *); /* opens its scope: what all ways are compared with */
void fuzz_release(fuzz_program *);

typedef struct {
    int64_t programs, runs, compared, zeros, nans, sharp, unknown;
    double worst; /* the largest error as part of its bound */
} fuzz_count;
extern fuzz_count fuzz_counted;
void fuzz_tell(void); /* prints it */
int fuzz_number(const char *name, int otherwise); /* of the environment */

int fuzz_agrees(double got, real want, real bound);
void fuzz_show(const fuzz_program *, int k); /* prints what output k is made of */
/* Output k of the program, row-major in its own type, as this way gave it. */
void fuzz_compare(const fuzz_program *, const char *way, int k, const void *got);
void fuzz_run_plans(const fuzz_program *);          /* every way to interpret */
void fuzz_run_native(const fuzz_program *, int unfused);
/* As exported C: all in one file, compiled by each of these, up to NULL, that is here; and with sanitizers. */
void fuzz_run_exported(const char *folder, const char *const compilers[], int sanitized, int n, const fuzz_program p[]);

#endif
