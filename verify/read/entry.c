#include "verify/read/entry.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "verify/read/kept.h"
#include "verify/read/schema.h"
#include "verify/read/utc.h"

void entry_free(struct entry *entry)
{
    entry_unread(entry);
    kept_free(entry->value.data);
    *entry = (struct entry){0};
}

void entry_unread(struct entry *entry)
{
    tree_free(&entry->tree);
    for (size_t i = 0; i < entry->item_count; i++)
        listing_free(entry->items[i].listing);
    kept_free(entry->items);
    kept_free(entry->texts);
    *entry = (struct entry){.value = entry->value, .deployment = ENTRY_NO_DEPLOYMENT};
}

bool entry_keeps_body(const struct entry *entry)
{
    return entry->type == ENTRY_GENESIS || entry->type == ENTRY_SETTINGS
           || entry->type == ENTRY_OPEN || entry->type == ENTRY_TAKEOVER
           || entry->type == ENTRY_APPROVAL;
}

void entry_drop_body(struct entry *entry)
{
    tree_free(&entry->tree);
    entry->body = NULL;
}

const uint8_t *entry_payload(const struct entry *entry, size_t *ret_size)
{
    *ret_size = entry->value.size - SIGNATURE_BYTES;
    return entry->value.data + SIGNATURE_BYTES;
}

static enum error_code entry_refuse(struct error *error, const char *what)
{
    return error_set(error, ERROR_DAMAGED, 0, "", "", "%s", what);
}

