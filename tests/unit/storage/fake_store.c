/* SPDX-License-Identifier: Apache-2.0 */
/* A store without a disk whose every step is the test's. */
#include "unit/storage/fake_store.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { VALUES_MAX = 4096 };

struct value {
    struct hash128 subject;
    uint64_t version;
    struct span data; /* on the heap */
};

struct queue {
    struct store_request *oldest;
    struct store_request **end;
    size_t count;
};

struct fake_store {
    struct store store;
    struct store_listener *listener;
    pthread_mutex_t mutex;           /* over everything below */
    struct value values[VALUES_MAX]; /* by the low half of the hash, open addressing */
    struct queue waiting;
    struct queue read;
    size_t submitted;
    uint64_t number;
    _Atomic int64_t feed_alive_ms; /* by a clock that stands at 0 */
};

const struct names fake_names = {
    .key = {.bytes = {7, 7, 7}},
    .partition_count = 1,
};

static struct fake_store *fake_of(struct store *store)
{
    return CONTAINER_OF(store, struct fake_store, store);
}

static void push(struct queue *queue, struct store_request *request)
{
    request->next = NULL;
    *queue->end = request;
    queue->end = &request->next;
    queue->count++;
}

static struct store_request *take(struct queue *queue, size_t index)
{
    struct store_request **link = &queue->oldest, *request;

    while (*link && index-- > 0)
        link = &(*link)->next;
    request = *link;
    if (!request)
        return NULL;
    *link = request->next;
    if (!request->next)
        queue->end = link;
    queue->count--;
    return request;
}

static void submit(struct store *store, struct store_request *request)
{
    struct fake_store *fake = fake_of(store);

    pthread_mutex_lock(&fake->mutex);
    push(&fake->waiting, request);
    fake->submitted++;
    pthread_mutex_unlock(&fake->mutex);
}

static void listen_to(struct store *store, struct store_listener *listener)
{
    fake_of(store)->listener = listener;
}

static int64_t midnight_ms(const struct clock *clock)
{
    (void)clock;
    return 0;
}

static const struct clock midnight = {.wall_ms = midnight_ms, .monotonic_ms = midnight_ms};

static void get_state(struct store *store, struct store_state *ret_state)
{
    (void)store;
    *ret_state = (struct store_state){
        .is_up = true,
        .epoch = 1,
    };
}

static void free_store(struct store *store)
{
    struct fake_store *fake = fake_of(store);
    struct store_request *request;
    struct err err;

    err_set(&err, ERR_STORE_UNAVAILABLE, "closing");
    while ((request = take(&fake->read, 0)) || (request = take(&fake->waiting, 0)))
        store_fail(request, &err);
    for (size_t i = 0; i < VALUES_MAX; i++)
        memory_free((void *)(uintptr_t)fake->values[i].data.data);
    pthread_mutex_destroy(&fake->mutex);
    memory_free(fake);
}

static const struct store_ops ops = {
    .name = "fake",
    .submit = submit,
    .listen = listen_to,
    .state = get_state,
    .free = free_store,
};

struct fake_store *fake_store_new(void)
{
    struct fake_store *fake = memory_new(struct fake_store);

    fake->store = (struct store){
        .ops = &ops,
        .partition_count = 1,
        .durability = "none",
        .feed_alive_ms = &fake->feed_alive_ms,
        .clock = &midnight,
    };
    pthread_mutex_init(&fake->mutex, NULL);
    fake->waiting.end = &fake->waiting.oldest;
    fake->read.end = &fake->read.oldest;
    fake->number = UINT64_C(1) << STORE_NUMBER_COUNTER_BITS;
    return fake;
}

void fake_store_free(struct fake_store *fake)
{
    store_free(&fake->store);
}

struct store *fake_store_as_store(struct fake_store *fake)
{
    return &fake->store;
}

/* Writing. */

static const char *id_of(unsigned subject, char text[static 24])
{
    snprintf(text, 24, "user-%u", subject);
    return text;
}

struct hash128 fake_subject(unsigned subject)
{
    char id[24];

    return names_subject_hash(&fake_names, span_text(id_of(subject, id)));
}

static struct value *value_of(struct fake_store *fake, struct hash128 subject)
{
    size_t i = subject.low % VALUES_MAX;

    while (fake->values[i].data.data && !hash128_equal(fake->values[i].subject, subject))
        i = (i + 1) % VALUES_MAX;
    return &fake->values[i];
}

static uint64_t put(struct fake_store *fake, struct hash128 subject, struct span data)
{
    struct value *value;
    uint64_t number;

    pthread_mutex_lock(&fake->mutex);
    value = value_of(fake, subject);
    memory_free((void *)(uintptr_t)value->data.data);
    value->subject = subject;
    value->version = number = ++fake->number;
    value->data = span_of(memory_text(data), data.length);
    pthread_mutex_unlock(&fake->mutex);
    return number;
}

