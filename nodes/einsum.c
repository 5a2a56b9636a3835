/* numpy.einsum: "ij,jk->ik" multiplies the operands' elements at equal letters and adds up over the letters that the
 * result does not have. Without "->" the result has those that stand once, in the order of their codes.
 *
 * A letter that stands twice in an operand takes the diagonal; what stands in one operand only, and not in the result,
 * is summed at once. Then operands are contracted two by two, in the order that costs least: letters that both have and
 * something else needs are the batch of a matrix product, others that both have its inner axis, the rest its rows and
 * columns. */
#include "shared/matrix.h"

#include <float.h>

enum { LETTERS = 52, MOST_OPERANDS = 64, EXACT = 6 /* operands for which all orders are tried */ };

static const ag_op einsum = { .name = "einsum" }; /* for messages */

/* A tensor and the letters of its axes, each once, also as a set. */
typedef struct {
    ag_node *x;
    int rank;
    char letter[AG_MAX_RANK];
    uint64_t set;
} operand;

typedef struct {
    const char *pattern;
    ag_node *first, *failed; /* an operand, for messages; the bad node after one */
    int n;
    operand in[MOST_OPERANDS], out;
    int times[LETTERS + 1]; /* that it stands in operands */
    int64_t extent[LETTERS + 1];
} problem;

static int number_of(char c) /* LETTERS: it is none */
{
    return c >= 'a' && c <= 'z' ? c - 'a' : c >= 'A' && c <= 'Z' ? 26 + c - 'A' : LETTERS;
}

static uint64_t bit(char c)
{
    return (uint64_t)1 << number_of(c);
}

static int append(operand *t, char c)
{
    if (t->rank == AG_MAX_RANK) return 0;
    t->letter[t->rank++] = c;
    t->set |= bit(c);
    return 1;
}

/* ---- the pattern: what follows returns 0 after a failure --------------------------------------------------------- */

#define REFUSE(p, status, ...) ((p)->failed = ag_reject((p)->first, &einsum, status, __VA_ARGS__), 0)

/* The letters up to a comma, an arrow or the end. */
static const char *read_letters(problem *p, const char *at, operand *t)
{
    for (; *at && *at != ',' && *at != '-'; at++) {
        if (*at == ' ') continue;
        if (number_of(*at) == LETTERS)
            return REFUSE(p, AG_EARG, "'%c' in '%s' is no letter: a to z, A to Z", *at, p->pattern) ? at : NULL;
        if (!append(t, *at))
            return REFUSE(p, AG_ESHAPE, "'%s' has more than %d letters in a row", p->pattern, AG_MAX_RANK) ? at : NULL;
    }
    return at;
}

static int check_operand(problem *p, int k, ag_node *x)
{
    operand *t = &p->in[k];
    if (!x || x->graph != p->first->graph)
        return REFUSE(p, AG_EARG, "operand %d is %s", k, x ? "a node of another graph" : "NULL");
    if (x->dtype == AG_I64)
        return REFUSE(p, AG_ETYPE, "operand %d is i64, on which there is no arithmetic: make it real with ag_cast", k);
    if (x->dtype != p->first->dtype) return REFUSE(p, AG_ETYPE, "element types differ: ag_cast operand %d", k);
    if ((int)x->rank != t->rank)
        return REFUSE(p, AG_ESHAPE, "operand %d has %d axes, '%s' gives it %d letters", k, (int)x->rank, p->pattern,
                      t->rank);
    t->x = x;
    for (int i = 0; i < t->rank; i++) {
        int c = number_of(t->letter[i]);
        if (p->times[c]++ && p->extent[c] != x->dim[i])
            return REFUSE(p, AG_ESHAPE, "axis '%c' has extents %lld and, in operand %d, %lld", t->letter[i],
                          (long long)p->extent[c], k, (long long)x->dim[i]);
        p->extent[c] = x->dim[i];
    }
    return 1;
}

static int check_result(problem *p)
{
    uint64_t seen = 0;
    for (int i = 0; i < p->out.rank; seen |= bit(p->out.letter[i++])) {
        if (!p->times[number_of(p->out.letter[i])])
            return REFUSE(p, AG_EARG, "'%c' in the result of '%s' stands in no operand", p->out.letter[i], p->pattern);
        if (seen & bit(p->out.letter[i]))
            return REFUSE(p, AG_EARG, "'%c' stands twice in the result of '%s'", p->out.letter[i], p->pattern);
    }
    return 1;
}

static int imply_result(problem *p)
{
    for (char c = 'A'; c <= 'z'; c++)
        if (number_of(c) < LETTERS && p->times[number_of(c)] == 1 && !append(&p->out, c))
            return REFUSE(p, AG_ESHAPE, "the result of '%s' has more than %d axes", p->pattern, AG_MAX_RANK);
    return 1;
}

