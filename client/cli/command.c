/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */
#include "client/cli/command.h"

#define CHECK_FLAGS (FLAG_BIT(FLAG_CONTEXT) | FLAG_BIT(FLAG_ON_BEHALF_OF) | FLAG_BIT(FLAG_ALSO))

const struct command command_table[] = {
    {
        .name = "submit",
        .run = run_submit,
        .operands = "FILE.json",
        .operand_min = 1,
        .operand_max = 1,
        .flags = FLAG_BIT(FLAG_DRY_RUN),
        .summary = "submit verification results",
        .description =
            "Sends verification results or attestations to the server.  FILE.json holds one "
            "SubmitVerificationRequest in the JSON mapping of proto3, or a list of them; - is "
            "standard input.\n\nThe whole file is looked at before anything is sent: what is wrong "
            "is told with line, column and field.  A list is then sent one by one, and a refused "
            "entry does not stop the others.  Submitting the same result again changes nothing.",
        .exit_status =
            "0: all are accepted, or were known; 1: at least one is refused; 2: an error, in the "
            "file or of the call, and the rest was not sent or is not known.",
        .example = "passgate submit alice-passport.json",
    },
    {
        .name = "check",
        .run = run_check,
        .operands = "SUBJECT RESOURCE ACTION",
        .operand_min = 3,
        .operand_max = 3,
        .flags = CHECK_FLAGS | FLAG_BIT(FLAG_MIN_REVISION) | FLAG_BIT(FLAG_REASONS) |
                 FLAG_BIT(FLAG_RECEIPT),
        .summary = "may a subject do something?",
        .description =
            "Asks whether SUBJECT may do ACTION on RESOURCE, which is written TYPE/ID, under the "
            "directives in force right now, and says what to do about a refusal.",
        .exit_status = "0: ALLOW, and nothing else is; 1: a refusal; 2: no decision was made.",
        .example = "passgate check alice model/mythos-5 use --context location=USA",
    },
    {
        .name = "explain",
        .run = run_explain,
        .operands = "SUBJECT RESOURCE ACTION",
        .operand_min = 3,
        .operand_max = 3,
        .flags = CHECK_FLAGS | FLAG_BIT(FLAG_AT),
        .summary = "the same, test by test",
        .description = "Shows how the decision comes about: each person concerned, each directive "
                       "that names the resource, each of its tests and exemptions, as far as you "
                       "may know them.\n\nWith --at the directives in force at that moment decide.",
        .exit_status = "That of check.",
        .example = "passgate explain alice model/mythos-5 use --at 2026-06-12T17:21:00-04:00",
    },
    {
        .name = "list",
        .run = run_list,
        .operands = "SUBJECT ACTION",
        .operand_min = 2,
        .operand_max = 2,
        .flags = FLAG_BIT(FLAG_CONTEXT) | FLAG_BIT(FLAG_ON_BEHALF_OF) | FLAG_BIT(FLAG_TYPE),
        .summary = "what may a subject use?",
        .description = "Every declared resource with the decision for SUBJECT and ACTION.",
        .example = "passgate list alice use --type model --context location=USA",
    },
    {
        .name = "batch",
        .run = run_batch,
        .operands = "FILE.json",
        .operand_min = 1,
        .operand_max = 1,
        .flags = FLAG_BIT(FLAG_MIN_REVISION),
        .summary = "many checks at one moment",
        .description = "Asks up to 1,000 checks under one directive set.  FILE.json holds a list "
                       "of CheckEntitlementRequest in the JSON mapping of proto3, or one "
                       "BatchCheckEntitlementsRequest; - is standard input.",
        .exit_status =
            "0: all are allowed; 1: at least one is refused; 2: at least one has no decision.",
        .example = "passgate batch checks.json",
    },
    {
        .name = "claim issue",
        .run = run_claim_issue,
        .operands = "SUBJECT",
        .operand_min = 1,
        .operand_max = 1,
        .flags = FLAG_BIT(FLAG_AUDIENCE) | FLAG_BIT(FLAG_DISCLOSURE) | FLAG_BIT(FLAG_LIFETIME) |
                 FLAG_BIT(FLAG_MIN_REVISION),
        .summary = "get a signed statement about a subject",
        .description = "Prints a short-lived token (JWS) about what is known of SUBJECT, for one "
                       "audience.  Only the token goes to standard output.",
        .example = "passgate claim issue alice --audience https://models.example.com",
    },
    {
        .name = "claim inspect",
        .run = run_claim_inspect,
        .operands = "TOKEN",
        .operand_min = 1,
        .operand_max = 1,
        .is_offline = true,
        .summary = "decode a token without trusting it",
        .description = "Shows what is written in TOKEN (- is standard input).  Nothing is "
                       "verified: anybody can write such a token.",
        .example = "passgate claim issue alice --audience x | passgate claim inspect -",
    },
    {
        .name = "claim verify",
        .run = run_claim_verify,
        .operands = "TOKEN",
        .operand_min = 1,
        .operand_max = 1,
        .is_offline_with_jwks = true,
        .flags = FLAG_BIT(FLAG_JWKS) | FLAG_BIT(FLAG_AUDIENCE) | FLAG_BIT(FLAG_ISSUER),
        .summary = "verify a token with the issuer's keys",
        .description = "Verifies signature, type, issuer, audience and times of TOKEN (- is "
                       "standard input) with the keys of the server, or with those of --jwks, and "
                       "shows what it says.  It does not ask whether the token was revoked.",
        .exit_status = "0: it is valid; 1: it is not; 2: it could not be looked at.",
        .example = "passgate claim verify - --audience https://models.example.com",
    },
    {
        .name = "receipt verify",
        .run = run_receipt_verify,
        .operands = "FILE",
        .operand_min = 1,
        .operand_max = 1,
        .is_offline_with_jwks = true,
        .flags = FLAG_BIT(FLAG_JWKS) | FLAG_BIT(FLAG_ISSUER),
        .summary = "verify the receipt of a decision",
        .description =
            "Verifies the receipt in FILE (- is standard input) with the keys of the server, or "
            "with those of --jwks, and shows what was asked and answered.  With --jwks nobody is "
            "asked.  A receipt proves what was decided then; it permits nothing now.",
        .exit_status =
            "0: it is genuine, whatever was decided; 1: it is not; 2: it could not be looked at.",
        .example = "passgate receipt verify receipt.jwt --jwks jwks.json",
    },
    {
        .name = "subject show",
        .run = run_subject_show,
        .operands = "SUBJECT",
        .operand_min = 1,
        .operand_max = 1,
        .summary = "what is known of a subject",
        .description = "Evidence, affiliations and principals on record, and what they prove now.",
        .example = "passgate subject show alice",
    },
    {
        .name = "subject affiliate",
        .run = run_subject_affiliate,
        .operands = "SUBJECT ORGANIZATION",
        .operand_min = 2,
        .operand_max = 2,
        .flags = FLAG_BIT(FLAG_AS) | FLAG_BIT(FLAG_UNTIL) | FLAG_BIT(FLAG_COMPLETE) |
                 FLAG_BIT(FLAG_REVIEW_BY),
        .summary = "say how a subject is affiliated",
        .description =
            "Says how SUBJECT is affiliated with ORGANIZATION, replacing what was said before "
            "about the two.  With --complete whatever is not named is known not to be so; without "
            "it, it is unknown.",
        .example = "passgate subject affiliate alice org/partner-a --as employee --complete",
    },
    {
        .name = "subject principals",
        .run = run_subject_principals,
        .operands = "SERVICE [PERSON…]",
        .operand_min = 1,
        .operand_max = OPERANDS_ANY,
        .summary = "say who stands behind a service",
        .description = "Sets the natural persons behind SERVICE, replacing those set before.  "
                       "They count like the service itself; nobody is a valid answer.",
        .example = "passgate subject principals service/build-bot alice bob",
    },
    {
        .name = "subject revoke",
        .run = run_subject_revoke,
        .operands = "SUBJECT",
        .operand_min = 1,
        .operand_max = 1,
        .flags = FLAG_BIT(FLAG_EVIDENCE) | FLAG_BIT(FLAG_VENDOR) | FLAG_BIT(FLAG_CHECK_ID) |
                 FLAG_BIT(FLAG_REASON),
        .summary = "take evidence back",
        .description = "From now on the evidence counts for nothing.  It is named by --evidence, "
                       "or by --vendor and --check-id.",
        .example = "passgate subject revoke alice --evidence e1 --reason \"wrong person\"",
    },
    {
        .name = "directive lint",
        .run = run_directive_lint,
        .operands = "FILE|FOLDER…",
        .operand_min = 1,
        .operand_max = OPERANDS_ANY,
        .is_offline = true,
        .flags = FLAG_BIT(FLAG_STRICT),
        .summary = "check directive files, without a server",
        .description = "Compiles directive files as the server does (of a folder: every .yaml in "
                       "it) and prints each finding as FILE:LINE:COLUMN.  Organizations and "
                       "resources that other files would name are taken as they come.",
        .exit_status = "0: clean, or warnings only; 1: warnings, with --strict; 2: errors.",
        .example = "passgate directive lint --strict directives/",
    },
    {
        .name = "whoami",
        .run = run_whoami,
        .operands = "",
        .summary = "who you are to the server",
        .description = "The identity that the transport proves, its roles, and what answers "
                       "disclose to it.",
        .example = "passgate whoami",
    },
    {
        .name = "health",
        .run = run_health,
        .operands = "[SERVICE]",
        .operand_max = 1,
        .summary = "is the server serving?",
        .description = "Asks grpc.health.v1 about SERVICE, or about the server as a whole.  Exit "
                       "status 0: serving; 2: not, or no answer.  Made for probes.",
        .example = "passgate health --timeout 1s",
    },
    {
        .name = "server info",
        .run = run_server_info,
        .operands = "",
        .summary = "what the server is and stands on",
        .description = "Version, realm, directive set, store, audit log.",
        .example = "passgate server info",
    },
    {
        .name = "keys list",
        .run = run_keys_list,
        .operands = "",
        .summary = "the server's signing keys",
        .description = "Every published key and where it is in its life; no secrets.",
        .example = "passgate keys list",
    },
    {
        .name = "store stats",
        .run = run_store_stats,
        .operands = "",
        .summary = "how much the store holds",
        .description =
            "Counts values and bytes, and values that have expired and were not removed yet, in "
            "each space of each partition; shows the epoch, the newest number of the feed of "
            "changes and what waits to be taken over into the audit log.\n\n"
            "This reads everything that the store holds.  --timeout is that of each page.  Needs "
            "the role operator.",
        .example = "passgate store stats",
    },
    {
        .name = "store check",
        .run = run_store_check,
        .operands = "",
        .summary = "is everything in the store as it should be?",
        .description =
            "Reads everything that the store holds and names each value that cannot be read, is "
            "about something else than its key, lies where nobody looks for it, or should have "
            "expired; and each piece of evidence whose check is not on record.  Values are named "
            "by space and keyed hash.  Needs the role operator.",
        .exit_status = "0: clean; 1: there are findings; 2: it could not be looked at.",
        .example = "passgate store check",
    },
    {
        .name = "store export",
        .run = run_store_export,
        .operands = "FILE",
        .operand_min = 1,
        .operand_max = 1,
        .summary = "write what the store holds to a file",
        .description =
            "Writes every subject, check, claim, remembered request and the register of directives "
            "to FILE (- is standard output).  The file holds nationalities and other personal "
            "data; its names are keyed hashes, but the records hold the ids of subjects: keep it "
            "as you keep the store.  It has mode 0600, and is the whole export or is not there.\n\n"
            "What is written meanwhile may be missing: to move, stop the writes first.  Exit "
            "status "
            "1: values that are damaged were left out.  Needs the role operator.",
        .example = "passgate store export passgate.export",
    },
    {
        .name = "store import",
        .run = run_store_import,
        .operands = "FILE",
        .operand_min = 1,
        .operand_max = 1,
        .flags = FLAG_BIT(FLAG_MERGE),
        .summary = "write such a file into the store",
        .description =
            "Reads FILE, which `passgate store export` has written, as a whole and compares its "
            "SHA-256; then writes what is in it into the store behind the server, which must use "
            "the same hash key and know no subject yet.\n\nWith --merge it may know some.  What is "
            "there stays: a value that differs from that of the file is told as a conflict.  "
            "Importing the same file again changes nothing, so that an import that was interrupted "
            "is gone on with by --merge.  Needs the role operator.",
        .exit_status = "0: all of it is there; 1: there are conflicts; 2: an error.",
        .example = "passgate store import passgate.export",
    },
    {
        .name = "audit verify",
        .run = run_audit_verify,
        .operands = "DIR",
        .operand_min = 1,
        .operand_max = 1,
        .is_offline = true,
        .flags = FLAG_BIT(FLAG_JWKS) | FLAG_BIT(FLAG_HEAD),
        .summary = "is an audit log whole, and what was signed?",
        .description =
            "Reads the folder of an audit log, without a server: every checksum, the numbers of "
            "the records, that segments follow each other, their indices, and the Merkle tree over "
            "all records against every signed head.  Each finding names file and byte.\n\nHeads "
            "prove something against those who can write to the folder if their signatures are "
            "checked: --jwks names the keys, from a source that is not that folder.  That the end "
            "of a log is missing together with its heads shows only against a head that was kept "
            "elsewhere: --head.",
        .exit_status = "0: nothing was found; 1: findings; 2: it could not be read.",
        .example = "passgate audit verify passgate-data/audit --jwks jwks.json",
    },
    {
        .name = "audit prove",
        .run = run_audit_prove,
        .operands = "ID [DIR]",
        .operand_min = 1,
        .operand_max = 2,
        .offline_operands = 2,
        .flags = FLAG_BIT(FLAG_JWKS) | FLAG_BIT(FLAG_HEAD),
        .summary = "prove that a decision is in a signed log",
        .description =
            "Makes the inclusion proof (RFC 6962) of the decision with this id from the files of "
            "the log, and checks it against the newest signed head.  One segment is read, and what "
            "the indices of the others say.\n\nWithout DIR the server is asked, which has to be "
            "the replica with that log: for the proof, the head and the record.  All of it is "
            "checked here, with the keys of --jwks, or, which proves less, with those that the "
            "server gives.  Needs the role auditor.",
        .exit_status = "0: proved; 1: not in the log, or the files or the proof do not lead to the "
                       "head; 2: an error.",
        .example = "passgate audit prove 6f1d0c9b2a3e4f50-4711 passgate-data/audit",
    },
    {
        .name = "audit head",
        .run = run_audit_head,
        .operands = "",
        .flags = FLAG_BIT(FLAG_JWKS) | FLAG_BIT(FLAG_FROM),
        .summary = "the newest signed head of the server's log",
        .description =
            "Gets the newest head of the audit log of the replica that is asked, and checks its "
            "signature with the keys of --jwks, or, which proves less, with those that the server "
            "gives.  With --from also that the log was only added to since an older head, which "
            "was kept: the consistency proof of RFC 6962.\n\nKeep heads where the log's owner "
            "cannot write, one to a line: what they cover cannot be changed or taken away any more "
            "without it showing.  Needs the role auditor.",
        .exit_status = "0: signed, and goes on from the older one; 1: not; 2: an error.",
        .example = "passgate audit head --jwks jwks.json --from heads.jws -o json | jq -r .jws",
    },
    {
        .name = "audit show",
        .run = run_audit_show,
        .operands = "ID DIR…",
        .operand_min = 2,
        .operand_max = OPERANDS_ANY,
        .is_offline = true,
        .flags = FLAG_BIT(FLAG_JWKS) | FLAG_BIT(FLAG_HEAD) | FLAG_BIT(FLAG_RETENTION_KEY) |
                 FLAG_BIT(FLAG_HASH_KEY) | FLAG_BIT(FLAG_SUBJECT),
        .summary = "everything on record about one decision",
        .description =
            "Puts together what the logs say about the decision with this id: who asked what on "
            "whose behalf, what was answered and why, each directive that named the resource and "
            "on whose authority the decisive one stands, which country sets were in use, what was "
            "known of the subject, and who had reviewed it.  DIR are the folders of the logs of "
            "all replicas: a change that explains a decision may be in another log.\n\nSubjects "
            "are keyed hashes.  --retention-key opens what was known, which says the subject's id "
            "as well; --hash-key with --subject compares an id.  --jwks proves that the record is "
            "in a log that was signed.  What is missing is said.",
        .exit_status = "0: it was found; 1: it is in none of the logs, or not proved; 2: an error.",
        .example = "passgate audit show 6f1d0c9b2a3e4f50-4711 audit-0 audit-1 --retention-key "
                   "retention.pem",
    },
    {
        .name = "audit list",
        .run = run_audit_list,
        .operands = "[DIR]",
        .operand_max = 1,
        .offline_operands = 1,
        .flags = FLAG_BIT(FLAG_SINCE) | FLAG_BIT(FLAG_BEFORE) | FLAG_BIT(FLAG_CALLER) |
                 FLAG_BIT(FLAG_SUBJECT) | FLAG_BIT(FLAG_SUBJECT_HASH) | FLAG_BIT(FLAG_RESOURCE) |
                 FLAG_BIT(FLAG_OUTCOME) | FLAG_BIT(FLAG_ALL) | FLAG_BIT(FLAG_SHADOW_DIFFERS) |
                 FLAG_BIT(FLAG_FOLLOW),
        .summary = "the records of an audit log",
        .description =
            "Shows what is in the folder of an audit log, without a server: one line for each "
            "decision, with -o json one object on a line for each record.  Subjects are keyed "
            "hashes.\n\n"
            "Without DIR the records come from the replica that is asked: decisions, batches and "
            "refusals, with --all everything.  --subject is for that alone, because the hash key "
            "is the server's.  Needs the role auditor, and goes on record there.\n\n"
            "All filters must fit.  Whether the log is whole is for passgate audit verify.",
        .example = "passgate audit list passgate-data/audit --outcome deny -f",
    },
    {
        .name = "apikey new",
        .run = run_apikey_new,
        .operands = "",
        .is_offline = true,
        .summary = "a key for a caller of AuthZEN",
        .description =
            "Makes an API key, shows it once, and the line for the configuration, which has only "
            "its SHA-256.  The key is 160 random bits: nothing is gained by hashing it slowly.\n\n"
            "A caller may have two keys at a time: add the new one, let the caller change over, "
            "remove the old one.",
        .example = "passgate apikey new",
    },
    {
        .name = "version",
        .run = run_version,
        .operands = "",
        .is_offline = true,
        .summary = "the version of this program",
        .description = "The version of this program and of its library.",
        .example = "passgate version",
    },
    {
        .name = "completion",
        .run = run_completion,
        .operands = "bash",
        .operand_min = 1,
        .operand_max = 1,
        .is_offline = true,
        .summary = "completion for the shell",
        .description = "Prints a script that completes commands and flags.",
        .example = "source <(passgate completion bash)",
    },
};

const size_t command_count = ARRAY_LEN(command_table);

const struct command *command_find(const struct operands *operands, size_t *ret_words)
{
    for (size_t i = 0; i < command_count && operands->count > 0; i++) {
        const char *name = command_table[i].name;
        const char *space = strchr(name, ' ');
        size_t length = space ? (size_t)(space - name) : strlen(name);

        if (strncmp(name, operands->items[0], length) != 0 || operands->items[0][length] != '\0')
            continue;
        if (space && (operands->count < 2 || strcmp(space + 1, operands->items[1]) != 0))
            continue;
        *ret_words = space ? 2 : 1;
        return &command_table[i];
    }
    return NULL;
}
