#include "verify/judge/logs/voices.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"

enum { NAMED_MAX = 64 };

/* What one voice named, to be compared when all were heard. */
struct named {
    const char *who;
    struct naming naming;
    bool is_reply;
};

struct chorus {
    struct voices voices;
    struct named named[NAMED_MAX];
    size_t count;
    bool unanswered; /* H-16 */
    bool lenient;    /* H-14: somebody may have been missing before */
};

static void voices_decide(struct voices *voices, enum parity parity, const char *rule,
                          const char *what)
{
    if (parity <= voices->parity)
        return;
    voices->parity = parity;
    voices->rule = rule;
    (void)snprintf(voices->why, sizeof voices->why, "%s", what);
}

static void append_named(struct chorus *chorus, const char *who, struct naming naming, bool reply)
{
    if (chorus->count == NAMED_MAX) {
        voices_decide(&chorus->voices, PARITY_MISSING, "I-09",
                      "more voices speak than can be compared");
        return;
    }
    chorus->named[chorus->count++] = (struct named){who, naming, reply};
}

/* H-05: the string at `.policy_hash`, else at `.hash`. */
struct naming voices_of_reply(const struct item *item)
{
    CLEANUP_TREE struct tree tree = {0};
    struct naming naming = {.kind = NAMING_OTHER};
    const struct node *reply = tree_object(item->output, &tree);
    const char *key = node_member(reply, "policy_hash") != NULL ? "policy_hash" : "hash";
    if (pattern_is_hash(node_text(reply, key), naming.hash))
        naming.kind = NAMING_HASH;
    return naming;
}

static void hear_reply(const struct genesis *genesis, const struct item *item,
                       struct chorus *chorus)
{
    struct voices *voices = &chorus->voices;
    voices->asked = true;
    if (!slice_equal(item->subject, genesis->subject_hash)) {
        voices_decide(voices, PARITY_UNEQUAL, "H-05",
                      "the policy hash was asked for on another subject than the pinned one");
        return;
    }
    if (item->status != 0) {
        voices->silent = true;
        return;
    }
    voices->replies++;
    struct naming naming = voices_of_reply(item);
    if (naming.kind == NAMING_HASH)
        append_named(chorus, "a reply of the responder", naming, true);
    else
        voices_decide(voices, PARITY_UNEQUAL, "H-05",
                      "a reply of the responder names no policy hash");
}

/* H-06, H-11: a run that the snapshot does not have. */
static bool began_here(const struct hearing *hearing, int64_t run)
{
    return hearing->runs[run].began;
}

/* H-13: of a run that began before, a line may be gone by rotation. */
static void miss_line(const struct hearing *hearing, const struct log_item *log, const char *what,
                      struct chorus *chorus)
{
    bool none = hearing_last(hearing, log->run, log->heard_end, HEARD_BIT(PATTERN_HANDSHAKE_NONE))
                != NULL;
    chorus->voices.absent = true;
    voices_decide(&chorus->voices,
                  began_here(hearing, log->run) && !none ? PARITY_MISSING : PARITY_ABSENT, "H-13",
                  what);
}

static void hear_execution_line(const struct hearing *hearing, const struct log_item *log,
                                struct chorus *chorus)
{
    const struct heard *line = hearing_last(hearing, log->run, log->heard_end,
                                            HEARD_BIT(PATTERN_POLICY_LOADED));
    for (size_t i = 0; i < log->heard_end; i++) {
        const struct heard *heard = &hearing->heard[i];
        if (heard->run == log->run && (heard->matches & HEARD_BIT(PATTERN_POLICY_LOADED)) != 0
            && (heard == line || began_here(hearing, log->run)))
            append_named(chorus, "Execution's start-up line", heard->naming, false);
    }
    if (line == NULL)
        miss_line(hearing, log, "Execution's start-up line of this run is absent", chorus);
}

/* What stands behind Brain's line. */
struct handshake {
    const struct heard *line;
    bool failed, lost;
};

/* A line that a sample, or the look of `confirm`, is the first to have. */
static bool is_first_heard_in_window(const struct heard *heard, const struct log_item *log)
{
    struct entry *entry = (struct entry *)(uintptr_t)log->entry;
    return heard->entry == log->entry
           && (entry->type == ENTRY_SAMPLE
               || (entry->type == ENTRY_TRANSITION
                   && slice_is(node_text(entry_body(entry), "from"), "observed")));
}

static struct handshake follow_handshake(const struct hearing *hearing, const struct log_item *log,
                                         struct chorus *chorus)
{
    struct handshake shaken = {.line = NULL};
    for (size_t i = 0; i < log->heard_end; i++) {
        const struct heard *heard = &hearing->heard[i];
        if (heard->run != log->run)
            continue;
        bool fails = (heard->matches & HEARD_BIT(PATTERN_HANDSHAKE_FAILED)) != 0,
             loses = (heard->matches & HEARD_BIT(PATTERN_HANDSHAKE_LOST)) != 0,
             shakes = !fails && (heard->matches & HEARD_BIT(PATTERN_HANDSHAKE_OK)) != 0,
             in_window = is_first_heard_in_window(heard, log);
        if (fails && !chorus->unanswered && (in_window || began_here(hearing, log->run)))
            voices_decide(&chorus->voices, PARITY_UNEQUAL, "H-11",
                          "Brain's policy hash handshake failed in this deployment");
        if (shakes && began_here(hearing, log->run))
            append_named(chorus, "Brain's handshake line", heard->naming, false);
        shaken.failed = fails || (shaken.failed && !shakes);
        shaken.lost = loses || (shaken.lost && !shakes);
        shaken.line = shakes ? heard : shaken.line;
    }
    return shaken;
}

