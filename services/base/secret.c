/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets. */
#include "base/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void secret_wipe(void *memory, size_t length)
{
    OPENSSL_cleanse(memory, length);
}

bool secret_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

/* The limit says nothing where core_pattern is a pipe (core(5): systemd-coredump, apport). */
bool secret_hide_process(struct err *err)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0)
        return err_set(err, ERR_IO, "core files cannot be turned off: %s", strerrordesc_np(errno));
    return true;
}

/* /proc/swaps is a headline, then a line for each. */
bool secret_is_swap_there(void)
{
    FILE *file = fopen("/proc/swaps", "re");
    char line[512];
    int lines = 0;

    if (!file)
        return false;
    while (fgets(line, sizeof(line), file))
        lines++;
    fclose(file);
    return lines > 1;
}

bool secret_lock_process(struct err *err)
{
    struct rlimit limit = {0, 0};

    /* Below a limit it would succeed here, and a later allocation fail.  With a limit of 0 only who
     * has CAP_IPC_LOCK may lock anything, and then limits do not count. */
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? RLIM_INFINITY : 0;
        setrlimit(RLIMIT_MEMLOCK, &limit);
    }
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
        return true;
    return err_set(err, ERR_CONFIG_INVALID,
                   "memory cannot be kept out of swap: %s; it takes CAP_IPC_LOCK or an unlimited "
                   "RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK)",
                   strerrordesc_np(errno));
}
