/* Plans run as machine code: passes, programs and loops of programs as emit/ writes them, compiled by the system's
 * compiler and loaded. Products and library calls, the steps of other loops, threads, bound memory and everything else
 * stay what they are. */
#include "native.h"
#include "compiler.h"
#include "text.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

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

enum { MOST_FLAGS = 24 };

/* For the instruction set that the plan's kernels have; gcc and clang both know all of these. A sine and a cosine of one
 * number stay two, of which there are vectors, which of both at once there are not. Loops are vectors; single numbers
 * that are gathered into one cost more than they save. */
static void choose_flags(const maker *m, const char *flags[MOST_FLAGS])
{
    static const char *const all[] = { "-std=c99", "-w", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno",
                                       "-fno-trapping-math", "-fno-tree-slp-vectorize", "-fno-builtin-sin",
                                       "-fno-builtin-cos", "-fno-builtin-sinf", "-fno-builtin-cosf" };
    int n = 0;
    if (m->text.statements > FEW_STATEMENTS)
        flags[n++] = "-O1", flags[n++] = "-ftree-vectorize";
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

/* ---- code that comes later --------------------------------------------------------------------------------------- */

typedef enum { AT_WORK, BEING_TAKEN, TAKEN, NONE } native_state;

/* Steps, and the compiler that makes their code. The thread that finds it done takes the code; the others see either
 * none of it, or, once the state says so, all. */
struct agi_native {
    const ag_allocator *allocator;
    int state;             /* a native_state, read and written by any thread */
    pid_t owner;           /* the process that waits for the compiler: after a fork the other one does not */
    agi_compiling *compiling;
    void *library;
    const agi_native_step *step;
    int64_t steps;
    char note[AGI_NOTE];
};

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

static void take_code(agi_native *n, void *library)
{
    n->library = library;
    for (int64_t k = 0; k < n->steps && library; k++) {
        char name[24];
        agi_native_name(n->step[k].number, name);
        give(&n->step[k], dlsym(library, name));
    }
    __atomic_store_n(&n->state, library ? TAKEN : NONE, __ATOMIC_RELEASE);
}

static int has_code(agi_native *n)
{
    int state = __atomic_load_n(&n->state, __ATOMIC_ACQUIRE);
    if (state != AT_WORK || n->owner != getpid()) return state == TAKEN;
    if (!__atomic_compare_exchange_n(&n->state, &state, BEING_TAKEN, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return 0;
    if (!agi_has_compiled(n->compiling)) {
        __atomic_store_n(&n->state, AT_WORK, __ATOMIC_RELEASE);
        return 0;
    }
    take_code(n, agi_finish_compiling(n->compiling, n->note));
    return n->library != NULL;
}

static void end_native(agi_native *n)
{
    if (n->state == AT_WORK && n->owner == getpid()) n->library = agi_finish_compiling(n->compiling, n->note);
    agi_forget_compiling(n->allocator, n->compiling);
    if (n->library) dlclose(n->library);
}

static const char *native_note(const agi_native *n)
{
    const int state = __atomic_load_n(&n->state, __ATOMIC_ACQUIRE);
    return state == TAKEN || state == NONE ? n->note : "being compiled; interpreted until then";
}

/* ---- a plan's ---------------------------------------------------------------------------------------------------- */

static void start(const maker *m, agi_native *n, const ag_source *text)
{
    const ag_options *o = &m->top->options;
    const char *compiler = getenv("AG_CC"), *flags[MOST_FLAGS];
    choose_flags(m, flags);
    const agi_compilation c = { .compiler = compiler && *compiler ? compiler : "cc", .flags = flags,
                                .seconds = agi_option(o->native_seconds, 20), .cache = o->native_cache };
    if (o->native == 1) {
        take_code(n, agi_compile_text(&c, text, n->note));
        return;
    }
    void *library;
    n->compiling = agi_start_compiling(&c, text, &library, n->note);
    if (!n->compiling) take_code(n, library);
}

static agi_native *new_native(const maker *m)
{
    const agi_vector *steps = &m->text.steps;
    agi_native *n = agi_arena_zeros(&m->top->arena, 1, sizeof *n);
    if (!n) return NULL;
    n->allocator = &m->top->allocator;
    n->owner = getpid();
    n->steps = steps->count;
    n->step = agi_arena_copy(&m->top->arena, steps->data, (size_t)steps->count * sizeof *n->step);
    return steps->count && !n->step ? NULL : n;
}

static void make_native(maker *m)
{
    ag_source text = { .allocator = &m->top->allocator };
    find_plans(m);
    for (int k = 0; k < m->plans; k++) agi_write_native_steps(&m->text, m->plan[k]);
    agi_finish_native_text(&m->text, &text);
    for (int k = 0; k < m->plans; k++)
        if (m->plan[k]->scratch_bytes < m->text.scratch) m->plan[k]->scratch_bytes = m->text.scratch;
    agi_native *n = new_native(m);
    if (n) {
        n->state = NONE;
        if (text.failed) snprintf(n->note, AGI_NOTE, "no: out of memory");
        else if (!n->steps) snprintf(n->note, AGI_NOTE, "no: there is nothing to compile");
        else n->state = AT_WORK, start(m, n, &text);
        m->top->native = n;
        m->top->has_code = has_code;
        m->top->end_native = end_native;
        m->top->native_note = native_note;
    }
    agi_source_free(&text);
}

void agi_make_native(ag_plan *p)
{
    maker *m = agi_allocate(&p->allocator, sizeof *m);
    if (!m) return;
    *m = (maker){ .top = p, .text = { .allocator = &p->allocator, .arena = &p->arena,
                                      .body = { .allocator = &p->allocator } } };
    make_native(m);
    agi_free_native_text(&m->text);
    agi_release(&p->allocator, m);
}
