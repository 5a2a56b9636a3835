/* L-BFGS (Nocedal 1980) with a line search for the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5,
 * 3.6 and 7.4).
 *
 * A loss that is not finite, or an evaluation that fails, is a step too far: the line search comes back. Vectors are
 * of doubles, all x one after the other, in one piece of memory. */
#include "run/run.h"
#include "train.h"

#include <math.h>

/* On the line: at x + step direction the loss and its derivative by the step. */
typedef struct {
    double step, loss, slope;
} point;

typedef struct {
    ag_run *run;
    ag_node *loss;
    int n;
    ag_node *const *x, *const *dx;
    ag_lbfgs_options o;
    ag_lbfgs_report *report;
    ag_status status;
    int64_t count; /* of all x */
    int pairs, newest; /* pairs kept; where the last one is */
    double *at, *gradient, *from, *slope_at, *direction; /* where we are; where the line begins; along it */
    double *moved, *turned, *inverse, *weight; /* pairs: x's change, the gradient's; 1 / their product; room */
    void *memory;
} solver;

/* ---- vectors ----------------------------------------------------------------------------------------------------- */

static double dot(int64_t n, const double *a, const double *b)
{
    enum { LANES = 8 };
    double lane[LANES] = { 0 }, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++) sum += a[i] * b[i];
    for (int l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

static void add(int64_t n, double *to, double factor, const double *a)
{
    for (int64_t i = 0; i < n; i++) to[i] += factor * a[i];
}

static double largest(int64_t n, const double *a)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i]) <= most)) most = fabs(a[i]); /* a NaN, too */
    return most;
}

/* ---- evaluations ------------------------------------------------------------------------------------------------- */

static ag_status refuse(solver *s, ag_status status, const char *why)
{
    snprintf(s->run->message, AGI_MESSAGE_BYTES, "ag_lbfgs: %s", why);
    return s->status = status;
}

static ag_status feed_all(solver *s)
{
    const double *from = s->at;
    ag_status status = AG_OK;
    for (int k = 0; k < s->n && !status; from += ag_count(s->x[k++])) {
        const int64_t n = ag_count(s->x[k]);
        status = ag_feed_f64(s->run, s->x[k], from, n);
    }
    return status;
}

static ag_status read_all(const ag_run *run, int n, ag_node *const x[], double *to)
{
    for (int k = 0; k < n; to += ag_count(x[k++])) {
        const int64_t count = ag_count(x[k]);
        const void *value = ag_data(run, x[k]);
        if (!value) return AG_EARG;
        if (x[k]->dtype == AG_F64) memcpy(to, value, (size_t)count * sizeof *to);
        else for (int64_t i = 0; i < count; i++) to[i] = ((const float *)value)[i];
    }
    return AG_OK;
}

/* The loss at `at`, whose gradient is then there; INFINITY where there is none. */
static double evaluate(solver *s)
{
    s->report->evaluations++;
    s->status = feed_all(s);
    if (!s->status) s->status = ag_eval(s->run);
    if (!s->status) s->status = read_all(s->run, s->n, s->dx, s->gradient);
    if (s->status) return INFINITY;
    const double loss = ag_item(s->run, s->loss);
    return isfinite(loss) && isfinite(largest(s->count, s->gradient)) ? loss : INFINITY;
}

static point try(solver *s, double step)
{
    point p = { .step = step };
    for (int64_t i = 0; i < s->count; i++) s->at[i] = s->from[i] + step * s->direction[i];
    p.loss = evaluate(s);
    p.slope = isfinite(p.loss) ? dot(s->count, s->gradient, s->direction) : INFINITY;
    return p;
}

/* ---- the line search --------------------------------------------------------------------------------------------- */

/* Where the cubic through both points with their slopes is least; NaN: it has no minimum, or they are not finite. */
static double least_of_cubic(point a, point b)
{
    const double d = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.step - b.step);
    const double root = sqrt(d * d - a.slope * b.slope) * (b.step > a.step ? 1 : -1);
    return b.step - (b.step - a.step) * ((b.slope + root - d) / (b.slope - a.slope + 2 * root));
}

static int falls_enough(const solver *s, point start, point p)
{
    return p.loss <= start.loss + s->o.decrease * p.step * start.slope;
}

static int is_flat(const solver *s, point start, point p)
{
    return fabs(p.slope) <= -s->o.curvature * start.slope;
}

