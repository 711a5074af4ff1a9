/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected: the private tagged fields of DescribeCluster. */
#include "ask.h"
#include "wire/api/describe_cluster.h"

#include <stdio.h>
#include <unistd.h>

static struct od_describe_cluster_rsp ask_clients(struct raw *c, int16_t version, bool include)
{
    struct od_describe_cluster_req req;
    struct od_describe_cluster_rsp rsp;

    od_describe_cluster_req_defaults(&req);
    req.include_clients = include;
    CHECK_EQ(raw_call(c, OD_describe_cluster_KEY, version, &req, &rsp), RAW_ANSWER);
    CHECK_EQ(rsp.error_code, OD_NONE);
    return rsp;
}

static const struct od_describe_cluster_rsp_client *find(const struct od_describe_cluster_rsp *rsp,
                                                         const char *software)
{
    for (int32_t i = 0; i < rsp->clients.n; i++)
        if (od_str_is(rsp->clients.v[i].software_name, software))
            return &rsp->clients.v[i];
    return NULL;
}

static void introduce(struct raw *c, const char *software)
{
    struct od_api_versions_req req;
    struct od_api_versions_rsp rsp;

    od_api_versions_req_defaults(&req);
    req.client_software_name = od_str_of(software);
    req.client_software_version = OD_STR("1.2.3");
    CHECK_EQ(raw_call(c, OD_api_versions_KEY, 3, &req, &rsp), RAW_ANSWER);
}

TEST(clients_are_told_only_to_those_who_ask_in_every_version)
{
    struct raw *c = raw_open();

    for (int16_t version = 0; version <= 2; version++) {
        CHECK_EQ(ask_clients(c, version, false).clients.n, 0);
        CHECK(ask_clients(c, version, true).clients.n >= 1);
    }
    raw_close(c);
}

TEST(a_client_is_told_with_its_library_apis_and_bytes)
{
    struct raw *c = raw_open(), *other[4];
    struct od_describe_cluster_rsp rsp;
    const struct od_describe_cluster_rsp_client *me;
    char name[16];

    introduce(c, "asking");
    for (int i = 0; i < 4; i++) { /* so that every reactor has one */
        other[i] = raw_open();
        snprintf(name, sizeof(name), "other-%d", i);
        introduce(other[i], name);
    }
    ask_clients(c, 2, true);
    rsp = ask_clients(c, 2, true);
    me = find(&rsp, "asking");
    CHECK(me != NULL);
    CHECK(od_str_is(me->software_version, "1.2.3"));
    CHECK(od_str_starts(me->address, "127.0.0.1:"));
    CHECK(od_str_is(me->listener, "PLAINTEXT"));
    CHECK_EQ(me->requests, 3);
    CHECK_EQ(me->waiting, 1); /* this very request */
    CHECK(me->bytes_in > 60);
    CHECK(me->bytes_out > 100);
    CHECK(me->connected_ms > INT64_C(1700000000000));
    CHECK_EQ(me->apis.n, 2);
    CHECK_EQ(me->apis.v[0].api_key, OD_api_versions_KEY);
    CHECK_EQ(me->apis.v[0].api_version, 3);
    CHECK_EQ(me->apis.v[1].api_key, OD_describe_cluster_KEY);
    CHECK_EQ(me->apis.v[1].count, 2);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "other-%d", i);
        CHECK(find(&rsp, name) != NULL);
        CHECK_EQ(find(&rsp, name)->requests, 1);
        CHECK_EQ(find(&rsp, name)->waiting, 0);
        raw_close(other[i]);
    }
    for (int32_t i = 1; i < rsp.clients.n; i++)
        CHECK(rsp.clients.v[i - 1].connection_id < rsp.clients.v[i].connection_id);
    raw_close(c);
}

TEST(the_age_of_the_oldest_request_without_an_answer_is_told)
{
    struct raw *c = raw_open(), *waits = raw_open();
    struct topic t = ask_create(c, "long-poll", 1, NULL);
    struct fetch_plan plan = fetch_at(0);
    struct fetch_one one;
    struct od_describe_cluster_rsp rsp;
    int64_t start_ms = now_ms();
    const struct od_describe_cluster_rsp_client *found = NULL;

    introduce(waits, "waiting");
    plan.max_wait_ms = 5000;
    plan.min_bytes = 1;
    CHECK(raw_send(waits, OD_fetch_KEY, plan.version, fetch_one(&one, &t, &plan)));
    while (!found || found->answer_ms < 20) {
        took_at_most(start_ms, RAW_PATIENCE_MS);
        usleep(5000);
        rsp = ask_clients(c, 2, true);
        found = find(&rsp, "waiting");
        CHECK(found != NULL);
    }
    CHECK_EQ(found->waiting, 1);
    CHECK_EQ(found->requests, 2);
    raw_close(waits);
    raw_close(c);
}
