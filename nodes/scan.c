/* scan: a body stepped along sequences with carried states; a constructor of `loop` nodes.
 *
 * Under a memory budget the steps are grouped into segments: a loop over segments whose body is the loop over a
 * segment's steps. Its gradient stores the states at the segments' starts and steps through each segment again. */
#include "loop.h"

static ag_node *refuse(ag_graph *g, const char *what)
{
    ag_node *any = ag_number(g, 0);
    return ag_reject(any, &agi_loop, AG_EARG, "%s", what);
}

static int vet_nodes(ag_graph *g, int n, ag_node *const x[], int leaves)
{
    if (n && !x) return 0;
    for (int k = 0; k < n; k++)
        if (ag_is_bad(x[k]) || x[k]->graph != g || (leaves && x[k]->op != &agi_input)) return 0;
    return 1;
}

static ag_graph *graph_of(const ag_scan_body *b)
{
    if (b->states && b->initial && b->initial[0]) return b->initial[0]->graph;
    return b->sequences && b->sequence && b->sequence[0] ? b->sequence[0]->graph : NULL;
}

static const char *fault(ag_graph *g, const ag_scan_body *b)
{
    if (b->length < 1) return "a scan makes at least one step";
    if (b->states < 0 || b->sequences < 0 || b->results < 0) return "a negative count";
    if (!vet_nodes(g, b->states, b->state, 1)) return "the states are no inputs of this graph";
    if (!vet_nodes(g, b->sequences, b->element, 1)) return "the elements are no inputs of this graph";
    if (!vet_nodes(g, b->states, b->initial, 0)) return "an initial state is NULL, bad or of another graph";
    if (!vet_nodes(g, b->states, b->next, 0)) return "a next state is NULL, bad or of another graph";
    if (!vet_nodes(g, b->sequences, b->sequence, 0)) return "a sequence is NULL, bad or of another graph";
    if (!vet_nodes(g, b->results, b->result, 0)) return "a result is NULL, bad or of another graph";
    return NULL;
}

static ag_node *const *keep(ag_graph *g, ag_node *const x[], int n)
{
    return ag_keep(g, n ? x : NULL, (size_t)n * sizeof *x);
}

static ag_status plain(ag_graph *g, const ag_scan_body *b, ag_node *final[], ag_node *stacked[])
{
    ag_loop l;
    memset(&l, 0, sizeof l);
    l.length = b->length;
    l.reverse = b->reverse != 0;
    l.states = b->states;
    l.elements = b->sequences;
    l.results = b->results;
    l.state = keep(g, b->state, b->states);
    l.next = keep(g, b->next, b->states);
    l.element = keep(g, b->element, b->sequences);
    l.result = keep(g, b->result, b->results);
    if (!l.state || !l.next || !l.element || !l.result) return AG_EMEM;
    ag_node *y = ag_loop_node(g, &l, b->initial, b->sequence, NULL);
    for (int k = 0; k < b->states && final; k++) final[k] = ag_is_bad(y) ? y : ag_part(y, ag_part_final(&l, k));
    for (int k = 0; k < b->results && stacked; k++) stacked[k] = ag_is_bad(y) ? y : ag_part(y, ag_part_result(&l, k));
    return ag_graph_status(g);
}

/* ---- segments --------------------------------------------------------------------------------------------------- */

static size_t state_bytes(const ag_scan_body *b)
{
    size_t bytes = 0;
    for (int k = 0; k < b->states; k++)
        bytes += (size_t)ag_count(b->state[k]) * ag_dtype_size((ag_dtype)b->state[k]->dtype);
    return bytes;
}

/* Steps a segment that keep segments + steps states within the budget, else as few states as can be. */
static int64_t segment_length(const ag_scan_body *b)
{
    size_t one = state_bytes(b);
    int64_t best = 1;
    if (!b->max_bytes || (size_t)b->length * one <= b->max_bytes) return b->length;
    for (int64_t k = 1; k <= b->length; k++) {
        int64_t kept = b->length / k + k, least = b->length / best + best;
        if ((size_t)kept * one <= b->max_bytes) return k;
        if (kept < least) best = k;
        if (k > b->length / k) break;
    }
    return best;
}

