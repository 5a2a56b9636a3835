/* build/check: runs every suite. A name as argument runs that suite alone; CK_FORK=no runs all in one process. */
#include "test.h"

int main(int argc, char **argv)
{
    Suite *(*const suite[])(void) = { suite_graph, suite_shapes, suite_errors, suite_messages, suite_memory,
                                      suite_op_table, suite_linalg, suite_gradient, suite_loop, suite_while, suite_many, suite_sizes,
                                      suite_derivatives, suite_batch, suite_sparse, suite_custom, suite_check,
                                      suite_simplify, suite_optimise, suite_recompute, suite_zeros, suite_plan,
                                      suite_untaken, suite_steps,
                                      suite_scalar, suite_random, suite_parse, suite_derive, suite_save, suite_files,
                                      suite_blog, suite_demos, suite_gradbench, suite_emit, suite_native, suite_native_loop,
                                      suite_header, suite_sums, suite_readme, suite_failure };
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < COUNT(suite); i++) srunner_add_suite(runner, suite[i]());
    srunner_run(runner, argc > 1 ? argv[1] : NULL, NULL, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
