/* SPDX-License-Identifier: Apache-2.0 */
/* The command table as text for people. */
#include "cli/help.h"

#include "cli/exit.h"
#include "cli/options.h"

#include <string.h>

enum { HELP_COLUMN = 30 };

static const struct noun {
    const char *name;
    const char *help;
} nouns[] = {
    { "topic", "Topics: create, look at, change, trim, delete" },
    { "group", "Consumer groups: look at, set their offsets, delete" },
    { "config", "Settings of topics and brokers" },
    { "cluster", "The cluster and its brokers" },
    { "client", "Who is connected" },
    { "profile", "Named settings of this tool" },
    { "log", "Files of a stopped broker" },
    { "debug", "Messages of the protocol, decoded" },
};

static const char exits[] =
    "0 done; 1 failed; 2 wrong usage; 3 no connection, or no answer in time;\n4 not authorised; "
    "5 some of several failed; 6 not found; 7 exists already; 130 and 143 by signal";

const char *od_help_of_noun(const char *noun)
{
    for (size_t i = 0; i < OD_COUNT(nouns); i++)
        if (!strcmp(nouns[i].name, noun))
            return nouns[i].help;
    return NULL;
}

static void add_row(const char *left, const char *right, struct od_text *out)
{
    int len = (int)strlen(left);

    if (len + 4 > HELP_COLUMN)
        od_text_add(out, "  %s\n%*s%s\n", left, HELP_COLUMN, "", right);
    else
        od_text_add(out, "  %-*s%s\n", HELP_COLUMN - 2, left, right);
}

/* Is it the first command of its noun? */
static bool begins_noun(const struct od_cli_commands *commands, int i)
{
    size_t len = strcspn(commands->v[i]->name, " ");

    for (int k = 0; k < i; k++)
        if (!strncmp(commands->v[k]->name, commands->v[i]->name, len + 1))
            return false;
    return true;
}

void od_help_all(const struct od_cli_commands *commands, struct od_text *out)
{
    od_text_add(out, "usage: odradek COMMAND [OPTION]... [ARGUMENT]...\n\n");
    for (int i = 0; i < commands->n; i++) {
        const struct od_cli_command *c = commands->v[i];
        const char *space = strchr(c->name, ' ');
        struct od_text noun = { 0 };

        if (!c->hidden && space && begins_noun(commands, i)) {
            od_text_add(&noun, "%.*s", (int)(space - c->name), c->name);
            if (od_help_of_noun(od_text_get(&noun)))
                add_row(od_text_get(&noun), od_help_of_noun(od_text_get(&noun)), out);
        } else if (!c->hidden && !space) {
            add_row(c->name, c->help, out);
        }
        od_text_reset(&noun);
    }
    od_text_add(out, "\n\"odradek COMMAND --help\" tells more.\n");
}

void od_help_noun(const struct od_cli_commands *commands, const char *noun, struct od_text *out)
{
    size_t len = strlen(noun);

    od_text_add(out, "usage: odradek %s VERB [OPTION]... [ARGUMENT]...\n\n", noun);
    for (int i = 0; i < commands->n; i++) {
        const struct od_cli_command *c = commands->v[i];

        if (!c->hidden && !strncmp(c->name, noun, len) && c->name[len] == ' ')
            add_row(c->name + len + 1, c->help, out);
    }
    od_text_add(out, "\n\"odradek %s VERB --help\" tells more.\n", noun);
}

static void option_words(const struct od_option *o, struct od_text *out)
{
    if (o->letter)
        od_text_add(out, "-%c, ", o->letter);
    od_text_add(out, "--%s", o->name);
    if (o->value)
        od_text_add(out, " %s", o->value);
}

static void synopsis(const struct od_cli_command *c, struct od_text *out)
{
    od_text_add(out, "odradek %s [OPTION]...%s%s", c->name, c->arguments ? " " : "",
                c->arguments ? c->arguments : "");
}

void od_help_command(const struct od_cli_command *c, struct od_text *out)
{
    const struct od_option *o;

    od_text_add(out, "usage: ");
    synopsis(c, out);
    od_text_add(out, "\n%s\n\n", c->help);
    for (int i = 0; (o = od_cli_command_option(c, i)); i++) {
        struct od_text left = { 0 };

        option_words(o, &left);
        add_row(od_text_get(&left), o->help, out);
        od_text_reset(&left);
    }
    if (c->details)
        od_text_add(out, "\n%s\n", c->details);
}

static void document_option(const struct od_option *o, struct od_text *out)
{
    od_text_add(out, "| `");
    option_words(o, out);
    od_text_add(out, "` | ");
    for (const char *p = o->help; *p; p++)
        od_text_add(out, *p == '|' ? "\\%c" : "%c", *p);
    od_text_add(out, " |\n");
}

static void document_command(const struct od_cli_command *c, struct od_text *out)
{
    const struct od_option *o;

    od_text_add(out, "## odradek %s\n\n%s.\n\n    ", c->name, c->help);
    synopsis(c, out);
    od_text_add(out, "\n\n");
    if (c->options)
        od_text_add(out, "| option | |\n|---|---|\n");
    for (o = c->options; o && o->name; o++)
        document_option(o, out);
    if (c->options)
        od_text_add(out, "\n");
    if (c->uses)
        od_text_add(out, "Shared options:%s%s%s%s.\n\n",
                    c->uses & OD_USES_DRY_RUN ? " `--dry-run`" : "",
                    c->uses & OD_USES_YES ? " `--yes`" : "",
                    c->uses & OD_USES_OUTPUT ? " output" : "",
                    c->uses & OD_USES_CLUSTER ? " cluster" : "");
    if (c->details)
        od_text_add(out, "```text\n%s\n```\n\n", c->details);
}

static void document_shared(const char *title, unsigned use, struct od_text *out)
{
    static const struct od_cli_command none;
    struct od_cli_command all = { .uses = use };
    const struct od_option *o;

    od_text_add(out, "%s\n\n| option | |\n|---|---|\n", title);
    for (int i = 0; (o = od_cli_command_option(&all, i)); i++)
        if (o != od_cli_command_option(&none, 0))
            document_option(o, out);
    od_text_add(out, "\n");
}

void od_help_document(const struct od_cli_commands *commands, struct od_text *out)
{
    od_text_add(out,
                "<!-- SPDX-License-Identifier: Apache-2.0 -->\n<!-- Generated by make docs. -->\n"
                "# Command line\n\n"
                "Data goes to standard output, everything else to standard error. An error says "
                "its cause and\nthe knob that changes it.\n\nExit codes: %s.\n"
                "`odradek server` has its own: 0 stopped cleanly; 1 the configuration is wrong; "
                "2 the data\ndirectory or its lock; 3 an address is in use; 70 a defect.\n\n",
                exits);
    document_shared("Where the cluster is: the strongest comes last of profile "
                    "(`$ODRADEK_PROFILE`, else `default`),\n`.odradek.properties` of the project, "
                    "`$ODRADEK_BOOTSTRAP`, `--profile`, `--command-config`, `-X`, `-b`.",
                    OD_USES_CLUSTER, out);
    document_shared("Output:", OD_USES_OUTPUT, out);
    document_shared("Changes:", OD_USES_DRY_RUN | OD_USES_YES, out);
    for (int i = 0; i < commands->n; i++)
        if (!commands->v[i]->hidden)
            document_command(commands->v[i], out);
    while (out->len > 1 && out->data[out->len - 2] == '\n')
        out->data[--out->len] = '\0';
}
