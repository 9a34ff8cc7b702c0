#include "fsm/last_look.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "fsm/steps/await.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"

enum { SHOWN_MAX = 120, HMAC_SHOWN = 12 };

static void differs(struct last_look *look, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void differs(struct last_look *look, const char *format, ...)
{
    size_t used = strlen(look->differs);
    va_list arguments;
    if (used > 0)
        used += (size_t)snprintf(look->differs + used, sizeof look->differs - used, "; ");
    if (used >= sizeof look->differs)
        return;
    va_start(arguments, format);
    (void)vsnprintf(look->differs + used, sizeof look->differs - used, format, arguments);
    va_end(arguments);
}

/* In one line, cut: an HMAC says only that something is another. */
static void shorten(const struct bytes *output, char ret_text[SHOWN_MAX])
{
    size_t length = output->size < SHOWN_MAX - 1 ? output->size : SHOWN_MAX - 1;
    while (length > 0 && output->data[length - 1] == '\n')
        length--;
    if (length == SHA256_HEX)
        length = HMAC_SHOWN;
    for (size_t i = 0; i < length; i++)
        ret_text[i] = (char)(output->data[i] == '\n' ? ' ' : output->data[i]);
    ret_text[length] = '\0';
    if (length == 0)
        (void)snprintf(ret_text, SHOWN_MAX, "nothing");
}

/* What is compared as it stands, with what which entry recorded. The key stands in front of the
 * fingerprints: under another one they are not compared. */
static const struct {
    const char *probe;
    enum state recorded;
    const char *name;
    bool keyed;
} lines[] = {
    {PROBE_GIT_HEAD, STATE_UPDATED, "the commit"},
    {PROBE_GIT_BRANCH, STATE_UPDATED, "the branch"},
    {PROBE_GIT_STATUS, STATE_UPDATED, "what the tree has besides its commit"},
    {PROBE_HMAC_KEY, STATE_PULLED, "the key of the fingerprints in the state directory"},
    {PROBE_CONFIG_HMAC, STATE_PULLED, "the rendered configuration (its fingerprint)", true},
    {PROBE_POLICY_HMAC, STATE_PULLED, "the policy files (their fingerprint)", true},
    {PROBE_COMPOSE_SERVICES, STATE_PULLED, "the list of declared services"},
    {PROBE_ENV_HMAC, STATE_CONNECTED, "the env file (its fingerprint)", true},
    {PROBE_ENV_MODE, STATE_CONNECTED, "mode, owner and group of the env file"},
};

static enum error_code compare_line(struct driver *driver, size_t index,
                                    const struct evidence *evidence, struct last_look *look,
                                    struct error *error)
{
    CLEANUP_BYTES struct bytes was = {0};
    const struct bytes *is = &evidence_last(evidence, lines[index].probe, NULL)->output;
    const struct journal_entry *entry = deployment_transition_to(&driver->deployment,
                                                                 lines[index].recorded);
    char before[SHOWN_MAX], now[SHOWN_MAX];
    if (entry == NULL)
        return error_set(error, ERROR_DAMAGED, 0, journal_directory(driver->journal),
                         "run titan-verify on the journal", "the deployment has no record of %s",
                         lines[index].name);
    enum error_code code = entry_output(driver->journal, entry, lines[index].probe, &was, error);
    if (code != ERROR_OK || (was.size == is->size && memcmp(was.data, is->data, was.size) == 0))
        return code;
    look->other_key = look->other_key || strcmp(lines[index].probe, PROBE_HMAC_KEY) == 0;
    shorten(&was, before);
    shorten(is, now);
    differs(look, "%s was %s and is %s", lines[index].name, before, now);
    return ERROR_OK;
}

static void compare_tags(struct last_look *look)
{
    for (size_t i = 0; i < look->pulled.count; i++) {
        const struct image *was = &look->pulled.list[i];
        const struct image *is = images_find(&look->images, was->service);
        if (is != NULL && strcmp(is->id, was->id) != 0)
            differs(look, "the image of %s was %.19s and is %.19s", was->service, was->id,
                    is->id[0] != '\0' ? is->id : "gone");
    }
}

static bool restarts_by_design(const struct driver *driver, const char *service)
{
    const struct setup_list *allowed = &driver->config.setup.services.restarts_allowed;
    if (declared_find(&driver->remembered.declared, service)->off)
        return true;
    for (size_t i = 0; i < allowed->count; i++)
        if (strcmp(allowed->items[i], service) == 0)
            return true;
    return false;
}

static const struct container *find_id(const struct containers *containers, const char *id)
{
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].id, id) == 0)
            return &containers->list[i];
    return NULL;
}

