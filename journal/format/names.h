/* journal/format/names: the names of journal format 1 that the driver writes, each written once:
 * types of entries, probes, facts, limits, patterns.
 * Format: journal/FORMAT.md, "Who signs what", "Bodies" and "Evidence"; a test compares the lists.
 * Reader: the driver only. The verifier has its own list, written from the same text.
 * Use:    the constants in code; the X-lists where each name must be gone through. */
#ifndef JOURNAL_FORMAT_NAMES_H
#define JOURNAL_FORMAT_NAMES_H

#define ENTRY_GENESIS "genesis"
#define ENTRY_SETTINGS "settings"
#define ENTRY_ROSTER "roster"
#define ENTRY_OPEN "open"
#define ENTRY_INTENT "intent"
#define ENTRY_TRANSITION "transition"
#define ENTRY_SAMPLE "sample"
#define ENTRY_REFUSAL "refusal"
#define ENTRY_RECONCILIATION "reconciliation"
#define ENTRY_ATTESTATION "attestation"
#define ENTRY_APPROVAL "approval"
#define ENTRY_TAKEOVER "takeover"
#define ENTRY_COMMAND "command"
#define ENTRY_ANCHOR "anchor"
#define ENTRY_NOTE "note"

#define ENTRY_TYPES(X)      \
    X(ENTRY_GENESIS)        \
    X(ENTRY_SETTINGS)       \
    X(ENTRY_ROSTER)         \
    X(ENTRY_OPEN)           \
    X(ENTRY_INTENT)         \
    X(ENTRY_TRANSITION)     \
    X(ENTRY_SAMPLE)         \
    X(ENTRY_REFUSAL)        \
    X(ENTRY_RECONCILIATION) \
    X(ENTRY_ATTESTATION)    \
    X(ENTRY_APPROVAL)       \
    X(ENTRY_TAKEOVER)       \
    X(ENTRY_COMMAND)        \
    X(ENTRY_ANCHOR)         \
    X(ENTRY_NOTE)

#define PROBE_CLOCK "clock"
#define PROBE_GIT_HEAD "git.head"
#define PROBE_GIT_BRANCH "git.branch"
#define PROBE_GIT_STATUS "git.status"
#define PROBE_GIT_CHANGED "git.changed"
#define PROBE_GIT_SUBJECT "git.subject"
#define PROBE_COMPOSE_PROJECT "compose.project"
#define PROBE_COMPOSE_SERVICES "compose.services"
#define PROBE_COMPOSE_CONTAINERS "compose.containers"
#define PROBE_COMPOSE_IMAGES "compose.images"
#define PROBE_COMPOSE_DRIFT "compose.drift"
#define PROBE_COMPOSE_STORE "compose.store"
#define PROBE_COMPOSE_REGISTRY "compose.registry"
#define PROBE_COMPOSE_PULL "compose.pull"
#define PROBE_COMPOSE_UP "compose.up"
#define PROBE_HMAC_KEY "hmac.key"
#define PROBE_CONFIG_HMAC "config.hmac"
#define PROBE_ENV_HMAC "env.hmac"
#define PROBE_ENV_MODE "env.mode"
#define PROBE_ENV_GOOD "env.good"
#define PROBE_POLICY_HMAC "policy.hmac"
#define PROBE_LOGS_EXECUTION "logs.execution"
#define PROBE_LOGS_BRAIN "logs.brain"
#define PROBE_LOGS_ERRORS "logs.errors"
#define PROBE_BUS_POLICY_HASH "bus.policy_hash"
#define PROBE_BUS_PUBLISH "bus.publish"
#define PROBE_INTERLOCK_MARKER "interlock.marker"
#define PROBE_HEALTH "health"
#define PROBE_SCRIPT "script"
#define PROBE_PREFLIGHT "preflight"
#define PROBE_TENANCY "tenancy"
#define PROBE_GUARD "guard"
#define PROBE_GUARD_RECORD "guard.record"
#define PROBE_ACT "act"

