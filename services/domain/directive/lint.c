/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: what a directive may say, and probably should not. */
#include "domain/directive/build.h"

/* The nodes of one directive, or of one of its tests. */
struct range {
    const struct directive_node *nodes;
    const struct test_source *sources;
    size_t count;
};

static struct range range_of(const struct builder *builder, size_t begin, size_t end)
{
    return (struct range){builder->nodes + begin, builder->sources + begin, end - begin};
}

static struct range range_of_test(const struct builder *builder, size_t index)
{
    return range_of(builder, index, index + builder->nodes[index].length);
}

static bool has_test(struct range range, enum test_kind test)
{
    for (size_t i = 0; i < range.count; i++)
        if (range.nodes[i].test == test)
            return true;
    return false;
}

/* Is there a place that it names?  `location: any` names none. */
static bool has_place(struct range range)
{
    for (size_t i = 0; i < range.count; i++)
        if (range.nodes[i].test == TEST_LOCATION && range.nodes[i].countries)
            return true;
    return false;
}

static bool asks_who(struct range range)
{
    static const enum test_kind tests[] = {
        TEST_FOREIGN_PERSON, TEST_US_PERSON, TEST_US_STATUS,
        TEST_CITIZEN_OF,     TEST_BORN_IN,   TEST_PERMANENT_RESIDENT_OF,
        TEST_DEEMED_COUNTRY,
    };

    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        if (has_test(range, tests[i]))
            return true;
    return false;
}

/* Is there a test of the place on every way to TRUE?  Under `not` all and any change places. */
static bool settles_place(const struct directive_node *node, bool is_under_not)
{
    const struct directive_node *operand = node + 1, *end = node + node->length;
    bool is_one_enough = (node->test == TEST_ALL) != is_under_not;

    if (node->test == TEST_NOT)
        return settles_place(operand, !is_under_not);
    if (node->test != TEST_ALL && node->test != TEST_ANY)
        return node->test == TEST_LOCATION;
    for (; operand < end; operand += operand->length)
        if (settles_place(operand, is_under_not) == is_one_enough)
            return is_one_enough;
    return !is_one_enough;
}

static bool is_itar(const struct directive_node *node)
{
    return node->regime == REGIME_ITAR_120_50B || node->regime == REGIME_ITAR_120_62 ||
           node->regime == REGIME_ITAR_120_63;
}

static bool has_itar(struct range range)
{
    for (size_t i = 0; i < range.count; i++)
        if (is_itar(&range.nodes[i]))
            return true;
    return false;
}

/* 8 U.S.C. 1324b: citizens only, where the law says "person", discriminates. */
static void lint_citizens(struct reader *reader, struct range range)
{
    country_id usa = country_from_iso(span_text("USA"));

    for (size_t i = 0; i < range.count; i++) {
        const struct directive_node *node = &range.nodes[i];
        bool names_usa = node->test == TEST_CITIZEN_OF && country_set_has(node->countries, usa);
        bool names_some = node->test == TEST_US_STATUS && node->mask & US_STATUS_CITIZEN &&
                          node->mask != US_STATUS_PROTECTED;

        if (names_usa || names_some)
            read_warning(reader, range.sources[i].line, range.sources[i].column,
                         "asks for citizens where the law mostly says person: nationals, permanent "
                         "residents, refugees and asylees are no foreign persons either "
                         "(15 CFR 772.1, 8 U.S.C. 1324b); `foreign_person` says that");
    }
}

static void lint_births(struct reader *reader, struct range range)
{
    if (has_itar(range))
        return;
    for (size_t i = 0; i < range.count; i++)
        if (range.nodes[i].test == TEST_BORN_IN)
            read_warning(reader, range.sources[i].line, range.sources[i].column,
                         "`born_in` outside an ITAR regime: the EAR counts citizenship and "
                         "permanent residency, not birth (15 CFR 734.13(b))");
}

static void lint_single_class(struct reader *reader, struct range range)
{
    for (size_t i = 0; i < range.count; i++)
        if (range.nodes[i].test == TEST_EVIDENCE_CLASS &&
            __builtin_popcount(range.nodes[i].mask) == 1)
            read_warning(reader, range.sources[i].line, range.sources[i].column,
                         "demands one single kind of document (8 U.S.C. 1324b(a)(6)): name "
                         "several");
}

/* The limbs of "foreign person" (15 CFR 772.1), and the evidence that can show each.  No kind of
 * evidence shows by itself the temporary residents of 8 U.S.C. 1160(a) and 1255a(a)(1): a reviewer
 * must. */
