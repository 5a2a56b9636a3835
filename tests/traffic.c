/* What plans move through memory: each tensor as often as it must, and not too many at once. */
#include "test.h"

#include "plan/plan.h"

static ag_graph *g;

static void begin(void)
{
    g = ag_graph_new(NULL);
    ck_assert_ptr_nonnull(g);
}

static void end(void)
{
    ag_graph_free(g);
}

static ag_plan *compiled(int n, ag_node *const y[])
{
    ag_options o = test_options();
    expect_well(g);
    ag_plan *p = ag_compile(g, n, y, &o);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    return p;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

enum { LENGTH = 2048 };

static int full_loads(const agi_pass *p)
{
    int n = 0;
    for (int k = 0; k < p->nloads; k++) n += p->load[k].access == AGI_DIRECT;
    return n;
}

static int most_loads(const ag_plan *p, int *passes)
{
    int most = 0;
    *passes = 0;
    for (int k = 0; k < p->nsteps; k++) {
        if (p->step[k].kind != AGI_PASS || p->step[k].is.pass->columns < LENGTH) continue;
        int n = full_loads(p->step[k].is.pass);
        if (n > most) most = n;
        ++*passes;
    }
    return most;
}

START_TEST(unrelated_updates_are_few_at_a_time)
{
    enum { PARAMETERS = 24 };
    ag_node *loss = ag_number(g, 0);
    for (int i = 0; i < PARAMETERS; i++) {
        ag_node *p = ag_parameter(g, NULL, AG_F32, AG_SHAPE(LENGTH), NULL);
        loss = ag_add(loss, ag_sum(ag_square(p)));
    }
    ag_node *step = ag_adam(loss, NULL);
    int passes;
    ag_plan *p = compiled(1, &step);
    int most = most_loads(p, &passes);
    ck_assert_msg(most <= 36, "%d tensors are read at once", most); /* twelve parameters with their two means */
    ck_assert_msg(passes <= PARAMETERS, "%d passes for %d parameters", passes, PARAMETERS);
    ag_plan_free(p);
}
END_TEST

/* However many there are: another pass would read one of them again. */
START_TEST(what_reads_the_same_is_one_pass)
{
    enum { TERMS = 40 };
    ag_node *x[TERMS], *y[TERMS];
    for (int i = 0; i < TERMS; i++) x[i] = ag_parameter(g, NULL, AG_F32, AG_SHAPE(LENGTH), NULL);
    for (int i = 0; i < TERMS; i++) y[i] = ag_mul(x[i], x[(i + 1) % TERMS]);
    int passes;
    ag_plan *p = compiled(TERMS, y);
    ck_assert_int_eq(most_loads(p, &passes), TERMS);
    ck_assert_int_eq(passes, 1);
    ag_plan_free(p);
}
END_TEST

Suite *suite_traffic(void)
{
    Suite *s = suite_create("traffic");
    TCase *t = tcase_create("traffic");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, unrelated_updates_are_few_at_a_time);
    tcase_add_test(t, what_reads_the_same_is_one_pass);
    suite_add_tcase(s, t);
    return s;
}
