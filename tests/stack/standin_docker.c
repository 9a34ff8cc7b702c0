/* tests/stack/standin_docker: the words of `docker`. Options are those of actions/compose/compose.h
 * and of the stack's script; another one is an error. */
#include "standin.h"
#include "template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes options off the front of the words. Values of options that take one go to `values` by their
 * place in `names`. */
struct options {
    const char *const *names; /* ends with NULL; a name that ends with '=' takes a value */
    const char *values[16];
    json_t *repeated[16];
};

static int read_options(struct options *options, int count, char **words)
{
    int at = 0;
    while (at < count && words[at][0] == '-' && words[at][1] != '\0') {
        size_t found = 0, length = 0;
        for (; options->names[found] != NULL; found++) {
            length = strlen(options->names[found]);
            bool takes = options->names[found][length - 1] == '=';
            length -= takes ? 1 : 0;
            if (strncmp(words[at], options->names[found], length) == 0
                && (words[at][length] == '\0' || (takes && words[at][length] == '=')))
                break;
        }
        if (options->names[found] == NULL)
            die(125, "unknown flag: %s\nSee 'docker --help'.", words[at]);
        const char *value = words[at][length] == '=' ? words[at] + length + 1 : "";
        if (options->names[found][length] == '=' && value[0] == '\0') {
            if (++at >= count)
                die(125, "flag needs an argument: %s", words[at - 1]);
            value = words[at];
        }
        options->values[found] = value;
        if (options->repeated[found] == NULL)
            options->repeated[found] = json_array();
        (void)json_array_append_new(options->repeated[found], json_string(value));
        at++;
    }
    return at;
}

static char *need_container(const char *reference)
{
    char *id = container_find(reference);
    if (id == NULL)
        die(1, "Error: No such container: %s", reference);
    return id;
}

static bool matches(const json_t *container, const json_t *filters)
{
    for (size_t i = 0; i < json_array_size(filters); i++) {
        const char *filter = json_string_value(json_array_get(filters, i));
        const char *equals = strncmp(filter, "label=", 6) == 0 ? strchr(filter + 6, '=') : NULL;
        if (strncmp(filter, "name=", 5) == 0
            && strstr(state_string(container, "Name"), filter + 5) == NULL)
            return false;
        if (equals != NULL
            && strcmp(container_label(container,
                                      text("%.*s", (int)(equals - filter - 6), filter + 6)),
                      equals + 1)
                   != 0)
            return false;
        if (strncmp(filter, "label=", 6) == 0 && equals == NULL
            && container_label(container, filter + 6)[0] == '\0')
            return false;
    }
    return true;
}

static int list(int count, char **words)
{
    static const char *const names[] = {"-a",  "-q",    "--no-trunc", "--filter=",
                                        "-aq", "--all", "--quiet",    NULL};
    struct options options = {.names = names};
    (void)read_options(&options, count, words);
    bool all = options.values[0] != NULL || options.values[4] != NULL || options.values[5] != NULL;
    bool quiet = options.values[1] != NULL || options.values[4] != NULL
                 || options.values[6] != NULL;
    const json_t *ids = container_list();
    if (!quiet)
        (void)printf("CONTAINER ID   IMAGE   STATUS   NAMES\n");
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        const json_t *record = state_read(state_path("containers/%s/container.json", id));
        if (record == NULL || (!all && !container_runs(id))
            || !matches(record, options.repeated[3]))
            continue;
        (void)printf("%.*s", options.values[2] != NULL ? STANDIN_ID_HEX : 12, id);
        if (!quiet)
            (void)printf("   %s   %s   %s",
                         state_string(json_object_get(record, "Config"), "Image"),
                         state_string(json_object_get(container_inspect(id), "State"), "Status"),
                         state_string(record, "Name") + 1);
        (void)putchar('\n');
    }
    return 0;
}

