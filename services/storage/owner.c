/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of a store: a format byte, 16 hexadecimal digits that tell hash keys apart, a blank,
 * the realm's name.
 */
#include "storage/owner.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "storage/blocking.h"

enum { OWNER_FORMAT = 1, PARTITION = 0, STORE_TIMEOUT_MS = 5000, ATTEMPTS = 3 };
enum { KEY_DIGITS = NAMES_KEY_TEXT_MAX - 1, REALM_AT = 1 + KEY_DIGITS + 1, REALM_MAX = 63 };

static struct span encode(const struct owner *owner, struct arena *arena)
{
    char key[NAMES_KEY_TEXT_MAX];

    return span_text(arena_printf(arena, "%c%s %s", OWNER_FORMAT, names_key_text(owner->names, key),
                                  owner->realm));
}

static bool compare(const struct owner *owner, struct span stored, struct err *err)
{
    char key[NAMES_KEY_TEXT_MAX];
    struct span stored_key, realm;

    if (stored.length <= REALM_AT || stored.length > REALM_AT + REALM_MAX ||
        stored.data[0] != OWNER_FORMAT || stored.data[REALM_AT - 1] != ' ')
        return err_set(err, ERR_STORE_CORRUPT, "whose the store is cannot be read");
    stored_key = span_of(stored.data + 1, KEY_DIGITS);
    realm = span_from(stored, REALM_AT);
    if (!span_is(realm, owner->realm))
        return err_field(err, ERR_CONFIG_INVALID, "realm.name",
                         "the store is of the realm `%.*s` and not of `%s`: each realm has a store "
                         "of its own (another file, another store.prefix)",
                         (int)realm.length, (const char *)realm.data, owner->realm);
    if (!span_is(stored_key, names_key_text(owner->names, key)))
        return err_field(err, ERR_CONFIG_INVALID, "store.hash_key_file",
                         "the store was begun with the hash key %.*s and this one is %s: with it "
                         "nobody who is in the store would be found",
                         (int)stored_key.length, (const char *)stored_key.data, key);
    return true;
}

/* Nobody's yet: ours, unless somebody else is faster (CONFLICT). */
static bool take(const struct owner *owner, struct store *store, struct mailbox *mailbox,
                 struct err *err)
{
    struct store_request *request = store_request_new_blocking(STORE_WRITE, PARTITION, mailbox);
    bool is_taken;

    request->deadline_ms = clock_monotonic_ms(owner->clock) + STORE_TIMEOUT_MS;
    store_request_guard(request, names_owner(), 0);
    store_request_put(request, names_owner(), TIMESTAMP_NEVER_MS, encode(owner, &request->arena));
    is_taken = store_call(store, request, mailbox, err);
    store_request_free(request);
    if (is_taken)
        LOG(INFO, "store.owner", "the store belongs to this realm and hash key from now on",
            log_text("realm", owner->realm));
    return is_taken;
}

static bool look(const struct owner *owner, struct store *store, struct mailbox *mailbox,
                 struct err *err)
{
    struct store_request *request = store_request_new_blocking(STORE_READ, PARTITION, mailbox);
    bool is_ours, is_nobodys;

    request->deadline_ms = clock_monotonic_ms(owner->clock) + STORE_TIMEOUT_MS;
    store_request_key(request, names_owner());
    is_ours = store_call(store, request, mailbox, err);
    is_nobodys = is_ours && request->values[0].version == 0;
    if (is_ours && !is_nobodys)
        is_ours = compare(owner, request->values[0].data, err);
    store_request_free(request);
    return is_nobodys ? take(owner, store, mailbox, err) : is_ours;
}

bool owner_check(const struct owner *owner, struct store *store, struct mailbox *mailbox,
                 struct err *err)
{
    for (int attempt = 1;; attempt++) {
        bool is_ours = look(owner, store, mailbox, err);

        if (is_ours || err->code != ERR_CONFLICT || attempt == ATTEMPTS)
            return is_ours;
    }
}
