/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs scenarios over seeds, each in a child process, several at a time; prints what failed with
 * the command that repeats it, and counts, so that a run that did nothing cannot pass.
 */
#include "os/sim/sim.h"
#include "scenarios.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 64, TWICE_EVERY = 16, FAILURES_MAX = 5, OUTPUT_LINES = 120 };

struct options {
    uint64_t first, seeds;
    int jobs;
    const char *scenario; /* prefix; "" is all */
    bool verbose, until_failure;
};

struct job {
    pid_t pid; /* 0: free */
    uint64_t seed;
    time_t deadline;
    FILE *output;
};

/* Shared with the children. */
struct reports {
    struct sim_report report, again;
    bool twice;
};

static struct options options = { .first = 1, .seeds = 100, .scenario = "" };
static struct job jobs[JOBS_MAX];
static struct reports *reports;
static int failures;
static uint64_t failed_seed, seeds_done, seeds_twice;

void sim_report_fill(struct sim_report *out)
{
    struct od_sim_stats s;

    od_sim_stats(&s);
    out->trace = od_sim_trace_hash();
    out->faults = s.disk_faults + s.network_faults + s.crashes + s.pauses + s.clock_jumps;
    out->crashes = s.crashes;
    out->contended = s.contended + s.tries_failed;
    out->helper_calls = s.helper_calls;
}

static void run_child(const struct sim_scenario *s, uint64_t seed, struct reports *r)
{
    if (r->twice) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            s->run(seed, false, &r->again);
            _exit(0);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0)
            _exit(1);
    }
    s->run(seed, options.verbose, &r->report);
    if (r->twice && r->again.trace != r->report.trace) {
        fprintf(stderr, "two runs of one seed differ: %llx and %llx\n",
                (unsigned long long)r->again.trace, (unsigned long long)r->report.trace);
        _exit(1);
    }
    fflush(stderr);
    _exit(0);
}

static void start(const struct sim_scenario *s, int slot, uint64_t seed)
{
    struct job *job = &jobs[slot];

    job->seed = seed;
    job->deadline = time(NULL) + s->real_s_max;
    job->output = options.verbose ? NULL : tmpfile();
    memset(&reports[slot], 0, sizeof(reports[slot]));
    reports[slot].twice = (seed - options.first) % TWICE_EVERY == 0 && !options.verbose;
    fflush(stdout);
    job->pid = fork();
    if (job->pid != 0)
        return;
    setpgid(0, 0);
    if (job->output)
        dup2(fileno(job->output), STDERR_FILENO);
    run_child(s, seed, &reports[slot]);
}

static void print_output(FILE *output)
{
    char line[1024];
    int lines = 0, skip;

    rewind(output);
    while (fgets(line, sizeof(line), output))
        lines++;
    skip = lines - OUTPUT_LINES;
    rewind(output);
    while (fgets(line, sizeof(line), output))
        if (skip-- <= 0)
            fputs(line, stdout);
}

static void add(struct sim_report *sum, const struct sim_report *r)
{
    sum->operations += r->operations;
    sum->faults += r->faults;
    sum->crashes += r->crashes;
    sum->contended += r->contended;
    sum->helper_calls += r->helper_calls;
}

static void finish(const struct sim_scenario *s, int slot, int status, struct sim_report *sum)
{
    struct job *job = &jobs[slot];

    job->pid = 0;
    if (status == 0) {
        add(sum, &reports[slot].report);
        seeds_done++;
        seeds_twice += reports[slot].twice;
    } else {
        failures++;
        failed_seed = job->seed;
        if (job->output)
            print_output(job->output);
        printf("FAILED: %s seed %llu (%s %d); again: make sim T=%s SEED=%llu SEEDS=1 V=1\n",
               s->name, (unsigned long long)job->seed, WIFSIGNALED(status) ? "signal" : "exit",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), s->name,
               (unsigned long long)job->seed);
    }
    if (job->output)
        fclose(job->output);
}

/* Ends what takes too long; the wait then reports it. */
static void reap(const struct sim_scenario *s, struct sim_report *sum)
{
    for (int i = 0; i < options.jobs; i++) {
        int status;

        if (jobs[i].pid == 0)
            continue;
        if (waitpid(jobs[i].pid, &status, WNOHANG) == jobs[i].pid) {
            finish(s, i, status, sum);
        } else if (time(NULL) > jobs[i].deadline) {
            printf("%s seed %llu takes over %d s\n", s->name, (unsigned long long)jobs[i].seed,
                   s->real_s_max);
            kill(-jobs[i].pid, SIGKILL);
            jobs[i].deadline += 3600;
        }
    }
}

