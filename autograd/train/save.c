/* A run's parameters to and from a file: safetensors, so that NumPy, PyTorch and others read and write it too. */
#include "run/run.h"
#include "safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PREFIX_BYTES = 8 };

typedef struct {
    ag_run *run;
    const char *what, *path;
    agi_arena arena;
    FILE *file;
    int64_t count, unnamed;
    const ag_node **parameter;
    agi_tensor *tensor; /* of each parameter */
    int half;           /* as what f32 parameters are saved */
} job;

static ag_status fail(job *j, ag_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
static ag_status fail(job *j, ag_status status, const char *format, ...)
{
    agi_text t = { j->run->message, j->run->message + AGI_MESSAGE_BYTES };
    va_list args;
    agi_print(&t, "%s '%.200s': ", j->what, j->path);
    va_start(args, format);
    vsnprintf(t.at, (size_t)(t.end - t.at), format, args);
    va_end(args);
    return status;
}

static ag_status out_of_memory(job *j)
{
    return fail(j, AG_EMEM, "out of memory");
}

/* ---- which parameters, under which names ------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    const ag_node *p = *(const ag_node *const *)a, *q = *(const ag_node *const *)b;
    return (p->id > q->id) - (p->id < q->id);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const agi_tensor *const *)a)->name, (*(const agi_tensor *const *)b)->name);
}

/* Unnamed ones are parameter0, parameter1, ... in the order of their making. */
static const char *file_name(job *j, const ag_node *x)
{
    char made[32];
    if (x->name) return x->name;
    int n = snprintf(made, sizeof made, "parameter%lld", (long long)j->unnamed++);
    return agi_arena_copy(&j->arena, made, (size_t)n + 1);
}

static ag_status check_names(job *j)
{
    const agi_tensor **sorted = agi_arena_zeros(&j->arena, (size_t)j->count + 1, sizeof *sorted);
    if (!sorted) return out_of_memory(j);
    for (int64_t i = 0; i < j->count; i++) {
        sorted[i] = &j->tensor[i];
        if (!agi_is_utf8(sorted[i]->name, (int64_t)strlen(sorted[i]->name)))
            return fail(j, AG_EARG, "'%.100s' cannot be a parameter's name in a file: it is no UTF-8", sorted[i]->name);
    }
    qsort(sorted, (size_t)j->count, sizeof *sorted, by_name);
    for (int64_t i = 0; i < j->count; i++)
        if (strcmp(sorted[i]->name, "__metadata__") == 0 || (i && !strcmp(sorted[i]->name, sorted[i - 1]->name)))
            return fail(j, AG_EARG, "'%.100s' cannot be a parameter's name in a file", sorted[i]->name);
    return AG_OK;
}

static ag_status list_parameters(job *j)
{
    const ag_plan *plan = j->run->plan;
    j->parameter = agi_arena_zeros(&j->arena, (size_t)plan->nleaves + 1, sizeof *j->parameter);
    j->tensor = agi_arena_zeros(&j->arena, (size_t)plan->nleaves + 1, sizeof *j->tensor);
    if (!j->parameter || !j->tensor) return out_of_memory(j);
    for (int i = 0; i < plan->nleaves; i++) {
        const ag_node *x = plan->buffer[plan->leaf[i]].node;
        if (x->op->role == AG_IS_PARAMETER) j->parameter[j->count++] = x;
    }
    qsort(j->parameter, (size_t)j->count, sizeof *j->parameter, by_id);
    for (int64_t i = 0; i < j->count; i++) {
        const ag_node *x = j->parameter[i];
        const char *name = file_name(j, x);
        if (!name) return out_of_memory(j);
        j->tensor[i] = (agi_tensor){ .name = name, .stored = x->dtype == AG_F32 ? j->half : x->dtype,
                                      .shape = ag_shape_in(x) };
    }
    return check_names(j);
}

/* ---- saving ----------------------------------------------------------------------------------------------------- */

/* Types of eight bytes first, so that every tensor lies aligned. */
static void place(job *j)
{
    int64_t at = 0;
    for (int64_t size = 8; size >= 2; size /= 2)
        for (int64_t i = 0; i < j->count; i++) {
            agi_tensor *t = &j->tensor[i];
            if (agi_stored_size(t->stored) != size) continue;
            t->begin = at;
            t->end = at += ag_count(j->parameter[i]) * size;
        }
}

static int write_halves(job *j, const float *x, int64_t n)
{
    uint16_t half[512];
    while (n > 0) {
        const int64_t some = n < 512 ? n : 512;
        for (int64_t i = 0; i < some; i++)
            half[i] = j->half == AGI_STORED_F16 ? agi_float_to_half(x[i]) : agi_float_to_bf16(x[i]);
        if (fwrite(half, sizeof *half, (size_t)some, j->file) != (size_t)some) return 0;
        x += some;
        n -= some;
    }
    return 1;
}

static int write_tensor(job *j, int64_t i, const void *data)
{
    const agi_tensor *t = &j->tensor[i];
    if (agi_stored_size(t->stored) == 2) return write_halves(j, data, ag_count(j->parameter[i]));
    return fwrite(data, (size_t)(t->end - t->begin), 1, j->file) == 1;
}

static ag_status write_all(job *j)
{
    int64_t length;
    char *header = agi_write_header(&j->arena, j->count, j->tensor, &length);
    if (!header) return out_of_memory(j);
    uint64_t prefix = (uint64_t)length;
    if (length > AGI_LARGEST_HEADER) return fail(j, AG_EARG, "too many parameters for one file");
    int fine = fwrite(&prefix, PREFIX_BYTES, 1, j->file) == 1 && fwrite(header, (size_t)length, 1, j->file) == 1;
    for (int64_t size = 8; size >= 2; size /= 2)
        for (int64_t i = 0; i < j->count; i++) {
            if (agi_stored_size(j->tensor[i].stored) != size) continue;
            const void *data = ag_data(j->run, j->parameter[i]);
            if (!data) return fail(j, AG_EARG, "a parameter has no value");
            fine = fine && write_tensor(j, i, data);
        }
    if (!fine || fflush(j->file)) return fail(j, AG_EIO, "%s", strerror(errno));
    return AG_OK;
}

/* Where the file is, be the path a link to it, and what it may be read by, if it is there. */
static ag_status find_target(job *j, mode_t *mode)
{
    struct stat info;
    *mode = 0;
    if (lstat(j->path, &info)) return errno == ENOENT ? AG_OK : fail(j, AG_EIO, "%s", strerror(errno));
    if (S_ISLNK(info.st_mode)) {
        char *real = realpath(j->path, NULL);
        if (!real || stat(real, &info)) {
            free(real);
            return fail(j, AG_EIO, "a link that leads nowhere: %s", strerror(errno));
        }
        const char *path = agi_arena_copy(&j->arena, real, strlen(real) + 1);
        free(real);
        if (!path) return out_of_memory(j);
        j->path = path;
    }
    if (!S_ISREG(info.st_mode)) return fail(j, AG_EIO, "not a file");
    *mode = info.st_mode & 0777;
    return AG_OK;
}

/* A new file beside the one that it will replace, and readable by whom that was: a short name, whatever the other's. */
static char *open_beside(job *j, mode_t mode)
{
    enum { TRIES = 100 };
    const char *slash = strrchr(j->path, '/');
    size_t folder = slash ? (size_t)(slash + 1 - j->path) : 0, room = folder + 32;
    char *path = agi_arena_take(&j->arena, room);
    for (int i = 0; path && i < TRIES; i++) {
        struct timespec t = { 0 };
        clock_gettime(CLOCK_REALTIME, &t); /* files of an earlier process of this number may lie there */
        unsigned number = (unsigned)getpid() * 2654435761u ^ (unsigned)t.tv_sec * 40503u ^ (unsigned)t.tv_nsec;
        snprintf(path, room, "%.*s.autograd-%08x", (int)folder, j->path, number);
        int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno == EEXIST) continue;
        if (descriptor >= 0 && mode) fchmod(descriptor, mode);
        j->file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
        if (descriptor >= 0 && !j->file) {
            close(descriptor);
            unlink(path);
        }
        break;
    }
    return path;
}

