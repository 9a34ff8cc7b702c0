#include "verify/report/summary.h"

#include <string.h>

#include "journal/format/sshsig.h"

enum { TEXT_SHOWN_MAX = 80 };

static const char *principal_of(const struct authority *authority, const uint8_t key[KEY_BYTES])
{
    const struct allowed_signers *const lists[] = {&authority->roster.operators,
                                                   &authority->roster.administrators,
                                                   &authority->roster.approvers};
    for (unsigned list = 0; list < 3; list++)
        for (size_t i = 0; i < lists[list]->count; i++)
            if (memcmp(lists[list]->signers[i].key, key, KEY_BYTES) == 0)
                return lists[list]->signers[i].principals[0];
    return NULL;
}

void summary_who(const struct authority *authority, const struct entry *entry,
                 char ret_who[SUMMARY_WHO_BYTES])
{
    char fingerprint[64];
    const char *principal = principal_of(authority, entry->signer);
    if (principal != NULL) {
        (void)snprintf(ret_who, SUMMARY_WHO_BYTES, "%s", principal);
    } else if (authority->open != NULL && authority->driver_count > 0
               && memcmp(authority->session, entry->signer, KEY_BYTES) == 0) {
        (void)snprintf(ret_who, SUMMARY_WHO_BYTES, "%.*s (session key)",
                       SLICE_ARGUMENTS(authority->drivers[authority->driver_count - 1].principal));
    } else {
        ssh_fingerprint(entry->signer, fingerprint);
        (void)snprintf(ret_who, SUMMARY_WHO_BYTES, "a key of no roster, %s", fingerprint);
    }
}

static void summary_show(FILE *stream, const char *before, struct slice text)
{
    fputs(before, stream);
    bytes_print_escaped(stream, text.at,
                        text.length < TEXT_SHOWN_MAX ? text.length : TEXT_SHOWN_MAX);
    if (text.length > TEXT_SHOWN_MAX)
        fputs("...", stream);
}

static void show_member(FILE *stream, const char *before, const struct node *body, const char *key)
{
    summary_show(stream, before, node_text(body, key));
}

static void print_what(struct entry *entry, FILE *stream)
{
    const struct node *body = entry_body(entry);
    switch (entry->type) {
    case ENTRY_GENESIS:
        show_member(stream, "of ", node_member(body, "target"), "name");
        break;
    case ENTRY_SETTINGS:
    case ENTRY_ROSTER:
        show_member(stream, "", body, "reason");
        break;
    case ENTRY_OPEN:
        show_member(stream, "", body, "procedure");
        show_member(stream, ": ", body, "reason");
        break;
    case ENTRY_INTENT:
        show_member(stream, "", body, "action");
        show_member(stream, " in ", body, "from");
        break;
    case ENTRY_TRANSITION:
        show_member(stream, "", body, "from");
        show_member(stream, " -> ", body, "to");
        show_member(stream, " by ", body, "event");
        break;
    case ENTRY_REFUSAL:
        show_member(stream, "", body, "event");
        show_member(stream, ": ", body, "reason");
        break;
    case ENTRY_SAMPLE:
        fprintf(stream, "number %lld", (long long)node_number(body, "n", 0));
        break;
    case ENTRY_ATTESTATION:
        show_member(stream, "", body, "item");
        show_member(stream, " ", body, "answer");
        break;
    case ENTRY_APPROVAL:
        show_member(stream, "by ", body, "principal");
        break;
    case ENTRY_RECONCILIATION:
        show_member(stream, "found ", body, "found");
        show_member(stream, ", then ", body, "then");
        break;
    case ENTRY_TAKEOVER:
        show_member(stream, "", body, "reason");
        break;
    case ENTRY_COMMAND:
        show_member(stream, "", body, "command");
        show_member(stream, " ", body, "phase");
        show_member(stream, node_text(body, "outcome").length > 0 ? ": " : "", body, "outcome");
        break;
    case ENTRY_ANCHOR:
        show_member(stream, "to ", body, "to");
        break;
    case ENTRY_NOTE:
        show_member(stream, "", body, "text");
        break;
    case ENTRY_INVALID:
    case ENTRY_TYPES:
        break;
    }
}

void summary_print(struct entry *entry, const char *who, FILE *stream)
{
    fprintf(stream, "%lld  %s  ", (long long)entry->seq, entry_type_name(entry->type));
    bytes_print_escaped(stream, who, strlen(who));
    fprintf(stream, "  %.19sZ  ", entry->utc);
    if (entry->deployment != ENTRY_NO_DEPLOYMENT)
        fprintf(stream, "deployment %lld: ", (long long)entry->deployment);
    print_what(entry, stream);
    fputc('\n', stream);
}
