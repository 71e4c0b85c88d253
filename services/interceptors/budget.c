/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets. */
#include "interceptors/budget.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "interceptors/subject_window.h"

#include <pthread.h>
#include <stdatomic.h>

#define SECOND_NS INT64_C(1000000000)

enum { MINUTE_MS = 60 * 1000 };

struct usage {
    atomic_uint reference_count;
    atomic_uint in_flight;
    /* When the bucket is full again.  Kept as a time, so that filling it takes no thread and no
     * second word (the "generic cell rate algorithm"). */
    _Atomic int64_t full_at_ns;
    pthread_mutex_t mutex;         /* of the window, held for a look */
    struct subject_window *window; /* NULL: subjects are not counted */
};

struct usage *usage_new(uint32_t subjects_per_hour)
{
    struct usage *usage = memory_new(struct usage);

    atomic_init(&usage->reference_count, 1);
    pthread_mutex_init(&usage->mutex, NULL);
    if (subjects_per_hour > 0)
        usage->window = subject_window_new(subjects_per_hour);
    return usage;
}

struct usage *usage_ref(struct usage *usage)
{
    atomic_fetch_add_explicit(&usage->reference_count, 1, memory_order_relaxed);
    return usage;
}

void usage_unref(struct usage *usage)
{
    if (!usage || atomic_fetch_sub_explicit(&usage->reference_count, 1, memory_order_acq_rel) != 1)
        return;
    subject_window_free(usage->window);
    pthread_mutex_destroy(&usage->mutex);
    memory_free(usage);
}

/* Rounded down, so that the bucket holds the calls of one second and not one less. */
static int64_t interval_ns(const struct budget *budget)
{
    return SECOND_NS / budget->limits.calls_per_second;
}

static bool take_token(const struct budget *budget, int64_t now_ns, struct err *err)
{
    int64_t full_ns, taken_ns;

    if (budget->limits.calls_per_second == 0)
        return true;
    full_ns = atomic_load_explicit(&budget->usage->full_at_ns, memory_order_relaxed);
    do {
        taken_ns = (full_ns > now_ns ? full_ns : now_ns) + interval_ns(budget);
        if (taken_ns - now_ns > SECOND_NS)
            return err_set(err, ERR_BUDGET_RATE, "more than %u calls a second",
                           budget->limits.calls_per_second);
    } while (!atomic_compare_exchange_weak_explicit(&budget->usage->full_at_ns, &full_ns, taken_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static bool take_place(const struct budget *budget, struct err *err)
{
    uint32_t before = atomic_fetch_add_explicit(&budget->usage->in_flight, 1, memory_order_relaxed);

    if (budget->limits.calls_in_flight == 0 || before < budget->limits.calls_in_flight)
        return true;
    atomic_fetch_sub_explicit(&budget->usage->in_flight, 1, memory_order_relaxed);
    return err_set(err, ERR_BUDGET_IN_FLIGHT, "%u calls at once", budget->limits.calls_in_flight);
}

static void give_places(const struct budget *budget, const struct budget *end)
{
    for (; budget != end; budget = budget->above)
        atomic_fetch_sub_explicit(&budget->usage->in_flight, 1, memory_order_relaxed);
}

/* Places first: a call that finds none costs no token. */
bool budget_take_call(const struct budget *budget, int64_t now_ns, struct err *err)
{
    for (const struct budget *one = budget; one; one = one->above)
        if (!take_place(one, err)) {
            give_places(budget, one);
            return false;
        }
    if (budget_take_item(budget, now_ns, err))
        return true;
    give_places(budget, NULL);
    return false;
}

void budget_give_call(const struct budget *budget)
{
    give_places(budget, NULL);
}

bool budget_take_item(const struct budget *budget, int64_t now_ns, struct err *err)
{
    for (; budget; budget = budget->above)
        if (!take_token(budget, now_ns, err))
            return false;
    return true;
}

int64_t budget_wait_ms(const struct budget *budget, int64_t now_ns)
{
    int64_t wait_ns = 0;

    for (; budget; budget = budget->above) {
        int64_t over_ns;

        if (budget->limits.calls_per_second == 0)
            continue;
        over_ns = atomic_load_explicit(&budget->usage->full_at_ns, memory_order_relaxed) - now_ns +
                  interval_ns(budget) - SECOND_NS;
        if (over_ns > wait_ns)
            wait_ns = over_ns;
    }
    return wait_ns / 1000000 + 1;
}

bool budget_take_subject(const struct budget *budget, struct hash128 subject, int64_t now_ms,
                         struct err *err)
{
    for (; budget; budget = budget->above) {
        bool is_taken = true;

        if (!budget->usage->window)
            continue;
        pthread_mutex_lock(&budget->usage->mutex);
        is_taken = subject_window_take(budget->usage->window, subject, now_ms / MINUTE_MS);
        pthread_mutex_unlock(&budget->usage->mutex);
        if (!is_taken)
            return err_set(err, ERR_BUDGET_SUBJECTS, "more than %u subjects an hour",
                           budget->limits.subjects_per_hour);
    }
    return true;
}
