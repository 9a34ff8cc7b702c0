/* tests/stack/standin_build: a Dockerfile of FROM, ARG, COPY, ENV, LABEL, ENTRYPOINT and CMD. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct build {
    const char *context;
    char *root;
    json_t *config;
};

static void from(struct build *build, const char *name)
{
    if (strcmp(name, "scratch") == 0)
        return;
    char *id = image_find(name), *reason;
    if (id == NULL && image_pull(name, &reason))
        id = image_find(name);
    if (id == NULL)
        die(1, "pull access denied for %s", name);
    tree_copy(state_path("images/%s/root", id + 7), build->root, true);
    build->config = json_deep_copy(json_object_get(image_inspect(id), "Config"));
}

static void copy(struct build *build, const char *arguments)
{
    char source[512], destination[512];
    if (sscanf(arguments, "%511s %511s", source, destination) != 2)
        die(1, "COPY requires at least two arguments");
    size_t length = strlen(destination);
    const char *base = strrchr(source, '/');
    const char *last = destination[length - 1] != '/' ? "" : base != NULL ? base + 1 : source;
    char *to = text("%s%s%s", build->root, destination, last);
    tree_copy(text("%s/%s", build->context, source), to, false);
}

static void words(struct build *build, const char *key, const char *arguments)
{
    json_t *list = arguments[0] == '[' ? json_loads(arguments, 0, NULL)
                                       : json_pack("[s, s, s]", "/bin/sh", "-c", arguments);
    if (!json_is_array(list))
        die(1, "%s is no list of words", key);
    (void)json_object_set_new(build->config, key, list);
}

static void environment(struct build *build, const char *arguments)
{
    json_t *list = json_object_get(build->config, "Env");
    if (!json_is_array(list))
        (void)json_object_set_new(build->config, "Env", json_array());
    (void)json_array_append_new(json_object_get(build->config, "Env"), json_string(arguments));
}

static void label(struct build *build, const char *arguments)
{
    char *pair = text("%s", arguments), *equals = strchr(pair, '=');
    if (equals == NULL)
        die(1, "LABEL must be a pair");
    *equals = '\0';
    (void)json_object_set_new(state_object(build->config, "Labels"), pair, json_string(equals + 1));
}

static void instruction(struct build *build, const char *line)
{
    size_t length = strcspn(line, " \t");
    const char *arguments = line + length + strspn(line + length, " \t");
    static const struct {
        const char *word;
        void (*act)(struct build *build, const char *arguments);
    } simple[] = {{"FROM", from}, {"COPY", copy}, {"ENV", environment}, {"LABEL", label}};
    if (length == 10 && strncasecmp(line, "ENTRYPOINT", 10) == 0) {
        words(build, "Entrypoint", arguments);
        return;
    }
    if (length == 3 && strncasecmp(line, "CMD", 3) == 0) {
        words(build, "Cmd", arguments);
        return;
    }
    if (length == 3 && strncasecmp(line, "ARG", 3) == 0)
        return;
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        if (strlen(simple[i].word) == length && strncasecmp(line, simple[i].word, length) == 0) {
            simple[i].act(build, arguments);
            return;
        }
    }
    die(1, "Error response from daemon: dockerfile parse error: unknown instruction: %.*s",
        (int)length, line);
}

char *build_image(const char *dockerfile, const char *context, const char *name)
{
    struct build build = {.context = context,
                          .root = state_path("build.%d", (int)getpid()),
                          .config = json_object()};
    char line[1024];
    int step = 0;
    FILE *file = fopen(dockerfile, "re");
    if (file == NULL)
        die(1,
            "unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat %s: "
            "no such file or directory",
            dockerfile);
    tree_make(build.root);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        (void)printf("Step %d : %s\n", ++step, line);
        instruction(&build, line);
    }
    (void)fclose(file);
    char *id = image_store(build.config, build.root);
    (void)printf("Successfully built %.12s\n", id + 7);
    if (name != NULL) {
        image_tag(id, name);
        (void)printf("Successfully tagged %s\n", image_full_name(name));
    }
    return id;
}
