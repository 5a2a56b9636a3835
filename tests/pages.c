/* Pages to step through: well-formed, without anything from elsewhere, what they hold equal to what loops compute; and
 * stepped through in a browser, where one is. */
#include "test.h"

#include <jansson.h>
#include <unistd.h>

static ag_graph *g;
static char *page;
static json_t *data; /* what the page shows */

static void begin(void)
{
    g = ag_graph_new(NULL);
    page = NULL;
    data = NULL;
}

static void end(void)
{
    free(page);
    json_decref(data);
    ag_graph_free(g);
}

static void write_page(ag_node *y, const ag_run *run)
{
    static const char start[] = "<script type=\"application/json\" id=\"data\">";
    size_t size;
    json_error_t why;
    FILE *f = open_memstream(&page, &size);
    const int failed = ag_write_html(f, y, run);
    fclose(f);
    ck_assert_msg(!failed, "%s", ag_graph_error(g));
    const char *at = strstr(page, start);
    ck_assert_ptr_nonnull(at);
    at += strlen(start);
    data = json_loadb(at, (size_t)(strstr(at, "</script>") - at), JSON_DISABLE_EOF_CHECK, &why);
    ck_assert_msg(data != NULL, "%s in line %d", why.text, why.line);
}

static json_t *node_named(const char *name)
{
    size_t k;
    json_t *v;
    json_array_foreach(json_object_get(data, "nodes"), k, v)
        if (!strcmp(json_string_value(json_object_get(v, "name")), name)) return v;
    ck_abort_msg("no node '%s'", name);
    return NULL;
}

static double number(json_t *list, int i)
{
    return json_number_value(json_array_get(list, (size_t)i));
}

static void expect_numbers(json_t *list, int n, const double *want)
{
    ck_assert_uint_eq(json_array_size(list), (size_t)n);
    for (int i = 0; i < n; i++) expect_close(number(list, i), want[i], 1e-14);
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

/* Every element that is opened is closed, in order; what scripts and styles hold is passed over. */
static void expect_well_formed(const char *c)
{
    static const char *const empty[] = { "meta", "input", "!DOCTYPE" };
    char open[32][16];
    int depth = 0;
    while ((c = strchr(c, '<'))) {
        const int closes = c[1] == '/';
        char name[16];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(c + 1 + closes, " >\n"), c + 1 + closes);
        c = strchr(c, '>') + 1;
        int is_empty = 0;
        for (size_t k = 0; k < COUNT(empty); k++) is_empty |= !strcmp(name, empty[k]);
        if (is_empty) continue;
        if (closes) {
            ck_assert_int_gt(depth--, 0);
            ck_assert_str_eq(open[depth], name);
            continue;
        }
        ck_assert_int_lt(depth, 32);
        strcpy(open[depth++], name);
        if (!strcmp(name, "script")) c = strstr(c, "</script>");
        if (!strcmp(name, "style")) c = strstr(c, "</style>");
    }
    ck_assert_int_eq(depth, 0);
}

START_TEST(the_page_stands_alone)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 3 }), *y = ag_square(x);
    write_page(y, NULL);
    expect_well_formed(page);
    for (const char *at = page; (at = strstr(at, "http")); at++)
        ck_assert_int_eq(strncmp(at, "http://www.w3.org/2000/svg\"", 27), 0);
    ck_assert(!strstr(page, " src=") && !strstr(page, "@import") && !strstr(page, "@DATA@") && !strstr(page, "url(h"));
    ck_assert(strstr(page, "lang=\"en\"") && strstr(page, "aria-live") && strstr(page, "prefers-color-scheme: dark"));
}
END_TEST

START_TEST(names_are_escaped)
{
    static const char name[] = "</script><!-- &amp;\"\\ \xc3\xa9";
    ag_node *x = ag_parameter(g, name, AG_F64, AG_SCALAR, NULL), *y = ag_exp(x);
    write_page(y, NULL);
    expect_well_formed(page);
    node_named(name);
}
END_TEST

/* ---- what it holds ----------------------------------------------------------------------------------------------- */

