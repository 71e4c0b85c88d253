/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims: what a token says about a subject, to one audience, for a few minutes.
 *
 * The content is OpenID Identity Assurance 1.0 (`verified_claims`) inside the registered claims of
 * RFC 7519.  It is decided here and signed elsewhere (keys/token.h).  docs/claims.md describes
 * every member.
 *
 * A claim tells no more than its disclosure: `predicates` answers the questions of the regulations
 * without naming a country or a document, so that a recipient learns "not a foreign person" and
 * not of which kind; `nationalities` adds the list of nationalities and the classes of the
 * documents; `full` adds US status, residencies, former nationalities and the place of birth.  No
 * claim holds a name, a number, an image, or the subject's id: `sub` differs for every audience.
 *
 * What is not known is said to be "unknown", never left to be taken for "no".
 */
#ifndef DOMAIN_CLAIM_CLAIM_H
#define DOMAIN_CLAIM_CLAIM_H

#include "base/keyed_hash.h"
#include "domain/country/groups.h"
#include "domain/facts/facts.h"

/* The `typ` of a claim's token, without "application/". */
#define CLAIM_TOKEN_TYPE "passgate-claim+jwt"

enum {
    CLAIM_LIFETIME_DEFAULT_MS = 300 * 1000,
    CLAIM_LIFETIME_MIN_MS = 1000,
    CLAIM_LIFETIME_MAX_MS = 900 * 1000,
    CLAIM_TEXT_MAX = 512, /* bytes of issuer, audience and authorized party */
    CLAIM_SETS_MAX = 16,
    CLAIM_SUBJECT_MAX = 23, /* 128 bits in base64url, and a NUL */
};

/*
 * How much a claim tells; each includes the ones before.
 *
 *   X(name, number in passgate.v1.Disclosure, word)
 */
#define CLAIM_DISCLOSURE_LIST(X)         \
    X(UNSPECIFIED, 0, "")                \
    X(PREDICATES, 1, "predicates")       \
    X(NATIONALITIES, 2, "nationalities") \
    X(FULL, 3, "full")

enum claim_disclosure {
#define X(name, number, word) CLAIM_DISCLOSURE_##name = (number),
    CLAIM_DISCLOSURE_LIST(X)
#undef X
};

const char *claim_disclosure_word(enum claim_disclosure disclosure);
/* CLAIM_DISCLOSURE_UNSPECIFIED when the word is unknown. */
enum claim_disclosure claim_disclosure_from_word(struct span word);

/*
 * The `sub` for one audience: a keyed hash of the subject's hash and the audience.  Two audiences
 * that compare their tokens cannot tell that they are about the same person.
 */
void claim_pairwise_subject(const struct hash_key *key, struct hash128 subject,
                            struct span audience, char ret_text[static CLAIM_SUBJECT_MAX]);

struct claim_request {
    struct span issuer;
    struct span audience;         /* field `audience` */
    struct span authorized_party; /* field `authorized_party` */
    struct span subject;          /* claim_pairwise_subject() */
    struct span id;               /* jti, random */
    enum claim_disclosure disclosure;
    const struct facts *facts; /* as of `now_ms` */
    const struct evidence *evidence;
    size_t evidence_count;
    const struct country_group *const *sets; /* that `citizen_of` answers about */
    size_t set_count;
    int64_t now_ms;
    int64_t lifetime_ms; /* field `lifetime` */
};

struct claim {
    struct span payload; /* JSON */
    int64_t issued_at_ms;
    int64_t expires_at_ms; /* whole seconds, as in the token; never past the facts' own limit */
};

/*
 * Decide the content.  FIELD_* names what is wrong with the request; NOTHING_TO_CLAIM when there is
 * no evidence about the subject (and it is no organization whose place is known); CONFLICT when the
 * facts change within this very second.  Pure; the payload lives in the arena.
 */
MUST_CHECK bool claim_build(const struct claim_request *request, struct arena *arena,
                            struct claim *ret_claim, struct err *err);

#endif