/* Between low, the lowest point so far that falls enough, and high: by cubics, every third time by halves. */
static int search_between(solver *s, point start, point low, point high, int tries, point *found)
{
    for (int k = 0; k < tries; k++) {
        const double width = high.step - low.step;
        if (fabs(width) <= 1e-15 * fabs(low.step)) break;
        double step = k % 3 == 2 ? NAN : least_of_cubic(low, high);
        const double part = (step - low.step) / width;
        if (!(part >= 0.01 && part <= 0.99)) step = low.step + (part < 0.01 ? 0.01 : part > 0.99 ? 0.99 : 0.5) * width;
        const point now = try(s, step);
        if (!falls_enough(s, start, now) || now.loss >= low.loss) {
            high = now;
            continue;
        }
        *found = now;
        if (is_flat(s, start, now)) return 1;
        if (now.slope * width >= 0) high = low;
        low = now;
    }
    if (low.step == 0) return 0;
    *found = try(s, low.step); /* it falls, if not to where it is flat */
    return isfinite(found->loss);
}

/* 0: there is no step that falls enough. */
static int search(solver *s, point start, double step, point *found)
{
    point before = start;
    for (int k = 0; k < s->o.evaluations; k++) {
        const point now = try(s, step);
        if (!falls_enough(s, start, now) || (k && now.loss >= before.loss))
            return search_between(s, start, before, now, s->o.evaluations - k, found);
        *found = now;
        if (is_flat(s, start, now)) return 1;
        if (now.slope >= 0) return search_between(s, start, now, before, s->o.evaluations - k, found);
        const double next = least_of_cubic(before, now), nearest = now.step + 0.1 * (now.step - before.step);
        step = next >= nearest ? fmin(next, 10 * now.step) : 2 * now.step;
        before = now;
    }
    return 1;
}

/* ---- directions -------------------------------------------------------------------------------------------------- */

static int place(const solver *s, int age)
{
    return (s->newest - age + s->o.history) % s->o.history;
}

/* The inverse Hessian that the pairs tell of, times the gradient, turned around. */
static void turn(solver *s)
{
    const int64_t n = s->count;
    double *d = s->direction, scale = 1;
    for (int64_t i = 0; i < n; i++) d[i] = -s->gradient[i];
    for (int age = 0; age < s->pairs; age++) {
        const int k = place(s, age);
        s->weight[k] = s->inverse[k] * dot(n, s->moved + k * n, d);
        add(n, d, -s->weight[k], s->turned + k * n);
    }
    if (s->pairs) {
        const double *y = s->turned + s->newest * n;
        scale = 1 / (s->inverse[s->newest] * dot(n, y, y));
    }
    for (int64_t i = 0; i < n; i++) d[i] *= scale;
    for (int age = s->pairs; age-- > 0;) {
        const int k = place(s, age);
        add(n, d, s->weight[k] - s->inverse[k] * dot(n, s->turned + k * n, d), s->moved + k * n);
    }
}

