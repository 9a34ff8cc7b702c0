/* Goal: what either compose program renders is read to the same model, with the line of the source
 * for each part; secrets are read exactly; no text makes it run away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#include "actions/compose/view/compose_view_read.h"

static const char SOURCE[] = "x-shared: &shared\n"                                 /* 1 */
                             "  HMAC_SECRET: ${HMAC_SECRET:?needed}\n"             /* 2 */
                             "services:\n"                                         /* 3 */
                             "  base:\n"                                           /* 4 */
                             "    environment:\n"                                  /* 5 */
                             "      INHERITED: $BASE_SECRET\n"                     /* 6 */
                             "  opsd:\n"                                           /* 7 */
                             "    extends: {service: base}\n"                      /* 8 */
                             "    user: root\n"                                    /* 9 */
                             "    environment:\n"                                  /* 10 */
                             "      <<: *shared\n"                                 /* 11 */
                             "      PRICE: a$$b\n"                                 /* 12 */
                             "      SAME_NAME:\n"                                  /* 13 */
                             "    volumes:\n"                                      /* 14 */
                             "      - /var/run/docker.sock:/var/run/docker.sock\n" /* 15 */
                             "      - type: bind\n"                                /* 16 */
                             "        source: /srv\n"                              /* 17 */
                             "        target: /data\n"                             /* 18 */
                             "      - disguised:/sock\n"                           /* 19 */
                             "    ports:\n"                                        /* 20 */
                             "      - \"127.0.0.1:5432:5432\"\n"                   /* 21 */
                             "      - \"8000-8001:9000-9001/udp\"\n"               /* 22 */
                             "      - target: 3100\n"                              /* 23 */
                             "        published: ${PORT}\n"                        /* 24 */
                             "      - \"7000\"\n"                                  /* 25 */
                             "  api:\n"                                            /* 26 */
                             "    env_file: [api.env]\n"                           /* 27 */
                             "    environment:\n"                                  /* 28 */
                             "      - HMAC_SECRET=${HMAC_SECRET}\n"                /* 29 */
                             "      - PLAIN=1\n"                                   /* 30 */
                             "    secrets: [file]\n"                               /* 31 */
                             "    volumes_from: [opsd]\n"                          /* 32 */
                             "    privileged: true\n"                              /* 33 */
                             "volumes:\n"
                             "  disguised: {driver_opts: {type: none, o: bind, device: /run}}\n"
                             "secrets:\n"
                             "  file: {file: /etc/secret}\n";

#define LONG "0123456789 123456789 123456789 123456789"
static const char FIRST[] =
    "secrets:\n  file:\n    file: /etc/secret\n"
    "services:\n"
    "  api:\n    environment:\n      FROM_FILE: 'q\n\n        r'\n      HMAC_SECRET: '" LONG
    "\n        folded'\n      PLAIN: 1\n"
    "    privileged: true\n    secrets:\n    - source: file\n    volumes_from:\n    - "
    "service:opsd:rw\n"
    "  opsd:\n    environment:\n      HMAC_SECRET: '" LONG
    "\n        folded'\n      INHERITED: base\n      PRICE: a$$b\n      SAME_NAME: null\n"
    "    image: titan/opsd\n    ports:\n    - 127.0.0.1:5432:5432/tcp\n    - protocol: udp\n      "
    "published: 8000\n      target: 9000\n"
    "    - protocol: udp\n      published: 8001\n      target: 9001\n    - published: 3100\n      "
    "target: 3100\n    - target: 7000\n    user: root\n"
    "    volumes:\n    - /var/run/docker.sock:/var/run/docker.sock:rw\n    - source: /srv\n      "
    "target: /data\n      type: bind\n    - disguised:/sock:rw\n    - /anonymous\n"
    "version: '3.8'\n"
    "volumes:\n  disguised:\n    driver_opts:\n      device: /run\n      o: bind\n      type: "
    "none\n";

