/* SPDX-License-Identifier: Apache-2.0 */
/* passgate claim: issue, look into, verify. */
#include "base/clock.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "client/cli/command.h"
#include "keys/token.h"

#include <ctype.h>
#include <stdio.h>

enum { LEEWAY_MS = 5000 };

int run_claim_issue(struct cli *cli)
{
    static const struct {
        const char *name;
        enum passgate_disclosure disclosure;
    } levels[] = {
        {"predicates", PASSGATE_DISCLOSURE_PREDICATES},
        {"nationalities", PASSGATE_DISCLOSURE_NATIONALITIES},
        {"full", PASSGATE_DISCLOSURE_FULL},
    };
    struct passgate_issue issue = {
        .subject = cli->operands[0],
        .audience = cli->flags.audience,
        .lifetime_ms = cli->flags.lifetime_ms,
        .min_revision = cli->flags.min_revision,
    };
    struct passgate_claim *claim;
    struct passgate_error error;

    if (!issue.audience)
        return cli_fail_with(cli, "a claim is for one recipient: name it with --audience");
    for (size_t i = 0; cli->flags.disclosure && i < ARRAY_LEN(levels); i++)
        if (strcmp(cli->flags.disclosure, levels[i].name) == 0)
            issue.disclosure = levels[i].disclosure;
    claim = passgate_issue_claim(cli->client, &issue, &cli->call, &error);
    if (!claim)
        return cli_fail(cli, &error);
    if (cli->output.is_json)
        output_result(&cli->output, claim);
    else
        output_print(&cli->output, "%s\n", claim->token);
    passgate_free(claim);
    return EXIT_ALLOW;
}

/* The token of the command line, or of standard input, without white space around it. */
static bool take_token(const struct cli *cli, struct span *ret_token)
{
    struct span token = span_text(cli->operands[0]);

    if (strcmp(cli->operands[0], "-") == 0 && !cli_read_file(cli, "-", &token))
        return false;
    while (token.length > 0 && isspace(token.data[token.length - 1]))
        token.length--;
    while (token.length > 0 && isspace(token.data[0]))
        token = span_from(token, 1);
    *ret_token = token;
    return true;
}

/* One part between the dots, as JSON; NULL when it is none. */
static json_t *decode_part(struct span part, struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, part.length + 1);
    json_t *value = NULL;
    struct err err;
    size_t length;

    if (!base64url_decode(part, bytes, &length) || !json_read(span_of(bytes, length), &value, &err))
        return NULL;
    return value;
}

/* Header and payload of what looks like a compact JWS; nothing is believed yet. */
static bool decode_token(const struct cli *cli, struct span token, json_t **ret_header,
                         json_t **ret_payload)
{
    const uint8_t *end = token.data + token.length;
    const uint8_t *first = memchr(token.data, '.', token.length);
    const uint8_t *second = first ? memchr(first + 1, '.', (size_t)(end - first) - 1) : NULL;
    json_t *header, *payload;

    if (!second || memchr(second + 1, '.', (size_t)(end - second) - 1)) {
        cli_fail_with(cli, "a token is three parts in base64url with dots between them");
        return false;
    }
    header = decode_part(span_of(token.data, (size_t)(first - token.data)), cli->arena);
    payload = decode_part(span_of(first + 1, (size_t)(second - first) - 1), cli->arena);
    if (!header || !payload) {
        json_decref(header);
        json_decref(payload);
        cli_fail_with(cli, "the token's %s is not JSON in base64url",
                      header ? "payload" : "header");
        return false;
    }
    *ret_header = header;
    *ret_payload = payload;
    return true;
}

static void print_times(const struct output *output, const json_t *payload)
{
    static const struct {
        const char *name, *label;
    } times[] = {{"iat", "issued at:"}, {"nbf", "not before:"}, {"exp", "expires at:"}};
    char text[TIMESTAMP_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        json_int_t seconds = json_integer_value(json_object_get(payload, times[i].name));

        if (seconds > 0 && seconds < INT64_C(253402300800))
            output_row(output, times[i].label, "%s", timestamp_format(seconds * 1000, text));
    }
}

