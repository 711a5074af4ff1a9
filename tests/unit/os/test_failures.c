/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call that the Linux twin makes and that can fail, failed on purpose once: what the
 * caller is told, that an interrupted call is made again, and that nothing is left open.  What
 * follows a short write is in test_file.c.
 */
#include "os/clock.h"
#include "os/file.h"
#include "os/poll.h"
#include "os/process.h"
#include "os/reactor.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/thread.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

/* The next call of that name fails so; taken is set then. */
static struct {
    const char *call;
    int e;
    bool taken;
} fault;

static bool fails(const char *call)
{
    if (!fault.call || strcmp(fault.call, call) != 0)
        return false;
    fault.call = NULL;
    fault.taken = true;
    errno = fault.e;
    return true;
}

#define WRAPPED(name, type, params, args, failed)                                                  \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        return fails(#name) ? failed : __real_##name args;                                         \
    }
WRAPPED(open, int, (const char *p, int how, int mode), (p, how, mode), -1)
WRAPPED(pread, ssize_t, (int fd, void *b, size_t n, off_t at), (fd, b, n, at), -1)
WRAPPED(pwrite, ssize_t, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at), -1)
WRAPPED(pwritev, ssize_t, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at), -1)
WRAPPED(fdatasync, int, (int fd), (fd), -1)
WRAPPED(ftruncate, int, (int fd, off_t len), (fd, len), -1)
WRAPPED(fstat, int, (int fd, struct stat *st), (fd, st), -1)
WRAPPED(fallocate, int, (int fd, int mode, off_t at, off_t len), (fd, mode, at, len), -1)
WRAPPED(sync_file_range, int, (int fd, off_t at, off_t len, unsigned how), (fd, at, len, how), -1)
WRAPPED(syscall, long, (long n, long a, long b, long c, long d, long e, long f),
        (n, a, b, c, d, e, f), -1)
WRAPPED(rename, int, (const char *a, const char *b), (a, b), -1)
WRAPPED(remove, int, (const char *p), (p), -1)
WRAPPED(mkdir, int, (const char *p, mode_t mode), (p, mode), -1)
WRAPPED(stat, int, (const char *p, struct stat *st), (p, st), -1)
WRAPPED(fsync, int, (int fd), (fd), -1)
WRAPPED(opendir, DIR *, (const char *p), (p), NULL)
WRAPPED(readdir, struct dirent *, (DIR *d), (d), NULL)
WRAPPED(fcntl, int, (int fd, int what, struct flock *l), (fd, what, l), -1)
WRAPPED(statvfs, int, (const char *p, struct statvfs *st), (p, st), -1)
WRAPPED(realpath, char *, (const char *p, char *out), (p, out), NULL)
WRAPPED(socket, int, (int a, int b, int c), (a, b, c), -1)
WRAPPED(bind, int, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), -1)
WRAPPED(listen, int, (int fd, int n), (fd, n), -1)
WRAPPED(getsockname, int, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), -1)
WRAPPED(accept4, int, (int fd, struct sockaddr *a, socklen_t *n, int how), (fd, a, n, how), -1)
WRAPPED(connect, int, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), -1)
WRAPPED(recv, ssize_t, (int fd, void *b, size_t n, int how), (fd, b, n, how), -1)
WRAPPED(sendmsg, ssize_t, (int fd, const struct msghdr *m, int how), (fd, m, how), -1)
WRAPPED(sendfile, ssize_t, (int to, int from, off_t *at, size_t n), (to, from, at, n), -1)
WRAPPED(epoll_create1, int, (int how), (how), -1)
WRAPPED(epoll_ctl, int, (int fd, int op, int what, struct epoll_event *e), (fd, op, what, e), -1)
WRAPPED(epoll_wait, int, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms), -1)
WRAPPED(eventfd, int, (unsigned n, int how), (n, how), -1)
WRAPPED(signalfd, int, (int fd, const sigset_t *set, int how), (fd, set, how), -1)
WRAPPED(pthread_create, int,
        (pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg), (t, a, run, arg),
        EAGAIN)
