/* SPDX-License-Identifier: Apache-2.0 */
/* The machine-readable zone: one way to read all five formats. */
#include "domain/document/mrz_layout.h"

/* TD1 is the longest, with CR LF behind each of its lines. */
enum { FILLER = '<', TEXT_MAX = 3 * (30 + 2) };

/* The lines of a text that has the size of its layout: every place of the layout is inside. */
struct zone {
    const struct mrz_layout *layout;
    struct span lines[MRZ_LINES_MAX];
};

static bool fail(struct err *err, enum err_code code, enum mrz_part part, const char *what)
{
    return err_field(err, code, mrz_part_rows[part].name, "%s", what);
}

static struct span at(const struct zone *zone, struct mrz_place place)
{
    if (place.line == 0)
        return span_of(NULL, 0);
    return span_of(zone->lines[place.line - 1].data + place.from - 1,
                   (size_t)(place.to - place.from) + 1);
}

static struct span part_of(const struct zone *zone, enum mrz_part part)
{
    return at(zone, zone->layout->places[part]);
}

static bool is_digit(uint8_t character)
{
    return character >= '0' && character <= '9';
}

static bool is_letter(uint8_t character)
{
    return character >= 'A' && character <= 'Z';
}

static bool is_filler(struct span span)
{
    for (size_t i = 0; i < span.length; i++)
        if (span.data[i] != FILLER)
            return false;
    return true;
}

/* ----- check digits: Doc 9303-3 section 4.9 ----- */

struct checksum {
    unsigned sum; /* modulo 10 */
    size_t position;
};

static int character_value(uint8_t character)
{
    if (is_digit(character))
        return character - '0';
    if (is_letter(character))
        return character - 'A' + 10;
    return character == FILLER ? 0 : -1;
}

static bool checksum_add(struct checksum *checksum, struct span span)
{
    static const unsigned weights[] = {7, 3, 1};

    for (size_t i = 0; i < span.length; i++) {
        int value = character_value(span.data[i]);

        if (value < 0)
            return false;
        checksum->sum += (unsigned)value * weights[checksum->position++ % ARRAY_LEN(weights)];
        checksum->sum %= 10;
    }
    return true;
}

int mrz_check_digit(struct span text)
{
    struct checksum checksum = {0};

    return checksum_add(&checksum, text) ? (int)checksum.sum : -1;
}

static bool has_digit(const struct checksum *checksum, uint8_t digit)
{
    return digit == '0' + checksum->sum;
}

/* The digit behind a field that may be empty: then it may be the filler as well as 0. */
static bool check_digit(const struct zone *zone, enum mrz_part part, enum mrz_part digit_part,
                        struct err *err)
{
    struct span text = part_of(zone, part), digit = part_of(zone, digit_part);
    struct checksum checksum = {0};

    if (digit.length == 0 || (is_filler(text) && is_filler(digit)))
        return true;
    if (checksum_add(&checksum, text) && has_digit(&checksum, digit.data[0]))
        return true;
    return fail(err, ERR_MRZ_CHECK_DIGIT, digit_part, "the check digit does not match");
}

static bool check_composite(const struct zone *zone, struct err *err)
{
    struct span digit = part_of(zone, MRZ_PART_COMPOSITE_DIGIT);
    struct checksum checksum = {0};
    bool is_good = true;

    if (digit.length == 0)
        return true;
    for (size_t i = 0; i < MRZ_COMPOSITE_PLACES_MAX; i++)
        is_good = is_good && checksum_add(&checksum, at(zone, zone->layout->composite[i]));
    if (!is_good || !has_digit(&checksum, digit.data[0]))
        return fail(err, ERR_MRZ_CHECK_DIGIT, MRZ_PART_COMPOSITE_DIGIT,
                    "the composite check digit does not match");
    return true;
}

/* ----- from text to zone ----- */

static bool is_break(uint8_t character)
{
    return character == '\n' || character == '\r';
}

/* The layout that has as many characters; a visa and another document of its size differ in the
 * first. */
static const struct mrz_layout *find_layout(struct span text, enum mrz_format *ret_format)
{
    size_t length = 0;

    if (text.length == 0 || text.length > TEXT_MAX)
        return NULL;
    for (size_t i = 0; i < text.length; i++)
        length += !is_break(text.data[i]);
    for (size_t format = 0; format < ARRAY_LEN(mrz_layouts); format++) {
        const struct mrz_layout *layout = &mrz_layouts[format];
        bool is_visa = layout->first_letters[0] == 'V';

        if ((size_t)(layout->line_count * layout->width) != length)
            continue;
        if (layout->line_count == 2 && is_visa != (text.data[0] == 'V'))
            continue;
        *ret_format = (enum mrz_format)format;
        return layout;
    }
    return NULL;
}

