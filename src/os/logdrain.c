/* SPDX-License-Identifier: Apache-2.0 */
/* How a log line looks. */
#include "os/logdrain.h"

#include <stdio.h>
#include <time.h>

static const char *level_name(enum od_log_level level)
{
    switch (level) {
    case OD_LOG_DEBUG:
        return "DEBUG";
    case OD_LOG_INFO:
        return "INFO";
    case OD_LOG_WARN:
        return "WARN";
    case OD_LOG_ERROR:
        return "ERROR";
    }
    return "?";
}

size_t od_logdrain_print(const struct od_logring_line *line, char out[OD_LOG_PRINTED_MAX])
{
    time_t seconds = (time_t)(line->wall_ms / 1000);
    struct tm utc;
    char when[24];
    int len;

    gmtime_r(&seconds, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
    len = snprintf(out, OD_LOG_PRINTED_MAX, "%s.%03dZ %s %s\n", when,
                   (int)(line->wall_ms % 1000), level_name(line->level), line->text);
    return (size_t)len;
}
