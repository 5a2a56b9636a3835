/* Arguments: a formula, variables, options. */
#include "derive.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Whatever formulas take for a name; those of other letters than ASCII are looked at there. */
static int is_name(const char *s, size_t length)
{
    if (!length || isdigit((unsigned char)*s)) return 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("_./", s[i]) && !((unsigned char)s[i] & 0x80)) return 0;
    return 1;
}

static void read_variable(task *t, char *argument)
{
    char *equals = strchr(argument, '='), *end = equals;
    while (end && end > argument && isspace((unsigned char)end[-1])) end--;
    if (!equals || !is_name(argument, (size_t)(end - argument)))
        die("'%s' is no NAME=VALUE; derive --help tells more", argument);
    *end = 0;
    while (isspace((unsigned char)equals[1])) equals++;
    if (!equals[1]) die("%s: no value stands behind the =", argument);
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

static void read_digits(const char *text)
{
    char *end;
    long digits = strtol(text, &end, 10);
    if (end == text || *end || digits < 1 || digits > 17) die("--digits: 1 to 17, not %s", text);
    show_digits((int)digits);
}

static int read_option(task *t, char **argv, int *i)
{
    const char *value;
    if (strcmp(argv[*i], "--hessian") == 0) t->hessian = 1;
    else if (strcmp(argv[*i], "--check") == 0) t->check = 1;
    else if (strcmp(argv[*i], "--plot") == 0) t->plot = 1;
    else if ((value = option_value(argv, i, "--wrt"))) t->wrt = value;
    else if ((value = option_value(argv, i, "--dot"))) t->dot = value;
    else if ((value = option_value(argv, i, "--svg"))) t->svg = value;
    else if ((value = option_value(argv, i, "--c"))) t->c = value;
    else if ((value = option_value(argv, i, "--digits"))) read_digits(value);
    else return 0;
    return 1;
}

void read_arguments(task *t, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help(stdout);
            exit(EXIT_SUCCESS);
        }
        if (read_option(t, argv, &i)) continue;
        if (strncmp(argv[i], "--", 2) == 0 && isalpha((unsigned char)argv[i][2]))
            die("unknown option %s; derive --help tells more", argv[i]);
        if (!t->text) t->text = argv[i];
        else read_variable(t, argv[i]);
    }
    if (!t->text) {
        help(stderr);
        exit(EXIT_FAILURE);
    }
}

void choose_variables(task *t)
{
    for (int i = 0; i < t->nvariables && !t->wrt; i++)
        if (t->variable[i].dtype == AG_F64) t->by[t->nwrt++] = &t->variable[i];
    for (const char *name = t->wrt; name && *name;) {
        size_t length = strcspn(name, ",");
        variable *found = NULL;
        for (int i = 0; i < t->nvariables; i++) {
            variable *v = &t->variable[i];
            if (strncmp(v->name, name, length) == 0 && !v->name[length]) found = v;
        }
        if (!found) die("--wrt: '%.*s' has no value", (int)length, name);
        if (found->dtype != AG_F64) die("--wrt: %s holds whole numbers", found->name);
        for (int i = 0; i < t->nwrt; i++)
            if (t->by[i] == found) die("--wrt: %s stands twice", found->name);
        t->by[t->nwrt++] = found;
        name += length + (name[length] == ',');
    }
}
