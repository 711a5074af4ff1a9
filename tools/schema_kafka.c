/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and reads Kafka's message files: JSON with // comments. */
#include "schema_kafka.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024, FILE_BYTES_MAX = 1 << 20, MESSAGES_MAX = 4096, DEPTH_MAX = 8 };

/* Blanks what follows // up to the end of the line, except within texts. */
static void strip_comments(char *text)
{
    bool quoted = false;

    for (char *c = text; *c; c++) {
        if (quoted && *c == '\\' && c[1]) {
            c++;
        } else if (*c == '"') {
            quoted = !quoted;
        } else if (!quoted && c[0] == '/' && c[1] == '/') {
            while (*c && *c != '\n')
                *c++ = ' ';
            if (!*c)
                break;
        }
    }
}

static json_t *load_json(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = calloc(1, FILE_BYTES_MAX);
    json_error_t error;
    json_t *root = NULL;

    if (!in || !text) {
        perror(path);
    } else if (fread(text, 1, FILE_BYTES_MAX - 1, in) == FILE_BYTES_MAX - 1) {
        fprintf(stderr, "%s: larger than %d bytes\n", path, FILE_BYTES_MAX);
    } else {
        strip_comments(text);
        root = json_loads(text, 0, &error);
        if (!root)
            fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
    }
    if (in)
        fclose(in);
    free(text);
    return root;
}

struct schema_range kafka_range(const json_t *text)
{
    struct schema_range none = { 1, 0 }, r;
    const char *s = json_string_value(text);
    char *end;

    if (!s || !isdigit((unsigned char)*s))
        return none;
    r.min = r.max = (int)strtol(s, &end, 10);
    if (*end == '+')
        r.max = SCHEMA_OPEN;
    else if (*end == '-')
        r.max = (int)strtol(end + 1, &end, 10);
    return r;
}

bool kafka_name_is(const char *kafka, const char *ours)
{
    while (*kafka || *ours) {
        if (*ours == '_') {
            ours++;
            continue;
        }
        if (tolower((unsigned char)*kafka) != *ours)
            return false;
        kafka++;
        ours++;
    }
    return true;
}

bool kafka_is_request(const struct kafka_message *k)
{
    return strcmp(k->type, "request") == 0;
}

bool kafka_is_api(const struct kafka_message *k)
{
    return kafka_is_request(k) || strcmp(k->type, "response") == 0;
}

bool kafka_is_same(const struct kafka_message *a, const struct kafka_message *b)
{
    if (kafka_is_api(a) || kafka_is_api(b))
        return a->key == b->key && strcmp(a->type, b->type) == 0;
    return strcmp(a->name, b->name) == 0;
}

static bool load_message(const char *path, const char *tree, struct kafka_files *out)
{
    struct kafka_message *k = &out->messages[out->count];
    json_t *root = load_json(path);
    const json_t *key;

    if (!root)
        return false;
    if (out->count == MESSAGES_MAX) {
        fprintf(stderr, "%s: more than %d files\n", path, MESSAGES_MAX);
        return false;
    }
    k->tree = tree;
    k->name = json_string_value(json_object_get(root, "name"));
    k->type = json_string_value(json_object_get(root, "type"));
    if (!k->name || !k->type) {
        fprintf(stderr, "%s: no name or type\n", path);
        return false;
    }
    key = json_object_get(root, "apiKey");
    k->key = key ? (int)json_integer_value(key) : -1;
    k->valid = kafka_range(json_object_get(root, "validVersions"));
    k->flexible = kafka_range(json_object_get(root, "flexibleVersions"));
    k->unstable = json_is_true(json_object_get(root, "latestVersionUnstable"));
    k->fields = json_object_get(root, "fields");
    k->structs = json_object_get(root, "commonStructs");
    out->count++;
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Files below dir; a name without .json is taken for a folder. */
static bool load_folder(const char *dir, const char *tree, int depth, struct kafka_files *out)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, visible, alphasort);
    bool ok = n >= 0 && depth < DEPTH_MAX;

    if (n < 0)
        perror(dir);
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];

        snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
        if (ok && ends_with(path, ".json"))
            ok = load_message(path, tree, out);
        else if (ok && entries[i]->d_type == DT_DIR)
            ok = load_folder(path, tree, depth + 1, out);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return ok;
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return -versionsort(a, b);
}

bool kafka_load(const char *dir, struct kafka_files *out)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, visible, newest_first);
    bool ok = true;

    out->count = 0;
    out->messages = calloc(MESSAGES_MAX + 1, sizeof(*out->messages));
    if (n < 0 || !out->messages) {
        perror(dir);
        return false;
    }
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];

        snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
        if (ok && entries[i]->d_type == DT_DIR)
            ok = load_folder(path, strdup(entries[i]->d_name), 0, out);
        free(entries[i]);
    }
    free(entries);
    if (ok && out->count == 0)
        fprintf(stderr, "%s: no message files in its folders\n", dir);
    return ok && out->count > 0;
}
