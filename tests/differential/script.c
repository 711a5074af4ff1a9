/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations in files. */
#include "script.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

struct parser {
    const char *path;
    FILE *file;
    int line; /* of the last one read */
    struct od_text statement;
    char *ahead; /* a line read but not used yet, owned by getline */
    size_t ahead_bytes;
    bool has_ahead;
    struct script *script;
    struct conversation *now; /* NULL: between conversations */
};

static void fail(const struct parser *p, const char *what, const char *detail)
{
    fprintf(stderr, "%s:%d: %s %s\n", p->path, p->line, what, detail);
    exit(2);
}

/* The next line without its end; NULL at the end of the file. */
static const char *next_line(struct parser *p)
{
    ssize_t len;

    if (p->has_ahead) {
        p->has_ahead = false;
        return p->ahead;
    }
    do {
        len = getline(&p->ahead, &p->ahead_bytes, p->file);
        if (len < 0)
            return NULL;
        p->line++;
        if (len > 0 && p->ahead[len - 1] == '\n')
            p->ahead[len - 1] = '\0';
    } while (p->ahead[0] == '#');
    return p->ahead;
}

/* One statement with its continuation lines; NULL at the end; "" between conversations. */
static const char *next_statement(struct parser *p)
{
    const char *line = next_line(p);

    od_text_reset(&p->statement);
    if (!line)
        return NULL;
    od_text_add(&p->statement, "%s", line);
    while ((line = next_line(p)) && line[0] == ' ')
        od_text_add(&p->statement, "\n%s", line);
    p->has_ahead = line != NULL;
    return od_text_get(&p->statement);
}

static json_t *parse_json(const struct parser *p, const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    if (!value)
        fail(p, "not JSON:", error.text);
    return value;
}

static struct step *add_step(const struct parser *p, enum step_kind kind, const char *api)
{
    struct step *s;

    if (p->now->step_count == STEPS_MAX)
        fail(p, "too many steps in", p->now->title);
    s = &p->now->steps[p->now->step_count++];
    *s = (struct step){ .kind = kind, .version = -1, .api = api ? od_api_named(api) : NULL };
    if (api && !s->api)
        fail(p, "no API is called", api);
    return s;
}

/* topic NAME PARTITIONS [key=value...] */
static void topic_step(struct parser *p, char *words)
{
    char *state, *name = strtok_r(words, " ", &state), *count = strtok_r(NULL, " ", &state), *word;
    json_t *configs = json_array();
    struct step *s = add_step(p, STEP_TOPIC, "create_topics");

    if (!count)
        fail(p, "a topic needs a name and a number of", "partitions");
    while ((word = strtok_r(NULL, " \n", &state))) {
        char *equals = strchr(word, '=');

        if (!equals)
            fail(p, "not key=value:", word);
        json_array_append_new(configs, json_pack("{s:s%, s:s}", "name", word,
                                                 (size_t)(equals - word), "value", equals + 1));
    }
    s->name = od_str_dup(od_str_of(name));
    s->request = json_pack("{s:[{s:s+, s:i, s:i, s:o}], s:i}", "topics", "name", "$", name,
                           "num_partitions", (int)strtol(count, NULL, 10), "replication_factor", 1,
                           "configs", configs, "timeout_ms", 10000);
}

/* records NAME PARTITION COUNT */
static void records_step(struct parser *p, const char *words)
{
    char name[64], id[68];
    int partition, count;
    struct step *s = add_step(p, STEP_CALL, "produce");

    if (sscanf(words, "%63s %d %d", name, &partition, &count) != 3)
        fail(p, "records need a topic, a partition, a count:", words);
    snprintf(id, sizeof(id), "%s.id", name);
    s->request =
        json_pack("{s:i, s:i, s:[{s:s+, s:s+, s:[{s:i, s:{s:i, s:i}}]}]}", "acks", -1, "timeout_ms",
                  10000, "topic_data", "name", "$", name, "topic_id", "$", id, "partition_data",
                  "index", partition, "records", "count", count, "step", 1);
}

static void let_step(struct parser *p, const char *words)
{
    char name[64], path[256];
    struct step *s = add_step(p, STEP_LET, NULL);

    if (sscanf(words, "%63s %255s", name, path) != 2)
        fail(p, "let needs a name and a path:", words);
    s->name = od_str_dup(od_str_of(name));
    s->path = od_str_dup(od_str_of(path));
}

/* API[/VERSION] JSON */
static void call_step(struct parser *p, enum step_kind kind, char *words)
{
    char *json = strchr(words, ' '), *slash = strchr(words, '/');
    struct step *s;

    if (!json)
        fail(p, "a request needs JSON:", words);
    *json++ = '\0';
    if (slash && slash < json)
        *slash++ = '\0';
    else
        slash = NULL;
    s = add_step(p, kind, words);
    s->request = parse_json(p, json);
    if (slash)
        s->version = (int16_t)strtol(slash, NULL, 10);
}

