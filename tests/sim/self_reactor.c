/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's own test: the product's reactors and helpers run unchanged on fibers. */
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/helpers.h"
#include "os/sim/sim.h"
#include "os/thread.h"
#include "self.h"

enum { REACTORS = 2, JOBS = 12 };

struct plant {
    struct od_reactor *reactors[REACTORS];
    struct od_helpers *helpers;
    struct od_file *file;
    int flushed, passed_on, fired;
};

struct task {
    struct od_job job;
    struct od_post post;
    struct plant *plant;
    enum od_err err;
};

struct shift {
    struct plant *plant;
    struct od_post start;
    struct od_timer timer;
    int64_t deadline_ms;
    struct task tasks[JOBS];
};

static void arrived(struct od_post *post)
{
    struct task *t = OD_CONTAINER(post, struct task, post);
    struct plant *p = t->plant;

    if (++p->passed_on == REACTORS * JOBS)
        for (int i = 0; i < REACTORS; i++)
            od_reactor_stop(p->reactors[i]);
}

static void flush(struct od_job *job)
{
    struct task *t = OD_CONTAINER(job, struct task, job);

    OD_SIM_CHECK(!od_reactor_current());
    t->err = od_file_sync(t->plant->file);
}

static void flushed(struct od_job *job)
{
    struct task *t = OD_CONTAINER(job, struct task, job);
    struct plant *p = t->plant;
    struct od_reactor *here = od_reactor_current();

    OD_SIM_CHECK(here == job->home && t->err == OD_NONE);
    p->flushed++;
    t->post.run = arrived;
    od_reactor_post(here == p->reactors[0] ? p->reactors[1] : p->reactors[0], &t->post);
}

static void fired(struct od_timer *timer)
{
    struct shift *s = OD_CONTAINER(timer, struct shift, timer);

    OD_SIM_CHECK(od_reactor_now_ms(od_reactor_current()) >= s->deadline_ms);
    s->plant->fired++;
    for (int i = 0; i < JOBS; i++) {
        struct task *t = &s->tasks[i];

        t->plant = s->plant;
        t->job = (struct od_job){ .class = OD_JOB_FLUSH, .run = flush, .done = flushed };
        OD_SIM_CHECK(od_helpers_submit(s->plant->helpers, &t->job) == OD_NONE);
    }
}

static void begin(struct od_post *post)
{
    struct shift *s = OD_CONTAINER(post, struct shift, start);
    struct od_reactor *r = od_reactor_current();

    s->deadline_ms = od_reactor_now_ms(r) + 5 + (int64_t)od_sim_random(40);
    s->timer.fire = fired;
    od_timer_set(r, &s->timer, s->deadline_ms);
}

static void run_reactor(void *arg)
{
    od_reactor_run(arg);
}

static void run_plant(void *arg)
{
    struct plant *p = arg;
    struct shift *shifts = od_zalloc(sizeof(*shifts) * REACTORS);
    struct od_thread *threads[REACTORS];

    OD_SIM_CHECK(od_file_open("/f", OD_FILE_WRITE | OD_FILE_CREATE, &p->file) == OD_NONE);
    OD_SIM_CHECK(od_helpers_new(3, &p->helpers) == OD_NONE);
    for (int i = 0; i < REACTORS; i++) {
        OD_SIM_CHECK(od_reactor_new(i, &p->reactors[i]) == OD_NONE);
        shifts[i].plant = p;
        shifts[i].start.run = begin;
        od_reactor_post(p->reactors[i], &shifts[i].start);
    }
    for (int i = 0; i < REACTORS; i++)
        OD_SIM_CHECK(od_thread_start("reactor", run_reactor, p->reactors[i], &threads[i]) ==
                     OD_NONE);
    for (int i = 0; i < REACTORS; i++)
        od_thread_join(threads[i]);
    for (int i = 0; i < REACTORS; i++)
        od_reactor_free(p->reactors[i]);
    od_helpers_free(p->helpers);
    od_file_close(p->file);
    od_free(shifts);
}

void sim_self_reactors(void)
{
    struct od_sim_node *node = od_sim_node_new("plant");
    struct plant p = { 0 };

    od_sim_node_start(node, run_plant, &p);
    while (od_sim_node_up(node))
        od_sim_sleep_ms(5);
    OD_SIM_CHECK(p.fired == REACTORS && p.flushed == REACTORS * JOBS);
    OD_SIM_CHECK(p.passed_on == REACTORS * JOBS && od_sim_node_open_files(node) == 0);
}
