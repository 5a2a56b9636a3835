/* Formulas, one or several, and what they may call. A part of autograd.h, which includes it.
 *
 *     ag_formula f[2];
 *     ag_parse_all(g, "r = sqrt(x² + y²); u = ln r / (2π)", 2, f);    f[1].value is u
 *
 * Beside what ag_parse tells, formulas have products without a sign, 2x, 3 sin x, (a)(b) and x(y + 1) where x is no
 * function, which bind more tightly than * and /, are of matrices and vectors as in mathematics, and stand behind no /
 * or @, where people disagree what they mean; functions of one argument without parentheses, which take all that is
 * multiplied so: sin 2x + 1 is sin(2*x) + 1, sin² x is sin(x)^2; |x|, √x, x², A⁻¹, xᵀ, 5!; · × − ≤ π;
 * vectors and matrices, [1, x], [[a, b], [c, d]]; their parts, counted from 0, from the end by -1: x[0], x[:, -1].
 * Names are made of letters, Greek ones too, digits, _ . and /. Text is UTF-8. */
#ifndef AUTOGRAD_PARSE_H
#define AUTOGRAD_PARSE_H

#include "../autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    ag_node *value;
    const char *name, *text;        /* where in the formulas they stand; "f = " is no part of the text */
    int name_length, text_length;   /* of a formula without a name: 0 */
} ag_formula;

/* Formulas with ; between them, 256 at most, each of which may have a name, by which those behind it, and ag_find, know
 * its value, unless that is a leaf or a number. ag_parse returns the last one's. How many there are, of which the first
 * `room` are told; 0 after a failure. */
int ag_parse_all(ag_graph *, const char *formulas, int room, ag_formula *);

/* The functions of formulas, k from 0 on, with their arguments: "sum(x[, axis, keepdims])" as text, which is cut where
 * there is no more room for it; 0: there are no more. */
int ag_parse_function(int k, size_t room, char *text);

#ifdef __cplusplus
}
#endif
#endif
