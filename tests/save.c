/* Parameters in files: bytes against the format's description; anything else than a sound file changes nothing. */
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const double a_values[6] = { 1, -2.5, 3e-300, 0.1, INFINITY, -0.0 };
static const float b_values[3] = { 1.5f, -2.0f, 0.1f };
static const int64_t c_values[2] = { -1, INT64_MAX };

/* What a file of these parameters must be: in the order of their making; the data of eight-byte types first. */
#define PARAMETERS                                                                                               \
    "{\"parameter0\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[64,68]},"                                  \
    "\"b \\\"1\\\\\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[68,80]},"                                 \
    "\"a\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]},"                                         \
    "\"parameter1\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[48,64]}}"
enum { DATA_BYTES = 80 };

static char directory[64], path[128];

typedef struct {
    ag_graph *g;
    ag_node *a, *b, *c, *scalar, *y;
    ag_plan *plan;
    ag_run *run;
} model;

/* The parameters stand in the graph as scalar, b, a, c. */
static model make(const ag_allocator *allocator, int filled)
{
    model m = { .g = ag_graph_new(allocator) };
    const float half = 0.5f;
    m.scalar = ag_parameter(m.g, NULL, AG_F32, AG_SCALAR, filled ? &half : NULL);
    m.b = ag_parameter(m.g, "b \"1\\", AG_F32, AG_SHAPE(3), filled ? b_values : NULL);
    m.a = ag_parameter(m.g, "a", AG_F64, AG_SHAPE(2, 3), filled ? a_values : NULL);
    m.c = ag_parameter(m.g, NULL, AG_I64, AG_SHAPE(2), filled ? c_values : NULL);
    ag_node *y[] = { ag_mul(m.scalar, ag_sum(m.b)), ag_sum(m.a), ag_reshape(m.c, AG_SHAPE(2, 1)) };
    m.plan = ag_compile(m.g, 3, y, NULL);
    m.run = ag_run_new(m.plan);
    m.y = y[0];
    return m;
}

static void drop(model *m)
{
    ag_run_free(m->run);
    ag_plan_free(m->plan);
    ag_graph_free(m->g);
}

/* The model's values as one piece, in the order of the file. */
static void values(const model *m, char out[DATA_BYTES])
{
    ck_assert_int_eq(ag_fetch(m->run, m->a, out), AG_OK);
    ck_assert_int_eq(ag_fetch(m->run, m->c, out + 48), AG_OK);
    ck_assert_int_eq(ag_fetch(m->run, m->scalar, out + 64), AG_OK);
    ck_assert_int_eq(ag_fetch(m->run, m->b, out + 68), AG_OK);
}

static void expect_zeros(const model *m)
{
    static const char zeros[DATA_BYTES];
    char now[DATA_BYTES];
    values(m, now);
    ck_assert_mem_eq(now, zeros, sizeof now);
}

