/* Hand tracking: the distances of measured points from a hand of at least 22 bones posed by 26 numbers theta, and their
 * Jacobian by forward mode. The pose is computed for a batch of equal thetas; with the unit vectors as the batch's
 * tangents, one forward derivative of it gives all 26 columns. Bones' transforms are a few small matrices, and all the
 * vertices follow from them by one product with a constant matrix, batch and tangents side by side. */
#include "eval.h"

#include <stdlib.h>
#include <string.h>

enum { OBJECTIVE, JACOBIAN };
enum { THETA = 26, FIXED = 3, FIRST_FINGER = 5, FINGERS = 5, LEAST_BONES = 22 };
enum {
    ANGLES, RELATIVES, INVERSES, SKIN, CORNERS, SIDES, US, POINTS, /* leaves: theta is ANGLES */
    ERRORS, BY_THETA, BY_U, BY_V, NODES
};

typedef struct {
    problem common;
    int64_t bones, vertices, count;
    int mirrored, *parents;
    array theta, relatives, inverses, base, weights, points, us; /* us.count 0: correspondences are of vertices */
    double *skin;       /* [vertices][bones * 4]: weight of the bone times base position */
    int64_t *corners;   /* [count], or with us [3][count]: the vertices that a point is compared with */
    double *error;      /* [count][3] */
    double *by_theta;   /* [count][3][THETA] */
    double *by_us[2];   /* [count][3] each */
} ht;

/* ---- input ------------------------------------------------------------------------------------------------------ */

static int read_bones(ht *p, const json_t *hand, reason *why)
{
    array parents;
    int64_t *parent = NULL;
    int status = read_array(hand, "parents", 1, &parents, why);
    p->bones = parents.dim[0];
    if (!status && p->bones < LEAST_BONES) status = refuse(why, "parents: fewer than %d bones", LEAST_BONES);
    if (!status) parent = whole_numbers(&parents, "parents", -1, p->bones, why);
    p->parents = parent ? malloc((size_t)p->bones * sizeof *p->parents) : NULL;
    for (int64_t i = 0; p->parents && i < p->bones; i++) {
        p->parents[i] = (int)parent[i];
        if (parent[i] >= i) status = refuse(why, "parents: bone %lld comes before its parent", (long long)i);
    }
    free(parents.data);
    free(parent);
    if (status || !p->parents) return refuse(why, "out of memory");
    const int64_t each[] = { p->bones, 4, 4 };
    return read_array(hand, "base_relatives", 3, &p->relatives, why) ||
           check_shape(&p->relatives, "base_relatives", each, why) ||
           read_array(hand, "inverse_base_absolutes", 3, &p->inverses, why) ||
           check_shape(&p->inverses, "inverse_base_absolutes", each, why);
}

static int read_skin(ht *p, const json_t *hand, reason *why)
{
    if (read_array(hand, "base_positions", 2, &p->base, why) || read_array(hand, "weights", 2, &p->weights, why))
        return -1;
    int64_t n = p->vertices = p->base.dim[0], bones = p->bones;
    if (check_shape(&p->base, "base_positions", (int64_t[]){ n, 4 }, why) ||
        check_shape(&p->weights, "weights", (int64_t[]){ n, bones }, why))
        return -1;
    p->skin = malloc((size_t)(n * bones * 4) * sizeof *p->skin);
    if (!p->skin) return refuse(why, "out of memory");
    for (int64_t i = 0; i < n * bones; i++)
        for (int j = 0; j < 4; j++) p->skin[4 * i + j] = p->weights.data[i] * p->base.data[4 * (i / bones) + j];
    return 0;
}

/* The triangles' corners in three rows. */
static int64_t *corners_of(const ht *p, const int64_t *of, const array *triangles, reason *why)
{
    int64_t n = p->count, *vertex = whole_numbers(triangles, "triangles", 0, p->vertices, why);
    int64_t *corners = vertex ? malloc((size_t)(3 * n) * sizeof *corners) : NULL;
    for (int64_t i = 0; corners && i < 3 * n; i++) corners[i] = vertex[3 * of[i % n] + i / n];
    free(vertex);
    return corners;
}

