/* ag_einsum against loops over all letters. */
#include "test.h"

enum { LETTERS = 7, MOST = 8 };
static const int64_t extents[LETTERS] = { 2, 3, 2, 1, 4, 2, 3 }; /* of a, b, ... */

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
}

static void end(void)
{
    ag_graph_free(g);
}

/* ---- by the definition ------------------------------------------------------------------------------------------- */

/* A pattern apart: the letters of each operand and of the result. */
typedef struct {
    int n;
    char in[MOST][AG_MAX_RANK + 1], out[AG_MAX_RANK + 1];
} sum;

static ag_shape shape_of(const char *letters)
{
    ag_shape s = AG_SCALAR;
    for (; *letters; letters++) s.dim[s.rank++] = extents[*letters - 'a'];
    return s;
}

static int64_t place(const char *letters, const int64_t *index)
{
    int64_t at = 0;
    for (; *letters; letters++) at = at * extents[*letters - 'a'] + index[*letters - 'a'];
    return at;
}

static void by_definition(const sum *s, double *const x[], double *out)
{
    int64_t index[LETTERS] = { 0 };
    int used[LETTERS] = { 0 }, c = 0;
    for (int k = 0; k < s->n; k++)
        for (const char *l = s->in[k]; *l; l++) used[*l - 'a'] = 1;
    while (c < LETTERS) {
        double product = 1;
        for (int k = 0; k < s->n; k++) product *= x[k][place(s->in[k], index)];
        out[place(s->out, index)] += product;
        for (c = 0; c < LETTERS && (!used[c] || ++index[c] == extents[c]); c++) index[c] = 0;
    }
}

static void expect_sum(const sum *s, const char *pattern, uint64_t *seed, int gradient)
{
    double values[MOST][512], *x[MOST], want[4096] = { 0 }, got[4096], *out = got;
    ag_node *leaf[MOST];
    for (int k = 0; k < s->n; k++) {
        ag_shape shape = shape_of(s->in[k]);
        int64_t size = 1;
        for (int i = 0; i < shape.rank; i++) size *= shape.dim[i];
        ck_assert_int_le(size, 512);
        for (int64_t i = 0; i < size; i++) values[k][i] = test_random(seed, -1, 1);
        x[k] = values[k];
        leaf[k] = ag_parameter(g, NULL, AG_F64, shape, values[k]);
    }
    ag_node *y = ag_einsum(pattern, s->n, leaf);
    ck_assert_msg(!ag_is_bad(y), "'%s': %s", pattern, ag_graph_error(g));
    expect_shape(y, shape_of(s->out));
    by_definition(s, x, want);
    test_evaluate(1, &y, NULL, &out);
    for (int64_t i = 0; i < ag_size_of(y); i++)
        ck_assert_msg(test_close(got[i], want[i], 1e-13), "'%s' [%d] is %.17g, not %.17g", pattern, (int)i, got[i],
                      want[i]);
    if (!gradient) return;
    ag_check_report report;
    ag_status status = ag_check_gradient(y, s->n, leaf, &(ag_check_options){ .orders = 2 }, &report);
    ck_assert_msg(status == AG_OK, "'%s': %s", pattern, report.message);
}

START_TEST(patterns_that_people_write)
{
    static const struct {
        const char *pattern;
        sum s;
    } row[] = {
        { "ab,bc->ac", { 2, { "ab", "bc" }, "ac" } },     { "ab,bc", { 2, { "ab", "bc" }, "ac" } },
        { "ba", { 1, { "ba" }, "ab" } },                  { "ab->", { 1, { "ab" }, "" } },
        { "aa", { 1, { "aa" }, "" } },                    { "aa->a", { 1, { "aa" }, "a" } },
        { "a,a", { 2, { "a", "a" }, "" } },               { "a,a->a", { 2, { "a", "a" }, "a" } },
        { "a,b->ba", { 2, { "a", "b" }, "ba" } },         { " eab, ebc -> eac ", { 2, { "eab", "ebc" }, "eac" } },
        { "eab,ecb->eac", { 2, { "eab", "ecb" }, "eac" } }, { ",ab->ab", { 2, { "", "ab" }, "ab" } },
        { "ab,b,a->", { 3, { "ab", "b", "a" }, "" } },    { "aba->b", { 1, { "aba" }, "b" } },
        { "aaaa->a", { 1, { "aaaa" }, "a" } },            { "abab->ab", { 1, { "abab" }, "ab" } },
        { "ab,cd,ef,bc->adef", { 4, { "ab", "cd", "ef", "bc" }, "adef" } },
        { "eabf,ecbf->eac", { 2, { "eabf", "ecbf" }, "eac" } },
    };
    uint64_t seed = 3;
    for (size_t i = 0; i < COUNT(row); i++) expect_sum(&row[i].s, row[i].pattern, &seed, 1);
}
END_TEST

