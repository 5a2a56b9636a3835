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
        "after vector calls: ", "after lowering: ", "after sharing: ", "after laying out: ", "after addressing: ",
        "after finishing: " };
    char *text = text_of(test_options(), 1);
    const char *at = text;
    for (size_t k = 0; k < COUNT(want); k++) {
        at = at ? strstr(at, want[k]) : NULL;
        ck_assert_msg(at != NULL, "'%s' does not come after the stages before it in:\n%s", want[k], text);
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
        ck_assert_msg(strstr(text, want[k]) != NULL, "'%s' is not in:\n%s", want[k], text);
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

Suite *suite_verify(void)
{
    Suite *s = suite_create("verify");
    TCase *t = tcase_create("stages");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, every_stage_is_shown);
    tcase_add_test(t, what_is_there_is_shown);
    tcase_add_test(t, the_plan_is_the_same);
    suite_add_tcase(s, t);
    return s;
}
