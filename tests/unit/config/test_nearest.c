/* SPDX-License-Identifier: Apache-2.0 */
/* Nearness of words. */
#include "config/nearest.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *best_of(const char *word)
{
    static const char *const words[] = {"audit",  "bytes",         "fresh",
                                        "listen", "in_flight_max", "url"};
    struct nearest nearest = nearest_to(span_text(word));

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        nearest_offer(&nearest, words[i]);
    return nearest.best;
}

static void a_letter_more_less_other_or_swapped_is_near(void **state)
{
    (void)state;
    assert_string_equal(best_of("listenn"), "listen");
    assert_string_equal(best_of("lisen"), "listen");
    assert_string_equal(best_of("lizten"), "listen");
    assert_string_equal(best_of("lisetn"), "listen");
    assert_string_equal(best_of("inflightmax"), "in_flight_max");
    assert_string_equal(best_of("ulr"), "url");
}

static void what_shares_little_is_not_near(void **state)
{
    char long_word[100];

    (void)state;
    assert_null(best_of("policy"));
    assert_null(best_of("x"));
    assert_null(best_of(""));
    memset(long_word, 'a', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = '\0';
    assert_null(best_of(long_word));
}

static void of_equally_near_words_the_first_stays(void **state)
{
    struct nearest nearest = nearest_to(span_text("cat"));

    (void)state;
    nearest_offer(&nearest, "bat");
    nearest_offer(&nearest, "hat");
    assert_string_equal(nearest.best, "bat");
    nearest_offer(&nearest, "cat");
    assert_string_equal(nearest.best, "cat");
    assert_int_equal(nearest.distance, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_more_less_other_or_swapped_is_near),
        cmocka_unit_test(what_shares_little_is_not_near),
        cmocka_unit_test(of_equally_near_words_the_first_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
