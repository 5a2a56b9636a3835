/* Extents that plans choose. Where the graph is built each is a stand-in: a prime, which goes through the arithmetic
 * of shapes as any extent does, and by which what was made of it is read again: "2*batch+1".
 *
 * What is read so: sums of few products of extents, with small whole factors and rests: of joined axes, slices,
 * padding, concatenations. What a division has made of one is recognised as well, and refused: it is no extent of other
 * sizes. */
#include "graph.h"

#include <stdlib.h>

static const int64_t stand_in[AGI_MOST_EXTENTS] = { 94573, 104393, 113489, 123143 };

enum {
    LEAST_HELD = 5000,    /* below it is nothing that was made of an extent */
    MOST_REST = 256,      /* what is added or taken away, as a multiple of what the factor is, too */
    MOST_TIMES = 64,
    MOST_TERMS = 8,
    MOST_PARTS = 16       /* parts that an extent is divided into */
};
#define LARGEST_HELD ((int64_t)1 << 60)
#define LARGEST_PLAIN ((int64_t)1 << 40)

typedef struct {
    int64_t factor;
    int power[AGI_MOST_EXTENTS];
} term;

typedef struct {
    int terms;
    term term[MOST_TERMS];
} polynomial;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int64_t magnitude(int64_t n)
{
    return n < 0 ? -n : n;
}

/* n = times unit + rest, the rest between half a unit below and above. */
static int64_t nearest_multiple(int64_t n, int64_t unit, int64_t *rest)
{
    const int64_t times = (n >= 0 ? n + unit / 2 : n - unit / 2) / unit;
    *rest = n - times * unit;
    return times;
}

static void add_term(polynomial *p, int64_t factor, int i, int j)
{
    if (!factor) return;
    term *t = &p->term[p->terms++];
    *t = (term){ .factor = factor };
    if (i >= 0) t->power[i]++;
    if (j >= 0) t->power[j]++;
}

/* times and rest are a small multiple of an extent and a small rest, all of it repeated. */
static int is_small(int64_t times, int64_t rest)
{
    const int64_t repeated = agi_common_divisor(magnitude(times), magnitude(rest));
    return times > 0 && (!rest || (times / repeated <= MOST_TIMES && magnitude(rest) / repeated <= MOST_REST));
}

static int read_one(const ag_graph *g, int64_t n, polynomial *p)
{
    int found = -1;
    int64_t least = 0, times = 0, rest;
    for (int i = 0; i < g->nextents; i++) {
        const int64_t t = nearest_multiple(n, stand_in[i], &rest);
        if (!is_small(t, rest) || (found >= 0 && magnitude(rest) >= magnitude(least))) continue;
        found = i;
        times = t;
        least = rest;
    }
    if (found < 0) return 0;
    add_term(p, times, found, -1);
    add_term(p, least, -1, -1);
    return 1;
}

static int read_two(const ag_graph *g, int64_t n, polynomial *p)
{
    enum { MOST = 8 };
    int64_t rest;
    for (int64_t few = 1; few <= MOST; few++)
        for (int sign = 1; sign >= -1; sign -= 2)
            for (int i = 0; i < g->nextents; i++)
                for (int j = 0; j < g->nextents; j++) {
                    if (i == j) continue;
                    const int64_t times = nearest_multiple(n - sign * few * stand_in[j], stand_in[i], &rest);
                    if (times < 1 || times > MOST_TIMES || magnitude(rest) > MOST_REST) continue;
                    add_term(p, times, i, -1);
                    add_term(p, sign * few, j, -1);
                    add_term(p, rest, -1, -1);
                    return 1;
                }
    return 0;
}

/* a x y + b x + c y + d: of axes that were padded before they were joined. */
static int read_product(const ag_graph *g, int64_t n, polynomial *p)
{
    int64_t rest, last;
    for (int i = 0; i < g->nextents; i++)
        for (int j = i; j < g->nextents; j++) {
            const int64_t a = nearest_multiple(n, stand_in[i] * stand_in[j], &rest);
            for (int64_t b = -MOST_TIMES; a > 0 && a <= MOST_TIMES && b <= MOST_TIMES; b++) {
                const int64_t c = nearest_multiple(rest - b * stand_in[i], stand_in[j], &last);
                if (magnitude(c) > MOST_TIMES || magnitude(last) > MOST_REST || (i == j && c)) continue;
                add_term(p, a, i, j);
                add_term(p, b, i, -1);
                add_term(p, c, j, -1);
                add_term(p, last, -1, -1);
                return 1;
            }
        }
    return 0;
}

