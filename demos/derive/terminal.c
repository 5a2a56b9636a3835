/* Curves in the terminal: dots of Braille, eight a character; stars where the terminal has no UTF-8. */
#include "derive.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64, ROWS = 12, ACROSS = 2, DOWN = 4, WIDTH = COLUMNS * ACROSS, HEIGHT = ROWS * DOWN, MARGIN = 10 };

typedef struct {
    unsigned char dot[HEIGHT][WIDTH];
} canvas;

static int row_of(double y, double low, double high)
{
    double at = (high - y) / (high - low) * (HEIGHT - 1);
    return at < -1 ? -1 : at > HEIGHT ? HEIGHT : (int)lround(at);
}

/* A column of dots between two heights: steep curves have no gaps. */
static void fill(canvas *c, int x, int from, int to)
{
    for (int y = from < to ? from : to; y <= (from < to ? to : from); y++)
        if (y >= 0 && y < HEIGHT) c->dot[y][x] = 1;
}

static void paint(canvas *c, const plot *p, const double *y, double low, double high)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < p->n; i++) {
        if (!isfinite(y[i])) continue;
        int row = row_of(y[i], low, high), before = is_joined(y, i, low, high) ? row_of(y[i - 1], low, high) : row;
        int next = before + (before < row) - (before > row);
        fill(c, (int)((int64_t)i * (WIDTH - 1) / (p->n - 1)), next, row);
    }
}

/* The axes, where they are in view, behind the curve. */
static const char *axis_at(int row, int column, int zero_row, int zero_column, int braille)
{
    if (row == zero_row && column == zero_column) return braille ? "┼" : "+";
    if (row == zero_row) return braille ? "─" : "-";
    return column == zero_column ? braille ? "│" : "|" : " ";
}

/* The character at a place: U+2800 and a bit for each dot. */
static void print_cell(const canvas *c, int row, int column, const char *behind, int braille)
{
    static const unsigned char bit[DOWN][ACROSS] = { { 1, 8 }, { 2, 16 }, { 4, 32 }, { 64, 128 } };
    unsigned dots = 0;
    for (int y = 0; y < DOWN; y++)
        for (int x = 0; x < ACROSS; x++)
            if (c->dot[row * DOWN + y][column * ACROSS + x]) dots |= bit[y][x];
    if (!dots) fputs(behind, stdout);
    else if (braille) printf("%c%c%c", 0xe2, 0xa0 | (int)(dots >> 6), 0x80 | (int)(dots & 63));
    else putchar('*');
}

static void print_canvas(const canvas *c, const plot *p, double low, double high, int braille)
{
    double from = p->at[0], to = p->at[p->n - 1];
    int zero_row = low < 0 && high > 0 ? row_of(0, low, high) / DOWN : -1;
    int zero_column = from < 0 && to > 0 ? (int)(-from / (to - from) * (WIDTH - 1)) / ACROSS : -1;
    for (int row = 0; row < ROWS; row++) {
        char label[32] = "";
        double y = high - (high - low) * (row * DOWN + 1.5) / (HEIGHT - 1);
        if (row == zero_row) y = 0;
        if (row % 3 == 0 || row == zero_row) write_number(label, y, 3);
        if (row % 3 && row != zero_row) *label = 0;
        printf("%*s %s", MARGIN - 2, label, braille ? "│" : "|");
        for (int column = 0; column < COLUMNS; column++)
            print_cell(c, row, column, axis_at(row, column, zero_row, zero_column, braille), braille);
        printf("\n");
    }
    char left[32], right[32];
    write_number(left, from, 6);
    write_number(right, to, 6);
    printf("%*s%s%*s\n", MARGIN, "", left, COLUMNS - (int)strlen(left), right);
}

void draw_in_terminal(const plot *p)
{
    setlocale(LC_CTYPE, "");
    int braille = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    canvas *c = need(malloc(sizeof *c));
    for (int k = 0; k < p->ncurves; k++) {
        double low, high;
        const double *y = p->curve[k].y;
        find_view(&y, 1, p->n, &low, &high);
        paint(c, p, y, low, high);
        printf("%s%s\n", k ? "\n" : "", p->curve[k].label);
        print_canvas(c, p, low, high, braille);
    }
    free(c);
}
