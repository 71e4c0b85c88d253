/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpassgate: asks a Passgate server what a subject may do, and tells it what was verified.
 *
 *     struct passgate_client *client = passgate_client_new(&options, &error);
 *     struct passgate_decision *decision = passgate_check(client, &check, NULL, &error);
 *
 *     if (passgate_is_allowed(decision))
 *         serve();
 *     passgate_free(decision);
 *     passgate_client_free(client);
 *
 * Rules for everything here:
 *
 *   - One client may be used by many threads at the same time.  A call blocks the calling thread
 *     until there is an answer or the deadline has passed; it starts no thread of its own.  Make a
 *     client once and keep it: it holds the connections.
 *   - A call returns a result, or NULL after filling *error (which may be NULL).  A refusal is a
 *     result; NULL means that no decision was made, and is not an ALLOW either:
 *     passgate_is_allowed(NULL) is false.
 *   - Results are plain structs that belong to the caller and are freed by passgate_free(), with
 *     all that they point to.  Only the library makes them, and later versions may add members at
 *     the end: never copy one or count on its size.  Different threads may read the same result.
 *   - Arguments are structs that are filled with designated initialisers; zero and NULL mean "not
 *     given".  What they point to is only read during the call.
 *   - Texts are UTF-8 and never NULL in a result.  Times are milliseconds since 1970-01-01 UTC, 0
 *     when there is none.
 *   - Nothing is tried again unless the options say so.
 */
#ifndef PASSGATE_CLIENT_H
#define PASSGATE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PASSGATE_DEFAULT_TARGET "127.0.0.1:50051"

/* google.rpc.Code, the canonical status codes. */
enum passgate_code {
    PASSGATE_OK = 0,
    PASSGATE_CANCELLED = 1,
    PASSGATE_UNKNOWN = 2,
    PASSGATE_INVALID_ARGUMENT = 3,
    PASSGATE_DEADLINE_EXCEEDED = 4,
    PASSGATE_NOT_FOUND = 5,
    PASSGATE_ALREADY_EXISTS = 6,
    PASSGATE_PERMISSION_DENIED = 7,
    PASSGATE_RESOURCE_EXHAUSTED = 8,
    PASSGATE_FAILED_PRECONDITION = 9,
    PASSGATE_ABORTED = 10,
    PASSGATE_OUT_OF_RANGE = 11,
    PASSGATE_UNIMPLEMENTED = 12,
    PASSGATE_INTERNAL = 13,
    PASSGATE_UNAVAILABLE = 14,
    PASSGATE_DATA_LOSS = 15,
    PASSGATE_UNAUTHENTICATED = 16,
};

/* Why a call has no result. */
struct passgate_error {
    enum passgate_code code;
    char reason[64];   /* stable, "MRZ_CHECK_DIGIT"; the code's name when the server gave none */
    char field[128];   /* what of the request is wrong, "evidence.document.mrz"; or "" */
    char message[512]; /* for people */
};

/* ---- the client ---- */

struct passgate_client;

/* Where the server is and how to talk to it.  All zero: PASSGATE_DEFAULT_TARGET, plaintext. */
struct passgate_options {
    /* "host:port", "unix:/run/passgate.sock", or any other target of gRPC.  Without TLS only
     * loopback addresses and unix sockets are accepted. */
    const char *target;
    /* TLS.  Files are PEM and are read by passgate_client_new(). */
    bool tls;                     /* implied by each of the four below */
    const char *ca_file;          /* NULL: the system's authorities */
    const char *certificate_file; /* the caller's own, with key_file */
    const char *key_file;
    const char *server_name; /* to expect in the server's certificate instead of the host */
    /* Spread calls over all addresses of the target, and leave out servers whose health service
     * does not say SERVING (grpc.health.v1). */
    bool round_robin;
    /* 2 to 5: try a call that ended in UNAVAILABLE again, with back-off and within its deadline.
     * Safe for every call here: writes carry a request id. */
    int max_attempts;
    int check_timeout_ms; /* checks, single and batch; 0: 200 */
    int write_timeout_ms; /* everything else; 0: 5000 */
};

/* NULL after filling *error.  Does not connect yet: the first call does. */
struct passgate_client *passgate_client_new(const struct passgate_options *options,
                                            struct passgate_error *error);

/* Connect now; false when there is no connection after `timeout_ms`, or a moment (300 ms) after an
 * attempt has failed.  Programs that check with a short deadline do this once at their start. */
bool passgate_client_wait_ready(struct passgate_client *client, int timeout_ms);

/* When no call is running any more.  NULL is allowed. */
void passgate_client_free(struct passgate_client *client);

/* For one call; NULL wherever it is asked for means all zero. */
struct passgate_call {
    int timeout_ms;          /* 0: the client's */
    const char *traceparent; /* W3C trace context, passed on */
};

/* ---- results ---- */

