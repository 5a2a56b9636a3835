/* derive: a formula's value and derivatives at a point, from the command line.
 *
 *     derive 'x^2*sin(y)' x=1.5 y=0.3                      */
#include "../autograd/autograd.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: derive FORMULA [NAME=VALUE]... [OPTION]...\n"
    "\n"
    "Prints the value of a formula and its gradient, by automatic differentiation:\n"
    "\n"
    "    derive 'x^2*sin(y)' x=1.5 y=0.3\n"
    "    derive 'mean((sigmoid(x @ w) - t)^2)' x=@x.npy t=@t.csv w=[0.1,-0.2,0.3] --wrt w\n"
    "\n"
    "A formula has + - * / ^, @ for products of matrices and vectors, < <= > >= == != (1 or 0),\n"
    "pi, e, and functions: sin exp log tanh sigmoid sum mean max where softmax transpose ...\n"
    "\n"
    "A value is a number (or a formula of numbers: x=pi/4), a vector [1,2,3], a matrix [[1,2],[3,4]],\n"
    "@file.npy (little-endian f8, f4 or i8 in C order) or @file.csv (one row or one column is a vector).\n"
    "\n"
    "  --wrt a,b     derivatives for these names only\n"
    "  --hessian     second derivatives, too\n"
    "  --check       compare every derivative with a numerical difference\n"
    "  --dot FILE    write the graph of value and gradient for Graphviz\n"
    "  --c NAME      write NAME.c and NAME.h: value and gradient as a function in C99\n"
    "  --help        this text\n";

typedef struct {
    const char *name;
    ag_dtype dtype; /* AG_F64, or AG_I64 for whole numbers from a file */
    ag_shape shape;
    void *data;
    ag_node *node;
} variable;

enum { MOST = 64 };

typedef struct {
    const char *formula, *dot, *c, *wrt;
    int hessian, check;
    int nvariables, nwrt;
    variable variable[MOST];
    const variable *by[MOST]; /* what to differentiate by */
    ag_node *y, *x[MOST], *dx[MOST];
} task;

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("derive: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE);
}

static void *need(void *memory)
{
    if (!memory) die("out of memory");
    return memory;
}

static int64_t count(const ag_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

/* ---- values: numbers, lists, files ----------------------------------------------------------------------------- */

typedef struct {
    double *data;
    int64_t count, room;
} numbers;

static void append(numbers *a, double x)
{
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 64;
        a->data = need(realloc(a->data, (size_t)a->room * sizeof *a->data));
    }
    a->data[a->count++] = x;
}

static const char *rest(const char *c)
{
    return *c ? c : "the end";
}

/* [[1,2],[3,4]]: one bracket an axis; all lists at a depth are of one length. */
static void read_list(variable *v, const char *text)
{
    int64_t length[AG_MAX_RANK] = { 0 };
    int depth = 0, deepest = 0, value = 0; /* value: something stands before this place that a comma may follow */
    numbers all = { 0 };
    const char *c = text;
    for (int64_t i = 0; i < AG_MAX_RANK; i++) v->shape.dim[i] = -1;
    do {
        while (isspace((unsigned char)*c)) c++;
        if (*c == '[' && !value) {
            if (deepest && depth == deepest)
                die("%s: a list stands where a number is expected: %.40s", v->name, rest(c));
            if (depth == AG_MAX_RANK) die("%s: more than %d brackets", v->name, AG_MAX_RANK);
            length[depth++] = 0;
            c++;
        } else if (*c == ',' && value) {
            value = 0;
            c++;
        } else if (*c == ']' && value) {
            int64_t *dim = &v->shape.dim[--depth];
            if (*dim >= 0 && *dim != length[depth])
                die("%s: lists of %lld and of %lld elements", v->name, (long long)*dim, (long long)length[depth]);
            *dim = length[depth];
            if (depth) length[depth - 1]++;
            c++;
        } else {
            char *end;
            double x = strtod(c, &end);
            if (value || end == c)
                die("%s: %s is expected: %.40s", v->name, value ? ", or ]" : "a number or [", rest(c));
            if (deepest && depth != deepest)
                die("%s: a number stands where a list is expected: %.40s", v->name, rest(c));
            deepest = depth;
            append(&all, x);
            length[depth - 1]++;
            value = 1;
            c = end;
        }
    } while (depth);
    while (isspace((unsigned char)*c)) c++;
    if (*c) die("%s: text after the list: %.40s", v->name, c);
    v->shape.rank = deepest;
    v->data = all.data;
}

