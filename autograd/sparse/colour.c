/* Colours of columns: greedily, each column takes the first colour that no column has with which it shares a row
 * (T. Coleman, J. More, Estimation of sparse Jacobian matrices and graph coloring problems, 1983). */
#include "sparse.h"

int agi_transpose_csr(agi_arena *arena, const agi_csr *r, agi_csr *t)
{
    int64_t count = r->start[r->rows];
    int64_t *start = agi_arena_zeros(arena, (size_t)r->columns + 2, sizeof *start);
    int64_t *column = agi_arena_take(arena, (size_t)count * sizeof *column);
    if (!start || !column) return 0;
    for (int64_t k = 0; k < count; k++) start[r->column[k] + 2]++;
    for (int64_t j = 0; j < r->columns; j++) start[j + 2] += start[j + 1];
    for (int64_t i = 0; i < r->rows; i++)
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) column[start[r->column[k] + 1]++] = i;
    *t = (agi_csr){ .rows = r->columns, .columns = r->rows, .start = start, .column = column };
    return 1;
}

static int64_t longest(const agi_csr *r)
{
    int64_t most = 0;
    for (int64_t i = 0; i < r->rows; i++)
        if (r->start[i + 1] - r->start[i] > most) most = r->start[i + 1] - r->start[i];
    return most;
}

/* So that no row has two columns of one colour: how many there are; `most` + 1 as soon as they are more; -1 when memory
 * ends. A full row needs all colours. */
static int64_t colour_columns(agi_arena *arena, const agi_csr *r, int64_t most, uint32_t *colour)
{
    agi_csr t;
    int64_t colours = 0, *taken = agi_arena_zeros(arena, (size_t)most + 2, sizeof *taken); /* by column j: j + 1 */
    if (!taken || !agi_transpose_csr(arena, r, &t)) return -1;
    int full = longest(r) == r->columns;
    for (int64_t j = 0; j < r->columns; j++) colour[j] = full ? (uint32_t)j : UINT32_MAX;
    if (full) return r->columns;
    for (int64_t j = 0; j < r->columns; j++) {
        for (int64_t k = t.start[j]; k < t.start[j + 1]; k++)
            for (int64_t i = t.column[k], e = r->start[i]; e < r->start[i + 1] && r->column[e] < j; e++)
                taken[colour[r->column[e]]] = j + 1;
        uint32_t first = 0;
        while (taken[first] == j + 1) first++;
        colour[j] = first;
        if (first == colours && ++colours > most) break;
    }
    return colours;
}

/* The rows that differ: each says the same about columns however often it stands there. */
static int different_rows(agi_arena *arena, const agi_csr *all, const uint32_t *set, int64_t sets, agi_csr *r)
{
    if (!set) return *r = *all, 1;
    uint8_t *seen = agi_arena_zeros(arena, (size_t)sets, 1);
    int64_t *start = agi_arena_take(arena, (size_t)(all->rows + 1) * sizeof *start), rows = 0;
    int64_t *column = agi_arena_take(arena, (size_t)all->start[all->rows] * sizeof *column), count = 0;
    if (!seen || !start || !column) return 0;
    for (int64_t i = 0; i < all->rows; i++) {
        if (seen[set[i]]) continue;
        seen[set[i]] = 1;
        start[rows++] = count;
        for (int64_t k = all->start[i]; k < all->start[i + 1]; k++) column[count++] = all->column[k];
    }
    start[rows] = count;
    *r = (agi_csr){ .rows = rows, .columns = all->columns, .start = start, .column = column };
    return 1;
}

static void read_products(const agi_csr *r, agi_colouring *c)
{
    if (!c->from) return;
    for (int64_t i = 0; i < r->rows; i++)
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) {
            int64_t j = r->column[k];
            c->from[k] = c->by_rows ? c->colour[i] * r->columns + j : c->colour[j] * r->rows + i;
        }
}

/* First the way of the smaller lower bound, the longest row or column. */
static int colour_either(agi_arena *arena, const agi_csr *all, const agi_csr *rows, agi_colouring *c)
{
    agi_csr way[2] = { *rows };
    uint32_t *colour[2] = { c->colour, agi_arena_take(arena, (size_t)all->rows * sizeof *colour[1]) };
    if (!colour[1] || !agi_transpose_csr(arena, all, &way[1])) return 0;
    int64_t bound[2] = { longest(&way[0]), longest(&way[1]) };
    for (int turn = 0, k = bound[1] < bound[0]; turn < 2; turn++, k = !k) {
        if (turn && bound[k] >= c->colours) break;
        int64_t most = turn ? c->colours - 1 : way[k].columns;
        int64_t colours = colour_columns(arena, &way[k], most, colour[k]);
        if (colours < 0) return 0;
        if (colours > most) break;
        c->colours = colours;
        c->by_rows = k;
    }
    c->colour = colour[c->by_rows];
    read_products(all, c);
    return 1;
}

static int colour_symmetric(agi_arena *arena, const agi_csr *all, const agi_csr *rows, agi_colouring *c)
{
    uint32_t *colour = agi_arena_take(arena, (size_t)all->columns * sizeof *colour);
    c->colours = agi_colour_star(arena, all, c->colour, c->from);
    if (!colour || c->colours < 0) return 0;
    if (longest(rows) >= c->colours) return 1;
    int64_t colours = colour_columns(arena, rows, c->colours - 1, colour);
    if (colours < 0) return 0;
    if (colours >= c->colours) return 1;
    c->colours = colours;
    c->colour = colour;
    read_products(all, c);
    return 1;
}

int agi_colour(agi_arena *arena, const agi_csr *all, const uint32_t *set, int64_t sets, int symmetric,
               agi_colouring *c)
{
    agi_csr rows;
    *c = (agi_colouring){ .colour = agi_arena_take(arena, (size_t)all->columns * sizeof *c->colour) };
    if (set) c->from = agi_arena_take(arena, (size_t)all->start[all->rows] * sizeof *c->from);
    if ((set && !c->from) || !c->colour || !different_rows(arena, all, set, sets, &rows)) return 0;
    return symmetric ? colour_symmetric(arena, all, &rows, c) : colour_either(arena, all, &rows, c);
}