static int inspect(int count, char **words, bool image_only)
{
    static const char *const names[] = {"--format=", "-f=", NULL};
    struct options options = {.names = names};
    int at = read_options(&options, count, words), status = 0;
    const char *format = options.values[0] != NULL ? options.values[0] : options.values[1];
    json_t *all = json_array();
    bool printed = false;
    for (; at < count; at++) {
        char *id = image_only ? NULL : container_find(words[at]),
             *image = id == NULL ? image_find(words[at]) : NULL;
        json_t *value = id != NULL      ? container_inspect(id)
                        : image != NULL ? image_inspect(image)
                                        : NULL;
        if (value == NULL) {
            (void)fprintf(stderr,
                          image_only ? "Error: No such image: %s\n" : "Error: No such object: %s\n",
                          words[at]);
            status = 1;
        } else if (format != NULL) {
            template_print(stdout, format, value);
            printed = true;
        } else {
            (void)json_array_append_new(all, value);
        }
    }
    if (format == NULL) {
        (void)json_dumpf(all, stdout, JSON_INDENT(4));
        (void)putchar('\n');
    } else if (!printed) {
        (void)putchar('\n'); /* as docker does where it found nothing */
    }
    return status;
}

static int logs(int count, char **words)
{
    static const char *const names[] = {"--timestamps", "--since=", "--tail=", "-t", NULL};
    struct options options = {.names = names};
    int at = read_options(&options, count, words);
    if (at + 1 != count)
        die(1, "\"docker logs\" requires exactly 1 argument.");
    bool all = options.values[2] == NULL || strcmp(options.values[2], "all") == 0;
    bool stamps = options.values[0] != NULL || options.values[3] != NULL;
    return logs_print(need_container(words[at]), options.values[1],
                      all ? -1 : strtol(options.values[2], NULL, 10), stamps);
}

static int copy(int count, char **words)
{
    char *colon = count == 2 ? strchr(words[0], ':') : NULL;
    if (colon == NULL || strcmp(words[1], "-") != 0)
        die(1, "standin: only `cp CONTAINER:PATH -` is there");
    return logs_copy(need_container(text("%.*s", (int)(colon - words[0]), words[0])), colon + 1);
}

static int create(int count, char **words)
{
    static const char *const names[] = {"--name=", "--label=", NULL};
    struct options options = {.names = names};
    int at = read_options(&options, count, words);
    if (at >= count)
        die(1, "\"docker create\" requires at least 1 argument.");
    state_lock();
    char *image = image_find(words[at]);
    if (image == NULL)
        die(125, "Unable to find image '%s' locally", words[at]);
    const char *name = options.values[0] != NULL ? options.values[0]
                                                 : text("standin_%.8s", state_random_id());
    if (container_find(name) != NULL)
        die(125,
            "docker: Error response from daemon: Conflict. The container name \"/%s\" is already "
            "in use.",
            name);
    struct container_plan plan = {.name = name,
                                  .image_name = words[at],
                                  .restart = "no",
                                  .labels = json_object(),
                                  .command = json_array()};
    for (size_t i = 0; i < json_array_size(options.repeated[1]); i++) {
        char *pair = text("%s", json_string_value(json_array_get(options.repeated[1], i))),
             *equals = strchr(pair, '=');
        if (equals != NULL)
            *equals = '\0';
        (void)json_object_set_new(plan.labels, pair, json_string(equals != NULL ? equals + 1 : ""));
    }
    for (int i = at + 1; i < count; i++)
        (void)json_array_append_new(plan.command, json_string(words[i]));
    (void)printf("%s\n", container_create(&plan, image));
    return 0;
}

static int each_container(int count, char **words, const char *what)
{
    static const char *const names[] = {"-f", "-t=", "--force", NULL};
    struct options options = {.names = names};
    int at = read_options(&options, count, words), status = 0;
    int64_t grace_ms = options.values[1] != NULL ? strtoll(options.values[1], NULL, 10) * 1000
                                                 : 10000;
    bool force = options.values[0] != NULL || options.values[2] != NULL;
    state_lock();
    for (; at < count; at++) {
        char *id = container_find(words[at]);
        if (id == NULL) {
            (void)fprintf(stderr, "Error: No such container: %s\n", words[at]);
            status = force && strcmp(what, "rm") == 0 ? status : 1;
            continue;
        }
        bool removes = strcmp(what, "rm") == 0;
        if (removes && !force && container_runs(id))
            die(1,
                "Error response from daemon: You cannot remove a running container %s. Stop the "
                "container before attempting removal or force remove",
                id);
        if (strcmp(what, "stop") == 0 || strcmp(what, "restart") == 0)
            container_stop(id, grace_ms);
        if (strcmp(what, "kill") == 0)
            container_stop(id, 0);
        if (removes)
            container_remove(id);
        if (strcmp(what, "start") == 0 || strcmp(what, "restart") == 0)
            container_start(id);
        (void)printf("%s\n", words[at]);
    }
    return status;
}

