/* What ran before, after the change and after a restoration, side by side: commit, branch,
 * configuration, policy hash, each service's image. */
#include <string.h>

#include "verify/page/markup.h"
#include "verify/page/page.h"

enum { COLUMNS = 3, VALUE_BYTES = 96, SERVICES_MAX = 64 };

/* One snapshot: lines and containers may come from different entries; either may be NULL. */
struct column {
    const char *name;
    const struct entry *entry; /* git.head, HMACs, containers */
    const struct entry
        *branch; /* git.branch: a rollback's is looked at when the code is reverted */
    const struct entry *policy;       /* replies of the responder */
    const struct listing *containers; /* NULL: none that can be read */
};

static bool changes(enum action action)
{
    return action == ACTION_SWITCH_SERVICES || action == ACTION_DEPLOY_EXECUTION
           || action == ACTION_DEPLOY_BRAIN;
}

static bool verifies(enum action action)
{
    return action == ACTION_VERIFY_RELEASE || action == ACTION_VERIFY_EXECUTION
           || action == ACTION_VERIFY_PARITY;
}

/* The last of these steps that carries such evidence, whatever came of it: what failed is to be
 * seen too. */
static const struct entry *last_with(const struct deployment *deployment,
                                     bool (*is_one)(enum action action), enum probe probe)
{
    const struct entry *found = NULL;
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct entry *entry = deployment->steps[i].transition;
        if (is_one(deployment->steps[i].action)
            && entry_item(entry, 0, entry->item_count, probe, NULL) != NULL)
            found = entry;
    }
    return found;
}

static const struct entry *answered(const struct deployment *deployment, enum action action)
{
    const struct step *step = deployment_step(deployment, action);
    return step != NULL ? step->transition : NULL;
}

static void collect_columns(const struct page *page, struct column columns[COLUMNS])
{
    const struct deployment *deployment = &page->audit.deployment;
    const struct entry *before = answered(deployment, ACTION_CONNECT),
                       *verified = last_with(deployment, verifies, PROBE_BUS_POLICY_HASH);
    const struct entry *restored = answered(deployment, ACTION_VERIFY_RESTORED),
                       *aborted = answered(deployment, ACTION_RESTORE_CODE);
    const struct entry *changed = last_with(deployment, changes, PROBE_COMPOSE_CONTAINERS);
    columns[0] =
        (struct column){.name = "Before", .entry = before, .branch = before, .policy = before};
    columns[1] = (struct column){.name = "After the change",
                                 .entry = changed,
                                 .branch = changed,
                                 .policy = verified};
    columns[2] = (struct column){.name = "Restored",
                                 .entry = restored != NULL ? restored : aborted,
                                 .branch = answered(deployment, ACTION_REVERT),
                                 .policy = restored};
    for (size_t i = 0; i < COLUMNS; i++) {
        const struct entry *entry = columns[i].entry;
        columns[i].containers = entry != NULL ? reading_last_list(entry) : NULL;
    }
}

/* A row's cell; beside the value stands in a word how it compares with the first. */
static void write_cell(FILE *stream, const struct column *column, const char *value,
                       const char *first, bool compared)
{
    if (value[0] == '\0') {
        fputs(column->entry != NULL ? "<td>not recorded</td>" : "<td>none</td>", stream);
        return;
    }
    fputs("<td><code>", stream);
    markup_word(stream, value);
    fputs("</code>", stream);
    if (compared && first[0] != '\0')
        fputs(strcmp(value, first) == 0 ? " <span class=\"tag proven\">as before</span>"
                                        : " <span class=\"tag undecidable\">changed</span>",
              stream);
    fputs("</td>", stream);
}

static void identity_write_row(const struct page *page, const struct column columns[COLUMNS],
                               const char *name, char values[COLUMNS][VALUE_BYTES])
{
    fputs("<tr><th scope=\"row\">", page->stream);
    markup_word(page->stream, name);
    fputs("</th>", page->stream);
    for (size_t i = 0; i < COLUMNS; i++)
        write_cell(page->stream, &columns[i], values[i], values[0], i > 0);
    fputs("</tr>\n", page->stream);
}

