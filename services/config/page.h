/* SPDX-License-Identifier: Apache-2.0 */
/* A page of plain text: words that are filled into lines of a width, with a margin. */
#ifndef CONFIG_PAGE_H
#define CONFIG_PAGE_H

#include <stdio.h>

/* Write `text`, filled, every line with `margin` spaces in front, and end the line. */
void page_fill(FILE *stream, int margin, const char *text);

/* A heading of --help. */
void page_heading(FILE *stream, const char *heading);

#endif
