/* Numbers and arrays as text. */
#include "derive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int characters(const char *text)
{
    int n = 0;
    for (; *text; text++) n += (*text & 0xc0) != 0x80;
    return n;
}

/* Fifteen digits hide that the last bits of most results are no better than they are. */
static int shown = 15;

void show_digits(int digits)
{
    shown = digits;
}

void write_number(char text[32], double x, int digits)
{
    snprintf(text, 32, "%.*g", digits ? digits : shown, isnan(x) ? NAN : x);
}

typedef struct {
    ag_dtype dtype;
    const ag_shape *shape;
    const void *data;
    int digits, width, indent;
} array;

static void write_element(char text[32], const array *a, int64_t i)
{
    if (a->dtype == AG_I64) snprintf(text, 32, "%lld", (long long)((const int64_t *)a->data)[i]);
    else write_number(text, a->dtype == AG_F32 ? ((const float *)a->data)[i] : ((const double *)a->data)[i], a->digits);
}

/* Long axes show their ends only. */
static int64_t next_shown(const array *a, int64_t i, int64_t extent)
{
    enum { ENDS = 3, LARGE = 500 };
    return count(a->shape) > LARGE && extent > 2 * ENDS && i == ENDS - 1 ? extent - ENDS : i + 1;
}

static void print_axis(const array *a, int axis, int64_t at)
{
    char text[32];
    if (axis == a->shape->rank) {
        write_element(text, a, at);
        printf("%*s", a->width, text);
        return;
    }
    int64_t stride = 1, extent = a->shape->dim[axis];
    int last = axis == a->shape->rank - 1;
    for (int k = axis + 1; k < a->shape->rank; k++) stride *= a->shape->dim[k];
    printf("[");
    for (int64_t i = 0, before = -1; i < extent; before = i, i = next_shown(a, i, extent)) {
        if (i && last) printf(", ");
        if (i && !last) printf(",\n%*s", a->indent + axis + 1, "");
        if (i > before + 1) last ? printf("..., ") : printf("...,\n%*s", a->indent + axis + 1, "");
        print_axis(a, axis + 1, at + i * stride);
    }
    printf("]");
}

static int widest(const array *a)
{
    enum { MEASURED = 10000 };
    int width = 0;
    for (int64_t i = 0, n = count(a->shape); i < n && i < MEASURED; i++) {
        char text[32];
        write_element(text, a, i);
        if ((int)strlen(text) > width) width = (int)strlen(text);
    }
    return width;
}

void print_array(const char *label, ag_dtype dtype, const ag_shape *shape, const void *data)
{
    enum { LINE = 100, FEW = 6 };
    array a = { dtype, shape, data, 0, 0, characters(label) + 3 };
    if (shape->rank > 1) {
        a.width = widest(&a);
        if ((a.width + 2) * shape->dim[shape->rank - 1] > LINE) {
            a.digits = FEW;
            a.width = widest(&a);
        }
    }
    printf("%s = ", label);
    print_axis(&a, 0, 0);
    printf("\n");
}

void print_node(const char *label, const ag_run *run, const ag_node *x)
{
    ag_shape shape = ag_shape_of(x);
    print_array(label, ag_type_of(x), &shape, ag_data(run, x));
}

/* d/dx of what has no name, df/dx, d2f/dx2. */
void write_derivative(char text[160], const formula *f, const variable *v, int order)
{
    const char *power = order == 2 ? "2" : "";
    snprintf(text, 160, "d%s%s/d%.60s%s", power, f->name, v->name, power);
}

void print_variables(const task *t)
{
    for (int i = 0; i < t->nwrt; i++) {
        const ag_shape *s = &t->by[i]->shape;
        printf("%s%s", i ? ", " : "", t->by[i]->name);
        for (int k = 0; k < s->rank; k++) printf("%c%lld", k ? ',' : '[', (long long)s->dim[k]);
        if (s->rank) printf("]");
    }
}
