/* Files of parameters where systems and files are hostile: names, links, modes, stale files, full disks; and files that
 * are damaged in any way, which load rightly or not at all. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[512];

typedef struct {
    ag_graph *g;
    ag_node *w, *b, *n;
    ag_plan *plan;
    ag_run *run;
} model;

static model make(const char *name, double first)
{
    model m = { .g = ag_graph_new(NULL) };
    const double w[6] = { first, 2, 3, 4, 5, 6 };
    const float b[3] = { 7, 8, 9 };
    const int64_t n[2] = { 10, 11 };
    m.w = ag_parameter(m.g, name, AG_F64, AG_SHAPE(2, 3), w);
    m.b = ag_parameter(m.g, "b", AG_F32, AG_SHAPE(3), b);
    m.n = ag_parameter(m.g, NULL, AG_I64, AG_SHAPE(2), n);
    m.plan = ag_compile(m.g, 3, (ag_node *[]){ m.w, m.b, m.n }, NULL);
    m.run = ag_run_new(m.plan);
    ck_assert_ptr_nonnull(m.run);
    return m;
}

static void drop(model *m)
{
    ag_run_free(m->run);
    ag_plan_free(m->plan);
    ag_graph_free(m->g);
}

static double first_of(const model *m)
{
    return *(const double *)ag_data(m->run, m->w);
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model", folder);
}

static void remove_folder(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static int files(void)
{
    DIR *d = opendir(folder);
    int n = -2; /* . and .. */
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static mode_t mode_of(const char *file)
{
    struct stat s;
    ck_assert_int_eq(lstat(file, &s), 0);
    return s.st_mode;
}

