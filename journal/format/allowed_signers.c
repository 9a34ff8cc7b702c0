#include "journal/format/allowed_signers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/sshsig.h"

#define KEY_TYPE "ssh-ed25519"

void allowed_signers_free(struct allowed_signers *signers)
{
    free(signers->signers);
    *signers = (struct allowed_signers){0};
}

static enum error_code refuse_signer_line(struct error *error, const char *what)
{
    return error_set(error, ERROR_DAMAGED, 0, "",
                     "write: principal namespaces=\"titan-journal-v1\" ssh-ed25519 AAAA...", "%s",
                     what);
}

/* The next field, ended by a space or tab outside double quotes. */
static bool next_field(const char *line, size_t length, size_t *at, const char **ret_field,
                       size_t *ret_length)
{
    while (*at < length && (line[*at] == ' ' || line[*at] == '\t'))
        (*at)++;
    size_t begin = *at;
    bool quoted = false;
    for (; *at < length && (quoted || (line[*at] != ' ' && line[*at] != '\t')); (*at)++)
        if (line[*at] == '"')
            quoted = !quoted;
    *ret_field = line + begin;
    *ret_length = *at - begin;
    return *ret_length > 0 && !quoted;
}

static enum error_code read_principals(const char *field, size_t length,
                                       struct allowed_signer *signer, struct error *error)
{
    if (field[0] == '"' && length >= 2 && field[length - 1] == '"') {
        field++;
        length -= 2;
    }
    for (size_t begin = 0; begin <= length;) {
        const char *comma = memchr(field + begin, ',', length - begin);
        size_t size = (comma != NULL ? (size_t)(comma - field) : length) - begin;
        if (size == 0 || size >= PRINCIPAL_MAX
            || signer->principal_count == sizeof signer->principals / sizeof signer->principals[0])
            return refuse_signer_line(error,
                                      "a principal is empty or too long, or there are too many");
        for (size_t i = begin; i < begin + size; i++)
            if (strchr("*?!\"", field[i]) != NULL || (unsigned char)field[i] <= ' ')
                return refuse_signer_line(
                    error, "a principal must be a plain name, without wildcard or negation");
        memcpy(signer->principals[signer->principal_count++], field + begin, size);
        begin += size + 1;
    }
    return ERROR_OK;
}

/* name="value" out of a comma list of options; the value may hold commas. */
static bool next_option(const char *field, size_t length, size_t *at, const char **ret_name,
                        size_t *ret_name_length, const char **ret_value, size_t *ret_value_length)
{
    const char *equals = memchr(field + *at, '=', length - *at);
    if (equals == NULL || (size_t)(equals - field) + 2 > length || equals[1] != '"')
        return false;
    const char *value = equals + 2;
    const char *end = memchr(value, '"', length - (size_t)(value - field));
    if (end == NULL)
        return false;
    *ret_name = field + *at;
    *ret_name_length = (size_t)(equals - *ret_name);
    *ret_value = value;
    *ret_value_length = (size_t)(end - value);
    *at = (size_t)(end + 1 - field);
    if (*at == length)
        return true;
    return field[(*at)++] == ','
           && *at < length; /* nothing after a comma is an error, as in ssh-keygen */
}

static enum error_code read_options(const char *field, size_t length, struct allowed_signer *signer,
                                    struct error *error)
{
    const struct {
        const char *name;
        char *place;
        size_t capacity;
    } known[] = {
        {"namespaces", signer->namespaces, sizeof signer->namespaces},
        {"valid-after", signer->valid_after, sizeof signer->valid_after},
        {"valid-before", signer->valid_before, sizeof signer->valid_before},
    };
    for (size_t at = 0; at < length;) {
        const char *name, *value;
        size_t name_length, value_length;
        bool known_option = false;
        if (!next_option(field, length, &at, &name, &name_length, &value, &value_length))
            return refuse_signer_line(error, "the line has an option that is not supported");
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (strlen(known[i].name) != name_length
                || strncasecmp(known[i].name, name, name_length) != 0)
                continue;
            if (value_length == 0 || value_length >= known[i].capacity || known[i].place[0] != '\0')
                return refuse_signer_line(error, "an option is empty, too long or given twice");
            memcpy(known[i].place, value, value_length);
            known_option = true;
        }
        if (!known_option)
            return refuse_signer_line(error, "the line has an option that is not supported");
    }
    return ERROR_OK;
}

enum error_code allowed_signers_read_line(const char *line, size_t length,
                                          struct allowed_signer *ret_signer, struct error *error)
{
    struct allowed_signer signer = {0};
    size_t at = 0, size;
    const char *field;
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    if (memchr(line, '\0', length) != NULL || !next_field(line, length, &at, &field, &size))
        return refuse_signer_line(error, "the line has no principal");
    enum error_code code = read_principals(field, size, &signer, error);
    if (code != ERROR_OK)
        return code;
    if (!next_field(line, length, &at, &field, &size))
        return refuse_signer_line(error, "the line has no key");
    if (size != strlen(KEY_TYPE) || memcmp(field, KEY_TYPE, size) != 0) {
        code = read_options(field, size, &signer, error);
        if (code != ERROR_OK)
            return code;
        if (!next_field(line, length, &at, &field, &size) || size != strlen(KEY_TYPE)
            || memcmp(field, KEY_TYPE, size) != 0)
            return refuse_signer_line(error, "the key is not an ssh-ed25519 key");
    }
    if (!next_field(line, length, &at, &field, &size))
        return refuse_signer_line(error, "the line has no key");
    code = ssh_public_key_from_base64(field, size, signer.key, error);
    if (code == ERROR_OK)
        *ret_signer = signer;
    return code;
}

enum error_code allowed_signers_read(const char *name, const void *text, size_t size,
                                     struct allowed_signers *ret_signers, struct error *error)
{
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers list = {0};
    const char *at = text, *end = at + size;
    for (unsigned number = 1; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        const char *line = at;
        at += length + 1;
        size_t blank = 0;
        while (blank < length && (line[blank] == ' ' || line[blank] == '\t' || line[blank] == '\r'))
            blank++;
        if (blank == length || line[blank] == '#')
            continue;
        struct allowed_signer *grown = reallocarray(list.signers, list.count + 1, sizeof *grown);
        if (grown == NULL)
            return error_set(error, ERROR_MEMORY, 0, name, "", "out of memory");
        list.signers = grown;
        enum error_code code = allowed_signers_read_line(line, length, &list.signers[list.count],
                                                         error);
        if (code != ERROR_OK) {
            (void)snprintf(error->where, sizeof error->where, "%s:%u", name, number);
            return code;
        }
        list.count++;
    }
    *ret_signers = list;
    list = (struct allowed_signers){0};
    return ERROR_OK;
}

static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (size == length && memcmp(at, word, length) == 0)
            return true;
        at += size + (at[size] == ',');
    }
    return false;
}

bool allowed_signer_has_namespace(const struct allowed_signer *signer, const char *name_space)
{
    return signer->namespaces[0] == '\0' || list_has(signer->namespaces, name_space);
}

bool allowed_signer_has_principal(const struct allowed_signer *signer, const char *principal)
{
    for (unsigned i = 0; i < signer->principal_count; i++)
        if (strcmp(signer->principals[i], principal) == 0)
            return true;
    return false;
}