/* Any result of the functions below; NULL is allowed. */
void passgate_free(const void *result);

/* The reply behind any result in the JSON mapping of proto3, indented; belongs to the result.  NULL
 * when the reply has no JSON form.  Not for two threads at once on the same result. */
const char *passgate_json(const void *result);

struct passgate_pair {
    const char *key;
    const char *value;
};

struct passgate_resource {
    const char *type;
    const char *id;
};

struct passgate_authority {
    const char *text;
    const char *document_sha256; /* "" when none was recorded */
};

/* What somebody has to do. */
struct passgate_obligation {
    const char *type; /* "verify", "prove_affiliation", "provide_context" */
    size_t property_count;
    const struct passgate_pair *properties;
};

/* ---- checks ---- */

/* passgate.v1.Reason; numbers that this version does not know read as UNSPECIFIED. */
enum passgate_reason {
    PASSGATE_REASON_UNSPECIFIED = 0,
    PASSGATE_REASON_ALLOWED = 1,
    PASSGATE_REASON_NOT_PERMITTED = 2,
    PASSGATE_REASON_RESOURCE_UNKNOWN = 3,
    PASSGATE_REASON_CONTEXT_REQUIRED = 4,
    PASSGATE_REASON_EVIDENCE_CONFLICT = 5,
    PASSGATE_REASON_EVIDENCE_EXPIRED = 6,
    PASSGATE_REASON_ASSURANCE_TOO_LOW = 7,
    PASSGATE_REASON_VERIFICATION_REQUIRED = 8,
};

/* passgate.v1.Truth */
enum passgate_truth {
    PASSGATE_TRUTH_UNSPECIFIED = 0,
    PASSGATE_TRUTH_FALSE = 1,
    PASSGATE_TRUTH_UNKNOWN = 2,
    PASSGATE_TRUTH_TRUE = 3,
};

/* May `subject` do `action` on the resource? */
struct passgate_check {
    const char *subject;     /* this … */
    const char *claim_token; /* … or a claim that identifies the subject */
    const char *on_behalf_of;
    size_t also_subject_count;
    const char *const *also_subjects;
    const char *resource_type;
    const char *resource_id;
    const char *action;
    size_t context_count;
    const struct passgate_pair *context; /* {"location", "USA"} */
    const char *min_revision;
    bool want_reasons;
    bool want_receipt; /* not in a batch */
};

/* What one directive that names the resource said. */
struct passgate_finding {
    const char *directive;
    uint32_t version;
    const struct passgate_authority *authority; /* NULL when not told */
    enum passgate_truth truth;
    const struct passgate_authority *exemption; /* that made it permit, or NULL */
};

struct passgate_decision {
    bool is_allowed; /* false for every value that is not exactly ALLOW */
    enum passgate_reason reason;
    size_t obligation_count;
    const struct passgate_obligation *const *obligations;
    const struct passgate_resource *instead; /* what this subject may use now, or NULL */
    const char *revision;
    uint64_t directive_set;
    int64_t evaluated_at_ms;
    int64_t max_age_ms; /* the answer may be reused for the same check for so long; 0: not */
    size_t vary_context_count;
    const char *const *vary_context;
    int64_t facts_age_ms;
    bool is_stale;
    const char *decision_id;
    size_t finding_count;
    const struct passgate_finding *const *findings;
    /* In a batch only: why this one has no decision.  NULL otherwise. */
    const struct passgate_error *error;
    const char *receipt; /* "" unless it was wanted; for passgate_receipt_verify() */
};

/* The one question to ask of a decision; false for NULL and for one with an error. */
bool passgate_is_allowed(const struct passgate_decision *decision);

struct passgate_decision *passgate_check(struct passgate_client *client,
                                         const struct passgate_check *check,
                                         const struct passgate_call *call,
                                         struct passgate_error *error);

/* Decisions in the order of the checks; of each, what concerns the whole batch is empty. */
struct passgate_batch {
    size_t decision_count;
    const struct passgate_decision *const *decisions;
    const char *revision;
    uint64_t directive_set;
    int64_t evaluated_at_ms;
    const char *decision_id;
};

/* At most 1,000 checks; their min_revision, want_reasons and want_receipt are not sent. */
struct passgate_batch *passgate_check_batch(struct passgate_client *client,
                                            const struct passgate_check *checks, size_t count,
                                            const char *min_revision,
                                            const struct passgate_call *call,
                                            struct passgate_error *error);

/* `json` is a BatchCheckEntitlementsRequest in the JSON mapping of proto3. */
struct passgate_batch *passgate_check_batch_json(struct passgate_client *client, const char *json,
                                                 const struct passgate_call *call,
                                                 struct passgate_error *error);

/* One test of a directive, in the order of reading; children are deeper than their parent. */
struct passgate_test {
    uint32_t depth;
    const char *name;
    const char *text;
    const char *because; /* "" when not told */
    enum passgate_truth truth;
    enum passgate_reason missing;
};