static int read_correspondences(ht *p, const json_t *data, const json_t *hand, reason *why)
{
    array of, triangles = { 0 };
    int64_t *index = NULL;
    int status = read_array(data, "correspondences", 1, &of, why) ||
                 check_shape(&of, "correspondences", of.dim, why) ||
                 read_array(hand, "triangles", 2, &triangles, why);
    p->count = of.dim[0];
    if (!status && !p->us.count) {
        p->corners = whole_numbers(&of, "correspondences", 0, p->vertices, why);
    } else if (!status && !check_shape(&triangles, "triangles", (int64_t[]){ triangles.dim[0], 3 }, why)) {
        index = whole_numbers(&of, "correspondences", 0, triangles.dim[0], why);
        p->corners = index ? corners_of(p, index, &triangles, why) : NULL;
    }
    free(of.data);
    free(triangles.data);
    free(index);
    return status || !p->corners ? refuse(why, "out of memory") : 0;
}

/* A list of pairs, or the pairs one after another. */
static int read_us(ht *p, const json_t *input, reason *why)
{
    const json_t *us = json_object_get(input, "us");
    if (!us || !json_array_size(us)) return 0;
    return read_array(input, "us", json_is_array(json_array_get(us, 0)) ? 2 : 1, &p->us, why);
}

static int allocate(ht *p, reason *why)
{
    size_t bytes = (size_t)(3 * p->count) * sizeof(double);
    p->error = malloc(bytes);
    p->by_theta = malloc(bytes * THETA);
    p->by_us[0] = malloc(bytes);
    p->by_us[1] = malloc(bytes);
    return p->error && p->by_theta && p->by_us[0] && p->by_us[1] ? 0 : refuse(why, "out of memory");
}

static int parse(problem *base, const json_t *input, reason *why)
{
    ht *p = (ht *)base;
    const json_t *data = json_object_get(input, "data"), *hand = json_object_get(data, "model");
    p->mirrored = json_is_true(json_object_get(hand, "is_mirrored"));
    if (read_us(p, input, why) || read_array(input, "theta", 1, &p->theta, why) ||
        check_shape(&p->theta, "theta", (int64_t[]){ THETA }, why) || read_bones(p, hand, why) ||
        read_skin(p, hand, why) || read_correspondences(p, data, hand, why) ||
        read_array(data, "points", 2, &p->points, why) ||
        check_shape(&p->points, "points", (int64_t[]){ p->count, 3 }, why))
        return -1;
    const int64_t pairs[] = { p->count, 2 }, flat = 2 * p->count;
    if (p->us.count && check_shape(&p->us, "us", p->us.rank == 2 ? pairs : &flat, why)) return -1;
    return allocate(p, why);
}

/* ---- graph: matrices of a batch of b ---------------------------------------------------------------------------- */

/* Elements [b, m] of matrices of `size` to [b, m, size / width, width]. */
static ag_node *assemble(int size, int width, ag_node *const element[])
{
    ag_node *stacked[16];
    ag_shape s = ag_shape_of(element[0]);
    for (int i = 0; i < size; i++) stacked[i] = ag_reshape(element[i], AG_SHAPE(s.dim[0], s.dim[1], 1));
    return ag_reshape(ag_concat(size, stacked, 2), AG_SHAPE(s.dim[0], s.dim[1], size / width, width));
}

/* theta [b, THETA] in columns chosen by `at`, [b, n]; THETA itself is a 0 after it. */
static ag_node *chosen(ag_node *theta, int64_t n, const int64_t *at)
{
    ag_node *parts[] = { theta, ag_mul(ag_slice(theta, 1, 0, 1, 1), ag_number(ag_graph_of(theta), 0)) };
    ag_node *index = ag_constant(ag_graph_of(theta), AG_I64, AG_SHAPE(n), at);
    return ag_gather(ag_concat(2, parts, 1), 1, index);
}