static ag_node *cut(ag_node *x, int64_t start, int64_t stop, int64_t segments)
{
    ag_node *part = ag_slice(x, 0, start, stop, 1);
    if (ag_is_bad(part)) return part;
    ag_shape s = ag_shape_in(part);
    memmove(s.dim + 2, s.dim + 1, (size_t)(s.rank - 1) * sizeof s.dim[0]);
    s.dim[1] = s.dim[0] / segments;
    s.dim[0] = segments;
    s.rank++;
    return ag_reshape(part, s);
}

static ag_node *flatten(ag_node *x)
{
    if (ag_is_bad(x)) return x;
    ag_shape s = ag_shape_in(x);
    s.dim[1] *= s.dim[0];
    s.rank--;
    memmove(s.dim, s.dim + 1, (size_t)s.rank * sizeof s.dim[0]);
    return ag_reshape(x, s);
}

/* Whole segments: an outer loop whose body is the loop over one. */
static ag_status nested(ag_graph *g, const ag_scan_body *b, int64_t steps, ag_node *final[], ag_node *stacked[])
{
    size_t bytes = (size_t)(b->states + b->sequences + b->results + 1) * sizeof(ag_node *);
    ag_node **state = ag_keep(g, NULL, bytes), **next = ag_keep(g, NULL, bytes), **segment = ag_keep(g, NULL, bytes);
    ag_node **sequence = ag_keep(g, NULL, bytes), **result = ag_keep(g, NULL, bytes);
    if (!state || !next || !segment || !sequence || !result) return AG_EMEM;
    for (int k = 0; k < b->states; k++)
        state[k] = ag_input(g, NULL, (ag_dtype)b->state[k]->dtype, ag_shape_in(b->state[k]));
    for (int k = 0; k < b->sequences; k++) {
        sequence[k] = cut(b->sequence[k], 0, b->length, b->length / steps);
        if (ag_is_bad(sequence[k])) return ag_graph_status(g);
        ag_shape s = ag_shape_in(sequence[k]);
        memmove(s.dim, s.dim + 1, (size_t)--s.rank * sizeof s.dim[0]);
        segment[k] = ag_input(g, NULL, (ag_dtype)sequence[k]->dtype, s);
    }
    ag_scan_body inner = *b, outer = *b;
    inner.length = steps;
    inner.initial = state;
    inner.sequence = segment;
    inner.max_bytes = 0;
    if (plain(g, &inner, next, result)) return ag_graph_status(g);
    outer.length = b->length / steps;
    outer.state = state;
    outer.next = next;
    outer.element = segment;
    outer.sequence = sequence;
    outer.result = result;
    ag_status status = plain(g, &outer, final, stacked);
    for (int k = 0; k < b->results && stacked && !status; k++) stacked[k] = flatten(stacked[k]);
    return status;
}

/* The steps that fill no segment come at the end of the sequence. */
static ag_status segmented(ag_graph *g, const ag_scan_body *b, int64_t steps, ag_node *final[], ag_node *stacked[])
{
    int64_t whole = b->length / steps * steps;
    if (whole == b->length) return nested(g, b, steps, final, stacked);
    size_t bytes = (size_t)(b->states + b->sequences + b->results + 1) * sizeof(ag_node *);
    ag_scan_body part[2] = { *b, *b };
    ag_node **middle = ag_keep(g, NULL, bytes), **out[2];
    for (int h = 0; h < 2; h++) {
        ag_node **sequence = ag_keep(g, NULL, bytes);
        out[h] = ag_keep(g, NULL, bytes);
        if (!middle || !sequence || !out[h]) return AG_EMEM;
        for (int k = 0; k < b->sequences; k++)
            sequence[k] = ag_slice(b->sequence[k], 0, h ? whole : 0, h ? b->length : whole, 1);
        part[h].length = h ? b->length - whole : whole;
        part[h].sequence = sequence;
    }
    part[b->reverse ? 0 : 1].initial = middle;
    ag_status status = AG_OK;
    for (int turn = 0; turn < 2 && !status; turn++) {
        int h = b->reverse ? 1 - turn : turn;
        ag_node **last = turn ? final : middle;
        status = h ? plain(g, &part[1], last, out[1]) : nested(g, &part[0], steps, last, out[0]);
    }
    for (int k = 0; k < b->results && stacked && !status; k++)
        stacked[k] = ag_concat(2, (ag_node *[]){ out[0][k], out[1][k] }, 0);
    return status ? status : ag_graph_status(g);
}

