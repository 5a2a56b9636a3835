/* Runs the system's compiler on generated text and loads what it makes: without a shell, within a time limit, and in a
 * private directory, where everything lies until it is removed: $TMPDIR/autograd-*, or /tmp/autograd-*, is all that a
 * process leaves that is ended meanwhile. */
#include "cache.h"
#include "compiler.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <link.h>
#endif

extern char **environ;

enum { MOST_ARGUMENTS = 32 };

typedef struct {
    char folder[AGI_PATH], source[AGI_PATH + 16], library[AGI_PATH + 16], log[AGI_PATH + 16];
} files;

enum { COMPILER = 64 /* room for its name in notes */ };
struct agi_compiling {
    files files;
    char compiler[COMPILER], kept[AGI_PATH];
    int keep;              /* in that file; -1: there is no safe directory for it */
    pid_t child;
    int status;            /* once `ended` */
    int ended;
    double started, seconds;
};

/* ---- a private directory ----------------------------------------------------------------------------------------- */

static int make_files(files *f)
{
    const char *base = getenv("TMPDIR");
    if (!base || *base != '/' || strlen(base) > AGI_PATH - 64) base = "/tmp";
    snprintf(f->folder, sizeof f->folder, "%s/autograd-XXXXXX", base);
    if (!mkdtemp(f->folder)) return 0; /* 0700 */
    snprintf(f->source, sizeof f->source, "%s/plan.c", f->folder);
    snprintf(f->library, sizeof f->library, "%s/plan.so", f->folder);
    snprintf(f->log, sizeof f->log, "%s/log", f->folder);
    return 1;
}

/* The compiler's own temporary files, too. */
static void remove_files(const files *f)
{
    DIR *folder = opendir(f->folder);
    const struct dirent *e;
    while (folder && (e = readdir(folder)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) unlinkat(dirfd(folder), e->d_name, 0);
    if (folder) closedir(folder);
    rmdir(f->folder);
}

static int write_source(const files *f, const ag_source *text)
{
    FILE *to = fopen(f->source, "we");
    if (!to) return 0;
    int ok = fwrite(text->text.data, 1, (size_t)text->text.count, to) == (size_t)text->text.count;
    return fclose(to) == 0 && ok;
}

/* ---- the compiler ------------------------------------------------------------------------------------------------ */

/* Ours, but for the place of temporary files. NULL: out of memory. */
static char **environment(const ag_allocator *a, const files *f)
{
    static const char name[] = "TMPDIR=";
    size_t n = 0, kept = 0;
    while (environ[n]) n++;
    char **all = agi_allocate(a, (n + 2) * sizeof *all + sizeof name + sizeof f->folder);
    if (!all) return NULL;
    for (size_t k = 0; k < n; k++)
        if (strncmp(environ[k], name, sizeof name - 1)) all[kept++] = environ[k];
    all[kept++] = (char *)(all + n + 2);
    all[kept] = NULL;
    snprintf(all[kept - 1], sizeof name + sizeof f->folder, "%s%s", name, f->folder);
    return all;
}

/* Signals mean to the compiler what they do to any program, whatever they do to the one that we are part of. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0); /* its own group, so that all its processes can be ended */
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int start(const agi_compilation *c, const files *f, char **variables, pid_t *child)
{
    char *arguments[MOST_ARGUMENTS];
    int n = 0;
    arguments[n++] = (char *)(uintptr_t)c->compiler;
    for (int k = 0; c->flags[k] && n < MOST_ARGUMENTS - 6; k++) arguments[n++] = (char *)(uintptr_t)c->flags[k];
    const char *const rest[] = { f->source, "-o", f->library, "-lm" };
    for (int k = 0; k < 4; k++) arguments[n++] = (char *)(uintptr_t)rest[k];
    arguments[n] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions)) return ENOMEM;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, f->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    set_attributes(&attributes);
    int failed = posix_spawnp(child, c->compiler, &actions, &attributes, arguments, variables);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { TOO_LONG = -1, UNKNOWN = -2 };

static void end(agi_compiling *x, int status)
{
    x->ended = 1;
    x->status = status;
}

/* Its exit status becomes known, or TOO_LONG; UNKNOWN: the program that we are part of has waited for it, or ignores
 * SIGCHLD. */
