/* Goal: one value has one form. Whatever the writer writes the reader reads back, and every other
 * text of the same value is refused. */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/format.h"

static enum error_code read_text(const char *text, struct error *error)
{
    CLEANUP_JSON json_t *value = NULL;
    enum error_code code = canonical_read(text, strlen(text), &value, error);
    if (code != ERROR_OK)
        assert_null(value);
    return code;
}

static void canonical_read_vectors_refused(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *vectors = support_vectors();
    const json_t *forms = json_object_get(vectors, "not_canonical");
    assert_true(json_array_size(forms) >= 13);
    for (size_t i = 0; i < json_array_size(forms); i++) {
        struct error error;
        const json_t *form = json_array_get(forms, i);
        if (read_text(support_text(form, "payload"), &error) != ERROR_DAMAGED)
            fail_msg("accepted: %s", support_text(form, "why"));
    }
}

static void canonical_read_other_forms_refused(void **state)
{
    (void)state;
    static const char *const forms[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "null",
                                        "1",
                                        "\"a\"",
                                        "[]",
                                        "{}x",
                                        " {}",
                                        "{} ",
                                        "\xef\xbb\xbf{}",
                                        "{\"a\":1 }",
                                        "{ \"a\":1}",
                                        "{\"a\" :1}",
                                        "{\"a\":1,}",
                                        "{\"a\":[1, 2]}",
                                        "{\"a\":[1,]}",
                                        "{'a':1}",
                                        "{a:1}",
                                        "{\"a\":+1}",
                                        "{\"a\":.5}",
                                        "{\"a\":1.}",
                                        "{\"a\":00}",
                                        "{\"a\":-01}",
                                        "{\"a\":1E2}",
                                        "{\"a\":0.0}",
                                        "{\"a\":-0.0}",
                                        "{\"a\":9223372036854775808}",
                                        "{\"a\":-9223372036854775809}",
                                        "{\"a\":NaN}",
                                        "{\"a\":Infinity}",
                                        "{\"a\":0x1}",
                                        "{\"a\":True}",
                                        "{\"a\":nul}",
                                        "{\"a\":\"\\u000a\"}",
                                        "{\"a\":\"\\u0008\"}",
                                        "{\"a\":\"\\u000D\"}",
                                        "{\"a\":\"\\u007f\"}",
                                        "{\"a\":\"\\u00e4\"}",
                                        "{\"a\":\"\\ud834\\udd1e\"}",
                                        "{\"a\":\"\\udc00\"}",
                                        "{\"a\":\"\\u001\"}",
                                        "{\"a\":\"\\x1f\"}",
                                        "{\"a\":\"\x01\"}",
                                        "{\"a\":\"\n\"}",
                                        "{\"a\":\"\xff\"}",
                                        "{\"a\":\"\xc0\x80\"}",
                                        "{\"a\":\"\xed\xa0\x80\"}",
                                        "{\"a\":\"\\'\"}",
                                        "{\"\\u0061\":1}",
                                        "{\"a\":{\"b\":1,\"b\":1}}",
                                        "{\"a\":1,\"\\u0061\":2}",
                                        "{\"a\":1}\n",
                                        "{\"a\":1}{}",
                                        "{\"a\\u0000\":1}",
                                        "{\"a\":1}//",
                                        "{\"a\":/**/1}"};
    struct error error;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (read_text(forms[i], &error) != ERROR_DAMAGED)
            fail_msg("accepted: %s", forms[i]);
    CLEANUP_JSON json_t *value = NULL;
    support_code(canonical_read("{}", 3, &value, &error), ERROR_DAMAGED,
                 &error); /* a NUL behind it */
    support_code(canonical_read("{}", 1, &value, &error), ERROR_DAMAGED, &error);
}

static void canonical_read_canonical_forms_accepted(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "{}",
        "{\"a\":[]}",
        "{\"a\":{}}",
        "{\"\":\"\"}",
        "{\"a\":0,\"b\":-1,\"c\":9223372036854775807,\"d\":-9223372036854775808}",
        "{\"z\":true,\"a\":false,\"m\":null}",
        "{\"a\":\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u0001\\u001f\x7f\"}",
        "{\"a\":\"\xc3\xa4\xe2\x9c\x85\xf0\x9d\x84\x9e\"}",
        "{\"\xc3\xa4\\n\":[1,\"x\",{\"y\":[]}]}"};
    struct error error;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        support_ok(read_text(forms[i], &error), &error);
}

