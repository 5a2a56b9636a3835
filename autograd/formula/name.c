/* Names: of formulas, leaves and constants, and functions, whose arguments may go without parentheses. */
#include "formula.h"

static const struct {
    const char *name;
    agi_argument value;
} constants[] = {
    { "pi", { .kind = AGI_NUMBER, .number = 3.14159265358979323846 } },
    { "π", { .kind = AGI_NUMBER, .number = 3.14159265358979323846 } },
    { "e", { .kind = AGI_NUMBER, .number = 2.71828182845904523536 } },
    { "f32", { .kind = AGI_TYPE, .number = AG_F32 } },
    { "f64", { .kind = AGI_TYPE, .number = AG_F64 } },
    { "i64", { .kind = AGI_TYPE, .number = AG_I64 } },
};
enum { CONSTANTS = sizeof constants / sizeof constants[0] };

static int same(agi_word a, agi_word b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

/* The formula of that name, or -1. */
static int named(const agi_parser *p, agi_word w)
{
    int i = p->nnamed - 1;
    while (i >= 0 && !same(p->named[i].name, w)) i--;
    return i;
}

static ag_node *find(agi_parser *p, agi_word w, char name[AGI_LONGEST_NAME + 1])
{
    memcpy(name, w.at, w.length);
    name[w.length] = 0;
    return ag_find(p->graph, name);
}

int agi_is_taken(agi_parser *p, agi_word w)
{
    char name[AGI_LONGEST_NAME + 1];
    const ag_node *leaf = find(p, w, name);
    return named(p, w) >= 0 || (leaf && leaf->op->flags & AG_LEAF);
}

int agi_lookup(agi_parser *p, agi_word w, agi_argument *value)
{
    char name[AGI_LONGEST_NAME + 1];
    if (w.length > AGI_LONGEST_NAME) return 0;
    int formula = named(p, w);
    if (formula >= 0) {
        *value = p->named[formula].value;
        return 1;
    }
    ag_node *leaf = find(p, w, name);
    *value = (agi_argument){ .kind = AGI_NODE, .node = leaf };
    for (int i = 0; i < CONSTANTS && !leaf; i++)
        if (strcmp(name, constants[i].name) == 0) {
            *value = constants[i].value;
            return 1;
        }
    return leaf != NULL;
}

static int is_call(agi_word w)
{
    return *agi_skip_space(w.at + w.length) == '(';
}

/* A name behind which a parenthesis stands is a function, if there is one; else a leaf comes first. No function's name
 * has a /, of which long formulas have many. */
static int is_function(agi_parser *p, agi_word w)
{
    agi_argument value;
    return !memchr(w.at, '/', w.length) && agi_is_function(w) && (is_call(w) || !agi_lookup(p, w, &value));
}

int agi_is_function_at(agi_parser *p)
{
    agi_word w = { p->at, agi_name_length(p->at) };
    const char *slash = memchr(w.at, '/', w.length);
    if (slash) w.length = (size_t)(slash - w.at);
    return w.length && is_function(p, w);
}

/* ---- unknown ones ------------------------------------------------------------------------------------------------ */

static const char *nearest(agi_parser *p, agi_word w)
{
    agi_nearest n = { .word = w };
    if (is_call(w)) agi_nearest_function(&n);
    for (int64_t id = 0; id < p->graph->nnodes && !is_call(w); id++) {
        const ag_node *x = agi_node(p->graph, id);
        if (x->name) agi_nearest_try(&n, x->name);
    }
    for (int i = 0; i < CONSTANTS && !is_call(w); i++) agi_nearest_try(&n, constants[i].name);
    return n.best;
}

/* sinx, where x is known: the names apart, as "sin x"; 0: it is not made of such. */
static int taken_apart(agi_parser *p, agi_word w, char text[64])
{
    agi_argument value;
    size_t used = 0;
    if (w.length > 16) return 0;
    for (int pieces = 0; w.length; pieces++) {
        agi_word piece = w;
        while (piece.length && !agi_is_function(piece) && !agi_lookup(p, piece, &value)) piece.length--;
        if (!piece.length) return 0;
        used += (size_t)snprintf(text + used, 64 - used, "%s%.*s", pieces ? " " : "", (int)piece.length, piece.at);
        w.at += piece.length;
        w.length -= piece.length;
    }
    return 1;
}

static int unknown(agi_parser *p, agi_word whole, agi_word first)
{
    const char *near = nearest(p, whole);
    agi_word w = near ? whole : first;
    char apart[64];
    if (!near) near = nearest(p, w);
    int length = agi_whole_characters(w, 64);
    const char *what = is_call(w) ? "function" : "name";
    if (!agi_is_function(w) && taken_apart(p, first, apart)) w = first, length = (int)first.length, near = apart;
    if (near)
        return agi_parse_fail(p, w.at, "unknown %s '%.*s', did you mean '%.64s'?", what, length, w.at, near);
    return agi_parse_fail(p, w.at, "unknown %s '%.*s'", what, length, w.at);
}

/* ---- known ones -------------------------------------------------------------------------------------------------- */

/* The power of sin^2(x), or 0. */
static int power_of_function(agi_parser *p, agi_word f, double *power)
{
    const char *at = agi_skip_space(p->at), *start = at;
    int digit, length = strncmp(at, "**", 2) == 0 ? 2 : *at == '^', value = 0, negative = 0;
    *power = 1;
    if (length) {
        p->at = at = agi_skip_space(at + length);
        negative = *at == '-' || strncmp(at, "−", 3) == 0;
        if (!negative && !agi_is_digit(*at))
            return agi_parse_fail(p, start, "a function's power is a number: sin^2(x)");
        if (!negative && !agi_read_number(p, power)) return 0;
    }
    while (!length && (digit = 0, start = agi_skip_space(p->at), agi_superscript(start, &digit))) {
        p->at = start + agi_superscript(start, &digit);
        negative |= digit > 9;
        value = value < 1000 ? value * 10 + digit : value;
        *power = value;
    }
    if (!negative) return 1;
    return agi_parse_fail(p, at, "%.*s^-1 may be its inverse or 1/%.*s: write which", (int)f.length, f.at,
                          (int)f.length, f.at);
}

/* A minus is its argument's, not a difference's, where it stands close to it. */
static int starts_argument(const char *at)
{
    int minus = *at == '-' ? 1 : strncmp(at, "−", 3) == 0 ? 3 : 0;
    return minus ? agi_starts_operand(at + minus) : agi_starts_operand(at);
}

static int function(agi_parser *p, agi_word w)
{
    agi_pending o = { .level = AGI_APPLIED, .at = w.at, .function = w };
    if (!power_of_function(p, w, &o.power)) return 0;
    const char *at = agi_skip_space(p->at);
    if (*at == '(') {
        o.level = AGI_OPEN;
        o.bracket = '(';
        o.values = p->nvalues;
        at++;
    } else if (!starts_argument(at)) {
        return agi_parse_fail(p, w.at, "'%.*s' is a function and needs ( or a value", (int)w.length, w.at);
    }
    p->at = at;
    return agi_push(p, o);
}

/* f(x), of a formula that was written so, is its value: it is known there alone. (x) is no factor. */
static int formula_at(agi_parser *p, agi_word w, int i)
{
    agi_word arguments;
    const char *at = agi_skip_space(p->at);
    const agi_word own = p->named[i].arguments;
    if (*at != '(') return agi_push_value(p, w.at, p->named[i].value);
    if (!own.length)
        return agi_parse_fail(p, w.at, "'%.*s' is a value, not a function: a factor has a *", (int)w.length, w.at);
    if (!agi_leaves_at(p, at, &arguments) || !same(own, arguments))
        return agi_parse_fail(p, w.at, "'%.*s' is known where it was written, at %.*s", (int)w.length, w.at,
                              agi_whole_characters(own, 64), own.at);
    p->at = at + arguments.length;
    return agi_push_value(p, w.at, p->named[i].value);
}

/* 2πt: a factor before a name that is known nowhere. */
static int begins_with_pi(agi_parser *p, agi_word first, agi_argument *value)
{
    agi_word pi = { first.at, 2 }, rest = { first.at + 2, first.length - 2 };
    agi_argument other;
    if (first.length <= 2 || memcmp(first.at, "π", 2) || !agi_lookup(p, rest, &other)) return 0;
    p->at = rest.at;
    return agi_lookup(p, pi, value);
}

int agi_leaves_at(agi_parser *p, const char *at, agi_word *arguments)
{
    char name[AGI_LONGEST_NAME + 1];
    const char *start = at;
    if (*at != '(') return 0;
    do {
        agi_word w = { agi_skip_space(at + 1), 0 };
        w.length = agi_name_length(w.at);
        if (!w.length || w.length > AGI_LONGEST_NAME) return 0;
        const ag_node *leaf = find(p, w, name);
        if (!leaf || !(leaf->op->flags & AG_LEAF)) return 0;
        at = agi_skip_space(w.at + w.length);
    } while (*at == ',');
    *arguments = (agi_word){ start, (size_t)(at - start) + 1 };
    return *at == ')';
}

/* The longest name that is known: "a/b" is a leaf of that name, or a divided by b. A long chain of divisions is looked
 * at AGI_LONGEST_NAME characters at a time. */
int agi_name_at(agi_parser *p)
{
    agi_word w = { p->at, agi_name_length(p->at) }, whole, first;
    if (w.length > AGI_LONGEST_NAME + 1) w.length = (size_t)agi_whole_characters(w, AGI_LONGEST_NAME + 1);
    for (whole = first = w;; first = w) {
        agi_argument value;
        p->at = w.at + w.length;
        int formula = named(p, w);
        if (formula >= 0) return formula_at(p, w, formula);
        if (is_function(p, w)) return function(p, w);
        if (agi_lookup(p, w, &value)) return agi_push_value(p, w.at, value);
        while (w.length && w.at[w.length - 1] != '/') w.length--;
        if (!w.length && begins_with_pi(p, first, &value)) return agi_push_value(p, first.at, value);
        if (!w.length) return unknown(p, whole, first);
        w.length--;
    }
}
