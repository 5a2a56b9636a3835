/* Structure and values straight from the stripes that products with unit vectors come to: no sets of columns and no
 * table of places are needed where the stripes go to regular places of the result. */
#include "direct.h"
#include "shared/path.h"
#include "shared/positions.h"
#include "shared/strew.h"

#include <stdlib.h>

enum { MOST_BLOCKS = 1024, MANY = 256, LONG = 8 }; /* of more than MANY the mean is to be LONG */

/* Elements of a stripe's value, seen as rows of its last axis: rows first_row to before end_row, from column first on,
 * and where they go: to + by_row i + by_column j. */
typedef struct {
    int64_t first_row, end_row, first, count, to, by_row, by_column;
} block;

typedef struct search search;

/* Elements [row, :] of a value of so many columns: the first is of a direction and lies at an element of its tensor,
 * the next ones so far on. 0: stop. */
typedef int each_row(search *, int64_t row, int64_t columns, int64_t direction, int64_t next, int64_t element,
                     int64_t step);

struct search {
    const agi_csr *all;
    int by_rows;         /* directions are rows, elements columns; else the other way round */
    int64_t first;       /* number of the tensor's first element among those of all */
    const ag_node *like; /* the tensor */
    int64_t *start;      /* while the structure is found: see agi_direct_rows */
    uint32_t *column;
    ag_node *value[MOST_BLOCKS];
    ag_strides at[MOST_BLOCKS];
    int n;
    block of[MOST_BLOCKS]; /* of the stripe that is gone through */
    int blocks, open;      /* those before `open` are not of the row before */
};

static int64_t columns_of(const agi_stripe *d)
{
    return d->value->rank ? d->value->dim[d->value->rank - 1] : 1;
}

static int go_over(search *s, const agi_stripe *d, each_row *each)
{
    const int last = d->value->rank - 1;
    const int64_t columns = columns_of(d), rows = ag_count(d->value) / columns;
    const ag_strides own = ag_contiguous(s->like);
    const int64_t next = last < 0 ? 0 : d->along.stride[last], step = last < 0 ? 0 : d->step[last] * own.stride[last];
    int64_t index[AG_MAX_RANK] = { 0 }, direction = d->along.offset, element = s->first;
    for (int i = 0; i <= last; i++) element += d->start[i] * own.stride[i];
    for (int64_t row = 0; row < rows; row++) {
        if (!each(s, row, columns, direction, next, element, step)) return 0;
        for (int i = last; i-- > 0;) {
            direction += d->along.stride[i];
            element += d->step[i] * own.stride[i];
            if (++index[i] < d->value->dim[i]) break;
            direction -= d->along.stride[i] * d->value->dim[i];
            element -= d->step[i] * own.stride[i] * d->value->dim[i];
            index[i] = 0;
        }
    }
    return 1;
}

static int go_over_all(search *s, int m, ag_node *const y[], const agi_stripes of_y[], each_row *each)
{
    s->first = 0;
    for (int i = 0; i < m; s->first += ag_count(y[i++])) {
        s->like = y[i];
        for (int k = 0; k < of_y[i].n; k++)
            if (!go_over(s, &of_y[i].stripe[k], each)) return 0;
    }
    return 1;
}

/* ---- structure --------------------------------------------------------------------------------------------------- */

static int count_rows(search *s, int64_t row, int64_t columns, int64_t direction, int64_t next, int64_t element,
                      int64_t step)
{
    int64_t at = s->by_rows ? direction : element, way = s->by_rows ? next : step;
    (void)row;
    for (int64_t j = 0; j < columns; j++, at += way) s->start[at + 2]++;
    return 1;
}

