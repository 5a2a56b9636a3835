/* GradBench's messages: one JSON object a line in, one a line out. */
#include "eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const eval *const EVALS[] = { &hello_eval, &gmm_eval,  &ba_eval,  &ht_eval,  &lstm_eval,     &kmeans_eval,
                                     &llsq_eval,  &lse_eval,  &ode_eval, &det_eval, &particle_eval, &saddle_eval };
enum { COUNT = sizeof EVALS / sizeof *EVALS, PRINT = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17) };

static const double LONGEST = 3600; /* seconds, and */
static const int64_t MOST = 10 * 1000 * 1000; /* evaluations, that a message may ask for */

const eval *find_eval(const char *module)
{
    for (int i = 0; i < COUNT; i++)
        if (module && !strcmp(EVALS[i]->module, module)) return EVALS[i];
    return NULL;
}

int find_function(const eval *e, const char *function)
{
    for (int i = 0; e->functions[i]; i++)
        if (function && !strcmp(e->functions[i], function)) return i;
    return -1;
}

int evaluate_once(const eval *e, problem *p, reason *why)
{
    return e->evaluate ? e->evaluate(p, why) : model_run(p->model, 0, why);
}

/* ---- measuring -------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t prepare;   /* nanoseconds, as all of these */
    int64_t *evaluate; /* one for each evaluation */
    int64_t count, room;
} timings;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int note(timings *t, int64_t nanoseconds, reason *why)
{
    if (t->count == t->room) {
        int64_t room = t->room ? 2 * t->room : 64;
        int64_t *grown = realloc(t->evaluate, (size_t)room * sizeof *grown);
        if (!grown) return refuse(why, "out of memory");
        t->evaluate = grown;
        t->room = room;
    }
    t->evaluate[t->count++] = nanoseconds;
    return 0;
}

static int read_limits(const json_t *input, int64_t *runs, double *seconds, reason *why)
{
    *runs = 1;
    *seconds = 0;
    if (json_object_get(input, "min_runs") && read_integer(input, "min_runs", 0, MOST, runs, why)) return -1;
    if (json_object_get(input, "min_seconds") && read_number(input, "min_seconds", seconds, why)) return -1;
    if (!(*seconds <= LONGEST)) return refuse(why, "min_seconds: more than %g", LONGEST);
    if (*runs < 1) *runs = 1;
    return 0;
}

static int repeat(const eval *e, problem *p, const json_t *input, timings *t, reason *why)
{
    int64_t runs, spent = 0;
    double seconds;
    if (read_limits(input, &runs, &seconds, why)) return -1;
    int64_t start = now();
    if (e->prepare(p, why)) return -1;
    t->prepare = now() - start;
    while (t->count < runs || ((double)spent < seconds * 1e9 && t->count < MOST)) {
        start = now();
        if (evaluate_once(e, p, why)) return -1;
        int64_t took = now() - start;
        spent += took;
        if (note(t, took, why)) return -1;
    }
    return 0;
}

/* The function's result, or NULL and a reason. */
static json_t *measure(cache *c, const json_t *message, timings *t, reason *why)
{
    const char *module = json_string_value(json_object_get(message, "module"));
    const char *name = json_string_value(json_object_get(message, "function"));
    const json_t *input = json_object_get(message, "input");
    const eval *e = find_eval(module);
    if (!e) return refuse(why, "no such module: %.40s", module ? module : "(none)"), NULL;
    int function = find_function(e, name);
    if (function < 0) return refuse(why, "%s has no function %.40s", e->module, name ? name : "(none)"), NULL;
    if (!input) return refuse(why, "no input"), NULL;
    problem *p = calloc(1, e->size);
    if (!p) return refuse(why, "out of memory"), NULL;
    p->function = function;
    p->cache = c;
    json_t *output = NULL;
    if (!e->parse(p, input, why) && !repeat(e, p, input, t, why)) {
        output = e->output(p);
        if (!output) refuse(why, "the result is not finite");
    }
    e->release(p);
    free(p);
    return output;
}

/* ---- answering -------------------------------------------------------------------------------------------------- */

static void print_reason(reason *why, FILE *out)
{
    json_t *text = json_string(why->text);
    if (!text) { /* a character of several bytes was cut */
        for (char *at = why->text; *at; at++)
            if (*at & 0x80) *at = '?';
        text = json_string(why->text);
    }
    fprintf(out, ",\"success\":false,\"error\":");
    if (!text || json_dumpf(text, out, PRINT)) fprintf(out, "\"out of memory\"");
    json_decref(text);
}

static void answer_define(const json_t *message, FILE *out)
{
    const char *module = json_string_value(json_object_get(message, "module"));
    reason why = { "" };
    if (find_eval(module)) {
        fprintf(out, ",\"success\":true");
        return;
    }
    refuse(&why, "no such module: %.40s", module ? module : "(none)");
    print_reason(&why, out);
}

static void answer_evaluate(cache *c, const json_t *message, FILE *out)
{
    reason why = { "" };
    timings t = { 0 };
    json_t *output = measure(c, message, &t, &why);
    if (output) {
        fprintf(out, ",\"success\":true,\"output\":");
        json_dumpf(output, out, PRINT);
        fprintf(out, ",\"timings\":[{\"name\":\"prepare\",\"nanoseconds\":%lld}", (long long)t.prepare);
        for (int64_t i = 0; i < t.count; i++)
            fprintf(out, ",{\"name\":\"evaluate\",\"nanoseconds\":%lld}", (long long)t.evaluate[i]);
        fprintf(out, "]");
        json_decref(output);
    } else {
        print_reason(&why, out);
    }
    free(t.evaluate);
}

static void answer_message(cache *c, const json_t *message, FILE *out)
{
    const char *kind = json_string_value(json_object_get(message, "kind"));
    const json_t *id = json_object_get(message, "id");
    fprintf(out, "{\"id\":");
    if (!id || json_dumpf(id, out, PRINT)) fprintf(out, "null");
    if (!kind) kind = "";
    if (!strcmp(kind, "start")) fprintf(out, ",\"tool\":\"autograd\"");
    else if (!strcmp(kind, "define")) answer_define(message, out);
    else if (!strcmp(kind, "evaluate")) answer_evaluate(c, message, out);
    fprintf(out, "}\n");
}

void answer(cache *c, const char *line, size_t length, FILE *out)
{
    json_error_t error;
    json_t *message = json_loadb(line, length, 0, &error);
    if (json_is_object(message)) {
        answer_message(c, message, out);
    } else {
        reason why = { "" };
        refuse(&why, "not a message: %s", message ? "not an object" : error.text);
        fprintf(out, "{\"id\":null");
        print_reason(&why, out);
        fprintf(out, "}\n");
    }
    json_decref(message);
}
