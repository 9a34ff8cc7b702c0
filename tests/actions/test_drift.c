/* Goal: every kind of difference is a line that names what and where; what cannot be compared is
 * never "no drift"; what is the same is silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actions/compose/drift.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B40 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct images declared = {.list = {{.service = "a", .name = "r/a", .id = "sha256:a"},
                                                {.service = "b", .name = "r/b", .id = "sha256:b"}},
                                       .count = 2};

static struct bytes text_of(const char *text)
{
    return (struct bytes){.data = (uint8_t *)(uintptr_t)text, .size = strlen(text)};
}

static void put(struct containers *containers, const char *service, const char *image,
                const char *state)
{
    struct container *container = &containers->list[containers->count++];
    *container = (struct container){.name = "/n"};
    (void)snprintf(container->service, sizeof container->service, "%s", service);
    (void)snprintf(container->image, sizeof container->image, "sha256:%s", image);
    (void)snprintf(container->state, sizeof container->state, "%s", state);
}

static struct configurations same_configurations(void)
{
    return (struct configurations){.list = {{.service = "a", .declared = A64, .running = A64},
                                            {.service = "b", .declared = B64, .running = B64}},
                                   .count = 2};
}

static struct drift compare(const struct containers *containers, const struct images *images,
                            const struct configurations *configurations)
{
    static const struct declared ordinary = {.count = 0};
    struct drift drift = {.count = 0};
    drift_services(&(struct drift_terms){.file = "c.yml",
                                         .declared = &ordinary,
                                         .containers = containers,
                                         .images = images,
                                         .configurations = configurations,
                                         .pulled = true},
                   &drift);
    return drift;
}

static void drift_services_same_is_silent(void **state)
{
    (void)state;
    struct containers containers = {.count = 0};
    struct configurations configurations = same_configurations();
    put(&containers, "a", "a", "running");
    put(&containers, "b", "b", "running");
    put(&containers, "b", "old",
        "exited"); /* the container of before, left behind by a replacement */
    struct drift drift = compare(&containers, &declared, &configurations);
    assert_int_equal(drift.count, 0);
    assert_null(drift_first_failing(&drift));
}

static void drift_services_each_difference_is_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *service, *image, *status;
        enum drift_kind kind;
        const char *word;
    } rows[] = {
        {NULL, NULL, NULL, DRIFT_MISSING,
         "service b is declared and does not run: it has no container"},
        {"b", "b", "exited", DRIFT_STOPPED,
         "service b is declared and does not run: its container is exited"},
        {"b", "other", "running", DRIFT_IMAGE,
         "service b runs image sha256:other instead of sha256:b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct containers containers = {.count = 0};
        struct configurations configurations = same_configurations();
        put(&containers, "a", "a", "running");
        if (rows[i].service != NULL)
            put(&containers, rows[i].service, rows[i].image, rows[i].status);
        struct drift drift = compare(&containers, &declared, &configurations);
        assert_int_equal(drift.count, 1);
        assert_int_equal(drift.list[0].kind, rows[i].kind);
        assert_string_equal(drift.list[0].what, rows[i].word);
        assert_string_equal(drift.list[0].where, "c.yml");
        assert_false(drift.list[0].unknown);
        assert_ptr_equal(drift_first_failing(&drift), &drift.list[0]);
    }
}

static void drift_services_extra_and_second_container_are_seen(void **state)
{
    (void)state;
    struct containers containers = {.count = 0};
    struct configurations configurations = same_configurations();
    put(&containers, "a", "a", "running");
    put(&containers, "b", "b", "running");
    put(&containers, "b", "other", "running");
    put(&containers, "c", "c", "exited");
    struct drift drift = compare(&containers, &declared, &configurations);
    assert_int_equal(drift.count, 3);
    assert_int_equal(drift.list[0].kind, DRIFT_EXTRA);
    assert_string_equal(drift.list[0].what,
                        "service b runs in 2 containers, and is declared to run in 1");
    assert_int_equal(drift.list[1].kind, DRIFT_IMAGE);
    assert_int_equal(drift.list[2].kind, DRIFT_EXTRA);
    assert_string_equal(drift.list[2].where, "n");
    assert_string_equal(drift.list[2].what, "service c runs and is not declared");
}

