/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of the command line. */
#include "client/cli/flags.h"

#include "client/src/suggest.h"

#include <stdio.h>
#include <stdlib.h>

enum { DAY_MS = 24 * 3600 * 1000, DURATION_DIGITS_MAX = 9 };

#define IN(member) offsetof(struct flags, member)

const struct flag flag_table[FLAG_COUNT] = {
    [FLAG_SERVER] = {"server", 0, FLAG_KIND_TEXT, IN(server), "ADDRESS", "PASSGATE_SERVER", NULL,
                     "host:port or unix:PATH of the server; 127.0.0.1:50051 when not given.  Any "
                     "address that is not on this machine needs TLS"},
    [FLAG_CA] = {"ca", 0, FLAG_KIND_TEXT, IN(ca), "FILE", "PASSGATE_CA", NULL,
                 "PEM file of the authority that signed the server's certificate; turns TLS on"},
    [FLAG_CERT] = {"cert", 0, FLAG_KIND_TEXT, IN(cert), "FILE", "PASSGATE_CERT", NULL,
                   "PEM file of your own certificate; turns TLS on"},
    [FLAG_KEY] = {"key", 0, FLAG_KIND_TEXT, IN(key), "FILE", "PASSGATE_KEY", NULL,
                  "PEM file of the key to it"},
    [FLAG_SERVER_NAME] = {"server-name", 0, FLAG_KIND_TEXT, IN(server_name), "NAME", NULL, NULL,
                          "name to expect in the server's certificate instead of the host"},
    [FLAG_TIMEOUT] = {"timeout", 0, FLAG_KIND_DURATION, IN(timeout_ms), "TIME", NULL, NULL,
                      "how long a call may take, 200ms, 5s, 1m; 200ms for checks and 5s for the "
                      "rest when not given"},
    [FLAG_OUTPUT] = {"output", 'o', FLAG_KIND_TEXT, IN(output), "FORMAT", NULL, "text|json",
                     "text for people, or the server's answer in the JSON mapping of proto3"},
    [FLAG_NO_COLOR] = {"no-color", 0, FLAG_KIND_SWITCH, IN(no_color), NULL, NULL, NULL,
                       "no colour, on a terminal either; so does the environment variable "
                       "NO_COLOR"},
    [FLAG_HELP] = {"help", 'h', FLAG_KIND_SWITCH, IN(help), NULL, NULL, NULL, "this text"},
    [FLAG_VERSION] = {"version", 0, FLAG_KIND_SWITCH, IN(version), NULL, NULL, NULL,
                      "the version of this program"},
    [FLAG_CONTEXT] = {"context", 'c', FLAG_KIND_LIST, IN(context), "KEY=VALUE", NULL, NULL,
                      "what is known of the moment, such as location=USA; may be repeated"},
    [FLAG_ON_BEHALF_OF] = {"on-behalf-of", 0, FLAG_KIND_TEXT, IN(on_behalf_of), "ORGANIZATION",
                           NULL, NULL, "the organization that the subject acts for"},
    [FLAG_ALSO] = {"also", 0, FLAG_KIND_LIST, IN(also), "SUBJECT", NULL, NULL,
                   "another subject who gets what the subject gets; may be repeated"},
    [FLAG_MIN_REVISION] = {"min-revision", 0, FLAG_KIND_TEXT, IN(min_revision), "REVISION", NULL,
                           NULL, "answer on facts at least as new as this"},
    [FLAG_REASONS] = {"reasons", 0, FLAG_KIND_SWITCH, IN(reasons), NULL, NULL, NULL,
                      "name the directives, if you may know them"},
    [FLAG_AT] = {"at", 0, FLAG_KIND_TEXT, IN(at), "INSTANT", NULL, NULL,
                 "decide for this moment, with its offset: 2026-06-12T17:21:00-04:00"},
    [FLAG_TYPE] = {"type", 0, FLAG_KIND_TEXT, IN(type), "TYPE", NULL, NULL,
                   "only resources of this type"},
    [FLAG_DRY_RUN] = {"dry-run", 0, FLAG_KIND_SWITCH, IN(dry_run), NULL, NULL, NULL,
                      "have everything checked, and nothing kept"},
    [FLAG_AUDIENCE] = {"audience", 0, FLAG_KIND_TEXT, IN(audience), "AUDIENCE", NULL, NULL,
                       "the one recipient of the claim"},
    [FLAG_DISCLOSURE] = {"disclosure", 0, FLAG_KIND_TEXT, IN(disclosure), "LEVEL", NULL,
                         "predicates|nationalities|full",
                         "how much the claim says; predicates when not given"},
    [FLAG_LIFETIME] = {"lifetime", 0, FLAG_KIND_DURATION, IN(lifetime_ms), "TIME", NULL, NULL,
                       "how long the claim shall live, 30s at least"},
    [FLAG_JWKS] =
        {"jwks", 0, FLAG_KIND_TEXT, IN(jwks), "FILE", NULL, NULL,
         "keys to verify with (RFC 7517; for an audit log public keys in PEM, too), instead of "
         "asking the server for them"},
    [FLAG_ISSUER] = {"issuer", 0, FLAG_KIND_TEXT, IN(issuer), "ISSUER", NULL, NULL,
                     "who must have issued it; with the server's keys its own when not "
                     "given"},
    [FLAG_AS] = {"as", 0, FLAG_KIND_LIST, IN(as), "KIND", NULL, "employee|contractor|agent",
                 "in which way; may be repeated; none at all says that there is no affiliation"},
    [FLAG_UNTIL] = {"until", 0, FLAG_KIND_TEXT, IN(until), "DATE", NULL, NULL,
                    "the first day on which it does not hold any more"},
    [FLAG_COMPLETE] = {"complete", 0, FLAG_KIND_SWITCH, IN(complete), NULL, NULL, NULL,
                       "there is nothing else: what is not named is not so"},
    [FLAG_REVIEW_BY] = {"review-by", 0, FLAG_KIND_TEXT, IN(review_by), "DATE", NULL, NULL,
                        "when it is to be looked at again"},
    [FLAG_EVIDENCE] = {"evidence", 0, FLAG_KIND_TEXT, IN(evidence), "ID", NULL, NULL,
                       "Passgate's id of the evidence"},
    [FLAG_VENDOR] = {"vendor", 0, FLAG_KIND_TEXT, IN(vendor), "VENDOR", NULL, NULL,
                     "the vendor, together with --check-id"},
    [FLAG_CHECK_ID] = {"check-id", 0, FLAG_KIND_TEXT, IN(check_id), "ID", NULL, NULL,
                       "the vendor's id of the check"},
    [FLAG_REASON] = {"reason", 0, FLAG_KIND_TEXT, IN(reason), "TEXT", NULL, NULL,
                     "why, for the audit record"},
    [FLAG_STRICT] = {"strict", 0, FLAG_KIND_SWITCH, IN(strict), NULL, NULL, NULL,
                     "warnings count: exit 1 when there is any"},
    [FLAG_MERGE] = {"merge", 0, FLAG_KIND_SWITCH, IN(merge), NULL, NULL, NULL,
                    "import also where there are subjects; what is there stays"},
    [FLAG_RECEIPT] = {"receipt", 0, FLAG_KIND_TEXT, IN(receipt), "FILE", NULL, NULL,
                      "write a signed receipt of the answer to this file; - is standard output"},
    [FLAG_HEAD] = {"head", 0, FLAG_KIND_TEXT, IN(head), "FILE", NULL, NULL,
                   "further tree heads, one to a line, that were kept elsewhere"},
    [FLAG_SINCE] = {"since", 0, FLAG_KIND_TEXT, IN(since), "INSTANT", NULL, NULL,
                    "from this moment on, with its offset: 2026-06-12T17:21:00-04:00"},
    [FLAG_BEFORE] = {"before", 0, FLAG_KIND_TEXT, IN(before), "INSTANT", NULL, NULL,
                     "up to this moment, which is not in it"},
    [FLAG_CALLER] = {"caller", 0, FLAG_KIND_TEXT, IN(caller), "CALLER", NULL, NULL,
                     "only what this caller asked for, by its whole identity"},
    [FLAG_SUBJECT_HASH] = {"subject-hash", 0, FLAG_KIND_TEXT, IN(subject_hash), "HEX", NULL, NULL,
                           "only what is about this subject, by its keyed hash"},
    [FLAG_RESOURCE] = {"resource", 0, FLAG_KIND_TEXT, IN(resource), "TYPE/ID", NULL, NULL,
                       "only what is about this resource"},
    [FLAG_OUTCOME] = {"outcome", 0, FLAG_KIND_TEXT, IN(outcome), "OUTCOME", NULL,
                      "allow|deny|error|done",
                      "only decisions that came out so, calls that got an error, or acts that were "
                      "done"},
    [FLAG_SHADOW_DIFFERS] = {"shadow-differs", 0, FLAG_KIND_SWITCH, IN(shadow_differs), NULL, NULL,
                             NULL,
                             "only decisions that directives that were tried would have made "
                             "otherwise, or for another reason"},
    [FLAG_FOLLOW] = {"follow", 'f', FLAG_KIND_SWITCH, IN(follow), NULL, NULL, NULL,
                     "go on as records come, until interrupted"},
    [FLAG_FROM] = {"from", 0, FLAG_KIND_TEXT, IN(from), "FILE", NULL, NULL,
                   "an older tree head, the last line of this file, which the new one must go on "
                   "from"},
    [FLAG_SUBJECT] =
        {"subject", 0, FLAG_KIND_TEXT, IN(subject), "SUBJECT", NULL, NULL,
         "what is about this subject, by its id: the server hashes it, and for audit show "
         "--hash-key does"},
    [FLAG_ALL] = {"all", 0, FLAG_KIND_SWITCH, IN(all), NULL, NULL, NULL,
                  "writes, administrative acts and the log's own records as well"},
    [FLAG_RETENTION_KEY] = {"retention-key", 0, FLAG_KIND_LIST, IN(retention_key), "FILE", NULL,
                            NULL,
                            "private key (PEM) that opens what was sealed for its public half; may "
                            "be repeated"},
    [FLAG_HASH_KEY] = {"hash-key", 0, FLAG_KIND_TEXT, IN(hash_key), "FILE", NULL, NULL,
                       "the deployment's key for the hashes of subjects, 32 hex digits"},
};

