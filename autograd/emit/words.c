/* The words of C: numbers, comments, pointwise arithmetic. */
#include "emit.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* The fewest digits that give the value back. The program's locale may put anything for the decimal point. */
static void print_shortest(char *to, size_t size, ag_dtype dtype, double value)
{
    enum { SHORT = 1 << 24 }; /* integers as people write them, all of them floats */
    int least = 1, most = dtype == AG_F32 ? 9 : 17; /* digits that may do, and that will */
    while (least < most) {
        int digits = (least + most) / 2;
        snprintf(to, size, "%.*g", digits, value);
        double back = strtod(to, NULL);
        if (dtype == AG_F32 ? (float)back == (float)value : back == value) most = digits;
        else least = digits + 1;
    }
    snprintf(to, size, "%.*g", most, value);
    if (fabs(value) >= 1 && fabs(value) < SHORT && floor(value) >= value) snprintf(to, size, "%.0f", value);
    for (char *c = to; *c; c++)
        if (!strchr("0123456789+-e", *c)) *c = '.';
}

void agi_emit_number(ag_source *s, ag_dtype dtype, double value)
{
    char text[320]; /* compilers cannot tell how few digits there are */
    if (isnan(value)) ag_emit(s, "NAN");
    else if (isinf(value)) ag_emit(s, "%sHUGE_VAL%s", value < 0 ? "-" : "", dtype == AG_F32 ? "F" : "");
    else {
        print_shortest(text, sizeof text, dtype, value);
        ag_emit(s, "%s%s%s", text, strpbrk(text, ".e") ? "" : ".0", dtype == AG_F32 ? "f" : "");
    }
}

void agi_emit_element(ag_source *s, ag_dtype dtype, const void *values, int64_t index)
{
    if (dtype == AG_F32) agi_emit_number(s, dtype, (double)((const float *)values)[index]);
    else if (dtype == AG_F64) agi_emit_number(s, dtype, ((const double *)values)[index]);
    else if (((const int64_t *)values)[index] == INT64_MIN) ag_emit(s, "INT64_MIN");
    else ag_emit(s, "%lld", (long long)((const int64_t *)values)[index]);
}

/* In base 16, which takes a tenth of the time, and no more room. */
void agi_emit_exactly(ag_source *s, ag_dtype dtype, double value)
{
    enum { DIGITS = 13, BIAS = 1023 }; /* of a double's fraction */
    char text[40], *at = text;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int exponent = (int)(bits >> 52 & 2047);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    if (exponent == 0 || exponent == 2047) {
        agi_emit_number(s, dtype, value);
        return;
    }
    if (bits >> 63) *at++ = '-';
    *at++ = '0', *at++ = 'x', *at++ = '1', *at++ = '.';
    do {
        *at++ = "0123456789abcdef"[fraction >> 4 * (DIGITS - 1) & 15];
        fraction = fraction << 4 & (((uint64_t)1 << 52) - 1);
    } while (fraction);
    *at++ = 'p';
    *at = 0;
    ag_emit(s, "%s%d%s", text, exponent - BIAS, dtype == AG_F32 ? "f" : "");
}

void agi_emit_constant(ag_source *s, ag_dtype dtype, const agi_buffer *b, int64_t index)
{
    const ag_node *x = b->node;
    double value;
    if (x->op->role != AG_IS_NUMBER && x->dtype == AG_I64 && dtype == AG_I64) {
        agi_emit_element(s, dtype, x->attribute, index);
        return;
    }
    if (x->op->role == AG_IS_NUMBER) memcpy(&value, x->attribute, sizeof value);
    else if (x->dtype == AG_F32) value = (double)((const float *)x->attribute)[index];
    else if (x->dtype == AG_F64) value = ((const double *)x->attribute)[index];
    else value = (double)((const int64_t *)x->attribute)[index];
    if (dtype == AG_I64) ag_emit(s, "%lld", (long long)value);
    else agi_emit_number(s, dtype, x->dtype == AG_F32 || dtype == AG_F32 ? (double)(float)value : value);
}

/* ---- comments ---------------------------------------------------------------------------------------------------- */

enum { LONGEST_NAME = 60 };

