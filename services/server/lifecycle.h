/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the process: signals, reload, drain, stop. */
#ifndef SERVER_LIFECYCLE_H
#define SERVER_LIFECYCLE_H

#include "server/server.h"

/* Before any thread: signals wait for lifecycle_run(), a broken pipe is an error of a write,
 * descriptors are as many as may be had.  CONFIG_INVALID when there are fewer than
 * `rpc.descriptors_min`. */
MUST_CHECK bool lifecycle_prepare(const struct config *config, struct err *err);

/*
 * Until the end.  SIGHUP looks at callers, directives, keys and certificates.  SIGTERM drains: the
 * server says that it is going away, serves on for `drain.time`, ends its streams, and stops when
 * nothing is in flight.  SIGINT, and a second SIGTERM, do not wait.  False when it ended by itself,
 * because nobody new got in any more: it does not wait then either.
 */
bool lifecycle_run(struct server *server, const struct config *config);

#endif
