/* Bytes of a file one after another. Where zlib is there when the library is built, compressed ones too: it reads what
 * is not compressed as it is. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if __has_include(<zlib.h>) && !defined AG_WITHOUT_ZLIB
#include <zlib.h>
#define WITH_ZLIB 1
#else
#define WITH_ZLIB 0
#endif

ag_status agi_problem(ag_problem *p, ag_status status, const char *path, const char *format, ...)
{
    va_list args;
    if (!p) return status;
    int n = snprintf(p->message, sizeof p->message, "%.160s: ", path ? path : "");
    va_start(args, format);
    vsnprintf(p->message + n, sizeof p->message - (size_t)n, format, args);
    va_end(args);
    return status;
}

#if WITH_ZLIB
enum { BUFFER = 1 << 17, AT_ONCE = 1 << 30 };

static ag_status start(agi_stream *s, int descriptor)
{
    gzFile file = gzdopen(descriptor, "rb");
    if (!file) {
        close(descriptor);
        return agi_problem(s->problem, AG_EMEM, s->path, "out of memory");
    }
    gzbuffer(file, BUFFER);
    s->file = file;
    return AG_OK;
}

void agi_stream_close(agi_stream *s)
{
    if (s->file) gzclose(s->file);
    s->file = NULL;
}

int64_t agi_stream_read(agi_stream *s, void *to, int64_t bytes)
{
    int64_t done = 0;
    while (done < bytes) {
        int64_t left = bytes - done;
        int n = gzread(s->file, (char *)to + done, (unsigned)(left < AT_ONCE ? left : AT_ONCE)), why;
        const char *message = gzerror(s->file, &why);
        if (n < 0 || (why != Z_OK && why != Z_BUF_ERROR && why != Z_STREAM_END)) {
            agi_problem(s->problem, AG_EIO, s->path, "it cannot be read: %.100s",
                        why == Z_ERRNO ? strerror(errno) : message);
            return -1;
        }
        if (why == Z_BUF_ERROR) { /* gzip whose end is missing */
            agi_problem(s->problem, AG_EIO, s->path, "the compressed file is cut off");
            return -1;
        }
        if (n == 0) break;
        done += n;
    }
    return done;
}
#else
static ag_status start(agi_stream *s, int descriptor)
{
    unsigned char magic[2] = { 0 };
    FILE *file = fdopen(descriptor, "rb");
    if (!file) {
        close(descriptor);
        return agi_problem(s->problem, AG_EMEM, s->path, "out of memory");
    }
    s->file = file;
    if (fread(magic, 1, 2, file) == 2 && magic[0] == 0x1F && magic[1] == 0x8B)
        return agi_problem(s->problem, AG_EIO, s->path, "it is gzip, and there was no zlib when the library was built");
    rewind(file);
    return AG_OK;
}

void agi_stream_close(agi_stream *s)
{
    if (s->file) fclose(s->file);
    s->file = NULL;
}

int64_t agi_stream_read(agi_stream *s, void *to, int64_t bytes)
{
    size_t n = fread(to, 1, (size_t)bytes, s->file);
    if (!ferror((FILE *)s->file)) return (int64_t)n;
    agi_problem(s->problem, AG_EIO, s->path, "it cannot be read: %s", strerror(errno));
    return -1;
}
#endif

ag_status agi_stream_open(agi_stream *s, const char *path, ag_problem *problem)
{
    struct stat info;
    *s = (agi_stream){ .path = path, .problem = problem };
    if (problem) problem->message[0] = 0;
    if (!path || !*path) return agi_problem(problem, AG_EARG, path, "a path is needed");
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe that nobody writes does not keep us */
    if (descriptor < 0) return agi_problem(problem, AG_EIO, path, "%s", strerror(errno));
    if (fstat(descriptor, &info) || !S_ISREG(info.st_mode)) {
        close(descriptor);
        return agi_problem(problem, AG_EIO, path, "not a file");
    }
    ag_status status = start(s, descriptor);
    if (status) agi_stream_close(s);
    return status;
}

char *agi_stream_rest(agi_stream *s, int64_t extra, int64_t *bytes, ag_status *status)
{
    int64_t room = 1 << 16, n = 0, got;
    char *text = malloc((size_t)(room + extra));
    while (text && (got = agi_stream_read(s, text + n, room - n)) > 0) {
        n += got;
        if (n < room) continue;
        char *more = realloc(text, (size_t)((room *= 2) + extra));
        if (!more) free(text);
        text = more;
    }
    *status = text ? AG_OK : agi_problem(s->problem, AG_EMEM, s->path, "out of memory");
    if (text && got < 0) {
        free(text);
        *status = AG_EIO;
        return NULL;
    }
    if (text) memset(text + n, 0, (size_t)extra);
    *bytes = n;
    return text;
}
