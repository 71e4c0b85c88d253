/* SPDX-License-Identifier: Apache-2.0 */
/* The file of one directive, key by key. */
#include "base/memory.h"
#include "domain/directive/parse_values.h"

void *builder_room(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 16;
    return memory_grow(array, *capacity, size);
}

static void read_id(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    draft->id_node = value;
    if (read_is_name(reader, value, "a directive's id", DIRECTIVE_ID_MAX, "._:-"))
        draft->directive.id = arena_text(reader->arena, value->text);
}

/* parse_directive() has looked at it before anything else. */
static void read_language(struct reader *reader, const struct yaml_node *value, void *target)
{
    (void)reader;
    (void)value;
    (void)target;
}

static void read_title(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    draft->directive.title = read_text(reader, value, "`title`", DIRECTIVE_TEXT_MAX);
}

static void read_directive_authority(struct reader *reader, const struct yaml_node *value,
                                     void *target)
{
    struct draft *draft = target;

    read_authority(reader, value, &draft->directive.authority);
}

static void read_from(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct directive *directive = target;

    read_instant(reader, value, &directive->from_ms);
}

static void read_until(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct directive *directive = target;

    if (read_instant(reader, value, &directive->until_ms) &&
        directive->until_ms <= directive->from_ms)
        read_error(reader, value,
                   "`until` must be after `from`: it is the first moment at which "
                   "the directive is no longer in force");
}

static void read_effective(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const struct field fields[] = {
        {"from", true, read_from},
        {"until", false, read_until},
    };
    struct draft *draft = target;

    read_mapping(reader, value, "`effective`", fields, ARRAY_LEN(fields), &draft->directive);
}

static void read_lifted_at(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct directive *directive = target;

    read_instant(reader, value, &directive->lifted_ms);
}

static void read_lifted_authority(struct reader *reader, const struct yaml_node *value,
                                  void *target)
{
    struct directive *directive = target;

    read_authority(reader, value, &directive->lifted_authority);
}

static void read_lifted(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const struct field fields[] = {
        {"at", true, read_lifted_at},
        {"authority", true, read_lifted_authority},
    };
    struct draft *draft = target;

    read_mapping(reader, value, "`lifted`", fields, ARRAY_LEN(fields), &draft->directive);
}

static void read_resources(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    draft->resources_node = value;
    parse_resource_list(reader, value, "`resources`", true, &draft->directive.resources,
                        &draft->directive.resource_count);
}

static void read_actions(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;
    struct span *actions;

    if (!read_is_list(reader, value, "`actions`"))
        return;
    actions = arena_new_array(reader->arena, struct span, value->count);
    for (size_t i = 0; i < value->count; i++) {
        const struct yaml_node *item = value->items[i];
        bool is_star = item->kind == YAML_SCALAR && span_is(item->text, "*");

        if (is_star && value->count > 1)
            read_error(reader, item, "`*` is every action: leave the others out");
        if (is_star || read_is_name(reader, item, "an action", RESOURCE_TYPE_MAX, "._:-"))
            actions[i] = arena_copy(reader->arena, item->text);
    }
    draft->directive.actions = actions;
    draft->directive.action_count = value->count;
}

static void read_proof(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    parse_proof(reader, value, &draft->directive.proof);
}

static void read_us_persons_authority(struct reader *reader, const struct yaml_node *value,
                                      void *target)
{
    struct draft *draft = target;

    read_authority(reader, value, &draft->directive.us_persons_authority);
}

static void read_us_persons(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const struct field fields[] = {{"authority", true, read_us_persons_authority}};
    struct draft *draft = target;

    draft->directive.applies_to_us_persons = true;
    read_mapping(reader, value, "`applies_to_us_persons`", fields, ARRAY_LEN(fields), draft);
}

static void read_require(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;
    size_t errors_before = reader->diagnostics->error_count;
    struct test_frame frame = {
        .proof = draft->directive.proof,
        .applies_to_us_persons = draft->directive.applies_to_us_persons,
        .first = reader->builder->node_count,
    };

    draft->require = parse_test(reader, value, frame);
    if (reader->diagnostics->error_count == errors_before)
        lint_place(reader, draft->require);
    draft->directive.affiliation =
        obligation_to_prove_affiliation(reader, frame.first, reader->builder->node_count);
}

