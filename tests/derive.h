/* build/derive, run by the suites about it, in a folder of each test's. */
#ifndef DERIVE_TESTS_H
#define DERIVE_TESTS_H

#include "folder.h"

/* The exit status; derive_output holds what was printed, errors included. Arguments are in the shell's quotes, $D is the
 * test's folder. */
extern char derive_output[1 << 16];
int derive(const char *arguments);

void expect_output(const char *arguments, const char *want);
void expect_refusal(const char *arguments, const char *part);
void derive_write(const char *name, const void *bytes, size_t); /* a file in that folder */

#endif