struct passgate_exemption {
    const struct passgate_authority *authority;
    bool is_in_time;
    bool is_for_resource;
    size_t test_count;
    const struct passgate_test *const *tests;
};

struct passgate_directive {
    const char *directive;
    uint32_t version;
    const char *digest;
    const char *title;
    const struct passgate_authority *authority;
    enum passgate_truth truth;
    size_t test_count;
    const struct passgate_test *const *tests;
    size_t exemption_count;
    const struct passgate_exemption *const *exemptions;
    const char *out_of_force; /* why it does not count at that moment, or "" */
};

/* Everyone whom the decision was about. */
struct passgate_party {
    const char *role; /* "subject", "principal", "also_subject", "on_behalf_of" */
    size_t fact_count;
    const char *const *facts;
    enum passgate_truth truth;
    enum passgate_reason reason;
    size_t directive_count;
    const struct passgate_directive *const *directives;
    size_t tried_directive_count; /* not in force, and without a say in the decision */
    const struct passgate_directive *const *tried_directives;
};

/* passgate.v1.ShadowComparison: another answer, compared with the one that was given */
enum passgate_comparison {
    PASSGATE_COMPARISON_UNSPECIFIED = 0,
    PASSGATE_COMPARISON_AGREES = 1,
    PASSGATE_COMPARISON_NARROWS = 2, /* it was allowed, and would not be */
    PASSGATE_COMPARISON_LOOSENS = 3, /* it was not allowed, and would be */
    PASSGATE_COMPARISON_DIFFERS = 4, /* neither, for another reason */
};

/* What would have been answered if the directives that are tried were in force. */
struct passgate_shadow {
    enum passgate_truth truth;
    enum passgate_reason reason;
    enum passgate_comparison comparison;
    const char *directive; /* that would have decided, or "" */
    const char *directive_digest;
};

struct passgate_explanation {
    const struct passgate_decision *decision; /* never NULL */
    size_t party_count;
    const struct passgate_party *const *parties;
    const struct passgate_authority *authority; /* that decided, or NULL */
    const char *directive;                      /* that decided, or "" */
    const struct passgate_shadow *shadow;       /* NULL: nothing that is tried concerns it */
};

/* `at_ms` 0: now. */
struct passgate_explanation *passgate_explain(struct passgate_client *client,
                                              const struct passgate_check *check, int64_t at_ms,
                                              const struct passgate_call *call,
                                              struct passgate_error *error);

struct passgate_list {
    const char *subject;
    const char *on_behalf_of;
    const char *action;
    size_t context_count;
    const struct passgate_pair *context;
    const char *resource_type; /* NULL: all */
    int page_size;             /* 0: 100 */
    const char *page_token;
};

struct passgate_entitlement {
    const struct passgate_resource *resource;
    bool is_allowed;
    enum passgate_reason reason;
    int64_t max_age_ms;
};

struct passgate_entitlements {
    size_t entitlement_count;
    const struct passgate_entitlement *const *entitlements;
    const char *next_page_token; /* "" on the last page */
    const char *revision;
    uint64_t directive_set;
    const char *decision_id;
};

struct passgate_entitlements *passgate_list(struct passgate_client *client,
                                            const struct passgate_list *list,
                                            const struct passgate_call *call,
                                            struct passgate_error *error);

/* ---- what is known of subjects ---- */

/* passgate.v1.SubjectKind */
enum passgate_subject_kind {
    PASSGATE_SUBJECT_KIND_UNSPECIFIED = 0,
    PASSGATE_SUBJECT_KIND_USER = 1,
    PASSGATE_SUBJECT_KIND_EMPLOYEE = 2,
    PASSGATE_SUBJECT_KIND_SERVICE = 3,
    PASSGATE_SUBJECT_KIND_ORGANIZATION = 4,
};

/* passgate.v1.EvidenceClass */
enum passgate_evidence_class {
    PASSGATE_EVIDENCE_CLASS_UNSPECIFIED = 0,
    PASSGATE_EVIDENCE_CLASS_PASSPORT = 1,
    PASSGATE_EVIDENCE_CLASS_PASSPORT_CARD = 2,
    PASSGATE_EVIDENCE_CLASS_NATIONAL_ID_CARD = 3,
    PASSGATE_EVIDENCE_CLASS_PERMANENT_RESIDENT_CARD = 4,
    PASSGATE_EVIDENCE_CLASS_REENTRY_PERMIT = 5,
    PASSGATE_EVIDENCE_CLASS_REFUGEE_TRAVEL_DOCUMENT = 6,
    PASSGATE_EVIDENCE_CLASS_TRAVEL_DOCUMENT = 7,
    PASSGATE_EVIDENCE_CLASS_EMPLOYMENT_AUTHORIZATION = 8,
    PASSGATE_EVIDENCE_CLASS_ARRIVAL_RECORD = 9,
    PASSGATE_EVIDENCE_CLASS_NOTICE_OF_ACTION = 10,
    PASSGATE_EVIDENCE_CLASS_NATURALIZATION_CERTIFICATE = 11,
    PASSGATE_EVIDENCE_CLASS_CITIZENSHIP_CERTIFICATE = 12,
    PASSGATE_EVIDENCE_CLASS_BIRTH_CERTIFICATE = 13,
    PASSGATE_EVIDENCE_CLASS_CONSULAR_REPORT_OF_BIRTH = 14,
    PASSGATE_EVIDENCE_CLASS_RESIDENCE_PERMIT = 15,
    PASSGATE_EVIDENCE_CLASS_VISA = 16,
    PASSGATE_EVIDENCE_CLASS_DRIVING_LICENCE = 17,
    PASSGATE_EVIDENCE_CLASS_LAISSEZ_PASSER = 18,
    PASSGATE_EVIDENCE_CLASS_STATEMENT = 19,
};

