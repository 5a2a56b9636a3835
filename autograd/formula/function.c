/* Operations by name, as formulas call them: through functions.def, or the registry if pointwise: what the library
 * makes of others, which the list of functions leaves out. */
#include "formula.h"

#include <limits.h>

enum { MOST_ARGUMENTS = 256, LONGEST_RANGE = 65536 };

typedef struct {
    const char *name, *signature, *arguments;
    ag_node *(*call)(ag_graph *, int n, const agi_argument *); /* NULL: `op` on the nodes as they are */
    const ag_op *op;
} function;

/* ---- calls that are more than one expression -------------------------------------------------------------------- */

static ag_shape extents(int n, const agi_argument *a)
{
    ag_shape s = { .rank = n };
    for (int i = 0; i < n && i < AG_MAX_RANK; i++) s.dim[i] = (int64_t)a[i].number;
    return s;
}

static ag_node *transpose(ag_graph *g, int n, const agi_argument *a)
{
    int axes[AG_MAX_RANK], rank = ag_shape_of(a[0].node).rank;
    if (ag_is_bad(a[0].node)) return g->bad;
    if (n - 1 != rank) return agi_fail(g, AG_ESHAPE, "transpose: %d axes are given, the operand has %d", n - 1, rank);
    for (int i = 0; i < rank; i++) {
        double axis = a[i + 1].number;
        axes[i] = axis >= -AG_MAX_RANK && axis < AG_MAX_RANK ? (int)axis : AG_MAX_RANK;
    }
    return ag_transpose(a[0].node, axes);
}

/* Its numbers are made at once: a short text is not to take all memory. */
static ag_node *arange(ag_graph *g, ag_dtype dtype, int64_t n)
{
    if (n <= LONGEST_RANGE) return ag_arange(g, dtype, n);
    return agi_fail(g, AG_EARG, "arange: a formula's have at most %d elements, not %lld", LONGEST_RANGE, (long long)n);
}

