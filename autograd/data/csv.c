/* Tables of numbers as text. The first line tells the separator and the number of columns; the text is cut into lines
 * and these into fields where it lies. */
#include "file.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const agi_stream *file;
    locale_t plain; /* where the decimal point is a point */
    char separator; /* ' ': blanks, any number of them */
    int64_t line, columns;
} table;

typedef struct {
    char *at; /* the field without quotes and blanks around it, ended by 0 once it is cut */
    size_t length;
} field;

static ag_status out_of_memory(const table *t)
{
    return agi_problem(t->file->problem, AG_EMEM, t->file->path, "out of memory");
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line that is one, ended by 0, from *at on; NULL: there is none. */
static char *next_line(table *t, char **at)
{
    while (*(*at)) {
        char *line = *at, *end = strchr(line, '\n');
        *at = end ? end + 1 : line + strlen(line);
        if (end) *end = 0;
        t->line++;
        while (is_blank(*line) && *line != t->separator) line++;
        if (*line && *line != '#') return line;
    }
    return NULL;
}

/* Cuts the next field off the line; 0: there is none. A quote twice inside of quotes stands for one. */
static int next_field(const table *t, char **line, field *f)
{
    char *c = *line, *to;
    if (!c) return 0;
    while (is_blank(*c) && *c != t->separator) c++;
    if (t->separator == ' ') while (is_blank(*c)) c++;
    f->at = to = c;
    if (*c == '"') {
        for (c++; *c && (*c != '"' || c[1] == '"'); *to++ = *c++) c += *c == '"';
        c += *c == '"';
        while (*c && *c != t->separator) c++;
    } else {
        while (*c && *c != t->separator && !(t->separator == ' ' && is_blank(*c))) c++;
        for (to = c; to > f->at && is_blank(to[-1]) && to[-1] != t->separator; to--) continue;
    }
    *line = *c ? c + 1 : NULL;
    if (t->separator == ' ' && *c)
        while (is_blank(**line)) ++*line;
    if (t->separator == ' ' && *line && !**line) *line = NULL;
    *to = 0;
    f->length = (size_t)(to - f->at);
    return 1;
}

static int read_number(const table *t, const field *f, double *x)
{
    char *end;
    *x = NAN;
    if (!f->length) return 1;
    *x = strtod_l(f->at, &end, t->plain);
    return (size_t)(end - f->at) == f->length;
}

/* Is it there, outside of quotes? */
static int has(const char *line, char separator)
{
    int quoted = 0;
    for (; *line; line++) {
        quoted ^= *line == '"';
        if (*line == separator && !quoted) return 1;
    }
    return 0;
}

static char find_separator(const char *line)
{
    return has(line, ',') ? ',' : has(line, ';') ? ';' : has(line, '\t') ? '\t' : ' ';
}

/* Is a field of the line no number? The line is copied, since looking cuts it. */
static ag_status has_words(table *t, const char *line, int *words)
{
    field f;
    double x;
    char *copy = strdup(line), *at = copy;
    if (!copy) return out_of_memory(t);
    *words = 0;
    for (t->columns = 0; next_field(t, &at, &f); t->columns++) *words |= !read_number(t, &f, &x);
    free(copy);
    return AG_OK;
}

static ag_status read_headings(table *t, char *line, ag_array *a)
{
    field f;
    const size_t length = strlen(line) + 1, pointers = (size_t)t->columns * sizeof *a->heading;
    a->heading = malloc(pointers + length);
    if (!a->heading) return out_of_memory(t);
    char *copy = memcpy((char *)a->heading + pointers, line, length);
    for (int64_t k = 0; next_field(t, &copy, &f); k++) a->heading[k] = f.at;
    return AG_OK;
}

static ag_status read_line(table *t, char *line, double *row)
{
    const agi_stream *s = t->file;
    field f;
    int64_t k = 0;
    for (; next_field(t, &line, &f); k++)
        if (k < t->columns && !read_number(t, &f, &row[k]))
            return agi_problem(s->problem, AG_EIO, s->path, "line %lld: column %lld holds '%.40s', which is no number",
                               (long long)t->line, (long long)k + 1, f.at);
    if (k == t->columns) return AG_OK;
    return agi_problem(s->problem, AG_EIO, s->path, "line %lld has %lld columns, the first one %lld",
                       (long long)t->line, (long long)k, (long long)t->columns);
}

/* Of a table of that many columns: a row takes a character for each, be it the separator. */
static int64_t most_rows(const table *t, const char *text)
{
    return (int64_t)strlen(text) / t->columns + 2;
}

static ag_status read_table(table *t, char *text, const ag_csv_options *o, ag_array *a)
{
    int words = 0;
    char *line = next_line(t, &text);
    if (!line) return agi_problem(t->file->problem, AG_EIO, t->file->path, "there is no line of numbers in it");
    t->separator = o->separator ? o->separator : find_separator(line);
    ag_status status = has_words(t, line, &words);
    if (!status && (o->headings > 0 || (o->headings == 0 && words))) {
        status = read_headings(t, line, a);
        line = next_line(t, &text);
    }
    double *x = status ? NULL : malloc((size_t)(most_rows(t, text) * t->columns) * sizeof *x);
    if (!status && !x) status = out_of_memory(t);
    int64_t rows = 0;
    for (; line && !status; line = next_line(t, &text), rows++) status = read_line(t, line, x + rows * t->columns);
    *a = (ag_array){ AG_DATA_F64, { 2, { rows, t->columns } }, x, a->heading, 0 };
    return status;
}

ag_status ag_read_csv(ag_array *to, const char *path, const ag_csv_options *options, ag_problem *problem)
{
    static const ag_csv_options none;
    agi_stream s;
    ag_array a = { 0 };
    int64_t bytes;
    ag_status status = agi_stream_open(&s, path, problem);
    if (status) return status;
    char *text = agi_stream_rest(&s, 1, &bytes, &status);
    agi_stream_close(&s);
    if (!text) return status;
    table t = { .file = &s, .plain = newlocale(LC_ALL_MASK, "C", (locale_t)0) };
    if (!t.plain) status = agi_problem(problem, AG_EMEM, path, "out of memory");
    else if ((int64_t)strlen(text) < bytes) status = agi_problem(problem, AG_EIO, path, "it is no text: a byte is 0");
    else status = read_table(&t, text, options ? options : &none, &a);
    if (t.plain) freelocale(t.plain);
    free(text);
    if (status) ag_array_free(&a);
    else agi_array_replace(to, &a);
    return status;
}
