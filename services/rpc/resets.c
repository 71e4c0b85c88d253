/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that are begun and not answered: the law. */
#include "rpc/resets.h"

static bool is_too_much(const struct resets *resets, const struct resets_connection *then,
                        const struct resets_connection *now)
{
    uint64_t answered = now->answered - then->answered;
    uint64_t begun = now->begun - then->begun;
    double seconds = (double)(now->seen_ns - then->seen_ns) / 1e9;

    if (begun <= answered || begun - answered <= answered)
        return false;
    return (double)(begun - answered) > resets->per_second_max * seconds + resets->streams_max;
}

bool resets_look(struct resets *resets, int64_t id, uint64_t begun, uint64_t answered,
                 int64_t now_ns)
{
    struct resets_connection *place = &resets->connections[(uint64_t)id % RESETS_CONNECTIONS];
    struct resets_connection now = {id, now_ns, begun, answered, false};
    bool is_guilty = false;

    if (resets->per_second_max == 0)
        return false;
    if (place->id == id) {
        now.is_suspect = is_too_much(resets, place, &now);
        is_guilty = now.is_suspect && place->is_suspect;
    }
    *place = now;
    return is_guilty;
}