#define CLASS(name) (UINT64_C(1) << EVIDENCE_##name)
static const struct {
    const char *limb;
    uint64_t classes;
} limbs[] = {
    {"a citizen or national of the United States",
     CLASS(PASSPORT) | CLASS(PASSPORT_CARD) | CLASS(NATURALIZATION_CERTIFICATE) |
         CLASS(CITIZENSHIP_CERTIFICATE) | CLASS(BIRTH_CERTIFICATE) |
         CLASS(CONSULAR_REPORT_OF_BIRTH)},
    {"a lawful permanent resident", CLASS(PERMANENT_RESIDENT_CARD) | CLASS(REENTRY_PERMIT)},
    {"a refugee",
     CLASS(REFUGEE_TRAVEL_DOCUMENT) | CLASS(ARRIVAL_RECORD) | CLASS(EMPLOYMENT_AUTHORIZATION)},
    {"an asylee", CLASS(REFUGEE_TRAVEL_DOCUMENT) | CLASS(ARRIVAL_RECORD) |
                      CLASS(EMPLOYMENT_AUTHORIZATION) | CLASS(NOTICE_OF_ACTION)},
};
/* … of which these have a chip that a state has signed (ICAO 9303-11).  The radio tags of US cards
 * are none, and the paper of US Citizenship and Immigration Services has none. */
static const uint64_t classes_with_chip = CLASS(PASSPORT);
#undef CLASS

static void lint_limbs(struct reader *reader, const struct draft *draft, struct range range)
{
    bool is_chip_asked = draft->directive.proof == PROOF_CHIP;

    if (!has_test(range, TEST_FOREIGN_PERSON) && !has_test(range, TEST_US_PERSON))
        return;
    for (size_t i = 0; i < ARRAY_LEN(limbs); i++) {
        if (draft->accepted != 0 && !(draft->accepted & limbs[i].classes))
            read_warning(reader, draft->id_node->line, draft->id_node->column,
                         "nothing in `unverified.accept` can show that somebody is %s "
                         "(15 CFR 772.1)",
                         limbs[i].limb);
        else if (is_chip_asked && !(limbs[i].classes & classes_with_chip))
            read_warning(reader, draft->id_node->line, draft->id_node->column,
                         "no document can show by its chip, as `proof: chip` asks, that somebody "
                         "is %s (15 CFR 772.1): only a register or a reviewer can",
                         limbs[i].limb);
    }
}

static void lint_exemption(struct reader *reader, const struct draft *draft, size_t index,
                           bool requires_place)
{
    const struct directive *directive = &draft->directive;
    const struct directive_exemption *exemption = &directive->exemptions[index];
    struct range when = range_of_test(reader->builder, draft->whens[index]);

    if (exemption->until_ms == TIMESTAMP_NEVER_MS)
        read_warning(reader, exemption->line, exemption->column,
                     "an exemption without an end: give `until`");
    if (exemption->until_ms <= directive->from_ms || exemption->from_ms >= directive->until_ms ||
        exemption->from_ms >= directive->lifted_ms)
        read_warning(reader, exemption->line, exemption->column,
                     "an exemption of a time in which the directive is not in force: it exempts "
                     "nobody");
    if (requires_place && !settles_place(when.nodes, false))
        read_warning(reader, exemption->line, exemption->column,
                     "an exemption that names no location waives the location with the rest of "
                     "`require`");
}

static void lint_lease(struct reader *reader, const struct draft *draft)
{
    int64_t lease_ms = draft->directive.lease_ms;

    if (lease_ms > 0 && lease_ms < DIRECTIVE_LEASE_LEAST_MS)
        read_warning(reader, draft->lease_node->line, draft->lease_node->column,
                     "a lease below %d s counts as one of %d s: no replica knows sooner that it "
                     "hears nothing; 0 says also that no answer may be used twice",
                     DIRECTIVE_LEASE_LEAST_MS / 1000, DIRECTIVE_LEASE_LEAST_MS / 1000);
}

/* Sending out of the United States is an export whoever receives it: who asks for persons only has
 * forgotten the place, or has an authority that it does not matter. */
void lint_place(struct reader *reader, size_t require)
{
    struct range range = range_of_test(reader->builder, require);

    if (settles_place(range.nodes, false))
        return;
    diagnostics_add(reader->diagnostics, asks_who(range) ? DIAGNOSTIC_ERROR : DIAGNOSTIC_WARNING,
                    reader->file, range.sources[0].line, range.sources[0].column,
                    "`require` can be true without a word about the place, and sending out of the "
                    "United States is an export whoever receives it (15 CFR 734.13(a)(1)): write "
                    "`location: {in: […]}`, or `location: any` with its authority, beside the rest "
                    "under `all`");
}

void lint_directive(struct reader *reader, const struct draft *draft)
{
    struct range all = range_of(reader->builder, draft->node_begin, draft->node_end);
    struct range require = range_of_test(reader->builder, draft->require);

    lint_citizens(reader, all);
    lint_births(reader, all);
    lint_single_class(reader, all);
    lint_limbs(reader, draft, all);
    lint_lease(reader, draft);
    for (size_t i = 0; i < draft->directive.exemption_count; i++)
        lint_exemption(reader, draft, i, has_place(require));
}
