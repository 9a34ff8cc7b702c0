#include "actions/secrets/secrets.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actions/secrets/credential.h"
#include "actions/secrets/env_file.h"
#include "actions/secrets/secret_words.h"

enum { PASSWORD_MAX = 512, NOTE_MAX = 400, KEY_SHOWN_MAX = 40 };

struct secrets {
    const struct setup *setup;
    struct redactor *redactor;
    char *bus_password; /* locked */
    char note[NOTE_MAX];
    char mode[8];       /* of the env file, "" = unknown */
    bool wanted, known; /* an env file is configured; was read */
};

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool contains_pattern(const char *key, size_t length, const char *pattern)
{
    size_t size = strlen(pattern);
    for (size_t at = 0; size > 0 && at + size <= length; at++)
        if (strncasecmp(key + at, pattern, size) == 0)
            return true;
    return false;
}

static bool looks_secret(const struct setup *setup, const struct env_assignment *assignment)
{
    const char *bus = setup->bus.password_key;
    if (is_given(bus) && strlen(bus) == assignment->key_length
        && memcmp(bus, assignment->key, assignment->key_length) == 0)
        return true;
    for (size_t i = 0; i < setup->secrets.patterns.count; i++)
        if (contains_pattern(assignment->key, assignment->key_length,
                             setup->secrets.patterns.items[i]))
            return true;
    return false;
}

/* Only what is written as the names of variables are, because a line of a value that was taken for
 * an assignment has a "key" too. */
static void note_key(struct secrets *secrets, const char *key, size_t length)
{
    char name[KEY_SHOWN_MAX + 1];
    size_t used = strlen(secrets->note);
    bool plain = length > 0 && length <= KEY_SHOWN_MAX;
    for (size_t i = 0; plain && i < length; i++)
        plain = isupper((unsigned char)key[i]) || isdigit((unsigned char)key[i]) || key[i] == '_';
    (void)snprintf(name, sizeof name, "%.*s", plain ? (int)length : 15,
                   plain ? key : "an unusual name");
    if (strstr(secrets->note, name) != NULL)
        return;
    (void)snprintf(secrets->note + used, sizeof secrets->note - used, "%s%s",
                   used > 0 ? ", "
                            : "too short to be redacted, or a word that is read by this tool: ",
                   name);
}

/* A program may print a value of several lines line by line. */
static enum error_code add_lines(struct secrets *secrets, const char *value, size_t size,
                                 size_t least, bool secret, struct error *error)
{
    enum error_code code = ERROR_OK;
    for (const char *at = value, *end = value + size; code == ERROR_OK && at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        if (length >= least && length < size && secret_word_fits(secrets->setup, at, length))
            code = redactor_add(secrets->redactor, at, length, secret, error);
        at += length + 1;
    }
    return code;
}

static enum error_code add_value(struct secrets *secrets, const char *value, size_t size,
                                 bool secret, struct error *error)
{
    size_t value_bytes = (size_t)secrets->setup->secrets.value_bytes;
    enum error_code code = redactor_add(secrets->redactor, value, size, secret, error);
    return code == ERROR_OK
               ? add_lines(secrets, value, size, secret ? 8 : value_bytes, secret, error)
               : code;
}

/* scheme://user:PASSWORD@host, as it stands and with its %41 undone. */
static enum error_code add_address_password(struct secrets *secrets,
                                            const struct env_assignment *assignment,
                                            struct error *error)
{
    const char *end = assignment->value + assignment->value_length;
    const char *scheme = memmem(assignment->value, assignment->value_length, "://", 3);
    if (scheme == NULL)
        return ERROR_OK;
    const char *user = scheme + 3, *slash = memchr(user, '/', (size_t)(end - user));
    const char *at = memrchr(user, '@', (size_t)((slash != NULL ? slash : end) - user));
    const char *colon = at != NULL ? memchr(user, ':', (size_t)(at - user)) : NULL;
    if (colon == NULL || colon + 1 == at)
        return ERROR_OK;
    const char *password = colon + 1;
    size_t length = (size_t)(at - password), used = 0;
    if (!secret_word_fits(secrets->setup, password, length)) {
        note_key(secrets, assignment->key, assignment->key_length);
        return ERROR_OK;
    }
    char *plain = sodium_malloc(length);
    if (plain == NULL)
        return error_set(error, ERROR_MEMORY, 0, "secrets",
                         "raise the limit of locked memory (ulimit -l)",
                         "no locked memory to read the env file");
    for (size_t i = 0; i < length; i++) {
        unsigned byte;
        char hex[3] = {0};
        if (password[i] == '%' && i + 2 < length)
            memcpy(hex, password + i + 1, 2);
        bool escaped = isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1])
                       && sscanf(hex, "%2x", &byte) == 1;
        plain[used++] = escaped ? (char)byte : password[i];
        i += escaped ? 2 : 0;
    }
    enum error_code code = redactor_add(secrets->redactor, password, length, true, error);
    if (code == ERROR_OK && secret_word_fits(secrets->setup, plain, used))
        code = redactor_add(secrets->redactor, plain, used, true, error);
    sodium_free(plain);
    return code;
}