static void hear_brain_line(const struct hearing *hearing, const struct log_item *log,
                            struct chorus *chorus)
{
    struct handshake shaken = follow_handshake(hearing, log, chorus);
    chorus->voices.lost = shaken.lost && !shaken.failed;
    if (shaken.failed && !chorus->unanswered)
        voices_decide(&chorus->voices, PARITY_UNEQUAL, "H-11", "Brain's last handshake failed");
    else if (shaken.lost && !chorus->unanswered && log->entry->type != ENTRY_SAMPLE)
        voices_decide(&chorus->voices, PARITY_UNEQUAL, "H-12", "Brain lost its leadership");
    if (shaken.line != NULL) {
        append_named(chorus, "Brain's handshake line", shaken.line->naming, false);
    } else if (chorus->lenient && (!shaken.failed || chorus->unanswered)) {
        chorus->voices.absent = true;
        voices_decide(&chorus->voices, PARITY_ABSENT, "H-13", "Brain's handshake line is absent");
    } else if (!shaken.failed) {
        miss_line(hearing, log, "Brain's handshake line of this run is absent", chorus);
    }
}

/* Every item of a log is read; one that has no run to read from is no voice. */
static bool hear_log(const struct hearing *hearing, const struct entry *entry, size_t place,
                     struct chorus *chorus)
{
    const struct log_item *log = hearing_log(hearing, entry, place);
    if (log == NULL || log->run == HEARING_NONE)
        return false;
    if (log->probe == PROBE_LOGS_EXECUTION)
        hear_execution_line(hearing, log, chorus);
    else
        hear_brain_line(hearing, log, chorus);
    return true;
}

/* The full hash by which the others are compared: of a reply, else of a line. */
static const char *reference_of(const struct chorus *chorus)
{
    const char *found = "";
    for (size_t i = chorus->count; i-- > 0;)
        if (chorus->named[i].naming.kind == NAMING_HASH && !chorus->named[i].is_reply)
            found = chorus->named[i].naming.hash;
    for (size_t i = chorus->count; i-- > 0;)
        if (chorus->named[i].naming.kind == NAMING_HASH && chorus->named[i].is_reply)
            found = chorus->named[i].naming.hash;
    return found;
}

static bool voice_agrees(const struct named *named, const char *hash, bool *ret_without)
{
    const struct naming *naming = &named->naming;
    switch (naming->kind) {
    case NAMING_HASH:
        return strcmp(naming->hash, hash) == 0;
    case NAMING_SHORT:
        *ret_without = true;
        return strncmp(naming->hash, hash, strlen(naming->hash)) == 0;
    case NAMING_NOTHING:
        *ret_without = true;
        return true;
    case NAMING_INVALID:
    case NAMING_OTHER:
        break;
    }
    return false;
}

static void compare_voices(struct chorus *chorus)
{
    const char *hash = reference_of(chorus);
    struct voices *voices = &chorus->voices;
    (void)snprintf(voices->hash, sizeof voices->hash, "%s", hash);
    for (size_t i = 0; i < chorus->count; i++) {
        const struct named *named = &chorus->named[i];
        char what[sizeof voices->why];
        if (voice_agrees(named, hash, &voices->without_hash))
            continue;
        if (named->naming.kind == NAMING_HASH)
            (void)snprintf(what, sizeof what, "%s names %.12s... and another voice %.12s...",
                           named->who, named->naming.hash, hash);
        else
            (void)snprintf(what, sizeof what, "%s names something else than %.12s...", named->who,
                           hash);
        voices_decide(voices, PARITY_UNEQUAL, named->is_reply ? "H-08" : "H-07", what);
    }
}

bool voices_is_answered(const struct entry *entry, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_BUS_POLICY_HASH && entry->items[i].status == 0)
            return true;
    return false;
}

void voices_read(const struct hearing *hearing, const struct genesis *genesis,
                 const struct entry *entry, size_t from, size_t to, unsigned wanted,
                 struct voices *ret_voices)
{
    struct chorus chorus = {.voices = {.parity = PARITY_INVALID, .rule = "H-09"}};
    bool execution = false, brain = false;
    chorus.lenient = (wanted & VOICE_UNANSWERED) != 0;
    chorus.unanswered = chorus.lenient && !voices_is_answered(entry, from, to);
    for (size_t i = from; i < to && i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->probe == PROBE_BUS_POLICY_HASH)
            hear_reply(genesis, item, &chorus);
        else if (item->probe == PROBE_LOGS_EXECUTION)
            execution = hear_log(hearing, entry, i, &chorus) || execution;
        else if (item->probe == PROBE_LOGS_BRAIN)
            brain = hear_log(hearing, entry, i, &chorus) || brain;
        bool is_log = item->probe == PROBE_LOGS_EXECUTION || item->probe == PROBE_LOGS_BRAIN;
        chorus.voices.unread = chorus.voices.unread || (is_log && item->status != 0);
    }
    compare_voices(&chorus);
    struct voices *voices = &chorus.voices;
    if ((wanted & VOICE_RESPONDER) != 0
        && (voices->replies == 0 || (voices->silent && !chorus.lenient)))
        voices_decide(voices, PARITY_MISSING, "H-09", "the responder did not answer each time");
    if ((wanted & VOICE_EXECUTION) != 0 && !execution)
        voices_decide(voices, PARITY_MISSING, "H-09", "Execution's log was not read");
    if ((wanted & VOICE_BRAIN) != 0 && !brain)
        voices_decide(voices, PARITY_MISSING, "H-09", "Brain's log was not read");
    if (voices->hash[0] == '\0' && !chorus.lenient)
        voices_decide(voices, PARITY_MISSING, "H-09", "no voice names a policy hash");
    voices_decide(voices, PARITY_EQUAL, "", "");
    *ret_voices = *voices;
}
