/* Failures of formulas: the line, and a caret under the place. Columns are characters, not bytes. */
#include "formula.h"

static const char *forward(const char *at, const char *end, int characters)
{
    unsigned code;
    while (characters-- && at < end) at += agi_character(at, &code);
    return at;
}

static int characters_between(const char *from, const char *to)
{
    unsigned code;
    int n = 0;
    for (; from < to; n++) from += agi_character(from, &code);
    return n;
}

static void print_line(agi_text *t, const char *from, const char *to)
{
    unsigned code;
    for (int n; from < to; from += n) {
        n = agi_character(from, &code);
        int control = code < 32 || (code >= 127 && code < 160) || code == ~0u;
        if (control) agi_print(t, "%c", *from == '\t' ? ' ' : '?');
        else agi_print(t, "%.*s", n, from);
    }
}

/* Appends the line and a caret under the place, unless the message is an older failure's. */
void agi_point_at(agi_parser *p, const char *at, int failed_before)
{
    enum { BEFORE = 48, WIDTH = 72 };
    ag_graph *g = p->graph;
    if (failed_before) return;
    const char *line = at, *end = at;
    int number = 1;
    while (line > p->text && line[-1] != '\n') line--;
    while (*end && *end != '\n') end++;
    for (const char *c = p->text; c < line; c++) number += *c == '\n';
    int column = characters_between(line, at);
    const char *from = column > BEFORE ? forward(line, at, column - BEFORE) : line, *to = forward(from, end, WIDTH);
    agi_text t = { g->message + strlen(g->message), g->message + sizeof g->message };
    agi_print(&t, " (");
    if (line > p->text || *end) agi_print(&t, "line %d, ", number);
    agi_print(&t, "column %d)\n    %s", column + 1, from > line ? "..." : "");
    print_line(&t, from, to);
    agi_print(&t, "%s\n    %*s^", to < end ? "..." : "", from > line ? BEFORE + 3 : column, "");
}

int agi_parse_fail(agi_parser *p, const char *at, const char *format, ...)
{
    char message[400];
    int failed_before = p->graph->status != AG_OK;
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    agi_fail(p->graph, AG_EARG, "ag_parse: %s", message);
    agi_point_at(p, at, failed_before);
    return 0;
}
