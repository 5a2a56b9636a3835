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

/* Its exit status, or TOO_LONG; UNKNOWN: the program that we are part of has waited for it, or ignores SIGCHLD. */
static int wait_for(pid_t child, double until)
{
    struct timespec pause = { 0, 1000000 };
    for (;;) {
        int status;
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        if (ended < 0 && errno != EINTR) return UNKNOWN;
        if (now() > until) break;
        nanosleep(&pause, NULL);
    }
    kill(-child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return TOO_LONG;
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

static int run_compiler(const agi_compilation *c, const files *f, const ag_allocator *a, char note[AGI_NOTE])
{
    pid_t child;
    double until = now() + c->seconds;
    char **variables = environment(a, f);
    int failed = variables ? start(c, f, variables, &child) : ENOMEM;
    agi_release(a, variables);
    if (!failed) return wait_for(child, until);
    int n = snprintf(note, AGI_NOTE, "no: cannot run the compiler %.60s: %.60s", c->compiler, strerror(failed));
    if (strchr(c->compiler, ' ')) snprintf(note + n, (size_t)(AGI_NOTE - n), ": AG_CC is the name of one program");
    return UNKNOWN;
}

static int compile(const agi_compilation *c, const files *f, const ag_source *text, char note[AGI_NOTE])
{
    double started = now();
    if (!write_source(f, text)) return snprintf(note, AGI_NOTE, "no: cannot write to a temporary directory"), 0;
    *note = 0;
    int status = run_compiler(c, f, text->allocator, note);
    if (*note) return 0;
    if (status == TOO_LONG)
        return snprintf(note, AGI_NOTE, "no: %.60s took longer than %g s", c->compiler, c->seconds), 0;
    int whole = is_whole(f);
    if (!whole && !status) return snprintf(note, AGI_NOTE, "no: cannot load the compiled code: there is none"), 0;
    if (!whole || status > 0) {
        int n = snprintf(note, AGI_NOTE, "no: %.60s failed", c->compiler);
        return quote_log(f, note + n, (size_t)(AGI_NOTE - n)), 0;
    }
    snprintf(note, AGI_NOTE, "compiled by %.60s in %.2f s", c->compiler, now() - started);
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

static void *compile_and_load(const agi_compilation *c, const ag_source *text, const char *keep, char note[AGI_NOTE])
{
    files *f = agi_allocate(text->allocator, sizeof *f);
    void *library = NULL;
    if (!f || !make_files(f)) {
        snprintf(note, AGI_NOTE, f ? "no: no temporary directory" : "no: out of memory");
    } else {
        if (compile(c, f, text, note)) library = load(f->library, note);
        if (library && keep && !agi_cache_store(f->library, keep)) strcat(note, ", not kept");
        remove_files(f);
    }
    agi_release(text->allocator, f);
    return library;
}

void *agi_compile_text(const agi_compilation *c, const ag_source *text, char note[AGI_NOTE])
{
    char name[80], kept[AGI_PATH];
    if (!c->cache) return compile_and_load(c, text, NULL, note);
    name_of(c, text, name);
    int safe = agi_cache_path(name, kept);
    if (safe && agi_cache_trusts(kept)) {
        void *library = load(kept, note);
        if (library) return snprintf(note, AGI_NOTE, "from the cache"), library;
    }
    void *library = compile_and_load(c, text, safe ? kept : NULL, note);
    if (library && !safe) strcat(note, ", no safe cache directory");
    return library;
}
