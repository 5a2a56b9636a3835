/* Growing text. */
#include "base.h"

#include <ctype.h>
#include <stdio.h>

void agi_source_add(ag_source *s, const char *text, size_t n)
{
    if (s->failed || !agi_vector_grow(s->allocator, &s->text, 1, (int64_t)n)) {
        s->failed = 1;
        return;
    }
    memcpy((char *)s->text.data + s->text.count, text, n);
    s->text.count += (int64_t)n;
}

void ag_emit(ag_source *s, const char *format, ...)
{
    char line[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(line, sizeof line, format, args);
    if (n < (int)sizeof line) {
        agi_source_add(s, line, n < 0 ? 0 : (size_t)n);
    } else if (s->failed || !agi_vector_grow(s->allocator, &s->text, 1, (int64_t)n + 1)) {
        s->failed = 1;
    } else {
        vsnprintf((char *)s->text.data + s->text.count, (size_t)n + 1, format, again);
        s->text.count += n;
    }
    va_end(again);
    va_end(args);
}

int ag_lies_there(const ag_source *s, uint32_t k)
{
    return s->in[k] == UINT32_MAX;
}

void agi_source_free(ag_source *s)
{
    agi_release(s->allocator, s->text.data);
    s->text = (agi_vector){ 0 };
}

void agi_source_append(ag_source *s, const ag_source *more)
{
    s->failed |= more->failed;
    if (more->text.count) agi_source_add(s, more->text.data, (size_t)more->text.count);
}

void agi_source_append_lines(ag_source *s, const ag_source *more, int depth)
{
    const char *text = more->text.data, *end = text ? text + more->text.count : NULL;
    s->failed |= more->failed;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *next = newline ? newline + 1 : end;
        for (int k = 0; k < depth; k++) agi_source_add(s, "    ", 4);
        agi_source_add(s, text, (size_t)(next - text));
        text = next;
    }
}

static int in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

int agi_source_has(const ag_source *s, const char *word)
{
    size_t n = strlen(word);
    const char *text = s->text.data, *end = text ? text + s->text.count : NULL;
    for (const char *p = text; p && end - p >= (ptrdiff_t)n; p++) {
        p = memchr(p, word[0], (size_t)(end - p) - n + 1);
        if (!p) return 0;
        int whole = (p == text || !in_word(p[-1])) && (p + n == end || !in_word(p[n]));
        if (whole && memcmp(p, word, n) == 0) return 1;
    }
    return 0;
}

const char *agi_type_name(ag_dtype dtype)
{
    static const char *const names[] = { "f32", "f64", "i64" };
    return names[dtype];
}

const char *ag_c_type(ag_dtype dtype)
{
    static const char *const types[] = { "float", "double", "int64_t" };
    return types[dtype];
}
