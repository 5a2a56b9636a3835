/* Making up text. */
#include "char_lm.h"

#include <math.h>
#include <string.h>

static double uniform(uint64_t *state) /* above 0, at most 1 */
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(*state >> 11) + 1) * 0x1p-53;
}

/* A number by its probability, which goes with e^(logit / temperature). */
static int choose(const float *logit, int kinds, double temperature, uint64_t *state)
{
    double most = logit[0], sum = 0;
    int k = 0;
    for (int i = 1; i < kinds; i++) most = fmax(most, logit[i]);
    for (int i = 0; i < kinds; i++) sum += exp((logit[i] - most) / temperature);
    for (double left = uniform(state) * sum; k < kinds - 1; k++)
        if ((left -= exp((logit[k] - most) / temperature)) <= 0) break;
    return k;
}

/* The window holds the last characters, `have` of them, from its beginning on. */
static ag_status make_up(FILE *f, ag_run *run, ag_node *codes, ag_node *logits, const text *t, int64_t *window,
                         int have, int count, double temperature, uint64_t *state)
{
    ag_status status = AG_OK;
    for (int i = 0; i < count && !status; i++) {
        status = ag_feed(run, codes, window);
        if (!status) status = ag_eval(run);
        if (status) break;
        const float *row = (const float *)ag_data(run, logits) + (int64_t)(have - 1) * t->kinds;
        int next = choose(row, t->kinds, temperature, state);
        fputc(t->character[next], f);
        if (have == WINDOW) memmove(window, window + 1, (WINDOW - 1) * sizeof *window);
        else have++;
        window[have - 1] = next;
    }
    return status;
}

int sample(FILE *f, model *m, ag_net net, const ag_run *trained, const text *t, const char *start, int count,
           double temperature, uint64_t *state)
{
    int64_t window[WINDOW] = { 0 };
    int have = 0;
    ag_node *codes = ag_input(net.graph, NULL, AG_I64, AG_SHAPE(1, WINDOW)), *logits = m(net, codes, t->kinds);
    ag_plan *plan = ag_compile(net.graph, 1, &logits, NULL);
    ag_run *run = ag_run_new(plan);
    ag_status status = run ? ag_run_share(run, trained) : AG_EMEM;
    for (; *start && have < WINDOW; start++)
        if (t->number[(unsigned char)*start] >= 0) window[have++] = t->number[(unsigned char)*start];
    if (!have) have = 1;
    for (int i = 0; i < have; i++) fputc(t->character[window[i]], f);
    if (!status) status = make_up(f, run, codes, logits, t, window, have, count, temperature, state);
    fputc('\n', f);
    ag_run_free(run);
    ag_plan_free(plan);
    return !status;
}
