/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `odradek __complete -- WORD...`: what the last word may become, each with a tab and a phrase.
 * ":files" stands for the names of files.  Errors are silent: nobody reads them in the middle of a
 * line.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/configs.h"
#include "cli/help.h"
#include "cli/profiles.h"
#include "config/key.h"

#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 1000 };

struct completer {
    struct od_cli *cli;
    const char **words; /* before the current one; the command line without the program's name */
    int n;
    const char *current;
    struct od_options options; /* of words */
};

static void offer(const struct completer *c, const char *word, const char *end, const char *help)
{
    struct od_text clean = { 0 };

    if (strncmp(word, c->current, strlen(c->current)) != 0)
        return;
    od_printable(od_str_of(word), &clean);
    printf("%s%s\t%s\n", od_text_get(&clean), end, help);
    od_text_reset(&clean);
}

static void offer_options(const struct completer *c)
{
    const struct od_option *o;

    for (int i = 0; (o = od_cli_command_option(c->options.command, i)); i++) {
        struct od_text word = { 0 };

        od_text_add(&word, "--%s", o->name);
        offer(c, od_text_get(&word), "", o->help);
        od_text_reset(&word);
    }
}

static void offer_words(const struct completer *c, const char *words)
{
    struct od_str w;

    for (int i = 0; (w = od_words_at(words, i)).data; i++) {
        struct od_text word = { 0 };

        od_text_add_str(&word, w);
        offer(c, od_text_get(&word), "", "");
        od_text_reset(&word);
    }
}

static int by_name(const void *a, const void *b)
{
    return od_str_cmp(((const struct od_metadata_rsp_topic *)a)->name,
                      ((const struct od_metadata_rsp_topic *)b)->name);
}

static void offer_topics(struct completer *c)
{
    struct od_client_options options = { 0 };
    struct od_text why = { 0 };
    struct od_metadata_rsp rsp;
    struct od_cli *cli = c->cli;

    if (!(c->options.command->uses & OD_USES_CLUSTER) ||
        !od_settings_load(&cli->settings, &c->options, &why)) {
        od_text_reset(&why);
        return;
    }
    options.servers = cli->settings.servers;
    options.client_id = cli->settings.client_id;
    options.timeout_ms = PATIENCE_MS;
    cli->client = od_client_new(&options);
    if (od_client_metadata(cli->client, NULL, 0, false, &cli->answer, &rsp))
        return;
    if (rsp.topics.n > 1)
        qsort(rsp.topics.v, (size_t)rsp.topics.n, sizeof(*rsp.topics.v), by_name);
    for (int32_t i = 0; i < rsp.topics.n; i++) {
        struct od_text word = { 0 };

        od_text_add_str(&word, rsp.topics.v[i].name);
        if (!rsp.topics.v[i].is_internal || c->current[0] == '_')
            offer(c, od_text_get(&word), "", "topic");
        od_text_reset(&word);
    }
}

/* Of topics, of brokers, or of both, as the command is about. */
static void offer_keys(const struct completer *c, const char *end)
{
    const char *command = c->options.command->name;
    bool topics = strcmp(command, "server") != 0;
    bool brokers = strncmp(command, "topic", 5) != 0;

    if (!strncmp(command, "config ", 7) && c->options.arg_count > 0) {
        topics = topics && strcmp(c->options.args[0], "broker") != 0;
        brokers = brokers && strcmp(c->options.args[0], "topic") != 0;
    }
    for (int i = 0; i < OD_KEYS; i++) {
        const struct od_key_row *row = od_key_row((enum od_key)i);

        if (topics && row->topic_name)
            offer(c, row->topic_name, end, "setting of topics");
        if (brokers && row->name && !(topics && row->topic_name &&
                                      !strcmp(row->name, row->topic_name)))
            offer(c, row->name, end, "setting of brokers");
    }
}

static void offer_profiles(const struct completer *c)
{
    json_t *names = od_profiles_names(), *name;
    size_t i;

    json_array_foreach(names, i, name)
        offer(c, json_string_value(name), "", "profile");
    json_decref(names);
}

