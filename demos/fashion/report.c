/* What the network takes the test images for. */
#include "fashion.h"

#include <errno.h>
#include <string.h>

void report_confusion(FILE *f, const images *m, const unsigned char *guess)
{
    int count[CLASSES][CLASSES] = { { 0 } };
    const unsigned char *label = m->test_labels.values;
    for (int64_t i = 0; i < m->test.shape.dim[0]; i++) count[label[i]][guess[i]]++;
    fprintf(f, "\n%-10s taken for\n%-10s", "", "");
    for (int k = 0; k < CLASSES; k++) fprintf(f, " %8s", m->name[k]);
    fputs("   found\n", f);
    for (int k = 0; k < CLASSES; k++) {
        int all = 0;
        fprintf(f, "%-10s", m->name[k]);
        for (int j = 0; j < CLASSES; j++) {
            fprintf(f, " %8d", count[k][j]);
            all += count[k][j];
        }
        fprintf(f, " %6.1f%%\n", all ? 100.0 * count[k][k] / all : 0);
    }
}

/* ---- a picture --------------------------------------------------------------------------------------------------- */

enum { ACROSS = 10, DOWN = 6, CELL_X = 92, CELL_Y = 112, PIXEL = 3 };

/* Runs of equal pixels, white on black and coarser by a sixteenth, so that the file stays small. */
static void draw_image(FILE *f, const unsigned char *pixel, int x, int y)
{
    fprintf(f, "<g transform=\"translate(%d %d)\"><rect width=\"%d\" height=\"%d\"/>\n", x, y, SIDE * PIXEL,
            SIDE * PIXEL);
    for (int row = 0; row < SIDE; row++)
        for (int from = 0, to; from < SIDE; from = to) {
            int shade = pixel[row * SIDE + from] / 16;
            for (to = from + 1; to < SIDE && pixel[row * SIDE + to] / 16 == shade; to++) continue;
            if (shade)
                fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%x%x%x\"/>\n", from * PIXEL,
                        row * PIXEL, (to - from) * PIXEL, PIXEL, shade, shade, shade);
        }
    fputs("</g>\n", f);
}

int report_mistakes(const char *path, const images *m, const unsigned char *guess)
{
    const unsigned char *label = m->test_labels.values, *pixel = m->test.values;
    FILE *f = fopen(path, "w");
    if (!f) return 0;
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
            "font-size=\"11\" text-anchor=\"middle\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            ACROSS * CELL_X, DOWN * CELL_Y);
    int shown = 0;
    for (int64_t i = 0; i < m->test.shape.dim[0] && shown < ACROSS * DOWN; i++) {
        if (label[i] == guess[i]) continue;
        int x = shown % ACROSS * CELL_X + 4, y = shown / ACROSS * CELL_Y + 4;
        draw_image(f, pixel + i * PIXELS, x, y);
        fprintf(f, "<text x=\"%d\" y=\"%d\"><tspan fill=\"#2a2\">%s</tspan>, <tspan fill=\"#c22\">%s</tspan></text>\n",
                x + SIDE * PIXEL / 2, y + SIDE * PIXEL + 14, m->name[label[i]], m->name[guess[i]]);
        shown++;
    }
    fputs("</svg>\n", f);
    return !fclose(f);
}