/* A number, or a formula of numbers. */
static void read_number(variable *v, const char *text)
{
    char *end;
    double *x = v->data = need(malloc(sizeof *x));
    *x = strtod(text, &end);
    if (*text && !*end && !isspace((unsigned char)*text)) return;
    ag_graph *g = need(ag_graph_new(NULL));
    ag_node *y = ag_parse(g, text);
    if (!ag_graph_status(g) && ag_shape_of(y).rank) die("%s: a value of rank 0 is expected: %s", v->name, text);
    *x = ag_value(y);
    if (ag_graph_status(g)) die("%s: %s", v->name, ag_graph_error(g));
    ag_graph_free(g);
}

static FILE *open_file(const variable *v, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) die("%s: %s: %s", v->name, path, strerror(errno));
    return f;
}

static void read_csv(variable *v, const char *path)
{
    FILE *f = open_file(v, path);
    char *line = NULL;
    size_t room = 0;
    int64_t rows = 0, columns = 0, number = 0;
    numbers all = { 0 };
    while (getline(&line, &room, f) >= 0) {
        int64_t before = all.count;
        char *c = line + strspn(line, " \t\r\n");
        number++;
        if (!*c || *c == '#') continue;
        for (;; c++) {
            char *end;
            append(&all, strtod(c, &end));
            if (end == c) die("%s: %s, line %lld: a number is expected: %.30s", v->name, path, (long long)number, c);
            c = end + strspn(end, " \t\r\n");
            if (!*c) break;
            if (*c != ',' && *c != ';') die("%s: %s, line %lld: a comma is expected: %.30s", v->name, path,
                                            (long long)number, c);
        }
        if (rows++ && all.count - before != columns)
            die("%s: %s, line %lld: %lld numbers, before it %lld", v->name, path, (long long)number,
                (long long)(all.count - before), (long long)columns);
        columns = all.count - before;
    }
    if (ferror(f)) die("%s: %s cannot be read", v->name, path);
    if (!rows) die("%s: %s holds no numbers", v->name, path);
    free(line);
    fclose(f);
    v->shape = rows == 1 || columns == 1 ? AG_SHAPE(rows * columns) : AG_SHAPE(rows, columns);
    v->data = all.data;
}

/* The text after 'key': in the header, a Python dictionary. */
static const char *npy_field(const variable *v, const char *path, const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at) die("%s: %s: its header has no %s", v->name, path, key);
    at += strlen(key);
    return at + strspn(at, " :");
}

static void npy_shape(variable *v, const char *path, const char *at)
{
    int64_t room = INT64_MAX / 8;
    if (*at++ != '(') die("%s: %s: its shape is no tuple", v->name, path);
    for (v->shape.rank = 0; at += strspn(at, " "), *at != ')'; v->shape.rank++) {
        char *end;
        errno = 0;
        long long n = strtoll(at, &end, 10);
        if (end == at || errno || n < 0) die("%s: %s: its shape is malformed", v->name, path);
        if (n == 0) die("%s: %s has no elements", v->name, path);
        if (v->shape.rank == AG_MAX_RANK) die("%s: %s has more than %d axes", v->name, path, AG_MAX_RANK);
        if (n > room) die("%s: %s is too large", v->name, path);
        room /= n;
        v->shape.dim[v->shape.rank] = n;
        at = end + strspn(end, " ");
        if (*at == ',') at++;
        else if (*at != ')') die("%s: %s: its shape is malformed", v->name, path);
    }
}

