/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: fibers on one thread, virtual time, and the trace hash. */
#include "base/assert.h"
#include "base/mem.h"
#include "os/sim/world.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK_BYTES = 512 * 1024, GUARD_BYTES = 4096, STACKS_KEPT = 256, SLOW_SKIPS = 7 };

struct od_world od_world;

static ucontext_t scheduler;
static struct od_thread_state scheduler_state; /* for os calls made before the run */
static void *kept_stacks[STACKS_KEPT];
static int kept_count;
#ifdef ASAN
static const void *scheduler_stack;
static size_t scheduler_stack_bytes;
static void *scheduler_fake_stack;
#endif

struct od_thread_state *od_thread_state(void)
{
    return od_world.running ? &od_world.running->state : &scheduler_state;
}

/* --- trace ------------------------------------------------------------------------------- */

static void mix(uint64_t v)
{
    od_world.trace = (od_world.trace ^ v) * 0x100000001b3u;
    od_world.trace ^= od_world.trace >> 29;
}

uint64_t od_sim_hash(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = 0xcbf29ce484222325u ^ len;

    for (; len >= 8; p += 8, len -= 8) {
        uint64_t v;

        memcpy(&v, p, sizeof(v));
        h = (h ^ v) * 0x100000001b3u;
        h ^= h >> 32;
    }
    for (; len > 0; p++, len--)
        h = (h ^ *p) * 0x100000001b3u;
    return h;
}

void od_sim_trace(enum od_sim_call call, uint64_t a, uint64_t b)
{
    static const char *const names[] = { "run", "event", "crash", "lock", "try", "drop", "thread",
                                         "join", "gate-wait", "gate-open", "file", "listen",
                                         "connect", "accept", "send", "recv", "close", "deliver",
                                         "poll", "wake", "sleep", "end" };
    uint32_t id = od_world.running ? od_world.running->id : 0;

    mix((uint64_t)call << 32 | id);
    mix(a);
    mix(b);
    if (od_world.options.verbose)
        fprintf(stderr, "%12.6f #%u %s %llx %llx\n", (double)od_world.now_ns / 1e9, id,
                names[call], (unsigned long long)a, (unsigned long long)b);
}

uint64_t od_sim_trace_hash(void)
{
    return od_world.trace;
}

/* --- switching --------------------------------------------------------------------------- */

static void enter_fiber(struct od_thread *f)
{
    od_world.running = f;
    f->status = OD_FIBER_RUNNING;
#ifdef ASAN
    __sanitizer_start_switch_fiber(&scheduler_fake_stack, f->stack, STACK_BYTES);
#endif
    swapcontext(&scheduler, &f->context);
#ifdef ASAN
    __sanitizer_finish_switch_fiber(scheduler_fake_stack, NULL, NULL);
#endif
    od_world.running = NULL;
}

static void leave_fiber(struct od_thread *f)
{
#ifdef ASAN
    __sanitizer_start_switch_fiber(f->status == OD_FIBER_ENDED ? NULL : &f->asan_stack,
                                   scheduler_stack, scheduler_stack_bytes);
#endif
    swapcontext(&f->context, &scheduler);
#ifdef ASAN
    __sanitizer_finish_switch_fiber(f->asan_stack, NULL, NULL);
#endif
}

static void fiber_main(void)
{
    struct od_thread *f = od_world.running;

#ifdef ASAN
    __sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_stack_bytes);
#endif
    f->main(f->arg);
    od_sim_trace(OD_CALL_END, f->id, 0);
    OD_ASSERT(!f->state.held[OD_LOCK_PARTITION] && !f->state.held[OD_LOCK_LEAF]);
    od_fiber_kill(f);
    if (f->joiner)
        od_sim_wake(f->joiner);
    if (!od_sim_node_up(f->node))
        od_sim_node_ended(f->node);
    leave_fiber(f);
    OD_ASSERT(false);
}