/* Restarted by its own policy, which a release may be there to mend; but not where somebody
 * trades. */
static bool was_restarted_by_docker(const struct driver *driver, const struct container *was,
                                    const struct container *is)
{
    const struct setup_services *services = &driver->config.setup.services;
    return container_runs(is) && is->restarts > was->restarts
           && strcmp(is->service, services->execution) != 0
           && strcmp(is->service, services->brain) != 0;
}

static void compare_container(const struct driver *driver, const struct container *was,
                              struct last_look *look)
{
    const struct container *is = find_id(&look->containers, was->id);
    if (is == NULL)
        differs(look, "container %.12s of %s is gone", was->id, was->service);
    else if (container_runs(was) != container_runs(is))
        differs(look, "container %.12s of %s was %s and is %s", was->id, was->service, was->state,
                is->state);
    else if ((strcmp(was->started_at, is->started_at) != 0 || was->restarts != is->restarts)
             && !was_restarted_by_docker(driver, was, is))
        differs(look, "container %.12s of %s was started at %s and is started at %s", was->id,
                was->service, was->started_at, is->started_at);
}

/* Returns whether all of it can be compared: nobody has changed anything yet. */
static bool compare_containers(const struct driver *driver, bool first, struct last_look *look)
{
    size_t used = strlen(look->differs);
    for (size_t i = 0; i < look->before.count; i++)
        if (!restarts_by_design(driver, look->before.list[i].service))
            compare_container(driver, &look->before.list[i], look);
    for (size_t i = 0; i < look->containers.count; i++) {
        const struct container *is = &look->containers.list[i];
        if (find_id(&look->before, is->id) == NULL && !restarts_by_design(driver, is->service))
            differs(look, "container %.12s of %s is new", is->id, is->service);
    }
    bool untouched = look->differs[used] == '\0';
    if (!first)
        look->differs[used] = '\0'; /* an earlier try changed it */
    return first || untouched;
}

/* It is looked at in front of the voices and behind them. */
static void compare_interlock(const struct last_look_terms *terms, struct last_look *look)
{
    const struct interlock_view *first = &look->first, *last = &look->interlock;
    enum interlock is = first->interlock != terms->interlock ? first->interlock : last->interlock;
    const char *was = interlock_name(terms->interlock);
    if (is != terms->interlock)
        differs(look, "Execution was %s and is %s", was, interlock_name(is));
    else if (is == INTERLOCK_ARMED && last->disarm_behind)
        differs(look, "Execution was %s and received a DISARM", was);
    else if (first->armed_lines != last->armed_lines
             || first->disarmed_lines != last->disarmed_lines)
        differs(look, "Execution was %s, is it again, and was not in between", was);
}

/* Only a hash that was there before can be another now; but one that a release would have to keep
 * is none that comes up meanwhile. */
static void compare_hash(const struct driver *driver, struct last_look *look)
{
    const struct deployment_facts before = deployment_facts(&driver->deployment, STATE_CONNECTED);
    const struct parity_view *parity = &look->parity;
    bool known = parity->parity == PARITY_EQUAL || parity->lines_absent,
         release = driver->deployment.procedure == PROCEDURE_RELEASE;
    if (before.missing[0] != '\0') {
        bool contrary = parity->parity == PARITY_UNEQUAL && !parity->unanswered;
        known = parity->hash[0] != '\0' && !contrary;
        if (!known && !contrary)
            return;
        if (release && known && before.policy_hash[0] == '\0')
            differs(look, "the policy hash, that nobody named before, is %.12s now", parity->hash);
    }
    if (before.policy_hash[0] == '\0' || (known && strcmp(before.policy_hash, parity->hash) == 0))
        return;
    if (known)
        differs(look, "the policy hash was %.12s and is %.12s", before.policy_hash, parity->hash);
    else
        differs(look, "the policy hash was %.12s, named by all, and is not now: %s",
                before.policy_hash, parity->text);
}

