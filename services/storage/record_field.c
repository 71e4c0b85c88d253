/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a record: single values between the stored message and the domain's structs. */
#include "storage/record_field.h"

#include "base/encoding.h"

ProtobufCBinaryData field_bytes(struct span span)
{
    return (ProtobufCBinaryData){.len = span.length, .data = (uint8_t *)(uintptr_t)span.data};
}

bool field_text(const ProtobufCBinaryData *bytes, size_t bytes_max, bool is_required,
                const char *name, struct span *ret_text, struct err *err)
{
    struct span text = span_of(bytes->data, bytes->len);

    if (text.length > bytes_max || (is_required && text.length == 0))
        return err_set(err, ERR_STORE_CORRUPT, "%s of %zu bytes", name, text.length);
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return err_set(err, ERR_STORE_CORRUPT, "control character in %s", name);
    if (!utf8_is_valid(text))
        return err_set(err, ERR_STORE_CORRUPT, "%s is not UTF-8", name);
    *ret_text = text;
    return true;
}

static int32_t first_day(void)
{
    return day_from_civil((struct civil_date){1, 1, 1});
}

static int32_t last_day(void)
{
    return day_from_civil((struct civil_date){9999, 12, 31});
}

uint32_t field_from_day(int32_t day)
{
    return day == DAY_NONE ? 0 : (uint32_t)(day - first_day() + 1);
}

bool field_day(uint32_t stored, const char *name, int32_t *ret_day, struct err *err)
{
    if (stored > (uint32_t)(last_day() - first_day() + 1))
        return err_set(err, ERR_STORE_CORRUPT, "%s is no day of the calendar", name);
    *ret_day = stored == 0 ? DAY_NONE : (int32_t)stored + first_day() - 1;
    return true;
}

bool field_check_ms(int64_t ms, const char *name, struct err *err)
{
    if (ms < day_start_ms(first_day()) || ms >= day_start_ms(last_day()) + TIMESTAMP_DAY_MS)
        return err_set(err, ERR_STORE_CORRUPT, "%s is no instant of the calendar", name);
    return true;
}
