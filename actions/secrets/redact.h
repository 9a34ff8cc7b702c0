/* actions/secrets/redact: finds secret values in foreign bytes and puts a mark in their place.
 * Pure: no target, no file, no judgement of what is secret.
 * Knows:     the forms in which a value travels: as it is, base64 (both alphabets, any alignment,
 *            padded or not, wrapped), hex (either case, with separators), percent-encoded, escaped
 *            in JSON (nested twice too), doubled quotes and dollars of YAML and compose, over
 *            several lines of a timed log; and one form inside another (redact_view.h).
 * Level:     a value is either secret by what it is called, or may only be one; bytes that are
 *            needed for later commands lose the first kind alone.
 * Cost:      one automaton (Aho-Corasick, 1975) for all values, so that a byte costs the same with
 *            one value and with a thousand, whatever both hold. Each form whose sign is there at
 *            all adds one pass. tests/actions/test_redact.c measures it.
 * Memory:    values lie in locked memory that is wiped when it is released; whatever is decoded on
 *            the way is wiped. At most REDACT_BYTES_MAX bytes of values. */
#ifndef ACTIONS_REDACT_H
#define ACTIONS_REDACT_H

#include "journal/format/bytes.h"

#define REDACT_MARK "[redacted]"
enum { REDACT_BYTES_MAX = 1 << 18 };

enum redact_level { REDACT_SECRETS = 0, REDACT_ALL, REDACT_LEVELS };

struct redactor;

enum error_code redactor_new(struct redactor **ret_redactor, struct error *error) CHECKED;
void redactor_free(struct redactor *redactor);
/* One value. ERROR_LIMIT when all of them together are too much. */
enum error_code redactor_add(struct redactor *redactor, const void *value, size_t size, bool secret,
                             struct error *error) CHECKED;
/* What was added before and is a part of this word is no value any more. True where something was.
 */
bool redactor_spare(struct redactor *redactor, const void *word, size_t size);
/* After redactor_add() or redactor_spare() and before redactor_apply(); more may be added later,
 * and sealed again. */
enum error_code redactor_seal(struct redactor *redactor, struct error *error) CHECKED;
/* Every occurrence of every value (REDACT_ALL), or of the secret ones, becomes REDACT_MARK; those
 * that touch or overlap become one. */
enum error_code redactor_apply(const struct redactor *redactor, enum redact_level level,
                               struct bytes *text, struct error *error) CHECKED;

#endif