/* Rz Rx of every bone, [b, bones, 4, 4]; no bone turns about y. Fingers have angles: the first of three bones two. */
static ag_node *turns(ag_node *theta, int64_t bones, int64_t *x, int64_t *z)
{
    for (int64_t i = 0; i < bones; i++) x[i] = z[i] = THETA;
    for (int f = 0; f < FINGERS; f++) {
        int bone = FIRST_FINGER - FIXED + 4 * f, angle = 6 + 4 * f;
        x[bone] = angle, z[bone] = angle + 1;
        x[bone + 1] = angle + 2, x[bone + 2] = angle + 3;
    }
    ag_node *by_x = chosen(theta, bones, x), *by_z = chosen(theta, bones, z);
    ag_node *cx = ag_cos(by_x), *sx = ag_sin(by_x), *cz = ag_cos(by_z), *sz = ag_sin(by_z);
    ag_node *o = constant_like(cx, 0), *one = constant_like(cx, 1);
    ag_node *element[16] = { cz, ag_neg(ag_mul(sz, cx)), ag_mul(sz, sx), o,
                             sz, ag_mul(cz, cx), ag_neg(ag_mul(cz, sx)), o,
                             o, sx, cx, o,
                             o, o, o, one };
    return assemble(16, 4, element);
}

/* The global rotation, [b, 1, 3, 3]: about the axis theta[0:3] by its length, none below 1e-4. */
static ag_node *rotation(ag_node *theta)
{
    ag_graph *g = ag_graph_of(theta);
    ag_node *axis = ag_slice(theta, 1, 0, 3, 1), *square = ag_sum_axis(ag_square(axis), 1, 1);
    ag_node *one = ag_number(g, 1), *far = ag_greater_equal(square, ag_number(g, 1e-8));
    ag_node *norm = ag_sqrt(ag_where(far, square, one)), *c = ag_cos(norm), *s = ag_sin(norm), *v[3], *vs[3];
    ag_node *rest = ag_sub(one, c), *element[9];
    for (int i = 0; i < 3; i++) {
        v[i] = ag_div(ag_slice(axis, 1, i, i + 1, 1), norm);
        vs[i] = ag_mul(v[i], s);
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            ag_node *outer = ag_mul(ag_mul(v[i], v[j]), rest), *turned = vs[(6 - i - j) % 3]; /* the third axis */
            ag_node *e = i == j ? c : (j - i + 3) % 3 == 1 ? ag_neg(turned) : turned;
            element[3 * i + j] = ag_where(far, ag_add(e, outer), ag_number(g, i == j));
        }
    return assemble(9, 3, element);
}

/* Each bone's transform from the base position to the pose, its upper three rows, all rows transposed and stacked:
 * [b, bones * 4, 3]. The global rotation is applied here, to few matrices, instead of to many vertices. */
static ag_node *bone_transforms(model *m, const ht *p, ag_node *theta)
{
    int64_t n = p->bones, b = ag_shape_of(theta).dim[0];
    ag_node **absolute = calloc((size_t)n, sizeof *absolute);
    int64_t *index = malloc((size_t)(2 * n) * sizeof *index);
    ag_node *all = NULL;
    if (absolute && index) {
        ag_node *relative = ag_matmul(m->node[RELATIVES], turns(theta, n, index, index + n));
        for (int64_t i = 0; i < n; i++) {
            ag_node *one = ag_slice(relative, 1, i, i + 1, 1);
            absolute[i] = p->parents[i] < 0 ? one : ag_matmul(absolute[p->parents[i]], one);
        }
        ag_node *transform = ag_matmul(ag_concat((int)n, absolute, 1), m->node[INVERSES]);
        ag_node *upper = ag_mul(m->node[SIDES], ag_slice(transform, 2, 0, 3, 1));
        ag_node *placed = ag_matmul(rotation(theta), upper); /* [b, n, 3, 4] */
        all = ag_reshape(ag_transpose(placed, (const int[]){ 0, 1, 3, 2 }), AG_SHAPE(b, n * 4, 3));
    }
    free(absolute);
    free(index);
    return all;
}