/* Takes one line off the front, and the line break behind it if there is one. */
static bool take_line(struct span *text, size_t width, struct span *ret_line)
{
    if (text->length < width)
        return false;
    *ret_line = span_of(text->data, width);
    for (size_t i = 0; i < width; i++)
        if (is_break(ret_line->data[i]))
            return false;
    *text = span_from(*text, width);
    if (text->length >= 2 && text->data[0] == '\r' && text->data[1] == '\n')
        *text = span_from(*text, 2);
    else if (text->length >= 1 && text->data[0] == '\n')
        *text = span_from(*text, 1);
    return true;
}

static bool zone_open(struct span text, struct zone *zone, enum mrz_format *ret_format,
                      struct err *err)
{
    zone->layout = find_layout(text, ret_format);
    if (!zone->layout)
        return err_field(err, ERR_MRZ_LENGTH, "", "no format has %zu characters", text.length);
    for (size_t i = 0; i < zone->layout->line_count; i++)
        if (!take_line(&text, zone->layout->width, &zone->lines[i]))
            return err_field(err, ERR_MRZ_LENGTH, "", "line %zu has not %d characters", i + 1,
                             zone->layout->width);
    if (text.length != 0)
        return err_field(err, ERR_MRZ_LENGTH, "", "more line breaks than lines");
    return true;
}

/* ----- the parts ----- */

static bool is_of_alphabet(uint8_t character, unsigned alphabet)
{
    return character == FILLER || ((alphabet & MRZ_LETTERS) && is_letter(character)) ||
           ((alphabet & MRZ_DIGITS) && is_digit(character)) ||
           ((alphabet & MRZ_SEXES) && (character == 'F' || character == 'M'));
}

static bool check_alphabets(const struct zone *zone, struct err *err)
{
    for (enum mrz_part part = 0; part < MRZ_PART_COUNT; part++) {
        struct span text = part_of(zone, part);

        for (size_t i = 0; i < text.length; i++)
            if (!is_of_alphabet(text.data[i], mrz_part_rows[part].alphabet))
                return err_field(err, ERR_MRZ_CHARACTER, mrz_part_rows[part].name,
                                 "character %zu of the part", i + 1);
    }
    return true;
}

/* Copies what is not filler; `text` has room for `span` and the NUL. */
static void copy_without_filler(struct span span, char *text)
{
    for (size_t i = 0; i < span.length; i++)
        if (span.data[i] != FILLER)
            *text++ = (char)span.data[i];
    *text = '\0';
}

static bool read_document_code(const struct zone *zone, struct mrz *mrz, struct err *err)
{
    struct span code = part_of(zone, MRZ_PART_DOCUMENT_CODE);

    if (!strchr(zone->layout->first_letters, code.data[0]))
        return fail(err, ERR_MRZ_DOCUMENT_CODE, MRZ_PART_DOCUMENT_CODE,
                    "the first letter belongs to no document of this format");
    if (!strchr(zone->layout->second_characters, code.data[1]))
        return fail(err, ERR_MRZ_DOCUMENT_CODE, MRZ_PART_DOCUMENT_CODE,
                    "the second character is not allowed in this format");
    copy_without_filler(code, mrz->document_code);
    return true;
}

/* Issuer or nationality: letters, and only behind them filler. */
static bool read_country(const struct zone *zone, enum mrz_part part, char *text,
                         country_id *ret_id, struct err *err)
{
    struct span code = part_of(zone, part);

    for (size_t i = 1; i < code.length; i++)
        if (code.data[i - 1] == FILLER && code.data[i] != FILLER)
            return fail(err, ERR_MRZ_CHARACTER, part, "filler in front of a letter");
    copy_without_filler(code, text);
    *ret_id = country_from_mrz(code);
    return true;
}

/*
 * A number of more than nine characters (Doc 9303 parts 5 and 6): filler stands for its check
 * digit, and the optional field begins with the rest of the number, the check digit and a filler.
 */
static bool read_long_number(const struct zone *zone, struct mrz *mrz, struct err *err)
{
    struct span head = part_of(zone, MRZ_PART_NUMBER), tail = part_of(zone, MRZ_PART_OPTIONAL);
    const uint8_t *end = memchr(tail.data, FILLER, tail.length);
    struct checksum checksum = {0};

    if (!end || end - tail.data < 2)
        return fail(err, ERR_MRZ_CHECK_DIGIT, MRZ_PART_NUMBER, "there is no check digit");
    tail.length = (size_t)(end - tail.data) - 1;
    if (!checksum_add(&checksum, head) || !checksum_add(&checksum, tail) ||
        !has_digit(&checksum, tail.data[tail.length]))
        return fail(err, ERR_MRZ_CHECK_DIGIT, MRZ_PART_NUMBER,
                    "the check digit of the long number does not match");
    copy_without_filler(head, mrz->number);
    copy_without_filler(tail, mrz->number + strlen(mrz->number));
    return true;
}

