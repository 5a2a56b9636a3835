/* One function for all steps of a file that do the same elsewhere: layers of one shape, the steps of a recurrence, what
 * a plan that trains and a plan that predicts have in common. Such a step is printed as a function that finds its
 * memory by `m`; with its pointers as arguments in place of that, named in their order, its text is that of its equals.
 * Where small text is wanted, integers may differ, which become arguments, too. Parts of steps are shared likewise. */
#include "share.h"

enum { MOST_POINTERS = 16, MOST_EXTENTS = 6, MOST_INTEGERS = 256 };

/* A text that others have, too. */
typedef struct {
    char digest[65];
    int count;           /* how often it is there */
    int number;          /* of the function once it is written, else -1 */
    int integers;        /* in each, */
    agi_vector integer;  /* int64_t: of one after the other */
} known;

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static const char *text_of(const agi_renaming *r)
{
    return r->from->text.data;
}

/* Where the comment begins that stands before the head, or the head. */
static int64_t comment_of(const agi_renaming *r)
{
    const int64_t head = r->e->sharing->head;
    int64_t at = head - 3;
    if (at < 0 || memcmp(text_of(r) + at, "*/\n", 3)) return head;
    while (at > 0 && memcmp(text_of(r) + at, "/*", 2)) at--;
    return at;
}

/* Before the comment; each ends in a bracket at a line's start. 0: there are too many. */
static int find_parts(agi_renaming *r)
{
    static const char end_of_part[] = "\n}\n\n";
    const int64_t n = sizeof end_of_part - 1, end = comment_of(r);
    for (int64_t start = 0, at = 0; at + n <= end; at++) {
        if (memcmp(text_of(r) + at, end_of_part, (size_t)n)) continue;
        if (r->parts == AGI_STEP_PARTS) return 0;
        const char *bracket = memchr(text_of(r) + start, '(', (size_t)(at - start)), *name = bracket;
        while (name && name > text_of(r) + start && name[-1] != ' ') name--;
        if (!name) return 0;
        r->part[r->parts++] = (agi_step_part){ start, at + n, name - text_of(r), (size_t)(bracket - name), -1 };
        start = at + n;
    }
    return 1;
}

/* ---- a step's function ------------------------------------------------------------------------------------------- */

static const agi_pointer *pointer(const agi_renaming *r, int64_t k)
{
    return (const agi_pointer *)r->e->sharing->pointers.data + k;
}

/* "static void NAME(const float *const b0, int64_t d0)" */
static void write_head(agi_renaming *r, int extents)
{
    const agi_sharing *s = r->e->sharing;
    const char *head = text_of(r) + s->head, *bracket = memchr(head, '(', (size_t)(s->body - s->head));
    agi_rename(r, s->head, s->head + (bracket - head));
    for (int64_t k = 0; k < s->pointers.count; k++) {
        const agi_pointer *p = pointer(r, k);
        ag_emit(r->to, k ? ", " : "(");
        agi_rename(r, p->line + 4, p->value - 3);
    }
    for (int k = 0; k < extents; k++) ag_emit(r->to, ", int64_t d%d", k);
    ag_emit(r->to, ")\n{\n");
}

/* All after the parts, with pointers as arguments. 0: not all memory is found by them. */
static int write_function(agi_renaming *r, int extents)
{
    const agi_sharing *s = r->e->sharing;
    int64_t at = s->body;
    write_head(r, extents);
    for (int64_t k = 0; k < s->pointers.count; k++) {
        if (!agi_rename(r, at, pointer(r, k)->line)) return 0;
        at = pointer(r, k)->next;
    }
    return agi_rename(r, at, r->from->text.count);
}

/* The step's comment, and how many there are. */
static void write_comment(const agi_renaming *r, int count)
{
    const int64_t at = comment_of(r), head = r->e->sharing->head;
    if (at == head) ag_emit(r->to, "/* %d steps */\n", count);
    else ag_emit(r->to, "%.*s; %d such steps */\n", (int)(head - at - 4), text_of(r) + at, count);
}

/* ---- texts that there are ---------------------------------------------------------------------------------------- */

static known *find(const agi_sharing *s, const char *digest, int *found)
{
    known *all = s->known.data;
    int64_t low = 0, high = s->known.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (strcmp(all[middle].digest, digest) < 0) low = middle + 1;
        else high = middle;
    }
    *found = low < s->known.count && !strcmp(all[low].digest, digest);
    return all + low;
}