/* The blog's network, by hand. */
START_TEST(numbers_are_those_of_the_chain_rule)
{
    static const double x[2] = { 0.5, 0.8 }, t[2] = { 0.2, 0.1 }, w1[4] = { 0.1, 0.2, 0.3, 0.1 };
    static const double w2[4] = { 0.4, 0.5, 0.1, 0.3 };
    ag_node *in = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *target = ag_input(g, "t", AG_F64, AG_SHAPE(2));
    ag_node *u = ag_parameter(g, "w1", AG_F64, AG_SHAPE(2, 2), w1);
    ag_node *v = ag_parameter(g, "w2", AG_F64, AG_SHAPE(2, 2), w2);
    ag_node *a1 = ag_dot(in, u), *z = ag_sigmoid(a1), *a2 = ag_dot(z, v), *y = ag_sigmoid(a2);
    ag_node *loss = ag_mean(ag_square(ag_sub(y, target)));
    ag_name(a1, "a1"), ag_name(z, "z"), ag_name(a2, "a2"), ag_name(y, "y"), ag_name(loss, "E");
    ag_plan *p = ag_compile(g, 1, &loss, NULL);
    ag_run *r = ag_run_new(p);
    ag_feed(r, in, x), ag_feed(r, target, t);
    write_page(loss, r);
    double zs[2], ys[2], da2[2], dz[2], da1[2], dw1[4], dw2[4], local[2];
    for (int j = 0; j < 2; j++) zs[j] = 1 / (1 + exp(-(x[0] * w1[j] + x[1] * w1[2 + j])));
    for (int k = 0; k < 2; k++) ys[k] = 1 / (1 + exp(-(zs[0] * w2[k] + zs[1] * w2[2 + k])));
    for (int k = 0; k < 2; k++) da2[k] = (ys[k] - t[k]) * (local[k] = ys[k] * (1 - ys[k]));
    for (int j = 0; j < 2; j++) dz[j] = w2[2 * j] * da2[0] + w2[2 * j + 1] * da2[1];
    for (int j = 0; j < 2; j++) da1[j] = dz[j] * zs[j] * (1 - zs[j]);
    for (int i = 0; i < 4; i++) dw2[i] = zs[i / 2] * da2[i % 2], dw1[i] = x[i / 2] * da1[i % 2];
    expect_numbers(json_object_get(node_named("z"), "values"), 2, zs);
    expect_numbers(json_object_get(node_named("y"), "values"), 2, ys);
    expect_numbers(json_object_get(node_named("a2"), "slopes"), 2, da2);
    expect_numbers(json_object_get(node_named("z"), "slopes"), 2, dz);
    expect_numbers(json_object_get(node_named("w1"), "slopes"), 4, dw1);
    expect_numbers(json_object_get(node_named("w2"), "slopes"), 4, dw2);
    json_t *flow = json_array_get(json_object_get(node_named("y"), "flows"), 0), *rows = json_object_get(flow, "local");
    expect_numbers(json_object_get(flow, "parts"), 2, da2);
    expect_numbers(json_array_get(rows, 0), 2, (double[]){ local[0], 0 });
    expect_numbers(json_array_get(rows, 1), 2, (double[]){ 0, local[1] });
    flow = json_array_get(json_object_get(node_named("a1"), "flows"), 1); /* to w1 */
    expect_numbers(json_array_get(json_object_get(flow, "local"), 1), 4, (double[]){ 0, x[0], 0, x[1] });
    expect_well(g);
    ag_run_free(r), ag_plan_free(p);
}
END_TEST

/* What flows into a node from all that read it adds up to its derivative. */
static void expect_sums(void)
{
    json_t *nodes = json_object_get(data, "nodes");
    const size_t n = json_array_size(nodes);
    for (size_t at = 0; at + 1 < n; at++) {
        json_t *v = json_array_get(nodes, at), *slopes = json_object_get(v, "slopes");
        for (size_t i = 0; i < json_array_size(slopes); i++) {
            double sum = 0;
            for (size_t from = at + 1; from < n; from++) {
                size_t k;
                json_t *flow;
                json_array_foreach(json_object_get(json_array_get(nodes, from), "flows"), k, flow)
                    if (json_integer_value(json_object_get(flow, "to")) == (json_int_t)at)
                        sum += number(json_object_get(flow, "parts"), (int)i);
            }
            expect_close(number(slopes, (int)i), sum, 1e-6);
        }
    }
}

START_TEST(what_flows_in_adds_up)
{
    ag_node *x = ag_parameter(g, "x", AG_F32, AG_SHAPE(3), (float[]){ 1, -2, 0.5f });
    ag_node *i = ag_constant(g, AG_I64, AG_SHAPE(2), (int64_t[]){ 2, 0 }), *e = ag_mul(ag_exp(x), x);
    ag_node *y = ag_add(ag_sum(ag_mul(e, ag_softmax(e, 0))), ag_sum(ag_div(ag_gather(x, 0, i), ag_number(g, 3))));
    write_page(ag_mul(y, y), NULL);
    expect_sums();
    const char *const numbers = "\"numbers\":{\"b\":3}";
    ck_assert_ptr_nonnull(strstr(page, numbers));
}
END_TEST

START_TEST(loops_are_one_step)
{
    ag_node *k = ag_parameter(g, "k", AG_F64, AG_SCALAR, (double[]){ 0.3 }), *s = ag_input(g, "s", AG_F64, AG_SCALAR);
    ag_node *start = ag_sin(k), *next = ag_mul(s, k), *final;
    ag_scan(&(ag_scan_body){ .length = 3, .states = 1, .initial = &start, .state = &s, .next = &next }, &final, NULL);
    write_page(ag_square(final), NULL);
    expect_sums();
    ck_assert_ptr_nonnull(strstr(page, "loop, 3 steps"));
    const double value = sin(0.3) * 0.027;
    expect_numbers(json_object_get(node_named("k"), "slopes"), 1,
                   (double[]){ 2 * value * (cos(0.3) * 0.027 + sin(0.3) * 3 * 0.09) });
}
END_TEST

