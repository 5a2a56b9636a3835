/* Curves as a picture: formulas drawn through, their derivatives dashed, all on one pair of axes. */
#include "derive.h"

#include <math.h>

enum { WIDTH = 720, HEIGHT = 440, LEFT = 70, RIGHT = 20, TOP = 20, BOTTOM = 46 };

typedef struct {
    FILE *f;
    const plot *p;
    double from, to, low, high;
} picture;

static const char *const color[] = { "#1f5fa8", "#c2571a", "#2f7d3b", "#8a3fa0", "#a8891f", "#5b5b5b" };
enum { COLORS = sizeof color / sizeof color[0] };

static double across(const picture *s, double x)
{
    return LEFT + (x - s->from) / (s->to - s->from) * (WIDTH - LEFT - RIGHT);
}

/* Far outside is as far as any. */
static double down(const picture *s, double y)
{
    double part = fmin(fmax((s->high - y) / (s->high - s->low), -1), 2);
    return TOP + part * (HEIGHT - TOP - BOTTOM);
}

static void text(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '<') fputs("&lt;", f);
        else if (*s == '>') fputs("&gt;", f);
        else if (*s == '&') fputs("&amp;", f);
        else fputc(*s, f);
    }
}

/* A number on an axis, of which a step is this long: nought is no small number. */
static void tick_text(const picture *s, double x, double y, const char *anchor, double value, double step)
{
    char label[32];
    write_number(label, fabs(value) < step / 2 ? 0 : value, 6);
    fprintf(s->f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" stroke=\"none\">%s</text>\n", x, y, anchor, label);
}

/* The axes, where they are in view, are darker. */
static const char *grid_color(double value, double step)
{
    return fabs(value) < step / 2 ? "#888" : "#e4e4e4";
}

static void grid(const picture *s)
{
    const int bottom = HEIGHT - BOTTOM, right = WIDTH - RIGHT;
    double step = nice_step(s->from, s->to, 9);
    fprintf(s->f, "<g fill=\"#444\" font-size=\"12\">\n");
    for (double x = ceil(s->from / step) * step; x <= s->to + step * 1e-9; x += step) {
        fprintf(s->f, "<path stroke=\"%s\" d=\"M%.1f %dV%d\"/>", grid_color(x, step), across(s, x), TOP, bottom);
        tick_text(s, across(s, x), bottom + 17, "middle", x, step);
    }
    step = nice_step(s->low, s->high, 8);
    for (double y = ceil(s->low / step) * step; y <= s->high + step * 1e-9; y += step) {
        fprintf(s->f, "<path stroke=\"%s\" d=\"M%d %.1fH%d\"/>", grid_color(y, step), LEFT, down(s, y), right);
        tick_text(s, LEFT - 8, down(s, y) + 4, "end", y, step);
    }
    fprintf(s->f, "</g>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-style=\"italic\">", right, HEIGHT - 10);
    text(s->f, s->p->x->name);
    fprintf(s->f, "</text>\n");
}

/* How curve k is drawn: a formula and its derivative have one colour. */
static void style(const picture *s, int k)
{
    fprintf(s->f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s", color[k / 2 % COLORS],
            s->p->curve[k].is_derivative ? " stroke-dasharray=\"6 4\"" : "");
}

static void line(const picture *s, int k)
{
    const double *y = s->p->curve[k].y;
    style(s, k);
    fprintf(s->f, " clip-path=\"url(#view)\" stroke-linejoin=\"round\" d=\"");
    for (int i = 0; i < s->p->n; i++)
        if (isfinite(y[i]))
            fprintf(s->f, "%c%.1f %.1f", is_joined(y, i, s->low, s->high) ? 'L' : 'M', across(s, s->p->at[i]),
                    down(s, y[i]));
    fprintf(s->f, "\"/>\n");
}

/* How many points of the curves lie in a box. */
static int points_in(const picture *s, int x, int y, int width, int height)
{
    int n = 0;
    for (int k = 0; k < s->p->ncurves; k++)
        for (int i = 0; i < s->p->n; i++) {
            double px = across(s, s->p->at[i]), py = down(s, s->p->curve[k].y[i]);
            n += px >= x && px <= x + width && py >= y && py <= y + height;
        }
    return n;
}

/* The corner where a box of that size hides the least, the upper right one if it hides nothing. */
static void choose_corner(const picture *s, int width, int height, int *x, int *y)
{
    int least = -1;
    for (int corner = 0; corner < 4; corner++) {
        int at_x = corner % 2 ? LEFT + 8 : WIDTH - RIGHT - width - 8;
        int at_y = corner / 2 ? HEIGHT - BOTTOM - height - 8 : TOP + 8, n = points_in(s, at_x, at_y, width, height);
        if (least >= 0 && n >= least) continue;
        least = n;
        *x = at_x;
        *y = at_y;
    }
}

/* Names, each with a piece of its line, in a corner. */
static void legend(const picture *s)
{
    int longest = 0, x = 0, y = 0;
    for (int k = 0; k < s->p->ncurves; k++)
        if (characters(s->p->curve[k].label) > longest) longest = characters(s->p->curve[k].label);
    int width = 58 + 8 * longest, height = 20 * s->p->ncurves + 8;
    choose_corner(s, width, height, &x, &y);
    fprintf(s->f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#fff\" fill-opacity=\"0.85\" "
                  "stroke=\"#ccc\"/>\n", x, y, width, height);
    for (int k = 0; k < s->p->ncurves; k++) {
        int middle = y + 16 + 20 * k;
        style(s, k);
        fprintf(s->f, " d=\"M%d %dh32\"/><text x=\"%d\" y=\"%d\">", x + 8, middle, x + 48, middle + 4);
        text(s->f, s->p->curve[k].label);
        fprintf(s->f, "</text>\n");
    }
}

void draw_svg(const plot *p, const char *path)
{
    const double *y[2 * MOST];
    picture s = { create(path), p, p->at[0], p->at[p->n - 1], 0, 0 };
    for (int k = 0; k < p->ncurves; k++) y[k] = p->curve[k].y;
    find_view(y, p->ncurves, p->n, &s.low, &s.high);
    fprintf(s.f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                 "font-family=\"sans-serif\" font-size=\"14\">\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
                 "<clipPath id=\"view\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    grid(&s);
    for (int k = p->ncurves; k-- > 0;) line(&s, k);
    legend(&s);
    fprintf(s.f, "</svg>\n");
    if (ferror(s.f) | fclose(s.f)) die("%s: cannot be written", path);
    printf("%s shows %s", path, p->curve[0].label);
    for (int k = 1; k < p->ncurves; k++) printf(", %s", p->curve[k].label);
    printf("\n");
}
