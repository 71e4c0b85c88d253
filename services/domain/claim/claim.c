/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: the registered claims, and `verified_claims` in three depths. */
#include "domain/claim/claim.h"

#include "base/encoding.h"
#include "domain/claim/json_writer.h"
#include "domain/claim/predicates.h"

enum { PAYLOAD_GUESS = 1536, MS_PER_SECOND = 1000 };

/* What nobody but the subject says is not verified, and does not stand in a token as if it were. */
static const enum proof least_proof = PROOF_INFERRED;

static const char *const disclosure_words[] = {
#define X(name, number, word) [CLAIM_DISCLOSURE_##name] = word,
    CLAIM_DISCLOSURE_LIST(X)
#undef X
};

const char *claim_disclosure_word(enum claim_disclosure disclosure)
{
    return disclosure_words[disclosure];
}

enum claim_disclosure claim_disclosure_from_word(struct span word)
{
    for (size_t i = 0; i < ARRAY_LEN(disclosure_words); i++)
        if (span_is(word, disclosure_words[i]))
            return (enum claim_disclosure)i;
    return CLAIM_DISCLOSURE_UNSPECIFIED;
}

/* The label begins with a NUL, which no id has: no hash of an id is ever a `sub`. */
void claim_pairwise_subject(const struct hash_key *key, struct hash128 subject,
                            struct span audience, char ret_text[static CLAIM_SUBJECT_MAX])
{
    struct {
        char label[8];
        struct hash128 subject;
        struct hash128 audience;
    } message = {"\0claim", subject, keyed_hash(key, audience)};
    struct hash128 hash = keyed_hash(key, span_of(&message, sizeof(message)));

    base64url_encode(span_of(&hash, sizeof(hash)), ret_text);
}

/* -- The request -- */

static bool check_text(struct span text, const char *field, struct err *err)
{
    if (text.length == 0)
        return err_field(err, ERR_FIELD_REQUIRED, field, "empty");
    if (text.length > CLAIM_TEXT_MAX)
        return err_field(err, ERR_FIELD_TOO_LONG, field, "%zu bytes", text.length);
    if (!utf8_is_valid(text))
        return err_field(err, ERR_FIELD_UTF8, field, "not UTF-8");
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7F)
            return err_field(err, ERR_FIELD_CHARACTERS, field, "control character at %zu", i);
    return true;
}

/* Without evidence there is nothing to state; organizations have their place instead. */
static bool knows_something(const struct facts *facts)
{
    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return predicate_us_person(facts, least_proof) != TRUTH_UNKNOWN;
    return facts->header.flags & FACTS_HAS_EVIDENCE;
}

static bool check_request(const struct claim_request *request, struct err *err)
{
    const struct {
        const char *field;
        struct span text;
    } texts[] = {
        {"issuer", request->issuer},   {"audience", request->audience},
        {"subject", request->subject}, {"authorized_party", request->authorized_party},
        {"id", request->id},
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!check_text(texts[i].text, texts[i].field, err))
            return false;
    if (request->disclosure < CLAIM_DISCLOSURE_PREDICATES ||
        request->disclosure > CLAIM_DISCLOSURE_FULL)
        return err_field(err, ERR_FIELD_ENUM, "disclosure", "unknown number");
    if (request->lifetime_ms < CLAIM_LIFETIME_MIN_MS ||
        request->lifetime_ms > CLAIM_LIFETIME_MAX_MS)
        return err_field(err, ERR_FIELD_RANGE, "lifetime", "not 1 s to %d s",
                         CLAIM_LIFETIME_MAX_MS / MS_PER_SECOND);
    if (request->set_count > CLAIM_SETS_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "sets", "%zu", request->set_count);
    if (!knows_something(request->facts))
        return err_field(err, ERR_NOTHING_TO_CLAIM, "subject", "no evidence");
    return true;
}

/* -- verification -- */

/* The words of OpenID Identity Assurance 1.0 where it has one, else those of Passgate. */
static const char *document_type(enum evidence_class class)
{
    static const char *const types[] = {
        [EVIDENCE_NATIONAL_ID_CARD] = "idcard",
        [EVIDENCE_DRIVING_LICENCE] = "driving_permit",
    };

    return class < ARRAY_LEN(types) && types[class] ? types[class] : evidence_class_word(class);
}

/* What was done with the document, as its predefined values name it.  A check that nobody reports
 * is not claimed. */
