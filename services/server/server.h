/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: everything that exists, made in one order and taken down in the other.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/diagnostics.h"
#include "config/config.h"

struct server;

/*
 * Make everything and start serving.  Findings in files that people wrote are in `diagnostics`.
 * `config` and the arena that it lives in must outlive the server.
 */
MUST_CHECK bool server_start(const struct config *config, struct diagnostics *diagnostics,
                             struct server **ret_server, struct err *err);

/* Look at callers, directives, keys and certificates at once. */
void server_reload(struct server *server);

/* Say that it is going away (readiness, health), and keep serving. */
void server_announce_drain(struct server *server);

/* Whether nobody new gets in any more (docs/rpc.md, the probe); the process was sent SIGTERM then.
 */
bool server_is_deaf(const struct server *server);

/* End the streams, finish what is in flight, stop and free everything. */
void server_stop(struct server *server);

#endif
