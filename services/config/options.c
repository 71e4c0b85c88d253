/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of options, and the names that are derived from it. */
#include "config/option.h"

#include "config/config.h"

#include <ctype.h>
#include <stdio.h>

#define KIB    INT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (366 * DAY)

/* Offset of a member, and a compiler error when the member is not of `type`. */
#define FIELD(type, member)            \
    (offsetof(struct config, member) + \
     0 * sizeof(&((const struct config *)0)->member == (type const *)0))
#define TEXT(member)   FIELD(char const *, member)
#define NUMBER(member) FIELD(int64_t, member)

static const char *const audit_modes[] = {
    [CONFIG_AUDIT_BOUNDED] = "bounded",
    [CONFIG_AUDIT_DURABLE] = "durable",
    [CONFIG_AUDIT_RING] = "ring",
    NULL,
};

static const char *const ship_retains[] = {
    [CONFIG_SHIP_RETAIN_NONE] = "none",
    [CONFIG_SHIP_RETAIN_GOVERNANCE] = "governance",
    [CONFIG_SHIP_RETAIN_COMPLIANCE] = "compliance",
    NULL,
};

static const char *const claims_clocks[] = {
    [CONFIG_CLAIMS_CLOCK_ANY] = "any",
    [CONFIG_CLAIMS_CLOCK_SYNCHRONIZED] = "synchronized",
    NULL,
};

static const char *const directives_sources[] = {
    [CONFIG_DIRECTIVES_FOLDER] = "folder",
    [CONFIG_DIRECTIVES_STORE] = "store",
    NULL,
};

static const char *const keys_algorithms[] = {
    [CONFIG_KEYS_ES256] = "ES256",
    [CONFIG_KEYS_EDDSA] = "EdDSA",
    NULL,
};

static const char *const store_durabilities[] = {
    [CONFIG_STORE_CHECKED] = "checked",
    [CONFIG_STORE_MANAGED] = "managed",
    NULL,
};

static const char *const store_fsyncs[] = {
    [CONFIG_STORE_FSYNC_UNKNOWN] = "unknown",
    [CONFIG_STORE_FSYNC_EVERYSEC] = "everysec",
    [CONFIG_STORE_FSYNC_ALWAYS] = "always",
    NULL,
};

static const char *const log_formats[] = {
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_JSON] = "json",
    NULL,
};

static const char *const log_levels[] = {
    [ERR_LEVEL_DEBUG] = "debug",
    [ERR_LEVEL_INFO] = "info",
    [ERR_LEVEL_WARN] = "warn",
    [ERR_LEVEL_ERROR] = "error",
    NULL,
};

static const char *const memory_locks[] = {
    [CONFIG_MEMORY_LOCK_SWAP] = "swap",
    [CONFIG_MEMORY_LOCK_ALWAYS] = "always",
    [CONFIG_MEMORY_LOCK_NEVER] = "never",
    NULL,
};

const struct option_section option_sections[] = {
    {.name = "audit", .title = "The record of decisions and writes"},
    {.name = "cache", .title = "Facts in memory, in front of the store"},
    {.name = "claims", .title = "Claim tokens"},
    {.name = "directives", .title = "Where the rules come from"},
    {.name = "drain", .title = "Going away without losing a call"},
    {.name = "http", .title = "The HTTP listeners"},
    {.name = "keys", .title = "Signing keys"},
    {.name = "listen", .title = "Addresses to serve on"},
    {.name = "log", .title = "The log on standard error"},
    {.name = "memory", .title = "Memory of the process"},
    {.name = "realm", .title = "Who this deployment is"},
    {.name = "reflection", .title = "gRPC server reflection"},
    {.name = "rpc", .title = "Limits of the gRPC listener"},
    {.name = "store", .title = "Where facts are kept"},
    {.name = "tls", .title = "Mutual TLS of the gRPC listener"},
};
const size_t option_section_count = ARRAY_LEN(option_sections);

