/* Large constants as a file of their own, "PREFIX.bin", which the source takes in when it is compiled. */
#include "writer.h"

enum { LEAST = 4096, ALIGNED = 16 }; /* bytes */

int agi_goes_to_blob(const agi_file *f, const ag_node *x)
{
    return f->options->blob && x->op->role != AG_IS_NUMBER && agi_node_bytes(x) >= LEAST;
}

int agi_put_into_blob(const agi_file *f, agi_blob *b, const agi_array *a, int64_t *offset)
{
    static const char none[ALIGNED];
    const int64_t n = agi_node_bytes(a->buffer->node), beyond = -n & (ALIGNED - 1);
    *offset = b->bytes;
    b->bytes += n + beyond;
    return fwrite(a->values, 1, (size_t)n, f->options->blob) == (size_t)n &&
           fwrite(none, 1, (size_t)beyond, f->options->blob) == (size_t)beyond;
}

static const char *order_here(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first ? "LITTLE" : "BIG";
}

/* Its bytes are PREFIX_blob: of an array, or behind a symbol that the assembler makes. */
void agi_write_blob(const agi_file *f, const agi_blob *b, ag_source *to)
{
    const char *p = f->prefix;
    const long long n = (long long)b->bytes;
    if (!n) return;
    ag_emit(to, "/* Large constants: a file that is looked for where headers are; by gcc -flto, where that runs. */\n"
                "#if defined __BYTE_ORDER__ && __BYTE_ORDER__ != __ORDER_%s_ENDIAN__\n"
                "#error \"%s.bin has its numbers' bytes in another order\"\n#endif\n", order_here(), p);
    ag_emit(to, "#if defined __has_embed\n"
                "static const union {\n    unsigned char bytes[%lld];\n    double number;\n    int64_t integer;\n"
                "} %s_embedded = { {\n#embed \"%s.bin\"\n} };\n#define %s_blob %s_embedded.bytes\n", n, p, p, p, p);
    ag_emit(to, "#else\n"
                "__asm__(\".section .rodata\\n.balign %d\\n.global %s_blob\\n.hidden %s_blob\\n%s_blob:\\n\"\n"
                "        \".incbin \\\"%s.bin\\\"\\n.previous\\n\");\n", ALIGNED, p, p, p, p);
    ag_emit(to, "extern const unsigned char %s_blob[%lld] __attribute__((visibility(\"hidden\")));\n#endif\n\n", p, n);
}
