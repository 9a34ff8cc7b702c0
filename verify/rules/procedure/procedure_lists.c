/* What lists look like (P-28, P-29, P-31), and whose they are (P-34). */
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

/* P-28: the rows of a list stand in ascending order of their bytes. */
static bool is_ascending(struct slice text)
{
    struct slice line, last = {"", 0};
    while (slice_line(&text, &line)) {
        size_t common = line.length < last.length ? line.length : last.length;
        int order = memcmp(last.at, line.at, common);
        if (order > 0 || (order == 0 && last.length > line.length))
            return false;
        last = line;
    }
    return true;
}

static bool is_list(enum probe probe)
{
    return probe == PROBE_COMPOSE_CONTAINERS || probe == PROBE_COMPOSE_IMAGES
           || probe == PROBE_COMPOSE_DRIFT || probe == PROBE_COMPOSE_SERVICES;
}

static bool is_object(struct slice text)
{
    CLEANUP_TREE struct tree tree = {0};
    return tree_object(text, &tree) != NULL;
}

static bool is_hex_line(const struct item *item, size_t digits)
{
    struct slice line = reading_item_line(item);
    char text[SHA256_HEX + 1];
    return slice_copy(line, text, sizeof text) && bytes_is_hex(text, digits)
           && item->output.length == digits + 1;
}

static bool is_one_line(const struct item *item)
{
    return item->output.length > 1 && item->output.at[item->output.length - 1] == '\n'
           && memchr(item->output.at, '\n', item->output.length)
                  == item->output.at + item->output.length - 1;
}

/* "600 1000 1000": mode, owner, group. */
static bool is_mode_line(struct slice line)
{
    size_t blanks = 0;
    for (size_t i = 0; i + 1 < line.length; i++) {
        bool blank = line.at[i] == ' ', digit = line.at[i] >= '0' && line.at[i] <= '9';
        if ((!blank && !digit) || (blank && (i == 0 || line.at[i + 1] < '0')))
            return false;
        blanks += blank;
    }
    return line.length > 0 && line.at[line.length - 1] == '\n' && blanks == 2;
}

/* Its HMAC, the line of its mode, and ids of containers. */
static bool is_good_env(struct slice rest)
{
    struct slice line;
    char id[SHA256_HEX + 1];
    size_t count = 0;
    for (; slice_line(&rest, &line); count++) {
        struct slice mode = {line.at, line.length + 1}; /* with its LF */
        bool good = count == 1 ? slice_is(line, "none") || is_mode_line(mode)
                               : slice_copy(line, id, sizeof id) && bytes_is_hex(id, SHA256_HEX);
        if (!good)
            return false;
    }
    return count >= 2;
}

static bool are_rows(struct slice rest)
{
    struct slice line;
    while (slice_line(&rest, &line))
        if (!services_is_row(line))
            return false;
    return true;
}

/* NAME@sha256:HEX, one a line. */
static bool are_addresses(struct slice text)
{
    static const char sign[] = "@sha256:";
    struct slice line;
    while (slice_line(&text, &line)) {
        size_t tail = strlen(sign) + SHA256_HEX;
        char hex[SHA256_HEX + 1];
        if (line.length <= tail || memcmp(line.at + line.length - tail, sign, strlen(sign)) != 0
            || !slice_copy(slice_from(line, line.length - SHA256_HEX), hex, sizeof hex)
            || !bytes_is_hex(hex, SHA256_HEX))
            return false;
    }
    return true;
}

/* P-31 */
static bool lists_has_form(const struct item *item)
{
    if (item->probe == PROBE_GIT_HEAD)
        return is_hex_line(item, 40);
    if (item->probe == PROBE_HMAC_KEY || item->probe == PROBE_CONFIG_HMAC
        || item->probe == PROBE_ENV_HMAC || item->probe == PROBE_POLICY_HMAC)
        return is_hex_line(item, SHA256_HEX);
    if (item->probe == PROBE_ENV_GOOD)
        return slice_is(item->output, "none\n") || is_good_env(item->output);
    if (item->probe == PROBE_ENV_MODE)
        return slice_is(item->output, "none\n") || is_mode_line(item->output);
    if (item->probe == PROBE_GIT_BRANCH)
        return is_one_line(item);
    if (item->probe == PROBE_INTERLOCK_MARKER)
        return slice_is(item->output, "present\n") || slice_is(item->output, "absent\n")
               || slice_is(item->output, "unknown\n");
    if (item->probe == PROBE_TENANCY)
        return item->output.length == 0 || is_object(item->output);
    if (item->probe == PROBE_COMPOSE_STORE)
        return slice_is(item->output, "classic\n") || slice_is(item->output, "containerd\n");
    if (item->probe == PROBE_COMPOSE_REGISTRY)
        return are_addresses(item->output);
    if (item->probe == PROBE_CLOCK)
        return item->output.length == 0;
    if (item->probe == PROBE_COMPOSE_SERVICES)
        return are_rows(item->output);
    if (item->probe == PROBE_COMPOSE_CONTAINERS || item->probe == PROBE_COMPOSE_IMAGES
        || item->probe == PROBE_COMPOSE_DRIFT)
        return item->listing != NULL && item->listing->readable;
    return true;
}

