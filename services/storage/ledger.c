/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger. */
#include "storage/ledger.h"

#include "base/memory.h"

enum { BUCKETS = 1 << 16 };

_Static_assert(STORE_KEYS_MAX <= 32, "ledger_write.newest has a bit for each put");

/* What is known of a key. */
struct known_key {
    struct known_key *next; /* in its bucket */
    struct known_key *older, *newer;
    struct store_key key;
    uint64_t number;
    int64_t noted_ms;
    uint16_t partition;
    bool is_doubted;
};

/* Keys in the order in which they were noted or doubted. */
struct key_list {
    struct known_key *oldest, *newest;
    size_t count;
};

struct write_list {
    struct ledger_write *first;
    struct ledger_write **end;
};

struct ledger {
    struct known_key **buckets;
    struct key_list believed, doubted;
    struct write_list kept, doubted_writes, unsure;
    size_t keys_max, bytes_max, bytes;
};

/* Lists. */

static void write_list_init(struct write_list *list)
{
    *list = (struct write_list){.end = &list->first};
}

static void write_list_push(struct write_list *list, struct ledger_write *write)
{
    write->next = NULL;
    *list->end = write;
    list->end = &write->next;
}

static struct ledger_write *write_list_pop(struct write_list *list)
{
    struct ledger_write *write = list->first;

    if (write) {
        list->first = write->next;
        if (!list->first)
            list->end = &list->first;
    }
    return write;
}

static void key_list_push(struct key_list *list, struct known_key *known)
{
    known->newer = NULL;
    known->older = list->newest;
    if (list->newest)
        list->newest->newer = known;
    else
        list->oldest = known;
    list->newest = known;
    list->count++;
}

static void key_list_remove(struct key_list *list, struct known_key *known)
{
    if (known->older)
        known->older->newer = known->newer;
    else
        list->oldest = known->newer;
    if (known->newer)
        known->newer->older = known->older;
    else
        list->newest = known->older;
    list->count--;
}

static struct key_list *list_of(struct ledger *ledger, const struct known_key *known)
{
    return known->is_doubted ? &ledger->doubted : &ledger->believed;
}

static void set_doubted(struct ledger *ledger, struct known_key *known, bool is_doubted)
{
    if (known->is_doubted == is_doubted)
        return;
    key_list_remove(list_of(ledger, known), known);
    known->is_doubted = is_doubted;
    key_list_push(list_of(ledger, known), known);
}

/* Keys.  An id is a hash: its bits are as good as any. */

static struct known_key **find(const struct ledger *ledger, struct store_key key)
{
    struct known_key **link = &ledger->buckets[(key.id.low ^ key.space) % BUCKETS];

    while (*link && ((*link)->key.space != key.space || !hash128_equal((*link)->key.id, key.id)))
        link = &(*link)->next;
    return link;
}

static void forget_key(struct ledger *ledger, struct known_key *known)
{
    struct known_key **link = find(ledger, known->key);

    *link = known->next;
    key_list_remove(list_of(ledger, known), known);
    memory_free(known);
}

static void note_key(struct ledger *ledger, uint16_t partition, struct store_key key,
                     uint64_t number, int64_t now_ms)
{
    struct known_key **link = find(ledger, key), *known = *link;

    if (!known) {
        known = *link = memory_new(struct known_key);
        known->key = key;
        known->partition = partition;
    } else if (number <= known->number) {
        return;
    } else {
        key_list_remove(list_of(ledger, known), known);
    }
    known->number = number;
    known->noted_ms = now_ms;
    known->is_doubted = false;
    key_list_push(&ledger->believed, known);
}

/* Memory. */

static void free_all(struct write_list *list)
{
    struct ledger_write *write;

    while ((write = write_list_pop(list)))
        memory_free(write);
}

/* What is too old or too much; what is doubted stays. */
static void trim(struct ledger *ledger, int64_t now_ms)
{
    const struct known_key *oldest;
    const struct ledger_write *first;

    while ((oldest = ledger->believed.oldest) && now_ms - oldest->noted_ms > LEDGER_KEPT_MS)
        forget_key(ledger, ledger->believed.oldest);
    while (ledger->believed.oldest &&
           ledger->believed.count + ledger->doubted.count > ledger->keys_max)
        forget_key(ledger, ledger->believed.oldest);
    while ((first = ledger->kept.first) &&
           (now_ms - first->noted_ms > LEDGER_KEPT_MS || ledger->bytes > ledger->bytes_max)) {
        ledger->bytes -= first->bytes;
        memory_free(write_list_pop(&ledger->kept));
    }
}

