/* parity: one policy hash, recomputed from the raw replies and log lines wherever the deployment
 * went on, and in every sample. */
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"

#include <string.h>

struct parity_check {
    const struct audit *audit;
    struct finding *finding;
    char hash[SHA256_HEX + 1]; /* what all must be; "" until the first is read */
    unsigned looks;
};

static void parity_check_look(struct parity_check *check, const struct entry *entry, size_t to,
                              unsigned voices, const char *where)
{
    struct parity_reading reading;
    reading_parity(&check->audit->genesis, entry, 0, to, voices, &reading);
    finding_rests_on(check->finding, entry);
    check->looks++;
    if (reading.parity != PARITY_EQUAL)
        finding_violated(check->finding, entry, "%s: the policy hash is not one and the same: %s",
                         where, reading.why);
    else if (check->hash[0] != '\0' && strcmp(check->hash, reading.hash) != 0)
        finding_violated(check->finding, entry,
                         "%s: the policy hash is %.12s... and must be %.12s...", where,
                         reading.hash, check->hash);
    else
        memcpy(check->hash, reading.hash, sizeof check->hash);
}

static void check_step(struct parity_check *parity, enum action action, unsigned voices)
{
    const struct step *step = deployment_step(&parity->audit->deployment, action);
    if (step == NULL)
        return;
    size_t to = step->transition->item_count;
    const struct item *publish = action == ACTION_ARM
                                     ? entry_first_item(step->transition, 0, to, PROBE_BUS_PUBLISH)
                                     : NULL;
    parity_check_look(parity, step->transition,
                      publish != NULL ? (size_t)(publish - step->transition->items) : to, voices,
                      action_name(action));
}

/* A responder that keeps silent for fewer samples than fail an endpoint is passed over; another
 * answer never is. */
static void check_samples(struct parity_check *parity)
{
    const struct deployment *deployment = &parity->audit->deployment;
    const struct step *observed = deployment_step(deployment, ACTION_OBSERVE_WINDOW);
    int64_t silent = 0;
    for (size_t i = 0; observed != NULL && observed->intent != NULL && i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        struct parity_reading reading;
        if (entry->type != ENTRY_SAMPLE
            || node_number(entry_body(entry), "intent", -1) != observed->intent->seq)
            continue;
        finding_rests_on(parity->finding, entry);
        reading_parity(&parity->audit->genesis, entry, 0, entry->item_count, PARITY_RESPONDER,
                       &reading);
        silent = reading.parity == PARITY_MISSING && reading.silent ? silent + 1 : 0;
        if (silent == 0 || silent >= parity->audit->limits->failures)
            parity_check_look(parity, entry, entry->item_count, PARITY_RESPONDER, "a sample");
    }
    if (silent > 0)
        finding_violated(parity->finding, observed->transition,
                         "in the last sample of the window nobody answered with a policy hash");
}

/* The one hash of the before snapshot; "" where there was none. */
static void read_before(const struct audit *audit, struct finding *finding,
                        char ret_hash[SHA256_HEX + 1])
{
    const struct step *connected = deployment_step(&audit->deployment, ACTION_CONNECT);
    struct parity_reading reading;
    ret_hash[0] = '\0';
    if (connected == NULL)
        return;
    finding_rests_on(finding, connected->transition);
    reading_parity(&audit->genesis, connected->transition, 0, connected->transition->item_count,
                   PARITY_RESPONDER, &reading);
    if (reading.parity == PARITY_EQUAL)
        memcpy(ret_hash, reading.hash, SHA256_HEX + 1);
}

static void check_forward(const struct audit *audit, const char *before,
                          struct parity_check *parity)
{
    char expect[SHA256_HEX + 1];
    bool policy = audit->deployment.policy;
    if (slice_copy(node_text(audit->deployment.open, "expect"), expect, sizeof expect)
        && expect[0] != '\0')
        memcpy(parity->hash, expect, sizeof expect);
    const struct step *verified = deployment_step(&audit->deployment, ACTION_VERIFY_RELEASE);
    if (!policy && verified != NULL) {
        if (before[0] == '\0')
            finding_undecidable(parity->finding, verified->transition,
                                "the before snapshot shows no single policy hash with which this "
                                "release could be compared");
        else if (parity->hash[0] != '\0' && strcmp(before, parity->hash) != 0)
            finding_violated(
                parity->finding, verified->transition,
                "a release must not change the policy hash, and another than before is expected");
        else
            memcpy(parity->hash, before, sizeof parity->hash);
    }
    check_step(parity, ACTION_VERIFY_EXECUTION, PARITY_RESPONDER | PARITY_EXECUTION);
    check_step(parity, ACTION_VERIFY_PARITY, PARITY_RESPONDER | PARITY_EXECUTION | PARITY_BRAIN);
    check_step(parity, ACTION_VERIFY_RELEASE, PARITY_RESPONDER | PARITY_EXECUTION | PARITY_BRAIN);
    check_step(parity, ACTION_ARM, PARITY_RESPONDER | PARITY_EXECUTION | PARITY_BRAIN);
    check_samples(parity);
    check_step(parity, ACTION_CONFIRM, PARITY_RESPONDER);
}

void claim_parity(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct parity_check forward = {.audit = audit, .finding = finding},
                        back = {.audit = audit, .finding = finding};
    if (!audit->genesis.has_policy) {
        finding_not_applicable(finding, "no policy hash is shared here");
        return;
    }
    read_before(audit, finding, back.hash);
    check_forward(audit, back.hash, &forward);
    if (back.hash[0] != '\0')
        check_step(&back, ACTION_VERIFY_RESTORED, PARITY_RESPONDER | PARITY_EXECUTION);
    if (!deployment->ended)
        finding_undecidable(finding, NULL,
                            "the deployment is still open; up to here nothing speaks against it");
    else if (deployment->accepted)
        finding_undecidable(
            finding, NULL,
            "the rollback failed: what the policy hash came to be is not in the record");
    else if (forward.looks + back.looks == 0)
        finding_not_applicable(finding, "the deployment ended before a policy hash could change");
    finding_conclude(finding, NULL, "%u looks at raw replies and log lines show %.12s...%s",
                     forward.looks + back.looks, back.looks > 0 ? back.hash : forward.hash,
                     back.looks > 0 ? " after the rollback, as before" : " each time");
}
