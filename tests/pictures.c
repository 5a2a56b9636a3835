/* Pictures of graphs: what is drawn, in which boxes, with which values; and that Graphviz, where it is, takes it. */
#include "test.h"

#include "networks/networks.h"

static ag_graph *g;
static char *text;

static void begin(void)
{
    g = ag_graph_new(NULL);
    text = NULL;
}

static void end(void)
{
    free(text);
    ag_graph_free(g);
}

static void draw(int n, ag_node *const outputs[], const ag_picture_options *o)
{
    size_t size;
    free(text);
    FILE *f = open_memstream(&text, &size);
    const int failed = ag_write_dot_with(f, n, outputs, o);
    fclose(f);
    ck_assert_msg(!failed, "%s", ag_graph_error(g));
}

#define expect(part) ck_assert_msg(strstr(text, part) != NULL, "%s is not in:\n%s", part, text)
#define expect_not(part) ck_assert_msg(strstr(text, part) == NULL, "%s is in:\n%s", part, text)

static int count(const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++) n++;
    return n;
}

/* The boxes around the first place of a text: "derivatives/block1". */
static const char *where(const char *part)
{
    static char path[256];
    int open = 0, at[32] = { 0 };
    const char *end_of = strstr(text, part);
    ck_assert_msg(end_of != NULL, "%s is not in:\n%s", part, text);
    *path = 0;
    for (const char *line = text; line < end_of; line = strchr(line, '\n') + 1) {
        const char *label = strncmp(line, "subgraph", 8) ? NULL : strstr(line, "label=<") + 7;
        if (label) {
            at[open++] = (int)strlen(path);
            sprintf(path + strlen(path), "%s%.*s", *path ? "/" : "", (int)strcspn(label, ">"), label);
        } else if (*line == '}') path[at[--open]] = 0;
    }
    return path;
}

/* The number that nodes have in a picture. */
static const char *id(const ag_node *x)
{
    static char name[2][16];
    static int turn;
    snprintf(name[turn ^= 1], sizeof name[0], "n%u", x->id);
    return name[turn];
}

static int has_edge(const ag_node *from, const ag_node *to)
{
    char edge[64];
    snprintf(edge, sizeof edge, "\n%s -> %s [", id(from), id(to));
    return strstr(text, edge) != NULL;
}

static int graphviz(void)
{
    FILE *f = popen("dot -Tsvg >/dev/null 2>&1", "w");
    fputs(text, f);
    return pclose(f);
}

static int graphviz_is_there(void)
{
    return system("command -v dot >/dev/null 2>&1") == 0;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

START_TEST(values_and_derivatives_stand_in_the_nodes)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 3 });
    ag_node *y = ag_parameter(g, "y", AG_F64, AG_SCALAR, (double[]){ 2 });
    ag_node *s = ag_add(x, y), *z = ag_square(s);
    draw(1, &z, &(ag_picture_options){ .gradients_of = z });
    ck_assert(has_edge(x, s) && has_edge(y, s) && has_edge(s, z));
    ck_assert_int_eq(count(" -> "), 3);
    expect(">3</font>"), expect(">2</font>"), expect(">5</font>"), expect(">25</font>");
    ck_assert_int_eq(count("\u2202 10&"), 3); /* by x, by y, by their sum */
    expect("\u2202 1&");
    draw(1, &z, NULL);
    expect_not("\u2202");
    expect_well(g);
}
END_TEST

START_TEST(values_are_those_of_the_run)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *y = ag_sum(ag_square(x)), *unfed = ag_square(y);
    ag_plan *p = ag_compile(g, 1, &y, NULL);
    ag_run *r = ag_run_new(p);
    ag_feed(r, x, (double[]){ 1.5, -4 });
    draw(1, &y, &(ag_picture_options){ .run = r, .gradients_of = y });
    expect("[1.5 -4]"), expect("[2.25 16]"), expect(">18.25<"), expect("\u2202 [3 -8]");
    FILE *f = fopen("/dev/null", "w");
    ck_assert_int_eq(ag_write_dot_with(f, 1, &unfed, &(ag_picture_options){ .gradients_of = unfed }), -1);
    ck_assert_ptr_nonnull(strstr(ag_graph_error(g), "'x' f64[2]"));
    ck_assert_ptr_nonnull(strstr(ag_graph_error(g), "without a value"));
    ck_assert_int_eq(ag_write_dot_with(f, 1, &unfed, &(ag_picture_options){ .gradients_of = x }), -1);
    ck_assert_ptr_nonnull(strstr(ag_graph_error(g), "rank 0"));
    expect_well(g);
    fclose(f);
    ag_run_free(r), ag_plan_free(p);
}
END_TEST