static int add_known(const ag_allocator *a, agi_sharing *s, const char *digest, const agi_vector *integers)
{
    int found;
    if (!agi_vector_grow(a, &s->known, sizeof(known), 1)) return 0;
    known *at = find(s, digest, &found), *end = (known *)s->known.data + s->known.count;
    if (!found) {
        memmove(at + 1, at, (size_t)((char *)end - (char *)at));
        *at = (known){ .number = -1, .integers = (int)integers->count };
        memcpy(at->digest, digest, sizeof at->digest);
        s->known.count++;
    }
    at->count++;
    if (!agi_vector_grow(a, &at->integer, sizeof(int64_t), integers->count)) return 0;
    if (integers->count)
        memcpy((int64_t *)at->integer.data + at->integer.count, integers->data,
               (size_t)integers->count * sizeof(int64_t));
    at->integer.count += integers->count;
    return 1;
}

static void digest_of(const ag_source *text, char digest[65])
{
    agi_digest d;
    agi_digest_start(&d);
    agi_digest_add(&d, text->text.data, (size_t)text->text.count);
    agi_digest_end(&d, digest);
}

/* ---- integers ---------------------------------------------------------------------------------------------------- */

static int64_t integer(const known *k, int row, int which)
{
    return ((const int64_t *)k->integer.data)[(int64_t)row * k->integers + which];
}

static int differ(const known *k, int a, int b)
{
    for (int row = 0; row < k->count; row++)
        if (integer(k, row, a) != integer(k, row, b)) return 1;
    return 0;
}

static int varies(const known *k, int which)
{
    for (int row = 1; row < k->count; row++)
        if (integer(k, row, which) != integer(k, 0, which)) return 1;
    return 0;
}

