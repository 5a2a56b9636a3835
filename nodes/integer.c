/* What add, sub, less, ... are of AG_I64: see shared/integers.h.  No gradient. */
#include "shared/integers.h"

const ag_op agi_integer = { .name = "integer",
                            .formula = "of 64 bits",
                            .inputs = -1,
                            .flags = AG_LIBRARY | AG_STRIDED | AG_SURE,
                            .attribute_size = sizeof(agi_integer_kind),
                            .shape = agi_infer_integers,
                            .run = agi_run_integers,
                            .way = agi_way_of_integers,
                            .c = agi_write_integers,
                            .gradient = ag_zero_gradient,
                            .batch = agi_batch_integers };
