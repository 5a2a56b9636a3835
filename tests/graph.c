/* Graphs: nodes, interning, names, literal numbers, the sticky error. */
#include "test.h"

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

START_TEST(a_new_graph_is_well)
{
    ck_assert_int_eq(ag_graph_status(g), AG_OK);
    ck_assert_str_eq(ag_graph_error(g), "");
    ck_assert_int_eq(ag_node_count(g), 0);
    ag_graph_free(NULL);
}
END_TEST

START_TEST(no_graph_is_out_of_memory)
{
    double one = 1;
    ck_assert_int_eq(ag_graph_status(NULL), AG_EMEM);
    ck_assert_str_ne(ag_graph_error(NULL), "");
    ck_assert_int_eq(ag_node_count(NULL), 0);
    ck_assert_ptr_null(ag_input(NULL, "x", AG_F64, AG_SCALAR));
    ck_assert_ptr_null(ag_parameter(NULL, "x", AG_F64, AG_SCALAR, &one));
    ck_assert_ptr_null(ag_constant(NULL, AG_F64, AG_SCALAR, &one));
    ck_assert_ptr_null(ag_number(NULL, 1));
    ck_assert_ptr_null(ag_add(NULL, NULL));
    ck_assert_ptr_null(ag_mean(ag_square(ag_sub(NULL, NULL))));
    ck_assert_ptr_null(ag_find(NULL, "x"));
    ck_assert_str_eq(ag_name(NULL, NULL), "");
    ag_graph_intern(NULL, 1);
    ag_graph_clear(NULL);
}
END_TEST

START_TEST(a_node_tells_what_it_is)
{
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(2, 3)), *y = ag_exp(x);
    ck_assert_int_eq(ag_type_of(x), AG_F32);
    ck_assert_int_eq(ag_type_of(y), AG_F32);
    expect_shape(y, AG_SHAPE(2, 3));
    expect_shape(ag_sum(y), AG_SCALAR);
    ck_assert_ptr_eq(ag_graph_of(y), g);
    ck_assert_int_eq(ag_size_of(NULL), 0);
    ck_assert_int_eq(ag_shape_of(NULL).rank, 0);
    ck_assert_ptr_null(ag_graph_of(NULL));
    expect_well(g);
}
END_TEST

START_TEST(creation_order_is_topological)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(4)), *y = x, *dx;
    for (int i = 0; i < 20; i++) y = ag_mul(ag_sigmoid(y), ag_add(x, y));
    ck_assert_int_eq(ag_gradient(ag_sum(y), 1, &x, &dx), AG_OK);
    const ag_node *pending[4096] = { dx };
    for (int n = 1, looked = 0; n && looked < 4000; looked++) {
        const ag_node *v = pending[--n];
        for (uint32_t i = 0; i < v->nin; i++) {
            ck_assert_uint_lt(v->in[i]->id, v->id);
            if (n < 4000) pending[n++] = v->in[i];
        }
    }
    ck_assert_uint_lt(dx->id, ag_node_count(g));
}
END_TEST

START_TEST(equal_expressions_are_one_node)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3)), *y = ag_input(g, "y", AG_F64, AG_SHAPE(2, 3));
    ck_assert_ptr_eq(ag_mul(x, y), ag_mul(x, y));
    ck_assert_ptr_eq(ag_exp(ag_mul(x, y)), ag_exp(ag_mul(x, y)));
    ck_assert_ptr_eq(ag_sum_axis(x, 0, 1), ag_sum_axis(x, -2, 1));
    int64_t before = ag_node_count(g);
    ag_exp(ag_mul(x, y));
    ck_assert_int_eq(ag_node_count(g), before);
}
END_TEST

START_TEST(different_expressions_are_different_nodes)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(3, 3)), *y = ag_input(g, "y", AG_F64, AG_SHAPE(3, 3));
    ck_assert_ptr_ne(ag_sub(x, y), ag_sub(y, x));
    ck_assert_ptr_ne(ag_exp(x), ag_exp(y));
    ck_assert_ptr_ne(ag_exp(x), ag_sigmoid(x));
    ck_assert_ptr_ne(ag_sum_axis(x, 0, 0), ag_sum_axis(x, 1, 0));
    ck_assert_ptr_ne(ag_sum_axis(x, 0, 0), ag_sum_axis(x, 0, 1));
    ck_assert_ptr_ne(ag_sum_axis(x, 0, 0), ag_mean_axis(x, 0, 0));
    ck_assert_ptr_ne(ag_cast(x, AG_F32), ag_cast(x, AG_I64));
    ck_assert_ptr_ne(ag_input(g, NULL, AG_F64, AG_SHAPE(3)), ag_input(g, NULL, AG_F64, AG_SHAPE(3)));
    ck_assert_ptr_ne(ag_parameter(g, NULL, AG_F64, AG_SHAPE(3), NULL),
                     ag_parameter(g, NULL, AG_F64, AG_SHAPE(3), NULL));
    expect_well(g);
}
END_TEST

