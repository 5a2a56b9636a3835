/* The nearest name: how many characters are wrong, missing, too many or swapped with their neighbour. */
#include "base.h"

enum { LONGEST = 48 };

static int folded(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment by rows; upper and lower case are the same letter. Both at most LONGEST long. */
static int distance(agi_word a, const char *b, size_t b_length)
{
    int rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_length; j++) last[j] = (int)j;
    for (size_t i = 1; i <= a.length; i++) {
        now[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            int p = folded(a.at[i - 1]), q = folded(b[j - 1]);
            now[j] = smaller(last[j - 1] + (p != q), smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && p == folded(b[j - 2]) && q == folded(a.at[i - 2]))
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        int *free = before;
        before = last;
        last = now;
        now = free;
    }
    return last[b_length];
}

/* A third of the letters may be wrong. */
void agi_nearest_try(agi_nearest *n, const char *candidate)
{
    size_t length = strlen(candidate);
    if (length > LONGEST || n->word.length > LONGEST) return;
    int d = distance(n->word, candidate, length);
    if (d > ((int)n->word.length + 1) / 3 || (n->best && d >= n->distance)) return;
    n->best = candidate;
    n->distance = d;
}
