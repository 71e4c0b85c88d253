/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence that tests submit: passports and statements that hold in a world's first days. */
#ifndef TESTS_UNIT_PRODUCT_EVIDENCE_H
#define TESTS_UNIT_PRODUCT_EVIDENCE_H

#include "passgate/v1/verification.pb-c.h"
#include "unit/product/calls.h"

/* A check of a passport's chip.  NULL is what stands behind the member. */
struct passport {
    const char *request_id;
    const char *subject;     /* "alice" */
    const char *check_id;    /* "c-1" */
    const char *result;      /* "PASSED" */
    const char *verified_at; /* "20:00" of 2026-06-12 */
    const char *nationality; /* "DEU", of the issuer too */
    const char *more;        /* further members of the request: "" */
    const char *and;         /* … of the evidence: "" */
};

struct answer submit_passport(struct world *world, const struct passport *passport);

/* A statement from a register. */
struct statement {
    const char *subject;
    const char *id;      /* of request and check, with the subject before it */
    const char *kind;    /* "CITIZEN_OF" */
    const char *country; /* "" */
};

/* Submitted by WORLD_TOLD and accepted; returns the revision. */
const char *submit_statement(struct world *world, const struct statement *statement);

/* world_set_up_callers(), with an `american`, and a `foreigner` of whom all is known. */
int world_set_up_american_and_foreigner(void **state);

#endif
