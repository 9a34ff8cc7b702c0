/* fsm/config/config: the values of titan.yml, one file for one target (config_load.h reads it).
 * Format:    YAML; every key is listed once, in config_table.c, with its kind and bounds. An
 *            unknown or repeated key, a value of another kind and a missing value without a
 *            default are ERROR_CONFIG with file:line:column. Secrets are never in it: it names
 *            where they are kept.
 * Defaults:  the deployment standard's own values, so that a minimal file is ten lines.
 * Paths:     on the driver's machine, relative ones are relative to the file's own directory,
 *            and "~/" is the home directory.
 * Ownership: config_free() releases every string; it takes an empty config. */
#ifndef FSM_CONFIG_H
#define FSM_CONFIG_H

#include "actions/target/setup.h"
#include "fsm/config/config_strings.h"
#include "journal/format/bytes.h"

/* Milliseconds on the boot clock; names and meaning as in journal/FORMAT.md, genesis. */
struct limits {
    int64_t window_ms, sample_interval_ms, sample_gap_ms, window_start_ms, window_start_armed_ms,
        failures, rollback_start_ms, rollback_ms, disarm_fresh_ms, answer_ms, service_start_ms,
        preflight_ms, guard_pause_ms;
    /* failed samples that a window may have; a tenth of all, never below `failures`, by default */
    int64_t failures_total;
    /* driver only: how long the target stays held by a driver that says nothing more */
    int64_t tenancy_ms;
    /* driver only: how long a step may take before the guard takes it for dead, and how long it
     * waits behind that, and behind the window */
    int64_t guard_step_ms, guard_margin_ms;
};

struct config_operator {
    const char *principal;
    const char *key; /* key file, "" with an agent */
    bool agent;
    uint8_t public_key[KEY_BYTES]; /* with an agent: the key it must hold */
};

struct config_roster {
    struct setup_list operators, approvers, administrators; /* allowed_signers lines */
};

struct config_approvals {
    int policy, release;
};

struct config {
    struct setup setup;
    struct limits limits;
    const char *journal;
    struct config_operator operator;
    struct config_roster roster;
    struct config_approvals approvals;
    char sha256[SHA256_HEX + 1];   /* of the file */
    struct config_strings strings; /* owned */
};

void config_free(struct config *config);

bool config_has_check(const struct config *config, const char *item); /* by its id */

#endif
