/* One deployment as a model for spin: the driver, a second driver that takes over, the dead-man
 * guard on the target, and the world. The machine is the real table (export_table.c); what each
 * action does to the target, and what must hold, is written here, from journal/FORMAT.md.
 * Driver:    walks the table: intent, act, transition. It may die at every point; then it is
 *            resumed from its journal, or never returns.
 * Guard:     acts once, past its deadline or after a reboot, if the first change was begun.
 * World:     commands end wholly, partly, or never; a stranger arms; a service restarts; the
 *            target reboots; the deadline passes; a turn that nobody renews expires.
 * Assumes:   a step on the target under its lock is one step; the guard is started again after a
 *            reboot; an act of the guard that fails is recorded and stays.
 * Choose:    -DPROCEDURE=P_RELEASE or P_POLICY; -DREACH=condition: it is an error to get there. */
#include "table.pml"

#define NOBODY 0
#define FIRST 1
#define SECOND 2
#define GUARD 3
#define NOWHERE 0

/* The target: 0 = as before, 1 = as planned. */
bit execution, brain, code;
bit armed, tenancy_open, epoch;
byte turn;          /* who may roll back */
byte flight, flying; /* whose command runs under the lock, and of which action */
bit hung;           /* it never ends by itself */

/* The guard's plan, and how far it is. */
bit laid, begun, late, fired, guard_failed;
byte guard_step; /* 1 = make safe, 2 = files, 3 = containers, 4 = it made its attempt */

/* What only the properties ask. */
bit meant;       /* a driver is about to do the first such act */
bit touched;     /* an act that changes something that runs was sent */
bit parity;      /* evidence of it is younger than the last change of a service */
bit disarm_seen, watched, confirmed, stranger_armed, we_armed;

/* What the world does by itself: so many times, once a guard lies. */
byte odd;
bit restarted; /* a service, and nobody has looked since */
#ifndef ODD
#define ODD 1
#endif
#ifndef TAKEOVER
#define TAKEOVER 1
#endif
#define HAPPENS (laid && odd < ODD)

/* The journal. */
byte state, intent, repeats; /* repeats: what was interrupted is to be done again */
bit seen; /* that the guard fired is recorded */

#define MINE(who) (epoch == who - 1)
#define MAY_CHANGE(who) (MINE(who) && !late && !fired && turn == NOBODY)
#define MAY_GO_BACK(who) (MINE(who) && (turn == NOBODY || turn == who))
#define OVERTAKEN (TAKEOVER && me == FIRST && tenancy_open)
#define LOCK_FREE (flight == NOBODY || hung)
#define RESTORED (!execution && !brain && !code)
#define SAFE (!armed || stranger_armed)
#define ENDED(s) (s == S_COMPLETED || s == S_ABORTED || s == S_ROLLED_BACK)
#define GOING_BACK(s)                                                                             \
    (s == S_ROLLING_BACK || s == S_SAFE || s == S_REVERTED || s == S_REDEPLOYED)
#define CHANGED(s)                                                                                \
    (s == S_SWITCHED || s == S_VERIFIED || s == S_EXECUTION_DEPLOYED                              \
     || s == S_EXECUTION_VERIFIED || s == S_BRAIN_DEPLOYED || s == S_PARITY_VERIFIED              \
     || s == S_ARMED || s == S_OBSERVED || s == S_CONFIRMED)
#define MAY_ABORT(s)                                                                              \
    (s == S_OPENED || s == S_PREFLIGHTED || s == S_CONNECTED || s == S_UPDATED || s == S_PULLED   \
     || s == S_GUARDED || s == S_DISARMED)
#define MAY_BE_STALE(s) (s == S_DISARMED || (s == S_GUARDED && PROCEDURE == P_RELEASE))
#define SEES_GUARD(s)                                                                             \
    (s == S_GUARDED || s == S_DISARMED || (CHANGED(s) && s != S_CONFIRMED) || GOING_BACK(s)       \
     || s == S_ROLLBACK_FAILED)
/* The end of everything: nothing that runs was touched, or it is as before, or it is confirmed, or
 * a person was told that the way back failed. */