/* A whole number and its unit, as the server's configuration has them. */
bool flags_parse_duration(const char *text, int *ret_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}};
    size_t digits = strspn(text, "0123456789");
    uint64_t number;

    if (digits == 0 || digits > DURATION_DIGITS_MAX)
        return false;
    number = strtoull(text, NULL, 10);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        uint64_t ms = number * units[i].ms;

        if (strcmp(text + digits, units[i].unit) == 0 && ms >= 1 && ms <= DAY_MS) {
            *ret_ms = (int)ms;
            return true;
        }
    }
    return false;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);

    while (length > 0 && choices) {
        if (strncmp(choices, value, length) == 0 &&
            (choices[length] == '|' || choices[length] == '\0'))
            return true;
        choices = strchr(choices, '|');
        choices += choices ? 1 : 0;
    }
    return false;
}

static bool set_value(struct flags *flags, const struct flag *flag, const char *value,
                      struct err *err)
{
    void *slot = (char *)flags + flag->offset;
    struct text_list *list = slot;

    if (flag->choices && !is_choice(flag->choices, value))
        return err_set(err, ERR_FIELD_RANGE, "--%s is one of %s", flag->name, flag->choices);
    switch (flag->kind) {
    case FLAG_KIND_SWITCH: *(bool *)slot = true; return true;
    case FLAG_KIND_TEXT: *(const char **)slot = value; return true;
    case FLAG_KIND_LIST: list->items[list->count++] = value; return true;
    case FLAG_KIND_DURATION:
        if (!flags_parse_duration(value, slot))
            return err_set(err, ERR_FIELD_RANGE,
                           "--%s is a time of at most a day, such as 200ms, 5s or 1m", flag->name);
        return true;
    }
    return false;
}