static void offer_kind(struct completer *c, enum od_candidates kind, const char *words,
                       const char *end)
{
    switch (kind) {
    case OD_CANDIDATES_NONE:
        break;
    case OD_CANDIDATES_WORDS:
        offer_words(c, words);
        break;
    case OD_CANDIDATES_FILES:
        puts(":files");
        break;
    case OD_CANDIDATES_TOPICS:
        offer_topics(c);
        break;
    case OD_CANDIDATES_KEYS:
        offer_keys(c, end);
        break;
    case OD_CANDIDATES_PROFILES:
        offer_profiles(c);
        break;
    case OD_CANDIDATES_ENTITY:
        if (c->options.arg_count == 0) {
            offer_words(c, OD_CONFIGS_KINDS);
        } else if (c->options.arg_count > 1) {
            offer_keys(c, strcmp(c->options.command->name, "config set") ? "" : "=");
        } else {
            offer_words(c, "all");
            if (!strcmp(c->options.args[0], "topic"))
                offer_topics(c);
        }
        break;
    }
}

/* First words of commands, or the second words of a noun's. */
static void offer_commands(const struct completer *c, const char *noun)
{
    const struct od_cli_commands *commands = c->cli->commands;
    size_t noun_len = noun ? strlen(noun) : 0;
    const char *last = "";

    for (int i = 0; i < commands->n; i++) {
        const char *name = commands->v[i]->name;
        size_t first = strcspn(name, " ");
        struct od_text word = { 0 };

        if (commands->v[i]->hidden)
            continue;
        if (noun) {
            if (first == noun_len && !strncmp(name, noun, first) && name[first])
                offer(c, name + first + 1, "", commands->v[i]->help);
            continue;
        }
        od_text_add_str(&word, (struct od_str){ name, first });
        if (strncmp(last, name, first) != 0 || last[first] != name[first])
            offer(c, od_text_get(&word), "",
                  name[first] && od_help_of_noun(od_text_get(&word))
                      ? od_help_of_noun(od_text_get(&word))
                      : commands->v[i]->help);
        last = name;
        od_text_reset(&word);
    }
}

/* The option whose value the current word is; NULL: none. */
static const struct od_option *awaited(const struct completer *c)
{
    const char *last = c->n ? c->words[c->n - 1] : "";
    size_t len = strlen(last);
    const struct od_option *o;

    if (len < 2 || last[0] != '-' || strchr(last, '='))
        return NULL;
    for (int i = 0; (o = od_cli_command_option(c->options.command, i)); i++)
        if (o->value && (last[1] == '-' ? !strcmp(last + 2, o->name)
                                        : last[len - 1] == o->letter))
            return o;
    return NULL;
}

/* A shell that splits words at '=' sends "--output" "=" "js"; the sign goes. */
static void join_equals(struct completer *c)
{
    if (!strcmp(c->current, "="))
        c->current = "";
    else if (c->n > 1 && !strcmp(c->words[c->n - 1], "=") && !strncmp(c->words[c->n - 2], "--", 2))
        c->n--;
}

static int run(struct od_cli *cli)
{
    struct completer c = { .cli = cli,
                           .words = cli->args,
                           .n = cli->arg_count ? cli->arg_count - 1 : 0,
                           .current = cli->arg_count ? cli->args[cli->arg_count - 1] : "" };
    struct od_text why = { 0 };
    const char *noun = NULL;
    const struct od_option *option;

    join_equals(&c);
    if (!od_options_parse(cli->commands, c.n, (char **)c.words, &c.options, &noun, &why))
        od_text_reset(&why); /* an unfinished line seldom is right */
    if (!c.options.command) {
        offer_commands(&c, noun);
    } else {
        option = awaited(&c);
        if (option)
            offer_kind(&c, option->candidates, option->words,
                       strchr(option->value, '=') ? "=" : "");
        else if (c.current[0] == '-')
            offer_options(&c);
        else if (c.options.arg_count < c.options.command->args_max ||
                 c.options.command->args_max == OD_ARGS_ANY)
            offer_kind(&c, c.options.command->candidates, c.options.command->words, "");
    }
    od_options_deinit(&c.options);
    return OD_EXIT_OK;
}

const struct od_cli_command od_cli_command_complete = {
    .name = "__complete",
    .arguments = "WORD...",
    .args_max = OD_ARGS_ANY,
    .hidden = true,
    .help = "Print what the last word may become",
    .run = run,
};
