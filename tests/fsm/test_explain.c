/* Goal: what `explain` says of a state is what the table says, for every state and both procedures:
 * each way out with its command, each word refused that has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/commands/look/explain.h"

static const struct {
    enum event event;
    const char *command;
} commands[] = {{EVENT_DONE, "\n    titan-fsm advance  "},
                {EVENT_REARMED, "\n    titan-fsm advance --rearm yes "},
                {EVENT_ABORT, "\n    titan-fsm abort --reason TEXT "},
                {EVENT_ROLLBACK, "\n    titan-fsm rollback --reason TEXT "},
                {EVENT_GUARD_FIRED, "\n    the guard on the target "}};

static void explain(enum state state, enum procedure procedure, struct bytes *text)
{
    CLEANUP_TEXT struct text built = {0};
    struct error error;
    explain_state(&(struct explained){.state = state, .procedure = procedure}, &built);
    bytes_free(text);
    assert_int_equal(text_give(&built, text, &error), ERROR_OK);
}

static bool mentions(enum procedure procedure, enum state state)
{
    size_t count;
    const struct transition *edge = machine_transitions(&count);
    for (; count > 0; count--, edge++)
        if (edge->procedure == procedure && (edge->from == state || edge->to == state))
            return true;
    return false;
}

static void explain_meaning_every_state_has_its_own(void **unused)
{
    (void)unused;
    for (unsigned one = 1; one < STATE_COUNT; one++) {
        const char *meaning = explain_meaning((enum state)one);
        assert_true(strlen(meaning) > 40 && meaning[strlen(meaning) - 1] == '.');
        for (unsigned two = 1; two < one; two++)
            assert_string_not_equal(meaning, explain_meaning((enum state)two));
    }
}

/* The line that names the command, up to its end. */
static void line_at(const char *found, char *ret_line, size_t room)
{
    (void)snprintf(ret_line, room, "%.*s", (int)strcspn(found + 1, "\n"), found + 1);
}

static void check_words(enum procedure procedure, enum state state)
{
    CLEANUP_BYTES struct bytes text = {0};
    explain(state, procedure, &text);
    const char *begin = (const char *)text.data, *refused = strstr(begin, "\n  Refused:\n");
    assert_non_null(refused);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct transition *edge = machine_transition(procedure, state, commands[i].event);
        const char *found = strstr(begin, commands[i].command);
        if (edge != NULL) {
            char line[256], end[64];
            assert_non_null(found);
            assert_true(found < refused);
            line_at(found, line, sizeof line);
            (void)snprintf(end, sizeof end, "-> %s", machine_state_name(edge->to));
            assert_string_equal(strstr(line, "-> "), end);
            assert_non_null(strstr(line, machine_action_words(edge->action)));
        } else if (commands[i].event == EVENT_REARMED || commands[i].event == EVENT_GUARD_FIRED) {
            assert_null(found); /* nobody's word: there is nothing to refuse */
        } else if (machine_phase(state) == PHASE_REVERTING) {
            assert_true(found != NULL && found < refused); /* it continues the way back */
        } else {
            assert_true(found != NULL && found > refused);
        }
    }
}

static void explain_state_without_an_interlock_names_no_arm(void **unused)
{
    (void)unused;
    for (unsigned state = 1; state < STATE_COUNT; state++) {
        CLEANUP_TEXT struct text text = {0};
        explain_state(&(struct explained){.state = (enum state)state,
                                          .procedure = PROCEDURE_RELEASE,
                                          .no_interlock = true},
                      &text);
        assert_null(strstr(text_string(&text), "\n    titan-fsm arm"));
        assert_null(strstr(text_string(&text), "\n    titan-fsm disarm"));
        assert_null(strstr(text_string(&text), "begin policy"));
    }
}

static void explain_state_open_step_lets_go_back(void **unused)
{
    (void)unused;
    CLEANUP_TEXT struct text text = {0};
    explain_state(&(struct explained){.state = STATE_OBSERVED,
                                      .procedure = PROCEDURE_RELEASE,
                                      .step_is_open = true},
                  &text);
    const char *refused = strstr(text_string(&text), "\n  Refused:\n"),
               *abort_at = strstr(text_string(&text), "\n    titan-fsm abort --reason TEXT ");
    assert_true(refused != NULL && abort_at != NULL && abort_at < refused);
}

static void explain_state_commands_are_those_of_the_table(void **unused)
{
    (void)unused;
    for (unsigned procedure = 1; procedure < PROCEDURE_COUNT; procedure++)
        for (unsigned state = 1; state < STATE_COUNT; state++)
            if (mentions((enum procedure)procedure, (enum state)state))
                check_words((enum procedure)procedure, (enum state)state);
}

static void explain_state_outcomes_are_those_of_the_table(void **unused)
{
    (void)unused;
    size_t count;
    const struct transition *edge = machine_transitions(&count);
    for (; count > 0; count--, edge++) {
        CLEANUP_BYTES struct bytes text = {0};
        if (edge->event != EVENT_FAILED && edge->event != EVENT_MISMATCH
            && edge->event != EVENT_UNHEALTHY && edge->event != EVENT_UNKNOWN)
            continue;
        explain(edge->from, edge->procedure, &text);
        char line[256] = "", end[64];
        (void)snprintf(end, sizeof end, "-> %s", machine_state_name(edge->to));
        for (const char *found = (const char *)text.data;
             (found = strstr(found, "\n    if the step is ")) != NULL; found++) {
            line_at(found, line, sizeof line);
            if (strstr(line, machine_event_name(edge->event)) != NULL)
                break;
        }
        assert_non_null(strstr(line, machine_event_name(edge->event)));
        assert_string_equal(strstr(line, "-> "), end);
    }
}

static void explain_state_without_a_procedure_says_both_and_never_twice_the_same(void **unused)
{
    (void)unused;
    for (unsigned state = 1; state < STATE_COUNT; state++) {
        CLEANUP_BYTES struct bytes text = {0};
        explain((enum state)state, PROCEDURE_INVALID, &text);
        const char *all = (const char *)text.data;
        bool together = strstr(all, "\nUnder release and policy, from here:\n") != NULL;
        assert_int_equal(together || strstr(all, "\nUnder release, from here:\n") != NULL,
                         mentions(PROCEDURE_RELEASE, (enum state)state));
        assert_int_equal(together || strstr(all, "\nUnder policy, from here:\n") != NULL,
                         mentions(PROCEDURE_POLICY, (enum state)state));
    }
    CLEANUP_BYTES struct bytes guarded = {0};
    explain(STATE_GUARDED, PROCEDURE_INVALID, &guarded);
    assert_non_null(strstr((const char *)guarded.data, "-> switched\n"));
    assert_non_null(strstr((const char *)guarded.data, "-> disarmed\n"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(explain_meaning_every_state_has_its_own),
        cmocka_unit_test(explain_state_commands_are_those_of_the_table),
        cmocka_unit_test(explain_state_outcomes_are_those_of_the_table),
        cmocka_unit_test(explain_state_open_step_lets_go_back),
        cmocka_unit_test(explain_state_without_an_interlock_names_no_arm),
        cmocka_unit_test(explain_state_without_a_procedure_says_both_and_never_twice_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
