/* A model learns to write, character by character, from any text: its own sources, if no other is named. */
#include "char_lm.h"

#include "../../autograd/fit/fit.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 32 };
static const char usage[] =
    "usage: char_lm [FILE] [--gpt] [--epochs N] [--rate R] [--sample N] [--start TEXT] [--checkpoint FILE]\n"
    "  FILE               the text; the sources below this folder\n"
    "  --gpt              a transformer; else an LSTM\n"
    "  --epochs N         how many times all of it is read (1)\n"
    "  --rate R           Adam's (0.002)\n"
    "  --sample N         characters to make up at the end (500), --start what they follow\n"
    "  --checkpoint FILE  written after each epoch and at Ctrl-C, and gone on from\n";

typedef struct {
    const char *file, *start, *checkpoint;
    int gpt, epochs, sample, kinds;
    double rate;
    ag_net net;
} job;

static int fail(const char *why)
{
    fprintf(stderr, "char_lm: %s\n", why);
    return 1;
}

static int read_words(job *j, int n, char **word)
{
    for (int k = 1; k < n; k++) {
        const char *value = k + 1 < n ? word[k + 1] : NULL;
        if (strcmp(word[k], "--gpt") == 0) j->gpt = 1;
        else if (word[k][0] != '-' && !j->file) j->file = word[k];
        else if (!value) return 0;
        else if (strcmp(word[k], "--epochs") == 0) j->epochs = atoi(word[++k]);
        else if (strcmp(word[k], "--rate") == 0) j->rate = atof(word[++k]);
        else if (strcmp(word[k], "--sample") == 0) j->sample = atoi(word[++k]);
        else if (strcmp(word[k], "--start") == 0) j->start = word[++k];
        else if (strcmp(word[k], "--checkpoint") == 0) j->checkpoint = word[++k];
        else return 0;
    }
    return j->epochs > 0 && j->rate > 0 && j->sample >= 0;
}

static model *chosen(const job *j)
{
    return j->gpt ? gpt_logits : lstm_logits;
}

static void build(ag_graph *g, int64_t rows, ag_fit_model *f, void *context)
{
    const job *j = context;
    f->input[0] = ag_input(g, NULL, AG_I64, AG_SHAPE(rows, WINDOW));
    f->input[1] = ag_input(g, NULL, AG_I64, AG_SHAPE(rows, WINDOW));
    ag_node *logits = chosen(j)(j->net, f->input[0], j->kinds);
    f->loss = ag_cross_entropy(logits, ag_reshape(f->input[1], AG_SHAPE(rows * WINDOW)));
    f->metric[0] = ag_exp(f->loss);
    f->update = ag_adam(f->loss, &(ag_adam_options){ .rate = j->rate, .clip_norm = 1 });
}

/* Windows that follow one another; what is to come after each character lies one further. */
static ag_array windows(const text *t, int64_t first, int64_t count)
{
    return (ag_array){ .element = AG_DATA_U8, .shape = AG_SHAPE(count, WINDOW), .values = t->code + first };
}

static int train(job *j, ag_graph *g, const text *t)
{
    const int64_t all = (t->length - 1) / WINDOW, tests = all / 20 + 1, trained = all - tests;
    const ag_array x = windows(t, 0, trained), y = windows(t, 1, trained);
    const ag_array test_x = windows(t, trained * WINDOW, tests), test_y = windows(t, trained * WINDOW + 1, tests);
    ag_problem why;
    uint64_t state = 1;
    ag_fit *f = ag_fit_new(&(ag_fit_options){ .graph = g, .build = build, .context = j, .batch = ROWS,
                           .epochs = j->epochs, .metric = { "perplexity" }, .checkpoint = j->checkpoint,
                           .field = { { .train = &x, .test = &test_x }, { .train = &y, .test = &test_y } },
                           .progress = stdout, .interrupt = 1 }, &why);
    if (!f) return fail(why.message);
    int failed = ag_fit_train(f) ? fail(ag_fit_error(f)) : 0;
    if (!failed) puts("");
    if (!failed && !sample(stdout, chosen(j), j->net, ag_fit_run(f), t, j->start, j->sample, 0.7, &state))
        failed = fail(ag_graph_error(g));
    ag_fit_free(f);
    return failed;
}

int main(int count, char **word)
{
    job j = { .epochs = 1, .rate = 0.002, .sample = 500, .start = "\n/* " };
    text t;
    ag_problem why;
    if (!read_words(&j, count, word)) {
        fputs(usage, stderr);
        return 2;
    }
    if (!text_read(&t, j.file, &why)) return fail(why.message);
    printf("%lld characters of %d kinds\n", (long long)t.length, t.kinds);
    ag_graph *g = ag_graph_new(NULL);
    if (!g) return fail("out of memory");
    j.net = ag_net_new(g, AG_F32, 1);
    j.kinds = t.kinds;
    int failed = train(&j, g, &t);
    ag_graph_free(g);
    text_free(&t);
    return failed;
}
