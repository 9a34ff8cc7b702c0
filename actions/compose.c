#include "actions/compose.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

/* `.Id` sends Docker to its raw answer, where a container without a check of its own has no Health at all: hence `index`. */
static const char CONTAINER_TEMPLATE[] =
    "{\"service\":{{json (index .Config.Labels \"com.docker.compose.service\")}},\"id\":{{json .Id}},\"image\":{{json .Image}},"
    "\"state\":{{json .State.Status}},\"health\":{{if (index .State \"Health\")}}{{json .State.Health.Status}}{{else}}null{{end}},"
    "\"started_at\":{{json .State.StartedAt}},\"restarts\":{{.RestartCount}},\"name\":{{json .Name}}}";
static const char IMAGE_TEMPLATE[] = "\"id\":{{json .Id}},\"digests\":{{json .RepoDigests}}}";

/* compose's own rule: the directory's last name, lower case, without anything but letters, digits, '-' and '_'. */
static void project_name(const struct setup *setup, char *ret_name, size_t room)
{
    if (setup->compose.project[0] != '\0') {
        (void)snprintf(ret_name, room, "%s", setup->compose.project);
        return;
    }
    const char *slash = strrchr(setup->target.directory, '/');
    size_t length = 0;
    for (const char *at = slash != NULL ? slash + 1 : setup->target.directory; *at != '\0' && length + 1 < room; at++) {
        char c = (char)tolower((unsigned char)*at);
        if (isalnum((unsigned char)c) || c == '-' || c == '_')
            ret_name[length++] = c;
    }
    ret_name[length] = '\0';
}

enum error_code compose_prefix(const struct target *target, const char *override, struct bytes *script, struct error *error)
{
    const struct setup *setup = target_setup(target);
    const struct setup_compose *compose = &setup->compose;
    char project[128];
    project_name(setup, project, sizeof project);
    enum error_code code = strcmp(compose->command, "auto") != 0
        ? bytes_append_format(script, error, "%s -p ", compose->command)
        : bytes_append_format(script, error, "c=docker-compose; if %s compose version >/dev/null 2>&1; then c='%s compose'; fi; $c -p ",
                              setup->target.docker, setup->target.docker);
    if (code == ERROR_OK)
        code = shell_quote(script, project, error);
    if (code == ERROR_OK)
        code = bytes_append(script, " -f ", 4, error);
    if (code == ERROR_OK)
        code = shell_quote(script, compose->file, error);
    if (code == ERROR_OK && override != NULL) {
        code = bytes_append(script, " -f ", 4, error);
        if (code == ERROR_OK)
            code = shell_quote(script, override, error);
    }
    if (code == ERROR_OK && compose->env_file[0] != '\0') {
        code = bytes_append(script, " --env-file ", 12, error);
        if (code == ERROR_OK)
            code = shell_quote(script, compose->env_file, error);
    }
    return code == ERROR_OK ? bytes_append(script, " ", 1, error) : code;
}

/* Compose only warns about an unset variable and blanks it; both programs say so in these words. */
static bool names_unset_variable(const struct bytes *errors, char *ret_name, size_t room)
{
    const char *text = errors->data != NULL ? (const char *)errors->data : "";
    const char *found = strstr(text, "variable is not set");
    const char *line = found;
    while (line != NULL && line > text && line[-1] != '\n')
        line--;
    if (line != NULL)
        (void)snprintf(ret_name, room, "%.*s", (int)(found - line) + 19, line);
    return line != NULL;
}