/* Version 1 has a header length of two bytes, 2 and 3 of four. */
static char *npy_header(const variable *v, const char *path, FILE *f)
{
    unsigned char head[12] = { 0 };
    if (fread(head, 1, 10, f) != 10 || memcmp(head, "\x93NUMPY", 6)) die("%s: %s is no .npy file", v->name, path);
    size_t length = head[8] | (size_t)head[9] << 8;
    if (head[6] < 1 || head[6] > 3) die("%s: %s: version %d of .npy is unknown", v->name, path, head[6]);
    if (head[6] > 1) {
        if (fread(head + 10, 1, 2, f) != 2) die("%s: %s is cut off", v->name, path);
        length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    if (length > 1 << 20) die("%s: %s: its header is too long", v->name, path);
    char *header = need(calloc(length + 1, 1));
    if (fread(header, 1, length, f) != length) die("%s: %s is cut off", v->name, path);
    return header;
}

static void read_npy(variable *v, const char *path)
{
    FILE *f = open_file(v, path);
    char *header = npy_header(v, path, f);
    const char *type = npy_field(v, path, header, "'descr'");
    int single = strncmp(type, "'<f4'", 5) == 0, whole = strncmp(type, "'<i8'", 5) == 0;
    if (!single && !whole && strncmp(type, "'<f8'", 5))
        die("%s: %s: elements of type %.*s; '<f8', '<f4' and '<i8' can be read", v->name, path,
            (int)strcspn(type, ",}"), type);
    const char *fortran = npy_field(v, path, header, "'fortran_order'");
    if (strncmp(fortran, "False", 5)) die("%s: %s is in Fortran order; numpy.ascontiguousarray helps", v->name, path);
    npy_shape(v, path, npy_field(v, path, header, "'shape'"));
    v->dtype = whole ? AG_I64 : AG_F64;

    size_t n = (size_t)count(&v->shape), size = single ? 4 : 8;
    long start = ftell(f);
    if (start < 0 || fseek(f, 0, SEEK_END) || (uint64_t)ftell(f) - (uint64_t)start != n * size)
        die("%s: %s: its length and its shape do not agree", v->name, path);
    v->data = need(malloc(n * 8));
    if (fseek(f, start, SEEK_SET) || fread(v->data, size, n, f) != n) die("%s: %s cannot be read", v->name, path);
    for (size_t i = n; single && i-- > 0;) { /* from the end: a double lies where its float and later ones were */
        float x;
        memcpy(&x, (char *)v->data + 4 * i, sizeof x);
        ((double *)v->data)[i] = x;
    }
    free(header);
    fclose(f);
}

static void read_value(variable *v, const char *text)
{
    const char *dot = strrchr(text, '.');
    v->dtype = AG_F64;
    if (*text == '[') read_list(v, text);
    else if (*text != '@') read_number(v, text);
    else if (dot && strcmp(dot, ".npy") == 0) read_npy(v, text + 1);
    else if (dot && strcmp(dot, ".csv") == 0) read_csv(v, text + 1);
    else die("%s: %s: a file's name ends in .npy or .csv", v->name, text + 1);
}

/* ---- arguments ------------------------------------------------------------------------------------------------- */

static int is_name(const char *s, size_t length)
{
    if (!length || !(isalpha((unsigned char)*s) || *s == '_')) return 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("_./", s[i])) return 0;
    return 1;
}

static void read_variable(task *t, char *argument)
{
    char *equals = strchr(argument, '=');
    if (!equals || !is_name(argument, (size_t)(equals - argument)))
        die("'%s' is no NAME=VALUE; derive --help tells more", argument);
    *equals = 0;
    for (int i = 0; i < t->nvariables; i++)
        if (strcmp(t->variable[i].name, argument) == 0) die("%s has two values", argument);
    if (t->nvariables == MOST) die("more than %d names", MOST);
    variable *v = &t->variable[t->nvariables++];
    v->name = argument;
    read_value(v, equals + 1);
}

static const char *option_value(char **argv, int *i, const char *option)
{
    size_t n = strlen(option);
    if (strncmp(argv[*i], option, n)) return NULL;
    if (argv[*i][n] == '=') return argv[*i] + n + 1;
    if (argv[*i][n]) return NULL;
    if (!argv[*i + 1]) die("%s needs a value", option);
    return argv[++*i];
}

