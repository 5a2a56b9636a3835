/* Products of matrices: kernels of the library's own, compiled once for each instruction set from one source.
 *
 *   reading.c     how a product's operands are read: chosen once, by an estimate of what each way costs
 *   kernels.c     the kernels of one instruction set: tiles.inc multiplies, pack.inc brings operands into the order in
 *                 which it reads, vectors.inc has products with a vector, multiply.inc a whole product
 *
 * An element of the result is the sum of its products in an order that depends on the shape alone: blocks of inner
 * indices one after the other, in each block index by index (tiles, sums of rows) or in lanes that are added in pairs (dots).
 * So parts of a product have the bits of the whole, whoever computes them, and instruction sets with fused
 * multiplication and addition agree. */
#ifndef AGI_PRODUCT_H
#define AGI_PRODUCT_H

#include "base/base.h"

typedef enum {
    AGI_TILES,  /* tiles of the result in registers */
    AGI_DOTS,   /* the result is a column: dot products of a's rows, which are contiguous */
    AGI_ROW_SUMS /* the result is a row: the sum of b's rows, which are contiguous, each times an element of a */
} agi_product_way;

/* Where tiles read an operand. Of b's rows, only whole ones lie near. */
typedef enum {
    AGI_PACKED, /* from a copy in the order of the tiles */
    AGI_NEAR,   /* where it lies: the elements of one inner index are neighbours */
    AGI_APART   /* where it lies: those of one row of a are */
} agi_operand_place;

typedef struct {
    uint8_t way, turned; /* turned: the transposed product, b^T a^T, is computed and stored transposed */
    uint8_t a, b;        /* of the product that is computed: its first and its second operand */
    double cycles;       /* about */
} agi_reading;

/* out = from + alpha a b, or alpha a b where from is NULL. Strides in elements; columns of out are contiguous. */
typedef struct {
    const void *a, *b, *from;
    void *out;                             /* may be `from`, else overlaps nothing */
    int64_t rows, columns, inner;          /* of the result; inner: a's columns, b's rows */
    int64_t a_row, a_column, b_row, b_column;
    int64_t out_row;                       /* of from, too */
    double alpha;
    agi_reading reading;
    void *work;                            /* agi_product_work bytes, aligned to 64 */
} agi_product_of;

/* A part of a product, whose reading is the whole one's, begins at any row and at a multiple of so many columns. */
enum { AGI_PART = 32 };

/* `count` products of one shape, the next one's a, b, out (and from) each so many elements further. */
typedef void agi_multiply(const agi_product_of *, int64_t count, const int64_t next[3]);

/* isa as in ag_options; double_precision: of f64, else of f32. */
agi_multiply *agi_multiply_of(int isa, int double_precision);
agi_reading agi_choose_reading(int isa, int double_precision, const agi_product_of *);
int64_t agi_product_work(int isa, int double_precision, const agi_product_of *);

/* ---- what the choice and the kernels agree upon ------------------------------------------------------------------ */

enum {
    AGI_INNER_BLOCK = 256,   /* inner indices of a block of tiles and of sums of rows */
    AGI_DOT_BLOCK = 8192,    /* of dots, */
    AGI_DOT_BYTES = 128,     /* in so many bytes of lanes */
    AGI_COLUMN_BLOCK = 2048, /* elements of a row that are summed at a time */
    AGI_PACKED_TOGETHER = 4, /* panels of a, where its elements of one inner index are neighbours */
    AGI_TILE_VECTORS = 2,    /* a tile's width */
    AGI_TILE_ROWS_1 = 6, AGI_TILE_ROWS_2 = 6, AGI_TILE_ROWS_3 = 14 /* its most rows, by instruction set */
};

static inline int agi_tile_rows(int isa)
{
    return isa == 3 ? AGI_TILE_ROWS_3 : isa == 2 ? AGI_TILE_ROWS_2 : AGI_TILE_ROWS_1;
}

/* Columns of b that are packed at a time: they stay in the second cache. */
static inline int64_t agi_column_panel(int double_precision)
{
    return double_precision ? 256 : 512;
}

extern agi_multiply *const agi_multiply_1[2], *const agi_multiply_2[2], *const agi_multiply_3[2];

#endif
