/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek debug decode`: messages from hexadecimal or from a packet capture. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/debug_capture.h"
#include "cli/input.h"
#include "wire/frame.h"
#include "wire/print.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HEX_BYTES_MAX = 64 << 20, CAPTURE_BYTES_MAX = 1 << 30 };

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

static int parse_arguments(struct od_cli *cli, struct arguments *a)
{
    int64_t version;

    if (cli->arg_count < 3)
        return od_cli_usage(cli, "NAME VERSION KIND is missing");
    if (!find_codec(a, cli->args[0], cli->args[2]))
        return od_cli_usage(cli, "there is no %s \"%s\"; docs/protocol.md lists the APIs",
                            cli->args[2], cli->args[0]);
    if (!od_str_to_i64(od_str_of(cli->args[1]), 0, INT16_MAX, &version))
        return od_cli_usage(cli, "\"%s\" is no version", cli->args[1]);
    a->version = (int16_t)version;
    a->hex = cli->arg_count > 3 ? cli->args[3] : NULL;
    if (a->header && !a->api)
        return od_cli_usage(cli, "a record has no --header");
    return OD_EXIT_OK;
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

static int decode_capture(const char *path, enum od_print_form form)
{
    enum od_err err;
    uint8_t *data;
    size_t len;
    FILE *in = fopen(path, "rbe");

    if (!in)
        return od_cli_fail(OD_EXIT_FAILED, "%s: %s", path, strerror(errno));
    data = od_cli_read_all(in, CAPTURE_BYTES_MAX, &len);
    fclose(in);
    err = od_cli_debug_capture(data, len, form, stdout);
    od_free(data);
    return err ? od_cli_fail(OD_EXIT_FAILED, "%s: not a packet capture (pcap)", path)
               : OD_EXIT_OK;
}

static int run(struct od_cli *cli)
{
    const char *form = od_cli_get(cli, "output");
    const char *capture = od_cli_get(cli, "capture");
    struct arguments a = { .form = form && form[0] == 'j' ? OD_PRINT_JSON : OD_PRINT_TEXT,
                           .header = od_cli_has(cli, "header") };
    size_t text_len;
    char *text;
    int64_t len;
    int code;

    if (capture && !cli->arg_count)
        return decode_capture(capture, a.form);
    code = parse_arguments(cli, &a);
    if (code)
        return code;
    if (a.hex) {
        text = od_strdup(a.hex);
        text_len = strlen(text);
    } else {
        text = (char *)od_cli_read_all(stdin, HEX_BYTES_MAX, &text_len);
    }
    len = unhex(text, text_len);
    if (len < 0)
        code = od_cli_fail(OD_EXIT_FAILED, "the input is not hexadecimal, or holds half a byte");
    else
        code = decode(&a, (const uint8_t *)text, (size_t)len);
    od_free(text);
    return code;
}

static const struct od_option options[] = {
    { .name = "capture", .value = "FILE", .candidates = OD_CANDIDATES_FILES,
      .help = "packets as tcpdump -w writes them" },
    { .name = "header", .help = "the bytes begin with the header, without the length" },
    { .name = "output", .letter = 'o', .value = "FORM", .candidates = OD_CANDIDATES_WORDS,
      .words = "text|json", .help = "text|json (text)" },
    { 0 },
};

const struct od_cli_command od_cli_command_debug_decode = {
    .name = "debug decode",
    .arguments = "NAME VERSION request|response|record [HEX]",
    .args_max = 4,
    .help = "Print messages from hexadecimal or from a packet capture",
    .details = "NAME is an API (produce), its key (0), or a record (topic_record).\n"
               "HEX: blanks are skipped; read from standard input if absent.\n"
               "With --capture no arguments; each request and response is printed.",
    .options = options,
    .run = run,
};