static void copy_scalar(struct fy_node *node, char *ret_text, size_t room)
{
    size_t length = 0;
    const char *text = node != NULL ? fy_node_get_scalar(node, &length) : NULL;
    if (text == NULL || length >= room)
        length = 0;
    if (length > 0)
        memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

static enum error_code read_model(const struct bytes *yaml, struct compose_model *ret_model, struct error *error)
{
    static const struct fy_parse_cfg quiet = {.flags = FYPCF_QUIET};
    struct compose_model model = {.count = 0};
    struct fy_document *document = fy_document_build_from_string(&quiet, (const char *)yaml->data, yaml->size);
    struct fy_node *services = document != NULL ? fy_node_mapping_lookup_by_string(fy_document_root(document), "services", FY_NT) : NULL;
    bool good = services != NULL && fy_node_is_mapping(services);
    void *at = NULL;
    for (struct fy_node_pair *pair; good && (pair = fy_node_mapping_iterate(services, &at)) != NULL;) {
        good = model.count < SETUP_NAMES_MAX;
        if (!good)
            break;
        struct fy_node *value = fy_node_pair_value(pair);
        copy_scalar(fy_node_pair_key(pair), model.services[model.count].service, sizeof model.services[0].service);
        copy_scalar(fy_node_mapping_lookup_by_string(value, "image", FY_NT), model.services[model.count].image, sizeof model.services[0].image);
        model.services[model.count].built = fy_node_mapping_lookup_by_string(value, "build", FY_NT) != NULL;
        good = model.services[model.count++].service[0] != '\0';
    }
    fy_document_destroy(document);
    if (!good)
        return error_set(error, ERROR_PROTOCOL, 0, "compose", "run `compose config` by hand and look at it", "the rendered configuration has no services that can be read");
    *ret_model = model;
    return ERROR_OK;
}

enum error_code compose_render(struct target *target, struct evidence *evidence, struct compose_model *ret_model, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    struct compose_model model;
    const char *file = target_setup(target)->compose.file;
    char unset[160];
    enum error_code code = compose_prefix(target, NULL, &script, error);
    if (code == ERROR_OK)
        code = bytes_append(&script, "config", 6, error);
    if (code == ERROR_OK)
        code = target_run(target, &(struct target_command){.script = (const char *)script.data, .output = OUTPUT_RAW}, &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.status != 0)
        code = error_set(error, ERROR_REMOTE, result.status, file, "run `compose config` with the same --env-file on the target", "the compose file does not render: %.300s",
                         result.errors.size > 0 ? (const char *)result.errors.data : "no reason given");
    else if (names_unset_variable(&result.errors, unset, sizeof unset))
        code = error_set(error, ERROR_REMOTE, 0, file, "set it in the env file", "compose would blank a variable: %s", unset);
    else
        code = read_model(&result.output, &model, error);
    bytes_free(&result.output);
    struct bytes names = {0};
    for (size_t i = 0; code == ERROR_OK && i < model.count; i++)
        code = bytes_append_format(&names, error, "%s\n", model.services[i].service);
    if (code == ERROR_OK)
        code = evidence_add(evidence, "compose.services", "", result.status, &names, result.sent_ns, result.received_ns, &result.span, error);
    bytes_free(&names);
    if (code == ERROR_OK)
        *ret_model = model;
    return code;
}

/* HMAC-SHA-256 (RFC 2104) in POSIX sh: the two padded keys lie in files, so no key is ever an argument. */
static const char HMAC_FUNCTIONS[] =
    "unhex() { read -r h; while [ -n \"$h\" ]; do r=${h#??}; printf \"\\\\$(printf %03o \"0x${h%\"$r\"}\")\"; h=$r; done; }; "
    "pad() { h=$1; n=0; while [ $n -lt 64 ]; do if [ -n \"$h\" ]; then r=${h#??}; v=$((0x${h%\"$r\"})); h=$r; else v=0; fi; "
    "printf \"\\\\$(printf %03o $((v ^ $2)))\"; n=$((n + 1)); done; }; "
    "hmac() { { cat \"$o\"; { cat \"$i\"; cat; } | sha256sum | cut -c1-64 | unhex; } | sha256sum | cut -c1-64; }; "
    "if [ ! -s \"$o\" ]; then k=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \\n'); (umask 077; pad \"$k\" 54 > \"$i.new\" && mv \"$i.new\" \"$i\" && "
    "pad \"$k\" 92 > \"$o.new\" && sync && mv \"$o.new\" \"$o\") || exit 1; fi; ";

static enum error_code fingerprint_script(const struct target *target, struct bytes *script, struct error *error)
{
    CLEANUP_BYTES struct bytes inner = {0}, outer = {0}, state = {0};
    enum error_code code = target_state_path(target, "drift.inner", &inner, error);
    if (code == ERROR_OK)
        code = target_state_path(target, "drift.outer", &outer, error);
    if (code == ERROR_OK)
        code = target_state_path(target, "", &state, error);
    if (code == ERROR_OK)
        code = bytes_append_format(script, error, "mkdir -p ");
    if (code == ERROR_OK)
        code = shell_quote(script, (const char *)state.data, error);
    if (code == ERROR_OK)
        code = bytes_append_format(script, error, " && i=");
    if (code == ERROR_OK)
        code = shell_quote(script, (const char *)inner.data, error);
    if (code == ERROR_OK)
        code = bytes_append_format(script, error, " && o=");
    if (code == ERROR_OK)
        code = shell_quote(script, (const char *)outer.data, error);
    if (code == ERROR_OK)
        code = bytes_append_format(script, error, "; %s", HMAC_FUNCTIONS);
    return code;
}

enum error_code compose_fingerprints(struct target *target, struct evidence *evidence, struct error *error)
{
    const struct setup_compose *compose = &target_setup(target)->compose;
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = fingerprint_script(target, &script, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "v=$(");
    if (code == ERROR_OK)
        code = compose_prefix(target, NULL, &script, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "config 2>/dev/null) && printf '%%s\\n' \"$v\" | hmac");
    if (code == ERROR_OK)
        code = target_probe(target, &(struct target_command){.script = (const char *)script.data, .output = OUTPUT_NAMES}, "config.hmac", "", evidence, NULL, error);
    bytes_free(&script);
    if (code == ERROR_OK)
        code = fingerprint_script(target, &script, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "hmac < ");
    if (code == ERROR_OK)
        code = shell_quote(&script, compose->env_file[0] != '\0' ? compose->env_file : "/dev/null", error);
    return code == ERROR_OK ? target_probe(target, &(struct target_command){.script = (const char *)script.data, .output = OUTPUT_NAMES}, "env.hmac", "", evidence, NULL, error) : code;
}

enum error_code compose_containers(struct target *target, struct evidence *evidence, struct containers *ret_containers, struct error *error)
{
    const struct setup *setup = target_setup(target);
    CLEANUP_BYTES struct bytes script = {0};
    char project[128];
    int status;
    project_name(setup, project, sizeof project);
    enum error_code code = bytes_append_format(&script, error, "ids=$(%s ps -a -q --no-trunc --filter label=com.docker.compose.project=%s "
                                               "--filter label=com.docker.compose.oneoff=False) || exit 1; [ -z \"$ids\" ] || %s inspect --format '%s' $ids",
                                               setup->target.docker, project, setup->target.docker, CONTAINER_TEMPLATE);
    if (code == ERROR_OK)
        code = target_probe(target, &(struct target_command){.script = (const char *)script.data, .output = OUTPUT_NAMES}, "compose.containers", "", evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    const struct evidence_item *item = evidence_last(evidence, "compose.containers", NULL);
    if (status != 0)
        return error_set(error, ERROR_REMOTE, status, "docker", "run `docker ps` on the target", "the containers cannot be listed: %.300s", (const char *)item->output.data);
    return containers_read(&item->output, ret_containers, error);
}

/* A service that is only built has an image all the same, under the name that either program gives it: project_service, project-service. */
static enum error_code add_image(const struct target *target, const struct compose_model *model, size_t index, struct bytes *script, struct error *error)
{
    const char *docker = target_setup(target)->target.docker, *service = model->services[index].service, *image = model->services[index].image;
    char project[128], names[2][256];
    project_name(target_setup(target), project, sizeof project);
    for (size_t i = 0; i < 2; i++) {
        if (image[0] != '\0')
            (void)snprintf(names[i], sizeof names[i], "%s", image);
        else
            (void)snprintf(names[i], sizeof names[i], "%s%c%s", project, i == 0 ? '_' : '-', service);
    }
    enum error_code code = bytes_append_format(script, error, "; printf '{\"service\":\"%%s\",\"name\":\"%%s\",' '%s' ", service);
    if (code == ERROR_OK)
        code = shell_quote(script, image, error);
    for (size_t i = 0; code == ERROR_OK && i < 2; i++) {
        code = bytes_append_format(script, error, "%s%s image inspect --format '%s' ", i == 0 ? "; " : " 2>/dev/null || ", docker, IMAGE_TEMPLATE);
        if (code == ERROR_OK)
            code = shell_quote(script, names[i], error);
    }
    return code == ERROR_OK ? bytes_append_format(script, error, " 2>/dev/null || echo '\"id\":\"\",\"digests\":[]}'") : code;
}

enum error_code compose_images(struct target *target, const struct compose_model *model, struct evidence *evidence, struct images *ret_images, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append(&script, ":", 1, error);
    for (size_t i = 0; code == ERROR_OK && i < model->count; i++)
        code = add_image(target, model, i, &script, error);
    if (code == ERROR_OK)
        code = target_probe(target, &(struct target_command){.script = (const char *)script.data, .output = OUTPUT_NAMES}, "compose.images", "", evidence, NULL, error);
    return code == ERROR_OK ? images_read(&evidence_last(evidence, "compose.images", NULL)->output, ret_images, error) : code;
}

/* " a b c", quoted. */
static enum error_code add_services(struct bytes *script, const struct compose_model *model, bool built, struct error *error)
{
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < model->count; i++) {
        if (model->services[i].built != built)
            continue;
        code = bytes_append(script, " ", 1, error);
        if (code == ERROR_OK)
            code = shell_quote(script, model->services[i].service, error);
    }
    return code;
}

enum error_code compose_pull(struct target *target, const struct target_lease *lease, const struct compose_model *model, int64_t deadline_ms,
                             struct evidence *evidence, int *ret_status, struct error *error)
{
    size_t built = 0;
    for (size_t i = 0; i < model->count; i++)
        built += model->services[i].built;
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append(&script, "exec 2>&1; ", 11, error);
    if (code == ERROR_OK && built < model->count) {
        code = compose_prefix(target, NULL, &script, error);
        if (code == ERROR_OK)
            code = bytes_append(&script, "pull", 4, error);
        if (code == ERROR_OK)
            code = add_services(&script, model, false, error);
        if (code == ERROR_OK)
            code = bytes_append(&script, " || exit 1; ", 12, error);
    }
    if (code == ERROR_OK && built > 0) {
        code = compose_prefix(target, NULL, &script, error);
        if (code == ERROR_OK)
            code = bytes_append(&script, "build", 5, error);
        if (code == ERROR_OK)
            code = add_services(&script, model, true, error);
    }
    struct target_command command = {.script = (const char *)script.data, .deadline_ms = deadline_ms, .lease = lease};
    return code == ERROR_OK ? target_probe(target, &command, "compose.pull", "", evidence, ret_status, error) : code;
}

enum error_code compose_up(struct target *target, const struct target_lease *lease, const struct compose_up *up, struct evidence *evidence, int *ret_status,
                           struct error *error)
{
    const struct { bool on; const char *word; } words[] = {{up->no_deps, " --no-deps"}, {up->force_recreate, " --force-recreate"},
                                                           {up->no_build, " --no-build"}, {up->remove_orphans, " --remove-orphans"}};
    CLEANUP_BYTES struct bytes script = {0};
    char subject[EVIDENCE_SUBJECT_MAX] = "";
    enum error_code code = bytes_append(&script, "exec 2>&1; ", 11, error);
    if (code == ERROR_OK)
        code = compose_prefix(target, up->override, &script, error);
    if (code == ERROR_OK)
        code = bytes_append(&script, "up -d", 5, error);
    for (size_t i = 0; code == ERROR_OK && i < sizeof words / sizeof words[0]; i++)
        if (words[i].on)
            code = bytes_append(&script, words[i].word, strlen(words[i].word), error);
    for (size_t i = 0; code == ERROR_OK && i < up->service_count; i++) {
        size_t used = strlen(subject);
        (void)snprintf(subject + used, sizeof subject - used, "%s%s", i > 0 ? " " : "", up->services[i]);
        code = bytes_append(&script, " ", 1, error);
        if (code == ERROR_OK)
            code = shell_quote(&script, up->services[i], error);
    }
    struct target_command command = {.script = (const char *)script.data, .deadline_ms = up->deadline_ms, .lease = lease};
    return code == ERROR_OK ? target_probe(target, &command, "compose.up", subject, evidence, ret_status, error) : code;
}
