/* Determinant by expansion along the first row, written as the recursion it is: equal minors are met again and again,
 * and are one node each because equal subexpressions are. */
#include "eval.h"

#include <stdlib.h>

enum { PRIMAL, GRADIENT };
enum { A, Y, DA, NODES };
enum { LARGEST = 12 }; /* the recursion makes more than LARGEST! calls */

typedef struct {
    problem common;
    array a;
    int64_t n;
    double *da;
} det;

static int parse(problem *base, const json_t *input, reason *why)
{
    det *p = (det *)base;
    if (read_array(input, "A", 1, &p->a, why) || read_integer(input, "ell", 1, LARGEST, &p->n, why) ||
        check_shape(&p->a, "A", (int64_t[]){ p->n * p->n }, why))
        return -1;
    p->da = malloc((size_t)p->a.count * sizeof *p->da);
    return p->da ? 0 : refuse(why, "out of memory");
}

/* Of the matrix whose rows begin at `row` and whose columns are those not in `used`. */
static ag_node *expand(int n, ag_node *const *row, unsigned used)
{
    ag_node *sum = NULL;
    for (int j = 0, sign = 1; j < n; j++) {
        if (used >> j & 1) continue;
        unsigned without = used | 1u << j;
        if (without == (1u << n) - 1) return row[j];
        ag_node *term = ag_mul(row[j], expand(n, row + n, without));
        sum = !sum ? term : sign > 0 ? ag_add(sum, term) : ag_sub(sum, term);
        sign = -sign;
    }
    return sum;
}

static int build(model *m, const det *p, reason *why)
{
    enum { MOST = LARGEST * LARGEST };
    int n = (int)p->n, count = n * n;
    ag_node *a[MOST], *da[MOST];
    m->node[A] = real_input(m, "A", 1, p->a.dim);
    numbers_of(m->node[A], a);
    ag_node *y = m->node[Y] = expand(n, a, 0);
    if (p->common.function == PRIMAL) return model_compile(m, 0, 1, &y, why);
    ag_gradient(y, count, a, da);
    m->node[DA] = vector_of(count, da);
    return model_compile(m, 0, 1, &m->node[DA], why);
}

static int prepare(problem *base, reason *why)
{
    det *p = (det *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "det %d %d", base->function, (int)p->n);
    if (m) m->native = 1;
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    model_feed(m, 0, m->node[A], p->a.data);
    return base->function == PRIMAL ? 0 : model_fill(m, 0, m->node[DA], p->da, why);
}

static json_t *output(const problem *base)
{
    const det *p = (const det *)base;
    if (base->function == GRADIENT) return write_array(1, p->a.dim, p->da);
    return write_number(ag_item(base->model->run[0], base->model->node[Y]));
}

static void release(problem *base)
{
    det *p = (det *)base;
    free(p->a.data);
    free(p->da);
}

const eval det_eval = { "det", { "primal", "gradient" }, sizeof(det), parse, prepare, NULL, output, release };