/* The arguments in the integers' places, the same for those that are always the same: how many. */
static int find_extents(const known *k, int argument[])
{
    int n = 0;
    for (int j = 0; j < k->integers; j++) {
        argument[j] = -1;
        if (!varies(k, j)) continue;
        for (int i = 0; i < j && argument[j] < 0; i++)
            if (argument[i] >= 0 && !differ(k, i, j)) argument[j] = argument[i];
        if (argument[j] < 0) argument[j] = n++;
    }
    return n;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* What a step's text is compared by. 0: it cannot be shared. */
static int step_digest(const agi_renaming *of, char digest[65], agi_vector *integers)
{
    agi_renaming r = *of;
    ag_source text = { .allocator = of->to->allocator };
    const agi_sharing *s = of->e->sharing;
    if (s->heads != 1 || !s->pointers.count || s->pointers.count > MOST_POINTERS) return 0;
    r.to = &text, r.name = "", r.arguments = 1;
    int alike = 1;
    for (int k = 0; k < r.parts && alike; k++) alike = agi_rename(&r, r.part[k].start, r.part[k].end);
    if (r.e->small) r.integers = integers;
    alike = alike && write_function(&r, 0) && integers->count <= MOST_INTEGERS;
    digest_of(&text, digest);
    of->to->failed |= text.failed;
    agi_source_free(&text);
    return alike && !of->to->failed;
}

static void part_digest(const agi_renaming *of, const agi_step_part *p, char digest[65])
{
    agi_renaming r = *of;
    ag_source text = { .allocator = of->to->allocator };
    r.to = &text, r.name = "";
    agi_rename(&r, p->start, p->name);
    agi_rename(&r, p->name + (int64_t)p->length, p->end);
    digest_of(&text, digest);
    of->to->failed |= text.failed;
    agi_source_free(&text);
}

static void count_step(agi_renaming *r, const char *digest, const agi_vector *integers)
{
    const ag_allocator *a = r->to->allocator;
    agi_sharing *s = r->e->sharing;
    const agi_vector none = { 0 };
    int found = 0;
    if (digest) {
        find(s, digest, &found);
        r->to->failed |= !add_known(a, s, digest, integers);
    }
    for (int k = 0; k < r->parts && !found; k++) {
        char part[65];
        part_digest(r, &r->part[k], part);
        r->to->failed |= !add_known(a, s, part, &none);
    }
}

/* The parts, those that others have, too, before all steps. */
static void write_parts(agi_renaming *r)
{
    agi_sharing *s = r->e->sharing;
    ag_source *const to = r->to;
    for (int k = 0; k < r->parts; k++) {
        agi_step_part *p = &r->part[k];
        char digest[65];
        int found;
        part_digest(r, p, digest);
        known *same = find(s, digest, &found);
        if (found && same->count > 1) p->shared = same->number < 0 ? s->functions : same->number;
        if (p->shared == s->functions) same->number = s->functions++, r->to = &s->text;
        else if (p->shared >= 0) continue;
        agi_rename(r, p->start, p->end);
        r->to = to;
    }
}

static void define(agi_renaming *r, known *k, const int argument[], int extents)
{
    agi_sharing *s = r->e->sharing;
    char name[AGI_NAME];
    k->number = s->functions++;
    snprintf(name, sizeof name, "%s_shared_%d", r->e->top, k->number);
    r->to = &s->text, r->name = name, r->arguments = 1;
    write_parts(r);
    write_comment(r, k->count);
    r->integer = 0, r->argument = extents ? argument : NULL;
    write_function(r, extents);
}

/* An argument a line, with what it is. */
static const char *write_call(const agi_renaming *r, const known *k, const int argument[], int extents,
                              const agi_vector *integers)
{
    agi_sharing *s = r->e->sharing;
    ag_source call = { .allocator = r->to->allocator };
    ag_emit(&call, "%s_shared_%d(\n", r->e->top, k->number);
    for (int64_t j = 0; j < s->pointers.count; j++) {
        const agi_pointer *p = pointer(r, j);
        const int last = !extents && j + 1 == s->pointers.count;
        ag_emit(&call, "    %.*s%s%.*s", (int)(p->rest - p->value), text_of(r) + p->value, last ? ");" : ",",
                (int)(p->next - p->rest - 1), text_of(r) + p->rest + 1);
    }
    for (int j = 0, next = 0; j < k->integers && next < extents; j++) {
        if (argument[j] != next) continue;
        ag_emit(&call, "%s%lld", next ? ", " : "    ", (long long)((const int64_t *)integers->data)[j]);
        next++;
    }
    if (extents) ag_emit(&call, ");\n");
    agi_source_add(&call, "", 1);
    const char *kept = call.failed ? NULL : agi_arena_copy(s->arena, call.text.data, (size_t)call.text.count);
    agi_source_free(&call);
    return kept;
}

/* 1: the step calls what others call, too. */
static int call_shared(agi_renaming *r, int step, const char *digest, const agi_vector *integers)
{
    int found, argument[MOST_INTEGERS];
    known *k = find(r->e->sharing, digest, &found);
    if (!found || k->count < 2) return 0;
    const int extents = find_extents(k, argument);
    if (extents > MOST_EXTENTS) return 0;
    if (k->number < 0) {
        agi_renaming shared = *r;
        define(&shared, k, argument, extents);
    }
    r->e->shared[step] = write_call(r, k, argument, extents, integers);
    r->to->failed |= r->e->sharing->text.failed | !r->e->shared[step];
    return 1;
}

int agi_begin_sharing(agi_emitter *e)
{
    if (!e->sharing) return 1;
    e->shared = agi_arena_zeros(e->sharing->arena, (size_t)e->plan->nsteps, sizeof *e->shared);
    return e->shared != NULL;
}

static void share(agi_emitter *e, int step, const ag_source *text)
{
    char own[AGI_NAME], digest[65];
    agi_vector integers = { 0 };
    agi_renaming r = { .e = e, .from = text, .own = own, .name = own, .to = e->to };
    snprintf(own, sizeof own, "%s_%d", e->prefix, step);
    if (!find_parts(&r)) {
        agi_source_append(e->to, text);
        return;
    }
    const int alike = step_digest(&r, digest, &integers);
    if (e->sharing->counting) {
        count_step(&r, alike ? digest : NULL, &integers);
    } else if (!alike || !call_shared(&r, step, digest, &integers)) {
        write_parts(&r);
        agi_rename(&r, comment_of(&r), text->text.count);
    }
    agi_release(e->to->allocator, integers.data);
}

void agi_share_step(agi_emitter *e, int step, const ag_source *text)
{
    const agi_step_kind kind = (agi_step_kind)e->plan->step[step].kind;
    const int may = e->sharing && kind != AGI_PROGRAM && kind != AGI_LOOP && !text->failed && !e->to->failed;
    if (may) share(e, step, text);
    else agi_source_append(e->to, text);
}

void agi_free_sharing(const ag_allocator *a, agi_sharing *s)
{
    known *all = s->known.data;
    for (int64_t k = 0; k < s->known.count; k++) agi_release(a, all[k].integer.data);
    agi_source_free(&s->text);
    agi_release(a, s->known.data);
    agi_release(a, s->pointers.data);
}