struct ledger *ledger_new(size_t keys_max, size_t bytes_max)
{
    struct ledger *ledger = memory_new(struct ledger);

    ledger->buckets = memory_new_array(struct known_key *, BUCKETS);
    ledger->keys_max = keys_max;
    ledger->bytes_max = bytes_max;
    write_list_init(&ledger->kept);
    write_list_init(&ledger->doubted_writes);
    write_list_init(&ledger->unsure);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    while (ledger->believed.oldest)
        forget_key(ledger, ledger->believed.oldest);
    while (ledger->doubted.oldest)
        forget_key(ledger, ledger->doubted.oldest);
    free_all(&ledger->kept);
    free_all(&ledger->doubted_writes);
    free_all(&ledger->unsure);
    memory_free(ledger->buckets);
    memory_free(ledger);
}

/* Notes. */

static struct store_key key_of(const struct store_change *change)
{
    static const enum store_space spaces[] = {
        [STORE_CHANGE_SUBJECT] = STORE_SUBJECT,
        [STORE_CHANGE_CLAIM] = STORE_CLAIM,
        [STORE_CHANGE_DIRECTIVES] = STORE_REALM,
    };

    return (struct store_key){.space = spaces[change->kind], .id = change->id};
}

void ledger_note(struct ledger *ledger, const struct store_change *change, int64_t now_ms)
{
    note_key(ledger, change->partition, key_of(change), change->number, now_ms);
    trim(ledger, now_ms);
}

/* Own writes. */

static size_t count_bytes(const struct store_request *request)
{
    size_t bytes = sizeof(struct ledger_write) + request->guard_count * sizeof(*request->guards) +
                   request->put_count * sizeof(*request->puts) +
                   request->change_count * sizeof(*request->changes) +
                   request->outbox_count * sizeof(*request->outbox);

    for (size_t i = 0; i < request->put_count; i++)
        bytes += request->puts[i].data.length;
    for (size_t i = 0; i < request->outbox_count; i++)
        bytes += request->outbox[i].record.length;
    return bytes;
}

static void *copy(uint8_t **room, const void *source, size_t bytes)
{
    void *place = *room;

    if (bytes > 0)
        memcpy(place, source, bytes);
    *room += bytes;
    return place;
}

static struct span copy_span(uint8_t **room, struct span span)
{
    return span_of(copy(room, span.data, span.length), span.length);
}

/* The arrays stand first: they need their alignment, the data behind them none. */
struct ledger_write *ledger_sent(const struct store_request *request)
{
    size_t bytes = count_bytes(request);
    struct ledger_write *write = memory_alloc(bytes);
    uint8_t *room = (uint8_t *)(write + 1);

    *write = (struct ledger_write){
        .bytes = bytes,
        .partition = request->partition,
        .guard_count = request->guard_count,
        .put_count = request->put_count,
        .change_count = request->change_count,
        .outbox_count = request->outbox_count,
    };
    write->guards = copy(&room, request->guards, write->guard_count * sizeof(*write->guards));
    write->puts = copy(&room, request->puts, write->put_count * sizeof(*write->puts));
    write->changes = copy(&room, request->changes, write->change_count * sizeof(*write->changes));
    write->outbox = copy(&room, request->outbox, write->outbox_count * sizeof(*write->outbox));
    for (size_t i = 0; i < write->put_count; i++)
        write->puts[i].data = copy_span(&room, write->puts[i].data);
    for (size_t i = 0; i < write->outbox_count; i++)
        write->outbox[i].record = copy_span(&room, write->outbox[i].record);
    return write;
}

static void keep(struct ledger *ledger, struct ledger_write *write, int64_t now_ms)
{
    write->noted_ms = now_ms;
    write->is_lost = false;
    ledger->bytes += write->bytes;
    write_list_push(&ledger->kept, write);
    trim(ledger, now_ms);
}

void ledger_written(struct ledger *ledger, struct ledger_write *write, uint64_t number,
                    int64_t now_ms)
{
    write->number = number;
    for (size_t i = 0; i < write->put_count; i++)
        note_key(ledger, write->partition, write->puts[i].key, number, now_ms);
    for (size_t i = 0; i < write->change_count; i++)
        note_key(ledger, write->partition, key_of(&write->changes[i]), number, now_ms);
    keep(ledger, write, now_ms);
}

void ledger_refused(struct ledger_write *write)
{
    memory_free(write);
}

