/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes at the door for sealed documents.  Bytes that begin with `S` are sealed first, so that
 * the fuzzer gets past the tag; those that begin with `-` are a key in PEM; everything else is a
 * document.  What opens stops doing so when it is changed.
 */
#include "keys/sealed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nobody's. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfVs/Gd20Kt4S26Gt\n"
    "RiDlEXik6YPPAwv7OdrCwFkIpY+hRANCAAQpRqH1YnUcWinISs1cKuntvx9JuvsJ\n"
    "SWK+FvC4By1z8T9KOR+t2q01Y70GdmTL8i5TV8dOjgKg4rQIJNwoj4pd\n"
    "-----END PRIVATE KEY-----\n";

static struct seal_key *key;

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static bool opens(struct span text, struct arena *arena, struct span *ret_content)
{
    enum sealed_refusal refusal;
    struct err err = ERR_NONE;
    bool is_open = sealed_open(key, SEALED_FACTS_TYPE, text, arena, ret_content, &refusal, &err);

    expect(is_open == (refusal == SEALED_REFUSED_NONE) && is_open == (err.code == ERR_OK));
    return is_open;
}

static void try_key(struct span pem)
{
    for (int half = SEAL_PUBLIC; half <= SEAL_PRIVATE; half++) {
        struct seal_key *read = NULL;
        struct err err;

        if (seal_key_from_pem(pem, (enum seal_half)half, &read, &err))
            expect(strlen(seal_key_id(read)) == KEY_ID_LENGTH);
        seal_key_unref(read);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size), content, key_id;
    bool is_ours = size > 0 && data[0] == 'S';
    struct arena arena;
    struct err err;

    if (size > SEALED_CONTENT_BYTES_MAX)
        return 0;
    if (!key && !seal_key_from_pem(span_text(private_pem), SEAL_PRIVATE, &key, &err))
        abort();
    if (size > 0 && data[0] == '-') {
        try_key(text);
        return 0;
    }
    arena_init(&arena, 32 * 1024);
    if (is_ours)
        expect(sealed_make(key, SEALED_FACTS_TYPE, span_from(span_of(data, size), 1), &arena, &text,
                           &err));
    if (opens(text, &arena, &content)) {
        char *changed = arena_text(&arena, text);

        expect(!is_ours || span_equal(content, span_from(span_of(data, size), 1)));
        expect(sealed_recipient(text, &arena, &key_id, &err) && span_is(key_id, seal_key_id(key)));
        changed[size * 31 % text.length] ^= 1;
        expect(!opens(span_of(changed, text.length), &arena, &content));
    } else {
        expect(!is_ours);
        if (sealed_recipient(text, &arena, &key_id, &err))
            expect(key_id.length < text.length);
    }
    arena_release(&arena);
    return 0;
}
