#include "input.h"

json_t *gb_list(int64_t n, const double *x)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_array_append_new(list, json_real(x[i]));
    return list;
}

json_t *gb_rows(int64_t n, int64_t columns, const double *x)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_array_append_new(list, gb_list(columns, x + i * columns));
    return list;
}

static json_t *integers(int64_t n, const int *x)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_array_append_new(list, json_integer(x[i]));
    return list;
}

static json_t *matrices(int64_t n, const double *x)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_array_append_new(list, gb_rows(4, 4, x + 16 * i));
    return list;
}

json_t *gb_gmm_input(const gb_gmm *g)
{
    return json_pack("{s:I, s:I, s:I, s:o, s:I, s:f, s:o, s:o, s:o, s:o}", "d", (json_int_t)g->d, "k",
                     (json_int_t)g->k, "n", (json_int_t)g->n, "x", gb_rows(g->n, g->d, g->x), "m", (json_int_t)g->m,
                     "gamma", g->gamma, "alpha", gb_list(g->k, g->alpha), "mu", gb_rows(g->k, g->d, g->mu), "q",
                     gb_rows(g->k, g->d, g->q), "l", gb_rows(g->k, g->d * (g->d - 1) / 2, g->l));
}

json_t *gb_ba_input(const gb_ba *b)
{
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:f, s:o}", "n", (json_int_t)b->n, "m", (json_int_t)b->m, "p",
                     (json_int_t)b->p, "cam", gb_list(GB_CAMERA, b->cameras), "x", gb_list(3, b->points), "w",
                     b->weights[0], "feat", gb_list(2, b->features));
}

json_t *gb_ht_input(const gb_ht *h)
{
    json_t *faces = json_array();
    for (int64_t i = 0; i < h->faces; i++) json_array_append_new(faces, integers(3, h->triangles + 3 * i));
    json_t *model = json_pack(
        "{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "bone_count", GB_BONES, "parents", integers(GB_BONES, h->parents),
        "base_relatives", matrices(GB_BONES, h->base_relatives), "inverse_base_absolutes",
        matrices(GB_BONES, h->base_inverses), "base_positions", gb_rows(h->vertices, 4, h->base_positions), "weights",
        gb_rows(h->vertices, GB_BONES, h->weights), "triangles", faces, "is_mirrored", h->mirrored);
    json_t *data = json_pack("{s:o, s:o, s:o}", "model", model, "correspondences",
                             integers(h->count, h->correspondences), "points", gb_rows(h->count, 3, h->points));
    return json_pack("{s:o, s:o, s:o}", "theta", gb_list(GB_THETA, h->theta), "data", data, "us",
                     h->us ? gb_rows(h->count, 2, h->us) : json_array());
}

json_t *gb_lstm_input(const gb_lstm *p)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "main_params", gb_rows(2 * p->layers, 4 * p->bits, p->main),
                     "extra_params", gb_rows(3, p->bits, p->extra), "state", gb_rows(2 * p->layers, p->bits, p->state),
                     "sequence", gb_rows(p->count, p->bits, p->sequence));
}

json_t *gb_kmeans_input(const gb_kmeans *m)
{
    return json_pack("{s:o, s:o}", "points", gb_rows(m->n, m->d, m->points), "centroids",
                     gb_rows(m->k, m->d, m->centroids));
}

json_t *gb_llsq_input(int64_t n, int64_t m, const double *x)
{
    return json_pack("{s:o, s:I}", "x", gb_list(m, x), "n", (json_int_t)n);
}

json_t *gb_lse_input(int64_t n, const double *x)
{
    return json_pack("{s:o}", "x", gb_list(n, x));
}

json_t *gb_ode_input(int64_t n, const double *x, int64_t steps)
{
    return json_pack("{s:o, s:I}", "x", gb_list(n, x), "s", (json_int_t)steps);
}

json_t *gb_det_input(int64_t n, const double *a)
{
    return json_pack("{s:o, s:I}", "A", gb_list(n * n, a), "ell", (json_int_t)n);
}
