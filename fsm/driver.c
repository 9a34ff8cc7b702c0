#include "fsm/driver.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose_learn.h"
#include "actions/compose/compose_project.h"
#include "fsm/config/config_load.h"
#include "journal/format/names.h"

enum { AGENT_AT_ONCE_MS = 2000, JOURNAL_SOON_MS = 2000 };

void driver_watch_signals(const struct world *world)
{
    static const char first[] =
        "\ntitan-fsm: stopping at the next state that needs no watching; a health window is "
        "watched to its end. Press Ctrl-C again to quit now; a release then runs unwatched\n";
    static const char second[] =
        "\ntitan-fsm: ended at once; nothing is watched any more. Next: titan-fsm resume now (it "
        "rolls an unwatched health window back), or titan-fsm rollback --reason TEXT\n";
    world->signals->watch(world->signals->context, first, second);
}

bool driver_is_interrupted(const struct driver *driver)
{
    return driver->world->signals->is_interrupted(driver->world->signals->context);
}

int64_t driver_now_ns(const struct driver *driver)
{
    return clock_boottime_ns(driver->clock);
}

void driver_key(const struct driver *driver, char ret_key[33])
{
    world_random_hex(driver->world, 16, ret_key);
}

bool driver_is_open(const struct driver *driver)
{
    return driver->found && !driver->deployment.ended;
}

enum error_code driver_session_path(const struct driver *driver, uint64_t named_by,
                                    struct bytes *ret_path, struct error *error)
{
    return bytes_append_format(ret_path, error, "%s/session-%llu.key",
                               journal_directory(driver->journal), (unsigned long long)named_by);
}

enum error_code driver_create_session(const struct driver *driver, char ret_key[SHA256_HEX + 1],
                                      uint64_t *ret_size, struct error *error)
{
    uint64_t entries;
    CLEANUP_BYTES struct bytes path = {0};
    CLEANUP_SIGNER struct signer *session = NULL;
    enum error_code code = journal_size(driver->journal, &entries, error);
    if (code == ERROR_OK)
        code = driver_session_path(driver, entries, &path, error);
    if (code == ERROR_OK)
        code = session_key_wipe(driver->world, (const char *)path.data, error);
    if (code == ERROR_OK)
        code = session_key_create(driver->world, (const char *)path.data, &session, error);
    if (code != ERROR_OK)
        return code;
    bytes_hex(signer_public_key(session), KEY_BYTES, ret_key);
    *ret_size = entries;
    return ERROR_OK;
}

enum error_code driver_wipe_sessions(const struct driver *driver, uint64_t keep,
                                     struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        CLEANUP_BYTES struct bytes path = {0};
        if (!deployment_names_session(entry) || entry->seq == keep)
            continue;
        enum error_code code = driver_session_path(driver, entry->seq, &path, error);
        if (code == ERROR_OK)
            code = session_key_wipe(driver->world, (const char *)path.data, error);
        if (code != ERROR_OK)
            return code;
    }
    return ERROR_OK;
}

enum error_code driver_forget_session(struct driver *driver, struct error *error)
{
    signer_close(driver->session);
    driver->session = NULL;
    driver->recorder.session = NULL;
    driver->recorder.deployment = JOURNAL_NO_DEPLOYMENT;
    return driver_wipe_sessions(driver, 0, error);
}

enum error_code driver_unlock(struct driver *driver, struct error *error)
{
    const struct config_operator *operator= & driver->config.operator;
    bool at_once = driver->options.at_once;
    if (!operator->agent && at_once)
        return error_set(error, ERROR_KEY_REFUSED, 0, operator->key, "give its passphrase",
                         "the key is locked, and to unlock it takes time");
    enum error_code code = operator->agent
                               ? agent_open(driver->world, NULL, operator->public_key,
                                            at_once ? AGENT_AT_ONCE_MS : AGENT_PERSON_MS,
                                            &driver->operator_signer, error)
                               : keyfile_open(driver->world, operator->key,
                                              &driver->options.passphrase, &driver->operator_signer,
                                              error);
    if (code == ERROR_OK)
        driver->recorder.operator_signer = driver->operator_signer;
    return code;
}

static void begin_driver(struct driver *driver, const struct driver_options *options)
{
    memset(driver, 0, sizeof *driver); /* a compound literal would be a frame of its size */
    driver->options = *options;
    driver->world = options->world;
    driver->clock = options->world->clock;
    driver->recorder = (struct recorder){.clock = driver->clock,
                                         .deployment = JOURNAL_NO_DEPLOYMENT};
}

enum error_code driver_open_reach(struct driver *driver, const struct driver_options *options,
                                  struct error *error)
{
    begin_driver(driver, options);
    return config_load_reach(options->world, options->config_path, &driver->config, error);
}

