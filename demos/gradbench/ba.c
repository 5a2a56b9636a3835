/* Bundle adjustment: n cameras, m points, p observations, observation i of point i mod m by camera i mod n. All is
 * vectors over the observations: what each observation uses of its camera and point is gathered first, 11 + 3 + 1
 * vectors, and then all arithmetic is element by element. So the Jacobian's rows of all observations together are the
 * derivatives of two vectors by fifteen: two sweeps from ones. */
#include "eval.h"

#include <stdlib.h>
#include <string.h>

enum { OBJECTIVE, JACOBIAN };
enum { CAMERA = 11, POINT = 3, COLUMNS = CAMERA + POINT + 1, ROWS = 2, SHOWN = 30 };
enum { CAMERAS, POINTS, WEIGHTS, FEATURES, CAMERA_OF, POINT_OF, REPROJECTION, WEIGHT_ERROR, BY_ALL, BY_WEIGHT, NODES };

typedef struct {
    problem common;
    int64_t n, m, p;
    double *cameras, *points, *weights, *features; /* [n][11] [m][3] [p] [p][2] */
    int64_t *camera_of, *point_of;                 /* [p] */
    double *reprojection, *weight_error;           /* [p][2] [p] */
    double *values;                                /* the Jacobian in compressed rows: [p][2][15] and [p] */
    int64_t *starts, *columns;
} ba;

/* ---- input ------------------------------------------------------------------------------------------------------ */

static double *repeat(const array *one, int64_t n)
{
    double *all = malloc((size_t)(n * one->count) * sizeof *all);
    for (int64_t i = 0; all && i < n; i++) memcpy(all + i * one->count, one->data, (size_t)one->count * sizeof *all);
    return all;
}

static int64_t *round_robin(int64_t p, int64_t n)
{
    int64_t *at = malloc((size_t)p * sizeof *at);
    for (int64_t i = 0; at && i < p; i++) at[i] = i % n;
    return at;
}

/* The Jacobian's structure: it depends on the sizes alone. */
static int lay_out(ba *b)
{
    int64_t p = b->p, count = ROWS * COLUMNS * p + p, *at;
    b->starts = malloc((size_t)((ROWS + 1) * p + 1) * sizeof *b->starts);
    b->columns = at = malloc((size_t)count * sizeof *at);
    b->values = malloc((size_t)count * sizeof *b->values);
    if (!b->starts || !b->columns || !b->values) return -1;
    int64_t after_cameras = CAMERA * b->n, after_points = after_cameras + POINT * b->m;
    for (int64_t i = 0; i < p; i++)
        for (int row = 0; row < ROWS; row++) {
            b->starts[ROWS * i + row] = at - b->columns;
            for (int j = 0; j < CAMERA; j++) *at++ = CAMERA * b->camera_of[i] + j;
            for (int j = 0; j < POINT; j++) *at++ = after_cameras + POINT * b->point_of[i] + j;
            *at++ = after_points + i;
        }
    for (int64_t i = 0; i < p; i++) {
        b->starts[ROWS * p + i] = at - b->columns;
        *at++ = after_points + i;
    }
    b->starts[(ROWS + 1) * p] = at - b->columns;
    return 0;
}

static int allocate(ba *b, const array one[4], reason *why)
{
    b->cameras = repeat(&one[CAMERAS], b->n);
    b->points = repeat(&one[POINTS], b->m);
    b->weights = repeat(&one[WEIGHTS], b->p);
    b->features = repeat(&one[FEATURES], b->p);
    b->camera_of = round_robin(b->p, b->n);
    b->point_of = round_robin(b->p, b->m);
    b->reprojection = malloc((size_t)(ROWS * b->p) * sizeof *b->reprojection);
    b->weight_error = malloc((size_t)b->p * sizeof *b->weight_error);
    int whole = b->cameras && b->points && b->weights && b->features && b->camera_of && b->point_of &&
                b->reprojection && b->weight_error && !(b->common.function == JACOBIAN && lay_out(b));
    return whole ? 0 : refuse(why, "out of memory");
}

