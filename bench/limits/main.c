/* SPDX-License-Identifier: Apache-2.0 */
/* `limit WORK [OPTION]...`: a server that does only what the kernel makes a broker do. */
#include "fail.h"
#include "limits/pipeline.h"
#include "limits/server.h"

#include <errno.h>
#include <getopt.h>

static const char *const works[] = {
    [OD_LIMIT_PING] = "ping",         [OD_LIMIT_PRODUCE] = "produce", [OD_LIMIT_FETCH] = "fetch",
    [OD_LIMIT_PIPELINE] = "pipeline", [OD_LIMIT_KAFKA] = "kafka",
};
static const char *const writes[] = {
    [OD_LIMIT_WRITE_NONE] = "none",
    [OD_LIMIT_WRITE_EACH] = "each",
    [OD_LIMIT_WRITE_GATHER] = "gather",
};
static const char *const sends[] = {
    [OD_LIMIT_SEND_FILE] = "file",
    [OD_LIMIT_SEND_PREAD] = "pread",
    [OD_LIMIT_SEND_MEMORY] = "memory",
};

static const char usage[] =
    "usage: limit ping|produce|fetch|pipeline|kafka --port N [--ready-fd N] [--dir DIR]\n"
    "       [--write none|each|gather] [--send file|pread|memory] [--files N]\n"
    "       [--volume BYTES] [--body BYTES]";

static int find(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return (int)i;
    od_fail("%s is not known\n%s", name, usage);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0' || n > max)
        od_fail("%s is not a number from 0 to %llu", text, (unsigned long long)max);
    return n;
}

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"ready-fd", required_argument, NULL, 'r'},
    {"dir", required_argument, NULL, 'd'},
    {"write", required_argument, NULL, 'w'},
    {"send", required_argument, NULL, 's'},
    {"files", required_argument, NULL, 'f'},
    {"volume", required_argument, NULL, 'v'},
    {"body", required_argument, NULL, 'b'},
    {NULL, 0, NULL, 0},
};

static void set(struct od_limit_settings *s, int option, const char *value)
{
    switch (option) {
    case 'p':
        s->port = (int)number(value, UINT16_MAX);
        return;
    case 'r':
        s->ready_fd = (int)number(value, INT16_MAX);
        return;
    case 'd':
        s->dir = value;
        return;
    case 'w':
        s->write = (enum od_limit_write)find(value, writes, OD_COUNT(writes));
        return;
    case 's':
        s->send = (enum od_limit_send)find(value, sends, OD_COUNT(sends));
        return;
    case 'f':
        s->files = (uint32_t)number(value, 10000);
        return;
    case 'v':
        s->volume = number(value, UINT64_C(1) << 40);
        return;
    case 'b':
        s->body_bytes = (uint32_t)number(value, 64 << 20);
        return;
    default:
        errno = 0;
        od_fail("%s", usage);
    }
}

int main(int argc, char **argv)
{
    struct od_limit_settings s = {.write = OD_LIMIT_WRITE_EACH,
                                  .ready_fd = -1,
                                  .dir = ".",
                                  .files = 1,
                                  .volume = 128 << 20,
                                  .body_bytes = 1};
    int option;

    if (argc < 2)
        od_fail("%s", usage);
    s.work = (enum od_limit_work)find(argv[1], works, OD_COUNT(works));
    while ((option = getopt_long(argc - 1, argv + 1, "", options, NULL)) >= 0)
        set(&s, option, optarg);
    errno = 0;
    if (s.port == 0 || s.files == 0 || s.body_bytes == 0)
        od_fail("%s", usage);
    if (s.work == OD_LIMIT_PIPELINE)
        od_limit_pipeline_run(&s);
    od_limit_server_run(&s);
}
