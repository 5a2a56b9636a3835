/* Text of any bytes in files that are UTF-8. */
#include "picture.h"

/* How many bytes of `text` are one character; 0: it is not UTF-8. */
static int character(const unsigned char *text)
{
    const int n = *text < 0x80 ? 1 : *text >= 0xc2 && *text < 0xe0 ? 2 : *text >= 0xe0 && *text < 0xf0 ? 3
                  : *text >= 0xf0 && *text < 0xf5 ? 4 : 0;
    for (int k = 1; k < n; k++)
        if ((text[k] & 0xc0) != 0x80) return 0;
    if (n == 3 && ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f))) return 0;
    if (n == 4 && ((text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))) return 0;
    return n;
}

static void write_escaped(FILE *f, const char *text, void (*write)(FILE *, const char *, int))
{
    for (int n; *text; text += n ? n : 1)
        if ((n = character((const unsigned char *)text))) write(f, text, n);
        else fputs("\ufffd", f);
}

static void in_xml(FILE *f, const char *c, int n)
{
    if (*c == '&') fputs("&amp;", f);
    else if (*c == '<') fputs("&lt;", f);
    else if (*c == '>') fputs("&gt;", f);
    else if (*c == '"') fputs("&quot;", f);
    else fwrite(c, 1, (size_t)n, f);
}

/* In a page's script, too, which ends at the first "</script". */
static void in_json(FILE *f, const char *c, int n)
{
    if ((unsigned char)*c < 32 || strchr("\"\\<>&\x7f", *c)) fprintf(f, "\\u%04x", (unsigned)(unsigned char)*c);
    else fwrite(c, 1, (size_t)n, f);
}

void agi_write_xml(FILE *f, const char *text)
{
    write_escaped(f, text, in_xml);
}

void agi_write_json(FILE *f, const char *text)
{
    fputc('"', f);
    write_escaped(f, text, in_json);
    fputc('"', f);
}