void ledger_unsure(struct ledger *ledger, struct ledger_write *write)
{
    write->number = 0;
    write_list_push(&ledger->unsure, write);
}

/* Epochs. */

/* Take all writes of the partition out of a list. */
static void split(struct write_list *list, uint16_t partition, struct write_list *ret_taken)
{
    struct ledger_write *write = list->first, *next;

    write_list_init(list);
    write_list_init(ret_taken);
    for (; write; write = next) {
        next = write->next;
        write_list_push(write->partition == partition ? ret_taken : list, write);
    }
}

void ledger_stay(struct ledger *ledger, uint16_t partition)
{
    struct write_list taken;

    split(&ledger->unsure, partition, &taken);
    free_all(&taken);
}

/* What a number says of the server: it has everything up to `inherited`, and what is older than
 * that epoch was looked at when that epoch began. */
static bool is_doubtful(uint64_t number, uint64_t epoch, uint64_t inherited)
{
    return number >> STORE_NUMBER_COUNTER_BITS < epoch && (inherited == 0 || number > inherited);
}

static void doubt_keys(struct ledger *ledger, uint16_t partition, uint64_t epoch,
                       uint64_t inherited)
{
    struct known_key *newer;

    for (struct known_key *known = ledger->believed.oldest; known; known = newer) {
        newer = known->newer;
        if (known->partition == partition && is_doubtful(known->number, epoch, inherited))
            set_doubted(ledger, known, true);
    }
}

/* What it changes was written, as the feed has told, and the server lacks it. */
static bool has_happened(const struct ledger *ledger, const struct ledger_write *write)
{
    for (size_t i = 0; i < write->change_count; i++) {
        const struct known_key *known = *find(ledger, key_of(&write->changes[i]));

        if (known && known->is_doubted)
            return true;
    }
    return false;
}

void ledger_enter(struct ledger *ledger, uint16_t partition, uint64_t epoch, uint64_t inherited)
{
    struct ledger_write *write;
    struct write_list taken;

    doubt_keys(ledger, partition, epoch, inherited);
    split(&ledger->kept, partition, &taken);
    while ((write = write_list_pop(&taken))) {
        if (!is_doubtful(write->number, epoch, inherited)) {
            write_list_push(&ledger->kept, write);
            continue;
        }
        ledger->bytes -= write->bytes;
        write->is_lost = inherited != 0;
        write_list_push(&ledger->doubted_writes, write);
    }
    split(&ledger->unsure, partition, &taken);
    while ((write = write_list_pop(&taken))) {
        if (has_happened(ledger, write))
            write_list_push(&ledger->doubted_writes, write);
        else
            memory_free(write);
    }
}

struct ledger_write *ledger_take_doubted(struct ledger *ledger)
{
    struct ledger_write *write = write_list_pop(&ledger->doubted_writes);

    if (!write)
        return NULL;
    write->newest = 0;
    for (size_t i = 0; i < write->put_count; i++) {
        const struct known_key *known = *find(ledger, write->puts[i].key);

        if (known && known->number == write->number)
            write->newest |= UINT32_C(1) << i;
    }
    return write;
}

void ledger_doubt(struct ledger *ledger, struct ledger_write *write)
{
    write_list_push(&ledger->doubted_writes, write);
}

void ledger_put_again(struct ledger *ledger, struct ledger_write *write, uint64_t number,
                      const bool *was_put, int64_t now_ms)
{
    for (size_t i = 0; i < write->put_count; i++) {
        struct known_key *known = *find(ledger, write->puts[i].key);

        if (number != 0 && was_put[i])
            note_key(ledger, write->partition, write->puts[i].key, number, now_ms);
        else if (known && known->number == write->number)
            set_doubted(ledger, known, false); /* what was found there is as new, or newer */
    }
    if (number != 0)
        write->number = number;
    keep(ledger, write, now_ms);
}

bool ledger_believes(struct ledger *ledger, struct store_key key, uint64_t version)
{
    struct known_key *known;

    if (ledger->doubted.count == 0)
        return true;
    known = *find(ledger, key);
    if (!known || !known->is_doubted)
        return true;
    if (version < known->number)
        return false;
    set_doubted(ledger, known, false);
    return true;
}

void ledger_get_stats(const struct ledger *ledger, struct ledger_stats *ret_stats)
{
    *ret_stats = (struct ledger_stats){
        .keys = ledger->believed.count + ledger->doubted.count,
        .doubted_keys = ledger->doubted.count,
        .bytes = ledger->bytes,
    };
}
