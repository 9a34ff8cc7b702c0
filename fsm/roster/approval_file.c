#include "fsm/roster/approval_file.h"

#include <stdio.h>
#include <string.h>

#include "journal/canonical.h"
#include "journal/format/format.h"
#include "journal/format/sshsig.h"
#include "journal/format/names.h"

enum { FILE_BYTES_MAX = 256 * 1024 };
#define ARMOR_BEGIN "-----BEGIN SSH SIGNATURE-----"

void approval_request_free(struct approval_request *request)
{
    json_decref(request->json);
    json_decref(request->parts);
    json_decref(request->open);
    *request = (struct approval_request){0};
}

void approval_answer_free(struct approval_answer *answer)
{
    json_decref(answer->json);
    bytes_free(&answer->armor);
    *answer = (struct approval_answer){0};
}

static enum error_code no_memory_for_request(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "approval", "", "out of memory");
}

static enum error_code malformed(const char *path, const char *what, struct error *error)
{
    return error_set(error, ERROR_REFUSED, 0, path, "ask for a new one and copy it whole", "%s",
                     what);
}

/* The file comes from another machine: every error names that file, not the journal or this
 * machine. */
static enum error_code read_carried(const struct world *world, const char *path,
                                    struct bytes *ret_text, struct error *error)
{
    enum error_code code = world_read_file(world, path, FILE_BYTES_MAX, ret_text, error);
    return code == ERROR_OK || code == ERROR_MEMORY
               ? code
               : malformed(path, "the file is not there, cannot be read, or is too large", error);
}

static enum error_code write_json(const struct world *world, const char *path, const json_t *json,
                                  struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = json != NULL ? canonical_write(json, &text, error)
                                        : no_memory_for_request(error);
    if (code == ERROR_OK)
        code = bytes_append(&text, "\n", 1, error);
    return code == ERROR_OK
               ? world_write_file(world, path, WRITE_REPLACE, 0600, text.data, text.size, error)
               : code;
}

enum error_code approval_request_write(const char *path, struct driver *driver,
                                       const struct bytes *statement, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    CLEANUP_BYTES struct bytes value = {0};
    CLEANUP_BYTES struct bytes open = {0};
    enum error_code code = journal_stored_value(driver->journal, deployment->number, &value, error);
    if (code == ERROR_OK)
        code = bytes_base64(value.data, value.size, &open, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
                                          "titan_request", 1, "target",
                                          driver->config.setup.target.name, "procedure",
                                          machine_procedure_name(deployment->procedure), "opener",
                                          deployment_open_string(deployment, "operator"), "reason",
                                          deployment_open_string(deployment, "reason"), "subject",
                                          deployment_facts(deployment, STATE_UPDATED).subject,
                                          "statement", (const char *)statement->data, "open",
                                          (const char *)open.data);
    return write_json(driver->world, path, json, error);
}

static enum error_code read_json(const char *path, const struct bytes *text, json_t **ret_json,
                                 struct error *error)
{
    json_error_t ignored;
    json_t *json = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES,
                              &ignored);
    if (json == NULL || !json_is_object(json)) {
        json_decref(json);
        return malformed(path, "the file is no JSON object", error);
    }
    *ret_json = json;
    return ERROR_OK;
}

static bool is_plain(const char *text)
{
    return text != NULL && text[0] != '\0' && strlen(text) < 256;
}

static bool are_images(const json_t *images)
{
    for (size_t i = 0; i < json_array_size(images); i++) {
        const json_t *image = json_array_get(images, i);
        if (!is_plain(json_string_value(json_object_get(image, "service")))
            || !is_plain(json_string_value(json_object_get(image, "id")))
            || json_object_size(image) != 2)
            return false;
    }
    return json_array_size(images) > 0;
}

