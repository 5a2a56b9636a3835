/* The rooms of the engine: what each includes and calls is what rooms.txt says it may. Read from the sources: who
 * includes whose header, and in whose braces stands a name that another file defines. */
#include "test.h"

#include <ctype.h>
#include <stdarg.h>

enum { MOST_ROOMS = 40, MOST_FILES = 600, MOST_NAMES = 6000, NAME = 64, PATH = 128, FOUND = 20 };

typedef struct {
    char name[NAME];
    int outside;            /* 1: it calls what any program may, and nothing else needs to be allowed */
    int used[MOST_ROOMS]; /* by room that is allowed: 0: it is not; 1: nobody needs that; 2: somebody does */
} room;

typedef struct {
    char path[PATH], *text; /* without comments, and nothing in strings */
    int room;               /* or -1: a public header */
} source;

typedef struct {
    char name[NAME];
    int file, operation;
} definition;

static struct {
    room room[MOST_ROOMS];
    source file[MOST_FILES];
    definition name[MOST_NAMES];
    int rooms, files, names, wrong;
    char said[FOUND * 256];
} r;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int find_room(const char *name)
{
    for (int k = 0; k < r.rooms; k++)
        if (strcmp(r.room[k].name, name) == 0) return k;
    return -1;
}

static void read_table(int pass)
{
    char line[256];
    FILE *f = fopen("tests/rooms.txt", "r");
    ck_assert_msg(f != NULL, "no tests/rooms.txt here: run from the top of the source tree");
    while (fgets(line, sizeof line, f)) {
        char *word = strtok(line, " \n");
        if (!word || *word == '#') continue;
        if (!pass) {
            snprintf(r.room[r.rooms++].name, NAME, "%s", word);
            continue;
        }
        room *from = &r.room[find_room(word)];
        while ((word = strtok(NULL, " \n"))) {
            if (strcmp(word, "public") == 0) {
                from->outside = 1;
                continue;
            }
            ck_assert_msg(find_room(word) >= 0, "rooms.txt: '%s' is no room", word);
            from->used[find_room(word)] = 1;
        }
    }
    fclose(f);
}

/* Comments and what strings hold become spaces; the names of included files stay. */
static void strip(char *c)
{
    for (int include = 0; *c; c++) {
        if (*c == '\n') include = 0;
        if (*c == '#') include = strncmp(c, "#include", 8) == 0;
        if (c[0] == '/' && c[1] == '*') {
            char *end = strstr(c, "*/");
            for (; c < end + 2; c++)
                if (*c != '\n') *c = ' ';
            c--;
        } else if (!include && (*c == '"' || *c == '\'')) {
            for (char quote = *c++; *c != quote; c++) {
                if (*c == '\\') *c++ = ' ';
                *c = ' ';
            }
        }
    }
}

static void read_file(const char *path)
{
    source *s = &r.file[r.files++];
    ck_assert_int_lt(r.files, MOST_FILES);
    snprintf(s->path, PATH, "%s", path);
    FILE *f = fopen(path, "r");
    ck_assert(f && !fseek(f, 0, SEEK_END));
    size_t size = (size_t)ftell(f);
    rewind(f);
    s->text = calloc(size + 1, 1);
    ck_assert_uint_eq(fread(s->text, 1, size, f), size);
    fclose(f);
    strip(s->text);
    char name[PATH];
    snprintf(name, PATH, "%s", strncmp(path, "autograd/", 9) ? path : path + 9);
    char *slash = strrchr(name, '/');
    if (slash) *slash = 0;
    s->room = slash ? find_room(name) : -1;
    ck_assert_msg(!slash || s->room >= 0, "%s: rooms.txt has no room '%s'", path, name);
    if (strcmp(path, "nodes/nodes.def") == 0) s->room = -1; /* a part of node.h */
}

static void read_sources(void)
{
    char path[PATH];
    FILE *f = popen("find autograd nodes -name '*.[ch]' -o -name '*.inc' -o -name '*.def' | sort", "r");
    while (fgets(path, sizeof path, f)) {
        path[strcspn(path, "\n")] = 0;
        read_file(path);
    }
    ck_assert_int_eq(pclose(f), 0);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static int is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next of the library's names from c on, the depth of braces followed; NULL: none. */
static const char *next_name(const char *c, int *depth, char name[NAME])
{
    for (; *c; c++) {
        *depth += (*c == '{') - (*c == '}');
        if (!is_word(*c)) continue;
        size_t n = 0;
        while (is_word(c[n])) n++;
        if ((strncmp(c, "ag_", 3) == 0 || strncmp(c, "agi_", 4) == 0) && n < NAME) {
            snprintf(name, NAME, "%.*s", (int)n, c);
            return c + n;
        }
        c += n - 1;
    }
    return NULL;
}

/* Does a definition follow the name: its arguments and a brace, or the value of an object? */
static int is_defined(const char *after)
{
    int depth = 0;
    while (*after == ' ') after++;
    if (*after == '=' || *after == '[') return strchr(after, ';') > strchr(after, '=') && strchr(after, '=');
    if (*after != '(') return 0;
    do depth += (*after == '(') - (*after == ')');
    while (*++after && depth);
    while (isspace((unsigned char)*after)) after++;
    return *after == '{';
}

static void define_names(int file)
{
    char name[NAME];
    int depth = 0;
    const char *text = r.file[file].text, *c = text;
    while ((c = next_name(c, &depth, name))) {
        if (depth || !is_defined(c)) continue;
        const char *start = c - strlen(name);
        definition *d = &r.name[r.names++];
        ck_assert_int_lt(r.names, MOST_NAMES);
        snprintf(d->name, NAME, "%s", name);
        d->file = file;
        d->operation = start - text > 6 && strncmp(start - 6, "ag_op ", 6) == 0;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const definition *)a)->name, ((const definition *)b)->name);
}

