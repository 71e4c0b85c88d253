/* SPDX-License-Identifier: Apache-2.0 */
/* Checks: one table per kind of rule. */
#include "config/check.h"

#include "config/address.h"
#include "config/ship_to.h"
#include "config/store_url.h"
#include "config/value.h"
#include "domain/field/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rows name options; a name that is none is a bug, which the tests find. */
static const struct option *named(const char *name)
{
    return option_find(span_text(name));
}

static const char *text_of(const struct loader *loader, const struct option *option)
{
    return *(const char *const *)loader_field(loader, option);
}

static int64_t number_of(const struct loader *loader, const struct option *option)
{
    return *(const int64_t *)loader_field(loader, option);
}

static bool is_wrong(const struct loader *loader, const struct option *option)
{
    return loader_setting(loader, option)->is_wrong;
}

/* A text option that must be there when another one is. */
static const struct companion {
    const char *option;
    const char *needs;
    const char *why;
} companions[] = {
    {"tls.certificate_file", "tls.key_file", "a certificate is of no use without its key"},
    {"tls.certificate_file", "tls.client_ca_file",
     "callers of gRPC are known by their certificates only"},
    {"tls.client_ca_file", "tls.certificate_file", "there is no mutual TLS without TLS"},
    {"tls.key_file", "tls.certificate_file", "a key is of no use without its certificate"},
    {"store.certificate_file", "store.key_file", "a certificate is of no use without its key"},
    {"store.key_file", "store.certificate_file", "a key is of no use without its certificate"},
    {"http.tls_certificate_file", "http.tls_key_file",
     "a certificate is of no use without its key"},
    {"http.tls_key_file", "http.tls_certificate_file",
     "a key is of no use without its certificate"},
};

static void check_companions(struct loader *loader)
{
    for (size_t i = 0; i < ARRAY_LEN(companions); i++) {
        const struct option *option = named(companions[i].option);
        const struct option *needs = named(companions[i].needs);

        if (is_wrong(loader, option) || is_wrong(loader, needs))
            continue;
        if (text_of(loader, option)[0] && !text_of(loader, needs)[0])
            loader_error(loader, loader_setting(loader, option)->place, "%s needs %s: %s",
                         option->name, needs->name, companions[i].why);
    }
}

/* A number that must not be larger than another one. */
static const struct relation {
    const char *lesser;
    const char *greater;
    enum diagnostic_severity severity;
    const char *why;
} relations[] = {
    {"audit.ring_bytes", "audit.segment_bytes", DIAGNOSTIC_ERROR,
     "a full ring must fit into one segment"},
    {"rpc.connection_age", "drain.time", DIAGNOSTIC_WARNING,
     "clients that are still connected when the drain ends lose their calls"},
    {"rpc.connection_grace", "rpc.connection_age", DIAGNOSTIC_ERROR,
     "a connection must not outlive its age by more than the age"},
    {"rpc.deadline_default", "rpc.connection_grace", DIAGNOSTIC_WARNING,
     "calls that take longer than the grace end with their connection"},
    {"rpc.handshake_timeout", "rpc.connection_age", DIAGNOSTIC_ERROR,
     "a connection must become ready before it gets old"},
    {"rpc.keepalive", "rpc.connection_age", DIAGNOSTIC_WARNING,
     "connections end before they are asked whether they are alive"},
    {"store.read_timeout", "rpc.deadline_default", DIAGNOSTIC_ERROR,
     "a call must not wait for the store past its deadline"},
    {"store.write_timeout", "rpc.deadline_default", DIAGNOSTIC_ERROR,
     "a call must not wait for the store past its deadline"},
};

static void check_relations(struct loader *loader)
{
    for (size_t i = 0; i < ARRAY_LEN(relations); i++) {
        const struct relation *relation = &relations[i];
        const struct option *lesser = named(relation->lesser), *greater = named(relation->greater);
        const struct setting *setting = loader_setting(loader, lesser);

        if (is_wrong(loader, lesser) || is_wrong(loader, greater) ||
            number_of(loader, lesser) <= number_of(loader, greater))
            continue;
        if (setting->source == SETTING_DEFAULT)
            setting = loader_setting(loader, greater);
        loader_note(loader, setting->place, relation->severity, "%s must not exceed %s: %s",
                    lesser->name, greater->name, relation->why);
    }
}

