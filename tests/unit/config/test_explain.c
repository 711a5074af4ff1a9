/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told of a key without a broker. */
#include "config/config.h"
#include "test.h"

static void explains(const char *name, const char *text)
{
    struct od_text out = { 0 };

    CHECK(od_config_explain(od_str_of(name), &out));
    CHECK_STR(od_text_get(&out), text);
    od_text_reset(&out);
}

TEST(a_key_tells_type_bounds_default_and_how_it_changes)
{
    explains("segment.bytes",
             "segment.bytes (of topics)\n"
             "  Start a new segment before the active one would exceed this size.\n"
             "  type: int, at least 1048576\n"
             "  default: 1073741824, or what the broker's log.segment.bytes says\n");
    explains("max.connections.per.ip",
             "max.connections.per.ip (of brokers, changeable while they run)\n"
             "  Most connections from one address; further ones are closed at once.\n"
             "  type: int, at least 0\n"
             "  default: 2147483647\n"
             "  change: at any time, for one broker or for all, or in the file\n");
    explains("log.retention.hours",
             "log.retention.hours (of brokers)\n"
             "  Used where neither log.retention.ms nor log.retention.minutes is set.\n"
             "  type: int, at least -1\n"
             "  default: 168\n"
             "  change: in the file, with a restart\n"
             "  sets: log.retention.ms, where that is not set itself\n");
}

TEST(groups_and_client_metrics_have_keys_too)
{
    explains("share.isolation.level",
             "share.isolation.level (of groups)\n"
             "  Whether records of open and aborted transactions are delivered.\n"
             "  type: string, one of read_uncommitted,read_committed\n"
             "  default: read_uncommitted\n");
    explains("interval.ms", "interval.ms (of client metrics subscriptions)\n"
                            "  How often a client pushes.\n"
                            "  type: int, from 100 to 3600000\n"
                            "  default: 300000\n");
}

TEST(an_unknown_name_has_no_explanation)
{
    struct od_text out = { 0 };

    CHECK(!od_config_explain(OD_STR("nonsense"), &out));
    CHECK_STR(od_text_get(&out), "");
}
