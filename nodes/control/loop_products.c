/* The gradient of a matrix that the steps of a loop multiply by is the sum over them of products, x_t^T g_t: one
 * product of all steps' rows, X^T G, after the backward loop, which stacks the g_t. It takes fewer passes over memory
 * than a sum that each step adds to, and more memory: so what is stacked is smaller, by step, than the matrix, and not
 * much more than what the loop keeps in any case. The same goes for what the forward loop has kept. */
#include "graph/graph.h"
#include "loop_backward.h"
#include "shared/matrix.h"

#include <limits.h>

/* ---- what is stacked --------------------------------------------------------------------------------------------- */

/* What may be stacked: so many times what is in any case, or so many bytes, whichever is more. */
enum { MOST_TIMES = 4, FEW_BYTES = 1 << 22 };

static double bytes_of(int n, ag_node *const x[])
{
    double bytes = 0;
    for (int k = 0; k < n; k++) bytes += (double)agi_node_bytes(x[k]);
    return bytes;
}

static int64_t room_for_stacks(const agi_loop_attribute *l)
{
    double bytes = bytes_of(l->states, l->state) + bytes_of(l->elements, l->element);
    bytes = MOST_TIMES * (double)l->length * (bytes + bytes_of(l->results - l->kept, l->result));
    if (bytes < FEW_BYTES) bytes = FEW_BYTES;
    return bytes < (double)l->room ? (int64_t)bytes : l->room;
}

/* The place of a value, or the free one that it would have. */
static agi_stacked *find(const agi_puller *p, const ag_node *value)
{
    uint32_t at = value->id * 2654435761u;
    while (p->stack[at &= p->stacks - 1].value && p->stack[at].value != value) at++;
    return &p->stack[at];
}

enum { NOT_YET = -1 };

static void know(agi_puller *p, const ag_node *value, ag_node *stack_or_null)
{
    agi_stacked *s = find(p, value);
    if (!s->value) *s = (agi_stacked){ .value = value, .stack = stack_or_null, .result = NOT_YET };
}

static int make_room(agi_puller *p)
{
    const agi_loop_attribute *l = p->l;
    const size_t more = 2 * AGI_MOST_TERMS * (size_t)l->captures;
    const size_t most = (size_t)(p->back.states + p->back.elements + l->results) + more;
    for (p->stacks = 2; p->stacks < 2 * most; p->stacks *= 2) { }
    p->stack = agi_keep(p->graph, NULL, p->stacks * sizeof *p->stack);
    p->more = agi_keep(p->graph, NULL, (more + 1) * sizeof *p->more);
    p->product = agi_keep(p->graph, NULL, ((size_t)p->nx + 1) * sizeof *p->product);
    return p->stack && p->more && p->product;
}

/* What the backward body reads, the states of its own aside, and the results of the forward one. */
static void know_leaves(agi_puller *p)
{
    const agi_loop_attribute *l = p->l;
    for (int k = 0; k < p->back.states; k++) know(p, p->state[k], NULL);
    for (int k = 0; k < p->back.elements; k++) know(p, p->element[k], p->sequence[k]);
    for (int k = 0; k < l->results - l->kept; k++) know(p, l->result[k], agi_new_part(p->y, agi_part_result(l, k)));
}

static int fits(const agi_puller *p, double bytes)
{
    return bytes * (double)p->l->length <= (double)p->left;
}

static void take(agi_puller *p, const ag_node *value)
{
    p->left -= p->l->length * agi_node_bytes(value);
}

/* The products that the backward body reads it reads from where the forward loop has kept them. */
static int read_kept(agi_puller *p)
{
    const agi_loop_attribute *l = p->l;
    ag_node *const *kept = l->result + l->results - l->kept;
    unsigned char *used = agi_keep(p->graph, NULL, (size_t)l->kept + 1);
    if (!used || (l->kept && !agi_find_reading(p->graph, p->nx, p->dx, l->kept, kept, used, NULL))) return 0;
    for (int k = 0; k < l->kept; k++) {
        if (!used[k] || !fits(p, (double)agi_node_bytes(kept[k]))) continue;
        ag_node *stack = agi_new_part(p->y, agi_part_result(l, l->results - l->kept + k));
        agi_add_element(p, kept[k], stack);
        know(p, kept[k], stack);
        take(p, kept[k]);
    }
    return 1;
}

