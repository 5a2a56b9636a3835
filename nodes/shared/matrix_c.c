/* Linear algebra as C: plain loops over the same factors and triangles; see matrix.h. */
#include "factors.h"
#include "matrix.h"

#include <float.h>

static int is_matrix(const ag_node *y)
{
    return y->rank >= y->in[0]->rank;
}

void agi_write_loop(ag_source *s, const ag_node *y)
{
    ag_emit(s, "    for (batch = 0; batch < %lld; batch++) {\n", (long long)agi_matrices(y));
    ag_emit(s, "        const int64_t n = %lld;\n", (long long)agi_cols(y->in[0]));
    if (!is_matrix(y)) return;
    ag_emit(s, "        %s *const x = out + batch * %lld;\n", ag_c_type((ag_dtype)y->dtype),
            (long long)(agi_rows(y) * agi_cols(y)));
}

void agi_write_matrix(ag_source *s, const ag_node *y, int k, const ag_strides in_stride[], const char *name)
{
    const ag_node *x = y->in[k];
    int axes = is_matrix(y) ? y->rank - 2 : y->rank, lead = axes + 2 - x->rank;
    int64_t inside = 1;
    ag_emit(s, "        const %s *const %s = in%d", ag_c_type((ag_dtype)x->dtype), name, k);
    for (int i = axes - 1; i >= 0; inside *= y->dim[i--]) {
        if (i < lead || x->dim[i - lead] == 1) continue;
        ag_emit(s, inside > 1 ? " + batch / %lld" : " + batch", (long long)inside);
        ag_emit(s, " %% %lld * %lld", (long long)y->dim[i], (long long)in_stride[k].stride[i - lead]);
    }
    ag_emit(s, ";\n");
}

void agi_write_copy(ag_source *s, const ag_node *y, int k, const ag_strides in_stride[])
{
    const ag_node *b = y->in[k];
    const int64_t *stride = in_stride[k].stride + b->rank - 2;
    agi_write_matrix(s, y, k, in_stride, "from");
    ag_emit(s, "        const int64_t columns = %lld;\n", (long long)agi_cols(b));
    ag_emit(s, "        for (i = 0; i < n; i++)\n            for (j = 0; j < columns; j++)\n");
    ag_emit(s, "                x[i * columns + j] = from[i * %lld + j * %lld];\n", (long long)stride[0],
            (long long)stride[1]);
}

void agi_write_regular(ag_source *s, const ag_node *y, int k, const ag_strides in_stride[], int lenient)
{
    agi_write_matrix(s, y, k, in_stride, "f");
    ag_emit(s, "        for (i = 0; i < n && !(fabs(f[i * n + i]) < %.17g); i++) {}\n",
            y->dtype == AG_F32 ? (double)FLT_MIN : DBL_MIN);
    if (y->rank == 2 && !lenient) {
        ag_emit(s, "        if (i < n) return %d;\n", (int)AG_ENUMERIC);
        return;
    }
    ag_emit(s, "        if (i < n) {\n            for (i = 0; i < %lld; i++) x[i] = NAN;\n            continue;\n"
               "        }\n", (long long)(agi_rows(y) * agi_cols(y)));
}

/* Forward where the triangle that is divided by is a lower one, else backward. */
void agi_write_divide(ag_source *s, agi_triangular how)
{
    int forward = how.upper == how.transposed;
    const char *at = how.transposed ? "f[k * n + i]" : "f[i * n + k]";
    ag_emit(s, forward ? "        for (i = 0; i < n; i++) {\n            for (k = 0; k < i; k++)\n"
                       : "        for (i = n - 1; i >= 0; i--) {\n            for (k = i + 1; k < n; k++)\n");
    ag_emit(s, "                for (j = 0; j < columns; j++) x[i * columns + j] -= %s * x[k * columns + j];\n", at);
    if (!how.unit) ag_emit(s, "            for (j = 0; j < columns; j++) x[i * columns + j] /= f[i * n + i];\n");
    ag_emit(s, "        }\n");
}

static void write_exchanges(ag_source *s, ag_dtype dtype, int backward)
{
    ag_emit(s, backward ? "        for (i = n - 1; i >= 0; i--)\n" : "        for (i = 0; i < n; i++)\n");
    ag_emit(s, "            for (j = 0, k = (int64_t)f[n * n + i]; j < columns && k != i; j++) {\n"
               "                const %s t = x[i * columns + j];\n"
               "                x[i * columns + j] = x[k * columns + j];\n"
               "                x[k * columns + j] = t;\n"
               "            }\n", ag_c_type(dtype));
}

void agi_write_solve(ag_source *s, ag_dtype dtype, int transposed)
{
    const agi_triangular l = { .unit = 1, .transposed = transposed }, u = { .upper = 1, .transposed = transposed };
    if (!transposed) write_exchanges(s, dtype, 0);
    agi_write_divide(s, transposed ? u : l);
    agi_write_divide(s, transposed ? l : u);
    if (transposed) write_exchanges(s, dtype, 1);
}

/* As agi_determinant has them, in any range of the fraction. */
void agi_write_determinant(ag_source *s)
{
    ag_emit(s, "        double fraction = 1;\n        exponent = 0;\n        for (i = 0; i < n; i++) {\n");
    ag_emit(s, "            fraction *= f[n * n + i] == i ? f[i * n + i] : -f[i * n + i];\n"
               "            fraction = frexp(fraction, &power);\n"
               "            exponent += power;\n        }\n");
}
