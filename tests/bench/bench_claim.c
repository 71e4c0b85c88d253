/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_claim [ROUNDS]: what a claim costs in process, beside what its signature alone costs.
 *
 * The floor is the loop of `openssl speed ecdsap256`: EVP_PKEY_sign and EVP_PKEY_verify over 32
 * bytes with one context that is kept.  Building and signing, and verifying, each take at most 1.3
 * times their floor.  The loops take turns, so that a noisy neighbour disturbs all of them.
 */
#include "base/clock.h"
#include "base/random.h"
#include "domain/claim/claim.h"
#include "keys/token.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS_DEFAULT = 20000, TURNS = 20, KEEP_MS = 960 * 1000 };

static const int64_t now_ms = INT64_C(1781299260000);

struct bench {
    struct arena arena;
    struct key_ring *ring;
    struct claim_request request;
    struct token_expectation expectation;
    struct span token;
    EVP_PKEY_CTX *sign;
    EVP_PKEY_CTX *verify;
    uint8_t digest[32];
    uint8_t signature[80];
    size_t signature_length;
};

static void expect(bool is_true, const char *what)
{
    if (is_true)
        return;
    fprintf(stderr, "bench_claim: %s failed\n", what);
    exit(2);
}

/* -- The loops -- */

static void sign_floor(struct bench *bench)
{
    bench->signature_length = sizeof(bench->signature);
    expect(EVP_PKEY_sign(bench->sign, bench->signature, &bench->signature_length, bench->digest,
                         sizeof(bench->digest)) == 1,
           "EVP_PKEY_sign");
}

static void verify_floor(struct bench *bench)
{
    expect(EVP_PKEY_verify(bench->verify, bench->signature, bench->signature_length, bench->digest,
                           sizeof(bench->digest)) == 1,
           "EVP_PKEY_verify");
}

static void build(struct bench *bench, struct claim *ret_claim)
{
    char id[RANDOM_ID_MAX];
    struct err err;

    random_id(id);
    bench->request.id = span_text(id);
    expect(claim_build(&bench->request, &bench->arena, ret_claim, &err), "claim_build");
}

static void build_only(struct bench *bench)
{
    struct claim claim;

    build(bench, &claim);
    arena_reset(&bench->arena);
}

static void build_and_sign(struct bench *bench)
{
    struct claim claim;
    struct span token;
    struct err err;

    build(bench, &claim);
    expect(token_sign(bench->ring, &token_kind_claim, claim.payload, now_ms, &bench->arena, &token,
                      &err),
           "token_sign");
    arena_reset(&bench->arena);
}

static void open_token(struct bench *bench)
{
    enum token_refusal refusal;
    struct token token;
    struct err err;

    expect(token_open(bench->ring, bench->token, &bench->expectation, &bench->arena, &token,
                      &refusal, &err),
           "token_open");
    arena_reset(&bench->arena);
}

static struct loop {
    const char *name;
    void (*run)(struct bench *bench);
    int floor; /* its row; -1 = a floor itself, or for information */
    int64_t ns;
} loops[] = {
    {.name = "floor: sign", .run = sign_floor, .floor = -1},
    {.name = "build", .run = build_only, .floor = -1},
    {.name = "build and sign", .run = build_and_sign, .floor = 0},
    {.name = "floor: verify", .run = verify_floor, .floor = -1},
    {.name = "verify", .run = open_token, .floor = 3},
};

/* -- The set-up -- */

/* A US citizen with a passport, as vendors report one. */
static const struct facts *make_facts(struct arena *arena, struct evidence *evidence)
{
    struct facts_input input = {.kind = SUBJECT_USER, .evidence = evidence, .evidence_count = 1};
    struct facts_content content;

    *evidence = EVIDENCE_EMPTY;
    evidence->class = EVIDENCE_PASSPORT;
    evidence->issuer = evidence->nationality = country_from_iso(span_text("USA"));
    evidence->proof = PROOF_CHIP;
    evidence->source = FACT_SOURCE_DOCUMENT;
    evidence->us_endorsement = US_ENDORSEMENT_ABSENT;
    evidence->assurance = ASSURANCE_IAL2;
    evidence->verified_at_ms = now_ms - 1000;
    facts_derive(&input, now_ms, &content);
    return facts_pack(&content, arena);
}

