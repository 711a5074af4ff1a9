/* SPDX-License-Identifier: Apache-2.0 */
/* Parses command lines by the rows of the command table. */
#include "cli/options.h"

#include "base/assert.h"
#include "base/mem.h"

#include <string.h>

enum { NEAR_DISTANCE = 2, NAME_MAX_COMPARED = 32 };

static const struct od_option for_all[] = {
    { .name = "help", .letter = 'h', .help = "show this and exit" },
    { 0 },
};

static const struct od_option of_cluster[] = {
    { .name = "bootstrap", .letter = 'b', .value = "HOST:PORT,...",
      .help = "brokers to begin with (localhost:9092)" },
    { .name = "profile", .value = "NAME", .candidates = OD_CANDIDATES_PROFILES,
      .help = "settings from $XDG_CONFIG_HOME/odradek/NAME.properties" },
    { .name = "command-config", .value = "FILE", .candidates = OD_CANDIDATES_FILES,
      .help = "settings from a Java client's properties file" },
    { .name = "property", .letter = 'X', .value = "KEY=VALUE", .repeated = true,
      .help = "one such setting" },
    { .name = "timeout", .value = "TIME", .help = "patience with the cluster: 500ms, 10s (30s)" },
    { 0 },
};

static const struct od_option of_output[] = {
    { .name = "output", .letter = 'o', .value = "FORM", .candidates = OD_CANDIDATES_WORDS,
      .words = "table|wide|json|yaml|csv|name", .help = "table|wide|json|yaml|csv|name (table)" },
    { .name = "columns", .value = "A,B", .help = "only these columns, by their name in json" },
    { .name = "no-headers", .help = "no line of titles" },
    { 0 },
};

static const struct od_option of_dry_run[] = {
    { .name = "dry-run", .help = "only check and show what would be done" },
    { 0 },
};

static const struct od_option of_yes[] = {
    { .name = "yes", .letter = 'y', .help = "do not ask, also on a terminal" },
    { 0 },
};

static const struct shared {
    unsigned use; /* 0: of every command */
    const struct od_option *options;
} shared[] = {
    { OD_USES_DRY_RUN, of_dry_run }, { OD_USES_YES, of_yes }, { OD_USES_OUTPUT, of_output },
    { OD_USES_CLUSTER, of_cluster }, { 0, for_all },
};

static const struct od_option *nth(const struct od_option *options, int *i)
{
    for (; options && options->name; options++)
        if ((*i)-- == 0)
            return options;
    return NULL;
}

const struct od_option *od_cli_command_option(const struct od_cli_command *command, int i)
{
    const struct od_option *found = nth(command->options, &i);

    for (size_t s = 0; !found && s < OD_COUNT(shared); s++)
        if (!shared[s].use || command->uses & shared[s].use)
            found = nth(shared[s].options, &i);
    return found;
}

struct od_str od_words_at(const char *words, int i)
{
    const char *p = words;

    for (; p; i--) {
        size_t len = strcspn(p, "|");

        if (i == 0)
            return (struct od_str){ p, len };
        p = p[len] ? p + len + 1 : NULL;
    }
    return OD_STR_NULL;
}

bool od_words_have(const char *words, const char *word)
{
    struct od_str w;

    for (int i = 0; (w = od_words_at(words, i)).data; i++)
        if (od_str_is(w, word))
            return true;
    return false;
}

static const struct od_option *find_long(const struct od_cli_command *command, struct od_str name)
{
    const struct od_option *o;

    for (int i = 0; (o = od_cli_command_option(command, i)); i++)
        if (od_str_is(name, o->name))
            return o;
    return NULL;
}

static const struct od_option *find_short(const struct od_cli_command *command, char letter)
{
    const struct od_option *o;

    for (int i = 0; (o = od_cli_command_option(command, i)); i++)
        if (o->letter == letter)
            return o;
    return NULL;
}

/* How many letters must be put in, taken out or changed; names are short. */
static size_t distance(struct od_str a, const char *b)
{
    size_t row[NAME_MAX_COMPARED + 1];
    size_t n = strlen(b);

    if (n > NAME_MAX_COMPARED || a.len > NAME_MAX_COMPARED)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0]++;

        for (size_t j = 1; j <= n; j++) {
            size_t best = corner + (a.data[i - 1] != b[j - 1]);

            corner = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[n];
}

static void suggest_option(const struct od_cli_command *command, struct od_str name,
                           struct od_text *why)
{
    const struct od_option *o, *best = NULL;
    size_t least = NEAR_DISTANCE + 1;