/* `count` items of the entry. */
static void check_forms(const struct entry *entry, size_t count, struct finding *finding)
{
    for (size_t i = 0; i < count; i++) {
        const struct item *item = &entry->items[i];
        if (item->status == 0 && !lists_has_form(item))
            finding_violated(finding, "P-31", entry, "the output of `%.*s` does not have its form",
                             SLICE_ARGUMENTS(item->probe_name));
        if (item->status == 0 && is_list(item->probe) && !is_ascending(item->output))
            finding_violated(finding, "P-28", entry,
                             "the rows of `%.*s` do not stand in ascending order",
                             SLICE_ARGUMENTS(item->probe_name));
    }
}

/* Exactly one row of each declared service. */
static bool has_services(const struct listing *listing, struct slice declared)
{
    struct slice line;
    size_t count = 0;
    while (slice_line(&declared, &line)) {
        if (services_is_off(line))
            continue;
        count++;
        if (reading_service(listing, services_name(line)) == NULL)
            return false;
    }
    return listing->count == count;
}

struct declared {
    const struct item *last, *snapshot, *forward; /* forward: of pull_images */
};

static bool lists_is_forward(enum action action)
{
    return action >= ACTION_PULL_IMAGES && action <= ACTION_DEPLOY_BRAIN;
}

static void check_services(const struct step *step, struct declared *declared,
                           struct finding *finding)
{
    const struct entry *entry = step->transition;
    bool back = step->action == ACTION_REVERT || step->action == ACTION_REDEPLOY
                || step->action == ACTION_VERIFY_RESTORED;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->probe == PROBE_COMPOSE_SERVICES && item->status == 0) {
            const struct item *other = back                             ? declared->snapshot
                                       : lists_is_forward(step->action) ? declared->forward
                                                                        : NULL;
            if (other != NULL && !slice_equal(other->output, item->output))
                finding_violated(finding, "P-29", entry, "%s declares other services than %s",
                                 action_name(step->action), back ? "the snapshot" : "pull_images");
            declared->last = item;
            if (step->action == ACTION_CONNECT)
                declared->snapshot = item;
            if (step->action == ACTION_PULL_IMAGES)
                declared->forward = item;
        }
    }
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        bool rows = item->probe == PROBE_COMPOSE_IMAGES || item->probe == PROBE_COMPOSE_DRIFT;
        const struct item *due = step->action == ACTION_RESTORE_CODE ? declared->snapshot
                                                                     : declared->last;
        if (rows && reading_list(item) != NULL && due != NULL
            && !has_services(item->listing, due->output))
            finding_violated(finding, "P-29", entry,
                             "`%.*s` has other services than the file declares",
                             SLICE_ARGUMENTS(item->probe_name));
    }
}

static bool has_address(struct slice images, struct slice address)
{
    struct slice line;
    while (slice_line(&images, &line)) {
        CLEANUP_TREE struct tree tree = {0};
        const struct node *digests = node_member(tree_object(line, &tree), "digests");
        for (const struct node *node = node_is(digests, NODE_ARRAY) ? digests->first : NULL;
             node != NULL; node = node->next)
            if (slice_equal(node->text, address))
                return true;
    }
    return false;
}

/* P-37 */
static void check_addresses(const struct entry *entry, struct finding *finding)
{
    struct slice images = slice_of(""), line;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->probe == PROBE_COMPOSE_IMAGES && item->status == 0)
            images = item->output;
        struct slice rest = item->probe == PROBE_COMPOSE_REGISTRY && item->status == 0
                                ? item->output
                                : slice_of("");
        while (slice_line(&rest, &line))
            if (!has_address(images, line))
                finding_violated(finding, "P-37", entry,
                                 "a registry is said to give %.*s, which is no address of a "
                                 "pulled image",
                                 SLICE_ARGUMENTS(line));
    }
}

/* P-34: one deployment, one project. */
static void check_projects(const struct deployment *deployment, struct finding *finding)
{
    const struct item *first = NULL;
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct entry *entry = deployment->steps[i].transition;
        for (size_t k = 0; step_is_good(&deployment->steps[i]) && k < entry->item_count; k++) {
            const struct item *item = &entry->items[k];
            if (item->probe != PROBE_COMPOSE_PROJECT)
                continue;
            if (first != NULL && !slice_equal(first->output, item->output))
                finding_violated(finding, "P-34", entry, "compose calls the project otherwise");
            first = item;
        }
    }
}

/* The last item of a step that did not succeed may be why: nobody could read it. */
static size_t readable_items(const struct deployment *deployment, const struct entry *entry)
{
    const struct step *step = deployment_step_of(deployment, entry);
    bool failed = step != NULL && step->transition == entry && !step_is_good(step);
    return failed && entry->item_count > 0 ? entry->item_count - 1 : entry->item_count;
}

void procedure_check_lists(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct declared declared = {.last = NULL};
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        check_forms(entry, readable_items(deployment, entry), finding);
        check_addresses(entry, finding);
    }
    procedure_check_changes(audit, finding);
    procedure_check_configurations(audit, finding);
    check_projects(deployment, finding);
    for (size_t i = 0; i < deployment->step_count; i++)
        if (step_is_good(&deployment->steps[i]))
            check_services(&deployment->steps[i], &declared, finding);
}