START_TEST(constants_are_merged_by_their_bits)
{
    const double a[] = { 1, 2 }, b[] = { 1, 2 }, c[] = { 1, 3 };
    ck_assert_ptr_eq(ag_constant(g, AG_F64, AG_SHAPE(2), a), ag_constant(g, AG_F64, AG_SHAPE(2), b));
    ck_assert_ptr_ne(ag_constant(g, AG_F64, AG_SHAPE(2), a), ag_constant(g, AG_F64, AG_SHAPE(2), c));
    ck_assert_ptr_ne(ag_constant(g, AG_F64, AG_SHAPE(2), a), ag_constant(g, AG_F64, AG_SHAPE(1, 2), a));
    ck_assert_ptr_ne(ag_constant(g, AG_F64, AG_SHAPE(2), a), ag_constant(g, AG_I64, AG_SHAPE(2), a));
    ck_assert_ptr_ne(ag_number(g, 0.0), ag_number(g, -0.0));
    ck_assert_ptr_eq(ag_number(g, 2.5), ag_number(g, 2.5));
}
END_TEST

/* Every pair of leaves, a node with all others, and a node many times: none of them may become slow. */
static void make_many(ag_node *const leaf[], int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) ag_sub(leaf[i], leaf[j]), ag_atan2(leaf[j], leaf[i]);
    ag_node *one = ag_sin(leaf[n - 1]), *v = ag_broadcast_to(one, AG_SHAPE(100000));
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) ag_pow(one, ag_number(g, i + 0.001 * j));
    for (int i = 0; i < 50000; i++) ag_slice(v, 0, i, i + 1, 1);
}

START_TEST(interning_finds_one_among_many)
{
    enum { N = 300 };
    ag_node *leaf[N];
    for (int i = 0; i < N; i++) leaf[i] = ag_input(g, NULL, AG_F64, AG_SCALAR);
    make_many(leaf, N);
    int64_t made = ag_node_count(g);
    ck_assert_int_gt(made, 3 * N * (N - 1));
    make_many(leaf, N);
    ck_assert_int_eq(ag_node_count(g), made);
    expect_well(g);
}
END_TEST

START_TEST(interning_can_be_off)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *first = ag_exp(x);
    ag_graph_intern(g, 0);
    ag_node *second = ag_exp(x);
    ck_assert_ptr_ne(first, second);
    ck_assert_ptr_ne(ag_exp(x), second);
    ag_graph_intern(g, 1);
    ck_assert_ptr_eq(ag_exp(x), first);
}
END_TEST

START_TEST(names_find_leaves)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *w = ag_parameter(g, "layer 1/W", AG_F32, AG_SHAPE(2), NULL);
    ag_node *nameless = ag_input(g, NULL, AG_F64, AG_SCALAR);
    ck_assert_ptr_eq(ag_find(g, "x"), x);
    ck_assert_ptr_eq(ag_find(g, "layer 1/W"), w);
    ck_assert_ptr_null(ag_find(g, "y"));
    ck_assert_ptr_null(ag_find(g, NULL));
    ck_assert_str_eq(ag_name(w, NULL), "layer 1/W");
    ck_assert_str_eq(ag_name(nameless, NULL), "");
    ck_assert_str_eq(ag_name(nameless, "예측"), "예측");
    ck_assert_ptr_eq(ag_find(g, "예측"), nameless);
    expect_well(g);
}
END_TEST

START_TEST(a_new_name_frees_the_old)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR);
    ck_assert_str_eq(ag_name(x, "y"), "y");
    ck_assert_str_eq(ag_name(x, "y"), "y");
    ck_assert_ptr_null(ag_find(g, "x"));
    ck_assert_ptr_eq(ag_find(g, "y"), x);
    ag_node *second = ag_input(g, "x", AG_F64, AG_SCALAR);
    ck_assert_ptr_eq(ag_find(g, "x"), second);
    expect_well(g);
}
END_TEST

