/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a broker: while the file that FREEZE_SYNC names exists, fsync, fdatasync and
 * sync_file_range do not return; while a file of that name with ".fail" exists, they fail with EIO.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);
int sync_file_range(int fd, off64_t pos, off64_t len, unsigned flags);

/* Waits while frozen; true: the call is to fail. */
static int held_up(void)
{
    const char *file = getenv("FREEZE_SYNC");
    char fail[4096];

    while (file && access(file, F_OK) == 0)
        usleep(500);
    snprintf(fail, sizeof(fail), "%s.fail", file ? file : "");
    if (!file || access(fail, F_OK) != 0)
        return 0;
    errno = EIO;
    return 1;
}

static int synced(int fd, const char *name)
{
    int (*real)(int fd);

    if (held_up())
        return -1;
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

int sync_file_range(int fd, off64_t pos, off64_t len, unsigned flags)
{
    int (*real)(int fd, off64_t pos, off64_t len, unsigned flags);

    if (held_up())
        return -1;
    *(void **)&real = dlsym(RTLD_NEXT, "sync_file_range");
    return real(fd, pos, len, flags);
}
