/* Values as they are typed: numbers and lists. */
#include "derive.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *rest(const char *c)
{
    return *c ? c : "the end";
}

typedef struct {
    variable *v;
    numbers all;
    int64_t length[AG_MAX_RANK]; /* so far, of the lists that are open */
    int depth, deepest;
    int value; /* something stands before this place that a comma may follow */
} list;

static void open_list(list *l, const char *c)
{
    if (l->deepest && l->depth == l->deepest)
        die("%s: a list stands where a number is expected: %.40s", l->v->name, rest(c));
    if (l->depth == AG_MAX_RANK) die("%s: more than %d brackets", l->v->name, AG_MAX_RANK);
    l->length[l->depth++] = 0;
}

static void close_list(list *l)
{
    int64_t *dim = &l->v->shape.dim[--l->depth], length = l->length[l->depth];
    if (*dim >= 0 && *dim != length)
        die("%s: lists of %lld and of %lld elements", l->v->name, (long long)*dim, (long long)length);
    *dim = length;
    if (l->depth) l->length[l->depth - 1]++;
}

static const char *read_element(list *l, const char *c)
{
    char *end;
    double x = strtod(c, &end);
    if (l->value || end == c)
        die("%s: %s is expected: %.40s", l->v->name, l->value ? ", or ]" : "a number or [", rest(c));
    if (l->deepest && l->depth != l->deepest)
        die("%s: a number stands where a list is expected: %.40s", l->v->name, rest(c));
    l->deepest = l->depth;
    append(&l->all, x);
    l->length[l->depth - 1]++;
    l->value = 1;
    return end;
}

/* [[1,2],[3,4]]: one bracket an axis; all lists at a depth are of one length. */
static void read_list(variable *v, const char *text)
{
    list l = { .v = v };
    const char *c = text;
    for (int i = 0; i < AG_MAX_RANK; i++) v->shape.dim[i] = -1;
    do {
        while (isspace((unsigned char)*c)) c++;
        if (*c == '[' && !l.value) {
            open_list(&l, c++);
        } else if (*c == ',' && l.value) {
            l.value = 0;
            c++;
        } else if (*c == ']' && l.value) {
            close_list(&l);
            c++;
        } else {
            c = read_element(&l, c);
        }
    } while (l.depth);
    while (isspace((unsigned char)*c)) c++;
    if (*c) die("%s: text after the list: %.40s", v->name, c);
    v->shape.rank = l.deepest;
    v->data = l.all.data;
}

/* A number, or a formula of numbers. */
static double read_number(const variable *v, const char *text)
{
    char *end;
    double x = strtod(text, &end);
    if (*text && !*end && !isspace((unsigned char)*text)) return x;
    ag_graph *g = need(ag_graph_new(NULL));
    ag_node *y = ag_parse(g, text);
    if (!ag_graph_status(g) && ag_shape_of(y).rank) die("%s: a value of rank 0 is expected: %s", v->name, text);
    x = ag_value(y);
    if (ag_graph_status(g)) die("%s: %s", v->name, ag_graph_error(g));
    ag_graph_free(g);
    return x;
}

static void read_scalar(variable *v, const char *text)
{
    double *x = v->data = need(malloc(sizeof *x));
    *x = read_number(v, text);
}

static void read_range(variable *v, char *text)
{
    char *colon = strchr(text, ':');
    double *x = v->data = need(malloc(sizeof *x));
    *colon = 0;
    v->is_range = 1;
    v->from = read_number(v, text);
    v->to = read_number(v, colon + 1);
    *x = v->from + (v->to - v->from) / 2;
    if (!(v->to > v->from && v->to - v->from < 1e300)) die("%s: a range goes from less to more", v->name);
}

void read_value(variable *v, char *text)
{
    const char *dot = strrchr(text, '.');
    v->dtype = AG_F64;
    if (*text == '[') read_list(v, text);
    else if (*text != '@' && strchr(text, ':')) read_range(v, text);
    else if (*text != '@') read_scalar(v, text);
    else if (dot && strcmp(dot, ".npy") == 0) read_npy(v, text + 1);
    else if (dot && strcmp(dot, ".csv") == 0) read_csv(v, text + 1);
    else die("%s: %s: a file's name ends in .npy or .csv", v->name, text + 1);
}
