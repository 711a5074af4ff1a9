/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `odradek debug decode --capture`: any file is refused or printed as lines of objects, and what
 * the first half of a file prints is how the whole file's output begins.  Input: a pcap file.
 */
#include "base/assert.h"
#include "cli/debug_capture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The output, for free(); NULL if the file is refused. */
static char *print(const uint8_t *data, size_t size, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    enum od_err err = od_cli_debug_capture(data, size, OD_PRINT_JSON, out);

    fclose(out);
    if (err) {
        OD_ASSERT(*len == 0);
        free(text);
        return NULL;
    }
    return text;
}

static void check_lines(const char *text)
{
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');

        OD_ASSERT(end && end > line && line[0] == '{' && end[-1] == '}');
        line = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len, half_len;
    char *text = print(data, size, &len);
    char *half = print(data, size / 2, &half_len);

    if (text)
        check_lines(text);
    OD_ASSERT(text || !half);
    OD_ASSERT(!half || (half_len <= len && memcmp(text, half, half_len) == 0));
    free(text);
    free(half);
    return 0;
}