START_TEST(what_is_no_number_is_a_word)
{
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 0 }), *y = ag_log(x);
    write_page(y, NULL);
    json_t *last = json_array_get(json_object_get(data, "nodes"), 1);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(last, "values"), 0)), "-Infinity");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(node_named("x"), "slopes"), 0)), "Infinity");
}
END_TEST

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static void expect_refusal(ag_node *y, const char *why)
{
    FILE *f = fopen("/dev/null", "w");
    ck_assert_int_eq(ag_write_html(f, y, NULL), -1);
    ck_assert_msg(strstr(ag_graph_error(g), why) != NULL, "%s: not '%s'", why, ag_graph_error(g));
    expect_well(g);
    fclose(f);
}

START_TEST(what_cannot_be_shown_is_said)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2), NULL);
    expect_refusal(ag_exp(x), "an input without a value");
    expect_refusal(p, "rank 0");
    expect_refusal(ag_argmax(p, 0), "real number");
    ag_node *y = ag_sum(p);
    for (int k = 0; k < 500; k++) y = ag_sin(y);
    expect_refusal(y, "502 nodes: at most 400");
    ck_assert_int_eq(ag_write_html(NULL, y, NULL), -1);
    ck_assert_int_eq(ag_write_html(stdout, NULL, NULL), -1);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (int64_t n = 0, failed = 1; failed; n++) {
        test_budget b = { .left = n };
        const ag_allocator limited = test_allocator(&b);
        ag_graph *own = ag_graph_new(&limited);
        FILE *f = fopen("/dev/null", "w");
        ag_node *y = own ? ag_sum(ag_sin(ag_parameter(own, "a/w", AG_F64, AG_SHAPE(2), NULL))) : NULL;
        failed = !own || ag_graph_status(own) || ag_write_html(f, y, NULL);
        if (own && !ag_graph_status(own) && failed) ck_assert_str_ne(ag_graph_error(own), "");
        fclose(f);
        ag_graph_free(own);
        ck_assert_msg(b.taken == 0, "%lld blocks leak when allocation %lld fails", (long long)b.taken, (long long)n);
    }
}
END_TEST

/* ---- in a browser ------------------------------------------------------------------------------------------------ */

/* The page after so many steps, as the browser has it. */
static char *browse(const char *path, int step)
{
    char command[256], *text = malloc(1 << 20);
    snprintf(command, sizeof command,
             "timeout 40 chromium --headless --no-sandbox --disable-gpu --dump-dom 'file://%s#%d' 2>/dev/null", path,
             step);
    FILE *f = popen(command, "r");
    const size_t n = fread(text, 1, (1 << 20) - 1, f);
    text[n] = 0;
    pclose(f);
    return text;
}

START_TEST(a_browser_steps_through_it)
{
    if (system("timeout 20 chromium --headless --no-sandbox --disable-gpu --dump-dom about:blank >/dev/null 2>&1")) {
        puts("no chromium here: pages are not stepped through");
        return;
    }
    ag_node *x = ag_parameter(g, "x", AG_F64, AG_SCALAR, (double[]){ 3 });
    ag_node *y = ag_parameter(g, "y", AG_F64, AG_SCALAR, (double[]){ 2 });
    ag_node *s = ag_add(x, y), *z = ag_square(s);
    ag_name(s, "s"), ag_name(z, "z");
    write_page(z, NULL);
    char path[] = "/tmp/autograd-page-XXXXXX.html";
    const int file = mkstemps(path, 5);
    ck_assert_int_ge(write(file, page, strlen(page)), 0);
    close(file);
    char *forward = browse(path, 2), *backward = browse(path, 7);
    unlink(path);
    ck_assert_msg(strstr(forward, "Forward: s") && strstr(forward, "forward 3 of 4"), "%s", forward);
    ck_assert(strstr(forward, ">5</text>") && !strstr(forward, ">25</text>")); /* what comes later is not there yet */
    ck_assert_msg(strstr(backward, "\u2202z / \u2202x = \u2202z / \u2202s \u00b7 \u2202s / \u2202x"), "%s", backward);
    ck_assert(strstr(backward, "10 \u00b7 1 = 10") && strstr(backward, ">\u2202 10</text>"));
    free(forward), free(backward);
}
END_TEST

Suite *suite_pages(void)
{
    Suite *s = suite_create("pages");
    TCase *c = tcase_create("pages");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 150);
    tcase_add_test(c, the_page_stands_alone);
    tcase_add_test(c, names_are_escaped);
    tcase_add_test(c, numbers_are_those_of_the_chain_rule);
    tcase_add_test(c, what_flows_in_adds_up);
    tcase_add_test(c, loops_are_one_step);
    tcase_add_test(c, what_is_no_number_is_a_word);
    tcase_add_test(c, what_cannot_be_shown_is_said);
    tcase_add_test(c, every_allocation_may_fail);
    tcase_add_test(c, a_browser_steps_through_it);
    suite_add_tcase(s, c);
    return s;
}