/* ---- graph: from transforms [b, bones * 4, 3] to what a point is compared with, [count, b, 3] ------------------- */

static ag_node *positions(model *m, ag_node *transforms)
{
    ag_shape s = ag_shape_of(transforms);
    ag_node *side_by_side = ag_reshape(ag_transpose(transforms, (const int[]){ 1, 0, 2 }),
                                       AG_SHAPE(s.dim[1], s.dim[0] * 3));
    ag_node *all = ag_matmul(m->node[SKIN], side_by_side);
    return ag_reshape(all, AG_SHAPE(ag_shape_of(all).dim[0], s.dim[0], 3));
}

/* At a vertex, or between the corners of a triangle by the weights u, v and 1 - u - v, [count, 1, 1]. */
static ag_node *between(model *m, const ht *p, ag_node *position, ag_node *u, ag_node *v)
{
    if (!p->us.count) return ag_gather(position, 0, m->node[CORNERS]);
    ag_node *at[3], *third = ag_sub(ag_sub(ag_number(m->graph, 1), u), v), *weight[] = { u, v, third };
    for (int i = 0; i < 3; i++) {
        ag_node *corner = ag_slice(m->node[CORNERS], 0, i * p->count, (i + 1) * p->count, 1);
        at[i] = ag_mul(weight[i], ag_gather(position, 0, corner));
    }
    return ag_add(ag_add(at[0], at[1]), at[2]);
}

static ag_node *error_of(model *m, const ht *p, ag_node *theta, ag_node *u, ag_node *v)
{
    ag_node *at = between(m, p, positions(m, bone_transforms(m, p, theta)), u, v); /* [count, b, 3] */
    ag_node *moved = ag_add(at, ag_slice(theta, 1, 3, 6, 1));
    return ag_sub(ag_reshape(m->node[POINTS], AG_SHAPE(p->count, 1, 3)), moved);
}

static void make_leaves(model *m, const ht *p)
{
    ag_node **v = m->node;
    const int64_t skin[] = { p->vertices, p->bones * 4 }, sides[] = { 3, 1 };
    v[ANGLES] = real_input(m, "theta", 1, p->theta.dim);
    v[RELATIVES] = real_input(m, "base relatives", 3, p->relatives.dim);
    v[INVERSES] = real_input(m, "inverse base absolutes", 3, p->inverses.dim);
    v[SKIN] = real_input(m, "skin", 2, skin);
    v[CORNERS] = index_input(m, "corners", p->us.count ? 3 * p->count : p->count);
    v[SIDES] = ag_constant(m->graph, AG_F64, AG_SHAPE(sides[0], sides[1]),
                           (const double[]){ p->mirrored ? -1 : 1, 1, 1 });
    v[US] = p->us.count ? real_input(m, "us", 2, (int64_t[]){ p->count, 2 }) : NULL;
    v[POINTS] = real_input(m, "points", 2, p->points.dim);
}

/* The error's derivatives: by all of theta, [count, THETA, 3]; by u and by v, each row by its own, [count, 1, 3]. */
static void differentiate(model *m, const ht *p, ag_node *theta, ag_node *u, ag_node *v)
{
    double unit[THETA * THETA] = { 0 };
    for (int i = 0; i < THETA; i++) unit[i * THETA + i] = 1;
    ag_node *batch = ag_broadcast_to(theta, AG_SHAPE(THETA, THETA));
    ag_node *units = ag_constant(m->graph, AG_F64, AG_SHAPE(THETA, THETA), unit);
    ag_node *errors = error_of(m, p, batch, u, v), *error = m->node[ERRORS], *by_theta;
    ag_jvp(1, &batch, &units, 1, &errors, &by_theta);
    m->node[BY_THETA] = ag_transpose(by_theta, (const int[]){ 0, 2, 1 });
    if (!p->us.count) return;
    ag_node *ones = constant_like(u, 1);
    ag_jvp(1, &u, &ones, 1, &error, &m->node[BY_U]);
    ag_jvp(1, &v, &ones, 1, &error, &m->node[BY_V]);
}

