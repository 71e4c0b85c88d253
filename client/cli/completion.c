/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash, made from the tables. */
#include "client/cli/command.h"

#include <stdio.h>

static void print_flag_names(const struct output *output, uint64_t flags)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flags & FLAG_BIT(i))
            output_print(output, " --%s", flag_table[i].name);
}

/* What may stand behind a flag: its choices, or files. */
static void print_values(const struct output *output)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *flag = &flag_table[i];

        if (flag->kind == FLAG_KIND_SWITCH)
            continue;
        output_print(output, "        --%s%s%c) ", flag->name, flag->letter ? "|-" : "",
                     flag->letter ? flag->letter : ' ');
        if (flag->choices)
            output_print(output, "words=\"%s\" ;;\n", flag->choices);
        else if (strcmp(flag->placeholder, "FILE") == 0)
            output_print(output, "COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
        else
            output_print(output, "return ;;\n");
    }
}

/* First words once each, although "claim" begins three names. */
static void print_first_words(const struct output *output)
{
    for (size_t i = 0; i < command_count; i++) {
        size_t length = strcspn(command_table[i].name, " ");

        if (i == 0 || strncmp(command_table[i - 1].name, command_table[i].name, length) != 0 ||
            command_table[i - 1].name[length] != ' ')
            output_print(output, " %.*s", (int)length, command_table[i].name);
    }
}

static void print_second_words(const struct output *output)
{
    for (size_t i = 0; i < command_count; i++) {
        const char *space = strchr(command_table[i].name, ' ');

        if (space)
            output_print(output, "        %.*s) words=\"$words %s\" ;;&\n",
                         (int)(space - command_table[i].name), command_table[i].name, space + 1);
    }
}

static void print_command_flags(const struct output *output)
{
    for (size_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;

        output_print(output, "        \"%s%s\"*) words=\"", name, strchr(name, ' ') ? "" : " ");
        print_flag_names(output, command_table[i].flags);
        output_print(output, "\" ;;\n");
    }
}

int run_completion(struct cli *cli)
{
    const struct output *output = &cli->output;

    if (strcmp(cli->operands[0], "bash") != 0)
        return cli_fail_with(cli, "there is completion for bash only");
    output_print(output, "# bash completion for passgate %s\n_passgate()\n{\n", PASSGATE_VERSION);
    output_print(output, "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
                         "    COMPREPLY=()\n"
                         "    case ${COMP_WORDS[COMP_CWORD-1]} in\n");
    print_values(output);
    output_print(output, "    esac\n"
                         "    if [[ -n $words ]]; then\n"
                         "        COMPREPLY=($(compgen -W \"${words//|/ }\" -- \"$word\"))\n"
                         "        return\n"
                         "    fi\n"
                         "    if [[ $word == -* ]]; then\n"
                         "        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]} \" in\n");
    print_command_flags(output);
    output_print(output, "        esac\n        words=\"$words");
    print_flag_names(output, FLAGS_GLOBAL);
    output_print(output, "\"\n    elif ((COMP_CWORD == 1)); then\n        words=\"");
    print_first_words(output);
    output_print(output, "\"\n    elif ((COMP_CWORD == 2)); then\n"
                         "        case ${COMP_WORDS[1]} in\n");
    print_second_words(output);
    output_print(output, "        esac\n    fi\n"
                         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                         "    [[ -n $words ]] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
                         "}\ncomplete -F _passgate passgate\n");
    return EXIT_ALLOW;
}
