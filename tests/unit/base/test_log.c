/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one event is one line, whatever is in its fields; JSON lines are JSON. */
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include "unit/base/vectors.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAPTURE_BYTES_MAX = 1 << 20, WRITERS = 4, LINES = 200 };

static int saved_stderr, capture;
static char captured[CAPTURE_BYTES_MAX + 1];

/* Between the two, what is logged is kept. */
static void begin_capture(enum err_level least, enum log_format format)
{
    log_configure(least, format);
    capture = memfd_create("log", MFD_CLOEXEC);
    assert_int_equal(fcntl(capture, F_SETFL, O_APPEND), 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(capture, STDERR_FILENO) == STDERR_FILENO);
}

static const char *end_capture(void)
{
    ssize_t length;

    assert_true(dup2(saved_stderr, STDERR_FILENO) == STDERR_FILENO);
    close(saved_stderr);
    length = pread(capture, captured, CAPTURE_BYTES_MAX, 0);
    assert_true(length >= 0);
    captured[length] = '\0';
    close(capture);
    log_configure(ERR_LEVEL_INFO, LOG_FORMAT_TEXT);
    return captured;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static const char *log_one(enum log_format format, struct span value)
{
    begin_capture(ERR_LEVEL_INFO, format);
    LOG(WARN, "test.event", "a sentence", log_span("value", value), log_number("n", -7));
    return end_capture();
}

static void a_line_has_time_level_event_message_and_fields(void **state)
{
    const char *line = log_one(LOG_FORMAT_TEXT, span_text("x y"));

    (void)state;
    assert_int_equal(count_lines(line), 1);
    assert_non_null(strstr(line, "Z warn  test.event: a sentence value=\"x y\" n=-7\n"));
}

static void a_level_that_is_off_costs_no_line_and_no_arguments(void **state)
{
    int evaluated = 0;

    (void)state;
    begin_capture(ERR_LEVEL_WARN, LOG_FORMAT_TEXT);
    LOG(INFO, "test.event", "a sentence", log_number("n", evaluated++));
    LOG(ERROR, "test.event", "a sentence", log_number("n", evaluated++));
    assert_int_equal(count_lines(end_capture()), 1);
    assert_int_equal(evaluated, 1);
}

/* What follows the quoted text, as a reader of the log sees it. */
static const char *behind_quotes(const char *text)
{
    assert_int_equal(*text, '"');
    while (*++text != '"')
        text += *text == '\\';
    return text + 1;
}

static void no_value_forges_a_line_or_a_field(void **state)
{
    static const char *const values[] = {
        "\n2026-06-12T21:21:00Z error audit.failed: forged",
        "\r\nforged",
        "\" forged=\"yes",
        "\\\" forged=\\\"yes",
        "\x1b[2J\x1b[31mforged",
        "\xe2\x80\xa8"
        "forged", /* LINE SEPARATOR */
        "\xc2\x85"
        "forged", /* NEXT LINE */
        "\x7f\x08\x08",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        const char *line = log_one(LOG_FORMAT_TEXT, span_text(values[i]));

        assert_int_equal(count_lines(line), 1);
        assert_string_equal(behind_quotes(strstr(line, "value=") + strlen("value=")), " n=-7\n");
        for (const char *c = line; *c != '\n'; c++)
            assert_in_range((unsigned char)*c, 0x20, 0x7e);
    }
}

/* The object of the one line. */
static json_t *read_line(const char *line)
{
    size_t length = strlen(line);
    struct err err;
    json_t *object;

    assert_int_equal(count_lines(line), 1);
    assert_int_equal(line[length - 1], '\n');
    if (!json_read(span_of(line, length), &object, &err))
        fail_msg("%s: %s", err.detail, line);
    return object;
}

static void a_json_line_is_json_with_the_value_in_it(void **state)
{
    json_t *object = read_line(log_one(LOG_FORMAT_JSON, span_text("say \"\\\" \t\n")));

    (void)state;
    assert_string_equal(json_string_value(json_object_get(object, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(object, "event")), "test.event");
    assert_string_equal(json_string_value(json_object_get(object, "message")), "a sentence");
    assert_string_equal(json_string_value(json_object_get(object, "value")), "say \"\\\" \t\n");
    assert_int_equal(json_integer_value(json_object_get(object, "n")), -7);
    assert_non_null(json_object_get(object, "time"));
    json_decref(object);
}

static void every_byte_makes_a_json_line(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t text[] = {'a', (uint8_t)byte, 'b'};
        bool is_nul = byte == 0; /* \u0000 is JSON, and not to our taste */
        const char *line = log_one(LOG_FORMAT_JSON, span_of(text, sizeof(text)));

        if (is_nul)
            assert_non_null(strstr(line, "a\\u0000b"));
        else
            json_decref(read_line(line));
    }
}

static void a_line_that_is_too_long_is_cut_between_fields(void **state)
{
    char wide[2000];
    json_t *object;

    (void)state;
    memset(wide, 1, sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    begin_capture(ERR_LEVEL_INFO, LOG_FORMAT_JSON);
    LOG(WARN, "test.event", "a sentence", log_text("a", wide), log_text("b", wide),
        log_text("c", wide), log_text("d", wide));
    object = read_line(end_capture());
    assert_true(strlen(captured) <= 4096);
    assert_non_null(json_object_get(object, "a"));
    assert_null(json_object_get(object, "d"));
    assert_true(json_is_true(json_object_get(object, "cut")));
    json_decref(object);
}

static void a_long_value_is_cut_and_says_so(void **state)
{
    char text[300];
    json_t *object;
    const char *value;

    (void)state;
    memset(text, 'x', sizeof(text));
    object = read_line(log_one(LOG_FORMAT_JSON, span_of(text, sizeof(text))));
    value = json_string_value(json_object_get(object, "value"));
    assert_int_equal(strspn(value, "x"), 256);
    assert_string_equal(value + 256, "…");
    json_decref(object);
}

static void an_error_is_logged_at_its_own_level_with_its_place(void **state)
{
    const char *line;
    struct err err;

    (void)state;
    begin_capture(ERR_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    err_field(&err, ERR_STORE_UNAVAILABLE, "subject", "%d of 3", 2);
    log_err("test.failed", "it failed", &err);
    line = end_capture();
    assert_non_null(strstr(line, " warn  test.failed: it failed reason=\"STORE_UNAVAILABLE\""));
    assert_non_null(strstr(line, "field=\"subject\" detail=\"2 of 3\" file=\""));
}

static void a_hash_is_shown_by_half(void **state)
{
    (void)state;
    begin_capture(ERR_LEVEL_INFO, LOG_FORMAT_TEXT);
    LOG(INFO, "test.event", "a sentence", log_hash("subject", (struct hash128){0xabc, 0xdef}));
    assert_non_null(strstr(end_capture(), "subject=0000000000000abc\n"));
}

static void naughty_strings_stay_in_their_line(void **state)
{
    struct arena arena;
    json_t *strings;

    (void)state;
    arena_init(&arena, VECTOR_BYTES_MAX);
    strings = vectors_naughty_strings(&arena);
    if (!strings) {
        arena_release(&arena);
        skip();
    }
    for (size_t i = 0; i < json_array_size(strings); i++) {
        const json_t *string = json_array_get(strings, i);

        json_decref(read_line(log_one(
            LOG_FORMAT_JSON, span_of(json_string_value(string), json_string_length(string)))));
    }
    json_decref(strings);
    arena_release(&arena);
}

static void *log_many(void *argument)
{
    (void)argument;
    for (int i = 0; i < LINES; i++)
        LOG(INFO, "test.event", "a sentence", log_text("who", "somebody with a long name"),
            log_number("i", i));
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    pthread_t threads[WRITERS];
    const char *text;

    (void)state;
    begin_capture(ERR_LEVEL_INFO, LOG_FORMAT_TEXT);
    for (size_t i = 0; i < WRITERS; i++)
        thread_start(&threads[i], "writer", log_many, NULL);
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    text = end_capture();
    assert_int_equal(count_lines(text), WRITERS * LINES);
    for (size_t i = 0; i < (size_t)WRITERS * LINES; i++) {
        assert_non_null(strstr(text, "Z info  test.event: a sentence who="));
        text = strchr(text, '\n') + 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_event_message_and_fields),
        cmocka_unit_test(a_level_that_is_off_costs_no_line_and_no_arguments),
        cmocka_unit_test(no_value_forges_a_line_or_a_field),
        cmocka_unit_test(a_json_line_is_json_with_the_value_in_it),
        cmocka_unit_test(every_byte_makes_a_json_line),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_between_fields),
        cmocka_unit_test(a_long_value_is_cut_and_says_so),
        cmocka_unit_test(an_error_is_logged_at_its_own_level_with_its_place),
        cmocka_unit_test(a_hash_is_shown_by_half),
        cmocka_unit_test(naughty_strings_stay_in_their_line),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