/* passgate.v1.VendorResult */
enum passgate_vendor_result {
    PASSGATE_VENDOR_RESULT_UNSPECIFIED = 0,
    PASSGATE_VENDOR_RESULT_PASSED = 1,
    PASSGATE_VENDOR_RESULT_FAILED = 2,
    PASSGATE_VENDOR_RESULT_INCONCLUSIVE = 3,
};

/* passgate.v1.Proof */
enum passgate_proof {
    PASSGATE_PROOF_UNSPECIFIED = 0,
    PASSGATE_PROOF_INFERRED = 1,
    PASSGATE_PROOF_VISUAL = 2,
    PASSGATE_PROOF_MRZ = 3,
    PASSGATE_PROOF_DOCUMENT_AUTHENTICATED = 4,
    PASSGATE_PROOF_CHIP = 5,
};

/* passgate.v1.BindingCheck */
enum passgate_binding_check {
    PASSGATE_BINDING_CHECK_UNSPECIFIED = 0,
    PASSGATE_BINDING_CHECK_PASSED = 1,
    PASSGATE_BINDING_CHECK_FAILED = 2,
};

/* passgate.v1.UsEndorsement */
enum passgate_us_endorsement {
    PASSGATE_US_ENDORSEMENT_UNSPECIFIED = 0,
    PASSGATE_US_ENDORSEMENT_ABSENT = 1,
    PASSGATE_US_ENDORSEMENT_NATIONAL = 2,
};

/*
 * The result of checking one identity document, the common case.  Everything that the contract
 * knows (US immigration papers, statements, reviewers …) goes through passgate_submit_json().
 * The members are those of the same names in passgate/v1/verification.proto.
 */
struct passgate_document_check {
    const char *request_id; /* NULL: a new one */
    const char *subject;
    enum passgate_subject_kind subject_kind;
    enum passgate_evidence_class evidence_class;
    const char *vendor;
    const char *check_id;
    enum passgate_vendor_result result;
    bool test_mode;
    int64_t verified_at_ms;
    int assurance_level;
    const char *issuer;
    const char *nationality;
    enum passgate_proof proof;
    const char *mrz;
    const char *number;
    const char *issued_on; /* "2024-02-01" */
    const char *expires_on;
    enum passgate_us_endorsement us_endorsement;
    enum passgate_binding_check face_match;
    enum passgate_binding_check liveness;
    const char *notice_version;
    const char *purpose;
    const char *legal_basis;
    bool dry_run;
};

struct passgate_submission {
    const char *evidence_id;
    const char *revision; /* the min_revision of whoever must see it */
    bool already_known;
    bool superseded;
    bool dry_run;
};

struct passgate_submission *passgate_submit(struct passgate_client *client,
                                            const struct passgate_document_check *document,
                                            const struct passgate_call *call,
                                            struct passgate_error *error);

/* `json` is a SubmitVerificationRequest in the JSON mapping of proto3; without a request_id it gets
 * a new one.  INVALID_ARGUMENT tells line, column and field. */
struct passgate_submission *passgate_submit_json(struct passgate_client *client, const char *json,
                                                 const struct passgate_call *call,
                                                 struct passgate_error *error);

/* The answer to the other writes. */
struct passgate_written {
    const char *revision;
    bool already_revoked; /* of passgate_revoke() */
};

struct passgate_revoke {
    const char *request_id; /* NULL: a new one */
    const char *subject;
    const char *evidence_id; /* this, or vendor and check_id */
    const char *vendor;
    const char *check_id;
    const char *reason;
};

struct passgate_written *passgate_revoke(struct passgate_client *client,
                                         const struct passgate_revoke *revoke,
                                         const struct passgate_call *call,
                                         struct passgate_error *error);

