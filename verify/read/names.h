/* verify/read/names: the names of journal format 1 that a verifier knows, each written once.
 * Source:  journal/FORMAT.md ("Who signs what", "Bodies", "Evidence"); nothing of the driver's
 *          list. A test compares both lists with the tables of that text.
 * Unknown: a probe that is none of these is PROBE_INVALID; its item is kept and decides nothing. */
#ifndef VERIFY_NAMES_H
#define VERIFY_NAMES_H

#include "verify/read/tree.h"

#define NAMES_ENTRY_TYPES(X)            \
    X(GENESIS, "genesis")               \
    X(SETTINGS, "settings")             \
    X(ROSTER, "roster")                 \
    X(OPEN, "open")                     \
    X(INTENT, "intent")                 \
    X(TRANSITION, "transition")         \
    X(REFUSAL, "refusal")               \
    X(SAMPLE, "sample")                 \
    X(ATTESTATION, "attestation")       \
    X(APPROVAL, "approval")             \
    X(RECONCILIATION, "reconciliation") \
    X(TAKEOVER, "takeover")             \
    X(COMMAND, "command")               \
    X(ANCHOR, "anchor")                 \
    X(NOTE, "note")

#define NAMES_PROBES(X)                         \
    X(CLOCK, "clock")                           \
    X(GIT_HEAD, "git.head")                     \
    X(GIT_BRANCH, "git.branch")                 \
    X(GIT_STATUS, "git.status")                 \
    X(GIT_CHANGED, "git.changed")               \
    X(GIT_SUBJECT, "git.subject")               \
    X(COMPOSE_PROJECT, "compose.project")       \
    X(COMPOSE_SERVICES, "compose.services")     \
    X(COMPOSE_CONTAINERS, "compose.containers") \
    X(COMPOSE_IMAGES, "compose.images")         \
    X(HMAC_KEY, "hmac.key")                     \
    X(CONFIG_HMAC, "config.hmac")               \
    X(ENV_HMAC, "env.hmac")                     \
    X(ENV_MODE, "env.mode")                     \
    X(ENV_GOOD, "env.good")                     \
    X(POLICY_HMAC, "policy.hmac")               \
    X(COMPOSE_DRIFT, "compose.drift")           \
    X(COMPOSE_PULL, "compose.pull")             \
    X(COMPOSE_STORE, "compose.store")           \
    X(COMPOSE_REGISTRY, "compose.registry")     \
    X(COMPOSE_UP, "compose.up")                 \
    X(LOGS_EXECUTION, "logs.execution")         \
    X(LOGS_BRAIN, "logs.brain")                 \
    X(LOGS_ERRORS, "logs.errors")               \
    X(BUS_POLICY_HASH, "bus.policy_hash")       \
    X(BUS_PUBLISH, "bus.publish")               \
    X(INTERLOCK_MARKER, "interlock.marker")     \
    X(HEALTH, "health")                         \
    X(SCRIPT, "script")                         \
    X(PREFLIGHT, "preflight")                   \
    X(TENANCY, "tenancy")                       \
    X(GUARD, "guard")                           \
    X(GUARD_RECORD, "guard.record")             \
    X(ACT, "act")

/* Members of struct limits, and keys of `limits` in genesis. */
#define NAMES_LIMITS(X)      \
    X(window_ms)             \
    X(sample_interval_ms)    \
    X(sample_gap_ms)         \
    X(window_start_ms)       \
    X(window_start_armed_ms) \
    X(failures)              \
    X(failures_total)        \
    X(rollback_start_ms)     \
    X(rollback_ms)           \
    X(disarm_fresh_ms)       \
    X(answer_ms)             \
    X(service_start_ms)      \
    X(preflight_ms)          \
    X(guard_pause_ms)

/* Keys of `patterns` in genesis. */
#define NAMES_PATTERNS(X)                   \
    X(POLICY_LOADED, "policy_loaded")       \
    X(HANDSHAKE_OK, "handshake_ok")         \
    X(HANDSHAKE_FAILED, "handshake_failed") \
    X(HANDSHAKE_LOST, "handshake_lost")     \
    X(HANDSHAKE_NONE, "handshake_none")     \
    X(DISARM_RECEIVED, "disarm_received")   \
    X(ARM_RECEIVED, "arm_received")         \
    X(DISARMED, "disarmed")                 \
    X(ARMED, "armed")                       \
    X(ERRORS, "errors")

#define NAMES_ENUM_ENTRY(token, name) ENTRY_##token,
#define NAMES_ENUM_PROBE(token, name) PROBE_##token,
#define NAMES_ENUM_PATTERN(token, name) PATTERN_##token,
enum entry_type { ENTRY_INVALID = 0, NAMES_ENTRY_TYPES(NAMES_ENUM_ENTRY) ENTRY_TYPES };
enum probe { PROBE_INVALID = 0, NAMES_PROBES(NAMES_ENUM_PROBE) PROBES };
enum pattern { PATTERN_INVALID = 0, NAMES_PATTERNS(NAMES_ENUM_PATTERN) PATTERNS };

/* INVALID for a name that is none. */
enum entry_type entry_type_by_name(struct slice name);
enum probe probe_by_name(struct slice name);

const char *entry_type_name(enum entry_type type);
const char *probe_name(enum probe probe);
const char *pattern_name(enum pattern pattern);

#endif
