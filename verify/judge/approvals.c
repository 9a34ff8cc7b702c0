/* Approvals: made by somebody else, over exactly this deployment. The statement is canonical JSON
 *            that names `journal`, `open` (hash of the
 * open entry), `commit` (after the update), `images` (service and id, as pulled), `expect`,
 * `config` and `env` (fingerprints, as pulled), `guard` and `partial`. */
#include "verify/judge/authority.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/sshsig.h"
#include "verify/judge/reading.h"
#include "verify/judge/services.h"
#include "verify/read/greater.h"

int64_t approvals_required(const struct authority *authority)
{
    const struct audit *audit = authority->audit;
    if (authority->open == NULL)
        return 0;
    const struct node *open = entry_body(authority->open);
    bool policy = slice_is(node_text(open, "procedure"), "policy");
    int64_t pinned = policy ? authority->pinned.approvals_policy
                            : authority->pinned.approvals_release;
    int64_t added = node_number(open, "approvals", 0),
            wanted = policy ? audit->limits->approvals_policy : audit->limits->approvals_release;
    return greater_of(greater_of(pinned, added), wanted);
}

static bool approval_refuse(struct refusal *ret_refusal, const char *rule, const char *why)
{
    ret_refusal->rule = rule;
    (void)snprintf(ret_refusal->why, sizeof ret_refusal->why, "%s", why);
    return false;
}

static bool is_approver(const struct allowed_signers *list, const char *principal,
                        const uint8_t key[KEY_BYTES])
{
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->signers[i].key, key, KEY_BYTES) == 0
            && allowed_signer_has_principal(&list->signers[i], principal)
            && allowed_signer_has_namespace(&list->signers[i], SSHSIG_NAMESPACE_APPROVAL))
            return true;
    return false;
}

static bool is_list_key(const char *key)
{
    return strcmp(key, "images") == 0 || strcmp(key, "partial") == 0;
}

/* These members, in this order, and no other: with the canonical form, what was signed is so fixed
 * byte for byte. */
static bool has_exactly(const struct node *node, const char *const *keys, size_t count)
{
    if (!node_is(node, NODE_OBJECT) || node->count != count)
        return false;
    const struct node *member = node->first;
    for (size_t i = 0; i < count; i++, member = member->next)
        if (!slice_is(member->key, keys[i])
            || !node_is(member, is_list_key(keys[i]) ? NODE_ARRAY : NODE_STRING))
            return false;
    return true;
}

static bool names_images(const struct authority *authority, const struct node *images)
{
    const struct entry *entry = authority->pulled;
    static const char *const keys[] = {"service", "id"};
    const struct listing *pulled = entry != NULL
                                       ? reading_list(entry_item(entry, 0, entry->item_count,
                                                                 PROBE_COMPOSE_IMAGES, NULL))
                                       : NULL;
    if (pulled == NULL || images->count != pulled->count)
        return false;
    const struct node *image = images->first;
    for (size_t i = 0; i < pulled->count; i++, image = image->next)
        if (!has_exactly(image, keys, 2)
            || !slice_is(node_text(image, "service"), pulled->list[i].service)
            || !slice_is(node_text(image, "id"), pulled->list[i].id))
            return false;
    return true;
}

/* `partial`: each one-shot of the pulled configuration, in its order, and nothing else. */
static bool names_one_shots(const struct authority *authority, const struct node *partial)
{
    const struct entry *entry = authority->pulled;
    const struct item *item = entry != NULL ? entry_item(entry, 0, entry->item_count,
                                                         PROBE_COMPOSE_SERVICES, NULL)
                                            : NULL;
    const struct node *name = partial->first;
    struct slice rows = item != NULL ? item->output : slice_of(""), line;
    while (slice_line(&rows, &line)) {
        if (!services_is_one_shot(&authority->pinned, line))
            continue;
        if (name == NULL || !node_is(name, NODE_STRING)
            || !slice_equal(name->text, services_name(line)))
            return false;
        name = name->next;
    }
    return item != NULL && item->status == 0 && name == NULL;
}

static bool says_fingerprint(const struct authority *authority, const struct node *statement,
                             const char *key, enum probe probe)
{
    struct slice pulled = authority->pulled != NULL ? reading_line(authority->pulled, probe)
                                                    : slice_of("");
    return pulled.length > 0 && slice_equal(node_text(statement, key), pulled);
}

/* `absent` or `laid`: until lay_guard was done either may be right. */
static bool says_guard(const struct authority *authority, struct slice word)
{
    if (slice_is(word, "absent"))
        return authority->guard != GUARD_WORD_LAID;
    return slice_is(word, "laid") && authority->guard != GUARD_WORD_ABSENT;
}

static void note_guard(struct authority *authority, struct slice statement)
{
    CLEANUP_TREE struct tree tree = {0};
    struct slice word = node_text(tree_object(statement, &tree), "guard");
    authority->said_absent = authority->said_absent || slice_is(word, "absent");
    authority->said_laid = authority->said_laid || slice_is(word, "laid");
}

