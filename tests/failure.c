/* Evaluations that fail: all or nothing. Whatever fails, wherever, in whichever plan, every parameter is what it was
 * before, and the next evaluation goes on from there as if nothing had been. */
#include "test.h"
#include "plan/plan.h"

#include <unistd.h>

/* ---- a model of which something fails when `bad` is 1 or an index is wrong --------------------------------------- */

enum { WIDE = 900, OUTPUTS = 3 };

typedef struct {
    ag_graph *g;
    ag_node *bad, *index, *label;   /* inputs */
    ag_node *a, *w, *wide, *table, *scale, *count;
    ag_node *next;   /* the value assigned to `count` */
    ag_node *matrix; /* [3, 3], positive definite; zeros when bad */
} model;

static ag_status refuse_positive(const ag_kernel_call *c)
{
    const double *x = c->in[0];
    memcpy(c->out, x, (size_t)ag_count(c->node) * sizeof *x);
    if (*x > 0) return AG_OK;
    snprintf(c->message, c->message_size, "not positive");
    return AG_EARG;
}

static void pass_on(ag_node *y, ag_node *gout, ag_node *gin[])
{
    (void)y;
    gin[0] = gout;
}

static ag_status same_shape(ag_infer *c)
{
    (void)c;
    return AG_OK;
}

static void write_refusal(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    (void)in_stride;
    ag_emit(s, "    int64_t k;\n    for (k = 0; k < %lld; k++) out[k] = in0[k];\n", (long long)ag_count(y));
    ag_emit(s, "    return in0[0] > 0 ? 0 : %d;\n", (int)AG_EARG);
}

static const ag_op picky_op = { .name = "picky", .formula = "x > 0", .inputs = 1, .flags = AG_LIBRARY,
                                .shape = same_shape, .run = refuse_positive, .gradient = pass_on, .c = write_refusal };

static ag_node *fails_gather(const model *m) { return ag_gather(m->table, 0, m->index); }
static ag_node *fails_scatter(const model *m)
{
    ag_node *to = ag_constant(m->g, AG_F64, AG_SHAPE(4), (double[]){ 1, 2, 3, 4 });
    return ag_square(ag_scatter_add(to, 0, m->index, ag_slice(m->table, 0, 0, 2, 1)));
}
static ag_node *fails_label(const model *m)
{
    return ag_cross_entropy(ag_matmul(ag_slice(m->a, 0, 0, 2, 1), m->w), m->label);
}
static ag_node *fails_cholesky(const model *m) { return ag_cholesky(m->matrix); }
static ag_node *fails_inverse(const model *m) { return ag_inverse(m->matrix); }
static ag_node *fails_solve(const model *m) { return ag_solve(m->matrix, m->w); }
static ag_node *fails_triangular(const model *m) { return ag_triangular_solve(m->matrix, m->w, 0, 1); }
static ag_node *fails_custom(const model *m)
{
    ag_node *x = ag_mul(m->scale, ag_one_minus(m->bad));
    return ag_custom(&picky_op, 1, &x, NULL);
}
/* What fails needs a parameter's new value. */
static ag_node *fails_late(const model *m) { return ag_inverse(ag_mul(m->matrix, ag_stop_gradient(m->next))); }
static ag_node *fails_in_scan(const model *m)
{
    ag_graph *g = m->g;
    ag_node *s = ag_input(g, NULL, AG_F64, AG_SHAPE(3, 3)), *final;
    ag_node *next = ag_mul(ag_cholesky(ag_add(s, ag_mul(m->matrix, ag_number(g, 4)))), ag_number(g, 0.5));
    ag_node *still = ag_mul(m->matrix, ag_one_minus(m->bad));
    ag_scan_body b = { .length = 3, .states = 1, .initial = &still, .state = &s, .next = &next };
    return ag_scan(&b, &final, NULL) ? NULL : final;
}
static ag_node *fails_in_cond(const model *m)
{
    ag_node *x = ag_input(m->g, NULL, AG_F64, AG_SHAPE(3, 3)), *y = ag_inverse(x), *z = ag_neg(x), *out;
    return ag_cond(ag_less(m->scale, ag_number(m->g, 100)), 1, &m->matrix, &x, 1, &y, &z, &out) ? NULL : out;
}