START_TEST(inner_nodes_may_share_names)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *a = ag_exp(x), *b = ag_sin(x);
    ag_name(a, "h");
    ag_name(b, "h");
    ag_name(b, "x");
    ck_assert_str_eq(ag_name(a, NULL), "h");
    ck_assert_ptr_eq(ag_find(g, "x"), x);
    ck_assert_ptr_eq(ag_find(g, "h"), a); /* the first that was given it */
    expect_well(g);
}
END_TEST

START_TEST(a_name_is_copied)
{
    char name[] = "weights";
    ag_node *x = ag_input(g, name, AG_F64, AG_SCALAR);
    name[0] = '?';
    ck_assert_str_eq(ag_name(x, NULL), "weights");
    ck_assert_ptr_eq(ag_find(g, "weights"), x);
}
END_TEST

START_TEST(many_names)
{
    char name[32];
    ag_node *x[2000];
    for (int i = 0; i < 2000; i++) {
        sprintf(name, "leaf %d", i);
        x[i] = ag_input(g, name, AG_F64, AG_SCALAR);
    }
    for (int i = 0; i < 2000; i++) {
        sprintf(name, "leaf %d", i);
        ck_assert_ptr_eq(ag_find(g, name), x[i]);
    }
}
END_TEST

START_TEST(numbers_take_the_type_they_meet)
{
    ag_node *two = ag_number(g, 2), *f = ag_input(g, "f", AG_F32, AG_SHAPE(3)),
            *d = ag_input(g, "d", AG_F64, AG_SCALAR);
    ck_assert_int_eq(ag_type_of(two), AG_F64);
    ck_assert_int_eq(ag_type_of(ag_mul(two, f)), AG_F32);
    ck_assert_int_eq(ag_type_of(ag_mul(f, two)), AG_F32);
    ck_assert_int_eq(ag_type_of(ag_mul(two, d)), AG_F64);
    ck_assert_int_eq(ag_type_of(ag_mul(two, two)), AG_F64);
    ck_assert_int_eq(ag_type_of(ag_where(f, two, ag_number(g, 3))), AG_F32);
    ck_assert_int_eq(ag_type_of(ag_where(f, f, two)), AG_F32);
    expect_shape(ag_mul(two, f), AG_SHAPE(3));
    expect_well(g);
}
END_TEST

/* A number made of numbers is a number still: 1/2 of an f32 is f32. */
START_TEST(arithmetic_on_numbers_takes_the_type_too)
{
    ag_node *f = ag_input(g, "f", AG_F32, AG_SHAPE(3));
    ag_node *half = ag_div(ag_number(g, 1), ag_number(g, 2));
    ck_assert_int_eq(ag_type_of(ag_mul(half, f)), AG_F32);
    ck_assert_int_eq(ag_type_of(ag_mul(f, ag_neg(half))), AG_F32);
    expect_well(g);
}
END_TEST

START_TEST(the_first_failure_stays)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *y = ag_input(g, "y", AG_F64, AG_SHAPE(3));
    ag_node *bad = ag_add(x, y);
    ck_assert(ag_is_bad(bad));
    char first[256];
    snprintf(first, sizeof first, "%s", ag_graph_error(g));
    ck_assert_int_eq(ag_graph_status(g), AG_ESHAPE);
    ag_cast(x, (ag_dtype)17);
    ag_add(x, NULL);
    ck_assert_int_eq(ag_graph_status(g), AG_ESHAPE);
    ck_assert_str_eq(ag_graph_error(g), first);
    ag_graph_clear(g);
    expect_well(g);
    ck_assert_str_eq(ag_graph_error(g), "");
    ck_assert(ag_is_bad(ag_exp(bad)));
}
END_TEST