/* The new name is there after a power cut, where the system can tell. */
static void sync_folder(char *beside)
{
    char *slash = strrchr(beside, '/');
    if (slash) slash[1] = 0;
    int folder = open(slash ? beside : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    fsync(folder);
    close(folder);
}

static ag_status save(job *j)
{
    mode_t mode;
    ag_status status = list_parameters(j);
    if (!status) status = find_target(j, &mode);
    if (status) return status;
    place(j);
    char *path = open_beside(j, mode);
    if (!path) return out_of_memory(j);
    if (!j->file) return fail(j, AG_EIO, "%s", strerror(errno));
    status = write_all(j);
    if (!status && fsync(fileno(j->file))) status = fail(j, AG_EIO, "%s", strerror(errno));
    int closed = fclose(j->file);
    j->file = NULL;
    if (!status && closed) status = fail(j, AG_EIO, "%s", strerror(errno));
    if (!status && rename(path, j->path)) status = fail(j, AG_EIO, "%s", strerror(errno));
    if (status) unlink(path);
    else sync_folder(path);
    return status;
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

/* The header and where the data begins. */
static ag_status read_header(job *j, char **text, int64_t *length, int64_t *data_bytes)
{
    struct stat info;
    uint64_t prefix;
    j->file = fopen(j->path, "rbe");
    if (!j->file || fstat(fileno(j->file), &info)) return fail(j, AG_EIO, "%s", strerror(errno));
    if (!S_ISREG(info.st_mode)) return fail(j, AG_EIO, "not a file");
    int64_t rest = (int64_t)info.st_size - PREFIX_BYTES;
    if (rest < 0 || fread(&prefix, PREFIX_BYTES, 1, j->file) != 1) return fail(j, AG_EIO, "the file is cut off");
    if (prefix > AGI_LARGEST_HEADER) return fail(j, AG_EIO, "no safetensors file: the header is too long");
    *length = (int64_t)prefix;
    *data_bytes = rest - *length;
    if (*data_bytes < 0) return fail(j, AG_EIO, "the file is cut off");
    *text = agi_arena_take(&j->arena, (size_t)*length + 1);
    if (!*text) return out_of_memory(j);
    if (fread(*text, 1, (size_t)*length, j->file) != (size_t)*length) return fail(j, AG_EIO, "the file cannot be read");
    return AG_OK;
}

static int64_t find(const agi_tensor *t, int64_t count, const char *name)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = strcmp(name, t[middle].name);
        if (order <= 0) high = middle;
        else low = middle + 1;
    }
    return low < count && strcmp(name, t[low].name) == 0 ? low : -1;
}