static const char *check_method(enum proof proof)
{
    static const char *const methods[] = {
        [PROOF_DOCUMENT_AUTHENTICATED] = "vri", /* visual remote inspection */
        [PROOF_CHIP] = "vcrypt",                /* cryptographic verification */
    };

    return proof < ARRAY_LEN(methods) ? methods[proof] : NULL;
}

/* One of each class, with its best proof: neither how many there are nor when they were seen, which
 * would let two audiences find out that they speak of the same person. */
struct classes {
    uint32_t present;
    enum proof best[32];
};

static struct classes collect_classes(const struct claim_request *request, int64_t *ret_latest_ms)
{
    struct classes classes = {.present = 0};

    *ret_latest_ms = 0;
    for (size_t i = 0; i < request->evidence_count; i++) {
        const struct evidence *evidence = &request->evidence[i];
        unsigned class = (unsigned)evidence->class;

        if (evidence->is_revoked || class >= ARRAY_LEN(classes.best))
            continue;
        classes.present |= UINT32_C(1) << class;
        if (evidence->proof > classes.best[class])
            classes.best[class] = evidence->proof;
        if (evidence->verified_at_ms > *ret_latest_ms)
            *ret_latest_ms = evidence->verified_at_ms;
    }
    return classes;
}

static void write_word(struct json_writer *writer, const char *name, const char *word)
{
    json_write_name(writer, name);
    json_write_text(writer, span_text(word));
}

static void write_document(struct json_writer *writer, enum evidence_class class, enum proof proof)
{
    const char *method = check_method(proof);

    write_word(writer, "type", "document");
    if (method) {
        json_write_name(writer, "check_details");
        json_write_open(writer, '[');
        json_write_open(writer, '{');
        write_word(writer, "check_method", method);
        json_write_close(writer, '}');
        json_write_close(writer, ']');
    }
    json_write_name(writer, "document_details");
    json_write_open(writer, '{');
    write_word(writer, "type", document_type(class));
    json_write_close(writer, '}');
}

static void write_vouch(struct json_writer *writer)
{
    write_word(writer, "type", "vouch");
    json_write_name(writer, "attestation");
    json_write_open(writer, '{');
    write_word(writer, "type", "digital_attestation");
    json_write_close(writer, '}');
}

static void write_evidence(struct json_writer *writer, const struct classes *classes)
{
    json_write_name(writer, "evidence");
    json_write_open(writer, '[');
    for (uint32_t rest = classes->present; rest; rest &= rest - 1) {
        enum evidence_class class = (enum evidence_class)__builtin_ctz(rest);

        json_write_open(writer, '{');
        if (class == EVIDENCE_STATEMENT)
            write_vouch(writer);
        else
            write_document(writer, class, classes->best[class]);
        json_write_close(writer, '}');
    }
    json_write_close(writer, ']');
}

static void write_verification(struct json_writer *writer, const struct claim_request *request)
{
    static const char *const levels[] = {
        [ASSURANCE_IAL1] = "ial1", [ASSURANCE_IAL2] = "ial2", [ASSURANCE_IAL3] = "ial3"};
    uint8_t assurance = request->facts->header.assurance;
    const char *level = assurance < ARRAY_LEN(levels) ? levels[assurance] : NULL;
    char text[TIMESTAMP_TEXT_MAX];
    struct classes classes;
    int64_t latest_ms;

    classes = collect_classes(request, &latest_ms);
    json_write_open(writer, '{');
    write_word(writer, "trust_framework", level ? "nist_800_63A" : "passgate_evidence");
    if (level)
        write_word(writer, "assurance_level", level);
    /* The day is enough for anybody, and is shared by many. */
    if (latest_ms > 0)
        write_word(writer, "time", timestamp_format(day_start_ms(day_of_ms(latest_ms)), text));
    /* A green card among the documents would tell what predicates leave open. */
    if (request->disclosure >= CLAIM_DISCLOSURE_NATIONALITIES && classes.present)
        write_evidence(writer, &classes);
    json_write_close(writer, '}');
}

/* -- claims -- */

static void write_truth(struct json_writer *writer, enum truth truth)
{
    if (truth == TRUTH_UNKNOWN)
        json_write_text(writer, span_text("unknown"));
    else
        json_write_bool(writer, truth == TRUTH_TRUE);
}

static const struct predicate {
    const char *name;
    bool is_us_person; /* or the opposite */
} predicates[] = {
    {"foreign_person_ear_772_1", .is_us_person = false},
    {"foreign_person_itar_120_63", .is_us_person = false},
    {"us_person_itar_120_62", .is_us_person = true},
};

/* The rules about countries do not reach who is no foreign person: nobody needs to know of a US
 * citizen what other passport there is. */
