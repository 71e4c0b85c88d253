/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dossier: all readings of one subject that count, compared with one another.  What holds on which
 * day is asked of it; it does not depend on a day itself.
 *
 * Internal to facts/.
 */
#ifndef DOMAIN_FACTS_DOSSIER_H
#define DOMAIN_FACTS_DOSSIER_H

#include "domain/facts/reading.h"

struct dossier {
    country_id usa;
    size_t count;
    struct reading readings[FACTS_EVIDENCE_MAX];
};

/* Take what is not revoked and not replaced, mark what contradicts, work out when conditional
 * residence ends. */
void dossier_of(const struct facts_input *input, struct dossier *ret_dossier);

/* The latest stated end of a holding that has come by `today`, whoever states it, and the latest
 * one that is more than the subject's own word. */
struct loss {
    bool is_lost;
    int32_t day;                     /* DAY_NONE when not known */
    const struct reading *statement; /* NULL when not lost */
    const struct reading *attested;  /* NULL when only declared */
};

struct loss dossier_loss(const struct dossier *dossier, enum holding holding, country_id country,
                         int32_t today);

/* How a reading's holding stands on a day. */
enum standing {
    STANDING_NOT_YET,   /* begins later, or says so later */
    STANDING_HELD,      /* holds */
    STANDING_CONTESTED, /* stated to be lost, and recognised after that; or only declared lost */
    STANDING_ENDED,
};

enum standing reading_standing(const struct reading *reading, enum holding holding,
                               country_id country, const struct loss *loss, int32_t today);

/* Whose proof a US status, or residence, that the reading gives has on a day: its own, or that of
 * the receipt without which it would have ended, if that is worth less. */
const struct reading *reading_backer(const struct reading *reading, int32_t today);

/* Does it say anything yet? */
bool reading_speaks(const struct reading *reading, int32_t today);

#endif