static const char SECOND[] =
    "name: titan\n"
    "services:\n"
    "  api:\n    build: {context: /opt/titan}\n    environment:\n      FROM_FILE: \"q\\nr\"\n      "
    "HMAC_SECRET: " LONG " folded\n      PLAIN: \"1\"\n"
    "    privileged: true\n    secrets:\n      - source: file\n        target: /run/secrets/file\n "
    "   volumes_from:\n      - opsd\n"
    "  opsd:\n    environment:\n      HMAC_SECRET: " LONG
    " folded\n      INHERITED: base\n      PRICE: a$$b\n      SAME_NAME: null\n"
    "    image: titan/opsd\n    ports:\n      - mode: ingress\n        host_ip: 127.0.0.1\n        "
    "target: 5432\n        published: \"5432\"\n        protocol: tcp\n"
    "      - mode: ingress\n        target: 9000\n        published: \"8000\"\n        protocol: "
    "udp\n      - mode: ingress\n        target: 9001\n        published: \"8001\"\n        "
    "protocol: udp\n"
    "      - mode: ingress\n        target: 3100\n        published: \"3100\"\n        protocol: "
    "tcp\n      - mode: ingress\n        target: 7000\n        protocol: tcp\n    user: root\n"
    "    volumes:\n      - type: bind\n        source: /var/run/docker.sock\n        target: "
    "/var/run/docker.sock\n        bind:\n          create_host_path: true\n"
    "      - type: bind\n        source: /srv\n        target: /data\n      - type: volume\n       "
    " source: disguised\n        target: /sock\n        volume: {}\n"
    "      - type: volume\n        target: /anonymous\n"
    "volumes:\n  disguised:\n    name: titan_disguised\n    driver_opts:\n      device: /run\n     "
    " o: bind\n      type: none\n"
    "secrets:\n  file:\n    name: titan_file\n    file: /etc/secret\n";

static void check_variable(const struct compose_service *service, const char *name,
                           const char *value, const char *origin, int line)
{
    const struct compose_variable *variable = compose_service_variable(service, name);
    assert_non_null(variable);
    if (value == NULL) {
        assert_null(variable->value);
    } else {
        assert_string_equal(variable->value, value);
        assert_int_equal(variable->length, strlen(value));
    }
    assert_string_equal(variable->origin, origin);
    assert_int_equal(variable->line, line);
}

static void check_ports(const struct compose_service *service)
{
    static const struct published rows[] = {
        {"127.0.0.1", 5432, 5432, 5432, false, 21},
        {"", 8000, 8000, 9000, true, 22},
        {"", 8001, 8001, 9001, true, 22},
        {"", 3100, 3100, 3100, false, 23},
        {"", 0, 0, 7000, false, 25},
    };
    assert_int_equal(service->port_count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < service->port_count; i++) {
        const struct published *port = &service->ports[i];
        assert_string_equal(port->address, rows[i].address);
        assert_int_equal(port->first, rows[i].first);
        assert_int_equal(port->last, rows[i].last);
        assert_int_equal(port->target, rows[i].target);
        assert_int_equal(port->udp, rows[i].udp);
        assert_int_equal(port->line, rows[i].line);
    }
}

static void compose_view_read_both_programs_alike(void **state)
{
    (void)state;
    static const char *const texts[] = {FIRST, SECOND};
    static const struct {
        const char *source;
        int line;
    } mounts[] = {{"/var/run/docker.sock", 15}, {"/srv", 16}, {"/run", 19}};
    for (size_t i = 0; i < 2; i++) {
        struct compose_view *view = NULL;
        struct error error;
        assert_int_equal(compose_view_read(texts[i], strlen(texts[i]), SOURCE, strlen(SOURCE),
                                           &view, &error),
                         ERROR_OK);
        const struct compose_service *opsd = compose_view_service(view, "opsd"),
                                     *api = compose_view_service(view, "api");
        assert_int_equal(view->count, 2);
        assert_null(compose_view_service(view, "base"));
        assert_int_equal(opsd->line, 7);
        assert_string_equal(opsd->user, "root");
        assert_int_equal(opsd->user_line, 9);
        assert_string_equal(opsd->image, "titan/opsd");
        assert_true(api->privileged && !opsd->privileged);
        assert_int_equal(api->privileged_line, 33);
        assert_int_equal(api->built, i == 1);
        check_variable(opsd, "HMAC_SECRET", LONG " folded", "HMAC_SECRET", 2);
        check_variable(opsd, "INHERITED", "base", "BASE_SECRET", 6);
        check_variable(opsd, "PRICE", "a$b", "", 12);
        check_variable(opsd, "SAME_NAME", NULL, "SAME_NAME", 13);
        check_variable(api, "HMAC_SECRET", LONG " folded", "HMAC_SECRET", 29);
        check_variable(api, "PLAIN", "1", "", 30);
        check_variable(api, "FROM_FILE", "q\nr", "", 27);
        assert_null(compose_service_variable(api, "HMAC"));
        check_ports(opsd);
        assert_int_equal(opsd->mount_count, 3);
        assert_int_equal(api->mount_count, 4);
        assert_string_equal(api->mounts[0].source, "/etc/secret");
        assert_int_equal(api->mounts[0].line, 31);
        for (size_t j = 0; j < 3; j++) {
            assert_string_equal(opsd->mounts[j].source, mounts[j].source);
            assert_int_equal(opsd->mounts[j].line, mounts[j].line);
            assert_string_equal(api->mounts[j + 1].source, mounts[j].source);
            assert_int_equal(api->mounts[j + 1].line, 32);
        }
        compose_view_close(view);
    }
}

