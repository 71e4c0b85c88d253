/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of directives share. */
#include "unit/domain/directive/fixture.h"

#include "base/memory.h"

enum { FILES_MAX = 16 };

static const struct organization organizations[] = {
    {.id = {(const uint8_t *)"org/lab", 7}, .is_self = true},
    {.id = {(const uint8_t *)"org/partner-a", 13}},
};
const struct organizations fixture_organizations = {organizations, ARRAY_LEN(organizations)};

const char fixture_resources[] = "resources:\n"
                                 "  - {id: model/a, base: allow}\n"
                                 "  - {id: model/b, base: allow}\n"
                                 "  - {id: model/closed, base: deny}\n";

const char fixture_full[] = "directive: full\n"
                            "language: 1\n"
                            "title: Every key\n"
                            "authority:\n"
                            "  text: a letter\n"
                            "  document_sha256: "
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                            "  received: 2026-06-12T17:21:00-04:00\n"
                            "effective:\n"
                            "  from: 2026-06-12T17:21:00-04:00\n"
                            "  until: 2027-06-12T17:21:00-04:00\n"
                            "lifted:\n"
                            "  at: 2026-12-01T00:00:00Z\n"
                            "  authority:\n"
                            "    text: another letter\n"
                            "resources:\n"
                            "  - model/a\n"
                            "actions:\n"
                            "  - use\n"
                            "require:\n"
                            "  all:\n"
                            "    - foreign_person:\n"
                            "        regime: itar_120_63\n"
                            "        is: false\n"
                            "    - us_person:\n"
                            "        regime: doj_202_256\n"
                            "        is: true\n"
                            "    - us_status:\n"
                            "        any:\n"
                            "          - lpr\n"
                            "    - not:\n"
                            "        any:\n"
                            "          - citizen_of:\n"
                            "              any:\n"
                            "                - EAR:E:1\n"
                            "          - citizen_of:\n"
                            "              all:\n"
                            "                - DEU\n"
                            "          - citizen_of:\n"
                            "              ever:\n"
                            "                - IRN\n"
                            "          - deemed_country:\n"
                            "              regime: ear_734_13b\n"
                            "              in:\n"
                            "                - IRN\n"
                            "          - permanent_resident_of:\n"
                            "              any:\n"
                            "                - IRN\n"
                            "          - born_in:\n"
                            "              any:\n"
                            "                - IRN\n"
                            "    - organized_in:\n"
                            "        any:\n"
                            "          - USA\n"
                            "    - subject_kind:\n"
                            "        any:\n"
                            "          - user\n"
                            "    - assurance:\n"
                            "        least: ial2\n"
                            "    - proof:\n"
                            "        least: chip\n"
                            "    - evidence_class:\n"
                            "        any:\n"
                            "          - passport\n"
                            "          - passport_card\n"
                            "    - location:\n"
                            "        in:\n"
                            "          - USA\n"
                            "    - location: any\n"
                            "      location_authority:\n"
                            "        text: a third letter\n"
                            "    - context:\n"
                            "        key: purpose\n"
                            "        in:\n"
                            "          - research\n"
                            "proof: document_authenticated\n"
                            "applies_to_us_persons:\n"
                            "  authority:\n"
                            "    text: a statute\n"
                            "exempt:\n"
                            "  - when:\n"
                            "      affiliated_with:\n"
                            "        organizations:\n"
                            "          - org/partner-a\n"
                            "        as:\n"
                            "          - employee\n"
                            "    resources:\n"
                            "      - model/a\n"
                            "    from: 2026-06-26T18:00:00-04:00\n"
                            "    until: 2026-12-26T18:00:00-04:00\n"
                            "    authority:\n"
                            "      text: annex A\n"
                            "    waives:\n"
                            "      - require\n"
                            "unverified:\n"
                            "  obligation: verify\n"
                            "  accept:\n"
                            "    - passport\n"
                            "    - permanent_resident_card\n"
                            "stale: deny\n"
                            "record: durable\n"
                            "lease: 10s\n"
                            "instead:\n"
                            "  - model/b\n"
                            "notice:\n"
                            "  en: A notice.\n"
                            "  url: https://example.com/notice\n"
                            "appeal:\n"
                            "  url: https://example.com/appeal\n";

int fixture_setup(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);

    arena_init(&fixture->arena, 64 * 1024);
    diagnostics_init(&fixture->diagnostics, &fixture->arena);
    fixture->groups = country_groups_load(country_groups_default(), "groups", &fixture->arena,
                                          &fixture->diagnostics);
    fixture->environment = (struct directive_environment){.groups = fixture->groups,
                                                          .organizations = &fixture_organizations};
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    arena_release(&fixture->arena);
    memory_free(fixture);
    return 0;
}

struct directive_set *fixture_compile(struct fixture *fixture, const char *const *texts)
{
    struct directive_file files[FILES_MAX];
    size_t count = 0;

    diagnostics_init(&fixture->diagnostics, &fixture->arena);
    for (; texts[count]; count++) {
        assert_true(count < FILES_MAX);
        files[count] = (struct directive_file){arena_printf(&fixture->arena, "%zu.yaml", count),
                                               span_text(texts[count])};
    }
    return directive_set_compile(files, count, &fixture->environment, &fixture->diagnostics);
}

struct directive_set *fixture_rule(struct fixture *fixture, const char *require, const char *more)
{
    const char *texts[] = {
        fixture_resources,
        arena_printf(&fixture->arena,
                     "directive: rule\nlanguage: 1\ntitle: A rule\nauthority: {text: a letter}\n"
                     "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a]\n"
                     "require: %s\n%s",
                     require, more),
        NULL,
    };

    return fixture_compile(fixture, texts);
}

bool fixture_found(const struct fixture *fixture, const char *file, int line, int column,
                   enum diagnostic_severity severity, const char *words)
{
    for (const struct diagnostic *entry = fixture->diagnostics.first; entry; entry = entry->next)
        if (strcmp(entry->file, file) == 0 && entry->line == line && entry->column == column &&
            entry->severity == severity && strstr(entry->message, words))
            return true;
    diagnostics_print(&fixture->diagnostics, stdout);
    return false;
}

bool fixture_says(const struct fixture *fixture, const char *words)
{
    for (const struct diagnostic *entry = fixture->diagnostics.first; entry; entry = entry->next)
        if (strstr(entry->message, words))
            return true;
    return false;
}