START_TEST(large_tensors_are_summed_up)
{
    float values[100];
    for (int i = 0; i < 100; i++) values[i] = (float)i;
    ag_node *x = ag_constant(g, AG_F32, AG_SHAPE(100), values);
    draw(1, &x, NULL);
    expect("0 \u2026 99, mean 49.5<br/>");
    ck_assert_int_eq(count("\u2588") + count("\u2587"), 16); /* 6 or 7 of 7 in each of 16 bins */
    for (int i = 0; i < 90; i++) values[i] = 1;
    for (int i = 90; i < 97; i++) values[i] = 2;
    values[97] = values[98] = NAN, values[99] = INFINITY;
    x = ag_constant(g, AG_F32, AG_SHAPE(4, 25), values);
    draw(1, &x, NULL);
    expect("1 \u2026 2, mean 1.072"); /* (90 + 14) / 97 */
    expect(", 2 NaN, 1 infinite");
    for (int i = 0; i < 100; i++) values[i] = 0.25f;
    x = ag_constant(g, AG_F32, AG_SHAPE(100), values);
    draw(1, &x, NULL);
    expect(">all 0.25<");
}
END_TEST

START_TEST(names_are_marked_up)
{
    ag_node *x = ag_input(g, "<b>&\"\\ \xc3\xa9 \xff\xc3(\xed\xa0\x80", AG_F64, AG_SCALAR), *y = ag_exp(x);
    draw(1, &y, NULL);
    expect("<b>&lt;b&gt;&amp;&quot;\\ \xc3\xa9 \ufffd\ufffd(\ufffd\ufffd\ufffd</b>");
    if (graphviz_is_there()) ck_assert_int_eq(graphviz(), 0);
}
END_TEST

START_TEST(numbers_are_written_where_they_are_used)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(3)), *half = ag_number(g, 0.5), *y = ag_sub(x, half);
    draw(1, &y, NULL);
    expect(">b = 0.5<");
    ck_assert_int_eq(count("[class="), 2);
    draw(2, (ag_node *[]){ y, half }, NULL); /* an output is drawn */
    ck_assert_int_eq(count("[class="), 3);
}
END_TEST

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

static ag_node *network(void)
{
    ag_net net = ag_net_new(g, AG_F32, 1), inner = ag_net_in(net, "block");
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(8, 4)), *labels = ag_input(g, "labels", AG_I64, AG_SHAPE(8));
    ag_node *h = ag_name_place(ag_tanh(ag_net_dense(inner, "first", x, 5)), "a", 1);
    h = ag_net_dense(inner, "second", h, 6);
    ag_node *y = ag_name_place(ag_exp(ag_net_dense(net, "out", h, 7)), "b", 2);
    ag_node *loss = ag_cross_entropy(y, labels);
    ag_name(loss, "loss");
    return loss;
}

START_TEST(operations_are_in_the_scopes_of_what_they_read)
{
    ag_node *loss = network();
    draw(1, &loss, NULL);
    ck_assert_str_eq(where("<b>block/first/weight"), "block/first");
    ck_assert_str_eq(where("matmul"), "block/first");
    ck_assert_str_eq(where("<b>a:1"), "block"); /* made between two layers of it */
    ck_assert_str_eq(where("<b>b:2"), "out");   /* after the last one: with its operand */
    ck_assert_str_eq(where("<b>x<"), "");
    ck_assert_str_eq(where("<b>loss"), "");     /* it reads the labels, from outside */
    expect_not("derivatives");
    if (graphviz_is_there()) ck_assert_int_eq(graphviz(), 0);
}
END_TEST

START_TEST(derivatives_and_updates_have_boxes_of_their_own)
{
    ag_node *loss = network(), *step = ag_adam(loss, &(ag_adam_options){ .clip_norm = 1 });
    ag_node *both[] = { loss, step };
    draw(2, both, &(ag_picture_options){ .boxes = 1000 });
    ck_assert_str_eq(where("<b>out/weight<"), "out");
    ck_assert_str_eq(where("softmax_error"), "derivatives/out");
    ck_assert_str_eq(where("<b>out/weight/m<"), "updates/out");
    ck_assert_str_eq(where("<b>adam/step<"), "updates/adam");
    ck_assert_str_eq(where("lerp_square"), "updates/block/first"); /* no derivative */
    ck_assert_int_eq(count("label=<assign "), 3 * 6 + 1);
    draw(2, both, &(ag_picture_options){ .forward = 1 });
    char *forward = strdup(text);
    draw(1, &loss, NULL);
    ck_assert_str_eq(forward, text);
    free(forward);
}
END_TEST

START_TEST(big_graphs_are_folded)
{
    ag_node *loss = network(), *step = ag_adam(loss, NULL), *both[] = { loss, step };
    draw(2, both, &(ag_picture_options){ .depth = 2 });
    ck_assert_str_eq(where("<b>first</b><br/>"), "block");
    expect("2 parameters, 25 elements"); /* 5 x 4 and 5 */
    expect_not("<b>block/first/weight");
    draw(2, both, &(ag_picture_options){ .boxes = 40 });
    ck_assert_int_le(count("[class="), 40);
    expect("<b>updates</b>"), expect("<b>block/first/weight"); /* updates come first */
    draw(2, both, &(ag_picture_options){ .boxes = 1 });
    expect("<b>block</b>");
    if (graphviz_is_there()) ck_assert_int_eq(graphviz(), 0);
}
END_TEST

