#include "tests/world/ending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/beginning.h"
#include "tests/world/verdict.h"

static const char GO[] = "run --rearm yes --confirm " PERSON_TARGET;
static const char RESUME[] = "resume --rearm yes --confirm " PERSON_TARGET;

static int drive(const struct ending *ending, struct scripted *world)
{
    struct moment moment = {.word = ending->word, .nth = ending->nth, .act = ending->act};
    if (ending->word != NULL)
        moment_set(world, &moment);
    const char *go = ending->at == STATE_INVALID ? GO : RESUME;
    int status = person_runs(world, ending->go != NULL ? ending->go : go);
    if (ending->word != NULL && !moment.happened)
        fail_msg("%s: its moment does not come\n%s", ending->name, person_said());
    moment_clear(world);
    if (ending->away_ms == 0)
        return status;
    timeline_move(&world->timeline, world->timeline.now_ns + ending->away_ms * 1000000);
    return person_runs(world, ending->then != NULL ? ending->then : RESUME);
}

static void check_end(const struct ending *ending, struct scripted *world, int status)
{
    struct story story = story_read(world);
    char *report = NULL;
    if (ending->from != STATE_INVALID && story.edges[ending->from][ending->event] != ending->to)
        fail_msg("%s: no %s from %s; %s\n%s", ending->name, machine_event_name(ending->event),
                 machine_state_name(ending->from), machine_state_name(story.state), person_said());
    if (story.state != ending->end || status != ending->status)
        fail_msg("%s: ends in %s with %d\n%s", ending->name, machine_state_name(story.state),
                 status, person_said());
    if (ending->reason != NULL && strstr(person_said(), ending->reason) == NULL)
        fail_msg("%s: it is not said that \"%s\"\n%s", ending->name, ending->reason, person_said());
    int verdict = verdict_of(world, &ending->choice, &report);
    if (verdict != (int)ending->verdict)
        fail_msg("%s: the verdict is %d\n%s\n%s", ending->name, verdict, report, person_said());
    free(report);
}

/* What is arranged is so from before the deployment: then none of its way can be shared. */
static struct scripted *begin_ending(const struct ending *ending, const char *begin)
{
    struct beginning beginning = {.seed = 31,
                                  .choice = ending->choice,
                                  .release = ending->release,
                                  .begin = begin,
                                  .go = GO,
                                  .state = ending->at};
    if (ending->arrange == NULL)
        return beginning_of(&beginning);
    struct scripted *world = person_begins(beginning.seed, &ending->choice);
    titan_publish(&world->titan, &ending->release);
    ending->arrange(world);
    if (person_runs(world, begin) != 0)
        fail_msg("%s: %s", ending->name, person_said());
    return world;
}

void ending_check(const struct ending *ending)
{
    char begin[256];
    (void)snprintf(begin, sizeof begin, "begin %s --reason test%s%s",
                   ending->policy ? "policy" : "release", ending->begin != NULL ? " " : "",
                   ending->begin != NULL ? ending->begin : "");
    struct scripted *world = begin_ending(ending, begin);
    check_end(ending, world, drive(ending, world));
    if (ending->arrange != NULL)
        scripted_close(world);
}

void ending_dirty_tree(struct scripted *world)
{
    (void)files_put(&world->titan.files, TITAN_DIRECTORY "/VERSION", 0644, "edited", 6);
}

void ending_clean_tree(struct scripted *world)
{
    const char *text = world->titan.head->tracked[0].text;
    (void)files_put(&world->titan.files, TITAN_DIRECTORY "/VERSION", 0644, text, strlen(text));
}

static struct titan_image *image_of(struct scripted *world, const char *service)
{
    const struct titan_container *container = titan_running(&world->titan, service);
    for (size_t i = 0; container != NULL && i < world->titan.image_count; i++)
        if (&world->titan.images[i] == container->image)
            return &world->titan.images[i];
    abort();
}

void ending_sick_web(struct scripted *world)
{
    image_of(world, "web")->faults |= FAULT_UNHEALTHY;
}

void ending_restart_web(struct scripted *world)
{
    titan_restart(&world->titan, titan_running(&world->titan, "web"));
}

void ending_other_container(struct scripted *world)
{
    struct titan *titan = &world->titan;
    struct titan_container *old = titan_running(titan, "web");
    struct titan_container *made = titan_create(titan, old->project, old->service, old->name,
                                                old->image, old->hash);
    old->there = old->running = false;
    titan_start(titan, made);
}

void ending_stranger_disarms(struct scripted *world)
{
    titan_receive(&world->titan, false, "a stranger", strlen("a stranger"));
}

void ending_silent_responder(struct scripted *world)
{
    titan_running(&world->titan, "titan-execution")->answers = false;
}

void ending_mend(struct scripted *world)
{
    world->titan.broken = NULL;
    world->titan.git_down = world->titan.docker_down = world->titan.bus_down = false;
}
