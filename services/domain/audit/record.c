/* SPDX-License-Identifier: Apache-2.0 */
/* Audit records as bytes: a kind, a time, a mask of what is there, then that in the mask's order.
 */
#include "domain/audit/record.h"

#include "domain/audit/wire.h"

#include <stddef.h>

/* Fields that are references to the dictionary; their bits in the mask are their indices. */
static const size_t text_fields[] = {
    offsetof(struct audit_record, caller),   offsetof(struct audit_record, method),
    offsetof(struct audit_record, outcome),  offsetof(struct audit_record, on_behalf_of),
    offsetof(struct audit_record, location),
};

/* The other bits.  New ones are added at the end: what a reader does not know is behind what it
 * does. */
enum {
    HAS_DIRECTIVE_SET = 1 << 5,
    HAS_LATENCY = 1 << 6,
    HAS_FLAGS = 1 << 7,
    HAS_NUMBER = 1 << 8,
    HAS_ITEM = 1 << 9, /* exactly one */
    HAS_ITEMS = 1 << 10,
    HAS_IDS = 1 << 11,
    HAS_PAYLOAD = 1 << 12,
    HAS_SHADOW = 1 << 13, /* the shadow set, then a shadow for each item */
};

/* The first byte of an item; what is not there is as in the item before. */
enum {
    ITEM_SUBJECT = 1 << 0,
    ITEM_RESOURCE = 1 << 1,
    ITEM_ACTION = 1 << 2,
    ITEM_DIRECTIVE = 1 << 3,
    ITEM_REASON = 1 << 4,
    ITEM_TRUTH_SHIFT = 5, /* two bits */
    ITEM_UNUSED = 1 << 7,
};

/* The first byte of a shadow; 0: the item has none. */
enum {
    SHADOW_THERE = 1 << 0,
    SHADOW_TRUTH_SHIFT = 1,    /* two bits */
    SHADOW_DIRECTIVE = 1 << 3, /* follows; else that of the shadow before */
    SHADOW_UNUSED = 0xf0,
};

enum {
    FIXED_BYTES_MAX = 10 * AUDIT_VARINT_MAX,
    REFERENCE_BYTES_MAX = 2 * AUDIT_VARINT_MAX, /* the number, and the length of the text */
    ITEM_BYTES_MAX = 1 + 16 + 1 + AUDIT_VARINT_MAX + 2 * REFERENCE_BYTES_MAX,
    SHADOW_BYTES_MAX = 2 + REFERENCE_BYTES_MAX,
};

const char *audit_kind_name(enum audit_kind kind)
{
    switch (kind) {
#define X(identifier, number, name) \
    case AUDIT_##identifier: return name;
        AUDIT_KIND_LIST(X)
#undef X
    default: return NULL;
    }
}

void audit_shadow_directive(const struct audit_shadow *shadow, struct span *ret_id,
                            struct span *ret_digest)
{
    const struct span name = shadow->directive;
    const uint8_t *blank = name.length ? memchr(name.data, ' ', name.length) : NULL;
    size_t length = blank ? (size_t)(blank - name.data) : name.length;

    *ret_id = span_of(name.data, length);
    *ret_digest = blank ? span_from(name, length + 1) : span_of(NULL, 0);
}

static struct span text_field(const struct audit_record *record, size_t index)
{
    return *(const struct span *)(const void *)((const char *)record + text_fields[index]);
}

static bool measure_text(struct span text, size_t *bytes, struct err *err)
{
    *bytes += REFERENCE_BYTES_MAX + text.length;
    if (text.length > AUDIT_TEXT_MAX)
        return err_set(err, ERR_FIELD_TOO_LONG, "audit: a text of %zu bytes", text.length);
    return true;
}

static bool measure_shadows(const struct audit_record *record, size_t *bytes, struct err *err)
{
    struct span before = {0};

    if (record->shadow_set.length == 0)
        return true;
    if (!measure_text(record->shadow_set, bytes, err))
        return false;
    *bytes += record->item_count * SHADOW_BYTES_MAX;
    for (size_t i = 0; i < record->item_count; i++) {
        struct span directive = record->items[i].shadow.directive;

        if (record->items[i].shadow.reason == 0 || span_equal(directive, before))
            continue;
        if (!measure_text(directive, bytes, err))
            return false;
        before = directive;
    }
    return true;
}