START_TEST(a_bad_node_is_absorbed)
{
    ag_node *x = ag_input(g, "x", AG_F64, AG_SHAPE(2)), *bad = ag_add(x, ag_input(g, NULL, AG_F64, AG_SHAPE(3)));
    ck_assert_ptr_eq(ag_graph_of(bad), g);
    ck_assert_str_eq(ag_name(bad, "name"), "");
    ck_assert_int_eq(ag_size_of(bad), 0);
    ck_assert_ptr_eq(ag_mean(ag_square(ag_sub(bad, x))), bad);
    ag_node *const two[] = { x, bad };
    ag_node *const nodes[] = {
        ag_sub(x, bad), ag_where(bad, x, x), ag_where(x, x, bad), ag_neg(bad), ag_gelu(bad), ag_polygamma(1, bad),
        ag_sum(bad), ag_mean_axis(bad, 0, 1), ag_logsumexp_axis(bad, 0, 0), ag_argmax(bad, 0), ag_cumsum(bad, 0),
        ag_softmax(bad, 0), ag_log_softmax(bad, 0), ag_cross_entropy(bad, x), ag_dot(bad, x), ag_dot(x, bad),
        ag_matmul(bad, x), ag_matmul(x, bad), ag_transpose(bad, NULL), ag_reshape(bad, AG_SCALAR),
        ag_broadcast_to(bad, AG_SHAPE(3)), ag_slice(bad, 0, 0, 1, 1), ag_concat(2, two, 0), ag_pad(bad, 0, 1, 1),
        ag_flip(bad, 0), ag_gather(bad, 0, x), ag_gather(x, 0, bad), ag_scatter_add(bad, 0, x, x),
        ag_one_hot(bad, 3, AG_F64), ag_cast(bad, AG_F32), ag_stop_gradient(bad), ag_checkpoint(bad),
        ag_assign(bad, x), ag_assign(x, bad), ag_group(2, two), ag_hvp(bad, x, x), ag_sgd(bad, NULL),
    };
    for (size_t i = 0; i < COUNT(nodes); i++)
        ck_assert_msg(nodes[i] == bad, "operation %zu did not hand the bad node on", i);
    ck_assert_int_eq(ag_graph_status(g), AG_ESHAPE);
    ck_assert_ptr_nonnull(strstr(ag_graph_error(g), "add"));
}
END_TEST

/* A message is cut where its room ends, whatever the names. */
START_TEST(long_names_fit_into_messages)
{
    char name[5000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    ag_node *x = ag_input(g, name, AG_F64, AG_SHAPE(2)), *y = ag_input(g, NULL, AG_F64, AG_SHAPE(3));
    ck_assert_str_eq(ag_name(x, NULL), name);
    ck_assert(ag_is_bad(ag_add(x, y)));
    ck_assert_uint_lt(strlen(ag_graph_error(g)), 2000);
    expect_error(g, AG_ESHAPE, "add", "nnnn");
    ck_assert(ag_is_bad(ag_input(g, name, AG_F64, AG_SHAPE(2))));
    expect_error(g, AG_EARG, "nnnn");
}
END_TEST

START_TEST(graphs_do_not_touch)
{
    ag_graph *h = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F64, AG_SCALAR), *y = ag_input(h, "x", AG_F64, AG_SCALAR);
    ck_assert_ptr_ne(x, y);
    ck_assert(ag_is_bad(ag_exp(ag_cast(y, (ag_dtype)9))));
    expect_well(g);
    ck_assert_int_eq(ag_graph_status(h), AG_ETYPE);
    ag_graph_free(h);
}
END_TEST

Suite *suite_graph(void)
{
    Suite *s = suite_create("graph");
    TCase *t = tcase_create("graph");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, a_new_graph_is_well);
    tcase_add_test(t, no_graph_is_out_of_memory);
    tcase_add_test(t, a_node_tells_what_it_is);
    tcase_add_test(t, creation_order_is_topological);
    tcase_add_test(t, equal_expressions_are_one_node);
    tcase_add_test(t, different_expressions_are_different_nodes);
    tcase_add_test(t, constants_are_merged_by_their_bits);
    tcase_add_test(t, interning_finds_one_among_many);
    tcase_add_test(t, interning_can_be_off);
    tcase_add_test(t, names_find_leaves);
    tcase_add_test(t, a_new_name_frees_the_old);
    tcase_add_test(t, inner_nodes_may_share_names);
    tcase_add_test(t, a_name_is_copied);
    tcase_add_test(t, many_names);
    tcase_add_test(t, numbers_take_the_type_they_meet);
    tcase_add_test(t, arithmetic_on_numbers_takes_the_type_too);
    tcase_add_test(t, the_first_failure_stays);
    tcase_add_test(t, a_bad_node_is_absorbed);
    tcase_add_test(t, long_names_fit_into_messages);
    tcase_add_test(t, graphs_do_not_touch);
    suite_add_tcase(s, t);
    return s;
}
