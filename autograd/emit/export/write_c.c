/* ag_write_c: a plan as one function in C99 that needs nothing but <math.h>. */
#include "writer.h"

#include <ctype.h>

static int refuse(const agi_writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const agi_writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (w->options->message && w->options->message_size)
        vsnprintf(w->options->message, w->options->message_size, format, args);
    va_end(args);
    return 0;
}

/* ---- the prefix -------------------------------------------------------------------------------------------------- */

static int is_keyword(const char *word)
{
    static const char words[] =
        " auto break case char const continue default do double else enum extern float for goto if inline int long"
        " register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"
        " main and bool catch class delete export false friend mutable namespace new not operator or private protected"
        " public template this throw true try typename using virtual xor asm typeof int64_t m ";
    char key[AGI_PREFIX + 3];
    snprintf(key, sizeof key, " %s ", word);
    return strstr(words, key) != NULL;
}

static int has_word(const char *words, const char *word, size_t n)
{
    for (const char *at = words; (at = strstr(at, word)); at += n)
        if (at > words && at[-1] == ' ' && (at[n] == ' ' || !at[n])) return 1;
    return 0;
}

/* What the headers declare that the text or its callers include; functions of <math.h> end in f and l, too. */
static int is_of_headers(const char *word)
{
    static const char functions[] =
        " acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor"
        " fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf"
        " nan nearbyint nextafter nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh"
        " tgamma trunc";
    static const char others[] =
        " INFINITY NAN HUGE_VAL HUGE_VALF HUGE_VALL fpclassify isfinite isinf isnan isnormal signbit float_t double_t"
        " isgreater isless isunordered j0 j1 jn y0 y1 yn gamma signgam memchr memcmp memcpy memmove memset strcat"
        " strchr strcmp strcoll strcpy strcspn strerror strlen strncat strncmp strncpy strpbrk strrchr strspn strstr"
        " strtok strxfrm size_t NULL INDEPENDENT INLINED";
    char base[AGI_PREFIX + 1];
    size_t n = strlen(word);
    snprintf(base, sizeof base, "%s", word);
    if (has_word(functions, base, n) || has_word(others, base, n)) return 1;
    if (!strncmp(word, "int", 3) || !strncmp(word, "uint", 4)) return !strcmp(word + n - 2, "_t");
    base[n - 1] = 0;
    return strchr("fl", word[n - 1]) && n > 1 && has_word(functions, base, n - 1);
}

static int check_prefix(const agi_writer *w, const char *prefix)
{
    size_t n = prefix ? strlen(prefix) : 0;
    int sound = n && n <= AGI_PREFIX && !isdigit((unsigned char)*prefix);
    for (size_t k = 0; k < n && sound; k++)
        sound = strchr("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", prefix[k]) != NULL;
    if (!sound || is_keyword(prefix))
        return refuse(w, "ag_write_c: the prefix is not an identifier of C with at most %d characters", AGI_PREFIX);
    if (is_of_headers(prefix))
        return refuse(w, "ag_write_c: the prefix %s is a name of <math.h>, <stdint.h> or <string.h>; choose another",
                      prefix);
    return 1;
}

/* ---- the function ------------------------------------------------------------------------------------------------ */

static void write_copies(agi_writer *w)
{
    for (int k = 0; k < w->outputs; k++) {
        const ag_node *x = w->output_node[k];
        char copy[AGI_NAME];
        if (w->copied[k] == AGI_NONE) continue;
        agi_helper_name(&w->e, "copy", (ag_dtype)x->dtype, copy);
        ag_emit(&w->main, "    if (m->outputs->%s) %s(%lld, ", w->output_member[k], copy, (long long)ag_count(x));
        w->e.to = &w->main;
        agi_emit_place(&w->e, w->copied[k], ag_c_type((ag_dtype)x->dtype));
        ag_emit(&w->main, ", m->outputs->%s);\n", w->output_member[k]);
    }
}

/* A pointer that has to be given, and is not. */
static void write_checks(agi_writer *w)
{
    int terms = 0;
    for (int k = 0; k < w->inputs; k++)
        ag_emit(&w->main, "%s!inputs->%s", terms++ ? " || " : "    if (", w->e.reach[w->input[k]].member);
    for (int k = 0; k < w->outputs; k++)
        if (w->demanded[k])
            ag_emit(&w->main, "%s!outputs->%s", terms++ ? " || " : "    if (", w->output_member[k]);
    if (terms) ag_emit(&w->main, ") return %d;\n", (int)AG_EARG);
}

