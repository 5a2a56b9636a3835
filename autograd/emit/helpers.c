/* The functions that generated text calls: each is written once, where something calls it. */
#include "emit.h"
#include "shared/c_functions.h"

/* In templates T is the element type, `a` the function's own name, `b` that of the fold of two elements. */
static const char fold_template[] =
    "/* In 32 lanes, which are then halved: one order, whatever the machine's vectors are. What 1024 elements give is\n"
    " * added up, so that no chain of additions is long. */\n"
    "static T a(int64_t n, const T *from)\n"
    "{\n"
    "    T lane[32], all;\n"
    "    int64_t i, k;\n"
    "    if (n > 1024) {\n"
    "        all = a(1024, from);\n"
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

static const char integer_template[] =
    "/* Values outside the integers' range become the nearest, NaN becomes 0. */\n"
    "static int64_t a(double v)\n"
    "{\n"
    "    if (v != v) return 0;\n"
    "    if (v >= 9223372036854775807.0) return INT64_MAX;\n"
    "    return v <= -9223372036854775808.0 ? INT64_MIN : (int64_t)v;\n"
    "}\n";

typedef struct {
    const char *name, *text;
    int fold; /* -1: none */
    const char *f64; /* its text for doubles where it is another; or NULL */
} helper;

/* Each may call those before it. */
static const helper helpers[] = {
    { "two_sum", NULL, AG_FOLD_SUM, NULL }, { "two_prod", NULL, AG_FOLD_PROD, NULL },
    { "two_max", NULL, AG_FOLD_MAX, NULL }, { "two_min", NULL, AG_FOLD_MIN, NULL },
    { "fold_sum", fold_template, AG_FOLD_SUM, NULL }, { "fold_prod", fold_template, AG_FOLD_PROD, NULL },
    { "fold_max", fold_template, AG_FOLD_MAX, NULL }, { "fold_min", fold_template, AG_FOLD_MIN, NULL },
    { "lanes_sum", lanes_template, AG_FOLD_SUM, NULL }, { "lanes_prod", lanes_template, AG_FOLD_PROD, NULL },
    { "lanes_max", lanes_template, AG_FOLD_MAX, NULL }, { "lanes_min", lanes_template, AG_FOLD_MIN, NULL },
    { "into_sum", into_template, AG_FOLD_SUM, NULL }, { "into_prod", into_template, AG_FOLD_PROD, NULL },
    { "into_max", into_template, AG_FOLD_MAX, NULL }, { "into_min", into_template, AG_FOLD_MIN, NULL },
    { "pairs", pairs_template, -1, NULL }, { "clear", clear_template, -1, clear_pairs_template },
    { "widen", widen_template, -1, widen_pairs_template }, { "merge", merge_template, -1, merge_pairs_template },
    { "narrow", narrow_template, -1, narrow_pairs_template },
    { "copy", copy_template, -1, NULL }, { "expand", expand_template, -1, NULL },
    { "repeat", repeat_template, -1, NULL }, { "pad", pad_template, -1, NULL }, { "dot", dot_template, -1, NULL },
    { "integer", integer_template, -1, NULL },
};
enum { HELPERS = sizeof helpers / sizeof helpers[0], TYPES = 3 };

void agi_helper_name(const agi_emitter *e, const char *name, ag_dtype dtype, char to[AGI_NAME])
{
    snprintf(to, AGI_NAME, "%s_%s_%s", e->top, name, agi_type_name(dtype));
}

static void emit_two(ag_source *to, const helper *h, ag_dtype dtype, const char *name)
{
    const char *type = ag_c_type(dtype), *const operand[3] = { "p", "q", "q" };
    ag_emit(to, "static %s %s(%s p, %s q)\n{\n    return ", type, name, type, type);
    agi_emit_arithmetic(to, agi_fold_text(h->fold), dtype, operand);
    ag_emit(to, ";\n}\n");
}

static void emit_helper(const agi_emitter *e, ag_source *to, const helper *h, ag_dtype dtype)
{
    char name[AGI_NAME], two[AGI_NAME];
    agi_helper_name(e, h->name, dtype, name);
    agi_helper_name(e, helpers[h->fold < 0 ? 0 : h->fold].name, dtype, two);
    const char *text = dtype == AG_F64 && h->f64 ? h->f64 : h->text;
    if (text) agi_emit_arithmetic(to, text, dtype, (const char *const[3]){ name, two, two });
    else emit_two(to, h, dtype, name);
    ag_emit(to, "\n");
}

static void emit_typed(const agi_emitter *e, const ag_source *body, ag_source *to, ag_dtype dtype)
{
    uint8_t needed[HELPERS] = { 0 };
    for (int k = HELPERS; k-- > 0;) {
        char name[AGI_NAME];
        agi_helper_name(e, helpers[k].name, dtype, name);
        needed[k] |= (uint8_t)agi_source_has(body, name);
        if (needed[k] && helpers[k].text && helpers[k].fold >= 0) needed[helpers[k].fold] = 1;
    }
    for (int k = 0; k < HELPERS; k++)
        if (needed[k]) emit_helper(e, to, &helpers[k], dtype);
}

/* Functions of arithmetic that <math.h> lacks. Files may be put together: each is there once. */
static void emit_specials(const ag_source *body, ag_source *to)
{
    enum { MOST = 64 };
    uint8_t needed[MOST] = { 0 };
    for (int k = agi_c_function_count; k-- > 0;) {
        needed[k] |= (uint8_t)agi_source_has(body, agi_c_functions[k].name);
        const char *its = agi_c_functions[k].text;
        ag_source text = { .text = { (void *)(uintptr_t)its, (int64_t)strlen(its), 0 } };
        for (int j = 0; needed[k] && j < k; j++) needed[j] |= (uint8_t)agi_source_has(&text, agi_c_functions[j].name);
    }
    for (int k = 0; k < agi_c_function_count; k++) {
        const char *name = agi_c_functions[k].name;
        if (!needed[k]) continue;
        ag_emit(to, "#ifndef HAVE_%s\n#define HAVE_%s\n%s\n#endif\n\n", name, name, agi_c_functions[k].text);
    }
}

void agi_emit_helpers(agi_emitter *e, const ag_source *body, ag_source *to)
{
    emit_specials(body, to);
    for (int dtype = 0; dtype < TYPES; dtype++) emit_typed(e, body, to, (ag_dtype)dtype);
}
