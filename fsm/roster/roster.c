#include "fsm/roster/roster.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/canonical.h"
#include "journal/format/sshsig.h"

static const struct {
    const char *name, *key, *name_space;
} roles[ROSTER_ROLES] = {[ROSTER_OPERATOR] = {"operator", "operators", SSHSIG_NAMESPACE_JOURNAL},
                         [ROSTER_APPROVER] = {"approver", "approvers", SSHSIG_NAMESPACE_APPROVAL},
                         [ROSTER_ADMINISTRATOR] = {"administrator", "administrators",
                                                   SSHSIG_NAMESPACE_JOURNAL}};

const char *roster_role_name(enum roster_role role)
{
    assert(role > ROSTER_INVALID && role < ROSTER_ROLES);
    return roles[role].name;
}

const char *roster_role_key(enum roster_role role)
{
    assert(role > ROSTER_INVALID && role < ROSTER_ROLES);
    return roles[role].key;
}

enum roster_role roster_role_by_name(const char *name)
{
    for (unsigned role = 1; role < ROSTER_ROLES; role++)
        if (strcmp(roles[role].name, name) == 0)
            return (enum roster_role)role;
    return ROSTER_INVALID;
}

void roster_free(struct roster *roster)
{
    json_decref(roster->lines);
    for (unsigned role = 1; role < ROSTER_ROLES; role++)
        allowed_signers_free(&roster->lists[role]);
    *roster = (struct roster){0};
}

static enum error_code no_memory_for_roster(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "roster", "", "out of memory");
}

static enum error_code refuse_line(enum roster_role role, const char *line, const char *next,
                                   const char *what, struct error *error)
{
    char where[160];
    (void)snprintf(where, sizeof where, "roster %s, '%.100s'", roles[role].key, line);
    return error_set(error, ERROR_REFUSED, 0, where, next, "%s", what);
}

static enum error_code read_line(enum roster_role role, const char *line,
                                 struct allowed_signer *ret_signer, struct error *error)
{
    struct error why;
    struct allowed_signer signer;
    for (const char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            return refuse_line(role, line, "write it as one line of plain text",
                               "the line has a control character", error);
    if (allowed_signers_read_line(line, strlen(line), &signer, &why) != ERROR_OK)
        return refuse_line(role, line, why.next, why.what, error);
    if (signer.valid_after[0] != '\0' || signer.valid_before[0] != '\0')
        return refuse_line(
            role, line,
            "leave the date out, and use `titan-fsm roster remove` when the time has come",
            "the line is limited by a date, and a right ends by an entry, not by a date", error);
    *ret_signer = signer;
    return ERROR_OK;
}

static enum error_code read_list(enum roster_role role, const json_t *list,
                                 struct allowed_signers *ret_signers, struct error *error)
{
    size_t count = json_array_size(list);
    ret_signers->signers = calloc(count > 0 ? count : 1, sizeof *ret_signers->signers);
    if (ret_signers->signers == NULL)
        return no_memory_for_roster(error);
    for (size_t i = 0; i < count; i++) {
        const char *line = json_string_value(json_array_get(list, i));
        enum error_code code = read_line(role, line != NULL ? line : "", &ret_signers->signers[i],
                                         error);
        if (code != ERROR_OK)
            return code;
        ret_signers->count++;
    }
    return ERROR_OK;
}

enum error_code roster_read(const json_t *lines, struct roster *ret_roster, struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {.lines = json_deep_copy(lines)};
    if (roster.lines == NULL)
        return no_memory_for_roster(error);
    for (unsigned role = 1; role < ROSTER_ROLES; role++) {
        enum error_code code = read_list((enum roster_role)role,
                                         json_object_get(lines, roles[role].key),
                                         &roster.lists[role], error);
        if (code != ERROR_OK)
            return code;
    }
    roster_free(ret_roster);
    *ret_roster = roster;
    roster = (struct roster){0};
    return ERROR_OK;
}

const struct allowed_signer *roster_find(const struct roster *roster, enum roster_role role,
                                         const uint8_t key[KEY_BYTES], const char *principal)
{
    const struct allowed_signers *list = &roster->lists[role];
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->signers[i].key, key, KEY_BYTES) == 0
            && allowed_signer_has_namespace(&list->signers[i], roles[role].name_space)
            && (principal == NULL || allowed_signer_has_principal(&list->signers[i], principal)))
            return &list->signers[i];
    return NULL;
}

