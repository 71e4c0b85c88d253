/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared store: Redis 7 or Valkey, for many replicas.
 *
 * One thread with libuv and three connections: reads (pipelined), writes (pipelined scripts, one
 * WAIT or WAITAOF for all that were sent together), feed (XREAD of all partitions, and a heartbeat
 * that this store writes and reads back).  A write is one script; its number is the id of its feed
 * entry, so that a number that does not come is a gap.  A command that nobody waits for any more
 * keeps its place in its connection, and its reply is dropped; a connection is closed only when it
 * stalls, fails, or answers what was not asked.  It is opened again by itself, with jitter; with
 * sentinels, where they say.
 *
 * Every value begins with a format byte and carries the key that it was written under: an answer
 * about another key is STORE_CORRUPT and ends the connection.
 */
#ifndef STORAGE_REDIS_H
#define STORAGE_REDIS_H

#include "base/clock.h"
#include "storage/store.h"

/* What Redis does before it acknowledges; INFO does not tell, so the operator does. */
enum redis_fsync {
    REDIS_FSYNC_UNKNOWN,
    REDIS_FSYNC_EVERYSEC,
    REDIS_FSYNC_ALWAYS,
};

struct redis_place {
    const char *host; /* a name or an address */
    uint16_t port;
};

enum { REDIS_SENTINELS_MIN = 2, REDIS_SENTINELS_MAX = 9 };

/* One of host, unix_path and sentinels. */
struct redis_options {
    const char *host; /* a name or an address */
    uint16_t port;
    const char *unix_path;
    /* Who knows where the primary is; more than half of them must say so. */
    const struct redis_place *sentinels;
    size_t sentinel_count;
    const char *sentinel_primary;       /* its name, as in `sentinel monitor` */
    const char *sentinel_user;          /* of the sentinels' ACL; NULL: `default` */
    const char *sentinel_password_file; /* read at every connect; NULL: no AUTH */
    bool is_tls; /* refused with CONFIG_INVALID where hiredis has none (before 1.0) */
    /* Read at every connect, PEM: whose signature under the server's certificate counts, which must
     * name the host that we connect to; and who we are, NULL where the server does not ask. */
    const char *tls_ca_file;
    const char *tls_certificate_file;
    const char *tls_key_file;
    int database;
    const char *user;          /* of the ACL; NULL: `default` */
    const char *password_file; /* read at every connect; NULL: no AUTH */
    const char *prefix;        /* of every key: 1 to 32 of a-z 0-9 . _ - */
    const char *hash_key_id;   /* of the key that names are hashed with: 1 to 16 of a-z 0-9 */
    /* 1 to STORE_PARTITIONS_MAX, with sentinels 1; fixed by the first who opens */
    uint16_t partition_count;
    const struct clock *clock;
    size_t pending_max; /* more requests than this are refused with OVERLOADED */
    /* `managed`: somebody else answers for persistence and eviction, INFO is not judged. */
    bool is_durability_managed;
    enum redis_fsync fsync;
    uint32_t replicas_min;      /* a write waits for so many replicas (WAIT, WAITAOF); 0: none */
    int64_t connect_timeout_ms; /* of one attempt, until AUTH, SELECT and the script are through */
    /* No byte for so long while a command is unanswered, or no reply for four times that: the
     * connection is closed.  store_free() waits that long for what has been sent. */
    int64_t stall_timeout_ms;
    int64_t heartbeat_ms;      /* between heartbeats of the feed; 0: 500 */
    uint32_t feed_entries_max; /* of a partition's feed, about; 0: 100000 */
};

/*
 * Connect, trying again until connect_timeout_ms is over, look whether the server keeps what it
 * acknowledges, and read where the partitions are. STORE_UNAVAILABLE when it does not answer in
 * time; CONFIG_INVALID with what to set when it is no store for this (no AOF, an evicting policy,
 * another partition count or hash key, older than 7.0); IO when the password file cannot be read.
 */
MUST_CHECK bool redis_open(const struct redis_options *options, struct store **ret_store,
                           struct err *err);

#endif
