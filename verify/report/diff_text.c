/* What diff found, for people. Rosters and sessions are followed along each copy, so that a key can
 * be called by its owner's name. */
#include "verify/report/diff.h"

#include <string.h>

#include "journal/format/allowed_signers.h"
#include "verify/report/summary.h"

enum { ENTRIES_SHOWN_MAX = 20, GROUPS_MAX = 64 };

static const char *const NAMES[2] = {"A", "B"};

struct group {
    enum entry_type type;
    char who[SUMMARY_WHO_BYTES];
    size_t count;
};

/* Entries [from, to) of one copy: how many of which type by whom, and each of the first. */
struct tail {
    struct group groups[GROUPS_MAX];
    size_t group_count, others;
};

static void diff_count_entry(struct tail *tail, const struct entry *entry, const char *who)
{
    for (size_t i = 0; i < tail->group_count; i++) {
        if (tail->groups[i].type != entry->type || strcmp(tail->groups[i].who, who) != 0)
            continue;
        tail->groups[i].count++;
        return;
    }
    if (tail->group_count == GROUPS_MAX) {
        tail->others++;
        return;
    }
    struct group *group = &tail->groups[tail->group_count++];
    *group = (struct group){.type = entry->type, .count = 1};
    (void)snprintf(group->who, sizeof group->who, "%s", who);
}

static void print_groups(const struct tail *tail, FILE *stream)
{
    for (size_t i = 0; i < tail->group_count; i++) {
        fprintf(stream, "  %zu %s by ", tail->groups[i].count,
                entry_type_name(tail->groups[i].type));
        bytes_print_escaped(stream, tail->groups[i].who, strlen(tail->groups[i].who));
        fputc('\n', stream);
    }
    if (tail->others > 0)
        fprintf(stream, "  %zu more, by more signers than are counted here\n", tail->others);
}

/* Names are by the state of the journal in front of an entry; genesis alone brings its own. */
static void diff_follow(struct record *record, size_t from, size_t to, struct tail *tail,
                        FILE *entries)
{
    const struct allowed_signers nobody = {0};
    struct limits limits;
    const struct audit audit = {.record = record,
                                .limits = &limits,
                                .trust = &nobody,
                                .target = ""};
    CLEANUP_AUTHORITY struct authority authority = {.audit = &audit};
    char who[SUMMARY_WHO_BYTES];
    struct refusal ignored;
    limits_default(&limits);
    for (size_t seq = 0; seq < to; seq++) {
        struct entry *entry = &record->entries[seq];
        if (seq == 0)
            (void)authority_take(&authority, entry, &ignored);
        if (seq >= from) {
            summary_who(&authority, entry, who);
            diff_count_entry(tail, entry, who);
        }
        if (entries != NULL && seq >= from && seq - from < ENTRIES_SHOWN_MAX) {
            fputs("  ", entries);
            summary_print(entry, who, entries);
        }
        if (seq > 0)
            (void)authority_take(&authority, entry, &ignored);
    }
}

static void print_side(const struct diff *diff, unsigned side, FILE *stream)
{
    const struct record *record = &diff->records[side];
    char head[SHA256_HEX + 1];
    bytes_hex(record->entries[record->count - 1].hash, SHA256_BYTES, head);
    fprintf(stream, "%s ", NAMES[side]);
    bytes_print_escaped(stream, diff->paths[side], strlen(diff->paths[side]));
    fprintf(stream, ": journal %s, %zu entries, head %s\n", record->entries[0].journal,
            record->count, head);
}

static void print_extension(struct diff *diff, unsigned longer, FILE *stream)
{
    struct record *record = &diff->records[longer];
    struct tail tail = {.group_count = 0}, ignored = {.group_count = 0};
    size_t more = record->count - diff->common,
           shown = more < ENTRIES_SHOWN_MAX ? more : ENTRIES_SHOWN_MAX;
    fprintf(stream, "%s extends %s by %zu %s:\n", NAMES[longer], NAMES[1 - longer], more,
            more == 1 ? "entry" : "entries");
    diff_follow(record, diff->common, record->count, &tail, NULL);
    print_groups(&tail, stream);
    fputs("They are:\n", stream);
    diff_follow(record, diff->common, diff->common + shown, &ignored, stream);
    if (more > shown)
        fprintf(stream, "  and %zu more\n", more - shown);
}

static void print_fork(struct diff *diff, FILE *stream)
{
    const struct entry *entries[2];
    if (diff->common == 0)
        fputs("They fork at entry 0: no entry is the same, though both name one journal.\n",
              stream);
    else
        fprintf(stream, "They fork at entry %zu: the %zu before it are the same.\n", diff->common,
                diff->common);
    for (unsigned side = 0; side < 2; side++) {
        struct tail ignored = {.group_count = 0};
        entries[side] = &diff->records[side].entries[diff->common];
        fprintf(stream, "%s:", NAMES[side]);
        diff_follow(&diff->records[side], diff->common, diff->common + 1, &ignored, stream);
    }
    fprintf(stream, "Behind it %s has %zu more, %s %zu.\n", NAMES[0],
            diff->records[0].count - diff->common - 1, NAMES[1],
            diff->records[1].count - diff->common - 1);
    if (memcmp(entries[0]->signer, entries[1]->signer, KEY_BYTES) == 0)
        fputs("One key signed both: whoever holds it wrote two histories.\n", stream);
}

/* A journal that was lost is succeeded by one that names its head: what was in it from there on,
 * the target never knew. */
static void print_succession(struct diff *diff, unsigned newer, FILE *stream)
{
    struct record *older = &diff->records[1 - newer], *record = &diff->records[newer];
    if (record->entries[0].type != ENTRY_GENESIS)
        return;
    const struct node *succeeds = node_member(entry_body(&record->entries[0]), "succeeds");
    int64_t seq = node_number(succeeds, "seq", -1);
    char hash[SHA256_HEX + 1];
    if (!slice_is(node_text(succeeds, "journal"), older->entries[0].journal))
        return;
    bool here = seq >= 0 && (uint64_t)seq < older->count;
    if (here)
        bytes_hex(older->entries[seq].hash, SHA256_BYTES, hash);
    fprintf(stream, "%s succeeds %s, lost at its entry %lld or later: ", NAMES[newer],
            NAMES[1 - newer], (long long)seq);
    if (!here)
        fputs("that entry is not in this copy.\n", stream);
    else
        fputs(slice_is(node_text(succeeds, "hash"), hash) ? "that entry is the one it names.\n"
                                                          : "that entry is not the one it names.\n",
              stream);
}

void diff_text(struct diff *diff, FILE *stream)
{
    print_side(diff, 0, stream);
    print_side(diff, 1, stream);
    switch (diff->outcome) {
    case DIFF_EQUAL:
        fputs("They are the same.\n", stream);
        break;
    case DIFF_FIRST_EXTENDS:
        print_extension(diff, 0, stream);
        break;
    case DIFF_SECOND_EXTENDS:
        print_extension(diff, 1, stream);
        break;
    case DIFF_FORK:
        print_fork(diff, stream);
        break;
    case DIFF_OTHER_JOURNAL:
        fputs("They are different journals.\n", stream);
        print_succession(diff, 0, stream);
        print_succession(diff, 1, stream);
        break;
    case DIFF_INVALID:
        break;
    }
}
