/* A small pool of threads that sleep between jobs. Who does which part is fixed by number, never by chance. */
#include "base.h"

#include <pthread.h>
#include <signal.h>

typedef struct {
    pthread_t thread;
    struct agi_pool *pool;
    int number;
} worker;

struct agi_pool {
    const ag_allocator *allocator;
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    agi_job job;
    void *context;
    unsigned long round; /* counts jobs */
    int threads;         /* the caller's included */
    int busy, leaving;
    worker workers[];
};

static void *serve(void *argument)
{
    const worker *w = argument;
    agi_pool *p = w->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->round == seen && !p->leaving) pthread_cond_wait(&p->start, &p->lock);
        if (p->leaving) break;
        seen = p->round;
        int threads = p->threads;
        pthread_mutex_unlock(&p->lock);
        p->job(p->context, w->number, threads);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0) pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

agi_pool *agi_pool_new(const ag_allocator *a, int threads)
{
    agi_pool *p = agi_allocate(a, sizeof *p + (size_t)(threads - 1) * sizeof p->workers[0]);
    if (!p) return NULL;
    *p = (agi_pool){ .allocator = a, .threads = 1 };
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->start, NULL);
    pthread_cond_init(&p->done, NULL);
    sigset_t all, before; /* signals are for the program's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int k = 1; k < threads; k++) { /* fewer threads do the same work with the same bits */
        worker *w = &p->workers[k - 1];
        *w = (worker){ .pool = p, .number = k };
        if (pthread_create(&w->thread, NULL, serve, w)) break;
        p->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void agi_pool_run(agi_pool *p, agi_job job, void *context)
{
    pthread_mutex_lock(&p->lock);
    p->job = job;
    p->context = context;
    p->busy = p->threads - 1;
    p->round++;
    pthread_cond_broadcast(&p->start);
    pthread_mutex_unlock(&p->lock);
    job(context, 0, p->threads);
    pthread_mutex_lock(&p->lock);
    while (p->busy) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void agi_pool_free(agi_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->leaving = 1;
    pthread_cond_broadcast(&p->start);
    pthread_mutex_unlock(&p->lock);
    for (int k = 1; k < p->threads; k++) pthread_join(p->workers[k - 1].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->start);
    pthread_mutex_destroy(&p->lock);
    agi_release(p->allocator, p);
}
