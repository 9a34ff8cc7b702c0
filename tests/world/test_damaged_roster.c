/* Goal: a roster that does not hold is said as that, with the number of its entry, by every command
 * that asks who may do what, and by the verifier: not as a fault of something else. Each damage of
 * the entry x each command. `disarm` disarms all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journal/format/sshsig.h"
#include "tests/world/person.h"
#include "tests/world/verdict.h"

enum { IS_DAMAGED = 18, BEHIND = 12 };
static const struct person_choice choice = {.window_ms = 30000};

/* An entry is its signature, then its text. */
static void damage_signature(struct bytes *value)
{
    value->data[5] ^= 0x10;
}

static void replace(struct bytes *value, const char *old, const char *new)
{
    uint8_t *at = memmem(value->data, value->size, old, strlen(old));
    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    memcpy(at, new, strlen(new));
}

static void damage_line(struct bytes *value)
{
    replace(value, "bob@example", "eve@example");
}

static void damage_key(struct bytes *value)
{
    replace(value, "ssh-ed25519", "ssh-ed25529");
}

static void damage_json(struct bytes *value)
{
    replace(value, "\"roster\":{", "\"roster\":[");
}

static void damage_list(struct bytes *value)
{
    replace(value, "\"operators\"", "\"operatorz\"");
}

static void cut(struct bytes *value)
{
    value->size /= 2;
}

static void empty(struct bytes *value)
{
    value->size = SIGNATURE_BYTES;
}

static const struct {
    const char *name;
    void (*harm)(struct bytes *value);
} damages[] = {{"its signature", damage_signature},
               {"a line of it", damage_line},
               {"a key of it", damage_key},
               {"its form", damage_json},
               {"a list of it", damage_list},
               {"its end", cut},
               {"all of it", empty}};

static const char *const idle[] = {"roster",
                                   "begin release --reason test",
                                   "arm --reason test",
                                   "roster remove approver bob@example --reason test",
                                   "settings --reason test",
                                   "export out.bundle"},
                         *const opened[] = {
                             "status", "run --confirm titan-test",        "advance",
                             "resume", "attest tree_clean --reason test", "takeover --reason test"};

static uint64_t roster_seq;

/* A roster in force that stands in the middle of the journal. */
static struct scripted *world_with_roster(bool open)
{
    char line[400], key[SSH_PUBLIC_KEY_TEXT_MAX];
    struct scripted *world = person_begins(81, &choice);
    ssh_public_key_text(world->approver_public, key);
    for (char *blank = strchr(key, ' '); blank != NULL; blank = strchr(blank, ' '))
        *blank = '\t';
    (void)snprintf(line, sizeof line, "roster add approver bob@example\t%s --reason test", key);
    roster_seq = world->stored.entry_count;
    assert_int_equal(person_runs(world, line), 0);
    assert_int_equal(world->stored.entry_count, roster_seq + 1);
    titan_publish(&world->titan, &(struct titan_release){.subject = "two"});
    if (open)
        assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    for (unsigned i = 0; i < BEHIND; i++) /* the newest entries are read at each beginning */
        assert_int_equal(person_runs(world, "disarm --reason test"), 0);
    return world;
}

static void look_at(const char *command, size_t damage, bool open)
{
    char place[40];
    struct scripted *world = world_with_roster(open);
    struct bytes *value = &world->stored.entries[roster_seq].value;
    size_t size = value->size;
    damages[damage].harm(value);
    int status = person_runs(world, command);
    (void)snprintf(place, sizeof place, "entry %d", (int)roster_seq);
    if (status != IS_DAMAGED || strstr(person_said(), place) == NULL
        || strstr(person_said(), "checkpoint") != NULL)
        fail_msg("%s, %s: exit %d\n%s", command, damages[damage].name, status, person_said());
    value->size = size;
    scripted_close(world);
}

static void each_command_says_it(void **state)
{
    (void)state;
    for (size_t damage = 0; damage < sizeof damages / sizeof damages[0]; damage++) {
        for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
            look_at(idle[i], damage, false);
        for (size_t i = 0; i < sizeof opened / sizeof opened[0]; i++)
            look_at(opened[i], damage, true);
    }
}

static void disarm_disarms(void **state)
{
    (void)state;
    for (size_t damage = 0; damage < sizeof damages / sizeof damages[0]; damage++) {
        struct scripted *world = world_with_roster(true);
        struct bytes *value = &world->stored.entries[roster_seq].value;
        size_t size = value->size;
        damages[damage].harm(value);
        (void)person_runs(world, "disarm --reason test");
        assert_false(titan_running(&world->titan, "titan-execution")->armed);
        assert_non_null(strstr(person_said(), "seen disarmed"));
        value->size = size;
        scripted_close(world);
    }
}

static void verifier_says_it(void **state)
{
    (void)state;
    for (size_t damage = 0; damage < sizeof damages / sizeof damages[0]; damage++) {
        char place[40], *report = NULL;
        struct scripted *world = world_with_roster(true);
        struct bytes *value = &world->stored.entries[roster_seq].value;
        size_t size = value->size;
        damages[damage].harm(value);
        int verdict = verdict_of(world, &choice, &report);
        (void)snprintf(place, sizeof place, "entry %d", (int)roster_seq);
        const char *found = strstr(report, "VIOLATED");
        if (verdict == 0 || found == NULL || strstr(found, place) == NULL
            || memmem(found, strcspn(found, "\n"), "checkpoint", 10) != NULL)
            fail_msg("%s: %d\n%s", damages[damage].name, verdict, report);
        free(report);
        value->size = size;
        scripted_close(world);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(each_command_says_it),
                                              cmocka_unit_test(disarm_disarms),
                                              cmocka_unit_test(verifier_says_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