static int fill_rows(search *s, int64_t row, int64_t columns, int64_t direction, int64_t next, int64_t element,
                     int64_t step)
{
    (void)row;
    for (int64_t j = 0; j < columns; j++, direction += next, element += step) {
        const int64_t at = s->by_rows ? direction : element, column = s->by_rows ? element : direction;
        s->column[s->start[at + 1]++] = (uint32_t)column;
    }
    return 1;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* In order, each once: how many. */
static int64_t sort(uint32_t *column, int64_t n)
{
    enum { FEW = 16 };
    int64_t kept = 0;
    if (n > FEW) qsort(column, (size_t)n, sizeof *column, ascending);
    for (int64_t i = 1; i < n && n <= FEW; i++) {
        const uint32_t x = column[i];
        int64_t k = i;
        for (; k > 0 && column[k - 1] > x; k--) column[k] = column[k - 1];
        column[k] = x;
    }
    for (int64_t i = 0; i < n; i++)
        if (!kept || column[i] != column[kept - 1]) column[kept++] = column[i];
    return kept;
}

/* Columns are counted by row, two rows on, then lie from start[row] to before start[row + 1]. */
int agi_direct_rows(agi_arena *kept, agi_arena *arena, int by_rows, int m, ag_node *const y[],
                    const agi_stripes of_y[], agi_csr *out)
{
    search *s = agi_arena_zeros(arena, 1, sizeof *s);
    int64_t *start = agi_arena_zeros(kept, (size_t)out->rows + 1, sizeof *start);
    if (!s || !start) return 0;
    s->by_rows = by_rows;
    s->start = agi_arena_zeros(arena, (size_t)out->rows + 2, sizeof *s->start);
    if (!s->start) return 0;
    go_over_all(s, m, y, of_y, count_rows);
    for (int64_t i = 0; i < out->rows; i++) s->start[i + 2] += s->start[i + 1];
    s->column = agi_arena_take(arena, (size_t)s->start[out->rows + 1] * sizeof *s->column);
    if (!s->column) return 0;
    go_over_all(s, m, y, of_y, fill_rows);
    for (int64_t i = 0; i < out->rows; i++)
        start[i + 1] = start[i] + sort(s->column + s->start[i], s->start[i + 1] - s->start[i]);
    int64_t *column = agi_arena_take(kept, (size_t)start[out->rows] * sizeof *column);
    if (!column) return 0;
    for (int64_t i = 0; i < out->rows; i++)
        for (int64_t k = start[i]; k < start[i + 1]; k++) column[k] = s->column[s->start[i] + k - start[i]];
    out->start = start;
    out->column = column;
    return 1;
}

/* ---- where each element stands ----------------------------------------------------------------------------------- */

/* Where the element stands, or -1; it is likely to be `likely`. */
static int64_t find(const agi_csr *all, int64_t row, int64_t column, int64_t likely)
{
    int64_t low = all->start[row], high = all->start[row + 1];
    if (likely >= low && likely < high && all->column[likely] == column) return likely;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (all->column[middle] < column) low = middle + 1;
        else high = middle;
    }
    return low < all->start[row + 1] && all->column[low] == column ? low : -1;
}

/* The same columns of the next row, that go on in step? */
static int goes_on(block *b, const block *next)
{
    if (b->end_row != next->first_row || b->first != next->first || b->count != next->count) return 0;
    if (b->count > 1 && b->by_column != next->by_column) return 0;
    const int64_t way = next->to - b->to, rows = b->end_row - b->first_row;
    if (rows > 1 && way != rows * b->by_row) return 0;
    if (rows == 1) b->by_row = way;
    b->end_row++;
    return 1;
}

static int keep(search *s, int *from, const block *next)
{
    for (int k = *from; k < s->blocks; k++) {
        if (!goes_on(&s->of[k], next)) continue;
        return 1;
    }
    if (s->blocks == MOST_BLOCKS) return 0;
    s->of[s->blocks++] = *next;
    return 1;
}

