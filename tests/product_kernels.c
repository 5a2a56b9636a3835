/* The product kernels of every instruction set, of any shape, from operands that lie in any way, against plain loops in
 * long double; and that the bits of an element depend on nothing but the product's shape. */
#include "dense/dense.h"
#include "test.h"

#include <float.h>

enum { MOST = 70, ROOM = 8 * (MOST + 2) * (MOST + 2), MOST_FED = 1 << 19 };

typedef struct {
    int wide; /* f64 */
    char *a, *b, *from, *out, *again, *fused;
    long double *want, *size; /* the result, and the sum of its terms' magnitudes */
    char *work;
} matrices;

static double get(const matrices *m, const char *at, int64_t i)
{
    return m->wide ? ((const double *)(const void *)at)[i] : (double)((const float *)(const void *)at)[i];
}

static void put(const matrices *m, char *at, int64_t i, double x)
{
    if (m->wide) ((double *)(void *)at)[i] = x;
    else ((float *)(void *)at)[i] = (float)x;
}

/* As xorshift64* has them. */
static uint64_t state = 3;

static uint64_t draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
}

static int below(int n)
{
    return (int)(draw() >> 33) % n;
}

static double number(void)
{
    return (double)(int64_t)(draw() >> 40) / (1 << 23) - 1;
}

static matrices make(int wide, size_t room)
{
    const size_t size = sizeof(long double);
    matrices m = { .wide = wide, .a = calloc(room, 8), .b = calloc(room, 8), .from = calloc(room, 8),
                   .out = calloc(room, 8), .again = calloc(room, 8), .fused = calloc(room, 8),
                   .want = calloc(room, size), .size = calloc(room, size), .work = aligned_alloc(64, 1 << 22) };
    for (size_t i = 0; i < room; i++) {
        put(&m, m.a, (int64_t)i, number());
        put(&m, m.b, (int64_t)i, number());
        put(&m, m.from, (int64_t)i, number());
    }
    return m;
}

static void drop(matrices *m)
{
    free(m->a), free(m->b), free(m->from), free(m->out), free(m->again), free(m->fused);
    free(m->want), free(m->size), free(m->work);
}

/* Where matrix element (0, 0) lies, its strides being any of a kind: by rows, by columns, both apart, backwards, or one
 * row for all. */
static int64_t lay(int how, int64_t rows, int64_t columns, int64_t *row, int64_t *column)
{
    const int gap = below(3);
    switch (how) {
    case 0: return *row = columns + gap, *column = 1, 0;
    case 1: return *row = 1, *column = rows + gap, 0;
    case 2: return *column = 2, *row = 2 * columns + gap, 0;
    case 3: return *row = -columns, *column = 1, (rows - 1) * columns;
    case 4: return *row = columns, *column = -1, columns - 1;
    default: return *row = 0, *column = 1, 0;
    }
}

static const char *at(const matrices *m, const char *from, int64_t element)
{
    return from + element * (m->wide ? 8 : 4);
}

static void expect_values(const matrices *m, const agi_product_of *p)
{
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t j = 0; j < p->columns; j++) {
            long double sum = 0, size = 0;
            for (int64_t k = 0; k < p->inner; k++) {
                long double x = (long double)get(m, p->a, i * p->a_row + k * p->a_column)
                                * get(m, p->b, k * p->b_row + j * p->b_column);
                sum += x;
                size += fabsl(x);
            }
            const double from = p->from ? get(m, p->from, i * p->out_row + j) : 0;
            m->want[i * p->columns + j] = from + p->alpha * sum;
            m->size[i * p->columns + j] = fabs(from) + fabs(p->alpha) * size;
        }
}

