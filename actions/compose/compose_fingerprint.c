/* Configurations by fingerprint: neither they nor a plain hash of them may leave the target, and
 * they must still be compared. */
#include "actions/compose/compose.h"
#include "actions/compose/compose_project.h"
#include "actions/git.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

/* HMAC-SHA-256 (RFC 2104) in POSIX sh: the two padded keys lie in files, so no key is ever an
 * argument. */
static const char HMAC_FUNCTIONS[] =
    "unhex() { printf \"$(awk -v d=0123456789abcdef '{ for (i = 1; i < length($0); i += 2) "
    "printf \"\\\\%03o\", (index(d, substr($0, i, 1)) - 1) * 16 + index(d, substr($0, i + 1, 1)) - "
    "1 }')\"; }; "
    "pad() { h=$1; n=0; while [ $n -lt 64 ]; do if [ -n \"$h\" ]; then r=${h#??}; "
    "v=$((0x${h%\"$r\"})); h=$r; else v=0; fi; "
    "printf \"\\\\$(printf %03o $((v ^ $2)))\"; n=$((n + 1)); done; }; "
    "hmac() { { cat \"$o\"; { cat \"$i\"; cat; } | sha256sum | cut -c1-64 | unhex; } | sha256sum | "
    "cut -c1-64; }; ";

/* The inner pad is written first: where the outer one exists, both do. */
static const char MAKE_KEY[] =
    "if [ ! -s \"$o\" ]; then k=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \\n'); mkdir -p "
    "\"$s\" && (umask 077; pad \"$k\" 54 > \"$i.new\" && mv \"$i.new\" \"$i\" && "
    "pad \"$k\" 92 > \"$o.new\" && sync && mv \"$o.new\" \"$o\") || exit 1; fi; ";

/* Without the key, the result would be a plain hash. */
static const char NEED_KEY[] = "[ -r \"$i\" ] && [ -r \"$o\" ] || exit 3; ";

/* The pads of a key that only this shell knows: enough to compare two values that are read
 * together. */
static const char KEY_OR_MOMENT[] = "[ -r \"$i\" ] && [ -r \"$o\" ] || { k=$(od -An -v -tx1 -N32 "
                                    "/dev/urandom | tr -d ' \\n'); [ ${#k} = 64 ] || exit 3; "
                                    "hmac() { { printf %s \"$k\"; { printf %s \"$k\"; cat; } | "
                                    "sha256sum | cut -c1-64; } | sha256sum | cut -c1-64; }; }; ";

/* `without`: what to do where there is no key and none may be created. */
static void add_hmac_functions(struct text *script, const struct target *target,
                               enum compose_key key, const char *without)
{
    text_add(script, "s=");
    target_add_quoted_state_path(script, target, "");
    text_add(script, "; i=");
    target_add_quoted_state_path(script, target, "drift.inner");
    text_add(script, "; o=");
    target_add_quoted_state_path(script, target, "drift.outer");
    text_add(script, "; ");
    text_add(script, HMAC_FUNCTIONS);
    text_add(script, key == COMPOSE_KEY_MAKE ? MAKE_KEY : "");
    text_add(script, key == COMPOSE_KEY_MAKE ? NEED_KEY : without);
}

void compose_add_hmac(struct text *script, const struct target *target)
{
    add_hmac_functions(script, target, COMPOSE_KEY_MAKE, NEED_KEY);
}

/* As it is compared later: "600 1000 1000" LF, or "none" LF. */
static bool is_whole_mode(const struct bytes *line, const char *env_file)
{
    const char *text = (const char *)line->data;
    size_t at = 0, blanks = 0;
    if (env_file[0] == '\0')
        return line->size == 5 && memcmp(text, "none\n", 5) == 0;
    for (; at < line->size && ((text[at] >= '0' && text[at] <= '9') || text[at] == ' '); at++)
        blanks += text[at] == ' ';
    return blanks == 2 && at + 1 == line->size && text[at] == '\n';
}

