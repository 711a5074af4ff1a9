/* SPDX-License-Identifier: Apache-2.0 */
/* signalfd as one more socket of the reactor. */
#include "os/signals.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/linux/linux_internal.h"
#include "os/poll.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct od_signals {
    struct od_socket socket;
    struct od_watch watch;
    struct od_reactor *reactor;
    void (*got)(void *user, enum od_signal signal);
    void *user;
};

static sigset_t handled(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

void od_signals_block(void)
{
    sigset_t set = handled();

    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void on_ready(struct od_watch *w, unsigned ready)
{
    struct od_signals *s = OD_CONTAINER(w, struct od_signals, watch);
    struct signalfd_siginfo info;

    (void)ready;
    /* One per turn: got may end the watch. */
    if (read(s->socket.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        s->got(s->user, info.ssi_signo == SIGHUP ? OD_SIGNAL_RELOAD : OD_SIGNAL_STOP);
}

enum od_err od_signals_watch(struct od_reactor *r, void (*got)(void *user, enum od_signal signal),
                             void *user, struct od_signals **out)
{
    struct od_signals *s = OD_NEW(struct od_signals);
    sigset_t set = handled();
    enum od_err err;

    s->reactor = r;
    s->got = got;
    s->user = user;
    s->watch.socket = &s->socket;
    s->watch.ready = on_ready;
    s->socket.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->socket.fd < 0) {
        err = od_errno_to_err(errno);
        od_log(OD_LOG_ERROR, "os", "signalfd: %s", od_errno_name(errno));
        od_free(s);
        return err;
    }
    err = od_reactor_watch(r, &s->watch, OD_POLL_IN);
    if (err) {
        close(s->socket.fd);
        od_free(s);
        return err;
    }
    *out = s;
    return OD_NONE;
}

void od_signals_unwatch(struct od_signals *s)
{
    if (!s)
        return;
    od_reactor_unwatch(s->reactor, &s->watch);
    close(s->socket.fd);
    od_free(s);
}