static ag_status refuse(job *j, const ag_node *parameter, const agi_tensor *got)
{
    char there[AG_SHAPE_TEXT], here[AG_SHAPE_TEXT];
    const ag_dtype type = (ag_dtype)parameter->dtype, like = got->stored <= AG_I64 ? (ag_dtype)got->stored : type;
    const ag_shape shape = ag_shape_in(parameter);
    const char *extents = ag_describe(there, like, &got->shape) + strlen(agi_type_name(like));
    return fail(j, like == type && got->stored < AGI_STORED_OTHERS ? AG_ESHAPE : AG_ETYPE,
                "'%.100s' is %s%s, the parameter is %s", got->name,
                got->stored <= AG_I64 ? agi_type_name(like) : agi_stored_name(got->stored), extents,
                ag_describe(here, type, &shape));
}

/* Numbers of 16 bits are made reals of any size. */
static int can_be(const agi_tensor *t, const ag_node *parameter)
{
    int half = t->stored == AGI_STORED_F16 || t->stored == AGI_STORED_BF16;
    return half ? parameter->dtype != AG_I64 : t->stored == (int)parameter->dtype;
}

static ag_status refuse_missing(job *j, const agi_tensor *found, int64_t nfound, const char *name)
{
    agi_nearest n = { .word = { name, strlen(name) } };
    while (nfound-- > 0) agi_nearest_try(&n, found[nfound].name);
    return fail(j, AG_EARG, "the parameter '%.100s' is missing%s%.100s%s", name, n.best ? "; is the file's '" : "",
                n.best ? n.best : "", n.best ? "' meant?" : "");
}

/* Each parameter is in the file, by name, type and shape. What else is there, an optimiser's state perhaps, does not
 * matter, but that unnamed parameters are told apart by nothing but their number. */
