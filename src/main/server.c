/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek server`: settings from file, environment and command line, the banner, the ready line.
 */
#include "main/commands.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/node.h"
#include "config/config.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/logdrain.h"
#include "os/process.h"
#include "os/signals.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    CONFIG_FILE_BYTES_MAX = 1 << 20,
    READY_FD_MAX = 1 << 20,
    TOGETHER_MS = 500, /* a shell and what it runs may both pass one signal on */
};

struct server {
    int64_t started_ns;
    const char *file;
    const char **overrides; /* owned array */
    int override_count;
    int ready_fd; /* -1: none */
    struct od_config config;
    struct od_node *node;
    struct od_signals *signals;
    int64_t stopping_ms; /* when the first signal came; 0: not yet */
};

static int parse_arguments(struct server *s, struct od_cli *cli)
{
    int64_t fd;

    if (!od_cli_number(cli, "ready-fd", 0, READY_FD_MAX, -1, &fd))
        return OD_EXIT_USAGE;
    s->ready_fd = (int)fd;
    s->file = cli->arg_count ? cli->args[0] : NULL;
    s->overrides = od_zalloc(sizeof(*s->overrides) * (size_t)(cli->options.given_count + 1));
    for (const char *o; (o = od_options_nth(&cli->options, "override", s->override_count));) {
        if (!strchr(o, '='))
            return od_cli_usage(cli, "--override %s: KEY=VALUE is expected", o);
        s->overrides[s->override_count++] = o;
    }
    return OD_EXIT_OK;
}

/* The file's bytes, to be freed; null without a file. */
static enum od_err read_file(const char *path, struct od_str *out)
{
    struct od_file *f;
    int64_t size = 0;
    size_t got = 0;
    char *data;
    enum od_err err = od_file_open(path, OD_FILE_READ, &f);

    if (err)
        return err;
    err = od_file_size(f, &size);
    if (!err && size > CONFIG_FILE_BYTES_MAX)
        err = OD_E_LIMIT;
    data = od_alloc((size_t)(err ? 0 : size));
    if (!err)
        err = od_file_read(f, data, (size_t)size, 0, &got);
    od_file_close(f);
    if (err) {
        od_free(data);
        return err;
    }
    *out = (struct od_str){ data, got };
    return OD_NONE;
}

static bool add_file(const char *path, struct od_text *out)
{
    struct od_str bytes = OD_STR_NULL;

    if (read_file(path, &bytes))
        return false;
    od_text_add_str(out, bytes);
    od_free((void *)bytes.data);
    return true;
}

static void print_lines(enum od_log_level level, struct od_text *text)
{
    const char *p = od_text_get(text);

    while (*p) {
        size_t len = strcspn(p, "\n");

        od_log(level, "config", "%.*s", (int)len, p);
        p += len + (p[len] == '\n');
    }
    od_text_reset(text);
}

static enum od_err load_config(struct server *s)
{
    extern char **environ;
    struct od_text dir = { 0 }, errors = { 0 }, notes = { 0 };
    struct od_config_input in = {
        .file_name = s->file,
        .environment = (const char *const *)environ,
        .read = add_file,
        .overrides = s->overrides,
        .override_count = s->override_count,
        .cores = od_process_cores(),
        .memory_bytes = od_process_memory_bytes(),
    };
    enum od_err err = OD_NONE;

    if (s->file)
        err = read_file(s->file, &in.file);
    if (err)
        return err;
    od_config_data_dir(in.environment, od_process_can_write("/var/lib/odradek"), &dir);
    in.data_dir = od_text_get(&dir);
    err = od_config_load(&s->config, &in, &errors, &notes);
    print_lines(OD_LOG_INFO, &notes);
    print_lines(OD_LOG_ERROR, &errors);
    od_text_reset(&dir);
    od_free((void *)in.file.data);
    return err;
}

static void on_signal(void *user, enum od_signal signal)
{
    struct server *s = user;
    int64_t now_ms;

    if (signal != OD_SIGNAL_STOP)
        return;
    now_ms = od_clock_mono_ns() / 1000000;
    if (s->stopping_ms && now_ms - s->stopping_ms < TOGETHER_MS)
        return;
    if (s->stopping_ms) {
        od_log(OD_LOG_WARN, "server", "stopped at once: the next start recovers");
        od_log_flush();
        _exit(OD_EXIT_FAILED);
    }
    s->stopping_ms = now_ms;
    od_log(OD_LOG_INFO, "server", "stopping; a second signal stops at once");
    od_node_stop(s->node);
}

static void print_banner(const struct server *s, const struct od_node *node,
                         const struct od_text *where)
{
    bool fsync = s->config.topic.odradek_durability == OD_DURABILITY_FSYNC;
    int64_t free_bytes = 0, total_bytes = 0;

    if (od_dir_space(od_storage_path(node->storage), &free_bytes, &total_bytes))
        free_bytes = 0;
    od_log(OD_LOG_INFO, "server", "odradek %s, node %d, cluster %s", OD_VERSION, node->id,
           node->cluster_id);
    od_log(OD_LOG_INFO, "server", "data in %s, %lld GB free", od_storage_path(node->storage),
           (long long)(free_bytes / 1000000000));
    od_log(OD_LOG_INFO, "server", "%s",
           fsync ? "acks=all means on this disk (odradek.durability=fsync)"
                 : "acks=all means in the page cache (odradek.durability=replicated)");
    od_log(OD_LOG_INFO, "server", "listening on %s", od_text_get(where));
}

static void on_ready(void *ctx, struct od_node *node, const struct od_address *bound, int count)
{
    struct server *s = ctx;
    struct od_text where = { 0 }, line = { 0 };
    struct od_signals **signals = &s->signals;

    s->node = node;
    if (od_signals_watch(node->shards[0].reactor, on_signal, s, signals))
        od_log(OD_LOG_WARN, "server", "signals cannot be watched; TERM ends at once");
    for (int i = 0; i < count; i++)
        od_text_add(&where, strchr(bound[i].host, ':') ? "%s[%s]:%d" : "%s%s:%d", i ? ", " : "",
                    bound[i].host, bound[i].port);
    print_banner(s, node, &where);
    od_text_add(&line, "ready in %lld ms on %s",
                (long long)((od_clock_mono_ns() - s->started_ns) / 1000000), od_text_get(&where));
    od_log(OD_LOG_INFO, "server", "%s", od_text_get(&line));
    if (s->ready_fd >= 0) {
        od_text_add(&line, "\n");
        if (write(s->ready_fd, line.data, line.len) != (ssize_t)line.len)
            od_log(OD_LOG_WARN, "server", "nobody reads --ready-fd %d", s->ready_fd);
        close(s->ready_fd);
    }
    od_text_reset(&where);
    od_text_reset(&line);
}

static void on_ended(void *ctx)
{
    struct server *s = ctx;

    od_signals_unwatch(s->signals);
    s->signals = NULL;
}

static int exit_code(enum od_err err)
{
    switch (err) {
    case OD_NONE:
        return OD_EXIT_OK;
    case OD_E_CONFIG:
        return OD_EXIT_FAILED;
    case OD_E_BUSY:
    case OD_E_IO:
    case OD_E_NO_SPACE:
    case OD_E_NOT_FOUND:
        return OD_EXIT_USAGE;
    case OD_E_CLOSED:
        return OD_EXIT_CONNECT;
    default:
        return OD_EXIT_INTERNAL;
    }
}

static int run(struct od_cli *cli)
{
    struct server s = { .started_ns = od_clock_mono_ns(), .ready_fd = -1 };
    struct od_node_options node_options = {
        .config = &s.config, .ready = on_ready, .ended = on_ended, .ctx = &s
    };
    enum od_err err;
    int code = parse_arguments(&s, cli);

    if (!code) {
        od_mem_keep_freed();
        od_signals_block();
        err = od_logdrain_start();
        if (!err)
            err = load_config(&s);
        if (!err)
            err = od_node_run(&node_options);
        if (err)
            od_log(OD_LOG_ERROR, "server", "stopped: %s", od_err_text(err));
        od_logdrain_stop();
        od_config_deinit(&s.config);
        code = exit_code(err);
    }
    od_free(s.overrides);
    return code;
}

static const struct od_option options[] = {
    { .name = "override", .value = "KEY=VALUE", .repeated = true, .candidates = OD_CANDIDATES_KEYS,
      .help = "a setting, stronger than environment and FILE" },
    { .name = "ready-fd", .value = "N",
      .help = "write a line to this descriptor when ready, then close it" },
    { 0 },
};

const struct od_cli_command od_cli_command_server = {
    .name = "server",
    .arguments = "[FILE]",
    .args_max = 1,
    .candidates = OD_CANDIDATES_FILES,
    .help = "Run a broker",
    .details = "FILE is a Kafka server.properties.  Every setting: docs/configuration.md.\n"
               "TERM or INT stops it cleanly, a second one at once.",
    .options = options,
    .run = run,
};