/* The mode of the env file belongs to its fingerprint. */
static enum error_code look_at_mode(struct target *target, struct evidence *evidence,
                                    struct error *error)
{
    const char *env_file = target_setup(target)->compose.env_file;
    CLEANUP_TEXT struct text script = {0};
    text_add(&script, env_file[0] != '\0' ? "stat -L -c '%a %u %g' " : "echo none");
    if (env_file[0] != '\0')
        text_add_quoted(&script, env_file);
    enum error_code code = target_probe(target,
                                        &(struct target_command){.built = &script,
                                                                 .output = OUTPUT_NAMES},
                                        PROBE_ENV_MODE, "", evidence, NULL, error);
    if (code != ERROR_OK
        || is_whole_mode(&evidence_last(evidence, PROBE_ENV_MODE, NULL)->output, env_file))
        return code;
    return error_set(error, ERROR_PROTOCOL, 0, PROBE_ENV_MODE, "check stat on the target",
                     "the target printed no mode of the env file");
}

/* What compose printed is not shown: it may quote the env file. */
static enum error_code no_fingerprint(const struct target *target, const char *probe, int status,
                                      struct error *error)
{
    bool config = strcmp(probe, PROBE_CONFIG_HMAC) == 0, env = strcmp(probe, PROBE_ENV_HMAC) == 0;
    return error_set(error, ERROR_REMOTE, status, target_setup(target)->target.name,
                     config ? "run compose there with `config -q`: it says what is wrong in the "
                              "compose file or the env file"
                            : "look at it there by hand",
                     "%s",
                     config ? "compose does not render: the compose file or the env file is broken"
                     : env  ? "the env file cannot be read"
                            : "the state directory or a policy file cannot be read");
}

/* One line of hex digits, or nothing could be compared later. Where no key may be made, there may
 * be none to answer with. */
static enum error_code probe_hmac(struct target *target, enum compose_key key,
                                  const struct text *script, const char *probe,
                                  struct evidence *evidence, struct error *error)
{
    const struct target_command command = {.built = script, .output = OUTPUT_NAMES};
    int status;
    enum error_code code = target_probe(target, &command, probe, "", evidence, &status, error);
    if (code != ERROR_OK || key == COMPOSE_KEY_LEAVE)
        return code;
    if (status != 0)
        return no_fingerprint(target, probe, status, error);
    const struct bytes *printed = &evidence_last(evidence, probe, NULL)->output;
    char digits[SHA256_HEX + 1] = "";
    if (printed->size == SHA256_HEX + 1 && printed->data[SHA256_HEX] == '\n')
        memcpy(digits, printed->data, SHA256_HEX);
    if (bytes_is_hex(digits, SHA256_HEX))
        return ERROR_OK;
    return error_set(error, ERROR_PROTOCOL, 0, probe, "check sha256sum, awk and od on the target",
                     "the target printed no fingerprint");
}

enum error_code compose_fingerprints(struct target *target, enum compose_key key,
                                     struct evidence *evidence, struct error *error)
{
    const struct setup_compose *compose = &target_setup(target)->compose;
    CLEANUP_TEXT struct text script = {0}, env_script = {0}, key_script = {0};
    add_hmac_functions(&key_script, target, key, NEED_KEY);
    text_add(&key_script, "printf 'id of the key' | hmac");
    enum error_code code = probe_hmac(target, key, &key_script, PROBE_HMAC_KEY, evidence, error);
    add_hmac_functions(&script, target, key, NEED_KEY);
    text_add(&script, "v=$(");
    compose_prefix(&script, target, NULL);
    text_add(&script, "config 2>/dev/null) && printf '%s\\n' \"$v\" | hmac");
    if (code == ERROR_OK)
        code = probe_hmac(target, key, &script, PROBE_CONFIG_HMAC, evidence, error);
    add_hmac_functions(&env_script, target, key, NEED_KEY);
    text_add(&env_script, "hmac < ");
    text_add_quoted(&env_script, compose->env_file[0] != '\0' ? compose->env_file : "/dev/null");
    if (code == ERROR_OK)
        code = probe_hmac(target, key, &env_script, PROBE_ENV_HMAC, evidence, error);
    return code == ERROR_OK ? look_at_mode(target, evidence, error) : code;
}

