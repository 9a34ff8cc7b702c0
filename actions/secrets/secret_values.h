/* actions/secrets/secret_values: which value of which key is kept out of the record (secrets.h says
 * which), and the credential of the bus among them. Private to secrets.c.
 * Memory:    of the values is the redactor's; the credential is locked. */
#ifndef ACTIONS_SECRET_VALUES_H
#define ACTIONS_SECRET_VALUES_H

#include "actions/secrets/env_file.h"
#include "actions/secrets/redact.h"
#include "actions/secrets/secret_kind.h"
#include "actions/target/setup.h"

enum { SECRET_NOTE_MAX = 400 };

struct secret_values {
    const struct setup *setup;
    struct redactor *redactor;
    char *bus_credential; /* locked; NULL = none was seen */
    char note[SECRET_NOTE_MAX];
    struct bytes spared; /* names that stay readable, each ended by a newline; no secrets */
    bool own; /* what is read is the env file of the setup, which may hold the credential of the bus
               */
};

enum error_code secret_values_add(struct secret_values *values,
                                  const struct env_assignment *assignment, enum secret_kind kind,
                                  struct error *error) CHECKED;
/* An env file: every reading of every line, and what either program makes of the whole. The bus's
 * credential is what the newer one makes of it, else the older one, else what stands there. */
enum error_code secret_values_add_file(struct secret_values *values, const char *text, size_t size,
                                       bool own, struct error *error) CHECKED;
/* A name without which what is recorded could not be read any more. */
enum error_code secret_values_spare(struct secret_values *values, const char *name, size_t size,
                                    struct error *error) CHECKED;
/* The credential of the bus; one that is longer than CREDENTIAL_BYTES_MAX is none. */
enum error_code secret_values_keep_bus(struct secret_values *values, const char *value, size_t size,
                                       struct error *error) CHECKED;
/* One more thing that cannot be redacted. */
void secret_values_note(struct secret_values *values, const char *what);

#endif