static enum error_code load_recorded(struct driver *driver, struct last_look *look,
                                     struct error *error)
{
    CLEANUP_BYTES struct bytes containers = {0}, images = {0};
    const struct journal_entry *connected = deployment_transition_to(&driver->deployment,
                                                                     STATE_CONNECTED),
                               *pulled = deployment_transition_to(&driver->deployment,
                                                                  STATE_PULLED);
    if (connected == NULL || pulled == NULL)
        return error_set(error, ERROR_DAMAGED, 0, journal_directory(driver->journal),
                         "run titan-verify on the journal",
                         "the deployment has no record of what ran, or was pulled");
    enum error_code code = entry_output(driver->journal, connected, PROBE_COMPOSE_CONTAINERS,
                                        &containers, error);
    if (code == ERROR_OK)
        code = entry_output(driver->journal, pulled, PROBE_COMPOSE_IMAGES, &images, error);
    if (code == ERROR_OK)
        code = containers_read(&containers, &look->before, error);
    return code == ERROR_OK ? images_read(&images, &look->pulled, error) : code;
}

/* A reply may be late, and is waited for where there was a hash before. */
static enum error_code look_at_voices(struct target *target, const struct last_look_terms *terms,
                                      bool asked, struct evidence *evidence, struct last_look *look,
                                      struct error *error)
{
    enum error_code code = interlock_look(target, &(struct interlock_question){0}, evidence,
                                          &look->interlock, error);
    size_t mark = evidence->count;
    if (code == ERROR_OK)
        code = parity_look(target, &look->containers, PARITY_BRAIN, "", evidence, &look->parity,
                           error);
    if (code != ERROR_OK || !asked || look->parity.parity != PARITY_MISSING
        || look->parity.lines_absent)
        return code;
    evidence_cut(evidence, mark);
    return await_parity(&(struct await_parity){.target = target,
                                               .containers = &look->containers,
                                               .depth = PARITY_BRAIN,
                                               .expect = "",
                                               .until_ns = terms->until_ns},
                        evidence, &look->parity, error);
}

static enum error_code look_at_files(struct target *target, struct evidence *evidence,
                                     struct last_look *look, struct error *error)
{
    enum error_code code = git_look(target, evidence, &look->git, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, evidence, error);
    if (code == ERROR_OK)
        code = compose_policy_fingerprint(target, evidence, error);
    if (code == ERROR_OK)
        code = compose_render(target, evidence, &look->model, error);
    if (code == ERROR_OK)
        code = compose_containers(target, evidence, &look->containers, error);
    return code == ERROR_OK ? compose_images(target, &look->model, evidence, &look->images, error)
                            : code;
}

enum error_code look_for_the_last_time(struct driver *driver, struct target *target,
                                       const struct last_look_terms *terms,
                                       struct evidence *evidence, struct last_look *look,
                                       struct error *error)
{
    bool voices = driver->config.setup.services.execution[0] != '\0';
    memset(look, 0, sizeof *look);
    enum error_code code = load_recorded(driver, look, error);
    if (code == ERROR_OK)
        code = look_at_files(target, evidence, look, error);
    for (size_t i = 0; code == ERROR_OK && i < sizeof lines / sizeof lines[0]; i++)
        if (!lines[i].keyed || !look->other_key)
            code = compare_line(driver, i, evidence, look, error);
    const struct deployment_facts before = deployment_facts(&driver->deployment, STATE_CONNECTED);
    bool all_spoke = before.policy_hash[0] != '\0' && before.missing[0] == '\0';
    if (code == ERROR_OK && voices)
        code = look_at_voices(target, terms, all_spoke, evidence, look, error);
    /* The voices took their time: what came to Execution meanwhile is heard now or never. */
    look->first = look->interlock;
    if (code == ERROR_OK && voices)
        code = interlock_look(target, &(struct interlock_question){0}, evidence, &look->interlock,
                              error);
    if (code != ERROR_OK)
        return code;
    compare_tags(look);
    if (compare_containers(driver, terms->first, look) && voices) {
        compare_interlock(terms, look);
        compare_hash(driver, look);
    }
    return ERROR_OK;
}
