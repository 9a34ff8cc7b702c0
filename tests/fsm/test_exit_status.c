/* Goal: every class of error has a status of its own table and a next step, and no number stands
 * for two things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fsm/exit_status.h"

static void exit_status_next_every_class_has_one(void **state)
{
    (void)state;
    for (unsigned code = ERROR_OK + 1; code <= ERROR_NEEDS_PERSON; code++)
        assert_true(exit_status_next((enum error_code)code)[0] != '\0');
}

static void exit_status_of_every_class_is_in_the_table(void **state)
{
    (void)state;
    size_t count;
    const struct exit_row *rows = exit_status_list(&count);
    for (unsigned code = ERROR_OK; code <= ERROR_NEEDS_PERSON; code++) {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found = found || rows[i].status == exit_status_of((enum error_code)code);
        assert_true(found);
    }
}

static void exit_status_list_numbers_are_used_once(void **state)
{
    (void)state;
    size_t count;
    const struct exit_row *rows = exit_status_list(&count);
    for (size_t one = 0; one < count; one++) {
        assert_true(rows[one].meaning[0] != '\0');
        for (size_t two = 0; two < one; two++)
            assert_int_not_equal(rows[one].status, rows[two].status);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_status_next_every_class_has_one),
        cmocka_unit_test(exit_status_of_every_class_is_in_the_table),
        cmocka_unit_test(exit_status_list_numbers_are_used_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
