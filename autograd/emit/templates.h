/* Texts of the functions that generated text calls, for helpers.c. */
#ifndef AGI_EMIT_TEMPLATES_H
#define AGI_EMIT_TEMPLATES_H

/* In templates T is the element type, `a` the function's own name, `b` that of the fold of two elements. */
static const char fold_template[] =
    "/* In 32 lanes, which are then halved: one order, whatever the machine's vectors are. What 1024 elements give is\n"
    " * added up, so that no chain of additions is long. */\n"
    "static T a(int64_t n, const T *from)\n"
    "{\n"
    "    T lane[32];\n"
    "    int64_t i, k;\n"
    "    if (n > 1024) {\n"
    "        T all = a(1024, from);\n"
    "        for (i = 1024; i < n; i += 1024) all = b(all, a(n - i < 1024 ? n - i : 1024, from + i));\n"
    "        return all;\n"
    "    }\n"
    "    if (n < 32) {\n"
    "        lane[0] = from[0];\n"
    "        for (i = 1; i < n; i++) lane[0] = b(lane[0], from[i]);\n"
    "        return lane[0];\n"
    "    }\n"
    "    for (k = 0; k < 32; k++) lane[k] = from[k];\n"
    "    for (i = 32; i + 32 <= n; i += 32)\n"
    "        for (k = 0; k < 32; k++) lane[k] = b(lane[k], from[i + k]);\n"
    "    for (k = 0; i + k < n; k++) lane[k] = b(lane[k], from[i + k]);\n"
    "    for (i = 16; i; i /= 2)\n"
    "        for (k = 0; k < i; k++) lane[k] = b(lane[k], lane[i + k]);\n"
    "    return lane[0];\n"
    "}\n";

static const char small_fold_template[] =
    "/* Halves of many are added up, so that no chain of additions is long. */\n"
    "static T a(int64_t n, const T *from)\n"
    "{\n"
    "    T all = from[0];\n"
    "    int64_t i;\n"
    "    if (n > 64) return b(a(n / 2, from), a(n - n / 2, from + n / 2));\n"
    "    for (i = 1; i < n; i++) all = b(all, from[i]);\n"
    "    return all;\n"
    "}\n";

static const char lanes_template[] =
    "/* What fold makes of n elements that are in lanes already, but for the last n % 32. */\n"
    "static T a(int64_t n, T *lane, const T *last)\n"
    "{\n"
    "    int64_t i, k;\n"
    "    if (n < 32) {\n"
    "        lane[0] = last[0];\n"
    "        for (i = 1; i < n; i++) lane[0] = b(lane[0], last[i]);\n"
    "        return lane[0];\n"
    "    }\n"
    "    for (k = 0; k < n % 32; k++) lane[k] = b(lane[k], last[k]);\n"
    "    for (i = 16; i; i /= 2)\n"
    "        for (k = 0; k < i; k++) lane[k] = b(lane[k], lane[i + k]);\n"
    "    return lane[0];\n"
    "}\n";

static const char into_template[] =
    "static void a(int64_t n, const T *from, T *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    INDEPENDENT\n"
    "    for (i = 0; i < n; i++) to[i] = b(to[i], from[i]);\n"
    "}\n";

static const char pairs_template[] =
    "/* The sums of each column, added in pairs: in `from` if it is one row, else in `work`. */\n"
    "static const T *a(int64_t columns, int64_t rows, const T *from, T *work)\n"
    "{\n"
    "    int64_t half = rows / 2, upper = (rows - half) * columns, i;\n"
    "    if (rows == 1) return from;\n"
    "    for (i = 0; i < half * columns; i++) work[i] = from[i] + from[upper + i];\n"
    "    for (; i < upper && work != from; i++) work[i] = from[i];\n"
    "    for (rows -= half; rows > 1; rows -= half) {\n"
    "        half = rows / 2, upper = (rows - half) * columns;\n"
    "        INDEPENDENT\n"
    "        for (i = 0; i < half * columns; i++) work[i] += work[upper + i];\n"
    "    }\n"
    "    return work;\n"
    "}\n";

/* Sums that hardly round at all: doubles of floats; of doubles, pairs of a sum and what its additions have lost. */
static const char clear_template[] =
    "static void a(int64_t n, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) to[i] = -0.0;\n"
    "}\n";

static const char clear_pairs_template[] =
    "static void a(int64_t n, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) to[2 * i] = -0.0, to[2 * i + 1] = 0;\n"
    "}\n";

static const char widen_template[] =
    "static void a(int64_t n, const T *from, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    INDEPENDENT\n"
    "    for (i = 0; i < n; i++) to[i] += (double)from[i];\n"
    "}\n";

static const char widen_pairs_template[] =
    "/* Exact additions: to[2 i + 1] takes what to[2 i] loses. */\n"
    "static void a(int64_t n, const T *from, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    INDEPENDENT\n"
    "    for (i = 0; i < n; i++) {\n"
    "        const double old = to[2 * i], sum = old + from[i], part = sum - old;\n"
    "        to[2 * i] = sum;\n"
    "        to[2 * i + 1] += (old - (sum - part)) + (from[i] - part);\n"
    "    }\n"
    "}\n";

