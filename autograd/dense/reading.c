/* How a product's operands are read. The figures are cycles, measured on processors with large second caches; what they
 * have to get right is which of the ways is faster, not by how much. */
#include "dense.h"

typedef struct {
    int64_t rows, columns, inner, a_row, a_column, b_row, b_column;
    int isa, size, lanes, tile_rows, tile_columns; /* size: of an element, in bytes */
    int64_t panel, page; /* elements */
    int turned;
} problem;

static problem problem_of(int isa, int double_precision, const agi_product_of *p, int turned)
{
    const int size = double_precision ? 8 : 4, lanes = (isa == 3 ? 64 : isa == 2 ? 32 : 16) / size;
    problem s = { p->rows, p->columns, p->inner, p->a_row, p->a_column, p->b_row, p->b_column, isa, size, lanes,
                  agi_tile_rows(isa), AGI_TILE_VECTORS * lanes, agi_column_panel(double_precision),
                  double_precision ? 512 : 1024, turned };
    if (!turned) return s;
    s.rows = p->columns, s.columns = p->rows;
    s.a_row = p->b_column, s.a_column = p->b_row, s.b_row = p->a_column, s.b_column = p->a_row;
    return s;
}

enum { IN_CACHE = 1 << 15,       /* elements of a result that are stored transposed fast */
       AT_HAND = 1 << 11,        /* of a small operand, which is read in place however often that is */
       SECOND_CACHE = 1 << 21,   /* bytes of an operand that comes from memory: fast in whole rows, not tile by tile, */
       READ_ONCE = 14,           /* but for so few rows, which read it about once */
       ALIASED = 1 << 11 };      /* bytes from row to row, of which the first cache holds only a few together */

static int64_t parts(int64_t n, int64_t size)
{
    return (n + size - 1) / size;
}

/* a is read in place where what packing it saves does not pay: the fewer columns, the less often it is read. */
static agi_operand_place place_of_a(const problem *s)
{
    const int64_t columns = s->tile_rows > 8 && s->a_row * s->size % ALIASED == 0 ? 1 : 10, size = s->rows * s->inner;
    if (s->a_column == 1 && s->rows > 1 && s->columns <= columns * s->tile_columns) return AGI_APART;
    if (s->a_row != 1 && s->rows != 1) return AGI_PACKED;
    if (s->columns <= s->tile_columns) return AGI_NEAR;
    return s->a_column < s->page && (s->columns <= 4 * s->tile_columns || size <= AT_HAND) ? AGI_NEAR : AGI_PACKED;
}

static agi_operand_place place_of_b(const problem *s)
{
    const int64_t panels = parts(s->rows, s->tile_rows);
    const int contiguous = s->b_column == 1 || s->columns == 1;
    if (!contiguous || (s->isa == 1 && s->columns % s->lanes)) return AGI_PACKED;
    if (s->columns * s->inner > SECOND_CACHE / s->size) return s->rows <= READ_ONCE ? AGI_NEAR : AGI_PACKED;
    return panels == 1 || (panels <= 12 && s->b_row <= s->page) ? AGI_NEAR : AGI_PACKED;
}

static double pack_cycles(int neighbours, int transposed, double elements, int lanes)
{
    return elements * (neighbours ? 0.15 : transposed ? 0.3 : 2) * 16 / lanes;
}

static agi_reading read_tiles(const problem *s)
{
    agi_reading r = { .way = AGI_TILES, .turned = (uint8_t)s->turned, .a = place_of_a(s), .b = place_of_b(s) };
    const int64_t panels = parts(s->rows, s->tile_rows);
    const double m = (double)s->rows / (double)(panels ? panels : 1);
    const double cells = (double)s->rows * (double)s->columns, inner = (double)s->inner;
    const double wide = (double)parts(s->columns, s->lanes) * inner * (double)panels;
    r.cycles = wide * (m < 4 ? 2 : (m + 1) / 2) * (s->isa == 1 ? 2 : 1);
    if (s->turned) r.cycles += cells * (cells < IN_CACHE ? 0.7 : 1.5) * (double)parts(s->inner, AGI_INNER_BLOCK);
    if (r.a == AGI_PACKED)
        r.cycles += (double)parts(s->columns, s->panel) *
                    pack_cycles(s->a_row == 1, s->a_column == 1, (double)s->rows * inner, s->lanes);
    if (r.b == AGI_PACKED)
        r.cycles += pack_cycles(s->b_column == 1, s->b_row == 1, (double)s->columns * inner, s->lanes);
    if (r.a != AGI_APART && s->a_column != 1 && s->rows * s->inner > SECOND_CACHE / s->size)
        r.cycles += (double)s->rows * inner * s->size * 0.16; /* a few elements of each line at a time */
    if (s->columns % s->lanes) r.cycles += cells * 0.1;
    return r;
}

