#include "actions/compose/kept.h"
#include "actions/compose/compose_project.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "journal/format/names.h"

/* `d` is the directory of the copies, `e` the env file. */
static void begin_kept(struct text *script, const struct target *target)
{
    const char *env_file = target_setup(target)->compose.env_file;
    text_add(script, "exec 2>&1; umask 077; d=");
    target_add_quoted_state_path(script, target, "kept");
    text_add(script, "; e=");
    text_add_quoted(script, env_file);
    text_add(script, env_file[0] != '\0' ? "; " : "; exit 0; ");
}

static enum error_code act_on_kept(struct target *target, const struct target_tenancy *tenancy,
                                   const struct text *script, const char *subject,
                                   struct evidence *evidence, int *ret_status, struct error *error)
{
    struct target_command command = {.built = script, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, subject, evidence, ret_status, error);
}

/* The rendered configuration is for a person only: where it cannot be rendered there is none. */
enum error_code kept_take(struct target *target, const struct target_tenancy *tenancy,
                          struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_kept(&script, target);
    text_add(&script, "mkdir -p \"$d\" && cat \"$e\" > \"$d/now.new\" && stat -L -c '%a %u %g' "
                      "\"$e\" > \"$d/now.mode\" && sync && mv \"$d/now.new\" \"$d/now.env\" && { ");
    compose_prefix(&script, target, NULL);
    text_add(&script, "config > \"$d/now.yml\" 2>/dev/null || rm -f \"$d/now.yml\"; }");
    return act_on_kept(target, tenancy, &script, "keep files", evidence, ret_status, error);
}

enum error_code kept_look(struct target *target, struct evidence *evidence, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    compose_add_hmac(&script, target);
    text_add(&script, "d=");
    target_add_quoted_state_path(&script, target, "kept");
    text_add(&script,
             "; if [ -e \"$d/good.ids\" ] && [ -e \"$d/good.env\" ]; then hmac < "
             "\"$d/good.env\" && cat \"$d/good.mode\" \"$d/good.ids\"; else echo none; fi");
    return target_probe(target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES},
                        PROBE_ENV_GOOD, "", evidence, NULL, error);
}

static const char *next_kept_line(const char *at, char *ret_line, size_t size)
{
    size_t length = strcspn(at, "\n");
    (void)snprintf(ret_line, size, "%.*s", (int)length, at);
    return at[length] == '\n' ? at + length + 1 : at + length;
}

enum error_code kept_read(const struct bytes *lines, struct kept_good *ret_good,
                          struct error *error)
{
    char line[128];
    const char *at = lines->size > 0 ? (const char *)lines->data : "none\n";
    memset(ret_good, 0, sizeof *ret_good);
    if (strcmp(at, "none\n") == 0)
        return ERROR_OK;
    at = next_kept_line(at, ret_good->hmac, sizeof ret_good->hmac);
    at = next_kept_line(at, ret_good->mode, sizeof ret_good->mode);
    for (; *at != '\0' && ret_good->count < CONTAINERS_MAX; ret_good->count++) {
        at = next_kept_line(at, line, sizeof line);
        (void)snprintf(ret_good->ids[ret_good->count], sizeof ret_good->ids[0], "%.64s", line);
    }
    if (bytes_is_hex(ret_good->hmac, SHA256_HEX) && *at == '\0')
        return ERROR_OK;
    return error_set(error, ERROR_PROTOCOL, 0, "kept", "look at the state directory of the target",
                     "what the last good deployment kept cannot be read");
}

bool kept_covers(const struct kept_good *good, const struct containers *containers)
{
    size_t covered = 0, running = 0;
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        running += container_runs(container);
        for (size_t k = 0; container_runs(container) && k < good->count; k++)
            covered += strcmp(good->ids[k], container->id) == 0;
    }
    return good->hmac[0] != '\0' && running > 0 && covered == running;
}

/* Without the list of containers nothing is kept: it goes first and comes last. */
enum error_code kept_promote(struct target *target, const struct target_tenancy *tenancy,
                             struct evidence *evidence, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_kept(&script, target);
    text_add(&script, "{ ");
    text_add_format(&script, "%s ps -q --no-trunc --filter label=com.docker.compose.project=",
                    target_setup(target)->target.docker);
    compose_add_project(&script, target);
    text_add(&script, " --filter label=com.docker.compose.oneoff=False > \"$d/ids.new\" && "
                      "rm -f \"$d/good.ids\" && cat \"$d/now.mode\" > \"$d/good.mode\" && cat "
                      "\"$d/now.env\" > \"$d/good.env\" && { cat \"$d/now.yml\" > "
                      "\"$d/good.yml\" 2>/dev/null || rm -f \"$d/good.yml\"; } && sync && mv "
                      "\"$d/ids.new\" \"$d/good.ids\"; } || { rm -f \"$d/good.ids\"; "
                      "echo 'it could not be kept'; }");
    return act_on_kept(target, tenancy, &script, "keep as good", evidence, NULL, error);
}

/* Through a link, into the file that it names; in the same directory, so that it is whole or not
 * there. An owner that cannot be given is seen afterwards. */
enum error_code kept_restore(struct target *target, const struct target_tenancy *tenancy, bool good,
                             struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_kept(&script, target);
    text_add_format(&script, "f=\"$d/%s\"; ", good ? "good" : "now");
    text_add(&script,
             "[ -e \"$f.env\" ] || { echo 'no copy is kept'; exit 0; }; e=$(readlink -f \"$e\") && "
             "m=$(cat \"$f.mode\") || exit 1; sum() { sha256sum < \"$1\" | cut -c1-64; }; "
             "[ ! -e \"$e\" ] || { [ \"$(sum \"$f.env\")\" = \"$(sum \"$e\")\" ] && "
             "[ \"$(stat -L -c '%a %u %g' \"$e\")\" = \"$m\" ] && exit 0; "
             "cat \"$e\" > \"$d/replaced.env\"; }; o=${m#* }; "
             "cat \"$f.env\" > \"$e.titan-new\" && { chown \"${o% *}:${o#* }\" \"$e.titan-new\" "
             "2>/dev/null || :; } && chmod \"${m%% *}\" \"$e.titan-new\" && sync && "
             "mv \"$e.titan-new\" \"$e\" && echo 'the env file was put back'");
    return act_on_kept(target, tenancy, &script, good ? "restore env good" : "restore env",
                       evidence, ret_status, error);
}
