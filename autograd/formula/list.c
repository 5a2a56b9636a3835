/* Vectors and matrices written out, [1, 2] and [[a, b], [c, d]], and their elements and parts, x[0, 1:3]. */
#include "formula.h"

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* Are all numbers? Then they are. */
static int all_numbers(const agi_argument *a, int n, double value[])
{
    for (int i = 0; i < n; i++) {
        if (a[i].kind == AGI_NUMBER) value[i] = a[i].number;
        else if (a[i].kind != AGI_NODE || a[i].node->rank || !agi_is_number(a[i].node, &value[i])) return 0;
    }
    return 1;
}

/* Numbers take the type of the first that is none. */
static ag_node *stack(ag_graph *g, int n, agi_argument *a)
{
    ag_node *part[AGI_DEPTH];
    double value;
    int other = -1;
    for (int i = 0; i < n; i++) {
        part[i] = agi_argument_node(g, &a[i]);
        if (ag_is_bad(part[i])) return g->bad;
        if (other < 0 && !agi_is_number(part[i], &value)) other = i;
    }
    for (int i = 0; i < n && other >= 0; i++)
        if (agi_is_number(part[i], &value) && part[i]->dtype != part[other]->dtype)
            part[i] = ag_cast(part[i], (ag_dtype)part[other]->dtype);
    return ag_stack(n, part, 0);
}

int agi_close_list(agi_parser *p)
{
    double value[AGI_DEPTH];
    const agi_pending *o = &p->pending[--p->npending];
    int n = p->nvalues - o->values, failed_before = p->graph->status != AG_OK;
    agi_argument *a = &p->values[o->values];
    p->nvalues = o->values;
    p->at++;
    int known = all_numbers(a, n, value);
    ag_node *y = known ? ag_constant(p->graph, AG_F64, AG_SHAPE(n), value) : stack(p->graph, n, a);
    return agi_push_result(p, o->at, failed_before, y);
}

/* ---- indices ----------------------------------------------------------------------------------------------------- */

static const char *whole_number(const char *at, int64_t *value)
{
    int negative = *at == '-', n = 0;
    int64_t v = 0;
    const char *digit = at + negative;
    for (; agi_is_digit(digit[n]); n++) v = v < INT32_MAX ? v * 10 + digit[n] - '0' : v;
    if (n) *value = negative ? -v : v;
    return n ? digit + n : at;
}

int agi_is_span(const agi_parser *p)
{
    int64_t value;
    if (!p->npending || p->pending[p->npending - 1].bracket != 'i') return 0;
    return *agi_skip_space(whole_number(p->at, &value)) == ':';
}

int agi_span_at(agi_parser *p)
{
    const char *start = p->at, *at = start;
    int64_t bound[3] = { INT64_MIN, AG_END, 1 };
    for (int k = 0; k < 3; k++) {
        at = agi_skip_space(whole_number(agi_skip_space(at), &bound[k]));
        if (*at != ':' || k == 2) break;
        at++;
    }
    p->at = at;
    if (*at != ',' && *at != ']') return agi_parse_fail(p, at, "whole numbers with : between them end with , or ]");
    if (bound[0] == INT64_MIN) bound[0] = bound[2] < 0 ? AG_END : 0;
    agi_argument span = { .kind = AGI_SPAN, .span = { bound[0], bound[1], bound[2] } };
    return agi_push_value(p, start, span);
}

int agi_open_index(agi_parser *p)
{
    return agi_push(p, (agi_pending){ .bracket = 'i', .at = p->at++, .values = p->nvalues - 1 });
}

/* One index, of `axis`, which is the next one's afterwards. */
static ag_node *take(ag_graph *g, ag_node *x, const agi_argument *a, int *axis)
{
    double whole;
    if (a->kind == AGI_SPAN && a->span[0] == 0 && a->span[1] == AG_END && a->span[2] == 1) return ++*axis, x;
    if (a->kind == AGI_SPAN) return ag_slice(x, (*axis)++, a->span[0], a->span[1], a->span[2]);
    if (a->kind == AGI_NODE && a->node->dtype == AG_I64) {
        int at = *axis;
        *axis += (int)a->node->rank;
        return ag_gather(x, at, a->node);
    }
    int number = a->kind == AGI_NUMBER;
    if (number) whole = a->number;
    else if (a->kind == AGI_NODE && !a->node->rank) number = agi_is_number(a->node, &whole);
    if (!number || !(whole > -1e15 && whole < 1e15) || whole != (double)(int64_t)whole)
        return agi_fail(g, AG_EARG, "ag_parse: an index is a whole number, i64 values, or a part such as 1:3");
    return ag_index(x, *axis, (int64_t)whole);
}

int agi_close_index(agi_parser *p)
{
    const agi_pending *o = &p->pending[--p->npending];
    int n = p->nvalues - o->values - 1, axis = 0, failed_before = p->graph->status != AG_OK;
    agi_argument *a = &p->values[o->values];
    ag_node *x = agi_argument_node(p->graph, a);
    p->nvalues = o->values;
    p->at++;
    if (!ag_is_bad(x) && n > (int)x->rank)
        x = agi_fail(p->graph, AG_ESHAPE, "ag_parse: %d indices of a value of rank %d", n, (int)x->rank);
    for (int i = 1; i <= n && !ag_is_bad(x); i++) x = take(p->graph, x, &a[i], &axis);
    return agi_push_result(p, o->at, failed_before, x);
}
