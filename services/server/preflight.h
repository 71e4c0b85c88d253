/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The preflight: what the files hold that the configuration names, looked at before anything is
 * started, by the same functions that will read them then.
 *
 * config_load() knows options and what they may be with one another; whether a key is a key is
 * known further up.  Nothing is made, locked or connected to here, so that --check-config can do
 * it anywhere.
 */
#ifndef SERVER_PREFLIGHT_H
#define SERVER_PREFLIGHT_H

#include "config/config.h"

/* False when there is an error; each finding names the option and where it was written. */
MUST_CHECK bool preflight(const struct config *config, struct arena *arena,
                          struct diagnostics *diagnostics);

#endif