/* Every code point of a string, alone: written in the form of FORMAT.md and read back. */
static void canonical_write_each_character_has_its_form(void **state)
{
    (void)state;
    static const char *const shorts[] = {[8] = "\\b",  [9] = "\\t",    [10] = "\\n",   [12] = "\\f",
                                         [13] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"};
    for (unsigned character = 0; character < 0x80; character++) {
        char wanted[40];
        const char one = (char)character;
        if (character < sizeof shorts / sizeof shorts[0] && shorts[character] != NULL)
            (void)snprintf(wanted, sizeof wanted, "{\"k\":\"%s\"}", shorts[character]);
        else
            (void)snprintf(wanted, sizeof wanted,
                           character < 0x20 ? "{\"k\":\"\\u%04x\"}" : "{\"k\":\"%c\"}", character);
        CLEANUP_JSON json_t *value = json_pack("{s:o}", "k", json_stringn(&one, 1)), *back = NULL;
        CLEANUP_BYTES struct bytes text = {0};
        struct error error;
        support_ok(canonical_write(value, &text, &error), &error);
        assert_string_equal((const char *)text.data, wanted);
        support_ok(canonical_read(text.data, text.size, &back, &error), &error);
        assert_true(json_equal(value, back));
    }
}

static void canonical_write_integers_come_back(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int add = -1; add <= 1; add++) {
            int64_t number = (int64_t)((UINT64_C(1) << shift) + (uint64_t)(int64_t)add);
            char wanted[40];
            (void)snprintf(wanted, sizeof wanted, "{\"n\":%" PRId64 "}", number);
            CLEANUP_JSON json_t *value = json_pack("{s:I}", "n", (json_int_t)number), *back = NULL;
            CLEANUP_BYTES struct bytes text = {0};
            struct error error;
            support_ok(canonical_write(value, &text, &error), &error);
            assert_string_equal((const char *)text.data, wanted);
            support_ok(canonical_read(text.data, text.size, &back, &error), &error);
            assert_true(json_integer_value(json_object_get(back, "n")) == number);
        }
    }
}

/* The order of keys is the caller's and is kept: a payload has its keys in the order of FORMAT.md.
 */
static void canonical_write_key_order_is_kept(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *value = json_object();
    CLEANUP_BYTES struct bytes text = {0}, wanted = {0};
    struct error error;
    support_ok(bytes_append(&wanted, "{", 1, &error), &error);
    for (unsigned i = 0; i < 200; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", (i * 73) % 200);
        assert_int_equal(json_object_set_new(value, key, json_integer((json_int_t)i)), 0);
        support_ok(bytes_append_format(&wanted, &error, "%s\"%s\":%u", i > 0 ? "," : "", key, i),
                   &error);
    }
    support_ok(bytes_append(&wanted, "}", 1, &error), &error);
    support_ok(canonical_write(value, &text, &error), &error);
    assert_string_equal((const char *)text.data, (const char *)wanted.data);
    assert_int_equal(read_text((const char *)text.data, &error), ERROR_OK);
}

/* {"a":[[...]]} of this depth, with a number, or nothing, in the innermost. */
static void nested(unsigned depth, bool with_scalar, char ret_text[3000])
{
    char open_brackets[1400] = "", close_brackets[1400] = "";
    memset(open_brackets, '[', depth - 1);
    memset(close_brackets, ']', depth - 1);
    const char *inner = with_scalar ? "1" : depth == 1 ? "null" : "";
    (void)snprintf(ret_text, 3000, "{\"a\":%s%s%s}", open_brackets, inner, close_brackets);
}

/* Objects and arrays count; what stands in the innermost one does not. */
static void canonical_nesting_beyond_the_bound_refused(void **state)
{
    (void)state;
    char text[3000];
    struct error error;
    for (unsigned scalar = 0; scalar < 2; scalar++) {
        for (unsigned depth = 1; depth <= FORMAT_NESTING_MAX; depth++) {
            nested(depth, scalar, text);
            support_ok(read_text(text, &error), &error);
        }
        for (unsigned depth = FORMAT_NESTING_MAX + 1; depth < 1300; depth += 61) {
            nested(depth, scalar, text);
            support_code(read_text(text, &error), ERROR_DAMAGED, &error);
        }
        nested(FORMAT_NESTING_MAX + 1, scalar, text);
        CLEANUP_JSON json_t *value = json_loads(text, 0, NULL);
        CLEANUP_BYTES struct bytes out = {0};
        support_code(canonical_write(value, &out, &error), ERROR_LIMIT, &error);
    }
}

static void canonical_write_what_has_no_form_refused(void **state)
{
    (void)state;
    json_t *values[] = {json_pack("{s:f}", "a", 1.5), json_pack("{s:f}", "a", 1.0),
                        json_pack("{s:o}", "a", json_string_nocheck("\xff")),
                        json_pack("{s:o}", "a", json_string_nocheck("\xed\xa0\x80")),
                        json_object()};
    assert_int_equal(json_object_set_new_nocheck(values[4], "\xc3", json_null()), 0);
    for (size_t i = 0; i < 5; i++) {
        CLEANUP_BYTES struct bytes text = {0};
        struct error error;
        assert_non_null(values[i]);
        support_code(canonical_write(values[i], &text, &error), ERROR_LIMIT, &error);
        json_decref(values[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_read_vectors_refused),
        cmocka_unit_test(canonical_read_other_forms_refused),
        cmocka_unit_test(canonical_read_canonical_forms_accepted),
        cmocka_unit_test(canonical_write_each_character_has_its_form),
        cmocka_unit_test(canonical_write_integers_come_back),
        cmocka_unit_test(canonical_write_key_order_is_kept),
        cmocka_unit_test(canonical_nesting_beyond_the_bound_refused),
        cmocka_unit_test(canonical_write_what_has_no_form_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
