/* tests/stack/standin_compose: the words of docker-compose 1.29. A service whose configuration and
 * image did not change is left alone. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 4, STOP_MS = 10000 };

struct compose {
    const char *project, *files[FILES_MAX], *env_file;
    size_t file_count;
    json_t *model, *services;
    bool detached, no_deps, force_recreate, no_recreate, no_build, build, remove_orphans, quiet,
        only_services, only_hashes, briefly;
    const char *scaled; /* SERVICE=N of --scale; every other service has one container */
};

static size_t scale_of(const struct compose *compose, const char *service)
{
    size_t length = strlen(service);
    bool given = compose->scaled != NULL && strncmp(compose->scaled, service, length) == 0
                 && compose->scaled[length] == '=';
    return given ? strtoul(compose->scaled + length + 1, NULL, 10) : 1;
}

/* A name that no container has. */
static char *free_name(const struct compose *compose, const char *service)
{
    for (int number = 1;; number++) {
        char *name = text("%s_%s_%d", compose->project, service, number);
        if (container_find(name) == NULL)
            return name;
    }
}

static char *image_name(const struct compose *compose, const char *service)
{
    const char *given = state_string(json_object_get(compose->services, service), "image");
    return given[0] != '\0' ? text("%s", given) : text("%s_%s", compose->project, service);
}

/* Containers of this project, of one service or of all (NULL). */
static json_t *containers_of(const struct compose *compose, const char *service)
{
    json_t *found = json_array();
    const json_t *ids = container_list();
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *container = state_read(
            state_path("containers/%s/container.json", json_string_value(json_array_get(ids, i))));
        if (strcmp(container_label(container, "com.docker.compose.project"), compose->project) == 0
            && (service == NULL
                || strcmp(container_label(container, "com.docker.compose.service"), service) == 0))
            (void)json_array_append(found, json_array_get(ids, i));
    }
    return found;
}

static void build_service(const struct compose *compose, const char *service)
{
    const json_t *build = json_object_get(json_object_get(compose->services, service), "build");
    const char *context = json_is_string(build) ? json_string_value(build)
                                                : state_string(build, "context");
    const char *file = state_string(build, "dockerfile");
    (void)printf("Building %s\n", service);
    (void)build_image(text("%s/%s", context, file[0] != '\0' ? file : "Dockerfile"), context,
                      image_name(compose, service));
}

static char *need_image(const struct compose *compose, const char *service)
{
    char *name = image_name(compose, service), *id = image_find(name), *reason;
    bool built = json_object_get(json_object_get(compose->services, service), "build") != NULL;
    if (built && (compose->build || (id == NULL && !compose->no_build))) {
        build_service(compose, service);
        id = image_find(name);
    } else if (id == NULL && built) {
        die(1, "Service '%s' needs to be built, but --no-build was passed.", service);
    } else if (id == NULL) {
        (void)fprintf(stderr, "Pulling %s (%s)...\n", service, name);
        if (!image_pull(name, &reason))
            die(1, "%s", reason);
        id = image_find(name);
    }
    return id;
}

static json_t *labels_of(const struct compose *compose, const char *service, const char *hash)
{
    char directory[4096];
    json_t *labels = json_object_get(json_object_get(compose->services, service), "labels");
    labels = json_is_object(labels) ? json_deep_copy(labels) : json_object();
    (void)json_object_update_new(
        labels,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "com.docker.compose.project",
                  compose->project, "com.docker.compose.service", service,
                  "com.docker.compose.oneoff", "False", "com.docker.compose.container-number", "1",
                  "com.docker.compose.config-hash", hash, "com.docker.compose.version", "1.29.2",
                  "com.docker.compose.project.working_dir", getcwd(directory, sizeof directory),
                  "com.docker.compose.project.config_files", compose->files[0]));
    return labels;
}

