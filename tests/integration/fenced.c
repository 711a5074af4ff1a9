/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failed sync is never tried again: what waits for it is told that it may have been written, and
 * nothing more is accepted.  Runs once against a broker with freeze_sync, which is of no use after.
 */
#include "ask.h"

#include <fcntl.h>
#include <unistd.h>

static void make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    CHECK(fd >= 0);
    close(fd);
}

TEST(a_failed_sync_answers_those_who_waited_and_fences_the_log)
{
    struct raw *waiting = raw_open(), *beside = raw_open();
    struct topic t = ask_create(beside, "fenced", 1, NULL);
    struct batch b = batch_of(3);
    struct fetch_plan plan = fetch_at(0);
    struct od_produce_rsp rsp;
    struct produce_one one;
    char fail[512];
    enum od_err err;

    CHECK_EQ(ask_produce(beside, &t, 0, &b).error_code, OD_NONE);
    make_file(getenv("FREEZE_SYNC"));
    CHECK(raw_send(waiting, OD_produce_KEY, 13, produce_one(&one, &t, 0, -1, b.data, b.len)));
    CHECK_EQ(raw_read(waiting, 100), RAW_SILENCE);
    snprintf(fail, sizeof(fail), "%s.fail", getenv("FREEZE_SYNC"));
    make_file(fail);
    unlink(getenv("FREEZE_SYNC"));
    CHECK_EQ(raw_receive(waiting, OD_produce_KEY, 13, &rsp, RAW_PATIENCE_MS), RAW_ANSWER);
    CHECK_EQ(rsp.responses.v[0].partition_responses.v[0].error_code,
             OD_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    unlink(fail); /* a later sync would succeed, and must not be asked */
    err = (enum od_err)ask_produce(beside, &t, 0, &b).error_code;
    CHECK(err == OD_KAFKA_STORAGE_ERROR || err == OD_NOT_LEADER_OR_FOLLOWER);
    err = (enum od_err)ask_fetch(beside, &t, &plan).error_code;
    CHECK(err == OD_KAFKA_STORAGE_ERROR || err == OD_NOT_LEADER_OR_FOLLOWER);
    raw_close(waiting);
    raw_close(beside);
}
