/* scan: a body stepped along sequences with carried states; a constructor of `loop` nodes.
 *
 * Under a memory budget the steps are grouped into segments: a loop over segments whose body is the loop over a
 * segment's steps. Its gradient stores the states at the segments' starts and steps through each segment again. */
#include "graph/graph.h"
#include "loop.h"

#define MOST_STEPS ((int64_t)1 << 48)

const ag_op agi_called_scan = { .name = "scan" }, agi_called_while = { .name = "while" };
const ag_op agi_called_cond = { .name = "cond" };

/* ---- operands --------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *what;
    int n;
    ag_node *const *x;
    int leaves; /* they stand for values in the body: inputs, each once */
} operands;

/* The first node of all: every failure is its graph's. */
static ag_node *first_of(int lists, const operands list[])
{
    for (int i = 0; i < lists; i++)
        for (int k = 0; list[i].x && k < list[i].n; k++)
            if (list[i].x[k]) return list[i].x[k];
    return NULL;
}

/* Leaves stand for one thing each. */
static ag_node *fault_of_leaves(const ag_op *op, ag_node *any, int lists, const operands list[])
{
    int64_t n = 0, at;
    for (int i = 0; i < lists; i++) n += list[i].leaves ? list[i].n : 0;
    ag_node **all = agi_keep(any->graph, NULL, (size_t)n * sizeof *all);
    if (!all) return ag_reject(any, op, AG_EMEM, "out of memory");
    n = 0;
    for (int i = 0; i < lists; i++)
        for (int k = 0; list[i].leaves && k < list[i].n; k++) all[n++] = list[i].x[k];
    at = agi_first_repeated(any->graph, n, all);
    if (ag_graph_status(any->graph)) return ag_reject(any, op, AG_EMEM, "out of memory");
    if (at == n) return NULL;
    ag_node *x = all[at];
    for (int i = 0; i < lists; at -= list[i].leaves ? list[i].n : 0, i++)
        if (list[i].leaves && at < list[i].n)
            return ag_reject(x, op, AG_EARG,
                             "%s %d stands for something else already: each needs an ag_input of its own", list[i].what,
                             (int)at);
    return NULL;
}

/* NULL, or the bad node that stands for the result: an operand's, or the failure's. */
static ag_node *fault(const ag_op *op, int lists, const operands list[])
{
    ag_node *any = first_of(lists, list), *bad = NULL;
    for (int i = 0; i < lists; i++) {
        if (list[i].n > AG_MOST_INPUTS)
            return ag_reject(any, op, AG_EARG, "%d %ss are more than %d", list[i].n, list[i].what, AG_MOST_INPUTS);
        if (list[i].n < 0 || (list[i].n && !list[i].x))
            return ag_reject(any, op, AG_EARG,
                             list[i].n < 0 ? "there cannot be %d %ss" : "the list of the %d %ss is NULL", list[i].n,
                             list[i].what);
        for (int k = 0; k < list[i].n; k++) {
            ag_node *x = list[i].x[k];
            if (!x) return ag_reject(any, op, AG_EARG, "%s %d is NULL", list[i].what, k);
            if (x->graph != any->graph)
                return ag_reject(any, op, AG_EARG, "%s %d is a node of another graph", list[i].what, k);
            if (ag_is_bad(x)) bad = x;
            else if (list[i].leaves && x->op != &agi_input)
                return ag_reject(x, op, AG_EARG, "%s %d has to be an ag_input, which stands for it in the body",
                                 list[i].what, k);
        }
    }
    return bad ? bad : fault_of_leaves(op, any, lists, list);
}

