/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions by option, positions to offsets. */
#include "cli/places.h"

#include "base/mem.h"
#include "client/offsets.h"
#include "os/clock.h"

void od_places_deinit(struct od_places *p)
{
    od_free(p->v);
    *p = (struct od_places){ 0 };
}

/* "1,4-6" */
static bool add_items(struct od_cli *cli, const char *text, int32_t count,
                      struct od_places *out)
{
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, ",");
        const char *dash = memchr(p, '-', len);
        struct od_str low = { p, dash ? (size_t)(dash - p) : len };
        struct od_str high = dash ? (struct od_str){ dash + 1, len - low.len - 1 } : low;
        int64_t from, to;

        if (!od_str_to_i64(low, 0, count - 1, &from) ||
            !od_str_to_i64(high, from, count - 1, &to)) {
            od_cli_usage(cli, "--partition: \"%.*s\" is not within 0 to %d", (int)len, p,
                         count - 1);
            return false;
        }
        out->v = od_realloc(out->v, sizeof(*out->v) * (size_t)(out->n + to - from + 1));
        for (int64_t i = from; i <= to; i++)
            out->v[out->n++] = (struct od_place){ .partition = (int32_t)i };
        p += len + (p[len] == ',');
    }
    return true;
}

int od_places_choose(struct od_cli *cli, struct od_str topic, struct od_places *out)
{
    const struct od_view_topic *known;
    struct od_metadata_rsp rsp;
    const char *text;
    int code = od_cli_metadata(cli, &topic, 1, &rsp);

    if (code)
        return code;
    known = od_view_topic(od_client_view(cli->client), topic);
    if (!known) {
        od_cli_failed(cli,
                      rsp.topics.n > 0 && rsp.topics.v[0].error_code
                          ? (enum od_err)rsp.topics.v[0].error_code
                          : OD_UNKNOWN_TOPIC_OR_PARTITION,
                      OD_STR_NULL, "topic \"%.*s\"", OD_STR_ARGS(topic));
        return cli->failed_code;
    }
    for (int i = 0; (text = od_options_nth(&cli->options, "partition", i)); i++)
        if (!add_items(cli, text, known->partition_count, out))
            return OD_EXIT_USAGE;
    if (out->n)
        return OD_EXIT_OK;
    out->v = od_alloc(sizeof(*out->v) * (size_t)(known->partition_count + 1));
    for (int32_t i = 0; i < known->partition_count; i++)
        out->v[out->n++] = (struct od_place){ .partition = i };
    return OD_EXIT_OK;
}

/* Offsets of all partitions by one timestamp; those beyond every record get -1. */
static int ask(struct od_cli *cli, struct od_str topic, int64_t timestamp, bool read_committed,
               const struct od_places *parts, struct od_offset_of *of)
{
    enum od_err err;

    for (int i = 0; i < parts->n; i++)
        of[i] = (struct od_offset_of){ parts->v[i].partition, timestamp, -1, OD_NONE };
    err = od_client_offsets(cli->client, topic, read_committed, of, parts->n);
    if (err)
        return od_cli_call_failed(cli, err);
    for (int i = 0; i < parts->n; i++) {
        if (!of[i].err)
            continue;
        od_cli_failed(cli, of[i].err, OD_STR_NULL, "topic \"%.*s\", partition %d",
                      OD_STR_ARGS(topic), of[i].partition);
        return cli->failed_code;
    }
    return OD_EXIT_OK;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Asks for what the kind of position needs: start and end, time and end. */
static int place(struct od_cli *cli, struct od_str topic, const struct od_position *position,
                 bool read_committed, struct od_places *parts)
{
    struct od_offset_of *first = od_alloc(sizeof(*first) * (size_t)(parts->n + 1));
    struct od_offset_of *end = od_alloc(sizeof(*end) * (size_t)(parts->n + 1));
    bool by_time = position->kind == OD_POSITION_TIME;
    int code = ask(cli, topic, by_time ? position->number : OD_OFFSETS_START, read_committed,
                   parts, first);

    if (!code)
        code = ask(cli, topic, OD_OFFSETS_END, read_committed, parts, end);
    for (int i = 0; i < parts->n && !code; i++) {
        int64_t *offset = &parts->v[i].offset;
        int64_t behind = end[i].offset - first[i].offset;

        switch (position->kind) {
        case OD_POSITION_START:
            *offset = first[i].offset + (position->number < behind ? position->number : behind);
            break;
        case OD_POSITION_END:
            *offset = at_least(end[i].offset - position->number, first[i].offset);
            break;
        case OD_POSITION_TIME:
            *offset = first[i].offset >= 0 ? first[i].offset : end[i].offset;
            break;
        case OD_POSITION_OFFSET:
            *offset = position->number;
            break;
        }
    }
    od_free(first);
    od_free(end);
    return code;
}

int od_places_place(struct od_cli *cli, struct od_str topic, const char *text,
                        const char *option, bool read_committed, struct od_places *parts)
{
    struct od_position position;

    if (!od_position_parse(od_str_of(text ? text : "start"), od_clock_wall_ms(), &position))
        return od_cli_usage(cli, "--%s is %s, not \"%s\"", option, OD_POSITION_FORMS, text);
    if (position.kind != OD_POSITION_OFFSET)
        return place(cli, topic, &position, read_committed, parts);
    for (int i = 0; i < parts->n; i++)
        parts->v[i].offset = position.number;
    return OD_EXIT_OK;
}
