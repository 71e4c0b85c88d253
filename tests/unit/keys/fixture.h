/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with one key, its ring, and the means to sign whatever an attacker might want signed. */
#ifndef TESTS_UNIT_KEYS_FIXTURE_H
#define TESTS_UNIT_KEYS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keys/token.h"

#define FIXTURE_ISSUER   "https://passgate.test"
#define FIXTURE_AUDIENCE "https://realm.test"
#define FIXTURE_PARTY    "spiffe://test/gateway"

enum { FIXTURE_KEEP_MS = 960 * 1000 };

/* 2026-06-12T17:21:00-04:00 */
static const int64_t fixture_now_ms = INT64_C(1781299260000);

struct fixture {
    struct arena arena;
    char folder[64];
    struct key_ring *ring;
    const struct key *key; /* the one that signs */
    struct token_expectation expectation;
    struct token token; /* the last one that was let in */
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* An empty folder, and its end with all files in it. */
void fixture_make_folder(char folder[static 64]);
void fixture_remove_folder(const char *folder);
/* A file in the folder with the mode. */
void fixture_write_file(const char *folder, const char *name, struct span content, unsigned mode);

/* The header that the server writes, and with another typ. */
const char *fixture_header(struct fixture *fixture);
/* The claims that the door lets in; release it. */
json_t *fixture_payload(void);

/* Header and payload as they are, signed with the fixture's key. */
struct span fixture_forge(struct fixture *fixture, const char *header, struct span payload);
struct span fixture_forge_json(struct fixture *fixture, json_t *payload);
/* What the door lets in, but for one claim, which is missing when there is no value. */
struct span fixture_forge_claim(struct fixture *fixture, const char *name, json_t *value);

/* What the door says. */
enum token_refusal fixture_open(struct fixture *fixture, struct span token);

/* The door's answer by name, so that a failure says which rule spoke. */
#define assert_refused(fixture, token, name) \
    assert_string_equal(token_refusal_name(fixture_open((fixture), (token))), #name)

#endif
