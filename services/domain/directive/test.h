/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test, compiled: the nodes that `require` and `when` become, and how one is evaluated.
 *
 * The nodes of a set lie in one array, each test before its operands, so that evaluation walks
 * memory forwards: the operands of a node begin behind it, and the next sibling of a node is
 * `length` nodes further on.
 */
#ifndef DOMAIN_DIRECTIVE_TEST_H
#define DOMAIN_DIRECTIVE_TEST_H

#include "domain/directive/outcome.h"

/* X(name, word in directives) */
#define TEST_LIST(X)                                  \
    X(ALL, "all")                                     \
    X(ANY, "any")                                     \
    X(NOT, "not")                                     \
    X(FOREIGN_PERSON, "foreign_person")               \
    X(US_PERSON, "us_person")                         \
    X(US_STATUS, "us_status")                         \
    X(CITIZEN_OF, "citizen_of")                       \
    X(DEEMED_COUNTRY, "deemed_country")               \
    X(PERMANENT_RESIDENT_OF, "permanent_resident_of") \
    X(BORN_IN, "born_in")                             \
    X(AFFILIATED_WITH, "affiliated_with")             \
    X(ORGANIZED_IN, "organized_in")                   \
    X(SUBJECT_KIND, "subject_kind")                   \
    X(ASSURANCE, "assurance")                         \
    X(PROOF, "proof")                                 \
    X(EVIDENCE_CLASS, "evidence_class")               \
    X(LOCATION, "location")                           \
    X(CONTEXT, "context")

enum test_kind {
#define X(name, word) TEST_##name,
    TEST_LIST(X)
#undef X
        TEST_COUNT
};

/* Whose definition: X(name, word in directives, clause that is cited) */
#define REGIME_LIST(X)                                \
    X(NONE, "", "")                                   \
    X(EAR_772_1, "ear_772_1", "15 CFR 772.1")         \
    X(ITAR_120_63, "itar_120_63", "22 CFR 120.63")    \
    X(ITAR_120_62, "itar_120_62", "22 CFR 120.62")    \
    X(EAR_744_6, "ear_744_6", "15 CFR 744.6")         \
    X(DOJ_202_256, "doj_202_256", "28 CFR 202.256")   \
    X(EAR_734_13B, "ear_734_13b", "15 CFR 734.13(b)") \
    X(ITAR_120_50B, "itar_120_50b", "22 CFR 120.50(b)")

enum regime {
#define X(name, word, clause) REGIME_##name,
    REGIME_LIST(X)
#undef X
        REGIME_COUNT
};

/* How a list of nationalities is compared with a set. */
enum quantifier {
    QUANTIFIER_ANY,   /* one of those held is in the set */
    QUANTIFIER_EVERY, /* all of those held are in the set */
    QUANTIFIER_EVER,  /* one of those held or once held is in the set */
};

/*
 * Whom a nationality test reaches.  Persons who are not foreign persons are left alone, whichever
 * way round the test is used: where TRUE helps they get TRUE, under `not` they get FALSE.
 */
enum test_scope {
    SCOPE_EVERYBODY,      /* applies_to_us_persons; and where TRUE would exempt */
    SCOPE_OR_NOT_FOREIGN, /* in a requirement */
    SCOPE_AND_FOREIGN,    /* under `not` */
};

/* Beside the bits of enum affiliation_as: the subject is that organization. */
enum { AFFILIATION_ITSELF = 1 << 3, AFFILIATION_BITS = 4 };

enum {
    US_STATUS_PROTECTED = US_STATUS_CITIZEN | US_STATUS_NATIONAL | US_STATUS_LPR |
                          US_STATUS_REFUGEE | US_STATUS_ASYLEE | US_STATUS_TEMPORARY,
};

struct directive_node {
    uint8_t test;       /* enum test_kind */
    uint8_t regime;     /* enum regime */
    uint8_t quantifier; /* enum quantifier */
    uint8_t scope;      /* enum test_scope */
    uint8_t proof;      /* least proof of what was read from documents */
    uint8_t is_negated; /* `is: false` */
    uint8_t key;        /* location, context and presence: index of the context key */
    uint8_t as;         /* affiliated_with */
    uint32_t length;    /* nodes, this one and its operands */
    uint32_t mask;      /* us_status, subject_kind, evidence_class: bits; assurance, proof: least */
    uint32_t count;     /* of the array below; `location: any` has no countries */
    union {
        const struct country_set *countries;
        const uint64_t *organizations; /* organization_key() */
        const struct span *values;
    };
};

/* How a test reads and where it stood, beside each node; evaluation does not need it. */
struct test_source {
    const char *text;
    const struct span *organizations; /* affiliated_with: the ids behind the keys */
    int line;
    int column;
};

/* One evaluation under way. */
struct inquiry {
    const struct directive_set *set;
    const struct directive_question *question;
    uint32_t vary_context; /* keys that were looked at */
    /* Where each node's outcome goes, in the order of the nodes from `traced` on; with it nothing
     * is cut short.  NULL when only the result matters. */
    struct outcome *trace;
    const struct directive_node *traced;
};

struct outcome test_evaluate(struct inquiry *inquiry, const struct directive_node *node);

/* The value of a context key, or NULL; notes that it was looked at. */
const struct directive_context *inquiry_context(struct inquiry *inquiry, unsigned key);

/* status.c: who is a person of what kind. */
struct outcome test_foreign_person(const struct facts *facts, enum proof least);
struct outcome test_us_person(struct inquiry *inquiry, const struct directive_node *node);
struct outcome test_us_status(const struct facts *facts, uint8_t statuses, enum proof least);

/* nationality.c: tests on lists of countries, without regard to whom they reach. */
struct outcome test_nationality(const struct facts *facts, const struct directive_node *node);

const char *test_word(enum test_kind test);
const char *regime_word(enum regime regime);
const char *regime_clause(enum regime regime);

/* text.c: tests in words. */

/* The words of affiliated_with, bit by bit. */
extern const char *const affiliation_bit_words[AFFILIATION_BITS];

/* "employee or agent", for AFFILIATION_* bits. */
const char *affiliation_words(struct arena *arena, uint8_t as);

/* How a test reads: "is not a foreign person (15 CFR 772.1)". */
const char *test_text(struct arena *arena, const struct directive_node *node, const char *list);

#endif
