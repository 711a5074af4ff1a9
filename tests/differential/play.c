/* SPDX-License-Identifier: Apache-2.0 */
/* Plays conversations to two brokers at once and reports where their answers differ. */
#include "play.h"

#include "base/assert.h"
#include "base/be.h"
#include "base/mem.h"
#include "variants.h"
#include "wire/frame.h"

#include <unistd.h>

enum { SILENT_MS = 300, VARIANT_MS = 1000, AGREE_TRIES_MAX = 250, AGREE_PAUSE_US = 20000 };

struct game {
    struct pair *pair;
    struct place at;
    json_t *answers[2]; /* as received last: ours, theirs */
    const struct step *last;
};

static void note(const struct difference *d, void *arg)
{
    struct game *g = arg;

    report_difference(g->pair->report, &g->at, d);
}

static void count(const struct difference *d __attribute__((unused)), void *arg)
{
    ++*(int *)arg;
}

static struct side *side_of(const struct game *g, int i)
{
    return i == 0 ? g->pair->ours : g->pair->theirs;
}

static void forget_answers(struct game *g)
{
    for (int i = 0; i < 2; i++) {
        json_decref(g->answers[i]);
        g->answers[i] = NULL;
    }
}

static void receive(struct game *g, const struct od_api *api, int16_t version, int timeout_ms)
{
    forget_answers(g);
    for (int i = 0; i < 2; i++)
        g->answers[i] = side_receive(side_of(g, i), api, version, timeout_ms);
    g->pair->report->requests++;
}

static void print_exchange(const struct game *g, const struct od_api *api, int16_t version,
                           const json_t *request)
{
    char *sent = json_dumps(request, JSON_ENCODE_ANY | JSON_COMPACT);
    char *ours = json_dumps(g->answers[0], JSON_ENCODE_ANY | JSON_COMPACT);
    char *theirs = json_dumps(g->answers[1], JSON_ENCODE_ANY | JSON_COMPACT);

    printf("%s %d %s | %s%s%s\n  -> %s %d %s\n  <- %s\n  <- %s\n", g->at.api->name, g->at.version,
           g->at.release, g->at.title, g->at.variant ? " / " : "",
           g->at.variant ? g->at.variant : "", api->name, version, sent, ours, theirs);
    free(sent);
    free(ours);
    free(theirs);
}

/* Tells the differences of the last answers. */
static void judge(struct game *g, const struct od_api *api,
                  void (*tell)(const struct difference *, void *), void *arg)
{
    json_t *ours = normalise(side_of(g, 0), api, g->answers[0]);
    json_t *theirs = normalise(side_of(g, 1), api, g->answers[1]);

    compare(ours, theirs, tell, arg);
    json_decref(ours);
    json_decref(theirs);
}

/* False: the version cannot say the request. */
static bool exchange(struct game *g, const struct od_api *api, int16_t version,
                     const json_t *request, int timeout_ms)
{
    for (int i = 0; i < 2; i++) {
        const char *error = side_send(side_of(g, i), api, version, request);

        if (error) {
            report_fault(g->pair->report, &g->at, "the request cannot be said:", error);
            return false;
        }
    }
    receive(g, api, version, timeout_ms);
    if (g->pair->verbose)
        print_exchange(g, api, version, request);
    return true;
}

/* The version of a step: as told, the one under test, or the highest that both serve. */
static int16_t version_of(const struct game *g, const struct step *s)
{
    const struct side *ours = g->pair->ours, *theirs = g->pair->theirs;
    int16_t key = s->api->key;

    if (s->version >= 0)
        return s->version;
    if (s->api == g->at.api && s->kind != STEP_TOPIC)
        return g->at.version;
    return ours->served[key].max < theirs->served[key].max ? ours->served[key].max
                                                           : theirs->served[key].max;
}

static bool await(struct game *g, const struct step *s)
{
    for (int i = 0; i < 2; i++) {
        bool ready = s->kind == STEP_GROUP ? side_await_group(side_of(g, i), s->name)
                                           : side_await_topic(side_of(g, i), s->name);

        if (!ready) {
            report_fault(g->pair->report, &g->at, side_of(g, i)->name, "never serves it");
            return false;
        }
    }
    return true;
}

static bool bind(struct game *g, const struct step *s)
{
    for (int i = 0; i < 2; i++) {
        const json_t *value = value_at(g->answers[i], s->path);

        if (!value) {
            report_fault(g->pair->report, &g->at, "the answer has no", s->path);
            return false;
        }
        side_bind(side_of(g, i), s->name, value);
    }
    return true;
}

