/* SPDX-License-Identifier: Apache-2.0 */
/* Tests as they are written: YAML to nodes. */
#include "base/memory.h"
#include "domain/directive/build.h"
#include "domain/directive/parse_values.h"

/* What a test's mapping is read into. */
struct test_draft {
    struct directive_node node;
    const struct test_frame *frame;
    const char *list; /* the set, list or word as it was written */
    const struct span *organizations;
};

static void read_regime(struct reader *reader, const struct yaml_node *value,
                        struct test_draft *draft, unsigned allowed)
{
    const char *words[REGIME_COUNT];
    unsigned regime;

    for (unsigned i = 0; i < REGIME_COUNT; i++)
        words[i] = allowed >> i & 1 ? regime_word((enum regime)i) : "";
    if (read_word(reader, value, "regime", words, REGIME_COUNT, &regime))
        draft->node.regime = (uint8_t)regime;
}

static void read_foreign_regime(struct reader *reader, const struct yaml_node *value, void *target)
{
    read_regime(reader, value, target, 1U << REGIME_EAR_772_1 | 1U << REGIME_ITAR_120_63);
}

static void read_us_regime(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    read_regime(reader, value, draft,
                1U << REGIME_ITAR_120_62 | 1U << REGIME_EAR_744_6 | 1U << REGIME_DOJ_202_256);
    if (draft->node.regime != REGIME_ITAR_120_62) {
        draft->node.key = parse_location_key(reader, value);
        draft->node.countries = parse_united_states(reader);
    }
}

static void read_deemed_regime(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    read_regime(reader, value, draft, 1U << REGIME_EAR_734_13B | 1U << REGIME_ITAR_120_50B);
    /* ITAR: a release goes to all of the countries, so that each must be fine: all of them in a
     * list of allowed ones, none of them in a list of forbidden ones. */
    draft->node.quantifier =
        draft->node.regime == REGIME_ITAR_120_50B && !draft->frame->is_under_not ? QUANTIFIER_EVERY
                                                                                 : QUANTIFIER_ANY;
}

static void read_is(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;
    bool is_true;

    if (read_bool(reader, value, &is_true))
        draft->node.is_negated = !is_true;
}

static void read_nationalities(struct reader *reader, const struct yaml_node *value,
                               struct test_draft *draft, enum quantifier quantifier)
{
    if (draft->node.countries) {
        read_error(reader, value, "one of `any`, `all` and `ever` at a time");
        return;
    }
    draft->node.quantifier = (uint8_t)quantifier;
    draft->node.countries = parse_nationalities(reader, value, &draft->list);
}

static void read_any_nationality(struct reader *reader, const struct yaml_node *value, void *target)
{
    read_nationalities(reader, value, target, QUANTIFIER_ANY);
}

static void read_all_nationalities(struct reader *reader, const struct yaml_node *value,
                                   void *target)
{
    read_nationalities(reader, value, target, QUANTIFIER_EVERY);
}

static void read_ever_nationality(struct reader *reader, const struct yaml_node *value,
                                  void *target)
{
    read_nationalities(reader, value, target, QUANTIFIER_EVER);
}

static void read_deemed_in(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.countries = parse_nationalities(reader, value, &draft->list);
}

static void read_births(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.countries = parse_birth_places(reader, value, &draft->list);
}

static void read_places(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.countries = parse_places(reader, value, &draft->list);
}

static const char *const us_status_words[] = {"citizen", "national", "lpr",
                                              "refugee", "asylee",   "temporary"};
static const char *const subject_kind_words[] = {
    [SUBJECT_USER] = "user",         [SUBJECT_EMPLOYEE] = "employee",
    [SUBJECT_SERVICE] = "service",   [SUBJECT_ORGANIZATION] = "organization",
    [SUBJECT_KIND_UNSPECIFIED] = "",
};
static const char *const assurance_words[] = {
    [ASSURANCE_NONE] = "",
    [ASSURANCE_IAL1] = "ial1",
    [ASSURANCE_IAL2] = "ial2",
    [ASSURANCE_IAL3] = "ial3",
};