    for (int i = 0; (o = od_cli_command_option(command, i)); i++) {
        size_t d = distance(name, o->name);

        if (d < least) {
            least = d;
            best = o;
        }
    }
    if (best)
        od_text_add(why, "; is it --%s?", best->name);
}

static bool take(struct od_options *out, const struct od_option *option, const char *value,
                 struct od_text *why)
{
    if (option->words && value && !od_words_have(option->words, value)) {
        od_text_add(why, "--%s is one of %s, not \"%s\"", option->name, option->words, value);
        return false;
    }
    if (option == &for_all[0])
        out->wants_help = true;
    else
        out->given[out->given_count++] = (struct od_given){ option, value };
    return true;
}

static bool needs_value(const struct od_option *option, struct od_text *why)
{
    od_text_add(why, "--%s needs a value: %s", option->name, option->value);
    return false;
}

/* argv[*i] is a long option. */
static bool parse_long(struct od_options *out, int argc, char **argv, int *i, struct od_text *why)
{
    const char *word = argv[*i] + 2;
    size_t len = strcspn(word, "=");
    struct od_str name = { word, len };
    const struct od_option *o = find_long(out->command, name);

    if (!o) {
        od_text_add(why, "there is no option --%.*s", OD_STR_ARGS(name));
        suggest_option(out->command, name, why);
        return false;
    }
    if (!o->value) {
        if (word[len])
            od_text_add(why, "--%s takes no value", o->name);
        return !word[len] && take(out, o, NULL, why);
    }
    if (word[len])
        return take(out, o, word + len + 1, why);
    if (*i + 1 >= argc)
        return needs_value(o, why);
    return take(out, o, argv[++*i], why);
}

/* argv[*i] is one or more short options; the last of them may take the rest or the next word. */
static bool parse_short(struct od_options *out, int argc, char **argv, int *i, struct od_text *why)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const struct od_option *o = find_short(out->command, *p);

        if (!o) {
            od_text_add(why, "there is no option -%c", *p);
            return false;
        }
        if (!o->value) {
            if (!take(out, o, NULL, why))
                return false;
            continue;
        }
        if (p[1])
            return take(out, o, p + 1, why);
        if (*i + 1 >= argc)
            return needs_value(o, why);
        return take(out, o, argv[++*i], why);
    }
    return true;
}

static bool parse_words(struct od_options *out, int argc, char **argv, struct od_text *why)
{
    bool only_args = false;
    bool good = true;

    for (int i = 0; i < argc && good; i++) {
        const char *word = argv[i];

        if (only_args || word[0] != '-' || !word[1])
            out->args[out->arg_count++] = word;
        else if (!strcmp(word, "--"))
            only_args = true;
        else if (word[1] == '-')
            good = parse_long(out, argc, argv, &i, why);
        else
            good = parse_short(out, argc, argv, &i, why);
    }
    return good;
}

static bool count_args(const struct od_options *o, struct od_text *why)
{
    const struct od_cli_command *c = o->command;

    if (o->wants_help)
        return true;
    if (o->arg_count < c->args_min)
        od_text_add(why, "%s is missing", c->arguments);
    else if (c->args_max != OD_ARGS_ANY && o->arg_count > c->args_max)
        od_text_add(why, "one word too many: \"%s\"", o->args[c->args_max]);
    else
        return true;
    return false;
}

/* Does name consist of these words? */
static bool is_named(const char *name, const char *first, const char *second)
{
    size_t len = strcspn(name, " ");

    if (strlen(first) != len || strncmp(name, first, len))
        return false;
    return name[len] ? second && !strcmp(name + len + 1, second) : true;
}

static bool is_noun(const struct od_cli_commands *commands, const char *word)
{
    size_t len = strlen(word);

    for (int i = 0; i < commands->n; i++) {
        const char *name = commands->v[i]->name;

        if (!strncmp(name, word, len) && name[len] == ' ')
            return true;
    }
    return false;
}

static void suggest_command(const struct od_cli_commands *commands, const char *first,
                            struct od_str both, struct od_text *why)
{
    for (int i = 0; i < commands->n; i++) {
        const char *name = commands->v[i]->name;

        if (commands->v[i]->hidden || (distance(both, name) > NEAR_DISTANCE &&
                                       distance(od_str_of(first), name) > NEAR_DISTANCE))
            continue;
        od_text_add(why, "; is it \"odradek %s\"?", name);
        return;
    }
}

