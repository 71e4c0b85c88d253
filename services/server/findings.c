/* SPDX-License-Identifier: Apache-2.0 */
/* Findings in the log. */
#include "server/findings.h"

#include "base/log.h"

void findings_log(const struct diagnostics *diagnostics, const char *event, const char *refused,
                  const char *advised)
{
    for (const struct diagnostic *finding = diagnostics->first; finding; finding = finding->next) {
        const struct log_field fields[] = {log_text("file", finding->file),
                                           log_number("line", finding->line),
                                           log_number("column", finding->column),
                                           log_text("finding", finding->message),
                                           {0}};
        bool is_error = finding->severity == DIAGNOSTIC_ERROR;

        log_write(is_error ? ERR_LEVEL_ERROR : ERR_LEVEL_WARN, event, is_error ? refused : advised,
                  fields);
    }
}
