/* Inputs without a value, all in one message: by name, and by what reads them. */
#include "run.h"

static void print_reader(agi_text *t, const char *before, const agi_place *leaf)
{
    if (!leaf->reader) return;
    agi_print(t, "%s", before);
    agi_print_node(t, leaf->reader);
}

/* The next unfed one from the plan's k-th leaf on, or NULL. */
static const agi_place *next_unfed(const ag_run *r, int *k)
{
    const ag_plan *p = r->plan;
    while (*k < p->nleaves && r->fed[p->leaf[*k]]) ++*k;
    return *k < p->nleaves ? agi_place_made(p, p->buffer[p->leaf[(*k)++]].node) : NULL;
}

static ag_status refuse_one(ag_run *r, const agi_place *leaf)
{
    agi_fail_run(r, "ag_eval", leaf->node, "has not been fed: call ag_feed");
    agi_text t = { r->message + strlen(r->message), r->message + AGI_MESSAGE_BYTES };
    print_reader(&t, "; it is read by ", leaf);
    return AG_EARG;
}

ag_status agi_refuse_unfed(ag_run *r)
{
    enum { MOST = 4 };
    agi_text t = { r->message, r->message + AGI_MESSAGE_BYTES };
    const agi_place *leaf;
    int n = 0, shown = 0, k = 0;
    while (next_unfed(r, &k)) n++;
    k = 0;
    if (n == 1) return refuse_one(r, next_unfed(r, &k));
    agi_print(&t, "ag_eval: %d inputs have not been fed: call ag_feed for", n);
    while (shown < MOST && (leaf = next_unfed(r, &k))) {
        agi_print(&t, shown++ ? "; " : " ");
        agi_print_node(&t, leaf->made);
        print_reader(&t, ", read by ", leaf);
    }
    if (n > MOST) agi_print(&t, "; and %d more", n - MOST);
    return AG_EARG;
}
