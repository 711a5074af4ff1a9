/* SPDX-License-Identifier: Apache-2.0 */
/* epoll, and an eventfd by which other threads wake it. */
#include "os/poll.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/linux/linux_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH_MAX = 256 };

struct od_poll {
    int epoll_fd;
    int wake_fd;
    _Atomic bool wake_pending; /* the eventfd is set: further wakes need no system call */
};

static enum od_err fail(const char *call, int e)
{
    od_log(OD_LOG_ERROR, "os", "%s: %s", call, od_errno_name(e));
    return od_errno_to_err(e);
}

enum od_err od_poll_new(struct od_poll **out)
{
    struct od_poll *p = OD_NEW(struct od_poll);
    struct epoll_event wake = { .events = EPOLLIN }; /* a tag of NULL */
    enum od_err err;

    p->wake_fd = -1;
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll_fd >= 0)
        p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake_fd < 0 || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->wake_fd, &wake) < 0) {
        err = fail("epoll or eventfd", errno);
        od_poll_free(p);
        return err;
    }
    *out = p;
    return OD_NONE;
}

void od_poll_free(struct od_poll *p)
{
    if (p->wake_fd >= 0)
        close(p->wake_fd);
    if (p->epoll_fd >= 0)
        close(p->epoll_fd);
    od_free(p);
}

static struct epoll_event event_of(unsigned want, void *tag)
{
    uint32_t events = (want & OD_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                      (want & OD_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

    return (struct epoll_event){ .events = events, .data.ptr = tag };
}

static unsigned ready_of(uint32_t events)
{
    return (events & EPOLLIN ? OD_POLL_IN : 0u) | (events & EPOLLOUT ? OD_POLL_OUT : 0u) |
           (events & (EPOLLHUP | EPOLLERR) ? OD_POLL_HANGUP : 0u);
}

enum od_err od_poll_add(struct od_poll *p, struct od_socket *s, unsigned want, void *tag)
{
    struct epoll_event event = event_of(want, tag);

    OD_ASSERT(tag);
    return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, s->fd, &event) == 0 ? OD_NONE
                                                                     : fail("epoll_ctl", errno);
}

void od_poll_change(struct od_poll *p, struct od_socket *s, unsigned want, void *tag)
{
    struct epoll_event event = event_of(want, tag);
    int rc = epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, s->fd, &event);

    OD_ASSERT(rc == 0); /* the socket was added, and changing takes no memory */
}

void od_poll_remove(struct od_poll *p, struct od_socket *s)
{
    int rc = epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);

    OD_ASSERT(rc == 0);
}

static void take_wake(struct od_poll *p)
{
    uint64_t count;
    ssize_t got = read(p->wake_fd, &count, sizeof(count));

    (void)got; /* non-blocking; what it counts does not matter */
    /* After the read: a wake from here on writes again. */
    atomic_exchange_explicit(&p->wake_pending, false, memory_order_acq_rel);
}

int od_poll_wait(struct od_poll *p, struct od_poll_event *events, int max, int64_t timeout_ms)
{
    struct epoll_event got[BATCH_MAX];
    int timeout = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
    int n = epoll_wait(p->epoll_fd, got, max < BATCH_MAX ? max : BATCH_MAX, timeout);
    int kept = 0;

    OD_ASSERT(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++) {
        if (got[i].data.ptr) {
            events[kept++] = (struct od_poll_event){ got[i].data.ptr, ready_of(got[i].events) };
        } else {
            take_wake(p);
        }
    }
    return kept;
}

void od_poll_wake(struct od_poll *p)
{
    uint64_t one = 1;
    ssize_t put;

    if (atomic_exchange_explicit(&p->wake_pending, true, memory_order_acq_rel))
        return;
    put = write(p->wake_fd, &one, sizeof(one));
    (void)put; /* full means set, which is what is wanted */
}
