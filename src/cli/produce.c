/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek produce`: standard input to records. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/record_input.h"
#include "cli/terminal.h"
#include "os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, BATCH_BYTES_MIN = 1, BATCH_BYTES_MAX = 256 << 20 };

static const struct od_column columns[] = {
    { "partition", "PARTITION", OD_COLUMN_RIGHT },
    { "records", "RECORDS", OD_COLUMN_RIGHT },
    { "first_offset", "FIRST", OD_COLUMN_RIGHT },
    { "last_offset", "LAST", OD_COLUMN_RIGHT },
};

/* What has been read and is not a record yet. */
struct input {
    char *data;
    size_t len, capacity;
    bool ended;
};

static int read_more(struct input *in)
{
    ssize_t got;

    if (in->capacity - in->len < READ_BYTES) {
        in->capacity = 2 * in->capacity + READ_BYTES;
        in->data = od_realloc(in->data, in->capacity);
    }
    do {
        got = read(STDIN_FILENO, in->data + in->len, READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return od_cli_fail(OD_EXIT_FAILED, "standard input: %s", strerror(errno));
    in->len += (size_t)got;
    in->ended = got == 0;
    return OD_EXIT_OK;
}

static int failed(struct od_producer *producer, enum od_err err)
{
    od_cli_fail(0, "%s", od_producer_why(producer));
    if (od_cli_knob(err))
        fprintf(stderr, "  %s\n", od_cli_knob(err));
    return od_cli_code(err);
}

static int write_piece(const struct od_record_rules *rules, struct od_producer *producer,
                       struct od_str piece, int64_t number, struct od_arena *arena)
{
    struct od_produce_record record;
    struct od_text why = { 0 };
    enum od_err err;
    int code = OD_EXIT_OK;

    if (!od_record_input_parse(rules, piece, od_clock_wall_ms(), arena, &record, &why)) {
        code = od_cli_fail(OD_EXIT_USAGE, "record %lld of the input: %s", (long long)number,
                           od_text_get(&why));
    } else {
        err = od_producer_add(producer, &record);
        if (err)
            code = failed(producer, err);
    }
    od_text_reset(&why);
    od_arena_reset(arena);
    return code;
}

/* Writes the whole records of the input; the rest moves to the front. */
static int write_pieces(const struct od_record_rules *rules, struct od_producer *producer,
                        struct input *in, int64_t *number)
{
    struct od_arena arena = { 0 };
    size_t pos = 0, len, used;
    int code = OD_EXIT_OK;

    while (!code) {
        struct od_str rest = { in->data + pos, in->len - pos };

        if (!od_record_input_split(rules, rest, &len, &used)) {
            if (!in->ended || (rest.len == 0 && rules->kind != OD_INPUT_WHOLE))
                break;
            len = used = rest.len;
        }
        rest.len = len;
        code = write_piece(rules, producer, rest, ++*number, &arena);
        pos += used;
        if (in->ended && pos >= in->len)
            break;
    }
    memmove(in->data, in->data + pos, in->len - pos);
    in->len -= pos;
    if (!code && in->len > OD_INPUT_RECORD_BYTES_MAX)
        code = od_cli_fail(OD_EXIT_FAILED, "record %lld of the input is above %d bytes",
                           (long long)*number + 1, OD_INPUT_RECORD_BYTES_MAX);
    return code;
}

/* Nothing that was read waits while more of the input does. */
static int write_all(const struct od_record_rules *rules, struct od_producer *producer)
{
    struct input in = { 0 };
    int64_t number = 0;
    int code = OD_EXIT_OK;

    while (!code && !in.ended) {
        enum od_err err;

        if (od_terminal_input_waits()) {
            err = od_producer_flush(producer);
            code = err ? failed(producer, err) : OD_EXIT_OK;
        }
        if (!code)
            code = read_more(&in);
        if (!code)
            code = write_pieces(rules, producer, &in, &number);
        if (!code && in.ended) {
            err = od_producer_flush(producer);
            code = err ? failed(producer, err) : OD_EXIT_OK;
        }
    }
    od_free(in.data);
    return code;
}

static int report(struct od_cli *cli, const struct od_producer *producer)
{
    struct od_produced done;
    struct od_table table;

    od_table_init(&table, columns, OD_COUNT(columns));
    for (int i = 0; od_producer_produced(producer, i, &done); i++) {
        json_t *row = od_table_row(&table);

        od_row_int(row, "partition", done.partition);
        od_row_int(row, "records", done.count);
        if (done.first_offset >= 0) {
            od_row_int(row, "first_offset", done.first_offset);
            od_row_int(row, "last_offset", done.last_offset);
        }
    }
    return od_cli_print(cli, &table);
}

/* "\n", "\t" and "\0" as a shell passes them on. */
static struct od_str unescaped(struct od_arena *arena, const char *text)
{
    static const char from[] = "ntr0\\", to[] = "\n\t\r\0\\";
    char *out = od_arena_printf(arena, "%s", text);
    size_t len = 0;

    for (const char *p = text; *p; p++) {
        const char *known = p[0] == '\\' && p[1] ? strchr(from, p[1]) : NULL;

        out[len++] = known ? to[known - from] : *p;
        p += known != NULL;
    }
    return (struct od_str){ out, len };
}

static bool read_headers(struct od_cli *cli, struct od_record_rules *rules)
{
    struct od_record_header *headers;
    const char *pair;
    int n = 0;

    while (od_options_nth(&cli->options, "header", n))
        n++;
    headers = od_arena_alloc(&cli->arena, sizeof(*headers) * (size_t)(n + 1));
    for (int i = 0; (pair = od_options_nth(&cli->options, "header", i)); i++) {
        struct od_str key, value;

        if (!od_cli_pair(cli, pair, &key, &value))
            return false;
        headers[i].key = (struct od_bytes){ (const uint8_t *)key.data, key.len };
        headers[i].value = (struct od_bytes){ (const uint8_t *)value.data, value.len };
    }
    rules->headers = headers;
    rules->header_count = n;
    return true;
}

static bool read_rules(struct od_cli *cli, struct od_record_rules *rules)
{
    const char *kind = od_cli_get(cli, "input");
    const char *delimiter = od_cli_get(cli, "delimiter");
    const char *key_delimiter = od_cli_get(cli, "key-delimiter");
    const char *key = od_cli_get(cli, "key");
    int64_t partition;

    *rules = (struct od_record_rules){ .delimiter = OD_STR("\n") };
    if (!od_cli_number(cli, "partition", 0, INT32_MAX, OD_PRODUCER_ANY_PARTITION, &partition) ||
        !read_headers(cli, rules))
        return false;
    rules->partition = (int32_t)partition;
    if (kind)
        rules->kind = kind[0] == 'j' ? OD_INPUT_JSON
                      : kind[0] == 'w' ? OD_INPUT_WHOLE
                                       : OD_INPUT_LINES;
    if (delimiter)
        rules->delimiter = unescaped(&cli->arena, delimiter);
    if (key_delimiter)
        rules->key_delimiter = unescaped(&cli->arena, key_delimiter);
    if (rules->delimiter.len == 0 || (key_delimiter && rules->key_delimiter.len == 0)) {
        od_cli_usage(cli, "a delimiter is not empty");
        return false;
    }
    if (key)
        rules->key = (struct od_bytes){ (const uint8_t *)key, strlen(key) };
    rules->empty_is_null = od_cli_has(cli, "tombstone");
    return true;
}

static bool read_options(struct od_cli *cli, struct od_producer_options *o)
{
    static const char *const codecs[] = { "none", "gzip", "snappy", "lz4", "zstd" };
    const char *codec = od_cli_get(cli, "compression");
    const char *acks = od_cli_get(cli, "acks");
    int64_t batch_bytes;

    *o = (struct od_producer_options){ .topic = od_str_of(cli->args[0]), .acks = -1 };
    if (!od_cli_number(cli, "batch-bytes", BATCH_BYTES_MIN, BATCH_BYTES_MAX,
                       OD_PRODUCER_BATCH_BYTES, &batch_bytes))
        return false;
    for (size_t i = 0; codec && i < OD_COUNT(codecs); i++)
        if (!strcmp(codec, codecs[i]))
            o->codec = (enum od_compress)i;
    if (acks && acks[0] != 'a' && acks[0] != '-')
        o->acks = (int16_t)(acks[0] - '0');
    o->idempotent = !od_cli_has(cli, "no-idempotence");
    o->batch_bytes = (size_t)batch_bytes;
    return true;
}

static int run(struct od_cli *cli)
{
    struct od_producer *producer = NULL;
    struct od_producer_options options;
    struct od_record_rules rules;
    enum od_err err;
    int code;

    if (!read_rules(cli, &rules) || !read_options(cli, &options))
        return OD_EXIT_USAGE;
    code = od_cli_connect(cli);
    if (code)
        return code;
    err = od_producer_open(cli->client, &options, &producer);
    code = err ? failed(producer, err) : write_all(&rules, producer);
    if (od_cli_has(cli, "output") && (!err || code)) {
        int shown = report(cli, producer);

        code = code ? code : shown;
    }
    od_producer_free(producer);
    return code;
}

static const struct od_option options_of_produce[] = {
    { .name = "input", .letter = 'i', .value = "KIND", .candidates = OD_CANDIDATES_WORDS,
      .words = "lines|json|whole",
      .help = "lines|json|whole: what a record is in the input (lines)" },
    { .name = "delimiter", .letter = 'D', .value = "TEXT",
      .help = "what stands between records in place of a newline; \\n \\t \\0" },
    { .name = "key-delimiter", .letter = 'K', .value = "TEXT",
      .help = "what stands between key and value" },
    { .name = "key", .letter = 'k', .value = "TEXT", .help = "the key of records without one" },
    { .name = "header", .letter = 'H', .value = "NAME=VALUE", .repeated = true,
      .help = "a header of every record" },
    { .name = "tombstone", .letter = 'Z', .help = "an empty value is null" },
    { .name = "partition", .letter = 'p', .value = "N",
      .help = "to this one; else by the key as in Java, or in turn" },
    { .name = "compression", .letter = 'z', .value = "CODEC", .candidates = OD_CANDIDATES_WORDS,
      .words = "none|gzip|snappy|lz4|zstd", .help = "none|gzip|snappy|lz4|zstd (none)" },
    { .name = "acks", .letter = 'a', .value = "N", .candidates = OD_CANDIDATES_WORDS,
      .words = "all|-1|1|0", .help = "who must have it: all|1|0 (all)" },
    { .name = "no-idempotence", .help = "without sequence numbers" },
    { .name = "batch-bytes", .value = "N", .help = "size of a batch before compression (524288)" },
    { 0 },
};

const struct od_cli_command od_cli_command_produce = {
    .name = "produce",
    .arguments = "TOPIC",
    .args_min = 1,
    .args_max = 1,
    .candidates = OD_CANDIDATES_TOPICS,
    .uses = OD_USES_CLUSTER | OD_USES_OUTPUT,
    .help = "Write records from standard input",
    .details = "Idempotent where the broker serves it.  With -o a table tells what was written.\n"
               "JSON: an object in a line with key, value, headers ([{key, value}]), timestamp,\n"
               "partition, all optional; key_base64 and value_base64 for other bytes.  It is what\n"
               "\"odradek consume -o json\" prints.",
    .options = options_of_produce,
    .run = run,
};