/* Keep sorted by name. */
const struct option options[] = {
    {.name = "audit.folder",
     .type = OPTION_PATH,
     .offset = TEXT(audit.folder),
     .fallback = "passgate-data/audit",
     .help = "folder of the log's segments; made when it is not there"},
    {.name = "audit.keep_local",
     .type = OPTION_DURATION,
     .offset = NUMBER(audit.keep_local_ms),
     .fallback = "0",
     .fallback_note = "audit.retention",
     .min = 0,
     .max = 100 * YEAR,
     .help = "how long segments that were shipped stay in audit.folder, by their latest record"},
    {.name = "audit.mode",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_audit_mode, audit.mode),
     .fallback = "bounded",
     .words = audit_modes,
     .help =
         "what happens when records come faster than the disk takes them: with `bounded` a full "
         "ring refuses calls and never drops a record, and a crash loses at most 10 ms; with "
         "`durable` every answer waits for its record; `ring` drops records and counts them"},
    {.name = "audit.retention",
     .type = OPTION_DURATION,
     .offset = NUMBER(audit.retention_ms),
     .fallback = "1827d",
     .min = 0,
     .max = 100 * YEAR,
     .help = "a segment is removed when its latest record is older, was shipped if audit.ship_to "
             "is set, and no legal hold covers it; 0 keeps all of them for ever"},
    {.name = "audit.retention_key_file",
     .type = OPTION_FILE,
     .offset = TEXT(audit.retention_key_file),
     .fallback = "",
     .fallback_note = "nothing is sealed",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "public key (EC P-256, PEM) for which what is known of a subject is sealed into the "
             "record of each change; whoever keeps its private half, and nobody else, can open it, "
             "so that it must not be here; without it nothing is sealed; a change is taken up"},
    {.name = "audit.ring_bytes",
     .type = OPTION_BYTES,
     .offset = NUMBER(audit.ring_bytes),
     .fallback = "8MiB",
     .min = 64 * KIB,
     .max = GIB,
     .help = "memory for records on their way to the disk"},
    {.name = "audit.segment_bytes",
     .type = OPTION_BYTES,
     .offset = NUMBER(audit.segment_bytes),
     .fallback = "64MiB",
     .min = MIB,
     .max = 4 * GIB,
     .help = "a segment file is sealed, and the next one begun, at this size"},
    {.name = "audit.ship_ca_file",
     .type = OPTION_FILE,
     .offset = TEXT(audit.ship_ca_file),
     .fallback = "",
     .fallback_note = "those of the system",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "authorities of whom one must have signed the certificate of audit.ship_endpoint, "
             "PEM"},
    {.name = "audit.ship_credentials_file",
     .type = OPTION_SECRET_FILE,
     .offset = TEXT(audit.ship_credentials_file),
     .fallback = "",
     .fallback_note = "none",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "file with aws_access_key_id, aws_secret_access_key and perhaps aws_session_token, "
             "as the tools of S3 write it; a change is taken up"},
    {.name = "audit.ship_endpoint",
     .type = OPTION_URL,
     .offset = TEXT(audit.ship_endpoint),
     .fallback = "",
     .fallback_note = "https://s3.REGION.amazonaws.com",
     .max = 256,
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "server of the bucket, which is the first part of the path"},
    {.name = "audit.ship_heads_every",
     .type = OPTION_DURATION,
     .offset = NUMBER(audit.ship_heads_every_ms),
     .fallback = "60s",
     .min = SECOND,
     .max = DAY,
     .help = "how often the newest signed head is shipped, which shows a log whose end was cut"},
    {.name = "audit.ship_late",
     .type = OPTION_DURATION,
     .offset = NUMBER(audit.ship_late_ms),
     .fallback = "1d",
     .min = 0,
     .max = YEAR,
     .help = "/readyz tells, without failing, of a segment that waits to be shipped for longer, by "
             "its latest record; with 0 it does not"},
    {.name = "audit.ship_region",
     .type = OPTION_NAME,
     .offset = TEXT(audit.ship_region),
     .fallback = "us-east-1",
     .max = 63,
     .help = "region of the bucket, which is part of every signature"},
    {.name = "audit.ship_retain",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_ship_retain, audit.ship_retain),
     .fallback = "none",
     .words = ship_retains,
     .help = "whether the bucket is asked to keep every segment for audit.retention (Object Lock, "
             "which it must have); `compliance` cannot be taken back by anybody"},
    {.name = "audit.ship_to",
     .type = OPTION_TEXT,
     .offset = TEXT(audit.ship_to),
     .fallback = "",
     .fallback_note = "nowhere",
     .max = 1024,
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "where segments go when they have ended: `folder:PATH`, a folder that is there, or "
             "`s3://BUCKET/PREFIX`"},
    {.name = "cache.bytes",
     .type = OPTION_BYTES,
     .offset = NUMBER(cache.bytes),
     .fallback = "256MiB",
     .min = MIB,
     .max = 1024 * GIB,
     .help = "memory for facts at most; about 128 bytes a subject"},
    {.name = "cache.fresh",
     .type = OPTION_DURATION,
     .offset = NUMBER(cache.fresh_ms),
     .fallback = "30s",
     .min = 0,
     .max = HOUR,
     .help = "facts that were read longer ago are read again before they answer"},
    {.name = "cache.grace",
     .type = OPTION_DURATION,
     .offset = NUMBER(cache.grace_ms),
     .fallback = "10s",
     .min = 0,
     .max = 10 * MINUTE,
     .help = "how much longer facts may answer, marked stale, while the store does not"},
    {.name = "claims.clock",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_claims_clock, claims.clock),
     .fallback = "any",
     .words = claims_clocks,
     .help =
         "what the clock must be for claims to be issued: with `synchronized` none are, and the "
         "replica is not ready, while the kernel does not know of anybody who keeps it right "
         "(adjtimex(2); chronyd, ntpd and systemd-timesyncd tell it)"},
    {.name = "claims.lifetime",
     .type = OPTION_DURATION,
     .offset = NUMBER(claims.lifetime_ms),
     .fallback = "300s",
     .min = 30 * SECOND,
     .max = HOUR,
     .help = "from `iat` to `exp`; never past the moment at which the facts change"},
    {.name = "directives.country_sets_file",
     .type = OPTION_FILE,
     .offset = TEXT(directives.country_sets_file),
     .fallback = "",
     .fallback_note = "the built-in sets",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "file with the country sets that directives name, in place of the built-in ones"},
    {.name = "directives.folder",
     .type = OPTION_PATH,
     .offset = TEXT(directives.folder),
     .fallback = "passgate-data/directives",
     .help =
         "folder of the directive files (*.yaml); while it is missing every resource is unknown"},
    {.name = "directives.lease",
     .type = OPTION_DURATION,
     .offset = NUMBER(directives.lease_ms),
     .fallback = "10s",
     .min = 0,
     .max = HOUR,
     .help = "a replica that has not heard from the change feed for this long refuses, with "
             "UNAVAILABLE, what a directive restricts; a directive may ask for less; below 2s is "
             "2s, and with 0 no answer may be used twice either; never with SQLite"},
    {.name = "directives.poll",
     .type = OPTION_DURATION,
     .offset = NUMBER(directives.poll_ms),
     .fallback = "2s",
     .min = 100,
     .max = HOUR,
     .help = "how often the folder is looked at for changes, and so are keys and certificates; "
             "SIGHUP looks at once"},
    {.name = "directives.shadow_folder",
     .type = OPTION_PATH,
     .offset = TEXT(directives.shadow_folder),
     .fallback = "",
     .fallback_note = "none",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "folder of directive files (*.yaml) that are tried: what they would answer is "
             "recorded and counted, and never given"},
    {.name = "directives.source",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_directives_source, directives.source),
     .fallback = "folder",
     .words = directives_sources,
     .help = "where directives come from; `store` is not in this release"},
    {.name = "drain.time",
     .type = OPTION_DURATION,
     .offset = NUMBER(drain.time_ms),
     .fallback = "0",
     .fallback_note = "rpc.connection_age and 15 % of it",
     .min = 0,
     .max = 2 * HOUR,
     .help = "how long calls are still served after SIGTERM, while clients move away"},
    {.name = "http.authzen_url",
     .type = OPTION_URL,
     .offset = TEXT(http.authzen_url),
     .fallback = "",
     .fallback_note = "the issuer",
     .max = 256,
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "below which clients reach AuthZEN, as /.well-known/authzen-configuration says it"},
    {.name = "http.local_caller",
     .type = OPTION_BOOL,
     .offset = FIELD(bool, http.local_caller),
     .fallback = "true",
     .help = "whether AuthZEN takes whoever asks in plaintext on loopback without a key for the "
             "caller `local`, as gRPC does; never while one of `callers` has api_keys. Say false "
             "where a proxy on this machine hands on what others ask"},
    {.name = "http.tls_certificate_file",
     .type = OPTION_FILE,
     .offset = TEXT(http.tls_certificate_file),
     .fallback = "",
     .fallback_note = "plaintext",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "certificate chain of listen.http and listen.authzen, PEM; a change is taken up"},
    {.name = "http.tls_key_file",
     .type = OPTION_SECRET_FILE,
     .offset = TEXT(http.tls_key_file),
     .fallback = "",
     .fallback_note = "plaintext",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "private key of that certificate, PEM; a change is taken up"},
    {.name = "keys.algorithm",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_keys_algorithm, keys.algorithm),
     .fallback = "ES256",
     .words = keys_algorithms,
     .help = "of a signing key that passgated makes by itself when the folder has none"},
    {.name = "keys.folder",
     .type = OPTION_PATH,
     .offset = TEXT(keys.folder),
     .fallback = "passgate-data/keys",
     .help = "folder of the signing keys, PEM, named by the time from which they sign"},
    {.name = "listen.authzen",
     .type = OPTION_ADDRESS,
     .offset = FIELD(struct config_address, listen.authzen),
     .fallback = "",
     .fallback_note = "listen.http",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "where AuthZEN is served, apart from what is public; any address but loopback needs "
             "http.tls_certificate_file"},
    {.name = "listen.grpc",
     .type = OPTION_ADDRESSES,
     .offset = FIELD(struct config_addresses, listen.grpc),
     .fallback = "127.0.0.1:50051",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "where gRPC is served; any address but loopback needs tls.certificate_file"},
    {.name = "listen.grpc_socket",
     .type = OPTION_PATH,
     .offset = TEXT(listen.grpc_socket),
     .fallback = "",
     .fallback_note = "none",
     .max = 107, /* sun_path, and its NUL */
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "unix socket on which gRPC is served as well, in plaintext"},
    {.name = "listen.http",
     .type = OPTION_ADDRESS,
     .offset = FIELD(struct config_address, listen.http),
     .fallback = "127.0.0.1:8080",
     .flags = OPTION_MAY_BE_EMPTY,
     .help =
         "where HTTP is served (/.well-known/jwks.json, AuthZEN); any address but loopback needs "
         "http.tls_certificate_file; empty is off"},
    {.name = "listen.ops",
     .type = OPTION_ADDRESS,
     .offset = FIELD(struct config_address, listen.ops),
     .fallback = "127.0.0.1:9090",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "where /livez, /readyz and /metrics are served, always in plaintext; empty is off"},
    {.name = "log.format",
     .type = OPTION_WORD,
     .offset = FIELD(enum log_format, log.format),
     .fallback = "text",
     .words = log_formats,
     .help = "for people or for machines"},
    {.name = "log.level",
     .type = OPTION_WORD,
     .offset = FIELD(enum err_level, log.level),
     .fallback = "info",
     .words = log_levels,
     .help = "lines below this level are not written"},
    {.name = "memory.lock",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_memory_lock, memory.lock),
     .fallback = "swap",
     .words = memory_locks,
     .help = "whether keys and facts about people are kept out of swap, with all other memory: "
             "with `swap` where the machine has swap, with a warning if it is not allowed to; with "
             "`always` it does not start otherwise. It takes CAP_IPC_LOCK or an unlimited "
             "RLIMIT_MEMLOCK, and memory that is free again is not given back"},
    {.name = "realm.audience",
     .type = OPTION_TEXT,
     .offset = TEXT(realm.audience),
     .fallback = "",
     .fallback_note = "the issuer",
     .max = 256,
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "the `aud` that a claim must have to identify a subject here"},
    {.name = "realm.issuer",
     .type = OPTION_URL,
     .offset = TEXT(realm.issuer),
     .fallback = "http://127.0.0.1:8080",
     .max = 256,
     .help = "the `iss` of claims; /.well-known/jwks.json below it must reach listen.http"},
    {.name = "realm.name",
     .type = OPTION_NAME,
     .offset = TEXT(realm.name),
     .fallback = "passgate",
     .max = 63,
     .help = "name of this deployment in keys, records and the log"},
    {.name = "reflection.enabled",
     .type = OPTION_BOOL,
     .offset = FIELD(bool, reflection.enabled),
     .fallback = "true",
     .help = "whether grpc.reflection.v1 and v1alpha are served"},
    {.name = "rpc.calls_per_worker",
     .type = OPTION_INTEGER,
     .offset = NUMBER(rpc.calls_per_worker),
     .fallback = "32",
     .min = 1,
     .max = 65536,
     .help = "calls that each worker keeps ready for requests, for each of the frequent methods "
             "and for all others; more while they come faster than they are looked at"},
    {.name = "rpc.connection_age",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.connection_age_ms),
     .fallback = "60s",
     .min = SECOND,
     .max = HOUR,
     .help = "a connection is asked to go after this time; bounds how long a client stays on one "
             "replica and how long a revoked certificate is of use"},
    {.name = "rpc.connection_grace",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.connection_grace_ms),
     .fallback = "10s",
     .min = 100,
     .max = HOUR,
     .help = "a connection that was asked to go is closed after this time more"},
    {.name = "rpc.deadline_default",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.deadline_default_ms),
     .fallback = "10s",
     .min = 10,
     .max = 10 * MINUTE,
     .help = "deadline of a call whose client sent none"},
    {.name = "rpc.descriptors_min",
     .type = OPTION_INTEGER,
     .offset = NUMBER(rpc.descriptors_min),
     .fallback = "0",
     .fallback_note = "1024 when every listener is on loopback, else 8192",
     .min = 0,
     .max = 1048576,
     .help = "passgated does not start with fewer file descriptors"},
    {.name = "rpc.executor_age_target",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.executor_age_target_ms),
     .fallback = "1s",
     .min = 0,
     .max = HOUR,
     .help = "what takes long is refused while such work waits for longer than this before it is "
             "begun; 0 is never"},
    {.name = "rpc.handshake_timeout",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.handshake_timeout_ms),
     .fallback = "5s",
     .min = 100,
     .max = 2 * MINUTE,
     .help = "a connection that is not ready for calls by then is closed"},
    {.name = "rpc.in_flight_max",
     .type = OPTION_INTEGER,
     .offset = NUMBER(rpc.in_flight_max),
     .fallback = "16384",
     .min = 1,
     .max = 1000000,
     .help = "more calls than this at once are refused with RESOURCE_EXHAUSTED; health never is"},
    {.name = "rpc.keepalive",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.keepalive_ms),
     .fallback = "30s",
     .min = SECOND,
     .max = 2 * HOUR,
     .help = "a connection that was silent this long is asked whether it is still there"},
    {.name = "rpc.keepalive_timeout",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.keepalive_timeout_ms),
     .fallback = "10s",
     .min = 100,
     .max = 2 * MINUTE,
     .help = "a connection that has not answered by then is closed"},
    {.name = "rpc.memory_quota",
     .type = OPTION_BYTES,
     .offset = NUMBER(rpc.memory_quota_bytes),
     .fallback = "256MiB",
     .min = 0,
     .max = 1024 * GIB,
     .help = "memory for buffers of connections; near it streams are reset and new connections "
             "refused; 0 is none"},
    {.name = "rpc.message_bytes_max",
     .type = OPTION_BYTES,
     .offset = NUMBER(rpc.message_bytes_max),
     .fallback = "512KiB",
     .min = 16 * KIB,
     .max = 16 * MIB,
     .help = "longer requests are refused before memory is taken for them"},
    {.name = "rpc.metadata_bytes_max",
     .type = OPTION_BYTES,
     .offset = NUMBER(rpc.metadata_bytes_max),
     .fallback = "8KiB",
     .min = KIB,
     .max = 64 * KIB,
     .help = "calls with longer metadata are refused"},
    {.name = "rpc.probe_failures",
     .type = OPTION_INTEGER,
     .offset = NUMBER(rpc.probe_failures),
     .fallback = "3",
     .min = 0,
     .max = 1000,
     .help = "passgated makes connections to its own listeners; after so many rounds in a row that "
             "one of them does not answer it ends with status 3, to be started again; with 0 it "
             "only logs"},
    {.name = "rpc.probe_interval",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.probe_interval_ms),
     .fallback = "1s",
     .min = 100,
     .max = MINUTE,
     .help = "how often it does so, and how long it waits for each answer"},
    {.name = "rpc.queue_age_interval",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.queue_age_interval_ms),
     .fallback = "100ms",
     .min = 1,
     .max = MINUTE,
     .help = "how long a queue must have been older than its target before anything is refused for "
             "it: a burst is not"},
    {.name = "rpc.queue_age_target",
     .type = OPTION_DURATION,
     .offset = NUMBER(rpc.queue_age_target_ms),
     .fallback = "50ms",
     .min = 0,
     .max = MINUTE,
     .help = "every second call is refused with RESOURCE_EXHAUSTED while calls wait for longer "
             "than this until they are looked at; 0 is never"},
    {.name = "rpc.resets_per_second",
     .type = OPTION_INTEGER,
     .offset = NUMBER(rpc.resets_per_second),
     .fallback = "5000",
     .min = 0,
     .max = 1000000,
     .help = "a connection is ended that gives up more calls a second than this before they are "
             "answered, and more than are answered; 0 is never"},
    {.name = "rpc.streams_max",
     .type = OPTION_INTEGER,
     .offset = NUMBER(rpc.streams_max),
     .fallback = "256",
     .min = 1,
     .max = 65536,
     .help = "calls that one connection may have open at once"},
    {.name = "rpc.workers",
     .type = OPTION_INTEGER,
     .offset = NUMBER(rpc.workers),
     .fallback = "0",
     .fallback_note = "one per CPU",
     .min = 0,
     .max = 256,
     .help = "threads that serve calls"},
    {.name = "store.ca_file",
     .type = OPTION_FILE,
     .offset = TEXT(store.ca_file),
     .fallback = "",
     .fallback_note = "no TLS",
     .flags = OPTION_MAY_BE_EMPTY,
     .help =
         "authorities of whom one must have signed Redis' certificate, PEM; with rediss://. The "
         "certificate must name the host of store.url"},
    {.name = "store.certificate_file",
     .type = OPTION_FILE,
     .offset = TEXT(store.certificate_file),
     .fallback = "",
     .fallback_note = "none",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "certificate chain that Redis knows this server by, PEM; where Redis asks for one"},
    {.name = "store.database",
     .type = OPTION_INTEGER,
     .offset = NUMBER(store.database),
     .fallback = "0",
     .min = 0,
     .max = 15,
     .help = "database of Redis"},
    {.name = "store.durability",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_store_durability, store.durability),
     .fallback = "checked",
     .words = store_durabilities,
     .help = "with `checked` passgated does not start on a Redis that has no append-only file or "
             "that may evict; with `managed` somebody else answers for that"},
    {.name = "store.fsync",
     .type = OPTION_WORD,
     .offset = FIELD(enum config_store_fsync, store.fsync),
     .fallback = "unknown",
     .words = store_fsyncs,
     .help = "appendfsync of Redis, which it does not tell: shown by GetServerInfo, so that it is "
             "known what an acknowledgement is worth"},
    {.name = "store.hash_key_file",
     .type = OPTION_SECRET_FILE,
     .offset = TEXT(store.hash_key_file),
     .fallback = "",
     .fallback_note = "made at first use, beside the store; Redis needs one",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "key with which ids of subjects are hashed: 32 hexadecimal digits"},
    {.name = "store.hash_key_id",
     .type = OPTION_NAME,
     .offset = TEXT(store.hash_key_id),
     .fallback = "k1",
     .max = 16,
     .help = "name of the hash key, a part of every key in Redis"},
    {.name = "store.key_file",
     .type = OPTION_SECRET_FILE,
     .offset = TEXT(store.key_file),
     .fallback = "",
     .fallback_note = "none",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "private key of store.certificate_file, PEM"},
    {.name = "store.partitions",
     .type = OPTION_INTEGER,
     .offset = NUMBER(store.partitions),
     .fallback = "1",
     .min = 1,
     .max = 64,
     .help = "parts that subjects are spread over; only 1 in this release"},
    {.name = "store.password_file",
     .type = OPTION_SECRET_FILE,
     .offset = TEXT(store.password_file),
     .fallback = "",
     .fallback_note = "no password",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "password of store.user"},
    {.name = "store.pending_max",
     .type = OPTION_INTEGER,
     .offset = NUMBER(store.pending_max),
     .fallback = "16384",
     .min = 1,
     .max = 1000000,
     .help = "more requests than this that wait for the store are refused"},
    {.name = "store.prefix",
     .type = OPTION_NAME,
     .offset = TEXT(store.prefix),
     .fallback = "passgate",
     .max = 32,
     .help = "beginning of every key in Redis"},
    {.name = "store.queue_age_target",
     .type = OPTION_DURATION,
     .offset = NUMBER(store.queue_age_target_ms),
     .fallback = "75ms",
     .min = 0,
     .max = MINUTE,
     .help = "calls that need something from the store are refused with RESOURCE_EXHAUSTED while "
             "others have waited for it for longer than this; 0 is never"},
    {.name = "store.read_timeout",
     .type = OPTION_DURATION,
     .offset = NUMBER(store.read_timeout_ms),
     .fallback = "150ms",
     .min = 1,
     .max = MINUTE,
     .help = "how long one read may take; clients give a check 200 ms"},
    {.name = "store.replicas_min",
     .type = OPTION_INTEGER,
     .offset = NUMBER(store.replicas_min),
     .fallback = "0",
     .min = 0,
     .max = 16,
     .help = "replicas of Redis that must have a write before it is acknowledged"},
    {.name = "store.sentinel_password_file",
     .type = OPTION_SECRET_FILE,
     .offset = TEXT(store.sentinel_password_file),
     .fallback = "",
     .fallback_note = "no password",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "password of store.sentinel_user; the sentinels' own, not that of Redis"},
    {.name = "store.sentinel_user",
     .type = OPTION_TEXT,
     .offset = TEXT(store.sentinel_user),
     .fallback = "",
     .fallback_note = "the default user",
     .flags = OPTION_MAY_BE_EMPTY,
     .max = 64,
     .help = "user of the sentinels' access control list"},
    {.name = "store.url",
     .type = OPTION_TEXT,
     .offset = TEXT(store.url),
     .fallback = "sqlite:passgate-data/passgate.db",
     .max = 1024,
     .help =
         "`sqlite:PATH`: one node, nothing to install; `redis://HOST:PORT`, `rediss://HOST:PORT` "
         "or `redis+unix:PATH`: many replicas; `redis-sentinel://HOST:PORT,HOST:PORT/NAME`: the "
         "primary that these sentinels know by that name (`rediss-sentinel://`: all over TLS)"},
    {.name = "store.user",
     .type = OPTION_TEXT,
     .offset = TEXT(store.user),
     .fallback = "",
     .fallback_note = "the default user",
     .flags = OPTION_MAY_BE_EMPTY,
     .max = 64,
     .help = "user of Redis' access control list"},
    {.name = "store.write_timeout",
     .type = OPTION_DURATION,
     .offset = NUMBER(store.write_timeout_ms),
     .fallback = "4s",
     .min = 1,
     .max = MINUTE,
     .help = "how long one write may take; clients give it 5 s"},
    {.name = "tls.certificate_file",
     .type = OPTION_FILE,
     .offset = TEXT(tls.certificate_file),
     .fallback = "",
     .fallback_note = "plaintext",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "certificate chain of listen.grpc, PEM; a change is taken up"},
    {.name = "tls.client_ca_file",
     .type = OPTION_FILE,
     .offset = TEXT(tls.client_ca_file),
     .fallback = "",
     .fallback_note = "plaintext",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "authorities that certificates of callers must come from, PEM; a change is taken up"},
    {.name = "tls.key_file",
     .type = OPTION_SECRET_FILE,
     .offset = TEXT(tls.key_file),
     .fallback = "",
     .fallback_note = "plaintext",
     .flags = OPTION_MAY_BE_EMPTY,
     .help = "private key of tls.certificate_file, PEM; a change is taken up"},
};
const size_t option_count = ARRAY_LEN(options);