static void identity_write_line(const struct page *page, const struct column columns[COLUMNS],
                                const char *name, enum probe probe)
{
    char values[COLUMNS][VALUE_BYTES] = {"", "", ""};
    for (size_t i = 0; i < COLUMNS; i++) {
        const struct entry *entry = probe == PROBE_GIT_BRANCH ? columns[i].branch
                                                              : columns[i].entry;
        if (entry != NULL && !slice_copy(reading_line(entry, probe), values[i], VALUE_BYTES))
            (void)snprintf(values[i], VALUE_BYTES, "(too long for a %s: see the entry)", name);
    }
    identity_write_row(page, columns, name, values);
}

static void write_policy(const struct page *page, const struct column columns[COLUMNS])
{
    char values[COLUMNS][VALUE_BYTES] = {"", "", ""};
    for (size_t i = 0; i < COLUMNS; i++) {
        struct voices voices;
        if (columns[i].policy == NULL)
            continue;
        voices_read(&page->audit.deployment.hearing, &page->audit.genesis, columns[i].policy, 0,
                    columns[i].policy->item_count, VOICE_RESPONDER, &voices);
        (void)snprintf(values[i], VALUE_BYTES, "%s",
                       voices.parity == PARITY_EQUAL ? voices.hash : "unequal or missing");
    }
    identity_write_row(page, columns, "policy hash", values);
}

/* Each service that stands in any of the columns, once, in the order in which it is met. */
static void write_services(const struct page *page, const struct column columns[COLUMNS])
{
    const char *seen[SERVICES_MAX];
    size_t count = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        for (size_t k = 0; columns[c].containers != NULL && k < columns[c].containers->count
                           && count < SERVICES_MAX;
             k++) {
            const char *service = columns[c].containers->list[k].service;
            char name[VALUE_BYTES], values[COLUMNS][VALUE_BYTES] = {"", "", ""};
            bool known = false;
            for (size_t i = 0; i < count; i++)
                known = known || strcmp(seen[i], service) == 0;
            if (known)
                continue;
            seen[count++] = service;
            for (size_t i = 0; i < COLUMNS; i++) {
                const struct listed *container = columns[i].containers != NULL
                                                     ? reading_service(columns[i].containers,
                                                                       slice_of(service))
                                                     : NULL;
                if (columns[i].containers != NULL)
                    (void)snprintf(values[i], VALUE_BYTES, "%s%s%.8s",
                                   container != NULL ? container->image : "no container",
                                   container != NULL && strcmp(container->state, "running") != 0
                                       ? " "
                                       : "",
                                   container != NULL && strcmp(container->state, "running") != 0
                                       ? container->state
                                       : "");
            }
            (void)snprintf(name, sizeof name, "image of %s", service);
            identity_write_row(page, columns, name, values);
        }
    }
}

void page_identity(const struct page *page)
{
    struct column columns[COLUMNS];
    FILE *stream = page->stream;
    collect_columns(page, columns);
    fprintf(stream,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Identities of "
            "deployment %llu\"><table class=\"wide\">"
            "<caption>Read anew from the evidence. HMACs are under a key that stays on the "
            "target.</caption>\n<thead><tr><th scope=\"col\">What</th>",
            (unsigned long long)page->audit.deployment.number);
    for (size_t i = 0; i < COLUMNS; i++) {
        fprintf(stream, "<th scope=\"col\">%s", columns[i].name);
        if (columns[i].entry != NULL) {
            fputs(" (", stream);
            page_link(page, (uint64_t)columns[i].entry->seq);
            fputs(")", stream);
        } else {
            fputs(i == 0   ? " (the target was not reached)"
                  : i == 1 ? " (nothing was changed)"
                           : " (nothing was restored)",
                  stream);
        }
        fputs("</th>", stream);
    }
    fputs("</tr></thead>\n<tbody>\n", stream);
    identity_write_line(page, columns, "commit", PROBE_GIT_HEAD);
    identity_write_line(page, columns, "branch", PROBE_GIT_BRANCH);
    identity_write_line(page, columns, "configuration (HMAC)", PROBE_CONFIG_HMAC);
    identity_write_line(page, columns, "env file (HMAC)", PROBE_ENV_HMAC);
    if (page->audit.genesis.has_policy)
        write_policy(page, columns);
    write_services(page, columns);
    fputs("</tbody></table></div>\n", stream);
}
