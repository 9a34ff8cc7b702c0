/* actions/target/bus: NATS on the target's side, reached through the target; the connection itself
 * is the world's (world->bus).
 * Knows:     how a payload is published and how all answers to a request are gathered; a publish
 *            proves nothing.
 * Evidence:  bus.publish, bus.policy_hash (journal/FORMAT.md).
 * Secrets:   one connection for each command; the password is read for it and wiped. */
#ifndef ACTIONS_BUS_H
#define ACTIONS_BUS_H

#include "actions/target/target.h"

/* *ret_sent is false when the server refused it (permissions). Evidence: bus.publish with the
 * payload; with status BUS_PUBLISH_LOST, and ERROR_UNREACHABLE, where the connection was lost while
 * it was being sent: then nobody knows whether it was. */
enum { BUS_PUBLISH_LOST = 2 };
enum error_code bus_publish(struct target *target, const char *subject, const char *payload,
                            struct evidence *evidence, bool *ret_sent, struct error *error) CHECKED;
struct bus_question {
    const char *probe, *subject, *payload;
    int64_t timeout_ms;
};
/* Status of a request without an answer: the server said that nobody subscribes to its subject, or
 * nothing came in time. */
enum { BUS_NO_RESPONDER = 1, BUS_NO_ANSWER = 2 };
/* Sends one request and gathers every answer until setup.bus.reply_ms after the first, or
 * timeout_ms without any. Evidence: one item for each answer, or one that says there was none.
 * *ret_answers counts them. ERROR_REFUSED, and no evidence: the server's permissions forbid the
 * question or its answer. */
enum error_code bus_request(struct target *target, const struct bus_question *question,
                            struct evidence *evidence, unsigned *ret_answers, struct error *error)
    CHECKED;
/* Subscribes to each subject and waits until a message came on each, for at most within_ms in all:
 * only what was sent after the subscription is received. FORBIDDEN and SILENT: *ret_at is the first
 * subject that the server did not permit, or that stayed silent. No evidence: the caller decides
 * what the result means. */
enum bus_received { BUS_RECEIVED, BUS_SILENT, BUS_FORBIDDEN };
enum error_code bus_listen(struct target *target, const struct setup_list *subjects,
                           int64_t within_ms, enum bus_received *ret_received, size_t *ret_at,
                           struct error *error) CHECKED;

#endif