static int parse(problem *p, ag_node *const x[])
{
    const char *at = p->pattern;
    for (int k = 0; k < p->n; k++, at += *at == ',') {
        at = read_letters(p, at, &p->in[k]);
        if (!at || !check_operand(p, k, x[k])) return 0;
        if (k + 1 < p->n && *at != ',')
            return REFUSE(p, AG_EARG, "%d operands, '%s' is for %d", p->n, p->pattern, k + 1);
    }
    if (!*at) return imply_result(p);
    if (at[0] != '-' || at[1] != '>')
        return REFUSE(p, AG_EARG, "%d operands, after which '%s' goes on with '%s'", p->n, p->pattern, at);
    at = read_letters(p, at + 2, &p->out);
    if (at && *at) return REFUSE(p, AG_EARG, "'%s' has more than one result", p->pattern);
    return at && check_result(p);
}

/* ---- one operand ------------------------------------------------------------------------------------------------- */

/* t with its axes in the order of these letters, which are its own. */
static ag_node *in_order(const operand *t, int n, const char *letters)
{
    int axes[AG_MAX_RANK] = { 0 };
    for (int i = 0; i < n; i++)
        for (int k = 0; k < t->rank; k++)
            if (t->letter[k] == letters[i]) axes[i] = k;
    return n ? ag_transpose(t->x, axes) : ag_reshape(t->x, AG_SCALAR);
}

static void drop(operand *t, int axis)
{
    memmove(t->letter + axis, t->letter + axis + 1, (size_t)(--t->rank - axis));
}

/* Axes i < k of one letter become their diagonal, the last axis. */
static void take_diagonal(operand *t, int i, int k)
{
    int axes[AG_MAX_RANK], n = 0;
    char c = t->letter[i];
    for (int j = 0; j < t->rank; j++)
        if (j != i && j != k) axes[n++] = j;
    axes[n++] = i;
    axes[n++] = k;
    t->x = agi_take_diagonal(ag_transpose(t->x, axes));
    drop(t, k);
    drop(t, i);
    t->letter[t->rank++] = c;
}

static void take_diagonals(operand *t)
{
    for (int i = 0; i < t->rank; i++)
        for (int k = i + 1; k < t->rank; k++)
            if (t->letter[i] == t->letter[k]) {
                take_diagonal(t, i, k);
                i = -1;
                break;
            }
}

/* Adds up over what nothing else needs. */
static void sum_over(operand *t, uint64_t needed)
{
    for (int i = t->rank; i-- > 0;)
        if (!(bit(t->letter[i]) & needed)) {
            t->x = ag_sum_axis(t->x, i, 0);
            t->set &= ~bit(t->letter[i]);
            drop(t, i);
        }
}

/* ---- two operands ------------------------------------------------------------------------------------------------ */

/* A row of letters: those of t that are in the set, and the product of their extents. */
typedef struct {
    int n;
    char letter[AG_MAX_RANK];
    int64_t size;
} row;

static row letters_of(const problem *p, const operand *t, uint64_t set)
{
    row r = { .size = 1 };
    for (int i = 0; i < t->rank; i++)
        if (bit(t->letter[i]) & set) {
            r.letter[r.n++] = t->letter[i];
            r.size *= p->extent[number_of(t->letter[i])];
        }
    return r;
}

/* t as a matrix, or one for each of the batch, of these rows and columns. */
static ag_node *as_matrix(const operand *t, const row *batch, const row *rows, const row *columns)
{
    char all[3 * AG_MAX_RANK];
    memcpy(all, batch->letter, (size_t)batch->n);
    memcpy(all + batch->n, rows->letter, (size_t)rows->n);
    memcpy(all + batch->n + rows->n, columns->letter, (size_t)columns->n);
    ag_shape s = batch->n ? AG_SHAPE(batch->size, rows->size, columns->size) : AG_SHAPE(rows->size, columns->size);
    return ag_reshape(in_order(t, t->rank, all), s);
}

static ag_node *product(const operand *a, const operand *b, const row *batch, const row *inner, const row *rows,
                        const row *columns)
{
    if (!inner->n) return ag_mul(as_matrix(a, batch, rows, inner), as_matrix(b, batch, inner, columns));
    if (!rows->n && !columns->n)
        return ag_sum_axis(ag_mul(as_matrix(a, batch, rows, inner), as_matrix(b, batch, columns, inner)), -1, 0);
    return ag_matmul(as_matrix(a, batch, rows, inner), as_matrix(b, batch, inner, columns));
}

