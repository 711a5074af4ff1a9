/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a broker: while the file that FREEZE_SYNC names exists, fsync and fdatasync do not
 * return; while a file of that name with ".fail" exists, they fail with EIO.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);

static int synced(int fd, const char *name)
{
    const char *file = getenv("FREEZE_SYNC");
    int (*real)(int fd);
    char fail[4096];

    while (file && access(file, F_OK) == 0)
        usleep(500);
    snprintf(fail, sizeof(fail), "%s.fail", file ? file : "");
    if (file && access(fail, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd)
{
    return synced(fd, "fsync");
}

int fdatasync(int fd)
{
    return synced(fd, "fdatasync");
}
