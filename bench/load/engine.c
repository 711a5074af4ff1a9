/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's event loop: edge-triggered epoll, one receive area for all connections. */
#include "load/engine.h"

#include "base/be.h"
#include "base/mem.h"
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    AREA_BYTES = 1 << 20,
    EVENTS_MAX = 256,
    LENGTH_BYTES = 4,
    ANSWER_BYTES_MAX = 64 << 20,
    WAIT_NS_MAX = 20 * 1000 * 1000, /* how late the window may be noticed to have ended */
    STAT_BYTES = 1024,
};

struct conn {
    int fd;
    uint32_t index;
    struct od_script_cursor cursor;
    uint32_t next_slot;
    uint32_t oldest_slot;
    uint32_t in_flight;
    uint64_t started; /* requests begun since the start */
    uint64_t due;     /* fixed rate: requests due and not begun */
    size_t send_pos;  /* in the ring: the next byte to send */
    size_t unsent;    /* bytes of begun requests from there */
    bool writable;
    int64_t *begin_ns; /* per slot */
    uint8_t head[OD_KAFKA_HEAD_BYTES];
    uint32_t head_len;
    uint32_t frame_bytes; /* of the answer that is arriving; 0: not known yet */
    uint32_t skip;        /* its bytes after the head that have not come yet */
    int64_t payload;      /* what the check of its head said */
};

enum phase { WARMUP, WINDOW, OVER };

struct engine {
    const struct od_engine_settings *settings;
    const struct od_script *script;
    struct od_engine_result *result;
    struct conn *conns;
    int epoll;
    uint8_t *area;
    enum phase phase;
    int64_t now_ns;
    int64_t start_ns;
    int64_t window_start_ns;
    int64_t window_end_ns;
    uint64_t released; /* fixed rate: requests that have become due */
};

static int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double own_cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* utime + stime of all threads, fields 14 and 15; the name in field 2 may hold anything. */
static double process_cpu_s(pid_t pid)
{
    char path[64];
    char text[STAT_BYTES];
    unsigned long long user = 0;
    unsigned long long system = 0;
    char *after_name;
    ssize_t n;
    int fd;

    if (pid == 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        od_fail("%s", path);
    close(fd);
    text[n] = '\0';
    after_name = strrchr(text, ')');
    if (!after_name ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &system) != 2)
        od_fail("%s cannot be read", path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

int od_engine_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
        od_fail("connection to port %d", port);
    return fd;
}

static void flush(const struct engine *e, struct conn *c)
{
    size_t ring_bytes = (size_t)e->script->settings.depth * e->script->frame_bytes;

    while (c->unsent > 0 && c->writable) {
        size_t first = ring_bytes - c->send_pos;
        struct iovec parts[2] = {
            {c->cursor.ring + c->send_pos, first < c->unsent ? first : c->unsent},
            {c->cursor.ring, c->unsent > first ? c->unsent - first : 0},
        };
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = c->unsent > first ? 2 : 1};
        ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN)
            od_fail("send on connection %u", c->index);
        if (n < 0) {
            c->writable = false;
            return;
        }
        c->unsent -= (size_t)n;
        c->send_pos = (c->send_pos + (size_t)n) % ring_bytes;
    }
}

static int64_t due_ns(const struct engine *e, uint64_t request)
{
    return e->start_ns + (int64_t)((double)request / e->settings->rate * 1e9);
}

static void begin_requests(struct engine *e, struct conn *c)
{
    uint32_t depth = e->script->settings.depth;
    bool fixed = e->settings->rate > 0;

    while (c->in_flight < depth && (!fixed || c->due > 0)) {
        c->begin_ns[c->next_slot] = e->now_ns;
        if (fixed) {
            c->begin_ns[c->next_slot] = due_ns(e, c->started * e->settings->connections + c->index);
            c->due--;
        }
        od_script_prepare(e->script, &c->cursor, c->next_slot);
        c->next_slot = (c->next_slot + 1) % depth;
        c->in_flight++;
        c->started++;
        c->unsent += e->script->frame_bytes;
    }
    flush(e, c);
}

static void end_request(struct engine *e, struct conn *c)
{
    int64_t begin = c->begin_ns[c->oldest_slot];

    c->oldest_slot = (c->oldest_slot + 1) % e->script->settings.depth;
    c->in_flight--;
    c->head_len = 0;
    c->frame_bytes = 0;
    if (c->payload < 0)
        e->result->errors++;
    if (e->phase != WINDOW)
        return;
    e->result->answers++;
    if (e->script->settings.work == OD_SCRIPT_PRODUCE)
        e->result->bytes += e->script->settings.batch_bytes;
    else if (c->payload > 0)
        e->result->bytes += (uint64_t)c->payload;
    od_histogram_add(&e->result->latency_ns, (uint64_t)(e->now_ns - begin));
}

