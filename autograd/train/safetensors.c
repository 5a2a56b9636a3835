/* Headers of safetensors files: a strict reader of the JSON that they are made of, and the writer. */
#include "safetensors.h"

#include <stdlib.h>

/* ORDER: agi_stored, then the others. */
static const struct {
    const char *name;
    int64_t size;
} stored[] = { { "F32", 4 }, { "F64", 8 }, { "I64", 8 }, { "F16", 2 }, { "BF16", 2 },
               { "BOOL", 1 }, { "U8", 1 }, { "I8", 1 }, { "F8_E4M3", 1 }, { "F8_E5M2", 1 },
               { "U16", 2 }, { "I16", 2 }, { "U32", 4 }, { "I32", 4 }, { "U64", 8 } };

int64_t agi_stored_size(int type)
{
    return stored[type].size;
}

const char *agi_stored_name(int type)
{
    return stored[type].name;
}

typedef struct {
    char *text;
    int64_t at, length;
    const char *error; /* what is wrong at `at`; what sets it returns 0 */
} reader;

static int fail(reader *r, const char *error)
{
    if (!r->error) r->error = error;
    return 0;
}

/* ---- JSON: strings, whole numbers, punctuation ------------------------------------------------------------------ */

static int peek(reader *r)
{
    while (r->at < r->length && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at]) r->at++;
    return r->at < r->length ? (unsigned char)r->text[r->at] : -1;
}

static int take(reader *r, char c)
{
    if (peek(r) != c) return 0;
    r->at++;
    return 1;
}

static int expect(reader *r, char c, const char *error)
{
    return take(r, c) || fail(r, error);
}

/* The four digits after \u, or -1. */
static int hexadecimal(reader *r)
{
    int v = 0;
    if (r->length - r->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = r->text[r->at] ? strchr(digits, r->text[r->at]) : NULL;
        if (!digit) return -1;
        v = v * 16 + (int)(digit - digits < 16 ? digit - digits : digit - digits - 6);
        r->at++;
    }
    return v;
}

/* A code point as UTF-8; never longer than the escape that it came from. */
static char *encode(char *to, long c)
{
    static const int lead[] = { 0, 0xC0, 0xE0, 0xF0 };
    if (c < 0x80) *to++ = (char)c;
    else {
        int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        *to++ = (char)(lead[more] | (c >> (6 * more)));
        while (more--) *to++ = (char)(0x80 | (c >> (6 * more) & 0x3F));
    }
    return to;
}