static enum error_code keep_bus_password(struct secrets *secrets,
                                         const struct env_assignment *assignment,
                                         struct error *error)
{
    const char *key = secrets->setup->bus.password_key;
    if (!is_given(key) || strlen(key) != assignment->key_length
        || memcmp(key, assignment->key, assignment->key_length) != 0
        || assignment->value_length > PASSWORD_MAX)
        return ERROR_OK;
    char *copy = sodium_malloc(assignment->value_length + 1);
    if (copy == NULL)
        return error_set(error, ERROR_MEMORY, 0, "secrets",
                         "raise the limit of locked memory (ulimit -l)",
                         "no locked memory for the bus password");
    memcpy(copy, assignment->value, assignment->value_length);
    copy[assignment->value_length] = '\0';
    sodium_free(secrets->bus_password);
    secrets->bus_password = copy;
    return ERROR_OK;
}

static enum error_code keep_assignment(void *context, const struct env_assignment *assignment,
                                       struct error *error)
{
    struct secrets *secrets = context;
    const char *value = assignment->value;
    size_t size = assignment->value_length;
    bool secret = looks_secret(secrets->setup, assignment);
    bool may_be = size >= (size_t)secrets->setup->secrets.value_bytes
                  && !secret_word_identifies(value, size);
    enum error_code code = keep_bus_password(secrets, assignment, error);
    if (code != ERROR_OK || size == 0)
        return code;
    if (secret_word_fits(secrets->setup, value, size))
        code = secret || may_be ? add_value(secrets, value, size, secret, error) : ERROR_OK;
    else if (secret)
        note_key(secrets, assignment->key, assignment->key_length);
    return code == ERROR_OK ? add_address_password(secrets, assignment, error) : code;
}

/* A credential of this machine. Its user reports what is wrong with the file; here it is only kept
 * out of what is recorded. */
static enum error_code add_credential(struct secrets *secrets, const struct world_disk *disk,
                                      const char *path, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct error ignored;
    if (!is_given(path) || credential_read_file(disk, path, "", &text, &ignored) != ERROR_OK)
        return ERROR_OK;
    if (text.size == 0 || secret_word_fits(secrets->setup, (const char *)text.data, text.size))
        return text.size > 0 ? add_value(secrets, (const char *)text.data, text.size, true, error)
                             : ERROR_OK;
    const char *slash = strrchr(path, '/');
    size_t used = strlen(secrets->note);
    (void)snprintf(secrets->note + used, sizeof secrets->note - used, "%sthe content of %.60s",
                   used > 0 ? ", "
                            : "too short to be redacted, or a word that is read by this tool: ",
                   slash != NULL ? slash + 1 : path);
    return ERROR_OK;
}

/* The tool's own: the bus password and the tokens of the checks. */
static enum error_code add_credentials(struct secrets *secrets, const struct world_disk *disk,
                                       struct error *error)
{
    const struct setup *setup = secrets->setup;
    enum error_code code = add_credential(secrets, disk, setup->bus.password_file, error);
    for (size_t i = 0; code == ERROR_OK && i < setup->check_count; i++)
        code = add_credential(secrets, disk, setup->checks[i].token_file, error);
    return code;
}

static enum error_code read_env(struct secrets *secrets, const struct secrets_env *env,
                                struct error *error)
{
    (void)snprintf(secrets->mode, sizeof secrets->mode, "%s", env->mode);
    enum error_code code = env_file_read((const char *)env->text.data, env->text.size,
                                         keep_assignment, secrets, error);
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
    *secrets = (struct secrets){.setup = setup, .wanted = is_given(setup->compose.env_file)};
    enum error_code code = redactor_new(&secrets->redactor, error);
    if (code == ERROR_OK)
        code = add_credentials(secrets, disk, error);
    if (code == ERROR_OK && env->is_known)
        code = read_env(secrets, env, error);
    if (code == ERROR_OK)
        code = redactor_seal(secrets->redactor, error);
    if (code == ERROR_OK)
        *ret_secrets = secrets;
    else
        secrets_close(secrets);
    return code;
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
    redactor_free(secrets->redactor);
    sodium_free(secrets->bus_password);
    free(secrets);
}

enum error_code secrets_redact(const struct secrets *secrets, enum redact_level level,
                               struct bytes *text, struct error *error)
{
    return redactor_apply(secrets->redactor, level, text, error);
}

bool secrets_are_known(const struct secrets *secrets)
{
    return secrets->known || !secrets->wanted;
}

enum error_code secrets_check(const struct secrets *secrets, struct error *error)
{
    const char *env_file = secrets->setup->compose.env_file;
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
    return secrets->note;
}

const char *secrets_bus_password(const struct secrets *secrets)
{
    return secrets->bus_password;
}
