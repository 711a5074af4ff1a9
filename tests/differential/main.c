/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays each conversation in each version to Odradek and to the first of the Kafkas that serves the
 * version, and prints where they differ:
 *
 *     differential [--quick] [--part] [--title PATTERN] [--verbose] --exceptions FILE
 *         --ours HOST:PORT --kafka RELEASE=HOST:PORT ... FILE...
 *
 * A release that is called as another one with something behind ("3.9-zookeeper") is compared
 * wherever that one is.  --quick plays the lowest, the first flexible and the highest version;
 * --part says that these are not the files of all APIs, --title not all their conversations.
 * Exit status 1: something differs, or a version served has too few conversations.
 */
#include "base/mem.h"
#include "os/clock.h"
#include "play.h"

#include <fnmatch.h>
#include <getopt.h>

enum { KAFKAS_MAX = 4, GOOD_MIN = 1, BAD_MIN = 3 };

struct run {
    struct side *ours, *kafka[KAFKAS_MAX];
    int kafka_count;
    bool quick, part, verbose;
    const char *title; /* NULL: all */
    const char *ours_address, *exceptions;
    struct report report;
    bool scripted[SIDE_KEYS_MAX];
    int64_t started_ms;
    int uncompared; /* versions that no Kafka at hand serves */
};

static void add_kafka(struct run *r, char *argument)
{
    char *equals = strchr(argument, '=');

    if (!equals || r->kafka_count == KAFKAS_MAX) {
        fprintf(stderr, "not RELEASE=HOST:PORT, or too many of them: %s\n", argument);
        exit(2);
    }
    *equals = '\0';
    r->kafka[r->kafka_count++] = side_open(argument, equals + 1);
}

static void read_options(struct run *r, int argc, char **argv)
{
    static const struct option options[] = {
        { "quick", no_argument, NULL, 'q' },
        { "part", no_argument, NULL, 'p' },
        { "verbose", no_argument, NULL, 'v' },
        { "title", required_argument, NULL, 't' },
        { "exceptions", required_argument, NULL, 'e' },
        { "ours", required_argument, NULL, 'o' },
        { "kafka", required_argument, NULL, 'k' },
        { NULL, 0, NULL, 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'q':
            r->quick = true;
            break;
        case 'p':
            r->part = true;
            break;
        case 'v':
            r->verbose = true;
            break;
        case 't':
            r->title = optarg;
            r->part = true;
            break;
        case 'e':
            r->exceptions = optarg;
            break;
        case 'o':
            r->ours_address = optarg;
            break;
        case 'k':
            add_kafka(r, optarg);
            break;
        default:
            exit(2);
        }
    }
    if (!r->ours_address || !r->exceptions || !r->kafka_count || optind == argc) {
        fprintf(stderr, "differential: needs --exceptions, --ours, --kafka and files\n");
        exit(2);
    }
}

static bool wanted(const struct run *r, const struct od_api *api, int16_t version)
{
    return !r->quick || version == r->ours->served[api->key].min ||
           version == r->ours->served[api->key].max || version == api->flexible_min;
}

static void check_coverage(struct run *r, const struct script *s, int16_t version,
                           const struct pair *played)
{
    bool never_good = version >= s->refused_min && version <= s->refused_max;

    if (r->title || (played->bad >= BAD_MIN && (played->good >= GOOD_MIN || never_good)))
        return;
    printf("fault: %s %d has %d good and %d bad requests, %d and %d are the least\n", s->api->name,
           version, played->good, played->bad, GOOD_MIN, BAD_MIN);
    r->report.faults++;
}

static void play_version(struct run *r, const struct script *s, int16_t version, struct side *kafka)
{
    struct pair pair = {
        .ours = r->ours,
        .theirs = kafka,
        .report = &r->report,
        .started_ms = r->started_ms,
        .now_ms = od_clock_wall_ms(),
        .verbose = r->verbose,
    };

    for (int i = 0; i < s->count; i++) {
        const struct conversation *c = &s->v[i];

        if (version >= c->version_min && version <= c->version_max &&
            (!c->release || fnmatch(c->release, kafka->name, 0) == 0) &&
            (!r->title || fnmatch(r->title, c->title, 0) == 0))
            play(&pair, s, c, version);
    }
    check_coverage(r, s, version, &pair);
}

static void play_script(struct run *r, const struct script *s)
{
    int16_t key = s->api->key;

    r->scripted[key] = true;
    for (int16_t v = r->ours->served[key].min; v <= r->ours->served[key].max; v++) {
        int first = 0;

        while (first < r->kafka_count && !side_serves(r->kafka[first], s->api, v))
            first++;
        if (first == r->kafka_count)
            r->uncompared++;
        for (int i = first; i < r->kafka_count && wanted(r, s->api, v); i++) {
            size_t len = strlen(r->kafka[first]->name);

            if (strncmp(r->kafka[i]->name, r->kafka[first]->name, len) == 0 &&
                side_serves(r->kafka[i], s->api, v))
                play_version(r, s, v, r->kafka[i]);
        }
        fflush(stdout);
    }
}

static void check_scripted(struct run *r)
{
    for (int32_t i = 0; i < od_api_count; i++) {
        int16_t key = od_apis[i].key;

        if (r->ours->served[key].max < 0 || r->scripted[key])
            continue;
        printf("fault: %s is served and has no conversations\n", od_apis[i].name);
        r->report.faults++;
    }
}

int main(int argc, char **argv)
{
    struct run r = { .started_ms = od_clock_wall_ms() };
    int failed;

    read_options(&r, argc, argv);
    r.ours = side_open("ours", r.ours_address);
    report_open(&r.report, r.exceptions);
    for (int i = optind; i < argc; i++) {
        struct script *s = script_read(argv[i]);

        play_script(&r, s);
        script_free(s);
    }
    if (!r.part)
        check_scripted(&r);
    if (!r.part && !r.quick)
        report_unused(&r.report);
    failed = r.report.differences + r.report.faults;
    printf("%d conversations, %d variants, %d requests to each side, %d versions not compared\n",
           r.report.conversations, r.report.variants, r.report.requests, r.uncompared);
    printf("differential: %d passed, %d failed, %d explained\n",
           r.report.requests > failed ? r.report.requests - failed : 0, failed, r.report.explained);
    report_close(&r.report);
    side_close(r.ours);
    for (int i = 0; i < r.kafka_count; i++)
        side_close(r.kafka[i]);
    return failed > 0;
}