bool audit_record_measure(const struct audit_record *record, size_t *ret_bytes_max, struct err *err)
{
    size_t bytes = FIXED_BYTES_MAX + record->payload.length;

    if (record->item_count > AUDIT_ITEMS_MAX || record->id_count > AUDIT_IDS_MAX)
        return err_set(err, ERR_FIELD_TOO_MANY, "audit: %zu items, %zu ids", record->item_count,
                       record->id_count);
    if (record->payload.length > AUDIT_PAYLOAD_MAX)
        return err_set(err, ERR_FIELD_TOO_LONG, "audit: a payload of %zu bytes",
                       record->payload.length);
    for (size_t i = 0; i < ARRAY_LEN(text_fields); i++)
        if (!measure_text(text_field(record, i), &bytes, err))
            return false;
    for (size_t i = 0; i < record->item_count; i++) {
        const struct audit_item *item = &record->items[i], *before = i ? item - 1 : NULL;

        bytes += ITEM_BYTES_MAX;
        if (!(before && span_equal(before->resource, item->resource)) &&
            !measure_text(item->resource, &bytes, err))
            return false;
        if (!(before && span_equal(before->action, item->action)) &&
            !measure_text(item->action, &bytes, err))
            return false;
    }
    for (size_t i = 0; i < record->id_count; i++)
        if (!measure_text(record->ids[i], &bytes, err))
            return false;
    if (!measure_shadows(record, &bytes, err))
        return false;
    if (bytes > AUDIT_FRAME_BYTES_MAX)
        return err_set(err, ERR_FIELD_TOO_LONG, "audit: a record of up to %zu bytes", bytes);
    *ret_bytes_max = bytes;
    return true;
}

/* A text that is new takes the next number and follows it; one for which there is no number any
 * more follows a 0. */
static uint8_t *put_reference(uint8_t *at, struct audit_dictionary *dictionary, struct span text)
{
    bool is_new = true;
    uint32_t number = dictionary ? audit_dictionary_intern(dictionary, text, &is_new) : 0;

    at = wire_put_varint(at, number);
    return is_new ? wire_put_text(at, text) : at;
}

static struct span take_reference(struct wire_input *input, struct audit_dictionary *dictionary)
{
    uint64_t number = wire_take_varint(input);
    struct span text = {0};
    bool is_new;

    if (number > 0 && dictionary && number <= audit_dictionary_count(dictionary))
        return audit_dictionary_text(dictionary, (uint32_t)number);
    text = wire_take_text(input);
    if (number == 0 || input->is_bad)
        return text;
    if (!dictionary || number != audit_dictionary_count(dictionary) + 1 ||
        audit_dictionary_intern(dictionary, text, &is_new) != number)
        input->is_bad = true;
    return text;
}

static uint8_t *put_item(uint8_t *at, const struct audit_item *item,
                         const struct audit_item *before, struct audit_dictionary *dictionary)
{
    uint8_t *head = at++;
    unsigned bits = (unsigned)(item->truth & 3) << ITEM_TRUTH_SHIFT;

    if (!hash128_equal(item->subject, before->subject)) {
        bits |= ITEM_SUBJECT;
        at = wire_put_hash(at, item->subject);
    }
    if (!span_equal(item->resource, before->resource)) {
        bits |= ITEM_RESOURCE;
        at = put_reference(at, dictionary, item->resource);
    }
    if (!span_equal(item->action, before->action)) {
        bits |= ITEM_ACTION;
        at = put_reference(at, dictionary, item->action);
    }
    if (item->directive != AUDIT_NO_DIRECTIVE) {
        bits |= ITEM_DIRECTIVE;
        at = wire_put_varint(at, item->directive);
    }
    if (item->reason != 0) {
        bits |= ITEM_REASON;
        *at++ = item->reason;
    }
    *head = (uint8_t)bits;
    return at;
}

static void take_item(struct wire_input *input, struct audit_item *item,
                      const struct audit_item *before, struct audit_dictionary *dictionary)
{
    uint8_t bits = wire_take_byte(input);
    uint64_t directive = AUDIT_NO_DIRECTIVE;

    *item = *before;
    if (bits & ITEM_SUBJECT)
        item->subject = wire_take_hash(input);
    if (bits & ITEM_RESOURCE)
        item->resource = take_reference(input, dictionary);
    if (bits & ITEM_ACTION)
        item->action = take_reference(input, dictionary);
    if (bits & ITEM_DIRECTIVE)
        directive = wire_take_varint(input);
    item->directive = (uint32_t)directive;
    item->reason = bits & ITEM_REASON ? wire_take_byte(input) : 0;
    item->truth = bits >> ITEM_TRUTH_SHIFT & 3;
    if (bits & ITEM_UNUSED || directive > AUDIT_NO_DIRECTIVE)
        input->is_bad = true;
}

