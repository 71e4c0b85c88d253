/* SPDX-License-Identifier: Apache-2.0 */
/* Filling lines, as nroff does. */
#include "config/page.h"

#include <string.h>

enum { PAGE_WIDTH = 79 };

/* Columns, not bytes: continuation bytes of UTF-8 take none. */
static int columns_of(const char *word, size_t length)
{
    int columns = 0;

    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)word[i] & 0xc0) != 0x80;
    return columns;
}

void page_fill(FILE *stream, int margin, const char *text)
{
    int column = 0;

    while (*text) {
        size_t length = strcspn(text, " ");
        int columns = columns_of(text, length);

        if (column > 0 && column + 1 + columns > PAGE_WIDTH) {
            fputc('\n', stream);
            column = 0;
        }
        if (column == 0)
            column = fprintf(stream, "%*s", margin, "");
        else
            column += fprintf(stream, " ");
        fwrite(text, 1, length, stream);
        column += columns;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', stream);
}

void page_heading(FILE *stream, const char *heading)
{
    fprintf(stream, "\n%s\n", heading);
}