/* Some letters that the operands have, each once. */
static void draw_result(sum *s, uint64_t *seed)
{
    int n = 0;
    for (int k = 0; k < s->n; k++)
        for (const char *l = s->in[k]; *l; l++)
            if (n < 5 && !memchr(s->out, *l, (size_t)n) && test_random(seed, 0, 1) < 0.4) s->out[n++] = *l;
    s->out[n] = 0;
}

START_TEST(any_pattern)
{
    for (uint64_t seed = 1, i = 0; i < 400; i++) {
        char pattern[128] = "";
        sum s = { .n = 1 + (int)test_random(&seed, 0, MOST) };
        for (int k = 0; k < s.n; k++) {
            int rank = (int)test_random(&seed, 0, 5);
            for (int a = 0; a < rank; a++) s.in[k][a] = (char)('a' + (int)test_random(&seed, 0, LETTERS));
            sprintf(pattern + strlen(pattern), "%s%s", k ? "," : "", s.in[k]);
        }
        draw_result(&s, &seed);
        sprintf(pattern + strlen(pattern), "->%s", s.out);
        expect_sum(&s, pattern, &seed, i % 20 == 0);
    }
}
END_TEST

/* ---- the order --------------------------------------------------------------------------------------------------- */

static int64_t largest_below(const ag_node *y)
{
    int64_t largest = 0;
    for (uint32_t k = 0; k < y->nin; k++) {
        if (!y->in[k]->nin) continue;
        int64_t size = ag_size_of(y->in[k]), below = largest_below(y->in[k]);
        if (!(y->in[k]->op->flags & (AG_VIEW | AG_ALIAS)) && size > largest) largest = size;
        if (below > largest) largest = below;
    }
    return largest;
}

/* A chain that ends in a vector is never a product of two matrices. */
START_TEST(small_products_come_first)
{
    ag_node *x[8];
    for (int k = 0; k < 8; k++) x[k] = ag_input(g, NULL, AG_F64, k == 7 ? AG_SHAPE(30) : AG_SHAPE(30, 30));
    ag_node *few = ag_einsum("ab,bc,cd,d->a", 4, (ag_node *[]){ x[0], x[1], x[2], x[7] });
    ag_node *many = ag_einsum("ab,bc,cd,de,ef,fg,gh,h->a", 8, x);
    ck_assert(!ag_is_bad(few) && !ag_is_bad(many));
    ck_assert_int_eq((int)largest_below(few), 30);
    ck_assert_int_eq((int)largest_below(many), 30);
}
END_TEST

/* ---- errors ------------------------------------------------------------------------------------------------------ */

START_TEST(wrong_patterns)
{
    ag_graph *other = ag_graph_new(NULL);
    ag_node *a = ag_input(g, "a", AG_F64, AG_SHAPE(2, 3)), *b = ag_input(g, "b", AG_F64, AG_SHAPE(3, 3));
    ag_node *narrow = ag_input(g, "narrow", AG_F32, AG_SHAPE(3, 3)), *whole = ag_input(g, "i", AG_I64, AG_SHAPE(3, 3));
    ag_node *foreign = ag_input(other, "f", AG_F64, AG_SHAPE(3, 3));
    const struct {
        const char *pattern, *message;
        ag_node *second;
        ag_status status;
    } row[] = { { "ij,jk->il", "'l' in the result", b, AG_EARG },
                { "ij,jk->ii", "twice in the result", b, AG_EARG },
                { "ij,ki->jk", "'i' has extents 2 and, in operand 1, 3", b, AG_ESHAPE },
                { "ij,j->i", "operand 1 has 2 axes", b, AG_ESHAPE },
                { "ij->i", "2 operands, 'ij->i' is for 1", b, AG_EARG },
                { "ij,jk,k", "goes on with 'k'", b, AG_EARG },
                { "ij,jk->i,k", "more than one result", b, AG_EARG },
                { "ij,...k", "'.' in 'ij,...k' is no letter", b, AG_EARG },
                { "abcdefghij,jk", "more than 8 letters", b, AG_ESHAPE },
                { NULL, "the pattern is NULL", b, AG_EARG },
                { "ij,jk", "operand 1 is NULL", NULL, AG_EARG },
                { "ij,jk", "another graph", foreign, AG_EARG },
                { "ij,jk", "i64", whole, AG_ETYPE },
                { "ij,jk", "element types differ", narrow, AG_ETYPE } };
    for (size_t i = 0; i < COUNT(row); i++) {
        ck_assert(ag_is_bad(ag_einsum(row[i].pattern, 2, (ag_node *[]){ a, row[i].second })));
        expect_error(g, row[i].status, "einsum", row[i].message);
    }
    ck_assert_ptr_null(ag_einsum("ij", 0, &a));
    ck_assert_ptr_null(ag_einsum("ij", 1, NULL));
    ag_graph_free(other);
}
END_TEST

Suite *suite_einsum(void)
{
    Suite *s = suite_create("einsum");
    TCase *t = tcase_create("einsum");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, patterns_that_people_write);
    tcase_add_test(t, any_pattern);
    tcase_add_test(t, small_products_come_first);
    tcase_add_test(t, wrong_patterns);
    suite_add_tcase(s, t);
    return s;
}
