/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `odradek log dump`: every entry of every file, one line each.  An entry is made once, as members
 * in order: JSON prints them as they are, text as "name value" with the file in a line before.
 */
#include "base/be.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/log_path.h"

#include <stdio.h>
#include <string.h>

struct dump {
    struct od_cli *cli;
    const struct od_disk_root *root;
    char dir[OD_DISK_PATH_MAX];
    char file[OD_DISK_PATH_MAX]; /* as it is printed */
    int64_t base;           /* of the segment */
    bool json;
    bool records;
    bool failed;
};

/* --- printing -------------------------------------------------------------------------------- */

static int append(const char *data, size_t len, void *arg)
{
    od_text_add_str(arg, (struct od_str){ data, len });
    return 0;
}

static void add_value(const json_t *value, struct od_text *out)
{
    if (json_is_string(value))
        od_printable((struct od_str){ json_string_value(value), json_string_length(value) }, out);
    else if (json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY))
        od_text_add(out, "?");
}

/* Prints and frees the entry. */
static void print(struct dump *d, json_t *entry, int indent)
{
    struct od_text text = { 0 };
    const char *key;
    json_t *value;

    if (d->json) {
        if (!json_dump_callback(entry, append, &text, JSON_COMPACT))
            od_text_add(&text, "\n");
    } else {
        od_text_add(&text, "%*s", indent, "");
        json_object_foreach(entry, key, value) {
            if (!strcmp(key, "file") || json_is_null(value) || json_is_false(value))
                continue;
            od_text_add(&text, "  %s", key);
            if (!json_is_true(value)) {
                od_text_add(&text, " ");
                add_value(value, &text);
            }
        }
        od_text_add(&text, "\n");
    }
    od_cli_print_text(&text);
    od_text_reset(&text);
    json_decref(entry);
}

static json_t *entry_of(struct dump *d)
{
    json_t *entry = json_object();

    od_row_text(entry, "file", d->file);
    return entry;
}

static void begin_file(struct dump *d, const char *partition, const char *name)
{
    snprintf(d->file, sizeof(d->file), "%s%s%s", partition, partition[0] ? "/" : "", name);
    if (!d->json)
        printf("%s\n", d->file);
}

/* What is there instead of an entry. */
static void print_broken(struct dump *d, int64_t pos, const char *why)
{
    json_t *entry = entry_of(d);

    d->failed = true;
    if (pos >= 0)
        od_row_int(entry, "pos", pos);
    od_row_text(entry, "broken", why);
    print(d, entry, 0);
}

/* --- batches --------------------------------------------------------------------------------- */

static void each_record(void *arg, const struct od_record *r)
{
    struct dump *d = arg;
    json_t *entry = entry_of(d), *headers;
    struct od_bytes rest = r->headers;
    struct od_record_header h;

    od_row_int(entry, "offset", r->offset);
    od_row_int(entry, "timestamp", r->timestamp);
    od_row_str(entry, "key", (struct od_str){ (const char *)r->key.data, r->key.len });
    od_row_str(entry, "value", (struct od_str){ (const char *)r->value.data, r->value.len });
    if (r->header_count) {
        headers = json_object();
        for (int32_t i = 0; i < r->header_count && od_record_header_next(&rest, &h); i++) {
            char *key = od_str_dup((struct od_str){ (const char *)h.key.data, h.key.len });

            od_row_str(headers, key, (struct od_str){ (const char *)h.value.data, h.value.len });
            od_free(key);
        }
        json_object_set_new(entry, "headers", headers);
    }
    print(d, entry, 4);
}

