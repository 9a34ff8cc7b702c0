/* Approvals: made by somebody else, over exactly this deployment. The statement is canonical JSON that names `journal`, `open` (hash of the
 * open entry), `commit` (after the update), `images` (service and id, as pulled) and `expect`. */
#include "verify/authority.h"

#include <stdio.h>
#include <string.h>

#include "journal/sshsig.h"
#include "verify/reading.h"

int64_t approvals_required(const struct authority *authority)
{
    const struct audit *audit = authority->audit;
    if (authority->open == NULL)
        return 0;
    const struct node *open = entry_body(authority->open);
    bool policy = text_is(node_text(open, "procedure"), "policy");
    int64_t pinned = policy ? audit->genesis.approvals_policy : audit->genesis.approvals_release;
    int64_t added = node_number(open, "approvals", 0), wanted = policy ? audit->limits->approvals_policy : audit->limits->approvals_release;
    int64_t most = pinned > added ? pinned : added;
    return most > wanted ? most : wanted;
}

static bool refuse(char *ret_why, size_t room, const char *why)
{
    (void)snprintf(ret_why, room, "%s", why);
    return false;
}

static bool is_approver(const struct allowed_signers *list, const char *principal, const uint8_t key[KEY_BYTES])
{
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->signers[i].key, key, KEY_BYTES) == 0 && allowed_signer_has_principal(&list->signers[i], principal)
            && allowed_signer_has_namespace(&list->signers[i], SSHSIG_NAMESPACE_APPROVAL))
            return true;
    return false;
}

static bool names_images(const struct authority *authority, const struct node *images)
{
    struct containers pulled;
    const struct entry *entry = authority->pulled;
    if (entry == NULL || !node_is(images, NODE_ARRAY) || !reading_images(entry_item(entry, 0, entry->item_count, "compose.images", NULL), &pulled)
        || images->count != pulled.count)
        return false;
    const struct node *image = images->first;
    for (size_t i = 0; i < pulled.count; i++, image = image->next)
        if (!text_is(node_text(image, "service"), pulled.list[i].service) || !text_is(node_text(image, "id"), pulled.list[i].image))
            return false;
    return true;
}

static bool says_this(const struct authority *authority, const struct entry *entry, struct text statement)
{
    CLEANUP_TREE struct tree tree = {0};
    struct error ignored;
    char hash[SHA256_HEX + 1];
    if (tree_read(statement.at, statement.length, TREE_CANONICAL, &tree, &ignored) != ERROR_OK || authority->updated == NULL)
        return false;
    bytes_hex(authority->open->hash, SHA256_BYTES, hash);
    struct text commit = reading_line(authority->updated, "git.head");
    return text_is(node_text(tree.root, "journal"), entry->journal) && text_is(node_text(tree.root, "open"), hash)
           && commit.length > 0 && text_equal(node_text(tree.root, "commit"), commit)
           && node_is(node_member(tree.root, "expect"), NODE_STRING)
           && text_equal(node_text(tree.root, "expect"), node_text(entry_body(authority->open), "expect"))
           && names_images(authority, node_member(tree.root, "images"));
}

static bool is_among(const struct text *list, unsigned count, struct text principal)
{
    for (unsigned i = 0; i < count; i++)
        if (text_equal(list[i], principal))
            return true;
    return false;
}

bool approval_is_by(const struct authority *authority, struct text principal)
{
    return is_among(authority->approvers, authority->approver_count, principal);
}

bool approval_is_good(struct authority *authority, struct entry *entry, char *ret_why, size_t room)
{
    const struct node *body = entry_body(entry);
    struct text principal = node_text(body, "principal"), statement = node_text(body, "statement"), armor = node_text(body, "signature");
    uint8_t signature[SIGNATURE_BYTES], key[KEY_BYTES];
    char name[PRINCIPAL_MAX];
    struct error ignored;
    if (!text_copy(principal, name, sizeof name)
        || sshsig_dearmor(armor.at, armor.length, SSHSIG_NAMESPACE_APPROVAL, signature, key, &ignored) != ERROR_OK
        || !sshsig_verify(SSHSIG_NAMESPACE_APPROVAL, statement.at, statement.length, signature, key))
        return refuse(ret_why, room, "the signature of an approval is wrong");
    if (!is_approver(&authority->at_open.approvers, name, key) || !is_approver(&authority->roster.approvers, name, key))
        return refuse(ret_why, room, "an approval is not by an approver of the roster at open and now");
    if (is_among(authority->drivers, authority->driver_count, principal))
        return refuse(ret_why, room, "somebody who drives the deployment approves it himself");
    if (!says_this(authority, entry, statement))
        return refuse(ret_why, room, "an approval does not speak of this deployment, its commit, images and policy hash");
    if (!is_among(authority->approvers, authority->approver_count, principal)
        && authority->approver_count < sizeof authority->approvers / sizeof authority->approvers[0])
        authority->approvers[authority->approver_count++] = principal;
    return true;
}
