/* SPDX-License-Identifier: Apache-2.0 */
/* Names: of files, of logs, of decisions. */
#include "domain/audit/files.h"

#include "base/encoding.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void audit_file_name(uint64_t first_sequence, const char *suffix,
                     char name[static AUDIT_FILE_NAME_MAX])
{
    snprintf(name, AUDIT_FILE_NAME_MAX, "%020" PRIu64 "%s", first_sequence, suffix);
}

bool audit_file_number(const char *name, const char *suffix, uint64_t *ret_first_sequence)
{
    char again[AUDIT_FILE_NAME_MAX];
    uint64_t first_sequence = strtoull(name, NULL, 10);

    audit_file_name(first_sequence, suffix, again);
    if (strcmp(name, again) != 0)
        return false;
    *ret_first_sequence = first_sequence;
    return true;
}

void audit_log_id_encode(uint64_t log_id, char text[static AUDIT_LOG_ID_LENGTH + 1])
{
    const uint64_t big_endian = htobe64(log_id);

    _Static_assert(sizeof(big_endian) == AUDIT_LOG_ID_BYTES, "an id is 64 bits");
    hex_encode(span_of(&big_endian, sizeof(big_endian)), text);
}

bool audit_log_id_decode(struct span text, uint64_t *ret_log_id)
{
    uint8_t bytes[AUDIT_LOG_ID_BYTES];
    uint64_t log_id = 0;

    if (text.length != AUDIT_LOG_ID_LENGTH || !hex_decode(text, bytes))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        log_id = log_id << 8 | bytes[i];
    *ret_log_id = log_id;
    return true;
}

const char *audit_decision_id(uint64_t log_id, uint64_t sequence, char text[static AUDIT_ID_MAX])
{
    _Static_assert(AUDIT_LOG_ID_LENGTH + 1 + DECIMAL_MAX <= AUDIT_ID_MAX, "an id fits");
    audit_log_id_encode(log_id, text);
    text[AUDIT_LOG_ID_LENGTH] = '-';
    decimal_encode(sequence, text + AUDIT_LOG_ID_LENGTH + 1);
    return text;
}

bool audit_decision_id_parse(struct span text, uint64_t *ret_log_id, uint64_t *ret_sequence)
{
    char copy[AUDIT_ID_MAX], again[AUDIT_ID_MAX], *end;
    uint64_t log_id, sequence;

    if (text.length >= sizeof(copy))
        return false;
    snprintf(copy, sizeof(copy), "%.*s", SPAN_FORMAT(text));
    log_id = strtoull(copy, &end, 16);
    sequence = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    if (sequence == 0 || !span_is(text, audit_decision_id(log_id, sequence, again)))
        return false;
    *ret_log_id = log_id;
    *ret_sequence = sequence;
    return true;
}
