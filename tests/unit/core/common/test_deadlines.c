/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of deadlines against a plain array. */
#include "core/common/deadlines.h"
#include "test.h"

TEST(the_earliest_comes_first)
{
    struct od_deadlines d = { 0 };
    struct od_deadline e[3] = { 0 };

    CHECK_EQ(od_deadlines_next_ms(&d), INT64_MAX);
    od_deadline_set(&d, &e[0], 30);
    od_deadline_set(&d, &e[1], 10);
    od_deadline_set(&d, &e[2], 20);
    CHECK_EQ(od_deadlines_next_ms(&d), 10);
    CHECK(od_deadlines_take(&d, 9) == NULL);
    CHECK(od_deadlines_take(&d, 10) == &e[1]);
    CHECK_EQ(e[1].index, 0);
    CHECK(od_deadlines_take(&d, 40) == &e[2]);
    CHECK(od_deadlines_take(&d, 40) == &e[0]);
    CHECK(od_deadlines_take(&d, 40) == NULL);
    od_deadlines_deinit(&d);
}

TEST(an_unset_deadline_may_be_cleared)
{
    struct od_deadlines d = { 0 };
    struct od_deadline e = { 0 };

    od_deadline_clear(&d, &e);
    od_deadline_set(&d, &e, 1);
    od_deadline_clear(&d, &e);
    od_deadline_clear(&d, &e);
    CHECK_EQ(d.count, 0);
    od_deadlines_deinit(&d);
}

TEST(any_order_of_set_move_clear_and_take_agrees_with_an_array)
{
    enum { N = 67 };
    struct od_deadlines d = { 0 };
    struct od_deadline e[N] = { 0 };
    uint64_t r = 1;

    for (int step = 0; step < 20000; step++) {
        int64_t least = INT64_MAX;
        int32_t set = 0;
        int at;

        r = r * 6364136223846793005u + 1442695040888963407u;
        at = (int)((r >> 33) % N);
        if ((r >> 40) % 4 == 0)
            od_deadline_clear(&d, &e[at]);
        else if ((r >> 40) % 16 == 1)
            (void)od_deadlines_take(&d, (int64_t)((r >> 44) % 1000));
        else
            od_deadline_set(&d, &e[at], (int64_t)((r >> 44) % 1000));
        for (int i = 0; i < N; i++) {
            if (!e[i].index)
                continue;
            CHECK(d.v[e[i].index] == &e[i]);
            least = e[i].due_ms < least ? e[i].due_ms : least;
            set++;
        }
        CHECK_EQ(set, d.count);
        CHECK_EQ(od_deadlines_next_ms(&d), least);
    }
    od_deadlines_deinit(&d);
}