static bool is_reached_by_countries(const struct facts *facts, enum truth us_person)
{
    return us_person != TRUTH_TRUE && facts->header.subject_kind != SUBJECT_ORGANIZATION;
}

static void write_predicates(struct json_writer *writer, const struct claim_request *request)
{
    enum truth us_person = predicate_us_person(request->facts, least_proof);

    json_write_name(writer, "passgate_predicates");
    json_write_open(writer, '{');
    for (size_t i = 0; i < ARRAY_LEN(predicates); i++) {
        json_write_name(writer, predicates[i].name);
        write_truth(writer, predicates[i].is_us_person ? us_person : truth_not(us_person));
    }
    if (request->set_count > 0 && is_reached_by_countries(request->facts, us_person)) {
        json_write_name(writer, "citizen_of");
        json_write_open(writer, '{');
        for (size_t i = 0; i < request->set_count; i++) {
            json_write_key(writer, span_text(request->sets[i]->name));
            write_truth(writer, predicate_citizen_of(request->facts, &request->sets[i]->countries,
                                                     least_proof));
        }
        json_write_close(writer, '}');
    }
    json_write_close(writer, '}');
}

/* Do all answers that are known on the least proof stay the same on `proof`? */
static bool answers_stay(const struct claim_request *request, enum proof proof, bool *ret_has_any)
{
    const struct facts *facts = request->facts;
    enum truth us_person = predicate_us_person(facts, least_proof);
    bool stay = us_person == TRUTH_UNKNOWN || predicate_us_person(facts, proof) == us_person;

    *ret_has_any = us_person != TRUTH_UNKNOWN;
    if (!is_reached_by_countries(facts, us_person))
        return stay;
    for (size_t i = 0; i < request->set_count; i++) {
        const struct country_set *countries = &request->sets[i]->countries;
        enum truth answer = predicate_citizen_of(facts, countries, least_proof);

        if (answer == TRUTH_UNKNOWN)
            continue;
        *ret_has_any = true;
        stay = stay && predicate_citizen_of(facts, countries, proof) == answer;
    }
    return stay;
}

