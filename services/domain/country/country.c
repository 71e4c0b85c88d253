/* SPDX-License-Identifier: Apache-2.0 */
/* Countries: look-ups in the generated table. */
#include "domain/country/country_table.h"

const struct country *country_get(country_id id)
{
    return &country_table[id < country_table_count ? id : COUNTRY_NONE];
}

size_t country_count(void)
{
    return country_table_count;
}

/* The number of a capital letter, 1 to 26; more for any other character. */
static unsigned letter_number(uint8_t character)
{
    return (uint8_t)(character - 'A') + 1u;
}

/* What the slot of `code` holds if it is valid in that kind of field. */
static country_id find(unsigned first, unsigned second, unsigned third, unsigned field)
{
    unsigned slot;

    if (first > 26 || second > 26 || third > 26)
        return COUNTRY_NONE;
    slot = country_table_codes[(first * 27 + second) * 27 + third];
    return slot & field ? (country_id)(slot & COUNTRY_ID_MASK) : COUNTRY_NONE;
}

/* As above, with filler as the letter 0. */
static unsigned mrz_letter_number(uint8_t character)
{
    return character == '<' ? 0 : letter_number(character);
}

country_id country_from_mrz(struct span code)
{
    if (code.length != 3)
        return COUNTRY_NONE;
    return find(mrz_letter_number(code.data[0]), mrz_letter_number(code.data[1]),
                mrz_letter_number(code.data[2]), COUNTRY_IN_MRZ);
}

country_id country_from_iso(struct span code)
{
    if (code.length != 2 && code.length != 3)
        return COUNTRY_NONE;
    return find(letter_number(code.data[0]), letter_number(code.data[1]),
                code.length == 3 ? letter_number(code.data[2]) : 0, COUNTRY_IN_ISO);
}

country_id country_from_alpha3(struct span code)
{
    if (code.length != 3)
        return COUNTRY_NONE;
    return find(letter_number(code.data[0]), letter_number(code.data[1]),
                letter_number(code.data[2]), COUNTRY_IS_ALPHA3);
}

country_id country_nationality(country_id id)
{
    return country_get(id)->state;
}

struct country_set country_possible_states(country_id id)
{
    return country_table_possible[id < COUNTRY_MAX ? id : COUNTRY_NONE];
}

size_t country_set_count(const struct country_set *set)
{
    size_t count = 0;

    for (size_t i = 0; i < COUNTRY_SET_WORDS; i++)
        count += (size_t)__builtin_popcountll(set->words[i]);
    return count;
}
