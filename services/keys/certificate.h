/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate of a listener: what its files hold, looked at before anything serves with it.
 *
 * The library that serves takes what it is given: a key that is another's, a certificate of last
 * year, half a file.  Here all of it is read once, checked, and handed on as the bytes that were
 * checked, so that nothing can change in between.
 */
#ifndef KEYS_CERTIFICATE_H
#define KEYS_CERTIFICATE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

struct certificate_files {
    const char *chain;     /* PEM, intermediates behind the certificate; NULL: plaintext */
    const char *key;       /* PEM, without a passphrase */
    const char *client_ca; /* PEM; NULL: who connects is not asked for a certificate */
};

/* The content of the files, with a NUL behind each. */
struct certificate {
    struct arena arena;
    struct span chain;
    struct span key;
    struct span client_ca; /* empty when there is no such file */
    uint8_t digest[SHA256_BYTES];
    int64_t expires_at_ms; /* of the first in the chain that does; set by certificate_check() */
};

/* IO names the file that cannot be read. */
MUST_CHECK bool certificate_read(const struct certificate_files *files,
                                 struct certificate *ret_certificate, struct err *err);

/* Wipes the key. */
void certificate_release(struct certificate *certificate);

/*
 * Whether a server can be reached with it now: all of it is PEM, the chain is in its dates, the
 * certificate is for servers and has a name that clients can compare (subjectAltName), the key is
 * its own and not for everybody, OpenSSL finds both strong enough; of the authorities at least one
 * is an authority and in its dates.  CONFIG_INVALID says which file, and what is wrong with it.
 */
MUST_CHECK bool certificate_check(const struct certificate_files *files,
                                  struct certificate *certificate, int64_t now_ms, struct err *err);

/* -- Files that are looked at again and again -- */

enum certificate_finding {
    CERTIFICATE_UNCHANGED, /* as before, not settled yet, or refused and told already */
    CERTIFICATE_CHANGED,   /* another one, and it was checked */
    CERTIFICATE_REFUSED,   /* another one that cannot be used; told once per reason */
};

struct certificate_watch {
    struct certificate_files files;
    uint8_t used[SHA256_BYTES];
    uint8_t seen[SHA256_BYTES]; /* by the last look; all zero: could not be read */
    bool is_refused;            /* the files hold something else than what is used */
    char complaint[ERR_DETAIL_MAX];
};

/* The first look: what is to be used must be there. */
MUST_CHECK bool certificate_watch_begin(struct certificate_watch *watch,
                                        const struct certificate_files *files, int64_t now_ms,
                                        struct certificate *ret_certificate, struct err *err);

/*
 * Another look.  Files are not replaced in one step: a change counts when two looks in a row saw
 * the same, or at once when somebody says so (`is_settled`).  CHANGED yields a certificate, which
 * certificate_watch_use() or certificate_watch_refuse() must hear of; REFUSED fills `err`.
 */
enum certificate_finding certificate_watch_look(struct certificate_watch *watch, int64_t now_ms,
                                                bool is_settled,
                                                struct certificate *ret_certificate,
                                                struct err *err);

void certificate_watch_use(struct certificate_watch *watch, const struct certificate *certificate);
/* Somebody else's reason not to use it.  REFUSED, or UNCHANGED when that was said already. */
enum certificate_finding certificate_watch_refuse(struct certificate_watch *watch,
                                                  const struct err *err);

#endif
