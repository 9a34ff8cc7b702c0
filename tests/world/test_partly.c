/* Goal: a rollback restores what it can: one service that cannot be brought back, or a voice that
 * does not answer, keeps no other from coming back. The end is rollback_failed with a list of both,
 * Execution is disarmed, and `rollback` goes on from there once it is mended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/moment.h"
#include "tests/world/person.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET
#define BACK "rollback --reason mended --confirm " PERSON_TARGET

enum { SERVICES = 3, IS_ROLLED_BACK = 10, IS_ROLLBACK_FAILED = 12 };
static const struct person_choice choice = {.window_ms = 1000,
                                            .interval_ms = 500,
                                            .rollback_ms = 60000};
static const char *const services[SERVICES] = {"titan-execution", "titan-brain", "web"};

/* What is wrong with the image of which service, from which moment on. */
static struct {
    unsigned service, fault;
    const char *word, *listed;
} cases[] = {
    {2, FAULT_NO_UP, "\"to\":\"rolling_back\"", "not restored: web"},
    {1, FAULT_NO_UP, "\"to\":\"safe\"", "not restored: titan-brain"},
    {2, FAULT_EXITS, "\"to\":\"reverted\"", "not restored: web"},
    {1, FAULT_EXITS, "\"to\":\"rolling_back\"", "not restored: titan-brain"},
    {0, FAULT_NO_RESPONDER, "\"to\":\"safe\"", "not restored: no service"},
    {1, FAULT_NO_HANDSHAKE, "\"to\":\"safe\"", "not restored: no service"},
};
static unsigned now;

static void spoil(struct scripted *world)
{
    world->titan.images[cases[now].service].faults |= cases[now].fault;
}

static void insist_here(bool held, const char *what)
{
    if (!held)
        fail_msg("case %u: %s\n%s", now, what, person_said());
}

static bool runs_its_image(struct scripted *world, unsigned service)
{
    const struct titan_container *container = titan_running(&world->titan, services[service]);
    return container != NULL && container->image == &world->titan.images[service];
}

static void try_case(void)
{
    struct moment moment = {.word = cases[now].word, .act = spoil};
    struct scripted *world = person_begins(63, &choice);
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "bad", .web_faults = FAULT_UNHEALTHY});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    moment_set(world, &moment);
    int status = person_runs(world, GO);
    moment_clear(world);
    insist_here(moment.happened && status == IS_ROLLBACK_FAILED, "it says that it failed");
    insist_here(strstr(person_said(), cases[now].listed) != NULL, cases[now].listed);
    for (unsigned i = 0; i < SERVICES; i++)
        insist_here(runs_its_image(world, i)
                        || (i == cases[now].service && cases[now].fault != FAULT_NO_RESPONDER),
                    services[i]);
    const struct titan_container *execution = titan_running(&world->titan, services[0]);
    insist_here(execution == NULL || !execution->armed, "Execution is disarmed");
    world->titan.images[cases[now].service].faults &= ~cases[now].fault;
    if (cases[now].fault == FAULT_NO_HANDSHAKE || cases[now].fault == FAULT_NO_RESPONDER)
        titan_restart(&world->titan, titan_running(&world->titan, services[cases[now].service]));
    status = person_runs(world, BACK);
    insist_here(status == IS_ROLLED_BACK, "it goes on from there");
    for (unsigned i = 0; i < SERVICES; i++)
        insist_here(runs_its_image(world, i), services[i]);
    insist_here(!titan_running(&world->titan, services[0])->armed, "and stays disarmed");
    scripted_close(world);
}

static void what_can_be_restored_is(void **state)
{
    (void)state;
    for (now = 0; now < sizeof cases / sizeof cases[0]; now++)
        try_case();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(what_can_be_restored_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