#define PROBES(X)               \
    X(PROBE_CLOCK)              \
    X(PROBE_GIT_HEAD)           \
    X(PROBE_GIT_BRANCH)         \
    X(PROBE_GIT_STATUS)         \
    X(PROBE_GIT_CHANGED)        \
    X(PROBE_GIT_SUBJECT)        \
    X(PROBE_COMPOSE_PROJECT)    \
    X(PROBE_COMPOSE_SERVICES)   \
    X(PROBE_COMPOSE_CONTAINERS) \
    X(PROBE_COMPOSE_IMAGES)     \
    X(PROBE_COMPOSE_DRIFT)      \
    X(PROBE_COMPOSE_STORE)      \
    X(PROBE_COMPOSE_REGISTRY)   \
    X(PROBE_COMPOSE_PULL)       \
    X(PROBE_COMPOSE_UP)         \
    X(PROBE_HMAC_KEY)           \
    X(PROBE_CONFIG_HMAC)        \
    X(PROBE_ENV_HMAC)           \
    X(PROBE_ENV_MODE)           \
    X(PROBE_ENV_GOOD)           \
    X(PROBE_POLICY_HMAC)        \
    X(PROBE_LOGS_EXECUTION)     \
    X(PROBE_LOGS_BRAIN)         \
    X(PROBE_LOGS_ERRORS)        \
    X(PROBE_BUS_POLICY_HASH)    \
    X(PROBE_BUS_PUBLISH)        \
    X(PROBE_INTERLOCK_MARKER)   \
    X(PROBE_HEALTH)             \
    X(PROBE_SCRIPT)             \
    X(PROBE_PREFLIGHT)          \
    X(PROBE_TENANCY)            \
    X(PROBE_GUARD)              \
    X(PROBE_GUARD_RECORD)       \
    X(PROBE_ACT)

/* Facts of transitions and samples: the driver's reading of its evidence, which no verifier trusts.
 */
#define FACT_COMMIT "commit"
#define FACT_SUBJECT "subject"
#define FACT_POLICY_CHANGED "policy_changed"
#define FACT_POLICY_HASH "policy_hash"
#define FACT_INTERLOCK "interlock"
#define FACT_REARM "rearm"
#define FACT_DISARMED_BY "disarmed_by"
#define FACT_EXECUTION "execution"
#define FACT_DRIFT "drift"
#define FACT_HEALTH "health"
#define FACT_GUARD "guard"
#define FACT_EPOCH "epoch"
#define FACT_NOT_REDACTED "not_redacted"
#define FACT_ENV "env"
#define FACT_RESTORED "restored"
#define FACT_MISSING "missing"
#define FACT_FAILING "failing"
#define FACT_MISMATCH "mismatch"
#define FACT_SETTLING "settling"

#define FACTS(X)           \
    X(FACT_COMMIT)         \
    X(FACT_SUBJECT)        \
    X(FACT_POLICY_CHANGED) \
    X(FACT_POLICY_HASH)    \
    X(FACT_INTERLOCK)      \
    X(FACT_REARM)          \
    X(FACT_DISARMED_BY)    \
    X(FACT_EXECUTION)      \
    X(FACT_DRIFT)          \
    X(FACT_HEALTH)         \
    X(FACT_GUARD)          \
    X(FACT_EPOCH)          \
    X(FACT_NOT_REDACTED)   \
    X(FACT_ENV)            \
    X(FACT_RESTORED)       \
    X(FACT_MISSING)        \
    X(FACT_FAILING)        \
    X(FACT_MISMATCH)       \
    X(FACT_SETTLING)

/* Members of struct limits (config.h), and keys of `limits` in genesis. */
#define LIMITS(X)            \
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

/* Members of struct setup_services, and keys of `patterns` in genesis, in this order. */
#define PATTERNS(X)     \
    X(policy_loaded)    \
    X(handshake_ok)     \
    X(handshake_failed) \
    X(handshake_lost)   \
    X(handshake_none)   \
    X(disarm_received)  \
    X(arm_received)     \
    X(disarmed)         \
    X(armed)            \
    X(errors)

#endif
