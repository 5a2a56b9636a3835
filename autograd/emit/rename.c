/* The words of a step's text as others have them, too: the names of its functions and its buffers; integers, where
 * they are not to count. */
#include "share.h"

#include <ctype.h>
#include <stdlib.h>

static int in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static int all_digits(const char *word, size_t n)
{
    size_t k = 0;
    while (k < n && isdigit((unsigned char)word[k])) k++;
    return k == n;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The number of the pointer that the word names; -1: none. */
static int pointer_of(const agi_renaming *r, const char *word, size_t n)
{
    const agi_vector *all = &r->e->sharing->pointers;
    for (int k = 0; k < all->count; k++) {
        const char *name = (const char *)r->from->text.data + ((const agi_pointer *)all->data)[k].name;
        if (!memcmp(name, word, n) && !in_word(name[n])) return k;
    }
    return -1;
}

static const agi_step_part *part_of(const agi_renaming *r, const char *word, size_t n)
{
    const char *text = r->from->text.data;
    for (int k = 0; k < r->parts; k++)
        if (r->part[k].length == n && !memcmp(text + r->part[k].name, word, n)) return &r->part[k];
    return NULL;
}

static void rename_own(const agi_renaming *r, const char *word, size_t n)
{
    const agi_step_part *part = part_of(r, word, n);
    const size_t own = strlen(r->own);
    if (part && part->shared >= 0) ag_emit(r->to, "%s_shared_%d", r->e->top, part->shared);
    else ag_emit(r->to, "%s%.*s", r->name, (int)(n - own), word + own);
}

static int rename_name(const agi_renaming *r, const char *word, size_t n)
{
    const size_t own = strlen(r->own);
    const int buffer = r->arguments && *word == 'b' && n > 1 && all_digits(word + 1, n - 1);
    const int pointer = buffer ? pointer_of(r, word, n) : -1;
    if (n == 1 && *word == 'm' && r->arguments) return 0;
    if (pointer >= 0) ag_emit(r->to, "b%d", pointer);
    else if (n >= own && !memcmp(word, r->own, own) && (n == own || word[own] == '_')) rename_own(r, word, n);
    else agi_source_add(r->to, word, n);
    return 1;
}

/* ---- integers ---------------------------------------------------------------------------------------------------- */

/* The extent of an array that is declared: `float lane[32]`. */
static int is_extent(const char *text, const char *at)
{
    if (at == text || at[-1] != '[') return 0;
    for (at--; at > text && in_word(at[-1]);) at--;
    return at > text + 1 && at[-1] == ' ' && in_word(at[-2]) && (at - text < 7 || memcmp(at - 7, "return ", 7));
}

/* An integer that may be an argument: no part of a fraction, nor of an array's type. */
static int is_integer(const char *text, const char *word, size_t n)
{
    const char before = word > text ? word[-1] : ' ', two = word > text + 1 ? word[-2] : ' ';
    if (!all_digits(word, n) || n > 18 || before == '.' || word[n] == '.') return 0;
    if (strchr("+-", before) && strchr("ep", two) && word > text + 2 && isdigit((unsigned char)word[-3])) return 0;
    return !is_extent(text, word);
}

static void rename_integer(agi_renaming *r, const char *word, size_t n)
{
    const int k = r->integer++;
    if (r->integers && agi_vector_grow(r->to->allocator, r->integers, sizeof(int64_t), 1))
        ((int64_t *)r->integers->data)[r->integers->count++] = strtoll(word, NULL, 10);
    else if (r->integers) r->to->failed = 1;
    if (r->integers) ag_emit(r->to, "#");
    else if (r->argument && r->argument[k] >= 0) ag_emit(r->to, "d%d", r->argument[k]);
    else agi_source_add(r->to, word, n);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Behind the comment that begins here, if one does. */
static const char *comment_end(const char *at, const char *end)
{
    if (end - at < 4 || at[0] != '/' || at[1] != '*') return at;
    for (at += 2; at + 2 < end && (at[0] != '*' || at[1] != '/');) at++;
    return at + 2;
}

/* A sign between words. An array's values begin behind "= {". */
static void take_sign(agi_renaming *r, const char *at)
{
    if (*at == '{') r->values = at[-1] == ' ' && at[-2] == '=';
    else if (*at == '}') r->values = 0;
    agi_source_add(r->to, at, 1);
}

int agi_rename(agi_renaming *r, int64_t from, int64_t to)
{
    const char *text = r->from->text.data, *at = text + from, *end = text + to;
    while (at < end) {
        const char *next = comment_end(at, end);
        if (next == at)
            while (next < end && in_word(*next)) next++;
        const size_t n = (size_t)(next - at);
        if (!n) take_sign(r, at), next++;
        else if (!r->values && is_integer(text, at, n)) rename_integer(r, at, n);
        else if (*at == '/') agi_source_add(r->to, at, n);
        else if (!rename_name(r, at, n)) return 0;
        at = next;
    }
    return 1;
}
