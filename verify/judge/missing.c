#include "verify/judge/missing.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/logs/voices.h"

static void add_absent(const struct listing *containers, struct slice service, const char *who,
                       char *words, size_t size)
{
    size_t used = strlen(words);
    if (reading_running(containers, service) == 0)
        (void)snprintf(words + used, size - used, "%s%s %s", used > 0 ? ", " : "", who,
                       reading_service(containers, service) != NULL ? "did not run"
                                                                    : "had no container");
}

void missing_words(const struct audit *audit, char *ret_words, size_t size)
{
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct listing *containers = snapshot != NULL ? reading_last_list(snapshot) : NULL;
    ret_words[0] = '\0';
    if (!audit->genesis.has_policy || containers == NULL)
        return;
    add_absent(containers, audit->genesis.execution, "Execution", ret_words, size);
    add_absent(containers, audit->genesis.brain, "Brain", ret_words, size);
    size_t used = strlen(ret_words);
    if (!voices_is_answered(snapshot, 0, snapshot->item_count))
        (void)snprintf(ret_words + used, size - used, "%snobody replied for the policy hash",
                       used > 0 ? ", " : "");
}

bool missing_before(const struct audit *audit)
{
    char words[120];
    missing_words(audit, words, sizeof words);
    return words[0] != '\0';
}

unsigned missing_asked_after(const struct audit *audit)
{
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct listing *containers = deployment_list_before(&audit->deployment);
    if (containers == NULL)
        return 0;
    unsigned asked = reading_running(containers, audit->genesis.execution) > 0 ? VOICE_EXECUTION
                                                                               : 0;
    return voices_is_answered(snapshot, 0, snapshot->item_count) ? asked | VOICE_RESPONDER : asked;
}