static void keep_pair(solver *s)
{
    const int64_t n = s->count;
    const int k = place(s, -1);
    double *moved = s->moved + k * n, *turned = s->turned + k * n;
    for (int64_t i = 0; i < n; i++) {
        moved[i] = s->at[i] - s->from[i];
        turned[i] = s->gradient[i] - s->slope_at[i];
    }
    const double product = dot(n, moved, turned);
    if (!(product > 1e-16 * dot(n, turned, turned))) return; /* no positive curvature, from a line search cut short */
    s->inverse[k] = 1 / product;
    s->newest = k;
    if (s->pairs < s->o.history) s->pairs++;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void come_back(solver *s)
{
    memcpy(s->at, s->from, (size_t)s->count * sizeof *s->at);
    memcpy(s->gradient, s->slope_at, (size_t)s->count * sizeof *s->gradient);
}

/* Along the direction that the pairs tell of or, where that leads nowhere, against the gradient. 0: no step is down. */
static int go_down(solver *s, double *loss)
{
    const size_t bytes = (size_t)s->count * sizeof(double);
    memcpy(s->from, s->at, bytes);
    memcpy(s->slope_at, s->gradient, bytes);
    for (;;) {
        turn(s);
        const point start = { 0, *loss, dot(s->count, s->gradient, s->direction) };
        point end = start;
        const double first = s->pairs ? 1 : fmin(1, 1 / largest(s->count, s->gradient));
        if (start.slope < 0 && search(s, start, first, &end)) return *loss = end.loss, 1;
        come_back(s);
        if (!s->pairs) return 0;
        s->pairs = 0;
    }
}

static ag_lbfgs_stop iterate(solver *s)
{
    double loss = evaluate(s);
    if (!isfinite(loss)) return AG_LBFGS_NO_START;
    for (;; s->report->iterations++) {
        const double before = s->report->loss = loss;
        s->report->gradient = largest(s->count, s->gradient);
        if (s->report->gradient <= s->o.gradient) return AG_LBFGS_GRADIENT;
        if (s->report->iterations && s->report->change <= s->o.change * fabs(loss)) return AG_LBFGS_CHANGE;
        if (s->report->iterations == s->o.iterations) return AG_LBFGS_ITERATIONS;
        if (!go_down(s, &loss)) {
            evaluate(s); /* the run, too, is where we are */
            return AG_LBFGS_NO_STEP;
        }
        s->report->change = before - loss;
        keep_pair(s);
    }
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static ag_status check_nodes(solver *s)
{
    const ag_graph *g = s->run->plan->output[0]->graph;
    if (s->n < 1 || !s->x || !s->dx) return refuse(s, AG_EARG, "no x, or no list of dx");
    if (ag_is_bad(s->loss) || s->loss->graph != g || s->loss->rank || s->loss->dtype == AG_I64)
        return refuse(s, AG_EARG, "the loss is no single number of rank 0 of the run's graph");
    for (int k = 0; k < s->n; k++) {
        const ag_node *x = s->x[k], *dx = s->dx[k];
        if (ag_is_bad(x) || ag_is_bad(dx) || x->graph != g || dx->graph != g || !agi_is_fed(x) || x->dtype == AG_I64)
            return refuse(s, AG_EARG, "an x is no input or parameter of reals, or its dx no node, of the run's graph");
        if (!ag_same_shape(x, dx) || dx->dtype == AG_I64)
            return refuse(s, AG_ESHAPE, "an x and its dx differ in shape");
        s->count += ag_count(x);
    }
    return AG_OK;
}

static ag_status check_options(solver *s)
{
    ag_lbfgs_options *o = &s->o;
    o->decrease = agi_option(o->decrease, 1e-4);
    o->curvature = agi_option(o->curvature, 0.9);
    o->gradient = agi_option(o->gradient, 1e-6);
    o->change = agi_option(o->change, 1e-12);
    if (!o->history) o->history = 10;
    if (!o->iterations) o->iterations = 100;
    if (!o->evaluations) o->evaluations = 25;
    if (!(o->decrease > 0 && o->decrease < o->curvature && o->curvature < 1))
        return refuse(s, AG_EARG, "options.decrease has to be above 0 and below options.curvature, that below 1");
    if (!(o->gradient >= 0 && o->change >= 0) || o->history < 1 || o->iterations < 1 || o->evaluations < 1)
        return refuse(s, AG_EARG, "options have to be at least 0");
    return AG_OK;
}

static ag_status take_memory(solver *s)
{
    const size_t n = (size_t)s->count, m = (size_t)s->o.history, most = SIZE_MAX / sizeof(double);
    if (m > (most - 5 * n) / (2 * n + 2)) return refuse(s, AG_EMEM, "out of memory");
    double *at = s->memory = agi_allocate(&s->run->plan->allocator, (5 * n + m * (2 * n + 2)) * sizeof *at);
    if (!at) return refuse(s, AG_EMEM, "out of memory");
    s->at = at;
    s->gradient = at + n;
    s->from = at + 2 * n;
    s->slope_at = at + 3 * n;
    s->direction = at + 4 * n;
    s->moved = at + 5 * n;
    s->turned = s->moved + m * n;
    s->inverse = s->turned + m * n;
    s->weight = s->inverse + m;
    return AG_OK;
}

ag_status ag_lbfgs(ag_run *run, ag_node *loss, int n, ag_node *const x[], ag_node *const dx[],
                   const ag_lbfgs_options *or_null, ag_lbfgs_report *report)
{
    ag_lbfgs_report unread;
    solver s = { .run = run, .loss = loss, .n = n, .x = x, .dx = dx, .report = report ? report : &unread };
    *s.report = (ag_lbfgs_report){ .stop = AG_LBFGS_NO_START, .loss = NAN, .gradient = NAN };
    if (!run) return AG_EARG;
    if (or_null) s.o = *or_null;
    if (check_nodes(&s) || check_options(&s) || take_memory(&s)) return s.status;
    if (read_all(run, n, x, s.at)) refuse(&s, AG_EARG, "an x has no value in this run: it is not fed, or not needed");
    else s.report->stop = iterate(&s);
    if (!s.status && s.report->stop == AG_LBFGS_NO_START)
        refuse(&s, AG_ENAN, "the loss or its gradient is not finite at the start");
    agi_release(&run->plan->allocator, s.memory);
    return s.status;
}
