/* That each service is configured as before the deployment. */
#include "verify/rules/restoration.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"

/* The one that the service ran with in the snapshot: it was left alone, or made again just so. */
static bool runs_as_before(const struct listed *old, const struct listed *new)
{
    return old != NULL && new != NULL &&new->running[0] != '\0'
           && strcmp(old->running, new->running) == 0;
}

/* Its container of the snapshot is of another image than its name meant then, which some composes
 * count in. */
static bool ran_another_image(const struct restored *restored, const char *service)
{
    const struct listing *images = reading_list(
        entry_item(restored->before, 0, restored->before->item_count, PROBE_COMPOSE_IMAGES, NULL));
    const struct listed *image = images != NULL ? reading_service(images, slice_of(service)) : NULL,
                        *ran = reading_service(restored->was, slice_of(service));
    return image == NULL || ran == NULL || !reading_is_same_image(ran, image);
}

/* What the restored file comes to is, for this service, by design or for a reason from before not
 * what the file of the snapshot came to. */
static bool may_differ(const struct restored *restored, const struct listed *old)
{
    return restoration_is_overridden(restored->revert, old->service)
           || ran_another_image(restored, old->service)
           || (restoration_has_good_env(restored->before)
               && strcmp(old->declared, old->running) != 0);
}

static void name_only(const char *service, char *ret_words, size_t room)
{
    size_t used = strlen(ret_words);
    (void)snprintf(ret_words + used, room - used, "%s%s",
                   used > 0 ? ", "
                            : "; configured as the restored files say, which before ran so: ",
                   service);
}

/* One that runs as it is declared now. */
static void compare_declared(const struct restored *restored, const char *service,
                             const struct listed *old, const struct listed *new, char *ret_words,
                             size_t room, struct finding *finding)
{
    if (old != NULL && may_differ(restored, old))
        name_only(service, ret_words, room);
    else if (!restoration_has_same_key(restored->before, restored->after))
        finding_undecidable(finding, "R-03", restored->after,
                            "whether %s is configured as before cannot be compared: the key of "
                            "the fingerprints was lost on the way",
                            service);
    else if (old == NULL || old->declared[0] == '\0')
        finding_undecidable(finding, "R-03", restored->after,
                            "whether %s is configured as before, compose could not tell", service);
    else if (strcmp(old->declared, new->declared) != 0)
        finding_violated(finding, "R-03", restored->after,
                         "the service %s runs with a configuration that is neither the one with "
                         "which it ran before nor the one that was declared then",
                         service);
}

static void compare_configured(const struct restored *restored, const char *service,
                               char *ret_words, size_t room, struct finding *finding)
{
    const struct listed *old = reading_service(restored->then, slice_of(service)),
                        *new = reading_service(restored->now, slice_of(service));
    if (runs_as_before(old, new))
        return;
    if (new != NULL &&new->declared[0] != '\0' && strcmp(new->declared, new->running) == 0)
        compare_declared(restored, service, old, new, ret_words, room, finding);
    else if (new != NULL && !restoration_has_same_key(restored->before, restored->after))
        finding_undecidable(finding, "R-03", restored->after,
                            "whether %s is configured as before cannot be compared: the key of "
                            "the fingerprints was lost on the way",
                            service);
    else if (new != NULL &&new->declared[0] == '\0')
        finding_undecidable(finding, "R-03", restored->after,
                            "whether %s is configured as before, compose could not tell", service);
    else
        finding_violated(finding, "R-03", restored->after,
                         "the service %s runs with a configuration that is neither the one of "
                         "before nor the restored file's",
                         service);
}

void restoration_check_configurations(const struct restored *restored, char *ret_words, size_t room,
                                      struct finding *finding)
{
    ret_words[0] = '\0';
    if (restored->then == NULL || restored->now == NULL) {
        finding_undecidable(finding, "R-03", restored->after,
                            "the configurations before and after cannot be compared");
        return;
    }
    for (size_t i = 0; i < restored->was->count; i++) {
        const char *service = restored->was->list[i].service;
        bool again = i > 0 && strcmp(restored->was->list[i - 1].service, service) == 0;
        if (!again && restoration_is_expected(restored, service))
            compare_configured(restored, service, ret_words, room, finding);
    }
}
