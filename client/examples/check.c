/* SPDX-License-Identifier: Apache-2.0 */
/* May a subject use a model?  cc check.c $(pkg-config --cflags --libs passgate) && ./a.out alice */
#include <passgate/client.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const struct passgate_options options = {.target = argc > 2 ? argv[2] : "127.0.0.1:50051"};
    const struct passgate_pair context[] = {{"location", "USA"}};
    const struct passgate_check check = {
        .subject = argc > 1 ? argv[1] : "alice",
        .resource_type = "model",
        .resource_id = "mythos-5",
        .action = "use",
        .context = context,
        .context_count = 1,
    };
    struct passgate_error error;
    struct passgate_client *client = passgate_client_new(&options, &error);
    struct passgate_decision *decision;
    int status;

    if (!client) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    passgate_client_wait_ready(client, 2000);
    decision = passgate_check(client, &check, NULL, &error);
    if (!decision)
        fprintf(stderr, "no decision, so no: %s (%s)\n", error.message, error.reason);
    else
        printf("%s\n", passgate_json(decision));
    status = passgate_is_allowed(decision) ? 0 : decision ? 1 : 2;
    passgate_free(decision);
    passgate_client_free(client);
    return status;
}
