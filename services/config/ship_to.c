/* SPDX-License-Identifier: Apache-2.0 */
/* Where ended segments of the audit log are shipped to. */
#include "config/ship_to.h"

#include "config/address.h"

#include <assert.h>

enum { BUCKET_MIN = 3, BUCKET_MAX = 63, PREFIX_MAX = 512 };

/* Parts of keys that need no escaping anywhere: with them a signature covers what is sent. */
static bool is_key_part(struct span part)
{
    for (size_t i = 0; i < part.length; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
                    part.data[i]) ||
            part.data[i] == '\0')
            return false;
    return part.length > 0 && !span_is(part, ".") && !span_is(part, "..");
}

static bool is_bucket(struct span name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] >= 'A' && name.data[i] <= 'Z')
            return false;
    return is_key_part(name) && name.length >= BUCKET_MIN && name.length <= BUCKET_MAX;
}

/* The text up to `mark`, or all of it; `text` goes on behind. */
static struct span take_until(struct span *text, int mark)
{
    const uint8_t *at = text->length > 0 ? memchr(text->data, mark, text->length) : NULL;
    struct span part = span_of(text->data, at ? (size_t)(at - text->data) : text->length);

    *text = span_from(*text, at ? part.length + 1 : text->length);
    return part;
}

static bool is_prefix(struct span prefix)
{
    if (prefix.length > PREFIX_MAX || (prefix.length > 0 && prefix.data[prefix.length - 1] == '/'))
        return false;
    while (prefix.length > 0)
        if (!is_key_part(take_until(&prefix, '/')))
            return false;
    return true;
}

static const char *parse_folder(struct span rest, struct arena *arena,
                                struct config_ship_place *place)
{
    if (rest.length == 0)
        return "must name a folder, such as folder:/mnt/archive/passgate";
    while (rest.length > 1 && rest.data[rest.length - 1] == '/')
        rest.length--;
    place->path = arena_text(arena, rest);
    return NULL;
}

static const char *parse_s3(struct span rest, struct arena *arena, struct config_ship_place *place)
{
    struct span bucket = take_until(&rest, '/');

    if (!is_bucket(bucket))
        return "must name a bucket of 3 to 63 lower-case letters, digits, dots and hyphens, such "
               "as s3://audit-archive/passgate";
    if (!is_prefix(rest))
        return "must have a prefix of letters, digits, `.`, `_` and `-`, with single slashes "
               "between its parts and none at its end";
    place->bucket = arena_text(arena, bucket);
    place->prefix = arena_text(arena, rest);
    return NULL;
}

static const struct scheme {
    const char *prefix;
    const char *(*parse)(struct span rest, struct arena *arena, struct config_ship_place *place);
    enum config_ship_kind kind;
} schemes[] = {
    {"folder:", parse_folder, CONFIG_SHIP_FOLDER},
    {"s3://", parse_s3, CONFIG_SHIP_S3},
};

const char *ship_to_parse(struct span text, struct arena *arena,
                          struct config_ship_place *ret_place)
{
    struct config_ship_place place = {.path = "", .bucket = "", .prefix = ""};

    if (text.length == 0) {
        *ret_place = place;
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct span prefix = span_text(schemes[i].prefix);
        const char *wrong;

        if (!span_starts_with(text, prefix))
            continue;
        place.kind = schemes[i].kind;
        wrong = schemes[i].parse(span_from(text, prefix.length), arena, &place);
        if (!wrong)
            *ret_place = place;
        return wrong;
    }
    return "must be folder:PATH or s3://BUCKET/PREFIX";
}

/* ---- the options that go with it ---- */

static const struct setting *setting_of(const struct loader *loader, const char *name)
{
    const struct option *option = option_find(span_text(name));

    assert(option);
    return loader_setting(loader, option);
}

static bool is_written(const struct loader *loader, const char *name)
{
    const struct option *option = option_find(span_text(name));
    const char *text = *(const char *const *)loader_field(loader, option);

    return !setting_of(loader, name)->is_wrong && text[0] != '\0';
}

static void complain(struct loader *loader, const char *name, const char *wrong)
{
    loader_error(loader, setting_of(loader, name)->place, "%s %s", name, wrong);
}

static void check_endpoint(struct loader *loader)
{
    struct span endpoint = span_text(loader->config->audit.ship_endpoint);

    if (is_written(loader, "audit.ship_endpoint") &&
        span_starts_with(endpoint, span_text("http:")) && !address_url_is_loopback(endpoint))
        complain(loader, "audit.ship_endpoint", "must be https on any host but loopback");
}

static void check_s3(struct loader *loader)
{
    struct config *config = loader->config;

    if (!is_written(loader, "audit.ship_credentials_file") &&
        !setting_of(loader, "audit.ship_credentials_file")->is_wrong)
        complain(loader, "audit.ship_to", "needs audit.ship_credentials_file");
    check_endpoint(loader);
    if (config->audit.ship_endpoint[0] == '\0')
        config->audit.ship_endpoint =
            arena_printf(loader->arena, "https://s3.%s.amazonaws.com", config->audit.ship_region);
    if (config->audit.ship_retain != CONFIG_SHIP_RETAIN_NONE && config->audit.retention_ms == 0)
        complain(loader, "audit.ship_retain", "needs an end: set audit.retention");
}

static void check_not_s3(struct loader *loader)
{
    static const char *const only_s3[] = {"audit.ship_ca_file", "audit.ship_credentials_file",
                                          "audit.ship_endpoint"};

    for (size_t i = 0; i < ARRAY_LEN(only_s3); i++)
        if (is_written(loader, only_s3[i]))
            loader_warning(loader, setting_of(loader, only_s3[i])->place,
                           "%s means nothing without s3:// in audit.ship_to", only_s3[i]);
    if (loader->config->audit.ship_retain != CONFIG_SHIP_RETAIN_NONE)
        complain(loader, "audit.ship_retain", "needs s3:// in audit.ship_to");
}

void ship_to_check(struct loader *loader)
{
    const struct setting *setting = setting_of(loader, "audit.ship_to");
    struct config *config = loader->config;
    const char *wrong;

    if (setting->is_wrong)
        return;
    wrong =
        ship_to_parse(span_text(config->audit.ship_to), loader->arena, &config->audit.ship_place);
    if (wrong) {
        complain(loader, "audit.ship_to", wrong);
        return;
    }
    if (config->audit.ship_place.kind == CONFIG_SHIP_S3)
        check_s3(loader);
    else
        check_not_s3(loader);
    if (config->audit.keep_local_ms > 0 && config->audit.ship_place.kind == CONFIG_SHIP_NONE)
        loader_warning(loader, setting_of(loader, "audit.keep_local")->place,
                       "audit.keep_local means nothing without audit.ship_to");
    if (config->audit.retention_ms > 0 && config->audit.keep_local_ms > config->audit.retention_ms)
        complain(loader, "audit.keep_local", "must not exceed audit.retention");
}
