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
    bool no_deps, force_recreate, remove_orphans, only_hashes, only_services, briefly;
    const char *scales[SERVICES_MAX], *profile; /* "web=3" */
    size_t scale_count;
    json_t *brought; /* services that this `up` is through with */
};

static const json_t *options_of(const struct compose *compose, const char *service)
{
    return json_object_get(compose->services, service);
}

/* What has no image is built, under a name of compose's own. */
static bool is_built(const struct compose *compose, const char *service)
{
    return json_object_get(options_of(compose, service), "image") == NULL;
}

static const char *image_of(const struct compose *compose, const char *service)
{
    return is_built(compose, service)
               ? arena_text(compose->shell->arena, "%s_%s", compose->project, service)
               : json_string_value(json_object_get(options_of(compose, service), "image"));
}

/* Any of its containers; with a name, that one. */
static struct titan_container *container_of(const struct compose *compose, const char *service,
                                            const char *name)
{
    for (size_t i = compose->titan->container_count; i-- > 0;) {
        struct titan_container *container = &compose->titan->containers[i];
        if (container->there && strcmp(container->project, compose->project) == 0
            && strcmp(container->service, service) == 0
            && (name == NULL || strcmp(container->name, name) == 0))
            return container;
    }
    return NULL;
}

/* A profile of it is active, or it has none. */
static bool is_active(const struct compose *compose, const char *service)
{
    const json_t *profiles = json_object_get(options_of(compose, service), "profiles"), *profile;
    bool active = profiles == NULL
                  || (compose->profile != NULL && strcmp(compose->profile, "*") == 0);
    const char *all = compose_file_value(compose->shell, compose->env_file, "COMPOSE_PROFILES");
    size_t i;
    json_array_foreach (profiles, i, profile)
        active = active || (all != NULL && strcmp(json_string_value(profile), all) == 0);
    return active;
}

static long replicas_of(const struct compose *compose, const char *service)
{
    const char *declared = json_string_value(
        json_object_get(json_object_get(options_of(compose, service), "deploy"), "replicas"));
    size_t length = strlen(service);
    for (size_t i = 0; i < compose->scale_count; i++)
        if (strncmp(compose->scales[i], service, length) == 0 && compose->scales[i][length] == '=')
            declared = compose->scales[i] + length + 1;
    return declared != NULL ? strtol(declared, NULL, 10) : 1;
}

/* Of the options and of the image's id; no image here yet is an answer too. How many containers,
 * after which others and when at all is no option of one. */