/* The result is near what it should be, and nothing beside it was touched. */
static void compare(const matrices *m, const agi_product_of *p, int isa)
{
    const double unit = m->wide ? DBL_EPSILON : (double)FLT_EPSILON;
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t j = 0; j < p->out_row; j++) {
            const double got = get(m, p->out, i * p->out_row + j);
            if (j >= p->columns) {
                ck_assert_msg(test_same_bits(got, -7), "beside row %d: %g", (int)i, got);
                continue;
            }
            const long double want = m->want[i * p->columns + j];
            const long double most = (p->inner + 4) * unit / 2 * m->size[i * p->columns + j];
            ck_assert_msg(fabsl(got - want) <= most,
                          "isa %d, %d x %d x %d, way %d, turned %d, a %d, b %d: element %d, %d is %.17g, not %.17Lg",
                          isa, (int)p->rows, (int)p->columns, (int)p->inner, p->reading.way, p->reading.turned,
                          p->reading.a, p->reading.b, (int)i, (int)j, got, want);
        }
}

static void multiply(const matrices *m, agi_product_of *p, int isa)
{
    static const int64_t none[3] = { 0 };
    p->work = m->work;
    ck_assert_int_le(agi_product_work(isa, m->wide, p), 1 << 22);
    memset(m->work, 0xff, (size_t)agi_product_work(isa, m->wide, p));
    agi_dense_of(isa, m->wide)->multiply(p, 1, none);
}

/* Rows and columns from some on: the same bits as in the whole. */
static void compare_parts(const matrices *m, const agi_product_of *whole, int isa)
{
    agi_product_of p = *whole;
    const int64_t row = below((int)p.rows), column = below((int)(p.columns + AGI_PART - 1) / AGI_PART) * AGI_PART;
    const int64_t first = row * p.out_row + column;
    p.rows -= row, p.columns -= column;
    p.a = at(m, p.a, row * p.a_row), p.b = at(m, p.b, column * p.b_column);
    p.out = m->again;
    if (p.from) p.from = at(m, p.from, first);
    multiply(m, &p, isa);
    for (int64_t i = 0; i < p.rows; i++)
        for (int64_t j = 0; j < p.columns; j++) {
            const int64_t here = i * p.out_row + j;
            const double all = get(m, whole->out, first + here), part = get(m, m->again, here);
            ck_assert_msg(test_same_bits(all, part),
                          "isa %d, %d x %d x %d from %d, %d, way %d, turned %d: %.17g, not %.17g", isa,
                          (int)whole->rows, (int)whole->columns, (int)whole->inner, (int)row, (int)column,
                          whole->reading.way, whole->reading.turned, part, all);
        }
}

/* Of all instruction sets, those that fuse to the same bits. */
static void check_product(const matrices *m, agi_product_of *p, int in_place)
{
    const int64_t n = p->rows * p->out_row;
    const size_t bytes = (size_t)n * (m->wide ? 8 : 4);
    expect_values(m, p);
    for (int isa = 1; isa <= agi_best_isa(); isa++) {
        agi_product_of q = *p;
        p->reading = q.reading = agi_choose_reading(isa, m->wide, p);
        for (int64_t i = 0; i < n; i++)
            put(m, m->out, i, i % p->out_row < p->columns && in_place ? get(m, m->from, i) : -7);
        q.out = p->out = m->out;
        if (in_place) q.from = m->out;
        multiply(m, &q, isa);
        compare(m, p, isa);
        compare_parts(m, p, isa);
        if (isa == 3) ck_assert_msg(!memcmp(m->out, m->fused, bytes), "%d x %d x %d: other bits", (int)p->rows,
                                    (int)p->columns, (int)p->inner);
        memcpy(m->fused, m->out, bytes);
    }
}

