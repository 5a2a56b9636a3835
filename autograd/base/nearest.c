/* The nearest name: how many characters are wrong, missing, too many or swapped with their neighbour. */
#include "base.h"

enum { LONGEST = 48 };

static unsigned folded(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Characters of UTF-8, each a number; how many. */
static int letters_of(agi_word w, unsigned letter[LONGEST])
{
    int n = 0;
    for (size_t i = 0; i < w.length; i++) {
        int goes_on = n && (w.at[i] & 0xc0) == 0x80;
        if (goes_on) letter[n - 1] = letter[n - 1] << 8 | folded(w.at[i]);
        else letter[n++] = folded(w.at[i]);
    }
    return n;
}

/* Optimal string alignment by rows; upper and lower case are the same letter. */
static int distance(const unsigned *a, int a_length, const unsigned *b, int b_length)
{
    int rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    for (int j = 0; j <= b_length; j++) last[j] = j;
    for (int i = 1; i <= a_length; i++) {
        now[0] = i;
        for (int j = 1; j <= b_length; j++) {
            unsigned p = a[i - 1], q = b[j - 1];
            now[j] = smaller(last[j - 1] + (p != q), smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && p == b[j - 2] && q == a[i - 2]) now[j] = smaller(now[j], before[j - 2] + 1);
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
    unsigned a[LONGEST], b[LONGEST];
    size_t length = strlen(candidate);
    if (length > LONGEST || n->word.length > LONGEST) return;
    int letters = letters_of(n->word, a), d = distance(a, letters, b, letters_of((agi_word){ candidate, length }, b));
    if (d > (letters + 1) / 3 || (n->best && d >= n->distance)) return;
    n->best = candidate;
    n->distance = d;
}
