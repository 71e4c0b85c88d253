/* SPDX-License-Identifier: Apache-2.0 */
/* A key from the inside: for key.c and key_pem.c, which make them, signature.c, which uses them,
 * and certificate.c, which reads others like them. */
#ifndef KEYS_KEY_INTERNAL_H
#define KEYS_KEY_INTERNAL_H

#include "keys/key.h"

#include <openssl/evp.h>
#include <stdatomic.h>

/*
 * Contexts that are ready for one operation of one key.  A user takes one from a slot and puts it
 * back: an exchange of a pointer, no lock.  Who finds none makes one; what does not fit is freed.
 */
enum { KEY_SHELF_SLOTS = 8 };

struct key_shelf {
    _Atomic(EVP_PKEY_CTX *) slots[KEY_SHELF_SLOTS];
};

struct key {
    enum key_algorithm algorithm;
    bool is_private;
    EVP_PKEY *handle;
    char id[KEY_ID_MAX];
    char jwk[384];
    size_t jwk_length;
    /* Filled and emptied by the const operations: a cache, not state. */
    struct key_shelf *sign_shelf;
    struct key_shelf *verify_shelf;
};

/* A public key of OpenSSL's, which is taken over, also when it fails. */
MUST_CHECK bool key_from_handle(EVP_PKEY *handle, struct key **ret_key, struct err *err);

void key_shelf_free(struct key_shelf *shelf);

/* Takes the handle over, also when it fails. */
struct key *key_of_handle(enum key_algorithm algorithm, EVP_PKEY *handle, bool is_private);
/* False for what is neither EC P-256 nor Ed25519. */
bool key_algorithm_of_handle(const EVP_PKEY *handle, enum key_algorithm *ret_algorithm);
/* For PEM_read_bio_…(): without it OpenSSL would ask for a passphrase on the terminal. */
int key_no_passphrase(char *buffer, int size, int is_writing, void *unused);

#endif
