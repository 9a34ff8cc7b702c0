/* verify/page/html: the auditor's page, one file that needs nothing else: no script, no font, no
 * picture, no request to anywhere.
 * Knows:     the frame; its parts are page.h's. It shows what report and record say, and judges
 *            nothing.
 * Untrusted: everything of the journal is inert text (markup.h), and the page forbids itself all
 *            loading and all script.
 * File:      output.h: whole or not at all, mode 0600.
 * Errors:    ERROR_USAGE when it cannot be written. */
#ifndef VERIFY_HTML_H
#define VERIFY_HTML_H

#include <stdio.h>

#include "verify/judge/audit.h"
#include "verify/report/report.h"

/* Of a verification that came to an end; `audit` is the one it was made with. */
enum error_code html_write(const char *path, const struct audit *audit, const struct report *report,
                           struct error *error) CHECKED;
/* Of one that did not: the file is damaged, or beyond a bound. A page of an earlier run would say
 * otherwise. */
enum error_code html_write_unread(const char *path, const char *target, enum verify_status status,
                                  const struct error *why, struct error *error) CHECKED;
void html_print(FILE *stream, const struct audit *audit, const struct report *report);

#endif