static void add_names(struct parser *p, char *words, char **names, int *count)
{
    char *state;

    for (char *w = strtok_r(words, " \n", &state); w; w = strtok_r(NULL, " \n", &state)) {
        if (*count == FIXED_MAX)
            fail(p, "too many names:", w);
        names[(*count)++] = od_str_dup(od_str_of(w));
    }
}

/* "1-3", "4" or "4+" */
static void parse_versions(const struct parser *p, const char *text, int16_t *min, int16_t *max)
{
    int low, high, n = sscanf(text, "%d-%d", &low, &high);

    if (n < 1)
        fail(p, "not versions:", text);
    *min = (int16_t)low;
    *max = n == 2 ? (int16_t)high : strchr(text, '+') ? INT16_MAX : (int16_t)low;
}

static void begin(struct parser *p, bool bad, const char *title)
{
    struct script *s = p->script;

    s->v = od_realloc(s->v, sizeof(*s->v) * (size_t)(s->count + 1));
    p->now = &s->v[s->count++];
    *p->now = (struct conversation){
        .api = s->api,
        .title = od_str_dup(od_str_of(title)),
        .number = s->count,
        .bad = bad,
        .version_min = 0,
        .version_max = INT16_MAX,
    };
}

/* The rest of the statement if it begins with the word; NULL otherwise. */
static char *after(char *statement, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(statement, word, len) != 0 || statement[len] != ' ')
        return NULL;
    return statement + len + 1;
}

static void take_statement(struct parser *p, char *statement)
{
    char *rest;

    if ((rest = after(statement, "good:")) || (rest = after(statement, "bad:")))
        begin(p, statement[0] == 'b', rest);
    else if (!p->now && (rest = after(statement, "refused")))
        parse_versions(p, rest, &p->script->refused_min, &p->script->refused_max);
    else if (!p->now && (rest = after(statement, "fixed")))
        add_names(p, rest, p->script->fixed, &p->script->fixed_count);
    else if (!p->now && (rest = after(statement, "once")))
        add_names(p, rest, p->script->once, &p->script->once_count);
    else if (!p->now)
        fail(p, "not a title:", statement);
    else if ((rest = after(statement, "versions")))
        parse_versions(p, rest, &p->now->version_min, &p->now->version_max);
    else if ((rest = after(statement, "with")))
        p->now->release = od_str_dup(od_str_of(rest));
    else if ((rest = after(statement, "topic")))
        topic_step(p, rest);
    else if ((rest = after(statement, "records")))
        records_step(p, rest);
    else if ((rest = after(statement, "await")))
        add_step(p, STEP_AWAIT, NULL)->name = od_str_dup(od_str_of(rest));
    else if ((rest = after(statement, "group")))
        add_step(p, STEP_GROUP, NULL)->name = od_str_dup(od_str_of(rest));
    else if ((rest = after(statement, "let")))
        let_step(p, rest);
    else if ((rest = after(statement, "eventually")))
        call_step(p, STEP_EVENTUALLY, rest);
    else if ((rest = after(statement, "silent")))
        call_step(p, STEP_SILENT, rest);
    else
        call_step(p, STEP_CALL, statement);
}

struct script *script_read(const char *path)
{
    struct parser p = { .path = path, .file = fopen(path, "re"), .script = OD_NEW(struct script) };
    const char *slash = strrchr(path, '/'), *statement;
    char api[64];

    snprintf(api, sizeof(api), "%.*s", (int)strcspn(slash ? slash + 1 : path, "."),
             slash ? slash + 1 : path);
    p.script->api = od_api_named(api);
    p.script->refused_max = -1;
    if (!p.file || !p.script->api)
        fail(&p, "cannot be read, or is not named after an", "API");
    while ((statement = next_statement(&p))) {
        char *copy = od_str_dup(od_str_of(statement));

        if (*copy)
            take_statement(&p, copy);
        else
            p.now = NULL;
        od_free(copy);
    }
    fclose(p.file);
    free(p.ahead);
    od_text_reset(&p.statement);
    return p.script;
}

void script_free(struct script *s)
{
    for (int i = 0; i < s->count; i++) {
        struct conversation *c = &s->v[i];

        for (int j = 0; j < c->step_count; j++) {
            json_decref(c->steps[j].request);
            od_free(c->steps[j].name);
            od_free(c->steps[j].path);
        }
        od_free(c->release);
        od_free(c->title);
    }
    for (int i = 0; i < s->fixed_count; i++)
        od_free(s->fixed[i]);
    for (int i = 0; i < s->once_count; i++)
        od_free(s->once[i]);
    od_free(s->v);
    od_free(s);
}
