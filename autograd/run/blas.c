/* OpenBLAS under stress. Each call of it takes one of a fixed number of buffers; more calls at once than it was built
 * for corrupt memory. Where none is free it maps a new one, of 128 MB, and tries for ever where memory is short. So
 * evaluations that call it are counted: those beyond the limit wait for others to end, and the ones that may need new
 * buffers look first whether these can be had.
 *
 * The count is the process's, as the buffers are: this is the library's only state that changes, beside its users'. */
#include "run.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_int inside;  /* calls that may be under way */
static atomic_int ready;   /* most so far: so many buffers are there, or could be had */
static atomic_int waiting; /* evaluations */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static pthread_once_t watched = PTHREAD_ONCE_INIT;

extern void openblas_set_num_threads(int) __attribute__((weak));
extern int openblas_get_num_threads(void) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));

void agi_quiet_blas(void)
{
    if (!openblas_set_num_threads || !openblas_get_num_threads) return;
    if (openblas_get_num_threads() != 1) openblas_set_num_threads(1);
}

/* It has two buffers for each of the processors it was built for. Other BLAS libraries have no such limit. Its answer
 * is written into memory that all threads share, so it is asked once. */
static int most = INT_MAX;

static void ask_for_most(void)
{
    const char *config = openblas_get_config ? openblas_get_config() : NULL;
    const char *at = config ? strstr(config, "MAX_THREADS=") : NULL;
    const long threads = at ? strtol(at + strlen("MAX_THREADS="), NULL, 10) : 0;
    if (config) most = threads > 1 && threads < INT_MAX ? (int)threads : 1;
}

static int most_calls(void)
{
    static pthread_once_t asked = PTHREAD_ONCE_INIT;
    pthread_once(&asked, ask_for_most);
    return most;
}

int agi_blas_calls(int threads)
{
    const int limit = most_calls();
    return threads < limit ? threads : limit;
}

static int can_map(int buffers)
{
    if (!openblas_get_config) return 1;
    size_t bytes = (size_t)buffers * AGI_BLAS_MEGABYTES << 20;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at != MAP_FAILED && munmap(at, bytes) == 0;
}

/* In the child of a fork other threads' evaluations are gone. */
static void forget(void)
{
    atomic_store(&inside, 0);
    atomic_store(&waiting, 0);
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&left, NULL);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget);
}

/* Waits for its turn. 0: memory is short. */
static int enter_slowly(int calls)
{
    const int limit = most_calls();
    int entered = 0;
    pthread_once(&watched, watch_forks);
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&waiting, 1);
    while (!entered) {
        int now = atomic_load(&inside), have = atomic_load(&ready);
        if (now > limit - calls) {
            pthread_cond_wait(&left, &lock);
            continue;
        }
        if (now + calls > have && !can_map(now + calls - have)) break;
        if (now + calls > have) atomic_store(&ready, now + calls);
        entered = atomic_compare_exchange_strong(&inside, &now, now + calls);
    }
    atomic_fetch_sub(&waiting, 1);
    pthread_mutex_unlock(&lock);
    return entered;
}

int agi_enter_blas(int calls)
{
    int now = atomic_fetch_add(&inside, calls);
    if (now + calls <= atomic_load(&ready)) return 1;
    agi_leave_blas(calls);
    return enter_slowly(calls);
}

void agi_leave_blas(int calls)
{
    atomic_fetch_sub(&inside, calls);
    if (!atomic_load(&waiting)) return;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&left);
    pthread_mutex_unlock(&lock);
}
