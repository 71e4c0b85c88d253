/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/configuration.md, as `passgated --print-config-reference` does. */
#include "config/config.h"

int main(void)
{
    config_reference(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
