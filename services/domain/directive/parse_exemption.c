/* SPDX-License-Identifier: Apache-2.0 */
/* Exemptions: one entry of `exempt`. */
#include "domain/directive/parse_values.h"

/* What one entry of `exempt` is read into. */
struct exemption_draft {
    struct draft *directive;
    struct directive_exemption exemption;
    size_t index;
};

static void read_when(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct exemption_draft *draft = target;
    struct test_frame frame = {
        .proof = draft->directive->directive.proof,
        .applies_to_us_persons = draft->directive->directive.applies_to_us_persons,
        .is_exemption = true,
        .first = reader->builder->node_count,
    };

    draft->directive->whens[draft->index] = parse_test(reader, value, frame);
    draft->exemption.affiliation =
        obligation_to_prove_affiliation(reader, frame.first, reader->builder->node_count);
}

static void read_exempt_resources(struct reader *reader, const struct yaml_node *value,
                                  void *target)
{
    struct exemption_draft *draft = target;

    draft->directive->exemption_resources[draft->index] = value;
    parse_resource_list(reader, value, "the exemption's `resources`", true,
                        &draft->exemption.resources, &draft->exemption.resource_count);
}

static void read_exempt_from(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct exemption_draft *draft = target;

    read_instant(reader, value, &draft->exemption.from_ms);
}

static void read_exempt_until(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct exemption_draft *draft = target;

    if (read_instant(reader, value, &draft->exemption.until_ms) &&
        draft->exemption.until_ms <= draft->exemption.from_ms)
        read_error(reader, value,
                   "`until` must be after `from`: it is the first moment at which "
                   "the exemption is over");
}

static void read_exempt_authority(struct reader *reader, const struct yaml_node *value,
                                  void *target)
{
    struct exemption_draft *draft = target;

    read_authority(reader, value, &draft->exemption.authority);
}

static void read_waives(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const char *const words[] = {"require"};
    const char *ignored;

    (void)target;
    (void)parse_bits(reader, value, "`waives`", words, ARRAY_LEN(words), &ignored);
}

static const struct field exemption_fields[] = {
    {"when", true, read_when},
    {"resources", false, read_exempt_resources},
    {"from", false, read_exempt_from},
    {"until", false, read_exempt_until},
    {"authority", true, read_exempt_authority},
    {"waives", true, read_waives},
};

void parse_exemption(struct reader *reader, const struct yaml_node *node, struct draft *directive,
                     size_t index)
{
    struct exemption_draft draft = {
        .directive = directive,
        .index = index,
        .exemption = {.from_ms = directive->directive.from_ms,
                      .until_ms = TIMESTAMP_NEVER_MS,
                      .authority = {"", "", TIMESTAMP_NEVER_MS},
                      .line = node->line,
                      .column = node->column},
    };

    read_mapping(reader, node, "an exemption", exemption_fields, ARRAY_LEN(exemption_fields),
                 &draft);
    directive->directive.exemptions[index] = draft.exemption;
}
