/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of passgated: what the table in options.c says, read from file, environment and
 * flags.
 *
 * Only services/server includes this.  Everything else gets a small options struct of its own from
 * the wiring, so that no module sees settings that are not its business.  A config is immutable
 * after config_load() and lives in the arena that it was loaded into.  Texts are NUL-terminated and
 * never NULL; "" means that there is none.  Secrets are paths here; what is in the files never is.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/diagnostics.h"
#include "base/err.h"
#include "base/log.h"
#include "domain/facts/organization.h"
#include "domain/field/limits.h"

/* Where a value was written: a file with line and column, or a flag or variable (line 0). */
struct config_place {
    const char *file;
    int line;
    int column;
};

struct config_address {
    const char *text; /* as gRPC takes it: "127.0.0.1:50051", "[::1]:50051"; "" = off */
    const char *host; /* without brackets */
    uint16_t port;    /* 0 = any free one */
    bool is_loopback; /* 127.0.0.0/8, ::1, localhost */
    struct config_place place;
};

struct config_addresses {
    const struct config_address *rows;
    size_t count;
};

enum config_audit_mode { CONFIG_AUDIT_BOUNDED, CONFIG_AUDIT_DURABLE, CONFIG_AUDIT_RING };
enum config_ship_kind { CONFIG_SHIP_NONE, CONFIG_SHIP_FOLDER, CONFIG_SHIP_S3 };
enum config_ship_retain {
    CONFIG_SHIP_RETAIN_NONE,
    CONFIG_SHIP_RETAIN_GOVERNANCE,
    CONFIG_SHIP_RETAIN_COMPLIANCE,
};
/* From audit.ship_to. */
struct config_ship_place {
    enum config_ship_kind kind;
    const char *path; /* of the folder, or "" */
    const char *bucket;
    const char *prefix; /* "" or without slashes at its ends */
};
enum config_directives_source { CONFIG_DIRECTIVES_FOLDER, CONFIG_DIRECTIVES_STORE };
enum config_store_durability { CONFIG_STORE_CHECKED, CONFIG_STORE_MANAGED };
enum config_store_fsync {
    CONFIG_STORE_FSYNC_UNKNOWN,
    CONFIG_STORE_FSYNC_EVERYSEC,
    CONFIG_STORE_FSYNC_ALWAYS,
};
enum config_store_kind { CONFIG_STORE_SQLITE, CONFIG_STORE_REDIS };
/* From store.url. */
struct config_store_place {
    enum config_store_kind kind;
    bool is_tls;
    const char *path; /* of the SQLite file or of Redis' socket, or "" */
    const char *host; /* of Redis, or "" */
    uint16_t port;
    struct config_addresses sentinels; /* instead of a host */
    const char *primary;               /* its name among the sentinels, or "" */
};

/* When memory is kept out of swap. */
enum config_memory_lock {
    CONFIG_MEMORY_LOCK_SWAP, /* if there is swap, and it is allowed to */
    CONFIG_MEMORY_LOCK_ALWAYS,
    CONFIG_MEMORY_LOCK_NEVER,
};

/* What is asked of the clock that dates claims. */
enum config_claims_clock { CONFIG_CLAIMS_CLOCK_ANY, CONFIG_CLAIMS_CLOCK_SYNCHRONIZED };

enum config_keys_algorithm { CONFIG_KEYS_ES256, CONFIG_KEYS_EDDSA };

/* What a caller may do.  A binding holds them as bits: 1u << role. */
enum config_role {
    CONFIG_ROLE_SUBMITTER,
    CONFIG_ROLE_ATTESTER,
    CONFIG_ROLE_ISSUER,
    CONFIG_ROLE_CHECKER,
    CONFIG_ROLE_PROPOSER,
    CONFIG_ROLE_APPROVER,
    CONFIG_ROLE_AUDITOR,
    CONFIG_ROLE_OPERATOR,
};

/* How much of an answer a caller is told, from least to most. */
enum config_disclose {
    CONFIG_DISCLOSE_DECISION,
    CONFIG_DISCLOSE_NEXT_STEP,
    CONFIG_DISCLOSE_REASONS,
    CONFIG_DISCLOSE_FACTS,
};

