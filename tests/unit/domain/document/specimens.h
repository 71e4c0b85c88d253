/* SPDX-License-Identifier: Apache-2.0 */
/* The specimens of Doc 9303, and what the tests do with them. */
#ifndef TESTS_UNIT_DOMAIN_DOCUMENT_SPECIMENS_H
#define TESTS_UNIT_DOMAIN_DOCUMENT_SPECIMENS_H

#include "domain/document/mrz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define P_NAME   "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
#define V_A_NAME "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
#define V_B_NAME "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<"
#define I_2_NAME "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<"
#define I_1_NAME "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"

static const struct specimen {
    const char *text;
    enum mrz_format format;
    const char *document_code, *issuer, *nationality, *number, *birth, *expiry;
} specimens[] = {
    {P_NAME "\nL898902C36UTO7408122F1204159ZE184226B<<<<<10", MRZ_TD3, "P", "UTO", "UTO",
     "L898902C3", "1974-08-12", "2012-04-15"},
    {P_NAME "\nL898902C<3UTO6908061F9406236ZE184226B<<<<<14", MRZ_TD3, "P", "UTO", "UTO",
     "L898902C", "1969-08-06", "1994-06-23"},
    {P_NAME "\nHA672242<6YTO5802254M9601086<<<<<<<<<<<<<<08", MRZ_TD3, "P", "UTO", "YTO",
     "HA672242", "1958-02-25", "1996-01-08"},
    {"P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<\nC01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4",
     MRZ_TD3, "P", "D", "D", "C01X00T47", "1964-08-12", "2027-02-28"},
    {I_2_NAME "\nD231458907UTO7408122F1204159<<<<<<<6", MRZ_TD2, "I", "UTO", "UTO", "D23145890",
     "1974-08-12", "2012-04-15"},
    {I_2_NAME "\nHA672242<6YTO5802254M9601086<<<<<<<8", MRZ_TD2, "I", "UTO", "YTO", "HA672242",
     "1958-02-25", "1996-01-08"},
    {"I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\n" I_1_NAME, MRZ_TD1, "I",
     "UTO", "UTO", "D23145890", "1974-08-12", "2012-04-15"},
    {"I<YTOD231458907<<<<<<<<<<<<<<<\n3407127M9507122YTO<<<<<<<<<<<2\n" I_1_NAME, MRZ_TD1, "I",
     "YTO", "YTO", "D23145890", "1934-07-12", "1995-07-12"},
    {"I<UTOD23145890<XYZ5<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<0\n" I_1_NAME, MRZ_TD1, "I",
     "UTO", "UTO", "D23145890XYZ", "1974-08-12", "2012-04-15"},
    {V_A_NAME "\nL898902C<3UTO6908061F9406236ZE184226B<<<<<<<", MRZ_MRV_A, "V", "UTO", "UTO",
     "L898902C", "1969-08-06", "1994-06-23"},
    {V_A_NAME "\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<", MRZ_MRV_A, "V", "UTO", "XXX",
     "L8988901C", "1940-09-07", "1996-12-10"},
    {V_B_NAME "\nL898902C<3UTO6908061F9406236ZE184226", MRZ_MRV_B, "V", "UTO", "UTO", "L898902C",
     "1969-08-06", "1994-06-23"},
    {V_B_NAME "\nL8988901C4XXX4009078F9612109<<<<<<<<", MRZ_MRV_B, "V", "UTO", "XXX", "L8988901C",
     "1940-09-07", "1996-12-10"},
};

enum { TEXT_MAX = 128 };

static inline int32_t day_of(const char *text)
{
    int32_t day = DAY_NONE;

    if (text[0] != '\0')
        assert_true(day_parse(span_text(text), &day));
    return day;
}

static inline bool parse_on(const char *text, const char *today, struct mrz *ret_mrz,
                            struct err *err)
{
    return mrz_parse(span_text(text), "mrz", day_of(today), ret_mrz, err);
}

static inline enum err_code outcome_of(const char *text)
{
    struct err err = ERR_NONE;
    struct mrz mrz;

    return parse_on(text, "2026-06-12", &mrz, &err) ? ERR_OK : err.code;
}

static inline void assert_refused(const char *text, enum err_code code, const char *field)
{
    struct mrz mrz = {.number = "untouched"};
    struct err err = ERR_NONE;

    assert_false(parse_on(text, "2026-06-12", &mrz, &err));
    assert_string_equal(err_reason(err.code), err_reason(code));
    assert_string_equal(err.field, field);
    assert_string_equal(mrz.number, "untouched");
}

/* The text without its line breaks. */
static inline size_t joined(const char *text, char joined_text[static TEXT_MAX])
{
    size_t length = 0;

    for (; *text; text++)
        if (*text != '\n')
            joined_text[length++] = *text;
    joined_text[length] = '\0';
    return length;
}

#endif
