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

/* A vector's length, a number's absolute value. */
static int close_bars(agi_parser *p, const agi_pending *o)
{
    const agi_argument *x = &p->values[p->nvalues - 1];
    int rank = x->kind == AGI_NODE ? (int)x->node->rank : 0;
    agi_pending call = { .at = o->at, .function = rank ? (agi_word){ "norm", 4 } : (agi_word){ "abs", 3 }, .power = 1 };
    if (rank > 1)
        return agi_parse_fail(p, o->at, "| | is of a number or a vector; abs(A) is of elements, det(A) another");
    return agi_apply_function(p, &call, 1, &p->values[--p->nvalues]);
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

/* Of a matrix ⁻¹ is the inverse; other powers may be its elements' or its own. */
static int raise(agi_parser *p, const char *at, double power)
{
    const agi_argument *x = &p->values[p->nvalues - 1];
    if (x->kind != AGI_NODE || x->node->rank < 2) return agi_raise(p, at, power);
    if (power != -1)
        return agi_parse_fail(p, at, "a matrix has no raised power: ^2 is of its elements, A·A the product");
    int failed_before = p->graph->status != AG_OK;
    return agi_push_result(p, at, failed_before, ag_inverse(p->values[--p->nvalues].node));
}

/* x², x⁻¹: of what stands close before it. */
static int superscript(agi_parser *p)
{
    const char *start = p->at;
    int digit, length, digits = 0, negative = 0;
    double power = 0;
    for (; (length = agi_superscript(p->at, &digit)); p->at += length) {
        if (digit == '-' && (digits || negative)) break;
        if (digit == '-') negative = 1;
        else power = power * 10 + digit, digits++;
    }
    if (!digits) return agi_parse_fail(p, start, "digits are missing behind the raised minus");
    return raise(p, start, negative ? -power : power);
}

static int transposed(agi_parser *p)
{
    int failed_before = p->graph->status != AG_OK;
    ag_node *x = agi_argument_node(p->graph, &p->values[--p->nvalues]);
    return agi_push_result(p, p->at, failed_before, ag_transpose(x, NULL));
}

static int in_degrees(agi_parser *p)
{
    const double radians = 3.14159265358979323846 / 180;
    agi_argument *x = &p->values[p->nvalues - 1];
    if (x->kind == AGI_NUMBER) return x->number *= radians, 1;
    int failed_before = p->graph->status != AG_OK;
    ag_node *y = ag_mul(agi_argument_node(p->graph, x), ag_number(p->graph, radians));
    p->nvalues--;
    return agi_push_result(p, p->at, failed_before, y);
}

static int factorial(agi_parser *p)
{
    agi_argument *x = &p->values[p->nvalues - 1];
    double n = x->kind == AGI_NUMBER ? x->number : -1, y = 1;
    if (!(n >= 0 && n <= 170) || n != (double)(int)n)
        return agi_parse_fail(p, p->at, "! is of a whole number from 0 to 170; of others exp(lgamma(x + 1))");
    for (int i = 2; i <= (int)n; i++) y *= i;
    x->number = y;
    return 1;
}

/* A sign behind what it applies to, if one stands here: xᵀ, 30°, 5!. */
static int (*postfix(const char *at, int *length))(agi_parser *)
{
    static const struct {
        char text[4];
        int (*apply)(agi_parser *);
    } sign[] = { { "ᵀ", transposed }, { "°", in_degrees }, { "!", factorial } };
    for (int k = 0; k < 3; k++)
        if (strncmp(at, sign[k].text, strlen(sign[k].text)) == 0)
            return *length = (int)strlen(sign[k].text), sign[k].apply;
    return NULL;
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
    int digit, length = 0, which = agi_binary(p->at);
    int (*apply)(agi_parser *) = which < 0 ? postfix(p->at, &length) : NULL; /* != is an operator */
    if (c == ')' || c == ']' || (c == '|' && open && open->bracket == '|')) return close(p);
    if (agi_superscript(p->at, &digit)) return superscript(p);
    if (apply) return apply(p) && (p->at += length, 1);
    *ready = 0;
    if (c == ',') return comma(p);
    if (which >= 0) return agi_push_binary(p, which);
    if (c == '[' && p->values[p->nvalues - 1].kind != AGI_NUMBER) return agi_open_index(p);
    if (agi_starts_operand(p->at)) return beside(p);
    if (c == '%') return agi_parse_fail(p, p->at, "an operator is expected; the remainder is fmod(a, b)");
    if (c == '=') return agi_parse_fail(p, p->at, "an operator is expected; equality is ==");
    return agi_parse_fail(p, p->at, "an operator is expected");
}