enum error_code driver_open_config(struct driver *driver, const struct driver_options *options,
                                   bool operator_key, struct error *error)
{
    begin_driver(driver, options);
    enum error_code code = config_load(options->world, options->config_path, &driver->config,
                                       error);
    if (code != ERROR_OK)
        return code;
    return operator_key ? driver_unlock(driver, error) : ERROR_OK;
}

enum error_code driver_lock_path(const struct driver *driver, struct bytes *ret_path,
                                 struct error *error)
{
    return bytes_append_format(ret_path, error, "%s/driver.lock",
                               journal_directory(driver->journal));
}

/* The lock ends with the process, so that no stale one ever blocks. */
static enum error_code take_lock(struct driver *driver, struct error *error)
{
    const struct world_disk *disk = driver->world->disk;
    CLEANUP_BYTES struct bytes path = {0};
    enum error_code code = driver_lock_path(driver, &path, error);
    if (code == ERROR_OK)
        code = disk->lock(disk->context, (const char *)path.data, &driver->lock, error);
    if (code == ERROR_HELD)
        return error_set(error, ERROR_HELD, 0, (const char *)path.data,
                         "wait for it, or watch with `titan-fsm status`",
                         "another titan-fsm drives this journal now");
    return code;
}

/* A journal belongs to one target: that of its genesis, not the one that a configuration file
 * happens to name today. */
static enum error_code check_target(struct driver *driver, struct error *error)
{
    struct journal_entry *genesis = &driver->genesis;
    enum error_code code = journal_read(driver->journal, 0, genesis, error);
    if (code != ERROR_OK)
        return code;
    const char *name = json_string_value(
        json_object_get(json_object_get(genesis->body, "target"), "name"));
    if (strcmp(genesis->type, ENTRY_GENESIS) != 0 || name == NULL)
        return error_set(error, ERROR_DAMAGED, 0, driver->config.journal, "run titan-verify on it",
                         "the journal does not begin with a genesis entry");
    if (strcmp(name, driver->config.setup.target.name) != 0)
        return error_set(error, ERROR_CONFIG, 0, driver->options.config_path,
                         "use the configuration of that target, or another journal directory",
                         "the journal %s belongs to the target '%s', not to '%s'",
                         driver->config.journal, name, driver->config.setup.target.name);
    return ERROR_OK;
}

/* A key that the journal does not name signs nothing that counts: a file from elsewhere is not
 * tried. */
static enum error_code check_session(const struct driver *driver,
                                     const struct journal_entry *named_by, const char *path,
                                     struct error *error)
{
    char key[SHA256_HEX + 1];
    const char *named = json_string_value(json_object_get(named_by->body, "session"));
    bytes_hex(signer_public_key(driver->session), KEY_BYTES, key);
    if (named != NULL && strcmp(named, key) == 0)
        return ERROR_OK;
    return error_set(error, ERROR_KEY_REFUSED, 0, path,
                     "restore the file from a copy, or titan-fsm takeover --reason TEXT",
                     "this is not the session key that entry %llu names",
                     (unsigned long long)named_by->seq);
}

enum error_code driver_open_session(struct driver *driver, struct error *error)
{
    CLEANUP_BYTES struct bytes path = {0};
    const struct journal_entry *named_by = deployment_session(&driver->deployment);
    enum error_code code = driver_session_path(driver, named_by->seq, &path, error);
    if (code == ERROR_OK)
        code = session_key_open(driver->world, (const char *)path.data, &driver->session, error);
    if (code == ERROR_OK)
        code = check_session(driver, named_by, (const char *)path.data, error);
    if (code != ERROR_OK)
        return code;
    driver->recorder.session = driver->session;
    driver->recorder.deployment = (int64_t)driver->deployment.number;
    return ERROR_OK;
}

/* Where the wall clock stood against the boot clock at the deployment's last entry, so that a step
 * since then is noted. */
static void remember_wall_clock(struct driver *driver)
{
    if (driver->deployment.count == 0)
        return;
    const struct journal_entry *last = &driver->deployment.entries[driver->deployment.count - 1];
    int64_t utc_ns;
    if (!clock_utc_parse(last->utc, &utc_ns))
        return;
    memcpy(driver->recorder.boot, last->boot, sizeof driver->recorder.boot);
    driver->recorder.wall_offset_ns = utc_ns - last->boottime_ns;
}

