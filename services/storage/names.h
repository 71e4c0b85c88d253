/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: how everything that is stored is called.  The only place that makes keys.
 *
 * A key is a keyed hash of an id, so that neither key names nor a stolen file say who is known
 * here.  The hash key is secret, made at first use on one node and given by `store.hash_key_file`
 * elsewhere.
 */
#ifndef STORAGE_NAMES_H
#define STORAGE_NAMES_H

#include "storage/store.h"

struct names {
    struct hash_key key;
    uint16_t partition_count;
};

/*
 * Read the hash key from a file of 32 hexadecimal digits.  With `may_create` a file that is not
 * there is made with a random key, mode 0600.  IO, or FILE_INVALID for other content.
 */
MUST_CHECK bool names_read_key(const char *path, bool may_create, struct hash_key *ret_key,
                               struct err *err);

/* Which key that is: the same text for the same key, and nothing else can be told from it. */
enum { NAMES_KEY_TEXT_MAX = 16 + 1 };
const char *names_key_text(const struct names *names, char text[static NAMES_KEY_TEXT_MAX]);

/* What stands for a subject's id everywhere: cache, keys, feed, audit, log. */
struct hash128 names_subject_hash(const struct names *names, struct span subject);

/* Where everything about the subject is. */
uint16_t names_partition(const struct names *names, struct hash128 subject);

struct store_key names_subject(struct hash128 subject);
/* One request_id of one caller for one method. */
struct store_key names_request(const struct names *names, struct span caller, struct span method,
                               struct span request_id);
struct store_key names_check(const struct names *names, struct span vendor, struct span check_id);
struct store_key names_claim(const struct names *names, struct span jti);
struct store_key names_claim_cache(const struct names *names, struct hash128 subject,
                                   struct span audience, struct span azp, struct span disclosure);
/* `what` there is one of: "directives". */
struct store_key names_realm(const struct names *names, struct span what);
/* Whose the store is (storage/owner.h): the one name that is no hash, because who has another hash
 * key must find it too. */
struct store_key names_owner(void);

/* What is kept of a document's number, and of a vendor's hash of a person: enough to see that two
 * are the same. */
struct hash128 names_document_hash(const struct names *names, struct span issuer,
                                   struct span number);
struct hash128 names_person_hash(const struct names *names, struct span vendor, struct span person);

/* What one caller is told in the place of a subject: nobody else is told the same, and no key is
 * made of it. */
struct hash128 names_handle(const struct names *names, struct span caller, struct hash128 subject);

/* What vouches for the token of a page: made of the question, and of where the page before it
 * ended.  At most six parts. */
struct hash128 names_page(const struct names *names, const struct span *parts, size_t part_count);

#endif