int run_claim_inspect(struct cli *cli)
{
    json_t *header, *payload, *whole;
    struct span token;

    if (!take_token(cli, &token) || !decode_token(cli, token, &header, &payload))
        return EXIT_ERROR;
    if (cli->output.is_json) {
        whole = json_pack("{s:b, s:O, s:O}", "verified", 0, "header", header, "payload", payload);
        output_json(&cli->output, whole);
        json_decref(whole);
    } else {
        output_colored(&cli->output, COLOR_YELLOW,
                       "NOT VERIFIED: anybody can write this.  Next: passgate claim verify\n");
        output_print(&cli->output, "Header:\n");
        output_json(&cli->output, header);
        output_print(&cli->output, "Payload:\n");
        output_json(&cli->output, payload);
        print_times(&cli->output, payload);
    }
    json_decref(header);
    json_decref(payload);
    return EXIT_ALLOW;
}

/* ---- verify ---- */

static bool take_keys(const struct cli *cli, struct key_ring **ret_ring)
{
    const char *json;
    struct err err;

    if (!cli_take_jwks(cli, &json))
        return false;
    if (key_ring_from_jwks(span_text(json), ret_ring, &err))
        return true;
    cli_fail_with(cli, "%s: %s", cli->flags.jwks ? cli->flags.jwks : "the server's keys",
                  err.detail);
    return false;
}

/* What is not given is taken from the token itself, so that it is compared with nothing; the
 * person is told. */
static struct span expect(const char *wanted, const json_t *payload, const char *name)
{
    return span_text(wanted ? wanted : json_string_value(json_object_get(payload, name)));
}

static int print_verdict(const struct cli *cli, bool is_valid, enum token_refusal refusal,
                         const json_t *payload, const char *not_compared)
{
    json_t *whole;

    if (cli->output.is_json) {
        whole = json_pack("{s:b}", "verified", is_valid);
        if (is_valid)
            json_object_set_new(whole, "payload", json_deep_copy(payload));
        else
            json_object_set_new(whole, "reason", json_string(token_refusal_name(refusal)));
        output_json(&cli->output, whole);
        json_decref(whole);
    } else if (is_valid) {
        output_colored(&cli->output, COLOR_GREEN, "VALID%s\n", not_compared);
        output_json(&cli->output, payload);
        print_times(&cli->output, payload);
    } else {
        output_colored(&cli->output, COLOR_RED, "NOT VALID: %s (%s)\n", token_refusal_text(refusal),
                       token_refusal_name(refusal));
    }
    return is_valid ? EXIT_ALLOW : EXIT_DENY;
}

static int verify(const struct cli *cli, struct span text, const struct key_ring *ring,
                  const json_t *claimed)
{
    const char *issuer = cli_expected_issuer(cli);
    const struct token_expectation expectation = {
        .kind = &token_kind_claim,
        .issuer = expect(issuer, claimed, "iss"),
        .audience = expect(cli->flags.audience, claimed, "aud"),
        .now_ms = clock_wall_ms(&clock_system),
        .leeway_ms = LEEWAY_MS,
    };
    enum token_refusal refusal;
    struct token token;
    struct err err;
    char not_compared[128] = "";
    bool is_valid = token_open(ring, text, &expectation, cli->arena, &token, &refusal, &err);

    if (!issuer || !cli->flags.audience)
        snprintf(not_compared, sizeof(not_compared), ", but not compared: %s%s%s",
                 issuer ? "" : "the issuer (--issuer)",
                 issuer || cli->flags.audience ? "" : " and ",
                 cli->flags.audience ? "" : "the audience (--audience)");
    return print_verdict(cli, is_valid, refusal, is_valid ? token.payload : NULL, not_compared);
}

int run_claim_verify(struct cli *cli)
{
    json_t *header, *payload;
    struct key_ring *ring;
    struct span token;
    int status = EXIT_ERROR;

    if (!take_token(cli, &token) || !decode_token(cli, token, &header, &payload))
        return EXIT_ERROR;
    if (take_keys(cli, &ring)) {
        status = verify(cli, token, ring, payload);
        key_ring_unref(ring);
    }
    json_decref(header);
    json_decref(payload);
    return status;
}