static const struct {
    const char *name;
    ag_node *(*fails)(const model *);
} kinds[] = { { "gather", fails_gather },     { "scatter", fails_scatter }, { "label", fails_label },
              { "cholesky", fails_cholesky }, { "inverse", fails_inverse }, { "solve", fails_solve },
              { "triangular", fails_triangular }, { "custom", fails_custom }, { "late", fails_late },
              { "scan", fails_in_scan },      { "cond", fails_in_cond } };


static model make_model(void)
{
    static double wide[WIDE];
    ag_graph *g = ag_graph_new(NULL);
    for (int i = 0; i < WIDE; i++) wide[i] = sin(i);
    model m = { .g = g,
                .bad = ag_input(g, "bad", AG_F64, AG_SCALAR),
                .index = ag_input(g, "index", AG_I64, AG_SHAPE(2)),
                .label = ag_input(g, "label", AG_I64, AG_SHAPE(2)),
                .a = ag_parameter(g, "a", AG_F64, AG_SHAPE(3, 3), (double[]){ 4, 1, 0, 1, 5, 2, 0, 2, 6 }),
                .w = ag_parameter(g, "w", AG_F64, AG_SHAPE(3, 2), (double[]){ 1, 2, -1, 0.5, 3, -2 }),
                .wide = ag_parameter(g, "wide", AG_F64, AG_SHAPE(WIDE), wide),
                .table = ag_parameter(g, "table", AG_F64, AG_SHAPE(4), (double[]){ 1, 2, 3, 4 }),
                .scale = ag_parameter(g, "scale", AG_F64, AG_SCALAR, (double[]){ 2 }),
                .count = ag_parameter(g, "count", AG_F64, AG_SCALAR, (double[]){ 1 }) };
    m.next = ag_add(m.count, ag_number(g, 1));
    m.matrix = ag_mul(m.a, ag_one_minus(m.bad));
    return m;
}

