/* SPDX-License-Identifier: Apache-2.0 */
/* A watch over the files of a certificate: what is used, what was seen, what was said about it. */
#include "keys/certificate.h"

#include <stdio.h>

bool certificate_watch_begin(struct certificate_watch *watch, const struct certificate_files *files,
                             int64_t now_ms, struct certificate *ret_certificate, struct err *err)
{
    struct certificate certificate;

    if (!certificate_read(files, &certificate, err))
        return false;
    if (!certificate_check(files, &certificate, now_ms, err)) {
        certificate_release(&certificate);
        return false;
    }
    *watch = (struct certificate_watch){.files = *files};
    certificate_watch_use(watch, &certificate);
    *ret_certificate = certificate;
    return true;
}

static bool is_equal(const uint8_t a[static SHA256_BYTES], const uint8_t b[static SHA256_BYTES])
{
    return memcmp(a, b, SHA256_BYTES) == 0;
}

/* What the files hold is not what the look before saw. */
static bool has_moved(struct certificate_watch *watch, const uint8_t digest[static SHA256_BYTES])
{
    bool has = !is_equal(watch->seen, digest);

    memcpy(watch->seen, digest, SHA256_BYTES);
    return has;
}

static void forget_complaint(struct certificate_watch *watch)
{
    watch->is_refused = false;
    watch->complaint[0] = '\0';
}

static enum certificate_finding judge(struct certificate_watch *watch, int64_t now_ms,
                                      bool is_settled, struct certificate *certificate,
                                      struct err *err)
{
    if (has_moved(watch, certificate->digest) && !is_settled)
        return CERTIFICATE_UNCHANGED;
    if (is_equal(certificate->digest, watch->used)) {
        forget_complaint(watch);
        return CERTIFICATE_UNCHANGED;
    }
    /* Also what was refused before: its time may have come. */
    if (!certificate_check(&watch->files, certificate, now_ms, err))
        return certificate_watch_refuse(watch, err);
    return CERTIFICATE_CHANGED;
}

enum certificate_finding certificate_watch_look(struct certificate_watch *watch, int64_t now_ms,
                                                bool is_settled,
                                                struct certificate *ret_certificate,
                                                struct err *err)
{
    static const uint8_t unreadable[SHA256_BYTES];
    struct certificate certificate;
    enum certificate_finding finding;

    if (!certificate_read(&watch->files, &certificate, err))
        return has_moved(watch, unreadable) && !is_settled ? CERTIFICATE_UNCHANGED
                                                           : certificate_watch_refuse(watch, err);
    finding = judge(watch, now_ms, is_settled, &certificate, err);
    if (finding == CERTIFICATE_CHANGED)
        *ret_certificate = certificate;
    else
        certificate_release(&certificate);
    return finding;
}

void certificate_watch_use(struct certificate_watch *watch, const struct certificate *certificate)
{
    memcpy(watch->used, certificate->digest, SHA256_BYTES);
    memcpy(watch->seen, certificate->digest, SHA256_BYTES);
    forget_complaint(watch);
}

enum certificate_finding certificate_watch_refuse(struct certificate_watch *watch,
                                                  const struct err *err)
{
    watch->is_refused = true;
    if (strcmp(watch->complaint, err->detail) == 0)
        return CERTIFICATE_UNCHANGED;
    snprintf(watch->complaint, sizeof(watch->complaint), "%s", err->detail);
    return CERTIFICATE_REFUSED;
}
