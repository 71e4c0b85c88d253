/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC C core, from 1.51 to 1.83: the only file that knows which one it is.  Its C interface
 * promises nothing between releases; what differs is bridged here, by what CMake found in it.
 */
#ifndef RPC_CORE_COMPAT_H
#define RPC_CORE_COMPAT_H

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include <stdbool.h>

#if PASSGATE_GRPC_HAS_LOG_FUNCTION
#include <grpc/support/log.h>

/* Core's own log lines go through ours: escaped, so that a peer cannot forge a line with them. */
static void (*core_compat_log_line)(const char *message, bool is_error);

static inline void core_compat_log(gpr_log_func_args *arguments)
{
    core_compat_log_line(arguments->message, arguments->severity == GPR_LOG_SEVERITY_ERROR);
}

static inline void core_compat_set_log(void (*line)(const char *message, bool is_error))
{
    core_compat_log_line = line;
    gpr_set_log_function(core_compat_log);
}
#else
/* Newer core logs through Abseil to standard error and offers C no hook. */
static inline void core_compat_set_log(void (*line)(const char *message, bool is_error))
{
    (void)line;
}
#endif

#endif