static int parse(problem *base, const json_t *input, reason *why)
{
    static const char *const name[] = { "cam", "x", "w", "feat" };
    static const int64_t size[] = { CAMERA, POINT, 1, ROWS }, most = 1 << 24;
    ba *b = (ba *)base;
    double weight = 0;
    array one[4] = { [WEIGHTS] = { .rank = 1, .dim = { 1 }, .count = 1, .data = &weight } };
    int status = read_number(input, "w", &weight, why);
    for (int i = CAMERAS; i <= FEATURES && !status; i++)
        status = i == WEIGHTS ? 0 : read_array(input, name[i], 1, &one[i], why);
    for (int i = CAMERAS; i <= FEATURES && !status; i++) status = check_shape(&one[i], name[i], &size[i], why);
    if (!status)
        status = read_integer(input, "n", 1, most, &b->n, why) || read_integer(input, "m", 1, most, &b->m, why) ||
                 read_integer(input, "p", 1, most, &b->p, why) || allocate(b, one, why);
    for (int i = CAMERAS; i <= FEATURES; i++)
        if (i != WEIGHTS) free(one[i].data);
    return status ? -1 : 0;
}

/* ---- graph ------------------------------------------------------------------------------------------------------ */

typedef struct {
    ag_node *at[3];
} vector;

static ag_node *dot(vector a, vector b)
{
    return ag_add(ag_add(ag_mul(a.at[0], b.at[0]), ag_mul(a.at[1], b.at[1])), ag_mul(a.at[2], b.at[2]));
}

static vector cross(vector a, vector b)
{
    vector out;
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;
        out.at[i] = ag_sub(ag_mul(a.at[j], b.at[k]), ag_mul(a.at[k], b.at[j]));
    }
    return out;
}

/* x turned about r by the angle t = |r|: x cos t + (r x x) sin t / t + r (r . x) (1 - cos t) / t^2, where r = 0 means
 * x + r x x. There the angle is 1 in the branches that are not taken: the square root has no derivative at 0. */
static vector rotate(vector r, vector x)
{
    ag_graph *g = ag_graph_of(x.at[0]);
    ag_node *square = dot(r, r), *zero = ag_number(g, 0), *one = ag_number(g, 1), *turns = ag_greater(square, zero);
    ag_node *angle = ag_sqrt(ag_where(turns, square, one)), *inverse = ag_div(one, angle), *cosine = ag_cos(angle);
    ag_node *c = ag_where(turns, cosine, one), *s = ag_where(turns, ag_mul(ag_sin(angle), inverse), one);
    ag_node *rest = ag_where(turns, ag_mul(ag_sub(one, cosine), ag_square(inverse)), zero);
    ag_node *along = ag_mul(dot(r, x), rest);
    vector turned = cross(r, x), out;
    for (int i = 0; i < 3; i++)
        out.at[i] = ag_add(ag_add(ag_mul(x.at[i], c), ag_mul(turned.at[i], s)), ag_mul(r.at[i], along));
    return out;
}

/* in: the camera's eleven vectors, the point's three, the weight. */
static void reproject(ag_node *const in[COLUMNS], ag_node *features, ag_node *error[ROWS])
{
    vector r = { { in[0], in[1], in[2] } }, offset;
    for (int i = 0; i < 3; i++) offset.at[i] = ag_sub(in[CAMERA + i], in[3 + i]);
    vector seen = rotate(r, offset);
    ag_node *one = ag_number(ag_graph_of(features), 1), *inverse = ag_div(one, seen.at[2]);
    ag_node *x = ag_mul(seen.at[0], inverse), *y = ag_mul(seen.at[1], inverse);
    ag_node *rho = ag_add(ag_square(x), ag_square(y));
    ag_node *bend = ag_add(ag_add(one, ag_mul(in[9], rho)), ag_mul(in[10], ag_square(rho)));
    ag_node *flat[ROWS] = { x, y };
    for (int i = 0; i < ROWS; i++) {
        ag_node *at = ag_add(ag_mul(ag_mul(flat[i], bend), in[6]), in[7 + i]);
        error[i] = ag_mul(in[COLUMNS - 1], ag_sub(at, column_of(features, i)));
    }
}

static ag_node *side_by_side(int n, ag_node *const x[])
{
    ag_node *columns[ROWS * COLUMNS];
    for (int i = 0; i < n; i++) columns[i] = ag_reshape(x[i], AG_SHAPE(ag_shape_of(x[i]).dim[0], 1));
    return ag_concat(n, columns, 1);
}

/* The values of the reprojections' rows, and of the weights'. */
static void differentiate(ag_node **v, ag_node *const in[COLUMNS], ag_node *const error[ROWS])
{
    ag_node *block[ROWS * COLUMNS], *ones = constant_like(error[0], 1);
    for (int i = 0; i < ROWS; i++) ag_vjp(1, &error[i], &ones, COLUMNS, in, block + i * COLUMNS);
    v[BY_ALL] = side_by_side(ROWS * COLUMNS, block);
    ag_vjp(1, &v[WEIGHT_ERROR], &ones, 1, &v[WEIGHTS], &v[BY_WEIGHT]);
}

