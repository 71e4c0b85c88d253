/* SPDX-License-Identifier: Apache-2.0 */
/* What the process uses of the machine, as sources of metrics. */
#ifndef TELEMETRY_PROCESS_H
#define TELEMETRY_PROCESS_H

#include "base/clock.h"
#include "telemetry/metrics.h"

/* Register resident memory, descriptors in use and allowed, and the time of now as the start. */
void process_add_metrics(struct metrics *metrics, const struct clock *clock);

/* Descriptors that are open (all that may be when none is left to count with), and that may be. */
uint64_t process_count_descriptors(void);
uint64_t process_max_descriptors(void);

#endif
