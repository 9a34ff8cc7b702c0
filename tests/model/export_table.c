/* The transition table of the machine as Promela, for deployment.pml: the names as numbers and one
 * line a row. Nothing of it is copied by hand. */
#include <ctype.h>
#include <stdio.h>

#include "fsm/machine.h"

static void print_upper(const char *name)
{
    for (; *name != '\0'; name++)
        (void)putchar(toupper((unsigned char)*name));
}

static void print_number(const char *prefix, const char *name, unsigned number)
{
    (void)printf("#define %s", prefix);
    print_upper(name);
    (void)printf(" %u\n", number);
}

static void print_row(const struct transition *edge)
{
    (void)printf("    %s(", edge->action == ACTION_NONE ? "EDGE" : "STEP");
    print_upper(machine_procedure_name(edge->procedure));
    (void)fputs(", ", stdout);
    print_upper(machine_state_name(edge->from));
    (void)fputs(", ", stdout);
    print_upper(machine_event_name(edge->event));
    (void)fputs(", ", stdout);
    print_upper(machine_action_name(edge->action));
    (void)fputs(", ", stdout);
    print_upper(machine_state_name(edge->to));
    (void)puts(") \\");
}

int main(void)
{
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    for (enum procedure p = PROCEDURE_INVALID + 1; p < PROCEDURE_COUNT; p++)
        print_number("P_", machine_procedure_name(p), p);
    for (enum state s = STATE_INVALID + 1; s < STATE_COUNT; s++)
        print_number("S_", machine_state_name(s), s);
    for (enum event e = EVENT_INVALID + 1; e < EVENT_COUNT; e++)
        print_number("E_", machine_event_name(e), e);
    for (enum action a = ACTION_NONE; a < ACTION_COUNT; a++)
        print_number("A_", machine_action_name(a), a);
    (void)puts("#define TABLE \\");
    for (size_t i = 0; i < count; i++)
        print_row(&edges[i]);
    (void)putchar('\n');
    return 0;
}
