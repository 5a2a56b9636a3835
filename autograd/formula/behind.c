/* What follows a value: an operator, a superscript, an index, another factor, the end of a bracket. */
#include "formula.h"

static const char *closing_of(char bracket)
{
    return bracket == '(' ? ")" : bracket == '|' ? "|" : "]";
}

/* Of a call or a plain parenthesis. */
static int close_parenthesis(agi_parser *p, const agi_pending *o)
{
    if (!o->function.length) return 1;
    int n = p->nvalues - o->values;
    p->nvalues = o->values;
    return agi_apply_function(p, o, n, &p->values[o->values]);
}

static int close_bars(agi_parser *p, const agi_pending *o)
{
    agi_pending absolute = *o;
    absolute.function = (agi_word){ "abs", 3 };
    absolute.power = 1;
    return agi_apply_function(p, &absolute, 1, &p->values[--p->nvalues]);
}

static int close(agi_parser *p)
{
    if (!agi_settle(p, AGI_COMPARISON)) return 0;
    const agi_pending *o = agi_innermost(p);
    char c = *p->at;
    if (!o) return agi_parse_fail(p, p->at, "no %c belongs to this %c", c == ')' ? '(' : '[', c);
    if (*closing_of(o->bracket) != c)
        return agi_parse_fail(p, o->at, "its %s is missing before a %c", closing_of(o->bracket), c);
    if (o->bracket == 'i') return agi_close_index(p);
    if (o->bracket == '[') return agi_close_list(p);
    p->npending--;
    p->at++;
    return c == '|' ? close_bars(p, &p->pending[p->npending]) : close_parenthesis(p, &p->pending[p->npending]);
}

static int comma(agi_parser *p)
{
    if (!agi_settle(p, AGI_COMPARISON)) return 0;
    const agi_pending *o = agi_innermost(p);
    if (!o || o->bracket == '|' || (o->bracket == '(' && !o->function.length))
        return agi_parse_fail(p, p->at, "a comma stands between the arguments of a function or in [ ] only");
    p->at++;
    return 1;
}

/* x², x⁻¹, xᵀ: of what stands close before it. */
static int superscript(agi_parser *p)
{
    const char *start = p->at;
    int digit, length, digits = 0, negative = 0;
    double power = 0;
    for (; (length = agi_superscript(p->at, &digit)); p->at += length) {
        if (digit == 'T' ? p->at > start : digit == '-' && (digits || negative)) break;
        if (digit == 'T') {
            int failed_before = p->graph->status != AG_OK;
            ag_node *x = agi_argument_node(p->graph, &p->values[--p->nvalues]);
            p->at += length;
            return agi_push_result(p, start, failed_before, ag_transpose(x, NULL));
        }
        if (digit == '-') negative = 1;
        else power = power * 10 + digit, digits++;
    }
    if (!digits) return agi_parse_fail(p, start, "digits are missing behind the raised minus");
    return agi_raise(p, start, negative ? -power : power);
}

/* Another factor: 2x, (a)(b), x sin y. */
static int beside(agi_parser *p)
{
    if (agi_is_digit(*p->at) || *p->at == '.')
        return agi_parse_fail(p, p->at, "an operator is expected; a number is no factor without * before it");
    return agi_push_product(p, agi_is_function_at(p) ? AGI_APPLIED : AGI_BESIDE, p->at);
}

int agi_behind(agi_parser *p, int *ready)
{
    const agi_pending *open = agi_innermost(p);
    char c = *p->at;
    int digit, which = agi_binary(p->at);
    if (c == ')' || c == ']' || (c == '|' && open && open->bracket == '|')) return close(p);
    if (agi_superscript(p->at, &digit)) return superscript(p);
    *ready = 0;
    if (c == ',') return comma(p);
    if (which >= 0) return agi_push_binary(p, which);
    if (c == '[' && p->values[p->nvalues - 1].kind != AGI_NUMBER) return agi_open_index(p);
    if (agi_starts_operand(p->at)) return beside(p);
    if (c == '=') return agi_parse_fail(p, p->at, "an operator is expected; equality is ==");
    return agi_parse_fail(p, p->at, "an operator is expected");
}
