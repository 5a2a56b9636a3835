/* The table of operations: what each row of it says. A new operation gets a row or more in one of the op_*.c files.
 *
 * The driver makes cases of the rows (op_case.c) and checks of each (op_check.c, op_special.c): its shape, its values
 * against an independent computation, f32 against f64, gradients against differences, fused against unfused plans and
 * all variants of plans against one another. */
#ifndef OP_TABLE_H
#define OP_TABLE_H

#include "test.h"

enum {
    ROW_INTEGERS = 1 << 0,    /* takes elements of any type */
    ROW_NO_GRADIENT = 1 << 1, /* nothing to differentiate: integers on the way */
    ROW_STOPPED = 1 << 2,     /* the gradient is zero by definition, whatever the differences say */
    ROW_F64_ONLY = 1 << 3,    /* the values do not survive in f32 */
    ROW_ANY_ZERO = 1 << 4,    /* the sign of a zero is open */
    ROW_EFFECT = 1 << 5,      /* stores into its first leaf, of which no gradient is asked */
    ROW_LOOSE = 1 << 6,       /* badly conditioned, as systems of equations are: values agree to 1e-10 only */
    ROW_ORDINARY = 1 << 7,    /* the expected value is known inside the domain only */
    ROW_SPACED = 1 << 9,      /* no two values are near each other: they are compared */
    ROW_ROUNDS = 1 << 10,     /* a result in between overflows in f32 where it does not in f64 */
    ROW_INNER = 1 << 8        /* not one call of the user's: wrong operands are refused by others before */
};

typedef ag_node *op_build(ag_node *const in[], const int *arg);

/* A pointwise operation: the driver runs it over shapes that broadcast and over special values. */
typedef struct {
    const char *op; /* its name in the registry */
    int n;
    double domain[3][2]; /* values for which forward and gradient are compared, away from kinks */
    op_build *build;
    double (*expect)(double a, double b, double c);
    unsigned flags;
    int arg[2];
} op_point;

/* Any other operation: shapes as given. */
typedef struct op_row {
    const char *op;
    op_build *build;
    void (*expect)(const struct op_row *, const double *const in[], double *out);
    int n;
    ag_shape in[3], out;
    double low, high; /* the leaves' values */
    int arg[4];       /* what build and expect make of them: axes, bounds */
    unsigned flags;
} op_row;

/* Shapes in rows, which are data: constant initialisers. */
#define OP_SHAPE(...) { (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), { __VA_ARGS__ } }
#define OP_SCALAR { 0, { 0 } }

/* What a row of either kind becomes. */
typedef struct {
    const char *op;
    char label[96];
    int n;
    ag_shape in[3], out;
    double *value[3], *want; /* the leaves' values, the expected ones; owned */
    op_build *build;
    const int *arg;
    unsigned flags;
    int pointwise;
    double tolerance[2]; /* of the values in f32 and f64, relative to max(1, |value|) */
} op_case;

extern const op_point op_points[]; /* op_points.c */
extern const size_t op_points_count;
extern const op_row op_reductions[], op_moves[], op_products[], op_conv[], op_linalg[], op_loops[],
    op_random[], op_networks[], op_integers[]; /* a file each */
extern const size_t op_reductions_count, op_moves_count, op_products_count, op_conv_count, op_linalg_count,
    op_loops_count, op_random_count, op_networks_count, op_integers_count;
enum { OP_TABLES = 9 };
extern const struct op_rows {
    const op_row *row;
    const size_t *count;
} op_tables[OP_TABLES];

size_t op_row_count(void); /* of all tables but the pointwise one's */
const op_row *op_row_at(size_t);
op_case op_case_of_point(const op_point *, int variant); /* 0 <= variant < op_variants(n) */
int op_variants(int n);
op_case op_case_of_row(const op_row *);
void op_case_free(op_case *);

int op_reached(const op_case *); /* does its graph hold a node of the operation? */

/* The graph of a case; its value and derivatives up to an order, with room for their elements. */
typedef struct {
    ag_graph *g;
    ag_node *in[3], *y;
} op_built;
typedef struct {
    int n;
    ag_node *node[1 + 3 * 3];
    double *value[1 + 3 * 3];
} op_outputs;
op_built op_build_case(const op_case *, ag_dtype);
op_outputs op_program(const op_case *, const op_built *, int order);
void op_outputs_free(op_outputs *);

/* The checks; each fails the test at the first disagreement. */
void op_check_values(const op_case *);    /* shape; values in f64 and f32, every instruction set */
void op_check_plans(const op_case *);     /* fused and unfused, poisoned, distinct, threads */
void op_check_gradients(const op_case *); /* orders 1 to 3 against differences; f32 against f64 */
void op_check_errors(const op_case *);    /* NULL, foreign, bad and wrongly typed operands */
void op_check_special(const op_point *);  /* 0, -0, Inf, NaN, huge, tiny: in vectors and alone */

int64_t op_count(ag_shape);
ag_node *op_leaf(ag_graph *, ag_dtype, ag_shape, const double *values); /* a parameter, f32 or f64 */

#endif
