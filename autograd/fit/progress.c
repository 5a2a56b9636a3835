/* How far training is, for people: a line that is written over on a terminal, plain lines elsewhere. */
#include "fitting.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static const double often = 0.1, seldom = 10; /* seconds between lines about steps: on a terminal, elsewhere */

double agi_fit_seconds(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - since->tv_sec) + 1e-9 * (double)(now.tv_nsec - since->tv_nsec);
}

static int is_terminal(const ag_fit *f)
{
    int file = fileno(f->o.progress);
    return file >= 0 && isatty(file);
}

/* The line under way, if there is one, ends as `text` has it. */
static void write_line(ag_fit *f, const char *text, int stays)
{
    int terminal = is_terminal(f);
    fprintf(f->o.progress, "%s%s%s%s", terminal ? "\r" : "", text, terminal ? "\033[K" : "",
            stays || !terminal ? "\n" : "");
    fflush(f->o.progress);
    clock_gettime(CLOCK_MONOTONIC, &f->shown);
}

void agi_fit_show_line(ag_fit *f, const char *format, ...)
{
    char text[512];
    va_list args;
    if (!f->o.progress) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    write_line(f, text, 1);
}

static size_t print(char *text, size_t n, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t print(char *text, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int more = vsnprintf(text + n, 512 - n, format, args);
    va_end(args);
    return more > 0 && n + (size_t)more < 511 ? n + (size_t)more : 511;
}

/* "loss 0.4312  accuracy 0.8451" */
static size_t print_values(const ag_fit *f, char *text, size_t n, const char *which, double loss, const double *metric)
{
    n = print(text, n, "  %sloss %.4g", which, loss);
    for (int k = 0; k < f->metrics; k++) n = print(text, n, "  %s %.4f", f->o.metric[k], metric[k]);
    return n;
}

static double speed(const ag_fit *f)
{
    return (double)f->steps_here * (double)f->batch / agi_fit_seconds(&f->start);
}

void agi_fit_show_step(ag_fit *f)
{
    char text[512];
    if (!f->o.progress || agi_fit_seconds(&f->shown) < (is_terminal(f) ? often : seldom)) return;
    const int64_t steps = agi_fit_steps(f);
    double left = (double)((f->o.epochs - f->now.epoch) * steps - f->now.step) * (double)f->batch / speed(f);
    size_t n = print(text, 0, "epoch %d/%d  step %lld/%lld", f->now.epoch + 1, f->o.epochs, (long long)f->now.step,
                     (long long)steps);
    n = print_values(f, text, n, "", f->now.loss, f->now.metric);
    print(text, n, "  %.0f/s  %lld:%02lld left", speed(f), (long long)left / 60, (long long)left % 60);
    write_line(f, text, 0);
}

void agi_fit_show_epoch(ag_fit *f)
{
    char text[512];
    if (!f->o.progress) return;
    size_t n = print(text, 0, "epoch %d/%d", f->now.epoch, f->o.epochs);
    n = print_values(f, text, n, "", f->now.loss, f->now.metric);
    if (f->tested) n = print_values(f, text, n, "test ", f->now.test_loss, f->now.test_metric);
    print(text, n, "  %.0f/s  %.1f s%s", speed(f), agi_fit_seconds(&f->start),
          f->now.best_epoch == f->now.epoch ? "  best" : "");
    write_line(f, text, 1);
}
