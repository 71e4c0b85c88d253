/* SPDX-License-Identifier: Apache-2.0 */
/* Checks: what must hold between options, and on the disk. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/loader.h"

/* After all sources.  What depends on an option with a wrong value is not judged: there is a
 * finding for that already. */
void check_all(struct loader *loader);

#endif
