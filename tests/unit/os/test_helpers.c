/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs run elsewhere, come home, keep their order and are bounded in number. */
#include "os/helpers.h"

#include "base/mem.h"
#include "os/thread.h"
#include "test.h"

enum { ALL = OD_HELPERS_QUEUE_MAX + 1 };

struct numbered {
    struct od_job job;
    int number;
};

static struct od_reactor *reactor;
static struct od_helpers *helpers;
static struct od_gate *blocked, *release;
static struct numbered *jobs;
static int ran[ALL], ran_count, done_count, refused_count;
static bool done_in_order, at_home;

static void run(struct od_job *job)
{
    ran[ran_count++] = ((struct numbered *)job)->number; /* FLUSH: one thread */
}

static void run_blocking(struct od_job *job)
{
    od_gate_open(blocked);
    od_gate_wait(release, -1);
    run(job);
}

static void done(struct od_job *job)
{
    at_home &= od_reactor_current() == reactor;
    done_in_order &= ((struct numbered *)job)->number == done_count;
    if (++done_count == ALL)
        od_reactor_stop(reactor);
}

static void submit_all(struct od_post *post)
{
    struct numbered extra = { .job = { .class = OD_JOB_FLUSH, .run = run, .done = done } };

    (void)post;
    for (int i = 0; i < ALL; i++) {
        jobs[i].number = i;
        jobs[i].job.class = OD_JOB_FLUSH;
        jobs[i].job.run = i == 0 ? run_blocking : run;
        jobs[i].job.done = done;
        refused_count += od_helpers_submit(helpers, &jobs[i].job) != OD_NONE;
        if (i == 0)
            od_gate_wait(blocked, -1); /* it runs: the queue is empty */
    }
    refused_count += od_helpers_submit(helpers, &extra.job) == OD_E_FULL ? 1000 : 0;
    od_gate_open(release);
}

TEST(a_full_queue_refuses_and_the_rest_runs_and_returns_in_order)
{
    struct od_post post = { .run = submit_all };
    struct od_helpers_stats stats;

    jobs = od_zalloc(ALL * sizeof(*jobs));
    blocked = od_gate_new();
    release = od_gate_new();
    done_in_order = at_home = true;
    CHECK_OK(od_reactor_new(0, &reactor));
    CHECK_OK(od_helpers_new(2, &helpers));
    od_reactor_post(reactor, &post);
    od_reactor_run(reactor);
    od_helpers_stats(helpers, &stats);
    od_helpers_free(helpers);
    od_reactor_free(reactor);
    CHECK_EQ(refused_count, 1000);
    CHECK_EQ(ran_count, ALL);
    for (int i = 0; i < ALL; i++)
        CHECK_EQ(ran[i], i);
    CHECK(done_in_order);
    CHECK(at_home);
    CHECK_EQ(stats.completed[OD_JOB_FLUSH], ALL);
    CHECK_EQ(stats.refused[OD_JOB_FLUSH], 1);
    od_gate_free(blocked);
    od_gate_free(release);
    od_free(jobs);
}

static struct od_job each[OD_JOB_CLASSES];
static int each_left;

static void nothing(struct od_job *job)
{
    (void)job;
}

static void each_done(struct od_job *job)
{
    (void)job;
    if (--each_left == 0)
        od_reactor_stop(reactor);
}

static void submit_each(struct od_post *post)
{
    (void)post;
    for (int i = 0; i < OD_JOB_CLASSES; i++) {
        each[i] = (struct od_job){ .class = (enum od_job_class)i, .run = nothing,
                                   .done = each_done };
        if (od_helpers_submit(helpers, &each[i]) == OD_NONE)
            each_left++;
    }
}

static void every_class_is_served_by(int threads)
{
    struct od_post post = { .run = submit_each };
    struct od_helpers_stats stats;

    CHECK_OK(od_reactor_new(0, &reactor));
    CHECK_OK(od_helpers_new(threads, &helpers));
    od_reactor_post(reactor, &post);
    od_reactor_run(reactor);
    od_helpers_stats(helpers, &stats);
    for (int i = 0; i < OD_JOB_CLASSES; i++)
        CHECK_EQ(stats.completed[i], 1);
    od_helpers_free(helpers);
    od_reactor_free(reactor);
}

TEST(every_class_is_served_by_two_three_and_five_threads)
{
    every_class_is_served_by(2);
    every_class_is_served_by(3);
    every_class_is_served_by(5);
}

static void submit_and_stop(struct od_post *post)
{
    submit_each(post);
    od_reactor_stop(reactor);
}

TEST(free_runs_what_is_queued)
{
    struct od_post post = { .run = submit_and_stop };

    CHECK_OK(od_reactor_new(0, &reactor));
    CHECK_OK(od_helpers_new(2, &helpers));
    each_left = 0;
    od_reactor_post(reactor, &post);
    od_reactor_run(reactor);
    od_helpers_free(helpers);
    od_reactor_run(reactor); /* stopped already: only brings home what was done */
    CHECK_EQ(each_left, 0);
    od_reactor_free(reactor);
}
