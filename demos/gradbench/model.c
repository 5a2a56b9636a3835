/* Compiled graphs, the latest few of them kept for the next input of the same sizes. */
#include "eval.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 6 };

struct cache {
    model model[KEPT];
    int next;
};

static void clear(model *m)
{
    for (int i = 0; i < PLANS; i++) {
        ag_run_free(m->run[i]);
        ag_plan_free(m->plan[i]);
    }
    ag_graph_free(m->graph);
    free(m->node);
    memset(m, 0, sizeof *m);
}

cache *cache_new(void)
{
    return calloc(1, sizeof(cache));
}

void cache_free(cache *c)
{
    for (int i = 0; c && i < KEPT; i++) clear(&c->model[i]);
    free(c);
}

model *cache_model(cache *c, int nodes, reason *why, const char *key_format, ...)
{
    char key[sizeof c->model->key];
    va_list arguments;
    va_start(arguments, key_format);
    int length = vsnprintf(key, sizeof key, key_format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof key) return refuse(why, "sizes too long to tell apart"), NULL;
    for (int i = 0; i < KEPT; i++)
        if (c->model[i].ready && !strcmp(c->model[i].key, key)) return &c->model[i];
    model *m = &c->model[c->next];
    c->next = (c->next + 1) % KEPT;
    clear(m);
    strcpy(m->key, key);
    m->graph = ag_graph_new(NULL);
    m->node = calloc((size_t)nodes, sizeof(ag_node *));
    if (!m->graph || !m->node) return refuse(why, "out of memory"), NULL;
    return m;
}

int model_compile(model *m, int plan, int n, ag_node *const outputs[], reason *why)
{
    const ag_options options = { .native = m->native };
    m->plan[plan] = ag_graph_status(m->graph) ? NULL : ag_compile(m->graph, n, outputs, &options);
    if (!m->plan[plan]) return refuse(why, "%s", ag_graph_error(m->graph));
    m->run[plan] = ag_run_new(m->plan[plan]);
    if (!m->run[plan]) return refuse(why, "out of memory");
    return 0;
}

void model_feed(model *m, int plan, const ag_node *leaf, const void *data)
{
    ag_bind(m->run[plan], leaf, (void *)data); /* refused where the plan does not depend on the leaf */
}

int model_fill(model *m, int plan, const ag_node *output, void *data, reason *why)
{
    if (!ag_bind(m->run[plan], output, data)) return 0;
    if (!ag_fetch(m->run[plan], output, data)) return 0; /* a constant: never written again */
    return refuse(why, "%s", ag_run_error(m->run[plan]));
}

int model_run(model *m, int plan, reason *why)
{
    if (!ag_eval(m->run[plan])) return 0;
    return refuse(why, "%s", ag_run_error(m->run[plan]));
}

static ag_shape shape_of(int rank, const int64_t dim[])
{
    ag_shape s = { .rank = rank };
    for (int i = 0; i < rank; i++) s.dim[i] = dim[i];
    return s;
}

ag_node *real_input(model *m, const char *name, int rank, const int64_t dim[])
{
    return ag_input(m->graph, name, AG_F64, shape_of(rank, dim));
}

ag_node *index_input(model *m, const char *name, int64_t n)
{
    return ag_input(m->graph, name, AG_I64, AG_SHAPE(n));
}

ag_node *constant_like(ag_node *like, double value)
{
    return ag_broadcast_to(ag_cast(ag_number(ag_graph_of(like), value), AG_F64), ag_shape_of(like));
}

void numbers_of(ag_node *vector, ag_node **out)
{
    int64_t n = ag_shape_of(vector).dim[0];
    for (int64_t i = 0; i < n; i++) out[i] = ag_reshape(ag_slice(vector, 0, i, i + 1, 1), AG_SCALAR);
}

ag_node *vector_of(int n, ag_node **element)
{
    for (int i = 0; i < n; i++) element[i] = ag_reshape(element[i], AG_SHAPE(1));
    return ag_concat(n, element, 0);
}

ag_node *column_of(ag_node *matrix, int64_t j)
{
    return ag_reshape(ag_slice(matrix, 1, j, j + 1, 1), AG_SHAPE(ag_shape_of(matrix).dim[0]));
}
