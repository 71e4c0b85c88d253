/* SPDX-License-Identifier: Apache-2.0 */
/* seal_tool seal|open KEY.pem: standard input, sealed or opened, to standard output; for
 * check_sealed.py, which compares with other software. */
#include "base/file.h"
#include "keys/sealed.h"

#include <stdio.h>

enum { EXIT_REFUSED = 1, EXIT_USE = 2, INPUT_BYTES_MAX = 1 << 20 };

static struct span read_input(struct arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, INPUT_BYTES_MAX);

    return span_of(bytes, fread(bytes, 1, INPUT_BYTES_MAX, stdin));
}

int main(int argc, char **argv)
{
    bool is_sealing = argc == 3 && strcmp(argv[1], "seal") == 0, is_done;
    enum sealed_refusal refusal;
    struct seal_key *key = NULL;
    struct span pem, result;
    struct arena arena;
    struct err err;

    if (argc != 3)
        return EXIT_USE;
    arena_init(&arena, 64 * 1024);
    is_done =
        file_read(argv[2], KEY_PEM_BYTES_MAX, &arena, &pem, &err) &&
        seal_key_from_pem(pem, is_sealing ? SEAL_PUBLIC : SEAL_PRIVATE, &key, &err) &&
        (is_sealing ? sealed_make(key, SEALED_FACTS_TYPE, read_input(&arena), &arena, &result, &err)
                    : sealed_open(key, SEALED_FACTS_TYPE, read_input(&arena), &arena, &result,
                                  &refusal, &err));
    if (is_done)
        fwrite(result.data, 1, result.length, stdout);
    else
        fprintf(stderr, "%s\n", err.detail);
    seal_key_unref(key);
    arena_release(&arena);
    return is_done ? 0 : EXIT_REFUSED;
}
