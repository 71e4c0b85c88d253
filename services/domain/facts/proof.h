/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well something was established: the proof of what a document shows, the assurance of who
 * holds it, the source of what somebody states.
 */
#ifndef DOMAIN_FACTS_PROOF_H
#define DOMAIN_FACTS_PROOF_H

/*
 * How a nationality or a status was taken from a document, weakest first.  A directive's `proof` is
 * a least value of this order.  Check digits of a machine-readable zone prove nothing about its
 * truth.
 *
 *   X(name, number in passgate.v1.Proof, word in directives)
 */
#define PROOF_LIST(X)                                                                               \
    X(UNSPECIFIED, 0, "")                                                                           \
    X(INFERRED, 1, "inferred") /* concluded by the vendor, not read */                              \
    X(VISUAL, 2, "visual")     /* read from the visual zone */                                      \
    X(MRZ, 3, "mrz")           /* read from the machine-readable zone */                            \
    X(DOCUMENT_AUTHENTICATED, 4, "document_authenticated") /* … and the document found genuine */ \
    X(CHIP, 5, "chip") /* passive authentication of DG1, Doc 9303-11 */

enum proof {
#define X(name, number, word) PROOF_##name = (number),
    PROOF_LIST(X)
#undef X
};

/* NIST SP 800-63A identity assurance level, only as far as a vendor asserts it; 0 = not asserted.
 */
enum { ASSURANCE_NONE = 0, ASSURANCE_IAL1 = 1, ASSURANCE_IAL2 = 2, ASSURANCE_IAL3 = 3 };

/*
 * Where a fact comes from.  `proof` binds only what was read from documents; a statement qualifies
 * by its source.
 */
enum fact_source {
    FACT_SOURCE_UNSPECIFIED = 0,
    FACT_SOURCE_DOCUMENT = 1,
    FACT_SOURCE_DECLARATION = 2, /* the subject's own, signed */
    FACT_SOURCE_REGISTER = 3,    /* an authority's register */
    FACT_SOURCE_REVIEWER = 4,    /* a named reviewer who has seen the papers */
    FACT_SOURCE_EMPLOYER = 5,    /* the organization's registered attester */
};

#endif