static ag_status match(job *j, const agi_tensor *found, int64_t nfound)
{
    char further[32];
    for (int64_t i = 0; i < j->count; i++) {
        agi_tensor *want = &j->tensor[i];
        int64_t k = find(found, nfound, want->name);
        if (k < 0) return refuse_missing(j, found, nfound, want->name);
        if (!can_be(&found[k], j->parameter[i]) || found[k].shape.rank != want->shape.rank ||
            memcmp(found[k].shape.dim, want->shape.dim, (size_t)want->shape.rank * sizeof want->shape.dim[0]))
            return refuse(j, j->parameter[i], &found[k]);
        *want = found[k];
    }
    snprintf(further, sizeof further, "parameter%lld", (long long)j->unnamed);
    if (j->unnamed && find(found, nfound, further) >= 0)
        return fail(j, AG_EARG, "more unnamed parameters than the plan's %lld: name them", (long long)j->unnamed);
    return AG_OK;
}

/* n numbers of 16 bits, which lie at the end of the room for them, made floats or doubles from its beginning on. */
static void widen(const agi_tensor *t, const ag_node *parameter, char *room, int64_t n)
{
    const char *from = room + n * ((int64_t)ag_dtype_size((ag_dtype)parameter->dtype) - 2);
    for (int64_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, from + 2 * i, sizeof half);
        float x = t->stored == AGI_STORED_F16 ? agi_half_to_float(half) : agi_bf16_to_float(half);
        if (parameter->dtype == AG_F32) ((float *)room)[i] = x;
        else ((double *)room)[i] = x;
    }
}

static ag_status read_values(job *j, int64_t start, char *to)
{
    for (int64_t i = 0; i < j->count; i++) {
        const agi_tensor *t = &j->tensor[i];
        const int64_t room = agi_node_bytes(j->parameter[i]), bytes = t->end - t->begin;
        if (fseeko(j->file, (off_t)(start + t->begin), SEEK_SET) ||
            fread(to + room - bytes, 1, (size_t)bytes, j->file) != (size_t)bytes)
            return fail(j, AG_EIO, "the file cannot be read");
        if (bytes < room) widen(t, j->parameter[i], to, ag_count(j->parameter[i]));
        to += (room + 7) & ~7;
    }
    return AG_OK;
}

/* Everything is known and read before the first value changes. */
static ag_status load(job *j)
{
    char *text = NULL;
    int64_t length = 0, data_bytes = 0, nfound, at;
    const char *error;
    ag_status status = list_parameters(j);
    if (!status) status = read_header(j, &text, &length, &data_bytes);
    if (status) return status;
    agi_tensor *found = agi_read_header(&j->arena, text, length, data_bytes, &nfound, &error, &at);
    if (!found && !error) return out_of_memory(j);
    if (!found) return fail(j, AG_EIO, "byte %lld of the header: %s", (long long)at, error);
    status = match(j, found, nfound);
    if (status) return status;
    size_t bytes = 0;
    for (int64_t i = 0; i < j->count; i++) bytes += (size_t)(agi_node_bytes(j->parameter[i]) + 7) & ~(size_t)7;
    char *data = agi_arena_take(&j->arena, bytes + 1);
    if (!data) return out_of_memory(j);
    status = read_values(j, PREFIX_BYTES + length, data);
    for (int64_t i = 0; i < j->count && !status; i++) {
        status = ag_feed(j->run, j->parameter[i], data);
        data += (agi_node_bytes(j->parameter[i]) + 7) & ~7;
    }
    return status;
}

/* ---------------------------------------------------------------------------------------------------------------- */

static ag_status perform(const char *what, ag_run *run, const char *path, int half, ag_status (*work)(job *))
{
    if (!run) return AG_EARG;
    job j = { .run = run, .what = what, .path = path ? path : "", .half = half };
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        return fail(&j, AG_EIO, "safetensors files are little endian, and this machine is not");
    if (!path || !*path) return fail(&j, AG_EARG, "a path is needed");
    agi_arena_init(&j.arena, &run->plan->allocator);
    ag_status status = work(&j);
    if (j.file) fclose(j.file);
    agi_arena_free(&j.arena);
    return status;
}

ag_status ag_save(const ag_run *run, const char *path)
{
    return perform("ag_save", (ag_run *)run, path, AGI_STORED_F32, save);
}

ag_status ag_save_half(const ag_run *run, const char *path, int bfloat16)
{
    return perform("ag_save_half", (ag_run *)run, path, bfloat16 ? AGI_STORED_BF16 : AGI_STORED_F16, save);
}

ag_status ag_load(ag_run *run, const char *path)
{
    return perform("ag_load", run, path, AGI_STORED_F32, load);
}
