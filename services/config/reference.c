/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md, made from the tables. */
#include "config/section.h"
#include "config/source.h"
#include "config/value.h"

/* A cell of a table: a vertical bar would end it. */
static void print_cell(const char *text, FILE *stream)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', stream);
        fputc(*text, stream);
    }
}

static void print_option(const struct option *option, FILE *stream)
{
    char flag[OPTION_NAME_MAX], variable[OPTION_NAME_MAX], expectation[VALUE_EXPECTATION_MAX];

    fprintf(stream, "| `%s`<br>`%s`<br>`%s` | ", option->name, option_flag(option, flag),
            option_variable(option, variable));
    print_cell(value_expectation(option, expectation), stream);
    fputs(" | ", stream);
    if (option->fallback_note)
        print_cell(option->fallback_note, stream);
    else
        fprintf(stream, "`%s`", option->fallback);
    fputs(" | ", stream);
    print_cell(option->help, stream);
    fputs(" |\n", stream);
}

static void print_options(FILE *stream)
{
    for (size_t i = 0; i < option_section_count; i++) {
        fprintf(stream, "\n### %s: %s\n\n", option_sections[i].name, option_sections[i].title);
        fputs("| option, flag, variable | value | default | what it does |\n"
              "| --- | --- | --- | --- |\n",
              stream);
        for (size_t j = 0; j < option_count; j++)
            if (option_is_in(&options[j], &option_sections[i]))
                print_option(&options[j], stream);
    }
}

static void print_section(const struct section *section, FILE *stream)
{
    fprintf(stream, "\n### %s\n\n%s\n\n", section->name, section->help);
    fputs("| key | value | what it does |\n| --- | --- | --- |\n", stream);
    for (size_t i = 0; i < section->field_count; i++) {
        const struct field *field = &section->fields[i];

        fprintf(stream, "| `%s`%s | ", field->name, field->is_required ? " (required)" : "");
        print_cell(field->expectation, stream);
        fputs(" | ", stream);
        print_cell(field->help, stream);
        fputs(" |\n", stream);
    }
    fputs("\n```yaml\n", stream);
    for (size_t i = 0; section->example[i]; i++)
        fprintf(stream, "%s\n", section->example[i]);
    fputs("```\n", stream);
}

static const char introduction[] =
    "<!-- Made by `passgated --print-config-reference` from the tables in services/config: change "
    "those. -->\n"
    "\n"
    "# Configuration of passgated\n"
    "\n"
    "`passgated --config FILE` reads YAML. Without a file (and without `PASSGATE_CONFIG`, which "
    "names one as well)\n"
    "every option has its default, which serves one machine on loopback.\n"
    "\n"
    "Every option can be given in three places; a flag wins over the environment, the environment "
    "over the file,\n"
    "the file over the default:\n"
    "\n"
    "```sh\n"
    "passgated --store-url sqlite:/var/lib/passgate/passgate.db\n"
    "PASSGATE_STORE_URL=sqlite:/var/lib/passgate/passgate.db passgated\n"
    "```\n"
    "\n"
    "```yaml\n"
    "store:\n"
    "  url: sqlite:/var/lib/passgate/passgate.db\n"
    "```\n"
    "\n"
    "* `passgated --check-config` reports every error and warning, with file, line and column and "
    "what would be right; it\n"
    "  exits with 0 when there is no error and with 2 otherwise. Certificates, keys and country "
    "sets "
    "are read as the start reads\n"
    "  them; nothing is made, and nobody is connected to.\n"
    "* `passgated --print-config` prints every value in effect with its source; the output can be "
    "loaded again.\n"
    "* A key without a value is an error: write `\"\"` for none, or remove the line. An unknown "
    "key "
    "is an error; an unknown\n"
    "  variable that begins with `PASSGATE_` is a warning.\n"
    "* Durations are `50ms`, `300s`, `5m`, `1h` or `7d`; sizes are `4096`, `512KiB`, `64MiB` or "
    "`1GiB`. "
    "Paths are relative to the working\n"
    "  directory. A list is YAML's, or separated by commas in a flag or variable.\n"
    "* Secrets exist only as files that an option names. A file with a key must not be open to "
    "everybody (`chmod o=`;\n"
    "  `defaultMode: 0440` in Kubernetes).\n"
    "* Certificates, keys and authorities of `tls` and `http` are looked at again every "
    "`directives.poll`, and at once on SIGHUP. A change is\n"
    "  used from the next connection on, when two looks in a row have seen it (files are not "
    "replaced in one step); SIGHUP says that it is\n"
    "  complete. It is checked first: all of it PEM, in its dates, for servers, with a "
    "subjectAltName, the key its own and not for everybody, at least one authority good.\n"
    "  Else the old stays, the log says why (`certificate.refused`), and "
    "`passgate_certificate_refused` is 1. At the start the same is an error.\n"
    "* gRPC and HTTP are served in plaintext on loopback (127.0.0.0/8, ::1, localhost) and on the "
    "unix socket only. Any other\n"
    "  address needs TLS, else passgated does not start. `listen.ops` is exempt: it serves "
    "`/livez`, `/readyz` and `/metrics`.\n"
    "* `callers`, `denied`, `persons` and `legal_holds` are read again when the file changes, "
    "within "
    "`directives.poll`, and "
    "at once on SIGHUP: calls that "
    "begin\n"
    "  from then on see the new ones, streams that are open keep theirs until their age. When "
    "anything in the file is wrong, or in\n"
    "  the environment and the flags, all of it stays as it was, the log has file and line "
    "(`config.finding`), and\n"
    "  `passgate_caller_loads_total{result=\"failure\"}` counts it. Everything else needs a "
    "restart, "
    "but what is in the files that\n"
    "  options name: directives, keys and certificates have a life of their own.\n"
    "\n"
    "`deploy/examples/passgate.yaml` is a complete example.\n"
    "\n"
    "## Options\n";

void config_reference(FILE *stream)
{
    fputs(introduction, stream);
    print_options(stream);
    fputs("\n## Sections of the file only\n", stream);
    for (size_t i = 0; i < section_count; i++)
        print_section(sections[i], stream);
}