static uint8_t *put_shadows(uint8_t *at, const struct audit_record *record,
                            struct audit_dictionary *dictionary)
{
    struct span before = {0};

    at = put_reference(at, dictionary, record->shadow_set);
    for (size_t i = 0; i < record->item_count; i++) {
        const struct audit_shadow *shadow = &record->items[i].shadow;
        bool is_other = !span_equal(shadow->directive, before);

        if (shadow->reason == 0) {
            *at++ = 0;
            continue;
        }
        *at++ = (uint8_t)(SHADOW_THERE | (shadow->truth & 3) << SHADOW_TRUTH_SHIFT |
                          (is_other ? SHADOW_DIRECTIVE : 0));
        *at++ = shadow->reason;
        if (is_other)
            at = put_reference(at, dictionary, shadow->directive);
        before = shadow->directive;
    }
    return at;
}

static void take_shadows(struct wire_input *input, struct audit_dictionary *dictionary,
                         struct audit_item *items, size_t count)
{
    struct span before = {0};

    for (size_t i = 0; i < count && !input->is_bad; i++) {
        uint8_t bits = wire_take_byte(input);

        if (bits & SHADOW_UNUSED || (bits && !(bits & SHADOW_THERE)))
            input->is_bad = true;
        if (!bits)
            continue;
        items[i].shadow.truth = bits >> SHADOW_TRUTH_SHIFT & 3;
        items[i].shadow.reason = wire_take_byte(input);
        if (bits & SHADOW_DIRECTIVE)
            before = take_reference(input, dictionary);
        items[i].shadow.directive = before;
        if (items[i].shadow.reason == 0)
            input->is_bad = true;
    }
}

static const struct audit_item no_item = {.directive = AUDIT_NO_DIRECTIVE};

static uint64_t mask_of(const struct audit_record *record)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < ARRAY_LEN(text_fields); i++)
        if (text_field(record, i).length > 0)
            mask |= UINT64_C(1) << i;
    if (record->directive_set)
        mask |= HAS_DIRECTIVE_SET;
    if (record->latency_us)
        mask |= HAS_LATENCY;
    if (record->flags)
        mask |= HAS_FLAGS;
    if (record->number || record->partition)
        mask |= HAS_NUMBER;
    if (record->item_count)
        mask |= record->item_count == 1 ? HAS_ITEM : HAS_ITEMS;
    if (record->id_count)
        mask |= HAS_IDS;
    if (record->payload.length)
        mask |= HAS_PAYLOAD;
    if (record->shadow_set.length)
        mask |= HAS_SHADOW;
    return mask;
}

uint8_t *audit_record_put(uint8_t *at, const struct audit_record *record,
                          struct audit_dictionary *dictionary, int64_t base_ms)
{
    uint64_t mask = mask_of(record);

    at = wire_put_varint(at, record->kind);
    at = wire_put_varint(at, wire_zigzag(record->time_ms - base_ms));
    at = wire_put_varint(at, mask);
    for (size_t i = 0; i < ARRAY_LEN(text_fields); i++)
        if (mask & UINT64_C(1) << i)
            at = put_reference(at, dictionary, text_field(record, i));
    if (mask & HAS_DIRECTIVE_SET)
        at = wire_put_varint(at, record->directive_set);
    if (mask & HAS_LATENCY)
        at = wire_put_varint(at, record->latency_us);
    if (mask & HAS_FLAGS)
        at = wire_put_varint(at, record->flags);
    if (mask & HAS_NUMBER)
        at = wire_put_varint(wire_put_varint(at, record->partition), record->number);
    if (mask & HAS_ITEMS)
        at = wire_put_varint(at, record->item_count);
    for (size_t i = 0; i < record->item_count; i++)
        at = put_item(at, &record->items[i], i ? &record->items[i - 1] : &no_item, dictionary);
    if (mask & HAS_IDS)
        at = wire_put_varint(at, record->id_count);
    for (size_t i = 0; i < record->id_count; i++)
        at = wire_put_text(at, record->ids[i]);
    if (mask & HAS_PAYLOAD)
        at = wire_put_text(at, record->payload);
    if (mask & HAS_SHADOW)
        at = put_shadows(at, record, dictionary);
    return at;
}

