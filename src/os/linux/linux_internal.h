/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Linux twin share: descriptors and errno. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <sys/uio.h>

struct od_file {
    int fd;
    char path[]; /* as opened, for log lines */
};

struct od_socket {
    int fd;
};

/* Spans go to the kernel as they are. */
_Static_assert(sizeof(struct od_span) == sizeof(struct iovec) &&
                   offsetof(struct od_span, data) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct od_span, len) == offsetof(struct iovec, iov_len),
               "od_span is iovec");

static inline const struct iovec *od_spans_iov(const struct od_span *spans)
{
    return (const struct iovec *)(const void *)spans;
}

enum od_err od_errno_to_err(int e);
/* "ENOENT"; never NULL. */
const char *od_errno_name(int e);
