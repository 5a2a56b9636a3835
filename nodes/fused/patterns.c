/* Tried in this order on every operation, in the order of the graph, those of one outer operation side by side; what
 * one makes of it the next ones see, so that three in a row become two, then one. A product is rounded before its sum,
 * fused or not. */
#include "patterns.h"

const agi_fused_pattern agi_patterns[] = {
    { AGI_ACCUMULATES, &agi_sub, 1, &agi_mul, &agi_submul, 0 },
    { AGI_FUSES, &agi_sub, 0, &agi_mul, &agi_mulsub, 0 },
    { AGI_FUSES, &agi_sub, 1, &agi_mul, &agi_submul, 0 },

    { AGI_REORDERS, &agi_mul, 0, &agi_mul, NULL, 0 },
    { AGI_REORDERS, &agi_mul, 1, &agi_mul, NULL, 0 },
    { AGI_FUSES, &agi_mul, 0, &agi_mul, &agi_mulmul, 0 },
    { AGI_FUSES, &agi_mul, 1, &agi_mul, &agi_mulmul, 0 },

    { AGI_FUSES, &agi_add, 0, &agi_mul, &agi_muladd, 0 },
    { AGI_FUSES, &agi_add, 1, &agi_mul, &agi_muladd, 0 },

    { AGI_FUSES, &agi_exp, 0, &agi_neg, &agi_exp_neg, 0 },
    { AGI_FUSES, &agi_exp_neg, 0, &agi_square, &agi_exp_neg_square, 0 },
    { AGI_FUSES, &agi_sigmoid_of_exp, 0, &agi_exp_neg, &agi_sigmoid, 0 }, /* no slope is wanted with them */
    { AGI_FUSES, &agi_tanh_of_expm1, 0, &agi_expm1_odd, &agi_tanh, 0 },

    { AGI_SHARES, &agi_gelu, 0, &agi_normal, &agi_gelu_of_normal, 0 },
    { AGI_SHARES_F32, &agi_normal, 0, &agi_bell, &agi_normal_of_bell, 0.5 },
};

const int agi_pattern_count = sizeof agi_patterns / sizeof agi_patterns[0];

const ag_op *const agi_ending_sum = &agi_add, *const agi_ending_clip = &agi_relu;
