/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, from core's own account of them: JSON in the form of channelz' messages. */
#include "rpc/connections.h"

#include "base/json.h"
#include "rpc/core_compat.h"

#include <stdlib.h>
#include <string.h>

/* Takes core's text; NULL where there is nothing that can be read. */
static json_t *read_own(char *text)
{
    json_t *value = NULL;
    struct err ignored;

    if (text && !json_read(span_text(text), &value, &ignored))
        value = NULL;
    gpr_free(text);
    return value;
}

static const json_t *member(const json_t *object, const char *outer, const char *inner)
{
    return json_object_get(json_object_get(object, outer), inner);
}

/* proto3 writes 64-bit numbers as text, and leaves out what is 0. */
static int64_t number_of(const json_t *value)
{
    const char *text = json_string_value(value);

    return text ? strtoll(text, NULL, 10) : 0;
}

/* The name ends with the peer: "chttp2 ipv4:192.0.2.1:50000". */
static void copy_peer(const char *name, char peer[CONNECTION_PEER_MAX])
{
    const char *found = name ? strstr(name, "ipv") : NULL;

    peer[0] = '\0';
    if (found && strlen(found) < CONNECTION_PEER_MAX)
        memcpy(peer, found, strlen(found) + 1);
}

static size_t add(const json_t *reference, struct connection *ret_connection)
{
    int64_t id = number_of(json_object_get(reference, "socketId"));
    json_t *answer = read_own(grpc_channelz_get_socket((intptr_t)id));
    const json_t *socket = json_object_get(answer, "socket");

    if (!socket) { /* gone meanwhile */
        json_decref(answer);
        return 0;
    }
    *ret_connection = (struct connection){
        .id = id,
        .begun = (uint64_t)number_of(member(socket, "data", "streamsStarted")),
        .answered = (uint64_t)number_of(member(socket, "data", "streamsSucceeded")),
    };
    copy_peer(json_string_value(member(socket, "ref", "name")), ret_connection->peer);
    json_decref(answer);
    return 1;
}

static size_t list_of_server(int64_t server, int64_t behind, struct connection *connections,
                             size_t capacity)
{
    json_t *answer = read_own(grpc_channelz_get_server_sockets(
        (intptr_t)server, (intptr_t)behind + 1, (intptr_t)capacity));
    const json_t *references = json_object_get(answer, "socketRef");
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(references) && count < capacity; i++)
        count += add(json_array_get(references, i), &connections[count]);
    json_decref(answer);
    return count;
}

size_t connections_list(int64_t behind, struct connection *connections, size_t capacity)
{
    json_t *answer = read_own(grpc_channelz_get_servers(0));
    const json_t *servers = json_object_get(answer, "server");
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(servers) && count < capacity; i++)
        count += list_of_server(number_of(member(json_array_get(servers, i), "ref", "serverId")),
                                behind, connections + count, capacity - count);
    json_decref(answer);
    return count;
}
