/* The functions that exported C may call: each after those that it calls. */
#include "c_functions.h"
#include "elimination.h"
#include "others.h"
#include "arithmetic/special.h"

#define LOG_GAMMA_TEXT(type, name, lgamma)                                                 \
    "#if defined __GLIBC__ && defined _DEFAULT_SOURCE\n"                                  \
    "static " type " " name "(" type " x) { int sign; return " lgamma "_r(x, &sign); }\n" \
    "#else\n"                                                                             \
    "static " type " " name "(" type " x) { return " lgamma "(x); }\n"                    \
    "#endif"

/* inline.def as text, for each type; random.def. */
#define TEXT(...) TEXT_(__VA_ARGS__)
#define TEXT_(...) #__VA_ARGS__
#define DRAW(name, ...) { TEXT(name), TEXT(static __VA_ARGS__) },
#define INLINE(name, ...) DRAW(F(name), __VA_ARGS__)

const agi_c_function agi_c_functions[] = {
    { "INLINED", agi_inlined_text },
    { "agi_bits", agi_bits_text },
    { "agi_float", agi_float_text },
    { "agi_expf", agi_expf_text },
    { "agi_expm1f", agi_expm1f_text },
    { "agi_near", agi_near_text },
    { "agi_tanhf", agi_tanhf_text },
    { "agi_erff", agi_erff_text },
    { "agi_tanh_of_expm1f", agi_tanh_of_expm1f_text },
#define T double
#define F(name) name
#define K(x) x
#include "arithmetic/inline.def"
#undef T
#undef F
#undef K
#define T float
#define F(name) name##f
#define K(x) x##f
#include "arithmetic/inline.def"
#undef T
#undef F
#undef K
#include "dense/random.def"
    { "agi_psi_series", agi_psi_series_text },
    { "agi_digamma", agi_digamma_text },
    { "agi_whole_power", agi_whole_power_text },
    { "agi_psi_size", agi_psi_size_text },
    { "agi_reflected", agi_reflected_text },
    { "agi_psi", agi_psi_text },
    { "agi_psif", agi_psif_text },
    { "agi_multiply", agi_multiply_text },
    { "agi_unscaled", agi_unscaled_text },
    { "agi_eliminate", agi_eliminate_text },
    { "agi_cofactors", agi_cofactors_text },
    { "agi_pivots_without", agi_pivots_without_text },
    { "agi_slope_of_diagonal", agi_slope_of_diagonal_text },
    { "agi_take_along", agi_take_along_text },
    { "agi_put_along", agi_put_along_text },
    { "agi_cofactor_slopes", agi_cofactor_slopes_text },
    { "agi_scaled", agi_scaled_text },
    { "agi_add_scaled", agi_add_scaled_text },
    { "agi_times_scaled", agi_times_scaled_text },
    { "agi_products_of_others", agi_products_of_others_text },
    { "agi_log_gamma", LOG_GAMMA_TEXT("double", "agi_log_gamma", "lgamma") },
    { "agi_log_gammaf", LOG_GAMMA_TEXT("float", "agi_log_gammaf", "lgammaf") },
};
const int agi_c_function_count = sizeof agi_c_functions / sizeof agi_c_functions[0];
_Static_assert(sizeof agi_c_functions / sizeof agi_c_functions[0] <= AGI_MOST_C_FUNCTIONS, "give them more room");
