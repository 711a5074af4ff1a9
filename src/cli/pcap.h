/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP segments of a packet capture as tcpdump -w writes it (classic pcap of Ethernet, Linux
 * cooked, loopback or raw IP), in the order of the file.  What is not whole TCP over IPv4 or IPv6
 * is passed over.  Borrows the file's bytes.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct od_pcap {
    const uint8_t *p, *end;
    bool swapped;   /* written on a machine of the other byte order */
    uint32_t link;  /* the kind of frame, a LINKTYPE number */
};

struct od_pcap_end {
    uint8_t address[16]; /* an IPv4 address stands in the first four bytes, then zeros */
    uint16_t port;
    bool v6;
};

struct od_pcap_segment {
    struct od_pcap_end from, to;
    uint32_t seq; /* of the first byte, or of SYN */
    bool syn, ack;
    const uint8_t *data;
    size_t len; /* as captured: less than was sent if the capture cut it */
};

/* OD_E_CORRUPT: not such a file. */
OD_MUST_USE enum od_err od_pcap_open(struct od_pcap *c, const uint8_t *data, size_t len);

bool od_pcap_next(struct od_pcap *c, struct od_pcap_segment *out); /* false: no more */
