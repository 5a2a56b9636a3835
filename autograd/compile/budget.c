/* ag_compile under a limit of memory: plans that compute more and more values again, until one fits. */
#include "compile.h"

enum { MOST_TRIES = 5, PATIENCE = 2 };

typedef struct {
    ag_graph *graph;
    int n;
    ag_node *const *outputs;
    const ag_options *options;
    ag_plan *best;
    size_t bytes; /* of the best plan */
    int failed;
} search;

static ag_plan *compile(search *s, const agi_recipe *r)
{
    ag_plan *p = agi_compile(s->graph, s->n, s->outputs, s->options, r, NULL);
    s->failed |= !p;
    return p;
}

/* Keeps the smaller plan; returns how many bytes of the new one are too many. */
static int64_t attempt(search *s, const agi_recipe *r)
{
    ag_plan *p = compile(s, r), *worse = p;
    size_t bytes = ag_plan_bytes(p);
    if (p && bytes < s->bytes) {
        worse = s->best;
        s->best = p;
        s->bytes = bytes;
    }
    ag_plan_free(worse);
    return p ? (int64_t)bytes - (int64_t)s->options->max_bytes : 0;
}

/* A segment is there at once, and so is what is kept between segments: with fewer than the one asks for, or with far
 * fewer than the values' square root, no plan fits. */
static int64_t fewest_segments(const search *s)
{
    const agi_rematerialised *a = &s->best->remade;
    int64_t by_size = a->late_bytes / (int64_t)s->options->max_bytes, by_number = 1;
    while (4 * by_number * by_number < a->late_values) by_number++;
    if (by_size > by_number) by_size = by_number;
    return by_size > 1 ? by_size : 1;
}

/* As many values as there are bytes too many, then those that are still too many in addition: until it fits, or gets
 * worse because the segments are long. */
static int fits(search *s, int64_t segments, int64_t all, int64_t excess)
{
    agi_recipe r = { .segments = segments };
    int64_t before, left = excess;
    for (int k = 0; k < MOST_TRIES && r.covered < all; k++) {
        before = left;
        r.covered += left + left / 8;
        if (r.covered > all - all / 16) r.covered = all;
        left = attempt(s, &r);
        if (left <= 0) return 1;
        if (left >= before) return 0;
    }
    return 0;
}

/* Few long segments cost the least. */
static void cut(search *s)
{
    const int64_t all = s->best->remade.late_bytes, excess = (int64_t)s->bytes - (int64_t)s->options->max_bytes;
    int64_t segments = fewest_segments(s);
    for (int idle = 0; idle < PATIENCE; segments += 1 + segments / 3) {
        size_t before = s->bytes;
        if (fits(s, segments, all, excess)) return;
        idle = s->bytes < before ? 0 : idle + 1;
    }
}

static int needs_less(const search *s)
{
    size_t limit = s->options->max_bytes;
    return limit && s->bytes > limit && s->best->remade.late_bytes && !s->options->distinct;
}

ag_plan *agi_compile_within(ag_graph *g, int n, ag_node *const outputs[], const ag_options *options)
{
    search s = { .graph = g, .n = n, .outputs = outputs, .options = options };
    s.best = compile(&s, &(agi_recipe){ 0 });
    size_t without = s.bytes = ag_plan_bytes(s.best);
    if (!s.failed && s.best->remade.operations) { /* what is marked */
        ag_plan *plain = compile(&s, &(agi_recipe){ .plain = 1 });
        without = ag_plan_bytes(plain);
        ag_plan_free(plain);
    }
    if (!s.failed && needs_less(&s)) cut(&s);
    if (s.failed) {
        ag_plan_free(s.best);
        return NULL;
    }
    s.best->remade.bytes_without = without;
    return s.best;
}