static void *new_stack(void)
{
    uint8_t *p;

    if (kept_count > 0)
        return kept_stacks[--kept_count];
    p = mmap(NULL, STACK_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    OD_ASSERT(p != MAP_FAILED);
    mprotect(p, GUARD_BYTES, PROT_NONE);
    return p + GUARD_BYTES;
}

/* Only for fibers that ended by themselves: others may point into a killed one's stack. */
static void keep_stack(struct od_thread *f)
{
#ifdef ASAN
    __asan_unpoison_memory_region(f->stack, STACK_BYTES);
#endif
    if (kept_count < STACKS_KEPT)
        kept_stacks[kept_count++] = f->stack;
    else
        munmap((uint8_t *)f->stack - GUARD_BYTES, STACK_BYTES + GUARD_BYTES);
    f->stack = NULL;
}

/* --- ready fibers ------------------------------------------------------------------------ */

static void make_ready(struct od_thread *f)
{
    f->status = OD_FIBER_READY;
    if (f->node->paused) {
        f->holding = true;
        return;
    }
    if (od_world.ready_count == od_world.ready_capacity) {
        od_world.ready_capacity = od_world.ready_capacity ? od_world.ready_capacity * 2 : 64;
        od_world.ready = od_realloc(od_world.ready,
                                    od_world.ready_capacity * sizeof(struct od_thread *));
    }
    od_world.ready[od_world.ready_count++] = f;
}

static void unready(struct od_thread *f)
{
    uint32_t i = 0;

    f->holding = false;
    while (i < od_world.ready_count && od_world.ready[i] != f)
        i++;
    if (i == od_world.ready_count)
        return;
    memmove(&od_world.ready[i], &od_world.ready[i + 1],
            (od_world.ready_count - i - 1) * sizeof(struct od_thread *));
    od_world.ready_count--;
}

void od_sim_hold(struct od_thread *f, bool hold)
{
    if (f->status != OD_FIBER_READY)
        return;
    unready(f);
    if (hold)
        f->holding = true;
    else
        make_ready(f);
}

static struct od_thread *choose(void)
{
    uint64_t i = 0;

    for (int skips = 0; skips < SLOW_SKIPS; skips++) {
        i = od_rng_below(&od_world.schedule, od_world.ready_count);
        if (!od_world.ready[i]->slow)
            break;
    }
    return od_world.ready[i];
}

/* --- fibers ------------------------------------------------------------------------------ */

struct od_thread *od_fiber_new(struct od_sim_node *node, const char *name,
                               void (*main)(void *arg), void *arg)
{
    struct od_thread *f = OD_NEW(struct od_thread);

    f->node = node;
    f->id = ++od_world.fiber_count;
    f->main = main;
    f->arg = arg;
    f->slow = od_rng_chance(&od_world.schedule, od_world.slow_ppm);
    snprintf(f->name, sizeof(f->name), "%s", name);
    f->stack = new_stack();
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_BYTES;
    f->context.uc_link = NULL;
    makecontext(&f->context, fiber_main, 0);
    od_list_push(&node->fibers, &f->in_node);
    make_ready(f);
    return f;
}

void od_fiber_kill(struct od_thread *f)
{
    unready(f);
    f->status = OD_FIBER_ENDED;
    f->blocks++;
    od_link_remove(&f->in_node);
}

struct od_sim_node *od_sim_here(void)
{
    OD_ASSERT(od_world.running);
    return od_world.running->node;
}

void od_sim_step(enum od_sim_call call, uint64_t a, uint64_t b)
{
    struct od_thread *f = od_world.running;

    od_sim_trace(call, a, b);
    if (!f)
        return;
    od_world.now_ns += od_world.step_ns;
    if (++od_world.stats.steps > od_world.options.steps_max)
        od_sim_fail("more than %llu scheduling points",
                    (unsigned long long)od_world.options.steps_max);
    if (!od_world.crashing && od_sim_next_event_ns() > od_world.now_ns &&
        !od_rng_chance(&od_world.schedule, od_world.switch_ppm))
        return;
    make_ready(f);
    leave_fiber(f);
}

static void timeout(void *arg, uint64_t n)
{
    struct od_thread *f = arg;

    if (f->status != OD_FIBER_BLOCKED || f->blocks != n)
        return;
    f->timed_out = true;
    make_ready(f);
}

bool od_sim_block(int64_t at_ns)
{
    struct od_thread *f = od_world.running;

    OD_ASSERT(f);
    f->status = OD_FIBER_BLOCKED;
    f->timed_out = false;
    f->blocks++;
    if (at_ns >= 0)
        od_sim_at(at_ns, timeout, f, f->blocks);
    leave_fiber(f);
    return !f->timed_out;
}

void od_sim_wake(struct od_thread *f)
{
    if (f->status != OD_FIBER_BLOCKED)
        return;
    f->blocks++;
    make_ready(f);
}

void od_sim_sleep_ms(int64_t ms)
{
    od_sim_trace(OD_CALL_SLEEP, (uint64_t)ms, 0);
    (void)od_sim_block(od_world.now_ns + ms * 1000000);
}

/* --- the run ----------------------------------------------------------------------------- */

static void run_one(void)
{
    struct od_thread *f = choose();

    unready(f);
    od_sim_trace(OD_CALL_RUN, f->id, 0);
    od_world.stats.switches++;
    enter_fiber(f);
    if (f->status == OD_FIBER_ENDED && !od_world.crashing)
        keep_stack(f);
}

static struct {
    void (*main)(void *arg);
    void *arg;
} director;

static void direct(void *arg)
{
    (void)arg;
    director.main(director.arg);
    od_world.done = true;
}

void od_sim_run(void (*main)(void *arg), void *arg)
{
    director.main = main;
    director.arg = arg;
    od_sim_node_start(od_sim_node_new("director"), direct, NULL);
    while (!od_world.done) {
        if (od_world.crashing) {
            struct od_sim_node *n = od_world.crashing;

            od_world.crashing = NULL;
            od_sim_node_crash_now(n, n->crash_how);
        }
        od_sim_fire_due();
        if (od_world.ready_count > 0) {
            run_one();
            continue;
        }
        if (od_sim_next_event_ns() == INT64_MAX)
            od_sim_fail("deadlock: no fiber can run and nothing is to come");
        if (od_sim_next_event_ns() > od_world.now_ns)
            od_world.now_ns = od_sim_next_event_ns();
        if (od_world.now_ns > od_world.options.virtual_ms_max * 1000000)
            od_sim_fail("more than %lld virtual ms", (long long)od_world.options.virtual_ms_max);
    }
}

/* A broken invariant: what led there is worth more than a clean handler. */
static void on_abort(int signal_number)
{
    signal(signal_number, SIG_DFL);
    od_sim_log_print();
    fprintf(stderr, "ABORTED seed %llu at %.3f s\n", (unsigned long long)od_world.options.seed,
            (double)od_world.now_ns / 1e9);
    raise(signal_number);
}

static struct od_rng stream(uint64_t purpose)
{
    struct od_rng r = { od_world.options.seed * 8 + purpose };

    r.state = od_rng_next(&r);
    return r;
}

void od_sim_init(const struct od_sim_options *options)
{
    static const uint32_t switch_ppm[] = { 30000, 250000, 1000000 };

    memset(&od_world, 0, sizeof(od_world));
    od_world.options = *options;
    od_world.trace = 0xcbf29ce484222325u;
    od_world.schedule = stream(0);
    od_world.disk = stream(1);
    od_world.wire = stream(2);
    od_world.harness = stream(3);
    od_world.entropy = stream(4);
    od_world.step_ns = 100 + (int64_t)od_rng_below(&od_world.schedule, 2000);
    od_world.switch_ppm = switch_ppm[od_rng_below(&od_world.schedule, OD_COUNT(switch_ppm))];
    od_world.slow_ppm = od_rng_chance(&od_world.schedule, 500000) ? 250000 : 0;
    od_world.network = (struct od_sim_network_faults){ .delay_us_min = 20, .delay_us_max = 500 };
    od_list_init(&od_world.nodes);
    signal(SIGABRT, on_abort);
    od_network_init();
}

void od_sim_stats(struct od_sim_stats *out)
{
    *out = od_world.stats;
}

int64_t od_sim_now_ms(void)
{
    return od_world.now_ns / 1000000;
}

uint64_t od_sim_random(uint64_t bound)
{
    return od_rng_below(&od_world.harness, bound);
}

bool od_sim_chance(uint32_t ppm)
{
    return od_rng_chance(&od_world.harness, ppm);
}

uint64_t od_sim_seed(void)
{
    return od_world.options.seed;
}

void od_sim_fail(const char *format, ...)
{
    va_list args;

    od_sim_log_print();
    fprintf(stderr, "FAILED seed %llu at %.3f s: ", (unsigned long long)od_world.options.seed,
            (double)od_world.now_ns / 1e9);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    fflush(stderr);
    _exit(1);
}