/* passgate.v1.AffiliationAs */
enum passgate_affiliation_as {
    PASSGATE_AFFILIATION_AS_UNSPECIFIED = 0,
    PASSGATE_AFFILIATION_AS_EMPLOYEE = 1,
    PASSGATE_AFFILIATION_AS_CONTRACTOR = 2,
    PASSGATE_AFFILIATION_AS_AGENT = 3,
};

struct passgate_affiliation_term {
    enum passgate_affiliation_as as;
    const char *until; /* the first day on which it does not hold any more; NULL: open */
};

/* Replaces what was said before about the subject and the organization. */
struct passgate_affiliate {
    const char *request_id; /* NULL: a new one */
    const char *subject;
    const char *organization;
    size_t affiliation_count; /* 0: none */
    const struct passgate_affiliation_term *affiliations;
    bool complete; /* there is nothing else */
    const char *review_by;
};

struct passgate_written *passgate_affiliate(struct passgate_client *client,
                                            const struct passgate_affiliate *affiliate,
                                            const struct passgate_call *call,
                                            struct passgate_error *error);

/* The natural persons behind a service, replacing those said before. */
struct passgate_written *passgate_set_principals(struct passgate_client *client,
                                                 const char *subject, const char *const *principals,
                                                 size_t count, const struct passgate_call *call,
                                                 struct passgate_error *error);

struct passgate_evidence {
    const char *evidence_id;
    const char *evidence_class; /* "EVIDENCE_CLASS_PASSPORT"; a number when not known here */
    const char *vendor;
    const char *check_id;
    const char *issuer;
    const char *nationality;
    enum passgate_proof proof;
    int64_t verified_at_ms;
    int64_t accepted_at_ms;
    const char *expires_on;
    bool is_revoked;
    const char *statement_kind; /* "" when it is not a statement */
    const char *country;
};

struct passgate_affiliation {
    const char *organization;
    size_t as_count;
    const enum passgate_affiliation_as *as;
    bool is_complete;
    const char *until;
    int64_t attested_at_ms;
};

struct passgate_subject {
    const char *subject;
    enum passgate_subject_kind kind;
    size_t evidence_count;
    const struct passgate_evidence *const *evidence;
    size_t affiliation_count;
    const struct passgate_affiliation *const *affiliations;
    size_t principal_count;
    const char *const *principals;
    size_t fact_count;
    const char *const *facts;
    int64_t valid_until_ms; /* 0: nothing changes by itself */
    const char *revision;
    int64_t created_at_ms;
};

struct passgate_subject *passgate_get_subject(struct passgate_client *client, const char *subject,
                                              const struct passgate_call *call,
                                              struct passgate_error *error);

/* ---- claims ---- */

/* passgate.v1.Disclosure */
enum passgate_disclosure {
    PASSGATE_DISCLOSURE_UNSPECIFIED = 0, /* the same as PREDICATES */
    PASSGATE_DISCLOSURE_PREDICATES = 1,
    PASSGATE_DISCLOSURE_NATIONALITIES = 2,
    PASSGATE_DISCLOSURE_FULL = 3,
};

struct passgate_issue {
    const char *subject;
    const char *audience;
    enum passgate_disclosure disclosure;
    int64_t lifetime_ms; /* 0: as the server is configured */
    const char *min_revision;
};

struct passgate_claim {
    const char *token;
    int64_t expires_at_ms;
    const char *jti;
    bool is_cached;
    const char *revision;
};

struct passgate_claim *passgate_issue_claim(struct passgate_client *client,
                                            const struct passgate_issue *issue,
                                            const struct passgate_call *call,
                                            struct passgate_error *error);

/* With is_active false everything else is empty. */
struct passgate_introspection {
    bool is_active;
    const char *issuer;
    const char *subject;
    const char *audience;
    const char *authorized_party;
    const char *jti;
    int64_t issued_at_ms;
    int64_t expires_at_ms;
    const char *payload_json;
};

struct passgate_introspection *passgate_introspect_claim(struct passgate_client *client,
                                                         const char *token,
                                                         const struct passgate_call *call,
                                                         struct passgate_error *error);

struct passgate_jwks {
    const char *json; /* RFC 7517 */
    int64_t max_age_ms;
};

struct passgate_jwks *passgate_get_jwks(struct passgate_client *client,
                                        const struct passgate_call *call,
                                        struct passgate_error *error);

/* ---- receipts ---- */

/*
 * What a receipt proves: this was asked, and this was answered.  It permits nothing; what the
 * answer permitted, it did until usable_until_ms.  Members behind max_age_ms are empty where the
 * caller was not told.
 */