#define SETTLED                                                                                   \
    (!touched || (RESTORED && (SAFE || !we_armed)) || confirmed \
     || state == S_ROLLBACK_FAILED || guard_failed)

/* What a look finds of an action that may have been done. */
#define IS_DONE(a)                                                                                \
    ((a == A_CONNECT && tenancy_open) || (a == A_UPDATE_CODE && code)                             \
     || (a == A_LAY_GUARD && laid) || (a == A_SWITCH_SERVICES && execution && brain)              \
     || (a == A_DEPLOY_EXECUTION && execution) || (a == A_DEPLOY_BRAIN && brain)                  \
     || (a == A_CONFIRM && !laid && !fired) || (a == A_COMPLETE && !tenancy_open)                 \
     || (a == A_REVERT && !code) || (a == A_REDEPLOY && !execution && !brain)                     \
     || (a == A_VERIFY_RESTORED && !tenancy_open) || (a == A_RESTORE_CODE && !tenancy_open))

/* Behind these a lost reply is no failure: what they gave away is looked at. */
#define LOOKS_AGAIN(a)                                                                            \
    (a == A_CONFIRM || a == A_COMPLETE || a == A_VERIFY_RESTORED || a == A_RESTORE_CODE)

#define BY_COMMAND(a)                                                                             \
    (a == A_UPDATE_CODE || a == A_SWITCH_SERVICES || a == A_DEPLOY_EXECUTION                      \
     || a == A_DEPLOY_BRAIN)
#define GOES_BACK(a) (a == A_REVERT || a == A_REDEPLOY || a == A_RESTORE_CODE)
#define BEGINS(a) (a == A_DISARM || (BY_COMMAND(a) && a != A_UPDATE_CODE))
/* Execution has to be disarmed while a policy change goes on. */
#define SOMEBODY_ARMED(a) (PROCEDURE == P_POLICY && armed && BEGINS(a) && a != A_DISARM)
/* To go back is then the failure of what was to be repeated (P-39). */
#define MAY_HAVE_CHANGED (repeats == A_SWITCH_SERVICES || repeats == A_DEPLOY_EXECUTION)
#define GUARD_NEWS (fired && !seen && SEES_GUARD(state))
#define SENDS(a) (BY_COMMAND(a) || GOES_BACK(a))
#define BY_LOOK(a)                                                                                \
    (a == A_RUN_PREFLIGHT || a == A_PULL_IMAGES || a == A_VERIFY_EXECUTION                        \
     || a == A_OBSERVE_WINDOW)

/* The table: where an event leads to, and which actions a state has. */
inline find(s, e, ret_to)
{
#define STEP(p, from, event, action, to)                                                          \
    :: PROCEDURE == P_##p && s == S_##from && e == E_##event -> ret_to = S_##to
#define EDGE STEP
    if TABLE
    :: else -> ret_to = NOWHERE
    fi
#undef STEP
#undef EDGE
}

inline choose(s, ret_action)
{
#define STEP(p, from, event, action, to)                                                          \
    :: PROCEDURE == P_##p && s == S_##from -> ret_action = A_##action
#define EDGE(p, from, event, action, to)
    if TABLE
    :: else -> ret_action = 0
    fi
#undef STEP
#undef EDGE
}

inline event_of(s, a, ret_event)
{
#define STEP(p, from, event, action, to)                                                          \
    :: PROCEDURE == P_##p && s == S_##from && a == A_##action -> ret_event = E_##event
#define EDGE(p, from, event, action, to)
    if TABLE
    fi
#undef STEP
#undef EDGE
}

/* An Execution that is made anew comes up disarmed; either change makes evidence of parity old. */
inline change_execution(to)
{
    execution = to;
    armed = 0;
    parity = 0
}

inline change_brain(to)
{
    brain = to;
    parity = 0
}

