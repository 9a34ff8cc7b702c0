#include "tests/world/person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/commands/command.h"
#include "fsm/commands/command_line.h"
#include "fsm/driver.h"
#include "fsm/machine.h"
#include "journal/format/names.h"
#include "journal/format/sshsig.h"

enum { WORDS_MAX = 24, SAID_MAX = 1 << 20 };

static char *said;

int person_window_ms(const struct person_choice *choice)
{
    return choice->window_ms > 0 ? choice->window_ms : 10000;
}

int person_interval_ms(const struct person_choice *choice)
{
    return choice->interval_ms > 0 ? choice->interval_ms : 5000;
}

int person_rollback_ms(const struct person_choice *choice)
{
    return choice->rollback_ms > 0 ? choice->rollback_ms : 300000;
}

static void write_config(struct scripted *scripted, const struct person_choice *choice)
{
    static const char http[] = "  brain: {url: \"http://service:titan-brain:3100/health\"}\n"
                               "  web: {url: \"http://127.0.0.1:8080/health\", service: web}\n";
    static const char inside[] = "  brain: {service: titan-brain, exec: \"check me\"}\n"
                                 "  web: {service: web}\n";
    struct grow text = {.arena = &scripted->arena};
    char key[SSH_PUBLIC_KEY_TEXT_MAX], line[SSH_PUBLIC_KEY_TEXT_MAX + 128],
        approver[SSH_PUBLIC_KEY_TEXT_MAX + 128];
    ssh_public_key_text(scripted->approver_public, key);
    (void)snprintf(approver, sizeof approver, "\"bob@example namespaces=\\\"%s\\\" %s\"",
                   SSHSIG_NAMESPACE_APPROVAL, key);
    ssh_public_key_text(scripted->agent_public, key);
    (void)snprintf(line, sizeof line, "alice@example namespaces=\\\"%s,%s\\\" %s",
                   SSHSIG_NAMESPACE_JOURNAL, SSHSIG_NAMESPACE_APPROVAL, key);
    grow_format(&text,
                "version: 1\njournal: journal\n"
                "target: {name: " PERSON_TARGET ", local: true, directory: " TITAN_DIRECTORY "}\n"
                "operator: {principal: alice@example, agent: \"%s\"}\n"
                "roster:\n  operators: [\"%s\"]\n  approvers: [%s]\n  administrators: [\"%s\"]\n"
                "approvals: {policy: %d, release: 0}\n",
                key, line, choice->approvals > 0 ? approver : "", line, choice->approvals);
    grow_format(&text, "compose: {command: docker-compose%s%s%s%s%s}\n",
                choice->unnamed ? "" : ", project: titan", choice->order != NULL ? ", order: " : "",
                choice->order != NULL ? choice->order : "",
                choice->files != NULL ? ", files: " : "",
                choice->files != NULL ? choice->files : "");
    grow_format(&text, "repository: {policy_files: [%s]}\n",
                choice->policy_files != NULL ? choice->policy_files : TITAN_POLICY_FILE);
    grow_text(&text, "bus: {host: 127.0.0.1, port: 4222, reply_ms: 40}\n"
                     "services:\n  execution: titan-execution\n  brain: titan-brain\n"
                     "  marker: /app/execution.armed\n  settle_ms: 6000\n"
                     "  patterns: {errors: [\"panic\"]}\n"
                     "endpoints:\n"
                     "  execution: {url: \"http://service:titan-execution:3002/health\"}\n");
    grow_text(&text, choice->container ? inside : http);
    grow_format(&text,
                "checklist: own\npreflight:\n"
                "  tree_clean: {probe: tree_clean, advice: commit the changes}\n"
                "verify: {script: ./verify.sh}\n"
                "guard: {start: %s}\n"
                "limits: {window_ms: %d, sample_interval_ms: %d, sample_gap_ms: 10000, "
                "rollback_ms: %d}\n",
                choice->unguarded ? "none" : "auto", person_window_ms(choice),
                person_interval_ms(choice), person_rollback_ms(choice));
    (void)files_put(&scripted->disk, "/home/alice/titan.yml", 0600, text.data, text.size);
}

/* As main() does it, with both outputs in memory. */
static int run_words(struct scripted *scripted, int count, char **words)
{
    const struct command *command = command_by_name(words[0]);
    struct command_line line;
    struct error error = {0};
    enum exit_status status = EXIT_INTERNAL;
    if (command == NULL)
        abort();
    enum error_code code = command_line_read(command, &scripted->world, count, words, &line,
                                             &error);
    line.driver = calloc(1, sizeof *line.driver);
    if (line.driver == NULL)
        abort();
    if (code == ERROR_OK)
        code = command->run(&line, &status, &error);
    driver_close(line.driver);
    free(line.driver);
    if (code == ERROR_OK)
        return (int)status;
    error_print(stderr, "titan-fsm", &error);
    return (int)exit_status_of(code);
}

int person_runs(struct scripted *scripted, const char *line)
{
    static char config[] = "--config", path[] = "/home/alice/titan.yml";
    struct arena arena = {0};
    char *words[WORDS_MAX], *copy = arena_copy(&arena, line, strlen(line)), *rest = NULL;
    int count = 0;
    size_t size = 0;
    char *text = NULL; /* one command may run within another */
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    words[count++] = config;
    words[count++] = path;
    words[count] = NULL;
    FILE *out = stdout, *errors = stderr, *memory = open_memstream(&text, &size);
    if (memory == NULL || count + 1 >= WORDS_MAX)
        abort();
    stdout = stderr = memory;
    int status = run_words(scripted, count, words);
    stdout = out;
    stderr = errors;
    (void)fclose(memory);
    free(said);
    said = text;
    arena_free(&arena);
    return status;
}

const char *person_said(void)
{
    return said != NULL ? said : "";
}

struct scripted *person_begins(uint64_t seed, const struct person_choice *choice)
{
    struct scripted *scripted = scripted_open(seed);
    scripted->titan.store = choice->store;
    scripted->titan.by_manifest = choice->by_manifest;
    scripted->titan.builds_web = choice->builds_web;
    titan_install(&scripted->titan, !choice->unarmed);
    write_config(scripted, choice);
    if (person_runs(scripted, "init") != 0) {
        (void)fprintf(stderr, "init: %s\n", person_said());
        abort();
    }
    return scripted;
}

struct scripted *person_begins_release(uint64_t seed, const struct person_choice *choice, bool sick)
{
    struct scripted *scripted = person_begins(seed, choice);
    titan_publish(&scripted->titan,
                  &(struct titan_release){.subject = "two",
                                          .web_faults = sick ? FAULT_UNHEALTHY : 0});
    if (person_runs(scripted, "begin release --reason test") != 0) {
        (void)fprintf(stderr, "begin: %s\n", person_said());
        abort();
    }
    files_make_directory(&scripted->titan.files, PERSON_STATE);
    return scripted;
}

const char *person_state(struct scripted *scripted)
{
    static char state[64];
    char type[64];
    const struct scripted_store *stored = &scripted->stored;
    for (size_t i = stored->entry_count; i-- > 0;) {
        if (!scripted_word(&stored->entries[i], "type", type))
            abort();
        if (strcmp(type, ENTRY_OPEN) == 0)
            return machine_state_name(STATE_OPENED);
        if (strcmp(type, ENTRY_TRANSITION) == 0 && scripted_word(&stored->entries[i], "to", state))
            return state;
    }
    return "";
}
