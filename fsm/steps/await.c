#include "fsm/steps/await.h"

/* Docker may be restarted, an answer cut off: the next look tells. */
static bool may_pass(enum error_code code)
{
    return code == ERROR_REMOTE || code == ERROR_PROTOCOL || code == ERROR_TIMEOUT;
}

enum error_code await(const struct await *await, struct error *error)
{
    const struct clock *clock = await->clock;
    size_t before = await->evidence->count;
    for (;;) {
        struct error ignored;
        enum error_code code = await->look(await->context, error);
        if (code == ERROR_OK ? await->enough(await->context) : !may_pass(code))
            return code;
        int64_t next_ns = clock_boottime_ns(clock) + await->pause_ns;
        if (next_ns >= await->until_ns)
            return code;
        if (clock->sleep_until(clock->context, next_ns, &ignored) != ERROR_OK)
            return code;
        evidence_cut(await->evidence, before);
    }
}

struct interlock_wait {
    const struct await_interlock *wait;
    struct evidence *evidence;
    struct interlock_view view;
};

static enum error_code look_at_interlock(void *context, struct error *error)
{
    struct interlock_wait *state = context;
    return interlock_look(state->wait->target, &state->wait->question, state->evidence,
                          &state->view, error);
}

static bool shows_wanted(const void *context)
{
    const struct interlock_wait *state = context;
    enum interlock wanted = state->wait->wanted, shown = state->view.interlock;
    if (wanted == INTERLOCK_UNKNOWN)
        return shown != INTERLOCK_UNKNOWN;
    /* Nothing was sent that could take this back. */
    if (wanted == INTERLOCK_DISARMED && state->wait->question.nonce == NULL
        && state->view.says_armed)
        return true;
    bool ours = wanted == INTERLOCK_DISARMED ? state->view.received : state->view.armed_by_nonce;
    return shown == wanted && (state->wait->question.nonce == NULL || ours);
}

enum error_code await_interlock(const struct await_interlock *wait, struct evidence *evidence,
                                struct interlock_view *ret_view, struct error *error)
{
    static const int64_t PAUSE_NS = 200000000;
    struct interlock_wait state = {.wait = wait, .evidence = evidence};
    enum error_code code = await(&(struct await){.clock = target_clock(wait->target),
                                                 .evidence = evidence,
                                                 .until_ns = wait->until_ns,
                                                 .pause_ns = PAUSE_NS,
                                                 .look = look_at_interlock,
                                                 .enough = shows_wanted,
                                                 .context = &state},
                                 error);
    if (code == ERROR_OK)
        *ret_view = state.view;
    return code;
}

struct parity_wait {
    const struct await_parity *wait;
    struct evidence *evidence;
    struct parity_view view;
};

static enum error_code look_at_parity(void *context, struct error *error)
{
    struct parity_wait *state = context;
    const struct await_parity *wait = state->wait;
    return parity_look(wait->target, wait->containers, wait->depth, wait->expect, state->evidence,
                       &state->view, error);
}

static bool shows_both_hashes(const void *context)
{
    const struct parity_wait *state = context;
    return state->view.parity != PARITY_MISSING && !state->view.starts;
}

enum error_code await_parity(const struct await_parity *wait, struct evidence *evidence,
                             struct parity_view *ret_view, struct error *error)
{
    static const int64_t PAUSE_NS = 250000000;
    struct parity_wait state = {.wait = wait, .evidence = evidence};
    enum error_code code = await(&(struct await){.clock = target_clock(wait->target),
                                                 .evidence = evidence,
                                                 .until_ns = wait->until_ns,
                                                 .pause_ns = PAUSE_NS,
                                                 .look = look_at_parity,
                                                 .enough = shows_both_hashes,
                                                 .context = &state},
                                 error);
    if (code == ERROR_OK)
        *ret_view = state.view;
    return code;
}
