/* verify/report/summary: one entry in one line for people: who signed it and what it says.
 * Untrusted: all of it comes out of the journal, so it is escaped and cut. Nothing is judged. */
#ifndef VERIFY_SUMMARY_H
#define VERIFY_SUMMARY_H

#include <stdio.h>

#include "verify/judge/authority.h"

enum { SUMMARY_WHO_BYTES = 192 };

/* By the roster in force and the session before the entry (genesis: by its own roster); a key that
 * is in neither by its fingerprint. Not escaped. */
void summary_who(const struct authority *authority, const struct entry *entry,
                 char ret_who[SUMMARY_WHO_BYTES]);
/* Sequence number, type, who, time and what, with a newline. */
void summary_print(struct entry *entry, const char *who, FILE *stream);

#endif