static void check_shape(const matrices *m, int rows, int columns, int inner)
{
    static const double alpha[] = { 1, 1, -0.37 };
    agi_product_of p = { .rows = rows, .columns = columns, .inner = inner, .out_row = columns + below(2) * below(3),
                         .alpha = alpha[below(3)] };
    const int how = below(3);
    p.a = at(m, m->a, lay(below(9) % 6, rows, inner, &p.a_row, &p.a_column));
    p.b = at(m, m->b, lay(below(9) % 6, inner, columns, &p.b_row, &p.b_column));
    p.from = how ? m->from : NULL;
    check_product(m, &p, how == 2);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

/* Every two of the three extents up to 70. */
START_TEST(edges)
{
    matrices m = make(_i % 2, ROOM);
    state = 77 + (uint64_t)_i;
    for (int x = 1 + _i / 2; x <= MOST; x += 7)
        for (int y = 1; y <= MOST; y++) {
            check_shape(&m, x, y, 1 + below(MOST));
            check_shape(&m, x, 1 + below(MOST), y);
            check_shape(&m, 1 + below(MOST), x, y);
        }
    drop(&m);
}
END_TEST

/* Beyond blocks and panels; vectors; nothing to sum. */
START_TEST(blocks)
{
    static const int shape[][3] = { { 5, 3, 600 }, { 61, 45, 513 }, { 40, 600, 9 }, { 33, 530, 300 }, { 300, 20, 257 },
                                    { 1, 5000, 70 }, { 1, 300, 700 }, { 1, 3, 20000 }, { 5000, 1, 70 }, { 7, 1, 20000 },
                                    { 1, 1, 20000 }, { 1, 1, 1 }, { 90, 90, 1 }, { 600, 7, 7 }, { 3, 4, 0 },
                                    { 1, 9, 0 }, { 70, 10, 700 }, { 12, 100, 300 }, { 40, 7, 8300 },
                                    { 33, 30, 1024 } };
    matrices m = make(_i, 1 << 20);
    state = 5 + (uint64_t)_i;
    for (size_t k = 0; k < COUNT(shape); k++)
        for (int again = 0; again < 12; again++) check_shape(&m, shape[k][0], shape[k][1], shape[k][2]);
    drop(&m);
}
END_TEST

/* ---- plans ------------------------------------------------------------------------------------------------------- */

typedef struct {
    int rank_a, rank_b;
    int64_t a[4], b[4];
    int turned_a, turned_b; /* passed to the product as a transpose */
} batched;

static ag_node *swap_last(ag_node *x)
{
    int axes[AG_MAX_RANK];
    for (int i = 0; i < x->rank; i++) axes[i] = i;
    axes[x->rank - 1] = x->rank - 2;
    axes[x->rank - 2] = x->rank - 1;
    return ag_transpose(x, axes);
}

static ag_node *operand(ag_graph *g, int rank, const int64_t dim[], int turned, ag_dtype dtype)
{
    ag_shape s = { .rank = rank };
    for (int i = 0; i < rank; i++) s.dim[i] = dim[i];
    if (turned) s.dim[rank - 2] = dim[rank - 1], s.dim[rank - 1] = dim[rank - 2];
    ag_node *x = ag_input(g, NULL, dtype, s);
    return turned ? swap_last(x) : x;
}

static void feed(ag_run *r, ag_node *x)
{
    static double value[MOST_FED];
    static float narrow[MOST_FED];
    ag_node *leaf = x->nin ? x->in[0] : x;
    const int64_t n = ag_count(leaf);
    ck_assert_int_le(n, (int64_t)COUNT(value));
    for (int64_t i = 0; i < n; i++) narrow[i] = (float)(value[i] = number());
    ck_assert_int_eq(ag_feed(r, leaf, leaf->dtype == AG_F32 ? (const void *)narrow : value), AG_OK);
}

/* The product of a plan, and the same with so many threads. */
static char *evaluate(const batched *b, ag_dtype dtype, int threads, int isa, size_t *bytes)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = operand(g, b->rank_a, b->a, b->turned_a, dtype), *z = operand(g, b->rank_b, b->b, b->turned_b, dtype);
    ag_node *y = ag_matmul(x, z);
    ag_plan *p = ag_compile(g, 1, &y, &(ag_options){ .threads = threads, .isa = isa });
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    ag_run *r = ag_run_new(p);
    state = 11;
    feed(r, x);
    feed(r, z);
    ck_assert_int_eq(ag_eval(r), AG_OK);
    *bytes = (size_t)ag_count(y) * ag_dtype_size(dtype);
    char *out = malloc(*bytes);
    ck_assert_int_eq(ag_fetch(r, y, out), AG_OK);
    ag_run_free(r);
    ag_plan_free(p);
    ag_graph_free(g);
    return out;
}

