#include "actions/secrets/secret_values.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "actions/secrets/credential.h"
#include "actions/secrets/env_values.h"
#include "actions/secrets/secret_words.h"

enum { KEY_SHOWN_MAX = 40 };

static bool contains_pattern(const char *key, size_t length, const char *pattern)
{
    size_t size = strlen(pattern);
    for (size_t at = 0; size > 0 && at + size <= length; at++)
        if (strncasecmp(key + at, pattern, size) == 0)
            return true;
    return false;
}

static bool is_of_bus(const struct setup *setup, const struct env_assignment *assignment)
{
    const char *key = setup->bus.credential.key;
    return key != NULL && key[0] != '\0' && strlen(key) == assignment->key_length
           && memcmp(key, assignment->key, assignment->key_length) == 0;
}

static bool looks_secret(const struct setup *setup, const struct env_assignment *assignment)
{
    if (is_of_bus(setup, assignment))
        return true;
    for (size_t i = 0; i < setup->secrets.patterns.count; i++)
        if (contains_pattern(assignment->key, assignment->key_length,
                             setup->secrets.patterns.items[i]))
            return true;
    return false;
}

static bool is_spared(const struct secret_values *values, const char *value, size_t size)
{
    return values->spared.size > 0
           && memmem(values->spared.data, values->spared.size, value, size) != NULL;
}

static bool fits(const struct secret_values *values, const char *value, size_t size)
{
    return secret_word_fits(values->setup, value, size) && !is_spared(values, value, size);
}

void secret_values_note(struct secret_values *values, const char *what)
{
    size_t used = strlen(values->note);
    (void)snprintf(values->note + used, sizeof values->note - used, "%s%s",
                   used > 0 ? ", "
                            : "too short to be redacted, or a word that is read by this tool: ",
                   what);
}

enum error_code secret_values_spare(struct secret_values *values, const char *name, size_t size,
                                    struct error *error)
{
    if (size == 0 || is_spared(values, name, size))
        return ERROR_OK;
    if (redactor_spare(values->redactor, name, size))
        secret_values_note(values, "a value that is part of the name of a service or an image");
    enum error_code code = bytes_append(&values->spared, name, size, error);
    return code == ERROR_OK ? bytes_append(&values->spared, "\n", 1, error) : code;
}

/* Only what is written as the names of variables are, because a line of a value that was taken for
 * an assignment has a "key" too. */
static void note_key(struct secret_values *values, const char *key, size_t length)
{
    char name[KEY_SHOWN_MAX + 1];
    bool plain = length > 0 && length <= KEY_SHOWN_MAX;
    for (size_t i = 0; plain && i < length; i++)
        plain = isupper((unsigned char)key[i]) || isdigit((unsigned char)key[i]) || key[i] == '_';
    (void)snprintf(name, sizeof name, "%.*s", plain ? (int)length : 15,
                   plain ? key : "an unusual name");
    if (strstr(values->note, name) == NULL)
        secret_values_note(values, name);
}

/* A program may print a value of several lines line by line. */
static enum error_code add_lines(struct secret_values *values, const char *value, size_t size,
                                 size_t least, bool secret, struct error *error)
{
    enum error_code code = ERROR_OK;
    for (const char *at = value, *end = value + size; code == ERROR_OK && at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        if (length >= least && length < size && fits(values, at, length))
            code = redactor_add(values->redactor, at, length, secret, error);
        at += length + 1;
    }
    return code;
}

static enum error_code add_value(struct secret_values *values, const char *value, size_t size,
                                 bool secret, struct error *error)
{
    size_t value_bytes = (size_t)values->setup->secrets.value_bytes;
    enum error_code code = redactor_add(values->redactor, value, size, secret, error);
    return code == ERROR_OK
               ? add_lines(values, value, size, secret ? 8 : value_bytes, secret, error)
               : code;
}

/* scheme://user:PASSWORD@host, as it stands and with its %41 undone. */
static enum error_code add_address_password(struct secret_values *values,
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
    if (!fits(values, password, length)) {
        note_key(values, assignment->key, assignment->key_length);
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
    enum error_code code = redactor_add(values->redactor, password, length, true, error);
    if (code == ERROR_OK && fits(values, plain, used))
        code = redactor_add(values->redactor, plain, used, true, error);
    sodium_free(plain);
    return code;
}

enum error_code secret_values_keep_bus(struct secret_values *values, const char *value, size_t size,
                                       struct error *error)
{
    char *copy = size <= CREDENTIAL_BYTES_MAX ? sodium_malloc(size + 1) : NULL;
    if (size > CREDENTIAL_BYTES_MAX)
        return ERROR_OK;
    if (copy == NULL)
        return error_set(error, ERROR_MEMORY, 0, "secrets",
                         "raise the limit of locked memory (ulimit -l)",
                         "no locked memory for the credential of the bus");
    memcpy(copy, value, size);
    copy[size] = '\0';
    sodium_free(values->bus_credential);
    values->bus_credential = copy;
    return ERROR_OK;
}

enum error_code secret_values_add(struct secret_values *values,
                                  const struct env_assignment *assignment, enum secret_kind kind,
                                  struct error *error)
{
    const char *value = assignment->value;
    size_t size = assignment->value_length;
    bool secret = kind == SECRET_CONTENT || looks_secret(values->setup, assignment);
    bool may_be = kind == SECRET_VARIABLE && size >= (size_t)values->setup->secrets.value_bytes
                  && !secret_word_identifies(value, size);
    enum error_code code = ERROR_OK;
    if (size == 0)
        return code;
    if (fits(values, value, size))
        code = secret || may_be ? add_value(values, value, size, secret, error) : ERROR_OK;
    else if (secret)
        note_key(values, assignment->key, assignment->key_length);
    return code == ERROR_OK ? add_address_password(values, assignment, error) : code;
}

static enum error_code keep_reading(void *context, const struct env_assignment *assignment,
                                    struct error *error)
{
    struct secret_values *values = context;
    enum error_code code = values->own && is_of_bus(values->setup, assignment)
                               ? secret_values_keep_bus(values, assignment->value,
                                                        assignment->value_length, error)
                               : ERROR_OK;
    return code == ERROR_OK ? secret_values_add(values, assignment, SECRET_VARIABLE, error) : code;
}

/* What each program makes of it. */
static enum error_code add_effective(struct secret_values *values, const char *text, size_t size,
                                     enum env_program program, struct error *error)
{
    CLEANUP_ENV_VALUES struct env_values read = {.count = 0};
    enum error_code code = env_values_read(text, size, program, &read, error);
    for (size_t i = 0; code == ERROR_OK && i < read.count; i++) {
        const struct env_value *value = &read.list[i];
        code = keep_reading(values,
                            &(struct env_assignment){.key = value->key,
                                                     .key_length = value->key_length,
                                                     .value = value->value,
                                                     .value_length = value->length},
                            error);
    }
    return code;
}

enum error_code secret_values_add_file(struct secret_values *values, const char *text, size_t size,
                                       bool own, struct error *error)
{
    values->own = own;
    enum error_code code = env_file_read(text, size, keep_reading, values, error);
    if (code == ERROR_OK)
        code = add_effective(values, text, size, ENV_PROGRAM_ONE, error);
    if (code == ERROR_OK)
        code = add_effective(values, text, size, ENV_PROGRAM_TWO, error);
    return code;
}