static void read_statuses(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.mask = (uint32_t)parse_bits(reader, value, "US status", us_status_words,
                                            ARRAY_LEN(us_status_words), &draft->list);
}

static void read_kinds(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.mask = (uint32_t)parse_bits(reader, value, "subject kind", subject_kind_words,
                                            ARRAY_LEN(subject_kind_words), &draft->list);
}

static void read_classes(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.mask = (uint32_t)parse_evidence_classes(reader, value, &draft->list);
}

static void read_least_assurance(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;
    unsigned level;

    if (read_word(reader, value, "assurance", assurance_words, ARRAY_LEN(assurance_words), &level))
        draft->node.mask = level;
    draft->list = arena_text(reader->arena, value->text);
}

static void read_least_proof(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;
    enum proof proof;

    if (parse_proof(reader, value, &proof))
        draft->node.mask = proof;
    draft->list = arena_text(reader->arena, value->text);
}

static void read_organizations(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.organizations =
        parse_organizations(reader, value, &draft->organizations, &draft->list);
    draft->node.count = draft->node.organizations ? (uint32_t)value->count : 0;
}

static void read_as(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    draft->node.as = parse_affiliations(reader, value);
}

static void read_key(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;

    if (!read_is_name(reader, value, "a context key", 64, "._-"))
        return;
    if (span_is(value->text, "location"))
        read_error(reader, value, "`location` has a test of its own: `location: {in: […]}`");
    else
        draft->node.key = parse_context_key(reader, value, value->text);
    draft->list = arena_text(reader->arena, value->text);
}

static void read_values(struct reader *reader, const struct yaml_node *value, void *target)
{
    struct test_draft *draft = target;
    struct span *values;

    if (!read_is_list(reader, value, "`in`"))
        return;
    values = arena_new_array(reader->arena, struct span, value->count);
    for (size_t i = 0; i < value->count; i++)
        if (read_is_text(reader, value->items[i], "a value", RESOURCE_ID_MAX))
            values[i] = arena_copy(reader->arena, value->items[i]->text);
    draft->node.values = values;
    draft->node.count = (uint32_t)value->count;
    draft->list = arena_printf(reader->arena, "%s is one of %s", draft->list ? draft->list : "",
                               read_join(reader, value));
}

static const struct field foreign_person_fields[] = {
    {"regime", true, read_foreign_regime},
    {"is", true, read_is},
};
static const struct field us_person_fields[] = {
    {"regime", true, read_us_regime},
    {"is", true, read_is},
};
static const struct field us_status_fields[] = {{"any", true, read_statuses}};
static const struct field citizen_of_fields[] = {
    {"any", false, read_any_nationality},
    {"all", false, read_all_nationalities},
    {"ever", false, read_ever_nationality},
};
static const struct field deemed_country_fields[] = {
    {"regime", true, read_deemed_regime},
    {"in", true, read_deemed_in},
};
static const struct field permanent_resident_of_fields[] = {{"any", true, read_any_nationality}};
static const struct field born_in_fields[] = {{"any", true, read_births}};
static const struct field affiliated_with_fields[] = {
    {"organizations", true, read_organizations},
    {"as", true, read_as},
};
static const struct field organized_in_fields[] = {{"any", true, read_places}};
static const struct field subject_kind_fields[] = {{"any", true, read_kinds}};
static const struct field assurance_fields[] = {{"least", true, read_least_assurance}};
static const struct field proof_fields[] = {{"least", true, read_least_proof}};
static const struct field evidence_class_fields[] = {{"any", true, read_classes}};
static const struct field location_fields[] = {{"in", true, read_places}};
static const struct field context_fields[] = {
    {"key", true, read_key},
    {"in", true, read_values},
};