static void make_ring(struct bench *bench)
{
    char folder[] = "/tmp/passgate-bench-XXXXXX", path[128];
    struct err err;

    expect(mkdtemp(folder) != NULL, "mkdtemp");
    expect(key_ring_load_or_make(folder, KEEP_MS, now_ms, &bench->ring, &err), "key_ring_load");
    snprintf(path, sizeof(path), "%s/%s", folder, key_ring_describe(bench->ring, 0, now_ms).file);
    unlink(path);
    rmdir(folder);
}

static void make_floor(struct bench *bench, EVP_PKEY *handle)
{
    bench->sign = EVP_PKEY_CTX_new_from_pkey(NULL, handle, NULL);
    bench->verify = EVP_PKEY_CTX_new_from_pkey(NULL, handle, NULL);
    expect(EVP_PKEY_sign_init(bench->sign) == 1 && EVP_PKEY_verify_init(bench->verify) == 1,
           "EVP_PKEY_sign_init");
    random_fill(bench->digest, sizeof(bench->digest));
}

static void make_token(struct bench *bench, struct arena *kept)
{
    struct claim claim;
    struct err err;

    build(bench, &claim);
    expect(token_sign(bench->ring, &token_kind_claim, claim.payload, now_ms, kept, &bench->token,
                      &err),
           "token_sign");
}

static void measure(struct bench *bench, long rounds)
{
    for (size_t i = 0; i < ARRAY_LEN(loops); i++)
        loops[i].run(bench);
    for (int turn = 0; turn < TURNS; turn++)
        for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
            int64_t start_ns = clock_now_ns();

            for (long round = 0; round < rounds / TURNS; round++)
                loops[i].run(bench);
            loops[i].ns += clock_now_ns() - start_ns;
        }
    for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
        double us = (double)loops[i].ns / 1000.0 / (double)(rounds / TURNS * TURNS);

        if (loops[i].floor < 0)
            printf("%-16s %8.2f us\n", loops[i].name, us);
        else
            printf("%-16s %8.2f us   %.2f of its floor (budget 1.30)\n", loops[i].name, us,
                   (double)loops[i].ns / (double)loops[loops[i].floor].ns);
    }
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS_DEFAULT;
    EVP_PKEY *handle = EVP_EC_gen("P-256");
    struct bench bench = {0};
    struct evidence evidence;
    struct arena kept;

    expect(rounds >= TURNS, "ROUNDS of at least 20");
    arena_init(&kept, 16 * 1024);
    arena_init(&bench.arena, 32 * 1024);
    make_ring(&bench);
    make_floor(&bench, handle);
    bench.request = (struct claim_request){
        .issuer = span_text("https://passgate.example"),
        .audience = span_text("https://models.example"),
        .authorized_party = span_text("spiffe://corp/ns/edge/sa/gateway"),
        .subject = span_text("c29tZWJvZHkgYXQgYW55IQ"),
        .disclosure = CLAIM_DISCLOSURE_PREDICATES,
        .facts = make_facts(&kept, &evidence),
        .evidence = &evidence,
        .evidence_count = 1,
        .now_ms = now_ms,
        .lifetime_ms = CLAIM_LIFETIME_DEFAULT_MS,
    };
    bench.expectation = (struct token_expectation){
        .kind = &token_kind_claim,
        .issuer = bench.request.issuer,
        .audience = bench.request.audience,
        .authorized_party = bench.request.authorized_party,
        .now_ms = now_ms,
    };
    make_token(&bench, &kept);
    printf("a token of %zu bytes, %ld rounds\n", bench.token.length, rounds);
    measure(&bench, rounds);
    EVP_PKEY_CTX_free(bench.sign);
    EVP_PKEY_CTX_free(bench.verify);
    EVP_PKEY_free(handle);
    key_ring_unref(bench.ring);
    arena_release(&bench.arena);
    arena_release(&kept);
    return 0;
}
