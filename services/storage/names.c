/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: how everything that is stored is called.
 *
 * A name made of several parts is the hash of a label and of the hashes of the parts: no choice of
 * parts, whatever bytes they have, gives the name of other parts.  The label is the number of the
 * space; no subject id begins with such a byte, so that names of different kinds differ as well.
 */
#include "storage/names.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { PARTS_MAX = 6, KEY_FILE_BYTES_MAX = 256 };

struct hash128 names_subject_hash(const struct names *names, struct span subject)
{
    return keyed_hash(&names->key, subject);
}

uint16_t names_partition(const struct names *names, struct hash128 subject)
{
    return (uint16_t)(subject.high % names->partition_count);
}

struct store_key names_subject(struct hash128 subject)
{
    return (struct store_key){.space = STORE_SUBJECT, .id = subject};
}

static size_t append_hash(uint8_t *message, struct hash128 hash)
{
    uint64_t words[] = {htole64(hash.low), htole64(hash.high)};

    memcpy(message, words, sizeof(words));
    return sizeof(words);
}

static struct store_key make_name(const struct names *names, enum store_space space,
                                  const struct hash128 *parts, size_t part_count)
{
    uint8_t message[1 + PARTS_MAX * sizeof(struct hash128)] = {(uint8_t)space};
    size_t length = 1;

    for (size_t i = 0; i < part_count; i++)
        length += append_hash(message + length, parts[i]);
    return (struct store_key){
        .space = space,
        .id = keyed_hash(&names->key, span_of(message, length)),
    };
}

struct store_key names_request(const struct names *names, struct span caller, struct span method,
                               struct span request_id)
{
    const struct hash128 parts[] = {
        keyed_hash(&names->key, caller),
        keyed_hash(&names->key, method),
        keyed_hash(&names->key, request_id),
    };

    return make_name(names, STORE_REQUEST, parts, ARRAY_LEN(parts));
}

struct store_key names_check(const struct names *names, struct span vendor, struct span check_id)
{
    const struct hash128 parts[] = {
        keyed_hash(&names->key, vendor),
        keyed_hash(&names->key, check_id),
    };

    return make_name(names, STORE_CHECK, parts, ARRAY_LEN(parts));
}

struct store_key names_claim(const struct names *names, struct span jti)
{
    const struct hash128 parts[] = {keyed_hash(&names->key, jti)};

    return make_name(names, STORE_CLAIM, parts, ARRAY_LEN(parts));
}

struct store_key names_claim_cache(const struct names *names, struct hash128 subject,
                                   struct span audience, struct span azp, struct span disclosure)
{
    const struct hash128 parts[] = {
        subject,
        keyed_hash(&names->key, audience),
        keyed_hash(&names->key, azp),
        keyed_hash(&names->key, disclosure),
    };

    return make_name(names, STORE_CLAIM_CACHE, parts, ARRAY_LEN(parts));
}

struct store_key names_realm(const struct names *names, struct span what)
{
    const struct hash128 parts[] = {keyed_hash(&names->key, what)};

    return make_name(names, STORE_REALM, parts, ARRAY_LEN(parts));
}

struct store_key names_owner(void)
{
    return (struct store_key){.space = STORE_REALM};
}

/* Labels of hashes that are no keys of the store; beyond the numbers of the spaces. */
enum {
    LABEL_DOCUMENT = 0x11,
    LABEL_PERSON = 0x12,
    LABEL_HANDLE = 0x13,
    LABEL_KEY = 0x14,
    LABEL_PAGE = 0x15,
};

struct hash128 names_document_hash(const struct names *names, struct span issuer,
                                   struct span number)
{
    const struct hash128 parts[] = {keyed_hash(&names->key, issuer),
                                    keyed_hash(&names->key, number)};

    return make_name(names, (enum store_space)LABEL_DOCUMENT, parts, ARRAY_LEN(parts)).id;
}

struct hash128 names_person_hash(const struct names *names, struct span vendor, struct span person)
{
    const struct hash128 parts[] = {keyed_hash(&names->key, vendor),
                                    keyed_hash(&names->key, person)};

    return make_name(names, (enum store_space)LABEL_PERSON, parts, ARRAY_LEN(parts)).id;
}

struct hash128 names_handle(const struct names *names, struct span caller, struct hash128 subject)
{
    const struct hash128 parts[] = {keyed_hash(&names->key, caller), subject};

    return make_name(names, (enum store_space)LABEL_HANDLE, parts, ARRAY_LEN(parts)).id;
}

struct hash128 names_page(const struct names *names, const struct span *parts, size_t part_count)
{
    struct hash128 hashes[PARTS_MAX];

    assert(part_count <= PARTS_MAX);
    for (size_t i = 0; i < part_count; i++)
        hashes[i] = keyed_hash(&names->key, parts[i]);
    return make_name(names, (enum store_space)LABEL_PAGE, hashes, part_count).id;
}

const char *names_key_text(const struct names *names, char text[static NAMES_KEY_TEXT_MAX])
{
    struct hash128 hash = make_name(names, (enum store_space)LABEL_KEY, NULL, 0).id;

    snprintf(text, NAMES_KEY_TEXT_MAX, "%016" PRIx64, hash.low);
    return text;
}

static bool create_key(const char *path, struct err *err)
{
    struct hash_key key;
    char text[2 * sizeof(key.bytes) + 2];
    bool is_written;

    random_fill(key.bytes, sizeof(key.bytes));
    hex_encode(span_of(key.bytes, sizeof(key.bytes)), text);
    text[sizeof(text) - 2] = '\n';
    is_written = file_write_durably(path, span_of(text, sizeof(text) - 1), 0600, err);
    explicit_bzero(&key, sizeof(key));
    explicit_bzero(text, sizeof(text));
    return is_written;
}

static bool parse_key(const char *path, struct span content, struct hash_key *ret_key,
                      struct err *err)
{
    while (content.length > 0 &&
           (content.data[content.length - 1] == '\n' || content.data[content.length - 1] == '\r'))
        content.length--;
    if (content.length != 2 * sizeof(ret_key->bytes) || !hex_decode(content, ret_key->bytes))
        return err_set(err, ERR_FILE_INVALID, "%s does not hold a hash key: 32 hexadecimal digits",
                       path);
    return true;
}

bool names_read_key(const char *path, bool may_create, struct hash_key *ret_key, struct err *err)
{
    struct arena arena;
    struct span content;
    bool is_read;

    if (may_create && access(path, F_OK) != 0 && !create_key(path, err))
        return false;
    arena_init(&arena, KEY_FILE_BYTES_MAX);
    is_read = file_read(path, KEY_FILE_BYTES_MAX, &arena, &content, err);
    if (is_read) {
        is_read = parse_key(path, content, ret_key, err);
        explicit_bzero((uint8_t *)(uintptr_t)content.data, content.length);
    }
    arena_release(&arena);
    return is_read;
}
