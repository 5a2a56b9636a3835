/* An engine to be read: reverse-mode differentiation of scalars and vectors, derivatives of any order, in one file.
 * The library does the same; what it has besides is shapes, speed and errors that are told. Its tests hold the two
 * against each other.
 *
 * The idea in one paragraph. A computation is written down as a graph before any number is known: each node is an
 * operation on earlier nodes. Nodes stand in the order they were made in, so all that a node needs stands before it;
 * evaluating is one walk from the first to the last. Differentiating is one walk back: each node knows how much y
 * changes with it (its flow, dy/dnode), and hands to each operand its own flow times its local derivative. That is the
 * chain rule. Since flows are nodes again, they can be evaluated, and differentiated once more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the graph ------------------------------------------------------------------------------------------------- */

typedef struct node node;
typedef struct graph graph;

/* What a node does. A pointwise operation computes each element by f of the operands' elements there; `sum` and
 * `spread` have none. A rule makes nodes: given y = op(a, b) and dL/dy, it returns dL/da, or dL/db. */
typedef struct operation {
    const char *name;
    double (*f)(double a, double b);
    node *(*rules[2])(node *y, node *flow);
} operation;

struct node {
    graph *graph;
    const operation *op; /* NULL: a leaf, whose value is the user's to set */
    node *operands[2];   /* NULL: there is none */
    double exponent;     /* of `power` */
    int place, size;     /* in the graph; of the vector, 1 for a scalar */
    double *value;       /* [size] */
};

struct graph {
    node **nodes;
    int count, room;
};

/* Fresh memory, zeros. A program to be read may end where there is none; a library may not. */
static void *fresh(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory) return memory;
    fprintf(stderr, "tiny: out of memory\n");
    exit(1);
}

static node *append(graph *g, const operation *op, int size, node *a, node *b)
{
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 64;
        node **nodes = fresh((size_t)g->room, sizeof *nodes);
        for (int i = 0; i < g->count; i++) nodes[i] = g->nodes[i];
        free(g->nodes);
        g->nodes = nodes;
    }
    node *n = fresh(1, sizeof *n);
    *n = (node){ .graph = g, .op = op, .operands = { a, b }, .place = g->count, .size = size };
    n->value = fresh((size_t)size, sizeof *n->value);
    return g->nodes[g->count++] = n;
}

static node *vector(graph *g, int size, const double *value)
{
    node *n = append(g, NULL, size, NULL, NULL);
    for (int i = 0; i < size; i++) n->value[i] = value[i];
    return n;
}

static node *scalar(graph *g, double value)
{
    return vector(g, 1, &value);
}

static void release(graph *g)
{
    for (int i = 0; i < g->count; i++) {
        free(g->nodes[i]->value);
        free(g->nodes[i]);
    }
    free(g->nodes);
}

/* ---- the operations and their rules ----------------------------------------------------------------------------- */

/* A sum adds a vector's elements up, a spread repeats a scalar: each is the other's rule. Where a scalar meets a
 * vector it is spread first, so pointwise operations know only operands of one size. */
static node *sum_rule(node *y, node *flow), *spread_rule(node *y, node *flow);
static const operation sum_op = { "sum", NULL, { sum_rule, NULL } };
static const operation spread_op = { "spread", NULL, { spread_rule, NULL } };

static node *sum(node *a)
{
    return a->size == 1 ? a : append(a->graph, &sum_op, 1, a, NULL);
}

static node *spread(node *a, int size)
{
    return a->size == size ? a : append(a->graph, &spread_op, size, a, NULL);
}

static node *sum_rule(node *y, node *flow)
{
    return spread(flow, y->operands[0]->size);
}

static node *spread_rule(node *y, node *flow)
{
    (void)y;
    return sum(flow);
}

static node *pointwise(const operation *op, node *a, node *b)
{
    const int size = b && b->size > a->size ? b->size : a->size;
    a = spread(a, size);
    return append(a->graph, op, size, a, b ? spread(b, size) : NULL);
}