WRAPPED(getrandom, ssize_t, (void *b, size_t n, unsigned how), (b, n, how), -1)
WRAPPED(sysinfo, int, (struct sysinfo *i), (i), -1)
WRAPPED(sched_getaffinity, int, (pid_t p, size_t n, cpu_set_t *set), (p, n, set), -1)
WRAPPED(fopen, FILE *, (const char *p, const char *how), (p, how), NULL)
WRAPPED(getaddrinfo, int,
        (const char *h, const char *s, const struct addrinfo *hints, struct addrinfo **out),
        (h, s, hints, out), EAI_AGAIN)

static void fail_next(const char *call, int e)
{
    fault.call = call;
    fault.e = e;
    fault.taken = false;
}

#define FAILS(name, e, expression, expected)                                                       \
    do {                                                                                           \
        fail_next(name, e);                                                                        \
        CHECK_EQ(expression, expected);                                                            \
        CHECK(fault.taken);                                                                        \
    } while (0)

/* Lowest free descriptor: the same afterwards when nothing was left open. */
static int next_fd(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static const char *in_dir(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
    return path;
}

TEST(calls_on_files_that_fail_are_told_and_interrupted_ones_are_made_again)
{
    struct od_span one = { "0123456789", 10 };
    struct od_file *f = NULL;
    int64_t len = 0;
    char got[10];
    size_t n = 0;
    int before = next_fd();

    FAILS("open", EIO, od_file_open(in_dir("f"), OD_FILE_WRITE | OD_FILE_CREATE, &f), OD_E_IO);
    FAILS("open", EMFILE, od_file_open(in_dir("f"), OD_FILE_WRITE | OD_FILE_CREATE, &f),
          OD_E_LIMIT);
    FAILS("open", ENOSPC, od_file_open(in_dir("f"), OD_FILE_WRITE | OD_FILE_CREATE, &f),
          OD_E_NO_SPACE);
    FAILS("open", EINTR, od_file_open(in_dir("f"), OD_FILE_WRITE | OD_FILE_CREATE, &f), OD_NONE);
    FAILS("pwritev", ENOSPC, od_file_write(f, &one, 1, 0, &n), OD_E_NO_SPACE);
    CHECK_EQ(n, 0);
    FAILS("pwritev", EINTR, od_file_write(f, &one, 1, 0, &n), OD_NONE);
    FAILS("pread", EIO, od_file_read(f, got, sizeof(got), 0, &n), OD_E_IO);
    FAILS("pread", EINTR, od_file_read(f, got, sizeof(got), 0, &n), OD_NONE);
    CHECK_EQ(n, 10);
    FAILS("fdatasync", EIO, od_file_sync(f), OD_E_IO);
    FAILS("fdatasync", EDQUOT, od_file_sync(f), OD_E_NO_SPACE);
    FAILS("ftruncate", EIO, od_file_truncate(f, 5), OD_E_IO);
    FAILS("ftruncate", EINTR, od_file_truncate(f, 5), OD_NONE);
    FAILS("fstat", EIO, od_file_size(f, &len), OD_E_IO);
    FAILS("fallocate", ENOSPC, od_file_preallocate(f, 4096), OD_E_NO_SPACE);
    FAILS("fallocate", EOPNOTSUPP, od_file_preallocate(f, 4096), OD_NONE);
    FAILS("fallocate", EINTR, od_file_preallocate(f, 4096), OD_NONE);
    FAILS("sync_file_range", EIO, od_file_write_back(f, 0, 5), OD_E_IO);
    FAILS("sync_file_range", ENOSYS, od_file_write_back(f, 0, 5), OD_NONE);
    FAILS("syscall", ENOSYS, od_file_resident(f, 0, 5), false); /* then a helper reads it */
    od_file_close(f);
    CHECK_EQ(next_fd(), before);
}

static enum od_err count_entry(void *arg, const char *name, bool is_dir)
{
    (void)name, (void)is_dir;
    ++*(int *)arg;
    return OD_NONE;
}

TEST(calls_on_paths_that_fail_are_told)
{
    struct od_file *lock = NULL;
    char from[512], path[OD_PATH_MAX];
    int64_t a, b;
    int seen = 0, before = next_fd();

    snprintf(from, sizeof(from), "%s", in_dir("from"));
    FAILS("rename", EIO, od_path_rename(from, in_dir("to")), OD_E_IO);
    FAILS("remove", EIO, od_path_remove(from), OD_E_IO);
    FAILS("remove", ENOTEMPTY, od_path_remove(from), OD_E_EXISTS);
    FAILS("stat", EIO, od_path_modified_ms(test_dir(), &a), OD_E_IO);
    FAILS("stat", ENOENT, od_path_modified_ms(test_dir(), &a), OD_E_NOT_FOUND);
    FAILS("mkdir", ENOSPC, od_dir_make(in_dir("made/deep")), OD_E_NO_SPACE);
    FAILS("open", EIO, od_dir_sync(test_dir()), OD_E_IO);
    FAILS("fsync", EIO, od_dir_sync(test_dir()), OD_E_IO);
    FAILS("opendir", EMFILE, od_dir_list(test_dir(), count_entry, &seen), OD_E_LIMIT);
    FAILS("readdir", EIO, od_dir_list(test_dir(), count_entry, &seen), OD_E_IO);
    CHECK_EQ(seen, 0);
    FAILS("fcntl", EAGAIN, od_dir_lock(test_dir(), &lock), OD_E_BUSY);
    FAILS("fcntl", ENOLCK, od_dir_lock(test_dir(), &lock), OD_E_IO);
    FAILS("statvfs", EIO, od_dir_space(test_dir(), &a, &b), OD_E_IO);
    FAILS("statvfs", EINTR, od_dir_space(test_dir(), &a, &b), OD_NONE);
    CHECK(a > 0 && b >= a);
    fail_next("realpath", EACCES);
    od_path_absolute("some/path", path);
    CHECK(fault.taken);
    CHECK_STR(path, "some/path");
    CHECK_EQ(next_fd(), before);
}

TEST(sockets_that_cannot_be_made_are_told_and_leave_nothing_open)
{
    struct od_socket *s = NULL, *c = NULL;
    struct od_address bound;
    int before = next_fd();

    FAILS("socket", EMFILE, od_socket_listen("127.0.0.1", 0, 8, &s, &bound), OD_E_LIMIT);
    FAILS("bind", EADDRINUSE, od_socket_listen("127.0.0.1", 0, 8, &s, &bound), OD_E_BUSY);
    FAILS("bind", EACCES, od_socket_listen("127.0.0.1", 0, 8, &s, &bound), OD_E_IO);
    FAILS("listen", EADDRINUSE, od_socket_listen("127.0.0.1", 0, 8, &s, &bound), OD_E_BUSY);
    FAILS("getsockname", ENOBUFS, od_socket_listen("127.0.0.1", 0, 8, &s, &bound), OD_E_IO);
    FAILS("getaddrinfo", 0, od_socket_listen("127.0.0.1", 0, 8, &s, &bound), OD_E_NOT_FOUND);
    CHECK_EQ(next_fd(), before);
    CHECK_OK(od_socket_listen("127.0.0.1", 0, 8, &s, &bound));
    FAILS("socket", EMFILE, od_socket_connect("127.0.0.1", bound.port, &c), OD_E_LIMIT);
    FAILS("connect", ENETUNREACH, od_socket_connect("127.0.0.1", bound.port, &c), OD_E_CLOSED);
    FAILS("getaddrinfo", 0, od_socket_connect("127.0.0.1", bound.port, &c), OD_E_NOT_FOUND);
    od_socket_close(s);
    CHECK_EQ(next_fd(), before);
}

TEST(calls_on_sockets_that_fail_are_told_and_interrupted_ones_are_made_again)
{
    struct od_socket *listener, *client, *server;
    struct od_span one = { "x", 1 };
    struct od_address bound, peer;
    struct od_poll_event event;
    struct od_poll *poll;
    struct od_file *f;
    char got[4];
    size_t n;

    CHECK_OK(od_poll_new(&poll));
    CHECK_OK(od_socket_listen("127.0.0.1", 0, 8, &listener, &bound));
    CHECK_OK(od_socket_connect("127.0.0.1", bound.port, &client));
    CHECK_OK(od_poll_add(poll, listener, OD_POLL_IN, listener));
    FAILS("epoll_wait", EINTR, od_poll_wait(poll, &event, 1, 5000), 0);
    CHECK_EQ(od_poll_wait(poll, &event, 1, 5000), 1);
    FAILS("accept4", EMFILE, od_socket_accept(listener, &server, &peer), OD_E_LIMIT);
    FAILS("accept4", EBADF, od_socket_accept(listener, &server, &peer), OD_E_IO);
    FAILS("accept4", EINTR, od_socket_accept(listener, &server, &peer), OD_NONE);
    FAILS("sendmsg", EIO, od_socket_send(server, &one, 1, false, &n), OD_E_IO);
    FAILS("sendmsg", EAGAIN, od_socket_send(server, &one, 1, false, &n), OD_E_AGAIN);
    FAILS("sendmsg", EPIPE, od_socket_send(server, &one, 1, false, &n), OD_E_CLOSED);
    CHECK_EQ(n, 0);
    FAILS("sendmsg", EINTR, od_socket_send(server, &one, 1, false, &n), OD_NONE);
    CHECK_EQ(n, 1);
    CHECK_OK(od_file_open("/proc/self/exe", OD_FILE_READ, &f));
    FAILS("sendfile", EIO, od_socket_send_file(server, f, 0, 1, &n), OD_E_IO);
    FAILS("sendfile", EAGAIN, od_socket_send_file(server, f, 0, 1, &n), OD_E_AGAIN);
    FAILS("sendfile", EINTR, od_socket_send_file(server, f, 0, 1, &n), OD_NONE);
    CHECK_OK(od_poll_add(poll, client, OD_POLL_IN, client));
    CHECK_EQ(od_poll_wait(poll, &event, 1, 5000), 1);
    FAILS("recv", EIO, od_socket_recv(client, got, sizeof(got), &n), OD_E_IO);
    FAILS("recv", ECONNRESET, od_socket_recv(client, got, sizeof(got), &n), OD_E_CLOSED);
    FAILS("recv", EINTR, od_socket_recv(client, got, sizeof(got), &n), OD_NONE);
    fail_next("getsockname", ENOBUFS);
    od_socket_local(client, &peer);
    CHECK(fault.taken);
    CHECK_EQ(peer.host[0], '\0');
    od_file_close(f);
    od_socket_close(client);
    od_socket_close(server);
    od_socket_close(listener);
    od_poll_free(poll);
}

static void never(void *user, enum od_signal signal)
{
    (void)user, (void)signal;
}

static void nothing(void *arg)
{
    (void)arg;
}

TEST(what_a_reactor_is_made_of_may_fail_and_leaves_nothing_open)
{
    struct od_reactor *r = NULL;
    struct od_signals *signals = NULL;
    struct od_socket *s = NULL;
    struct od_thread *t = NULL;
    struct od_address bound;
    struct od_watch w;
    int before = next_fd();

    FAILS("epoll_create1", EMFILE, od_reactor_new(0, &r), OD_E_LIMIT);
    FAILS("eventfd", EMFILE, od_reactor_new(0, &r), OD_E_LIMIT);
    FAILS("epoll_ctl", ENOMEM, od_reactor_new(0, &r), OD_E_IO);
    CHECK_EQ(next_fd(), before);
    CHECK_OK(od_reactor_new(0, &r));
    CHECK_OK(od_socket_listen("127.0.0.1", 0, 8, &s, &bound));
    w = (struct od_watch){ .socket = s };
    FAILS("epoll_ctl", ENOSPC, od_reactor_watch(r, &w, OD_POLL_IN), OD_E_NO_SPACE);
    FAILS("signalfd", EMFILE, od_signals_watch(r, never, NULL, &signals), OD_E_LIMIT);
    FAILS("epoll_ctl", ENOMEM, od_signals_watch(r, never, NULL, &signals), OD_E_IO);
    CHECK(signals == NULL);
    od_socket_close(s);
    od_reactor_free(r);
    CHECK_EQ(next_fd(), before);
    fail_next("pthread_create", EAGAIN);
    CHECK(od_thread_start("never", nothing, NULL, &t) != OD_NONE);
    CHECK(fault.taken && !t);
}

TEST(what_the_machine_does_not_tell_has_a_careful_answer)
{
    FAILS("sched_getaffinity", EPERM, od_process_cores(), 1);
    fail_next("sysinfo", EPERM);
    CHECK(od_process_memory_bytes() <= INT64_C(1) << 30);
    CHECK(fault.taken);
    fail_next("fopen", EACCES);
    CHECK(od_process_memory_bytes() > 0);
    CHECK(fault.taken);
    fail_next("getrandom", EINTR);
    CHECK(od_random_u64() != od_random_u64());
    CHECK(fault.taken);
}