/* Plaintext only where nobody else can listen in. `ops` has nothing to hide. */
static const struct listener {
    const char *option;
    const char *certificate;
} listeners[] = {
    {"listen.grpc", "tls.certificate_file"},
    {"listen.http", "http.tls_certificate_file"},
    {"listen.authzen", "http.tls_certificate_file"},
    {"listen.ops", NULL},
};

/* The addresses of a listener, whichever type the option has; none while they are wrong. */
static struct config_addresses addresses_of(const struct loader *loader,
                                            const struct option *option)
{
    const void *field = loader_field(loader, option);
    const struct config_address *one = field;

    if (is_wrong(loader, option))
        return (struct config_addresses){0};
    if (value_is_list(option))
        return *(const struct config_addresses *)field;
    return (struct config_addresses){one, one->text[0] ? 1 : 0};
}

static void check_plaintext(struct loader *loader, const struct listener *listener)
{
    const struct option *option = named(listener->option);
    const struct option *certificate = named(listener->certificate);
    struct config_addresses list = addresses_of(loader, option);

    if (is_wrong(loader, certificate) || text_of(loader, certificate)[0])
        return;
    for (size_t i = 0; i < list.count; i++)
        if (!list.rows[i].is_loopback)
            loader_error(loader, list.rows[i].place,
                         "%s: %s is not loopback and needs TLS: set %s, or listen on 127.0.0.1",
                         option->name, loader_quote(loader, span_text(list.rows[i].text)),
                         certificate->name);
}

/* Two listeners on one address, as far as texts can tell. */
static void check_same_address(struct loader *loader, const struct config_address *address,
                               size_t listener, size_t index)
{
    for (size_t i = 0; i <= listener; i++) {
        struct config_addresses list = addresses_of(loader, named(listeners[i].option));
        size_t end = i == listener ? index : list.count;

        for (size_t j = 0; j < end; j++)
            if (address->port != 0 && list.rows[j].port == address->port &&
                strcmp(list.rows[j].host, address->host) == 0) {
                loader_error(loader, address->place, "%s: %s is an address of %s already",
                             listeners[listener].option,
                             loader_quote(loader, span_text(address->text)), listeners[i].option);
                return;
            }
    }
}

static void check_listeners(struct loader *loader)
{
    const struct option *grpc = named("listen.grpc"), *socket = named("listen.grpc_socket");

    for (size_t i = 0; i < ARRAY_LEN(listeners); i++) {
        struct config_addresses list = addresses_of(loader, named(listeners[i].option));

        if (listeners[i].certificate)
            check_plaintext(loader, &listeners[i]);
        for (size_t j = 0; j < list.count; j++)
            check_same_address(loader, &list.rows[j], i, j);
    }
    if (!is_wrong(loader, grpc) && !is_wrong(loader, socket) &&
        addresses_of(loader, grpc).count == 0 && !text_of(loader, socket)[0])
        loader_error(loader, loader_setting(loader, grpc)->place,
                     "nothing serves gRPC: listen.grpc and listen.grpc_socket are both empty");
}

/* Findings about one file that an option names; what is in it is not looked at. */
static void check_file(struct loader *loader, const struct option *option)
{
    struct config_place place = loader_setting(loader, option)->place;
    const char *path = text_of(loader, option);
    const char *name = loader_quote(loader, span_text(path));
    struct stat status;
    int fd;

    /* stat() before open(): opening a device can do things. */
    if (stat(path, &status) != 0) {
        loader_error(loader, place, "%s: %s: %s", option->name, name, strerrordesc_np(errno));
        return;
    }
    if (!S_ISREG(status.st_mode)) {
        loader_error(loader, place, "%s: %s is not a regular file", option->name, name);
        return;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        loader_error(loader, place, "%s: %s: %s", option->name, name, strerrordesc_np(errno));
        return;
    }
    close(fd);
    if (status.st_size == 0)
        loader_error(loader, place, "%s: %s is empty", option->name, name);
    if (option->type == OPTION_SECRET_FILE && status.st_mode & S_IRWXO)
        loader_error(loader, place,
                     "%s: %s has mode %04o and is open to everybody: chmod o= it (in Kubernetes "
                     "`defaultMode: 0440`)",
                     option->name, name, (unsigned)status.st_mode & 07777u);
}