static void read_arguments(task *t, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        }
        if (strcmp(argv[i], "--hessian") == 0) t->hessian = 1;
        else if (strcmp(argv[i], "--check") == 0) t->check = 1;
        else if ((value = option_value(argv, &i, "--wrt"))) t->wrt = value;
        else if ((value = option_value(argv, &i, "--dot"))) t->dot = value;
        else if ((value = option_value(argv, &i, "--c"))) t->c = value;
        else if (strncmp(argv[i], "--", 2) == 0 && isalpha((unsigned char)argv[i][2]))
            die("unknown option %s; derive --help tells more", argv[i]);
        else if (!t->formula) t->formula = argv[i];
        else read_variable(t, argv[i]);
    }
    if (!t->formula) {
        fputs(help, stderr);
        exit(EXIT_FAILURE);
    }
}

static void choose(task *t)
{
    for (int i = 0; i < t->nvariables && !t->wrt; i++)
        if (t->variable[i].dtype == AG_F64) t->by[t->nwrt++] = &t->variable[i];
    for (const char *name = t->wrt; name && *name;) {
        size_t length = strcspn(name, ",");
        const variable *found = NULL;
        for (int i = 0; i < t->nvariables; i++) {
            const variable *v = &t->variable[i];
            if (strncmp(v->name, name, length) == 0 && !v->name[length]) found = v;
        }
        if (!found) die("--wrt: '%.*s' has no value", (int)length, name);
        if (found->dtype != AG_F64) die("--wrt: %s holds whole numbers", found->name);
        for (int i = 0; i < t->nwrt; i++)
            if (t->by[i] == found) die("--wrt: %s stands twice", found->name);
        t->by[t->nwrt++] = found;
        name += length + (name[length] == ',');
    }
    for (int i = 0; i < t->nwrt; i++) t->x[i] = t->by[i]->node;
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

/* The shortest text that reads back as the same number, or as many digits. */
static void write_number(char text[32], double x, int digits)
{
    if (digits) snprintf(text, 32, "%.*g", digits, x);
    for (int n = 15; n <= 17 && !digits; n++) {
        snprintf(text, 32, "%.*g", n, isnan(x) ? NAN : x);
        if (strtod(text, NULL) == x || isnan(x)) return;
    }
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

/* Columns are aligned; rows that would not fit a line show fewer digits. */
static void print_array(const char *label, ag_dtype dtype, const ag_shape *shape, const void *data)
{
    enum { LINE = 100, FEW = 6 };
    array a = { dtype, shape, data, 0, 0, (int)strlen(label) + 3 };
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

static void print_node(const char *label, const ag_run *run, const ag_node *x)
{
    ag_shape shape = ag_shape_of(x);
    print_array(label, ag_type_of(x), &shape, ag_data(run, x));
}

/* ---- deriving -------------------------------------------------------------------------------------------------- */

static void graph_failed(const task *t, ag_graph *g)
{
    const char *message = ag_graph_error(g);
    if (strstr(message, "unknown name"))
        die("%s\nGive every name a value, as in: derive '%s' name=1.5", message, t->formula);
    die("%s", message);
}

static ag_run *evaluate(ag_graph *g, int n, ag_node *const y[], ag_plan **plan)
{
    *plan = ag_compile(g, n, y, NULL);
    if (!*plan) die("%s", ag_graph_error(g));
    ag_run *run = need(ag_run_new(*plan));
    if (ag_eval(run)) die("%s", ag_run_error(run));
    return run;
}

static void print_gradient(const task *t, const ag_run *run)
{
    char label[128];
    for (int i = 0; i < t->nwrt; i++) {
        snprintf(label, sizeof label, "d/d%.100s", t->by[i]->name);
        print_node(label, run, t->dx[i]);
    }
}

static void write_dot(const task *t, const ag_run *run)
{
    ag_node *outputs[MOST + 1] = { t->y };
    memcpy(outputs + 1, t->dx, (size_t)t->nwrt * sizeof *outputs);
    FILE *f = fopen(t->dot, "w");
    if (!f) die("%s: %s", t->dot, strerror(errno));
    if (ag_write_dot(f, t->nwrt + 1, outputs, run) | fclose(f)) die("%s: cannot be written", t->dot);
}

static FILE *create(const char *name, const char *extension)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", name, extension);
    FILE *f = fopen(path, "w");
    if (!f) die("%s: %s", path, strerror(errno));
    return f;
}

/* The function is called as the files are: the last part of their path. */
static void write_c(const task *t, const ag_plan *plan)
{
    char message[256] = "";
    ag_c_options options = { .initial = 1, .message = message, .message_size = sizeof message };
    const char *slash = strrchr(t->c, '/'), *name = slash ? slash + 1 : t->c;
    FILE *nothing = fopen("/dev/null", "w");
    if (nothing && ag_write_c(plan, name, nothing, NULL, &options)) die("%s", message); /* before files are made */
    if (nothing) fclose(nothing);
    FILE *source = create(t->c, ".c"), *header = create(t->c, ".h");
    if (ag_write_c(plan, name, source, header, &options)) die("%s", message);
    if (fclose(source) | fclose(header)) die("%s: cannot be written", t->c);
}

/* Value and gradient; a formula of another rank than 0 has a value only. */
static void value_and_gradient(task *t, ag_graph *g)
{
    ag_plan *plan;
    ag_node *outputs[MOST + 1] = { t->y };
    char label[64];
    ag_shape shape = ag_shape_of(t->y);
    int derivable = shape.rank == 0 && ag_type_of(t->y) != AG_I64;
    if (!derivable) t->nwrt = 0;
    if (t->nwrt && ag_gradient(t->y, t->nwrt, t->x, t->dx)) graph_failed(t, g);
    memcpy(outputs + 1, t->dx, (size_t)t->nwrt * sizeof *outputs);
    ag_run *run = evaluate(g, t->nwrt + 1, outputs, &plan);
    snprintf(label, sizeof label, strlen(t->formula) < sizeof label && !strchr(t->formula, '\n') ? "%s" : "value",
             t->formula);
    print_node(label, run, t->y);
    print_gradient(t, run);
    if (t->dot) write_dot(t, run);
    if (t->c) write_c(t, plan);
    ag_run_free(run);
    ag_plan_free(plan);
    if (derivable) return;
    const char *why = shape.rank ? "a gradient needs a formula of rank 0: sum(...) or mean(...) of this one has one"
                                 : "whole numbers have no gradient";
    if (t->hessian || t->check || t->wrt) die("%s", why);
    if (t->nvariables) printf("(%s)\n", why);
}

/* x[1,2]: an element's name. */
static void element_name(char *text, size_t room, const variable *v, int64_t index)
{
    int used = snprintf(text, room, "%.60s", v->name);
    int64_t inner = count(&v->shape);
    for (int k = 0; k < v->shape.rank; k++) {
        inner /= v->shape.dim[k];
        used += snprintf(text + used, room - (size_t)used, "%c%lld", k ? ',' : '[', (long long)(index / inner));
        index %= inner;
    }
    if (v->shape.rank) snprintf(text + used, room - (size_t)used, "]");
}

/* Row k of the Hessian is the gradient's product with the k-th unit vector: one plan, run once a row. */
static void hessian(const task *t, ag_graph *g)
{
    enum { LARGEST = 4096 };
    ag_node *flat[MOST], *row[MOST];
    int64_t n = 0;
    for (int i = 0; i < t->nwrt; i++) {
        flat[i] = ag_reshape(t->dx[i], AG_SHAPE(-1));
        n += count(&t->by[i]->shape);
    }
    if (n > LARGEST) die("--hessian: %lld variables; %d at most", (long long)n, LARGEST);
    ag_node *gradient = ag_concat(t->nwrt, flat, 0), *unit = ag_input(g, NULL, AG_F64, AG_SHAPE(n));
    if (ag_vjp(1, &gradient, &unit, t->nwrt, t->x, row)) graph_failed(t, g);
    ag_plan *plan = ag_compile(g, t->nwrt, row, NULL);
    if (!plan) die("%s", ag_graph_error(g));
    ag_run *run = need(ag_run_new(plan));
    double *all = need(calloc((size_t)(n * n), sizeof *all)), *direction = need(calloc((size_t)n, sizeof *direction));
    for (int64_t k = 0, at = 0; k < n; k++) {
        direction[k] = 1;
        if (ag_feed(run, unit, direction) || ag_eval(run)) die("%s", ag_run_error(run));
        direction[k] = 0;
        for (int i = 0; i < t->nwrt; at += count(&t->by[i++]->shape))
            if (ag_fetch(run, row[i], all + at)) die("%s", ag_run_error(run));
    }
    for (int64_t i = 0; i < n * n; i++) all[i] += 0.0; /* -0 is 0 */
    printf("Hessian for");
    for (int i = 0; i < t->nwrt; i++) {
        const ag_shape *s = &t->by[i]->shape;
        printf("%s %s", i ? "," : "", t->by[i]->name);
        for (int k = 0; k < s->rank; k++) printf("%c%lld", k ? ',' : '[', (long long)s->dim[k]);
        if (s->rank) printf("]");
    }
    printf("\n");
    print_array("H", AG_F64, &AG_SHAPE(n, n), all);
    free(direction);
    free(all);
    ag_run_free(run);
    ag_plan_free(plan);
}

/* Differences of one element: y at x + h and x - h. */
static double difference(const task *t, ag_run *run, const variable *v, int64_t index)
{
    double *data = v->data, x = data[index], h = 6e-6 * fmax(1, fabs(x)), y[2];
    volatile double at[2] = { x + h, x - h }; /* as they are stored, not in wider registers */
    for (int side = 0; side < 2; side++) {
        data[index] = at[side];
        if (ag_feed(run, v->node, data) || ag_eval(run)) die("%s", ag_run_error(run));
        y[side] = ag_item(run, t->y);
    }
    data[index] = x;
    ag_feed(run, v->node, data);
    return (y[0] - y[1]) / (at[0] - at[1]);
}

static void check_table(const task *t, ag_graph *g)
{
    enum { ROWS = 50 }; /* of each variable */
    ag_plan *plan, *primal;
    ag_run *run = evaluate(g, t->nwrt, t->dx, &plan), *moved = evaluate(g, 1, &t->y, &primal);
    printf("%-24s %24s %24s %10s\n", "derivative for", "automatic", "numerical difference", "error");
    for (int i = 0; i < t->nwrt; i++) {
        const variable *v = t->by[i];
        const double *dx = ag_data(run, t->dx[i]);
        int64_t n = count(&v->shape);
        for (int64_t k = 0; k < n && k < ROWS; k++) {
            char name[128], automatic[32], numeric[32];
            double d = difference(t, moved, v, k);
            element_name(name, sizeof name, v, k);
            write_number(automatic, dx[k], 0);
            write_number(numeric, d, 0);
            printf("%-24s %24s %24s %10.1e\n", name, automatic, numeric,
                   fabs(dx[k] - d) / fmax(1, fmax(fabs(d), fabs(dx[k]))));
        }
        if (n > ROWS) printf("%s: %lld elements more\n", v->name, (long long)(n - ROWS));
    }
    ag_run_free(moved);
    ag_plan_free(primal);
    ag_run_free(run);
    ag_plan_free(plan);
}

/* The table is for people; the verdict is the library's, on first and second derivatives along random directions. */
static int check(const task *t, ag_graph *g)
{
    ag_check_report report;
    check_table(t, g);
    ag_status status = ag_check_gradient(t->y, t->nwrt, t->x, NULL, &report);
    if (!status) printf("first and second derivatives agree with differences; largest error %.1e\n", report.error);
    else printf("the check fails: %s\n", report.message);
    return status == AG_OK;
}

int main(int argc, char **argv)
{
    static task t;
    int fine = 1;
    read_arguments(&t, argc, argv);
    ag_graph *g = need(ag_graph_new(NULL));
    for (int i = 0; i < t.nvariables; i++) {
        variable *v = &t.variable[i];
        v->node = ag_parameter(g, v->name, v->dtype, v->shape, v->data);
    }
    t.y = ag_parse(g, t.formula);
    if (ag_graph_status(g)) graph_failed(&t, g);
    choose(&t);
    value_and_gradient(&t, g);
    if (t.nwrt && t.hessian) hessian(&t, g);
    if (t.nwrt && t.check) fine = check(&t, g);
    ag_graph_free(g);
    for (int i = 0; i < t.nvariables; i++) free(t.variable[i].data);
    if (fflush(stdout) || ferror(stdout)) die("the output cannot be written");
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