inline take_effect(a)
{
    if
    :: a == A_UPDATE_CODE -> code = 1
    :: a == A_SWITCH_SERVICES -> change_execution(1); change_brain(1)
    :: a == A_SWITCH_SERVICES -> change_execution(1)
    :: a == A_DEPLOY_EXECUTION -> change_execution(1)
    :: a == A_DEPLOY_BRAIN -> change_brain(1)
    :: a == A_REVERT || a == A_RESTORE_CODE -> code = 0
    :: a == A_REDEPLOY -> change_execution(0); change_brain(0)
    :: a == A_REDEPLOY -> change_execution(0)
    fi
}

/* Whatever runs under the lock is ended: some of it may have been done. */
inline end_command()
{
    if
    :: flight != NOBODY -> take_effect(flying)
    :: skip
    fi;
    flight = NOBODY;
    hung = 0;
    flying = 0
}

inline begin_command(who, a)
{
    assert(flight == NOBODY);
    assert(!GOES_BACK(a) || turn == who);
    assert(PROCEDURE == P_RELEASE || a == A_UPDATE_CODE || a == A_REVERT || a == A_RESTORE_CODE
           || disarm_seen);
    flight = who;
    flying = a
}

inline free_target()
{
    forget_plan();
    tenancy_open = 0;
    turn = NOBODY
}

inline forget_plan()
{
    laid = 0;
    begun = 0;
    late = 0
}

active proctype world()
{
    if
    :: armed = 1
    :: skip
    fi;
end:
    do
    :: atomic { (flight == FIRST || flight == SECOND) && !hung -> end_command() }
    :: atomic { HAPPENS && (flight == FIRST || flight == SECOND) && !hung -> hung = 1; odd++ }
    :: atomic { HAPPENS && !armed -> armed = 1; stranger_armed = 1; odd++ }
    :: atomic { HAPPENS && touched && !restarted -> restarted = 1; parity = 0; odd++ }
    :: atomic { laid && begun && !late -> late = 1 }
    :: atomic { turn == FIRST || turn == SECOND -> turn = NOBODY }
    :: atomic { HAPPENS && turn == GUARD -> turn = NOBODY; odd++ /* it stood still */ }
    :: atomic {
           HAPPENS ->
           odd++;
           late = begun;
           turn = NOBODY;
           end_command();
           if
           :: guard_step < 4 -> guard_step = 0
           :: else
           fi
       }
    od
}

active proctype guard()
{
end:
    do
    :: atomic {
           guard_step == 0 && laid && begun && late && tenancy_open && turn == NOBODY ->
           assert(meant);
           assert(state != S_CONFIRMED && !ENDED(state));
           turn = GUARD;
           fired = 1;
           guard_step = 1;
           end_command()
       }
    :: atomic { guard_step > 0 && guard_step < 4 && laid && turn == NOBODY -> turn = GUARD }
    :: atomic {
           guard_step == 1 && turn == GUARD ->
           armed = 0;
           disarm_seen = 1;
           guard_step = 2
       }
    :: atomic {
           guard_step == 2 && turn == GUARD && LOCK_FREE ->
           end_command();
           begin_command(GUARD, A_REVERT)
       }
    :: atomic {
           guard_step == 3 && turn == GUARD && LOCK_FREE ->
           end_command();
           begin_command(GUARD, A_REDEPLOY)
       }
    :: atomic {
           flight == GUARD && flying == A_REVERT ->
           take_effect(flying);
           flight = NOBODY;
           guard_step = 3
       }
    :: atomic {
           flight == GUARD && flying == A_REDEPLOY ->
           take_effect(flying);
           flight = NOBODY;
           guard_failed = !(RESTORED && SAFE);
           guard_step = 4;
           if
           :: turn == GUARD -> turn = NOBODY
           :: else
           fi
       }
    od
}

/* What must be so where the journal says that a state was reached. */
inline arrive(s)
{
    assert(s != S_GUARDED || laid);
    assert(s != S_ABORTING || (!execution && !brain));
    assert(s != S_CONFIRMED || (!laid && !fired && watched));
    assert(s != S_COMPLETED || (!laid && !tenancy_open && watched));
    assert(s != S_ABORTED || (!laid && !tenancy_open && RESTORED));
    assert(s != S_ROLLED_BACK || (!laid && !tenancy_open && RESTORED && SAFE))
}