enum {
    CONFIG_LIMIT_ROWS_MAX = 64,
    CONFIG_CALLS_PER_SECOND_MAX = 1000000,
    CONFIG_CALLS_IN_FLIGHT_MAX = 100000,
    CONFIG_SUBJECTS_PER_HOUR_MAX = 100000,
};

/* How much of the service somebody may use up; 0: as much as there is. */
struct config_allowance {
    uint32_t calls_per_second;
    uint32_t calls_in_flight;
    uint32_t subjects_per_hour;
};

/* What is kept of an API key. */
struct config_api_key {
    uint8_t sha256[32];
    int64_t expires_at_ms; /* TIMESTAMP_NEVER_MS: by nothing but its removal */
    struct config_place place;
};

/* One of `callers:`: a client certificate, or API keys, and what its owner may do and is told. */
struct config_caller {
    const char *id; /* a SPIFFE id, a pattern of them, another identity of a certificate, or
                       "apikey:NAME" */
    bool is_by_api_key;
    const struct config_api_key *api_keys;
    size_t api_key_count;
    unsigned roles; /* 1u << enum config_role */
    enum config_disclose disclose;
    struct limits limits;
    struct config_allowance allowance;
    struct config_place place;
};

/* One of `persons:`: a natural person behind several callers. */
struct config_person {
    struct span id;
    const struct span *callers; /* exact ids */
    size_t caller_count;
    struct config_allowance allowance; /* of all of them together */
};

/* One of `legal_holds:`. */
struct config_legal_hold {
    struct span id;
    struct span reason;
    int64_t from_ms, until_ms; /* INT64_MIN and INT64_MAX where there is none */
    bool has_from, has_until;
};

struct setting; /* where each value came from; for config_print() */

struct config {
    const char *file; /* that was read; "" when there was none */

    struct {
        const char *folder;
        int64_t keep_local_ms; /* 0 = as long as retention_ms */
        enum config_audit_mode mode;
        int64_t retention_ms;           /* 0 = for ever */
        const char *retention_key_file; /* "": no documents about changes */
        int64_t ring_bytes;
        int64_t segment_bytes;
        const char *ship_ca_file;          /* "": the authorities of the system */
        const char *ship_credentials_file; /* never "" with a bucket */
        const char *ship_endpoint;         /* never "" with a bucket: the default is filled in */
        int64_t ship_heads_every_ms;
        int64_t ship_late_ms; /* 0 = never */
        struct config_ship_place ship_place;
        const char *ship_region;
        enum config_ship_retain ship_retain;
        const char *ship_to; /* "": nowhere */
    } audit;
    struct {
        int64_t bytes;
        int64_t fresh_ms;
        int64_t grace_ms;
    } cache;
    struct {
        int64_t lifetime_ms;
        enum config_claims_clock clock;
    } claims;
    struct {
        const char *country_sets_file; /* "" = the built-in ones */
        const char *folder;            /* may be missing: no directives */
        const char *shadow_folder;     /* "": none; may be missing */
        int64_t lease_ms;              /* below DIRECTIVE_LEASE_LEAST_MS counts as that */
        int64_t poll_ms;
        enum config_directives_source source; /* CONFIG_DIRECTIVES_FOLDER in this release */
    } directives;
    struct {
        int64_t time_ms; /* never 0: the default is filled in */
    } drain;
    struct {
        const char *authzen_url;          /* never "": the issuer is filled in */
        bool local_caller;                /* on loopback, while no caller has API keys */
        const char *tls_certificate_file; /* both or neither */
        const char *tls_key_file;
    } http;
    struct {
        enum config_keys_algorithm algorithm;
        const char *folder;
    } keys;
    struct {
        struct config_address authzen; /* "": on `http` */
        struct config_addresses grpc;  /* TLS on all of them when tls.certificate_file is there */
        const char *grpc_socket;       /* always plaintext */
        struct config_address http;
        struct config_address ops;
    } listen;
    struct {
        enum log_format format;
        enum err_level level;
    } log;
    struct {
        enum config_memory_lock lock;
    } memory;
    struct {
        const char *audience; /* never "": the issuer is filled in */
        const char *issuer;   /* without a slash at the end */
        const char *name;
    } realm;
    struct {
        bool enabled;
    } reflection;
    struct {
        int64_t calls_per_worker;
        int64_t connection_age_ms;
        int64_t connection_grace_ms;
        int64_t deadline_default_ms;
        int64_t descriptors_min;        /* never 0: the default is filled in */
        int64_t executor_age_target_ms; /* 0 = never too old; so are the others */
        int64_t handshake_timeout_ms;
        int64_t in_flight_max;
        int64_t keepalive_ms;
        int64_t keepalive_timeout_ms;
        int64_t memory_quota_bytes; /* 0 = none */
        int64_t message_bytes_max;
        int64_t metadata_bytes_max;
        int64_t probe_failures; /* 0 = it only logs */
        int64_t probe_interval_ms;
        int64_t queue_age_interval_ms;
        int64_t queue_age_target_ms;
        int64_t resets_per_second; /* 0 = no matter */
        int64_t streams_max;
        int64_t workers; /* 0 = one per CPU */
    } rpc;
    struct {
        const char *ca_file;          /* never "" with TLS */
        const char *certificate_file; /* with key_file, or both "": no certificate of our own */
        int64_t database;
        enum config_store_durability durability;
        enum config_store_fsync fsync;
        const char *hash_key_file; /* never "" with Redis */
        const char *hash_key_id;
        const char *key_file;
        int64_t partitions;
        const char *password_file; /* "": no AUTH */
        int64_t pending_max;
        struct config_store_place place;
        const char *prefix;
        int64_t queue_age_target_ms;
        int64_t read_timeout_ms;
        int64_t replicas_min;
        const char *sentinel_password_file; /* "": no AUTH */
        const char *sentinel_user;          /* "": `default` */
        const char *url;
        const char *user; /* "": `default` */
        int64_t write_timeout_ms;
    } store;
    struct {
        const char *certificate_file; /* all three or none */
        const char *client_ca_file;
        const char *key_file;
    } tls;

