/* A few nodes among very many others: what is asked of them takes the memory that it takes in a graph of their own,
 * wherever they stand, and so the time. */
#include "test.h"

enum { FEW = 1000, MANY = 200000, TURNS = 4, ROOM = 4096 };

typedef struct {
    ag_graph *g;
    ag_node *x, *y, *w; /* y: of x and w, w a parameter */
    ag_node *other;     /* the last of the others, made of all of them */
} asked;

static size_t taken;

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    taken += bytes;
    return malloc(bytes);
}

static void release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static void gradient(asked *a)
{
    ag_node *d[2];
    ag_gradient(a->y, 2, (ag_node *[]){ a->x, a->w }, d);
}

static void forward(asked *a)
{
    ag_node *d;
    ag_jvp(1, &a->x, &a->w, 1, &a->y, &d);
}

static void second(asked *a)
{
    ag_hvp(a->y, a->x, a->w);
}

static void whole(asked *a)
{
    ag_node *x = ag_reshape(ag_broadcast_to(a->x, AG_SHAPE(3)), AG_SHAPE(3));
    ag_hessian(ag_sum(ag_mul(ag_square(x), a->w)), x);
}

/* By a node that many others lead to. */
static void by_other(asked *a)
{
    ag_node *y = ag_mul(ag_sin(a->other), a->y), *d;
    ag_gradient(y, 1, &a->other, &d);
}

static void along_other(asked *a)
{
    ag_node *y = ag_mul(ag_sin(a->other), a->y), *d;
    ag_jvp(1, &a->other, &a->w, 1, &y, &d);
}

static void loop(asked *a)
{
    ag_node *s = ag_input(a->g, NULL, AG_F64, AG_SCALAR), *next = ag_mul(ag_sin(s), a->w), *last, *d[2];
    ag_scan(&(ag_scan_body){ .length = 3, .states = 1, .initial = &a->y, .state = &s, .next = &next }, &last, NULL);
    ag_gradient(last, 2, (ag_node *[]){ a->x, a->w }, d);
}

static void branch(asked *a)
{
    ag_node *then = ag_sin(a->y), *otherwise = ag_mul(a->y, a->w), *out, *d;
    ag_cond(a->x, 0, NULL, NULL, 1, &then, &otherwise, &out);
    ag_gradient(out, 1, &a->x, &d);
}

static void update(asked *a)
{
    ag_sgd(a->y, &(ag_sgd_options){ .rate = 0.1 });
}

/* ---- among others ------------------------------------------------------------------------------------------------ */

/* The least of a few turns: in some the graph itself grows. */
static size_t bytes_of(void (*ask)(asked *), int others, int late)
{
    asked a = { .g = ag_graph_new(&(ag_allocator){ allocate, release, NULL }) };
    size_t least = SIZE_MAX;
    double one = 1;
    a.x = ag_input(a.g, "x", AG_F64, AG_SCALAR);
    a.w = ag_parameter(a.g, "w", AG_F64, AG_SCALAR, &one);
    ag_node *early = ag_sin(ag_mul(a.x, a.w));
    a.other = ag_number(a.g, 0);
    for (int k = 0; k < others; k++) a.other = k % 2 ? ag_sin(a.other) : ag_add(a.other, a.x);
    for (int turn = 0; turn < TURNS; turn++) {
        a.y = ag_mul(late ? ag_cos(ag_mul(a.x, a.w)) : early, ag_number(a.g, turn + 2));
        taken = 0;
        ask(&a);
        ck_assert_msg(!ag_graph_status(a.g), "%s", ag_graph_error(a.g));
        if (taken < least) least = taken;
    }
    ag_graph_free(a.g);
    return least;
}

static void (*const all[])(asked *) = { gradient, forward, second, whole, by_other, along_other, loop, branch, update };

START_TEST(among_others)
{
    for (int late = 0; late < 2; late++) {
        size_t few = bytes_of(all[_i], FEW, late), many = bytes_of(all[_i], MANY, late);
        ck_assert_msg(many <= few + ROOM, "question %d, %s: %zu bytes among few, %zu among many", _i,
                      late ? "late" : "early", few, many);
    }
}
END_TEST

Suite *suite_among(void)
{
    Suite *s = suite_create("among");
    TCase *c = tcase_create("among");
    tcase_add_loop_test(c, among_others, 0, COUNT(all));
    suite_add_tcase(s, c);
    return s;
}
