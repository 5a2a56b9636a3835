/* The two stacks: operators that wait, and their operands. */
#include "formula.h"

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

/* What stands beside each other, or has a dot between it, is multiplied as in mathematics. */
static ag_node *dotted(ag_node *a, ag_node *b)
{
    return !ag_shape_of(a).rank || !ag_shape_of(b).rank ? ag_mul(a, b) : product(a, b);
}

/* Of two vectors that is another product, which is not guessed. */
static ag_node *crossed(ag_node *a, ag_node *b)
{
    if (!ag_shape_of(a).rank || !ag_shape_of(b).rank) return ag_mul(a, b);
    return agi_fail(a->graph, AG_ESHAPE,
                    "ag_parse: × has a number beside it; of vectors * multiplies elements, · is @");
}

static const struct {
    char text[4]; /* longer ones first */
    int level;
    ag_node *(*make)(ag_node *, ag_node *);
} binary[] = {
    { "<=", AGI_COMPARISON, ag_less_equal }, { ">=", AGI_COMPARISON, ag_greater_equal },
    { "≤", AGI_COMPARISON, ag_less_equal },  { "≥", AGI_COMPARISON, ag_greater_equal },
    { "==", AGI_COMPARISON, ag_equal },      { "!=", AGI_COMPARISON, not_equal },
    { "≠", AGI_COMPARISON, not_equal },      { "**", AGI_POWER, ag_pow },
    { "<", AGI_COMPARISON, ag_less },        { ">", AGI_COMPARISON, ag_greater },
    { "+", AGI_SUMS, ag_add },               { "-", AGI_SUMS, ag_sub },
    { "−", AGI_SUMS, ag_sub },               { "*", AGI_PRODUCTS, ag_mul },
    { "×", AGI_PRODUCTS, crossed },          { "·", AGI_PRODUCTS, dotted },
    { "⋅", AGI_PRODUCTS, dotted },           { "/", AGI_PRODUCTS, ag_div },
    { "÷", AGI_PRODUCTS, ag_div },           { "@", AGI_PRODUCTS, product },
    { "^", AGI_POWER, ag_pow },
};
enum { BINARIES = sizeof binary / sizeof binary[0] };

/* Would people read what follows it without a sign in two ways? */
static int is_ambiguous(int which)
{
    return binary[which].make == ag_div || binary[which].make == product;
}

int agi_binary(const char *at)
{
    for (int i = 0; i < BINARIES; i++)
        if (strncmp(at, binary[i].text, strlen(binary[i].text)) == 0) return i;
    return -1;
}

int agi_push(agi_parser *p, agi_pending o)
{
    if (p->npending == AGI_DEPTH) return agi_parse_fail(p, o.at, "nested more than %d deep", AGI_DEPTH);
    p->pending[p->npending++] = o;
    return 1;
}

int agi_push_value(agi_parser *p, const char *at, agi_argument value)
{
    if (p->nvalues == AGI_DEPTH)
        return agi_parse_fail(p, at, "more than %d values wait for their operation", AGI_DEPTH);
    p->values[p->nvalues++] = value;
    return 1;
}

int agi_push_result(agi_parser *p, const char *at, int failed_before, ag_node *y)
{
    if (ag_is_bad(y)) {
        agi_point_at(p, at, failed_before);
        return 0;
    }
    return agi_push_value(p, at, (agi_argument){ .kind = AGI_NODE, .node = y });
}

const agi_pending *agi_innermost(const agi_parser *p)
{
    int k = p->npending;
    while (k && p->pending[k - 1].level != AGI_OPEN) k--;
    return k ? &p->pending[k - 1] : NULL;
}

/* ---- applying ---------------------------------------------------------------------------------------------------- */

int agi_raise(agi_parser *p, const char *at, double power)
{
    int failed_before = p->graph->status != AG_OK;
    ag_node *x = agi_argument_node(p->graph, &p->values[--p->nvalues]);
    return agi_push_result(p, at, failed_before, ag_pow(x, ag_number(p->graph, power)));
}

