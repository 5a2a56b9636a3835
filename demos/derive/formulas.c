/* Formulas as graph. */
#include "derive.h"

#include <stdlib.h>
#include <string.h>

static void refuse(const task *t, ag_graph *g)
{
    const char *message = ag_graph_error(g), *own = "ag_parse: ", *unknown = strstr(message, "unknown name '");
    if (strncmp(message, own, strlen(own)) == 0) message += strlen(own);
    if (!unknown || strstr(message, "did you mean")) die("%s", message);
    unknown = strchr(unknown, '\'') + 1;
    die("%s\nGive every name a value, as in: derive '%s' %.*s=1.5", message, t->text, (int)strcspn(unknown, "'"),
        unknown);
}

static void keep(formula *f, const ag_formula *from)
{
    int length = from->name_length;
    f->y = from->value;
    if (length >= (int)sizeof f->name) die("the name '%.*s' is longer than 63 bytes", length, from->name);
    snprintf(f->name, sizeof f->name, "%.*s", length, from->name);
    int fits = from->text_length < (int)sizeof f->label && !memchr(from->text, '\n', (size_t)from->text_length);
    if (length) snprintf(f->label, sizeof f->label, "%.*s", length, from->name);
    else if (fits) snprintf(f->label, sizeof f->label, "%.*s", from->text_length, from->text);
    else snprintf(f->label, sizeof f->label, "value");
}

void read_formulas(task *t, ag_graph *g, int as_inputs)
{
    ag_formula all[MOST];
    for (int i = 0; i < t->nvariables; i++) {
        variable *v = &t->variable[i];
        v->node = as_inputs ? ag_input(g, v->name, v->dtype, v->shape)
                            : ag_parameter(g, v->name, v->dtype, v->shape, v->data);
    }
    t->nformulas = ag_parse_all(g, t->text, MOST, all);
    if (ag_graph_status(g)) refuse(t, g);
    if (t->nformulas > MOST) die("more than %d formulas", MOST);
    for (int k = 0; k < t->nformulas; k++) keep(&t->formula[k], &all[k]);
}

int is_derivable(const formula *f)
{
    return ag_shape_of(f->y).rank == 0 && ag_type_of(f->y) != AG_I64;
}

void derive_by(const task *t, const formula *f, ag_node *dx[])
{
    ag_node *x[MOST];
    for (int i = 0; i < t->nwrt; i++) x[i] = t->by[i]->node;
    if (t->nwrt && ag_gradient(f->y, t->nwrt, x, dx)) die("%s", ag_graph_error(ag_graph_of(f->y)));
}

/* ---- variables that no formula has ------------------------------------------------------------------------------- */

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

/* A digit before it may be a factor, 2x; raised ones, of more bytes, may stand at both sides. */
static int is_in(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at++) {
        int before = at > text && is_letter(at[-1]) && !(at[-1] >= '0' && at[-1] <= '9') && !(at[-1] & 0x80);
        int behind = is_letter(at[n]) && !(at[n] & 0x80);
        if (!before && !behind) return 1;
    }
    return 0;
}

void note_unused(const task *t)
{
    for (int i = 0; i < t->nvariables; i++)
        if (!is_in(t->text, t->variable[i].name))
            fprintf(stderr, "derive: %s is in no formula: it changes nothing\n", t->variable[i].name);
}
