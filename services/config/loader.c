/* SPDX-License-Identifier: Apache-2.0 */
/* The loader: how a source hands over a value, and how a finding quotes one. */
#include "config/loader.h"

#include "base/encoding.h"
#include "config/value.h"

enum { QUOTE_MAX = 80 };

const char *loader_quote(const struct loader *loader, struct span text)
{
    size_t length = text.length;
    char copy[QUOTE_MAX + 1];
    bool is_utf8;

    if (length == 0)
        return "nothing";
    if (length > QUOTE_MAX)
        for (length = QUOTE_MAX; length > 0 && (text.data[length] & 0xc0) == 0x80;)
            length--;
    is_utf8 = utf8_is_valid(span_of(text.data, length));
    for (size_t i = 0; i < length; i++) {
        uint8_t c = text.data[i];
        bool is_shown = c >= 0x20 && c != 0x7f && c != '`' && (c < 0x80 || is_utf8);

        copy[i] = is_shown ? (char)c : '?';
    }
    copy[length] = '\0';
    return arena_printf(loader->arena, "`%s`%s", copy, length < text.length ? " …" : "");
}

const char *loader_suggest(const struct loader *loader, const char *best)
{
    return best ? arena_printf(loader->arena, ": did you mean `%s`?", best) : "";
}

struct setting *loader_setting(const struct loader *loader, const struct option *option)
{
    return &loader->settings[option - options];
}

void *loader_field(const struct loader *loader, const struct option *option)
{
    return (char *)loader->config + option->offset;
}

void loader_set_items(struct loader *loader, const struct option *option,
                      enum setting_source source, struct config_place place,
                      const struct value_text *items, size_t count)
{
    struct setting *setting = loader_setting(loader, option);

    if (!value_read(loader, option, items, count)) {
        setting->is_wrong = true;
        return;
    }
    setting->source = source;
    setting->place = place;
}

/* The next item of a list in one text; blanks around it do not count. */
static struct span next_item(struct span *rest)
{
    const uint8_t *comma = rest->length > 0 ? memchr(rest->data, ',', rest->length) : NULL;
    struct span item = comma ? span_of(rest->data, (size_t)(comma - rest->data)) : *rest;

    *rest = comma ? span_from(*rest, item.length + 1) : span_of(NULL, 0);
    while (item.length > 0 && item.data[0] == ' ')
        item = span_from(item, 1);
    while (item.length > 0 && item.data[item.length - 1] == ' ')
        item.length--;
    return item;
}

void loader_set(struct loader *loader, const struct option *option, enum setting_source source,
                struct config_place place, struct span text)
{
    struct value_text *items;
    size_t count = 1;

    if (!value_is_list(option)) {
        loader_set_items(loader, option, source, place, &(struct value_text){text, place}, 1);
        return;
    }
    if (text.length == 0) {
        loader_set_items(loader, option, source, place, NULL, 0);
        return;
    }
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == ',';
    items = arena_new_array(loader->arena, struct value_text, count);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct value_text){next_item(&text), place};
    loader_set_items(loader, option, source, place, items, count);
}
