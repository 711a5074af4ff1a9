/* SPDX-License-Identifier: Apache-2.0 */
/* Formats a line straight into the caller's ring. */
#include "base/log.h"

#include "base/logring.h"

#include <stdarg.h>
#include <stdio.h>

static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void od_log(enum od_log_level level, const char *area, const char *format, ...)
{
    struct od_logring *ring;
    struct od_logring_line *line;
    uint32_t head;
    va_list args;
    int len;

    if (!od_logring_wants(level, area))
        return;
    ring = od_logring_current();
    head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    line = &ring->lines[head % OD_LOGRING_LINES];
    if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == OD_LOGRING_LINES) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return;
    }
    line->wall_ms = od_logring_wall_ms();
    line->level = level;
    len = snprintf(line->text, sizeof(line->text), "%s: ", area);
    va_start(args, format);
    vsnprintf(line->text + len, sizeof(line->text) - (size_t)len, format, args);
    va_end(args);
    make_printable(line->text);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    od_logring_added(ring);
}

bool od_logring_take(struct od_logring *ring, struct od_logring_line *out)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
        return false;
    *out = ring->lines[tail % OD_LOGRING_LINES];
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}
