/* SPDX-License-Identifier: Apache-2.0 */
/* `odradek completion`: scripts for three shells, which ask `odradek __complete` for candidates. */
#include "cli/cli.h"
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

static const char bash_script[] =
    "# bash: source <(odradek completion bash)\n"
    "_odradek() {\n"
    "    local line\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        if [ \"$line\" = :files ]; then\n"
    "            compopt -o default 2>/dev/null\n"
    "        else\n"
    "            COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
    "        fi\n"
    "    done < <(\"${COMP_WORDS[0]}\" __complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
    "2>/dev/null)\n"
    "    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then\n"
    "        compopt -o nospace 2>/dev/null\n"
    "    fi\n"
    "}\n"
    "complete -F _odradek odradek\n";

static const char zsh_script[] =
    "#compdef odradek\n"
    "# zsh: source <(odradek completion zsh)\n"
    "_odradek() {\n"
    "    local line\n"
    "    local -a candidates\n"
    "    for line in \"${(@f)$(\"${words[1]}\" __complete -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\"; do\n"
    "        if [[ $line == :files ]]; then\n"
    "            _files\n"
    "        elif [[ -n $line ]]; then\n"
    "            candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "        fi\n"
    "    done\n"
    "    (( $#candidates )) && _describe odradek candidates\n"
    "}\n"
    "compdef _odradek odradek\n";

static const char fish_script[] =
    "# fish: odradek completion fish | source\n"
    "function __odradek_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l current (commandline -ct)\n"
    "    set -e words[1]\n"
    "    for line in (odradek __complete -- $words \"$current\" 2>/dev/null)\n"
    "        if test \"$line\" = :files\n"
    "            __fish_complete_path \"$current\"\n"
    "        else\n"
    "            echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c odradek -f -a '(__odradek_complete)'\n";

static int run(struct od_cli *cli)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };

    for (size_t i = 0; i < OD_COUNT(scripts); i++) {
        if (strcmp(cli->args[0], scripts[i].shell) != 0)
            continue;
        fputs(scripts[i].script, stdout);
        return OD_EXIT_OK;
    }
    return od_cli_usage(cli, "there are scripts for bash, zsh and fish, not for \"%s\"",
                        cli->args[0]);
}

const struct od_cli_command od_cli_command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .args_min = 1,
    .args_max = 1,
    .candidates = OD_CANDIDATES_WORDS,
    .words = "bash|zsh|fish",
    .help = "Print a script that completes commands, options and topics",
    .details = "bash: source <(odradek completion bash)\n"
               "zsh:  source <(odradek completion zsh)\n"
               "fish: odradek completion fish | source",
    .run = run,
};
