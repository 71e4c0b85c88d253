/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to Redis: made, and made again, by itself.
 *
 * DOWN → (ASKING) → (RESOLVING) → CONNECTING → READY → DOWN …  ASKING, the sentinels are asked
 * where the primary is; RESOLVING, a name is looked up.  While it is CONNECTING the handshake runs:
 * AUTH, SELECT, CLIENT SETNAME, the scripts, INFO, and for the writer the epochs.  It can be used
 * when it is READY and leads to the process whose epochs the writer has begun.
 *
 * A connection to a sentinel is one as well; its handshake is AUTH, CLIENT SETNAME and a question.
 *
 * Replies come in the order of the commands.  A command whose request has been answered otherwise
 * keeps its place, and its reply is dropped.  Nothing here ever goes on after an error of hiredis,
 * or after a reply that does not fit: the connection ends.
 */
#ifndef STORAGE_REDIS_CONNECTION_H
#define STORAGE_REDIS_CONNECTION_H

#include "storage/redis_check.h"
#include "storage/redis_primary.h"
#include "storage/redis_tls.h"

#include <stdatomic.h>
#include <uv.h>

struct ledger_write;
struct redis_store;
struct redis_connection;
struct redis_socket;

enum redis_role {
    REDIS_WRITER,
    REDIS_READER,
    REDIS_FEEDER,
    REDIS_ROLES,
    REDIS_SENTINEL = REDIS_ROLES, /* not to Redis itself */
};

enum redis_connection_state {
    REDIS_DOWN,
    REDIS_ASKING,
    REDIS_RESOLVING,
    REDIS_CONNECTING,
    REDIS_READY,
};

/* What has been sent and not answered. */
struct redis_command {
    struct redis_command *next;
    struct redis_connection *connection;
    /* Exactly once; a NULL reply: the connection is gone, connection->err says why. */
    void (*on_reply)(struct redis_command *command, const redisReply *reply);
    struct store_request *request; /* NULL: of the store itself, or nobody waits any more */
    struct ledger_write *written;  /* what is being written; NULL: nothing, or it is noted */
    uint16_t index;                /* of the partition or the script that it is about */
    int64_t sent_ms;
    int64_t patience_ms; /* what it may take on top: a command that blocks */
    uint8_t operation;   /* of the request, also when that is gone */
    bool is_repeated;
};

/* Requests, oldest first. */
struct redis_queue {
    struct store_request *first;
    struct store_request **end;
};

struct redis_connection {
    struct redis_store *store;
    enum redis_role role;
    enum redis_connection_state state;
    const struct redis_address *address; /* where it leads; unused with a unix socket */
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
    redisAsyncContext *context;
    struct ssl_st *tls; /* the session of the context; NULL: there is none */
    struct redis_socket *socket;
    struct redis_command *oldest;
    struct redis_command **newest_end;
    size_t unanswered;
    struct redis_queue waiting; /* for the first attempt after a loss */
    struct redis_server server; /* that it leads to, from INFO on */
    struct err err;             /* why this one ends, or the last one ended */
    bool is_doomed;             /* to be closed as soon as hiredis is not on the stack */
    bool is_out_of_step;        /* doomed for a reply that may belong to another question */
    unsigned failures;          /* attempts that failed since it was last ready */
    unsigned attempts;          /* since it was last ready for a while */
    int64_t due_ms;             /* DOWN: the next attempt; until READY: when to give this one up */
    int64_t asking_ms;          /* when it began to ask the sentinels */
    int64_t ready_ms;
    int64_t last_byte_ms;
    atomic_bool is_up; /* as the last operation showed */
    uv_getaddrinfo_t lookup;
    bool is_looking_up;
};

/* All times here are monotonic and of the system. */
int64_t redis_now_ms(void);

void redis_connection_init(struct redis_connection *connection, struct redis_store *store,
                           enum redis_role role, const struct redis_address *address);

/* What is due by now: attempts, giving up, stalls.  Returns when it is due again. */
int64_t redis_connection_tick(struct redis_connection *connection, int64_t now_ms);

bool redis_connection_is_usable(const struct redis_connection *connection);

/* ASKING, and now the address is known. */
void redis_connection_go(struct redis_connection *connection);
/* The address is another one now. */
void redis_connection_turn_back(struct redis_connection *connection, const struct err *err);

/* The handshake is through. */
void redis_connection_ready(struct redis_connection *connection);

/* As the last operation showed. */
void redis_note_works(struct redis_connection *connection);
void redis_note_fails(struct redis_connection *connection, const struct err *err);

/* What it is called among the clients of the server. */
const char *redis_connection_name(const struct redis_connection *connection);

/* End the connection: soon, or now when hiredis is not on the stack.  The first reason stays. */
void redis_connection_doom(struct redis_connection *connection, const struct err *err);
/* … because replies may have got out of step with commands: it is made again at once, and what it
 * was asked for is asked there once more. */
void redis_connection_part(struct redis_connection *connection, const struct err *err);
void redis_connection_settle(struct redis_connection *connection);
/* … and do not wait for a lookup any more. */
void redis_connection_close(struct redis_connection *connection, const struct err *err);
/* All that lead to Redis: it is the primary no more, and what can still be read there is old. */
void redis_connections_leave(struct redis_store *store, const struct err *err);

/* The pieces of one command. */
enum { REDIS_ARGS_MAX = 160 };

struct redis_args {
    size_t count;
    const char *texts[REDIS_ARGS_MAX];
    size_t lengths[REDIS_ARGS_MAX];
};

void redis_args_add(struct redis_args *args, struct span argument);
void redis_args_text(struct redis_args *args, const char *text);
/* The text is made in the store's scratch arena, which is emptied when the command is sent. */
void redis_args_number(struct redis_args *args, struct arena *scratch, int64_t number);

/* A command of the store itself. */
struct redis_command *redis_command_new(struct redis_connection *connection,
                                        void (*on_reply)(struct redis_command *command,
                                                         const redisReply *reply));
/* The command is the connection's from here on. */
void redis_command_send(struct redis_command *command, const struct redis_args *args);

/*
 * What an error reply means, by its first word: STORE_UNAVAILABLE, or STORE_CORRUPT where nothing
 * of the kind is known.  Dooms the connection where that helps.
 */
void redis_connection_refused(struct redis_connection *connection, const redisReply *reply,
                              struct err *err);
bool redis_reply_is_noscript(const redisReply *reply);
/* What stands under the key is no string. */
bool redis_reply_is_wrongtype(const redisReply *reply);
static inline struct span redis_reply_span(const redisReply *reply)
{
    return span_of(reply->str, reply->len);
}

/* For redis_socket.c. */
MUST_CHECK bool redis_socket_attach(struct redis_connection *connection);
void redis_connection_lost(struct redis_connection *connection);

/* redis_handshake.c: everything until redis_connection_ready(). */
void redis_handshake(struct redis_connection *connection);

#endif
