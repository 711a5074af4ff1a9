/* SPDX-License-Identifier: Apache-2.0 */
/* The test of the rules of groups: each anomaly is found, and a sound history passes. */
#include "group_history.h"
#include "os/sim/sim.h"
#include "self.h"

#include <string.h>

static char verdict[256];

static void remember(const char *text)
{
    if (!verdict[0])
        snprintf(verdict, sizeof(verdict), "%s", text);
}

static struct group_history *fresh(void)
{
    static struct group_history h;

    verdict[0] = '\0';
    group_history_init(&h, remember);
    return &h;
}

static void expect(const char *rule)
{
    if (strncmp(verdict, rule, strlen(rule)) != 0 || (!*rule && verdict[0]))
        od_sim_fail("the checker says \"%s\", expected \"%s\"", verdict, rule);
}

static void generations(void)
{
    struct group_history *h = fresh();

    group_history_joined(h, 0, 1, 11, 1);
    group_history_joined(h, 0, 1, 13, 2); /* given again by the next life */
    group_history_joined(h, 0, 1, 11, -1);
    group_history_assigned(h, 1, 7);
    group_history_assigned(h, 1, 7);
    group_history_assigned(h, 2, 9);
    group_history_joined(h, 2, 2, 13, 2);
    group_history_accepted(h, 1, 1); /* sent before the second was known */
    group_history_accepted(h, 2, 2);
    expect("");
    group_history_accepted(h, 2, 1);
    expect("generation-back");

    h = fresh();
    group_history_assigned(h, 3, 7);
    group_history_joined(h, h->generation, 2, 1, 1);
    expect("generation-back");

    h = fresh();
    group_history_joined(h, 0, 1, 11, 1);
    group_history_joined(h, 0, 1, 13, 1);
    expect("two-leaders");

    h = fresh();
    group_history_assigned(h, 1, 7);
    group_history_assigned(h, 1, 9);
    expect("two-assignments");
}

static void owners(void)
{
    struct group_history *h = fresh();

    group_history_owns(h, 0, 3, 100, 200);
    group_history_owns(h, 1, 4, 150, 250);
    group_history_owns(h, 0, 1, 160, 300);
    group_history_owns(h, 1, 6, 170, 250);
    group_history_owns(h, 2, 6, 250, 400); /* the other one's time is over */
    expect("");
    group_history_owns(h, 1, 1, 299, 500);
    expect("two-owners");
}

static void offsets(void)
{
    struct group_history *h = fresh();

    group_history_read(h, 0, -1);
    OD_SIM_CHECK(group_history_commits(h, 0, 1, 1));
    group_history_committed(h, 0, 1, 1);
    OD_SIM_CHECK(group_history_commits(h, 0, 2, 1));
    group_history_read(h, 0, 1);
    group_history_read(h, 0, 2); /* its answer is lost, yet it is there */
    OD_SIM_CHECK(group_history_commits(h, 0, 3, 1));
    OD_SIM_CHECK(group_history_commits(h, 0, 4, 1));
    group_history_committed(h, 0, 4, 1);
    group_history_read(h, 0, 3); /* late, of the same life */
    expect("");
    group_history_read(h, 0, 4);
    expect("lost-commit");

    h = fresh();
    OD_SIM_CHECK(group_history_commits(h, 1, 1, 1));
    OD_SIM_CHECK(group_history_commits(h, 1, 2, 2));
    group_history_committed(h, 1, 2, 2);
    group_history_read(h, 1, 1); /* of an earlier life */
    expect("lost-commit");

    h = fresh();
    OD_SIM_CHECK(group_history_commits(h, 1, 1, 1));
    group_history_refused(h, 1, 1);
    group_history_read(h, 1, 1);
    expect("lost-commit");
}

void sim_self_groups(void)
{
    generations();
    owners();
    offsets();
}