static void expect_loaded(const char *file, double first)
{
    model m = make("w", -1);
    ck_assert_int_eq(ag_load(m.run, file), AG_OK);
    ck_assert_double_eq(first_of(&m), first);
    drop(&m);
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

/* As long a name as there can be, over and over, beside what other processes of this number have left. */
START_TEST(long_names)
{
    make_folder();
    model m = make("w", 1);
    size_t n = strlen(folder) + 1;
    memset(path + n, 'a', 255);
    path[n + 255] = 0;
    for (int k = 0; k < 8; k++) ck_assert_msg(ag_save(m.run, path) == AG_OK, "%s", ag_run_error(m.run));
    ck_assert_int_eq(files(), 1);
    expect_loaded(path, 1);
    strcat(path, "a");
    ck_assert_int_eq(ag_save(m.run, path), AG_EIO);
    ck_assert_int_eq(files(), 1);
    drop(&m);
    remove_folder();
}
END_TEST

START_TEST(modes)
{
    make_folder();
    model m = make("w", 1);
    mode_t before = umask(027);
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    ck_assert_int_eq(mode_of(path) & 0777, 0640);
    umask(0);
    ck_assert_int_eq(chmod(path, 0600), 0); /* whom a file is kept from, it stays kept from */
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    ck_assert_int_eq(mode_of(path) & 0777, 0600);
    umask(before);
    drop(&m);
    remove_folder();
}
END_TEST

START_TEST(links_lead_to_what_is_saved)
{
    make_folder();
    model m = make("w", 1), other = make("w", 2);
    char link[128];
    snprintf(link, sizeof link, "%s/link", folder);
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    ck_assert_int_eq(symlink("model", link), 0);
    ck_assert_int_eq(ag_save(other.run, link), AG_OK);
    ck_assert(S_ISLNK(mode_of(link)));
    expect_loaded(path, 2);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(ag_save(other.run, link), AG_EIO);
    ck_assert_ptr_nonnull(strstr(ag_run_error(other.run), "leads nowhere"));
    ck_assert_int_eq(files(), 1);
    drop(&m);
    drop(&other);
    remove_folder();
}
END_TEST

START_TEST(only_files_are_replaced)
{
    make_folder();
    model m = make("w", 1);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(ag_save(m.run, path), AG_EIO);
    ck_assert_ptr_nonnull(strstr(ag_run_error(m.run), "not a file"));
    ck_assert(S_ISFIFO(mode_of(path)));
    ck_assert_int_eq(ag_save(m.run, folder), AG_EIO);
    strcat(path, "/below");
    ck_assert_int_eq(ag_save(m.run, path), AG_EIO);
    ck_assert_int_eq(files(), 1);
    drop(&m);
    remove_folder();
}
END_TEST

START_TEST(names_are_utf8)
{
    static const char *const wrong[] = { "caf\xe9", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                         "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "a\xff" };
    static const char *const right[] = { "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\x7e" };
    make_folder();
    for (size_t k = 0; k < COUNT(wrong); k++) {
        model m = make(wrong[k], 1);
        ck_assert_int_eq(ag_save(m.run, path), AG_EARG);
        ck_assert_ptr_nonnull(strstr(ag_run_error(m.run), "it is no UTF-8"));
        ck_assert_int_eq(files(), 0);
        drop(&m);
    }
    for (size_t k = 0; k < COUNT(right); k++) {
        model m = make(right[k], 1), again = make(right[k], 2);
        ck_assert_int_eq(ag_save(m.run, path), AG_OK);
        ck_assert_int_eq(ag_load(again.run, path), AG_OK);
        ck_assert_double_eq(first_of(&again), 1);
        drop(&m);
        drop(&again);
    }
    remove_folder();
}
END_TEST

/* ---- damaged files ----------------------------------------------------------------------------------------------- */

enum { LARGEST = 4096 };

static size_t read_file(char *to)
{
    FILE *f = fopen(path, "rb");
    size_t n = fread(to, 1, LARGEST, f);
    fclose(f);
    return n;
}

static void write_file(const char *from, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_int_eq(fwrite(from, 1, n, f), n);
    fclose(f);
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

/* Cuts, grows, overwrites, doubles and exchanges pieces; numbers and punctuation above all. */
static size_t damage(char *text, size_t n, uint64_t *seed)
{
    static const char *const words[] = {
        "9223372036854775807", "18446744073709551616", "281474976710656", "-1", "0", "00", "1e9", "48", "\"", "\\u0000",
        "\\ud800", "{", "}", "[", "]", "[[[[", ":", ",", "null", "F64", "I64", "\"shape\"", "\"w\"",
        "\"__metadata__\":{},", " ", "\xff", "2,3,1"
    };
    size_t at = draw(seed, n), length = draw(seed, 12), to = draw(seed, n);
    const char *word = words[draw(seed, COUNT(words))];
    if (at + length > n) length = n - at;
    if (to + length > n) to = n - length;
    switch (draw(seed, 7)) {
    case 0: return at;                                              /* cut off */
    case 1: text[at] ^= (char)(1 << draw(seed, 8)); return n;       /* a bit */
    case 2: text[draw(seed, 8)] = (char)draw(seed, 256); return n;  /* the header's length */
    case 3: memmove(text + to, text + at, length); return n;        /* a piece over another one */
    case 4: memmove(text + at, text + at + length, n - at - length); return n - length;
    default:
        length = strlen(word);
        if (n + length > LARGEST) return n;
        memmove(text + at + length, text + at, n - at);
        memcpy(text + at, word, length);
        return n + length;
    }
}

/* A header whose length is right, so that its text is read. */
static void correct_length(char *text, size_t before, size_t now)
{
    uint64_t length;
    memcpy(&length, text, sizeof length);
    length += now - before;
    memcpy(text, &length, sizeof length);
}

START_TEST(damaged_files_load_rightly_or_not_at_all)
{
    enum { TRIES = 4000 };
    static char good[LARGEST], bad[LARGEST];
    uint64_t seed = 1;
    int loaded = 0;
    make_folder();
    model m = make("w", 1), other = make("w", -1);
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    size_t n = read_file(good);
    for (int k = 0; k < TRIES; k++) {
        memcpy(bad, good, n);
        size_t now = damage(bad, n, &seed);
        if (now > 8 && draw(&seed, 2)) correct_length(bad, n, now);
        for (int more = (int)draw(&seed, 3); more > 0 && now > 8; more--) now = damage(bad, now, &seed);
        write_file(bad, now);
        const double before = first_of(&other);
        ag_status status = ag_load(other.run, path);
        const int told = *ag_run_error(other.run) != 0;
        if (status == AG_OK) loaded++;
        else ck_assert(told && test_same_bits(first_of(&other), before));
    }
    ck_assert_int_gt(loaded, TRIES / 50); /* damaged values, spaces: the reader is not simply deaf */
    ck_assert_int_lt(loaded, TRIES / 2);
    write_file(good, n);
    expect_loaded(path, 1);
    drop(&m);
    drop(&other);
    remove_folder();
}
END_TEST

/* Headers that lie. */
START_TEST(sizes_that_do_not_fit)
{
    static const char *const header[] = {
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,56]}}",   /* more room than the shape needs, */
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[8,56]}}",   /* a hole, */
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,40]}}",   /* less, */
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[48,0]}}",
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,9223372036854775807]}}",
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[9223372036854775800,9223372036854775807]}}",
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[9223372036854775807,9223372036854775807],\"data_offsets\":[0,8]}}",
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,56]}}",
        ("{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]},"
         "\"x\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[40,48]}}"),   /* two that overlap */
    };
    make_folder();
    for (size_t k = 0; k < COUNT(header); k++) {
        model m = make("w", 1);
        char text[LARGEST] = { 0 };
        uint64_t length = strlen(header[k]);
        memcpy(text, &length, sizeof length);
        memcpy(text + 8, header[k], length);
        write_file(text, 8 + length + 56);
        ck_assert_int_eq(ag_load(m.run, path), AG_EIO);
        ck_assert_double_eq(first_of(&m), 1);
        drop(&m);
    }
    remove_folder();
}
END_TEST

Suite *suite_files(void)
{
    Suite *s = suite_create("files");
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, long_names);
    tcase_add_test(t, modes);
    tcase_add_test(t, links_lead_to_what_is_saved);
    tcase_add_test(t, only_files_are_replaced);
    tcase_add_test(t, names_are_utf8);
    tcase_add_test(t, damaged_files_load_rightly_or_not_at_all);
    tcase_add_test(t, sizes_that_do_not_fit);
    suite_add_tcase(s, t);
    return s;
}