static int build(model *m, const ba *b, reason *why)
{
    ag_node **v = m->node, *in[COLUMNS], *error[ROWS];
    v[CAMERAS] = real_input(m, "cameras", 2, (int64_t[]){ b->n, CAMERA });
    v[POINTS] = real_input(m, "points", 2, (int64_t[]){ b->m, POINT });
    v[WEIGHTS] = real_input(m, "weights", 1, &b->p);
    v[FEATURES] = real_input(m, "features", 2, (int64_t[]){ b->p, ROWS });
    v[CAMERA_OF] = index_input(m, "camera of", b->p);
    v[POINT_OF] = index_input(m, "point of", b->p);
    ag_node *camera = ag_gather(v[CAMERAS], 0, v[CAMERA_OF]), *point = ag_gather(v[POINTS], 0, v[POINT_OF]);
    for (int i = 0; i < CAMERA; i++) in[i] = column_of(camera, i);
    for (int i = 0; i < POINT; i++) in[CAMERA + i] = column_of(point, i);
    in[COLUMNS - 1] = v[WEIGHTS];
    reproject(in, v[FEATURES], error);
    v[WEIGHT_ERROR] = ag_sub(ag_number(m->graph, 1), ag_square(v[WEIGHTS]));
    v[REPROJECTION] = side_by_side(ROWS, error);
    if (b->common.function == OBJECTIVE) return model_compile(m, 0, 2, &v[REPROJECTION], why);
    differentiate(v, in, error);
    return model_compile(m, 0, 2, &v[BY_ALL], why);
}

static int prepare(problem *base, reason *why)
{
    ba *b = (ba *)base;
    model *m = base->model = cache_model(base->cache, NODES, why, "ba %d %lld %lld %lld", base->function,
                                         (long long)b->n, (long long)b->m, (long long)b->p);
    if (!m || (!m->ready && build(m, b, why))) return -1;
    m->ready = 1;
    ag_node **v = m->node;
    model_feed(m, 0, v[CAMERAS], b->cameras);
    model_feed(m, 0, v[POINTS], b->points);
    model_feed(m, 0, v[WEIGHTS], b->weights);
    model_feed(m, 0, v[FEATURES], b->features);
    model_feed(m, 0, v[CAMERA_OF], b->camera_of);
    model_feed(m, 0, v[POINT_OF], b->point_of);
    if (base->function == JACOBIAN)
        return model_fill(m, 0, v[BY_ALL], b->values, why) ||
               model_fill(m, 0, v[BY_WEIGHT], b->values + ROWS * COLUMNS * b->p, why);
    if (model_fill(m, 0, v[REPROJECTION], b->reprojection, why)) return -1;
    return model_fill(m, 0, v[WEIGHT_ERROR], b->weight_error, why);
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

/* The first SHOWN and the last. */
static json_t *excerpt(int64_t n, const double *reals, const int64_t *integers)
{
    int64_t shown = n - 1 < SHOWN ? n - 1 : SHOWN;
    json_t *list = reals ? write_array(1, &shown, reals) : write_integers(shown, integers);
    json_t *last = reals ? write_number(reals[n - 1]) : json_integer(integers[n - 1]);
    if (!list || json_array_append_new(list, last)) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *output(const problem *base)
{
    const ba *b = (const ba *)base;
    int64_t p = b->p, count = ROWS * COLUMNS * p + p, two = ROWS;
    if (base->function == JACOBIAN)
        return json_pack("{s:o, s:o, s:o}", "rows", excerpt((ROWS + 1) * p + 1, NULL, b->starts), "cols",
                         excerpt(count, NULL, b->columns), "vals", excerpt(count, b->values, NULL));
    return json_pack("{s:{s:o, s:I}, s:{s:o, s:I}}", "reproj_error", "elements", write_array(1, &two, b->reprojection),
                     "repeated", (json_int_t)p, "w_err", "element", write_number(b->weight_error[0]), "repeated",
                     (json_int_t)p);
}

static void release(problem *base)
{
    ba *b = (ba *)base;
    free(b->cameras), free(b->points), free(b->weights), free(b->features);
    free(b->camera_of), free(b->point_of), free(b->reprojection), free(b->weight_error);
    free(b->values), free(b->starts), free(b->columns);
}

const eval ba_eval = { "ba", { "objective", "jacobian" }, sizeof(ba), parse, prepare, NULL, output, release };
