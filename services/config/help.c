/* SPDX-License-Identifier: Apache-2.0 */
/* `--help`: a manual page in plain text, made from the tables. */
#include "config/page.h"
#include "config/section.h"
#include "config/source.h"
#include "config/value.h"

enum { MARGIN = 7, MARGIN_BELOW = 11 };

/* "TITLE: TEXT", filled. */
static void print_line(FILE *stream, const char *title, const char *text)
{
    char line[VALUE_EXPECTATION_MAX + 16];

    snprintf(line, sizeof(line), "%s: %s", title, text);
    page_fill(stream, MARGIN_BELOW, line);
}

static void print_option(const struct option *option, FILE *stream)
{
    char flag[OPTION_NAME_MAX], expectation[VALUE_EXPECTATION_MAX];

    fprintf(stream, "\n%*s%s %s\n", MARGIN, "", option_flag(option, flag),
            value_placeholder(option));
    page_fill(stream, MARGIN_BELOW, option->help);
    if (option->min < option->max || option->words)
        print_line(stream, "Value", value_expectation(option, expectation));
    print_line(stream, "Default", option->fallback_note ? option->fallback_note : option->fallback);
}

static void print_options(FILE *stream)
{
    for (size_t i = 0; i < option_section_count; i++) {
        fprintf(stream, "\n   %s: %s\n", option_sections[i].name, option_sections[i].title);
        for (size_t j = 0; j < option_count; j++)
            if (option_is_in(&options[j], &option_sections[i]))
                print_option(&options[j], stream);
    }
}

static void print_commands(FILE *stream)
{
    page_heading(stream, "COMMANDS");
    fprintf(stream, "%*s--config FILE\n", MARGIN, "");
    page_fill(stream, MARGIN_BELOW,
              "read FILE, YAML; without it PASSGATE_CONFIG names the file, or there is none");
    for (size_t i = 0; i < command_count; i++) {
        if (!commands[i].help)
            continue;
        fprintf(stream, "\n%*s%s\n", MARGIN, "", commands[i].flag);
        page_fill(stream, MARGIN_BELOW, commands[i].help);
    }
}

static void print_sections(FILE *stream)
{
    page_heading(stream, "SECTIONS OF THE FILE ONLY");
    for (size_t i = 0; i < section_count; i++) {
        fprintf(stream, "%s%*s%s:\n", i > 0 ? "\n" : "", MARGIN, "", sections[i]->name);
        page_fill(stream, MARGIN_BELOW, sections[i]->help);
        fputc('\n', stream);
        for (size_t j = 0; sections[i]->example[j]; j++)
            fprintf(stream, "%*s%s\n", MARGIN_BELOW, "", sections[i]->example[j]);
    }
}

static const struct paragraph {
    const char *heading; /* NULL continues */
    const char *text;
} before[] =
    {
        {"NAME", "passgated - decides who may use what, from verified nationality"},
        {"SYNOPSIS", "passgated [--config FILE] [--OPTION VALUE]..."},
        {NULL, "passgated --check-config | --print-config | --help | --version"},
        {"DESCRIPTION", "passgated serves the passgate.v1 services over gRPC, and the keys of "
                        "claims over HTTP. It "
                        "runs in the foreground, logs to standard error, and needs no "
                        "configuration on one machine: "
                        "every option has a default."},
        {NULL,
         "An option can be given as a flag (--store-url URL or --store-url=URL), as an environment "
         "variable (PASSGATE_STORE_URL) and in the file (`url:` below `store:`). A flag wins over "
         "the "
         "environment, the environment over the file, the file over the default. Paths are "
         "relative to "
         "the working directory. A value that is wrong is an error wherever it stands, and all "
         "errors "
         "are reported at once."},
},
  after[] = {
      {"SIGNALS",
       "SIGTERM: say so, serve on for drain.time, then exit. SIGINT: exit without waiting."},
      {NULL, "SIGHUP: look at the directives at once."},
      {"EXIT STATUS",
       "0 after a drain or a command, 2 when the configuration has errors, 3 when a listener did "
       "not take connections any more and the process ended to be started again, 1 for any other "
       "failure."},
      {"EXAMPLES", "passgated"},
      {NULL, "passgated --config /etc/passgate/passgate.yaml --check-config"},
      {NULL, "passgated --listen-grpc 127.0.0.1:50051,[::1]:50051 --log-level debug"},
      {"SEE ALSO", "passgate(1), docs/configuration.md"},
};

static void print_paragraphs(FILE *stream, const struct paragraph *paragraphs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (paragraphs[i].heading)
            page_heading(stream, paragraphs[i].heading);
        else
            fputc('\n', stream);
        page_fill(stream, MARGIN, paragraphs[i].text);
    }
}

void config_help(FILE *stream)
{
    fputs("PASSGATED(8)                        Passgate                       PASSGATED(8)\n",
          stream);
    print_paragraphs(stream, before, ARRAY_LEN(before));
    print_commands(stream);
    page_heading(stream, "OPTIONS");
    page_fill(stream, MARGIN,
              "Durations are 50ms, 300s, 5m, 1h or 7d; sizes are 4096, 512KiB, 64MiB or 1GiB.");
    print_options(stream);
    print_sections(stream);
    print_paragraphs(stream, after, ARRAY_LEN(after));
}
