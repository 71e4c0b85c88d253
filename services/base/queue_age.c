/* SPDX-License-Identifier: Apache-2.0 */
/* The age of a queue: the law. */
#include "base/queue_age.h"

void queue_age_init(struct queue_age *queue, int64_t target_ms, int64_t interval_ms)
{
    *queue = (struct queue_age){
        .target_ns = target_ms * 1000000,
        .interval_ns = interval_ms * 1000000,
    };
}

bool queue_age_refuses(struct queue_age *queue, int64_t age_ns, int64_t now_ns)
{
    int64_t over_ns = age_ns - queue->target_ns;
    bool is_old = queue->target_ns > 0 && over_ns > 0;

    if (is_old != queue->is_old) {
        queue->is_old = is_old;
        queue->turned_ns = is_old ? now_ns - over_ns : now_ns;
    }
    if (is_old != queue->is_standing && now_ns - queue->turned_ns >= queue->interval_ns)
        queue->is_standing = is_old;
    return queue->is_standing && is_old;
}