/* The value parsers write enums through unsigned. */
_Static_assert(sizeof(enum config_audit_mode) == sizeof(unsigned) &&
                   sizeof(enum config_ship_retain) == sizeof(unsigned) &&
                   sizeof(enum config_directives_source) == sizeof(unsigned) &&
                   sizeof(enum config_keys_algorithm) == sizeof(unsigned) &&
                   sizeof(enum log_format) == sizeof(unsigned) &&
                   sizeof(enum err_level) == sizeof(unsigned),
               "enums of options are as large as unsigned");

const char *option_flag(const struct option *option, char name[static OPTION_NAME_MAX])
{
    snprintf(name, OPTION_NAME_MAX, "--%s", option->name);
    for (char *at = name; *at; at++)
        if (*at == '.' || *at == '_')
            *at = '-';
    return name;
}

const char *option_variable(const struct option *option, char name[static OPTION_NAME_MAX])
{
    snprintf(name, OPTION_NAME_MAX, "PASSGATE_%s", option->name);
    for (char *at = name; *at; at++)
        *at = *at == '.' ? '_' : (char)toupper((unsigned char)*at);
    return name;
}

const struct option *option_find(struct span name)
{
    for (size_t i = 0; i < option_count; i++)
        if (span_is(name, options[i].name))
            return &options[i];
    return NULL;
}

const struct option *option_find_flag(struct span flag)
{
    char name[OPTION_NAME_MAX];

    for (size_t i = 0; i < option_count; i++)
        if (span_is(flag, option_flag(&options[i], name)))
            return &options[i];
    return NULL;
}

const struct option *option_find_variable(struct span variable)
{
    char name[OPTION_NAME_MAX];

    for (size_t i = 0; i < option_count; i++)
        if (span_is(variable, option_variable(&options[i], name)))
            return &options[i];
    return NULL;
}

const struct option_section *option_section_find(struct span name)
{
    for (size_t i = 0; i < option_section_count; i++)
        if (span_is(name, option_sections[i].name))
            return &option_sections[i];
    return NULL;
}

bool option_is_in(const struct option *option, const struct option_section *section)
{
    size_t length = strlen(section->name);

    return strncmp(option->name, section->name, length) == 0 && option->name[length] == '.';
}
