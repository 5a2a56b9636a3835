/* Values straight from the stripes that products with unit vectors come to: no product, no colour and no table of
 * places is needed where they go to regular places of the result. */
#include "direct.h"
#include "shared/path.h"
#include "shared/positions.h"
#include "shared/strew.h"

enum { MOST_BLOCKS = 256 };

/* Elements of a stripe's value, seen as rows of its last axis: rows first_row to before end_row, from column first on,
 * and where they go: to + by_row i + by_column j. */
typedef struct {
    int64_t first_row, end_row, first, count, to, by_row, by_column;
} block;

typedef struct {
    const agi_csr *all;
    int by_rows;
    int64_t first;           /* number of the tensor's first element among rows or columns */
    const ag_node *like;     /* the tensor */
    ag_node *value[MOST_BLOCKS];
    ag_strides at[MOST_BLOCKS];
    int n;
    block of[MOST_BLOCKS];   /* of the stripe that is gone through */
    int blocks, open;        /* those before `open` are not of the row before */
} search;

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

/* ---- one row of a value ------------------------------------------------------------------------------------------ */

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

/* Elements [row, :] of a value of so many columns, the first of which is of a direction and lies at an element. */
static int find_row(search *s, int64_t row, int64_t columns, int64_t direction, int64_t next, int64_t element,
                    int64_t step)
{
    block b = { row, row + 1, 0, 0, 0, 0, 0 };
    int64_t likely = 0;
    for (int64_t j = 0; j < columns; j++, direction += next, element += step) {
        int64_t at = s->by_rows ? find(s->all, direction, s->first + element, likely)
                                : find(s->all, s->first + element, direction, likely);
        if (at < 0) return 0;
        if (b.count == 1) b.by_column = at - b.to;
        if (b.count && at != b.to + b.count * b.by_column) {
            if (!keep(s, &s->open, &b)) return 0;
            b = (block){ row, row + 1, j, 0, 0, 0, 0 };
        }
        if (!b.count++) b.to = at;
        likely = b.count > 1 ? at + b.by_column : at;
    }
    return keep(s, &s->open, &b);
}

/* ---- one stripe -------------------------------------------------------------------------------------------------- */

static int find_blocks(search *s, const agi_stripe *d)
{
    const int last = d->value->rank - 1;
    const int64_t columns = last < 0 ? 1 : d->value->dim[last], rows = ag_count(d->value) / columns;
    const ag_strides own = ag_contiguous(s->like);
    int64_t index[AG_MAX_RANK] = { 0 }, direction = d->along.offset, element = 0;
    for (int i = 0; i <= last; i++) element += d->start[i] * own.stride[i];
    s->blocks = s->open = 0;
    for (int64_t row = 0; row < rows; row++) {
        if (!find_row(s, row, columns, direction, last < 0 ? 0 : d->along.stride[last], element,
                      last < 0 ? 0 : d->step[last] * own.stride[last])) return 0;
        while (s->open < s->blocks && s->of[s->open].end_row <= row) s->open++;
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

static int add_stripe(search *s, const agi_stripe *d)
{
    const int last = d->value->rank - 1;
    const int64_t columns = last < 0 ? 1 : d->value->dim[last];
    if (!find_blocks(s, d) || s->n + s->blocks > MOST_BLOCKS) return 0;
    ag_node *all = ag_reshape(d->value, AG_SHAPE(-1, columns));
    for (int k = 0; k < s->blocks; k++) {
        const block *b = &s->of[k];
        ag_node *rows = ag_slice(all, 0, b->first_row, b->end_row, 1);
        s->value[s->n] = ag_slice(rows, 1, b->first, b->first + b->count, 1);
        s->at[s->n++] = (ag_strides){ b->to, { b->end_row - b->first_row > 1 ? b->by_row : 0,
                                               b->count > 1 ? b->by_column : 0 } };
    }
    return 1;
}

ag_node *agi_direct_values(const agi_csr *all, int by_rows, int m, ag_node *const y[], const agi_stripes of_y[])
{
    search s = { .all = all, .by_rows = by_rows };
    for (int i = 0; i < m; s.first += ag_count(y[i++])) {
        s.like = y[i];
        for (int k = 0; k < of_y[i].n; k++)
            if (!add_stripe(&s, &of_y[i].stripe[k])) return NULL;
    }
    ag_graph *g = y[0]->graph;
    ag_node *zero = ag_cast(ag_number(g, 0), (ag_dtype)y[0]->dtype);
    return agi_new_strew(ag_broadcast_to(zero, AG_SHAPE(all->start[all->rows])), s.n, s.at, s.value);
}
