/* What the suites share. A test fails through Check's macros; nothing here returns a status. */
#ifndef TEST_H
#define TEST_H

#include "node.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Check writes down every assertion that holds, so as to tell where a crash came after: half the time of all tests. */
#define _mark_point(file, line) ((void)0)

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the suites ------------------------------------------------------------------------------------------------- */

Suite *suite_accuracy(void);
Suite *suite_digits(void);
Suite *suite_losses(void);
Suite *suite_networks(void);
Suite *suite_graph(void);
Suite *suite_shapes(void);
Suite *suite_errors(void);
Suite *suite_messages(void);
Suite *suite_newcomers(void);
Suite *suite_op_table(void);
Suite *suite_gradient(void);
Suite *suite_loop(void);
Suite *suite_while(void);
Suite *suite_many(void);
Suite *suite_among(void);
Suite *suite_sparse_loops(void);
Suite *suite_sizes(void);
Suite *suite_extents(void);
Suite *suite_extent_programs(void);
Suite *suite_derivatives(void);
Suite *suite_batch(void);
Suite *suite_sparse(void);
Suite *suite_units(void);
Suite *suite_custom(void);
Suite *suite_check(void);
Suite *suite_simplify(void);
Suite *suite_optimise(void);
Suite *suite_training(void);
Suite *suite_schedules(void);
Suite *suite_lbfgs(void);
Suite *suite_outputs(void);
Suite *suite_plan(void);
Suite *suite_verify(void);
Suite *suite_scalar(void);
Suite *suite_sums(void);
Suite *suite_products(void);
Suite *suite_bands(void);
Suite *suite_product_kernels(void);
Suite *suite_factor_kernels(void);
Suite *suite_convolve_kernels(void);
Suite *suite_windows(void);
Suite *suite_in_place(void);
Suite *suite_traffic(void);
Suite *suite_long_sums(void);
Suite *suite_singular(void);
Suite *suite_stress(void);
Suite *suite_random(void);
Suite *suite_fuzz(void);
Suite *suite_memory(void);
Suite *suite_randomness(void);
Suite *suite_recompute(void);
Suite *suite_linalg(void);
Suite *suite_einsum(void);
Suite *suite_parse(void);
Suite *suite_formulas(void);
Suite *suite_demos(void);
Suite *suite_tiny(void);
Suite *suite_amalgamation(void);
Suite *suite_derive(void);
Suite *suite_drawings(void);
Suite *suite_save(void);
Suite *suite_files(void);
Suite *suite_data(void);
Suite *suite_fit(void);
Suite *suite_trap(void);
Suite *suite_pictures(void);
Suite *suite_pages(void);
Suite *suite_reports(void);
Suite *suite_blog(void);
Suite *suite_gradbench(void);
Suite *suite_emit(void);
Suite *suite_cortex(void);
Suite *suite_equal_steps(void);
Suite *suite_inlay(void);
Suite *suite_exports(void);
Suite *suite_native(void);
Suite *suite_native_later(void);
Suite *suite_native_loop(void);
Suite *suite_header(void);
Suite *suite_readme(void);
Suite *suite_rooms(void);
Suite *suite_install(void);
Suite *suite_integers(void);
Suite *suite_zeros(void);
Suite *suite_slices(void);
Suite *suite_failure(void);
Suite *suite_calls(void);
Suite *suite_untaken(void);
Suite *suite_sides(void);
Suite *suite_random_branches(void);
Suite *suite_steps(void);

/* ---- running ---------------------------------------------------------------------------------------------------- */

/* Default options, but for the instruction set: the environment's AG_ISA (valgrind knows no AVX-512), else the best. */
ag_options test_options(void);
ag_options test_native(void);  /* the same as machine code, which compilers have time enough for on a busy machine */
int test_best_isa(void); /* the highest that this machine, and AG_ISA, allow */

int test_quick(void);    /* the environment's AG_QUICK: the longest tests are shortened */

/* Compiles, runs and reads nodes of any type, as doubles, that depend on no unfed input. or_null: test_options. */
void test_evaluate(int n, ag_node *const y[], const ag_options *or_null, double *const out[]);
double test_number(ag_node *y); /* the same for one node of one element */

/* ---- expecting -------------------------------------------------------------------------------------------------- */

/* |got - want| <= tolerance * max(1, |want|), or both NaN, or the same infinity. */
int test_close(double got, double want, double tolerance);
int test_same_bits(double a, double b);
double test_ulps(double a, double b); /* distance in units of the last place; 0 for two NaN */

#define expect_close(got, want, tolerance)                                                              \
    do {                                                                                                \
        double got_ = (got), want_ = (want);                                                            \
        ck_assert_msg(test_close(got_, want_, tolerance), "%s is %.17g, not %.17g", #got, got_, want_); \
    } while (0)

#define expect_well(g) \
    ck_assert_msg(ag_graph_status(g) == AG_OK, "status %d: %s", (int)ag_graph_status(g), ag_graph_error(g))

/* The graph has failed with this status and a message that contains every fragment (ends with NULL); clears it. */
void expect_failure(ag_graph *g, ag_status status, const char *const fragment[]);
#define expect_error(g, status, ...) expect_failure(g, status, (const char *const[]){ __VA_ARGS__, NULL })

void expect_shape(const ag_node *x, ag_shape want);

/* ---- making ----------------------------------------------------------------------------------------------------- */

/* Numbers in [low, high), the same in every run; `seed` walks on. */
double test_random(uint64_t *seed, double low, double high);

/* Memory that ends. */
typedef struct {
    int64_t left, taken, count; /* allocations until one fails; blocks not given back; allocations asked for */
} test_budget;
ag_allocator test_allocator(test_budget *); /* nothing that it gives is zero */

/* An unnamed f64 parameter with random values. */
ag_node *test_parameter(ag_graph *g, ag_shape shape, uint64_t *seed, double low, double high);
/* A graph of random operations: some of its nodes, a loss and its gradients; how many. */
enum { TEST_RANDOM_NODES = 8 };
int test_random_nodes(int seed, ag_dtype, ag_graph **, ag_node *node[TEST_RANDOM_NODES]);
/* A graph of random loops, of rank 0 all: their values and derivatives; how many. */
enum { TEST_LOOP_KINDS = 3, TEST_RANDOM_LOOPS = 14 };
int test_random_loops(int kind, int seed, ag_dtype, ag_graph **, ag_node *node[TEST_RANDOM_LOOPS]);
ag_node *test_constant(ag_graph *g, ag_shape shape, uint64_t *seed, double low, double high);

#endif
