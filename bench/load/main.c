/* SPDX-License-Identifier: Apache-2.0 */
/* `load ping|produce|fetch [OPTION]...`: one measurement, printed as one line of JSON. */
#include "fail.h"
#include "load/batch.h"
#include "load/engine.h"
#include "load/setup.h"

#include "base/mem.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static const char usage[] =
    "usage: load ping|produce|fetch --port N [--plain] [--connections N] [--depth N] [--rate N]\n"
    "       [--warmup MS] [--window MS] [--partitions N] [--topic NAME] [--batch BYTES]\n"
    "       [--value BYTES] [--answer BYTES] [--fill BYTES] [--pid SERVER]\n"
    "       load free-port";

struct command {
    struct od_engine_settings engine;
    struct od_script_settings script;
    uint64_t fill_bytes; /* over all lanes */
};

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    errno = 0;
    if (*text == '\0' || *end != '\0' || n > max)
        od_fail("%s is not a number from 0 to %llu", text, (unsigned long long)max);
    return n;
}

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"plain", no_argument, NULL, 'P'},
    {"connections", required_argument, NULL, 'c'},
    {"depth", required_argument, NULL, 'd'},
    {"rate", required_argument, NULL, 'r'},
    {"warmup", required_argument, NULL, 'w'},
    {"window", required_argument, NULL, 't'},
    {"partitions", required_argument, NULL, 'n'},
    {"topic", required_argument, NULL, 'T'},
    {"batch", required_argument, NULL, 'b'},
    {"value", required_argument, NULL, 'v'},
    {"answer", required_argument, NULL, 'a'},
    {"fill", required_argument, NULL, 'f'},
    {"pid", required_argument, NULL, 'i'},
    {NULL, 0, NULL, 0},
};

static void set_script(struct command *c, int option, const char *value)
{
    switch (option) {
    case 'P':
        c->script.plain = true;
        return;
    case 'd':
        c->script.depth = (uint32_t)number(value, 1024);
        return;
    case 'n':
        c->script.lanes = (uint32_t)number(value, 100000);
        return;
    case 'T':
        c->script.topic = od_str_of(value);
        return;
    case 'b':
        c->script.batch_bytes = (uint32_t)number(value, 1 << 20);
        return;
    case 'v':
        c->script.value_bytes = (uint32_t)number(value, 1 << 20);
        return;
    case 'a':
        c->script.answer_bytes = (uint32_t)number(value, 1 << 20);
        return;
    case 'f':
        c->fill_bytes = number(value, UINT64_C(1) << 36);
        return;
    default:
        errno = 0;
        od_fail("%s", usage);
    }
}

static void set(struct command *c, int option, const char *value)
{
    switch (option) {
    case 'p':
        c->engine.port = (int)number(value, UINT16_MAX);
        return;
    case 'c':
        c->engine.connections = (uint32_t)number(value, 10000);
        return;
    case 'r':
        c->engine.rate = (double)number(value, 100000000);
        return;
    case 'w':
        c->engine.warmup_ms = (int64_t)number(value, 3600000);
        return;
    case 't':
        c->engine.window_ms = (int64_t)number(value, 3600000);
        return;
    case 'i':
        c->engine.server_pid = (pid_t)number(value, INT32_MAX);
        return;
    default:
        set_script(c, option, value);
    }
}

static void check(struct command *c)
{
    struct od_script_settings *s = &c->script;

    if (s->answer_bytes == 0)
        s->answer_bytes = s->batch_bytes;
    errno = 0;
    if (c->engine.port == 0 || c->engine.connections == 0 || s->depth == 0 || s->lanes == 0 ||
        s->value_bytes == 0 || s->batch_bytes < OD_BATCH_BYTES_MIN ||
        s->answer_bytes % s->batch_bytes != 0 || s->topic.len > OD_KAFKA_TOPIC_BYTES_MAX)
        od_fail("%s", usage);
    s->lane_batches = (uint32_t)(c->fill_bytes / s->lanes / s->batch_bytes);
    if (s->lane_batches < s->answer_bytes / s->batch_bytes)
        s->lane_batches = s->answer_bytes / s->batch_bytes;
}

static void print_result(const struct command *c, const struct od_engine_result *r)
{
    const struct od_histogram *h = &r->latency_ns;
    double per_answer = r->answers ? 1e6 / (double)r->answers : 0;

    printf("{\"connections\":%u,\"depth\":%u,\"rate\":%.0f,\"seconds\":%.3f,\"answers\":%llu,"
           "\"errors\":%llu,\"unanswered\":%llu,\"requests_per_s\":%.0f,\"bytes_per_s\":%.0f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,"
           "\"server_cpu_us\":%.3f,\"client_cpu_us\":%.3f}\n",
           c->engine.connections, c->script.depth, c->engine.rate, r->seconds,
           (unsigned long long)r->answers, (unsigned long long)r->errors,
           (unsigned long long)r->unanswered, (double)r->answers / r->seconds,
           (double)r->bytes / r->seconds, (double)od_histogram_percentile(h, 50) / 1e3,
           (double)od_histogram_percentile(h, 99) / 1e3,
           (double)od_histogram_percentile(h, 99.9) / 1e3, (double)h->max / 1e3,
           r->server_cpu_s * per_answer, r->own_cpu_s * per_answer);
}

/* Prints a port that nobody listens on at the moment. */
static int print_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        od_fail("port");
    printf("%d\n", ntohs(address.sin_port));
    return 0;
}

static enum od_script_work work_of(const char *name)
{
    if (strcmp(name, "ping") == 0)
        return OD_SCRIPT_PING;
    if (strcmp(name, "produce") == 0)
        return OD_SCRIPT_PRODUCE;
    if (strcmp(name, "fetch") == 0)
        return OD_SCRIPT_FETCH;
    od_fail("%s", usage);
}

/* As many descriptors as allowed, and timers without the usual 50 us of slack. */
static void prepare_process(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    prctl(PR_SET_TIMERSLACK, 1);
}

int main(int argc, char **argv)
{
    struct command c = {
        .engine = {.connections = 1, .warmup_ms = 200, .window_ms = 1000},
        .script = {.depth = 1, .lanes = 1, .batch_bytes = 170, .value_bytes = 1024},
        .fill_bytes = 1 << 20,
    };
    struct od_engine_result *result = OD_NEW(struct od_engine_result);
    struct od_script script;
    int option;

    if (argc < 2)
        od_fail("%s", usage);
    if (strcmp(argv[1], "free-port") == 0)
        return print_free_port();
    c.script.work = work_of(argv[1]);
    c.script.topic = OD_STR("bench");
    c.script.now_ms = (int64_t)time(NULL) * 1000;
    while ((option = getopt_long(argc - 1, argv + 1, "", options, NULL)) >= 0)
        set(&c, option, optarg);
    check(&c);
    prepare_process();
    od_script_open(&script, &c.script);
    if (!c.script.plain)
        od_setup_run(c.engine.port, &script);
    od_engine_run(&c.engine, &script, result);
    print_result(&c, result);
    od_free(result);
    return 0;
}
