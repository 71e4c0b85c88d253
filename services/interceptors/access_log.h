/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: one line per call with method, caller, outcome and duration, at the level of the
 * outcome (a good answer is `debug`, so that a hundred thousand a second cost nothing unless asked
 * for).
 */
#ifndef INTERCEPTORS_ACCESS_LOG_H
#define INTERCEPTORS_ACCESS_LOG_H

#include "rpc/interceptor.h"

extern const struct rpc_interceptor access_log_interceptor;

#endif