/* What an act that is not seen done is answered by. Each of them has to be in the table. */
inline fail(s, ret_event)
{
    if
    :: ret_event = E_FAILED
    :: ret_event = E_UNKNOWN
    :: s != S_OPENED && s != S_ABORTING -> ret_event = E_MISMATCH
    :: CHANGED(s) || GOING_BACK(s) -> ret_event = E_UNHEALTHY
    :: MAY_BE_STALE(s) && !sent -> ret_event = E_STALE
    fi
}

/* What the plan has to say before something that runs is changed. */
inline begin_change(who, a)
{
    if
    :: atomic { MAY_CHANGE(who) && BEGINS(a) -> meant = 1; begun = 1 }
    :: !BEGINS(a)
    :: !MAY_CHANGE(who)
    fi
}

/* The act itself. `ret_good` = it is seen done; a command that was sent is waited for. */
inline act(who, a, ret_good, ret_sent)
{
    if
    :: atomic { MINE(who) && BY_LOOK(a) -> ret_good = 1 }
    :: MINE(who) && BY_LOOK(a)
    :: atomic {
           MINE(who) && (a == A_VERIFY_RELEASE || a == A_VERIFY_PARITY) ->
           ret_good = (execution && brain);
           parity = ret_good;
           restarted = 0
       }
    :: atomic { MINE(who) && a == A_CONNECT -> tenancy_open = 1; ret_good = 1 }
    :: atomic { MINE(who) && a == A_LAY_GUARD -> laid = 1; ret_good = 1 }
    :: atomic {
           MAY_CHANGE(who) && a == A_DISARM ->
           touched = 1;
           ret_sent = 1;
           armed = 0;
           disarm_seen = 1;
           ret_good = 1
       }
    :: atomic { MAY_CHANGE(who) && a == A_DISARM -> touched = 1; ret_sent = 1 /* not heard */ }
    :: MAY_CHANGE(who) && a == A_ARM && restarted
    :: atomic {
           MAY_CHANGE(who) && a == A_ARM && !restarted ->
           assert(parity && !fired && who == epoch + 1);
           armed = 1;
           we_armed = 1;
           ret_good = 1
       }
    :: MAY_CHANGE(who) && SOMEBODY_ARMED(a)
    :: atomic {
           MAY_CHANGE(who) && LOCK_FREE && BY_COMMAND(a) && !SOMEBODY_ARMED(a) ->
           end_command();
           touched = touched || BEGINS(a);
           begin_command(who, a);
           ret_sent = 1
       }
    :: atomic {
           MAY_CHANGE(who) && a == A_CONFIRM ->
           forget_plan();
           confirmed = 1;
           ret_good = 1
       }
    :: atomic { MINE(who) && a == A_COMPLETE -> tenancy_open = 0; ret_good = 1 }
    :: atomic {
           MAY_GO_BACK(who) && a == A_MAKE_SAFE ->
           turn = who;
           armed = 0;
           disarm_seen = 1;
           ret_good = 1
       }
    :: atomic {
           MAY_GO_BACK(who) && LOCK_FREE && GOES_BACK(a) ->
           turn = who;
           end_command();
           begin_command(who, a);
           ret_sent = 1
       }
    :: atomic {
           MAY_GO_BACK(who) && LOCK_FREE && a == A_VERIFY_RESTORED ->
           end_command();
           if
           :: RESTORED && SAFE -> free_target(); ret_good = 1
           :: else
           fi
       }
    :: !MAY_CHANGE(who) && (BEGINS(a) || a == A_CONFIRM || a == A_ARM)
    :: !MINE(who)
    fi
}

/* What a driver that was overtaken had decided on, and still does if nothing keeps it from that. */
proctype late_driver(byte action; bit begun_already)
{
    bit good, sent;

    if
    :: !begun_already -> begin_change(FIRST, action)
    :: else
    fi;
    act(FIRST, action, good, sent)
}

inline forget()
{
    action = 0;
    event = 0;
    to = 0;
    good = 0;
    sent = 0
}

/* Another driver goes on from a copy of the journal, and the plan knows of it. */
inline take_over()
{
    epoch = 1;
    me = SECOND;
    forget()
}