static char *unescape(reader *r, char *to)
{
    static const char plain[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    char c = r->at < r->length ? r->text[r->at++] : 0;
    const char *known = c ? strchr(plain, c) : NULL;
    if (known) {
        *to++ = meaning[known - plain];
        return to;
    }
    long code = c == 'u' ? hexadecimal(r) : -1;
    if (code >= 0xD800 && code < 0xDC00 && r->length - r->at >= 6 && memcmp(r->text + r->at, "\\u", 2) == 0) {
        r->at += 2;
        long low = hexadecimal(r);
        code = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : -1;
    }
    if (code <= 0 || (code >= 0xD800 && code < 0xE000)) {
        fail(r, "a wrong escape in a string");
        return to;
    }
    return encode(to, code);
}

/* Unescaped in place and terminated. */
static int string(reader *r, const char **value)
{
    if (!expect(r, '"', "a string is expected")) return 0;
    char *to = r->text + r->at;
    *value = to;
    while (r->at < r->length && !r->error) {
        char c = r->text[r->at++];
        if (c == '"') {
            *to = 0;
            return 1;
        }
        if ((unsigned char)c < 32) return fail(r, "a control character in a string");
        if (c == '\\') to = unescape(r, to);
        else *to++ = c;
    }
    return fail(r, "a string never ends");
}

static int whole_number(reader *r, int64_t *value)
{
    int c = peek(r);
    int64_t start = r->at, v = 0;
    if (c < '0' || c > '9') return fail(r, "a whole number is expected");
    for (; r->at < r->length && r->text[r->at] >= '0' && r->text[r->at] <= '9'; r->at++) {
        if (v > (INT64_MAX - 9) / 10) return fail(r, "a number is too large");
        v = v * 10 + (r->text[r->at] - '0');
    }
    if (c == '0' && r->at > start + 1) return fail(r, "a number starts with 0");
    *value = v;
    return 1;
}

/* After a member of an object or array: 1 when another follows; at the end r->error tells a failure. */
static int another(reader *r, char close)
{
    if (take(r, ',')) return 1;
    if (!take(r, close)) fail(r, close == '}' ? "a comma or } is expected" : "a comma or ] is expected");
    return 0;
}

static int whole_numbers(reader *r, int most, int *n, int64_t *value, const char *too_many)
{
    *n = 0;
    if (!expect(r, '[', "[ is expected")) return 0;
    if (take(r, ']')) return 1;
    do {
        if (*n == most) return fail(r, too_many);
        if (!whole_number(r, &value[*n])) return 0;
        ++*n;
    } while (another(r, ']'));
    return !r->error;
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------ */

/* The bytes of the character that starts here; 0: none does. Each in the fewest bytes, no halves of pairs. */
static int character(const unsigned char *c, int64_t left)
{
    static const long first[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int n = *c < 0x80 ? 1 : *c < 0xC0 ? 0 : *c < 0xE0 ? 2 : *c < 0xF0 ? 3 : *c < 0xF8 ? 4 : 0;
    if (n < 2 || n > left) return n < 2 ? n : 0;
    long code = *c & (0x7F >> n);
    for (int i = 1; i < n; i++) {
        if ((c[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (c[i] & 0x3F);
    }
    return code >= first[n] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) ? n : 0;
}

int agi_is_utf8(const char *text, int64_t length)
{
    for (int64_t at = 0, n; at < length; at += n)
        if (!(n = character((const unsigned char *)text + at, length - at))) return 0;
    return 1;
}

/* ---- the header ------------------------------------------------------------------------------------------------- */

static int element_type(reader *r, int *type)
{
    const char *name;
    if (!string(r, &name)) return 0;
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
        if (strcmp(name, stored[i].name) == 0) {
            *type = (int)i;
            return 1;
        }
    return fail(r, "an unknown type");
}

static int offsets(reader *r, agi_tensor *t)
{
    int64_t both[2];
    int n;
    if (!whole_numbers(r, 2, &n, both, "more than two offsets")) return 0;
    if (n < 2 || both[1] < both[0]) return fail(r, "the offsets are no range");
    t->begin = both[0];
    t->end = both[1];
    return 1;
}

static int size_fits(const agi_tensor *t)
{
    int64_t bytes = stored[t->stored].size, room = t->end - t->begin;
    for (int i = 0; i < t->shape.rank; i++) {
        if (t->shape.dim[i] < 1 || t->shape.dim[i] > room / bytes) return 0;
        bytes *= t->shape.dim[i];
    }
    return bytes == room;
}

/* An object of these, in any order. */
static int description(reader *r, agi_tensor *t)
{
    static const char *const keys[] = { "dtype", "shape", "data_offsets" };
    unsigned seen = 0;
    if (!expect(r, '{', "{ is expected")) return 0;
    do {
        const char *key;
        if (!string(r, &key) || !expect(r, ':', "a colon is expected")) return 0;
        int k = 0;
        while (k < 3 && strcmp(key, keys[k])) k++;
        if (k == 3) return fail(r, "an unknown key");
        if (seen & 1u << k) return fail(r, "a key stands twice");
        seen |= 1u << k;
        if (k == 0 && !element_type(r, &t->stored)) return 0;
        if (k == 1 && !whole_numbers(r, AG_MAX_RANK, &t->shape.rank, t->shape.dim, "more than 8 axes")) return 0;
        if (k == 2 && !offsets(r, t)) return 0;
    } while (another(r, '}'));
    if (!r->error && seen != 7) return fail(r, "dtype, shape or data_offsets is missing");
    return !r->error && (size_fits(t) || fail(r, "offsets and shape do not agree"));
}

static int metadata(reader *r)
{
    const char *text;
    if (!expect(r, '{', "{ is expected")) return 0;
    if (take(r, '}')) return 1;
    do
        if (!string(r, &text) || !expect(r, ':', "a colon is expected") || !string(r, &text)) return 0;
    while (another(r, '}'));
    return !r->error;
}

static int header(reader *r, agi_vector *tensors, const ag_allocator *a, int *out_of_memory)
{
    int described = 0;
    if (!expect(r, '{', "a header starts with {")) return 0;
    if (take(r, '}')) return peek(r) < 0 || fail(r, "text after the header's end");
    do {
        agi_tensor t = { 0 };
        if (!string(r, &t.name) || !expect(r, ':', "a colon is expected")) return 0;
        if (strcmp(t.name, "__metadata__") == 0) {
            if (described++) return fail(r, "__metadata__ stands twice");
            if (!metadata(r)) return 0;
            continue;
        }
        if (!description(r, &t)) return 0;
        if (!agi_vector_grow(a, tensors, sizeof t, 1)) {
            *out_of_memory = 1;
            return 0;
        }
        ((agi_tensor *)tensors->data)[tensors->count++] = t;
    } while (another(r, '}'));
    return !r->error && (peek(r) < 0 || fail(r, "text after the header's end"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const agi_tensor *)a)->name, ((const agi_tensor *)b)->name);
}

static int by_place(const void *a, const void *b)
{
    int64_t p = ((const agi_tensor *)a)->begin, q = ((const agi_tensor *)b)->begin;
    return (p > q) - (p < q);
}

/* Every byte of the data belongs to one tensor; no name stands twice. */
static int sound(reader *r, int64_t n, agi_tensor *t, int64_t data_bytes)
{
    int64_t at = 0;
    if (n) qsort(t, (size_t)n, sizeof *t, by_place);
    for (int64_t i = 0; i < n; at = t[i++].end)
        if (t[i].begin != at) return fail(r, t[i].begin < at ? "tensors overlap" : "a hole between tensors");
    if (at != data_bytes) return fail(r, at > data_bytes ? "the file is cut off" : "data after the last tensor");
    if (n) qsort(t, (size_t)n, sizeof *t, by_name);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(t[i - 1].name, t[i].name) == 0) return fail(r, "a name stands twice");
    return 1;
}

agi_tensor *agi_read_header(agi_arena *arena, char *text, int64_t length, int64_t data_bytes, int64_t *count,
                            const char **error, int64_t *at)
{
    reader r = { .text = text, .length = length };
    if (!agi_is_utf8(text, length)) return *count = *at = 0, *error = "the header is no UTF-8", NULL;
    agi_vector tensors = { 0 };
    agi_tensor *result = NULL;
    int out_of_memory = 0;
    if (header(&r, &tensors, arena->allocator, &out_of_memory) && sound(&r, tensors.count, tensors.data, data_bytes)) {
        size_t bytes = (size_t)tensors.count * sizeof *result;
        result = agi_arena_take(arena, bytes + 1);
        if (result && bytes) memcpy(result, tensors.data, bytes);
    }
    *count = tensors.count;
    agi_release(arena->allocator, tensors.data);
    *error = out_of_memory ? NULL : r.error;
    *at = r.at;
    return result;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void write_string(agi_text *t, const char *s)
{
    agi_print(t, "\"");
    for (; *s; s++) agi_print(t, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    agi_print(t, "\"");
}

char *agi_write_header(agi_arena *arena, int64_t count, const agi_tensor *tensor, int64_t *length)
{
    size_t room = 16;
    for (int64_t i = 0; i < count; i++)
        room += 2 * strlen(tensor[i].name) + 128 + 22 * (size_t)tensor[i].shape.rank;
    char *header = agi_arena_take(arena, room);
    if (!header) return NULL;
    agi_text t = { header, header + room };
    agi_print(&t, "{");
    for (int64_t i = 0; i < count; i++) {
        const agi_tensor *x = &tensor[i];
        if (i) agi_print(&t, ",");
        write_string(&t, x->name);
        agi_print(&t, ":{\"dtype\":\"%s\",\"shape\":[", stored[x->stored].name);
        for (int k = 0; k < x->shape.rank; k++) agi_print(&t, k ? ",%lld" : "%lld", (long long)x->shape.dim[k]);
        agi_print(&t, "],\"data_offsets\":[%lld,%lld]}", (long long)x->begin, (long long)x->end);
    }
    agi_print(&t, "}");
    while ((t.at - header) % 8) agi_print(&t, " ");
    *length = t.at - header;
    return header;
}
