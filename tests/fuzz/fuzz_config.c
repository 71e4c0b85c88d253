/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file, read as passgated does, and printed when it is good. */
#include "config/config.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char program[] = "passgated", flag[] = "--config", path[64];
    char *argv[] = {program, flag, path, NULL};
    int fd = memfd_create("config", MFD_CLOEXEC);
    struct diagnostics diagnostics;
    struct config *config;
    enum config_action action;
    struct arena arena;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        __builtin_trap();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    arena_init(&arena, 16 * 1024);
    diagnostics_init(&diagnostics, &arena);
    if (config_load(3, argv, NULL, &arena, &diagnostics, &config, &action)) {
        FILE *nowhere = fopen("/dev/null", "w");

        if (!nowhere)
            __builtin_trap();
        config_print(config, nowhere);
        fclose(nowhere);
    } else if (diagnostics.error_count == 0) {
        __builtin_trap();
    }
    arena_release(&arena);
    close(fd);
    return 0;
}