static void make(const struct compose *compose, const char *service, const char *name,
                 const char *image, const char *hash, const char *word)
{
    const json_t *described = json_object_get(compose->services, service),
                 *check = json_object_get(described, "healthcheck");
    const char *restart = state_string(described, "restart");
    struct container_plan plan = {.name = name,
                                  .image_name = image_name(compose, service),
                                  .restart = restart[0] != '\0' ? restart : "no",
                                  .environment = model_list(
                                      json_object_get(described, "environment")),
                                  .labels = labels_of(compose, service, hash)};
    if (json_object_get(described, "command") != NULL)
        plan.command = model_list(json_object_get(described, "command"));
    if (json_object_get(described, "entrypoint") != NULL)
        plan.entrypoint = model_list(json_object_get(described, "entrypoint"));
    if (json_is_array(json_object_get(check, "test")))
        plan.check = json_object_get(check, "test");
    (void)fprintf(stderr, "%s %s ... \n", word, name);
    container_start(container_create(&plan, image));
    (void)fprintf(stderr, "%s %s ... done\n", word, name);
}

/* Of the options and the image's id, as docker-compose does it; no image there yet is an answer
 * too. */
static char *config_hash(const struct compose *compose, const char *service, const char *image)
{
    json_t *hashed = json_pack("{s:O, s:s?}", "options",
                               json_object_get(compose->services, service), "image", image);
    return state_sha256(json_dumps(hashed, JSON_SORT_KEYS));
}

/* One container, made, made anew, started, or left alone. id: NULL = it is not there yet. */
static void up_one(const struct compose *compose, const char *service, const char *id)
{
    char *image = need_image(compose, service), *hash = config_hash(compose, service, image);
    const json_t *container = id != NULL
                                  ? state_read(state_path("containers/%s/container.json", id))
                                  : NULL;
    const char *name = id != NULL ? state_string(container, "Name") + 1
                                  : free_name(compose, service);
    bool same = container != NULL
                && strcmp(container_label(container, "com.docker.compose.config-hash"), hash) == 0;
    if (id == NULL) {
        make(compose, service, name, image, hash, "Creating");
    } else if ((!same && !compose->no_recreate) || compose->force_recreate) {
        container_stop(id, STOP_MS);
        container_remove(id);
        make(compose, service, name, image, hash, "Recreating");
    } else if (!container_runs(id)) {
        (void)fprintf(stderr, "Starting %s ... \n", name);
        container_start(id);
        (void)fprintf(stderr, "Starting %s ... done\n", name);
    } else {
        (void)fprintf(stderr, "%s is up-to-date\n", name);
    }
}

static void up_service(const struct compose *compose, const char *service)
{
    const json_t *there = containers_of(compose, service);
    size_t count = json_array_size(there), scale = scale_of(compose, service);
    for (size_t i = scale; i < count; i++) {
        const char *id = json_string_value(json_array_get(there, i));
        container_stop(id, STOP_MS);
        container_remove(id);
    }
    for (size_t i = 0; i < scale; i++)
        up_one(compose, service, json_string_value(json_array_get(there, i)));
}

static void add_with_dependencies(const struct compose *compose, const char *service, json_t *order)
{
    const json_t *described = json_object_get(compose->services, service),
                 *wanted = json_object_get(described, "depends_on");
    const char *key;
    json_t *value;
    size_t index;
    if (described == NULL)
        die(1, "No such service: %s", service);
    for (size_t i = 0; i < json_array_size(order); i++)
        if (strcmp(json_string_value(json_array_get(order, i)), service) == 0)
            return;
    if (!compose->no_deps && json_is_object(wanted))
        json_object_foreach ((json_t *)(uintptr_t)wanted, key, value)
            add_with_dependencies(compose, key, order);
    if (!compose->no_deps && json_is_array(wanted))
        json_array_foreach (wanted, index, value)
            add_with_dependencies(compose, json_string_value(value), order);
    (void)json_array_append_new(order, json_string(service));
}

static json_t *select_services(const struct compose *compose, int count, char **words)
{
    json_t *order = json_array(), *value;
    const char *key;
    for (int i = 0; i < count; i++)
        add_with_dependencies(compose, words[i], order);
    if (count == 0)
        json_object_foreach (compose->services, key, value)
            add_with_dependencies(compose, key, order);
    return order;
}

