/* The reference's random numbers. */
#include "fuzz.h"
#include "philox.h"
#include "shared/random.h"

static real normal(philox_draw d, ag_dtype type, int64_t i)
{
    return type == AG_F32 ? philox_normal_f32(d, i) : philox_normal_f64(d, i);
}

static void shuffle(philox_draw d, fuzz_value *out)
{
    int64_t *order = malloc((size_t)out->n * sizeof *order);
    philox_shuffle(d, out->n, order);
    for (int64_t i = 0; i < out->n; i++) out->value[i] = order[i];
    free(order);
}

int fuzz_draws(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    if (y->op == &agi_random_next) return out->value[0] = in[0]->value[0] + 1, 1;
    if (y->op != &agi_random_uniform && y->op != &agi_random_normal && y->op != &agi_shuffle) return 0;
    const uint32_t number = ((const agi_draw_form *)y->attribute)->number;
    const philox_draw d = { (int64_t)in[0]->value[0], (int64_t)in[1]->value[0], number };
    if (y->op == &agi_shuffle) return shuffle(d, out), 1;
    for (int64_t i = 0; i < out->n; i++) {
        if (y->op == &agi_random_normal) fuzz_round((ag_dtype)y->dtype, 16, normal(d, (ag_dtype)y->dtype, i), 0,
                                                    &out->value[i], &out->bound[i]);
        else out->value[i] = y->dtype == AG_F32 ? philox_uniform_f32(d, i) : philox_uniform_f64(d, i);
    }
    return 1;
}
