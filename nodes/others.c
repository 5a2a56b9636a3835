/* Of each element along an axis the product of the others, zeros or not: the derivative of prod; and its derivatives.
 * Inputs: x, directions v, w, ...  Element j is the factor of s t ... in the product over all k but j of
 * x[k] + s v[k] + t w[k] + ...: for one direction the sum over i of v[i] times the product of all but i and j.
 * Derivatives, with one direction gout more: by x, the same of all directions; by v, of all without v.
 *
 * Nothing overflows or vanishes on the way: numbers are fractions and exponents apart. */
#include "shared/others.h"

#include <math.h>

#define SHARED(name, ...)                                      \
    const char agi_##name##_text[] = "static " #__VA_ARGS__; \
    static __VA_ARGS__

/* x is what is returned times 2^*e. */
SHARED(scaled, double agi_scaled(double x, int64_t *e)
{
    int power = 0;
    double fraction = fabs(x) <= 1.7976931348623157e308 ? frexp(x, &power) : x;
    *e = power;
    return fraction;
})

/* a 2^e += b 2^f c 2^g. */
SHARED(add_scaled, void agi_add_scaled(double *a, int64_t *e, double b, int64_t f, double c, int64_t g)
{
    const double product = b * c;
    int64_t change;
    f += g;
    if (product == 0) return;
    if (*a == 0) *e = f;
    if (f > *e) {
        *a = ldexp(*a, f - *e > 4000 ? -4000 : (int)(*e - f)) + product;
        *e = f;
    } else {
        *a += ldexp(product, *e - f > 4000 ? -4000 : (int)(f - *e));
    }
    *a = agi_scaled(*a, &change);
    *e += change;
})

/* The factors of all products of some of the m directions' variables, by set: those `from` times x + s v + t w + ...,
 * each n further than the one before. */
SHARED(times_scaled, void agi_times_scaled(int64_t n, int64_t m, const double *x, const double *from, const int64_t *of,
                                           double *to, int64_t *e)
{
    int64_t set, r, g;
    for (set = 0; set < (int64_t)1 << m; set++) {
        to[set] = 0;
        e[set] = 0;
        for (r = 0; r <= m; r++) {
            const int64_t without = r ? set & ~((int64_t)1 << (r - 1)) : set;
            if (r && without == set) continue;
            const double factor = agi_scaled(x[r * n], &g);
            agi_add_scaled(&to[set], &e[set], from[without], of[without], factor, g);
        }
    }
})

/* x [1 + m, n]; p, e [n + 2, 2^m]: products of what stands before each, then two of what stands behind one. */
SHARED(products_of_others, void agi_products_of_others(int64_t n, int64_t m, const double *x, double *p, int64_t *e,
                                                       double *out)
{
    const int64_t sets = (int64_t)1 << m;
    int64_t behind = n * sets, next = behind + sets, j, set;
    for (set = 0; set < sets; set++) {
        p[set] = p[behind + set] = set ? 0 : 1;
        e[set] = e[behind + set] = 0;
    }
    for (j = 0; j + 1 < n; j++)
        agi_times_scaled(n, m, x + j, p + j * sets, e + j * sets, p + (j + 1) * sets, e + (j + 1) * sets);
    for (j = n - 1; j >= 0; j--) {
        int64_t power = 0, swap = next;
        double all = 0;
        for (set = 0; set < sets; set++)
            agi_add_scaled(&all, &power, p[j * sets + set], e[j * sets + set], p[behind + (sets - 1 - set)],
                           e[behind + (sets - 1 - set)]);
        out[j] = ldexp(all, power > 4000 ? 4000 : power < -4000 ? -4000 : (int)power);
        agi_times_scaled(n, m, x + j, p + behind, e + behind, p + next, e + next);
        next = behind;
        behind = swap;
    }
})

/* ------------------------------------------------------------------------------------------------------------------ */

static int axis_of(const ag_node *y)
{
    return *(const int *)y->attribute;
}

static ag_status shape(ag_infer *c)
{
    for (int k = 1; k < c->n; k++)
        if (!ag_same_shape(c->in[k], c->in[0]) || c->in[k]->dtype != c->in[0]->dtype)
            return ag_refuse(c, AG_ESHAPE, "directions have the shape and type of x");
    return AG_OK;
}

/* Elements of: the operands, the result, the products. */
static int64_t products(int64_t extent, int64_t directions)
{
    return (extent + 2) << directions;
}

static size_t scratch(const ag_node *y)
{
    int64_t n = ag_split_at(y, axis_of(y)).extent;
    return (size_t)(((int64_t)y->nin + 1) * n) * sizeof(double)
           + (size_t)products(n, (int64_t)y->nin - 1) * (sizeof(double) + sizeof(int64_t));
}

