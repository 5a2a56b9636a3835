/* Growing text, and the words of C: numbers, comments, pointwise arithmetic. */
#define AG_POINTWISE_TABLE
#include "emit.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void append(ag_source *s, const char *text, size_t n)
{
    if (s->failed || !agi_vector_grow(s->allocator, &s->text, 1, (int64_t)n)) {
        s->failed = 1;
        return;
    }
    memcpy((char *)s->text.data + s->text.count, text, n);
    s->text.count += (int64_t)n;
}

void ag_emit(ag_source *s, const char *format, ...)
{
    char line[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(line, sizeof line, format, args);
    if (n < (int)sizeof line) {
        append(s, line, n < 0 ? 0 : (size_t)n);
    } else if (s->failed || !agi_vector_grow(s->allocator, &s->text, 1, (int64_t)n + 1)) {
        s->failed = 1;
    } else {
        vsnprintf((char *)s->text.data + s->text.count, (size_t)n + 1, format, again);
        s->text.count += n;
    }
    va_end(again);
    va_end(args);
}

void agi_source_free(ag_source *s)
{
    agi_release(s->allocator, s->text.data);
    s->text = (agi_vector){ 0 };
}

void agi_source_append(ag_source *s, const ag_source *more)
{
    s->failed |= more->failed;
    if (more->text.count) append(s, more->text.data, (size_t)more->text.count);
}

void agi_source_append_lines(ag_source *s, const ag_source *more, int depth)
{
    const char *text = more->text.data, *end = text ? text + more->text.count : NULL;
    s->failed |= more->failed;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *next = newline ? newline + 1 : end;
        for (int k = 0; k < depth; k++) append(s, "    ", 4);
        append(s, text, (size_t)(next - text));
        text = next;
    }
}

static int in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

int agi_source_has(const ag_source *s, const char *word)
{
    size_t n = strlen(word);
    const char *text = s->text.data, *end = text ? text + s->text.count : NULL;
    for (const char *p = text; p && end - p >= (ptrdiff_t)n; p++) {
        p = memchr(p, word[0], (size_t)(end - p) - n + 1);
        if (!p) return 0;
        int whole = (p == text || !in_word(p[-1])) && (p + n == end || !in_word(p[n]));
        if (whole && memcmp(p, word, n) == 0) return 1;
    }
    return 0;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

const char *ag_c_type(ag_dtype dtype)
{
    static const char *const types[] = { "float", "double", "int64_t" };
    return types[dtype];
}

/* The fewest digits that give the value back. The program's locale may put anything for the decimal point. */
static void print_shortest(char *to, size_t size, ag_dtype dtype, double value)
{
    enum { SHORT = 1 << 24 }; /* integers as people write them, all of them floats */
    int most = dtype == AG_F32 ? 9 : 17;
    for (int digits = 1; digits <= most; digits++) {
        snprintf(to, size, "%.*g", digits, value);
        double back = strtod(to, NULL);
        if (dtype == AG_F32 ? (float)back == (float)value : back == value) break;
    }
    if (fabs(value) >= 1 && fabs(value) < SHORT && floor(value) >= value) snprintf(to, size, "%.0f", value);
    for (char *c = to; *c; c++)
        if (!strchr("0123456789+-e", *c)) *c = '.';
}

void agi_emit_number(ag_source *s, ag_dtype dtype, double value)
{
    char text[40];
    if (isnan(value)) ag_emit(s, "NAN");
    else if (isinf(value)) ag_emit(s, value < 0 ? "-INFINITY" : "INFINITY");
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

void agi_emit_constant(ag_source *s, ag_dtype dtype, const agi_buffer *b, int64_t index)
{
    const ag_node *x = b->node;
    double value;
    if (x->op != &agi_number && x->dtype == AG_I64 && dtype == AG_I64) {
        agi_emit_element(s, dtype, x->attribute, index);
        return;
    }
    if (x->op == &agi_number) memcpy(&value, x->attribute, sizeof value);
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
    static const char *const types[] = { "f32", "f64", "i64" };
    if (x->name) emit_name(s, x->name);
    else ag_emit(s, "%s#%u", x->op->name, x->id);
    ag_emit(s, " %s[", types[x->dtype]);
    for (int i = 0; i < x->rank; i++) ag_emit(s, i ? ",%lld" : "%lld", (long long)x->dim[i]);
    ag_emit(s, "]");
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */

#define POINTWISE1(name, ...) [AG_CODE_##name] = #__VA_ARGS__,
#define POINTWISE2(name, ...) [AG_CODE_##name] = #__VA_ARGS__,
#define POINTWISE3(name, ...) [AG_CODE_##name] = #__VA_ARGS__,
static const char *const texts[] = {
#include "pointwise.def"
    [AGI_MOVE] = "x",
    [AGI_SUM] = "a + b",
    [AGI_PROD] = "a * b",
    [AGI_MAX] = "a > b || a != a ? a : b",
    [AGI_MIN] = "a < b || a != a ? a : b",
    [AGI_MULADD] = "a * b + c",
};
const char *agi_code_text(uint32_t code)
{
    return texts[code];
}

const char *agi_pointwise_text(const ag_op *op)
{
    return op->code ? texts[op->code] : op->c_text;
}

const char *agi_fold_text(int fold)
{
    return texts[AGI_SUM + (uint32_t)fold];
}

int agi_calls_functions(const char *text)
{
    static const char *const instructions[] = { "F(sqrt)", "F(fabs)", "F(floor)", "F(copysign)" };
    for (const char *c = text; (c = strstr(c, "F(")); c++) {
        int cheap = 0;
        for (int k = 0; k < 4; k++) cheap |= strncmp(c, instructions[k], strlen(instructions[k])) == 0;
        if (!cheap) return 1;
    }
    return 0;
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
    append(s, from + 1, (size_t)(p - from - 1));
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

void agi_emit_arithmetic(ag_source *s, const char *text, ag_dtype dtype, const char *const operand[3])
{
    for (const char *p = text; *p;) {
        size_t n = 0;
        while (in_word(p[n])) n++;
        const char *with = replacement(p, n, dtype, operand);
        if (n == 1 && (*p == 'F' || *p == 'K') && p[1] == '(') {
            p = emit_argument(s, p);
            if (dtype == AG_F32) append(s, "f", 1);
        } else if (n && !isdigit((unsigned char)*p) && with) {
            append(s, with, strlen(with));
            p += n;
        } else {
            n = n ? n : 1;
            append(s, p, n);
            p += n;
        }
    }
}
