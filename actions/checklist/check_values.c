/* What a value of the env file is worth to the services: its length, and passwords that a parser
 * takes for numbers. The file is read here as compose reads it; where its versions differ, compose
 * is asked. Nothing of a value is in a sentence (check.h, Secrets). */
#include "actions/checklist/check.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "actions/compose/compose_learn.h"
#include "actions/compose/view/compose_view.h"
#include "actions/secrets/env_values.h"

/* The env file, read as each program does. */
struct env_read {
    struct check *check;
    struct env_values of[ENV_PROGRAMS];
    struct compose_view *asked; /* the last answer of compose */
};

/* What a key is worth; text NULL: it is not set. Valid until the next one is looked for. */
struct worth {
    const char *text;
    size_t length;
    int line;
};

static void env_read_close(struct env_read *read)
{
    for (unsigned i = 0; i < ENV_PROGRAMS; i++)
        env_values_free(&read->of[i]);
    compose_view_close(read->asked);
}
#define CLEANUP_ENV_READ __attribute__((cleanup(env_read_close)))

static enum error_code say_no_env(struct check *check, struct error *error)
{
    const char *env_file = target_setup(check->target)->compose.env_file;
    const char *why = check_item_of(check, CHECK_ENV_FILE_MODE);
    return check_say(check, PREFLIGHT_FAILED, error, "%s cannot be read%s%s", env_file,
                     why[0] != '\0' ? ": see " : "", why);
}

/* Where it cannot be read, the answer is given and *ret_read is empty. */
static enum error_code env_read_open(struct check *check, struct env_read *ret_read,
                                     struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    const char *env_file = target_setup(check->target)->compose.env_file;
    *ret_read = (struct env_read){.check = NULL};
    if (env_file[0] == '\0')
        return check_say(check, PREFLIGHT_UNDECIDED, error,
                         "no probe decides this: compose.env_file is not configured");
    text_add(&script, "cat ");
    text_add_quoted(&script, env_file);
    enum error_code code = check_run(check, &script, &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.status != 0)
        return say_no_env(check, error);
    const char *text = result.output.size > 0 ? (const char *)result.output.data : "";
    for (unsigned i = 0; code == ERROR_OK && i < ENV_PROGRAMS; i++)
        code = env_values_read(text, result.output.size, (enum env_program)i, &ret_read->of[i],
                               error);
    if (result.output.size > 0)
        sodium_memzero(result.output.data, result.output.size);
    ret_read->check = check;
    return code;
}

static bool is_same_worth(const struct env_value *one, const struct env_value *two)
{
    return one != NULL && two != NULL && !one->foreign && !two->foreign
           && one->length == two->length && memcmp(one->value, two->value, one->length) == 0;
}

static struct worth find_worth(struct env_read *read, const char *key)
{
    const struct env_value *one = env_values_find(&read->of[ENV_PROGRAM_ONE], key, strlen(key)),
                           *two = env_values_find(&read->of[ENV_PROGRAM_TWO], key, strlen(key)),
                           *any = two != NULL && !read->of[ENV_PROGRAM_TWO].refused ? two : one;
    any = any != NULL ? any : two;
    struct worth worth = {.line = any != NULL ? any->line : 0};
    if (any == NULL)
        return worth;
    worth.text = any->value;
    worth.length = any->length;
    if (is_same_worth(one, two))
        return worth;
    struct error ignored;
    compose_view_close(read->asked);
    read->asked = NULL;
    if (compose_ask(read->check->target, key, &read->asked, &ignored) == ERROR_OK) {
        const struct compose_variable *answer = &read->asked->services[0].variables[0];
        worth.text = answer->value != NULL ? answer->value : "";
        worth.length = answer->value != NULL ? answer->length : 0;
    }
    return worth;
}

/* Characters, not bytes: continuation bytes of UTF-8 do not count. */
static long long characters(const char *text, size_t length)
{
    long long count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* A service may be given another value under the same name. */
static enum error_code judge_key_of_services(struct check *check, struct complaints *complaints,
                                             struct error *error)
{
    const struct compose_view *view = check_view_if_any(check);
    const struct setup_check *item = check->item;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; view != NULL && code == ERROR_OK && i < view->count; i++) {
        const struct compose_service *service = &view->services[i];
        const struct compose_variable *found = compose_service_variable(service, item->key);
        if (found != NULL && found->value != NULL
            && characters(found->value, found->length) < (long long)item->minimum)
            code = complaints_add(complaints, error,
                                  "%s:%d: %s of %s is shorter than %lld characters",
                                  target_setup(check->target)->compose.file, found->line, item->key,
                                  service->name, (long long)item->minimum);
    }
    return code;
}

enum error_code check_env_key_length(struct check *check, struct error *error)
{
    CLEANUP_ENV_READ struct env_read read;
    CLEANUP_COMPLAINTS struct complaints complaints = {0};
    const struct setup_check *item = check->item;
    const char *env_file = target_setup(check->target)->compose.env_file;
    enum error_code code = env_read_open(check, &read, error);
    if (code != ERROR_OK || read.check == NULL)
        return code;
    struct worth worth = find_worth(&read, item->key);
    if (worth.text == NULL)
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s is not set", env_file, item->key);
    if (characters(worth.text, worth.length) < (long long)item->minimum)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s:%d: %s is shorter than %lld characters", env_file, worth.line,
                         item->key, (long long)item->minimum);
    code = judge_key_of_services(check, &complaints, error);
    if (code != ERROR_OK)
        return code;
    return complaints.count > 0
               ? check_say(check, PREFLIGHT_FAILED, error, "%s", (const char *)complaints.text.data)
               : check_say(check, PREFLIGHT_PASSED, error, "%s:%d: %s is long enough", env_file,
                           worth.line, item->key);
}

