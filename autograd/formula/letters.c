/* Characters of formulas, UTF-8: which are letters, digits or superscripts. */
#include "formula.h"

int agi_character(const char *at, unsigned *code)
{
    static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *c = (const unsigned char *)at;
    int n = *c < 0x80 ? 1 : *c >> 5 == 6 ? 2 : *c >> 4 == 14 ? 3 : *c >> 3 == 30 ? 4 : 0;
    *code = n == 1 ? *c : n ? *c & (0x7fu >> n) : ~0u;
    for (int i = 1; i < n; i++) {
        if (c[i] >> 6 != 2) n = 0;
        else *code = *code << 6 | (c[i] & 0x3f);
    }
    if (n && *code >= least[n] && *code <= 0x10ffff && *code >> 11 != 0x1b) return *c ? n : 0;
    *code = ~0u;
    return 1;
}

int agi_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What Unicode has for spaces, punctuation and signs is no letter, whatever else it has is one: subscripts, too. */
int agi_letter(const char *at)
{
    static const struct {
        unsigned from, to;
    } other[] = {
        { 0x80, 0xb4 },     { 0xb6, 0xb9 },     { 0xbb, 0xbf },     { 0xd7, 0xd7 },     { 0xf7, 0xf7 },
        { 0x37e, 0x37e },   { 0x387, 0x387 },   { 0x1d40, 0x1d40 }, { 0x2000, 0x207f }, { 0x208a, 0x208e },
        { 0x20a0, 0x20cf }, { 0x2190, 0x2bff }, { 0x3000, 0x3004 }, { 0x3008, 0x3020 }, { 0xd800, 0xf8ff },
        { 0xfe00, 0xfe6f }, { 0xfeff, 0xff20 }, { 0xfff0, 0xffff },
    };
    unsigned code;
    int length = agi_character(at, &code);
    if (code < 0x80) return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_';
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (code >= other[i].from && code <= other[i].to) return 0;
    return code == ~0u ? 0 : length;
}

size_t agi_name_length(const char *at)
{
    size_t n = (size_t)agi_letter(at);
    for (int more = n > 0; more; n += (size_t)more)
        more = agi_is_digit(at[n]) || at[n] == '.' || at[n] == '/' ? 1 : agi_letter(at + n);
    return n;
}

/* A space that does not break counts, as text that was copied has it. */
const char *agi_skip_space(const char *at)
{
    for (;;) {
        if (*at == ' ' || (*at >= '\t' && *at <= '\r')) at++;
        else if (strncmp(at, "\xc2\xa0", 2) == 0) at += 2;
        else return at;
    }
}

int agi_superscript(const char *at, int *digit)
{
    static const char sign[][4] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "⁻" };
    for (int i = 0; i < 11; i++)
        if (strncmp(at, sign[i], strlen(sign[i])) == 0) {
            *digit = i == 10 ? '-' : i;
            return (int)strlen(sign[i]);
        }
    return 0;
}

int agi_whole_characters(agi_word w, int most)
{
    int n = w.length < (size_t)most ? (int)w.length : most;
    while (n < (int)w.length && n > 0 && (w.at[n] & 0xc0) == 0x80) n--;
    return n;
}
