/* The reference's products of others: element j is the factor of s t ... in the product, over all k but j, of
 * x[k] + s v[k] + t w[k] + ...  By products of what stands before j and behind it, as polynomials in s, t, ... */
#include "fuzz.h"

/* to = from times (x + s v + t w + ...), sets of directions as bits; a factor's variables are n apart. */
static void times(int64_t n, int m, const real *factor, const real *from, real *to)
{
    for (int set = 0; set < 1 << m; set++) {
        to[set] = from[set] * factor[0];
        for (int r = 0; r < m; r++)
            if (set >> r & 1) to[set] += from[set & ~(1 << r)] * factor[(r + 1) * n];
    }
}

static void products(int64_t n, int m, const real *x, real *out)
{
    int sets = 1 << m;
    real *before = calloc((size_t)((n + 1) * sets), sizeof *before), behind[2][64] = { { 1 } };
    before[0] = 1;
    for (int64_t j = 0; j < n; j++) times(n, m, x + j, before + j * sets, before + (j + 1) * sets);
    for (int64_t j = n; j-- > 0;) {
        const real *rest = behind[(n - 1 - j) % 2];
        out[j] = 0;
        for (int set = 0; set < sets; set++) out[j] += before[j * sets + set] * rest[sets - 1 - set];
        times(n, m, x + j, rest, behind[(n - j) % 2]);
    }
    free(before);
}

/* One line along the axis: values, sizes, and sizes with what bounds add to them. */
typedef struct {
    int64_t n;
    int m, known;
    real *x, *size, *wide, *value, *product, *largest;
} line;

static void load(line *l, const fuzz_value *const in[], int64_t first, int64_t step)
{
    l->known = 1;
    for (int r = 0; r <= l->m; r++)
        for (int64_t i = 0; i < l->n; i++) {
            real v = in[r]->value[first + i * step], e = in[r]->bound[first + i * step];
            int64_t at = r * l->n + i;
            l->known &= isfinite(v) && e < INFINITY;
            l->x[at] = v, l->size[at] = fabsl(v), l->wide[at] = fabsl(v) + e;
        }
    products(l->n, l->m, l->x, l->value);
    products(l->n, l->m, l->size, l->product);
    products(l->n, l->m, l->wide, l->largest);
}

void fuzz_others(const ag_node *y, const fuzz_value *const in[], fuzz_value *out)
{
    ag_extents s = ag_split_at(y, *(const int *)y->attribute);
    line l = { .n = s.extent, .m = (int)y->nin - 1 };
    size_t each = (size_t)(s.extent * y->nin);
    real *room = malloc(3 * (each + (size_t)s.extent) * sizeof *room);
    real unit = y->dtype == AG_F32 ? 0x1p-24L : 0x1p-53L;
    ck_assert_int_le(l.m, 6);
    l.x = room, l.size = l.x + each, l.wide = l.size + each;
    l.value = l.wide + each, l.product = l.value + s.extent, l.largest = l.product + s.extent;
    for (int64_t k = 0; k < s.outer * s.inner; k++) {
        int64_t first = k / s.inner * s.extent * s.inner + k % s.inner;
        load(&l, in, first, s.inner);
        for (int64_t i = 0; i < s.extent; i++) {
            int64_t at = first + i * s.inner;
            real sums = l.m ? 2 * (real)s.extent * (l.m + 2) * unit * l.largest[i] : 0;
            fuzz_round((ag_dtype)y->dtype, 2 * (real)s.extent, l.value[i], l.largest[i] - l.product[i] + sums,
                       &out->value[at], &out->bound[at]);
            if (!l.known) fuzz_unknown(out, at);
        }
    }
    free(room);
}
