/* A folder of the test's own, in /tmp. */
#ifndef FOLDER_H
#define FOLDER_H

#include "test.h"

#include <unistd.h>

static char folder[32];

static void make_folder(void)
{
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

#endif
