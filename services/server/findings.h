/* SPDX-License-Identifier: Apache-2.0 */
/* Findings in files that people wrote, in the log: one line each, with file, line and column. */
#ifndef SERVER_FINDINGS_H
#define SERVER_FINDINGS_H

#include "base/diagnostics.h"

/* `refused` says what an error came to, `advised` what a warning is. */
void findings_log(const struct diagnostics *diagnostics, const char *event, const char *refused,
                  const char *advised);

#endif