START_TEST(loops_are_boxes_with_their_bodies)
{
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SCALAR, NULL), *s = ag_input(g, "s", AG_F64, AG_SCALAR);
    ag_node *e = ag_input(g, "e", AG_F64, AG_SCALAR), *xs = ag_input(g, "xs", AG_F64, AG_SHAPE(9));
    ag_node *outside = ag_exp(w), *inside = ag_mul(s, outside), *next = ag_add(inside, e), *final, *stacked;
    ag_node *start = ag_cos(w);
    ag_scan(&(ag_scan_body){ .length = 9, .states = 1, .initial = &start, .state = &s, .next = &next, .sequences = 1,
                             .sequence = &xs, .element = &e, .results = 1, .result = &inside }, &final, &stacked);
    ag_node *y = ag_add(final, ag_sum(stacked)), *dw;
    draw(1, &y, NULL);
    ck_assert_str_eq(where("<b>s<"), "loop, 9 steps");
    ck_assert_str_eq(where("<b>e<"), "loop, 9 steps");
    ck_assert_str_eq(where(">e^x<"), "");
    ck_assert(has_edge(start, s) && has_edge(xs, e) && has_edge(outside, inside) && has_edge(next, s));
    ck_assert(has_edge(next, final) && has_edge(inside, stacked));
    expect("next step");
    ag_gradient(y, 1, &w, &dw);
    draw(2, (ag_node *[]){ y, dw }, &(ag_picture_options){ .boxes = 1000 });
    ck_assert_str_eq(where("<b>s<"), "loop, 9 steps");
    expect("loop, 9 steps, backwards");
    draw(1, &y, &(ag_picture_options){ .boxes = 1 });
    expect("<b>loop, 9 steps</b>");
    expect_not("next step");
    if (graphviz_is_there()) ck_assert_int_eq(graphviz(), 0);
}
END_TEST

START_TEST(a_test_and_branches_are_drawn)
{
    ag_node *s = ag_input(g, "s", AG_F64, AG_SCALAR), *start = ag_input(g, "start", AG_F64, AG_SCALAR);
    ag_node *next = ag_mul(s, s), *test = ag_less(s, start), *final, *r;
    ck_assert_int_eq(ag_while(test, 1, &start, &s, &next, 0, &final), AG_OK);
    ag_node *a = ag_input(g, "a", AG_F64, AG_SCALAR), *one = ag_sin(a), *two = ag_cos(a);
    ck_assert_int_eq(ag_cond(final, 1, &start, &a, 1, &one, &two, &r), AG_OK);
    draw(1, &r, NULL);
    ck_assert_str_eq(where(">sin(x)<"), "branch");
    ck_assert(has_edge(one, r) && has_edge(two, r) && has_edge(start, a) && has_edge(final, r->in[0]));
    ck_assert(has_edge(test, final->in[0]));
    expect("while a test holds");
    if (graphviz_is_there()) ck_assert_int_eq(graphviz(), 0);
}
END_TEST

/* ---- failures ---------------------------------------------------------------------------------------------------- */

START_TEST(what_failed_before_stays_and_can_be_drawn)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *y = ag_square(x);
    ag_add(x, ag_input(g, "other", AG_F64, AG_SHAPE(3)));
    draw(1, &y, NULL);
    expect("square");
    expect_error(g, AG_ESHAPE, "other");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (int64_t n = 0, failed = 1; failed; n++) {
        test_budget b = { .left = n };
        const ag_allocator limited = test_allocator(&b);
        ag_graph *own = ag_graph_new(&limited);
        FILE *f = fopen("/dev/null", "w");
        ag_node *w = own ? ag_parameter(own, "a/b/w", AG_F64, AG_SHAPE(20), NULL) : NULL;
        ag_node *y = ag_sum(ag_square(ag_sin(w)));
        failed = !own || ag_graph_status(own)
                 || ag_write_dot_with(f, 1, &y, &(ag_picture_options){ .gradients_of = y });
        fclose(f);
        ag_graph_free(own);
        ck_assert_msg(b.taken == 0, "%lld blocks leak when allocation %lld fails", (long long)b.taken, (long long)n);
    }
}
END_TEST

Suite *suite_pictures(void)
{
    Suite *s = suite_create("pictures");
    TCase *c = tcase_create("pictures");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, values_and_derivatives_stand_in_the_nodes);
    tcase_add_test(c, values_are_those_of_the_run);
    tcase_add_test(c, large_tensors_are_summed_up);
    tcase_add_test(c, names_are_marked_up);
    tcase_add_test(c, numbers_are_written_where_they_are_used);
    tcase_add_test(c, operations_are_in_the_scopes_of_what_they_read);
    tcase_add_test(c, derivatives_and_updates_have_boxes_of_their_own);
    tcase_add_test(c, big_graphs_are_folded);
    tcase_add_test(c, loops_are_boxes_with_their_bodies);
    tcase_add_test(c, a_test_and_branches_are_drawn);
    tcase_add_test(c, what_failed_before_stays_and_can_be_drawn);
    tcase_add_test(c, every_allocation_may_fail);
    suite_add_tcase(s, c);
    return s;
}