/* Nothing in a name may end a comment, open one, be a trigraph or turn the direction of the text around it. */
static void emit_name(ag_source *s, const char *name)
{
    char text[LONGEST_NAME + 1];
    size_t n = 0;
    for (; name[n] && n < LONGEST_NAME; n++) {
        int fit = name[n] >= ' ' && name[n] <= '~' && !strchr("/\\?", name[n]);
        text[n] = fit ? name[n] : '_';
    }
    text[n] = 0;
    ag_emit(s, "'%s'", text);
}

void agi_emit_node(ag_source *s, const ag_node *x)
{
    if (x->name) emit_name(s, x->name);
    else ag_emit(s, "%s#%u", x->op->name, x->id);
    ag_emit(s, " %s[", agi_type_name((ag_dtype)x->dtype));
    for (int i = 0; i < x->rank; i++) ag_emit(s, i ? ",%lld" : "%lld", (long long)x->dim[i]);
    ag_emit(s, "]");
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */
static int in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The argument of F or K, which follows in brackets; returns what is behind them. */
static const char *emit_argument(ag_source *s, const char *p)
{
    int depth = 0;
    const char *from = strchr(p, '(');
    if (!from) return p;
    for (p = from; *p; p++)
        if (*p == '(') depth++;
        else if (*p == ')' && --depth == 0) break;
    agi_source_add(s, from + 1, (size_t)(p - from - 1));
    return *p ? p + 1 : p;
}

static const char *replacement(const char *word, size_t n, ag_dtype dtype, const char *const operand[3])
{
    if (n != 1) return NULL;
    switch (*word) {
    case 'T': return ag_c_type(dtype);
    case 'x':
    case 'a': return operand[0];
    case 'b': return operand[1];
    case 'c': return operand[2];
    default: return NULL;
    }
}

/* Functions of floats that there are versions of ours of. */
static const struct {
    const char *name, *ours;
} versions[] = { { "exp", "agi_expf" }, { "expm1", "agi_expm1f" }, { "tanh", "agi_tanhf" }, { "erf", "agi_erff" },
                 { "agi_tanh_of", "agi_tanh_of_expm1f" } };
enum { VERSIONS = sizeof versions / sizeof *versions };

/* Ours of F's argument, which begins here; or NULL. */
static const char *version_of(const char *argument)
{
    for (int k = 0; k < VERSIONS; k++) {
        size_t n = strlen(versions[k].name);
        if (!strncmp(argument + 1, versions[k].name, n) && argument[n + 1] == ')') return versions[k].ours;
    }
    return NULL;
}

static void emit_arithmetic(ag_source *s, const char *text, ag_dtype dtype, int ours, const char *const operand[3])
{
    for (const char *p = text; *p;) {
        size_t n = 0;
        while (in_word(p[n])) n++;
        const char *with = replacement(p, n, dtype, operand);
        if (n == 1 && (*p == 'F' || *p == 'K') && p[1] == '(') {
            const char *version = ours && dtype == AG_F32 && *p == 'F' ? version_of(p + 1) : NULL;
            if (version) agi_source_add(s, version, strlen(version)), p = strchr(p, ')') + 1;
            else p = emit_argument(s, p), agi_source_add(s, "f", dtype == AG_F32);
        } else if (n && !isdigit((unsigned char)*p) && with) {
            agi_source_add(s, with, strlen(with));
            p += n;
        } else {
            n = n ? n : 1;
            agi_source_add(s, p, n);
            p += n;
        }
    }
}

void agi_emit_arithmetic(ag_source *s, const char *text, ag_dtype dtype, const char *const operand[3])
{
    emit_arithmetic(s, text, dtype, 0, operand);
}

void agi_emit_scalar_arithmetic(const agi_emitter *e, ag_source *s, const char *text, ag_dtype dtype,
                                const char *const operand[3])
{
    emit_arithmetic(s, text, dtype, e->small && !e->libm, operand);
}

int agi_has_version(const agi_emitter *e, const ag_op *op, ag_dtype dtype)
{
    const char *text = agi_pointwise_text(op), *own = text ? strstr(text, "F(agi_") : NULL;
    while (own && dtype == AG_F32 && !e->libm && version_of(own + 1)) own = strstr(own + 1, "F(agi_");
    return !own;
}

void agi_emit_loop_arithmetic(const agi_emitter *e, ag_source *s, const ag_op *op, ag_dtype dtype,
                              const char *const operand[3])
{
    emit_arithmetic(s, agi_pointwise_text(op), dtype, !e->libm, operand);
}
