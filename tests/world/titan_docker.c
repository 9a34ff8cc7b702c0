/* tests/world/titan_docker: the words of `docker` that actions/ uses. */
#include "tests/world/titan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/stack/template.h"

static struct titan_container *find_container(struct titan *titan, const char *reference)
{
    for (size_t i = 0; i < titan->container_count; i++) {
        struct titan_container *container = &titan->containers[i];
        if (container->there
            && (strcmp(container->id, reference) == 0 || strcmp(container->name, reference) == 0))
            return container;
    }
    return NULL;
}

static void print_template(struct sh *shell, const char *format, const json_t *value)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        abort();
    template_print(stream, format, value);
    (void)fclose(stream);
    sh_print(shell, 1, text, size);
    free(text);
}

static json_t *container_json(const struct titan *titan, const struct titan_container *container)
{
    char started[UTC_LENGTH + 1] = "0001-01-01T00:00:00Z";
    char created[UTC_LENGTH + 1], finished[UTC_LENGTH + 1] = "0001-01-01T00:00:00Z";
    bool checked = strcmp(container->service, "web") == 0;
    const char *health = titan_is_healthy(container)                         ? "healthy"
                         : (container->image->faults & FAULT_UNHEALTHY) != 0 ? "unhealthy"
                                                                             : "starting";
    if (container->started_ns > 0)
        timeline_utc(titan->timeline, container->started_ns, started);
    timeline_utc(titan->timeline, container->created_ns, created);
    if (container->finished_ns > 0)
        timeline_utc(titan->timeline, container->finished_ns, finished);
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:o, s:i, s:{s:s, s:s, s:s, s:i}, s:{s:o, s:{s:s, s:s, s:s, s:s}}, "
        "s:{s:{s:{s:s}}}}",
        "Id", container->id, "Created", created, "Image", container->image->id, "Name",
        json_sprintf("/%s", container->name), "RestartCount", container->restarts, "State",
        "Status",
        container->running          ? "running"
        : container->started_ns > 0 ? "exited"
                                    : "created",
        "StartedAt", started, "FinishedAt", finished, "ExitCode",
        container->running ? 0 : container->exit_code, "Config", "Image",
        json_sprintf("%s:latest", container->image->name), "Labels", "com.docker.compose.service",
        container->service, "com.docker.compose.project", container->project,
        "com.docker.compose.config-hash", container->hash, "com.docker.compose.oneoff", "False",
        "NetworkSettings", "Networks", "titan_default", "IPAddress",
        container->running ? container->address : "");
    if (titan->store == STORE_BUILDKIT || titan->store == STORE_LEGACY)
        (void)json_object_set_new(object, "ImageManifestDescriptor",
                                  json_pack("{s:s}", "digest", container->image->manifest));
    if (checked && container->running)
        (void)json_object_set_new(json_object_get(object, "State"), "Health",
                                  json_pack("{s:s}", "Status", health));
    return object;
}

/* --filter name=..., label=com.docker.compose.project=... and ...oneoff=... */
static bool passes(const struct sh *shell, const struct titan_container *container,
                   const char *filter)
{
    static const char project[] = "label=com.docker.compose.project=",
                      service[] = "label=com.docker.compose.service=",
                      oneoff[] = "label=com.docker.compose.oneoff=", name[] = "name=";
    if (strncmp(filter, project, sizeof project - 1) == 0)
        return strcmp(container->project, filter + sizeof project - 1) == 0;
    if (strncmp(filter, service, sizeof service - 1) == 0)
        return strcmp(container->service, filter + sizeof service - 1) == 0;
    if (strncmp(filter, oneoff, sizeof oneoff - 1) == 0)
        return strcmp(filter + sizeof oneoff - 1, "False") == 0;
    if (strncmp(filter, name, sizeof name - 1) == 0)
        return strstr(container->name, filter + sizeof name - 1) != NULL;
    sh_refuse(shell, "docker ps --filter %s", filter);
}

static int run_ps(struct sh *shell, struct titan *titan, int count, char **words)
{
    for (size_t i = titan->container_count; i-- > 0;) {
        const struct titan_container *container = &titan->containers[i];
        bool listed = container->there, all = false;
        for (int word = 0; word < count; word++) {
            if (strcmp(words[word], "--filter") == 0)
                listed = passes(shell, container, words[++word]) && listed;
            else if (strcmp(words[word], "-a") == 0)
                all = true;
            else if (strcmp(words[word], "-q") != 0 && strcmp(words[word], "--no-trunc") != 0)
                sh_refuse(shell, "docker ps %s", words[word]);
        }
        if (listed && (all || container->running))
            sh_printf(shell, 1, "%s\n", container->id);
    }
    return 0;
}

static int run_inspect(struct sh *shell, struct titan *titan, int count, char **words)
{
    int status = 0;
    if (count < 3 || strcmp(words[0], "--format") != 0)
        sh_refuse(shell, "docker inspect without --format");
    for (int i = 2; i < count; i++) {
        const struct titan_container *container = find_container(titan, words[i]);
        if (container == NULL) {
            sh_printf(shell, 2, "Error: No such object: %s\n", words[i]);
            status = 1;
            continue;
        }
        json_t *object = container_json(titan, container);
        print_template(shell, words[1], object);
        json_decref(object);
    }
    return status;
}

