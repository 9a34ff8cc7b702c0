/* verify/report/json: the little JSON that this program writes.
 * Form:      control characters, `"` and `\` of strings are escaped; text that is not UTF-8 has '?'
 *            for each byte above 0x7F. */
#ifndef VERIFY_JSON_H
#define VERIFY_JSON_H

#include <stdio.h>

void json_write_string(FILE *stream, const char *text);
/* "key":"text" */
void json_write_pair(FILE *stream, const char *key, const char *text);

#endif
