/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates. */
#include "server/certificates.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"

#include <stdatomic.h>

struct slot {
    struct certificate_user user; /* `renew` NULL: plaintext */
    struct certificate_watch watch;
    _Atomic int64_t expires_at_ms;
    atomic_bool is_refused;
};

struct certificates {
    struct metrics *metrics;
    const struct clock *clock;
    struct slot slots[METRICS_LISTENER_COUNT];
};

static double read_expiry(void *owner, size_t value)
{
    return (double)atomic_load(&((struct certificates *)owner)->slots[value].expires_at_ms) / 1000;
}

static double read_refused(void *owner, size_t value)
{
    return atomic_load(&((struct certificates *)owner)->slots[value].is_refused) ? 1 : 0;
}

struct certificates *certificates_new(struct metrics *metrics, const struct clock *clock)
{
    struct certificates *certificates = memory_new(struct certificates);

    certificates->metrics = metrics;
    certificates->clock = clock;
    metrics_set_source(metrics, METRIC_CERTIFICATE_EXPIRY, read_expiry, certificates);
    metrics_set_source(metrics, METRIC_CERTIFICATE_REFUSED, read_refused, certificates);
    return certificates;
}

void certificates_free(struct certificates *certificates)
{
    memory_free(certificates);
}

static void count(struct certificates *certificates, enum metrics_outcome outcome)
{
    metrics_count(metrics_shared(certificates->metrics), METRIC_CERTIFICATE_LOADS, outcome, 1);
}

static void note_use(struct certificates *certificates, struct slot *slot,
                     const struct certificate *certificate)
{
    char text[TIMESTAMP_TEXT_MAX];

    atomic_store(&slot->expires_at_ms, certificate->expires_at_ms);
    count(certificates, METRICS_SUCCESS);
    LOG(INFO, "certificate.loaded", "serving with this certificate",
        log_text("file", slot->watch.files.chain),
        log_text("expires", timestamp_format(certificate->expires_at_ms, text)));
}

bool certificates_begin(struct certificates *certificates, const struct certificate_files *files,
                        const struct certificate_user *user, struct certificate *ret_certificate,
                        struct err *err)
{
    struct slot *slot = &certificates->slots[user->listener];

    if (!certificate_watch_begin(&slot->watch, files, clock_wall_ms(certificates->clock),
                                 ret_certificate, err))
        return false;
    slot->user = *user;
    note_use(certificates, slot, ret_certificate);
    return true;
}

/* The listener has the last word. */
static enum certificate_finding use(struct certificates *certificates, struct slot *slot,
                                    const struct certificate *certificate, struct err *err)
{
    if (!slot->user.renew(slot->user.owner, certificate, err))
        return certificate_watch_refuse(&slot->watch, err);
    certificate_watch_use(&slot->watch, certificate);
    note_use(certificates, slot, certificate);
    return CERTIFICATE_CHANGED;
}

static void look_at(struct certificates *certificates, struct slot *slot, bool is_settled)
{
    struct certificate certificate;
    struct err err;
    enum certificate_finding finding = certificate_watch_look(
        &slot->watch, clock_wall_ms(certificates->clock), is_settled, &certificate, &err);

    if (finding == CERTIFICATE_CHANGED) {
        finding = use(certificates, slot, &certificate, &err);
        certificate_release(&certificate);
    }
    if (finding == CERTIFICATE_REFUSED) {
        count(certificates, METRICS_FAILURE);
        log_err("certificate.refused", "the certificate in use stays", &err);
    }
    atomic_store(&slot->is_refused, slot->watch.is_refused);
}

void certificates_look(struct certificates *certificates, bool is_settled)
{
    for (size_t i = 0; i < ARRAY_LEN(certificates->slots); i++)
        if (certificates->slots[i].user.renew)
            look_at(certificates, &certificates->slots[i], is_settled);
}
