/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of peers that are refused in a handshake: a line in the log that says why. */
#ifndef KEYS_REFUSED_CERTIFICATE_H
#define KEYS_REFUSED_CERTIFICATE_H

/*
 * Once, before anything of TLS is made.  From then on every certificate that OpenSSL does not
 * accept in this process is logged as `tls.certificate` with OpenSSL's reason ("certificate has
 * expired"), a few a second at most; whose it says it is stays out of the log.  Nothing is accepted
 * or refused by this.
 */
void refused_certificate_log_all(void);

#endif
