/* Out of memory is an error like any other: a small program that uses everything meets the failure of its n-th
 * allocation, for every n, answers with AG_EMEM and leaves nothing behind. */
#include "test.h"

#include <stddef.h>

/* ---- the program ------------------------------------------------------------------------------------------------ */

typedef struct {
    ag_graph *g;
    ag_node *x, *labels, *output[4];
    ag_plan *plan;
    ag_run *run;
    double loss[2];
} program;

/* A network of two layers with an embedding, its loss, gradient, a second derivative and update, as one plan. */
static ag_status build(program *p)
{
    ag_graph *g = p->g;
    const double one[4] = { 1, 2, 3, 4 };
    p->x = ag_input(g, "x", AG_F64, AG_SHAPE(5, 4));
    p->labels = ag_input(g, "labels", AG_I64, AG_SHAPE(5));
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SHAPE(4, 6), NULL),
            *b = ag_parameter(g, "b", AG_F64, AG_SHAPE(6), NULL);
    ag_node *scaled = ag_mul(p->x, ag_constant(g, AG_F64, AG_SHAPE(4), one));
    ag_node *h = ag_tanh(ag_add(ag_matmul(scaled, w), b));
    ag_node *rows = ag_gather(ag_concat(2, (ag_node *[]){ h, ag_flip(h, 0) }, 0), 0, p->labels);
    ag_node *loss = ag_add(ag_cross_entropy(rows, p->labels), ag_mean(ag_square(ag_cumsum(ag_softmax(w, 1), 0))));
    ag_node *dw, *v = ag_transpose(ag_transpose(w, NULL), NULL);
    ag_name(loss, "loss");
    ag_status status = ag_gradient(loss, 1, &w, &dw);
    p->output[0] = loss;
    p->output[1] = ag_hvp(loss, w, ag_add(v, ag_number(g, 1)));
    p->output[2] = ag_sgd(loss, &(ag_sgd_options){ .rate = 0.1, .momentum = 0.9, .clip_norm = 1 });
    p->output[3] = dw;
    return status ? status : ag_graph_status(g);
}

static ag_status execute(program *p)
{
    double x[20];
    const int64_t labels[5] = { 0, 1, 2, 3, 4 };
    for (int i = 0; i < 20; i++) x[i] = 0.1 * i;
    ag_options o = test_options();
    p->plan = ag_compile(p->g, 4, p->output, &o);
    if (!p->plan) return ag_graph_status(p->g);
    p->run = ag_run_new(p->plan);
    if (!p->run) return AG_EMEM;
    ag_status status = ag_feed(p->run, p->x, x);
    if (!status) status = ag_feed(p->run, p->labels, labels);
    for (int step = 0; step < 2 && !status; step++) {
        status = ag_eval(p->run);
        p->loss[step] = ag_item(p->run, p->output[0]);
    }
    return status;
}

static ag_status whole(program *p, test_budget *b)
{
    const ag_allocator limited = test_allocator(b);
    *p = (program){ .g = ag_graph_new(&limited) };
    if (!p->g) return AG_EMEM;
    ag_status status = build(p);
    if (!status) status = execute(p);
    if (status) ck_assert_msg(status == AG_EMEM, "status %d: %s", (int)status, ag_graph_error(p->g));
    return status;
}

static void finish(program *p)
{
    ag_run_free(p->run);
    ag_plan_free(p->plan);
    ag_graph_free(p->g);
}

START_TEST(every_allocation_may_fail)
{
    program p;
    ag_status status = AG_EMEM;
    int64_t n = 0;
    for (; status && n < 100000; n++) {
        test_budget b = { .left = n };
        status = whole(&p, &b);
        if (status && p.g && !p.plan) ck_assert_str_ne(ag_graph_error(p.g), "");
        finish(&p);
        ck_assert_msg(b.taken == 0, "%lld blocks leak when allocation %lld fails", (long long)b.taken, (long long)n);
    }
    ck_assert_int_eq(status, AG_OK);
    ck_assert_msg(n > 20, "only %lld allocations, so the allocator is not used for all", (long long)n);
    expect_close(p.loss[0], log(6) + (1 + 4 + 9 + 16) / 144.0, 1e-12); /* everything is uniform at first */
    ck_assert(p.loss[1] < p.loss[0]);
}
END_TEST

/* One allocation fails and the next succeed: what was said to have failed must not be half there. */
static int64_t failing;

static void *fail_once(void *context, size_t bytes)
{
    test_budget *b = context;
    b->left = b->count == failing ? 0 : 1;
    return test_allocator(b).allocate(b, bytes);
}

START_TEST(one_allocation_fails_alone)
{
    program p;
    ag_status status = AG_EMEM;
    for (failing = 0; status && failing < 100000; failing++) {
        test_budget b = { 0 };
        p = (program){ .g = ag_graph_new(&(ag_allocator){ fail_once, test_allocator(&b).release, &b }) };
        status = p.g ? build(&p) : AG_EMEM;
        if (status && p.g) {
            ck_assert_int_eq(ag_graph_status(p.g), AG_EMEM);
            ag_graph_clear(p.g);
            ag_node *y = ag_exp(ag_add(ag_input(p.g, "again", AG_F64, AG_SCALAR), ag_number(p.g, 1)));
            ck_assert_msg(!ag_is_bad(y), "%s", ag_graph_error(p.g));
            ck_assert_ptr_eq(ag_exp(ag_add(ag_find(p.g, "again"), ag_number(p.g, 1))), y);
        }
        if (!status) status = execute(&p);
        finish(&p);
        ck_assert_msg(b.taken == 0, "%lld blocks leak when allocation %lld fails", (long long)b.taken,
                      (long long)failing);
    }
    ck_assert_int_eq(status, AG_OK);
}
END_TEST

START_TEST(running_allocates_nothing)
{
    test_budget b = { .left = INT64_MAX };
    program p;
    ck_assert_int_eq(whole(&p, &b), AG_OK);
    int64_t before = b.count;
    for (int i = 0; i < 10; i++) ck_assert_int_eq(ag_eval(p.run), AG_OK);
    ck_assert_int_eq(b.count, before);
    finish(&p);
    ck_assert_int_eq(b.taken, 0);
}
END_TEST

START_TEST(failures_need_no_memory)
{
    test_budget b = { .left = INT64_MAX };
    const ag_allocator limited = test_allocator(&b);
    ag_graph *g = ag_graph_new(&limited);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *y = ag_input(g, "y", AG_F64, AG_SHAPE(3));
    int64_t before = b.count;
    b.left = 0;
    ag_add(x, y);
    ck_assert_int_eq(b.count, before);
    expect_error(g, AG_ESHAPE, "add", "'x' f64[2]", "'y' f64[3]");
    ag_graph_free(g);
}
END_TEST

Suite *suite_memory(void)
{
    Suite *s = suite_create("memory");
    TCase *t = tcase_create("memory");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, one_allocation_fails_alone);
    tcase_add_test(t, running_allocates_nothing);
    tcase_add_test(t, failures_need_no_memory);
    suite_add_tcase(s, t);
    return s;
}
