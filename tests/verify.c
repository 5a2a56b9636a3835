/* The compiler checks itself after each of its stages, and shows the program there. */
#include "test.h"

static ag_graph *g;
static ag_node *y[2];

/* A loss of a matrix product, a scan, tiny values and values computed again, and updates in place. */
static void begin(void)
{
    g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(6, 4)), *s = ag_input(g, NULL, AG_F64, AG_SCALAR), *last, *e;
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SHAPE(4, 3), NULL), *a = ag_parameter(g, "a", AG_F64, AG_SCALAR, NULL);
    ag_node *h = ag_checkpoint(ag_tanh(ag_matmul(x, w))), *from = ag_sin(a);
    e = ag_input(g, NULL, AG_F64, AG_SHAPE(4));
    ag_node *next = ag_add(ag_mul(s, a), ag_sum(e));
    ag_scan(&(ag_scan_body){ .length = 6, .states = 1, .sequences = 1, .initial = &from, .state = &s, .next = &next,
                             .sequence = &x, .element = &e }, &last, NULL);
    y[0] = ag_add(ag_mean(ag_square(ag_sub(ag_sigmoid(h), ag_exp(h)))), last);
    y[1] = ag_sgd(y[0], &(ag_sgd_options){ .rate = 0.1 });
}

static void end(void)
{
    ag_graph_free(g);
}

/* What the compiler writes, or, if it writes nothing, ag_write_text. */
static char *text_of(ag_options o, int stages)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (stages) o.stages = to;
    ag_plan *p = ag_compile(g, COUNT(y), y, &o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    if (!stages) ck_assert_int_eq(ag_write_text(to, p), 0);
    ag_plan_free(p);
    ck_assert_int_eq(fclose(to), 0);
    return text;
}

START_TEST(every_stage_is_shown)
{
    static const char *const want[] = {
        "after reading: ", "after rematerialising: ", "after combining: ", "after fusing: ", "after ordering: ",
        "after vector calls: ", "after bodies: ", "after lowering: ", "after sharing: ", "after laying out: ",
        "after addressing: ", "after finishing: " };
    char *text = text_of(test_options(), 1);
    const char *at = text;
    for (size_t k = 0; k < COUNT(want); k++) {
        at = at ? strstr(at, want[k]) : NULL;
        ck_assert_msg(at != NULL, "'%s' does not come after the stages before it", want[k]);
    }
    free(text);
}
END_TEST

START_TEST(what_is_there_is_shown)
{
    static const char *const want[] = { ": leaf 'w' f64[4,3]", ": product matmul", ", computed again", ", assigned to ",
                                        " of a body\n", ": pass, level ", ": scalar program, level ", ": by itself, ",
                                        "  step 0: group ", ": work, ", ", in place of buffer " };
    char *text = text_of(test_options(), 1);
    for (size_t k = 0; k < COUNT(want); k++)
        ck_assert_msg(strstr(text, want[k]) != NULL, "'%s' is not there", want[k]);
    free(text);
}
END_TEST

/* Looking changes nothing. */
START_TEST(the_plan_is_the_same)
{
    ag_options verified = test_options(), plain = verified;
    plain.verify = 0;
    verified.verify = 1;
    verified.stages = tmpfile();
    char *got = text_of(verified, 0), *want = text_of(plain, 0);
    ck_assert_str_eq(got, want);
    ck_assert_int_gt(ftell(verified.stages), 0);
    fclose(verified.stages);
    free(got);
    free(want);
}
END_TEST

/* ---- operations whose descriptors are wrong ---------------------------------------------------------------------- */

static ag_status same_shape(ag_infer *c)
{
    c->shape = ag_shape_of(c->in[0]);
    return AG_OK;
}

static int one_further(const ag_node *x, ag_strides *s)
{
    (void)x;
    s->offset += 1;
    return 1;
}

static int from_the_last(const ag_node *x, ag_strides *s)
{
    (void)x;
    s->stride[0] = -s->stride[0];
    return 1;
}

static const struct {
    ag_op op;
    const char *found;
} wrong_views[] = {
    { { .name = "further", .formula = "in[i + 1]", .inputs = 1, .flags = AG_VIEW, .shape = same_shape,
        .view = one_further }, "(further) looks at elements 1 to 24 of value" },
    { { .name = "backward", .formula = "in[-i]", .inputs = 1, .flags = AG_VIEW, .shape = same_shape,
        .view = from_the_last }, "(backward) looks at elements -20 to 3 of value" } };

/* Even though nothing else would notice: a run reads what lies beside. */
START_TEST(views_beyond_memory)
{
    ag_node *x = ag_find(g, "x"), *z = ag_sum(ag_exp(ag_custom(&wrong_views[_i].op, 1, &x, NULL)));
    ag_options o = test_options();
    ck_assert_msg(!ag_is_bad(z), "%s", ag_graph_error(g));
    ck_assert_ptr_null(ag_compile(g, 1, &z, &o));
    expect_failure(g, AG_EINTERNAL,
                   (const char *[]){ "the stage 'reading' broke: value", wrong_views[_i].found, NULL });
}
END_TEST

Suite *suite_verify(void)
{
    Suite *s = suite_create("verify");
    TCase *t = tcase_create("stages");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, every_stage_is_shown);
    tcase_add_test(t, what_is_there_is_shown);
    tcase_add_test(t, the_plan_is_the_same);
    tcase_add_loop_test(t, views_beyond_memory, 0, COUNT(wrong_views));
    suite_add_tcase(s, t);
    return s;
}