/* ---- gradients that are products --------------------------------------------------------------------------------- */

/* What x is computed as, up to a value that is marked to be computed again. */
static const ag_node *last_input(const ag_node *x)
{
    while (agi_is_last_input(x) && !(x->op->flags & AG_RECOMPUTE)) x = x->in[x->nin - 1];
    return x;
}

/* The value that x shows the elements of, in the same order; in any order if it is a vector. */
static const ag_node *elements_of(const ag_node *x, int vector)
{
    enum { MOST_AXES = 5 }; /* more are left for the steps and for batches */
    for (x = last_input(x); x->op == &agi_reshape || (vector && x->op == &agi_transpose); x = last_input(x->in[0]))
        if (x->in[0]->rank > MOST_AXES) break;
    return x;
}

/* u v, u a column and v a row. */
static int is_outer(const ag_node *u, const ag_node *v, const ag_node *y)
{
    return u->rank == 2 && u->dim[1] == 1 && ag_count(u) == y->dim[0] && ag_count(v) == y->dim[1] &&
           v->dim[v->rank - 1] == y->dim[1];
}

/* d, as it is computed, is a product of two matrices. */
static int add_term(agi_step_products *of, const ag_node *d, int transposed)
{
    ag_node *a = d->in[0], *b = d->in[1];
    int64_t rows = 1;
    if (of->n == AGI_MOST_TERMS) return 0;
    if (d->op->flags & AG_PRODUCT) {
        if (a->rank != 2 || b->rank != 2) return 0;
        rows = b->dim[0];
    } else if (d->op == &agi_mul && d->dim[0] > 1 && d->dim[1] > 1) {
        if (is_outer(b, a, d)) a = d->in[1], b = d->in[0];
        else if (!is_outer(a, b, d)) return 0;
    } else {
        return 0;
    }
    const ag_node *x = rows == 1 ? a : a->op == &agi_transpose ? a->in[0] : ag_transpose(a, NULL);
    if (ag_is_bad(x)) return 0;
    of->term[of->n].a = elements_of(x, rows == 1);
    of->term[of->n].b = elements_of(b, rows == 1);
    of->term[of->n].rows = rows;
    of->term[of->n].m = d->dim[0];
    of->term[of->n].n = d->dim[1];
    of->term[of->n++].transposed = transposed;
    return 1;
}

/* d is a sum of few products of matrices, perhaps transposed. */
static int find_terms(const ag_node *d, agi_step_products *of)
{
    struct {
        const ag_node *node;
        int transposed;
    } open[AGI_MOST_TERMS + 1] = { { d, 0 } };
    for (int n = 1; n > 0;) {
        const int transposed = open[--n].transposed;
        const ag_node *x = last_input(open[n].node);
        if (x->rank != 2) return 0;
        if (x->op == &agi_transpose) {
            open[n].node = x->in[0];
            open[n++].transposed = !transposed;
        } else if (x->op == &agi_add && ag_same_shape(x->in[0], x) && ag_same_shape(x->in[1], x)) {
            if (n + 2 > AGI_MOST_TERMS) return 0;
            for (int k = 2; k-- > 0; n++) open[n].node = x->in[k], open[n].transposed = transposed;
        } else if (!x->nin || x->nin > 2 || !add_term(of, x, transposed)) {
            return 0;
        }
    }
    return 1;
}

static int is_stacked(const agi_stacked *s)
{
    return s->value && (s->stack || s->result != NOT_YET);
}

/* What would be stacked of the value; -1: it is no value of the body, or none that is to be kept. */
static int64_t new_elements(const agi_puller *p, const ag_node *value)
{
    const agi_stacked *s = find(p, value);
    if (is_stacked(s)) return 0;
    return s->value || (value->nin && !(value->op->flags & AG_RECOMPUTE)) ? ag_count(value) : -1;
}

/* Writing an element, and reading it again, takes as long as adding to two of a matrix that is near; one that another
 * order of axes scatters, twice that. */
