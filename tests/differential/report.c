/* SPDX-License-Identifier: Apache-2.0 */
/* What was compared and where it differed. */
#include "report.h"

#include "base/mem.h"

#include <fnmatch.h>

enum column { WHERE, TITLE, PATH, OURS, THEIRS, REASON, COLUMNS };

struct exception {
    int line;
    char *column[COLUMNS]; /* owned */
    char api[64], release[32];
    int version_min, version_max;
    int used;
};

/* Without blanks at both ends; owned. */
static char *trimmed(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\n'))
        len--;
    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    return od_str_dup((struct od_str){ text, len });
}

static bool split(const char *line, struct exception *e)
{
    char versions[32];
    int n = 0;

    while (n < COLUMNS) {
        const char *end = n < REASON ? strstr(line, " | ") : line + strlen(line);

        if (!end)
            return false;
        e->column[n++] = trimmed(line, (size_t)(end - line));
        line = end + (n < COLUMNS ? 3 : 0);
    }
    if (sscanf(e->column[WHERE], "%63s %31s %31s", e->api, versions, e->release) != 3)
        return false;
    e->version_max = INT16_MAX;
    if (strcmp(versions, "*") != 0 &&
        sscanf(versions, "%d-%d", &e->version_min, &e->version_max) == 1)
        e->version_max = e->version_min;
    return e->column[REASON][0] != '\0';
}

void report_open(struct report *r, const char *exceptions_path)
{
    FILE *file = fopen(exceptions_path, "re");
    char *line = NULL;
    size_t bytes = 0;

    *r = (struct report){ .exceptions = NULL };
    for (int n = 1; file && getline(&line, &bytes, file) >= 0; n++) {
        struct exception e = { .line = n };

        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (!split(line, &e)) {
            fprintf(stderr, "%s:%d: not an exception with its reason\n", exceptions_path, n);
            exit(2);
        }
        r->exceptions = od_realloc(r->exceptions, sizeof(e) * (size_t)(r->exception_count + 1));
        r->exceptions[r->exception_count++] = e;
    }
    free(line);
    if (file)
        fclose(file);
}

void report_close(struct report *r)
{
    for (int i = 0; i < r->exception_count; i++)
        for (int j = 0; j < COLUMNS; j++)
            od_free(r->exceptions[i].column[j]);
    od_free(r->exceptions);
}

static void print_place(const struct place *at)
{
    printf("%s %d %s | %s%s%s | ", at->api->name, at->version, at->release, at->title,
           at->variant ? " / " : "", at->variant ? at->variant : "");
}

static bool fits(const struct exception *e, const struct place *at, const char *title,
                 const struct difference *d)
{
    return at->version >= e->version_min && at->version <= e->version_max &&
           fnmatch(e->api, at->api->name, 0) == 0 && fnmatch(e->release, at->release, 0) == 0 &&
           fnmatch(e->column[TITLE], title, 0) == 0 && fnmatch(e->column[PATH], d->path, 0) == 0 &&
           fnmatch(e->column[OURS], d->ours, 0) == 0 &&
           fnmatch(e->column[THEIRS], d->theirs, 0) == 0;
}

void report_difference(struct report *r, const struct place *at, const struct difference *d)
{
    char title[512];

    snprintf(title, sizeof(title), "%s%s%s", at->title, at->variant ? " / " : "",
             at->variant ? at->variant : "");
    for (int i = 0; i < r->exception_count; i++) {
        if (fits(&r->exceptions[i], at, title, d)) {
            r->exceptions[i].used++;
            r->explained++;
            return;
        }
    }
    r->differences++;
    printf("difference: ");
    print_place(at);
    printf("%s | %.300s | %.300s\n", d->path, d->ours, d->theirs);
}

void report_fault(struct report *r, const struct place *at, const char *what, const char *detail)
{
    r->faults++;
    printf("fault: ");
    print_place(at);
    printf("%s %s\n", what, detail);
}

void report_unused(struct report *r)
{
    for (int i = 0; i < r->exception_count; i++) {
        if (r->exceptions[i].used)
            continue;
        r->faults++;
        printf("fault: exceptions, line %d: explains nothing any more, remove it\n",
               r->exceptions[i].line);
    }
}