enum error_code driver_open(struct driver *driver, const struct driver_options *options,
                            unsigned needs, struct error *error)
{
    enum error_code code = driver_open_config(driver, options, false, error);
    if (code != ERROR_OK)
        return code;
    bool read_only = (needs & (DRIVER_WRITES | DRIVER_DRIVES)) == 0;
    const struct world_store *store = driver->world->store;
    if (!read_only)
        code = store->answers(store->context, driver->config.journal,
                              (needs & DRIVER_SOON) != 0 ? JOURNAL_SOON_MS : JOURNAL_ANSWER_MS,
                              error);
    if (code == ERROR_OK)
        code = journal_open(driver->config.journal, driver->world, read_only, &driver->journal,
                            error);
    if (code != ERROR_OK)
        return code;
    driver->recorder.journal = driver->journal;
    code = (needs & DRIVER_DRIVES) != 0 ? take_lock(driver, error) : ERROR_OK;
    if (code == ERROR_OK)
        code = check_target(driver, error);
    if (code == ERROR_OK)
        code = driver_reload(driver, error);
    if (code == ERROR_OK && (needs & DRIVER_OPERATOR) != 0)
        code = driver_unlock(driver, error);
    if (code == ERROR_OK && (needs & DRIVER_SESSION) != 0 && driver_is_open(driver))
        code = driver_open_session(driver, error);
    remember_wall_clock(driver);
    return code;
}

bool driver_has_journal(const struct driver *driver)
{
    const struct world_disk *disk = driver->world->disk;
    struct world_file file = {.exists = false};
    struct error ignored;
    return disk->examine(disk->context, driver->config.journal, &file, &ignored) == ERROR_OK
           && file.exists;
}

void driver_close(struct driver *driver)
{
    target_close(driver->target);
    remembered_free(&driver->remembered);
    deployment_clear(&driver->deployment);
    signer_close(driver->session);
    signer_close(driver->operator_signer);
    journal_entry_clear(&driver->genesis);
    journal_close(driver->journal);
    if (driver->lock != NULL)
        driver->world->disk->unlock(driver->world->disk->context, driver->lock);
    config_free(&driver->config);
    memset(driver, 0, sizeof *driver);
}

enum error_code driver_reload(struct driver *driver, struct error *error)
{
    enum error_code code = deployment_follow(driver->journal, &driver->deployment, &driver->found,
                                             error);
    if (code != ERROR_OK || !driver_is_open(driver))
        return code;
    enum state state = driver->deployment.state;
    driver->lease = (struct target_tenancy){.journal = journal_id(driver->journal),
                                            .deployment = (int64_t)driver->deployment.number,
                                            .epoch = deployment_epoch(&driver->deployment),
                                            .way_out = machine_phase(state) == PHASE_REVERTING
                                                       || state == STATE_ABORTING};
    return ERROR_OK;
}

/* The host's key is the one that genesis pins. */
static enum error_code check_host_key(struct driver *driver, struct error *error)
{
    struct journal_entry *genesis = &driver->genesis;
    enum error_code code = genesis->body == NULL ? journal_read(driver->journal, 0, genesis, error)
                                                 : ERROR_OK;
    if (code != ERROR_OK)
        return code;
    const char *pinned = json_string_value(
        json_object_get(json_object_get(genesis->body, "target"), "host_key"));
    if (pinned != NULL && strcmp(pinned, target_host_key(driver->target)) == 0)
        return ERROR_OK;
    driver_disconnect(driver);
    return error_set(error, ERROR_HOST_REFUSED, 0, driver->config.setup.target.host,
                     "find out why before anything else",
                     "the host key is known, but it is not the one that this journal's "
                     "genesis pins (%s)",
                     pinned != NULL ? pinned : "none");
}

enum error_code driver_target_at_once(struct driver *driver, struct target **ret_target,
                                      struct error *error)
{
    enum error_code code = ERROR_OK;
    if (driver->target == NULL) {
        driver->world->signals->ignore_broken_pipes(driver->world->signals->context);
        code = target_open(&driver->config.setup, driver->world, &driver->target, error);
    }
    if (code == ERROR_OK && driver->journal != NULL)
        code = check_host_key(driver, error);
    if (code != ERROR_OK)
        return code;
    target_remember(driver->target, &driver->remembered.heard);
    if (driver_is_open(driver) && driver->remembered.project[0] != '\0')
        code = compose_know_project(driver->target, driver->remembered.project, error);
    *ret_target = driver->target;
    return code;
}

enum error_code driver_learn(struct driver *driver, struct error *error)
{
    enum error_code code = driver->has_learned ? ERROR_OK : compose_learn(driver->target, error);
    driver->has_learned = code == ERROR_OK;
    return code;
}

enum error_code driver_target(struct driver *driver, struct target **ret_target,
                              struct error *error)
{
    enum error_code code = driver_target_at_once(driver, ret_target, error);
    return code == ERROR_OK ? driver_learn(driver, error) : code;
}

enum error_code driver_remember(struct driver *driver, struct error *error)
{
    enum error_code code = driver_reload(driver, error);
    return code == ERROR_OK
               ? remembered_follow(&driver->remembered, driver->journal, &driver->deployment,
                                   &driver->config.setup.services, error)
               : code;
}

void driver_disconnect(struct driver *driver)
{
    target_close(driver->target);
    driver->target = NULL;
    driver->has_learned = false;
}
