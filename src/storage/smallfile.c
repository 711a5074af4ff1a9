/* SPDX-License-Identifier: Apache-2.0 */
/* Whole-file reading and replacing, and the text formats that Kafka keeps in such files. */
#include "storage/smallfile.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"

enum od_err od_smallfile_read(const char *dir, const char *name, struct od_text *out)
{
    char path[OD_PATH_MAX];
    struct od_file *f = NULL;
    void *data = NULL;
    int64_t len;
    size_t got;
    enum od_err err;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    err = od_file_open(path, OD_FILE_READ | OD_FILE_QUIET, &f);
    if (err)
        return err;
    err = od_file_size(f, &len);
    if (!err && len > OD_SMALLFILE_MAX) {
        od_log(OD_LOG_ERROR, "storage", "%s: %lld bytes, too large", path, (long long)len);
        err = OD_E_LIMIT;
    }
    if (!err) {
        data = od_alloc_try((size_t)len);
        err = data ? od_file_read(f, data, (size_t)len, 0, &got) : OD_E_NO_MEMORY;
    }
    if (!err)
        od_text_add_str(out, (struct od_str){ data, got });
    od_free(data);
    od_file_close(f);
    return err;
}

enum od_err od_smallfile_replace(const char *dir, const char *name, struct od_str text)
{
    char path[OD_PATH_MAX], temp[OD_PATH_MAX];
    struct od_span span = { text.data, text.len };
    struct od_file *f;
    size_t put;
    enum od_err err;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    snprintf(temp, sizeof(temp), "%s/%s.tmp", dir, name);
    err = od_file_open(temp, OD_FILE_WRITE | OD_FILE_CREATE | OD_FILE_TRUNCATE, &f);
    if (err)
        return err;
    err = od_file_write(f, &span, 1, 0, &put);
    if (!err)
        err = od_file_sync(f);
    od_file_close(f);
    if (!err)
        err = od_path_rename(temp, path);
    if (!err)
        err = od_dir_sync(dir);
    return err;
}