/* --timestamps --since TIME [--tail N] ID */
static int run_logs(struct sh *shell, struct titan *titan, int count, char **words)
{
    const struct titan_container *container = find_container(titan, words[count - 1]);
    const char *since = "";
    bool timed = false;
    long tail = -1, skipped = 0;
    for (int i = 0; i + 1 < count; i++) {
        if (strcmp(words[i], "--since") == 0)
            since = words[++i];
        else if (strcmp(words[i], "--tail") == 0)
            tail = strtol(words[++i], NULL, 10);
        else if (strcmp(words[i], "--timestamps") == 0)
            timed = true;
        else
            sh_refuse(shell, "docker logs %s", words[i]);
    }
    if (container == NULL) {
        sh_printf(shell, 2, "Error: No such container: %s\n", words[count - 1]);
        return 1;
    }
    for (const struct titan_line *line = container->log; line != NULL; line = line->next)
        skipped += strcmp(line->utc, since) >= 0;
    skipped = tail >= 0 && skipped > tail ? skipped - tail : 0;
    for (const struct titan_line *line = container->log; line != NULL; line = line->next)
        if (strcmp(line->utc, since) >= 0 && skipped-- <= 0)
            sh_printf(shell, 1, "%s%s%s\n", timed ? line->utc : "", timed ? " " : "", line->text);
    return 0;
}

/* cp ID:PATH - : only the marker is asked for. */
static int run_cp(struct sh *shell, struct titan *titan, int count, char **words)
{
    const char *colon = count == 2 ? strchr(words[0], ':') : NULL;
    if (colon == NULL || strcmp(words[1], "-") != 0)
        sh_refuse(shell, "docker cp %s", count > 0 ? words[0] : "");
    const struct titan_container *container =
        find_container(titan, arena_copy(shell->arena, words[0], (size_t)(colon - words[0])));
    if (container == NULL) {
        sh_printf(shell, 2, "Error: No such container: %s\n", words[0]);
        return 1;
    }
    if (!container->marker) {
        sh_printf(shell, 2, "Error: Could not find the file %s in container %s\n", colon + 1,
                  container->id);
        return 1;
    }
    sh_print(shell, 1, "marker", 6);
    return 0;
}

static int run_rm(struct sh *shell, struct titan *titan, int count, char **words)
{
    int status = 0;
    for (int i = 0; i < count; i++) {
        struct titan_container *container = find_container(titan, words[i]);
        if (strcmp(words[i], "-f") == 0)
            continue;
        if (container == NULL) {
            sh_printf(shell, 2, "Error: No such container: %s\n", words[i]);
            status = 1;
            continue;
        }
        container->there = container->running = false;
        sh_printf(shell, 1, "%s\n", words[i]);
    }
    return status;
}

/* create --name NAME --label com.docker.compose.project=PROJECT IMAGE true */
static int run_create(struct sh *shell, struct titan *titan, int count, char **words)
{
    static const char label[] = "com.docker.compose.project=";
    if (count != 6 || strcmp(words[0], "--name") != 0
        || strncmp(words[3], label, sizeof label - 1) != 0)
        sh_refuse(shell, "docker create %s", count > 0 ? words[0] : "");
    const struct titan_image *image = titan_image(titan, words[4]);
    if (image == NULL) {
        sh_printf(shell, 2, "Unable to find image '%s' locally\n", words[4]);
        return 125;
    }
    sh_printf(shell, 1, "%s\n",
              titan_create(titan, words[3] + sizeof label - 1, "", words[1], image, "")->id);
    return 0;
}

bool titan_docker(struct sh *shell, int count, char **words, int *ret_status)
{
    static const struct {
        const char *word;
        int (*run)(struct sh *shell, struct titan *titan, int count, char **words);
    } commands[] = {{"ps", run_ps}, {"inspect", run_inspect}, {"logs", run_logs},
                    {"cp", run_cp}, {"rm", run_rm},           {"create", run_create}};
    struct titan *titan = shell->context;
    if (strcmp(words[0], "docker") != 0)
        return false;
    if (count > 1 && titan_is_broken(titan, "docker", words[1])) {
        sh_printf(shell, 2, "Error response from daemon: %s is broken\n", words[1]);
        *ret_status = 1;
        return true;
    }
    if (titan->docker_down) {
        sh_printf(shell, 2, "Cannot connect to the Docker daemon\n");
        *ret_status = 1;
        return true;
    }
    if (count > 1 && strcmp(words[1], "compose") == 0) { /* version 1 is there only */
        *ret_status = 1;
        return true;
    }
    for (size_t i = 0; count > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[1], commands[i].word) == 0) {
            *ret_status = commands[i].run(shell, titan, count - 2, words + 2);
            return true;
        }
    if (count < 2)
        sh_refuse(shell, "docker without a word");
    *ret_status = titan_images(shell, titan, count - 1, words + 1);
    return true;
}