/* What the row of a service says decides how many containers are its good state, and which. */
static void drift_services_follow_the_row_of_the_service(void **state)
{
    (void)state;
    static const struct {
        const char *row, *states[3];
        int exit_code;
        const char *word; /* NULL = no drift */
    } rows[] = {
        {"b x2", {"running", "running"}, 0, NULL},
        {"b x2", {"running"}, 0, "of 2 containers of service b 1 run"},
        {"b x2",
         {"running", "running", "running"},
         0,
         "service b runs in 3 containers, and is declared to run in 2"},
        {"b x0", {NULL}, 0, NULL},
        {"b x0", {"running"}, 0, "service b runs in 1 container, and is declared to run in 0"},
        {"b once", {"exited"}, 0, NULL},
        {"b ends", {"exited"}, 0, NULL},
        {"b ends", {"running"}, 0, NULL},
        {"b once", {"exited"}, 3, "service b is to end with 0, and its container is exited with 3"},
        {"b ends x2", {"running", "exited"}, 0, NULL},
        {"b once", {NULL}, 0, "service b is declared and does not run: it has no container"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct containers containers = {.count = 0};
        struct configurations configurations = same_configurations();
        struct bytes lines = text_of(rows[i].row);
        struct drift drift = {.count = 0};
        struct declared rows_read;
        struct error error;
        assert_int_equal(declared_read(&lines, &rows_read, &error), ERROR_OK);
        put(&containers, "a", "a", "running");
        for (size_t k = 0; k < 3 && rows[i].states[k] != NULL; k++) {
            put(&containers, "b", "b", rows[i].states[k]);
            containers.list[containers.count - 1].exit_code = rows[i].exit_code;
        }
        drift_services(&(struct drift_terms){.file = "c.yml",
                                             .declared = &rows_read,
                                             .containers = &containers,
                                             .images = &declared,
                                             .configurations = &configurations},
                       &drift);
        assert_int_equal(drift.count, rows[i].word != NULL);
        if (rows[i].word != NULL)
            assert_non_null(strstr(drift.list[0].what, rows[i].word));
    }
}

static void declared_read_form_is_exact(void **state)
{
    (void)state;
    static const char *const bad[] = {"a twice", "a x", "a x2y", " once", "a x-1", "-a"};
    struct declared rows;
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes lines = text_of(bad[i]);
        assert_int_equal(declared_read(&lines, &rows, &error), ERROR_PROTOCOL);
    }
}

static void drift_services_image_that_is_not_there_is_unknown_and_fails(void **state)
{
    (void)state;
    struct containers containers = {.count = 0};
    struct configurations configurations = same_configurations();
    struct images images = declared;
    images.list[1].id[0] = '\0';
    put(&containers, "a", "a", "running");
    put(&containers, "b", "b", "running");
    struct drift drift = compare(&containers, &images, &configurations);
    assert_int_equal(drift.count, 1);
    assert_true(drift.list[0].unknown);
    assert_non_null(drift_first_failing(&drift));
    static const struct declared ordinary = {.count = 0};
    drift.count = 0; /* before the first pull it is none yet */
    drift_services(&(struct drift_terms){.file = "c.yml",
                                         .declared = &ordinary,
                                         .containers = &containers,
                                         .images = &images,
                                         .configurations = &configurations},
                   &drift);
    assert_int_equal(drift.count, 0);
}

static void drift_services_configuration_is_compared_and_unknown_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *declared, *running, *word;
        bool unknown;
    } rows[] = {
        {A64, A64, NULL, false},
        {A64, B64, "another configuration", false},
        {A64, "", "not created by compose", false},
        {"", B64, "compose cannot tell", true},
        {"", "", "compose cannot tell", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct containers containers = {.count = 0};
        struct configurations configurations = same_configurations();
        (void)snprintf(configurations.list[1].declared, sizeof configurations.list[1].declared,
                       "%s", rows[i].declared);
        (void)snprintf(configurations.list[1].running, sizeof configurations.list[1].running, "%s",
                       rows[i].running);
        put(&containers, "a", "a", "running");
        put(&containers, "b", "b", "running");
        struct drift drift = compare(&containers, &declared, &configurations);
        assert_int_equal(drift.count, rows[i].word != NULL ? 1 : 0);
        if (rows[i].word == NULL)
            continue;
        assert_int_equal(drift.list[0].kind, DRIFT_CONFIGURATION);
        assert_non_null(strstr(drift.list[0].what, rows[i].word));
        assert_int_equal(drift.list[0].unknown, rows[i].unknown);
        assert_int_equal(
            drift_first_failing(&drift) == NULL,
            rows[i].unknown); /* what compose cannot tell fails no switch, and is never silent */
    }
}

static void drift_services_configuration_not_looked_at_fails(void **state)
{
    (void)state;
    struct containers containers = {.count = 0};
    struct configurations configurations = same_configurations();
    configurations.count = 1;
    put(&containers, "a", "a", "running");
    put(&containers, "b", "b", "running");
    struct drift drift = compare(&containers, &declared, &configurations);
    assert_int_equal(drift.count, 1);
    assert_non_null(drift_first_failing(&drift));
}

