/* SPDX-License-Identifier: Apache-2.0 */
/* Help, made from the tables: an overview, and a page for each command. */
#include "client/cli/command.h"

#include <stdio.h>

enum { COLUMNS = 79, INDENT = 7, FLAG_INDENT = 14 };

/* Words broken into lines; an empty line in the text starts a paragraph. */
static void print_wrapped(const struct output *output, int indent, const char *text)
{
    int column = 0;

    while (*text) {
        size_t length = strcspn(text, " \n");
        int width = 0;

        for (size_t i = 0; i < length; i++)
            width += ((unsigned char)text[i] & 0xC0) != 0x80;
        if (column > 0 && column + 1 + width > COLUMNS) {
            output_print(output, "\n");
            column = 0;
        }
        if (column == 0)
            output_print(output, "%*s", indent, "");
        output_print(output, "%s%.*s", column > 0 ? " " : "", (int)length, text);
        column += (column > 0 ? 1 : indent) + width;
        text += length;
        if (*text == '\n') {
            output_print(output, "\n\n");
            column = 0;
        }
        text += strspn(text, " \n");
    }
    output_print(output, "\n");
}

static void print_heading(const struct output *output, const char *text)
{
    output_colored(output, COLOR_BOLD, "%s", text);
    output_print(output, "\n");
}

static void print_flag(const struct output *output, const struct flag *flag)
{
    output_print(output, "%*s", INDENT, "");
    if (flag->letter)
        output_print(output, "-%c, ", flag->letter);
    output_print(output, "--%s%s%s\n", flag->name, flag->placeholder ? " " : "",
                 flag->placeholder ? flag->placeholder : "");
    print_wrapped(output, FLAG_INDENT, flag->help);
    if (flag->choices)
        output_print(output, "%*sOne of: %s\n", FLAG_INDENT, "", flag->choices);
    if (flag->environment)
        output_print(output, "%*sEnvironment: %s\n", FLAG_INDENT, "", flag->environment);
}

static void print_flags(const struct output *output, uint64_t flags)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flags & FLAG_BIT(i))
            print_flag(output, &flag_table[i]);
}

static void print_command_row(const struct output *output, const struct command *command)
{
    output_print(output, "%*s%-20s %s\n", INDENT, "", command->name, command->summary);
}

void help_overview(const struct output *output)
{
    print_heading(output, "NAME");
    output_print(output, "%*spassgate - ask a Passgate server, and tell it what was verified\n\n",
                 INDENT, "");
    print_heading(output, "SYNOPSIS");
    output_print(output, "%*spassgate [FLAG…] COMMAND [OPERAND…]\n\n", INDENT, "");
    print_heading(output, "COMMANDS");
    for (size_t i = 0; i < command_count; i++)
        print_command_row(output, &command_table[i]);
    output_print(output, "\n");
    print_heading(output, "FLAGS");
    print_flags(output, FLAGS_GLOBAL);
    output_print(output, "\n");
    print_heading(output, "EXIT STATUS");
    print_wrapped(output, INDENT,
                  "0: allowed, or done.  1: refused.  2: an error; no decision was made.");
    output_print(output, "\n");
    print_heading(output, "NEXT");
    output_print(output, "%*spassgate COMMAND --help\n", INDENT, "");
}

bool help_group(const struct output *output, const char *group)
{
    size_t length = strlen(group);
    bool is_found = false;

    for (size_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;

        if (strncmp(name, group, length) != 0 || name[length] != ' ')
            continue;
        if (!is_found)
            print_heading(output, "COMMANDS");
        is_found = true;
        print_command_row(output, &command_table[i]);
    }
    return is_found;
}

void help_command(const struct output *output, const struct command *command)
{
    print_heading(output, "NAME");
    output_print(output, "%*spassgate %s - %s\n\n", INDENT, "", command->name, command->summary);
    print_heading(output, "SYNOPSIS");
    output_print(output, "%*spassgate %s%s%s [FLAG…]\n\n", INDENT, "", command->name,
                 command->operands[0] ? " " : "", command->operands);
    print_heading(output, "DESCRIPTION");
    print_wrapped(output, INDENT, command->description);
    output_print(output, "\n");
    if (command->flags) {
        print_heading(output, "FLAGS");
        print_flags(output, command->flags);
        output_print(output, "\n");
    }
    print_heading(output, "GLOBAL FLAGS");
    print_flags(output, FLAGS_GLOBAL);
    output_print(output, "\n");
    print_heading(output, "EXIT STATUS");
    print_wrapped(output, INDENT,
                  command->exit_status ? command->exit_status : "0: done; 2: an error.");
    output_print(output, "\n");
    print_heading(output, "EXAMPLE");
    output_print(output, "%*s%s\n", INDENT, "", command->example);
}