static void print_batch(struct dump *d, const struct od_disk_batch *b)
{
    static const char *const codecs[] = { "none", "gzip", "snappy", "lz4", "zstd" };
    static const char *const markers[] = { "abort", "commit" };
    enum od_compress codec = od_batch_compression(&b->h);
    json_t *entry = entry_of(d);

    od_row_int(entry, "pos", b->pos);
    od_row_int(entry, "bytes", (int64_t)b->len);
    od_row_int(entry, "base_offset", b->h.base_offset);
    od_row_int(entry, "last_offset", od_batch_last_offset(&b->h));
    od_row_int(entry, "count", b->h.count);
    od_row_int(entry, "leader_epoch", b->h.leader_epoch);
    od_row_int(entry, "base_timestamp", b->h.base_timestamp);
    od_row_int(entry, "max_timestamp", b->h.max_timestamp);
    od_row_text(entry, "compression", codec <= OD_COMPRESS_ZSTD ? codecs[codec] : "unknown");
    if (b->h.producer_id >= 0) {
        od_row_int(entry, "producer_id", b->h.producer_id);
        od_row_int(entry, "producer_epoch", b->h.producer_epoch);
        od_row_int(entry, "base_sequence", b->h.base_sequence);
    }
    od_row_bool(entry, "log_append_time", b->h.attributes & OD_BATCH_LOG_APPEND_TIME);
    od_row_bool(entry, "transactional", b->h.attributes & OD_BATCH_TRANSACTIONAL);
    od_row_bool(entry, "delete_horizon", b->h.attributes & OD_BATCH_DELETE_HORIZON);
    od_row_bool(entry, "control", b->h.attributes & OD_BATCH_CONTROL);
    if (b->h.attributes & OD_BATCH_CONTROL && b->crc_fits) {
        int kind = od_disk_marker_kind(b);

        if (kind == 0 || kind == 1)
            od_row_text(entry, "marker", markers[kind]);
        else
            od_row_int(entry, "control_type", kind);
    }
    od_row_text(entry, "crc", b->crc_fits ? "ok" : "wrong");
    d->failed |= !b->crc_fits;
    print(d, entry, 0);
}

static void dump_log(struct dump *d, const char *name)
{
    struct od_disk_batches batches;
    struct od_disk_batch b;
    const char *why;
    enum od_err err = od_disk_batches_open(d->dir, name, &batches);

    while (!err && !(err = od_disk_batches_next(&batches, &b, &why))) {
        print_batch(d, &b);
        if (d->records && b.crc_fits && od_disk_records(&b, each_record, d))
            print_broken(d, b.pos, "the records are not what their batch says");
    }
    if (err && err != OD_E_NOT_FOUND)
        print_broken(d, b.pos, why ? why : od_err_text(err));
    od_disk_batches_close(&batches);
}

/* --- entries of fixed size ------------------------------------------------------------------- */

static void add_index(const struct dump *d, const struct od_disk_file *f, size_t i, json_t *entry)
{
    const uint8_t *p = f->data + i * OD_DISK_INDEX_BYTES;

    od_row_int(entry, "offset", d->base + (int32_t)od_be32_load(p));
    od_row_int(entry, "position", (int32_t)od_be32_load(p + 4));
}

static void add_time(const struct dump *d, const struct od_disk_file *f, size_t i, json_t *entry)
{
    const uint8_t *p = f->data + i * OD_DISK_TIME_BYTES;

    od_row_int(entry, "timestamp", (int64_t)od_be64_load(p));
    od_row_int(entry, "offset", d->base + (int32_t)od_be32_load(p + 8));
}

static void add_aborted(const struct dump *d, const struct od_disk_file *f, size_t i,
                        json_t *entry)
{
    struct od_disk_aborted a = od_disk_aborted_at(f, i);

    (void)d;
    od_row_int(entry, "version", a.version);
    od_row_int(entry, "producer_id", a.producer_id);
    od_row_int(entry, "first_offset", a.first_offset);
    od_row_int(entry, "last_offset", a.last_offset);
    od_row_int(entry, "last_stable_offset", a.last_stable_offset);
}

static void dump_entries(struct dump *d, const struct od_disk_file *f, size_t entry_bytes,
                         void (*add)(const struct dump *d, const struct od_disk_file *f, size_t i,
                                     json_t *entry))
{
    size_t n = f->len / entry_bytes;

    for (size_t i = 0; i < n; i++) {
        json_t *entry = entry_of(d);

        od_row_int(entry, "pos", (int64_t)(i * entry_bytes));
        add(d, f, i, entry);
        print(d, entry, 0);
    }
    if (f->len % entry_bytes)
        print_broken(d, (int64_t)(n * entry_bytes), "less than an entry");
}

static void dump_snapshot(struct dump *d, const struct od_disk_file *f)
{
    const char *why;
    int n = od_disk_snapshot_count(f, &why);

    if (n < 0)
        print_broken(d, -1, why);
    for (int i = 0; i < n; i++) {
        struct od_disk_producer p = od_disk_snapshot_at(f, i);
        json_t *entry = entry_of(d);

        od_row_int(entry, "producer_id", p.id);
        od_row_int(entry, "producer_epoch", p.epoch);
        od_row_int(entry, "last_sequence", p.last_sequence);
        od_row_int(entry, "last_offset", p.last_offset);
        od_row_int(entry, "offset_delta", p.delta);
        od_row_int(entry, "timestamp", p.timestamp);
        od_row_int(entry, "coordinator_epoch", p.coordinator_epoch);
        od_row_int(entry, "txn_first_offset", p.txn_first_offset);
        print(d, entry, 0);
    }
}

