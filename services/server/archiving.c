/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of the audit log, as the configuration wants it. */
#include "server/parts.h"

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static struct ship_place *open_place(const atomic_bool *is_cancelled, void *context)
{
    const struct config *config = context;
    const struct config_ship_place *place = &config->audit.ship_place;

    if (place->kind == CONFIG_SHIP_FOLDER)
        return ship_folder_new(place->path, is_cancelled);
    return ship_s3_new(&(struct ship_s3_options){
        .endpoint = config->audit.ship_endpoint,
        .region = config->audit.ship_region,
        .bucket = place->bucket,
        .prefix = place->prefix,
        .credentials_file = config->audit.ship_credentials_file,
        .ca_file = or_null(config->audit.ship_ca_file),
        .retain = (enum ship_retain)config->audit.ship_retain,
        .is_cancelled = is_cancelled,
    });
}

/* What tells one place from another: a bucket's name is its server's. */
static const char *place_name(struct server *server)
{
    const struct config *config = server->config;

    if (config->audit.ship_place.kind != CONFIG_SHIP_S3)
        return or_null(config->audit.ship_to);
    return arena_printf(&server->arena, "%s at %s", config->audit.ship_to,
                        config->audit.ship_endpoint);
}

void archiving_start(struct server *server)
{
    const struct config *config = server->config;

    server->archive = archive_start(&(struct archive_options){
        .folder = config->audit.folder,
        .audit = server->audit,
        .place_name = place_name(server),
        .open_place = open_place,
        .context = (void *)config,
        .heads_every_ms = config->audit.ship_heads_every_ms,
        .late_ms = config->audit.ship_late_ms,
        .retention_ms = config->audit.retention_ms,
        .keep_local_ms = config->audit.keep_local_ms,
        .retain_ms =
            config->audit.ship_retain != CONFIG_SHIP_RETAIN_NONE ? config->audit.retention_ms : 0,
        .holds = &server->callers.holds,
        .metrics = server->metrics,
        .readiness = server->readiness,
        .clock = &clock_system,
    });
}
