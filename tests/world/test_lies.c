/* Goal: whatever the target prints never becomes a command there. A lying docker, compose or git
 * puts shell words into each name, id and path that it prints, from one state of a deployment on;
 * the lines that follow are run by the scripted shell, and none of those words runs.
 * usage: test_world_lies [STEP]
 * How:       a calm run collects what is printed: each word of it is a place for a lie. For each
 *            word, each lie and each state from which on it is told, a process runs the rest.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/target/target_backend.h"
#include "tests/world/person.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET
enum { WORDS_MAX = 2048, STEP = 1009, TOO_LONG_S = 300 };

/* Each makes this file, if a shell takes it for more than a word. */
#define MADE "/pwned"
static const char *const lies[] = {
    "';>/pwned;'",      "$(>/pwned)",       "`>/pwned`",       ";>/pwned;", "\n>/pwned\n",
    "\\n>/pwned\\n",    "\" ;>/pwned; \"",  "\\\" ;>/pwned; ", "|>/pwned|", "&>/pwned&",
    "'\"$(>/pwned)\"'", "x' ;>/pwned ;x='", "\\';>/pwned;'",   ")>/pwned(", "\n>/pwned #",
    "${x:=$(>/pwned)}", "\r\n>/pwned\r\n",  "'$(>/pwned)'",
};
enum { LIES = sizeof lies / sizeof lies[0] };

static const struct story_told {
    const char *name, *begin;
    struct titan_release release;
} stories[] = {
    {"release", "begin release --reason test", {.subject = "bad", .web_faults = FAULT_UNHEALTHY}},
    {"policy", "begin policy --reason test", {.subject = "two", .policy = "p2"}},
};
static const char *const from[] = {"", "connected", "guarded", "armed", "rolling_back"};

static struct {
    unsigned cases, told, problems;
} * total;

static char *words[WORDS_MAX]; /* of the calm run */
static size_t word_count;

static struct {
    struct scripted *world;
    const struct target_backend *backend;
    struct world_target target;
    const char *word, *lie, *from; /* word NULL = the calm run */
    unsigned shape;
    bool begun;
} lying;

static bool is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || strchr("._-/@+", byte) != NULL;
}

static void collect(const struct bytes *output)
{
    const char *text = (const char *)output->data;
    for (size_t at = 0; at < output->size;) {
        size_t length = 0;
        while (at + length < output->size && is_word_byte(text[at + length]))
            length++;
        bool known = length < 3 || length > 100 || word_count == WORDS_MAX;
        for (size_t i = 0; !known && i < word_count; i++)
            known = strlen(words[i]) == length && memcmp(words[i], text + at, length) == 0;
        if (!known)
            words[word_count++] = strndup(text + at, length);
        at += length + 1;
    }
}

/* A whole word, wherever it stands. */
static void tell_lie(struct bytes *output)
{
    struct bytes told = {0};
    struct error ignored;
    size_t length = strlen(lying.word), lie = strlen(lying.lie);
    const char *text = (const char *)output->data;
    bool good = true;
    for (size_t at = 0; good && at < output->size;) {
        bool here = at + length <= output->size && memcmp(text + at, lying.word, length) == 0
                    && (at == 0 || !is_word_byte(text[at - 1]))
                    && (at + length == output->size || !is_word_byte(text[at + length]));
        size_t size = here ? length : 1;
        if (here && lying.shape == 1)
            good = bytes_append(&told, lying.lie, lie, &ignored) == ERROR_OK;
        if (good && (!here || lying.shape != 2))
            good = bytes_append(&told, text + at, size, &ignored) == ERROR_OK;
        if (here && lying.shape != 1)
            good = bytes_append(&told, lying.lie, lie, &ignored) == ERROR_OK;
        __atomic_add_fetch(&total->told, here, __ATOMIC_RELAXED);
        at += size;
    }
    if (!good)
        abort();
    bytes_free(output);
    *output = told;
}