/* One line an operation: its value from the numbers a and b; then, a, b and y being nodes and flow being dL/dy, what
 * flows to a and to b. */
#define OPERATION(name, formula, to_a, to_b) \
    static double name##_f(double a, double b) { (void)a, (void)b; return formula; } \
    static node *name##_a(node *y, node *flow) { node *a, *b = operands(y, &a); (void)a, (void)b; return to_a; } \
    static node *name##_b(node *y, node *flow) { node *a, *b = operands(y, &a); (void)a, (void)b; return to_b; } \
    static const operation name##_op = { #name, name##_f, { name##_a, name##_b } };
#define BINARY(name, formula, to_a, to_b) \
    OPERATION(name, formula, to_a, to_b) \
    static node *name(node *a, node *b) { return pointwise(&name##_op, a, b); }
#define UNARY(name, formula, to_a) \
    OPERATION(name, formula, to_a, (flow)) \
    static node *name(node *a) { return pointwise(&name##_op, a, NULL); }

static node *operands(node *y, node **a)
{
    *a = y->operands[0];
    return y->operands[1];
}

static node *minus(node *a, node *b), *times(node *a, node *b), *over(node *a, node *b), *negative(node *a);
static node *power(node *a, double exponent), *cosine(node *a);

BINARY(plus, a + b, flow, flow)
BINARY(minus, a - b, flow, negative(flow))
BINARY(times, a * b, times(flow, b), times(flow, a))
BINARY(over, a / b, over(flow, b), negative(over(times(flow, y), b))) /* -a / b^2 = -y / b */
UNARY(negative, -a, negative(flow))
UNARY(sine, sin(a), times(flow, cosine(a)))
UNARY(cosine, cos(a), negative(times(flow, sine(a))))
UNARY(exponential, exp(a), times(flow, y))
UNARY(logarithm, log(a), over(flow, a))
UNARY(sigmoid, 1 / (1 + exp(-a)), times(flow, minus(y, power(y, 2)))) /* y (1 - y) */

/* A number's power: the exponent is no node, and takes the place of b's value. */
OPERATION(power, pow(a, b), times(times(flow, scalar(y->graph, y->exponent)), power(a, y->exponent - 1)), (flow))

static node *power(node *a, double exponent)
{
    node *y = pointwise(&power_op, a, NULL);
    y->exponent = exponent;
    return y;
}

/* What is made of the others needs no rule. */
static node *dot(node *a, node *b)
{
    return sum(times(a, b));
}

static node *mean(node *a)
{
    return over(sum(a), scalar(a->graph, a->size));
}

/* ---- values, forwards ------------------------------------------------------------------------------------------- */

static void compute(node *y)
{
    const node *a = y->operands[0], *b = y->operands[1];
    if (!y->op) return;
    if (y->op == &sum_op) {
        y->value[0] = 0;
        for (int i = 0; i < a->size; i++) y->value[0] += a->value[i];
        return;
    }
    for (int i = 0; i < y->size; i++)
        y->value[i] = y->op == &spread_op ? a->value[0] : y->op->f(a->value[i], b ? b->value[i] : y->exponent);
}

static void evaluate(graph *g)
{
    for (int i = 0; i < g->count; i++) compute(g->nodes[i]);
}

/* ---- derivatives, backwards ------------------------------------------------------------------------------------- */

/* d[k] = dy/dx[k], nodes of x[k]'s size. Of a vector y it is the derivative of its sum. What is reached on several
 * ways gets the sum of what flows in; all of it has come when the walk arrives, since readers stand behind. */
static void gradient(node *y, int count, node *const *x, node **d)
{
    graph *g = y->graph;
    node **flow = fresh((size_t)y->place + 1, sizeof *flow);
    flow[y->place] = spread(scalar(g, 1), y->size);
    for (int i = y->place; i >= 0; i--) {
        node *n = g->nodes[i];
        for (int k = 0; k < 2 && flow[i] && n->operands[k]; k++) {
            node **into = &flow[n->operands[k]->place], *part = n->op->rules[k](n, flow[i]);
            *into = *into ? plus(*into, part) : part;
        }
    }
    for (int k = 0; k < count; k++) {
        node *reached = x[k]->place <= y->place ? flow[x[k]->place] : NULL;
        d[k] = reached ? reached : spread(scalar(g, 0), x[k]->size);
    }
    free(flow);
}

static node *derivative(node *y, node *x)
{
    node *d;
    gradient(y, 1, &x, &d);
    return d;
}

/* ---- three programs --------------------------------------------------------------------------------------------- */

/* The graph, a line for each node from the first to the last, with its value. */
static void list(const graph *g)
{
    for (int i = 0; i < g->count; i++) {
        const node *n = g->nodes[i];
        printf("    v%-3d = %s", i, n->op ? n->op->name : "leaf");
        for (int k = 0; k < 2 && n->operands[k]; k++) printf(" v%d", n->operands[k]->place);
        if (n->op == &power_op) printf(" to the %g", n->exponent);
        for (int k = 0; k < n->size; k++) printf(k ? " %g" : "    %g", n->value[k]);
        printf("\n");
    }
}

static void a_square(void)
{
    graph g = { 0 };
    node *x = scalar(&g, 3), *y = scalar(&g, 1), *f = power(plus(x, y), 2);
    node *slope = derivative(f, x), *curvature = derivative(slope, y);
    evaluate(&g);
    printf("f = (x + y)^2 at x = 3, y = 1: f = %g, df/dx = %g, d2f/dxdy = %g. The graph of it all:\n", f->value[0],
           slope->value[0], curvature->value[0]);
    list(&g);
    release(&g);
}

/* A derivative is a graph like any other, so it has one. */
static void any_order(void)
{
    graph g = { 0 };
    node *x = scalar(&g, 2), *d[6] = { over(times(exponential(negative(x)), sine(x)), logarithm(x)) };
    for (int k = 1; k < 6; k++) d[k] = derivative(d[k - 1], x);
    evaluate(&g);
    printf("\nf = exp(-x) sin(x) / log(x) at x = 2, and its first five derivatives:\n   ");
    for (int k = 0; k < 6; k++) printf(" %.10g", d[k]->value[0]);
    printf("\n    of a graph of %d nodes\n", g.count);
    release(&g);
}

/* Four neurons in two layers: weights of a neuron are a vector, and a layer's results are put into one by unit
 * vectors. Returns the loss after so many steps downhill. */
static double a_network(int steps)
{
    graph g = { 0 };
    node *x = vector(&g, 2, (double[]){ 0.5, 0.8 }), *t = vector(&g, 2, (double[]){ 0.2, 0.1 });
    node *unit[2] = { vector(&g, 2, (double[]){ 1, 0 }), vector(&g, 2, (double[]){ 0, 1 }) };
    node *w[4] = { vector(&g, 2, (double[]){ 0.1, 0.3 }), vector(&g, 2, (double[]){ 0.2, 0.1 }),
                   vector(&g, 2, (double[]){ 0.4, 0.1 }), vector(&g, 2, (double[]){ 0.5, 0.3 }) };
    node *y = x, *dw[4];
    for (int layer = 0; layer < 2; layer++) {
        node *first = times(unit[0], dot(w[2 * layer], y)), *second = times(unit[1], dot(w[2 * layer + 1], y));
        y = sigmoid(plus(first, second));
    }
    node *loss = mean(power(minus(y, t), 2));
    gradient(loss, 4, w, dw);
    evaluate(&g);
    for (int step = 0; step < steps; step++) {
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 2; i++) w[k]->value[i] -= 0.3 * dw[k]->value[i];
        evaluate(&g);
    }
    double last = loss->value[0];
    release(&g);
    return last;
}

int main(void)
{
    a_square();
    any_order();
    printf("\nFour neurons: loss %.10g at first, %.10g after 1400 steps\n", a_network(0), a_network(1400));
    return 0;
}