static void write_main(agi_writer *w)
{
    const char *p = w->e.prefix;
    agi_write_signature(w, &w->main);
    ag_emit(&w->main, "\n{\n    const struct %s_memory memory = { %s%s%s(char *)workspace }, *const m = &memory;\n", p,
            w->inputs ? "inputs, " : "", w->parameters ? "parameters, " : "", w->outputs ? "outputs, " : "");
    write_checks(w);
    agi_emit_runs(&w->e, &w->main);
    write_copies(w);
    ag_emit(&w->main, "    return 0;\n}\n");
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static const char independent[] =
    "/* Iterations do not need each other. */\n"
    "#ifndef INDEPENDENT\n"
    "#if defined __GNUC__ && !defined __clang__\n"
    "#define INDEPENDENT _Pragma(\"GCC ivdep\")\n"
    "#else\n"
    "#define INDEPENDENT\n"
    "#endif\n"
    "#endif\n\n";

static int put(FILE *to, const ag_source *s)
{
    return !s->text.count || fwrite(s->text.data, 1, (size_t)s->text.count, to) == (size_t)s->text.count;
}

static int write_files(agi_writer *w, FILE *source, FILE *header)
{
    const char *p = w->e.prefix;
    ag_source top = { .allocator = w->head.allocator }, text = top; /* text: helpers, and who calls them */
    agi_source_append(&w->body, &w->main);
    agi_emit_helpers(&w->e, &w->body, &text);
    agi_source_append(&text, &w->body);
    ag_emit(&top, "/* %s: written by autograd. Do not edit. */\n", p);
    if (header) ag_emit(&top, "#include \"%s.h\"\n\n", p);
    if (w->e.cblas) ag_emit(&top, "#include <cblas.h>\n");
    ag_emit(&top, "#include <math.h>\n#include <stdint.h>\n\n");
    if (!header) agi_source_append(&top, &w->head);
    if (!header) ag_emit(&top, "\n");
    if (agi_source_has(&text, "INDEPENDENT")) ag_emit(&top, "%s", independent);
    agi_write_memory(w, &top);
    agi_write_data(w, &top);
    agi_write_initial(w, &top);
    agi_source_append(&top, &text);
    int failed = top.failed || text.failed, put_all = !failed && put(source, &top);
    agi_source_free(&top);
    agi_source_free(&text);
    if (failed) return refuse(w, "ag_write_c: out of memory");
    if (header) {
        fprintf(header, "/* %s: written by autograd. Do not edit. */\n#ifndef %s_H\n#define %s_H\n\n", p, p, p);
        fprintf(header, "#include <stdint.h>\n\n");
        put_all &= put(header, &w->head);
        fprintf(header, "\n#endif\n");
    }
    return put_all && !ferror(source) && (!header || !ferror(header)) ? 1 : refuse(w, "ag_write_c: cannot write");
}

static int write_plan(agi_writer *w, FILE *source, FILE *header)
{
    if (!agi_place_members(w)) return refuse(w, "ag_write_c: out of memory");
    if (!agi_emit_steps(&w->e))
        return refuse(w, "ag_write_c: the operation %s has no text in C: a custom one gives it as c or c_text",
                      w->e.missing->name);
    write_main(w);
    agi_write_declarations(w);
    w->head.failed |= w->body.failed | w->main.failed;
    if (w->head.failed) return refuse(w, "ag_write_c: out of memory");
    return write_files(w, source, header);
}

int ag_write_c(const ag_plan *p, const char *prefix, FILE *source, FILE *header, const ag_c_options *or_null)
{
    static const ag_c_options defaults = { 0 };
    agi_writer w = { .plan = p, .options = or_null ? or_null : &defaults };
    if (!p || !source) return refuse(&w, "ag_write_c: no plan, or no file to write to"), -1;
    if (!check_prefix(&w, prefix)) return -1;
    ag_source empty = { .allocator = &p->allocator };
    w.head = w.body = w.main = empty;
    w.e = (agi_emitter){ .plan = p, .prefix = prefix, .top = prefix, .cblas = w.options->cblas,
                         .libm = w.options->libm, .to = &w.body, .arrays = &w.arrays };
    agi_arena_init(&w.arena, &p->allocator);
    int ok = write_plan(&w, source, header);
    agi_source_free(&w.head);
    agi_source_free(&w.body);
    agi_source_free(&w.main);
    agi_release(&p->allocator, w.arrays.data);
    agi_arena_free(&w.arena);
    return ok ? 0 : -1;
}