static void compose_view_read_list_and_bad_port_are_kept(void **state)
{
    (void)state;
    static const char text[] =
        "services:\n  a:\n    environment: [A=x=y, B=, C]\n    ports: [what]\n";
    struct compose_view *view = NULL;
    struct error error;
    assert_int_equal(compose_view_read(text, strlen(text), text, strlen(text), &view, &error),
                     ERROR_OK);
    const struct compose_service *service = compose_view_service(view, "a");
    check_variable(service, "A", "x=y", "", 3);
    check_variable(service, "B", "", "", 3);
    check_variable(service, "C", NULL, "C", 3);
    assert_int_equal(service->port_count, 1);
    assert_int_equal(service->ports[0].last, 65535);
    compose_view_close(view);
}

static void compose_view_read_anything_else_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "services:\n",
                                      "services: [a]\n",
                                      "services: {a: {}",
                                      "a: &a [*a]\nservices: *b\n",
                                      "services: {'': {}}\n",
                                      "\x01\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct compose_view *view = NULL;
        struct error error;
        assert_int_equal(compose_view_read(bad[i], strlen(bad[i]), SOURCE, strlen(SOURCE), &view,
                                           &error),
                         ERROR_PROTOCOL);
        assert_null(view);
    }
}

/* Merges of merges of merges, and circles: it ends, without lines. */
static void compose_view_read_hostile_source_ends(void **state)
{
    (void)state;
    static const char circle[] =
        "a: &a {<<: *a}\nservices:\n  opsd: {<<: *a, extends: opsd}\n  api: {extends: opsd}\n";
    char bomb[8192] = "a0: &a0 {x: 1}\n";
    size_t used = strlen(bomb);
    for (int i = 1; i < 40; i++) {
        used += (size_t)snprintf(bomb + used, sizeof bomb - used, "a%d: &a%d {<<: [", i, i);
        for (int j = 0; j < 20; j++)
            used += (size_t)snprintf(bomb + used, sizeof bomb - used, "%s*a%d", j > 0 ? "," : "",
                                     i - 1);
        used += (size_t)snprintf(bomb + used, sizeof bomb - used, "]}\n");
    }
    (void)snprintf(bomb + used, sizeof bomb - used, "services:\n  opsd: *a39\n  api: *a39\n");
    const char *const sources[] = {circle, bomb, "services: {opsd: *nothing}\n", "- [", ""};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct compose_view *view = NULL;
        struct error error;
        assert_int_equal(compose_view_read(FIRST, strlen(FIRST), sources[i], strlen(sources[i]),
                                           &view, &error),
                         ERROR_OK);
        assert_string_equal(
            compose_service_variable(compose_view_service(view, "opsd"), "INHERITED")->value,
            "base");
        compose_view_close(view);
    }
}

/* What a target may print at most, of nothing but beginnings: the library would take a minute of
 * the first and all memory for the others. As a document, and behind one that is good. */
static void compose_view_read_deep_text_is_refused_at_once(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    static const char *const parts[] = {"[", "{a: ", "- ", "? ", "- ? ", "!!map {a: ", "[\n"};
    char *text = malloc(SIZE);
    assert_non_null(text);
    for (size_t i = 0; i < 2 * sizeof parts / sizeof parts[0]; i++) {
        const char *part = parts[i / 2];
        size_t used = 0;
        struct compose_view *view = NULL;
        struct error error;
        if (i % 2 == 1)
            used = (size_t)snprintf(text, SIZE, "services:\n  a: {image: b}\nx:\n");
        while (used + strlen(part) < SIZE)
            used += (size_t)snprintf(text + used, SIZE - used, "%s", part);
        clock_t before = clock();
        assert_int_equal(compose_view_read(text, used, NULL, 0, &view, &error), ERROR_PROTOCOL);
        assert_true(clock() - before < CLOCKS_PER_SEC);
    }
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(compose_view_read_both_programs_alike),
        cmocka_unit_test(compose_view_read_list_and_bad_port_are_kept),
        cmocka_unit_test(compose_view_read_anything_else_is_an_error),
        cmocka_unit_test(compose_view_read_hostile_source_ends),
        cmocka_unit_test(compose_view_read_deep_text_is_refused_at_once),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
