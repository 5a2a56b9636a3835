/* The small demos: what they print last is what they promise. */
#include "test.h"

#include <unistd.h>

static char output[1 << 14], file[32];

/* Under sanitizers demos are run, but do not learn as long. */
static int sanitized(void)
{
    return strstr(TEST_CC, "sanitize") != NULL;
}

static char *run(const char *program)
{
    char command[256];
    snprintf(command, sizeof command, "'%s/%s' 2>&1", TEST_BUILD, program);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    output[fread(output, 1, sizeof output - 1, pipe)] = 0;
    ck_assert_msg(pclose(pipe) == 0, "%s: %s", program, output);
    return output;
}

/* An empty file of its own: others may run the same at the same time. */
static const char *new_file(void)
{
    strcpy(file, "/tmp/autograd-XXXXXX");
    const int number = mkstemp(file);
    ck_assert_int_ge(number, 0);
    close(number);
    return file;
}

/* The last line before the one that has `part`, but for empty ones. */
static const char *line_before(const char *text, const char *part)
{
    const char *line = strstr(text, part);
    ck_assert_msg(line != NULL, "no '%s' in %s", part, text);
    while (line > text && line[-1] != '\n') line--;
    while (line > text && line[-1] == '\n') line--;
    while (line > text && line[-1] != '\n') line--;
    return line;
}

START_TEST(newton_ends_where_the_gradient_is_zero)
{
    double loss, gradient;
    int step;
    const char *text = run("newton"), *last = line_before(text, "products with the Hessian");
    ck_assert_int_eq(sscanf(last, "%d %lf %lf", &step, &loss, &gradient), 3);
    ck_assert_msg(step < 10 && gradient < 1e-10 && loss < 0.5, "%s", last);
}
END_TEST

START_TEST(ode_finds_the_parameters)
{
    double loss, got[4], want[4] = { 1.1, 0.4, 0.4, 0.1 };
    int update;
    const char *last = line_before(run("ode"), "true:");
    ck_assert_int_eq(sscanf(last, "%d %lf %lf %lf %lf %lf", &update, &loss, &got[0], &got[1], &got[2], &got[3]), 6);
    for (int i = 0; i < 4; i++) ck_assert_msg(fabs(got[i] - want[i]) < 1e-3, "%s", last);
}
END_TEST

START_TEST(mcu_agrees_with_the_library)
{
    const char *text = run("mcu");
    ck_assert_msg(strstr(text, "\nThey agree.\n") != NULL, "%s", text);
}
END_TEST

/* Digits that are drawn, since there is no such folder. */
START_TEST(fashion_learns_digits)
{
    double accuracy;
    char command[128];
    snprintf(command, sizeof command, "fashion' --data /none --lenet %s --svg '%s",
             sanitized() ? "--images 200" : "--epochs 1", new_file());
    const char *text = run(command), *last = strstr(text, "\ntest accuracy ");
    ck_assert_msg(last && sscanf(last, " test accuracy %lf", &accuracy) == 1, "%s", text);
    ck_assert_msg(accuracy > (sanitized() ? 0 : 0.9), "%s", text);
    ck_assert_msg(strstr(text, "Digits are drawn instead") && strstr(text, "taken for"), "%s", text);
    ck_assert_int_eq(remove(file), 0);
}
END_TEST

/* A sentence again and again has hardly a surprise. */
START_TEST(char_lm_learns_a_sentence)
{
    static const char *const models[] = { "--epochs 3", "--gpt" };
    static const double most[] = { 1.2, 5 };
    FILE *f = fopen(new_file(), "w");
    for (int i = 0; i < (sanitized() ? 400 : 4000); i++) fputs("to be, or not to be. ", f);
    ck_assert_int_eq(fclose(f), 0);
    for (int k = 0; k < 2; k++) {
        char command[128];
        snprintf(command, sizeof command, "char_lm' %s --rate 0.006 --sample 60 --start 'or ' '%s", models[k],
                 file);
        const char *text = run(command), *last = NULL;
        for (const char *at = text; (at = strstr(at, "test loss ")); at++) last = strstr(at, "perplexity");
        double perplexity = last ? atof(last + strlen("perplexity")) : INFINITY;
        ck_assert_msg(perplexity >= 1 && (perplexity < most[k] || sanitized()), "%s", text);
        ck_assert_msg(k || sanitized() || strstr(last, "or not to be. to be, or not to be."), "%s", text);
    }
    ck_assert_int_eq(remove(file), 0);
}
END_TEST

START_TEST(xor_is_learnt)
{
    double zero, one, ten, eleven;
    const char *text = run("xor"), *last = strstr(text, "step 1000"), *values = last ? strstr(last, "00:") : "";
    int found = sscanf(values, "00: %lf 01: %lf 10: %lf 11: %lf", &zero, &one, &ten, &eleven);
    ck_assert_msg(found == 4, "%s", text);
    ck_assert_msg(zero < 0.05 && one > 0.95 && ten > 0.95 && eleven < 0.05, "%s", last);
}
END_TEST

START_TEST(spirals_are_told_apart)
{
    double loss;
    const char *text = run("spiral"), *last = strstr(text, "step 1500");
    ck_assert_msg(last && sscanf(last, "step 1500 loss %lf", &loss) == 1 && loss < 0.05, "%s", text);
    ck_assert_msg(strchr(last, 'a') && strstr(last, "::::") && strstr(last, "++++"), "%s", text);
}
END_TEST

START_TEST(pinn_solves_the_heat_equation)
{
    double error;
    const char *text = run("pinn"), *last = strstr(text, "largest error ");
    ck_assert_msg(last && sscanf(last, "largest error %lf", &error) == 1 && error < 5e-3, "%s", text);
}
END_TEST

Suite *suite_demos(void)
{
    Suite *s = suite_create("demos");
    TCase *t = tcase_create("demos");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, newton_ends_where_the_gradient_is_zero);
    if (!test_quick() && !sanitized()) tcase_add_test(t, ode_finds_the_parameters);
    tcase_add_test(t, mcu_agrees_with_the_library);
    tcase_add_test(t, fashion_learns_digits);
    tcase_add_test(t, char_lm_learns_a_sentence);
    tcase_add_test(t, xor_is_learnt);
    tcase_add_test(t, spirals_are_told_apart);
    tcase_add_test(t, pinn_solves_the_heat_equation);
    suite_add_tcase(s, t);
    return s;
}