static const batched all_batched[] = {
    { 2, 2, { 190, 200 }, { 200, 170 }, 0, 0 },          { 2, 2, { 120, 200 }, { 200, 199 }, 0, 1 },
    { 2, 2, { 40, 300 }, { 300, 130 }, 1, 1 },
    { 3, 3, { 3, 70, 100 }, { 3, 100, 90 }, 0, 1 },      { 4, 3, { 7, 5, 30, 33 }, { 5, 33, 31 }, 1, 0 },
    { 4, 4, { 6, 1, 40, 50 }, { 1, 8, 50, 40 }, 0, 0 },  { 3, 3, { 500, 4, 4 }, { 500, 4, 4 }, 0, 0 },
    { 2, 3, { 200, 190 }, { 4, 190, 45 }, 0, 0 },        { 2, 2, { 200, 190 }, { 190, 1 }, 0, 0 },
    { 2, 2, { 1, 200 }, { 200, 190 }, 0, 0 },            { 2, 2, { 200, 10 }, { 10, 200 }, 1, 1 },
    { 2, 2, { 600, 784 }, { 784, 10 }, 0, 1 },         { 2, 2, { 9, 700 }, { 700, 680 }, 0, 1 },
};

/* The same bits for any number of threads, and from all instruction sets that fuse. */
START_TEST(same_bits_for_any_threads)
{
    static const int threads[] = { 2, 3, 8 };
    for (int dtype = 0; dtype < 2; dtype++) {
        size_t bytes;
        char *one = evaluate(&all_batched[_i], dtype ? AG_F64 : AG_F32, 1, 0, &bytes);
        for (size_t k = 0; k < COUNT(threads); k++) {
            char *more = evaluate(&all_batched[_i], dtype ? AG_F64 : AG_F32, threads[k], 0, &bytes);
            ck_assert_msg(!memcmp(one, more, bytes), "%d threads", threads[k]);
            free(more);
        }
        if (test_best_isa() == 3) {
            char *other = evaluate(&all_batched[_i], dtype ? AG_F64 : AG_F32, 2, 2, &bytes);
            ck_assert(!memcmp(one, other, bytes));
            free(other);
        }
        free(one);
    }
}
END_TEST

/* Each element of a batch against a sum in double precision: single precision agrees to its own. */
START_TEST(batches)
{
    const batched *b = &all_batched[_i];
    size_t bytes;
    float *narrow = (float *)(void *)evaluate(b, AG_F32, 1, 0, &bytes);
    const int rank = b->rank_a > b->rank_b ? b->rank_a : b->rank_b;
    const int64_t rows = b->a[b->rank_a - 2], inner = b->a[b->rank_a - 1], columns = b->b[b->rank_b - 1];
    static double a[MOST_FED], z[MOST_FED];
    const int64_t na = (int64_t)(b->rank_a > 3 ? b->a[0] * b->a[1] : b->rank_a > 2 ? b->a[0] : 1) * rows * inner;
    const int64_t nb = (int64_t)(b->rank_b > 3 ? b->b[0] * b->b[1] : b->rank_b > 2 ? b->b[0] : 1) * inner * columns;
    state = 11;
    for (int64_t i = 0; i < na; i++) a[i] = (double)(float)number();
    for (int64_t i = 0; i < nb; i++) z[i] = (double)(float)number();
    for (int64_t k = 0; k < (int64_t)(bytes / sizeof(float)) / (rows * columns); k++) {
        int64_t at_a = 0, at_b = 0, left = k, step_a = 1, step_b = 1;
        for (int i = rank - 3; i >= 0; i--) {
            const int axis_a = i - rank + b->rank_a, axis_b = i - rank + b->rank_b;
            const int64_t da = axis_a < 0 ? 1 : b->a[axis_a], db = axis_b < 0 ? 1 : b->b[axis_b], n = da > db ? da : db;
            at_a += da > 1 ? left % n * step_a : 0, step_a *= da;
            at_b += db > 1 ? left % n * step_b : 0, step_b *= db;
            left /= n;
        }
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++) {
                double sum = 0, size = 0;
                for (int64_t l = 0; l < inner; l++) {
                    const double x = a[at_a * rows * inner + (b->turned_a ? l * rows + i : i * inner + l)];
                    const double t = x * z[at_b * inner * columns + (b->turned_b ? j * inner + l : l * columns + j)];
                    sum += t, size += fabs(t);
                }
                ck_assert(fabs((double)narrow[(k * rows + i) * columns + j] - sum)
                          <= (double)(inner + 4) * (double)FLT_EPSILON / 2 * size);
            }
    }
    free(narrow);
}
END_TEST