static void begin(void)
{
    strcpy(directory, "/tmp/autograd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
}

static int files_here(void)
{
    int n = 0;
    DIR *d = opendir(directory);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void end(void)
{
    unlink(path);
    rmdir(directory);
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static size_t read_file(char *to, size_t room)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(to, 1, room, f);
    fclose(f);
    return n;
}

static void write_bytes(const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* A file of this header and so many bytes of data, which count 1, 2, 3... */
static void write_file(const char *header, size_t data_bytes)
{
    char file[8192];
    uint64_t length = strlen(header);
    ck_assert_int_lt(8 + length + data_bytes, sizeof file);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, length);
    for (size_t i = 0; i < data_bytes; i++) file[8 + length + i] = (char)(i + 1);
    write_bytes(file, 8 + length + data_bytes);
}

static void expect_load(model *m, ag_status status, const char *part)
{
    ag_status got = ag_load(m->run, path);
    const char *message = ag_run_error(m->run);
    ck_assert_msg(got == status, "status %d instead of %d: %s", (int)got, (int)status, message);
    if (status) ck_assert_msg(strstr(message, part) && strstr(message, path), "'%s' is not in '%s'", part, message);
}

/* ---- saving ---------------------------------------------------------------------------------------------------- */

START_TEST(the_bytes_are_the_format_s)
{
    model m = make(NULL, 1);
    char file[1024], data[DATA_BYTES];
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    size_t n = read_file(file, sizeof file), header = (strlen(PARAMETERS) + 7) / 8 * 8;
    uint64_t length;
    memcpy(&length, file, 8);
    ck_assert_int_eq(length, header);
    ck_assert_int_eq(n, 8 + header + DATA_BYTES);
    ck_assert_mem_eq(file + 8, PARAMETERS, strlen(PARAMETERS));
    for (size_t i = strlen(PARAMETERS); i < header; i++) ck_assert_int_eq(file[8 + i], ' ');
    values(&m, data);
    ck_assert_mem_eq(file + 8 + header, data, DATA_BYTES);
    ck_assert_mem_eq(data, a_values, sizeof a_values);
    ck_assert_int_eq(files_here(), 1);
    drop(&m);
}
END_TEST

START_TEST(what_is_saved_loads)
{
    model m = make(NULL, 1), other = make(NULL, 0);
    char want[DATA_BYTES], got[DATA_BYTES];
    values(&m, want);
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    expect_zeros(&other);
    expect_load(&other, AG_OK, "");
    values(&other, got);
    ck_assert_mem_eq(got, want, DATA_BYTES);
    ck_assert_int_eq(ag_eval(other.run), AG_OK);
    expect_close(ag_item(other.run, other.y), 0.5 * (1.5 - 2.0 + (double)0.1f), 1e-6);
    drop(&other);
    drop(&m);
}
END_TEST

START_TEST(updates_are_saved)
{
    ag_graph *g = ag_graph_new(NULL);
    const double start = 1;
    ag_node *w = ag_parameter(g, "w", AG_F64, AG_SCALAR, &start);
    ag_node *update = ag_assign(w, ag_mul(w, ag_number(g, 3)));
    ag_plan *plan = ag_compile(g, 1, &update, NULL);
    ag_run *run = ag_run_new(plan), *again = ag_run_new(plan);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert_int_eq(ag_save(run, path), AG_OK);
    ck_assert_int_eq(ag_eval(again), AG_OK);
    ck_assert_int_eq(ag_load(again, path), AG_OK);
    expect_close(ag_item(again, w), 81, 0);
    ck_assert_int_eq(ag_eval(again), AG_OK);
    expect_close(ag_item(again, w), 243, 0);
    ag_run_free(again);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

START_TEST(a_plan_without_parameters_is_an_empty_file)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *y = ag_arange(g, AG_F64, 3);
    ag_plan *plan = ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    char file[64];
    ck_assert_int_eq(ag_save(run, path), AG_OK);
    ck_assert_int_eq(read_file(file, sizeof file), 16);
    ck_assert_mem_eq(file, "\x08\0\0\0\0\0\0\0{}      ", 16);
    ck_assert_int_eq(ag_load(run, path), AG_OK);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

START_TEST(a_name_for_two_cannot_be_saved)
{
    ag_graph *g = ag_graph_new(NULL);
    ag_node *named = ag_parameter(g, "parameter0", AG_F64, AG_SCALAR, NULL);
    ag_node *y = ag_add(named, ag_parameter(g, NULL, AG_F64, AG_SCALAR, NULL));
    ag_plan *plan = ag_compile(g, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_int_eq(ag_save(run, path), AG_EARG);
    ck_assert_ptr_nonnull(strstr(ag_run_error(run), "parameter0"));
    ck_assert_int_eq(files_here(), 0);
    ag_run_free(run);
    ag_plan_free(plan);
    ag_graph_free(g);
}
END_TEST

START_TEST(a_failing_save_leaves_the_old_file)
{
    model m = make(NULL, 1);
    char before[1024], after[1024], wrong[160];
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    size_t n = read_file(before, sizeof before);
    struct rlimit limit, small;
    getrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
    small = (struct rlimit){ 100, limit.rlim_max };
    setrlimit(RLIMIT_FSIZE, &small);
    ag_status status = ag_save(m.run, path);
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(status, AG_EIO);
    ck_assert_int_eq(read_file(after, sizeof after), n);
    ck_assert_mem_eq(before, after, n);
    ck_assert_int_eq(files_here(), 1);

    snprintf(wrong, sizeof wrong, "%s/no/model", directory);
    ck_assert_int_eq(ag_save(m.run, wrong), AG_EIO);
    ck_assert_ptr_nonnull(strstr(ag_run_error(m.run), "No such file"));
    ck_assert_int_eq(ag_save(m.run, directory), AG_EIO);
    ck_assert_int_eq(ag_save(m.run, ""), AG_EARG);
    ck_assert_int_eq(ag_save(m.run, NULL), AG_EARG);
    ck_assert_int_eq(ag_save(NULL, path), AG_EARG);
    ck_assert_int_eq(ag_load(NULL, path), AG_EARG);
    drop(&m);
}
END_TEST

/* ---- loading --------------------------------------------------------------------------------------------------- */

START_TEST(files_of_others_load)
{
    model m = make(NULL, 0);
    char got[DATA_BYTES], want[DATA_BYTES];
    write_file(" { \"__metadata__\" : {\"format\":\"pt\", \"\\n\":\"\\u00e9\\ud83d\\ude00\"} ,\n"
               "\"parameter0\":{\"shape\":[ ],\"data_offsets\":[0,4],\"dtype\":\"F32\"},\t\r\n"
               "\"\\u0062 \\u00221\\\\\":{ \"data_offsets\": [4, 16], \"dtype\" : \"F32\", \"shape\": [3] },"
               "\"parameter1\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[16,32]},"
               "\"\\u0061\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[32,80]}}   ",
               DATA_BYTES);
    expect_load(&m, AG_OK, "");
    values(&m, got);
    for (int i = 0; i < DATA_BYTES; i++) {
        int at = i < 48 ? 32 + i : i < 64 ? 16 + i - 48 : i - 64;
        want[i] = (char)(at + 1);
    }
    ck_assert_mem_eq(got, want, DATA_BYTES);
    drop(&m);
}
END_TEST

/* 1, -2 and the largest and smallest of each format, and a tensor of bytes that is none of ours. */
START_TEST(sixteen_bits_are_made_reals)
{
    static const char header[] = "{\"f\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
                                 "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[16,18]},"
                                 "\"d\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[8,16]}}";
    static const uint16_t data[9] = { 0x3C00, 0xC000, 0x7BFF, 0x0001, 0x3F80, 0xC000, 0x7F7F, 0x0001 };
    char file[8 + sizeof header - 1 + 18] = { (char)(sizeof header - 1) };
    memcpy(file + 8, header, sizeof header - 1);
    memcpy(file + 8 + sizeof header - 1, data, sizeof data);
    write_bytes(file, sizeof file);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *f = ag_parameter(g, "f", AG_F32, AG_SHAPE(4), NULL);
    ag_node *d = ag_parameter(g, "d", AG_F64, AG_SHAPE(2, 2), NULL);
    ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ f, d }, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_msg(ag_load(run, path) == AG_OK, "%s", ag_run_error(run));
    const float want[4] = { 1, -2, 65504, 0x1p-24f };
    const double wide[4] = { 1, -2, 0x1.FEp127, 0x1p-133 };
    ck_assert_mem_eq(ag_data(run, f), want, sizeof want);
    ck_assert_mem_eq(ag_data(run, d), wide, sizeof wide);
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(g);
}
END_TEST

/* Of some hundred numbers each is the nearest there is; what is no f32 stays as it is. */
START_TEST(parameters_are_saved_in_sixteen_bits)
{
    float x[1001];
    double y = 1.0 / 3;
    for (int i = 0; i < 1001; i++) x[i] = (float)sin(i) * ldexpf(1, i % 20 - 10);
    ag_graph *g = ag_graph_new(NULL);
    ag_node *f = ag_parameter(g, "f", AG_F32, AG_SHAPE(7, 143), x), *d = ag_parameter(g, "d", AG_F64, AG_SCALAR, &y);
    ag_plan *plan = ag_compile(g, 2, (ag_node *[]){ f, d }, NULL);
    ag_run *run = ag_run_new(plan);
    const double unit[2] = { 0x1p-11, 0x1p-8 };
    for (int bfloat16 = 0; bfloat16 < 2; bfloat16++) {
        char file[4096];
        ck_assert_msg(ag_save_half(run, path, bfloat16) == AG_OK, "%s", ag_run_error(run));
        ck_assert_uint_lt(read_file(file, sizeof file), 2 * 1001 + 8 + 200);
        ck_assert_ptr_nonnull(strstr(file + 8, bfloat16 ? "\"dtype\":\"BF16\"" : "\"dtype\":\"F16\""));
        ag_feed(run, f, (float[1001]){ 0 }), ag_feed(run, d, &(double){ 0 });
        ck_assert_msg(ag_load(run, path) == AG_OK, "%s", ag_run_error(run));
        for (int i = 0; i < 1001; i++) {
            float got = ((const float *)ag_data(run, f))[i];
            double allowed = fabs(x[i]) * unit[bfloat16] + (bfloat16 ? 0 : 0x1p-25);
            ck_assert_msg(fabs((double)got - x[i]) <= allowed, "%d: %.9g for %.9g", i, (double)got, (double)x[i]);
        }
        ck_assert_double_eq(ag_item(run, d), y);
        ag_feed(run, f, x);
    }
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(g);
}
END_TEST

/* A line by Adam; what it is trained with stays in the file. */
START_TEST(a_trained_model_loads_without_its_optimiser)
{
    ag_graph *g = ag_graph_new(NULL), *h = ag_graph_new(NULL);
    ag_node *x = ag_constant(g, AG_F64, AG_SHAPE(3), (double[]){ 0, 1, 2 });
    ag_node *a = ag_parameter(g, "a", AG_F64, AG_SCALAR, NULL), *b = ag_parameter(g, "b", AG_F32, AG_SCALAR, NULL);
    ag_node *line = ag_add(ag_mul(a, x), ag_cast(b, AG_F64));
    ag_node *step = ag_adam(ag_mean(ag_square(ag_sub(line, ag_exp(x)))), NULL);
    ag_plan *training = ag_compile(g, 1, &step, NULL);
    ag_run *trained = ag_run_new(training);
    for (int i = 0; i < 9; i++) ck_assert_int_eq(ag_eval(trained), AG_OK);
    ck_assert_int_eq(ag_save(trained, path), AG_OK);

    ag_node *u = ag_input(h, "u", AG_F64, AG_SCALAR), *c = ag_parameter(h, "b", AG_F32, AG_SCALAR, NULL);
    ag_node *y = ag_add(ag_mul(ag_parameter(h, "a", AG_F64, AG_SCALAR, NULL), u), ag_cast(c, AG_F64));
    ag_plan *plan = ag_compile(h, 1, &y, NULL);
    ag_run *run = ag_run_new(plan);
    ck_assert_msg(ag_load(run, path) == AG_OK, "%s", ag_run_error(run));
    ck_assert_int_eq(ag_feed(run, u, &(double){ 2 }), AG_OK);
    ck_assert_int_eq(ag_eval(run), AG_OK);
    ck_assert(ag_item(run, c) != 0);
    expect_close(ag_item(run, y), 2 * ag_item(trained, a) + ag_item(trained, b), 1e-15);

    ck_assert_int_eq(ag_save(run, path), AG_OK); /* the other way, the optimiser's state is missing */
    double before = ag_item(trained, ag_find(g, "a/m"));
    ck_assert_int_eq(ag_load(trained, path), AG_EARG);
    ck_assert_msg(strstr(ag_run_error(trained), "the parameter 'adam/step' is missing") != NULL, "%s",
                  ag_run_error(trained));
    expect_close(ag_item(trained, ag_find(g, "a/m")), before, 0);
    ag_run_free(trained), ag_plan_free(training), ag_graph_free(g);
    ag_run_free(run), ag_plan_free(plan), ag_graph_free(h);
}
END_TEST

#define A "\"a\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]}"
#define C "\"parameter1\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[48,64]}"
#define S "\"parameter0\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[64,68]}"
#define B "\"b \\\"1\\\\\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[68,80]}"
#define REST "," C "," S "," B "}"
#define ONE(description) "{\"a\":" description REST

static const struct {
    const char *header, *error;
    ag_status status;
    int bytes;
} wrong[] = {
    /* other parameters than the plan's */
    { "{" A "," C "," S "}", "missing", AG_EARG, 68 },
    { "{}", "missing", AG_EARG, 0 },
    { "{" A REST, "the file is cut off", AG_EIO, 79 },
    { "{" A REST, "data after the last tensor", AG_EIO, 81 },
    { "{" A "," C "," S "," B ",\"parameter2\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[80,84]}}",
      "more unnamed parameters than the plan's 2", AG_EARG, 84 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[3,2],\"data_offsets\":[0,48]}"),
      "'a' is f64[3,2], the parameter is f64[2,3]", AG_ESHAPE, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[6],\"data_offsets\":[0,48]}"), "'a' is f64[6]", AG_ESHAPE, 80 },
    { ONE("{\"dtype\":\"I64\",\"shape\":[2,3],\"data_offsets\":[0,48]}"), "'a' is i64[2,3]", AG_ETYPE, 80 },
    /* no sound layout */
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[1,49]}"), "a hole", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[16,64]}"), "a hole", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,4],\"data_offsets\":[0,64]}"), "overlap", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,40]}"), "do not agree", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[48,0]}"), "no range", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[80,128]}"), "hole", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[9223372036854775759,9223372036854775807]}"),
      "too large", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296,6],\"data_offsets\":[0,48]}"),
      "do not agree", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[0,3],\"data_offsets\":[0,0]}"), "do not agree", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[1,1,1,1,1,1,1,2,3],\"data_offsets\":[0,48]}"),
      "more than 8 axes", AG_EIO, 80 },
    { "{" A "," A REST, "overlap", AG_EIO, 80 },
    { "{\"a\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,24]},\"a\":{\"dtype\":\"F64\",\"shape\":[3],"
      "\"data_offsets\":[24,48]}" REST, "a name stands twice", AG_EIO, 80 },
    /* no header */
    { "", "starts with {", AG_EIO, 0 },
    { "[]", "starts with {", AG_EIO, 0 },
    { "{", "a string is expected", AG_EIO, 0 },
    { "{,}", "a string is expected", AG_EIO, 0 },
    { "{a:1}", "a string is expected", AG_EIO, 0 },
    { "{\"a", "never ends", AG_EIO, 0 },
    { "{\"a\"", "a colon", AG_EIO, 0 },
    { "{\"a\":", "{ is expected", AG_EIO, 0 },
    { "{\"a\":1}", "{ is expected", AG_EIO, 0 },
    { "{\"a\":{}}", "a string is expected", AG_EIO, 0 },
    { "{} {}", "text after", AG_EIO, 0 },
    { "{" A REST "x", "text after", AG_EIO, 80 },
    { "{" A "," C "," S "," B ",}", "a string is expected", AG_EIO, 80 },
    { "{" A " " C "}", "a comma or }", AG_EIO, 64 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3]}"), "is missing", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]}"),
      "stands twice", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48],\"more\":1}"), "an unknown key", AG_EIO, 80 },
    { ONE("{\"dtype\":\"C64\",\"shape\":[2,3],\"data_offsets\":[0,48]}"), "an unknown type", AG_EIO, 80 },
    { ONE("{\"dtype\":\"I32\",\"shape\":[12],\"data_offsets\":[0,48]}"), "'a' is I32[12]", AG_ETYPE, 80 },
    { ONE("{\"dtype\":64,\"shape\":[2,3],\"data_offsets\":[0,48]}"), "a string is expected", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,-3],\"data_offsets\":[0,48]}"), "a whole number", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3.0],\"data_offsets\":[0,48]}"), "a comma or ]", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[02,3],\"data_offsets\":[0,48]}"), "starts with 0", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3,],\"data_offsets\":[0,48]}"), "a whole number", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":2,\"data_offsets\":[0,48]}"), "[ is expected", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,99999999999999999999],\"data_offsets\":[0,48]}"), "too large", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0]}"), "no range", AG_EIO, 80 },
    { ONE("{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48,48]}"), "more than two", AG_EIO, 80 },
    { "{\"__metadata__\":{\"a\":1}," A REST, "a string is expected", AG_EIO, 80 },
    { "{\"__metadata__\":{},\"__metadata__\":{}," A REST, "stands twice", AG_EIO, 80 },
    { "{\"\\x\":{}}", "a wrong escape", AG_EIO, 0 },
    { "{\"\\u00\":{}}", "a wrong escape", AG_EIO, 0 },
    { "{\"\\u0000\":{}}", "a wrong escape", AG_EIO, 0 },
    { "{\"\\ud800\":{}}", "a wrong escape", AG_EIO, 0 },
    { "{\"\\ud800\\u0041\":{}}", "a wrong escape", AG_EIO, 0 },
    { "{\"\\udc00\":{}}", "a wrong escape", AG_EIO, 0 },
    { "{\"\\", "a wrong escape", AG_EIO, 0 },
    { "{\"\\u12", "a wrong escape", AG_EIO, 0 },
    { "{\"a\nb\":{}}", "a control character", AG_EIO, 0 },
};