uint64_t fake_store_write_untold(struct fake_store *fake, unsigned subject, int32_t version)
{
    char id[24], organization[24];
    struct evidence evidence = EVIDENCE_EMPTY;
    struct affiliation affiliation = {
        .as = AFFILIATION_EMPLOYEE,
        .until_day = DAY_NONE,
        .review_by_day = DAY_NONE,
    };
    struct record record = {
        .subject = span_text(id_of(subject, id)),
        .hash = fake_subject(subject),
        .kind = SUBJECT_USER,
        .evidence = &evidence,
        .evidence_count = 1,
        .affiliations = &affiliation,
        .affiliation_count = 1,
    };
    struct arena arena;
    uint64_t number;

    evidence.id = span_text("ev-1");
    evidence.vendor = span_text("veriff");
    evidence.check_id = span_text("1");
    evidence.class = EVIDENCE_PASSPORT;
    evidence.proof = PROOF_CHIP;
    evidence.issuer = evidence.nationality = country_from_alpha3(span_text("DEU"));
    evidence.source = FACT_SOURCE_DOCUMENT;
    evidence.acquired = (struct evidence_date){.precision = DATE_EXACT, .day = version};
    evidence.verified_at_ms = (version + 1) * TIMESTAMP_DAY_MS;
    snprintf(organization, sizeof(organization), "org/%u", subject);
    affiliation.organization = span_text(organization);
    arena_init(&arena, 1024);
    number = put(fake, record.hash, record_encode(&record, &arena));
    arena_release(&arena);
    return number;
}

static void tell(struct fake_store *fake, unsigned subject, uint64_t number, bool is_ahead)
{
    struct store_change change = {
        .number = number,
        .kind = STORE_CHANGE_SUBJECT,
        .id = fake_subject(subject),
        .is_ahead = is_ahead,
    };

    fake->listener->on_change(fake->listener, &change);
}

void fake_store_tell(struct fake_store *fake, unsigned subject, uint64_t number)
{
    tell(fake, subject, number, false);
}

void fake_store_tell_ahead(struct fake_store *fake, unsigned subject, uint64_t number)
{
    tell(fake, subject, number, true);
}

uint64_t fake_store_write(struct fake_store *fake, unsigned subject, int32_t version)
{
    uint64_t number = fake_store_write_untold(fake, subject, version);

    fake_store_tell(fake, subject, number);
    return number;
}

void fake_store_tell_reset(struct fake_store *fake)
{
    fake->listener->on_reset(fake->listener, 0);
}

void fake_store_write_record(struct fake_store *fake, const struct record *record)
{
    struct arena arena;

    arena_init(&arena, 1024);
    put(fake, record->hash, record_encode(record, &arena));
    arena_release(&arena);
}

void fake_store_write_bytes(struct fake_store *fake, struct hash128 subject, struct span value)
{
    put(fake, subject, value);
}

/* Reading and answering. */

size_t fake_store_waiting(struct fake_store *fake)
{
    size_t count;

    pthread_mutex_lock(&fake->mutex);
    count = fake->waiting.count;
    pthread_mutex_unlock(&fake->mutex);
    return count;
}

size_t fake_store_submitted(struct fake_store *fake)
{
    size_t count;

    pthread_mutex_lock(&fake->mutex);
    count = fake->submitted;
    pthread_mutex_unlock(&fake->mutex);
    return count;
}

static void read_value(struct fake_store *fake, struct store_request *request)
{
    struct value *value = value_of(fake, request->keys[0].id);

    request->values = arena_new(&request->arena, struct store_value);
    request->number = fake->number;
    request->is_ok = true;
    if (value->data.data)
        *request->values = (struct store_value){
            .version = value->version,
            .expires_at_ms = TIMESTAMP_NEVER_MS,
            .data = arena_copy(&request->arena, value->data),
        };
}

bool fake_store_read_any(struct fake_store *fake, uint64_t choice)
{
    struct store_request *request = NULL;

    pthread_mutex_lock(&fake->mutex);
    if (fake->waiting.count > 0)
        request = take(&fake->waiting, choice % fake->waiting.count);
    if (request) {
        read_value(fake, request);
        push(&fake->read, request);
    }
    pthread_mutex_unlock(&fake->mutex);
    return request != NULL;
}

bool fake_store_read(struct fake_store *fake)
{
    return fake_store_read_any(fake, 0);
}

bool fake_store_refuse(struct fake_store *fake, enum err_code code)
{
    struct store_request *request;

    pthread_mutex_lock(&fake->mutex);
    request = take(&fake->waiting, 0);
    if (request) {
        request->is_ok = false;
        err_set(&request->err, code, "refused by the test");
        push(&fake->read, request);
    }
    pthread_mutex_unlock(&fake->mutex);
    return request != NULL;
}

bool fake_store_answer(struct fake_store *fake)
{
    struct store_request *request;

    pthread_mutex_lock(&fake->mutex);
    request = take(&fake->read, 0);
    pthread_mutex_unlock(&fake->mutex);
    if (request && request->is_ok)
        store_finish(request);
    else if (request)
        store_fail(request, &request->err);
    return request != NULL;
}

void fake_store_set_feed_age(struct fake_store *fake, int64_t feed_age_ms)
{
    atomic_store(&fake->feed_alive_ms, -feed_age_ms);
}

bool fake_facts_are_of(const struct facts *facts, unsigned subject)
{
    char organization[24];

    snprintf(organization, sizeof(organization), "org/%u", subject);
    return facts->header.affiliation_count == 1 &&
           facts_affiliations(facts)->organization == organization_key(span_text(organization));
}

int32_t fake_facts_version(const struct facts *facts)
{
    return facts->header.citizenship_count == 1 ? facts_citizenships(facts)->acquired_day
                                                : DAY_NONE;
}