static const char merge_template[] =
    "static void a(int64_t n, const double *from, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    INDEPENDENT\n"
    "    for (i = 0; i < n; i++) to[i] += from[i];\n"
    "}\n";

static const char merge_pairs_template[] =
    "static void a(int64_t n, const double *from, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) {\n"
    "        const double old = to[2 * i], sum = old + from[2 * i], part = sum - old;\n"
    "        to[2 * i] = sum;\n"
    "        to[2 * i + 1] += (old - (sum - part)) + (from[2 * i] - part);\n"
    "        to[2 * i + 1] += from[2 * i + 1];\n"
    "    }\n"
    "}\n";

static const char narrow_template[] =
    "static void a(int64_t n, const double *from, T *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) to[i] = (T)from[i];\n"
    "}\n";

static const char narrow_pairs_template[] =
    "static void a(int64_t n, const double *from, T *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) {\n"
    "        const double lost = from[2 * i + 1];\n"
    "        to[i] = (lost < 0 || lost > 0) && isfinite(lost) ? from[2 * i] + lost : from[2 * i];\n"
    "    }\n"
    "}\n";

/* Products as fractions and powers of two apart: to[i] and to[n + i]. */
static const char clear_product_template[] =
    "static void a(int64_t n, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) to[i] = 1, to[n + i] = 0;\n"
    "}\n";

static const char gather_product_template[] =
    "/* In 32 lanes, which are then halved. What leaves the range of normal numbers is made anew, by lanes. */\n"
    "static void a(int64_t n, const T *from, double *to)\n"
    "{\n"
    "    const T normal = sizeof(T) == 4 ? (T)0x1p-126 : (T)0x1p-1022;\n"
    "    T lane[32], least[32], all[32], low[32], size;\n"
    "    int64_t i, k, lanes = n < 32 ? 1 : 32, half;\n"
    "    for (k = 0; k < lanes; k++) lane[k] = from[k], least[k] = F(fabs)(from[k]);\n"
    "    for (i = lanes; i < n; i += lanes)\n"
    "        for (k = 0; k < lanes && i + k < n; k++) {\n"
    "            lane[k] *= from[i + k], size = F(fabs)(lane[k]);\n"
    "            least[k] = size < least[k] ? size : least[k];\n"
    "        }\n"
    "    for (k = 0; k < lanes; k++) all[k] = lane[k], low[k] = least[k];\n"
    "    for (half = lanes / 2; half; half /= 2)\n"
    "        for (k = 0; k < half; k++) {\n"
    "            all[k] *= all[k + half], size = F(fabs)(all[k]);\n"
    "            low[k] = low[k + half] < low[k] ? low[k + half] : low[k];\n"
    "            low[k] = size < low[k] ? size : low[k];\n"
    "        }\n"
    "    if (low[0] >= normal && isfinite(all[0])) {\n"
    "        agi_multiply(&to[0], &to[1], (double)all[0]);\n"
    "        return;\n"
    "    }\n"
    "    for (k = 0; k < lanes; k++)\n"
    "        if (least[k] >= normal && isfinite(lane[k])) agi_multiply(&to[0], &to[1], (double)lane[k]);\n"
    "        else\n"
    "            for (i = k; i < n; i += lanes) agi_multiply(&to[0], &to[1], (double)from[i]);\n"
    "}\n";

static const char each_product_template[] =
    "/* to[i] gets the factor from[i], for all i or, if one would leave the range of fractions, for none. */\n"
    "static int a(int64_t n, const T *from, double *to)\n"
    "{\n"
    "    int64_t i, extreme = 0;\n"
    "    for (i = 0; i < n; i++) {\n"
    "        const double factor = (double)from[i], size = fabs(to[i] * factor);\n"
    "        extreme |= size > 0x1p-500 || factor == 0 || to[i] == 0 ? 0 : 1;\n"
    "        extreme |= size < 0x1p500 ? 0 : 1;\n"
    "    }\n"
    "    for (i = 0; i < n && !extreme; i++) to[i] *= (double)from[i];\n"
    "    return !extreme;\n"
    "}\n";

