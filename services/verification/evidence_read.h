/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence as it is submitted, checked and normalised.
 *
 * Numbers, the machine-readable zone and the vendor's hash of the person are turned into keyed
 * hashes here, or into nothing: what leaves this file holds no personal data.
 */
#ifndef VERIFICATION_EVIDENCE_READ_H
#define VERIFICATION_EVIDENCE_READ_H

#include "domain/facts/evidence.h"
#include "passgate/v1/verification.pb-c.h"
#include "storage/names.h"

struct evidence_reader {
    const struct names *names;
    int64_t now_ms;
};

/*
 * Errors name the field below `evidence`.  *ret_why_not has a code when the result proves nothing
 * (it did not pass, the document is reported revoked, or is somebody else's): then the evidence
 * says only which check it is of and when, and what this check proved before has to be taken back.
 */
MUST_CHECK bool evidence_read(const struct evidence_reader *reader,
                              const Passgate__V1__Evidence *submitted,
                              struct evidence *ret_evidence, struct err *ret_why_not,
                              struct err *err);

/* A country in a field of the contract: ISO 3166-1, or a code of ICAO Doc 9303-3 section 5 where
 * `takes_special`. COUNTRY_NONE for the empty text. */
MUST_CHECK bool country_read(const char *text, const char *field, bool takes_special,
                             country_id *ret_country, struct err *err);

/* A calendar date (FIELD_DATE); DAY_NONE for the empty text. */
MUST_CHECK bool date_read(const char *text, const char *field, int32_t *ret_day, struct err *err);

/* document_read.c */
MUST_CHECK bool document_read(const struct evidence_reader *reader,
                              const Passgate__V1__Document *document, struct evidence *evidence,
                              struct err *err);

#endif