int agi_has_compiled(agi_compiling *x)
{
    int status;
    if (x->ended) return 1;
    pid_t ended = waitpid(x->child, &status, WNOHANG);
    if (ended == x->child) end(x, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    else if (ended < 0 && errno != EINTR) end(x, UNKNOWN);
    else if (now() > x->started + x->seconds) {
        kill(-x->child, SIGKILL);
        while (waitpid(x->child, NULL, 0) < 0 && errno == EINTR) {}
        end(x, TOO_LONG);
    }
    return x->ended;
}

/* The first line of what the compiler said that speaks of an error, as plain text. */
static void quote_log(const files *f, char *to, size_t size)
{
    char line[256];
    FILE *log = fopen(f->log, "re");
    *to = 0;
    while (log && !strstr(to, "error") && fgets(line, sizeof line, log)) {
        const char *said = strstr(line, "error");
        if (!said) continue;
        size_t n = strcspn(said, "\n");
        snprintf(to, size, ": %.*s", (int)n, said);
    }
    for (; *to; to++)
        if (*to < ' ' || *to > '~') *to = '?';
    if (log) fclose(log);
}

/* Compilers remove what they fail to complete; whoever ends them does not. To map half a library would end us. */
static int is_whole(const files *f)
{
    struct stat s;
    if (stat(f->library, &s) || !s.st_size) return 0;
#ifdef __linux__
    ElfW(Ehdr) head;
    FILE *library = fopen(f->library, "re");
    int ok = library && fread(&head, sizeof head, 1, library) == 1 && !memcmp(head.e_ident, ELFMAG, SELFMAG);
    ok = ok && (uint64_t)head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize <= (uint64_t)s.st_size;
    if (library) fclose(library);
    return ok;
#else
    return 1;
#endif
}

static int run_compiler(agi_compiling *x, const agi_compilation *c, const ag_allocator *a, char note[AGI_NOTE])
{
    char **variables = environment(a, &x->files);
    int failed = variables ? start(c, &x->files, variables, &x->child) : ENOMEM;
    agi_release(a, variables);
    if (!failed) return 1;
    int n = snprintf(note, AGI_NOTE, "no: cannot run the compiler %.60s: %.60s", c->compiler, strerror(failed));
    if (strchr(c->compiler, ' ')) snprintf(note + n, (size_t)(AGI_NOTE - n), ": AG_CC is the name of one program");
    return 0;
}

/* The compiler has made a library. */
static int has_made(const agi_compiling *x, char note[AGI_NOTE])
{
    if (x->status == TOO_LONG)
        return snprintf(note, AGI_NOTE, "no: %s took longer than %g s", x->compiler, x->seconds), 0;
    int whole = is_whole(&x->files);
    if (!whole && !x->status) return snprintf(note, AGI_NOTE, "no: cannot load the compiled code: there is none"), 0;
    if (!whole || x->status > 0) {
        int n = snprintf(note, AGI_NOTE, "no: %s failed", x->compiler);
        return quote_log(&x->files, note + n, (size_t)(AGI_NOTE - n)), 0;
    }
    snprintf(note, AGI_NOTE, "compiled by %s in %.2f s", x->compiler, now() - x->started);
    return 1;
}

/* ---- the library ------------------------------------------------------------------------------------------------- */

static void *load(const char *path, char note[AGI_NOTE])
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *why = library ? NULL : dlerror();
    if (!library) snprintf(note, AGI_NOTE, "no: cannot load the compiled code: %.100s", why ? why : "");
    return library;
}

static void name_of(const agi_compilation *c, const ag_source *text, char name[80])
{
    agi_digest d;
    agi_digest_start(&d);
    agi_digest_add(&d, c->compiler, strlen(c->compiler) + 1);
    for (int k = 0; c->flags[k]; k++) agi_digest_add(&d, c->flags[k], strlen(c->flags[k]) + 1);
    agi_digest_add(&d, text->text.data, (size_t)text->text.count);
    agi_digest_end(&d, name);
    strcat(name, ".so");
}

/* Where the result is to be kept, if it is; it may be there already. */
static void *look_into_cache(agi_compiling *x, const agi_compilation *c, const ag_source *text, char note[AGI_NOTE])
{
    char name[80];
    if (!c->cache) return NULL;
    name_of(c, text, name);
    x->keep = agi_cache_path(name, x->kept) ? 1 : -1;
    void *library = x->keep > 0 && agi_cache_trusts(x->kept) ? load(x->kept, note) : NULL;
    if (library) snprintf(note, AGI_NOTE, "from the cache");
    return library;
}

static int begin(agi_compiling *x, const agi_compilation *c, const ag_source *text, char note[AGI_NOTE])
{
    if (!make_files(&x->files)) return snprintf(note, AGI_NOTE, "no: no temporary directory"), 0;
    int begun = write_source(&x->files, text);
    if (!begun) snprintf(note, AGI_NOTE, "no: cannot write to a temporary directory");
    else begun = run_compiler(x, c, text->allocator, note);
    if (!begun) remove_files(&x->files);
    return begun;
}

agi_compiling *agi_start_compiling(const agi_compilation *c, const ag_source *text, void **library,
                                   char note[AGI_NOTE])
{
    agi_compiling *x = agi_allocate(text->allocator, sizeof *x);
    *library = NULL;
    if (!x) return snprintf(note, AGI_NOTE, "no: out of memory"), NULL;
    x->keep = x->ended = 0;
    x->started = now();
    x->seconds = c->seconds;
    snprintf(x->compiler, COMPILER, "%.60s", c->compiler);
    *library = look_into_cache(x, c, text, note);
    if (!*library && begin(x, c, text, note)) return x;
    agi_forget_compiling(text->allocator, x);
    return NULL;
}

void *agi_finish_compiling(agi_compiling *x, char note[AGI_NOTE])
{
    if (!x->ended) x->seconds = 0;
    agi_has_compiled(x);
    void *library = has_made(x, note) ? load(x->files.library, note) : NULL;
    if (library && x->keep > 0 && !agi_cache_store(x->files.library, x->kept)) strcat(note, ", not kept");
    if (library && x->keep < 0) strcat(note, ", no safe cache directory");
    remove_files(&x->files);
    return library;
}

void agi_forget_compiling(const ag_allocator *a, agi_compiling *x)
{
    agi_release(a, x);
}

void *agi_compile_text(const agi_compilation *c, const ag_source *text, char note[AGI_NOTE])
{
    const struct timespec pause = { 0, 1000000 };
    void *library;
    agi_compiling *x = agi_start_compiling(c, text, &library, note);
    if (!x) return library;
    while (!agi_has_compiled(x)) nanosleep(&pause, NULL);
    library = agi_finish_compiling(x, note);
    agi_forget_compiling(text->allocator, x);
    return library;
}