static ag_status fill(ag_graph *g, ag_node *bad, int n, ag_node *out[], int m, ag_node *more[])
{
    for (int k = 0; out && k < n; k++) out[k] = bad;
    for (int k = 0; more && k < m; k++) more[k] = bad;
    ag_status status = g ? ag_graph_status(g) : AG_EARG;
    return status ? status : AG_EARG;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static size_t state_bytes(const ag_scan_body *b)
{
    size_t bytes = 0;
    for (int k = 0; k < b->states; k++)
        bytes += (size_t)ag_count(b->state[k]) * ag_dtype_size((ag_dtype)b->state[k]->dtype);
    return bytes;
}

/* What is left of a budget once so many states are kept; 0, which is none, stays that. */
static size_t left_of(size_t max_bytes, const ag_scan_body *b, int64_t states)
{
    const size_t taken = (size_t)states * state_bytes(b);
    return max_bytes > taken ? max_bytes - taken : max_bytes > 0;
}

/* ---- a loop, as it is written ----------------------------------------------------------------------------------- */

static ag_node *const *keep(ag_graph *g, ag_node *const x[], int n)
{
    return agi_keep(g, n ? x : NULL, (size_t)n * sizeof *x);
}

/* The bad node of the graph, which has failed. */
static ag_node *failed(ag_node *any)
{
    return ag_reject(any, &agi_called_scan, AG_EMEM, "out of memory");
}

static ag_status plain(ag_graph *g, const ag_scan_body *b, ag_node *test, ag_node *final[], ag_node *stacked[])
{
    agi_loop_attribute l;
    memset(&l, 0, sizeof l);
    l.length = b->length ? b->length : 1; /* none is one that is not made: nothing has an extent of 0 */
    l.reverse = b->reverse != 0;
    l.test = test;
    l.states = b->states;
    l.elements = b->sequences;
    l.results = b->results;
    l.state = keep(g, b->state, b->states);
    l.next = keep(g, b->next, b->states);
    l.element = keep(g, b->element, b->sequences);
    l.result = keep(g, b->result, b->results);
    if (!l.state || !l.next || !l.element || !l.result) return AG_EMEM;
    l.room = b->max_bytes ? (int64_t)left_of(b->max_bytes, b, b->length) : AGI_ANY_ROOM;
    if (!agi_list_kept(g, &l)) return ag_graph_status(g);
    ag_node *y = agi_new_loop(g, &l, b->initial, b->sequence, b->length ? NULL : ag_number(g, 0));
    for (int k = 0; k < b->states && final; k++) final[k] = ag_is_bad(y) ? y : agi_new_part(y, agi_part_final(&l, k));
    for (int k = 0; k < b->results && stacked; k++) stacked[k] = ag_is_bad(y) ? y : agi_new_part(y,
                                                                                                 agi_part_result(&l,
                                                                                                                 k));
    return ag_graph_status(g);
}

/* ---- segments --------------------------------------------------------------------------------------------------- */

/* States that a gradient through segments of k steps keeps: those at their starts, a segment's, the rest's. */
static int64_t states_kept(int64_t length, int64_t k)
{
    return length / k + k + length % k;
}

/* Steps a segment that keep the states within the budget, else as few states as can be. */
static int64_t segment_length(const ag_scan_body *b)
{
    size_t one = state_bytes(b);
    int64_t best = 1;
    if (!b->max_bytes || (size_t)b->length * one <= b->max_bytes) return b->length;
    for (int64_t k = 1; k <= b->length / k; k++) {
        if ((size_t)states_kept(b->length, k) * one <= b->max_bytes) return k;
        if (states_kept(b->length, k) < states_kept(b->length, best)) best = k;
    }
    return best;
}

/* Segments lie flat between the loops, as [elements of `steps` steps], so that no sequence or result needs an axis more
 * than it has. */
static int64_t segment_size(const ag_node *one, int64_t steps)
{
    return steps * ag_count(one);
}

/* [steps, *one's shape]. */
static ag_node *unfold(ag_node *x, const ag_node *one, int64_t steps)
{
    ag_shape s = { .rank = one->rank + 1, .dim = { steps } };
    memcpy(s.dim + 1, one->dim, one->rank * sizeof *one->dim);
    return ag_reshape(x, s);
}

ag_status agi_scan_segments(ag_graph *g, const ag_scan_body *b, int64_t steps, const unsigned char sums[],
                            ag_node *final[], ag_node *stacked[])
{
    size_t bytes = (size_t)(b->states + b->sequences + b->results + 1) * sizeof(ag_node *);
    ag_node **state = agi_keep(g, NULL, bytes), **next = agi_keep(g, NULL, bytes), **segment = agi_keep(g, NULL, bytes);
    ag_node **sequence = agi_keep(g, NULL, bytes), **result = agi_keep(g, NULL, bytes);
    ag_node **steps_of = agi_keep(g, NULL, bytes), **start = agi_keep(g, NULL, bytes);
    if (!state || !next || !segment || !sequence || !result || !steps_of || !start) return AG_EMEM;
    for (int k = 0; k < b->states; k++) {
        state[k] = ag_input(g, NULL, (ag_dtype)b->state[k]->dtype, ag_shape_in(b->state[k]));
        start[k] = sums && sums[k] ? ag_zeros_like(b->state[k]) : state[k];
    }
    for (int k = 0; k < b->sequences; k++) {
        int64_t n = segment_size(b->element[k], steps);
        ag_node *whole = ag_slice(b->sequence[k], 0, 0, b->length, 1);
        sequence[k] = ag_reshape(whole, AG_SHAPE(b->length / steps, n));
        segment[k] = ag_input(g, NULL, (ag_dtype)b->element[k]->dtype, AG_SHAPE(n));
        steps_of[k] = unfold(segment[k], b->element[k], steps);
        if (ag_is_bad(sequence[k]) || ag_is_bad(steps_of[k])) return ag_graph_status(g);
    }
    ag_scan_body inner = *b, outer = *b;
    inner.length = steps;
    inner.initial = start;
    inner.sequence = steps_of;
    inner.max_bytes = left_of(b->max_bytes, b, b->length / steps);
    if (plain(g, &inner, NULL, next, result)) return ag_graph_status(g);
    for (int k = 0; k < b->states; k++)
        if (sums && sums[k]) next[k] = ag_add(state[k], next[k]);
    for (int k = 0; k < b->results; k++)
        result[k] = ag_reshape(result[k], AG_SHAPE(segment_size(b->result[k], steps)));
    outer.length = b->length / steps;
    outer.max_bytes = b->max_bytes > 0; /* but its states nothing is kept over all segments */
    outer.state = state;
    outer.next = next;
    outer.element = segment;
    outer.sequence = sequence;
    outer.result = result;
    ag_status status = plain(g, &outer, NULL, final, stacked);
    for (int k = 0; k < b->results && stacked && !status; k++)
        stacked[k] = unfold(stacked[k], b->result[k], outer.length * steps);
    return status;
}

/* The steps that fill no segment come at the end of the sequence. */
static ag_status segmented(ag_graph *g, const ag_scan_body *b, int64_t steps, ag_node *final[], ag_node *stacked[])
{
    int64_t whole = b->length / steps * steps;
    if (whole == b->length) return agi_scan_segments(g, b, steps, NULL, final, stacked);
    size_t bytes = (size_t)(b->states + b->sequences + b->results + 1) * sizeof(ag_node *);
    ag_scan_body part[2] = { *b, *b };
    ag_node **middle = agi_keep(g, NULL, bytes), **out[2];
    for (int h = 0; h < 2; h++) {
        ag_node **sequence = agi_keep(g, NULL, bytes);
        out[h] = agi_keep(g, NULL, bytes);
        if (!middle || !sequence || !out[h]) return AG_EMEM;
        for (int k = 0; k < b->sequences; k++)
            sequence[k] = ag_slice(b->sequence[k], 0, h ? whole : 0, h ? b->length : whole, 1);
        part[h].length = h ? b->length - whole : whole;
        part[h].sequence = sequence;
    }
    part[0].max_bytes = left_of(b->max_bytes, b, part[1].length);
    part[1].max_bytes = left_of(b->max_bytes, b, whole / steps + steps);
    part[b->reverse ? 0 : 1].initial = middle;
    ag_status status = AG_OK;
    for (int turn = 0; turn < 2 && !status; turn++) {
        int h = b->reverse ? 1 - turn : turn;
        ag_node **last = turn ? final : middle;
        status = h ? plain(g, &part[1], NULL, last, out[1]) : agi_scan_segments(g, &part[0], steps, NULL, last, out[0]);
    }
    for (int k = 0; k < b->results && stacked && !status; k++)
        stacked[k] = ag_concat(2, (ag_node *[]){ out[0][k], out[1][k] }, 0);
    return status ? status : ag_graph_status(g);
}

static int sequences_fit(const ag_scan_body *b)
{
    for (int k = 0; k < b->sequences; k++) {
        const ag_node *all = b->sequence[k], *one = b->element[k];
        if (all->rank != one->rank + 1 || all->dim[0] != b->length || all->dtype != one->dtype) return 0;
        if (memcmp(all->dim + 1, one->dim, one->rank * sizeof *one->dim)) return 0;
    }
    for (int k = 0; k < b->results; k++)
        if (b->result[k]->rank == AG_MAX_RANK) return 0;
    return 1;
}

/* ---- the constructors ------------------------------------------------------------------------------------------- */

ag_status ag_scan(const ag_scan_body *b, ag_node *final[], ag_node *stacked[])
{
    if (!b) return AG_EARG;
    const operands list[] = { { "initial state", b->states, b->initial, 0 },
                              { "state", b->states, b->state, 1 },
                              { "next state", b->states, b->next, 0 },
                              { "sequence", b->sequences, b->sequence, 0 },
                              { "element", b->sequences, b->element, 1 },
                              { "result", b->results, b->result, 0 } };
    enum { LISTS = sizeof list / sizeof *list };
    ag_node *any = first_of(LISTS, list), *bad;
    ag_graph *g = ag_graph_of(any);
    if (!any) return fill(NULL, NULL, b->states, final, b->results, stacked);
    bad = ag_graph_status(g) ? failed(any) : fault(&agi_called_scan, LISTS, list);
    if (!bad && (b->length < 0 || b->length > MOST_STEPS))
        bad = ag_reject(any, &agi_called_scan, AG_EARG, "a scan of %lld steps; there are at most 2^48",
                        (long long)b->length);
    if (!bad && !b->length && b->sequences + b->results > 0)
        bad = ag_reject(any, &agi_called_scan, AG_ESHAPE,
                        "a scan of no steps has no sequences and stacks no results: no extent is 0");
    if (!bad && b->max_bytes && agi_holds_extent(g, b->length))
        bad = ag_reject(any, &agi_called_scan, AG_EARG,
                        "plans choose how many steps there are: max_bytes cannot divide them into segments");
    if (bad) return fill(g, bad, b->states, final, b->results, stacked);
    int64_t steps = sequences_fit(b) ? segment_length(b) : b->length; /* which is refused */
    ag_status status = steps < b->length ? segmented(g, b, steps, final, stacked) : plain(g, b, NULL, final, stacked);
    return status ? fill(g, failed(any), b->states, final, b->results, stacked) : AG_OK;
}

ag_status ag_while(ag_node *test, int states, ag_node *const initial[], ag_node *const state[], ag_node *const next[],
                   int64_t max_steps, ag_node *final[])
{
    const operands list[] = { { "test", 1, &test, 0 }, { "initial state", states, initial, 0 },
                              { "state", states, state, 1 }, { "next state", states, next, 0 } };
    enum { LISTS = sizeof list / sizeof *list };
    ag_node *any = first_of(LISTS, list), *bad;
    ag_graph *g = ag_graph_of(any);
    if (!any) return fill(NULL, NULL, states, final, 0, NULL);
    bad = ag_graph_status(g) ? failed(any) : fault(&agi_called_while, LISTS, list);
    if (!bad && states < 1) bad = ag_reject(any, &agi_called_while, AG_EARG, "no state: the test never changes");
    if (!bad && max_steps < 0)
        bad = ag_reject(any, &agi_called_while, AG_EARG, "max_steps is %lld; 0: any number of steps",
                        (long long)max_steps);
    if (bad) return fill(g, bad, states, final, 0, NULL);
    ag_scan_body b = { .length = max_steps > 0 ? max_steps : AGI_UNBOUNDED, .states = states, .initial = initial,
                       .state = state, .next = next };
    ag_status status = plain(g, &b, test, final, NULL);
    return status ? fill(g, failed(any), states, final, 0, NULL) : AG_OK;
}

ag_status ag_cond(ag_node *predicate, int arguments, ag_node *const value[], ag_node *const argument[], int results,
                  ag_node *const then[], ag_node *const otherwise[], ag_node *out[])
{
    const operands list[] = { { "predicate", 1, &predicate, 0 }, { "value", arguments, value, 0 },
                              { "argument", arguments, argument, 1 }, { "result", results, then, 0 },
                              { "other result", results, otherwise, 0 } };
    enum { LISTS = sizeof list / sizeof *list };
    ag_node *any = first_of(LISTS, list), *bad;
    ag_graph *g = ag_graph_of(any);
    if (!any) return fill(NULL, NULL, results, out, 0, NULL);
    bad = ag_graph_status(g) ? failed(any) : fault(&agi_called_cond, LISTS, list);
    if (bad) return fill(g, bad, results, out, 0, NULL);
    agi_branch_attribute b;
    memset(&b, 0, sizeof b);
    b.arguments = arguments;
    b.results = results;
    b.argument = keep(g, argument, arguments);
    b.then = keep(g, then, results);
    b.otherwise = keep(g, otherwise, results);
    ag_node *y = b.argument && b.then && b.otherwise ? agi_new_branch(g, &b, predicate, value) : NULL;
    if (ag_is_bad(y)) return fill(g, failed(any), results, out, 0, NULL);
    for (int k = 0; k < results && out; k++) out[k] = agi_new_part(y, k);
    return ag_graph_status(g);
}
