/* A formula's value and derivatives at a point, from the command line: what the files share. Whatever is wrong ends the
 * program, with a message that says so.
 *
 *   main.c      arguments, and what is done about them
 *   values.c    numbers and lists as they are typed; files.c: those that lie in files
 *   gradient.c  value and gradient, printed and written; hessian.c, check.c: what else was asked for
 *   print.c     numbers and arrays as text; common.c: what all of these use */
#ifndef DERIVE_H
#define DERIVE_H

#include "../../autograd/autograd.h"

typedef struct {
    const char *name;
    ag_dtype dtype; /* AG_F64, or AG_I64 for whole numbers from a file */
    ag_shape shape;
    void *data;
    ag_node *node;
} variable;

enum { MOST = 64 };

typedef struct {
    const char *formula, *dot, *c, *wrt;
    int hessian, check;
    int nvariables, nwrt;
    variable variable[MOST];
    const variable *by[MOST]; /* what to differentiate by */
    ag_node *y, *x[MOST], *dx[MOST];
} task;

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *need(void *memory); /* ends the program where there is none */
int64_t count(const ag_shape *);

typedef struct {
    double *data;
    int64_t count, room;
} numbers;

void append(numbers *, double);
void graph_failed(const task *, ag_graph *) __attribute__((noreturn));
ag_run *evaluate(ag_graph *, int n, ag_node *const y[], ag_plan **); /* the outputs' values; the caller frees both */

/* ---- values ----------------------------------------------------------------------------------------------------- */

void read_value(variable *, const char *text); /* of a variable that has its name: type, shape and data */
void read_csv(variable *, const char *path);
void read_npy(variable *, const char *path);

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* The shortest text that reads back as the same number, or as many digits. */
void write_number(char text[32], double x, int digits);
/* Columns are aligned; rows that would not fit a line show fewer digits. */
void print_array(const char *label, ag_dtype, const ag_shape *, const void *data);
void print_node(const char *label, const ag_run *, const ag_node *);

/* ---- what is asked for ------------------------------------------------------------------------------------------ */

/* Value and gradient; a formula of another rank than 0 has a value only. */
void value_and_gradient(task *, ag_graph *);
void hessian(const task *, ag_graph *);
int check_derivatives(const task *, ag_graph *); /* do the derivatives agree with differences? */

#endif
