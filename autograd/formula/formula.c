/* Formulas: text to graph by operator precedence, on two explicit stacks of bounded depth. */
#include "formula.h"

#include <stdlib.h>

enum { DEPTH = 256, LONGEST_FORMULA = 1 << 16, LONGEST_NUMBER = 400, LONGEST_NAME = 255 };

/* Binding strength. A prefix operator waits for what binds tighter on its right: -x^2 is -(x^2), and 2^-x is 2^(-x). */
enum { OPEN, COMPARISON, SUM, PRODUCT, PREFIX, POWER };

static ag_node *not_equal(ag_node *a, ag_node *b)
{
    ag_node *equal = ag_equal(a, b);
    return ag_is_bad(equal) ? equal : ag_sub(ag_number(equal->graph, 1), equal);
}

static ag_node *product(ag_node *a, ag_node *b)
{
    int large = ag_shape_of(a).rank > 2 || ag_shape_of(b).rank > 2;
    return large ? ag_matmul(a, b) : ag_dot(a, b);
}

static const struct {
    char text[3]; /* longer ones first */
    int level;
    ag_node *(*make)(ag_node *, ag_node *);
} binary[] = {
    { "<=", COMPARISON, ag_less_equal }, { ">=", COMPARISON, ag_greater_equal },
    { "==", COMPARISON, ag_equal },      { "!=", COMPARISON, not_equal },
    { "**", POWER, ag_pow },             { "<", COMPARISON, ag_less },
    { ">", COMPARISON, ag_greater },     { "+", SUM, ag_add },
    { "-", SUM, ag_sub },                { "*", PRODUCT, ag_mul },
    { "/", PRODUCT, ag_div },            { "@", PRODUCT, product },
    { "^", POWER, ag_pow },
};
enum { BINARIES = sizeof binary / sizeof binary[0] };

static const struct {
    const char *name;
    agi_argument value;
} constants[] = {
    { "pi", { AGI_NUMBER, NULL, 3.14159265358979323846 } }, { "e", { AGI_NUMBER, NULL, 2.71828182845904523536 } },
    { "f32", { AGI_TYPE, NULL, AG_F32 } },                  { "f64", { AGI_TYPE, NULL, AG_F64 } },
    { "i64", { AGI_TYPE, NULL, AG_I64 } },
};
enum { CONSTANTS = sizeof constants / sizeof constants[0] };

/* An operator that waits for its right operand; a parenthesis; a function that waits for its arguments. */
typedef struct {
    int level;
    int which;         /* of a binary operator */
    const char *at;    /* where in the formula */
    agi_word function; /* OPEN: empty for a plain parenthesis */
    int values;        /* OPEN: how many values lie below it */
} pending;

typedef struct {
    ag_graph *graph;
    const char *text, *at;
    int npending, nvalues;
    pending pending[DEPTH];
    agi_argument values[DEPTH];
} parser;

/* ---- errors ----------------------------------------------------------------------------------------------------- */

/* Appends the line and a caret under the place, unless the message is an older failure's. */
static void point_at(parser *p, const char *at, int failed_before)
{
    enum { BEFORE = 48, WIDTH = 72 };
    ag_graph *g = p->graph;
    if (failed_before) return;
    const char *line = at, *end = at;
    int number = 1;
    while (line > p->text && line[-1] != '\n') line--;
    while (*end && *end != '\n') end++;
    for (const char *c = p->text; c < line; c++) number += *c == '\n';
    const char *from = at - line > BEFORE ? at - BEFORE : line;
    const char *to = end - from > WIDTH ? from + WIDTH : end;
    agi_text t = { g->message + strlen(g->message), g->message + sizeof g->message };
    agi_print(&t, " (");
    if (line > p->text || *end) agi_print(&t, "line %d, ", number);
    agi_print(&t, "column %d)\n    %s", (int)(at - line) + 1, from > line ? "..." : "");
    for (const char *c = from; c < to; c++) agi_print(&t, "%c", *c >= 32 && *c < 127 ? *c : *c == '\t' ? ' ' : '?');
    agi_print(&t, "%s\n    %*s^", to < end ? "..." : "", (int)(at - from) + (from > line ? 3 : 0), "");
}

