/* One screen of what will change, as text and as an event. */
#include "fsm/terminal/changes.h"

#include <string.h>

#include "fsm/record.h"

static const char *fate_name(enum fate fate)
{
    switch (fate) {
    case FATE_LEFT:
        return "left alone";
    case FATE_RECREATED:
        return "re-created";
    case FATE_STARTED:
        return "started";
    case FATE_REMOVED:
        return "removed";
    case FATE_UNKNOWN:
        return "unknown";
    case FATE_INVALID:
        break;
    }
    return "";
}

static void print_foreign(FILE *stream, const char *text)
{
    bytes_print_escaped(stream, text, strlen(text));
}

/* The next line of *at, without its newline; false at the end. */
static bool next_change_line(const char **at, const char **ret_line, size_t *ret_length)
{
    if (*at == NULL || **at == '\0')
        return false;
    *ret_line = *at;
    *ret_length = strcspn(*at, "\n");
    *at += *ret_length + ((*at)[*ret_length] == '\n' ? 1 : 0);
    return true;
}

static void print_commits(FILE *stream, const struct changes *changes)
{
    const char *at = (const char *)changes->subjects.data, *line;
    size_t length, count = 0;
    fprintf(stream, "  commits   %.12s -> %.12s%s\n", changes->before, changes->after,
            strcmp(changes->before, changes->after) == 0 ? ", the same" : "");
    for (; next_change_line(&at, &line, &length); count++) {
        if (count == CHANGES_SUBJECTS_MAX) {
            fputs("              and older ones\n", stream);
            return;
        }
        fputs("              ", stream);
        bytes_print_escaped(stream, line, length);
        fputc('\n', stream);
    }
}

static void print_images(FILE *stream, const struct changes *changes)
{
    const char *label = "images";
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->list[i];
        if (change->after[0] == '\0' || strcmp(change->before, change->after) == 0)
            continue;
        fprintf(stream, "  %-9s ", label);
        print_foreign(stream, change->name);
        fprintf(stream, "  %.19s -> %.19s\n", change->before[0] != '\0' ? change->before : "none",
                change->after);
        label = "";
    }
    if (label[0] != '\0')
        fprintf(stream, "  %-9s unchanged\n", label);
}

static void print_services(FILE *stream, const struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        fprintf(stream, "  %-9s ", i == 0 ? "services" : "");
        print_foreign(stream, changes->list[i].service);
        fprintf(stream, ": %s (%s)\n", fate_name(changes->list[i].fate), changes->list[i].why);
    }
}

static void print_policy(FILE *stream, const struct changes *changes)
{
    const char *before = changes->policy_before[0] != '\0' ? changes->policy_before : "unknown";
    if (!changes->has_policy)
        return;
    if (changes->procedure == PROCEDURE_RELEASE && changes->policy_after[0] == '\0')
        fputs("  policy    nobody names one before: afterwards all must name the same\n", stream);
    else if (changes->procedure == PROCEDURE_RELEASE && changes->policy_before[0] == '\0')
        fprintf(stream, "  policy    nobody names one before: afterwards all must name %s\n",
                changes->policy_after);
    else if (changes->procedure == PROCEDURE_RELEASE)
        fprintf(stream, "  policy    %s, which a release must keep\n", before);
    else
        fprintf(stream, "  policy    before %s\n            after  %s%s\n", before,
                changes->policy_after[0] != '\0'
                    ? changes->policy_after
                    : "unknown until Execution prints it (no --expect was given)",
                changes->policy_file ? "" : "; the policy file of the repository did not change");
}

/* One difference a line; "; " joined them. */
static void print_differences(FILE *stream, const char *label, const char *text)
{
    for (const char *at = text; at != NULL;) {
        const char *end = strstr(at, "; ");
        fprintf(stream, "  %-9s ", label);
        bytes_print_escaped(stream, at, end != NULL ? (size_t)(end - at) : strlen(at));
        fputc('\n', stream);
        at = end != NULL ? end + 2 : NULL;
        label = "";
    }
}

void changes_print(FILE *stream, const struct changes *changes)
{
    fputs("What will change on ", stream);
    print_foreign(stream, changes->target);
    fprintf(stream, ", %s %llu:\n", machine_procedure_name(changes->procedure),
            (unsigned long long)changes->deployment);
    print_commits(stream, changes);
    print_images(stream, changes);
    print_services(stream, changes);
    print_policy(stream, changes);
    print_differences(stream, "drift",
                      changes->drift[0] != '\0' ? changes->drift : "none before this deployment");
    if (changes->health[0] != '\0') {
        fputs("  health    not healthy before, and not asked of a rollback: ", stream);
        print_foreign(stream, changes->health);
        fputc('\n', stream);
    }
    if (changes->missing[0] != '\0') {
        fputs("  missing   before, and not asked of a rollback: ", stream);
        print_foreign(stream, changes->missing);
        fputc('\n', stream);
    }
    if (changes->partial[0] != '\0') {
        fputs("  partial   a rollback does not undo what these do: ", stream);
        print_foreign(stream, changes->partial);
        fputc('\n', stream);
    }
    if (changes->env[0] != '\0')
        print_differences(stream, "env file", changes->env);
    if (changes->differs[0] != '\0')
        print_differences(stream, "NOT AS RECORDED", changes->differs);
}

static json_t *escaped_json(const char *text)
{
    char clean[1200];
    record_text(text, clean, sizeof clean);
    return json_string(clean);
}

json_t *changes_json(const struct changes *changes)
{
    json_t *subjects = json_array(), *services = json_array();
    const char *at = (const char *)changes->subjects.data, *line;
    size_t length;
    for (size_t count = 0; next_change_line(&at, &line, &length) && count < CHANGES_SUBJECTS_MAX;
         count++) {
        char subject[300];
        (void)snprintf(subject, sizeof subject, "%.*s", (int)length, line);
        (void)json_array_append_new(subjects, escaped_json(subject));
    }
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->list[i];
        (void)json_array_append_new(services,
                                    json_pack("{s:o, s:s, s:s, s:o, s:s, s:s}", "service",
                                              escaped_json(change->service), "fate",
                                              fate_name(change->fate), "why", change->why, "image",
                                              escaped_json(change->name), "before", change->before,
                                              "after", change->after));
    }
    return json_pack(
        "{s:s, s:s, s:I, s:s, s:{s:s, s:s, s:o}, s:o, s:{s:s, s:s, s:b}, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "event", "change", "target", changes->target, "deployment", (json_int_t)changes->deployment,
        "procedure", machine_procedure_name(changes->procedure), "commits", "before",
        changes->before, "after", changes->after, "subjects", subjects, "services", services,
        "policy", "before", changes->policy_before, "after", changes->policy_after, "file_changed",
        changes->policy_file, "drift", escaped_json(changes->drift), "health",
        escaped_json(changes->health), "missing", escaped_json(changes->missing), "partial",
        escaped_json(changes->partial), "env", escaped_json(changes->env), "differs",
        escaped_json(changes->differs));
}
