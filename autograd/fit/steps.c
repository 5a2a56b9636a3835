/* Steps of training, and tests: rows are dealt out, plans evaluated, sums kept. */
#include "fitting.h"

#include <math.h>

int64_t agi_fit_steps(const ag_fit *f)
{
    return (f->rows + f->batch - 1) / f->batch;
}

/* ---- the order of samples ---------------------------------------------------------------------------------------- */

/* SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

/* That of the epoch under way, which seed and epoch alone decide: Fisher and Yates. */
void agi_fit_shuffle(ag_fit *f)
{
    uint64_t state = f->o.seed, first = draw(&state) + (uint64_t)f->now.epoch;
    for (int64_t i = 0; i < f->rows; i++) f->order[i] = i;
    for (int64_t i = f->rows; i-- > 1 && !f->o.in_order;) {
        int64_t k = (int64_t)(draw(&first) % (uint64_t)(i + 1)), other = f->order[i];
        f->order[i] = f->order[k];
        f->order[k] = other;
    }
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

/* Of training: the rows of the order from `first` on; of tests: those from there on. */
static ag_status feed(ag_fit *f, const agi_batches *p, int test, int64_t first)
{
    for (int k = 0; k < f->fields; k++) {
        const ag_fit_field *field = &f->o.field[k];
        const ag_node *x = f->model[p->model].input[k];
        ag_problem why;
        ag_array head, rows = { 0 };
        ag_status status = AG_OK;
        if (test) status = ag_split_rows(field->test, first, &head, &rows, &why);
        if (!status)
            status = ag_take_rows(test ? &rows : field->train, p->rows, test ? NULL : f->order + first,
                                  field->scale ? field->scale : 1, field->shift, ag_type_of(x), p->fed[k], &why);
        if (status) return agi_fit_fail(f, status, "field[%d]: %.300s", k, why.message);
    }
    return AG_OK;
}

static void add(const ag_fit *f, const agi_batches *p, int test, agi_sums *s)
{
    const ag_fit_model *m = &f->model[p->model];
    const double rows = (double)p->rows;
    s->loss += rows * ag_item(p->run, test ? m->test_loss : m->loss);
    for (int k = 0; k < f->metrics; k++)
        s->metric[k] += rows * ag_item(p->run, test ? m->test_metric[k] : m->metric[k]);
    s->rows += rows;
}

static ag_status evaluate(ag_fit *f, int k, int64_t first, agi_sums *s)
{
    const agi_batches *p = &f->pass[k];
    const int test = k >= AGI_TEST;
    ag_status status = feed(f, p, test, first);
    if (status) return status;
    status = ag_eval(p->run);
    if (status) return agi_fit_fail(f, status, "%.300s", ag_run_error(p->run));
    add(f, p, test, s);
    return AG_OK;
}

ag_status agi_fit_step(ag_fit *f)
{
    const int64_t first = f->now.step * f->batch;
    ag_status status = evaluate(f, f->rows - first >= f->batch ? AGI_WHOLE : AGI_REST, first, &f->epoch);
    if (status) return status;
    f->now.step++;
    f->steps_here++;
    f->now.loss = f->epoch.loss / f->epoch.rows;
    for (int k = 0; k < f->metrics; k++) f->now.metric[k] = f->epoch.metric[k] / f->epoch.rows;
    if (isfinite(f->epoch.loss)) return AG_OK;
    return agi_fit_fail(f, AG_ENAN, "the loss became %g in epoch %d, step %lld: the rate may be too high; with "
                        ".options.trap_nan = 1 the message names the operation that it began with",
                        f->epoch.loss, f->now.epoch + 1, (long long)f->now.step);
}

ag_status agi_fit_run_tests(ag_fit *f, agi_sums *s)
{
    ag_status status = AG_OK;
    *s = (agi_sums){ 0 };
    for (int64_t first = 0; first < f->test_rows && !status; first += f->batch)
        status = evaluate(f, f->test_rows - first >= f->batch ? AGI_TEST : AGI_TEST_REST, first, s);
    return status;
}

ag_status ag_fit_test(ag_fit *f, double *loss, double metric[])
{
    agi_sums s;
    if (!f) return AG_EARG;
    f->message[0] = 0;
    if (!f->tested) return agi_fit_fail(f, AG_EARG, "there are no tests: options.field[].test are NULL");
    ag_status status = agi_fit_run_tests(f, &s);
    if (status) return status;
    if (loss) *loss = s.loss / s.rows;
    for (int k = 0; metric && k < f->metrics; k++) metric[k] = s.metric[k] / s.rows;
    return AG_OK;
}