static int find_row(search *s, int64_t row, int64_t columns, int64_t direction, int64_t next, int64_t element,
                    int64_t step)
{
    block b = { row, row + 1, 0, 0, 0, 0, 0 };
    int64_t likely = 0;
    for (int64_t j = 0; j < columns; j++, direction += next, element += step) {
        int64_t at = find(s->all, s->by_rows ? direction : element, s->by_rows ? element : direction, likely);
        if (at < 0) return 0;
        if (b.count == 1) b.by_column = at - b.to;
        if (b.count && at != b.to + b.count * b.by_column) {
            if (!keep(s, &s->open, &b)) return 0;
            b = (block){ row, row + 1, j, 0, 0, 0, 0 };
        }
        if (!b.count++) b.to = at;
        likely = b.count > 1 ? at + b.by_column : at;
    }
    if (!keep(s, &s->open, &b)) return 0;
    while (s->open < s->blocks && s->of[s->open].end_row <= row) s->open++;
    return 1;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Values that go to the same elements are added before they go there. */
static int put(search *s, ag_node *value, const ag_strides *at)
{
    for (int k = 0; k < s->n; k++) {
        if (memcmp(at, &s->at[k], sizeof *at) || !ag_same_shape(value, s->value[k])) continue;
        s->value[k] = ag_add(s->value[k], value);
        return 1;
    }
    if (s->n == MOST_BLOCKS) return 0;
    s->value[s->n] = value;
    s->at[s->n++] = *at;
    return 1;
}

/* Columns `first` to before `end` of the block, of the rows that it has. */
static int put_columns(search *s, ag_node *rows, const block *b, int64_t first, int64_t end)
{
    const int64_t n = b->end_row - b->first_row, to = b->to + first * b->by_column;
    ag_node *value = ag_slice(rows, 1, b->first + first, b->first + end, 1);
    if (end - first == 1) return put(s, ag_reshape(value, AG_SHAPE(n)), &(ag_strides){ to, { n > 1 ? b->by_row : 0 } });
    return put(s, value, &(ag_strides){ to, { n > 1 ? b->by_row : 0, b->by_column } });
}

/* Of a few long columns each by itself: others may go where one of them does. */
static int put_block(search *s, ag_node *all, const block *b)
{
    enum { FEW = 16 };
    ag_node *rows = ag_slice(all, 0, b->first_row, b->end_row, 1);
    if (ag_is_bad(rows)) return 0;
    if (b->count > FEW || b->count >= b->end_row - b->first_row) return put_columns(s, rows, b, 0, b->count);
    for (int64_t j = 0; j < b->count; j++)
        if (!put_columns(s, rows, b, j, j + 1)) return 0;
    return 1;
}

static int add_stripe(search *s, const agi_stripe *d)
{
    s->blocks = s->open = 0;
    if (!go_over(s, d, find_row)) return 0;
    ag_node *all = ag_reshape(d->value, AG_SHAPE(-1, columns_of(d)));
    for (int k = 0; k < s->blocks; k++)
        if (!put_block(s, all, &s->of[k])) return 0;
    return 1;
}

ag_node *agi_direct_values(agi_arena *arena, const agi_csr *all, int by_rows, int m, ag_node *const y[],
                           const agi_stripes of_y[])
{
    search *s = agi_arena_take(arena, sizeof *s);
    if (!s) return NULL;
    s->all = all;
    s->by_rows = by_rows;
    s->first = s->n = 0;
    for (int i = 0; i < m; s->first += ag_count(y[i++])) {
        s->like = y[i];
        for (int k = 0; k < of_y[i].n; k++)
            if (!add_stripe(s, &of_y[i].stripe[k])) return NULL;
    }
    if (s->n > MANY && all->start[all->rows] < s->n * LONG) return NULL;
    ag_node *zero = ag_cast(ag_number(y[0]->graph, 0), (ag_dtype)y[0]->dtype);
    return agi_new_strew(ag_broadcast_to(zero, AG_SHAPE(all->start[all->rows])), s->n, s->at, s->value);
}