/* A loss to which everything adds, an optimiser's step, and an assignment beside it. */
static model make(int kind, int optimiser, ag_node *out[OUTPUTS])
{
    model m = make_model();
    ag_node *little = ag_number(m.g, 1e-3), *inputs = ag_add(ag_sum(ag_cast(m.index, AG_F64)), m.bad);
    ag_node *loss = ag_add(ag_sum(ag_square(ag_sin(ag_mul(m.wide, m.scale)))), ag_sum(ag_square(ag_matmul(m.a, m.w))));
    loss = ag_add(ag_add(loss, ag_sum(ag_square(m.table))), ag_add(inputs, ag_sum(ag_cast(m.label, AG_F64))));
    loss = ag_mul(little, ag_add(loss, ag_sum(kinds[kind].fails(&m))));
    out[0] = ag_assign(m.count, m.next);
    out[1] = optimiser ? ag_adam(loss, &(ag_adam_options){ .rate = 0.01, .clip_norm = 1 })
                       : ag_sgd(loss, &(ag_sgd_options){ .rate = 0.01 });
    out[2] = loss;
    expect_well(m.g);
    return m;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

enum { MOST = 24 };

typedef struct {
    int n;
    ag_node *parameter[MOST];
    double value[MOST][WIDE];
} snapshot;

static void take_snapshot(const model *m, const ag_run *r, snapshot *s)
{
    static const char *const roles[] = { "", "/m", "/v" }, *const names[] = { "a", "w", "wide", "table", "scale" };
    char name[32];
    s->n = 0;
    s->parameter[s->n++] = m->count;
    if (ag_find(m->g, "adam/step")) s->parameter[s->n++] = ag_find(m->g, "adam/step");
    for (size_t k = 0; k < COUNT(roles); k++)
        for (size_t i = 0; i < COUNT(names); i++) {
            snprintf(name, sizeof name, "%s%s", names[i], roles[k]);
            if (ag_find(m->g, name)) s->parameter[s->n++] = ag_find(m->g, name);
        }
    for (int k = 0; k < s->n; k++)
        ck_assert_msg(ag_fetch(r, s->parameter[k], s->value[k]) == AG_OK, "%s", ag_run_error(r));
}

static void expect_same(const snapshot *a, const snapshot *b, const char *kind, const char *when)
{
    ck_assert_int_eq(a->n, b->n);
    for (int k = 0; k < a->n; k++)
        ck_assert_msg(!memcmp(a->value[k], b->value[k], (size_t)ag_size_of(a->parameter[k]) * sizeof(double)),
                      "%s: '%s' differs %s", kind, ag_name(a->parameter[k], NULL), when);
}

static void feed(const model *m, ag_run *r, int bad)
{
    ck_assert_int_eq(ag_feed(r, m->bad, &(double){ bad }), AG_OK);
    ck_assert_int_eq(ag_feed(r, m->index, bad ? (int64_t[]){ 1, 4 } : (int64_t[]){ 1, -1 }), AG_OK);
    ck_assert_int_eq(ag_feed(r, m->label, bad ? (int64_t[]){ 1, 2 } : (int64_t[]){ 1, 0 }), AG_OK);
}

static void evaluate(const model *m, ag_run *r)
{
    feed(m, r, 0);
    ck_assert_msg(ag_eval(r) == AG_OK, "%s", ag_run_error(r));
}

/* Two steps, beside two with a failure before, between and after them. */
static void check(int kind, int optimiser, ag_options options, int bound)
{
    static snapshot before, after, want;
    static double memory[WIDE + 1];
    ag_node *out[OUTPUTS];
    const char *name = kinds[kind].name;
    model m = make(kind, optimiser, out);
    ag_plan *plan = ag_compile(m.g, OUTPUTS, out, &options);
    ck_assert_msg(plan != NULL, "%s: %s", name, ag_graph_error(m.g));
    ag_run *r = ag_run_new(plan), *calm = ag_run_new(plan);
    if (bound) {
        ag_fetch(r, m.wide, memory);
        ag_fetch(r, m.scale, memory + WIDE);
        ck_assert_int_eq(ag_bind(r, m.wide, memory), AG_OK);
        ck_assert_int_eq(ag_bind(r, m.scale, memory + WIDE), AG_OK);
    }
    for (int step = 0; step < 3; step++) {
        take_snapshot(&m, r, &before);
        feed(&m, r, 1);
        ag_status status = ag_eval(r);
        ck_assert_msg(status == AG_ENUMERIC || status == AG_EARG, "%s: status %d", name, (int)status);
        char why[512];
        snprintf(why, sizeof why, "%s", ag_run_error(r));
        ck_assert(*why && isnan(ag_item(r, out[2])));
        ck_assert_msg(strstr(ag_run_error(r), "the last evaluation failed") && strstr(ag_run_error(r), why),
                      "%s: '%s' after '%s'", name, ag_run_error(r), why);
        take_snapshot(&m, r, &after);
        expect_same(&before, &after, name, "after a failure");
        evaluate(&m, r);
        evaluate(&m, calm);
        ck_assert(ag_item(r, out[2]) == ag_item(calm, out[2]));
        take_snapshot(&m, r, &after);
        take_snapshot(&m, calm, &want);
        expect_same(&after, &want, name, "after a step");
        ck_assert(memcmp(before.value, after.value, sizeof before.value[0])); /* it does move */
    }
    ag_run_free(r);
    ag_run_free(calm);
    ag_plan_free(plan);
    ag_graph_free(m.g);
}

START_TEST(parameters_stay)
{
    for (int optimiser = 0; optimiser < 2; optimiser++)
        for (int variant = 0; variant < 6; variant++) {
            ag_options o = test_options();
            o.unfused = variant == 1;
            o.threads = variant == 2 ? 2 : 0;
            o.distinct = variant == 3;
            o.poison = variant == 4;
            check(_i, optimiser, o, variant == 5);
        }
}
END_TEST

START_TEST(parameters_stay_in_native_plans)
{
    ag_options o = test_options();
    o.native = 1;
    check(_i, _i % 2, o, 0);
}
END_TEST

/* ---- an update that fails itself --------------------------------------------------------------------------------- */

START_TEST(an_update_that_fails)
{
    for (int unfused = 0; unfused < 2; unfused++) {
        static snapshot before, after;
        model m = make_model();
        ag_options o = test_options();
        o.unfused = unfused;
        ag_node *out[] = { ag_assign(m.count, m.next), ag_assign(m.a, ag_inverse(m.matrix)),
                           ag_assign(m.table, ag_scatter_add(m.table, 0, m.index, ag_slice(m.table, 0, 0, 2, 1))) };
        ag_plan *plan = ag_compile(m.g, 3, out, &o);
        ag_run *r = ag_run_new(plan);
        ag_node *const parameter[] = { m.count, m.a, m.table };
        for (int which = 0; which < 2; which++) {
            for (int k = 0; k < 3; k++) ag_fetch(r, parameter[k], before.value[k]);
            ag_feed(r, m.bad, &(double){ which });
            ag_feed(r, m.index, (int64_t[]){ 3, which ? 0 : 4 });
            ck_assert_int_eq(ag_eval(r), which ? AG_ENUMERIC : AG_EARG);
            for (int k = 0; k < 3; k++) {
                ag_fetch(r, parameter[k], after.value[k]);
                ck_assert(!memcmp(before.value[k], after.value[k], (size_t)ag_size_of(parameter[k]) * sizeof(double)));
            }
        }
        ag_run_free(r);
        ag_plan_free(plan);
        ag_graph_free(m.g);
    }
}
END_TEST

/* ---- no cost where nothing fails --------------------------------------------------------------------------------- */

/* Steps that copy a new value into its parameter, rather than compute it there. */
static int copies(ag_graph *g, int n, ag_node *const out[])
{
    int count = 0;
    ag_plan *plan = ag_compile(g, n, out, NULL);
    ck_assert_msg(plan != NULL, "%s", ag_graph_error(g));
    for (int k = 0; k < plan->nsteps; k++) count += plan->step[k].kind == AGI_COPY;
    ag_plan_free(plan);
    return count;
}

/* A step of a classifier behind an embedding: constant indices that are no wrong ones; fed ones, which the gradient
 * need not look at again; beside something that fails but needs no parameter; and such that needs a new value. */
START_TEST(updates_stay_in_place)
{
    for (int kind = 0; kind < 4; kind++) {
        ag_graph *g = ag_graph_new(NULL);
        ag_node *e = ag_parameter(g, "e", AG_F64, AG_SHAPE(96, 32), NULL);
        ag_node *w = ag_parameter(g, "w", AG_F64, AG_SHAPE(32, 64), NULL);
        ag_node *i = ag_constant(g, AG_I64, AG_SHAPE(8), (int64_t[]){ 0, 1, 2, 95, -1, -96, 5, 5 });
        if (kind) i = ag_input(g, "i", AG_I64, AG_SHAPE(8));
        ag_node *loss = ag_mean(ag_square(ag_matmul(ag_gather(e, 0, i), w)));
        ag_node *out[] = { loss, ag_sgd(loss, &(ag_sgd_options){ .rate = 0.1 }), loss };
        if (kind == 2) out[2] = ag_cholesky(ag_input(g, "m", AG_F64, AG_SHAPE(9, 9)));
        if (kind == 3) out[2] = ag_cholesky(ag_slice(out[1]->in[1], 1, 0, 32, 1));
        ck_assert_int_eq(copies(g, 3, out), kind == 3);
        ag_graph_free(g);
    }
}
END_TEST

/* ---- labels ------------------------------------------------------------------------------------------------------ */

START_TEST(labels_outside_the_classes)
{
    const int64_t wrong[][2] = { { 1, 3 }, { -1, 0 }, { 0, INT64_MAX }, { INT64_MIN, 0 } };
    const char *const message[] = { "element 1 is 3, none of 3 classes", "element 0 is -1", "'y' i64[2]", "0 to 2" };
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_parameter(g, "x", AG_F32, AG_SHAPE(2, 3), NULL), *y = ag_input(g, "y", AG_I64, AG_SHAPE(2)), *dx;
    ag_node *loss = ag_cross_entropy(x, y);
    ck_assert_int_eq(ag_gradient(loss, 1, &x, &dx), AG_OK);
    for (int only = 0; only < 3; only++) { /* the value, the gradient, both */
        ag_plan *plan = ag_compile(g, only == 2 ? 2 : 1, (ag_node *[]){ only == 1 ? dx : loss, dx }, NULL);
        ag_run *r = ag_run_new(plan);
        for (size_t k = 0; k < COUNT(wrong); k++) {
            ag_feed(r, y, wrong[k]);
            ck_assert_int_eq(ag_eval(r), AG_EARG);
            ck_assert_msg(strstr(ag_run_error(r), message[k]) != NULL, "%s", ag_run_error(r));
        }
        ag_feed(r, y, (int64_t[]){ 2, 0 });
        ck_assert_int_eq(ag_eval(r), AG_OK);
        ag_run_free(r);
        ag_plan_free(plan);
    }
    ag_graph_free(g);
}
END_TEST

/* ---- exported C -------------------------------------------------------------------------------------------------- */

static void write_case(FILE *to, int kind, int unfused)
{
    ag_node *out[OUTPUTS];
    char prefix[16], message[256] = "";
    ag_options options = test_options();
    options.unfused = unfused;
    model m = make(kind, kind % 2, out);
    ag_plan *plan = ag_compile(m.g, OUTPUTS, out, &options);
    ag_c_options o = { .initial = 1, .message = message, .message_size = sizeof message };
    snprintf(prefix, sizeof prefix, "f%d", kind);
    ck_assert_msg(plan && !ag_write_c(plan, prefix, to, NULL, &o), "%s: %s", kinds[kind].name, message);
    fprintf(to, "static int call_%s(void)\n{\n", prefix);
    fprintf(to, "    static struct %s_parameters p = %s_initial, q;\n    static struct %s_outputs o;\n", prefix, prefix,
            prefix);
    fprintf(to, "    static double work[%s_WORKSPACE / 8 + 1], value[4][1000];\n    struct %s_inputs in = { 0 };\n",
            prefix, prefix);
    fprintf(to, "    double bad = 0;\n    int64_t index[2] = { 1, -1 }, label[2] = { 1, 0 };\n    int k;\n");
    fprintf(to, "    in.input_bad = &bad, in.input_index = index, in.input_label = label;\n");
    fprintf(to, "    o.output%d = value[%d];\n", 0, 0);
    fprintf(to, "    for (k = 0; k < 2; k++) {\n        bad = 0, index[1] = -1, label[1] = 0, q = p;\n");
    fprintf(to, "        if (%s(&in, &p, &o, work) || !memcmp(&p, &q, sizeof p)) return 1;\n", prefix);
    fprintf(to, "        bad = 1, index[1] = 4, label[1] = 2, q = p;\n");
    fprintf(to, "        if (!%s(&in, &p, &o, work) || memcmp(&p, &q, sizeof p)) return 2;\n", prefix);
    fprintf(to, "    }\n    return 0;\n}\n\n");
    ag_plan_free(plan);
    ag_graph_free(m.g);
}

START_TEST(parameters_stay_in_exported_functions)
{
    char folder[] = "/tmp/autograd-test-XXXXXX", command[512];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(command, sizeof command, "%s/f.c", folder);
    FILE *to = fopen(command, "w");
    fputs("#include <stdio.h>\n#include <string.h>\n", to);
    for (int k = 0; k < (int)COUNT(kinds); k++) write_case(to, k, k / 2 % 2);
    fputs("int main(void)\n{\n    int failed = 0, status;\n", to);
    for (int k = 0; k < (int)COUNT(kinds); k++)
        fprintf(to, "    if ((status = call_f%d())) printf(\"%s: %%d\\n\", status), failed = 1;\n", k, kinds[k].name);
    fputs("    return failed;\n}\n", to);
    fclose(to);
    snprintf(command, sizeof command, "cc -std=c99 -O0 %s/f.c -o %s/f -lm && %s/f", folder, folder, folder);
    int status = system(command);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

Suite *suite_failure(void)
{
    Suite *s = suite_create("failure");
    TCase *t = tcase_create("failure");
    tcase_add_loop_test(t, parameters_stay, 0, COUNT(kinds));
    tcase_add_test(t, an_update_that_fails);
    tcase_add_test(t, updates_stay_in_place);
    tcase_add_test(t, labels_outside_the_classes);
    suite_add_tcase(s, t);
    t = tcase_create("compiled");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, parameters_stay_in_native_plans, 0, COUNT(kinds));
    tcase_add_test(t, parameters_stay_in_exported_functions);
    suite_add_tcase(s, t);
    return s;
}
