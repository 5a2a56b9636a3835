/* What a value begins with: signs, roots, brackets, numbers. */
#include "formula.h"

#include <stdlib.h>

enum { LONGEST_NUMBER = 400 };

/* strtod sees no decimal point, so the locale's does not matter. */
int agi_read_number(agi_parser *p, double *value)
{
    char digits[LONGEST_NUMBER + 32];
    const char *start = p->at, *at = start;
    int n = 0, fraction = 0, point = 0, exponent = 0, negative = 0;
    for (; agi_is_digit(*at) || (*at == '.' && !point); at++) {
        if (*at == '.') point = 1;
        else if (n == LONGEST_NUMBER)
            return agi_parse_fail(p, start, "a number has at most %d digits", LONGEST_NUMBER);
        else {
            digits[n++] = *at;
            fraction += point;
        }
    }
    if (*at == 'e' || *at == 'E') {
        const char *power = at + 1;
        if (*power == '-' || *power == '+') negative = *power++ == '-';
        if (agi_is_digit(*power))
            for (at = power; agi_is_digit(*at); at++)
                if (exponent < 100000) exponent = exponent * 10 + *at - '0';
    }
    snprintf(digits + n, sizeof digits - (size_t)n, "e%d", (negative ? -exponent : exponent) - fraction);
    *value = strtod(digits, NULL);
    if (*value > 1.7976931348623157e308) return agi_parse_fail(p, start, "the number is too large for a double");
    p->at = at;
    return 1;
}

static int number(agi_parser *p)
{
    const char *start = p->at;
    agi_argument value = { .kind = AGI_NUMBER };
    return agi_read_number(p, &value.number) && agi_push_value(p, start, value);
}

/* A sign, a root: the length of what waits for a value behind it, or 0. */
static int prefix(const char *at, agi_pending *o)
{
    static const char minus[] = "−", root[] = "√", cubic[] = "∛";
    *o = (agi_pending){ .level = AGI_PREFIXES, .at = at };
    if (*at == '+' || *at == '-') return 1;
    if (strncmp(at, minus, sizeof minus - 1) == 0) return (int)sizeof minus - 1;
    int is_cubic = strncmp(at, cubic, sizeof cubic - 1) == 0;
    o->function = is_cubic ? (agi_word){ "cbrt", 4 } : (agi_word){ "sqrt", 4 };
    o->power = 1;
    return is_cubic || strncmp(at, root, sizeof root - 1) == 0 ? (int)sizeof root - 1 : 0;
}

int agi_starts_operand(const char *at)
{
    agi_pending o;
    int root = prefix(at, &o) && o.function.length;
    return root || agi_letter(at) || *at == '(' || *at == '[' || *at == '|' || agi_is_digit(*at) ||
           (*at == '.' && agi_is_digit(at[1]));
}

/* ½ and its like, or what stands here is no value. */
static int fraction(agi_parser *p, int *ready)
{
    static const struct {
        char text[4];
        double value;
    } known[] = { { "½", 0.5 }, { "¼", 0.25 }, { "¾", 0.75 } };
    unsigned code;
    for (int k = 0; k < 3; k++)
        if (strncmp(p->at, known[k].text, strlen(known[k].text)) == 0) {
            *ready = 1;
            p->at += strlen(known[k].text);
            return agi_push_value(p, p->at, (agi_argument){ .kind = AGI_NUMBER, .number = known[k].value });
        }
    int length = agi_character(p->at, &code);
    if (!code) return agi_parse_fail(p, p->at, "the formula ends where a value is expected");
    if (code > ' ' && code != 127 && code != ~0u)
        return agi_parse_fail(p, p->at, "a value is expected, not '%.*s'", length, p->at);
    return agi_parse_fail(p, p->at, "a value is expected");
}

int agi_operand(agi_parser *p, int *ready)
{
    agi_pending o;
    int length = prefix(p->at, &o), depth = p->npending;
    char c = *p->at;
    *ready = 0;
    if (agi_is_span(p)) {
        *ready = 1;
        return agi_span_at(p);
    }
    if (length) {
        if (c != '+' && !agi_push(p, o)) return 0;
        p->at += length;
        return 1;
    }
    if (c == '(' || c == '[' || c == '|')
        return agi_push(p, (agi_pending){ .bracket = c, .at = p->at++, .values = p->nvalues });
    if (agi_is_digit(c) || (c == '.' && agi_is_digit(p->at[1]))) {
        *ready = 1;
        return number(p);
    }
    if (!agi_letter(p->at)) return fraction(p, ready);
    if (!agi_name_at(p)) return 0;
    *ready = p->npending == depth;
    return 1;
}
