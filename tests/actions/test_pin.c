/* Goal: which service of a rollback cannot run from its declared name, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actions/compose/compose.h"

static struct containers before;
static struct compose_model model;
static struct images now;

static void add(const char *service, const char *id, const char *name, bool always)
{
    struct container *container = &before.list[before.count++];
    struct declared_service *declared = &model.services[model.count++];
    (void)snprintf(container->service, sizeof container->service, "%s", service);
    (void)snprintf(container->image, sizeof container->image, "%s", id);
    (void)snprintf(declared->service, sizeof declared->service, "%s", service);
    (void)snprintf(declared->image, sizeof declared->image, "%s", name);
    declared->built = name[0] == '\0';
    declared->pulls_always = always;
}

static const char *obstacle(size_t index)
{
    const struct compose_pin pin = {.before = &before, .model = &model, .now = &now};
    return compose_pin_obstacle(&pin, index);
}

static void begin_empty(void)
{
    memset(&before, 0, sizeof before);
    memset(&model, 0, sizeof model);
    memset(&now, 0, sizeof now);
}

static void pin_tag_and_built_service_get_their_names_back(void **state)
{
    (void)state;
    begin_empty();
    add("web", "sha256:1", "registry/web:latest", false);
    add("tool", "sha256:2", "", false);
    add("other-tool", "sha256:3", "", false);
    for (size_t i = 0; i < 3; i++)
        assert_null(obstacle(i));
}

static void pin_one_tag_for_two_images_is_the_first_ones(void **state)
{
    (void)state;
    begin_empty();
    add("first", "sha256:1", "registry/app:latest", false);
    add("same", "sha256:1", "registry/app:latest", false);
    add("second", "sha256:2", "registry/app:latest", false);
    assert_null(obstacle(0));
    assert_null(obstacle(1));
    assert_non_null(strstr(obstacle(2), "the same tag"));
}

static void pin_always_pulled_is_no_name_to_run_from(void **state)
{
    (void)state;
    begin_empty();
    add("web", "sha256:1", "registry/web:latest", true);
    assert_non_null(strstr(obstacle(0), "pull_policy"));
}

static void pin_digest_is_kept_where_it_is_what_ran(void **state)
{
    (void)state;
    begin_empty();
    add("web", "sha256:1", "registry/web@sha256:a", false);
    assert_non_null(strstr(obstacle(0), "digest"));
    now.count = 1;
    (void)snprintf(now.list[0].service, sizeof now.list[0].service, "web");
    (void)snprintf(now.list[0].id, sizeof now.list[0].id, "sha256:2");
    assert_non_null(strstr(obstacle(0), "digest"));
    (void)snprintf(now.list[0].id, sizeof now.list[0].id, "sha256:1");
    assert_null(obstacle(0));
}

static void pin_service_that_is_not_declared_has_no_name(void **state)
{
    (void)state;
    begin_empty();
    add("web", "sha256:1", "registry/web:latest", false);
    model.count = 0;
    assert_non_null(strstr(obstacle(0), "declare"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin_tag_and_built_service_get_their_names_back),
        cmocka_unit_test(pin_one_tag_for_two_images_is_the_first_ones),
        cmocka_unit_test(pin_always_pulled_is_no_name_to_run_from),
        cmocka_unit_test(pin_digest_is_kept_where_it_is_what_ran),
        cmocka_unit_test(pin_service_that_is_not_declared_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
