/* SPDX-License-Identifier: Apache-2.0 */
/* What a limit program was asked to do; filled from the command line, constant afterwards. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum od_limit_work {
    OD_LIMIT_PING,     /* answer 64 bytes */
    OD_LIMIT_PRODUCE,  /* checksum, write, acknowledge */
    OD_LIMIT_FETCH,    /* answer a header and bytes */
    OD_LIMIT_PIPELINE, /* produce with one blocking connection */
    OD_LIMIT_KAFKA,    /* answer in Kafka's framing without being a broker */
};

enum od_limit_write {
    OD_LIMIT_WRITE_NONE,   /* checksum only */
    OD_LIMIT_WRITE_EACH,   /* one pwrite per frame, to the connection's file */
    OD_LIMIT_WRITE_GATHER, /* one pwritev per wake-up, to one file */
};

enum od_limit_send {
    OD_LIMIT_SEND_FILE,   /* send(MSG_MORE) + sendfile */
    OD_LIMIT_SEND_PREAD,  /* pread + writev */
    OD_LIMIT_SEND_MEMORY, /* writev from a warm buffer */
};

struct od_limit_settings {
    enum od_limit_work work;
    enum od_limit_write write;
    enum od_limit_send send;
    int port;
    int ready_fd;        /* gets one byte when the port listens; -1: nobody waits */
    const char *dir;     /* files are made here and unlinked at once */
    uint32_t files;      /* connections share them in turn */
    uint64_t volume;     /* bytes all files hold together before they are written over; 0: grow */
    uint32_t body_bytes; /* a fetched answer's payload */
};