static int pays(const agi_puller *p, const ag_node *x, const agi_step_products *of)
{
    enum { PER_ELEMENT = 2 };
    int64_t all = 0, cost = 0;
    for (int k = 0; k < of->n; k++) {
        const ag_node *operand[] = { of->term[k].a, of->term[k].b };
        for (int i = 0; i < 2; i++) {
            const int64_t n = new_elements(p, operand[i]);
            if (n < 0) return 0;
            all += n;
            cost += operand[i]->op == &agi_transpose ? 2 * PER_ELEMENT * n : PER_ELEMENT * n;
        }
        if (of->term[k].rows > INT_MAX / p->l->length) return 0;
    }
    return cost <= of->n * ag_count(x) && fits(p, (double)all * (double)ag_dtype_size((ag_dtype)x->dtype));
}

static void stack_too(agi_puller *p, const ag_node *value)
{
    agi_stacked *s = find(p, value);
    if (is_stacked(s)) return;
    *s = (agi_stacked){ .value = value, .result = p->nmore };
    p->more[p->nmore++] = (ag_node *)value;
    take(p, value);
}

int agi_find_products(agi_puller *p)
{
    const int first = p->l->states + p->l->elements;
    p->left = room_for_stacks(p->l);
    if (!make_room(p)) return 0;
    know_leaves(p);
    if (!read_kept(p)) return 0;
    for (int k = p->nstates; k < p->nx && !p->count; k++) {
        agi_step_products of = { 0 };
        if (p->goal[k] < first || p->active[k] || !find_terms(p->dx[k], &of) || !pays(p, p->x[k], &of)) continue;
        for (int i = 0; i < of.n; i++) stack_too(p, of.term[i].a), stack_too(p, of.term[i].b);
        p->product[k] = of;
    }
    return !p->graph->status;
}

int agi_is_product(const agi_puller *p, int x)
{
    return p->product[x].n > 0;
}

/* ---- after the loop ---------------------------------------------------------------------------------------------- */

int agi_stack_for_products(agi_puller *p)
{
    const int n = p->back.results;
    ag_node **result = agi_keep(p->graph, NULL, (size_t)(n + p->nmore) * sizeof *result);
    if (!result) return 0;
    if (n) memcpy(result, p->result, (size_t)n * sizeof *result);
    if (p->nmore) memcpy(result + n, p->more, (size_t)p->nmore * sizeof *result);
    p->result = result;
    p->back.results += p->nmore;
    p->first_more = n;
    return 1;
}

/* Products of f32 of more rows are sums of parts' products, as long sums are, if the steps have such parts. */
static int64_t parts_of(const agi_puller *p, int64_t rows, const ag_node *x)
{
    enum { MANY_ROWS = 1 << 15 };
    const int64_t steps = p->l->length, all = steps * rows;
    if (x->dtype != AG_F32 || all <= MANY_ROWS) return 1;
    for (int64_t parts = all / MANY_ROWS; parts <= 2 * all / MANY_ROWS + 2; parts++)
        if (steps % parts == 0) return parts;
    return 1;
}

/* The rows of all steps, [parts, steps rows / parts, columns]. */
static ag_node *all_rows(const agi_puller *p, const ag_node *value, int64_t parts, int64_t columns)
{
    const agi_stacked *s = find(p, value);
    ag_node *stack = s->stack ? s->stack : agi_stack_of(p, p->first_more + s->result);
    return ag_reshape(stack, parts > 1 ? AG_SHAPE(parts, -1, columns) : AG_SHAPE(-1, columns));
}

ag_node *agi_product_of_steps(const agi_puller *p, int x)
{
    const agi_step_products *of = &p->product[x];
    ag_node *sum = NULL;
    for (int k = 0; k < of->n; k++) {
        const int64_t parts = parts_of(p, of->term[k].rows, p->x[x]);
        ag_node *a = all_rows(p, of->term[k].a, parts, of->term[k].m);
        ag_node *b = all_rows(p, of->term[k].b, parts, of->term[k].n);
        ag_node *y = of->term[k].transposed ? ag_matmul(agi_transposed(b), a) : ag_matmul(agi_transposed(a), b);
        if (parts > 1) y = ag_sum_axis(y, 0, 0);
        sum = sum ? ag_add(sum, y) : y;
    }
    return sum;
}
