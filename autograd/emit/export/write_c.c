/* ag_write_c, ag_write_c_functions: plans as functions in C99 that need nothing but <math.h>. */
#include "writer.h"

#include <ctype.h>

static int refuse(const agi_file *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const agi_file *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (f->options->message && f->options->message_size)
        vsnprintf(f->options->message, f->options->message_size, format, args);
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

static int is_identifier(const char *word)
{
    size_t n = word ? strlen(word) : 0;
    int sound = n && n <= AGI_PREFIX && !isdigit((unsigned char)*word);
    for (size_t k = 0; k < n && sound; k++)
        sound = strchr("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", word[k]) != NULL;
    return sound;
}

static int check_prefix(const agi_file *f)
{
    if (!is_identifier(f->prefix) || is_keyword(f->prefix))
        return refuse(f, "%s: the prefix is not an identifier of C with at most %d characters", f->what, AGI_PREFIX);
    if (is_of_headers(f->prefix))
        return refuse(f, "%s: the prefix %s is a name of <math.h>, <stdint.h> or <string.h>; choose another", f->what,
                      f->prefix);
    return 1;
}

/* A name must not meet what the prefix makes by itself: PREFIX_initial, PREFIX_data0, PREFIX_shared_0. */
static int check_name(const agi_file *f, int k, const ag_c_function all[])
{
    const char *name = all[k].name;
    if (!is_identifier(name) || strlen(f->prefix) + strlen(name) >= AGI_PREFIX)
        return refuse(f, "%s: the name of function %d is not one in C, or longer than %d characters with the prefix",
                      f->what, k, AGI_PREFIX);
    if (!strcmp(name, "initial") || !strcmp(name, "parameters") || !strcmp(name, "shared") || !strncmp(name, "data", 4))
        return refuse(f, "%s: function %d cannot be called %s: the file has that by itself", f->what, k, name);
    for (int j = 0; j < k; j++)
        if (!strcmp(all[j].name, name)) return refuse(f, "%s: two functions are called %s", f->what, name);
    return 1;
}

static int check(const agi_file *f, int n, const ag_c_function all[])
{
    const int bits = f->options->integer_bits;
    if (bits && bits != 8 && bits != 16 && bits != 32 && bits != 64)
        return refuse(f, "%s: integers of %d bits: give 8, 16, 32, or 0 for 64", f->what, bits);
    if (!check_prefix(f)) return 0;
    for (int k = 0; k < n; k++) {
        if (!all[k].plan) return refuse(f, "%s: function %d has no plan", f->what, k);
        if (!f->alone && !check_name(f, k, all)) return 0;
        if (all[k].plan->output[0]->graph != all[0].plan->output[0]->graph)
            return refuse(f, "%s: function %d is of another graph than the first", f->what, k);
    }
    return 1;
}

/* ---- the function ------------------------------------------------------------------------------------------------ */

static void write_copies(agi_writer *w)
{
    for (int k = 0; k < w->outputs; k++) {
        const ag_node *x = w->output_node[k];
        char copy[AGI_NAME];
        if (w->copied[k] == AGI_NONE) continue;
        if (agi_is_narrow(w, (ag_dtype)x->dtype)) {
            agi_write_narrowing(w, k);
            continue;
        }
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
    agi_write_widening(w);
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

/* What callers see: of several functions first what they share. */
static void write_head(const agi_file *f, int n, const agi_writer w[], ag_source *to)
{
    if (!f->alone) {
        const int64_t least = sizeof(double);
        ag_emit(to, "/* Enough for each of the functions. */\n#define %s_WORKSPACE %lld\n\n", f->prefix,
                (long long)(f->bytes > least ? f->bytes : least));
        agi_write_parameters(f, to);
    }
    for (int k = 0; k < n; k++) {
        if (k) ag_emit(to, "\n");
        agi_source_append(to, &w[k].head);
    }
}

/* The functions' steps and what they call; helpers and what steps share stand before all of them. */
static void write_body(const agi_file *f, int n, agi_writer w[], ag_source *to)
{
    ag_source body = { .allocator = to->allocator };
    agi_source_append(&body, &f->sharing.text);
    for (int k = 0; k < n; k++) {
        if (k) ag_emit(&body, "\n");
        agi_write_memory(&w[k], &body);
        agi_source_append(&body, &w[k].body);
        agi_source_append(&body, &w[k].main);
    }
    agi_emit_helpers(&w[0].e, &body, to);
    agi_source_append(to, &body);
    to->failed |= body.failed;
    agi_source_free(&body);
}

static int write_files(agi_file *f, int n, agi_writer w[], FILE *source, FILE *header)
{
    const char *p = f->prefix;
    ag_source top = { .allocator = w->head.allocator }, text = top, head = top;
    int cblas = 0;
    for (int k = 0; k < n; k++) cblas |= w[k].e.cblas;
    write_head(f, n, w, &head);
    write_body(f, n, w, &text);
    ag_emit(&top, "/* %s: written by autograd. Do not edit. */\n", p);
    if (header) ag_emit(&top, "#include \"%s.h\"\n\n", p);
    if (cblas) ag_emit(&top, "#include <cblas.h>\n");
    ag_emit(&top, "#include <math.h>\n#include <stdint.h>\n\n");
    if (!header) agi_source_append(&top, &head), ag_emit(&top, "\n");
    if (agi_source_has(&text, "INDEPENDENT")) ag_emit(&top, "%s", independent);
    const int blob_put = agi_write_data(f, &text, &top);
    agi_write_initial(f, &top);
    for (int k = 0; k < n; k++) agi_write_patterns(&w[k], &top);
    agi_source_append(&top, &text);
    int failed = top.failed || text.failed || head.failed, put_all = blob_put && !failed && put(source, &top);
    if (header && !failed) {
        fprintf(header, "/* %s: written by autograd. Do not edit. */\n#ifndef %s_H\n#define %s_H\n\n", p, p, p);
        fprintf(header, "#include <stdint.h>\n\n");
        put_all &= put(header, &head);
        fprintf(header, "\n#endif\n");
    }
    agi_source_free(&top);
    agi_source_free(&text);
    agi_source_free(&head);
    if (failed) return refuse(f, "%s: out of memory", f->what);
    FILE *const all[] = { source, header, f->options->blob };
    for (int k = 0; k < 3; k++) put_all &= !all[k] || !ferror(all[k]);
    return put_all ? 1 : refuse(f, "%s: cannot write", f->what);
}

static int write_plan(agi_writer *w, int first)
{
    const agi_file *f = w->file;
    if (!agi_place_members(w)) return refuse(f, "%s: out of memory", f->what);
    if (!agi_emit_steps(&w->e))
        return refuse(f, "%s: the operation %s has no text in C: a custom one gives it as c or c_text", f->what,
                      w->e.missing->name);
    write_main(w);
    agi_write_declarations(w, first);
    return w->head.failed | w->body.failed | w->main.failed ? refuse(f, "%s: out of memory", f->what) : 1;
}

static void begin(agi_writer *w, agi_file *f, const ag_c_function *function)
{
    const ag_source empty = { .allocator = &function->plan->allocator };
    *w = (agi_writer){ .plan = function->plan, .options = f->options, .file = f, .head = empty, .body = empty,
                       .main = empty };
    if (f->alone) snprintf(w->prefix, sizeof w->prefix, "%s", f->prefix);
    else snprintf(w->prefix, sizeof w->prefix, "%s_%s", f->prefix, function->name);
    w->e = (agi_emitter){ .plan = function->plan, .prefix = w->prefix, .top = f->prefix, .cblas = f->options->cblas,
                          .libm = f->options->libm, .small = f->options->small, .to = &w->body, .arrays = &f->arrays,
                          .sharing = &f->sharing };
    agi_arena_init(&w->arena, empty.allocator);
}

static void end(agi_writer *w)
{
    agi_source_free(&w->head);
    agi_source_free(&w->body);
    agi_source_free(&w->main);
    agi_arena_free(&w->arena);
}

/* The text of all functions, without what they share. */
static int write_plans(agi_file *f, int n, const ag_c_function all[], agi_writer w[])
{
    f->arrays.count = f->parameters = 0;
    for (int k = 0; k < n; k++) begin(&w[k], f, &all[k]);
    if (!agi_find_parameters(f, n, w)) return refuse(f, "%s: out of memory", f->what);
    for (int k = 0; k < n; k++)
        if (!write_plan(&w[k], k == 0)) return 0;
    return 1;
}

static void end_plans(int n, agi_writer w[])
{
    for (int k = 0; k < n; k++) end(&w[k]);
}

static int write_functions(agi_file *f, int n, const ag_c_function all[], FILE *source, FILE *header)
{
    if (n < 1 || !all || !source) return refuse(f, "%s: no plan, or no file to write to", f->what), -1;
    if (!check(f, n, all)) return -1;
    const ag_allocator *a = &all[0].plan->allocator;
    agi_writer *w = agi_allocate(a, (size_t)n * sizeof *w);
    agi_arena arena;
    agi_arena_init(&arena, a);
    f->arena = &arena;
    f->sharing = (agi_sharing){ .arena = &arena, .counting = 1, .text = { .allocator = a } };
    int ok = w ? write_plans(f, n, all, w) : refuse(f, "%s: out of memory", f->what);
    if (ok) {
        end_plans(n, w);
        f->sharing.counting = 0;
        ok = write_plans(f, n, all, w) && write_files(f, n, w, source, header);
    }
    if (w) end_plans(n, w);
    agi_release(a, w);
    agi_free_sharing(a, &f->sharing);
    agi_release(a, f->arrays.data);
    agi_arena_free(&arena);
    return ok ? 0 : -1;
}

static const ag_c_options defaults = { 0 };

int ag_write_c_functions(int n, const ag_c_function all[], const char *prefix, FILE *source, FILE *header,
                         const ag_c_options *or_null)
{
    agi_file f = { .what = "ag_write_c_functions", .prefix = prefix, .options = or_null ? or_null : &defaults };
    return write_functions(&f, n, all, source, header);
}

int ag_write_c(const ag_plan *p, const char *prefix, FILE *source, FILE *header, const ag_c_options *or_null)
{
    agi_file f = { .what = "ag_write_c", .prefix = prefix, .options = or_null ? or_null : &defaults, .alone = 1 };
    const ag_c_function function = { prefix, p };
    return write_functions(&f, p ? 1 : 0, &function, source, header);
}
