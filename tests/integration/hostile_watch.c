/* SPDX-License-Identifier: Apache-2.0 */
/* What every attack is judged by: the broker's log, its memory, and a neighbour. */
#include "hostile.h"

#include "base/mem.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVED_WITHIN_MS = 1000, LOG_WITHIN_MS = 3000, NEIGHBOUR_PAUSE_US = 3000 };

static struct {
    pthread_t thread;
    bool running;
    struct topic topic;
    _Atomic int rounds;
    _Atomic int wrong;
    _Atomic int64_t slowest_ms;
} neighbour;

static long log_mark;

/* --- the neighbour ------------------------------------------------------------------------- */

/* Appends one batch and reads it back: true if all is as it should be. */
static bool append_and_read(struct raw *c, int64_t *end)
{
    struct fetch_plan plan = fetch_at(*end);
    struct od_batch_header h = od_batch_plain(0, -1);
    struct od_batch_builder builder;
    struct od_produce_rsp produced;
    struct od_fetch_rsp fetched;
    struct produce_one produce;
    struct fetch_one fetch;
    struct batch b;
    char text[32];

    od_batch_begin(&builder, b.data, sizeof(b.data), &h);
    od_batch_add(&builder, *end, (struct od_bytes){ (uint8_t *)"n", 1 },
                 (struct od_bytes){ (uint8_t *)text,
                                    (size_t)snprintf(text, sizeof(text), "%lld", (long long)*end) },
                 NULL, 0);
    if (od_batch_end(&builder, &b.len))
        return false;
    produce_one(&produce, &neighbour.topic, 0, -1, b.data, b.len);
    if (raw_call(c, OD_produce_KEY, 13, &produce.req, &produced) || produced.responses.n != 1 ||
        produced.responses.v[0].partition_responses.n != 1 ||
        produced.responses.v[0].partition_responses.v[0].error_code ||
        produced.responses.v[0].partition_responses.v[0].base_offset != *end)
        return false;
    fetch_one(&fetch, &neighbour.topic, &plan);
    if (raw_call(c, OD_fetch_KEY, plan.version, &fetch.req, &fetched) || fetched.error_code ||
        fetched.responses.n != 1 || fetched.responses.v[0].partitions.n != 1)
        return false;
    return batch_is(fetched.responses.v[0].partitions.v[0].records, &b, (*end)++, 0);
}

static void *be_neighbour(void *arg)
{
    struct raw *c = arg;
    int64_t end = 0;

    for (;;) {
        int64_t start_ms = now_ms(), took_ms;
        bool right = append_and_read(c, &end);

        took_ms = now_ms() - start_ms;
        if (took_ms > atomic_load(&neighbour.slowest_ms))
            atomic_store(&neighbour.slowest_ms, took_ms);
        atomic_fetch_add(&neighbour.wrong, !right);
        atomic_fetch_add(&neighbour.rounds, 1);
        if (!right)
            return NULL;
        usleep(NEIGHBOUR_PAUSE_US);
    }
}

static void start_neighbour(void)
{
    struct raw *c = raw_open();

    neighbour.topic = ask_create(c, "neighbour", 1, NULL);
    neighbour.running = true;
    CHECK_EQ(pthread_create(&neighbour.thread, NULL, be_neighbour, c), 0);
}

/* --- log and memory ------------------------------------------------------------------------ */

static FILE *open_log(void)
{
    FILE *f = fopen(getenv("BROKER_LOG"), "r");

    CHECK(f);
    return f;
}

/* The highest resident size so far, in KiB. */
static long peak_kib(void)
{
    char path[64], line[256];
    long kib = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%s/status", getenv("BROKER_PID"));
    f = fopen(path, "r");
    CHECK(f);
    while (fgets(line, sizeof(line), f))
        if (!strncmp(line, "VmHWM:", 6))
            kib = strtol(line + 6, NULL, 10);
    fclose(f);
    return kib;
}

void watch_begin(void)
{
    FILE *f = open_log();

    if (!neighbour.running)
        start_neighbour();
    fseek(f, 0, SEEK_END);
    log_mark = ftell(f);
    fclose(f);
    atomic_store(&neighbour.slowest_ms, 0);
}

void watch_end(void)
{
    int rounds = atomic_load(&neighbour.rounds);
    int64_t start_ms = now_ms();

    while (atomic_load(&neighbour.rounds) < rounds + 2 && !atomic_load(&neighbour.wrong)) {
        took_at_most(start_ms, SERVED_WITHIN_MS * 2);
        usleep(1000);
    }
    CHECK_EQ(atomic_load(&neighbour.wrong), 0);
    assert_in_range(atomic_load(&neighbour.slowest_ms), 0, SERVED_WITHIN_MS);
    assert_in_range(peak_kib(), 1, strtoul(getenv("BROKER_PEAK_KIB"), NULL, 10));
}

int local_port(const struct raw *c)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);

    CHECK_EQ(getsockname(c->fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

/* Lines of the log since the mark that name this port; the last of them. */
static int lines_about(int port, char *last, size_t capacity)
{
    char line[1024], name[32];
    FILE *f = open_log();
    int n = 0;

    snprintf(name, sizeof(name), "127.0.0.1:%d: ", port);
    fseek(f, log_mark, SEEK_SET);
    while (fgets(line, sizeof(line), f))
        if (strstr(line, name)) {
            snprintf(last, capacity, "%s", line);
            n++;
        }
    fclose(f);
    return n;
}

void logged_once(int port, const char *phrase, const char *other)
{
    int64_t start_ms = now_ms();
    char line[1024] = "";
    int n;

    while ((n = lines_about(port, line, sizeof(line))) == 0 && now_ms() - start_ms < LOG_WITHIN_MS)
        usleep(1000);
    if (n != 1 || (phrase && !strstr(line, phrase)) || (other && !strstr(line, other)))
        fail_msg("%d log lines, the last one: %s\nexpected one with \"%s\" and \"%s\"", n, line,
                 phrase ? phrase : "", other ? other : "");
}

void closed_and_logged(struct raw *c, const char *phrase, const char *other)
{
    int port = local_port(c);

    CHECK_EQ(raw_read(c, RAW_PATIENCE_MS), RAW_CLOSED);
    logged_once(port, phrase, other);
    raw_close(c);
}