active proctype driver()
{
    byte me = FIRST, action, event, to;
    bit good, sent; /* sent: what was intended may have been */

    state = S_OPENED;
next:
    if
    :: goto gone
    :: atomic { OVERTAKEN -> take_over(); goto next }
    :: atomic { ENDED(state) -> goto ended }
    :: atomic {
           /* interrupted: what was intended is looked at, and goes on, is repeated, or fails */
           intent != 0 && LOCK_FREE ->
           end_command();
           action = intent;
           sent = 1;
           if
           :: action == A_ARM -> armed = 0
           :: else
           fi;
           if
           :: IS_DONE(action) -> good = 1; goto outcome
           :: intent = 0; repeats = action; forget(); goto next
           :: !IS_DONE(action) -> goto outcome
           fi
       }
    :: atomic { intent == 0 && GUARD_NEWS -> event = E_GUARD_FIRED; goto conclude }
    :: atomic {
           intent == 0 && MAY_ABORT(state) && !MAY_HAVE_CHANGED ->
           event = E_ABORT;
           goto conclude
       }
    :: atomic { intent == 0 && MAY_HAVE_CHANGED -> event = E_FAILED; goto conclude }
    :: atomic {
           intent == 0 && (CHANGED(state) || state == S_ROLLBACK_FAILED) ->
           event = E_ROLLBACK;
           goto conclude
       }
    :: atomic {
           intent == 0 && !GUARD_NEWS && state != S_ROLLBACK_FAILED && !ENDED(state) ->
           choose(state, action);
           assert(action != 0);
           intent = action;
           sent = (repeats != 0); /* by the driver that died */
           repeats = 0
       }
    fi;

begin:
    if
    :: atomic { forget(); goto next /* it dies, and is resumed */ }
    :: atomic { OVERTAKEN -> run late_driver(action, 0); take_over(); goto next }
    :: begin_change(me, action)
    fi;
    if
    :: atomic { BEGINS(action) -> forget(); goto next }
    :: atomic { BEGINS(action) && OVERTAKEN -> run late_driver(action, 1); take_over(); goto next }
    :: act(me, action, good, sent)
    fi;

wait:
    if
    :: atomic { forget(); goto next }
    :: atomic { OVERTAKEN -> take_over(); goto next }
    :: !SENDS(action) || !sent
    :: SENDS(action) && sent && flight == me && hung
    :: atomic {
           SENDS(action) && sent && flight != me && action != A_RESTORE_CODE ->
           good = IS_DONE(action)
       }
    :: atomic {
           sent && flight != me && action == A_RESTORE_CODE ->
           if
           :: MAY_GO_BACK(me) && !code && flight == NOBODY -> free_target(); good = 1
           :: else
           fi
       }
    fi;

outcome:
    if
    :: atomic { forget(); goto next }
    :: atomic {
           good ->
           event_of(state, action, event);
           watched = watched || action == A_OBSERVE_WINDOW;
           goto conclude
       }
    :: atomic { !(LOOKS_AGAIN(action) && IS_DONE(action)) -> fail(state, event); goto conclude }
    fi;

conclude:
    atomic {
        find(state, event, to);
        assert(to != NOWHERE);
        state = to;
        intent = 0;
        repeats = 0;
        seen = seen || event == E_GUARD_FIRED;
        arrive(to);
        if
        :: to == S_ROLLING_BACK || to == S_ABORTING -> parity = 0; watched = 0; restarted = 0
        :: else
        fi;
        forget();
        goto next
    }

ended:
    atomic {
        if
        :: event = E_ABORT
        :: event = E_ROLLBACK
        :: event = E_DONE
        :: event = E_FAILED
        :: event = E_UNKNOWN
        :: event = E_GUARD_FIRED
        fi;
        find(state, event, to);
        assert(to == NOWHERE)
    }

gone:
    skip
}

/* Nobody can do anything any more. */
active proctype end_of_all()
{
    timeout;
    assert(SETTLED)
}

#ifdef REACH
active proctype reach()
{
end:
    REACH -> assert(false)
}
#endif
