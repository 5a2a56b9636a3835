/* The arithmetic of instructions, as text: that of the pointwise operations, and of a plan's own codes beside them.
 * ORDER AGI_SUM to AGI_MIN: that of ag_fold. */
#define AG_POINTWISE_TABLE
#include "plan.h"

#define POINTWISE1(name, ...) [AG_CODE_##name] = #__VA_ARGS__,

#define POINTWISE2(name, ...) [AG_CODE_##name] = #__VA_ARGS__,

#define POINTWISE3(name, ...) [AG_CODE_##name] = #__VA_ARGS__,

static const char *const texts[] = {
#include "pointwise.def"
    [AGI_MOVE] = "x",
    [AGI_SUM] = "a + b",
    [AGI_PROD] = "a * b",
    [AGI_MAX] = "a > b || a != a ? a : b",
    [AGI_MIN] = "a < b || a != a ? a : b",
    [AGI_MULADD] = "a * b + c",
};

const char *agi_code_text(uint32_t code)
{
    return texts[code];
}

const char *agi_pointwise_text(const ag_op *op)
{
    return op->code ? texts[op->code] : op->c_text;
}

const char *agi_fold_text(int fold)
{
    return texts[AGI_SUM + (uint32_t)fold];
}

agi_calls agi_calls_of(const ag_op *op)
{
    static const char *const instructions[] = { "F(sqrt)", "F(fabs)", "F(floor)", "F(copysign)" };
    const char *text = agi_pointwise_text(op);
    int calls = 0;
    for (const char *c = text; c && (c = strstr(c, "F(")); c++) {
        int cheap = 0;
        for (int k = 0; k < 4; k++) cheap |= strncmp(c, instructions[k], strlen(instructions[k])) == 0;
        calls |= !cheap;
    }
    if (text && strstr(text, "agi_")) return AGI_CALLS_OWN;
    return calls ? AGI_CALLS_MATH : AGI_CALLS_NOTHING;
}

#undef POINTWISE1
#undef POINTWISE2
#undef POINTWISE3
#define POINTWISE1(name, ...) [AG_CODE_##name] = 1,
#define POINTWISE2(name, ...) [AG_CODE_##name] = 2,
#define POINTWISE3(name, ...) [AG_CODE_##name] = 3,
static const uint8_t operands_of[] = {
#include "pointwise.def"
    [AGI_MOVE] = 1, [AGI_SUM] = 2, [AGI_PROD] = 2, [AGI_MAX] = 2, [AGI_MIN] = 2, [AGI_MULADD] = 3,
};

int agi_code_operands(uint32_t code)
{
    return operands_of[code];
}