/* What a division leaves of one: times as much is nearly a multiple again. */
static int is_part(const ag_graph *g, int64_t n)
{
    int64_t rest;
    for (int64_t parts = 2; parts <= MOST_PARTS; parts++)
        for (int i = 0; i < g->nextents && n < LARGEST_PLAIN; i++) {
            const int64_t times = nearest_multiple(n * parts, stand_in[i], &rest);
            if (times >= 1 && times <= parts && magnitude(rest) <= 2 * parts) return 1;
        }
    return n >= LARGEST_PLAIN;
}

typedef enum { IS_PLAIN, IS_HELD, IS_UNREADABLE } kind;

static kind read_positive(const ag_graph *g, int64_t n, polynomial *p)
{
    int power[AGI_MOST_EXTENTS] = { 0 }, divided = 0;
    if (n < LEAST_HELD || n > LARGEST_HELD) return IS_PLAIN;
    for (int i = 0; i < g->nextents; i++)
        for (; n % stand_in[i] == 0; n /= stand_in[i], divided = 1) power[i]++;
    const int read = n >= LEAST_HELD && (read_one(g, n, p) || read_product(g, n, p) || read_two(g, n, p));
    if (!divided && !read) return is_part(g, n) ? IS_UNREADABLE : IS_PLAIN;
    if (!read) add_term(p, n, -1, -1);
    for (int k = 0; k < p->terms; k++)
        for (int i = 0; i < g->nextents; i++) p->term[k].power[i] += power[i];
    return IS_HELD;
}

static kind read_extent(const ag_graph *g, int64_t n, polynomial *p)
{
    p->terms = 0;
    if (!g->nextents || n == INT64_MIN) return IS_PLAIN;
    const kind k = read_positive(g, magnitude(n), p);
    for (int i = 0; i < p->terms && n < 0; i++) p->term[i].factor = -p->term[i].factor;
    return k;
}

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

int agi_holds_extent(const ag_graph *g, int64_t n)
{
    polynomial p;
    return read_extent(g, n, &p) != IS_PLAIN;
}

int agi_is_multiple_of_extent(const ag_graph *g, int64_t n)
{
    int is = 0;
    for (int i = 0; i < g->nextents; i++) is |= n != 0 && n % stand_in[i] == 0;
    return is;
}

int agi_shape_holds_extent(const ag_node *x)
{
    if (!x->graph->nextents) return 0;
    for (int i = 0; i < x->rank; i++)
        if (agi_holds_extent(x->graph, x->dim[i])) return 1;
    return 0;
}

int agi_is_unreadable(const ag_graph *g, int64_t n)
{
    polynomial p;
    return read_extent(g, n, &p) == IS_UNREADABLE;
}

/* 0: too large. */
static int value_of(const ag_graph *g, const term *t, const int64_t size[], int64_t *value)
{
    *value = t->factor;
    for (int i = 0; i < g->nextents; i++)
        for (int k = 0; k < t->power[i]; k++)
            if (__builtin_mul_overflow(*value, size[i], value)) return 0;
    return 1;
}

int agi_put_sizes(const ag_graph *g, const int64_t size[], int64_t *n)
{
    polynomial p;
    int64_t sum = 0, value;
    const kind k = read_extent(g, *n, &p);
    if (k != IS_HELD) return k == IS_PLAIN;
    for (int i = 0; i < p.terms; i++)
        if (!value_of(g, &p.term[i], size, &value) || __builtin_add_overflow(sum, value, &sum)) return 0;
    *n = sum;
    return 1;
}

/* ---- in words ---------------------------------------------------------------------------------------------------- */

static void print_term(agi_text *t, const ag_graph *g, const term *of, int first)
{
    int factors = 0;
    for (int i = 0; i < g->nextents; i++) factors += of->power[i];
    if (of->factor < 0 || !first) agi_print(t, of->factor < 0 ? "-" : "+");
    if (magnitude(of->factor) != 1 || !factors)
        agi_print(t, factors ? "%lld*" : "%lld", (long long)magnitude(of->factor));
    for (int i = 0; i < g->nextents; i++)
        for (int k = 0; k < of->power[i]; k++) agi_print(t, --factors ? "%s*" : "%s", g->extent[i].name);
}

