/* SPDX-License-Identifier: Apache-2.0 */
/* The shortest way of a large batch from a socket into a segment file. */
#include "limits/pipeline.h"

#include "base/be.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "fail.h"
#include "limits/server.h"
#include "limits/store.h"
#include "plain.h"

#include <sys/socket.h>
#include <unistd.h>

/* All frames of a connection have the size of its first one; 0 when there is none. */
static size_t peek_frame_size(int fd)
{
    uint8_t length[4];
    size_t size;

    if (recv(fd, length, sizeof(length), MSG_PEEK | MSG_WAITALL) != sizeof(length))
        return 0;
    size = sizeof(length) + (size_t)od_be32_load(length);
    if (size > OD_LIMIT_FRAME_MAX || size < OD_PLAIN_HEADER_MIN)
        od_fail("a frame of %zu bytes", size);
    return size;
}

static void serve(struct od_store *store, int fd)
{
    size_t size = peek_frame_size(fd);
    uint8_t *frame = od_alloc(size);
    uint8_t ack[OD_PLAIN_ACK_BYTES] = {0};

    od_be32_store(ack + OD_PLAIN_LENGTH_AT, sizeof(ack) - 4);
    while (size > 0 && recv(fd, frame, size, MSG_WAITALL) == (ssize_t)size) {
        uint32_t at = od_be32_load(frame + OD_PLAIN_PAYLOAD_AT);

        if (at > size)
            od_fail("payload begins beyond its frame");
        memcpy(ack + OD_PLAIN_ID_AT, frame + OD_PLAIN_ID_AT, 4);
        od_be32_store(frame + at, od_crc32c(frame + at, size - at));
        od_store_write_segment(store, frame + at, size - at);
        if (send(fd, ack, sizeof(ack), MSG_NOSIGNAL) != sizeof(ack))
            break;
    }
    od_free(frame);
}

void od_limit_pipeline_run(const struct od_limit_settings *settings)
{
    struct od_store store;
    int listener;

    od_store_open_segments(&store, settings->dir);
    listener = od_limit_listen(settings);
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            od_fail("accept");
        od_limit_nodelay(fd);
        serve(&store, fd);
        close(fd);
    }
}
