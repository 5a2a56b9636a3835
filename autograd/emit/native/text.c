/* The text of machine code: a function for each pass, program and flat loop, but one for all that do the same elsewhere
 * in memory. The unrolled steps of a recurrence and the layers of a network take no longer to compile than a few. */
#include "text.h"
#include "apart.h"

#include <stdlib.h>

enum { MOST_STATEMENTS = 200000 };

typedef struct {
    char digest[65];
    int number;
} function;

/* glibc has vector versions of these, which gcc uses when they are declared so; see kernels.c. */
static const char prelude[] =
    "#include <math.h>\n"
    "#include <stdint.h>\n"
    "#if defined __GNUC__ && !defined __clang__ && defined __x86_64__ && defined __GLIBC__\n"
    "#define VECTOR __attribute__((simd(\"notinbranch\"), const))\n"
    "#define HAVE_agi_expf\n"
    "#define HAVE_agi_tanhf\n"
    "#define HAVE_agi_erff\n"
    "#define HAVE_agi_expm1f\n"
    "#define agi_expm1f expm1f\n"
    "#define agi_expf expf\n"
    "#define agi_tanhf tanhf\n"
    "#define agi_erff erff\n"
    "#define INDEPENDENT _Pragma(\"GCC ivdep\")\n"
    "#else\n"
    "#define VECTOR __attribute__((const))\n"
    "#ifdef __clang__\n"
    "#define INDEPENDENT _Pragma(\"clang loop vectorize(assume_safety)\")\n"
    "#else\n"
    "#define INDEPENDENT\n"
    "#endif\n"
    "#endif\n"
    "#define MATH1(name) extern double name(double) VECTOR; extern float name##f(float) VECTOR;\n"
    "#define MATH2(name) extern double name(double, double) VECTOR; extern float name##f(float, float) VECTOR;\n"
    "MATH1(exp) MATH1(expm1) MATH1(log) MATH1(log1p) MATH1(sin) MATH1(cos) MATH1(tan)\n"
    "MATH1(asin) MATH1(acos) MATH1(atan) MATH1(sinh) MATH1(cosh) MATH1(tanh) MATH1(erf) MATH1(erfc)\n"
    "MATH2(pow) MATH2(atan2)\n\n";

/* ---- functions --------------------------------------------------------------------------------------------------- */

void agi_native_name(int number, char name[24])
{
    snprintf(name, 24, "p_%d", number);
}

/* 0: it cannot be written, as a user's operation without text cannot. */
static int print(agi_emitter *e, const agi_step *s, int number, ag_source *to)
{
    e->to = to;
    e->missing = NULL;
    if (s->kind == AGI_PASS) return agi_emit_pass(e, number, s->is.pass);
    return s->kind == AGI_LOOP ? agi_emit_loop_step(e, number, s->is.loop) : agi_emit_program(e, number, s->is.program);
}

static void digest_of(const ag_source *s, char digest[65])
{
    agi_digest d;
    agi_digest_start(&d);
    agi_digest_add(&d, s->text.data, (size_t)s->text.count);
    agi_digest_end(&d, digest);
}