static double number_at(ag_dtype dtype, const void *x, int64_t i)
{
    return dtype == AG_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static ag_status run(const ag_kernel_call *c)
{
    const ag_node *y = c->node;
    const ag_dtype dtype = (ag_dtype)y->dtype;
    const int64_t m = (int64_t)y->nin - 1;
    ag_extents s = ag_split_at(y, axis_of(y));
    double *x = c->scratch, *out = x + (m + 1) * s.extent, *p = out + s.extent;
    int64_t *e = (int64_t *)(p + products(s.extent, m));
    for (int64_t line = 0; line < s.outer * s.inner; line++) {
        int64_t first = line / s.inner * s.extent * s.inner + line % s.inner;
        for (int64_t k = 0; k <= m; k++)
            for (int64_t i = 0; i < s.extent; i++)
                x[k * s.extent + i] = number_at(dtype, c->in[k], first + i * s.inner);
        agi_products_of_others(s.extent, m, x, p, e, out);
        for (int64_t i = 0; i < s.extent; i++) {
            if (dtype == AG_F32) ((float *)c->out)[first + i * s.inner] = (float)out[i];
            else ((double *)c->out)[first + i * s.inner] = out[i];
        }
    }
    return AG_OK;
}

static void gradient(ag_node *y, ag_node *gout, ag_node *gin[])
{
    ag_node *in[AGI_MOST_DIRECTIONS + 1];
    if (y->nin > AGI_MOST_DIRECTIONS) {
        gin[0] = ag_reject(y, y->op, AG_ENOGRAD, "derivatives of products end at order %d", AGI_MOST_DIRECTIONS + 1);
        return;
    }
    memcpy(in, y->in, y->nin * sizeof *in);
    in[y->nin] = gout;
    if (ag_wanted(y, 0)) gin[0] = agi_new_others((int)y->nin + 1, in, axis_of(y));
    for (uint32_t k = 1; k < y->nin; k++) { /* gout in the place of a direction */
        memcpy(in, y->in, y->nin * sizeof *in);
        in[k] = gout;
        if (ag_wanted(y, (int)k)) gin[k] = agi_new_others((int)y->nin, in, axis_of(y));
    }
}

static ag_node *batch(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count)
{
    for (uint32_t k = 0; k < y->nin; k++)
        if (!batched[k]) in[k] = ag_batch_all(in[k], count);
    return agi_new_others((int)y->nin, in, axis_of(y) + 1);
}

/* Of a long axis a list of pairs is no structure: everything there depends on everything else. */
static int pattern(const ag_node *y, ag_dependence *d)
{
    enum { LONG = 4096 };
    ag_extents s = ag_split_at(y, axis_of(y));
    if (s.extent > LONG) return 0;
    for (int64_t e = 0; e < ag_count(y); e++) {
        int64_t first = e / (s.extent * s.inner) * s.extent * s.inner + e % s.inner;
        for (int64_t i = 0; i < s.extent; i++)
            for (uint32_t k = 0; k < y->nin && first + i * s.inner != e; k++)
                ag_depends(d, e, (int)k, first + i * s.inner);
    }
    return 1;
}

static void write_c(ag_source *s, const ag_node *y, const ag_strides in_stride[])
{
    ag_extents split = ag_split_at(y, axis_of(y));
    long long n = (long long)split.extent, m = (long long)y->nin - 1, inner = (long long)split.inner;
    (void)in_stride;
    ag_emit(s, "    double *const x = (double *)scratch, *const others = x + %lld;\n", (m + 1) * n);
    ag_emit(s, "    double *const p = others + %lld;\n", n);
    ag_emit(s, "    int64_t *const e = (int64_t *)(void *)(p + %lld);\n", (long long)products(n, m));
    ag_emit(s, "    int64_t i, j, k;\n    for (i = 0; i < %lld; i++)\n", (long long)split.outer);
    ag_emit(s, "        for (j = 0; j < %lld; j++) {\n            for (k = 0; k < %lld; k++) {\n", inner, n);
    for (long long r = 0; r <= m; r++)
        ag_emit(s, "                x[%lld + k] = in%lld[(i * %lld + k) * %lld + j];\n", r * n, r, n, inner);
    ag_emit(s, "            }\n            agi_products_of_others(%lld, %lld, x, p, e, others);\n", n, m);
    ag_emit(s, "            for (k = 0; k < %lld; k++) out[(i * %lld + k) * %lld + j] = (%s)others[k];\n", n, n, inner,
            ag_c_type((ag_dtype)y->dtype));
    ag_emit(s, "        }\n    return 0;\n");
}

const ag_op agi_others = { .name = "others",
                           .formula = "of each element of x the product of the others, in directions",
                           .inputs = -1,
                           .flags = AG_LIBRARY | AG_SMOOTH | AG_SURE,
                           .attribute_size = sizeof(int),
                           .shape = shape,
                           .run = run,
                           .scratch = scratch,
                           .c = write_c,
                           .gradient = gradient,
                           .batch = batch,
                           .pattern = pattern };

ag_node *agi_new_others(int n, ag_node *const in[], int axis)
{
    return ag_apply(&agi_others, n, in, &axis);
}
