/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without a fuzzer: every file of the folders that are named is given to it once.
 * What was found once stays found, with any compiler and under any sanitizer.
 */
#include "base/memory.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is copied into memory of its own size, so that reading past its end is noticed. */
static bool replay_file(const char *path, uint8_t *buffer)
{
    FILE *file = fopen(path, "rb");
    size_t size;
    uint8_t *input;

    if (!file) {
        perror(path);
        return false;
    }
    size = fread(buffer, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    input = memory_alloc(size ? size : 1);
    memcpy(input, buffer, size);
    LLVMFuzzerTestOneInput(input, size);
    memory_free(input);
    return true;
}

/* A folder that is not there holds nothing: regressions appear with the first finding. */
static bool replay_folder(const char *folder, uint8_t *buffer, size_t *count)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    bool is_ok = true;

    if (!listing)
        return true;
    while ((entry = readdir(listing))) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        is_ok = replay_file(path, buffer) && is_ok;
        *count += 1;
    }
    closedir(listing);
    return is_ok;
}

int main(int argc, char **argv)
{
    uint8_t *buffer = memory_alloc(INPUT_BYTES_MAX);
    bool is_ok = true;
    size_t count = 0;

    LLVMFuzzerTestOneInput(buffer, 0);
    for (int i = 1; i < argc; i++)
        is_ok = replay_folder(argv[i], buffer, &count) && is_ok;
    memory_free(buffer);
    printf("%zu inputs\n", count);
    if (count == 0)
        fputs("no inputs: is the corpus missing?\n", stderr);
    return is_ok && count > 0 ? 0 : 1;
}