struct passgate_receipt {
    const char *issuer;
    const char *decision_id; /* of the audit record */
    const char *caller;      /* who asked */
    const char *subject;     /* about whom: the name that claims for this caller have for him */
    int64_t issued_at_ms;    /* the second of the decision */
    bool was_allowed;
    const struct passgate_resource *resource;
    const char *action;
    const char *on_behalf_of; /* "" for nobody */
    size_t also_subject_count;
    const char *const *also_subjects;
    const char *context_sha256; /* of "key=value\n" for each in order of keys; "" for no context */
    int64_t max_age_ms;
    int64_t usable_until_ms;
    enum passgate_reason reason;
    int64_t evaluated_at_ms;
    const char *revision;
    uint64_t directive_set;
    const char *directive_set_digest;
    bool is_stale;
    const char *directive; /* the one that decided */
    uint32_t directive_version;
    const char *directive_digest;
    const char *key_id; /* of the key that signed it */
};

/*
 * Check `receipt` (white space around it is allowed) with the keys of its issuer, `jwks_json` (RFC
 * 7517), without asking anybody.  `issuer` is compared when it is not NULL; else it is whoever has
 * these keys.  passgate_json() of the result is what was signed.
 *
 * NULL: *error names `jwks` as the field when the keys cannot be read; else `receipt`, and the
 * reason says why it proves nothing: SIGNATURE, TYPE, KEY_UNKNOWN …
 */
struct passgate_receipt *passgate_receipt_verify(const char *receipt, const char *jwks_json,
                                                 const char *issuer, struct passgate_error *error);

/* ---- the server ---- */

struct passgate_caller {
    const char *caller;
    size_t role_count;
    const char *const *roles;
    const char *disclose;
    const char *authentication;
};

struct passgate_caller *passgate_who_am_i(struct passgate_client *client,
                                          const struct passgate_call *call,
                                          struct passgate_error *error);

struct passgate_server {
    const char *version;
    const char *realm;
    const char *issuer;
    int64_t started_at_ms;
    uint64_t directive_set;
    const char *directive_set_digest;
    uint32_t directive_count;
    const char *store;
    const char *store_durability;
    bool is_store_up;
    const char *audit_log_id;
    const char *audit_mode;
    uint32_t workers;
    const char *grpc_version;
    uint32_t directive_language;
    const char *country_groups_as_of;
    const char *shadow_set_digest; /* "": no directives are tried */
    uint32_t shadow_directive_count;
    const char *retention_key_id; /* "": no facts are sealed into the audit log */
};

struct passgate_server *passgate_get_server(struct passgate_client *client,
                                            const struct passgate_call *call,
                                            struct passgate_error *error);

/* passgate.v1.KeyState */
enum passgate_key_state {
    PASSGATE_KEY_STATE_UNSPECIFIED = 0,
    PASSGATE_KEY_STATE_PUBLISHED = 1,
    PASSGATE_KEY_STATE_ACTIVE = 2,
    PASSGATE_KEY_STATE_RETIRING = 3,
};

struct passgate_key {
    const char *kid;
    const char *algorithm;
    enum passgate_key_state state;
    int64_t activates_at_ms;
};

struct passgate_keys {
    size_t key_count;
    const struct passgate_key *const *keys;
};

struct passgate_keys *passgate_list_keys(struct passgate_client *client,
                                         const struct passgate_call *call,
                                         struct passgate_error *error);

/* grpc.health.v1; `service` NULL or "" is the server as a whole. */
struct passgate_health {
    bool is_serving;
    const char *status; /* "SERVING", "NOT_SERVING" … */
};

struct passgate_health *passgate_get_health(struct passgate_client *client, const char *service,
                                            const struct passgate_call *call,
                                            struct passgate_error *error);

/* ---- the store, for operators ---- */

/* passgate.v1.StoreSpace */
enum passgate_store_space {
    PASSGATE_STORE_SPACE_UNSPECIFIED = 0,
    PASSGATE_STORE_SPACE_SUBJECT = 1,
    PASSGATE_STORE_SPACE_REQUEST = 2,
    PASSGATE_STORE_SPACE_CHECK = 3,
    PASSGATE_STORE_SPACE_CLAIM = 4,
    PASSGATE_STORE_SPACE_CLAIM_CACHE = 5,
    PASSGATE_STORE_SPACE_REALM = 6,
};

struct passgate_store {
    const char *backend;
    const char *durability;
    uint32_t partitions;
    const char *hash_key; /* 16 hex digits that are the same for the same key */
    const char *issuer;
    bool is_up;
    uint64_t pending;
    int64_t feed_age_ms;
};

struct passgate_store_count {
    uint32_t partition;
    enum passgate_store_space space;
    uint64_t values;
    uint64_t bytes;
    uint64_t expired;
};

struct passgate_store_partition {
    uint32_t partition;
    uint64_t epoch;
    uint64_t counter;
    uint32_t outbox_records; /* 1024: so many or more */
};

/* Bytes that the server gave, to be given back as they are. */
struct passgate_token {
    size_t length;
    const uint8_t *bytes;
};

/* One page: what was counted on it is to be added to the pages before. */
struct passgate_store_stats {
    size_t count_count;
    const struct passgate_store_count *counts;
    size_t partition_count;
    const struct passgate_store_partition *partitions;
    struct passgate_token next_page; /* empty on the last one */
    uint32_t progress_permille;
    const struct passgate_store *store; /* never NULL */
};