/* A matrix that comes from memory is read once, in whole rows; one that stays in cache, or meets so few rows that it is
 * read about once anyway, is read where it lies. */
START_TEST(large_matrices_are_packed)
{
    for (int isa = 1; isa <= agi_best_isa(); isa++) {
        agi_product_of p = { .rows = 17, .inner = 768, .a_row = 768, .a_column = 1, .b_column = 1 };
        p.columns = p.b_row = p.out_row = 768;
        const agi_reading large = agi_choose_reading(isa, 0, &p);
        ck_assert(!large.turned && large.b == AGI_PACKED);
        p.rows = 8;
        const agi_reading once = agi_choose_reading(isa, 0, &p);
        ck_assert(!once.turned && once.b == AGI_NEAR);
        p.rows = 17;
        p.columns = p.b_row = p.out_row = 256;
        const agi_reading small = agi_choose_reading(isa, 0, &p);
        ck_assert(small.turned || small.b == AGI_NEAR);
    }
}
END_TEST

/* Rows that lie a power of two apart would push each other out of the first cache. */
START_TEST(rows_that_alias_are_packed)
{
    agi_product_of p = { .rows = 512, .columns = 256, .inner = 1000, .a_column = 1, .b_row = 256, .b_column = 1,
                         .out_row = 256 };
    if (agi_best_isa() < 3) return;
    p.a_row = 1000;
    ck_assert_int_eq(agi_choose_reading(3, 0, &p).a, AGI_APART);
    p.a_row = 1024;
    ck_assert_int_eq(agi_choose_reading(3, 0, &p).a, AGI_PACKED);
}
END_TEST

/* Few columns leave most lanes of tiles idle: their dots are summed in lanes, however they lie. */
START_TEST(few_columns_are_dots)
{
    for (int isa = 1; isa <= agi_best_isa(); isa++) {
        agi_product_of p = { .rows = 64, .columns = 10, .inner = 128, .a_row = 128, .a_column = 1, .b_row = 10,
                             .b_column = 1, .out_row = 10 };
        p.reading = agi_choose_reading(isa, 0, &p);
        ck_assert(p.reading.way == AGI_DOT_TILES && p.reading.b == AGI_PACKED && agi_product_work(isa, 0, &p));
        p.b_row = 1, p.b_column = 128;
        p.reading = agi_choose_reading(isa, 0, &p);
        ck_assert(p.reading.way == AGI_DOT_TILES && p.reading.b == AGI_NEAR && !agi_product_work(isa, 0, &p));
    }
}
END_TEST

Suite *suite_product_kernels(void)
{
    Suite *s = suite_create("product_kernels");
    TCase *t = tcase_create("product_kernels");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, edges, 0, 14);
    tcase_add_loop_test(t, blocks, 0, 2);
    tcase_add_loop_test(t, same_bits_for_any_threads, 0, (int)COUNT(all_batched));
    tcase_add_test(t, large_matrices_are_packed);
    tcase_add_test(t, rows_that_alias_are_packed);
    tcase_add_test(t, few_columns_are_dots);
    tcase_add_loop_test(t, batches, 0, (int)COUNT(all_batched));
    suite_add_tcase(s, t);
    return s;
}