/* Two lines with the same key or the same principal are one person. */
static bool is_same_person(const struct allowed_signer *left, const struct allowed_signer *right)
{
    if (memcmp(left->key, right->key, KEY_BYTES) == 0)
        return true;
    for (unsigned i = 0; i < right->principal_count; i++)
        if (allowed_signer_has_principal(left, right->principals[i]))
            return true;
    return false;
}

size_t roster_others(const struct roster *roster, enum roster_role role,
                     const uint8_t key[KEY_BYTES], const char *principal)
{
    const struct allowed_signers *list = &roster->lists[role];
    size_t others = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct allowed_signer *signer = &list->signers[i];
        bool counts = memcmp(signer->key, key, KEY_BYTES) != 0
                      && !allowed_signer_has_principal(signer, principal)
                      && allowed_signer_has_namespace(signer, roles[role].name_space);
        for (size_t before = 0; before < i; before++)
            counts = counts && !is_same_person(&list->signers[before], signer);
        others += counts;
    }
    return others;
}

enum error_code roster_with(const struct roster *roster, enum roster_role role, const char *line,
                            json_t **ret_lines, struct error *error)
{
    struct allowed_signer signer;
    enum error_code code = read_line(role, line, &signer, error);
    if (code != ERROR_OK)
        return code;
    if (!allowed_signer_has_namespace(&signer, roles[role].name_space))
        return refuse_line(role, line,
                           role == ROSTER_APPROVER ? "add the namespace " SSHSIG_NAMESPACE_APPROVAL
                                                   : "add the namespace " SSHSIG_NAMESPACE_JOURNAL,
                           "the line's namespaces do not hold the one in which this role signs",
                           error);
    for (unsigned i = 0; i < signer.principal_count; i++)
        if (roster_find(roster, role, signer.key, signer.principals[i]) != NULL)
            return refuse_line(role, line, "titan-fsm roster",
                               "the roster has this key under this principal already", error);
    json_t *lines = json_deep_copy(roster->lines);
    if (lines == NULL
        || json_array_append_new(json_object_get(lines, roles[role].key), json_string(line)) != 0) {
        json_decref(lines);
        return error_set(error, ERROR_USAGE, 0, "roster add", "write it in UTF-8",
                         "the line cannot be written down");
    }
    *ret_lines = lines;
    return ERROR_OK;
}

static bool is_who(const struct allowed_signer *signer, const char *who)
{
    char fingerprint[64];
    ssh_fingerprint(signer->key, fingerprint);
    return strcmp(fingerprint, who) == 0 || allowed_signer_has_principal(signer, who);
}

enum error_code roster_without(const struct roster *roster, enum roster_role role, const char *who,
                               json_t **ret_lines, struct error *error)
{
    const struct allowed_signers *list = &roster->lists[role];
    CLEANUP_JSON json_t *lines = json_deep_copy(roster->lines);
    json_t *kept = json_object_get(lines, roles[role].key);
    if (lines == NULL)
        return no_memory_for_roster(error);
    bool some_can_sign = false;
    for (size_t i = list->count; i-- > 0;) {
        if (is_who(&list->signers[i], who))
            (void)json_array_remove(kept, i);
        else
            some_can_sign = some_can_sign
                            || allowed_signer_has_namespace(&list->signers[i],
                                                            roles[role].name_space);
    }
    if (json_array_size(kept) == list->count)
        return error_set(error, ERROR_REFUSED, 0, who, "titan-fsm roster shows whom it has",
                         "no %s of this principal or fingerprint stands in the roster in force",
                         roles[role].name);
    if (role == ROSTER_ADMINISTRATOR && !some_can_sign)
        return error_set(
            error, ERROR_REFUSED, 0, who,
            "titan-fsm roster add administrator LINE --reason WHY, then remove this one",
            "the last administrator cannot be removed: nobody could change the roster any more");
    *ret_lines = json_incref(lines);
    return ERROR_OK;
}