/* The strictest `proof` of a directive under which the answers about the person stay the same. */
static void write_proof(struct json_writer *writer, const struct claim_request *request)
{
    enum proof proof = PROOF_CHIP;
    bool has_any;

    if (request->facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return;
    while (!answers_stay(request, proof, &has_any) && proof > least_proof)
        proof--;
    if (has_any)
        write_word(writer, "passgate_proof", proof_word(proof));
}

/* The states in a list, held or lost; what contradicts itself and what is no state stays out. */
static struct country_set states_of(const struct facts_nationality *rows, size_t count, bool lost)
{
    struct country_set states = {{0}};

    for (size_t i = 0; i < count; i++) {
        country_id state = country_nationality(rows[i].country);

        if (state != COUNTRY_NONE && !(rows[i].flags & FACTS_NATIONALITY_CONFLICT) &&
            !!(rows[i].flags & FACTS_NATIONALITY_LOST) == lost &&
            facts_qualifies(rows[i].proof, rows[i].source, least_proof))
            country_set_add(&states, state);
    }
    return states;
}

/* An array of alpha-3 codes; none when it would be empty, which the schema forbids.  The order is
 * that of the table and tells nothing. */
static void write_states(struct json_writer *writer, const char *name,
                         const struct country_set *states)
{
    if (country_set_is_empty(states))
        return;
    json_write_name(writer, name);
    json_write_open(writer, '[');
    for (size_t id = 1; id < country_count(); id++)
        if (country_set_has(states, (country_id)id))
            json_write_text(writer, span_text(country_get((country_id)id)->alpha3));
    json_write_close(writer, ']');
}

static void write_nationalities(struct json_writer *writer, const struct facts *facts)
{
    const struct facts_header *header = &facts->header;
    struct country_set states =
        states_of(facts_citizenships(facts), header->citizenship_count, false);
    uint8_t possible = facts_possible_us_status(facts, least_proof);
    uint8_t us_nationality = US_STATUS_CITIZEN | US_STATUS_NATIONAL;

    if (header->subject_kind == SUBJECT_ORGANIZATION) {
        if (header->organized_in != COUNTRY_NONE)
            write_word(writer, "passgate_organized_in", country_get(header->organized_in)->alpha3);
        return;
    }
    /* Nationals who are not citizens are of US nationality and of no US citizenship. */
    if (possible && !(possible & ~us_nationality))
        country_set_add(&states, country_from_iso(span_text("USA")));
    write_states(writer, "nationalities", &states);
    json_write_name(writer, "passgate_nationalities_complete");
    json_write_bool(writer, (header->flags & FACTS_CITIZENSHIPS_COMPLETE) &&
                                !(header->flags & FACTS_CITIZENSHIP_CONFLICT));
}

static void write_us_status(struct json_writer *writer, const struct facts *facts)
{
    static const struct {
        uint8_t status;
        const char *word;
    } words[] = {
        {US_STATUS_CITIZEN, "citizen"},
        {US_STATUS_NATIONAL, "national"},
        {US_STATUS_LPR, "permanent_resident"},
        {US_STATUS_REFUGEE, "refugee"},
        {US_STATUS_ASYLEE, "asylee"},
        {US_STATUS_TEMPORARY, "temporary_resident"},
        {US_STATUS_NONE, "none"},
    };
    uint8_t possible = facts_possible_us_status(facts, least_proof);

    if (possible == US_STATUS_ANY)
        return;
    json_write_name(writer, "passgate_us_status");
    json_write_open(writer, '[');
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (possible & words[i].status)
            json_write_text(writer, span_text(words[i].word));
    json_write_close(writer, ']');
}

static void write_everything_else(struct json_writer *writer, const struct facts *facts)
{
    const struct facts_header *header = &facts->header;
    struct country_set residencies =
        states_of(facts_residencies(facts), header->residency_count, false);
    struct country_set former =
        states_of(facts_citizenships(facts), header->citizenship_count, true);

    if (header->subject_kind == SUBJECT_ORGANIZATION)
        return;
    write_us_status(writer, facts);
    write_states(writer, "passgate_permanent_residencies", &residencies);
    write_states(writer, "passgate_former_nationalities", &former);
    if (header->flags & FACTS_STATELESS) {
        json_write_name(writer, "passgate_stateless");
        json_write_bool(writer, true);
    }
    if (country_nationality(header->birth_country) != COUNTRY_NONE) {
        json_write_name(writer, "place_of_birth");
        json_write_open(writer, '{');
        write_word(writer, "country", country_get(header->birth_country)->alpha3);
        json_write_close(writer, '}');
    }
}

static void write_verified_claims(struct json_writer *writer, const struct claim_request *request)
{
    json_write_open(writer, '{');
    json_write_name(writer, "verification");
    write_verification(writer, request);
    json_write_name(writer, "claims");
    json_write_open(writer, '{');
    write_predicates(writer, request);
    write_proof(writer, request);
    if (request->disclosure >= CLAIM_DISCLOSURE_NATIONALITIES)
        write_nationalities(writer, request->facts);
    if (request->disclosure >= CLAIM_DISCLOSURE_FULL)
        write_everything_else(writer, request->facts);
    json_write_close(writer, '}');
    json_write_close(writer, '}');
}

bool claim_build(const struct claim_request *request, struct arena *arena, struct claim *ret_claim,
                 struct err *err)
{
    int64_t limit_ms = request->facts->header.valid_until_ms;
    int64_t issued_s = request->now_ms / MS_PER_SECOND;
    int64_t expires_s = issued_s + request->lifetime_ms / MS_PER_SECOND;
    struct json_writer writer;

    if (!check_request(request, err))
        return false;
    if (expires_s > limit_ms / MS_PER_SECOND)
        expires_s = limit_ms / MS_PER_SECOND;
    if (expires_s <= issued_s)
        return err_set(err, ERR_CONFLICT, "the facts change at once");
    json_writer_init(&writer, arena, PAYLOAD_GUESS);
    json_write_open(&writer, '{');
    json_write_name(&writer, "iss");
    json_write_text(&writer, request->issuer);
    json_write_name(&writer, "sub");
    json_write_text(&writer, request->subject);
    json_write_name(&writer, "aud");
    json_write_text(&writer, request->audience);
    json_write_name(&writer, "azp");
    json_write_text(&writer, request->authorized_party);
    json_write_name(&writer, "iat");
    json_write_integer(&writer, issued_s);
    json_write_name(&writer, "nbf");
    json_write_integer(&writer, issued_s);
    json_write_name(&writer, "exp");
    json_write_integer(&writer, expires_s);
    json_write_name(&writer, "jti");
    json_write_text(&writer, request->id);
    json_write_name(&writer, "verified_claims");
    write_verified_claims(&writer, request);
    json_write_close(&writer, '}');
    *ret_claim = (struct claim){
        .payload = json_writer_text(&writer),
        .issued_at_ms = issued_s * MS_PER_SECOND,
        .expires_at_ms = expires_s * MS_PER_SECOND,
    };
    return true;
}
