/* SPDX-License-Identifier: Apache-2.0 */
/* Serves a cached 256 MiB file in answers of equal size. */
#include "limits/fetch.h"

#include "base/be.h"
#include "base/mem.h"
#include "fail.h"
#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_BYTES = 256 << 20, HEADER_BYTES = OD_PLAIN_FETCH_HEADER_BYTES, FILL_BYTES = 1 << 20 };

void od_limit_fetch_open(struct od_limit_server *server)
{
    uint32_t body_bytes = server->settings->body_bytes;
    uint8_t *fill = od_alloc(FILL_BYTES);

    memset(fill, 'x', FILL_BYTES);
    server->body_fd = od_store_file_new(server->settings->dir);
    for (off_t pos = 0; pos < FILE_BYTES; pos += FILL_BYTES)
        if (pwrite(server->body_fd, fill, FILL_BYTES, pos) != FILL_BYTES)
            od_fail("write of the served file");
    od_free(fill);
    server->body = od_alloc(body_bytes);
    memset(server->body, 'x', body_bytes);
}

void od_limit_fetch_begin(struct od_limit_server *server, struct od_limit_conn *conn)
{
    uint32_t answers = FILE_BYTES / server->settings->body_bytes;

    /* Spread: neighbours start far from each other. */
    conn->body_pos = (uint64_t)(server->conn_count * 37 % answers) * server->settings->body_bytes;
}

void od_limit_fetch_ask(struct od_limit_conn *conn, uint32_t id)
{
    if (conn->asked_count == OD_LIMIT_DEPTH_MAX)
        od_fail("more than %d fetch requests in flight", OD_LIMIT_DEPTH_MAX);
    conn->asked[(conn->asked_first + conn->asked_count) % OD_LIMIT_DEPTH_MAX] = id;
    conn->asked_count++;
}

static void put_header(const struct od_limit_conn *conn, uint32_t body_bytes, uint8_t *header)
{
    memset(header, 0, HEADER_BYTES);
    od_be32_store(header + OD_PLAIN_LENGTH_AT, HEADER_BYTES - 4 + body_bytes);
    od_be32_store(header + OD_PLAIN_ID_AT, conn->asked[conn->asked_first]);
    od_be32_store(header + OD_PLAIN_BODY_AT, body_bytes);
}

static ssize_t send_by_file(struct od_limit_server *server, struct od_limit_conn *conn,
                            const uint8_t *header)
{
    uint32_t sent = conn->answer_sent;
    off_t pos;
    ssize_t n;

    if (sent < HEADER_BYTES) {
        n = send(conn->fd, header + sent, HEADER_BYTES - sent, MSG_MORE | MSG_NOSIGNAL);
        if (n < (ssize_t)(HEADER_BYTES - sent))
            return n;
        conn->answer_sent = sent = HEADER_BYTES;
    }
    pos = (off_t)(conn->body_pos + sent - HEADER_BYTES);
    return sendfile(conn->fd, server->body_fd, &pos,
                    HEADER_BYTES + server->settings->body_bytes - sent);
}

static ssize_t send_by_copy(struct od_limit_server *server, struct od_limit_conn *conn,
                            const uint8_t *header)
{
    uint32_t body_bytes = server->settings->body_bytes;
    uint32_t body_sent = 0;
    struct iovec parts[2];
    int count = 0;

    if (conn->answer_sent < HEADER_BYTES)
        parts[count++] = (struct iovec) {(uint8_t *)header + conn->answer_sent,
                                         HEADER_BYTES - conn->answer_sent};
    else
        body_sent = conn->answer_sent - HEADER_BYTES;
    if (server->settings->send == OD_LIMIT_SEND_PREAD &&
        pread(server->body_fd, server->body + body_sent, body_bytes - body_sent,
              (off_t)(conn->body_pos + body_sent)) != (ssize_t)(body_bytes - body_sent))
        od_fail("read of the served file");
    parts[count++] = (struct iovec) {server->body + body_sent, body_bytes - body_sent};
    return writev(conn->fd, parts, count);
}

bool od_limit_fetch_send(struct od_limit_server *server, struct od_limit_conn *conn)
{
    uint32_t body_bytes = server->settings->body_bytes;

    while (conn->asked_count > 0) {
        uint8_t header[HEADER_BYTES];
        ssize_t n;

        put_header(conn, body_bytes, header);
        n = server->settings->send == OD_LIMIT_SEND_FILE ? send_by_file(server, conn, header)
                                                         : send_by_copy(server, conn, header);
        if (n < 0 && errno != EAGAIN)
            return false;
        conn->answer_sent += n > 0 ? (uint32_t)n : 0;
        if (conn->answer_sent < HEADER_BYTES + body_bytes) {
            od_limit_want_out(server, conn, true);
            return true;
        }
        conn->answer_sent = 0;
        conn->asked_first = (conn->asked_first + 1) % OD_LIMIT_DEPTH_MAX;
        conn->asked_count--;
        conn->body_pos += body_bytes;
        if (conn->body_pos + body_bytes > FILE_BYTES)
            conn->body_pos = 0;
    }
    if (conn->wants_out)
        od_limit_want_out(server, conn, false);
    return true;
}
