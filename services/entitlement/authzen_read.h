/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an AuthZEN request asks (OpenID AuthZEN Authorization API 1.0, sections 6 and 7), read from
 * its JSON into questions of the check.  Pure.
 *
 * A subject is found by its id; its type must be there and says nothing.  Properties are taken for
 * what they are, somebody's word, and are not looked at.  Members that are not known are ignored.
 */
#ifndef ENTITLEMENT_AUTHZEN_READ_H
#define ENTITLEMENT_AUTHZEN_READ_H

#include "entitlement/check.h"

enum {
    AUTHZEN_EVALUATION_BYTES_MAX = 32 * 1024,
    AUTHZEN_EVALUATIONS_BYTES_MAX = 512 * 1024,
    AUTHZEN_TYPE_BYTES_MAX = 64, /* of subject.type */
};

struct authzen_questions {
    const struct check_input *inputs;
    size_t count;
    bool is_batch; /* the answer has a list, also if it is of one */
    enum check_end ends;
};

/*
 * Read and validate one question.  What is read lives as long as the arena.  MESSAGE_MALFORMED
 * without a field for what is no JSON, with a field ("subject.id") for what is of another type; the
 * FIELD_ reasons.  A member of `context` is named by its place: "context[2].value".
 */
MUST_CHECK bool authzen_read_evaluation(struct span body, struct arena *arena,
                                        struct authzen_questions *ret_questions, struct err *err);

/*
 * The same for a list, in which each has what it does not say itself from the top level.  Without
 * one it is one question.  One that is wrong ("evaluations[3].resource.id") refuses the whole: a
 * list that was not understood must not be answered as if it had been.
 */
MUST_CHECK bool authzen_read_evaluations(struct span body, struct arena *arena,
                                         struct authzen_questions *ret_questions, struct err *err);

#endif
