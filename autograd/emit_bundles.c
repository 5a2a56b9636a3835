/* Scalar programs call functions one by one, while vectors of them cost little more than one. So calls wait for company:
 * whenever a result is needed, all calls of that function whose operands are there already are made together. In the
 * reverse sweep of a chain, say, all slopes are, once the forward one has ended. */
#include "emit_program.h"

enum { FEWEST = 4, MOST = 512, VECTOR_BYTES = 64 };

typedef struct {
    const agi_program *p;
    agi_statement *all;
    int32_t *start, *user; /* calls that read an instruction's result: user[start[k] .. start[k + 1]) */
    uint8_t *missing;      /* by call: operands that are not computed yet */
    uint8_t *done;
    int32_t *next;         /* by call: the next of its code that is ready, or AGI_NOWHERE */
    int32_t first[AG_CODE_COUNT], last[AG_CODE_COUNT]; /* ready calls, by code */
    agi_bundles *found;
} finder;

static int is_call(const agi_program *p, int64_t k)
{
    return p->code[k].code < AG_CODE_COUNT && agi_calls_functions(agi_code_text(p->code[k].code)) &&
           !strstr(agi_code_text(p->code[k].code), "agi_");
}

static void ready(finder *f, int32_t k)
{
    uint32_t code = f->p->code[k].code;
    f->next[k] = AGI_NOWHERE;
    if (f->first[code] == AGI_NOWHERE) f->first[code] = k;
    else f->next[f->last[code]] = k;
    f->last[code] = k;
}

static void computed(finder *f, int32_t k)
{
    for (int32_t u = f->start[k]; u < f->start[k + 1]; u++)
        if (--f->missing[f->user[u]] == 0) ready(f, f->user[u]);
}

static int find_users(finder *f, agi_arena *arena)
{
    int64_t n = f->p->count, uses = 0;
    f->start = agi_arena_zeros(arena, (size_t)n + 2, sizeof *f->start);
    f->missing = agi_arena_zeros(arena, (size_t)n, 1);
    if (!f->start || !f->missing) return 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t k = 0; k < n; k++)
            for (int j = 0; is_call(f->p, k) && j < agi_code_operands(f->p->code[k].code); j++) {
                int32_t from = f->all[k].source[j];
                if (from == AGI_NOWHERE) continue;
                if (pass) f->user[f->start[from + 1]++] = k, f->missing[k]++;
                else f->start[from + 2]++, uses++;
            }
        if (pass) break;
        for (int64_t k = 0; k < n; k++) f->start[k + 2] += f->start[k + 1];
        f->user = agi_arena_take(arena, (size_t)uses * sizeof *f->user);
        if (!f->user) return 0;
    }
    return 1;
}

/* The ready calls of the code that are still to be made, without k: how many there are, up to a limit. */
static int32_t gather(finder *f, int32_t k, int32_t *member)
{
    uint32_t code = f->p->code[k].code;
    int32_t n = 0, at = f->first[code];
    member[n++] = k;
    for (; at != AGI_NOWHERE && n < MOST; at = f->next[at])
        if (!f->done[at] && at != k) member[n++] = at;
    if (n >= FEWEST) f->first[code] = at; /* the others are in the bundle, or done */
    return n;
}

static void make_bundle(finder *f, int32_t k, int32_t n)
{
    agi_bundles *b = f->found;
    int32_t vector = VECTOR_BYTES / (int32_t)ag_dtype_size(f->p->dtype);
    b->bundle[b->bundles++] = (agi_bundle){ .at = k, .first = b->lanes, .count = (n + vector - 1) / vector * vector, .members = n };
    for (int32_t m = 0; m < n; m++) {
        agi_statement *s = &f->all[b->member[b->lanes + m]];
        s->at = k;
        s->lane = b->lanes + m;
        f->done[b->member[b->lanes + m]] = 1;
    }
    int32_t first = b->lanes;
    b->lanes += (n + vector - 1) / vector * vector;
    for (int32_t m = 0; m < n; m++) computed(f, b->member[first + m]);
}

static void walk(finder *f)
{
    for (int32_t k = 0; k < f->p->count; k++) {
        if (f->done[k]) continue;
        int32_t n = is_call(f->p, k) ? gather(f, k, f->found->member + f->found->lanes) : 0;
        if (n >= FEWEST) {
            make_bundle(f, k, n);
        } else {
            f->done[k] = 1;
            computed(f, k);
        }
    }
}

int agi_find_bundles(agi_bundles *b, agi_arena *arena, const agi_program *p, agi_statement *all)
{
    finder f = { .p = p, .all = all, .found = b };
    size_t n = (size_t)p->count, calls = 0;
    for (size_t k = 0; k < n; k++) calls += (size_t)is_call(p, (int64_t)k);
    size_t most = calls / FEWEST + 1, vector = VECTOR_BYTES / ag_dtype_size(p->dtype);
    *b = (agi_bundles){ .bundle = agi_arena_take(arena, most * sizeof *b->bundle),
                        .member = agi_arena_take(arena, (calls + most * vector + MOST) * sizeof *b->member) };
    f.done = agi_arena_zeros(arena, n, 1);
    f.next = agi_arena_take(arena, n * sizeof *f.next);
    if (!b->bundle || !b->member || !f.done || !f.next || !find_users(&f, arena)) return 0;
    for (int c = 0; c < AG_CODE_COUNT; c++) f.first[c] = AGI_NOWHERE;
    for (int32_t k = 0; k < p->count; k++)
        if (is_call(p, k) && !f.missing[k]) ready(&f, k);
    walk(&f);
    return 1;
}
