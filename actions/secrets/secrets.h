/* actions/secrets/secrets: what of one target must never be recorded or printed, and where it comes
 * from.
 * Knows:     the env file (given: the target reads it), setup.secrets, and the tool's own
 *            credentials: that of the bus and the tokens of the checks. The session key and the
 *            operator's key never leave journal/, so nothing foreign can contain them.
 *            What a target's services have besides (their own env files, literals of the rendered
 *            file, secrets that are files) is learned when it was rendered.
 * Secret:    a value whose key looks secret (patterns, without regard to case), the password of an
 *            address in any value, a credential of the tool.
 * May be one: any other value of an env file, of setup.secrets.value_bytes or more.
 * Neither:   40 or 64 lower-case hex digits, or sha256: and 64, under a key that does not look
 *            secret: policy hashes, commits and images must stay comparable. Words that this tool
 *            reads, or that titan.yml or the rendered file names (services, images, containers),
 *            whole or in part, under any key: without "healthy" a record would say nothing. Short
 *            values: under 4 bytes, hex digits under 8, digits under 12, which occur by chance in
 *            hashes and times. Where such a value has a key that looks secret, secrets_note()
 *            names the key.
 * Memory:    locked, and wiped by secrets_close(). */
#ifndef ACTIONS_SECRETS_H
#define ACTIONS_SECRETS_H

#include "actions/secrets/env_file.h"
#include "actions/secrets/redact.h"
#include "actions/secrets/secret_kind.h"
#include "actions/target/setup.h"
#include "journal/format/world.h"

struct secrets;

/* The env file as it lies on the target; the target reads it once a connection. */
struct secrets_env {
    bool is_known; /* false: it is missing, cannot be read, or none is configured */
    char mode[8];  /* its permissions in octal */
    struct bytes text;
};
void secrets_env_clear(struct secrets_env *env);
#define CLEANUP_ENV __attribute__((cleanup(secrets_env_clear)))

/* Reads the credentials of this machine from `disk`. An env file that is not known is no error:
 * secrets_check() refuses. */
enum error_code secrets_open(const struct setup *setup, const struct world_disk *disk,
                             const struct secrets_env *env, struct secrets **ret_secrets,
                             struct error *error) CHECKED;
void secrets_close(struct secrets *secrets);

enum error_code secrets_redact(const struct secrets *secrets, enum redact_level level,
                               struct bytes *text, struct error *error) CHECKED;

/* What is found out later, when the compose file was rendered (actions/compose/compose_secrets.h):
 * one value, and a whole file that is read as the env file is. Then secrets_settle(), before
 * anything is redacted again. */
enum error_code secrets_learn(struct secrets *secrets, const struct env_assignment *assignment,
                              enum secret_kind kind, struct error *error) CHECKED;
enum error_code secrets_learn_file(struct secrets *secrets, const char *text, size_t size,
                                   struct error *error) CHECKED;
/* A name of a service, an image or a container: what is part of it is no secret, whoever says so
 * (POSTGRES_PASSWORD=postgres). */
enum error_code secrets_spare(struct secrets *secrets, const char *name, size_t size,
                              struct error *error) CHECKED;
enum error_code secrets_settle(struct secrets *secrets, struct error *error) CHECKED;

/* ERROR_REFUSED with the next step: the env file cannot be read (its values are unknown), or others
 * than its owner may read it. */
enum error_code secrets_check(const struct secrets *secrets, struct error *error) CHECKED;
/* The env file was read, or none is configured: what is recorded can be redacted. */
bool secrets_are_known(const struct secrets *secrets);
/* One sentence that names the keys whose values look secret and cannot be redacted; "" = none. */
const char *secrets_note(const struct secrets *secrets);
/* What setup.bus.credential names, NULL where nothing is there. In locked memory. */
const char *secrets_bus_credential(const struct secrets *secrets);

#endif