static const char widen_product_template[] =
    "/* from[r, i] into to[i]: the rows together or, if something leaves the range of normal numbers, each. */\n"
    "static void a(int64_t rows, int64_t n, const T *from, double *to)\n"
    "{\n"
    "    const T normal = sizeof(T) == 4 ? (T)0x1p-126 : (T)0x1p-1022;\n"
    "    int64_t i, r, unfit = rows == 1 || n > 512;\n"
    "    T part[512], least[512], size;\n"
    "    for (i = 0; i < n && !unfit; i++) part[i] = from[i], least[i] = F(fabs)(from[i]);\n"
    "    for (r = 1; r < rows && !unfit; r++)\n"
    "        for (i = 0; i < n; i++) {\n"
    "            part[i] *= from[r * n + i], size = F(fabs)(part[i]);\n"
    "            least[i] = size < least[i] ? size : least[i];\n"
    "        }\n"
    "    for (i = 0; i < n && !unfit; i++) unfit = !(least[i] >= normal);\n"
    "    if (!unfit && b(n, part, to)) return;\n"
    "    for (r = 0; r < rows; r++, from += n) {\n"
    "        if (b(n, from, to)) continue;\n"
    "        for (i = 0; i < n; i++) agi_multiply(&to[i], &to[n + i], (double)from[i]);\n"
    "    }\n"
    "}\n";

static const char merge_product_template[] =
    "static void a(int64_t n, const double *from, double *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) {\n"
    "        agi_multiply(&to[i], &to[n + i], from[i]);\n"
    "        to[n + i] += from[n + i];\n"
    "    }\n"
    "}\n";

static const char narrow_product_template[] =
    "static void a(int64_t n, const double *from, T *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) to[i] = (T)agi_unscaled(from[i], from[n + i]);\n"
    "}\n";

static const char fold_product_template[] =
    "static T a(int64_t n, const T *from)\n"
    "{\n"
    "    double product[2] = { 1, 0 };\n"
    "    b(n, from, product);\n"
    "    return (T)agi_unscaled(product[0], product[1]);\n"
    "}\n";

static const char copy_template[] =
    "static void a(int64_t n, const T *from, T *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < n; i++) to[i] = from[i];\n"
    "}\n";

static const char expand_template[] =
    "/* Every element along its row. */\n"
    "static void a(int64_t rows, int64_t columns, const T *from, T *to)\n"
    "{\n"
    "    int64_t r, i;\n"
    "    for (r = 0; r < rows; r++, to += columns)\n"
    "        for (i = 0; i < columns; i++) to[i] = from[r];\n"
    "}\n";

static const char repeat_template[] =
    "/* The same row again and again. */\n"
    "static void a(int64_t rows, int64_t columns, const T *from, T *to)\n"
    "{\n"
    "    int64_t r, i;\n"
    "    for (r = 0; r < rows; r++, to += columns)\n"
    "        for (i = 0; i < columns; i++) to[i] = from[i];\n"
    "}\n";

static const char pad_template[] =
    "/* The last elements, with others up to one whole vector. */\n"
    "static void a(int64_t n, int64_t whole, const T *from, T *to)\n"
    "{\n"
    "    int64_t i;\n"
    "    for (i = 0; i < whole; i++) to[i] = from[i < n ? i : 0];\n"
    "}\n";

static const char dot_template[] =
    "/* Every 8th product into the same sum, of so many that no sum is long. */\n"
    "static T a(int64_t n, const T *p, int64_t pstep, const T *q, int64_t qstep)\n"
    "{\n"
    "    T sum[8] = { 0, 0, 0, 0, 0, 0, 0, 0 }, rest = 0;\n"
    "    double all = 0;\n"
    "    int64_t i, k;\n"
    "    for (i = 0; n > 512 && i < n; i += 512)\n"
    "        all += (double)a(n - i < 512 ? n - i : 512, p + i * pstep, pstep, q + i * qstep, qstep);\n"
    "    if (n > 512) return (T)all;\n"
    "    for (i = 0; pstep == 1 && qstep == 1 && i + 8 <= n; i += 8)\n"
    "        for (k = 0; k < 8; k++) sum[k] += p[i + k] * q[i + k];\n"
    "    for (; i + 8 <= n; i += 8)\n"
    "        for (k = 0; k < 8; k++) sum[k] += p[(i + k) * pstep] * q[(i + k) * qstep];\n"
    "    for (; i < n; i++) rest += p[i * pstep] * q[i * qstep];\n"
    "    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])) + rest;\n"
    "}\n";

static const char small_dot_template[] =
    "/* Halves of many are added up, so that no chain of additions is long. */\n"
    "static T a(int64_t n, const T *p, int64_t pstep, const T *q, int64_t qstep)\n"
    "{\n"
    "    const int64_t half = n / 2;\n"
    "    T sum = 0;\n"
    "    int64_t i;\n"
    "    if (n > 64)\n"
    "        return a(half, p, pstep, q, qstep) + a(n - half, p + half * pstep, pstep, q + half * qstep, qstep);\n"
    "    for (i = 0; i < n; i++) sum += p[i * pstep] * q[i * qstep];\n"
    "    return sum;\n"
    "}\n";

static const char integer_template[] =
    "/* Values outside the integers' range become the nearest, NaN becomes 0. */\n"
    "static int64_t a(double v)\n"
    "{\n"
    "    if (v != v) return 0;\n"
    "    if (v >= 9223372036854775807.0) return INT64_MAX;\n"
    "    return v <= -9223372036854775808.0 ? INT64_MIN : (int64_t)v;\n"
    "}\n";

#endif