static bool entry_has_form(const char *text, const char *form)
{
    for (size_t i = 0; form[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9',
             hex = digit || (text[i] >= 'a' && text[i] <= 'f');
        if (form[i] == '0' ? !digit : form[i] == 'x' ? !hex : text[i] != form[i])
            return false;
    }
    return text[strlen(form)] == '\0';
}

static bool read_utc(struct entry *entry)
{
    return entry_has_form(entry->utc, "0000-00-00T00:00:00.000000000Z")
           && utc_read(slice_of(entry->utc), &entry->utc_ns);
}

/* The keys of the payload: exactly these, in this order. */
static enum error_code entry_read_header(struct entry *entry, const struct node *root,
                                         const struct node **ret_body, struct error *error)
{
    static const char *const keys[] = {"v",    "journal",    "seq",         "prev",
                                       "utc",  "boot",       "boottime_ns", "signer",
                                       "type", "deployment", "body"};
    const struct node *at[11] = {NULL}, *member = root->first;
    for (unsigned i = 0; i < 11; i++) {
        if (i == 9 && member != NULL && slice_is(member->key, "body"))
            continue;
        if (member == NULL || !slice_is(member->key, keys[i]))
            return entry_refuse(error, "its keys are not those of an entry, in their order");
        at[i] = member;
        member = member->next;
    }
    if (member != NULL || !node_is(at[0], NODE_INTEGER) || at[0]->number != FORMAT_VERSION
        || !node_is(at[10], NODE_OBJECT))
        return entry_refuse(error, "it is not an entry of format 1");
    char signer[SHA256_HEX + 1];
    bool good = node_is(at[2], NODE_INTEGER) && node_is(at[6], NODE_INTEGER)
                && (at[9] == NULL || node_is(at[9], NODE_INTEGER))
                && slice_copy(node_text(root, "journal"), entry->journal, sizeof entry->journal)
                && bytes_is_hex(entry->journal, FORMAT_JOURNAL_ID_HEX)
                && slice_copy(node_text(root, "prev"), entry->prev, sizeof entry->prev)
                && bytes_is_hex(entry->prev, SHA256_HEX)
                && slice_copy(node_text(root, "utc"), entry->utc, sizeof entry->utc)
                && read_utc(entry)
                && slice_copy(node_text(root, "boot"), entry->boot, sizeof entry->boot)
                && entry_has_form(entry->boot, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
                && slice_copy(node_text(root, "signer"), signer, sizeof signer)
                && bytes_from_hex(signer, strlen(signer), entry->signer, KEY_BYTES);
    entry->seq = node_number(root, "seq", -1);
    entry->boottime_ns = node_number(root, "boottime_ns", -1);
    entry->deployment = at[9] != NULL ? at[9]->number : ENTRY_NO_DEPLOYMENT;
    entry->type = entry_type_by_name(node_text(root, "type"));
    if (!good || entry->seq < 0 || entry->boottime_ns < 0
        || (at[9] != NULL && entry->deployment < 0))
        return entry_refuse(error, "a key of the header does not have the form that it must have");
    if (entry->type == ENTRY_INVALID)
        return entry_refuse(error, "its type is none of the format");
    *ret_body = at[10];
    return ERROR_OK;
}

static bool read_item(const struct node *node, struct item *item)
{
    const struct node *target = node_member(node, "target");
    struct slice hash = node_text(node, "output");
    *item = (struct item){.probe = probe_by_name(node_text(node, "probe")),
                          .probe_name = node_text(node, "probe"),
                          .subject = node_text(node, "subject"),
                          .status = node_number(node, "status", -1),
                          .size = node_number(node, "size", -1),
                          .sent_ns = node_number(node, "sent_ns", -1),
                          .received_ns = node_number(node, "received_ns", -1),
                          .has_target = target != NULL,
                          .output = {"", 0}};
    if (target != NULL) {
        item->target_before_ms = node_number(target, "before_ms", -1);
        item->target_after_ms = node_number(target, "after_ms", -1);
        item->has_wall = node_member(target, "wall_ms") != NULL;
        item->target_wall_ms = node_number(target, "wall_ms", -1);
        if (!slice_copy(node_text(target, "boot"), item->target_boot, sizeof item->target_boot))
            return false;
    }
    return bytes_from_hex(hash.at, hash.length, item->hash, SHA256_BYTES);
}

/* Text that was decoded lies in the tree, which goes; all other lies in the value. */
static bool lies_in_value(const struct entry *entry, struct slice text)
{
    uintptr_t at = (uintptr_t)text.at, begin = (uintptr_t)entry->value.data;
    return text.length == 0 || (at >= begin && at < begin + entry->value.size);
}

static void keep_text(const struct entry *entry, struct slice *text, char **at)
{
    if (lies_in_value(entry, *text))
        return;
    memcpy(*at, text->at, text->length);
    text->at = *at;
    *at += text->length;
}

static void keep_texts(struct entry *entry)
{
    size_t bytes = 0;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        bytes += lies_in_value(entry, item->probe_name) ? 0 : item->probe_name.length;
        bytes += lies_in_value(entry, item->subject) ? 0 : item->subject.length;
    }
    if (bytes == 0)
        return;
    char *at = entry->texts = kept_zeroed(bytes, 1);
    for (size_t i = 0; i < entry->item_count; i++) {
        keep_text(entry, &entry->items[i].probe_name, &at);
        keep_text(entry, &entry->items[i].subject, &at);
    }
}

static enum error_code read_items(struct entry *entry, const struct node *body, struct error *error)
{
    const struct node *list = node_member(body, "evidence");
    bool carries = entry->type == ENTRY_TRANSITION || entry->type == ENTRY_SAMPLE
                   || entry->type == ENTRY_RECONCILIATION || entry->type == ENTRY_COMMAND;
    if (!carries || !node_is(list, NODE_ARRAY) || list->count == 0)
        return ERROR_OK;
    entry->items = kept_zeroed(list->count, sizeof *entry->items);
    size_t count = 0;
    for (const struct node *node = list->first; node != NULL; node = node->next)
        if (!read_item(node, &entry->items[count++]))
            return entry_refuse(error, "an item of evidence is not what it must be");
    entry->item_count = count;
    keep_texts(entry);
    return ERROR_OK;
}

enum error_code entry_check(struct entry *entry, struct error *error)
{
    CLEANUP_TREE struct tree tree = {0};
    const struct node *body = NULL;
    char why[160];
    entry_unread(entry);
    if (entry->value.size <= SIGNATURE_BYTES
        || entry->value.size > SIGNATURE_BYTES + FORMAT_PAYLOAD_BYTES_MAX)
        return entry_refuse(error, "it is too small or too large");
    size_t size;
    const uint8_t *payload = entry_payload(entry, &size);
    enum error_code code = tree_read(payload, size, TREE_CANONICAL, &tree, error);
    if (code != ERROR_OK)
        return code;
    if (!node_is(tree.root, NODE_OBJECT))
        return entry_refuse(error, "it is not an object");
    code = entry_read_header(entry, tree.root, &body, error);
    if (code != ERROR_OK)
        return code;
    if (!schema_body_is_right(entry->type, body, why, sizeof why))
        return error_set(error, ERROR_DAMAGED, 0, "", "", "%s", why);
    code = read_items(entry, body, error);
    if (code != ERROR_OK)
        return code;
    entry->tree = tree;
    entry->body = body;
    tree = (struct tree){0};
    entry->read = true;
    return ERROR_OK;
}

const struct node *entry_body(struct entry *entry)
{
    assert(entry->read);
    if (entry->body == NULL) {
        struct error error;
        size_t size;
        const uint8_t *payload = entry_payload(entry, &size);
        enum error_code code = tree_read(payload, size, TREE_CANONICAL, &entry->tree, &error);
        assert(code == ERROR_OK);
        entry->body = node_member(entry->tree.root, "body");
    }
    return entry->body;
}

const struct item *entry_item(const struct entry *entry, size_t from, size_t to, enum probe probe,
                              const char *subject)
{
    for (size_t i = to < entry->item_count ? to : entry->item_count; i-- > from;)
        if (entry->items[i].probe == probe
            && (subject == NULL || slice_is(entry->items[i].subject, subject)))
            return &entry->items[i];
    return NULL;
}

const struct item *entry_first_item(const struct entry *entry, size_t from, size_t to,
                                    enum probe probe)
{
    for (size_t i = from; i < to && i < entry->item_count; i++)
        if (entry->items[i].probe == probe)
            return &entry->items[i];
    return NULL;
}