static const struct flag *flag_named(const char *name, size_t length)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (strncmp(flag_table[i].name, name, length) == 0 && flag_table[i].name[length] == '\0')
            return &flag_table[i];
    return NULL;
}

static const struct flag *flag_lettered(char letter)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flag_table[i].letter != 0 && flag_table[i].letter == letter)
            return &flag_table[i];
    return NULL;
}

static bool unknown_flag(const char *word, struct err *err)
{
    char name[64];
    struct suggestion suggestion = {.meant = name};

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 1, "="), word + 1);
    if (name[0] == '-')
        memmove(name, name + 1, strlen(name));
    for (size_t i = 0; i < FLAG_COUNT; i++)
        suggestion_consider(&suggestion, flag_table[i].name);
    if (suggestion.best)
        return err_set(err, ERR_FIELD_RANGE, "there is no flag --%s; did you mean --%s?", name,
                       suggestion.best);
    return err_set(err, ERR_FIELD_RANGE, "there is no flag %s%s", name[1] ? "--" : "-", name);
}

/* One word that begins with a dash; *next is the word behind it and moves on when it is taken. */
static bool parse_flag(struct flags *flags, const char *word, char *const **next, struct err *err)
{
    const char *value = NULL;
    const struct flag *flag;

    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");

        flag = flag_named(word + 2, length);
        value = word[2 + length] == '=' ? word + 3 + length : NULL;
    } else {
        flag = flag_lettered(word[1]);
        value = word[2] != '\0' ? word + 2 + (word[2] == '=') : NULL;
    }
    if (!flag)
        return unknown_flag(word, err);
    if (flag->kind == FLAG_KIND_SWITCH && value)
        return err_set(err, ERR_FIELD_RANGE, "--%s takes no value", flag->name);
    if (flag->kind != FLAG_KIND_SWITCH && !value) {
        if (!**next)
            return err_set(err, ERR_FIELD_REQUIRED, "--%s needs a value: --%s %s", flag->name,
                           flag->name, flag->placeholder);
        value = *(*next)++;
    }
    flags->given |= FLAG_BIT(flag - flag_table);
    return set_value(flags, flag, value, err);
}

static bool take_environment(struct flags *flags, struct err *err)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const char *value = flag_table[i].environment ? getenv(flag_table[i].environment) : NULL;

        if (value && value[0] && !set_value(flags, &flag_table[i], value, err))
            return false;
    }
    return true;
}

bool flags_parse(int argc, char *const *argv, struct arena *arena, struct flags *ret_flags,
                 struct operands *ret_operands, struct err *err)
{
    struct operands operands = {arena_new_array(arena, const char *, (size_t)argc), 0};
    char *const *next = argv + 1;
    struct flags flags = {0};
    bool has_ended = false;

    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flag_table[i].kind == FLAG_KIND_LIST)
            ((struct text_list *)(void *)((char *)&flags + flag_table[i].offset))->items =
                arena_new_array(arena, const char *, (size_t)argc);
    if (!take_environment(&flags, err))
        return false;
    while (next < argv + argc && *next) {
        const char *word = *next++;

        if (has_ended || word[0] != '-' || word[1] == '\0')
            operands.items[operands.count++] = word;
        else if (strcmp(word, "--") == 0)
            has_ended = true;
        else if (!parse_flag(&flags, word, &next, err))
            return false;
    }
    *ret_flags = flags;
    *ret_operands = operands;
    return true;
}