static bool read_number(const struct zone *zone, struct mrz *mrz, struct err *err)
{
    struct span number = part_of(zone, MRZ_PART_NUMBER);

    if (is_filler(number))
        return fail(err, ERR_MRZ_CHARACTER, MRZ_PART_NUMBER, "there is no number");
    if (zone->layout->has_long_numbers && is_filler(part_of(zone, MRZ_PART_NUMBER_DIGIT)))
        return read_long_number(zone, mrz, err);
    copy_without_filler(number, mrz->number);
    return check_digit(zone, MRZ_PART_NUMBER, MRZ_PART_NUMBER_DIGIT, err);
}

static void copy_optional_data(const struct zone *zone, char *text)
{
    struct span first = part_of(zone, MRZ_PART_OPTIONAL);
    struct span second = part_of(zone, MRZ_PART_OPTIONAL_2);

    memcpy(text, first.data, first.length);
    if (second.length > 0) {
        text[first.length] = FILLER;
        memcpy(text + first.length + 1, second.data, second.length);
    }
}

/* ----- dates: Doc 9303-3 section 4.8 ----- */

/* Two digits, or -1 for two fillers; -2 for anything else. */
static int two_digits(const uint8_t *text)
{
    if (text[0] == FILLER && text[1] == FILLER)
        return -1;
    if (!is_digit(text[0]) || !is_digit(text[1]))
        return -2;
    return (text[0] - '0') * 10 + text[1] - '0';
}

/* Of the years with these last two digits the one whose date lies in the hundred years that end
 * `years_ahead` years after today. */
static bool resolve_century(struct civil_date *date, struct civil_date today, int years_ahead)
{
    int last = today.year + years_ahead;
    bool is_later_in_year =
        date->month > today.month || (date->month == today.month && date->day > today.day);

    if (is_later_in_year)
        last--;
    date->year = last - (last - date->year) % 100;
    return civil_date_is_valid(*date);
}

/* With a part unknown there is no day, but what is known must still be possible. */
static bool is_possible(int year, int month, int day)
{
    static const int longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (year < -1 || month < -1 || month == 0 || month > 12 || day < -1 || day == 0)
        return false;
    return day <= (month > 0 ? longest[month - 1] : 31);
}

static bool read_date(const struct zone *zone, enum mrz_part part, int32_t today, int years_ahead,
                      int32_t *ret_day, struct err *err)
{
    struct span text = part_of(zone, part);
    int year = two_digits(text.data), month = two_digits(text.data + 2);
    int day = two_digits(text.data + 4);
    struct civil_date date = {year, month, day};

    if (!is_possible(year, month, day))
        return fail(err, ERR_MRZ_DATE, part, "no such date");
    if (year < 0 || month < 0 || day < 0) {
        *ret_day = DAY_NONE;
        return true;
    }
    if (!resolve_century(&date, civil_from_day(today), years_ahead))
        return fail(err, ERR_MRZ_DATE, part, "no such day in its year");
    *ret_day = day_from_civil(date);
    return true;
}

static bool read_dates(const struct zone *zone, int32_t today, struct mrz *mrz, struct err *err)
{
    if (!check_digit(zone, MRZ_PART_BIRTH, MRZ_PART_BIRTH_DIGIT, err) ||
        !read_date(zone, MRZ_PART_BIRTH, today, 0, &mrz->birth_day, err) ||
        !check_digit(zone, MRZ_PART_EXPIRY, MRZ_PART_EXPIRY_DIGIT, err) ||
        !read_date(zone, MRZ_PART_EXPIRY, today, 50, &mrz->expiry_day, err))
        return false;
    if (mrz->expiry_day == DAY_NONE && !is_filler(part_of(zone, MRZ_PART_EXPIRY)))
        return fail(err, ERR_MRZ_DATE, MRZ_PART_EXPIRY, "part of an expiry is unknown");
    return true;
}

static bool parse(struct span text, int32_t today, struct mrz *mrz, struct err *err)
{
    struct zone zone;

    if (!zone_open(text, &zone, &mrz->format, err) || !check_alphabets(&zone, err) ||
        !read_document_code(&zone, mrz, err) ||
        !read_country(&zone, MRZ_PART_ISSUER, mrz->issuer_code, &mrz->issuer, err) ||
        !read_country(&zone, MRZ_PART_NATIONALITY, mrz->nationality_code, &mrz->nationality, err) ||
        !read_number(&zone, mrz, err) || !read_dates(&zone, today, mrz, err) ||
        !check_digit(&zone, MRZ_PART_OPTIONAL, MRZ_PART_OPTIONAL_DIGIT, err) ||
        !check_composite(&zone, err))
        return false;
    copy_optional_data(&zone, mrz->optional_data);
    return true;
}

bool mrz_parse(struct span text, const char *field, int32_t today, struct mrz *ret_mrz,
               struct err *err)
{
    struct mrz mrz = {0};

    if (!parse(text, today, &mrz, err)) {
        err_prefix_field(err, "%s", field);
        return false;
    }
    *ret_mrz = mrz;
    return true;
}