static void drift_tree_names_each_file(void **state)
{
    (void)state;
    struct bytes changes = text_of(" M docker-compose.prod.yml\nD  config/risk policy.json\n"),
                 loose = text_of("docker-compose.override.yml\n"), none = text_of("");
    struct drift drift = {.count = 0};
    drift_tree(&changes, &loose, &drift);
    assert_int_equal(drift.count, 3);
    assert_string_equal(drift.list[0].where, "docker-compose.prod.yml");
    assert_string_equal(drift.list[1].where, "config/risk policy.json");
    assert_string_equal(drift.list[2].where, "docker-compose.override.yml");
    drift.count = 0;
    drift_tree(&none, &none, &drift);
    drift_strays(&none, &drift);
    assert_int_equal(drift.count, 0);
}

static void drift_branch_ahead_behind_elsewhere_and_never_fetched(void **state)
{
    (void)state;
    static const struct {
        const char *branch, *upstream;
        int64_t ahead, behind;
        const char *word;
        bool unknown;
    } rows[] = {
        {"main", A40, 0, 0, NULL, false},
        {"main", B40, 0, 2, "2 commits behind", false},
        {"main", B40, 1, 2, "1 commit that the branch", false},
        {"detached", A40, 0, 0, "not on branch main", false},
        {"main", "", 0, 0, "never fetched", true},
    };
    const struct setup_repository repository = {.remote = "origin", .branch = "main"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct git_state git = {.commit = A40};
        struct git_upstream upstream = {.ahead = rows[i].ahead, .behind = rows[i].behind};
        struct drift drift = {.count = 0};
        (void)snprintf(git.branch, sizeof git.branch, "%s", rows[i].branch);
        (void)snprintf(upstream.commit, sizeof upstream.commit, "%s", rows[i].upstream);
        drift_branch(&git, &upstream, &repository, &drift);
        assert_int_equal(drift.count, rows[i].word != NULL ? 1 : 0);
        assert_true(rows[i].word == NULL
                    || (strstr(drift.list[0].what, rows[i].word) != NULL
                        && drift.list[0].unknown == rows[i].unknown));
    }
}

static void drift_since_compares_with_the_last_deployment(void **state)
{
    (void)state;
    static const struct {
        const char *commit, *config, *env;
        enum drift_kind kind;
        bool unknown;
    } rows[] = {
        {A40, A64, A64, DRIFT_INVALID, false},  {B40, B64, A64, DRIFT_COMMIT, false},
        {A40, B64, B64, DRIFT_ENV_FILE, false}, {A40, B64, A64, DRIFT_RENDERED, false},
        {A40, "", "", DRIFT_ENV_FILE, true},
    };
    const struct setup_compose compose = {.file = "c.yml", .env_file = ".env.prod"};
    struct drift_baseline baseline = {.deployment = 7,
                                      .commit = A40,
                                      .config_hmac = A64,
                                      .env_hmac = A64};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct drift drift = {.count = 0};
        drift_since(&baseline, rows[i].commit, rows[i].config, rows[i].env, &compose, &drift);
        assert_int_equal(drift.count, rows[i].kind != DRIFT_INVALID ? 1 : 0);
        assert_true(
            drift.count == 0
            || (drift.list[0].kind == rows[i].kind && drift.list[0].unknown == rows[i].unknown));
    }
    struct drift drift = {.count = 0};
    baseline.deployment = 0;
    drift_since(&baseline, B40, B64, B64, &compose, &drift);
    assert_int_equal(drift.count, 0);
}

static void drift_lines_beyond_the_bound_are_counted(void **state)
{
    (void)state;
    char text[DRIFT_LINES_MAX * 2 + 20] = "", sentence[40];
    struct drift drift = {.count = 0};
    for (size_t i = 0; i < DRIFT_LINES_MAX + 5; i++)
        memcpy(text + 2 * i, "x\n", 3);
    struct bytes names = text_of(text);
    drift_strays(&names, &drift);
    assert_int_equal(drift.count, DRIFT_LINES_MAX);
    assert_int_equal(drift.more, 5);
    drift_sentence(&drift, sentence, sizeof sentence);
    assert_int_equal(strlen(sentence), sizeof sentence - 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_services_same_is_silent),
        cmocka_unit_test(drift_services_each_difference_is_one_line),
        cmocka_unit_test(drift_services_extra_and_second_container_are_seen),
        cmocka_unit_test(drift_services_follow_the_row_of_the_service),
        cmocka_unit_test(declared_read_form_is_exact),
        cmocka_unit_test(drift_services_image_that_is_not_there_is_unknown_and_fails),
        cmocka_unit_test(drift_services_configuration_is_compared_and_unknown_is_said),
        cmocka_unit_test(drift_services_configuration_not_looked_at_fails),
        cmocka_unit_test(drift_tree_names_each_file),
        cmocka_unit_test(drift_branch_ahead_behind_elsewhere_and_never_fetched),
        cmocka_unit_test(drift_since_compares_with_the_last_deployment),
        cmocka_unit_test(drift_lines_beyond_the_bound_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