static int takes_dots(const problem *s)
{
    return s->columns == 1 && (s->a_column == 1 || s->inner == 1);
}

static int takes_row_sums(const problem *s)
{
    return s->rows == 1 && (s->b_column == 1 || s->columns == 1);
}

/* By what is the same for all instruction sets: sums in lanes have other bits. The idle lanes of tiles against the
 * additions of lanes that end dot products. b is turned into columns first where there are rows enough. */
static int takes_dot_tiles(const problem *s, int64_t lanes)
{
    const int64_t few = s->columns;
    if (s->a_column != 1 || few < 2 || few > s->rows || few > AGI_FEW_DOTS) return 0;
    if (s->b_row != 1 && (s->b_column != 1 || s->rows < 2 * lanes)) return 0;
    return 5 * few * (parts(s->inner, lanes) + 7) < 6 * parts(few, lanes) * s->inner;
}

agi_reading agi_choose_reading(int isa, int double_precision, const agi_product_of *p)
{
    agi_reading best = { .cycles = -1 };
    if (isa < 1 || isa > agi_best_isa()) isa = agi_best_isa();
    for (int turned = 0; turned < 2; turned++) {
        const problem s = problem_of(isa, double_precision, p, turned);
        agi_reading r = read_tiles(&s);
        r.cycles /= turned ? 0.95 : 1; /* no turning for nothing */
        if (best.cycles < 0 || r.cycles < best.cycles) best = r;
    }
    for (int turned = 0; turned < 2; turned++) {
        const problem s = problem_of(isa, double_precision, p, turned);
        const double elements = (double)s.rows * (double)s.columns * (double)s.inner;
        agi_reading r = { .turned = (uint8_t)turned };
        r.cycles = elements / s.lanes;
        r.way = takes_dots(&s) ? AGI_DOTS : AGI_ROW_SUMS;
        if (takes_dots(&s) || takes_row_sums(&s)) return r;
        r.way = AGI_DOT_TILES;
        r.b = s.b_row == 1 ? AGI_NEAR : AGI_PACKED;
        if (takes_dot_tiles(&s, AGI_DOT_TILE_BYTES / (double_precision ? 8 : 4))) return r;
    }
    return best;
}

int64_t agi_product_work(int isa, int double_precision, const agi_product_of *p)
{
    if (isa < 1 || isa > agi_best_isa()) isa = agi_best_isa();
    const agi_reading *r = &p->reading;
    const problem s = problem_of(isa, double_precision, p, r->turned);
    const int64_t size = double_precision ? 8 : 4, step = parts(s.tile_rows, s.lanes) * s.lanes;
    if (r->way == AGI_DOTS) return s.b_row == 1 ? 0 : AGI_DOT_BLOCK * size;
    if (r->way == AGI_DOT_TILES) return r->b == AGI_PACKED ? s.columns * agi_dot_row(s.inner) * size : 0;
    if (r->way == AGI_ROW_SUMS) return (AGI_COLUMN_BLOCK + s.lanes) * size;
    int64_t elements = r->turned ? s.tile_columns * (s.tile_rows + step) : 0;
    if (r->a == AGI_PACKED) elements += AGI_PACKED_TOGETHER * step * AGI_INNER_BLOCK;
    if (r->b == AGI_PACKED) {
        const int64_t inner = s.inner < AGI_INNER_BLOCK ? s.inner : AGI_INNER_BLOCK;
        const int64_t columns = s.columns < s.panel ? s.columns : s.panel;
        elements += parts(columns, s.tile_columns) * s.tile_columns * inner;
    }
    return elements * size;
}

/* All products of a factorisation are of parts of its matrices: none packs more than the largest one may. */
int64_t agi_dense_work(int double_precision, int64_t n, int64_t columns)
{
    const int64_t wide = columns > n ? columns : n;
    int64_t most = 0;
    for (int isa = 1; isa <= agi_best_isa(); isa++) {
        const agi_product_of p = { .rows = wide, .columns = wide, .inner = n,
                                   .reading = { .way = AGI_TILES, .turned = 1, .a = AGI_PACKED, .b = AGI_PACKED } };
        const int64_t bytes = agi_product_work(isa, double_precision, &p);
        if (bytes > most) most = bytes;
    }
    const int64_t size = double_precision ? 8 : 4, vectors = AGI_DOT_BLOCK * size, panel = AGI_SMALL_ORDER * n * size;
    if (most < vectors) most = vectors;
    return most > panel ? most : panel;
}

const agi_dense *agi_dense_of(int isa, int double_precision)
{
    if (isa < 1 || isa > agi_best_isa()) isa = agi_best_isa();
#ifdef __x86_64__
    if (isa == 3) return &agi_dense_3[double_precision];
    if (isa == 2) return &agi_dense_2[double_precision];
#endif
    return &agi_dense_1[double_precision];
}
