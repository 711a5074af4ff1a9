/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helper threads over bounded queues, one per class.
 *
 * Thread 0 serves FLUSH alone.  Thread 1 serves READ first; while there are but two threads it
 * serves all other classes as well.  Further threads take the classes in turn.
 */
#include "os/helpers.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/lock.h"
#include "os/thread.h"

enum { FLUSH_THREAD = 0, READ_THREAD = 1, THREADS_MIN = 2 };

struct queue {
    struct od_job *first, *last;
    int count;
};

struct helper {
    struct od_helpers *all;
    struct od_thread *thread;
    struct od_gate *gate;
    unsigned classes;        /* bit per class that it serves */
    enum od_job_class turn;  /* where it looks first */
    bool idle;               /* waits, or is about to wait, at its gate */
};

struct od_helpers {
    struct od_lock lock; /* LEAF: the queues, idle, stopping */
    struct queue queues[OD_JOB_CLASSES];
    bool stopping;
    _Atomic uint64_t completed[OD_JOB_CLASSES];
    _Atomic uint64_t refused[OD_JOB_CLASSES];
    int n;
    struct helper helpers[];
};

static bool serves(const struct helper *h, enum od_job_class class)
{
    return h->classes & 1u << class;
}

static struct od_job *pop(struct queue *q)
{
    struct od_job *job = q->first;

    q->first = job->next;
    q->count--;
    return job;
}

/* The next job of this helper; NULL: none. */
static struct od_job *pick(struct helper *h)
{
    for (int i = 0; i < OD_JOB_CLASSES; i++) {
        enum od_job_class class = (h->turn + (unsigned)i) % OD_JOB_CLASSES;

        if (!serves(h, class) || !h->all->queues[class].first)
            continue;
        if (h != &h->all->helpers[READ_THREAD])
            h->turn = (class + 1) % OD_JOB_CLASSES;
        return pop(&h->all->queues[class]);
    }
    return NULL;
}

static void come_home(struct od_post *post)
{
    struct od_job *job = OD_CONTAINER(post, struct od_job, post);

    job->done(job);
}

static void help(void *arg)
{
    struct helper *h = arg;
    struct od_helpers *all = h->all;
    bool stopping = false;

    while (!stopping) {
        struct od_job *job;

        od_lock_take(&all->lock);
        job = pick(h);
        stopping = !job && all->stopping;
        h->idle = !job;
        od_lock_drop(&all->lock);
        if (job) {
            enum od_job_class class = job->class;

            job->run(job);
            atomic_fetch_add_explicit(&all->completed[class], 1, memory_order_relaxed);
            od_reactor_post(job->home, &job->post);
        } else if (!stopping) {
            od_gate_wait(h->gate, -1);
        }
    }
}

static void plan(struct od_helpers *all, int i)
{
    struct helper *h = &all->helpers[i];
    unsigned any = (1u << OD_JOB_CLASSES) - 1;

    h->all = all;
    h->gate = od_gate_new();
    h->classes = any;
    if (i == FLUSH_THREAD) {
        h->classes = 1u << OD_JOB_FLUSH;
    } else if (i == READ_THREAD) {
        h->turn = OD_JOB_READ;
        h->classes = all->n > THREADS_MIN ? 1u << OD_JOB_READ : any & ~(1u << OD_JOB_FLUSH);
    }
}

static const char *name(int i)
{
    return i == FLUSH_THREAD ? "od-flush" : i == READ_THREAD ? "od-read" : "od-helper";
}

enum od_err od_helpers_new(int threads, struct od_helpers **out)
{
    struct od_helpers *all;
    enum od_err err = OD_NONE;

    OD_ASSERT(threads >= THREADS_MIN);
    all = od_zalloc(sizeof(*all) + (size_t)threads * sizeof(all->helpers[0]));
    od_lock_init(&all->lock, OD_LOCK_LEAF);
    all->n = threads;
    for (int i = 0; i < threads; i++)
        plan(all, i);
    for (int i = 0; i < threads && !err; i++)
        err = od_thread_start(name(i), help, &all->helpers[i], &all->helpers[i].thread);
    if (err)
        od_helpers_free(all);
    else
        *out = all;
    return err;
}

void od_helpers_free(struct od_helpers *all)
{
    od_lock_take(&all->lock);
    all->stopping = true;
    od_lock_drop(&all->lock);
    for (int i = 0; i < all->n; i++)
        od_gate_open(all->helpers[i].gate);
    for (int i = 0; i < all->n; i++)
        if (all->helpers[i].thread)
            od_thread_join(all->helpers[i].thread);
    for (int i = 0; i < all->n; i++)
        od_gate_free(all->helpers[i].gate);
    od_lock_deinit(&all->lock);
    od_free(all);
}

/* Under the lock: a waiting helper that serves the class, now taken for this job; or NULL. */
static struct helper *claim_idle(struct od_helpers *all, enum od_job_class class)
{
    for (int i = 0; i < all->n; i++) {
        struct helper *h = &all->helpers[i];

        if (h->idle && serves(h, class)) {
            h->idle = false;
            return h;
        }
    }
    return NULL;
}

enum od_err od_helpers_submit(struct od_helpers *all, struct od_job *job)
{
    struct queue *q = &all->queues[job->class];
    struct helper *h;

    job->home = od_reactor_current();
    OD_ASSERT(job->home);
    job->post = (struct od_post){ .run = come_home };
    job->next = NULL;
    od_lock_take(&all->lock);
    OD_ASSERT(!all->stopping);
    if (q->count == OD_HELPERS_QUEUE_MAX) {
        od_lock_drop(&all->lock);
        atomic_fetch_add_explicit(&all->refused[job->class], 1, memory_order_relaxed);
        return OD_E_FULL;
    }
    if (q->first)
        q->last->next = job;
    else
        q->first = job;
    q->last = job;
    q->count++;
    h = claim_idle(all, job->class);
    od_lock_drop(&all->lock);
    if (h)
        od_gate_open(h->gate);
    return OD_NONE;
}

void od_helpers_stats(const struct od_helpers *all, struct od_helpers_stats *out)
{
    for (int i = 0; i < OD_JOB_CLASSES; i++) {
        out->completed[i] = atomic_load_explicit(&all->completed[i], memory_order_relaxed);
        out->refused[i] = atomic_load_explicit(&all->refused[i], memory_order_relaxed);
    }
}