static bool repeat_until_equal(struct game *g, const struct step *s, int16_t version)
{
    for (int i = 0; i < AGREE_TRIES_MAX; i++) {
        int differences = 0;

        if (!exchange(g, s->api, version, s->request, RAW_PATIENCE_MS))
            return false;
        judge(g, s->api, count, &differences);
        if (differences == 0)
            return true;
        usleep(AGREE_PAUSE_US);
    }
    judge(g, s->api, note, g);
    return true;
}

static bool take_step(struct game *g, const struct step *s)
{
    int16_t version = s->api ? version_of(g, s) : 0;

    switch (s->kind) {
    case STEP_LET:
        return bind(g, s);
    case STEP_AWAIT:
    case STEP_GROUP:
        return await(g, s);
    case STEP_EVENTUALLY:
        return repeat_until_equal(g, s, version);
    case STEP_SILENT:
    case STEP_CALL:
    case STEP_TOPIC:
        break;
    }
    if (!exchange(g, s->api, version, s->request,
                  s->kind == STEP_SILENT ? SILENT_MS : RAW_PATIENCE_MS))
        return false;
    if (s->kind == STEP_TOPIC)
        return await(g, s);
    judge(g, s->api, note, g);
    return true;
}

/* --- what is made from the last request ---------------------------------------------------- */

/* The last answer closes a conversation or a variant. */
static void count_answer(struct game *g)
{
    ++*(refused(g->answers[1]) ? &g->pair->bad : &g->pair->good);
}

static void take_variant(const json_t *variant, const char *name, void *arg)
{
    struct game *g = arg;

    g->at.variant = name;
    g->pair->report->variants++;
    if (exchange(g, g->last->api, g->at.version, variant, VARIANT_MS)) {
        judge(g, g->last->api, note, g);
        count_answer(g);
    }
    g->at.variant = NULL;
}

/* Bodies that end too early, or not where they should. */
static void take_spoiled(struct game *g)
{
    static const struct {
        const char *name;
        int bytes; /* more than the body has */
    } ways[] = { { "one byte short", -1 }, { "one byte long", 1 } };

    for (size_t way = 0; way < OD_COUNT(ways); way++) {
        g->at.variant = ways[way].name;
        g->pair->report->variants++;
        for (int i = 0; i < 2; i++) {
            struct side *s = side_of(g, i);
            size_t len;
            uint8_t *data = side_encode(s, g->last->api, g->at.version, g->last->request, &len);

            OD_ASSERT(data);
            data = od_realloc(data, len + 1);
            data[len] = 0;
            len = (size_t)((int64_t)len + ways[way].bytes);
            od_be32_store(data, (uint32_t)(len - 4));
            raw_write(s->raw, data, len);
            od_free(data);
        }
        receive(g, g->last->api, g->at.version, VARIANT_MS);
        judge(g, g->last->api, note, g);
        count_answer(g);
    }
    g->at.variant = NULL;
}

/* The title must say what Kafka says. */
static void check_title(struct game *g, const struct conversation *c)
{
    count_answer(g);
    if (refused(g->answers[1]) != c->bad)
        report_fault(g->pair->report, &g->at, "Kafka's last answer is",
                     c->bad ? "good, the title says bad" : "bad, the title says good");
}

void play(struct pair *p, const struct script *script, const struct conversation *c,
          int16_t version)
{
    struct game g = {
        .pair = p,
        .at = { p->theirs->name, c->api, version, c->title, NULL },
    };
    bool played = true;
    char prefix[64];

    snprintf(prefix, sizeof(prefix), "d-%llx-%d-%d-%d-%s",
             (long long)p->started_ms / 1000 % 0x1000000, c->api->key, c->number, version,
             p->theirs->name);
    for (int i = 0; i < 2; i++)
        side_begin(side_of(&g, i), prefix, p->now_ms);
    p->report->conversations++;
    for (int i = 0; i < c->step_count && played; i++) {
        played = take_step(&g, &c->steps[i]);
        if (c->steps[i].api)
            g.last = &c->steps[i];
    }
    if (played && g.last->api == c->api)
        check_title(&g, c);
    if (played && !c->bad && g.last->api == c->api && g.last->kind == STEP_CALL) {
        variants_each(script, version, g.last->request, take_variant, &g);
        take_spoiled(&g);
    }
    forget_answers(&g);
}
