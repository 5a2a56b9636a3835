/* What goes to files: the graph, for Graphviz, and a function in C. */
#include "derive.h"

#include <string.h>

void write_dot(const task *t)
{
    ag_node *outputs[MOST + MOST], *first = t->formula[0].y;
    int n = 0;
    for (int k = 0; k < t->nformulas; k++) outputs[n++] = t->formula[k].y;
    if (is_derivable(&t->formula[0])) derive_by(t, &t->formula[0], outputs + n), n += t->nwrt;
    ag_plan *plan;
    ag_run *run = evaluate(ag_graph_of(first), n, outputs, &plan);
    FILE *f = create(t->dot);
    if (ag_write_dot(f, n, outputs, run) | fclose(f)) die("%s: cannot be written", t->dot);
    ag_run_free(run);
    ag_plan_free(plan);
}

/* ---- C ------------------------------------------------------------------------------------------------------- */

/* The Greek letter at c, as C has it, of two bytes; 0: there is none. */
static int spell_greek(char to[16], const unsigned char *c)
{
    static const char *const letter[] = { "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota",
                                          "kappa", "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma",
                                          "tau", "upsilon", "phi", "chi", "psi", "omega" };
    int code = (c[0] & 0x1f) << 6 | (c[1] & 0x3f), small = code >= 0x3b1 && code <= 0x3c9;
    if (c[0] >> 1 != 0xce >> 1 || !(small || (code >= 0x391 && code <= 0x3a9))) return 0;
    snprintf(to, 16, "%s", letter[code - (small ? 0x3b1 : 0x391)]);
    if (!small) to[0] = (char)(to[0] - 'a' + 'A');
    return 1;
}

/* A name that C takes: of Greek letters and lowered digits. */
static void spell(char to[256], const char *name)
{
    const unsigned char *c = (const unsigned char *)name;
    size_t used = 0;
    while (*c && used < 240) {
        int greek = spell_greek(to + used, c), lowered = c[0] == 0xe2 && c[1] == 0x82 && c[2] >= 0x80 && c[2] <= 0x89;
        if (greek) used += strlen(to + used);
        else to[used++] = (char)(lowered ? c[2] - 0x80 + '0' : c[0]);
        c += greek ? 2 : lowered ? 3 : 1;
    }
    to[used] = 0;
}

static void rename_node(ag_node *x, const char *name)
{
    char spelled[256];
    spell(spelled, name);
    ag_name(x, spelled);
}

/* A value of its own, of that name: not the caller's, nor another output's. */
static ag_node *output(ag_node *y, const char *name)
{
    ag_node *own = ag_checkpoint(y);
    rename_node(own, name);
    return own;
}

static int add_formula(const task *t, const formula *f, int k, ag_node *out[])
{
    char name[160], value[32] = "value";
    ag_node *dx[MOST];
    int rank = ag_shape_of(f->y).rank, n = 0;
    if (k) snprintf(value, sizeof value, "value%d", k + 1);
    out[n++] = output(f->y, *f->name ? f->name : value);
    if (rank > 1 || ag_type_of(f->y) == AG_I64) return n;
    if (rank == 0) derive_by(t, f, dx);
    for (int i = 0; i < t->nwrt; i++) {
        snprintf(name, sizeof name, "d%s_d%.60s", *f->name ? f->name : k ? value : "", t->by[i]->name);
        out[n++] = output(rank ? ag_jacobian(f->y, t->by[i]->node) : dx[i], name);
    }
    return n;
}

/* The function is called as the files are: the last part of their path. */
static void write_plan(const ag_plan *plan, const char *path)
{
    char message[256] = "", file[4096];
    ag_c_options options = { .message = message, .message_size = sizeof message };
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    FILE *nothing = fopen("/dev/null", "w");
    if (nothing && ag_write_c(plan, name, nothing, NULL, &options)) die("%s", message); /* before files are made */
    if (nothing) fclose(nothing);
    snprintf(file, sizeof file, "%s.c", path);
    FILE *source = create(file);
    snprintf(file, sizeof file, "%s.h", path);
    FILE *header = create(file);
    if (ag_write_c(plan, name, source, header, &options)) die("%s", message);
    if (fclose(source) | fclose(header)) die("%s: cannot be written", path);
}

/* A graph of its own, of which the variables are inputs; equal values are outputs of their own. */
void write_c(const task *t)
{
    static task own;
    ag_node *out[MOST * (MOST + 1)];
    int n = 0;
    ag_graph *g = need(ag_graph_new(NULL));
    own = *t;
    ag_graph_intern(g, 0);
    read_formulas(&own, g, 1);
    for (int i = 0; i < own.nwrt; i++) own.by[i] = &own.variable[t->by[i] - t->variable];
    for (int k = 0; k < own.nformulas; k++) n += add_formula(&own, &own.formula[k], k, out + n);
    for (int i = 0; i < own.nvariables; i++) rename_node(own.variable[i].node, own.variable[i].name);
    ag_plan *plan = ag_graph_status(g) ? NULL : ag_compile(g, n, out, NULL);
    if (!plan) die("%s", ag_graph_error(g));
    write_plan(plan, t->c);
    ag_plan_free(plan);
    ag_graph_free(g);
}
