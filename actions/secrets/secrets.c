#include "actions/secrets/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actions/secrets/credential.h"
#include "actions/secrets/secret_values.h"
#include "actions/secrets/secret_words.h"

struct secrets {
    struct secret_values values;
    char mode[8];       /* of the env file, "" = unknown */
    bool wanted, known; /* an env file is configured; was read */
};

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* A credential of this machine. Its user reports what is wrong with the file; here it is kept out
 * of what is recorded, and that of the bus in memory: a DISARM does not wait for this disk. */
static enum error_code add_credential(struct secrets *secrets, const struct world_disk *disk,
                                      const char *path, bool bus, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct error ignored;
    enum error_code code = ERROR_OK;
    char what[96];
    if (!is_given(path) || credential_read_file(disk, path, "", &text, &ignored) != ERROR_OK
        || text.size == 0)
        return ERROR_OK;
    if (bus)
        code = secret_values_keep_bus(&secrets->values, (const char *)text.data, text.size, error);
    if (code != ERROR_OK)
        return code;
    if (secret_word_fits(secrets->values.setup, (const char *)text.data, text.size))
        return secret_values_add(&secrets->values,
                                 &(struct env_assignment){.key = "",
                                                          .value = (const char *)text.data,
                                                          .value_length = text.size},
                                 SECRET_CONTENT, error);
    const char *slash = strrchr(path, '/');
    (void)snprintf(what, sizeof what, "the content of %.60s", slash != NULL ? slash + 1 : path);
    secret_values_note(&secrets->values, what);
    return ERROR_OK;
}

/* The tool's own: the credential of the bus and the tokens of the checks. */
static enum error_code add_credentials(struct secrets *secrets, const struct world_disk *disk,
                                       struct error *error)
{
    const struct setup *setup = secrets->values.setup;
    enum error_code code = add_credential(secrets, disk, setup->bus.credential.file, true, error);
    for (size_t i = 0; code == ERROR_OK && i < setup->check_count; i++)
        code = add_credential(secrets, disk, setup->checks[i].token_file, false, error);
    return code;
}

static enum error_code read_env(struct secrets *secrets, const struct secrets_env *env,
                                struct error *error)
{
    (void)snprintf(secrets->mode, sizeof secrets->mode, "%s", env->mode);
    enum error_code code = secret_values_add_file(&secrets->values, (const char *)env->text.data,
                                                  env->text.size, true, error);
    secrets->known = code == ERROR_OK;
    return code == ERROR_LIMIT ? ERROR_OK : code;
}

enum error_code secrets_open(const struct setup *setup, const struct world_disk *disk,
                             const struct secrets_env *env, struct secrets **ret_secrets,
                             struct error *error)
{
    struct secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets == NULL)
        return error_set(error, ERROR_MEMORY, 0, "secrets", "", "out of memory");
    *secrets = (struct secrets){.values = {.setup = setup},
                                .wanted = is_given(setup->compose.env_file)};
    enum error_code code = redactor_new(&secrets->values.redactor, error);
    if (code == ERROR_OK)
        code = add_credentials(secrets, disk, error);
    if (code == ERROR_OK && env->is_known)
        code = read_env(secrets, env, error);
    if (code == ERROR_OK)
        code = redactor_seal(secrets->values.redactor, error);
    if (code == ERROR_OK)
        *ret_secrets = secrets;
    else
        secrets_close(secrets);
    return code;
}

/* Too many of them: what was learned so far holds, and secrets_check() refuses. */
static enum error_code judge_learned(struct secrets *secrets, enum error_code code)
{
    if (code == ERROR_LIMIT)
        secrets->known = false;
    return code == ERROR_LIMIT ? ERROR_OK : code;
}

enum error_code secrets_learn(struct secrets *secrets, const struct env_assignment *assignment,
                              enum secret_kind kind, struct error *error)
{
    return judge_learned(secrets, secret_values_add(&secrets->values, assignment, kind, error));
}

enum error_code secrets_learn_file(struct secrets *secrets, const char *text, size_t size,
                                   struct error *error)
{
    return judge_learned(secrets,
                         secret_values_add_file(&secrets->values, text, size, false, error));
}

enum error_code secrets_spare(struct secrets *secrets, const char *name, size_t size,
                              struct error *error)
{
    return secret_values_spare(&secrets->values, name, size, error);
}

enum error_code secrets_settle(struct secrets *secrets, struct error *error)
{
    return redactor_seal(secrets->values.redactor, error);
}

void secrets_env_clear(struct secrets_env *env)
{
    bytes_free(&env->text);
    *env = (struct secrets_env){.is_known = false};
}

void secrets_close(struct secrets *secrets)
{
    if (secrets == NULL)
        return;
    redactor_free(secrets->values.redactor);
    sodium_free(secrets->values.bus_credential);
    bytes_free(&secrets->values.spared);
    free(secrets);
}

enum error_code secrets_redact(const struct secrets *secrets, enum redact_level level,
                               struct bytes *text, struct error *error)
{
    return redactor_apply(secrets->values.redactor, level, text, error);
}

bool secrets_are_known(const struct secrets *secrets)
{
    return secrets->known || !secrets->wanted;
}

enum error_code secrets_check(const struct secrets *secrets, struct error *error)
{
    const char *env_file = secrets->values.setup->compose.env_file;
    char next[320];
    if (!secrets_are_known(secrets)) {
        (void)snprintf(next, sizeof next,
                       "put %.200s there, chmod 600, owned by the user that deploys", env_file);
        return error_set(error, ERROR_REFUSED, 0, env_file, next,
                         "the env file is missing or cannot be read, or is too large, so its "
                         "values could not be kept out of the record");
    }
    if (secrets->wanted && strcmp(secrets->mode, "600") != 0) {
        (void)snprintf(next, sizeof next, "chmod 600 %.200s", env_file);
        return error_set(error, ERROR_REFUSED, 0, env_file, next,
                         "the env file has mode %s and not 600: others may read its secrets",
                         secrets->mode);
    }
    return ERROR_OK;
}

const char *secrets_note(const struct secrets *secrets)
{
    return secrets->values.note;
}

const char *secrets_bus_credential(const struct secrets *secrets)
{
    return secrets->values.bus_credential;
}
