/* SPDX-License-Identifier: Apache-2.0 */
/* What another library took for the same messages: lines NAME|BYTES|DECODE NS|ENCODE NS. */
#include "fail.h"
#include "wire/rows.h"

#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 200 };

bool bench_beside_find(const char *path, const char *what, size_t bytes, struct bench_beside *out)
{
    FILE *in = fopen(path, "r");
    char line[LINE_BYTES];
    size_t theirs;
    bool found = false;

    if (!in)
        od_fail("%s cannot be read", path);
    while (!found && fgets(line, sizeof(line), in)) {
        char *bar = strchr(line, '|');

        if (!bar)
            od_fail("%s: not a row: %s", path, line);
        *bar = '\0';
        if (strcmp(line, what) != 0)
            continue;
        if (sscanf(bar + 1, "%zu|%lf|%lf", &theirs, &out->decode_ns, &out->encode_ns) != 3 ||
            theirs != bytes)
            od_fail("%s: %s has other bytes", path, what);
        found = true;
    }
    fclose(in);
    return found;
}