/* ---- what reaches what ------------------------------------------------------------------------------------------- */

static void complain(const char *format, ...)
{
    size_t n = strlen(r.said);
    va_list args;
    va_start(args, format);
    if (r.wrong++ < FOUND) vsnprintf(r.said + n, sizeof r.said - n, format, args);
    va_end(args);
}

static void reach(int from, int to, const char *what)
{
    const source *a = &r.file[from], *b = &r.file[to];
    if (a->room < 0 || b->room < 0 || a->room == b->room || strcmp(r.room[b->room].name, "base") == 0) return;
    int *used = &r.room[a->room].used[b->room];
    if (*used) *used = 2;
    else complain("%s: %s of %s, but %s may not reach %s\n", a->path, what, b->path, r.room[a->room].name,
                  r.room[b->room].name);
}

static void look_at_includes(int file)
{
    for (const char *c = r.file[file].text; (c = strstr(c, "#include \"")); c++) {
        const char *name = c + strlen("#include \"");
        int n = (int)strcspn(name, "\""), folder = (int)(strrchr(r.file[file].path, '/') - r.file[file].path);
        char tried[3][PATH * 2];
        snprintf(tried[0], sizeof *tried, "%.*s/%.*s", folder, r.file[file].path, n, name);
        snprintf(tried[1], sizeof *tried, "autograd/%.*s", n, name);
        snprintf(tried[2], sizeof *tried, "nodes/%.*s", n, name);
        for (int k = 0, found = 0; k < 3 && !found; k++)
            for (int to = 0; to < r.files && !found; to++)
                if ((found = strcmp(r.file[to].path, tried[k]) == 0)) reach(file, to, "the header");
    }
}

/* Is the name in a public header? */
static int is_public(const char *name)
{
    char other[NAME];
    for (int k = 0; k < r.files; k++) {
        const char *c = r.file[k].text;
        int depth = 0;
        if (strcmp(r.file[k].path, "autograd/autograd.h") && strcmp(r.file[k].path, "autograd/node.h")) continue;
        while ((c = next_name(c, &depth, other)))
            if (strcmp(name, other) == 0) return 1;
    }
    return 0;
}

static void look_at_calls(int file)
{
    const int at = r.file[file].room, outside = at >= 0 && r.room[at].outside;
    definition key;
    int depth = 0;
    const char *c = r.file[file].text;
    while ((c = next_name(c, &depth, key.name))) {
        const definition *d = depth ? bsearch(&key, r.name, (size_t)r.names, sizeof key, by_name) : NULL;
        if (!d || d->file == file) continue;
        if (!outside || !is_public(d->name)) reach(file, d->file, d->name);
        if (d->operation && strncmp(r.file[file].path, "nodes/", 6) && strcmp(d->name, "agi_bad"))
            complain("%s: it knows the operation %s by name\n", r.file[file].path, d->name);
    }
}

START_TEST(rooms_reach_what_they_may)
{
    read_table(0);
    read_table(1);
    read_sources();
    for (int k = 0; k < r.files; k++) define_names(k);
    qsort(r.name, (size_t)r.names, sizeof *r.name, by_name);
    ck_assert_int_gt(r.names, 500);
    for (int k = 0; k < r.files; k++) {
        look_at_includes(k);
        look_at_calls(k);
    }
    for (int a = 0; a < r.rooms; a++)
        for (int b = 0; b < r.rooms; b++)
            if (r.room[a].used[b] == 1) complain("rooms.txt: %s needs no %s\n", r.room[a].name, r.room[b].name);
    ck_assert_msg(!r.wrong, "%d\n%s", r.wrong, r.said);
    for (int k = 0; k < r.files; k++) free(r.file[k].text);
}
END_TEST

Suite *suite_rooms(void)
{
    Suite *s = suite_create("rooms");
    TCase *t = tcase_create("rooms");
    tcase_add_test(t, rooms_reach_what_they_may);
    suite_add_tcase(s, t);
    return s;
}
