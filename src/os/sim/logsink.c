/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines in the simulator: the last ones are kept and printed when the run fails. */
#include "base/logring.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/logdrain.h"
#include "os/sim/world.h"

#include <stdarg.h>

enum { KEPT_LINES = 400, KEPT_BYTES = OD_LOG_LINE_MAX + 80 };

static char kept[KEPT_LINES][KEPT_BYTES];
static uint64_t kept_count;

void od_sim_log_line(const char *text)
{
    const struct od_thread *f = od_world.running;
    char *line = kept[kept_count++ % KEPT_LINES];

    snprintf(line, KEPT_BYTES, "%12.6f %s/%s#%u %s", (double)od_world.now_ns / 1e9,
             f ? f->node->name : "sim", f ? f->name : "scheduler", f ? f->id : 0, text);
    if (od_world.options.verbose)
        fprintf(stderr, "%s\n", line);
}

void od_sim_log_print(void)
{
    uint64_t first = kept_count > KEPT_LINES ? kept_count - KEPT_LINES : 0;

    for (uint64_t i = first; i < kept_count && !od_world.options.verbose; i++)
        fprintf(stderr, "%s\n", kept[i % KEPT_LINES]);
}

void od_sim_note(const char *format, ...)
{
    char text[OD_LOG_LINE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    od_sim_log_line(text);
}

struct od_logring *od_logring_current(void)
{
    struct od_thread_state *state = od_thread_state();

    if (!state->ring)
        state->ring = OD_NEW(struct od_logring);
    return state->ring;
}

int64_t od_logring_wall_ms(void)
{
    return od_clock_wall_ms();
}

void od_logring_added(struct od_logring *ring)
{
    struct od_logring_line line;

    while (od_logring_take(ring, &line))
        od_sim_log_line(line.text);
}

enum od_err od_logdrain_start(void)
{
    return OD_NONE;
}

void od_logdrain_stop(void)
{
}

void od_log_flush(void)
{
}
