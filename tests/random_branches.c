/* Random branches and loops over functions with poles. Gradients are those of an interpreter that carries tangents
 * beside values and evaluates nothing but what is taken: infinite or NaN where some partial derivative on a way that is
 * taken is, nowhere else. */
#include "branches.h"

enum { WAYS = 1 + 2 * INPUTS, POINTS = 8 };
static long numbers, poles;

static void make_ways(world *w, ag_node *y, ag_node *way[WAYS])
{
    ag_node *x[INPUTS], *one = ag_cast(ag_number(w->g, 1), AG_F64);
    for (int k = 0; k < INPUTS; k++) x[k] = w->value[k].node;
    way[0] = y;
    ag_gradient(y, INPUTS, x, way + 1);
    for (int k = 0; k < INPUTS; k++) ag_jvp(1, &x[k], &one, 1, &y, &way[1 + INPUTS + k]);
    expect_well(w->g);
}

/* No two orders of multiplication disagree whether it is finite. */
static int is_moderate(const dual *y)
{
    int ok = 1;
    for (int k = 0; k < INPUTS; k++) ok &= !(y->size[k] > 1e60 && y->size[k] < INFINITY);
    return ok;
}

static int agrees(double got, double want, double size)
{
    return isfinite(want) ? fabs(got - want) <= 1e-7 * (1 + size) : !isfinite(got);
}

/* Forwards, tangents of 0 may meet infinite slopes: what dense ones make of them is as good. */
static void compare(const dual *want, const dual *dense, const double got[WAYS], int seed, int point)
{
    for (int k = 0; k < INPUTS; k++) {
        const double t = want->tangent[k], back = got[1 + k], forth = got[1 + INPUTS + k];
        ck_assert_msg(agrees(back, t, want->size[k]), "program %d, point %d: gradient %d is %.17g, not %.17g", seed,
                      point, k, back, t);
        ck_assert_msg(agrees(forth, t, want->size[k]) || agrees(forth, dense->tangent[k], want->size[k]),
                      "program %d, point %d: tangent %d is %.17g, not %.17g", seed, point, k, forth, t);
        if (isfinite(t)) numbers++;
        else poles++;
    }
}

static void try_program(world *w, int seed)
{
    static const double often[] = { 0, 0, 0, 1, -1, 0.5, 2 };
    ag_node *way[WAYS];
    const int y = branches_grow(w, (uint64_t)seed);
    make_ways(w, w->value[y].node, way);
    ag_options options = test_options();
    ag_plan *plan = ag_compile(w->g, WAYS, way, &options);
    ag_run *run = ag_run_new(plan);
    expect_well(w->g);
    for (int point = 0; point < POINTS; point++) {
        double got[WAYS];
        for (int k = 0; k < INPUTS; k++) {
            double at = often[(int)test_random(&w->seed, 0, COUNT(often))];
            if (at != 0 && k % 2) at = test_random(&w->seed, -2, 2);
            w->value[k].bound = (dual){ .value = at, .depends = 1u << k };
            w->value[k].bound.tangent[k] = w->value[k].bound.size[k] = 1;
            ag_feed(run, w->value[k].node, &at);
        }
        ck_assert_int_eq(ag_eval(run), AG_OK);
        for (int k = 0; k < WAYS; k++) got[k] = ag_item(run, way[k]);
        const dual want = branches_interpret(w, y, 0), dense = branches_interpret(w, y, 1);
        ck_assert_msg(test_close(got[0], want.value, 1e-9), "program %d, point %d is %.17g, not %.17g", seed, point,
                      got[0], want.value);
        if (is_moderate(&want)) compare(&want, &dense, got, seed, point);
    }
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(w->g);
}

START_TEST(gradients)
{
    world *w = malloc(sizeof *w);
    const int programs = test_quick() ? 100 : 600;
    ck_assert_ptr_nonnull(w);
    for (int seed = 1; seed <= programs; seed++) try_program(w, seed);
    ck_assert_int_gt(numbers, poles);
    ck_assert_int_gt(poles, 0);
    free(w);
}
END_TEST

Suite *suite_random_branches(void)
{
    Suite *s = suite_create("random_branches");
    TCase *t = tcase_create("gradients");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, gradients);
    suite_add_tcase(s, t);
    return s;
}
