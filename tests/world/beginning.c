#include "tests/world/beginning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/checkpoint.h"
#include "tests/world/moment.h"

enum { REACHED_MAX = 32 };

static struct reached {
    struct beginning beginning;
    struct scripted *world;
    struct checkpoint *checkpoint;
} reached[REACHED_MAX];
static size_t reached_count;
static struct arena texts;

static bool is_same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

static bool is_same_choice(const struct person_choice *one, const struct person_choice *other)
{
    return one->window_ms == other->window_ms && one->interval_ms == other->interval_ms
           && one->rollback_ms == other->rollback_ms && one->approvals == other->approvals
           && one->unarmed == other->unarmed && one->container == other->container
           && one->store == other->store && one->by_manifest == other->by_manifest
           && one->builds_web == other->builds_web && one->unnamed == other->unnamed
           && is_same_text(one->order, other->order) && is_same_text(one->files, other->files)
           && is_same_text(one->policy_files, other->policy_files);
}

/* The faults of the release may differ: they show only later. */
static bool is_same(const struct beginning *left, const struct beginning *right)
{
    return is_same_choice(&left->choice, &right->choice) && left->seed == right->seed
           && left->state == right->state && is_same_text(left->begin, right->begin)
           && is_same_text(left->go, right->go)
           && is_same_text(left->release.subject, right->release.subject)
           && is_same_text(left->release.policy, right->release.policy)
           && is_same_text(left->release.project, right->release.project);
}

static void give_up(const struct beginning *beginning, const char *what)
{
    (void)fprintf(stderr, "%s: %s\n%s", beginning->begin, what, person_said());
    abort();
}

static void go_to(struct scripted *world, const struct beginning *beginning)
{
    char word[64];
    struct moment moment = {.word = word};
    (void)snprintf(word, sizeof word, "\"to\":\"%s\"", machine_state_name(beginning->state));
    moment_set(world, &moment);
    (void)person_runs(world, beginning->go);
    moment_clear(world);
    if (!moment.happened)
        give_up(beginning, "it goes another way");
}

static struct reached reach(const struct beginning *beginning)
{
    const struct titan_release good = {.subject = beginning->release.subject,
                                       .policy = beginning->release.policy,
                                       .project = beginning->release.project};
    struct scripted *world = person_begins(beginning->seed, &beginning->choice);
    titan_publish(&world->titan, &good);
    if (person_runs(world, beginning->begin) != 0)
        give_up(beginning, "it cannot be begun");
    if (beginning->state != STATE_INVALID)
        go_to(world, beginning);
    struct reached made = {.beginning = *beginning,
                           .world = world,
                           .checkpoint = checkpoint_take(world)};
    made.beginning.begin = arena_copy(&texts, beginning->begin, strlen(beginning->begin));
    return made;
}

struct scripted *beginning_of(const struct beginning *beginning)
{
    size_t i = 0;
    while (i < reached_count && !is_same(&reached[i].beginning, beginning))
        i++;
    if (i == REACHED_MAX)
        give_up(beginning, "there are too many beginnings");
    if (i == reached_count)
        reached[reached_count++] = reach(beginning);
    else
        checkpoint_return(reached[i].checkpoint);
    titan_spoil(&reached[i].world->titan, &beginning->release);
    return reached[i].world;
}

int beginning_close_all(void **state)
{
    (void)state;
    while (reached_count > 0) {
        struct reached *last = &reached[--reached_count];
        checkpoint_free(last->checkpoint);
        scripted_close(last->world);
    }
    arena_free(&texts);
    return 0;
}
