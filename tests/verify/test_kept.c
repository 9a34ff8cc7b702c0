/* Goal: what is kept of a large record comes back as it was, wherever it lies; a number is found by
 * its text; and each thing is done once, on however many processors. */
#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/read/kept.h"
#include "verify/read/table.h"
#include "verify/whole/crew.h"

enum { PIECES = 3000, PIECE_BYTES = 10007, TEXTS = 5000, THINGS = 10001 };

/* Thirty megabytes: the first of it is in memory, the rest in the file. */
static void kept_pieces_come_back(void **state)
{
    (void)state;
    static uint8_t *pieces[PIECES];
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = kept_zeroed(PIECE_BYTES, 1);
        for (unsigned at = 0; at < PIECE_BYTES; at++)
            assert_int_equal(pieces[i][at], 0);
        memset(pieces[i], (int)(i % 251), PIECE_BYTES);
        if (i % 500 == 0)
            kept_rest();
    }
    kept_rest();
    for (unsigned i = 0; i < PIECES; i++) {
        for (unsigned at = 0; at < PIECE_BYTES; at++)
            assert_int_equal(pieces[i][at], i % 251);
        kept_free(pieces[i]);
    }
}

static void kept_grown_keeps_what_was_there(void **state)
{
    (void)state;
    uint64_t *numbers = NULL;
    size_t room = 0;
    for (size_t count = 0; count < 200000; count++) {
        if (count == room) {
            numbers = kept_grown(numbers, count, room * 2 + 1, sizeof *numbers);
            room = room * 2 + 1;
        }
        assert_int_equal(numbers[count], 0);
        numbers[count] = count * 3;
    }
    numbers = kept_fit(numbers, 200000, sizeof *numbers);
    for (size_t i = 0; i < 200000; i++)
        assert_int_equal(numbers[i], i * 3);
    kept_free(numbers);
}

static void table_finds_each_text(void **state)
{
    (void)state;
    struct table table = {0};
    char text[32];
    assert_int_equal(table_find(&table, slice_of("nothing")), 0);
    for (unsigned i = 1; i <= TEXTS; i++) {
        (void)snprintf(text, sizeof text, "text %u", i);
        uint64_t *number = table_at(&table, slice_of(text));
        assert_int_equal(*number, 0);
        *number = i;
    }
    for (unsigned i = 1; i <= TEXTS; i++) {
        (void)snprintf(text, sizeof text, "text %u", i);
        assert_int_equal(table_find(&table, slice_of(text)), i);
        assert_int_equal(*table_at(&table, slice_of(text)), i);
    }
    assert_int_equal(table_find(&table, slice_of("text 0")), 0);
    table_free(&table);
}

static void do_once(void *context, unsigned worker, size_t index)
{
    unsigned *times = context;
    assert_true(worker < crew_size());
    times[index]++;
}

static void crew_does_each_thing_once(void **state)
{
    (void)state;
    static unsigned times[THINGS];
    for (size_t count = 0; count <= THINGS; count = count * 7 + 1) {
        memset(times, 0, sizeof times);
        crew_run(count, do_once, times);
        for (size_t i = 0; i < THINGS; i++)
            assert_int_equal(times[i], i < count ? 1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_pieces_come_back),
        cmocka_unit_test(kept_grown_keeps_what_was_there),
        cmocka_unit_test(table_finds_each_text),
        cmocka_unit_test(crew_does_each_thing_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
