/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates: what the listeners serve with, exchanged when their files change.
 *
 * What is new is checked before it is used (keys/certificate.h).  What cannot be used leaves the
 * old in its place, is logged once, and shows in metrics for as long as the files hold it.
 */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include "base/clock.h"
#include "keys/certificate.h"
#include "telemetry/metrics.h"

struct certificates;

struct certificates *certificates_new(struct metrics *metrics, const struct clock *clock);
/* NULL is allowed. */
void certificates_free(struct certificates *certificates);

/* Who serves with it. */
struct certificate_user {
    enum metrics_listener listener;
    bool (*renew)(void *owner, const struct certificate *certificate, struct err *err);
    void *owner;
};

/* At start: what the files hold now, to be released by the caller.  From then on `renew` is called
 * by certificates_look(). */
MUST_CHECK bool certificates_begin(struct certificates *certificates,
                                   const struct certificate_files *files,
                                   const struct certificate_user *user,
                                   struct certificate *ret_certificate, struct err *err);

/* One thread.  `is_settled`: somebody says that the files are complete, else two looks have to see
 * the same. */
void certificates_look(struct certificates *certificates, bool is_settled);

#endif