ag_status ag_scan(const ag_scan_body *b, ag_node *final[], ag_node *stacked[])
{
    ag_graph *g = b ? graph_of(b) : NULL;
    if (!g) return AG_EARG;
    const char *why = fault(g, b);
    ag_node *bad = why ? refuse(g, why) : NULL;
    ag_status status = ag_graph_status(g);
    if (!status) {
        int64_t steps = segment_length(b);
        status = steps < b->length ? segmented(g, b, steps, final, stacked) : plain(g, b, final, stacked);
    }
    if (!status) return AG_OK;
    if (!bad) bad = refuse(g, "");
    for (int k = 0; k < b->states && final; k++) final[k] = bad;
    for (int k = 0; k < b->results && stacked; k++) stacked[k] = bad;
    return status;
}

ag_status ag_while(ag_node *test, int states, ag_node *const initial[], ag_node *const state[], ag_node *const next[],
                   int64_t max_steps, ag_node *final[])
{
    ag_graph *g = ag_graph_of(test);
    if (!g || states < 1 || !final) return AG_EARG;
    ag_scan_body b = { .length = max_steps > 0 ? max_steps : AG_UNBOUNDED, .states = states, .initial = initial,
                       .state = state, .next = next };
    const char *why = ag_is_bad(test) ? "the test is a bad node" : fault(g, &b);
    ag_node *y = why ? refuse(g, why) : NULL;
    ag_loop l;
    memset(&l, 0, sizeof l);
    l.length = b.length;
    l.states = states;
    l.test = test;
    if (!why) {
        l.state = keep(g, state, states);
        l.next = keep(g, next, states);
        l.element = keep(g, NULL, 0);
        l.result = keep(g, NULL, 0);
        y = l.state && l.next && l.element && l.result ? ag_loop_node(g, &l, initial, NULL, NULL) : refuse(g, "");
    }
    for (int k = 0; k < states; k++) final[k] = ag_is_bad(y) ? refuse(g, "") : ag_part(y, ag_part_final(&l, k));
    return ag_graph_status(g);
}

ag_status ag_cond(ag_node *predicate, int arguments, ag_node *const value[], ag_node *const argument[], int results,
                  ag_node *const then[], ag_node *const otherwise[], ag_node *out[])
{
    ag_graph *g = ag_graph_of(predicate);
    if (!g || arguments < 0 || results < 1 || !out) return AG_EARG;
    int sound = !ag_is_bad(predicate) && vet_nodes(g, arguments, value, 0) && vet_nodes(g, arguments, argument, 1) &&
                vet_nodes(g, results, then, 0) && vet_nodes(g, results, otherwise, 0);
    ag_node *y = sound ? NULL : refuse(g, "an operand is NULL, bad, of another graph, or an argument is no input");
    if (sound) {
        ag_branch b;
        memset(&b, 0, sizeof b);
        b.arguments = arguments;
        b.results = results;
        b.argument = keep(g, argument, arguments);
        b.then = keep(g, then, results);
        b.otherwise = keep(g, otherwise, results);
        y = b.argument && b.then && b.otherwise ? ag_branch_node(g, &b, predicate, value) : refuse(g, "");
    }
    for (int k = 0; k < results; k++) out[k] = ag_is_bad(y) ? refuse(g, "") : ag_part(y, k);
    return ag_graph_status(g);
}
