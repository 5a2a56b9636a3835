/* Making an ag_fit: models, plans and runs of each size of batch, all on one set of parameters. */
#include "fitting.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- models: whole batches, what is left over of the training's rows, and of the tests' -------------------------- */

static int model_of(const ag_fit *f, int64_t rows)
{
    int k = 0;
    while (f->sizes[k] != rows) k++;
    return k;
}

static ag_status build(ag_fit *f)
{
    const int64_t rest = f->rows % f->batch, test_rest = f->test_rows % f->batch;
    f->sizes[0] = f->batch;
    f->sizes[1] = rest;
    f->sizes[2] = test_rest == rest ? 0 : test_rest;
    for (int k = 0; k < 3; k++) {
        if (!f->sizes[k]) continue;
        f->o.build(f->o.graph, f->sizes[k], &f->model[k], f->o.context);
        ag_status status = agi_fit_check_model(f, k);
        if (status) return status;
    }
    f->pass[AGI_WHOLE].rows = f->batch;
    f->pass[AGI_REST].rows = rest;
    f->pass[AGI_TEST].rows = f->test_rows >= f->batch ? f->batch : 0;
    f->pass[AGI_TEST_REST].rows = test_rest;
    return AG_OK;
}

/* The parameter of that name, of this training or of an earlier one of the graph. */
static ag_node *keep(ag_fit *f, const char *name, ag_dtype type, int64_t n)
{
    ag_node *there = ag_find(f->o.graph, name);
    return there ? there : ag_parameter(f->o.graph, name, type, AG_SHAPE(n), NULL);
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static ag_status compile(ag_fit *f, int k)
{
    agi_batches *p = &f->pass[k];
    p->model = model_of(f, p->rows);
    const ag_fit_model *m = &f->model[p->model];
    const int test = k >= AGI_TEST;
    ag_node *out[3 + 1 + AG_FIT_METRICS];
    int n = 0;
    out[n++] = test ? m->test_loss : m->loss;
    for (int i = 0; i < f->metrics; i++) out[n++] = test ? m->test_metric[i] : m->metric[i];
    if (!test) out[n++] = m->update;
    if (k == AGI_WHOLE) out[n++] = f->place, out[n++] = f->sums;
    p->plan = ag_compile(f->o.graph, n, out, &f->o.options);
    if (!p->plan) return agi_fit_fail(f, ag_graph_status(f->o.graph), "%.300s", ag_graph_error(f->o.graph));
    p->run = ag_run_new(p->plan);
    return p->run ? AG_OK : agi_fit_fail(f, AG_EMEM, "out of memory");
}

/* Inputs lie in memory of ours, where a batch's rows are put. */
static ag_status bind(ag_fit *f, agi_batches *p)
{
    for (int k = 0; k < f->fields; k++) {
        ag_node *x = f->model[p->model].input[k];
        p->fed[k] = calloc((size_t)ag_size_of(x), ag_type_of(x) == AG_F32 ? sizeof(float) : sizeof(double));
        if (!p->fed[k]) return agi_fit_fail(f, AG_EMEM, "out of memory");
        ag_status status = ag_bind(p->run, x, p->fed[k]);
        if (status) return agi_fit_fail(f, status, "%.300s", ag_run_error(p->run));
    }
    return AG_OK;
}

static ag_status make_passes(ag_fit *f)
{
    for (int k = 0; k < AGI_PASSES; k++) {
        agi_batches *p = &f->pass[k];
        if (!p->rows) continue;
        ag_status status = compile(f, k);
        if (!status) status = bind(f, p);
        if (status) return status;
        if (k == AGI_WHOLE) continue;
        status = ag_run_share(p->run, f->pass[AGI_WHOLE].run);
        if (status) return agi_fit_fail(f, status, "%.300s", ag_run_error(p->run));
    }
    return AG_OK;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static ag_status set_up(ag_fit *f)
{
    ag_status status = agi_fit_check(f);
    if (!status) status = build(f);
    if (status) return status;
    f->place = keep(f, "fit/place", AG_I64, 8);
    f->sums = keep(f, "fit/sums", AG_F64, 8);
    f->order = malloc((size_t)f->rows * sizeof *f->order);
    if (!f->order) return agi_fit_fail(f, AG_EMEM, "out of memory");
    status = make_passes(f);
    if (!status) status = agi_fit_resume(f);
    if (!status) agi_fit_shuffle(f);
    return status;
}

ag_fit *ag_fit_new(const ag_fit_options *options, ag_problem *problem)
{
    if (problem) problem->message[0] = 0;
    ag_fit *f = options ? calloc(1, sizeof *f) : NULL;
    if (!f) {
        const char *reason = options ? "out of memory" : "there are no options";
        if (problem) snprintf(problem->message, sizeof problem->message, "%s", reason);
        return NULL;
    }
    f->o = *options;
    f->now.loss = f->now.test_loss = f->now.best = NAN;
    for (int k = 0; k < AG_FIT_METRICS; k++) f->now.metric[k] = f->now.test_metric[k] = NAN;
    if (!set_up(f)) return f;
    if (problem) memcpy(problem->message, f->message, sizeof f->message);
    ag_fit_free(f);
    return NULL;
}

void ag_fit_free(ag_fit *f)
{
    if (!f) return;
    for (int k = AGI_PASSES; k-- > 0;) { /* the first has the others' parameters */
        ag_run_free(f->pass[k].run);
        ag_plan_free(f->pass[k].plan);
        for (int i = 0; i < AG_FIT_FIELDS; i++) free(f->pass[k].fed[i]);
    }
    free(f->order);
    free(f->history);
    free(f);
}

const ag_fit_state *ag_fit_now(const ag_fit *f)
{
    return &f->now;
}

ag_run *ag_fit_run(ag_fit *f)
{
    return f ? f->pass[AGI_WHOLE].run : NULL;
}

const char *ag_fit_error(const ag_fit *f)
{
    return f ? f->message : "there is no ag_fit: see the problem that ag_fit_new filled in";
}
