/* A convolutional network learns to tell clothes apart, from the 60,000 images of Fashion-MNIST (Xiao, Rasul, Vollgraf,
 * 2017; Debian's package dataset-fashion-mnist), or digits, where they are not there. */
#include "fashion.h"

#include "../../autograd/fit/fit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64 };
static const char usage[] =
    "usage: fashion [--epochs N] [--images N] [--data DIR] [--lenet] [--threads N] [--checkpoint FILE] [--svg FILE]\n"
    "  --epochs N         how many times all images are looked at (3)\n"
    "  --images N         learn from the first N images only\n"
    "  --data DIR         where Fashion-MNIST's four files are (/usr/share/datasets/fashion-mnist)\n"
    "  --lenet            a smaller network, faster and less exact\n"
    "  --threads N        that compute at once (as many as there are processors); what comes of it is the same\n"
    "  --checkpoint FILE  written after each epoch and at Ctrl-C, and gone on from\n"
    "  --svg FILE         the images that were taken for something else (fashion.svg, beside the program)\n";

typedef struct {
    const char *data, *checkpoint, *svg;
    int epochs, images, lenet, threads;
} choices;

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "fashion: %s%s\n", what, why);
    return 1;
}

static int read_choices(choices *c, int n, char **word)
{
    for (int k = 1; k < n; k++) {
        const char *value = k + 1 < n ? word[k + 1] : NULL;
        if (strcmp(word[k], "--lenet") == 0) c->lenet = 1;
        else if (!value) return 0;
        else if (strcmp(word[k], "--epochs") == 0) c->epochs = atoi(word[++k]);
        else if (strcmp(word[k], "--images") == 0) c->images = atoi(word[++k]);
        else if (strcmp(word[k], "--threads") == 0) c->threads = atoi(word[++k]);
        else if (strcmp(word[k], "--data") == 0) c->data = word[++k];
        else if (strcmp(word[k], "--checkpoint") == 0) c->checkpoint = word[++k];
        else if (strcmp(word[k], "--svg") == 0) c->svg = word[++k];
        else return 0;
    }
    return c->epochs > 0 && c->images >= 0 && c->threads > 0;
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

static ag_node *hits(ag_node *logits, ag_node *labels)
{
    return ag_mean(ag_cast(ag_equal(ag_argmax(logits, 1), labels), AG_F32));
}

static void build(ag_graph *g, int64_t rows, ag_fit_model *m, void *context)
{
    m->input[0] = ag_input(g, NULL, AG_F32, AG_SHAPE(rows, 1, SIDE, SIDE));
    m->input[1] = ag_input(g, NULL, AG_I64, AG_SHAPE(rows));
    ag_node *logits = network_logits(context, m->input[0]);
    m->loss = ag_cross_entropy(logits, m->input[1]);
    m->metric[0] = hits(logits, m->input[1]);
    m->update = ag_adam(m->loss, NULL);
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

/* The class that each test image is taken for; the parameters are those of the run. */
static ag_status guess(const network *n, const images *m, const ag_run *trained, unsigned char *out)
{
    enum { ROWS = 100 };
    static float pixels[ROWS * PIXELS];
    const int64_t count = m->test.shape.dim[0] / ROWS * ROWS;
    ag_node *x = ag_input(n->graph, NULL, AG_F32, AG_SHAPE(ROWS, 1, SIDE, SIDE));
    ag_node *y = ag_argmax(network_logits(n, x), 1);
    ag_plan *plan = ag_compile(n->graph, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    ag_status status = run ? ag_run_share(run, trained) : AG_EMEM;
    for (int64_t first = 0; first < count && !status; first += ROWS) {
        ag_array head, rest;
        ag_split_rows(&m->test, first, &head, &rest, NULL);
        ag_take_rows(&rest, ROWS, NULL, 1 / 255.0, 0, AG_F32, pixels, NULL);
        ag_feed(run, x, pixels);
        status = ag_eval(run);
        const int64_t *class = ag_data(run, y);
        for (int i = 0; i < ROWS && !status; i++) out[first + i] = (unsigned char)class[i];
    }
    ag_run_free(run);
    ag_plan_free(plan);
    return status;
}

static int report(const network *n, const images *m, ag_fit *f, const choices *c)
{
    unsigned char *guesses = calloc((size_t)m->test.shape.dim[0], 1);
    double loss, accuracy;
    if (!guesses || guess(n, m, ag_fit_run(f), guesses)) return fail("", "out of memory");
    report_confusion(stdout, m, guesses);
    if (!report_mistakes(c->svg, m, guesses)) return fail("cannot write ", c->svg);
    free(guesses);
    if (ag_fit_test(f, &loss, &accuracy)) return fail("", ag_fit_error(f));
    printf("\n%s: some images that were taken for something else\ntest accuracy %.4f\n", c->svg, accuracy);
    return 0;
}

static int train(const images *m, const choices *c)
{
    ag_problem why;
    ag_array pixels, labels, rest;
    const int64_t count = c->images ? c->images : m->train.shape.dim[0];
    if (ag_split_rows(&m->train, count, &pixels, &rest, &why)) return fail("", why.message);
    if (ag_split_rows(&m->train_labels, count, &labels, &rest, &why)) return fail("", why.message);
    ag_graph *g = ag_graph_new(NULL);
    if (!g) return fail("", "out of memory");
    network n = { .graph = g, .lenet = c->lenet };
    ag_fit *f = ag_fit_new(&(ag_fit_options){ .graph = g, .build = build, .context = &n, .batch = BATCH, .seed = 1,
                           .field = { { .train = &pixels, .test = &m->test, .scale = 1 / 255.0 },
                                      { .train = &labels, .test = &m->test_labels } },
                           .metric = { "accuracy" }, .watch = 1, .epochs = c->epochs, .checkpoint = c->checkpoint,
                           .progress = stdout, .interrupt = 1,
                           .options = { .threads = c->threads } }, &why);
    int failed = 0;
    if (!f) failed = fail("", why.message);
    else if (ag_fit_train(f)) failed = fail("", ag_fit_error(f));
    else failed = report(&n, m, f, c);
    ag_fit_free(f);
    ag_graph_free(g);
    return failed;
}

int main(int count, char **word)
{
    char beside[512];
    choices c = { .data = "/usr/share/datasets/fashion-mnist", .svg = beside, .epochs = 3,
                  .threads = (int)sysconf(_SC_NPROCESSORS_ONLN) };
    images m;
    ag_problem why;
    snprintf(beside, sizeof beside, "%s.svg", word[0]);
    if (!read_choices(&c, count, word)) {
        fputs(usage, stderr);
        return 2;
    }
    if (!images_read(&m, c.data, &why)) {
        images_free(&m);
        printf("%s\nDigits are drawn instead; `make fashion` installs the images where it may.\n\n", why.message);
        if (!images_draw(&m)) return fail("", "out of memory");
    }
    int failed = train(&m, &c);
    images_free(&m);
    return failed;
}