START_TEST(wrong_files_are_refused_and_change_nothing)
{
    model m = make(NULL, 0);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        write_file(wrong[i].header, (size_t)wrong[i].bytes);
        expect_load(&m, wrong[i].status, wrong[i].error);
        expect_zeros(&m);
    }
    drop(&m);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    model m = make(NULL, 0);
    ck_assert_int_eq(ag_load(m.run, directory), AG_EIO);
    ck_assert_int_eq(ag_load(m.run, "/dev/null"), AG_EIO);
    expect_load(&m, AG_EIO, "No such file");
    write_bytes("", 0);
    expect_load(&m, AG_EIO, "cut off");
    write_bytes("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    expect_load(&m, AG_EIO, "too long");
    write_bytes("\x00\x00\x00\x00\x00\x00\x00\x80{}", 10);
    expect_load(&m, AG_EIO, "too long");
    write_bytes("\x03\0\0\0\0\0\0\0{}", 10);
    expect_load(&m, AG_EIO, "cut off");
    expect_zeros(&m);
    drop(&m);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    model m = make(NULL, 1), other = make(NULL, 0);
    char file[1024];
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    size_t n = read_file(file, sizeof file);
    for (size_t k = 0; k < n; k++) {
        write_bytes(file, k);
        expect_load(&other, AG_EIO, "");
        expect_zeros(&other);
    }
    drop(&other);
    drop(&m);
}
END_TEST