static void check_files(struct loader *loader)
{
    for (size_t i = 0; i < option_count; i++) {
        bool is_file = options[i].type == OPTION_FILE || options[i].type == OPTION_SECRET_FILE;

        if (is_file && !is_wrong(loader, &options[i]) && text_of(loader, &options[i])[0])
            check_file(loader, &options[i]);
    }
}

/* What stands in the configuration and means nothing with the embedded store. */
static const char *const redis_only[] = {
    "store.ca_file",
    "store.certificate_file",
    "store.database",
    "store.durability",
    "store.fsync",
    "store.key_file",
    "store.partitions",
    "store.password_file",
    "store.prefix",
    "store.replicas_min",
    "store.sentinel_password_file",
    "store.sentinel_user",
    "store.user",
};

/* Also a value that was written down: --print-config prints all of them. */
static bool is_fallback(const struct loader *loader, const struct option *option)
{
    if (option->type == OPTION_INTEGER)
        return number_of(loader, option) == strtoll(option->fallback, NULL, 10);
    if (option->type == OPTION_WORD)
        return strcmp(option->words[*(const unsigned *)loader_field(loader, option)],
                      option->fallback) == 0;
    return strcmp(text_of(loader, option), option->fallback) == 0;
}

static void store_error(struct loader *loader, const char *name, const char *wrong)
{
    loader_error(loader, loader_setting(loader, named(name))->place, "%s %s", name, wrong);
}

static void check_sentinels(struct loader *loader)
{
    const struct config *config = loader->config;

    if (config->store.sentinel_user[0] && !config->store.sentinel_password_file[0])
        store_error(loader, "store.sentinel_user", "needs store.sentinel_password_file");
    if (config->store.place.sentinels.count == 0 && config->store.sentinel_password_file[0])
        store_error(loader, "store.sentinel_password_file",
                    "needs sentinels: write redis-sentinel:// in store.url");
}

static const char *const tls_only[] = {"store.ca_file", "store.certificate_file", "store.key_file"};

static void check_redis(struct loader *loader, struct config_place place)
{
    const struct config *config = loader->config;

    if (!config->store.hash_key_file[0])
        loader_error(
            loader, place,
            "store.url: replicas must hash ids with one key: write it into a file and name "
            "it in store.hash_key_file");
    /* Whose a check is, and what a request_id asked, is kept with the subject, and so found by
     * nobody who looks in another partition. */
    if (config->store.partitions != 1)
        store_error(loader, "store.partitions",
                    "must be 1 in this release: that a vendor's check is one person's and a "
                    "request_id one request's holds within a partition, not across them");
    if (strchr(config->store.hash_key_id, '-'))
        store_error(loader, "store.hash_key_id",
                    "must be of letters and digits alone: it is a part of names in Redis");
    if (config->store.user[0] && !config->store.password_file[0])
        store_error(loader, "store.user", "needs store.password_file");
    if (!config->store.ca_file[0] && config->store.place.is_tls)
        loader_error(loader, place,
                     "store.url: rediss:// needs store.ca_file, the authorities that Redis' "
                     "certificate is verified against");
    for (size_t i = 0; i < ARRAY_LEN(tls_only) && !config->store.place.is_tls; i++)
        if (text_of(loader, named(tls_only[i]))[0])
            store_error(loader, tls_only[i], "needs TLS: write rediss:// in store.url");
    check_sentinels(loader);
}

static void check_store(struct loader *loader)
{
    const struct option *option = named("store.url");
    struct config_place place = loader_setting(loader, option)->place;
    const char *url = loader->config->store.url, *wrong;

    if (is_wrong(loader, option))
        return;
    wrong = store_url_parse(span_text(url), loader->arena, &loader->config->store.place);
    if (wrong && strchr(url, '@')) { /* perhaps a password: not into a log */
        loader_error(loader, place, "store.url %s", wrong);
        return;
    }
    if (wrong) {
        loader_error(loader, place, "store.url %s, not %s", wrong,
                     loader_quote(loader, span_text(url)));
        return;
    }
    if (loader->config->store.place.kind == CONFIG_STORE_REDIS) {
        check_redis(loader, place);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(redis_only); i++) {
        const struct option *redis = named(redis_only[i]);

        if (!is_fallback(loader, redis))
            loader_warning(loader, loader_setting(loader, redis)->place,
                           "%s means nothing with the embedded store", redis_only[i]);
    }
}

