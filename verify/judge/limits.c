#include "verify/judge/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libfyaml.h>

#include "journal/format/crash.h"
#include "verify/read/file.h"
#include "verify/read/names.h"
#include "verify/read/greater.h"

enum { FILE_BYTES_MAX = 65536 };
static const int64_t VALUE_MAX = (int64_t)7 * 24 * 3600 * 1000;

struct reader {
    const char *path;
    struct limits limits;
    struct error *error;
};

static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
#define LIMITS_ROW(name) {#name, offsetof(struct limits, name)},
    NAMES_LIMITS(LIMITS_ROW)};

void limits_default(struct limits *ret_limits)
{
    *ret_limits = (struct limits){.window_ms = 300000,
                                  .sample_interval_ms = 5000,
                                  .sample_gap_ms = 10000,
                                  .window_start_ms = 120000,
                                  .window_start_armed_ms = 10000,
                                  .failures = 3,
                                  .failures_total = 6,
                                  .rollback_start_ms = 10000,
                                  .rollback_ms = 300000,
                                  .disarm_fresh_ms = 10000,
                                  .answer_ms = 60000,
                                  .service_start_ms = 300000,
                                  .preflight_ms = 1800000,
                                  .guard_pause_ms = 1800000};
}

/* A tenth of the samples, where the auditor says nothing else; never fewer than `failures`. */
static void set_failures_total(struct limits *limits)
{
    int64_t tenth = limits->window_ms / limits->sample_interval_ms / 10;
    if (limits->failures_total == 0)
        limits->failures_total = greater_of(tenth, limits->failures);
}

/* A window is looser where it is shorter; of everything else more is allowed. */
bool limits_looser(const struct limits *limits, char *ret_named, size_t room)
{
    struct limits standard;
    size_t used = 0;
    limits_default(&standard);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int64_t figure = *(const int64_t *)(const void *)((const char *)limits + numbers[i].offset);
        int64_t wanted = *(const int64_t *)(const void *)((const char *)&standard
                                                          + numbers[i].offset);
        bool looser = numbers[i].offset == offsetof(struct limits, window_ms) ? figure < wanted
                                                                              : figure > wanted;
        if (!looser || used >= room)
            continue;
        (void)snprintf(ret_named + used, room - used, "%s%s %lld instead of the standard's %lld",
                       used > 0 ? ", " : "", numbers[i].key, (long long)figure, (long long)wanted);
        used += strlen(ret_named + used);
    }
    return used > 0;
}

static void clean_document(struct fy_document **document)
{
    fy_document_destroy(*document);
}

static void clean_diag(struct fy_diag **diag)
{
    fy_diag_destroy(*diag); /* NULL is taken */
}

static enum error_code limits_refuse_at(const struct reader *reader, int line, int column,
                                        const char *what, const char *word, size_t length)
{
    char where[160];
    (void)snprintf(where, sizeof where, "%.110s:%d:%d", reader->path, line, column);
    return error_set(reader->error, ERROR_USAGE, 0, where, "titan-verify --help names the keys",
                     "%s%s%.*s%s", what, length > 0 ? ": '" : "", (int)length, word,
                     length > 0 ? "'" : "");
}

static enum error_code limits_refuse_node(const struct reader *reader, struct fy_node *node,
                                          const char *what)
{
    size_t length = 0;
    const char *word = fy_node_get_scalar(node, &length);
    struct fy_token *token = fy_node_get_scalar_token(node);
    const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
    return limits_refuse_at(reader, mark != NULL ? mark->line + 1 : 1,
                            mark != NULL ? mark->column + 1 : 1, what, word != NULL ? word : "",
                            word == NULL  ? 0
                            : length < 60 ? length
                                          : 60);
}

static bool scalar_is(struct fy_node *node, const char *word)
{
    size_t length = 0;
    const char *text = fy_node_get_scalar(node, &length);
    return text != NULL && length == strlen(word) && memcmp(text, word, length) == 0;
}

