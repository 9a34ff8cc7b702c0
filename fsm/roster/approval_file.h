/* fsm/roster/approval_file: the two small files that travel between the driver's machine and an
 * approver's.
 * Knows:     their form (journal/FORMAT.md, "Carrying an approval") and what must agree within
 *            them; nothing of a journal, a roster or titan.yml.
 * Request:   holds the stored value of the `open` entry, whose hash stands in the statement:
 *            procedure, opener and reason that an approver reads are those that they sign. Target
 *            and subject are only the driver's word, and are shown as such.
 * Untrusted: both come from another machine: bounded, refused as ERROR_DAMAGED with what is wrong,
 *            printed escaped.
 * Ownership: the _free functions take an empty one; the texts belong to `json` and `open`. */
#ifndef FSM_APPROVAL_FILE_H
#define FSM_APPROVAL_FILE_H

#include <jansson.h>

#include "fsm/roster/approval.h"

struct approval_request {
    json_t *json, *parts, *open;  /* the file, the statement taken apart, the payload of `open` */
    const char *target, *subject; /* as the driver says */
    const char *procedure, *opener, *reason;
    int64_t deployment;
    const char *statement, *journal, *commit, *expect, *config, *env, *guard;
    const json_t *images, *partial; /* [{service, id}]; services, empty = all */
    uint8_t opener_key[KEY_BYTES];
};

/* What the approver hands back. `principal` is "" in a bare signature of ssh-keygen, and so is the
 * statement. */
struct approval_answer {
    json_t *json;
    struct bytes armor;
    const char *principal, *statement, *signature, *reason;
};

void approval_request_free(struct approval_request *request);
void approval_answer_free(struct approval_answer *answer);
#define CLEANUP_REQUEST __attribute__((cleanup(approval_request_free)))
#define CLEANUP_ANSWER __attribute__((cleanup(approval_answer_free)))

enum error_code approval_request_write(const char *path, struct driver *driver,
                                       const struct bytes *statement, struct error *error) CHECKED;
enum error_code approval_request_read(const struct world *world, const char *path,
                                      struct approval_request *ret_request, struct error *error)
    CHECKED;
void approval_request_print(FILE *stream, const struct approval_request *request);

enum error_code approval_answer_write(const struct world *world, const char *path,
                                      const struct approval *approval, const char *reason,
                                      struct error *error) CHECKED;
enum error_code approval_answer_read(const struct world *world, const char *path,
                                     struct approval_answer *ret_answer, struct error *error)
    CHECKED;

#endif