static void tend_orphans(const struct compose *compose)
{
    const json_t *ids = containers_of(compose, NULL);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        const json_t *container = state_read(state_path("containers/%s/container.json", id));
        if (json_object_get(compose->services,
                            container_label(container, "com.docker.compose.service"))
            != NULL)
            continue;
        const char *name = state_string(container, "Name") + 1;
        if (compose->remove_orphans) {
            (void)fprintf(stderr, "Removing orphan container \"%s\"\n", name);
            container_stop(id, STOP_MS);
            container_remove(id);
        } else {
            (void)fprintf(stderr,
                          "Found orphan containers (%s) for this project. If you removed or "
                          "renamed this service in your compose file, you can "
                          "run this command with the --remove-orphans flag to clean it up.\n",
                          name);
        }
    }
}

static int up(struct compose *compose, int count, char **words)
{
    if (!compose->detached)
        die(1, "standin: only `up -d` is there");
    const json_t *order = select_services(compose, count, words);
    state_lock();
    tend_orphans(compose);
    for (size_t i = 0; i < json_array_size(order); i++)
        up_service(compose, json_string_value(json_array_get(order, i)));
    return 0;
}

static int pull_or_build(struct compose *compose, bool pulls, int count, char **words)
{
    int status = 0;
    char *reason;
    compose->no_deps = true;
    const json_t *order = select_services(compose, count, words);
    state_lock();
    for (size_t i = 0; i < json_array_size(order); i++) {
        const char *service = json_string_value(json_array_get(order, i));
        const json_t *described = json_object_get(compose->services, service);
        if (!pulls && json_object_get(described, "build") == NULL) {
            (void)printf("%s uses an image, skipping\n", service);
        } else if (!pulls) {
            build_service(compose, service);
        } else if (json_object_get(described, "image") != NULL) {
            (void)fprintf(stderr, "Pulling %s ... \n", service);
            bool good = image_pull(image_name(compose, service), &reason);
            (void)fprintf(stderr, "Pulling %s ... %s\n", service, good ? "done" : "error");
            if (!good)
                (void)fprintf(stderr, "\nERROR: for %s  %s\n", service, reason);
            status = good ? status : 1;
        }
    }
    return status;
}

static int exec(const struct compose *compose, int count, char **words)
{
    if (count > 0 && strcmp(words[0], "-T") == 0) {
        words++;
        count--;
    }
    const json_t *ids = count > 1 ? containers_of(compose, words[0]) : NULL;
    const char *id = json_string_value(json_array_get(ids, 0));
    if (id == NULL || !container_runs(id))
        die(1, "No container found for %s_1", count > 0 ? words[0] : "");
    return container_exec(id, words + 1);
}

static int each(const struct compose *compose, const char *what, int count, char **words)
{
    const json_t *ids = containers_of(compose, NULL);
    if (strcmp(what, "ps") != 0)
        state_lock();
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        const json_t *container = state_read(state_path("containers/%s/container.json", id));
        bool wanted = count == 0;
        for (int word = 0; word < count; word++)
            wanted = wanted
                     || strcmp(words[word],
                               container_label(container, "com.docker.compose.service"))
                            == 0;
        if (!wanted)
            continue;
        if (strcmp(what, "ps") == 0)
            (void)printf(compose->quiet ? "%s\n" : "%.64s\n",
                         compose->quiet ? id : state_string(container, "Name") + 1);
        if (strcmp(what, "stop") == 0 || strcmp(what, "restart") == 0 || strcmp(what, "down") == 0)
            container_stop(id, STOP_MS);
        if (strcmp(what, "kill") == 0)
            container_stop(id, 0);
        if (strcmp(what, "start") == 0 || strcmp(what, "restart") == 0)
            container_start(id);
        if (strcmp(what, "down") == 0 || strcmp(what, "rm") == 0)
            container_remove(id);
    }
    return 0;
}