/* As they are in the tree, tracked or not. Git's assume-unchanged flags are ignored. */
enum error_code compose_policy_fingerprint(struct target *target, struct evidence *evidence,
                                           struct error *error)
{
    const struct setup_list *files = &target_setup(target)->repository.policy_files;
    CLEANUP_TEXT struct text script = {0};
    add_hmac_functions(&script, target, COMPOSE_KEY_MAKE, NEED_KEY);
    text_add(&script, files->count > 0 ? "git -c core.quotePath=false ls-files -co --" : "hmac <");
    git_add_paths(&script, files);
    text_add(&script, files->count > 0
                          ? " | while read -r f; do printf '%s\\n' \"$f\"; cat \"$f\"; done | hmac"
                          : " /dev/null");
    return probe_hmac(target, COMPOSE_KEY_MAKE, &script, PROBE_POLICY_HMAC, evidence, error);
}

/* `rendered`: version 2 hashes a service before its env_file is resolved and creates its container
 * after that, so the file that it renders is hashed too. Before 2.23 it cannot tell: what `config
 * --hash` prints there is not what `up` writes into the label. Version 1 agrees with itself. Pipes
 * and no here-documents: a shell may keep those in a temporary file. */
static const char COMPARE_FUNCTIONS[] =
    "v=$(composed version --short 2>/dev/null); v=${v#v}; d=$(composed config --hash='*' "
    "2>/dev/null) || d=; two=1; asked=; "
    "case $v in 1.*) two= ;; 2.[0-9] | 2.[0-9].* | 2.1[0-9].* | 2.2[0-2].*) two= d= ;; esac; "
    "hash_of() { printf '%s\\n' \"$2\" | while read -r n h; do [ \"$n\" != \"$1\" ] || echo "
    "\"$h\"; done; }; "
    "among() { printf '%s\\n' \"$1\" | { f=; while read -r n h; do [ \"$n\" = \"$2\" ] || "
    "continue; "
    "f=$h; [ \"$h\" = \"$3\" ] || break; done; echo \"$f\"; }; }; "
    "runs() { f=$(among \"$l\" \"$1\" \"$2\"); [ -n \"$f\" ] || [ -z \"$3\" ] || "
    "f=$(among \"$m\" \"$1\" \"$2\"); echo \"$f\"; }; "
    "sealed() { case $1 in *[!0-9a-f]*) ;; ????????????????????????????????*) printf '%s\\n' "
    "\"$1\" | hmac ;; esac; }; "
    "rendered() { [ -n \"$asked\" ] || r=$(composed config 2>/dev/null | composed_again config "
    "--hash='*' 2>/dev/null) || r=; asked=1; }; "
    "row() { x=$(hash_of \"$1\" \"$d\"); y=$(runs \"$1\" \"$x\" \"$2\"); "
    "if [ -n \"$two\" ] && [ \"$x\" != \"$y\" ]; then rendered; z=$(hash_of \"$1\" \"$r\"); "
    "w=$(runs \"$1\" \"$z\" \"$2\"); "
    "[ -z \"$z\" ] || [ \"$z\" != \"$w\" ] || { x=$z; y=$w; }; fi; "
    "p=$(sealed \"$x\"); if [ \"$x\" = \"$y\" ]; then q=$p; else q=$(sealed \"$y\"); fi; "
    "printf '{\"service\":\"%s\",\"declared\":\"%s\",\"running\":\"%s\"}\\n' \"$1\" \"$p\" \"$q\"; "
    "}; ";

