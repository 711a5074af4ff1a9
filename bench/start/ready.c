/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures start to ready: `ready [-e] PROGRAM [ARGUMENT]...` forks, executes PROGRAM with the
 * write end of a pipe as descriptor 3 and waits for a byte, or with -e for the program's end.
 * Prints the microseconds from before the fork, and the process id; the program is left running,
 * with its standard output sent to standard error.  A program that is not ready within 30 s is
 * ended.
 */
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_FD = 3, TIMEOUT_MS = 30000 };

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static pid_t start(char **command, int *ready)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC))
        od_fail("pipe");
    pid = fork();
    if (pid < 0)
        od_fail("fork");
    if (pid == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        dup2(ends[1], READY_FD);
        execv(command[0], command);
        od_fail("exec %s", command[0]);
    }
    close(ends[1]);
    *ready = ends[0];
    return pid;
}

/* Bytes that came: 1, or 0 when the program has closed the descriptor. */
static ssize_t wait_ready(int ready, pid_t pid, char *byte)
{
    struct pollfd p = {.fd = ready, .events = POLLIN};
    ssize_t n;

    if (poll(&p, 1, TIMEOUT_MS) == 0) {
        kill(pid, SIGKILL);
        errno = ETIMEDOUT;
        od_fail("ready descriptor");
    }
    n = read(ready, byte, 1);
    if (n < 0)
        od_fail("ready descriptor");
    return n;
}

int main(int argc, char **argv)
{
    int until_end = argc > 1 && strcmp(argv[1], "-e") == 0;
    int ready;
    char byte;
    double begin;
    double end;
    pid_t pid;
    ssize_t n;

    if (argc < 2 + until_end)
        od_fail("usage: ready [-e] PROGRAM [ARGUMENT]...");
    /* Occupied, so that no end of the pipe can be descriptor 3 itself. */
    if (fcntl(READY_FD, F_GETFD) < 0)
        dup2(STDERR_FILENO, READY_FD);
    begin = now_us();
    pid = start(argv + 1 + until_end, &ready);
    n = wait_ready(ready, pid, &byte);
    end = now_us();
    if (n != !until_end) {
        waitpid(pid, NULL, 0);
        errno = 0;
        od_fail("%s ended before it was ready", argv[1 + until_end]);
    }
    if (until_end)
        waitpid(pid, NULL, 0);
    printf("%.1f %ld\n", end - begin, (long)pid);
    return 0;
}
