/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the folder of an audit log. */
#include "audit/segment_list.h"

#include "base/file.h"

#include <errno.h>
#include <unistd.h>

bool segment_list_read(const char *folder, const char *suffix, struct arena *arena,
                       struct segment_list *ret_list, struct err *err)
{
    struct segment_list list = {0};
    const char *const *names;
    size_t count = 0;

    if (access(folder, F_OK) == 0 && !file_list(folder, suffix, arena, &names, &count, err))
        return false;
    list.numbers = arena_new_array(arena, uint64_t, count);
    for (size_t i = 0; i < count; i++)
        if (audit_file_number(names[i], suffix, &list.numbers[list.count]))
            list.count++;
    *ret_list = list;
    return true;
}

bool segment_list_has(const struct segment_list *list, uint64_t number)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->numbers[low] == number;
}

const char *segment_list_path(const char *folder, uint64_t number, const char *suffix,
                              struct arena *arena)
{
    char name[AUDIT_FILE_NAME_MAX];

    audit_file_name(number, suffix, name);
    return arena_printf(arena, "%s/%s", folder, name);
}

bool segment_list_index(const char *segments_folder, uint64_t number, struct audit_index *ret_index,
                        struct err *err)
{
    struct arena arena;
    struct span bytes;
    bool is_read;

    arena_init(&arena, 4096);
    is_read = file_read(segment_list_path(segments_folder, number, AUDIT_INDEX_SUFFIX, &arena),
                        AUDIT_INDEX_FILE_BYTES_MAX, &arena, &bytes, err) &&
              audit_index_decode(bytes, ret_index, err);
    arena_release(&arena);
    return is_read;
}
