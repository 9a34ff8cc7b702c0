#include "verify/judge/roster.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/sshsig.h"
#include "verify/read/memory.h"

void authority_roster_free(struct roster *roster)
{
    allowed_signers_free(&roster->operators);
    allowed_signers_free(&roster->approvers);
    allowed_signers_free(&roster->administrators);
    *roster = (struct roster){0};
}

/* NULL, or what is wrong with a line. */
static const char *read_roster_lines(const struct node *list, struct allowed_signers *ret_signers)
{
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers signers = {
        .signers = memory_zeroed(list->count, sizeof *signers.signers)};
    for (const struct node *line = list->first; line != NULL; line = line->next) {
        struct error ignored;
        struct allowed_signer *signer = &signers.signers[signers.count];
        if (allowed_signers_read_line(line->text.at, line->text.length, signer, &ignored)
            != ERROR_OK)
            return "a line of the roster cannot be read";
        if (signer->valid_after[0] != '\0' || signer->valid_before[0] != '\0')
            return "a roster line is limited by a date, and a right ends by an entry";
        signers.count++;
    }
    *ret_signers = signers;
    signers = (struct allowed_signers){0};
    return NULL;
}

const char *authority_roster_read(const struct node *node, struct roster *ret_roster)
{
    struct roster roster = {0};
    const char *why = read_roster_lines(node_member(node, "operators"), &roster.operators);
    if (why == NULL)
        why = read_roster_lines(node_member(node, "approvers"), &roster.approvers);
    if (why == NULL)
        why = read_roster_lines(node_member(node, "administrators"), &roster.administrators);
    if (why != NULL) {
        authority_roster_free(&roster);
        return why;
    }
    authority_roster_free(ret_roster);
    *ret_roster = roster;
    return NULL;
}

const struct allowed_signer *find_roster_line(const struct allowed_signers *list,
                                              const uint8_t key[KEY_BYTES], const char *principal)
{
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->signers[i].key, key, KEY_BYTES) == 0
            && allowed_signer_has_namespace(&list->signers[i], SSHSIG_NAMESPACE_JOURNAL)
            && (principal == NULL || allowed_signer_has_principal(&list->signers[i], principal)))
            return &list->signers[i];
    return NULL;
}

bool is_in_time(const struct allowed_signer *signer, const struct entry *entry)
{
    char at[15];
    (void)snprintf(at, sizeof at, "%.4s%.2s%.2s%.2s%.2s%.2s", entry->utc, entry->utc + 5,
                   entry->utc + 8, entry->utc + 11, entry->utc + 14, entry->utc + 17);
    size_t after = strspn(signer->valid_after, "0123456789"),
           before = strspn(signer->valid_before, "0123456789");
    return (after == 0 || strncmp(at, signer->valid_after, after) >= 0)
           && (before == 0 || strncmp(at, signer->valid_before, before) < 0);
}