/* Takes bytes of an answer's head; returns how many. */
static size_t take_head(const struct engine *e, struct conn *c, const uint8_t *bytes, size_t len)
{
    uint32_t wanted = c->frame_bytes == 0                ? LENGTH_BYTES
                      : c->frame_bytes < sizeof(c->head) ? c->frame_bytes
                                                         : sizeof(c->head);
    size_t n = wanted - c->head_len < len ? wanted - c->head_len : len;

    memcpy(c->head + c->head_len, bytes, n);
    c->head_len += (uint32_t)n;
    if (c->head_len < wanted)
        return n;
    if (c->frame_bytes == 0) {
        uint32_t rest = od_be32_load(c->head);

        errno = 0;
        if (rest < LENGTH_BYTES || rest > ANSWER_BYTES_MAX || c->in_flight == 0)
            od_fail("connection %u: an answer of %u bytes to %u requests", c->index, rest,
                    c->in_flight);
        c->frame_bytes = LENGTH_BYTES + rest;
        return n;
    }
    c->skip = c->frame_bytes - c->head_len;
    c->payload = od_script_check(e->script, &c->cursor, c->oldest_slot,
                                 (struct od_bytes) {c->head, c->head_len}, c->frame_bytes);
    return n;
}

static void take(struct engine *e, struct conn *c, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t n;

        if (c->skip > 0) {
            n = c->skip < len ? c->skip : len;
            c->skip -= (uint32_t)n;
        } else {
            n = take_head(e, c, bytes, len);
        }
        bytes += n;
        len -= n;
        if (c->skip == 0 && c->frame_bytes > 0 &&
            (c->head_len == c->frame_bytes || c->head_len == sizeof(c->head)))
            end_request(e, c);
    }
}

static void receive(struct engine *e, struct conn *c)
{
    ssize_t n;

    do {
        n = recv(c->fd, e->area, AREA_BYTES, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            errno = n == 0 ? 0 : errno;
            od_fail("connection %u was closed by the server", c->index);
        }
        e->now_ns = clock_ns();
        if (n > 0)
            take(e, c, e->area, (size_t)n);
        begin_requests(e, c);
    } while (n == AREA_BYTES);
}

static void release_due(struct engine *e)
{
    uint32_t n = e->settings->connections;

    while (due_ns(e, e->released) <= e->now_ns) {
        struct conn *c = &e->conns[e->released % n];

        c->due++;
        e->released++;
        begin_requests(e, c);
    }
}

static void measure(struct engine *e)
{
    struct od_engine_result *r = e->result;

    if (e->phase == WARMUP && e->now_ns >= e->window_start_ns) {
        e->phase = WINDOW;
        r->server_cpu_s = -process_cpu_s(e->settings->server_pid);
        r->own_cpu_s = -own_cpu_s();
        e->window_start_ns = clock_ns();
        e->window_end_ns = e->window_start_ns + e->settings->window_ms * 1000000;
    } else if (e->phase == WINDOW && e->now_ns >= e->window_end_ns) {
        e->phase = OVER;
        r->server_cpu_s += process_cpu_s(e->settings->server_pid);
        r->own_cpu_s += own_cpu_s();
        r->seconds = (double)(e->now_ns - e->window_start_ns) / 1e9;
    }
}

static void wait_and_serve(struct engine *e)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec timeout = {.tv_nsec = WAIT_NS_MAX};
    int n;

    if (e->settings->rate > 0) {
        int64_t left = due_ns(e, e->released) - e->now_ns;

        timeout.tv_nsec = left < 0 ? 0 : left < WAIT_NS_MAX ? left : WAIT_NS_MAX;
    }
    n = epoll_pwait2(e->epoll, events, EVENTS_MAX, &timeout, NULL);
    if (n < 0 && errno != EINTR)
        od_fail("epoll");
    e->now_ns = clock_ns();
    measure(e);
    if (e->settings->rate > 0)
        release_due(e);
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;

        if (events[i].events & EPOLLOUT) {
            c->writable = true;
            flush(e, c);
        }
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            receive(e, c);
    }
}

static void open_conn(struct engine *e, uint32_t index)
{
    struct conn *c = &e->conns[index];
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

    c->index = index;
    c->fd = od_engine_connect(e->settings->port);
    c->begin_ns = od_zalloc(e->script->settings.depth * sizeof(*c->begin_ns));
    od_script_begin(e->script, index, &c->cursor);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) || epoll_ctl(e->epoll, EPOLL_CTL_ADD, c->fd, &event))
        od_fail("connection %u", index);
    c->writable = true;
}

static void close_all(struct engine *e)
{
    for (uint32_t i = 0; i < e->settings->connections; i++) {
        struct conn *c = &e->conns[i];

        e->result->unanswered += c->due;
        if (e->settings->rate > 0)
            e->result->unanswered += c->in_flight;
        close(c->fd);
        od_script_end(&c->cursor);
        od_free(c->begin_ns);
    }
    close(e->epoll);
    od_free(e->conns);
    od_free(e->area);
}

void od_engine_run(const struct od_engine_settings *settings, const struct od_script *script,
                   struct od_engine_result *result)
{
    struct engine e = {.settings = settings, .script = script, .result = result};

    e.conns = od_zalloc(settings->connections * sizeof(*e.conns));
    e.area = od_zalloc(AREA_BYTES);
    e.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (e.epoll < 0)
        od_fail("epoll");
    for (uint32_t i = 0; i < settings->connections; i++)
        open_conn(&e, i);
    e.now_ns = e.start_ns = clock_ns();
    e.window_start_ns = e.start_ns + settings->warmup_ms * 1000000;
    for (uint32_t i = 0; i < settings->connections && settings->rate == 0; i++)
        begin_requests(&e, &e.conns[i]);
    while (e.phase != OVER)
        wait_and_serve(&e);
    close_all(&e);
}