bool od_text_line(struct od_str *rest, struct od_str *line)
{
    const char *end;

    if (!rest->len)
        return false;
    end = memchr(rest->data, '\n', rest->len);
    line->data = rest->data;
    line->len = end ? (size_t)(end - rest->data) : rest->len;
    rest->data += line->len + (end != NULL);
    rest->len -= line->len + (end != NULL);
    if (line->len && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* Splits "key<separator>value", blanks around the value left out; false: no separator. */
static bool split(struct od_str line, char separator, struct od_str *key, struct od_str *value)
{
    const char *at = line.len ? memchr(line.data, separator, line.len) : NULL;

    if (!at)
        return false;
    *key = (struct od_str){ line.data, (size_t)(at - line.data) };
    *value = (struct od_str){ at + 1, line.len - key->len - 1 };
    while (value->len && value->data[0] == ' ') {
        value->data++;
        value->len--;
    }
    while (value->len && value->data[value->len - 1] == ' ')
        value->len--;
    return true;
}

enum od_err od_meta_properties_parse(struct od_str text, struct od_meta_properties *out)
{
    struct od_str line, key, value;
    int64_t version = 0, id = -1;
    bool ok = true;

    *out = (struct od_meta_properties){ .node_id = -1 };
    while (ok && od_text_line(&text, &line)) {
        if (!line.len || line.data[0] == '#' || !split(line, '=', &key, &value))
            continue;
        if (od_str_is(key, "version")) {
            ok = od_str_to_i64(value, 0, 1, &version);
        } else if (od_str_is(key, "node.id") || od_str_is(key, "broker.id")) {
            ok = od_str_to_i64(value, -1, INT32_MAX, &id);
        } else if (od_str_is(key, "cluster.id")) {
            ok = value.len < sizeof(out->cluster_id);
            if (ok)
                memcpy(out->cluster_id, value.data, value.len);
        } else if (od_str_is(key, "directory.id")) {
            ok = od_uuid_parse(value, &out->directory_id);
        }
    }
    out->node_id = (int32_t)id;
    return ok ? OD_NONE : OD_E_CORRUPT;
}

void od_meta_properties_print(const struct od_meta_properties *in, struct od_text *out)
{
    char directory[OD_UUID_TEXT_LEN + 1];

    od_uuid_print(in->directory_id, directory);
    od_text_add(out, "version=1\nnode.id=%d\ncluster.id=%s\ndirectory.id=%s\n", in->node_id,
                in->cluster_id, directory);
}

enum od_err od_partition_metadata_parse(struct od_str text, struct od_uuid *topic_id)
{
    struct od_str line, key, value;
    bool version = false, id = false;

    while (od_text_line(&text, &line)) {
        if (!split(line, ':', &key, &value))
            continue;
        if (od_str_is(key, "version"))
            version = od_str_is(value, "0");
        else if (od_str_is(key, "topic_id"))
            id = od_uuid_parse(value, topic_id) && !od_uuid_is_zero(*topic_id);
    }
    return version && id ? OD_NONE : OD_E_CORRUPT;
}

void od_partition_metadata_print(struct od_uuid topic_id, struct od_text *out)
{
    char id[OD_UUID_TEXT_LEN + 1];

    od_uuid_print(topic_id, id);
    od_text_add(out, "version: 0\ntopic_id: %s", id);
}

int64_t od_clean_shutdown_parse(struct od_str text)
{
    static const char key[] = "\"brokerEpoch\"";
    const char *end = text.data + text.len;
    const char *p = text.len ? memmem(text.data, text.len, key, sizeof(key) - 1) : NULL;
    struct od_str number;
    int64_t epoch;

    if (!p)
        return -1;
    p += sizeof(key) - 1;
    while (p < end && (*p == ':' || *p == ' '))
        p++;
    number = (struct od_str){ p, 0 };
    while (p < end && (*p == '-' || (*p >= '0' && *p <= '9')))
        p++;
    number.len = (size_t)(p - number.data);
    return od_str_to_i64(number, -1, INT64_MAX, &epoch) ? epoch : -1;
}

void od_clean_shutdown_print(int64_t broker_epoch, struct od_text *out)
{
    od_text_add(out, "{\"version\":0,\"brokerEpoch\":%lld}", (long long)broker_epoch);
}

/* The two lines in front of every checkpoint: its version, which must be 0, and the row count. */
static bool checkpoint_head(struct od_str *text, int64_t *rows)
{
    struct od_str line;

    return od_text_line(text, &line) && od_str_is(line, "0") && od_text_line(text, &line) &&
           od_str_to_i64(line, 0, INT32_MAX, rows);
}

enum od_err od_epochs_parse(struct od_str text, struct od_epochs *out)
{
    struct od_str line, left, right;
    int64_t rows, epoch, offset;
    bool ok = checkpoint_head(&text, &rows);

    for (int64_t i = 0; ok && i < rows; i++) {
        ok = od_text_line(&text, &line) && split(line, ' ', &left, &right) &&
             od_str_to_i64(left, 0, INT32_MAX, &epoch) &&
             od_str_to_i64(right, 0, INT64_MAX, &offset) &&
             od_epochs_add(out, (int32_t)epoch, offset);
    }
    if (ok)
        return OD_NONE;
    od_epochs_deinit(out);
    return OD_E_CORRUPT;
}

void od_epochs_print(const struct od_epochs *in, struct od_text *out)
{
    od_text_add(out, "0\n%d\n", in->n);
    for (int32_t i = 0; i < in->n; i++)
        od_text_add(out, "%d %lld\n", in->v[i].epoch, (long long)in->v[i].start_offset);
}

enum od_err od_offsets_parse(struct od_str text,
                             void (*each)(void *arg, const struct od_offset_line *line), void *arg)
{
    struct od_str line, rest, partition, offset;
    struct od_offset_line row;
    int64_t rows, number;
    bool ok = checkpoint_head(&text, &rows);

    for (int64_t i = 0; ok && i < rows; i++) {
        ok = od_text_line(&text, &line) && split(line, ' ', &row.topic, &rest) &&
             split(rest, ' ', &partition, &offset) &&
             od_str_to_i64(partition, 0, INT32_MAX, &number) &&
             od_str_to_i64(offset, 0, INT64_MAX, &row.offset);
        row.partition = (int32_t)number;
        if (ok)
            each(arg, &row);
    }
    return ok ? OD_NONE : OD_E_CORRUPT;
}
