/* GradBench's twelve problems through this library: messages on stdin, answers on stdout. */
#include "eval.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static const char HELP[] =
    "gradbench: a tool for the GradBench suite of problems in differentiation.\n"
    "Reads a JSON message a line from standard input and answers each with a line:\n\n"
    "    {\"id\":0,\"kind\":\"define\",\"module\":\"hello\"}\n"
    "    {\"id\":1,\"kind\":\"evaluate\",\"module\":\"hello\",\"function\":\"double\",\"input\":3}\n";

int main(int argc, char **argv)
{
    if (argc > 1) {
        int asked = !strcmp(argv[1], "--help");
        fputs(HELP, asked ? stdout : stderr);
        return asked ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    cache *c = cache_new();
    if (!c) return EXIT_FAILURE;
    while ((length = getline(&line, &room, stdin)) >= 0) {
        if (strspn(line, " \t\r\n") == (size_t)length) continue;
        answer(c, line, (size_t)length, stdout);
        if (fflush(stdout)) break;
    }
    free(line);
    cache_free(c);
    return ferror(stdout) || !feof(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
