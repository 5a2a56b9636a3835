/* Files of data: IDX, .npy and CSV, written here byte by byte as their formats say, sound, damaged and cut off. */
#include "test.h"

#include "base/base.h"
#include "data/data.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[32], path[48];
static ag_problem why;

static void begin(void)
{
    strcpy(folder, "/tmp/autograd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/data", folder);
}

static void end(void)
{
    char command[48];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void put(const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert(f && fwrite(bytes, 1, n, f) == n);
    ck_assert_int_eq(fclose(f), 0);
}

#define PUT(text) put(text, sizeof text - 1)

typedef ag_status (*reader)(ag_array *, const char *, ag_problem *);

static ag_status read_csv(ag_array *a, const char *file, ag_problem *p)
{
    return ag_read_csv(a, file, NULL, p);
}

static ag_array expect_array(reader read, ag_element element, ag_shape shape)
{
    ag_array a = { 0 };
    ck_assert_msg(read(&a, path, &why) == AG_OK, "%s", why.message);
    ck_assert_str_eq(why.message, "");
    ck_assert_int_eq(a.element, element);
    ck_assert_int_eq(a.shape.rank, shape.rank);
    for (int i = 0; i < shape.rank; i++) ck_assert_int_eq(a.shape.dim[i], shape.dim[i]);
    return a;
}

/* The array that is there stays. */
static void expect_refusal(reader read, ag_status status, const char *part)
{
    static unsigned char byte = 7;
    const ag_array before = { .element = AG_DATA_U8, .shape = AG_SHAPE(1), .values = &byte };
    ag_array a = before;
    ck_assert_int_eq(read(&a, path, &why), status);
    ck_assert_ptr_eq(a.values, &byte);
    ck_assert_int_eq(a.shape.dim[0], 1);
    ck_assert_msg(strstr(why.message, part) && strstr(why.message, path), "%s", why.message);
}

/* ---- IDX --------------------------------------------------------------------------------------------------------- */

#define IDX_BYTES "\0\0\x08\x02\0\0\0\x02\0\0\0\x03" "\x01\x02\x03\xFD\xFE\xFF"

START_TEST(idx_bytes_plain_and_packed)
{
    char command[320];
    begin();
    for (int packed = 0; packed < 2; packed++) {
        PUT(IDX_BYTES);
        snprintf(command, sizeof command, "gzip < %s > %s.gz && mv %s.gz %s", path, path, path, path);
        if (packed) ck_assert_int_eq(system(command), 0);
        ag_array a = expect_array(ag_read_idx, AG_DATA_U8, AG_SHAPE(2, 3));
        ck_assert_int_eq(memcmp(a.values, "\x01\x02\x03\xFD\xFE\xFF", 6), 0);
        ag_array_free(&a);
        ck_assert_ptr_null(a.values);
    }
    end();
}
END_TEST

START_TEST(idx_numbers_of_several_bytes)
{
    begin();
    PUT("\0\0\x0B\x01\0\0\0\x02" "\x01\x02\xFF\xFE");
    ag_array a = expect_array(ag_read_idx, AG_DATA_I16, AG_SHAPE(2));
    ck_assert_int_eq(((int16_t *)a.values)[0], 258);
    ck_assert_int_eq(((int16_t *)a.values)[1], -2);
    ag_array_free(&a);
    PUT("\0\0\x0E\x01\0\0\0\x01" "\xC0\x08\0\0\0\0\0\0");
    a = expect_array(ag_read_idx, AG_DATA_F64, AG_SHAPE(1));
    ck_assert_double_eq(*(double *)a.values, -3);
    ag_array_free(&a);
    end();
}
END_TEST

START_TEST(idx_that_is_none)
{
    begin();
    expect_refusal(ag_read_idx, AG_EIO, "No such file");
    PUT("");
    expect_refusal(ag_read_idx, AG_EIO, "no IDX file");
    PUT("\0\0\x07\x01\0\0\0\x01" "a");
    expect_refusal(ag_read_idx, AG_EIO, "no IDX file");
    PUT("\0\0\x08\x09\0\0\0\x01");
    expect_refusal(ag_read_idx, AG_EIO, "its rank is 9");
    PUT("\0\0\x08\x02\0\0\0\x01\0\0");
    expect_refusal(ag_read_idx, AG_EIO, "cut off in its header");
    PUT("\0\0\x08\x01\0\0\0\x03" "ab");
    expect_refusal(ag_read_idx, AG_EIO, "2 bytes of 3");
    PUT("\0\0\x08\x01\0\0\0\x03" "abcd");
    expect_refusal(ag_read_idx, AG_EIO, "more than its header");
    PUT("\0\0\x0E\x04\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    expect_refusal(ag_read_idx, AG_EIO, "too large");
    char command[320];
    PUT(IDX_BYTES);
    snprintf(command, sizeof command, "gzip < %s | head -c 25 > %s.gz && mv %s.gz %s", path, path, path, path);
    ck_assert_int_eq(system(command), 0);
    expect_refusal(ag_read_idx, AG_EIO, "");
    ck_assert_int_eq(unlink(path) || mkfifo(path, 0600), 0);
    expect_refusal(ag_read_idx, AG_EIO, "not a file");
    end();
}
END_TEST

/* ---- .npy -------------------------------------------------------------------------------------------------------- */

/* The format's header of that dictionary, and the elements behind it. */
static void put_npy(const char *dictionary, const void *elements, size_t bytes)
{
    char file[512] = "\x93NUMPY\x01";
    const size_t length = strlen(dictionary), padded = (10 + length + 1 + 63) / 64 * 64 - 10;
    file[8] = (char)padded;
    memcpy(file + 10, dictionary, length);
    memset(file + 10 + length, ' ', padded - length);
    file[10 + padded - 1] = '\n';
    memcpy(file + 10 + padded, elements, bytes);
    put(file, 10 + padded + bytes);
}

START_TEST(npy_as_numpy_writes_it)
{
    const double x[6] = { 1, 2, 3, 4, 5, 6 };
    begin();
    put_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", x, sizeof x);
    const reader readers[] = { ag_read_npy, ag_map_npy };
    for (int k = 0; k < 2; k++) {
        ag_array a = expect_array(readers[k], AG_DATA_F64, AG_SHAPE(2, 3));
        ck_assert_int_eq(memcmp(a.values, x, sizeof x), 0);
        ((double *)a.values)[0] = 7; /* the file stays as it is */
        ag_array_free(&a);
    }
    put_npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", x, sizeof x);
    ag_array a = expect_array(ag_read_npy, AG_DATA_F64, AG_SHAPE(2, 3));
    const double by_rows[6] = { 1, 3, 5, 2, 4, 6 };
    ck_assert_int_eq(memcmp(a.values, by_rows, sizeof by_rows), 0);
    ag_array_free(&a);
    expect_refusal(ag_map_npy, AG_ETYPE, "use ag_read_npy");
    put_npy("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", "\x01", 1);
    a = expect_array(ag_read_npy, AG_DATA_U8, AG_SCALAR);
    ag_array_free(&a);
    end();
}
END_TEST

START_TEST(npy_of_other_machines_and_unsigned)
{
    begin();
    put_npy("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", "\0\0\x01\x02\xFF\xFF\xFF\xFE", 8);
    ag_array a = expect_array(ag_read_npy, AG_DATA_I32, AG_SHAPE(2));
    ck_assert_int_eq(((int32_t *)a.values)[0], 258);
    ck_assert_int_eq(((int32_t *)a.values)[1], -2);
    ag_array_free(&a);
    put_npy("{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }", "\x01\0\xFF\xFF\0\x80", 6);
    a = expect_array(ag_read_npy, AG_DATA_I32, AG_SHAPE(3));
    ck_assert_int_eq(((int32_t *)a.values)[1], 65535);
    ck_assert_int_eq(((int32_t *)a.values)[2], 32768);
    ag_array_free(&a);
    put_npy("{'descr': '>u4', 'fortran_order': False, 'shape': (1,), }", "\xFF\xFF\xFF\xFE", 4);
    a = expect_array(ag_read_npy, AG_DATA_I64, AG_SHAPE(1));
    ck_assert_int_eq(*(int64_t *)a.values, 4294967294);
    ag_array_free(&a);
    end();
}
END_TEST

START_TEST(npy_that_is_none)
{
    static const struct {
        const char *dictionary, *part;
    } wrong[] = {
        { "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "not read" },
        { "{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", "not read" },
        { "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "not read" },
        { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "structures" },
        { "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,), }", "neither" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", "whole numbers" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }", "above 8" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }", "too large" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "too large" },
        { "{'descr': '<f8', 'fortran_order': False, }", "lacks" },
        { "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "key" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), ", "key" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "8 bytes of 16" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "more than" },
    };
    begin();
    for (size_t k = 0; k < COUNT(wrong); k++) {
        put_npy(wrong[k].dictionary, "12345678", 8);
        expect_refusal(ag_read_npy, AG_EIO, wrong[k].part);
    }
    PUT("\x93NUMPX\x01\0\0\0");
    expect_refusal(ag_read_npy, AG_EIO, "no .npy");
    PUT("\x93NUMPY\x04\0\0\0");
    expect_refusal(ag_read_npy, AG_EIO, "version 4");
    end();
}
END_TEST

START_TEST(npy_written_is_read)
{
    static const ag_shape shapes[] = { { 0, { 0 } }, { 1, { 5 } }, { 2, { 0, 3 } }, { 3, { 2, 3, 4 } },
                                       { 8, { 1, 2, 1, 2, 1, 2, 1, 2 } } };
    begin();
    for (int e = AG_DATA_U8; e <= AG_DATA_F64; e++)
        for (size_t k = 0; k < COUNT(shapes); k++) {
            unsigned char values[24 * 8];
            for (size_t i = 0; i < sizeof values; i++) values[i] = (unsigned char)(i * 7 + 1);
            int64_t n = 1;
            for (int i = 0; i < shapes[k].rank; i++) n *= shapes[k].dim[i];
            const ag_array a = { .element = (ag_element)e, .shape = shapes[k], .values = values };
            ck_assert_msg(ag_write_npy(path, &a, &why) == AG_OK, "%s", why.message);
            struct stat info;
            ck_assert_int_eq(stat(path, &info), 0);
            size_t bytes = (size_t)n * ag_element_size((ag_element)e);
            ck_assert_int_eq((info.st_size - (int64_t)bytes) % 64, 0); /* the elements lie aligned */
            ag_array b = expect_array(ag_read_npy, (ag_element)e, shapes[k]);
            ck_assert_int_eq(memcmp(b.values, values, bytes), 0);
            ag_array_free(&b);
        }
    const ag_array full = { .element = AG_DATA_U8, .shape = AG_SHAPE(1 << 20), .values = calloc(1 << 20, 1) };
    ck_assert_int_eq(ag_write_npy("/dev/full", &full, &why), AG_EIO);
    free(full.values);
    end();
}
END_TEST

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

static void expect_table(const char *text, int64_t rows, int64_t columns, const double *want)
{
    put(text, strlen(text));
    ag_array a = expect_array(read_csv, AG_DATA_F64, AG_SHAPE(rows, columns));
    for (int64_t i = 0; i < rows * columns; i++) {
        double got = ((double *)a.values)[i];
        ck_assert_msg(got == want[i] || (isnan(got) && isnan(want[i])), "%s: %lld: %g", text, (long long)i, got);
    }
    ag_array_free(&a);
}

START_TEST(csv_as_people_write_it)
{
    const double want[6] = { 1, 2.5, -3, 4e3, 5, 6 };
    begin();
    expect_table("1,2.5,-3\n4e3,5,6\n", 2, 3, want);
    expect_table("a,b,c\n1,2.5,-3\n4e3,5,6", 2, 3, want);
    expect_table("# said\n\n\"x, y\";\"b\"\"q\";c\r\n1; 2.5 ;-3\r\n\r\n4e3;5;\"6\"\r\n", 2, 3, want);
    expect_table("1\t2.5\t-3\n4e3\t5\t6\n", 2, 3, want);
    expect_table("  1 2.5   -3  \n4e3 5 6\n", 2, 3, want);
    expect_table("v\n1\n2.5\n-3\n4e3\n5\n6\n", 6, 1, want);
    expect_table("1,,3\n,,\nnan,inf,\n", 3, 3, (double[]){ 1, NAN, 3, NAN, NAN, NAN, NAN, INFINITY, NAN });
    expect_table("a,b\n", 0, 2, NULL);
    end();
}
END_TEST

START_TEST(csv_headings_are_kept)
{
    begin();
    PUT("\"length, cm\",width,\n1,2,3\n");
    ag_array a = expect_array(read_csv, AG_DATA_F64, AG_SHAPE(1, 3));
    ck_assert_str_eq(a.heading[0], "length, cm");
    ck_assert_str_eq(a.heading[1], "width");
    ck_assert_str_eq(a.heading[2], "");
    ag_array_free(&a);
    PUT("1,2\n3,4\n");
    ck_assert_int_eq(ag_read_csv(&a, path, &(ag_csv_options){ .headings = 1 }, &why), AG_OK);
    ck_assert_int_eq(a.shape.dim[0], 1);
    ck_assert_str_eq(a.heading[1], "2");
    ag_array_free(&a);
    PUT("a,2\n3,4\n");
    ck_assert_int_eq(ag_read_csv(&a, path, &(ag_csv_options){ .headings = -1 }, &why), AG_EIO);
    ck_assert_msg(strstr(why.message, "line 1: column 1 holds 'a'") != NULL, "%s", why.message);
    end();
}
END_TEST

START_TEST(csv_that_is_none)
{
    begin();
    PUT("");
    expect_refusal(read_csv, AG_EIO, "no line");
    PUT("1,2\n3,x4\n");
    expect_refusal(read_csv, AG_EIO, "line 2: column 2 holds 'x4'");
    PUT("1,2\n# fine\n3\n");
    expect_refusal(read_csv, AG_EIO, "line 3 has 1 columns, the first one 2");
    PUT("1,2\n3,4,5\n");
    expect_refusal(read_csv, AG_EIO, "line 2 has 3 columns");
    PUT("1,2\n3,4,\n");
    expect_refusal(read_csv, AG_EIO, "line 2 has 3 columns");
    PUT("1,2\n3,\0\n");
    expect_refusal(read_csv, AG_EIO, "no text");
    end();
}
END_TEST

/* ---- damage, rows ------------------------------------------------------------------------------------------------ */

/* Each byte changed in several ways, and the file cut off everywhere: it is read or refused, nothing worse. */
START_TEST(damaged_files_are_read_or_refused)
{
    static const reader readers[] = { ag_read_idx, ag_read_npy, ag_map_npy, read_csv };
    const double x[2] = { 1, 2 };
    begin();
    for (size_t k = 0; k < COUNT(readers); k++) {
        char file[512];
        if (k == 0) PUT(IDX_BYTES);
        else if (k < 3) put_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", x, sizeof x);
        else PUT("a,\"b\"\n1,2\n\"3\",4\n");
        FILE *f = fopen(path, "rb");
        size_t n = fread(file, 1, sizeof file, f);
        fclose(f);
        for (size_t at = 0; at < n; at++)
            for (int way = 0; way < 6; way++) {
                static const char other[] = { 0, -1, '\'', '9', ' ' };
                char kept = file[at];
                ag_array a = { 0 };
                if (way < 5) file[at] = other[way];
                put(file, way < 5 ? n : at);
                ag_status status = readers[k](&a, path, &why);
                ck_assert_int_eq(status != AG_OK, why.message[0] != 0);
                ck_assert_int_eq(status != AG_OK, a.values == NULL);
                ag_array_free(&a);
                file[at] = kept;
            }
    }
    end();
}
END_TEST

START_TEST(rows_are_taken_as_any_type)
{
    const uint8_t bytes[6] = { 0, 51, 102, 153, 204, 255 };
    const int64_t rows[2] = { 2, 0 }, far[1] = { 3 };
    const ag_array a = { .element = AG_DATA_U8, .shape = AG_SHAPE(3, 2), .values = (void *)bytes };
    float f[4];
    double d[6];
    int64_t n[4];
    ck_assert_int_eq(ag_take_rows(&a, 2, rows, 1 / 255.0, 0, AG_F32, f, &why), AG_OK);
    const float want[4] = { 0.8f, 1, 0, 0.2f };
    for (int i = 0; i < 4; i++) ck_assert_float_eq(f[i], want[i]);
    ck_assert_int_eq(ag_take_rows(&a, 3, NULL, 2, -1, AG_F64, d, &why), AG_OK);
    for (int i = 0; i < 6; i++) ck_assert_double_eq(d[i], 2 * bytes[i] - 1);
    ck_assert_int_eq(ag_take_rows(&a, 2, rows, 1, 0, AG_I64, n, &why), AG_OK);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(n[i], bytes[2 * rows[i / 2] + i % 2]);
    ck_assert_int_eq(ag_take_rows(&a, 1, far, 1, 0, AG_I64, n, &why), AG_EARG);
    ck_assert_msg(strstr(why.message, "row 3 of 3") != NULL, "%s", why.message);
    const double reals[5] = { 2.9, -2.9, NAN, 1e300, -INFINITY };
    const int64_t whole[5] = { 2, -2, 0, INT64_MAX, INT64_MIN };
    const ag_array b = { .element = AG_DATA_F64, .shape = AG_SHAPE(5), .values = (void *)reals };
    int64_t got[5];
    ck_assert_int_eq(ag_take_rows(&b, 5, NULL, 1, 0, AG_I64, got, NULL), AG_OK);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(got[i], whole[i]);
    const int64_t large[1] = { INT64_MAX - 1 };
    const ag_array c = { .element = AG_DATA_I64, .shape = AG_SHAPE(1), .values = (void *)large };
    ck_assert_int_eq(ag_take_rows(&c, 1, NULL, 1, 0, AG_I64, got, NULL), AG_OK);
    ck_assert_int_eq(got[0], INT64_MAX - 1);
    ck_assert_int_eq(ag_take_rows(NULL, 1, NULL, 1, 0, AG_I64, got, NULL), AG_EARG);
}
END_TEST

START_TEST(rows_are_split)
{
    const double x[6] = { 1, 2, 3, 4, 5, 6 };
    const ag_array a = { .element = AG_DATA_F64, .shape = AG_SHAPE(3, 2), .values = (void *)x };
    ag_array head, tail;
    ck_assert_int_eq(ag_split_rows(&a, 1, &head, &tail, &why), AG_OK);
    ck_assert_int_eq(head.shape.dim[0], 1);
    ck_assert_int_eq(tail.shape.dim[0], 2);
    ck_assert_double_eq(*(double *)head.values, 1);
    ck_assert_double_eq(*(double *)tail.values, 3);
    ck_assert_int_eq(ag_split_rows(&a, 4, &head, &tail, &why), AG_EARG);
}
END_TEST

/* Every half there is, and floats around each: the nearest, the even one of two that are as near. */
START_TEST(halves_are_rounded_to_nearest)
{
    for (uint32_t h = 0; h < 0x7C00; h++) {
        const uint16_t half = (uint16_t)h;
        int exponent = (int)(h >> 10);
        double exact = exponent ? ldexp(1024 + (h & 1023), exponent - 25) : ldexp(h & 1023, -24);
        ck_assert_double_eq(agi_half_to_float(half), exact);
        ck_assert_double_eq(agi_half_to_float((uint16_t)(half | 0x8000)), -exact);
        ck_assert_uint_eq(agi_float_to_half((float)exact), h);
        double next = h + 1 < 0x7C00 ? (double)agi_half_to_float((uint16_t)(h + 1)) : 65536;
        float middle = (float)((exact + next) / 2);
        ck_assert_uint_eq(agi_float_to_half(middle), h & 1 ? h + 1 : h);
        ck_assert_uint_eq(agi_float_to_half(nextafterf(middle, 0)), h);
        ck_assert_uint_eq(agi_float_to_half(nextafterf(middle, 1e6f)), h + 1);
        ck_assert_uint_eq(agi_float_to_half(-nextafterf(middle, 0)), h | 0x8000);
    }
    ck_assert_uint_eq(agi_float_to_half(INFINITY), 0x7C00);
    ck_assert_uint_eq(agi_float_to_half(-1e30f), 0xFC00);
    ck_assert(isnan(agi_half_to_float(agi_float_to_half(NAN))));
    ck_assert(isinf(agi_half_to_float(0xFC00)));
}
END_TEST

START_TEST(bf16_is_rounded_to_nearest)
{
    for (uint32_t b = 0; b < 0x7F80; b++) {
        float exact = agi_bf16_to_float((uint16_t)b), next = agi_bf16_to_float((uint16_t)(b + 1));
        ck_assert_uint_eq(agi_float_to_bf16(exact), b);
        float middle = b < 0x7F7F ? (float)(((double)exact + next) / 2) : 0x1.FFp127f;
        ck_assert_uint_eq(agi_float_to_bf16(middle), b & 1 ? b + 1 : b);
        ck_assert_uint_eq(agi_float_to_bf16(nextafterf(middle, 0)), b);
        ck_assert_uint_eq(agi_float_to_bf16(-nextafterf(middle, INFINITY)), (b + 1) | 0x8000);
    }
    ck_assert(isnan(agi_bf16_to_float(agi_float_to_bf16(NAN))));
    ck_assert(isinf(agi_bf16_to_float(agi_float_to_bf16(-INFINITY))));
    ck_assert_float_eq(agi_bf16_to_float(0x3F80), 1);
}
END_TEST

Suite *suite_data(void)
{
    Suite *s = suite_create("data");
    TCase *t = tcase_create("data");
    tcase_add_test(t, idx_bytes_plain_and_packed);
    tcase_add_test(t, idx_numbers_of_several_bytes);
    tcase_add_test(t, idx_that_is_none);
    tcase_add_test(t, npy_as_numpy_writes_it);
    tcase_add_test(t, npy_of_other_machines_and_unsigned);
    tcase_add_test(t, npy_that_is_none);
    tcase_add_test(t, npy_written_is_read);
    tcase_add_test(t, csv_as_people_write_it);
    tcase_add_test(t, csv_headings_are_kept);
    tcase_add_test(t, csv_that_is_none);
    tcase_add_test(t, damaged_files_are_read_or_refused);
    tcase_add_test(t, rows_are_taken_as_any_type);
    tcase_add_test(t, rows_are_split);
    tcase_add_test(t, halves_are_rounded_to_nearest);
    tcase_add_test(t, bf16_is_rounded_to_nearest);
    suite_add_tcase(s, t);
    return s;
}
