/* Every public constructor, called wrongly, is the one that the message names. */
#include "test.h"

/* Operands: reals of several shapes, integers, a rank 0, a parameter, a node of another graph; nothing. */
static ag_graph *g, *other;
static ag_node *x, *wide, *v, *whole, *s, *p, *foreign, *nothing, *dx[2], *part[77];
static const ag_shape too_deep = { .rank = AG_MAX_RANK + 1 };

static void begin(void)
{
    g = ag_graph_new(NULL);
    other = ag_graph_new(NULL);
    x = ag_input(g, "x", AG_F64, AG_SHAPE(2, 3));
    wide = ag_input(g, "wide", AG_F64, AG_SHAPE(2, 4));
    v = ag_input(g, "v", AG_F64, AG_SHAPE(5));
    whole = ag_input(g, "whole", AG_I64, AG_SHAPE(2, 3));
    s = ag_input(g, "s", AG_F64, AG_SCALAR);
    p = ag_parameter(g, "p", AG_F64, AG_SHAPE(2, 3), NULL);
    foreign = ag_input(other, "foreign", AG_F64, AG_SHAPE(2, 3));
    expect_well(g);
}

static void end(void)
{
    ag_graph_free(g);
    ag_graph_free(other);
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

/* Those that take integers, too. */
#define OF_ONE_INTEGER(R) R(neg) R(abs) R(sign) R(square)
#define OF_ONE(R)                                                                                                      \
    R(floor) R(sqrt) R(exp) R(expm1) R(log) R(log1p) R(sin) R(cos) R(tan) R(asin)      \
    R(acos) R(atan) R(sinh) R(cosh) R(tanh) R(erf) R(erfc) R(lgamma) R(sigmoid) R(relu) R(softplus) R(gelu) R(silu)    \
    R(sum) R(mean) R(prod) R(amax) R(amin) R(logsumexp) R(cholesky) R(inverse) R(det) R(logdet) R(trace) \
    R(ceil) R(trunc) R(round) R(gelu_tanh) R(mish) R(hardswish)

#define OF_TWO_INTEGERS(R)                                                                                             \
    R(add) R(sub) R(mul) R(minimum) R(maximum) R(less) R(less_equal) R(equal) R(greater) R(greater_equal) R(fmod)      \
    R(floor_divide)
#define OF_TWO(R)                                                                                                      \
    R(div) R(pow) R(atan2) R(dot) R(matmul) R(solve) R(outer) R(assign) R(cross_entropy) \
    R(logaddexp)

#define ALONG_AXIS(R) R(sum) R(mean) R(prod) R(amax) R(amin) R(logsumexp)
#define AT_AXIS(R) R(argmax) R(cumsum) R(softmax) R(log_softmax) R(flip) R(glu) R(cumprod) R(logcumsumexp)

#define IMAGES ag_broadcast_to(s, AG_SHAPE(2, 4, 5, 5))
#define FILTERS ag_broadcast_to(s, AG_SHAPE(4, 4, 3, 3))

/* R(name in the message, call) */
#define CALLS(R)                                                                                                       \
    R(leaky_relu, ag_leaky_relu(whole, 0.1)) R(elu, ag_elu(whole, 1)) R(elu, ag_selu(whole)) \
    R(log_sigmoid, ag_log_sigmoid(whole)) \
    R(var, ag_var(whole, 1)) R(var, ag_var(x, 999)) R(var, ag_var_axis(x, 7, 1, 0)) R(std, ag_std(x, -1))              \
    R(std, ag_std_axis(whole, 0, 1, 0)) R(norm, ag_norm(x, 3)) R(norm, ag_norm_axis(x, 2, 9, 0))                       \
    R(sort, ag_sort(x, 5, 0)) R(argsort, ag_argsort(x, -7, 0)) R(top_k, ag_top_k(x, 99, 0, NULL))                      \
    R(top_k, ag_top_k(x, 1, 9, NULL)) R(index, ag_index(x, 0, 77)) R(index, ag_index(x, 9, 0))                         \
    R(roll, ag_roll(x, 9, 1)) R(tril, ag_tril(s, 0)) R(triu, ag_triu(s, 0)) R(stack, ag_stack(1, &x, 9))               \
    R(stack, ag_stack(1, &x, -9)) R(full, ag_full(g, AG_I64, AG_SCALAR, 0.5))                         \
    R(cast, ag_zeros(g, (ag_dtype)7, AG_SCALAR))                                                                       \
    R(broadcast_to, ag_ones(g, AG_F32, AG_SHAPE(0))) R(split, (ag_split(x, 9, 1, NULL, part), part[0]))                \
    R(split, (ag_split(x, 0, 77, NULL, part), part[76]))                                                               \
    R(einsum, ag_einsum("ij->k", 1, &x))                                                                               \
    R(clip, ag_clip(whole, 0, 1)) R(clip, ag_clip(x, 1, 0)) R(hardtanh, ag_hardtanh(x, 1, 1))                          \
    R(polygamma, ag_polygamma(-1, x)) R(polygamma, ag_polygamma(1, whole))                                             \
    R(where, ag_where(x, NULL, x)) R(where, ag_where(x, x, foreign)) R(where, ag_where(x, x, wide))                    \
    R(where, ag_where(x, whole, x)) R(stop_gradient, ag_stop_gradient(NULL)) R(checkpoint, ag_checkpoint(NULL))    \
    R(input, ag_input(g, "n", (ag_dtype)9, AG_SCALAR)) R(input, ag_input(g, NULL, AG_F64, too_deep))                   \
    R(input, ag_input(g, "x", AG_F64, AG_SCALAR)) R(parameter, ag_parameter(g, "x", AG_F64, AG_SCALAR, NULL))          \
    R(parameter, ag_parameter(g, NULL, AG_F64, AG_SHAPE(0), NULL))                                                     \
    R(constant, ag_constant(g, AG_F64, AG_SHAPE(0), "")) R(constant, ag_constant(g, AG_F64, AG_SHAPE(1), NULL))        \
    R(constant, ag_constant(g, (ag_dtype)-1, AG_SHAPE(1), ""))                                                         \
    R(arange, ag_arange(g, AG_F64, 0)) R(arange, ag_arange(g, AG_I64, INT64_MAX))                                      \
    R(arange, ag_arange(g, (ag_dtype)5, 3))                                                                            \
    R(ag_name, ag_name(x, "v") ? NULL : x) R(ag_name, ag_name(ag_exp(x), "\n") ? NULL : x)                             \
    R(triangular_solve, ag_triangular_solve(x, x, 0, 0)) R(triangular_solve, ag_triangular_solve(x, NULL, 0, 0))       \
    R(triangular_solve, ag_triangular_solve(x, foreign, 0, 0)) R(cholesky, ag_cholesky(x)) R(inverse, ag_inverse(v))   \
    R(det, ag_det(x)) R(logdet, ag_logdet(x)) R(trace, ag_trace(v)) R(diag, ag_diag(s)) R(diag, ag_diag(NULL))         \
    R(transpose, ag_transpose(x, (int[]){ 0, 0 })) R(reshape, ag_reshape(x, AG_SHAPE(7)))                              \
    R(reshape, ag_reshape(x, too_deep)) R(broadcast_to, ag_broadcast_to(x, AG_SHAPE(4)))                               \
    R(broadcast_to, ag_broadcast_to(x, too_deep)) R(slice, ag_slice(x, 2, 0, 1, 1))                                    \
    R(slice, ag_slice(x, 0, 1, 1, 1)) R(slice, ag_slice(x, 0, 0, 1, 0))                                                \
    R(concat, ag_concat(2, (ag_node *[]){ x, NULL }, 0)) R(concat, ag_concat(2, (ag_node *[]){ x, wide }, 0))          \
    R(concat, ag_concat(1, &x, 2)) R(pad, ag_pad(x, 2, 1, 1)) R(pad, ag_pad(x, 0, -1, 1))                              \
    R(gather, ag_gather(x, 2, whole)) R(gather, ag_gather(x, 0, v)) R(gather, ag_gather(NULL, 0, whole))               \
    R(scatter_add, ag_scatter_add(x, 0, whole, NULL)) R(scatter_add, ag_scatter_add(x, 0, v, x))                       \
    R(scatter_add, ag_scatter_add(x, 7, whole, x)) R(one_hot, ag_one_hot(whole, 0, AG_F64))                            \
    R(one_hot, ag_one_hot(v, 3, AG_F64)) R(one_hot, ag_one_hot(whole, 3, (ag_dtype)9))                                 \
    R(cast, ag_cast(x, (ag_dtype)9)) R(assign, ag_assign(x, x)) R(assign, ag_assign(p, wide))                          \
    R(group, ag_group(2, (ag_node *[]){ NULL, x })) R(ag_custom, ag_custom(NULL, 1, &x, NULL))                         \
    R(scan, scan(&s, &x)) R(scan, scan(&x, &nothing)) R(scan, scan(&s, &s)) R(while, loop(v, &s, &s))                  \
    R(while, loop(s, &x, &s)) R(while, loop(s, NULL, &s)) R(cond, branch(x, &s, &s)) R(cond, branch(s, &s, &x))        \
    R(cond, branch(s, &s, &nothing)) R(cond, branch(s, &s, &foreign))                                                  \
    R(ag_gradient, made(ag_gradient(x, 1, &x, dx))) R(ag_gradient, made(ag_gradient(s, -1, &x, dx)))                   \
    R(ag_gradient, made(ag_gradient(s, 1, NULL, dx))) R(ag_gradient, made(ag_gradient(s, 1, &whole, dx)))              \
    R(ag_gradient, made(ag_gradient(NULL, 1, &x, dx))) R(ag_vjp, made(ag_vjp(1, &x, &v, 1, &x, dx)))                   \
    R(ag_vjp, made(ag_vjp(1, &x, NULL, 1, &x, dx))) R(ag_vjp, made(ag_vjp(1, &x, &x, 1, &foreign, dx)))                \
    R(ag_jvp, made(ag_jvp(1, &x, &v, 1, &x, dx))) R(ag_jvp, made(ag_jvp(1, &x, NULL, 1, &x, dx)))                      \
    R(ag_jvp, made(ag_jvp(1, &whole, &whole, 1, &x, dx))) R(ag_hvp, ag_hvp(x, x, x)) R(ag_hvp, ag_hvp(s, x, v))        \
    R(ag_hvp, ag_hvp(s, NULL, v)) R(ag_hvp, ag_hvp(s, whole, whole)) R(ag_jacobian, ag_jacobian(x, whole))             \
    R(ag_jacobian, ag_jacobian(x, NULL)) R(ag_jacobian, ag_jacobian(x, foreign)) R(ag_hessian, ag_hessian(x, x))       \
    R(ag_hessian, ag_hessian(s, whole)) R(ag_sparse_jacobian, sparse(ag_sparse_jacobian(x, 0, &x, NULL)))              \
    R(ag_sparse_jacobian, sparse(ag_sparse_jacobian(x, 1, &foreign, NULL)))                                            \
    R(ag_sparse_hessian, sparse(ag_sparse_hessian(x, 1, &x, NULL)))                                                    \
    R(ag_sparse_hessian, sparse(ag_sparse_hessian(s, 1, &whole, NULL)))                                                \
    R(ag_check_gradient, check(s, &whole)) R(ag_check_gradient, check(s, &foreign))                                    \
    R(ag_sgd, ag_sgd(s, &(ag_sgd_options){ .rate = 1 })) R(ag_sgd, ag_sgd(p, &(ag_sgd_options){ .rate = 1 }))          \
    R(ag_sgd, ag_sgd(s, NULL)) R(ag_sgd, ag_sgd(ag_sum(p), &(ag_sgd_options){ .rate_node = x }))                       \
    R(ag_adam, ag_adam(s, NULL)) R(ag_adam, ag_adam(p, NULL))                                                          \
    R(ag_adam, ag_adam(ag_sum(p), &(ag_adam_options){ .rate_node = whole }))                                           \
    R(ag_rmsprop, ag_rmsprop(s, NULL)) R(ag_rmsprop, ag_rmsprop(ag_sum(p), &(ag_rmsprop_options){ .smoothing = 2 }))   \
    R(ag_parse, ag_parse(g, NULL)) R(ag_parse, ag_parse(g, "x +")) R(dot, ag_parse(g, "x @ x"))                        \
    R(ag_compile, ag_compile(g, 1, &nothing, NULL) ? x : NULL)

#define CALLS_OF_NETWORKS(R)                                                                                           \
    R(conv, ag_conv(x, x, NULL)) R(conv, ag_conv(NULL, FILTERS, NULL)) R(conv, ag_conv(IMAGES, foreign, NULL))         \
    R(conv, ag_conv(IMAGES, FILTERS, &(ag_conv_options){ .stride = { -1 } }))                                          \
    R(conv, ag_conv(IMAGES, FILTERS, &(ag_conv_options){ .dilation = { 1, 9 } }))                                      \
    R(conv, ag_conv(IMAGES, FILTERS, &(ag_conv_options){ .groups = 3 }))                                               \
    R(conv, ag_conv(IMAGES, FILTERS, &(ag_conv_options){ .groups = 2 })) R(conv, ag_conv(whole, whole, NULL))          \
    R(conv, ag_conv_transpose(IMAGES, x, NULL)) R(conv, ag_conv_transpose(FILTERS, IMAGES, NULL))                      \
    R(conv, ag_conv_transpose(IMAGES, FILTERS, &(ag_conv_options){ .output_padding = { 1 } }))                         \
    R(conv, ag_conv_transpose(IMAGES, FILTERS, &(ag_conv_options){ .padding = { 4, 4 } }))                             \
    R(max_pool, ag_max_pool(x, &(ag_pool_options){ .kernel = { 2, 2 } })) R(max_pool, ag_max_pool(IMAGES, NULL))       \
    R(max_pool, ag_max_pool(IMAGES, &(ag_pool_options){ .kernel = { 2 } }))                                            \
    R(avg_pool, ag_avg_pool(IMAGES, &(ag_pool_options){ .kernel = { 2, 2 }, .padding = { 2 } }))                       \
    R(avg_pool, ag_avg_pool(IMAGES, &(ag_pool_options){ .kernel = { 2, 6 } })) R(avg_pool, ag_avg_pool(whole, NULL))   \
    R(attention, ag_attention(x, x, NULL, 0, 0)) R(attention, ag_attention(x, x, v, 0, 0))                             \
    R(attention, ag_attention(x, wide, x, 0, 0)) R(attention, ag_attention(x, x, foreign, 0, 0))                       \
    R(attention, ag_attention(whole, whole, whole, 0, 0)) R(attention, ag_attention(IMAGES, FILTERS, IMAGES, 0, 0))    \
    R(attention, ag_attention_with(x, x, x, v, 0, 0)) R(attention, ag_attention_with(x, x, x, foreign, 0, 0))          \
    R(adaptive_avg_pool, ag_adaptive_avg_pool(x, (int64_t[]){ 1 }))                                                    \
    R(adaptive_avg_pool, ag_adaptive_avg_pool(IMAGES, NULL))

#define CALLS_OF_LOSSES(R)                                                                                             \
    R(cross_entropy, ag_cross_entropy_with(x, v, NULL)) R(cross_entropy, ag_cross_entropy_with(x, NULL, NULL))         \
    R(cross_entropy, ag_cross_entropy_with(x, x, &(ag_cross_entropy_options){ .weight = foreign }))                    \
    R(binary_cross_entropy, ag_binary_cross_entropy(x, wide, AG_MEAN)) R(huber, ag_huber(x, x, -1, AG_MEAN))           \
    R(binary_cross_entropy, ag_binary_cross_entropy(x, x, (ag_reduction)7)) R(huber, ag_huber(x, foreign, 0, AG_MEAN)) \
    R(mse, ag_mse(x, NULL, AG_MEAN)) R(mse, ag_mse(whole, whole, AG_SUM)) R(kl_div, ag_kl_div(x, wide, AG_EACH))       \
    R(cosine_similarity, ag_cosine_similarity(x, x, 2)) R(cosine_similarity, ag_cosine_similarity(x, wide, 0))         \
    R(layer_norm, ag_layer_norm(x, 3, NULL, NULL, 0)) R(layer_norm, ag_layer_norm(x, 1, NULL, foreign, 0))             \
    R(rms_norm, ag_rms_norm(x, 1, v, 0)) R(rms_norm, ag_rms_norm(x, 1, NULL, -1))                                      \
    R(group_norm, ag_group_norm(x, 2, NULL, NULL, 0))                                                                  \
    R(batch_norm, ag_batch_norm(x, NULL, NULL, v, v, 0)) R(batch_norm, ag_batch_norm(x, NULL, NULL, NULL, NULL, 0))    \
    R(batch_norm_train, ag_batch_norm_train(v, NULL, NULL, 0, NULL, NULL, 0, NULL))

#define CALLS_OF_CHANCE(R)                                                                                             \
    R(ag_random_seed, (ag_random_seed(g, 1), ag_random_seed(g, 2)))                                                    \
    R(random_uniform, ag_random_uniform(g, AG_I64, AG_SCALAR)) R(random_normal, ag_random_normal(g, AG_F32, too_deep)) \
    R(shuffle, ag_shuffle(g, 0)) R(dropout, ag_dropout(x, 1)) R(dropout, ag_dropout(whole, 0.5))

static ag_node *made(ag_status status)
{
    return status ? NULL : x;
}

static ag_node *sparse(const ag_sparse *all)
{
    return all ? x : NULL;
}

static ag_node *scan(ag_node *const *initial, ag_node *const *state)
{
    ag_scan_body b = { .length = -1, .states = 1, .initial = initial, .state = state, .next = state };
    return made(ag_scan(&b, dx, NULL));
}

static ag_node *loop(ag_node *test, ag_node *const *initial, ag_node *const *state)
{
    return made(ag_while(test, 1, initial, state, state, 9, dx));
}

static ag_node *branch(ag_node *predicate, ag_node *const *then, ag_node *const *otherwise)
{
    return made(ag_cond(predicate, 0, NULL, NULL, 1, then, otherwise, dx));
}

static ag_node *check(ag_node *y, ag_node *const *leaf)
{
    ag_check_report report;
    return made(ag_check_gradient(y, 1, leaf, NULL, &report));
}

/* ---- expecting -------------------------------------------------------------------------------------------------- */

static int fails_as(const char *name, const char *call, ag_node *result)
{
    const char *message = ag_graph_error(g);
    size_t n = strlen(name);
    int right = !strncmp(message, name, n) && (message[n] == ' ' || message[n] == ':');
    int quiet = !strcmp(message, "") && strstr(call, "(NULL)"); /* no graph, nobody to tell */
    ck_assert_msg(ag_is_bad(result), "%s made a node", call);
    ck_assert_msg(right || quiet, "%s: '%s'", call, message);
    ag_graph_clear(g);
    ag_graph_clear(other);
    return 1;
}

START_TEST(messages_name_the_call)
{
    int calls = 0;
#define ONE(name) calls += fails_as(#name, "ag_" #name "(whole)", ag_##name(whole));
#define TWO(name)                                                                 \
    calls += fails_as(#name, "ag_" #name "(x, NULL)", ag_##name(x, NULL));        \
    calls += fails_as(#name, "ag_" #name "(NULL, x)", ag_##name(NULL, x));        \
    calls += fails_as(#name, "ag_" #name "(x, foreign)", ag_##name(x, foreign));  \
    calls += fails_as(#name, "ag_" #name "(x, wide)", ag_##name(x, wide));        \
    calls += fails_as(#name, "ag_" #name "(whole, whole)", ag_##name(whole, whole));
#define ONE_INTEGER(name) calls += fails_as(#name, "ag_" #name "(NULL)", ag_##name(NULL));
#define TWO_INTEGERS(name)                                                        \
    calls += fails_as(#name, "ag_" #name "(x, NULL)", ag_##name(x, NULL));        \
    calls += fails_as(#name, "ag_" #name "(x, foreign)", ag_##name(x, foreign));  \
    calls += fails_as(#name, "ag_" #name "(x, wide)", ag_##name(x, wide));        \
    calls += fails_as(#name, "ag_" #name "(whole, x)", ag_##name(whole, x));
#define AXIS(name)                                                                        \
    calls += fails_as(#name, "ag_" #name "_axis(x, 2, 0)", ag_##name##_axis(x, 2, 0));    \
    calls += fails_as(#name, "ag_" #name "_axis(whole, 0, 0)", ag_##name##_axis(whole, 0, 0));
#define AT(name) calls += fails_as(#name, "ag_" #name "(x, -3)", ag_##name(x, -3));
#define CALL(name, call) calls += fails_as(#name, #call, call);
    OF_ONE(ONE) OF_TWO(TWO) ALONG_AXIS(AXIS) AT_AXIS(AT) CALLS(CALL) CALLS_OF_NETWORKS(CALL)
    CALLS_OF_CHANCE(CALL) CALLS_OF_LOSSES(CALL) OF_ONE_INTEGER(ONE_INTEGER) OF_TWO_INTEGERS(TWO_INTEGERS)
    ck_assert_int_gt(calls, 250);
}
END_TEST

/* ---- none is forgotten ------------------------------------------------------------------------------------------ */

static int is_called(const char *name, size_t length)
{
#define NAME_OF(name) "ag_" #name "("
#define NAME_OF_AXIS(name) "ag_" #name "_axis("
#define TEXT_OF(name, call) #call " "
    static const char *const calls[] = {
        OF_ONE(NAME_OF) OF_TWO(NAME_OF) OF_ONE_INTEGER(NAME_OF) OF_TWO_INTEGERS(NAME_OF)
        ALONG_AXIS(NAME_OF_AXIS) AT_AXIS(NAME_OF),
        CALLS(TEXT_OF), CALLS_OF_NETWORKS(TEXT_OF) CALLS_OF_CHANCE(TEXT_OF) CALLS_OF_LOSSES(TEXT_OF),
        "ag_number( ag_find( ag_name_place( ag_plan_input( ag_plan_parameter( ag_plan_output(" /* they take anything */
    };
    for (size_t k = 0; k < COUNT(calls); k++)
        for (const char *at = calls[k]; (at = strstr(at, "ag_")); at++)
            if (!strncmp(at, name, length) && at[length] == '(') return 1;
    return 0;
}

START_TEST(every_constructor_is_called)
{
    char text[80000];
    FILE *f = fopen("autograd/autograd.h", "r");
    ck_assert_msg(f != NULL, "no autograd/autograd.h here: run from the top of the source tree");
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    int found = 0;
    for (const char *at = text; (at = strstr(at, "*ag_")); at++) {
        size_t length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");
        const char *line = at;
        while (line > text && line[-1] != '\n') line--;
        if (strncmp(line, "ag_node *ag_", 12) || at[length + 1] != '(') continue;
        ck_assert_msg(is_called(at + 1, length), "no row for %.*s", (int)length, at + 1);
        found++;
    }
    ck_assert_int_gt(found, 90);
}
END_TEST

Suite *suite_messages(void)
{
    Suite *suite = suite_create("messages");
    TCase *t = tcase_create("messages");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, messages_name_the_call);
    tcase_add_test(t, every_constructor_is_called);
    suite_add_tcase(suite, t);
    return suite;
}