static operand contract(const problem *p, const operand *a, const operand *b, uint64_t needed)
{
    const uint64_t both = a->set & b->set;
    row batch = letters_of(p, a, both & needed), inner = letters_of(p, a, both & ~needed);
    row rows = letters_of(p, a, ~both), columns = letters_of(p, b, ~both);
    const row *part[] = { &batch, &rows, &columns };
    operand y = { 0 };
    ag_shape s = AG_SCALAR;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < part[k]->n; i++) {
            if (!append(&y, part[k]->letter[i])) {
                y.x = ag_reject(p->first, &einsum, AG_ESHAPE, "what two operands make has more than %d axes",
                                AG_MAX_RANK);
                return y;
            }
            s.dim[s.rank++] = p->extent[number_of(part[k]->letter[i])];
        }
    y.x = ag_reshape(product(a, b, &batch, &inner, &rows, &columns), s);
    return y;
}

/* ---- the order --------------------------------------------------------------------------------------------------- */

static double cost(const problem *p, uint64_t set)
{
    double product = 1;
    for (int c = 0; c < LETTERS; c++)
        if (set >> c & 1) product *= (double)p->extent[c];
    return product;
}

/* The letters of the result and of all operands that are not in the group, a set of their numbers. */
static uint64_t needed_beside(const problem *p, uint64_t group)
{
    uint64_t needed = p->out.set;
    for (int k = 0; k < p->n; k++)
        if (!(group >> k & 1)) needed |= p->in[k].set;
    return needed;
}

/* The cheapest pair becomes one. */
static void contract_greedily(problem *p)
{
    int first = 0, second = 1;
    double least = DBL_MAX;
    for (int i = 0; i < p->n; i++)
        for (int k = i + 1; k < p->n; k++) {
            double costs = cost(p, p->in[i].set | p->in[k].set);
            if (costs >= least) continue;
            least = costs;
            first = i;
            second = k;
        }
    uint64_t pair = (uint64_t)1 << first | (uint64_t)1 << second;
    p->in[first] = contract(p, &p->in[first], &p->in[second], needed_beside(p, pair));
    p->in[second] = p->in[--p->n];
}

/* For each group of operands the best of all ways to cut it in two; then the groups that the whole is best made of are
 * made. */
static void contract_all(problem *p)
{
    enum { GROUPS = 1 << EXACT };
    operand made[GROUPS];
    double best[GROUPS] = { 0 };
    int half[GROUPS] = { 0 }, wanted[GROUPS] = { 0 }, whole = (1 << p->n) - 1;
    for (int group = 1; group <= whole; group++) {
        uint64_t set = 0;
        for (int k = 0; k < p->n; k++) set |= group >> k & 1 ? p->in[k].set : 0;
        made[group] = (operand){ .set = set & needed_beside(p, (uint64_t)group) };
        for (int k = 0; k < p->n; k++)
            if (group == 1 << k) made[group] = p->in[k];
        for (int a = (group - 1) & group; a > (group ^ a); a = (a - 1) & group) {
            double costs = best[a] + best[group ^ a] + cost(p, made[a].set | made[group ^ a].set);
            if (half[group] && costs >= best[group]) continue;
            best[group] = costs;
            half[group] = a;
        }
    }
    wanted[whole] = 1;
    for (int group = whole; group > 0; group--)
        if (wanted[group] && half[group]) wanted[half[group]] = wanted[group ^ half[group]] = 1;
    for (int group = 1; group <= whole; group++)
        if (wanted[group] && half[group])
            made[group] = contract(p, &made[half[group]], &made[group ^ half[group]],
                                   needed_beside(p, (uint64_t)group));
    p->in[0] = made[whole];
}

ag_node *ag_einsum(const char *pattern, int n, ag_node *const x[])
{
    problem p = { .pattern = pattern, .n = n };
    for (int k = 0; x && k < n && !p.first; k++) p.first = x[k];
    if (!p.first) return NULL;
    for (int k = 0; k < n; k++)
        if (x[k] && ag_is_bad(x[k])) return x[k];
    if (!pattern || n > MOST_OPERANDS)
        return ag_reject(p.first, &einsum, AG_EARG, pattern ? "%d operands, of which there are at most %d"
                                                            : "the pattern is NULL", n, MOST_OPERANDS);
    if (!parse(&p, x)) return p.failed;
    for (int k = 0; k < n; k++) take_diagonals(&p.in[k]);
    for (int k = 0; k < n; k++) sum_over(&p.in[k], needed_beside(&p, (uint64_t)1 << k));
    while (p.n > EXACT) contract_greedily(&p);
    contract_all(&p);
    return ag_is_bad(p.in[0].x) ? p.in[0].x : in_order(&p.in[0], p.out.rank, p.out.letter);
}
