/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subjects of the last hour: a table with open addressing of subjects and the minute of their
 * last question, and the counts of each minute, whose sum is what the hour has seen.
 *
 * Who has left the hour keeps his place until the table is made anew, which is when three quarters
 * of it are taken: at most half as often as subjects come.
 */
#include "interceptors/subject_window.h"

#include "base/attributes.h"
#include "base/memory.h"

/* The minute under way and the sixty before it. */
enum { COUNTS = SUBJECT_WINDOW_MINUTES + 1, SLOTS_MIN = 16 };

struct entry {
    uint64_t subject; /* 0: free */
    int64_t minute;
};

struct subject_window {
    uint32_t subjects_max;
    uint32_t live; /* the sum of the counts */
    uint32_t counts[COUNTS];
    int64_t minute;
    struct entry *entries;
    size_t entry_count; /* a power of two, twice as many as there may be subjects */
    size_t taken;
};

struct subject_window *subject_window_new(uint32_t subjects_max)
{
    struct subject_window *window = memory_new(struct subject_window);

    window->subjects_max = subjects_max;
    window->entry_count = SLOTS_MIN;
    while (window->entry_count < 2 * (size_t)subjects_max)
        window->entry_count *= 2;
    window->entries = memory_new_array(struct entry, window->entry_count);
    return window;
}

void subject_window_free(struct subject_window *window)
{
    if (!window)
        return;
    memory_free(window->entries);
    memory_free(window);
}

static uint32_t *count_of(struct subject_window *window, int64_t minute)
{
    return &window->counts[minute % COUNTS];
}

static bool is_live(const struct subject_window *window, const struct entry *entry)
{
    return entry->minute > window->minute - COUNTS;
}

/* Minutes that leave the window give their place to those that come. */
static void turn(struct subject_window *window, int64_t minute)
{
    int64_t passed = minute - window->minute;

    if (passed <= 0)
        return;
    for (int64_t i = 1; i <= passed && i <= COUNTS; i++) {
        uint32_t *count = count_of(window, window->minute + i);

        window->live -= *count;
        *count = 0;
    }
    window->minute = minute;
}

/* The subject's own place, or the free one where it would be. */
static struct entry *find(struct entry *entries, size_t entry_count, uint64_t subject)
{
    size_t slot = (size_t)subject & (entry_count - 1);

    while (entries[slot].subject != 0 && entries[slot].subject != subject)
        slot = (slot + 1) & (entry_count - 1);
    return &entries[slot];
}

static void make_anew(struct subject_window *window)
{
    struct entry *entries = memory_new_array(struct entry, window->entry_count);

    window->taken = 0;
    for (size_t i = 0; i < window->entry_count; i++) {
        if (window->entries[i].subject == 0 || !is_live(window, &window->entries[i]))
            continue;
        *find(entries, window->entry_count, window->entries[i].subject) = window->entries[i];
        window->taken++;
    }
    memory_free(window->entries);
    window->entries = entries;
}

bool subject_window_take(struct subject_window *window, struct hash128 subject, int64_t minute)
{
    const uint64_t wanted = subject.low != 0 ? subject.low : 1;
    struct entry *entry;
    bool is_known;

    turn(window, minute);
    entry = find(window->entries, window->entry_count, wanted);
    is_known = entry->subject != 0 && is_live(window, entry);
    if (is_known) {
        --*count_of(window, entry->minute);
        window->live--;
    } else if (window->live >= window->subjects_max) {
        return false;
    }
    window->live++;
    ++*count_of(window, window->minute);
    if (entry->subject == 0)
        window->taken++;
    *entry = (struct entry){wanted, window->minute};
    if (window->taken > window->entry_count / 4 * 3)
        make_anew(window);
    return true;
}