    struct organizations organizations;
    const struct config_caller *callers;
    size_t caller_count;
    const struct span *denied; /* as ids of callers */
    size_t denied_count;
    const struct config_person *persons;
    size_t person_count;
    const struct config_legal_hold *legal_holds;
    size_t legal_hold_count;

    /* What it was loaded from, as main() got it; for config_load_again(). */
    int argc;
    char **argv;
    char **environment;

    const struct setting *settings;
};

/* What the command line asks for. */
enum config_action {
    CONFIG_RUN,
    CONFIG_CHECK,
    CONFIG_PRINT,
    CONFIG_PRINT_REFERENCE,
    CONFIG_HELP,
    CONFIG_VERSION,
};

/*
 * Read everything: flags over environment over file over defaults.  Pure but for the files that
 * `argv` and `environment` (as in main) name; of secret files only the mode is looked at.
 *
 * Every error and warning is in `diagnostics`; false when there was an error.  *ret_config is NULL
 * for actions that need none (help, version, reference).
 */
MUST_CHECK bool config_load(int argc, char **argv, char **environment, struct arena *arena,
                            struct diagnostics *diagnostics, struct config **ret_config,
                            enum config_action *ret_action);

/* The same sources as they are now.  False when there is an error. */
MUST_CHECK bool config_load_again(const struct config *config, struct arena *arena,
                                  struct diagnostics *diagnostics, struct config **ret_config);

/* A finding about the value of an option, at the place where it was written: "OPTION: WHAT". */
void config_complain(const struct config *config, const char *option, const char *what,
                     struct diagnostics *diagnostics);

/* Do what was asked for, when that is not to run; false for CONFIG_RUN. */
bool config_answer(enum config_action action, const struct config *config, FILE *stream);

/* All effective values as YAML that loads again, each with its source as a comment. */
void config_print(const struct config *config, FILE *stream);

/* `--help`, as a manual page in plain text. */
void config_help(FILE *stream);

/* docs/configuration.md. */
void config_reference(FILE *stream);

#endif
