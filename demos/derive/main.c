/* derive: a formula's value and derivatives at a point, from the command line.
 *
 *     derive 'x^2*sin(y)' x=1.5 y=0.3                      */
#include "derive.h"

#include <ctype.h>
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

/* ---- the program ----------------------------------------------------------------------------------------------- */

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
    if (t.nwrt && t.check) fine = check_derivatives(&t, g);
    ag_graph_free(g);
    for (int i = 0; i < t.nvariables; i++) free(t.variable[i].data);
    if (fflush(stdout) || ferror(stdout)) die("the output cannot be written");
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