static bool limits_read_number(struct fy_node *node, int64_t *ret_value)
{
    size_t length = 0;
    const char *text = node != NULL ? fy_node_get_scalar(node, &length) : NULL;
    int64_t value = 0;
    if (text == NULL || length == 0 || length > 12 || (length > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *ret_value = value;
    return value <= VALUE_MAX;
}

static enum error_code read_checklist(struct reader *reader, struct fy_node *key,
                                      struct fy_node *list)
{
    void *iterator = NULL;
    if (list == NULL || !fy_node_is_sequence(list))
        return limits_refuse_node(reader, key,
                                  "a list of checklist items is expected behind this key");
    for (struct fy_node *node; (node = fy_node_sequence_iterate(list, &iterator)) != NULL;) {
        size_t length = 0;
        const char *text = fy_node_get_scalar(node, &length);
        if (text == NULL || length == 0 || length >= LIMITS_ITEM_BYTES
            || memchr(text, '\n', length) != NULL
            || reader->limits.checklist_count == LIMITS_ITEMS_MAX)
            return limits_refuse_node(reader, text != NULL ? node : key,
                                      "this is no list of checklist items that can be taken");
        memcpy(reader->limits.checklist[reader->limits.checklist_count++], text, length);
    }
    return ERROR_OK;
}

static enum error_code read_approvals(struct reader *reader, struct fy_node *key,
                                      struct fy_node *mapping)
{
    void *iterator = NULL;
    if (mapping == NULL || !fy_node_is_mapping(mapping))
        return limits_refuse_node(reader, key,
                                  "`policy` and `release` are expected behind this key");
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &iterator)) != NULL;) {
        struct fy_node *name = fy_node_pair_key(pair);
        int64_t *place = scalar_is(name, "policy")    ? &reader->limits.approvals_policy
                         : scalar_is(name, "release") ? &reader->limits.approvals_release
                                                      : NULL;
        if (place == NULL)
            return limits_refuse_node(reader, name, "this key is not known here");
        if (!limits_read_number(fy_node_pair_value(pair), place))
            return limits_refuse_node(reader, name, "a number is expected behind this key");
    }
    return ERROR_OK;
}

static enum error_code read_pair(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
    if (scalar_is(key, "checklist"))
        return read_checklist(reader, key, value);
    if (scalar_is(key, "approvals"))
        return read_approvals(reader, key, value);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!scalar_is(key, numbers[i].key))
            continue;
        int64_t *place = (int64_t *)(void *)((char *)&reader->limits + numbers[i].offset);
        if (limits_read_number(value, place) && *place > 0)
            return ERROR_OK;
        return limits_refuse_node(
            reader, key,
            "a positive whole number (milliseconds, or a count) is expected behind this key");
    }
    return limits_refuse_node(reader, key, "this key is not known");
}

static enum error_code read_root(struct reader *reader, struct fy_node *root)
{
    void *iterator = NULL;
    if (root == NULL)
        return ERROR_OK;
    if (!fy_node_is_mapping(root))
        return limits_refuse_at(reader, 1, 1, "a limits file is a mapping of names to figures", "",
                                0);
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(root, &iterator)) != NULL;) {
        enum error_code code = read_pair(reader, fy_node_pair_key(pair), fy_node_pair_value(pair));
        if (code != ERROR_OK)
            return code;
    }
    return ERROR_OK;
}

/* What is left of it after a crash is lost. */
static enum error_code read_text(struct reader *reader, const struct bytes *text)
{
    const struct fy_diag_cfg diag_config = {.fp = NULL,
                                            .level = FYET_ERROR,
                                            .module_mask = (1U << FYEM_MAX) - 1};
    struct fy_diag *diag __attribute__((cleanup(clean_diag))) = fy_diag_create(&diag_config);
    if (diag == NULL)
        return error_set(reader->error, ERROR_MEMORY, 0, reader->path, "", "out of memory");
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg parse_config = {.flags = FYPCF_DEFAULT_PARSE | FYPCF_COLLECT_DIAG,
                                              .diag = diag};
    struct fy_document *document __attribute__((cleanup(clean_document))) =
        fy_document_build_from_string(&parse_config, (const char *)text->data, text->size);
    if (document == NULL) {
        void *iterator = NULL;
        const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &iterator);
        const char *what = first != NULL && first->msg != NULL ? first->msg : "it is not YAML";
        return limits_refuse_at(reader, first != NULL ? first->line : 1,
                                first != NULL ? first->column : 1, what, "", 0);
    }
    return read_root(reader, fy_document_root(document));
}

struct attempt {
    struct reader *reader;
    const struct bytes *text;
    enum error_code code;
};

static void try_text(void *context)
{
    struct attempt *attempt = context;
    attempt->code = read_text(attempt->reader, attempt->text);
    if (errno == ENOMEM)
        attempt->code = ERROR_MEMORY;
}

enum error_code limits_read(const char *path, struct limits *ret_limits, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = file_read(path, FILE_BYTES_MAX, &text, NULL, error);
    if (code != ERROR_OK) {
        error->code = ERROR_USAGE;
        return ERROR_USAGE;
    }
    struct reader reader = {.path = path, .error = error};
    limits_default(&reader.limits);
    reader.limits.failures_total = 0; /* not named yet */
    struct attempt attempt = {.reader = &reader, .text = &text};
    if (!crash_contain(try_text, &attempt) || attempt.code == ERROR_MEMORY)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    set_failures_total(&reader.limits);
    if (attempt.code == ERROR_OK)
        *ret_limits = reader.limits;
    return attempt.code;
}
