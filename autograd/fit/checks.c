/* What training is asked for: is it all there, and does it fit together? */
#include "fitting.h"

#include <math.h>
#include <stdarg.h>

ag_status agi_fit_fail(ag_fit *f, ag_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->message, sizeof f->message, format, args);
    va_end(args);
    return status;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static ag_status check_array(ag_fit *f, int field, const char *what, const ag_array *a, int64_t *rows)
{
    if (!a->values || a->shape.rank < 1)
        return agi_fit_fail(f, AG_EARG, "field[%d].%s is no array of rows", field, what);
    if (a->shape.dim[0] < 1) return agi_fit_fail(f, AG_EARG, "field[%d].%s has no rows", field, what);
    if (*rows && a->shape.dim[0] != *rows)
        return agi_fit_fail(f, AG_ESHAPE, "field[%d].%s has %lld rows, those before have %lld", field, what,
                            (long long)a->shape.dim[0], (long long)*rows);
    *rows = a->shape.dim[0];
    return AG_OK;
}

static ag_status check_fields(ag_fit *f)
{
    const ag_fit_field *field = f->o.field;
    ag_status status = AG_OK;
    while (f->fields < AG_FIT_FIELDS && field[f->fields].train) f->fields++;
    if (!f->fields) return agi_fit_fail(f, AG_EARG, "there is no data: options.field[0].train is NULL");
    f->tested = field[0].test != NULL;
    for (int k = 0; k < f->fields && !status; k++) {
        if ((field[k].test != NULL) != f->tested)
            return agi_fit_fail(f, AG_EARG, "field[%d].test is %s, field[0].test is not", k,
                                field[k].test ? "there" : "NULL");
        status = check_array(f, k, "train", field[k].train, &f->rows);
        if (!status && f->tested) status = check_array(f, k, "test", field[k].test, &f->test_rows);
    }
    return status;
}

ag_status agi_fit_check(ag_fit *f)
{
    ag_fit_options *o = &f->o;
    if (!o->graph || !o->build) return agi_fit_fail(f, AG_EARG, "options.graph and options.build are needed");
    if (o->batch < 0 || o->epochs < 0 || o->save_steps < 0 || o->patience < 0)
        return agi_fit_fail(f, AG_EARG, "options.batch, epochs, save_steps and patience have to be 0 or more");
    while (f->metrics < AG_FIT_METRICS && o->metric[f->metrics]) f->metrics++;
    if (o->watch > f->metrics || o->watch < -f->metrics)
        return agi_fit_fail(f, AG_EARG, "options.watch is %d, and there are %d metrics", o->watch, f->metrics);
    ag_status status = check_fields(f);
    if (status) return status;
    if (!o->batch) o->batch = 32;
    if (!o->epochs) o->epochs = 1;
    f->batch = o->batch < f->rows ? o->batch : f->rows;
    return AG_OK;
}

/* ---- a model ----------------------------------------------------------------------------------------------------- */

static int64_t row_of(const ag_shape *s)
{
    int64_t n = 1;
    for (int i = 1; i < s->rank; i++) n *= s->dim[i];
    return n;
}

static ag_status check_input(ag_fit *f, int k, int64_t rows, const ag_node *x)
{
    const ag_array *const from[] = { f->o.field[k].train, f->o.field[k].test };
    if (!x) return agi_fit_fail(f, AG_EARG, "build has set no input[%d], which field[%d] is for", k, k);
    const ag_shape s = ag_shape_of(x);
    if (s.rank < 1 || s.dim[0] != rows)
        return agi_fit_fail(f, AG_ESHAPE, "input[%d] has %lld rows, in a batch of %lld", k,
                            s.rank ? (long long)s.dim[0] : 0, (long long)rows);
    for (int t = 0; t <= f->tested; t++)
        if (row_of(&s) != row_of(&from[t]->shape))
            return agi_fit_fail(f, AG_ESHAPE, "input[%d] takes %lld elements a row, field[%d].%s has %lld", k,
                                (long long)row_of(&s), k, t ? "test" : "train", (long long)row_of(&from[t]->shape));
    return AG_OK;
}

static ag_status check_number(ag_fit *f, const char *what, int k, const ag_node *x)
{
    char name[32];
    snprintf(name, sizeof name, k < 0 ? "%s" : "%s[%d]", what, k);
    if (!x) return agi_fit_fail(f, AG_EARG, "build has set no %s", name);
    if (ag_shape_of(x).rank) return agi_fit_fail(f, AG_ESHAPE, "build's %s is not of rank 0", name);
    return AG_OK;
}

ag_status agi_fit_check_model(ag_fit *f, int model)
{
    ag_fit_model *m = &f->model[model];
    if (ag_graph_status(f->o.graph))
        return agi_fit_fail(f, ag_graph_status(f->o.graph), "%.300s", ag_graph_error(f->o.graph));
    ag_status status = check_number(f, "loss", -1, m->loss);
    for (int k = 0; k < f->fields && !status; k++) status = check_input(f, k, f->sizes[model], m->input[k]);
    if (!status && !m->update && model < 2)
        return agi_fit_fail(f, AG_EARG, "build has set no update, so that nothing would be trained");
    if (!m->test_loss) m->test_loss = m->loss;
    if (!status) status = check_number(f, "test_loss", -1, m->test_loss);
    for (int k = 0; k < f->metrics && !status; k++) {
        status = check_number(f, "metric", k, m->metric[k]);
        if (!m->test_metric[k]) m->test_metric[k] = m->metric[k];
        if (!status) status = check_number(f, "test_metric", k, m->test_metric[k]);
    }
    return status;
}
