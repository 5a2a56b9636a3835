/* The epochs so far as SVG: a panel for the loss and for each metric, training and tests in each. */
#include "fitting.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 420, HEIGHT = 260, LEFT = 56, RIGHT = 16, TOP = 34, BOTTOM = 34, TICKS = 5 };
static const char *const colour[] = { "#1f77b4", "#d62728" };

typedef struct {
    const ag_fit *f;
    FILE *file;
    int number; /* 0: the loss; k: metric[k - 1] */
    double low, high, last; /* the values' range; the last epoch */
} panel;

static double value(const panel *p, int64_t epoch, int test)
{
    const ag_fit *f = p->f;
    return f->history[epoch * agi_fit_columns(f) + 1 + p->number + test * (1 + f->metrics)];
}

static double x_of(const panel *p, double epoch)
{
    double part = p->last > 1 ? (epoch - 1) / (p->last - 1) : 0.5;
    return p->number * WIDTH + LEFT + part * (WIDTH - LEFT - RIGHT);
}

static double y_of(const panel *p, double v)
{
    return TOP + (p->high - v) / (p->high - p->low) * (HEIGHT - TOP - BOTTOM);
}

/* The range of what is finite, wider by a little, never empty. */
static void find_range(panel *p)
{
    p->low = INFINITY, p->high = -INFINITY;
    for (int64_t i = 0; i < p->f->epochs_kept; i++)
        for (int test = 0; test <= p->f->tested; test++) {
            double v = value(p, i, test);
            if (!isfinite(v)) continue;
            p->low = fmin(p->low, v), p->high = fmax(p->high, v);
        }
    if (p->low > p->high) p->low = 0, p->high = 1;
    double margin = p->high > p->low ? 0.05 * (p->high - p->low) : fmax(0.01 * fabs(p->high), 1e-300);
    p->low -= margin, p->high += margin;
}

static void draw_axes(const panel *p)
{
    static const double nice[] = { 1, 2, 5, 10 };
    const double least = (p->high - p->low) / TICKS, power = pow(10, floor(log10(least)));
    double unit = power;
    for (int k = 0; unit < least && k < 4; k++) unit = nice[k] * power;
    for (double v = ceil(p->low / unit) * unit; v <= p->high; v += unit) {
        fprintf(p->file, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", x_of(p, 1),
                x_of(p, p->last), y_of(p, v), y_of(p, v));
        fprintf(p->file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
                p->number * WIDTH + LEFT - 6, y_of(p, v) + 4, fabs(v) < unit / 2 ? 0 : v);
    }
    double every = fmax(1, ceil(p->last / 8));
    for (double e = 1; e <= p->last; e += every)
        fprintf(p->file, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x_of(p, e), HEIGHT - 14, e);
}

static void draw_line(const panel *p, int test)
{
    const int columns = agi_fit_columns(p->f);
    fprintf(p->file, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour[test]);
    for (int64_t i = 0; i < p->f->epochs_kept; i++)
        if (isfinite(value(p, i, test)))
            fprintf(p->file, "%.1f,%.1f ", x_of(p, p->f->history[i * columns]), y_of(p, value(p, i, test)));
    fputs("\"/>\n", p->file);
    for (int64_t i = 0; i < p->f->epochs_kept; i++)
        if (isfinite(value(p, i, test)))
            fprintf(p->file, "<circle r=\"2.5\" fill=\"%s\" cx=\"%.1f\" cy=\"%.1f\"/>\n", colour[test],
                    x_of(p, p->f->history[i * columns]), y_of(p, value(p, i, test)));
}

static void draw_text(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '<') fputs("&lt;", f);
        else if (*text == '&') fputs("&amp;", f);
        else fputc(*text, f);
    }
}

static void draw_panel(panel *p)
{
    const ag_fit *f = p->f;
    find_range(p);
    draw_axes(p);
    fprintf(p->file, "<text x=\"%d\" y=\"20\" font-size=\"14\" font-weight=\"bold\">", p->number * WIDTH + LEFT);
    draw_text(p->file, p->number ? f->o.metric[p->number - 1] : "loss");
    fputs("</text>\n", p->file);
    for (int test = 0; test <= f->tested; test++) {
        draw_line(p, test);
        fprintf(p->file, "<text x=\"%d\" y=\"20\" fill=\"%s\" text-anchor=\"end\">%s</text>\n",
                (p->number + 1) * WIDTH - RIGHT - 60 * (f->tested - test), colour[test], test ? "test" : "training");
    }
}

ag_status agi_fit_draw(ag_fit *f)
{
    FILE *file = fopen(f->o.svg, "we");
    const int panels = 1 + f->metrics;
    if (!file) return agi_fit_fail(f, AG_EIO, "'%.120s': %s", f->o.svg, strerror(errno));
    fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"white\"/>\n", panels * WIDTH, HEIGHT, panels * WIDTH, HEIGHT);
    for (int k = 0; k < panels; k++)
        draw_panel(&(panel){ .f = f, .file = file, .number = k,
                             .last = f->history[(f->epochs_kept - 1) * agi_fit_columns(f)] });
    fputs("</svg>\n", file);
    int wrong = ferror(file);
    if (!fclose(file) && !wrong) return AG_OK;
    return agi_fit_fail(f, AG_EIO, "'%.120s' cannot be written: %s", f->o.svg, strerror(errno));
}
