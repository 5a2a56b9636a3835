/* A folder of a test's own. */
#include "folder.h"

#include <stdarg.h>
#include <unistd.h>

char folder[32];

void make_folder(void)
{
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

FILE *create_file(const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    return f;
}

void write_file(const char *name, const char *text)
{
    FILE *f = create_file(name);
    fputs(text, f);
    fclose(f);
}

int run_in_folder(const char *format, ...)
{
    char command[1024];
    int n = snprintf(command, sizeof command, "cd %s && { ", folder);
    va_list args;
    va_start(args, format);
    n += vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    va_end(args);
    ck_assert_int_lt(n, (int)sizeof command - 4);
    strcpy(command + n, "; }");
    return system(command);
}