static ag_node **nodes(int n, const agi_argument *a, ag_node *x[MOST_ARGUMENTS])
{
    for (int i = 0; i < n; i++) x[i] = a[i].node;
    return x;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

#define X(k) a[k].node
#define ALL(count) nodes(count, a, (ag_node *[MOST_ARGUMENTS]){ NULL })
#define I(k) (int)a[k].number
#define N(k) (int64_t)a[k].number
#define R(k) a[k].number
#define T(k) (ag_dtype)a[k].number
#define ALONG(k) { N(k), N(k), N(k) } /* all spatial axes */
#define LN2 0.69314718055994530942
#define LN10 2.30258509299404568402
#define FUNCTION(name, signature, arguments, ...)                                            \
    static ag_node *name##_##signature(ag_graph *g, int n, const agi_argument *a)            \
    {                                                                                        \
        (void)g, (void)n;                                                                    \
        return __VA_ARGS__;                                                                  \
    }
#include "functions.def"
#undef FUNCTION

#define FUNCTION(name, signature, arguments, ...) { #name, #signature, arguments, name##_##signature, NULL },
static const function table[] = {
#include "functions.def"
};
enum { ROWS = sizeof table / sizeof table[0] };

static const ag_op *const registry[] = {
#define NODE(name) &agi_##name,
#include "nodes.def"
#undef NODE
};
enum { OPERATIONS = sizeof registry / sizeof registry[0] };

/* Given its inputs, such an operation is complete. */
static int is_plain(const ag_op *op)
{
    return (op->flags & AG_POINTWISE) && !op->attribute_size && op->inputs <= 3;
}

/* The `form`-th function of that name. */
static int find(agi_word name, int form, function *found)
{
    int seen = 0;
    for (int i = 0; i < ROWS; i++)
        if (agi_word_is(name, table[i].name) && seen++ == form) {
            *found = table[i];
            return 1;
        }
    for (int i = 0; i < OPERATIONS && !seen && !form; i++)
        if (is_plain(registry[i]) && agi_word_is(name, registry[i]->name)) {
            *found = (function){ registry[i]->name, &"xxx"[3 - registry[i]->inputs], "", NULL, registry[i] };
            return 1;
        }
    return 0;
}

int agi_is_function(agi_word name)
{
    function f;
    return find(name, 0, &f);
}

void agi_nearest_function(agi_nearest *n)
{
    for (int i = 0; i < ROWS; i++) agi_nearest_try(n, table[i].name);
    for (int i = 0; i < OPERATIONS; i++)
        if (is_plain(registry[i])) agi_nearest_try(n, registry[i]->name);
}

/* ---- listing ---------------------------------------------------------------------------------------------------- */

/* Does the row's form begin as the other does, which is one of the same name? */
static int begins_as(const function *row, const function *other)
{
    size_t n = strlen(other->arguments);
    return strcmp(row->name, other->name) == 0 && strncmp(row->arguments, other->arguments, n) == 0 &&
           (row->arguments[n] == ',' || !row->arguments[n]);
}

/* The arguments that the shortest such form has; those behind them may be left out. Of a form that is the beginning of
 * another: -1. */
static int needed(int row)
{
    int n = (int)strlen(table[row].arguments);
    for (int i = 0; i < ROWS; i++) {
        if (i != row && begins_as(&table[i], &table[row])) return -1;
        if (begins_as(&table[row], &table[i]) && (int)strlen(table[i].arguments) < n)
            n = (int)strlen(table[i].arguments);
    }
    return n;
}

int ag_parse_function(int k, size_t room, char *text)
{
    for (int i = 0; i < ROWS; i++) {
        int n = needed(i);
        if (n < 0 || k--) continue;
        const char *all = table[i].arguments;
        if (all[n]) snprintf(text, room, "%s(%.*s[%s])", table[i].name, n, all, all + n);
        else snprintf(text, room, "%s(%s)", table[i].name, all);
        return 1;
    }
    return 0;
}

/* ---- calling ---------------------------------------------------------------------------------------------------- */

static int is_whole(double v, double largest)
{
    return v >= -largest && v <= largest && v == (double)(int64_t)v;
}

static int accepts(char kind, const agi_argument *a)
{
    const double exact = 9007199254740992.0; /* 2^53: up to here every whole number is itself */
    switch (kind) {
    case 'x': case 'X': return a->kind == AGI_NODE || a->kind == AGI_NUMBER;
    case 'i': return a->kind == AGI_NUMBER && is_whole(a->number, INT_MAX);
    case 'r': return a->kind == AGI_NUMBER;
    case 'n': case 'N': return a->kind == AGI_NUMBER && is_whole(a->number, exact);
    default: return a->kind == AGI_TYPE;
    }
}

static int is_repeated(char kind)
{
    return kind == 'X' || kind == 'N';
}

/* How many arguments a signature takes: `fewest`, and any number beyond that if `open`. */
static int fewest(const char *signature, int *open)
{
    int n = 0;
    *open = 0;
    for (; *signature; signature++) {
        if (is_repeated(*signature)) *open = 1;
        n += *signature != 'N';
    }
    return n;
}

/* The signature's letter for every argument, or NULL when their number does not fit. */
static const char *kinds(const char *signature, int n, char letter[MOST_ARGUMENTS])
{
    int open, least = fewest(signature, &open), i = 0;
    if (n < least || n > MOST_ARGUMENTS || (n > least && !open)) return NULL;
    for (; *signature; signature++) {
        int times = is_repeated(*signature) ? n - least + (*signature == 'X') : 1;
        while (times--) letter[i++] = *signature;
    }
    return letter;
}

static ag_node *refuse_argument(ag_graph *g, const function *f, int k, char kind)
{
    const char *wanted = kind == 'x' || kind == 'X' ? "a value" : kind == 't' ? "a type: f32, f64 or i64"
                         : kind == 'r' ? "a number" : "a whole number";
    return agi_fail(g, AG_EARG, "%s: argument %d must be %s", f->name, k + 1, wanted);
}

static ag_node *refuse_count(ag_graph *g, agi_word name, int n)
{
    function f;
    int least = MOST_ARGUMENTS, most = 0, any = 0;
    for (int form = 0; find(name, form, &f); form++) {
        int open, count = fewest(f.signature, &open);
        if (count < least) least = count;
        if (count > most) most = count;
        if (open) any = 1;
    }
    char range[32];
    if (any) snprintf(range, sizeof range, "at least %d", least);
    else if (least == most) snprintf(range, sizeof range, "%d", least);
    else snprintf(range, sizeof range, "%d to %d", least, most);
    return agi_fail(g, AG_EARG, "%.*s takes %s argument%s, not %d", (int)name.length, name.at, range,
                    !any && most == 1 ? "" : "s", n);
}

ag_node *agi_argument_node(ag_graph *g, agi_argument *a)
{
    if (a->kind == AGI_NUMBER) *a = (agi_argument){ .kind = AGI_NODE, .node = ag_number(g, a->number) };
    return a->kind == AGI_NODE ? a->node : agi_fail(g, AG_EARG, "a type is no value");
}

ag_node *agi_call_function(ag_graph *g, agi_word name, int n, agi_argument *a)
{
    char letter[MOST_ARGUMENTS], wrong_kind = 0;
    function f, near = { 0 };
    int wrong = 0;
    for (int form = 0; find(name, form, &f); form++) {
        if (!kinds(f.signature, n, letter)) continue;
        int k = 0;
        while (k < n && accepts(letter[k], &a[k])) k++;
        if (k < n) {
            near = f;
            wrong = k;
            wrong_kind = letter[k];
            continue;
        }
        for (k = 0; k < n; k++)
            if (letter[k] == 'x' || letter[k] == 'X') agi_argument_node(g, &a[k]);
        return f.call ? f.call(g, n, a) : ag_apply(f.op, n, ALL(n), NULL);
    }
    return near.name ? refuse_argument(g, &near, wrong, wrong_kind) : refuse_count(g, name, n);
}
