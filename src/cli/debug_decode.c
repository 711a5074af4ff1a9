/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `odradek debug decode NAME VERSION request|response|record [--header] [-o text|json] [HEX]`, or
 * `odradek debug decode --capture FILE [-o text|json]`.
 */
#include "cli/debug_decode.h"

#include "base/mem.h"
#include "cli/debug_capture.h"
#include "cli/input.h"
#include "wire/frame.h"
#include "wire/print.h"

#include <ctype.h>
#include <stdio.h>

enum { HEX_BYTES_MAX = 64 << 20, CAPTURE_BYTES_MAX = 1 << 30 };

static const char usage[] =
    "usage: odradek debug decode NAME VERSION request|response|record [--header] [-o text|json] "
    "[HEX]\n"
    "       odradek debug decode --capture FILE [-o text|json]\n"
    "  NAME is an API (produce), its key (0), or a record (topic_record)\n"
    "  --header: the bytes begin with the request or response header, without the length\n"
    "  HEX: hexadecimal bytes, blanks are skipped; read from standard input if absent\n"
    "  FILE: packets as tcpdump -w writes them; each request and response is printed\n";

struct arguments {
    const struct od_api *api; /* NULL for records */
    const struct od_codec *codec;
    int16_t version;
    bool header;
    enum od_print_form form;
    const char *hex; /* NULL: standard input */
};

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits in pairs become the bytes in place; -1 unless all are. */
static int64_t unhex(char *text, size_t len)
{
    uint8_t *out = (uint8_t *)text;
    size_t digits = 0;

    for (size_t i = 0; i < len; i++) {
        int d = hex_digit((unsigned char)text[i]);

        if (d < 0 && isspace((unsigned char)text[i]))
            continue;
        if (d < 0)
            return -1;
        out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | d : d << 4);
        digits++;
    }
    return digits % 2 ? -1 : (int64_t)(digits / 2);
}

static bool find_codec(struct arguments *a, const char *name, const char *kind)
{
    int64_t key;

    if (strcmp(kind, "record") == 0) {
        a->codec = od_codec_named(name);
        return a->codec && a->codec->kind > OD_CODEC_RESPONSE;
    }
    a->api = od_str_to_i64(od_str_of(name), 0, INT16_MAX, &key) ? od_api_find((int16_t)key)
                                                                : od_api_named(name);
    if (!a->api)
        return false;
    if (strcmp(kind, "request") == 0)
        a->codec = a->api->request;
    else if (strcmp(kind, "response") == 0)
        a->codec = a->api->response;
    return a->codec != NULL;
}

static bool parse_form(const char *text, enum od_print_form *out)
{
    *out = text[0] == 'j' ? OD_PRINT_JSON : OD_PRINT_TEXT;
    return strcmp(text, "json") == 0 || strcmp(text, "text") == 0;
}

static bool parse_arguments(int argc, char **argv, struct arguments *a)
{
    int64_t version;

    *a = (struct arguments) {.form = OD_PRINT_TEXT};
    if (argc < 4 || !find_codec(a, argv[1], argv[3]) ||
        !od_str_to_i64(od_str_of(argv[2]), 0, INT16_MAX, &version))
        return false;
    a->version = (int16_t)version;
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "--header") == 0 && a->api) {
            a->header = true;
        } else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
            if (!parse_form(argv[++i], &a->form))
                return false;
        } else if (!a->hex && argv[i][0] != '-') {
            a->hex = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

static void skip_header(const struct arguments *a, struct od_reader *r)
{
    struct od_request_frame frame;
    enum od_err err;

    if (a->codec->kind == OD_CODEC_REQUEST) {
        err = od_frame_read_request(r, &frame);
        if (!err && (frame.api != a->api || frame.api_version != a->version))
            od_reader_fail(r, OD_E_CORRUPT);
        return;
    }
    od_read_i32(r);
    if (od_frame_response_version(a->api, a->version) == 1)
        od_tags_skip(r);
}

static int decode(const struct arguments *a, const uint8_t *data, size_t len)
{
    struct od_reader r = od_reader_of(data, len);
    struct od_arena arena = {0};
    struct od_text text = {0};
    void *message = od_zalloc(a->codec->shape->bytes);
    enum od_err err;

    if (a->header)
        skip_header(a, &r);
    err = a->codec->decode(&r, a->version, &arena, message);
    if (err) {
        fprintf(stderr, "%s version %d: %s\n", a->codec->name, a->version, od_err_text(err));
    } else {
        od_print_message(a->codec, message, a->version, a->form, &text);
        fputs(od_text_get(&text), stdout);
        if (od_reader_left(&r) > 0)
            fprintf(stderr, "%zu bytes are left over\n", od_reader_left(&r));
    }
    od_text_reset(&text);
    od_arena_reset(&arena);
    od_free(message);
    return err ? 1 : 0;
}

static int refuse(void)
{
    fputs(usage, stderr);
    return 2;
}

/* argv[0] is "--capture". */
static int decode_capture(int argc, char **argv)
{
    enum od_print_form form = OD_PRINT_TEXT;
    enum od_err err;
    uint8_t *data;
    size_t len;
    FILE *in;

    if (argc != 2 && !(argc == 4 && strcmp(argv[2], "-o") == 0 && parse_form(argv[3], &form)))
        return refuse();
    in = fopen(argv[1], "rb");
    if (!in) {
        perror(argv[1]);
        return 1;
    }
    data = od_cli_read_all(in, CAPTURE_BYTES_MAX, &len);
    fclose(in);
    err = od_cli_debug_capture(data, len, form, stdout);
    if (err)
        fprintf(stderr, "%s: not a packet capture (pcap)\n", argv[1]);
    od_free(data);
    return err ? 1 : 0;
}

int od_cli_debug_decode(int argc, char **argv)
{
    struct arguments a;
    size_t text_len;
    char *text;
    int64_t len;
    int status = 1;

    if (argc > 1 && strcmp(argv[1], "--capture") == 0)
        return decode_capture(argc - 1, argv + 1);
    if (!parse_arguments(argc, argv, &a))
        return refuse();
    if (a.hex) {
        text = od_strdup(a.hex);
        text_len = strlen(text);
    } else {
        text = (char *)od_cli_read_all(stdin, HEX_BYTES_MAX, &text_len);
    }
    len = unhex(text, text_len);
    if (len < 0)
        fprintf(stderr, "the input is not hexadecimal, or holds half a byte\n");
    else
        status = decode(&a, (const uint8_t *)text, (size_t)len);
    od_free(text);
    return status;
}