static void read_exempt(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    if (!read_is_list(reader, value, "`exempt`"))
        return;
    draft->directive.exemptions =
        arena_new_array(reader->arena, struct directive_exemption, value->count);
    draft->directive.exemption_count = value->count;
    draft->whens = arena_new_array(&reader->builder->scratch, size_t, value->count);
    draft->exemption_resources =
        arena_new_array(&reader->builder->scratch, const struct yaml_node *, value->count);
    for (size_t i = 0; i < value->count; i++)
        parse_exemption(reader, value->items[i], draft, i);
}

static void read_obligation(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const char *const words[] = {"verify"};
    unsigned ignored;

    (void)target;
    (void)read_word(reader, value, "obligation", words, ARRAY_LEN(words), &ignored);
}

/* Demanding one certain document is what 8 U.S.C. 1324b(a)(6) forbids. */
static void read_accept(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;
    const char *ignored;

    if (value->kind == YAML_SCALAR && span_is(value->text, "any"))
        return;
    if (value->kind == YAML_SCALAR) {
        read_error(reader, value, "`accept` is `any` or a list of kinds of evidence");
        return;
    }
    draft->accepted = parse_evidence_classes(reader, value, &ignored);
    if (value->kind == YAML_SEQUENCE && __builtin_popcountll(draft->accepted) == 1)
        read_error(reader, value,
                   "one single kind of document must not be demanded (8 U.S.C. 1324b(a)(6)): "
                   "name several, or `any`");
}

static void read_unverified(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const struct field fields[] = {
        {"obligation", true, read_obligation},
        {"accept", true, read_accept},
    };

    read_mapping(reader, value, "`unverified`", fields, ARRAY_LEN(fields), target);
}

static void read_stale(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const char *const words[] = {"allow", "deny"};
    struct draft *draft = target;
    unsigned index;

    if (read_word(reader, value, "`stale`", words, ARRAY_LEN(words), &index))
        draft->directive.is_stale_denied = index == 1;
}

static void read_record(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const char *const words[] = {"bounded", "durable"};
    struct draft *draft = target;
    unsigned index;

    if (read_word(reader, value, "`record`", words, ARRAY_LEN(words), &index))
        draft->directive.is_record_durable = index == 1;
}

static void read_lease(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    draft->lease_node = value;
    (void)read_duration(reader, value, "`lease`", DIRECTIVE_LEASE_MOST_MS,
                        &draft->directive.lease_ms);
}

static void read_instead(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    draft->instead_node = value;
    parse_resource_list(reader, value, "`instead`", false, &draft->directive.instead,
                        &draft->directive.instead_count);
}

/* BCP 47, as far as its form goes: "en", "pt-BR". */
static bool is_language(struct span tag)
{
    size_t length = 0;
    size_t most = 3; /* of the first subtag; the others have up to 8 */

    for (size_t i = 0; i < tag.length; i++) {
        uint8_t c = tag.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (c == '-' && length >= 2) {
            length = 0;
            most = 8;
            continue;
        }
        if (!is_letter && !(c >= '0' && c <= '9' && most == 8))
            return false;
        if (++length > most)
            return false;
    }
    return length >= 2;
}

static void read_notice(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;
    struct directive *directive = &draft->directive;
    struct directive_notice *notices;

    if (value->kind != YAML_MAPPING) {
        read_error(reader, value, "`notice` must be a mapping: `{en: …, url: …}`");
        return;
    }
    notices = arena_new_array(reader->arena, struct directive_notice, value->count);
    for (size_t i = 0; i < value->count; i++) {
        const struct yaml_pair *pair = &value->pairs[i];

        if (span_is(pair->key->text, "url"))
            directive->notice_url = read_url(reader, pair->value, "the notice's `url`");
        else if (!is_language(pair->key->text))
            read_error(reader, pair->key,
                       "`notice`: key `%.40s` is neither a language, like `en`, nor `url`",
                       (const char *)pair->key->text.data);
        else
            notices[directive->notice_count++] = (struct directive_notice){
                .language = arena_text(reader->arena, pair->key->text),
                .text = read_text(reader, pair->value, "a notice", DIRECTIVE_TEXT_MAX),
            };
    }
    directive->notices = notices;
    if (directive->notice_count == 0)
        read_error(reader, value, "`notice` needs a text in one language: `en: …`");
}