/* `page` NULL: the first one. */
struct passgate_store_stats *passgate_get_store_stats(struct passgate_client *client,
                                                      const struct passgate_token *page,
                                                      const struct passgate_call *call,
                                                      struct passgate_error *error);

/*
 * A call of many results.  It belongs to one thread at a time; `timeout_ms` of its call is that of
 * each result (0: a minute).  That the server ends every stream after a while is not seen here: it
 * goes on by itself.
 */
struct passgate_stream;

/* Gives up what has not come yet; before the client.  NULL is allowed. */
void passgate_stream_free(struct passgate_stream *stream);

/* What is wrong with one value.  `problem` is the name in passgate.v1.StoreProblem without its
 * prefix, "CHECK_MISSING"; a number when not known here. */
struct passgate_store_finding {
    const char *problem;
    enum passgate_store_space space;
    const char *hash; /* 32 hex digits */
    uint32_t partition;
    const char *detail;
};

struct passgate_store_check {
    size_t finding_count;
    const struct passgate_store_finding *findings;
    uint64_t examined;
    uint64_t checks_without_evidence;
    uint32_t progress_permille;
    struct passgate_token resume; /* where the next part begins */
    bool is_done;
};

struct passgate_stream *passgate_check_store(struct passgate_client *client,
                                             const struct passgate_call *call,
                                             struct passgate_error *error);
/* The next part; NULL after the last one (error->code is PASSGATE_OK), or after filling *error. */
struct passgate_store_check *passgate_check_store_next(struct passgate_stream *stream,
                                                       struct passgate_error *error);

/* One value as it is stored: personal data. */
struct passgate_store_entry {
    enum passgate_store_space space;
    uint32_t partition;
    const char *hash;      /* 32 lower-case hex digits */
    int64_t expires_at_ms; /* 0: never */
    const uint8_t *data;
    size_t length;
};

enum { PASSGATE_STORE_BATCH_MAX = 16, PASSGATE_STORE_VALUE_MAX = 65536 };

struct passgate_store_export {
    const struct passgate_store *store; /* NULL but in the first part */
    size_t entry_count;
    const struct passgate_store_entry *entries;
    uint64_t damaged; /* left out */
    uint32_t progress_permille;
    struct passgate_token resume; /* where the next part begins */
    bool is_done;
};

struct passgate_stream *passgate_export_store(struct passgate_client *client,
                                              const struct passgate_call *call,
                                              struct passgate_error *error);
/* As passgate_check_store_next(). */
struct passgate_store_export *passgate_export_store_next(struct passgate_stream *stream,
                                                         struct passgate_error *error);

/* Where the entries come from. */
struct passgate_import {
    const char *hash_key;
    uint32_t partitions;
    bool merge; /* the store may know subjects already */
};

struct passgate_store_imported {
    uint32_t written;
    uint32_t same;
    uint32_t expired;
    uint32_t own; /* of the register of directives, of which the realm has its own */
    size_t conflict_count;
    const struct passgate_store_finding *conflicts;
};

/* Asks whether the store may be imported into.  HASH_KEY_OTHER, STORE_NOT_EMPTY.  The texts of
 * `import` must outlive the stream. */
struct passgate_stream *passgate_import_store(struct passgate_client *client,
                                              const struct passgate_import *import,
                                              const struct passgate_call *call,
                                              struct passgate_error *error);
/* Up to PASSGATE_STORE_BATCH_MAX entries with up to 256 KiB of data; returns when they are durable.
 * The same batch may be sent again. */
struct passgate_store_imported *
passgate_import_store_batch(struct passgate_stream *stream,
                            const struct passgate_store_entry *entries, size_t count,
                            struct passgate_error *error);

/* ---- the audit log ---- */

/*
 * What the audit log of one replica was at one moment: its Merkle tree (RFC 6962), signed by the
 * realm.  Keep `jws`: the records that it covers cannot be changed or taken away without it
 * showing.
 */
struct passgate_tree_head {
    const char *log_id; /* 16 hex digits: what decision ids begin with */
    uint64_t size;      /* records */
    int64_t signed_at_ms;
    const uint8_t *root; /* PASSGATE_HASH_BYTES */
    const char *jws;
    size_t consistency_count;   /* hashes of the proof that was asked for … */
    const uint8_t *consistency; /* … one behind the other */
};

enum { PASSGATE_HASH_BYTES = 32 };

struct passgate_tree_head_query {
    uint64_t from_size;   /* of an older head: prove that this one goes on from it; 0: no proof */
    const char *wait_for; /* a decision id that the head has to cover; NULL: do not wait */
};