/* How many words of argv are shared options in front of the command. */
static int leading_options(int argc, char **argv)
{
    static const struct od_cli_command any = { .uses = OD_USES_CLUSTER | OD_USES_OUTPUT };
    int i = 0;

    while (i < argc && argv[i][0] == '-' && argv[i][1]) {
        const char *word = argv[i];
        struct od_str name = { word + 2, strcspn(word + 1, "=") - 1 };
        const struct od_option *o =
            word[1] == '-' ? find_long(&any, name) : find_short(&any, word[1]);
        bool alone = word[1] == '-' ? !strchr(word, '=') : !word[2];

        i += o && o->value && alone ? 2 : 1;
    }
    return i < argc ? i : argc;
}

static const struct od_cli_command *find_command(const struct od_cli_commands *commands, int argc,
                                             char **argv, int *used)
{
    for (int i = 0; i < commands->n; i++) {
        if (!is_named(commands->v[i]->name, argv[0], argc > 1 ? argv[1] : NULL))
            continue;
        *used = strchr(commands->v[i]->name, ' ') ? 2 : 1;
        return commands->v[i];
    }
    return NULL;
}

/* True where help is wanted; otherwise *why. */
static bool no_command(const struct od_cli_commands *commands, int argc, char **argv,
                       const char **noun, struct od_text *why)
{
    struct od_text words = { 0 };

    *noun = is_noun(commands, argv[0]) ? argv[0] : NULL;
    if (*noun && (argc == 1 || !strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")))
        return true;
    od_text_add(&words, argc > 1 ? "%s %s" : "%s", argv[0], argc > 1 ? argv[1] : "");
    od_text_add(why, "there is no command \"%s\"", *noun ? od_text_get(&words) : argv[0]);
    suggest_command(commands, argv[0], (struct od_str){ words.data, words.len }, why);
    od_text_reset(&words);
    return false;
}

bool od_options_parse(const struct od_cli_commands *commands, int argc, char **argv,
                      struct od_options *out, const char **noun, struct od_text *why)
{
    int front = leading_options(argc, argv);
    size_t letters = 0; /* one word may hold as many flags */
    int used = 0;
    char **words;
    int n;
    bool good;

    *out = (struct od_options){ 0 };
    *noun = NULL;
    if (front == argc) {
        out->wants_help = argc == 0 || !strcmp(argv[0], "-h") || !strcmp(argv[0], "--help");
        if (!out->wants_help)
            od_text_add(why, "a command is missing");
        return out->wants_help;
    }
    out->command = find_command(commands, argc - front, argv + front, &used);
    if (!out->command) {
        out->wants_help = no_command(commands, argc - front, argv + front, noun, why);
        return out->wants_help;
    }
    n = argc - used;
    words = od_alloc(sizeof(*words) * (size_t)(argc + 1));
    memcpy(words, argv, sizeof(*words) * (size_t)front);
    memcpy(words + front, argv + front + used, sizeof(*words) * (size_t)(n - front));
    for (int i = 0; i < n; i++)
        letters += strlen(words[i]);
    out->given = od_alloc(sizeof(*out->given) * (letters + 1));
    out->args = od_alloc(sizeof(*out->args) * (size_t)(n + 1));
    good = parse_words(out, n, words, why) && count_args(out, why);
    od_free(words);
    return good;
}

void od_options_deinit(struct od_options *o)
{
    od_free(o->given);
    od_free(o->args);
}

const char *od_options_nth(const struct od_options *o, const char *name, int i)
{
    OD_ASSERT(find_long(o->command, od_str_of(name)));
    for (int g = 0; g < o->given_count; g++)
        if (!strcmp(o->given[g].option->name, name) && i-- == 0)
            return o->given[g].value;
    return NULL;
}

const char *od_options_get(const struct od_options *o, const char *name)
{
    const char *value = NULL;

    OD_ASSERT(find_long(o->command, od_str_of(name)));
    for (int g = 0; g < o->given_count; g++)
        if (!strcmp(o->given[g].option->name, name))
            value = o->given[g].value;
    return value;
}

bool od_options_has(const struct od_options *o, const char *name)
{
    OD_ASSERT(find_long(o->command, od_str_of(name)));
    for (int g = 0; g < o->given_count; g++)
        if (!strcmp(o->given[g].option->name, name))
            return true;
    return false;
}

bool od_options_number(const struct od_options *o, const char *name, int64_t min, int64_t max,
                       int64_t absent, int64_t *out, struct od_text *why)
{
    const char *text = od_options_get(o, name);

    *out = absent;
    if (!text || od_str_to_i64(od_str_of(text), min, max, out))
        return true;
    od_text_add(why, "--%s is a number from %lld to %lld, not \"%s\"", name, (long long)min,
                (long long)max, text);
    return false;
}
