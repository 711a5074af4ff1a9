/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines look as documented, none is lost silently, and the drain writes them. */
#include "os/logdrain.h"

#include "os/file.h"
#include "os/signals.h"
#include "os/thread.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char captured[1 << 20];
static int saved_stderr;

static void capture(void)
{
    char path[512];
    int fd;

    snprintf(path, sizeof(path), "%s/stderr", test_dir());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static const char *end_capture(void)
{
    ssize_t n = pread(STDERR_FILENO, captured, sizeof(captured) - 1, 0);

    captured[n > 0 ? n : 0] = '\0';
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    return captured;
}

TEST(a_line_is_time_level_area_and_message)
{
    struct od_logring_line line = { .wall_ms = 1795179600123, .level = OD_LOG_WARN,
                                    .text = "net: closed" };
    char out[OD_LOG_PRINTED_MAX];
    size_t len = od_logdrain_print(&line, out);

    CHECK_EQ(len, strlen(out));
    CHECK_STR(out, "2026-11-20T13:00:00.123Z WARN net: closed\n");
}

TEST(the_longest_line_fits)
{
    struct od_logring_line line = { .wall_ms = 253402300799999, .level = OD_LOG_ERROR };
    char out[OD_LOG_PRINTED_MAX];

    memset(line.text, 'x', OD_LOG_LINE_MAX);
    CHECK_EQ(out[od_logdrain_print(&line, out) - 1], '\n');
}

TEST(without_a_drain_a_line_is_written_at_once)
{
    capture();
    od_log(OD_LOG_INFO, "test", "number %d", 7);
    CHECK(strstr(end_capture(), " INFO test: number 7\n"));
}

static void log_many(void *arg)
{
    for (int i = 0; i < 2000; i++)
        od_log(OD_LOG_INFO, "test", "%s line", (const char *)arg);
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static int sum_dropped(const char *text)
{
    unsigned n;
    int sum = 0;

    for (; (text = strstr(text, "os: ")); text++)
        if (sscanf(text, "os: %u log lines were dropped", &n) == 1)
            sum += (int)n;
    return sum;
}

TEST(every_line_of_every_thread_is_written_or_counted_as_dropped)
{
    struct od_thread *a, *b;
    const char *text;

    capture();
    CHECK_OK(od_logdrain_start());
    CHECK_OK(od_thread_start("a", log_many, "a", &a));
    CHECK_OK(od_thread_start("b", log_many, "b", &b));
    log_many("main");
    od_thread_join(a);
    od_thread_join(b);
    od_logdrain_stop();
    text = end_capture();
    CHECK_EQ(count(text, " line\n") + sum_dropped(text), 3 * 2000);
}

static struct od_reactor *reactor;
static int signals_seen;

static void got(void *user, enum od_signal signal)
{
    signals_seen = signals_seen * 10 + (signal == OD_SIGNAL_RELOAD ? 1 : 2);
    if (signal == OD_SIGNAL_STOP) {
        od_signals_unwatch(*(struct od_signals **)user);
        od_reactor_stop(reactor);
    }
}

TEST(signals_arrive_at_the_reactor)
{
    struct od_signals *signals = NULL;

    od_signals_block();
    CHECK_OK(od_reactor_new(0, &reactor));
    CHECK_OK(od_signals_watch(reactor, got, &signals, &signals));
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    od_reactor_run(reactor);
    od_reactor_free(reactor);
    CHECK_EQ(signals_seen, 12);
}