static int build(model *m, const ht *p, reason *why)
{
    ag_node *u = NULL, *v = NULL;
    make_leaves(m, p);
    ag_node *theta = ag_reshape(m->node[ANGLES], AG_SHAPE(1, THETA));
    if (p->us.count) {
        u = ag_reshape(column_of(m->node[US], 0), AG_SHAPE(p->count, 1, 1));
        v = ag_reshape(column_of(m->node[US], 1), AG_SHAPE(p->count, 1, 1));
    }
    m->node[ERRORS] = error_of(m, p, theta, u, v);
    if (p->common.function == OBJECTIVE) return model_compile(m, 0, 1, &m->node[ERRORS], why);
    differentiate(m, p, theta, u, v);
    return model_compile(m, 0, p->us.count ? 3 : 1, &m->node[BY_THETA], why);
}

/* The skeleton is part of the graph. */
static int skeleton(const ht *p, char *text, size_t size)
{
    size_t length = 0;
    for (int64_t i = 0; i < p->bones && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, ".%d", p->parents[i]);
    return length < size;
}

static int prepare(problem *base, reason *why)
{
    ht *p = (ht *)base;
    char bones[160];
    if (!skeleton(p, bones, sizeof bones)) return refuse(why, "parents: too many bones");
    model *m = base->model =
        cache_model(base->cache, NODES, why, "ht %d %lld %lld %d %d %s", base->function, (long long)p->vertices,
                    (long long)p->count, p->us.count > 0, p->mirrored, bones);
    if (!m || (!m->ready && build(m, p, why))) return -1;
    m->ready = 1;
    ag_node **v = m->node;
    model_feed(m, 0, v[ANGLES], p->theta.data);
    model_feed(m, 0, v[RELATIVES], p->relatives.data);
    model_feed(m, 0, v[INVERSES], p->inverses.data);
    model_feed(m, 0, v[SKIN], p->skin);
    model_feed(m, 0, v[CORNERS], p->corners);
    model_feed(m, 0, v[POINTS], p->points.data);
    if (v[US]) model_feed(m, 0, v[US], p->us.data);
    if (base->function == OBJECTIVE) return model_fill(m, 0, v[ERRORS], p->error, why);
    if (model_fill(m, 0, v[BY_THETA], p->by_theta, why)) return -1;
    for (int i = 0; i < 2 && v[US]; i++)
        if (model_fill(m, 0, v[BY_U + i], p->by_us[i], why)) return -1;
    return 0;
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

static json_t *jacobian(const ht *p)
{
    int with_us = p->us.count > 0;
    int64_t columns = THETA + 2 * with_us;
    double row[THETA + 2];
    json_t *rows = json_array();
    for (int64_t i = 0; rows && i < 3 * p->count; i++) {
        for (int j = 0; j < 2 && with_us; j++) row[j] = p->by_us[j][i];
        memcpy(row + 2 * with_us, p->by_theta + i * THETA, THETA * sizeof *row);
        if (json_array_append_new(rows, write_array(1, &columns, row))) {
            json_decref(rows);
            rows = NULL;
        }
    }
    return rows;
}

static json_t *output(const problem *base)
{
    const ht *p = (const ht *)base;
    int64_t n = 3 * p->count;
    return base->function == JACOBIAN ? jacobian(p) : write_array(1, &n, p->error);
}

static void release(problem *base)
{
    ht *p = (ht *)base;
    array *owned[] = { &p->theta, &p->relatives, &p->inverses, &p->base, &p->weights, &p->points, &p->us };
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]->data);
    free(p->parents), free(p->skin), free(p->corners);
    free(p->error), free(p->by_theta), free(p->by_us[0]), free(p->by_us[1]);
}

const eval ht_eval = { "ht", { "objective", "jacobian" }, sizeof(ht), parse, prepare, NULL, output, release };
