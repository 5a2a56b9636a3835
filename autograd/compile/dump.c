/* The program after a stage as text, a value a line; below them what has been made of them: groups, buffers. */
#include "verify.h"

static const char *const kinds[] = { "taken", "leaf", "view", "point", "fold", "product", "call" };

static void dump_node(FILE *to, const ag_node *x)
{
    char text[256] = "";
    agi_text t = { text, text + sizeof text - 1 };
    agi_print_node(&t, x);
    *t.at = 0;
    fprintf(to, "%s", text);
}

static void dump_number(FILE *to, const char *what, uint32_t number)
{
    if (number != AGI_NONE) fprintf(to, ", %s %u", what, number);
}

static void dump_view(FILE *to, const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    fprintf(to, " of %u", it->root);
    if (it->view == AGI_NONE) return;
    ag_strides s = agi_value_strides(c, i);
    fprintf(to, ", element %lld on, strides", (long long)s.offset);
    for (int axis = 0; axis < it->node->rank; axis++) fprintf(to, " %lld", (long long)s.stride[axis]);
    if (agi_is_bounded(c, it)) fprintf(to, ", among zeros");
}

static void dump_value(FILE *to, const agi_compiler *c, uint32_t i)
{
    const agi_value *it = &c->value[i];
    fprintf(to, "  value %u: %s ", i, kinds[it->kind]);
    dump_node(to, it->node);
    if (it->op) fprintf(to, ", as %s", it->op->name);
    if (it->kind == AGI_VALUE_VIEW) dump_view(to, c, i);
    for (int k = 0, s; (s = agi_sources(c, it, k)) >= 0; k++) fprintf(to, k ? " %d" : ", of %d", s);
    if (it->kind != AGI_VALUE_VIEW && it->kind != AGI_VALUE_DEAD) {
        fprintf(to, ", read %u times", it->uses);
        if (it->kind == AGI_VALUE_LEAF) dump_number(to, "assigned", it->assigned);
        else dump_number(to, "assigned to", it->target);
        if (it->held) fprintf(to, ", held");
        if (it->remade) fprintf(to, ", computed again");
        dump_number(to, "group", it->group);
        dump_number(to, "buffer", it->buffer);
    }
    fputc('\n', to);
}

static void dump_group(FILE *to, const agi_compiler *c, uint32_t g)
{
    static const char *const names[] = { "pass", "scalar program", "by itself" };
    const agi_fusion *f = agi_fusion_at(c, g);
    fprintf(to, "  group %u: %s, level %u, %u values", g, names[f->kind], f->level, f->members);
    if (f->kind == AGI_GROUP_TILE) fprintf(to, ", %lld elements", (long long)f->points);
    if (f->columns) fprintf(to, " in rows of %lld", (long long)f->columns);
    fputc('\n', to);
}

static void dump_step(FILE *to, const agi_compiler *c, uint32_t k)
{
    const agi_fusion *f = agi_fusion_at(c, c->order[k]);
    fprintf(to, "  step %u: group %u, values", k, c->order[k]);
    for (uint32_t m = f->start; m < f->start + f->members; m++) {
        fprintf(to, " %u", c->value_list[m]);
        if (c->together && c->together[m]) fprintf(to, " (a vector call of %u)", c->together[m]);
    }
    fputc('\n', to);
}

static void dump_buffer(FILE *to, const agi_compiler *c, uint32_t b)
{
    static const char *const roles[] = { "constant", "leaf", "value", "work" };
    const agi_buffer *x = agi_buffer_at(c, b);
    fprintf(to, "  buffer %u: %s, %lld bytes at %lld", b, roles[x->role], (long long)x->bytes, (long long)x->offset);
    if (x->first != AGI_NONE) fprintf(to, ", steps %u to %u", x->first, x->last);
    if (x->held) fprintf(to, ", held");
    dump_number(to, "in place of buffer", x->shares);
    fputc('\n', to);
}

void agi_dump_stage(const agi_compiler *c)
{
    FILE *to = c->options->stages;
    fprintf(to, "after %s: %u values%s\n", c->stage, c->nvalues, c->body ? " of a body" : "");
    for (uint32_t i = 0; i < c->nvalues; i++) dump_value(to, c, i);
    for (uint32_t g = 0; g < (uint32_t)c->groups.count; g++) dump_group(to, c, g);
    for (uint32_t k = 0; c->value_list && k < (uint32_t)c->groups.count; k++) dump_step(to, c, k);
    for (uint32_t b = 0; b < (uint32_t)c->buffers.count; b++) dump_buffer(to, c, b);
}
