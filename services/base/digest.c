/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, computed by OpenSSL. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Nothing but an EVP_MD_CTX. */
struct digest;

/* There is no input that SHA-256 refuses: what fails here is a broken OpenSSL, or no memory. */
static void must(bool is_done)
{
    if (!is_done) {
        fputs("passgate: OpenSSL cannot compute SHA-256\n", stderr);
        abort();
    }
}

static void write_hex(const uint8_t digest[static SHA256_BYTES],
                      char ret_text[static SHA256_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        ret_text[2 * i] = digits[digest[i] >> 4];
        ret_text[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_text[SHA256_HEX_MAX - 1] = '\0';
}

void digest_sha256(struct span span, uint8_t ret_digest[static SHA256_BYTES])
{
    must(EVP_Digest(span.data, span.length, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}

/* Fetching the algorithm and making a context take longer than hashing a hundred bytes. */
static EVP_MD *sha256;
static pthread_key_t context_key;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void prepare(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(sha256 && pthread_key_create(&context_key, free_context) == 0);
}

static EVP_MD_CTX *context_of_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    EVP_MD_CTX *context;

    pthread_once(&once, prepare);
    context = pthread_getspecific(context_key);
    if (context)
        return context;
    context = EVP_MD_CTX_new();
    must(context && pthread_setspecific(context_key, context) == 0);
    return context;
}

void digest_sha256_of(const struct span *pieces, size_t count,
                      uint8_t ret_digest[static SHA256_BYTES])
{
    EVP_MD_CTX *context = context_of_thread();

    must(EVP_DigestInit_ex2(context, sha256, NULL) == 1);
    for (size_t i = 0; i < count; i++)
        must(EVP_DigestUpdate(context, pieces[i].data, pieces[i].length) == 1);
    must(EVP_DigestFinal_ex(context, ret_digest, NULL) == 1);
}

void digest_sha256_hex(struct span span, char ret_text[static SHA256_HEX_MAX])
{
    uint8_t digest[SHA256_BYTES];

    digest_sha256(span, digest);
    write_hex(digest, ret_text);
}

struct digest *digest_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    must(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    return (struct digest *)context;
}

void digest_add(struct digest *digest, struct span span)
{
    must(EVP_DigestUpdate((EVP_MD_CTX *)digest, span.data, span.length) == 1);
}

void digest_hex(const struct digest *digest, char ret_text[static SHA256_HEX_MAX])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    uint8_t bytes[SHA256_BYTES];

    must(copy && EVP_MD_CTX_copy_ex(copy, (const EVP_MD_CTX *)digest) == 1 &&
         EVP_DigestFinal_ex(copy, bytes, NULL) == 1);
    EVP_MD_CTX_free(copy);
    write_hex(bytes, ret_text);
}

void digest_free(struct digest *digest)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)digest);
}
