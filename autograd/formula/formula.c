/* Formulas one after the other: each is a value, by whose name, if it has one, later ones know it. */
#include "formula.h"

enum { LONGEST_FORMULA = 1 << 16 };

static agi_word without_space_behind(const char *from, const char *to)
{
    while (to > from && (to[-1] == ' ' || (to[-1] >= '\t' && to[-1] <= '\r'))) to--;
    return (agi_word){ from, (size_t)(to - from) };
}

/* The name in "name = ..." or "name(x) = ...", or an empty one. */
static int definition(agi_parser *p, agi_word *name, agi_word *arguments)
{
    agi_word w = { p->at, agi_name_length(p->at) };
    const char *equals = agi_skip_space(w.at + w.length);
    *name = *arguments = (agi_word){ p->at, 0 };
    if (w.length && agi_leaves_at(p, equals, arguments)) equals = agi_skip_space(equals + arguments->length);
    if (!w.length || *equals != '=' || equals[1] == '=') return 1;
    if (w.length > AGI_LONGEST_NAME || memchr(w.at, '/', w.length))
        return agi_parse_fail(p, w.at, "the name of a formula has no / and at most %d bytes", AGI_LONGEST_NAME);
    int length = agi_whole_characters(w, 64);
    if (agi_is_function(w)) return agi_parse_fail(p, w.at, "'%.*s' is a function, and names no formula", length, w.at);
    if (agi_is_taken(p, w))
        return agi_parse_fail(p, equals, "'%.*s' has a value already; equality is ==", length, w.at);
    *name = w;
    p->at = equals + 1;
    return 1;
}

/* A value up to a ; or the end. */
static int expression(agi_parser *p)
{
    p->npending = p->nvalues = 0;
    for (int ready = 0;;) {
        p->at = agi_skip_space(p->at);
        if (ready && (!*p->at || *p->at == ';')) break;
        if (!(ready ? agi_behind(p, &ready) : agi_operand(p, &ready))) return 0;
    }
    if (!agi_settle(p, AGI_COMPARISON)) return 0;
    const agi_pending *open = agi_innermost(p);
    if (!open) return 1;
    return agi_parse_fail(p, open->at, "%s is never closed",
                          open->bracket == '(' ? "the parenthesis" : open->bracket == '|' ? "the |" : "the bracket");
}

/* A number that is the whole formula is a node; its name stands for the number, which may be an axis. */
static ag_node *keep(agi_parser *p, agi_word name, agi_word arguments, const char *text)
{
    char copy[AGI_LONGEST_NAME + 1];
    int failed_before = p->graph->status != AG_OK;
    agi_argument value = p->values[0];
    ag_node *y = agi_argument_node(p->graph, &p->values[0]);
    if (ag_is_bad(y)) agi_point_at(p, text, failed_before);
    if (ag_is_bad(y) || !name.length) return y;
    p->named[p->nnamed].name = name;
    p->named[p->nnamed].arguments = arguments;
    p->named[p->nnamed++].value = value;
    memcpy(copy, name.at, name.length);
    copy[name.length] = 0;
    if (!(y->op->flags & AG_LEAF)) ag_name(y, copy);
    return y;
}

static int formula(agi_parser *p, ag_formula *f)
{
    agi_word name, arguments, text;
    p->at = agi_skip_space(p->at);
    if (!definition(p, &name, &arguments)) return 0;
    const char *start = p->at = agi_skip_space(p->at);
    if (!expression(p)) return 0;
    text = without_space_behind(start, p->at);
    *f = (ag_formula){ keep(p, name, arguments, start), name.at, text.at, (int)name.length, (int)text.length };
    return !ag_is_bad(f->value);
}

/* The last of them in *last. A ; may end them. */
static int formulas(ag_graph *g, const char *text, int room, ag_formula f[], ag_formula *last)
{
    agi_parser p;
    int n = 0;
    p.graph = g;
    p.text = p.at = text;
    p.nnamed = 0;
    do {
        if (n == AGI_MOST_FORMULAS) return agi_parse_fail(&p, p.at, "more than %d formulas", AGI_MOST_FORMULAS);
        if (!formula(&p, last)) return 0;
        if (n < room) f[n] = *last;
        n++;
        if (*p.at == ';') p.at = agi_skip_space(p.at + 1);
    } while (*p.at);
    return n;
}

int ag_parse_all(ag_graph *g, const char *text, int room, ag_formula *f)
{
    ag_formula last;
    if (!g) return 0;
    if (!text || (room > 0 && !f)) agi_fail(g, AG_EARG, "ag_parse: the formula is NULL");
    else if (strnlen(text, LONGEST_FORMULA + 1) > LONGEST_FORMULA)
        agi_fail(g, AG_EARG, "ag_parse: a formula has at most %d characters", LONGEST_FORMULA);
    else return formulas(g, text, room, f, &last);
    return 0;
}

ag_node *ag_parse(ag_graph *g, const char *text)
{
    ag_formula last;
    if (!g) return NULL;
    if (!text || strnlen(text, LONGEST_FORMULA + 1) > LONGEST_FORMULA) return ag_parse_all(g, text, 0, NULL), g->bad;
    return formulas(g, text, 0, NULL, &last) ? last.value : g->bad;
}
