/* The functions that generated text calls: each is written once, where something calls it. */
#include "emit.h"
#include "templates.h"
#include "shared/c_functions.h"

typedef struct {
    const char *name, *text; /* no text: the fold of two elements */
    int fold;
    const char *calls; /* what `b` is; or NULL */
    const char *f64;   /* its text for doubles where it is another; or NULL */
    const char *small; /* less of it, where that is wanted; or NULL */
} helper;

/* Each may call those before it. */
static const helper helpers[] = {
    { "two_sum", NULL, AG_FOLD_SUM, NULL, NULL, NULL },
    { "two_max", NULL, AG_FOLD_MAX, NULL, NULL, NULL },
    { "two_min", NULL, AG_FOLD_MIN, NULL, NULL, NULL },
    { "fold_sum", fold_template, 0, "two_sum", NULL, small_fold_template },
    { "fold_max", fold_template, 0, "two_max", NULL, small_fold_template },
    { "fold_min", fold_template, 0, "two_min", NULL, small_fold_template },
    { "lanes_sum", lanes_template, 0, "two_sum", NULL, NULL },
    { "lanes_max", lanes_template, 0, "two_max", NULL, NULL },
    { "lanes_min", lanes_template, 0, "two_min", NULL, NULL },
    { "into_sum", into_template, 0, "two_sum", NULL, NULL },
    { "into_max", into_template, 0, "two_max", NULL, NULL },
    { "into_min", into_template, 0, "two_min", NULL, NULL },
    { "pairs", pairs_template, 0, NULL, NULL, NULL },
    { "clear_sum", clear_template, 0, NULL, clear_pairs_template, NULL },
    { "widen_sum", widen_template, 0, NULL, widen_pairs_template, NULL },
    { "merge_sum", merge_template, 0, NULL, merge_pairs_template, NULL },
    { "narrow_sum", narrow_template, 0, NULL, narrow_pairs_template, NULL },
    { "clear_prod", clear_product_template, 0, NULL, NULL, NULL },
    { "gather_prod", gather_product_template, 0, NULL, NULL, NULL },
    { "each_prod", each_product_template, 0, NULL, NULL, NULL },
    { "widen_prod", widen_product_template, 0, "each_prod", NULL, NULL },
    { "merge_prod", merge_product_template, 0, NULL, NULL, NULL },
    { "narrow_prod", narrow_product_template, 0, NULL, NULL, NULL },
    { "fold_prod", fold_product_template, 0, "gather_prod", NULL, NULL },
    { "copy", copy_template, 0, NULL, NULL, NULL },
    { "expand", expand_template, 0, NULL, NULL, NULL },
    { "repeat", repeat_template, 0, NULL, NULL, NULL },
    { "pad", pad_template, 0, NULL, NULL, NULL },
    { "dot", dot_template, 0, NULL, NULL, small_dot_template },
    { "integer", integer_template, 0, NULL, NULL, NULL },
};
enum { HELPERS = sizeof helpers / sizeof helpers[0], TYPES = 3 };

void agi_helper_name(const agi_emitter *e, const char *name, ag_dtype dtype, char to[AGI_NAME])
{
    snprintf(to, AGI_NAME, "%s_%s_%s", e->top, name, agi_type_name(dtype));
}

static void emit_two(ag_source *to, const helper *h, ag_dtype dtype, const char *name)
{
    const char *type = ag_c_type(dtype), *const operand[3] = { "p", "q", "q" };
    ag_emit(to, "static %s %s(%s p, %s q)\n{\n    return ", type, name, type, type);
    agi_emit_arithmetic(to, agi_fold_text(h->fold), dtype, operand);
    ag_emit(to, ";\n}\n");
}

static void emit_helper(const agi_emitter *e, ag_source *to, const helper *h, ag_dtype dtype)
{
    char name[AGI_NAME], callee[AGI_NAME];
    agi_helper_name(e, h->name, dtype, name);
    agi_helper_name(e, h->calls ? h->calls : h->name, dtype, callee);
    const char *text = dtype == AG_F64 && h->f64 ? h->f64 : e->small && h->small ? h->small : h->text;
    if (text) agi_emit_arithmetic(to, text, dtype, (const char *const[3]){ name, callee, callee });
    else emit_two(to, h, dtype, name);
    ag_emit(to, "\n");
}

static void emit_typed(const agi_emitter *e, const ag_source *body, ag_source *to, ag_dtype dtype)
{
    uint8_t needed[HELPERS] = { 0 };
    for (int k = HELPERS; k-- > 0;) {
        char name[AGI_NAME];
        agi_helper_name(e, helpers[k].name, dtype, name);
        needed[k] |= (uint8_t)agi_source_has(body, name);
        for (int j = 0; needed[k] && helpers[k].calls && j < k; j++)
            needed[j] |= (uint8_t)!strcmp(helpers[j].name, helpers[k].calls);
    }
    for (int k = 0; k < HELPERS; k++)
        if (needed[k]) emit_helper(e, to, &helpers[k], dtype);
}

/* Functions of arithmetic that <math.h> lacks. Files may be put together: each is there once. */
static void emit_specials(const agi_emitter *e, const ag_source *body, const ag_source *typed, ag_source *to)
{
    uint8_t needed[AGI_MOST_C_FUNCTIONS] = { 0 };
    for (int k = agi_c_function_count; k-- > 0;) {
        const char *name = agi_c_functions[k].name;
        needed[k] |= (uint8_t)(agi_source_has(body, name) || agi_source_has(typed, name));
        const char *its = agi_c_functions[k].text;
        ag_source text = { .text = { (void *)(uintptr_t)its, (int64_t)strlen(its), 0 } };
        for (int j = 0; needed[k] && j < k; j++) needed[j] |= (uint8_t)agi_source_has(&text, agi_c_functions[j].name);
    }
    for (int k = 0; k < agi_c_function_count; k++) {
        const char *name = agi_c_functions[k].name, *text = agi_c_functions[k].text;
        if (!needed[k]) continue;
        if (e->small && !strcmp(name, "INLINED")) text = "#define INLINED static";
        ag_emit(to, "#ifndef HAVE_%s\n#define HAVE_%s\n%s\n#endif\n\n", name, name, text);
    }
}

void agi_emit_helpers(agi_emitter *e, const ag_source *body, ag_source *to)
{
    ag_source typed = { .allocator = to->allocator };
    for (int dtype = 0; dtype < TYPES; dtype++) emit_typed(e, body, &typed, (ag_dtype)dtype);
    emit_specials(e, body, &typed, to);
    agi_source_append(to, &typed);
    agi_source_free(&typed);
}