static const char *config_hash(const struct compose *compose, const char *service)
{
    const struct titan_image *image = titan_image(compose->titan, image_of(compose, service));
    json_t *options = json_copy(json_object_get(compose->services, service));
    (void)json_object_del(options, "deploy");
    (void)json_object_del(options, "depends_on");
    (void)json_object_del(options, "profiles");
    json_t *hashed = json_pack("{s:o, s:s?}", "options", options, "image",
                               image == NULL                 ? NULL
                               : compose->titan->by_manifest ? image->manifest
                                                             : image->id);
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

static void make(const struct compose *compose, const char *service, const char *name,
                 const struct titan_image *image, bool again)
{
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
    bool given = tag->there != NULL && (tag->there->faults & FAULT_NO_PULL) == 0
                 && !compose->titan->registry_down;
    if (given)
        titan_name(compose->titan, name, tag->there, false);
    sh_printf(compose->shell, 2, "Pulling %s ... %s\n", service, given ? "done" : "error");
    if (!given)
        sh_printf(compose->shell, 2, "\nERROR: for %s  manifest for %s not found\n", service, name);
    return given;
}

/* From the sources that are published for the service. */
static bool build(const struct compose *compose, const char *service)
{
    const char *name = image_of(compose, service),
               *sources = arena_text(compose->shell->arena, "registry.test/%s:latest", service);
    take_time(compose);
    titan_name(compose->titan, name,
               titan_make(compose->titan, name, titan_tag(compose->titan, sources)->there), true);
    sh_printf(compose->shell, 2, "Building %s ... done\n", service);
    return true;
}

static const char *name_of(const struct compose *compose, const char *service, long number)
{
    return arena_text(compose->shell->arena, "%s_%s_%ld", compose->project, service, number);
}

/* Those beyond the number that it is to have. */
static void scale_down(const struct compose *compose, const char *service, long wanted)
{
    long seen = 0;
    for (size_t i = 0; i < compose->titan->container_count; i++) {
        struct titan_container *container = &compose->titan->containers[i];
        if (!container->there || strcmp(container->project, compose->project) != 0
            || strcmp(container->service, service) != 0)
            continue;
        if (++seen > wanted)
            container->there = container->running = false;
    }
}

static void up_container(const struct compose *compose, const char *service,
                         const struct titan_image *image, const char *name)
{
    struct titan_container *old = container_of(compose, service, name);
    bool same = old != NULL && strcmp(old->hash, config_hash(compose, service)) == 0;
    take_time(compose);
    if (old == NULL) {
        make(compose, service, name, image, false);
    } else if (!same || compose->force_recreate) {
        old->there = old->running = false;
        take_time(compose);
        make(compose, service, name, image, true);
    } else if (!old->running) {
        titan_start(compose->titan, old);
        sh_printf(compose->shell, 2, "Starting %s ... done\n", old->name);
    } else {
        sh_printf(compose->shell, 2, "%s is up-to-date\n", old->name);
    }
}

static bool up_service(const struct compose *compose, const char *service)
{
    const char *name = image_of(compose, service);
    if (titan_image(compose->titan, name) == NULL
        && !(is_built(compose, service) ? build(compose, service) : pull(compose, service)))
        return false;
    const struct titan_image *image = titan_image(compose->titan, name);
    long wanted = replicas_of(compose, service);
    scale_down(compose, service, wanted);
    struct titan_container *old = container_of(compose, service, NULL);
    bool same = old != NULL && strcmp(old->hash, config_hash(compose, service)) == 0;
    if ((image->faults & FAULT_NO_UP) != 0 && (old == NULL || !same || compose->force_recreate)) {
        sh_printf(compose->shell, 2, "ERROR: for %s  Cannot start service %s\n", service, service);
        return false;
    }
    for (long i = 1; i <= wanted; i++)
        up_container(compose, service, image, name_of(compose, service, i));
    return true;
}

/* What another one must have completed before. */
static bool await_completion(const struct compose *compose, const char *service, const char *other)
{
    const struct titan_container *container = container_of(compose, other, NULL);
    for (int i = 0; container != NULL && container->running && i < 64; i++)
        take_time(compose);
    if (container == NULL || (!container->running && container->exit_code == 0))
        return true;
    sh_printf(compose->shell, 2,
              "ERROR: for %s  Service(s) upstream of %s did not complete successfully - %s\n",
              service, service, other);
    return false;
}

/* After those on which it depends; each once. */
static bool up_in_order(const struct compose *compose, const char *service)
{
    const char *other;
    json_t *terms;
    bool good = true;
    if (json_object_get(compose->brought, service) != NULL)
        return true;
    (void)json_object_set_new(compose->brought, service, json_true());
    json_object_foreach (json_object_get(options_of(compose, service), "depends_on"), other,
                         terms) {
        const char *condition = json_string_value(json_object_get(terms, "condition"));
        good = good && (compose->no_deps || up_in_order(compose, other));
        if (good && condition != NULL && strcmp(condition, "service_completed_successfully") == 0)
            good = await_completion(compose, service, other);
    }
    return good && up_service(compose, service);
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
        good = up_in_order(compose, words[i]);
    }
    if (count == 0)
        json_object_foreach (compose->services, name, service)
            good = good && (!is_active(compose, name) || up_in_order(compose, name));
    return good ? 0 : 1;
}

static int run_pull(struct compose *compose, int count, char **words)
{
    bool good = true;
    for (int i = 0; i < count; i++)
        good = pull(compose, words[i]) && good;
    return good ? 0 : 1;
}

static int run_build(struct compose *compose, int count, char **words)
{
    bool good = true;
    for (int i = 0; i < count; i++)
        good = build(compose, words[i]) && good;
    return good ? 0 : 1;
}

static int run_config(struct compose *compose, int count, char **words)
{
    const char *name;
    json_t *service;
    (void)count;
    (void)words;
    if (compose->only_hashes)
        json_object_foreach (compose->services, name, service) {
            if (is_active(compose, name))
                sh_printf(compose->shell, 1, "%s %s\n", name, config_hash(compose, name));
        }
    else if (compose->only_services)
        json_object_foreach (compose->services, name, service)
            sh_printf(compose->shell, 1, "%s\n", name);
    else
        compose_file_print(compose->shell, compose->model);
    return 0;
}

/* exec -T SERVICE WORDS: a check in the container, good while the service is. */
static int run_exec(struct compose *compose, int count, char **words)
{
    const char *service = count > 1 && strcmp(words[0], "-T") == 0 ? words[1] : "";
    const struct titan_container *container = container_of(compose, service, NULL);
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
        else if (strcmp(word, "--services") == 0)
            compose->only_services = true;
        else if (strcmp(word, "--profile") == 0)
            compose->profile = words[++i];
        else if (strcmp(word, "--scale") == 0 && compose->scale_count < SERVICES_MAX)
            compose->scales[compose->scale_count++] = words[++i];
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
    } commands[] = {{"up", run_up},
                    {"pull", run_pull},
                    {"config", run_config},
                    {"exec", run_exec},
                    {"build", run_build}};
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
    if (count >= SERVICES_MAX + 8)
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
    compose.brought = json_object();
    *ret_status = run_command(&compose, left, rest);
    json_decref(compose.brought);
    json_decref(compose.model);
    return true;
}
