/* Plans run as machine code: passes, programs and loops of programs as emit/ writes them, compiled by the system's
 * compiler and loaded. Products and library calls, the steps of other loops, threads, bound memory and everything else
 * stay what they are. */
#include "native.h"
#include "compiler.h"

#include <dlfcn.h>
#include <stdlib.h>

enum { MOST_PLANS = 1 << 10, MOST_STATEMENTS = 200000, FEW_STATEMENTS = 3000 };

typedef struct {
    ag_plan *top;
    ag_plan *plan[MOST_PLANS]; /* it and its loops' bodies, but for those written in place */
    int plans, functions;
    int64_t statements, scratch;
    ag_source text;
} maker;

static int collect(maker *m, ag_plan *p)
{
    if (m->plans == MOST_PLANS) return 0;
    m->plan[m->plans++] = p;
    return 1;
}

/* Bodies are found behind the plans that hold them. */
static void find_plans(maker *m)
{
    collect(m, m->top);
    for (int k = 0; k < m->plans; k++)
        for (int s = 0; s < m->plan[k]->nsteps; s++) {
            const agi_step *step = &m->plan[k]->step[s];
            if (step->kind != AGI_LOOP || agi_flat_statements(step->is.loop) >= 0) continue;
            for (int b = 0; b < 2; b++)
                if (step->is.loop->body[b] && !collect(m, step->is.loop->body[b])) return;
        }
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

/* glibc has vector versions of these, which gcc uses when they are declared so; see kernels.c. */
static const char prelude[] =
    "#include <math.h>\n"
    "#include <stdint.h>\n"
    "#if defined __GNUC__ && !defined __clang__ && defined __x86_64__ && defined __GLIBC__\n"
    "#define VECTOR __attribute__((simd(\"notinbranch\"), const))\n"
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

/* 1: there is a function for it. */
static int write_step(maker *m, agi_emitter *e, int k)
{
    const agi_step *s = &e->plan->step[k];
    if (s->kind == AGI_PASS) return agi_emit_pass(e, k, s->is.pass);
    int64_t statements = s->kind == AGI_PROGRAM ? s->is.program->count : -1;
    if (s->kind == AGI_LOOP) statements = agi_flat_statements(s->is.loop);
    if (statements < 0 || m->statements + statements > MOST_STATEMENTS) return 0;
    m->statements += statements;
    return s->kind == AGI_LOOP ? agi_emit_loop_step(e, k, s->is.loop) : agi_emit_program(e, k, s->is.program);
}

static void write_plan(maker *m, int number)
{
    ag_plan *p = m->plan[number];
    char prefix[24];
    agi_arena arena;
    snprintf(prefix, sizeof prefix, "p%d", number);
    agi_arena_init(&arena, m->text.allocator);
    agi_emitter e = { .plan = p, .prefix = prefix, .top = prefix, .native = 1, .to = &m->text };
    ag_source body = { .allocator = m->text.allocator };
    e.to = &body;
    if (!agi_find_leaves(&e, &arena)) body.failed = 1;
    for (int k = 0; k < p->nsteps && !body.failed; k++) {
        m->functions += write_step(m, &e, k);
        e.missing = NULL; /* a user's operation without text is interpreted */
    }
    agi_emit_helpers(&e, &body, &m->text);
    agi_source_append(&m->text, &body);
    if (e.scratch > m->scratch) m->scratch = e.scratch;
    agi_source_free(&body);
    agi_arena_free(&arena);
}

/* ---- compiling and binding --------------------------------------------------------------------------------------- */

enum { MOST_FLAGS = 16 };

/* For the instruction set that the plan's kernels have; gcc and clang both know all of these. */
static void choose_flags(const maker *m, const char *flags[MOST_FLAGS])
{
    static const char *const all[] = { "-std=c99", "-w", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno",
                                       "-fno-trapping-math" };
    int n = 0;
    if (m->statements > FEW_STATEMENTS)
        flags[n++] = "-O1", flags[n++] = "-ftree-vectorize", flags[n++] = "-fno-tree-slp-vectorize";
    else
        flags[n++] = "-O3";
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) flags[n++] = all[k];
#ifdef __x86_64__
    int best = agi_best_isa(), isa = m->top->options.isa;
    if (isa < 1 || isa > best) isa = best;
    if (isa == 2) flags[n++] = "-march=x86-64-v3";
    if (isa == 3) flags[n++] = "-march=x86-64-v4", flags[n++] = "-mprefer-vector-width=512";
#endif
    flags[n] = NULL;
}

static void *compile(const maker *m, char note[AGI_NOTE])
{
    const ag_options *o = &m->top->options;
    const char *compiler = getenv("AG_CC"), *flags[MOST_FLAGS];
    choose_flags(m, flags);
    const agi_compilation c = { .compiler = compiler && *compiler ? compiler : "cc", .flags = flags,
                                .seconds = agi_option(o->native_seconds, 20), .cache = o->native_cache };
    return agi_compile_text(&c, &m->text, note);
}

static void bind(maker *m)
{
    for (int k = 0; k < m->plans; k++) {
        ag_plan *p = m->plan[k];
        if (p->scratch_bytes < m->scratch) p->scratch_bytes = m->scratch;
        for (int s = 0; s < p->nsteps; s++) {
            char name[48];
            agi_step *step = &p->step[s];
            snprintf(name, sizeof name, "p%d_%d", k, s);
            void *found = dlsym(m->top->library, name);
            if (step->kind == AGI_PASS) *(void **)&step->is.pass->native = found;
            if (step->kind == AGI_PROGRAM) *(void **)&step->is.program->native = found;
            if (step->kind == AGI_LOOP) *(void **)&step->is.loop->native = found;
        }
    }
}

void agi_make_native(ag_plan *p)
{
    char note[AGI_NOTE] = "";
    maker *m = agi_allocate(&p->allocator, sizeof *m);
    if (!m) return;
    *m = (maker){ .top = p, .text = { .allocator = &p->allocator } };
    find_plans(m);
    ag_emit(&m->text, "%s", prelude);
    for (int k = 0; k < m->plans; k++) write_plan(m, k);
    if (m->text.failed) snprintf(note, AGI_NOTE, "no: out of memory");
    else if (!m->functions) snprintf(note, AGI_NOTE, "no: there is nothing to compile");
    else if ((p->library = compile(m, note))) p->close = dlclose, bind(m);
    p->native_note = agi_arena_copy(&p->arena, note, strlen(note) + 1);
    agi_source_free(&m->text);
    agi_release(&p->allocator, m);
}