#define FIELDS(name) (name##_fields), ARRAY_LEN(name##_fields)
static const struct {
    const struct field *fields; /* none for all, any and not */
    size_t field_count;
} tests[TEST_COUNT] = {
    [TEST_FOREIGN_PERSON] = {FIELDS(foreign_person)},
    [TEST_US_PERSON] = {FIELDS(us_person)},
    [TEST_US_STATUS] = {FIELDS(us_status)},
    [TEST_CITIZEN_OF] = {FIELDS(citizen_of)},
    [TEST_DEEMED_COUNTRY] = {FIELDS(deemed_country)},
    [TEST_PERMANENT_RESIDENT_OF] = {FIELDS(permanent_resident_of)},
    [TEST_BORN_IN] = {FIELDS(born_in)},
    [TEST_AFFILIATED_WITH] = {FIELDS(affiliated_with)},
    [TEST_ORGANIZED_IN] = {FIELDS(organized_in)},
    [TEST_SUBJECT_KIND] = {FIELDS(subject_kind)},
    [TEST_ASSURANCE] = {FIELDS(assurance)},
    [TEST_PROOF] = {FIELDS(proof)},
    [TEST_EVIDENCE_CLASS] = {FIELDS(evidence_class)},
    [TEST_LOCATION] = {FIELDS(location)},
    [TEST_CONTEXT] = {FIELDS(context)},
};
#undef FIELDS

static bool is_nationality_test(unsigned test)
{
    return test == TEST_CITIZEN_OF || test == TEST_DEEMED_COUNTRY ||
           test == TEST_PERMANENT_RESIDENT_OF || test == TEST_BORN_IN;
}

/* An exemption widens: where TRUE would exempt, it reaches whom it names and nobody else. */
static enum test_scope scope_in(const struct test_frame *frame, unsigned test)
{
    if (!is_nationality_test(test) || frame->applies_to_us_persons)
        return SCOPE_EVERYBODY;
    if (frame->is_under_not)
        return SCOPE_AND_FOREIGN;
    return frame->is_exemption ? SCOPE_EVERYBODY : SCOPE_OR_NOT_FOREIGN;
}

static size_t node_add(struct reader *reader, const struct yaml_node *at,
                       const struct test_frame *frame, enum test_kind test)
{
    struct builder *builder = reader->builder;
    size_t capacity = builder->node_capacity;

    builder->nodes =
        builder_room(builder->nodes, builder->node_count, &capacity, sizeof(*builder->nodes));
    builder->sources = builder_room(builder->sources, builder->node_count, &builder->node_capacity,
                                    sizeof(*builder->sources));
    builder->nodes[builder->node_count] =
        (struct directive_node){.test = (uint8_t)test, .proof = (uint8_t)frame->proof, .length = 1};
    builder->sources[builder->node_count] =
        (struct test_source){.text = "", .line = at->line, .column = at->column};
    return builder->node_count++;
}

static void parse_location_any(struct reader *reader, const struct yaml_node *test, size_t index)
{
    const struct yaml_node *node = yaml_get(test, "location_authority");
    struct directive_authority authority;

    if (!node) {
        read_error(reader, test, "`location: any` needs `location_authority: {text: …}` beside it");
        return;
    }
    read_authority(reader, node, &authority);
    reader->builder->sources[index].text =
        arena_printf(reader->arena, "is in any place (%s)", authority.text ? authority.text : "");
}

