/* journal/format/agent_exchange: one request to an ssh-agent and its answer
 * (draft-miller-ssh-agent, section 3).
 * Shapes:    a message is its type, one byte, and what belongs to it; numbers and lengths in it are
 *            RFC 4251's uint32 (bytes.h). The length in front of a message is written and read
 *            here.
 * Knows:     the form and the deadline; not what is asked, nor what an answer means. */
#ifndef JOURNAL_FORMAT_AGENT_EXCHANGE_H
#define JOURNAL_FORMAT_AGENT_EXCHANGE_H

#include "journal/format/world.h"

enum agent_message {
    AGENT_FAILURE = 5,
    AGENT_LIST = 11,
    AGENT_KEYS = 12, /* how many; then of each key its blob and a comment */
    AGENT_SIGN = 13,
    AGENT_SIGNATURE = 14
};
enum { AGENT_MESSAGE_MAX = 256 * 1024, AGENT_LIST_MS = 5000 };

/* On a connection of its own to the socket at `path`. ERROR_TIMEOUT: no whole answer within
 * wait_ms, or none that is one; else the error of connecting. *ret_answer is the caller's and is
 * never empty. */
enum error_code agent_exchange(const struct world_local *local, const struct clock *clock,
                               const char *path, const struct bytes *request, int64_t wait_ms,
                               struct bytes *ret_answer, struct error *error) CHECKED;

#endif
