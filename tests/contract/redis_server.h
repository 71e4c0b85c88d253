/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real redis-server or valkey-server, started by a test in a folder of its own, reached by a unix
 * socket there; by a port of loopback only where a test is about that.
 *
 * PASSGATE_REDIS_SERVER names the program; without it, it is the first of the two that is there.
 */
#ifndef CONTRACT_REDIS_SERVER_H
#define CONTRACT_REDIS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { REDIS_SERVER_PATH_MAX = 256 };

struct redis_server_process {
    char folder[REDIS_SERVER_PATH_MAX - 16]; /* with the data */
    char socket[REDIS_SERVER_PATH_MAX];
    pid_t pid; /* 0: it does not run */
    bool has_no_aof;
    const char *password;
    const char *const *arguments; /* more of them, and a NULL behind the last; NULL: none */
};

/* Is it on the PATH? */
bool redis_server_is_installed(void);

/* A port that is free on 127.0.0.1, and that no outgoing connection takes meanwhile. */
uint16_t redis_server_free_port(void);

/* What is not there yet is made; waits until it answers, aborts when it does not. */
void redis_server_start(struct redis_server_process *server, const char *folder);
/* kill -9, and wait until it is gone. */
void redis_server_kill(struct redis_server_process *server);
/* Stop and go on (SIGSTOP, SIGCONT). */
void redis_server_pause(const struct redis_server_process *server, bool is_paused);

/* One command, its words separated by blanks; the reply is dropped, an error aborts. */
void redis_server_do(const struct redis_server_process *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* … and an integer, or the number of elements, is expected. */
long long redis_server_ask(const struct redis_server_process *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The number behind `name` in INFO; -1: it is not there. */
long long redis_server_info(const struct redis_server_process *server, const char *name);

#endif
