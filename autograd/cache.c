/* Compiled code that is kept: in a directory that belongs to the user and that nobody else can write to. */
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int mine_alone(const struct stat *s)
{
    return s->st_uid == geteuid() && !(s->st_mode & (S_IWGRP | S_IWOTH));
}

static int is_own_directory(const char *path)
{
    struct stat s;
    if (mkdir(path, 0700) && errno != EEXIST) return 0;
    return lstat(path, &s) == 0 && S_ISDIR(s.st_mode) && mine_alone(&s);
}

/* $XDG_CACHE_HOME/autograd, or ~/.cache/autograd. */
int agi_cache_path(const char *name, char path[AGI_PATH])
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = base && *base == '/' ? snprintf(path, AGI_PATH, "%s", base)
            : home && *home == '/' ? snprintf(path, AGI_PATH, "%s/.cache", home) : AGI_PATH;
    if (n >= AGI_PATH - 128 || !is_own_directory(path)) return 0;
    strcpy(path + n, "/autograd");
    if (!is_own_directory(path)) return 0;
    snprintf(path + n, (size_t)(AGI_PATH - n), "/autograd/%s", name);
    return 1;
}

int agi_cache_trusts(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0 && S_ISREG(s.st_mode) && mine_alone(&s);
}

static int copy(int from, int to)
{
    char buffer[1 << 14];
    ssize_t n;
    while ((n = read(from, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0, part; done < n; done += part)
            if ((part = write(to, buffer + done, (size_t)(n - done))) <= 0) return 0;
    return n == 0;
}

int agi_cache_store(const char *from, const char *path)
{
    char temporary[AGI_PATH + 8];
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int source = open(from, O_RDONLY | O_CLOEXEC), target = mkstemp(temporary);
    int ok = source >= 0 && target >= 0 && copy(source, target);
    if (source >= 0) close(source);
    if (target >= 0) ok = close(target) == 0 && ok;
    ok = ok && rename(temporary, path) == 0;
    if (!ok && target >= 0) unlink(temporary);
    return ok;
}
