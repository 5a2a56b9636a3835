/* Dense matrices: products and factorisations, by kernels that are compiled once for each instruction set from one
 * source.
 *
 *   reading.c     how a product's operands are read: chosen once, by an estimate of what each way costs
 *   kernels.c     the kernels of one instruction set, for each type: tiles.inc multiplies, pack.inc brings operands
 *                 into the order in which it reads, vectors.inc has products with a vector, dots.inc with few
 *                 of them, multiply.inc whole ones; factor.inc triangles and factorisations, which are mostly products
 *   random.def    random numbers, which have nothing to do with matrices but need the same kernels
 *
 * An element of a product is the sum of its terms in an order that depends on the shape alone: blocks of inner indices
 * one after the other, in each block index by index (tiles, sums of rows) or in lanes that are added in pairs (dots).
 * So parts of a product have the bits of the whole, whoever computes them, and instruction sets with fused
 * multiplication and addition agree. */
#ifndef AGI_DENSE_H
#define AGI_DENSE_H

#include "base/base.h"

typedef enum {
    AGI_TILES,  /* tiles of the result in registers */
    AGI_DOTS,   /* the result is a column: dot products of a's rows, which are contiguous */
    AGI_DOT_TILES, /* dot products of a's rows, which are contiguous, and b's columns, few of one of them */
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

/* A triangle of a matrix, or of its transpose. unit: its diagonal is taken as 1. */
typedef struct {
    int upper, transposed, unit;
} agi_triangular;

typedef struct agi_convolution agi_convolution; /* convolve.h */
typedef struct agi_attention_head agi_attention_head; /* attention.h */
typedef struct agi_windows agi_windows;               /* pool.h */
typedef struct agi_draw agi_draw;                     /* random.h */

/* Matrices are contiguous, by rows; work: agi_dense_work bytes, aligned to 64. */
typedef struct {
    /* `count` products of one shape, the next one's a, b, out (and from) each so many elements further. */
    void (*multiply)(const agi_product_of *, int64_t count, const int64_t next[3]);
    /* P a = L U, a in rows 0 to n-1 of `factors` [n+1, n], singular ones, too: U on and above the diagonal, below it L,
     * whose diagonal is 1. Row n: the row that each was exchanged with, from the first on. */
    void (*factor)(int64_t n, void *factors, void *work);
    /* The lower triangle becomes its Cholesky factor, the upper one 0. The pivot that is not positive, or -1. */
    int64_t (*root)(int64_t n, void *lower, void *work);
    void (*divide)(agi_triangular, int64_t n, int64_t columns, const void *t, void *x, void *work); /* x = t^-1 x */
    /* Pieces `first` to before `end` of agi_convolution_cut's; out is contiguous, [batch, groups, out, result]; work:
     * agi_convolution_work bytes. */
    void (*convolve)(const agi_convolution *, const void *x, const void *w, void *out, void *work, int64_t first,
                     int64_t end);
    /* out [queries, width], logs [queries] of the sums of exponentials, for blocks of queries `first` to before `end`,
     * in the order of agi_attention_turn; work: agi_attention_work bytes. */
    void (*attend)(const agi_attention_head *, const void *q, const void *k, const void *v, void *out, void *logs,
                   void *work, int64_t first, int64_t end);
    /* by: dq [queries, depth], dk [keys, depth] and dv [keys, width], one after the other. */
    void (*attend_back)(const agi_attention_head *, const void *q, const void *k, const void *v, const void *out,
                        const void *logs, const void *g, void *by, void *work);
    /* u where x is largest in each window, the first one of equals, a NaN being larger than all; the other way, the
     * sums of g of the windows in which an element of x is that. work: agi_pool_work bytes. */
    void (*pick)(const agi_windows *, const void *x, const void *u, void *out, void *work);
    void (*scatter)(const agi_windows *, const void *x, const void *g, void *out, void *work);
    void (*average)(const agi_windows *, const void *x, void *out, void *work);
    void (*spread)(const agi_windows *, const void *g, void *out, void *work); /* the other way */
    /* Elements `first`, a multiple of agi_draw_group, to before `end` of out: from 0 to below 1; normal ones. */
    void (*uniform)(const agi_draw *, void *out, int64_t first, int64_t end);
    void (*normal)(const agi_draw *, void *out, int64_t first, int64_t end);
    void (*shuffle)(const agi_draw *, int64_t n, int64_t *out); /* 0 to n - 1 in any order; n is below 2^32 */
} agi_dense;

/* isa as in ag_options; double_precision: of f64, else of f32. */
const agi_dense *agi_dense_of(int isa, int double_precision);
agi_reading agi_choose_reading(int isa, int double_precision, const agi_product_of *);
int64_t agi_product_work(int isa, int double_precision, const agi_product_of *);
/* For order n and so many columns of right-hand sides, with any instruction set. */
int64_t agi_dense_work(int double_precision, int64_t n, int64_t columns);

/* ---- what the choice and the kernels agree upon ------------------------------------------------------------------ */

enum {
    AGI_INNER_BLOCK = 256,   /* inner indices of a block of tiles, */
    AGI_SUM_BLOCK = 64,      /* of sums of rows, */
    AGI_DOT_BLOCK = 8192,    /* of dots, */
    AGI_DOT_BYTES = 128,     /* in so many bytes of lanes, */
    AGI_DOT_TILE_BYTES = 64, /* where they are tiles; */
    AGI_FEW_DOTS = 24,       /* of one operand's rows or columns */
    AGI_COLUMN_BLOCK = 2048, /* elements of a row that are summed at a time */
    AGI_PACKED_TOGETHER = 4, /* panels of an operand whose elements of one inner index are neighbours */
    AGI_SMALL_ORDER = 16,    /* of matrices that are worked on element by element */
    AGI_TILE_VECTORS = 2,    /* a tile's width */
    AGI_TILE_ROWS_1 = 6, AGI_TILE_ROWS_2 = 6, AGI_TILE_ROWS_3 = 14 /* its most rows, by instruction set */
};

/* Few rows take more vectors, so that sums do not wait for their last terms. */
enum { AGI_FEW_ROWS = 3, AGI_WIDE_1 = 8, AGI_WIDE_2 = 8, AGI_WIDE_3 = 6, /* of the third instruction set */
       AGI_NARROW_1 = 6, AGI_NARROW_2 = 4, AGI_NARROW_3 = 3 };

static inline int agi_vectors_of_few(int isa, int64_t rows)
{
    if (isa == 3) return rows == 1 ? AGI_WIDE_1 : rows == 2 ? AGI_WIDE_2 : AGI_WIDE_3;
    return rows == 1 ? AGI_NARROW_1 : rows == 2 ? AGI_NARROW_2 : AGI_NARROW_3;
}

static inline int agi_tile_rows(int isa)
{
    return isa == 3 ? AGI_TILE_ROWS_3 : isa == 2 ? AGI_TILE_ROWS_2 : AGI_TILE_ROWS_1;
}

/* From one of few columns to the next where they are packed for dots: whole lanes of a block of inner indices. */
static inline int64_t agi_dot_row(int64_t inner)
{
    const int64_t n = inner < AGI_DOT_BLOCK ? inner : AGI_DOT_BLOCK;
    return (n + AGI_DOT_TILE_BYTES - 1) / AGI_DOT_TILE_BYTES * AGI_DOT_TILE_BYTES;
}

/* Columns of b that are packed at a time: they stay in the second cache. */
static inline int64_t agi_column_panel(int double_precision)
{
    return double_precision ? 256 : 512;
}

extern const agi_dense agi_dense_1[2], agi_dense_2[2], agi_dense_3[2];

#endif
