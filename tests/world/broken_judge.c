#include "tests/world/broken_judge.h"

#include <string.h>

#include "fsm/exit_status.h"
#include "tests/world/broken.h"

static const char *const services[JUDGE_SERVICES] = {"titan-execution", "titan-brain", "web"};
static const char ENV_PATH[] = TITAN_DIRECTORY "/" TITAN_ENV_FILE;

void judge_remember(struct scripted *world, struct judge_before *ret_before)
{
    struct titan *titan = &world->titan;
    const struct file *env = files_find(&titan->files, ENV_PATH);
    *ret_before = (struct judge_before){.installed = titan->head,
                                        .armed = judge_is_armed(world),
                                        .env = {.data = (void *)env->content.data,
                                                .size = env->content.size}};
    for (size_t i = 0; i < JUDGE_SERVICES; i++) {
        ret_before->containers[i] = titan_running(titan, services[i]);
        ret_before->images[i] = ret_before->containers[i]->image;
    }
}

bool judge_is_armed(const struct scripted *world)
{
    const struct titan *titan = &world->titan;
    for (size_t i = 0; i < titan->container_count; i++)
        if (titan->containers[i].there && titan->containers[i].running && titan->containers[i].armed
            && strcmp(titan->containers[i].service, services[0]) == 0)
            return true;
    return false;
}

static bool has_entry(const struct scripted *world, const char *text)
{
    const struct scripted_store *stored = &world->stored;
    for (size_t i = 0; i < stored->entry_count; i++)
        if (memmem(stored->entries[i].value.data, stored->entries[i].value.size, text, strlen(text))
            != NULL)
            return true;
    return false;
}

static const char *wrong_files(const struct judge_end *end, const struct titan_commit *commit)
{
    const struct titan *titan = &end->world->titan;
    const struct file *env = files_find(&titan->files, ENV_PATH);
    if (titan->head != commit)
        return "the tree is at another commit";
    if (env == NULL || env->content.size != end->before->env.size
        || memcmp(env->content.data, end->before->env.data, env->content.size) != 0)
        return "the env file is another";
    return NULL;
}

static unsigned running(const struct titan *titan, const char *service)
{
    unsigned count = 0;
    for (size_t i = 0; i < titan->container_count; i++)
        count += titan->containers[i].there && titan->containers[i].running
                 && strcmp(titan->containers[i].service, service) == 0;
    return count;
}

static const char *wrong_stack(const struct judge_end *end, bool published)
{
    static const char *const tags[JUDGE_SERVICES] = {"registry.test/execution:latest",
                                                     "registry.test/brain:latest",
                                                     "registry.test/web:latest"};
    struct titan *titan = &end->world->titan;
    for (size_t i = 0; i < JUDGE_SERVICES; i++) {
        const struct titan_image *image = published ? titan_tag(titan, tags[i])->there
                                                    : end->before->images[i];
        if (running(titan, services[i]) != 1)
            return "a service has not one container";
        if (titan_running(titan, services[i])->image != image)
            return "a service runs from another image";
    }
    return NULL;
}

/* Nothing that runs was touched. A policy change that was about to disarm may have done so. */
static const char *wrong_untouched(const struct judge_end *end)
{
    for (size_t i = 0; i < JUDGE_SERVICES; i++)
        if (titan_running(&end->world->titan, services[i]) != end->before->containers[i])
            return "PREPARING: a container is another one";
    bool armed = judge_is_armed(end->world),
         disarms = has_entry(end->world, "\"action\":\"disarm\"")
                   || has_entry(end->world, "\"command\":\"disarm\"");
    if (armed != end->before->armed && (armed || !disarms))
        return "PREPARING: the interlock is not as it was found";
    return NULL;
}

/* A line about Execution that has one of the words. */
static bool says(const char *said, const char *of, const char *const words[])
{
    for (const char *line = said; *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        if (memmem(line, length, of, strlen(of)) != NULL)
            for (size_t i = 0; words[i] != NULL; i++)
                if (memmem(line, length, words[i], strlen(words[i])) != NULL)
                    return true;
        line += length + (end != NULL);
    }
    return false;
}

static const char *const unsafe_words[] = {"NOT ", "unknown", "neither disarmed", "is armed", NULL},
                         *const disarmed_words[] = {"disarmed", NULL},
                         *const safe_words[] = {"seen disarmed",
                                                "is disarmed",
                                                "disarmed now",
                                                "removed",
                                                "no Execution",
                                                "is gone",
                                                NULL};

bool judge_says_disarmed(const char *said)
{
    return strstr(said, "DISARM was sent") != NULL;
}

static const char *wrong_completed(const struct judge_end *end)
{
    const char *wrong = wrong_stack(end, true);
    bool armed = judge_is_armed(end->world);
    if (wrong == NULL && armed && !end->before->armed)
        wrong = "completed with an Execution that was not armed before";
    if (wrong == NULL && !armed && end->before->armed && !end->disarmed
        && !says(end->said, "Execution", disarmed_words))
        wrong = "completed, and it is not said that Execution is disarmed";
    return wrong != NULL ? wrong : wrong_files(end, end->world->titan.origin);
}

static const char *wrong_rolled_back(const struct judge_end *end)
{
    if (judge_is_armed(end->world))
        return "rolled back, and Execution is armed";
    const char *wrong = wrong_stack(end, false);
    return wrong != NULL ? wrong : wrong_files(end, end->before->installed);
}

static const char *wrong_aborted(const struct judge_end *end)
{
    const char *wrong = wrong_untouched(end);
    return wrong != NULL ? wrong : wrong_files(end, end->before->installed);
}

static bool is_urgent(int status)
{
    return status == EXIT_ROLLBACK_FAILED || status == EXIT_JOURNAL_WRITE
           || status == EXIT_UNREACHABLE;
}

/* From the intent to switch on, services may have changed. */
static bool is_switching(const struct judge_end *end)
{
    return end->state == STATE_GUARDED && has_entry(end->world, "\"action\":\"switch_services\"");
}

/* Not at an end, and nobody watches. */
static const char *wrong_left(const struct judge_end *end)
{
    bool armed = judge_is_armed(end->world), said = says(end->said, "Execution", unsafe_words);
    if (armed && !said)
        return "UNSAFE: armed and unwatched, and it is not said";
    if (armed && !is_urgent(end->status))
        return "armed and unwatched with a status that is not urgent";
    if ((machine_is_hot(end->state) || is_switching(end)) && !is_urgent(end->status)
        && !says(end->said, "Execution", safe_words))
        return "the engine left a hot state, and it is not said that Execution is safe";
    return NULL;
}

const char *judge_problem(const struct judge_end *end)
{
    enum phase phase = is_switching(end) ? PHASE_CHANGED : machine_phase(end->state);
    if (strstr(end->said, "and Execution is seen disarmed") != NULL && judge_is_armed(end->world))
        return "LIE: said to be seen disarmed, and it is armed";
    switch (phase) {
    case PHASE_INVALID:
    case PHASE_PREPARING:
        return wrong_untouched(end);
    case PHASE_CHANGED:
    case PHASE_STUCK:
        return wrong_left(end);
    case PHASE_REVERTING:
        return end->state == STATE_ABORTING ? wrong_untouched(end) : wrong_left(end);
    case PHASE_ENDED:
        return end->state == STATE_COMPLETED     ? wrong_completed(end)
               : end->state == STATE_ROLLED_BACK ? wrong_rolled_back(end)
                                                 : wrong_aborted(end);
    }
    return NULL;
}
