/* Which env file the containers of the snapshot ran with, and that it is back. */
#include "verify/rules/restoration.h"

#include <string.h>

#include "verify/judge/reading.h"

/* What `env.good` names. */
struct good_env {
    struct slice hmac, mode, ids;
};

static bool read_good(const struct entry *before, struct good_env *good)
{
    const struct item *item = entry_item(before, 0, before->item_count, PROBE_ENV_GOOD, NULL);
    if (item == NULL || item->status != 0)
        return false;
    good->ids = item->output;
    return slice_line(&good->ids, &good->hmac) && good->hmac.length == SHA256_HEX
           && slice_line(&good->ids, &good->mode);
}

static bool is_named(struct slice ids, const char *id)
{
    struct slice line;
    while (slice_line(&ids, &line))
        if (slice_is(line, id))
            return true;
    return false;
}

/* Every running container of the list ran when the good one was kept. */
static bool covers(const struct good_env *good, const struct listing *containers)
{
    size_t running = 0;
    for (size_t i = 0; i < containers->count; i++) {
        if (!reading_is_running(&containers->list[i]))
            continue;
        running++;
        if (!is_named(good->ids, containers->list[i].id))
            return false;
    }
    return running > 0;
}

bool restoration_has_good_env(const struct entry *before)
{
    struct good_env good;
    const struct listing *containers = reading_last_list(before);
    return containers != NULL && read_good(before, &good) && covers(&good, containers);
}

static bool runs_as_declared(const struct entry *before)
{
    const struct listing *drift = reading_list(
        entry_item(before, 0, before->item_count, PROBE_COMPOSE_DRIFT, NULL));
    for (size_t i = 0; drift != NULL && i < drift->count; i++)
        if (drift->list[i].running[0] != '\0' && drift->list[i].declared[0] != '\0'
            && strcmp(drift->list[i].running, drift->list[i].declared) != 0)
            return false;
    return drift != NULL;
}

bool restoration_has_same_key(const struct entry *before, const struct entry *after)
{
    struct slice was = reading_line(before, PROBE_HMAC_KEY),
                 is = reading_line(after, PROBE_HMAC_KEY);
    return was.length > 0 && slice_equal(was, is);
}

static void compare_with(const struct entry *after, enum probe probe, struct slice wanted,
                         struct finding *finding)
{
    if (wanted.length == 0 || !slice_equal(reading_line(after, probe), wanted))
        finding_violated(finding, "R-08", after,
                         "`%s` is not that of the env file with which the containers ran",
                         probe_name(probe));
}

static void check_act(const struct entry *revert, const char *subject, struct finding *finding)
{
    if (revert != NULL && entry_item(revert, 0, revert->item_count, PROBE_ACT, subject) == NULL)
        finding_violated(finding, "R-08", revert, "there is no act `%s`", subject);
}

void restoration_check_files(const struct entry *after, const struct entry *revert,
                             struct finding *finding)
{
    static const enum probe probes[] = {PROBE_ENV_MODE, PROBE_ENV_HMAC, PROBE_CONFIG_HMAC};
    bool has_key = revert != NULL && restoration_has_same_key(revert, after);
    for (unsigned i = 0; revert != NULL && i < sizeof probes / sizeof probes[0]; i++) {
        if (probes[i] != PROBE_ENV_MODE && !has_key)
            finding_undecidable(finding, "R-11", after,
                                "the key of the fingerprints was lost behind `revert`: `%s` cannot "
                                "be compared",
                                probe_name(probes[i]));
        else if (!slice_equal(reading_line(revert, probes[i]), reading_line(after, probes[i])))
            finding_violated(finding, "R-11", after, "`%s` is another than when it was put back",
                             probe_name(probes[i]));
    }
}

const char *restoration_check_env(const struct entry *before, const struct entry *after,
                                  const struct entry *revert, struct finding *finding)
{
    struct good_env good;
    bool has_key = restoration_has_same_key(before, after);
    if (!has_key)
        finding_undecidable(finding, "R-08", after,
                            "the key of the fingerprints was lost on the way: whether the env file "
                            "is that of before cannot be compared");
    if (restoration_has_good_env(before) && read_good(before, &good)) {
        check_act(revert, "restore env good", finding);
        if (has_key)
            compare_with(after, PROBE_ENV_HMAC, good.hmac, finding);
        compare_with(after, PROBE_ENV_MODE, good.mode, finding);
        return "the env file of the last good deployment, with which they ran, is back";
    }
    check_act(revert, "restore env", finding);
    compare_with(after, PROBE_ENV_MODE, reading_line(before, PROBE_ENV_MODE), finding);
    if (has_key) {
        compare_with(after, PROBE_ENV_HMAC, reading_line(before, PROBE_ENV_HMAC), finding);
        compare_with(after, PROBE_CONFIG_HMAC, reading_line(before, PROBE_CONFIG_HMAC), finding);
    }
    return runs_as_declared(before) ? "the env file is the one that was found"
                                    : "the env file is the one that was found, and whether they "
                                      "ran with it is not known";
}
