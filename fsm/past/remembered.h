/* fsm/past/remembered: what the entries of a deployment have recorded of the target's containers
 * and of their logs, whoever wrote them: the driver before an interruption, or a command beside it.
 * Rule:      journal/FORMAT.md: "Logs" (a line once recorded stays heard) and P-30 (nobody else
 *            changes containers).
 * Ownership: remembered_free() releases it. */
#ifndef FSM_REMEMBERED_H
#define FSM_REMEMBERED_H

#include "actions/compose/declared.h"
#include "actions/heard.h"
#include "fsm/past/deployment.h"

/* What the driver did since a list, and so may have changed: the services, one space around each.
 */
struct remembered_acts {
    bool begun; /* something was sent or done at all */
    bool all;   /* of any service */
    char services[512];
};

struct remembered {
    uint64_t deployment;
    size_t folded; /* entries of it */
    struct heard heard;
    char project[64];         /* as connect found it, "" = it did not have to */
    struct declared declared; /* as it was recorded last */
    bool manifests;           /* Docker keeps images by manifest (compose.store) */
    struct containers *list;  /* the last one that was recorded, NULL = none; owned */
    struct remembered_acts acts;
};

void remembered_free(struct remembered *remembered);
/* Reads what is new of the deployment. */
enum error_code remembered_follow(struct remembered *remembered, struct journal *journal,
                                  const struct deployment *deployment,
                                  const struct setup_services *services, struct error *error)
    CHECKED;

/* P-30: the service whose containers differ between two lists of this evidence, or between the
 * last list that was recorded and the first of it, although nothing of the driver's changed them;
 * "" = none. */
enum error_code remembered_change(const struct remembered *remembered, enum action action,
                                  const struct evidence *evidence,
                                  const struct setup_services *services, char ret_service[64],
                                  struct error *error) CHECKED;

#endif
