/* A calculator that derives: formulas' values and derivatives at a point, from the command line: what the files share.
 * Whatever is wrong ends the program, with a message that says so.
 *
 *   main.c      what is done; arguments.c: what was asked for; help.c: what may be
 *   values.c    numbers, ranges and lists as they are typed; files.c: those that lie in files
 *   formulas.c  formulas as graph, and what is wrong with them
 *   gradient.c  values and first derivatives; hessian.c: second ones; check.c: beside differences
 *   plot.c      f and f' over a range; terminal.c, svg.c: drawn
 *   export.c    the graph for Graphviz, the function in C
 *   print.c     numbers and arrays as text; common.c: what all of these use */
#ifndef DERIVE_H
#define DERIVE_H

#include "../../autograd/autograd.h"

typedef struct {
    const char *name;
    ag_dtype dtype; /* AG_F64, or AG_I64 for whole numbers from a file */
    ag_shape shape;
    void *data;
    int is_range;   /* from `from` to `to`; the data is between them */
    double from, to;
    ag_node *node;
} variable;

typedef struct {
    ag_node *y;
    char name[64], label[64]; /* "" for none; the name, the text if that is short, or "value" */
} formula;

enum { MOST = 64 };

typedef struct {
    const char *text, *dot, *c, *wrt, *svg;
    int hessian, check, plot;
    int nvariables, nwrt, nformulas;
    variable variable[MOST];
    variable *by[MOST]; /* what to differentiate by */
    formula formula[MOST];
} task;

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *need(void *memory); /* ends the program where there is none */
int64_t count(const ag_shape *);

typedef struct {
    double *data;
    int64_t count, room;
} numbers;

void append(numbers *, double);
/* The outputs' values; the caller frees both. */
ag_run *evaluate(ag_graph *, int n, ag_node *const y[], ag_plan **);
FILE *create(const char *path);

/* ---- what is asked for ------------------------------------------------------------------------------------------ */

void read_arguments(task *, int argc, char **argv);
void choose_variables(task *); /* those to differentiate by */
void help(FILE *);

void read_value(variable *, char *text); /* of a variable that has its name: type, shape and data */
void read_csv(variable *, const char *path);
void read_npy(variable *, const char *path);

/* The variables as leaves, and the formulas; `as_inputs`: leaves without values. */
void read_formulas(task *, ag_graph *, int as_inputs);
int is_derivable(const formula *);        /* of rank 0, and real */
void derive_by(const task *, const formula *, ag_node *dx[]); /* of such a formula, by each variable */
void note_unused(const task *);

/* ---- text ------------------------------------------------------------------------------------------------------- */

int characters(const char *); /* of UTF-8 */
/* As many digits, or, of 0, as many as are shown: 15, or as was asked for. */
void show_digits(int);
void write_number(char text[32], double x, int digits);
/* Columns are aligned; rows that would not fit a line show fewer digits. */
void print_array(const char *label, ag_dtype, const ag_shape *, const void *data);
void print_node(const char *label, const ag_run *, const ag_node *);
void write_derivative(char text[160], const formula *, const variable *, int order); /* "df/dx" */
void print_variables(const task *); /* "x, w[2,3]" */

/* ---- what is done ----------------------------------------------------------------------------------------------- */

void values_and_derivatives(const task *, ag_graph *);
void hessian(const task *, ag_graph *, const formula *);
int check_derivatives(const task *, ag_graph *); /* do they agree with differences? */

/* Values of one variable and of curves over it: each formula and, behind it, its derivative. */
typedef struct {
    char label[160];
    int is_derivative;
    double *y;
} curve;
typedef struct {
    const variable *x;
    int n, ncurves; /* points of each */
    double *at, low, high; /* the part of the y axis that is shown */
    curve curve[2 * MOST];
} plot;

void draw(const task *, ag_graph *); /* in the terminal, or to a file */
double nice_step(double from, double to, int most); /* 1, 2 or 5 times a power of 10 */
/* Is there a line between points i - 1 and i, or a pole? */
int is_joined(const double *y, int i, double low, double high);
void find_view(const double *const y[], int curves, int n, double *low, double *high);
void draw_in_terminal(const plot *);
void draw_svg(const plot *, const char *path);

void write_dot(const task *);
void write_c(const task *);

#endif
