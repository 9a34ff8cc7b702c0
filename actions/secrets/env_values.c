#include "actions/secrets/env_values.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

/* `A=${B}${B}`, line for line, doubles: what is put in stays in bounds. */
enum { ROOM_TIMES = 4, ROOM_LEAST = 1 << 14 };

static enum error_code no_env_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "secrets",
                     "raise the limit of locked memory (ulimit -l)",
                     "no locked memory to read the env file");
}

void env_values_put(struct env_values *values, const char *text, size_t length)
{
    if (length > values->text_bytes - values->used_bytes)
        values->full = true;
    else if (length > 0)
        memcpy(values->text + values->used_bytes, text, length);
    values->used_bytes += values->full ? 0 : length;
}

const struct env_value *env_values_find(const struct env_values *values, const char *key,
                                        size_t length)
{
    for (size_t i = values->count; i > 0; i--) {
        const struct env_value *value = &values->list[i - 1];
        if (value->key_length == length && memcmp(value->key, key, length) == 0)
            return value;
    }
    return NULL;
}

const struct env_value *env_values_variable(struct env_values *values, struct env_value *made,
                                            const char *name, size_t length)
{
    const struct env_value *found = env_values_find(values, name, length);
    made->foreign = made->foreign || found == NULL || found->foreign;
    return found;
}

void env_values_add(struct env_values *values, struct env_value made, size_t begin)
{
    if (values->count == values->capacity) {
        size_t capacity = values->capacity > 0 ? 2 * values->capacity : 64;
        struct env_value *list = reallocarray(values->list, capacity, sizeof *list);
        values->full = values->full || list == NULL;
        if (list == NULL)
            return;
        values->list = list;
        values->capacity = capacity;
    }
    made.value = values->text + begin;
    made.length = values->used_bytes - begin;
    const char *key = values->text + values->used_bytes;
    env_values_put(values, made.key, made.key_length);
    if (values->full)
        return;
    made.key = key;
    values->list[values->count++] = made;
}

void env_values_free(struct env_values *values)
{
    free(values->list);
    sodium_free(values->text);
    *values = (struct env_values){.count = 0};
}

enum error_code env_values_read(const char *text, size_t size, enum env_program program,
                                struct env_values *ret_values, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of byte order: both programs skip it */
    struct env_values values = {.text_bytes = ROOM_TIMES * size + ROOM_LEAST};
    values.text = sodium_malloc(values.text_bytes);
    char *scratch = sodium_malloc(size + 1);
    if (values.text == NULL || scratch == NULL) {
        sodium_free(scratch);
        env_values_free(&values);
        return no_env_memory(error);
    }
    size_t skipped = size >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0 ? strlen(mark)
                                                                                   : 0;
    bool good = program == ENV_PROGRAM_ONE
                    ? env_values_read_one(&values, text + skipped, size - skipped)
                    : env_values_read_two(&values, text + skipped, size - skipped, scratch);
    values.refused = !good || values.full;
    sodium_free(scratch);
    *ret_values = values;
    return ERROR_OK;
}
