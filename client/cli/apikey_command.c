/* SPDX-License-Identifier: Apache-2.0 */
/* passgate apikey new: a key for a caller of AuthZEN, and what of it goes into the configuration.
 */
#include "base/secret.h"
#include "client/cli/command.h"
#include "keys/api_key.h"

int run_apikey_new(struct cli *cli)
{
    char key[API_KEY_MAX], hash[SHA256_HEX_MAX];
    json_t *json;

    api_key_make(key);
    digest_sha256_hex(span_text(key), hash);
    if (cli->output.is_json) {
        json = json_pack("{s:s, s:s}", "key", key, "sha256", hash);
        output_json(&cli->output, json);
        json_decref(json);
    } else {
        output_print(
            &cli->output,
            "%s\n\nThis is the only time that it is shown.  Its caller sends\n\n"
            "    Authorization: Bearer <the key>\n\n"
            "and the configuration has, below `callers`, in its item with `id: apikey:NAME`:\n\n"
            "    api_keys:\n      - sha256: %s\n",
            key, hash);
    }
    secret_wipe(key, sizeof(key));
    return EXIT_ALLOW;
}