/* The first function whose digest is not before that one. */
static int64_t find(const agi_native_text *t, const char *digest)
{
    const function *all = t->functions.data;
    int64_t low = 0, high = t->functions.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (strcmp(all[middle].digest, digest) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static void add_function(agi_native_text *t, int64_t at, const char *digest)
{
    if (!agi_vector_grow(t->allocator, &t->functions, sizeof(function), 1)) {
        t->failed = 1;
        return;
    }
    function *all = t->functions.data;
    memmove(all + at + 1, all + at, (size_t)(t->functions.count - at) * sizeof *all);
    memcpy(all[at].digest, digest, sizeof all[at].digest);
    all[at].number = (int)t->functions.count++;
}

/* The number of the function that does what the step does, written now unless it is there; or -1. What is written
 * first, to see whether it is, has number 0. */
static int number_of(agi_native_text *t, agi_emitter *e, const agi_step *s, int64_t statements)
{
    ag_source text = { .allocator = t->allocator };
    char digest[65];
    int number = -1;
    if (print(e, s, 0, &text) && !text.failed) {
        digest_of(&text, digest);
        int64_t at = find(t, digest);
        const function *known = (function *)t->functions.data + at;
        if (at < t->functions.count && !strcmp(known->digest, digest)) {
            number = known->number;
        } else if (t->statements + statements <= MOST_STATEMENTS) {
            number = (int)t->functions.count;
            t->statements += statements;
            print(e, s, number, &t->body);
            add_function(t, at, digest);
        }
    }
    t->failed |= text.failed;
    agi_source_free(&text);
    if (e->scratch > t->scratch) t->scratch = e->scratch;
    return number;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static agi_emitter emitter_of(const ag_plan *p, agi_arena *arena, int *ok)
{
    agi_emitter e = { .plan = p, .prefix = "p", .top = "p", .native = 1 };
    *ok = agi_find_leaves(&e, arena);
    return e;
}

static void add_step(agi_native_text *t, agi_step *s, const int64_t *operand, int64_t n, int number)
{
    const int64_t *kept = agi_arena_copy(t->arena, operand, (size_t)n * sizeof *operand);
    if (!kept || !agi_vector_grow(t->allocator, &t->steps, sizeof(agi_native_step), 1)) {
        t->failed = 1;
        return;
    }
    ((agi_native_step *)t->steps.data)[t->steps.count++] = (agi_native_step){ s, kept, number };
}

static void write_apart(agi_native_text *t, const agi_apart_names *names, const ag_plan *p, agi_step *s)
{
    agi_apart a;
    agi_arena arena;
    int64_t statements = s->kind == AGI_LOOP ? agi_flat_statements(s->is.loop) : 0;
    if (statements < 0) return;
    agi_arena_init(&arena, t->allocator);
    int ok = agi_set_apart(&a, &arena, names, p, s);
    agi_emitter e = { 0 };
    if (ok) e = emitter_of(&a.plan, &arena, &ok);
    t->failed |= !ok;
    int number = ok ? number_of(t, &e, &a.step, statements) : -1;
    if (number >= 0) add_step(t, s, a.operand, a.noperands, number);
    agi_arena_free(&arena);
}

/* Has the plan several programs of this length, which may do the same? */
static int has_several(const ag_plan *p, int64_t length)
{
    enum { SEVERAL = 4 };
    int n = 0;
    for (int k = 0; k < p->nsteps && n < SEVERAL; k++)
        n += p->step[k].kind == AGI_PROGRAM && p->step[k].is.program->count == length;
    return n == SEVERAL;
}

static void write_program(agi_native_text *t, agi_emitter *whole, agi_step *s)
{
    const agi_program *p = s->is.program;
    int64_t operand[4 * AGI_TOLD_INSTRUCTIONS];
    whole->told = p->count <= AGI_FEW_INSTRUCTIONS ||
                  (p->count <= AGI_TOLD_INSTRUCTIONS && has_several(whole->plan, p->count));
    const int n = whole->told ? agi_program_operands(p, operand) : 0;
    int number = number_of(t, whole, s, p->count);
    if (number >= 0) add_step(t, s, operand, n, number);
}

void agi_write_native_steps(agi_native_text *t, ag_plan *p)
{
    agi_arena arena;
    agi_apart_names names;
    int ok;
    agi_arena_init(&arena, t->allocator);
    agi_emitter whole = emitter_of(p, &arena, &ok);
    t->failed |= !ok || !agi_apart_begin(&names, &arena, p);
    for (int k = 0; k < p->nsteps && !t->failed; k++) {
        agi_step *s = &p->step[k];
        if (s->kind == AGI_PROGRAM) write_program(t, &whole, s);
        else if (s->kind == AGI_PASS || s->kind == AGI_LOOP) write_apart(t, &names, p, s);
    }
    agi_arena_free(&arena);
}

void agi_finish_native_text(agi_native_text *t, ag_source *to)
{
    agi_emitter e = { .prefix = "p", .top = "p", .native = 1 };
    ag_emit(to, "%s", prelude);
    agi_emit_helpers(&e, &t->body, to);
    agi_source_append(to, &t->body);
    to->failed |= t->failed;
}

void agi_free_native_text(agi_native_text *t)
{
    agi_source_free(&t->body);
    agi_release(t->allocator, t->steps.data);
    agi_release(t->allocator, t->functions.data);
}