/* A file with one wrong bit is refused and changes nothing, or is another sound file: data, a space in the header. */
START_TEST(every_flipped_bit_is_survived)
{
    model m = make(NULL, 1), other = make(NULL, 0);
    char file[1024], now[DATA_BYTES], zeros[DATA_BYTES] = { 0 };
    ck_assert_int_eq(ag_save(m.run, path), AG_OK);
    size_t n = read_file(file, sizeof file), header = n - DATA_BYTES;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        file[bit / 8] ^= (char)(1 << bit % 8);
        write_bytes(file, n);
        file[bit / 8] ^= (char)(1 << bit % 8);
        ag_status status = ag_load(other.run, path);
        ck_assert_msg(status || bit / 8 >= header - 7, "bit %d", (int)bit);
        ck_assert(!status || bit / 8 < header);
        values(&other, now);
        if (status) ck_assert_mem_eq(now, zeros, DATA_BYTES);
        else ck_assert_int_eq(ag_feed(other.run, other.a, zeros) | ag_feed(other.run, other.b, zeros) |
                                  ag_feed(other.run, other.c, zeros) | ag_feed(other.run, other.scalar, zeros), AG_OK);
    }
    drop(&other);
    drop(&m);
}
END_TEST

/* ---- out of memory --------------------------------------------------------------------------------------------- */

