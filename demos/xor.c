/* Exclusive or, which no single neuron can learn: a network of 2-3-1 neurons can. */
#include "../autograd/autograd.h"

int main(void)
{
    ag_graph *g = ag_graph_new(NULL);

    /* The four cases, and what is to come out. */
    ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(4, 2), (double[]){ 0, 0, 0, 1, 1, 0, 1, 1 });
    ag_node *t = ag_constant(g, AG_F64, AG_SHAPE(4), (double[]){ 0, 1, 1, 0 });

    /* Weights and biases of three hidden neurons and one behind them; what is not given starts as 0. */
    ag_node *w1 = ag_parameter(g, "w1", AG_F64, AG_SHAPE(2, 3), (double[]){ 0.9, -0.4, 0.3, -0.7, 0.8, 0.2 });
    ag_node *b1 = ag_parameter(g, "b1", AG_F64, AG_SHAPE(3), NULL);
    ag_node *w2 = ag_parameter(g, "w2", AG_F64, AG_SHAPE(3), (double[]){ 0.5, 0.6, -0.3 });
    ag_node *b2 = ag_parameter(g, "b2", AG_F64, AG_SCALAR, NULL);

    /* The network, how wrong it is, and a step that makes it less so: the chain rule is the library's work. */
    ag_node *h = ag_tanh(ag_add(ag_dot(x, w1), b1)), *y = ag_sigmoid(ag_add(ag_dot(h, w2), b2));
    ag_node *loss = ag_mean(ag_square(ag_sub(y, t)));
    ag_node *step = ag_sgd(loss, &(ag_sgd_options){ .rate = 2 });

    ag_plan *plan = ag_compile(g, 3, (ag_node *[]){ y, loss, step }, NULL);
    ag_run *run = ag_run_new(plan);
    for (int i = 0; i <= 1000; i++) {
        if (ag_eval(run)) return 1;
        const double *now = ag_data(run, y);
        if (i % 200 == 0)
            printf("step %4d  loss %.5f  00: %.3f  01: %.3f  10: %.3f  11: %.3f\n", i, ag_item(run, loss), now[0],
                   now[1], now[2], now[3]);
    }
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(g);
}
