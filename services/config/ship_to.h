/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where ended segments of the audit log are shipped to:
 *
 *     folder:PATH             a folder on another disk
 *     s3://BUCKET[/PREFIX]    a bucket of an S3-compatible server
 *
 * Server, region and credentials have options of their own: this is printed and logged.
 */
#ifndef CONFIG_SHIP_TO_H
#define CONFIG_SHIP_TO_H

#include "config/loader.h"

/* What is wrong with it, as a phrase that goes behind `audit.ship_to`; NULL: nothing, and the place
 * is filled in. */
const char *ship_to_parse(struct span text, struct arena *arena,
                          struct config_ship_place *ret_place);

/* What must hold between audit.ship_to and the options that go with it. */
void ship_to_check(struct loader *loader);

#endif