int agi_apply_function(agi_parser *p, const agi_pending *o, int n, agi_argument *argument)
{
    int failed_before = p->graph->status != AG_OK;
    ag_node *y = agi_call_function(p->graph, o->function, n, argument);
    return agi_push_result(p, o->at, failed_before, y) && (o->power == 1 || agi_raise(p, o->at, o->power));
}

static int negate(agi_parser *p, const agi_pending *o)
{
    int failed_before = p->graph->status != AG_OK;
    agi_argument *x = &p->values[p->nvalues - 1];
    if (x->kind == AGI_NUMBER) {
        x->number = -x->number;
        return 1;
    }
    p->nvalues--;
    return agi_push_result(p, o->at, failed_before, ag_neg(agi_argument_node(p->graph, x)));
}

/* Applies the operator on top of the stack. */
static int apply(agi_parser *p)
{
    const agi_pending *o = &p->pending[--p->npending];
    if (o->function.length) return agi_apply_function(p, o, 1, &p->values[--p->nvalues]);
    if (o->level == AGI_PREFIXES) return negate(p, o);
    int failed_before = p->graph->status != AG_OK;
    agi_argument *in = &p->values[p->nvalues -= 2];
    ag_node *a = agi_argument_node(p->graph, &in[0]), *b = agi_argument_node(p->graph, &in[1]);
    return agi_push_result(p, o->at, failed_before, binary[o->which].make(a, b));
}

int agi_settle(agi_parser *p, int level)
{
    while (p->npending && p->pending[p->npending - 1].level >= level)
        if (!apply(p)) return 0;
    return 1;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

int agi_push_binary(agi_parser *p, int which)
{
    int level = binary[which].level;
    if (!agi_settle(p, level == AGI_POWER ? AGI_POWER + 1 : level == AGI_COMPARISON ? AGI_SUMS : level)) return 0;
    if (level == AGI_COMPARISON && p->npending && p->pending[p->npending - 1].level == AGI_COMPARISON)
        return agi_parse_fail(p, p->at, "comparisons do not chain, use parentheses");
    if (!agi_push(p, (agi_pending){ .level = level, .which = which, .at = p->at })) return 0;
    p->at += strlen(binary[which].text);
    return 1;
}

/* 1/2 before a space, as in 1/2 m v²: a fraction, as the spaces say. */
static int is_fraction(const agi_parser *p, const char *at)
{
    if (!p->npending || p->nvalues < 2) return 0;
    const agi_pending *o = &p->pending[p->npending - 1];
    const agi_argument *x = &p->values[p->nvalues - 2];
    return o->level == AGI_PRODUCTS && *o->at == '/' && x[0].kind == AGI_NUMBER &&
           x[1].kind == AGI_NUMBER && agi_is_digit(o->at[-1]) && agi_is_digit(o->at[1]) && at[-1] == ' ';
}

/* People read 1/2x in two ways, and sin x (y + 1): neither is guessed. */
int agi_push_product(agi_parser *p, int level, const char *at)
{
    if (!agi_settle(p, level) || (is_fraction(p, at) && !apply(p))) return 0;
    const agi_pending *o = p->npending ? &p->pending[p->npending - 1] : &(agi_pending){ .level = AGI_OPEN };
    if (o->level == AGI_PRODUCTS && is_ambiguous(o->which))
        return agi_parse_fail(p, at, "a%sb c without a sign may be (a%sb)*c or a%s(b*c): write which",
                              binary[o->which].text, binary[o->which].text, binary[o->which].text);
    if (o->level == AGI_APPLIED && *at == '(' && p->values[p->nvalues - 1].kind != AGI_NUMBER)
        return agi_parse_fail(p, at, "is this an argument of %.*s? parentheses around all of it tell",
                              agi_whole_characters(o->function, 64), o->function.at);
    return agi_push(p, (agi_pending){ .level = AGI_BESIDE, .which = agi_binary("·"), .at = at });
}