static struct audit_item *take_items(struct wire_input *input, uint64_t mask,
                                     struct audit_dictionary *dictionary, struct arena *arena,
                                     struct audit_record *record)
{
    uint64_t count = mask & HAS_ITEMS ? wire_take_varint(input) : (mask & HAS_ITEM) != 0;
    struct audit_item *items;

    /* Before anything is allocated: an item takes a byte at least. */
    if (input->is_bad || count > AUDIT_ITEMS_MAX || count > (uint64_t)(input->end - input->at)) {
        input->is_bad = true;
        return NULL;
    }
    items = count ? arena_new_array(arena, struct audit_item, count) : NULL;
    for (size_t i = 0; i < count; i++)
        take_item(input, &items[i], i ? &items[i - 1] : &no_item, dictionary);
    record->items = items;
    record->item_count = (size_t)count;
    return items;
}

static void take_ids(struct wire_input *input, struct arena *arena, struct audit_record *record)
{
    uint64_t count = wire_take_varint(input);
    struct span *ids;

    if (count > AUDIT_IDS_MAX) {
        input->is_bad = true;
        return;
    }
    ids = arena_new_array(arena, struct span, (size_t)count);
    for (size_t i = 0; i < count; i++)
        ids[i] = wire_take_text(input);
    record->ids = ids;
    record->id_count = (size_t)count;
}

/* Modulo 2^64: a hostile file may say anything. */
static int64_t take_time(struct wire_input *input, int64_t base_ms)
{
    return (int64_t)((uint64_t)base_ms + (uint64_t)wire_unzigzag(wire_take_varint(input)));
}

bool audit_record_peek(struct span payload, int64_t base_ms, enum audit_kind *ret_kind,
                       int64_t *ret_time_ms)
{
    struct wire_input input = wire_input_of(payload);
    enum audit_kind kind = (enum audit_kind)wire_take_varint(&input);
    int64_t time_ms = take_time(&input, base_ms);

    if (input.is_bad)
        return false;
    *ret_kind = kind;
    *ret_time_ms = time_ms;
    return true;
}

bool audit_record_get(struct span payload, struct audit_dictionary *dictionary, int64_t base_ms,
                      struct arena *arena, struct audit_record *ret_record, struct err *err)
{
    struct wire_input input = wire_input_of(payload);
    struct audit_record record = {.kind = (enum audit_kind)wire_take_varint(&input)};
    uint64_t mask, partition = 0;
    struct audit_item *items;

    record.time_ms = take_time(&input, base_ms);
    mask = wire_take_varint(&input);
    for (size_t i = 0; i < ARRAY_LEN(text_fields); i++)
        if (mask & UINT64_C(1) << i)
            *(struct span *)(void *)((char *)&record + text_fields[i]) =
                take_reference(&input, dictionary);
    if (mask & HAS_DIRECTIVE_SET)
        record.directive_set = wire_take_varint(&input);
    if (mask & HAS_LATENCY)
        record.latency_us = wire_take_varint(&input);
    if (mask & HAS_FLAGS)
        record.flags = (uint32_t)wire_take_varint(&input);
    if (mask & HAS_NUMBER) {
        partition = wire_take_varint(&input);
        record.number = wire_take_varint(&input);
    }
    record.partition = (uint16_t)partition;
    items = take_items(&input, mask, dictionary, arena, &record);
    if (mask & HAS_IDS)
        take_ids(&input, arena, &record);
    if (mask & HAS_PAYLOAD)
        record.payload = wire_take_text(&input);
    if (mask & HAS_SHADOW) {
        record.shadow_set = take_reference(&input, dictionary);
        input.is_bad |= record.shadow_set.length == 0;
        take_shadows(&input, dictionary, items, record.item_count);
    }
    if (input.is_bad || partition > UINT16_MAX || record.kind == 0)
        return err_set(err, ERR_STORE_CORRUPT, "an audit record cannot be read");
    *ret_record = record;
    return true;
}

bool audit_record_encode(const struct audit_record *record, struct arena *arena,
                         struct span *ret_bytes, struct err *err)
{
    uint8_t *bytes;
    size_t bytes_max = 0;

    if (!audit_record_measure(record, &bytes_max, err))
        return false;
    bytes = arena_alloc(arena, bytes_max);
    *ret_bytes = span_of(bytes, (size_t)(audit_record_put(bytes, record, NULL, 0) - bytes));
    return true;
}

bool audit_record_decode(struct span bytes, struct arena *arena, struct audit_record *ret_record,
                         struct err *err)
{
    return audit_record_get(bytes, NULL, 0, arena, ret_record, err);
}
