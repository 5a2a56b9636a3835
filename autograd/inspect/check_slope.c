/* Numerical derivatives. */
#include "checking.h"

#include <math.h>

enum { LEVELS = 6 };

static void feed(agi_check *c, int which, const ag_node *v, const void *value)
{
    if (!c->status && ag_feed(c->run[which], v, value)) agi_check_stop(c, AG_EARG, ag_run_error(c->run[which]));
}

ag_status agi_check_prepare(agi_check *c, int which, int n, ag_node *const output[])
{
    c->plan[which] = ag_compile(c->graph, n, output, NULL);
    if (!c->plan[which]) return agi_check_stop(c, c->graph->status ? c->graph->status : AG_EMEM, c->graph->message);
    c->run[which] = ag_run_new(c->plan[which]);
    if (!c->run[which]) return agi_check_no_memory(c);
    for (int i = 0; i < c->leaves; i++)
        if (c->leaf[i].needed[which]) feed(c, which, c->leaf[i].node, c->leaf[i].value);
    return c->status;
}

ag_status agi_check_take_gradient(agi_check *c, ag_node *const dx[])
{
    double *to = c->gradient;
    ag_status status = ag_eval(c->run[1]);
    for (int i = 0; i < c->n && !status; to += ag_count(dx[i++])) status = ag_fetch(c->run[1], dx[i], to);
    return status ? agi_check_stop(c, status, ag_run_error(c->run[1])) : AG_OK;
}

void agi_check_discard(agi_check *c)
{
    for (int k = 0; k < 2; k++) {
        ag_run_free(c->run[k]);
        ag_plan_free(c->plan[k]);
        c->run[k] = NULL;
        c->plan[k] = NULL;
    }
}

/* f at x + h tangent for the elements lo to hi - 1, at x for the others. */
static double f_at(agi_check *c, const double *tangent, int64_t lo, int64_t hi, double h)
{
    int64_t first = 0, count;
    for (int k = 0; k < c->leaves; k++) /* f is to be one function: what it counts begins anew */
        if (c->leaf[k].assigned) feed(c, 0, c->leaf[k].node, c->leaf[k].value);
    for (int i = 0; i < c->n; i++, first += count) {
        count = ag_count(c->x[i]);
        if (first >= hi || first + count <= lo || !c->needed[i]) continue;
        for (int64_t k = 0; k < count; k++) {
            int inside = first + k >= lo && first + k < hi;
            c->moved[k] = inside ? c->at[i][k] + h * tangent[first + k] : c->at[i][k];
        }
        feed(c, 0, c->x[i], c->moved);
    }
    ag_status status = c->status ? c->status : ag_eval(c->run[0]);
    if (status) agi_check_stop(c, status, ag_run_error(c->run[0]));
    return c->status ? NAN : ag_item(c->run[0], c->f);
}

/* The derivative of f along the tangent: central differences with steps h, h / 4, h / 16 ..., extrapolated to 0
 * (Ridders 1982). Of all extrapolations the one that agrees best with those it was made of is taken: far from where f
 * is rough, from where x leaves the domain of f, and from rounding. */
double agi_check_slope(agi_check *c, const double *tangent, int64_t lo, int64_t hi)
{
    double row[2][LEVELS], best = NAN, disagreement = INFINITY, h = c->o.step;
    for (int k = 0; k < LEVELS && !(disagreement <= 1e-13 * fmax(1, fabs(best))); k++, h /= 4) {
        double *now = row[k & 1], *before = row[1 - (k & 1)], weight = 1;
        now[0] = (f_at(c, tangent, lo, hi, h) - f_at(c, tangent, lo, hi, -h)) / (2 * h);
        for (int j = 1; j <= k; j++) {
            weight *= 16; /* the error of column j - 1 goes with h^2j */
            now[j] = now[j - 1] + (now[j - 1] - before[j - 1]) / (weight - 1);
            double d = fmax(fabs(now[j] - now[j - 1]), fabs(now[j] - before[j - 1]));
            if (isfinite(now[j]) && d < disagreement) {
                disagreement = d;
                best = now[j];
            }
        }
    }
    f_at(c, tangent, lo, hi, 0); /* back to x */
    return best;
}