/* --- text files ------------------------------------------------------------------------------ */

static void print_bad_line(struct dump *d, int line)
{
    char text[64];

    snprintf(text, sizeof(text), "line %d cannot be", line);
    print_broken(d, -1, text);
}

static void dump_epochs(struct dump *d, struct od_str text)
{
    struct od_disk_epochs e;
    int line;
    enum od_err err = od_disk_epochs_parse(text, &e, &line);

    for (size_t i = 0; i < e.n; i++) {
        json_t *entry = entry_of(d);

        od_row_int(entry, "leader_epoch", e.v[i].epoch);
        od_row_int(entry, "start_offset", e.v[i].start);
        print(d, entry, 0);
    }
    if (err)
        print_bad_line(d, line);
    od_free(e.v);
}

static void dump_metadata(struct dump *d, struct od_str text)
{
    struct od_uuid id;
    json_t *entry;

    if (od_disk_metadata_parse(text, &id)) {
        print_broken(d, -1, "is not two lines, version 0 and an id");
        return;
    }
    entry = entry_of(d);
    od_row_uuid(entry, "topic_id", id);
    print(d, entry, 0);
}

static void dump_table(struct dump *d, const struct od_disk_table *t)
{
    for (size_t i = 0; i < t->rows.n; i++) {
        json_t *entry;

        if (d->root->single && strcmp(t->rows.v[i].name, d->root->partitions[0]) != 0)
            continue;
        entry = entry_of(d);
        od_row_text(entry, "partition", t->rows.v[i].name);
        od_row_int(entry, "offset", t->rows.v[i].offset);
        print(d, entry, 0);
    }
    if (t->err)
        print_bad_line(d, t->bad_line);
}

/* --- the manifest ---------------------------------------------------------------------------- */

static void add_epochs(json_t *entry, const struct od_disk_epochs *e)
{
    json_t *list = od_row_list(entry, "leader_epochs");

    for (size_t i = 0; i < e->n; i++) {
        json_t *row = json_object();

        od_row_int(row, "leader_epoch", e->v[i].epoch);
        od_row_int(row, "start_offset", e->v[i].start);
        json_array_append_new(list, row);
    }
}

static void add_segments(json_t *entry, const struct od_disk_record *r)
{
    json_t *list = od_row_list(entry, "segments");

    for (uint32_t i = 0; i < r->n; i++) {
        const struct od_disk_segment *s = &r->segments[i];
        json_t *row = json_object();

        od_row_int(row, "base_offset", s->base);
        od_row_int(row, "bytes", s->bytes);
        od_row_int(row, "end_offset", s->end);
        od_row_int(row, "max_timestamp", s->max_timestamp);
        od_row_int(row, "index_entries", s->index_entries);
        od_row_int(row, "time_index_entries", s->time_entries);
        od_row_int(row, "aborted", s->aborted);
        od_row_int(row, "damages", s->damages);
        json_array_append_new(list, row);
    }
}

static void print_record(struct dump *d, const struct od_disk_record *r)
{
    static const char *const kinds[] = { [OD_DISK_SESSION] = "session",
                                         [OD_DISK_PARTITION] = "partition",
                                         [OD_DISK_GONE] = "gone",
                                         [OD_DISK_SEGMENTS] = "segments",
                                         [OD_DISK_CLEAN] = "clean",
                                         [OD_DISK_CLEANED] = "cleaned" };
    json_t *entry = entry_of(d);

    od_row_int(entry, "pos", r->pos);
    od_row_text(entry, "record", kinds[r->kind]);
    if (r->kind == OD_DISK_SESSION)
        od_row_text(entry, "boot", r->name);
    else if (r->kind != OD_DISK_CLEAN)
        od_row_text(entry, "name", r->name);
    if (r->kind == OD_DISK_PARTITION) {
        od_row_uuid(entry, "topic_id", r->topic_id);
        od_row_int(entry, "log_start_offset", r->log_start);
        od_row_int(entry, "high_watermark", r->high_watermark);
        od_row_int(entry, "recovery_point", r->recovery);
        od_row_int(entry, "recovery_segment", r->recovery_base);
        od_row_int(entry, "recovery_position", r->recovery_pos);
        add_epochs(entry, &r->epochs);
    } else if (r->kind == OD_DISK_SEGMENTS) {
        od_row_int(entry, "end_offset", r->end);
        od_row_int(entry, "snapshot_offset", r->snapshot);
        add_segments(entry, r);
    } else if (r->kind == OD_DISK_CLEAN) {
        od_row_int(entry, "entries", r->n);
    } else if (r->kind == OD_DISK_CLEANED) {
        od_row_int(entry, "offset", r->cleaned);
    }
    print(d, entry, 0);
}