static int free_slot(void)
{
    for (int i = 0; i < options.jobs; i++)
        if (jobs[i].pid == 0)
            return i;
    return -1;
}

static bool busy(void)
{
    for (int i = 0; i < options.jobs; i++)
        if (jobs[i].pid != 0)
            return true;
    return false;
}

static bool enough(const char *what, uint64_t have, uint64_t least, uint64_t seeds)
{
    if (have >= least * seeds)
        return true;
    printf("INVALID: %llu %s in %llu seeds, at least %llu are asked\n", (unsigned long long)have,
           what, (unsigned long long)seeds, (unsigned long long)(least * seeds));
    return false;
}

static bool valid(const struct sim_scenario *s, const struct sim_report *sum)
{
    bool ok = enough("operations", sum->operations, s->least.operations, seeds_done);

    ok = enough("faults", sum->faults, s->least.faults, seeds_done) && ok;
    ok = enough("crashes", sum->crashes, s->least.crashes, seeds_done) && ok;
    ok = enough("contended locks", sum->contended, s->least.contended, seeds_done) && ok;
    return enough("helper calls", sum->helper_calls, s->least.helper_calls, seeds_done) && ok;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run_scenario(const struct sim_scenario *s)
{
    struct sim_report sum = { 0 };
    double began = seconds(), took;
    int before = failures, failures_max = options.until_failure ? 1 : FAILURES_MAX;

    seeds_done = seeds_twice = 0;
    for (uint64_t i = 0; i < options.seeds && failures - before < failures_max; i++) {
        int slot;

        while ((slot = free_slot()) < 0) {
            poll(NULL, 0, 1);
            reap(s, &sum);
        }
        start(s, slot, options.first + i);
    }
    while (busy()) {
        poll(NULL, 0, 1);
        reap(s, &sum);
    }
    took = seconds() - began;
    printf("%s: %llu seeds from %llu (%llu twice), %d failed, %.0f seeds/min, %llu operations, "
           "%llu faults, %llu crashes, %llu contended locks, %llu helper calls\n",
           s->name, (unsigned long long)seeds_done, (unsigned long long)options.first,
           (unsigned long long)seeds_twice, failures - before,
           (double)(seeds_done + seeds_twice) * 60 / took, (unsigned long long)sum.operations,
           (unsigned long long)sum.faults, (unsigned long long)sum.crashes,
           (unsigned long long)sum.contended, (unsigned long long)sum.helper_calls);
    return failures == before && (options.until_failure || valid(s, &sum));
}

static void parse(int argc, char **argv)
{
    static const struct option longs[] = {
        { "seeds", required_argument, NULL, 'n' },   { "first", required_argument, NULL, 'f' },
        { "scenario", required_argument, NULL, 't' }, { "jobs", required_argument, NULL, 'j' },
        { "verbose", no_argument, NULL, 'v' },        { "until-failure", no_argument, NULL, 'u' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    options.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
    while ((c = getopt_long(argc, argv, "n:f:t:j:vu", longs, NULL)) != -1) {
        switch (c) {
        case 'n': options.seeds = strtoull(optarg, NULL, 10); break;
        case 'f': options.first = strtoull(optarg, NULL, 10); break;
        case 't': options.scenario = optarg; break;
        case 'j': options.jobs = (int)strtol(optarg, NULL, 10); break;
        case 'v': options.verbose = true; break;
        case 'u': options.until_failure = true; break;
        default: exit(2);
        }
    }
    if (options.jobs < 1 || options.jobs > JOBS_MAX)
        options.jobs = 1;
}

int main(int argc, char **argv)
{
    int run = 0;
    bool ok = true;

    parse(argc, argv);
    reports = mmap(NULL, sizeof(*reports) * JOBS_MAX, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < sizeof(sim_scenarios) / sizeof(sim_scenarios[0]); i++) {
        const struct sim_scenario *s = &sim_scenarios[i];

        if (strncmp(s->name, options.scenario, strlen(options.scenario)) != 0)
            continue;
        run++;
        ok = run_scenario(s) && ok;
    }
    if (run == 0)
        printf("no scenario \"%s\"\n", options.scenario);
    return ok && run > 0 ? 0 : 1;
}
