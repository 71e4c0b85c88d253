/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine-readable zone of a document beside what else was read of it.
 *
 * Pure: every vendor reads a document in several ways, and what they say must agree before any of
 * it is believed.  Errors name the field below `evidence`.
 */
#ifndef VERIFICATION_DOCUMENT_ZONE_H
#define VERIFICATION_DOCUMENT_ZONE_H

#include "domain/document/mrz.h"
#include "domain/facts/evidence.h"

enum { DOCUMENT_NUMBER_MAX = 64 };

/* A document's number as it is compared and hashed: upper-case letters and digits alone. */
struct document_number {
    char text[DOCUMENT_NUMBER_MAX + 1]; /* "": not given; personal data */
};

/* Of at most DOCUMENT_NUMBER_MAX bytes. */
struct document_number document_number_of(struct span text);

/* Do documents of the class, of the issuer that `evidence` has, bear this code?  Where there is no
 * zone. */
MUST_CHECK bool document_code_check(const struct evidence *evidence, const char *code,
                                    struct err *err);

/*
 * Is the zone one of the class, and do the other fields say the same?  What they leave open is
 * taken from the zone, and where both name a place, the zone's name is kept: issuer, nationality
 * and expiry of `evidence`, and `number`.
 */
MUST_CHECK bool document_zone_merge(const struct mrz *mrz, const char *code,
                                    struct document_number *number, struct evidence *evidence,
                                    struct err *err);

#endif