static void dump_root(struct dump *d)
{
    const struct od_disk_root *r = d->root;

    if (r->has_manifest) {
        begin_file(d, "", "odradek.manifest");
        for (size_t i = 0; i < r->manifest.n; i++) {
            const struct od_disk_record *record = &r->manifest.v[i];

            if (!r->single || !strcmp(record->name, r->partitions[0]))
                print_record(d, record);
        }
        if (r->manifest_err)
            print_broken(d, r->manifest.end_pos, r->manifest_why);
    }
    for (int i = 0; i < OD_DISK_CHECKPOINTS; i++) {
        if (!r->tables[i].found)
            continue;
        begin_file(d, "", od_disk_checkpoint_name((enum od_disk_checkpoint)i));
        dump_table(d, &r->tables[i]);
    }
}

/* --- a partition ----------------------------------------------------------------------------- */

static void dump_small(struct dump *d, const struct od_disk_entry *e)
{
    struct od_disk_file f;
    enum od_err err = od_disk_file_read(d->dir, e->name, &f);
    struct od_str text = { (const char *)f.data, f.len };

    if (err)
        print_broken(d, -1, od_err_text(err));
    else if (e->kind == OD_DISK_INDEX)
        dump_entries(d, &f, OD_DISK_INDEX_BYTES, add_index);
    else if (e->kind == OD_DISK_TIMEINDEX)
        dump_entries(d, &f, OD_DISK_TIME_BYTES, add_time);
    else if (e->kind == OD_DISK_TXNINDEX)
        dump_entries(d, &f, OD_DISK_ABORTED_BYTES, add_aborted);
    else if (e->kind == OD_DISK_SNAPSHOT)
        dump_snapshot(d, &f);
    else if (e->kind == OD_DISK_EPOCHS)
        dump_epochs(d, text);
    else
        dump_metadata(d, text);
    od_disk_file_free(&f);
}

static enum od_err dump_partition(struct dump *d, const char *name)
{
    struct od_disk_list list;
    enum od_err err;

    snprintf(d->dir, sizeof(d->dir), "%s/%s", d->root->path, name);
    err = od_disk_list_read(d->dir, &list);
    for (size_t i = 0; i < list.n && !err && list.v[i].kind <= OD_DISK_METADATA; i++) {
        d->base = list.v[i].base;
        begin_file(d, name, list.v[i].name);
        if (list.v[i].kind == OD_DISK_LOG)
            dump_log(d, list.v[i].name);
        else
            dump_small(d, &list.v[i]);
    }
    od_disk_list_free(&list);
    return err;
}

static int run(struct od_cli *cli)
{
    const char *form = od_cli_get(cli, "output");
    struct dump d = { .cli = cli, .json = form && !strcmp(form, "json"),
                      .records = od_cli_has(cli, "records") };
    struct od_disk_root root;
    int code = od_log_path_open(cli, &root);

    d.root = &root;
    if (!code)
        dump_root(&d);
    for (size_t i = 0; i < root.n && !code; i++) {
        enum od_err err = dump_partition(&d, root.partitions[i]);

        if (err && !(root.live && err == OD_E_NOT_FOUND))
            code = od_cli_fail(OD_EXIT_FAILED, "%s: %s", root.partitions[i], od_err_text(err));
    }
    od_disk_root_close(&root);
    return !code && d.failed ? OD_EXIT_FAILED : code;
}

static const struct od_option options[] = {
    { .name = "records", .help = "the records of each batch too" },
    { .name = "live", .help = "also while a broker has it: what changes may look broken" },
    { .name = "output", .letter = 'o', .value = "FORM", .candidates = OD_CANDIDATES_WORDS,
      .words = "text|json", .help = "text|json (text); json: an object a line" },
    { 0 },
};

const struct od_cli_command od_cli_command_log_dump = {
    .name = "log dump",
    .arguments = "DIR",
    .args_min = 1,
    .args_max = 1,
    .candidates = OD_CANDIDATES_FILES,
    .help = "Print what is in the files of a stopped broker",
    .details = "DIR is a log directory or one partition's directory in it.\n"
               "Batches, index entries, producers, epochs, checkpoints, the manifest; exit code 1\n"
               "when something cannot be read.",
    .options = options,
    .run = run,
};