static enum error_code run(void *context, const struct raw_command *command,
                           struct raw_result *ret_result, struct error *error)
{
    enum error_code code = lying.backend->run(context, command, ret_result, error);
    if (code != ERROR_OK)
        return code;
    if (lying.word == NULL) {
        collect(&ret_result->output);
        return code;
    }
    lying.begun = lying.begun || lying.from[0] == '\0'
                  || strcmp(person_state(lying.world), lying.from) == 0;
    if (lying.begun && ret_result->output.size > 0)
        tell_lie(&ret_result->output);
    return code;
}

static enum error_code open_target(void *context, const struct setup_target *setup,
                                   const struct clock *clock,
                                   const struct target_backend **ret_backend, void **ret_handle,
                                   struct error *error)
{
    static struct target_backend backend;
    enum error_code code = lying.target.open(context, setup, clock, &lying.backend, ret_handle,
                                             error);
    if (code != ERROR_OK)
        return code;
    backend = *lying.backend;
    backend.run = run;
    *ret_backend = &backend;
    return code;
}

static struct scripted *begun(const struct story_told *story)
{
    static const struct person_choice choice = {.window_ms = 5000, .rollback_ms = 20000};
    struct scripted *world = person_begins(91, &choice);
    titan_publish(&world->titan, &story->release);
    if (person_runs(world, story->begin) != 0)
        abort();
    lying.world = world;
    lying.target = world->target;
    world->target.open = open_target;
    return world;
}

static void report_signal(int number)
{
    static const char text[] = "BAD: it ends by a signal, or does not end\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    (void)number;
    _exit(1);
}

static _Noreturn void try_lie(const struct story_told *story)
{
    (void)signal(SIGALRM, report_signal);
    (void)alarm(TOO_LONG_S);
    struct scripted *world = begun(story);
    static const char *const then[] = {GO, "resume --rearm yes --confirm " PERSON_TARGET,
                                       "rollback --reason test --confirm " PERSON_TARGET, "drift",
                                       "disarm --reason test"};
    for (size_t i = 0; i < sizeof then / sizeof then[0]; i++)
        (void)person_runs(world, then[i]);
    bool bad = files_find(&world->titan.files, MADE) != NULL;
    if (bad)
        (void)fprintf(stderr, "BAD %s: from \"%s\" on \"%s\" is %u \"%s\"\n", story->name,
                      lying.from, lying.word, lying.shape, lying.lie);
    _exit(bad ? 1 : 0);
}

static void try_aside(const struct story_told *story)
{
    int status;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        try_lie(story);
    total->cases++;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    total->problems++;
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "BAD %s: signal %d, from \"%s\" on \"%s\" is %u \"%s\"\n",
                      story->name, WTERMSIG(status), lying.from, lying.word, lying.shape,
                      lying.lie);
}

static void try_word(const struct story_told *story, const char *word, unsigned step)
{
    static unsigned turn;
    lying.word = word;
    for (size_t lie = 0; lie < LIES; lie++)
        for (size_t at = 0; at < sizeof from / sizeof from[0]; at++) {
            if (turn++ % step != 0)
                continue;
            lying.lie = lies[lie];
            lying.from = from[at];
            lying.shape = turn / step % 3; /* behind the word, in front of it, in its place */
            try_aside(story);
        }
    lying.word = NULL;
}

int main(int argc, char **argv)
{
    unsigned step = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : STEP;
    total = mmap(NULL, sizeof *total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (total == MAP_FAILED || step == 0)
        abort();
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        struct scripted *world = begun(&stories[i]);
        (void)person_runs(world, GO);
        scripted_close(world);
        for (size_t word = 0; word < word_count; word++)
            try_word(&stories[i], words[word], step);
        while (word_count > 0)
            free(words[--word_count]);
    }
    (void)printf("%u cases, %u lies told; %u problems\n", total->cases, total->told,
                 total->problems);
    return total->problems == 0 && total->told > total->cases ? 0 : 1;
}
