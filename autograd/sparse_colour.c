/* Colours of columns: greedily, each column takes the first colour that no column has with which it shares a row
 * (T. Coleman, J. More, Estimation of sparse Jacobian matrices and graph coloring problems, 1983). */
#include "sparse.h"

int agi_transpose_rows(agi_arena *arena, const agi_rows *r, agi_rows *t)
{
    int64_t count = r->start[r->rows];
    int64_t *start = agi_arena_zeros(arena, (size_t)r->columns + 2, sizeof *start);
    int64_t *column = agi_arena_take(arena, (size_t)count * sizeof *column);
    if (!start || !column) return 0;
    for (int64_t k = 0; k < count; k++) start[r->column[k] + 2]++;
    for (int64_t j = 0; j < r->columns; j++) start[j + 2] += start[j + 1];
    for (int64_t i = 0; i < r->rows; i++)
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) column[start[r->column[k] + 1]++] = i;
    *t = (agi_rows){ .rows = r->columns, .columns = r->rows, .start = start, .column = column };
    return 1;
}

int64_t agi_colour_columns(agi_arena *arena, const agi_rows *r, int64_t most, uint32_t *colour)
{
    agi_rows t;
    int64_t colours = 0, *taken = agi_arena_zeros(arena, (size_t)most + 2, sizeof *taken); /* by column j: j + 1 */
    if (!taken || !agi_transpose_rows(arena, r, &t)) return -1;
    for (int64_t j = 0; j < r->columns; j++) colour[j] = UINT32_MAX;
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