static int config(const struct compose *compose)
{
    const char *name;
    json_t *service;
    if (compose->only_services)
        json_object_foreach (compose->services, name, service)
            (void)printf("%s\n", name);
    else if (compose->only_hashes)
        json_object_foreach (compose->services, name, service)
            (void)printf("%s %s\n", name,
                         config_hash(compose, name, image_find(image_name(compose, name))));
    else if (!compose->quiet)
        model_print(compose->model);
    return 0;
}

/* Options may stand before and behind the command's word; the first word is the command. */
static int read_words(struct compose *compose, int count, char **words, char **rest)
{
    int left = 0;
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {{"-d", &compose->detached},
                 {"--detach", &compose->detached},
                 {"--no-deps", &compose->no_deps},
                 {"--force-recreate", &compose->force_recreate},
                 {"--no-recreate", &compose->no_recreate},
                 {"--no-build", &compose->no_build},
                 {"--build", &compose->build},
                 {"--remove-orphans", &compose->remove_orphans},
                 {"-q", &compose->quiet},
                 {"--quiet", &compose->quiet},
                 {"--services", &compose->only_services},
                 {"--hash=*", &compose->only_hashes},
                 {"--short", &compose->briefly}};
    for (int i = 0; i < count; i++) {
        bool exec_words = left > 0 && strcmp(rest[0], "exec") == 0, taken = false;
        for (size_t f = 0; !exec_words && f < sizeof flags / sizeof flags[0]; f++)
            if (strcmp(words[i], flags[f].word) == 0)
                *flags[f].flag = taken = true;
        if (exec_words || taken || words[i][0] != '-') {
            if (!taken)
                rest[left++] = words[i];
        } else if (i + 1 < count
                   && (strcmp(words[i], "-p") == 0 || strcmp(words[i], "--project-name") == 0)) {
            compose->project = words[++i];
        } else if (i + 1 < count && (strcmp(words[i], "-f") == 0 || strcmp(words[i], "--file") == 0)
                   && compose->file_count < FILES_MAX) {
            compose->files[compose->file_count++] = words[++i];
        } else if (i + 1 < count && strcmp(words[i], "--env-file") == 0) {
            compose->env_file = words[++i];
        } else if (i + 1 < count && strcmp(words[i], "--scale") == 0) {
            compose->scaled = words[++i];
        } else {
            die(1, "standin: docker-compose option %s is not there", words[i]);
        }
    }
    return left;
}

int compose_run(int count, char **words)
{
    static char *rest[STANDIN_WORDS_MAX];
    struct compose compose = {.project = NULL};
    if (count >= STANDIN_WORDS_MAX)
        die(1, "standin: too many words");
    int left = read_words(&compose, count - 1, words + 1, rest);
    const char *what = left > 0 ? rest[0] : "";
    if (strcmp(what, "version") == 0) {
        (void)puts(compose.briefly ? "1.29.2" : "docker-compose version 1.29.2, build unknown");
        return 0;
    }
    if (compose.file_count == 0)
        compose.files[compose.file_count++] = "docker-compose.yml";
    if (compose.project == NULL) {
        char directory[4096];
        compose.project = getcwd(directory, sizeof directory) != NULL
                              ? text("%s", strrchr(directory, '/') + 1)
                              : "default";
    }
    compose.model = model_load(compose.files, compose.file_count, compose.env_file);
    compose.services = json_object_get(compose.model, "services");
    if (strcmp(what, "config") == 0)
        return config(&compose);
    if (strcmp(what, "up") == 0)
        return up(&compose, left - 1, rest + 1);
    if (strcmp(what, "pull") == 0 || strcmp(what, "build") == 0)
        return pull_or_build(&compose, what[0] == 'p', left - 1, rest + 1);
    if (strcmp(what, "exec") == 0)
        return exec(&compose, left - 1, rest + 1);
    for (size_t i = 0; i < 7; i++)
        if (strcmp(what,
                   (const char *const[]){"ps", "stop", "start", "restart", "kill", "down", "rm"}[i])
            == 0)
            return each(&compose, what, left - 1, rest + 1);
    die(1, "No such command: %s", what);
}