static void check_directives(struct loader *loader)
{
    if (loader->config->directives.source == CONFIG_DIRECTIVES_STORE)
        loader_error(loader, loader_setting(loader, named("directives.source"))->place,
                     "directives.source: `store` is not in this release: write `folder`, and put "
                     "the files in directives.folder");
    if (strcmp(loader->config->directives.folder, loader->config->directives.shadow_folder) == 0)
        loader_error(loader, loader_setting(loader, named("directives.shadow_folder"))->place,
                     "directives.shadow_folder is directives.folder: what is in there is in force, "
                     "and cannot be tried as well");
}

static void check_issuer(struct loader *loader)
{
    const struct option *option = named("realm.issuer");
    struct config_place place = loader_setting(loader, option)->place;
    struct span issuer = span_text(loader->config->realm.issuer);

    if (is_wrong(loader, option))
        return;
    if (span_starts_with(issuer, span_text("http:")) && !address_url_is_loopback(issuer))
        loader_warning(loader, place,
                       "realm.issuer: keys that are fetched over http can be exchanged on the way: "
                       "use https");
    if (address_url_is_loopback(issuer) && loader->config->http.tls_certificate_file[0])
        loader_warning(
            loader, place,
            "realm.issuer is on loopback: no other machine can fetch the keys for claims");
}

static const struct config_caller *find_caller(const struct config *config, struct span id)
{
    const struct config_caller *best = NULL;
    size_t best_length = 0;

    for (size_t i = 0; i < config->caller_count; i++) {
        const struct config_caller *caller = &config->callers[i];
        struct span pattern = span_text(caller->id);

        if (span_equal(pattern, id))
            return caller;
        if (!pattern_matches(pattern, id) ||
            (best && pattern_literal_length(pattern) < best_length))
            continue;
        best = caller;
        best_length = pattern_literal_length(pattern);
    }
    return best;
}

static const struct config_caller *first_by_certificate(const struct config *config)
{
    for (size_t i = 0; i < config->caller_count; i++)
        if (!config->callers[i].is_by_api_key)
            return &config->callers[i];
    return NULL;
}

/* Bindings that can never match, and listeners that nobody may use: allowed, and surely a mistake.
 */
static void check_callers(struct loader *loader)
{
    const struct option *certificate = named("tls.certificate_file");
    const struct config *config = loader->config;
    const struct config_caller *first = first_by_certificate(config);
    bool has_tls = config->tls.certificate_file[0] != '\0';

    if (is_wrong(loader, certificate))
        return;
    if (first && !has_tls)
        loader_warning(loader, first->place,
                       "callers are known by certificates, and without tls.certificate_file there "
                       "are none");
    if (!first && has_tls)
        loader_warning(loader, loader_setting(loader, certificate)->place,
                       "no `callers:` are listed: every caller over TLS is refused");
}

static void check_attesters(struct loader *loader)
{
    const struct organizations *list = &loader->config->organizations;

    for (size_t i = 0; i < list->count; i++)
        for (size_t j = 0; j < list->rows[i].attester_count; j++) {
            struct span attester = list->rows[i].attesters[j];
            const struct config_caller *caller = find_caller(loader->config, attester);

            if (!span_is(attester, "local") &&
                (!caller || !(caller->roles >> CONFIG_ROLE_ATTESTER & 1)))
                loader_warning(
                    loader, loader->organization_places[i],
                    "attester %s of %s is not one of `callers:` with the role `attester`",
                    loader_quote(loader, attester), loader_quote(loader, list->rows[i].id));
        }
}

void check_all(struct loader *loader)
{
    check_companions(loader);
    check_relations(loader);
    check_listeners(loader);
    check_files(loader);
    check_store(loader);
    ship_to_check(loader);
    check_directives(loader);
    check_issuer(loader);
    check_callers(loader);
    check_attesters(loader);
}