static int image_words(const char *what, int count, char **words)
{
    static const char *const names[] = {"-o=", "-i=", "-t=", "-f=", "-q", NULL},
                             *const force[] = {"-f", "--force", NULL};
    struct options options = {.names = strcmp(what, "rmi") == 0 ? force : names};
    int at = read_options(&options, count, words);
    char *reason, *id;
    state_lock();
    if (strcmp(what, "tag") == 0 && at + 2 == count) {
        if ((id = image_find(words[at])) == NULL)
            die(1, "Error response from daemon: No such image: %s", words[at]);
        image_tag(id, words[at + 1]);
    } else if (strcmp(what, "pull") == 0 && at + 1 == count) {
        if (!image_pull(words[at], &reason))
            die(1, "Error response from daemon: %s", reason);
    } else if (strcmp(what, "push") == 0 && at + 1 == count) {
        image_push(words[at]);
    } else if (strcmp(what, "rmi") == 0 && at < count) {
        for (; at < count; at++)
            image_untag(words[at]);
    } else if (strcmp(what, "save") == 0 && options.values[0] != NULL && at + 1 == count) {
        image_save(options.values[0], words[at]);
    } else if (strcmp(what, "load") == 0 && options.values[1] != NULL) {
        image_load(options.values[1]);
    } else if (strcmp(what, "build") == 0 && at + 1 == count) {
        (void)build_image(options.values[3] != NULL ? options.values[3]
                                                    : text("%s/Dockerfile", words[at]),
                          words[at], options.values[2]);
    } else {
        die(1, "standin: these words of `docker %s` are not there", what);
    }
    return 0;
}

/* Its store is the classic one. */
static int info(int count, char **words)
{
    static const char *const names[] = {"--format=", NULL};
    struct options options = {.names = names};
    (void)read_options(&options, count, words);
    template_print(stdout, options.values[0] != NULL ? options.values[0] : "{{json .}}",
                   json_pack("{s:[[s,s]]}", "DriverStatus", "Backing Filesystem", "standin"));
    return 0;
}

static int exec(int count, char **words)
{
    if (count < 2)
        die(1, "\"docker exec\" requires at least 2 arguments.");
    char *id = need_container(words[0]);
    if (!container_runs(id))
        die(1, "Error response from daemon: Container %s is not running", id);
    return container_exec(id, words + 1);
}

int docker_run(int count, char **words)
{
    static const char *const image_commands[] = {"tag",  "pull", "push",  "rmi",
                                                 "save", "load", "build", NULL};
    static const char *const container_commands[] = {"rm",      "stop", "start",
                                                     "restart", "kill", NULL};
    const char *what = count > 1 ? words[1] : "";
    int left = count - 2;
    if (strcmp(what, "ps") == 0)
        return list(left, words + 2);
    if (strcmp(what, "inspect") == 0)
        return inspect(left, words + 2, false);
    if (strcmp(what, "image") == 0 && left > 0 && strcmp(words[2], "inspect") == 0)
        return inspect(left - 1, words + 3, true);
    if (strcmp(what, "info") == 0)
        return info(left, words + 2);
    if (strcmp(what, "logs") == 0)
        return logs(left, words + 2);
    if (strcmp(what, "cp") == 0)
        return copy(left, words + 2);
    if (strcmp(what, "create") == 0)
        return create(left, words + 2);
    if (strcmp(what, "exec") == 0)
        return exec(left, words + 2);
    for (size_t i = 0; image_commands[i] != NULL; i++)
        if (strcmp(what, image_commands[i]) == 0)
            return image_words(what, left, words + 2);
    for (size_t i = 0; container_commands[i] != NULL; i++)
        if (strcmp(what, container_commands[i]) == 0)
            return each_container(left, words + 2, what);
    die(1, "docker: '%s' is not a docker command.\nSee 'docker --help'", what);
}
