/* That nothing changed between what was recorded, or approved, and the first change (P-32), and
 * that a deployment that was given up there touched nothing (P-33). */
#include "verify/rules/procedure/procedure.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verify/judge/as_before.h"
#include "verify/judge/reading.h"
#include "verify/judge/logs/voices.h"

/* Where a difference goes: it violates, or (finding NULL) it is only named. */
struct differences {
    const struct audit *audit;
    const struct entry *entry;
    struct finding *finding;
    char *names;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static void note_difference(struct differences *differences,
                                                                  const char *format, ...)
{
    char text[240];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (differences->finding != NULL) {
        finding_violated(differences->finding, "P-32", differences->entry, "%s", text);
        return;
    }
    assert(differences->names != NULL);
    size_t used = strlen(differences->names);
    (void)snprintf(differences->names + used, differences->room - used, "%s%s",
                   used > 0 ? "; " : "", text);
}

/* What is compared line by line, and with the good entry of which action. */
static const struct {
    enum probe probe;
    enum action recorded;
} compared[] = {
    {PROBE_GIT_HEAD, ACTION_UPDATE_CODE},       {PROBE_GIT_BRANCH, ACTION_UPDATE_CODE},
    {PROBE_HMAC_KEY, ACTION_PULL_IMAGES},       {PROBE_CONFIG_HMAC, ACTION_PULL_IMAGES},
    {PROBE_POLICY_HMAC, ACTION_PULL_IMAGES},    {PROBE_COMPOSE_SERVICES, ACTION_PULL_IMAGES},
    {PROBE_COMPOSE_IMAGES, ACTION_PULL_IMAGES}, {PROBE_ENV_HMAC, ACTION_CONNECT},
    {PROBE_ENV_MODE, ACTION_CONNECT},
};

static void compare_item(struct differences *differences, size_t to, enum probe probe,
                         enum action recorded)
{
    const struct entry *before = deployment_good_entry(&differences->audit->deployment, recorded);
    const struct item *is = entry_item(differences->entry, 0, to, probe, NULL);
    const struct item *was = before != NULL ? entry_item(before, 0, before->item_count, probe, NULL)
                                            : NULL;
    if (differences->finding == NULL && (is == NULL || is->status != 0))
        note_difference(differences, "`%s` is not there, or failed", probe_name(probe));
    else if (is != NULL && was != NULL && !slice_equal(is->output, was->output))
        note_difference(differences, "`%s` is another right before the first change than in %s",
                        probe_name(probe), action_name(recorded));
}

static void compare_list_at(struct differences *differences, const struct item *list)
{
    const struct audit *audit = differences->audit;
    const struct listing *was = deployment_list_before(&audit->deployment),
                         *is = reading_list(list);
    if (was == NULL || is == NULL)
        return; /* P-12 and P-31 */
    for (size_t i = 0; i < was->count; i++)
        if (!as_before_container(audit, &was->list[i], is))
            note_difference(differences, "a container of %s is not as it was in the snapshot",
                            was->list[i].service);
    for (size_t i = 0; i < is->count; i++)
        if (!as_before_known(audit, was, &is->list[i]))
            note_difference(differences,
                            "a container of %s is there that the snapshot did not have",
                            is->list[i].service);
}

static void compare_files(struct differences *differences, size_t to)
{
    const struct item *status = entry_item(differences->entry, 0, to, PROBE_GIT_STATUS, NULL);
    for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++)
        compare_item(differences, to, compared[i].probe, compared[i].recorded);
    if (status != NULL && status->output.length > 0)
        note_difference(differences, "the tree had changes of its own right before the first "
                                     "change");
    if (differences->finding == NULL && (status == NULL || status->status != 0))
        note_difference(differences, "`git.status` is not there, or failed");
}

/* The looks and voices of an entry that was given up. */
static void name_looks(struct differences *differences)
{
    const struct audit *audit = differences->audit;
    const struct hearing *hearing = &audit->deployment.hearing;
    const struct entry *entry = differences->entry;
    struct voices voices;
    unsigned lists = 0, read = 0;
    for (size_t i = 0; i < entry->item_count; i++) {
        bool list = entry->items[i].probe == PROBE_COMPOSE_CONTAINERS;
        lists += list;
        read += list && reading_list(&entry->items[i]) != NULL;
        if (list)
            compare_list_at(differences, &entry->items[i]);
    }
    if (!audit->genesis.has_policy)
        return;
    for (size_t i = 0; i < hearing->look_count; i++)
        if (hearing->looks[i].entry == entry)
            note_difference(differences, "Execution is %s%s",
                            showing_word(hearing->looks[i].showing),
                            hearing_told_to_disarm(hearing, &hearing->looks[i])
                                ? ", and was told to disarm"
                                : "");
    voices_read(hearing, &audit->genesis, entry, 0, entry->item_count, VOICE_ALL, &voices);
    note_difference(differences, "%u of %u lists; %u replies%s%s; %.12s...", read, lists,
                    voices.replies, voices.why[0] != '\0' ? ", " : "", voices.why, voices.hash);
}

void procedure_name_differences(const struct audit *audit, char *ret_names, size_t room)
{
    for (size_t i = 0; i < audit->deployment.step_count; i++) {
        const struct step *step = &audit->deployment.steps[i];
        struct differences differences = {audit, step->transition, NULL, ret_names, room};
        if (step->event != EVENT_STALE)
            continue;
        compare_files(&differences, step->transition->item_count);
        name_looks(&differences);
    }
}

/* P-33 */
static void check_stale(const struct step *step, struct finding *finding)
{
    const struct entry *entry = step->transition;
    if (step->event != EVENT_STALE)
        return;
    if (reading_first_act(entry) < entry->item_count)
        finding_violated(finding, "P-33", entry,
                         "nothing was touched, it says, and an act stands in it");
    if (step->intent != NULL && node_member(entry_body(step->intent), "repeats") != NULL)
        finding_violated(finding, "P-33", entry,
                         "nothing was touched, it says, and an earlier try of it may have done so");
}

void procedure_check_last_look(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    bool again;
    const struct step *step = deployment_first_change(deployment, &again);
    const struct entry *pulled = deployment_good_entry(deployment, ACTION_PULL_IMAGES);
    for (size_t i = 0; i < deployment->step_count; i++)
        check_stale(&deployment->steps[i], finding);
    if (pulled != NULL) {
        struct differences differences = {audit, pulled, finding, NULL, 0};
        compare_item(&differences, pulled->item_count, PROBE_ENV_HMAC, ACTION_CONNECT);
        compare_item(&differences, pulled->item_count, PROBE_ENV_MODE, ACTION_CONNECT);
    }
    if (step == NULL)
        return;
    struct differences differences = {audit, step->transition, finding, NULL, 0};
    size_t to = reading_first_act(step->transition);
    compare_files(&differences, to);
    if (!again)
        compare_list_at(&differences,
                        entry_first_item(step->transition, 0, to, PROBE_COMPOSE_CONTAINERS));
}
