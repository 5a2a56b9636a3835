/* Images: Fashion-MNIST's, or digits drawn here where it is not. */
#include "fashion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void images_free(images *m)
{
    ag_array *const all[] = { &m->train, &m->train_labels, &m->test, &m->test_labels };
    for (int k = 0; k < 4; k++) ag_array_free(all[k]);
}

/* ---- Fashion-MNIST ----------------------------------------------------------------------------------------------- */

static int is_sound(const ag_array *pixels, const ag_array *labels)
{
    const int64_t n = pixels->shape.dim[0];
    if (pixels->element != AG_DATA_U8 || pixels->shape.rank != 3 || pixels->shape.dim[1] != SIDE ||
        pixels->shape.dim[2] != SIDE || labels->element != AG_DATA_U8 || labels->shape.rank != 1 ||
        labels->shape.dim[0] != n || n < 1)
        return 0;
    for (int64_t i = 0; i < n; i++)
        if (((unsigned char *)labels->values)[i] >= CLASSES) return 0;
    return 1;
}

int images_read(images *m, const char *folder, ag_problem *why)
{
    static const char *const clothes[] = { "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                           "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Boot" };
    static const char *const file[] = { "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" };
    ag_array *const all[] = { &m->train, &m->train_labels, &m->test, &m->test_labels };
    *m = (images){ .name = clothes };
    for (int k = 0; k < 4; k++) {
        char path[512];
        snprintf(path, sizeof path, "%.400s/%s.gz", folder, file[k]);
        if (!ag_read_idx(all[k], path, why)) continue;
        snprintf(path, sizeof path, "%.400s/%s", folder, file[k]);
        if (ag_read_idx(all[k], path, NULL)) return 0;
    }
    if (is_sound(&m->train, &m->train_labels) && is_sound(&m->test, &m->test_labels)) return 1;
    snprintf(why->message, sizeof why->message, "%.200s: not images of 28 x 28 bytes with labels from 0 to 9", folder);
    return 0;
}

/* ---- digits ------------------------------------------------------------------------------------------------------ */

static double uniform(uint64_t *state, double low, double high)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(*state >> 11) * 0x1p-53;
}

/* The distance of a point from a stroke. */
static double distance(double x, double y, const double s[4])
{
    double dx = s[2] - s[0], dy = s[3] - s[1];
    double t = ((x - s[0]) * dx + (y - s[1]) * dy) / (dx * dx + dy * dy);
    t = fmax(0, fmin(1, t));
    return hypot(x - s[0] - t * dx, y - s[1] - t * dy);
}

/* A digit of straight strokes between the six corners of two squares, moved, turned, slanted, of any width and ink. */
static void draw_digit(unsigned char *pixel, int digit, uint64_t *state)
{
    static const double stroke[7][4] = { { -4, -8, 4, -8 }, { 4, -8, 4, 0 }, { 4, 0, 4, 8 }, { -4, 8, 4, 8 },
                                         { -4, 0, -4, 8 },  { -4, -8, -4, 0 }, { -4, 0, 4, 0 } };
    static const unsigned char drawn[10] = { 0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F };
    const double turn = uniform(state, -0.35, 0.35), slant = uniform(state, -0.3, 0.3);
    const double size = uniform(state, 0.7, 1.15);
    const double middle_x = uniform(state, 10.5, 16.5), middle_y = uniform(state, 10.5, 16.5);
    const double width = uniform(state, 0.8, 1.8), ink = uniform(state, 120, 255), noise = uniform(state, 10, 60);
    for (int i = 0; i < PIXELS; i++) {
        double u = (i % SIDE - middle_x) / size, v = (i / SIDE - middle_y) / size, nearest = INFINITY;
        double x = cos(turn) * u + sin(turn) * v + slant * v, y = cos(turn) * v - sin(turn) * u;
        for (int k = 0; k < 7; k++)
            if (drawn[digit] >> k & 1) nearest = fmin(nearest, distance(x, y, stroke[k]));
        double value = ink * fmax(0, fmin(1, width + 0.5 - nearest)) + uniform(state, 0, noise);
        pixel[i] = (unsigned char)fmin(255, value);
    }
}

static int draw(ag_array *pixels, ag_array *labels, int64_t n, uint64_t seed)
{
    *pixels = (ag_array){ .shape = AG_SHAPE(n, SIDE, SIDE), .values = malloc((size_t)n * PIXELS) };
    *labels = (ag_array){ .shape = AG_SHAPE(n), .values = malloc((size_t)n) };
    if (!pixels->values || !labels->values) return 0;
    for (int64_t i = 0; i < n; i++) {
        unsigned char *label = (unsigned char *)labels->values + i;
        *label = (unsigned char)uniform(&seed, 0, CLASSES);
        draw_digit((unsigned char *)pixels->values + i * PIXELS, *label, &seed);
    }
    return 1;
}

int images_draw(images *m)
{
    static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
    *m = (images){ .name = digits };
    return draw(&m->train, &m->train_labels, 12000, 1) && draw(&m->test, &m->test_labels, 2000, 2);
}
