/* SPDX-License-Identifier: Apache-2.0 */
/* Packet captures: file header, packet headers, link layer, IPv4 or IPv6, TCP. */
#include "cli/pcap.h"

#include "base/be.h"

enum {
    FILE_HEADER_BYTES = 24,
    PACKET_HEADER_BYTES = 16,
    MAGIC_US = 0xa1b2c3d4,
    MAGIC_NS = 0xa1b23c4d,
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW = 101,
    LINK_SLL = 113,
    LINK_SLL2 = 276,
    TYPE_VLAN = 0x8100,
    PROTOCOL_TCP = 6,
    IPV6_HEADER_BYTES = 40,
    TCP_HEADER_BYTES = 20,
    TCP_SYN = 2,
    TCP_ACK = 16,
};

static uint32_t load_u32(const struct od_pcap *c, const uint8_t *p)
{
    uint32_t v = od_be32_load(p);

    return c->swapped ? __builtin_bswap32(v) : v;
}

enum od_err od_pcap_open(struct od_pcap *c, const uint8_t *data, size_t len)
{
    uint32_t magic;

    *c = (struct od_pcap) { .p = data, .end = data + len };
    if (len < FILE_HEADER_BYTES)
        return OD_E_CORRUPT;
    magic = od_be32_load(data);
    c->swapped = magic != MAGIC_US && magic != MAGIC_NS;
    magic = load_u32(c, data);
    if (magic != MAGIC_US && magic != MAGIC_NS)
        return OD_E_CORRUPT;
    c->link = load_u32(c, data + 20);
    c->p += FILE_HEADER_BYTES;
    return OD_NONE;
}

static bool link_bytes(uint32_t link, const uint8_t *p, size_t len, size_t *out)
{
    switch (link) {
    case LINK_NULL:
        *out = 4;
        return true;
    case LINK_ETHERNET:
        *out = len > 14 && od_be16_load(p + 12) == TYPE_VLAN ? 18 : 14;
        return true;
    case LINK_RAW:
        *out = 0;
        return true;
    case LINK_SLL:
        *out = 16;
        return true;
    case LINK_SLL2:
        *out = 20;
        return true;
    default:
        return false;
    }
}

/* The length in the IP header leaves out padding; 0 stands for a packet too large for the field. */
static size_t cut_to(size_t len, size_t stated)
{
    return stated > 0 && stated < len ? stated : len;
}

static bool read_ipv4(const uint8_t **p, size_t *len, struct od_pcap_segment *out)
{
    size_t head;

    if (*len < 20)
        return false;
    head = (size_t)((*p)[0] & 15) * 4;
    *len = cut_to(*len, od_be16_load(*p + 2));
    if (head < 20 || head > *len || (*p)[9] != PROTOCOL_TCP || (od_be16_load(*p + 6) & 0x3fff))
        return false; /* a fragment counts as not whole */
    memcpy(out->from.address, *p + 12, 4);
    memcpy(out->to.address, *p + 16, 4);
    *p += head;
    *len -= head;
    return true;
}

static bool read_ipv6(const uint8_t **p, size_t *len, struct od_pcap_segment *out)
{
    if (*len < IPV6_HEADER_BYTES || (*p)[6] != PROTOCOL_TCP)
        return false;
    memcpy(out->from.address, *p + 8, 16);
    memcpy(out->to.address, *p + 24, 16);
    out->from.v6 = out->to.v6 = true;
    *len = cut_to(*len - IPV6_HEADER_BYTES, od_be16_load(*p + 4));
    *p += IPV6_HEADER_BYTES;
    return true;
}

static bool read_tcp(const uint8_t *p, size_t len, struct od_pcap_segment *out)
{
    size_t head;

    if (len < TCP_HEADER_BYTES)
        return false;
    head = (size_t)(p[12] >> 4) * 4;
    if (head < TCP_HEADER_BYTES || head > len)
        return false;
    out->from.port = od_be16_load(p);
    out->to.port = od_be16_load(p + 2);
    out->seq = od_be32_load(p + 4);
    out->syn = p[13] & TCP_SYN;
    out->ack = p[13] & TCP_ACK;
    out->data = p + head;
    out->len = len - head;
    return true;
}

static bool read_packet(const struct od_pcap *c, const uint8_t *p, size_t len,
                        struct od_pcap_segment *out)
{
    size_t skip;

    *out = (struct od_pcap_segment) { 0 };
    if (!link_bytes(c->link, p, len, &skip) || skip >= len)
        return false;
    p += skip;
    len -= skip;
    if (p[0] >> 4 == 4)
        return read_ipv4(&p, &len, out) && read_tcp(p, len, out);
    return p[0] >> 4 == 6 && read_ipv6(&p, &len, out) && read_tcp(p, len, out);
}

bool od_pcap_next(struct od_pcap *c, struct od_pcap_segment *out)
{
    while (c->end - c->p >= PACKET_HEADER_BYTES) {
        const uint8_t *packet = c->p + PACKET_HEADER_BYTES;
        size_t len = load_u32(c, c->p + 8);

        if (len > (size_t)(c->end - packet))
            break; /* the file was cut */
        c->p = packet + len;
        if (read_packet(c, packet, len, out))
            return true;
    }
    c->p = c->end;
    return false;
}