void agi_print_extent(agi_text *t, const ag_graph *g, int64_t n)
{
    polynomial p;
    if (read_extent(g, n, &p) != IS_HELD) agi_print(t, "%lld", (long long)n);
    else
        for (int k = 0; k < p.terms; k++) print_term(t, g, &p.term[k], k == 0);
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int goes_on(char c) /* a word or a number */
{
    return is_digit(c) || c == '.' || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void agi_name_extents(const ag_graph *g, char *text, size_t room)
{
    enum { LONGEST = 1024, MOST_DIGITS = 18 };
    char copy[LONGEST], last = ' ';
    if (!g->nextents || strlen(text) >= sizeof copy) return;
    strcpy(copy, text);
    agi_text to = { text, text + room - 1 };
    for (const char *at = copy; *at;) {
        size_t n = strspn(at, "0123456789");
        const int number = n > 3 && n <= MOST_DIGITS && !goes_on(last) && !goes_on(at[n]);
        if (number) agi_print_extent(&to, g, strtoll(at, NULL, 10));
        else agi_print(&to, "%.*s", (int)(n = n ? n : 1), at);
        last = at[n - 1];
        at += n;
    }
    *to.at = 0;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static int find_named(const ag_graph *g, const char *name)
{
    int i = 0;
    while (i < g->nextents && strcmp(g->extent[i].name, name)) i++;
    return i;
}

static int is_name(const char *name)
{
    int i = 0;
    for (; name && (is_digit(name[i]) ? i > 0 : goes_on(name[i]) && name[i] != '.'); i++)
        if (i == AGI_LONGEST_EXTENT) return 0;
    return name && i && !name[i];
}

/* 1, after recording why there is no such extent. */
static int64_t refuse(ag_graph *g, const char *name, int64_t size)
{
    const int i = find_named(g, name);
    if (size < 1 || size > LARGEST_PLAIN)
        agi_fail(g, AG_ESHAPE, "ag_extent: '%s' of %lld elements: they are 1 to 2^40", name, (long long)size);
    else if (i < g->nextents)
        agi_fail(g, AG_EARG, "ag_extent: '%s' has been %lld before", name, (long long)g->extent[i].size);
    else agi_fail(g, AG_EARG, "ag_extent: '%s' would be one more than %d", name, AGI_MOST_EXTENTS);
    return 1;
}

int64_t ag_extent(ag_graph *g, const char *name, int64_t size)
{
    if (!g) return 1;
    if (!is_name(name))
        return agi_fail(g, AG_EARG, "ag_extent: a name is letters, digits and _, %d at most", AGI_LONGEST_EXTENT), 1;
    const int i = find_named(g, name);
    if (i < g->nextents && g->extent[i].size == size) return stand_in[i];
    if (i < g->nextents || i == AGI_MOST_EXTENTS || size < 1 || size > LARGEST_PLAIN) return refuse(g, name, size);
    const char *kept = agi_arena_copy(&g->arena, name, strlen(name) + 1);
    if (!kept) return agi_fail(g, AG_EMEM, "ag_extent: out of memory"), 1;
    g->extent[i].name = kept;
    g->extent[i].size = size;
    g->nextents++;
    return stand_in[i];
}

int agi_choose_sizes(ag_graph *g, const ag_extent_size chosen[], int64_t size[])
{
    for (int i = 0; i < g->nextents; i++) size[i] = g->extent[i].size;
    for (int k = 0; k < AGI_MOST_EXTENTS; k++) {
        if (!chosen[k].name) continue;
        const int i = find_named(g, chosen[k].name);
        if (i == g->nextents)
            return agi_fail(g, AG_EARG, "ag_compile: the graph has no extent '%.64s': see ag_extent",
                            chosen[k].name), 0;
        if (chosen[k].size < 1 || chosen[k].size > LARGEST_PLAIN)
            return agi_fail(g, AG_ESHAPE, "ag_compile: extent '%s' of %lld elements: they are 1 to 2^40",
                            g->extent[i].name, (long long)chosen[k].size), 0;
        size[i] = chosen[k].size;
    }
    return 1;
}
