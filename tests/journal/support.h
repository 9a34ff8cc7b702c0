/* tests/journal/support: what the unit tests of journal/ share: scratch directories, real programs,
 * the vectors, fixed keys and a fixed clock.
 * Knows:     how to prepare and to look; it judges nothing but its own failures, which end the test
 *            case.
 * Ownership: support_directory() makes a directory that support_remove() takes away with all that
 *            is in it. */
#ifndef TESTS_JOURNAL_SUPPORT_H
#define TESTS_JOURNAL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "journal/format/bytes.h"
#include "journal/canonical.h"
#include "journal/format/clock.h"
#include "actions/target/world_system.h"
#include "journal/keys/signer.h"

enum { SUPPORT_PATH_MAX = 256, SUPPORT_SKIP = 77 };

/* Fails the case with the text of the error when the code is not the wanted one. */
void support_code(enum error_code code, enum error_code wanted, const struct error *error);
static inline void support_ok(enum error_code code, const struct error *error)
{
    support_code(code, ERROR_OK, error);
}

/* The machine itself, with the LMDB store and the passphrase functions of the terminal. */
const struct world *support_world(void);

void support_directory(char ret_path[SUPPORT_PATH_MAX]);
void support_remove(const char *path);
/* "directory/name", in a place that holds until the third call from here. */
const char *support_path(const char *directory, const char *name);
void support_write(const char *path, const void *data, size_t size, unsigned mode);
void support_read(const char *path, struct bytes *ret_data);

/* Runs a real program, standard input from a file, output appended to another one ("/dev/null" for
 * none). Its exit status; 128 + n after signal n. */
int support_run(const char *const *arguments, const char *input, const char *output);
/* Prints why and ends the whole test program as skipped. */
void support_skip(const char *why);

/* tests/vectors/journal-v1.json; the path comes from the build (TITAN_VECTORS). */
json_t *support_vectors(void);
const char *support_text(const json_t *object, const char *key);
size_t support_hex(const char *hex, uint8_t *ret_data, size_t room);

/* The key whose seed is 32 times this byte. */
struct signer *support_signer(uint8_t byte);

/* A clock that says what it is told, and one nanosecond more at each reading. */
struct support_clock {
    struct clock_reading next;
};
struct clock support_clock(struct support_clock *state);

/* Merkle tree hash by the definition of RFC 6962, recursively: nothing in common with merkle.c. */
void support_root(const struct bytes *leaves, size_t count, uint8_t ret_root[SHA256_BYTES]);

#endif
