/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key ring: all keys of one realm, each with its times.
 *
 * A folder holds one PEM file per key.  The file's name is the second from which the key signs, in
 * UTC: `2026-06-12T00-00-00Z.pem`.  A key
 *
 *   - is published in the JWKS, and accepted, as soon as its file is there;
 *   - signs from its time on, until the next key's time comes;
 *   - stays published for `keep_ms` after that: the longest life of a token and the clock skew.
 *
 * Rotation is adding a file with a time that is far enough ahead for everybody's copy of the JWKS
 * to be renewed.  Taking a file away retires its key at once, and with it the tokens that it
 * signed.
 *
 * A ring is immutable, refcounted and may be used by any number of threads; a reload makes another
 * one.  What depends on the time takes the time as an argument, so that a key comes into use, and
 * goes, without a reload.
 */
#ifndef KEYS_KEY_RING_H
#define KEYS_KEY_RING_H

#include "base/snapshot.h"
#include "keys/key.h"

enum {
    KEY_RING_KEYS_MAX = 64,
    KEY_RING_JWKS_BYTES_MAX = 64 * 1024,
    KEY_FILE_NAME_LENGTH = 24, /* "2026-06-12T00-00-00Z.pem" */
    KEY_FILE_NAME_MAX = KEY_FILE_NAME_LENGTH + 1,
};

struct key_ring;

/*
 * Read every `*.pem` of the folder.  `keep_ms` is CLAIM_LIFETIME_MAX_MS + TOKEN_LEEWAY_MAX_MS.
 * Refused as a whole (CONFIG_INVALID, naming the file) when a name is no time, a file is open to
 * others, holds anything but one good private key or the same key as another file, or when no key
 * signs at `now_ms`.  On failure the caller keeps the ring that it has.
 */
MUST_CHECK bool key_ring_load(const char *folder, int64_t keep_ms, int64_t now_ms,
                              struct key_ring **ret_ring, struct err *err);

/* The same; a folder without any key is made and gets its first one, for ES256, signing from now
 * on.  For a single node only: replicas would each make their own. */
MUST_CHECK bool key_ring_load_or_make(const char *folder, int64_t keep_ms, int64_t now_ms,
                                      struct key_ring **ret_ring, struct err *err);

/*
 * Make a key that signs from `active_from_ms`, rounded up to the second.  The file has mode 0600
 * and is on disk when the function returns; one that is there already is never replaced.
 */
MUST_CHECK bool key_ring_make(const char *folder, enum key_algorithm algorithm,
                              int64_t active_from_ms, char ret_name[static KEY_FILE_NAME_MAX],
                              struct err *err);

/*
 * A ring that can only verify, from a JWK Set (RFC 7517).  Keys of kinds that Passgate does not
 * know are left out (section 5); TOKEN_INVALID when a known one is malformed, is private, is named
 * otherwise than by its thumbprint or stands twice, or when nothing remains.
 */
MUST_CHECK bool key_ring_from_jwks(struct span json, struct key_ring **ret_ring, struct err *err);

/* The same from public keys in PEM (`PUBLIC KEY`, RFC 7468 section 13), one behind the other. */
MUST_CHECK bool key_ring_from_pem(struct span pem, struct key_ring **ret_ring, struct err *err);

struct key_ring *key_ring_ref(struct key_ring *ring);
/* NULL is allowed. */
void key_ring_unref(struct key_ring *ring);
/* Where the ring in force is found.  Takes the caller's reference on `ring` (may be NULL). */
void key_ring_snapshot_init(struct snapshot *snapshot, struct key_ring *ring);

/* The same keys with the same times: a reload that changed nothing. */
bool key_ring_equal(const struct key_ring *a, const struct key_ring *b);

/* The JWK Set at that moment, public members only, in the arena. */
struct span key_ring_jwks(const struct key_ring *ring, int64_t now_ms, struct arena *arena);

/* The key that signs at that moment; NULL when there is none. */
const struct key *key_ring_signer(const struct key_ring *ring, int64_t now_ms);

enum key_ring_lookup { KEY_RING_FOUND, KEY_RING_UNKNOWN, KEY_RING_RETIRED };

/* By exact comparison with the ids of the ring; nothing else is ever done with `kid`. */
enum key_ring_lookup key_ring_find(const struct key_ring *ring, struct span kid, int64_t now_ms,
                                   const struct key **ret_key);

enum key_state {
    KEY_STATE_NEXT,      /* published, does not sign yet */
    KEY_STATE_SIGNING,   /* the one that signs */
    KEY_STATE_VERIFYING, /* its last tokens may still be alive */
    KEY_STATE_RETIRED,   /* no longer published */
};

/* One key for people to look at.  Texts live as long as the ring. */
struct key_description {
    const char *id;
    const char *file; /* "" in a ring from a JWKS */
    enum key_algorithm algorithm;
    enum key_state state;
    int64_t active_from_ms;
    int64_t published_until_ms; /* TIMESTAMP_NEVER_MS */
};

size_t key_ring_count(const struct key_ring *ring);
/* In order of activation; `index` is less than the count. */
struct key_description key_ring_describe(const struct key_ring *ring, size_t index, int64_t now_ms);
const char *key_state_word(enum key_state state);

#endif
