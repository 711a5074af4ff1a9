/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek log verify` and `odradek log stat`: files without a broker. */
#include "cli/commands.h"
#include "cli/disk_check.h"
#include "cli/log_path.h"

#include <string.h>

int od_log_path_open(struct od_cli *cli, struct od_disk_root *out)
{
    const char *path = cli->args[0];
    enum od_err err = od_disk_root_open(path, od_cli_has(cli, "live"), out);

    switch (err) {
    case OD_NONE:
        return OD_EXIT_OK;
    case OD_E_BUSY:
        return od_cli_fail(OD_EXIT_FAILED, "%s is in use by a broker; stop it, or take --live, "
                           "which sees files that change meanwhile", path);
    case OD_E_NOT_FOUND:
        return od_cli_fail(OD_EXIT_NOT_FOUND, "%s: no log directory and no partition's", path);
    default:
        return od_cli_fail(OD_EXIT_FAILED, "%s: %s", path, od_err_text(err));
    }
}

/* --- verify ---------------------------------------------------------------------------------- */

static const struct od_column verify_columns[] = {
    { "partition", "PARTITION", 0 },
    { "state", "STATE", 0 },
    { "segments", "SEGMENTS", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "batches", "BATCHES", OD_COLUMN_RIGHT },
    { "records", "RECORDS", OD_COLUMN_RIGHT },
    { "file", "FILE", OD_COLUMN_OPTIONAL },
    { "pos", "POS", OD_COLUMN_RIGHT | OD_COLUMN_OPTIONAL },
    { "broken", "BROKEN", OD_COLUMN_OPTIONAL },
    { "notes", "NOTES", OD_COLUMN_OPTIONAL },
};

static void add_verdict(struct od_table *t, const char *name, const struct od_disk_report *r,
                        bool is_partition)
{
    json_t *row = od_table_row(t);

    od_row_text(row, "partition", name);
    od_row_text(row, "state", r->broken ? "broken" : "ok");
    if (is_partition) {
        od_row_int(row, "segments", r->segments);
        od_row_int(row, "batches", r->batches);
        od_row_int(row, "records", r->records);
    }
    if (r->broken) {
        od_row_text(row, "file", r->file);
        if (r->pos >= 0)
            od_row_int(row, "pos", r->pos);
        od_row_text(row, "broken", r->what);
    }
    if (r->notes.len)
        od_row_text(row, "notes", od_text_get(&r->notes));
}

/* The first broken one goes to standard error as a sentence too. */
static void tell(struct od_cli *cli, const struct od_disk_report *r)
{
    if (!r->broken)
        return;
    if (!cli->failed_count && r->pos >= 0)
        od_cli_fail(0, "%s at %lld: %s", r->file, (long long)r->pos, r->what);
    else if (!cli->failed_count)
        od_cli_fail(0, "%s: %s", r->file, r->what);
    cli->failed_count++;
}

static int verify_all(struct od_cli *cli, const struct od_disk_root *root, struct od_table *t)
{
    struct od_disk_report report;

    if (root->known && !root->single) {
        od_disk_check_root(root, &report);
        add_verdict(t, "(log directory)", &report, false);
        tell(cli, &report);
        od_disk_report_free(&report);
    }
    for (size_t i = 0; i < root->n; i++) {
        enum od_err err = od_disk_check_partition(root, root->partitions[i], &report);

        if (!err) {
            add_verdict(t, root->partitions[i], &report, true);
            tell(cli, &report);
        } else if (!root->live || err != OD_E_NOT_FOUND) {
            od_cli_fail(0, "%s: %s", root->partitions[i], od_err_text(err));
            cli->failed_count++;
        }
        od_disk_report_free(&report);
    }
    return cli->failed_count ? OD_EXIT_FAILED : OD_EXIT_OK;
}

static int run_verify(struct od_cli *cli)
{
    struct od_disk_root root;
    struct od_table table;
    int code = od_log_path_open(cli, &root), printed;

    if (code) {
        od_disk_root_close(&root);
        return code;
    }
    od_table_init(&table, verify_columns, OD_COUNT(verify_columns));
    code = verify_all(cli, &root, &table);
    printed = od_cli_print(cli, &table);
    od_disk_root_close(&root);
    return printed ? printed : code;
}

/* --- stat ------------------------------------------------------------------------------------ */

static const struct od_column stat_columns[] = {
    { "partition", "PARTITION", 0 },
    { "start_offset", "START", OD_COLUMN_RIGHT },
    { "end_offset", "END", OD_COLUMN_RIGHT },
    { "segments", "SEGMENTS", OD_COLUMN_RIGHT },
    { "batches", "BATCHES", OD_COLUMN_RIGHT },
    { "records", "RECORDS", OD_COLUMN_RIGHT },
    { "bytes", "BYTES", OD_COLUMN_RIGHT },
    { "index_bytes", "INDEX-BYTES", OD_COLUMN_RIGHT },
    { "leader_epoch", "EPOCH", OD_COLUMN_RIGHT },
    { "producers", "PRODUCERS", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "min_timestamp", "FIRST-TIME", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "max_timestamp", "LAST-TIME", OD_COLUMN_RIGHT | OD_COLUMN_WIDE },
    { "codecs", "CODECS", 0 },
    { "state", "STATE", 0 },
};

static void add_codecs(json_t *row, const struct od_disk_report *r)
{
    static const char *const names[] = { "none", "gzip", "snappy", "lz4", "zstd" };
    struct od_text text = { 0 };

    for (size_t i = 0; i < OD_COUNT(names); i++)
        if (r->codecs[i])
            od_text_add(&text, "%s%s", text.len ? "," : "", names[i]);
    od_row_text(row, "codecs", od_text_get(&text));
    od_text_reset(&text);
}

static void add_stat(struct od_table *t, const char *name, const struct od_disk_report *r)
{
    json_t *row = od_table_row(t);

    od_row_text(row, "partition", name);
    od_row_int(row, "start_offset", r->start_offset < 0 ? r->end_offset : r->start_offset);
    od_row_int(row, "end_offset", r->end_offset);
    od_row_int(row, "segments", r->segments);
    od_row_int(row, "batches", r->batches);
    od_row_int(row, "records", r->records);
    od_row_int(row, "bytes", r->bytes);
    od_row_int(row, "index_bytes", r->index_bytes);
    od_row_int(row, "leader_epoch", r->leader_epoch);
    od_row_int(row, "producers", r->producers);
    od_row_int(row, "min_timestamp", r->min_timestamp);
    od_row_int(row, "max_timestamp", r->max_timestamp);
    add_codecs(row, r);
    od_row_text(row, "state", r->broken ? "broken" : "ok");
}

static int run_stat(struct od_cli *cli)
{
    struct od_disk_root root;
    struct od_table table;
    int code = od_log_path_open(cli, &root), printed;

    if (code) {
        od_disk_root_close(&root);
        return code;
    }
    od_table_init(&table, stat_columns, OD_COUNT(stat_columns));
    for (size_t i = 0; i < root.n; i++) {
        struct od_disk_report report;
        enum od_err err = od_disk_check_partition(&root, root.partitions[i], &report);

        if (err && (!root.live || err != OD_E_NOT_FOUND))
            code = od_cli_fail(OD_EXIT_FAILED, "%s: %s", root.partitions[i], od_err_text(err));
        else if (!err)
            add_stat(&table, root.partitions[i], &report);
        od_disk_report_free(&report);
    }
    printed = od_cli_print(cli, &table);
    od_disk_root_close(&root);
    return printed ? printed : code;
}

static const struct od_option options[] = {
    { .name = "live", .help = "also while a broker has it: what changes may look broken" },
    { 0 },
};

const struct od_cli_command od_cli_command_log_verify = {
    .name = "log verify",
    .arguments = "DIR",
    .args_min = 1,
    .args_max = 1,
    .candidates = OD_CANDIDATES_FILES,
    .uses = OD_USES_OUTPUT,
    .help = "Prove that the files of a stopped broker are what they must be",
    .details = "DIR is a log directory or one partition's directory in it.\n"
               "Reads every batch and index entry; exit code 1 when something is broken.\n"
               "After a crash, what the next start makes good is a note, not broken.",
    .options = options,
    .run = run_verify,
};

const struct od_cli_command od_cli_command_log_stat = {
    .name = "log stat",
    .arguments = "DIR",
    .args_min = 1,
    .args_max = 1,
    .candidates = OD_CANDIDATES_FILES,
    .uses = OD_USES_OUTPUT,
    .help = "Count what is in the files of a stopped broker",
    .details = "DIR is a log directory or one partition's directory in it.\n"
               "A broken partition is counted up to its first broken place (\"log verify\").",
    .options = options,
    .run = run_stat,
};