/* The newest head.  `query` NULL: without proof and waiting.  Nothing is believed yet. */
struct passgate_tree_head *passgate_get_tree_head(struct passgate_client *client,
                                                  const struct passgate_tree_head_query *query,
                                                  const struct passgate_call *call,
                                                  struct passgate_error *error);

/*
 * What was kept.  The four below ask nobody; `jwks_json` are the keys of the realm (RFC 7517, or
 * public keys in PEM).  On failure *error names the field `jwks` when the keys cannot be read; else
 * `head` or `proof`, and the reason says why it proves nothing: SIGNATURE, KEY_UNKNOWN …,
 * HEAD_DIFFERS (from what was signed), OTHER_LOG, LOG_SHORTER, PROOF.
 */
struct passgate_tree_head *passgate_tree_head_read(const char *jws, const char *jwks_json,
                                                   struct passgate_error *error);
/* Signed, and what was signed. */
bool passgate_tree_head_verify(const struct passgate_tree_head *head, const char *jwks_json,
                               struct passgate_error *error);
/* `older`, of the same log, is a prefix of `head`, which was asked for with its size.  Verify both
 * first. */
bool passgate_tree_head_extends(const struct passgate_tree_head *head,
                                const struct passgate_tree_head *older,
                                struct passgate_error *error);

/* One question and its answer, or one thing that was written. */
struct passgate_audit_item {
    const char *subject;                      /* keyed hash, 32 hex digits, or "" */
    const struct passgate_resource *resource; /* or NULL */
    const char *action;
    bool is_decided; /* false: no decision was made */
    bool was_allowed;
    enum passgate_reason reason;
    enum passgate_truth truth;
    const char *directive; /* that decided, when the server can still name it */
    uint32_t directive_version;
    uint32_t directive_position;          /* 1 + its place in the directive set; 0: none */
    const struct passgate_shadow *shadow; /* NULL: nothing that was tried concerned it */
};

struct passgate_audit_record {
    const char *decision_id;
    const char *kind; /* "decision", "batch", "refusal" … */
    int64_t time_ms;
    const char *caller;
    const char *method;
    const char *outcome; /* the reason of the error when there was no answer */
    const char *on_behalf_of;
    const char *location;
    uint64_t directive_set;
    int64_t latency_us;
    const char *revision;
    bool is_stale;
    bool has_also_subjects; /* the items behind the first are further subjects of one question */
    bool is_by_claim;
    bool has_waited; /* the answer waited for this record */
    bool is_dry_run;
    size_t item_count;
    const struct passgate_audit_item *items;
    size_t id_count;
    const char *const *ids;
    const char *shadow_set_digest; /* of the set that the items' shadows are of, or "" */
};

/* That a record is in the tree of `head`. */
struct passgate_inclusion {
    const struct passgate_tree_head *head;
    uint64_t leaf_index;
    size_t leaf_length;
    const uint8_t *leaf; /* what is hashed: number, block's time, the record as it is in the log */
    size_t path_count;   /* hashes from the leaf up … */
    const uint8_t *path; /* … one behind the other */
    const struct passgate_audit_record *record; /* as the server reads it */
};

struct passgate_inclusion *passgate_get_inclusion_proof(struct passgate_client *client,
                                                        const char *decision_id,
                                                        const struct passgate_call *call,
                                                        struct passgate_error *error);
/* The head is signed, and the record with this id is in its tree. */
bool passgate_inclusion_verify(const struct passgate_inclusion *inclusion, const char *decision_id,
                               const char *jwks_json, struct passgate_error *error);

enum passgate_audit_decision {
    PASSGATE_AUDIT_ANY = 0,
    PASSGATE_AUDIT_ALLOW = 1,
    PASSGATE_AUDIT_DENY = 2,
};

/* Which records: all that is given must hold. */
struct passgate_audit_query {
    const char *resume_token; /* of an earlier part: what comes behind it */
    int64_t from_ms;          /* not before; 0: from the beginning */
    int64_t until_ms;         /* before; 0: to the end */
    const char *caller;
    const char *subject; /* by id */
    const char *resource_type, *resource_id;
    enum passgate_audit_decision decision;
    bool all_kinds;      /* writes, administrative acts and the log's own records as well */
    bool shadow_differs; /* those that what is tried would have answered otherwise */
};

struct passgate_audit_records {
    size_t record_count; /* may be 0 before the end */
    const struct passgate_audit_record *records;
    const char *resume_token; /* to go on behind them */
};

/* The records of this replica's log up to its end.  The texts of `query` must outlive the stream.
 */
struct passgate_stream *passgate_list_decisions(struct passgate_client *client,
                                                const struct passgate_audit_query *query,
                                                const struct passgate_call *call,
                                                struct passgate_error *error);
/* As passgate_check_store_next(). */
struct passgate_audit_records *passgate_list_decisions_next(struct passgate_stream *stream,
                                                            struct passgate_error *error);

#ifdef __cplusplus
}
#endif

#endif