/* What `composed` and `composed_again` run, and one line a container: service, and the hash that it
 * was created with; $l of those that run, $m of all: of a one-shot the ended ones count. */
static void add_compare(struct text *script, const struct target *target, const char *override)
{
    const char *docker = target_setup(target)->target.docker;
    text_add(script, "composed() { ");
    compose_prefix(script, target, override);
    text_add(script, "\"$@\"; }; composed_again() { ");
    compose_prefix_file(script, target, "-", NULL);
    text_add_format(script,
                    "\"$@\"; }; labels() { ids=$(%s ps \"$@\" -q --no-trunc --filter "
                    "label=com.docker.compose.project=",
                    docker);
    compose_add_project(script, target);
    text_add_format(
        script,
        " --filter label=com.docker.compose.oneoff=False) || exit 1; [ -z \"$ids\" ] || "
        "%s inspect --format '{{index .Config.Labels \"com.docker.compose.service\"}} "
        "{{index .Config.Labels \"com.docker.compose.config-hash\"}}' $ids; }; "
        "l=$(labels) || exit 1; m=$(labels -a) || exit 1; %s",
        docker, COMPARE_FUNCTIONS);
}

enum error_code compose_configurations(struct target *target, const struct compose_model *model,
                                       const char *override, enum compose_key key,
                                       struct evidence *evidence,
                                       struct configurations *ret_configurations,
                                       struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    int status = 0;
    add_hmac_functions(&script, target, key, KEY_OR_MOMENT);
    add_compare(&script, target, override);
    for (size_t i = 0; i < model->count; i++) {
        text_add(&script, "row ");
        text_add_quoted(&script, model->services[i].service);
        const struct declared_row *row = declared_find(&model->declared,
                                                       model->services[i].service);
        text_add(&script, declared_is_one_shot(row) ? " ended; " : "; ");
    }
    const char *subject = override != NULL ? "override" : "";
    enum error_code code = target_probe(target,
                                        &(struct target_command){.built = &script,
                                                                 .output = OUTPUT_NAMES},
                                        PROBE_COMPOSE_DRIFT, subject, evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    if (status != 0)
        return error_set(error, ERROR_REMOTE, status, "docker",
                         "check the state directory and `docker ps` on the target",
                         "the running configurations cannot be compared");
    code = configurations_read(&evidence_last(evidence, PROBE_COMPOSE_DRIFT, subject)->output,
                               ret_configurations, error);
    if (code == ERROR_OK && ret_configurations->count != model->count)
        return error_set(error, ERROR_PROTOCOL, 0, "docker", "run `docker ps` on the target",
                         "the configurations of %zu of %zu services were told",
                         ret_configurations->count, model->count);
    return code;
}

enum error_code compose_strays(struct target *target, struct bytes *ret_names, struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    enum error_code code = compose_learn_project(target, error);
    if (code != ERROR_OK)
        return code;
    text_add(&script, "l=label=com.docker.compose; n=");
    compose_add_project(&script, target);
    text_add_format(
        &script,
        "; p() { %s ps -a -q --no-trunc --filter \"$l.project=$n\" \"$@\"; }; "
        "all=$(p) || exit 1; "
        "own=$(p --filter $l.oneoff=False; p --filter $l.oneoff=True) || exit 1; "
        "for c in $all; do case $own in *$c*) ;; *) %s inspect --format '{{.Name}}' $c ;; esac; "
        "done",
        docker, docker);
    code = target_run(target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES},
                      &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.status != 0)
        return error_set(error, ERROR_REMOTE, result.status, "docker",
                         "run `docker ps` on the target", "the containers cannot be listed: %.300s",
                         result.errors.size > 0 ? (const char *)result.errors.data
                                                : "no reason given");
    *ret_names = result.output;
    result.output = (struct bytes){0};
    return ERROR_OK;
}
