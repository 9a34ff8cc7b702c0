/* tests/world/titan_compose: the words of docker-compose 1.29 that actions/ uses. A service whose
 * configuration and image did not change is left alone. */
#include "tests/world/titan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/compose_file.h"

enum { SERVICES_MAX = 16, COST_NS = 400000000 };

struct compose {
    struct sh *shell;
    struct titan *titan;
    const char *project, *files[4], *env_file;
    size_t file_count;
    json_t *model, *services;
    bool no_deps, force_recreate, remove_orphans, only_hashes, briefly;
};

static const char *image_of(const struct compose *compose, const char *service)
{
    return json_string_value(json_object_get(json_object_get(compose->services, service), "image"));
}

static struct titan_container *container_of(const struct compose *compose, const char *service)
{
    for (size_t i = compose->titan->container_count; i-- > 0;) {
        struct titan_container *container = &compose->titan->containers[i];
        if (container->there && strcmp(container->project, compose->project) == 0
            && strcmp(container->service, service) == 0)
            return container;
    }
    return NULL;
}

/* Of the options and of the image's id; no image here yet is an answer too. */
static const char *config_hash(const struct compose *compose, const char *service)
{
    const struct titan_image *image = titan_image(compose->titan, image_of(compose, service));
    json_t *hashed = json_pack("{s:O, s:s?}", "options",
                               json_object_get(compose->services, service), "image",
                               image != NULL ? image->id : NULL);
    char hex[SHA256_HEX + 1], *text = json_dumps(hashed, JSON_SORT_KEYS);
    bytes_sha256_hex(text, strlen(text), hex);
    free(text);
    json_decref(hashed);
    return arena_copy(compose->shell->arena, hex, SHA256_HEX);
}

/* What takes time on a real machine takes it here: the services go on meanwhile. */
static void take_time(const struct compose *compose)
{
    timeline_move(compose->titan->timeline, compose->titan->timeline->now_ns + COST_NS);
}

static void make(const struct compose *compose, const char *service,
                 const struct titan_image *image, bool again)
{
    const char *name = arena_text(compose->shell->arena, "%s_%s_1", compose->project, service);
    struct titan_container *container = titan_create(compose->titan, compose->project, service,
                                                     name, image, config_hash(compose, service));
    titan_start(compose->titan, container);
    sh_printf(compose->shell, 2, "%s %s ... done\n", again ? "Recreating" : "Creating", name);
}

static bool pull(const struct compose *compose, const char *service)
{
    const char *name = image_of(compose, service);
    struct titan_tag *tag = titan_tag(compose->titan, name);
    take_time(compose);
    bool given = tag->there != NULL && (tag->there->faults & FAULT_NO_PULL) == 0;
    if (given)
        tag->here = tag->there;
    sh_printf(compose->shell, 2, "Pulling %s ... %s\n", service, given ? "done" : "error");
    if (!given)
        sh_printf(compose->shell, 2, "\nERROR: for %s  manifest for %s not found\n", service, name);
    return given;
}

/* One container a service: of more than one the first stays. */
static void scale_down(const struct compose *compose, const char *service)
{
    bool first = true;
    for (size_t i = 0; i < compose->titan->container_count; i++) {
        struct titan_container *container = &compose->titan->containers[i];
        if (!container->there || strcmp(container->project, compose->project) != 0
            || strcmp(container->service, service) != 0)
            continue;
        if (!first)
            container->there = container->running = false;
        first = false;
    }
}

static bool up_service(const struct compose *compose, const char *service)
{
    const char *name = image_of(compose, service);
    if (titan_image(compose->titan, name) == NULL && !pull(compose, service))
        return false;
    const struct titan_image *image = titan_image(compose->titan, name);
    scale_down(compose, service);
    struct titan_container *old = container_of(compose, service);
    bool same = old != NULL && strcmp(old->hash, config_hash(compose, service)) == 0;
    if ((image->faults & FAULT_NO_UP) != 0 && (old == NULL || !same || compose->force_recreate)) {
        sh_printf(compose->shell, 2, "ERROR: for %s  Cannot start service %s\n", service, service);
        return false;
    }
    take_time(compose);
    if (old == NULL) {
        make(compose, service, image, false);
    } else if (!same || compose->force_recreate) {
        old->there = old->running = false;
        take_time(compose);
        make(compose, service, image, true);
    } else if (!old->running) {
        titan_start(compose->titan, old);
        sh_printf(compose->shell, 2, "Starting %s ... done\n", old->name);
    } else {
        sh_printf(compose->shell, 2, "%s is up-to-date\n", old->name);
    }
    return true;
}

static void remove_orphans(const struct compose *compose)
{
    for (size_t i = 0; i < compose->titan->container_count; i++) {
        struct titan_container *container = &compose->titan->containers[i];
        if (!container->there || strcmp(container->project, compose->project) != 0
            || json_object_get(compose->services, container->service) != NULL)
            continue;
        sh_printf(compose->shell, 2, "Removing orphan container \"%s\"\n", container->name);
        container->there = container->running = false;
    }
}

