/* Exported C on a Cortex-M4, where qemu-system-arm and a compiler for it are installed: a network learns there, and
 * everything that it computes is what it computes here, to the last bit. */
#include "folder.h"

enum { BATCH = 8, IN = 4, HIDDEN = 6, OUT = 2 };

static void write_network(int small)
{
    char message[256] = "";
    float w[IN * HIDDEN], v[HIDDEN * OUT];
    FILE *file[] = { create_file("net.c"), create_file("net.h") };
    for (int k = 0; k < IN * HIDDEN; k++) w[k] = (float)(k * 29 % 53 - 26) / 64;
    for (int k = 0; k < HIDDEN * OUT; k++) v[k] = (float)(k * 37 % 61 - 30) / 64;
    ag_graph *g = ag_graph_new(NULL);
    ag_node *x = ag_input(g, "x", AG_F32, AG_SHAPE(BATCH, IN)), *t = ag_input(g, "t", AG_F32, AG_SHAPE(BATCH, OUT));
    ag_node *h = ag_tanh(ag_matmul(x, ag_parameter(g, "w", AG_F32, AG_SHAPE(IN, HIDDEN), w)));
    ag_node *y = ag_sigmoid(ag_matmul(h, ag_parameter(g, "v", AG_F32, AG_SHAPE(HIDDEN, OUT), v)));
    ag_node *loss = ag_mse(y, t, AG_MEAN);
    ag_name(loss, "loss");
    ag_node *step = ag_adam(loss, &(ag_adam_options){ .rate = 0.05 });
    ag_plan *p = ag_compile(g, 2, (ag_node *[]){ loss, step }, NULL);
    ck_assert_msg(p != NULL, "%s", ag_graph_error(g));
    const ag_c_options o = { .initial = 1, .small = small, .message = message, .message_size = sizeof message };
    ck_assert_msg(ag_write_c(p, "net", file[0], file[1], &o) == 0, "%s", message);
    fclose(file[0]), fclose(file[1]);
    ag_plan_free(p);
    ag_graph_free(g);
}

/* Trains, and tells the bits of each loss, then of the weights. Without a system below it: what a Cortex-M4 begins
 * with, and output through the debugger, which qemu plays. */
static const char program[] =
    "#include \"net.h\"\n"
    "#ifdef __arm__\n"
    "static void ask(int what, const void *of)\n"
    "{\n"
    "    register int r0 __asm__(\"r0\") = what;\n"
    "    register const void *r1 __asm__(\"r1\") = of;\n"
    "    __asm__ volatile(\"bkpt 0xab\" : \"+r\"(r0) : \"r\"(r1) : \"memory\");\n"
    "}\n"
    "static void put(const char *line) { ask(4, line); }\n"
    "int main(void);\n"
    "void reset(void)\n"
    "{\n"
    "    *(volatile unsigned *)0xe000ed88 |= 0xfu << 20;\n"
    "    __asm__ volatile(\"dsb\\n isb\");\n"
    "    main();\n"
    "    ask(0x18, (const void *)0x20026);\n"
    "    for (;;) {}\n"
    "}\n"
    "void *const vectors[] __attribute__((section(\".vectors\"), used)) = { (void *)0x20100000, (void *)reset };\n"
    "#else\n"
    "#include <stdio.h>\n"
    "static void put(const char *line) { fputs(line, stdout); }\n"
    "#endif\n"
    "static void tell(float value)\n"
    "{\n"
    "    union { float value; unsigned bits; } both;\n"
    "    char line[10];\n"
    "    int k;\n"
    "    both.value = value;\n"
    "    for (k = 0; k < 8; k++) line[k] = \"0123456789abcdef\"[both.bits >> (28 - 4 * k) & 15];\n"
    "    line[8] = '\\n', line[9] = 0;\n"
    "    put(line);\n"
    "}\n"
    "static struct net_parameters p;\n"
    "static double work[net_WORKSPACE / sizeof(double) + 1];\n"
    "int main(void)\n"
    "{\n"
    "    static float x[32], t[16], loss;\n"
    "    struct net_inputs in = { x, t };\n"
    "    struct net_outputs out = { &loss };\n"
    "    int k;\n"
    "    for (k = 0; k < 32; k++) x[k] = (float)(k * 37 % 101 - 50) / 64;\n"
    "    for (k = 0; k < 16; k++) t[k] = x[2 * k] > 0 ? 0.875f : 0.125f;\n"
    "    p = net_initial;\n"
    "    for (k = 0; k < 60; k++) {\n"
    "        if (net(&in, &p, &out, work)) put(\"failed\\n\");\n"
    "        tell(loss);\n"
    "    }\n"
    "    for (k = 0; k < 24; k++) tell(p.parameter_w[k]);\n"
    "    for (k = 0; k < 12; k++) tell(p.parameter_v[k]);\n"
    "    return 0;\n"
    "}\n";

/* The code at 0, where it begins; all else in memory, which qemu fills. */
static const char layout[] =
    "ENTRY(reset)\n"
    "SECTIONS\n"
    "{\n"
    "    .text 0 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.ARM*) }\n"
    "    .data 0x20000000 : { *(.data*) *(.bss*) *(COMMON) }\n"
    "}\n";

static float told(int which)
{
    char path[96];
    union {
        float value;
        unsigned bits;
    } both = { .value = NAN };
    snprintf(path, sizeof path, "%s/here", folder);
    FILE *f = fopen(path, "r");
    for (int k = 0; k <= which; k++) ck_assert_int_eq(fscanf(f, "%x", &both.bits), 1);
    fclose(f);
    return both.value;
}

START_TEST(a_network_learns_on_a_cortex)
{
    if (system("echo '#include <math.h>' | arm-none-eabi-gcc -x c -fsyntax-only - 2>/dev/null"
               " && command -v qemu-system-arm >/dev/null")) {
        printf("skipped: arm-none-eabi-gcc, its <math.h> or qemu-system-arm is not here\n");
        return;
    }
    make_folder();
    write_network(_i);
    write_file("main.c", program);
    write_file("layout", layout);
    ck_assert(!run_in_folder("cc -std=c99 -O1 -ffp-contract=off main.c net.c -o net -lm && ./net >here"));
    ck_assert(!run_in_folder("arm-none-eabi-gcc -std=gnu99 -mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16"
                             " -Os -Wall -Wextra -Werror -ffp-contract=off -nostartfiles -T layout main.c net.c"
                             " -o net.elf -lm 2>errors || { cat errors; exit 1; }"));
    ck_assert(!run_in_folder("timeout 60 qemu-system-arm -M mps2-an386 -display none -monitor none -serial none"
                             " -semihosting-config enable=on,target=native -kernel net.elf >there 2>&1"));
    ck_assert_msg(!run_in_folder("cmp here there"), "other numbers there than here");
    ck_assert(told(59) < told(0) / 4);
    remove_folder();
}
END_TEST

Suite *suite_cortex(void)
{
    Suite *s = suite_create("cortex");
    TCase *t = tcase_create("cortex");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_network_learns_on_a_cortex, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