static void parse_leaf(struct reader *reader, const struct yaml_node *value,
                       const struct test_frame *frame, size_t index)
{
    struct test_draft draft = {.node = reader->builder->nodes[index], .frame = frame};
    enum test_kind test = draft.node.test;
    char what[64];

    draft.node.scope = (uint8_t)scope_in(frame, test);
    snprintf(what, sizeof(what), "`%s`", test_word(test));
    read_mapping(reader, value, what, tests[test].fields, tests[test].field_count, &draft);
    if (test == TEST_CITIZEN_OF && value->kind == YAML_MAPPING && value->count == 0)
        read_error(reader, value, "`citizen_of` needs one of `any`, `all` and `ever`");
    if (test == TEST_LOCATION)
        draft.node.key = parse_location_key(reader, value);
    reader->builder->nodes[index] = draft.node;
    reader->builder->sources[index].organizations = draft.organizations;
    reader->builder->sources[index].text =
        test_text(reader->arena, &draft.node, draft.list ? draft.list : "");
}

static void parse_operands(struct reader *reader, const struct yaml_node *value,
                           struct test_frame frame, size_t index)
{
    enum test_kind test = reader->builder->nodes[index].test;

    reader->builder->sources[index].text = test_word(test);
    if (++frame.depth > DIRECTIVE_DEPTH_MAX) {
        read_error(reader, value, "all, any and not stand more than %d deep", DIRECTIVE_DEPTH_MAX);
        return;
    }
    if (test == TEST_NOT) {
        frame.is_under_not = !frame.is_under_not;
        parse_test(reader, value, frame);
        return;
    }
    if (!read_is_list(reader, value, test == TEST_ALL ? "`all`" : "`any`"))
        return;
    for (size_t i = 0; i < value->count; i++)
        parse_test(reader, value->items[i], frame);
}

/* The pair of the mapping that is the test; NULL after an error. */
static const struct yaml_pair *test_pair(struct reader *reader, const struct yaml_node *node)
{
    const struct yaml_pair *found = NULL;

    if (node->kind != YAML_MAPPING || node->count == 0) {
        read_error(reader, node, "a test is a mapping: `{foreign_person: {…}}`");
        return NULL;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (span_is(node->pairs[i].key->text, "location_authority"))
            continue;
        if (found) {
            read_error(reader, node->pairs[i].key,
                       "one test per mapping: put several in a list under `all` or `any`");
            return NULL;
        }
        found = &node->pairs[i];
    }
    if (!found)
        read_error(reader, node, "`location_authority` stands beside `location: any`");
    return found;
}

static bool find_test(struct reader *reader, const struct yaml_node *key, unsigned *ret_test)
{
    static const char *const names[] = {
#define X(name, word) (word),
        TEST_LIST(X)
#undef X
    };

    if (span_is(key->text, "licence")) {
        read_error(reader, key,
                   "`licence` needs licences, which this release does not hold: put what the "
                   "licence allows into an exemption with its number as authority");
        return false;
    }
    return read_word(reader, key, "test", names, ARRAY_LEN(names), ret_test);
}

size_t parse_test(struct reader *reader, const struct yaml_node *node, struct test_frame frame)
{
    struct builder *builder = reader->builder;
    const struct yaml_pair *pair;
    size_t index = builder->node_count;
    unsigned test;
    bool is_any_location;

    if (index - frame.first >= DIRECTIVE_TESTS_MAX) {
        read_error(reader, node, "more than %d tests in one", DIRECTIVE_TESTS_MAX);
        return frame.first;
    }
    pair = test_pair(reader, node);
    if (!pair || !find_test(reader, pair->key, &test))
        return frame.first;
    index = node_add(reader, pair->key, &frame, test);
    is_any_location = test == TEST_LOCATION && pair->value->kind == YAML_SCALAR &&
                      span_is(pair->value->text, "any");
    if (!is_any_location && yaml_get(node, "location_authority"))
        read_error(reader, yaml_get(node, "location_authority"),
                   "`location_authority` stands beside `location: any` only");
    if (is_any_location)
        parse_location_any(reader, node, index);
    else if (tests[test].fields)
        parse_leaf(reader, pair->value, &frame, index);
    else
        parse_operands(reader, pair->value, frame, index);
    builder->nodes[index].length = (uint32_t)(builder->node_count - index);
    return index;
}