static void read_appeal_url(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct draft *draft = target;

    draft->directive.appeal_url = read_url(reader, value, "the appeal's `url`");
}

static void read_appeal(struct reader *reader, const struct yaml_node *value, void *target)
{
    static const struct field fields[] = {{"url", true, read_appeal_url}};

    read_mapping(reader, value, "`appeal`", fields, ARRAY_LEN(fields), target);
}

/* What tests depend on stands before them. */
static const struct field directive_fields[] = {
    {"directive", true, read_id},
    {"language", true, read_language},
    {"title", true, read_title},
    {"authority", true, read_directive_authority},
    {"effective", true, read_effective},
    {"lifted", false, read_lifted},
    {"resources", true, read_resources},
    {"actions", false, read_actions},
    {"proof", false, read_proof},
    {"applies_to_us_persons", false, read_us_persons},
    {"require", true, read_require},
    {"exempt", false, read_exempt},
    {"unverified", false, read_unverified},
    {"stale", false, read_stale},
    {"record", false, read_record},
    {"lease", false, read_lease},
    {"instead", false, read_instead},
    {"notice", false, read_notice},
    {"appeal", false, read_appeal},
};

/* A file in a newer language is not read at all: its other keys may mean something else. */
static bool is_language_spoken(struct reader *reader, const struct yaml_node *root)
{
    const struct yaml_node *node = yaml_get(root, "language");
    unsigned long language = 0;

    if (!node || yaml_is_null(node))
        return true;
    for (size_t i = 0; node->kind == YAML_SCALAR && i < node->text.length; i++) {
        if (node->text.data[i] < '0' || node->text.data[i] > '9' || language > 99999) {
            language = 0;
            break;
        }
        language = language * 10 + (unsigned long)(node->text.data[i] - '0');
    }
    if (language == 0)
        read_error(reader, node, "`language` is a number: %d", DIRECTIVE_LANGUAGE);
    else if (language > DIRECTIVE_LANGUAGE)
        read_error(reader, node, "language %lu is newer than this program's %d", language,
                   DIRECTIVE_LANGUAGE);
    return language <= DIRECTIVE_LANGUAGE;
}

static void finish(struct reader *reader, struct draft *draft)
{
    struct directive *directive = &draft->directive;

    if (!directive->actions) {
        directive->actions = arena_new(reader->arena, struct span);
        directive->actions[0] = span_text("*");
        directive->action_count = 1;
    }
    if (directive->lifted_ms != TIMESTAMP_NEVER_MS && directive->lifted_ms <= directive->from_ms &&
        draft->id_node)
        read_warning(reader, draft->id_node->line, draft->id_node->column,
                     "lifted before it came into force: it is never in force");
    draft->node_end = reader->builder->node_count;
    directive->unverified = obligation_to_verify(reader->arena, draft->accepted);
    directive->context = obligation_to_provide_context(reader, draft->node_begin, draft->node_end);
}

void parse_directive(struct reader *reader, const struct yaml_node *root)
{
    struct builder *builder = reader->builder;
    size_t errors_before = reader->diagnostics->error_count;
    struct draft draft = {
        .node_begin = builder->node_count,
        .directive = {.file = arena_text(reader->arena, span_text(reader->file)),
                      .until_ms = TIMESTAMP_NEVER_MS,
                      .lifted_ms = TIMESTAMP_NEVER_MS,
                      .proof = PROOF_DOCUMENT_AUTHENTICATED,
                      .is_stale_denied = true,
                      .lease_ms = DIRECTIVE_LEASE_UNSAID,
                      .notice_url = "",
                      .appeal_url = ""},
    };

    draft.directive.authority = (struct directive_authority){"", "", TIMESTAMP_NEVER_MS};
    draft.directive.lifted_authority = draft.directive.authority;
    draft.directive.us_persons_authority = draft.directive.authority;
    if (!is_language_spoken(reader, root))
        return;
    read_mapping(reader, root, "a directive", directive_fields, ARRAY_LEN(directive_fields),
                 &draft);
    finish(reader, &draft);
    if (!draft.directive.id)
        return;
    builder->drafts = builder_room(builder->drafts, builder->draft_count, &builder->draft_capacity,
                                   sizeof(*builder->drafts));
    builder->drafts[builder->draft_count++] = draft;
    if (reader->diagnostics->error_count == errors_before)
        lint_directive(reader, &draft);
}
