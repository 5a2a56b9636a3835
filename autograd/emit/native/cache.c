/* Compiled code that is kept: in a directory that belongs to the user and that nobody else can write to. */
#include "cache.h"
#include "base/base.h"

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

/* ---- what is kept: the library, and its digest behind it --------------------------------------------------------- */

enum { DIGEST = 64 };

/* A file of the user's alone; and no link to one. */
static int open_own(const char *path, int64_t *size)
{
    struct stat s;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file >= 0 && fstat(file, &s) == 0 && S_ISREG(s.st_mode) && mine_alone(&s) && s.st_size > DIGEST) {
        *size = (int64_t)s.st_size;
        return file;
    }
    if (file >= 0) close(file);
    return -1;
}

/* As many bytes, or what there is; -1: it cannot be read. */
static int64_t read_all(int file, char *to, int64_t bytes)
{
    int64_t done = 0;
    while (done < bytes) {
        ssize_t n = read(file, to + done, (size_t)(bytes - done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        done += n;
    }
    return done;
}

static int write_all(int file, const char *from, int64_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(file, from, (size_t)bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        from += n;
        bytes -= n;
    }
    return 1;
}

/* Code that was cut off, by a full disk or a power cut, would end whoever maps it. */
int agi_cache_trusts(const char *path)
{
    char buffer[1 << 14], there[DIGEST + 1] = "", made[DIGEST + 1];
    int64_t left = 0;
    int file = open_own(path, &left), ok = file >= 0;
    agi_digest d;
    agi_digest_start(&d);
    for (left -= DIGEST; ok && left > 0;) {
        int64_t n = left < (int64_t)sizeof buffer ? left : (int64_t)sizeof buffer;
        ok = read_all(file, buffer, n) == n;
        if (ok) agi_digest_add(&d, buffer, (size_t)n);
        left -= n;
    }
    ok = ok && read_all(file, there, DIGEST) == DIGEST;
    agi_digest_end(&d, made);
    if (file >= 0) close(file);
    return ok && memcmp(there, made, DIGEST) == 0;
}

static int copy(int from, int to)
{
    char buffer[1 << 14], digest[DIGEST + 1];
    int64_t n;
    agi_digest d;
    agi_digest_start(&d);
    while ((n = read_all(from, buffer, sizeof buffer)) > 0) {
        agi_digest_add(&d, buffer, (size_t)n);
        if (!write_all(to, buffer, n)) return 0;
    }
    if (n < 0) return 0;
    agi_digest_end(&d, digest);
    return write_all(to, digest, DIGEST) && fsync(to) == 0;
}

/* The new name is there after a power cut, where the system can tell. */
static void sync_folder_of(char *path)
{
    *strrchr(path, '/') = 0;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    fsync(folder);
    close(folder);
}

int agi_cache_store(const char *from, const char *path)
{
    char temporary[AGI_PATH + 8];
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int source = open(from, O_RDONLY | O_CLOEXEC), target = source < 0 ? -1 : mkostemp(temporary, O_CLOEXEC);
    int ok = target >= 0 && copy(source, target);
    if (source >= 0) close(source);
    if (target >= 0) ok = close(target) == 0 && ok;
    ok = ok && rename(temporary, path) == 0;
    if (!ok && target >= 0) unlink(temporary);
    if (ok) sync_folder_of(temporary);
    return ok;
}
