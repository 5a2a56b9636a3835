/* Gathers as C: what a load's pattern walks over, made contiguous for a tile. */
#include "pass_printer.h"

/* The element of the memory: a first one, which is told, and a stride along each axis. */
static void emit_index(ag_source *to, const agi_pattern *w)
{
    int last = w->rank - 1, terms = 0;
    ag_emit(to, "from[");
    if (w->offset) ag_emit(to, "offset"), terms++;
    for (int k = 0; k <= last; k++) {
        int64_t stride = w->stride[k];
        if (!stride) continue;
        if (terms++) ag_emit(to, " + ");
        if (k < last) ag_emit(to, "i%d", k);
        else ag_emit(to, stride == 1 ? "i%d + i" : "(i%d + i)", k);
        if (stride != 1) ag_emit(to, " * %lld", (long long)stride);
    }
    ag_emit(to, terms ? "]%c" : "0]%c", 0);
}

/* Element i of a run, which is 0 outside the bounds. */
static void emit_walked(const agi_pass_printer *p, ag_source *to, const agi_load *l)
{
    const agi_pattern *w = &l->walk;
    ag_source value = { .allocator = to->allocator };
    int last = w->rank - 1, bounds = 0;
    for (int k = 0; k <= last && w->bounded; k++) {
        char index[32];
        snprintf(index, sizeof index, k == last ? "i%d + i" : "i%d", k);
        long long from = (long long)w->bounds.from[k], end = (long long)w->bounds.to[k];
        if (from > 0) ag_emit(to, bounds++ ? " && %s >= %lld" : "%s >= %lld", index, from);
        if (end < w->dim[k]) ag_emit(to, bounds++ ? " && %s < %lld" : "%s < %lld", index, end);
    }
    if (bounds) ag_emit(to, " ? ");
    emit_index(&value, w);
    if (!value.failed) agi_emit_converted(p, to, (ag_dtype)l->dtype, value.text.data);
    to->failed |= value.failed;
    agi_source_free(&value);
    if (bounds) ag_emit(to, " : 0");
}

/* Elements at, at + 1, ... of a walk: inner runs while the outer indices turn like an odometer. */
static void emit_gather_function(agi_pass_printer *p, const agi_load *l, int number)
{
    const agi_pattern *w = &l->walk;
    ag_source *to = &p->functions;
    int last = w->rank - 1;
    long long length = (long long)w->dim[last];
    ag_emit(to, "static void %s_%d_gather_%d(", p->e->prefix, p->step, number);
    ag_emit(to, "const %s *from, ", ag_c_type((ag_dtype)l->dtype));
    if (w->offset) ag_emit(to, "int64_t offset, ");
    ag_emit(to, "%s *to, int64_t at, int64_t n)\n{\n", p->type);
    ag_emit(to, "    int64_t i, run, i%d = at %% %lld;\n", last, length);
    for (int k = last - 1; k >= 0; k--)
        ag_emit(to, "    int64_t i%d = (at /= %lld) %% %lld;\n", k, (long long)w->dim[k + 1], (long long)w->dim[k]);
    ag_emit(to, "    for (; n > 0; n -= run, to += run) {\n");
    ag_emit(to, "        run = %lld - i%d < n ? %lld - i%d : n;\n", length, last, length, last);
    ag_emit(to, "        for (i = 0; i < run; i++) to[i] = ");
    emit_walked(p, to, l);
    ag_emit(to, ";\n        i%d = 0;\n", last);
    for (int k = last - 1; k >= 0; k--)
        ag_emit(to, "%sif (++i%d == %lld) { i%d = 0;", k == last - 1 ? "        " : " ", k, (long long)w->dim[k], k);
    for (int k = last - 1; k >= 0; k--) ag_emit(to, k ? " }" : " }\n");
    ag_emit(to, "    }\n}\n\n");
}

void agi_emit_gather(agi_pass_printer *p, int k)
{
    const agi_load *l = &p->g->load[k];
    char text[40];
    emit_gather_function(p, l, k);
    ag_emit(&p->body, "%s_%d_gather_%d(", p->e->prefix, p->step, k);
    agi_emit_base(p->e, &p->body, l->buffer, (ag_dtype)l->dtype);
    if (l->walk.offset) ag_emit(&p->body, ", %s", agi_load_operand(p, k, AGI_LOAD_OFFSET, text));
    ag_emit(&p->body, ", ");
    agi_emit_home(p, l->reg);
    ag_emit(&p->body, ", %s", agi_tile(p, l->row ? AGI_ROW : AGI_FIRST, text));
    ag_emit(&p->body, ", %s);\n", agi_tile(p, l->row ? AGI_ROWS : AGI_COUNT, text));
}