bool approvals_say_guard(struct authority *authority, const struct entry *laid,
                         struct refusal *ret_refusal)
{
    const struct item *guard = entry_item(laid, 0, laid->item_count, PROBE_GUARD, NULL);
    bool absent = guard != NULL && slice_is(guard->output, "absent\n");
    authority->guard = absent ? GUARD_WORD_ABSENT : GUARD_WORD_LAID;
    return !(absent ? authority->said_laid : authority->said_absent)
           || approval_refuse(
               ret_refusal, "A-14",
               absent ? "an approval does not speak of this deployment: no guard is laid"
                      : "an approval does not speak of this deployment: a guard is laid");
}

static bool says_this(const struct authority *authority, const struct entry *entry,
                      struct slice statement)
{
    CLEANUP_TREE struct tree tree = {0};
    struct error ignored;
    char hash[SHA256_HEX + 1];
    static const char *const keys[] = {"journal", "open", "commit", "images", "expect",
                                       "config",  "env",  "guard",  "partial"};
    if (tree_read(statement.at, statement.length, TREE_CANONICAL, &tree, &ignored) != ERROR_OK
        || !has_exactly(tree.root, keys, 9) || authority->updated == NULL)
        return false;
    bytes_hex(authority->open->hash, SHA256_BYTES, hash);
    struct slice commit = reading_line(authority->updated, PROBE_GIT_HEAD);
    return slice_is(node_text(tree.root, "journal"), entry->journal)
           && slice_is(node_text(tree.root, "open"), hash) && commit.length > 0
           && slice_equal(node_text(tree.root, "commit"), commit)
           && slice_equal(node_text(tree.root, "expect"),
                          node_text(entry_body(authority->open), "expect"))
           && says_fingerprint(authority, tree.root, "config", PROBE_CONFIG_HMAC)
           && says_fingerprint(authority, tree.root, "env", PROBE_ENV_HMAC)
           && says_guard(authority, node_text(tree.root, "guard"))
           && names_one_shots(authority, node_member(tree.root, "partial"))
           && names_images(authority, node_member(tree.root, "images"));
}

static bool is_among(const struct person *list, unsigned count, const struct person *person)
{
    for (unsigned i = 0; i < count; i++)
        if (slice_equal(list[i].principal, person->principal)
            || memcmp(list[i].key, person->key, KEY_BYTES) == 0)
            return true;
    return false;
}

/* Whoever approves and takes over afterwards, before it goes on, is one person and not two. */
unsigned approvals_counted(const struct authority *authority)
{
    unsigned counted = 0;
    for (unsigned i = 0; i < authority->approver_count; i++)
        counted += !is_among(authority->drivers, authority->driver_count, &authority->approvers[i]);
    return counted;
}

/* A roster line that holds this key names somebody who drives too: that is no second person. */
static bool is_driver_besides(const struct authority *authority, const uint8_t key[KEY_BYTES])
{
    const struct allowed_signers *lists[] = {&authority->at_open.approvers,
                                             &authority->roster.approvers};
    for (unsigned list = 0; list < 2; list++)
        for (size_t i = 0; i < lists[list]->count; i++)
            for (unsigned k = 0; k < authority->driver_count; k++) {
                const struct allowed_signer *signer = &lists[list]->signers[i];
                char name[PRINCIPAL_MAX];
                if (memcmp(signer->key, key, KEY_BYTES) == 0
                    && slice_copy(authority->drivers[k].principal, name, sizeof name)
                    && allowed_signer_has_principal(signer, name))
                    return true;
            }
    return false;
}

bool approval_is_good(struct authority *authority, struct entry *entry, struct refusal *ret_refusal)
{
    const struct node *body = entry_body(entry);
    struct slice statement = node_text(body, "statement"), armor = node_text(body, "signature");
    struct person person = {.principal = node_text(body, "principal")};
    uint8_t signature[SIGNATURE_BYTES];
    char name[PRINCIPAL_MAX];
    struct error ignored;
    if (!slice_copy(person.principal, name, sizeof name)
        || sshsig_dearmor(armor.at, armor.length, SSHSIG_NAMESPACE_APPROVAL, signature, person.key,
                          &ignored)
               != ERROR_OK
        || !sshsig_verify(SSHSIG_NAMESPACE_APPROVAL, statement.at, statement.length, signature,
                          person.key))
        return approval_refuse(ret_refusal, "A-14", "the signature of an approval is wrong");
    if (!is_approver(&authority->at_open.approvers, name, person.key)
        || !is_approver(&authority->roster.approvers, name, person.key))
        return approval_refuse(ret_refusal, "A-14",
                               "an approval is not by an approver of the roster at open and now");
    if (is_among(authority->drivers, authority->driver_count, &person)
        || is_driver_besides(authority, person.key))
        return approval_refuse(ret_refusal, "A-15",
                               "an approval is not by a second person: its key is that of an "
                               "operator who drives the deployment");
    if (!says_this(authority, entry, statement))
        return approval_refuse(
            ret_refusal, "A-14",
            "an approval does not speak of this deployment, its commit, images and policy hash");
    note_guard(authority, statement);
    if (!is_among(authority->approvers, authority->approver_count, &person)
        && authority->approver_count < PERSONS_MAX)
        authority->approvers[authority->approver_count++] = person;
    return true;
}
