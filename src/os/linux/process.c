/* SPDX-License-Identifier: Apache-2.0 */
/* Cores by affinity; memory by sysinfo and the cgroup's limit, either version. */
#include "os/process.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

int od_process_cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

/* "max", an absent file and absurd numbers all mean no limit. */
static int64_t limit_in(const char *path)
{
    char text[64] = "";
    FILE *f = fopen(path, "re");
    int64_t limit = INT64_MAX;

    if (!f)
        return limit;
    if (fgets(text, sizeof(text), f) && text[0] >= '1' && text[0] <= '9')
        limit = strtoll(text, NULL, 10);
    fclose(f);
    return limit;
}

int64_t od_process_memory_bytes(void)
{
    static const char *const limits[] = { "/sys/fs/cgroup/memory.max",
                                          "/sys/fs/cgroup/memory/memory.limit_in_bytes" };
    struct sysinfo info;
    int64_t bytes = (int64_t)1 << 30;

    if (!sysinfo(&info))
        bytes = (int64_t)info.totalram * info.mem_unit;
    for (size_t i = 0; i < OD_COUNT(limits); i++) {
        int64_t limit = limit_in(limits[i]);

        if (limit < bytes)
            bytes = limit;
    }
    return bytes;
}

bool od_process_can_write(const char *dir)
{
    char parent[256];
    char *slash;

    if (!access(dir, W_OK | X_OK))
        return true;
    if (errno != ENOENT || snprintf(parent, sizeof(parent), "%s", dir) >= (int)sizeof(parent))
        return false;
    slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return false;
    *slash = '\0';
    return !access(parent, W_OK | X_OK);
}