/* The statement alone: canonical, its nine members, nothing else. */
static enum error_code take_statement(const char *path, struct approval_request *request,
                                      const char **ret_open, struct error *error)
{
    struct error ignored;
    const char *key;
    json_t *value;
    size_t at = 0;
    static const char *const keys[] = {"journal", "open", "commit", "images", "expect",
                                       "config",  "env",  "guard",  "partial"};
    if (canonical_read(request->statement, strlen(request->statement), &request->parts, &ignored)
        != ERROR_OK)
        return malformed(path, "the statement is not canonical JSON", error);
    bool good = json_object_size(request->parts) == sizeof keys / sizeof keys[0];
    json_object_foreach (request->parts, key, value)
        good = good && strcmp(key, keys[at++]) == 0;
    good = good
           && json_unpack(request->parts, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "journal",
                          &request->journal, "open", ret_open, "commit", &request->commit, "expect",
                          &request->expect, "config", &request->config, "env", &request->env,
                          "guard", &request->guard)
                  == 0;
    request->images = json_object_get(request->parts, "images");
    request->partial = json_object_get(request->parts, "partial");
    if (!good || !bytes_is_hex(request->journal, FORMAT_JOURNAL_ID_HEX)
        || !bytes_is_hex(*ret_open, SHA256_HEX) || !bytes_is_hex(request->commit, 40)
        || (request->expect[0] != '\0' && !bytes_is_hex(request->expect, SHA256_HEX))
        || !are_images(request->images) || !bytes_is_hex(request->config, SHA256_HEX)
        || !bytes_is_hex(request->env, SHA256_HEX) || !is_plain(request->guard)
        || !json_is_array(request->partial))
        return malformed(path,
                         "the statement does not name journal, open entry, commit, images, "
                         "expected hash, configuration, env file, guard and part, and these alone",
                         error);
    return ERROR_OK;
}

/* The open entry must be the one that the statement names by its hash, signed by the key that it
 * names, and say what the request says for reading. */
static enum error_code take_open(const char *path, struct approval_request *request,
                                 const char *base64, const char *hash, struct error *error)
{
    CLEANUP_BYTES struct bytes value = {0};
    struct error ignored;
    char now[SHA256_HEX + 1];
    const char *signer, *type, *journal, *procedure, *operator, * reason, *expect;
    json_int_t seq;
    if (bytes_from_base64(base64, strlen(base64), &value, &ignored) != ERROR_OK
        || value.size <= SIGNATURE_BYTES)
        return malformed(path, "its open entry cannot be read", error);
    bytes_sha256_hex(value.data, value.size, now);
    if (strcmp(now, hash) != 0)
        return malformed(path, "its open entry is not the one whose hash the statement names",
                         error);
    if (canonical_read(value.data + SIGNATURE_BYTES, value.size - SIGNATURE_BYTES, &request->open,
                       &ignored)
            != ERROR_OK
        || json_unpack(request->open, "{s:s, s:I, s:s, s:s, s:{s:s, s:s, s:s, s:s}}", "journal",
                       &journal, "seq", &seq, "signer", &signer, "type", &type, "body", "procedure",
                       &procedure, "operator", &operator, "reason", &reason, "expect", &expect)
               != 0
        || strcmp(type, ENTRY_OPEN) != 0 || strcmp(journal, request->journal) != 0
        || !bytes_from_hex(signer, strlen(signer), request->opener_key, KEY_BYTES)
        || !sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, value.data + SIGNATURE_BYTES,
                          value.size - SIGNATURE_BYTES, value.data, request->opener_key))
        return malformed(path, "its open entry is not one of that journal, validly signed", error);
    if (strcmp(procedure, request->procedure) != 0 || strcmp(operator, request->opener) != 0
        || strcmp(reason, request->reason) != 0 || strcmp(expect, request->expect) != 0)
        return malformed(path, "what it says for reading is not what its open entry says", error);
    request->deployment = seq;
    return ERROR_OK;
}

enum error_code approval_request_read(const struct world *world, const char *path,
                                      struct approval_request *ret_request, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    CLEANUP_REQUEST struct approval_request request = {0};
    const char *open, *hash = NULL;
    json_int_t version;
    enum error_code code = read_carried(world, path, &text, error);
    if (code == ERROR_OK)
        code = read_json(path, &text, &request.json, error);
    if (code != ERROR_OK)
        return code;
    if (json_unpack(request.json, "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "titan_request",
                    &version, "target", &request.target, "procedure", &request.procedure, "opener",
                    &request.opener, "reason", &request.reason, "subject", &request.subject,
                    "statement", &request.statement, "open", &open)
            != 0
        || version != 1)
        return malformed(path, "the file is no request of titan-fsm, version 1", error);
    code = take_statement(path, &request, &hash, error);
    if (code == ERROR_OK)
        code = take_open(path, &request, open, hash, error);
    if (code != ERROR_OK)
        return code;
    *ret_request = request;
    request = (struct approval_request){0};
    return ERROR_OK;
}