static size_t span_of(const char *text, size_t length, const char *letters)
{
    size_t count = 0;
    while (count < length && text[count] != '\0' && strchr(letters, text[count]) != NULL)
        count++;
    return count;
}

/* 12, 1_000, 1.5, 1e9, 10k, 4GiB, 0x1f, with a sign or without. */
static bool is_number(const char *text, size_t length)
{
    static const char digits[] = "0123456789";
    if (length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return span_of(text + 2, length - 2, "0123456789abcdefABCDEF") == length - 2;
    size_t at = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (at == length || !isdigit((unsigned char)text[at]))
        return false;
    at += span_of(text + at, length - at, "0123456789_,.");
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        size_t sign = at + 1 < length && (text[at + 1] == '-' || text[at + 1] == '+') ? 1 : 0;
        size_t power = span_of(text + at + 1 + sign, length - at - 1 - sign, digits);
        at += power > 0 ? 1 + sign + power : 0;
    }
    if (at < length && strchr("kmgtpeKMGTPE", text[at]) != NULL) {
        at++;
        at += at < length && (text[at] == 'i' || text[at] == 'I') ? 1 : 0;
        at += at < length && (text[at] == 'b' || text[at] == 'B') ? 1 : 0;
    }
    return at == length;
}

static bool is_flag(const char *text, size_t length)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0)
            return true;
    return false;
}

static bool is_date(const char *text, size_t length)
{
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; i < strlen(form); i++)
        if (i >= length || (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i]))
            return false;
    return true;
}

/* What NATS reads in an unquoted place as something else than a text; NULL = a text. */
static const char *taken_for(const struct worth *worth)
{
    if (worth->length == 0)
        return "is empty";
    if (is_number(worth->text, worth->length))
        return "would be taken for a number";
    if (is_flag(worth->text, worth->length))
        return "would be taken for true or false";
    if (is_date(worth->text, worth->length))
        return "would be taken for a date";
    return worth->text[0] == '$' ? "would be taken for the name of a variable" : NULL;
}

/* The pattern of the item that a key has; NULL = none. The key itself is not repeated: a line of a
 * value over several lines may look like one. */
static const char *key_pattern_of(const struct check *check, const char *key)
{
    const struct setup_list *keys = &check->item->keys;
    for (size_t i = 0; i < keys->count; i++)
        if (fnmatch(keys->items[i], key, 0) == 0)
            return keys->items[i];
    return NULL;
}

/* The key of an assignment that counts for a program, and for none before it; false = another. */
static bool is_new_key(const struct env_read *read, unsigned program, size_t index, char *ret_key,
                       size_t capacity)
{
    const struct env_value *value = &read->of[program].list[index];
    if (value->key_length >= capacity
        || env_values_find(&read->of[program], value->key, value->key_length) != value)
        return false;
    for (unsigned i = 0; i < program; i++)
        if (env_values_find(&read->of[i], value->key, value->key_length) != NULL)
            return false;
    memcpy(ret_key, value->key, value->key_length);
    ret_key[value->key_length] = '\0';
    return true;
}

static enum error_code judge_passwords(struct env_read *read, unsigned program,
                                       struct complaints *complaints, size_t *found,
                                       struct error *error)
{
    const struct check *check = read->check;
    enum error_code code = ERROR_OK;
    char key[128];
    for (size_t i = 0; code == ERROR_OK && i < read->of[program].count; i++) {
        const char *pattern = is_new_key(read, program, i, key, sizeof key)
                                  ? key_pattern_of(check, key)
                                  : NULL;
        if (pattern == NULL)
            continue;
        struct worth worth = find_worth(read, key);
        ++*found;
        if (taken_for(&worth) != NULL)
            code = complaints_add(complaints, error, "%s:%d: this password (%s) %s",
                                  target_setup(check->target)->compose.env_file, worth.line,
                                  pattern, taken_for(&worth));
    }
    return code;
}

enum error_code check_password_text(struct check *check, struct error *error)
{
    CLEANUP_ENV_READ struct env_read read;
    CLEANUP_COMPLAINTS struct complaints complaints = {0};
    const struct setup_list *keys = &check->item->keys;
    const char *env_file = target_setup(check->target)->compose.env_file;
    size_t found = 0;
    enum error_code code = env_read_open(check, &read, error);
    if (code != ERROR_OK || read.check == NULL)
        return code;
    for (unsigned i = 0; code == ERROR_OK && i < ENV_PROGRAMS; i++)
        code = judge_passwords(&read, i, &complaints, &found, error);
    if (code != ERROR_OK)
        return code;
    if (complaints.count > 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s", (const char *)complaints.text.data);
    if (found == 0)
        return check_say(check, PREFLIGHT_UNDECIDED, error, "%s has no key like %s", env_file,
                         keys->count > 0 ? keys->items[0] : "those of `keys`");
    return check_say(check, PREFLIGHT_PASSED, error, "%s: %zu password%s text", env_file, found,
                     found == 1 ? " is" : "s are");
}