static int fail(parser *p, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(parser *p, const char *at, const char *format, ...)
{
    char message[256];
    int failed_before = p->graph->status != AG_OK;
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    agi_fail(p->graph, AG_EARG, "ag_parse: %s", message);
    point_at(p, at, failed_before);
    return 0;
}

/* ---- the stacks; these and what follows return 0 after a failure ------------------------------------------------ */

static int push(parser *p, pending o)
{
    if (p->npending == DEPTH) return fail(p, o.at, "nested more than %d deep", DEPTH);
    p->pending[p->npending++] = o;
    return 1;
}

static int push_value(parser *p, const char *at, agi_argument value)
{
    if (p->nvalues == DEPTH) return fail(p, at, "more than %d values wait for their operation", DEPTH);
    p->values[p->nvalues++] = value;
    return 1;
}

/* The operation's result, or the place of its failure. */
static int result(parser *p, const char *at, int failed_before, ag_node *y)
{
    if (ag_is_bad(y)) {
        point_at(p, at, failed_before);
        return 0;
    }
    return push_value(p, at, (agi_argument){ .kind = AGI_NODE, .node = y });
}

static int negate(parser *p, const pending *o)
{
    int failed_before = p->graph->status != AG_OK;
    agi_argument *x = &p->values[p->nvalues - 1];
    if (x->kind == AGI_NUMBER) {
        x->number = -x->number;
        return 1;
    }
    p->nvalues--;
    return result(p, o->at, failed_before, ag_neg(agi_argument_node(p->graph, x)));
}

/* Applies the operator on top of the stack. */
static int apply(parser *p)
{
    const pending *o = &p->pending[--p->npending];
    if (o->level == PREFIX) return negate(p, o);
    int failed_before = p->graph->status != AG_OK;
    agi_argument *in = &p->values[p->nvalues -= 2];
    ag_node *a = agi_argument_node(p->graph, &in[0]), *b = agi_argument_node(p->graph, &in[1]);
    return result(p, o->at, failed_before, binary[o->which].make(a, b));
}

/* Applies what binds at least as tightly as `level`, back to the innermost parenthesis. */
static int settle(parser *p, int level)
{
    while (p->npending && p->pending[p->npending - 1].level >= level)
        if (!apply(p)) return 0;
    return 1;
}

/* ---- operands --------------------------------------------------------------------------------------------------- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *skip_space(const char *at)
{
    while (*at == ' ' || (*at >= '\t' && *at <= '\r')) at++;
    return at;
}

/* Digits, fraction, exponent. strtod sees no decimal point, so the locale's does not matter. */
static int number(parser *p)
{
    char digits[LONGEST_NUMBER + 32];
    const char *start = p->at, *at = start;
    int n = 0, fraction = 0, point = 0, exponent = 0, negative = 0;
    for (; is_digit(*at) || (*at == '.' && !point); at++) {
        if (*at == '.') point = 1;
        else if (n == LONGEST_NUMBER) return fail(p, start, "a number has at most %d digits", LONGEST_NUMBER);
        else {
            digits[n++] = *at;
            fraction += point;
        }
    }
    if (*at == 'e' || *at == 'E') {
        const char *power = at + 1;
        if (*power == '-' || *power == '+') negative = *power++ == '-';
        if (is_digit(*power))
            for (at = power; is_digit(*at); at++)
                if (exponent < 100000) exponent = exponent * 10 + *at - '0';
    }
    snprintf(digits + n, sizeof digits - (size_t)n, "e%d", (negative ? -exponent : exponent) - fraction);
    double value = strtod(digits, NULL);
    if (value > 1.7976931348623157e308) return fail(p, start, "the number is too large for a double");
    p->at = at;
    return push_value(p, start, (agi_argument){ .kind = AGI_NUMBER, .number = value });
}

static int is_call(agi_word w)
{
    return *skip_space(w.at + w.length) == '(';
}

/* The value of a name, if it has one: a leaf's, else a constant's. */
static int lookup(parser *p, agi_word w, agi_argument *value)
{
    char name[LONGEST_NAME + 1];
    if (w.length > LONGEST_NAME) return 0;
    memcpy(name, w.at, w.length);
    name[w.length] = 0;
    ag_node *leaf = ag_find(p->graph, name);
    *value = (agi_argument){ .kind = AGI_NODE, .node = leaf };
    for (int i = 0; i < CONSTANTS && !leaf; i++)
        if (strcmp(name, constants[i].name) == 0) {
            *value = constants[i].value;
            return 1;
        }
    return leaf != NULL;
}

static const char *nearest(parser *p, agi_word w)
{
    agi_nearest n = { .word = w };
    if (is_call(w)) agi_nearest_function(&n);
    else {
        for (int64_t id = 0; id < p->graph->nnodes; id++) {
            const ag_node *x = agi_node(p->graph, id);
            if ((x->op->flags & AG_LEAF) && x->name) agi_nearest_try(&n, x->name);
        }
        for (int i = 0; i < CONSTANTS; i++) agi_nearest_try(&n, constants[i].name);
    }
    return n.best;
}

static int unknown(parser *p, agi_word whole, agi_word first)
{
    const char *near = nearest(p, whole);
    agi_word w = near ? whole : first;
    if (!near) near = nearest(p, w);
    int length = w.length > 64 ? 64 : (int)w.length, call = is_call(w);
    agi_argument value;
    if (call && lookup(p, w, &value)) return fail(p, w.at, "'%.*s' is no function", length, w.at);
    if (!call && agi_is_function(w)) return fail(p, w.at, "'%.*s' is a function and needs (", length, w.at);
    if (near) return fail(p, w.at, "unknown %s '%.*s', did you mean '%.64s'?", call ? "function" : "name", length, w.at,
                          near);
    return fail(p, w.at, "unknown %s '%.*s'", call ? "function" : "name", length, w.at);
}

/* The longest name that is known: "a/b" is a leaf of that name, or a divided by b. A long chain of divisions is looked
 * at LONGEST_NAME characters at a time. */
static int name(parser *p)
{
    agi_word w = { p->at, 0 }, whole, first;
    while (w.length <= LONGEST_NAME && (is_letter(w.at[w.length]) || is_digit(w.at[w.length]) ||
                                        w.at[w.length] == '.' || w.at[w.length] == '/'))
        w.length++;
    for (whole = first = w;; first = w) {
        agi_argument value;
        p->at = w.at + w.length;
        if (is_call(w) && agi_is_function(w)) {
            p->at = skip_space(p->at) + 1;
            return push(p, (pending){ .level = OPEN, .at = w.at, .function = w, .values = p->nvalues });
        }
        if (!is_call(w) && lookup(p, w, &value)) return push_value(p, w.at, value);
        while (w.length && w.at[w.length - 1] != '/') w.length--;
        if (!w.length) return unknown(p, whole, first);
        w.length--;
    }
}

/* Leaves *ready 0 when another operand must follow. */
static int operand(parser *p, int *ready)
{
    char c = *p->at;
    *ready = 0;
    if (c == '+' || c == '-') {
        if (c == '-' && !push(p, (pending){ .level = PREFIX, .at = p->at })) return 0;
        p->at++;
        return 1;
    }
    if (c == '(') return push(p, (pending){ .level = OPEN, .at = p->at++, .values = p->nvalues });
    if (is_digit(c) || (c == '.' && is_digit(p->at[1]))) {
        *ready = 1;
        return number(p);
    }
    if (is_letter(c)) {
        int depth = p->npending;
        if (!name(p)) return 0;
        *ready = p->npending == depth;
        return 1;
    }
    if (!c) return fail(p, p->at, "the formula ends where a value is expected");
    if (c > ' ' && c < 127) return fail(p, p->at, "a value is expected, not '%c'", c);
    return fail(p, p->at, "a value is expected");
}

/* ---- what follows an operand ------------------------------------------------------------------------------------ */

static int close(parser *p)
{
    if (!settle(p, COMPARISON)) return 0;
    if (!p->npending) return fail(p, p->at, "no ( belongs to this )");
    pending o = p->pending[--p->npending];
    p->at++;
    if (!o.function.length) return 1;
    int failed_before = p->graph->status != AG_OK, n = p->nvalues - o.values;
    p->nvalues = o.values;
    return result(p, o.at, failed_before, agi_call_function(p->graph, o.function, n, &p->values[o.values]));
}

static int comma(parser *p)
{
    if (!settle(p, COMPARISON)) return 0;
    if (!p->npending || !p->pending[p->npending - 1].function.length)
        return fail(p, p->at, "a comma stands between the arguments of a function only");
    p->at++;
    return 1;
}

static int operator_named(parser *p, int which)
{
    int level = binary[which].level;
    if (!settle(p, level == POWER ? POWER + 1 : level == COMPARISON ? SUM : level)) return 0;
    if (level == COMPARISON && p->npending && p->pending[p->npending - 1].level == COMPARISON)
        return fail(p, p->at, "comparisons do not chain, use parentheses");
    if (!push(p, (pending){ .level = level, .which = which, .at = p->at })) return 0;
    p->at += strlen(binary[which].text);
    return 1;
}

/* Leaves *ready 1 when no operand follows. */
static int after_operand(parser *p, int *ready)
{
    if (*p->at == ')') return close(p);
    *ready = 0;
    if (*p->at == ',') return comma(p);
    for (int i = 0; i < BINARIES; i++)
        if (strncmp(p->at, binary[i].text, strlen(binary[i].text)) == 0) return operator_named(p, i);
    if (*p->at == '=') return fail(p, p->at, "an operator is expected; equality is ==");
    return fail(p, p->at, "an operator is expected");
}

static ag_node *finish(parser *p)
{
    if (!settle(p, COMPARISON)) return p->graph->bad;
    if (p->npending) {
        fail(p, p->pending[p->npending - 1].at, "the parenthesis is never closed");
        return p->graph->bad;
    }
    int failed_before = p->graph->status != AG_OK;
    ag_node *y = agi_argument_node(p->graph, &p->values[0]);
    if (ag_is_bad(y)) point_at(p, p->text, failed_before);
    return y;
}

ag_node *ag_parse(ag_graph *g, const char *formula)
{
    if (!g) return NULL;
    if (!formula) return agi_fail(g, AG_EARG, "ag_parse: the formula is NULL");
    if (strnlen(formula, LONGEST_FORMULA + 1) > LONGEST_FORMULA)
        return agi_fail(g, AG_EARG, "ag_parse: a formula has at most %d characters", LONGEST_FORMULA);
    parser p;
    p.graph = g;
    p.text = p.at = formula;
    p.npending = p.nvalues = 0;
    for (int ready = 0;;) {
        p.at = skip_space(p.at);
        if (ready && !*p.at) return finish(&p);
        if (!(ready ? after_operand(&p, &ready) : operand(&p, &ready))) return g->bad;
    }
}
