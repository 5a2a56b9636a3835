/* A folder of the test's own, in /tmp: files in it, commands that run there. */
#ifndef FOLDER_H
#define FOLDER_H

#include "test.h"

extern char folder[32]; /* its path */

void make_folder(void);
void remove_folder(void);
FILE *create_file(const char *name);
void write_file(const char *name, const char *text);
int run_in_folder(const char *format, ...) __attribute__((format(printf, 1, 2))); /* as system() does */

#endif