static void print_row(FILE *stream, const char *name, const char *text)
{
    fprintf(stream, "  %-13s ", name);
    bytes_print_escaped(stream, text, strlen(text));
    fputc('\n', stream);
}

void approval_request_print(FILE *stream, const struct approval_request *request)
{
    char fingerprint[64];
    ssh_fingerprint(request->opener_key, fingerprint);
    fprintf(stream, "Asked for is an approval of deployment %lld in the journal %s:\n",
            (long long)request->deployment, request->journal);
    print_row(stream, "procedure", request->procedure);
    print_row(stream, "opened by", request->opener);
    print_row(stream, "their key", fingerprint);
    print_row(stream, "reason", request->reason);
    print_row(stream, "commit", request->commit);
    print_row(stream, "policy hash",
              request->expect[0] != '\0' ? request->expect : "any, as long as all agree on it");
    for (size_t i = 0; i < json_array_size(request->images); i++) {
        print_row(stream, i == 0 ? "images" : "",
                  json_string_value(
                      json_object_get(json_array_get(request->images, i), "service")));
        print_row(stream, "",
                  json_string_value(json_object_get(json_array_get(request->images, i), "id")));
    }
    print_row(stream, "configuration", request->config);
    print_row(stream, "env file", request->env);
    print_row(stream, "guard", request->guard);
    if (json_array_size(request->partial) == 0)
        print_row(stream, "not undone", "nothing: a rollback restores every service");
    for (size_t i = 0; i < json_array_size(request->partial); i++)
        print_row(stream, i == 0 ? "not undone" : "",
                  json_string_value(json_array_get(request->partial, i)));
    fputs("The driver's own word, which no signature covers:\n", stream);
    print_row(stream, "target", request->target);
    print_row(stream, "subject", request->subject);
}

enum error_code approval_answer_write(const struct world *world, const char *path,
                                      const struct approval *approval, const char *reason,
                                      struct error *error)
{
    CLEANUP_JSON json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s}", "titan_approval", 1,
                                          "principal", approval->principal, "statement",
                                          approval->statement, "signature", approval->signature,
                                          "reason", reason);
    return json != NULL
               ? write_json(world, path, json, error)
               : error_set(error, ERROR_USAGE, 0, "approve", "write principal and reason in UTF-8",
                           "the approval cannot be written down");
}

enum error_code approval_answer_read(const struct world *world, const char *path,
                                     struct approval_answer *ret_answer, struct error *error)
{
    CLEANUP_ANSWER struct approval_answer answer = {.principal = "",
                                                    .statement = "",
                                                    .signature = "",
                                                    .reason = ""};
    json_int_t version;
    enum error_code code = read_carried(world, path, &answer.armor, error);
    if (code != ERROR_OK)
        return code;
    bool bare = answer.armor.size >= strlen(ARMOR_BEGIN)
                && memcmp(answer.armor.data, ARMOR_BEGIN, strlen(ARMOR_BEGIN)) == 0;
    if (bare && bytes_is_utf8(answer.armor.data, answer.armor.size)
        && memchr(answer.armor.data, '\0', answer.armor.size) == NULL)
        answer.signature = (const char *)answer.armor.data;
    else
        code = read_json(path, &answer.armor, &answer.json, error);
    if (code != ERROR_OK)
        return code;
    if (answer.json != NULL
        && (json_unpack(answer.json, "{s:I, s:s, s:s, s:s, s:s}", "titan_approval", &version,
                        "principal", &answer.principal, "statement", &answer.statement, "signature",
                        &answer.signature, "reason", &answer.reason)
                != 0
            || version != 1 || !is_plain(answer.principal)))
        return malformed(path,
                         "the file is neither an approval of titan-fsm, version 1, nor a signature "
                         "of ssh-keygen -Y sign",
                         error);
    *ret_answer = answer;
    answer = (struct approval_answer){0};
    return ERROR_OK;
}