START_TEST(memory_that_ends_is_an_error)
{
    test_budget b = { .left = INT64_MAX };
    const ag_allocator limited = test_allocator(&b);
    model m = make(&limited, 0);
    int64_t before = b.taken, failures = 0;
    write_file("{" A REST, DATA_BYTES);
    for (int saving = 0; saving < 2; saving++)
        for (int64_t n = 0, done = 0; !done; n++) {
            b.left = n;
            ag_status status = saving ? ag_save(m.run, path) : ag_load(m.run, path);
            done = status == AG_OK;
            ck_assert(done || status == AG_EMEM);
            ck_assert_int_eq(b.taken, before);
            ck_assert_int_eq(files_here(), 1);
            if (!done && !saving) expect_zeros(&m);
            failures += !done;
        }
    ck_assert_int_gt(failures, 2);
    b.left = INT64_MAX;
    drop(&m);
    ck_assert_int_eq(b.taken, 0);
}
END_TEST

Suite *suite_save(void)
{
    Suite *s = suite_create("save");
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, the_bytes_are_the_format_s);
    tcase_add_test(t, what_is_saved_loads);
    tcase_add_test(t, updates_are_saved);
    tcase_add_test(t, a_plan_without_parameters_is_an_empty_file);
    tcase_add_test(t, a_name_for_two_cannot_be_saved);
    tcase_add_test(t, a_failing_save_leaves_the_old_file);
    tcase_add_test(t, files_of_others_load);
    tcase_add_test(t, sixteen_bits_are_made_reals);
    tcase_add_test(t, parameters_are_saved_in_sixteen_bits);
    tcase_add_test(t, a_trained_model_loads_without_its_optimiser);
    tcase_add_test(t, wrong_files_are_refused_and_change_nothing);
    tcase_add_test(t, what_is_no_file_is_refused);
    tcase_add_test(t, every_truncation_is_refused);
    tcase_add_test(t, every_flipped_bit_is_survived);
    tcase_add_test(t, memory_that_ends_is_an_error);
    suite_add_tcase(s, t);
    return s;
}
