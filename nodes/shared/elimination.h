/* Elimination with complete pivoting, see elimination.c: determinants and cofactors of any matrix. */
#ifndef AGI_ELIMINATION_H
#define AGI_ELIMINATION_H

#include "node.h"

int64_t agi_eliminate(int64_t n, double *w, int64_t *place, int *sign);
void agi_cofactors(int64_t n, double *w, double *out, double *y, int64_t *place);
extern const char agi_eliminate_text[], agi_cofactors_text[]; /* the same in C */
extern const char agi_pivots_without_text[], agi_slope_of_diagonal_text[], agi_take_along_text[], agi_put_along_text[],
    agi_cofactor_slopes_text[]; /* of cofactor_slope.c */

/* Their operands in scratch memory. */
typedef struct {
    double *w, *out, *y; /* n n, n n, n */
    int64_t *place;      /* 4 n */
} agi_room;
agi_room agi_room_at(void *scratch, int64_t n);
size_t agi_room_bytes(int64_t n);

/* Operand k's matrix for the result's number or matrix m, in doubles. */
void agi_take_matrix(const ag_kernel_call *, int k, int64_t m, double *w);
/* As agi_determinant, of operand 0, whose factors are operand 1: of singular ones 0. In agi_room_bytes of scratch. */
double agi_any_determinant(const ag_kernel_call *, int64_t m, int64_t *exponent);

#endif
