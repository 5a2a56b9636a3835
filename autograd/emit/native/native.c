/* Plans run as machine code: passes, programs and loops of programs as emit/ writes them, compiled by the system's
 * compiler and loaded. Products and library calls, the steps of other loops, threads, bound memory and everything else
 * stay what they are. */
#include "native.h"
#include "compiler.h"
#include "text.h"

#include <dlfcn.h>
#include <stdlib.h>

enum { MOST_PLANS = 1 << 10, FEW_STATEMENTS = 3000 };

typedef struct {
    ag_plan *top;
    ag_plan *plan[MOST_PLANS]; /* it and its loops' bodies, but for those written in place */
    int plans;
    agi_native_text text;
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

/* ---- compiling and binding --------------------------------------------------------------------------------------- */

enum { MOST_FLAGS = 16 };

/* For the instruction set that the plan's kernels have; gcc and clang both know all of these. */
static void choose_flags(const maker *m, const char *flags[MOST_FLAGS])
{
    static const char *const all[] = { "-std=c99", "-w", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno",
                                       "-fno-trapping-math" };
    int n = 0;
    if (m->text.statements > FEW_STATEMENTS)
        flags[n++] = "-O1", flags[n++] = "-ftree-vectorize", flags[n++] = "-fno-tree-slp-vectorize";
    else
        flags[n++] = "-O3", flags[n++] = "-fno-unroll-loops"; /* clang takes seconds for what it unrolls */
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) flags[n++] = all[k];
#ifdef __x86_64__
    int best = agi_best_isa(), isa = m->top->options.isa;
    if (isa < 1 || isa > best) isa = best;
    if (isa == 2) flags[n++] = "-march=x86-64-v3";
    if (isa == 3) flags[n++] = "-march=x86-64-v4", flags[n++] = "-mprefer-vector-width=512";
#endif
    flags[n] = NULL;
}

static void *compile(const maker *m, const ag_source *text, char note[AGI_NOTE])
{
    const ag_options *o = &m->top->options;
    const char *compiler = getenv("AG_CC"), *flags[MOST_FLAGS];
    choose_flags(m, flags);
    const agi_compilation c = { .compiler = compiler && *compiler ? compiler : "cc", .flags = flags,
                                .seconds = agi_option(o->native_seconds, 20), .cache = o->native_cache };
    return agi_compile_text(&c, text, note);
}

/* Its code is `found`. */
static void give(const agi_native_step *s, void *found)
{
    switch (s->step->kind) {
    case AGI_PASS:
        *(void **)&s->step->is.pass->native = found;
        s->step->is.pass->operand = s->operand;
        break;
    case AGI_PROGRAM:
        *(void **)&s->step->is.program->native = found;
        s->step->is.program->operand = s->operand;
        break;
    default:
        *(void **)&s->step->is.loop->native = found;
        s->step->is.loop->operand = s->operand;
    }
}

static void bind(maker *m)
{
    for (int k = 0; k < m->plans; k++)
        if (m->plan[k]->scratch_bytes < m->text.scratch) m->plan[k]->scratch_bytes = m->text.scratch;
    const agi_native_step *all = m->text.steps.data;
    for (const agi_native_step *s = all; s < all + m->text.steps.count; s++) {
        char name[24];
        agi_native_name(s->number, name);
        give(s, dlsym(m->top->library, name));
    }
}

void agi_make_native(ag_plan *p)
{
    char note[AGI_NOTE] = "";
    ag_source text = { .allocator = &p->allocator };
    maker *m = agi_allocate(&p->allocator, sizeof *m);
    if (!m) return;
    *m = (maker){ .top = p, .text = { .allocator = &p->allocator, .arena = &p->arena,
                                      .body = { .allocator = &p->allocator } } };
    find_plans(m);
    for (int k = 0; k < m->plans; k++) agi_write_native_steps(&m->text, m->plan[k]);
    agi_finish_native_text(&m->text, &text);
    if (text.failed) snprintf(note, AGI_NOTE, "no: out of memory");
    else if (!m->text.steps.count) snprintf(note, AGI_NOTE, "no: there is nothing to compile");
    else if ((p->library = compile(m, &text, note))) p->close = dlclose, bind(m);
    p->native_note = agi_arena_copy(&p->arena, note, strlen(note) + 1);
    agi_free_native_text(&m->text);
    agi_source_free(&text);
    agi_release(&p->allocator, m);
}
