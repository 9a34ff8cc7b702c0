/* roster: shows who has which role and which entry said so; changes it by an entry that an
 * administrator of the roster in force signs with their own key. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/roster/authority.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/sshsig.h"
#include "journal/format/names.h"

static enum error_code load_now(struct driver *driver, struct roster *ret_roster,
                                uint64_t *ret_size, struct error *error)
{
    uint64_t entries;
    enum error_code code = journal_size(driver->journal, &entries, error);
    if (code == ERROR_OK)
        code = roster_load(driver->journal, entries, ret_roster, error);
    if (code == ERROR_OK)
        *ret_size = entries;
    return code;
}

static void print_signer(const struct allowed_signer *signer)
{
    char fingerprint[64];
    ssh_fingerprint(signer->key, fingerprint);
    fputs("  ", stdout);
    for (unsigned i = 0; i < signer->principal_count; i++) {
        fputs(i > 0 ? "," : "", stdout);
        bytes_print_escaped(stdout, signer->principals[i], strlen(signer->principals[i]));
    }
    printf("  %s\n", fingerprint);
}

static void print_roster(const struct roster *roster)
{
    printf("roster      made by entry %llu%s\n", (unsigned long long)roster->entry,
           roster->entry == 0 ? " (genesis)" : "");
    for (unsigned role = 1; role < ROSTER_ROLES; role++) {
        const struct allowed_signers *list = &roster->lists[role];
        printf("%s%s\n", roster_role_key((enum roster_role)role),
               list->count == 0 ? ": none" : ":");
        for (size_t i = 0; i < list->count; i++)
            print_signer(&list->signers[i]);
    }
}

static enum error_code show_roster(const struct command_line *line, struct error *error)
{
    struct driver *driver = line->driver;
    CLEANUP_ROSTER struct roster roster = {0};
    uint64_t size;
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code == ERROR_OK)
        code = load_now(driver, &roster, &size, error);
    if (code != ERROR_OK)
        return code;
    if (!line->options.json) {
        print_roster(&roster);
        return ERROR_OK;
    }
    CLEANUP_JSON json_t *json = json_pack("{s:I, s:O}", "entry", (json_int_t)roster.entry, "roster",
                                          roster.lines);
    if (json == NULL)
        return error_set(error, ERROR_MEMORY, 0, "roster", "", "out of memory");
    (void)json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    puts("");
    return ERROR_OK;
}

struct roster_change {
    struct driver *driver;
    const struct command_line *line;
    enum roster_role role;
    uint64_t entry; /* the one that records it */
};

/* Changed and recorded against the same journal head: of two administrators at once, the second one
 * starts from the first one's change. */
static enum error_code record_change(void *context, uint64_t size, struct error *error)
{
    struct roster_change *change = context;
    const struct command_line *line = change->line;
    CLEANUP_ROSTER struct roster roster = {0};
    CLEANUP_JSON json_t *lines = NULL;
    enum error_code code = roster_load(change->driver->journal, size, &roster, error);
    if (code == ERROR_OK)
        code = authority_check_own(change->driver, ROSTER_ADMINISTRATOR, error);
    if (code == ERROR_OK)
        code = strcmp(line->words[0], "add") == 0
                   ? roster_with(&roster, change->role, line->words[2], &lines, error)
                   : roster_without(&roster, change->role, line->words[2], &lines, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = json_pack("{s:O, s:s}", "roster", lines, "reason", line->reason);
    if (body == NULL)
        return error_set(error, ERROR_USAGE, 0, "roster", "write the reason in UTF-8",
                         "the reason is not valid UTF-8");
    change->driver->recorder.decided_at = size;
    return record_own(&change->driver->recorder, ENTRY_ROSTER, JOURNAL_NO_DEPLOYMENT, body,
                      &change->entry, error);
}

/* Needs no driver.lock: an operator can be removed beside their running driver. */
static enum error_code change_roster(const struct command_line *line, enum roster_role role,
                                     struct error *error)
{
    struct driver *driver = line->driver;
    struct roster_change change = {.driver = driver, .line = line, .role = role};
    enum error_code code = driver_open(driver, &line->options, DRIVER_WRITES | DRIVER_OPERATOR,
                                       error);
    if (code != ERROR_OK)
        return code;
    code = journal_append_moving(driver->journal, record_change, &change, error);
    if (code == ERROR_OK)
        progress_word(driver,
                      "entry %llu changes the roster from now on; `titan-fsm roster` shows it",
                      (unsigned long long)change.entry);
    return code;
}

enum error_code command_roster(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    static const char next[] = "titan-fsm roster add ROLE LINE --reason WHY, or titan-fsm roster "
                               "remove ROLE PRINCIPAL --reason WHY";
    *ret_status = EXIT_DONE;
    if (line->word_count == 0)
        return show_roster(line, error);
    bool known = strcmp(line->words[0], "add") == 0 || strcmp(line->words[0], "remove") == 0;
    enum roster_role role = line->word_count == 3 && known ? roster_role_by_name(line->words[1])
                                                           : ROSTER_INVALID;
    if (role == ROSTER_INVALID)
        return error_set(error, ERROR_USAGE, 0, "roster", next,
                         "this is not a change of the roster");
    if (line->reason[0] == '\0')
        return error_set(error, ERROR_USAGE, 0, "roster", next,
                         "a reason is required, because the journal keeps it");
    return change_roster(line, role, error);
}