static int run_up(struct compose *compose, int count, char **words)
{
    const char *name;
    json_t *service;
    bool good = true;
    if (compose->remove_orphans)
        remove_orphans(compose);
    for (int i = 0; good && i < count; i++) {
        if (json_object_get(compose->services, words[i]) == NULL) {
            sh_printf(compose->shell, 2, "No such service: %s\n", words[i]);
            return 1;
        }
        good = up_service(compose, words[i]);
    }
    if (count == 0)
        json_object_foreach (compose->services, name, service)
            good = good && up_service(compose, name);
    return good ? 0 : 1;
}

static int run_pull(struct compose *compose, int count, char **words)
{
    bool good = true;
    for (int i = 0; i < count; i++)
        good = pull(compose, words[i]) && good;
    return good ? 0 : 1;
}

static int run_config(struct compose *compose, int count, char **words)
{
    const char *name;
    json_t *service;
    (void)count;
    (void)words;
    if (compose->only_hashes)
        json_object_foreach (compose->services, name, service)
            sh_printf(compose->shell, 1, "%s %s\n", name, config_hash(compose, name));
    else
        compose_file_print(compose->shell, compose->model);
    return 0;
}

/* exec -T SERVICE WORDS: a check in the container, good while the service is. */
static int run_exec(struct compose *compose, int count, char **words)
{
    const char *service = count > 1 && strcmp(words[0], "-T") == 0 ? words[1] : "";
    const struct titan_container *container = container_of(compose, service);
    if (container == NULL || !container->running) {
        sh_printf(compose->shell, 2, "No container found for %s_1\n", service);
        return 1;
    }
    return titan_is_healthy(container) ? 0 : 1;
}

/* Options may stand before and after the command's word. The number of the other words. */
static int read_words(struct compose *compose, int count, char **words, char **rest)
{
    int left = 0;
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        if (word[0] != '-' || (left > 0 && strcmp(rest[0], "exec") == 0))
            rest[left++] = words[i];
        else if (strcmp(word, "-p") == 0)
            compose->project = words[++i];
        else if (strcmp(word, "-f") == 0 && compose->file_count < 4)
            compose->files[compose->file_count++] = words[++i];
        else if (strcmp(word, "--env-file") == 0)
            compose->env_file = words[++i];
        else if (strcmp(word, "--no-deps") == 0)
            compose->no_deps = true;
        else if (strcmp(word, "--force-recreate") == 0)
            compose->force_recreate = true;
        else if (strcmp(word, "--remove-orphans") == 0)
            compose->remove_orphans = true;
        else if (strcmp(word, "--hash=*") == 0)
            compose->only_hashes = true;
        else if (strcmp(word, "--short") == 0)
            compose->briefly = true;
        else if (strcmp(word, "-d") != 0 && strcmp(word, "--no-build") != 0)
            sh_refuse(compose->shell, "docker-compose %s", word);
    }
    return left;
}

static int run_command(struct compose *compose, int count, char **words)
{
    static const struct {
        const char *word;
        int (*run)(struct compose *compose, int count, char **words);
    } commands[] = {{"up", run_up}, {"pull", run_pull}, {"config", run_config}, {"exec", run_exec}};
    for (size_t i = 0; count > 0 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[0], commands[i].word) == 0)
            return commands[i].run(compose, count - 1, words + 1);
    sh_refuse(compose->shell, "docker-compose %s", count > 0 ? words[0] : "");
}

bool titan_compose(struct sh *shell, int count, char **words, int *ret_status)
{
    char *rest[SERVICES_MAX + 8];
    struct compose compose = {.shell = shell, .titan = shell->context};
    if (strcmp(words[0], "docker-compose") != 0)
        return false;
    if (count >= SERVICES_MAX)
        sh_refuse(shell, "docker-compose with %d words", count);
    int left = read_words(&compose, count - 1, words + 1, rest);
    *ret_status = 1;
    if (left > 0 && strcmp(rest[0], "version") == 0) {
        sh_printf(shell, 1, compose.briefly ? "1.29.2\n" : "docker-compose version 1.29.2\n");
        *ret_status = 0;
        return true;
    }
    if (compose.titan->docker_down) {
        sh_printf(shell, 2, "Couldn't connect to Docker daemon\n");
        return true;
    }
    compose.model = compose_file_load(shell, compose.files, compose.file_count, compose.env_file);
    if (compose.model == NULL)
        return true;
    compose.services = json_object_get(compose.model, "services");
    if (compose.project == NULL)
        compose.project = json_string_value(json_object_get(compose.model, "name"));
    if (compose.project == NULL)
        compose.project = "titan"; /* of its directory */
    *ret_status = run_command(&compose, left, rest);
    json_decref(compose.model);
    return true;
}
